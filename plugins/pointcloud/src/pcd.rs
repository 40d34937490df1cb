//! PCD 0.5 to 0.7 of the Point Cloud Library: ascii, binary, binary_compressed.
//!
//! Source: The PCD (Point Cloud Data) file format, PCL documentation; LibLZF.

use serde_json::Value;
use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Label, Probe, Reason,
};

use crate::cloud::{Cloud, float_step, neighbours_crs, send_spatial};
use crate::lines::{Lines, decimals, numbers, words};
use crate::stream::Lzf;

/// Reads PCD.
pub(crate) struct Pcd;

const FORMATS: &[Format] = &[Format {
    name: "pcd",
    title: "PCL point cloud",
    media_type: "application/octet-stream",
    extensions: &["pcd"],
    magic: "header lines FIELDS, SIZE, TYPE and DATA",
    reference: "PCL documentation, The PCD file format",
    evidence: "the cloud with extent, area, density; the header as text",
    limitations: &["a cloud without x, y and z is counted, not placed"],
}];

/// A header is no longer than this.
const LONGEST_HEADER: usize = 16 << 10;
const MOST_FIELDS: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    Ascii,
    Binary,
    Compressed,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    size: usize,
    kind: u8,
    count: usize,
    /// Offset in a record, and number of the column.
    offset: usize,
    column: usize,
}

#[derive(Debug)]
struct Header {
    version: String,
    names: Vec<String>,
    fields: Vec<Field>,
    stride: usize,
    points: u64,
    organised: bool,
    viewpoint: [f64; 7],
    data: Data,
    /// Where the points begin.
    start: u64,
}

impl Header {
    fn parse(head: &[u8]) -> Option<Header> {
        let mut header = Header {
            version: String::new(),
            names: Vec::new(),
            fields: Vec::new(),
            stride: 0,
            points: 0,
            organised: false,
            viewpoint: [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
            data: Data::Ascii,
            start: 0,
        };
        let (mut sizes, mut kinds, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut width, mut height, mut points) = (None, 1u64, None);
        let mut at = 0;
        let mut seen = 0;
        loop {
            let rest = head.get(at..LONGEST_HEADER.min(head.len()))?;
            let len = memchr::memchr(b'\n', rest)?;
            let line = std::str::from_utf8(&rest[..len]).ok()?.trim();
            at += len + 1;
            let (key, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            let number = || value.trim().parse::<u64>().ok();
            match key {
                _ if line.is_empty() || line.starts_with('#') => continue,
                "VERSION" => header.version = value.trim().to_owned(),
                "FIELDS" | "COLUMNS" => header.names = value.split_whitespace().map(str::to_owned).collect(),
                "SIZE" => sizes = value.split_whitespace().map(|v| v.parse::<usize>().ok()).collect::<Option<_>>()?,
                "TYPE" => {
                    kinds = value.split_whitespace().map(|v| v.as_bytes().first().copied()).collect::<Option<_>>()?;
                }
                "COUNT" => counts = value.split_whitespace().map(|v| v.parse::<usize>().ok()).collect::<Option<_>>()?,
                "WIDTH" => width = Some(number()?),
                "HEIGHT" => height = number()?,
                "VIEWPOINT" => {
                    if let Some(v) = numbers(value.as_bytes(), [0, 1, 2, 3, 4, 5, 6]) {
                        header.viewpoint = v;
                    }
                }
                "POINTS" => points = Some(number()?),
                "DATA" => {
                    header.data = match value.trim() {
                        "ascii" => Data::Ascii,
                        "binary" => Data::Binary,
                        "binary_compressed" => Data::Compressed,
                        _ => return None,
                    };
                    break;
                }
                _ => return None,
            }
            seen += 1;
            if seen > 32 {
                return None;
            }
        }
        let n = header.names.len();
        if n == 0 || n > MOST_FIELDS || sizes.len() != n || kinds.len() != n {
            return None;
        }
        counts.resize(n, 1);
        let mut column = 0;
        for ((size, kind), count) in sizes.into_iter().zip(kinds).zip(counts) {
            let fits = matches!(size, 1 | 2 | 4 | 8) && matches!(kind, b'I' | b'U' | b'F') && count <= 1 << 16;
            if !fits {
                return None;
            }
            header.fields.push(Field { size, kind, count, offset: header.stride, column });
            header.stride += size * count;
            column += count;
        }
        header.points = points.or_else(|| width.map(|w| w.saturating_mul(height)))?;
        header.organised = height > 1;
        header.start = at as u64;
        (header.stride > 0 && header.stride <= 1 << 20).then_some(header)
    }

    fn field(&self, names: &[&str]) -> Option<Field> {
        let i = self.names.iter().position(|n| names.iter().any(|w| n.eq_ignore_ascii_case(w)))?;
        self.fields.get(i).copied().filter(|f| f.count == 1)
    }

    fn has(&self, names: &[&str]) -> bool {
        self.names.iter().any(|n| names.iter().any(|w| n.eq_ignore_ascii_case(w)))
    }

    /// x, y and z.
    fn place(&self) -> Option<[Field; 3]> {
        Some([self.field(&["x"])?, self.field(&["y"])?, self.field(&["z"])?])
    }
}

/// A number of a record.
fn value(bytes: &[u8], field: Field) -> f64 {
    let at = field.offset;
    match (field.kind, field.size) {
        (b'F', 4) => f64::from(f32::from_bits(le32(bytes, at))),
        (b'F', 8) => f64::from_bits(le64(bytes, at)),
        (b'I', 1) => f64::from(bytes.get(at).copied().unwrap_or(0) as i8),
        (b'I', 2) => f64::from(le16(bytes, at) as i16),
        (b'I', 4) => f64::from(le32(bytes, at) as i32),
        (b'I', 8) => le64(bytes, at) as i64 as f64,
        (b'U', 1) => f64::from(bytes.get(at).copied().unwrap_or(0)),
        (b'U', 2) => f64::from(le16(bytes, at)),
        (b'U', 4) => f64::from(le32(bytes, at)),
        (b'U', 8) => le64(bytes, at) as f64,
        _ => f64::NAN,
    }
}

/// Where the cloud was taken, applied when it is a place on earth rather than in the sensor's frame.
struct Viewpoint {
    pose: Option<[f64; 7]>,
}

impl Viewpoint {
    fn new(pose: [f64; 7]) -> Self {
        let far = pose[0].abs().max(pose[1].abs()) > 100_000.0 && pose.iter().all(|v| v.is_finite());
        Viewpoint { pose: far.then_some(pose) }
    }

    fn apply(&self, p: [f64; 3]) -> [f64; 3] {
        match self.pose {
            None => p,
            Some([x, y, z, w, i, j, k]) => {
                let q = rotate([w, i, j, k], p);
                [q[0] + x, q[1] + y, q[2] + z]
            }
        }
    }
}

/// A point turned by a unit quaternion.
pub(crate) fn rotate([w, x, y, z]: [f64; 4], p: [f64; 3]) -> [f64; 3] {
    let norm = w * w + x * x + y * y + z * z;
    if !(norm.is_finite() && norm > 1e-12) {
        return p;
    }
    let s = 2.0 / norm;
    [
        p[0] * (1.0 - s * (y * y + z * z)) + p[1] * s * (x * y - w * z) + p[2] * s * (x * z + w * y),
        p[0] * s * (x * y + w * z) + p[1] * (1.0 - s * (x * x + z * z)) + p[2] * s * (y * z - w * x),
        p[0] * s * (x * z - w * y) + p[1] * s * (y * z + w * x) + p[2] * (1.0 - s * (x * x + y * y)),
    ]
}

impl FormatReader for Pcd {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let starts = ["#", "VERSION", "FIELDS", "COLUMNS"].iter().any(|s| probe.head.starts_with(s.as_bytes()));
        if !starts {
            return None;
        }
        if Header::parse(probe.head).is_some() {
            return Some(Identity::new("pcd", Certainty::Signature));
        }
        // The first line that PCL writes, behind which something is broken.
        let first = probe.head.starts_with(b"# .PCD v") && memchr::memmem::find(probe.head, b"\nFIELDS ").is_some();
        first.then(|| Identity::new("pcd", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to, artifact, context);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>, artifact: &Artifact, context: &Context) -> Result<(), InspectError> {
    let head = to.window.get(0, LONGEST_HEADER)?;
    let Some(header) = Header::parse(head) else {
        return Err(InspectError::corrupt(0, "the header is broken"));
    };
    to.comment(0..header.start)?;
    let crs = neighbours_crs(to, context)?;
    let mut cloud = Cloud::new(crs);
    let mut step = None;
    let read = match header.data {
        Data::Ascii => ascii(to, &header, &mut cloud, &mut step),
        Data::Binary => binary(to, &header, &mut cloud),
        Data::Compressed => compressed(to, &header, &mut cloud),
    };
    if to.stopped() {
        return read;
    }
    let Some(place) = header.place() else { return read };
    let bounds = cloud.bounds();
    let mut item = cloud.spatial();
    if header.data != Data::Ascii
        && let Some((min, max)) = bounds
        && place.iter().all(|f| f.kind == b'F' && f.size == 4)
    {
        step = float_step(min.iter().chain(&max).fold(0.0, |a, b| f64::max(a, b.abs())));
    }
    if let Some(step) = step {
        item = item.with("precision_m", step);
    }
    let names: Vec<Value> = header.names.iter().take(64).map(|n| n.as_str().into()).collect();
    item = item
        .with("format_version", header.version.as_str())
        .with("fields", names)
        .with("intensity", header.has(&["intensity", "i", "reflectivity", "reflectance", "signal"]))
        .with("rgb", header.has(&["rgb", "rgba", "r", "red"]))
        .with("gps_time", header.has(&["timestamp", "gps_time", "time", "t", "time_stamp", "offset_time"]))
        .with("organised", header.organised);
    if header.has(&["label", "class", "classification", "object"]) {
        item = item.with("labelled", true);
    }
    item.bytes = Some((0, header.start));
    let points = header.points;
    if header.has(&["rcs", "doppler", "radial_velocity", "vx_comp", "v_r"]) {
        to.inventory(InventoryItem::new(kinds::SENSOR_RADAR).with("frames", 1).with("points", points));
    } else if header.has(&["ring", "line", "laser_id", "channel"]) {
        to.inventory(InventoryItem::new(kinds::SENSOR_LIDAR).with("frames", 1).with("points", points));
    }
    send_spatial(to, artifact, vec![item])?;
    read
}

fn ascii(
    to: &mut Container<'_>,
    header: &Header,
    cloud: &mut Cloud,
    step: &mut Option<f64>,
) -> Result<(), InspectError> {
    let viewpoint = Viewpoint::new(header.viewpoint);
    let columns = header.place().map(|p| p.map(|f| f.column));
    let blob = to.blob;
    let mut lines = Lines::new(blob, header.start);
    let (mut from, mut digits) = (header.start, 0);
    let mut read = 0;
    while read < header.points {
        let Some((range, line)) = lines.next()? else { break };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let Some(columns) = columns else {
            read += 1;
            continue;
        };
        if let Some(p) = numbers(line, columns) {
            if cloud.points < 4096 {
                digits = digits.max(words(line).take(3).map(decimals).max().unwrap_or(0));
            }
            cloud.add(viewpoint.apply(p));
            read += 1;
        } else {
            // What is no point is shown to the detectors as it stands.
            let comment = range.start..range.end;
            to.label(from..range.start, Label::Inspected)?;
            to.comment(comment)?;
            to.tell_at("bad-entry", range.start);
            from = range.end;
        }
        if range.end - from > 1 << 20 {
            to.label(from..range.end, Label::Inspected)?;
            from = range.end;
        }
    }
    let end = lines.at;
    to.label(from..end, Label::Inspected)?;
    if digits > 0 && digits < 16 {
        *step = Some(10f64.powi(-(i32::try_from(digits).unwrap_or(0))));
    }
    if read < header.points {
        return Err(InspectError::corrupt(end, "fewer points than the header tells"));
    }
    trailing_text(to, end)
}

/// Blank lines behind the points are nothing; other text is shown.
fn trailing_text(to: &mut Container<'_>, end: u64) -> Result<(), InspectError> {
    let rest = usize::try_from(to.len() - end.min(to.len())).unwrap_or(usize::MAX);
    if rest <= 4096 && to.window.get(end, rest)?.iter().all(|b| b.is_ascii_whitespace() || *b == 0) {
        return to.container(end..to.len());
    }
    to.residue(end..to.len(), Place::After)
}

fn binary(to: &mut Container<'_>, header: &Header, cloud: &mut Cloud) -> Result<(), InspectError> {
    let viewpoint = Viewpoint::new(header.viewpoint);
    let place = header.place();
    let stride = header.stride as u64;
    let room = (to.len() - header.start) / stride;
    let here = header.points.min(room);
    let stop = header.start + here * stride;
    let piece = ((1 << 20) / stride).max(1) * stride;
    let mut at = header.start;
    while at < stop {
        let next = stop.min(at + piece);
        let bytes = to.blob.bytes(at..next).map_err(|e| InspectError::read(at, &e))?;
        if let Some(place) = place {
            for record in bytes.chunks_exact(header.stride) {
                cloud.add(viewpoint.apply(place.map(|f| value(record, f))));
            }
        }
        to.label(at..next, Label::Inspected)?;
        at = next;
    }
    if here < header.points {
        return Err(InspectError::corrupt(stop, "fewer points than the header tells"));
    }
    trailing_text(to, stop)
}

/// Field after field, all x first. Three readers run side by side, each from the start of its field, so that no whole column is held.
fn compressed(to: &mut Container<'_>, header: &Header, cloud: &mut Cloud) -> Result<(), InspectError> {
    let sizes = to.window.get(header.start, 8)?;
    let (packed, unpacked) = (u64::from(le32(sizes, 0)), u64::from(le32(sizes, 4)));
    let start = header.start + 8;
    let end = start.saturating_add(packed);
    if sizes.len() < 8 || end > to.len() {
        return Err(InspectError::corrupt(header.start, "the compressed points are cut short"));
    }
    let broken = |to: &mut Container<'_>, error| {
        to.opaque(start..end, Reason::Corrupt)?;
        Err(error)
    };
    if unpacked != header.points.saturating_mul(header.stride as u64) {
        return broken(to, InspectError::corrupt(header.start, "the length of the points does not fit the header"));
    }
    let blob = to.blob;
    if let Some(place) = header.place() {
        let viewpoint = Viewpoint::new(header.viewpoint);
        let mut readers = Vec::new();
        for field in place {
            let mut reader = Lzf::new(blob, start..end, unpacked);
            if let Err(e) = reader.skip(field.offset as u64 * header.points) {
                return broken(to, e);
            }
            readers.push((reader, Field { offset: 0, ..field }));
        }
        let mut buffers = [const { Vec::new() }; 3];
        let mut left = header.points;
        while left > 0 {
            let n = usize::try_from(left).unwrap_or(usize::MAX).min(8192);
            for ((reader, field), buffer) in readers.iter_mut().zip(&mut buffers) {
                buffer.resize(n * field.size, 0);
                if let Err(e) = reader.fill(buffer) {
                    return broken(to, e);
                }
            }
            for i in 0..n {
                let mut p = [0.0; 3];
                for ((v, (_, field)), buffer) in p.iter_mut().zip(&readers).zip(&buffers) {
                    *v = value(buffer, Field { offset: i * field.size, ..*field });
                }
                cloud.add(viewpoint.apply(p));
            }
            left -= n as u64;
        }
    }
    // The rest decides whether all of it can be decoded.
    let mut whole = Lzf::new(blob, start..end, unpacked);
    if let Err(e) = whole.skip(unpacked) {
        return broken(to, e);
    }
    to.container(header.start..start)?;
    to.label(start..end, Label::Inspected)?;
    trailing_text(to, end)
}
