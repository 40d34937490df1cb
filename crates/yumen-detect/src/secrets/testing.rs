//! A plain driver for the tests of recognisers: every literal, every run, the text as one piece of prose or as one cell.

use crate::recogniser::{Candidate, Match, Place, Recogniser, Run};

/// The matches in a text with what they cover; of overlapping ones the surer, then the longer stays.
pub(crate) fn scan(recogniser: &dyn Recogniser, text: &str) -> Vec<(Match, String)> {
    scan_as(recogniser, text, Place::Prose, "text", "")
}

/// The matches in the value of a field.
pub(crate) fn scan_cell(recogniser: &dyn Recogniser, name: &str, value: &str) -> Vec<(Match, String)> {
    let text = format!("neighbour\u{1f}{value}\u{1f}");
    let place = Place::Cell { name, start: 10, end: 10 + value.len() };
    scan_as(recogniser, &text, place, "json", "json")
}

/// The matches in a text of a given place, format and extension.
pub(crate) fn scan_as(
    r: &dyn Recogniser,
    text: &str,
    place: Place<'_>,
    format: &str,
    extension: &str,
) -> Vec<(Match, String)> {
    let mut found = Vec::new();
    let (from, to, column) = match place {
        Place::Cell { name, start, end } => (start, end, r.wants_column(name)),
        _ => (0, text.len(), false),
    };
    let base = Candidate { text, start: from, end: to, run: None, literal: None, place, format, extension, file: "" };
    if column {
        r.examine(&base, &mut found);
    }
    let lower = text.to_ascii_lowercase();
    for (i, literal) in r.literals().iter().enumerate() {
        let literal = literal.to_ascii_lowercase();
        for (at, _) in lower.match_indices(&literal) {
            if at >= from && at + literal.len() <= to {
                r.examine(&Candidate { start: at, end: at + literal.len(), literal: Some(i), ..base }, &mut found);
            }
        }
    }
    let bytes = text.as_bytes();
    let mut at = from;
    while at < to {
        let len = bytes[at..to].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        if len > 0 {
            let of = |f: fn(&u8) -> bool| bytes[at..at + len].iter().filter(|b| f(b)).count();
            let run = Run {
                len,
                digits: of(u8::is_ascii_digit),
                upper: of(u8::is_ascii_uppercase),
                lower: of(u8::is_ascii_lowercase),
                ..Run::default()
            };
            if r.wants(&run) {
                r.examine(&Candidate { start: at, end: at + len, run: Some(run), ..base }, &mut found);
            }
        }
        at += len.max(1);
    }
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then((b.end - b.start).cmp(&(a.end - a.start))));
    let mut kept: Vec<Match> = Vec::new();
    for m in found {
        if kept.iter().all(|k| m.end <= k.start || k.end <= m.start) {
            kept.push(m);
        }
    }
    kept.sort_by_key(|m| m.start);
    kept.into_iter()
        .map(|m| {
            let s = text[m.start..m.end].to_owned();
            (m, s)
        })
        .collect()
}
