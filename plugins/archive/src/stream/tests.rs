//! Every compressed stream, made by encoders and by hand.

mod damage;

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use lzma_rust2::{CheckType, FilterConfig, LzipOptions, LzipWriter, LzmaOptions, LzmaWriter, XzOptions, XzWriter};
use yumen_model::{Certainty, Reason};

use crate::testing::{Engine, Recorded, identify, inspect, inspect_as, noise, prose};

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut e = GzEncoder::new(Vec::new(), Compression::default());
    e.write_all(data).unwrap();
    e.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut e = ZlibEncoder::new(Vec::new(), Compression::default());
    e.write_all(data).unwrap();
    e.finish().unwrap()
}

fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut e = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::new(1));
    e.write_all(data).unwrap();
    e.finish().unwrap()
}

fn xz_with(data: &[u8], check: CheckType, filters: &[FilterConfig]) -> Vec<u8> {
    let mut options = XzOptions::with_preset(1);
    options.set_check_sum_type(check);
    options.set_block_size(std::num::NonZeroU64::new(100_000));
    for filter in filters.iter().rev() {
        options.prepend_pre_filter(filter.filter_type, filter.property);
    }
    let mut w = XzWriter::new(Vec::new(), options).unwrap();
    w.write_all(data).unwrap();
    w.finish().unwrap()
}

fn xz(data: &[u8]) -> Vec<u8> {
    xz_with(data, CheckType::Crc64, &[])
}

fn lzma(data: &[u8], known: bool) -> Vec<u8> {
    let options = LzmaOptions::with_preset(1);
    let mut w = LzmaWriter::new_use_header(Vec::new(), &options, known.then_some(data.len() as u64)).unwrap();
    w.write_all(data).unwrap();
    w.finish().unwrap()
}

fn lzip(data: &[u8]) -> Vec<u8> {
    let mut w = LzipWriter::new(Vec::new(), LzipOptions::with_preset(1));
    w.write_all(data).unwrap();
    w.finish().unwrap()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    let mut e = ::zstd::Encoder::new(Vec::new(), 3).unwrap();
    e.include_checksum(true).unwrap();
    e.write_all(data).unwrap();
    e.finish().unwrap()
}

fn lz4_with(data: &[u8], mode: lz4_flex::frame::BlockMode) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new()
        .block_mode(mode)
        .block_size(lz4_flex::frame::BlockSize::Max64KB)
        .block_checksums(true)
        .content_checksum(true)
        .content_size(Some(data.len() as u64));
    let mut e = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    e.write_all(data).unwrap();
    e.finish().unwrap()
}

fn lz4(data: &[u8]) -> Vec<u8> {
    lz4_with(data, lz4_flex::frame::BlockMode::Linked)
}

fn lz4_legacy(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x02, 0x21, 0x4C, 0x18];
    for block in data.chunks(8 << 20) {
        let packed = lz4_flex::block::compress(block);
        out.extend((packed.len() as u32).to_le_bytes());
        out.extend(packed);
    }
    out
}

fn skippable(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x53, 0x2A, 0x4D, 0x18];
    out.extend((content.len() as u32).to_le_bytes());
    out.extend(content);
    out
}

/// LZW as `compress` writes it, with codes of at most `most` bits. The table is cleared once it is full, where codes of clearing are in use.
fn compress(data: &[u8], most: u32, block: bool) -> Vec<u8> {
    let mut out = vec![0x1F, 0x9D, most as u8 | u8::from(block) << 7];
    let mut group: Vec<u32> = Vec::new();
    let mut width = 9;
    let flush = |group: &mut Vec<u32>, width: u32, out: &mut Vec<u8>, whole: bool| {
        let mut bits = 0u128;
        let mut held = 0;
        let mut bytes = Vec::new();
        for code in group.drain(..) {
            bits |= u128::from(code) << held;
            held += width;
            while held >= 8 {
                bytes.push(bits as u8);
                bits >>= 8;
                held -= 8;
            }
        }
        if held > 0 {
            bytes.push(bits as u8);
        }
        if whole && !bytes.is_empty() {
            bytes.resize(width as usize, 0);
        }
        out.extend(bytes);
    };
    let first = if block { 257 } else { 256 };
    let mut table = std::collections::HashMap::new();
    let mut free = first;
    let mut current: Option<u32> = None;
    // The decoder's table lags one entry behind.
    let mut decoder_free = first - 1;
    let mut emit = |code: u32, group: &mut Vec<u32>, out: &mut Vec<u8>, decoder_free: &mut u32, clear: bool| {
        group.push(code);
        if group.len() == 8 {
            flush(group, width, out, true);
        }
        if clear {
            flush(group, width, out, true);
            width = 9;
            *decoder_free = first - 1;
            return;
        }
        if *decoder_free < 1 << most {
            *decoder_free += 1;
        }
        if *decoder_free >= 1 << width && width < most {
            flush(group, width, out, true);
            width += 1;
        }
    };
    for &byte in data {
        let Some(prefix) = current else {
            current = Some(u32::from(byte));
            continue;
        };
        if let Some(&code) = table.get(&(prefix, byte)) {
            current = Some(code);
            continue;
        }
        emit(prefix, &mut group, &mut out, &mut decoder_free, false);
        current = Some(u32::from(byte));
        if free < 1 << most {
            table.insert((prefix, byte), free);
            free += 1;
        } else if block {
            emit(256, &mut group, &mut out, &mut decoder_free, true);
            table.clear();
            free = first;
        }
    }
    if let Some(code) = current {
        group.push(code);
    }
    flush(&mut group, width, &mut out, false);
    out
}

type Encode = fn(&[u8]) -> Vec<u8>;

/// Every format with an encoder: its name, a suffix, and whether streams may be joined.
const ALL: &[(&str, &str, Encode, bool)] = &[
    ("gzip", "gz", gzip, true),
    ("zlib", "zz", zlib, false),
    ("bzip2", "bz2", bzip2, true),
    ("xz", "xz", xz, true),
    ("lzma", "lzma", |d| lzma(d, true), false),
    ("lzma", "lzma", |d| lzma(d, false), false),
    ("lzip", "lz", lzip, true),
    ("zstd", "zst", zstd, true),
    ("lz4", "lz4", lz4, true),
    ("lz4", "lz4", lz4_legacy, true),
];

#[track_caller]
fn is_whole(r: &Recorded, name: &str, data: &[u8]) {
    r.assert_clear();
    assert_eq!(r.names(), [name]);
    assert!(r.child(name).complete);
    assert!(r.child(name).bytes == data, "the child differs");
    assert_eq!(r.labels.container, r.len);
    assert!(r.notes.is_empty(), "{:?}", r.notes);
}

#[test]
fn every_format_is_recognised_and_decoded() {
    let mut mixed = prose(300_000);
    mixed.extend(noise(7, 200_000));
    for (format, suffix, encode, _) in ALL {
        for data in [&b"one line of text, long enough to make sense\n"[..], &mixed] {
            let packed = encode(data);
            let name = format!("dir/a.log.{suffix}");
            let identity = identify(&name, &packed).unwrap_or_else(|| panic!("{format} is not recognised"));
            assert_eq!(identity.format, *format);
            let r = inspect(&name, &packed);
            is_whole(&r, "a.log", data);
            assert_eq!(r.child("a.log").meta.encoded, Some(packed.len() as u64));
        }
    }
}

#[test]
fn empty_data_is_an_empty_child() {
    for (format, suffix, encode, _) in ALL {
        let packed = encode(b"");
        let r = inspect_as(format, &format!("e.{suffix}"), &packed, Engine::default());
        is_whole(&r, "e", b"");
    }
}

#[test]
fn joined_streams_are_one_child() {
    let (a, b) = (prose(70_000), noise(3, 90_000));
    for (format, suffix, encode, joins) in ALL {
        if !joins {
            continue;
        }
        let packed = [encode(&a), encode(&b), encode(b""), encode(&a)].concat();
        let r = inspect(&format!("j.{suffix}"), &packed);
        assert_eq!(identify("j", &packed).unwrap().format, *format);
        is_whole(&r, "j", &[&a[..], &b, &a].concat());
    }
}

#[test]
fn zeros_behind_are_padding_and_anything_else_is_a_child() {
    let data = prose(5000);
    for (format, suffix, encode, _) in ALL {
        let packed = encode(&data);
        let name = format!("p.{suffix}");
        let padded = [&packed[..], &[0; 4096]].concat();
        is_whole(&inspect_as(format, &name, &padded, Engine::default()), "p", &data);

        let behind = [&packed[..], &[0; 8], b"-----BEGIN something hidden"].concat();
        let r = inspect_as(format, &name, &behind, Engine::default());
        assert_eq!(r.names(), ["p", "[after]"], "{format}");
        assert_eq!(r.child("[after]").bytes, b"-----BEGIN something hidden");
        assert_eq!(r.labels.delegated, 27);
        assert_eq!(r.labels.container, packed.len() as u64 + 8);
        assert!(r.child("p").complete && r.noted("gap-data"));
    }
}

#[test]
fn short_names_of_archives_become_tar() {
    let r = inspect("backup.tgz", &gzip(b"x"));
    assert_eq!(r.names(), ["backup.tar"]);
    let r = inspect("plain", &gzip(b"x"));
    assert_eq!(r.names(), ["plain"]);
}

#[test]
fn the_engine_may_stop_a_child() {
    let data = [prose(600_000), noise(1, 600_000)].concat();
    for (format, suffix, encode, _) in ALL {
        let packed = encode(&data);
        let engine = Engine { stop_child_at: Some(300_000), ..Engine::default() };
        let r = inspect_as(format, &format!("s.{suffix}"), &packed, engine);
        assert_eq!(r.result, Ok(()), "{format}");
        r.assert_counted();
        assert!(r.labels.opaque[&Reason::Limit] > 500_000, "{format}: {:?}", r.labels);
        assert!(!r.child("s").complete && r.noted("limit"));

        for after in 0..4 {
            let engine = Engine { stop_all_after: Some(after), ..Engine::default() };
            let r = inspect_as(format, "s", &packed, engine);
            assert_eq!(r.result.unwrap_err().reason, Reason::TimedOut, "{format} after {after}");
        }
    }
}

#[test]
fn gzip_header_fields_are_evidence() {
    let data = prose(1000);
    let mut packed = flate2::GzBuilder::new()
        .filename("王五 13800000000.csv")
        .comment("password: hunter2")
        .extra(&b"BC\x02\x00\x11\x22ZZ\x03\x00abc"[..])
        .write(Vec::new(), Compression::fast());
    packed.write_all(&data).unwrap();
    let packed = packed.finish().unwrap();
    let r = inspect("d.gz", &packed);
    assert_eq!(r.result, Ok(()));
    r.assert_counted();
    assert_eq!(r.opaque(), 0);
    assert_eq!(r.texts, ["王五 13800000000.csv\npassword: hunter2\n"]);
    assert_eq!(r.labels.inspected, "王五 13800000000.csvpassword: hunter2".len() as u64);
    assert_eq!(r.child("[extra]").bytes, b"ZZ\x03\x00abc");
    assert_eq!(r.child("d").bytes, data);
    // The usual case: the name in the header is the child's.
    let mut usual = flate2::GzBuilder::new().filename("d").write(Vec::new(), Compression::fast());
    usual.write_all(&data).unwrap();
    is_whole(&inspect("d.gz", &usual.finish().unwrap()), "d", &data);
}

#[test]
fn a_wrong_gzip_checksum_is_told_and_the_data_delivered() {
    let data = prose(9000);
    let mut packed = gzip(&data);
    let n = packed.len();
    packed[n - 6] ^= 1;
    packed.extend(gzip(b"tail"));
    let r = inspect("c.gz", &packed);
    r.assert_clear();
    assert!(r.noted("checksum-mismatch"));
    assert_eq!(r.child("c").bytes, [&data[..], b"tail"].concat());
}

#[test]
fn wrong_checksums_of_the_other_formats_are_told() {
    let data = noise(5, 3000);
    let flip = |mut bytes: Vec<u8>, at: usize| {
        let n = bytes.len();
        bytes[n - at] ^= 0x40;
        bytes
    };
    let cases = [
        ("zlib", flip(zlib(&data), 2)),
        ("zstd", flip(zstd(&data), 2)),
        ("lz4", flip(lz4(&data), 2)),
        ("lzip", flip(lzip(&data), 18)),
        // The check stands before index (8 bytes) and footer (12 bytes).
        ("xz", flip(xz(&data), 12 + 12 + 1)),
    ];
    for (format, packed) in cases {
        let r = inspect_as(format, "w", &packed, Engine::default());
        assert!(r.noted("checksum-mismatch"), "{format}: {:?}", r.notes);
        assert!(r.child("w").bytes == data, "{format}");
        r.assert_clear();
    }
}

#[test]
fn xz_checks_filters_and_padding() {
    let code: Vec<u8> = (0..60_000u32).flat_map(|i| [0xE8, (i % 251) as u8, (i / 7) as u8, 0, 0x90]).collect();
    for check in [CheckType::None, CheckType::Crc32, CheckType::Crc64, CheckType::Sha256] {
        is_whole(&inspect("x.xz", &xz_with(&code, check, &[])), "x", &code);
    }
    let chains: &[&[FilterConfig]] = &[
        &[FilterConfig::new_delta(4)],
        &[FilterConfig::new_bcj_x86(0)],
        &[FilterConfig::new_bcj_arm64(0), FilterConfig::new_delta(3)],
        &[FilterConfig::new_delta(1), FilterConfig::new_bcj_arm(0), FilterConfig::new_delta(256)],
    ];
    for chain in chains {
        is_whole(&inspect("x.xz", &xz_with(&code, CheckType::Crc32, chain)), "x", &code);
    }
    let padded = [xz(b"first"), vec![0; 8], xz(b"second")].concat();
    is_whole(&inspect("x.xz", &padded), "x", b"firstsecond");
}

#[test]
fn skippable_frames_are_not_skipped() {
    for encode in [zstd as Encode, lz4] {
        let packed = [
            skippable(b"hidden in front"),
            encode(b"data "),
            skippable(&[0; 100]),
            skippable(b""),
            encode(b"and more"),
            skippable(b"hidden behind"),
        ]
        .concat();
        let r = inspect("k.x", &packed);
        r.assert_clear();
        assert_eq!(r.names(), ["k.x", "[skippable-1]", "[skippable-2]"]);
        assert_eq!(r.child("k.x").bytes, b"data and more");
        assert_eq!(r.child("[skippable-2]").bytes, b"hidden behind");
        assert_eq!(r.labels.delegated, 28);
    }
}

#[test]
fn lengths_and_seek_tables_of_zstd_tools_are_structure() {
    let (a, b) = (zstd(b"first frame"), zstd(b"second"));
    let announced = |frame: &[u8]| skippable(&(frame.len() as u32).to_le_bytes());
    let pzstd = [announced(&a), a.clone(), announced(&b), b.clone()].concat();
    is_whole(&inspect("z", &pzstd), "z", b"first framesecond");
    let lies = [skippable(&[9, 9, 9, 9]), a.clone()].concat();
    assert_eq!(inspect("z", &lies).child("[skippable-1]").bytes, [9; 4]);

    let table = |a_len: u32| {
        let mut t = Vec::new();
        for (packed, plain) in [(a_len, 11u32), (b.len() as u32, 6)] {
            t.extend(packed.to_le_bytes());
            t.extend(plain.to_le_bytes());
        }
        t.extend(2u32.to_le_bytes());
        t.push(0);
        t.extend(0x8F92_EAB1_u32.to_le_bytes());
        skippable(&t)
    };
    is_whole(&inspect("z", &[a.clone(), b.clone(), table(a.len() as u32)].concat()), "z", b"first framesecond");
    let lies = [a, b.clone(), table(7)].concat();
    assert_eq!(inspect("z", &lies).names(), ["z", "[skippable-1]"]);
}

#[test]
fn a_zstd_frame_that_needs_a_dictionary_is_opaque_and_the_next_is_read() {
    let mut needs = zstd(&prose(4000));
    // The descriptor gains a dictionary id of one byte.
    needs[4] |= 1;
    needs.insert(6, 42);
    let packed = [zstd(b"before"), needs.clone(), zstd(b"after")].concat();
    let r = inspect("d.zst", &packed);
    assert_eq!(r.child("d").bytes, b"beforeafter");
    assert!(!r.child("d").complete && r.noted("unsupported-method"));
    assert_eq!(r.labels.opaque[&Reason::Unsupported], needs.len() as u64);
    r.assert_counted();
}

#[test]
fn windows_and_dictionaries_beyond_the_limit_are_opaque() {
    let mut wide = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    wide.window_log(28).unwrap();
    wide.write_all(b"x").unwrap();
    let wide = wide.finish().unwrap();
    let r = inspect("w.zst", &wide);
    assert_eq!(r.labels.opaque[&Reason::Limit], r.len);
    assert!(r.noted("limit"));

    let mut big = lzip(b"x");
    big[5] = 29;
    let r = inspect("b.lz", &big);
    assert_eq!(r.labels.opaque[&Reason::Limit], r.len);

    let mut alone = lzma(b"x", false);
    alone[1..5].copy_from_slice(&(1u32 << 30).to_le_bytes());
    let r = inspect_as("lzma", "b.lzma", &alone, Engine::default());
    assert_eq!(r.labels.opaque[&Reason::Limit], r.len);
}

#[test]
fn lz4_frames_of_every_kind() {
    let data = [prose(400_000), noise(9, 200_000), prose(50_000)].concat();
    for mode in [lz4_flex::frame::BlockMode::Linked, lz4_flex::frame::BlockMode::Independent] {
        is_whole(&inspect("l.lz4", &lz4_with(&data, mode)), "l", &data);
    }
    // The Linux build appends the length of the image to a legacy frame.
    let kernel = [lz4_legacy(&data), (data.len() as u32).to_le_bytes().to_vec()].concat();
    is_whole(&inspect("vmlinux.lz4", &kernel), "vmlinux", &data);
    let mixed = [lz4_legacy(b"old "), lz4(b"new "), lz4_legacy(b"old")].concat();
    is_whole(&inspect("m.lz4", &mixed), "m", b"old new old");
}

#[test]
fn unix_compress() {
    // `printf ababab | compress` of ncompress 5.0
    let r = inspect("a.txt.Z", &[0x1F, 0x9D, 0x90, 0x61, 0xC4, 0x04, 0x0C, 0x08]);
    is_whole(&r, "a.txt", b"ababab");
    let data = [prose(200_000), noise(4, 120_000), vec![b'x'; 5000]].concat();
    for most in 10..=16 {
        for block in [true, false] {
            let packed = compress(&data, most, block);
            let r = inspect("a.txt.Z", &packed);
            is_whole(&r, "a.txt", &data);
        }
    }
}

#[test]
fn look_alikes_are_not_taken() {
    let cases: &[&[u8]] = &[
        b"\x1f\x8b\x08\xe0rest of it",
        b"BZh9 is a nice name for a robot",
        b"x\x9cnot zlib at all, though the header would do",
        b"x\x01",
        b"\x1f\x9d\x90\xff\xff\xff\xff\xff\xff",
        b"\x1f\x9d\x70abc",
        b"]\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00zzzzzzzzzzzzzzzzzzzz",
        b"LZIP is a program",
        b"\x04\x22\x4d\x18\x00\x00\x00",
        b"\x02\x21\x4c\x18\xff\xff\xff\xff",
        b"",
        b"\x1f\x8b",
    ];
    for case in cases {
        assert_eq!(identify("x.bin", case), None, "{case:02x?}");
    }
    for seed in 0..400 {
        let mut random = noise(seed, 3000);
        random[..2].copy_from_slice(&[0x78, [0x01, 0x5E, 0x9C, 0xDA][seed as usize % 4]]);
        assert_eq!(identify("x.bin", &random), None);
        random[..14].copy_from_slice(b"]\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00");
        assert_eq!(identify("x.bin", &random), None);
    }
}

#[test]
fn signatures_are_sure_and_guesses_are_not() {
    assert_eq!(identify("a", &gzip(b"x")).unwrap().certainty, Certainty::Signature);
    assert_eq!(identify("a", &zlib(b"some text")).unwrap().certainty, Certainty::Structure);
    assert_eq!(identify("a", &lzma(&prose(500), true)).unwrap().certainty, Certainty::Structure);
}
