use proptest::prelude::*;
use yumen_model::{Certainty, Extent, Reason};

use crate::testing::{Engine, identify, inspect, inspect_as, noise, prose};

/// A header block by hand.
fn header(name: &[u8], size: &[u8], type_flag: u8, magic: &[u8]) -> Vec<u8> {
    let mut h = vec![0u8; 512];
    h[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    h[100..108].copy_from_slice(b"0000644\0");
    h[108..116].copy_from_slice(b"0001750\0");
    h[116..124].copy_from_slice(b"0001750\0");
    h[124..124 + size.len()].copy_from_slice(size);
    h[136..148].copy_from_slice(b"14621000000\0");
    h[156] = type_flag;
    h[257..257 + magic.len()].copy_from_slice(magic);
    seal(&mut h);
    h
}

fn seal(h: &mut [u8]) {
    h[148..156].fill(b' ');
    let sum: u32 = h.iter().map(|&b| u32::from(b)).sum();
    h[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

const USTAR: &[u8] = b"ustar\x0000";
const GNU: &[u8] = b"ustar  \0";

fn octal(n: usize) -> Vec<u8> {
    format!("{n:011o}\0").into_bytes()
}

fn padded(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    out.resize(data.len().div_ceil(512) * 512, 0);
    out
}

fn member(name: &[u8], type_flag: u8, magic: &[u8], data: &[u8]) -> Vec<u8> {
    [header(name, &octal(data.len()), type_flag, magic), padded(data)].concat()
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    member(name.as_bytes(), b'0', USTAR, data)
}

fn end() -> Vec<u8> {
    vec![0; 1024]
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut data = String::new();
    for (key, value) in records {
        let body = format!(" {key}={value}\n");
        let mut len = body.len() + 1;
        while format!("{len}{body}").len() != len {
            len += 1;
        }
        data += &format!("{len}{body}");
    }
    member(b"PaxHeaders/x", b'x', USTAR, data.as_bytes())
}

#[test]
fn members_are_pieces_of_the_archive() {
    let tar = [file("a.txt", b"hello"), file("d/b.bin", &noise(1, 1000)), end()].concat();
    let r = inspect("a.tar", &tar);
    r.assert_clear();
    assert_eq!(r.names(), ["a.txt", "d/b.bin"]);
    assert_eq!(r.child("d/b.bin").bytes, noise(1, 1000));
    assert_eq!(r.child("a.txt").extents.as_deref(), Some(&[Extent::Data { offset: 512, len: 5 }][..]));
    assert_eq!((r.labels.delegated, r.labels.container), (1005, tar.len() as u64 - 1005));
    assert_eq!(r.notes, []);
}

#[test]
fn what_the_tar_crate_writes_is_read() {
    let mut b = tar::Builder::new(Vec::new());
    let long = format!("{}/车辆.csv", "directory".repeat(40));
    for (name, data) in [("a", &b"1"[..]), (&long, b"22"), ("c", b"333")] {
        let mut h = tar::Header::new_gnu();
        h.set_size(data.len() as u64);
        h.set_mode(0o644);
        h.set_cksum();
        b.append_data(&mut h, name, data).unwrap();
    }
    let r = inspect("a.tar", &b.into_inner().unwrap());
    r.assert_clear();
    assert_eq!(r.names(), ["a", &long, "c"]);
    assert_eq!(r.child(&long).bytes, b"22");
}

#[test]
fn names_and_sizes_of_every_age() {
    let mut v7 = header(b"old", &octal(2), 0, b"");
    v7[156] = 0;
    seal(&mut v7);
    let mut prefixed = header(b"name", &octal(1), b'0', USTAR);
    prefixed[345..351].copy_from_slice(b"prefix");
    seal(&mut prefixed);
    let mut wide = header(b"wide", &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4], b'0', GNU);
    seal(&mut wide);
    let tar = [
        v7,
        padded(b"v7"),
        prefixed,
        padded(b"p"),
        wide,
        padded(b"wide"),
        pax(&[("path", "from/pax"), ("size", "3"), ("mtime", "1.5")]),
        header(b"short", &octal(0), b'0', USTAR),
        padded(b"pax"),
        end(),
    ]
    .concat();
    let r = inspect("a.tar", &tar);
    r.assert_clear();
    assert_eq!(r.names(), ["old", "prefix/name", "wide", "from/pax"]);
    assert_eq!(r.children.iter().map(|c| c.bytes.as_slice()).collect::<Vec<_>>(), [&b"v7"[..], b"p", b"wide", b"pax"]);
    assert_eq!(identify("x", &tar).map(|i| (i.format, i.certainty)), Some(("tar", Certainty::Signature)));
}

#[test]
fn pax_comments_and_attributes_are_text() {
    let tar = [
        pax(&[("comment", "built by 李四"), ("SCHILY.xattr.user.note", "token"), ("mtime", "1"), ("path", "a")]),
        file("x", b"1"),
        end(),
    ]
    .concat();
    let r = inspect("a.tar", &tar);
    r.assert_clear();
    assert_eq!(r.names(), ["a"]);
    assert_eq!(r.texts, ["built by 李四\ntoken\n"]);
    assert_eq!(r.labels.inspected, "built by 李四token".len() as u64);
}

#[test]
fn links_directories_and_devices_are_counted() {
    let tar = [
        member(b"d/", b'5', USTAR, b""),
        member(b"l", b'2', USTAR, b""),
        member(b"h", b'1', USTAR, b""),
        member(b"null", b'3', USTAR, b""),
        member(b"../up", b'2', USTAR, b""),
        file("a", b"1"),
        file("a", b"2"),
        end(),
    ]
    .concat();
    let r = inspect("a.tar", &tar);
    r.assert_clear();
    assert_eq!(r.names(), ["a", "a"]);
    let count = |code: &str| r.notes.iter().find(|n| n.code == code).and_then(|n| n.detail["count"].as_u64());
    assert_eq!((count("link"), count("directory-entries"), count("special-file")), (Some(3), Some(1), Some(1)));
    assert_eq!((count("path-escapes"), count("duplicate-names")), (Some(1), Some(1)));
}

#[test]
fn a_link_that_carries_content_is_opened() {
    // pax allows it; a length without content, as some old programs write, is none.
    let tar = [
        member(b"h", b'1', USTAR, b"carried"),
        header(b"dir", &octal(4096), b'5', USTAR),
        file("a", b"1"),
        header(b"dir2", &octal(512), b'5', USTAR),
        end(),
    ]
    .concat();
    let r = inspect("a.tar", &tar);
    r.assert_clear();
    assert_eq!(r.names(), ["h", "a"]);
    assert_eq!(r.child("h").bytes, b"carried");
}

#[test]
fn padding_that_is_not_zero_is_handed_over() {
    let mut tar = [file("a", b"12345"), file("b", b"x"), end()].concat();
    tar[512 + 100..512 + 106].copy_from_slice(b"secret");
    tar[1024 + 500] = b'!';
    seal(&mut tar[1024..1536]);
    let r = inspect("a.tar", &tar);
    r.assert_clear();
    assert_eq!(r.names(), ["a", "b", "[slack]"]);
    assert!(memchr::memmem::find(&r.child("[slack]").bytes, b"secret").is_some());
    assert_eq!(r.child("[slack]").bytes.len(), 507 + 12);
}

#[test]
fn archives_in_a_row_and_what_follows_the_end() {
    let tar = [file("a", b"1"), end(), vec![0; 9 * 512], file("b", b"2"), end(), b"appended".to_vec()].concat();
    let r = inspect("a.tar", &tar);
    r.assert_clear();
    assert_eq!(r.names(), ["a", "b", "[after]"]);
    assert_eq!(r.child("[after]").bytes, b"appended");
    assert!(r.noted("gap-data") && !r.noted("corrupt"));
}

#[test]
fn a_broken_header_costs_one_member_only() {
    let mut tar = [file("a", b"1"), file("b", b"lost name"), file("c", b"3"), end()].concat();
    tar[1024 + 3] ^= 0x55;
    let r = inspect("a.tar", &tar);
    r.assert_clear();
    assert_eq!(r.names(), ["a", "[gap-1]", "c"]);
    assert!(r.noted("corrupt"));
    // The first one: it is still a tar.
    tar[1024 + 3] ^= 0x55;
    tar[3] ^= 0x55;
    let r = inspect("a.tar", &tar);
    assert_eq!(r.names(), ["[before]", "b", "c"]);
}

#[test]
fn a_tar_cut_short_gives_what_it_has() {
    let tar = [file("a", b"1"), file("b", &noise(1, 5000))].concat();
    for cut in [tar.len() - 600, tar.len() - 5000, 1100, 513] {
        let r = inspect("a.tar", &tar[..cut]);
        r.assert_counted();
        assert_eq!(r.opaque(), 0);
        assert!(r.noted("truncated"), "{cut}");
    }
    assert_eq!(inspect("a.tar", &tar[..2000]).child("b").bytes, noise(1, 5000)[..2000 - 1536]);
}

/// What the sparse archives below hold: data at 1000 and at 5000, 9000 bytes in all.
fn sparse_content() -> Vec<u8> {
    let mut out = vec![0; 9000];
    out[1000..1512].copy_from_slice(&noise(1, 512));
    out[5000..5512].copy_from_slice(&noise(2, 512));
    out
}

fn stored_pieces() -> Vec<u8> {
    [noise(1, 512), noise(2, 512)].concat()
}

#[test]
fn sparse_members_of_gnu_headers() {
    let mut h = header(b"s", &octal(1024), b'S', GNU);
    let mut put = |at: usize, n: usize| h[at..at + 12].copy_from_slice(&octal(n));
    for (i, (offset, len)) in [(1000, 512), (5000, 512), (9000, 0)].into_iter().enumerate() {
        put(386 + i * 24, offset);
        put(386 + i * 24 + 12, len);
    }
    put(483, 9000);
    seal(&mut h);
    let tar = [h.clone(), stored_pieces(), file("after", b"x"), end()].concat();
    let r = inspect("a.tar", &tar);
    r.assert_clear();
    assert_eq!(r.names(), ["s", "after"]);
    assert_eq!(r.child("s").bytes, sparse_content());
    assert_eq!(r.labels.delegated, 1025);

    // The same with the second piece in a block that continues the map.
    h[386 + 24..482].fill(0);
    h[482] = 1;
    seal(&mut h);
    let mut more = vec![0; 512];
    for (i, n) in [5000, 512, 9000, 0].into_iter().enumerate() {
        more[i * 12..i * 12 + 12].copy_from_slice(&octal(n));
    }
    let tar = [h, more, stored_pieces(), file("after", b"x"), end()].concat();
    let r = inspect("a.tar", &tar);
    r.assert_clear();
    assert_eq!(r.child("s").bytes, sparse_content());
    assert_eq!(r.child("after").bytes, b"x");
}

#[test]
fn sparse_members_of_pax_headers() {
    let map = b"3\n1000\n512\n5000\n512\n9000\n0\n";
    let cases = [
        (
            pax(&[
                ("GNU.sparse.size", "9000"),
                ("GNU.sparse.numblocks", "3"),
                ("GNU.sparse.offset", "1000"),
                ("GNU.sparse.numbytes", "512"),
                ("GNU.sparse.offset", "5000"),
                ("GNU.sparse.numbytes", "512"),
                ("GNU.sparse.offset", "9000"),
                ("GNU.sparse.numbytes", "0"),
            ]),
            member(b"s", b'0', USTAR, &stored_pieces()),
        ),
        (
            pax(&[
                ("GNU.sparse.size", "9000"),
                ("GNU.sparse.name", "s"),
                ("GNU.sparse.map", "1000,512,5000,512,9000,0"),
            ]),
            member(b"GNUSparseFile.1/s", b'0', USTAR, &stored_pieces()),
        ),
        (
            pax(&[
                ("GNU.sparse.major", "1"),
                ("GNU.sparse.minor", "0"),
                ("GNU.sparse.name", "s"),
                ("GNU.sparse.realsize", "9000"),
            ]),
            member(b"GNUSparseFile.1/s", b'0', USTAR, &[padded(map), stored_pieces()].concat()),
        ),
    ];
    for (i, (head, body)) in cases.into_iter().enumerate() {
        let r = inspect("a.tar", &[head, body, end()].concat());
        r.assert_clear();
        assert!(r.child("s").bytes == sparse_content(), "case {i}");
        assert_eq!(r.labels.delegated, 1024);
    }
}

#[test]
fn a_map_that_does_not_fit_gives_the_stored_bytes() {
    for map in ["1000,512,900,512", "0,600,5000,512", "0,99999999999999999999", "18446744073709551615,5", "1,1"] {
        let tar = [
            pax(&[("GNU.sparse.size", "9000"), ("GNU.sparse.map", map)]),
            member(b"s", b'0', USTAR, &stored_pieces()),
            end(),
        ]
        .concat();
        let r = inspect("a.tar", &tar);
        r.assert_clear();
        assert_eq!(r.child("s").bytes, stored_pieces(), "{map}");
    }
}

#[test]
fn other_things_are_no_tars() {
    assert_eq!(identify("a.tar", &[0; 10_240]), None);
    assert_eq!(identify("a.tar", &prose(10_240)), None);
    assert_eq!(identify("a.tar", &noise(1, 10_240)), None);
    assert_eq!(identify("a.tar", &file("a", b"")[..500]), None);
}

fn sample() -> Vec<u8> {
    [
        pax(&[("path", "p"), ("comment", "c")]),
        file("x", &noise(1, 700)),
        member(b"././@LongLink", b'L', GNU, b"a long name\0"),
        file("y", b"yy"),
        member(b"l", b'2', USTAR, b""),
        pax(&[("GNU.sparse.size", "9000"), ("GNU.sparse.map", "1000,512,5000,512")]),
        member(b"s", b'0', USTAR, &stored_pieces()),
        end(),
        file("z", b"zz"),
        b"tail".to_vec(),
    ]
    .concat()
}

#[test]
fn a_stop_is_obeyed_wherever_it_comes() {
    for n in 0..40 {
        let r = inspect_as("tar", "a.tar", &sample(), Engine { stop_all_after: Some(n), ..Engine::default() });
        r.assert_counted();
        assert!(r.result.is_ok_and(|()| n > 10) || r.result.is_err_and(|e| e.reason == Reason::TimedOut));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn cut_anywhere(cut in 0usize..9000) {
        let tar = sample();
        let r = inspect_as("tar", "a.tar", &tar[..cut.min(tar.len())], Engine::default());
        r.assert_counted();
        prop_assert_eq!(r.opaque(), 0);
    }

    #[test]
    fn flipped_anywhere(flips in proptest::collection::vec((0usize..9000, 0u8..8), 1..5), reseal in any::<bool>()) {
        let mut tar = sample();
        for (at, bit) in flips {
            let n = tar.len();
            tar[at % n] ^= 1 << bit;
            if reseal {
                // A header with a right checksum gets further.
                let block = at % n / 512 * 512;
                if block + 512 <= n && tar[block + 257..block + 262] == *b"ustar" {
                    seal(&mut tar[block..block + 512]);
                }
            }
        }
        let r = inspect_as("tar", "a.tar", &tar, Engine { most_output: 64 << 30, ..Engine::default() });
        r.assert_counted();
        let data: u64 = r.children.iter().flat_map(|c| c.extents.iter().flatten()).map(|e| match e {
            Extent::Data { len, .. } => *len,
            Extent::Zero { .. } => 0,
        }).sum();
        prop_assert!(data <= r.len);
    }
}
