//! 7z archives made by an encoder, altered, and cut.

use std::io::Cursor;

use proptest::prelude::*;
use sevenz_rust2::encoder_options::{AesEncoderOptions, EncoderOptions};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod, Password, SourceReader};
use yumen_model::Reason;

use crate::testing::{Engine, Recorded, identify, inspect, inspect_as, noise, prose};

type Method = EncoderConfiguration;

fn methods(list: &[EncoderMethod]) -> Vec<Method> {
    list.iter().map(|m| EncoderConfiguration::new(*m)).collect()
}

fn secret() -> Vec<Method> {
    let aes = AesEncoderOptions::new(Password::new("only for tests"));
    vec![
        EncoderConfiguration::new(EncoderMethod::AES256_SHA256).with_options(EncoderOptions::Aes(aes)),
        EncoderConfiguration::new(EncoderMethod::LZMA2),
    ]
}

/// An archive of files, solid or with a block for each.
fn archive(files: &[(&str, &[u8])], with: Vec<Method>, solid: bool, hide_names: bool) -> Vec<u8> {
    let mut w = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    w.set_content_methods(with);
    w.set_encrypt_header(hide_names);
    if solid {
        let entries = files.iter().map(|(name, _)| ArchiveEntry::new_file(name)).collect();
        let readers = files.iter().map(|(_, data)| SourceReader::new(*data)).collect();
        w.push_archive_entries(entries, readers).unwrap();
    } else {
        for (name, data) in files {
            w.push_archive_entry(ArchiveEntry::new_file(name), Some(*data)).unwrap();
        }
    }
    w.finish().unwrap().into_inner()
}

#[track_caller]
fn holds(r: &Recorded, files: &[(&str, &[u8])]) {
    r.assert_clear();
    assert_eq!(r.names(), files.iter().map(|f| f.0).collect::<Vec<_>>());
    for (name, data) in files {
        assert!(r.child(name).complete && r.child(name).bytes == *data, "{name} differs");
    }
}

#[test]
fn every_method_solid_and_plain() {
    let (a, b, c) = (prose(300_000), noise(1, 150_000), b"short".to_vec());
    let files: &[(&str, &[u8])] = &[("docs/说明.txt", &a), ("b.bin", &b), ("c", &c)];
    let chains: &[&[EncoderMethod]] = &[
        &[EncoderMethod::LZMA2],
        &[EncoderMethod::LZMA],
        &[EncoderMethod::BZIP2],
        &[EncoderMethod::DEFLATE],
        &[EncoderMethod::PPMD],
        &[EncoderMethod::ZSTD],
        &[EncoderMethod::COPY],
        &[EncoderMethod::BCJ_X86_FILTER, EncoderMethod::LZMA2],
        &[EncoderMethod::BCJ_ARM64_FILTER, EncoderMethod::LZMA],
        &[EncoderMethod::DELTA_FILTER, EncoderMethod::LZMA2],
    ];
    for chain in chains {
        for solid in [true, false] {
            let packed = archive(files, methods(chain), solid, false);
            assert_eq!(identify("x.7z", &packed).unwrap().format, "7z");
            let r = inspect("x.7z", &packed);
            holds(&r, files);
            assert!(r.notes.is_empty(), "{chain:?}: {:?}", r.notes);
            let stored = chain == &[EncoderMethod::COPY];
            assert_eq!(r.labels.delegated, if stored { (a.len() + b.len() + c.len()) as u64 } else { 0 });
        }
    }
}

#[test]
fn empty_files_folders_and_empty_archives() {
    let mut w = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    w.push_archive_entry::<&[u8]>(ArchiveEntry::new_directory("dir"), None).unwrap();
    w.push_archive_entry(ArchiveEntry::new_file("dir/empty"), Some(&b""[..])).unwrap();
    w.push_archive_entry(ArchiveEntry::new_file("../dir/full"), Some(&b"text"[..])).unwrap();
    let packed = w.finish().unwrap().into_inner();
    let r = inspect("e.7z", &packed);
    r.assert_clear();
    assert_eq!(r.child("dir/empty").bytes, b"");
    assert_eq!(r.child("../dir/full").bytes, b"text");
    assert!(r.noted("directory-entries") && r.noted("path-escapes"));

    let nothing = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap().finish().unwrap().into_inner();
    let r = inspect("n.7z", &nothing);
    r.assert_clear();
    assert!(r.children.is_empty());
}

#[test]
fn a_stored_file_that_is_not_what_was_packed_is_told() {
    let options = vec![EncoderMethod::COPY.into()];
    let mut packed = archive(&[("a", b"some text to be stored")], options, false, false);
    assert!(!inspect("a.7z", &packed).noted("checksum-mismatch"));
    let at = packed.windows(4).position(|w| w == b"text").unwrap();
    packed[at] ^= 1;
    let r = inspect("a.7z", &packed);
    assert!(r.noted("checksum-mismatch"));
    assert_eq!(r.child("a").bytes.len(), 22);
}

#[test]
fn encrypted_files_are_named_and_opaque() {
    let data = noise(3, 4000);
    let packed = archive(&[("a/secret.bin", &data)], secret(), false, false);
    let r = inspect("s.7z", &packed);
    assert_eq!(r.result, Ok(()));
    r.assert_counted();
    let child = r.child("a/secret.bin");
    assert_eq!(child.meta.opaque, Some(Reason::Encrypted));
    assert_eq!(child.bytes.len() as u64, r.labels.delegated);
    assert!(r.labels.delegated >= 4000 && r.opaque() == 0 && r.noted("encrypted"));

    let solid = archive(&[("a", &data), ("b", b"more")], secret(), true, false);
    let r = inspect("s.7z", &solid);
    assert_eq!(r.names(), ["a", "b"]);
    assert!(r.children.iter().all(|c| c.meta.opaque == Some(Reason::Encrypted) && c.bytes.is_empty()));
    assert!(r.labels.opaque[&Reason::Encrypted] >= 4000);
    r.assert_counted();
}

#[test]
fn with_encrypted_names_nothing_is_seen() {
    let packed = archive(&[("hidden-name", &noise(3, 4000))], secret(), false, true);
    let r = inspect("h.7z", &packed);
    assert_eq!(r.result, Ok(()));
    assert!(r.children.is_empty() && r.noted("encrypted"));
    assert!(r.labels.opaque[&Reason::Encrypted] > 4000);
    r.assert_counted();
}

#[test]
fn data_around_the_archive_is_handed_over() {
    let files: &[(&str, &[u8])] = &[("a", b"some file of some length")];
    let packed = archive(files, methods(&[EncoderMethod::LZMA2]), false, false);
    let r = inspect("t.7z", &[&packed[..], &[0; 512]].concat());
    holds(&r, files);
    let r = inspect("t.7z", &[&packed[..], b"\0\0 hidden"].concat());
    r.assert_clear();
    assert_eq!(r.child("[after]").bytes, b"\0\0 hidden");
}

#[test]
fn a_wrong_checksum_is_told_and_the_file_delivered() {
    let data = noise(8, 5000);
    let mut packed = archive(&[("a", &data), ("b", b"second")], methods(&[EncoderMethod::LZMA2]), true, false);
    // LZMA2 stores what does not compress: a byte of it is a byte of the file.
    packed[32 + 1000] ^= 1;
    let r = inspect("c.7z", &packed);
    r.assert_clear();
    assert!(r.noted("checksum-mismatch"));
    assert_eq!(r.child("a").bytes.iter().zip(&data).filter(|(x, y)| x != y).count(), 1);
    assert_eq!(r.child("b").bytes, b"second");
}

#[test]
fn a_broken_block_is_opaque_from_there_and_the_next_is_read() {
    let text: Vec<u8> =
        (0..60_000).flat_map(|i: u32| (i.wrapping_mul(2_654_435_761) % 9973).to_string().into_bytes()).collect();
    let files: &[(&str, &[u8])] = &[("first", &text), ("second", &text), ("third", b"good")];
    let mut packed = archive(files, methods(&[EncoderMethod::LZMA2]), false, false);
    let r = inspect("b.7z", &packed);
    holds(&r, files);
    let at = packed.len() / 4;
    packed[at..at + 32].fill(0xFF);
    let r = inspect("b.7z", &packed);
    assert_eq!(r.result, Ok(()));
    r.assert_counted();
    assert!(!r.child("first").complete && r.noted("corrupt"));
    assert_eq!(r.child("second").bytes, text);
    assert_eq!(r.child("third").bytes, b"good");
    assert!(r.labels.opaque[&Reason::Corrupt] > 0);
}

#[test]
fn cut_archives_and_volumes_are_told() {
    let packed = archive(&[("a", &noise(2, 9000))], methods(&[EncoderMethod::LZMA2]), false, false);
    let cut = &packed[..packed.len() - 20];
    let r = inspect("a.7z", cut);
    assert!(r.noted("truncated"));
    assert_eq!(r.labels.opaque[&Reason::Corrupt], r.len - 32);
    let r = inspect("a.7z.001", cut);
    assert!(r.noted("spanned"));
    assert_eq!(r.labels.opaque[&Reason::Unsupported], r.len - 32);
    inspect("a.7z", &packed[..10]).assert_counted();
}

#[test]
fn the_engine_may_stop_a_file_of_a_solid_block() {
    let big = prose(900_000);
    let packed = archive(&[("big", &big), ("small", b"after it")], methods(&[EncoderMethod::LZMA2]), true, false);
    let engine = Engine { stop_child_at: Some(500_000), ..Engine::default() };
    let r = inspect_as("7z", "s.7z", &packed, engine);
    assert_eq!(r.result, Ok(()));
    r.assert_counted();
    assert!(!r.child("big").complete);
    assert_eq!(r.child("small").bytes, b"after it");
    assert!(r.labels.opaque[&Reason::Limit] > 0 && r.noted("limit"));
    for after in 0..8 {
        let engine = Engine { stop_all_after: Some(after), ..Engine::default() };
        let r = inspect_as("7z", "s.7z", &packed, engine);
        assert_eq!(r.result.unwrap_err().reason, Reason::TimedOut);
    }
}

/// A list of files that is not encoded, so that it can be altered.
fn by_hand(list: &[u8], packs: &[u8]) -> Vec<u8> {
    let mut start = Vec::new();
    start.extend((packs.len() as u64).to_le_bytes());
    start.extend((list.len() as u64).to_le_bytes());
    start.extend(crate::xz::crc32(list).to_le_bytes());
    let mut out = vec![b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, 0, 4];
    out.extend(crate::xz::crc32(&start).to_le_bytes());
    out.extend(start);
    out.extend(packs);
    out.extend(list);
    out
}

/// One stored file `a`, with room for a further property.
fn stored_list(size: u8, property: &[u8]) -> Vec<u8> {
    let mut list = vec![1, 4, 6, 0, 1, 9, size, 0, 7, 0x0B, 1, 0, 1, 1, 0, 0x0C, size, 0, 8, 0, 0, 5, 1];
    list.extend([0x11, 5, 0, b'a', 0, 0, 0]);
    list.extend(property);
    list.extend([0, 0]);
    list
}

#[test]
fn unknown_properties_and_gaps_are_handed_over() {
    let r = inspect("a.7z", &by_hand(&stored_list(4, &[]), b"data"));
    holds(&r, &[("a", b"data")]);
    assert_eq!(r.labels.delegated, 4);

    let property = [&[0x3F, 6][..], b"hidden"].concat();
    let r = inspect("a.7z", &by_hand(&stored_list(4, &property), b"dataGAP"));
    r.assert_clear();
    assert_eq!(r.names(), ["a", "[header]", "[gap-1]"]);
    assert_eq!(r.child("[header]").bytes, b"hidden");
    assert_eq!(r.child("[gap-1]").bytes, b"GAP");

    let filler = [0x19, 3, 0, 0, 0];
    holds(&inspect("a.7z", &by_hand(&stored_list(4, &filler), b"data")), &[("a", b"data")]);
}

#[test]
fn lists_that_lie_are_survived() {
    // More bytes than there are.
    let r = inspect("a.7z", &by_hand(&stored_list(100, &[]), b"data"));
    r.assert_counted();
    assert!(r.noted("truncated"));
    for at in 0..stored_list(4, &[]).len() {
        for value in [0, 1, 4, 0x7F, 0x80, 0xFF] {
            let mut list = stored_list(4, &[]);
            list[at] = value;
            inspect("a.7z", &by_hand(&list, b"data")).assert_counted();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn damage_anywhere_is_survived(
        which in 0usize..5,
        solid in any::<bool>(),
        cut in 0.0f64..1.5,
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 0u8..8), 0..4),
    ) {
        let list = [EncoderMethod::LZMA2, EncoderMethod::LZMA, EncoderMethod::BZIP2, EncoderMethod::PPMD, EncoderMethod::ZSTD];
        let mut packed = archive(&[("a", &prose(9000)), ("b", &noise(1, 3000))], methods(&list[which..=which]), solid, false);
        let cut = ((packed.len() as f64 * cut) as usize).clamp(7, packed.len());
        packed.truncate(cut);
        for (index, bit) in flips {
            let at = index.index(packed.len());
            packed[at] ^= 1 << bit;
        }
        let engine = Engine { most_output: 64 << 20, ..Engine::default() };
        inspect_as("7z", "x.7z", &packed, engine).assert_counted();
    }

    #[test]
    fn any_list_is_survived(list in proptest::collection::vec(any::<u8>(), 0..200), head in 0usize..30, packs in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut bytes = stored_list(4, &[]);
        bytes.truncate(head);
        bytes.extend(list);
        let engine = Engine { most_output: 64 << 20, ..Engine::default() };
        inspect_as("7z", "x.7z", &by_hand(&bytes, &packs), engine).assert_counted();
    }
}
