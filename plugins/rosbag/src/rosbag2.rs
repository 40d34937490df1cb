//! ROS 2 bags in SQLite (`.db3`, `rosbag2_storage_sqlite3`), of every schema version from Ardent to Jazzy.
//!
//! `topics` and `messages` are read here; what else is in the database (the metadata, tables that somebody added, deleted rows) goes the way of any
//! database.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::ops::Range;

use memchr::memmem;
use yumen_kit_container::FormatReader;
use yumen_kit_sqlite::evidence::{TableRecords, schema};
use yumen_kit_sqlite::{Database, Field, Row, TableKind, Value, probe_schema, probe_tables};
use yumen_model::{Artifact, Certainty, Context, Extent, Format, Identity, InspectError, Inspection, Probe};

use crate::recording::{Declared, MAX_MESSAGE, Recording, Spot, Told};

/// Reads ROS 2 bags in SQLite.
pub(crate) struct Rosbag2;

const FORMATS: &[Format] = &[Format {
    name: "rosbag2",
    title: "ROS 2 bag (SQLite)",
    media_type: "application/vnd.sqlite3",
    extensions: &[],
    magic: "an SQLite database with the tables topics (with serialization_format) and messages",
    reference: "https://github.com/ros2/rosbag2/tree/rolling/rosbag2_storage_sqlite3",
    evidence: "messages decoded by the definitions in the bag, or by the well-known ones: positions, inertial data, text and named values; pictures as children; a table of the topics; other tables as records",
    limitations: &[
        "messages longer than 128 MiB are not decoded",
        "messages that stand only in a write-ahead log beside the database are not decoded as such",
        "types that are neither defined in the bag nor well known are not decoded",
    ],
}];

/// Streams of the other tables; those of topics have numbers from 1000.
const FIRST_STREAM: u32 = 500;
const MOST_TABLES: u32 = 400;
/// Most definitions, and bytes of them.
const MAX_DEFINITIONS: usize = 64 << 20;

impl FormatReader for Rosbag2 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let mut names = probe_schema(probe.head)?;
        if names.is_empty() {
            names = probe_tables(probe.blob)?;
        } else if memmem::find(probe.head, b"serialization_format").is_none() {
            return None;
        }
        let has = |name: &str| names.iter().any(|n| n == name);
        (has("topics") && has("messages")).then(|| Identity::new("rosbag2", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut rec = Recording::new(artifact, out);
        let result = rosbag2(&mut rec, artifact);
        rec.finish(result)
    }
}

/// A definition of a type.
struct Definition {
    encoding: String,
    text: Vec<u8>,
}

/// The columns of `messages`.
#[derive(Clone, Copy)]
struct Columns {
    topic: usize,
    time: usize,
    data: usize,
}

fn rosbag2(rec: &mut Recording<'_>, artifact: &Artifact) -> Result<(), InspectError> {
    let database = Database::open(&artifact.blob)?;
    let definitions = definitions(&database)?;
    let distro = facts(rec, &database)?;
    topics(rec, &database, &definitions)?;
    if let Some(table) = database.table("messages") {
        let number = |name: &str| table.column(name);
        // A statement that can't be read leaves the order that every version has.
        let known = Columns {
            topic: number("topic_id").unwrap_or(1),
            time: number("timestamp").unwrap_or(2),
            data: number("data").unwrap_or(3),
        };
        database.rows(table, &mut |row| message(rec, row, known))?;
    }
    if let Some(distro) = distro {
        rec.fact("ros_distro", &distro);
    }
    schema(&database, &mut rec.c)?;
    let mut stream = FIRST_STREAM;
    for table in database.tables() {
        let known = ["topics", "messages", "message_definitions"].iter().any(|n| table.name.eq_ignore_ascii_case(n));
        if table.kind != TableKind::Stored || known || stream >= FIRST_STREAM + MOST_TABLES {
            continue;
        }
        let mut records = TableRecords::new(artifact, stream, table);
        stream += 1;
        database.rows(table, &mut |row| records.row(row, &mut rec.c))?;
        records.finish(&mut rec.c)?;
    }
    // Of a damaged database rows are left whose table is not known: those that look like messages are taken for such.
    let mut strays = TableRecords::unnamed(artifact, stream);
    database.stray_rows(&mut |row| match row.values {
        [_, Value::Int(_), Value::Int(_), Value::Blob(_)] => message(rec, row, Columns { topic: 1, time: 2, data: 3 }),
        _ => strays.row(row, &mut rec.c),
    })?;
    strays.finish(&mut rec.c)?;
    database.account(&mut rec.c)
}

/// The definitions of types, by their names.
fn definitions(database: &Database) -> Result<HashMap<String, Definition>, InspectError> {
    let mut all = HashMap::new();
    let Some(table) = database.table("message_definitions") else { return Ok(all) };
    let (Some(name), Some(encoding), Some(text)) =
        (table.column("topic_type"), table.column("encoding"), table.column("encoded_message_definition"))
    else {
        return Ok(all);
    };
    let mut bytes = 0;
    database.rows(table, &mut |row| {
        let text_of = |n: usize| row.values.get(n).and_then(Value::text);
        if let (Some(name), Some(encoding), Some(text)) = (text_of(name), text_of(encoding), text_of(text)) {
            bytes += text.len() + name.len();
            if bytes <= MAX_DEFINITIONS {
                let definition = Definition { encoding: encoding.into_owned(), text: text.into_owned().into_bytes() };
                all.insert(name.into_owned(), definition);
            }
        }
        Ok(())
    })?;
    Ok(all)
}

/// The version of the schema and the distribution that wrote it.
fn facts(rec: &mut Recording<'_>, database: &Database) -> Result<Option<String>, InspectError> {
    let mut found = (None, None);
    if let Some(table) = database.table("schema") {
        let (version, distro) = (table.column("schema_version"), table.column("ros_distro"));
        database.rows(table, &mut |row| {
            let of = |n: Option<usize>| n.and_then(|n| row.values.get(n));
            found =
                (of(version).and_then(Value::int), of(distro).and_then(Value::text).map(std::borrow::Cow::into_owned));
            Ok(())
        })?;
    }
    let (version, distro) = found;
    if let Some(version) = version {
        rec.fact("version", &version.to_string());
    }
    Ok(distro)
}

fn topics(
    rec: &mut Recording<'_>,
    database: &Database,
    definitions: &HashMap<String, Definition>,
) -> Result<(), InspectError> {
    let Some(table) = database.table("topics") else { return Ok(()) };
    let column = |name: &str, usual: usize| table.column(name).unwrap_or(usual);
    let (id, name) = (column("id", 0), column("name", 1));
    let (type_name, format) = (column("type", 2), column("serialization_format", 3));
    database.rows(table, &mut |row| {
        let text = |n: usize| row.values.get(n).and_then(Value::text).unwrap_or_default();
        let number = row.values.get(id).and_then(Value::int).or(row.rowid).unwrap_or(0);
        let (topic, kind, encoding) = (text(name), text(type_name), text(format));
        let metadata: BTreeMap<String, String> = row
            .values
            .iter()
            .enumerate()
            .filter(|(n, _)| ![id, name, type_name, format].contains(n))
            .filter_map(|(n, v)| Some((table.columns.get(n)?.name.clone(), v.text()?.into_owned())))
            .collect();
        let definition = definitions.get(kind.as_ref());
        let declared = Declared {
            topic: &topic,
            type_name: &kind,
            message_encoding: &encoding,
            schema_encoding: definition.map_or("", |d| &d.encoding),
            schema: definition.map_or(&[], |d| &d.text),
            metadata,
            offset: row.start,
        };
        rec.channel(number.cast_unsigned(), declared)
    })
}

fn message(rec: &mut Recording<'_>, row: &Row<'_>, columns: Columns) -> Result<(), InspectError> {
    let value = |n: usize| row.values.get(n);
    let field = match value(columns.data) {
        Some(Value::Blob(field) | Value::Text(field)) => field,
        _ => return Ok(()),
    };
    let channel = value(columns.topic).and_then(Value::int).unwrap_or(-1).cast_unsigned();
    let time = value(columns.time).and_then(Value::int).unwrap_or(0).cast_unsigned();
    let pieces = field.extents();
    if field.len() > MAX_MESSAGE {
        return rec.too_long(field.len(), Spot { offset: row.start, exact: None, pieces: &pieces });
    }
    let read;
    let data = match field.bytes() {
        Some(bytes) => bytes,
        None => {
            read = whole(field, rec)?;
            &read
        }
    };
    if data.len() as u64 != field.len() {
        rec.c.tell_at("bad-entry", row.start);
    }
    let (place, one) = field.place();
    let spot = Spot { offset: row.start, exact: one.then_some(place.start), pieces: &pieces };
    rec.message(&Told { channel, log_time_ns: time, publish_time_ns: time, data }, spot)?;
    rec.forget_share();
    Ok(())
}

/// A long value, read through its pieces.
fn whole(field: &Field<'_>, rec: &Recording<'_>) -> Result<Vec<u8>, InspectError> {
    let blob = field.blob(rec.c.blob);
    let mut data = Vec::new();
    let read = blob.reader().take(MAX_MESSAGE).read_to_end(&mut data);
    read.map_err(|e| InspectError::read(0, &e))?;
    Ok(data)
}

/// The stretches of the artifact that a range of a value stands in.
pub(crate) fn stretches(pieces: &[Extent], range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = 0;
    pieces.iter().filter_map(move |piece| {
        let start = at;
        at += piece.len();
        let from = range.start.max(start);
        let to = range.end.min(at);
        match piece {
            Extent::Data { offset, .. } if from < to => Some(offset + (from - start)..offset + (to - start)),
            _ => None,
        }
    })
}
