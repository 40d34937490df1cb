//! The detector of tracks: positions in the columns of tables, the keys of objects and the attributes of elements.

use serde_json::Value;
use yumen_kit_geo::{Crs, Datum, DatumFrom, Frame, Region, ecef, place, plausible};
use yumen_model::kind::kinds;
use yumen_model::{
    Batch, Cell, Detector, EvidenceHeader, EvidenceKind, Findings, KindId, Location, RecordBatch, Session,
};

use super::columns::{Field, Role};
use super::gathered::{Gathered, location};
use super::headerless;
use super::report::{drop_copies, report_all};
use super::series::{Beside, Outcome, Series};
use super::values::{Num, Point, cell_points, hex_geometry, number, position, sequence};

/// Pairs of columns told apart in one stream; those beyond share the last place.
const MOST_SERIES: usize = 16;
/// Cells of one record that are looked at, arrays of coordinates apart.
const MOST_CELLS: usize = 4096;

/// Ends the name of a series of plane coordinates that are read as degrees for a trial.
const SUPPOSED: char = '°';

/// Of plane coordinates and their trial as degrees only one stays.
fn settle_degrees(series: &mut Vec<(Frame, String, Series)>) {
    let planes = series.iter().enumerate().filter(|(_, (_, _, s))| !s.supposed && !s.global);
    let pairs: Vec<(usize, usize)> = planes
        .filter_map(|(i, (_, stem, _))| {
            let trial = |(_, t, s): &(Frame, String, Series)| s.supposed && t.strip_suffix(SUPPOSED) == Some(stem);
            Some((i, series.iter().position(trial)?))
        })
        .collect();
    let mut dropped: Vec<usize> =
        series.iter().enumerate().filter(|(_, (_, _, s))| s.supposed).map(|(i, _)| i).collect();
    for (plane, trial) in pairs {
        if series[plane].2.in_degrees(&series[trial].2) {
            dropped.retain(|i| *i != trial);
            dropped.push(plane);
        }
    }
    let mut at = 0;
    series.retain(|_| {
        at += 1;
        !dropped.contains(&(at - 1))
    });
}

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
        if header.kind != EvidenceKind::Records || header.is_names() {
            return None;
        }
        let declared = ["crs", "srs", "datum"]
            .iter()
            .find_map(|k| header.properties.get(*k).and_then(Value::as_str))
            .map(Crs::parse)
            .filter(|c| *c != Crs::UNKNOWN);
        // Until names come there are none.
        Some(Box::new(TrackSession { declared, generic: true, ..TrackSession::default() }))
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
    /// The system that the header declares.
    declared: Option<Crs>,
    names: Vec<String>,
    fields: Vec<Field>,
    generic: bool,
    series: Vec<(Frame, String, Series)>,
    bare: Bare,
    rows: Vec<Vec<String>>,
    places: Vec<Vec<Location>>,
    /// Objects may hold their position in an object of its own. Whether such inner objects come first in this stream, as the first position tells.
    inner_first: Option<bool>,
    /// If so, the position that waits for the object around it.
    held: Option<Held>,
    /// If not, time and entity of the last record that had no position.
    outer_time: Option<f64>,
    outer_entity: Option<(String, u8)>,
}

/// A position on its way to a series.
struct Put {
    series: usize,
    what: What,
    at: Location,
}

enum What {
    /// Degrees.
    Globe(Point),
    /// x and y in metres.
    Plane(f64, f64),
}

/// A record whose position waits for the object around it.
struct Held {
    puts: Vec<Put>,
    sequence: Option<f64>,
    moving: bool,
    place: bool,
    vertical: bool,
}

impl TrackSession {
    fn learn(&mut self, names: &[String]) {
        if self.names != names {
            self.names = names.to_vec();
            self.fields = names.iter().map(|n| Field::of(n)).collect();
            self.generic = names.iter().all(|n| headerless::generic(n));
        }
    }

    /// The number of the series that a field's positions belong to.
    fn series(&mut self, frame: Frame, stem: &str, field: &Field, crs: Option<Crs>) -> usize {
        match self.series.iter().position(|(f, s, _)| *f == frame && s == stem) {
            Some(at) => at,
            None if self.series.len() < MOST_SERIES => {
                let series = self.new_series(frame, field, crs);
                self.series.push((frame, stem.to_owned(), series));
                self.series.len() - 1
            }
            None => self.series.len() - 1,
        }
    }

    /// A series whose system is what the field's name, the record or the header declares.
    fn new_series(&self, frame: Frame, field: &Field, crs: Option<Crs>) -> Series {
        let named = field.datum.map(Crs::on);
        let system = [named, crs, self.declared].into_iter().flatten().find(|c| c.frame() == frame && c.places());
        let mut series = system.map_or_else(|| Series::new(frame, Datum::Unknown, false, false), |c| Series::of(&c));
        if frame == Frame::Ecef {
            series.datum = Datum::Wgs84;
            series.datum_from = DatumFrom::Declared;
        }
        (series.fixed, series.travelled) = (field.fixed, field.travelled);
        series
    }

    fn put(&mut self, puts: &[Put], beside: &Beside<'_>, out: &mut Findings) {
        for put in puts {
            if let Some((_, _, series)) = self.series.get_mut(put.series) {
                match put.what {
                    What::Globe(point) => series.point(point, beside, &put.at, out),
                    What::Plane(x, y) => series.plane(x, y, beside, &put.at),
                }
            }
        }
    }

    /// Lets the held record go, with time and entity of the object around it.
    fn release(&mut self, time: Option<f64>, entity: Option<(&str, u8)>, moving: bool, out: &mut Findings) {
        if let Some(held) = self.held.take() {
            let beside = Beside {
                time,
                entity,
                sequence: held.sequence,
                moving: held.moving || moving,
                place: held.place,
                vertical: held.vertical,
                ..Beside::default()
            };
            self.put(&held.puts, &beside, out);
        }
    }

    fn record(&mut self, batch: &RecordBatch<'_>, cells: &[Cell], out: &mut Findings) {
        if self.generic {
            self.bare_record(batch, cells, out);
            return;
        }
        let fields = std::mem::take(&mut self.fields);
        self.named_record(batch, cells, &fields, out);
        self.fields = fields;
    }

    fn named_record(&mut self, batch: &RecordBatch<'_>, cells: &[Cell], fields: &[Field], out: &mut Findings) {
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
        self.settle(&g, batch, out);
    }

    fn settle(&mut self, g: &Gathered<'_>, batch: &RecordBatch<'_>, out: &mut Findings) {
        let time = match (g.date, g.time) {
            (Some(day), Some(clock)) if clock < 90_000.0 => Some(day + clock),
            (_, Some(time)) => Some(time),
            (day, None) => day,
        };
        let has_position =
            !g.lat.is_empty() || !g.runs.is_empty() || !g.plane.is_empty() || g.ecef_at.is_some() || g.grid.is_some();
        if !has_position {
            self.around(time, g, out);
            return;
        }
        if g.invalid {
            return;
        }
        let bare = time.is_none() && g.entity.is_none();
        let inner_first =
            *self.inner_first.get_or_insert(bare && self.outer_time.is_none() && self.outer_entity.is_none());
        self.release(None, None, false, out);
        let outer = self.outer_entity.take();
        let beside = Beside {
            time: time.or(self.outer_time),
            sequence: g.sequence,
            entity: g.entity.or(outer.as_ref().map(|(v, r)| (v.as_str(), *r))),
            moving: g.moving,
            place: g.place,
            surface: g.surface,
            vertical: g.vertical,
            key: None,
        };
        let puts = self.puts(g, batch, &beside, out);
        if inner_first && bare {
            self.held =
                Some(Held { puts, sequence: g.sequence, moving: g.moving, place: g.place, vertical: g.vertical });
        } else {
            self.put(&puts, &beside, out);
        }
        self.outer_entity = outer;
    }

    /// A record without a position: what it tells goes to the positions in objects inside of it, which came before or are to come.
    fn around(&mut self, time: Option<f64>, g: &Gathered<'_>, out: &mut Findings) {
        if self.inner_first == Some(true) {
            if time.is_some() || g.entity.is_some() {
                self.release(time, g.entity, g.moving, out);
            } else if let Some(held) = &mut self.held {
                held.moving |= g.moving;
                held.vertical |= g.vertical;
            }
            return;
        }
        self.outer_time = time.or(self.outer_time);
        if let Some((value, rank)) = g.entity {
            self.outer_entity = Some((value.to_owned(), rank));
        }
    }

    /// The single positions of a record. Paths go to their series at once.
    fn puts(&mut self, g: &Gathered<'_>, batch: &RecordBatch<'_>, beside: &Beside<'_>, out: &mut Findings) -> Vec<Put> {
        let mut puts = Vec::new();
        for (field, lat, at) in &g.lat {
            let partner = g.lon.iter().find(|(f, _)| f.stem == field.stem);
            let partner = partner.or(if g.lat.len() == 1 && g.lon.len() == 1 { g.lon.first() } else { None });
            if let Some((_, lon)) = partner
                && let Some(point) = position(lat, lon, g.ns, g.ew)
            {
                let series = self.series(Frame::Geodetic, &field.stem, field, g.crs);
                puts.push(Put { series, what: What::Globe(point), at: at.clone() });
            }
        }
        for (field, cells) in &g.runs {
            puts.extend(self.run(field, cells, batch, beside, g.crs, out));
        }
        if let ([Some(x), Some(y), Some(z)], Some(at)) = (g.ecef, &g.ecef_at)
            && let Some((lat, lon)) = ecef::to_geodetic(x, y, z)
        {
            let point = Point { lat, lon, precise: true };
            let series = self.series(Frame::Ecef, "ecef", &Field::of("ecef_x"), None);
            puts.push(Put { series, what: What::Globe(point), at: at.clone() });
        }
        if let Some((field, lat, lon, precise, at)) = &g.grid {
            let point = Point { lat: *lat, lon: *lon, precise: *precise };
            let series = self.series(Frame::Geodetic, &field.stem, field, Some(Crs::WGS84));
            puts.push(Put { series, what: What::Globe(point), at: at.clone() });
        }
        for (field, x, y, at) in &g.plane {
            if let (Some(x), Some(y)) = (x, y) {
                let put = self.plane(field, *x, *y, at, g);
                let plane = matches!(put.what, What::Plane(..));
                puts.push(put);
                // GDAL and ArcGIS call degrees X and Y too: only the whole table can tell.
                let fine = |v: f64| (v * 1e3).fract().abs() > 1e-7;
                if plane && plausible(*y, *x) {
                    let series = self.series(Frame::Geodetic, &format!("{}{SUPPOSED}", field.stem), field, g.crs);
                    let Some((_, stem, s)) = self.series.get_mut(series) else { continue };
                    // Where there are too many series the last is shared.
                    if !stem.ends_with(SUPPOSED) {
                        continue;
                    }
                    s.supposed = true;
                    let point = Point { lat: *y, lon: *x, precise: fine(*x) || fine(*y) };
                    puts.push(Put { series, what: What::Globe(point), at: at.clone() });
                }
            }
        }
        puts
    }

    /// Plane coordinates: on the globe where the record, the header, a zone beside them or their own shape tells the system.
    fn plane(&mut self, field: &Field, x: f64, y: f64, at: &Location, g: &Gathered<'_>) -> Put {
        let declared =
            [g.crs, self.declared].into_iter().flatten().find(|c| c.frame() == Frame::Projected && c.places());
        let zoned = || {
            let utm = (100_000.0..=900_000.0).contains(&x) && (0.0..=10_000_000.0).contains(&y);
            g.zone.filter(|c| utm && c.places()).map(|c| (c, false)).or_else(|| Crs::guess_zoned(x, y))
        };
        if let Some((crs, swapped)) = declared.map(|c| (c, false)).or_else(zoned) {
            let (x, y) = if swapped { (y, x) } else { (x, y) };
            if let Some((lat, lon)) = crs.to_geodetic(x, y, 0.0).filter(|p| plausible(p.0, p.1)) {
                let stem = format!("{}@", field.stem);
                let series = self.series(Frame::Projected, &stem, field, Some(crs));
                return Put { series, what: What::Globe(Point { lat, lon, precise: true }), at: at.clone() };
            }
        }
        let frame = if field.projected { Frame::Projected } else { Frame::Local };
        let series = self.series(frame, &field.stem, field, None);
        Put { series, what: What::Plane(x, y), at: at.clone() }
    }

    /// Coordinates in cells of one name: one cell that holds a pair or a path, or an array of numbers.
    /// Returns a single position; a path goes to its series.
    fn run(
        &mut self,
        field: &Field,
        cells: &[Cell],
        batch: &RecordBatch<'_>,
        beside: &Beside<'_>,
        crs: Option<Crs>,
        out: &mut Findings,
    ) -> Option<Put> {
        let first = cells.first()?;
        let at = location(first);
        let lat_first = if let Role::Pair(order) = field.role { order } else { Some(false) };
        let mut beside = *beside;
        if field.role == Role::XyArray {
            let values: Vec<f64> =
                cells.iter().take(3).filter_map(|c| number(batch.value(c))).map(|n| n.value).collect();
            let ([x, y] | [x, y, _], true) = (&values[..], cells.len() <= 3) else { return None };
            let series = self.series(Frame::Local, &field.stem, field, None);
            return Some(Put { series, what: What::Plane(*x, *y), at });
        }
        let mut crs = crs;
        let points = if cells.len() == 1 {
            let text = batch.value(first);
            let (points, surface) = match hex_geometry(text) {
                Some((points, surface, srid)) => {
                    let told = srid.filter(|n| *n > 0).map(|n| Crs::parse(&format!("EPSG:{n}")));
                    // The positions are in degrees by now.
                    crs = told.map(|c| Crs::on(c.datum())).or(crs);
                    (points, surface)
                }
                None => cell_points(text, lat_first),
            };
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
            return None;
        }
        let series = self.series(Frame::Geodetic, &field.stem, field, crs);
        if let [point] = &points[..] {
            return Some(Put { series, what: What::Globe(*point), at });
        }
        if let Some((_, _, series)) = self.series.get_mut(series) {
            for point in &points {
                series.watch(point, &at, out);
            }
            series.path(&points, &beside, field.role == Role::Path, &at);
        }
        None
    }

    fn bare_record(&mut self, batch: &RecordBatch<'_>, cells: &[Cell], out: &mut Findings) {
        if cells.len() < 2 || cells.windows(2).any(|w| w[0].column_index >= w[1].column_index) {
            return;
        }
        match &self.bare {
            Bare::Nothing => {}
            Bare::Known(_) => {
                let values: Vec<&str> = cells.iter().map(|c| batch.value(c)).collect();
                let at = cells.first().map(location).unwrap_or_default();
                self.bare_row(&values, &at, out);
            }
            Bare::Gathering => {
                let short = |v: &str| v.chars().take(64).collect::<String>();
                let cells = cells.iter().take(headerless::COLUMNS);
                self.rows.push(cells.clone().map(|c| short(batch.value(c))).collect());
                self.places.push(cells.map(location).collect());
                if self.rows.len() >= headerless::SAMPLE {
                    self.decide(out);
                }
            }
        }
    }

    /// Names the columns by the rows gathered, then takes those rows.
    fn decide(&mut self, out: &mut Findings) {
        let rows = std::mem::take(&mut self.rows);
        let places = std::mem::take(&mut self.places);
        self.bare = headerless::roles(&rows).map_or(Bare::Nothing, Bare::Known);
        for (row, places) in rows.iter().zip(&places) {
            let values: Vec<&str> = row.iter().map(String::as_str).collect();
            self.bare_row(&values, places.first().unwrap_or(&Location::default()), out);
        }
    }

    fn bare_row(&mut self, values: &[&str], at: &Location, out: &mut Findings) {
        let Bare::Known(roles) = &self.bare else { return };
        let by = |wanted: fn(&Role) -> bool| roles.iter().position(wanted).and_then(|i| values.get(i)).copied();
        let lat = by(|r| *r == Role::Lat);
        let lon = by(|r| *r == Role::Lon);
        let time = by(|r| matches!(r, Role::Time(_))).and_then(|v| super::time::seconds(v, None));
        let entity = by(|r| matches!(r, Role::Entity(_))).map(|v| (v, 6));
        let metres = |v: Option<&str>| v.and_then(number).map(|n| n.value);
        if let (Some(x), Some(y)) = (metres(by(|r| *r == Role::X)), metres(by(|r| *r == Role::Y))) {
            // Poses follow each other.
            let beside = Beside { time, sequence: Some(0.0), moving: true, ..Beside::default() };
            let series = self.series(Frame::Local, "", &Field::of(""), None);
            self.put(&[Put { series, what: What::Plane(x, y), at: at.clone() }], &beside, out);
            return;
        }
        let (Some(lat), Some(lon)) = (lat, lon) else { return };
        if let Some(point) = position(lat, lon, "", "") {
            let field = Field::of("");
            let beside = Beside { time, entity, ..Beside::default() };
            let series = self.series(Frame::Geodetic, "", &field, None);
            self.put(&[Put { series, what: What::Globe(point), at: at.clone() }], &beside, out);
        }
    }
}

impl Session for TrackSession {
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings) {
        let Batch::Records(batch) = batch else { return };
        self.learn(&batch.names);
        for cells in batch.rows() {
            self.record(batch, cells, out);
        }
    }

    fn finish(mut self: Box<Self>, out: &mut Findings) {
        if matches!(self.bare, Bare::Gathering) && !self.rows.is_empty() {
            self.decide(out);
        }
        self.release(None, None, false, out);
        let bare = matches!(self.bare, Bare::Known(_));
        settle_degrees(&mut self.series);
        let mut outcomes: Vec<(Series, Outcome)> = Vec::new();
        for (_, _, mut series) in self.series {
            let outcome = series.outcome();
            outcomes.push((series, outcome));
        }
        drop_copies(&mut outcomes);
        report_all(&outcomes, bare, out);
    }
}

#[cfg(test)]
#[path = "track_tests.rs"]
mod tests;
