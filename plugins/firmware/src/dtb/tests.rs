use serde_json::json;

use crate::testing::{abuse, fixture, format_of, inspect, says, shows, told, truth};

#[test]
fn fit_images_are_the_ones_that_dumpimage_takes_out() {
    for name in ["inline.itb", "external.itb", "position.itb", "signed.itb"] {
        let bytes = fixture("fit", name);
        assert_eq!(format_of(&bytes), Some("fit"), "{name}");
        let got = inspect(name, &bytes);
        got.assert_clear();
        assert_eq!(got.files(), truth("fit", name), "{name}");
        assert!(got.notes.is_empty(), "{name} {:?}", got.notes);
        assert_eq!(*told(&got, "signed"), name == "signed.itb");
        assert_eq!(*told(&got, "encrypted"), false);
        assert_eq!(*told(&got, "compatible"), json!(["example,gateway"]));
        assert!(says(&got, "Gateway update image"));
        abuse("fit", &bytes, 80);
    }
}

#[test]
fn a_wrong_hash_is_told() {
    let bytes = fixture("fit", "inline.itb");
    let at = memchr::memmem::find(&bytes, b"kernel line 77 ").unwrap();
    let mut broken = bytes;
    broken[at] ^= 1;
    let got = inspect("x.itb", &broken);
    assert!(got.noted("checksum-mismatch"));
    got.assert_clear();
}

#[test]
fn encrypted_images_are_told() {
    let bytes = fixture("fit", "cipher.itb");
    let got = inspect("x.itb", &bytes);
    got.assert_clear();
    assert_eq!(got.child("kernel-1").meta.opaque, Some(yumen_model::Reason::Encrypted));
    assert_eq!(got.child("ramdisk-1").meta.opaque, None);
    assert_eq!(*told(&got, "encrypted"), true);
    assert!(got.noted("encrypted"));
}

#[test]
fn properties_of_device_trees_are_text() {
    let bytes = fixture("fit", "board.dtb");
    let got = inspect("board.dtb", &bytes);
    got.assert_clear();
    assert!(says(&got, "bootargs = \"console=ttyS0 root=/dev/mmcblk0p2 password=Sommer2024!x\";"));
    assert!(says(&got, "local-mac-address = 00:1a:2b:3c:4d:5e;"));
    assert!(says(&got, "memory@80000000 {"));
    assert!(shows(&got, "\u{10}\u{11}\u{12}"));
    assert_eq!(*told(&got, "model"), json!(["Example Gateway ECU"]));
    assert_eq!(*told(&got, "compatible"), json!(["example,gateway", "example,base"]));
    abuse("dtb", &bytes, 200);
    let overlay = fixture("fit", "overlay.dtbo");
    let got = inspect("overlay.dtbo", &overlay);
    got.assert_clear();
    assert!(says(&got, "overlay text"));
}

#[test]
fn trees_one_behind_another_are_all_read() {
    let (mut bytes, overlay) = (fixture("fit", "board.dtb"), fixture("fit", "overlay.dtbo"));
    bytes.extend_from_slice(&overlay);
    bytes.resize(bytes.len().next_multiple_of(2048), 0);
    bytes.extend_from_slice(&overlay);
    let got = inspect("x.dtb", &bytes);
    got.assert_clear();
    assert_eq!(*told(&got, "trees"), 3);
    bytes.extend_from_slice(b"something else behind");
    assert_eq!(inspect("x.dtb", &bytes).child("[after]").bytes, b"something else behind");
}

#[test]
fn a_tree_that_is_cut_is_opaque_behind_the_cut() {
    let bytes = fixture("fit", "board.dtb");
    let got = inspect("x.dtb", &bytes[..bytes.len() / 2]);
    assert!(got.result.is_err());
    assert!(got.opaque() > 0);
    assert!(says(&got, "console=ttyS0"));
}
