//! YAML snippets on a narrow page: folded so that they still parse to the same thing when pasted.

use crate::layout::{clean, fits, width, wrap};

/// A snippet as lines of at most `columns`. Flow mappings break after a comma and double-quoted text at an escaped line end, both of which
/// YAML reads as if nothing had happened; comments become several comments. What else is too long is cut (rare: a bare long word).
pub(crate) fn fold(snippet: &str, columns: usize) -> Vec<String> {
    let mut out = Vec::new();
    for line in snippet.lines() {
        fold_line(&clean(line), columns.max(16), &mut out);
    }
    out
}

fn fold_line(line: &str, columns: usize, out: &mut Vec<String>) {
    let line = line.trim_end();
    if fits(line, columns) {
        out.push(line.to_owned());
        return;
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let indent = indent.min(columns / 2);
    if let Some(comment) = line.trim_start_matches(' ').strip_prefix('#') {
        for part in wrap(comment.trim(), columns - indent - 2) {
            out.push(format!("{}# {part}", " ".repeat(indent)));
        }
        return;
    }
    // A comment behind the value goes on lines of its own, before it.
    let body = match comment_start(line) {
        Some(at) if !line[..at].trim().is_empty() => {
            fold_line(&format!("{}{}", " ".repeat(indent), &line[at..]), columns, out);
            line[..at].trim_end()
        }
        _ => line,
    };
    let hang = " ".repeat((indent + 6).min(columns / 2));
    let mut rest = body.to_owned();
    let mut state = State::default();
    while !fits(&rest, columns) {
        let Some((at, quoted, next)) = cut(&rest, columns, state) else { break };
        let (head, tail) = rest.split_at(at);
        // Inside of quotes a backslash ends the line, and leading spaces of the next are dropped unless escaped.
        let (end, start) = match quoted {
            true => ("\\", if tail.starts_with(' ') { "\\" } else { "" }),
            false => ("", ""),
        };
        out.push(format!("{}{end}", head.trim_end_matches(if quoted { '\0' } else { ' ' })));
        let tail = if quoted { tail } else { tail.trim_start_matches(' ') };
        rest = format!("{hang}{start}{tail}");
        state = next;
    }
    if fits(&rest, columns) {
        out.push(rest);
    } else {
        out.extend(wrap(&rest, columns));
    }
}

/// Where a line stands in YAML's flow style.
#[derive(Clone, Copy)]
struct State {
    depth: u32,
    quote: Option<char>,
    /// After a backslash inside of double quotes.
    escaped: bool,
    before: char,
}

impl Default for State {
    fn default() -> Self {
        State { depth: 0, quote: None, escaped: false, before: ' ' }
    }
}

impl State {
    fn step(&mut self, c: char) {
        match (self.quote, c) {
            (Some('"'), '\\') if !self.escaped => {
                self.escaped = true;
                self.before = c;
                return;
            }
            (Some(q), c) if c == q && !self.escaped => self.quote = None,
            (Some(_), _) => {}
            // A quote opens at the start of a value only: not in `it's`.
            (None, '"' | '\'') if " {[,:".contains(self.before) => self.quote = Some(c),
            (None, '{' | '[') => self.depth += 1,
            (None, '}' | ']') => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.escaped = false;
        self.before = c;
    }
}

/// Where a `#` comment begins outside of quotes.
fn comment_start(line: &str) -> Option<usize> {
    let mut state = State::default();
    for (at, c) in line.char_indices() {
        if c == '#' && state.quote.is_none() && state.before == ' ' {
            return Some(at);
        }
        state.step(c);
    }
    None
}

/// The last place within `columns` where YAML lets a line end: its offset, whether it lies inside double quotes, and the state there. `state`
/// is the one at the start of the text, behind the indent.
fn cut(line: &str, columns: usize, mut state: State) -> Option<(usize, bool, State)> {
    let start = line.len() - line.trim_start_matches(' ').len();
    let mut used = start;
    let (mut comma, mut quoted) = (None, None);
    for (at, c) in line.char_indices().skip(start) {
        // One column is for the backslash that ends the line.
        if state.quote == Some('"') && !state.escaped && used < columns {
            quoted = Some((at, true, state));
        }
        used += width(c.encode_utf8(&mut [0; 4]));
        if used > columns {
            break;
        }
        state.step(c);
        if c == ',' && state.quote.is_none() && state.depth > 0 {
            comma = Some((at + 1, false, state));
        }
    }
    // A comma near the start would leave almost nothing on the line.
    comma.filter(|c| c.0 > start + 6).or(quoted.filter(|c| c.0 > start + 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn same_when_folded(snippet: &str, columns: usize) {
        let lines = fold(snippet, columns);
        for line in &lines {
            assert!(width(line) <= columns, "{line:?} at {columns}");
        }
        let folded = lines.join("\n");
        let read = |s: &str| serde_yaml::from_str::<Value>(s).unwrap_or_else(|e| panic!("{e}\n{s}"));
        assert_eq!(read(&folded), read(snippet), "{folded}");
    }

    #[test]
    fn folded_snippets_read_the_same() {
        let hex = "0123456789abcdef".repeat(4);
        let snippets = [
            format!(
                "accept:\n  - {{digest: \"blake3:{hex}\", reason: \"why it may go\", by: \"name\", until: 2026-12-31}}\n"
            ),
            format!("accept:\n  - digest: \"blake3:{hex}\"\n    reason: \"\"   # why these bytes may go unseen, in a sentence that is long\n"),
            "facts:\n  upgrade.vehicles-in-china: false   # true or false; do the vehicles that receive it run in mainland China\n".to_owned(),
            "# 这些车辆是否在中国境内运行？请填写 true 或 false，并由责任人确认后再提交扫描。\nfacts: {a: 1}\n".to_owned(),
            "determinations:\n  - {row: MF-a, artifacts: [\"bom/一个很长的目录名字/物料清单 第二版/**\", \"b \\\" c\"], result: not-important, by: '', date: 2026-01-01, basis: ''}\n".to_owned(),
        ];
        for snippet in &snippets {
            for columns in [40, 56, 76, 100, 200] {
                same_when_folded(snippet, columns);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_quoted_values_survive_folding(
            values in proptest::collection::vec("[a-z :,{}#'\\\\\"车主，]{0,70}", 1..5), columns in 40usize..110,
        ) {
            let fields: Vec<String> =
                values.iter().enumerate().map(|(i, v)| format!("k{i}: {}", Value::from(v.as_str()))).collect();
            same_when_folded(&format!("accept:\n  - {{{}}}\n", fields.join(", ")), columns);
        }
    }

    #[test]
    fn whatever_comes_in_no_line_is_too_wide() {
        for snippet in ["x".repeat(300), "\"".repeat(90), "a: \u{1b}[31m".to_owned(), "{".repeat(99), "# ".repeat(80)] {
            assert!(fold(&snippet, 40).iter().all(|l| width(l) <= 40));
        }
    }
}
