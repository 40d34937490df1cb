//! The images that the field's own tools made, through the built command: what an independent tool found in them stands in the report, and damage is told.

use std::collections::HashSet;
use std::path::Path;

use yumen_kit_container::testing::{fixture, noise, truth};

use crate::kit::{Place, text};

/// Topic and name of every fixture.
fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    let mut names = Vec::new();
    for topic in std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in std::fs::read_dir(&topic).unwrap().map(|e| e.unwrap().path()) {
            let name = |p: &Path| p.file_name().unwrap().to_str().unwrap().to_owned();
            if let Some(stem) = name(&file).strip_suffix(".xz") {
                names.push((name(&topic), stem.to_owned()));
            }
        }
    }
    names.sort();
    assert!(names.len() > 5, "the fixtures are there");
    names
}

#[test]
fn what_an_independent_tool_found_stands_in_the_report() {
    let place = Place::new();
    for (topic, name) in all() {
        place.file(&format!("in/{topic}/{name}"), fixture(&topic, &name));
    }
    let (_, report) = place.scan(&["in", "--artifacts", "all"]);
    let listed: HashSet<(String, u64)> =
        report.list("artifacts").iter().map(|a| (text(&a["path"]), a["bytes"].as_u64().unwrap())).collect();
    let mut missing = Vec::new();
    for (topic, name) in all() {
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/fixtures/{topic}/{name}.files"));
        // What a repository holds by content address, volumes with their reserve, and streams named by their file, have other names and sizes there; unit tests compare them.
        if !files.exists() || ["lzop", "ostree", "ubi"].contains(&topic.as_str()) {
            continue;
        }
        let below = format!("in/{topic}/{name}!/");
        let inside: Vec<_> = listed.iter().filter(|(path, _)| path.starts_with(&below)).collect();
        for (_, bytes, path) in truth(&topic, &name) {
            // A raw signature is part of its package.
            if path.ends_with(".sig") {
                continue;
            }
            // Names of persons' numbers are masked in paths; the size tells.
            let masked = path.contains(|c: char| !c.is_ascii());
            let end = format!("!/{path}");
            let plain = |p: &str| p.rsplit_once('#').map_or(p, |(head, _)| head).to_owned();
            if !inside.iter().any(|(p, n)| *n == bytes && (p.ends_with(&end) || plain(p).ends_with(&end) || masked)) {
                missing.push(format!("{topic}/{name}: {path} ({bytes} bytes)"));
            }
        }
    }
    assert!(missing.is_empty(), "{} missing: {:#?}", missing.len(), &missing[..missing.len().min(40)]);
    let crashed: Vec<_> =
        report.list("artifacts").iter().filter(|a| a["notes"].to_string().contains("\"crashed\"")).collect();
    assert!(crashed.is_empty(), "{crashed:#?}");
}

#[test]
fn damaged_images_are_told_and_nothing_crashes() {
    let place = Place::new();
    for (topic, name) in all() {
        let whole = fixture(&topic, &name);
        for percent in [10, 50, 99] {
            let cut = whole.len() * percent / 100;
            place.file(&format!("in/{topic}/cut{percent}/{name}"), &whole[..cut.max(1)]);
        }
        let mut flipped = whole.clone();
        for pair in noise(whole.len() as u64, 64).chunks(4) {
            let at = pair.iter().fold(0usize, |a, b| a << 8 | usize::from(*b)) % whole.len();
            flipped[at] ^= 1 << (pair[0] & 7);
        }
        place.file(&format!("in/{topic}/flipped/{name}"), flipped);
    }
    let (code, report) = place.scan(&["in", "--artifacts", "all"]);
    assert_eq!(code, 1);
    assert_eq!(report.0["complete"], true);
    let crashed: Vec<_> =
        report.list("artifacts").iter().filter(|a| a["notes"].to_string().contains("\"crashed\"")).collect();
    assert!(crashed.is_empty(), "{crashed:#?}");
}
