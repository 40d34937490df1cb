//! Lines of code as code, strings and comments. Only what tells them apart is read of a language.

use super::language::Style;

/// What a stretch of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Code,
    Text,
    Comment,
}

/// What a line leaves open for the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Open {
    #[default]
    Nothing,
    /// A comment of several lines.
    Block,
    /// A string in triple quotes (`"` or `'`) or in backticks.
    Triple(u8),
}

/// Splits a line. `tell` gets each stretch with its range; `open` is what the line before left open.
pub(crate) fn split(style: &Style, line: &str, open: Open, tell: &mut dyn FnMut(Part, usize, usize)) -> Open {
    let bytes = line.as_bytes();
    let starts = |at: usize, sign: &str| bytes[at..].starts_with(sign.as_bytes());
    let mut at = 0;
    // Where the code under way began.
    let mut code = 0;
    if open != Open::Nothing {
        let part = if open == Open::Triple(b'`') { Part::Text } else { Part::Comment };
        match end_of(style, bytes, 0, open) {
            Some((text, next)) => {
                tell(part, 0, text);
                (at, code) = (next, next);
            }
            None => {
                tell(part, 0, bytes.len());
                return open;
            }
        }
    }
    while at < bytes.len() {
        let b = bytes[at];
        // Letters, digits, blanks and most signs begin nothing.
        if b.is_ascii_alphanumeric() && !matches!(b, b'R' | b'r') || b == b' ' || b >= 0x80 || b == b'_' {
            at += 1;
            continue;
        }
        if let Some((begin, _)) = style.block
            && starts(at, begin)
        {
            tell(Part::Code, code, at);
            let from = at + begin.len();
            match end_of(style, bytes, from, Open::Block) {
                Some((text, next)) => {
                    tell(Part::Comment, from, text);
                    (at, code) = (next, next);
                    continue;
                }
                None => {
                    tell(Part::Comment, from, bytes.len());
                    return Open::Block;
                }
            }
        }
        let word_before = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
        if let Some(sign) = style.line.iter().find(|sign| starts(at, sign))
            // `#` inside of a word, `//` of an address and `%` of a format begin no comment.
            && !(word_before && (sign.len() == 1 || sign.ends_with(' ')))
            && !(*sign == "//" && at > 0 && bytes[at - 1] == b':')
            && !(*sign == "#" && at > 0 && matches!(bytes[at - 1], b'$' | b'{' | b'&'))
        {
            tell(Part::Code, code, at);
            tell(Part::Comment, at + sign.len(), bytes.len());
            return Open::Nothing;
        }
        if style.quotes.as_bytes().contains(&b) {
            let triple = style.triple && bytes[at..].starts_with(&[b, b, b]);
            if triple || b == b'`' {
                tell(Part::Code, code, at);
                let from = at + if triple { 3 } else { 1 };
                let kind = Open::Triple(b);
                match end_of(style, bytes, from, kind) {
                    Some((text, next)) => {
                        // Backticks hold text; triple quotes hold documentation.
                        tell(if triple { Part::Comment } else { Part::Text }, from, text);
                        (at, code) = (next, next);
                        continue;
                    }
                    None => {
                        tell(if triple { Part::Comment } else { Part::Text }, from, bytes.len());
                        return kind;
                    }
                }
            }
            if let Some(end) = string_end(bytes, at + 1, b) {
                tell(Part::Code, code, at);
                tell(Part::Text, at + 1, end);
                (at, code) = (end + 1, end + 1);
                continue;
            }
        }
        at += 1;
    }
    tell(Part::Code, code, bytes.len());
    Open::Nothing
}

/// The end of what is open, from `from`: the end of its text and what comes after it.
fn end_of(style: &Style, bytes: &[u8], from: usize, open: Open) -> Option<(usize, usize)> {
    let (sign, len): (&[u8], usize) = match open {
        Open::Nothing => return Some((from, from)),
        Open::Block => {
            let end = style.block?.1.as_bytes();
            (end, end.len())
        }
        Open::Triple(b'`') => (b"`", 1),
        Open::Triple(b'"') => (b"\"\"\"", 3),
        Open::Triple(_) => (b"'''", 3),
    };
    let at = memchr::memmem::find(bytes.get(from..)?, sign)?;
    Some((from + at, from + at + len))
}

/// The closing quote of a string on its line.
fn string_end(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b if b == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::language::{Says, by_name};
    use super::*;

    fn parts(file: &str, text: &str) -> String {
        let Says::Code(language) = by_name(file) else { panic!("a language") };
        let mut out = String::new();
        let mut open = Open::Nothing;
        for line in text.lines() {
            open = split(&language.style, line, open, &mut |part, from, to| {
                let text = line[from..to].trim();
                if !text.is_empty() {
                    let mark = match part {
                        Part::Code => 'k',
                        Part::Text => 's',
                        Part::Comment => 'c',
                    };
                    out.push_str(&format!("{mark}<{text}>"));
                }
            });
        }
        out
    }

    #[test]
    fn code_strings_and_comments_are_told_apart() {
        assert_eq!(parts("a.c", "x = 1; /* a\nb */ y(\"s // t\"); // z"), "k<x = 1;>c<a>c<b>k<y(>s<s // t>k<);>c<z>");
        assert_eq!(parts("a.py", "'''doc\nmore''' + f('it')  # note"), "c<doc>c<more>k<+ f(>s<it>k<)>c<note>");
        assert_eq!(
            parts("a.js", "fetch(`a/${b}`, 'c') // d\nlet u = 'http://x'"),
            "k<fetch(>s<a/${b}>k<,>s<c>k<)>c<d>k<let u =>s<http://x>"
        );
        assert_eq!(parts("a.lua", "local a = 1 -- b\n--[[ c\nd ]] e()"), "k<local a = 1>c<b>c<c>c<d>k<e()>");
        assert_eq!(parts("a.st", "(* door *) x := TRUE; // y"), "c<door>k<x := TRUE;>c<y>");
        assert_eq!(parts("a.sh", "n=${#a} # b"), "k<n=${#a}>c<b>");
        assert_eq!(parts("a.rs", "fn f<'a>(x: &'a str) {} // y"), "k<fn f<'a>(x: &'a str) {}>c<y>");
        assert_eq!(parts("a.m", "x = 1 % note"), "k<x = 1>c<note>");
        assert_eq!(parts("a.c", "\"open"), "k<\"open>");
    }
}
