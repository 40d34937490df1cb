//! SQL: dumps of MySQL, PostgreSQL, SQLite, Oracle, SQL Server. Rows of `INSERT` and `COPY` become records, everything else is text.

mod statement;

use std::collections::HashMap;

use yumen_model::{Artifact, Certainty, Format, InspectError, Inspection};

use crate::Look;
use yumen_kit_text::{Open, Reader, To, backslash};

/// Documentation of `sql`.
pub(crate) const SQL: Format = Format {
    name: "sql",
    title: "SQL",
    media_type: "application/sql",
    extensions: &["sql"],
    magic: "statements CREATE TABLE, INSERT INTO, COPY … FROM stdin; or by its name",
    reference: "ISO/IEC 9075; manuals of mysqldump and pg_dump",
    evidence: "records: the rows of INSERT and COPY, with the columns' names from the statement or the CREATE TABLE before it; all other statements and comments as values without a name",
    limitations: &["Values computed by expressions are read part by part."],
};

/// Columns of so many tables, and so many bytes of their names, are remembered.
const MAX_TABLES: usize = 10_000;
const MAX_NAME_BYTES: usize = 2 << 20;
/// How far the head of a statement is looked for, in bytes.
const MAX_HEAD: usize = 64 << 10;
const MAX_CREATE: usize = 256 << 10;
/// Other text goes out in parts of about this size, cut at line ends.
const TEXT_PART: usize = 64 << 10;

pub(crate) fn identify(look: &Look<'_>) -> Option<Certainty> {
    if look.extension == "sql" {
        return Some(Certainty::Likely);
    }
    let mut words = 0usize;
    let mut lines = 0usize;
    for line in look.text.lines().take(400).map(str::trim_start).filter(|l| !l.is_empty()) {
        let comment = line.starts_with("--") || line.starts_with("/*");
        lines += usize::from(!comment);
        let head = line[..line.floor_char_boundary(64)].to_ascii_uppercase();
        let hit = (head.starts_with("CREATE TABLE ")
            || head.starts_with("INSERT INTO ")
            || head.starts_with("COPY ") && line.contains("FROM stdin"))
            && (line.contains('(') || line.contains("FROM stdin"));
        words += usize::from(hit);
        // What comes first must be SQL.
        if lines == 1
            && !comment
            && !hit
            && !["SET ", "BEGIN", "PRAGMA ", "DROP ", "USE ", "CREATE ", "SELECT ", "START ", "LOCK "]
                .iter()
                .any(|w| head.starts_with(w))
        {
            return None;
        }
    }
    (words > 0).then_some(Certainty::Plausible)
}

pub(crate) fn inspect(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    read(Reader::open(artifact, out)?)
}

pub(crate) fn read(mut r: Reader<'_>) -> Result<(), InspectError> {
    r.want(4096)?;
    let head = &r.window.rest()[..r.window.rest().floor_char_boundary(4096)];
    // In standard SQL a backslash is one; MySQL escapes by it.
    let standard = ["PostgreSQL", "pg_dump", "PRAGMA foreign_keys", "SET DEFINE OFF", "[dbo]", "SET ANSI_NULLS"]
        .iter()
        .any(|w| head.contains(w));
    let mut sql = Sql { r, backslash: !standard, tables: HashMap::new(), name_bytes: 0, misses: 0 };
    while sql.step()? {}
    sql.r.finish()
}

struct Sql<'o> {
    r: Reader<'o>,
    backslash: bool,
    /// Columns by table, in lower case.
    tables: HashMap<String, Vec<String>>,
    name_bytes: usize,
    /// Heads that led nowhere; after many of them less is looked at.
    misses: u32,
}

impl Sql<'_> {
    fn step(&mut self) -> Result<bool, InspectError> {
        if self.r.peek(0)?.is_none() {
            return Ok(false);
        }
        let bytes = self.r.window.bytes();
        let blank = bytes.iter().take_while(|b| b.is_ascii_whitespace() || **b == b';').count();
        if blank > 0 {
            self.r.window.skip(blank);
            return Ok(true);
        }
        self.r.want(16)?;
        match statement::kind(self.r.window.bytes()) {
            statement::Kind::Insert => {
                let reach = self.reach(MAX_HEAD);
                self.r.want(reach)?;
                let rest = self.r.window.rest();
                match statement::insert(&rest[..rest.floor_char_boundary(reach)]) {
                    Some(insert) => self.insert(insert)?,
                    None => {
                        self.misses += 1;
                        self.text()?;
                    }
                }
            }
            statement::Kind::Copy => {
                let head = self.r.line()?.and_then(|(len, _)| statement::copy(&self.r.window.rest()[..len]));
                match head {
                    Some(head) => self.copy(&head)?,
                    None => self.text()?,
                }
            }
            statement::Kind::Create => {
                let reach = self.reach(MAX_CREATE);
                self.r.want(reach)?;
                let rest = self.r.window.rest();
                match statement::create(&rest[..rest.floor_char_boundary(reach)]) {
                    Some((table, columns)) => self.learn(table, columns),
                    None => self.misses += 1,
                }
                self.text()?;
            }
            statement::Kind::Other => self.text()?,
        }
        Ok(true)
    }

    fn reach(&self, most: usize) -> usize {
        most.min((16 << 20) / (self.misses as usize + 1)).max(256)
    }

    fn learn(&mut self, table: String, columns: Vec<String>) {
        let bytes: usize = columns.iter().map(String::len).sum();
        if self.tables.len() < MAX_TABLES && self.name_bytes + bytes < MAX_NAME_BYTES {
            self.name_bytes += bytes;
            self.tables.insert(table, columns);
        }
    }

    /// Lines up to one that begins a statement of rows, as text.
    fn text(&mut self) -> Result<(), InspectError> {
        let mut open = self.r.begin();
        let mut first = true;
        while self.r.peek(0)?.is_some() {
            self.r.want(32)?;
            let bytes = self.r.window.bytes();
            let blank = bytes.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            if !first && statement::kind(&bytes[blank..]) != statement::Kind::Other {
                break;
            }
            first = false;
            match self.r.line()? {
                Some((len, end)) => self.r.grow(len + end, &mut open, To::Lone)?,
                None => {
                    let all = self.r.window.rest().len();
                    self.r.grow(all, &mut open, To::Lone)?;
                }
            }
            if self.r.records.value().len() > TEXT_PART {
                break;
            }
        }
        self.r.end(open, To::Lone)
    }

    fn insert(&mut self, insert: statement::Insert) -> Result<(), InspectError> {
        let known = if insert.columns.is_empty() { self.tables.get(&insert.table).cloned() } else { None };
        let columns = known.unwrap_or(insert.columns);
        self.head(insert.len)?;
        loop {
            match self.next_sign()? {
                Some(b'(') => {
                    self.r.window.skip(1);
                    self.tuple(&columns)?;
                }
                Some(b',') => self.r.window.skip(1),
                Some(b';') => {
                    self.r.window.skip(1);
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
    }

    /// Takes the head of a statement. It names tables and columns and is no content, unless it holds numbers or a comment.
    fn head(&mut self, n: usize) -> Result<(), InspectError> {
        let head = &self.r.window.bytes()[..n];
        let odd = head.iter().filter(|b| b.is_ascii_digit()).count() >= 6
            || head.contains(&b'@')
            || head.windows(2).any(|w| w == b"/*");
        if odd {
            return self.r.take(n, To::Lone);
        }
        self.r.window.skip(n);
        Ok(())
    }

    /// Skips white space, and comments as evidence; the next byte.
    fn next_sign(&mut self) -> Result<Option<u8>, InspectError> {
        loop {
            let bytes = self.r.window.bytes();
            let blank = bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let all = bytes.len();
            self.r.window.skip(blank);
            if blank == all {
                if !self.r.more()? {
                    return Ok(None);
                }
                continue;
            }
            self.r.want(2)?;
            if self.r.window.bytes().starts_with(b"--") {
                self.r.lone_line()?;
                continue;
            }
            return Ok(self.r.window.bytes().first().copied());
        }
    }

    /// One row, after its opening bracket.
    fn tuple(&mut self, columns: &[String]) -> Result<(), InspectError> {
        let mut column = 0u32;
        let mut depth = 0u32;
        while let Some(byte) = self.next_sign()? {
            let name = columns.get(column as usize).map_or("", String::as_str);
            let to = To::Name(name, column);
            match byte {
                b',' => {
                    column += u32::from(depth == 0);
                    self.r.window.skip(1);
                }
                b'(' => {
                    depth += 1;
                    self.r.window.skip(1);
                }
                b')' if depth > 0 => {
                    depth -= 1;
                    self.r.window.skip(1);
                }
                b')' => {
                    self.r.window.skip(1);
                    break;
                }
                b'\'' | b'"' | b'`' => self.string(byte, self.backslash, to)?,
                // A statement does not end inside a row: the file is broken here.
                b';' => break,
                _ => self.word(to)?,
            }
        }
        self.r.records.next_record(self.r.out)
    }

    /// A number, NULL, the name of a function, the mark before a string.
    fn word(&mut self, to: To<'_>) -> Result<(), InspectError> {
        let n = loop {
            let bytes = self.r.window.bytes();
            let n = bytes
                .iter()
                .take_while(|b| !matches!(b, b',' | b'(' | b')' | b'\'' | b'"' | b';') && !b.is_ascii_whitespace())
                .count();
            if n < bytes.len() || n > 4096 || !self.r.more()? {
                break n;
            }
        };
        let n = self.r.window.rest().floor_char_boundary(n.clamp(1, 8192));
        let n = n.max(self.r.window.rest().chars().next().map_or(0, char::len_utf8));
        let word = &self.r.window.rest()[..n];
        let next = self.r.window.bytes().get(n).copied();
        let plain_word = word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'8' || b == b'4');
        if word.eq_ignore_ascii_case("null") || (plain_word && next == Some(b'(')) {
            self.r.window.skip(n);
            return Ok(());
        }
        if next == Some(b'\'') && plain_word && word.len() <= 12 {
            // N'…', E'…', X'…', _utf8mb4'…'.
            let escaped = self.backslash || word.eq_ignore_ascii_case("e");
            self.r.window.skip(n);
            return self.string(b'\'', escaped, to);
        }
        self.r.take(n, to)
    }

    fn string(&mut self, quote: u8, escapes: bool, to: To<'_>) -> Result<(), InspectError> {
        self.r.window.skip(1);
        let mut open = self.r.begin();
        loop {
            let bytes = self.r.window.bytes();
            let found = if escapes { memchr::memchr2(quote, b'\\', bytes) } else { memchr::memchr(quote, bytes) };
            let Some(n) = found else {
                let all = bytes.len();
                self.r.grow(all, &mut open, to)?;
                if !self.r.more()? {
                    return self.r.end(open, to);
                }
                continue;
            };
            self.r.grow(n, &mut open, to)?;
            self.r.want(12)?;
            let bytes = self.r.window.bytes();
            if bytes[0] == quote {
                if bytes.get(1) != Some(&quote) {
                    self.r.end(open, to)?;
                    self.r.window.skip(1);
                    return Ok(());
                }
                self.r.window.skip(2);
                self.r.put(char::from(quote), &mut open, to)?;
            } else {
                self.escape(&mut open, to)?;
            }
        }
    }

    fn escape(&mut self, open: &mut Open, to: To<'_>) -> Result<(), InspectError> {
        let rest = self.r.window.rest();
        // MySQL knows no \u and \x: the letter stands for itself.
        let (c, len) = match rest.as_bytes().get(1) {
            Some(b'u' | b'U' | b'x') => rest[1..].chars().next().map_or((None, 1), |c| (Some(c), 2)),
            _ => backslash(&rest[..rest.floor_char_boundary(8)]),
        };
        self.r.window.skip(len.min(rest.len()));
        match c {
            Some(c) => self.r.put(c, open, to),
            None => self.r.put('\n', open, to),
        }
    }

    /// The rows of `COPY … FROM stdin`, up to `\.`.
    fn copy(&mut self, columns: &[String]) -> Result<(), InspectError> {
        if let Some((len, end)) = self.r.line()? {
            self.head(len)?;
            self.r.window.skip(end);
        }
        while self.r.peek(0)?.is_some() {
            let Some((len, end)) = self.r.line()? else {
                self.r.lone_line()?;
                continue;
            };
            if &self.r.window.bytes()[..len] == b"\\." {
                self.r.window.skip(len + end);
                break;
            }
            let mut left = len;
            let mut column = 0u32;
            loop {
                let n = memchr::memchr(b'\t', &self.r.window.bytes()[..left]).unwrap_or(left);
                if &self.r.window.bytes()[..n] == b"\\N" {
                    self.r.window.skip_in_line(n);
                } else {
                    let to = To::Name(columns.get(column as usize).map_or("", String::as_str), column);
                    let mut open = self.r.begin();
                    self.r.grow_escaped(n, yumen_kit_text::Escapes::Backslash, &mut open, to)?;
                    self.r.end(open, to)?;
                }
                left -= n;
                if left == 0 {
                    break;
                }
                self.r.window.skip_in_line(1);
                left -= 1;
                column += 1;
            }
            self.r.window.skip(end);
            self.r.records.next_record(self.r.out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
