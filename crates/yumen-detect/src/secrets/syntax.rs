//! The syntax of an assignment, common to programming languages, settings and prose.

/// What stands between a name and its value.
pub(super) struct Operator {
    /// Bytes from the end of the name to where the value may begin.
    pub(super) len: usize,
    /// `name("value")`, `f("name", "value")`.
    pub(super) call: bool,
    /// `f("name", "value")`.
    pub(super) comma: bool,
    /// No space before it and some behind: `name= ` of an empty value.
    pub(super) hanging: bool,
    /// The quotes are escaped (`\"`).
    pub(super) escaped: bool,
    /// A word instead of a sign (`is`, `为`, `是`).
    pub(super) spoken: bool,
}

/// The operator after a name: closing quotes and brackets, a type, then `=`, `:`, `:=`, `=>`, `(`, `,`.
pub(super) fn operator(rest: &str) -> Option<Operator> {
    let mut s = rest;
    let mut op = Operator { len: 0, call: false, comma: false, hanging: false, escaped: false, spoken: false };
    let closed = s.starts_with(['"', '\'', '`', '\\']);
    if let Some(t) = s.strip_prefix('\\') {
        op.escaped = true;
        s = t;
    }
    s = s.strip_prefix(['"', '\'', '`']).unwrap_or(s);
    s = s.strip_prefix(']').unwrap_or(s);
    s = s.strip_prefix('?').unwrap_or(s);
    let spaced = s.trim_start_matches([' ', '\t']);
    let spaces = s.len() - spaced.len();
    if spaces > 40 {
        return None;
    }
    let after = ["==", "=~", "!="].iter().all(|p| !spaced.starts_with(p)).then_some(spaced)?;
    let after = if let Some(t) = [":=", "=>", "<-", "：", "=", ":"].iter().find_map(|p| after.strip_prefix(p)) {
        if t.starts_with(['=', ':']) {
            return None;
        }
        // `password: String = "…"`: a type stands between.
        match typed(t) {
            Some(t) if after.starts_with(':') => t,
            _ => t,
        }
    } else if let Some(t) = after.strip_prefix('(').filter(|_| spaces == 0 && !closed) {
        op.call = true;
        t
    } else if let Some(t) = after.strip_prefix(',').filter(|_| closed) {
        (op.call, op.comma) = (true, true);
        t
    } else if let Some(t) = ["为", "是", "is "].iter().find_map(|p| after.strip_prefix(p)).filter(|_| !closed) {
        op.spoken = true;
        t.strip_prefix(['：', ':']).unwrap_or(t)
    } else {
        return None;
    };
    let value = after.trim_start_matches([' ', '\t']);
    op.len = rest.len() - value.len();
    op.hanging = spaces == 0 && value.len() < after.len() && spaced.starts_with('=');
    (after.len() - value.len() <= 60).then_some(op)
}

/// Skips a type annotation: `&str = `, `Optional[str] = `.
fn typed(rest: &str) -> Option<&str> {
    let end = rest.bytes().take(48).position(|b| b == b'=')?;
    let (kind, tail) = (rest.get(..end)?, rest.get(end + 1..)?);
    let plain = kind.bytes().all(|b| b.is_ascii_alphanumeric() || b" &'<>[]_.:,|?*".contains(&b));
    (plain && !tail.starts_with('=') && !kind.trim().is_empty()).then_some(tail)
}

/// What a value begins as.
pub(super) enum Quoted<'a> {
    /// Offset of the value and the value.
    Value(usize, &'a str),
    /// It begins like a string, yet is an expression or has no end.
    Broken,
    /// Not a quoted value.
    No,
}

/// A string literal at the start of `tail`.
pub(super) fn quoted(tail: &str) -> Quoted<'_> {
    let prefix = tail.bytes().take(3).take_while(|b| b"bBrRuULfF$@&".contains(b)).count();
    let Some(rest) = tail.get(prefix..) else { return Quoted::No };
    let interpolated = tail[..prefix].contains(['f', 'F', '$']);
    let (open, close) = match rest.as_bytes() {
        [b'\\', q @ (b'"' | b'\''), ..] => (2, if *q == b'"' { "\\\"" } else { "\\'" }),
        [b'"', b'"', b'"', ..] | [b'\'', b'\'', b'\'', ..] => return Quoted::Broken,
        [b'"', ..] => (1, "\""),
        [b'\'', ..] => (1, "'"),
        [b'`', ..] => (1, "`"),
        _ => return Quoted::No,
    };
    let body = &rest[open..];
    let mut end = None;
    for (i, _) in body.match_indices(close).take(8) {
        let escaped = close.len() == 1 && body[..i].bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1;
        if !escaped {
            end = Some(i);
            break;
        }
    }
    let Some(end) = end.filter(|e| *e <= 512) else { return Quoted::Broken };
    let value = &body[..end];
    let next = body[end + close.len()..].trim_start_matches([' ', '\t']);
    let method = [
        ".to_string()",
        ".to_owned()",
        ".into()",
        ".toCharArray()",
        ".getBytes(",
        ".encode(",
        ".as_bytes()",
        ".as_str()",
        ".trim()",
    ];
    let expression = next.starts_with(['+', '%', '?', '['])
        || (next.starts_with('.') && !method.iter().any(|m| next.starts_with(m)))
        || next.starts_with("..");
    if value.contains('\n') || expression || (interpolated && value.contains('{')) {
        return Quoted::Broken;
    }
    Quoted::Value(prefix + open, value)
}

/// An unquoted value: to white space or the end of the statement.
pub(super) fn bare_word(tail: &str) -> &str {
    let end = tail
        .find(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '，' | '。' | '；' | '、' | '）' | '\u{1f}')
        })
        .unwrap_or(tail.len());
    let word = tail.get(..end.min(256)).unwrap_or("");
    word.trim_end_matches([',', ';', ')', '.', '}', ']', '\\'])
}

/// Program text that reads like an unquoted value.
pub(super) fn is_expression(word: &str) -> bool {
    let ident = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    word.contains("()")
        || word.contains("::")
        || word.contains("->")
        || (word.contains('(') && word.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()))
        || (word.contains('.') && word.split('.').all(ident) && !word.bytes().any(|b| b.is_ascii_digit()))
        || word.starts_with(['&', '*', '!', '@', '(', '[', '{', '<', '|', '/'])
}
