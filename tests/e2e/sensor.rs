//! Datasets of maps and sensors: the same drive in every form, where it was, whose areas it crosses, and what is asked of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yumen_kit_container::testing::fixture;

use crate::kit::{Place, Report, text};

/// What of a finding must be the same in twins.
fn essence(finding: &Value) -> Value {
    let p = &finding["properties"];
    let rounded = |name: &str| p[name].as_f64().map(|v| (v * 20.0).round() / 20.0);
    json!({
        "kind": finding["kind"], "count": finding["count"], "region": p["region"], "frame": p["frame"], "provinces": p["provinces"],
        "points": p["points"], "messages": p["messages"], "length_km": rounded("length_km"), "extent": p["extent"], "duration_s": rounded("duration_s"),
    })
}

/// Findings of an artifact itself, by kind, as their essence.
fn of(report: &Report, artifact: &str, kinds: &[&str]) -> Vec<Value> {
    let mine = |f: &&Value| f["artifact"] == artifact && kinds.iter().any(|k| text(&f["kind"]).starts_with(k));
    let mut found: Vec<Value> = report.list("findings").iter().filter(mine).map(essence).collect();
    // Where a finding begins differs between containers, and so does their order.
    found.sort_by_key(Value::to_string);
    found
}

#[test]
fn twins_give_the_same_findings() {
    let place = Place::new();
    let groups: &[(&str, &[&str], &[&str])] = &[
        (
            "rosbag",
            &["none.bag", "bz2.bag", "lz4.bag", "none.mcap", "lz4.mcap", "zstd.mcap", "humble.db3", "jazzy.db3"],
            &["geo.", "sensor.camera", "sensor.lidar", "vehicle.plate"],
        ),
        ("gis", &["track.gpx", "gxtrack.kml", "coordtimes.geojson", "points.geojson"], &["geo.track"]),
        ("geodatabase", &["map.gpkg", "track.geojson"], &["geo.track"]),
        (
            "measurement",
            &[
                "drive.asc",
                "drive.blf",
                "drive.log",
                "drive.csv",
                "bus.mf4",
                "signals-4.10.mf4",
                "signals.mdf",
                "signals-transposed.mf4",
            ],
            &["geo.track"],
        ),
        ("gnss", &["track.nmea", "rmc-only.log", "track.ubx", "mixed.bin"], &["geo.track"]),
        ("pointcloud", &["twin-f1.las", "twin-f1.laz"], &["geo.point-cloud"]),
        ("pointcloud", &["twin-f6.las", "twin-f6.laz"], &["geo.point-cloud"]),
        ("roadmap", &["beijing.osm", "beijing.osm.pbf", "raw.osm.pbf", "lz4.osm.pbf"], &["geo.map", "person.phone"]),
    ];
    for (topic, names, _) in groups {
        for name in *names {
            place.file(&format!("in/{topic}/{name}"), fixture(topic, name));
        }
    }
    place.file("in/measurement/drive.dbc", fixture("measurement", "drive.dbc"));
    let (code, report) = place.scan(&["in"]);
    assert_eq!(code, 1);
    for (topic, names, kinds) in groups {
        let path = |name: &str| format!("in/{topic}/{name}");
        let first = of(&report, &path(names[0]), kinds);
        assert!(!first.is_empty(), "{topic}/{}: nothing found", names[0]);
        for name in &names[1..] {
            let other = of(&report, &path(name), kinds);
            assert_eq!(other, first, "{topic}/{name} is not as {}", names[0]);
        }
    }
    // A table of topics, and the sums of the whole.
    let dataset = &report.list("datasets")[0];
    assert_eq!(dataset["path"], "in");
    let topics = dataset["tables"]["topics"].as_array().unwrap();
    assert!(topics.iter().any(|t| t["name"] == "/gps/fix" && t["artifact"] == "in/rosbag/none.bag"), "{topics:#?}");
    let remedies: Vec<String> = report
        .list("findings")
        .iter()
        .filter(|f| f["kind"] == "geo.track" && f["artifact"] == "in/rosbag/none.bag")
        .flat_map(|f| f["remedies"].as_array().cloned().unwrap_or_default())
        .map(|r| text(&r["action"]))
        .collect();
    assert!(remedies.iter().any(|r| r == "drop-topic"), "{remedies:?}");
}

/// The same walk around a place, in the form that a receiver's table has.
fn walk(lat: f64, lon: f64) -> Vec<(f64, f64)> {
    (0..40).map(|i| (lat + f64::from(i) * 1e-4, lon + (f64::from(i) / 6.0).sin() * 1e-4)).collect()
}

fn csv(points: &[(f64, f64)]) -> String {
    let rows = points
        .iter()
        .enumerate()
        .map(|(i, (lat, lon))| format!("2026-07-25 08:{:02}:{:02},{lat:.6},{lon:.6},7.5\n", i / 60, i % 60));
    "time,latitude,longitude,speed\n".to_owned() + &rows.collect::<String>()
}

fn gpx(points: &[(f64, f64)]) -> String {
    let rows = points.iter().enumerate().map(|(i, (lat, lon))| {
        format!(
            "<trkpt lat=\"{lat:.6}\" lon=\"{lon:.6}\"><time>2026-07-25T08:{:02}:{:02}Z</time></trkpt>",
            i / 60,
            i % 60
        )
    });
    format!(
        "<?xml version=\"1.0\"?><gpx version=\"1.1\" creator=\"t\" xmlns=\"http://www.topografix.com/GPX/1/1\"><trk><trkseg>{}</trkseg></trk></gpx>",
        rows.collect::<String>()
    )
}

fn nmea(points: &[(f64, f64)]) -> String {
    let field = |v: f64, n: usize| format!("{:0n$}{:09.6}", v.trunc() as u32, v.fract() * 60.0);
    let line = |(i, (lat, lon)): (usize, &(f64, f64))| {
        let body = format!(
            "GPRMC,08{:02}{:02}.00,A,{},N,{},E,14.6,10.0,250726,,,A",
            i / 60,
            i % 60,
            field(*lat, 2),
            field(*lon, 3)
        );
        format!("${body}*{:02X}\r\n", body.bytes().fold(0u8, |x, b| x ^ b))
    };
    points.iter().enumerate().map(line).collect()
}

fn geojson(points: &[(f64, f64)]) -> String {
    let coordinates: Vec<_> =
        points.iter().map(|(lat, lon)| json!([(lon * 1e6).round() / 1e6, (lat * 1e6).round() / 1e6])).collect();
    let times: Vec<_> = (0..points.len()).map(|i| format!("2026-07-25T08:{:02}:{:02}Z", i / 60, i % 60)).collect();
    json!({"type": "Feature", "properties": {"coordTimes": times}, "geometry": {"type": "LineString", "coordinates": coordinates}}).to_string()
}

/// Places of the same shape; the province, or the country outside the mainland.
const PLACES: &[(&str, f64, f64, &str)] = &[
    ("beijing", 39.90, 116.40, "CN-BJ"),
    ("kashgar", 39.47, 75.99, "CN-XJ"),
    ("hainan", 20.02, 110.33, "CN-HI"),
    ("mohe", 52.97, 122.54, "CN-HL"),
    ("busan", 35.17, 129.07, "KR"),
    ("ulaanbaatar", 47.91, 106.90, "MN"),
    ("hanoi", 21.02, 105.83, "VN"),
    ("hongkong", 22.28, 114.16, "HK"),
    ("macao", 22.19, 113.54, "MO"),
    ("taipei", 25.03, 121.56, "TW"),
    ("singapore", 1.35, 103.82, "SG"),
];

#[test]
fn what_is_china_is_told_by_its_border() {
    let place = Place::new();
    for (name, lat, lon, _) in PLACES {
        let points = walk(*lat, *lon);
        for (suffix, content) in
            [("csv", csv(&points)), ("gpx", gpx(&points)), ("nmea", nmea(&points)), ("geojson", geojson(&points))]
        {
            place.file(&format!("in/{name}.{suffix}"), content);
        }
    }
    let (_, report) = place.scan(&["in"]);
    for (name, _, _, area) in PLACES {
        for suffix in ["csv", "gpx", "nmea", "geojson"] {
            let track = report.finding("geo.track", &format!("in/{name}.{suffix}"));
            let p = &track["properties"];
            let inside = area.starts_with("CN-");
            assert_eq!((p["points"].as_u64(), &track["count"]), (Some(40), &json!(1)), "{name}.{suffix}");
            // Without a word on the datum a place next to the mainland may be either.
            let near = p["near_mainland"] == true;
            let region = if inside {
                "inside"
            } else if near {
                "unknown"
            } else {
                "outside"
            };
            assert_eq!(p["region"], region, "{name}.{suffix}: {p}");
            assert!(!near || suffix == "csv", "{name}.{suffix}");
            if !near {
                assert_eq!(p[if inside { "provinces" } else { "countries" }], json!([area]), "{name}.{suffix}");
            }
        }
    }
    // Outside alone there is nothing to ask of surveying.
    let (_, outside) = place.scan(&["in/busan.gpx"]);
    assert!(!outside.reasons().contains("geodata"), "{}", outside.reasons());
    assert!(!outside.question_keys().iter().any(|k| k.contains("geo.processed")));
}

#[test]
fn geodata_of_the_mainland_needs_processing_and_an_approval() {
    let place = Place::new();
    place.file("in/drive.gpx", gpx(&walk(39.9, 116.4)));
    let (code, open) = place.scan(&["in"]);
    assert_eq!((code, open.route()), (1, "undetermined"));
    assert!(open.question_keys().iter().any(|k| k == "facts.geo.processed"), "{:?}", open.question_keys());
    let manifest = |processed: bool| {
        format!(
            "shipment: t\nprocessor: {{name: a, ciio: false}}\nrecipient: {{name: b, country: DE}}\nscenario: driving-automation\ntransfer-date: 2026-11-25\nfacts: {{geo.processed: {processed}}}\n"
        )
    };
    place.file("no.yaml", manifest(false));
    let (code, refused) = place.scan(&["in", "--shipment", "no.yaml", "--as-of", "2026-11-25"]);
    assert_eq!((code, refused.route()), (1, "none-permitted"));
    place.file("yes.yaml", manifest(true));
    let (code, processed) = place.scan(&["in", "--shipment", "yes.yaml", "--as-of", "2026-11-25"]);
    assert_eq!(code, 1);
    assert!(processed.reasons().contains("geodata-not-approved"), "{}", processed.reasons());
}

#[test]
fn a_local_frame_is_asked_about_and_never_outside() {
    let place = Place::new();
    let rows: String = (0..60)
        .map(|i| {
            format!("1,{i},{},car,{:.3},{:.3},1.0,0.5\n", i * 100, 900.0 + f64::from(i), 1000.0 + f64::from(i) * 0.3)
        })
        .collect();
    place.file("in/tracks.csv", format!("track_id,frame_id,timestamp_ms,agent_type,x,y,vx,vy\n{rows}"));
    let (code, report) = place.scan(&["in"]);
    let track = report.finding("geo.track", "in/tracks.csv");
    assert_eq!((&track["properties"]["region"], &track["properties"]["frame"]), (&json!("unknown"), &json!("local")));
    assert_eq!(code, 1);
    assert!(report.question_keys().iter().any(|k| k.contains("geo.inside-mainland")), "{:?}", report.question_keys());
}

#[test]
fn positions_in_an_organisation_s_fences_are_told_without_their_place() {
    let place = Place::new();
    place.file("in/drive.gpx", gpx(&walk(39.9, 116.4)));
    place.file("in/far.gpx", gpx(&walk(31.2, 121.4)));
    place.file("in/table.csv", csv(&walk(39.9, 116.4)));
    let yard = json!({"type": "FeatureCollection", "features": [{"type": "Feature", "id": "7", "properties": {"name": "a secret yard"}, "geometry": {"type": "Point", "coordinates": [116.4, 39.901]}}]});
    place.file("org/areas.geojson", yard.to_string());
    place.file("org/yumen.yaml", "fences:\n  - {file: areas.geojson, buffer-m: 150, name: own}\n");
    let (_, report) = place.scan(&["in", "--config", "org/yumen.yaml"]);
    for name in ["in/drive.gpx", "in/table.csv"] {
        let hit = report.finding("geo.sensitive-area", name);
        assert_eq!(hit["properties"]["fences"], json!(["own/7"]));
        let n = hit["count"].as_u64().unwrap();
        assert!((10..=30).contains(&n), "{name}: {n}");
    }
    assert!(!report.found().contains(&("geo.sensitive-area".to_owned(), "in/far.gpx".to_owned())));
    let all = report.0.to_string();
    assert!(!all.contains("a secret yard") && !all.contains("39.901"));
    assert!(all.contains("fences-applied"));
    let bad = place.yumen(&["scan", "in", "--config", "org/bad.yaml"]);
    assert_eq!(bad.code, 2);
    place.file("org/bad.yaml", "fences: [{file: areas.geojson}]\n");
    let bad = place.yumen(&["scan", "in", "--config", "org/bad.yaml"]);
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("needs a buffer"), "{}", bad.stderr);
}

#[test]
fn an_early_answer_says_what_it_left_out() {
    let place = Place::new();
    let points: Vec<(f64, f64)> = (0..20_000).map(|i| (39.9 + f64::from(i) * 1e-6, 116.4)).collect();
    let log: String = points.chunks(3600).map(nmea).collect();
    place.file("in/long.nmea", log);
    let (code, fast) = place.scan(&["in", "--fast"]);
    assert_eq!(code, 1);
    assert_eq!(fast.0["coverage"]["opaque_by_reason"]["not-sampled"], fast.0["coverage"]["total"]);
    assert_eq!(fast.finding("geo.track", "in/long.nmea")["properties"]["region"], "inside");
    let (_, whole) = place.scan(&["in"]);
    assert_eq!(whole.0["coverage"]["opaque"], 0);
}

#[test]
fn no_precise_position_stands_in_a_report() {
    let place = Place::new();
    place.file("in/drive.gpx", gpx(&walk(39.123_456, 116.654_321)));
    place.file("in/drive.nmea", nmea(&walk(39.123_456, 116.654_321)));
    let (_, report) = place.scan(&["in"]);
    fn numbers(value: &Value, at: &str, found: &mut BTreeMap<String, f64>) {
        match value {
            Value::Number(n) => {
                let n = n.as_f64().unwrap();
                if (39.0..40.0).contains(&n) || (116.0..117.0).contains(&n) {
                    found.insert(at.to_owned(), n);
                }
            }
            Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| numbers(v, &format!("{at}/{i}"), found)),
            Value::Object(map) => map.iter().for_each(|(k, v)| numbers(v, &format!("{at}/{k}"), found)),
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    numbers(&report.0["findings"], "", &mut found);
    numbers(&report.0["datasets"], "", &mut found);
    assert!(!found.is_empty());
    for (at, n) in found {
        assert!(((n * 100.0).round() / 100.0 - n).abs() < 1e-9, "{at}: {n}");
    }
    assert!(!report.0.to_string().contains("39.1234") && !report.0.to_string().contains("3907.4"));
}
