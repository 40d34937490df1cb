//! Runs one recogniser over text or a cell.

use yumen_model::KindId;

use crate::recogniser::{Candidate, Match, Place, Recogniser, Run};

pub(crate) struct Found {
    pub(crate) kind: KindId,
    pub(crate) value: String,
    pub(crate) confidence: f64,
    pub(crate) identifier: Option<String>,
    distinct: yumen_model::Props,
}

impl Found {
    pub(crate) fn is(&self, name: &str, value: bool) -> bool {
        self.distinct.iter().any(|(n, v)| *n == name && *v == value.into())
    }
    pub(crate) fn word(&self, name: &str) -> String {
        let value = self.distinct.iter().find(|(n, _)| *n == name).map(|(_, v)| serde_json::Value::from(v));
        value.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

pub(crate) fn found(r: &dyn Recogniser, text: &str) -> Vec<Found> {
    run(r, text, Place::Prose, "txt")
}

pub(crate) fn found_with(r: &dyn Recogniser, text: &str, extension: &str) -> Vec<Found> {
    run(r, text, Place::Prose, extension)
}

pub(crate) fn found_in(r: &dyn Recogniser, column: &str, value: &str) -> Vec<Found> {
    run(r, value, Place::Cell { name: column, start: 0, end: value.len() }, "csv")
}

/// In running text of a file of this name.
pub(crate) fn found_named(r: &dyn Recogniser, text: &str, file: &str) -> Vec<Found> {
    run(r, text, Place::Prose, file)
}

fn run(r: &dyn Recogniser, text: &str, place: Place<'_>, file: &str) -> Vec<Found> {
    let extension = file.rsplit('.').next().unwrap_or(file);
    let base = Candidate { text, start: 0, end: 0, run: None, literal: None, place, format: "text", extension, file };
    let mut out: Vec<Match> = Vec::new();
    if let Place::Cell { name, .. } = place
        && r.wants_column(name)
    {
        r.examine(&Candidate { end: text.len(), ..base }, &mut out);
    }
    for (n, literal) in r.literals().iter().enumerate() {
        let lower = text.to_ascii_lowercase();
        for (at, _) in lower.match_indices(&literal.to_ascii_lowercase()) {
            r.examine(&Candidate { start: at, end: at + literal.len(), literal: Some(n), ..base }, &mut out);
        }
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let len = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        if len > 0 {
            let s = &bytes[at..at + len];
            let count = |f: fn(&u8) -> bool| s.iter().filter(|b| f(b)).count();
            let wanted = Run {
                len,
                digits: count(u8::is_ascii_digit),
                upper: count(u8::is_ascii_uppercase),
                lower: count(u8::is_ascii_lowercase),
                fraction: at >= 2 && bytes[at - 1] == b'.' && bytes[at - 2].is_ascii_digit(),
            };
            if r.wants(&wanted) {
                r.examine(&Candidate { start: at, end: at + len, run: Some(wanted), ..base }, &mut out);
            }
        }
        at += len.max(1);
    }
    out.sort_by(|a, b| (a.start, a.end).cmp(&(b.start, b.end)).then(b.confidence.total_cmp(&a.confidence)));
    out.dedup_by(|b, a| a.start == b.start && a.end == b.end && a.kind == b.kind);
    out.into_iter()
        .map(|m| Found {
            kind: m.kind,
            value: text[m.start..m.end].to_owned(),
            confidence: m.confidence,
            identifier: m.identifier,
            distinct: m.distinct,
        })
        .collect()
}
