//! Positions of one pair of columns, told apart by entity, and the decision whether they are tracks. Bounded state, in stream order.

use std::collections::hash_map::{DefaultHasher, HashMap};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use yumen_kit_geo::{Datum, Region, Track, near_mainland, place, track};
use yumen_model::Location;

use super::values::Point;

/// Entities kept apart at once. Of further ones only the current is, which is exact for tables that are sorted by entity.
const ENTITIES: usize = 10_000;
/// After so many positions with few entities the table is surely told apart by them, and is no longer read as of one entity.
const TOLD: u64 = 4_096;
/// Outside positions that are tested for nearness to the mainland.
const BORDER_TESTS: u64 = 10_000;

/// The frame of coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Frame {
    Geodetic,
    Ecef,
    Projected,
    Local,
}

impl Frame {
    pub(super) fn name(self) -> &'static str {
        match self {
            Frame::Geodetic => "geodetic",
            Frame::Ecef => "ecef",
            Frame::Projected => "projected",
            Frame::Local => "local",
        }
    }

    /// Whether its positions are on the globe, in degrees once read.
    fn global(self) -> bool {
        matches!(self, Frame::Geodetic | Frame::Ecef)
    }
}

/// What stands beside a position in its record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside<'a> {
    pub(super) time: Option<f64>,
    pub(super) sequence: Option<f64>,
    /// Value and rank of what tells entities apart.
    pub(super) entity: Option<(&'a str, u8)>,
    pub(super) moving: bool,
    pub(super) place: bool,
    /// The position was left out of the fix count as invalid.
    pub(super) surface: bool,
}

/// One entity's positions in stream order.
#[derive(Clone, Debug, Default)]
struct Entity {
    track: Track,
    last: Option<(f64, f64)>,
    last_time: Option<f64>,
    last_step: Option<(f64, f64)>,
    /// Steps that change the position, and those of them that a vehicle could make in the time given.
    moves: u64,
    possible: u64,
    /// Steps with a time difference, and its sum.
    timed: u64,
    gaps_s: f64,
    /// Pairs of consecutive moves, those that turn less than 60°, and moves along one axis only.
    turns: u64,
    smooth: u64,
    along_axis: u64,
    /// Precise positions by region.
    precise: [u64; 3],
}

impl Entity {
    fn push(&mut self, y: f64, x: f64, time: Option<f64>, region: Region, precise: bool, frame: Frame) {
        let (dy, dx) = self.last.map_or((0.0, 0.0), |(py, px)| (y - py, x - px));
        // The length of a degree of longitude against one of latitude.
        let scale = if frame.global() && dx != 0.0 { y.to_radians().cos() } else { 1.0 };
        let step = match self.last {
            None => 0.0,
            Some(_) if !frame.global() => dy.hypot(dx),
            // On steps this short the plane differs from the sphere by less than a thousandth of a per cent.
            Some((py, _)) if dy.abs() < 0.01 && dx.abs() < 0.01 && py.abs() < 85.0 => {
                (dy.hypot(dx * scale)).to_radians() * yumen_kit_geo::EARTH_RADIUS_M
            }
            Some(last) => yumen_kit_geo::distance_m(last, (y, x)),
        };
        let gap = time.zip(self.last_time).map(|(t, l)| (t - l).abs());
        if let Some(gap) = gap.filter(|g| *g > 0.0) {
            self.timed += 1;
            self.gaps_s += gap;
        }
        if step > 0.0 {
            self.moves += 1;
            // Trains and cars, aircraft over long steps; a small step is possible at any time (noise of receivers, coarse clocks).
            let fastest = if step > 100_000.0 { 350.0 } else { 100.0 };
            let possible = match gap {
                Some(g) if g > 0.0 => step / g <= fastest || step < 30.0,
                Some(_) => step < 100.0,
                None => step < 3_000.0,
            };
            self.possible += u64::from(possible);
            let dx = dx * scale;
            self.along_axis += u64::from(dy == 0.0 || dx == 0.0);
            if let Some((ly, lx)) = self.last_step {
                let dot = (dy * ly + dx * lx) / (dy.hypot(dx) * ly.hypot(lx));
                self.turns += 1;
                self.smooth += u64::from(dot >= 0.5);
            }
            self.last_step = Some((dy, dx));
        }
        self.track.count(y, x, time, region, step);
        self.last = Some((y, x));
        if time.is_some() {
            self.last_time = time;
        }
        if precise {
            self.precise[region as usize] += 1;
        }
    }

    fn closed(&self, frame: Frame) -> bool {
        if frame.global() {
            self.track.closed()
        } else {
            self.track.points > 3 && self.track.ends.is_some_and(|(a, b)| a == b)
        }
    }
}

/// Figures of the tracks found, for one region.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    pub(super) tracks: u64,
    pub(super) points: u64,
    pub(super) length_m: f64,
    pub(super) duration_s: f64,
    pub(super) extent: [f64; 4],
}

impl Default for Sum {
    fn default() -> Self {
        Sum { tracks: 0, points: 0, length_m: 0.0, duration_s: 0.0, extent: Track::default().extent }
    }
}

impl Sum {
    pub(super) fn add(&mut self, other: &Sum) {
        self.tracks += other.tracks;
        self.points += other.points;
        self.length_m += other.length_m;
        self.duration_s += other.duration_s;
        self.extent = track::union(self.extent, other.extent);
    }
}

/// The positions of one pair of columns.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) frame: Frame,
    pub(super) datum: Datum,
    /// Hints of the columns' names.
    pub(super) fixed: bool,
    pub(super) travelled: bool,
    moving: bool,
    place: bool,
    sequenced: bool,
    fractions: u64,
    pub(super) points: u64,
    entities: HashMap<u64, Entity>,
    /// The current one of the entities that found no room.
    spare: Option<(u64, Entity)>,
    /// Lowest rank seen of what tells entities apart.
    rank: Option<u8>,
    /// All positions as if of one entity, until `told`.
    pooled: Entity,
    told: bool,
    /// Precise positions by region, shapes apart.
    precise: [u64; 3],
    /// Paths that stood whole in one record, and positions of shapes.
    paths: [Sum; 3],
    shapes: [u64; 3],
    spilled: [Sum; 3],
    spilled_precise: [u64; 3],
    spilled_entities: u64,
    pub(super) provinces: BTreeSet<&'static str>,
    pub(super) countries: BTreeSet<&'static str>,
    pub(super) near_mainland: bool,
    border_tests: u64,
    /// The first place of each region.
    pub(super) first: [Option<Location>; 3],
    /// Kept so that one position's place is not looked up anew while the vehicle stands.
    known: Option<(f64, f64, Region)>,
}

/// What a series comes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// Tracks by region.
    pub(super) tracks: [Sum; 3],
    /// Precise positions that are of no track, by region.
    pub(super) loose: [u64; 3],
    /// Whether they had times.
    pub(super) timed: bool,
}

impl Series {
    pub(super) fn new(frame: Frame, datum: Datum, fixed: bool, travelled: bool) -> Self {
        Series {
            frame,
            datum,
            fixed,
            travelled,
            moving: false,
            place: false,
            sequenced: false,
            fractions: 0,
            points: 0,
            entities: HashMap::new(),
            spare: None,
            rank: None,
            pooled: Entity::default(),
            told: false,
            precise: [0; 3],
            paths: Default::default(),
            shapes: [0; 3],
            spilled: Default::default(),
            spilled_precise: [0; 3],
            spilled_entities: 0,
            provinces: BTreeSet::new(),
            countries: BTreeSet::new(),
            near_mainland: false,
            border_tests: 0,
            first: [None, None, None],
            known: None,
        }
    }

    /// Places a position and keeps what is told of its region.
    fn settle(&mut self, lat: f64, lon: f64, location: &Location) -> Region {
        if let Some((a, o, region)) = self.known
            && a == lat
            && o == lon
        {
            return region;
        }
        let (wlat, wlon) = self.datum.to_wgs84(lat, lon);
        let placement = place(wlat, wlon);
        match (placement.region, placement.province, placement.country) {
            (Region::Inside, Some(province), _) => {
                self.provinces.insert(province);
            }
            (Region::Outside, _, Some(country)) => {
                self.countries.insert(country);
            }
            _ => {}
        }
        if placement.region == Region::Outside
            && self.datum == Datum::Unknown
            && !self.near_mainland
            && self.border_tests < BORDER_TESTS
        {
            self.border_tests += 1;
            self.near_mainland = near_mainland(wlat, wlon);
        }
        self.first[placement.region as usize].get_or_insert_with(|| location.clone());
        self.known = Some((lat, lon, placement.region));
        placement.region
    }

    /// Takes a position on the globe.
    pub(super) fn point(&mut self, point: Point, beside: &Beside<'_>, location: &Location) {
        let region = self.settle(point.lat, point.lon, location);
        self.push(point.lat, point.lon, region, point.precise, beside);
    }

    /// Takes plane coordinates.
    pub(super) fn plane(&mut self, x: f64, y: f64, beside: &Beside<'_>, location: &Location) {
        self.fractions += u64::from(x.fract() != 0.0 || y.fract() != 0.0);
        self.first[Region::Unknown as usize].get_or_insert_with(|| location.clone());
        self.push(y, x, Region::Unknown, false, beside);
    }

    fn push(&mut self, y: f64, x: f64, region: Region, precise: bool, beside: &Beside<'_>) {
        self.points += 1;
        self.moving |= beside.moving;
        self.place |= beside.place;
        self.sequenced |= beside.sequence.is_some();
        let frame = self.frame;
        let time = beside.time;
        if precise {
            self.precise[region as usize] += 1;
        }
        self.told |= self.points == TOLD && (self.entities.len() as u64) < TOLD / 4 && !self.entities.is_empty();
        if !self.told {
            self.pooled.push(y, x, time, region, precise, frame);
        }
        let Some((name, rank)) = beside.entity else { return };
        self.rank = Some(self.rank.map_or(rank, |r| r.min(rank)));
        let mut hasher = DefaultHasher::new();
        name.trim().hash(&mut hasher);
        let key = hasher.finish();
        if self.entities.len() < ENTITIES || self.entities.contains_key(&key) {
            self.entities.entry(key).or_default().push(y, x, time, region, precise, frame);
            return;
        }
        if self.spare.as_ref().is_none_or(|(k, _)| *k != key) {
            self.spill();
            self.spare = Some((key, Entity::default()));
        }
        if let Some((_, entity)) = &mut self.spare {
            entity.push(y, x, time, region, precise, frame);
        }
    }

    fn spill(&mut self) {
        if let Some((_, entity)) = self.spare.take() {
            self.spilled_entities += 1;
            if self.is_track(&entity) {
                count(&mut self.spilled, &entity);
                for (sum, n) in self.spilled_precise.iter_mut().zip(entity.precise) {
                    *sum += n;
                }
            }
        }
    }

    /// Takes the positions of one record together: a path travelled, or a shape.
    pub(super) fn path(&mut self, points: &[Point], beside: &Beside<'_>, path: bool, location: &Location) {
        let mut entity = Entity::default();
        for p in points {
            let region = self.settle(p.lat, p.lon, location);
            entity.push(p.lat, p.lon, None, region, p.precise, self.frame);
        }
        self.points += points.len() as u64;
        let steps = entity.moves.max(1) as f64;
        let travelled = (path || self.travelled) && (path || beside.time.is_some() || beside.entity.is_some());
        let near = entity.track.length_m / steps < 5_000.0 && entity.possible * 10 >= entity.moves * 8;
        if travelled
            && !beside.surface
            && !entity.closed(self.frame)
            && entity.track.points >= 2
            && entity.track.length_m > 20.0
            && near
        {
            count(&mut self.paths, &entity);
        } else {
            for (sum, n) in self.shapes.iter_mut().zip(entity.precise) {
                *sum += n;
            }
        }
    }

    /// Whether an entity's positions are its track.
    fn is_track(&self, e: &Entity) -> bool {
        let n = e.track.points;
        if n < 2 || e.track.length_m < if self.frame.global() { 20.0 } else { 1.0 } {
            return false;
        }
        let told = self.rank.is_some() || self.moving || self.sequenced;
        let of_places = (self.fixed || self.place) && !self.moving;
        let plane = !self.frame.global();
        if plane && (!told || self.fractions * 20 < self.points) {
            return false;
        }
        let steps = n - 1;
        if e.timed * 2 >= steps && e.timed > 0 {
            let gap = e.gaps_s / e.timed as f64;
            return e.possible * 10 >= e.moves * 7
                && (n >= 3 || told)
                && (!of_places || (n >= 5 && gap <= 600.0 && e.smooth * 2 >= e.turns));
        }
        if of_places || e.closed(self.frame) || e.possible * 10 < e.moves * 9 {
            return false;
        }
        let mean = e.track.length_m / e.moves.max(1) as f64;
        if plane {
            return n >= 5 && self.sequenced && mean <= 50.0 && e.smooth * 2 >= e.turns;
        }
        if told || self.travelled {
            n >= 5 && mean <= 2_000.0 && e.smooth * 2 >= e.turns && e.along_axis * 10 < e.moves * 8
        } else {
            n >= 20 && mean <= 1_000.0 && e.smooth * 10 >= e.turns * 7 && e.along_axis * 2 < e.moves
        }
    }

    /// Whether all positions together are the track of one entity that no column names.
    fn pooled_track(&self) -> bool {
        let e = &self.pooled;
        let gap = if e.timed > 0 { e.gaps_s / e.timed as f64 } else { 0.0 };
        self.is_track(e) && e.possible * 10 >= e.moves * 8 && (gap <= 3_600.0 || self.moving || self.travelled)
    }

    /// What the series comes to.
    pub(super) fn outcome(&mut self) -> Outcome {
        self.spill();
        let mut out = Outcome { timed: self.pooled.timed > 0, ..Outcome::default() };
        let distinct = self.entities.len() as u64 + self.spilled_entities;
        // A number for each row names rows; a VIN in each row is a list of vehicles.
        let rows =
            distinct == 0 || (!self.told && self.pooled.track.points < distinct * 2 && self.rank.is_none_or(|r| r > 2));
        let mut precise = self.precise;
        let take = |precise: &mut [u64; 3], of: [u64; 3]| {
            for (have, n) in precise.iter_mut().zip(of) {
                *have = have.saturating_sub(n);
            }
        };
        if rows {
            if self.pooled_track() {
                count(&mut out.tracks, &self.pooled);
                precise = [0; 3];
            }
        } else {
            // Sums of lengths must not depend on the order of a hash map.
            let order: BTreeMap<u64, &Entity> = self.entities.iter().map(|(k, e)| (*k, e)).collect();
            for entity in order.values() {
                if self.is_track(entity) {
                    count(&mut out.tracks, entity);
                    take(&mut precise, entity.precise);
                }
            }
            for (sum, spilled) in out.tracks.iter_mut().zip(&self.spilled) {
                sum.add(spilled);
            }
            take(&mut precise, self.spilled_precise);
        }
        for (i, sum) in out.tracks.iter_mut().enumerate() {
            sum.add(&self.paths[i]);
            out.loose[i] = precise[i] + self.shapes[i];
        }
        out
    }
}

fn count(sums: &mut [Sum; 3], entity: &Entity) {
    let t = &entity.track;
    sums[t.region() as usize].add(&Sum {
        tracks: 1,
        points: t.points,
        length_m: t.length_m,
        duration_s: t.duration_s(),
        extent: t.extent,
    });
}
