//! YAML, read line by line: keys, items, block and flow values, comments. Tolerant: templates and broken files lose nothing.

mod flow;

use yumen_kit_text::{is_plain_name, tells_more_than_a_name};
use yumen_model::{Artifact, Certainty, Format, InspectError, Inspection};

use crate::Look;
use yumen_kit_text::{Escapes, Reader, To};

/// Documentation of `yaml`.
pub(crate) const YAML: Format = Format {
    name: "yaml",
    title: "YAML",
    media_type: "application/yaml",
    extensions: &["yaml", "yml"],
    magic: "--- or %YAML and lines of keys with a colon; or by its name",
    reference: "https://yaml.org/spec/1.2.2/",
    evidence: "records: the innermost mappings, names are the keys' path; comments and lines that are neither key nor item as values without a name",
    limitations: &["Aliases are not followed; plain values that go on over several lines are read line by line."],
};

const MAX_DEPTH: usize = 200;
const MAX_PATH: usize = 1024;
/// Longest key, in bytes.
const MAX_KEY: usize = 256;

pub(crate) fn identify(look: &Look<'_>) -> Option<Certainty> {
    if YAML.extensions.contains(&look.extension) {
        return Some(Certainty::Likely);
    }
    if look.table
        || !(look.text.starts_with("---\n") || look.text.starts_with("---\r\n") || look.text.starts_with("%YAML"))
    {
        return None;
    }
    let keys = look.text.lines().take(100).filter(|l| key(l.trim_start().trim_start_matches("- ")).is_some()).count();
    let lines = look.text.lines().take(100).filter(|l| !l.trim().is_empty() && !l.starts_with('#')).count();
    (keys >= 2 && keys * 2 >= lines).then_some(Certainty::Plausible)
}

/// Of `key: value`: the key's range, quotes left out, and where the value begins.
fn key(text: &str) -> Option<(std::ops::Range<usize>, usize)> {
    let bytes = text.as_bytes();
    let (range, colon) = match bytes.first()? {
        &quote @ (b'"' | b'\'') => {
            let end = 1 + memchr::memchr(quote, &bytes[1..bytes.len().min(MAX_KEY)])?;
            let blank = bytes[end + 1..].iter().take_while(|&&b| b == b' ').count();
            (1..end, end + 1 + blank)
        }
        b'#' | b'{' | b'[' | b'|' | b'>' | b'%' | b'&' | b'*' | b'!' | b'@' | b'`' => return None,
        _ => {
            let mut at = 0;
            let colon = loop {
                let n = at + memchr::memchr(b':', bytes.get(at..bytes.len().min(MAX_KEY))?)?;
                match bytes.get(n + 1) {
                    None | Some(b' ' | b'\t') => break n,
                    Some(_) => at = n + 1,
                }
            };
            let key = text[..colon].trim_end();
            if key.is_empty() || key.contains(" #") {
                return None;
            }
            (0..key.len(), colon)
        }
    };
    if bytes.get(colon) != Some(&b':') || !matches!(bytes.get(colon + 1), None | Some(b' ' | b'\t')) {
        return None;
    }
    let blank = bytes[colon + 1..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    Some((range, colon + 1 + blank))
}

pub(crate) fn inspect(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    read(Reader::open(artifact, out)?)
}

pub(crate) fn read(r: Reader<'_>) -> Result<(), InspectError> {
    let mut yaml = Yaml { r, levels: Vec::new(), path: String::new(), misses: 0 };
    while yaml.line()? {}
    yaml.pop_to(0)?;
    yaml.r.finish()
}

struct Level {
    /// Column of the keys or of the dash, from 0.
    column: usize,
    /// A mapping, else an item of a list.
    mapping: bool,
    /// Length of the path outside of it.
    path: usize,
}

struct Yaml<'o> {
    r: Reader<'o>,
    levels: Vec<Level>,
    path: String,
    /// Values that did not end within reach; after many of them less is looked at.
    misses: usize,
}

impl Yaml<'_> {
    /// Closes levels so that `n` are left.
    fn pop_to(&mut self, n: usize) -> Result<(), InspectError> {
        while self.levels.len() > n {
            if let Some(level) = self.levels.pop() {
                self.path.truncate(level.path);
                if level.mapping {
                    self.r.records.close(self.r.out)?;
                }
            }
        }
        Ok(())
    }

    fn line(&mut self) -> Result<bool, InspectError> {
        if self.r.peek(0)?.is_none() {
            return Ok(false);
        }
        let Some((len, end)) = self.r.line()? else {
            self.r.lone_line()?;
            return Ok(true);
        };
        let line = &self.r.window.rest()[..len];
        let mut column = line.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let mut text = &line[column..];
        if text.is_empty() {
            self.r.window.skip(len + end);
            return Ok(true);
        }
        if column == 0 && (text == "---" || text == "..." || text.starts_with("--- ")) {
            let mark = 3;
            self.pop_to(0)?;
            self.path.clear();
            self.r.records.next_record(self.r.out)?;
            self.r.window.skip_in_line(mark);
            self.r.lone_line()?;
            return Ok(true);
        }
        if text.starts_with('#') || text.starts_with('%') || text.starts_with("{{") {
            self.r.window.skip_in_line(column);
            self.r.lone_line()?;
            return Ok(true);
        }
        // Dashes, one or several in a line, then a key or a value.
        let mut at = column;
        let mut dash = None;
        while let Some(rest) = text.strip_prefix('-').filter(|r| r.is_empty() || r.starts_with([' ', '\t'])) {
            let blank = rest.len() - rest.trim_start().len();
            let keep = self.levels.iter().position(|l| l.column > column || (l.column == column && !l.mapping));
            self.pop_to(keep.unwrap_or(self.levels.len()))?;
            if self.levels.len() < MAX_DEPTH {
                self.levels.push(Level { column, mapping: false, path: self.path.len() });
            }
            dash = Some(column);
            at += 1 + blank;
            column = at;
            let line = &self.r.window.rest()[..len];
            text = &line[at..];
        }
        if text.is_empty() {
            self.r.window.skip(len + end);
            return Ok(true);
        }
        let Some((range, value)) = key(text) else {
            if dash.is_none() {
                // Neither key nor item: the end of a flow value, a plain value that goes on, text.
                self.r.window.skip_in_line(at);
                self.r.lone_line()?;
                return Ok(true);
            }
            self.r.window.skip_in_line(at);
            self.value(len - at, end, dash.unwrap_or(column))?;
            return Ok(true);
        };
        let key_text = text[range.clone()].to_owned();
        let keep = self.levels.iter().position(|l| l.column > column || (l.column == column && !l.mapping));
        self.pop_to(keep.unwrap_or(self.levels.len()))?;
        match self.levels.last() {
            Some(level) if level.mapping && level.column == column => self.path.truncate(level.path),
            _ if self.levels.len() < MAX_DEPTH => {
                self.r.records.open();
                self.levels.push(Level { column, mapping: true, path: self.path.len() });
            }
            _ => {}
        }
        if !tells_more_than_a_name(&key_text) && self.path.len() < MAX_PATH {
            if !self.path.is_empty() {
                self.path.push('.');
            }
            self.path.push_str(&key_text);
        }
        self.r.window.skip_in_line(at + range.start);
        let mut taken = range.start;
        if !is_plain_name(&key_text) {
            self.r.take(range.len(), To::Lone)?;
            taken = range.end;
        }
        self.r.window.skip_in_line(value - taken);
        self.value(len - at - value, end, column)?;
        Ok(true)
    }

    /// Reads the value at the window's start, of which `len` bytes are left in the line. `column` is that of the key or dash.
    fn value(&mut self, len: usize, end: usize, column: usize) -> Result<(), InspectError> {
        let mut len = len;
        // Tags, anchors.
        loop {
            let text = &self.r.window.rest()[..len];
            if !text.starts_with(['!', '&']) {
                break;
            }
            let word = text.find([' ', '\t']).unwrap_or(text.len());
            let skip = word + (text[word..].len() - text[word..].trim_start().len());
            if is_plain_name(&text[1..word]) || word == 1 {
                self.r.window.skip_in_line(skip);
            } else {
                self.r.take(word, To::Lone)?;
                self.r.window.skip_in_line(skip - word);
            }
            len -= skip;
        }
        let path = std::mem::take(&mut self.path);
        let to = To::Name(&path, 0);
        let reach = self.reach();
        let text = &self.r.window.rest()[..len];
        let first = text.bytes().next();
        let done = match first {
            None => {
                self.r.window.skip(end);
                Ok(())
            }
            Some(b'|' | b'>') if is_block_header(text) => {
                let mark = text.find([' ', '\t', '#']).unwrap_or(len);
                self.r.window.skip_in_line(mark);
                self.r.lone_line()?;
                self.block(column, to)
            }
            Some(b'{' | b'[') if !text.starts_with("{{") => match flow::length(&mut self.r, reach)? {
                Some(n) => flow::read(&mut self.r, n, &path).and_then(|()| self.r.lone_line().map(|_| ())),
                None => {
                    self.misses += 1;
                    self.plain(len, to)
                }
            },
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote, len, to),
            Some(_) => self.plain(len, to),
        };
        self.path = path;
        done
    }

    fn reach(&self) -> usize {
        flow::MAX.min((16 << 20) / (self.misses + 1)).max(256)
    }

    /// A plain value up to the end of the line or a comment.
    fn plain(&mut self, len: usize, to: To<'_>) -> Result<(), InspectError> {
        let text = &self.r.window.rest()[..len];
        let comment =
            if text.starts_with('#') { Some(0) } else { [" #", "\t#"].iter().filter_map(|m| text.find(m)).min() };
        let value = text[..comment.unwrap_or(text.len())].trim_end().len();
        self.r.take(value, to)?;
        self.r.lone_line()?;
        Ok(())
    }

    /// A value in quotes; it may go on over lines.
    fn quoted(&mut self, quote: u8, len: usize, to: To<'_>) -> Result<(), InspectError> {
        let reach = self.reach();
        match flow::string_length(&mut self.r, reach)? {
            None => {
                self.misses += 1;
                self.plain(len, to)
            }
            Some(n) => {
                let escapes = if quote == b'"' { Escapes::Backslash } else { Escapes::Doubled(quote) };
                self.r.window.skip_in_line(1);
                let mut open = self.r.begin();
                self.r.grow_escaped(n, escapes, &mut open, to)?;
                self.r.end(open, to)?;
                self.r.window.skip_in_line(1);
                self.r.lone_line()?;
                Ok(())
            }
        }
    }

    /// A block value: the lines that follow and are indented more than `column`.
    fn block(&mut self, column: usize, to: To<'_>) -> Result<(), InspectError> {
        let mut open = self.r.begin();
        let mut first = true;
        while self.r.peek(0)?.is_some() {
            let Some((len, end)) = self.r.line()? else {
                let all = self.r.window.rest().len();
                self.r.grow(all, &mut open, to)?;
                continue;
            };
            let line = &self.r.window.rest()[..len];
            let indent = line.bytes().take_while(|&b| b == b' ').count();
            let blank = line.trim().is_empty();
            let top_level = self.levels.len() <= 1 && column == 0 && indent == 0 && line.starts_with("-----");
            if !blank && indent <= column && !top_level {
                break;
            }
            // The indent of further lines stays: so the value stands in the file as it is told, and places inside it are exact.
            let skip = if first { indent.min(len) } else { 0 };
            if first {
                self.r.window.skip_in_line(skip);
                open = self.r.begin();
            }
            first = false;
            self.r.grow(len - skip + end, &mut open, to)?;
        }
        // The line ends after the last line are no part of it.
        let value = self.r.records.value();
        let kept = value.trim_end().len();
        let cut = (value.len() - kept) as u64;
        self.r.records.truncate_value(kept);
        let end = self.r.window.byte() - if open.plain { cut } else { 0 };
        self.r.end_at(open, end, to)
    }
}

fn is_block_header(text: &str) -> bool {
    let head = text.split('#').next().unwrap_or("").trim_end();
    head.len() <= 3 && head[1..].bytes().all(|b| matches!(b, b'+' | b'-' | b'0'..=b'9'))
}

#[cfg(test)]
mod tests;
