use proptest::prelude::*;
use serde_json::json;

use crate::testing::{abuse, fixture, format_of, inspect, says, told, truth};

fn record(kind: u8, address: u16, data: &[u8]) -> String {
    let mut bytes = vec![data.len() as u8, (address >> 8) as u8, address as u8, kind];
    bytes.extend_from_slice(data);
    let sum = bytes.iter().fold(0u8, |s, b| s.wrapping_add(*b)).wrapping_neg();
    bytes.push(sum);
    bytes.iter().fold(":".to_owned(), |s, b| format!("{s}{b:02X}"))
}

fn srecord(kind: u8, width: usize, address: u32, data: &[u8]) -> String {
    let mut bytes = vec![(width + data.len() + 1) as u8];
    bytes.extend_from_slice(&address.to_be_bytes()[4 - width..]);
    bytes.extend_from_slice(data);
    let sum = !bytes.iter().fold(0u8, |s, b| s.wrapping_add(*b));
    bytes.push(sum);
    bytes.iter().fold(format!("S{kind}"), |s, b| format!("{s}{b:02X}"))
}

#[test]
fn files_of_other_tools_give_the_segments_that_bincopy_finds() {
    for (name, format) in [
        ("ecu.hex", "ihex"),
        ("seg16.hex", "ihex"),
        ("ecu.s37", "srec"),
        ("w16.s19", "srec"),
        ("ti.txt", "ti-txt"),
        ("ecu.vmem", "verilog-hex"),
    ] {
        let bytes = fixture("firmware", name);
        assert_eq!(format_of(&bytes), Some(format), "{name}");
        let got = inspect(name, &bytes);
        got.assert_clear();
        assert_eq!(got.files(), truth("firmware", name), "{name}");
        assert_eq!(*told(&got, "segments"), 2);
        assert!(got.notes.is_empty(), "{name} {:?}", got.notes);
        abuse(format, &bytes, 60);
    }
}

#[test]
fn line_ends_case_and_missing_ends_make_no_difference() {
    let lines = [
        record(4, 0, &[0x80, 0]),
        record(0, 0x2000, b"hello "),
        record(0, 0x2006, b"world"),
        record(5, 0, &[0x80, 0, 0x20, 1]),
        record(1, 0, &[]),
    ];
    for end in ["\n", "\r\n", "\r", "\r\r\n", "\n\n"] {
        for lower in [false, true] {
            let mut text = lines.join(end) + end;
            if lower {
                text = text.to_lowercase();
            }
            let got = inspect("x.hex", text.as_bytes());
            got.assert_clear();
            assert_eq!(got.child("0x80002000.bin").bytes, b"hello world", "{end:?}");
            assert_eq!(*told(&got, "entry"), "0x80002001");
            assert_eq!(*told(&got, "address_ranges"), json!(["0x80002000-0x8000200b"]));
        }
    }
    let cut = lines[..3].join("\n");
    let got = inspect("x.hex", cut.as_bytes());
    assert!(got.noted("truncated"));
    assert_eq!(got.child("0x80002000.bin").bytes, b"hello world");
}

#[test]
fn comments_junk_and_wrong_checksums_are_told_and_lose_nothing() {
    let mut bad = record(0, 0x10, b"broken");
    bad.replace_range(bad.len() - 2.., "00");
    let text = format!(
        "# owner 13800138000\n{} ; trailing remark\n\n{bad}\nfree line of text\n{}\n",
        record(0, 0, b"0123456789abcdef"),
        record(1, 0, &[])
    );
    let got = inspect("x.hex", text.as_bytes());
    got.assert_clear();
    assert!(got.noted("checksum-mismatch"));
    assert_eq!(got.child("0x00000000.bin").bytes, b"0123456789abcdefbroken");
    for text in ["owner 13800138000", "trailing remark", "free line of text"] {
        assert!(says(&got, text), "{text}");
    }
    let mut binary = record(0, 0, b"abcd").into_bytes();
    binary.extend_from_slice(b"\n:00000001FF\n\x01\x02\x03\x04\x05");
    let got = inspect("x.hex", &binary);
    assert_eq!(got.child("[slack]").bytes, b"\x01\x02\x03\x04\x05");
}

#[test]
fn segments_are_joined_whatever_the_order_and_overlaps_are_told() {
    let text = [
        record(0, 8, b"89abcdef"),
        record(0, 0, b"01234567"),
        record(0, 0x100, b"far"),
        record(0, 0x101, b"over"),
        record(1, 0, &[]),
    ]
    .join("\n");
    let got = inspect("x.hex", text.as_bytes());
    got.assert_clear();
    assert_eq!(got.child("0x00000000.bin").bytes, b"0123456789abcdef");
    assert_eq!(got.child("0x00000100.bin").bytes, b"far");
    assert_eq!(got.child("0x00000101.bin").bytes, b"over");
    assert!(got.noted("overlapping-segments"));
}

#[test]
fn segmented_addresses_and_starts_are_reckoned() {
    let text = [record(2, 0, &[0x12, 0x00]), record(0, 0x34, b"x"), record(3, 0, &[0x10, 0, 0, 4]), record(1, 0, &[])]
        .join("\n");
    let got = inspect("x.hex", text.as_bytes());
    assert_eq!(got.names(), ["0x00012034.bin"]);
    assert_eq!(*told(&got, "entry"), "0x00010004");
}

#[test]
fn s_records_of_all_widths_with_header_text() {
    let text = [
        srecord(0, 2, 0, b"gateway v1.2 \0 built by li.wei@example.cn"),
        srecord(1, 2, 0x1000, b"one"),
        srecord(2, 3, 0x20_0000, b"two"),
        srecord(3, 4, 0x8000_0000, b"three"),
        srecord(5, 2, 3, b""),
        srecord(7, 4, 0x8000_0000, b""),
    ]
    .join("\r\n");
    let got = inspect("x.s19", text.as_bytes());
    got.assert_clear();
    assert_eq!(got.names(), ["0x00001000.bin", "0x00200000.bin", "0x80000000.bin"]);
    assert_eq!(got.child("0x80000000.bin").bytes, b"three");
    assert!(says(&got, "gateway v1.2"));
    assert!(says(&got, "li.wei@example.cn"));
    assert_eq!(*told(&got, "entry"), "0x80000000");
}

#[test]
fn verilog_words_count_addresses_in_words() {
    let got = inspect("x.vmem", b"// rom\n@00000010 DEADBEEF 01020304\n05060708\n");
    assert_eq!(got.names(), ["0x00000040.bin"]);
    assert_eq!(got.child("0x00000040.bin").bytes, [0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(says(&got, "// rom"));
}

#[test]
fn a_child_that_is_stopped_is_opaque() {
    let text = (0..200u16).map(|i| record(0, i * 16, &[i as u8; 16])).collect::<Vec<_>>().join("\n");
    let engine = yumen_kit_container::testing::Engine { stop_child_at: Some(10), ..Default::default() };
    let got = yumen_kit_container::testing::inspect_as(&crate::FirmwarePlugin, "ihex", "x", text.as_bytes(), engine);
    got.assert_counted();
    assert!(got.opaque() > 0);
}

proptest! {
    #[test]
    fn any_image_written_is_read_back(
        pieces in proptest::collection::vec((0u32..0x4_0000, proptest::collection::vec(any::<u8>(), 1..40)), 1..20)
    ) {
        let mut text = String::new();
        let mut image = std::collections::BTreeMap::new();
        for (address, data) in &pieces {
            if address % 0x1_0000 + data.len() as u32 > 0x1_0000 || (0..data.len() as u32).any(|i| image.contains_key(&(address + i))) {
                continue;
            }
            data.iter().enumerate().for_each(|(i, b)| { image.insert(address + i as u32, *b); });
            text += &(record(4, 0, &((address >> 16) as u16).to_be_bytes()) + "\n" + &record(0, *address as u16, data) + "\n");
        }
        prop_assume!(!image.is_empty());
        text += &record(1, 0, &[]);
        let got = inspect("x.hex", text.as_bytes());
        got.assert_clear();
        let mut back = std::collections::BTreeMap::new();
        for child in &got.children {
            let base = u32::from_str_radix(&child.name()[2..10], 16).unwrap();
            child.bytes.iter().enumerate().for_each(|(i, b)| { back.insert(base + i as u32, *b); });
        }
        prop_assert_eq!(back, image);
    }
}
