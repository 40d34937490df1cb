use super::*;
use crate::distance_m;
use proptest::prelude::*;
use serde_json::Value;

/// Truth by PROJ: see xtask/fixtures/crs.py.
const POINTS: &str = include_str!("../../../../tests/fixtures/crs/points.tsv");
const TEXTS: &str = include_str!("../../../../tests/fixtures/crs/texts.ndjson");

#[test]
fn positions_agree_with_proj() {
    let mut n = 0;
    let mut bad = Vec::new();
    for line in POINTS.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let v: Vec<f64> = cells[1..].iter().map(|c| c.parse().unwrap()).collect();
        let got = Crs::parse(cells[0]).to_wgs84(v[0], v[1], v[2]);
        let off = got.map_or(f64::INFINITY, |g| distance_m(g, (v[3], v[4])));
        if off > v[5] {
            bad.push(format!("{} off by {off:.3} m: {got:?} for {} {}", cells[0], v[3], v[4]));
        }
        n += 1;
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(n >= 200, "{n}");
}

#[test]
fn every_text_form_of_a_system_says_the_same() {
    let mut bad = Vec::new();
    for line in TEXTS.lines() {
        let v: Value = serde_json::from_str(line).unwrap();
        let n = |k: &str| v[k].as_f64().unwrap();
        for (form, text) in v["texts"].as_object().unwrap() {
            let crs = Crs::parse(text.as_str().unwrap());
            let got = crs.to_wgs84(n("x"), n("y"), n("z"));
            let off = got.map_or(f64::INFINITY, |g| distance_m(g, (n("lat"), n("lon"))));
            // Only where a shift is needed and the text does not bring one.
            let tolerance = match v["code"].as_u64() {
                Some(2437 | 31_467 | 27_700 | 2326) => 200.0,
                // PROJ tells NAD83(HARN) from WGS-84.
                Some(2994) => 2.0,
                _ => 0.01,
            };
            let expected = Crs::epsg(u32::try_from(v["code"].as_u64().unwrap()).unwrap());
            if off > tolerance || crs.datum() != expected.datum() || crs.frame() != expected.frame() {
                bad.push(format!("{} {form}: off by {off:.3} m, {:?} {:?}", v["code"], crs.datum(), crs.frame()));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn words_and_codes_are_read() {
    for (text, datum, frame, from) in [
        ("EPSG:4326", Datum::Wgs84, Frame::Geodetic, DatumFrom::Epsg),
        ("epsg:4490", Datum::Cgcs2000, Frame::Geodetic, DatumFrom::Epsg),
        ("4326", Datum::Wgs84, Frame::Geodetic, DatumFrom::Epsg),
        ("EPSG:4326+5773", Datum::Wgs84, Frame::Geodetic, DatumFrom::Epsg),
        ("OGC:CRS84", Datum::Wgs84, Frame::Geodetic, DatumFrom::Declared),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", Datum::Wgs84, Frame::Geodetic, DatumFrom::Declared),
        ("ESRI:102100", Datum::Wgs84, Frame::Projected, DatumFrom::Epsg),
        ("wgs84", Datum::Wgs84, Frame::Geodetic, DatumFrom::Declared),
        ("WGS 84", Datum::Wgs84, Frame::Geodetic, DatumFrom::Declared),
        ("GCJ-02", Datum::Gcj02, Frame::Geodetic, DatumFrom::Declared),
        ("bd09", Datum::Bd09, Frame::Geodetic, DatumFrom::Declared),
        ("bd09ll", Datum::Bd09, Frame::Geodetic, DatumFrom::Declared),
        ("bd09mc", Datum::Bd09, Frame::Projected, DatumFrom::Declared),
        ("ecef", Datum::Wgs84, Frame::Ecef, DatumFrom::Declared),
        ("+proj=geocent +datum=WGS84", Datum::Wgs84, Frame::Ecef, DatumFrom::Declared),
        ("+init=epsg:4490", Datum::Cgcs2000, Frame::Geodetic, DatumFrom::Epsg),
        ("local", Datum::Unknown, Frame::Local, DatumFrom::Unknown),
        ("odom", Datum::Unknown, Frame::Local, DatumFrom::Unknown),
        ("LOCAL_CS[\"site\",UNIT[\"m\",1.0]]", Datum::Unknown, Frame::Local, DatumFrom::Unknown),
        ("enu 39.9 116.4 50", Datum::Wgs84, Frame::Local, DatumFrom::Declared),
        ("CGCS2000", Datum::Cgcs2000, Frame::Geodetic, DatumFrom::Declared),
        ("UTM zone 50N", Datum::Wgs84, Frame::Projected, DatumFrom::Declared),
        (
            "GEOGCS[\"GCJ_02\",DATUM[\"D_GCJ_02\",SPHEROID[\"Krasovsky_1940\",6378245.0,298.3]],PRIMEM[\"Greenwich\",0.0],UNIT[\"Degree\",0.0174532925199433]]",
            Datum::Gcj02,
            Frame::Geodetic,
            DatumFrom::Declared,
        ),
    ] {
        let crs = Crs::parse(text);
        assert_eq!((crs.datum(), crs.frame(), crs.datum_from()), (datum, frame, from), "{text}");
        assert!(crs.places() || frame == Frame::Local, "{text}");
    }
    for text in ["", "EPSG:999999", "EPSG:2227", "hello", "PROJCS[", "{}", "+proj=robin", "utm"] {
        assert!(!Crs::parse(text).places(), "{text}");
    }
    assert_eq!(Crs::parse("+proj=robin").frame(), Frame::Projected);
}

#[test]
fn zones_before_the_easting_are_understood() {
    // 39 before the easting of a three-degree zone, with a system that does not have it, and the other way round.
    let (lat, lon) = Crs::epsg(4548).to_wgs84(448_000.0, 4_418_000.0, 0.0).unwrap();
    for (code, x) in
        [(4548, 39_448_000.0), (4527, 39_448_000.0), (4527, 448_000.0), (4509, 20_448_000.0), (4498, 20_448_000.0)]
    {
        let got = Crs::epsg(code).to_wgs84(x, 4_418_000.0, 0.0).unwrap();
        assert!(distance_m(got, (lat, lon)) < 0.01, "{code} {x} {got:?}");
    }
    let (crs, swapped) = Crs::guess_zoned(39_448_000.0, 4_418_000.0).unwrap();
    assert!(!swapped && distance_m(crs.to_wgs84(39_448_000.0, 4_418_000.0, 0.0).unwrap(), (lat, lon)) < 0.1);
    assert_eq!(crs.datum(), Datum::Unknown);
    assert!(Crs::guess_zoned(4_418_000.0, 39_448_000.0).unwrap().1);
    for (x, y) in [(448_000.0, 4_418_000.0), (12_958_175.0, 4_825_923.0), (39_448_000.0, 10.0), (f64::NAN, 1.0)] {
        assert!(Crs::guess_zoned(x, y).is_none(), "{x} {y}");
    }
}

proptest! {
    #[test]
    fn any_declaration_is_survived(text in "\\PC{0,80}", wkt in "(PROJCS|GEOGCRS|UNIT|PARAMETER|DATUM|[\\[\\](),\"0-9.a-z ]){0,60}", x in any::<f64>(), y in any::<f64>()) {
        for t in [text.as_str(), wkt.as_str()] {
            let _ = Crs::parse(t).to_wgs84(x, y, 0.0);
        }
    }

    #[test]
    fn any_code_gives_positions_on_the_globe(code in 2000u32..40_000, x in -1e8f64..1e8, y in -1e8f64..1e8) {
        if let Some((lat, lon)) = Crs::epsg(code).to_wgs84(x, y, 0.0) {
            prop_assert!(lat.abs() <= 90.0 && lon.abs() <= 180.0);
        }
    }
}

#[test]
fn numbers_with_an_exponent_are_whole() {
    let plain = Crs::parse("+proj=tmerc +lat_0=49 +lon_0=8 +ellps=WGS84");
    for text in [
        "+proj=tmerc +lat_0=4.9000000000000000e+1 +lon_0=8.0000000000000000e+0 +ellps=WGS84",
        "+proj=tmerc+lat_0=4.9e+1+lon_0=8+ellps=WGS84",
    ] {
        let (lat, lon) = Crs::parse(text).to_geodetic(100.0, 200.0, 0.0).unwrap();
        assert_eq!(Some((lat, lon)), plain.to_geodetic(100.0, 200.0, 0.0), "{text}");
        assert!((lat - 49.0018).abs() < 1e-3, "{lat}");
    }
}
