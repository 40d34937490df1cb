//! Rows as records, the schema as text, values that are files as children: what every reader of a database sends of what it does not know itself.

use std::collections::BTreeMap;

use yumen_kit_container::Container;
use yumen_kit_text::{MAX_CELL, RecordWriter, Spot};
use yumen_model::evidence::NO_NAME;
use yumen_model::{Artifact, ChildMeta, InspectError};

use crate::database::{Database, Table, TableKind};
use crate::header::Encoding;
use crate::record::{Field, Row, Value};

/// Number of the first stream of records.
pub const FIRST_STREAM: u32 = 1000;
/// Bytes up to this length are not worth a child of their own.
const SMALL: usize = 64;
/// Bytes of this length and more are shown in hexadecimal: shorter ones may look like numbers of persons by chance.
const HEX: usize = 16;
/// So many values of a column that begin as nothing known are handed over each for itself.
const UNKNOWN_EACH: u32 = 1000;

/// Sends the statements of the schema as text: column names with comments, triggers, views.
///
/// # Errors
/// The engine takes no more.
pub fn schema(database: &Database, to: &mut Container<'_>) -> Result<(), InspectError> {
    for object in database.objects() {
        if object.sql.is_empty() {
            continue;
        }
        let (place, verbatim) = &object.place;
        if *verbatim && database.header().encoding == Encoding::Utf8 {
            to.comment(place.clone())?;
        } else {
            to.decoded_text(place.start, object.sql.as_bytes())?;
        }
    }
    Ok(())
}

/// Sends the schema and all tables, but those that `skip` names, and labels every byte. The number of rows of each table that was sent.
///
/// # Errors
/// The bytes can't be read, or the engine takes no more.
pub fn rest(
    database: &Database,
    artifact: &Artifact,
    to: &mut Container<'_>,
    skip: &dyn Fn(&Table) -> bool,
) -> Result<Vec<(String, u64)>, InspectError> {
    schema(database, to)?;
    let mut counts = Vec::new();
    let mut stream = FIRST_STREAM;
    for table in database.tables() {
        if table.kind != TableKind::Stored || skip(table) {
            continue;
        }
        let mut records = TableRecords::new(artifact, stream, table);
        stream += 1;
        database.rows(table, &mut |row| records.row(row, to))?;
        counts.push((table.name.clone(), records.finish(to)?));
    }
    let mut strays = TableRecords::unnamed(artifact, stream);
    database.stray_rows(&mut |row| strays.row(row, to))?;
    strays.finish(to)?;
    database.account(to)?;
    Ok(counts)
}

/// Sends rows of one table as records, each value under the name of its column.
#[derive(Debug)]
pub struct TableRecords {
    writer: RecordWriter,
    /// How children of this table are named.
    table: String,
    columns: Vec<String>,
    names: Vec<u32>,
    /// Values of each column that were handed over without being known.
    unknown: Vec<u32>,
    rows: u64,
}

impl TableRecords {
    /// A stream of the rows of a table. Its property `table` is the name of the table.
    #[must_use]
    pub fn new(artifact: &Artifact, stream: u32, table: &Table) -> Self {
        let properties = BTreeMap::from([("table".to_owned(), table.name.clone().into())]);
        let mut writer = RecordWriter::stream(artifact, stream, properties);
        let columns: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
        let names = columns.iter().map(|n| writer.name(n)).collect();
        TableRecords { writer, table: table.name.clone(), columns, names, unknown: Vec::new(), rows: 0 }
    }

    /// A stream of rows whose table is not known.
    #[must_use]
    pub fn unnamed(artifact: &Artifact, stream: u32) -> Self {
        TableRecords {
            writer: RecordWriter::stream(artifact, stream, BTreeMap::new()),
            table: "[unknown]".to_owned(),
            columns: Vec::new(),
            names: Vec::new(),
            unknown: Vec::new(),
            rows: 0,
        }
    }

    /// Sends a row.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn row(&mut self, row: &Row<'_>, to: &mut Container<'_>) -> Result<(), InspectError> {
        self.row_but(row, to, &|_| false)
    }

    /// Sends a row, but not the columns that `skip` names by number.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn row_but(
        &mut self,
        row: &Row<'_>,
        to: &mut Container<'_>,
        skip: &dyn Fn(usize) -> bool,
    ) -> Result<(), InspectError> {
        self.rows += 1;
        for (n, value) in row.values.iter().enumerate() {
            if skip(n) {
                continue;
            }
            let spot = Spot { byte: row.start, line: self.rows, column: number(n + 1) };
            let name = self.names.get(n).copied().unwrap_or(NO_NAME);
            match value {
                Value::Null => continue,
                Value::Int(int) => self.writer.cell(&int.to_string(), name, number(n), spot, row.end, false),
                Value::Real(real) => self.writer.cell(&format!("{real:?}"), name, number(n), spot, row.end, false),
                Value::Text(field) => self.text(row, n, field, spot, to)?,
                Value::Blob(field) => self.blob(row, n, field, spot, to)?,
            }
            self.writer.cut_long_record(to)?;
        }
        self.writer.end_record(to)
    }

    /// Sends what is left; the number of rows.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn finish(&mut self, to: &mut Container<'_>) -> Result<u64, InspectError> {
        self.writer.finish(to)?;
        Ok(self.rows)
    }

    fn text(
        &mut self,
        row: &Row<'_>,
        n: usize,
        field: &Field<'_>,
        spot: Spot,
        to: &mut Container<'_>,
    ) -> Result<(), InspectError> {
        if field.len() > MAX_CELL as u64 {
            return self.child(row, n, field, to);
        }
        let (place, whole) = field.place();
        let text = field.text();
        let verbatim = whole && matches!(text, std::borrow::Cow::Borrowed(_));
        let name = self.names.get(n).copied().unwrap_or(NO_NAME);
        self.writer.cell(&text, name, number(n), Spot { byte: place.start, ..spot }, place.end, verbatim);
        Ok(())
    }

    fn blob(
        &mut self,
        row: &Row<'_>,
        n: usize,
        field: &Field<'_>,
        spot: Spot,
        to: &mut Container<'_>,
    ) -> Result<(), InspectError> {
        let (place, whole) = field.place();
        let spot = Spot { byte: place.start, ..spot };
        let name = self.names.get(n).copied().unwrap_or(NO_NAME);
        if let Some(bytes) = field.bytes().filter(|b| b.len() <= MAX_CELL) {
            if is_known(bytes) {
                return self.child(row, n, field, to);
            }
            if let Some(text) = as_text(bytes) {
                self.writer.cell(text, name, number(n), spot, place.end, whole);
                return Ok(());
            }
            if bytes.len() <= SMALL {
                if bytes.len() >= HEX {
                    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
                    self.writer.cell(&hex, name, number(n), spot, place.end, false);
                }
                return Ok(());
            }
        }
        if !is_known(field.head()) {
            self.unknown.resize(self.unknown.len().max(n + 1), 0);
            self.unknown[n] += 1;
            if self.unknown[n] > UNKNOWN_EACH {
                // More of the same: it stays what the first thousand were not known to be.
                for extent in field.extents() {
                    if let yumen_model::Extent::Data { offset, len } = extent {
                        to.opaque(offset..offset + len, yumen_model::Reason::UnknownFormat)?;
                    }
                }
                return Ok(());
            }
        }
        self.child(row, n, field, to)
    }

    /// Hands a value over as a child.
    fn child(
        &mut self,
        row: &Row<'_>,
        n: usize,
        field: &Field<'_>,
        to: &mut Container<'_>,
    ) -> Result<(), InspectError> {
        let column = self.columns.get(n).map_or_else(|| n.to_string(), Clone::clone);
        let key = row.rowid.unwrap_or(self.rows.cast_signed());
        let name = format!("{}/{key}/{column}", self.table);
        let meta = ChildMeta::named(name.as_bytes());
        to.hand_over(meta, field.extents())
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Bytes that are text without control characters.
fn as_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))).then_some(text)
}

/// Whether bytes begin as a file does that other readers open.
#[must_use]
pub fn is_known(bytes: &[u8]) -> bool {
    const MAGICS: &[&[u8]] = &[
        b"\xFF\xD8\xFF",
        b"\x89PNG\r\n",
        b"GIF8",
        b"BM",
        b"II*\0",
        b"MM\0*",
        b"PK\x03\x04",
        b"\x1F\x8B\x08",
        b"BZh",
        b"\x28\xB5\x2F\xFD",
        b"\xFD7zXZ\0",
        b"7z\xBC\xAF\x27\x1C",
        b"\x04\x22\x4D\x18",
        b"%PDF-",
        b"\x7FELF",
        b"SQLite format 3\0",
        b"OggS",
        b"fLaC",
        b"ID3",
        b"\x1A\x45\xDF\xA3",
        b"Rar!",
        b"-----BEGIN ",
        b"LASF",
        b"PAR1",
        b"\x89HDF",
        b"<?xml",
    ];
    let riff = bytes.starts_with(b"RIFF") && bytes.len() > 12;
    let boxed = bytes.get(4..8) == Some(b"ftyp");
    bytes.len() > 16 && (riff || boxed || MAGICS.iter().any(|m| bytes.starts_with(m)))
}
