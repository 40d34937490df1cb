//! Intel HEX: records of types 00 to 05, with 8-, 16- (segmented) and 32-bit addresses.
//!
//! Source: Intel, Hexadecimal Object File Format Specification, revision A.

use crate::hexfile::{Dialect, Line, Parsed, census, pairs};

/// The state of a file being read.
#[derive(Default)]
pub(crate) struct Ihex {
    base: u64,
}

/// Whether a head is Intel HEX.
pub(crate) fn looks(head: &[u8]) -> Option<&'static str> {
    memchr::memchr(b':', &head[..head.len().min(16 << 10)])?;
    census(head, Ihex::default()).is_format().then_some("ihex")
}

impl Dialect for Ihex {
    fn line(&mut self, line: &[u8], data: &mut Vec<u8>) -> Parsed {
        let mut skipped = 0;
        let mut rest = line;
        // A byte order mark, blanks before the colon.
        if let Some(r) = rest.strip_prefix(b"\xef\xbb\xbf") {
            (rest, skipped) = (r, 3);
        }
        while let [b' ' | b'\t' | 0x1a, r @ ..] = rest {
            (rest, skipped) = (r, skipped + 1);
        }
        if rest.is_empty() {
            return Parsed::of(Line::Blank, line.len());
        }
        let [b':', digits @ ..] = rest else { return Parsed::foreign() };
        let start = data.len();
        if pairs(digits, 4, data) < 4 {
            data.truncate(start);
            return Parsed::foreign();
        }
        let (len, address, kind) = (
            usize::from(data[start]),
            u64::from(u16::from_be_bytes([data[start + 1], data[start + 2]])),
            data[start + 3],
        );
        let mut sum = data[start..].iter().fold(0u8, |s, &b| s.wrapping_add(b));
        data.truncate(start);
        let got = pairs(&digits[8..], len + 1, data);
        if got < len {
            data.truncate(start);
            return Parsed::foreign();
        }
        sum = data[start..].iter().fold(sum, |s, &b| s.wrapping_add(b));
        let has_sum = got == len + 1;
        data.truncate(start + len);
        let used = skipped + 1 + 8 + 2 * got;
        let number = |data: &[u8]| data[start..].iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
        let mut last = false;
        let kind = match (kind, len) {
            (0, _) => Line::Data(self.base + address),
            (1, _) => {
                last = true;
                self.base = 0;
                if address != 0 { Line::Start(address) } else { Line::Other }
            }
            (2, 2) => {
                self.base = number(data) << 4;
                Line::Other
            }
            (4, 2) => {
                self.base = number(data) << 16;
                Line::Other
            }
            // CS:IP
            (3, 4) => Line::Start((number(data) >> 16 << 4) + (number(data) & 0xffff)),
            (5, 4) => Line::Start(number(data)),
            _ => Line::Other,
        };
        Parsed { line: kind, bad_sum: !has_sum || sum != 0, last, used }
    }

    fn has_end(&self) -> bool {
        true
    }
}
