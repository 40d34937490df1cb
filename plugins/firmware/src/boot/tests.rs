use yumen_model::Reason;

use crate::testing::{abuse, fixture, format_of, inspect, says, shows, told, truth};

#[test]
fn mcuboot_images_of_imgtool_are_opened() {
    let bytes = fixture("firmware", "mcuboot.img");
    let got = inspect("signed.img", &bytes);
    got.assert_clear();
    assert_eq!(got.files(), truth("firmware", "mcuboot.img"));
    assert_eq!(*told(&got, "version"), "1.2.3+45");
    assert_eq!(*told(&got, "signed"), true);
    assert_eq!(*told(&got, "encrypted"), false);
    assert!(got.notes.is_empty(), "{:?}", got.notes);
    abuse("mcuboot", &bytes, 100);
    let mut broken = bytes;
    broken[0x210] ^= 1;
    assert!(inspect("x", &broken).noted("checksum-mismatch"));
    let sealed = inspect("x", &fixture("firmware", "mcuboot-encrypted.img"));
    assert_eq!(sealed.child("image.bin").meta.opaque, Some(Reason::Encrypted));
    assert_eq!(*told(&sealed, "encrypted"), true);
}

#[test]
fn esp_images_of_esptool_are_read() {
    let bytes = fixture("firmware", "esp32.bin");
    let got = inspect("app.bin", &bytes);
    got.assert_clear();
    assert!(got.notes.is_empty(), "{:?}", got.notes);
    assert_eq!(*told(&got, "segments"), 3);
    assert_eq!(*told(&got, "project"), "door_controller");
    assert_eq!(*told(&got, "version"), "2.5.1");
    assert!(shows(&got, "DROM text"));
    abuse("esp-image", &bytes, 100);
    let old = fixture("firmware", "esp8266.bin");
    assert_eq!(format_of(&old), Some("esp-image"));
    inspect("x", &old).assert_clear();
    let mut broken = bytes;
    broken[60] ^= 1;
    assert_ne!(format_of(&broken), Some("esp-image"));
}

#[test]
fn dfu_suffixes_are_taken_off() {
    let bytes = fixture("firmware", "ecu.dfu");
    let got = inspect("ecu.dfu", &bytes);
    got.assert_clear();
    assert_eq!(got.files(), truth("firmware", "ecu.dfu"));
    assert_eq!((told(&got, "vendor"), told(&got, "product")), (&"0483".into(), &"df11".into()));
    abuse("dfu", &bytes, 60);
}

#[test]
fn dfuse_elements_are_children() {
    let mut bytes = b"DfuSe\x01\0\0\0\0\x01Target\0".to_vec();
    bytes.extend_from_slice(&1u32.to_le_bytes());
    let mut name = b"internal flash of li.wei".to_vec();
    name.resize(255, 0);
    bytes.extend_from_slice(&name);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&1u32.to_le_bytes());
    bytes.extend_from_slice(&0x0800_0000u32.to_le_bytes());
    bytes.extend_from_slice(&7u32.to_le_bytes());
    bytes.extend_from_slice(b"program");
    bytes.extend_from_slice(b"\x02\x01\x11\xdf\x83\x04\x1a\x01UFD\x10");
    let mut crc = flate2::Crc::new();
    crc.update(&bytes);
    bytes.extend_from_slice(&(!crc.sum()).to_le_bytes());
    let got = inspect("x.dfu", &bytes);
    got.assert_clear();
    assert_eq!(got.child("0x08000000.bin").bytes, b"program");
    assert!(says(&got, "internal flash of li.wei"));
    abuse("dfu", &bytes, 100);
}

#[test]
fn trx_parts_are_children() {
    let mut bytes = b"HDR0".to_vec();
    for n in [60u32, 0, 1 << 16, 28, 40, 0] {
        bytes.extend_from_slice(&n.to_le_bytes());
    }
    bytes.extend_from_slice(b"loader 12345kernel of the router");
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..60]);
    let sum = !crc.sum();
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    let got = inspect("x.trx", &bytes);
    got.assert_clear();
    assert!(got.notes.is_empty(), "{:?}", got.notes);
    assert_eq!(got.child("p1").bytes, b"loader 12345");
    assert_eq!(got.child("p2").bytes, b"kernel of the router");
    abuse("trx", &bytes, 60);
}
