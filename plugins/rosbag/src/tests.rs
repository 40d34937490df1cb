//! Fixtures of real writers against what independent readers find in them.

mod broken;
mod handmade;

use serde_json::Value;
use yumen_kit_container::testing::{Recorded, abuse, fixture, identify, inspect, noise, prose, sha256};
use yumen_model::Reason;
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
const MCAPS: &[&str] = &[
    "none.mcap",
    "lz4.mcap",
    "zstd.mcap",
    "unchunked.mcap",
    "crcs.mcap",
    "bare.mcap",
    "ros1.mcap",
    "rosbag2.mcap",
    "message-zstd.mcap",
];

#[test]
fn bags_and_mcaps_hold_the_messages_that_other_readers_find() {
    for name in BAGS.iter().chain(MCAPS).chain(CYBER).chain(DB3) {
        let recorded = inspect(&RosbagPlugin, name, &fixture("rosbag", name));
        assert_eq!(recorded.result, Ok(()), "{name}");
        recorded.assert_counted();
        assert_eq!(topics(&recorded), read_by_others(name), "{name}");
        let recordings = recorded.inventory.iter().filter(|i| i.kind == kinds::SENSOR_RECORDING).count();
        assert_eq!(recordings, 1, "{name}: what the container tells and what the messages tell is one recording");
        assert!(!recorded.noted("checksum-mismatch") && !recorded.noted("bad-entry"), "{name} {:?}", recorded.notes);
    }
}

#[test]
fn well_formed_recordings_leave_no_structure_opaque() {
    for name in BAGS.iter().chain(MCAPS).chain(CYBER).chain(DB3) {
        let recorded = inspect(&RosbagPlugin, name, &fixture("rosbag", name));
        let reasons: Vec<_> = recorded.labels.opaque.iter().filter(|(r, _)| **r != Reason::NoModel).collect();
        assert!(reasons.is_empty(), "{name} {reasons:?}");
        assert!(!recorded.noted("gap-data"), "{name}");
    }
}

#[test]
fn bags_that_were_never_closed_are_read_to_their_end() {
    let whole = topics(&inspect(&RosbagPlugin, "a.bag", &fixture("rosbag", "ros-none.bag")));
    for name in ["ros-unclosed.bag", "ros-unclosed-bz2.bag"] {
        let recorded = inspect(&RosbagPlugin, name, &fixture("rosbag", name));
        assert_eq!(recorded.result, Ok(()));
        recorded.assert_counted();
        // Raw pictures are all that is not looked into.
        assert!(recorded.labels.opaque.keys().eq([&Reason::NoModel]), "{:?}", recorded.labels);
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

/// What detectors are shown of a recording, without where it stood and what it was called by its container.
fn shown(recorded: &Recorded) -> (Vec<String>, Vec<String>, Vec<String>, Vec<String>) {
    let fixes = recorded.fixes.iter().map(|f| format!("{:.9} {:.9} {:?} {:?} {}", f.x, f.y, f.z, f.time_s, f.entity));
    let values = recorded.values.iter().filter(|(name, _)| name.starts_with('/')).map(|(n, v)| format!("{n} = {v}"));
    let spatial = recorded.spatial.iter().map(|s| {
        let mut properties = s.properties.clone();
        // The packages of ROS 2 name their types with `/msg/`.
        if let Some(Value::String(name)) = properties.get_mut("name") {
            *name = name.replace("/msg/", "/");
        }
        format!("{} {:?} {:?} {:?} {properties:?}", s.kind, s.crs, s.samples, s.extent)
    });
    let children = recorded
        .children
        .iter()
        .filter(|c| c.name().contains("cabin"))
        .map(|c| format!("{} {}", c.name(), sha256(&c.bytes)));
    let sorted = |list: Vec<String>| {
        let mut list = list;
        list.sort();
        list
    };
    (sorted(fixes.collect()), sorted(values.collect()), sorted(spatial.collect()), sorted(children.collect()))
}

#[test]
fn the_same_drive_in_every_container_tells_the_same() {
    let of = |name: &str| shown(&inspect(&RosbagPlugin, name, &fixture("rosbag", name)));
    let first = of("none.mcap");
    // One of sixty fixes has no status, one no latitude; the vehicle's own positions come beside them.
    assert!(first.0.len() >= 58, "{}", first.0.len());
    assert!(first.1.iter().any(|v| v.ends_with("LSVAA4182E2184847") && v.contains("vin")), "{:?}", first.1);
    assert!(first.1.iter().any(|v| v.contains("13800138000")) && first.1.iter().any(|v| v.contains("京A12345")));
    assert!(!first.2.is_empty());
    assert_eq!(first.3.len(), 3);
    for name in BAGS[..3].iter().chain(MCAPS).chain(DB3) {
        let other = of(name);
        assert_eq!(first.0, other.0, "{name}");
        assert_eq!(first.1, other.1, "{name}");
        assert_eq!(first.2, other.2, "{name}");
        assert_eq!(first.3, other.3, "{name}");
    }
    let many = of("cyber-many.record");
    let one = of("cyber.record");
    assert_eq!(one, many);
    assert!(one.0.len() >= 120, "{}", one.0.len());
    assert!(one.1.iter().any(|v| v.contains("LSVAA4182E2184847")));
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
