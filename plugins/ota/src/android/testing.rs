//! What the tests of these modules share.

use yumen_kit_container::testing::{Recorded, abuse, fixture, inspect, truth};

use crate::OtaPlugin;

/// Opens a fixture, which must leave nothing opaque, survive damage, and hold what the independent tool found.
#[track_caller]
pub(super) fn compare(name: &str, format: &'static str) -> Recorded {
    let bytes = fixture("android", name);
    let out = inspect(&OtaPlugin, name, &bytes);
    assert_eq!(out.format, format);
    out.assert_clear();
    assert!(out.notes.is_empty(), "{:?}", out.notes);
    assert_eq!(out.files(), truth("android", name), "{name}");
    abuse(&OtaPlugin, format, name, &bytes, 40);
    out
}

/// What no reader of this family may take for its own.
#[track_caller]
pub(super) fn strangers_are_left_alone(names: &[&str]) {
    use yumen_kit_container::testing::{identify, noise, prose};
    for name in names {
        for bytes in [noise(3, 70_000), prose(70_000), vec![0; 70_000], Vec::new(), b"PK\x03\x04".to_vec()] {
            assert_eq!(identify(&OtaPlugin, name, &bytes), None, "{name} {}", bytes.len());
        }
    }
}
