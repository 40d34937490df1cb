//! Small files of each layout, as their tools write them, and files that only look like them.

use serde_json::{Value, json};
use yumen_kit_container::testing::{Recorded, abuse, identify, inspect, prose};
use yumen_model::kind::kinds;

use crate::DatasetPlugin as Plugin;

#[track_caller]
fn told(name: &str, text: &str, layout: &str) -> Recorded {
    let format = identify(&Plugin, name, text.as_bytes()).unwrap_or_else(|| panic!("{name} is not known")).format;
    let told = inspect(&Plugin, name, text.as_bytes());
    told.assert_clear();
    assert_eq!(told.item(kinds::DATASET_TRAINING).properties["layout"], layout, "{name}");
    abuse(&Plugin, format, name, text.as_bytes(), 10);
    told
}

fn property(told: &Recorded, name: &str) -> Value {
    told.item(kinds::DATASET_TRAINING).properties.get(name).cloned().unwrap_or_default()
}

#[test]
fn sets_in_json_are_counted() {
    let coco = json!({
        "info": {"contributor": "owner 13800138000"},
        "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}, {"id": 2, "file_name": "b.jpg"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}, {"id": 2, "image_id": 2, "category_id": 1, "bbox": [0, 0, 1, 1]}, {"id": 3, "image_id": 2, "category_id": 1}],
        "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]
    });
    let t = told("instances.json", &coco.to_string(), "coco");
    assert_eq!(
        (property(&t, "frames"), property(&t, "labels"), property(&t, "classes")),
        (json!(2), json!(3), json!(["car", "person"]))
    );
    assert!(t.values.iter().any(|(_, v)| v.contains("13800138000")));

    let bdd = json!([{"name": "a.jpg", "attributes": {"weather": "clear"}, "labels": [{"category": "car", "box2d": {"x1": 1.0}}, {"category": "rider", "box2d": {"x1": 2.0}}]}]);
    let t = told("det_train.json", &bdd.to_string(), "bdd100k");
    assert_eq!((property(&t, "frames"), property(&t, "labels")), (json!(1), json!(2)));

    let one = json!({"name": "0000f77c", "attributes": {"weather": "clear"}, "frames": [{"timestamp": 10000, "objects": [{"category": "car", "id": 0, "box2d": {"x1": 1.0}}, {"category": "lane", "id": 1, "poly2d": [[1.0, 2.0, "L"]]}]}]});
    let t = told("0000f77c.json", &one.to_string(), "bdd100k");
    assert_eq!((property(&t, "frames"), property(&t, "labels")), (json!(1), json!(2)));

    let city = json!({"imgHeight": 1024, "imgWidth": 2048, "objects": [{"label": "road", "polygon": [[0, 1], [2, 3], [4, 5]]}]});
    let t = told("aachen_gtFine_polygons.json", &city.to_string(), "cityscapes");
    assert_eq!((property(&t, "labels"), property(&t, "classes")), (json!(1), json!(["road"])));

    let label = json!({"version": "5.0", "shapes": [{"label": "lane", "points": [[1.0, 2.0]]}], "imagePath": "a.png"});
    assert_eq!(property(&told("a.json", &label.to_string(), "labelme"), "classes"), json!(["lane"]));

    let open = json!({"openlabel": {"metadata": {"schema_version": "1.0.0"}, "objects": {"1": {"type": "Car", "name": "c1"}}, "coordinate_systems": {"odom": {"type": "scene_cs"}}, "tags": {"0": {"type": "Lanes"}}, "frames": {"0": {}, "1": {"objects": {"1": {}}}}, "streams": {"Camera_Front": {"type": "camera"}}}});
    let t = told("scene.json", &open.to_string(), "openlabel");
    assert_eq!(
        (property(&t, "frames"), property(&t, "labels"), property(&t, "sensors")),
        (json!(2), json!(1), json!(["Camera_Front"]))
    );
    assert_eq!(property(&t, "classes"), json!(["Car"]));

    let dair = json!([{"type": "Car", "2d_box": {"xmin": 1}, "3d_dimensions": {"h": 1.5}, "3d_location": {"x": 1.0}, "rotation": 0.1}]);
    assert_eq!(property(&told("000001.json", &dair.to_string(), "dair-v2x"), "labels"), json!(1));

    let index = json!([{"image_path": "image/1.jpg", "pointcloud_path": "velodyne/1.pcd"}, {"image_path": "image/2.jpg", "pointcloud_path": "velodyne/2.pcd"}]);
    assert_eq!(property(&told("data_info.json", &index.to_string(), "dair-v2x"), "frames"), json!(2));

    let lanes = "{\"lanes\": [[-2, 5], [7, 8]], \"h_samples\": [240, 250], \"raw_file\": \"clips/1.jpg\"}\n".repeat(3);
    let t = told("label_data.json", &lanes, "tusimple");
    assert_eq!((property(&t, "frames"), property(&t, "labels")), (json!(3), json!(6)));
}

#[test]
fn the_tables_of_nuscenes_are_told_apart() {
    let poses: Vec<Value> = (0..20).map(|i| json!({"token": format!("{i:032x}"), "timestamp": 1_532_402_927_612_460u64 + i * 50_000, "rotation": [1.0, 0.0, 0.0, 0.0], "translation": [411.3 + i as f64, 1180.9, 0.0]})).collect();
    let t = told("ego_pose.json", &json!(poses).to_string(), "nuscenes");
    assert_eq!(t.fixes.len(), 0, "its rows tell of them");
    assert_eq!(t.values.iter().filter(|(name, _)| name.ends_with("translation")).count(), 60);
    let sensors = json!([{"token": "a", "channel": "LIDAR_TOP", "modality": "lidar"}, {"token": "b", "channel": "CAM_FRONT", "modality": "camera"}]);
    assert_eq!(
        property(&told("sensor.json", &sensors.to_string(), "nuscenes"), "sensors"),
        json!(["CAM_FRONT", "LIDAR_TOP"])
    );
    let names = json!([{"token": "a", "name": "vehicle.car", "description": "x"}]);
    assert_eq!(property(&told("category.json", &names.to_string(), "nuscenes"), "classes"), json!(["vehicle.car"]));
    assert_eq!(property(&told("attribute.json", &names.to_string(), "nuscenes"), "classes"), Value::Null);
    let samples = json!([{"token": "a", "timestamp": 1, "prev": "", "next": "b", "scene_token": "s"}, {"token": "b", "timestamp": 2, "prev": "a", "next": "", "scene_token": "s"}]);
    assert_eq!(property(&told("sample.json", &samples.to_string(), "nuscenes"), "frames"), json!(2));
}

#[test]
fn kitti_and_yolo_are_read_line_by_line() {
    let label = "Car 0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\nDontCare -1 -1 -10 503.89 169.71 590.61 190.13 -1 -1 -1 -1000 -1000 -1000 -10\n";
    let t = told("000001.txt", label, "kitti");
    assert_eq!((property(&t, "labels"), property(&t, "classes")), (json!(2), json!(["Car", "DontCare"])));
    let matrix = (0..12).map(|n| format!("{n}.5e+00")).collect::<Vec<_>>().join(" ");
    told(
        "calib.txt",
        &format!("P0: {matrix}\nP1: {matrix}\nP2: {matrix}\nP3: {matrix}\nTr_velo_to_cam: {matrix}\n"),
        "kitti",
    );
    let oxts = format!("39.9042 116.4074 48.5 0.03 0.01 2.5 {} 4 10 4 4 0\n", vec!["0.1"; 19].join(" "));
    let t = told("0000000001.txt", &oxts, "kitti");
    assert_eq!((t.spatial[0].kind, t.spatial[0].samples[0]), (kinds::GEO_TRACK, [116.4074, 39.9042, 48.5]));
    let tracked = |frame: u32, class: &str| {
        format!("{frame} 0 {class} 0 0 -1.79 296.74 161.75 455.22 292.37 2.0 1.82 4.43 -4.55 1.85 13.41 -2.11\n")
    };
    let t = told("0000.txt", &[tracked(0, "Van"), tracked(0, "Person"), tracked(1, "Van")].concat(), "kitti");
    assert_eq!((property(&t, "frames"), property(&t, "labels")), (json!(2), json!(3)));
    let loose = format!(
        "P0: {matrix}\nP1: {matrix}\nR_rect {}\nTr_velo_cam {matrix}\nTr_imu_velo {matrix}\n",
        &matrix[..matrix.len() - 26]
    );
    let t = told("0001.txt", &loose, "kitti");
    assert_eq!(property(&t, "sensors"), json!(["camera_0", "camera_1", "imu", "velodyne"]));
    let t = told("000001.txt", "0 0.512345 0.401234 0.101234 0.201234\n2 0.5 0.423456 0.101234 0.201234\n", "yolo");
    assert_eq!(property(&t, "labels"), json!(2));
}

#[test]
fn files_of_poses_are_tracks_in_a_frame_of_their_own() {
    let lines = |line: &dyn Fn(f64) -> String| (0..20).map(|i| line(f64::from(i))).collect::<String>();
    let turn = |i: f64| {
        let (s, c) = (i * 0.01).sin_cos();
        format!("{c:.6e} 0 {s:.6e} {:.6e} 0 1 0 -0.5 {:.6e} 0 {c:.6e} {:.6e}", i * 0.9, -s, i * 1.1)
    };
    for (text, layout) in [
        (lines(&|i| format!("{}\n", turn(i))), "kitti"),
        (lines(&|i| format!("{} {}\n", i + 1.0, turn(i))), "kitti"),
        (lines(&|i| format!("{} {} 0 0 0 1\n", i * 3.0, turn(i))), "kitti"),
        (
            format!(
                "# timestamp tx ty tz qx qy qz qw\n{}",
                lines(&|i| format!(
                    "{:.4} {:.4} -0.5 {:.4} 0.6132 0.5962 -0.3311 -0.3986\n",
                    1_305_031_098.6 + i,
                    i * 0.9,
                    i * 1.1
                ))
            ),
            "tum",
        ),
    ] {
        let t = told("00.txt", &text, layout);
        assert_eq!((t.fixes.len(), property(&t, "frames")), (20, json!(20)));
        assert!((t.fixes[19].x - 17.1).abs() < 1e-4 && (t.fixes[19].z.unwrap() - 20.9).abs() < 1e-4);
    }
    // Numbers that are no rotation, one pose that stays, are nothing of the kind.
    let table = lines(&|i| format!("{i} 2 3 4 5 6 7 8 9 10 11 12\n"));
    let still = "1 0 0 5 0 1 0 6 0 0 1 7\n".repeat(5);
    for text in [table, still] {
        assert!(identify(&Plugin, "00.txt", text.as_bytes()).is_none());
    }
}

#[test]
fn sets_in_xml_are_counted() {
    let voc = "<annotation><folder>VOC</folder><filename>a.jpg</filename><size><width>5</width></size><object><name>car</name><bndbox><xmin>1</xmin></bndbox></object><object><name>dog</name></object></annotation>";
    let t = told("a.xml", voc, "voc");
    assert_eq!(
        (property(&t, "frames"), property(&t, "labels"), property(&t, "classes")),
        (json!(1), json!(2), json!(["car", "dog"]))
    );
    let cvat = "<?xml version=\"1.0\"?><annotations><version>1.1</version><meta><task><owner><username>x</username></owner></task></meta><image id=\"0\" name=\"a.jpg\"><box label=\"car\" xtl=\"1\"/></image></annotations>";
    assert_eq!(property(&told("annotations.xml", cvat, "cvat"), "classes"), json!(["car"]));
}

#[test]
fn labels_of_points_are_known_by_their_classes() {
    let bytes: Vec<u8> =
        (0..200u32).flat_map(|i| ((i << 16) | [10, 40, 70, 252][i as usize % 4]).to_le_bytes()).collect();
    assert_eq!(identify(&Plugin, "000000.label", &bytes).map(|i| i.format), Some("semantic-label"));
    assert!(identify(&Plugin, "000000.bin", &bytes).is_none_or(|i| i.format != "semantic-label"));
    let t = inspect(&Plugin, "000000.label", &bytes);
    t.assert_clear();
    assert_eq!(property(&t, "labels"), json!(200));
    let bytes: Vec<u8> = (0..3000u32).map(|i| (i * 7 % 32) as u8).collect();
    assert_eq!(identify(&Plugin, "a_lidarseg.bin", &bytes).map(|i| i.format), Some("nuscenes-lidarseg"));
    let t = inspect(&Plugin, "a_lidarseg.bin", &bytes);
    t.assert_clear();
    assert_eq!((property(&t, "labels"), property(&t, "layout")), (json!(3000), json!("nuscenes")));
}

#[test]
fn other_files_are_no_labels() {
    for (name, text) in [
        ("a.json", json!({"images": [{"file": "x"}], "name": "gallery"}).to_string()),
        ("a.json", json!([{"token": "abc", "user": "x"}]).to_string()),
        ("a.json", json!({"category": "x", "name": "y"}).to_string()),
        ("package.json", json!({"name": "x", "version": "1.0.0", "categories": ["a"]}).to_string()),
        ("a.xml", "<annotation><note>x</note></annotation>".to_owned()),
        ("a.xml", "<annotations><a version='1'/></annotations>".to_owned()),
        ("a.txt", "1 2 3 4 5\n2 3 4 5 6\n".to_owned()),
        ("a.txt", "Car 1 2 3\n".to_owned()),
        ("a.csv", "0 0.51234 0.40123 0.10123 0.20123\n".to_owned()),
        ("a.txt", String::from_utf8(prose(3000)).unwrap()),
    ] {
        let found = identify(&Plugin, name, text.as_bytes());
        assert!(found.is_none(), "{name}: {:?}", found.map(|i| i.format));
    }
}
