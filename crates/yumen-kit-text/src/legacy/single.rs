//! Single-byte encodings: letters in words, signs where they belong.

use encoding_rs::Encoding;

use super::{MALFORMED, Score};

/// Least score in total: a letter in a word of five.
pub(super) const ENOUGH: i64 = 35;

/// What ASCII adds: letters and blanks only, since words are what these letters stand in.
pub(super) fn ascii_points(bytes: &[u8]) -> i64 {
    (3 * bytes.iter().filter(|&&b| b.is_ascii_alphabetic() || matches!(b, b' ' | b'\n')).count() as i64).min(30)
}

/// windows-1252, of which ISO 8859-1 is a part: words of ASCII letters with some others among them.
pub(super) fn western(bytes: &[u8]) -> Score {
    let mut score = Score::default();
    let high = bytes.iter().filter(|b| !b.is_ascii()).count();
    if high * 10 > bytes.len() * 3 {
        score.add(MALFORMED * 100);
        return score;
    }
    for (i, &b) in bytes.iter().enumerate().filter(|(_, b)| !b.is_ascii()) {
        let before = i.checked_sub(1).map_or(b'\n', |i| bytes[i]);
        let after = bytes.get(i + 1).copied().unwrap_or(b'\n');
        score.add(match b {
            0xD7 | 0xF7 => {
                if is_gap(before) || before.is_ascii_digit() {
                    5
                } else {
                    -20
                }
            }
            0xC0..=0xFF | 0x8A | 0x8C | 0x8E | 0x9A | 0x9C | 0x9E | 0x9F => letter(b, before, after),
            // Quotes and dashes.
            0x91 | 0x93 | 0x84 | 0xAB => {
                if !before.is_ascii_alphanumeric() && !is_gap(after) {
                    12
                } else {
                    -20
                }
            }
            0x92 | 0x94 | 0xBB => {
                if !is_gap(before) || !after.is_ascii_alphanumeric() {
                    12
                } else {
                    -20
                }
            }
            0x96 | 0x97 | 0x85 | 0xB7 | 0x95 => {
                if is_gap(before) || before.is_ascii_alphanumeric() {
                    5
                } else {
                    -20
                }
            }
            // Degrees, squares, ordinals.
            0xB0 | 0xB2 | 0xB3 | 0xB9 | 0xBA | 0xAA | 0xBD | 0xBC | 0xBE | 0x99 | 0xAE | 0xB5 | 0xB1 => {
                let fits = before.is_ascii_alphanumeric() || (is_gap(before) && after.is_ascii_alphanumeric());
                if fits { 12 } else { -20 }
            }
            0xA0 => 2,
            0x80 | 0xA3 | 0xA5 | 0xA7 | 0xA9 | 0xA1 | 0xBF => {
                if is_gap(before) || after.is_ascii_digit() || before.is_ascii_digit() { 12 } else { -20 }
            }
            _ => -40,
        });
    }
    score
}

fn is_gap(b: u8) -> bool {
    b.is_ascii_whitespace() || b"\"'(),.;:/<>[]{}=|-".contains(&b)
}

fn letter(b: u8, before: u8, after: u8) -> i64 {
    let upper = matches!(b, 0xC0..=0xDE | 0x8A | 0x8C | 0x8E | 0x9F);
    let is_letter = |b: u8| b.is_ascii_alphabetic() || matches!(b, 0xC0..=0xD6 | 0xD8..=0xF6 | 0xF8..=0xFF);
    if !is_letter(before) && !is_letter(after) {
        // À, à, é, É, ó, Y and the like are words of their own; others are odd.
        return if is_gap(before) && is_gap(after) && matches!(b, 0xE0 | 0xC0 | 0xE9 | 0xC9 | 0xF3) { 8 } else { -25 };
    }
    if !before.is_ascii_alphabetic() && !after.is_ascii_alphabetic() {
        // Two of them side by side occur (créée); more are rare.
        return -5;
    }
    let clash =
        upper && before.is_ascii_lowercase() || !upper && before.is_ascii_uppercase() && after.is_ascii_uppercase();
    if clash {
        return -25;
    }
    // The usual letters of the languages of western Europe.
    match b {
        0xE0 | 0xE1 | 0xE2 | 0xE3 | 0xE4 | 0xE5 | 0xE6 | 0xE7 | 0xE8 | 0xE9 | 0xEA | 0xEB | 0xED | 0xEE | 0xEF
        | 0xF1 | 0xF3 | 0xF4 | 0xF5 | 0xF6 | 0xF8 | 0xFA | 0xFB | 0xFC | 0xDF | 0xC9 | 0xC0 | 0xC4 | 0xC5 | 0xD6
        | 0xD8 | 0xDC | 0xC7 | 0xD1 | 0xC1 | 0xD3 | 0xCD | 0xDA => 20,
        _ => 3,
    }
}

/// Whether bytes read as words of a script that is not Latin: nearly all high bytes are letters, in runs, and capitals stand where they may.
pub(super) fn reads_as_script(bytes: &[u8], encoding: &'static Encoding) -> bool {
    let (text, malformed) = encoding.decode_without_bom_handling(bytes);
    if malformed {
        return false;
    }
    let (mut high, mut letters, mut odd_case, mut pairs, mut words, mut cased) =
        (0usize, 0usize, 0usize, 0usize, 0usize, 0usize);
    let mut before = ' ';
    for c in text.chars() {
        if !c.is_ascii() {
            high += 1;
            // Vowel signs of Thai are no letters but belong to words.
            let of_word =
                c.is_alphabetic() || matches!(c, '\u{E31}'..='\u{E4E}' | '\u{5B0}'..='\u{5EA}' | '\u{64B}'..='\u{652}');
            letters += usize::from(of_word);
            words += usize::from(of_word && !before.is_alphabetic());
            cased += usize::from(c.is_lowercase() || c.is_uppercase());
            pairs += usize::from(before.is_alphabetic());
            odd_case += usize::from(c.is_uppercase() && before.is_lowercase());
        }
        before = c;
    }
    let whole = letters >= 8 && letters * 20 >= high * 19 && pairs * 2 >= letters;
    // Without capitals only the blanks between words tell; Thai sets few of them.
    let gaps = text.bytes().filter(|b| b.is_ascii_whitespace() || b.is_ascii_punctuation()).count();
    let spaced = gaps * 30 >= letters;
    let by_case = cased * 2 >= letters && odd_case * 20 <= letters && words * 2 <= letters;
    whole && (by_case && (spaced || letters <= 12) || (cased * 10 < letters && letters >= 24 && spaced))
}
