use yumen_kit_container::testing::{abuse, identify, inspect};
use yumen_model::kind::kinds;

use super::super::testing::strangers_are_left_alone;
use crate::OtaPlugin;

/// A table of trees at given places: offset, length, id.
fn table(entries: &[(u32, u32, u32)], bodies: &[(usize, &[u8])]) -> Vec<u8> {
    let end = bodies.iter().map(|(at, b)| at + b.len()).max().unwrap_or(64);
    let mut out = Vec::new();
    for n in [0xd7b7_ab1e, end as u32, 32, 32, entries.len() as u32, 32, 2048, 0] {
        out.extend(n.to_be_bytes());
    }
    for &(offset, len, id) in entries {
        for n in [len, offset, id, 0, 0, 0, 0, 0] {
            out.extend(n.to_be_bytes());
        }
    }
    out.resize(end.max(out.len()), 0);
    for (at, body) in bodies {
        out[*at..at + body.len()].copy_from_slice(body);
    }
    out
}

#[test]
fn trees_are_handed_over_once_however_many_entries_point_to_them() {
    let mut image = table(&[(200, 5, 7), (208, 6, 8), (200, 5, 9)], &[(200, b"first"), (208, b"second")]);
    image.resize(8192, 0);
    let out = inspect(&OtaPlugin, "dtbo.img", &image);
    assert_eq!(out.format, "dtbo");
    out.assert_clear();
    assert_eq!(out.names(), ["dtb-1", "dtb-2"]);
    assert_eq!(out.child("dtb-2").bytes, b"second");
    let p = &out.item(kinds::FIRMWARE_IMAGE).properties;
    assert_eq!(p["board"], serde_json::json!(["0x7/0x0", "0x8/0x0", "0x9/0x0"]));
    abuse(&OtaPlugin, "dtbo", "dtbo.img", &image, 80);
    // Entries that lead out of the image.
    let out = inspect(&OtaPlugin, "dtbo.img", &table(&[(u32::MAX, 5, 0), (200, 500, 0)], &[(200, b"first")]));
    assert!(out.noted("truncated"));
    out.assert_counted();
}

#[test]
fn qualcomms_tables_are_little_endian() {
    let mut image = b"QCDT".to_vec();
    for n in [3u32, 1] {
        image.extend(n.to_le_bytes());
    }
    for n in [184u32, 0, 0x20001, 0, 0, 0, 0, 0, 2048, 4] {
        image.extend(n.to_le_bytes());
    }
    image.resize(2048, 0);
    image.extend(b"tree");
    image.resize(4096, 0);
    let out = inspect(&OtaPlugin, "dt", &image);
    assert_eq!(out.format, "qcdt");
    out.assert_clear();
    assert_eq!(out.child("dtb-1").bytes, b"tree");
    abuse(&OtaPlugin, "qcdt", "dt", &image, 60);
}

#[test]
fn other_things_are_left_alone() {
    strangers_are_left_alone(&["dtbo.img"]);
    assert_eq!(identify(&OtaPlugin, "dtbo.img", b"\xd7\xb7\xab\x1e and then prose that is no table at all"), None);
    assert_eq!(identify(&OtaPlugin, "dt", b"QCDT, written in prose, is no table of trees"), None);
}
