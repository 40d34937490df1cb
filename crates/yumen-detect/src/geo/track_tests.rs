use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use yumen_model::SubjectKey;
use yumen_model::finding::{Aggregate, FindingsParts};

use super::*;

/// Records of a table in batches of `rows` rows.
fn batches(header: &str, lines: &[String], rows: usize) -> Vec<RecordBatch<'static>> {
    let names: Vec<String> = if header.is_empty() { vec![] } else { header.split(',').map(str::to_owned).collect() };
    let mut out = Vec::new();
    let mut line = 1;
    for chunk in lines.chunks(rows) {
        let mut batch = RecordBatch { names: names.clone(), ..RecordBatch::default() };
        let mut text = String::new();
        for row in chunk {
            line += 1;
            batch.records.push(batch.cells.len() as u32);
            for (i, value) in row.split(',').enumerate() {
                let start = text.len() as u32;
                text.push_str(value);
                let end = text.len() as u32;
                text.push(RecordBatch::CELL_END);
                let name = if names.is_empty() { u32::MAX } else { i as u32 };
                batch.cells.push(Cell {
                    name,
                    column_index: i as u32,
                    start,
                    end,
                    byte_start: line * 100 + u64::from(start % 100),
                    byte_end: line * 100 + u64::from(end % 100),
                    line,
                    column: 1,
                    verbatim: true,
                });
            }
        }
        batch.text = text.into();
        out.push(batch);
    }
    out
}

/// Records given as lists of name and value, one batch each.
fn objects(records: &[Vec<(&str, String)>]) -> Vec<RecordBatch<'static>> {
    records
        .iter()
        .map(|r| {
            let mut names: Vec<String> = r.iter().map(|(n, _)| (*n).to_owned()).collect();
            names.dedup();
            let mut batch = RecordBatch { names: names.clone(), records: vec![0], ..RecordBatch::default() };
            let mut text = String::new();
            for (name, value) in r {
                let start = text.len() as u32;
                text.push_str(value);
                let end = text.len() as u32;
                text.push(RecordBatch::CELL_END);
                let name = names.iter().position(|n| n == name).unwrap() as u32;
                let (byte_start, byte_end) = (u64::from(start), u64::from(end));
                batch.cells.push(Cell {
                    name,
                    column_index: 0,
                    start,
                    end,
                    byte_start,
                    byte_end,
                    line: 1,
                    column: 1,
                    verbatim: true,
                });
            }
            batch.text = text.into();
            batch
        })
        .collect()
}

fn detect(batches: Vec<RecordBatch<'static>>) -> FindingsParts {
    let header = EvidenceHeader {
        stream: 0,
        kind: EvidenceKind::Records,
        format: "csv".into(),
        name: "a.csv".into(),
        properties: BTreeMap::new(),
    };
    let mut session = TrackDetector.start(&header).unwrap();
    let mut out = Findings::new(SubjectKey::new([0; 32]), 20, false);
    for batch in batches {
        session.feed(&Batch::Records(batch), &mut out);
    }
    session.finish(&mut out);
    out.into_parts()
}

fn table(header: &str, lines: &[String]) -> Vec<Aggregate> {
    detect(batches(header, lines, 7)).aggregates
}

/// A drive: `n` fixes from a position on, some 25 m apart, with gentle turns.
fn drive(lat: f64, lon: f64, n: usize) -> Vec<(f64, f64)> {
    let (mut lat, mut lon, mut heading) = (lat, lon, 0.3f64);
    (0..n)
        .map(|i| {
            heading += 0.2 * (i as f64 * 0.7).sin();
            lat += 0.00022 * heading.cos();
            lon += 0.00025 * heading.sin();
            (lat, lon)
        })
        .collect()
}

fn lines(points: &[(f64, f64)], f: impl Fn(usize, f64, f64) -> String) -> Vec<String> {
    points.iter().enumerate().map(|(i, &(lat, lon))| f(i, lat, lon)).collect()
}

fn one(found: Vec<Aggregate>) -> Aggregate {
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

fn is(a: &Aggregate, kind: KindId, region: &'static str) {
    assert_eq!(a.kind, kind, "{a:?}");
    assert!(a.distinct.contains(&("region", region.into())), "{a:?}");
}

#[test]
fn a_taxi_table_is_one_track_with_its_figures() {
    let rows = lines(&drive(22.53, 114.01, 14), |i, lat, lon| {
        format!("1,{lon:.6},{lat:.6},2014-10-22 23:{:02}:{:02},27.0", 39 + i / 2, i % 2 * 30)
    });
    let a = one(table("id,lon,lat,time,speed", &rows));
    is(&a, kinds::GEO_TRACK, "inside");
    assert_eq!((a.count, &a.properties["points"], &a.properties["duration_s"]), (1, &json!(14), &json!(390.0)));
    assert_eq!(a.lists["provinces"].iter().collect::<Vec<_>>(), ["CN-GD"]);
    assert_eq!((&a.properties["datum"], a.distinct[0].clone()), (&json!("unknown"), ("frame", "geodetic".into())));
    assert!(a.properties["length_km"].as_f64().unwrap() > 0.2);
    assert!(a.properties["extent"].as_array().unwrap().len() == 4);
    assert_eq!(a.places[0].0.line, Some(2));
}

#[test]
fn vehicles_are_told_apart_and_regions_too() {
    let mut rows = Vec::new();
    for (vin, lat, lon) in [("A", 31.2, 121.4), ("B", 39.9, 116.3), ("C", 49.0, 8.4), ("D", 35.1, 129.0)] {
        for (i, (lat, lon)) in drive(lat, lon, 20).into_iter().enumerate() {
            rows.push((i, format!("{vin},{},{lat:.6},{lon:.6}", 1_600_000_000 + i * 5)));
        }
    }
    // Interleaved by time.
    rows.sort();
    let rows: Vec<String> = rows.into_iter().map(|(_, r)| r).collect();
    let found = table("vin,timestamp,gcj02_lat,gcj02_lng", &rows);
    assert_eq!(found.len(), 2);
    is(&found[0], kinds::GEO_TRACK, "inside");
    is(&found[1], kinds::GEO_TRACK, "outside");
    assert_eq!((found[0].count, found[1].count), (2, 2));
    assert_eq!(found[0].lists["provinces"].iter().collect::<Vec<_>>(), ["CN-BJ", "CN-SH"]);
    assert_eq!(found[1].lists["countries"].iter().collect::<Vec<_>>(), ["DE", "KR"]);
    assert_eq!(found[0].properties["datum"], json!("gcj02"));
}

#[test]
fn columns_of_other_names_and_scales_are_read() {
    let path = drive(30.5, 114.3, 30);
    for (header, rows) in [
        (
            "车牌号,定位时间,经度,纬度,速度",
            lines(&path, |i, a, o| format!("X{},20240102{:02}{:02}00,{o:.5},{a:.5},30", 1, 8 + i / 60, i % 60)),
        ),
        (
            "device_id,ts,lon,lat",
            lines(&path, |i, a, o| {
                format!("7,{},{},{}", 1_700_000_000_000u64 + i as u64 * 1000, (o * 1e6) as i64, (a * 1e6) as i64)
            }),
        ),
        ("time,location,speed", lines(&path, |i, a, o| format!("12:00:{:02},{o:.6} {a:.6},3", i))),
        ("date,time,gps_lat,gps_lon", lines(&path, |i, a, o| format!("2024-01-02,12:00:{:02},{a:.6},{o:.6}", i))),
        (
            "UTC,Lat,NS,Lon,EW",
            lines(&path, |i, a, o| {
                let nmea = |v: f64| v.trunc() * 100.0 + v.fract() * 60.0;
                format!("1200{:02},{:.4},N,{:.4},E", i, nmea(a), nmea(o))
            }),
        ),
        (
            "trkpt.@lat,trkpt.@lon,trkpt.time",
            lines(&path, |i, a, o| format!("{a:.6},{o:.6},2024-01-02T12:00:{:02}Z", i)),
        ),
        ("lat,lon", lines(&path, |_, a, o| format!("{a:.6},{o:.6}"))),
    ] {
        let a = one(table(header, &rows));
        is(&a, kinds::GEO_TRACK, "inside");
        assert_eq!((a.count, &a.properties["points"]), (1, &json!(30)), "{header}");
        assert_eq!(a.lists["provinces"].iter().collect::<Vec<_>>(), ["CN-HB"], "{header}");
    }
}

#[test]
fn a_table_without_header_is_known_by_content() {
    let rows = lines(&drive(39.9, 116.4, 100), |i, a, o| {
        format!("366,2008-02-02 {:02}:{:02}:00,{o:.5},{a:.5}", 13 + i / 60, i % 60)
    });
    let a = one(table("", &rows));
    is(&a, kinds::GEO_TRACK, "inside");
    assert_eq!((a.count, &a.properties["points"]), (1, &json!(100)));
    let few = one(table("", &rows[..8]));
    assert_eq!(few.properties["points"], json!(8));
    assert!(table("", &rows[..3]).is_empty());
}

#[test]
fn local_trajectories_have_a_local_frame() {
    let rows: Vec<String> =
        (0..60).map(|i| format!("{},{},{},car,{}.25,2.5,10,0", i / 20, i % 20, i % 20 * 100, i % 20)).collect();
    let a = one(table("track_id,frame_id,timestamp_ms,agent_type,x,y,vx,vy", &rows));
    is(&a, kinds::GEO_TRACK, "unknown");
    assert!(a.distinct.contains(&("frame", "local".into())));
    assert_eq!((a.count, &a.properties["points"], &a.properties["length_km"]), (3, &json!(60), &json!(0.057)));
    assert!(!a.properties.contains_key("extent"));
    // Pixels, plain points and a table without a header are none.
    let pixels: Vec<String> = (0..60).map(|i| format!("{},{},{},{}", i / 20, i, i * 3, 7)).collect();
    assert!(table("id,frame,x,y", &pixels).is_empty());
    assert!(table("x,y,z", &rows.iter().map(|_| "1.5,2.5,3.5".to_owned()).collect::<Vec<_>>()).is_empty());
    assert!(table("", &(0..60).map(|i| format!("{i}.25,{}.5", i * 2)).collect::<Vec<_>>()).is_empty());
}

#[test]
fn lists_of_places_are_points() {
    // Scattered over a province, with names.
    let scattered: Vec<(f64, f64)> = (0..40u64)
        .map(|i| (30.0 + (i * 7919 % 1000) as f64 / 700.0, 119.5 + (i * 104_729 % 1000) as f64 / 800.0))
        .collect();
    let rows = lines(&scattered, |i, a, o| format!("门店{i},某路{i}号,{a:.6},{o:.6}"));
    let a = one(table("名称,地址,纬度,经度", &rows));
    is(&a, kinds::GEO_POINT, "inside");
    assert_eq!(a.count, 40);
    for header in ["id,created_at,lat,lng", "order_no,time,lat,lng", "vin,time,lat,lng"] {
        let rows = lines(&scattered, |i, a, o| format!("{i},2024-01-02 12:00:{:02},{a:.6},{o:.6}", i % 60));
        let a = one(table(header, &rows));
        is(&a, kinds::GEO_POINT, "inside");
    }
    // Coarse positions are not even that.
    let rows = lines(&scattered, |i, a, o| format!("{i},{a:.1},{o:.1}"));
    assert!(table("id,lat,lon", &rows).is_empty());
}

#[test]
fn rings_grids_and_sensors_are_no_tracks() {
    let ring: Vec<(f64, f64)> = (0..=60)
        .map(|i| {
            let angle = f64::from(i % 60) * std::f64::consts::TAU / 60.0;
            (31.2 + 0.01 * angle.sin(), 121.4 + 0.01 * angle.cos())
        })
        .collect();
    is(&one(table("lat,lon", &lines(&ring, |_, a, o| format!("{a:.6},{o:.6}")))), kinds::GEO_POINT, "inside");
    let grid: Vec<(f64, f64)> =
        (0..400).map(|i| (31.0 + f64::from(i / 20) * 0.005, 121.0 + f64::from(i % 20) * 0.005)).collect();
    is(
        &one(table("grid_id,lat,lon,count", &lines(&grid, |i, a, o| format!("{i},{a:.5},{o:.5},3")))),
        kinds::GEO_POINT,
        "inside",
    );
    let still = lines(&vec![(31.2304, 121.4737); 50], |i, a, o| format!("S1,2024-01-02 12:00:{i:02},{a:.6},{o:.6},20"));
    is(&one(table("sensor_id,time,lat,lon,temperature", &still)), kinds::GEO_POINT, "inside");
}

#[test]
fn objects_with_positions_and_times_are_tracks() {
    let path = drive(31.2, 121.4, 25);
    let flat: Vec<Vec<(&str, String)>> = path
        .iter()
        .enumerate()
        .map(|(i, (a, o))| {
            vec![
                ("vin", "V1".into()),
                ("ts", (1_700_000_000 + i).to_string()),
                ("gps.lat", format!("{a:.6}")),
                ("gps.lng", format!("{o:.6}")),
            ]
        })
        .collect();
    let a = one(detect(objects(&flat)).aggregates);
    is(&a, kinds::GEO_TRACK, "inside");
    assert_eq!((a.count, &a.properties["points"]), (1, &json!(25)));
    // The position in an object of its own, before or after the time.
    let split: Vec<Vec<(&str, String)>> = path
        .iter()
        .enumerate()
        .flat_map(|(i, (a, o))| {
            [
                vec![("data.vin", "V1".to_owned()), ("data.ts", (1_700_000_000 + i).to_string())],
                vec![("data.gps.lat", format!("{a:.6}")), ("data.gps.lng", format!("{o:.6}"))],
            ]
        })
        .collect();
    let a = one(detect(objects(&split)).aggregates);
    is(&a, kinds::GEO_TRACK, "inside");
    assert_eq!((a.count, &a.properties["points"]), (1, &json!(25)));
    let mut inner_first = split.clone();
    inner_first.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
    let a = one(detect(objects(&inner_first)).aggregates);
    is(&a, kinds::GEO_TRACK, "inside");
    assert_eq!((a.count, &a.properties["points"], &a.properties["duration_s"]), (1, &json!(25), &json!(24.0)));
    // GeoJSON: a polygon is a shape, not a track; its precise vertices are told.
    let mut polygon = vec![("geometry.type", "Polygon".to_owned())];
    for (a, o) in &path {
        polygon.push(("geometry.coordinates", format!("{o:.8}")));
        polygon.push(("geometry.coordinates", format!("{a:.8}")));
    }
    let a = one(detect(objects(&[polygon])).aggregates);
    is(&a, kinds::GEO_POINT, "inside");
    assert_eq!(a.count, 25);
    // The same, with each vertex a record of its own.
    let mut vertices = vec![vec![("features.geometry.type", "Polygon".to_owned())]];
    vertices.extend(path.iter().map(|(a, o)| {
        vec![("features.geometry.coordinates", format!("{o:.8}")), ("features.geometry.coordinates", format!("{a:.8}"))]
    }));
    let a = one(detect(objects(&vertices)).aggregates);
    is(&a, kinds::GEO_POINT, "inside");
    assert_eq!(a.count, 25);
    // Points with a time each are a track.
    let timed: Vec<Vec<(&str, String)>> = (0..)
        .zip(&path)
        .flat_map(|(i, (a, o))| {
            [
                vec![("features.properties.time", format!("2024-01-02T12:00:{i:02}Z"))],
                vec![
                    ("features.geometry.coordinates", format!("{o:.8}")),
                    ("features.geometry.coordinates", format!("{a:.8}")),
                ],
            ]
        })
        .collect();
    is(&one(detect(objects(&timed)).aggregates), kinds::GEO_TRACK, "inside");
    // One position in a setting.
    let a = one(detect(objects(&[vec![("home.lat", "48.858370".into()), ("home.lng", "2.294481".into())]])).aggregates);
    is(&a, kinds::GEO_POINT, "outside");
    // Shapes in three dimensions and vectors are none.
    for (name, values) in
        [("mesh.position", ["12.34567", "45.67891", "3.21098"]), ("center", ["50.12345", "8.12345", "1.00001"])]
    {
        assert!(
            detect(objects(&[values.iter().map(|v| (name, (*v).to_owned())).collect()])).aggregates.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn a_path_in_one_cell_is_a_track_of_its_trip() {
    let path: Vec<String> = drive(41.15, -8.61, 20).iter().map(|(a, o)| format!("{o:.6} {a:.6}")).collect();
    let rows: Vec<String> = (0..5).map(|i| format!("{i},20000589,137263685{i},{}", path.join(" "))).collect();
    let a = one(table("TRIP_ID,TAXI_ID,TIMESTAMP,POLYLINE", &rows));
    is(&a, kinds::GEO_TRACK, "outside");
    assert_eq!((a.count, &a.properties["points"]), (5, &json!(100)));
    assert_eq!(a.lists["countries"].iter().collect::<Vec<_>>(), ["PT"]);
}

#[test]
fn empty_and_invalid_fixes_are_left_out() {
    let mut rows = lines(&drive(31.2, 121.4, 20), |i, a, o| format!("{},{a:.6},{o:.6},1", i));
    rows.insert(3, "3,0,0,1".into());
    rows.insert(9, "9,nan,121.4,1".into());
    rows.insert(12, "11,45.123456,9.123456,0".into());
    let a = one(table("time,lat,lon,valid", &rows));
    assert_eq!(a.properties["points"], json!(20));
}

#[test]
fn two_datums_side_by_side_are_one_track() {
    let rows = lines(&drive(31.2, 121.4, 20), |i, a, o| format!("{i},{a:.6},{o:.6},{:.6},{:.6}", a + 0.002, o + 0.004));
    let a = one(table("time,wgs84_lat,wgs84_lng,gcj02_lat,gcj02_lng", &rows));
    assert_eq!((a.count, &a.properties["datum"]), (1, &json!("wgs84")));
}

#[test]
fn more_entities_than_are_kept_still_count_when_sorted() {
    let mut rows = Vec::new();
    for id in 0..10_500 {
        for i in 0..3 {
            rows.push(format!(
                "{id},{},{:.6},121.400000",
                1_700_000_000 + i * 10,
                31.2 + f64::from(i) * 0.001 + f64::from(id % 7) * 0.01
            ));
        }
    }
    let a = one(table("vehicle_id,time,lat,lon", &rows));
    assert_eq!((a.count, &a.properties["points"]), (10_500, &json!(31_500)));
}

#[test]
fn files_of_poses_are_local_tracks() {
    let tum: Vec<String> = (0..80)
        .map(|i| {
            let (s, c) = (f64::from(i) * 0.005).sin_cos();
            format!(
                "{}.25,{:.4},{:.4},0.1,0,0,{s:.6},{c:.6}",
                1_700_000_000 + i,
                f64::from(i) * 1.3,
                f64::from(i) * 0.2
            )
        })
        .collect();
    let kitti: Vec<String> = (0..80)
        .map(|i| {
            let (s, c) = (f64::from(i) * 0.005).sin_cos();
            format!("{c:.6},0,{s:.6},{:.4},0,1,0,0.02,{:.6},0,{c:.6},{:.4}", f64::from(i) * 0.1, -s, f64::from(i) * 1.2)
        })
        .collect();
    for rows in [&tum, &kitti] {
        let a = one(table("", rows));
        is(&a, kinds::GEO_TRACK, "unknown");
        assert!(a.distinct.contains(&("frame", "local".into())), "{a:?}");
        assert_eq!((a.count, &a.properties["points"]), (1, &json!(80)));
    }
    let numbers: Vec<String> = (0..80).map(|i| format!("{i}.5,{i},{i},1,0.2,0.3,0.4,{i}")).collect();
    assert!(table("", &numbers).is_empty());
}

#[test]
fn projected_columns_are_placed_where_the_system_is_told() {
    let line = |i: usize, x: f64, y: f64| (x + i as f64 * 12.0, y + (i as f64 * 0.4).sin() * 8.0);
    let rows = |x: f64, y: f64, f: &dyn Fn(usize, f64, f64) -> String| -> Vec<String> {
        (0..30)
            .map(|i| {
                let (x, y) = line(i, x, y);
                f(i, x, y)
            })
            .collect()
    };
    for (header, rows, frame) in [
        (
            "time,easting,northing,crs",
            rows(449_345.0, 4_417_292.0, &|i, x, y| format!("{i},{x:.2},{y:.2},EPSG:32650")),
            "projected",
        ),
        (
            "time,utm_x,utm_y,utm_zone",
            rows(449_345.0, 4_417_292.0, &|i, x, y| format!("{i},{x:.2},{y:.2},50N")),
            "projected",
        ),
        (
            "time,easting,northing,zone",
            rows(449_345.0, 4_417_292.0, &|i, x, y| format!("{i},{x:.2},{y:.2},50")),
            "projected",
        ),
        ("时间,东坐标,北坐标", rows(39_449_325.0, 4_419_060.0, &|i, x, y| format!("{i},{x:.2},{y:.2}")), "projected"),
        ("时间,X坐标,Y坐标", rows(39_449_325.0, 4_419_060.0, &|i, x, y| format!("{i},{y:.2},{x:.2}")), "projected"),
        ("time,x(m),y(m)", rows(39_449_325.0, 4_419_060.0, &|i, x, y| format!("{i},{x:.2},{y:.2}")), "projected"),
        ("time,mgrs,speed", (0..30).map(|i| format!("{i},50SMK49{:03}17292,5", 345 + i * 2)).collect(), "geodetic"),
        (
            "time,ecef_x,ecef_y,ecef_z",
            (0..30).map(|i| format!("{i},{},4388500.5,4070000.5", -2_178_600 + i * 10)).collect(),
            "ecef",
        ),
    ] {
        let a = one(table(header, &rows));
        is(&a, kinds::GEO_TRACK, "inside");
        assert!(a.distinct.contains(&("frame", frame.into())), "{header} {a:?}");
        assert_eq!(a.lists["provinces"].iter().collect::<Vec<_>>(), ["CN-BJ"], "{header}");
        assert_eq!((a.count, &a.properties["points"]), (1, &json!(30)), "{header}");
        assert!(a.properties["extent"][0].as_f64().unwrap() > 116.0, "{header}");
    }
    // Without any of it the frame is told and no place.
    let bare = rows(449_345.0, 4_417_292.0, &|i, x, y| format!("{i},{i},{x:.2},{y:.2}"));
    is(&one(table("time,frame_id,easting,northing", &bare)), kinds::GEO_TRACK, "unknown");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_cut_of_batches_changes_nothing(rows in 1usize..50, headed in any::<bool>(), n in 1usize..120) {
        let data = lines(&drive(22.5, 114.0, n), |i, a, o| format!("{},{},{a:.6},{o:.6}", i % 3, 1_700_000_000 + i));
        let header = if headed { "vehicle_id,time,lat,lon" } else { "" };
        let whole = detect(batches(header, &data, usize::MAX)).aggregates;
        let cut = detect(batches(header, &data, rows)).aggregates;
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn any_table_is_survived(rows in proptest::collection::vec("[-0-9.,NSEW:e;/ \u{4e00}]{0,40}", 0..80), header in 0usize..6) {
        let header = ["", "lat,lon,time", "x,y,frame,id,speed", "location,polyline,track", "ecef_x,ecef_y,ecef_z,ts", "date,time,纬度,经度,NS,EW"][header];
        let names = header.split(',').count();
        let rows: Vec<String> = rows.into_iter().map(|r| r.split(',').take(names.max(2)).collect::<Vec<_>>().join(",")).collect();
        let _ = table(header, &rows);
    }
}

#[test]
fn degrees_called_x_and_y_are_told_from_metres() {
    // GDAL writes `X,Y`.
    let degrees = lines(&drive(39.90765, 116.39123, 60), |i, a, o| format!("{o:.6},{a:.6},{}", 1_714_521_600 + i));
    let a = one(table("X,Y,time", &degrees));
    is(&a, kinds::GEO_TRACK, "inside");
    assert!(a.distinct.contains(&("frame", "geodetic".into())), "{a:?}");
    assert_eq!(a.properties["points"], 60);
    let turned: Vec<String> =
        degrees.iter().map(|l| l.splitn(3, ',').collect::<Vec<_>>()).map(|c| [c[1], c[0], c[2]].join(",")).collect();
    is(&one(table("Y,X,time", &turned)), kinds::GEO_TRACK, "inside");
    // The same shape in metres around an origin, and far from one.
    for far in [0.0, 300.0] {
        let metres = lines(&drive(39.90765, 116.39123, 60), |i, a, o| {
            format!(
                "{:.4},{:.4},{}",
                far + (o - 116.39123) * 85_000.0,
                far + (a - 39.90765) * 111_000.0,
                1_714_521_600 + i
            )
        });
        assert!(table("X,Y,time", &metres).iter().all(|a| a.distinct.contains(&("region", "unknown".into()))));
    }
    // Places.
    let places: Vec<String> = (0..40)
        .map(|i| {
            format!(
                "{:.6},{:.6}",
                116.312_345 + 0.013_17 * f64::from(i * 7 % 13),
                39.8 + 0.011_13 * f64::from(i * 5 % 11)
            )
        })
        .collect();
    is(&one(table("X,Y", &places)), kinds::GEO_POINT, "inside");
}

#[test]
fn projected_columns_of_no_system_are_asked_about() {
    let track = lines(&drive(39.90765, 116.39123, 60), |i, a, o| {
        format!(
            "2024-05-01 08:00:{i:02},{:.3},{:.3}",
            447_950.0 + (o - 116.39123) * 85_000.0,
            4_419_500.0 + (a - 39.90765) * 111_000.0
        )
    });
    for header in ["time,easting,northing", "时间,东坐标,北坐标"] {
        let a = one(table(header, &track));
        is(&a, kinds::GEO_TRACK, "unknown");
        assert!(a.distinct.contains(&("frame", "projected".into())), "{header} {a:?}");
    }
    let places: Vec<String> =
        (0..40).map(|i| format!("{i},{},{}", 447_000 + i * 7919 % 1300, 4_418_000 + i * 5 % 11 * 97)).collect();
    is(&one(table("钻孔,东坐标,北坐标", &places)), kinds::GEO_POINT, "unknown");
}

#[test]
fn hexadecimal_geometries_are_positions() {
    let hex = |x: f64, y: f64| {
        let mut bytes = vec![1u8];
        bytes.extend(0x2000_0001u32.to_le_bytes());
        bytes.extend(4326u32.to_le_bytes());
        bytes.extend(x.to_le_bytes());
        bytes.extend(y.to_le_bytes());
        bytes.iter().map(|b| format!("{b:02X}")).collect::<String>()
    };
    let rows = lines(&drive(39.90765, 116.39123, 60), |i, a, o| format!("2024-05-01 08:00:{i:02},V1,{}", hex(o, a)));
    let a = one(table("ts,vehicle_id,geom", &rows));
    is(&a, kinds::GEO_TRACK, "inside");
    assert_eq!((a.properties["datum"].as_str(), &a.properties["points"]), (Some("wgs84"), &json!(60)));
}
