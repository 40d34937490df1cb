//! Export-control marks: classification numbers of the Export Administration Regulations (`ECCN 3A001.a`, `EAR99`), ITAR and USML
//! statements, and of China's list of dual-use items (两用物项出口管制清单, codes of the same shape).

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use crate::{Candidate, Match, Place, Recogniser, Run};

/// A word of export control with a classification number, or a statement of control. The words alone, in prose, are none.
pub(super) struct ExportControl;

const LITERALS: &[&str] = &["eccn", "ear99", "itar", "usml", "出口管制", "两用物项", "export control classification"];
/// Bytes after a word in which its number must stand.
const REACH: usize = 48;

/// Length of a classification number (`3A001`, `3A001.a.1`, `5D002.c.1`) at the head of `text`.
fn code(text: &str) -> Option<usize> {
    let b = text.as_bytes();
    let shape = b.len() >= 5
        && b[0].is_ascii_digit()
        && matches!(b[1], b'A'..=b'E')
        && b[2..5].iter().all(u8::is_ascii_digit)
        && !b.get(5).is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'-' || *c == b'_');
    if !shape {
        return None;
    }
    let mut len = 5;
    while b.get(len) == Some(&b'.') && b.get(len + 1).is_some_and(u8::is_ascii_alphanumeric) {
        let part = b[len + 1..].iter().take_while(|c| c.is_ascii_alphanumeric()).count();
        if part > 2 {
            break;
        }
        len += 1 + part;
    }
    Some(len)
}

/// Where a classification number begins within reach, and its length.
fn code_within(text: &str) -> Option<(usize, usize)> {
    let window = &text[..text.floor_char_boundary(REACH.min(text.len()))];
    window.char_indices().find_map(|(i, _)| {
        let glued =
            window[..i].chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if glued { None } else { code(&text[i..]).map(|n| (i, n)) }
    })
}

/// Published cryptography is told of in every other open-source read-me; that statement controls nothing.
fn published_cryptography(candidate: &Candidate<'_>, code: &str) -> bool {
    let b = candidate.before();
    let near = [&b[b.ceil_char_boundary(b.len().saturating_sub(250))..], {
        let a = candidate.after();
        &a[..a.floor_char_boundary(400.min(a.len()))]
    }]
    .concat()
    .to_ascii_lowercase();
    (code.starts_with("5D002") || code.starts_with("5D992")) && near.contains("crypt")
}

impl Recogniser for ExportControl {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::DOC_EXPORT_CONTROL]
    }

    fn literals(&self) -> &'static [&'static str] {
        LITERALS
    }

    fn wants(&self, run: &Run) -> bool {
        run.len == 5 && run.digits == 4 && run.upper == 1
    }

    fn examine(&self, candidate: &Candidate<'_>, out: &mut Vec<Match>) {
        if candidate.place == Place::Binary || candidate.place == Place::Name {
            return;
        }
        let (before, after) = (candidate.before(), candidate.after());
        let mut found = |start: usize, end: usize, confidence: f64| {
            out.push(Match {
                kind: kinds::DOC_EXPORT_CONTROL,
                start,
                end,
                confidence,
                mask: Mask::Label("[export-control]"),
                distinct: Vec::new(),
                collect: Vec::new(),
                identifier: None,
                position: None,
            });
        };
        if candidate.run.is_some() && candidate.literal.is_none() {
            // A column of classification numbers.
            if let Place::Cell { name, start, .. } = candidate.place {
                let name = name.to_ascii_lowercase();
                let named = ["eccn", "出口管制", "两用物项", "管制编码", "export_control", "exportcontrol"]
                    .iter()
                    .any(|w| name.contains(w));
                if named
                    && start == candidate.start
                    && let Some(n) = code(&candidate.text[candidate.start..])
                {
                    found(candidate.start, candidate.start + n, 0.9);
                }
            }
            return;
        }
        let word_before = before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let word_after = after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let upper = !candidate.value().bytes().any(|b| b.is_ascii_lowercase());
        match candidate.literal {
            Some(0 | 6) if !word_before && (upper || candidate.literal == Some(6)) => {
                if let Some((at, n)) = code_within(after) {
                    let start = candidate.end + at;
                    if !published_cryptography(candidate, &candidate.text[start..start + n]) {
                        found(start, start + n, 0.9);
                    }
                }
            }
            Some(1) if upper && !word_before && !word_after => found(candidate.start, candidate.end, 0.8),
            Some(2) if upper && !word_before && !word_after => {
                let next = after.trim_start_matches([' ', '-']).to_ascii_lowercase();
                let controlled =
                    ["controlled", "restricted", "technical data", "category", "§"].iter().any(|w| next.starts_with(w));
                let prev = before.trim_end().to_ascii_lowercase();
                let subject = prev.ends_with("subject to")
                    || prev.ends_with("subject to the")
                    || prev.ends_with("controlled under")
                    || prev.ends_with("controlled by");
                if controlled || subject {
                    found(candidate.start, candidate.end, 0.8);
                }
            }
            Some(3) if upper && !word_before && !word_after => {
                let next = after.trim_start().to_ascii_lowercase();
                let roman = |t: &str| t.trim_start().starts_with(['i', 'v', 'x']);
                if next.strip_prefix("category").is_some_and(roman) || next.strip_prefix("cat.").is_some_and(roman) {
                    found(candidate.start, candidate.end, 0.8);
                }
            }
            Some(4 | 5) => {
                if let Some((at, n)) = code_within(after) {
                    found(candidate.end + at, candidate.end + at + n, 0.85);
                } else if candidate.literal == Some(4) && super::line::Line::of(candidate).bracketed() {
                    found(candidate.start, candidate.end, 0.6);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::testing::all;

    fn count(text: &str) -> usize {
        all(&ExportControl, text, Place::Prose, "txt").len()
    }

    #[test]
    fn numbers_and_statements_are_found() {
        for text in [
            "ECCN: 3A001.a.5",
            "Export Control Classification Number (ECCN) 4A994",
            "Classification: EAR99",
            "This drawing is ITAR controlled.",
            "technical data subject to the ITAR (22 CFR 120-130)",
            "USML Category XI(c)",
            "出口管制编码：3A090",
            "两用物项编码 1C350.d",
            "【出口管制】传感器图纸",
        ] {
            assert_eq!(count(text), 1, "{text}");
        }
        assert_eq!(all(&ExportControl, "3A001", Place::Cell { name: "ECCN", start: 0, end: 5 }, "csv").len(), 1);
    }

    #[test]
    fn mere_words_are_not() {
        for text in [
            "the ITAR-free design",
            "guitar controlled by pedals",
            "《中华人民共和国出口管制法》",
            "两用物项清单的调整",
            "colour 3A001F and #3A0012",
            "serial 3A001",
            "year99 EAR9900",
            "This software uses cryptography classified as ECCN 5D002.C.1 and publicly available",
            "ECCN field of the form",
        ] {
            assert_eq!(count(text), 0, "{text}");
        }
        assert_eq!(all(&ExportControl, "3A001", Place::Cell { name: "part", start: 0, end: 5 }, "csv").len(), 0);
    }
}
