//! The detector of things with a place: point clouds, maps, rasters, pictures with a position, inertial data.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use yumen_kit_geo::outline::{area_by_cells, hull_of, vertex};
use yumen_kit_geo::{Crs, Datum, DatumFrom, EARTH_RADIUS_M, Frame, Region, near_mainland, place, plausible, track};
use yumen_model::finding::{Prop, Props};
use yumen_model::kind::kinds;
use yumen_model::spatial::MAX_SAMPLES;
use yumen_model::{Batch, Detector, EvidenceHeader, EvidenceKind, Findings, KindId, Location, Session, Spatial};

use super::report::figures;
use crate::masking::Masking;
use crate::scanner::TextDetector;

/// Most vertices of an outline.
const VERTICES: usize = 256;
/// Positions outside that are tested for nearness to the mainland.
const BORDER_TESTS: usize = 64;

/// Reports spatial evidence with its region, by its sample positions; by the corners and the middle of its extent where it has none. What the
/// plugin tells of it goes along, masked.
///
/// `area_km2` is of the cells that hold samples, in a grid over their box with about four samples a cell (32 by 32 cells at most); without samples of the extent.
/// `extent` and `outline` (the convex hull) are rounded to hundredths of a degree. Without a system only degrees that fall on land, and
/// China's zoned grids, are placed; the rest has no known region.
pub struct SpatialDetector {
    masking: Masking,
}

impl SpatialDetector {
    /// A detector that masks what `text` finds in properties.
    #[must_use]
    pub fn new(text: Arc<TextDetector>) -> Self {
        SpatialDetector { masking: Masking::new(text) }
    }
}

impl Detector for SpatialDetector {
    fn kinds(&self) -> &'static [KindId] {
        &[
            kinds::GEO_POINT_CLOUD,
            kinds::GEO_MAP,
            kinds::GEO_IMAGERY,
            kinds::GEO_INERTIAL,
            kinds::GEO_POINT,
            kinds::IMAGE_POSITION,
        ]
    }

    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>> {
        if header.kind != EvidenceKind::Spatial {
            return None;
        }
        let text = |key: &str| header.properties.get(key).and_then(Value::as_str);
        Some(Box::new(SpatialSession {
            masking: self.masking.clone(),
            crs: text("crs").map(Crs::parse),
            topic: text("topic").map(|t| self.masking.text(t)),
        }))
    }
}

struct SpatialSession {
    masking: Masking,
    /// The header's system, for items that tell none.
    crs: Option<Crs>,
    topic: Option<String>,
}

/// Where something is.
struct Placed {
    frame: Frame,
    region: Region,
    datum: Datum,
    from: DatumFrom,
    provinces: BTreeSet<&'static str>,
    countries: BTreeSet<&'static str>,
    near_mainland: bool,
    /// Positions in degrees.
    positions: Vec<(f64, f64)>,
    /// The box in degrees.
    extent: Option<[f64; 4]>,
    area_m2: f64,
}

/// The system of coordinates whose file tells none: degrees that fall on land, or China's zoned grids.
fn guess(samples: &[[f64; 3]]) -> (Crs, DatumFrom, bool) {
    let used: Vec<_> = samples.iter().filter(|s| s[0].is_finite() && s[1].is_finite()).collect();
    let all = |of: fn(f64, f64) -> bool| !used.is_empty() && used.iter().all(|s| of(s[0], s[1]));
    let zoned: Vec<_> = used.iter().filter_map(|s| Crs::guess_zoned(s[0], s[1])).collect();
    if let Some(&(crs, swapped)) = zoned.first()
        && zoned.len() * 10 >= used.len() * 9
    {
        return (crs, DatumFrom::Context, swapped);
    }
    let degrees = all(|x, y| x.abs() <= 180.0 && y.abs() <= 90.0);
    let fine = used.iter().any(|s| (s[0] * 1e3).fract() != 0.0 && (s[1] * 1e3).fract() != 0.0);
    let span = |axis: usize| used.iter().fold((f64::MAX, f64::MIN), |(l, h), s| (l.min(s[axis]), h.max(s[axis])));
    let narrow = [0, 1].iter().all(|a| span(*a).1 - span(*a).0 < 10.0);
    // Metres around a sensor are small numbers too: positions near 0, 0 say nothing.
    let away = all(|x, y| x.abs() > 5.0 || y.abs() > 5.0) && all(|x, y| x.abs() > 1.5 && y.abs() > 1.5);
    let land = used.iter().filter(|s| place(s[1], s[0]).region != Region::Unknown).count();
    if degrees && fine && narrow && away && land * 10 >= used.len() * 9 {
        return (Crs::on(Datum::Unknown), DatumFrom::Unknown, false);
    }
    (Crs::UNKNOWN, DatumFrom::Unknown, false)
}

fn locate(item: &Spatial, header: Option<Crs>) -> Placed {
    let told = item.crs.as_deref().filter(|c| !c.trim().is_empty()).map(Crs::parse).or(header);
    let corners: Vec<[f64; 3]> = item.extent.map_or_else(Vec::new, |[w, s, e, n]| {
        vec![[w, s, 0.0], [e, s, 0.0], [e, n, 0.0], [w, n, 0.0], [(w + e) / 2.0, (s + n) / 2.0, 0.0]]
    });
    let samples = if item.samples.is_empty() { &corners[..] } else { &item.samples };
    let samples = &samples[..samples.len().min(MAX_SAMPLES)];
    let (crs, from, swapped) = match told {
        Some(crs) => (crs, crs.datum_from(), false),
        None => guess(samples),
    };
    let mut placed = Placed {
        frame: crs.frame(),
        region: Region::Unknown,
        datum: crs.datum(),
        from,
        provinces: BTreeSet::new(),
        countries: BTreeSet::new(),
        near_mainland: false,
        positions: Vec::new(),
        extent: None,
        area_m2: 0.0,
    };
    let turn = |[x, y, z]: [f64; 3]| if swapped { [y, x, z] } else { [x, y, z] };
    if !crs.places() {
        let metric = matches!(placed.frame, Frame::Local | Frame::Projected);
        let flat: Vec<(f64, f64)> =
            samples.iter().map(|s| (s[0], s[1])).filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        if metric {
            placed.area_m2 = if item.samples.is_empty() { area_of(item.extent) } else { area_by_cells(&flat) };
        }
        return placed;
    }
    let position = |s: &[f64; 3]| {
        let [x, y, z] = turn(*s);
        crs.to_geodetic(x, y, z).filter(|(lat, lon)| plausible(*lat, *lon))
    };
    placed.positions = samples.iter().filter_map(position).collect();
    let mut tally = [0u64; 3];
    let mut tests = 0;
    for &(lat, lon) in &placed.positions {
        let (wlat, wlon) = placed.datum.to_wgs84(lat, lon);
        let at = place(wlat, wlon);
        let mut region = at.region;
        if region == Region::Outside && placed.datum == Datum::Unknown && tests < BORDER_TESTS {
            tests += 1;
            if near_mainland(wlat, wlon) {
                placed.near_mainland = true;
                region = Region::Unknown;
            }
        }
        match (region, at.province, at.country) {
            (Region::Inside, Some(province), _) => {
                placed.provinces.insert(province);
            }
            (Region::Outside, _, Some(country)) => {
                placed.countries.insert(country);
            }
            _ => {}
        }
        tally[region as usize] += 1;
    }
    let total: u64 = tally.iter().sum();
    placed.region = match tally {
        [inside, ..] if inside > 0 && inside * 1000 >= total => Region::Inside,
        [_, outside, _] if outside > 0 => Region::Outside,
        _ => Region::Unknown,
    };
    let all = placed.positions.iter().copied().chain(corners.iter().filter_map(position));
    placed.extent = all.fold(None, |e: Option<[f64; 4]>, (lat, lon)| {
        Some(e.map_or([lon, lat, lon, lat], |e| track::union(e, [lon, lat, lon, lat])))
    });
    if let Some([_, s, _, n]) = placed.extent {
        // A projection that keeps areas, and shapes in the middle of the extent.
        let scale = ((s + n) / 2.0).to_radians().cos().max(0.01);
        let metres = |(lat, lon): (f64, f64)| {
            (lon.to_radians() * EARTH_RADIUS_M * scale, lat.to_radians().sin() * EARTH_RADIUS_M / scale)
        };
        let flat: Vec<(f64, f64)> = placed.positions.iter().map(|p| metres(*p)).collect();
        placed.area_m2 = if item.samples.is_empty() {
            let (low, high) =
                (placed.extent.map(|e| metres((e[1], e[0]))), placed.extent.map(|e| metres((e[3], e[2]))));
            area_of(low.zip(high).map(|(l, h)| [l.0, l.1, h.0, h.1]))
        } else {
            area_by_cells(&flat)
        };
    }
    placed
}

fn area_of(extent: Option<[f64; 4]>) -> f64 {
    extent.map_or(0.0, |[w, s, e, n]| ((e - w) * (n - s)).abs()).min(1e15)
}

/// Kinds whose findings differ by region only, as the text and table detectors tell them.
fn is_position(kind: KindId) -> bool {
    kind == kinds::GEO_POINT || kind == kinds::IMAGE_POSITION
}

impl SpatialSession {
    fn report(&self, item: &Spatial, out: &mut Findings) {
        let placed = locate(item, self.crs);
        let mut properties: BTreeMap<Cow<'static, str>, Value> = item
            .properties
            .iter()
            .map(|(name, value)| (Cow::Owned(name.clone()), self.masking.value(value)))
            .filter(|(_, value)| !value.is_null())
            .collect();
        let mut tell = |name: &'static str, value: Value| properties.insert(Cow::Borrowed(name), value);
        if placed.frame != Frame::Local && placed.frame != Frame::Unknown || !placed.positions.is_empty() {
            tell("datum", json!(placed.datum.name()));
            tell("datum_from", json!(placed.from.name()));
        }
        let crs = item.crs.as_deref().map(Crs::parse).or(self.crs);
        if let Some(code) = crs.and_then(|c| c.code())
            && (placed.datum != Datum::Wgs84 || placed.frame == Frame::Projected)
        {
            tell("crs", json!(format!("EPSG:{code}")));
        }
        match placed.region {
            Region::Inside => {
                tell("provinces", json!(placed.provinces));
            }
            Region::Outside => {
                tell("countries", json!(placed.countries));
            }
            Region::Unknown => {}
        }
        if placed.near_mainland && placed.region != Region::Inside {
            tell("near_mainland", json!(true));
        }
        if !is_position(item.kind) {
            if let Some(extent) = placed.extent {
                tell("extent", json!(track::rounded(extent)));
                let mut vertices: Vec<_> =
                    placed.positions.iter().filter_map(|(lat, lon)| vertex(*lat, *lon)).collect();
                if item.samples.is_empty() {
                    vertices.truncate(4);
                }
                let hull: Vec<[f64; 2]> = hull_of(&vertices, VERTICES)
                    .into_iter()
                    .map(|(x, y)| [f64::from(x) / 100.0, f64::from(y) / 100.0])
                    .collect();
                tell("outline", json!([hull]));
            }
            if placed.area_m2 > 0.0 && item.kind != kinds::GEO_INERTIAL {
                tell("area_km2", json!(figures(placed.area_m2 / 1e6)));
            }
        }
        let topic = item.properties.get("topic").and_then(Value::as_str).map(|t| self.masking.text(t));
        let topic = self.topic.clone().or(topic);
        let location = Location { bytes: item.bytes, topic, ..Location::default() };
        for &(lat, lon) in &placed.positions {
            let (lat, lon) = placed.datum.to_wgs84(lat, lon);
            out.position(lat, lon, || location.clone());
        }
        let mut distinct: Props = vec![("region", Prop::from(placed.region.name()))];
        if !is_position(item.kind) {
            distinct.push(("frame", Prop::from(placed.frame.name())));
        }
        properties.remove("region");
        properties.remove("frame");
        out.summary(item.kind, distinct, 1, item.confidence, location, properties);
    }
}

impl Session for SpatialSession {
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings) {
        if let Batch::Spatial(batch) = batch {
            batch.items.iter().for_each(|item| self.report(item, out));
        }
    }

    fn finish(self: Box<Self>, _: &mut Findings) {}
}

#[cfg(test)]
#[path = "spatial_tests.rs"]
mod tests;
