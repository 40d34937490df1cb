//! Names and times of FAT.

use std::ops::Range;

use encoding_rs::GBK;
use yumen_kit_container::window::num::le16;

/// Code page 437 from 0x80 on.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The long name that gathers before a short entry.
#[derive(Debug, Default)]
pub(super) struct Long {
    /// Thirteen units each, the last piece of the name first.
    pieces: Vec<[u16; 13]>,
    places: Vec<Range<u64>>,
    expected: u8,
    checksum: u8,
}

impl Long {
    pub(super) fn clear(&mut self) {
        *self = Long::default();
    }

    pub(super) fn add(&mut self, b: &[u8; 32], place: Range<u64>) {
        let number = b[0] & 0x3F;
        if b[0] & 0x40 != 0 {
            self.clear();
            self.checksum = b[13];
        } else if number.wrapping_add(1) != self.expected || b[13] != self.checksum {
            self.clear();
            return;
        }
        if number == 0 || number > 20 {
            self.clear();
            return;
        }
        self.expected = number;
        let mut units = [0; 13];
        let at = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
        for (unit, at) in units.iter_mut().zip(at) {
            *unit = le16(b, at);
        }
        self.pieces.push(units);
        self.places.push(place);
    }

    /// The long name of the short entry `b`, if it is complete, and where its entries stand.
    pub(super) fn take(&mut self, b: &[u8; 32]) -> Option<(String, Vec<Range<u64>>)> {
        let all = std::mem::take(self);
        let sum = b[..11].iter().fold(0u8, |sum, &c| sum.rotate_right(1).wrapping_add(c));
        if all.pieces.is_empty() || all.expected != 1 || all.checksum != sum {
            return None;
        }
        let units: Vec<u16> = all.pieces.iter().rev().flatten().copied().take_while(|&u| u != 0).collect();
        (!units.is_empty()).then(|| (String::from_utf16_lossy(&units), all.places))
    }
}

/// Text in the code page of whoever wrote it.
fn decode(bytes: &[u8]) -> String {
    if bytes.is_ascii() {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    match GBK.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => text.into_owned(),
        None => bytes
            .iter()
            .map(|&b| if b < 0x80 { char::from(b) } else { CP437.chars().nth(usize::from(b - 0x80)).unwrap_or('?') })
            .collect(),
    }
}

/// The short name of an entry.
pub(super) fn short(b: &[u8; 32]) -> String {
    let mut raw = [0; 11];
    raw.copy_from_slice(&b[..11]);
    if raw[0] == 0x05 {
        raw[0] = 0xE5;
    }
    // Windows NT keeps in two bits that a part was in lower case.
    for (part, bit) in [(0..8, 0x08), (8..11, 0x10)] {
        if b[12] & bit != 0 && raw[part.clone()].is_ascii() {
            raw[part].make_ascii_lowercase();
        }
    }
    let trim = |part: &[u8]| part.iter().rposition(|&c| c != b' ').map_or(0, |i| i + 1);
    let stem = decode(&raw[..trim(&raw[..8])]);
    match trim(&raw[8..]) {
        0 => stem,
        n => format!("{stem}.{}", decode(&raw[8..8 + n])),
    }
}

/// A volume's label.
pub(super) fn label(raw: &[u8]) -> String {
    let text = decode(raw);
    let text = text.trim_matches(|c: char| c == ' ' || c == '\0');
    if text == "NO NAME" || text.chars().any(char::is_control) { String::new() } else { text.to_owned() }
}

/// Seconds since 1970 of a date and a time as DOS writes them.
pub(crate) fn time(date: u16, time: u16) -> i64 {
    let (year, month, day) = (i64::from(date >> 9) + 1980, i64::from(date >> 5 & 15), i64::from(date & 31));
    // Days from the civil calendar, months counted from March.
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day - 1 - 719_468;
    days * 86400 + i64::from(time >> 11) * 3600 + i64::from(time >> 5 & 63) * 60 + i64::from(time & 31) * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_the_likely_code_page() {
        assert_eq!(CP437.chars().count(), 128);
        let entry = |name: &[u8], case: u8| {
            let mut b = [b' '; 32];
            b[..name.len()].copy_from_slice(name);
            b[12] = case;
            short(&b)
        };
        assert_eq!(entry(b"README  TXT", 0x18), "readme.txt");
        assert_eq!(entry(b"README  TXT", 0x10), "README.txt");
        assert_eq!(entry(b"NOEXT      ", 0), "NOEXT");
        let (gbk, _, _) = GBK.encode("车主名单");
        assert_eq!(entry(&[&gbk[..], b"CSV"].concat(), 0), "车主名单.CSV");
        assert_eq!(entry(b"\x8E\x20      TXT", 0), "Ä.TXT");
        assert_eq!(time((2026 - 1980) << 9 | 1 << 5 | 1, 0), 1_767_225_600);
    }
}
