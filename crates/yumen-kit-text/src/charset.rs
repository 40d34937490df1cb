//! The encodings that text is decoded from.

use encoding_rs::Encoding;
use yumen_model::TextEncoding;

use crate::gb18030;

/// A character encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, ASCII included.
    Utf8,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
    /// GB18030, of which GBK and GB 2312 are parts.
    Gb18030,
    /// One of the other encodings of the WHATWG standard: windows-1252, Big5, Shift_JIS, EUC-KR…
    Other(&'static Encoding),
}

impl Charset {
    /// How positions are computed back. Encodings that the model does not know are told as one byte a character, with an anchor after
    /// each character that has more.
    #[must_use]
    pub fn map_encoding(self) -> TextEncoding {
        match self {
            Charset::Utf8 => TextEncoding::Utf8,
            Charset::Utf16Le => TextEncoding::Utf16Le,
            Charset::Utf16Be => TextEncoding::Utf16Be,
            Charset::Gb18030 => TextEncoding::Gb18030,
            Charset::Other(_) => TextEncoding::SingleByte,
        }
    }

    /// Whether text stands in two-byte units.
    pub(crate) fn is_wide(self) -> bool {
        matches!(self, Charset::Utf16Le | Charset::Utf16Be)
    }

    /// The name of the WHATWG encoding standard, in lower case.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Charset::Utf8 => "utf-8".to_owned(),
            Charset::Utf16Le => "utf-16le".to_owned(),
            Charset::Utf16Be => "utf-16be".to_owned(),
            Charset::Gb18030 => "gb18030".to_owned(),
            Charset::Other(e) => e.name().to_ascii_lowercase(),
        }
    }
}

/// Bytes that a character takes where nothing else is told by an anchor.
pub(crate) fn natural_len(encoding: TextEncoding, c: char) -> u64 {
    match encoding {
        TextEncoding::Utf8 => c.len_utf8() as u64,
        TextEncoding::Utf16Le | TextEncoding::Utf16Be => 2 * c.len_utf16() as u64,
        TextEncoding::Gb18030 => gb18030::len(c),
        TextEncoding::SingleByte => 1,
    }
}

/// Bytes that a text takes where no anchor lies inside.
#[inline]
pub(crate) fn encoded_len(encoding: TextEncoding, text: &str) -> u64 {
    if encoding == TextEncoding::Utf8 { text.len() as u64 } else { other_len(encoding, text) }
}

fn other_len(encoding: TextEncoding, text: &str) -> u64 {
    match encoding {
        TextEncoding::Utf8 => text.len() as u64,
        TextEncoding::SingleByte => chars(text.as_bytes()),
        _ if text.is_ascii() => text.len() as u64 * natural_len(encoding, 'a'),
        _ => text.chars().map(|c| natural_len(encoding, c)).sum(),
    }
}

/// Number of characters in UTF-8 bytes.
#[inline]
pub(crate) fn chars(utf8: &[u8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut chunks = utf8.chunks_exact(8);
    let mut continuation = 0u64;
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        let word = u64::from_ne_bytes(eight);
        // Bytes of the form 10xxxxxx.
        continuation += u64::from(((word >> 7) & !(word >> 6) & ONES).count_ones());
    }
    continuation += chunks.remainder().iter().filter(|&&b| (b & 0xC0) == 0x80).count() as u64;
    utf8.len() as u64 - continuation
}

#[cfg(test)]
mod tests {
    #[test]
    fn characters_are_counted() {
        let text = "a张é😀 plain text, 第二行";
        for (i, _) in text.char_indices() {
            assert_eq!(super::chars(&text.as_bytes()[i..]), text[i..].chars().count() as u64);
        }
    }
}
