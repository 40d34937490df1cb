//! Tags: `<name a="1" b='2' c>`, `<name/>`, `</name>`.

use std::ops::Range;

/// A tag is looked for so far, in bytes of text.
pub(crate) const MAX_TAG: usize = 2 << 20;
const MAX_ATTRIBUTES: usize = 4096;

/// A tag at the start of a text; ranges are in that text.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: Range<usize>,
    /// An end tag.
    pub(crate) end: bool,
    /// A start tag that is its own end.
    pub(crate) empty: bool,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) len: usize,
}

/// An attribute with a value.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) name: Range<usize>,
    /// Without quotes, references not replaced.
    pub(crate) value: Range<usize>,
}

pub(crate) enum Parsed {
    Tag(Tag),
    /// The sign is text.
    NoTag,
    /// The text ends inside the tag.
    Open,
}

impl Tag {
    pub(crate) fn name<'t>(&self, text: &'t str) -> &'t str {
        &text[self.name.clone()]
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}

/// The name of the element that begins at the start of `text`.
#[must_use]
pub fn element_start(text: &str) -> Option<&str> {
    match parse(text) {
        Parsed::Tag(tag) if !tag.end => Some(&text[tag.name]),
        _ => None,
    }
}

/// Reads the tag at the start of `text`, which begins with `<`.
pub(crate) fn parse(text: &str) -> Parsed {
    let bytes = text.as_bytes();
    let end = bytes.get(1) == Some(&b'/');
    let from = 1 + usize::from(end);
    let Some(rest) = text.get(from..).filter(|r| !r.is_empty()) else { return Parsed::Open };
    if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return Parsed::NoTag;
    }
    let name = from..from + rest.find(|c| !is_name(c)).unwrap_or(rest.len());
    if name.end == text.len() {
        return if name.len() > 1024 { Parsed::NoTag } else { Parsed::Open };
    }
    if !matches!(bytes[name.end], b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>') {
        return Parsed::NoTag;
    }
    let mut attributes = Vec::new();
    let mut at = name.end;
    loop {
        let Some(&b) = bytes.get(at) else { return Parsed::Open };
        match b {
            b'>' => return Parsed::Tag(Tag { name, end, empty: bytes[at - 1] == b'/', attributes, len: at + 1 }),
            // Another tag begins before this one ends.
            b'<' => return Parsed::NoTag,
            b' ' | b'\t' | b'\r' | b'\n' | b'/' => at += 1,
            _ => {
                let begin = at;
                let Some(n) =
                    bytes[at..].iter().position(|b| matches!(b, b'=' | b'>' | b' ' | b'\t' | b'\r' | b'\n' | b'<'))
                else {
                    return Parsed::Open;
                };
                at += n.max(1);
                let key = begin..begin + n;
                let blank = bytes[at.min(bytes.len())..].iter().take_while(|b| b.is_ascii_whitespace()).count();
                let equals = if n == 0 { begin } else { at + blank };
                if bytes.get(equals) != Some(&b'=') {
                    // A word without a value counts as its own value.
                    if n > 0 && attributes.len() < MAX_ATTRIBUTES {
                        attributes.push(Attribute { name: key.clone(), value: key });
                    }
                    continue;
                }
                at = equals + 1;
                at += bytes[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
                let value = match bytes.get(at) {
                    None => return Parsed::Open,
                    Some(&quote @ (b'"' | b'\'')) => match memchr::memchr(quote, &bytes[at + 1..]) {
                        None => return Parsed::Open,
                        Some(n) => {
                            let value = at + 1..at + 1 + n;
                            at = value.end + 1;
                            value
                        }
                    },
                    Some(_) => {
                        let Some(n) = bytes[at..].iter().position(|b| matches!(b, b'>' | b' ' | b'\t' | b'\r' | b'\n'))
                        else {
                            return Parsed::Open;
                        };
                        let value = at..at + n;
                        at = value.end;
                        value
                    }
                };
                if attributes.len() >= MAX_ATTRIBUTES {
                    return Parsed::NoTag;
                }
                if !value.is_empty() {
                    attributes.push(Attribute { name: key, value });
                } else if !key.is_empty() {
                    attributes.push(Attribute { name: key.clone(), value: key });
                }
            }
        }
    }
}

/// Elements of HTML that stand inside a line of text.
pub(crate) fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "b"
            | "i"
            | "u"
            | "s"
            | "em"
            | "strong"
            | "span"
            | "font"
            | "small"
            | "big"
            | "code"
            | "kbd"
            | "samp"
            | "tt"
            | "sub"
            | "sup"
            | "mark"
            | "abbr"
            | "cite"
            | "q"
            | "time"
            | "var"
            | "wbr"
            | "label"
            | "bdi"
            | "bdo"
            | "ins"
            | "del"
            | "nobr"
    )
}
