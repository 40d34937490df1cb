use encoding_rs::{GB18030, WINDOWS_1251};

use super::*;

fn gbk(text: &str) -> Vec<u8> {
    GB18030.encode(text).0.into_owned()
}

/// Bytes of a range, in a fixed order that looks random.
fn noise(seed: u64, n: usize, from: u64, to: u64) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            u8::try_from(from + (x >> 20) % (to - from)).unwrap()
        })
        .collect()
}

#[test]
fn short_chinese_tables_lists_and_comments_are_text() {
    for text in [
        "姓名,车架号\n李雷,LSVAA4182E2123456\n",
        "张三.txt\n李四.txt\n王五.txt\n",
        "北京.doc",
        "客户名单",
        "ERR: 打开失败 (错误 5)",
        "C:\\文档\\报告.doc",
        "温度：25℃，湿度：60％\n",
        "①一 ②二 ③三\n",
        "// 初始化CAN总线\nint main(void) { return 0; }\n",
        "龚琬琰,鄢炜,酆晟\n编号,名字\n",
        "鐵路車輛識別號碼",
    ] {
        assert_eq!(charset(&gbk(text)), Some(Charset::Gb18030), "{text}");
    }
}

#[test]
fn other_encodings_are_told_from_few_words() {
    for (text, encoding) in [
        ("車輛識別號碼,姓名\r\n陳大文\r\n", BIG5),
        ("東京都千代田区丸の内一丁目", SHIFT_JIS),
        ("氏名,電話番号\r\n山田太郎\r\nテスト\r\n", SHIFT_JIS),
        ("これはテストです。", EUC_JP),
        ("이름,전화번호\r\n홍길동\r\n", EUC_KR),
        ("Müller\n", WINDOWS_1252),
        ("It’s “quoted” text – really… yes\n", WINDOWS_1252),
        ("Fahrgestellnummer;Käufer\nWVWZZZ1JZXW000001;Jürgen Groß\n", WINDOWS_1252),
        ("price: £5, 10€\n", WINDOWS_1252),
        ("Имя;Телефон\nИванов Иван;+79001234567\n", WINDOWS_1251),
    ] {
        assert_eq!(charset(&encoding.encode(text).0), Some(Charset::Other(encoding)), "{text}");
    }
}

#[test]
fn a_few_odd_bytes_do_not_make_a_log_binary() {
    let mut log = b"2026-11-23 10:00:00 INFO can0 frame received ok\n".repeat(20);
    log[33] = 0xFF;
    log[300] = 0x93;
    assert_eq!(charset(&log), Some(Charset::Other(WINDOWS_1252)));
}

#[test]
fn few_bytes_prove_nothing() {
    for bytes in [
        &b"\x93"[..],
        b"\xE9",
        b"\xD5\xC5",
        b"\x9C\xA7\x42\xF1",
        b"\xB0\xA1\x00\x00",
        b"a\x80b",
        b"\x82\xA3foo\x01\xA3bar\x02",
    ] {
        assert_eq!(charset(bytes), None, "{bytes:02X?}");
    }
}

#[test]
fn noise_is_no_text() {
    for (from, to, most) in [(0, 256, 4), (0x80, 256, 8), (0x20, 256, 8), (0xA1, 0xFF, 60), (0x30, 0xD0, 12)] {
        let lengths = |seed: u64| if seed.is_multiple_of(2) { 1 + seed % 64 } else { 1 + seed * 7 % 1024 };
        let texts = (0..6000).filter(|&seed| {
            let bytes = noise(seed, lengths(seed) as usize, from, to);
            std::str::from_utf8(&bytes).is_err() && charset(&bytes).is_some()
        });
        let lengths: Vec<u64> = texts.map(lengths).collect();
        assert!(lengths.len() <= most, "{from:X}..{to:X}: {lengths:?}");
        assert!(lengths.iter().all(|&n| n < 64), "{from:X}..{to:X}: {lengths:?}");
    }
}
