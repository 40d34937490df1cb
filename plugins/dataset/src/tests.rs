//! Everything this family promises, on files of the field's own tools and on made-up ones.

use serde_json::Value;
use yumen_kit_container::testing::{Recorded, abuse, fixture, identify, inspect, noise, prose};
use yumen_model::kind::kinds;
use yumen_model::{Certainty, Reason};

use super::DatasetPlugin as Plugin;

fn truth(name: &str) -> Value {
    let path = format!("{}/../../tests/fixtures/arrays/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))).unwrap()
}

#[track_caller]
fn told(name: &str, format: &str) -> Recorded {
    let bytes = fixture("arrays", name);
    let identity = identify(&Plugin, name, &bytes).unwrap_or_else(|| panic!("{name} is not known"));
    assert_eq!(identity.format, format, "{name}");
    let told = inspect(&Plugin, name, &bytes);
    told.assert_counted();
    assert_eq!(told.result, Ok(()), "{name}");
    told
}

/// Compares positions and texts with what went in.
#[track_caller]
fn agrees(name: &str, told: &Recorded) {
    let truth = truth(name);
    if let Some(n) = truth.get("fixes") {
        assert_eq!(told.fixes.len() as u64, n.as_u64().unwrap(), "{name}");
    }
    for (key, fix) in [("first", told.fixes.first()), ("last", told.fixes.last())] {
        if let (Some(want), Some(fix)) = (truth.get(key), fix) {
            let near = |got: f64, i: usize| (got - want[i].as_f64().unwrap()).abs() < 1e-6;
            assert!(near(fix.x, 0) && near(fix.y, 1), "{name}: {fix:?} is not {want}");
        }
    }
    for text in truth.get("texts").and_then(Value::as_array).into_iter().flatten() {
        let text = text.as_str().unwrap();
        assert!(told.values.iter().any(|(_, v)| v == text), "{name}: {text} is not told");
    }
}

#[test]
fn numpy_arrays_of_every_order_and_type() {
    for name in ["gps_positions.npy", "gps_fortran.npy", "value.npy", "frame_positions.npy", "records.npy", "names.npy"]
    {
        let told = told(name, "npy");
        agrees(name, &told);
        told.assert_clear();
    }
    assert!((told("value.npy", "npy").fixes[1].time_s.unwrap() - 1_700_000_000.1).abs() < 1e-3);
    assert_eq!(told("gps_fortran.npy", "npy").fixes.len(), 300);
    let plain = told("weights.npy", "npy");
    plain.assert_clear();
    assert!(plain.fixes.is_empty() && plain.spatial.is_empty() && plain.inventory.is_empty());
    told("several.npy", "npy").assert_clear();
    let features = told("image_features.npy", "npy");
    assert_eq!(features.item(kinds::MODEL_FEATURES).properties["dimensions"], 128);
    let images = told("images.npy", "npy");
    assert_eq!(images.labels.opaque[&Reason::NoModel], 2 * 32 * 48 * 3);
    let objects = told("objects.npy", "npy");
    assert!(objects.noted("unsupported-method") && objects.labels.opaque.contains_key(&Reason::Unsupported));
    assert!(!objects.raw.is_empty());
}

#[test]
fn hdf5_of_old_and_new_layouts() {
    for name in ["old.h5", "new.h5"] {
        let told = told(name, "hdf5");
        agrees(name, &told);
        assert!(told.notes.is_empty(), "{name}: {:?}", told.notes);
        // Nothing but the pixels was not looked into.
        assert_eq!(told.labels.opaque.keys().collect::<Vec<_>>(), [&Reason::NoModel], "{name}");
        let item = told.inventory.iter().find(|i| i.properties.contains_key("arrays")).unwrap();
        assert_eq!(item.properties["datasets"], truth(name)["datasets"], "{name}");
        assert_eq!(told.spatial.len(), 1, "{name}");
        assert_eq!(
            (told.spatial[0].kind, &told.spatial[0].properties["points"]),
            (kinds::GEO_POINT_CLOUD, &500.into())
        );
        assert_eq!(told.spatial[0].crs.as_deref(), Some("local"));
        assert!((told.fixes[9].time_s.unwrap() - 1_700_000_000.9).abs() < 1e-6);
        assert!(told.fixes[0].z.is_some(), "{name}");
        // Positions and heights come from chunks of four kinds of index and filter.
        for (i, fix) in told.fixes.iter().enumerate() {
            let i = i as f64;
            let want = (116.4 + i * 2e-4, 39.9 + i * 1e-4, 43.0 + (i / 9.0).sin());
            let near = (fix.x - want.0).abs() + (fix.y - want.1).abs() + (fix.z.unwrap() - want.2).abs() < 1e-9;
            assert!(near, "{name}: {fix:?} is not {want:?}");
        }
        let pictures = told.children.iter().filter(|c| c.name() == "encoded/1.jpg").count();
        assert_eq!(pictures, 1, "{name}: {:?}", told.names());
        for child in told.children.iter().filter(|c| !c.name().starts_with("encoded/")) {
            assert!(child.meta.free_space, "{name}: {}", child.name());
        }
    }
}

#[test]
fn matlab_files_of_both_kinds() {
    for name in ["plain.mat", "packed.mat"] {
        let told = told(name, "mat5");
        agrees(name, &told);
        told.assert_clear();
        assert!(told.texts[0].starts_with("MATLAB 5.0 MAT-file"));
    }
    let old = told("old.mat", "mat4");
    agrees("old.mat", &old);
    old.assert_clear();
    let told = told("v73.mat", "mat73");
    agrees("v73.mat", &told);
    told.assert_clear();
    assert!(told.texts[0].contains("made up for tests"));
}

#[test]
fn records_of_examples_and_frames() {
    let examples = told("examples.tfrecord", "tfrecord");
    agrees("examples.tfrecord", &examples);
    examples.assert_clear();
    let item = examples.item(kinds::DATASET_TRAINING);
    assert_eq!((&item.properties["records"], &item.properties["images"]), (&20.into(), &20.into()));
    assert_eq!(item.properties["features"].as_array().unwrap().len(), 7);
    assert_eq!(item.properties["labelled"], true);
    assert_eq!(examples.names()[3], "record-3/image/encoded.jpg");
    assert_eq!(examples.children[3].bytes.len(), 102);
    let frames = told("waymo.tfrecord", "tfrecord");
    agrees("waymo.tfrecord", &frames);
    frames.assert_clear();
    let item = frames.item(kinds::DATASET_TRAINING);
    assert_eq!((&item.properties["frames"], &item.properties["layout"]), (&4.into(), &"waymo".into()));
    assert_eq!(frames.item(kinds::SENSOR_LIDAR).properties["points"], 20);
    assert_eq!(frames.names()[..2], ["record-0/camera-front.jpg", "record-0/camera-front-left.jpg"]);
    assert_eq!((frames.fixes[3].x, frames.fixes[3].y), (103.0, 200.0));
    let mut broken = fixture("arrays", "examples.tfrecord");
    let n = broken.len();
    broken[n - 60] ^= 1;
    let told = inspect(&Plugin, "x", &broken);
    assert!(told.noted("checksum-mismatch"), "{:?} {:?}", told.notes, told.result);
    assert!(told.labels.opaque.contains_key(&Reason::Corrupt));
    assert_eq!(inspect(&Plugin, "x", &broken[..n - 1]).result.unwrap_err().reason, Reason::Corrupt);
}

#[test]
fn a_shape_is_not_believed() {
    let npy = |header: &str, data: &[u8]| {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        bytes
    };
    let huge = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551615, 2), }\n", &[0; 64]);
    assert!(inspect(&Plugin, "gps.npy", &huge).result.is_err());
    let cut = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 2), }\n", &[0; 100]);
    let told = inspect(&Plugin, "gps.npy", &cut);
    assert_eq!((told.result.unwrap_err().reason, told.labels.opaque[&Reason::Corrupt]), (Reason::Corrupt, 4));
    let python2 = npy(
        "{'descr': [('a', '|S3'), (('title', 'b'), '<i4', (2,))], 'fortran_order': False, 'shape': (2L,)}",
        &[65; 22],
    );
    let told = inspect(&Plugin, "a.npy", &python2);
    told.assert_clear();
    assert!(told.values.iter().any(|(n, v)| n == "a" && v == "AAA"));
    let foreign = npy("{'descr': '<é8', 'fortran_order': False, 'shape': (2,)}", &[0; 16]);
    assert_eq!(identify(&Plugin, "a.npy", &foreign).unwrap().certainty, Certainty::Structure);
    assert!(inspect(&Plugin, "a.npy", &foreign).result.is_err());
    let scalar = npy("{'descr': '<f8', 'fortran_order': False, 'shape': ()}", &[0; 8]);
    inspect(&Plugin, "a.npy", &scalar).assert_clear();
}

#[test]
fn other_things_are_not_taken_for_arrays() {
    let samples: [(&str, Vec<u8>); 7] = [
        ("a.npy", b"\x93NUMPY is a magic word".to_vec()),
        ("a.h5", b"\x89HDF\r\n\x1A\n\x09".to_vec()),
        ("a.mat", prose(4000)),
        ("a.tfrecord", noise(7, 4000)),
        ("a.tfrecord", vec![0; 4000]),
        ("a.mat", vec![0; 4000]),
        ("a.h5", prose(4000)),
    ];
    for (name, bytes) in samples {
        assert!(identify(&Plugin, name, &bytes).is_none(), "{name}");
    }
    let cut = &fixture("arrays", "records.npy")[..40];
    assert_eq!(identify(&Plugin, "records", cut).unwrap().certainty, Certainty::Structure);
}

#[test]
fn nothing_breaks_the_readers() {
    let all: &[(&str, &'static str, usize)] = &[
        ("records.npy", "npy", 80),
        ("gps_fortran.npy", "npy", 60),
        ("several.npy", "npy", 60),
        ("old.h5", "hdf5", 150),
        ("new.h5", "hdf5", 150),
        ("v73.mat", "mat73", 60),
        ("plain.mat", "mat5", 120),
        ("packed.mat", "mat5", 60),
        ("old.mat", "mat4", 60),
        ("examples.tfrecord", "tfrecord", 60),
        ("waymo.tfrecord", "tfrecord", 60),
    ];
    for (name, format, flips) in all {
        abuse(&Plugin, format, name, &fixture("arrays", name), *flips);
    }
}

#[test]
fn weights_are_no_dataset() {
    let told = told("keras.h5", "hdf5");
    told.assert_clear();
    let item = told.item(kinds::MODEL_WEIGHTS);
    assert_eq!((&item.properties["parameters"], told.inventory.len()), (&144.into(), 1));
}
