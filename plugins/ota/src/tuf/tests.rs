use serde_json::json;
use yumen_kit_container::testing::{abuse, fixture, identify, inspect};
use yumen_model::kind::kinds;

use crate::OtaPlugin;

const FILES: [&str; 6] =
    ["root.json", "targets.json", "snapshot.json", "timestamp.json", "manifest.json", "targets.der"];

#[test]
fn every_role_is_known_and_read() {
    for name in FILES {
        let bytes = fixture("uptane", name);
        let r = inspect(&OtaPlugin, name, &bytes);
        r.assert_clear();
        assert_eq!(r.format, "uptane", "{name}");
    }
}

#[test]
fn roles_tell_thresholds_and_what_is_weak() {
    let r = inspect(&OtaPlugin, "root.json", &fixture("uptane", "root.json"));
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!(p["roles"], json!(["root", "snapshot", "targets", "timestamp"]));
    assert_eq!(p["threshold"], json!(["root=2", "snapshot=1", "targets=1", "timestamp=1"]));
    assert_eq!(p["weaknesses"], json!(["threshold-1-targets"]));
    assert_eq!((&p["signatures"], &p["signed"], &p["version"]), (&json!(2), &json!(true), &json!("1")));
    let r = inspect(&OtaPlugin, "snapshot.json", &fixture("uptane", "snapshot.json"));
    assert_eq!(r.item(kinds::SOFTWARE_PACKAGE).properties["weaknesses"], json!(["unsigned"]));
}

#[test]
fn targets_tell_the_hardware() {
    let r = inspect(&OtaPlugin, "targets.json", &fixture("uptane", "targets.json"));
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!(p["device_type"], json!(["tcu-a", "bcm-b"]));
    assert_eq!((&p["targets"], &p["ecus"], &p["director"]), (&json!(2), &json!(2), &json!(true)));
    assert_eq!(p["weaknesses"], json!(["expires-too-late"]));
}

#[test]
fn reports_of_vehicles_show_the_vin() {
    let r = inspect(&OtaPlugin, "manifest.json", &fixture("uptane", "manifest.json"));
    assert!(r.values.iter().any(|(n, v)| n == "signed.vin" && v == "LSVAA4182E2184847"));
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!((&p["ecus"], &p["vehicle_report"]), (&json!(1), &json!(true)));
}

#[test]
fn texts_of_der_are_shown() {
    let r = inspect(&OtaPlugin, "targets.der", &fixture("uptane", "targets.der"));
    assert!(r.texts.concat().contains("owner-13800138000.img"));
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!((&p["roles"], &p["version"], &p["signatures"]), (&json!(["targets"]), &json!("7"), &json!(1)));
}

#[test]
fn private_keys_beside_it_are_records() {
    // A key with metadata around it is read as metadata; its parts must stay records, as they are in any JSON.
    let text = r#"{"signatures": [], "signed": {"_type": "root", "keys": {"a": {"keytype": "ed25519", "keyval": {"private": "00ff", "public": "11"}}}}}"#;
    let r = inspect(&OtaPlugin, "root.json", text.as_bytes());
    assert!(r.values.iter().any(|(n, v)| n == "signed.keys.a.keyval.private" && v == "00ff"), "{:?}", r.values);
    let key = r#"{"keytype": "ed25519", "keyval": {"private": "00ff", "public": "11"}}"#;
    assert_eq!(identify(&OtaPlugin, "key", key.as_bytes()), None, "left to the reader of JSON");
}

#[test]
fn other_json_and_der_is_none() {
    for other in [
        r#"{"signed": {"_type": "link"}, "signatures": []}"#,
        r#"{"signed": {"_type": "root"}}"#,
        r#"{"signatures": [], "signed": {"a": 1}}"#,
        r#"{"_type": "root", "signatures": []}"#,
    ] {
        assert_eq!(identify(&OtaPlugin, "a.json", other.as_bytes()), None, "{other}");
    }
    let der = fixture("uptane", "targets.der");
    assert_eq!(identify(&OtaPlugin, "a", &[&der[..], &[0]].concat()), None);
    let rauc = fixture("rauc", "verity.raucb");
    let size = u64::from_be_bytes(rauc[rauc.len() - 8..].try_into().unwrap()) as usize;
    let cms = &rauc[rauc.len() - 8 - size..rauc.len() - 8];
    assert_eq!(identify(&OtaPlugin, "a", cms), None, "a signature is no metadata");
}

#[test]
fn damaged_metadata_is_read_without_harm() {
    for name in FILES {
        abuse(&OtaPlugin, "uptane", name, &fixture("uptane", name), 60);
    }
}
