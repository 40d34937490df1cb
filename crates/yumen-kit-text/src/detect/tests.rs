use super::*;
use encoding_rs::{BIG5, GB18030, SHIFT_JIS};
use proptest::prelude::*;

fn of(bytes: &[u8]) -> Option<Charset> {
    detect(&Blob::from_bytes(bytes)).unwrap().map(|d| d.charset)
}

fn gbk(text: &str) -> Vec<u8> {
    GB18030.encode(text).0.into_owned()
}

fn noise(n: usize) -> Vec<u8> {
    let mut x = 0x9E37_79B9_7F4A_7C15u64;
    (0..n)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            (x >> 32) as u8
        })
        .collect()
}

#[test]
fn utf8_with_and_without_mark() {
    assert_eq!(of(b"plain\n"), Some(Charset::Utf8));
    assert_eq!(of("车架号,LVSBZYDW9K4458422\n".as_bytes()), Some(Charset::Utf8));
    assert_eq!(detect(&Blob::from_bytes(&b"\xEF\xBB\xBFa,b\n"[..])).unwrap().unwrap().bom, 3);
    assert_eq!(of(b""), Some(Charset::Utf8));
    assert_eq!(of(b"\n"), Some(Charset::Utf8));
}

#[test]
fn short_gbk_is_not_latin() {
    for text in
        ["张三", "姓名,电话\n李雷,13800000000\n", "备注：无", "name=王五", "京A12345 车主 赵六", "vin: LV 车架号"]
    {
        assert_eq!(of(&gbk(text)), Some(Charset::Gb18030), "{text}");
    }
    // One rare character of GBK among common ones.
    assert_eq!(of(&gbk("朱镕基,陶喆,客户姓名\n")), Some(Charset::Gb18030));
}

#[test]
fn western_text_is_not_gbk() {
    let latin = "Le véhicule a été livré à l'été. Größe: 5 µm, naïve façade, año español\n";
    let bytes = encoding_rs::WINDOWS_1252.encode(latin).0;
    assert!(matches!(of(&bytes), Some(Charset::Other(_))), "{:?}", of(&bytes));
    assert!(matches!(of(b"caf\xE9 cr\xE8me\n"), Some(Charset::Other(_))));
}

#[test]
fn other_east_asian_encodings_are_told() {
    let japanese = "車両の位置情報と運転者の氏名を記録します。これはテストのための文章です。".repeat(4);
    assert_eq!(of(&encoding_rs::SHIFT_JIS.encode(&japanese).0), Some(Charset::Other(SHIFT_JIS)));
    let traditional = "車輛識別號碼與駕駛人姓名之記錄，這是測試用的文章，請勿外傳。".repeat(4);
    assert_eq!(of(&encoding_rs::BIG5.encode(&traditional).0), Some(Charset::Other(BIG5)));
}

#[test]
fn utf16_with_and_without_mark() {
    let text = "车架号,姓名\r\nLVSBZYDW9K4458422,张三\r\n";
    let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(of(&le), Some(Charset::Utf16Le));
    assert_eq!(of(&be), Some(Charset::Utf16Be));
    assert_eq!(of(&[&[0xFF, 0xFE][..], &le].concat()), Some(Charset::Utf16Le));
    assert_eq!(of(&[&[0xFE, 0xFF][..], &be].concat()), Some(Charset::Utf16Be));
}

#[test]
fn binary_is_not_text() {
    assert_eq!(of(&noise(100)), None);
    assert_eq!(of(&noise(100_000)), None);
    assert_eq!(of(&[0; 5000]), None);
    assert_eq!(of(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0"), None);
    assert_eq!(of(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x06\0\0\0"), None);
    // Sixteen-bit samples around zero.
    let sound: Vec<u8> = (0..20_000i32).flat_map(|i| (((i * 37) % 400 - 200) as i16).to_le_bytes()).collect();
    assert_eq!(of(&sound), None);
    // Floats.
    let floats: Vec<u8> = (0..5000).flat_map(|i| (i as f32 * 0.37).to_le_bytes()).collect();
    assert_eq!(of(&floats), None);
}

#[test]
fn a_text_header_before_binary_is_not_text() {
    let header = b"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nDATA binary\n";
    assert_eq!(of(&[&header[..], &noise(50_000)].concat()), None);
    assert_eq!(of(&[&b"#!/bin/sh\necho self extracting\n".repeat(200)[..], &noise(500_000)].concat()), None);
    assert_eq!(of(&[&header[..], &noise(3_000)].concat()), None);
}

#[test]
fn text_may_hold_escapes_separators_and_padding() {
    assert_eq!(of(b"\x1b[32mok\x1b[0m\n\x0cpage\n"), Some(Charset::Utf8));
    assert_eq!(of(b"a\x1fb\x1fc\nd\x1fe\x1ff\n"), Some(Charset::Utf8));
    let mut log = b"2026-11-23 10:00:00 INFO start\n".repeat(200);
    log.extend([0; 70_000]);
    log.extend(b"2026-11-23 10:00:01 INFO go on\n".repeat(200));
    assert_eq!(of(&log), Some(Charset::Utf8));
}

proptest! {
    #[test]
    fn chinese_in_gbk_is_always_chinese(
        common in "[的一是不了人我在有他这为之大来以个中上们]{8,60}",
        rare in "[\u{4E00}-\u{4FFF}]{0,8}",
    ) {
        // Only characters of the first level, as real text has them; a few rare ones alone are no evidence.
        let text = common + &rare;
        let bytes: Vec<u8> = text.chars().map(|c| gbk(&c.to_string())).filter(|b| matches!(b[..], [0xB0..=0xD7, 0xA1..=0xFE])).flatten().collect();
        prop_assert_eq!(of(&bytes), Some(Charset::Gb18030));
    }
}
