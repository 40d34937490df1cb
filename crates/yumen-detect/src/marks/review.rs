//! Map review numbers (审图号): `GS(2019)1822号`, since 2022 also `GS京(2022)0001号` for provinces, before that `京S(2020)012号` (地图审核管理规定).

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use crate::{Candidate, Match, Place, Recogniser};

/// A number with the words 审图号 before it, or in its exact form with `号`.
pub(super) struct ReviewNumber;

/// Short names of the provinces, as on licence plates.
const PROVINCES: &str = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川黔贵滇云藏陕秦甘陇青宁新";

const LITERALS: &[&str] = &[
    "审图号",
    "S(20",
    "S（20",
    "S (20",
    "S （20",
    "S〔20",
    "S[20",
    "GS京",
    "GS津",
    "GS冀",
    "GS晋",
    "GS蒙",
    "GS辽",
    "GS吉",
    "GS黑",
    "GS沪",
    "GS苏",
    "GS浙",
    "GS皖",
    "GS闽",
    "GS赣",
    "GS鲁",
    "GS豫",
    "GS鄂",
    "GS湘",
    "GS粤",
    "GS桂",
    "GS琼",
    "GS渝",
    "GS川",
    "GS黔",
    "GS贵",
    "GS滇",
    "GS云",
    "GS藏",
    "GS陕",
    "GS秦",
    "GS甘",
    "GS陇",
    "GS青",
    "GS宁",
    "GS新",
];

/// Length of a number at the head of `text`, and whether it ends with 号.
fn number(text: &str) -> Option<(usize, bool)> {
    let mut rest = text;
    let blank = |t: &mut &str| *t = t.trim_start_matches(' ');
    let province = |t: &mut &str| -> bool {
        let c = t.chars().next().filter(|c| PROVINCES.contains(*c));
        if let Some(c) = c {
            *t = &t[c.len_utf8()..];
        }
        c.is_some()
    };
    let local = province(&mut rest);
    blank(&mut rest);
    let state = rest.strip_prefix('G').filter(|_| !local);
    rest = state.unwrap_or(rest).strip_prefix('S')?;
    if state.is_none() && !local {
        return None;
    }
    blank(&mut rest);
    if state.is_some() {
        province(&mut rest);
        blank(&mut rest);
    }
    rest = rest.strip_prefix(['(', '（', '〔', '['])?;
    blank(&mut rest);
    let digits = |t: &str| t.bytes().take_while(u8::is_ascii_digit).count();
    if digits(rest) != 4 || !(rest.starts_with("19") || rest.starts_with("20")) {
        return None;
    }
    rest = rest[4..].trim_start_matches([' ', '年']).strip_prefix([')', '）', '〕', ']'])?;
    blank(&mut rest);
    let n = digits(rest);
    if !(1..=6).contains(&n) {
        return None;
    }
    rest = &rest[n..];
    let end = rest.trim_start_matches(' ').strip_prefix('号');
    Some((text.len() - end.unwrap_or(rest).len(), end.is_some()))
}

impl Recogniser for ReviewNumber {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::GEO_REVIEW_NUMBER]
    }

    fn literals(&self) -> &'static [&'static str] {
        LITERALS
    }

    fn examine(&self, candidate: &Candidate<'_>, out: &mut Vec<Match>) {
        let text = candidate.text;
        let start = if candidate.literal == Some(0) {
            let after = candidate.after();
            let skipped = after.trim_start_matches([' ', ':', '：', '为', '\u{3000}', '"', '\'', '>', '\t']);
            candidate.end + (after.len() - skipped.len()).min(24)
        } else {
            // The letters before `S(`: a G or a province.
            let mut start = candidate.start;
            if candidate.literal <= Some(6) {
                let before = candidate.before();
                match before.trim_end_matches(' ').chars().next_back() {
                    Some('G') if before.ends_with('G') => start -= 1,
                    Some(c) if PROVINCES.contains(c) => start = before.trim_end_matches(' ').len() - c.len_utf8(),
                    _ => return,
                }
            }
            start
        };
        let Some((len, closed)) = text.get(start..).and_then(number) else { return };
        let before = text[..start].trim_end_matches([' ', ':', '：', '为', '\u{3000}', '"', '\'', '>', '\t']);
        let in_column =
            matches!(candidate.place, Place::Cell { name, .. } if name.contains("审图号") || name.contains("审核号"));
        let told = before.ends_with("审图号") || before.ends_with("审核号") || in_column;
        let glued = text[..start].chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric());
        if !told && (!closed || glued || candidate.place == Place::Binary) {
            return;
        }
        out.push(Match {
            kind: kinds::GEO_REVIEW_NUMBER,
            start,
            end: start + len,
            confidence: if told { 0.98 } else { 0.9 },
            mask: Mask::Ends(4, 1),
            distinct: Vec::new(),
            collect: Vec::new(),
            identifier: None,
            position: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::testing::all;

    fn found(text: &str) -> Vec<&str> {
        all(&ReviewNumber, text, Place::Prose, "txt").iter().map(|m| &text[m.start..m.end]).collect()
    }

    #[test]
    fn numbers_of_all_times_and_brackets_are_found() {
        for (text, number) in [
            ("审图号：GS(2019)1822号", "GS(2019)1822号"),
            ("审图号 GS（2021）5448号。", "GS（2021）5448号"),
            ("底图来自标准地图服务，审图号:GS京(2022)0001号", "GS京(2022)0001号"),
            ("京S(2020)012号", "京S(2020)012号"),
            ("审图号：粤S（2019）064号", "粤S（2019）064号"),
            ("GS (2020) 4630 号", "GS (2020) 4630 号"),
            ("审图号: GS(2016)2923", "GS(2016)2923"),
            ("(GS〔2023〕12号)", "GS〔2023〕12号"),
        ] {
            assert_eq!(found(text), [number], "{text}");
        }
    }

    #[test]
    fn calls_and_other_numbers_are_not() {
        for text in [
            "gs(2019)",
            "flags(2019)12",
            "fs(2020)",
            "GS(2019)1822",
            "京S12345",
            "审图号：待定",
            "GS(1234)567号",
            "S(2020)012号",
            "IDS(2020)12号",
        ] {
            assert_eq!(found(text), [] as [&str; 0], "{text}");
        }
    }
}
