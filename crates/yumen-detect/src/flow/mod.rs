//! Tables of flows: counts of vehicles, persons or goods by place and time, and the places and operation of charging stations.

mod words;

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::json;
use yumen_kit_geo::Region;
use yumen_model::kind::kinds;
use yumen_model::{
    Batch, Cell, Detector, EvidenceHeader, EvidenceKind, Findings, KindId, Location, RecordBatch, Session,
};

use crate::geo::tables::{Column, located, number, seconds};
use words as w;

/// Places that are counted apart.
const MOST_PLACES: usize = 65_536;
/// Names of columns that are looked at.
const MOST_NAMES: usize = 512;
/// Rows with figures that make a table.
const FEWEST: u64 = 2;

/// Finds `flow.vehicle`, `flow.person`, `flow.logistics` and `flow.charging`: one for each table whose header has a place, a time and a count of
/// what flows (of chargers two of place, time and energy), and whose rows hold numbers there. A table with a line for each vehicle, order or person
/// is no count, and a flow of water, money or packets none of these. Headers in English and Chinese are known.
pub struct FlowDetector;

impl Detector for FlowDetector {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::FLOW_VEHICLE, kinds::FLOW_PERSON, kinds::FLOW_LOGISTICS, kinds::FLOW_CHARGING]
    }

    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>> {
        (header.kind == EvidenceKind::Records && !header.is_names()).then(|| Box::new(FlowSession::default()) as _)
    }
}

/// What a column may be. Several at once: `充电站名称` is a place and a charger.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Roles {
    road: bool,
    place: bool,
    latitude: bool,
    longitude: bool,
    time: bool,
    vehicles: bool,
    weak: bool,
    traffic: bool,
    persons: bool,
    persons_weak: bool,
    stations: bool,
    freight: bool,
    carriage: bool,
    chargers: bool,
    energy: bool,
    other: bool,
    /// One line for each vehicle, order or person.
    individual: bool,
}

impl Roles {
    fn of(name: &str) -> Roles {
        let column = Column::of(name);
        let words = column.words();
        let joined = words.concat();
        let last = column.last();
        let whole = |list: &[&str]| {
            list.contains(&joined.as_str()) || words.iter().any(|w| w.len() > 4 && list.contains(&w.as_str()))
        };
        let any = |list: &[&str]| words.iter().any(|w| list.contains(&w.as_str())) || list.contains(&joined.as_str());
        let zh = |list: &[&str]| !last.is_ascii() && list.iter().any(|w| last.contains(w));
        let ends =
            |list: &[&str]| list.iter().any(|e| joined.len() > e.len() + 2 && e.len() > 6 && joined.ends_with(e));
        let vehicles = whole(w::VEHICLES) || ends(w::VEHICLES) || zh(w::VEHICLES_ZH);
        let persons = whole(w::PERSONS) || ends(w::PERSONS) || zh(w::PERSONS_ZH);
        let freight = whole(w::FREIGHT) || ends(w::FREIGHT) || zh(w::FREIGHT_ZH);
        let counted = vehicles || persons || freight;
        Roles {
            road: !counted && (any(w::ROAD) || zh(w::ROAD_ZH)),
            place: !counted && (any(w::ROAD) || any(w::PLACE) || zh(w::ROAD_ZH) || zh(w::PLACE_ZH) || column.is_pair()),
            latitude: column.is_lat(),
            longitude: column.is_lon(),
            time: !counted && (column.is_time() || any(w::TIME) || zh(w::TIME_ZH)),
            vehicles,
            weak: !counted && (any(w::WEAK) || (zh(w::WEAK_ZH) && !zh(w::VEHICLES_ZH))),
            traffic: any(w::TRAFFIC) || zh(w::TRAFFIC_ZH),
            persons,
            persons_weak: persons && w::PERSONS_WEAK.contains(&joined.as_str()),
            stations: any(w::STATIONS) || zh(&["站", "门", "景区", "商圈"]),
            freight,
            carriage: any(w::CARRIAGE) || zh(w::CARRIAGE_ZH),
            chargers: any(w::CHARGERS) || zh(w::CHARGERS_ZH),
            energy: any(w::ENERGY) || zh(w::ENERGY_ZH),
            other: any(w::OTHER_TRADES) || zh(w::OTHER_TRADES_ZH),
            individual: !counted && column.is_individual(),
        }
    }
}

/// What a header makes of a table.
fn kinds_of(columns: &[Roles]) -> Vec<(KindId, f64)> {
    let has = |of: fn(&Roles) -> bool| columns.iter().any(of);
    let mut found = Vec::new();
    let position = has(|r| r.latitude) && has(|r| r.longitude);
    let place = has(|r| r.place) || position;
    let chargers = columns.iter().filter(|r| r.chargers).count();
    if chargers > 0 {
        // The charger itself; then two of: where, when, how much.
        let placed = columns.iter().any(|r| r.place && !r.chargers) || position || has(|r| r.chargers && r.place);
        let roles = usize::from(placed)
            + usize::from(has(|r| r.time))
            + usize::from(has(|r| r.energy))
            + usize::from(chargers > 1);
        if roles >= 2 && (has(|r| r.energy) || position || chargers > 1) {
            found.push((kinds::FLOW_CHARGING, if roles > 2 { 0.85 } else { 0.7 }));
            return found;
        }
    }
    if !place || !has(|r| r.time) || has(|r| r.individual) {
        return found;
    }
    let other = has(|r| r.other);
    if has(|r| r.vehicles) && (!other || has(|r| r.road)) {
        found.push((kinds::FLOW_VEHICLE, 0.85));
    } else if has(|r| r.weak) && has(|r| r.road) && has(|r| r.traffic) && !other {
        found.push((kinds::FLOW_VEHICLE, 0.65));
    }
    let sure = has(|r| r.persons && !r.persons_weak) && !other;
    if sure || (has(|r| r.persons_weak) && has(|r| r.stations) && !other) {
        found.push((kinds::FLOW_PERSON, if sure { 0.85 } else { 0.65 }));
    }
    if has(|r| r.freight) && has(|r| r.carriage) && (!other || has(|r| r.road)) {
        found.push((kinds::FLOW_LOGISTICS, 0.8));
    }
    found
}

#[derive(Default)]
struct FlowSession {
    names: Vec<String>,
    columns: Vec<Roles>,
    /// All roles seen in the stream: objects of one kind need not all have all keys.
    seen: Vec<Roles>,
    known: BTreeSet<String>,
    kinds: Vec<(KindId, f64)>,
    rows: u64,
    places: HashSet<u64>,
    capped: bool,
    time: Option<(f64, f64)>,
    provinces: BTreeSet<&'static str>,
    countries: BTreeSet<&'static str>,
    first: Option<Location>,
}

impl FlowSession {
    fn learn(&mut self, names: &[String]) {
        if self.names == names {
            return;
        }
        self.names = names.to_vec();
        self.columns = names.iter().map(|n| Roles::of(n)).collect();
        for (name, roles) in names.iter().zip(&self.columns) {
            if *roles != Roles::default() && self.seen.len() < MOST_NAMES && self.known.insert(name.clone()) {
                self.seen.push(*roles);
            }
        }
        self.kinds = kinds_of(&self.seen);
    }

    fn row(&mut self, batch: &RecordBatch<'_>, cells: &[Cell]) {
        let mut figure = None;
        let mut place = DefaultHasher::new();
        let mut placed = false;
        let (mut lat, mut lon) = ("", "");
        let charging = self.kinds.iter().any(|(k, _)| *k == kinds::FLOW_CHARGING);
        let strong = self.seen.iter().any(|r| r.vehicles || r.persons || r.freight);
        for cell in cells.iter().take(MOST_NAMES) {
            let Some(roles) = self.columns.get(cell.name as usize) else { continue };
            let value = batch.value(cell);
            if roles.latitude {
                lat = value;
            }
            if roles.longitude {
                lon = value;
            }
            let counts = if charging {
                roles.energy || roles.chargers || roles.latitude
            } else if strong {
                roles.vehicles || roles.persons || roles.freight
            } else {
                roles.weak
            };
            if counts && figure.is_none() && number(value).is_some() {
                figure = Some(cell);
            }
            if (roles.place || roles.chargers) && !value.trim().is_empty() {
                value.trim().hash(&mut place);
                placed = true;
            }
            if roles.time
                && let Some(t) = seconds(value).filter(|t| (0.0..5e9).contains(t))
            {
                let (from, to) = self.time.unwrap_or((t, t));
                self.time = Some((from.min(t), to.max(t)));
            }
        }
        let position = located(lat, lon);
        let Some(cell) = figure else { return };
        if !placed && position.is_none() {
            return;
        }
        if let Some(p) = position {
            (lat, lon).hash(&mut place);
            match (p.region, p.province, p.country) {
                (Region::Inside, Some(province), _) => {
                    self.provinces.insert(province);
                }
                (Region::Outside, _, Some(country)) => {
                    self.countries.insert(country);
                }
                _ => {}
            }
        }
        self.rows += 1;
        self.first.get_or_insert_with(|| Location {
            bytes: Some((cell.byte_start, cell.byte_end)),
            line: Some(cell.line),
            column: Some(u64::from(cell.column)),
            ..Location::default()
        });
        if self.places.len() < MOST_PLACES {
            self.places.insert(place.finish());
        } else {
            self.capped |= !self.places.contains(&place.finish());
        }
    }
}

impl Session for FlowSession {
    fn feed(&mut self, batch: &Batch<'_>, _: &mut Findings) {
        let Batch::Records(batch) = batch else { return };
        self.learn(&batch.names);
        if self.kinds.is_empty() && self.seen.len() < 2 {
            return;
        }
        for cells in batch.rows() {
            self.row(batch, cells);
        }
    }

    fn finish(self: Box<Self>, out: &mut Findings) {
        if self.rows < FEWEST {
            return;
        }
        for (kind, confidence) in &self.kinds {
            let mut properties =
                std::collections::BTreeMap::from([("rows", json!(self.rows)), ("places", json!(self.places.len()))]);
            if self.capped {
                properties.insert("places_capped", json!(true));
            }
            // Dates only where the times are of the calendar.
            if let Some((from, to)) = self.time.filter(|(from, _)| *from > 3e8) {
                properties.insert(
                    "period",
                    json!([format!("{}/{}", crate::geo::tables::day(from), crate::geo::tables::day(to))]),
                );
            }
            if !self.provinces.is_empty() {
                properties.insert("provinces", json!(self.provinces));
            }
            if !self.countries.is_empty() {
                properties.insert("countries", json!(self.countries));
            }
            out.summary(*kind, Vec::new(), 1, *confidence, self.first.clone().unwrap_or_default(), properties);
        }
    }
}

#[cfg(test)]
mod tests;
