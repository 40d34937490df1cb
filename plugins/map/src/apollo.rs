//! HD maps of Apollo: `Map` and routing `Graph` in protobuf, binary and as text.

use yumen_kit_container::{FormatReader, Window};
use yumen_kit_proto::{Field, Fields, Wire};
use yumen_kit_text::{Decoder, Detection, RecordWriter, Sample, detect, send_text};
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InspectionExt, Note, Probe, Reason,
    Spatial,
};

use crate::opendrive::reference_system;
use crate::osm::{Seen, add_cell};
use crate::survey::{Counts, Spread, km, send_spatial, tell};
use crate::xml::number;

pub(crate) struct Apollo;

const FORMATS: &[Format] = &[Format {
    name: "apollo-map",
    title: "Apollo HD map",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "a protobuf message Map with a header of projection or bounds, or a routing graph with curves; or the same as text",
    reference: "https://github.com/ApolloAuto/apollo/tree/master/modules/common_msgs/map_msgs",
    evidence: "records of ids and texts, or the text; geo.map with roads, lanes, junctions, signals, crosswalks, length of lanes, positions, and the projection of the header",
    limitations: &["Overlaps and the topology of the routing graph are counted, not followed."],
}];

/// Elements by their field number in `Map`: their name in the text form, and what they count as.
const MAP: &[(u32, &str, &str)] = &[
    (2, "crosswalk", "crosswalks"),
    (3, "junction", "junctions"),
    (4, "lane", "lanes"),
    (5, "stop_sign", "stop_signs"),
    (6, "signal", "signals"),
    (7, "yield", "yield_signs"),
    (8, "overlap", "overlaps"),
    (9, "clear_area", "clear_areas"),
    (10, "speed_bump", "speed_bumps"),
    (11, "road", "roads"),
    (12, "parking_space", "parking_spaces"),
    (13, "pnc_junction", "pnc_junctions"),
    (14, "rsu", "rsus"),
    (15, "ad_area", "areas"),
    (16, "barrier_gate", "barrier_gates"),
];

/// Longest element that is read.
const MOST: usize = 16 << 20;

impl FormatReader for Apollo {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if probe.head.first() == Some(&0x0A) {
            return (is_map(probe.head) || is_graph(probe.head))
                .then(|| Identity::new("apollo-map", Certainty::Signature));
        }
        let first = probe.head.iter().find(|b| !b.is_ascii_whitespace())?;
        if !first.is_ascii_lowercase() && *first != b'#' {
            return None;
        }
        // Most texts are none, which should cost little.
        let marks: [&[u8]; 3] = [b"projection", b"central_curve", b"hdmap_version"];
        if !marks.iter().any(|m| memchr::memmem::find(probe.head, m).is_some()) {
            return None;
        }
        let sample = Sample::of(probe)?;
        is_text(&sample.text).then(|| Identity::new("apollo-map", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut map = Map::default();
        let first = artifact.blob.bytes(0..1).map_err(|e| InspectError::read(0, &e))?;
        let text = first != [0x0A] || detect(&artifact.blob).ok().flatten().is_some();
        let result = if text { map.text(artifact, out) } else { map.binary(artifact, out) };
        if !matches!(&result, Err(e) if e.offset.is_none()) {
            send_spatial(artifact, vec![map.into_map()], out)?;
        }
        result
    }
}

/// The first field of a message that is cut: its number and content, and what comes behind it.
fn first(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let mut at = 0;
    let tag = yumen_kit_proto::varint(bytes, &mut at)?;
    let len = usize::try_from(yumen_kit_proto::varint(bytes, &mut at)?).ok()?;
    let content = bytes.get(at..at.checked_add(len)?)?;
    ((tag & 7) == 2).then(|| (u32::try_from(tag >> 3).unwrap_or(0), content, &bytes[at + len..]))
}

/// Whether this is text that a person may read.
fn readable(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|t| !t.is_empty() && !t.chars().any(|c| c.is_control() && c != '\n' && c != '\t'))
}

fn is_map(head: &[u8]) -> bool {
    let Some((1, header, rest)) = first(head) else { return false };
    let mut projection = false;
    let mut bounds = 0;
    for field in Fields::new(header) {
        match field.map(|f| (f.number, f.value)) {
            Ok((1 | 2 | 4..=7 | 12, Wire::Bytes(text))) if text.is_empty() || readable(text).is_some() => {}
            Ok((3, Wire::Bytes(inner))) => {
                projection |=
                    inner.is_empty() || matches!(first(inner), Some((1, text, _)) if readable(text).is_some());
            }
            Ok((8..=11, Wire::Fixed64(_))) => bounds += 1,
            _ => return false,
        }
    }
    // An element of the map must follow, of which the first field is an id.
    let next = match first(rest) {
        Some((number, element, _)) => Some((number, element)),
        None => {
            let mut at = 0;
            let tag = yumen_kit_proto::varint(rest, &mut at);
            let _ = yumen_kit_proto::varint(rest, &mut at);
            tag.filter(|t| t & 7 == 2).and_then(|t| Some((u32::try_from(t >> 3).ok()?, rest.get(at..)?)))
        }
    };
    let follows = next.is_some_and(|(number, element)| {
        (2..=16).contains(&number)
            && matches!(first(element), Some((1, id, _)) if matches!(first(id), Some((1, text, _)) if readable(text).is_some()))
    });
    follows && (projection || bounds == 4)
}

fn is_graph(head: &[u8]) -> bool {
    let Some((1, version, mut rest)) = first(head) else { return false };
    if !version.is_empty() && readable(version).is_none() {
        return false;
    }
    if let Some((2, district, behind)) = first(rest) {
        if !district.is_empty() && readable(district).is_none() {
            return false;
        }
        rest = behind;
    }
    let Some((3, node, _)) = first(rest) else { return false };
    let (mut id, mut length, mut curve) = (false, false, false);
    for field in Fields::new(node).flatten() {
        match (field.number, field.value) {
            (1, Wire::Bytes(text)) => id = readable(text).is_some(),
            (2, Wire::Fixed64(_)) => length = true,
            (6, Wire::Bytes(_)) => curve = true,
            _ => {}
        }
    }
    id && length && curve
}

fn is_text(text: &str) -> bool {
    let head: String = text.split_whitespace().take(4000).collect::<Vec<_>>().join(" ");
    let begins = |word: &str| head.starts_with(&format!("{word} {{")) || head.contains(&format!(" {word} {{"));
    let header =
        begins("header") && (head.contains("projection {") || (head.contains("left:") && head.contains("top:")));
    let map = (header && head.contains("{ id {")) || (begins("lane") && head.contains("central_curve { segment {"));
    let graph = head.starts_with("hdmap_version:") && head.contains("node { lane_id:");
    map || graph
}

#[derive(Default)]
struct Map {
    counts: Counts,
    spread: Spread,
    length: f64,
    projection: String,
    version: String,
    date: String,
    vendor: String,
    district: String,
    graph: bool,
    seen: Seen,
}

impl Map {
    fn binary(&mut self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let blob = &artifact.blob;
        let mut writer = RecordWriter::new(artifact);
        let mut window = Window::new(blob);
        self.graph = is_graph(window.get(0, 64 << 10)?) && !is_map(window.get(0, 64 << 10)?);
        let mut at = 0;
        let mut broken: Option<(u64, u64)> = None;
        let result = loop {
            if at >= blob.len() {
                break Ok(());
            }
            let head = window.get(at, 20)?;
            let mut pos = 0;
            let Some(tag) = yumen_kit_proto::varint(head, &mut pos) else {
                break Err(InspectError::corrupt(at, "a field is broken"));
            };
            let len = match tag & 7 {
                0 => {
                    if yumen_kit_proto::varint(head, &mut pos).is_none() {
                        break Err(InspectError::corrupt(at, "a field is broken"));
                    }
                    0
                }
                1 => 8,
                5 => 4,
                2 => match yumen_kit_proto::varint(head, &mut pos) {
                    Some(len) => len,
                    None => break Err(InspectError::corrupt(at, "a field is broken")),
                },
                _ => break Err(InspectError::corrupt(at, "a field is broken")),
            };
            let start = at + pos as u64;
            let Some(end) = start.checked_add(len).filter(|&e| e <= blob.len()) else {
                out.container(at..start)?;
                break Err(InspectError::corrupt(start, "an element is cut short"));
            };
            let number = u32::try_from(tag >> 3).unwrap_or(0);
            out.container(at..start)?;
            match usize::try_from(len).ok().filter(|&n| n <= MOST) {
                None => out.opaque(start..end, Reason::Limit)?,
                Some(len) => {
                    let bytes = window.get(start, len)?;
                    if tag & 7 != 2 || self.element(number, bytes, start, &mut writer, out)? {
                        out.inspected(start..end)?;
                    } else {
                        broken.get_or_insert((start, 0)).1 += 1;
                        out.opaque(start..end, Reason::Corrupt)?;
                    }
                }
            }
            at = end;
        };
        writer.finish(out)?;
        if let Some((offset, count)) = broken {
            out.note(Note::new("bad-entry").with("count", count).with("offset", offset))?;
        }
        result
    }

    /// One element of the map or graph; false when it is broken.
    fn element(
        &mut self,
        number: u32,
        bytes: &[u8],
        offset: u64,
        writer: &mut RecordWriter,
        out: &mut dyn Inspection,
    ) -> Result<bool, InspectError> {
        let mut name = "map";
        if self.graph {
            match number {
                1 | 2 => {
                    let text = readable(bytes).unwrap_or("");
                    let into = if number == 1 { &mut self.version } else { &mut self.district };
                    text[..text.floor_char_boundary(200)].clone_into(into);
                }
                3 => {
                    name = "node";
                    self.counts.add("lanes");
                    self.length += double(bytes, 2);
                }
                4 => self.counts.add("connections"),
                _ => {}
            }
        } else if number == 1 {
            self.header(bytes);
        } else if let Some((_, element, count)) = MAP.iter().find(|(n, ..)| *n == number) {
            name = element;
            self.counts.add(count);
            if number == 4 {
                self.length += double(bytes, 5);
            }
        }
        let name = writer.name(name);
        let end = offset + bytes.len() as u64;
        let whole = if readable(bytes).is_some() && (self.graph && number < 3) {
            add_cell(writer, readable(bytes).unwrap_or(""), name, &(offset..end), true, out)?;
            true
        } else {
            self.walk(bytes, offset, 0, name, writer, out)?
        };
        writer.end_record(out)?;
        Ok(whole)
    }

    fn header(&mut self, bytes: &[u8]) {
        for Field { number, value, .. } in Fields::new(bytes).flatten() {
            let text = |value: Wire<'_>| {
                let text = value.text().unwrap_or("");
                text[..text.floor_char_boundary(2000)].to_owned()
            };
            match number {
                1 => self.version = text(value),
                2 => self.date = text(value),
                3 => {
                    if let Some((1, proj, _)) = value.bytes().and_then(first) {
                        self.projection = readable(proj).unwrap_or("").to_owned();
                    }
                }
                4 => self.district = text(value),
                12 => self.vendor = text(value),
                _ => {}
            }
        }
    }

    /// Positions and texts, however deep.
    fn walk(
        &mut self,
        bytes: &[u8],
        base: u64,
        depth: usize,
        name: u32,
        writer: &mut RecordWriter,
        out: &mut dyn Inspection,
    ) -> Result<bool, InspectError> {
        let mut axes = [None; 3];
        let mut point = depth > 0;
        let mut whole = true;
        for field in Fields::new(bytes) {
            let Ok(Field { number, value, offset }) = field else {
                whole = false;
                break;
            };
            match value {
                Wire::Fixed64(bits) if (1..=3).contains(&number) => {
                    axes[number as usize - 1] = Some(f64::from_bits(bits));
                    continue;
                }
                Wire::Bytes(inner) if !inner.is_empty() => {
                    let at = base + offset as u64;
                    if let Some(text) = readable(inner) {
                        if self.seen.is_new(text) {
                            add_cell(writer, text, name, &(at..at + inner.len() as u64), true, out)?;
                        }
                    } else if depth < 16 {
                        whole &= self.walk(inner, at, depth + 1, name, writer, out)?;
                    }
                }
                _ => {}
            }
            point = false;
        }
        if let ([Some(x), Some(y), z], true) = (axes, point) {
            self.spread.add(x, y, z.unwrap_or(0.0));
        }
        Ok(whole)
    }

    fn text(&mut self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        send_text(artifact, out)?;
        let detection = detect(&artifact.blob).ok().flatten().unwrap_or(Detection::UTF8);
        let mut decoder = Decoder::with_chunk(&artifact.blob, detection, yumen_kit_text::CHUNK);
        let mut lexer = Lexer::default();
        let mut at = 0;
        while let Some(chunk) = decoder.next_chunk().map_err(|e| InspectError::read(at, &e))? {
            at = chunk.range.end;
            lexer.feed(chunk.text, self);
        }
        lexer.token(self);
        Ok(())
    }

    fn into_map(self) -> Spatial {
        let crs = reference_system(&self.projection);
        let georeferenced = crs.is_some();
        let degrees =
            |e: [f64; 4]| e[0].abs() <= 180.0 && e[2].abs() <= 180.0 && e[1].abs() <= 90.0 && e[3].abs() <= 90.0;
        let near = |e: [f64; 4]| e.iter().all(|v| v.abs() < 50_000.0) && !degrees(e);
        let crs = match (crs, self.spread.extent()) {
            (None, Some(e)) if near(e) => Some("local".to_owned()),
            (crs, _) => crs,
        };
        let mut map = self.spread.into_map(crs);
        self.counts.fill(&mut map, if self.graph { &["lanes"] } else { &["roads", "lanes", "junctions", "signals"] });
        map.properties.insert("length_km".to_owned(), km(self.length));
        map.properties.insert("georeferenced".to_owned(), georeferenced.into());
        tell(&mut map, "version", self.version);
        tell(&mut map, "date", self.date);
        tell(&mut map, "vendor", self.vendor);
        tell(&mut map, "district", self.district);
        map.properties.insert("programs".to_owned(), vec!["Apollo"].into());
        map
    }
}

fn double(bytes: &[u8], number: u32) -> f64 {
    let is = |f: &Field<'_>| f.number == number;
    let value = Fields::new(bytes).flatten().find(is).and_then(|f| f.value.float());
    value.filter(|v| v.is_finite() && (0.0..1e7).contains(v)).unwrap_or(0.0)
}

/// The text form, token by token; tokens may be cut between two pieces.
#[derive(Default)]
struct Lexer {
    word: String,
    quote: Option<char>,
    escaped: bool,
    comment: bool,
    /// The word before a colon or brace.
    name: String,
    value: bool,
    stack: Vec<String>,
    deeper: u64,
    axes: Vec<[Option<f64>; 3]>,
}

impl Lexer {
    fn feed(&mut self, text: &str, map: &mut Map) {
        for c in text.chars() {
            if self.comment {
                self.comment = c != '\n';
            } else if let Some(quote) = self.quote {
                if self.escaped {
                    self.escaped = false;
                } else if c == '\\' {
                    self.escaped = true;
                    continue;
                } else if c == quote {
                    self.quote = None;
                    self.token(map);
                    continue;
                }
                self.push(c);
            } else {
                match c {
                    '"' | '\'' => self.quote = Some(c),
                    '#' => self.comment = true,
                    ':' => {
                        self.name = std::mem::take(&mut self.word);
                        self.value = true;
                    }
                    '{' | '<' => {
                        if !self.word.is_empty() {
                            self.name = std::mem::take(&mut self.word);
                        }
                        self.open(map);
                    }
                    '}' | '>' => {
                        self.token(map);
                        self.close(map);
                    }
                    c if c.is_whitespace() || c == ',' || c == ';' => {
                        if self.value {
                            self.token(map);
                        } else if !self.word.is_empty() {
                            self.name = std::mem::take(&mut self.word);
                        }
                    }
                    c => self.push(c),
                }
            }
        }
    }

    fn push(&mut self, c: char) {
        if self.word.len() < 4096 {
            self.word.push(c);
        }
    }

    fn open(&mut self, map: &mut Map) {
        self.value = false;
        if self.stack.len() >= 64 {
            self.deeper += 1;
            return;
        }
        let name = std::mem::take(&mut self.name);
        if self.stack.is_empty() {
            if let Some((_, _, count)) = MAP.iter().find(|(_, n, _)| *n == name) {
                map.counts.add(count);
            } else if name == "node" {
                map.graph = true;
                map.counts.add("lanes");
            } else if name == "edge" {
                map.counts.add("connections");
            }
        }
        self.stack.push(name);
        self.axes.push([None; 3]);
    }

    fn close(&mut self, map: &mut Map) {
        if self.deeper > 0 {
            self.deeper -= 1;
            return;
        }
        self.stack.pop();
        if let Some([Some(x), Some(y), z]) = self.axes.pop() {
            map.spread.add(x, y, z.unwrap_or(0.0));
        }
    }

    /// A value ends.
    fn token(&mut self, map: &mut Map) {
        if !self.value || self.word.is_empty() {
            return;
        }
        self.value = false;
        let word = std::mem::take(&mut self.word);
        let name = self.name.as_str();
        let up = |n: usize| self.stack.len().checked_sub(n + 1).map_or("", |i| self.stack[i].as_str());
        let axis = match name {
            "x" => Some(0),
            "y" => Some(1),
            "z" => Some(2),
            _ => None,
        };
        if let (Some(axis), Some(axes)) = (axis, self.axes.last_mut()) {
            axes[axis] = number(&word);
            return;
        }
        match (up(1), up(0), name) {
            ("header", "projection", "proj") => map.projection = word,
            ("", "header", "version") | ("", "", "hdmap_version") => map.version = word,
            ("", "header", "date") => map.date = word,
            ("", "header", "vendor") => map.vendor = word,
            ("", "header", "district") | ("", "", "hdmap_district") => map.district = word,
            ("", "lane" | "node", "length") => {
                map.length += number(&word).filter(|v| (0.0..1e7).contains(v)).unwrap_or(0.0);
            }
            _ => {}
        }
    }
}
