//! TFRecord: records with checksums, of examples, Waymo frames and scenarios, and others.
//!
//! Source: TensorFlow, python_io and tf.train.Example; Waymo Open Dataset, dataset.proto and scenario.proto.

mod example;
mod waymo;

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use yumen_kit_container::window::num::{le32, le64};
use yumen_kit_container::{Container, FormatReader};
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, InventoryItem, Label, Probe,
    Reason, Spatial,
};

use crate::arrays::{FixStream, Through, send_spatial};

/// Reads TFRecord.
pub(crate) struct TfRecord;

const FORMATS: &[Format] = &[Format {
    name: "tfrecord",
    title: "TensorFlow records",
    media_type: "application/octet-stream",
    extensions: &["tfrecord", "tfrecords"],
    magic: "a length and its masked CRC-32C",
    reference: "TensorFlow, TFRecord and tf.train.Example; Waymo Open Dataset protos",
    evidence: "features of examples with their texts and positions; pictures as children; Waymo frames with cameras, lidars, poses; checksums are checked",
    limitations: &["records of more than 16 MiB are not decoded", "records of unknown content become children"],
}];

/// Bytes around the payload of a record: length and its checksum before, the payload's behind.
const HEAD: u64 = 12;
const FOOT: u64 = 4;
/// Longest record that is decoded.
const MOST: u64 = 16 << 20;
/// Names of features that are told.
const MOST_FEATURES: usize = 1000;

fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// The length of the record whose head this is.
fn length(head: &[u8]) -> Option<u64> {
    (head.len() >= 12 && masked(&head[..8]) == le32(head, 8)).then(|| le64(head, 0))
}

impl FormatReader for TfRecord {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let n = length(probe.head)?;
        (n < 1 << 40).then(|| Identity::new("tfrecord", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            to: Container::new(artifact, out),
            artifact,
            records: RecordWriter::new(artifact),
            told: Told::default(),
            fixes: None,
            positions: None,
        };
        let result = reader.run();
        if !reader.to.stopped() {
            reader.finish()?;
        }
        reader.to.finish(result)
    }
}

/// What is counted over all records.
#[derive(Default)]
struct Told {
    records: u64,
    examples: u64,
    sequences: u64,
    frames: u64,
    scenarios: u64,
    features: BTreeMap<String, (&'static str, u64, u64)>,
    pictures: u64,
    cameras: BTreeMap<String, u64>,
    sweeps: u64,
    points: u64,
    tracks: u64,
    map_features: u64,
    contexts: BTreeSet<String>,
    locations: BTreeSet<String>,
    labelled: bool,
    labels: u64,
    first: Option<f64>,
    last: f64,
}

struct Reader<'a> {
    to: Container<'a>,
    artifact: &'a Artifact,
    records: RecordWriter,
    told: Told,
    /// Poses in the frame of a site, and positions on earth.
    fixes: Option<FixStream>,
    positions: Option<FixStream>,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let len = self.to.len();
        let mut at = 0;
        while at < len {
            let head = self.to.window.get(at, 12)?;
            let Some(n) = length(head) else {
                return Err(InspectError::corrupt(at, "the checksum of a record's length does not match"));
            };
            let start = at + HEAD;
            let Some(end) = start.checked_add(n).filter(|end| end.checked_add(FOOT).is_some_and(|e| e <= len)) else {
                return Err(InspectError::corrupt(at, "the data ends before its structure does"));
            };
            self.to.container(at..start)?;
            self.to.container(end..end + FOOT)?;
            self.told.records += 1;
            if n > MOST {
                self.to.tell_at("limit", at);
                self.to.opaque(start..end, Reason::Limit)?;
            } else {
                let bytes = self.to.blob.bytes(start..end).map_err(|e| InspectError::read(start, &e))?;
                let foot = self.to.window.get(end, 4)?;
                if masked(&bytes) == le32(foot, 0) {
                    self.record(&bytes, start, true)?;
                } else {
                    self.to.tell_at("checksum-mismatch", end);
                    self.to.opaque(start..end, Reason::Corrupt)?;
                    // What can be read of it is told all the same.
                    self.record(&bytes, start, false)?;
                }
            }
            at = end + FOOT;
        }
        Ok(())
    }

    fn record(&mut self, bytes: &[u8], start: u64, intact: bool) -> Result<(), InspectError> {
        let end = start + bytes.len() as u64;
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(form) = example::recognise(bytes) {
            match form {
                example::Form::Single => self.told.examples += 1,
                example::Form::Sequence => self.told.sequences += 1,
            }
            self.to.label(start..end, Label::Inspected)?;
            return self.example(bytes, start, form);
        }
        if waymo::is_frame(bytes) {
            self.told.frames += 1;
            self.to.label(start..end, Label::Inspected)?;
            return self.frame(bytes, start);
        }
        if waymo::is_scenario(bytes) {
            self.told.scenarios += 1;
            self.to.label(start..end, Label::Inspected)?;
            return self.scenario(bytes, start);
        }
        if !intact {
            return Ok(());
        }
        let name = format!("record-{}", self.told.records - 1);
        self.to.hand_over_range(ChildMeta::named(name.as_bytes()), start..end)
    }

    /// Adds a text to the open record.
    fn cell(&mut self, name: &str, value: &str, start: u64, end: u64) {
        let number = self.records.name(name);
        self.records.cell(value, number, 0, Spot { byte: start, line: 1, column: 1 }, end, true);
    }

    fn end_record(&mut self) -> Result<(), InspectError> {
        self.records.end_record(&mut Through(&mut self.to))
    }

    fn time(&mut self, t: f64) {
        self.told.first.get_or_insert(t);
        self.told.last = t;
    }

    fn finish(&mut self) -> Result<(), InspectError> {
        for stream in [self.fixes.take(), self.positions.take()].into_iter().flatten() {
            stream.finish(&mut self.to)?;
        }
        self.records.finish(&mut Through(&mut self.to))?;
        let told = std::mem::take(&mut self.told);
        let words = |set: &BTreeSet<String>| set.iter().take(200).map(|s| Value::from(s.as_str())).collect::<Vec<_>>();
        if told.examples + told.sequences + told.frames > 0 {
            let table: Vec<Value> = told
                .features
                .iter()
                .map(|(name, (kind, n, bytes))| json!({"name": name, "type": kind, "examples": n, "bytes": bytes}))
                .collect();
            let layout = if told.frames > 0 { "waymo" } else { "" };
            let mut item = InventoryItem::new(kinds::DATASET_TRAINING)
                .with("layout", layout)
                .with("records", told.records)
                .with("features", table)
                .with("recordings", words(&told.contexts))
                .with("locations", words(&told.locations));
            if told.pictures > 0 {
                item = item.with("images", told.pictures);
            }
            if told.frames > 0 {
                item = item.with("frames", told.frames);
            }
            if told.labels > 0 {
                item = item.with("labels", told.labels);
            }
            if told.labelled || told.labels > 0 {
                item = item.with("labelled", true);
            }
            if let Some(first) = told.first.filter(|f| told.last > *f) {
                item = item.with("duration_s", ((told.last - first) * 1000.0).round() / 1000.0);
            }
            self.to.inventory(item);
        }
        if told.scenarios > 0 {
            let item = InventoryItem::new(kinds::DATASET_SCENARIO);
            let item = item.with("layout", "waymo-motion").with("scenarios", told.scenarios);
            self.to.inventory(item.with("tracks", told.tracks).with("map_features", told.map_features));
        }
        if !told.cameras.is_empty() {
            let frames: u64 = told.cameras.values().sum();
            let views: Vec<Value> = told.cameras.keys().map(|k| k.as_str().into()).collect();
            let item = InventoryItem::new(kinds::SENSOR_CAMERA_EXTERIOR);
            self.to.inventory(item.with("frames", frames).with("view", views));
        }
        if told.sweeps > 0 {
            let item = InventoryItem::new(kinds::SENSOR_LIDAR).with("frames", told.sweeps).with("points", told.points);
            self.to.inventory(item);
            let mut cloud = Spatial::new(kinds::GEO_POINT_CLOUD).with("points", told.points).with("frame", "local");
            cloud.crs = Some("local".into());
            send_spatial(&mut self.to, self.artifact, vec![cloud])?;
        }
        Ok(())
    }
}
