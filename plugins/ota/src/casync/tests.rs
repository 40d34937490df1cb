use yumen_kit_container::testing::{abuse, fixture, identify, inspect, noise, truth};
use yumen_model::Reason;
use yumen_model::kind::kinds;

use crate::OtaPlugin;

#[test]
fn archives_hold_what_casync_extracts() {
    for name in ["all.catar", "plain.catar"] {
        let r = inspect(&OtaPlugin, name, &fixture("casync", name));
        r.assert_clear();
        assert_eq!(r.files(), truth("casync", name), "{name}");
        assert!(
            !r.noted("truncated") && !r.noted("bad-entry") && r.noted("directory-entries"),
            "{name}: {:?}",
            r.notes
        );
    }
    let r = inspect(&OtaPlugin, "all.catar", &fixture("casync", "all.catar"));
    assert!(r.noted("link") && r.noted("special-file"));
    assert!(r.texts.concat().contains("../etc/hosts"));
    assert!(r.texts.concat().contains("13800138000"), "values of attributes are shown");
    assert_eq!(r.child("etc/hosts").meta.attributes["mode"], 0o644);
    assert_eq!(r.child("etc/hosts").meta.attributes["mtime"], 1_767_225_600);
}

#[test]
fn an_index_is_no_clean_content() {
    for (name, chunks, size) in [("tree.caidx", None, None), ("large.caibx", None, Some(375_992u64))] {
        let r = inspect(&OtaPlugin, name, &fixture("casync", name));
        r.assert_clear();
        assert!(r.noted("spanned") && !r.noted("truncated") && !r.noted("corrupt"));
        assert_eq!(r.labels.inspected, 0, "so that the note holds the shipment");
        let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
        assert!(p["chunks"].as_u64().unwrap() >= 1);
        assert!(size.is_none_or(|s| p["bytes"] == s) && chunks.is_none_or(|c: u64| p["chunks"] == c));
    }
    let mut broken = fixture("casync", "large.caibx");
    broken.extend_from_slice(b"behind");
    let r = inspect(&OtaPlugin, "x.caibx", &broken);
    assert_eq!(r.child("[after]").bytes, b"behind");
}

#[test]
fn a_cut_archive_gives_what_is_there() {
    let whole = fixture("casync", "all.catar");
    let r = inspect(&OtaPlugin, "x.catar", &whole[..whole.len() / 2]);
    r.assert_counted();
    assert!(r.noted("truncated"));
    assert!(!r.children.is_empty());
    assert_eq!(r.labels.opaque.get(&Reason::UnknownFormat), None);
}

#[test]
fn other_things_are_none() {
    assert_eq!(identify(&OtaPlugin, "a.catar", &noise(1, 500)), None);
    let mut one = fixture("casync", "all.catar")[..64].to_vec();
    assert!(identify(&OtaPlugin, "a", &one).is_some());
    one[25] = 0x30;
    assert_eq!(identify(&OtaPlugin, "a", &one), None);
}

#[test]
fn damaged_archives_are_read_without_harm() {
    for name in ["all.catar", "plain.catar", "tree.caidx", "large.caibx"] {
        abuse(&OtaPlugin, "casync", name, &fixture("casync", name), 100);
    }
}
