//! The pipeline integrations of `docs/pipelines`: their own scripts are run as each system would run them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use yumen_specimens::private_key_pem;

use crate::kit::Place;

fn pipelines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pipelines").canonicalize().unwrap()
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(pipelines().join(name)).unwrap()).unwrap()
}

/// A place with packages that pass and hold, and one that is not there.
fn place() -> Place {
    let place = Place::new();
    place.file("pass/notes.txt", "nothing that matters\n");
    place.file("hold/it's.pem", private_key_pem(5));
    place
}

const CASES: [(&str, i32, &str); 3] = [("pass", 0, "pass"), ("hold/it's.pem", 1, "hold"), ("missing.zip", 2, "error")];

fn run(place: &Place, script: &str, env: &[(&str, &str)]) -> Output {
    let mut command = Command::new("bash");
    command.args(["-e", "-c", script]).current_dir(place.path()).env("LC_ALL", "C");
    command.env("YUMEN", env!("CARGO_BIN_EXE_yumen"));
    command.envs(env.iter().copied()).output().unwrap()
}

fn report(place: &Place, folder: &str) -> Option<Value> {
    let text = std::fs::read_to_string(place.path().join(folder).join("yumen-report.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn the_shell_gate_ends_as_the_scan_does_and_keeps_the_reports() {
    let gate = pipelines().join("gate.sh");
    for (package, code, outcome) in CASES {
        let place = place();
        let out = run(&place, "sh \"$GATE\" \"$PACKAGE\"", &[("GATE", gate.to_str().unwrap()), ("PACKAGE", package)]);
        assert_eq!(out.status.code(), Some(code), "{package}: {}", String::from_utf8_lossy(&out.stderr));
        let told = report(&place, "yumen-reports").map(|r| r["verdict"]["outcome"].as_str().unwrap().to_owned());
        assert_eq!(told.as_deref(), (code < 2).then_some(outcome));
        assert_eq!(place.path().join("yumen-reports/yumen-report.md").exists(), code < 2);
    }
}

#[test]
fn the_shell_gate_tells_the_difference_and_never_passes_without_a_report() {
    let place = place();
    place.file("old/notes.txt", "before\n");
    let gate = pipelines().join("gate.sh");
    let gate = gate.to_str().unwrap();
    let out = run(&place, "sh \"$GATE\" pass", &[("GATE", gate), ("YUMEN_BASELINE", "old"), ("YUMEN_REPORTS", "r")]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(report(&place, "r").unwrap()["delta"]["changed"][0]["path"], "notes.txt");
    let out = run(&place, "sh \"$GATE\" pass", &[("GATE", gate), ("YUMEN", "true"), ("YUMEN_REPORTS", "none")]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn the_github_action_sets_outcome_report_and_summary() {
    let action = yaml("github/action.yml");
    assert_eq!(action["runs"]["using"], "composite");
    let step = &action["runs"]["steps"][0];
    assert!(!step["run"].as_str().unwrap().contains("${{"), "inputs never become script");
    for (fail_on_hold, hold_code) in [("true", 1), ("false", 0)] {
        for (package, code, outcome) in CASES {
            let code = if outcome == "hold" { hold_code } else { code };
            let place = place();
            let (output, summary) = (place.file("out.txt", ""), place.file("summary.md", ""));
            // The runner puts inputs where the expressions stand.
            let inputs = |name: &str| match name {
                "package" => package.to_owned(),
                "fail-on-hold" => fail_on_hold.to_owned(),
                "yumen" => env!("CARGO_BIN_EXE_yumen").to_owned(),
                other => action["inputs"][other]["default"].as_str().unwrap().to_owned(),
            };
            let mut env: Vec<(String, String)> = Vec::new();
            for (name, value) in step["env"].as_object().unwrap() {
                let expression = value.as_str().unwrap();
                let input = expression.strip_prefix("${{ inputs.").and_then(|e| e.strip_suffix(" }}")).unwrap();
                env.push((name.clone(), inputs(input)));
            }
            let here = pipelines().join("github");
            for (name, path) in
                [("GITHUB_ACTION_PATH", &here), ("GITHUB_OUTPUT", &output), ("GITHUB_STEP_SUMMARY", &summary)]
            {
                env.push((name.to_owned(), path.to_str().unwrap().to_owned()));
            }
            let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let out = run(&place, step["run"].as_str().unwrap(), &env);
            assert_eq!(out.status.code(), Some(code), "{package}: {}", String::from_utf8_lossy(&out.stderr));
            let outputs = std::fs::read_to_string(&output).unwrap();
            assert!(outputs.lines().any(|l| l == format!("outcome={outcome}")), "{outputs}");
            assert_eq!(std::fs::read_to_string(&summary).unwrap().is_empty(), outcome == "error");
        }
    }
}

#[test]
fn the_gitlab_job_runs_the_gate() {
    let job = &yaml("gitlab.yml")[".yumen-gate"];
    let gate = pipelines().join("gate.sh");
    for (package, code, _) in CASES {
        let place = place();
        let mut env: Vec<(&str, &str)> =
            job["variables"].as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
        env.extend([
            ("YUMEN", env!("CARGO_BIN_EXE_yumen")),
            ("YUMEN_GATE", gate.to_str().unwrap()),
            ("YUMEN_PACKAGE", package),
        ]);
        let script: Vec<&str> = job["script"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
        let out = run(&place, &script.join("\n"), &env);
        assert_eq!(out.status.code(), Some(code), "{package}: {}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(report(&place, "yumen-reports").is_some(), code < 2);
    }
}

#[test]
fn the_jenkins_stage_runs_the_gate() {
    let jenkinsfile = std::fs::read_to_string(pipelines().join("Jenkinsfile")).unwrap();
    let script = jenkinsfile.split("sh '''").nth(1).and_then(|rest| rest.split("'''").next()).unwrap();
    for (package, code, _) in CASES {
        let place = place();
        std::fs::create_dir_all(place.path().join("docs/pipelines")).unwrap();
        std::fs::copy(pipelines().join("gate.sh"), place.path().join("docs/pipelines/gate.sh")).unwrap();
        let env = [("YUMEN_PACKAGE", package), ("YUMEN_SHIPMENT", ""), ("YUMEN_BASELINE", "")];
        let out = run(&place, script, &env);
        assert_eq!(out.status.code(), Some(code), "{package}: {}", String::from_utf8_lossy(&out.stderr));
    }
}
