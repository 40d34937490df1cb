use serde_json::json;

use crate::testing::{abuse, fixture, format_of, inspect, says, told, truth};

#[test]
fn legacy_images_are_the_ones_that_dumpimage_takes_out() {
    for (name, kind) in [("kernel.uimage", "kernel"), ("multi.uimage", "multi"), ("boot.scr", "script")] {
        let bytes = fixture("fit", name);
        let got = inspect(name, &bytes);
        got.assert_clear();
        assert_eq!(got.files(), truth("fit", name), "{name}");
        assert_eq!(*told(&got, "types"), json!([kind]));
        assert!(got.notes.is_empty(), "{name} {:?}", got.notes);
        abuse("uimage", &bytes, 60);
    }
    assert!(says(&inspect("x", &fixture("fit", "kernel.uimage")), "Linux-6.1 gateway"));
}

#[test]
fn wrong_checksums_are_told() {
    let mut bytes = fixture("fit", "kernel.uimage");
    bytes[100] ^= 1;
    bytes[40] ^= 1;
    let got = inspect("x", &bytes);
    let note = got.notes.iter().find(|n| n.code == "checksum-mismatch").unwrap();
    assert_eq!(note.detail["count"], 2);
}

#[test]
fn environments_are_text() {
    for name in ["env.bin", "env-redundant.bin"] {
        let bytes = fixture("fit", name);
        assert_eq!(format_of(&bytes), Some("uboot-env"), "{name}");
        let got = inspect(name, &bytes);
        got.assert_clear();
        assert!(
            says(&got, "\nwifi_password=Winter2025#y\n") || says(&got, "wifi_password=Winter2025#y\n"),
            "{:?}",
            got.texts
        );
        assert!(says(&got, "ethaddr=00:1a:2b:3c:4d:5e"));
        abuse("uboot-env", &bytes, 40);
        let mut broken = bytes;
        broken[20] ^= 1;
        assert_eq!(format_of(&broken), None);
    }
}
