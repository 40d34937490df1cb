use serde_json::json;

use crate::testing::{abuse, inspect, says, told};

fn block(flags: u32, address: u32, family: u32, data: &[u8], tail: &[u8]) -> Vec<u8> {
    let mut b = Vec::new();
    for n in [0x0a32_4655, 0x9e5d_5157, flags, address, data.len() as u32, 0, 1, family] {
        b.extend_from_slice(&n.to_le_bytes());
    }
    b.extend_from_slice(data);
    b.extend_from_slice(tail);
    b.resize(508, 0);
    b.extend_from_slice(&0x0ab1_6f30u32.to_le_bytes());
    b
}

#[test]
fn blocks_are_joined_by_address_in_any_order() {
    let mut bytes = block(0x2000, 0x1000_0100, 0xe48b_ff56, &[2; 256], &[]);
    bytes.extend(block(0x2000, 0x1000_0000, 0xe48b_ff56, &[1; 256], &[]));
    bytes.extend(block(0x2000, 0x2000_0000, 0xe48b_ff56, b"far away", &[]));
    let got = inspect("x.uf2", &bytes);
    got.assert_clear();
    assert_eq!(got.names(), ["0x10000000.bin", "0x20000000.bin"]);
    assert_eq!(got.child("0x10000000.bin").bytes, [[1; 256], [2; 256]].concat());
    assert_eq!(*told(&got, "families"), json!(["rp2040"]));
    abuse("uf2", &bytes, 150);
    bytes.extend(block(0x2000, 0x1000_0000, 0x1c5f_21b0, b"other family", &[]));
    let got = inspect("x.uf2", &bytes);
    got.assert_clear();
    assert_eq!(got.child("0x1c5f21b0/0x10000000.bin").bytes, b"other family");
}

#[test]
fn extension_tags_and_files_are_read() {
    let tag = [&[10, 0x9f, 0xc7, 0xbc][..], b"v1.2.3", &[0, 0], &[0, 0, 0, 0]].concat();
    let got = inspect("x.uf2", &block(0xa000, 0, 1, b"abcd", &tag));
    got.assert_clear();
    assert!(says(&got, "v1.2.3"));
    let got = inspect("x.uf2", &block(0x1000, 0, 4, b"text", b"info/readme.txt\0"));
    got.assert_clear();
    assert_eq!(got.child("info/readme.txt").bytes, b"text");
    let mut junk = block(0, 0, 0, b"abcd", b"hidden in the slack of a block");
    junk.extend_from_slice(b"behind");
    let got = inspect("x.uf2", &junk);
    assert!(got.child("[slack]").bytes.starts_with(b"hidden in the slack"));
    assert_eq!(got.child("[after]").bytes, b"behind");
}
