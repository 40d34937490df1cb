//! Printable stretches of binary: ASCII, UTF-8 with Chinese, GBK, UTF-16LE. What they hold is scanned as text, strictly.

use encoding_rs::GBK;
use yumen_model::{ByteMap, TextEncoding};

/// Shorter stretches are passed over, in characters.
const SHORTEST: usize = 6;
/// Text gathered before it is handed on, in bytes.
const GATHER: usize = 64 << 10;
/// Longest look-ahead of a decision, in bytes: six units of UTF-16.
const LOOK: usize = 12;
/// Stands between two stretches.
const GAP: char = '\u{1f}';

/// How the open stretch is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Utf8,
    Gbk,
    Utf16,
}

/// Takes bytes and hands on the text of their printable stretches.
pub(crate) struct Stretches {
    /// Bytes that no decision has been made on, and the offset of the first.
    carry: Vec<u8>,
    offset: u64,
    mode: Option<Mode>,
    /// Characters of the open stretch that wait for it to be long enough.
    held: Vec<(char, u64, u8)>,
    /// The open stretch is long enough.
    open: bool,
    text: String,
    anchors: Vec<(u32, u64)>,
    /// Byte after the last character of `text`.
    follows: u64,
}

impl Stretches {
    pub(crate) fn new() -> Self {
        Stretches {
            carry: Vec::new(),
            offset: 0,
            mode: None,
            held: Vec::new(),
            open: false,
            text: String::new(),
            anchors: Vec::new(),
            follows: u64::MAX,
        }
    }

    /// Takes the bytes at an offset.
    pub(crate) fn feed(&mut self, offset: u64, bytes: &[u8], emit: &mut dyn FnMut(&ByteMap, &str)) {
        if offset != self.offset + self.carry.len() as u64 {
            self.drain(true, emit);
            self.end();
            self.carry.clear();
            self.offset = offset;
        }
        for piece in bytes.chunks(1 << 20) {
            self.carry.extend_from_slice(piece);
            self.drain(false, emit);
        }
    }

    /// The bytes are over.
    pub(crate) fn finish(&mut self, emit: &mut dyn FnMut(&ByteMap, &str)) {
        self.drain(true, emit);
        self.end();
        self.hand_on(emit);
    }

    fn hand_on(&mut self, emit: &mut dyn FnMut(&ByteMap, &str)) {
        if !self.text.is_empty() {
            let anchors = std::mem::take(&mut self.anchors);
            emit(&ByteMap { encoding: TextEncoding::Utf8, anchors }, &self.text);
            self.text.clear();
        }
        self.follows = u64::MAX;
    }

    fn drain(&mut self, last: bool, emit: &mut dyn FnMut(&ByteMap, &str)) {
        let bytes = std::mem::take(&mut self.carry);
        let mut at = 0;
        while at < bytes.len() && (last || bytes.len() - at >= LOOK) {
            let rest = &bytes[at..];
            let place = self.offset + at as u64;
            let next = match self.mode {
                Some(mode) => decode(mode, rest),
                None => match begin(rest) {
                    Some(mode) => {
                        self.mode = Some(mode);
                        decode(mode, rest)
                    }
                    None => None,
                },
            };
            match next {
                Some((c, len)) => {
                    self.character(c, place, len);
                    at += usize::from(len);
                }
                // A stretch that ends here may be followed at once by another of another kind.
                None if self.mode.is_some() => self.end(),
                None => at += 1,
            }
            if self.text.len() >= GATHER {
                self.hand_on(emit);
            }
        }
        self.offset += at as u64;
        self.carry = bytes;
        self.carry.drain(..at);
    }

    fn character(&mut self, c: char, place: u64, len: u8) {
        if self.open {
            self.write(c, place, len);
            return;
        }
        self.held.push((c, place, len));
        if self.held.len() >= SHORTEST {
            self.open = true;
            for (c, place, len) in std::mem::take(&mut self.held) {
                self.write(c, place, len);
            }
        }
    }

    fn write(&mut self, c: char, place: u64, len: u8) {
        if place != self.follows {
            self.anchors.push((u32::try_from(self.text.len()).unwrap_or(u32::MAX), place));
        }
        self.text.push(c);
        // In UTF-8 the text is as long as the bytes; elsewhere each character has an anchor of its own.
        self.follows = if c.len_utf8() == usize::from(len) { place + u64::from(len) } else { u64::MAX };
    }

    fn end(&mut self) {
        if self.open {
            let at = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            self.text.push(GAP);
            // The end of the last character, for matches that end there.
            if self.follows == u64::MAX
                && let Some(&(_, place)) = self.anchors.last()
            {
                self.anchors.push((at, place + if self.mode == Some(Mode::Utf8) { 1 } else { 2 }));
            }
            self.follows = u64::MAX;
        }
        self.open = false;
        self.held.clear();
        self.mode = None;
    }
}

fn printable(b: u8) -> bool {
    matches!(b, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

fn chinese(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3000}'..='\u{303f}' | '\u{ff01}'..='\u{ff5e}' | '·' | '“' | '”' | '‘' | '’' | '—' | '…' | '★')
}

/// The encoding of a stretch that may begin here.
fn begin(rest: &[u8]) -> Option<Mode> {
    let utf16 = rest.len() >= LOOK && rest[..LOOK].chunks_exact(2).all(|u| decode(Mode::Utf16, u).is_some());
    if utf16 && rest[..LOOK].chunks_exact(2).any(|u| u[1] == 0) {
        return Some(Mode::Utf16);
    }
    let first = *rest.first()?;
    if printable(first) || decode(Mode::Utf8, rest).is_some() {
        return Some(Mode::Utf8);
    }
    // Two Chinese characters in a row, or one before ASCII: less would be any binary.
    let (_, n) = decode(Mode::Gbk, rest)?;
    decode(Mode::Gbk, rest.get(usize::from(n)..)?).map(|_| Mode::Gbk)
}

/// The next character of a stretch and its length in bytes.
fn decode(mode: Mode, rest: &[u8]) -> Option<(char, u8)> {
    let first = *rest.first()?;
    match mode {
        Mode::Utf16 => {
            let unit = u16::from_le_bytes([first, *rest.get(1)?]);
            let c = char::from_u32(u32::from(unit))?;
            (u8::try_from(unit).is_ok_and(printable) || chinese(c)).then_some((c, 2))
        }
        _ if first < 0x80 => printable(first).then_some((char::from(first), 1)),
        Mode::Utf8 => {
            let len = match first {
                0xC2..=0xDF => 2,
                0xE2..=0xE9 | 0xEF => 3,
                _ => return None,
            };
            let c = std::str::from_utf8(rest.get(..len)?).ok()?.chars().next()?;
            chinese(c).then_some((c, u8::try_from(len).ok()?))
        }
        Mode::Gbk => {
            let pair = rest.get(..2)?;
            if !matches!(pair, [0xA1..=0xA3 | 0xB0..=0xF7, 0xA1..=0xFE]) {
                return None;
            }
            let text = GBK.decode_without_bom_handling_and_without_replacement(pair)?;
            let c = text.chars().next()?;
            chinese(c).then_some((c, 2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(bytes: &[u8], cuts: &[usize]) -> Vec<(String, Vec<u64>)> {
        let mut all = Vec::new();
        let mut take = |map: &ByteMap, text: &str| {
            for (i, c) in text.char_indices() {
                let a = map.anchors.iter().rev().find(|a| a.0 as usize <= i).unwrap();
                all.push((c, a.1 + (i as u64 - u64::from(a.0))));
            }
        };
        let mut s = Stretches::new();
        let mut from = 0;
        for &cut in cuts.iter().chain([&bytes.len()]) {
            s.feed(from as u64, &bytes[from..cut], &mut take);
            from = cut;
        }
        s.finish(&mut take);
        all.split(|(c, _)| *c == GAP)
            .filter(|p| !p.is_empty())
            .map(|p| (p.iter().map(|x| x.0).collect(), p.iter().map(|x| x.1).collect()))
            .collect()
    }

    fn sample() -> Vec<u8> {
        let mut bytes = vec![0, 1, 2, b'a', b'b', 0xFF];
        bytes.extend("手机13812345678".as_bytes());
        bytes.extend([0, 0xFE]);
        bytes.extend(GBK.encode("车主电话 13812345678").0.iter());
        bytes.extend([0x80, 0]);
        bytes.extend("plate 京A".encode_utf16().flat_map(u16::to_le_bytes));
        bytes.extend([0, 0, 0xFF, b's', b'h', b'o', b'r', b't', 0]);
        bytes
    }

    #[test]
    fn stretches_of_every_encoding_are_read_with_their_places() {
        let bytes = sample();
        let got = stretches(&bytes, &[]);
        assert_eq!(
            got.iter().map(|s| s.0.as_str()).collect::<Vec<_>>(),
            ["手机13812345678", "车主电话 13812345678", "plate 京A"]
        );
        assert_eq!(got[0].1[0], 6);
        assert_eq!(got[0].1[2], 12);
        let digits = bytes.windows(5).rposition(|w| w == b"13812").unwrap() as u64;
        assert_eq!(got[1].1[5], digits);
        assert_eq!(got[2].1[7] - got[2].1[6], 2);
    }

    #[test]
    fn cuts_change_nothing() {
        let bytes = sample();
        let whole = stretches(&bytes, &[]);
        for cut in 0..bytes.len() {
            assert_eq!(stretches(&bytes, &[cut]), whole, "cut at {cut}");
        }
    }
}
