//! What a vector file comes to: counts, extent and samples of its shapes, and whether its points are a track.

use std::collections::{BTreeMap, BTreeSet};

use yumen_model::kind::kinds;
use yumen_model::{Fix, InspectError, Inspection, Spatial};

use super::emit::Emit;
use super::words;
use crate::survey::Spread;

/// Positions that are kept until it is clear whether they are a track.
const MOST_HELD: usize = 1 << 20;
/// Different names that are remembered.
const MOST_NAMES: usize = 256;
/// Kilometres of a degree on the meridian.
const KM_PER_DEGREE: f64 = 111.195;
/// Fewer points are a list of places.
const FEWEST: usize = 5;

/// Kinds of shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Point,
    Line,
    Area,
    Surface,
}

/// Extent and samples of some shapes.
#[derive(Default)]
struct Gather {
    spread: Spread,
    heights: Option<[f64; 2]>,
}

impl Gather {
    fn add(&mut self, x: f64, y: f64, z: Option<f64>) {
        if let Some(z) = z {
            let h = self.heights.get_or_insert([z, z]);
            *h = [h[0].min(z), h[1].max(z)];
        }
        self.spread.add(x, y, z.unwrap_or(0.0));
    }

    fn join(&mut self, other: &Gather) {
        for &[x, y, z] in other.spread.samples() {
            self.spread.add(x, y, z);
        }
        if let Some([w, s, e, n]) = other.spread.extent() {
            self.spread.widen(w, s);
            self.spread.widen(e, n);
        }
    }
}

/// The shapes of a vector file.
#[derive(Default)]
pub(crate) struct Shapes {
    points: Gather,
    shapes: Gather,
    counts: BTreeMap<Form, u64>,
    pub(crate) features: u64,
    names: BTreeSet<String>,
    layers: BTreeSet<String>,
    /// Length and area so far, by degrees and by plain units.
    length: [f64; 2],
    area: [f64; 2],
    // The part under way.
    first: Option<(f64, f64)>,
    last: Option<(f64, f64)>,
    ring: f64,
}

impl Shapes {
    /// A shape of a form begins.
    pub(crate) fn begin(&mut self, form: Form) {
        *self.counts.entry(form).or_default() += 1;
        self.part();
    }

    /// A line or ring begins.
    pub(crate) fn part(&mut self) {
        self.first = None;
        self.last = None;
        self.ring = 0.0;
    }

    /// A position that belongs to a point.
    pub(crate) fn point(&mut self, x: f64, y: f64, z: Option<f64>) {
        if usable(x, y) {
            self.points.add(x, y, z);
        }
    }

    /// The next position of a line or ring.
    pub(crate) fn vertex(&mut self, form: Form, x: f64, y: f64, z: Option<f64>) {
        if form == Form::Point {
            return self.point(x, y, z);
        }
        if !usable(x, y) {
            return;
        }
        self.shapes.add(x, y, z);
        let (x0, y0) = *self.first.get_or_insert((x, y));
        if let Some((px, py)) = self.last.replace((x, y)) {
            if form == Form::Line {
                let (dx, dy) = (x - px, y - py);
                self.length[0] += (dx * y.to_radians().cos()).hypot(dy) * KM_PER_DEGREE;
                self.length[1] += dx.hypot(dy) / 1e3;
            } else {
                self.ring += (px - x0) * (y - y0) - (x - x0) * (py - y0);
            }
        }
    }

    /// Ends a ring; `hole` where the format tells, else it runs clockwise outside.
    pub(crate) fn end_ring(&mut self, hole: Option<bool>) {
        let Some((_, y)) = self.first else { return };
        let size = match hole {
            Some(true) => -self.ring.abs(),
            Some(false) => self.ring.abs(),
            None => -self.ring,
        } / 2.0;
        self.area[0] += size * y.to_radians().cos() * KM_PER_DEGREE * KM_PER_DEGREE;
        self.area[1] += size / 1e6;
        self.part();
    }

    /// The name of an attribute or something else that tells what it is about.
    pub(crate) fn name(&mut self, name: &str) {
        if self.names.len() < MOST_NAMES && name.len() <= 128 && !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
    }

    /// The name of a layer.
    pub(crate) fn layer(&mut self, name: &str) {
        if self.layers.len() < MOST_NAMES && !name.is_empty() && name.len() <= 256 && !self.layers.contains(name) {
            self.layers.insert(name.to_owned());
        }
    }

    /// Whether there are roads, lanes or buildings by the names.
    pub(crate) fn map_like(&self) -> bool {
        self.names.iter().chain(&self.layers).any(|n| words::map_like(n))
    }

    /// Whether names of the attributes tell movement.
    pub(crate) fn motion_like(&self) -> bool {
        self.names.iter().any(|n| words::motion_like(n))
    }

    /// Whether names of the attributes tell boundaries.
    fn outline_like(&self) -> bool {
        self.names.iter().chain(&self.layers).any(|n| words::outline_like(n))
    }

    /// West, south, east, north of everything.
    pub(crate) fn extent(&self) -> Option<[f64; 4]> {
        match (self.shapes.spread.extent(), self.points.spread.extent()) {
            (Some(a), Some(b)) => Some([a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]),
            (a, b) => a.or(b),
        }
    }

    /// How many shapes of a form there are.
    pub(crate) fn count(&self, form: Form) -> u64 {
        self.counts.get(&form).copied().unwrap_or(0)
    }

    /// The finding's worth of it: a map where there are lines or areas, places where there are points only. `points_told`: the points were told as a track.
    pub(crate) fn finish(mut self, crs: Option<String>, points_told: bool) -> Option<Spatial> {
        let degrees = is_geographic(crs.as_deref(), self.extent());
        let (map, outline) = (self.map_like(), self.outline_like());
        if points_told {
            self.points = Gather::default();
            self.counts.remove(&Form::Point);
        }
        let (kind, confidence) = if self.shapes.spread.seen() > 0 {
            let only_areas = self.count(Form::Line) == 0 && self.count(Form::Surface) == 0;
            let sure = match (map, only_areas) {
                (true, false) => 0.95,
                (true, true) if !outline => 0.9,
                (_, true) => 0.5,
                (false, false) => 0.7,
            };
            (kinds::GEO_MAP, sure)
        } else if self.points.spread.seen() > 0 {
            (kinds::GEO_POINT, 0.9)
        } else {
            return None;
        };
        let vertices = self.shapes.spread.seen() + self.points.spread.seen();
        self.shapes.join(&self.points);
        let mut item = Spatial { confidence, ..self.shapes.spread.into_spatial(kind, crs) };
        item = item.with("points", vertices).with("features", self.features.max(self.counts.values().sum()));
        for (form, n) in &self.counts {
            let name = match form {
                Form::Point => "point_features",
                Form::Line => "lines",
                Form::Area => "areas",
                Form::Surface => "surfaces",
            };
            item = item.with(name, *n);
        }
        let unit = usize::from(!degrees);
        if self.length[unit] > 0.0 {
            item = item.with("length_km", rounded(self.length[unit]));
        }
        if self.area[unit] > 0.0 {
            item = item.with("area_km2", rounded(self.area[unit]));
        }
        if let Some([low, high]) = self.shapes.heights
            && high > low
        {
            item = item.with("vertical", true);
        }
        if !self.layers.is_empty() {
            item = item.with("layers", self.layers.into_iter().collect::<Vec<_>>());
        }
        Some(item)
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Whether a position can be one: numbers, of a size that a place on Earth has in some system.
pub(crate) fn usable(x: f64, y: f64) -> bool {
    x.is_finite() && y.is_finite() && x.abs() < 1e9 && y.abs() < 1e9
}

/// Whether a declared reference system counts in degrees; where none is told, what the numbers look like.
pub(crate) fn is_geographic(crs: Option<&str>, extent: Option<[f64; 4]>) -> bool {
    let looks = extent.is_none_or(|[w, s, e, n]| w >= -360.0 && e <= 360.0 && s >= -90.0 && n <= 90.0);
    match crs {
        None => looks,
        Some(crs) => {
            let upper = crs.trim_start().to_ascii_uppercase();
            let projected = ["PROJCS", "PROJCRS", "LOCAL", "ENGCRS"].iter().any(|p| upper.starts_with(p))
                || upper.starts_with("COMPD_CS") && upper.contains("PROJCS");
            !projected && looks
        }
    }
}

/// One position of a sequence.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Step {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) z: Option<f64>,
    pub(crate) time: Option<f64>,
    pub(crate) entity: u64,
    pub(crate) offset: u64,
}

impl From<Step> for Fix {
    fn from(s: Step) -> Fix {
        Fix { x: s.x, y: s.y, z: s.z, time_s: s.time, entity: s.entity, offset: s.offset }
    }
}

/// Points in the order of a file, held back until it is clear whether they are a track.
#[derive(Default)]
pub(crate) struct Sequence {
    held: Vec<Step>,
    decided: Option<bool>,
}

impl Sequence {
    /// The next point. `hint`: names say that it is a track, or tell movement.
    pub(crate) fn push(
        &mut self,
        step: Step,
        hint: bool,
        emit: &mut Emit<'_>,
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        if !usable(step.x, step.y) {
            return Ok(());
        }
        match self.decided {
            Some(true) => emit.fix(step.into(), out),
            Some(false) => Ok(()),
            None => {
                self.held.push(step);
                if self.held.len() >= MOST_HELD { self.decide(hint, emit, out) } else { Ok(()) }
            }
        }
    }

    /// Brings points that all have times into their order, for formats that keep features in the order of an index.
    pub(crate) fn by_time(&mut self) {
        if self.decided.is_none() && self.held.iter().all(|s| s.time.is_some()) {
            self.held.sort_by(|a, b| a.time.unwrap_or(0.0).total_cmp(&b.time.unwrap_or(0.0)));
        }
    }

    fn decide(&mut self, hint: bool, emit: &mut Emit<'_>, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let held = std::mem::take(&mut self.held);
        let track = is_track(&held, hint);
        self.decided = Some(track);
        if track {
            for step in held {
                emit.fix(step.into(), out)?;
            }
        }
        Ok(())
    }

    /// Whether it was a track; its positions were sent then.
    pub(crate) fn finish(
        &mut self,
        hint: bool,
        emit: &mut Emit<'_>,
        out: &mut dyn Inspection,
    ) -> Result<bool, InspectError> {
        if self.decided.is_none() {
            self.decide(hint, emit, out)?;
        }
        Ok(self.decided == Some(true))
    }
}

/// Whether points follow each other as something that moves would.
fn is_track(steps: &[Step], hint: bool) -> bool {
    if steps.len() < FEWEST {
        return hint && steps.len() > 1 && steps.iter().all(|s| s.time.is_some());
    }
    let timed = steps.iter().filter(|s| s.time.is_some()).count();
    let degrees = steps.iter().all(|s| s.x.abs() <= 360.0 && s.y.abs() <= 90.0);
    let metres = |a: &Step, b: &Step| {
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        if degrees { (dx * a.y.to_radians().cos()).hypot(dy) * KM_PER_DEGREE * 1e3 } else { dx.hypot(dy) }
    };
    let mut last: BTreeMap<u64, Step> = BTreeMap::new();
    let (mut pairs, mut back) = (0usize, 0usize);
    let (mut gaps, mut speeds, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    for s in steps {
        if last.len() > 65_536 {
            break;
        }
        if let Some(p) = last.insert(s.entity, *s) {
            pairs += 1;
            let way = metres(&p, s);
            lengths.push(way);
            if let (Some(a), Some(b)) = (p.time, s.time) {
                back += usize::from(b < a);
                gaps.push((b - a).abs());
                if b > a {
                    speeds.push(way / (b - a));
                }
            }
        }
    }
    let median = |values: &mut Vec<f64>| -> Option<f64> {
        let at = values.len() / 2;
        if values.is_empty() {
            return None;
        }
        Some(*values.select_nth_unstable_by(at, f64::total_cmp).1)
    };
    let (Some(length), moved) = (median(&mut lengths), lengths.iter().any(|&l| l > 0.0)) else { return false };
    if !moved {
        return false;
    }
    if timed * 10 >= steps.len() * 8 && !speeds.is_empty() {
        let ordered = back * 20 <= pairs;
        let (gap, speed) = (median(&mut gaps).unwrap_or(f64::MAX), median(&mut speeds).unwrap_or(f64::MAX));
        return ordered && speed < 150.0 && (hint || gap <= 600.0);
    }
    hint && length < 2_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(n: usize, step: f64, dt: Option<f64>) -> Vec<Step> {
        (0..n)
            .map(|i| Step {
                x: 116.3 + step * i as f64,
                y: 39.9 + step * (i as f64 / 3.0).sin(),
                time: dt.map(|d| 1.7e9 + d * i as f64),
                ..Step::default()
            })
            .collect()
    }

    #[test]
    fn points_are_a_track_when_they_move_in_time() {
        assert!(is_track(&walk(50, 1e-4, Some(1.0)), false));
        assert!(!is_track(&walk(50, 1e-4, None), false), "places in a row");
        assert!(is_track(&walk(50, 1e-4, None), true), "named so");
        assert!(!is_track(&walk(50, 1.0, Some(1.0)), false), "no car is so fast");
        assert!(!is_track(&walk(50, 1e-4, Some(86_400.0)), false), "one a day: accidents, openings");
        assert!(!is_track(&walk(3, 1e-4, None), true));
        let mut shuffled = walk(50, 1e-4, Some(1.0));
        shuffled.sort_by(|a, b| (a.x * 1e7).sin().total_cmp(&(b.x * 1e7).sin()));
        assert!(!is_track(&shuffled, false), "not in order");
        let still: Vec<Step> = walk(50, 0.0, Some(1.0)).into_iter().map(|s| Step { y: 39.9, ..s }).collect();
        assert!(!is_track(&still, false));
    }

    #[test]
    fn lengths_and_areas_are_measured() {
        let mut s = Shapes::default();
        s.begin(Form::Area);
        for (x, y) in [(116.0, 40.0), (116.0, 40.1), (116.1, 40.1), (116.1, 40.0), (116.0, 40.0)] {
            s.vertex(Form::Area, x, y, None);
        }
        s.end_ring(None);
        let item = s.finish(Some("wgs84".into()), false).unwrap();
        // 11.1195 km by 8.518 km.
        let area = item.properties["area_km2"].as_f64().unwrap();
        assert!((area - 94.7).abs() < 0.5, "{area}");
        assert_eq!(item.confidence, 0.5);
        let mut s = Shapes::default();
        s.begin(Form::Line);
        s.vertex(Form::Line, 500_000.0, 4_400_000.0, None);
        s.vertex(Form::Line, 503_000.0, 4_404_000.0, None);
        s.name("road_class");
        let item = s.finish(Some("PROJCS[\"x\"]".into()), false).unwrap();
        assert_eq!(item.properties["length_km"], 5.0);
        assert_eq!(item.confidence, 0.95);
    }
}
