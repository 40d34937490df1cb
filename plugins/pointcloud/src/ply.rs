//! PLY: ascii and binary in both byte orders, with lists; clouds, meshes and Gaussian splats.
//!
//! Source: Greg Turk, The PLY Polygon File Format (1994).

use std::ops::Range;

use serde_json::Value;
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Probe};

use crate::cloud::{Cloud, float_step, neighbours_crs, send_spatial};
use crate::crs::Crs;
use crate::lines::{Lines, numbers};

/// Reads PLY.
pub(crate) struct Ply;

const FORMATS: &[Format] = &[Format {
    name: "ply",
    title: "PLY polygon file",
    media_type: "application/ply",
    extensions: &["ply"],
    magic: "`ply`, a line `format`, an `element`, `end_header`",
    reference: "Greg Turk, The PLY Polygon File Format",
    evidence: "the cloud of its vertices with extent, area, density; header and comments as text",
    limitations: &["packed positions of compressed Gaussian splats are counted, not placed"],
}];

const LONGEST_HEADER: usize = 64 << 10;
const MOST_PROPERTIES: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Ascii,
    Little,
    Big,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    F32,
    F64,
}

impl Kind {
    fn of(word: &str) -> Option<Kind> {
        Some(match word {
            "char" | "int8" => Kind::I8,
            "uchar" | "uint8" => Kind::U8,
            "short" | "int16" => Kind::I16,
            "ushort" | "uint16" => Kind::U16,
            "int" | "int32" => Kind::I32,
            "uint" | "uint32" => Kind::U32,
            "float" | "float32" => Kind::F32,
            "double" | "float64" => Kind::F64,
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Kind::I8 | Kind::U8 => 1,
            Kind::I16 | Kind::U16 => 2,
            Kind::I32 | Kind::U32 | Kind::F32 => 4,
            Kind::F64 => 8,
        }
    }

    fn read(self, bytes: &[u8], at: usize, big: bool) -> f64 {
        let mut raw = [0u8; 8];
        let size = self.size();
        if let Some(b) = bytes.get(at..at + size) {
            raw[..size].copy_from_slice(b);
            if big {
                raw[..size].reverse();
            }
        }
        let bits = u64::from_le_bytes(raw);
        match self {
            Kind::I8 => f64::from(bits as i8),
            Kind::U8 => f64::from(bits as u8),
            Kind::I16 => f64::from(bits as i16),
            Kind::U16 => f64::from(bits as u16),
            Kind::I32 => f64::from(bits as i32),
            Kind::U32 => f64::from(bits as u32),
            Kind::F32 => f64::from(f32::from_bits(bits as u32)),
            Kind::F64 => f64::from_bits(bits),
        }
    }
}

#[derive(Clone, Debug)]
struct Property {
    name: String,
    kind: Kind,
    /// Kind of the number of items, of a list.
    list: Option<Kind>,
}

#[derive(Clone, Debug)]
struct Element {
    name: String,
    count: u64,
    properties: Vec<Property>,
}

impl Element {
    /// Bytes of one, when it has no list.
    fn stride(&self) -> Option<usize> {
        self.properties.iter().map(|p| p.list.is_none().then(|| p.kind.size())).sum()
    }

    /// Offset, column and kind of a property before which no list stands.
    fn find(&self, names: &[&str]) -> Option<(usize, usize, Kind)> {
        let i = self.properties.iter().position(|p| names.iter().any(|n| p.name.eq_ignore_ascii_case(n)))?;
        let before = &self.properties[..=i];
        before.iter().all(|p| p.list.is_none()).then_some(())?;
        Some((before[..i].iter().map(|p| p.kind.size()).sum(), i, before[i].kind))
    }

    fn has(&self, names: &[&str]) -> bool {
        self.properties.iter().any(|p| names.iter().any(|n| p.name.eq_ignore_ascii_case(n)))
    }

    fn place(&self) -> Option<[(usize, usize, Kind); 3]> {
        Some([self.find(&["x"])?, self.find(&["y"])?, self.find(&["z"])?])
    }
}

#[derive(Debug)]
struct Header {
    encoding: Encoding,
    elements: Vec<Element>,
    comments: Vec<String>,
    start: u64,
}

impl Header {
    fn parse(head: &[u8]) -> Option<Header> {
        let mut at = 0;
        let mut encoding = None;
        let mut elements: Vec<Element> = Vec::new();
        let mut comments = Vec::new();
        let mut first = true;
        let mut properties = 0;
        loop {
            let rest = head.get(at..LONGEST_HEADER.min(head.len()))?;
            // Old Macintosh files end their lines by CR alone.
            let len = rest.iter().position(|&b| b == b'\n' || b == b'\r')?;
            let crlf = rest.get(len) == Some(&b'\r') && rest.get(len + 1) == Some(&b'\n');
            let line = String::from_utf8_lossy(&rest[..len]);
            at += len + if crlf { 2 } else { 1 };
            let mut words = line.split_whitespace();
            let key = words.next().unwrap_or("");
            if first {
                (key == "ply" && words.next().is_none()).then_some(())?;
                first = false;
                continue;
            }
            match key {
                "" => {}
                "comment" | "obj_info" => {
                    if comments.len() < 256 {
                        comments.push(line.get(key.len()..).unwrap_or("").trim().to_owned());
                    }
                }
                "format" => {
                    encoding = Some(match words.next()? {
                        "ascii" => Encoding::Ascii,
                        "binary_little_endian" => Encoding::Little,
                        "binary_big_endian" => Encoding::Big,
                        _ => return None,
                    });
                }
                "element" => {
                    let name = words.next()?.to_owned();
                    let count = words.next()?.parse().ok()?;
                    if elements.len() >= 256 {
                        return None;
                    }
                    elements.push(Element { name, count, properties: Vec::new() });
                }
                "property" => {
                    let mut kind = words.next()?;
                    let mut list = None;
                    if kind == "list" {
                        list = Some(Kind::of(words.next()?).filter(|k| !matches!(k, Kind::F32 | Kind::F64))?);
                        kind = words.next()?;
                    }
                    properties += 1;
                    if properties > MOST_PROPERTIES {
                        return None;
                    }
                    let name = words.next()?.to_owned();
                    elements.last_mut()?.properties.push(Property { name, kind: Kind::of(kind)?, list });
                }
                "end_header" => break,
                _ => return None,
            }
        }
        Some(Header { encoding: encoding?, elements, comments, start: at as u64 })
    }

    fn vertices(&self) -> Option<&Element> {
        let named = |names: &[&str]| self.elements.iter().find(|e| names.contains(&e.name.as_str()));
        named(&["vertex", "vertices", "point", "points"]).or_else(|| self.elements.iter().find(|e| e.place().is_some()))
    }

    fn count(&self, name: &str) -> u64 {
        self.elements.iter().filter(|e| e.name == name).map(|e| e.count).sum()
    }

    /// What a comment says of the reference system, and the shift that was taken off the coordinates.
    fn declared(&self) -> (Crs, [f64; 3]) {
        let mut crs = Crs::default();
        let mut shift = [0.0; 3];
        for comment in &self.comments {
            let lower = comment.to_ascii_lowercase();
            let rest = |prefix: &str| {
                lower.strip_prefix(prefix).map(|_| comment[prefix.len()..].trim_matches([' ', ':', '=']))
            };
            if let Some(text) = ["crs", "epsg", "srs", "wkt", "projection"].iter().find_map(|p| rest(p))
                && crs.text.is_none()
            {
                let text =
                    if text.chars().all(|c| c.is_ascii_digit()) { format!("EPSG:{text}") } else { text.to_owned() };
                crs = Crs::of_text(&text);
            }
            for (i, name) in ["shift_x", "shift_y", "shift_z"].iter().enumerate() {
                if let Some(v) = rest(name).and_then(|v| v.parse::<f64>().ok()).filter(|v| v.is_finite()) {
                    shift[i] = v;
                }
            }
            if let Some(v) = rest("offset").and_then(|v| numbers(v.as_bytes(), [0, 1, 2])) {
                shift = v;
            }
        }
        (crs, shift)
    }
}

impl FormatReader for Ply {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if !probe.head.starts_with(b"ply") || !matches!(probe.head.get(3), Some(b'\r' | b'\n' | b' ')) {
            return None;
        }
        if Header::parse(probe.head).is_some_and(|h| !h.elements.is_empty()) {
            return Some(Identity::new("ply", Certainty::Signature));
        }
        let begun = probe.head.get(..256.min(probe.head.len()))?;
        let format = memchr::memmem::find(begun, b"format ")?;
        let after = begun.get(format + 7..)?;
        let known = [&b"ascii 1"[..], b"binary_little", b"binary_big"].iter().any(|w| after.starts_with(w));
        known.then(|| Identity::new("ply", Certainty::Structure))
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
    let (mut crs, shift) = header.declared();
    if crs.text.is_none() {
        crs = neighbours_crs(to, context)?;
    }
    let mut cloud = Cloud::new(crs);
    let vertices = header.vertices();
    let read = body(to, &header, vertices.map(|v| v.name.as_str()), shift, &mut cloud);
    if to.stopped() {
        return read;
    }
    let Some(vertices) = vertices else { return read };
    let bounds = cloud.bounds();
    if cloud.points == 0 {
        cloud.points = vertices.count.min(to.len());
    }
    let mut item = cloud.spatial();
    if header.encoding != Encoding::Ascii
        && let Some((min, max)) = bounds
        && vertices.place().is_some_and(|p| p.iter().all(|(_, _, kind)| *kind == Kind::F32))
        && let Some(step) = float_step(
            min.iter().chain(&max).zip(shift.iter().cycle()).fold(0.0, |a, (b, s)| f64::max(a, (b - s).abs())),
        )
    {
        item = item.with("precision_m", step);
    }
    let names: Vec<Value> = vertices.properties.iter().take(64).map(|p| p.name.as_str().into()).collect();
    let faces = header.count("face") + header.count("tristrips");
    item = item
        .with("fields", names)
        .with("intensity", vertices.has(&["intensity", "scalar_intensity", "reflectance"]))
        .with("rgb", vertices.has(&["red", "r", "diffuse_red", "f_dc_0"]))
        .with(
            "gps_time",
            vertices.has(&["gps_time", "gpstime", "scalar_gpstime", "scalar_gps_time", "timestamp", "time"]),
        );
    if vertices.has(&["f_dc_0", "packed_rotation"]) && vertices.has(&["opacity", "packed_color"]) {
        item = item.with("gaussian_splat", true);
    }
    if faces > 0 {
        item = item.with("faces", faces);
        // A mesh near the origin is as often a model of a thing.
        if item.crs.as_deref() == Some("local") {
            item.confidence = 0.5;
        }
    }
    if vertices.has(&["label", "class", "classification", "scalar_classification", "semantic"]) {
        item = item.with("labelled", true);
    }
    item.bytes = Some((0, header.start));
    send_spatial(to, artifact, vec![item])?;
    read
}

fn body(
    to: &mut Container<'_>,
    header: &Header,
    vertices: Option<&str>,
    shift: [f64; 3],
    cloud: &mut Cloud,
) -> Result<(), InspectError> {
    let end = match header.encoding {
        Encoding::Ascii => ascii(to, header, vertices, shift, cloud)?,
        encoding => {
            let mut at = header.start;
            for element in &header.elements {
                let place = element.place().filter(|_| Some(element.name.as_str()) == vertices);
                let mut take = |bytes: &[u8]| {
                    if let Some(place) = place {
                        let big = encoding == Encoding::Big;
                        let mut p = place.map(|(offset, _, kind)| kind.read(bytes, offset, big));
                        p.iter_mut().zip(shift).for_each(|(v, s)| *v += s);
                        cloud.add(p);
                    }
                };
                at = match element.stride() {
                    Some(stride) => plain(to, at, element.count, stride, &mut take)?,
                    None => lists(to, at, element, encoding == Encoding::Big, &mut take)?,
                };
            }
            at
        }
    };
    let rest = usize::try_from(to.len() - end.min(to.len())).unwrap_or(usize::MAX);
    if rest <= 4096 && to.window.get(end, rest)?.iter().all(|b| b.is_ascii_whitespace() || *b == 0) {
        return to.container(end..to.len());
    }
    to.residue(end..to.len(), Place::After)
}

const SHORT: &str = "fewer elements than the header tells";

/// Elements of one length.
fn plain(
    to: &mut Container<'_>,
    start: u64,
    count: u64,
    stride: usize,
    take: &mut dyn FnMut(&[u8]),
) -> Result<u64, InspectError> {
    if stride == 0 {
        return Ok(start);
    }
    let len = stride as u64;
    let here = count.min((to.len() - start.min(to.len())) / len);
    let stop = start + here * len;
    let piece = ((1 << 20) / len).max(1) * len;
    let mut at = start;
    while at < stop {
        let next = stop.min(at + piece);
        let bytes = to.blob.bytes(at..next).map_err(|e| InspectError::read(at, &e))?;
        bytes.chunks_exact(stride).for_each(&mut *take);
        to.label(at..next, Label::Inspected)?;
        at = next;
    }
    if here < count { Err(InspectError::corrupt(stop, SHORT)) } else { Ok(stop) }
}

/// Elements with lists in them.
fn lists(
    to: &mut Container<'_>,
    start: u64,
    element: &Element,
    big: bool,
    take: &mut dyn FnMut(&[u8]),
) -> Result<u64, InspectError> {
    let before: usize = element.properties.iter().take_while(|p| p.list.is_none()).map(|p| p.kind.size()).sum();
    let (mut at, mut labelled) = (start, start);
    let smallest: u64 = element.properties.iter().map(|p| p.list.unwrap_or(p.kind).size() as u64).sum();
    for _ in 0..element.count {
        let record = at;
        let mut broken = smallest > to.len() - at.min(to.len());
        if !broken {
            for property in &element.properties {
                let Some(list) = property.list else {
                    at += property.kind.size() as u64;
                    continue;
                };
                let bytes = to.window.get(at, list.size())?;
                let n = list.read(bytes, 0, big).max(0.0) as u64;
                at = at.saturating_add(list.size() as u64).saturating_add(n * property.kind.size() as u64);
                if at > to.len() {
                    break;
                }
            }
            broken = at > to.len();
        }
        if broken {
            to.label(labelled..record, Label::Inspected)?;
            return Err(InspectError::corrupt(record, SHORT));
        }
        if before > 0 {
            take(to.window.get(record, before)?);
        }
        if at - labelled > 1 << 20 {
            to.label(labelled..at, Label::Inspected)?;
            labelled = at;
        }
    }
    to.label(labelled..at, Label::Inspected)?;
    Ok(at)
}

fn ascii(
    to: &mut Container<'_>,
    header: &Header,
    vertices: Option<&str>,
    shift: [f64; 3],
    cloud: &mut Cloud,
) -> Result<u64, InspectError> {
    let blob = to.blob;
    let mut lines = Lines::new(blob, header.start);
    let mut from = header.start;
    for element in &header.elements {
        let columns = element.place().filter(|_| Some(element.name.as_str()) == vertices).map(|p| p.map(|(_, i, _)| i));
        let mut read = 0;
        // Without properties an element takes no line.
        while read < element.count && !element.properties.is_empty() {
            let Some((range, line)) = lines.next()? else {
                let end = lines.at;
                to.label(from..end, Label::Inspected)?;
                return Err(InspectError::corrupt(end, SHORT));
            };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            read += 1;
            let numeric =
                line.iter().all(|b| b.is_ascii_whitespace() || b.is_ascii_digit() || b"+-.eEnaNifIty".contains(b));
            let place = columns.map(|c| numbers(line, c));
            if let Some(Some(mut p)) = place {
                p.iter_mut().zip(shift).for_each(|(v, s)| *v += s);
                cloud.add(p);
            }
            if !numeric || place == Some(None) {
                let Range { start, end } = range;
                to.label(from..start, Label::Inspected)?;
                to.comment(start..end)?;
                to.tell_at("bad-entry", start);
                from = end;
            } else if range.end - from > 1 << 20 {
                to.label(from..range.end, Label::Inspected)?;
                from = range.end;
            }
        }
    }
    let end = lines.at;
    to.label(from..end, Label::Inspected)?;
    Ok(end)
}
