//! Text that stays text in Markdown (CommonMark with tables), wherever it comes from.

use crate::layout::clean;

/// Plain text: nothing in it is taken as markup, HTML or a table's border.
pub(super) fn text(s: &str) -> String {
    let s = clean(s);
    let mut out = String::with_capacity(s.len() + 8);
    for (at, c) in s.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A heading, a list or a rule at the start of a line.
            '#' | '+' | '-' | '=' if at == 0 => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if numbers_a_list(&s, at) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Whether the mark at an offset makes the text a numbered list: digits before it, a space or nothing after it.
fn numbers_a_list(s: &str, at: usize) -> bool {
    let digits = (1..10).contains(&at) && s[..at].bytes().all(|b| b.is_ascii_digit());
    digits && matches!(s.as_bytes().get(at + 1), None | Some(b' '))
}

/// A code span, in a table or outside of one: paths, ids, digests, masked samples. Empty text gives nothing.
pub(super) fn code(s: &str) -> String {
    let s = clean(s);
    let s = s.trim();
    if s.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(s) + 1);
    let gap = if s.starts_with('`') || s.ends_with('`') { " " } else { "" };
    // The border of a table is seen before the code span is, so it is escaped inside of it too.
    format!("{fence}{gap}{}{gap}{fence}", s.replace('|', "\\|"))
}

/// A fenced block of YAML.
pub(super) fn block(lines: &[&str]) -> String {
    let longest = lines.iter().map(|l| longest_run(l)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut out = format!("{fence}yaml\n");
    for line in lines {
        out.push_str(&clean(line));
        out.push('\n');
    }
    out.push_str(&fence);
    out.push('\n');
    out
}

fn longest_run(s: &str) -> usize {
    s.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_stays_text() {
        assert_eq!(
            text("a|b `c` <img src=x> *d* & [e](f)"),
            "a\\|b \\`c\\` &lt;img src=x&gt; \\*d\\* &amp; \\[e\\](f)"
        );
        assert_eq!(text("# not a heading"), "\\# not a heading");
        assert_eq!(text("1. not a list"), "1\\. not a list");
        assert_eq!(text("2026-11-23"), "2026-11-23");
        assert_eq!(text("0.1.0"), "0.1.0");
        assert_eq!(text("a\nb\u{1b}"), "a b&lt;U+001B&gt;");
    }

    #[test]
    fn code_spans_hold_their_ticks_and_bars() {
        assert_eq!(code("a.pem"), "`a.pem`");
        assert_eq!(code("a`b|c"), "``a`b\\|c``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(" "), "");
        assert_eq!(block(&["a: ```"]), "````yaml\na: ```\n````\n");
    }

    proptest! {
        #[test]
        fn nothing_breaks_out(s in "[a-z|`<>&\\\\\n*]{0,40}") {
            let plain = text(&s);
            prop_assert!(!plain.contains(['<', '>', '\n']));
            let mut before = ' ';
            let mut escaped = false;
            for c in plain.chars() {
                escaped = before == '\\' && !escaped;
                prop_assert!(escaped || !matches!(c, '|' | '`' | '*'), "{plain}");
                before = c;
            }
            let span = code(&s);
            prop_assert!(!span.contains('\n'));
            prop_assert!(span.split('|').rev().skip(1).all(|part| part.ends_with('\\')), "{span}");
        }
    }
}
