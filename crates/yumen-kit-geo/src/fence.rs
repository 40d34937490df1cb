//! Fences: areas that an organisation holds to be sensitive, and which positions fall into them.
//!
//! They are read from GeoJSON (RFC 7946): polygons, lines and points, each with a buffer around it. An R-tree over boxes finds the candidates; the
//! even-odd rule and the distance to the edges decide, in a plane around the position (the error is below a thousandth for fences of some 10 km).

use std::fmt;

use rstar::{AABB, PointDistance, RTree, RTreeObject};
use serde_json::Value;

use crate::{Datum, EARTH_RADIUS_M};

/// Most positions of all fences.
const MOST_POSITIONS: usize = 4_000_000;
/// Longest buffer, in metres.
pub const LONGEST_BUFFER_M: f64 = 100_000.0;

/// What of a GeoJSON file of fences is not as it should be. Quotes nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceError {
    /// Which feature, from 1; none for the file as a whole.
    pub feature: Option<usize>,
    /// What is wrong.
    pub what: &'static str,
}

impl fmt::Display for FenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.feature {
            Some(n) => write!(f, "feature {n}: {}", self.what),
            None => f.write_str(self.what),
        }
    }
}

impl std::error::Error for FenceError {}

/// One part of a fence: a polygon with its holes, a line, or a point. Vertices are (longitude, latitude) on WGS-84.
#[derive(Clone, Debug)]
struct Part {
    fence: usize,
    buffer_m: f64,
    /// A closed area (rings), or an open line.
    area: bool,
    rings: Vec<Vec<[f64; 2]>>,
    envelope: AABB<[f64; 2]>,
}

impl RTreeObject for Part {
    type Envelope = AABB<[f64; 2]>;
    fn envelope(&self) -> Self::Envelope {
        self.envelope
    }
}

impl PointDistance for Part {
    fn distance_2(&self, point: &[f64; 2]) -> f64 {
        self.envelope.distance_2(point)
    }
    fn contains_point(&self, point: &[f64; 2]) -> bool {
        rstar::Envelope::contains_point(&self.envelope, point)
    }
}

/// The fences of an organisation.
#[derive(Clone, Debug, Default)]
pub struct Fences {
    names: Vec<String>,
    tree: RTree<Part>,
}

impl Fences {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Reads fences from GeoJSON and adds them. `buffer_m` widens every one (a feature's own property `buffer_m` or `radius_m` takes its place); `datum` is
    /// what the coordinates are on, and `label` names the source: a feature is called `label/ID` by its `id`, or `label/N` by its number from 1.
    ///
    /// # Errors
    /// Not GeoJSON; a coordinate out of range; a point or line without a buffer, which nothing would ever fall into.
    pub fn add(&mut self, geojson: &Value, label: &str, buffer_m: f64, datum: Datum) -> Result<(), FenceError> {
        let whole = |what| FenceError { feature: None, what };
        let features: Vec<&Value> = match geojson["type"].as_str() {
            Some("FeatureCollection") => {
                geojson["features"].as_array().ok_or(whole("`features` is no list"))?.iter().collect()
            }
            Some(_) => vec![geojson],
            None => return Err(whole("not GeoJSON: no `type`")),
        };
        let mut parts: Vec<Part> = Vec::new();
        let mut positions = 0;
        for (n, feature) in features.into_iter().enumerate() {
            let bad = |what| FenceError { feature: Some(n + 1), what };
            let own = ["buffer_m", "radius_m"].iter().find_map(|p| feature["properties"][*p].as_f64());
            let buffer_m = own.unwrap_or(buffer_m);
            if !(0.0..=LONGEST_BUFFER_M).contains(&buffer_m) {
                return Err(bad("the buffer is not from 0 to 100 000 m"));
            }
            let id = match &feature["id"] {
                Value::String(id) => id.clone(),
                Value::Number(id) => id.to_string(),
                _ => (n + 1).to_string(),
            };
            let mut reader =
                Reader { fence: self.names.len(), buffer_m, datum, parts: &mut parts, positions: &mut positions };
            let geometry = if feature["type"] == "Feature" { &feature["geometry"] } else { feature };
            reader.geometry(geometry, 0).map_err(bad)?;
            self.names.push(format!("{label}/{id}"));
        }
        let mut all: Vec<Part> = std::mem::take(&mut self.tree).into_iter().collect();
        all.extend(parts);
        self.tree = RTree::bulk_load(all);
        Ok(())
    }

    /// The names of the fences that a position on WGS-84 falls into, each once, in their order.
    #[must_use]
    pub fn around(&self, lat: f64, lon: f64) -> Vec<&str> {
        let mut hit: Vec<usize> = self
            .tree
            .locate_all_at_point([lon, lat])
            .filter(|part| part.holds(lat, lon))
            .map(|part| part.fence)
            .collect();
        hit.sort_unstable();
        hit.dedup();
        hit.into_iter().filter_map(|n| self.names.get(n)).map(String::as_str).collect()
    }
}

/// Reads one feature's geometry.
struct Reader<'r> {
    fence: usize,
    buffer_m: f64,
    datum: Datum,
    parts: &'r mut Vec<Part>,
    positions: &'r mut usize,
}

impl Reader<'_> {
    fn geometry(&mut self, geometry: &Value, depth: u32) -> Result<(), &'static str> {
        let coordinates = &geometry["coordinates"];
        let list = |v: &Value| v.as_array().cloned().ok_or("coordinates are no list");
        match geometry["type"].as_str() {
            Some("Polygon") => self.polygon(coordinates),
            Some("MultiPolygon") => list(coordinates)?.iter().try_for_each(|p| self.polygon(p)),
            Some("MultiPoint") => list(coordinates)?.iter().try_for_each(|p| self.open(&Value::Array(vec![p.clone()]))),
            Some("LineString") => self.open(coordinates),
            Some("MultiLineString") => list(coordinates)?.iter().try_for_each(|l| self.open(l)),
            Some("Point") => self.open(&Value::Array(vec![coordinates.clone()])),
            Some("GeometryCollection") if depth < 8 => {
                list(&geometry["geometries"])?.iter().try_for_each(|g| self.geometry(g, depth + 1))
            }
            _ => Err("no geometry that a fence can be made of"),
        }
    }

    fn polygon(&mut self, rings: &Value) -> Result<(), &'static str> {
        let rings = rings.as_array().ok_or("a polygon without rings")?;
        let rings = rings.iter().map(|ring| self.positions(ring)).collect::<Result<Vec<_>, _>>()?;
        if rings.first().is_none_or(|outer| outer.len() < 3) {
            return Err("a polygon of fewer than three positions");
        }
        self.push(rings, true);
        Ok(())
    }

    fn open(&mut self, line: &Value) -> Result<(), &'static str> {
        let line = self.positions(line)?;
        if self.buffer_m <= 0.0 {
            return Err("a point or line needs a buffer");
        }
        if line.is_empty() {
            return Err("a line without positions");
        }
        self.push(vec![line], false);
        Ok(())
    }

    fn positions(&mut self, list: &Value) -> Result<Vec<[f64; 2]>, &'static str> {
        let list = list.as_array().ok_or("coordinates are no list")?;
        *self.positions += list.len();
        if *self.positions > MOST_POSITIONS {
            return Err("more positions than are taken");
        }
        list.iter()
            .map(|p| {
                let (lon, lat) = (
                    p[0].as_f64().ok_or("a coordinate is no number")?,
                    p[1].as_f64().ok_or("a coordinate is no number")?,
                );
                if !(-180.0..=180.0).contains(&lon) || !(-90.0..=90.0).contains(&lat) {
                    return Err("a coordinate is out of range (longitude comes first)");
                }
                let (lat, lon) = self.datum.to_wgs84(lat, lon);
                Ok([lon, lat])
            })
            .collect()
    }

    fn push(&mut self, rings: Vec<Vec<[f64; 2]>>, area: bool) {
        let outer = rings.first().map_or(&[][..], Vec::as_slice);
        let (mut low, mut high) = ([f64::MAX; 2], [f64::MIN; 2]);
        for p in outer {
            for axis in 0..2 {
                low[axis] = low[axis].min(p[axis]);
                high[axis] = high[axis].max(p[axis]);
            }
        }
        let dlat = (self.buffer_m / EARTH_RADIUS_M).to_degrees() * 1.01;
        let polar = low[1].abs().max(high[1].abs()).min(89.0);
        let dlon = dlat / polar.to_radians().cos();
        let envelope = AABB::from_corners([low[0] - dlon, low[1] - dlat], [high[0] + dlon, high[1] + dlat]);
        self.parts.push(Part { fence: self.fence, buffer_m: self.buffer_m, area, rings, envelope });
    }
}

impl Part {
    /// Whether a position lies within, or no further off than the buffer.
    fn holds(&self, lat: f64, lon: f64) -> bool {
        (self.area && inside(&self.rings, lat, lon))
            || (self.buffer_m > 0.0 && self.distance_m(lat, lon) <= self.buffer_m)
    }

    /// Distance to the nearest edge or vertex in metres.
    fn distance_m(&self, lat: f64, lon: f64) -> f64 {
        let (ky, kx) = (EARTH_RADIUS_M.to_radians(), EARTH_RADIUS_M.to_radians() * lat.to_radians().cos());
        let plane = |p: &[f64; 2]| ((p[0] - lon) * kx, (p[1] - lat) * ky);
        let mut nearest = f64::INFINITY;
        for ring in &self.rings {
            let points: Vec<(f64, f64)> = ring.iter().map(plane).collect();
            if let [only] = points.as_slice() {
                nearest = nearest.min(only.0.hypot(only.1));
            }
            let closing = (self.area && points.len() > 2).then(|| (points[points.len() - 1], points[0]));
            for (a, b) in points.windows(2).map(|w| (w[0], w[1])).chain(closing) {
                let (dx, dy) = (b.0 - a.0, b.1 - a.1);
                let length = dx * dx + dy * dy;
                let t = if length > 0.0 { (-(a.0 * dx + a.1 * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
                nearest = nearest.min((a.0 + t * dx).hypot(a.1 + t * dy));
            }
        }
        nearest
    }
}

/// The even-odd rule over all rings.
fn inside(rings: &[Vec<[f64; 2]>], lat: f64, lon: f64) -> bool {
    let mut odd = false;
    for ring in rings {
        for (i, a) in ring.iter().enumerate() {
            let b = &ring[(i + 1) % ring.len()];
            if (a[1] > lat) != (b[1] > lat) && lon < (b[0] - a[0]) * (lat - a[1]) / (b[1] - a[1]) + a[0] {
                odd = !odd;
            }
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fences(geojson: &Value, buffer_m: f64) -> Fences {
        let mut fences = Fences::default();
        fences.add(geojson, "f", buffer_m, Datum::Wgs84).unwrap();
        fences
    }

    /// A square of 0.02° around 30 N 100 E with a hole of 0.01° in it.
    fn square() -> Value {
        let ring = |h: f64| {
            json!([
                [100.0 - h, 30.0 - h],
                [100.0 + h, 30.0 - h],
                [100.0 + h, 30.0 + h],
                [100.0 - h, 30.0 + h],
                [100.0 - h, 30.0 - h]
            ])
        };
        json!({"type": "FeatureCollection", "features": [
            {"type": "Feature", "id": "A", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring(0.01), ring(0.005)]}},
            {"type": "Feature", "properties": {"radius_m": 1000.0}, "geometry": {"type": "Point", "coordinates": [101.0, 30.0]}}
        ]})
    }

    #[test]
    fn areas_holes_and_buffers_decide() {
        let f = fences(&square(), 0.0);
        assert_eq!(f.around(30.008, 100.0), ["f/A"]);
        assert!(f.around(30.0, 100.0).is_empty(), "the hole");
        assert!(f.around(30.0101, 100.0).is_empty());
        assert_eq!(fences(&square(), 20.0).around(30.0101, 100.0), ["f/A"]);
        assert!(fences(&square(), 5.0).around(30.0101, 100.0).is_empty());
        assert_eq!(f.around(30.0089, 101.0), ["f/2"]);
        assert!(f.around(30.0091, 101.0).is_empty());
        assert!(f.around(f64::NAN, 101.0).is_empty());
    }

    #[test]
    fn fences_on_a_shifted_datum_are_moved() {
        let (lat, lon) = crate::datum::wgs84_to_gcj02(39.9, 116.4);
        let point = json!({"type": "Point", "coordinates": [lon, lat]});
        let mut f = Fences::default();
        f.add(&point, "g", 50.0, Datum::Gcj02).unwrap();
        assert_eq!(f.around(39.9, 116.4), ["g/1"]);
        assert!(f.around(lat, lon).is_empty());
    }

    #[test]
    fn what_can_hold_nothing_is_an_error() {
        for (bad, feature) in [
            (json!({"a": 1}), None),
            (json!({"type": "FeatureCollection"}), None),
            (json!({"type": "Point", "coordinates": [100.0, 30.0]}), Some(1)),
            (json!({"type": "Polygon", "coordinates": [[[100.0, 30.0]]]}), Some(1)),
            (json!({"type": "Polygon", "coordinates": [[[30.0, 100.0], [31.0, 100.0], [30.0, 101.0]]]}), Some(1)),
            (json!({"type": "Feature", "geometry": null}), Some(1)),
        ] {
            let error = Fences::default().add(&bad, "f", 0.0, Datum::Wgs84).unwrap_err();
            assert_eq!(error.feature, feature, "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_point_s_buffer_is_a_circle(lat in -80.0..80.0f64, lon in -170.0..170.0f64, bearing in 0.0..std::f64::consts::TAU, share in 0.0..2.0f64) {
            prop_assume!((share - 1.0).abs() > 0.01);
            let f = fences(&json!({"type": "Point", "coordinates": [lon, lat]}), 2000.0);
            let metres = 2000.0 * share;
            let dlat = (metres / EARTH_RADIUS_M).to_degrees() * bearing.cos();
            let dlon = (metres / EARTH_RADIUS_M).to_degrees() * bearing.sin() / lat.to_radians().cos();
            prop_assert_eq!(f.around(lat + dlat, lon + dlon).len() == 1, share < 1.0);
        }
    }
}
