use std::io::{Cursor, Write};

use flate2::Crc;
use proptest::prelude::*;
use yumen_model::{Certainty, Extent, Reason};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::testing::{Engine, Recorded, identify, inspect, inspect_as, noise, prose};

/// Builds zips by hand, odd ones too.
#[derive(Default)]
struct Builder {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

/// A member as the builder writes it.
#[derive(Clone, Default)]
struct Entry<'a> {
    name: &'a [u8],
    method: u16,
    flags: u16,
    /// Flags of the local header, when they differ.
    local_flags: Option<u16>,
    crc: u32,
    data: &'a [u8],
    size: u32,
    extra: &'a [u8],
    comment: &'a [u8],
    /// With a data descriptor, and no sizes in front.
    streamed: bool,
    unlisted: bool,
}

impl Builder {
    fn add(&mut self, e: &Entry<'_>) -> usize {
        let at = self.bytes.len();
        let flags = e.flags | if e.streamed { 8 } else { 0 };
        let mut sizes = Vec::new();
        for n in [e.crc, e.data.len() as u32, e.size] {
            sizes.extend_from_slice(&n.to_le_bytes());
        }
        let lens = [(e.name.len() as u16).to_le_bytes(), (e.extra.len() as u16).to_le_bytes()].concat();
        self.bytes.extend_from_slice(b"PK\x03\x04\x14\x00");
        self.bytes.extend_from_slice(&e.local_flags.unwrap_or(flags).to_le_bytes());
        self.bytes.extend_from_slice(&e.method.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(if e.streamed { &[0; 12] } else { &sizes });
        self.bytes.extend_from_slice(&lens);
        self.bytes.extend_from_slice(e.name);
        self.bytes.extend_from_slice(e.extra);
        self.bytes.extend_from_slice(e.data);
        if e.streamed {
            self.bytes.extend_from_slice(b"PK\x07\x08");
            self.bytes.extend_from_slice(&sizes);
        }
        if !e.unlisted {
            self.list(e, flags, &sizes, at as u32);
        }
        at
    }

    fn list(&mut self, e: &Entry<'_>, flags: u16, sizes: &[u8], at: u32) {
        self.entries += 1;
        let d = &mut self.directory;
        d.extend_from_slice(b"PK\x01\x02\x14\x03\x14\x00");
        d.extend_from_slice(&flags.to_le_bytes());
        d.extend_from_slice(&e.method.to_le_bytes());
        d.extend_from_slice(&[0; 4]);
        d.extend_from_slice(sizes);
        d.extend_from_slice(&(e.name.len() as u16).to_le_bytes());
        d.extend_from_slice(&(e.extra.len() as u16).to_le_bytes());
        d.extend_from_slice(&(e.comment.len() as u16).to_le_bytes());
        d.extend_from_slice(&[0; 8]);
        d.extend_from_slice(&at.to_le_bytes());
        d.extend_from_slice(e.name);
        d.extend_from_slice(e.extra);
        d.extend_from_slice(e.comment);
    }

    fn finish(mut self, comment: &[u8]) -> Vec<u8> {
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&self.directory);
        self.bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend_from_slice(&self.entries.to_le_bytes());
        self.bytes.extend_from_slice(&self.entries.to_le_bytes());
        self.bytes.extend_from_slice(&(self.directory.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(&at.to_le_bytes());
        self.bytes.extend_from_slice(&(comment.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(comment);
        self.bytes
    }
}

fn crc(data: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(data);
    crc.sum()
}

fn stored<'a>(name: &'a [u8], data: &'a [u8]) -> Entry<'a> {
    Entry { name, data, crc: crc(data), size: data.len() as u32, ..Entry::default() }
}

fn packed<'a>(name: &'a [u8], method: u16, plain: &[u8], data: &'a [u8]) -> Entry<'a> {
    Entry { name, method, data, crc: crc(plain), size: plain.len() as u32, ..Entry::default() }
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut e = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    e.write_all(data).unwrap();
    e.finish().unwrap()
}

fn one(entry: &Entry<'_>) -> Vec<u8> {
    let mut b = Builder::default();
    b.add(entry);
    b.finish(b"")
}

fn by_crate(members: &[(&str, CompressionMethod, &[u8])]) -> Vec<u8> {
    let mut w = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, method, data) in members {
        w.start_file(*name, SimpleFileOptions::default().compression_method(*method)).unwrap();
        w.write_all(data).unwrap();
    }
    w.finish().unwrap().into_inner()
}

#[test]
fn the_figures_of_the_contract() {
    let text = prose(100);
    let zip = by_crate(&[("a.txt", CompressionMethod::Stored, &text)]);
    let r = inspect("a.zip", &zip);
    r.assert_clear();
    assert_eq!((r.labels.delegated, r.labels.container), (100, zip.len() as u64 - 100));
    assert_eq!(r.child("a.txt").bytes, text);
    assert!(matches!(r.child("a.txt").extents.as_deref(), Some([Extent::Data { len: 100, .. }])));

    let zip = by_crate(&[("a.txt", CompressionMethod::Deflated, &text)]);
    let r = inspect("a.zip", &zip);
    r.assert_clear();
    assert_eq!((r.labels.delegated, r.labels.container), (0, zip.len() as u64));
    assert_eq!(r.child("a.txt").bytes, text);
    assert!(r.child("a.txt").meta.encoded.is_some());

    let mut e = stored(b"x", &text[..40]);
    e.flags = 1;
    let zip = one(&e);
    let r = inspect("a.zip", &zip);
    assert_eq!((r.labels.delegated, r.labels.container), (40, zip.len() as u64 - 40));
    assert_eq!(r.child("x").meta.opaque, Some(Reason::Encrypted));
    assert!(r.noted("encrypted"));
}

#[test]
fn every_method_gives_back_the_content() {
    // No match of 258 bytes: what deflate and deflate64 write alike.
    let plain = [noise(7, 2000), b"0123456789abcdef".repeat(4), noise(8, 500)].concat();
    let long = prose(700_000);
    let bzip = |data: &[u8]| {
        let mut e = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
        e.write_all(data).unwrap();
        e.finish().unwrap()
    };
    let lzma = |data: &[u8], mark: bool| {
        let options = lzma_rust2::LzmaOptions::with_preset(6);
        let mut e = lzma_rust2::LzmaWriter::new_no_header(Vec::new(), &options, mark).unwrap();
        e.write_all(data).unwrap();
        let props = e.props();
        let body = e.finish().unwrap();
        [&[9, 20, 5, 0, props], &options.dict_size.to_le_bytes()[..], &body].concat()
    };
    let xz = |data: &[u8]| {
        let mut e = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(6)).unwrap();
        e.write_all(data).unwrap();
        e.finish().unwrap()
    };
    let ppmd = |data: &[u8]| {
        let (order, megabytes) = (8u16, 16u16);
        let mut e = ppmd_rust::Ppmd8Encoder::new(
            Vec::new(),
            order.into(),
            u32::from(megabytes) << 20,
            ppmd_rust::RestoreMethod::Restart,
        )
        .unwrap();
        e.write_all(data).unwrap();
        let body = e.finish(false).unwrap();
        [&((order - 1) | ((megabytes - 1) << 4)).to_le_bytes()[..], &body].concat()
    };
    let cases: Vec<(u16, u16, &[u8], Vec<u8>)> = vec![
        (8, 0, &long, deflate(&long)),
        (9, 0, &plain, deflate(&plain)),
        (12, 0, &long, bzip(&long)),
        (14, 2, &long, lzma(&long, true)),
        (14, 0, &long, lzma(&long, false)),
        (95, 0, &long, xz(&long)),
        (93, 0, &long, zstd::encode_all(&long[..], 3).unwrap()),
        (
            93,
            0,
            &long,
            [zstd::encode_all(&long[..1000], 3).unwrap(), zstd::encode_all(&long[1000..], 3).unwrap()].concat(),
        ),
        (98, 0, &long, ppmd(&long)),
    ];
    for (method, flags, plain, data) in cases {
        let mut e = packed(b"m.bin", method, plain, &data);
        e.flags = flags;
        let zip = one(&e);
        let r = inspect("a.zip", &zip);
        r.assert_clear();
        assert!(r.child("m.bin").bytes == plain && r.child("m.bin").complete, "method {method}");
        assert_eq!(r.notes, [], "method {method}");
        assert_eq!(r.labels.container, zip.len() as u64);
    }
}

#[test]
fn a_method_that_is_not_read_is_opaque() {
    let data = noise(1, 300);
    let r = inspect("a.zip", &one(&packed(b"old", 6, b"x", &data)));
    assert_eq!(r.child("old").meta.opaque, Some(Reason::Unsupported));
    assert_eq!(r.labels.delegated, 300);
    assert!(r.noted("unsupported-method"));
}

#[test]
fn members_that_the_directory_does_not_list_are_opened() {
    let text = prose(3000);
    let coded = deflate(&text);
    let mut b = Builder::default();
    b.add(&stored(b"first", b"one"));
    b.add(&Entry { unlisted: true, ..packed(b"hidden.csv", 8, &text, &coded) });
    b.add(&Entry { unlisted: true, streamed: true, ..packed(b"hidden2.csv", 8, &text, &coded) });
    b.add(&stored(b"last", b"two"));
    b.add(&Entry { unlisted: true, ..stored(b"behind", b"three") });
    let r = inspect("a.zip", &b.finish(b""));
    r.assert_clear();
    assert_eq!(r.names(), ["first", "hidden.csv", "hidden2.csv", "last", "behind"]);
    assert_eq!(r.child("hidden.csv").bytes, text);
    assert_eq!(r.child("hidden2.csv").bytes, text);
    assert!(r.noted("gap-data"));
}

#[test]
fn data_before_between_behind_and_within_is_handed_over() {
    let text = prose(500);
    let coded = [deflate(&text), b"hidden behind the stream".to_vec()].concat();
    let mut b = Builder::default();
    b.bytes.extend_from_slice(b"#!/bin/sh\n");
    b.add(&packed(b"a", 8, &text, &coded));
    b.bytes.extend_from_slice(b"secret in the gap");
    b.add(&stored(b"b", b"bbb"));
    b.bytes.extend_from_slice(&[0; 12]);
    b.add(&stored(b"c", b"ccc"));
    let zip = [b.finish(b"note"), b"appended".to_vec()].concat();
    let r = inspect("a.zip", &zip);
    r.assert_clear();
    assert_eq!(r.names(), ["[before]", "a", "[gap-1]", "b", "c", "[after]", "[slack]"]);
    assert_eq!(r.child("[before]").bytes, b"#!/bin/sh\n");
    assert_eq!(r.child("[gap-1]").bytes, b"secret in the gap");
    assert_eq!(r.child("[after]").bytes, b"appended");
    assert_eq!(r.child("[slack]").bytes, b"hidden behind the stream");
    assert_eq!(r.child("a").bytes, text);
    assert_eq!(identify("x", &zip).map(|i| i.certainty), Some(Certainty::Structure));
}

#[test]
fn junk_put_in_front_shifts_the_offsets() {
    let zip = by_crate(&[("a", CompressionMethod::Deflated, &prose(200)), ("b", CompressionMethod::Stored, b"bb")]);
    let r = inspect("x.exe", &[noise(3, 1000), zip].concat());
    r.assert_clear();
    assert_eq!(r.names(), ["[before]", "a", "b"]);
    assert_eq!(r.child("a").bytes, prose(200));
}

#[test]
fn of_two_zips_in_a_row_both_are_opened() {
    let first = by_crate(&[("a", CompressionMethod::Deflated, &prose(200))]);
    let second = by_crate(&[("b", CompressionMethod::Deflated, &prose(300))]);
    let r = inspect("x.zip", &[first.clone(), second].concat());
    r.assert_clear();
    assert_eq!(r.names(), ["[before]", "b"]);
    assert_eq!(r.child("[before]").bytes, first);
}

#[test]
fn entries_that_overlap_are_held() {
    // The second member lies in what the first one claims.
    let text = prose(4000);
    let coded = deflate(&text);
    let mut inner = Builder::default();
    inner.add(&packed(b"inner", 8, &text, &coded));
    let inside = inner.bytes.clone();
    let mut b = Builder::default();
    b.add(&stored(b"outer", &inside));
    let mut sizes = Vec::new();
    for n in [crc(&text), coded.len() as u32, 4000] {
        sizes.extend_from_slice(&n.to_le_bytes());
    }
    b.list(&packed(b"inner", 8, &text, &coded), 0, &sizes, 30 + 5);
    // The very same entry twice is nothing to hold.
    b.list(&stored(b"outer2", &inside), 0, &[0; 12], 0);
    let r = inspect("bomb.zip", &b.finish(b""));
    r.assert_counted();
    assert_eq!(r.child("inner").meta.opaque, Some(Reason::Corrupt));
    assert!(r.noted("bad-entry"));
}

#[test]
fn a_zip_without_its_directory_gives_what_it_has() {
    let text = prose(90_000);
    let coded = deflate(&text);
    for streamed in [false, true] {
        let mut b = Builder::default();
        b.add(&Entry { streamed, ..packed(b"a", 8, &text, &coded) });
        b.add(&Entry { streamed, ..stored(b"b", b"stored content with PK\x03\x04 inside") });
        let cut = b.bytes.len() + 10;
        b.add(&Entry { streamed, ..packed(b"c", 8, &text, &coded) });
        let whole = b.bytes.len();
        let zip = b.finish(b"");
        let r = inspect("a.zip", &zip[..whole]);
        r.assert_clear();
        assert_eq!(r.names(), ["a", "b", "c"]);
        assert_eq!(r.child("b").bytes, b"stored content with PK\x03\x04 inside");
        assert!(r.child("c").complete && r.child("c").bytes == text && r.child("a").bytes == text);
        let r = inspect("a.zip", &zip[..cut + 100]);
        r.assert_counted();
        assert!(r.child("a").bytes == text && !r.child("c").complete);
        assert!(text.starts_with(&r.child("c").bytes));
        assert!(r.opaque() > 0 && r.noted("truncated"));
    }
}

#[test]
fn an_encrypted_bit_in_the_directory_alone_stops_nothing() {
    let text = prose(300);
    let coded = deflate(&text);
    let r = inspect("a.apk", &one(&Entry { flags: 1, local_flags: Some(0), ..packed(b"a", 8, &text, &coded) }));
    assert_eq!(r.child("a").bytes, text);
    assert!(r.noted("bad-entry") && !r.noted("encrypted"));
}

#[test]
fn wrong_checksums_are_told_and_the_child_is_delivered() {
    let text = prose(300);
    let coded = deflate(&text);
    for e in [Entry { crc: 1, ..packed(b"a", 8, &text, &coded) }, Entry { crc: 1, ..stored(b"a", &text) }] {
        let r = inspect("a.zip", &one(&e));
        r.assert_clear();
        assert!(r.noted("checksum-mismatch"));
        assert_eq!(r.child("a").bytes, text);
    }
}

#[test]
fn a_stream_that_breaks_midway_leaves_its_rest_opaque() {
    let text = noise(5, 60_000);
    let mut e = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    e.write_all(&text[..30_000]).unwrap();
    e.flush().unwrap();
    let middle = e.get_ref().len();
    e.write_all(&text[30_000..]).unwrap();
    let mut coded = e.finish().unwrap();
    // A block of the type that does not exist.
    coded[middle] = 0xff;
    let zip = one(&packed(b"a", 8, &text, &coded));
    let r = inspect("a.zip", &zip);
    r.assert_counted();
    let child = r.child("a");
    assert!(!child.complete && child.bytes == text[..30_000]);
    assert!(r.labels.opaque[&Reason::Corrupt] > 29_000);
    assert!(r.labels.container >= middle as u64);
    assert!(r.noted("incomplete-child"));
}

#[test]
fn comments_are_text() {
    let mut b = Builder::default();
    b.add(&Entry { comment: "车主电话见附件".as_bytes(), ..stored(b"a", b"x") });
    b.add(&Entry { comment: b"\xb3\xb5\xd6\xf7", ..stored(b"b", b"y") });
    let r = inspect("a.zip", &b.finish(b"password=hunter2"));
    r.assert_clear();
    assert_eq!(r.texts, ["车主电话见附件\npassword=hunter2\n"]);
    assert_eq!(r.child("[comment]").bytes, b"\xb3\xb5\xd6\xf7");
    assert_eq!(r.labels.inspected, "车主电话见附件".len() as u64 + 16);
}

#[test]
fn names_are_told_as_they_are() {
    let mut extra = b"\x75\x70\x0b\x00\x01".to_vec();
    extra.extend_from_slice(&crc(b"x.txt").to_le_bytes());
    extra.extend_from_slice("车主".as_bytes());
    let mut b = Builder::default();
    b.add(&stored(b"\xb3\xb5.csv", b"1"));
    b.add(&Entry { extra: &extra, ..stored(b"x.txt", b"2") });
    b.add(&stored(b"../../etc/passwd", b"3"));
    b.add(&stored(b"/abs", b"4"));
    b.add(&stored(b"twice", b"5"));
    b.add(&stored(b"twice", b"6"));
    b.add(&stored(b"dir/", b""));
    let r = inspect("a.zip", &b.finish(b""));
    r.assert_clear();
    assert_eq!(r.names(), ["%B3%B5.csv", "车主", "../../etc/passwd", "abs", "twice", "twice"]);
    let count = |code: &str| r.notes.iter().find(|n| n.code == code).and_then(|n| n.detail["count"].as_u64());
    assert_eq!(
        (count("path-escapes"), count("duplicate-names"), count("directory-entries")),
        (Some(2), Some(1), Some(1))
    );
}

#[test]
fn data_in_an_extra_field_or_a_directory_entry_is_not_lost() {
    let mut extra = vec![0x34, 0x12, 200, 0];
    extra.extend_from_slice(&prose(200));
    let mut b = Builder::default();
    b.add(&Entry { extra: &extra, ..stored(b"a", b"1") });
    b.add(&stored(b"dir/", b"a directory with content"));
    let r = inspect("a.zip", &b.finish(b""));
    r.assert_clear();
    assert_eq!(r.child("dir").bytes, b"a directory with content");
    assert_eq!(r.child("[slack]").bytes, [prose(200), prose(200)].concat());
}

#[test]
fn zip64_sizes_and_records_are_read() {
    let text = prose(1000);
    let mut extra = vec![1, 0, 16, 0];
    extra.extend_from_slice(&1000u64.to_le_bytes());
    extra.extend_from_slice(&1000u64.to_le_bytes());
    let mut zip = one(&Entry { extra: &extra, ..stored(b"big", &text) });
    // All ones in both headers' sizes.
    let directory = memchr::memmem::find(&zip, b"PK\x01\x02").unwrap();
    zip[18..26].fill(0xff);
    zip[directory + 20..directory + 28].fill(0xff);
    let end = zip.len() - 22;
    let mut records = b"PK\x06\x06".to_vec();
    records.extend_from_slice(&44u64.to_le_bytes());
    records.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for n in [1, 1, (end - directory) as u64, directory as u64] {
        records.extend_from_slice(&u64::to_le_bytes(n));
    }
    records.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    records.extend_from_slice(&(end as u64).to_le_bytes());
    records.extend_from_slice(&[1, 0, 0, 0]);
    zip[end + 8..end + 20].fill(0xff);
    zip.splice(end..end, records);
    for junk in [0, 77] {
        let r = inspect("a.zip", &[noise(9, junk), zip.clone()].concat());
        r.assert_clear();
        assert_eq!(r.child("big").bytes, text);
        assert!(!r.noted("bad-entry"));
    }
}

#[test]
fn an_empty_zip_is_a_zip() {
    let r = inspect("a.zip", &Builder::default().finish(b""));
    r.assert_clear();
    assert_eq!(r.children.len(), 0);
    assert_eq!(r.labels.container, 22);
}

#[test]
fn one_volume_of_several_is_told() {
    let mut b = Builder::default();
    b.bytes.extend_from_slice(b"PK\x07\x08");
    b.add(&stored(b"a", b"content"));
    let len = b.bytes.len();
    let r = inspect("a.z01", &b.finish(b"")[..len]);
    r.assert_clear();
    assert!(r.noted("spanned"));
    assert_eq!(r.names(), ["a"]);
}

#[test]
fn special_cases_are_told_by_their_members() {
    let cases: &[(&[&str], &str)] = &[
        (&["[Content_Types].xml", "_rels/.rels", "word/document.xml"], "docx"),
        (&["[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"], "xlsx"),
        (&["[Content_Types].xml", "ppt/presentation.xml"], "pptx"),
        (&["META-INF/MANIFEST.MF", "a/B.class"], "jar"),
        (&["AndroidManifest.xml", "classes.dex", "resources.arsc"], "apk"),
        (&["META-INF/com/android/metadata", "payload.bin", "META-INF/MANIFEST.MF"], "android-ota"),
        (&["pkg/__init__.py", "pkg-1.0.dist-info/WHEEL"], "whl"),
        (&["doc.kml"], "kmz"),
        (&["index.xml", "ecu.odx-d"], "pdx"),
        (&["model/data.pkl", "model/version", "model/data/0"], "pytorch"),
        (&["arr_0.npy", "arr_1.npy"], "npz"),
        (&["readme.txt", "word/notes.txt"], "zip"),
    ];
    for (names, format) in cases {
        let members: Vec<_> = names.iter().map(|n| (*n, CompressionMethod::Deflated, &b"x"[..])).collect();
        let zip = by_crate(&members);
        assert_eq!(identify("f", &zip).map(|i| i.format), Some(*format), "{names:?}");
        // A body cut short keeps the name.
        let cut = zip.len() - 25;
        assert_eq!(identify("f", &zip[..cut]).map(|i| i.format), Some(*format), "{names:?}, cut");
        inspect("f", &zip).assert_clear();
    }
    let odt = by_crate(&[
        ("mimetype", CompressionMethod::Stored, b"application/vnd.oasis.opendocument.text"),
        ("content.xml", CompressionMethod::Deflated, b"<x/>"),
    ]);
    assert_eq!(identify("f", &odt).map(|i| i.format), Some("odt"));
}

#[test]
fn other_things_are_no_zips() {
    assert_eq!(identify("a.zip", b"PK, said the parcel service"), None);
    assert_eq!(identify("a.zip", &prose(1000)), None);
    assert_eq!(identify("a.zip", b""), None);
    assert_eq!(identify("a.txt", &[prose(100), b"PK\x05\x06".to_vec(), vec![0; 18]].concat()), None);
}

#[test]
fn a_signing_block_gives_its_certificates() {
    fn prefixed(parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        [&(body.len() as u32).to_le_bytes()[..], &body].concat()
    }
    let certificate = [&[0x30, 0x82, 1, 0][..], &noise(2, 256)].concat();
    let signed = prefixed(&[&prefixed(&[b"digests"]), &prefixed(&[&prefixed(&[&certificate])]), &prefixed(&[])]);
    let signers = prefixed(&[&prefixed(&[&signed, &prefixed(&[b"signatures"]), &prefixed(&[b"key"])])]);
    let mut pairs = Vec::new();
    for (id, value) in [(0x7109_871au32, &signers[..]), (0x4272_6577, &[0; 100]), (0x1234_5678, b"something else")] {
        pairs.extend_from_slice(&(value.len() as u64 + 4).to_le_bytes());
        pairs.extend_from_slice(&id.to_le_bytes());
        pairs.extend_from_slice(value);
    }
    let size = (pairs.len() as u64 + 24).to_le_bytes();
    let mut b = Builder::default();
    b.add(&stored(b"AndroidManifest.xml", b"x"));
    b.bytes.extend_from_slice(&[&size[..], &pairs, &size, b"APK Sig Block 42"].concat());
    let r = inspect("a.apk", &b.finish(b""));
    r.assert_clear();
    assert_eq!(
        r.names(),
        ["AndroidManifest.xml", "[apk-signing-block]/certificate-1.der", "[apk-signing-block]/12345678"]
    );
    assert_eq!(r.child("[apk-signing-block]/certificate-1.der").bytes, certificate);
    assert!(!r.noted("gap-data"));
}

#[test]
fn the_signature_of_an_update_package_is_taken_out_of_its_comment() {
    let signature = [&[0x30, 0x82, 1, 0][..], &noise(6, 256)].concat();
    let mut comment = b"signed by SignApk\0".to_vec();
    comment.extend_from_slice(&signature);
    let size = (comment.len() + 6) as u16;
    comment.extend_from_slice(&(signature.len() as u16 + 6).to_le_bytes());
    comment.extend_from_slice(&[0xff, 0xff]);
    comment.extend_from_slice(&size.to_le_bytes());
    let mut b = Builder::default();
    b.add(&stored(b"META-INF/MANIFEST.MF", b"x"));
    let zip = b.finish(&comment);
    assert_eq!(identify("update.zip", &zip).map(|i| i.format), Some("android-ota"));
    let r = inspect("update.zip", &zip);
    r.assert_clear();
    assert_eq!(r.child("[signature].p7s").bytes, signature);
    assert_eq!(r.texts, ["signed by SignApk\n"]);
}

fn sample() -> Vec<u8> {
    let text = prose(3000);
    let coded = deflate(&text);
    let mut b = Builder::default();
    b.add(&packed(b"a.csv", 8, &text, &coded));
    b.add(&Entry { streamed: true, comment: b"remark", ..packed(b"d/b.csv", 8, &text, &coded) });
    b.add(&stored(b"c.bin", &noise(4, 200)));
    b.add(&Entry { flags: 1, ..stored(b"e.enc", &noise(5, 100)) });
    b.add(&Entry { unlisted: true, streamed: true, ..stored(b"h", b"hidden") });
    let zst = zstd::encode_all(&text[..], 1).unwrap();
    b.add(&packed(b"z", 93, &text, &zst));
    b.finish(b"the end")
}

#[test]
fn a_stopped_child_leaves_its_bytes_opaque_and_the_others_come() {
    let r = inspect_as("zip", "a.zip", &sample(), Engine { stop_child_at: Some(1000), ..Engine::default() });
    r.assert_counted();
    assert_eq!(r.result, Ok(()));
    assert!(r.labels.opaque[&Reason::Limit] >= 3);
    assert_eq!(r.child("c.bin").bytes, noise(4, 200));
    assert!(r.noted("limit"));
}

#[test]
fn a_stop_is_obeyed_wherever_it_comes() {
    let whole = inspect("a.zip", &sample());
    assert_eq!(whole.result, Ok(()));
    for n in 0..60 {
        let r = inspect_as("zip", "a.zip", &sample(), Engine { stop_all_after: Some(n), ..Engine::default() });
        r.assert_counted();
        assert!(r.result.is_ok_and(|()| n > 20) || r.result.is_err_and(|e| e.reason == Reason::TimedOut));
    }
}

fn check(r: &Recorded) {
    r.assert_counted();
    let extents: u64 = r.children.iter().filter(|c| c.extents.is_some()).map(|c| c.bytes.len() as u64).sum();
    // Overlapping members are counted at each child, up to the length of the whole.
    assert!(extents <= r.len * 3, "more handed over than there is");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn cut_anywhere(cut in 0usize..2000) {
        let zip = sample();
        let zip = &zip[..cut.min(zip.len())];
        check(&inspect_as("zip", "a.zip", zip, Engine { most_output: 1 << 20, ..Engine::default() }));
    }

    #[test]
    fn flipped_anywhere(flips in proptest::collection::vec((0usize..2000, 0u8..8), 1..6)) {
        let mut zip = sample();
        for (at, bit) in flips {
            let n = zip.len();
            zip[at % n] ^= 1 << bit;
        }
        identify("a.zip", &zip);
        check(&inspect_as("zip", "a.zip", &zip, Engine { most_output: 1 << 20, ..Engine::default() }));
    }

    #[test]
    fn arbitrary_bytes_among_records(parts in proptest::collection::vec((0usize..7, proptest::collection::vec(any::<u8>(), 0..60)), 0..20)) {
        let marks: [&[u8]; 7] = [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08", b""];
        let bytes: Vec<u8> = parts.iter().flat_map(|(m, junk)| [marks[*m], junk].concat()).collect();
        check(&inspect_as("zip", "a.zip", &bytes, Engine { most_output: 16 << 20, ..Engine::default() }));
    }
}

#[test]
fn an_ota_package_is_told_on_the_zip_itself() {
    let metadata = b"ota-type=AB\npost-build=maker/car:14\npre-device=car1\npre-build=maker/car:13\n";
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file("care_map.pb", options).unwrap();
        zip.start_file("META-INF/com/android/metadata", options).unwrap();
        zip.write_all(metadata).unwrap();
        let out = inspect("ota.zip", &zip.finish().unwrap().into_inner());
        assert_eq!(out.format, "android-ota");
        let p = &out.item(yumen_model::kind::kinds::SOFTWARE_PACKAGE).properties;
        assert_eq!(p["target"], serde_json::json!(["car1"]));
        assert_eq!(p["version"], "maker/car:14");
        assert_eq!((&p["delta"], &p["signed"]), (&true.into(), &false.into()));
    }
    // Without metadata it is a package all the same, and a plain zip is none.
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("META-INF/com/google/android/update-binary", SimpleFileOptions::default()).unwrap();
    let out = inspect("ota.zip", &zip.finish().unwrap().into_inner());
    assert_eq!(out.item(yumen_model::kind::kinds::SOFTWARE_PACKAGE).properties["signed"], false);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.txt", SimpleFileOptions::default()).unwrap();
    assert!(inspect("a.zip", &zip.finish().unwrap().into_inner()).inventory.is_empty());
}
