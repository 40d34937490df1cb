//! Frames of vehicle buses, whatever file they were recorded in: counted by channel and identifier, and read as far as a database or a standard says what
//! is in them.

mod decode;
mod isotp;
mod j1939;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};
use yumen_kit_bus::Database;
use yumen_model::kind::kinds;
use yumen_model::{Context, Fix, Grouper, InspectError, InventoryItem, Member, Message, Need};

use crate::out::{Out, SourceId, rounded};
use crate::place::{Candidate, Place, Slot, plan};

/// Most identifiers that are counted apart.
const MAX_IDS: usize = 1 << 16;
/// Most channels that are counted apart.
const MAX_CHANNELS: usize = 1024;
/// Rows of a table.
pub(crate) const ROWS: usize = 1000;
/// Most variables whose values are followed.
const MAX_VARIABLES: usize = 4096;

/// A frame on a CAN bus.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'d> {
    /// Seconds: since 1970 together with [`Bus::base`].
    pub(crate) time_s: f64,
    /// Number of the channel, as [`Bus::channel`] gave it.
    pub(crate) channel: u32,
    pub(crate) id: u32,
    pub(crate) extended: bool,
    pub(crate) fd: bool,
    pub(crate) remote: bool,
    pub(crate) data: &'d [u8],
    /// Where it stands in the artifact.
    pub(crate) offset: u64,
}

#[derive(Default)]
struct Channel {
    name: String,
    bus: &'static str,
    frames: u64,
    bytes: u64,
    errors: u64,
    fd: u64,
    extended: u64,
    ids: u64,
    first: f64,
    last: f64,
}

/// What is known of an identifier on a channel.
struct Id {
    frames: u64,
    bytes: u64,
    first: f64,
    last: f64,
    /// Number of its decoder.
    decoder: Option<u32>,
}

/// All frames of a recording.
pub(crate) struct Bus {
    /// Seconds since 1970 of time 0.
    pub(crate) base: f64,
    channels: Vec<Channel>,
    by_name: HashMap<String, u32>,
    ids: HashMap<u64, Id>,
    decode: decode::Decoders,
    isotp: isotp::IsoTp,
    j1939: j1939::J1939,
    protocols: BTreeSet<&'static str>,
    vins: BTreeSet<String>,
    variables: Variables,
    granted: bool,
    can_frames: u64,
    errors: u64,
    /// Times of values that came in no frame.
    span: (f64, f64),
    /// Further properties of the inventory item.
    more: BTreeMap<String, Value>,
}

/// Variables that are told by name, one value at a time.
#[derive(Default)]
struct Variables {
    slots: HashMap<String, Option<Slot>>,
    names: Vec<String>,
    /// The last value of each.
    values: Vec<f64>,
    places: Vec<Place>,
    sources: Vec<SourceId>,
}

impl Bus {
    /// A recording, with the databases that lie beside it.
    pub(crate) fn new(context: &Context) -> Self {
        let databases: Vec<Database> = context.facts(yumen_kit_bus::FACT).take(16).map(Database::from_fact).collect();
        Bus {
            base: 0.0,
            channels: Vec::new(),
            by_name: HashMap::new(),
            ids: HashMap::new(),
            granted: !databases.is_empty(),
            decode: decode::Decoders::new(&databases),
            isotp: isotp::IsoTp::default(),
            j1939: j1939::J1939::default(),
            protocols: BTreeSet::new(),
            vins: BTreeSet::new(),
            variables: Variables::default(),
            can_frames: 0,
            errors: 0,
            span: (f64::INFINITY, f64::NEG_INFINITY),
            more: BTreeMap::new(),
        }
    }

    /// Adds a database that lies in the recording itself.
    pub(crate) fn add_database(&mut self, database: &Database) {
        self.decode.add(database);
        for id in self.ids.values_mut() {
            id.decoder = None;
        }
    }

    /// The number of a channel.
    pub(crate) fn channel(&mut self, name: &str, bus: &'static str) -> u32 {
        if let Some(&n) = self.by_name.get(name)
            && self.channels.get(n as usize).is_some_and(|c| c.bus == bus)
        {
            return n;
        }
        let found = self.channels.iter().position(|c| c.bus == bus && c.name == name);
        let n = match found {
            Some(n) => n,
            None if self.channels.len() >= MAX_CHANNELS => MAX_CHANNELS - 1,
            None => {
                self.channels.push(Channel {
                    name: name.chars().take(64).collect(),
                    bus,
                    first: f64::INFINITY,
                    last: f64::NEG_INFINITY,
                    ..Channel::default()
                });
                self.channels.len() - 1
            }
        };
        let n = u32::try_from(n).unwrap_or(0);
        self.by_name.insert(name.chars().take(64).collect(), n);
        n
    }

    /// Tells that a protocol was met.
    pub(crate) fn protocol(&mut self, name: &'static str) {
        self.protocols.insert(name);
    }

    /// Adds a property of the inventory item.
    pub(crate) fn tell(&mut self, name: &str, value: impl Into<Value>) {
        self.more.insert(name.to_owned(), value.into());
    }

    /// Something was recorded at this time, though no frame.
    pub(crate) fn seen(&mut self, time_s: f64) {
        if time_s.is_finite() {
            self.span = (self.span.0.min(time_s), self.span.1.max(time_s));
        }
    }

    /// Frames of all channels so far.
    pub(crate) fn frames(&self) -> u64 {
        self.channels.iter().map(|c| c.frames).sum()
    }

    fn count(&mut self, channel: u32, bytes: usize, time: f64) {
        if let Some(c) = self.channels.get_mut(channel as usize) {
            c.frames += 1;
            c.bytes += bytes as u64;
            if time.is_finite() {
                c.first = c.first.min(time);
                c.last = c.last.max(time);
            }
        }
    }

    /// A frame that is no CAN frame (LIN, FlexRay, Ethernet), or whose content is read elsewhere.
    pub(crate) fn other(&mut self, channel: u32, time_s: f64, bytes: usize) {
        self.count(channel, bytes, time_s);
    }

    /// An error frame.
    pub(crate) fn error(&mut self, channel: u32, time_s: f64) {
        self.errors += 1;
        if let Some(c) = self.channels.get_mut(channel as usize) {
            c.errors += 1;
            if time_s.is_finite() {
                c.first = c.first.min(time_s);
                c.last = c.last.max(time_s);
            }
        }
    }

    /// A CAN frame.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>, out: &mut Out<'_>) -> Result<(), InspectError> {
        self.can_frames += 1;
        self.count(frame.channel, frame.data.len(), frame.time_s);
        let key = u64::from(frame.channel) << 32 | u64::from(frame.extended) << 31 | u64::from(frame.id & 0x1fff_ffff);
        let full = self.ids.len() >= MAX_IDS;
        let id = match self.ids.get_mut(&key) {
            Some(id) => id,
            None if full => return Ok(()),
            None => {
                let id = Id { frames: 0, bytes: 0, first: frame.time_s, last: frame.time_s, decoder: None };
                if let Some(c) = self.channels.get_mut(frame.channel as usize) {
                    c.ids += 1;
                }
                self.ids.entry(key).or_insert(id)
            }
        };
        id.frames += 1;
        id.bytes += frame.data.len() as u64;
        id.last = id.last.max(frame.time_s);
        let decoder = *id.decoder.get_or_insert_with(|| self.decode.find(frame.id, frame.extended));
        if let Some(c) = self.channels.get_mut(frame.channel as usize) {
            c.fd += u64::from(frame.fd);
            c.extended += u64::from(frame.extended);
        }
        if frame.remote || frame.data.is_empty() {
            return Ok(());
        }
        let time = self.base + frame.time_s;
        if decoder != decode::NONE {
            self.decode.frame(decoder, frame, time, &mut self.vins, out)?;
        }
        if frame.extended {
            self.j1939.frame(frame, time, &mut self.vins, out)?;
        }
        self.isotp.frame(frame, &mut self.vins, out)
    }

    /// A diagnostic message that came over another transport (DoIP).
    pub(crate) fn diagnostic(&mut self, data: &[u8], offset: u64, out: &mut Out<'_>) -> Result<(), InspectError> {
        self.isotp.message(data, true, offset, &mut self.vins, out)
    }

    /// A message of J1939 that the recorder put together.
    pub(crate) fn parameter_group(
        &mut self,
        group: u32,
        data: &[u8],
        offset: u64,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        j1939::text(group, data, offset, &mut self.vins, out)
    }

    /// A vehicle's number that was read out of a message.
    pub(crate) fn vin(&mut self, bytes: &[u8], offset: u64, out: &mut Out<'_>) -> Result<(), InspectError> {
        tell_vin(bytes, offset, &mut self.vins, out)
    }

    /// The value of a variable, by name. Whether it is part of a position (or would be).
    pub(crate) fn variable(
        &mut self,
        name: &str,
        value: f64,
        time_s: f64,
        offset: u64,
        out: &mut Out<'_>,
    ) -> Result<bool, InspectError> {
        let v = &mut self.variables;
        if !v.slots.contains_key(name) {
            let base = name.rsplit("::").next().unwrap_or(name);
            let matters = yumen_kit_bus::role(base, "").is_some();
            if v.slots.len() >= MAX_VARIABLES {
                return Ok(false);
            }
            v.slots.insert(name.to_owned(), None);
            if matters && v.names.len() < 256 {
                // Planned anew with every name that comes: there are few.
                v.names.push(name.to_owned());
                v.values.push(value);
                let bases: Vec<(&str, usize)> = v
                    .names
                    .iter()
                    .map(|n| {
                        let (space, base) = n.rsplit_once("::").unwrap_or(("", n));
                        let group =
                            v.names.iter().position(|m| m.rsplit_once("::").unwrap_or(("", m)).0 == space).unwrap_or(0);
                        (base, group)
                    })
                    .collect();
                let candidates: Vec<Candidate<'_>> = bases
                    .iter()
                    .map(|&(name, group)| Candidate { group, name, unit: "", fraction: 1.0, negative: &[] })
                    .collect();
                let (places, slots) = plan(&candidates);
                for place in places.iter().skip(v.sources.len()) {
                    v.sources.push(out.source(&place.name, None, None, false));
                }
                let old = v.places.len();
                v.places = places;
                for (name, slot) in v.names.iter().zip(slots) {
                    v.slots.insert(name.clone(), slot);
                }
                // What came before its counterpart is part of the first position.
                for (name, &value) in v.names.iter().zip(&v.values) {
                    if let Some(Some(slot)) = v.slots.get(name)
                        && slot.source() >= old
                        && let Some(place) = v.places.get_mut(slot.source())
                    {
                        place.set(*slot, value);
                    }
                }
            }
        }
        let Some(Some(slot)) = v.slots.get(name).copied() else { return Ok(v.names.iter().any(|n| n == name)) };
        if let (Some(place), Some(&source)) = (v.places.get_mut(slot.source()), v.sources.get(slot.source())) {
            place.set(slot, value);
            if let Some((x, y, z)) = place.take() {
                out.fix(source, Fix { x, y, z, time_s: Some(self.base + time_s), entity: 0, offset })?;
            }
        }
        Ok(true)
    }

    /// Tells what was recorded.
    pub(crate) fn finish(mut self, out: &mut Out<'_>) -> Result<(), InspectError> {
        self.decode.finish(out);
        self.j1939.finish(&mut self.protocols);
        self.isotp.finish(&mut self.protocols, &mut self.more);
        if self.can_frames > 0 && !self.granted {
            out.to.send(Message::Need(Need { key: yumen_kit_bus::FACT.to_owned() }))?;
        }
        let seen = |first: f64, last: f64| if last > first { rounded(last - first) } else { 0.0 };
        let rate = |frames: u64, first: f64, last: f64| {
            if frames > 1 && last > first { rounded((frames - 1) as f64 / (last - first)) } else { 0.0 }
        };
        for c in &self.channels {
            if c.fd > 0 {
                self.protocols.insert("CAN FD");
            }
            if c.bus != "CAN" || c.fd < c.frames {
                self.protocols.insert(c.bus);
            }
        }
        let channels: Vec<Value> = self
            .channels
            .iter()
            .take(ROWS)
            .map(|c| {
                let mut row = json!({"name": c.name, "bus": c.bus, "messages": c.frames, "bytes": c.bytes, "ids": c.ids,
                    "duration_s": seen(c.first, c.last), "rate_hz": rate(c.frames, c.first, c.last)});
                if c.errors > 0 {
                    row["errors"] = c.errors.into();
                }
                row
            })
            .collect();
        let mut ids: Vec<(&u64, &Id)> = self.ids.iter().collect();
        ids.sort_unstable_by_key(|(key, _)| **key);
        let identifiers: Vec<Value> = ids
            .iter()
            .take(ROWS)
            .map(|(key, id)| {
                let extended = **key >> 31 & 1 == 1;
                let number = **key & 0x1fff_ffff;
                let channel = self.channels.get((**key >> 32) as usize).map_or("", |c| c.name.as_str());
                let text = if extended { format!("{number:08X}x") } else { format!("{number:03X}") };
                let mut row = json!({"id": text, "channel": channel, "messages": id.frames, "bytes": id.bytes, "rate_hz": rate(id.frames, id.first, id.last)});
                if let Some(name) = id.decoder.and_then(|d| self.decode.name(d)) {
                    row["name"] = name.into();
                }
                row
            })
            .collect();
        let frames = self.frames();
        let first = self.channels.iter().map(|c| c.first).fold(self.span.0, f64::min);
        let last = self.channels.iter().map(|c| c.last).fold(self.span.1, f64::max);
        let protocols: Vec<&str> = self.protocols.iter().copied().collect();
        let mut item = InventoryItem::new(kinds::BUS_LOG)
            // Recorders count error frames among the others.
            .with("messages", frames + self.errors)
            .with("frames", frames + self.errors)
            .with("ids", ids.len())
            .with("duration_s", seen(first, last))
            .with("protocols", protocols)
            .with("channels", channels)
            .with("identifiers", identifiers);
        if self.errors > 0 {
            item = item.with("error_frames", self.errors);
        }
        for (name, value) in std::mem::take(&mut self.more) {
            item = item.with(&name, value);
        }
        out.to.inventory(item);
        Ok(())
    }
}

/// Tells a vehicle's number, once, if these bytes are one.
pub(crate) fn tell_vin(
    bytes: &[u8],
    offset: u64,
    seen: &mut BTreeSet<String>,
    out: &mut Out<'_>,
) -> Result<(), InspectError> {
    let text: String = bytes.iter().map(|&b| b.to_ascii_uppercase() as char).collect();
    if is_vin(bytes) && seen.len() < 10_000 && seen.insert(text.clone()) {
        out.record([("vin", text.as_str())], offset, offset.saturating_add(8).min(out.to.len()))?;
    }
    Ok(())
}

/// Whether bytes have the form of a vehicle's number.
pub(crate) fn is_vin(bytes: &[u8]) -> bool {
    bytes.len() == 17
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() && !matches!(b.to_ascii_uppercase(), b'I' | b'O' | b'Q'))
        && bytes.iter().filter(|b| b.is_ascii_digit()).count() >= 3
        && bytes[13..].iter().all(u8::is_ascii_digit)
        && bytes.iter().any(|&b| b != bytes[0])
}

/// Lends the CAN databases of a folder to the recordings in it.
pub(crate) struct CanDatabases;

impl Grouper for CanDatabases {
    fn key(&self) -> &'static str {
        yumen_kit_bus::FACT
    }

    fn grant(&self, needy: &Member<'_>, neighbours: &[Member<'_>]) -> Vec<Value> {
        let stem = |name: &str| name.split('.').next().unwrap_or(name).to_lowercase();
        let needy = stem(needy.name);
        // One that bears the recording's name comes first; where two tell of one message, the first holds.
        let (same, others): (Vec<_>, Vec<_>) = neighbours.iter().partition(|m| stem(m.name) == needy);
        same.into_iter().chain(others).flat_map(|m| m.exports.iter().map(|v| (*v).clone())).take(16).collect()
    }
}
