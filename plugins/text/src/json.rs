//! JSON, JSON with comments, JSON lines: a tolerant pull lexer with positions.

mod schema;
mod shape;

use yumen_kit_text::{is_plain_name, tells_more_than_a_name};
use yumen_model::{Artifact, Certainty, Format, InspectError, Inspection, InspectionExt, Note};

use yumen_kit_text::{Open, Reader, To};

use crate::Look;
use shape::shape;

/// Documentation of `json`.
pub(crate) const JSON: Format = Format {
    name: "json",
    title: "JSON",
    media_type: "application/json",
    extensions: &["json"],
    magic: "begins as an object or array does; comments and trailing commas are let pass",
    reference: "RFC 8259; JSON5",
    evidence: "records: the innermost objects, names are the keys' path; keys that look like content, and comments, as values without a name. A table schema lends the names of columns.",
    limitations: &[],
};

/// Documentation of `ndjson`.
pub(crate) const NDJSON: Format = Format {
    name: "ndjson",
    title: "JSON lines",
    media_type: "application/x-ndjson",
    extensions: &["ndjson", "jsonl", "json"],
    magic: "two or more lines, each a JSON object or array",
    reference: "https://github.com/ndjson/ndjson-spec",
    evidence: "records as of json; a line that is no JSON is read as text",
    limitations: &[],
};

/// Deeper nesting is taken for a syntax error.
const MAX_DEPTH: usize = 512;
/// Longer paths stay as they are.
const MAX_PATH: usize = 1024;
/// Longest number or word.
const MAX_WORD: usize = 4096;

pub(crate) fn identify(look: &Look<'_>) -> Option<Certainty> {
    let shape = shape(look.text);
    let names = &["json", "geojson", "webmanifest", "ipynb", "har", "jsonc", "json5", "map", "topojson"];
    let named = names.contains(&look.extension);
    let scalar = named && look.complete && shape.roots == 1 && !shape.wrong;
    (shape.is_json() || scalar).then(|| look.named(names))
}

pub(crate) fn identify_lines(look: &Look<'_>) -> Option<Certainty> {
    let shape = shape(look.text);
    let names = &["ndjson", "jsonl"];
    let named = names.contains(&look.extension);
    if shape.is_lines() && look.extension == "json" {
        return Some(Certainty::Likely);
    }
    (shape.is_lines() || named && shape.is_json()).then(|| look.named(names))
}

pub(crate) fn inspect(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let lines = artifact.format == NDJSON.name;
    if !lines {
        schema::export(artifact, out)?;
    }
    read(Reader::open(artifact, out)?, lines)
}

pub(crate) fn read(reader: Reader<'_>, lines: bool) -> Result<(), InspectError> {
    let mut json = Json { r: reader, lines, levels: Vec::new(), path: String::new(), state: State::Value };
    loop {
        match json.step()? {
            Step::Go => {}
            Step::End => {
                if !json.levels.is_empty() {
                    json.r.out.note(Note::new("truncated"))?;
                }
                return json.r.finish();
            }
            Step::Wrong if lines => {
                json.reset()?;
                json.r.syntax_error()?;
                json.r.lone_line()?;
            }
            Step::Wrong => return json.r.give_up(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A value, or the end of an array.
    Value,
    /// A key, or the end of an object.
    Key,
    /// A comma, or the end of what is open.
    After,
}

enum Step {
    Go,
    Wrong,
    End,
}

struct Level {
    object: bool,
    /// A record of its own: an object, a row of an array of arrays.
    record: bool,
    /// Length of the path outside of it.
    path: usize,
    /// Number of the element.
    index: u32,
}

struct Json<'o> {
    r: Reader<'o>,
    lines: bool,
    levels: Vec<Level>,
    path: String,
    state: State,
}

impl Json<'_> {
    fn reset(&mut self) -> Result<(), InspectError> {
        self.r.records.drop_value();
        self.path.clear();
        while let Some(level) = self.levels.pop() {
            if level.record {
                self.r.records.close(self.r.out)?;
            }
        }
        self.r.records.next_record(self.r.out)?;
        self.state = State::Value;
        Ok(())
    }

    fn step(&mut self) -> Result<Step, InspectError> {
        let Some(byte) = self.blank()? else { return Ok(Step::End) };
        match (self.state, byte) {
            (State::Value, b'{') => self.enter(true),
            (State::Value, b'[') => self.enter(false),
            (State::Value | State::After, b']') if self.levels.last().is_some_and(|l| !l.object) => self.leave(),
            (State::Key | State::After, b'}') if self.levels.last().is_some_and(|l| l.object) => self.leave(),
            (State::Value, b'"' | b'\'') => {
                let column = self.column();
                let path = std::mem::take(&mut self.path);
                let done = self.string(byte, To::Name(&path, column));
                self.path = path;
                match done? {
                    None => Ok(Step::Wrong),
                    Some(open) => {
                        let path = std::mem::take(&mut self.path);
                        self.r.end(open, To::Name(&path, column))?;
                        self.path = path;
                        self.r.window.skip_in_line(usize::from(!self.r.window.bytes().is_empty()));
                        self.after_value()
                    }
                }
            }
            (State::Value, _) => self.word(),
            (State::Key, b',') if self.levels.last().is_some_and(|l| l.object) => {
                self.r.window.skip_in_line(1);
                Ok(Step::Go)
            }
            (State::Key, _) => self.key(byte),
            // The bracket of `ObjectId("…")`.
            (State::After, b')') => {
                self.r.window.skip_in_line(1);
                Ok(Step::Go)
            }
            (State::After, b',') => {
                self.r.window.skip_in_line(1);
                self.state = match self.levels.last_mut() {
                    Some(level) if level.object => State::Key,
                    Some(level) => {
                        level.index = level.index.saturating_add(1);
                        State::Value
                    }
                    None => State::Value,
                };
                Ok(Step::Go)
            }
            (State::After, _) if self.levels.is_empty() => {
                self.state = State::Value;
                Ok(Step::Go)
            }
            (State::After, _) => Ok(Step::Wrong),
        }
    }

    fn column(&self) -> u32 {
        self.levels.last().map_or(0, |l| if l.object || !l.record { 0 } else { l.index })
    }

    /// Skips white space, record separators and comments; comments become evidence. The next byte; none at the end.
    fn blank(&mut self) -> Result<Option<u8>, InspectError> {
        loop {
            let bytes = self.r.window.bytes();
            let n = bytes.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0x0B | 0x0C | 0x1E)).count();
            // In JSON lines an open object does not reach over the line end.
            if self.lines && !self.levels.is_empty() && bytes[..n].contains(&b'\n') {
                self.r.syntax_error()?;
                self.reset()?;
            }
            let bytes = self.r.window.bytes();
            match bytes.get(n..) {
                Some([0xEF, 0xBB, 0xBF, ..]) => self.r.window.skip(n + 3),
                Some([b'/', ..]) => {
                    self.r.window.skip(n);
                    if !self.comment()? {
                        return Ok(Some(b'/'));
                    }
                }
                Some([b'#', ..]) if self.levels.is_empty() => {
                    self.r.window.skip(n);
                    self.r.lone_line()?;
                }
                Some([byte, ..]) => {
                    let byte = *byte;
                    self.r.window.skip(n);
                    return Ok(Some(byte));
                }
                _ => {
                    self.r.window.skip(n);
                    if !self.r.more()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn comment(&mut self) -> Result<bool, InspectError> {
        self.r.want(2)?;
        match self.r.window.bytes().get(1) {
            Some(b'/') => {
                self.r.lone_line()?;
                Ok(true)
            }
            Some(b'*') => {
                let mut open = self.r.begin();
                loop {
                    if let Some(n) = memchr::memmem::find(self.r.window.bytes(), b"*/") {
                        self.r.grow(n + 2, &mut open, To::Lone)?;
                        break;
                    }
                    // The last byte may be the star.
                    let n = self.r.window.rest().len();
                    let n = self.r.window.rest().floor_char_boundary(n.saturating_sub(1));
                    self.r.grow(n, &mut open, To::Lone)?;
                    if !self.r.more()? {
                        let n = self.r.window.rest().len();
                        self.r.grow(n, &mut open, To::Lone)?;
                        break;
                    }
                }
                self.r.end(open, To::Lone)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn enter(&mut self, object: bool) -> Result<Step, InspectError> {
        if self.levels.len() >= MAX_DEPTH {
            return Ok(Step::Wrong);
        }
        self.r.window.skip_in_line(1);
        let record = object || self.levels.last().map_or(self.lines, |l| !l.object);
        if record {
            self.r.records.open();
        }
        self.levels.push(Level { object, record, path: self.path.len(), index: 0 });
        self.state = if object { State::Key } else { State::Value };
        Ok(Step::Go)
    }

    fn leave(&mut self) -> Result<Step, InspectError> {
        self.r.window.skip_in_line(1);
        if let Some(level) = self.levels.pop() {
            if level.record {
                self.r.records.close(self.r.out)?;
            }
            self.path.truncate(level.path);
        }
        self.after_value()
    }

    fn after_value(&mut self) -> Result<Step, InspectError> {
        if self.levels.is_empty() {
            self.path.clear();
            self.r.records.next_record(self.r.out)?;
        }
        self.state = State::After;
        Ok(Step::Go)
    }

    fn key(&mut self, byte: u8) -> Result<Step, InspectError> {
        let spot = self.r.begin();
        let open = if matches!(byte, b'"' | b'\'') {
            match self.string(byte, To::Lone)? {
                Some(open) => open,
                None => return Ok(Step::Wrong),
            }
        } else {
            let n = self.word_len()?;
            if n == 0 {
                return Ok(Step::Wrong);
            }
            let mut open = spot;
            self.r.grow(n, &mut open, To::Lone)?;
            open
        };
        let base = self.levels.last().map_or(0, |l| l.path);
        self.path.truncate(base);
        let key = self.r.records.value();
        if !tells_more_than_a_name(key) && base < MAX_PATH {
            if base > 0 {
                self.path.push('.');
            }
            self.path.push_str(key);
        }
        if is_plain_name(key) {
            self.r.records.drop_value();
        } else {
            self.r.end(open, To::Lone)?;
        }
        if matches!(byte, b'"' | b'\'') {
            self.r.window.skip_in_line(usize::from(!self.r.window.bytes().is_empty()));
        }
        if self.blank()? != Some(b':') || self.levels.is_empty() {
            return Ok(Step::Wrong);
        }
        self.r.window.skip_in_line(1);
        self.state = State::Value;
        Ok(Step::Go)
    }

    /// Length of the number or word at the window's start; 0 when there is none or it is too long.
    fn word_len(&mut self) -> Result<usize, InspectError> {
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'_' | b'$');
        loop {
            let bytes = self.r.window.bytes();
            let n = bytes.iter().take_while(|b| is_word(b)).count();
            if n < bytes.len() || n > MAX_WORD || !self.r.more()? {
                return Ok(if n > MAX_WORD { 0 } else { n });
            }
        }
    }

    /// A number, `true`, `null`, or the name of a constructor as in `ObjectId("…")`.
    fn word(&mut self) -> Result<Step, InspectError> {
        let n = self.word_len()?;
        let word = &self.r.window.rest()[..n];
        let next = self.r.window.bytes().get(n);
        match word {
            "" => return Ok(Step::Wrong),
            "null" | "undefined" => self.r.window.skip_in_line(n),
            "true" | "false" | "NaN" | "Infinity" | "-Infinity" => self.value(n)?,
            "ObjectId" | "NumberLong" | "NumberInt" | "NumberDecimal" | "ISODate" | "Date" | "UUID" | "Timestamp"
                if next == Some(&b'(') =>
            {
                self.r.window.skip_in_line(n + 1);
                return Ok(Step::Go);
            }
            _ if is_number(word) => self.value(n)?,
            _ => return Ok(Step::Wrong),
        }
        self.after_value()
    }

    fn value(&mut self, n: usize) -> Result<(), InspectError> {
        let column = self.column();
        self.r.take(n, To::Name(&self.path, column))
    }

    /// Reads a string into the open value, up to the closing quote, which is left. None when it does not end.
    fn string(&mut self, quote: u8, to: To<'_>) -> Result<Option<Open>, InspectError> {
        self.r.window.skip_in_line(1);
        let mut open = self.r.begin();
        loop {
            let bytes = self.r.window.bytes();
            let Some(n) = memchr::memchr3(quote, b'\\', b'\n', bytes) else {
                let all = bytes.len();
                self.r.grow(all, &mut open, to)?;
                if !self.r.more()? {
                    // What was read is evidence all the same.
                    self.r.end(open, to)?;
                    return Ok(None);
                }
                continue;
            };
            let byte = bytes[n];
            self.r.grow(n, &mut open, to)?;
            match byte {
                b'\\' => self.escape(&mut open, to)?,
                b'\n' if self.lines => {
                    self.r.end(open, to)?;
                    return Ok(None);
                }
                b'\n' => self.r.grow(1, &mut open, to)?,
                _ => return Ok(Some(open)),
            }
        }
    }

    fn escape(&mut self, open: &mut Open, to: To<'_>) -> Result<(), InspectError> {
        self.r.want(12)?;
        let rest = self.r.window.rest();
        let bytes = rest.as_bytes();
        let hex = |at: usize| {
            bytes
                .get(at..at + 4)
                .filter(|h| h.iter().all(u8::is_ascii_hexdigit))
                .map(|h| h.iter().fold(0u32, |n, &b| n * 16 + char::from(b).to_digit(16).unwrap_or(0)))
        };
        let (c, len) = match bytes.get(1) {
            Some(b'n') => ('\n', 2),
            Some(b't') => ('\t', 2),
            Some(b'r') => ('\r', 2),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b @ (b'"' | b'\\' | b'/' | b'\'')) => (char::from(*b), 2),
            Some(b'u') => match hex(2) {
                Some(high @ 0xD800..=0xDBFF) if bytes.get(6..8) == Some(b"\\u") => match hex(8) {
                    Some(low @ 0xDC00..=0xDFFF) => {
                        let c = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                        (char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
                    }
                    _ => (char::REPLACEMENT_CHARACTER, 6),
                },
                Some(c) => (char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
                None => ('\\', 1),
            },
            _ => ('\\', 1),
        };
        self.r.window.skip_in_line(len);
        self.r.put(c, open, to)
    }
}

fn is_number(word: &str) -> bool {
    let digits = word.trim_start_matches(['-', '+']);
    let hex = digits.starts_with("0x") || digits.starts_with("0X");
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && (hex || digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+')))
        && !digits[1..].contains('-') | digits.contains(['e', 'E'])
}

#[cfg(test)]
mod tests;
