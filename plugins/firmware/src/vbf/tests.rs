use serde_json::json;
use yumen_model::Reason;

use crate::testing::{abuse, format_of, inspect, noise, says, told};

fn crc(data: &[u8]) -> u16 {
    // Bit by bit from the other end: an independent form of the same polynomial.
    let mut crc = 0xffffu32;
    for &b in data {
        for i in (0..8).rev() {
            let bit = (u32::from(b) >> i & 1) ^ (crc >> 15);
            crc = (crc << 1 & 0xffff) ^ if bit == 1 { 0x1021 } else { 0 };
        }
    }
    crc as u16
}

fn vbf(method: &str, blocks: &[(u32, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (address, data) in blocks {
        body.extend_from_slice(&address.to_be_bytes());
        body.extend_from_slice(&(data.len() as u32).to_be_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(&crc(data).to_be_bytes());
    }
    let mut sum = flate2::Crc::new();
    sum.update(&body);
    let mut out = format!(
        "vbf_version = 2.6;\r\nheader {{\r\n // written by \"tool\" }}\r\n description = {{\"Brake {{control}}\",\r\n \"main\"}};\r\n sw_part_number = \"30786482\"; sw_version = \"AB\";\r\n sw_part_type = EXE;\r\n network = CAN_HS;\r\n data_format_identifier = {method};\r\n ecu_address = 0x1630;\r\n frame_format = CAN_STANDARD;\r\n erase = {{ {{ 0x00010000, 0x00001000 }} }};\r\n call = 0x00010000;\r\n sw_signature_dev = 0x1234abcd;\r\n file_checksum = 0x{:08x};\r\n}}",
        sum.sum()
    )
    .into_bytes();
    out.extend_from_slice(&body);
    out
}

#[test]
fn the_checksum_is_that_of_the_catalogue() {
    assert_eq!(crc(b"123456789"), 0x29b1);
}

#[test]
fn header_and_blocks_are_read() {
    let bytes = vbf("0x00", &[(0x1_0000, b"first block"), (0x2_0000, b"second")]);
    let got = inspect("x.vbf", &bytes);
    got.assert_clear();
    assert!(got.notes.is_empty(), "{:?}", got.notes);
    assert_eq!(got.child("0x00010000.bin").bytes, b"first block");
    assert_eq!(got.child("0x00020000.bin").bytes, b"second");
    assert!(says(&got, "sw_part_number = \"30786482\""));
    assert_eq!(*told(&got, "part_numbers"), json!(["30786482"]));
    assert_eq!(*told(&got, "target"), "0x1630");
    assert_eq!(*told(&got, "version"), "AB");
    assert_eq!(*told(&got, "description"), json!(["Brake {control}", "main"]));
    assert_eq!(*told(&got, "types"), json!(["EXE"]));
    assert_eq!(*told(&got, "signed"), true);
    abuse("vbf", &bytes, 150);
}

#[test]
fn encrypted_and_compressed_blocks_are_told() {
    let got = inspect("x.vbf", &vbf("0x01", &[(0x100, &noise(1, 600))]));
    assert_eq!(got.child("0x00000100.bin").meta.opaque, Some(Reason::Encrypted));
    assert!(got.noted("encrypted"));
    let got = inspect("x.vbf", &vbf("0x10", &[(0x100, &noise(1, 600))]));
    assert_eq!(got.child("0x00000100.bin").meta.opaque, Some(Reason::Unsupported));
    assert!(got.noted("unsupported-method"));
}

#[test]
fn damage_is_told() {
    let mut bytes = vbf("0x00", &[(0x100, b"some data to break")]);
    let n = bytes.len();
    bytes[n - 6] ^= 1;
    let got = inspect("x.vbf", &bytes);
    assert!(got.noted("checksum-mismatch"));
    assert_eq!(got.children.len(), 1);
    let got = inspect("x.vbf", &bytes[..n - 8]);
    assert_eq!(got.result.unwrap_err().reason, Reason::Corrupt);
    assert_eq!(got.children.len(), 1);
    assert_eq!(format_of(b"vbf_version = 2.6; no header"), None);
}
