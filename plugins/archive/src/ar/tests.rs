use proptest::prelude::*;

use crate::testing::{Engine, identify, inspect, inspect_as, noise};

fn member(name: &str, data: &[u8]) -> Vec<u8> {
    let mut out = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, data.len()).into_bytes();
    out.extend_from_slice(data);
    if data.len() % 2 == 1 {
        out.push(b'\n');
    }
    out
}

fn archive(members: &[Vec<u8>]) -> Vec<u8> {
    [b"!<arch>\n".to_vec(), members.concat()].concat()
}

#[test]
fn a_debian_package_is_told_and_opened() {
    let deb = archive(&[
        member("debian-binary", b"2.0\n"),
        member("control.tar.xz/", &noise(1, 101)),
        member("data.tar.zst", b"d"),
    ]);
    assert_eq!(identify("x", &deb).map(|i| i.format), Some("deb"));
    let r = inspect("a.deb", &deb);
    r.assert_clear();
    assert_eq!(r.names(), ["debian-binary", "control.tar.xz", "data.tar.zst"]);
    assert_eq!(r.child("control.tar.xz").bytes, noise(1, 101));
    assert_eq!(r.labels.delegated, 106);
}

#[test]
fn long_names_and_symbol_tables() {
    let symbols = [&2u32.to_be_bytes()[..], &100u32.to_be_bytes(), &200u32.to_be_bytes(), b"main\0helper\0"].concat();
    let lib = archive(&[
        member("/", &symbols),
        member("//", b"a_very_long_object_name.o/\nanother_long_object_name.o/\n"),
        member("/0", b"one"),
        member("/27", b"two"),
        member("short.o/", b"three"),
        member("#1/20", b"bsd_long_name.o\0\0\0\0\0four"),
    ]);
    let r = inspect("a.a", &lib);
    r.assert_clear();
    assert_eq!(r.names(), ["a_very_long_object_name.o", "another_long_object_name.o", "short.o", "bsd_long_name.o"]);
    assert_eq!(r.child("bsd_long_name.o").bytes, b"four");
    assert_eq!(r.notes, []);
}

#[test]
fn a_symbol_table_that_is_none_is_handed_over() {
    let r = inspect("a.a", &archive(&[member("/", b"\0\0\0\x01\0\0\0\x02main\0and a secret"), member("b", b"1")]));
    r.assert_clear();
    assert_eq!(r.names(), ["[unnamed]", "b"]);
}

#[test]
fn what_follows_and_what_is_cut() {
    let lib =
        archive(&[member("a", b"12"), b"not a header, but much longer than one; it is sixty bytes or more".to_vec()]);
    let r = inspect("a.a", &lib);
    r.assert_clear();
    assert_eq!(r.names(), ["a", "[after]"]);
    let lib = archive(&[member("a", &noise(1, 100))]);
    let r = inspect("a.a", &lib[..lib.len() - 60]);
    r.assert_clear();
    assert!(r.noted("truncated") && r.noted("incomplete-child"));
    assert_eq!(r.child("a").bytes, noise(1, 100)[..40]);
}

#[test]
fn a_thin_archive_has_no_content() {
    let mut lib = archive(&[member("//", b"dir/object.o/\n")]);
    lib[..8].copy_from_slice(b"!<thin>\n");
    lib.extend_from_slice(format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "/0", 0, 0, 0, 644, 12_345).as_bytes());
    let r = inspect("a.a", &lib);
    r.assert_clear();
    assert_eq!((r.names(), r.child("dir/object.o").bytes.len()), (vec!["dir/object.o"], 0));
}

proptest! {
    #[test]
    fn cut_or_flipped_anywhere(cut in 0usize..800, flips in proptest::collection::vec((8usize..400, 0u8..8), 0..4)) {
        let mut lib = archive(&[
            member("/", &[0, 0, 0, 1, 0, 0, 0, 9, b'm', 0]),
            member("//", b"a_very_long_object_name.o/\n"),
            member("/0", &noise(1, 99)),
            member("#1/8", b"bsd.o\0\0\0content"),
        ]);
        for (at, bit) in flips {
            let n = lib.len();
            lib[at % n] ^= 1 << bit;
        }
        let lib = &lib[..cut.min(lib.len())];
        let r = inspect_as("ar", "a.a", lib, Engine { most_output: 1 << 20, ..Engine::default() });
        r.assert_counted();
        prop_assert_eq!(r.opaque(), 0);
    }
}
