//! `--delta`: a package is reviewed by its difference against the cleared one.

use yumen_specimens::{Zip, gzip, private_key_pem, tar};

use crate::kit::Place;

fn package(version: &str, keys: Option<&str>) -> Vec<u8> {
    let mut rootfs = vec![("etc/version", version.as_bytes()), ("usr/lib/same.txt", b"the same in both\n".as_slice())];
    if let Some(keys) = keys {
        rootfs.push(("etc/keys/update.pem", keys.as_bytes()));
    }
    Zip::new().deflated("rootfs.tar.gz", &gzip(&tar(&rootfs))).deflated("README.txt", b"read me\n").finish()
}

#[test]
fn the_new_package_is_reviewed_by_its_difference() {
    let place = Place::new();
    let old = private_key_pem(3);
    let new = private_key_pem(4);
    place.file("old.zip", package("1.0\n", Some(&old)));
    place.file("new.zip", package("1.1\n", Some(&new)));
    let (code, report) = place.scan(&["old.zip", "new.zip", "--delta"]);
    assert_eq!(code, 1, "the new package holds a key");
    let delta = &report.0["delta"];
    let paths = |list: &str| -> Vec<String> {
        delta[list].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap().to_owned()).collect()
    };
    let inner = "!/rootfs.tar.gz!/rootfs.tar!/";
    assert_eq!(paths("changed"), [format!("{inner}etc/keys/update.pem"), format!("{inner}etc/version")]);
    assert!(paths("added").is_empty() && paths("dropped").is_empty());
    assert_eq!(delta["unchanged"], 2);
    assert_eq!(delta["new_findings"].as_array().unwrap().len(), 1, "another key is a new finding");
    assert_eq!(delta["baseline"]["path"], "old.zip");
    assert_eq!(report.0["inputs"].as_array().unwrap().len(), 1);
    // The key of the old package is no part of the shipment.
    assert_eq!(report.0["findings"].as_array().unwrap().iter().filter(|f| f["kind"] == "key.private").count(), 1);
    let human = place.yumen(&["scan", "old.zip", "new.zip", "--delta"]);
    assert!(human.stdout.contains("Against old.zip") && human.stdout.contains("etc/version"), "{}", human.stdout);
}

#[test]
fn the_verdict_is_the_new_packages_own() {
    let place = Place::new();
    place.file("old.zip", package("1.0\n", Some(&private_key_pem(3))));
    place.file("new.zip", package("1.1\n", None));
    let (code, report) = place.scan(&["old.zip", "new.zip", "--delta"]);
    assert_eq!(code, 0);
    assert_eq!(report.0["delta"]["gone_findings"][0]["kind"], "key.private");
    // Bytes are counted for the new package only.
    let (_, alone) = place.scan(&["new.zip"]);
    assert_eq!(report.0["coverage"], alone.0["coverage"]);
    assert_eq!(report.0["artifacts"], alone.0["artifacts"]);
}

#[test]
fn folders_are_compared_below_their_names() {
    let place = Place::new();
    for (name, text) in [("v1/a/x.txt", "one"), ("v1/b.txt", "b"), ("v2/a/x.txt", "two"), ("v2/c.txt", "b")] {
        place.file(name, text);
    }
    let (_, report) = place.scan(&["v1", "v2/", "--delta"]);
    let delta = &report.0["delta"];
    assert_eq!(delta["changed"][0]["path"], "a/x.txt");
    assert_eq!((&delta["moved"][0]["path"], &delta["moved"][0]["from"]), (&"c.txt".into(), &"b.txt".into()));
}

#[test]
fn other_than_two_paths_are_an_error() {
    let place = Place::new();
    place.file("a.txt", "a");
    let ran = place.yumen(&["scan", "a.txt", "--delta"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("yumen::usage::delta") && ran.stderr.contains("1 given"), "{}", ran.stderr);
}
