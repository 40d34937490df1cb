use proptest::prelude::*;
use yumen_model::finding::Aggregate;
use yumen_model::{SpatialBatch, SubjectKey};

use super::*;

fn detect(items: Vec<Spatial>) -> Vec<Aggregate> {
    let detector = SpatialDetector::new(Arc::new(TextDetector::new(crate::recognisers())));
    let header = EvidenceHeader {
        stream: 0,
        kind: EvidenceKind::Spatial,
        format: "las".into(),
        name: "a.las".into(),
        properties: BTreeMap::new(),
    };
    let mut out = Findings::new(SubjectKey::new([0; 32]), 20, false);
    let mut session = detector.start(&header).unwrap();
    session.feed(&Batch::Spatial(SpatialBatch { items }), &mut out);
    session.finish(&mut out);
    out.into_parts().aggregates
}

fn cloud(crs: Option<&str>, samples: Vec<[f64; 3]>) -> Spatial {
    Spatial { crs: crs.map(str::to_owned), samples, ..Spatial::new(kinds::GEO_POINT_CLOUD) }.with("points", 1000u64)
}

fn grid(x: f64, y: f64, side: f64) -> Vec<[f64; 3]> {
    (0..1024).map(|i| [x + side * f64::from(i % 32) / 31.0, y + side * f64::from(i / 32) / 31.0, 10.0]).collect()
}

fn told(a: &Aggregate) -> [String; 2] {
    ["region", "frame"].map(|n| {
        let value = a.distinct.iter().find(|(name, _)| *name == n).map(|(_, v)| Value::from(v));
        value.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    })
}

#[test]
fn clouds_are_placed_by_their_system() {
    for (crs, x, y, region, frame, area) in [
        (Some("EPSG:32650"), 449_345.0, 4_417_292.0, "inside", "projected", "CN-BJ"),
        (Some("EPSG:4527"), 39_449_325.0, 4_419_060.0, "inside", "projected", "CN-BJ"),
        (None, 39_449_325.0, 4_419_060.0, "inside", "projected", "CN-BJ"),
        (None, 4_419_060.0, 39_449_325.0, "inside", "projected", "CN-BJ"),
        (Some("EPSG:5179"), 1_145_000.0, 1_687_000.0, "outside", "projected", "KR"),
        (Some("EPSG:2326"), 836_694.0, 819_069.0, "outside", "projected", "HK"),
        (Some("EPSG:3826"), 300_000.0, 2_770_000.0, "outside", "projected", "TW"),
        (Some("EPSG:2994"), 640_000.0, 850_000.0, "outside", "projected", "US"),
        (Some("local"), 10.0, 20.0, "unknown", "local", ""),
        (None, 10.0, 20.0, "unknown", "unknown", ""),
        (None, 637_012.24, 849_028.31, "unknown", "unknown", ""),
        (Some("EPSG:999999"), 449_345.0, 4_417_292.0, "unknown", "unknown", ""),
    ] {
        let found = detect(vec![cloud(crs, grid(x, y, 500.0))]);
        assert_eq!(found.len(), 1);
        let a = &found[0];
        assert_eq!(told(a), [region, frame], "{crs:?} {x}");
        let areas: Vec<_> = a.lists.values().flatten().map(ToString::to_string).collect();
        assert_eq!(areas.join(" "), area, "{crs:?} {x}");
        assert_eq!(a.properties["points"], json!(1000));
        if region != "unknown" {
            let km2 = a.properties["area_km2"].as_f64().unwrap();
            let expected = if crs == Some("EPSG:2994") { 0.0232 } else { 0.25 };
            assert!((km2 - expected).abs() < expected * 0.08, "{crs:?} {km2}");
            assert!(a.properties.contains_key("extent") && a.properties.contains_key("outline"));
        }
    }
}

#[test]
fn extents_serve_where_no_samples_are() {
    let mut map = Spatial {
        crs: Some("EPSG:4326".into()),
        extent: Some([116.30, 39.90, 116.40, 40.0]),
        ..Spatial::new(kinds::GEO_MAP)
    };
    map = map.with("lanes", 12u64).with("name", "map of 13800138000");
    let found = detect(vec![map]);
    let a = &found[0];
    assert_eq!(told(a), ["inside", "geodetic"]);
    assert!((a.properties["area_km2"].as_f64().unwrap() - 94.9).abs() < 1.0, "{a:?}");
    assert_eq!(a.properties["extent"], json!([116.3, 39.9, 116.4, 40.0]));
    assert_eq!(a.properties["outline"], json!([[[116.3, 39.9], [116.4, 39.9], [116.4, 40.0], [116.3, 40.0]]]));
    assert_eq!((&a.properties["datum_from"], &a.properties["lanes"]), (&json!("epsg"), &json!(12)));
    assert!(!a.properties["name"].as_str().unwrap().contains("13800138000"));
}

#[test]
fn several_things_become_one_finding_by_region() {
    let at = |x, y| cloud(Some("wgs84"), grid(x, y, 0.01));
    let found = detect(vec![at(116.3, 39.9), at(121.4, 31.2), at(129.0, 35.1)]);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].count, &found[0].properties["points"]), (2, &json!(2000)));
    assert_eq!(found[0].properties["outline"].as_array().unwrap().len(), 2);
    // A picture's position has a region and no frame.
    let photo =
        Spatial { crs: Some("wgs84".into()), samples: vec![[116.3, 39.9, 0.0]], ..Spatial::new(kinds::IMAGE_POSITION) };
    let found = detect(vec![photo]);
    assert_eq!(
        (told(&found[0]), found[0].properties.contains_key("extent")),
        (["inside".to_owned(), String::new()], false)
    );
    // Something tied to a position, and something that has none.
    let imu = Spatial { crs: Some("local".into()), ..Spatial::new(kinds::GEO_INERTIAL) }.with("messages", 5u64);
    let tied =
        Spatial { crs: Some("wgs84".into()), samples: vec![[116.3, 39.9, 0.0]], ..Spatial::new(kinds::GEO_INERTIAL) }
            .with("tied_to", "/fix");
    let found = detect(vec![imu, tied]);
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), [["inside", "geodetic"], ["unknown", "local"]]);
}

proptest! {
    #[test]
    fn anything_is_survived(samples in proptest::collection::vec(any::<[f64; 3]>(), 0..40), extent in any::<Option<[f64; 4]>>(), crs in 0usize..7) {
        let crs = [None, Some("wgs84"), Some("EPSG:4527"), Some("local"), Some("ecef"), Some("bd09mc"), Some("PROJCS[\"x\"]")][crs];
        let found = detect(vec![Spatial { extent, ..cloud(crs, samples) }]);
        prop_assert_eq!(found.len(), 1);
    }
}

#[test]
fn the_whole_earth_is_no_larger_than_it_is() {
    let world = Spatial {
        crs: Some("wgs84".into()),
        extent: Some([-180.0, -90.0, 180.0, 90.0]),
        ..Spatial::new(kinds::GEO_IMAGERY)
    };
    let placed = locate(&world, None);
    assert!((placed.area_m2 / 510.07e12 - 1.0).abs() < 1e-3, "{}", placed.area_m2);
}
