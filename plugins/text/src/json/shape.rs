//! Does a text begin as JSON does?

/// What the beginning of a text shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Complete values at the top.
    pub(crate) roots: usize,
    /// Of these, objects and arrays that end in the line in which they begin, one a line.
    pub(crate) line_roots: usize,
    /// Keys with their colon, and elements.
    pub(crate) items: usize,
    /// The first sign is that of an object or array.
    pub(crate) container: bool,
    /// Something was met that JSON does not have.
    pub(crate) wrong: bool,
    /// The text ends inside a value.
    pub(crate) open: bool,
}

impl Shape {
    /// Whether this is JSON rather than text that begins with a bracket.
    pub(crate) fn is_json(&self) -> bool {
        self.container && (!self.wrong && (self.roots > 0 || self.open) || self.wrong && self.items >= 4)
    }

    /// Whether these are JSON lines.
    pub(crate) fn is_lines(&self) -> bool {
        self.container && self.line_roots >= 2
    }
}

/// Reads the beginning of a text.
pub(crate) fn shape(text: &str) -> Shape {
    let bytes = text.trim_start_matches('\u{FEFF}').as_bytes();
    let mut shape = Shape::default();
    let mut stack: Vec<u8> = Vec::new();
    let mut at = 0;
    let (mut root_at, mut last_root_end) = (0, usize::MAX);
    // After a value only a comma, a closing bracket or another root may come.
    let mut after = false;
    let mut first = true;
    while let Some(&b) = bytes.get(at) {
        match b {
            b' ' | b'\t' | b'\r' | b'\n' | 0x1E => at += 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at += memchr::memmem::find(&bytes[at..], b"*/").map_or(bytes.len() - at, |n| n + 2);
            }
            b'{' | b'[' if !after || stack.is_empty() => {
                // A template's double brace is no JSON.
                if b == b'{' && bytes.get(at + 1) == Some(&b'{') {
                    shape.wrong = true;
                    return shape;
                }
                shape.container |= first;
                if stack.is_empty() {
                    root_at = at;
                }
                stack.push(b);
                after = false;
                at += 1;
            }
            b'}' | b']' if stack.last() == Some(&if b == b'}' { b'{' } else { b'[' }) => {
                stack.pop();
                at += 1;
                after = true;
                if stack.is_empty() {
                    shape.roots += 1;
                    let one_line = memchr::memchr(b'\n', &bytes[root_at..at]).is_none();
                    let own_line = last_root_end == usize::MAX || bytes[last_root_end..root_at].contains(&b'\n');
                    shape.line_roots += usize::from(one_line && own_line);
                    last_root_end = at;
                }
            }
            b',' if after && !stack.is_empty() => {
                after = false;
                at += 1;
            }
            b')' if after => at += 1,
            b'"' | b'\'' if !after => {
                let Some(end) = string_end(bytes, at) else {
                    shape.open = true;
                    return shape;
                };
                at = end;
                if !item(bytes, &mut at, &stack, &mut shape, &mut after) {
                    return shape;
                }
            }
            _ if !after && (b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.' | b'_' | b'$')) => {
                let n = bytes[at..]
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.' | b'_' | b'$'))
                    .count();
                let word = std::str::from_utf8(&bytes[at..at + n]).unwrap_or("");
                let value = matches!(word, "true" | "false" | "null" | "NaN" | "Infinity")
                    || yumen_kit_text::json::is_number(word);
                let wraps = bytes.get(at + n) == Some(&b'(') && word.starts_with(|c: char| c.is_ascii_uppercase());
                let key = stack.last() == Some(&b'{') && bytes[at + n..].trim_ascii_start().first() == Some(&b':');
                if at + n == bytes.len() {
                    shape.open = true;
                    return shape;
                }
                if !(value || wraps || key) || (stack.is_empty() && !first) {
                    shape.wrong = true;
                    return shape;
                }
                at += n + usize::from(wraps);
                if !wraps && !item(bytes, &mut at, &stack, &mut shape, &mut after) {
                    return shape;
                }
            }
            _ => {
                shape.wrong = true;
                return shape;
            }
        }
        if !b.is_ascii_whitespace() && b != b'/' {
            first = false;
        }
    }
    shape.open = !stack.is_empty();
    shape
}

/// After a string or word: is it a key, with its colon, or a value?
fn item(bytes: &[u8], at: &mut usize, stack: &[u8], shape: &mut Shape, after: &mut bool) -> bool {
    shape.items += 1;
    let blank = bytes[*at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    if stack.last() == Some(&b'{') && bytes.get(*at + blank) == Some(&b':') {
        *at += blank + 1;
        return true;
    }
    *after = true;
    if stack.is_empty() {
        shape.roots += 1;
    }
    true
}

fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let mut i = at + 1;
    loop {
        i += memchr::memchr2(quote, b'\\', bytes.get(i..)?)?;
        if bytes[i] == quote {
            return Some(i + 1);
        }
        i += 2;
    }
}
