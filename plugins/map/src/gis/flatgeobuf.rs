//! FlatGeobuf: features of one layer in FlatBuffers, behind a header and a packed index of boxes.
//!
//! Source: the FlatGeobuf specification 3.x (header.fbs, feature.fbs) and the binary format of FlatBuffers.

use std::ops::Range;

use yumen_kit_container::{Container, FormatReader};
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Probe, Reason};

use super::emit::{Emit, Via};
use super::shapes::{Form, Sequence, Shapes, Step};
use super::{when, words};
use crate::survey::{entity, send_spatial};

/// Documentation of `flatgeobuf`.
const FGB: Format = Format {
    name: "flatgeobuf",
    title: "FlatGeobuf",
    media_type: "application/flatgeobuf",
    extensions: &["fgb"],
    magic: "fgb 3 fgb, and a header whose length fits",
    reference: "https://github.com/flatgeobuf/flatgeobuf",
    evidence: "lines and areas as a map, points as places or, in time order, as positions; attributes as records",
    limitations: &["Curves are read by their vertices; features of more than 16 MiB are not read."],
};

/// Reads FlatGeobuf.
pub(crate) struct FlatGeobuf;

/// Longest header and feature.
const LONGEST: u64 = 16 << 20;
/// Geometries nest no deeper than this.
const DEEPEST: usize = 8;

fn le<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    le(bytes, at).map(u32::from_le_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    le(bytes, at).map(u16::from_le_bytes)
}

/// A table of a FlatBuffer.
#[derive(Clone, Copy)]
struct Table<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Where its offsets of fields stand, and how many bytes they take.
    fields: usize,
    size: usize,
}

impl<'b> Table<'b> {
    fn root(bytes: &'b [u8]) -> Option<Self> {
        Table::new(bytes, u32_at(bytes, 0)? as usize)
    }

    fn new(bytes: &'b [u8], at: usize) -> Option<Self> {
        let back = i64::from(i32::from_le_bytes(le(bytes, at)?));
        let fields = usize::try_from(i64::try_from(at).ok()?.checked_sub(back)?).ok()?;
        let size = usize::from(u16_at(bytes, fields)?);
        (size >= 4 && fields.checked_add(size)? <= bytes.len()).then_some(Table { bytes, at, fields, size })
    }

    /// Where a field stands.
    fn field(&self, n: usize) -> Option<usize> {
        let slot = 4 + 2 * n;
        if slot + 2 > self.size {
            return None;
        }
        match usize::from(u16_at(self.bytes, self.fields + slot)?) {
            0 => None,
            offset => self.at.checked_add(offset),
        }
    }

    fn byte(&self, n: usize) -> Option<u8> {
        self.bytes.get(self.field(n)?).copied()
    }

    fn short(&self, n: usize) -> Option<u16> {
        u16_at(self.bytes, self.field(n)?)
    }

    fn int(&self, n: usize) -> Option<u32> {
        u32_at(self.bytes, self.field(n)?)
    }

    fn long(&self, n: usize) -> Option<u64> {
        le(self.bytes, self.field(n)?).map(u64::from_le_bytes)
    }

    fn target(&self, at: usize) -> Option<usize> {
        at.checked_add(u32_at(self.bytes, at)? as usize)
    }

    /// Begin and number of items of a vector whose items are so large.
    fn vector(&self, n: usize, item: usize) -> Option<(usize, usize)> {
        let at = self.target(self.field(n)?)?;
        let len = u32_at(self.bytes, at)? as usize;
        let begin = at + 4;
        (len.checked_mul(item)?.checked_add(begin)? <= self.bytes.len()).then_some((begin, len))
    }

    fn text(&self, n: usize) -> Option<&'b str> {
        let (at, len) = self.vector(n, 1)?;
        std::str::from_utf8(&self.bytes[at..at + len]).ok()
    }

    fn table(&self, n: usize) -> Option<Table<'b>> {
        Table::new(self.bytes, self.target(self.field(n)?)?)
    }

    fn tables(&self, n: usize) -> Vec<Table<'b>> {
        let Some((at, len)) = self.vector(n, 4) else { return Vec::new() };
        (0..len).map_while(|i| Table::new(self.bytes, self.target(at + 4 * i)?)).collect()
    }

    fn doubles(&self, n: usize) -> Option<impl Fn(usize) -> Option<f64> + use<'b>> {
        let (at, len) = self.vector(n, 8)?;
        let bytes = self.bytes;
        Some(move |i: usize| if i < len { le(bytes, at + 8 * i).map(f64::from_le_bytes) } else { None })
    }
}

struct Column {
    name: String,
    kind: u8,
}

fn columns(table: &Table<'_>, n: usize) -> Vec<Column> {
    let column = |t: Table<'_>| Column { name: t.text(0).unwrap_or("").to_owned(), kind: t.byte(1).unwrap_or(0) };
    table.tables(n).into_iter().map(column).collect()
}

/// Bytes of the packed tree over so many features.
fn index_len(features: u64, node: u64) -> Option<u64> {
    if node < 2 || features == 0 {
        return Some(0);
    }
    let (mut level, mut all) = (features, features);
    while level > 1 {
        level = level.div_ceil(node);
        all = all.checked_add(level)?;
    }
    all.checked_mul(40)
}

fn magic(bytes: &[u8]) -> bool {
    bytes.len() >= 12 && bytes.starts_with(b"fgb\x03fgb") && matches!(bytes[7], 0 | 1)
}

impl FormatReader for FlatGeobuf {
    fn formats(&self) -> &'static [Format] {
        &[FGB]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let fits = magic(probe.head) && {
            let len = u64::from(u32_at(probe.head, 8)?);
            len >= 8 && 12 + len <= probe.blob.len()
        };
        fits.then(|| Identity::new(FGB.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut c = Container::new(artifact, out);
        let result = read(artifact, &mut c);
        c.finish(result)
    }
}

/// What a layer has come to.
struct Layer<'a> {
    shapes: Shapes,
    points: Sequence,
    emit: Emit<'a>,
    writer: RecordWriter,
    columns: Vec<Column>,
    kind: u8,
    named: bool,
    motion: bool,
    /// Whether a column tells objects apart.
    objects: bool,
    lines: u64,
    rows: u64,
}

fn read(artifact: &Artifact, c: &mut Container<'_>) -> Result<(), InspectError> {
    let size = u64::from(u32_at(c.window.get(8, 4)?, 0).unwrap_or(0));
    let len = c.len();
    if size > LONGEST || 12 + size > len {
        return Err(InspectError::corrupt(8, "a header that does not fit into the file"));
    }
    let bytes = c.window.get(12, usize::try_from(size).unwrap_or(0))?.to_vec();
    let Some(header) = Table::root(&bytes) else { return Err(InspectError::corrupt(12, "not a header")) };
    let name = header.text(0).unwrap_or("");
    let system = header.table(10).and_then(|crs| {
        let code = crs.int(1).filter(|n| (1000..1_000_000).contains(n)).map(|n| format!("EPSG:{n}"));
        code.or_else(|| crs.text(5).filter(|t| !t.is_empty()).map(str::to_owned))
            .or_else(|| crs.text(4).filter(|t| t.len() > 10).map(str::to_owned))
    });
    c.label(0..12 + size, Label::Inspected)?;
    for field in [11, 12, 13] {
        if let Some(text) = header.text(field).filter(|t| !t.is_empty()) {
            c.decoded_text(12, text.as_bytes())?;
        }
    }
    let columns = columns(&header, 7);
    let mut layer = Layer {
        shapes: Shapes::default(),
        points: Sequence::default(),
        emit: Emit::new(artifact, system.as_deref()),
        writer: RecordWriter::new(artifact),
        kind: header.byte(2).unwrap_or(0),
        named: words::track_like(name) || words::track_like(artifact.base_name().split('.').next().unwrap_or("")),
        motion: columns.iter().any(|k| words::motion_like(&k.name)),
        objects: columns.iter().any(|k| words::entity_like(&k.name)),
        columns,
        lines: 0,
        rows: 0,
    };
    layer.shapes.layer(name);
    layer.shapes.name(name);
    for column in &layer.columns {
        layer.shapes.name(&column.name);
    }
    let count = header.long(8).unwrap_or(0);
    let node = u64::from(header.short(9).unwrap_or(16));
    let index = index_len(count, node).filter(|n| 12 + size + n <= len);
    let Some(index) = index else {
        return Err(InspectError::corrupt(12 + size, "an index that does not fit into the file"));
    };
    let begin = 12 + size + index;
    c.container(12 + size..begin)?;
    let mut done = begin;
    let result = features(c, &mut layer, count, &mut done);
    c.label(begin..done, Label::Inspected)?;
    if matches!(&result, Err(e) if e.reason != Reason::Corrupt) {
        return result;
    }
    layer.writer.finish(&mut Via(c))?;
    let hint = layer.named || layer.motion;
    // Under an index features stand along a Hilbert curve.
    if index > 0 && (hint || layer.objects) {
        layer.points.by_time();
    }
    let told = layer.points.finish(hint, &mut layer.emit, &mut Via(c))?;
    layer.emit.finish(&mut Via(c))?;
    send_spatial(artifact, layer.shapes.finish(system, told).into_iter().collect(), &mut Via(c))?;
    result
}

fn features(c: &mut Container<'_>, layer: &mut Layer<'_>, count: u64, done: &mut u64) -> Result<(), InspectError> {
    let len = c.len();
    let mut at = *done;
    // A count of 0 says that it was not known.
    while at + 4 <= len && (count == 0 || layer.rows < count) {
        let size = u64::from(u32_at(c.window.get(at, 4)?, 0).unwrap_or(0));
        if size < 8 || at + 4 + size > len {
            return Err(InspectError::corrupt(at, "a feature that does not fit into the file"));
        }
        layer.rows += 1;
        layer.shapes.features += 1;
        let read = if size > LONGEST {
            None
        } else {
            let bytes = c.window.get(at + 4, usize::try_from(size).unwrap_or(0))?.to_vec();
            match Table::root(&bytes) {
                Some(feature) => Some(layer.feature(&feature, at..at + 4 + size, c)?),
                None => None,
            }
        };
        if read.is_none() {
            c.opaque(at + 4..at + 4 + size, if size > LONGEST { Reason::Unsupported } else { Reason::Corrupt })?;
            c.tell_at("bad-entry", at);
        }
        at += 4 + size;
        *done = at;
    }
    if layer.rows < count {
        return Err(InspectError::corrupt(at, "the file ends before its features do"));
    }
    c.trailing(at..len)
}

impl Layer<'_> {
    fn feature(&mut self, feature: &Table<'_>, at: Range<u64>, c: &mut Container<'_>) -> Result<(), InspectError> {
        let own = columns(feature, 2);
        let (mut time, mut object, mut track) = (None, 0, self.named || self.motion);
        let values = feature.vector(1, 1).map(|(from, len)| &feature.bytes[from..from + len]);
        let spot = Spot { byte: at.start, line: self.rows, column: 1 };
        let mut rest = values.unwrap_or_default();
        while let Some(n) = u16_at(rest, 0) {
            let columns = if own.is_empty() { &self.columns } else { &own };
            let Some(column) = columns.get(usize::from(n)) else { break };
            let Some((value, used)) = value(column.kind, &rest[2..]) else { break };
            rest = &rest[2 + used..];
            if words::time_like(&column.name) && time.is_none() {
                time = when::parse(&value);
            }
            if words::entity_like(&column.name) && object == 0 {
                object = entity(&value);
            }
            if matches!(column.name.to_lowercase().as_str(), "name" | "title" | "type" | "名称") {
                track |= words::track_like(&value);
            }
            let name = self.writer.name(&column.name);
            self.writer.cell(&value, name, u32::from(n), spot, at.end, false);
            self.writer.cut_long_record(&mut Via(c))?;
        }
        self.writer.end_record(&mut Via(c))?;
        match feature.table(0) {
            Some(geometry) => self.geometry(&geometry, self.kind, (time, object, track), at.start, 0, c),
            None => Ok(()),
        }
    }

    fn geometry(
        &mut self,
        geometry: &Table<'_>,
        kind: u8,
        told: (Option<f64>, u64, bool),
        offset: u64,
        depth: usize,
        c: &mut Container<'_>,
    ) -> Result<(), InspectError> {
        let kind = geometry.byte(6).filter(|k| *k != 0).unwrap_or(kind);
        let parts = geometry.tables(7);
        if !parts.is_empty() {
            if depth < DEEPEST {
                let inner = match kind {
                    6 => 3,
                    _ => 0,
                };
                for part in parts {
                    self.geometry(&part, inner, told, offset, depth + 1, c)?;
                }
            }
            return Ok(());
        }
        let Some((_, numbers)) = geometry.vector(1, 8) else { return Ok(()) };
        let Some(xy) = geometry.doubles(1) else { return Ok(()) };
        let (z, m) = (geometry.doubles(2), geometry.doubles(3));
        let form = match kind {
            1 | 4 => Form::Point,
            2 | 5 | 8 | 9 | 11 | 13 => Form::Line,
            15..=17 => Form::Surface,
            _ => Form::Area,
        };
        let ends = geometry.vector(0, 4);
        let end = |i: usize| {
            let (at, len) = ends?;
            if i < len { u32_at(geometry.bytes, at + 4 * i).map(|n| n as usize) } else { None }
        };
        let points = numbers / 2;
        let (time, object, hint) = told;
        let timed = |i: usize| m.as_ref().and_then(|m| m(i)).and_then(when::epoch);
        let track = form == Form::Line
            && (points >= 5 && (0..points).all(|i| timed(i).is_some()) || hint && !self.shapes.map_like());
        if track {
            self.lines += 1;
        } else {
            self.shapes.begin(form);
        }
        let mut ring = 0;
        for i in 0..points {
            let (Some(x), Some(y)) = (xy(2 * i), xy(2 * i + 1)) else { break };
            let height = z.as_ref().and_then(|z| z(i)).filter(|z| z.is_finite());
            match form {
                Form::Point => {
                    self.shapes.point(x, y, height);
                    let time = time.or_else(|| timed(i));
                    let step = Step { x, y, z: height, time, entity: object, offset };
                    self.points.push(step, hint, &mut self.emit, &mut Via(c))?;
                }
                Form::Line if track => {
                    let entity = if object == 0 { self.lines } else { object };
                    let step = Step { x, y, z: height, time: timed(i), entity, offset };
                    self.emit.fix(step.into(), &mut Via(c))?;
                }
                _ => self.shapes.vertex(form, x, y, height),
            }
            if end(ring) == Some(i + 1) || i + 1 == points {
                if form == Form::Area {
                    self.shapes.end_ring(Some(ring > 0));
                }
                self.shapes.part();
                ring += 1;
            }
        }
        Ok(())
    }
}

/// The value of an attribute as text, and how many bytes it took.
fn value(kind: u8, bytes: &[u8]) -> Option<(String, usize)> {
    let told = |text: String, len| Some((text, len));
    match kind {
        0 => told(bytes.first()?.cast_signed().to_string(), 1),
        1 => told(bytes.first()?.to_string(), 1),
        2 => told((*bytes.first()? != 0).to_string(), 1),
        3 => told(i16::from_le_bytes(le(bytes, 0)?).to_string(), 2),
        4 => told(u16_at(bytes, 0)?.to_string(), 2),
        5 => told(i32::from_le_bytes(le(bytes, 0)?).to_string(), 4),
        6 => told(u32_at(bytes, 0)?.to_string(), 4),
        7 => told(i64::from_le_bytes(le(bytes, 0)?).to_string(), 8),
        8 => told(u64::from_le_bytes(le(bytes, 0)?).to_string(), 8),
        9 => told(f32::from_le_bytes(le(bytes, 0)?).to_string(), 4),
        10 => told(f64::from_le_bytes(le(bytes, 0)?).to_string(), 8),
        11..=14 => {
            let len = u32_at(bytes, 0)? as usize;
            let value = bytes.get(4..len.checked_add(4)?)?;
            told(String::from_utf8_lossy(value).into_owned(), 4 + len)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_as_long_as_their_levels() {
        assert_eq!(index_len(0, 16), Some(0));
        assert_eq!(index_len(1, 16), Some(40));
        assert_eq!(index_len(60, 16), Some((60 + 4 + 1) * 40));
        assert_eq!(index_len(60, 0), Some(0));
        assert_eq!(index_len(u64::MAX, 2), None);
    }

    #[test]
    fn hostile_tables_are_none() {
        for bytes in [&b""[..], &[0xFF; 16], &[4, 0, 0, 0, 0, 0, 0, 0x80], &[0; 8]] {
            let table = Table::root(bytes);
            assert!(table.is_none_or(|t| t.text(0).is_none() && t.tables(7).is_empty()), "{bytes:?}");
        }
    }
}
