use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use yumen_model::finding::Aggregate;
use yumen_model::{Cell, FixBatch, RecordBatch, SubjectKey};

use super::super::TrackDetector;
use super::*;

fn header(kind: EvidenceKind, format: &'static str, properties: &[(&str, &str)]) -> EvidenceHeader {
    EvidenceHeader {
        stream: 0,
        kind,
        format: format.into(),
        name: "a".into(),
        properties: properties.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect(),
    }
}

fn run(detector: &dyn Detector, header: &EvidenceHeader, batches: &[Batch<'_>]) -> Vec<Aggregate> {
    let mut session = detector.start(header).unwrap();
    let mut out = Findings::new(SubjectKey::new([0; 32]), 20, false);
    for batch in batches {
        session.feed(batch, &mut out);
    }
    session.finish(&mut out);
    out.into_parts().aggregates
}

fn detector() -> FixDetector {
    FixDetector::new(Arc::new(TextDetector::new(crate::recognisers())))
}

fn detect(format: &'static str, properties: &[(&str, &str)], fixes: &[Fix], cut: usize) -> Vec<Aggregate> {
    let batches: Vec<_> = fixes.chunks(cut).map(|c| Batch::Fixes(FixBatch { fixes: c.to_vec() })).collect();
    run(&detector(), &header(EvidenceKind::Fixes, format, properties), &batches)
}

fn fixes(crs: &[(&str, &str)], fixes: &[Fix]) -> Vec<Aggregate> {
    detect("mcap", crs, fixes, 1000)
}

/// A drive: `n` fixes from a position on, some 25 m and a second apart, with gentle turns.
fn drive(lat: f64, lon: f64, n: usize) -> Vec<Fix> {
    let (mut lat, mut lon, mut heading) = (lat, lon, 0.3f64);
    (0..n)
        .map(|i| {
            heading += 0.2 * (i as f64 * 0.7).sin();
            lat += 0.00022 * heading.cos();
            lon += 0.00025 * heading.sin();
            let round = |v: f64| (v * 1e7).round() / 1e7;
            Fix {
                x: round(lon),
                y: round(lat),
                z: Some(40.0),
                time_s: Some(1_700_000_000.0 + i as f64),
                entity: 0,
                offset: 100 * i as u64,
            }
        })
        .collect()
}

fn word(a: &Aggregate, name: &str) -> String {
    a.distinct
        .iter()
        .find(|(n, _)| *n == name)
        .map_or(String::new(), |(_, v)| serde_json::Value::from(v).as_str().unwrap_or("").to_owned())
}

fn one(found: &[Aggregate]) -> &Aggregate {
    assert_eq!(found.len(), 1, "{found:?}");
    &found[0]
}

fn areas(a: &Aggregate) -> Vec<String> {
    a.lists.values().flatten().map(ToString::to_string).collect()
}

#[test]
fn a_drive_is_a_track_with_its_figures() {
    let found = fixes(&[("crs", "wgs84"), ("topic", "/gps/fix")], &drive(39.9, 116.4, 600));
    let a = one(&found);
    assert_eq!(
        (a.kind, word(a, "region").as_str(), word(a, "frame").as_str()),
        (kinds::GEO_TRACK, "inside", "geodetic")
    );
    assert_eq!((a.count, &a.properties["points"], &a.properties["duration_s"]), (1, &json!(600), &json!(599.0)));
    assert_eq!((&a.properties["rate_hz"], &a.properties["vertical"]), (&json!(1.0), &json!(true)));
    assert_eq!((&a.properties["datum"], &a.properties["datum_from"]), (&json!("wgs84"), &json!("declared")));
    assert_eq!(areas(a), ["CN-BJ"]);
    let place = &a.places[0].0;
    assert_eq!(
        (place.topic.as_deref(), place.bytes, place.time_s),
        (Some("/gps/fix"), Some((0, 0)), Some(Seconds::new(0.0)))
    );
    let outline = a.properties["outline"].as_array().unwrap();
    assert!(outline.len() == 1 && outline[0].as_array().unwrap().len() >= 2, "{outline:?}");
    for v in outline[0].as_array().unwrap().iter().flat_map(|p| p.as_array().unwrap()) {
        let v = v.as_f64().unwrap() * 100.0;
        assert!((v - v.round()).abs() < 1e-6);
    }
}

#[test]
fn records_and_fixes_of_one_track_say_the_same() {
    let path = drive(22.53, 114.01, 300);
    let mut batch =
        RecordBatch { names: ["time", "lat", "lon", "altitude"].map(str::to_owned).to_vec(), ..RecordBatch::default() };
    let mut text = String::new();
    for f in &path {
        batch.records.push(batch.cells.len() as u32);
        for (i, v) in [f.time_s.unwrap(), f.y, f.x, f.z.unwrap()].into_iter().enumerate() {
            let start = text.len() as u32;
            text.push_str(&v.to_string());
            let end = text.len() as u32;
            text.push(RecordBatch::CELL_END);
            batch.cells.push(Cell {
                name: i as u32,
                column_index: i as u32,
                start,
                end,
                byte_start: u64::from(start),
                byte_end: u64::from(end),
                line: 1,
                column: 1,
                verbatim: true,
            });
        }
    }
    batch.text = text.into();
    let records = header(EvidenceKind::Records, "csv", &[("crs", "EPSG:4326")]);
    let table = run(&TrackDetector, &records, &[Batch::Records(batch)]);
    let stream = fixes(&[("crs", "EPSG:4326")], &path);
    let (table, stream) = (one(&table), one(&stream));
    assert_eq!(
        (&table.properties, &table.lists, &table.distinct),
        (&stream.properties, &stream.lists, &stream.distinct)
    );
    assert_eq!((table.count, table.kind, table.confidence), (stream.count, stream.kind, stream.confidence));
}

#[test]
fn entities_are_told_apart_and_placed() {
    let mut all = Vec::new();
    for (entity, (lat, lon)) in
        (1..).zip([(39.9, 116.4), (35.1, 129.0), (47.88, 106.9), (21.03, 105.83), (1.35, 103.82), (18.25, 109.51)])
    {
        all.extend(drive(lat, lon, 30).into_iter().map(|f| Fix { entity, ..f }));
    }
    all.sort_by(|a, b| a.time_s.partial_cmp(&b.time_s).unwrap());
    let found = fixes(&[("crs", "wgs84")], &all);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].count, found[1].count), (2, 4));
    assert_eq!(areas(&found[0]), ["CN-BJ", "CN-HI"]);
    assert_eq!(areas(&found[1]), ["KR", "MN", "SG", "VN"]);
}

#[test]
fn projected_and_earth_centred_fixes_are_placed() {
    // By PROJ: 39.9042 N 116.4074 E in UTM 50N, CGCS2000 zone 39, and earth-centred.
    for (crs, x, y, z, frame) in [
        ("EPSG:32650", 449_345.0, 4_417_292.0, None, "projected"),
        ("+proj=utm +zone=50 +datum=WGS84", 449_345.0, 4_417_292.0, None, "projected"),
        ("EPSG:4527", 39_449_325.0, 4_419_060.0, None, "projected"),
        ("ecef", -2_178_600.0, 4_388_500.0, Some(4_070_000.0), "ecef"),
        ("enu 39.9042 116.4074 44", 10.0, 10.0, None, "local"),
    ] {
        let path: Vec<Fix> = (0..50)
            .map(|i| Fix {
                x: x + f64::from(i) * 3.0,
                y: y + f64::from(i),
                z,
                time_s: Some(f64::from(i)),
                ..Fix::default()
            })
            .collect();
        let found = fixes(&[("crs", crs)], &path);
        let a = one(&found);
        assert_eq!(
            (a.kind, word(a, "region").as_str(), word(a, "frame").as_str()),
            (kinds::GEO_TRACK, "inside", frame),
            "{crs}"
        );
        assert_eq!(areas(a), ["CN-BJ"], "{crs}");
        assert!(a.properties["extent"][0].as_f64().unwrap() > 116.0, "{crs}");
    }
}

#[test]
fn what_has_no_known_system_has_no_region() {
    let path: Vec<Fix> = (0..50)
        .map(|i| Fix { x: f64::from(i) * 0.7, y: 3.0, time_s: Some(f64::from(i) * 0.1), ..Fix::default() })
        .collect();
    for properties in [
        &[("crs", "local"), ("topic", "/odom")][..],
        &[("source", "odometry")],
        &[("crs", "EPSG:99999")],
        &[("crs", "+proj=robin")],
    ] {
        let found = fixes(properties, &path);
        let a = one(&found);
        assert_eq!((a.kind, word(a, "region").as_str()), (kinds::GEO_TRACK, "unknown"), "{properties:?}");
        assert!(!a.properties.contains_key("extent") && !a.properties.contains_key("outline"), "{properties:?}");
        assert_eq!((a.count, &a.properties["points"], &a.properties["rate_hz"]), (1, &json!(50), &json!(10.0)));
    }
    assert_eq!(word(one(&fixes(&[("crs", "local")], &path)), "frame"), "local");
    assert_eq!(word(one(&fixes(&[("crs", "+proj=robin")], &path)), "frame"), "projected");
}

#[test]
fn empty_fixes_and_jumps_are_left_out() {
    let mut path = drive(39.9, 116.4, 100);
    path.insert(5, Fix { x: 0.0, y: 0.0, ..path[5] });
    path.insert(9, Fix { x: f64::NAN, ..path[9] });
    path.insert(30, Fix { x: 8.4, y: 49.0, ..path[30] });
    path.insert(60, Fix { x: 190.0, ..path[60] });
    let found = fixes(&[("crs", "wgs84")], &path);
    let a = one(&found);
    assert_eq!((&a.properties["points"], areas(a)), (&json!(100), vec!["CN-BJ".to_owned()]));
    assert!(a.properties["length_km"].as_f64().unwrap() < 5.0);
    // A flight that goes on is no mistake.
    let mut far = drive(39.9, 116.4, 50);
    far.extend(drive(31.2, 121.4, 50).into_iter().map(|f| Fix { time_s: f.time_s.map(|t| t + 7200.0), ..f }));
    assert_eq!(one(&fixes(&[("crs", "wgs84")], &far)).properties["points"], json!(100));
    let mut teleport = drive(39.9, 116.4, 50);
    teleport.extend(drive(31.2, 121.4, 50).into_iter().map(|f| Fix { time_s: f.time_s.map(|t| t + 60.0), ..f }));
    let found = fixes(&[("crs", "wgs84")], &teleport);
    assert_eq!((one(&found).properties["points"].clone(), areas(one(&found)).len()), (json!(100), 2));
}

#[test]
fn standing_receivers_and_single_fixes_are_told_apart() {
    let still = |n: usize, gap: f64| -> Vec<Fix> {
        (0..n).map(|i| Fix { x: 121.473_7, y: 31.230_4, time_s: Some(i as f64 * gap), ..Fix::default() }).collect()
    };
    for (fixes_given, kind, count) in [
        (still(600, 0.1), kinds::GEO_TRACK, 1),
        (still(3, 60.0), kinds::GEO_TRACK, 1),
        (still(3, 1.0), kinds::GEO_POINT, 3),
        (still(1, 1.0), kinds::GEO_POINT, 1),
    ] {
        let found = fixes(&[("crs", "wgs84")], &fixes_given);
        assert_eq!((one(&found).kind, one(&found).count), (kind, count));
    }
}

#[test]
fn datums_are_told_with_how_they_are_known() {
    let path = drive(31.2, 121.4, 20);
    let datum = |format, properties: &[(&str, &str)]| {
        let found = detect(format, properties, &path, 100);
        let a = one(&found);
        [&a.properties["datum"], &a.properties["datum_from"]].map(|v| v.as_str().unwrap().to_owned()).join(" ")
    };
    assert_eq!(datum("nmea", &[]), "wgs84 nmea");
    assert_eq!(datum("mcap", &[("crs", "gcj02")]), "gcj02 declared");
    assert_eq!(datum("gpkg", &[("crs", "EPSG:4490")]), "cgcs2000 epsg");
    assert_eq!(datum("mcap", &[]), "unknown unknown");
}

#[test]
fn near_the_border_an_unknown_datum_decides_nothing() {
    // Lok Ma Chau, 300 m south of the river.
    let path: Vec<Fix> = (0..30)
        .map(|i| Fix { x: 114.066 + f64::from(i) * 1e-5, y: 22.514, time_s: Some(f64::from(i)), ..Fix::default() })
        .collect();
    let region = |crs: &[(&str, &str)]| word(one(&fixes(crs, &path)), "region");
    assert_eq!(region(&[("crs", "wgs84")]), "outside");
    assert_eq!(region(&[]), "unknown");
}

#[test]
fn topics_are_masked() {
    let found = fixes(&[("crs", "wgs84"), ("topic", "/of/13800138000/fix")], &drive(31.2, 121.4, 20));
    assert!(!one(&found).places[0].0.topic.as_deref().unwrap().contains("13800138000"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_cut_of_batches_changes_nothing(cut in 1usize..50, entities in 1u64..4, n in 1usize..120, crs in 0usize..4) {
        let crs = ["wgs84", "", "local", "gcj02"][crs];
        let path: Vec<Fix> = drive(22.5, 114.0, n).into_iter().enumerate().map(|(i, f)| Fix { entity: i as u64 % entities, ..f }).collect();
        let whole = detect("mcap", &[("crs", crs)], &path, usize::MAX);
        prop_assert_eq!(whole, detect("mcap", &[("crs", crs)], &path, cut));
    }

    #[test]
    fn any_fixes_are_survived(raw in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<f64>(), any::<f64>(), 0u64..3), 0..60), crs in 0usize..6) {
        let crs = ["wgs84", "", "local", "ecef", "EPSG:32650", "bd09mc"][crs];
        let path: Vec<Fix> = raw.into_iter().map(|(x, y, z, t, entity)| Fix { x, y, z: Some(z), time_s: Some(t), entity, offset: 0 }).collect();
        for a in detect("mcap", &[("crs", crs)], &path, 7) {
            prop_assert!(a.properties.values().all(|v| !v.is_null()));
        }
    }
}

#[test]
fn many_entities_stay_within_bounds() {
    let path: Vec<Fix> = (0..50_000u64)
        .map(|i| Fix {
            x: 121.4 + (i % 7) as f64 * 1e-4,
            y: 31.2 + (i % 2) as f64 * 1e-3,
            entity: i / 2,
            time_s: Some(i as f64),
            ..Fix::default()
        })
        .collect();
    let found = fixes(&[("crs", "wgs84")], &path);
    let a = one(&found);
    assert_eq!((a.count, &a.properties["entities_capped"]), (25_000, &json!(true)));
    let _: &BTreeMap<_, _> = &a.properties;
}
