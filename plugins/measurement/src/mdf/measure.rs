//! What is taken out of the records of a measurement: positions, motion, texts, frames of buses.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};
use yumen_kit_bus::{Role, role};
use yumen_model::{Fix, InspectError};

use super::channel::{Channel, Kind, Stored};
use crate::bus::{Bus, Frame, ROWS};
use crate::net::Net;
use crate::out::{Out, SourceId};
use crate::place::{Candidate, Place, Slot, plan};

/// Most channels that may be parts of positions.
const MAX_CANDIDATES: usize = 2000;
/// Most values kept of a channel whose counterpart is in another group.
const MAX_SERIES: usize = 1 << 19;
/// Most texts of a channel that are told.
const MAX_TEXTS: usize = 10_000;

/// Records of one layout.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) channels: Vec<Channel>,
    pub(super) records: u64,
}

/// Where the values of varying length of a record are found.
pub(super) trait Values {
    /// The value of a channel that a record points to.
    fn value(&mut self, channel: &Channel, offset: u64) -> Result<Option<Vec<u8>>, InspectError>;
}

struct NoValues;

impl Values for NoValues {
    fn value(&mut self, _: &Channel, _: u64) -> Result<Option<Vec<u8>>, InspectError> {
        Ok(None)
    }
}

/// A channel that is read, and what for.
struct Field {
    channel: usize,
    what: What,
}

enum What {
    Place(Slot),
    Motion,
    Text,
}

/// Frames of a bus as records.
struct Frames {
    bus: &'static str,
    error: bool,
    remote: bool,
    id: Option<usize>,
    extended: Option<usize>,
    fd: Option<usize>,
    length: Option<usize>,
    data: Option<usize>,
    number: Option<usize>,
    /// Of Ethernet: addresses and type stand apart.
    ethernet: Option<[usize; 3]>,
}

#[derive(Default)]
struct Plan {
    time: Option<usize>,
    fields: Vec<Field>,
    frames: Option<Frames>,
    motion: Option<usize>,
    read: u64,
}

/// Values of parts of positions whose counterparts are in other groups: time and value.
type Series = Vec<(f64, f64)>;

pub(super) struct Measure {
    plans: Vec<Plan>,
    places: Vec<Place>,
    sources: Vec<SourceId>,
    /// Places whose parts are in several groups.
    apart: Vec<Option<HashMap<(bool, usize), Series>>>,
    slots_of: Vec<Vec<Slot>>,
    texts: HashMap<(usize, usize), BTreeSet<String>>,
    net: Net,
    table: Vec<Value>,
    channels: u64,
    groups: u64,
}

impl Measure {
    /// Sees which channels matter.
    pub(super) fn new(groups: &[Group], out: &mut Out<'_>) -> Self {
        let mut candidates = Vec::new();
        let mut of = Vec::new();
        let mut plans: Vec<Plan> = Vec::new();
        let mut table = Vec::new();
        let mut channels = 0;
        for (g, group) in groups.iter().enumerate() {
            let mut plan = Plan { time: group.channels.iter().position(|c| c.time), ..Plan::default() };
            plan.frames = frames(group);
            let mut motions = Vec::new();
            for (i, c) in group.channels.iter().enumerate() {
                channels += 1;
                if table.len() < ROWS && !c.time {
                    let mut row = json!({"name": c.name, "messages": group.records});
                    for (key, value) in [("unit", &c.unit), ("group", &group.name)] {
                        if !value.is_empty() {
                            row[key] = value.as_str().into();
                        }
                    }
                    table.push(row);
                }
                if plan.frames.is_some() || c.time {
                    continue;
                }
                if c.is_text() {
                    plan.fields.push(Field { channel: i, what: What::Text });
                } else if c.is_number()
                    && let Some(named) = role(base(&c.name), &c.unit)
                {
                    match named.role {
                        Role::Acceleration | Role::Rate => {
                            motions.push(c.name.clone());
                            plan.fields.push(Field { channel: i, what: What::Motion });
                        }
                        Role::Vin => {}
                        _ if candidates.len() < MAX_CANDIDATES => {
                            candidates.push(Candidate {
                                group: g,
                                name: base(&c.name),
                                unit: &c.unit,
                                fraction: 1.0,
                                negative: &[],
                            });
                            of.push((g, i));
                        }
                        _ => {}
                    }
                }
            }
            if !motions.is_empty() {
                motions.truncate(32);
                let name = if group.name.is_empty() { motions[0].clone() } else { group.name.clone() };
                plan.motion = Some(out.motion(&name, motions));
            }
            plans.push(plan);
        }
        let (places, slots) = plan(&candidates);
        let mut slots_of = vec![Vec::new(); places.len()];
        let mut groups_of: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); places.len()];
        for (&(g, i), slot) in of.iter().zip(slots) {
            let Some(slot) = slot else { continue };
            if let Some(plan) = plans.get_mut(g) {
                plan.fields.push(Field { channel: i, what: What::Place(slot) });
            }
            slots_of[slot.source()].push(slot);
            if !matches!(slot, Slot::Altitude(_)) {
                groups_of[slot.source()].insert(g);
            }
        }
        let sources = places
            .iter()
            .map(|p| {
                let topic = groups.get(p.group).map(|g| g.name.as_str()).filter(|n| !n.is_empty());
                out.source(&p.name, topic, None, false)
            })
            .collect();
        let apart = groups_of.iter().map(|g| (g.len() > 1).then(HashMap::new)).collect();
        Measure {
            plans,
            places,
            sources,
            apart,
            slots_of,
            texts: HashMap::new(),
            net: Net::default(),
            table,
            channels,
            groups: groups.len() as u64,
        }
    }

    /// Whether anything of a group's records is decoded.
    pub(super) fn reads(&self, group: usize) -> bool {
        self.plans.get(group).is_some_and(|p| !p.fields.is_empty() || p.frames.is_some())
    }

    /// Records of a group that are not decoded: their number, the first and the last of them.
    pub(super) fn pass_over(&mut self, g: usize, group: &Group, records: u64, ends: [&[u8]; 2], bus: &mut Bus) {
        let Some(plan) = self.plans.get_mut(g) else { return };
        plan.read += records;
        let time = plan.time.and_then(|t| group.channels.get(t));
        ends.iter().filter_map(|r| time.and_then(|c| c.value(r))).for_each(|t| bus.seen(t));
    }

    /// A record without values elsewhere.
    pub(super) fn record(
        &mut self,
        g: usize,
        group: &Group,
        record: &[u8],
        at: u64,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        self.record_with(g, group, record, at, &mut NoValues, bus, out)
    }

    /// A record.
    #[allow(clippy::too_many_arguments, reason = "what a record is, and where it goes")]
    pub(super) fn record_with(
        &mut self,
        g: usize,
        group: &Group,
        record: &[u8],
        at: u64,
        values: &mut dyn Values,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let Some(plan) = self.plans.get_mut(g) else { return Ok(()) };
        plan.read += 1;
        let time = plan.time.and_then(|t| group.channels.get(t)).and_then(|c| c.value(record)).unwrap_or(0.0);
        if let Some(frames) = &plan.frames {
            return frame(frames, group, record, time, at, values, &mut self.net, bus, out);
        }
        if plan.time.is_some() {
            bus.seen(time);
        }
        let mut touched: Option<usize> = None;
        let mut moved = false;
        for field in &plan.fields {
            let Some(channel) = group.channels.get(field.channel) else { continue };
            match field.what {
                What::Motion => moved = true,
                What::Text => {
                    let bytes = match channel.stored {
                        Stored::Record => channel.content(record).map(<[u8]>::to_vec),
                        _ => match channel.raw(record) {
                            Some(offset) => values.value(channel, offset)?,
                            None => None,
                        },
                    };
                    let Some(bytes) = bytes else { continue };
                    let text = channel.text(&bytes);
                    let known = self.texts.entry((g, field.channel)).or_default();
                    let text = text.trim();
                    if !text.is_empty() && known.len() < MAX_TEXTS && known.insert(text.to_owned()) {
                        out.record([(base(&channel.name), text)], at, at)?;
                    }
                }
                What::Place(slot) => {
                    let Some(value) = channel.value(record) else { continue };
                    let n = slot.source();
                    match self.apart.get_mut(n) {
                        Some(Some(series)) => {
                            let key = match slot {
                                Slot::Latitude(_, part) => (true, part),
                                Slot::Longitude(_, part) => (false, part),
                                Slot::Altitude(_) => continue,
                            };
                            let series = series.entry(key).or_default();
                            if series.len() < MAX_SERIES {
                                series.push((time, value));
                            }
                        }
                        _ => {
                            if let Some(place) = self.places.get_mut(n) {
                                place.set(slot, value);
                            }
                            touched = touched.or(Some(n));
                        }
                    }
                }
            }
        }
        if moved && let Some(motion) = plan.motion {
            out.moved(motion, 1, bus.base + time, bus.base + time);
        }
        if touched.is_some() {
            for field in &plan.fields {
                let What::Place(slot) = field.what else { continue };
                let n = slot.source();
                let (Some(place), Some(&source)) = (self.places.get_mut(n), self.sources.get(n)) else { continue };
                if let Some((x, y, z)) = place.take() {
                    out.fix(source, Fix { x, y, z, time_s: Some(bus.base + time), entity: 0, offset: at })?;
                }
            }
        }
        Ok(())
    }

    /// Joins positions whose parts are in several groups by their time, and tells what was measured.
    pub(super) fn finish(mut self, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
        for n in 0..self.places.len() {
            let Some(Some(mut series)) = self.apart.get_mut(n).map(Option::take) else { continue };
            for values in series.values_mut() {
                values.sort_by(|a, b| a.0.total_cmp(&b.0));
            }
            let Some(base) = series.get(&(true, 0)).cloned() else { continue };
            let mut at: HashMap<(bool, usize), usize> = HashMap::new();
            for (time, _) in base {
                let Some(place) = self.places.get_mut(n) else { break };
                for slot in &self.slots_of[n] {
                    let key = match *slot {
                        Slot::Latitude(_, part) => (true, part),
                        Slot::Longitude(_, part) => (false, part),
                        Slot::Altitude(_) => continue,
                    };
                    let Some(values) = series.get(&key) else { continue };
                    let i = at.entry(key).or_default();
                    while values.get(*i + 1).is_some_and(|v| (v.0 - time).abs() <= (values[*i].0 - time).abs()) {
                        *i += 1;
                    }
                    // Two receivers' values a minute apart are not one position.
                    if let Some(v) = values.get(*i).filter(|v| (v.0 - time).abs() < 5.0) {
                        place.set(*slot, v.1);
                    }
                }
                if let (Some((x, y, z)), Some(&source)) = (place.take(), self.sources.get(n)) {
                    out.fix(source, Fix { x, y, z, time_s: Some(bus.base + time), entity: 0, offset: 0 })?;
                }
            }
        }
        let read: u64 = self.plans.iter().map(|p| p.read).sum();
        bus.tell("measurements", self.channels);
        bus.tell("groups", self.groups);
        bus.tell("records", read);
        if bus.frames() == 0 {
            bus.tell("channels", self.table);
        }
        self.net.finish(bus, out)
    }
}

/// The name of a channel without its source: `Lat\CCP:1` → `Lat`, `Message.Signal` → `Signal`.
fn base(name: &str) -> &str {
    let name = name.split('\\').next().unwrap_or(name);
    name.rsplit(['.', ':']).find(|part| !part.is_empty() && !part.bytes().all(|b| b.is_ascii_digit())).unwrap_or(name)
}

/// Whether a group holds frames, as "MDF bus logging" names them.
fn frames(group: &Group) -> Option<Frames> {
    const KINDS: &[(&str, &str, bool, bool)] = &[
        ("CAN_DataFrame", "CAN", false, false),
        ("CAN_RemoteFrame", "CAN", false, true),
        ("CAN_ErrorFrame", "CAN", true, false),
        ("CAN_OverloadFrame", "CAN", true, false),
        ("LIN_Frame", "LIN", false, false),
        ("FLX_Frame", "FlexRay", false, false),
        ("MOST_Message", "MOST", false, false),
        ("ETH_Frame", "Ethernet", false, false),
    ];
    let &(kind, bus, error, remote) = KINDS.iter().find(|(kind, ..)| {
        group
            .channels
            .iter()
            .any(|c| c.name == *kind || c.name.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.')))
    })?;
    let part = |names: &[&str]| {
        group.channels.iter().position(|c| {
            let name = c.name.strip_prefix(kind).and_then(|n| n.strip_prefix('.')).unwrap_or(&c.name);
            names.contains(&name)
        })
    };
    let ethernet = match (part(&["Source"]), part(&["Destination"]), part(&["EtherType"])) {
        (Some(a), Some(b), Some(c)) => Some([b, a, c]),
        _ => None,
    };
    Some(Frames {
        bus,
        error,
        remote,
        id: part(&["ID"]),
        extended: part(&["IDE"]),
        fd: part(&["EDL"]),
        length: part(&["DataLength"]),
        data: part(&["DataBytes"]),
        number: part(&["BusChannel"]),
        ethernet,
    })
}

#[allow(clippy::too_many_arguments, reason = "what a record is, and where it goes")]
fn frame(
    f: &Frames,
    group: &Group,
    record: &[u8],
    time: f64,
    at: u64,
    values: &mut dyn Values,
    net: &mut Net,
    bus: &mut Bus,
    out: &mut Out<'_>,
) -> Result<(), InspectError> {
    let get = |i: Option<usize>| i.and_then(|i| group.channels.get(i));
    let number = get(f.number).and_then(|c| c.raw(record));
    let channel = match number {
        Some(n) if n < 1 << 16 => bus.channel(&n.to_string(), f.bus),
        _ => bus.channel(&group.name, f.bus),
    };
    if f.error {
        bus.error(channel, time);
        return Ok(());
    }
    let stored;
    let data: &[u8] = match get(f.data) {
        Some(c) if c.stored != Stored::Record => {
            stored = match c.raw(record) {
                Some(offset) => values.value(c, offset)?.unwrap_or_default(),
                None => Vec::new(),
            };
            &stored
        }
        Some(c) => c.content(record).unwrap_or(&[]),
        None => &[],
    };
    let len = get(f.length).and_then(|c| c.raw(record)).and_then(|n| usize::try_from(n).ok());
    let data = &data[..len.unwrap_or(data.len()).min(data.len())];
    match f.bus {
        "CAN" => {
            let id = get(f.id).and_then(|c| c.raw(record)).unwrap_or(0) as u32;
            let flag = |i| get(i).and_then(|c| c.raw(record)).is_some_and(|n| n != 0);
            let extended = flag(f.extended) || id & 0x8000_0000 != 0 || id & 0x1fff_ffff > 0x7ff;
            let frame = Frame {
                time_s: time,
                channel,
                id: id & 0x1fff_ffff,
                extended,
                fd: flag(f.fd) || data.len() > 8,
                remote: f.remote,
                data: data.get(..data.len().min(64)).unwrap_or(&[]),
                offset: at,
            };
            bus.frame(&frame, out)
        }
        "Ethernet" => {
            bus.other(channel, time, data.len());
            let Some(parts) = f.ethernet else { return net.ethernet(data, bus.base + time, at, bus, out) };
            let mut whole = Vec::with_capacity(data.len() + 14);
            for (i, n) in parts.into_iter().zip([6usize, 6, 2]) {
                match group.channels.get(i) {
                    Some(c) if c.kind == Kind::Bytes => whole.extend_from_slice(c.content(record).unwrap_or(&[])),
                    Some(c) => {
                        let raw = c.raw(record).unwrap_or(0).to_be_bytes();
                        whole.extend_from_slice(&raw[8 - n..]);
                    }
                    None => {}
                }
            }
            whole.extend_from_slice(data);
            net.ethernet(&whole, bus.base + time, at, bus, out)
        }
        _ => {
            bus.other(channel, time, data.len());
            Ok(())
        }
    }
}
