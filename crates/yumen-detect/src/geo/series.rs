//! Positions of one pair of columns, told apart by entity, and the decision whether they are tracks. Bounded state, in stream order.

use std::collections::hash_map::{DefaultHasher, HashMap};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use yumen_kit_geo::outline::Path;
use yumen_kit_geo::{Crs, Datum, DatumFrom, Frame, Region, Track, near_mainland, place, track};
use yumen_model::{Findings, Location};

use super::values::Point;

/// Entities kept apart at once. Of further ones only the current is, which is exact for tables that are sorted by entity.
const ENTITIES: usize = 10_000;
/// After so many positions with few entities the table is surely told apart by them, and is no longer read as of one entity.
const TOLD: u64 = 4_096;
/// Cells near the border whose answer is kept.
const BORDER_CELLS: usize = 4_096;
/// Fixes of a source's stream that are a track even when nothing moved: so many, or so many seconds.
const STANDING: (u64, f64) = (10, 60.0);
/// Metres and seconds beyond which nothing is meant.
const FURTHEST: f64 = 1e12;
/// Tracks whose outline is kept, and vertices of all of them.
const OUTLINES: usize = 32;
const VERTICES: usize = 256;

/// What stands beside a position in its record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside<'a> {
    pub(super) time: Option<f64>,
    pub(super) sequence: Option<f64>,
    /// Value and rank of what tells entities apart.
    pub(super) entity: Option<(&'a str, u8)>,
    /// The number of the entity, where the source counts them.
    pub(super) key: Option<u64>,
    pub(super) moving: bool,
    /// A height stands beside it.
    pub(super) vertical: bool,
    pub(super) place: bool,
    /// The position was left out of the fix count as invalid.
    pub(super) surface: bool,
}

/// A position on its way into a track.
#[derive(Clone, Copy, Debug)]
struct At {
    y: f64,
    x: f64,
    time: Option<f64>,
    region: Region,
    area: Option<&'static str>,
    precise: bool,
}

/// One entity's positions in stream order.
#[derive(Clone, Debug, Default)]
struct Entity {
    track: Track,
    path: Path,
    /// A position that lies further from the last than anything moves. The next one tells whether it was a mistake.
    pending: Option<At>,
    dropped: u64,
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

/// The distance from one position to the next in metres, with its parts in the units of the coordinates.
fn step(from: Option<(f64, f64)>, (y, x): (f64, f64), global: bool) -> (f64, f64, f64) {
    let (dy, dx) = from.map_or((0.0, 0.0), |(py, px)| (y - py, x - px));
    // The length of a degree of longitude against one of latitude.
    let scale = if global && dx != 0.0 { y.to_radians().cos() } else { 1.0 };
    let step = match from {
        None => 0.0,
        Some(_) if !global => dy.hypot(dx),
        // On steps this short the plane differs from the sphere by less than a thousandth of a per cent.
        Some((py, _)) if dy.abs() < 0.01 && dx.abs() < 0.01 && py.abs() < 85.0 => {
            (dy.hypot(dx * scale)).to_radians() * yumen_kit_geo::EARTH_RADIUS_M
        }
        Some(last) => yumen_kit_geo::distance_m(last, (y, x)),
    };
    (step, dy, dx * scale)
}

/// Whether nothing on the road, on rails or in the air goes so far in the time.
fn is_jump(step: f64, gap: Option<f64>) -> bool {
    step > 1_000.0
        && match gap {
            Some(gap) if gap > 0.0 => step / gap > 400.0,
            _ => step > 50_000.0,
        }
}

impl Entity {
    /// Takes a position; gives back one that proved to be a mistake of the receiver: far away, and the next was back.
    fn push(&mut self, at: At, global: bool) -> Option<At> {
        let gap = |since: Option<f64>| at.time.zip(since).map(|(t, l)| (t - l).abs());
        let jump =
            |from: Option<(f64, f64)>, since: Option<f64>| is_jump(step(from, (at.y, at.x), global).0, gap(since));
        let mut mistake = None;
        if let Some(pending) = self.pending.take() {
            let back = !jump(self.last, self.last_time) && jump(Some((pending.y, pending.x)), pending.time);
            if back && (self.dropped + 1) * 10 <= self.track.points {
                self.dropped += 1;
                self.moves += 2;
                mistake = Some(pending);
            } else {
                self.take(pending, global);
            }
        }
        if jump(self.last, self.last_time) {
            self.pending = Some(at);
        } else {
            self.take(at, global);
        }
        mistake
    }

    /// No more is to come.
    fn flush(&mut self, global: bool) {
        if let Some(pending) = self.pending.take() {
            self.take(pending, global);
        }
    }

    fn take(&mut self, At { y, x, time, region, precise, .. }: At, global: bool) {
        let (step, dy, dx) = step(self.last, (y, x), global);
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
            self.along_axis += u64::from(dy == 0.0 || dx == 0.0);
            if let Some((ly, lx)) = self.last_step {
                let dot = (dy * ly + dx * lx) / (dy.hypot(dx) * ly.hypot(lx));
                self.turns += 1;
                self.smooth += u64::from(dot >= 0.5);
            }
            self.last_step = Some((dy, dx));
        }
        self.track.count(y, x, time, region, step);
        if global {
            self.path.add(y, x);
        }
        self.last = Some((y, x));
        if time.is_some() {
            self.last_time = time;
        }
        if precise {
            self.precise[region as usize] += 1;
        }
    }

    fn closed(&self, global: bool) -> bool {
        if global { self.track.closed() } else { self.track.points > 3 && self.track.ends.is_some_and(|(a, b)| a == b) }
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
    /// Steps with a time, and the time they took.
    pub(super) timed: u64,
    pub(super) gaps_s: f64,
    /// The longest tracks: their length and path.
    pub(super) paths: Vec<(f64, Path)>,
}

impl Default for Sum {
    fn default() -> Self {
        Sum {
            tracks: 0,
            points: 0,
            length_m: 0.0,
            duration_s: 0.0,
            extent: Track::default().extent,
            timed: 0,
            gaps_s: 0.0,
            paths: Vec::new(),
        }
    }
}

impl Sum {
    pub(super) fn add(&mut self, other: &Sum) {
        self.tracks += other.tracks;
        self.points += other.points;
        self.length_m += other.length_m;
        self.duration_s += other.duration_s;
        self.extent = track::union(self.extent, other.extent);
        self.timed += other.timed;
        self.gaps_s += other.gaps_s;
        for (length, path) in &other.paths {
            self.add_path(*length, path);
        }
    }

    /// Keeps the longest paths; of equal ones the first.
    fn add_path(&mut self, length: f64, path: &Path) {
        let at = self.paths.partition_point(|(l, _)| *l >= length);
        if at < OUTLINES {
            self.paths.insert(at, (length, path.clone()));
            self.paths.truncate(OUTLINES);
        }
    }

    /// Their outlines: degrees, rounded to hundredths.
    pub(super) fn outline(&self) -> Vec<Vec<[f64; 2]>> {
        let each = VERTICES / self.paths.len().max(1);
        let degrees = |(x, y): (i16, i16)| [f64::from(x) / 100.0, f64::from(y) / 100.0];
        let lines = self.paths.iter().map(|(_, p)| p.simplified(each).into_iter().map(degrees).collect::<Vec<_>>());
        lines.filter(|l| !l.is_empty()).collect()
    }
}

/// The positions of one pair of columns.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) frame: Frame,
    /// Its positions are on the globe, in degrees once read.
    pub(super) global: bool,
    pub(super) datum: Datum,
    pub(super) datum_from: DatumFrom,
    /// The EPSG code that was declared.
    pub(super) code: Option<u32>,
    /// Positions of one source in the order of time, told by the format and not by names of columns.
    pub(super) trusted: bool,
    pub(super) vertical: bool,
    /// Plane coordinates read as degrees, until the whole table tells whether they are.
    pub(super) supposed: bool,
    /// Least and greatest x and y.
    reach: [f64; 4],
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
    /// Positions by province (inside) and country (outside).
    areas: BTreeMap<(Region, &'static str), u64>,
    pub(super) near_mainland: bool,
    /// Cells of a five-hundredth of a degree, and whether they are near the mainland.
    border: HashMap<(i64, i64), bool>,
    /// The first place of each region.
    pub(super) first: [Option<Location>; 3],
    /// Kept so that one position's place is not looked up anew while the vehicle stands.
    known: Option<(f64, f64, Region, Option<&'static str>)>,
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
            global: matches!(frame, Frame::Geodetic | Frame::Ecef),
            datum,
            datum_from: if datum == Datum::Unknown { DatumFrom::Unknown } else { DatumFrom::Declared },
            code: None,
            trusted: false,
            vertical: false,
            supposed: false,
            reach: [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY],
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
            areas: BTreeMap::new(),
            near_mainland: false,
            border: HashMap::new(),
            first: [None, None, None],
            known: None,
        }
    }

    /// A series in a declared system, whose positions are brought to the globe by it where they can be.
    pub(super) fn of(crs: &Crs) -> Self {
        let datum_from = crs.datum_from();
        let series = Series::new(crs.frame(), crs.datum(), false, false);
        Series { global: crs.places(), datum_from, code: crs.code(), ..series }
    }

    /// Whether the mainland is so near that a shift of the datum could have moved a position out of it. Told by cells, so that it is told fast.
    fn near(&mut self, lat: f64, lon: f64) -> bool {
        // Degrees by 500 are far from the ends of the type.
        #[allow(clippy::cast_possible_truncation)]
        let cell = ((lat * 500.0).round() as i64, (lon * 500.0).round() as i64);
        if let Some(near) = self.border.get(&cell) {
            return *near;
        }
        let near = near_mainland(cell.0 as f64 / 500.0, cell.1 as f64 / 500.0);
        if self.border.len() >= BORDER_CELLS {
            self.border.clear();
        }
        self.border.insert(cell, near);
        near
    }

    /// Places a position. Near the border a position outside whose datum nobody tells could as well be inside: its region is unknown.
    fn settle(&mut self, lat: f64, lon: f64, location: &Location) -> (Region, Option<&'static str>) {
        if let Some((a, o, region, area)) = self.known
            && a == lat
            && o == lon
        {
            return (region, area);
        }
        let (wlat, wlon) = self.datum.to_wgs84(lat, lon);
        let placement = place(wlat, wlon);
        let (mut region, mut area) = match placement.region {
            Region::Inside => (Region::Inside, placement.province),
            Region::Outside => (Region::Outside, placement.country),
            Region::Unknown => (Region::Unknown, None),
        };
        if region == Region::Outside && self.datum == Datum::Unknown && self.near(wlat, wlon) {
            self.near_mainland = true;
            (region, area) = (Region::Unknown, None);
        }
        self.first[region as usize].get_or_insert_with(|| location.clone());
        self.known = Some((lat, lon, region, area));
        (region, area)
    }

    /// Positions inside the mainland so far.
    pub(super) fn inside(&self) -> u64 {
        self.areas.iter().filter(|((region, _), _)| *region == Region::Inside).map(|(_, n)| *n).sum()
    }

    /// Provinces (inside) or countries (outside) of its positions.
    pub(super) fn areas(&self, region: Region) -> BTreeSet<&'static str> {
        self.areas.iter().filter(|((r, _), n)| *r == region && **n > 0).map(|((_, a), _)| *a).collect()
    }

    /// Tells of a position to whoever watches areas.
    pub(super) fn watch(&self, point: &Point, location: &Location, out: &mut Findings) {
        let (lat, lon) = self.datum.to_wgs84(point.lat, point.lon);
        out.position(lat, lon, || location.clone());
    }

    /// Takes a position on the globe.
    pub(super) fn point(&mut self, point: Point, beside: &Beside<'_>, location: &Location, out: &mut Findings) {
        if !self.supposed {
            self.watch(&point, location, out);
        }
        let (region, area) = self.settle(point.lat, point.lon, location);
        let at = At { y: point.lat, x: point.lon, time: beside.time, region, area, precise: point.precise };
        self.push(at, beside);
    }

    /// Takes plane coordinates.
    pub(super) fn plane(&mut self, x: f64, y: f64, beside: &Beside<'_>, location: &Location) {
        if !(x.abs() < FURTHEST && y.abs() < FURTHEST) {
            return;
        }
        self.fractions += u64::from(x.fract() != 0.0 || y.fract() != 0.0);
        self.first[Region::Unknown as usize].get_or_insert_with(|| location.clone());
        // Coordinates of a projection that nobody names are places all the same.
        let precise = self.frame == Frame::Projected && x.abs().max(y.abs()) >= 100_000.0;
        self.push(At { y, x, time: beside.time, region: Region::Unknown, area: None, precise }, beside);
    }

    /// Whether a table's plane coordinates must be degrees: nearly all of them are on land if they are, and as metres they would lie within a
    /// pace of each other.
    pub(super) fn in_degrees(&self, supposed: &Series) -> bool {
        let [west, south, east, north] = self.reach;
        let span = (east - west).max(north - south);
        let land: u64 = supposed.areas.values().sum();
        self.points >= 5
            && supposed.points == self.points
            && supposed.precise.iter().sum::<u64>() * 10 >= self.points * 8
            && land * 10 >= self.points * 9
            && (1e-5..2.0).contains(&span)
            && west.abs().max(south.abs()) > 5.0 * span
    }

    fn area(&mut self, at: &At) {
        if let Some(area) = at.area {
            *self.areas.entry((at.region, area)).or_default() += 1;
        }
    }

    fn push(&mut self, mut at: At, beside: &Beside<'_>) {
        at.time = at.time.filter(|t| t.abs() < FURTHEST);
        self.points += 1;
        let [w, s, e, n] = self.reach;
        self.reach = [w.min(at.x), s.min(at.y), e.max(at.x), n.max(at.y)];
        self.moving |= beside.moving;
        self.place |= beside.place;
        self.vertical |= beside.vertical;
        self.sequenced |= beside.sequence.is_some();
        self.area(&at);
        let global = self.global;
        if at.precise {
            self.precise[at.region as usize] += 1;
        }
        self.told |= self.trusted
            || (self.points == TOLD && (self.entities.len() as u64) < TOLD / 4 && !self.entities.is_empty());
        let mut mistake = None;
        if !self.told {
            mistake = self.pooled.push(at, global);
        }
        let key = beside.key.or_else(|| {
            let (name, rank) = beside.entity?;
            self.rank = Some(self.rank.map_or(rank, |r| r.min(rank)));
            let mut hasher = DefaultHasher::new();
            name.trim().hash(&mut hasher);
            Some(hasher.finish())
        });
        if let Some(key) = key {
            mistake = self.push_entity(key, at);
        }
        // What a receiver got wrong is nowhere.
        if let Some(wrong) = mistake {
            self.points -= 1;
            if wrong.precise {
                self.precise[wrong.region as usize] -= 1;
            }
            if let Some(n) = wrong.area.and_then(|a| self.areas.get_mut(&(wrong.region, a))) {
                *n = n.saturating_sub(1);
            }
        }
    }

    fn push_entity(&mut self, key: u64, at: At) -> Option<At> {
        let global = self.global;
        if self.entities.len() < ENTITIES || self.entities.contains_key(&key) {
            return self.entities.entry(key).or_default().push(at, global);
        }
        if self.spare.as_ref().is_none_or(|(k, _)| *k != key) {
            self.spill();
            self.spare = Some((key, Entity::default()));
        }
        self.spare.as_mut().and_then(|(_, entity)| entity.push(at, global))
    }

    fn spill(&mut self) {
        if let Some((_, mut entity)) = self.spare.take() {
            entity.flush(self.global);
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
            let (region, area) = self.settle(p.lat, p.lon, location);
            let at = At { y: p.lat, x: p.lon, time: None, region, area, precise: p.precise };
            self.area(&at);
            entity.take(at, self.global);
        }
        self.points += points.len() as u64;
        let steps = entity.moves.max(1) as f64;
        let travelled = (path || self.travelled) && (path || beside.time.is_some() || beside.entity.is_some());
        let near = entity.track.length_m / steps < 5_000.0 && entity.possible * 10 >= entity.moves * 8;
        if travelled
            && !beside.surface
            && !entity.closed(self.global)
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
        let still = e.track.length_m < if self.global { 20.0 } else { 1.0 };
        if n < 2 {
            return false;
        }
        if self.trusted || still {
            // Fixes of a source follow each other in time: they are a track as soon as they moved, and a track of no length where the vehicle stood
            // all the while. In a table only a column that names vehicles makes standing positions more than a place.
            let vehicle = self.trusted || (self.rank.is_some_and(|r| r <= 1) && e.timed > 0 && !self.place);
            return (self.trusted && !still) || (vehicle && (n >= STANDING.0 || e.track.duration_s() > STANDING.1));
        }
        // `easting` and `东坐标` name positions as `x` does not.
        let told = self.rank.is_some() || self.moving || self.sequenced || self.frame == Frame::Projected;
        let of_places = (self.fixed || self.place) && !self.moving;
        let plane = !self.global;
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
        if of_places || e.closed(self.global) || e.possible * 10 < e.moves * 9 {
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

    /// Whether there were more entities than are kept apart: their number is then exact only if the stream was sorted by them.
    pub(super) fn capped(&self) -> bool {
        self.spilled_entities > 0
    }

    /// What the series comes to.
    pub(super) fn outcome(&mut self) -> Outcome {
        self.spill();
        let global = self.global;
        self.pooled.flush(global);
        self.entities.values_mut().for_each(|e| e.flush(global));
        let mut out = Outcome::default();
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
            out.timed |= sum.timed > 0;
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
        timed: entity.timed,
        gaps_s: entity.gaps_s,
        paths: vec![(t.length_m, entity.path.clone())],
    });
}
