//! What is gathered of a cloud while its points go by: number, extent, covered area, positions spread over the whole. Constant memory.

use serde_json::Value;
use yumen_kit_container::Container;
use yumen_model::kind::kinds;
use yumen_model::spatial::MAX_SAMPLES;
use yumen_model::{
    Artifact, Batch, Context, EvidenceHeader, EvidenceKind, Fix, FixBatch, InspectError, Message, Need, Spatial,
    SpatialBatch,
};

use crate::crs::{Crs, Frame};

/// Covered cells are counted up to this number; then cells of twice the edge are.
const MAX_CELLS: usize = 1 << 19;
/// Metres of a degree of latitude, for cells of geographic coordinates.
const DEGREE_M: f64 = 111_195.0;
/// Coordinates beyond this (in metres) are no local frame of a sensor or a vehicle.
const LOCAL_REACH: f64 = 100_000.0;

/// A set of cells by open addressing: the hash set of the standard library costs more than the decoding of a point.
struct Cells {
    slots: Vec<u64>,
    used: usize,
    edge: f64,
    inverse: f64,
    last: u64,
}

const EMPTY: u64 = u64::MAX;

fn slot_of(key: u64, mask: usize) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) as usize & mask
}

impl Cells {
    fn new(edge: f64) -> Self {
        Cells { slots: vec![EMPTY; 1 << 10], used: 0, edge, inverse: 1.0 / edge, last: EMPTY }
    }

    fn key(&self, x: f64, y: f64) -> u64 {
        // Saturating casts: far outliers share a cell.
        let cell = |v: f64| u64::from((v * self.inverse).floor() as i32 as u32);
        let key = (cell(x) << 32) | cell(y);
        if key == EMPTY { EMPTY - 1 } else { key }
    }

    fn insert(&mut self, x: f64, y: f64) {
        let key = self.key(x, y);
        if key == self.last {
            return;
        }
        self.last = key;
        self.insert_key(key);
        if self.used > MAX_CELLS {
            self.coarsen();
        }
    }

    fn insert_key(&mut self, key: u64) {
        let mask = self.slots.len() - 1;
        let mut at = slot_of(key, mask);
        loop {
            match self.slots.get_mut(at) {
                Some(slot) if *slot == key => return,
                Some(slot) if *slot == EMPTY => {
                    *slot = key;
                    break;
                }
                Some(_) => at = (at + 1) & mask,
                None => return,
            }
        }
        self.used += 1;
        if self.used * 2 > self.slots.len() {
            self.rebuild(self.slots.len() * 2, |key| key);
        }
    }

    fn rebuild(&mut self, len: usize, of: impl Fn(u64) -> u64) {
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; len]);
        self.used = 0;
        old.into_iter().filter(|&key| key != EMPTY).for_each(|key| self.insert_key(of(key)));
    }

    fn coarsen(&mut self) {
        self.edge *= 2.0;
        self.inverse = 1.0 / self.edge;
        self.last = EMPTY;
        let half = |key: u64| {
            let half = |v: u32| u64::from(((v as i32) >> 1) as u32);
            let key = (half((key >> 32) as u32) << 32) | half(key as u32);
            if key == EMPTY { EMPTY - 1 } else { key }
        };
        self.rebuild(1 << 10, half);
    }

    fn area(&self) -> f64 {
        self.used as f64 * self.edge * self.edge
    }
}

/// The points of one cloud.
pub(crate) struct Cloud {
    /// Points that are there, whether or not they have a position.
    pub points: u64,
    /// Points whose position is a number.
    pub placed: u64,
    min: [f64; 3],
    max: [f64; 3],
    samples: Vec<[f64; 3]>,
    stride: u64,
    next: u64,
    cells: Cells,
    crs: Crs,
}

impl Cloud {
    pub(crate) fn new(crs: Crs) -> Self {
        let edge = match crs.frame {
            Some(Frame::Geodetic) => 1.0 / DEGREE_M,
            _ => 1.0 / crs.unit_m,
        };
        Cloud {
            points: 0,
            placed: 0,
            min: [f64::INFINITY; 3],
            max: [f64::NEG_INFINITY; 3],
            samples: Vec::new(),
            stride: 1,
            next: 0,
            cells: Cells::new(edge),
            crs,
        }
    }

    /// The next point.
    #[inline]
    pub(crate) fn add(&mut self, p: [f64; 3]) {
        self.points += 1;
        if !(p[0].is_finite() && p[1].is_finite() && p[2].is_finite()) {
            return;
        }
        for ((min, max), v) in self.min.iter_mut().zip(&mut self.max).zip(p) {
            *min = min.min(v);
            *max = max.max(v);
        }
        self.cells.insert(p[0], p[1]);
        if self.placed == self.next {
            self.sample(p);
        }
        self.placed += 1;
    }

    #[cold]
    fn sample(&mut self, p: [f64; 3]) {
        if self.samples.len() == MAX_SAMPLES {
            // Every second one stays, so that what is kept is spread over the points whatever their number.
            let mut odd = false;
            self.samples.retain(|_| {
                odd = !odd;
                odd
            });
            self.stride *= 2;
            self.next = self.samples.len() as u64 * self.stride;
            if self.placed != self.next {
                return;
            }
        }
        self.samples.push(p);
        self.next = self.placed + self.stride;
    }

    /// Least and greatest coordinates, where there is a point.
    pub(crate) fn bounds(&self) -> Option<([f64; 3], [f64; 3])> {
        (self.placed > 0).then_some((self.min, self.max))
    }

    /// What is told of it. Without a declared system, coordinates within reach of a sensor are local ones.
    pub(crate) fn spatial(mut self) -> Spatial {
        let mut item = Spatial::new(kinds::GEO_POINT_CLOUD).with("points", self.points);
        let bounds = self.bounds();
        // What a neighbour tells is no proof: no projection has its places within reach of its origin.
        let doubtful = self.crs.text.is_none() || (self.crs.sidecar && self.crs.frame == Some(Frame::Projected));
        if doubtful
            && let Some((min, max)) = bounds
            && min.iter().chain(&max).all(|v| v.abs() < LOCAL_REACH)
        {
            self.crs = Crs::local();
        }
        if let Some((min, max)) = bounds {
            item.extent = Some([min[0], min[1], max[0], max[1]]);
            item = item.with("z_min", round(min[2])).with("z_max", round(max[2]));
            // Square metres of the cells, no more than the rectangle around the points has.
            let (kx, ky) = match self.crs.frame {
                Some(Frame::Geodetic) => (DEGREE_M * ((min[1] + max[1]) / 2.0).to_radians().cos().abs(), DEGREE_M),
                _ => (self.crs.unit_m, self.crs.unit_m),
            };
            let scale = kx * ky;
            let rectangle = (max[0] - min[0]) * (max[1] - min[1]) * scale;
            let mut area = self.cells.area() * scale;
            if rectangle > 0.0 {
                area = area.min(rectangle);
            }
            if self.crs.frame != Some(Frame::Ecef) && area > 0.0 && self.placed > 1 {
                item = item.with("area_m2", round(area)).with("density_per_m2", round(self.placed as f64 / area));
            }
        }
        if self.points > self.placed {
            item = item.with("points_without_position", self.points - self.placed);
        }
        item = self.crs.tell(item);
        item.crs = self.crs.text;
        item.samples = self.samples;
        item
    }
}

/// Three digits after the point are enough for areas and densities, and read better.
pub(crate) fn round(v: f64) -> f64 {
    if v.abs() < 1e9 { (v * 1000.0).round() / 1000.0 } else { v.round() }
}

/// Smallest step of 32-bit floats of this size, as a resolution of coordinates.
pub(crate) fn float_step(max: f64) -> Option<f64> {
    let max = max.abs();
    (max.is_finite() && max > 0.0).then(|| 2f64.powi(max.log2().floor() as i32 - 23))
}

/// The system that the neighbours tell, where the format itself tells none; asked for at the first inspection.
pub(crate) fn neighbours_crs(to: &mut Container<'_>, context: &Context) -> Result<Crs, InspectError> {
    if let Some(text) = context.facts("crs").find_map(Value::as_str) {
        let mut crs = Crs::of_text(text);
        crs.sidecar = true;
        return Ok(crs);
    }
    to.send(Message::Need(Need { key: "crs".into() }))?;
    Ok(Crs::default())
}

fn header(artifact: &Artifact, stream: u32, kind: EvidenceKind) -> EvidenceHeader {
    EvidenceHeader {
        stream,
        kind,
        format: artifact.format.into(),
        name: artifact.name.clone(),
        properties: std::collections::BTreeMap::new(),
    }
}

/// Stream of the things with a place.
const SPATIAL_STREAM: u32 = 120;
/// Stream of positions.
const FIX_STREAM: u32 = 121;

/// Sends things with a place as one stream.
pub(crate) fn send_spatial(
    to: &mut Container<'_>,
    artifact: &Artifact,
    items: Vec<Spatial>,
) -> Result<(), InspectError> {
    if items.is_empty() || to.stopped() {
        return Ok(());
    }
    to.send(Message::Evidence(header(artifact, SPATIAL_STREAM, EvidenceKind::Spatial)))?;
    to.send(Message::Batch { stream: SPATIAL_STREAM, batch: Batch::Spatial(SpatialBatch { items }) })?;
    Ok(to.send(Message::EvidenceEnd { stream: SPATIAL_STREAM })?)
}

/// Positions of one source, sent in batches.
pub(crate) struct Fixes {
    open: bool,
    batch: Vec<Fix>,
}

impl Fixes {
    const BATCH: usize = 65_536;

    pub(crate) fn new() -> Self {
        Fixes { open: false, batch: Vec::new() }
    }

    pub(crate) fn push(
        &mut self,
        to: &mut Container<'_>,
        artifact: &Artifact,
        crs: &str,
        fix: Fix,
    ) -> Result<(), InspectError> {
        if !self.open {
            self.open = true;
            let mut header = header(artifact, FIX_STREAM, EvidenceKind::Fixes);
            header.properties.insert("crs".into(), crs.into());
            header.properties.insert("source".into(), "receiver".into());
            to.send(Message::Evidence(header))?;
        }
        self.batch.push(fix);
        if self.batch.len() >= Self::BATCH { self.flush(to) } else { Ok(()) }
    }

    fn flush(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        let fixes = std::mem::take(&mut self.batch);
        Ok(to.send(Message::Batch { stream: FIX_STREAM, batch: Batch::Fixes(FixBatch { fixes }) })?)
    }

    pub(crate) fn finish(mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        if !self.open || to.stopped() {
            return Ok(());
        }
        if !self.batch.is_empty() {
            self.flush(to)?;
        }
        Ok(to.send(Message::EvidenceEnd { stream: FIX_STREAM })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn area_and_density_are_of_the_covered_cells() {
        // Two fields of 20 m by 20 m far apart, 4 points a square metre.
        let mut cloud = Cloud::new(Crs::of_text("EPSG:32650"));
        for corner in [0.0, 5000.0] {
            for i in 0..40 {
                for j in 0..40 {
                    cloud.add([448_000.0 + corner + f64::from(i) / 2.0, 4_417_000.0 + f64::from(j) / 2.0, 50.0]);
                }
            }
        }
        cloud.add([f64::NAN, 1.0, 1.0]);
        let item = cloud.spatial();
        assert_eq!(item.properties["points"], 3201);
        assert_eq!(item.properties["points_without_position"], 1);
        assert_eq!(item.properties["area_m2"], 800.0);
        assert_eq!(item.properties["density_per_m2"], 4.0);
        assert_eq!(item.crs.as_deref(), Some("EPSG:32650"));
        assert_eq!(item.properties["frame"], "projected");
    }

    #[test]
    fn small_numbers_are_a_local_frame_and_large_ones_are_not() {
        let crs = |x: f64| {
            let mut cloud = Cloud::new(Crs::default());
            cloud.add([x, 2.0, 3.0]);
            cloud.add([x + 1.0, 2.5, 3.0]);
            cloud.spatial().crs
        };
        let mut beside = Cloud::new(Crs { sidecar: true, ..Crs::of_text("EPSG:4527") });
        beside.add([12.0, 2.0, 3.0]);
        assert_eq!(beside.spatial().crs.as_deref(), Some("local"));
        assert_eq!(crs(12.0).as_deref(), Some("local"));
        assert_eq!(crs(448_000.0), None);
    }

    #[test]
    fn coarser_cells_still_tell_the_area() {
        let mut cells = Cells::new(1.0);
        let edge = 1200;
        for i in -edge / 2..edge / 2 {
            for j in 0..edge {
                cells.insert(f64::from(i) + 0.5, f64::from(j) + 0.5);
            }
        }
        assert!(cells.used <= MAX_CELLS && cells.edge > 1.0);
        assert_eq!(cells.area(), f64::from(edge) * f64::from(edge));
    }

    proptest! {
        #[test]
        fn samples_are_spread_over_the_whole(n in 1u64..40_000) {
            let mut cloud = Cloud::new(Crs::local());
            for i in 0..n {
                cloud.add([i as f64, 0.0, 0.0]);
            }
            let samples = cloud.spatial().samples;
            prop_assert!(samples.len() <= MAX_SAMPLES);
            prop_assert!(samples.len() as u64 >= n.min(MAX_SAMPLES as u64 / 2));
            let gap = samples.windows(2).map(|w| w[1][0] - w[0][0]).fold(0.0, f64::max);
            let last = samples.last().map_or(0.0, |s| s[0]);
            prop_assert!(gap <= (n / 2048 + 1) as f64 && n as f64 - last <= 2.0 * gap.max(1.0));
        }
    }
}
