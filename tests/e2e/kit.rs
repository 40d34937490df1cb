//! A folder to work in, and the command.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A temporary folder in which the command runs.
pub struct Place {
    dir: tempfile::TempDir,
}

/// What the command did.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Self {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yumen"));
        command.current_dir(self.path()).args(args).env("LC_ALL", "C").env_remove("NO_COLOR").stdin(Stdio::null());
        command
    }

    pub fn yumen(&self, args: &[&str]) -> Ran {
        let out = self.command(args).output().unwrap();
        Ran {
            code: out.status.code().unwrap_or(-1),
            stdout: String::from_utf8(out.stdout).unwrap(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// Scans with `--format json`; the exit code and the report.
    pub fn scan(&self, args: &[&str]) -> (i32, Report) {
        let all: Vec<&str> = ["scan", "--format", "json"].iter().chain(args).copied().collect();
        let ran = self.yumen(&all);
        let json = serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|e| panic!("{e}\nstdout: {}\nstderr: {}", ran.stdout, ran.stderr));
        let report = Report(json);
        report.check();
        (ran.code, report)
    }
}

/// A JSON report.
pub struct Report(pub Value);

impl Report {
    /// What must hold of every report.
    fn check(&self) {
        let schema: Value =
            serde_json::from_str(include_str!("../../schemas/report.schema.json")).expect("the schema is JSON");
        let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
        let errors: Vec<_> = validator.iter_errors(&self.0).map(|e| e.to_string()).take(5).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let c = &self.0["coverage"];
        let n = |key: &str| c[key].as_u64().unwrap();
        assert_eq!(n("total"), n("inspected") + n("container") + n("opaque"));
        let by_reason: u64 = c["opaque_by_reason"].as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum();
        assert_eq!(n("opaque"), by_reason);
        let listed: u64 = self.list("opaque").iter().map(|o| o["bytes"].as_u64().unwrap()).sum();
        assert_eq!(n("opaque"), listed);
        let outcome = self.0["verdict"]["outcome"].as_str().unwrap();
        assert!(outcome == "pass" || outcome == "hold");
    }

    pub fn list(&self, key: &str) -> &[Value] {
        self.0[key].as_array().map_or(&[], Vec::as_slice)
    }

    pub fn outcome(&self) -> &str {
        self.0["verdict"]["outcome"].as_str().unwrap()
    }

    pub fn route(&self) -> &str {
        self.0["verdict"]["route"].as_str().unwrap()
    }

    /// Kind and artifact of every finding that is no mere inventory.
    pub fn found(&self) -> Vec<(String, String)> {
        let inventory = |k: &str| yumen_model::KindId::named(k).is_some_and(|k| k.info().inventory);
        self.list("findings")
            .iter()
            .map(|f| (text(&f["kind"]), text(&f["artifact"])))
            .filter(|(kind, _)| !inventory(kind))
            .collect()
    }

    pub fn finding(&self, kind: &str, artifact: &str) -> &Value {
        let found = self.list("findings").iter().find(|f| f["kind"] == kind && f["artifact"] == artifact);
        found.unwrap_or_else(|| panic!("no {kind} in {artifact}: {:#?}", self.found()))
    }

    pub fn reasons(&self) -> String {
        self.0["verdict"]["reasons"].to_string()
    }

    pub fn question_keys(&self) -> Vec<String> {
        self.0["verdict"]["questions"].as_array().unwrap().iter().map(|q| text(&q["key"])).collect()
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
