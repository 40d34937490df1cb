//! Delimited values: RFC 4180 and what is written in its name.

use yumen_kit_text::{Dialect, MAX_CELL, RecordWriter, Sample, Spot, Window, is_plain_name};
use yumen_model::evidence::NO_NAME;
use yumen_model::{
    Artifact, Certainty, Context, Format, InspectError, Inspection, InspectionExt, Message, Need, Note, Probe,
};

use crate::schema;

/// The format's documentation.
pub(crate) const FORMAT: Format = Format {
    name: "csv",
    title: "Delimited values (CSV, TSV)",
    media_type: "text/csv",
    extensions: &["csv", "tsv"],
    magic: "rows of the same number of columns, delimited by comma, semicolon, tab, bar, US (0x1F) or SOH (0x01); any text that is named so",
    reference: "RFC 4180; W3C CSV on the Web; Frictionless Table Schema",
    evidence: "records: a row each, with the header's names; a table schema beside a table without header lends the names",
    limitations: &["Several tables one below the other in a file are read with the header of the first."],
};

/// Extensions of source code and markup.
const SOURCE: &[&str] = &[
    "c", "h", "cc", "cpp", "hpp", "cxx", "rs", "go", "py", "pl", "pm", "rb", "js", "ts", "mjs", "java", "kt", "scala",
    "swift", "m", "s", "asm", "inc", "php", "lua", "r", "jl", "sh", "bat", "ps1", "cs", "vb", "f", "f90", "v", "sv",
    "vhd", "vim", "cmake", "mk", "css", "scss", "tex", "md", "rst", "html", "svg", "diff", "patch", "json", "xml",
    "yaml", "yml", "toml", "ini", "sql", "dbc", "ldf", "a2l", "asc", "trc", "lock",
];

/// Longest name of a column that is kept, in bytes.
const MAX_NAME: usize = 256;
/// Blanks that may stand between delimiter and quote.
const MAX_PAD: usize = 16;

pub(crate) fn identify(probe: &Probe<'_>) -> Option<Certainty> {
    let named = is_named(&probe.extension());
    // Tables of numbers in source code are code.
    if !named && SOURCE.contains(&probe.extension().as_str()) {
        return None;
    }
    let sample = Sample::of(probe)?;
    let text = sample.text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']);
    let mut chars = text.chars();
    let markup = match chars.next() {
        Some('<') => chars.next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '!' | '?')),
        Some('{') => chars.as_str().trim_start().starts_with(['"', '}']),
        _ => false,
    };
    if markup {
        return None;
    }
    Dialect::sniff(&sample.text, sample.complete, named)?;
    Some(if named { Certainty::Likely } else { Certainty::Plausible })
}

fn is_named(extension: &str) -> bool {
    FORMAT.extensions.contains(&extension)
}

pub(crate) fn inspect(artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let dialect = dialect(artifact)?;
    read(artifact, context, dialect, Window::open(artifact)?, RecordWriter::new(artifact), out)
}

fn dialect(artifact: &Artifact) -> Result<Dialect, InspectError> {
    let read = |e: std::io::Error| InspectError::read(0, &e);
    let found = match yumen_kit_text::detect(&artifact.blob).map_err(read)? {
        Some(detection) => {
            let sample = Sample::with(&artifact.blob, detection, 64 << 10).map_err(read)?;
            Dialect::sniff(&sample.text, sample.complete, true)
        }
        None => None,
    };
    Ok(found.unwrap_or(Dialect { delimiter: b',', preamble: 0, header: false, columns: 1, cr: false }))
}

fn read(
    artifact: &Artifact,
    context: &Context,
    dialect: Dialect,
    mut window: Window,
    writer: RecordWriter,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    if dialect.cr {
        window.lines_end_with_cr();
    }
    let newline = if dialect.cr { b'\r' } else { b'\n' };
    let mut reader =
        Reader { window, writer, delimiter: dialect.delimiter, newline, names: Vec::new(), unclosed: 0, out };
    let mut preamble = dialect.preamble;
    while preamble > 0 {
        match reader.row()? {
            Row::Filled => preamble -= 1,
            Row::Blank => {}
            Row::End => break,
        }
    }
    if dialect.header {
        reader.header()?;
    } else if let Some(names) = schema::granted(context) {
        reader.names = names.iter().map(|n| reader.writer.name(n)).collect();
        reader.out.note(Note::new("schema-applied"))?;
    } else if !artifact.blob.is_empty() {
        reader.out.send(Message::Need(Need { key: schema::KEY.to_owned() }))?;
    }
    while !matches!(reader.row()?, Row::End) {}
    reader.writer.finish(reader.out)
}

struct Reader<'o> {
    window: Window,
    writer: RecordWriter,
    delimiter: u8,
    newline: u8,
    /// Numbers of the columns' names.
    names: Vec<u32>,
    /// Before this byte no quote closes: looked for already.
    unclosed: u64,
    out: &'o mut dyn Inspection,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    Filled,
    Blank,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Cell,
    Row,
    End,
}

/// A value that was pushed to the writer and is still open there.
struct Value {
    spot: Spot,
    byte_end: u64,
    verbatim: bool,
    after: After,
}

impl Reader<'_> {
    fn row(&mut self) -> Result<Row, InspectError> {
        if self.window.bytes().is_empty() && self.window.peek(0, self.out)?.is_none() {
            return Ok(Row::End);
        }
        let mut filled = false;
        for column in 0u32.. {
            let name = self.names.get(column as usize).copied().unwrap_or(NO_NAME);
            let value = self.value(name, column)?;
            filled |= self.writer.value_len() > 0 || value.after == After::Cell;
            self.writer.end_cell(name, column, value.spot, value.byte_end, value.verbatim);
            if value.after != After::Cell {
                break;
            }
            self.writer.cut_long_record(self.out)?;
        }
        self.writer.end_record(self.out)?;
        Ok(if filled { Row::Filled } else { Row::Blank })
    }

    /// Takes the next row that is not blank as the names. Names that are content themselves become a record too.
    fn header(&mut self) -> Result<(), InspectError> {
        while self.names.is_empty() {
            if self.window.peek(0, self.out)?.is_none() {
                return Ok(());
            }
            let mut odd: Vec<(String, u32, Value)> = Vec::new();
            let mut names = Vec::new();
            for column in 0u32.. {
                let value = self.value(NO_NAME, column)?;
                let text = self.writer.value().to_owned();
                self.writer.truncate_value(0);
                let trimmed = text.trim();
                let short = &trimmed[..trimmed.floor_char_boundary(MAX_NAME)];
                names.push(if short.is_empty() { NO_NAME } else { self.writer.name(short) });
                let after = value.after;
                if !trimmed.is_empty() && !is_plain_name(trimmed) {
                    odd.push((text, column, value));
                }
                if after != After::Cell {
                    break;
                }
            }
            if names.iter().any(|&n| n != NO_NAME) {
                self.names = names;
            }
            for (text, column, v) in odd {
                self.writer.cell(&text, NO_NAME, column, v.spot, v.byte_end, v.verbatim);
                self.writer.cut_long_record(self.out)?;
            }
            self.writer.end_record(self.out)?;
        }
        Ok(())
    }

    /// Reads one value into the writer, with what ends it. Parts of a very long one are ended as cells on the way.
    fn value(&mut self, name: u32, column: u32) -> Result<Value, InspectError> {
        if let Some(value) = self.quoted()? {
            return Ok(value);
        }
        loop {
            let bytes = self.window.bytes();
            if let Some(n) = memchr::memchr2(self.delimiter, self.newline, bytes) {
                let row = bytes[n] == self.newline;
                let len = if row && n > 0 && bytes[n - 1] == b'\r' { n - 1 } else { n };
                let value = self.take(len);
                self.window.skip_in_line(n - len);
                self.skip_one(row);
                return Ok(Value { after: if row { After::Row } else { After::Cell }, ..value });
            }
            let len = bytes.len();
            if len >= MAX_CELL {
                let cut = part(self.window.rest());
                let v = self.take(cut);
                self.writer.end_cell(name, column, v.spot, v.byte_end, v.verbatim);
                self.writer.cut_long_record(self.out)?;
            } else if !self.window.more(self.out)? {
                let len = self.window.rest().trim_end_matches('\r').len();
                let rest = self.window.rest().len() - len;
                let value = self.take(len);
                self.window.skip_in_line(rest);
                return Ok(value);
            }
        }
    }

    fn skip_one(&mut self, row: bool) {
        if row {
            self.window.skip(1);
        } else {
            self.window.skip_in_line(1);
        }
    }

    /// Pushes `len` bytes of the window, which hold no line end, as they are.
    fn take(&mut self, len: usize) -> Value {
        let spot = self.window.spot();
        self.writer.push(&self.window.rest()[..len]);
        self.window.skip_in_line(len);
        let byte_end = self.window.byte();
        let verbatim = self.window.verbatim(len, spot.byte, byte_end);
        Value { spot, byte_end, verbatim, after: After::End }
    }

    /// Reads a quoted value, if one stands here and is closed within reach.
    fn quoted(&mut self) -> Result<Option<Value>, InspectError> {
        let mut pad = 0;
        loop {
            match self.window.peek(pad, self.out)? {
                Some(b' ') if pad < MAX_PAD => pad += 1,
                Some(b'"') => break,
                _ => return Ok(None),
            }
        }
        let Some(close) = self.closing(pad + 1)? else { return Ok(None) };
        self.window.skip_in_line(pad + 1);
        let spot = self.window.spot();
        let len = close.quote - pad - 1;
        let inner = &self.window.rest()[..len];
        let mut escaped = false;
        let mut from = 0;
        while let Some(n) = inner[from..].find("\"\"") {
            escaped = true;
            self.writer.push(&inner[from..=from + n]);
            from += n + 2;
        }
        self.writer.push(&inner[from..]);
        self.window.skip(len);
        let byte_end = self.window.byte();
        let verbatim = !escaped && self.window.verbatim(len, spot.byte, byte_end);
        // The quote, blanks, and what ends the value.
        self.window.skip_in_line(close.next - close.quote - usize::from(close.after != After::End));
        if close.after != After::End {
            self.skip_one(close.after == After::Row);
        }
        Ok(Some(Value { spot, byte_end, verbatim, after: close.after }))
    }

    /// The quote that closes a value which begins at `from`: one before a delimiter or a line end. None within the longest value.
    fn closing(&mut self, from: usize) -> Result<Option<Close>, InspectError> {
        let begin = self.window.byte();
        let mut at = from;
        // Text may be longer or shorter than its bytes; for the memory of what was looked at only UTF-8 is good enough.
        if begin < self.unclosed && self.window.is_utf8() {
            at = at.max(usize::try_from(self.unclosed - begin).unwrap_or(0));
        }
        loop {
            let bytes = self.window.bytes();
            let Some(n) = bytes.get(at..).and_then(|b| memchr::memchr(b'"', b)) else {
                at = at.max(bytes.len());
                if at >= MAX_CELL || !self.window.more(self.out)? {
                    self.unclosed = begin + at as u64;
                    return Ok(None);
                }
                continue;
            };
            let quote = at + n;
            let mut next = quote + 1;
            // Enough to see what follows the quote.
            self.window.want(next + MAX_PAD + 2, self.out)?;
            let bytes = self.window.bytes();
            if bytes.get(next) == Some(&b'"') {
                at = quote + 2;
                continue;
            }
            while next < quote + MAX_PAD && matches!(bytes.get(next), Some(b' ' | b'\r')) && bytes[next] != self.newline
            {
                next += 1;
            }
            let after = match bytes.get(next) {
                None => After::End,
                Some(&b) if b == self.delimiter => After::Cell,
                Some(&b) if b == self.newline => After::Row,
                Some(_) => {
                    at = quote + 1;
                    continue;
                }
            };
            return Ok(Some(Close { quote, next: next + usize::from(after != After::End), after }));
        }
    }
}

struct Close {
    /// The quote, from the window's start.
    quote: usize,
    /// Where the next value begins.
    next: usize,
    after: After,
}

/// Where a very long value is cut: before a blank or sign near the end of the longest part, so that no word is cut if that can be.
fn part(text: &str) -> usize {
    let end = text.floor_char_boundary(MAX_CELL);
    let near = text.floor_char_boundary(end - end / 16);
    text[near..end].rfind(|c: char| !c.is_alphanumeric()).map_or(end, |n| near + n).max(1)
}

#[cfg(test)]
mod tests;
