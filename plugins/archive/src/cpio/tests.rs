use proptest::prelude::*;

use crate::testing::{Engine, identify, inspect, inspect_as, noise, prose};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    New,
    Checked,
    Odc,
    Little,
    Big,
}

fn entry(kind: Kind, name: &str, mode: u32, links: u32, data: &[u8]) -> Vec<u8> {
    let (size, name_len) = (data.len(), name.len() + 1);
    let sum: u32 = data.iter().fold(0, |s, &b| s.wrapping_add(u32::from(b)));
    let mut out = match kind {
        Kind::New | Kind::Checked => {
            let check = if kind == Kind::Checked { sum } else { 0 };
            let magic = if kind == Kind::Checked { "070702" } else { "070701" };
            format!("{magic}{:08x}{mode:08X}{:08x}{:08x}{links:08x}{:08x}{size:08x}{:08x}{:08x}{:08x}{:08x}{name_len:08x}{check:08x}", 1, 0, 0, 0, 0, 0, 0, 0)
                .into_bytes()
        }
        Kind::Odc => format!(
            "070707{:06o}{:06o}{mode:06o}{:06o}{:06o}{links:06o}{:06o}{:011o}{name_len:06o}{size:011o}",
            0, 1, 0, 0, 0, 0
        )
        .into_bytes(),
        Kind::Little | Kind::Big => {
            let words = [
                0o070_707,
                0,
                1,
                mode as u16,
                0,
                0,
                links as u16,
                0,
                0,
                0,
                name_len as u16,
                (size >> 16) as u16,
                size as u16,
            ];
            words.iter().flat_map(|w: &u16| if kind == Kind::Big { w.to_be_bytes() } else { w.to_le_bytes() }).collect()
        }
    };
    let align = match kind {
        Kind::New | Kind::Checked => 4,
        Kind::Odc => 1,
        Kind::Little | Kind::Big => 2,
    };
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    out.resize(out.len().next_multiple_of(align), 0);
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(align), 0);
    out
}

const FILE: u32 = 0o100_644;

fn archive(kind: Kind) -> Vec<u8> {
    let mut out = [
        entry(kind, ".", 0o040_755, 2, b""),
        entry(kind, "etc/hosts", FILE, 1, b"127.0.0.1 localhost\n"),
        entry(kind, "bin/tool", FILE, 1, &noise(1, 70_001)),
        entry(kind, "link", 0o120_777, 1, b"etc/hosts"),
        entry(kind, "dev/null", 0o020_666, 1, b""),
        entry(kind, "empty", FILE, 1, b""),
        entry(kind, "TRAILER!!!", 0, 1, b""),
    ]
    .concat();
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

const KINDS: [Kind; 5] = [Kind::New, Kind::Checked, Kind::Odc, Kind::Little, Kind::Big];

#[test]
fn every_variant_gives_its_files() {
    for kind in KINDS {
        let r = inspect("a.cpio", &archive(kind));
        r.assert_clear();
        assert_eq!(r.names(), ["etc/hosts", "bin/tool", "empty"], "{kind:?}");
        assert_eq!(r.child("bin/tool").bytes, noise(1, 70_001));
        assert_eq!(r.texts, ["etc/hosts\n"]);
        assert!(r.noted("link") && r.noted("special-file") && r.noted("directory-entries"));
        assert!(!r.noted("truncated") && !r.noted("gap-data") && !r.noted("checksum-mismatch"));
    }
}

#[test]
fn archives_in_a_row_and_something_compressed_behind() {
    let image = [archive(Kind::New), archive(Kind::New), b"\x28\xb5\x2f\xfd and so on".to_vec()].concat();
    let r = inspect("initrd.img", &image);
    r.assert_clear();
    assert_eq!(r.children.len(), 7);
    assert_eq!(r.child("[after]").bytes, b"\x28\xb5\x2f\xfd and so on");
}

#[test]
fn checksums_and_padding_are_looked_at() {
    let mut a = archive(Kind::Checked);
    let at = memchr::memmem::find(&a, b"127.0").unwrap();
    a[at] = b'9';
    assert!(inspect("a.cpio", &a).noted("checksum-mismatch"));
    let mut e = entry(Kind::New, "ab", FILE, 1, b"x");
    let n = e.len();
    e[n - 1] = b'!';
    let r = inspect("a.cpio", &[e, entry(Kind::New, "TRAILER!!!", 0, 1, b"")].concat());
    r.assert_clear();
    assert_eq!(r.child("[slack]").bytes, b"\0\0!");
}

#[test]
fn a_broken_header_costs_one_member_only() {
    let first = entry(Kind::New, "a", FILE, 1, b"1");
    let mut second = entry(Kind::New, "b", FILE, 1, b"2");
    second[1] = b'x';
    let third = entry(Kind::New, "c", FILE, 1, b"3");
    let r = inspect("a.cpio", &[first, second, third, entry(Kind::New, "TRAILER!!!", 0, 1, b"")].concat());
    r.assert_clear();
    assert_eq!(r.names(), ["a", "[gap-1]", "c"]);
    assert!(r.noted("corrupt"));
}

#[test]
fn other_things_are_no_cpios() {
    assert_eq!(identify("a", &prose(500)), None);
    assert_eq!(identify("a", &[&[0xc7, 0x71][..], &noise(1, 500)].concat()), None);
    assert_eq!(identify("a", &[0x71, 0xc7]), None);
    assert_eq!(identify("a", b"070701 reads the number").map(|i| i.format), Some("cpio"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn cut_or_flipped_anywhere(kind in 0usize..5, cut in 0usize..80_000, flips in proptest::collection::vec((0usize..800, 0u8..8), 0..4)) {
        let mut a = archive(KINDS[kind]);
        for (at, bit) in flips {
            a[at] ^= 1 << bit;
        }
        let a = &a[..cut.min(a.len())];
        let r = inspect_as("cpio", "a.cpio", a, Engine { most_output: 1 << 20, ..Engine::default() });
        r.assert_counted();
        prop_assert_eq!(r.opaque(), 0);
    }
}
