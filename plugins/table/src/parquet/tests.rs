use yumen_kit_container::testing::{Engine, Recorded, abuse, fixture, identify, inspect, inspect_as, noise, prose};
use yumen_model::kind::kinds;
use yumen_model::{Certainty, Reason};

use crate::TablePlugin;

fn read(name: &str) -> Recorded {
    let file = format!("{name}.parquet");
    inspect(&TablePlugin, &file, &fixture("parquet", &file))
}

/// What pyarrow reads back: column and value.
fn truth(name: &str) -> Vec<(String, String)> {
    let text = String::from_utf8(fixture("parquet", &format!("{name}.rows"))).unwrap();
    text.lines().filter_map(|l| l.split_once('\t')).map(|(c, v)| (c.to_owned(), v.to_owned())).collect()
}

#[test]
fn all_codecs_and_encodings_give_the_values_that_pyarrow_reads() {
    for (file, want) in [
        ("snappy", "snappy"),
        ("plain", "snappy"),
        ("gzip-v2", "snappy"),
        ("zstd", "snappy"),
        ("brotli", "snappy"),
        ("lz4", "snappy"),
        ("int96", "int96"),
        ("delta", "delta"),
    ] {
        let r = read(file);
        assert_eq!(r.format, "parquet");
        r.assert_clear();
        assert!(r.notes.is_empty(), "{file}: {:?}", r.notes);
        let want = truth(want);
        assert!(want.len() > 2000);
        let first = r.values.iter().zip(&want).find(|(a, b)| a != b);
        assert!(r.values == want, "{file}: {} of {}, {first:?}", r.values.len(), want.len());
    }
}

#[test]
fn pictures_are_children() {
    let r = read("images");
    r.assert_clear();
    assert_eq!(r.children.len(), 5);
    let third = r.child("image.bytes/3");
    assert!(third.bytes.starts_with(b"\x89PNG") && third.bytes.ends_with(&[3; 3000]));
    assert!(third.extents.is_some(), "no copy of what stands in the file as it is");
    assert!(r.values.contains(&("image.path".to_owned(), "3.png".to_owned())));
    let r = read("packed");
    r.assert_clear();
    assert_eq!(r.names(), ["image/0", "image/1", "image/2"]);
    assert!(r.children.iter().all(|c| c.complete && c.extents.is_none() && c.bytes.starts_with(b"\x89PNG")));
}

#[test]
fn geometries_are_places_of_rows_or_a_map() {
    let r = read("points");
    r.assert_clear();
    assert_eq!(r.values.iter().filter(|(n, _)| n == "geometry.longitude").count(), 50);
    assert!(r.values.contains(&("geometry.latitude".to_owned(), "39.9".to_owned())));
    assert!(r.spatial.is_empty());
    let r = read("lines");
    r.assert_clear();
    let [map] = &r.spatial[..] else { panic!("{:?}", r.spatial) };
    assert_eq!((map.kind, map.crs.as_deref()), (kinds::GEO_MAP, Some("EPSG:4547")));
    assert_eq!((&map.properties["features"], &map.properties["points"]), (&50.into(), &100.into()));
    assert_eq!(map.extent, Some([500_000.0, 4_400_000.0, 500_149.0, 4_400_100.0]));
}

#[test]
fn encryption_is_told() {
    let r = read("encrypted");
    assert_eq!(r.result, Ok(()));
    assert!(r.noted("encrypted"));
    assert_eq!(r.labels.opaque[&Reason::Encrypted], r.len - 12);
    let r = read("encrypted-columns");
    assert!(r.noted("encrypted"));
    assert!(r.labels.opaque[&Reason::Encrypted] > 1000);
    assert!(!r.values.iter().any(|(n, _)| n == "phone"));
}

#[test]
fn a_broken_page_costs_its_column_only() {
    let mut bytes = fixture("parquet", "snappy.parquet");
    let whole = read("snappy").values.len();
    // Into the middle of the names of the first rows.
    for b in &mut bytes[3000..3200] {
        *b ^= 0x55;
    }
    let r = inspect(&TablePlugin, "a.parquet", &bytes);
    assert_eq!(r.result, Ok(()));
    assert!(r.noted("corrupt"));
    assert!(r.opaque() > 0 && r.values.len() > whole / 2 && r.values.len() < whole);
}

#[test]
fn a_changed_page_is_told_by_its_checksum() {
    let mut bytes = fixture("parquet", "plain.parquet");
    let at = bytes.windows(11).position(|w| w == b"13800130007").unwrap();
    bytes[at] = b'2';
    let r = inspect(&TablePlugin, "a.parquet", &bytes);
    assert!(r.noted("checksum-mismatch"));
    assert!(r.values.iter().any(|(_, v)| v == "23800130007"));
}

#[test]
fn damage_and_interruptions_are_borne() {
    for name in [
        "snappy",
        "plain",
        "gzip-v2",
        "zstd",
        "brotli",
        "lz4",
        "delta",
        "images",
        "packed",
        "lines",
        "encrypted-columns",
    ] {
        abuse(&TablePlugin, "parquet", "a.parquet", &fixture("parquet", &format!("{name}.parquet")), 60);
    }
}

#[test]
fn only_parquet_is_taken_for_it() {
    let known = |bytes: &[u8]| identify(&TablePlugin, "x", bytes).map(|i| (i.format, i.certainty));
    let bytes = fixture("parquet", "snappy.parquet");
    assert_eq!(known(&bytes), Some(("parquet", Certainty::Signature)));
    assert_eq!(known(&bytes[..bytes.len() / 2]), Some(("parquet", Certainty::Structure)));
    assert_eq!(known(b"ARROW1\0\0\x10\0\0\0").map(|k| k.0), Some("arrow"));
    for other in [b"PAR1 is how it begins, and PAR1".to_vec(), noise(3, 4096), prose(4096), b"PAR1".to_vec()] {
        assert!(known(&other).is_none_or(|k| k.0 != "parquet"));
    }
    let r = inspect_as(&TablePlugin, "parquet", "x", &bytes[..bytes.len() / 2], Engine::default());
    assert!(r.result.is_err());
}
