//! Flow values: `{name: 张三, phones: ["138…", 139…]}`.

use yumen_kit_text::{is_plain_name, tells_more_than_a_name};
use yumen_model::InspectError;

use yumen_kit_text::{Escapes, Reader, To};

/// Flow values and quoted ones may be so long, in bytes.
pub(super) const MAX: usize = 256 << 10;
const MAX_DEPTH: usize = 100;

/// Length of the flow value at the window's start, brackets included; none when it does not end within reach.
pub(super) fn length(r: &mut Reader<'_>, most: usize) -> Result<Option<usize>, InspectError> {
    let mut size = most.min(4096);
    loop {
        r.want(size)?;
        let bytes = r.window.bytes();
        let bytes = &bytes[..bytes.len().min(size)];
        match scan(bytes) {
            Some(n) => return Ok(Some(n)),
            None if bytes.len() < size || size >= most => return Ok(None),
            None => size *= 4,
        }
    }
}

fn scan(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        match b {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' | b'\'' if at > 0 && matches!(bytes[at - 1], b' ' | b',' | b'[' | b'{' | b':' | b'\n' | b'\t') => {
                at += string_end(&bytes[at..])?;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the quote that opens `bytes` is closed.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let quote = *bytes.first()?;
    let mut at = 1;
    loop {
        let n = at + memchr::memchr2(quote, b'\\', bytes.get(at..)?)?;
        if bytes[n] == b'\\' {
            at = n + if quote == b'"' { 2 } else { 1 };
        } else if quote == b'\'' && bytes.get(n + 1) == Some(&b'\'') {
            at = n + 2;
        } else {
            return Some(n);
        }
    }
}

/// Length of the text inside the quotes at the window's start; none when they are not closed within reach.
pub(super) fn string_length(r: &mut Reader<'_>, most: usize) -> Result<Option<usize>, InspectError> {
    let mut size = most.min(4096);
    loop {
        r.want(size)?;
        let bytes = r.window.bytes();
        let bytes = &bytes[..bytes.len().min(size)];
        match string_end(bytes) {
            Some(n) => return Ok(Some(n - 1)),
            None if bytes.len() < size || size >= most => return Ok(None),
            None => size *= 4,
        }
    }
}

/// Reads the flow value of `n` bytes at the window's start.
pub(super) fn read(r: &mut Reader<'_>, n: usize, base: &str) -> Result<(), InspectError> {
    let mut left = n;
    let mut path = base.to_owned();
    // Of each bracket: whether it is a mapping, and the length of the path outside.
    let mut stack: Vec<(bool, usize)> = Vec::new();
    while left > 0 {
        let bytes = &r.window.bytes()[..left];
        let byte = bytes[0];
        let mut taken = 1;
        match byte {
            b'{' | b'[' => {
                if stack.len() < MAX_DEPTH {
                    stack.push((byte == b'{', path.len()));
                    if byte == b'{' {
                        r.records.open();
                    }
                }
                r.window.skip(1);
            }
            b'}' | b']' => {
                if let Some((mapping, outside)) = stack.pop() {
                    path.truncate(outside);
                    if mapping {
                        r.records.close(r.out)?;
                    }
                }
                r.window.skip(1);
            }
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => r.window.skip(1),
            b'#' => {
                taken = memchr::memchr(b'\n', bytes).unwrap_or(left);
                r.take(taken, To::Lone)?;
            }
            b'"' | b'\'' if string_end(bytes).is_some() => {
                let end = string_end(bytes).unwrap_or(0);
                taken = end + 1;
                let is_key = is_key(&bytes[taken..], &stack);
                let escapes = if byte == b'"' { Escapes::Backslash } else { Escapes::Doubled(byte) };
                r.window.skip(1);
                let mut open = r.begin();
                if is_key {
                    r.grow_escaped(end - 1, escapes, &mut open, To::Lone)?;
                    let key = r.records.value().to_owned();
                    name(&mut path, &stack, &key);
                    if is_plain_name(&key) {
                        r.records.drop_value();
                    } else {
                        r.end(open, To::Lone)?;
                    }
                } else {
                    let to = To::Name(&path, 0);
                    r.grow_escaped(end - 1, escapes, &mut open, to)?;
                    r.end(open, to)?;
                }
                r.window.skip(1);
            }
            _ => {
                taken = plain_length(bytes);
                let text = &r.window.rest()[..taken];
                let trimmed = text.trim_end().len();
                if is_key(&bytes[taken..], &stack) {
                    let key = text.trim().to_owned();
                    name(&mut path, &stack, &key);
                    if is_plain_name(&key) {
                        r.window.skip(trimmed);
                    } else {
                        r.take(trimmed, To::Lone)?;
                    }
                } else {
                    r.take(trimmed, To::Name(&path, 0))?;
                }
                r.window.skip(taken - trimmed);
            }
        }
        left -= taken;
    }
    for (mapping, _) in stack.drain(..) {
        if mapping {
            r.records.close(r.out)?;
        }
    }
    Ok(())
}

fn name(path: &mut String, stack: &[(bool, usize)], key: &str) {
    path.truncate(stack.last().map_or(0, |s| s.1));
    if tells_more_than_a_name(key) || path.len() > 1024 {
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

fn is_key(after: &[u8], stack: &[(bool, usize)]) -> bool {
    stack.last().is_some_and(|s| s.0) && after.trim_ascii_start().first() == Some(&b':')
}

/// Length of a plain value: up to a comma, bracket, line end, or a colon before a blank. At least one character.
fn plain_length(bytes: &[u8]) -> usize {
    let end = bytes.iter().enumerate().skip(1).position(|(i, &b)| match b {
        b',' | b'{' | b'}' | b'[' | b']' | b'\n' => true,
        b':' => matches!(bytes.get(i + 1), None | Some(b' ' | b'\n' | b'\r')),
        b'"' => bytes[i - 1] == b' ',
        _ => false,
    });
    end.map_or(bytes.len(), |n| n + 1)
}
