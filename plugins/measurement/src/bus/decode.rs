//! Frames by a database: positions, motion, vehicle numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use yumen_kit_bus::{Database, Mux, Role, Signal, role};
use yumen_model::{Fix, InspectError};

use super::{Frame, tell_vin};
use crate::out::{Out, SourceId};
use crate::place::{Candidate, Place, Slot, plan};

/// No decoder.
pub(super) const NONE: u32 = u32::MAX;
/// Most signals that matter.
const MAX_CANDIDATES: usize = 1500;
/// Parts of a vehicle's number that are kept.
const MAX_PARTS: usize = 64;

enum What {
    Place(Slot),
    Motion,
    /// Part of a vehicle's number: which one, and its order in the name.
    Vin(usize, u64),
}

struct Field {
    signal: Signal,
    what: What,
}

#[derive(Default)]
struct Decoder {
    name: String,
    switch: Option<Signal>,
    fields: Vec<Field>,
    /// Number of the source of motion, once there is one; messages with first and last time.
    motion: Option<(u64, f64, f64)>,
}

/// Where a part of a text belongs: its order in the signal's name, the page, the message, the byte.
type Part = (u64, u64, u32, u16);

#[derive(Default)]
pub(super) struct Decoders {
    list: Vec<Decoder>,
    exact: HashMap<(u32, bool), u32>,
    /// By parameter group, for databases of J1939.
    groups: HashMap<u32, u32>,
    places: Vec<Place>,
    sources: Vec<Option<SourceId>>,
    vins: Vec<BTreeMap<Part, Vec<u8>>>,
    vin_keys: HashMap<String, usize>,
    touched: Vec<usize>,
}

/// Identifier without priority, source and, where it has one, destination.
pub(super) fn pgn(id: u32) -> u32 {
    let group = id >> 8 & 0x3_ffff;
    if group >> 8 & 0xff < 240 { group & 0x3_ff00 } else { group }
}

impl Decoders {
    pub(super) fn new(databases: &[Database]) -> Self {
        let mut all = Decoders::default();
        databases.iter().for_each(|d| all.add(d));
        all
    }

    pub(super) fn add(&mut self, database: &Database) {
        let mut candidates = Vec::new();
        let mut of: Vec<(u32, usize)> = Vec::new();
        for (group, message) in database.messages.iter().enumerate() {
            if self.exact.contains_key(&(message.id, message.extended)) {
                continue;
            }
            let n = u32::try_from(self.list.len()).unwrap_or(NONE);
            self.exact.insert((message.id, message.extended), n);
            if message.extended && matches!(message.id & 0xff, 0xfe | 0xff) {
                self.groups.entry(pgn(message.id)).or_insert(n);
            }
            self.list.push(Decoder {
                name: message.name.clone(),
                switch: message.switch().cloned(),
                ..Decoder::default()
            });
            for (i, s) in message.signals.iter().enumerate() {
                let Some(named) = role(&s.name, &s.unit) else { continue };
                let what = match named.role {
                    Role::Acceleration | Role::Rate => What::Motion,
                    Role::Vin if s.length >= 8 => {
                        let digits: String = s.name.chars().filter(char::is_ascii_digit).collect();
                        let next = self.vins.len();
                        let key = *self.vin_keys.entry(named.stem).or_insert(next);
                        if key == next {
                            self.vins.push(BTreeMap::new());
                        }
                        What::Vin(key, digits.parse().unwrap_or(0))
                    }
                    Role::Vin => continue,
                    _ if candidates.len() >= MAX_CANDIDATES => continue,
                    _ => {
                        let digits = (2f64.powi(i32::from(s.length.min(62)))).log10().floor();
                        let fraction = if s.factor < 1.0 { 1.0 } else { 10f64.powf(-digits) };
                        candidates.push(Candidate {
                            group,
                            name: &s.name,
                            unit: &s.unit,
                            fraction,
                            negative: &s.negative,
                        });
                        of.push((n, i));
                        continue;
                    }
                };
                if let Some(d) = self.list.get_mut(n as usize) {
                    d.fields.push(Field { signal: s.clone(), what });
                }
            }
        }
        let (places, slots) = plan(&candidates);
        let shift = self.places.len();
        for ((&(n, i), slot), c) in of.iter().zip(slots).zip(&candidates) {
            let Some(slot) = slot else { continue };
            let slot = match slot {
                Slot::Latitude(s, p) => Slot::Latitude(s + shift, p),
                Slot::Longitude(s, p) => Slot::Longitude(s + shift, p),
                Slot::Altitude(s) => Slot::Altitude(s + shift),
            };
            let signal = database.messages.get(c.group).and_then(|m| m.signals.get(i));
            if let (Some(d), Some(signal)) = (self.list.get_mut(n as usize), signal) {
                d.fields.push(Field { signal: signal.clone(), what: What::Place(slot) });
            }
        }
        self.sources.extend(places.iter().map(|_| None));
        self.places.extend(places);
    }

    /// The decoder of an identifier.
    pub(super) fn find(&self, id: u32, extended: bool) -> u32 {
        if let Some(&n) = self.exact.get(&(id, extended)) {
            return n;
        }
        let group = if extended { self.groups.get(&pgn(id)) } else { None };
        group.copied().unwrap_or(NONE)
    }

    /// The name of the message.
    pub(super) fn name(&self, decoder: u32) -> Option<&str> {
        self.list.get(decoder as usize).map(|d| d.name.as_str()).filter(|n| !n.is_empty())
    }

    pub(super) fn frame(
        &mut self,
        decoder: u32,
        frame: &Frame<'_>,
        time: f64,
        seen: &mut BTreeSet<String>,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let Some(d) = self.list.get_mut(decoder as usize).filter(|d| !d.fields.is_empty()) else { return Ok(()) };
        let page = d.switch.as_ref().and_then(|s| s.raw(frame.data));
        let mut moved = false;
        self.touched.clear();
        let mut vin = None;
        for field in &d.fields {
            if let Mux::When(n) = field.signal.mux
                && page != Some(n)
            {
                continue;
            }
            match field.what {
                What::Place(slot) => {
                    let Some(raw) = field.signal.raw(frame.data) else { continue };
                    let Some(place) = self.places.get_mut(slot.source()) else { continue };
                    if field.signal.is_unavailable(raw) {
                        place.unset(slot);
                    } else {
                        place.set(slot, field.signal.physical(raw));
                    }
                    if !self.touched.contains(&slot.source()) {
                        self.touched.push(slot.source());
                    }
                }
                What::Motion => moved |= field.signal.raw(frame.data).is_some(),
                What::Vin(key, order) => {
                    if let (Some(bytes), Some(parts)) = (field.signal.bytes(frame.data), self.vins.get_mut(key)) {
                        let place = (order, page.unwrap_or(0), frame.id, field.signal.start / 8);
                        // Pages of one signal go before its order in the name only when the name has none.
                        if parts.len() < MAX_PARTS || parts.contains_key(&place) {
                            parts.insert(place, bytes.to_vec());
                        }
                        vin = Some(key);
                    }
                }
            }
        }
        if moved {
            let m = d.motion.get_or_insert((0, time, time));
            m.0 += 1;
            m.2 = m.2.max(time);
        }
        for n in std::mem::take(&mut self.touched) {
            let Some((x, y, z)) = self.places.get_mut(n).and_then(Place::take) else { continue };
            let source = match self.sources.get(n).copied().flatten() {
                Some(source) => source,
                None => {
                    let name = self.places.get(n).map(|p| p.name.clone()).unwrap_or_default();
                    let source = out.source(&name, self.name(decoder), None, false);
                    if let Some(s) = self.sources.get_mut(n) {
                        *s = Some(source);
                    }
                    source
                }
            };
            out.fix(source, Fix { x, y, z, time_s: Some(time), entity: 0, offset: frame.offset })?;
        }
        if let Some(parts) = vin.and_then(|key| self.vins.get(key)) {
            let all: Vec<u8> = parts.values().flatten().copied().filter(|b| b.is_ascii_alphanumeric()).collect();
            if let Some(start) = all.windows(17).position(super::is_vin) {
                tell_vin(&all[start..start + 17], frame.offset, seen, out)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Out<'_>) {
        for d in &self.list {
            if let Some((count, first, last)) = d.motion {
                let names = d.fields.iter().filter(|f| matches!(f.what, What::Motion)).map(|f| f.signal.name.clone());
                let motion = out.motion(&d.name, names.take(32).collect());
                out.moved(motion, count, first, last);
            }
        }
    }
}
