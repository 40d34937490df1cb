//! `vehicle.plate`: number plates of GA 36-2018 and of the armed police and the forces.

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::context::labels_at;
use super::labels::{Labels, is_han};
use crate::recogniser::{Candidate, Match, Place, Recogniser};

/// Chinese number plates. The character of the province makes the candidate; how many letters follow lowers the confidence, never rejects.
pub(crate) struct Plate;

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

const LITERALS: &[&str] = &[
    "京", "津", "沪", "渝", "冀", "豫", "云", "辽", "黑", "湘", "皖", "鲁", "新", "苏", "浙", "赣", "鄂", "桂", "甘",
    "晋", "蒙", "陕", "吉", "闽", "贵", "粤", "青", "藏", "川", "宁", "琼", "WJ", "使", "民航", "军牌", "军车",
];
const WJ: usize = 31;
const EMBASSY: usize = 32;
const AVIATION: usize = 33;

struct Read {
    /// Bytes that the plate takes.
    len: usize,
    class: &'static str,
    /// Without separators, upper case.
    number: String,
    confidence: f64,
}

/// Letters and digits of plates: I and O are left out since they look like 1 and 0.
fn plate_char(b: u8) -> bool {
    b.is_ascii_digit() || (b.is_ascii_alphabetic() && !matches!(b.to_ascii_uppercase(), b'I' | b'O'))
}

/// The length of a separator: `·`, a space, a hyphen.
fn separator(text: &str) -> usize {
    match text.chars().next() {
        Some(c @ ('·' | '•' | '・' | '‧' | '∙' | '●' | '．' | '.' | '-' | ' ' | '_' | '\u{a0}' | '－' | '—')) => {
            c.len_utf8()
        }
        _ => 0,
    }
}

/// What follows the character of a province.
fn ordinary(after: &str, labelled: bool) -> Option<Read> {
    let first = separator(after).min(1) * separator(after);
    let rest = &after[first..];
    let letter = *rest.as_bytes().first()?;
    if !letter.is_ascii_alphabetic() {
        return if labelled { agricultural(rest, first) } else { None };
    }
    let gap = separator(&rest[1..]);
    let body_at = first + 1 + gap;
    let body = &after[body_at..];
    // Both a gap before and after the letter is two words.
    if first > 0 && gap > 0 {
        return None;
    }
    let n = body.bytes().take_while(|&b| plate_char(b)).count();
    let run = &body.as_bytes()[..n];
    let next = body[n..].chars().next();
    if next.is_some_and(|c| c.is_ascii_alphanumeric()) || letter.eq_ignore_ascii_case(&b'I') {
        return None;
    }
    let suffix = next.and_then(special);
    let upper: String = body[..n].to_ascii_uppercase();
    let digits = run.iter().filter(|b| b.is_ascii_digit()).count();
    let lower = body[..n].bytes().any(|b| b.is_ascii_lowercase()) || letter.is_ascii_lowercase();
    let mut number = String::from(char::from(letter.to_ascii_uppercase()));
    number.push_str(&upper);
    let (class, len, most) = match (n, suffix) {
        (4, Some((class, word))) | (5, Some((class @ ("temporary" | "police"), word))) => {
            number.push_str(word);
            (class, n + word.len(), 0.97)
        }
        (3..=5, None) if body[n..].starts_with("应急") => {
            number.push_str("应急");
            ("emergency", n + "应急".len(), 0.97)
        }
        (5, _) if letter.eq_ignore_ascii_case(&b'O') => ("police", n, 0.9),
        (5, _) => ("ordinary", n, 0.95),
        (6, _) if new_energy(upper.as_bytes()) => ("new-energy", n, 0.97),
        _ => return None,
    };
    if class == "ordinary" && digits == 0 && !labelled {
        return None;
    }
    // GB 18030, GB 2312: standards, where a province's name ends before them.
    if letter == b'G' && upper.starts_with('B') && !labelled {
        return None;
    }
    let letters = n - digits;
    let few = if class == "ordinary" && letters > 2 { 0.04 * (letters - 2) as f64 } else { 0.0 };
    let confidence = if labelled { 0.97 } else { most - few - if lower { 0.2 } else { 0.0 } };
    Some(Read { len: body_at + len, class, number, confidence })
}

/// New-energy plates: the letter first (small cars) or last (large ones).
fn new_energy(six: &[u8]) -> bool {
    let energy = |b: u8| matches!(b, b'A'..=b'H' | b'J' | b'K');
    let small = energy(six[0]) && six[2..].iter().all(u8::is_ascii_digit);
    let large = energy(six[5]) && six[..5].iter().all(u8::is_ascii_digit);
    small || large
}

/// What the last character of a plate makes of it.
fn special(c: char) -> Option<(&'static str, &'static str)> {
    Some(match c {
        '学' => ("learner", "学"),
        '警' => ("police", "警"),
        '港' => ("hk-macau", "港"),
        '澳' => ("hk-macau", "澳"),
        '挂' => ("trailer", "挂"),
        '领' => ("embassy", "领"),
        '使' => ("embassy", "使"),
        '临' => ("temporary", "临"),
        '试' => ("temporary", "试"),
        '超' => ("temporary", "超"),
        _ => return None,
    })
}

/// Tractors and harvesters (NY 345): two digits, then five; with a label only.
fn agricultural(rest: &str, first: usize) -> Option<Read> {
    let bytes = rest.as_bytes();
    let two = bytes.get(..2).is_some_and(|d| d.iter().all(u8::is_ascii_digit));
    let gap = separator(rest.get(2..)?);
    let five = rest.get(2 + gap..7 + gap)?;
    let ends = !rest[7 + gap..].starts_with(|c: char| c.is_ascii_alphanumeric());
    (two && five.bytes().all(|b| b.is_ascii_digit()) && ends).then(|| Read {
        len: first + 7 + gap,
        class: "agricultural",
        number: format!("{}{five}", &rest[..2]),
        confidence: 0.85,
    })
}

/// Armed police: `WJ京1234X`, of before 2012 `WJ31-消1234`.
fn armed_police(after: &str) -> Option<Read> {
    let mut at = separator(after);
    let province = after[at..].chars().next().filter(|&c| PROVINCES.contains(c));
    let mut number = String::from("WJ");
    if let Some(c) = province {
        number.push(c);
        at += c.len_utf8();
        at += separator(&after[at..]);
        let five = after.get(at..at + 5)?;
        if !five.bytes().all(plate_char) || five.bytes().filter(u8::is_ascii_digit).count() < 4 {
            return None;
        }
        number.push_str(&five.to_ascii_uppercase());
        at += 5;
    } else {
        let two = after.get(at..at + 2).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
        at += 2;
        let gap = separator(&after[at..]);
        let kind = after[at + gap..].chars().next()?;
        at += gap;
        // Without a Chinese character the hyphen has to be there: WJ01-12345.
        if !("消边通森金警电水交".contains(kind) || (kind.is_ascii_digit() && gap > 0)) {
            return None;
        }
        at += kind.len_utf8();
        let four = after.get(at..at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
        at += 4;
        number.push_str(two);
        number.push(kind);
        number.push_str(four);
    }
    let ends = !after[at..].starts_with(|c: char| c.is_ascii_alphanumeric());
    ends.then_some(Read { len: at, class: "armed-police", number, confidence: 0.95 })
}

/// Six digits after `使`, of embassies.
fn embassy(after: &str) -> Option<Read> {
    let at = separator(after);
    let six = after.get(at..at + 6).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let rest = &after[at + 6..];
    let ends = !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "元个人台辆名次条万米年".contains(c))
        && !matches!(rest.as_bytes(), [b'.', b'0'..=b'9', ..]);
    ends.then(|| Read { len: at + 6, class: "embassy", number: six.to_owned(), confidence: 0.8 })
}

/// Plates of the forces behind a label: two letters and five digits, `VA12345`.
fn military(after: &str) -> Option<(usize, Read)> {
    let skip = after.find(|c: char| c.is_ascii_alphabetic()).filter(|&n| n <= 12)?;
    let text = &after[skip..];
    let prefix = text.get(..2)?;
    let gap = separator(&text[2..]);
    let five = text.get(2 + gap..7 + gap)?;
    let arms = b"VKHBSLJNGCEAZ".contains(&prefix.as_bytes()[0]) && prefix.bytes().all(|b| b.is_ascii_uppercase());
    let ends = !text[7 + gap..].starts_with(|c: char| c.is_ascii_alphanumeric());
    (arms && ends && five.bytes().all(|b| b.is_ascii_digit()))
        .then(|| (skip, Read { len: 7 + gap, class: "military", number: format!("{prefix}{five}"), confidence: 0.85 }))
}

impl Recogniser for Plate {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::VEHICLE_PLATE]
    }

    fn literals(&self) -> &'static [&'static str] {
        LITERALS
    }

    fn wants_column(&self, name: &str) -> bool {
        super::labels::of(name).any(Labels::PLATE)
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        let after = c.after();
        let before = c.before();
        let (start, prefix, read) = match c.literal {
            // The value of a column that is named so: only what no character marks is left to find.
            None => {
                let Some((skip, read)) = military(c.value()) else { return };
                if skip > 0 {
                    return;
                }
                (c.start, "", Some(Read { len: read.len, ..read }))
            }
            Some(n) if n < WJ => {
                let plausible = after.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric()) || separator(after) > 0;
                // WJ京12345 is the other literal's; 更新, 最新 are words.
                if !plausible || before.ends_with("WJ") || before.ends_with("wj") {
                    return;
                }
                let labelled = labels_at(c, c.start).any(Labels::PLATE);
                let word = c.value() == "新" && before.ends_with(|p: char| "最全更创刷重翻".contains(p));
                if word && !labelled {
                    return;
                }
                (c.start, c.value(), ordinary(after, labelled))
            }
            Some(WJ) => {
                if before.ends_with(|p: char| p.is_ascii_alphanumeric()) {
                    return;
                }
                (c.start, "", armed_police(after))
            }
            Some(EMBASSY) => {
                // 大使, 公使 are words; 使100000 is a number.
                let word = before.ends_with(|p: char| "大公特天行即迫促致驱假役支指出唤差信密女节诱纵主".contains(p));
                let joined = before.ends_with(|p: char| is_han(p) && !"车辆牌号".contains(p));
                if word || after.get(2..6) == Some("0000") || (joined && separator(after) > 0) {
                    return;
                }
                (c.start, c.value(), embassy(after))
            }
            Some(AVIATION) => (c.start, c.value(), ordinary(after, false).filter(|r| r.class == "ordinary")),
            Some(_) => match military(after) {
                Some((skip, read)) => (c.end + skip, "", Some(read)),
                None => return,
            },
        };
        let Some(read) = read else { return };
        let from = if c.literal.is_some_and(|n| n <= AVIATION) { c.end } else { start };
        let class = if c.literal == Some(AVIATION) { "civil-aviation" } else { read.class };
        // Bytes of a picture read as GBK make any character; only a label makes a plate there.
        let binary = matches!(c.place, Place::Binary);
        if binary && !labels_at(c, start).any(Labels::PLATE) {
            return;
        }
        let confidence = if binary { read.confidence - 0.3 } else { read.confidence };
        out.push(Match {
            kind: kinds::VEHICLE_PLATE,
            start,
            end: from + read.len,
            confidence,
            mask: Mask::Ends(1, 1),
            distinct: vec![("country", "CN".into()), ("plate_class", class.into())],
            collect: vec![],
            identifier: Some(format!("{prefix}{}", read.number)),
            position: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, found_in};
    use super::*;

    fn plates(text: &str) -> Vec<(String, String)> {
        found(&Plate, text).into_iter().map(|f| (f.value.clone(), f.word("plate_class"))).collect()
    }

    #[test]
    fn every_class() {
        for (text, class) in [
            ("京A12345", "ordinary"),
            ("津T8ZM39", "ordinary"),
            ("辽JBJJG0", "ordinary"),
            ("京A·12345", "ordinary"),
            ("京A-12345", "ordinary"),
            ("京A 12345", "ordinary"),
            ("京·A12345", "ordinary"),
            ("闽EF15985", "new-energy"),
            ("粤BD12345", "new-energy"),
            ("沪A12345D", "new-energy"),
            ("粤Z1234港", "hk-macau"),
            ("粤Z5678澳", "hk-macau"),
            ("京A1234学", "learner"),
            ("苏B1234挂", "trailer"),
            ("鲁C1234警", "police"),
            ("沪A1234领", "embassy"),
            ("使014578", "embassy"),
            ("WJ京1234X", "armed-police"),
            ("WJ31-消1234", "armed-police"),
            ("京X1234应急", "emergency"),
            ("民航A12345", "civil-aviation"),
        ] {
            assert_eq!(plates(text), [(text.to_owned(), class.to_owned())], "{text}");
            assert_eq!(plates(&format!("车辆{text}，已到")).len(), 1, "{text} in prose");
        }
    }

    #[test]
    fn an_embassy_plate_may_follow_a_word_or_end_a_sentence() {
        assert_eq!(plates("与使663062发生剐蹭"), [("使663062".to_owned(), "embassy".to_owned())]);
        assert_eq!(plates("plate 使230381.").len(), 1);
    }

    #[test]
    fn numbers_are_normalised() {
        assert_eq!(found(&Plate, "车牌京a·d2345").len(), 1);
        assert_eq!(found(&Plate, "车牌京a·d2345x").len(), 0);
        assert_eq!(found(&Plate, "京A·12345")[0].identifier.as_deref(), Some("京A12345"));
        assert_eq!(found(&Plate, "使014578")[0].identifier.as_deref(), Some("使014578"));
    }

    #[test]
    fn words_with_the_same_characters_are_no_plates() {
        for text in [
            "全新A12345",
            "最新V10001",
            "新ISO27001",
            "南京ABC",
            "京A1234",
            "京A123456",
            "川A123456789",
            "上海WJ12345",
            "北京2008年",
            "苏GB18030",
            "新B2B平台",
            "大使123456",
            "使100000元",
            "致使123456人",
            "使 234567.5",
            "云ABCDE",
            "黑I12345",
            "京 A 12345 号",
        ] {
            assert!(plates(text).is_empty(), "{text}: {:?}", plates(text));
        }
    }

    #[test]
    fn military_numbers_need_a_label_or_a_column() {
        assert_eq!(plates("军牌VA12345"), [("VA12345".to_owned(), "military".to_owned())]);
        assert!(plates("料号VA12345").is_empty());
        assert_eq!(found_in(&Plate, "车牌号", "VA12345")[0].word("plate_class"), "military");
        assert_eq!(found_in(&Plate, "plate", "京01·12345")[0].word("plate_class"), "agricultural");
    }
}
