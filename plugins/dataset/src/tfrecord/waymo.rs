//! Frames and scenarios of the Waymo Open Dataset, by the numbers of their fields.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use yumen_kit_proto::{Fields, Wire, floats};
use yumen_model::{ChildMeta, Fix, InspectError, Label, Reason};

use super::Reader;
use crate::arrays::FixStream;

/// Longest range image, decoded.
const MOST_IMAGE: u64 = 64 << 20;

const CAMERAS: [&str; 6] = ["unknown", "front", "front-left", "front-right", "side-left", "side-right"];

fn first(message: &[u8], number: u32) -> Option<&[u8]> {
    Fields::new(message).flatten().find(|f| f.number == number).and_then(|f| f.value.bytes())
}

/// A frame has a context with a name, a time in microseconds, a pose of sixteen doubles.
pub(super) fn is_frame(bytes: &[u8]) -> bool {
    let (mut context, mut time, mut known) = (false, false, true);
    for field in Fields::new(bytes) {
        let Ok(field) = field else { return false };
        match (field.number, field.value) {
            (1, Wire::Bytes(b)) => {
                let named = first(b, 1).is_some_and(|n| !n.is_empty() && n.len() < 200 && n.is_ascii());
                context |= named && Fields::new(b).all(|f| f.is_ok_and(|f| f.number <= 20));
            }
            (2, Wire::Varint(t)) => time |= (1_000_000_000_000_000..4_000_000_000_000_000).contains(&t),
            (3..=40, Wire::Bytes(_)) => {}
            _ => known = false,
        }
    }
    context && time && known
}

/// A scenario has an identifier, rising times, tracks with states.
pub(super) fn is_scenario(bytes: &[u8]) -> bool {
    let (mut id, mut times, mut tracks) = (false, 0, 0);
    for field in Fields::new(bytes) {
        let Ok(field) = field else { return false };
        match (field.number, field.value) {
            (5, Wire::Bytes(b)) => id |= !b.is_empty() && b.len() < 64 && b.is_ascii(),
            (1, value) => floats(value, false, |v| times += u32::from((0.0..1000.0).contains(&v))),
            (2, Wire::Bytes(_)) => tracks += 1,
            (3..=40, _) => {}
            _ => return false,
        }
    }
    id && times >= 2 && tracks > 0
}

fn transform(pose: &[u8]) -> Vec<f64> {
    let mut out = Vec::new();
    for field in Fields::new(pose).flatten().filter(|f| f.number == 1) {
        floats(field.value, false, |v| {
            if out.len() < 16 {
                out.push(v);
            }
        });
    }
    out
}

impl Reader<'_> {
    pub(super) fn frame(&mut self, bytes: &[u8], start: u64) -> Result<(), InspectError> {
        let record = self.told.records - 1;
        let mut time = None;
        let mut pose = None;
        for field in Fields::new(bytes).flatten() {
            let at = start + field.offset as u64;
            match (field.number, field.value) {
                (1, Wire::Bytes(context)) => self.context(context, at)?,
                (2, Wire::Varint(t)) => time = Some(t as f64 / 1e6),
                (3, Wire::Bytes(p)) => pose = Some((transform(p), at)),
                (4, Wire::Bytes(camera)) => self.camera(camera, at, record)?,
                (5, Wire::Bytes(laser)) => self.laser(laser, at)?,
                (6 | 7, Wire::Bytes(_)) => self.told.labels += 1,
                (8 | 9, Wire::Bytes(labels)) => {
                    self.told.labels += Fields::new(labels).flatten().filter(|f| f.number == 2).count() as u64;
                }
                _ => {}
            }
        }
        if let Some(t) = time {
            self.time(t);
        }
        if let Some((m, offset)) = pose
            && m.len() == 16
            && m.iter().all(|v| v.is_finite())
        {
            if self.fixes.is_none() {
                // The frame of a site: where that lies is not told.
                self.fixes = Some(FixStream::open(&mut self.to, self.artifact, 1, "local", "odometry", "Frame.pose")?);
            }
            if let Some(stream) = &mut self.fixes {
                let fix = Fix { x: m[3], y: m[7], z: Some(m[11]), time_s: time, entity: 0, offset };
                stream.push(&mut self.to, fix)?;
            }
        }
        self.end_record()
    }

    fn context(&mut self, context: &[u8], start: u64) -> Result<(), InspectError> {
        for field in Fields::new(context).flatten() {
            let at = start + field.offset as u64;
            match (field.number, field.value) {
                (1, Wire::Bytes(name)) => {
                    let name = String::from_utf8_lossy(name).into_owned();
                    if self.told.contexts.len() < 1000 && self.told.contexts.insert(name.clone()) {
                        self.cell("context.name", &name, at, at + name.len() as u64);
                    }
                }
                (4, Wire::Bytes(stats)) => {
                    for field in Fields::new(stats).flatten() {
                        let name = match field.number {
                            3 => "time_of_day",
                            4 => "location",
                            5 => "weather",
                            _ => continue,
                        };
                        let Some(text) = field.value.text() else { continue };
                        let from = at + field.offset as u64;
                        if field.number == 4 && self.told.locations.len() < 1000 {
                            self.told.locations.insert(text.to_owned());
                        }
                        self.cell(name, text, from, from + text.len() as u64);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn camera(&mut self, camera: &[u8], start: u64, record: u64) -> Result<(), InspectError> {
        let name = Fields::new(camera).flatten().find(|f| f.number == 1).and_then(|f| f.value.uint()).unwrap_or(0);
        let view = usize::try_from(name).ok().and_then(|i| CAMERAS.get(i)).unwrap_or(&"unknown");
        for field in Fields::new(camera).flatten().filter(|f| f.number == 2) {
            let Some(image) = field.value.bytes().filter(|b| !b.is_empty()) else { continue };
            let at = start + field.offset as u64;
            *self.told.cameras.entry((*view).to_owned()).or_default() += 1;
            self.told.pictures += 1;
            let suffix = if image.starts_with(b"\x89PNG") { "png" } else { "jpg" };
            let name = format!("record-{record}/camera-{view}.{suffix}");
            self.to.hand_over_range(ChildMeta::named(name.as_bytes()), at..at + image.len() as u64)?;
        }
        Ok(())
    }

    fn laser(&mut self, laser: &[u8], start: u64) -> Result<(), InspectError> {
        self.told.sweeps += 1;
        for image in Fields::new(laser).flatten().filter(|f| matches!(f.number, 2 | 3)) {
            let Some(bytes) = image.value.bytes() else { continue };
            for field in Fields::new(bytes).flatten() {
                let Some(packed) = field.value.bytes().filter(|b| b.first() == Some(&0x78)) else { continue };
                let at = start + (image.offset + field.offset) as u64;
                let mut unpacked = Vec::new();
                let read = ZlibDecoder::new(packed).take(MOST_IMAGE).read_to_end(&mut unpacked);
                if read.is_err() || unpacked.len() as u64 >= MOST_IMAGE {
                    let reason = if read.is_err() { Reason::Corrupt } else { Reason::Limit };
                    self.to.label(at..at + packed.len() as u64, Label::Opaque(reason))?;
                    continue;
                }
                // The range image: range, intensity, elongation, no-label zone of each pixel.
                if field.number == 2 {
                    let mut index = 0u64;
                    let mut points = 0;
                    for field in Fields::new(&unpacked).flatten().filter(|f| f.number == 1) {
                        floats(field.value, true, |v| {
                            points += u64::from(index.is_multiple_of(4) && v > 0.0);
                            index += 1;
                        });
                    }
                    self.told.points += points;
                }
            }
        }
        Ok(())
    }

    pub(super) fn scenario(&mut self, bytes: &[u8], start: u64) -> Result<(), InspectError> {
        for field in Fields::new(bytes).flatten() {
            match (field.number, field.value) {
                (2, Wire::Bytes(_)) => self.told.tracks += 1,
                (8, Wire::Bytes(_)) => self.told.map_features += 1,
                (5, Wire::Bytes(id)) => {
                    let text = String::from_utf8_lossy(id).into_owned();
                    let at = start + field.offset as u64;
                    self.cell("scenario_id", &text, at, at + id.len() as u64);
                }
                _ => {}
            }
        }
        self.end_record()
    }
}
