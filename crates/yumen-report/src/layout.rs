//! Text in columns: display width with double-width characters, line breaking, shortening. No colour here.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// Characters that move the cursor, hide themselves or turn the reading order.
fn unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{061C}' | '\u{180E}' | '\u{00AD}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Characters that change the width or look of the one before.
fn selector(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{20E3}')
}

/// Text that is safe to show on a terminal or page: what could move the cursor or hide something is spelled out as `<U+001B>`; a tab or a
/// line break is a space.
pub(crate) fn clean(s: &str) -> Cow<'_, str> {
    if !s.chars().any(|c| unsafe_to_show(c) || selector(c)) {
        return Cow::Borrowed(s);
    }
    let mut out = String::with_capacity(s.len() + 16);
    for c in s.chars() {
        match c {
            '\t' | '\n' | '\r' => out.push(' '),
            c if selector(c) => {}
            c if unsafe_to_show(c) => {
                let _ = write!(out, "<U+{:04X}>", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Columns that a text takes.
pub(crate) fn width(s: &str) -> usize {
    s.chars().map(char_width).sum()
}

/// The longest head that fits into `columns`, in bytes.
fn head(s: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, c) in s.char_indices() {
        used += char_width(c);
        if used > columns {
            return at;
        }
    }
    s.len()
}

/// Whether a text takes at most so many columns. Reads no further than it must.
pub(crate) fn fits(s: &str, columns: usize) -> bool {
    head(s, columns) == s.len()
}

/// The text, cut at the end with `…` if it takes more than `columns`.
pub(crate) fn fit(s: &str, columns: usize) -> Cow<'_, str> {
    if fits(s, columns) {
        return Cow::Borrowed(s);
    }
    let mut out = s[..head(s, columns.saturating_sub(1))].to_owned();
    if columns > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// A path, cut in the middle with `…` if it takes more than `columns`: the container it begins in and the name it ends in both count.
pub(crate) fn fit_path(s: &str, columns: usize) -> Cow<'_, str> {
    if fits(s, columns) {
        return Cow::Borrowed(s);
    }
    let front = head(s, columns.saturating_sub(1) / 3);
    let room = columns.saturating_sub(1).saturating_sub(width(&s[..front]));
    let mut used = 0;
    let mut back = s.len();
    for (at, c) in s.char_indices().rev() {
        used += char_width(c);
        if used > room {
            break;
        }
        back = at;
    }
    let mut out = s[..front].to_owned();
    if columns > 0 {
        out.push('…');
    }
    out.push_str(&s[back.max(front)..]);
    Cow::Owned(out)
}

/// The text with spaces behind it up to `columns`.
pub(crate) fn pad(s: &str, columns: usize) -> String {
    let mut out = s.to_owned();
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(s))));
    out
}

/// The text with spaces before it up to `columns`.
pub(crate) fn pad_left(s: &str, columns: usize) -> String {
    let mut out = " ".repeat(columns.saturating_sub(width(s)));
    out.push_str(s);
    out
}

/// May not begin a line.
fn closing(c: char) -> bool {
    "，。、；：？）》」』】〉”’％…,.;:)]}".contains(c)
}

/// May not end a line.
fn opening(c: char) -> bool {
    "（《「『【〈“‘([{".contains(c)
}

/// Splits a text into pieces between which a line may break; a piece begins with its spaces.
fn pieces(s: &str) -> Vec<&str> {
    let mut cuts = vec![0];
    let mut before: Option<char> = None;
    for (at, c) in s.char_indices() {
        if let Some(b) = before {
            let space = c == ' ' && b != ' ';
            let cjk = (char_width(c) == 2 || char_width(b) == 2) && b != ' ' && c != ' ' && !closing(c) && !opening(b);
            if space || cjk {
                cuts.push(at);
            }
        }
        before = Some(c);
    }
    cuts.push(s.len());
    cuts.windows(2).map(|w| &s[w[0]..w[1]]).filter(|p| !p.is_empty()).collect()
}

/// Breaks a text into lines of at most `columns` (at least one character each). Breaks at spaces and between Chinese characters; a word that
/// is longer than a line is cut, after a `/` where there is one.
pub(crate) fn wrap(s: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for piece in pieces(s) {
        let mut piece = if used == 0 { piece.trim_start_matches(' ') } else { piece };
        if used > 0 && !fits(piece, columns - used) {
            piece = piece.trim_start_matches(' ');
            // A word longer than a line begins on this one if there is good room left: a path after a short label.
            if fits(piece, columns) || columns - used < columns / 2 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            } else {
                line.push(' ');
                used += 1;
            }
        }
        while !fits(piece, columns - used) {
            let mut cut = head(piece, columns - used);
            if let Some(slash) = piece[..cut].rfind('/')
                && slash + 1 > cut / 2
            {
                cut = slash + 1;
            }
            if cut == 0 {
                if used == 0 {
                    cut = piece.chars().next().map_or(piece.len(), char::len_utf8);
                } else {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                    continue;
                }
            }
            line.push_str(&piece[..cut]);
            piece = &piece[cut..];
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        line.push_str(piece);
        used += width(piece);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    for line in &mut lines {
        line.truncate(line.trim_end_matches(' ').len());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn control_and_direction_characters_are_spelled_out() {
        assert_eq!(clean("a\u{1b}[31mb\nc"), "a<U+001B>[31mb c");
        assert_eq!(clean("exe\u{202e}txt"), "exe<U+202E>txt");
        assert!(matches!(clean("车主.csv"), Cow::Borrowed(_)));
    }

    #[test]
    fn text_is_cut_by_columns_not_characters() {
        assert_eq!(fit("车主信息", 5), "车主…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit_path("ota.zip!/system.img!/etc/keys/a.pem", 20), "ota.zi…etc/keys/a.pem".replace("…e", "…"));
        assert_eq!(pad("车", 4), "车  ");
        assert_eq!(pad_left("车", 4), "  车");
    }

    #[test]
    fn chinese_breaks_between_characters_and_not_before_a_stop() {
        assert_eq!(wrap("发现私钥，请移除。", 8), ["发现私", "钥，请移", "除。"]);
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("", 10), [""]);
    }

    #[test]
    fn long_words_are_cut_after_a_slash() {
        assert_eq!(wrap("ota.zip!/system/etc/keys/a.pem", 20), ["ota.zip!/system/etc/", "keys/a.pem"]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_and_no_text_is_lost(s in "[a-z/ 车主，。（）]{0,80}", columns in 4usize..40) {
            let lines = wrap(&s, columns);
            for line in &lines {
                prop_assert!(line.width() <= columns, "{line:?} at {columns}");
            }
            let bare = |s: &str| s.replace(' ', "");
            prop_assert_eq!(bare(&lines.concat()), bare(&s));
        }

        #[test]
        fn any_text_fits(s in "\\PC{0,60}", columns in 0usize..30) {
            let s = clean(&s);
            prop_assert!(fit(&s, columns).width() <= columns);
            prop_assert!(fit_path(&s, columns).width() <= columns);
            for line in wrap(&s, columns.max(2)) {
                prop_assert!(line.width() <= columns.max(2));
            }
        }
    }
}
