//! Positions by topic, structure and frame, gathered and sent in batches.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use yumen_model::{Batch, EvidenceHeader, EvidenceKind, Fix, FixBatch, Inspection, InspectionExt, Message, Stop};

use crate::groups::{Crs, Source, hash};

/// A track is sent when it holds so many positions, all of them when together they hold more.
const BATCH: usize = 4096;
const ALL: usize = 128 << 10;
/// More frames than this of a recording are not told apart.
const MAX_TRACKS: usize = 4096;
/// So many tracks keep samples for what is tied to them.
const MAX_SAMPLED: usize = 256;
/// Positions of the longest path that is kept.
const MAX_PATH: usize = 16 << 10;

/// The name of an artifact's format and its own, for the headers of streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) format: &'static str,
    pub(crate) name: String,
}

impl Origin {
    pub(crate) fn header(&self, stream: u32, kind: EvidenceKind) -> EvidenceHeader {
        EvidenceHeader {
            stream,
            kind,
            format: self.format.into(),
            name: self.name.clone(),
            properties: BTreeMap::new(),
        }
    }
}

/// Positions spread over a stream: every one at first, then every second, fourth…
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    step: u64,
    seen: u64,
    pub(crate) list: Vec<[f64; 3]>,
}

impl Default for Samples {
    fn default() -> Self {
        Samples { step: 1, seen: 0, list: Vec::new() }
    }
}

impl Samples {
    pub(crate) fn add(&mut self, p: [f64; 3]) {
        if self.seen.is_multiple_of(self.step) {
            if self.list.len() >= yumen_model::spatial::MAX_SAMPLES {
                let mut i = 0;
                self.list.retain(|_| {
                    i += 1;
                    i % 2 == 1
                });
                self.step *= 2;
            }
            if self.seen.is_multiple_of(self.step) {
                self.list.push(p);
            }
        }
        self.seen += 1;
    }
}

/// What tells a track from others.
#[derive(Clone, Debug)]
pub(crate) struct Key<'a> {
    pub(crate) topic: u32,
    pub(crate) group: (u32, u32),
    pub(crate) frame: &'a str,
    pub(crate) child: &'a str,
}

/// What is told of a track at its beginning.
#[derive(Clone, Debug)]
pub(crate) struct About<'a> {
    pub(crate) topic_name: &'a str,
    /// Type and path of the structure.
    pub(crate) name: &'a str,
    pub(crate) path: &'a str,
    pub(crate) source: Source,
    /// None: degrees.
    pub(crate) crs: Option<Crs>,
    /// Degrees that the type says to be of WGS-84.
    pub(crate) wgs84: bool,
}

#[derive(Debug)]
struct Track {
    topic: String,
    properties: BTreeMap<String, Value>,
    metres: Option<Crs>,
    crs: Option<String>,
    buffer: Vec<Fix>,
    stream: Option<u32>,
    count: u64,
    samples: Samples,
    path: Vec<Fix>,
    source: Source,
}

/// Positions that clouds and inertial data are tied to.
#[derive(Clone, Debug)]
pub(crate) struct Tie {
    pub(crate) topic: String,
    pub(crate) crs: Option<String>,
    pub(crate) samples: Vec<[f64; 3]>,
}

/// Topic, group, hashes of frame and child frame.
type Id = (u32, (u32, u32), u64, u64);

/// The tracks of a recording.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    list: Vec<Track>,
    index: HashMap<Id, usize>,
    last: Option<(Id, usize)>,
    buffered: usize,
    first: u32,
    /// The origin of local frames, where the recording tells one.
    pub(crate) origin: Option<Value>,
}

impl Tracks {
    pub(crate) fn new(first: u32) -> Self {
        Tracks { first, ..Tracks::default() }
    }

    /// The track of a key.
    pub(crate) fn track(&mut self, key: &Key<'_>, about: &About<'_>) -> usize {
        let mut id = (key.topic, key.group, hash(key.frame.as_bytes()), hash(key.child.as_bytes()));
        if let Some((last, n)) = self.last
            && last == id
        {
            return n;
        }
        if !self.index.contains_key(&id) && self.list.len() >= MAX_TRACKS {
            id = (u32::MAX, (0, u32::from(about.crs.is_some())), 0, 0);
        }
        let n = match self.index.get(&id) {
            Some(&n) => n,
            None => {
                let mut properties: BTreeMap<String, Value> =
                    [("topic".to_owned(), json!(about.topic_name)), ("source".to_owned(), json!(about.source.name()))]
                        .into();
                let name = if about.path.is_empty() {
                    about.name.to_owned()
                } else {
                    format!("{}:{}", about.name, about.path)
                };
                properties.insert("name".to_owned(), json!(name));
                for (name, value) in [("frame_id", key.frame), ("child_frame_id", key.child)] {
                    if !value.is_empty() {
                        properties.insert(name.to_owned(), json!(value));
                    }
                }
                let frame = key.frame.trim_start_matches('/');
                let crs = match about.crs {
                    None => about.wgs84.then(|| "wgs84".to_owned()),
                    Some(Crs::Ecef) => Some("ecef".to_owned()),
                    Some(_) if matches!(frame, "earth" | "ecef" | "ECEF") => Some("ecef".to_owned()),
                    Some(_) => Some("local".to_owned()),
                };
                let metres = match about.crs {
                    Some(Crs::Local) if frame.eq_ignore_ascii_case("utm") => Some(Crs::Utm),
                    other => other,
                };
                self.list.push(Track {
                    topic: about.topic_name.to_owned(),
                    properties,
                    metres,
                    crs,
                    buffer: Vec::new(),
                    stream: None,
                    count: 0,
                    samples: Samples::default(),
                    path: Vec::new(),
                    source: about.source,
                });
                self.index.insert(id, self.list.len() - 1);
                self.list.len() - 1
            }
        };
        self.last = Some((id, n));
        n
    }

    /// Adds a position.
    pub(crate) fn add(&mut self, track: usize, fix: Fix) {
        let Some(t) = self.list.get_mut(track) else { return };
        t.count += 1;
        if track < MAX_SAMPLED && t.crs.as_deref() != Some("local") && t.source != Source::Object {
            t.samples.add([fix.x, fix.y, fix.z.unwrap_or(0.0)]);
        }
        t.buffer.push(fix);
        self.buffered += 1;
    }

    /// Keeps a path if it is the longest so far: it is told once, at the end.
    pub(crate) fn path(&mut self, track: usize, fixes: &[Fix]) {
        if let Some(t) = self.list.get_mut(track)
            && fixes.len() > t.path.len()
        {
            t.path.clear();
            t.path.extend(fixes.iter().take(MAX_PATH));
        }
    }

    /// Sends what is full.
    pub(crate) fn flush(&mut self, track: Option<usize>, by: &Origin, out: &mut dyn Inspection) -> Result<(), Stop> {
        if let Some(n) = track
            && self.list.get(n).is_some_and(|t| t.buffer.len() >= BATCH)
        {
            self.send(n, by, out)?;
        }
        if self.buffered > ALL {
            for n in 0..self.list.len() {
                self.send(n, by, out)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, n: usize, by: &Origin, out: &mut dyn Inspection) -> Result<(), Stop> {
        if self.list[n].buffer.is_empty() {
            return Ok(());
        }
        let zone = if self.list[n].metres == Some(Crs::Utm) { self.utm() } else { None };
        let t = &mut self.list[n];
        let stream = match t.stream {
            Some(stream) => stream,
            None => {
                let stream = self.first + n as u32;
                let mut header = by.header(stream, EvidenceKind::Fixes);
                header.properties = std::mem::take(&mut t.properties);
                if t.metres == Some(Crs::Utm) {
                    t.crs = Some(zone.unwrap_or_else(|| "local".to_owned()));
                    header.properties.insert("projection".to_owned(), json!("utm"));
                }
                if let Some(crs) = &t.crs {
                    header.properties.insert("crs".to_owned(), json!(crs));
                }
                if t.crs.as_deref() == Some("local")
                    && let Some(origin) = &self.origin
                {
                    header.properties.insert("origin".to_owned(), origin.clone());
                }
                out.send(Message::Evidence(header))?;
                t.stream = Some(stream);
                stream
            }
        };
        self.buffered -= t.buffer.len();
        for piece in t.buffer.chunks(32 << 10) {
            out.batch(stream, Batch::Fixes(FixBatch { fixes: piece.to_vec() }))?;
        }
        t.buffer.clear();
        Ok(())
    }

    /// The UTM zone of the recording, from the positions in degrees that it has.
    fn utm(&self) -> Option<String> {
        let tie = self.list.iter().filter(|t| t.metres.is_none()).max_by_key(|t| t.count)?;
        let [lon, lat, _] = *tie.samples.list.first()?;
        let zone = (((lon + 180.0) / 6.0).floor() as i64).clamp(0, 59) + 1;
        Some(format!("EPSG:{}", if lat < 0.0 { 32700 + zone } else { 32600 + zone }))
    }

    /// Sends all that is left and ends the streams.
    pub(crate) fn finish(&mut self, by: &Origin, out: &mut dyn Inspection) -> Result<(), Stop> {
        for n in 0..self.list.len() {
            let path = std::mem::take(&mut self.list[n].path);
            self.buffered += path.len();
            self.list[n].buffer.extend(path);
            self.send(n, by, out)?;
            if let Some(stream) = self.list[n].stream {
                out.send(Message::EvidenceEnd { stream })?;
            }
        }
        Ok(())
    }

    /// The positions of the recording's main receiver: the one with most of them, degrees before metres of the earth.
    pub(crate) fn tie(&self) -> Option<Tie> {
        let best = self
            .list
            .iter()
            .filter(|t| !t.samples.list.is_empty() && t.source != Source::Object && t.source != Source::Path)
            .max_by_key(|t| (t.metres.is_none(), t.count))?;
        // Degrees are degrees, whatever datum they are on.
        let crs = best.crs.clone().or_else(|| best.metres.is_none().then(|| "geographic".to_owned()));
        Some(Tie { topic: best.topic.clone(), crs, samples: best.samples.list.clone() })
    }

    /// Positions sent or held, by topic.
    pub(crate) fn places_of(&self, topic: &str) -> u64 {
        self.list.iter().filter(|t| t.topic == topic && t.metres.is_none()).map(|t| t.count).sum()
    }
}

/// Geodetic coordinates (longitude, latitude in degrees, height) of a place in the earth's frame: Bowring's formula.
pub(crate) fn geodetic([x, y, z]: [f64; 3]) -> Option<[f64; 3]> {
    const A: f64 = 6_378_137.0;
    const F: f64 = 1.0 / 298.257_223_563;
    let (b, e2) = (A * (1.0 - F), F * (2.0 - F));
    let p = x.hypot(y);
    let r = p.hypot(z);
    if !(6.3e6..6.5e6).contains(&r) {
        return None;
    }
    let theta = (z * A).atan2(p * b);
    let (s, c) = theta.sin_cos();
    let lat = (z + e2 / (1.0 - e2) * b * s.powi(3)).atan2(p - e2 * A * c.powi(3));
    let n = A / (1.0 - e2 * lat.sin().powi(2)).sqrt();
    // Near the poles the height follows from z.
    let h = if lat.cos().abs() > 1e-6 { p / lat.cos() - n } else { z.abs() - b };
    Some([y.atan2(x).to_degrees(), lat.to_degrees(), h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_and_bounded() {
        let mut s = Samples::default();
        (0..1_000_000).for_each(|i| s.add([f64::from(i), 0.0, 0.0]));
        assert!(s.list.len() <= 4096 && s.list.len() > 1500);
        assert!(s.list.windows(2).all(|w| w[1][0] - w[0][0] == s.step as f64));
    }

    #[test]
    fn the_earths_frame_becomes_degrees() {
        let [lon, lat, h] = geodetic([-2_178_844.3, 4_388_330.6, 4_070_038.3]).unwrap();
        assert!((lon - 116.404).abs() < 0.01 && (lat - 39.90).abs() < 0.03 && h.abs() < 2000.0, "{lon} {lat} {h}");
        assert_eq!(geodetic([1.0, 2.0, 3.0]), None);
    }
}
