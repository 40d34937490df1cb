//! Everything this family promises, on files of the field's own tools and on made-up ones.

use serde_json::Value;
use yumen_kit_container::testing::{
    Engine, Recorded, abuse, fixture, identify, inspect, inspect_artifact, inspect_as, noise, prose,
};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Blob, Certainty, GroupFact, Inspection, Message, Plugin as _, Reason, Spatial, Stop};

use super::PointcloudPlugin as Plugin;

fn truth(name: &str) -> Value {
    let path = format!("{}/../../tests/fixtures/pointcloud/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))).unwrap()
}

#[track_caller]
fn cloud(told: &Recorded) -> &Spatial {
    let clouds: Vec<_> = told.spatial.iter().filter(|s| s.kind == kinds::GEO_POINT_CLOUD).collect();
    assert_eq!(clouds.len(), 1, "one cloud");
    clouds[0]
}

/// Compares a cloud with what another tool read.
#[track_caller]
fn agrees(name: &str, told: &Recorded) {
    let (truth, item) = (truth(name), cloud(told));
    assert_eq!(item.properties["points"], truth["points"], "{name}");
    if let Some(extent) = truth.get("extent") {
        for (i, got) in item.extent.unwrap().iter().enumerate() {
            let want = extent[i].as_f64().unwrap();
            assert!((got - want).abs() < 1e-3, "{name}: {got} is not {want}");
        }
    }
    if let Some(z) = truth.get("z") {
        for (i, key) in ["z_min", "z_max"].iter().enumerate() {
            let (got, want) = (item.properties[*key].as_f64().unwrap(), z[i].as_f64().unwrap());
            assert!((got - want).abs() < 2e-3, "{name}: {key} {got} is not {want}");
        }
    }
    for key in ["classes", "faces", "scans", "columns"] {
        if let Some(want) = truth.get(key) {
            assert_eq!(&item.properties[key], want, "{name}: {key}");
        }
    }
}

#[track_caller]
fn told(name: &str, format: &'static str) -> Recorded {
    let bytes = fixture("pointcloud", name);
    let identity = identify(&Plugin, name, &bytes).unwrap_or_else(|| panic!("{name} is not known"));
    assert_eq!(identity.format, format, "{name}");
    let told = inspect(&Plugin, name, &bytes);
    told.assert_clear();
    assert!(told.notes.is_empty(), "{name}: {:?}", told.notes);
    told
}

#[test]
fn las_of_every_version_and_point_format() {
    for version in ["1.2", "1.3", "1.4"] {
        let formats: &[u8] = match version {
            "1.2" => &[0, 1, 2, 3],
            "1.3" => &[4, 5],
            _ => &[6, 7, 8, 9, 10],
        };
        for format in formats {
            let name = format!("v{version}-f{format}.las");
            let told = told(&name, "las");
            agrees(&name, &told);
            let item = cloud(&told);
            let has = |key: &str| item.properties[key] == Value::Bool(true);
            assert_eq!(item.properties["point_format"], *format);
            assert!(has("intensity"), "{name}");
            assert_eq!(has("gps_time"), !matches!(format, 0 | 2), "{name}");
            assert_eq!(has("rgb"), matches!(format, 2 | 3 | 5 | 7 | 8 | 10), "{name}");
            assert_eq!(item.properties.contains_key("near_infrared"), matches!(format, 8 | 10), "{name}");
            assert_eq!(item.properties["precision_m"], 0.001);
            let crs = item.crs.as_deref();
            assert_eq!(crs, (*format != 0).then_some("EPSG:32650"), "{name}");
            if has("gps_time") {
                // 1300000000 s of GPS time.
                assert_eq!(item.properties["time_from"], 1_300_000_000.0 + 315_964_800.0 - 18.0);
            }
            assert!(
                told.texts.iter().any(|t| t.contains("MOBILE MAPPER") && t.contains("made up for tests")),
                "{name}"
            );
            assert!(told.fixes.is_empty());
        }
    }
    let extra = told("v1.4-f7.las", "las");
    assert_eq!(cloud(&extra).properties["extra_dimensions"][0], "pulse width");
    assert!(extra.texts[0].contains("full width"));
}

#[test]
fn las_and_laz_give_the_same_findings() {
    for format in [1, 3, 6, 8] {
        let plain = told(&format!("twin-f{format}.las"), "las");
        let packed = told(&format!("twin-f{format}.laz"), "laz");
        let (mut a, b) = (cloud(&plain).clone(), cloud(&packed).clone());
        // Thirty by thirty points half a metre apart.
        assert_eq!(
            (&a.properties["area_m2"], &a.properties["frame"]),
            (&210.25.into(), &"projected".into()),
            "{format}"
        );
        a.bytes = b.bytes;
        assert_eq!(a, b, "{format}");
        assert_eq!(
            a.crs.as_deref(),
            Some(if format % 3 == 0 && format != 3 || format == 1 { "EPSG:4548" } else { "EPSG:32650" })
        );
        for name in [format!("twin-f{format}.las"), format!("twin-f{format}.laz"), format!("laszip-f{format}.laz")] {
            agrees(&name, &told(&name, if name.ends_with('s') { "las" } else { "laz" }));
        }
    }
    let copc = told("copc.copc.laz", "laz");
    agrees("copc.copc.laz", &copc);
    assert_eq!(cloud(&copc).properties["copc"], true);
    assert_eq!(cloud(&copc).crs.as_deref(), Some("EPSG:32650"));
}

#[test]
fn pcd_of_every_encoding() {
    for name in ["ascii.pcd", "binary.pcd", "binary_compressed.pcd", "mixed.pcd"] {
        let told = told(name, "pcd");
        agrees(name, &told);
        let item = cloud(&told);
        assert_eq!(item.crs.as_deref(), Some("local"));
        assert!(!item.samples.is_empty());
        assert_eq!(told.inventory.iter().any(|i| i.kind == kinds::SENSOR_LIDAR), name == "mixed.pcd");
    }
}

#[test]
fn ply_of_every_encoding() {
    for name in ["ascii.ply", "little.ply", "big.ply"] {
        let told = told(name, "ply");
        agrees(name, &told);
        assert!(told.texts[0].contains("scanned by the survey team"));
    }
}

#[test]
fn e57_scans_stand_where_their_poses_put_them() {
    let told = told("two.e57", "e57");
    agrees("two.e57", &told);
    assert!(String::from_utf8_lossy(&told.child("metadata.xml").bytes).contains("scan two"));
    // What the page held before is free space.
    assert_eq!(told.names(), ["metadata.xml", "[unallocated]"]);
    assert_eq!(cloud(&told).crs, None);
    let mut broken = fixture("pointcloud", "two.e57");
    broken[3000] ^= 1;
    let told = inspect(&Plugin, "x.e57", &broken);
    assert!(told.noted("checksum-mismatch"));
    assert_eq!(told.result.unwrap_err().offset, Some(2048));
    assert_eq!(told.labels.opaque[&Reason::Corrupt], 1024);
    assert_eq!(told.spatial[0].properties["points"], 800);
}

#[test]
fn trajectories_and_sweeps_are_known_by_their_numbers() {
    let drive = told("drive.sbet", "sbet");
    assert_eq!(drive.fixes.len(), 200);
    let (first, last) = (drive.fixes[0], drive.fixes[199]);
    assert!(
        (first.x - 116.4).abs() < 1e-9 && (first.y - 40.0).abs() < 1e-9 && (last.time_s.unwrap() - 1.99).abs() < 1e-6
    );
    assert_eq!(drive.spatial[0].kind, kinds::GEO_INERTIAL);
    assert_eq!(drive.spatial[0].properties["rate_hz"], 100.0);
    for name in ["000007.bin", "lidar_top.pcd.bin"] {
        let told = told(name, "lidar-bin");
        agrees(name, &told);
        assert_eq!(cloud(&told).crs.as_deref(), Some("local"));
    }
    // The same bytes under another name, or other bytes under that name, are none.
    assert!(identify(&Plugin, "000007.dat", &fixture("pointcloud", "000007.bin")).is_none());
    let weights: Vec<u8> =
        noise(5, 64_000).chunks_exact(4).flat_map(|b| (f32::from(b[0]) / 255.0 - 0.5).to_le_bytes()).collect();
    assert!(identify(&Plugin, "weights.bin", &weights).is_none());
    let ramp: Vec<u8> = (0..16_000u16).flat_map(|i| f32::from(i).to_le_bytes()).collect();
    assert!(identify(&Plugin, "ramp.bin", &ramp).is_none());
}

#[test]
fn text_clouds_with_a_header() {
    let scan = |shift: f64| {
        let rows: String = (0..6).map(|i| format!("{i}.125 1.000 2.000 0.5\n")).collect();
        format!("3\n2\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n1 0 0 0\n0 1 0 0\n0 0 1 0\n{shift} 4418000 0 1\n{rows}")
    };
    let text = format!("{}{}", scan(447_000.0), scan(447_100.0));
    let told = inspect(&Plugin, "a.txt", text.as_bytes());
    told.assert_clear();
    assert_eq!(told.format, "ptx");
    let item = cloud(&told);
    assert_eq!((&item.properties["points"], &item.properties["scans"]), (&12.into(), &2.into()));
    assert_eq!(item.extent, Some([447_000.125, 4_418_001.0, 447_105.125, 4_418_001.0]));
    let pts = "4\n1.0 2.0 3.0 -1000 1 2 3\n1.5 2 3 5 1 2 3\n1 2 3 5 1 2 3\nScanned by 13800138000\n1 2 9 5 1 2 3\n";
    assert!(identify(&Plugin, "a.txt", pts.as_bytes()).is_none());
    let good = "3\n1.0 2.0 3.0 -1000\n1.5 2 3 5\n1 2 3 5\n";
    assert_eq!(identify(&Plugin, "a.pts", good.as_bytes()).unwrap().format, "pts");
    let told = inspect_as(&Plugin, "pts", "a.pts", pts.as_bytes(), Engine::default());
    assert!(told.texts[0].contains("13800138000") && told.noted("bad-entry"));
    for other in ["3\n2\n1\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", "1 2 3\n4 5 6\n7 8 9\n"] {
        assert!(identify(&Plugin, "a.pts", other.as_bytes()).is_none_or(|i| i.format != "ptx"), "{other}");
        assert!(identify(&Plugin, "a.txt", other.as_bytes()).is_none(), "{other}");
    }
    abuse(&Plugin, "ptx", "a.ptx", text.as_bytes(), 60);
}

#[test]
fn counts_of_the_header_are_checked_against_the_data() {
    let whole = fixture("pointcloud", "v1.2-f1.las");
    let n = whole.len();
    let told = inspect(&Plugin, "a.las", &whole[..n - 100]);
    // Four records of 28 bytes are gone or cut.
    assert_eq!(cloud(&told).properties["points"], 140);
    assert_eq!(told.result.unwrap_err().reason, Reason::Corrupt);
    assert_eq!(told.labels.opaque[&Reason::Corrupt], 12);
    // A writer that was stopped before it could fill in the numbers.
    let mut unfinished = whole.clone();
    unfinished[107..111].fill(0);
    let told = inspect(&Plugin, "a.las", &unfinished);
    assert_eq!(cloud(&told).properties["points"], 144);
    assert!(told.noted("rebuilt"));
    // Bytes behind the points are somebody's.
    let mut longer = whole.clone();
    longer.extend_from_slice(b"left behind by 13800138000");
    let told = inspect(&Plugin, "a.las", &longer);
    assert_eq!(told.names(), ["[after]"]);
    assert!(told.opaque() == 0 && cloud(&told).properties["points"] == 144);
    // A header that claims more than can be.
    let mut absurd = whole;
    absurd[107..111].fill(0xFF);
    let told = inspect(&Plugin, "a.las", &absurd);
    assert_eq!(cloud(&told).properties["points"], 144);
    assert!(told.result.is_err());
    let mut laz = fixture("pointcloud", "twin-f1.laz");
    laz[107..111].fill(0xFF);
    let told = inspect(&Plugin, "a.laz", &laz);
    assert!(told.result.is_err());
    told.assert_counted();
}

#[test]
fn a_broken_chunk_costs_no_more_than_itself() {
    for name in ["twin-f3.laz", "twin-f6.laz"] {
        let mut bytes = fixture("pointcloud", name);
        let n = bytes.len();
        for b in &mut bytes[n / 2..n / 2 + 64] {
            *b ^= 0x5A;
        }
        inspect(&Plugin, name, &bytes).assert_counted();
    }
    // Without its table a stream is read all the same.
    for (name, points) in [("twin-f1.laz", 900), ("twin-f6.laz", 900)] {
        let mut bytes = fixture("pointcloud", name);
        let data = u32::from_le_bytes(bytes[96..100].try_into().unwrap()) as usize;
        bytes[data..data + 8].fill(0xFF);
        let told = inspect(&Plugin, name, &bytes);
        assert_eq!(cloud(&told).properties["points"], points);
        assert!(told.noted("rebuilt"), "{name}");
    }
}

/// An inspection with facts of the neighbours.
struct Sink(Vec<Spatial>, u32);

impl Inspection for Sink {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        match message {
            Message::Batch { batch: yumen_model::Batch::Spatial(batch), .. } => self.0.extend(batch.items),
            Message::Need(need) => {
                assert_eq!(need.key, "crs");
                self.1 += 1;
            }
            _ => {}
        }
        Ok(())
    }
}

#[test]
fn a_reference_system_may_lie_beside_the_cloud() {
    for (name, format, needs) in [("v1.2-f0.las", "las", 1), ("v1.2-f1.las", "las", 0), ("two.e57", "e57", 1)] {
        let artifact = Artifact {
            blob: Blob::from_bytes(fixture("pointcloud", name)),
            name: name.into(),
            format,
            attributes: std::collections::BTreeMap::new(),
            inside: Vec::new(),
        };
        let mut first = Sink(Vec::new(), 0);
        Plugin.inspect(&artifact, &yumen_model::Context::default(), &mut first).unwrap();
        assert_eq!(first.1, needs, "{name}");
        let fact = GroupFact {
            key: "crs".into(),
            value: "PROJCS[\"CGCS2000_3_Degree_GK_Zone_39\",AUTHORITY[\"EPSG\",\"4527\"]]".into(),
        };
        let mut second = Sink(Vec::new(), 0);
        Plugin.inspect(&artifact, &yumen_model::Context { granted: vec![fact] }, &mut second).unwrap();
        let want = if needs == 1 { "EPSG:4527" } else { "EPSG:32650" };
        assert_eq!(second.0[0].crs.as_deref(), Some(want), "{name}");
        assert_eq!(second.1, 0);
    }
    let recorded = inspect_artifact(
        &Plugin,
        &Artifact {
            blob: Blob::from_bytes(fixture("pointcloud", "v1.2-f0.las")),
            name: "a".into(),
            format: "las",
            attributes: std::collections::BTreeMap::new(),
            inside: Vec::new(),
        },
        Engine::default(),
    );
    assert_eq!(cloud(&recorded).crs, None);
}

#[test]
fn splats_comments_and_odd_headers() {
    let header = "ply\r\nformat binary_little_endian 1.0\r\ncomment crs: EPSG:4548\r\ncomment shift_x 500000\r\nelement vertex 2\r\nproperty float x\r\nproperty float y\r\nproperty float z\r\nproperty float f_dc_0\r\nproperty float opacity\r\nend_header\r\n";
    let mut bytes = header.as_bytes().to_vec();
    for v in [1f32, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 1.0] {
        bytes.extend_from_slice(&v.to_le_bytes());
    }
    let told = inspect(&Plugin, "a.ply", &bytes);
    told.assert_clear();
    let item = cloud(&told);
    assert_eq!(item.properties["gaussian_splat"], true);
    assert_eq!((item.crs.as_deref(), item.extent), (Some("EPSG:4548"), Some([500_001.0, 2.0, 500_002.0, 3.0])));
    let pcd = "VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 3\nHEIGHT 1\nVIEWPOINT 447000 4418000 20 1 0 0 0\nDATA ascii\n1 2 3\nnan nan nan\n# 张三 13800138000\n4 5 6\n\n";
    let told = inspect(&Plugin, "a.pcd", pcd.as_bytes());
    told.assert_clear();
    let item = cloud(&told);
    assert_eq!(item.extent, Some([447_001.0, 4_418_002.0, 447_004.0, 4_418_005.0]));
    assert_eq!((item.crs.as_deref(), &item.properties["points_without_position"]), (None, &1.into()));
    assert!(told.texts[0].contains("张三"));
    let draco = [&b"DRACO\x02\x02\x00\x01\x00\x00"[..], &noise(3, 500)].concat();
    let told = inspect(&Plugin, "a.drc", &draco);
    assert_eq!(told.labels.opaque[&Reason::Unsupported], 500);
    assert!(told.noted("unsupported-method"));
}

#[test]
fn other_things_are_not_taken_for_clouds() {
    let samples: [(&str, Vec<u8>); 9] = [
        ("a.las", b"LASF is the signature of LAS files, which are clouds of points.".to_vec()),
        ("a.las", [&b"LASF"[..], &noise(1, 4000)].concat()),
        ("a.ply", b"ply\nwood is made of layers\n".to_vec()),
        ("a.ply", b"plywood".to_vec()),
        ("a.pcd", b"# a list\nFIELDS of wheat\nDATA lost\n".to_vec()),
        ("a.bin", noise(2, 40_000)),
        ("a.bin", vec![0; 40_000]),
        ("a.sbet", vec![0; 136 * 100]),
        ("a.txt", prose(5000)),
    ];
    for (name, bytes) in samples {
        assert!(identify(&Plugin, name, &bytes).is_none(), "{name}");
    }
    let head = &fixture("pointcloud", "v1.2-f1.las")[..120];
    assert_eq!(identify(&Plugin, "a", head).unwrap().certainty, Certainty::Structure);
}

#[test]
fn nothing_breaks_the_readers() {
    let all: &[(&str, &'static str, usize)] = &[
        ("v1.4-f10.las", "las", 80),
        ("v1.3-f5.las", "las", 60),
        ("twin-f3.laz", "laz", 120),
        ("twin-f8.laz", "laz", 120),
        ("laszip-f6.laz", "laz", 60),
        ("copc.copc.laz", "laz", 80),
        ("ascii.pcd", "pcd", 60),
        ("binary.pcd", "pcd", 60),
        ("binary_compressed.pcd", "pcd", 80),
        ("mixed.pcd", "pcd", 60),
        ("ascii.ply", "ply", 60),
        ("big.ply", "ply", 80),
        ("two.e57", "e57", 120),
        ("drive.sbet", "sbet", 40),
        ("000007.bin", "lidar-bin", 20),
    ];
    for (name, format, flips) in all {
        abuse(&Plugin, format, name, &fixture("pointcloud", name), *flips);
    }
}
