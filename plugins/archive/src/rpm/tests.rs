use proptest::prelude::*;

use crate::testing::{Engine, inspect, inspect_as, noise};

fn header(tags: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, kind, count, data) in tags {
        for n in [*tag, *kind, store.len() as u32, *count] {
            index.extend_from_slice(&n.to_be_bytes());
        }
        store.extend_from_slice(data);
    }
    let mut out = b"\x8e\xad\xe8\x01\0\0\0\0".to_vec();
    out.extend_from_slice(&(tags.len() as u32).to_be_bytes());
    out.extend_from_slice(&(store.len() as u32).to_be_bytes());
    [out, index, store].concat()
}

fn package() -> Vec<u8> {
    let mut lead = b"\xed\xab\xee\xdb\x03\0\0\0".to_vec();
    lead.resize(96, 0);
    let mut signature = header(&[(1000, 4, 1, &[0, 0, 1, 0]), (269, 6, 1, b"abcdef\0")]);
    signature.resize(signature.len().next_multiple_of(8), 0);
    let main = header(&[
        (1000, 6, 1, b"ecu-flasher\0"),
        (1001, 6, 1, b"1.2.3\0"),
        (1011, 6, 1, b"Example Motors\0"),
        (1022, 6, 1, b"aarch64\0"),
        (1024, 6, 1, b"#!/bin/sh\necho token=abc\0"),
        (1081, 8, 2, b"Wang <wang@example.com>\0Li <li@example.com>\0"),
        (1117, 8, 2, b"a\0b\0"),
        (1125, 6, 1, b"zstd\0"),
    ]);
    [lead, signature, main, noise(1, 300)].concat()
}

#[test]
fn a_package_gives_payload_script_and_tags() {
    let rpm = package();
    let r = inspect("a.rpm", &rpm);
    r.assert_clear();
    assert_eq!(r.names(), ["[script]/postin", "payload.cpio.zst"]);
    assert_eq!(r.child("payload.cpio.zst").bytes, noise(1, 300));
    assert_eq!(r.child("[script]/postin").bytes, b"#!/bin/sh\necho token=abc");
    assert_eq!(r.records["name"], "ecu-flasher");
    assert_eq!(r.records["version"], "1.2.3");
    assert_eq!(r.records["vendor"], "Example Motors");
    assert_eq!(r.records["arch"], "aarch64");
    assert_eq!(r.records["changelog_name"], "Li <li@example.com>");
    assert!(!r.records.contains_key("tag_1117"));
    assert!(r.labels.inspected > 60);
}

#[test]
fn the_payload_is_named_by_its_first_bytes() {
    for (head, name) in [
        (&b"\x1f\x8b\x08"[..], "payload.cpio.gz"),
        (b"\xfd7zXZ\0", "payload.cpio.xz"),
        (b"BZh9", "payload.cpio.bz2"),
        (b"070701", "payload.cpio"),
    ] {
        let mut rpm = package();
        let at = rpm.len() - 300;
        rpm[at..at + head.len()].copy_from_slice(head);
        assert_eq!(inspect("a.rpm", &rpm).names()[1], name);
    }
}

#[test]
fn entries_that_all_point_at_one_long_string_cost_no_time() {
    let long = [vec![b'x'; 1 << 20], vec![0]].concat();
    let mut tags: Vec<(u32, u32, u32, &[u8])> = vec![(1000, 6, 1, &long)];
    tags.extend((0..60_000).map(|_| (1082, 8, 65_535, &b""[..])));
    let mut main = header(&tags);
    for i in 1..=60_000 {
        main[16 + i * 16 + 8..16 + i * 16 + 12].fill(0);
    }
    let rpm = package();
    let rpm = [&rpm[..96 + 64], &main[..], b"070701"].concat();
    let r = inspect("a.rpm", &rpm);
    r.assert_counted();
}

proptest! {
    #[test]
    fn cut_or_flipped_anywhere(cut in 0usize..1200, flips in proptest::collection::vec((4usize..700, 0u8..8), 0..5)) {
        let mut rpm = package();
        for (at, bit) in flips {
            let n = rpm.len();
            rpm[at % n] ^= 1 << bit;
        }
        let rpm = &rpm[..cut.min(rpm.len())];
        let r = inspect_as("rpm", "a.rpm", rpm, Engine { most_output: 1 << 20, ..Engine::default() });
        r.assert_counted();
        prop_assert_eq!(r.opaque(), 0);
    }
}
