//! Encodings older than Unicode, told by positive evidence.
//!
//! Nearly any bytes decode as GB18030 or as a single-byte encoding, so that decoding proves nothing. Each encoding gives the bytes a score: of
//! every character the logarithm of how much more often text has it than random bytes would show it, in tenths. Text is what scores well in total
//! and in the mean; otherwise the bytes are binary.

mod hanzi;
mod single;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, SHIFT_JIS, WINDOWS_1252};

use crate::charset::Charset;
use crate::gb18030::{self, Next};

/// Least score in total: two usual hanzi, or one in a line of ASCII.
const ENOUGH: i64 = 45;
/// Least score a character in the mean.
const MEAN: i64 = 7;
/// The same from [`LONG`] characters on, where chance evens out.
const MEAN_LONG: i64 = 11;
const LONG: i64 = 16;
/// A malformed sequence.
const MALFORMED: i64 = -50;
/// What ASCII adds at most, and for each letter, digit or blank.
const ASCII_MOST: i64 = 20;
const ASCII_EACH: i64 = 1;

/// How well bytes read in an encoding.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    total: i64,
    chars: i64,
}

impl Score {
    fn add(&mut self, points: i64) {
        self.total += points;
        self.chars += 1;
    }

    fn is_text(self, ascii: i64, enough: i64) -> bool {
        let mean = if self.chars >= LONG { MEAN_LONG } else { MEAN };
        self.total + ascii >= enough && self.total >= mean * self.chars
    }
}

/// The encoding of bytes that are no UTF-8; none when they are no text. Lines that are UTF-8 count neither way.
pub(crate) fn charset(bytes: &[u8]) -> Option<Charset> {
    let lines = odd_lines(bytes);
    let controls = lines.iter().filter(|&&b| is_foreign(b)).count();
    if controls * 200 > lines.len() || (controls > 0 && lines.len() < 200) {
        return None;
    }
    let ascii = ascii_points(&lines);
    let candidates = [
        (Charset::Gb18030, chinese(&lines)),
        (Charset::Other(BIG5), east(&lines, BIG5)),
        (Charset::Other(SHIFT_JIS), east(&lines, SHIFT_JIS)),
        (Charset::Other(EUC_JP), east(&lines, EUC_JP)),
        (Charset::Other(EUC_KR), korean(&lines)),
    ];
    let east = candidates.into_iter().filter(|(_, s)| s.is_text(ascii, ENOUGH));
    let western = Some((Charset::Other(WINDOWS_1252), single::western(&lines)))
        .filter(|(_, s)| s.is_text(single::ascii_points(&lines), single::ENOUGH));
    let best = east.chain(western).max_by_key(|(_, s)| s.total);
    best.map(|(charset, _)| charset).or_else(|| other_script(&lines)).or_else(|| mostly_ascii(bytes))
}

/// The lines with bytes beyond ASCII that are not valid UTF-8.
fn odd_lines(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split_inclusive(|&b| b == b'\n' || b == b'\r');
    lines.filter(|l| !l.is_ascii() && std::str::from_utf8(l).is_err()).flatten().copied().collect()
}

/// Control bytes that text in these encodings has no use for; escapes of terminals excepted.
fn is_foreign(b: u8) -> bool {
    (b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B | 0x1F | 1)) || b == 0x7F
}

fn ascii_points(bytes: &[u8]) -> i64 {
    let plain =
        bytes.iter().filter(|&&b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b',' | b'\n' | b'\r' | b'\t'));
    (plain.count() as i64 * ASCII_EACH).min(ASCII_MOST)
}

/// GB18030: mostly usual hanzi, of the rest most of GB 2312's first level.
fn chinese(bytes: &[u8]) -> Score {
    let mut score = Score::default();
    let mut at = 0;
    while let Some(skip) = bytes[at..].iter().position(|b| !b.is_ascii()) {
        at += skip;
        match gb18030::next(&bytes[at..]) {
            Next::Char(c, n) => {
                score.add(match (bytes[at], c) {
                    _ if hanzi::is_usual(c) => 26,
                    (
                        _,
                        '\u{3000}'..='\u{3002}'
                        | '\u{3008}'..='\u{3011}'
                        | '\u{FF01}'..='\u{FF5E}'
                        | '“'
                        | '”'
                        | '·'
                        | '—'
                        | '…',
                    ) => 15,
                    (0xB0..=0xD7, _) if n == 2 && bytes[at + 1] > 0xA0 => 0,
                    (0xA1..=0xA3, _) if n == 2 && bytes[at + 1] > 0xA0 => 5,
                    (0xD8..=0xF7, _) if n == 2 && bytes[at + 1] > 0xA0 => -8,
                    (_, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{3FFFF}') => -15,
                    (_, '\u{E000}'..='\u{F8FF}') => -40,
                    (0xA4..=0xA9, _) => -10,
                    _ => -30,
                });
                at += n;
            }
            Next::Malformed(n) => {
                score.add(MALFORMED);
                at += n;
            }
            Next::Incomplete => break,
        }
    }
    score
}

/// The other encodings of East Asia, by the characters that come out.
fn east(bytes: &[u8], encoding: &'static Encoding) -> Score {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let kana = encoding != BIG5;
    let mut score = Score::default();
    for c in text.chars().filter(|c| !c.is_ascii()) {
        score.add(match c {
            '\u{FFFD}' => MALFORMED,
            '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FC}' => {
                if kana {
                    35
                } else {
                    -20
                }
            }
            '\u{3000}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{FF01}'..='\u{FF5E}' => 8,
            _ if hanzi::is_usual(c) => {
                if kana {
                    12
                } else {
                    26
                }
            }
            '\u{4E00}'..='\u{9FFF}' => {
                if kana {
                    -3
                } else {
                    -12
                }
            }
            '\u{FF61}'..='\u{FF9F}' => -20,
            '\u{E000}'..='\u{F8FF}' => -40,
            _ => -15,
        });
    }
    score
}

/// EUC-KR: usual syllables in their standard places. The places that Microsoft added hold what is hardly ever written.
fn korean(bytes: &[u8]) -> Score {
    let mut score = Score::default();
    let mut at = 0;
    while let Some(skip) = bytes[at..].iter().position(|b| !b.is_ascii()) {
        at += skip;
        let Some(pair) = bytes.get(at..at + 2) else { break };
        at += 2;
        let text = EUC_KR.decode_without_bom_handling_and_without_replacement(pair).unwrap_or_default();
        score.add(match text.chars().next() {
            Some('\u{AC00}'..='\u{D7A3}') if pair[1] < 0xA1 => -25,
            Some(c @ '\u{AC00}'..='\u{D7A3}') => {
                if SYLLABLES.contains(c) {
                    22
                } else {
                    0
                }
            }
            Some('\u{3000}'..='\u{3002}' | '\u{FF01}'..='\u{FF5E}' | '·') => 5,
            Some(_) => -25,
            None => MALFORMED,
        });
    }
    score
}

/// The usual syllables of Korean.
const SYLLABLES: &str = "이다는에의가을를고하로은지사기한대도자리시어나인일서해부전정수스과상제주보아그동장원조구여경공와국으유세만오면비었들있것소성안\
    우라마미생신위방무게용적간중했계치년화문학선차울산양진행속관터모번호름록량운강북남별연체니습까요거내데때등단달당더된드르려력러민반발법변본분불실식심양업없역열영예외요음입작재점종죄직집천청최출통트특판평표필할함합현형회후김박윤임홍길순희철";

/// Single-byte encodings of other scripts: Cyrillic, Greek, Hebrew, Arabic, Thai.
fn other_script(bytes: &[u8]) -> Option<Charset> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    (guess.is_single_byte() && single::reads_as_script(bytes, guess)).then_some(Charset::Other(guess))
}

/// Text with a few bytes that no encoding explains.
fn mostly_ascii(bytes: &[u8]) -> Option<Charset> {
    let high = bytes.iter().filter(|b| !b.is_ascii()).count();
    let controls = bytes.iter().filter(|&&b| is_foreign(b)).count();
    let words = bytes.iter().filter(|&&b| b.is_ascii_alphanumeric() || b.is_ascii_whitespace()).count();
    (bytes.len() >= 64 && high * 32 <= bytes.len() && controls * 400 <= bytes.len() && words * 10 >= bytes.len() * 6)
        .then_some(Charset::Other(WINDOWS_1252))
}

#[cfg(test)]
mod tests;
