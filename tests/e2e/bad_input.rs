//! Bad input: a clear diagnostic each, or a coverage fact and a hold.

use yumen_specimens::{Zip, person, tar};

use crate::kit::{Place, text};

#[test]
fn a_missing_path() {
    let place = Place::new();
    let ran = place.yumen(&["scan", "no/such.zip", "nor/this"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("no/such.zip") && ran.stderr.contains("nor/this"), "{}", ran.stderr);
    assert!(ran.stdout.is_empty());
}

#[test]
fn wrong_usage() {
    let place = Place::new();
    place.file("a.txt", "x");
    for args in [
        &["scan"][..],
        &["scan", "a.txt", "--format", "pdf"],
        &["scan", "a.txt", "--format", "json", "--format", "markdown"],
        &["scan", "a.txt", "--as-of", "2026-02-30"],
        &["scan", "a.txt", "--exclude", "a[b"],
        &["scan", "a.txt", "--history"],
        &["scan", "a.txt", "--rulebook", "no-such-book"],
        &["explain", "no.such.kind"],
        &["frobnicate"],
    ] {
        let ran = place.yumen(args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.trim().is_empty(), "{args:?}");
    }
}

#[test]
fn malformed_manifests() {
    let place = Place::new();
    place.file("a.txt", "x");
    for (what, yaml) in [
        ("bad indentation", "shipment: a\n  recipient: {name: x\n"),
        ("tab", "shipment: a\nfacts:\n\tupgrade.vehicles-in-china: false\n"),
        ("wrong type", "shipment: a\nfacts: [1, 2]\n"),
        ("unknown key", "shipment: a\nrecipiant: {name: x, country: DE}\n"),
        ("duplicate key", "shipment: a\nshipment: b\n"),
        ("unknown fact", "shipment: a\nfacts: {upgrade.vehicles-in-chin: true}\n"),
    ] {
        place.file("s.yaml", yaml);
        let ran = place.yumen(&["scan", "a.txt", "--shipment", "s.yaml"]);
        assert_eq!(ran.code, 2, "{what}: {}", ran.stdout);
        assert!(ran.stderr.contains("s.yaml"), "{what} names the file: {}", ran.stderr);
    }
}

#[test]
fn malformed_rules() {
    let place = Place::new();
    place.file("a.txt", "x");
    place.file("rules.yaml", "rulebook: x\nrows:\n  - id: A\n    wen: {found: no.such}\n");
    let ran = place.yumen(&["rules", "check", "rules.yaml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("rules.yaml") && ran.stderr.contains("wen"), "{}", ran.stderr);
    place.file("yumen.yaml", "loosen:\n  - {row: PI}\n");
    let ran = place.yumen(&["scan", "a.txt", "--config", "yumen.yaml"]);
    assert_eq!(ran.code, 2, "loosening needs a reason");
}

#[test]
fn a_config_in_the_scanned_tree_is_content() {
    let place = Place::new();
    place.file("in/yumen.yaml", "rows: [}\n");
    place.file("in/.gitignore", "*\n");
    place.file("in/hidden.txt", format!("手机号 {}\n", person(1).phone));
    let (code, report) = place.scan(&["in"]);
    assert_eq!(code, 1);
    report.finding("person.phone", "in/hidden.txt");
}

#[test]
fn truncated_archives_hold_and_what_can_be_read_is_read() {
    let place = Place::new();
    let csv = format!("姓名,手机号\n{},{}\n", person(1).name, person(1).phone);
    let noise = yumen_specimens::Numbers::new(3).bytes(30_000);
    let zip = Zip::new().deflated("a.csv", csv.as_bytes()).stored("big.bin", &noise).finish();
    place.file("cut.zip", &zip[..zip.len() - 20_000]);
    let tar = tar(&[("a.csv", csv.as_bytes()), ("big.bin", &noise)]);
    place.file("cut.tar", &tar[..tar.len() - 20_000]);
    for name in ["cut.zip", "cut.tar"] {
        let (code, report) = place.scan(&[name]);
        assert_eq!((code, report.outcome()), (1, "hold"), "{name}");
        report.finding("person.phone", &format!("{name}!/a.csv"));
        assert!(report.0["coverage"]["opaque"].as_u64().unwrap() > 0, "{name}");
        let whole = report.list("artifacts").iter().find(|a| a["path"] == name).map(|a| text(&a["format"]));
        assert_eq!(whole.as_deref(), name.split('.').next_back(), "a broken body keeps its format");
    }
}

#[test]
fn a_folder_that_contains_itself() {
    let place = Place::new();
    place.file("in/a.txt", "plain\n");
    std::os::unix::fs::symlink("..", place.path().join("in/up")).unwrap();
    std::os::unix::fs::symlink(".", place.path().join("in/self")).unwrap();
    let (_, report) = place.scan(&["in"]);
    let noted: Vec<_> = report.list("artifacts").iter().map(|a| text(&a["path"])).collect();
    assert_eq!(noted, ["in/self", "in/up"]);
}

#[test]
fn an_unreadable_file() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let place = Place::new();
    place.file("in/a.txt", "plain\n");
    let locked = place.file("in/locked.txt", "plain\n");
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&locked, 0o000);
    mode(place.path(), 0o755);
    // The superuser may read everything: the command runs as nobody then.
    let superuser = std::fs::File::open(&locked).is_ok();
    let run = |args: &[&str]| {
        let mut command = place.command(args);
        if superuser {
            command.uid(65534);
        }
        command.output()
    };
    let Ok(out) = run(&["scan", "in", "--format", "json"]) else {
        assert!(superuser, "only another user may be kept from running the command");
        return;
    };
    assert_eq!(out.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["opaque"][0]["reason"], "unreadable");
    assert_eq!(report["opaque"][0]["artifact"], "in/locked.txt");
    let out = run(&["scan", "in/locked.txt"]).unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("permission denied"));
}

#[test]
fn an_interrupted_scan_says_so() {
    let place = Place::new();
    let big = yumen_specimens::harmless_source(1, 8 << 20);
    for i in 0..40 {
        place.file(&format!("in/{i}.rs"), &big);
    }
    let mut child = place
        .command(&["scan", "in", "--format", "json", "--jobs", "1"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    wait_for_handler(&pid);
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut json = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut json).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["complete"], false);
    assert_eq!(report["verdict"]["outcome"], "hold");
}

/// Waits until a process catches SIGINT, and a little more.
fn wait_for_handler(pid: &str) {
    for _ in 0..500 {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|l| l.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        std::thread::sleep(std::time::Duration::from_millis(20));
        if caught & 0b10 != 0 {
            break;
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
}

#[test]
fn a_timeout_is_a_coverage_fact() {
    let place = Place::new();
    place.file("a.txt", "plain\n");
    let (code, report) = place.scan(&["a.txt", "--timeout", "0s"]);
    assert_eq!(code, 1);
    assert_eq!(report.0["complete"], true);
    assert_eq!(text(&report.list("opaque")[0]["reason"]), "timed-out");
}
