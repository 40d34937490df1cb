//! The topics of one recording: channels told, messages taken, evidence sent.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde_json::{Value as Json, json};
use yumen_kit_text::{MAX_CELL, RecordWriter, Spot};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Batch, EvidenceKind, Fix, GroupFact, Inspection, InspectionExt, InventoryBatch, InventoryItem, KindId,
    Label, Message as Send, Note, Reason, Spatial, SpatialBatch, Stop,
};

use crate::cloud::{self, Bounds};
use crate::groups::{self, Found, Media, Role, Source};
use crate::media::{self, Of, Payload, Streams, Taken};
use crate::nmea;
use crate::plan::{NONE, Tree};
use crate::schema::{self, Many, SchemaError, Types};
use crate::sensors::{self, Nature};
use crate::tracks::{About, Key, Origin, Tracks};
use crate::wire::{Piece, Visit, flat, json, proto, serial};

/// Numbers of streams: inventory, things with a place, texts, then the tracks.
const STREAM: u32 = 1000;
/// So many topics have a row in the table.
const MAX_ROWS: usize = 1000;
/// So many texts of an array are remembered, not to be told again.
const MAX_HEARD: usize = 1024;
/// Plans of all topics have no more places, schemas no more bytes, recordings no more topics: only a hostile recording does.
const MAX_NODES: usize = 400_000;
const MAX_SCHEMAS: usize = 256 << 20;
const MAX_TOPICS: usize = 50_000;
/// Longest message in JSON.
const MAX_JSON: usize = 64 << 20;
/// Longer texts that look like documents are handed over as such.
const DOCUMENT: usize = 4 << 10;

/// What a recording tells of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Channel<'a> {
    /// The topic.
    pub name: &'a str,
    /// The type of its messages, as the recording writes it.
    pub type_name: &'a str,
    /// How payloads are encoded: `ros1`, `cdr`, `protobuf`, `json`, `flatbuffer`; empty where it follows from the schema.
    pub message_encoding: &'a str,
    /// What the schema is: `ros1msg`, `ros2msg`, `ros2idl`, `omgidl`, `protobuf` (FileDescriptorSet), `jsonschema`, `flatbuffer` (binary schema),
    /// `apollo` (ProtoDesc); empty where there is none.
    pub schema_encoding: &'a str,
    /// The schema.
    pub schema: &'a [u8],
    /// What else is told (`callerid`, `latching`, `offered_qos_profiles`).
    pub metadata: &'a BTreeMap<String, String>,
}

/// One message of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// When it was recorded, in nanoseconds since 1970.
    pub log_time_ns: u64,
    /// When it was published, in nanoseconds since 1970; 0 where that is not told.
    pub publish_time_ns: u64,
    /// The payload.
    pub data: &'a [u8],
    /// Where it stands in the artifact, or the chunk that it was decoded from.
    pub offset: u64,
    /// Where the payload stands in the artifact byte for byte, if it does.
    pub exact: Option<u64>,
}

/// How the bytes of a message are to be labelled.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'t> {
    /// The label of all bytes that no part names.
    pub whole: Label,
    /// Stretches of the payload that bear another label (raw pixels nobody looks into; pictures handed over as children).
    pub parts: &'t [(Range<usize>, Label)],
}

impl Outcome<'_> {
    /// Labels a payload that stands in the artifact from `offset`. Delegated parts are labelled by the engine already.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn label(&self, offset: u64, len: usize, out: &mut dyn Inspection) -> Result<(), Stop> {
        out.label(offset..offset + len as u64, self.whole)?;
        for (range, label) in self.parts {
            if *label != Label::Delegated {
                out.label(offset + range.start as u64..offset + range.end as u64, *label)?;
            }
        }
        Ok(())
    }

    /// Bytes of a payload of `len` that are opaque, with the first reason.
    #[must_use]
    pub fn opaque(&self, len: usize) -> Option<(usize, Reason)> {
        let parts = self.parts.iter().map(|(range, label)| (range.len(), *label));
        let rest = len - parts.clone().map(|(n, _)| n).sum::<usize>().min(len);
        std::iter::once((rest, self.whole)).chain(parts).fold(None, |sum, (n, label)| match label {
            Label::Opaque(reason) if n > 0 => Some(sum.map_or((n, reason), |(m, first)| (m + n, first))),
            _ => sum,
        })
    }
}

/// How payloads are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Ros1,
    Cdr,
    Proto,
    Json,
    Flat,
}

#[derive(Debug)]
struct Topic {
    name: String,
    type_name: String,
    wire: Option<Wire>,
    types: Types,
    tree: Option<Tree>,
    why: Option<Reason>,
    nature: Nature,
    messages: u64,
    bytes: u64,
    first_ns: u64,
    last_ns: u64,
    bad: u64,
    bad_at: Option<u64>,
    unread: u64,
    frames: u64,
    sizes: Vec<String>,
    cloud: Bounds,
    frame_id: String,
    wgs84: bool,
    /// Per place of a text: its name, and a hash of the last one, or of those of an array.
    names: Vec<Option<String>>,
    heard: HashMap<u32, HashSet<u64>>,
    /// Hash of the last list of positions.
    last_list: u64,
    nmea: u8,
}

impl Topic {
    fn duration(&self) -> f64 {
        self.last_ns.saturating_sub(self.first_ns) as f64 * 1e-9
    }

    fn rate(&self) -> Option<f64> {
        let d = self.duration();
        (self.messages > 1 && d > 0.0).then(|| ((self.messages - 1) as f64 / d * 100.0).round() / 100.0)
    }

    fn row(&self) -> serde_json::Map<String, Json> {
        let mut row = serde_json::Map::new();
        row.insert("name".to_owned(), json!(self.name));
        row.insert("type".to_owned(), json!(self.type_name));
        row.insert("messages".to_owned(), json!(self.messages));
        if let Some(rate) = self.rate() {
            row.insert("rate_hz".to_owned(), json!(rate));
        }
        row.insert("duration_s".to_owned(), json!(milli(self.duration())));
        row.insert("bytes".to_owned(), json!(self.bytes));
        row
    }
}

fn milli(s: f64) -> f64 {
    (s * 1000.0).round() / 1000.0
}

/// The topics of one recording.
pub struct Topics {
    by: Origin,
    topics: Vec<Topic>,
    ids: HashMap<u64, usize>,
    known: HashMap<(String, String, String, u64), usize>,
    visit: Visit,
    parts: Vec<(Range<usize>, Label)>,
    records: RecordWriter,
    /// Time of the first message.
    start_s: Option<f64>,
    tracks: Tracks,
    streams: Streams,
    path: Vec<Fix>,
    origin_told: bool,
    nodes: usize,
    schemas: usize,
}

impl std::fmt::Debug for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topics").field("topics", &self.topics.len()).finish_non_exhaustive()
    }
}

impl Topics {
    /// The topics of an artifact; nothing is known of them yet. Streams of evidence are numbered from 1000.
    #[must_use]
    pub fn new(artifact: &Artifact) -> Self {
        Topics {
            by: Origin { format: artifact.format, name: artifact.name.clone() },
            topics: Vec::new(),
            ids: HashMap::new(),
            known: HashMap::new(),
            visit: Visit::default(),
            parts: Vec::new(),
            records: RecordWriter::numbered(artifact, STREAM + 2),
            start_s: None,
            tracks: Tracks::new(STREAM + 10),
            streams: Streams::default(),
            path: Vec::new(),
            origin_told: false,
            nodes: 0,
            schemas: 0,
        }
    }

    /// Tells of a channel. Repeating it changes nothing; channels of one topic and type are one.
    pub fn channel(&mut self, id: u64, channel: &Channel<'_>) {
        if self.ids.contains_key(&id) {
            return;
        }
        let encodings = format!("{} {}", channel.message_encoding, channel.schema_encoding);
        let key = (channel.name.to_owned(), channel.type_name.to_owned(), encodings, groups::hash(channel.schema));
        let n = match self.known.get(&key) {
            Some(&n) => n,
            None if self.topics.len() >= MAX_TOPICS => return,
            None => {
                self.schemas += channel.schema.len();
                let within = self.nodes < MAX_NODES && self.schemas < MAX_SCHEMAS;
                let topic = if within { topic(channel) } else { unread(channel, Reason::Limit) };
                self.nodes += topic.tree.as_ref().map_or(0, |t| t.nodes.len());
                self.topics.push(topic);
                self.known.insert(key, self.topics.len() - 1);
                self.topics.len() - 1
            }
        };
        self.ids.insert(id, n);
    }

    /// Whether messages of a channel can be decoded; none for a channel that was not told of.
    #[must_use]
    pub fn decodable(&self, id: u64) -> Option<bool> {
        self.ids.get(&id).and_then(|&n| self.topics.get(n)).map(|t| t.wire.is_some())
    }

    /// Takes a message of a channel and sends what it holds.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn message(&mut self, id: u64, message: &Message<'_>, out: &mut dyn Inspection) -> Result<Outcome<'_>, Stop> {
        self.parts.clear();
        let whole = match self.ids.get(&id).copied() {
            Some(n) => self.take(n, message, out)?,
            None => Label::Opaque(Reason::UnknownFormat),
        };
        Ok(Outcome { whole, parts: &self.parts })
    }

    fn take(&mut self, n: usize, m: &Message<'_>, out: &mut dyn Inspection) -> Result<Label, Stop> {
        let Some(t) = self.topics.get_mut(n) else { return Ok(Label::Opaque(Reason::UnknownFormat)) };
        let ns = m.log_time_ns;
        if t.messages == 0 || ns < t.first_ns {
            t.first_ns = ns;
        }
        t.last_ns = t.last_ns.max(ns);
        t.messages += 1;
        t.bytes += m.data.len() as u64;
        let Some(wire) = t.wire else {
            t.unread += 1;
            return Ok(Label::Opaque(t.why.unwrap_or(Reason::Unsupported)));
        };
        let mut parsed = None;
        if wire == Wire::Json && m.data.len() > MAX_JSON {
            t.unread += 1;
            return Ok(Label::Opaque(Reason::Limit));
        }
        if wire == Wire::Json {
            match json::read(m.data) {
                Ok(value) => {
                    if json::learn(&mut t.types, &value) || t.tree.is_none() {
                        let mut tree = Tree::new(&t.types, false);
                        groups::assign(&mut tree, &t.types, &t.type_name, &t.name, true);
                        t.nature = sensors::nature(&t.type_name, &t.name, Some(&tree));
                        t.names = vec![None; tree.nodes.len()];
                        t.heard.clear();
                        t.tree = Some(tree);
                    }
                    parsed = Some(value);
                }
                Err(_) => return Ok(broken(t, m)),
            }
        }
        let Some(tree) = t.tree.take() else { return Ok(Label::Opaque(Reason::Unsupported)) };
        let v = &mut self.visit;
        v.start(&tree);
        let decoded = match (wire, &parsed) {
            (Wire::Ros1, _) => serial::ros1(&tree, m.data, v),
            (Wire::Cdr, _) => serial::cdr(&tree, m.data, v),
            (Wire::Proto, _) => proto::decode(&tree, m.data, v),
            (Wire::Flat, _) => flat::decode(&tree, m.data, v),
            (Wire::Json, Some(value)) => {
                json::decode(&tree, value, v);
                Ok(())
            }
            (Wire::Json, None) => Ok(()),
        };
        let result = match decoded {
            Ok(()) => self.tell(n, &tree, m, out),
            Err(_) if wire == Wire::Cdr && serial::is_parameter_list(m.data) => {
                self.topics[n].unread += 1;
                Ok(Label::Opaque(Reason::Unsupported))
            }
            Err(_) => Ok(broken(&mut self.topics[n], m)),
        };
        self.topics[n].tree = Some(tree);
        result
    }

    /// Sends what was found in a message.
    fn tell(&mut self, n: usize, tree: &Tree, m: &Message<'_>, out: &mut dyn Inspection) -> Result<Label, Stop> {
        let mut visit = std::mem::take(&mut self.visit);
        let result = self.tell_all(n, tree, &mut visit, m, out);
        self.visit = visit;
        result
    }

    fn tell_all(
        &mut self,
        n: usize,
        tree: &Tree,
        v: &mut Visit,
        m: &Message<'_>,
        out: &mut dyn Inspection,
    ) -> Result<Label, Stop> {
        let mut whole = if v.cut { Label::Opaque(Reason::Limit) } else { Label::Inspected };
        let log_s = m.log_time_ns as f64 * 1e-9;
        let found = std::mem::take(&mut v.found);
        let mut nth = 0;
        self.path.clear();
        let mut path_track = None;
        let fresh_list = self.fresh_list(n, tree, &found);
        for item in &found {
            match item {
                Found::Fix { .. } => self.fix(n, tree, v, m, item, fresh_list, &mut path_track, out)?,
                Found::Cloud { packing, data, fields } => {
                    let bytes = piece(m.data, &v.decoded, data);
                    let fields = v.fields.get(fields.clone()).unwrap_or(&[]);
                    match cloud::packed(bytes, packing, fields) {
                        Some(bounds) => self.topics[n].cloud.merge(&bounds),
                        None => {
                            broken(&mut self.topics[n], m);
                            match data.own {
                                true => whole = Label::Opaque(Reason::Corrupt),
                                false => self.parts.push((data.at..data.at + data.len, Label::Opaque(Reason::Corrupt))),
                            }
                        }
                    }
                }
                Found::Ranges(points) => self.topics[n].cloud.points += points,
                Found::Size(w, h) => {
                    let size = format!("{w}x{h}");
                    let sizes = &mut self.topics[n].sizes;
                    if sizes.len() < 16 && !sizes.contains(&size) {
                        sizes.push(size);
                    }
                }
                Found::Media { group, data } => {
                    let taken = self.media(n, tree, v, m, *group, data, nth, out)?;
                    nth += 1;
                    if data.own {
                        if let Label::Opaque(_) = taken.label {
                            whole = taken.label;
                        }
                    } else if taken.label != Label::Inspected {
                        self.parts.push((data.at + taken.part.start..data.at + taken.part.end, taken.label));
                    }
                }
                Found::Origin { group, at } => self.origin(tree, v, *group, *at),
            }
        }
        v.found = found;
        if let Some(track) = path_track {
            self.tracks.path(track, &self.path);
        }
        self.topics[n].cloud.merge(&v.bounds);
        self.texts(n, tree, v, m, log_s, out)?;
        Ok(whole)
    }

    /// Whether the positions of a list differ from those that the message before had: routes and paths are published again and again.
    fn fresh_list(&mut self, n: usize, tree: &Tree, found: &[Found]) -> bool {
        let mut hash = 0u64;
        for item in found {
            if let Found::Fix { group, xyz, .. } = item
                && group_of(tree, *group).is_some_and(|g| g.list)
            {
                for c in xyz {
                    hash = (hash.rotate_left(5) ^ c.to_bits()).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
        std::mem::replace(&mut self.topics[n].last_list, hash) != hash
    }

    #[allow(clippy::too_many_arguments)]
    fn fix(
        &mut self,
        n: usize,
        tree: &Tree,
        v: &Visit,
        m: &Message<'_>,
        item: &Found,
        fresh_list: bool,
        path_track: &mut Option<usize>,
        out: &mut dyn Inspection,
    ) -> Result<(), Stop> {
        let Found::Fix { group: at, xyz, has_z, time, entity, frame, child } = item else { return Ok(()) };
        let Some(group) = group_of(tree, *at) else { return Ok(()) };
        let text = |span: &Option<(u32, u32)>| span.and_then(|(s, e)| v.said.get(s as usize..e as usize)).unwrap_or("");
        // A header may stand behind what it heads (protobuf, JSON).
        let frame = match frame {
            None => v.str(group.frame).unwrap_or(""),
            some => text(some),
        };
        let time_s = time.or_else(|| groups::time(group.time, v)).unwrap_or(m.log_time_ns as f64 * 1e-9);
        let child = text(child);
        let crs = match group.role {
            Role::Metres { crs, .. } => Some(crs),
            _ => None,
        };
        if group.source == Source::Transform {
            if matches!(frame.trim_start_matches('/'), "earth" | "ecef") && child.trim_start_matches('/') == "map" {
                if self.tracks.origin.is_none()
                    && let Some([lon, lat, alt]) = crate::tracks::geodetic(*xyz)
                {
                    self.tracks.origin = Some(json!({"lat": lat, "lon": lon, "alt": alt}));
                }
                return Ok(());
            }
            if self.topics[n].name.ends_with("tf_static") || !is_world(frame) || is_world(child) {
                return Ok(());
            }
        }
        if group.list && !fresh_list {
            return Ok(());
        }
        let t = &self.topics[n];
        let (key, about) = (
            Key { topic: n as u32, group: *at, frame: if crs.is_some() { frame } else { "" }, child },
            About {
                topic_name: &t.name,
                name: &t.type_name,
                path: &group.name,
                source: group.source,
                crs,
                wgs84: t.wgs84,
            },
        );
        let track = self.tracks.track(&key, &about);
        let offset = m.exact.unwrap_or(m.offset);
        let [x, y, z] = *xyz;
        let fix = Fix { x, y, z: has_z.then_some(z), time_s: Some(time_s), entity: *entity, offset };
        if group.source == Source::Path {
            self.path.push(fix);
            *path_track = Some(track);
            return Ok(());
        }
        self.tracks.add(track, fix);
        self.tracks.flush(Some(track), &self.by, out)
    }

    fn origin(&mut self, tree: &Tree, v: &Visit, group: (u32, u32), at: Option<[f64; 3]>) {
        let Some(Role::Origin { grid, projector, .. }) = group_of(tree, group).map(|g| &g.role) else { return };
        if self.tracks.origin.is_some() {
            return;
        }
        let mut origin = serde_json::Map::new();
        if let Some([lon, lat, alt]) = at {
            origin.insert("lat".to_owned(), json!(lat));
            origin.insert("lon".to_owned(), json!(lon));
            origin.insert("alt".to_owned(), json!(alt));
        }
        if let Some(grid) = v.str(*grid).filter(|g| !g.is_empty()) {
            origin.insert("mgrs".to_owned(), json!(grid));
        }
        if let Some(projector) = v.str(*projector).filter(|p| !p.is_empty() && !origin.is_empty()) {
            origin.insert("projector".to_owned(), json!(projector));
        }
        if origin.contains_key("lat") || origin.contains_key("mgrs") {
            self.tracks.origin = Some(Json::Object(origin));
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn media(
        &mut self,
        n: usize,
        tree: &Tree,
        v: &Visit,
        m: &Message<'_>,
        group: (u32, u32),
        data: &Piece,
        nth: u32,
        out: &mut dyn Inspection,
    ) -> Result<Taken, Stop> {
        let none = Taken { label: Label::Inspected, part: 0..0 };
        let Some(Role::Media { media, format, width, height, .. }) = group_of(tree, group).map(|g| &g.role) else {
            return Ok(none);
        };
        let bytes = piece(m.data, &v.decoded, data);
        let t = &mut self.topics[n];
        t.frames += 1;
        let told = match (v.int(*width), v.int(*height)) {
            (Some(w @ 1..100_000), Some(h @ 1..100_000)) => Some((w as u32, h as u32)),
            _ if *media == Media::Picture && (t.frames == 1 || t.sizes.is_empty()) => media::size(bytes),
            _ => None,
        };
        if let Some((w, h)) = told {
            let size = format!("{w}x{h}");
            if t.sizes.len() < 16 && !t.sizes.contains(&size) {
                t.sizes.push(size);
            }
        }
        let payload = Payload { bytes, at: (!data.own).then_some(data.at), exact: m.exact };
        let of =
            Of { topic: n as u32, name: &t.name, number: t.messages - 1, nth, time_s: m.log_time_ns as f64 * 1e-9 };
        self.streams.take(*media, v.str(*format).unwrap_or(""), &payload, &of, out)
    }

    /// Shows texts to the detectors: those that differ from the last ones in their places.
    fn texts(
        &mut self,
        n: usize,
        tree: &Tree,
        v: &Visit,
        m: &Message<'_>,
        log_s: f64,
        out: &mut dyn Inspection,
    ) -> Result<(), Stop> {
        let mut nth = 0;
        let began = *self.start_s.get_or_insert(log_s);
        for h in &v.heard {
            let Some(text) = v.said.get(h.start as usize..h.end as usize) else { continue };
            let t = &mut self.topics[n];
            if t.frame_id.is_empty() && tree.nodes[h.node as usize].key == "frameid" {
                t.frame_id = text.to_owned();
            }
            let hash = groups::hash(text.as_bytes());
            let seen = t.heard.entry(h.node).or_default();
            let fresh = seen.insert(hash);
            let lone = tree.nodes[h.node as usize].many == Many::One && tree.around(h.node) == 0;
            if fresh && (lone || seen.len() > MAX_HEARD) {
                seen.clear();
                seen.insert(hash);
            }
            if text.starts_with('$') {
                self.nmea(n, text, m, log_s, out)?;
            }
            if !fresh {
                continue;
            }
            let t = &mut self.topics[n];
            let start = h.at.and_then(|at| m.exact.map(|e| e + at as u64));
            let first = text.trim_start().as_bytes().first().copied().unwrap_or(0);
            let document = match first {
                b'<' if text.len() > DOCUMENT => Some("xml"),
                b'{' if text.contains("\"coordinates\"") => Some("geojson"),
                b'{' | b'[' if text.len() > DOCUMENT => Some("json"),
                _ => None,
            };
            if let Some(ext) = document {
                let p = Payload { bytes: text.as_bytes(), at: h.at, exact: m.exact };
                let of = Of { topic: n as u32, name: &t.name, number: t.messages - 1, nth, time_s: log_s };
                nth += 1;
                let taken = media::child(&p, 0..text.len(), ext, &of, out)?;
                if let (Some(at), false) = (h.at, taken.label == Label::Inspected) {
                    self.parts.push((at..at + text.len(), taken.label));
                }
                continue;
            }
            let name = t.names[h.node as usize].get_or_insert_with(|| {
                let path = tree.full_name(h.node);
                if path.is_empty() { t.name.clone() } else { format!("{}.{path}", t.name) }
            });
            let name = self.records.name(name);
            self.records.origin(&t.name, log_s - began);
            // An object in a text is shown by its keys.
            if first == b'{'
                && let Ok(value @ Json::Object(_)) = serde_json::from_str::<Json>(text)
            {
                let base = t.names[h.node as usize].clone().unwrap_or_default();
                self.object(&base, &value, m.exact.unwrap_or(m.offset), 0);
                self.records.end_record(out).map_err(stop)?;
                continue;
            }
            let (at, verbatim) = start.map_or((m.exact.unwrap_or(m.offset), false), |s| (s, true));
            let mut rest = text;
            let mut from = at;
            while !rest.is_empty() {
                let cut = rest.floor_char_boundary(MAX_CELL);
                let (now, later) = rest.split_at(cut);
                let len = now.len() as u64;
                let end = if verbatim { from + len } else { from };
                self.records.cell(now, name, 0, Spot { byte: from, line: 1, column: 1 }, end, verbatim);
                from = end;
                rest = later;
                self.records.cut_long_record(out).map_err(stop)?;
            }
        }
        self.records.end_record(out).map_err(stop)?;
        if self.records.too_many_names() {
            self.records.forget_names(out).map_err(stop)?;
        }
        Ok(())
    }

    /// Shows the values of an object by their paths.
    fn object(&mut self, path: &str, value: &Json, at: u64, depth: usize) {
        let spot = Spot { byte: at, line: 1, column: 1 };
        let mut leaf = |text: &str| {
            let name = self.records.name(path);
            self.records.cell(text, name, 0, spot, at, false);
        };
        match value {
            Json::String(text) => leaf(text),
            Json::Number(n) => leaf(&n.to_string()),
            Json::Object(map) if depth < 24 => {
                map.iter().for_each(|(key, value)| self.object(&format!("{path}.{key}"), value, at, depth + 1));
            }
            Json::Array(list) if depth < 24 => list.iter().for_each(|value| self.object(path, value, at, depth + 1)),
            _ => {}
        }
    }

    fn nmea(
        &mut self,
        n: usize,
        text: &str,
        m: &Message<'_>,
        log_s: f64,
        out: &mut dyn Inspection,
    ) -> Result<(), Stop> {
        for line in text.lines() {
            let Some(fix) = nmea::parse(line) else { continue };
            let t = &mut self.topics[n];
            // Of what a talker sends, one kind of sentence is taken: the first that came.
            if t.nmea == 0 {
                t.nmea = fix.kind + 1;
            }
            if t.nmea != fix.kind + 1 {
                continue;
            }
            let about = About {
                topic_name: &t.name,
                name: &t.type_name,
                path: "NMEA",
                source: Source::Receiver,
                crs: None,
                wgs84: true,
            };
            let track = self.tracks.track(&Key { topic: n as u32, group: (NONE, 0), frame: "", child: "" }, &about);
            let offset = m.exact.unwrap_or(m.offset);
            self.tracks.add(track, Fix { x: fix.lon, y: fix.lat, z: fix.alt, time_s: Some(log_s), entity: 0, offset });
            self.tracks.flush(Some(track), &self.by, out)?;
        }
        Ok(())
    }

    /// Sends what was gathered: the rest of the streams, the sensors, the table of topics.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn finish(&mut self, out: &mut dyn Inspection) -> Result<(), Stop> {
        self.streams.finish(out)?;
        self.records.finish(out).map_err(stop)?;
        self.tracks.finish(&self.by, out)?;
        if let Some(origin) = self.tracks.origin.clone()
            && !std::mem::replace(&mut self.origin_told, true)
        {
            out.send(Send::Export(GroupFact { key: "origin".into(), value: origin }))?;
        }
        self.spatial(out)?;
        let items = self.inventory();
        if !items.is_empty() {
            out.send(Send::Evidence(self.by.header(STREAM, EvidenceKind::Inventory)))?;
            out.batch(STREAM, Batch::Inventory(InventoryBatch { items }))?;
            out.send(Send::EvidenceEnd { stream: STREAM })?;
        }
        let bad: u64 = self.topics.iter().map(|t| t.bad).sum();
        if bad > 0 {
            let offset = self.topics.iter().filter_map(|t| t.bad_at).min().unwrap_or(0);
            let topics = self.topics.iter().filter(|t| t.bad > 0).count();
            out.note(Note::new("message-corrupt").with("count", bad).with("topics", topics).with("offset", offset))?;
        }
        let unread: u64 = self.topics.iter().map(|t| t.unread).sum();
        if unread > 0 {
            let topics = self.topics.iter().filter(|t| t.unread > 0).count();
            out.note(Note::new("message-undecodable").with("count", unread).with("topics", topics))?;
        }
        Ok(())
    }

    /// The topics in the order of their names.
    fn sorted(&self) -> Vec<&Topic> {
        let mut list: Vec<&Topic> = self.topics.iter().collect();
        list.sort_by(|a, b| (&a.name, &a.type_name).cmp(&(&b.name, &b.type_name)));
        list
    }

    /// Tells of clouds and inertial data, each with the places of the main receiver.
    fn spatial(&self, out: &mut dyn Inspection) -> Result<(), Stop> {
        let tie = self.tracks.tie();
        let topics = self.sorted().into_iter().filter(|t| t.messages > 0 && (t.nature.cloud || t.nature.inertial));
        let mut open = false;
        for t in topics.take(MAX_ROWS) {
            let mut items = Vec::new();
            let base = |kind: KindId| {
                let mut item = Spatial::new(kind)
                    .with("topic", t.name.as_str())
                    .with("name", t.type_name.as_str())
                    .with("messages", t.messages)
                    .with("duration_s", milli(t.duration()));
                if let Some(rate) = t.rate() {
                    item = item.with("rate_hz", rate);
                }
                if !t.frame_id.is_empty() {
                    item = item.with("frame_id", t.frame_id.as_str());
                }
                match &tie {
                    Some(tie) => {
                        item.crs = tie.crs.clone();
                        item.samples.clone_from(&tie.samples);
                        item = item.with("tied_to", tie.topic.as_str());
                    }
                    None => {
                        item.crs = Some("local".to_owned());
                        if let Some(origin) = &self.tracks.origin {
                            item = item.with("origin", origin.clone());
                        }
                    }
                }
                item
            };
            if t.nature.cloud {
                let mut item = base(kinds::GEO_POINT_CLOUD);
                if t.cloud.points > 0 {
                    item = item.with("points", t.cloud.points);
                }
                if t.nature.packets && t.frames > 0 {
                    item = item.with("packets", t.frames);
                }
                let (min, max) = (t.cloud.min, t.cloud.max);
                if min[0].is_finite() {
                    let bounds: Vec<f64> = min.iter().chain(&max).map(|v| milli(*v)).collect();
                    item = item.with("bounds_m", bounds);
                    if tie.is_none() {
                        item.extent = Some([min[0], min[1], max[0], max[1]]);
                    }
                }
                items.push(item);
            }
            if t.nature.inertial {
                items.push(base(kinds::GEO_INERTIAL));
            }
            if !std::mem::replace(&mut open, true) {
                out.send(Send::Evidence(self.by.header(STREAM + 1, EvidenceKind::Spatial)))?;
            }
            out.batch(STREAM + 1, Batch::Spatial(SpatialBatch { items }))?;
        }
        if open {
            out.send(Send::EvidenceEnd { stream: STREAM + 1 })?;
        }
        Ok(())
    }

    fn inventory(&self) -> Vec<InventoryItem> {
        let topics = self.sorted();
        if topics.is_empty() {
            return Vec::new();
        }
        let rows: Vec<Json> = topics.iter().take(MAX_ROWS).map(|t| Json::Object(t.row())).collect();
        let first = topics.iter().filter(|t| t.messages > 0).map(|t| t.first_ns).min().unwrap_or(0);
        let last = topics.iter().map(|t| t.last_ns).max().unwrap_or(0);
        let messages: u64 = topics.iter().map(|t| t.messages).sum();
        let mut items = vec![
            InventoryItem::new(kinds::SENSOR_RECORDING)
                .with("topics", rows)
                .with("messages", messages)
                .with("duration_s", milli(last.saturating_sub(first) as f64 * 1e-9)),
        ];
        let sensors = [
            kinds::SENSOR_CAMERA_EXTERIOR,
            kinds::SENSOR_CAMERA_CABIN,
            kinds::SENSOR_LIDAR,
            kinds::SENSOR_RADAR,
            kinds::SENSOR_AUDIO,
        ];
        for kind in sensors {
            let of: Vec<&&Topic> = topics.iter().filter(|t| t.messages > 0 && t.nature.sensor == Some(kind)).collect();
            if of.is_empty() {
                continue;
            }
            let exterior = kind == kinds::SENSOR_CAMERA_EXTERIOR;
            let mut views: Vec<&str> = Vec::new();
            let mut sizes: Vec<String> = Vec::new();
            let mut table = Vec::new();
            for t in of.iter().take(MAX_ROWS) {
                let mut row = t.row();
                row.remove("bytes");
                let size = self.size_of(t);
                if !size.is_empty() {
                    row.insert("resolution".to_owned(), json!(size.join(" ")));
                }
                if exterior {
                    let view = sensors::view(&t.name).unwrap_or("unknown");
                    row.insert("view".to_owned(), json!(view));
                    views.push(view);
                }
                sizes.extend(size);
                table.push(Json::Object(row));
            }
            sizes.sort();
            sizes.dedup();
            views.sort_unstable();
            views.dedup();
            let mut item = InventoryItem::new(kind)
                .with("sensors", table)
                .with("frames", of.iter().map(|t| t.messages).sum::<u64>())
                .with("resolution", sizes)
                .with("duration_s", milli(of.iter().map(|t| t.duration()).fold(0.0, f64::max)));
            if let Some(rate) = of.iter().filter_map(|t| t.rate()).reduce(f64::max) {
                item = item.with("rate_hz", rate);
            }
            if exterior {
                if views == ["unknown"] {
                    item.confidence = 0.6;
                }
                item = item.with("view", views);
            }
            items.push(item);
        }
        let buses: Vec<&&Topic> = topics.iter().filter(|t| t.messages > 0 && t.nature.bus).collect();
        if !buses.is_empty() {
            let channels: Vec<Json> = buses.iter().take(MAX_ROWS).map(|t| Json::Object(t.row())).collect();
            let messages: u64 = buses.iter().map(|t| t.messages).sum();
            items.push(InventoryItem::new(kinds::BUS_LOG).with("channels", channels).with("messages", messages));
        }
        items
    }

    /// The sizes of a camera's pictures: its own, or those that the camera info beside it tells.
    fn size_of(&self, t: &Topic) -> Vec<String> {
        if !t.sizes.is_empty() {
            return t.sizes.clone();
        }
        let mut space = t.name.as_str();
        while let Some((front, _)) = space.rsplit_once('/') {
            if front.is_empty() {
                break;
            }
            let info = self.topics.iter().find(|o| {
                !o.sizes.is_empty()
                    && o.nature.sensor.is_none()
                    && o.name.strip_prefix(front).is_some_and(|r| r.starts_with('/') && !r[1..].contains('/'))
            });
            if let Some(info) = info {
                return info.sizes.clone();
            }
            space = front;
        }
        Vec::new()
    }

    /// Positions in degrees that a topic gave.
    #[must_use]
    pub fn positions_of(&self, topic: &str) -> u64 {
        self.tracks.places_of(topic)
    }
}

/// The writer of records wraps what the engine says.
#[allow(clippy::needless_pass_by_value)]
fn stop(e: yumen_model::InspectError) -> Stop {
    Stop::All(e.reason)
}

fn group_of(tree: &Tree, at: (u32, u32)) -> Option<&groups::Group> {
    tree.scopes.get(at.0 as usize)?.groups.get(at.1 as usize)
}

fn piece<'a>(payload: &'a [u8], decoded: &'a [u8], p: &Piece) -> &'a [u8] {
    let of = if p.own { decoded } else { payload };
    of.get(p.at..p.at + p.len).unwrap_or(&[])
}

fn broken(t: &mut Topic, m: &Message<'_>) -> Label {
    t.bad += 1;
    t.bad_at.get_or_insert(m.exact.unwrap_or(m.offset));
    Label::Opaque(Reason::Corrupt)
}

/// Whether a frame stands still in the world, so that what moves in it is a track.
fn is_world(frame: &str) -> bool {
    let f = frame.trim_start_matches('/').to_lowercase();
    ["map", "odom", "world", "earth", "ecef", "utm", "enu", "global", "origin", "local"].iter().any(|w| f.contains(w))
        && !["base", "sensor", "lidar", "camera", "imu"].iter().any(|w| f.contains(w))
}

/// A topic of which nothing is decoded.
fn unread(c: &Channel<'_>, why: Reason) -> Topic {
    let mut t = empty(c);
    t.why = Some(why);
    t.nature = sensors::nature(c.type_name, c.name, None);
    t
}

fn empty(c: &Channel<'_>) -> Topic {
    Topic {
        name: c.name.to_owned(),
        type_name: c.type_name.to_owned(),
        wire: None,
        types: Types::default(),
        tree: None,
        why: None,
        nature: Nature::default(),
        messages: 0,
        bytes: 0,
        first_ns: 0,
        last_ns: 0,
        bad: 0,
        bad_at: None,
        unread: 0,
        frames: 0,
        sizes: Vec::new(),
        cloud: Bounds::default(),
        frame_id: String::new(),
        wgs84: false,
        names: Vec::new(),
        heard: HashMap::new(),
        last_list: 0,
        nmea: 0,
    }
}

fn topic(c: &Channel<'_>) -> Topic {
    let mut t = empty(c);
    let key = crate::names::type_key(c.type_name);
    t.wgs84 = [
        "navsatfix",
        "gpsfix",
        "locationfix",
        "locationfixes",
        "geopoint",
        "geopose",
        "geopointstamped",
        "geoposestamped",
        "navpvt",
        "navposllh",
    ]
    .iter()
    .any(|e| key.ends_with(e));
    let (message, schema) = (c.message_encoding.to_ascii_lowercase(), c.schema_encoding.to_ascii_lowercase());
    let wire = match (message.as_str(), schema.as_str()) {
        ("ros1" | "ros1msg", _) | ("", "ros1msg" | "ros1") => Wire::Ros1,
        ("cdr", _) | ("", "ros2msg" | "ros2" | "ros2idl" | "omgidl" | "idl") => Wire::Cdr,
        ("protobuf" | "proto", _) | ("", "protobuf" | "proto" | "apollo") => Wire::Proto,
        ("json", _) | ("", "jsonschema") => Wire::Json,
        ("flatbuffer" | "flatbuffers", _) | ("", "flatbuffer" | "flatbuffers") => Wire::Flat,
        _ => {
            t.why = Some(Reason::Unsupported);
            t.nature = sensors::nature(c.type_name, c.name, None);
            return t;
        }
    };
    if wire == Wire::Json {
        t.wire = Some(wire);
        t.nature = sensors::nature(c.type_name, c.name, None);
        return t;
    }
    let parsed = if c.schema.is_empty() {
        match wire {
            Wire::Cdr => schema::builtin(c.type_name),
            // A type without fields.
            Wire::Ros1 if schema == "ros1msg" => schema::parse("ros1msg", c.type_name, &[]),
            _ => Err(SchemaError::Unsupported),
        }
    } else {
        let encoding = match (schema.as_str(), wire) {
            ("", Wire::Ros1) => "ros1msg",
            ("", Wire::Cdr) => "ros2msg",
            ("", Wire::Proto) => "protobuf",
            ("", Wire::Flat) => "flatbuffer",
            (s, _) => s,
        };
        // A definition that is broken or has parts missing, of a type that is well known.
        schema::parse(encoding, c.type_name, c.schema)
            .or_else(|e| if wire == Wire::Cdr { schema::builtin(c.type_name).map_err(|_| e) } else { Err(e) })
    };
    match parsed {
        Ok(types) => {
            let mut tree = Tree::new(&types, wire == Wire::Proto);
            let in_order = matches!(wire, Wire::Ros1 | Wire::Cdr);
            if in_order && (tree.cut || tree.mutable) {
                t.why = Some(Reason::Unsupported);
            } else {
                groups::assign(&mut tree, &types, c.type_name, c.name, false);
                t.wire = Some(wire);
                t.names = vec![None; tree.nodes.len()];
                t.nature = sensors::nature(c.type_name, c.name, Some(&tree));
                t.tree = Some(tree);
                return t;
            }
        }
        Err(SchemaError::Broken) => t.why = Some(Reason::Corrupt),
        Err(SchemaError::Unsupported) => t.why = Some(Reason::Unsupported),
    }
    t.nature = sensors::nature(c.type_name, c.name, None);
    t
}
