use std::path::Path;

use serde_json::Value;
use yumen_kit_bus::parse_dbc;
use yumen_kit_container::testing::{
    Engine, Recorded, abuse, fixture, identify, inspect, inspect_granted, noise, prose,
};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Blob, Certainty, Context, GroupFact, Grouper as _, Member};

use crate::MeasurementPlugin as Plugin;

pub(crate) fn json(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/measurement").join(name);
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

/// The drive: longitude and latitude.
pub(crate) fn track() -> Vec<(f64, f64)> {
    let track: Vec<[f64; 2]> = serde_json::from_value(json("drive.track.json")).unwrap();
    track.into_iter().map(|[lat, lon]| (lon, lat)).collect()
}

/// What the neighbours of a recording lend it.
pub(crate) fn databases(list: &[&str]) -> Context {
    let granted = list
        .iter()
        .map(|text| GroupFact { key: yumen_kit_bus::FACT.to_owned(), value: parse_dbc(text).to_fact() })
        .collect();
    Context { granted }
}

pub(crate) fn told(name: &str, format: &'static str, bytes: &[u8], context: &Context) -> Recorded {
    let identity = identify(&Plugin, name, bytes).unwrap_or_else(|| panic!("{name} is not known"));
    assert_eq!(identity.format, format, "{name}");
    let artifact = Artifact {
        blob: Blob::from_bytes(bytes.to_vec()),
        name: name.to_owned(),
        format,
        attributes: Default::default(),
        inside: Vec::new(),
    };
    let told = inspect_granted(&Plugin, &artifact, context, Engine::default());
    told.assert_clear();
    told
}

#[track_caller]
pub(crate) fn assert_track(name: &str, told: &Recorded, within: f64) {
    let want = track();
    assert_eq!(told.fixes.len(), want.len(), "{name}: {:?}", told.fixes.first());
    for (fix, (x, y)) in told.fixes.iter().zip(&want) {
        assert!((fix.x - x).abs() < within && (fix.y - y).abs() < within, "{name}: {fix:?} {x} {y}");
    }
}

fn has_vin(told: &Recorded) -> usize {
    told.values.iter().filter(|(c, v)| c == "vin" && v == "LSVAA4182E2184847").count()
}

const FILES: &[(&str, &str)] = &[
    ("drive.asc", "asc"),
    ("drive.blf", "blf"),
    ("drive.trc", "trc"),
    ("drive-1.1.trc", "trc"),
    ("drive.log", "candump"),
    ("drive.candump", "candump"),
    ("drive.csv", "can-csv"),
    ("drive-savvy.csv", "can-csv"),
];

#[test]
fn one_drive_is_the_same_in_every_recording() {
    let dbc = String::from_utf8(fixture("measurement", "drive.dbc")).unwrap();
    for &(name, format) in FILES {
        let bytes = fixture("measurement", name);
        let told = told(name, format, &bytes, &databases(&[&dbc]));
        assert_track(name, &told, 3e-7);
        assert_eq!(has_vin(&told), 1, "{name}: {:?}", told.values);
        let first = told.fixes[0].time_s.unwrap();
        assert!((first - 1_784_000_000.0).abs() < 0.05, "{name} {first}");
        assert!((told.fixes[59].time_s.unwrap() - first - 5.9).abs() < 0.01, "{name}");
        assert!(told.fixes[5].z.is_some_and(|z| (z - 43.5).abs() < 0.01), "{name}");
        let motion = told.spatial.iter().find(|s| s.kind == kinds::GEO_INERTIAL).unwrap();
        assert_eq!((&motion.properties["messages"], motion.samples.len()), (&Value::from(60), 60), "{name}");
        assert_eq!(motion.properties["tied_to"], "GPS_Latitude");
        let item = &told.item(kinds::BUS_LOG).properties;
        let truth = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/fixtures/measurement/{name}.json"));
        if truth.exists() {
            let truth = json(&format!("{name}.json"));
            // Error frames are frames, and told apart beside.
            let frames = truth["frames"].as_u64().unwrap() + truth["errors"].as_u64().unwrap_or(0);
            assert_eq!((item["frames"].as_u64(), &item["ids"]), (Some(frames), &truth["ids"]), "{name}");
            if truth["errors"] != 0 {
                assert_eq!(item["error_frames"], truth["errors"], "{name}");
            }
        }
        assert!(item["uds_services"].as_array().is_some_and(|s| s.len() == 1), "{name}: {:?}", item["uds_services"]);
        assert!(item["identifiers"].as_array().unwrap().iter().any(|r| r["name"] == "GNSS_Position"), "{name}");
    }
}

#[test]
fn without_a_database_positions_are_not_guessed_and_one_is_asked_for() {
    for &(name, format) in FILES {
        let bytes = fixture("measurement", name);
        let told = told(name, format, &bytes, &Context::default());
        assert!(told.fixes.is_empty(), "{name}");
        // The answer to a diagnostic request, and the pages, speak for themselves.
        assert_eq!(has_vin(&told), 1, "{name}");
        abuse(&Plugin, format, name, &bytes, 60);
    }
}

#[test]
fn standards_need_no_database() {
    let told = told("j1939.blf", "blf", &fixture("measurement", "j1939.blf"), &Context::default());
    assert_track("j1939", &told, 2e-7);
    assert_eq!(has_vin(&told), 1);
    assert_eq!(told.item(kinds::BUS_LOG).properties["protocols"], serde_json::json!(["CAN", "J1939"]));
    let bytes = fixture("measurement", "nmea2000.blf");
    let told = self::told("nmea2000.blf", "blf", &bytes, &Context::default());
    assert_eq!(told.fixes.len(), 120);
    assert_eq!(told.item(kinds::BUS_LOG).properties["protocols"], serde_json::json!(["CAN", "NMEA 2000"]));
    let with_height = told.fixes.iter().filter(|f| f.z == Some(43.5)).count();
    assert_eq!(with_height, 60);
    for (fix, (x, y)) in told.fixes[60..].iter().zip(track()) {
        assert!((fix.x - x).abs() < 2e-7 && (fix.y - y).abs() < 2e-7);
    }
}

#[test]
fn random_extended_frames_are_no_positions() {
    let noise = noise(7, 40 * 8);
    let mut log = String::new();
    for (i, data) in noise.chunks(8).enumerate() {
        for id in ["09F80101", "18FEF3AA"] {
            let hex: String = data.iter().map(|b| format!("{b:02X}")).collect();
            log.push_str(&format!("({i}.000000) can0 {id}#{hex}\n"));
        }
    }
    let told = told("a.log", "candump", log.as_bytes(), &Context::default());
    assert!(told.fixes.is_empty(), "{:?}", told.fixes);
}

#[test]
fn asc_of_any_header_is_read() {
    let body = "   0.000000 Start of measurement\n   0.100000 1  500             Rx   d 8 D0 8A C9 17 B0 51 62 45\n   0.2 1 18FEF1FEx Tx d 2 01 02 Length = 1\n   0.3 1 7DF Rx r\n   0.4 CANFD   2 Rx        300  Sym_Name    1 0 9 12 01 02 03 04 05 06 07 08 09 0A 0B 0C 102203 133 303000 0\n   0.5 L1 3c Rx 8 01 02 03 04 05 06 07 08 checksum = 1\n   0.6 SV: 2 0 1 ::GPS::Latitude = 39.9\n   0.6 SV: 2 0 1 ::GPS::Longitude = 116.4\n   0.7 SV: 2 0 1 ::App::Driver = \"张三\"\n   0.8 GPS 1 39.91 116.41 43.5 10.0 90.0\n   0.9 1  Statistic: D 0 R 0 XD 0 XR 0 E 0 O 0 B 0.00%\n // comment 13800138000\nEnd TriggerBlock\n";
    let dbc =
        "BO_ 1280 P: 8 X\n SG_ Lat : 0|32@1- (1E-7,0) [0|0] \"deg\" X\n SG_ Lon : 32|32@1- (1E-7,0) [0|0] \"deg\" X\n";
    for header in [
        "date Sat Sep 30 10:06:13.191 PM 2017\nbase hex  timestamps absolute\ninternal events logged\n// version 9.0.0\nBegin Triggerblock Sat Sep 30 10:06:13.191 PM 2017\n",
        "date 周六 9月 30 22:06:13.191 2017\nbase hex  timestamps absolute\n",
        "base hex  timestamps absolute\nno internal events logged\n",
    ] {
        let text = format!("{header}{body}").replace('\n', "\r\n");
        let told = told("a.asc", "asc", text.as_bytes(), &databases(&[dbc]));
        let fixes: Vec<(f64, f64)> = told.fixes.iter().map(|f| (f.x, f.y)).collect();
        assert_eq!(fixes.len(), 3, "{fixes:?}");
        assert!(fixes.contains(&(116.4, 39.9)) && fixes.contains(&(116.41, 39.91)), "{fixes:?}");
        let item = &told.item(kinds::BUS_LOG).properties;
        assert_eq!(item["frames"], 5);
        assert_eq!(item["protocols"], serde_json::json!(["CAN", "CAN FD", "J1939", "LIN"]));
        assert!(told.texts.iter().any(|t| t.contains("张三") && t.contains("13800138000")));
        assert!(!told.texts.iter().any(|t| t.contains("D0 8A")));
    }
    let gbk: Vec<u8> = [
        b"date Sat Sep 30 10:06:13.191 2017\nbase hex timestamps absolute\n// ".as_slice(),
        &[0xd5, 0xc5, 0xc8, 0xfd],
        b"\n 0.1 1 500 Rx d 1 00\n",
    ]
    .concat();
    let told = told("a.asc", "asc", &gbk, &Context::default());
    assert_eq!(told.names(), ["[text].txt"]);
    assert_eq!(told.item(kinds::BUS_LOG).properties["frames"], 1);
}

#[test]
fn other_texts_are_not_taken() {
    let grid = b"ncols 4\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 50\nNODATA_value -9999\n-9999 -9999 5 2\n-9999 20 100 36\n".as_slice();
    let armor = b"-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n".as_slice();
    let csv = b"timestamp,id,value\n1,2,3\n".as_slice();
    let log = b"2024-01-01 12:00:00 INFO started\n(see note) here\n".as_slice();
    let prose = prose(5000);
    let noise = noise(3, 5000);
    for bytes in [
        grid,
        armor,
        csv,
        log,
        &prose,
        &noise,
        b"LOGG",
        b"(1) a b\n",
        b"",
        b"LOGGING started\nand more text that goes on and on and on and on and on\n",
    ] {
        for name in ["a.asc", "a.trc", "a.log", "a.csv", "a.blf", "a.mf4", "a.pcap", "a.dat"] {
            let taken = identify(&Plugin, name, bytes);
            assert!(taken.is_none_or(|i| i.certainty < Certainty::Plausible), "{name} {taken:?}");
        }
    }
}

#[test]
fn a_database_of_the_recordings_name_comes_first() {
    let exports: Vec<Value> = ["a", "b"].iter().map(|n| serde_json::json!({ "messages": [], "n": n })).collect();
    let member = |name, i: usize| Member { name, format: "dbc", exports: vec![&exports[i]] };
    let neighbours = [member("other.dbc", 0), member("Drive.dbc", 1)];
    let needy = Member { name: "drive.asc", format: "asc", exports: vec![] };
    let granted = crate::bus::CanDatabases.grant(&needy, &neighbours);
    assert_eq!(granted, [exports[1].clone(), exports[0].clone()]);
}

#[test]
fn a_broken_container_costs_what_is_in_it() {
    let bytes = fixture("measurement", "nmea2000.blf");
    let whole = inspect(&Plugin, "a.blf", &bytes).item(kinds::BUS_LOG).properties["frames"].as_u64().unwrap();
    let mut broken = bytes.clone();
    let at = bytes.len() / 2;
    broken[at..at + 40].fill(0xaa);
    let told = inspect(&Plugin, "a.blf", &broken);
    told.assert_counted();
    assert!(told.opaque() > 0 && told.noted("bad-entry"));
    let left = told.item(kinds::BUS_LOG).properties["frames"].as_u64().unwrap();
    assert!(left < whole && left > 0, "{left} of {whole}");
    let cut = inspect(&Plugin, "a.blf", &bytes[..bytes.len() * 2 / 3]);
    assert!(cut.result.is_err());
    assert!(cut.item(kinds::BUS_LOG).properties["frames"].as_u64().unwrap() < whole);
}

const MEASUREMENTS: &[(&str, &str)] = &[
    ("signals.mdf", "mdf3"),
    ("signals-apart.mdf", "mdf3"),
    ("signals-4.10.mf4", "mdf4"),
    ("signals-deflate-attached.mf4", "mdf4"),
    ("signals-transposed.mf4", "mdf4"),
    ("signals-apart.mf4", "mdf4"),
];

#[test]
fn measurements_hold_the_same_drive() {
    let truth = json("mdf.truth.json");
    for &(name, format) in MEASUREMENTS {
        let bytes = fixture("measurement", name);
        let told = told(name, format, &bytes, &Context::default());
        assert!(told.notes.is_empty(), "{name}: {:?}", told.notes);
        assert_track(name, &told, 1e-7);
        let first = told.fixes[0].time_s.unwrap();
        assert!((first - 1_784_000_000.0).abs() < 0.01, "{name} {first}");
        let item = &told.item(kinds::BUS_LOG).properties;
        assert_eq!(item["measurements"], truth[name]["channels"], "{name}");
        assert_eq!(item["groups"], truth[name]["groups"], "{name}");
        assert_eq!(item["duration_s"], 5.9, "{name}");
        let motion = told.spatial.iter().find(|s| s.kind == kinds::GEO_INERTIAL).unwrap();
        assert_eq!(
            (&motion.properties["messages"], motion.properties["rate_hz"].as_f64()),
            (&Value::from(60), Some(10.0)),
            "{name}"
        );
        let values: Vec<&str> = told.values.iter().map(|(_, v)| v.as_str()).collect();
        assert!(values.contains(&"Zhang San"), "{name}: {values:?}");
        assert!(
            told.values.iter().any(|(c, v)| c == "project" && v.contains("LSVAA4182E2184847")),
            "{name}: {values:?}"
        );
        if name.contains("4.10") || name.contains("deflate") {
            assert!(told.values.iter().any(|(c, v)| c == "Remark" && v == "phone 13800138000"), "{name}: {values:?}");
        }
        if name.contains("attached") {
            assert_eq!(told.child("drive.dbc").bytes, fixture("measurement", "drive.dbc"));
        }
        abuse(&Plugin, format, name, &bytes, 60);
    }
}

#[test]
fn frames_in_measurements_are_decoded_by_the_database_beside_or_inside() {
    let dbc = String::from_utf8(fixture("measurement", "drive.dbc")).unwrap();
    let truth = json("mdf.truth.json");
    for (name, context) in [
        ("bus.mf4", databases(&[&dbc])),
        ("bus-attached.mf4", Context::default()),
        ("bus-attached-deflate.mf4", Context::default()),
    ] {
        let bytes = fixture("measurement", name);
        let told = told(name, "mdf4", &bytes, &context);
        assert_track(name, &told, 3e-7);
        assert_eq!(has_vin(&told), 1, "{name}");
        if let Some(frames) = truth[name].get("frames") {
            assert_eq!(&told.item(kinds::BUS_LOG).properties["frames"], frames, "{name}");
        }
        abuse(&Plugin, "mdf4", name, &bytes, 60);
    }
}

#[test]
fn packets_tell_what_they_carry() {
    let truth = json("pcap.truth.json");
    for (name, format) in [("drive.pcap", "pcap"), ("drive-be-ns.pcap", "pcap"), ("drive.pcapng", "pcapng")] {
        let bytes = fixture("measurement", name);
        let told = told(name, format, &bytes, &Context::default());
        let (cars, own): (Vec<yumen_model::Fix>, Vec<yumen_model::Fix>) =
            told.fixes.iter().copied().partition(|f| f.entity != 0);
        assert_eq!((own.len(), cars.len()), (60, 3), "{name}");
        for (fix, (x, y)) in own.iter().zip(track()).chain(cars.iter().zip(track())) {
            assert!((fix.x - x).abs() < 2e-7 && (fix.y - y).abs() < 2e-7, "{name} {fix:?}");
        }
        assert!((own[0].time_s.unwrap() - 1_784_000_000.001).abs() < 1e-5, "{name}");
        assert_eq!(has_vin(&told), 1, "{name}");
        let item = &told.item(kinds::BUS_LOG).properties;
        assert_eq!(item["frames"], truth[name]["packets"], "{name}");
        assert_eq!(item["channels"][0]["bytes"], truth[name]["bytes"], "{name}");
        let long = truth[name]["last"].as_f64().unwrap() - truth[name]["first"].as_f64().unwrap();
        assert!((item["duration_s"].as_f64().unwrap() - long).abs() < 0.002, "{name}");
        for protocol in ["DoIP", "SOME/IP", "GeoNetworking", "V2X CAM", "TCP", "UDP", "UDS"] {
            assert!(item["protocols"].as_array().unwrap().contains(&protocol.into()), "{name} {protocol}");
        }
        let lidar = &told.item(kinds::SENSOR_LIDAR).properties;
        assert_eq!((&lidar["packets"], &lidar["points"]), (&Value::from(60), &Value::from(60 * 384)), "{name}");
        let cloud = told.spatial.iter().find(|s| s.kind == kinds::GEO_POINT_CLOUD).unwrap();
        assert_eq!(
            (cloud.samples.len(), &cloud.properties["tied_to"]),
            (60, &Value::from("Velodyne position packet")),
            "{name}"
        );
        let http = String::from_utf8(told.child("tcp-80.bin").bytes.clone()).unwrap();
        assert!(http.starts_with("POST /upload") && http.ends_with("{\"phone\": \"13800138000\"}"), "{http}");
        assert_eq!(told.child("udp-5001.bin").bytes.iter().filter(|&&b| b == b'$').count(), 5, "{name}");
        assert_eq!(told.child("udp-6001.bin").bytes.len(), 37 * 60, "{name}");
        abuse(&Plugin, format, name, &bytes, 40);
    }
}

#[test]
fn encrypted_payloads_stay_opaque() {
    let bytes = fixture("measurement", "tls.pcap");
    let told = inspect(&Plugin, "a.pcap", &bytes);
    told.assert_counted();
    assert_eq!(told.labels.opaque.get(&yumen_model::Reason::Encrypted), Some(&315));
    assert_eq!((told.opaque(), told.noted("encrypted"), told.raw.len()), (315, true, 0));
}

#[test]
fn frames_of_socketcan_in_packets_are_frames() {
    let dbc = String::from_utf8(fixture("measurement", "drive.dbc")).unwrap();
    let bytes = fixture("measurement", "socketcan.pcap");
    let told = told("a.pcap", "pcap", &bytes, &databases(&[&dbc]));
    assert_track("socketcan", &told, 3e-7);
    assert_eq!(has_vin(&told), 1);
    assert_eq!(told.item(kinds::BUS_LOG).properties["frames"], json("pcap.truth.json")["socketcan.pcap"]["packets"]);
}

#[test]
fn blocks_of_pcapng_are_accounted_for() {
    let block = |kind: u32, body: &[u8]| {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let n = (body.len() as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes()[..], &n, &body, &n].concat()
    };
    let secret = "CLIENT_RANDOM 00112233 445566\n";
    let comment =
        [&[1, 0, 14, 0][..], "driver 13800138000".as_bytes().get(..14).unwrap(), &[0, 0, 0, 0, 0, 0]].concat();
    let file = [
        block(0x0a0d_0d0a, &[&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[0xff; 8], &comment].concat()),
        block(1, &[1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0]),
        block(10, &[&[0x4b, 0x53, 0x4c, 0x54][..], &(secret.len() as u32).to_le_bytes(), secret.as_bytes()].concat()),
        block(4, b"\x01\0\x0e\0\x0a\0\0\x01tsp.car\0\0\0\0\0\0\0\0\0"),
        block(5, &[0; 12]),
        block(3, &[&14u32.to_le_bytes()[..], &[0; 14]].concat()),
    ]
    .concat();
    let told = told("a.pcapng", "pcapng", &file, &Context::default());
    assert_eq!(told.child("[secrets].txt").bytes, secret.as_bytes());
    assert!(
        told.texts.concat().contains("driver 1380013") || told.texts.concat().contains("driver"),
        "{:?}",
        told.texts
    );
    assert!(told.texts.concat().contains("tsp.car"));
    let unknown = [file, block(0x777, b"????")].concat();
    let told = inspect(&Plugin, "a.pcapng", &unknown);
    assert_eq!(told.labels.opaque.get(&yumen_model::Reason::Unsupported), Some(&4));
}

#[test]
fn a_measurement_that_was_not_closed_is_read_as_far_as_it_goes() {
    let mut bytes = fixture("measurement", "signals-4.10.mf4");
    bytes[..8].copy_from_slice(b"UnFinMF ");
    bytes[60] = 4;
    let at = bytes.windows(4).position(|w| w == b"##DT").unwrap();
    bytes[at + 8..at + 16].copy_from_slice(&24u64.to_le_bytes());
    let told = told("a.mf4", "mdf4", &bytes, &Context::default());
    assert!(told.noted("unfinalised"));
    assert!(told.fixes.len() >= 60, "{}", told.fixes.len());
    let cut = &bytes[..at + 24 + 500];
    let told = inspect(&Plugin, "a.mf4", cut);
    told.assert_counted();
}

/// Blocks of an MDF 4 under construction.
struct Blocks(Vec<u8>);

impl Blocks {
    fn add(&mut self, id: &[u8; 2], links: &[u64], body: &[u8]) -> u64 {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        let at = self.0.len() as u64;
        let len = 24 + 8 * links.len() + body.len();
        self.0.extend_from_slice(b"##");
        self.0.extend_from_slice(id);
        self.0.extend_from_slice(&[0; 4]);
        self.0.extend_from_slice(&(len as u64).to_le_bytes());
        self.0.extend_from_slice(&(links.len() as u64).to_le_bytes());
        links.iter().for_each(|l| self.0.extend_from_slice(&l.to_le_bytes()));
        self.0.extend_from_slice(body);
        at
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one block")]
    fn channel(&mut self, next: u64, name: &str, sort: u8, kind: u8, byte: u32, bits: u32, data: u64) -> u64 {
        let name = self.add(b"TX", &[], format!("{name}\0").as_bytes());
        let sync = u8::from(sort == 2);
        let mut body = vec![sort, sync, kind, 0];
        body.extend_from_slice(&byte.to_le_bytes());
        body.extend_from_slice(&bits.to_le_bytes());
        body.resize(72, 0);
        self.add(b"CN", &[next, 0, name, 0, 0, data, 0, 0], &body)
    }
}

#[test]
fn records_of_several_groups_in_one_stream_are_told_apart() {
    // As loggers write: frames in one group, their bytes in records of another that follow or go before.
    for bytes_first in [false, true] {
        let mut b = Blocks(b"MDF     4.11    maker   \0\0\0\0\x9b\x01".to_vec());
        b.0.resize(64, 0);
        let header = b.0.len();
        b.add(b"HD", &[0; 6], &[0; 32]);
        let group = |id: u64, flags: u16, size: u32, first: u64, next: u64, b: &mut Blocks| {
            let mut body = id.to_le_bytes().to_vec();
            body.extend_from_slice(&[0; 8]);
            body.extend_from_slice(&flags.to_le_bytes());
            body.extend_from_slice(&[0; 6]);
            body.extend_from_slice(&size.to_le_bytes());
            body.extend_from_slice(&[0; 4]);
            b.add(b"CG", &[next, first, 0, 0, 0, 0], &body)
        };
        let varying = group(2, 1, 0, 0, 0, &mut b);
        let data = b.channel(0, "CAN_DataFrame.DataBytes", 1, 10, 12, 64, varying);
        let length = b.channel(data, "CAN_DataFrame.DataLength", 0, 0, 20, 8, 0);
        let id = b.channel(length, "CAN_DataFrame.ID", 0, 0, 8, 32, 0);
        let time = b.channel(id, "Timestamp", 2, 4, 0, 64, 0);
        let frames = group(1, 2, 21, time, varying, &mut b);
        let mut stream = Vec::new();
        let mut offset = 0u64;
        for (i, (x, y)) in track().into_iter().enumerate() {
            let mut frame = vec![1u8];
            frame.extend_from_slice(&(i as f64 * 0.1).to_le_bytes());
            frame.extend_from_slice(&1280u32.to_le_bytes());
            frame.extend_from_slice(&offset.to_le_bytes());
            frame.push(8);
            let mut value = vec![2u8, 8, 0, 0, 0];
            value.extend_from_slice(&((y * 1e7).round() as i32).to_le_bytes());
            value.extend_from_slice(&((x * 1e7).round() as i32).to_le_bytes());
            offset += 12;
            let (first, second) = if bytes_first { (value, frame) } else { (frame, value) };
            stream.extend_from_slice(&first);
            stream.extend_from_slice(&second);
        }
        let data = b.add(b"DT", &[], &stream);
        let group = b.add(b"DG", &[0, frames, data, 0], &[1, 0, 0, 0, 0, 0, 0, 0]);
        b.0[header + 24..header + 32].copy_from_slice(&group.to_le_bytes());
        let dbc = String::from_utf8(fixture("measurement", "drive.dbc")).unwrap();
        let told = told("a.mf4", "mdf4", &b.0, &databases(&[&dbc]));
        assert_track("unsorted", &told, 2e-7);
        assert!(told.notes.is_empty(), "{:?}", told.notes);
        abuse(&Plugin, "mdf4", "a.mf4", &b.0, 200);
    }
}

#[test]
fn a_measurement_whose_blocks_lead_in_circles_ends() {
    let mut b = Blocks(b"MDF     4.11    maker   \0\0\0\0\x9b\x01".to_vec());
    b.0.resize(64, 0);
    b.add(b"HD", &[0; 6], &[0; 32]);
    let at = b.0.len().next_multiple_of(8) as u64;
    // A list that is its own next and its own data.
    b.add(b"DL", &[at, at, at], &[0, 0, 0, 0, 2, 0, 0, 0]);
    let group = b.add(b"CG", &[0; 6], &[0; 32]);
    let data = b.0.len().next_multiple_of(8) as u64;
    b.add(b"DG", &[data, group, at, data], &[0; 8]);
    b.0[88..96].copy_from_slice(&data.to_le_bytes());
    inspect(&Plugin, "a.mf4", &b.0).assert_counted();
}

#[test]
fn blocks_with_links_without_end_are_given_up() {
    // Each block claims that all that follows are links.
    let mut b = Blocks(b"MDF     4.11    maker   \0\0\0\0\x9b\x01".to_vec());
    b.0.resize(64, 0);
    b.add(b"HD", &[168, 168, 168, 168, 168, 168], &[0; 32]);
    for i in 0..40_000u64 {
        let at = b.0.len() as u64;
        b.0.extend_from_slice(b"##TX\0\0\0\0");
        b.0.extend_from_slice(&u64::MAX.to_le_bytes());
        b.0.extend_from_slice(&(1u64 << 40).to_le_bytes());
        b.0.extend_from_slice(&(at + 32 + i % 2).to_le_bytes());
    }
    let start = std::time::Instant::now();
    inspect(&Plugin, "a.mf4", &b.0).assert_counted();
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn a_message_that_the_recorder_put_together_is_read() {
    let vin: String = b"LSVAA4182E2184847*".iter().map(|b| format!("{b:02X} ")).collect();
    let text = format!(
        "date Sat Sep 30 10:06:13.191 2017\nbase hex  timestamps absolute\n   3.297743 1  J1939TP FEECp        6    0  0   -   Rx   d 18 {vin}\n"
    );
    let told = told("a.asc", "asc", text.as_bytes(), &Context::default());
    assert_eq!(has_vin(&told), 1, "{:?}", told.values);
}
