//! Recordings that are cut, overwritten or encrypted: what can be read is read, the rest is told.

use yumen_kit_container::testing::{Engine, fixture, inspect, inspect_as, noise};
use yumen_model::Reason;

use super::topics;
use crate::RosbagPlugin;

fn messages(name: &str, format: &'static str, bytes: &[u8]) -> u64 {
    let recorded = inspect_as(&RosbagPlugin, format, name, bytes, Engine::default());
    recorded.assert_counted();
    topics(&recorded).iter().map(|t| t.1).sum()
}

fn summary_start(mcap: &[u8]) -> usize {
    u64::from_le_bytes(mcap[mcap.len() - 28..mcap.len() - 20].try_into().unwrap()) as usize
}

/// Offsets of the chunk records of a bag.
fn chunks(bag: &[u8]) -> Vec<usize> {
    memchr::memmem::find_iter(bag, b"compression=")
        .map(|at| {
            let field = at - 4;
            // The header's length stands before its first field.
            let op_first = bag[..field].ends_with(b"op=\x05");
            if op_first { field - 8 - 4 } else { field - 4 }
        })
        .collect()
}

#[test]
fn a_broken_chunk_costs_its_own_messages() {
    for name in ["none.bag", "bz2.bag", "lz4.bag", "ros-none.bag", "ros-bz2.bag", "ros-lz4.bag"] {
        let whole = fixture("rosbag", name);
        let all = messages(name, "rosbag1", &whole);
        let chunks = chunks(&whole);
        assert!(chunks.len() > 2, "{name} {}", chunks.len());
        for with_index in [true, false] {
            let mut bag = whole.clone();
            // The second chunk's header and the beginning of its data.
            bag[chunks[1]..chunks[1] + 90].fill(0xEE);
            if !with_index {
                let at = memchr::memmem::find(&bag, b"index_pos=").unwrap() + 10;
                bag[at..at + 8].fill(0);
            }
            let recorded = inspect(&RosbagPlugin, name, &bag);
            recorded.assert_counted();
            let error = recorded.result.unwrap_err();
            assert_eq!((error.reason, error.offset), (Reason::Corrupt, Some(chunks[1] as u64)), "{name}");
            let got = messages(name, "rosbag1", &bag);
            assert!(got < all && got * chunks.len() as u64 >= all * (chunks.len() as u64 - 2), "{name} {got} of {all}");
            let lost = recorded.labels.opaque[&Reason::Corrupt];
            // Behind the chunk its index records are lost as well.
            assert!(lost < (chunks[2] - chunks[1] + 1) as u64, "{name} {lost}");
        }
    }
}

#[test]
fn a_cut_recording_is_read_up_to_the_cut() {
    for (name, format) in [
        ("none.bag", "rosbag1"),
        ("bz2.bag", "rosbag1"),
        ("lz4.bag", "rosbag1"),
        ("none.mcap", "mcap"),
        ("lz4.mcap", "mcap"),
        ("zstd.mcap", "mcap"),
        ("unchunked.mcap", "mcap"),
        ("cyber.record", "cyber-record"),
    ] {
        let whole = fixture("rosbag", name);
        let all = messages(name, format, &whole);
        // The summary of an MCAP is not data.
        let data = if format == "mcap" { summary_start(&whole) } else { whole.len() };
        let cut = &whole[..data * 2 / 3];
        let recorded = inspect(&RosbagPlugin, name, cut);
        assert_eq!(recorded.format, format);
        recorded.assert_counted();
        let error = recorded.result.unwrap_err();
        assert!(error.is_truncation(), "{name} {error:?}");
        assert!(error.offset.is_some_and(|at| at as usize <= cut.len()), "{name} {error:?}");
        let got = messages(name, format, cut);
        assert!(got < all && got * 3 > all, "{name} {got} of {all}");
    }
}

#[test]
fn a_wrong_checksum_is_told_and_the_chunk_does_not_count() {
    for name in ["none.mcap", "lz4.mcap", "zstd.mcap"] {
        let mut mcap = fixture("rosbag", name);
        // The CRC of the first chunk stands behind two times and a size.
        let mut at = 8;
        while mcap[at] != 6 {
            at += 9 + u64::from_le_bytes(mcap[at + 1..at + 9].try_into().unwrap()) as usize;
        }
        mcap[at + 9 + 24] ^= 1;
        let recorded = inspect(&RosbagPlugin, name, &mcap);
        recorded.assert_counted();
        assert!(recorded.noted("checksum-mismatch"), "{name}");
        assert_eq!(recorded.result.unwrap_err().offset, Some(at as u64));
        assert!(recorded.labels.opaque[&Reason::Corrupt] > 1000, "{name}");
        assert_eq!(messages(name, "mcap", &mcap), messages(name, "mcap", &fixture("rosbag", name)));
    }
    let mut mcap = fixture("rosbag", "crcs.mcap");
    let crc = mcap.len() - 12;
    mcap[crc] ^= 1;
    let recorded = inspect(&RosbagPlugin, "a.mcap", &mcap);
    assert!(recorded.noted("checksum-mismatch"));
    let mut mcap = fixture("rosbag", "crcs.mcap");
    mcap[20] ^= 1;
    let recorded = inspect(&RosbagPlugin, "a.mcap", &mcap);
    assert!(recorded.noted("checksum-mismatch"), "the data section has a checksum");
}

#[test]
fn an_mcap_without_its_end_is_read() {
    let whole = fixture("rosbag", "zstd.mcap");
    let all = messages("a.mcap", "mcap", &whole);
    // Without the magic at the end, without footer, without summary.
    let start = summary_start(&whole);
    for cut in [whole.len() - 8, whole.len() - 37, start] {
        let recorded = inspect(&RosbagPlugin, "a.mcap", &whole[..cut]);
        assert!(recorded.result.unwrap_err().is_truncation());
        assert_eq!(messages("a.mcap", "mcap", &whole[..cut]), all);
        // Raw pictures are all that is not looked into.
        assert!(recorded.labels.opaque.keys().eq([&Reason::NoModel]), "{cut} {:?}", recorded.labels);
    }
}

#[test]
fn encrypted_bags_stay_closed() {
    let bag = fixture("rosbag", "ros-encrypted.bag");
    let recorded = inspect(&RosbagPlugin, "a.bag", &bag);
    assert_eq!(recorded.result, Ok(()));
    recorded.assert_counted();
    assert!(recorded.noted("encrypted"));
    assert_eq!(recorded.labels.opaque.keys().collect::<Vec<_>>(), [&Reason::Encrypted]);
    // Whom it is encrypted to is told in clear.
    assert!(recorded.texts.concat().contains("gpg_user: bag@example.org"));
}

#[test]
fn old_bags_are_recognised() {
    let bag = [&b"#ROSRECORD V1.2\n"[..], b"\x20\0\0\0", &noise(1, 500)].concat();
    let recorded = inspect(&RosbagPlugin, "a.bag", &bag);
    assert_eq!(recorded.format, "rosbag1");
    assert_eq!(recorded.labels.opaque[&Reason::Unsupported], bag.len() as u64);
}
