use super::*;
use crate::detect::detect;
use crate::position::position;
use proptest::prelude::*;

fn decode_by(bytes: &[u8], detection: Detection, chunk: usize) -> (String, Vec<(usize, u64)>, Decoder) {
    let blob = Blob::from_bytes(bytes);
    let mut decoder = Decoder::with_chunk(&blob, detection, chunk);
    let (mut all, mut positions) = (String::new(), Vec::new());
    let mut covered = 0;
    while let Some(chunk) = decoder.next_chunk().unwrap() {
        assert_eq!(chunk.range.start, covered, "pieces follow each other");
        covered = chunk.range.end;
        assert!(chunk.map.anchors.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1));
        for (i, _) in chunk.text.char_indices() {
            positions.push((all.len() + i, position(&chunk.map, chunk.text, i)));
        }
        all.push_str(chunk.text);
    }
    assert_eq!(covered, bytes.len() as u64, "every byte is covered");
    positions.push((all.len(), bytes.len() as u64));
    (all, positions, decoder)
}

fn encode(text: &str, charset: Charset) -> Vec<u8> {
    match charset {
        Charset::Utf8 => text.as_bytes().to_vec(),
        Charset::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Charset::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Charset::Gb18030 => encoding_rs::GB18030.encode(text).0.into_owned(),
        Charset::Other(e) => e.encode(text).0.into_owned(),
    }
}

const ALL: [Charset; 7] = [
    Charset::Utf8,
    Charset::Utf16Le,
    Charset::Utf16Be,
    Charset::Gb18030,
    Charset::Other(encoding_rs::BIG5),
    Charset::Other(encoding_rs::SHIFT_JIS),
    Charset::Other(encoding_rs::WINDOWS_1252),
];

#[test]
fn a_bom_is_left_out_and_counted() {
    let (text, positions, _) = decode_by(b"\xEF\xBB\xBFab", Detection { charset: Charset::Utf8, bom: 3 }, 4096);
    assert_eq!(text, "ab");
    assert_eq!(positions[0], (0, 3));
    let (text, positions, _) = decode_by(b"\xFF\xFEa\0b\0", Detection { charset: Charset::Utf16Le, bom: 2 }, 4096);
    assert_eq!((text.as_str(), positions[1]), ("ab", (1, 4)));
}

#[test]
fn a_line_in_gbk_inside_utf8_is_read_and_told() {
    let mut bytes = "姓名：李四\n".repeat(3).into_bytes();
    let at = bytes.len() as u64;
    bytes.extend(encode("姓名：张三，电话\n", Charset::Gb18030));
    bytes.extend("结束 ok\n".bytes());
    let (text, positions, decoder) = decode_by(&bytes, Detection::UTF8, 4096);
    assert!(text.ends_with("姓名：张三，电话\n结束 ok\n"), "{text}");
    assert!(decoder.mixed());
    let offset = text.find("张三").unwrap();
    assert!(positions.contains(&(offset, at + 6)));
}

#[test]
fn a_line_in_utf8_inside_gbk_is_read_and_told() {
    let mut bytes = encode(&"车主姓名：李四\n".repeat(20), Charset::Gb18030);
    let at = bytes.len() as u64;
    bytes.extend("追加：张三\n".bytes());
    let (text, positions, decoder) = decode_by(&bytes, Detection { charset: Charset::Gb18030, bom: 0 }, 4096);
    assert!(text.ends_with("追加：张三\n"), "{text}");
    assert!(decoder.mixed());
    assert!(positions.contains(&(text.find("张三").unwrap(), at + 9)));
}

#[test]
fn malformed_bytes_are_told_and_positions_go_on() {
    let (text, positions, decoder) = decode_by(b"a\xFFb\xE5\xBCc\xE4", Detection::UTF8, 4096);
    assert_eq!(text, "a\u{FFFD}b\u{FFFD}c\u{FFFD}");
    assert_eq!(decoder.malformed(), 3);
    assert_eq!(positions.iter().map(|p| p.1).collect::<Vec<_>>(), [0, 1, 2, 3, 5, 6, 7]);
}

#[test]
fn a_binary_stretch_reads_as_one_sign() {
    let mut bytes = b"before\n".repeat(300);
    let zeros = bytes.len();
    bytes.extend(vec![0; 9000]);
    bytes.extend(b"13800000000\n".repeat(300));
    for chunk in [1024, 4096, 1 << 20] {
        let (text, positions, _) = decode_by(&bytes, Detection::UTF8, chunk);
        assert_eq!(text.matches('\u{FFFD}').count(), 1);
        let at = text.find("138").unwrap();
        assert!(positions.contains(&(at, (zeros + 9000) as u64)));
    }
}

#[test]
fn a_line_longer_than_a_chunk_streams() {
    let text = "长".repeat(100_000);
    for charset in ALL.into_iter().take(4) {
        let bytes = encode(&text, charset);
        let (back, ..) = decode_by(&bytes, Detection { charset, bom: 0 }, 4096);
        assert!(back == text, "{charset:?}");
    }
}

proptest! {
    #[test]
    fn positions_are_exact_in_every_encoding(text in "([a-z0-9 ,\n]|[\u{4E00}-\u{9FA5}]|[。，]|\u{20AC}|\u{3400}|\u{1F600}|é){0,400}") {
        for charset in ALL {
            let one = |c: char| encode(&c.to_string(), charset);
            // Signs that the encoding lacks are left out.
            let text: String = text.chars().filter(|&c| match charset {
                Charset::Other(e) => !e.encode(&c.to_string()).2,
                _ => true,
            }).collect();
            let bytes: Vec<u8> = text.chars().flat_map(one).collect();
            for chunk in [1024, 1 << 20] {
                let (back, positions, _) = decode_by(&bytes, Detection { charset, bom: 0 }, chunk);
                prop_assert_eq!(&back, &text);
                let mut byte = 0;
                for ((offset, c), &(at, position)) in text.char_indices().zip(&positions) {
                    prop_assert_eq!((at, position), (offset, byte));
                    byte += one(c).len() as u64;
                }
            }
        }
    }

    #[test]
    fn any_bytes_decode_the_same_in_any_chunks(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..30), which in 0usize..7) {
        let bytes = lines.join(&b"\n\n"[..]);
        // Wide text is cut at wide line ends, which random bytes lack; then only the pieces' covering is checked.
        let detection = Detection { charset: ALL[which], bom: 0 };
        let (small, small_positions, _) = decode_by(&bytes, detection, 1024);
        let (large, large_positions, _) = decode_by(&bytes, detection, 1 << 20);
        prop_assert_eq!(small, large);
        prop_assert_eq!(small_positions, large_positions);
        let _ = detect(&Blob::from_bytes(bytes)).unwrap();
    }
}
