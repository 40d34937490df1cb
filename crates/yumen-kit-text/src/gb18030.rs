//! GB18030: a decoder that tells the length of every character, and the reverse: how many bytes a character takes.

use std::sync::OnceLock;

use encoding_rs::GB18030;

const LEADS: usize = 126;
const TRAILS: usize = 191;

struct Tables {
    /// Code unit of each two-byte sequence; 0 where there is none.
    two: Box<[u16]>,
    /// One bit for each BMP character that has a two-byte sequence.
    has_two: Box<[u64]>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut two = vec![0u16; LEADS * TRAILS].into_boxed_slice();
        let mut has_two = vec![0u64; 1024].into_boxed_slice();
        for lead in 0x81..=0xFEu8 {
            for trail in (0x40..=0xFEu8).filter(|&t| t != 0x7F) {
                let pair = [lead, trail];
                let Some(text) = GB18030.decode_without_bom_handling_and_without_replacement(&pair) else { continue };
                let mut chars = text.chars();
                if let (Some(c), None) = (chars.next(), chars.next())
                    && let Ok(unit) = u16::try_from(u32::from(c))
                {
                    two[index(lead, trail)] = unit;
                    has_two[usize::from(unit >> 6)] |= 1 << (unit & 63);
                }
            }
        }
        Tables { two, has_two }
    })
}

fn index(lead: u8, trail: u8) -> usize {
    usize::from(lead - 0x81) * TRAILS + usize::from(trail - 0x40)
}

/// Bytes that a character takes in its usual form: 1, 2 or 4.
pub(crate) fn len(c: char) -> u64 {
    if c.is_ascii() {
        return 1;
    }
    match u16::try_from(u32::from(c)) {
        Ok(unit) if tables().has_two[usize::from(unit >> 6)] >> (unit & 63) & 1 == 1 => 2,
        _ => 4,
    }
}

/// What stands at the start of some bytes that begin with a byte above 0x7F.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A character of so many bytes.
    Char(char, usize),
    /// So many bytes that are no character.
    Malformed(usize),
    /// More bytes are needed to tell.
    Incomplete,
}

/// Reads the next character of bytes that begin with one above 0x7F.
pub(crate) fn next(bytes: &[u8]) -> Next {
    let lead = match bytes.first() {
        None => return Next::Incomplete,
        // Windows writes the euro sign so.
        Some(0x80) => return Next::Char('€', 1),
        Some(0xFF) => return Next::Malformed(1),
        Some(&b) => b,
    };
    match bytes.get(1) {
        None => Next::Incomplete,
        Some(0x30..=0x39) => {
            let Some(four) = bytes.get(..4) else {
                let wrong = matches!(bytes.get(2), Some(b) if !(0x81..=0xFE).contains(b));
                return if wrong { Next::Malformed(1) } else { Next::Incomplete };
            };
            let decoded = GB18030.decode_without_bom_handling_and_without_replacement(four);
            let mut chars = decoded.as_deref().unwrap_or_default().chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => Next::Char(c, 4),
                _ => Next::Malformed(1),
            }
        }
        Some(&trail) if (0x40..=0xFE).contains(&trail) && trail != 0x7F => {
            let unit = tables().two[index(lead, trail)];
            match char::from_u32(u32::from(unit)) {
                Some(c) if unit != 0 => Next::Char(c, 2),
                _ => Next::Malformed(if trail < 0x80 { 1 } else { 2 }),
            }
        }
        Some(_) => Next::Malformed(1),
    }
}

/// How a text reads as GB18030.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Characters of GB 2312: hanzi and signs, both bytes above 0xA0.
    pub(crate) common: usize,
    /// Characters of GBK beyond GB 2312, and four-byte ones.
    pub(crate) rare: usize,
    /// Malformed sequences.
    pub(crate) malformed: usize,
}

impl Reading {
    /// Whether this is Chinese rather than something else that happens to be valid.
    pub(crate) fn is_chinese(self) -> bool {
        self.malformed == 0 && self.common > 0 && self.common >= 2 * self.rare
    }
}

/// Reads all of some bytes; an incomplete end is left out.
pub(crate) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut at = 0;
    while let Some(skip) = bytes[at..].iter().position(|b| !b.is_ascii()) {
        at += skip;
        match next(&bytes[at..]) {
            Next::Char(_, n) => {
                let pair = (bytes[at], *bytes.get(at + 1).unwrap_or(&0));
                match pair {
                    (0xB0..=0xF7, 0xA1..) | (0xA1..=0xA3, 0xA1..) if n == 2 => reading.common += 1,
                    _ => reading.rare += 1,
                }
                at += n;
            }
            Next::Malformed(n) => {
                reading.malformed += 1;
                at += n;
            }
            Next::Incomplete => break,
        }
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_agree_with_the_encoder_for_every_character() {
        for c in ('\0'..=char::MAX).filter(|c| !c.is_ascii()) {
            let mut utf8 = [0; 4];
            let (bytes, _, failed) = GB18030.encode(c.encode_utf8(&mut utf8));
            if failed {
                continue;
            }
            // Characters that moved between editions have two forms; the decoder sets an anchor after the other one.
            if let Next::Char(d, n) = next(&bytes)
                && d == c
            {
                assert!(len(c) == n as u64 || n == 4, "U+{:04X}", u32::from(c));
            }
        }
    }

    #[test]
    fn malformed_sequences_keep_the_ascii_byte() {
        assert_eq!(next(&[0x81, b'\n']), Next::Malformed(1));
        assert_eq!(next(&[0xFF, 0xFF]), Next::Malformed(1));
        assert_eq!(next(&[0xD5]), Next::Incomplete);
        assert_eq!(next(&[0xD5, 0xC5]), Next::Char('张', 2));
        assert_eq!(next(&[0x81, 0x39, 0xEE, 0x39]), Next::Char('㐀', 4));
    }
}
