use std::collections::BTreeMap;

use yumen_kit_container::testing::{Recorded, abuse, fixture, identify, inspect};
use yumen_model::kind::kinds;
use yumen_model::{Certainty, Reason, Spatial};

use crate::MapPlugin;

/// What GDAL finds: features and extent by file and layer.
fn truth() -> BTreeMap<(String, String), (u64, Vec<f64>)> {
    let text = String::from_utf8(fixture("geodatabase", "truth")).unwrap();
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let key = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let mut numbers = words.map(|w| w.parse::<f64>().unwrap());
        (key, (numbers.next().unwrap() as u64, numbers.collect()))
    };
    text.lines().map(line).collect()
}

fn read(name: &str) -> Recorded {
    inspect(&MapPlugin, name, &fixture("geodatabase", name))
}

fn layer<'r>(r: &'r Recorded, name: &str) -> &'r Spatial {
    let named =
        |s: &&Spatial| s.properties.get("layers").is_some_and(|l| l.as_array().unwrap().iter().any(|l| l == name));
    r.spatial.iter().find(named).unwrap_or_else(|| panic!("no layer {name}: {:?}", r.spatial))
}

#[track_caller]
fn is_near(extent: Option<[f64; 4]>, want: &[f64]) {
    let extent = extent.unwrap();
    assert!(extent.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-4), "{extent:?} {want:?}");
}

#[test]
fn layers_are_told_as_another_reader_tells_them() {
    let truth = truth();
    for file in ["map.gpkg", "lite.sqlite"] {
        let r = read(file);
        assert_eq!(r.format, if file == "map.gpkg" { "gpkg" } else { "spatialite" });
        r.assert_clear();
        for name in ["roads", "buildings"] {
            let (features, extent) = &truth[&(file.to_owned(), name.to_owned())];
            let item = layer(&r, name);
            assert_eq!(item.kind, kinds::GEO_MAP, "{name}");
            assert_eq!(item.properties["features"], *features, "{name}");
            is_near(item.extent, extent);
        }
        let (points, extent) = &truth[&(file.to_owned(), "drive".to_owned())];
        assert_eq!(r.fixes.len() as u64, *points);
        let bound =
            |f: fn(f64, f64) -> f64, of: fn(&yumen_model::Fix) -> f64| r.fixes.iter().map(of).reduce(f).unwrap();
        let found =
            [bound(f64::min, |f| f.x), bound(f64::min, |f| f.y), bound(f64::max, |f| f.x), bound(f64::max, |f| f.y)];
        is_near(Some(found), extent);
        assert!(r.fixes.iter().all(|f| f.time_s.is_some_and(|t| (1.7e9..1.8e9).contains(&t))));
        assert!(r.values.iter().any(|(n, v)| n == "phone" && v == "13800138000"));
        assert!(r.values.iter().any(|(n, v)| n == "owner" && v == "owner3@example.com"));
    }
    let r = read("map.gpkg");
    assert_eq!(layer(&r, "roads").crs.as_deref(), Some("EPSG:4547"));
    assert_eq!(layer(&r, "buildings").crs.as_deref(), Some("EPSG:4490"));
    let length = layer(&r, "roads").properties["length_km"].as_f64().unwrap();
    // 30 lines of 19 steps of 0.001 degrees each way.
    assert!((length - 30.0 * 19.0 * 0.140).abs() < 1.0, "{length}");
}

#[test]
fn tiles_are_pictures_with_a_place() {
    let r = read("map.gpkg");
    let (tiles, _) = truth()[&("map.gpkg".to_owned(), "ortho".to_owned())];
    let children = r.children.iter().filter(|c| c.name().starts_with("ortho/"));
    assert_eq!(children.clone().count() as u64, tiles);
    assert!(
        children
            .clone()
            .all(|c| c.extents.is_some() && c.bytes.starts_with(&[0xFF, 0xD8]) || c.bytes.starts_with(b"\x89PNG"))
    );
    let image = r.spatial.iter().find(|s| s.properties.contains_key("tiles")).unwrap();
    assert_eq!((image.kind, image.crs.as_deref()), (kinds::GEO_IMAGERY, Some("EPSG:3857")));
    is_near(image.extent, &[12945000.0, 4855000.0, 12950000.0, 4860000.0]);

    let r = read("raster.mbtiles");
    r.assert_clear();
    let (tiles, _) = truth()[&("raster.mbtiles".to_owned(), "tiles".to_owned())];
    assert_eq!(r.children.iter().filter(|c| c.name().ends_with(".png")).count() as u64, tiles);
    let [item] = &r.spatial[..] else { panic!("{:?}", r.spatial) };
    assert_eq!((item.crs.as_deref(), &item.properties["tiles"]), (Some("wgs84"), &tiles.into()));
    // 12945000, 4860000 of web maps.
    assert!(
        item.samples.iter().all(|p| (116.0..117.0).contains(&p[0]) && (39.0..40.5).contains(&p[1])),
        "{:?}",
        item.samples
    );
}

#[test]
fn vector_tiles_are_read_in_place() {
    let r = read("vector.mbtiles");
    r.assert_clear();
    let (tiles, _) = truth()[&("vector.mbtiles".to_owned(), "tiles".to_owned())];
    let item = layer(&r, "roads");
    assert_eq!((item.kind, &item.properties["tiles"]), (kinds::GEO_MAP, &tiles.into()));
    assert!(item.properties["features"].as_u64().unwrap() >= 30);
    assert!(r.values.iter().any(|(n, v)| n == "name" && v == "测试路7"));
    assert!(r.values.iter().any(|(n, v)| n == "lanes" && v == "4"));
}

#[test]
fn plain_well_known_binary_is_read() {
    let r = read("plain.sqlite");
    assert_eq!(r.format, "spatialite");
    r.assert_clear();
    assert_eq!(layer(&r, "roads").properties["features"], 30);
}

#[test]
fn tiles_of_unread_content_tell_where_they_are() {
    let r = read("map.nds");
    assert_eq!((r.result, r.format.as_str()), (Ok(()), "nds"));
    let (tiles, _) = truth()[&("map.nds".to_owned(), "tiles".to_owned())];
    let [item] = &r.spatial[..] else { panic!("{:?}", r.spatial) };
    assert_eq!(item.properties["tiles"], 2 * tiles);
    assert!(item.samples.iter().all(|p| (115.9..118.0).contains(&p[0]) && (39.4..40.3).contains(&p[1])));
    assert_eq!(r.labels.opaque.keys().copied().collect::<Vec<_>>(), [Reason::Unsupported]);
    assert_eq!(r.opaque(), tiles * 300);
    assert!(r.values.iter().any(|(_, v)| v == "supplier release 2024"));
}

#[test]
fn damage_and_interruptions_are_borne() {
    for (name, format) in
        [("map.gpkg", "gpkg"), ("lite.sqlite", "spatialite"), ("vector.mbtiles", "mbtiles"), ("map.nds", "nds")]
    {
        abuse(&MapPlugin, format, name, &fixture("geodatabase", name), 60);
    }
}

#[test]
fn other_databases_are_left_to_others() {
    assert!(identify(&MapPlugin, "x.gpkg", &fixture("sqlite", "small")).is_none());
    let certainty = identify(&MapPlugin, "x.db", &fixture("geodatabase", "map.gpkg")).unwrap().certainty;
    assert_eq!(certainty, Certainty::Specific);
}
