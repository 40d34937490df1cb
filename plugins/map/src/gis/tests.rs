//! The formats against what the field's own tools wrote and read.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yumen_kit_container::testing::{self, Recorded, abuse, fixture, identify, inspect};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Blob, Context, Fix, GroupFact, Member, Plugin};

use crate::MapPlugin;

const TOPIC: &str = "gis";

fn read(name: &str) -> Recorded {
    let recorded = inspect(&MapPlugin, name, &fixture(TOPIC, name));
    recorded.assert_clear();
    recorded
}

/// Position, height and time as they were put in.
fn truth() -> Vec<[f64; 4]> {
    let value: Value = serde_json::from_slice(&fixture(TOPIC, "track.json")).unwrap();
    serde_json::from_value(value["track"].clone()).unwrap()
}

/// Kept text of a fixture folder.
fn kept(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/gis").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Count and extent of a layer as GDAL reads it.
fn layer(name: &str) -> (u64, [f64; 4]) {
    let text = kept("vectors.txt");
    let line = text.lines().find(|l| l.starts_with(&format!("{name} "))).unwrap().to_owned();
    let numbers: Vec<f64> = line.split(' ').skip(1).map(|n| n.parse().unwrap()).collect();
    (numbers[0] as u64, [numbers[1], numbers[2], numbers[3], numbers[4]])
}

#[track_caller]
fn close(a: [f64; 4], b: [f64; 4], by: f64) {
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= by), "{a:?} {b:?}");
}

#[track_caller]
fn same_track(fixes: &[Fix], timed: bool, high: bool, by: f64) {
    let truth = truth();
    assert_eq!(fixes.len(), truth.len());
    for (f, t) in fixes.iter().zip(&truth) {
        assert!((f.x - t[0]).abs() < by && (f.y - t[1]).abs() < by, "{f:?} {t:?}");
        assert_eq!(f.time_s.is_some(), timed);
        assert!(f.time_s.is_none_or(|s| (s - t[3]).abs() < 1e-3), "{f:?} {t:?}");
        assert!(!high || (f.z.unwrap() - t[2]).abs() < 0.2, "{f:?} {t:?}");
    }
}

fn facts(facts: &[(&str, Value)]) -> Context {
    Context { granted: facts.iter().map(|(k, v)| GroupFact { key: (*k).to_owned(), value: v.clone() }).collect() }
}

/// Inspects with facts of the neighbours.
fn beside(format: &'static str, name: &str, context: &Context) -> Recorded {
    struct Granted<'a>(&'a Context);
    impl Plugin for Granted<'_> {
        fn formats(&self) -> &'static [yumen_model::Format] {
            MapPlugin.formats()
        }
        fn identify(&self, probe: &yumen_model::Probe<'_>) -> Option<yumen_model::Identity> {
            MapPlugin.identify(probe)
        }
        fn inspect(
            &self,
            artifact: &Artifact,
            _: &Context,
            out: &mut dyn yumen_model::Inspection,
        ) -> Result<(), yumen_model::InspectError> {
            MapPlugin.inspect(artifact, self.0, out)
        }
    }
    let artifact = Artifact {
        blob: Blob::from_bytes(fixture(TOPIC, name)),
        name: name.to_owned(),
        format,
        attributes: BTreeMap::new(),
        inside: Vec::new(),
    };
    testing::inspect_artifact(&Granted(context), &artifact, testing::Engine::default())
}

#[test]
fn one_track_is_the_same_in_every_format() {
    for (name, timed, high, by) in [
        ("track.gpx", true, true, 1e-9),
        ("track10.gpx", true, true, 1e-9),
        ("gxtrack.kml", true, true, 1e-9),
        ("linestring.kml", false, true, 1e-9),
        ("coordtimes.geojson", true, true, 1e-9),
        ("points.geojson", true, true, 1e-9),
        ("points.geojsonl", true, true, 1e-9),
        ("points.fgb", true, true, 1e-9),
        ("points.geojsons", true, true, 1e-9),
        ("track_points.shp", false, true, 1e-9),
        ("track.fit", true, true, 1e-6),
        ("points.gml", true, true, 1e-6),
    ] {
        let r = read(name);
        eprintln!("{name}");
        same_track(&r.fixes, timed, high, by);
        // The same list is in no record.
        let doubled = r.values.iter().filter(|(_, v)| v.starts_with("116.3") || v.starts_with("39.9")).count();
        assert_eq!(doubled, 0, "{name}");
        assert!(
            r.spatial.iter().all(|s| s.kind == kinds::GEO_POINT && s.samples.len() == 1),
            "{name}: {:?}",
            r.spatial
        );
    }
}

#[test]
fn text_beside_positions_is_kept() {
    let r = read("track.gpx");
    assert!(r.values.iter().any(|(n, v)| n.ends_with("author.name") && v == "李四"), "{:?}", &r.values[..10]);
    // The sides of the address stand apart in GPX 1.1.
    assert!(r.values.iter().any(|(_, v)| v == "li.si@example.com"));
    assert_eq!(r.spatial[0].samples, [[116.39, 39.91, 0.0]]);
    let r = read("points.geojson");
    assert!(r.values.iter().any(|(n, v)| n.ends_with("driver") && v == "王五 13912345678"));
    assert!(r.fixes.iter().all(|f| f.entity == r.fixes[0].entity && f.entity != 0));
    let r = read("yard.kml");
    assert!(r.values.iter().any(|(_, v)| v.contains("13800138000")));
    let overlay = r.spatial.iter().find(|s| s.kind == kinds::GEO_IMAGERY).unwrap();
    assert_eq!(overlay.extent, Some([116.29, 39.89, 116.33, 39.92]));
    let map = r.spatial.iter().find(|s| s.kind == kinds::GEO_MAP).unwrap();
    assert_eq!((map.confidence, &map.properties["areas"]), (0.5, &json!(1)));
    // 0.01 by 0.01 degrees less a triangle of half 0.002 squared.
    let area = map.properties["area_km2"].as_f64().unwrap();
    let want = (1e-4 - 2e-6) * 111.195 * 111.195 * 39.9f64.to_radians().cos();
    assert!((area - want).abs() < 0.01, "{area} {want}");
}

#[test]
fn roads_are_a_map_in_every_format() {
    for (name, format, by) in [
        ("roads.shp", "shapefile", 1e-6),
        ("roads.gml", "gml", 1e-6),
        ("roads.geojson", "geojson", 2e-6),
        ("roads.kml", "kml", 2e-6),
        ("roads_crs.geojson", "geojson", 1e-6),
        ("roads.fgb", "flatgeobuf", 1e-6),
    ] {
        let bytes = fixture(TOPIC, name);
        assert_eq!(identify(&MapPlugin, name, &bytes).unwrap().format, format);
        let r = read(name);
        assert!(r.fixes.is_empty(), "{name}");
        let [map] = &r.spatial[..] else { panic!("{name}: {:?}", r.spatial.len()) };
        assert_eq!(map.kind, kinds::GEO_MAP, "{name}");
        assert_eq!((&map.properties["lines"], &map.properties["points"]), (&json!(300), &json!(900)), "{name}");
        assert!(map.confidence >= 0.9, "{name}");
        let (_, extent) = layer(if matches!(name, "roads_crs.geojson" | "roads.fgb") { "roads.shp" } else { name });
        close(map.extent.unwrap(), extent, by);
        let length = map.properties["length_km"].as_f64().unwrap();
        // 300 roads of two pieces of 100 m each.
        assert!((length - 60.0).abs() < 0.3, "{name}: {length}");
        assert!(!map.samples.is_empty() && map.samples.len() <= 4096);
    }
    assert_eq!(read("roads_crs.geojson").spatial[0].crs.as_deref(), Some("EPSG:4527"));
    assert_eq!(read("roads.gml").spatial[0].crs.as_deref(), Some("EPSG:4527"));
}

#[test]
fn shapes_get_what_their_neighbours_tell() {
    let prj = read("roads.prj");
    let [crs] = &prj.exports[..] else { panic!() };
    assert!(crs.key == "crs" && crs.value.as_str().unwrap().starts_with("PROJCS["));
    let dbf = read("roads.dbf");
    let [attributes] = &dbf.exports[..] else { panic!() };
    assert_eq!(attributes.value["names"], json!(["道路名", "lanes", "maxspeed"]));
    assert!(dbf.values.contains(&("道路名".to_owned(), "朝阳路7号 联系人张三".to_owned())));
    let context = facts(&[("crs", crs.value.clone()), ("attributes", attributes.value.clone())]);
    let r = beside("shapefile", "roads.shp", &context);
    r.assert_clear();
    assert_eq!((r.spatial[0].crs.as_deref(), r.spatial[0].confidence), (crs.value.as_str(), 0.95));
    // The groupers bring them together.
    let groupers = MapPlugin.groupers();
    let grouper = groupers.iter().find(|g| g.key() == "crs").unwrap();
    let needy = Member { name: "roads.shp", format: "shapefile", exports: vec![] };
    let there = [Member { name: "roads.prj", format: "prj", exports: vec![&crs.value] }];
    assert_eq!(grouper.grant(&needy, &there), vec![crs.value.clone()]);
    // A declared encoding wins.
    let r = beside("dbf", "roads.dbf", &facts(&[("encoding", json!("GBK"))]));
    assert!(r.values.iter().any(|(n, _)| n == "道路名"));
    // Each shape has the time of its row.
    let dbf = read("track_points.dbf").exports.remove(0);
    let r = beside("shapefile", "track_points.shp", &facts(&[("attributes", dbf.value)]));
    same_track(&r.fixes, true, false, 1e-9);
    // Points with times in order are a track whatever the file is called.
    let dbf = read("track_points.dbf");
    assert_eq!(dbf.exports[0].value["in_time_order"], true);
}

#[test]
fn all_types_of_shapes_are_read() {
    for (name, property, n) in [
        ("multipoint.shp", "point_features", 1),
        ("polygonz.shp", "areas", 1),
        ("polylinem.shp", "lines", 1),
        ("multipatch.shp", "surfaces", 1),
    ] {
        let r = read(name);
        let [item] = &r.spatial[..] else { panic!("{name}") };
        assert_eq!(item.properties[property], n, "{name}");
        if name.starts_with("poly") {
            close(item.extent.unwrap(), layer(name).1, 1e-9);
        }
    }
    assert_eq!(read("polygonz.shp").spatial[0].properties["vertical"], true);
    let index = read("roads.shx");
    assert_eq!(index.format, "shapefile-index");
}

#[test]
fn a_broken_shape_costs_only_itself() {
    let mut bytes = fixture(TOPIC, "roads.shp");
    // The number of parts of the second record.
    let second = 100 + 8 + 96;
    bytes[second + 8 + 36..second + 8 + 40].copy_from_slice(&u32::MAX.to_le_bytes());
    let r = inspect(&MapPlugin, "roads.shp", &bytes);
    assert_eq!(r.result, Ok(()));
    assert!(r.noted("bad-entry"));
    assert_eq!((r.opaque(), &r.spatial[0].properties["lines"]), (96, &json!(299)));
}

#[test]
fn rasters_lie_where_gdal_says() {
    let truth: Value = serde_json::from_str(&kept("rasters.json")).unwrap();
    for name in ["picture.tif", "plain.tif", "dem.tif", "big.tif", "cog.tif"] {
        let bytes = fixture(TOPIC, name);
        let r = inspect(&MapPlugin, name, &bytes);
        assert_eq!((r.format.as_str(), &r.result), ("geotiff", &Ok(())), "{name}");
        r.assert_counted();
        let [item] = &r.spatial[..] else { panic!("{name}: {}", r.spatial.len()) };
        let corner = |c: &str, i: usize| truth[name]["corners"][c][i].as_f64().unwrap();
        let extent = [corner("lowerLeft", 0), corner("lowerLeft", 1), corner("upperRight", 0), corner("upperRight", 1)];
        close(item.extent.unwrap(), extent, 1e-6);
        assert_eq!(json!([item.properties["width"], item.properties["height"]]), truth[name]["size"]);
        let picture = name == "picture.tif";
        assert_eq!(item.crs.as_deref(), Some(if picture { "EPSG:32650" } else { "EPSG:4326" }));
        if picture {
            assert_eq!(item.properties["resolution_m"], 0.5);
            assert_eq!(item.properties["area_km2"], 0.005);
            assert!(r.labels.opaque.contains_key(&yumen_model::Reason::NoModel));
        } else {
            assert_eq!(r.opaque(), 0, "{name}: {:?}", r.labels);
            assert_eq!(item.properties["elevation_min"], 51.5, "{name}");
        }
    }
    let r = read("dem.tif");
    assert!(r.texts.iter().any(|t| t.contains("wang@example.com")), "{:?}", r.texts);
    let r = read("plain.asc");
    let truth_extent = [116.0, 39.92, 116.12, 40.0];
    close(r.spatial[0].extent.unwrap(), truth_extent, 1e-6);
    let r = read("map.wld");
    assert_eq!((r.format.as_str(), r.exports[0].key.as_str()), ("world-file", "world-file"));
    let vrt = r#"<VRTDataset rasterXSize="120" rasterYSize="80"><SRS>EPSG:4490</SRS><GeoTransform> 1.16e+02, 0.001, 0.0, 40.0, 0.0, -0.001</GeoTransform></VRTDataset>"#;
    let r = inspect(&MapPlugin, "a.vrt", vrt.as_bytes());
    r.assert_clear();
    close(r.spatial[0].extent.unwrap(), truth_extent, 1e-9);
    assert!(
        r.spatial[0].crs.as_deref() == Some("EPSG:4490") && !r.values.iter().any(|(n, _)| n.ends_with("GeoTransform"))
    );
    let r = read("map.png.aux.xml");
    assert_eq!(r.exports[0].key, "crs");
}

#[test]
fn heights_are_unpacked_and_systems_put_together() {
    for name in ["ramp_LZW.tif", "ramp_PACKBITS.tif", "ramp_DEFLATE.tif"] {
        let r = read(name);
        let p = &r.spatial[0].properties;
        assert_eq!((&p["elevation_min"], &p["elevation_max"]), (&json!(5.0), &json!(1504.0)), "{name}");
        assert_eq!(r.spatial[0].crs.as_deref(), Some("EPSG:4490"));
    }
    let bytes = fixture(TOPIC, "custom.tif");
    let r = inspect(&MapPlugin, "custom.tif", &bytes);
    let crs = r.spatial[0].crs.as_deref().unwrap();
    assert!(
        crs.starts_with("+proj=tmerc +lat_0=0 +lon_0=117 +k=1 +x_0=500000 +y_0=0 ") && crs.contains("298.257222"),
        "{crs}"
    );
    let r = read("plain.nc");
    // netCDF tells the middles of the outer cells.
    close(r.spatial[0].extent.unwrap(), [116.0005, 39.9205, 116.1195, 39.9995], 1e-6);
    assert!(r.texts[0].contains("degrees_north"));
}

#[test]
fn building_models_tell_where_they_stand() {
    let r = read("site.ifc");
    let [site, origin] = &r.spatial[..] else { panic!("{:?}", r.spatial) };
    assert!((site.samples[0][0] - 116.39).abs() < 1e-6 && (site.samples[0][1] - 39.905_694_4).abs() < 1e-6);
    assert_eq!((origin.samples[0], origin.crs.as_deref()), ([448_000.5, 4_418_000.25, 44.5], Some("EPSG:4548")));
    assert_eq!(
        (r.records["ifcperson.family_name"].as_str(), r.records["ifcperson.person_name"].as_str()),
        ("张", "张三")
    );
    assert_eq!(r.records["ifcorganization.text"], "示例汽车");
}

#[test]
fn other_things_are_not_taken_for_geodata() {
    let tiff_head = b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
    for (name, bytes) in [
        ("picture.tif", tiff_head),
        ("noise.shp", testing::noise(1, 4096)),
        ("noise.dbf", testing::noise(2, 4096)),
        ("a.dbf", [&[0x03u8, 24, 1, 2][..], &testing::noise(3, 400)].concat()),
        ("prose.prj", testing::prose(2000)),
        ("a.json", br#"{"type":"object","properties":{}}"#.to_vec()),
        ("a.xml", b"<?xml version=\"1.0\"?><Document><a>1</a></Document>".to_vec()),
        ("a.gpx", b"<gpx><a/></gpx>".to_vec()),
        ("can.asc", b"date Mon Jan 1 00:00:00 2026\nbase hex timestamps absolute\n".to_vec()),
        ("N39E116.hgt", testing::noise(4, 1000)),
        ("a.step", b"ISO-10303-21;\nHEADER;\nFILE_SCHEMA(('AUTOMOTIVE_DESIGN'));\nENDSEC;\n".to_vec()),
        ("a.igc", b"About this\nHF is a frequency\nB1101355\n".to_vec()),
        ("a.fit", testing::noise(5, 100)),
        ("one.wld", b"1\n2\n3\n".to_vec()),
    ] {
        assert_eq!(identify(&MapPlugin, name, &bytes), None, "{name}");
    }
}

#[test]
fn heights_of_srtm_and_flights_are_read() {
    let mut dem = Vec::new();
    for i in 0..1201u32 * 1201 {
        dem.extend_from_slice(&(i16::try_from(i % 3000).unwrap()).to_be_bytes());
    }
    let r = inspect(&MapPlugin, "N39E116.hgt", &dem);
    r.assert_clear();
    assert_eq!(
        (r.spatial[0].extent, &r.spatial[0].properties["elevation_max"]),
        (Some([116.0, 39.0, 117.0, 40.0]), &json!(2999))
    );
    let igc = "AXYZ001\r\nHFDTE020126\r\nHFPLTPILOT:张三\r\nB2359583954000N11623400EA0004500046\r\nB0000023954010N11623410EA0004500047\r\n";
    let r = inspect(&MapPlugin, "flight.igc", igc.as_bytes());
    r.assert_clear();
    assert_eq!(r.fixes.len(), 2);
    assert_eq!(r.fixes[1].time_s.unwrap() - r.fixes[0].time_s.unwrap(), 4.0);
    assert!(r.texts[0].contains("张三"));
}

#[test]
fn topologies_are_brought_back() {
    let text = r#"{"type":"Topology","transform":{"scale":[0.001,0.002],"translate":[116,39]},
        "objects":{"districts":{"type":"GeometryCollection","geometries":[{"type":"Polygon","arcs":[[0]],"properties":{"name":"东城区"}}]}},
        "arcs":[[[0,0],[100,0],[0,50],[-100,-50]]]}"#;
    let r = inspect(&MapPlugin, "a.topojson", text.as_bytes());
    r.assert_clear();
    let [map] = &r.spatial[..] else { panic!() };
    close(map.extent.unwrap(), [116.0, 39.0, 116.1, 39.1], 1e-9);
    assert_eq!(
        (map.confidence, &map.properties["areas"], &map.properties["layers"]),
        (0.5, &json!(1), &json!(["districts"]))
    );
    assert!(r.values.iter().any(|(_, v)| v == "东城区"));
}

#[test]
fn shapes_of_geojson_are_told_apart() {
    let r = |text: &str| {
        let r = inspect(&MapPlugin, "a.geojson", text.as_bytes());
        r.assert_clear();
        r
    };
    // Two polygons, the second with a hole; the key order is unusual.
    let a = r(
        r#"{"features":[{"geometry":{"coordinates":[[[[0,0],[0,1],[1,1],[0,0]]],[[[5,5],[5,7],[7,7],[5,5]],[[5.1,5.5],[5.2,5.5],[5.2,5.6],[5.1,5.5]]]],"type":"MultiPolygon"},"type":"Feature","properties":{"adcode":1}}],"type":"FeatureCollection"}"#,
    );
    let want = (0.5 + 2.0 - 0.005) * 111.195f64.powi(2);
    let area = a.spatial[0].properties["area_km2"].as_f64().unwrap();
    assert!((area - want).abs() / want < 0.02, "{area} {want}");
    // Dealers are places, not a map.
    let a = r(
        r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"4S店"},"geometry":{"type":"Point","coordinates":[116.4,39.9]}}]}"#,
    );
    assert_eq!((a.spatial[0].kind, a.fixes.len()), (kinds::GEO_POINT, 0));
    // A collection of geometries, and nothing at all.
    let a = r(
        r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},{"type":"LineString","coordinates":[[1,2],[3,4]]}]}"#,
    );
    assert_eq!((&a.spatial[0].properties["lines"], &a.spatial[0].properties["point_features"]), (&json!(1), &json!(1)));
    assert!(r(r#"{"type":"FeatureCollection","features":[]}"#).spatial.is_empty());
    // Phone numbers under a misleading name stay evidence.
    let a = r(r#"{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[13800138000,2]}}"#);
    assert!(a.values.iter().any(|(_, v)| v == "13800138000"));
}

#[test]
fn hostile_input_is_survived() {
    let names = [
        ("shapefile", "roads.shp"),
        ("shapefile", "polygonz.shp"),
        ("shapefile", "multipatch.shp"),
        ("dbf", "roads.dbf"),
        ("geotiff", "cog.tif"),
        ("geotiff", "big.tif"),
        ("geotiff", "picture.tif"),
        ("geojson", "points.geojsonl"),
        ("flatgeobuf", "points.fgb"),
        ("mvt", "tile.mvt"),
        ("geojson", "coordtimes.geojson"),
        ("gpx", "track.gpx"),
        ("kml", "yard.kml"),
        ("gml", "roads.gml"),
        ("garmin-fit", "track.fit"),
        ("ifc", "site.ifc"),
        ("esri-grid", "plain.asc"),
        ("prj", "roads.prj"),
        ("geotiff", "ramp_LZW.tif"),
        ("geotiff", "ramp_PACKBITS.tif"),
        ("netcdf", "plain.nc"),
    ];
    for (format, name) in names {
        abuse(&MapPlugin, format, name, &fixture(TOPIC, name), 30);
    }
}

#[test]
fn lists_too_long_for_one_value_are_read_whole() {
    let n = 120_000u32;
    let tuple = |i: u32| (116.0 + f64::from(i) * 1e-6, 39.0 + f64::from(i) * 2e-6);
    let mut kml = "<?xml version=\"1.0\"?><kml xmlns=\"http://www.opengis.net/kml/2.2\"><Placemark><name>轨迹</name><LineString><coordinates>\n".to_owned();
    let mut gml = "<?xml version=\"1.0\"?><a xmlns:gml=\"http://www.opengis.net/gml/3.2\"><gml:LineString srsName=\"urn:ogc:def:crs:EPSG::4326\"><gml:posList srsDimension=\"2\">".to_owned();
    for i in 0..n {
        let (x, y) = tuple(i);
        kml.push_str(&format!("{x:.6},{y:.6},0\n"));
        gml.push_str(&format!("{y:.6} {x:.6} "));
    }
    kml.push_str("</coordinates></LineString></Placemark></kml>");
    gml.push_str("</gml:posList></gml:LineString></a>");
    assert!(kml.len() > 2 << 20 && gml.len() > 2 << 20);
    let r = inspect(&MapPlugin, "a.kml", kml.as_bytes());
    r.assert_clear();
    assert_eq!(r.fixes.len(), n as usize);
    for (i, f) in r.fixes.iter().enumerate() {
        let (x, y) = tuple(u32::try_from(i).unwrap());
        assert!((f.x - x).abs() < 1e-6 && (f.y - y).abs() < 1e-6, "{i} {f:?}");
    }
    assert!(r.values.iter().all(|(_, v)| !v.contains("116.")));
    let r = inspect(&MapPlugin, "a.gml", gml.as_bytes());
    r.assert_clear();
    let (x, y) = tuple(n - 1);
    assert_eq!(r.spatial[0].properties["points"], n);
    close(r.spatial[0].extent.unwrap(), [116.0, 39.0, x, y], 1e-6);
    assert_eq!(r.spatial[0].crs.as_deref(), Some("EPSG:4326"));
}

#[test]
fn memos_are_handed_on() {
    let gbk = encoding_rs::GB18030.encode("车主 张三 13800138000").0.into_owned();
    // FoxPro: blocks of 64 bytes from 512 on; a text of two blocks, a free block, a picture.
    let mut fpt = vec![0; 512];
    fpt[..4].copy_from_slice(&13u32.to_be_bytes());
    fpt[6..8].copy_from_slice(&64u16.to_be_bytes());
    let long = [gbk.clone(), testing::prose(80)].concat();
    let mut block = [&1u32.to_be_bytes()[..], &u32::try_from(long.len()).unwrap().to_be_bytes(), &long].concat();
    block.resize(128 + 64, 0);
    fpt.extend(&block);
    let mut block = [&0u32.to_be_bytes()[..], &4u32.to_be_bytes(), b"BM\x01\x02"].concat();
    block.resize(64, 0);
    fpt.extend(&block);
    let r = inspect(&MapPlugin, "a.fpt", &fpt);
    r.assert_clear();
    assert_eq!(r.child("memo.txt").bytes, [&long[..], b"\n"].concat());
    assert_eq!(r.child("object-1").bytes, b"BM\x01\x02");
    // dBase III and IV.
    let mut three = vec![0; 512];
    three[0] = 2;
    three.extend(&gbk);
    three.extend([0x1A, 0x1A]);
    three.resize(1024, 0);
    let mut four = vec![0; 512];
    four[0] = 2;
    four[20..22].copy_from_slice(&512u16.to_le_bytes());
    four.extend([0xFF, 0xFF, 8, 0]);
    four.extend((u32::try_from(gbk.len()).unwrap() + 8).to_le_bytes());
    four.extend(&gbk);
    four.resize(1024, 0);
    for bytes in [&three, &four] {
        let r = inspect(&MapPlugin, "a.dbt", bytes);
        r.assert_clear();
        assert_eq!(r.child("memo.txt").bytes, [&gbk[..], b"\n"].concat());
        abuse(&MapPlugin, "dbf-memo", "a.dbt", bytes, 40);
    }
    abuse(&MapPlugin, "dbf-memo", "a.fpt", &fpt, 40);
    assert_eq!(identify(&MapPlugin, "noise.fpt", &testing::noise(9, 4000)), None);
}

#[test]
fn a_tile_of_its_own_tells_its_layers() {
    let r = read("tile.mvt");
    let [map] = &r.spatial[..] else { panic!("{:?}", r.spatial.len()) };
    assert_eq!((&map.properties["features"], &map.properties["layers"]), (&json!(37), &json!(["points"])));
    assert_eq!(map.crs.as_deref(), Some("local"));
    assert_eq!(r.values.iter().filter(|(name, _)| name == "time").count(), 37);
    assert!(identify(&MapPlugin, "tile.pbf", b"\x1A\x04\x0A\x02hi and more text").is_none());
}

#[test]
fn a_picture_over_four_corners_has_a_place() {
    let kml = r#"<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"><Document><Region><LatLonAltBox>
<north>50</north><south>-50</south><east>170</east><west>0</west></LatLonAltBox></Region><GroundOverlay><Icon><href>0.jpg</href></Icon>
<gx:LatLonQuad><coordinates>116.391611,39.910204,0 116.391986,39.910206,0 116.391983,39.910495,0 116.391609,39.910493,0</coordinates></gx:LatLonQuad>
</GroundOverlay></Document></kml>"#;
    let r = inspect(&MapPlugin, "0.kml", kml.as_bytes());
    let [picture] = &r.spatial[..] else { panic!("{}", r.spatial.len()) };
    assert_eq!(picture.kind, kinds::GEO_IMAGERY);
    assert_eq!(picture.extent, Some([116.391_609, 39.910_204, 116.391_986, 39.910_495]));
}
