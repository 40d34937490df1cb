//! What a reader of recordings tells: positions, motion, records, beside what [`Container`] takes.

use std::collections::BTreeMap;

use serde_json::Value;
use yumen_kit_container::Container;
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::kind::kinds;
use yumen_model::spatial::MAX_SAMPLES;
use yumen_model::{
    Artifact, Batch, ChildMeta, EvidenceHeader, EvidenceKind, Fix, FixBatch, InspectError, Inspection, Message,
    RawBatch, Spatial, SpatialBatch, Stop,
};

/// Streams of positions are numbered from here.
const FIRST_STREAM: u32 = 100;
const SPATIAL_STREAM: u32 = 99;
const RAW_STREAM: u32 = 98;
/// Positions are sent in batches of so many.
const BATCH: usize = 4096;
/// A source that may be none is believed once so many of its positions lie together.
const BELIEVED: usize = 5;
/// Most sources of positions of one artifact.
const MAX_SOURCES: usize = 4096;

/// Where all is sent.
pub(crate) struct Out<'a> {
    pub(crate) to: Container<'a>,
    pub(crate) artifact: &'a Artifact,
    records: RecordWriter,
    sources: Vec<FixSource>,
    motions: Vec<Motion>,
    spatial: Vec<Spatial>,
    raw_open: bool,
}

/// Number of a source of positions.
pub(crate) type SourceId = usize;

struct FixSource {
    stream: u32,
    name: String,
    crs: Option<&'static str>,
    topic: Option<String>,
    opened: bool,
    /// Not yet believed.
    doubtful: bool,
    batch: Vec<Fix>,
    samples: Spread,
}

/// Values of one source, spread over the whole, of bounded number.
#[derive(Default)]
pub(crate) struct Spread {
    kept: Vec<[f64; 3]>,
    stride: u64,
    seen: u64,
}

impl Spread {
    pub(crate) fn add(&mut self, value: [f64; 3]) {
        self.stride = self.stride.max(1);
        if self.seen.is_multiple_of(self.stride) {
            if self.kept.len() >= MAX_SAMPLES {
                let mut i = 0;
                self.kept.retain(|_| {
                    i += 1;
                    i % 2 == 1
                });
                self.stride *= 2;
            }
            if self.seen.is_multiple_of(self.stride) {
                self.kept.push(value);
            }
        }
        self.seen += 1;
    }
}

/// Name, reference system and positions of a source that others are tied to.
type Anchor = (String, Option<&'static str>, Vec<[f64; 3]>);

/// A source of accelerations or angular rates.
#[derive(Default)]
struct Motion {
    name: String,
    signals: Vec<String>,
    messages: u64,
    first: f64,
    last: f64,
}

/// The container as a plain receiver, for writers that ask for one.
struct Through<'c, 'a>(&'c mut Container<'a>);

impl Inspection for Through<'_, '_> {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        self.0.send(message)
    }
}

impl<'a> Out<'a> {
    pub(crate) fn new(artifact: &'a Artifact, out: &'a mut dyn Inspection) -> Self {
        Out {
            to: Container::new(artifact, out),
            artifact,
            records: RecordWriter::new(artifact),
            sources: Vec::new(),
            motions: Vec::new(),
            spatial: Vec::new(),
            raw_open: false,
        }
    }

    /// A new source of positions. A doubtful one is told only when its first positions lie together.
    pub(crate) fn source(
        &mut self,
        name: &str,
        topic: Option<&str>,
        crs: Option<&'static str>,
        doubtful: bool,
    ) -> SourceId {
        if self.sources.len() < MAX_SOURCES {
            self.sources.push(FixSource {
                stream: FIRST_STREAM + u32::try_from(self.sources.len()).unwrap_or(0),
                name: name.chars().take(200).collect(),
                crs,
                topic: topic.map(|t| t.chars().take(200).collect()),
                opened: false,
                doubtful,
                batch: Vec::new(),
                samples: Spread::default(),
            });
        }
        self.sources.len() - 1
    }

    /// A position in degrees. One that is none (not finite, out of range, at 0,0) is passed over.
    pub(crate) fn fix(&mut self, source: SourceId, fix: Fix) -> Result<(), InspectError> {
        let ecef = self.sources.get(source).is_some_and(|s| s.crs == Some("ecef"));
        let fits = fix.x.is_finite() && fix.y.is_finite() && (fix.x != 0.0 || fix.y != 0.0);
        if !fits || !ecef && (fix.x.abs() > 180.0 || fix.y.abs() > 90.0 || fix.x.abs() + fix.y.abs() < 1e-5) {
            return Ok(());
        }
        let Some(s) = self.sources.get_mut(source) else { return Ok(()) };
        s.samples.add([fix.x, fix.y, fix.z.unwrap_or(0.0)]);
        s.batch.push(fix);
        if s.doubtful && s.batch.len() >= BELIEVED * 4 {
            if together(&s.batch) {
                s.doubtful = false;
            } else {
                s.batch.drain(..BELIEVED * 2);
                s.samples = Spread::default();
            }
        }
        if s.batch.len() >= BATCH { self.flush_fixes(source) } else { Ok(()) }
    }

    fn flush_fixes(&mut self, source: SourceId) -> Result<(), InspectError> {
        let Some(s) = self.sources.get_mut(source).filter(|s| !s.batch.is_empty()) else { return Ok(()) };
        let fixes = std::mem::take(&mut s.batch);
        let stream = s.stream;
        if !std::mem::replace(&mut s.opened, true) {
            let mut properties: BTreeMap<String, Value> =
                [("source".to_owned(), "receiver".into()), ("name".to_owned(), s.name.clone().into())].into();
            if let Some(crs) = s.crs {
                properties.insert("crs".to_owned(), crs.into());
            }
            if let Some(topic) = &s.topic {
                properties.insert("topic".to_owned(), topic.clone().into());
            }
            let header = EvidenceHeader {
                stream,
                kind: EvidenceKind::Fixes,
                format: self.artifact.format.into(),
                name: self.artifact.name.clone(),
                properties,
            };
            self.to.send(Message::Evidence(header))?;
        }
        Ok(self.to.send(Message::Batch { stream, batch: Batch::Fixes(FixBatch { fixes }) })?)
    }

    /// A new source of accelerations and angular rates, with the names of its signals.
    pub(crate) fn motion(&mut self, name: &str, signals: Vec<String>) -> usize {
        self.motions.push(Motion { name: name.to_owned(), signals, ..Motion::default() });
        self.motions.len() - 1
    }

    /// Messages of a source of motion.
    pub(crate) fn moved(&mut self, motion: usize, count: u64, first: f64, last: f64) {
        if let Some(m) = self.motions.get_mut(motion) {
            if m.messages == 0 {
                m.first = first;
            }
            m.messages += count;
            m.last = m.last.max(last);
        }
    }

    /// Bytes of which nothing is known, for the sweep of raw bytes. Labels nothing.
    pub(crate) fn raw(&mut self, offset: u64, bytes: &[u8]) -> Result<(), InspectError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if !std::mem::replace(&mut self.raw_open, true) {
            let header = EvidenceHeader {
                stream: RAW_STREAM,
                kind: EvidenceKind::Raw,
                format: self.artifact.format.into(),
                name: self.artifact.name.clone(),
                properties: BTreeMap::new(),
            };
            self.to.send(Message::Evidence(header))?;
        }
        for (i, piece) in bytes.chunks(1 << 20).enumerate() {
            let batch = Batch::Raw(RawBatch { offset: offset + (i << 20) as u64, bytes: piece.into() });
            self.to.send(Message::Batch { stream: RAW_STREAM, batch })?;
        }
        Ok(())
    }

    /// Something with a place.
    pub(crate) fn spatial(&mut self, item: Spatial) {
        if self.spatial.len() < MAX_SOURCES {
            self.spatial.push(item);
        }
    }

    /// The positions that what lies on no map of its own is tied to, and the name of their source.
    fn anchor(&self) -> Option<Anchor> {
        let best = self.sources.iter().filter(|s| !s.doubtful || together(&s.batch)).max_by_key(|s| s.samples.seen);
        best.filter(|s| s.samples.seen > 0).map(|s| (s.name.clone(), s.crs, s.samples.kept.clone()))
    }

    /// A record of values that were decoded from the bytes of a range.
    pub(crate) fn record<'v>(
        &mut self,
        cells: impl IntoIterator<Item = (&'v str, &'v str)>,
        start: u64,
        end: u64,
    ) -> Result<(), InspectError> {
        for (name, value) in cells {
            let name = self.records.name(name);
            let value = &value[..value.floor_char_boundary(yumen_kit_text::MAX_CELL)];
            self.records.cell(value, name, 0, Spot { byte: start, line: 1, column: 1 }, end, false);
        }
        self.records.end_record(&mut Through(&mut self.to))?;
        if self.records.too_many_names() {
            self.records.forget_names(&mut Through(&mut self.to))?;
        }
        Ok(())
    }

    /// Sends what was kept back. Gives back the result it is given unless that fails.
    pub(crate) fn finish(mut self, result: Result<(), InspectError>) -> Result<(), InspectError> {
        if self.to.is_stopped() {
            return self.to.finish(result);
        }
        let rest = self.rest();
        let result = match rest {
            Err(e) if result.is_ok() => Err(e),
            _ => result,
        };
        self.to.finish(result)
    }

    fn rest(&mut self) -> Result<(), InspectError> {
        let anchor = self.anchor();
        for i in 0..self.sources.len() {
            if let Some(s) = self.sources.get_mut(i)
                && s.doubtful
                && !together(&s.batch)
            {
                continue;
            }
            self.flush_fixes(i)?;
            if let Some(stream) = self.sources.get(i).filter(|s| s.opened).map(|s| s.stream) {
                self.to.send(Message::EvidenceEnd { stream })?;
            }
        }
        if self.raw_open {
            self.to.send(Message::EvidenceEnd { stream: RAW_STREAM })?;
        }
        self.records.finish(&mut Through(&mut self.to))?;
        for m in std::mem::take(&mut self.motions).into_iter().filter(|m| m.messages > 0) {
            let duration = (m.last - m.first).max(0.0);
            let mut item = Spatial::new(kinds::GEO_INERTIAL)
                .with("name", m.name)
                .with("signals", m.signals)
                .with("messages", m.messages)
                .with("duration_s", rounded(duration));
            if duration > 0.0 && m.messages > 1 {
                item = item.with("rate_hz", rounded((m.messages - 1) as f64 / duration));
            }
            self.spatial.push(item);
        }
        if self.spatial.is_empty() {
            return Ok(());
        }
        let mut items = std::mem::take(&mut self.spatial);
        for item in items.iter_mut().filter(|i| i.samples.is_empty()) {
            match &anchor {
                Some((name, crs, samples)) => {
                    item.crs = crs.map(str::to_owned);
                    item.samples.clone_from(samples);
                    item.properties.insert("tied_to".to_owned(), name.clone().into());
                }
                None => item.crs = Some("local".to_owned()),
            }
        }
        let header = EvidenceHeader {
            stream: SPATIAL_STREAM,
            kind: EvidenceKind::Spatial,
            format: self.artifact.format.into(),
            name: self.artifact.name.clone(),
            properties: BTreeMap::new(),
        };
        self.to.send(Message::Evidence(header))?;
        // A batch stays far below the limit: at most 4096 samples of 24 bytes an item.
        while !items.is_empty() {
            let items: Vec<Spatial> = items.drain(..items.len().min(16)).collect();
            self.to.send(Message::Batch { stream: SPATIAL_STREAM, batch: Batch::Spatial(SpatialBatch { items }) })?;
        }
        Ok(self.to.send(Message::EvidenceEnd { stream: SPATIAL_STREAM })?)
    }
}

/// Whether positions follow each other as those of a vehicle do: most steps are short.
fn together(fixes: &[Fix]) -> bool {
    let near = fixes.windows(2).filter(|w| (w[0].x - w[1].x).abs() < 0.5 && (w[0].y - w[1].y).abs() < 0.5).count();
    fixes.len() >= 2 && near * 10 >= (fixes.len() - 1) * 8
}

/// Seconds and rates to a thousandth.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Hands over decoded bytes as a child.
pub(crate) fn send_child(name: &[u8], bytes: &[u8], out: &mut Out<'_>) -> Result<(), InspectError> {
    let sent = out.to.send(Message::ChildStart { meta: ChildMeta::named(name) }).and_then(|()| {
        for piece in bytes.chunks(1 << 20) {
            out.to.send(Message::ChildBytes(piece.into()))?;
        }
        out.to.send(Message::ChildEnd { complete: true })
    });
    match sent {
        Ok(()) => Ok(()),
        // The engine tells of the limit at the child.
        Err(Stop::Child(_)) => {
            out.to.tell("limit");
            Ok(())
        }
        Err(stop) => Err(stop.into()),
    }
}
