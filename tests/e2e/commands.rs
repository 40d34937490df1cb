//! The other commands.

use crate::kit::Place;

#[test]
fn formats_are_listed_from_one_registry() {
    let place = Place::new();
    let human = place.yumen(&["formats"]);
    assert_eq!(human.code, 0);
    let json = place.yumen(&["formats", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let names: Vec<_> = json["formats"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    for name in [
        "zip", "docx", "tar", "gzip", "xz", "zstd", "bzip2", "lz4", "7z", "cpio", "ar", "deb", "rpm", "text", "json",
        "ndjson", "xml", "yaml", "csv",
    ] {
        assert!(names.contains(&name), "{name}");
        assert!(human.stdout.contains(name));
    }
}

#[test]
fn rules_can_be_listed_shown_checked_and_explained() {
    let place = Place::new();
    let list = place.yumen(&["rules", "list"]);
    assert_eq!(list.code, 0);
    for row in ["OTA-1", "SEC-1", "SS-0", "GEO-0", "PI", "PI-S", "P21-5", "MF-a", "DA-d", "CO-a", "RD-b", "VUL-a"] {
        assert!(list.stdout.contains(row), "{row}");
    }
    let show = place.yumen(&["rules", "show", "OTA-1", "--lang", "zh"]);
    assert!(show.code == 0 && show.stdout.contains("升级软件包源代码"), "{}", show.stdout);
    let check = place.yumen(&["rules", "check"]);
    assert!(check.code == 0 && check.stdout.contains("not-verified"));
    let kind = place.yumen(&["explain", "vehicle.vin"]);
    assert!(kind.code == 0 && kind.stdout.contains("vehicle.vin"));
}

#[test]
fn a_finding_is_explained_from_its_report() {
    let place = Place::new();
    place.file("a.pem", yumen_specimens::private_key_pem(3));
    let (_, report) = place.scan(&["a.pem"]);
    let id = report.finding("key.private", "a.pem")["id"].as_str().unwrap().to_owned();
    place.file("r.json", report.0.to_string());
    let ran = place.yumen(&["explain", &id, "--report", "r.json"]);
    assert!(ran.code == 0 && ran.stdout.contains("a.pem") && ran.stdout.contains("key.private"), "{}", ran.stdout);
}

#[test]
fn several_outputs_at_once() {
    let place = Place::new();
    place.file("a.txt", "plain\n");
    let ran =
        place.yumen(&["scan", "a.txt", "--format", "human", "--format", "json=r.json", "--format", "markdown=r.md"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("PASS"));
    assert!(std::fs::read_to_string(place.path().join("r.json")).unwrap().contains("yumen-report/1"));
    assert!(std::fs::read_to_string(place.path().join("r.md")).unwrap().contains("a.txt"));
    assert_eq!(ran.stderr.lines().count(), 1, "one last line for logs: {}", ran.stderr);
}

#[test]
fn reproducible_reports_are_identical() {
    let place = Place::new();
    place.file("a.txt", "plain\n");
    let run = || place.yumen(&["scan", "a.txt", "--format", "json", "--reproducible", "--as-of", "2026-11-23"]).stdout;
    assert_eq!(run(), run());
    assert!(!run().contains("\"run\""));
}

#[test]
fn the_version_is_told() {
    let ran = Place::new().yumen(&["--version"]);
    assert_eq!((ran.code, ran.stdout.trim()), (0, concat!("yumen ", env!("CARGO_PKG_VERSION"))));
}
