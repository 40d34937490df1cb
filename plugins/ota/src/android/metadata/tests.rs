use yumen_kit_container::testing::{abuse, identify, inspect};
use yumen_model::kind::kinds;

use super::super::pb::write::{bytes, number};
use super::super::testing::strangers_are_left_alone;
use crate::OtaPlugin;

const TEXT: &str = "ota-type=AB\npost-build=maker/car/car:14/UP1A/1:user/release-keys\npost-security-patch-level=2024-03-05\npost-timestamp=1\npre-device=car\n";

fn message(fields: &[(u64, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    fields.iter().for_each(|(n, b)| bytes(&mut out, *n, b));
    out
}

#[test]
fn metadata_is_text_and_a_package() {
    let out = inspect(&OtaPlugin, "META-INF/com/android/metadata", TEXT.as_bytes());
    assert_eq!(out.format, "android-ota-metadata");
    out.assert_clear();
    assert_eq!(out.texts[0], TEXT);
    let p = &out.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!(p["target"], serde_json::json!(["car"]));
    assert_eq!(p["delta"], false);
    abuse(&OtaPlugin, "android-ota-metadata", "metadata", TEXT.as_bytes(), 40);
    assert_eq!(identify(&OtaPlugin, "a/metadata", b"name=x\nversion=2\n"), None);
    assert_eq!(identify(&OtaPlugin, "notes.txt", TEXT.as_bytes()), None);
}

#[test]
fn the_message_says_the_same() {
    let mut m = Vec::new();
    number(&mut m, 1, 1);
    number(&mut m, 2, 1);
    bytes(&mut m, 4, &message(&[(1, b"ota-property-files"), (2, b"payload.bin:1:2")]));
    bytes(&mut m, 5, &message(&[(1, b"car"), (2, b"old/build")]));
    let part = message(&[(1, b"system"), (2, b"car"), (3, b"system"), (4, b"LSVAA4182E2184847")]);
    bytes(&mut m, 6, &message(&[(1, b"car"), (2, b"new/build"), (4, &part), (5, b"34"), (6, b"2024-03-05")]));
    let out = inspect(&OtaPlugin, "META-INF/com/android/metadata.pb", &m);
    out.assert_clear();
    assert!(out.texts[0].contains("LSVAA4182E2184847"));
    let p = &out.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!(p["version"], "new/build");
    assert_eq!(p["version_from"], serde_json::json!(["old/build"]));
    assert_eq!(p["delta"], true);
    assert_eq!(p["wipe"], true);
    abuse(&OtaPlugin, "android-ota-metadata", "metadata.pb", &m, 80);
}

#[test]
fn care_maps_properties_and_apex_lists() {
    let care =
        message(&[(1, &message(&[(1, b"system"), (2, b"2,0,100"), (3, b"ro.build.fingerprint"), (4, b"maker/car")]))]);
    let out = inspect(&OtaPlugin, "care_map.pb", &care);
    out.assert_clear();
    assert!(out.texts[0].contains("maker/car"));
    let mut apex = message(&[(1, b"com.android.car")]);
    number(&mut apex, 2, 340);
    let out = inspect(&OtaPlugin, "apex_info.pb", &message(&[(1, &apex)]));
    out.assert_clear();
    assert_eq!(
        out.item(kinds::SOFTWARE_PACKAGE).properties["apex_packages"],
        serde_json::json!(["com.android.car@340"])
    );
    let text = "FILE_HASH=lnbFj1=\nFILE_SIZE=1\nMETADATA_HASH=a=\nMETADATA_SIZE=2\n";
    let out = inspect(&OtaPlugin, "payload_properties.txt", text.as_bytes());
    assert_eq!(out.format, "android-payload-properties");
    out.assert_clear();
    assert_eq!(out.texts[0], text);
    abuse(&OtaPlugin, "android-care-map", "care_map.pb", &care, 40);
}

#[test]
fn other_things_are_left_alone() {
    strangers_are_left_alone(&[
        "metadata",
        "metadata.pb",
        "care_map.pb",
        "apex_info.pb",
        "payload_properties.txt",
        "system.transfer.list",
    ]);
}
