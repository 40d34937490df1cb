//! Road networks and HD maps: files of the field's own writers, counted by other readers, and made-up ones.

use std::collections::BTreeMap;

use serde_json::Value;
use yumen_kit_container::testing::{Engine, Recorded, abuse, fixture, identify, inspect, inspect_as, noise, prose};
use yumen_model::kind::kinds;
use yumen_model::{Certainty, Spatial};

use super::MapPlugin as Plugin;

fn truth(name: &str) -> BTreeMap<String, Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/roadmap/truth.json");
    let all: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all[name].clone()
}

fn told(name: &str, format: &str, bytes: &[u8]) -> Recorded {
    let identity = identify(&Plugin, name, bytes).unwrap_or_else(|| panic!("{name} is not known"));
    assert_eq!(identity.format, format, "{name}");
    assert!(identity.certainty >= Certainty::Signature, "{name}");
    let told = inspect(&Plugin, name, bytes);
    told.assert_clear();
    assert!(told.notes.is_empty(), "{name}: {:?}", told.notes);
    told
}

fn map(told: &Recorded) -> &Spatial {
    let mut maps = told.spatial.iter().filter(|s| s.kind == kinds::GEO_MAP);
    let map = maps.next().expect("a map");
    assert!(maps.next().is_none(), "one map a file");
    map
}

fn get(item: &Spatial, name: &str) -> f64 {
    item.properties.get(name).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {name}: {:?}", item.properties))
}

fn near(a: f64, b: f64, by: f64) -> bool {
    (a - b).abs() <= by
}

/// Counts that the truth tells, and lengths to half a per cent (a sphere is not the ellipsoid).
fn counts_agree(name: &str, told: &Recorded, truth: &BTreeMap<String, Value>) {
    let item = map(told);
    for (key, value) in truth {
        match key.as_str() {
            "nodes"
            | "ways"
            | "relations"
            | "roads"
            | "lanes"
            | "junctions"
            | "signals"
            | "objects"
            | "lanelets"
            | "regulatory_elements"
            | "crosswalks"
            | "connections" => {
                assert_eq!(item.properties.get(key), Some(value), "{name} {key}");
            }
            "length_km" => {
                let want = value.as_f64().unwrap();
                assert!(near(get(item, key), want, want * 0.005 + 0.001), "{name}: {} {want}", get(item, key));
            }
            _ => {}
        }
    }
}

#[test]
fn fixtures_count_as_other_readers_count() {
    let all: &[(&str, &'static str)] = &[
        ("zone50.xodr", "opendrive"),
        ("nowhere.xodr", "opendrive"),
        ("beijing.xodr", "opendrive"),
        ("beijing.net.xml", "sumo"),
        ("grid.net.xml", "sumo"),
        ("beijing.osm", "osm-xml"),
        ("busan.osm", "osm-xml"),
        ("change.osc", "osm-xml"),
        ("located.osm", "osm-xml"),
        ("beijing.osm.pbf", "osm-pbf"),
        ("busan.osm.pbf", "osm-pbf"),
        ("bare.osm.pbf", "osm-pbf"),
        ("raw.osm.pbf", "osm-pbf"),
        ("lz4.osm.pbf", "osm-pbf"),
        ("sparse.osm.pbf", "osm-pbf"),
        ("located.osm.pbf", "osm-pbf"),
        ("shanghai.lanelet.osm", "lanelet2"),
        ("origin.lanelet.osm", "lanelet2"),
        ("beijing.commonroad.xml", "commonroad"),
        ("base_map.bin", "apollo-map"),
        ("base_map.txt", "apollo-map"),
        ("routing_map.bin", "apollo-map"),
        ("routing_map.txt", "apollo-map"),
    ];
    for (name, format) in all {
        let bytes = fixture("roadmap", name);
        let told = told(name, format, &bytes);
        counts_agree(name, &told, &truth(name));
        assert_eq!(told.labels.inspected + told.labels.container, bytes.len() as u64, "{name}");
        abuse(&Plugin, format, name, &bytes, if bytes.len() > 100_000 { 2 } else { 12 });
    }
}

#[test]
fn maps_lie_where_other_readers_have_them() {
    let boxed = |name: &str, value: &Value| {
        let told = inspect(&Plugin, name, &fixture("roadmap", name));
        let item = map(&told);
        assert_eq!(item.crs.as_deref(), Some("EPSG:4326"), "{name}");
        let want: Vec<f64> = value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let extent = item.extent.unwrap();
        assert!((0..4).all(|i| near(extent[i], want[i], 2e-7)), "{name}: {extent:?} {want:?}");
        assert!(item.samples.len() > 2, "{name}");
        assert!(item.samples.iter().all(|s| s[0] >= extent[0] && s[0] <= extent[2] && s[1] >= extent[1]));
    };
    for name in [
        "beijing.osm",
        "busan.osm",
        "change.osc",
        "beijing.osm.pbf",
        "busan.osm.pbf",
        "raw.osm.pbf",
        "lz4.osm.pbf",
        "sparse.osm.pbf",
        "bare.osm.pbf",
    ] {
        boxed(name, &truth(name)["bbox"]);
    }
    // The nodes of ways have no element of their own there.
    for name in ["located.osm", "located.osm.pbf"] {
        boxed(name, &truth("beijing.osm")["bbox"]);
    }

    // The start of a piece of road is where the one before ends.
    let told = inspect(&Plugin, "a.xodr", &fixture("roadmap", "zone50.xodr"));
    let item = map(&told);
    assert!(item.crs.as_deref().unwrap().starts_with("+proj=utm +zone=50"));
    for point in truth("zone50.xodr")["last_geometries"].as_array().unwrap() {
        let at = |i: usize| point[i].as_f64().unwrap();
        let hits = item.samples.iter().filter(|s| near(s[0], at(0), 1e-3) && near(s[1], at(1), 1e-3)).count();
        assert!(hits >= 1, "{point}");
    }
    let last = &truth("zone50.xodr")["last_geometries"][0];
    let at = |i: usize| last[i].as_f64().unwrap();
    let hits = item.samples.iter().filter(|s| near(s[0], at(0), 1e-3) && near(s[1], at(1), 1e-3)).count();
    assert_eq!(hits, 2, "the end of the spiral and the start behind it");
    // The same numbers without a reference: some grid, of which nothing is told.
    let told = inspect(&Plugin, "a.xodr", &fixture("roadmap", "nowhere.xodr"));
    assert_eq!((map(&told).crs.as_deref(), &map(&told).properties["georeferenced"]), (None, &Value::Bool(false)));

    for name in ["base_map.bin", "base_map.txt"] {
        let told = inspect(&Plugin, name, &fixture("roadmap", name));
        let item = map(&told);
        assert!(item.crs.as_deref().unwrap().starts_with("+proj=utm +zone=50"), "{name}");
        assert_eq!(item.extent, Some([448_000.0, 4_417_000.0, 449_000.0, 4_417_010.0]), "{name}");
        assert_eq!(item.properties["vendor"], "made up");
    }
    let told = inspect(&Plugin, "routing_map.bin", &fixture("roadmap", "routing_map.bin"));
    assert_eq!(map(&told).crs, None);

    let told = inspect(&Plugin, "a.net.xml", &fixture("roadmap", "beijing.net.xml"));
    let item = map(&told);
    assert!(item.crs.as_deref().unwrap().starts_with("+proj=utm +zone=50"));
    let extent = item.extent.unwrap();
    // 116.391 E is 52 km west of the meridian of zone 50.
    assert!(near(extent[0], 447_900.0, 100.0) && near(extent[1], 4_417_300.0, 400.0), "{extent:?}");
    let told = inspect(&Plugin, "a.net.xml", &fixture("roadmap", "grid.net.xml"));
    assert_eq!(map(&told).crs.as_deref(), Some("local"));

    let told = inspect(&Plugin, "a.osm", &fixture("roadmap", "shanghai.lanelet.osm"));
    assert_eq!(map(&told).crs.as_deref(), Some("EPSG:4326"));
    let told = inspect(&Plugin, "a.osm", &fixture("roadmap", "origin.lanelet.osm"));
    let item = map(&told);
    assert_eq!(item.crs.as_deref(), Some("local"));
    assert!(near(item.extent.unwrap()[2], 600.0, 2.0), "{:?}", item.extent);

    let told = inspect(&Plugin, "a.xml", &fixture("roadmap", "beijing.commonroad.xml"));
    let item = map(&told);
    assert_eq!((item.crs.as_deref(), item.samples[0]), (Some("EPSG:4326"), [116.3972, 39.9075, 0.0]));
    assert_eq!(item.properties["tied_to"], "location");
}

/// Names and values of the records, in order of the alphabet.
fn values(told: &Recorded) -> Vec<(String, String)> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or("").to_owned();
    let skip = |name: &str| matches!(name, "generator" | "version" | "osm" | "uid");
    let mut all: Vec<_> = told.values.iter().map(|(n, v)| (last(n), v.clone())).filter(|(n, _)| !skip(n)).collect();
    all.sort();
    all
}

#[test]
fn containers_of_openstreetmap_data_are_twins() {
    for city in ["beijing", "busan"] {
        let xml = inspect(&Plugin, "a.osm", &fixture("roadmap", &format!("{city}.osm")));
        let pbf = inspect(&Plugin, "a.pbf", &fixture("roadmap", &format!("{city}.osm.pbf")));
        assert_eq!(values(&xml), values(&pbf), "{city}");
        let phones: Vec<_> = values(&xml).into_iter().filter(|(n, _)| n == "phone").collect();
        assert!(phones.len() > 4 && phones[0].1.starts_with("13800138"), "{phones:?}");
        assert!(values(&xml).iter().any(|(n, v)| n == "place_name" && v == "长安街 & 1"));
        // Ids of nodes are no telephone numbers, positions are no track.
        assert!(
            !xml.values.iter().any(|(n, v)| v.starts_with("130000000") || n.ends_with("lat") || n.ends_with("ref"))
        );
        let (a, b) = (map(&xml), map(&pbf));
        assert_eq!((a.samples.len(), &a.crs), (b.samples.len(), &b.crs));
        for name in [
            "roads",
            "lanes",
            "length_km",
            "places",
            "signals",
            "restrictions",
            "contributors",
            "layers",
            "edited_from",
            "edited_until",
        ] {
            assert_eq!(a.properties.get(name), b.properties.get(name), "{city} {name}");
            assert!(a.properties.contains_key(name), "{name}");
        }
    }
    let plain = inspect(&Plugin, "a.pbf", &fixture("roadmap", "beijing.osm.pbf"));
    for name in ["raw.osm.pbf", "lz4.osm.pbf", "sparse.osm.pbf"] {
        let other = inspect(&Plugin, name, &fixture("roadmap", name));
        assert_eq!(values(&plain), values(&other), "{name}");
        let strip = |r: &Recorded| {
            let mut map = map(r).clone();
            map.properties.remove("features");
            map
        };
        assert_eq!(strip(&plain), strip(&other), "{name}");
    }
    let (a, b) = (fixture("roadmap", "located.osm"), fixture("roadmap", "located.osm.pbf"));
    let (a, b) = (inspect(&Plugin, "a.osm", &a), inspect(&Plugin, "a.pbf", &b));
    assert_eq!(get(map(&a), "length_km"), get(map(&plain), "length_km"));
    assert_eq!(get(map(&a), "length_km"), get(map(&b), "length_km"));
}

#[test]
fn scenarios_and_traffic_are_told() {
    let told_of = |name: &str, format: &str| told(name, format, &fixture("roadmap", name));
    let want = truth("drive.xosc");
    let scenario = told_of("drive.xosc", "openscenario");
    let item = scenario.item(kinds::DATASET_SCENARIO);
    for (key, of) in [("entities", "entities"), ("trajectory_points", "points"), ("events", "events")] {
        assert_eq!(item.properties[key], want[of], "{key}");
    }
    assert_eq!(scenario.fixes.len(), 40);
    assert_eq!((scenario.fixes[3].x, scenario.fixes[3].time_s), (448_015.0, Some(1.5)));
    assert!(scenario.spatial.is_empty());
    abuse(&Plugin, "openscenario", "a.xosc", &fixture("roadmap", "drive.xosc"), 12);

    for name in ["local.fcd.xml", "geo.fcd.xml"] {
        let want = truth(name);
        let told = told_of(name, "sumo");
        assert_eq!(Value::from(told.fixes.len()), want["points"], "{name}");
        let vehicles: std::collections::HashSet<u64> = told.fixes.iter().map(|f| f.entity).collect();
        assert_eq!(Value::from(vehicles.len()), want["vehicles"], "{name}");
        assert_eq!(told.item(kinds::DATASET_SIMULATION).properties["timesteps"], want["timesteps"]);
        let first = &want["first"];
        assert_eq!((Value::from(told.fixes[0].x), Value::from(told.fixes[0].y)), (first[0].clone(), first[1].clone()));
        assert!(told.spatial.is_empty());
        abuse(&Plugin, "sumo", name, &fixture("roadmap", name), 12);
    }
    let routes = told_of("beijing.rou.xml", "sumo");
    assert!(routes.item(kinds::DATASET_SIMULATION).properties.contains_key("vehicles"));
    let settings = told_of("beijing.sumocfg", "sumo");
    assert!(settings.item(kinds::DATASET_SIMULATION).properties["files"].to_string().contains("beijing.net.xml"));

    let want = truth("beijing.commonroad.xml");
    let told = told_of("beijing.commonroad.xml", "commonroad");
    assert_eq!(Value::from(told.fixes.len()), want["points"]);
    assert_eq!(told.item(kinds::DATASET_SCENARIO).properties["entities"], want["entities"]);
    // Networks made from OpenStreetMap bear its ids; they are no telephone numbers.
    for (name, format) in [("beijing.net.xml", "sumo"), ("beijing.xodr", "opendrive")] {
        let told = told_of(name, format);
        let id = told.values.iter().find(|(_, v)| v.contains("130000000"));
        assert_eq!(id, None, "{name}");
        assert!(told.values.iter().any(|(_, v)| v.starts_with("长安街")), "{name}");
    }
    let named = "<routes xmlns:xsi='x' xsi:noNamespaceSchemaLocation='http://sumo.dlr.de/xsd/routes_file.xsd'><vehicle id='13800138000' depart='0'/></routes>";
    let named = inspect(&Plugin, "a.rou.xml", named.as_bytes());
    assert!(named.values.iter().any(|(_, v)| v == "13800138000"));
}

/// The reference system of the positions of objects, as the header of their stream tells.
fn fix_systems(name: &str, format: &'static str, bytes: &[u8]) -> Vec<String> {
    struct Listen(Vec<String>);
    impl yumen_model::Inspection for Listen {
        fn send(&mut self, message: yumen_model::Message<'_>) -> Result<(), yumen_model::Stop> {
            if let yumen_model::Message::Evidence(header) = message
                && header.kind == yumen_model::EvidenceKind::Fixes
            {
                self.0.push(header.properties["crs"].as_str().unwrap().to_owned());
            }
            Ok(())
        }
    }
    let artifact = yumen_model::Artifact {
        blob: yumen_model::Blob::from_bytes(bytes.to_vec()),
        name: name.to_owned(),
        format,
        attributes: BTreeMap::new(),
        inside: Vec::new(),
    };
    let mut listen = Listen(Vec::new());
    let context = yumen_model::Context::default();
    yumen_model::Plugin::inspect(&Plugin, &artifact, &context, &mut listen).unwrap();
    listen.0
}

#[test]
fn positions_of_vehicles_are_in_degrees_or_metres() {
    let of = |name: &str| fix_systems(name, "sumo", &fixture("roadmap", name));
    assert_eq!((of("local.fcd.xml"), of("geo.fcd.xml")), (vec!["local".to_owned()], vec!["EPSG:4326".to_owned()]));
    // Without the comment that tells of the settings.
    let bare = |name: &str| {
        let text = String::from_utf8(fixture("roadmap", name)).unwrap();
        let body = &text[text.find("<fcd-export").unwrap()..];
        fix_systems(name, "sumo", body.as_bytes())
    };
    assert_eq!((bare("local.fcd.xml"), bare("geo.fcd.xml")), (vec!["local".to_owned()], vec!["EPSG:4326".to_owned()]));

    let xosc = |attributes: &str| {
        let vertex = |t: u8| format!("<Vertex time='{t}'><Position><GeoPosition {attributes}/></Position></Vertex>");
        format!(
            "<OpenSCENARIO><FileHeader revMajor='1' revMinor='2'/><Storyboard><Trajectory name='t'><Shape><Polyline>{}{}</Polyline></Shape></Trajectory></Storyboard></OpenSCENARIO>",
            vertex(0),
            vertex(1)
        )
    };
    for (attributes, lon) in [
        ("latitudeDeg='39.9' longitudeDeg='116.4'", 116.4),
        ("latitude='0.696386' longitude='2.031563'", 116.4),
        ("latitude='39.9' longitude='116.4'", 116.4),
        ("latitudeDeg='0.5' longitudeDeg='1.5'", 1.5),
    ] {
        let told = told("a.xosc", "openscenario", xosc(attributes).as_bytes());
        assert_eq!(told.fixes.len(), 2);
        assert!(near(told.fixes[0].x, lon, 1e-4), "{attributes}: {:?}", told.fixes[0]);
        assert_eq!(told.fixes[1].time_s, Some(1.0));
    }
}

#[test]
fn opendrive_origins_of_all_kinds() {
    let xodr = |header: &str| {
        format!(
            "<?xml version='1.0'?><OpenDRIVE xmlns='http://code.asam.net/simulation/standard/opendrive_schema'><header revMajor='1' revMinor='7' vendor='made up' {header}</header>\
             <road id='1' length='10' junction='-1'><planView><geometry s='0' x='5' y='6' hdg='0' length='10'><line/></geometry></planView><lanes><laneSection s='0'><right><lane id='-1' type='driving'/></right></laneSection></lanes></road></OpenDRIVE>"
        )
    };
    let case = |header: &str| {
        let told = told("a.xodr", "opendrive", xodr(header).as_bytes());
        let map = map(&told).clone();
        (map.crs.unwrap_or_default(), map.extent.unwrap())
    };
    assert_eq!(case(">"), ("local".to_owned(), [5.0, 6.0, 15.0, 6.0]));
    assert_eq!(
        case(
            "><geoReference><![CDATA[ +proj=utm +zone=51\n +datum=WGS84 ]]></geoReference><offset x='300000' y='4000000' z='0' hdg='0'/>"
        ),
        ("+proj=utm +zone=51 +datum=WGS84".to_owned(), [300_005.0, 4_000_006.0, 300_015.0, 4_000_006.0])
    );
    // Turned by a quarter to the left about the new origin.
    let turned = case("><geoReference>EPSG:4479</geoReference><offset x='100' y='0' hdg='1.5707963267948966'/>").1;
    assert!(near(turned[0], 94.0, 1e-9) && near(turned[3], 15.0, 1e-9), "{turned:?}");
    assert_eq!(
        case("><geoReference>+lat_0=31.2 +lon_0=121.4</geoReference>").0,
        "+proj=tmerc +lat_0=31.2 +lon_0=121.4"
    );
    assert!(
        case("><geoReference>PROJCS[\"WGS 84 / UTM zone 50N\",GEOGCS[\"x\"]]</geoReference>").0.starts_with("PROJCS[")
    );
    assert_eq!(case("><geoReference> </geoReference>").0, "local");
    assert!(case("originLat='39.9' originLong='116.4'>").0.contains("+lon_0=116.4"));

    let apollo = "<OpenDRIVE><header revMajor='1' vendor='Baidu'><geoReference><![CDATA[+proj=longlat +datum=WGS84]]></geoReference></header>\
        <road id='r'><lanes><laneSection><left><lane id='1'><border><geometry sOffset='0' x='116.3' y='40.0' length='1'><pointSet><point x='116.3' y='40.0' z='1'/><point x='116.301' y='40.0'/></pointSet></geometry></border></lane></left></laneSection></lanes></road></OpenDRIVE>";
    let told = told("base_map.xml", "opendrive", apollo.as_bytes());
    let item = map(&told);
    assert_eq!(
        (item.extent, item.properties["dialect"].as_str()),
        (Some([116.3, 40.0, 116.301, 40.0]), Some("apollo"))
    );
    assert_eq!((get(item, "lanes"), item.crs.as_deref()), (1.0, Some("+proj=longlat +datum=WGS84")));
}

#[test]
fn lanelets_are_found_wherever_they_stand() {
    let node =
        |id: u32, lat: f64, lon: f64, tags: &str| format!("<node id='{id}' lat='{lat}' lon='{lon}'>{tags}</node>");
    // Relations in the middle of a long file: head and tail show nodes only.
    let mut text = "<osm version='0.6' generator='made up'>".to_owned();
    (0..3000).for_each(|i| text += &node(i, 31.2, 121.4, ""));
    text += "<way id='1'><nd ref='1'/></way><relation id='9'><member type='way' ref='1' role='left'/><tag k='type' v='lanelet'/><tag k='subtype' v='road'/></relation>";
    (3000..6000).for_each(|i| text += &node(i, 31.2, 121.4, ""));
    text += "</osm>";
    assert_eq!(identify(&Plugin, "a.osm", text.as_bytes()).unwrap().format, "osm-xml");
    let late = inspect(&Plugin, "a.osm", text.as_bytes());
    late.assert_clear();
    assert_eq!((late.format.as_str(), get(map(&late), "lanelets")), ("lanelet2", 1.0));

    // Metres in tags, degrees empty or about the origin.
    let tags = |x: f64| {
        format!(
            "<tag k='local_x' v='{x}'/><tag k='local_y' v='7.5'/><tag k='ele' v='1.5'/><tag k='mgrs_code' v='51RUQ542313'/>"
        )
    };
    for (lat, lon) in [("", ""), ("0.00001", "0.00002")] {
        let text = format!(
            "<osm version='0.6'><node id='1' lat='{lat}' lon='{lon}'>{}</node><node id='2' lat='{lat}' lon='{lon}'>{}</node><relation id='9'><tag k='type' v='lanelet'/></relation></osm>",
            tags(1000.0),
            tags(1010.0)
        );
        let told = told("a.osm", "lanelet2", text.as_bytes());
        let item = map(&told);
        assert_eq!((item.crs.as_deref(), item.extent), (Some("local"), Some([1000.0, 7.5, 1010.0, 7.5])));
        assert_eq!(item.properties["mgrs_squares"], serde_json::json!(["51RUQ"]));
        assert!(!told.values.iter().any(|(n, _)| n.contains("local_")));
    }
}

#[test]
fn traffic_without_a_schema_is_told_by_its_elements() {
    for text in [
        "<routes><vType id='car' minGap='2.5' accel='2.6'/></routes>",
        "<routes><flow id='a' from='x' to='y' begin='0' end='9' probability='0.1'/></routes>",
        "<add><tlLogic id='0' type='static' programID='own' offset='0'><phase duration='5' state='rG'/></tlLogic></add>",
        "<additional><e1Detector id='a' lane='b_0' pos='0' file='c.xml'/></additional>",
    ] {
        let told = told("a.xml", "sumo", text.as_bytes());
        assert!(told.spatial.is_empty());
        told.item(kinds::DATASET_SIMULATION);
    }
    // Several programs of one signal are one signal.
    let net = "<net version='1.20'><location netOffset='0,0' projParameter='!'/><edge id='a' from='x' to='y'><lane id='a_0' length='10' shape='0,0 10,0'/></edge>\
        <tlLogic id='s' programID='0'/><tlLogic id='s' programID='1'/><connection from='a' to='b' tl='s'/><connection from='a' to='b' tl='rail'/></net>";
    assert_eq!(get(map(&told("a.net.xml", "sumo", net.as_bytes())), "signals"), 2.0);
}

#[test]
fn curved_grids_in_text_and_binary() {
    let header = |kind: &str, place: &str| {
        format!(
            "$CT\nmade up 测试\n$\n$ROAD_CRG\nREFERENCE_LINE_START_U = 0.0\nREFERENCE_LINE_END_U = 1500.0 ! m\nREFERENCE_LINE_INCREMENT = 0.01\n{place}$\n$KD_DEFINITION\n#:{kind}\nU:reference line u,m,0,0.01\nD:reference line phi,rad\nD:long section 1,m\nD:long section 2,m\n$\n{}\n",
            "$".repeat(80)
        )
    };
    let degrees = "REFERENCE_LINE_START_LON = 116.3\nREFERENCE_LINE_START_LAT = 39.9\nREFERENCE_LINE_END_LON = 116.31\nREFERENCE_LINE_END_LAT = 39.9\n";
    let mut bytes = header("KRBI", degrees).into_bytes();
    (0..300).for_each(|i| bytes.extend((i as f32 * 0.001).to_be_bytes()));
    let binary = told("a.crg", "opencrg", &bytes);
    let item = map(&binary);
    assert_eq!((item.crs.as_deref(), item.extent), (Some("EPSG:4326"), Some([116.3, 39.9, 116.31, 39.9])));
    assert_eq!(
        (get(item, "length_km"), get(item, "channels"), binary.labels.inspected),
        (1.5, 3.0, bytes.len() as u64)
    );
    assert!(binary.texts[0].contains("测试"));
    abuse(&Plugin, "opencrg", "a.crg", &bytes, 20);

    let text =
        header("LRFI", "REFERENCE_LINE_START_X = 448000\nREFERENCE_LINE_START_Y = 4417000\n") + " 0.001 0.002 0.003\n";
    let told = told("a.crg", "opencrg", text.as_bytes());
    assert_eq!(map(&told).crs, None);
    // Short forms of the kind, and of the line before the data.
    let mut bytes = header("KRB", degrees).replace(&"$".repeat(80), "$$$$").into_bytes();
    (0..300).for_each(|i| bytes.extend((i as f32 * 0.001).to_be_bytes()));
    let short = inspect(&Plugin, "a.crg", &bytes);
    short.assert_clear();
    assert!(short.texts[0].ends_with("$$$$\n\n"), "the data is no text");
    // What is no heights is not looked into.
    let mut bytes = header("KRBI", "").into_bytes();
    let head = bytes.len() as u64;
    bytes.extend(noise(3, 40_000));
    let odd = inspect(&Plugin, "a.crg", &bytes);
    assert_eq!((odd.opaque(), odd.labels.inspected), (40_000, head));
}

#[test]
fn dsl_and_vissim_are_told() {
    let dsl = "import osc.standard.all\n\nscenario cut_in:\n    car1: vehicle\n    do parallel(duration: 5s):\n        car1.drive()\n";
    let told_dsl = told("a.osc", "openscenario-dsl", dsl.as_bytes());
    assert_eq!(told_dsl.item(kinds::DATASET_SCENARIO).properties["scenarios"], 1);
    assert!(told_dsl.texts[0].contains("cut_in"));
    assert_eq!(identify(&Plugin, "a.osc", b"scenario one of many things: a story\n"), None);

    let inpx = "<?xml version='1.0'?><network version='800' vissimVersion='2023'><links><link no='1' name='长安街'><geometry><points3D><point3D x='0' y='0'/><point3D x='30' y='40'/></points3D></geometry><lanes><lane width='3.5'/><lane width='3.5'/></lanes></link></links><netPara><refPointMap x='12956000.5' y='4853000.5'/></netPara></network>";
    let told = told("a.inpx", "vissim", inpx.as_bytes());
    let item = map(&told);
    assert_eq!((get(item, "roads"), get(item, "lanes"), get(item, "length_km")), (1.0, 2.0, 0.05));
    assert_eq!((item.crs.as_deref(), item.samples[0]), (Some("EPSG:3857"), [12_956_000.5, 4_853_000.5, 0.0]));
    assert!(told.values.iter().any(|(_, v)| v == "长安街"));
}

#[test]
fn damaged_blobs_cost_only_themselves() {
    let bytes = fixture("roadmap", "raw.osm.pbf");
    let whole = inspect(&Plugin, "a.pbf", &bytes);
    // A second copy of the data, of which the content does not decompress.
    let data = {
        let header = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        let size = usize::from(bytes[4 + header - 1]);
        4 + header + size
    };
    let zlib = fixture("roadmap", "beijing.osm.pbf");
    let mut broken = zlib;
    let n = broken.len();
    broken[n - 40..n - 20].fill(0xA5);
    let told = inspect(&Plugin, "a.pbf", &broken);
    told.assert_counted();
    assert!(told.noted("bad-entry") && told.opaque() > 0 && told.result.is_ok());
    let mut joined = broken;
    joined.extend(&bytes[data..]);
    let told = inspect(&Plugin, "a.pbf", &joined);
    // The last blob holds the relation.
    let count = |told: &Recorded, name: &str| get(map(told), name);
    assert_eq!(count(&told, "relations"), count(&whole, "relations"), "what comes behind is read");
    assert_eq!(count(&told, "ways"), 2.0 * count(&whole, "ways"));
    // Cut in the middle: what was read before stays, the rest is not claimed.
    let told = inspect(&Plugin, "a.pbf", &bytes[..bytes.len() - 10]);
    assert!(told.result.is_err() && told.opaque() > 0);
    assert_eq!((count(&told, "ways"), map(&told).properties["relations"].as_u64()), (count(&whole, "ways"), Some(0)));
    // A blob that says it is larger than it may be when decompressed is refused.
    let huge = [
        b"\x00\x00\x00\x0d\x0a\x07OSMData\x18\x10".as_slice(),
        b"\x10\xff\xff\xff\xff\x07\x1a\x08\x78\x9c\x03\x00\x00\x00\x00\x01",
    ]
    .concat();
    let told = inspect_as(&Plugin, "osm-pbf", "a.pbf", &huge, Engine::default());
    told.assert_counted();
    assert!(told.opaque() >= 16);
}

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut n = content.len();
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out.extend(content);
    out
}

/// A file of one blob of data.
fn pbf(block: &[u8]) -> Vec<u8> {
    let blob = field(1, block);
    let mut header = field(1, b"OSMData");
    let mut n = blob.len();
    header.push(0x18);
    while n >= 0x80 {
        header.push(n as u8 | 0x80);
        n >>= 7;
    }
    header.push(n as u8);
    [(header.len() as u32).to_be_bytes().to_vec(), header, blob].concat()
}

#[test]
fn strings_that_nothing_or_everything_refers_to() {
    // 2 MiB of text that a hundred thousand nodes have for a tag, and a string that none has.
    let long = "x".repeat(2 << 20);
    let strings =
        [field(1, b""), field(1, b"note"), field(1, long.as_bytes()), field(1, "联系 13900139000".as_bytes())].concat();
    let n = 100_000;
    let tags = [1u8, 2, 0].repeat(n);
    let dense = [field(1, &vec![2; n]), field(8, &vec![2; n]), field(9, &vec![2; n]), field(10, &tags)].concat();
    let bytes = pbf(&[field(1, &strings), field(2, &field(2, &dense))].concat());
    let told = inspect(&Plugin, "a.pbf", &bytes);
    told.assert_clear();
    assert_eq!(get(map(&told), "nodes"), n as f64);
    let text: usize = told.values.iter().map(|(_, v)| v.len()).sum();
    assert!((2 << 20..80 << 20).contains(&text), "{text}");
    assert!(told.values.iter().any(|(_, v)| v.contains("13900139000")));
    assert!(told.values.iter().all(|(_, v)| v.len() <= 1 << 20));
}

#[test]
fn others_are_left_alone() {
    let strangers: &[(&str, &[u8])] = &[
        ("a.xml", b"<?xml version='1.0'?><net><layer name='conv1'/></net>"),
        ("a.xml", b"<routes><route path='/a' handler='b'/></routes>"),
        ("a.xml", b"<configuration><appSettings><add key='a' value='b'/></appSettings></configuration>"),
        ("a.xml", b"<network><host name='a'/></network>"),
        ("a.xml", b"<additional><item/></additional>"),
        ("a.xml", b"<add><user name='a'/></add>"),
        ("a.xml", b"<routes><flow name='a'/></routes>"),
        ("a.osm", b"<osmosis><node/></osmosis>"),
        ("a.xodr", b"<OpenDRIVE/>"),
        ("a.osc", b"/address,f 1.0\nscenario description follows\n"),
        ("a.txt", b"header {\n  title: \"a\"\n}\nbody { text: \"b\" }\n"),
        ("a.pbf", b"\x00\x00\x00\x0d\x0a\x09OSMHeadex\x18\x10"),
        ("a.bin", b"\x0a\x05hello\x12\x05world"),
        ("a.crg", b"$CT\n$ROAD_CRG\nnothing more\n"),
        ("a.pbf", b""),
    ];
    for (name, bytes) in strangers {
        assert_eq!(identify(&Plugin, name, bytes), None, "{name} {}", String::from_utf8_lossy(bytes));
    }
    for seed in 0..40 {
        assert_eq!(identify(&Plugin, "a.bin", &noise(seed, 5000)), None);
        let mut field = vec![0x0A, 40];
        field.extend(noise(seed, 3000));
        assert_eq!(identify(&Plugin, "base_map.bin", &field), None);
    }
    assert_eq!(identify(&Plugin, "map.osm", &prose(5000)), None);
}

#[test]
fn a_local_frame_is_tied_to_the_origin_beside_it() {
    let info =
        "# 测试\nprojector_type: LocalCartesian\nmap_origin:\n  latitude: 39.9\n  longitude: 116.4\n  altitude: 1.0\n";
    let settings = told("map_projector_info.yaml", "autoware-map-config", info.as_bytes());
    assert_eq!(settings.exports.len(), 1);
    assert_eq!(settings.records["map_origin.latitude"], "39.9");
    assert!(settings.values.iter().any(|(_, v)| v.contains("测试")));
    assert_eq!(identify(&Plugin, "a.yaml", b"projector_type: DLP\nlamp: new\n"), None);

    let member = |name, exports| yumen_model::Member { name, format: "x", exports };
    let groupers = yumen_model::Plugin::groupers(&Plugin);
    let needy = member("lanelet2_map.osm", vec![]);
    let value = &settings.exports[0].value;
    let granted = groupers[0].grant(&needy, &[member("map_projector_info.yaml", vec![value])]);
    assert_eq!(granted, std::slice::from_ref(value));
    let other = serde_json::json!({"lat": 1, "lon": 2});
    assert!(groupers[0].grant(&needy, &[member("a", vec![value]), member("b", vec![&other])]).is_empty());

    let mut item = Spatial::new(kinds::GEO_MAP);
    item.crs = Some("local".to_owned());
    let granted = settings.exports.clone();
    super::autoware::tie(&mut item, &yumen_model::Context { granted });
    assert!(item.crs.unwrap().contains("+lat_0=39.9 +lon_0=116.4"));
}
