//! What a recogniser of this family may look at: never more than the scanner promises for every cut of the stream, never past the cell.

use crate::recogniser::{AHEAD, BACK, Candidate, Place};

/// The text around a candidate, bounded on both sides.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// Where the candidate begins in it.
    pub(super) start: usize,
    /// Where it ends in it.
    pub(super) end: usize,
    /// Offset of `text` in the candidate's own text.
    pub(super) base: usize,
}

impl<'a> View<'a> {
    /// The view of a candidate, with at most `ahead` bytes after it.
    pub(super) fn of(c: &Candidate<'a>, ahead: usize) -> Self {
        let (mut from, mut to) =
            (c.start.saturating_sub(BACK), c.end.saturating_add(ahead.min(AHEAD)).min(c.text.len()));
        if let Place::Cell { start, end, .. } = c.place {
            from = from.max(start);
            to = to.min(end);
        }
        from = from.min(c.start);
        to = to.max(c.end).min(c.text.len());
        while !c.text.is_char_boundary(from) {
            from += 1;
        }
        while !c.text.is_char_boundary(to) {
            to -= 1;
        }
        let text = c.text.get(from..to).unwrap_or("");
        View { text, start: c.start - from, end: c.end - from, base: from }
    }

    /// The text before the candidate.
    pub(super) fn before(&self) -> &'a str {
        self.text.get(..self.start).unwrap_or("")
    }

    /// The text after the candidate.
    pub(super) fn after(&self) -> &'a str {
        self.text.get(self.end..).unwrap_or("")
    }

    /// The candidate.
    pub(super) fn value(&self) -> &'a str {
        self.text.get(self.start..self.end).unwrap_or("")
    }
}
