//! Fixtures of real writers against what independent readers find in them.

mod broken;
mod handmade;

use serde_json::Value;
use yumen_kit_container::testing::{Recorded, abuse, fixture, identify, inspect, noise, prose};
use yumen_model::kind::kinds;

use crate::RosbagPlugin;

/// Messages and payload bytes by topic.
pub(crate) fn topics(recorded: &Recorded) -> Vec<(String, u64, u64)> {
    let rows: Vec<&Value> = recorded
        .inventory
        .iter()
        .filter(|i| i.kind == kinds::SENSOR_RECORDING)
        .filter_map(|i| i.properties.get("topics").and_then(Value::as_array))
        .flatten()
        .collect();
    let mut rows: Vec<_> = rows
        .iter()
        .map(|r| {
            let n = |k: &str| r[k].as_u64().unwrap_or(0);
            (r["name"].as_str().unwrap_or("").to_owned(), n("messages"), n("bytes"))
        })
        .collect();
    rows.sort();
    rows
}

/// The same as an independent reader tells it: lines `messages bytes topic`.
pub(crate) fn read_by_others(name: &str) -> Vec<(String, u64, u64)> {
    let path = format!("{}/../../tests/fixtures/rosbag/{name}.topics", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut rows: Vec<_> = text
        .lines()
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            let mut next = || parts.next().unwrap();
            let (messages, bytes) = (next().parse().unwrap(), next().parse().unwrap());
            (next().to_owned(), messages, bytes)
        })
        .collect();
    rows.sort();
    assert!(!rows.is_empty());
    rows
}

const BAGS: &[&str] = &["none.bag", "bz2.bag", "lz4.bag", "ros-none.bag", "ros-bz2.bag", "ros-lz4.bag"];
const DB3: &[&str] = &["humble.db3", "jazzy.db3", "message-zstd.db3"];
const CYBER: &[&str] = &["cyber.record", "cyber-many.record"];
const MCAPS: &[&str] =
    &["none.mcap", "lz4.mcap", "zstd.mcap", "unchunked.mcap", "crcs.mcap", "bare.mcap", "ros1.mcap", "rosbag2.mcap"];

#[test]
fn bags_and_mcaps_hold_the_messages_that_other_readers_find() {
    for name in BAGS.iter().chain(MCAPS).chain(CYBER).chain(DB3) {
        let recorded = inspect(&RosbagPlugin, name, &fixture("rosbag", name));
        assert_eq!(recorded.result, Ok(()), "{name}");
        recorded.assert_counted();
        assert_eq!(topics(&recorded), read_by_others(name), "{name}");
        assert!(!recorded.noted("checksum-mismatch") && !recorded.noted("bad-entry"), "{name} {:?}", recorded.notes);
    }
}

#[test]
fn well_formed_recordings_leave_no_structure_opaque() {
    for name in BAGS.iter().chain(MCAPS).chain(CYBER).chain(DB3) {
        let recorded = inspect(&RosbagPlugin, name, &fixture("rosbag", name));
        let reasons: Vec<_> =
            recorded.labels.opaque.iter().filter(|(r, _)| **r != yumen_model::Reason::NoModel).collect();
        assert!(reasons.is_empty(), "{name} {reasons:?}");
        assert!(!recorded.noted("gap-data"), "{name}");
    }
}

#[test]
fn bags_that_were_never_closed_are_read_to_their_end() {
    let whole = topics(&inspect(&RosbagPlugin, "a.bag", &fixture("rosbag", "ros-none.bag")));
    for name in ["ros-unclosed.bag", "ros-unclosed-bz2.bag"] {
        let recorded = inspect(&RosbagPlugin, name, &fixture("rosbag", name));
        recorded.assert_clear();
        assert!(recorded.noted("rebuilt"), "{name}");
        let got = topics(&recorded);
        if name == "ros-unclosed.bag" {
            // The records of the open chunk lie behind a chunk header that has no size yet.
            assert_eq!(got, whole);
        } else {
            // Its compressor had not written the last chunk out.
            assert!(got.iter().zip(&whole).all(|(a, b)| a.0 == b.0 && a.1 * 10 > b.1 * 8), "{got:?}");
        }
    }
}

#[test]
fn hostile_and_broken_recordings_are_survived() {
    for name in BAGS {
        abuse(&RosbagPlugin, "rosbag1", name, &fixture("rosbag", name), 60);
    }
    for name in MCAPS {
        abuse(&RosbagPlugin, "mcap", name, &fixture("rosbag", name), 40);
    }
    for name in DB3 {
        abuse(&RosbagPlugin, "rosbag2", name, &fixture("rosbag", name), 30);
    }
    for name in CYBER {
        abuse(&RosbagPlugin, "cyber-record", name, &fixture("rosbag", name), 60);
    }
}

#[test]
fn other_data_is_no_recording() {
    let others: &[&[u8]] = &[
        &prose(5000),
        &noise(5, 5000),
        &[0; 4096],
        b"#ROSBAG V2.0\nis the first line of a bag and this is a text about it, long enough to be one",
        b"#ROSBAG V3.0\n",
        b"#ROSRECORD V1.2 was the old magic",
        b"MCAP0\r\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    ];
    for bytes in others {
        assert_eq!(identify(&RosbagPlugin, "a.bin", bytes), None, "{:?}", &bytes[..16.min(bytes.len())]);
    }
}
