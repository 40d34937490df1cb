use serde_json::json;
use yumen_kit_container::testing::{abuse, fixture, identify, inspect};
use yumen_model::kind::kinds;

use crate::OtaPlugin;

#[test]
fn configurations_tell_the_platform_and_show_the_environment() {
    let r = inspect(&OtaPlugin, "blobs/sha256/00", &fixture("oci", "config"));
    r.assert_clear();
    assert_eq!(r.format, "oci-config");
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!((&p["os"], &p["target"], &p["version"]), (&json!("linux"), &json!("arm64"), &json!("2.3")));
    assert_eq!(p["layers"], 1);
    assert!(r.values.iter().any(|(n, v)| n == "config.Env" && v == "DB_PASSWORD=Tr0ub4dor-x91"));
}

#[test]
fn indexes_and_manifests_tell_tags_and_layers() {
    let index = r#"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:00","size":1,"platform":{"architecture":"arm64","os":"linux"},"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}"#;
    let r = inspect(&OtaPlugin, "index.json", index.as_bytes());
    r.assert_clear();
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!((&p["tags"], &p["platforms"], &p["images"]), (&json!(["v1"]), &json!(["arm64"]), &json!(1)));
    let saved = r#"[{"Config":"a.json","RepoTags":["app:1.0","app:latest"],"Layers":["1/layer.tar","2/layer.tar"]}]"#;
    let r = inspect(&OtaPlugin, "manifest.json", saved.as_bytes());
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!((&p["tags"], &p["layers"]), (&json!(["app:1.0", "app:latest"]), &json!(2)));
}

#[test]
fn other_json_is_none() {
    for other in [
        r#"{"schemaVersion": 2}"#,
        r#"{"schemaVersion": 1, "manifests": [{"digest": "x", "mediaType": "y"}]}"#,
        r#"{"os": "linux", "architecture": "arm64"}"#,
        r#"[{"Config": 1}]"#,
        "[1, 2]",
    ] {
        assert_eq!(identify(&OtaPlugin, "a.json", other.as_bytes()), None, "{other}");
    }
}

#[test]
fn damaged_metadata_is_read_without_harm() {
    abuse(&OtaPlugin, "oci-config", "config", &fixture("oci", "config"), 100);
}
