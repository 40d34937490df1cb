//! The line a candidate stands on, and whether it stands where marks stand.

use yumen_model::RecordBatch;

use crate::Candidate;
use crate::recogniser::BACK;

/// What decorates a mark or opens a comment.
const FRAME: &[char] = &[
    ' ', '\t', '\u{3000}', '【', '】', '[', ']', '(', ')', '（', '）', '《', '》', '〔', '〕', '<', '>', '*', '#', '/',
    '-', '—', '=', '_', '|', '"', '\'', ';', '!', '％', '%', '★', '\u{feff}', '\r', '\u{c}', '“', '”', '「', '」', '~',
    '+', '·', ':', '：', ',', '，', '.', '。',
];

/// A candidate's line.
pub(super) struct Line<'a> {
    /// What stands before the candidate on its line.
    pub(super) before: &'a str,
    /// What stands after it.
    pub(super) after: &'a str,
    /// Where marks stand: at the head of a document or page, or between blank lines.
    pub(super) prominent: bool,
    /// At the head of a document or page.
    pub(super) head: bool,
}

impl<'a> Line<'a> {
    pub(super) fn of(candidate: &Candidate<'a>) -> Line<'a> {
        let ends = |c: char| matches!(c, '\n' | '\r' | '\u{c}' | '\u{2028}') || c == RecordBatch::CELL_END;
        let whole = candidate.before();
        // A record of one huge line must not be walked for each word in it.
        let before = &whole[whole.ceil_char_boundary(whole.len().saturating_sub(512))..];
        let from = before.rfind(ends).map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
        let after = candidate.after();
        let after = &after[..after.floor_char_boundary(512)];
        let to = after.find(ends).unwrap_or(after.len());
        let above = &before[..from];
        let below = &after[to..];
        let page = above.trim_end_matches(['\n', '\r', ' ']).ends_with('\u{c}');
        // The window reaches BACK bytes back: a shorter one begins with the stream.
        let head = whole.len() < BACK - 8 && above.lines().filter(|l| !l.trim().is_empty()).count() <= 3;
        let blank_above = (above.is_empty() && before.len() == whole.len())
            || above.trim_end_matches([' ', '\t', '\r']).ends_with("\n\n")
            || {
                let bare = above.trim_end_matches([' ', '\t']);
                bare.strip_suffix('\n').is_some_and(|l| l.trim_end_matches([' ', '\t', '\r']).ends_with('\n'))
            };
        let mut lines = below.trim_start_matches('\r').strip_prefix('\n').unwrap_or(below).lines();
        let blank_below = below.trim().is_empty() || lines.next().is_none_or(|l| l.trim().is_empty());
        Line {
            before: &before[from..],
            after: &after[..to],
            prominent: page || head || (blank_above && blank_below),
            head: page || head,
        }
    }

    /// Nothing but frames before it.
    pub(super) fn at_start(&self) -> bool {
        self.before.trim_start_matches(FRAME).is_empty()
    }

    /// Nothing but frames after it.
    pub(super) fn at_end(&self) -> bool {
        self.after.trim_end_matches(FRAME).is_empty()
    }

    /// It stands in brackets of its own: `【机密】`.
    pub(super) fn bracketed(&self) -> bool {
        let open = self.before.trim_end().chars().next_back();
        let close = self.after.trim_start().chars().next();
        matches!(
            (open, close),
            (Some('【'), Some('】'))
                | (Some('['), Some(']'))
                | (Some('（'), Some('）'))
                | (Some('('), Some(')'))
                | (Some('〔'), Some('〕'))
        )
    }
}
