//! The detector of tracks: positions in the columns of tables, the keys of objects and the attributes of elements.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use yumen_kit_geo::{Datum, Region, ecef, place, track};
use yumen_model::finding::Prop;
use yumen_model::kind::kinds;
use yumen_model::{
    Batch, Cell, Detector, EvidenceHeader, EvidenceKind, Findings, KindId, KindSet, Location, RecordBatch, Session,
};

use super::columns::{Field, Role};
use super::headerless;
use super::series::{Beside, Frame, Outcome, Series, Sum};
use super::values::{Num, Point, cell_points, number, position, sequence};

/// Pairs of columns told apart in one stream; those beyond share the last place.
const MOST_SERIES: usize = 16;
/// Cells of one record that are looked at, arrays of coordinates apart.
const MOST_CELLS: usize = 4096;

const REGIONS: [Region; 3] = [Region::Inside, Region::Outside, Region::Unknown];

/// Finds `geo.track` in records: columns or keys of latitude and longitude (or plane coordinates in metres) whose positions follow each other
/// as something that moves would; each vehicle, device or trip that a column tells apart is a track. Positions in such columns that
/// are no track (lists of places, boundaries, grids) are `geo.point`.
///
/// A table of plane coordinates counts only with a header that names them and a time or frame number; `0, 0` fixes and fixes marked
/// invalid are left out.
pub struct TrackDetector;

impl Detector for TrackDetector {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::GEO_TRACK, kinds::GEO_POINT]
    }

    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>> {
        if header.kind != EvidenceKind::Records {
            return None;
        }
        let declared = ["datum", "crs", "srs"]
            .iter()
            .find_map(|k| header.properties.get(*k).and_then(Value::as_str))
            .and_then(Datum::declared);
        let datum = declared.unwrap_or_default();
        // Until names come there are none.
        Some(Box::new(TrackSession { datum, generic: true, ..TrackSession::default() }))
    }
}

/// What a table without telling headers has come to.
#[derive(Default)]
enum Bare {
    /// Rows are gathered: their values, and where each stands.
    #[default]
    Gathering,
    /// The columns' roles.
    Known(Vec<Role>),
    /// Not a table of positions.
    Nothing,
}

#[derive(Default)]
struct TrackSession {
    datum: Datum,
    names: Vec<String>,
    fields: Vec<Field>,
    generic: bool,
    series: Vec<(Frame, String, Series)>,
    bare: Bare,
    rows: Vec<Vec<String>>,
    places: Vec<Vec<Location>>,
    /// Time and entity of the last record that had no position: an object may hold its position in an object of its own.
    outer_time: Option<f64>,
    outer_entity: Option<(String, u8)>,
}

/// The place of a cell.
fn location(cell: &Cell) -> Location {
    Location {
        part: None,
        bytes: Some((cell.byte_start, cell.byte_end)),
        line: Some(cell.line),
        column: Some(u64::from(cell.column)),
    }
}

/// What one record holds, by index of its cells.
#[derive(Default)]
struct Gathered<'a> {
    lat: Vec<(&'a Field, &'a str, Location)>,
    lon: Vec<(&'a Field, &'a str)>,
    plane: Vec<(&'a Field, Option<f64>, Option<f64>, Location)>,
    ecef: [Option<f64>; 3],
    ecef_at: Option<Location>,
    ns: &'a str,
    ew: &'a str,
    time: Option<f64>,
    date: Option<f64>,
    sequence: Option<f64>,
    entity: Option<(&'a str, u8)>,
    moving: bool,
    place: bool,
    invalid: bool,
    surface: bool,
    crs: Option<Datum>,
    /// Runs of cells of one name that hold coordinates: the field and the cells.
    runs: Vec<(&'a Field, &'a [Cell])>,
}

impl TrackSession {
    fn learn(&mut self, names: &[String]) {
        if self.names != names {
            self.names = names.to_vec();
            self.fields = names.iter().map(|n| Field::of(n)).collect();
            self.generic = names.iter().all(|n| headerless::generic(n));
        }
    }

    fn series(&mut self, frame: Frame, stem: &str, field: &Field, crs: Option<Datum>) -> &mut Series {
        let at = match self.series.iter().position(|(f, s, _)| *f == frame && s == stem) {
            Some(at) => at,
            None if self.series.len() < MOST_SERIES => {
                let datum = field.datum.or(crs).unwrap_or(self.datum);
                self.series.push((frame, stem.to_owned(), Series::new(frame, datum, field.fixed, field.travelled)));
                self.series.len() - 1
            }
            None => self.series.len() - 1,
        };
        &mut self.series[at].2
    }

    fn record(&mut self, batch: &RecordBatch<'_>, cells: &[Cell]) {
        if self.generic {
            self.bare_record(batch, cells);
            return;
        }
        let fields = std::mem::take(&mut self.fields);
        self.named_record(batch, cells, &fields);
        self.fields = fields;
    }

    fn named_record(&mut self, batch: &RecordBatch<'_>, cells: &[Cell], fields: &[Field]) {
        let mut g = Gathered::default();
        let mut i = 0;
        let mut seen = 0;
        while let Some(cell) = cells.get(i) {
            i += 1;
            let Some(field) = fields.get(cell.name as usize) else { continue };
            if field.role == Role::Other {
                continue;
            }
            if matches!(field.role, Role::Pair(_) | Role::Path | Role::XyArray) {
                let from = i - 1;
                while cells.get(i).is_some_and(|c| c.name == cell.name) {
                    i += 1;
                }
                g.runs.push((field, &cells[from..i]));
                continue;
            }
            seen += 1;
            if seen <= MOST_CELLS {
                g.take(field, batch.value(cell), cell);
            }
        }
        self.settle(&g, batch);
    }

    fn settle(&mut self, g: &Gathered<'_>, batch: &RecordBatch<'_>) {
        let time = match (g.date, g.time) {
            (Some(day), Some(clock)) if clock < 90_000.0 => Some(day + clock),
            (_, Some(time)) => Some(time),
            (day, None) => day,
        };
        let has_position = !g.lat.is_empty() || !g.runs.is_empty() || !g.plane.is_empty() || g.ecef_at.is_some();
        if !has_position {
            self.outer_time = time.or(self.outer_time);
            if let Some((value, rank)) = g.entity {
                self.outer_entity = Some((value.to_owned(), rank));
            }
            return;
        }
        if g.invalid {
            return;
        }
        let outer = self.outer_entity.take();
        let beside = Beside {
            time: time.or(self.outer_time),
            sequence: g.sequence,
            entity: g.entity.or(outer.as_ref().map(|(v, r)| (v.as_str(), *r))),
            moving: g.moving,
            place: g.place,
            surface: g.surface,
        };
        for (field, lat, at) in &g.lat {
            let partner = g.lon.iter().find(|(f, _)| f.stem == field.stem);
            let partner = partner.or(if g.lat.len() == 1 && g.lon.len() == 1 { g.lon.first() } else { None });
            if let Some((_, lon)) = partner
                && let Some(point) = position(lat, lon, g.ns, g.ew)
            {
                self.series(Frame::Geodetic, &field.stem, field, g.crs).point(point, &beside, at);
            }
        }
        for (field, cells) in &g.runs {
            self.run(field, cells, batch, &beside, g.crs);
        }
        if let ([Some(x), Some(y), Some(z)], Some(at)) = (g.ecef, &g.ecef_at)
            && let Some((lat, lon)) = ecef::to_geodetic(x, y, z)
        {
            let point = Point { lat, lon, precise: true };
            let field = Field::of("ecef_x");
            self.series(Frame::Ecef, "ecef", &field, None).point(point, &beside, at);
        }
        for (field, x, y, at) in &g.plane {
            if let (Some(x), Some(y)) = (x, y) {
                let frame = if field.projected { Frame::Projected } else { Frame::Local };
                self.series(frame, &field.stem, field, None).plane(*x, *y, &beside, at);
            }
        }
        self.outer_entity = outer;
    }

    /// Coordinates in cells of one name: one cell that holds a pair or a path, or an array of numbers.
    fn run(&mut self, field: &Field, cells: &[Cell], batch: &RecordBatch<'_>, beside: &Beside<'_>, crs: Option<Datum>) {
        let Some(first) = cells.first() else { return };
        let at = location(first);
        let lat_first = if let Role::Pair(order) = field.role { order } else { Some(false) };
        let mut beside = *beside;
        if field.role == Role::XyArray {
            let values: Vec<f64> =
                cells.iter().take(3).filter_map(|c| number(batch.value(c))).map(|n| n.value).collect();
            if let ([x, y] | [x, y, _], true) = (&values[..], cells.len() <= 3) {
                self.series(Frame::Local, &field.stem, field, None).plane(*x, *y, &beside, &at);
            }
            return;
        }
        let points = if cells.len() == 1 {
            let (points, surface) = cell_points(batch.value(first), lat_first);
            beside.surface |= surface;
            points
        } else {
            let numbers: Option<Vec<Num>> = cells.iter().map(|c| number(batch.value(c))).collect();
            match numbers {
                Some(numbers) => sequence(&numbers, lat_first),
                // Several cells, each a pair.
                None => cells.iter().flat_map(|c| cell_points(batch.value(c), lat_first).0).collect(),
            }
        };
        // Numbers of a field that is not surely of positions are believed only when all are fine and inside.
        let region = |p: &Point| place(p.lat, p.lon).region;
        let believed = if field.sure {
            points.iter().any(|p| p.precise && region(p) != Region::Unknown)
        } else {
            !points.is_empty() && points.iter().all(|p| p.precise && region(p) == Region::Inside)
        };
        if !believed {
            return;
        }
        let series = self.series(Frame::Geodetic, &field.stem, field, crs);
        match &points[..] {
            [point] => series.point(*point, &beside, &at),
            points => series.path(points, &beside, field.role == Role::Path, &at),
        }
    }

    fn bare_record(&mut self, batch: &RecordBatch<'_>, cells: &[Cell]) {
        if cells.len() < 2 || cells.windows(2).any(|w| w[0].column_index >= w[1].column_index) {
            return;
        }
        match &self.bare {
            Bare::Nothing => {}
            Bare::Known(_) => {
                let values: Vec<&str> = cells.iter().map(|c| batch.value(c)).collect();
                let at = cells.first().map(location).unwrap_or_default();
                self.bare_row(&values, &at);
            }
            Bare::Gathering => {
                let short = |v: &str| v.chars().take(64).collect::<String>();
                let cells = cells.iter().take(headerless::COLUMNS);
                self.rows.push(cells.clone().map(|c| short(batch.value(c))).collect());
                self.places.push(cells.map(location).collect());
                if self.rows.len() >= headerless::SAMPLE {
                    self.decide();
                }
            }
        }
    }

    /// Names the columns by the rows gathered, then takes those rows.
    fn decide(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let places = std::mem::take(&mut self.places);
        self.bare = headerless::roles(&rows).map_or(Bare::Nothing, Bare::Known);
        for (row, places) in rows.iter().zip(&places) {
            let values: Vec<&str> = row.iter().map(String::as_str).collect();
            self.bare_row(&values, places.first().unwrap_or(&Location::default()));
        }
    }

    fn bare_row(&mut self, values: &[&str], at: &Location) {
        let Bare::Known(roles) = &self.bare else { return };
        let by = |wanted: fn(&Role) -> bool| roles.iter().position(wanted).and_then(|i| values.get(i)).copied();
        let lat = by(|r| *r == Role::Lat);
        let lon = by(|r| *r == Role::Lon);
        let time = by(|r| matches!(r, Role::Time(_))).and_then(|v| super::time::seconds(v, None));
        let entity = by(|r| matches!(r, Role::Entity(_))).map(|v| (v, 6));
        let (Some(lat), Some(lon)) = (lat, lon) else { return };
        if let Some(point) = position(lat, lon, "", "") {
            let field = Field::of("");
            let beside = Beside { time, entity, ..Beside::default() };
            self.series(Frame::Geodetic, "", &field, None).point(point, &beside, at);
        }
    }
}

impl<'a> Gathered<'a> {
    fn take(&mut self, field: &'a Field, value: &'a str, cell: &Cell) {
        match field.role {
            Role::Lat => self.lat.push((field, value, location(cell))),
            Role::Lon => self.lon.push((field, value)),
            Role::LatHemisphere => self.ns = value,
            Role::LonHemisphere => self.ew = value,
            Role::X => {
                if let Some(n) = number(value) {
                    self.plane.push((field, Some(n.value), None, location(cell)));
                }
            }
            Role::Y => {
                if let Some(entry) = self.plane.iter_mut().find(|(f, _, y, _)| f.stem == field.stem && y.is_none()) {
                    entry.2 = number(value).map(|n| n.value);
                }
            }
            Role::Ecef(axis) => {
                self.ecef[usize::from(axis.min(2))] = number(value).map(|n| n.value);
                self.ecef_at.get_or_insert_with(|| location(cell));
            }
            Role::Time(unit) => {
                if self.time.is_none() {
                    self.time = super::time::seconds(value, unit);
                }
            }
            Role::Date => self.date = super::time::seconds(value, None),
            Role::Sequence => self.sequence = number(value).map(|n| n.value),
            Role::Entity(rank) => {
                if !value.trim().is_empty() && self.entity.is_none_or(|(_, r)| rank < r) {
                    self.entity = Some((value, rank));
                }
            }
            Role::Motion => self.moving |= !value.trim().is_empty(),
            Role::Place => self.place |= !value.trim().is_empty(),
            Role::Valid => {
                let v = value.trim().to_ascii_lowercase();
                self.invalid |= matches!(v.as_str(), "0" | "false" | "no" | "n" | "v" | "invalid" | "无效");
            }
            Role::Crs => self.crs = Datum::declared(value).or(self.crs),
            Role::GeometryType => self.surface |= value.contains("Polygon"),
            Role::Pair(_) | Role::Path | Role::XyArray | Role::Other => {}
        }
    }
}

impl Session for TrackSession {
    fn feed(&mut self, batch: &Batch<'_>, _: &mut Findings) {
        let Batch::Records(batch) = batch else { return };
        self.learn(&batch.names);
        for cells in batch.rows() {
            self.record(batch, cells);
        }
    }

    fn finish(mut self: Box<Self>, out: &mut Findings) {
        if matches!(self.bare, Bare::Gathering) && !self.rows.is_empty() {
            self.decide();
        }
        let bare = matches!(self.bare, Bare::Known(_));
        let mut outcomes: Vec<(Series, Outcome)> = Vec::new();
        for (_, _, mut series) in self.series {
            let outcome = series.outcome();
            outcomes.push((series, outcome));
        }
        drop_copies(&mut outcomes);
        for (frame, region) in [Frame::Geodetic, Frame::Ecef, Frame::Projected, Frame::Local]
            .iter()
            .flat_map(|f| REGIONS.iter().map(move |r| (*f, *r)))
        {
            let of_frame: Vec<&(Series, Outcome)> = outcomes.iter().filter(|(s, _)| s.frame == frame).collect();
            report(&of_frame, frame, region, bare, out);
        }
    }
}

/// One position in two datums side by side is one track: of series with as many positions and declared datums the first by datum stays.
fn drop_copies(outcomes: &mut Vec<(Series, Outcome)>) {
    let declared = |s: &Series| s.datum != Datum::Unknown && s.frame == Frame::Geodetic;
    let best = outcomes.iter().filter(|(s, _)| declared(s)).map(|(s, _)| (s.datum, s.points)).min_by_key(|(d, _)| *d);
    if let Some((datum, points)) = best {
        outcomes.retain(|(s, _)| !declared(s) || s.datum == datum || s.points != points);
    }
}

fn report(outcomes: &[&(Series, Outcome)], frame: Frame, region: Region, bare: bool, out: &mut Findings) {
    let i = region as usize;
    let mut sum = Sum::default();
    let mut loose = 0;
    let mut timed = false;
    let mut parts: [Vec<&Series>; 2] = [Vec::new(), Vec::new()];
    for (series, outcome) in outcomes {
        if outcome.tracks[i].tracks > 0 {
            sum.add(&outcome.tracks[i]);
            timed |= outcome.timed;
            parts[0].push(series);
        }
        if outcome.loose[i] > 0 {
            loose += outcome.loose[i];
            parts[1].push(series);
        }
    }
    let sure = if bare { 0.85 } else { 1.0 };
    if sum.tracks > 0 {
        let mut properties = shared(&parts[0], frame, region);
        properties.insert("points", json!(sum.points));
        properties.insert("length_km", json!((sum.length_m).round() / 1e3));
        if timed {
            properties.insert("duration_s", json!((sum.duration_s * 1e3).round() / 1e3));
        }
        if frame == Frame::Geodetic || frame == Frame::Ecef {
            properties.insert("extent", json!(track::rounded(sum.extent)));
        }
        let confidence = sure * if timed { 0.95 } else { 0.8 };
        let distinct = vec![("frame", Prop::from(frame.name())), ("region", Prop::from(region.name()))];
        out.summary(kinds::GEO_TRACK, distinct, sum.tracks, confidence, first_place(&parts[0], i), properties);
        out.record(&[], KindSet::of(&[kinds::GEO_TRACK]));
    }
    if loose > 0 {
        let mut properties = shared(&parts[1], frame, region);
        properties.remove("frame");
        let distinct = vec![("region", Prop::from(region.name()))];
        out.summary(kinds::GEO_POINT, distinct, loose, sure * 0.9, first_place(&parts[1], i), properties);
    }
}

/// What several series tell together.
fn shared(series: &[&Series], frame: Frame, region: Region) -> BTreeMap<&'static str, Value> {
    let mut properties = BTreeMap::new();
    if frame == Frame::Geodetic || frame == Frame::Ecef {
        let datums: BTreeSet<Datum> =
            series.iter().map(|s| if frame == Frame::Ecef { Datum::Wgs84 } else { s.datum }).collect();
        let datum = if datums.len() == 1 { datums.first().copied().unwrap_or_default() } else { Datum::Unknown };
        properties.insert("datum", json!(datum.name()));
    }
    let list = |of: fn(&Series) -> &BTreeSet<&'static str>| -> BTreeSet<&'static str> {
        series.iter().flat_map(|s| of(s).iter().copied()).collect()
    };
    match region {
        Region::Inside => {
            properties.insert("provinces", json!(list(|s| &s.provinces)));
        }
        Region::Outside => {
            properties.insert("countries", json!(list(|s| &s.countries)));
            if series.iter().any(|s| s.near_mainland) {
                properties.insert("near_mainland", json!(true));
            }
        }
        Region::Unknown => {}
    }
    properties
}

fn first_place(series: &[&Series], region: usize) -> Location {
    let first = series.iter().filter_map(|s| s.first[region].clone()).min();
    first.or_else(|| series.iter().flat_map(|s| s.first.iter().flatten().cloned()).min()).unwrap_or_default()
}

#[cfg(test)]
#[path = "track_tests.rs"]
mod tests;
