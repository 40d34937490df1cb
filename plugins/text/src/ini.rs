//! INI, properties, `.env`, TOML and other files of `key = value` lines.

use yumen_kit_text::{is_plain_name, tells_more_than_a_name};
use yumen_model::{Artifact, Certainty, Format, InspectError, Inspection};

use crate::Look;
use yumen_kit_text::{Escapes, Reader, To};

/// Documentation of `ini`.
pub(crate) const INI: Format = Format {
    name: "ini",
    title: "Settings (INI, properties, .env)",
    media_type: "text/plain",
    extensions: &["ini", "properties"],
    magic: "lines of key and value with = or :, sections in square brackets",
    reference: "https://en.wikipedia.org/wiki/INI_file",
    evidence: "records: a section each, or a setting each where there are no sections; names are section.key; other lines and comments as values without a name",
    limitations: &[],
};

/// Documentation of `toml`.
pub(crate) const TOML: Format = Format {
    name: "toml",
    title: "TOML",
    media_type: "application/toml",
    extensions: &["toml"],
    magic: "by its name",
    reference: "https://toml.io/",
    evidence: "records as of ini",
    limitations: &["Arrays and inline tables are read as one value."],
};

const NAMED: &[&str] = &[
    "ini",
    "properties",
    "conf",
    "cfg",
    "cnf",
    "env",
    "prefs",
    "desktop",
    "service",
    "editorconfig",
    "config",
    "inf",
    "reg",
    "npmrc",
];
/// Longest key, in bytes.
const MAX_KEY: usize = 256;
/// A value in quotes may go on over lines for so many bytes.
const MAX_QUOTED: usize = 64 << 10;

pub(crate) fn identify_toml(look: &Look<'_>) -> Option<Certainty> {
    (look.extension == "toml").then_some(Certainty::Likely)
}

pub(crate) fn identify(look: &Look<'_>) -> Option<Certainty> {
    if INI.extensions.contains(&look.extension) {
        return Some(Certainty::Likely);
    }
    let named = NAMED.contains(&look.extension) || look.base == ".env" || look.base.starts_with(".env.");
    let (mut settings, mut sections, mut other) = (0usize, 0usize, 0usize);
    let mut first_is_section = None;
    for line in look.text.lines().take(400).map(str::trim).filter(|l| !l.is_empty() && !is_comment(l)) {
        let section = line.starts_with('[') && line.ends_with(']') && !line.contains([',', '"', '{']);
        first_is_section.get_or_insert(section);
        if section {
            sections += 1;
        } else if setting(line).is_some() && !line.ends_with(['{', ';', '(']) {
            settings += 1;
        } else {
            other += 1;
        }
    }
    if named {
        return (settings + sections > other).then_some(Certainty::Likely);
    }
    let plain = first_is_section == Some(true) && settings >= 1 && (settings + sections) >= 4 * other && !look.table;
    plain.then_some(Certainty::Plausible)
}

fn is_comment(line: &str) -> bool {
    line.starts_with(['#', ';', '!']) || line.starts_with("//")
}

/// Of a line `key = value`: length of the key and where the value begins, blanks left out.
fn setting(line: &str) -> Option<(usize, usize)> {
    let sep = line.bytes().take(MAX_KEY).position(|b| b == b'=' || b == b':')?;
    // `http://…` and `C:\…` are no settings.
    if line.as_bytes()[sep] == b':' && line[sep + 1..].starts_with(['/', '\\']) {
        return None;
    }
    let key = line[..sep].trim_end().len();
    if key == 0 || line[..key].contains(['(', '<', '{', '"']) && !line.starts_with('"') {
        return None;
    }
    let value = &line[sep + 1..];
    Some((key, sep + 1 + (value.len() - value.trim_start().len())))
}

pub(crate) fn inspect(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    read(Reader::open(artifact, out)?)
}

pub(crate) fn read(mut r: Reader<'_>) -> Result<(), InspectError> {
    let mut section: Option<String> = None;
    let mut name = String::new();
    // Inside a list over several lines (TOML): `name` is still that of the list.
    let mut list = false;
    while r.peek(0)?.is_some() {
        let Some((len, end)) = r.line()? else {
            r.lone_line()?;
            continue;
        };
        let line = &r.window.rest()[..len];
        let trimmed = line.trim_start();
        let indent = len - trimmed.len();
        if trimmed.is_empty() {
            r.window.skip(len + end);
            continue;
        }
        if trimmed.starts_with("-----BEGIN") {
            block(&mut r)?;
            continue;
        }
        if is_comment(trimmed) {
            r.window.skip_in_line(indent);
            r.lone_line()?;
            continue;
        }
        if list {
            let quote = trimmed.as_bytes()[0];
            if let Some(n) = closing(trimmed.as_bytes(), quote).filter(|_| matches!(quote, b'"' | b'\'')) {
                let escapes = if quote == b'"' { Escapes::Backslash } else { Escapes::Doubled(0) };
                r.window.skip_in_line(indent + 1);
                quoted(&mut r, n - 1, escapes, To::Name(&name, 0))?;
                let comma = r.window.rest().get(1..).is_some_and(|rest| rest.starts_with(','));
                r.window.skip_in_line(1 + usize::from(comma));
                rest_of_line(&mut r)?;
                continue;
            }
            // Numbers, tables and further lists are elements too; anything else says that the list was none.
            let inner = trimmed.starts_with('[') && trimmed.contains([',', '"', '\'']);
            list = inner || trimmed.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '{' | '-' | '+'));
            if list || trimmed.starts_with([']', '}']) {
                r.lone_line()?;
                continue;
            }
        }
        if let Some(title) =
            trimmed.strip_prefix('[').and_then(|t| t.split(']').next()).filter(|_| trimmed.contains(']'))
        {
            let title = title.trim_matches('[').trim();
            if title.len() <= MAX_KEY && setting(trimmed).is_none() {
                r.records.next_record(r.out)?;
                let exact = trimmed.trim_end().trim_matches(['[', ']']).trim() == title;
                let plain = is_plain_name(title) && exact;
                section = Some(if tells_more_than_a_name(title) { String::new() } else { title.to_owned() });
                if plain {
                    r.window.skip(len + end);
                } else {
                    r.lone_line()?;
                }
                continue;
            }
        }
        match setting(trimmed) {
            None => {
                r.lone_line()?;
            }
            Some((key, value)) => {
                let key_text = trimmed[..key].trim_start_matches("export ").trim_matches('"');
                name.clear();
                if let Some(section) = section.as_deref().filter(|s| !s.is_empty()) {
                    name.push_str(section);
                    name.push('.');
                }
                name.push_str(key_text);
                list = trimmed[value..].starts_with('[') && !trimmed[value..].contains(']');
                let odd = !is_plain_name(key_text);
                r.window.skip_in_line(indent);
                if odd {
                    r.take(key, To::Lone)?;
                    r.window.skip_in_line(value - key);
                } else {
                    r.window.skip_in_line(value);
                }
                read_value(&mut r, len - indent - value, end, To::Name(&name, 0))?;
                if section.is_none() {
                    r.records.next_record(r.out)?;
                }
            }
        }
    }
    r.finish()
}

/// A key or certificate in text form, in one piece.
fn block(r: &mut Reader<'_>) -> Result<(), InspectError> {
    let mut open = r.begin();
    for _ in 0..4000 {
        let Some((len, end)) = r.line()? else { break };
        let last = r.window.rest()[..len].contains("-----END") || len + end == 0;
        r.grow(len + end, &mut open, To::Lone)?;
        if last {
            break;
        }
    }
    r.end(open, To::Lone)
}

/// Reads the value at the window's start, of which `len` bytes and a line end of `end` bytes are left in the line.
fn read_value(r: &mut Reader<'_>, len: usize, end: usize, to: To<'_>) -> Result<(), InspectError> {
    let line = &r.window.rest()[..len];
    for (mark, escapes) in [("\"\"\"", Escapes::Backslash), ("'''", Escapes::Doubled(0))] {
        if line.starts_with(mark) {
            r.window.skip_in_line(3);
            return multi_line(r, mark, escapes, to);
        }
    }
    let quote = line.bytes().next().filter(|b| matches!(b, b'"' | b'\''));
    if let Some(quote) = quote {
        let escapes = if quote == b'"' { Escapes::Backslash } else { Escapes::Doubled(0) };
        if let Some(n) = closing(line.as_bytes(), quote) {
            r.window.skip_in_line(1);
            quoted(r, n - 1, escapes, to)?;
            r.window.skip_in_line(1);
            return rest_of_line(r);
        }
        // A quoted value over several lines, if its end is near.
        r.want(MAX_QUOTED)?;
        let bytes = &r.window.bytes()[..r.window.bytes().len().min(MAX_QUOTED)];
        if let Some(n) = closing(bytes, quote)
            && matches!(bytes.get(n + 1), None | Some(b'\n' | b'\r' | b' ' | b'#'))
            && bytes[..n].contains(&b'\n')
            && !bytes[..n].windows(2).any(|w| w == b"\n\n")
        {
            r.window.skip_in_line(1);
            quoted(r, n - 1, escapes, to)?;
            r.window.skip_in_line(1);
            return rest_of_line(r);
        }
    }
    // A backslash at the end of the line says that it goes on.
    let mut open = r.begin();
    let (mut len, mut end) = (len, end);
    for _ in 0..1000 {
        let line = &r.window.rest()[..len];
        let slashes = line.bytes().rev().take_while(|&b| b == b'\\').count();
        if slashes % 2 == 0 || end == 0 {
            break;
        }
        r.grow_escaped(len - 1, Escapes::Backslash, &mut open, to)?;
        r.window.skip(1 + end);
        open.plain = false;
        let Some((n, e)) = r.line()? else { break };
        let blank = n - r.window.rest()[..n].trim_start().len();
        r.window.skip_in_line(blank);
        (len, end) = (n - blank, e);
    }
    let line = &r.window.rest()[..len.min(r.window.rest().len())];
    let comment = memchr::memchr2_iter(b'#', b';', line.as_bytes())
        .find(|&i| i > 0 && matches!(line.as_bytes()[i - 1], b' ' | b'\t'))
        .map(|i| i - 1);
    let value = line[..comment.unwrap_or(line.len())].trim_end().len();
    // Properties write signs beyond Latin-1 as \uXXXX; other backslashes are left alone.
    let escaped = memchr::memchr_iter(b'\\', &line.as_bytes()[..value])
        .any(|i| matches!(line.as_bytes().get(i + 1), Some(b'u' | b'n')));
    if escaped {
        r.grow_escaped(value, Escapes::Backslash, &mut open, to)?;
    } else {
        r.grow(value, &mut open, to)?;
    }
    r.end(open, to)?;
    rest_of_line(r)
}

/// What stands in the line after a value: nothing, or a comment.
fn rest_of_line(r: &mut Reader<'_>) -> Result<(), InspectError> {
    r.lone_line()?;
    Ok(())
}

fn quoted(r: &mut Reader<'_>, n: usize, escapes: Escapes, to: To<'_>) -> Result<(), InspectError> {
    let mut open = r.begin();
    if matches!(escapes, Escapes::Doubled(_)) {
        r.grow(n, &mut open, to)?;
    } else {
        r.grow_escaped(n, escapes, &mut open, to)?;
    }
    r.end(open, to)
}

/// Where the quote that opens `bytes` is closed.
fn closing(bytes: &[u8], quote: u8) -> Option<usize> {
    let mut i = 1;
    loop {
        let n = i + memchr::memchr2(quote, b'\\', bytes.get(i..)?)?;
        if bytes[n] == quote {
            return Some(n);
        }
        // In single quotes a backslash is one.
        i = n + if quote == b'"' { 2 } else { 1 };
    }
}

/// A value up to a mark of three quotes.
fn multi_line(r: &mut Reader<'_>, mark: &str, escapes: Escapes, to: To<'_>) -> Result<(), InspectError> {
    let mut open = r.begin();
    loop {
        let found = memchr::memmem::find(r.window.bytes(), mark.as_bytes());
        let all = r.window.rest().len();
        let n = match found {
            Some(n) => n,
            // An escape must not be cut.
            None => r.window.rest().floor_char_boundary(all.saturating_sub(16)),
        };
        if matches!(escapes, Escapes::Backslash) {
            r.grow_escaped(n, escapes, &mut open, to)?;
        } else {
            r.grow(n, &mut open, to)?;
        }
        if found.is_some() {
            r.end(open, to)?;
            r.window.skip_in_line(3);
            return rest_of_line(r);
        }
        if !r.more()? {
            let all = r.window.rest().len();
            r.grow(all, &mut open, to)?;
            return r.end(open, to);
        }
    }
}

#[cfg(test)]
mod tests;
