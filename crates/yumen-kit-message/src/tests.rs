//! Messages that others encoded, and what they mean; and anything at all, which must not break.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use yumen_kit_container::testing::{self, Engine, Recorded};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Blob, Context, Format, Identity, InspectError, Inspection, InspectionExt, Label, Plugin, Probe, Reason,
};

use crate::plan::Tree;
use crate::schema;
use crate::wire::{Value, Visit, flat, proto, serial};
use crate::{Channel, Message, Topics, groups};

#[derive(Debug)]
pub(crate) enum Logged {
    Number(Value),
    Text(String),
    Bytes(Vec<u8>),
    Array(usize, usize),
}

fn lines(name: &str) -> Vec<Json> {
    let text = testing::fixture("message", name);
    text.split(|&b| b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
}

fn b64(v: &Json) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(v.as_str().unwrap()).unwrap()
}

/// Decodes every message with every value asked for, and compares the values in their order.
fn golden(name: &str) -> usize {
    let mut channels: HashMap<i64, (String, Tree, String)> = HashMap::new();
    let mut compared = 0;
    for line in lines(name) {
        if let Some(id) = line["channel"].as_i64() {
            let ty = line["type"].as_str().unwrap();
            let schema = b64(&line["schema"]);
            let encoding = line["schema_encoding"].as_str().unwrap();
            let types = if schema.is_empty() && encoding != "ros1msg" {
                schema::builtin(ty)
            } else {
                schema::parse(encoding, ty, &schema)
            };
            let mut tree =
                Tree::new(&types.unwrap_or_else(|e| panic!("{ty}: {e:?}")), matches!(encoding, "protobuf" | "apollo"));
            for id in 1..tree.nodes.len() as u32 {
                if !matches!(tree.nodes[id as usize].ty, schema::Ty::Struct(_)) {
                    tree.slot(id);
                }
            }
            channels.insert(id, (ty.to_owned(), tree, line["message_encoding"].as_str().unwrap().to_owned()));
            continue;
        }
        let (ty, tree, encoding) = &channels[&line["message"].as_i64().unwrap()];
        let data = b64(&line["data"]);
        let mut v = Visit::default();
        v.start(tree);
        let big = data.starts_with(&[0, 0]) && encoding == "cdr";
        match encoding.as_str() {
            "ros1" => serial::ros1(tree, &data, &mut v),
            "cdr" => serial::cdr(tree, &data, &mut v),
            "protobuf" => proto::decode(tree, &data, &mut v),
            _ => flat::decode(tree, &data, &mut v),
        }
        .unwrap_or_else(|e| panic!("{ty}: {e:?}"));
        let mut log: Vec<_> = v.log.into_iter().collect();
        // Arrays of fixed characters are heard as texts too.
        let mut got = log.drain(..).peekable();
        let mut events = line["events"].as_array().unwrap().iter();
        while let Some(event) = events.next() {
            let path = event[0].as_str().unwrap();
            let is_text = event[1] == "text";
            let (node, value) = loop {
                let Some((node, value)) = got.next() else { panic!("{ty}: {path} is missing") };
                let n = &tree.nodes[node as usize];
                // ROS 1 has times as one number, and texts may be heard out of bytes.
                if n.name != "structure_needs_at_least_one_member"
                    && (is_text || !matches!(value, Logged::Text(_)) || n.is_bytes() == is_text)
                {
                    break (node, value);
                }
            };
            let want = &event[2];
            let full = tree.full_name(node);
            // ROS 1 has a time as one value; its seconds and nanoseconds are two events.
            if let (Logged::Number(v @ (Value::U(_) | Value::I(_))), schema::Ty::Time | schema::Ty::Duration) =
                (&value, tree.nodes[node as usize].ty)
            {
                let ns = match *v {
                    Value::U(n) => n.cast_signed(),
                    Value::I(n) => n,
                    _ => 0,
                };
                let second = events.next().unwrap();
                assert!(
                    path == format!("{full}.sec") && second[0] == format!("{full}.nanosec"),
                    "{ty}: {full} for {path}"
                );
                assert_eq!(
                    (json!(ns / 1_000_000_000), json!(ns % 1_000_000_000)),
                    (want.clone(), second[2].clone()),
                    "{ty} {path}"
                );
                compared += 2;
                continue;
            }
            assert_eq!(full, path, "{ty}");
            match (value, event[1].as_str().unwrap()) {
                (Logged::Number(v), "number") => {
                    let same = match (v, want) {
                        (Value::F(f), w) => w.as_f64().is_some_and(|w| (w - f).abs() <= 1e-12 * f.abs()),
                        (Value::I(i), w) => w.as_i64() == Some(i),
                        (Value::U(u), w) => w.as_u64() == Some(u) || w.as_i64() == Some(u.cast_signed()),
                        _ => false,
                    };
                    assert!(same, "{ty} {path}: {v:?}, not {want}");
                }
                (Logged::Text(t), "text") => {
                    assert_eq!(t, want.as_str().unwrap().trim_end_matches('\0'), "{ty} {path}");
                }
                (Logged::Bytes(b), "fnv") => assert_eq!(json!(groups::hash(&b)), *want, "{ty} {path}"),
                (Logged::Array(at, len), "fnv") => {
                    let mut bytes = data[at..at + len].to_vec();
                    if big {
                        let size = tree.nodes[node as usize].ty.size();
                        bytes.chunks_mut(size).for_each(<[u8]>::reverse);
                    }
                    assert_eq!(json!(groups::hash(&bytes)), *want, "{ty} {path}");
                }
                (Logged::Array(..), "packed") => {}
                (got, want) => panic!("{ty} {path}: {got:?}, not {want}"),
            }
            compared += 1;
        }
        let rest: Vec<_> = got
            .filter(|(n, l)| {
                tree.nodes[*n as usize].name != "structure_needs_at_least_one_member"
                    && !(matches!(l, Logged::Text(_)) && tree.nodes[*n as usize].is_bytes())
            })
            .collect();
        assert!(rest.is_empty(), "{ty}: more than there is: {rest:?}");
    }
    compared
}

#[test]
fn cdr_in_both_byte_orders_reads_as_it_was_written() {
    assert_eq!(golden("cdr"), 3244);
}

#[test]
fn protobuf_reads_as_it_was_written() {
    assert_eq!(golden("protobuf"), 1041);
}

#[test]
fn foxglove_schemas_are_the_same_in_flatbuffers_and_protobuf() {
    let mut proto: HashMap<String, Vec<String>> = HashMap::new();
    let names = |line: &Json| {
        let (encoding, ty) = (line["schema_encoding"].as_str().unwrap(), line["type"].as_str().unwrap());
        let types = schema::parse(encoding, ty, &b64(&line["schema"])).unwrap_or_else(|e| panic!("{ty}: {e:?}"));
        let mut tree = Tree::new(&types, encoding == "protobuf");
        groups::assign(&mut tree, &types, ty, "/x", false);
        let mut keys: Vec<_> = tree.nodes[0].kids.clone().map(|k| tree.nodes[k as usize].key.clone()).collect();
        keys.sort();
        let roles: usize = tree.scopes.iter().map(|s| s.groups.len()).sum();
        (ty.to_owned(), keys, roles)
    };
    let mut roles = HashMap::new();
    for line in lines("protobuf").iter().filter(|l| l["channel"].is_number()) {
        let (ty, keys, n) = names(line);
        roles.insert(ty.clone(), n);
        proto.insert(ty, keys);
    }
    let mut same = 0;
    for line in lines("foxglove_flat") {
        let (ty, keys, n) = names(&line);
        if let Some(want) = proto.get(&ty) {
            assert_eq!((&keys, n), (want, roles[&ty]), "{ty}");
            same += 1;
        }
    }
    assert!(same > 30, "{same}");
}

#[test]
fn apollo_records_give_positions_of_the_car_and_of_what_it_saw() {
    assert!(golden("apollo") > 400);
    let r = play("apollo", true);
    r.assert_clear();
    // Two of twenty are no solution; the car and two obstacles stand in UTM metres.
    assert_eq!(r.fixes.iter().filter(|f| f.x < 180.0).count(), 18);
    assert_eq!(r.fixes.iter().filter(|f| f.x > 180.0 && f.entity == 0).count(), 20);
    assert_eq!(r.fixes.iter().filter(|f| f.entity == 3 || f.entity == 4).count(), 40);
    let last = r.fixes.iter().rfind(|f| f.entity == 4).unwrap();
    assert_eq!((last.y, last.time_s), (4_416_039.0, Some(1_700_000_001.9)), "the header stands behind the obstacles");
}

#[test]
fn delimited_cdr_is_read() {
    let idl = "module a { @appendable struct In { octet k; double v; }; @appendable struct B { string s; sequence<In> list; @optional long gone; double lat; double lon; }; };";
    let types = schema::parse("omgidl", "a/B", idl.as_bytes()).unwrap();
    let mut tree = Tree::new(&types, false);
    groups::assign(&mut tree, &types, "a/B", "/x", false);
    // PLAIN_CDR2 and DELIMITED_CDR2: doubles align to four, lengths before structures and their sequences, a flag before what is optional.
    let mut body: Vec<u8> = Vec::new();
    let u32 = |b: &mut Vec<u8>, v: u32| {
        while !b.len().is_multiple_of(4) {
            b.push(0);
        }
        b.extend(v.to_le_bytes());
    };
    u32(&mut body, 0);
    u32(&mut body, 3);
    body.extend(b"hi\0");
    u32(&mut body, 4 + 2 * 16);
    u32(&mut body, 2);
    for v in [1.5f64, 2.5] {
        u32(&mut body, 12);
        body.extend([7, 0, 0, 0]);
        body.extend(v.to_le_bytes());
    }
    body.push(0);
    u32(&mut body, 0);
    let at = body.len() - 4;
    body.truncate(at);
    body.extend(39.9f64.to_le_bytes());
    body.extend(116.4f64.to_le_bytes());
    let len = body.len() as u32 - 4;
    body[..4].copy_from_slice(&len.to_le_bytes());
    let payload = [&[0, 9, 0, 0][..], &body].concat();
    let mut v = Visit::default();
    v.start(&tree);
    assert_eq!(serial::cdr(&tree, &payload, &mut v), Ok(()));
    assert!(matches!(v.found[..], [groups::Found::Fix { xyz: [116.4, 39.9, _], .. }]), "{:?}", v.found);
    v.start(&tree);
    assert!(serial::cdr(&tree, &payload[..payload.len() - 9], &mut v).is_err());
}

#[test]
fn objects_in_texts_are_shown_by_their_keys() {
    let text = |s: &str| [&(s.len() as u32).to_le_bytes()[..], s.as_bytes()].concat();
    let geo = r#"{"type": "Point", "coordinates": [116.4, 39.9]}"#;
    let l = ros1_lines(
        "/state",
        "std_msgs/String",
        "string data",
        &[text(r#"{"owner": {"name": "张三"}, "n": 5}"#), text(geo)],
    );
    let r = play_lines(l, true);
    assert!(r.values.contains(&("/state.data.owner.name".to_owned(), "张三".to_owned())), "{:?}", r.values);
    assert_eq!((r.names(), r.children[0].bytes.as_slice()), (vec!["state/000001.geojson"], geo.as_bytes()));
}

#[test]
fn flatbuffers_read_as_they_were_written() {
    assert_eq!(golden("flat"), 26);
}

#[test]
fn ros_1_reads_as_it_was_written() {
    assert_eq!(golden("ros1"), 3195);
}

/// A recording whose artifact is nothing but payloads, one after another.
struct Played {
    lines: Vec<Json>,
    exact: bool,
}

impl Plugin for Played {
    fn formats(&self) -> &'static [Format] {
        &[]
    }

    fn identify(&self, _: &Probe<'_>) -> Option<Identity> {
        None
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut topics = Topics::new(artifact);
        let metadata = BTreeMap::new();
        let mut at = 0u64;
        for line in &self.lines {
            let text = |key: &str| line[key].as_str().unwrap_or("");
            if let Some(id) = line["channel"].as_u64() {
                let channel = Channel {
                    name: text("topic"),
                    type_name: text("type"),
                    message_encoding: text("message_encoding"),
                    schema_encoding: text("schema_encoding"),
                    schema: &if line["schema"].is_null() { Vec::new() } else { b64(&line["schema"]) },
                    metadata: &metadata,
                };
                topics.channel(id, &channel);
                topics.channel(id, &channel);
                continue;
            }
            let data = b64(&line["data"]);
            let message = Message {
                log_time_ns: line["ns"].as_u64().unwrap(),
                publish_time_ns: 0,
                data: &data,
                offset: at,
                exact: self.exact.then_some(at),
            };
            let outcome = topics.message(line["message"].as_u64().unwrap(), &message, out)?;
            outcome.label(at, data.len(), out)?;
            at += data.len() as u64;
        }
        Ok(topics.finish(out)?)
    }
}

fn play_lines(lines: Vec<Json>, exact: bool) -> Recorded {
    let bytes: Vec<u8> = lines.iter().filter(|l| l["data"].is_string()).flat_map(|l| b64(&l["data"])).collect();
    let artifact = Artifact {
        blob: Blob::from_bytes(bytes),
        name: "drive".to_owned(),
        format: "mcap",
        attributes: BTreeMap::new(),
        inside: Vec::new(),
    };
    let r = testing::inspect_artifact(&Played { lines, exact }, &artifact, Engine::default());
    r.assert_counted();
    r
}

fn play(name: &str, exact: bool) -> Recorded {
    play_lines(lines(name), exact)
}

/// A channel with JSON messages.
fn json_lines(topic: &str, ty: &str, messages: &[Json]) -> Vec<Json> {
    let mut out = vec![
        json!({"channel": 1, "topic": topic, "type": ty, "message_encoding": "json", "schema_encoding": "jsonschema"}),
    ];
    let encode = |m: &Json| base64::engine::general_purpose::STANDARD.encode(m.to_string());
    out.extend(messages.iter().enumerate().map(
        |(i, m)| json!({"message": 1, "ns": 1_700_000_000_000_000_000u64 + i as u64 * 100_000_000, "data": encode(m)}),
    ));
    out
}

#[test]
fn a_drive_means_the_same_in_ros_1_and_ros_2_stored_and_compressed() {
    for (name, exact) in [("drive1", true), ("drive1", false), ("drive2", true), ("drive2", false)] {
        let r = play(name, exact);
        assert_eq!(r.result, Ok(()));
        // Three of forty have no fix; odometry and one transform give forty each.
        assert_eq!(r.fixes.len(), 37 + 40 + 40, "{name}");
        let gps: Vec<_> = r.fixes.iter().filter(|f| f.x > 116.0).collect();
        assert_eq!(gps.len(), 37);
        assert!((gps[0].y - 39.9003).abs() < 1e-9 && gps[0].z == Some(50.0));
        assert!((gps[0].time_s.unwrap() - 1_700_000_000.295).abs() < 1e-4, "the stamp, not the time of recording");
        let cloud = r.spatial.iter().find(|s| s.kind == kinds::GEO_POINT_CLOUD).unwrap();
        assert_eq!((cloud.properties["points"].as_u64(), cloud.properties["messages"].as_u64()), (Some(8), Some(4)));
        assert_eq!(cloud.properties["bounds_m"], json!([-4.0, 2.0, 3.0, 1.0, 5.0, 6.0]));
        assert_eq!((cloud.crs.as_deref(), cloud.properties["tied_to"].as_str()), (Some("wgs84"), Some("/gps/fix")));
        assert_eq!(cloud.samples.len(), 37);
        let inertial: Vec<_> = r
            .spatial
            .iter()
            .filter(|s| s.kind == kinds::GEO_INERTIAL)
            .map(|s| s.properties["topic"].as_str().unwrap())
            .collect();
        assert_eq!(inertial, ["/imu/data", "/odom"]);
        let rows = r.item(kinds::SENSOR_RECORDING).properties["topics"].as_array().unwrap();
        assert_eq!(rows.len(), 9);
        let fix = rows.iter().find(|r| r["name"] == "/gps/fix").unwrap();
        assert_eq!(
            (fix["messages"].as_u64(), fix["rate_hz"].as_f64(), fix["duration_s"].as_f64()),
            (Some(40), Some(10.0), Some(3.9))
        );
        let front = r.item(kinds::SENSOR_CAMERA_EXTERIOR);
        assert_eq!(
            (&front.properties["view"], &front.properties["resolution"]),
            (&json!(["front"]), &json!(["1920x1080"]))
        );
        assert_eq!(r.item(kinds::SENSOR_CAMERA_CABIN).properties["resolution"], json!(["4x2"]));
        assert_eq!(r.item(kinds::SENSOR_LIDAR).properties["frames"], json!(4));
        let pictures: Vec<_> = r.children.iter().filter(|c| c.name().starts_with("camera/front")).collect();
        assert_eq!(pictures.len(), 4);
        assert!(pictures.iter().all(|c| c.bytes.starts_with(&[0xFF, 0xD8]) && c.extents.is_some() == exact));
        assert_eq!(pictures[0].name(), "camera/front/image/compressed/000000.jpg");
        let texts: Vec<_> =
            r.values.iter().filter(|(n, _)| n == "/vehicle/info.data").map(|(_, v)| v.as_str()).collect();
        assert_eq!(texts, ["VIN LSVAA4182E2184847", "phone 13800138000"], "a text that stays is told once");
        let said: Vec<_> = r.origins.iter().filter(|(topic, ..)| topic == "/vehicle/info").collect();
        assert_eq!((said.len(), said[0].2.as_str()), (2, "VIN LSVAA4182E2184847"));
        assert!(said[0].1 < said[1].1 && said[1].1 <= 3.9, "{said:?}");
        // Four pictures of eight raw pixels.
        assert_eq!(r.labels.opaque, [(Reason::NoModel, 32)].into());
        assert_eq!(r.notes.len(), 0);
    }
}

#[test]
fn messages_that_do_not_fit_are_told_and_the_rest_is_read() {
    let mut l = lines("drive2");
    let mut cut = 0;
    for line in l.iter_mut().filter(|l| l["message"] == 1).skip(5).take(3) {
        let mut data = b64(&line["data"]);
        data.truncate(40);
        cut += data.len();
        line["data"] = json!(base64::engine::general_purpose::STANDARD.encode(&data));
    }
    let r = play_lines(l, true);
    assert_eq!(r.fixes.iter().filter(|f| f.x > 116.0).count(), 34);
    assert_eq!(r.labels.opaque[&Reason::Corrupt], cut as u64);
    let note = r.notes.iter().find(|n| n.code == "message-corrupt").unwrap();
    assert_eq!((note.detail["count"].as_u64(), note.detail["topics"].as_u64()), (Some(3), Some(1)));
}

#[test]
fn json_is_read_by_its_keys() {
    let m = |i: i64, lat: f64| json!({"header": {"stamp": {"sec": 1_700_000_000 + i, "nsec": 0}, "frame_id": "gps"}, "GpsInfo": {"latitude": lat, "longitude": 116.4, "altitude": 44.0}, "owner": {"phone": "13800138000", "vin": "LSVAA4182E2184847"}});
    let r = play_lines(
        json_lines(
            "/app/state",
            "acme.State",
            &[m(0, 39.9), m(1, 39.91), m(2, 0.0), json!({"late": [{"plate_no": "京A12345"}]})],
        ),
        true,
    );
    assert_eq!(r.fixes.len(), 3);
    assert_eq!((r.fixes[1].y, r.fixes[1].x, r.fixes[1].time_s), (39.91, 116.4, Some(1_700_000_001.0)));
    for (name, value) in [
        ("/app/state.owner.phone", "13800138000"),
        ("/app/state.owner.vin", "LSVAA4182E2184847"),
        ("/app/state.late.plate_no", "京A12345"),
    ] {
        assert!(r.values.iter().any(|(n, v)| n == name && v == value), "{name} {:?}", r.values);
    }
    r.assert_clear();
    // Broken JSON is broken, and what is no object is read too.
    let mut l = json_lines("/x", "t", &[json!(["a@b.cn", {"k": "v"}])]);
    l.push(json!({"message": 1, "ns": 1, "data": base64::engine::general_purpose::STANDARD.encode("{\"a\":")}));
    let r = play_lines(l, true);
    assert_eq!(r.labels.opaque[&Reason::Corrupt], 5);
    assert!(r.values.iter().any(|(_, v)| v == "a@b.cn"));
}

#[test]
fn pictures_in_base64_are_children() {
    let jpeg = base64::engine::general_purpose::STANDARD.encode([0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3]);
    let r = play_lines(
        json_lines(
            "/cam/driver",
            "foxglove.CompressedImage",
            &[json!({"timestamp": {"sec": 1, "nsec": 2}, "frame_id": "c", "format": "jpeg", "data": jpeg})],
        ),
        true,
    );
    assert_eq!(r.children.len(), 1);
    assert_eq!(r.children[0].bytes, [0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3]);
    r.item(kinds::SENSOR_CAMERA_CABIN);
    r.assert_clear();
}

#[test]
fn objects_with_numbers_are_tracks_of_their_own() {
    let m = |x: f64| json!({"timestamp": 1_700_000_000.5, "objects": [{"id": 7, "position": {"x": x, "y": 1.0, "z": 0.0}}, {"id": 9, "position": {"x": -x, "y": 2.0, "z": 0.0}}]});
    let r = play_lines(json_lines("/perception/objects", "acme.Objects", &[m(1.0), m(2.0)]), true);
    let got: Vec<_> = r.fixes.iter().map(|f| (f.entity, f.x)).collect();
    assert_eq!(got, [(7, 1.0), (9, -1.0), (7, 2.0), (9, -2.0)]);
    assert_eq!(r.fixes[0].time_s, Some(1_700_000_000.5));
}

/// A message of one type in ROS 1 form.
fn ros1_lines(topic: &str, ty: &str, definition: &str, messages: &[Vec<u8>]) -> Vec<Json> {
    let e = |b: &[u8]| base64::engine::general_purpose::STANDARD.encode(b);
    let mut out = vec![
        json!({"channel": 1, "topic": topic, "type": ty, "message_encoding": "ros1", "schema_encoding": "ros1msg", "schema": e(definition.as_bytes())}),
    ];
    out.extend(messages.iter().map(|m| json!({"message": 1, "ns": 1_700_000_000_000_000_000u64, "data": e(m)})));
    out
}

#[test]
fn integers_radians_flags_and_character_arrays_are_understood() {
    // ublox_msgs/NavPVT in short: position in 1e-7 degrees, height in millimetres, no position below a 2D fix.
    let pvt = "uint8 fixType\nuint8 flags\nint32 lon\nint32 lat\nint32 height\n";
    let of = |fix: u8, flags: u8| {
        let mut b = vec![fix, flags];
        [1_164_000_000i32, 399_000_000, 50_500].iter().for_each(|v| b.extend(v.to_le_bytes()));
        b
    };
    let r = play_lines(ros1_lines("/ublox/navpvt", "ublox_msgs/NavPVT", pvt, &[of(3, 1), of(1, 1), of(3, 0)]), true);
    assert_eq!(r.fixes.len(), 1);
    assert!(
        (r.fixes[0].x - 116.4).abs() < 1e-9
            && (r.fixes[0].y - 39.9).abs() < 1e-9
            && (r.fixes[0].z.unwrap() - 50.5).abs() < 1e-9
    );
    // Septentrio writes radians, and -2e10 where it has none.
    let geo = "float64 latitude\nfloat64 longitude\nuint8 error\n";
    let of = |lat: f64, lon: f64, error: u8| [&lat.to_le_bytes()[..], &lon.to_le_bytes(), &[error]].concat();
    let (lat, lon) = (39.9f64.to_radians(), 116.4f64.to_radians());
    let r = play_lines(
        ros1_lines(
            "/pvt",
            "septentrio_gnss_driver/PVTGeodetic",
            geo,
            &[of(lat, lon, 0), of(-2e10, -2e10, 0), of(lat, lon, 4)],
        ),
        true,
    );
    assert_eq!(r.fixes.len(), 1);
    assert!((r.fixes[0].y - 39.9).abs() < 1e-9);
    // A VIN in an array of characters, a telephone number as a number.
    let mut b = b"LSVAA4182E2184847".to_vec();
    b.extend(13_800_138_000u64.to_le_bytes());
    let r = play_lines(ros1_lines("/id", "acme/Id", "uint8[17] vin\nuint64 phone\n", &[b]), true);
    let got: Vec<_> = r.values.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(got, [("/id.vin", "LSVAA4182E2184847"), ("/id.phone", "13800138000")]);
    r.assert_clear();
}

#[test]
fn structures_nobody_asks_for_are_passed_over_in_step() {
    // Points and colours are skipped at once; what follows them is still in its place, in both encodings.
    let definition = "P[] points\nC[2] colours\nuint8 n\nP one\nstring text\n================\nMSG: a/P\nfloat64 x\nfloat64 y\n================\nMSG: a/C\nfloat32 r\nfloat32 g\n";
    let types = schema::parse("ros2msg", "a/Lines", definition.as_bytes()).unwrap();
    let mut tree = Tree::new(&types, false);
    groups::assign(&mut tree, &types, "a/Lines", "/x", false);
    assert_eq!((tree.nodes[1].skip, tree.nodes[2].skip, tree.nodes[4].skip), (8, 4, 8));
    for cdr in [false, true] {
        for count in [0u32, 3] {
            let mut b = count.to_le_bytes().to_vec();
            let pad = |b: &mut Vec<u8>, to: usize| {
                while cdr && !b.len().is_multiple_of(to) {
                    b.push(0);
                }
            };
            if count > 0 {
                pad(&mut b, 8);
                b.extend(vec![1; 16 * count as usize]);
            }
            b.extend([2; 16]);
            b.push(9);
            pad(&mut b, 8);
            b.extend([3; 16]);
            b.extend(2u32.to_le_bytes());
            b.extend(b"ok");
            let mut v = Visit::default();
            v.start(&tree);
            let result = if cdr {
                serial::cdr(&tree, &[&[0, 1, 0, 0][..], &b].concat(), &mut v)
            } else {
                serial::ros1(&tree, &b, &mut v)
            };
            assert_eq!((result, v.said.as_str()), (Ok(()), "ok"), "{cdr} {count}");
        }
    }
}

#[test]
fn grids_origins_by_name_and_chinese_encodings_are_understood() {
    let b = [
        &31.0f64.to_le_bytes()[..],
        &121.0f64.to_le_bytes(),
        &350_000.5f64.to_le_bytes(),
        &3_450_000.5f64.to_le_bytes(),
        &4u32.to_le_bytes(),
        &[0xB3, 0xB5, 0xC5, 0xC6],
    ]
    .concat();
    let l = ros1_lines(
        "/local",
        "acme/Local",
        "float64 ref_lat\nfloat64 ref_lon\nfloat64 easting\nfloat64 northing\nstring what\n",
        &[b],
    );
    let r = play_lines(l, true);
    assert_eq!(r.exports[0].value, json!({"lat": 31.0, "lon": 121.0, "alt": 0.0}));
    assert_eq!((r.fixes.len(), r.fixes[0].x), (1, 350_000.5));
    assert_eq!(r.values, [("/local.what".to_owned(), "车牌".to_owned())]);
}

#[test]
fn sentences_of_receivers_are_positions() {
    let text = |s: &str| [&(s.len() as u32).to_le_bytes()[..], s.as_bytes()].concat();
    let l = ros1_lines(
        "/nmea",
        "nmea_msgs/Sentence",
        "string sentence",
        &[
            text("$GNGGA,092750.000,3954.0000,N,11624.0000,E,1,8,1.03,61.7,M,55.2,M,,"),
            text("$GNRMC,092750.000,A,3954.0000,N,11624.0000,E,0.02,31.66,280511,,,A"),
            text("$GNGGA,092750.000,,,,,0,8,1.03,,M,55.2,M,,"),
        ],
    );
    let r = play_lines(l, true);
    assert_eq!(r.fixes.len(), 1);
    assert!((r.fixes[0].x - 116.4).abs() < 1e-9 && r.fixes[0].z == Some(61.7));
}

#[test]
fn videos_become_one_child_and_unknown_bytes_are_told() {
    let frame = |nal: u8| {
        let data = [0, 0, 0, 1, nal, 1, 2, 3];
        [&(data.len() as u32).to_le_bytes()[..], &data, &4u32.to_le_bytes(), b"h264"].concat()
    };
    for exact in [true, false] {
        let l = ros1_lines(
            "/cam/front",
            "foxglove_msgs/CompressedVideo",
            "uint8[] data\nstring format",
            &[frame(0x67), frame(0x41), frame(0x41)],
        );
        let r = play_lines(l, exact);
        assert_eq!(r.names(), ["cam/front/part-0000.h264"]);
        assert_eq!(r.children[0].bytes.len(), 24);
        r.assert_clear();
    }
    let blob =
        |fill: &dyn Fn(usize) -> u8| [&1000u32.to_le_bytes()[..], &(0..1000).map(fill).collect::<Vec<_>>()].concat();
    let l =
        ros1_lines("/raw", "acme/Blob", "uint8[] payload", &[blob(&|i| (i * 7) as u8), blob(&|_| b'a'), blob(&|_| 0)]);
    let r = play_lines(l, true);
    assert_eq!(r.labels.opaque, [(Reason::UnknownFormat, 1000)].into());
    assert_eq!(r.names(), ["raw/000001.txt"]);
}

#[test]
fn what_cannot_be_decoded_is_opaque_and_told_by_its_type() {
    let e = |b: &[u8]| base64::engine::general_purpose::STANDARD.encode(b);
    let l = vec![
        json!({"channel": 1, "topic": "/lidar", "type": "acme/PointCloud2", "message_encoding": "cbor"}),
        json!({"channel": 2, "topic": "/b", "type": "acme/Gone", "message_encoding": "cdr", "schema_encoding": "ros2msg", "schema": e(b"Missing x")}),
        json!({"channel": 3, "topic": "/c", "type": "acme/Mutable", "message_encoding": "cdr", "schema_encoding": "omgidl", "schema": e(b"module acme { @mutable struct Mutable { long x; }; };")}),
        json!({"message": 1, "ns": 1, "data": e(&[1; 5])}),
        json!({"message": 2, "ns": 1, "data": e(&[1; 6])}),
        json!({"message": 3, "ns": 1, "data": e(&[1; 7])}),
        json!({"message": 9, "ns": 1, "data": e(&[1; 8])}),
    ];
    let r = play_lines(l, true);
    assert_eq!(r.labels.opaque, [(Reason::Unsupported, 12), (Reason::Corrupt, 6), (Reason::UnknownFormat, 8)].into());
    r.item(kinds::SENSOR_LIDAR);
    assert!(r.noted("message-undecodable"));
}

#[test]
fn origins_of_local_frames_are_told_with_what_stands_in_them() {
    let r = play_lines(
        [
            json_lines("/map/map_projector_info", "tier4_map_msgs/msg/MapProjectorInfo", &[json!({"projector_type": "MGRS", "mgrs_grid": "54SUE", "map_origin": {"latitude": 0.0, "longitude": 0.0}})]),
            vec![json!({"channel": 2, "topic": "/pose", "type": "geometry_msgs/msg/PoseStamped", "message_encoding": "json"}), {
                let m = json!({"header": {"frame_id": "map"}, "pose": {"position": {"x": 1.0, "y": 2.0, "z": 3.0}}});
                json!({"message": 2, "ns": 1, "data": base64::engine::general_purpose::STANDARD.encode(m.to_string())})
            }],
        ]
        .concat(),
        true,
    );
    assert_eq!(r.fixes.len(), 1);
    assert_eq!(r.exports[0].value, json!({"mgrs": "54SUE", "projector": "MGRS"}));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_schema_and_any_payload_end(
        schema in proptest::collection::vec(any::<u8>(), 0..300),
        text in "(uint8|string|float64|Header|a/B|time)(\\[[0-9]{0,9}\\])? [a-z]{1,3}\n(float32\\[\\] data\n)?",
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        kind in 0usize..9,
    ) {
        let (message, encoding) = [("ros1", "ros1msg"), ("cdr", "ros2msg"), ("cdr", "ros2idl"), ("protobuf", "protobuf"), ("protobuf", "apollo"),
            ("json", "jsonschema"), ("flatbuffer", "flatbuffer"), ("ros1", "ros1msg"), ("cdr", "ros2msg")][kind];
        let schema = if kind >= 7 { text.into_bytes() } else { schema };
        let e = |b: &[u8]| base64::engine::general_purpose::STANDARD.encode(b);
        let l = vec![
            json!({"channel": 1, "topic": "/x", "type": "a/B", "message_encoding": message, "schema_encoding": encoding, "schema": e(&schema)}),
            json!({"message": 1, "ns": 1, "data": e(&payload)}),
            json!({"message": 1, "ns": 2, "data": e(&[&[0, 1, 0, 0], &payload[..]].concat())}),
        ];
        play_lines(l, true);
    }

    #[test]
    fn damaged_messages_and_schemas_end(name in 0usize..5, which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
        let name = ["ros1", "cdr", "protobuf", "flat", "drive2"][name];
        thread_local! {
            static LINES: std::cell::RefCell<HashMap<&'static str, Vec<Json>>> = std::cell::RefCell::new(HashMap::new());
        }
        let mut l = LINES.with(|all| all.borrow_mut().entry(name).or_insert_with(|| lines(name)).clone());
        let messages: Vec<usize> = (0..l.len()).filter(|&i| l[i]["data"].is_string()).collect();
        let pick = messages[which.index(messages.len())];
        let id = l[pick]["message"].clone();
        l = l.into_iter().enumerate().filter(|(i, x)| *i == pick || x["channel"] == id).map(|(_, x)| x).collect();
        for key in ["schema", "data"] {
            let line = l.iter_mut().find(|x| x[key].is_string()).unwrap();
            let mut bytes = b64(&line[key]);
            if !bytes.is_empty() && (key == "data" || bit > 3) {
                let i = at.index(bytes.len());
                if cut { bytes.truncate(i) } else { bytes[i] ^= 1 << bit }
            }
            line[key] = json!(base64::engine::general_purpose::STANDARD.encode(&bytes));
        }
        play_lines(l, bit % 2 == 0);
    }
}

#[test]
fn outcomes_count_what_is_opaque() {
    let parts = [(2..5, Label::Opaque(Reason::NoModel)), (5..6, Label::Delegated)];
    let o = crate::Outcome { whole: Label::Inspected, parts: &parts };
    assert_eq!(o.opaque(10), Some((3, Reason::NoModel)));
    let o = crate::Outcome { whole: Label::Opaque(Reason::Corrupt), parts: &[] };
    assert_eq!(o.opaque(10), Some((10, Reason::Corrupt)));
    struct Nothing;
    impl Inspection for Nothing {
        fn send(&mut self, _: yumen_model::Message<'_>) -> Result<(), yumen_model::Stop> {
            Ok(())
        }
    }
    assert!(Nothing.inspected(0..1).is_ok());
}
