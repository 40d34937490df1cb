//! What the readers of maps share: positions spread over the whole, extents and lengths, and the messages that tell of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use yumen_model::kind::kinds;
use yumen_model::spatial::MAX_SAMPLES;
use yumen_model::{
    Artifact, Batch, EvidenceHeader, EvidenceKind, Fix, FixBatch, InspectError, Inspection, InspectionExt,
    InventoryBatch, InventoryItem, KindId, Message, Spatial, SpatialBatch,
};

/// Numbers of the streams; readers of XML and text use those below 100.
const INVENTORY_STREAM: u32 = 2;
const SPATIAL_STREAM: u32 = 200;
const FIX_STREAM: u32 = 201;
/// Most positions of one batch.
const FIX_BATCH: usize = 16 << 10;

/// Positions spread over the whole in constant memory: every n-th is kept, n doubles when there are too many. The extent is of all.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    samples: Vec<[f64; 3]>,
    every: u64,
    seen: u64,
    extent: Option<[f64; 4]>,
}

impl Default for Spread {
    fn default() -> Self {
        Spread { samples: Vec::new(), every: 1, seen: 0, extent: None }
    }
}

#[allow(dead_code)]
impl Spread {
    /// Adds a position. What is no number is none.
    pub(crate) fn add(&mut self, x: f64, y: f64, z: f64) {
        if !x.is_finite() || !y.is_finite() {
            return;
        }
        self.widen(x, y);
        if self.seen.is_multiple_of(self.every) {
            if self.samples.len() >= MAX_SAMPLES {
                let mut odd = false;
                self.samples.retain(|_| {
                    odd = !odd;
                    odd
                });
                self.every *= 2;
            }
            if self.seen.is_multiple_of(self.every) {
                self.samples.push([x, y, if z.is_finite() { z } else { 0.0 }]);
            }
        }
        self.seen += 1;
    }

    /// Widens the extent without a sample (a declared bounding box).
    pub(crate) fn widen(&mut self, x: f64, y: f64) {
        if !x.is_finite() || !y.is_finite() {
            return;
        }
        let e = self.extent.get_or_insert([x, y, x, y]);
        *e = [e[0].min(x), e[1].min(y), e[2].max(x), e[3].max(y)];
    }

    /// How many positions were added.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// West, south, east, north of all.
    pub(crate) fn extent(&self) -> Option<[f64; 4]> {
        self.extent
    }

    /// The positions kept.
    pub(crate) fn samples(&self) -> &[[f64; 3]] {
        &self.samples
    }

    /// The same after a change of coordinates.
    pub(crate) fn moved(&self, by: impl Fn(f64, f64) -> (f64, f64)) -> Spread {
        let samples = self.samples.iter().map(|&[x, y, z]| {
            let (x, y) = by(x, y);
            [x, y, z]
        });
        let extent = self.extent.map(|[w, s, e, n]| {
            let corners = [by(w, s), by(e, n), by(w, n), by(e, s)];
            let fold = |f: fn(f64, f64) -> f64, v: [f64; 4]| v.into_iter().reduce(f).unwrap_or(0.0);
            let (xs, ys) = (corners.map(|c| c.0), corners.map(|c| c.1));
            [fold(f64::min, xs), fold(f64::min, ys), fold(f64::max, xs), fold(f64::max, ys)]
        });
        Spread { samples: samples.collect(), every: self.every, seen: self.seen, extent }
    }

    /// A thing with these positions.
    pub(crate) fn into_spatial(self, kind: KindId, crs: Option<String>) -> Spatial {
        Spatial { crs, samples: self.samples, extent: self.extent, ..Spatial::new(kind) }
    }

    /// A `geo.map` with these positions.
    pub(crate) fn into_map(self, crs: Option<String>) -> Spatial {
        self.into_spatial(kinds::GEO_MAP, crs)
    }
}

/// Words for a property, each once, in order of the alphabet, so many at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words(BTreeSet<String>);

#[allow(dead_code)]
impl Words {
    const MOST: usize = 50;

    pub(crate) fn add(&mut self, word: &str) {
        let word = word.trim();
        if !word.is_empty() && self.0.len() < Self::MOST && !self.0.contains(word) {
            self.0.insert(word[..word.floor_char_boundary(200)].to_owned());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn value(&self) -> Value {
        Value::Array(self.0.iter().map(|w| Value::from(w.as_str())).collect())
    }
}

/// Counts by the name that the map's properties give them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(BTreeMap<&'static str, u64>);

#[allow(dead_code)]
impl Counts {
    pub(crate) fn add(&mut self, name: &'static str) {
        self.add_many(name, 1);
    }

    pub(crate) fn add_many(&mut self, name: &'static str, n: u64) {
        *self.0.entry(name).or_default() += n;
    }

    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Puts the counts into a map's properties: those of `always` also when they are 0. `layers` lists those that are not 0.
    pub(crate) fn fill(&self, item: &mut Spatial, always: &[&str]) {
        for name in always {
            item.properties.insert((*name).to_owned(), self.get(name).into());
        }
        for (name, n) in &self.0 {
            item.properties.insert((*name).to_owned(), (*n).into());
        }
        let layers = self.0.iter().filter(|(_, n)| **n > 0).map(|(name, _)| Value::from(*name));
        item.properties.entry("layers".to_owned()).or_insert_with(|| layers.collect());
    }
}

/// Sets a property unless it says nothing.
#[allow(dead_code)]
pub(crate) fn tell(item: &mut Spatial, name: &str, value: impl Into<Value>) {
    let value = value.into();
    let empty = match &value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    if !empty {
        item.properties.insert(name.to_owned(), value);
    }
}

/// A length in kilometres, to the metre.
#[allow(dead_code)]
pub(crate) fn km(metres: f64) -> Value {
    if metres.is_finite() { ((metres).round() / 1000.0).into() } else { Value::Null }
}

/// Metres between two positions in degrees, on a sphere.
#[allow(dead_code)]
pub(crate) fn distance(lon: f64, lat: f64, to_lon: f64, to_lat: f64) -> f64 {
    let (a, b) = (lat.to_radians(), to_lat.to_radians());
    let h = ((b - a) / 2.0).sin().powi(2) + a.cos() * b.cos() * ((to_lon - lon).to_radians() / 2.0).sin().powi(2);
    2.0 * 6_371_008.8 * h.sqrt().min(1.0).asin()
}

fn header(artifact: &Artifact, stream: u32, kind: EvidenceKind) -> EvidenceHeader {
    EvidenceHeader {
        stream,
        kind,
        format: artifact.format.into(),
        name: artifact.name.clone(),
        properties: BTreeMap::new(),
    }
}

/// Sends things with a place; once an artifact.
#[allow(dead_code)]
pub(crate) fn send_spatial(
    artifact: &Artifact,
    items: Vec<Spatial>,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    if items.is_empty() {
        return Ok(());
    }
    out.send(Message::Evidence(header(artifact, SPATIAL_STREAM, EvidenceKind::Spatial)))?;
    out.batch(SPATIAL_STREAM, Batch::Spatial(SpatialBatch { items }))?;
    Ok(out.send(Message::EvidenceEnd { stream: SPATIAL_STREAM })?)
}

/// Sends what is there; once an artifact, and not beside a `Container` that has inventory of its own.
#[allow(dead_code)]
pub(crate) fn send_inventory(
    artifact: &Artifact,
    items: Vec<InventoryItem>,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    if items.is_empty() {
        return Ok(());
    }
    out.send(Message::Evidence(header(artifact, INVENTORY_STREAM, EvidenceKind::Inventory)))?;
    out.batch(INVENTORY_STREAM, Batch::Inventory(InventoryBatch { items }))?;
    Ok(out.send(Message::EvidenceEnd { stream: INVENTORY_STREAM })?)
}

/// Positions in stream order of one source. Nothing is sent before the first.
#[derive(Debug)]
#[allow(dead_code)]
pub(crate) struct Fixes {
    stream: u32,
    properties: BTreeMap<String, Value>,
    open: bool,
    fixes: Vec<Fix>,
}

#[allow(dead_code)]
impl Fixes {
    /// The `n`th source of an artifact, in a reference system.
    pub(crate) fn new(n: u32, source: &str, crs: Option<&str>) -> Self {
        let mut properties: BTreeMap<String, Value> = [("source".to_owned(), source.into())].into();
        if let Some(crs) = crs {
            properties.insert("crs".to_owned(), crs.into());
        }
        Fixes { stream: FIX_STREAM + n, properties, open: false, fixes: Vec::new() }
    }

    /// Tells more of the source; before the first position is sent.
    pub(crate) fn tell(&mut self, name: &str, value: &str) {
        self.properties.insert(name.to_owned(), value.into());
    }

    /// Adds a position.
    pub(crate) fn add(&mut self, artifact: &Artifact, fix: Fix, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if fix.x.is_finite() && fix.y.is_finite() {
            self.fixes.push(fix);
            if self.fixes.len() >= FIX_BATCH {
                self.flush(artifact, out)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if self.fixes.is_empty() {
            return Ok(());
        }
        if !self.open {
            self.open = true;
            let mut header = header(artifact, self.stream, EvidenceKind::Fixes);
            header.properties = self.properties.clone();
            out.send(Message::Evidence(header))?;
        }
        let fixes = std::mem::take(&mut self.fixes);
        Ok(out.batch(self.stream, Batch::Fixes(FixBatch { fixes }))?)
    }

    /// Sends what is left and ends the stream.
    pub(crate) fn finish(mut self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.flush(artifact, out)?;
        if self.open {
            out.send(Message::EvidenceEnd { stream: self.stream })?;
        }
        Ok(())
    }
}

/// A number for a name, the same in every run: tells objects apart.
#[allow(dead_code)]
pub(crate) fn entity(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn samples_are_spread_and_bounded(n in 1u64..40_000) {
            let mut spread = Spread::default();
            for i in 0..n {
                spread.add(i as f64, -(i as f64), f64::NAN);
            }
            let last = (n - 1) as f64;
            prop_assert_eq!(spread.extent(), Some([0.0, -last, last, 0.0]));
            let kept = spread.samples();
            prop_assert!(kept.len() <= MAX_SAMPLES && kept.len() as u64 >= n.min(MAX_SAMPLES as u64 / 2));
            prop_assert!(kept.windows(2).all(|w| (w[1][0] - w[0][0] - (kept[1][0] - kept[0][0])).abs() < 1e-9));
            prop_assert!(last - kept[kept.len() - 1][0] < n as f64 / 1000.0 + 1.0);
        }
    }

    #[test]
    fn distances_are_those_on_earth() {
        let d = distance(116.397, 39.908, 121.4737, 31.2304);
        assert!((d - 1_068_000.0).abs() < 3_000.0, "{d}");
    }
}
