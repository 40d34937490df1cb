use yumen_kit_container::testing::{abuse, fixture, identify, inspect};
use yumen_model::kind::kinds;

use super::super::testing::{compare, strangers_are_left_alone};
use crate::OtaPlugin;

#[test]
fn logical_partitions_are_what_an_independent_tool_makes_of_them() {
    let out = compare("super.img", "android-super");
    let system = out.child("system_a");
    assert_eq!(system.extents.as_ref().unwrap().len(), 2);
    assert_eq!(system.meta.attributes["readonly"], true);
    let p = &out.item(kinds::FIRMWARE_IMAGE).properties;
    assert_eq!(p["partitions"], serde_json::json!(["system_a", "system_b", "vendor_a"]));
    assert_eq!(p["groups"], serde_json::json!(["default", "main_a", "main_b"]));
    assert_eq!(p["virtual_ab"], true);
}

#[test]
fn free_space_is_swept_and_broken_copies_are_told() {
    let image = fixture("android", "super.img");
    let mut dirty = image.clone();
    let n = dirty.len();
    dirty[n - 70_000..n - 69_990].copy_from_slice(b"remembered");
    let out = inspect(&OtaPlugin, "super.img", &dirty);
    out.assert_clear();
    assert!(out.child("[unallocated]").bytes.windows(10).any(|w| w == b"remembered"));
    // The first geometry and the first copy of the table are broken; the others serve.
    let mut broken = image.clone();
    broken[4100] ^= 1;
    broken[12288 + 50] ^= 1;
    let out = inspect(&OtaPlugin, "super.img", &broken);
    out.assert_counted();
    assert!(out.noted("checksum-mismatch"));
    assert_eq!(out.names()[..2], ["system_a", "vendor_a"]);
    // No table at all.
    let mut none = image;
    for slot in 0..4 {
        none[12288 + slot * 65536 + 60] ^= 1;
    }
    assert!(inspect(&OtaPlugin, "super.img", &none).result.is_err());
}

#[test]
fn the_table_alone_is_told_without_partitions() {
    let image = fixture("android", "super.img");
    let alone = [&image[4096..8192], &image[12288..12288 + 65536]].concat();
    let out = inspect(&OtaPlugin, "super_empty.img", &alone);
    assert_eq!(out.format, "android-super");
    out.assert_clear();
    assert!(out.children.is_empty());
    assert!(out.item(kinds::FIRMWARE_IMAGE).properties.contains_key("partitions"));
    abuse(&OtaPlugin, "android-super", "super_empty.img", &alone, 60);
}

#[test]
fn other_things_are_left_alone() {
    strangers_are_left_alone(&["super.img"]);
    let mut bad = fixture("android", "super.img");
    bad[4140] ^= 1;
    bad[8236] ^= 1;
    assert_eq!(identify(&OtaPlugin, "super.img", &bad), None);
}
