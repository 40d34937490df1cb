//! Lenient base64: standard and URL alphabet mixed, padding optional, white space skipped.

/// The six bits of a character of either alphabet.
#[must_use]
pub fn sextet(c: u8) -> Option<u8> {
    Some(match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Whether a character belongs to the standard alphabet, padding included.
#[must_use]
pub fn is_standard(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'=')
}

/// Decodes until the first padding character; white space is skipped. None when another character stands in it or the length is
/// impossible. `most` bounds the output in bytes: longer input is cut there.
#[must_use]
pub fn decode(text: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity((text.len() / 4 * 3).min(most));
    let (mut bits, mut have) = (0u32, 0u32);
    for &c in text {
        if c.is_ascii_whitespace() {
            continue;
        }
        if c == b'=' || out.len() >= most {
            break;
        }
        bits = (bits << 6) | u32::from(sextet(c)?);
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
            bits &= (1 << have) - 1;
        }
    }
    // A lone last character holds less than a byte.
    (have < 6 || out.len() >= most).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_decode() {
        assert_eq!(decode(b"aGVs\nbG8=", 99).unwrap(), b"hello");
        assert_eq!(decode(b"-_+/", 99).unwrap(), [0xfb, 0xff, 0xbf]);
        assert_eq!(decode(b"aGVsbG8", 3).unwrap(), b"hel");
        assert!(decode(b"aGVs!", 99).is_none());
        assert!(decode(b"aGVsb", 99).is_none());
    }
}
