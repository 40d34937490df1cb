//! ESRI shapefile: the shapes (`.shp`) and their index (`.shx`). Attributes are in the `.dbf` beside it, the reference system in the `.prj`.

use yumen_kit_container::window::num::{be32, le32, le64};
use yumen_kit_container::{Container, FormatReader, Place, Window};
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Message, Need, Probe,
};

use super::crs::{self, ATTRIBUTES, CRS};
use super::emit::{Emit, Via};
use super::shapes::{Form, Sequence, Shapes, Step};
use super::{when, words};
use crate::survey::send_spatial;

/// Documentation of `shapefile`.
const SHAPEFILE: Format = Format {
    name: "shapefile",
    title: "ESRI shapefile",
    media_type: "application/vnd.shp",
    extensions: &["shp"],
    magic: "9994 big-endian, five zeros, version 1000 and a shape type little-endian, and a first record that fits",
    reference: "https://www.esri.com/content/dam/esrisites/sitecore-archive/Files/Pdfs/library/whitepapers/pdfs/shapefile.pdf",
    evidence: "lines, areas and surfaces as a map, points as places, points in time order or named as a track as positions",
    limitations: &["Measures (M) are read where they are times only."],
};

/// Documentation of `shapefile-index`.
const INDEX: Format = Format {
    name: "shapefile-index",
    title: "ESRI shapefile index (shx, sbn, sbx, qix)",
    media_type: "application/vnd.shx",
    extensions: &["shx", "sbn", "sbx", "qix"],
    magic: "the head of a shapefile, then offsets and lengths; 9994 and 0xFFFFFE70 of sbn and sbx; SQT of qix",
    reference: "https://www.esri.com/content/dam/esrisites/sitecore-archive/Files/Pdfs/library/whitepapers/pdfs/shapefile.pdf; https://gdal.org/drivers/vector/shapefile.html",
    evidence: "none: numbers that point into the shapefile",
    limitations: &["The trees of sbn and qix are counted as structure, not walked."],
};

/// Reads shapefiles.
pub(crate) struct Shapefile;

const HEAD: u64 = 100;

fn head(bytes: &[u8]) -> Option<u32> {
    let kind = le32(bytes, 32);
    let zeros = (4..24).all(|i| bytes.get(i) == Some(&0));
    let known = matches!(kind, 0 | 1 | 3 | 5 | 8 | 11 | 13 | 15 | 18 | 21 | 23 | 25 | 28 | 31);
    (bytes.len() >= 100 && be32(bytes, 0) == 9994 && zeros && le32(bytes, 28) == 1000 && known).then_some(kind)
}

impl FormatReader for Shapefile {
    fn formats(&self) -> &'static [Format] {
        &[SHAPEFILE, INDEX]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let b = probe.head;
        let extension = probe.extension();
        if b.len() >= 16 && b.starts_with(b"SQT") && matches!(b[3], 0..=2) && b[4] == 1 && extension == "qix" {
            return Some(Identity::new(INDEX.name, Certainty::Signature));
        }
        if b.len() >= 100 && be32(b, 0) == 9994 && be32(b, 4) == 0xFFFF_FE70 {
            return Some(Identity::new(INDEX.name, Certainty::Signature));
        }
        let kind = head(b)?;
        let len = probe.blob.len();
        let index = if len == HEAD {
            extension == "shx"
        } else {
            // An index begins with the offset 50 of the first record; a record begins with its number.
            let step = be32(b, 104).wrapping_add(54);
            be32(b, 100) == 50 && (len - HEAD).is_multiple_of(8) && (len < 116 || be32(b, 108) == step)
        };
        if index {
            return Some(Identity::new(INDEX.name, Certainty::Signature));
        }
        let first = le32(b, 108);
        (len == HEAD || first == kind || first == 0 || kind == 0)
            .then(|| Identity::new(SHAPEFILE.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut c = Container::new(artifact, out);
        if artifact.format == INDEX.name {
            let len = c.len();
            let result = c.container(0..len);
            return c.finish(result);
        }
        let result = read(artifact, context, &mut c);
        c.finish(result)
    }
}

struct Reader<'a> {
    shapes: Shapes,
    points: Sequence,
    emit: Emit<'a>,
    track: bool,
    hint: bool,
    tracks: u64,
    /// Time and object of each row of the table beside.
    rows: (Vec<Option<f64>>, Vec<u64>),
    heights: Window<'a>,
    measures: Window<'a>,
}

fn read(artifact: &Artifact, context: &Context, c: &mut Container<'_>) -> Result<(), InspectError> {
    c.send(Message::Need(Need { key: CRS.to_owned() }))?;
    c.send(Message::Need(Need { key: ATTRIBUTES.to_owned() }))?;
    let crs = crs::granted(context);
    let stem = artifact.base_name().split('.').next().unwrap_or_default();
    let named = words::track_like(stem) && !words::map_like(stem);
    let mut reader = Reader {
        shapes: Shapes::default(),
        points: Sequence::default(),
        emit: Emit::new(artifact, crs.as_deref()),
        track: named,
        hint: named,
        tracks: 0,
        rows: (Vec::new(), Vec::new()),
        heights: Window::new(&artifact.blob),
        measures: Window::new(&artifact.blob),
    };
    reader.shapes.name(stem);
    let mut motion = false;
    for names in context.facts(ATTRIBUTES).filter_map(|v| v.get("names")?.as_array()) {
        for name in names.iter().filter_map(|n| n.as_str()) {
            reader.shapes.name(name);
            motion |= words::motion_like(name);
        }
    }
    if let Some(fact) = context.facts(ATTRIBUTES).next() {
        let list = |name: &str| fact.get(name).and_then(|v| v.as_array()).into_iter().flatten();
        reader.rows =
            (list("times").map(|v| v.as_f64()).collect(), list("entities").filter_map(|v| v.as_u64()).collect());
    }
    let timed = context.facts(ATTRIBUTES).any(|v| v.get("in_time_order").is_some_and(|t| t == true));
    let attributes_map = reader.shapes.map_like();
    reader.hint |= motion || timed;
    reader.track = (named || motion) && !attributes_map;
    let mut done = 0;
    let result = records(c, &mut reader, &mut done);
    c.label(0..done, Label::Inspected)?;
    if matches!(&result, Err(e) if e.reason != yumen_model::Reason::Corrupt) {
        return result;
    }
    let told = reader.points.finish(reader.hint, &mut reader.emit, &mut Via(c))?;
    reader.emit.finish(&mut Via(c))?;
    send_spatial(artifact, reader.shapes.finish(crs, told).into_iter().collect(), &mut Via(c))?;
    result
}

fn records(c: &mut Container<'_>, reader: &mut Reader<'_>, done: &mut u64) -> Result<(), InspectError> {
    let bytes = c.window.get(0, 100)?.to_vec();
    if head(&bytes).is_none() {
        return Err(InspectError::corrupt(0, "not the head of a shapefile"));
    }
    let told = u64::from(be32(&bytes, 24)) * 2;
    let len = c.len();
    *done = HEAD;
    let mut at = HEAD;
    // The length in the head is not kept up by all writers: records go on as long as they fit.
    while at + 12 <= len {
        let bytes = c.window.get(at, 12)?;
        let size = u64::from(be32(bytes, 4)) * 2;
        let kind = le32(bytes, 8);
        let fits = size >= 4 && at + 8 + size <= len;
        if !fits && at >= told {
            break;
        }
        if !fits {
            return Err(InspectError::corrupt(at, "a record that does not fit into the file"));
        }
        if !shape(c, reader, kind, at + 8, size)? {
            if at >= told {
                break;
            }
            // The next record is where this one says: only its own shape is lost.
            c.opaque(at + 8..at + 8 + size, yumen_model::Reason::Corrupt)?;
            c.tell_at("bad-entry", at);
        }
        at += 8 + size;
        *done = at;
    }
    if at < told.min(len) || told > len {
        return Err(InspectError::corrupt(at, "the file ends before its records do"));
    }
    c.residue(at..len, Place::After)
}

fn float(bytes: &[u8], at: usize) -> f64 {
    f64::from_bits(le64(bytes, at))
}

/// A height or measure; very small ones say that there is none.
fn value(v: f64) -> Option<f64> {
    (v.is_finite() && v > -1e38).then_some(v)
}

/// Reads a shape. False where its numbers don't fit.
fn shape(c: &mut Container<'_>, r: &mut Reader<'_>, kind: u32, at: u64, size: u64) -> Result<bool, InspectError> {
    r.shapes.features += 1;
    match kind {
        0 => Ok(true),
        1 | 11 | 21 => {
            let need = if kind == 1 { 20 } else { 28 };
            if size < need {
                return Ok(false);
            }
            let n = usize::try_from(size.min(36)).unwrap_or(36);
            let bytes = c.window.get(at, n)?;
            let (x, y) = (float(bytes, 4), float(bytes, 12));
            let z = (kind == 11).then(|| float(bytes, 20)).and_then(value);
            let m = match kind {
                21 => value(float(bytes, 20)),
                11 if n >= 36 => value(float(bytes, 28)),
                _ => None,
            };
            r.shapes.begin(Form::Point);
            r.shapes.point(x, y, z);
            let row = usize::try_from(r.shapes.features - 1).unwrap_or(usize::MAX);
            let time = m.and_then(when::epoch).or_else(|| *r.rows.0.get(row)?);
            let entity = r.rows.1.get(row).copied().unwrap_or(0);
            let step = Step { x, y, z, time, entity, offset: at };
            let hint = r.hint;
            r.points.push(step, hint, &mut r.emit, &mut Via(c))?;
            Ok(true)
        }
        8 | 18 | 28 => {
            let bytes = c.window.get(at, 40)?;
            let points = u64::from(le32(bytes, 36));
            if size < 40 || points.saturating_mul(16) > size - 40 {
                return Ok(false);
            }
            let z = (kind == 18).then_some(at + 40 + 16 * points + 16);
            r.shapes.begin(Form::Point);
            let mut i = 0;
            while i < points {
                let [x, y, z, _] = position(c, r, at + 40, z, None, i, at + size)?;
                r.shapes.point(x, y, value(z));
                i += 1;
            }
            Ok(true)
        }
        3 | 13 | 23 => parts(c, r, Form::Line, kind, at, size),
        5 | 15 | 25 => parts(c, r, Form::Area, kind, at, size),
        31 => parts(c, r, Form::Surface, kind, at, size),
        _ => Ok(false),
    }
}

/// x, y, height and measure of the `i`th position; what there is none of is NaN.
fn position(
    c: &mut Container<'_>,
    r: &mut Reader<'_>,
    points: u64,
    heights: Option<u64>,
    measures: Option<u64>,
    i: u64,
    end: u64,
) -> Result<[f64; 4], InspectError> {
    let mut out = [f64::NAN; 4];
    let bytes = c.window.get(points + 16 * i, 16)?;
    out[0] = float(bytes, 0);
    out[1] = float(bytes, 8);
    for (slot, from, window) in [(2, heights, &mut r.heights), (3, measures, &mut r.measures)] {
        if let Some(from) = from.map(|f| f + 8 * i)
            && from + 8 <= end
        {
            out[slot] = float(window.get(from, 8)?, 0);
        }
    }
    Ok(out)
}

fn parts(
    c: &mut Container<'_>,
    r: &mut Reader<'_>,
    form: Form,
    kind: u32,
    at: u64,
    size: u64,
) -> Result<bool, InspectError> {
    let bytes = c.window.get(at, 44)?;
    let (parts, points) = (u64::from(le32(bytes, 36)), u64::from(le32(bytes, 40)));
    let table = if form == Form::Surface { 8 } else { 4 };
    let first = 44 + table * parts;
    if size < 44 || first + 16 * points > size {
        return Ok(false);
    }
    let heights = matches!(kind, 13 | 15 | 31).then_some(at + first + 16 * points + 16);
    let measures = match kind {
        23 | 25 => Some(at + first + 16 * points + 16),
        13 | 15 | 31 => Some(at + first + 24 * points + 32),
        _ => None,
    };
    let track = form == Form::Line && (r.track || timed(r, measures, points, at + size)?);
    if !track {
        r.shapes.begin(form);
    }
    let mut starts = Window::new(c.blob);
    for part in 0..parts.max(1) {
        let start = |w: &mut Window<'_>, p: u64| -> Result<u64, InspectError> {
            Ok(u64::from(le32(w.get(at + 44 + 4 * p, 4)?, 0)))
        };
        let from = if parts == 0 { 0 } else { start(&mut starts, part)? };
        let to = if part + 1 < parts { start(&mut starts, part + 1)? } else { points };
        if from > to || to > points {
            return Ok(false);
        }
        r.shapes.part();
        if track {
            r.tracks += 1;
        }
        for i in from..to {
            let [x, y, z, m] = position(c, r, at + first, heights, measures, i, at + size)?;
            if track {
                let time = value(m).and_then(when::epoch);
                let step = Step { x, y, z: value(z), time, entity: r.tracks, offset: at };
                r.emit.fix(step.into(), &mut Via(c))?;
            } else {
                r.shapes.vertex(form, x, y, value(z));
            }
        }
        if form == Form::Area {
            r.shapes.end_ring(None);
        }
    }
    Ok(true)
}

/// Whether the measures of a line are times that do not fall.
fn timed(r: &mut Reader<'_>, measures: Option<u64>, points: u64, end: u64) -> Result<bool, InspectError> {
    let Some(from) = measures.filter(|&m| m + 8 * points <= end && points >= 5) else { return Ok(false) };
    let mut last = f64::MIN;
    for i in 0..points.min(1000) {
        let m = float(r.measures.get(from + 8 * i, 8)?, 0);
        if when::epoch(m).is_none() || m < last {
            return Ok(false);
        }
        last = m;
    }
    Ok(true)
}
