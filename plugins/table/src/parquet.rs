//! Apache Parquet: rows put together out of columns, in bounded memory.
//!
//! Source: github.com/apache/parquet-format (parquet.thrift, Encodings.md, Compression.md, Encryption.md), GeoParquet 1.1.

mod column;
mod geo;
mod meta;
mod page;
mod show;
mod thrift;

use std::collections::BTreeMap;

use column::{Column, Place};
use geo::Geometry;
use meta::{Logical, Meta, Physical, RowGroup};
use page::Datum;
use yumen_kit_container::window::num::le32;
use yumen_kit_container::{Container, Cover, FormatReader};
use yumen_kit_sqlite::evidence::is_known;
use yumen_kit_text::{MAX_CELL, RecordWriter, Spot, is_plain_name};
use yumen_model::{
    Artifact, Batch, Certainty, ChildMeta, Context, EvidenceHeader, EvidenceKind, Extent, Format, Identity,
    InspectError, Inspection, InspectionExt, Label, Message, Probe, Reason, Spatial, SpatialBatch, Stop,
};

/// Reads Parquet, and knows Arrow files.
pub(crate) struct Parquet;

const FORMATS: &[Format] = &[
    Format {
        name: "parquet",
        title: "Apache Parquet",
        media_type: "application/vnd.apache.parquet",
        extensions: &["parquet", "parq", "geoparquet"],
        magic: "`PAR1` at both ends and a footer between (`PARE` where it is encrypted)",
        reference: "github.com/apache/parquet-format; GeoParquet 1.1",
        evidence: "records: a row each, with the names of the columns; binary values that are files as children; geometries as a map; \
                   key-value metadata as text",
        limitations: &[
            "LZO and encrypted columns are not opened.",
            "Pages longer than 192 MiB are not decoded.",
            "Rows of very wide tables are shown in several records each.",
        ],
    },
    Format {
        name: "arrow",
        title: "Apache Arrow file (Feather)",
        media_type: "application/vnd.apache.arrow.file",
        extensions: &["arrow", "feather"],
        magic: "`ARROW1` and two zero bytes, or `FEA1`",
        reference: "arrow.apache.org/docs/format/Columnar.html",
        evidence: "none",
        limitations: &["Recognised, not read."],
    },
];

const MAGIC: &[u8; 4] = b"PAR1";
const ENCRYPTED: &[u8; 4] = b"PARE";
/// Longest footer.
const LONGEST_FOOTER: u64 = 128 << 20;
/// Columns are read together while their pages are below this, in bytes.
const TOGETHER: u64 = 192 << 20;
/// What a column may take at a time: a page and a dictionary.
const PER_COLUMN: u64 = 4 << 20;
/// Rows and bytes that come out of a file are bounded by its length.
const ROWS_PER_BYTE: u64 = 4096;
const BYTES_PER_BYTE: u64 = 1024;
/// Bytes up to this length are not worth a child of their own, and of at least that length are shown in hexadecimal.
const SMALL: usize = 64;
const HEX: usize = 16;
/// So many values of a column that begin as nothing known are handed over each for itself.
const UNKNOWN_EACH: u32 = 1000;
const RECORD_STREAM: u32 = 1000;
const SPATIAL_STREAM: u32 = 200;

impl FormatReader for Parquet {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let (head, tail, len) = (probe.head, probe.tail, probe.blob.len());
        if head.starts_with(b"ARROW1\0\0") || head.starts_with(b"FEA1") && tail.ends_with(b"FEA1") && len > 12 {
            return Some(Identity::new("arrow", Certainty::Signature));
        }
        if !head.starts_with(MAGIC) && !head.starts_with(ENCRYPTED) || len < 12 {
            return None;
        }
        let ends = tail.ends_with(MAGIC) || tail.ends_with(ENCRYPTED);
        let footer = u64::from(le32(tail, tail.len().saturating_sub(8)));
        if ends && footer > 0 && footer + 12 <= len {
            return Some(Identity::new("parquet", Certainty::Signature));
        }
        // Cut short: a page begins behind the magic.
        let page = head.get(4..).and_then(meta::page_header)?;
        let sane = page.0.values > 0 && page.0.packed > 0 && page.1 > 6;
        sane.then(|| Identity::new("parquet", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if artifact.format == "arrow" {
            return Err(InspectError::unsupported("Arrow files are not read"));
        }
        let mut to = Container::new(artifact, out);
        let result = inspect(artifact, &mut to);
        to.finish(result)
    }
}

fn inspect(artifact: &Artifact, to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let end = to.window.get(len.saturating_sub(8), 8)?.to_vec();
    let footer = u64::from(le32(&end, 0));
    if end.len() < 8 || footer + 12 > len {
        return Err(InspectError::corrupt(len.saturating_sub(8), "no footer"));
    }
    let start = len - 8 - footer;
    match &end[4..] {
        b"PAR1" => {}
        b"PARE" => {
            to.tell_bytes("encrypted", 4, len - 12);
            to.container(0..4)?;
            to.container(len - 8..len)?;
            return to.opaque(4..len - 8, Reason::Encrypted);
        }
        _ => return Err(InspectError::corrupt(len - 4, "no footer")),
    }
    if footer > LONGEST_FOOTER {
        return Err(InspectError { reason: Reason::Limit, offset: Some(start), message: "the footer is too long" });
    }
    let mut bytes = vec![0; usize::try_from(footer).unwrap_or(0)];
    to.blob.read_exact_at(start, &mut bytes).map_err(|e| InspectError::read(start, &e))?;
    let meta = meta::parse(&bytes).ok_or(InspectError::corrupt(start, "the footer is broken"))?;
    drop(bytes);
    let mut used = Cover::default();
    for range in [0..4, start..len] {
        to.container(range.clone())?;
        used.add(range);
    }
    let mut reader = Reader::new(artifact, &meta, len);
    reader.told(start, to)?;
    let mut done = Ok(());
    for group in &meta.groups {
        reader.extra(group, &mut used, to)?;
        done = reader.group(group, &mut used, to);
        if done.is_err() {
            break;
        }
    }
    if !to.stopped() {
        reader.finish(to)?;
    }
    done?;
    for gap in used.gaps(0..len) {
        to.unallocated(gap)?;
    }
    Ok(())
}

struct Reader<'a> {
    artifact: &'a Artifact,
    meta: &'a Meta,
    writer: RecordWriter,
    names: Vec<u32>,
    geometries: Vec<Geometry>,
    /// Of each leaf the geometry it is.
    geometry_of: Vec<Option<usize>>,
    unknown: Vec<u32>,
    rows: u64,
    rows_left: u64,
    bytes_left: u64,
    text: String,
    limited: bool,
}

impl<'a> Reader<'a> {
    fn new(artifact: &'a Artifact, meta: &'a Meta, len: u64) -> Self {
        let mut writer = RecordWriter::stream(artifact, RECORD_STREAM, BTreeMap::new());
        let mut geometries = geo::columns(&meta.pairs);
        for leaf in meta.leaves.iter().filter(|l| l.logical == Logical::Geometry) {
            if !geometries.iter().any(|g| g.column == leaf.name) {
                geometries.push(Geometry::new(&leaf.name, &serde_json::json!({})));
            }
        }
        let mut names = Vec::new();
        let mut geometry_of = Vec::new();
        for leaf in &meta.leaves {
            let geometry = geometries.iter().position(|g| g.column == leaf.path[0]);
            // Geometries that are kept as x and y in columns of their own are read as places, too.
            let name = match (geometry, leaf.path.last().map(String::as_str)) {
                (Some(_), Some("x")) if leaf.path.len() > 1 && leaf.repetition == 0 => {
                    format!("{}.longitude", leaf.path[0])
                }
                (Some(_), Some("y")) if leaf.path.len() > 1 && leaf.repetition == 0 => {
                    format!("{}.latitude", leaf.path[0])
                }
                _ => leaf.name.clone(),
            };
            names.push(writer.name(&name));
            geometry_of.push(geometry.filter(|_| leaf.path.len() == 1 && leaf.physical == Physical::ByteArray));
        }
        Reader {
            artifact,
            meta,
            writer,
            names,
            geometries,
            geometry_of,
            unknown: vec![0; meta.leaves.len()],
            rows: 0,
            rows_left: len.saturating_mul(ROWS_PER_BYTE).saturating_add(1 << 24),
            bytes_left: len.saturating_mul(BYTES_PER_BYTE).saturating_add(1 << 30),
            text: String::new(),
            limited: false,
        }
    }

    /// Shows names that are content, and what the writer and its metadata say.
    fn told(&mut self, footer: u64, to: &mut Container<'_>) -> Result<(), InspectError> {
        for leaf in &self.meta.leaves {
            if !is_plain_name(&leaf.name) {
                to.decoded_text(footer, leaf.name.as_bytes())?;
            }
        }
        to.decoded_text(footer, self.meta.created_by.as_bytes())?;
        for (key, value) in &self.meta.pairs {
            // The schema once more, in Arrow's own encoding.
            if key != "ARROW:schema" {
                to.decoded_text(footer, key.as_bytes())?;
                to.decoded_text(footer, value.as_bytes())?;
            }
        }
        if self.meta.encrypted {
            to.tell("encrypted");
        }
        Ok(())
    }

    /// Labels indexes and filters, which repeat what the columns hold.
    fn extra(&self, group: &RowGroup, used: &mut Cover, to: &mut Container<'_>) -> Result<(), InspectError> {
        for chunk in &group.chunks {
            for &(offset, len) in &chunk.extra {
                let len = match len {
                    Some(len) => len,
                    // A filter of old files tells its length itself.
                    None => {
                        let head = to.window.get(offset, 64)?;
                        let mut size = 0;
                        let mut thrift = thrift::Thrift::new(head);
                        let read = thrift.fields(&mut |t, id, of| {
                            if id == 1 && of != thrift::kind::STRUCT {
                                size = u64::try_from(t.int()?).ok()?;
                                return Some(true);
                            }
                            Some(false)
                        });
                        if read.is_some() { size.saturating_add(thrift.at as u64) } else { 0 }
                    }
                };
                let range = offset..offset.saturating_add(len).min(to.len());
                to.container(range.clone())?;
                used.add(range);
            }
        }
        Ok(())
    }

    fn group(&mut self, group: &RowGroup, used: &mut Cover, to: &mut Container<'_>) -> Result<(), InspectError> {
        let first = self.rows;
        let mut columns = Vec::new();
        let mut room = 0u64;
        let count = self.meta.leaves.len().min(group.chunks.len());
        for (n, (leaf, chunk)) in self.meta.leaves.iter().zip(&group.chunks).enumerate() {
            let end = chunk.start().saturating_add(chunk.packed);
            let bytes = chunk.start()..end.min(to.len());
            if chunk.elsewhere {
                to.tell("spanned");
            } else if chunk.encrypted {
                to.tell_at("encrypted", bytes.start);
                to.opaque(bytes.clone(), Reason::Encrypted)?;
                used.add(bytes);
            } else if chunk.told {
                if end > to.len() {
                    to.tell_at("truncated", to.len());
                }
                used.add(bytes);
                room += (2 * chunk.unpacked).min(PER_COLUMN) + (64 << 10);
                columns.push(Column::new(&self.artifact.blob, leaf, n, chunk));
            }
            if room > TOGETHER || n + 1 == count {
                self.rows = first;
                self.columns(&mut columns, to)?;
                columns.clear();
                room = 0;
            }
        }
        self.rows = self.rows.max(first.saturating_add(group.rows.min(1 << 40)));
        Ok(())
    }

    /// Reads some columns of a row group side by side.
    fn columns(&mut self, columns: &mut [Column<'_>], to: &mut Container<'_>) -> Result<(), InspectError> {
        let mut stopped = false;
        while !stopped {
            let mut any = false;
            let mut repeats = Vec::new();
            for column in columns.iter_mut() {
                let n = column.index;
                any |= column.row(&mut |datum, place| self.value(n, &datum, place, &mut repeats, to))?;
                self.writer.cut_long_record(to)?;
            }
            if !any {
                break;
            }
            self.rows += 1;
            self.writer.end_record(to)?;
            self.rows_left = self.rows_left.saturating_sub(1);
            stopped = self.rows_left == 0 || self.bytes_left == 0;
        }
        for column in columns.iter() {
            let bytes = column.bytes();
            if stopped {
                to.opaque(bytes.clone(), Reason::Limit)?;
                self.limited = true;
                continue;
            }
            if let Some((at, reason)) = column.failed {
                let code = match reason {
                    Reason::Unsupported => "unsupported-method",
                    Reason::Limit => "limit",
                    _ => "corrupt",
                };
                to.tell_at(code, at);
                to.label(bytes.start..at.max(bytes.start), Label::Inspected)?;
                to.opaque(at.max(bytes.start)..bytes.end, reason)?;
            } else {
                to.label(column.read.start..column.read.end, Label::Inspected)?;
                to.unallocated(column.read.end..bytes.end)?;
            }
            for _ in 0..column.wrong_sums {
                to.tell_at("checksum-mismatch", bytes.start);
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        n: usize,
        datum: &Datum<'_>,
        place: Place,
        repeats: &mut Vec<u32>,
        to: &mut Container<'_>,
    ) -> Result<(), InspectError> {
        let leaf = &self.meta.leaves[n];
        let column = u32::try_from(n).unwrap_or(u32::MAX);
        let mut spot = Spot { byte: place.page.0, line: self.rows + 1, column: column.saturating_add(1) };
        let mut end = place.page.1;
        if let Datum::Bytes(bytes, _) = datum {
            self.bytes_left = self.bytes_left.saturating_sub(bytes.len() as u64);
            if let Some(exact) = place.exact {
                (spot.byte, end) = (exact, exact + bytes.len() as u64);
            }
            if let Some(geometry) = self.geometry_of[n] {
                if let Some((x, y, z)) = self.geometries[geometry].take(bytes) {
                    for (axis, value) in [("longitude", Some(x)), ("latitude", Some(y)), ("altitude", z)] {
                        if let Some(value) = value.filter(|v| v.is_finite()) {
                            let name = self.writer.name(&format!("{}.{axis}", leaf.name));
                            self.writer.cell(&format!("{value:?}"), name, column, spot, end, false);
                        }
                    }
                }
                return Ok(());
            }
            let known = is_known(bytes) && leaf.logical != Logical::Text;
            if known || bytes.len() > MAX_CELL {
                return self.child(n, bytes, place, repeats, to);
            }
        }
        let mut text = std::mem::take(&mut self.text);
        let has_text = show::text(datum, leaf, &mut text);
        let result = if has_text {
            let verbatim = place.exact.is_some() && matches!(datum, Datum::Bytes(b, _) if *b == text.as_bytes());
            self.writer.cell(&text, self.names[n], column, spot, end, verbatim);
            self.writer.cut_long_record(to).map(|_| ())
        } else if let Datum::Bytes(bytes, _) = datum {
            if bytes.len() > SMALL {
                self.child(n, bytes, place, repeats, to)
            } else {
                if bytes.len() >= HEX {
                    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
                    self.writer.cell(&hex, self.names[n], column, spot, end, false);
                }
                Ok(())
            }
        } else {
            Ok(())
        };
        self.text = text;
        result
    }

    /// Hands over a value that is something of its own.
    fn child(
        &mut self,
        n: usize,
        bytes: &[u8],
        place: Place,
        repeats: &mut Vec<u32>,
        to: &mut Container<'_>,
    ) -> Result<(), InspectError> {
        if !is_known(bytes) {
            self.unknown[n] += 1;
            if self.unknown[n] > UNKNOWN_EACH {
                // More of the same: it stays what the first thousand were not known to be.
                return to.opaque(place.page.0..place.page.1, Reason::UnknownFormat);
            }
        }
        let column = u32::try_from(n).unwrap_or(u32::MAX);
        let before = repeats.iter().filter(|&&c| c == column).count();
        repeats.push(column);
        let name = match before {
            0 => format!("{}/{}", self.meta.leaves[n].name, self.rows),
            more => format!("{}/{}/{more}", self.meta.leaves[n].name, self.rows),
        };
        let meta = ChildMeta { encoded: None, ..ChildMeta::named(name.as_bytes()) };
        if let Some(exact) = place.exact {
            let extent = Extent::Data { offset: exact, len: bytes.len() as u64 };
            return to.hand_over(meta, vec![extent]);
        }
        let mut send = || -> Result<(), Stop> {
            to.child_start(meta.clone())?;
            for piece in bytes.chunks(1 << 20) {
                to.child_bytes(piece)?;
            }
            to.child_end(true)
        };
        match send() {
            Ok(()) => Ok(()),
            Err(Stop::Child(reason)) => to.opaque(place.page.0..place.page.1, reason),
            Err(stop) => Err(stop.into()),
        }
    }

    fn finish(mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        self.writer.finish(to)?;
        if self.limited {
            to.tell("limit");
        }
        if self.geometries.iter().any(|g| g.broken() > 0) {
            to.tell("bad-entry");
        }
        let items: Vec<Spatial> = self.geometries.into_iter().filter_map(Geometry::finish).collect();
        if items.is_empty() {
            return Ok(());
        }
        let header = EvidenceHeader {
            stream: SPATIAL_STREAM,
            kind: EvidenceKind::Spatial,
            format: self.artifact.format.into(),
            name: self.artifact.name.clone(),
            properties: BTreeMap::new(),
        };
        to.send(Message::Evidence(header))?;
        to.batch(SPATIAL_STREAM, Batch::Spatial(SpatialBatch { items }))?;
        Ok(to.send(Message::EvidenceEnd { stream: SPATIAL_STREAM })?)
    }
}

#[cfg(test)]
mod tests;
