//! The surroundings of a candidate, as the recognisers of identifiers ask for them.

use crate::recogniser::{Candidate, Place};

use super::labels::{self, Labels};

/// Labels that a candidate's column or the word before it carries.
pub(crate) fn labels_of(c: &Candidate<'_>) -> Labels {
    labels_at(c, c.start)
}

/// The same for a value that begins at `start`.
pub(crate) fn labels_at(c: &Candidate<'_>, start: usize) -> Labels {
    let before = text_before(c, start);
    let word = labels::before(before);
    match c.place {
        Place::Cell { name, start: cell, .. } => {
            let column = labels::of(name);
            // Inside a longer value the word before it says more than the column.
            if word != Labels::NONE && start > cell + 1 { word } else { column }
        }
        _ => word,
    }
}

/// The text before a position that belongs to it: of the same cell, of the same line or stretch.
pub(crate) fn text_before<'a>(c: &Candidate<'a>, start: usize) -> &'a str {
    let from = match c.place {
        Place::Cell { start: cell, .. } => cell.min(start),
        _ => 0,
    };
    let text = c.text.get(from..start).unwrap_or("");
    text.rsplit('\u{1f}').next().unwrap_or(text)
}

/// The text after a position that belongs to it, at most 1 KiB.
pub(crate) fn text_after<'a>(c: &Candidate<'a>, end: usize) -> &'a str {
    let to = match c.place {
        Place::Cell { end: cell, .. } => cell.max(end),
        _ => c.text.len(),
    };
    let text = labels::head(c.text.get(end..to).unwrap_or(""), 1 << 10);
    text.split('\u{1f}').next().unwrap_or(text)
}

/// The part of the line before a position, at most 200 bytes.
pub(crate) fn line_before<'a>(c: &Candidate<'a>, start: usize) -> &'a str {
    let text = labels::tail(text_before(c, start), 200);
    text.rsplit('\n').next().unwrap_or(text)
}

/// The part of the line after a position, at most 200 bytes.
pub(crate) fn line_after<'a>(c: &Candidate<'a>, end: usize) -> &'a str {
    let text = labels::head(text_after(c, end), 200);
    text.split('\n').next().unwrap_or(text)
}

/// Whether the span is the whole value of a cell, blanks and quotes aside.
pub(crate) fn whole_cell(c: &Candidate<'_>, start: usize, end: usize) -> bool {
    let Place::Cell { start: from, end: to, .. } = c.place else { return false };
    let blank = |s: &str| s.chars().all(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'));
    from <= start && end <= to && c.text.get(from..start).is_some_and(blank) && c.text.get(end..to).is_some_and(blank)
}

/// Whether the line around a span holds Chinese.
pub(crate) fn chinese_line(c: &Candidate<'_>, start: usize, end: usize) -> bool {
    line_before(c, start).chars().chain(line_after(c, end).chars()).any(labels::is_han)
}

/// Whether the artifact is source code, a script or markup by its extension: numbers in it are constants more often than not.
pub(crate) fn is_source(c: &Candidate<'_>) -> bool {
    const SOURCE: &str = "makefile dockerfile rs c h cc cpp cxx hpp hh py pyi js mjs cjs ts tsx jsx java kt go rb php pl pm t sh bash zsh lua swift m mm cs fs vb scala clj hs \
        ml mli el erl ex exs r jl dart zig nim s asm v sv vhd cmake mk am ac m4 in pro gradle groovy css scss less vue svelte tcl awk sed \
        vim proto thrift idl lock d f90 f pas ads adb lisp scm rkt ipynb wat td cfg toml map po pot";
    !c.extension.is_empty() && SOURCE.split(' ').any(|e| e == c.extension)
}

/// Whether the neighbouring words on the line are bare numbers too: a table, a vector, a dump.
pub(crate) fn among_numbers(c: &Candidate<'_>, start: usize, end: usize) -> bool {
    let cut = |ch: char| ch.is_whitespace() || matches!(ch, ',' | ';' | '|' | '[' | ']' | '(' | ')' | '{' | '}');
    let number = |w: &str| {
        let w = w.trim_matches(['"', '\'']);
        !w.is_empty()
            && w.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'))
            && w.bytes().any(|b| b.is_ascii_digit())
    };
    let before = line_before(c, start).trim_end_matches(cut).rsplit(cut).next().is_some_and(number);
    let after = line_after(c, end).trim_start_matches(cut).split(cut).next().is_some_and(number);
    (before && after)
        || ((before || after) && !chinese_line(c, start, end) && {
            let rest = line_before(c, start).trim();
            let tail = line_after(c, end).trim();
            rest.split(cut).chain(tail.split(cut)).filter(|w| !w.is_empty()).all(number)
        })
}

/// Whether the word before or after is a bare number.
pub(crate) fn beside_number(c: &Candidate<'_>, start: usize, end: usize) -> bool {
    let number = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit());
    let before = line_before(c, start).trim_end_matches(' ').rsplit([' ', '\t']).next().is_some_and(number);
    let after = line_after(c, end).trim_start_matches(' ').split([' ', '\t']).next().is_some_and(number);
    before || after
}
