use serde_json::json;
use yumen_kit_container::testing::{abuse, fixture, identify, inspect};
use yumen_model::kind::kinds;

use crate::OtaPlugin;

#[test]
fn headers_tell_the_package() {
    let r = inspect(&OtaPlugin, "header-info", &fixture("mender", "header-info"));
    r.assert_clear();
    assert_eq!(r.format, "mender-header");
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!((&p["version"], &p["device_type"]), (&json!("release-1"), &json!(["board-a", "board-b"])));
    assert_eq!(p["types"], json!(["rootfs-image"]));
    assert!(r.values.iter().any(|(n, v)| n == "artifact_provides.artifact_name" && v == "release-1"));
    let r = inspect(&OtaPlugin, "headers/0000/type-info", &fixture("mender", "type-info"));
    r.assert_clear();
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert!(
        p["provides"].as_array().unwrap().iter().any(|v| v.as_str().unwrap().starts_with("rootfs-image.checksum="))
    );
    // Versions 1 and 2.
    let old = br#"{"updates":[{"type":"rootfs-image"}],"device_types_compatible":["vexpress","beagle"],"artifact_name":"r1"}"#;
    let r = inspect(&OtaPlugin, "header-info", old);
    assert_eq!(r.item(kinds::SOFTWARE_PACKAGE).properties["device_type"], json!(["vexpress", "beagle"]));
}

#[test]
fn other_json_is_none() {
    for other in [r#"{"type": "x"}"#, r#"{"payloads": []}"#, r#"{"updates": [1], "version": 2}"#, "{}", "[]"] {
        assert_eq!(identify(&OtaPlugin, "a.json", other.as_bytes()), None, "{other}");
    }
}

#[test]
fn damaged_headers_are_read_without_harm() {
    abuse(&OtaPlugin, "mender-header", "header-info", &fixture("mender", "header-info"), 100);
}
