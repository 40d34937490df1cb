use yumen_model::kind::kinds;

use crate::testing::{abuse, fixture, identify, inspect};

#[test]
fn packages_tell_what_dpkg_tells() {
    for name in ["gzip.deb", "xz.deb", "zstd.deb", "none.deb"] {
        let bytes = fixture("packages", name);
        let r = inspect(name, &bytes);
        r.assert_clear();
        let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
        assert_eq!(
            (&p["package"], &p["version"], &p["target"]),
            (&"gateway-app".into(), &"1:2.3-4".into(), &"arm64".into())
        );
        assert_eq!(p["scripts"], serde_json::json!(["postinst"]));
        assert_eq!(p["signed"], false);
        assert_eq!(r.children.len(), 3, "{name}");
        abuse("deb", name, &bytes, 20);
    }
    assert_eq!(identify("app.ipk", &fixture("packages", "app.ipk")).unwrap().format, "gzip");
}

#[test]
fn rpms_tell_their_name_and_scripts() {
    let bytes = fixture("packages", "app.rpm");
    let r = inspect("app.rpm", &bytes);
    r.assert_clear();
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!(
        (&p["package"], &p["version"], &p["target"]),
        (&"gateway-app".into(), &"2.3-4".into(), &"noarch".into())
    );
    assert_eq!((&p["scripts"], &p["signed"]), (&serde_json::json!(["postin"]), &false.into()));
    abuse("rpm", "app.rpm", &bytes, 60);
}
