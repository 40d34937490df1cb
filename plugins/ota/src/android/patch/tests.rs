use std::io::Write;

use yumen_kit_container::testing::{abuse, identify, inspect, prose};
use yumen_model::Reason;

use super::super::testing::strangers_are_left_alone;
use crate::OtaPlugin;

fn bz(data: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    out.write_all(data).unwrap();
    out.finish().unwrap()
}

fn bsdiff(extra: &[u8]) -> Vec<u8> {
    let (control, difference, extra) = (bz(&[0; 24]), bz(&[0; 100]), bz(extra));
    let mut out = b"BSDIFF40".to_vec();
    for n in [control.len(), difference.len(), 1000] {
        out.extend((n as u64).to_le_bytes());
    }
    [out, control, difference, extra].concat()
}

#[test]
fn of_a_difference_what_is_new_is_handed_over() {
    let patch = bsdiff(&prose(5000));
    let out = inspect(&OtaPlugin, "a.p", &patch);
    assert_eq!(out.format, "bsdiff");
    out.assert_counted();
    assert_eq!(out.child("extra.bz2").bytes, bz(&prose(5000)));
    assert_eq!(out.labels.opaque[&Reason::NeedsOldImage], (bz(&[0; 24]).len() + bz(&[0; 100]).len()) as u64);
    assert!(inspect(&OtaPlugin, "a.p", &bsdiff(b"")).children.is_empty());
    abuse(&OtaPlugin, "bsdiff", "a.p", &patch, 60);
}

/// Chunks: normal, raw, deflated.
fn imgdiff() -> Vec<u8> {
    let raw = b"header in the clear";
    let table = 12 + 28 + 8 + raw.len() + 64;
    let (first, second) = (bsdiff(b"one"), bsdiff(b"two"));
    let mut out = b"IMGDIFF2".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend(0u32.to_le_bytes());
    for n in [0u64, 10, table as u64] {
        out.extend(n.to_le_bytes());
    }
    out.extend(3u32.to_le_bytes());
    out.extend((raw.len() as u32).to_le_bytes());
    out.extend(raw);
    out.extend(2u32.to_le_bytes());
    for n in [10u64, 20, (table + first.len()) as u64, 50, 60] {
        out.extend(n.to_le_bytes());
    }
    out.extend([6u32, 8, -15i32 as u32, 8, 0].iter().flat_map(|n| n.to_le_bytes()));
    assert_eq!(out.len(), table);
    [out, first, second].concat()
}

#[test]
fn chunks_of_images_are_differences_of_their_own() {
    let patch = imgdiff();
    let out = inspect(&OtaPlugin, "recovery-from-boot.p", &patch);
    assert_eq!(out.format, "imgdiff");
    out.assert_clear();
    assert_eq!(out.names(), ["chunk-2", "chunk-1.bsdiff", "chunk-3.bsdiff"]);
    assert_eq!(out.child("chunk-2").bytes, b"header in the clear");
    assert_eq!(out.child("chunk-3.bsdiff").bytes, bsdiff(b"two"));
    abuse(&OtaPlugin, "imgdiff", "x.p", &patch, 80);
}

#[test]
fn other_things_are_left_alone() {
    strangers_are_left_alone(&["a.p", "system.patch.dat"]);
    let mut text = b"BSDIFF40 is a magic of binary differences; IMGDIFF2 is another".to_vec();
    assert_eq!(identify(&OtaPlugin, "a.p", &text), None);
    text.splice(..8, *b"IMGDIFF2");
    assert_eq!(identify(&OtaPlugin, "a.p", &text), None);
}
