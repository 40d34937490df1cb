//! What is in OpenStreetMap data, whatever its container: counts, lengths, places, lanelets; and how its tags become records.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_json::Value;
use yumen_kit_text::{MAX_CELL, RecordWriter, Spot, is_plain_name};
use yumen_model::{InspectError, Inspection, Spatial};

use crate::survey::{Counts, Spread, Words, distance, km, tell};
use crate::xml::number;

/// Most nodes whose position is kept for the lengths of ways; in a larger map lengths are not told.
const MOST_NODES: usize = 4 << 20;
/// Most ways whose length is kept for lanelets.
const MOST_WAYS: usize = 1 << 20;
/// Most words (names of users, roles) that are remembered.
const MOST_SEEN: usize = 1 << 16;

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Node,
    Way,
    Relation,
}

/// Where a node is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct At {
    /// Longitude and latitude in degrees.
    pub(crate) degrees: Option<(f64, f64)>,
    /// Metres in a local frame.
    pub(crate) metres: Option<(f64, f64)>,
    pub(crate) height: f64,
}

/// Positions of nodes by id, in 1e-7 degrees or millimetres.
#[derive(Default)]
struct Nodes {
    all: Vec<(i64, i32, i32)>,
    sorted: bool,
    full: bool,
}

impl Nodes {
    fn add(&mut self, id: i64, x: f64, y: f64, scale: f64) {
        if self.all.len() >= MOST_NODES {
            self.full = true;
            return;
        }
        self.sorted &= self.all.last().is_none_or(|l| l.0 < id) || self.all.is_empty();
        if self.all.is_empty() {
            self.sorted = true;
        }
        self.all.push((id, (x * scale) as i32, (y * scale) as i32));
    }

    fn get(&mut self, id: i64) -> Option<(i32, i32)> {
        if !self.sorted {
            self.all.sort_unstable_by_key(|n| n.0);
            self.sorted = true;
        }
        self.all.binary_search_by_key(&id, |n| n.0).ok().map(|i| (self.all[i].1, self.all[i].2))
    }
}

/// Words that were met before, as hashes.
#[derive(Default)]
pub(crate) struct Seen(HashSet<u64>);

impl Seen {
    /// Whether a word is new.
    pub(crate) fn is_new(&mut self, word: &str) -> bool {
        let hash = crate::survey::entity(word);
        if self.0.len() >= MOST_SEEN { !self.0.contains(&hash) } else { self.0.insert(hash) }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// Keys of tags that are a layer each.
const LAYERS: &[&str] = &[
    "highway",
    "railway",
    "building",
    "landuse",
    "natural",
    "waterway",
    "boundary",
    "amenity",
    "shop",
    "power",
    "aeroway",
    "barrier",
    "leisure",
    "tourism",
    "military",
    "place",
    "public_transport",
    "man_made",
    "office",
    "route",
];

/// Values of `highway` that are no ways for vehicles.
const NO_ROADS: &[&str] = &[
    "footway",
    "path",
    "steps",
    "cycleway",
    "bridleway",
    "pedestrian",
    "corridor",
    "elevator",
    "platform",
    "proposed",
    "construction",
    "rest_area",
    "services",
    "via_ferrata",
    "raceway",
];

/// What is in the data.
#[derive(Default)]
pub(crate) struct Survey {
    pub(crate) counts: Counts,
    pub(crate) generator: String,
    pub(crate) version: String,
    pub(crate) users: Seen,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) bounds: Spread,
    layers: Words,
    types: Words,
    rules: Words,
    squares: Words,
    degrees: Spread,
    metres: Spread,
    nodes: Nodes,
    ways: HashMap<i64, f32>,
    road_length: f64,
    lane_length: f64,
    /// Something was too much for lengths to be told.
    partial: bool,
    /// Changes were deleted elements only, without positions.
    pub(crate) changes: bool,
}

impl Survey {
    /// Whether there are lanelets, their rules or areas.
    pub(crate) fn is_lanelet2(&self) -> bool {
        self.counts.get("lanelets") + self.counts.get("regulatory_elements") > 0
    }

    pub(crate) fn node<'t>(&mut self, id: i64, at: At, tags: impl Iterator<Item = (&'t str, &'t str)>) {
        self.counts.add("nodes");
        if let Some((x, y)) = at.degrees {
            self.degrees.add(x, y, at.height);
            self.nodes.add(id, x, y, 1e7);
        } else if let Some((x, y)) = at.metres {
            self.nodes.add(id, x, y, 1e3);
        }
        if let Some((x, y)) = at.metres {
            self.metres.add(x, y, at.height);
        }
        let mut place = false;
        for (key, value) in tags {
            match (key, value) {
                ("highway", "traffic_signals") => self.counts.add("signals"),
                ("highway", "crossing") => self.counts.add("crosswalks"),
                ("highway", "stop" | "give_way") | ("traffic_sign", _) => self.counts.add("signs"),
                ("mgrs_code", code) if (5..64).contains(&code.len()) && code.is_ascii() => self.squares.add(&code[..5]),
                (
                    "amenity" | "shop" | "tourism" | "office" | "leisure" | "healthcare" | "military" | "emergency",
                    _,
                ) => {
                    place = true;
                }
                _ => {}
            }
            self.layer(key);
        }
        self.counts.add_many("places", u64::from(place));
    }

    fn layer(&mut self, key: &str) {
        if LAYERS.contains(&key) {
            self.layers.add(key);
        }
    }

    /// A way; `places` where it has positions of its own. Its tags are asked for more than once.
    pub(crate) fn way<'t, T: Iterator<Item = (&'t str, &'t str)>>(
        &mut self,
        id: i64,
        refs: &[i64],
        places: &[(f64, f64)],
        tags: impl Fn() -> T,
    ) {
        self.counts.add("ways");
        let mut road = false;
        let mut lanes = None;
        let mut building = false;
        let (mut kind, mut subtype) = ("", "");
        for (key, value) in tags() {
            match key {
                "highway" => road = !NO_ROADS.contains(&value),
                "lanes" => lanes = number(value).filter(|n| (1.0..=32.0).contains(n)),
                "building" => building = value != "no",
                "type" => kind = value,
                "subtype" => subtype = value,
                _ => {}
            }
            self.layer(key);
        }
        self.counts.add_many("buildings", u64::from(building));
        match (kind, subtype) {
            ("traffic_light", _) => self.counts.add("signals"),
            ("traffic_sign", _) => self.counts.add("signs"),
            ("stop_line", _) => self.counts.add("stop_lines"),
            ("zebra_marking" | "pedestrian_marking", _) => self.counts.add("crosswalk_markings"),
            _ => {}
        }
        if road {
            self.counts.add("roads");
            self.counts.add_many("lanes", lanes.unwrap_or(0.0) as u64);
        }
        places.iter().for_each(|&(x, y)| self.degrees.add(x, y, 0.0));
        // Only what a length is told of: roads, and whatever lanelets may be made of.
        if road || !building {
            let length = if places.is_empty() { self.length(refs) } else { along(places) };
            if road {
                self.road_length += length;
            }
            if self.ways.len() < MOST_WAYS {
                self.ways.insert(id, length as f32);
            }
        }
    }

    fn length(&mut self, refs: &[i64]) -> f64 {
        if self.nodes.full {
            self.partial = true;
            return 0.0;
        }
        let geodetic = self.degrees.seen() > 0;
        let mut last: Option<(f64, f64)> = None;
        let mut sum = 0.0;
        for &id in refs {
            let Some((x, y)) = self.nodes.get(id) else { continue };
            let scale = if geodetic { 1e-7 } else { 1e-3 };
            let (x, y) = (f64::from(x) * scale, f64::from(y) * scale);
            if let Some((a, b)) = last.replace((x, y)) {
                sum += if geodetic { distance(a, b, x, y) } else { f64::hypot(x - a, y - b) };
            }
        }
        sum
    }

    /// A relation; of its members the ways on the left and right.
    pub(crate) fn relation<'t>(&mut self, bounds: &[i64], tags: impl Iterator<Item = (&'t str, &'t str)>) {
        self.counts.add("relations");
        let (mut kind, mut subtype) = ("", "");
        for (key, value) in tags {
            match key {
                "type" => kind = value,
                "subtype" => subtype = value,
                _ => {}
            }
            self.layer(key);
        }
        match kind {
            "lanelet" => {
                self.counts.add("lanelets");
                self.types.add(subtype);
                if subtype == "crosswalk" {
                    self.counts.add("crosswalks");
                }
                let known: Vec<f64> = bounds.iter().filter_map(|id| self.ways.get(id)).map(|&l| f64::from(l)).collect();
                if !known.is_empty() {
                    self.lane_length += known.iter().sum::<f64>() / known.len() as f64;
                }
            }
            "regulatory_element" => {
                self.counts.add("regulatory_elements");
                self.rules.add(subtype);
            }
            "restriction" => self.counts.add("restrictions"),
            "boundary" => self.counts.add("boundaries"),
            _ => {}
        }
    }

    /// Words met in the data about itself.
    pub(crate) fn time(&mut self, time: &str) {
        if self.first.is_empty() || time < self.first.as_str() {
            time.clone_into(&mut self.first);
        }
        if time > self.last.as_str() {
            time.clone_into(&mut self.last);
        }
    }

    /// The map.
    pub(crate) fn into_map(self) -> Spatial {
        let lanelet2 = self.is_lanelet2();
        // A local frame that is written as degrees lies at 0, 0, where there is nothing but sea.
        let at_origin = |e: [f64; 4]| e.iter().all(|v| v.abs() < 1.0);
        let degrees = if self.degrees.seen() > 0 { self.degrees } else { self.bounds };
        let local = degrees.extent().is_none_or(at_origin);
        let (spread, crs) = match degrees.extent() {
            Some(_) if !local => (degrees, "EPSG:4326"),
            _ if self.metres.seen() > 0 => (self.metres, "local"),
            _ => {
                let metre = 40_075_016.7 / 360.0;
                (degrees.moved(|x, y| (x * metre, y * metre)), "local")
            }
        };
        let mut map = spread.into_map(Some(crs.to_owned()));
        let always: &[&str] = if lanelet2 {
            &["lanelets", "regulatory_elements", "nodes", "ways", "relations"]
        } else {
            &["roads", "nodes", "ways", "relations"]
        };
        if !lanelet2 {
            tell(&mut map, "layers", self.layers.value());
        }
        self.counts.fill(&mut map, always);
        if !self.partial {
            let length = if lanelet2 { self.lane_length } else { self.road_length };
            map.properties.insert("length_km".to_owned(), km(length));
        }
        map.properties.insert("georeferenced".to_owned(), (!local).into());
        if lanelet2 {
            tell(&mut map, "lane_types", self.types.value());
            tell(&mut map, "rule_types", self.rules.value());
        }
        tell(&mut map, "mgrs_squares", self.squares.value());
        tell(&mut map, "version", self.version);
        if !self.generator.is_empty() {
            map.properties.insert("programs".to_owned(), vec![self.generator].into());
        }
        if self.users.count() > 0 {
            map.properties.insert("contributors".to_owned(), self.users.count().into());
        }
        tell(&mut map, "edited_from", self.first);
        tell(&mut map, "edited_until", self.last);
        if self.changes {
            map.properties.insert("changes".to_owned(), Value::Bool(true));
        }
        map
    }
}

/// Metres along positions in degrees.
fn along(places: &[(f64, f64)]) -> f64 {
    places.windows(2).map(|w| distance(w[0].0, w[0].1, w[1].0, w[1].1)).sum()
}

/// Adds a value to the open record, in parts where it is longer than a cell may be.
pub(crate) fn add_cell(
    writer: &mut RecordWriter,
    value: &str,
    name: u32,
    place: &Range<u64>,
    verbatim: bool,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    let spot = Spot { byte: place.start, line: 1, column: 1 };
    let mut rest = value;
    while !rest.is_empty() {
        let (part, behind) = rest.split_at(rest.floor_char_boundary(MAX_CELL));
        writer.cell(part, name, 0, spot, place.end, verbatim && part.len() == value.len());
        writer.cut_long_record(out)?;
        rest = behind;
    }
    Ok(())
}

/// What a tag is as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag<'t> {
    /// Told otherwise.
    Position,
    /// A value under a name.
    Named(&'t str),
    /// The key is content as well.
    Content,
}

/// How a tag goes into the records.
pub(crate) fn tag_cell<'t>(key: &'t str, value: &str) -> Tag<'t> {
    match key {
        "local_x" | "local_y" | "ele" | "lat" | "lon" | "x" | "y" if number(value).is_some() => Tag::Position,
        // What bears the name is a place.
        "name" => Tag::Named("place_name"),
        _ if key.starts_with("name:") || key.ends_with("_name") || key.contains("_name:") => Tag::Named("place_name"),
        _ if is_plain_name(key) => Tag::Named(key),
        _ => Tag::Content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_keep_their_names_unless_they_are_content() {
        assert_eq!(tag_cell("phone", "1"), Tag::Named("phone"));
        assert_eq!(tag_cell("contact:phone", "1"), Tag::Named("contact:phone"));
        assert_eq!(tag_cell("name:zh", "x"), Tag::Named("place_name"));
        assert_eq!(tag_cell("13800138000", "x"), Tag::Content);
        assert_eq!((tag_cell("local_x", "1.5"), tag_cell("local_x", "a")), (Tag::Position, Tag::Named("local_x")));
    }

    #[test]
    fn lengths_hold_for_nodes_in_any_order() {
        let mut survey = Survey::default();
        for id in [7, 3, 5] {
            let degrees = Some((116.0 + id as f64 * 0.01, 40.0));
            survey.node(id, At { degrees, ..At::default() }, [("highway", "traffic_signals")].into_iter());
        }
        survey.way(1, &[3, 5, 7], &[], || [("highway", "primary"), ("lanes", "4")].into_iter());
        survey.way(2, &[3, 7, 99], &[], || [("highway", "footway")].into_iter());
        let map = survey.into_map();
        let get = |n: &str| map.properties[n].as_f64().unwrap();
        assert_eq!((get("roads"), get("lanes"), get("ways"), get("signals")), (1.0, 4.0, 2.0, 3.0));
        assert!((get("length_km") - distance(116.03, 40.0, 116.07, 40.0) / 1000.0).abs() < 0.002);
        assert_eq!((map.crs.as_deref(), map.samples.len()), (Some("EPSG:4326"), 3));
    }
}
