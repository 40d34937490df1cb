//! The example shipments of the README.

use std::path::Path;
use std::process::Command;

fn scan(args: &[&str]) -> (Option<i32>, serde_json::Value) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = Command::new(env!("CARGO_BIN_EXE_yumen"))
        .current_dir(root)
        .args(["scan", "--format", "json", "--as-of", "2026-11-23"])
        .args(args)
        .output()
        .unwrap();
    (out.status.code(), serde_json::from_slice(&out.stdout).unwrap())
}

#[test]
fn the_first_may_go() {
    let (code, report) = scan(&[
        "tests/shipments/aftersales-de/payload",
        "--shipment",
        "tests/shipments/aftersales-de/shipment.yaml",
        "--prior-personal",
        "1200",
        "--prior-sensitive",
        "40",
    ]);
    assert_eq!(code, Some(0), "{:#}", report["verdict"]);
    assert_eq!(report["verdict"]["route"], "standard-contract-or-certification");
}

#[test]
fn the_other_is_held_with_its_questions() {
    let (code, report) = scan(&["tests/shipments/held/payload"]);
    assert_eq!(code, Some(1));
    let keys: Vec<_> = report["verdict"]["questions"].as_array().unwrap().iter().map(|q| q["key"].clone()).collect();
    assert!(keys.contains(&"processor.ciio".into()) && keys.contains(&"accept".into()), "{keys:?}");
    assert!(report["notes"].as_array().unwrap().iter().any(|n| n["code"] == "rows-not-looked-for"));
}
