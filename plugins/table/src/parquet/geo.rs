//! GeoParquet: columns of geometries, and where they are.
//!
//! Source: GeoParquet 1.1.

use serde_json::Value;
use yumen_kit_geo::wkb::{Piece, Shape, read};
use yumen_model::Spatial;
use yumen_model::kind::kinds;
use yumen_model::spatial::MAX_SAMPLES;

/// A column of geometries.
#[derive(Debug)]
pub(super) struct Geometry {
    pub(super) column: String,
    crs: Option<String>,
    /// Whether coordinates are degrees.
    degrees: bool,
    declared: Option<[f64; 4]>,
    extent: Option<[f64; 4]>,
    samples: Vec<[f64; 3]>,
    every: u64,
    vertices: u64,
    shapes: u64,
    lines: u64,
    areas: u64,
    broken: u64,
}

/// The columns that the metadata tells of.
pub(super) fn columns(pairs: &[(String, String)]) -> Vec<Geometry> {
    let told = pairs.iter().find(|(key, _)| key == "geo").and_then(|(_, v)| serde_json::from_str::<Value>(v).ok());
    let Some(columns) = told.as_ref().and_then(|v| v.get("columns")).and_then(Value::as_object) else {
        return Vec::new();
    };
    columns.iter().take(256).map(|(name, of)| Geometry::new(name, of)).collect()
}

impl Geometry {
    pub(super) fn new(name: &str, of: &Value) -> Geometry {
        let (crs, degrees) = match of.get("crs") {
            None => (Some("wgs84".to_owned()), true),
            Some(Value::Null) => (None, false),
            Some(crs) => system(crs),
        };
        let numbers: Vec<f64> =
            of.get("bbox").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_f64).collect();
        let declared = match numbers[..] {
            [w, s, e, n] | [w, s, _, e, n, _] => Some([w, s, e, n]),
            _ => None,
        };
        Geometry {
            column: name.to_owned(),
            crs,
            degrees,
            declared,
            extent: None,
            samples: Vec::new(),
            every: 1,
            vertices: 0,
            shapes: 0,
            lines: 0,
            areas: 0,
            broken: 0,
        }
    }

    /// Reads a value. A single position in degrees is given back: it is a row's place.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<(f64, f64, Option<f64>)> {
        let mut single = None;
        let (mut positions, mut others) = (0u64, 0u64);
        let read = read(bytes, &mut |piece| match piece {
            Piece::Begin(Shape::Point) => {}
            Piece::Begin(_) => others += 1,
            Piece::At(Shape::Point, p) => {
                positions += 1;
                single = Some((p.x, p.y, p.z));
            }
            _ => {}
        });
        if !read.is_some_and(|(_, whole)| whole) {
            self.broken += 1;
            return None;
        }
        if self.degrees && others == 0 && positions == 1 {
            return single.filter(|(x, y, _)| x.is_finite() && y.is_finite());
        }
        self.shapes += 1;
        let _ = yumen_kit_geo::wkb::read(bytes, &mut |piece| match piece {
            Piece::Begin(Shape::Line) => self.lines += 1,
            Piece::Begin(Shape::Area) => self.areas += 1,
            Piece::At(_, p) => self.add(p.x, p.y, p.z.unwrap_or(0.0)),
            _ => {}
        });
        None
    }

    fn add(&mut self, x: f64, y: f64, z: f64) {
        if !x.is_finite() || !y.is_finite() || x.abs() > 1e9 || y.abs() > 1e9 {
            return;
        }
        let e = self.extent.get_or_insert([x, y, x, y]);
        *e = [e[0].min(x), e[1].min(y), e[2].max(x), e[3].max(y)];
        if self.vertices.is_multiple_of(self.every) {
            if self.samples.len() >= MAX_SAMPLES {
                let mut odd = false;
                self.samples.retain(|_| {
                    odd = !odd;
                    odd
                });
                self.every *= 2;
            }
            self.samples.push([x, y, z]);
        }
        self.vertices += 1;
    }

    /// Values that were no geometries.
    pub(super) fn broken(&self) -> u64 {
        self.broken
    }

    /// The finding's worth of shapes that are no single positions.
    pub(super) fn finish(mut self) -> Option<Spatial> {
        if self.shapes == 0 || self.samples.is_empty() {
            return None;
        }
        self.samples.truncate(MAX_SAMPLES);
        let map = self.lines + self.areas > 0;
        let mut item = Spatial {
            confidence: if !map {
                0.9
            } else if self.lines > 0 {
                0.7
            } else {
                0.5
            },
            crs: self.crs,
            samples: self.samples,
            extent: self.extent.or(self.declared),
            ..Spatial::new(if map { kinds::GEO_MAP } else { kinds::GEO_POINT })
        };
        item = item.with("points", self.vertices).with("features", self.shapes);
        for (name, n) in [("lines", self.lines), ("areas", self.areas)] {
            if n > 0 {
                item = item.with(name, n);
            }
        }
        Some(item.with("layers", vec![self.column]))
    }
}

/// A system in PROJJSON, or named; and whether it counts in degrees.
fn system(crs: &Value) -> (Option<String>, bool) {
    let text =
        |v: Option<&Value>| v.and_then(|v| v.as_str().map(str::to_owned).or_else(|| v.as_i64().map(|n| n.to_string())));
    let geographic = crs.get("type").and_then(Value::as_str) == Some("GeographicCRS");
    let id = crs.get("id");
    let (authority, code) = (text(id.and_then(|i| i.get("authority"))), text(id.and_then(|i| i.get("code"))));
    match (authority.as_deref(), code) {
        (Some("OGC"), _) => (Some("wgs84".to_owned()), true),
        (Some("EPSG"), Some(code)) => {
            let degrees =
                geographic || code.parse().is_ok_and(|n: u32| (4000..5000).contains(&n) && !(4484..=4554).contains(&n));
            (Some(format!("EPSG:{code}")), degrees)
        }
        _ => match crs.as_str() {
            Some(name) => (Some(name.to_owned()), name.contains("4326") || name.contains("CRS84")),
            None => (text(crs.get("name")), geographic),
        },
    }
}
