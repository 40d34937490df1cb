use yumen_model::Certainty;
use yumen_model::kind::kinds;

use super::is_mender;
use crate::testing::{abuse, fixture, identify, inspect, truth};

const ARTIFACTS: [&str; 5] = ["signed.mender", "lzma.mender", "none.mender", "v2.mender", "augmented.mender"];

#[test]
fn mender_artifacts_hold_what_tar_finds() {
    for name in ARTIFACTS {
        let bytes = fixture("mender", name);
        let got = identify("update.bin", &bytes).unwrap();
        assert_eq!((got.format, got.certainty), ("mender", Certainty::Specific));
        let r = inspect(name, &bytes);
        r.assert_clear();
        assert_eq!(r.format, "mender");
        assert_eq!(r.files(), truth("mender", name), "{name}");
        let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
        assert_eq!(p["format_version"], if name == "v2.mender" { 2 } else { 3 });
        assert_eq!(p["signed"], name == "signed.mender");
        assert_eq!(p["augmented"], name == "augmented.mender");
        abuse("mender", name, &bytes, 30);
    }
}

#[test]
fn container_images_are_told_by_their_members() {
    for (name, format) in [("oci.tar", "oci"), ("zstd.tar", "oci"), ("docker.tar", "docker-archive")] {
        let bytes = fixture("oci", name);
        assert_eq!(identify(name, &bytes).unwrap().format, "tar", "the name of a tar does not lie");
        let r = inspect(name, &bytes);
        r.assert_clear();
        assert_eq!(r.format, format, "{name}");
        assert_eq!(r.files(), truth("oci", name), "{name}");
    }
}

#[test]
fn the_version_must_be_one() {
    assert!(is_mender(b"{\"format\":\"mender\",\"version\":3}\0\0"));
    for other in [&b"1.0\n"[..], b"{\"format\":\"other\",\"version\":3}", b"{\"format\":\"mender\"}", b"", b"{"] {
        assert!(!is_mender(other));
    }
}
