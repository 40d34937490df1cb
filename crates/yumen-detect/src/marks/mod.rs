//! Marks on documents: secrecy levels, export control, map review numbers. A mark is told by its position and form; a word in a sentence is none.

mod export;
mod line;
mod review;
mod secrecy;

/// The recognisers of this family.
pub const RECOGNISERS: &[&dyn crate::Recogniser] =
    &[&secrecy::Chinese, &secrecy::English, &export::ExportControl, &review::ReviewNumber];

#[cfg(test)]
pub(super) mod testing {
    use crate::{Candidate, Match, Place, Recogniser, Run};

    /// Every match of a recogniser in a text, as the scanner would ask for them; of overlapping ones the surest.
    pub(crate) fn all<'a>(
        recogniser: &dyn Recogniser,
        text: &'a str,
        place: Place<'a>,
        extension: &'a str,
    ) -> Vec<Match> {
        let mut out = Vec::new();
        let mut ask = |start: usize, end: usize, run: Option<Run>, literal: Option<usize>| {
            let format = "text";
            recogniser
                .examine(&Candidate { text, start, end, run, literal, place, format, extension, file: "" }, &mut out);
        };
        let lower = text.to_ascii_lowercase();
        for (i, literal) in recogniser.literals().iter().enumerate() {
            for (at, found) in lower.match_indices(&literal.to_ascii_lowercase()) {
                ask(at, at + found.len(), None, Some(i));
            }
        }
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let len = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
            if len > 0 {
                let count = |f: fn(&u8) -> bool| bytes[at..at + len].iter().filter(|b| f(b)).count();
                let run = Run {
                    len,
                    digits: count(u8::is_ascii_digit),
                    upper: count(u8::is_ascii_uppercase),
                    lower: count(u8::is_ascii_lowercase),
                    fraction: at > 1 && bytes[at - 1] == b'.' && bytes[at - 2].is_ascii_digit(),
                };
                if recogniser.wants(&run) {
                    ask(at, at + len, Some(run), None);
                }
            }
            at += len.max(1);
        }
        out.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then((b.end - b.start).cmp(&(a.end - a.start))));
        let mut kept: Vec<Match> = Vec::new();
        for m in out {
            assert!(m.start < m.end && text.is_char_boundary(m.start) && text.is_char_boundary(m.end));
            if kept.iter().all(|k| m.end <= k.start || m.start >= k.end) {
                kept.push(m);
            }
        }
        kept.sort_by_key(|m| m.start);
        kept
    }
}
