//! Motorola S-records: S0 to S9 with 16-, 24- and 32-bit addresses.
//!
//! Source: Motorola M68000 Family Programmer's Reference Manual, appendix C.

use crate::hexfile::{Dialect, Line, Parsed, census, digit, pairs};

/// S-records have no state.
#[derive(Default)]
pub(crate) struct Srec;

/// Whether a head is a file of S-records.
pub(crate) fn looks(head: &[u8]) -> Option<&'static str> {
    memchr::memchr2(b'S', b's', &head[..head.len().min(16 << 10)])?;
    census(head, Srec).is_format().then_some("srec")
}

impl Dialect for Srec {
    fn line(&mut self, line: &[u8], data: &mut Vec<u8>) -> Parsed {
        let skipped = line.iter().take_while(|b| matches!(b, b' ' | b'\t' | 0x1a | 0xef | 0xbb | 0xbf)).count();
        let rest = &line[skipped..];
        if rest.is_empty() {
            return Parsed::of(Line::Blank, line.len());
        }
        let [b'S' | b's', kind @ b'0'..=b'9', digits @ ..] = rest else { return Parsed::foreign() };
        let [high, low, digits @ ..] = digits else { return Parsed::foreign() };
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Parsed::foreign() };
        let len = usize::from(high << 4 | low);
        let width = match kind {
            b'2' | b'6' | b'8' => 3,
            b'3' | b'7' => 4,
            _ => 2,
        };
        // Address and checksum at least; a checksum that is cut off counts as wrong.
        if len < width + 1 {
            return Parsed::foreign();
        }
        let start = data.len();
        let got = pairs(digits, len, data);
        if got + 1 < len {
            data.truncate(start);
            return Parsed::foreign();
        }
        let whole = data[start..].iter().fold(u8::try_from(len).unwrap_or(0), |s, &b| s.wrapping_add(b));
        let address = data[start..start + width].iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
        data.truncate(start + len - 1);
        data.drain(start..start + width);
        let mut last = false;
        let kind = match kind {
            b'0' => Line::Header(skipped + 4 + 2 * width..skipped + 4 + 2 * (len - 1)),
            b'1'..=b'3' => Line::Data(address),
            b'7'..=b'9' => {
                last = true;
                Line::Start(address)
            }
            _ => Line::Other,
        };
        Parsed { line: kind, bad_sum: got < len || whole != 0xff, last, used: skipped + 4 + 2 * got }
    }

    fn has_end(&self) -> bool {
        true
    }
}
