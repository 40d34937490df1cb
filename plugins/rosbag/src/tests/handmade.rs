//! MCAP files written here, record by record.

use proptest::prelude::*;
use yumen_kit_container::testing::{fixture, inspect};
use yumen_model::Reason;

use super::topics;
use crate::RosbagPlugin;

const MAGIC: &[u8] = b"\x89MCAP0\r\n";

fn record(op: u8, body: &[u8]) -> Vec<u8> {
    [&[op][..], &(body.len() as u64).to_le_bytes(), body].concat()
}

fn text(t: &str) -> Vec<u8> {
    [&(t.len() as u32).to_le_bytes()[..], t.as_bytes()].concat()
}

fn header() -> Vec<u8> {
    record(1, &[text("ros2"), text("handmade 1.0")].concat())
}

fn schema(id: u16) -> Vec<u8> {
    record(3, &[id.to_le_bytes().to_vec(), text("std_msgs/msg/String"), text("ros2msg"), text("string data")].concat())
}

fn channel(id: u16, schema: u16, topic: &str) -> Vec<u8> {
    record(4, &[id.to_le_bytes().to_vec(), schema.to_le_bytes().to_vec(), text(topic), text("cdr"), text("")].concat())
}

fn string(value: &str) -> Vec<u8> {
    let mut cdr = vec![0, 1, 0, 0];
    cdr.extend((value.len() as u32 + 1).to_le_bytes());
    cdr.extend(value.as_bytes());
    cdr.push(0);
    cdr
}

fn message(channel: u16, time: u64, data: &[u8]) -> Vec<u8> {
    let head = [&channel.to_le_bytes()[..], &0u32.to_le_bytes(), &time.to_le_bytes(), &time.to_le_bytes()].concat();
    record(5, &[&head[..], data].concat())
}

fn chunk(compression: &str, records: &[u8]) -> Vec<u8> {
    let stored = match compression {
        "zstd" => zstd::encode_all(records, 1).unwrap(),
        "lz4" => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            std::io::Write::write_all(&mut encoder, records).unwrap();
            encoder.finish().unwrap()
        }
        _ => records.to_vec(),
    };
    let mut body = [0u64.to_le_bytes(), 0u64.to_le_bytes(), (records.len() as u64).to_le_bytes()].concat();
    body.extend(crc32fast::hash(records).to_le_bytes());
    body.extend(text(compression));
    body.extend((stored.len() as u64).to_le_bytes());
    body.extend(stored);
    record(6, &body)
}

fn end() -> Vec<u8> {
    [record(15, &[0; 4]), record(2, &[0; 20]), MAGIC.to_vec()].concat()
}

fn file(parts: &[Vec<u8>]) -> Vec<u8> {
    [MAGIC.to_vec(), header(), parts.concat(), end()].concat()
}

#[test]
fn private_and_unknown_records_are_children() {
    let mcap = file(&[
        schema(1),
        channel(1, 1, "/notes"),
        record(0x80, b"private words of the fleet"),
        record(0x42, b"from a later version"),
        record(0x81, b""),
        message(1, 5, &string("hello")),
    ]);
    let recorded = inspect(&RosbagPlugin, "a.mcap", &mcap);
    assert_eq!(recorded.result, Ok(()));
    assert_eq!(recorded.names(), ["[record-80-1]", "[record-42-2]"]);
    assert_eq!(recorded.child("[record-80-1]").bytes, b"private words of the fleet");
    assert_eq!(topics(&recorded), [("/notes".to_owned(), 1, 14)]);
    recorded.assert_clear();
}

#[test]
fn attachments_and_metadata_are_told() {
    for name in ["none.mcap", "unchunked.mcap", "bare.mcap", "crcs.mcap", "ros1.mcap"] {
        let recorded = inspect(&RosbagPlugin, name, &fixture("rosbag", name));
        let attachment = recorded.child("calibration/notes.txt");
        assert_eq!(attachment.bytes, b"signed by 13900139000\n");
        assert!(attachment.extents.is_some());
        assert_eq!(attachment.meta.attributes["media_type"], "text/plain");
        let text = recorded.texts.concat();
        assert!(text.contains("driver: 张三") && text.contains("vin: LSVAA4182E2184847"), "{name}");
        let facts = |key: &str| {
            let list = recorded.inventory.iter().find_map(|i| i.properties.get(key).cloned());
            list.and_then(|l| {
                Some(l.as_array()?.iter().filter_map(|v| Some(v.as_str()?.to_owned())).collect::<Vec<_>>())
            })
        };
        assert_eq!(facts("profile").unwrap(), [if name == "ros1.mcap" { "ros1" } else { "ros2" }]);
        assert!(facts("library").unwrap()[0].contains("yumen fixtures"));
    }
    // A wrong checksum of an attachment is told.
    let mut mcap = fixture("rosbag", "unchunked.mcap");
    let at = memchr::memmem::find(&mcap, b"signed by").unwrap();
    mcap[at] = b'S';
    assert!(inspect(&RosbagPlugin, "a.mcap", &mcap).noted("checksum-mismatch"));
}

#[test]
fn messages_of_unknown_channels_and_unknown_compressions_are_opaque() {
    let mcap = file(&[schema(1), channel(1, 1, "/notes"), message(9, 5, &[0; 100]), message(1, 5, &string("x"))]);
    let recorded = inspect(&RosbagPlugin, "a.mcap", &mcap);
    assert_eq!(recorded.labels.opaque[&Reason::Corrupt], 100);
    assert!(recorded.noted("bad-entry"));
    let records = [schema(1), channel(1, 1, "/notes"), message(1, 5, &string("x"))].concat();
    let recorded = inspect(&RosbagPlugin, "a.mcap", &file(&[chunk("xz", &records)]));
    assert_eq!(recorded.labels.opaque[&Reason::Unsupported], records.len() as u64);
    assert!(recorded.noted("unsupported-method"));
    // In a compressed chunk they take their share, all of it where nothing else is in it.
    let records = [message(9, 5, &[7; 5000])].concat();
    let packed = chunk("zstd", &records);
    let recorded = inspect(&RosbagPlugin, "a.mcap", &file(std::slice::from_ref(&packed)));
    let stored = packed.len() as u64 - 9 - 28 - 8 - 8;
    assert_eq!(recorded.labels.opaque[&Reason::Corrupt], stored);
}

#[test]
fn data_behind_the_end_is_a_child() {
    let mcap = [file(&[schema(1)]), b"hidden words".to_vec()].concat();
    let recorded = inspect(&RosbagPlugin, "a.mcap", &mcap);
    assert_eq!(recorded.child("[after]").bytes, b"hidden words");
    recorded.assert_clear();
}

#[test]
fn lengths_that_lie_are_no_danger() {
    for n in [u64::MAX, 1 << 62, 1 << 40, 200 << 20] {
        for op in 1..=0x10u8 {
            let mut body = vec![op];
            body.extend(n.to_le_bytes());
            body.extend([0xFF; 300]);
            let recorded = inspect(&RosbagPlugin, "a.mcap", &[MAGIC.to_vec(), header(), body].concat());
            recorded.assert_counted();
            assert!(recorded.result.is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// However messages are spread over chunks and however these are compressed, the same comes out and nothing stays opaque.
    #[test]
    fn twins_are_alike(
        messages in proptest::collection::vec((1u16..4, "[a-z 0-9]{0,300}"), 0..40),
        cuts in proptest::collection::vec((0usize..40, 0usize..4), 0..6),
    ) {
        let known = [schema(1), channel(1, 1, "/a"), channel(2, 1, "/b"), channel(3, 1, "/c")].concat();
        let all: Vec<Vec<u8>> = messages.iter().enumerate().map(|(i, (c, t))| message(*c, i as u64, &string(t))).collect();
        let plain = inspect(&RosbagPlugin, "a.mcap", &file(&[known.clone(), all.concat()]));
        plain.assert_clear();
        let mut cuts = cuts;
        cuts.sort_unstable();
        let mut parts = Vec::new();
        let mut from = 0;
        let mut told = false;
        for (cut, codec) in cuts.into_iter().chain([(usize::MAX, 1)]) {
            let to = cut.min(all.len()).max(from);
            let head = if told { Vec::new() } else { known.clone() };
            told = true;
            let records = [head, all[from..to].concat()].concat();
            from = to;
            parts.push(match codec { 0 => records, 1 => chunk("", &records), 2 => chunk("lz4", &records), _ => chunk("zstd", &records) });
        }
        let other = inspect(&RosbagPlugin, "a.mcap", &file(&parts));
        other.assert_clear();
        prop_assert_eq!(topics(&plain), topics(&other));
        prop_assert_eq!(&plain.fixes, &other.fixes);
        prop_assert_eq!(&plain.values, &other.values);
    }
}
