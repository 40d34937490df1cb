use std::collections::BTreeMap;

use yumen_kit_container::testing::{Recorded, abuse, fixture, identify, inspect, noise, sha256, truth};
use yumen_model::kind::kinds;

use super::Kind;
use crate::OtaPlugin;

/// The files of the repository: its tar is in the simplest form.
fn repo() -> BTreeMap<String, Vec<u8>> {
    let tar = fixture("ostree", "repo.tar");
    let mut files = BTreeMap::new();
    let (mut at, mut long) = (0, None);
    while at + 512 <= tar.len() && tar[at] != 0 {
        let header = &tar[at..at + 512];
        let text = |r: std::ops::Range<usize>| {
            String::from_utf8(header[r].iter().copied().take_while(|&b| b != 0).collect()).unwrap()
        };
        let size = usize::from_str_radix(text(124..136).trim(), 8).unwrap();
        let content = tar[at + 512..at + 512 + size].to_vec();
        match header[156] {
            b'L' => long = Some(String::from_utf8(content).unwrap().trim_end_matches('\0').to_owned()),
            b'0' => {
                files.insert(long.take().unwrap_or_else(|| text(0..100)), content);
            }
            _ => {}
        }
        at += 512 + size.next_multiple_of(512);
    }
    files
}

fn each(kind: impl Fn(Kind) -> bool) -> Vec<(String, Recorded)> {
    let chosen = repo().into_iter().filter(|(name, _)| Kind::named(name).is_some_and(&kind));
    chosen.map(|(name, bytes)| (name.clone(), inspect(&OtaPlugin, &name, &bytes))).collect()
}

#[test]
fn every_object_is_read_to_its_last_byte() {
    let all = each(|_| true);
    let kinds: Vec<_> = all.iter().filter_map(|(name, _)| Kind::named(name)).collect();
    for kind in [Kind::Commit, Kind::Tree, Kind::TreeMeta, Kind::File, Kind::Summary, Kind::Superblock, Kind::Part] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    for (name, r) in &all {
        r.assert_clear();
        assert_eq!(r.format, "ostree", "{name}");
    }
}

#[test]
fn files_are_those_that_a_checkout_has() {
    let files: Vec<_> = each(|k| k == Kind::File).into_iter().flat_map(|(_, r)| r.children).collect();
    let digests: Vec<_> = files.iter().map(|c| sha256(&c.bytes)).collect();
    for (digest, _, name) in truth("ostree", "repo.tar") {
        assert!(digests.contains(&digest), "{name}");
    }
    assert!(files.iter().all(|c| c.complete && c.meta.attributes["uid"] == 1000));
}

#[test]
fn names_subjects_and_versions_are_told() {
    let commits = each(|k| k == Kind::Commit);
    assert_eq!(commits.len(), 2);
    for (_, r) in &commits {
        assert!(r.texts.concat().contains("call 13800138000 for help"));
        let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
        assert!(p["version"] == "1.2" || p["version"] == "1.3");
        assert_eq!((&p["timestamp"], &p["refs"]), (&1_767_225_600u64.into(), &serde_json::json!(["main"])));
    }
    let trees: String = each(|k| k == Kind::Tree).into_iter().flat_map(|(_, r)| r.texts).collect();
    assert!(["hosts", "文档", "记录.txt", "large.txt"].iter().all(|name| trees.contains(name)));
    let summary = each(|k| k == Kind::Summary);
    assert_eq!(summary[0].1.item(kinds::SOFTWARE_PACKAGE).properties["refs"], serde_json::json!(["main"]));
    let links = each(|k| k == Kind::File).into_iter().filter(|(_, r)| r.noted("link")).count();
    assert_eq!(links, 1);
}

#[test]
fn names_alone_prove_nothing() {
    for (name, bytes) in repo() {
        if let Some(kind) = Kind::named(&name) {
            assert_eq!(identify(&OtaPlugin, &name, &noise(7, bytes.len().max(40))), None, "{kind:?}");
            assert_eq!(identify(&OtaPlugin, &name, b"some text that is long enough for anything\n"), None, "{kind:?}");
        }
    }
    assert_eq!(identify(&OtaPlugin, "notes.commit", b"a"), None);
}

#[test]
fn damaged_objects_are_read_without_harm() {
    for (name, bytes) in repo() {
        if Kind::named(&name).is_some() && bytes.len() < 20_000 {
            abuse(&OtaPlugin, "ostree", &name, &bytes, 20);
        }
    }
}
