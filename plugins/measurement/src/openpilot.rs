//! Drive logs of openpilot (`rlog`, `qlog`): Cap'n Proto messages of its Event schema, one after another.
//!
//! Sources: <https://capnproto.org/encoding.html>; the ordinals of cereal's `log.capnp`. The union of an event counts its members in the order of their
//! ordinals, so its tag is the ordinal less one, or less two behind `valid` (67).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_kit_container::{Container, FormatReader, Window};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Fix, Format, Identity, InspectError, Inspection, InventoryItem, KindId,
    Label, Probe, Reason,
};

use crate::bus::{Bus, Frame};
use crate::out::{Out, SourceId, rounded};

pub(crate) struct Openpilot;

const FORMATS: &[Format] = &[Format {
    name: "openpilot",
    title: "openpilot drive log",
    media_type: "application/octet-stream",
    extensions: &["rlog", "qlog"],
    magic: "Cap'n Proto messages in a row whose root is an Event (two or more words of data, one pointer, a known tag)",
    reference: "https://github.com/commaai/cereal",
    evidence: "positions of gpsLocation, gpsLocationExternal, liveLocationKalman; CAN frames; texts of all events; pictures as children; a table of events",
    limitations: &["Video packets stay opaque (no-model).", "Packed messages are not read."],
}];

/// Most segments and longest message, in bytes.
const MAX_SEGMENTS: usize = 64;
const MAX_MESSAGE: usize = 15 << 20;
/// Pointers followed in one message, and how deep.
const MOST_POINTERS: usize = 100_000;
const DEPTH: u32 = 24;

/// Names of events by their ordinals, where they matter to a reader.
const NAMES: &[(u16, &str)] = &[
    (1, "initData"),
    (2, "roadCameraState"),
    (3, "gpsNMEA"),
    (4, "sensorEvent"),
    (5, "can"),
    (6, "deviceState"),
    (7, "controlsState"),
    (9, "model"),
    (11, "sensorEvents"),
    (13, "radarState"),
    (15, "roadEncodeIdx"),
    (16, "liveTracks"),
    (17, "sendcan"),
    (18, "logMessage"),
    (19, "liveCalibration"),
    (20, "androidLog"),
    (21, "gpsLocation"),
    (22, "carState"),
    (23, "carControl"),
    (24, "longitudinalPlan"),
    (25, "liveLocation"),
    (31, "qcomGnss"),
    (33, "procLog"),
    (34, "ubloxGnss"),
    (35, "clocks"),
    (39, "ubloxRaw"),
    (44, "liveLocationTiming"),
    (46, "liveLocationCorrected"),
    (48, "gpsLocationExternal"),
    (49, "location"),
    (51, "liveLocationKalman"),
    (55, "applanixLocation"),
    (60, "boot"),
    (61, "liveParameters"),
    (63, "cameraOdometry"),
    (66, "thumbnail"),
    (68, "onroadEvents"),
    (69, "carParams"),
    (70, "driverCameraState"),
    (71, "driverMonitoringState"),
    (72, "liveLocationKalman"),
    (73, "sentinel"),
    (74, "wideRoadCameraState"),
    (75, "modelV2"),
    (76, "driverEncodeIdx"),
    (77, "wideRoadEncodeIdx"),
    (78, "managerState"),
    (81, "pandaStates"),
    (82, "navInstruction"),
    (83, "navRoute"),
    (84, "navThumbnail"),
    (86, "roadEncodeData"),
    (87, "driverEncodeData"),
    (88, "wideRoadEncodeData"),
    (89, "qRoadEncodeData"),
    (91, "gnssMeasurements"),
    (92, "driverStateV2"),
    (98, "accelerometer"),
    (99, "gyroscope"),
    (100, "gyroscope2"),
    (101, "accelerometer2"),
    (103, "microphone"),
];

/// Events that hold pictures or video of a camera.
const CAMERAS: &[(u16, KindId, &str)] = &[
    (66, kinds::SENSOR_CAMERA_EXTERIOR, "road"),
    (86, kinds::SENSOR_CAMERA_EXTERIOR, "road"),
    (87, kinds::SENSOR_CAMERA_CABIN, "driver"),
    (88, kinds::SENSOR_CAMERA_EXTERIOR, "wide"),
    (89, kinds::SENSOR_CAMERA_EXTERIOR, "road"),
];

/// The ordinal of a union's tag.
fn ordinal(tag: u16) -> u16 {
    if tag + 1 < 67 { tag + 1 } else { tag + 2 }
}

fn name(ordinal: u16) -> String {
    NAMES.iter().find(|(n, _)| *n == ordinal).map_or_else(|| format!("event {ordinal}"), |(_, name)| (*name).to_owned())
}

/// One message: its segments, as ranges of its bytes.
struct Message<'b> {
    bytes: &'b [u8],
    segments: Vec<(usize, usize)>,
    /// All of it, with the table of segments.
    len: usize,
}

/// A place in a message: segment, and byte in it.
type At = (usize, usize);

/// What a pointer leads to.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// A struct: its data, the number of bytes of it, and the number of its pointers behind.
    Struct { at: At, data: usize, pointers: usize },
    /// A list of bytes.
    Bytes { at: At, len: usize },
    /// A list of numbers: bits of each, and how many.
    Numbers { at: At, bits: usize, len: usize },
    /// A list of pointers.
    Pointers { at: At, len: usize },
    /// A list of structs.
    Structs { at: At, len: usize, data: usize, pointers: usize },
}

impl<'b> Message<'b> {
    /// The message at the start of the bytes, as far as its frame goes.
    fn at(bytes: &'b [u8]) -> Option<Self> {
        let count = le32(bytes.get(..4)?, 0) as usize + 1;
        if count > MAX_SEGMENTS {
            return None;
        }
        let table = (4 + 4 * count).next_multiple_of(8);
        let mut at = table;
        let mut segments = Vec::with_capacity(count);
        for i in 0..count {
            let len = (le32(bytes.get(4 + 4 * i..8 + 4 * i)?, 0) as usize).checked_mul(8)?;
            segments.push((at, len));
            at = at.checked_add(len).filter(|&end| end <= MAX_MESSAGE)?;
        }
        Some(Message { bytes, segments, len: at })
    }

    fn word(&self, (segment, at): At) -> Option<u64> {
        self.slice((segment, at), 8).map(|b| le64(b, 0))
    }

    fn slice(&self, (segment, at): At, len: usize) -> Option<&'b [u8]> {
        let (start, size) = *self.segments.get(segment)?;
        (at.checked_add(len)? <= size).then(|| self.bytes.get(start + at..start + at + len))?
    }

    /// Follows the pointer at a place.
    fn follow(&self, at: At) -> Option<Target> {
        let mut word = self.word(at)?;
        let mut from = at;
        if word & 3 == 2 {
            // A far pointer: a landing pad of one word, or of two whose second is the tag.
            let pad = ((word >> 32) as usize, ((word >> 3) as usize & 0x1FFF_FFFF) * 8);
            if word & 4 == 0 {
                (from, word) = (pad, self.word(pad)?);
            } else {
                let far = self.word(pad)?;
                let start = ((far >> 32) as usize, ((far >> 3) as usize & 0x1FFF_FFFF) * 8);
                word = self.word((pad.0, pad.1 + 8))?;
                return self.target(word, start);
            }
        }
        let offset = i64::from((word as u32).cast_signed() >> 2);
        let start = i64::try_from(from.1).ok()?.checked_add(8)?.checked_add(offset * 8)?;
        self.target(word, (from.0, usize::try_from(start).ok()?))
    }

    fn target(&self, word: u64, at: At) -> Option<Target> {
        if word == 0 {
            return None;
        }
        let upper = (word >> 32) as u32;
        match word & 3 {
            0 => Some(Target::Struct { at, data: (upper as usize & 0xFFFF) * 8, pointers: upper as usize >> 16 }),
            1 => {
                let len = upper as usize >> 3;
                Some(match upper & 7 {
                    0 | 1 => return None,
                    2 => Target::Bytes { at, len },
                    3 => Target::Numbers { at, bits: 16, len },
                    4 => Target::Numbers { at, bits: 32, len },
                    5 => Target::Numbers { at, bits: 64, len },
                    6 => Target::Pointers { at, len },
                    _ => {
                        let tag = self.word(at)?;
                        let count = (tag as u32 >> 2) as usize;
                        let upper = (tag >> 32) as usize;
                        let (data, pointers) = ((upper & 0xFFFF) * 8, upper >> 16);
                        let stride = data + pointers * 8;
                        (count.checked_mul(stride)? <= len * 8).then_some(())?;
                        Target::Structs { at: (at.0, at.1 + 8), len: count, data, pointers }
                    }
                })
            }
            _ => None,
        }
    }

    /// The event: its time in seconds, its ordinal, and where its one pointer stands.
    fn event(&self) -> Option<(f64, u16, At)> {
        let Target::Struct { at, data, pointers } = self.follow((0, 0))? else { return None };
        if !(16..=64).contains(&data) || pointers != 1 {
            return None;
        }
        let time = self.word(at)? as f64 * 1e-9;
        let tag = le16(self.slice((at.0, at.1 + 8), 2)?, 0);
        (tag < 250).then(|| (time, ordinal(tag), (at.0, at.1 + data)))
    }
}

impl FormatReader for Openpilot {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let mut at = 0;
        let mut events = 0;
        while at < probe.head.len() && events < 16 {
            let message = Message::at(&probe.head[at..])?;
            if at + message.len > probe.head.len() {
                break;
            }
            message.event()?;
            events += 1;
            at += message.len;
        }
        let whole = at as u64 == probe.blob.len();
        (events >= 3 || events >= 1 && (whole || probe.name.contains("log")))
            .then(|| Identity::new("openpilot", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Out::new(artifact, out);
        let reader = Reader {
            bus: Bus::new(context),
            out: &mut to,
            rows: BTreeMap::new(),
            sources: BTreeMap::new(),
            motion: BTreeMap::new(),
            cameras: BTreeMap::new(),
            pictures: 0,
        };
        let result = reader.read(artifact);
        to.finish(result)
    }
}

struct Row {
    messages: u64,
    bytes: u64,
    first: f64,
    last: f64,
}

struct Reader<'o, 'a> {
    bus: Bus,
    out: &'o mut Out<'a>,
    rows: BTreeMap<u16, Row>,
    sources: BTreeMap<u16, SourceId>,
    motion: BTreeMap<u16, usize>,
    cameras: BTreeMap<(KindId, &'static str), u64>,
    pictures: u64,
}

impl Reader<'_, '_> {
    fn read(mut self, artifact: &Artifact) -> Result<(), InspectError> {
        let blob = &artifact.blob;
        let mut window = Window::new(blob);
        let mut at = 0;
        let mut result = Ok(());
        while at < blob.len() {
            let head = window.get(at, 8 + 4 * MAX_SEGMENTS)?;
            let len = Message::at(head).map(|m| m.len);
            let bytes = match len {
                Some(len) if at + len as u64 <= blob.len() => window.get(at, len)?,
                _ => {
                    result = Err(InspectError::corrupt(at, "the data ends before its structure does"));
                    break;
                }
            };
            let Some(message) = Message::at(bytes) else { break };
            if !bytes.iter().all(|&b| b == 0) {
                self.message(&message, at)?;
            }
            self.out.to.label(at..at + message.len as u64, Label::Inspected)?;
            at += message.len as u64;
        }
        self.finish()?;
        result
    }

    fn message(&mut self, message: &Message<'_>, base: u64) -> Result<(), InspectError> {
        let Some((time, event, pointer)) = message.event() else { return Ok(()) };
        let row = self.rows.entry(event).or_insert(Row { messages: 0, bytes: 0, first: time, last: time });
        row.messages += 1;
        row.bytes += message.len as u64;
        row.last = row.last.max(time);
        match event {
            5 | 17 => return self.can(message, event, time, pointer, base),
            21 | 48 => self.location(message, event, pointer, base)?,
            72 => self.kalman(message, event, time, pointer, base)?,
            25 | 44 | 46 | 49 | 51 | 55 => self.legacy(message, event, time, pointer, base)?,
            4 | 11 | 63 | 98..=101 => {
                let out = &mut *self.out;
                self.motion.entry(event).or_insert_with(|| out.motion(&name(event), Vec::new()));
            }
            _ => {}
        }
        let mut left = MOST_POINTERS;
        self.walk(message, event, pointer, base, DEPTH, &mut left)
    }

    fn source(&mut self, event: u16) -> SourceId {
        let out = &mut *self.out;
        *self.sources.entry(event).or_insert_with(|| out.source(&name(event), Some(&name(event)), Some("wgs84"), false))
    }

    /// GpsLocationData: degrees and metres as doubles, time in milliseconds since 1970, `hasFix` where the log is new enough to have it.
    fn location(&mut self, m: &Message<'_>, event: u16, pointer: At, base: u64) -> Result<(), InspectError> {
        let Some(Target::Struct { at, data, .. }) = m.follow(pointer) else { return Ok(()) };
        let Some(d) = m.slice(at, data).filter(|d| d.len() >= 48) else { return Ok(()) };
        let double = |at: usize| f64::from_bits(le64(d, at));
        let flags = le16(d, 0);
        let fix = d.get(60).is_some_and(|b| b & 1 == 1) || flags & 1 == 1 || d.len() < 64;
        let millis = le64(d, 40).cast_signed();
        let source = self.source(event);
        let (x, y, z) = (double(16), double(8), double(24));
        if !fix || x == 0.0 && y == 0.0 {
            return Ok(());
        }
        let time_s = (millis > 0).then_some(millis as f64 / 1000.0);
        self.out.fix(source, Fix { x, y, z: Some(z).filter(|z| z.is_finite()), time_s, entity: 0, offset: base })
    }

    /// LiveLocationKalman: the second pointer is the geodetic position, a list of three doubles.
    fn kalman(&mut self, m: &Message<'_>, event: u16, time: f64, pointer: At, base: u64) -> Result<(), InspectError> {
        let Some(Target::Struct { at, data, pointers }) = m.follow(pointer) else { return Ok(()) };
        if pointers < 2 {
            return Ok(());
        }
        let Some(Target::Struct { at, data, pointers }) = m.follow((at.0, at.1 + data + 8)) else { return Ok(()) };
        let valid = m.slice(at, data).is_some_and(|d| d.first().is_some_and(|b| b & 1 == 1));
        if pointers == 0 || !valid {
            return Ok(());
        }
        let Some(Target::Numbers { at, bits: 64, len: 3 }) = m.follow((at.0, at.1 + data)) else { return Ok(()) };
        let Some(d) = m.slice(at, 24) else { return Ok(()) };
        let source = self.source(event);
        let double = |at: usize| f64::from_bits(le64(d, at));
        self.out.fix(
            source,
            Fix { x: double(8), y: double(0), z: Some(double(16)), time_s: Some(time), entity: 0, offset: base },
        )
    }

    /// LiveLocationData of old logs: latitude and longitude in the second and third word.
    fn legacy(&mut self, m: &Message<'_>, event: u16, time: f64, pointer: At, base: u64) -> Result<(), InspectError> {
        let Some(Target::Struct { at, data, .. }) = m.follow(pointer) else { return Ok(()) };
        let Some(d) = m.slice(at, data).filter(|d| d.len() >= 24) else { return Ok(()) };
        let double = |at: usize| f64::from_bits(le64(d, at));
        let source = self.source(event);
        self.out.fix(source, Fix { x: double(16), y: double(8), z: None, time_s: Some(time), entity: 0, offset: base })
    }

    /// Lists of CanData: address, time on the bus, source, and the bytes.
    fn can(&mut self, m: &Message<'_>, event: u16, time_s: f64, pointer: At, base: u64) -> Result<(), InspectError> {
        let Some(Target::Structs { at, len, data, pointers }) = m.follow(pointer) else { return Ok(()) };
        if data < 8 || pointers < 1 {
            return Ok(());
        }
        for i in 0..len {
            let item = (at.0, at.1 + i * (data + pointers * 8));
            let Some(word) = m.word(item) else { break };
            let bytes = match m.follow((item.0, item.1 + data)) {
                Some(Target::Bytes { at, len }) => m.slice(at, len).unwrap_or(&[]),
                _ => &[],
            };
            let (id, source) = (word as u32, (word >> 48) as u8);
            let channel = self.bus.channel(&format!("{} {source}", name(event)), "CAN");
            let frame = Frame {
                time_s,
                channel,
                id: id & 0x1FFF_FFFF,
                extended: id > 0x7FF,
                fd: bytes.len() > 8,
                remote: false,
                data: bytes,
                offset: base,
            };
            self.bus.frame(&frame, self.out)?;
        }
        Ok(())
    }

    /// Texts and pictures of an event, wherever they hang.
    fn walk(
        &mut self,
        m: &Message<'_>,
        event: u16,
        pointer: At,
        base: u64,
        depth: u32,
        left: &mut usize,
    ) -> Result<(), InspectError> {
        if depth == 0 || *left == 0 {
            return Ok(());
        }
        *left -= 1;
        match m.follow(pointer) {
            Some(Target::Struct { at, data, pointers }) => {
                for i in 0..pointers {
                    self.walk(m, event, (at.0, at.1 + data + i * 8), base, depth - 1, left)?;
                }
            }
            Some(Target::Pointers { at, len }) => {
                for i in 0..len.min(*left) {
                    self.walk(m, event, (at.0, at.1 + i * 8), base, depth - 1, left)?;
                }
            }
            Some(Target::Structs { at, len, data, pointers }) if pointers > 0 => {
                for i in 0..len.min(*left) {
                    for p in 0..pointers {
                        let place = (at.0, at.1 + i * (data + pointers * 8) + data + p * 8);
                        self.walk(m, event, place, base, depth - 1, left)?;
                    }
                }
            }
            Some(Target::Bytes { at, len }) => {
                if let (Some(bytes), Some((start, _))) = (m.slice(at, len), m.segments.get(at.0)) {
                    self.bytes(event, bytes, base + (start + at.1) as u64)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn bytes(&mut self, event: u16, bytes: &[u8], offset: u64) -> Result<(), InspectError> {
        let end = offset + bytes.len() as u64;
        let camera = CAMERAS.iter().find(|(n, _, _)| *n == event);
        if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            self.pictures += 1;
            if let Some((_, kind, view)) = camera {
                *self.cameras.entry((*kind, *view)).or_default() += 1;
            }
            let meta = ChildMeta::named(format!("{}/{:06}.jpg", name(event), self.pictures).as_bytes());
            return self.out.to.hand_over_range(meta, offset..end);
        }
        let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        let readable = |t: &str| !t.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        if let Some(text) = std::str::from_utf8(text).ok().filter(|t| t.len() >= 2 && readable(t)) {
            return self.out.record([(name(event).as_str(), text)], offset, end);
        }
        if let Some((_, kind, view)) = camera
            && bytes.len() > 64
        {
            *self.cameras.entry((*kind, *view)).or_default() += 1;
            self.out.to.opaque(offset..end, Reason::NoModel)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), InspectError> {
        let rows = self.rows;
        let mut topics: Vec<Value> = Vec::new();
        let (mut first, mut last, mut messages) = (f64::INFINITY, 0f64, 0);
        for (event, row) in &rows {
            (first, last) = (first.min(row.first), last.max(row.last));
            messages += row.messages;
            let duration = (row.last - row.first).max(0.0);
            let mut told = json!({"name": name(*event), "messages": row.messages, "bytes": row.bytes, "duration_s": rounded(duration)});
            if row.messages > 1 && duration > 0.0 {
                told["rate_hz"] = rounded((row.messages - 1) as f64 / duration).into();
            }
            topics.push(told);
            if let Some(&motion) = self.motion.get(event) {
                self.out.moved(motion, row.messages, row.first, row.last);
            }
        }
        let to: &mut Container<'_> = &mut self.out.to;
        for ((kind, view), frames) in &self.cameras {
            to.inventory(InventoryItem::new(*kind).with("view", *view).with("frames", *frames));
        }
        to.inventory(
            InventoryItem::new(kinds::SENSOR_RECORDING)
                .with("messages", messages)
                .with("duration_s", rounded((last - first).max(0.0)))
                .with("topics", topics),
        );
        self.bus.finish(self.out)
    }
}

#[cfg(test)]
mod tests {
    use yumen_kit_container::testing::{abuse, identify, inspect, noise};

    use super::*;
    use crate::MeasurementPlugin;

    /// A message of one segment.
    fn message(words: &[u64]) -> Vec<u8> {
        let mut out = [0u32.to_le_bytes(), (words.len() as u32).to_le_bytes()].concat();
        words.iter().for_each(|w| out.extend(w.to_le_bytes()));
        out
    }

    fn structure(offset: u64, data: u64, pointers: u64) -> u64 {
        offset << 2 | data << 32 | pointers << 48
    }

    fn event(nanos: u64, ordinal: u16, rest: &[u64]) -> Vec<u8> {
        let tag = u64::from(if ordinal < 67 { ordinal - 1 } else { ordinal - 2 });
        message(&[&[structure(0, 2, 1), nanos, tag][..], rest].concat())
    }

    fn gps(i: u64, fix: bool) -> Vec<u8> {
        let d = |v: f64| v.to_bits();
        let data =
            [u64::from(fix), d(39.9 + i as f64 * 1e-4), d(116.4), d(48.5), 0, 1_785_000_000_000 + i * 1000, 0, 0];
        event(i * 1_000_000_000, 48, &[&[structure(0, 8, 1)][..], &data, &[0]].concat())
    }

    fn text(ordinal: u16, text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        let len = bytes.len() as u64;
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let words: Vec<u64> = bytes.chunks(8).map(|c| le64(c, 0)).collect();
        event(1, ordinal, &[&[1 | 2 << 32 | len << 35][..], &words].concat())
    }

    fn can(address: u64, data: u64) -> Vec<u8> {
        // A list of one struct with a word of data and a pointer to eight bytes.
        event(
            5,
            5,
            &[1 | 7 << 32 | 2 << 35, 1 << 2 | 1 << 32 | 1 << 48, address | 1 << 48, 1 | 2 << 32 | 8 << 35, data],
        )
    }

    fn log() -> Vec<u8> {
        let mut log = text(18, "owner 13800138000");
        log.extend((0..30).flat_map(|i| gps(i, i >= 5)));
        log.extend(can(0x1F5, 0x1122_3344_5566_7788));
        log.extend(event(9, 98, &[0]));
        log
    }

    #[test]
    fn events_are_read() {
        let log = log();
        assert_eq!(identify(&MeasurementPlugin, "rlog", &log).map(|i| i.format), Some("openpilot"));
        let recorded = inspect(&MeasurementPlugin, "rlog", &log);
        recorded.assert_clear();
        assert_eq!(recorded.fixes.len(), 25);
        assert_eq!((recorded.fixes[0].x, recorded.fixes[0].time_s), (116.4, Some(1_785_000_005.0)));
        assert_eq!(recorded.records["logMessage"], "owner 13800138000");
        assert_eq!(recorded.item(kinds::SENSOR_RECORDING).properties["messages"], 33);
        assert_eq!(recorded.item(kinds::BUS_LOG).properties["frames"], 1);
        abuse(&MeasurementPlugin, "openpilot", "rlog", &log, 80);
    }

    #[test]
    fn other_bytes_are_no_log() {
        for bytes in [vec![0; 4096], noise(5, 5000), message(&[structure(0, 2, 1)])] {
            assert!(identify(&MeasurementPlugin, "x.bin", &bytes).is_none());
        }
    }

    #[test]
    fn a_cut_log_is_told() {
        let log = log();
        let recorded = inspect(&MeasurementPlugin, "rlog", &log[..log.len() - 3]);
        assert!(recorded.result.is_err() && recorded.fixes.len() == 25);
    }
}
