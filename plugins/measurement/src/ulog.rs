//! PX4 ULog flight and drive logs.
//!
//! Source: <https://docs.px4.io/main/en/dev_log/ulog_file_format>.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_kit_container::{FormatReader, Window};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Blob, Certainty, Context, Fix, Format, Identity, InspectError, Inspection, InventoryItem, Label, Probe,
    Reason, Spatial,
};

use crate::out::{Out, SourceId, rounded};

pub(crate) struct Ulog;

const MAGIC: &[u8] = b"ULog\x01\x12\x35";
const HEADER: u64 = 16;
/// Nesting of formats, fields of one and number of them.
const DEPTH: u32 = 8;
const MAX_FIELDS: usize = 4096;
const MAX_FORMATS: usize = 4096;
/// How far the time of the clock is looked for.
const LOOK: u64 = 16 << 20;

const FORMATS: &[Format] = &[Format {
    name: "ulog",
    title: "PX4 ULog",
    media_type: "application/octet-stream",
    extensions: &["ulg"],
    magic: "ULog 0x01 0x12 0x35",
    reference: "https://docs.px4.io/main/en/dev_log/ulog_file_format",
    evidence: "positions of topics with latitude and longitude, one source a topic; infos, parameters and logged strings; inertial topics; sensor.recording with a table of topics",
    limitations: &["Embedded files of multi-part infos are read as text only where they are text."],
}];

impl FormatReader for Ulog {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        probe.head.starts_with(MAGIC).then(|| Identity::new("ulog", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Out::new(artifact, out);
        let clock = clock(&artifact.blob).unwrap_or(None);
        let result =
            Reader { out: &mut to, clock, formats: HashMap::new(), topics: HashMap::new() }.read(&artifact.blob);
        to.finish(result)
    }
}

/// One message: its type, where its content begins, and the content.
struct Message<'b> {
    kind: u8,
    at: u64,
    body: &'b [u8],
}

/// The message at an offset; none at the end of the file or where it is cut.
fn message<'w>(window: &'w mut Window<'_>, at: u64) -> Result<Option<Message<'w>>, InspectError> {
    let head = window.get(at, 3)?;
    if head.len() < 3 {
        return Ok(None);
    }
    let (len, kind) = (usize::from(le16(head, 0)), head[2]);
    let body = window.get(at + 3, len)?;
    Ok((body.len() == len).then_some(Message { kind, at: at + 3, body }))
}

/// A number in a message.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Int(u8),
    Uint(u8),
    Float,
    Double,
}

impl Type {
    fn named(name: &str) -> Option<(Type, usize)> {
        Some(match name {
            "int8_t" => (Type::Int(1), 1),
            "uint8_t" | "bool" | "char" => (Type::Uint(1), 1),
            "int16_t" => (Type::Int(2), 2),
            "uint16_t" => (Type::Uint(2), 2),
            "int32_t" => (Type::Int(4), 4),
            "uint32_t" => (Type::Uint(4), 4),
            "int64_t" => (Type::Int(8), 8),
            "uint64_t" => (Type::Uint(8), 8),
            "float" => (Type::Float, 4),
            "double" => (Type::Double, 8),
            _ => return None,
        })
    }

    fn read(self, body: &[u8], at: usize) -> Option<f64> {
        let bytes = body.get(at..)?;
        Some(match self {
            Type::Float => f64::from(f32::from_bits(le32(bytes.get(..4)?, 0))),
            Type::Double => f64::from_bits(le64(bytes.get(..8)?, 0)),
            Type::Int(n) | Type::Uint(n) => {
                let bytes = bytes.get(..usize::from(n))?;
                let raw = bytes.iter().rev().fold(0u64, |v, &b| v << 8 | u64::from(b));
                let unused = 64 - 8 * u32::from(n);
                if matches!(self, Type::Int(_)) { ((raw << unused).cast_signed() >> unused) as f64 } else { raw as f64 }
            }
        })
    }
}

/// Where a field stands in a message.
#[derive(Clone, Copy, Debug)]
struct Slot {
    kind: Type,
    at: usize,
    /// Latitudes and longitudes of integers are in units of 1e-7 degrees, heights in millimetres.
    scaled: bool,
}

impl Slot {
    fn degrees(self, body: &[u8]) -> Option<f64> {
        Some(self.kind.read(body, self.at)? * if self.scaled { 1e-7 } else { 1.0 })
    }
}

/// What of a topic is read.
#[derive(Clone, Debug, Default)]
struct Plan {
    size: usize,
    latitude: Option<Slot>,
    longitude: Option<Slot>,
    height: Option<Slot>,
    fix_type: Option<Slot>,
    utc: Option<Slot>,
    motion: bool,
}

struct Topic {
    name: String,
    plan: Plan,
    messages: u64,
    bytes: u64,
    first: Option<f64>,
    last: f64,
    source: Option<SourceId>,
    motion: Option<usize>,
    /// A place that stands still (home, a station).
    places: Vec<[f64; 3]>,
}

struct Reader<'o, 'a> {
    out: &'o mut Out<'a>,
    /// What is added to the log's time to get seconds since 1970.
    clock: Option<f64>,
    formats: HashMap<String, Vec<(String, String)>>,
    topics: HashMap<u16, Topic>,
}

impl Reader<'_, '_> {
    fn read(mut self, blob: &Blob) -> Result<(), InspectError> {
        self.out.to.container(0..HEADER)?;
        let mut window = Window::new(blob);
        let mut at = HEADER;
        let mut broken = None;
        while at < blob.len() {
            let Some(message) = message(&mut window, at)? else {
                broken = Some(at);
                break;
            };
            if message.kind == 0 && message.body.is_empty() {
                broken = Some(at);
                break;
            }
            let end = message.at + message.body.len() as u64;
            self.message(&message)?;
            self.out.to.label(at..end, Label::Inspected)?;
            at = end;
        }
        self.finish()?;
        match broken {
            Some(at) => {
                self.out.to.opaque(at..blob.len(), Reason::Corrupt)?;
                Err(InspectError::corrupt(at, "the data ends before its structure does"))
            }
            None => Ok(()),
        }
    }

    fn message(&mut self, m: &Message<'_>) -> Result<(), InspectError> {
        match m.kind {
            b'F' => self.format(m.body),
            b'A' if m.body.len() > 3 => self.add(m.body),
            b'D' if m.body.len() > 2 => self.data(le16(m.body, 0), &m.body[2..], m.at)?,
            b'I' | b'P' => self.info(m.body, m.at)?,
            b'M' | b'Q' if !m.body.is_empty() => self.info(&m.body[1..], m.at)?,
            b'L' if m.body.len() > 9 => self.text("log", &m.body[9..], m.at)?,
            b'C' if m.body.len() > 11 => self.text("log", &m.body[11..], m.at)?,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, name: &str, bytes: &[u8], at: u64) -> Result<(), InspectError> {
        let text = String::from_utf8_lossy(bytes);
        self.out.record([(name, text.trim_end_matches('\0'))], at, at + bytes.len() as u64)
    }

    /// `type name` and its value.
    fn info(&mut self, body: &[u8], at: u64) -> Result<(), InspectError> {
        let Some((&len, rest)) = body.split_first() else { return Ok(()) };
        let Some((key, value)) = rest.split_at_checked(usize::from(len)) else { return Ok(()) };
        let key = String::from_utf8_lossy(key);
        let (kind, name) = key.split_once(' ').unwrap_or(("", &key));
        if kind.starts_with("char") {
            return self.text(name, value, at);
        }
        let Some(number) = Type::named(kind).and_then(|(kind, _)| kind.read(value, 0)) else { return Ok(()) };
        self.out.record([(name, number.to_string().as_str())], at, at + body.len() as u64)
    }

    fn format(&mut self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let Some((name, fields)) = text.split_once(':') else { return };
        if self.formats.len() >= MAX_FORMATS {
            return;
        }
        let fields = fields.split(';').filter_map(|f| f.trim().split_once(' '));
        let fields = fields.take(MAX_FIELDS).map(|(kind, name)| (kind.to_owned(), name.to_owned())).collect();
        self.formats.insert(name.to_owned(), fields);
    }

    fn add(&mut self, body: &[u8]) {
        let name = String::from_utf8_lossy(&body[3..]).into_owned();
        let mut plan = Plan::default();
        let mut left = MAX_FIELDS * 4;
        plan.size = self.lay(&name, 0, DEPTH, &mut plan, &mut left).unwrap_or(0);
        plan.motion |= [
            "sensor_combined",
            "sensor_accel",
            "sensor_gyro",
            "vehicle_imu",
            "vehicle_acceleration",
            "vehicle_angular_velocity",
            "vehicle_odometry",
        ]
        .iter()
        .any(|topic| name.starts_with(topic));
        let label = if body[0] == 0 { name } else { format!("{name}#{}", body[0]) };
        let topic = Topic {
            name: label,
            plan,
            messages: 0,
            bytes: 0,
            first: None,
            last: 0.0,
            source: None,
            motion: None,
            places: Vec::new(),
        };
        self.topics.insert(le16(body, 1), topic);
    }

    /// Lays a format's fields out from an offset and gives the offset behind them.
    fn lay(&self, name: &str, start: usize, depth: u32, plan: &mut Plan, left: &mut usize) -> Option<usize> {
        let mut at = start;
        for (kind, field) in self.formats.get(name)? {
            *left = left.checked_sub(1)?;
            let (kind, count) = match kind.split_once('[') {
                Some((kind, n)) => (kind, n.strip_suffix(']')?.parse::<usize>().ok()?),
                None => (kind.as_str(), 1),
            };
            if let Some((number, size)) = Type::named(kind) {
                if depth == DEPTH && count == 1 {
                    let slot = Slot { kind: number, at, scaled: matches!(number, Type::Int(4)) };
                    match field.as_str() {
                        "lat" | "latitude" | "latitude_deg" | "lat_deg" => plan.latitude = Some(slot),
                        "lon" | "longitude" | "longitude_deg" | "lon_deg" => plan.longitude = Some(slot),
                        "alt" | "altitude" | "altitude_msl_m" | "alt_m" => plan.height = Some(slot),
                        "fix_type" => plan.fix_type = Some(slot),
                        "time_utc_usec" => plan.utc = Some(slot),
                        _ => {}
                    }
                }
                at = at.checked_add(size.checked_mul(count)?)?;
            } else {
                for _ in 0..count.min(*left) {
                    at = self.lay(kind, at, depth.checked_sub(1)?, plan, left)?;
                }
            }
        }
        Some(at)
    }

    fn data(&mut self, id: u16, body: &[u8], at: u64) -> Result<(), InspectError> {
        let Some(topic) = self.topics.get_mut(&id) else { return Ok(()) };
        topic.messages += 1;
        topic.bytes += body.len() as u64;
        // The first field of every topic is the time in microseconds since the start of the system.
        let Some(time) = body.get(..8).map(|b| le64(b, 0) as f64 * 1e-6) else { return Ok(()) };
        topic.first.get_or_insert(time);
        topic.last = topic.last.max(time);
        if topic.plan.motion && topic.motion.is_none() {
            topic.motion = Some(self.out.motion(&topic.name, Vec::new()));
        }
        let (Some(lat), Some(lon)) = (topic.plan.latitude, topic.plan.longitude) else { return Ok(()) };
        if topic.plan.fix_type.and_then(|s| s.kind.read(body, s.at)).is_some_and(|fix| fix < 2.0) {
            return Ok(());
        }
        let (Some(y), Some(x)) = (lat.degrees(body), lon.degrees(body)) else { return Ok(()) };
        let height = topic.plan.height.and_then(|s| Some(s.kind.read(body, s.at)? * if s.scaled { 1e-3 } else { 1.0 }));
        if topic.name.contains("home") || topic.name.contains("setpoint") || topic.name.contains("origin") {
            if topic.places.len() < 64 && x.abs() + y.abs() > 1e-6 && x.abs() <= 180.0 && y.abs() <= 90.0 {
                topic.places.push([x, y, height.unwrap_or(0.0)]);
            }
            return Ok(());
        }
        let source = match topic.source {
            Some(source) => source,
            None => *topic.source.insert(self.out.source(&topic.name, Some(&topic.name), Some("wgs84"), false)),
        };
        let utc = topic.plan.utc.and_then(|s| s.kind.read(body, s.at)).filter(|t| *t > 1e15).map(|t| t * 1e-6);
        let time_s = match (self.clock, utc) {
            (Some(_), Some(utc)) => utc,
            (clock, _) => time + clock.unwrap_or(0.0),
        };
        self.out.fix(source, Fix { x, y, z: height, time_s: Some(time_s), entity: 0, offset: at })
    }

    fn finish(&mut self) -> Result<(), InspectError> {
        let mut rows: BTreeMap<String, Value> = BTreeMap::new();
        let (mut messages, mut first, mut last) = (0u64, f64::INFINITY, 0f64);
        let mut topics: Vec<(u16, Topic)> = self.topics.drain().collect();
        topics.sort_by_key(|(id, _)| *id);
        for (_, mut topic) in topics {
            messages += topic.messages;
            let start = topic.first.unwrap_or(topic.last);
            (first, last) = (first.min(start), last.max(topic.last));
            let duration = (topic.last - start).max(0.0);
            let mut row = json!({"name": topic.name, "messages": topic.messages, "bytes": topic.bytes, "duration_s": rounded(duration)});
            if topic.messages > 1 && duration > 0.0 {
                row["rate_hz"] = rounded((topic.messages - 1) as f64 / duration).into();
            }
            if let Some(motion) = topic.motion {
                self.out.moved(motion, topic.messages, start, topic.last);
            }
            if !topic.places.is_empty() {
                let mut item = Spatial::new(kinds::GEO_POINT).with("topic", topic.name.clone());
                item.crs = Some("wgs84".to_owned());
                item.samples = std::mem::take(&mut topic.places);
                self.out.spatial(item);
            }
            rows.insert(topic.name, row);
        }
        let item = InventoryItem::new(kinds::SENSOR_RECORDING)
            .with("messages", messages)
            .with("duration_s", rounded((last - first).max(0.0)))
            .with("topics", rows.into_values().take(1000).collect::<Vec<_>>());
        self.out.to.inventory(item);
        Ok(())
    }
}

/// What is to be added to the log's time to get seconds since 1970, by the first topic near the beginning that tells UTC.
fn clock(blob: &Blob) -> Result<Option<f64>, InspectError> {
    let mut window = Window::new(blob);
    let mut at = HEADER;
    let mut utc: HashMap<String, usize> = HashMap::new();
    let mut topics: HashMap<u16, usize> = HashMap::new();
    while at < blob.len().min(LOOK) {
        let Some(m) = message(&mut window, at)? else { break };
        match m.kind {
            b'F' => {
                let text = String::from_utf8_lossy(m.body);
                let mut offset = Some(0usize);
                for field in text.split_once(':').map_or("", |(_, fields)| fields).split(';').take(MAX_FIELDS) {
                    let Some((kind, name)) = field.split_once(' ') else { continue };
                    if name == "time_utc_usec" {
                        let topic = text.split(':').next().unwrap_or("").to_owned();
                        if let Some(offset) = offset {
                            utc.insert(topic, offset);
                        }
                        break;
                    }
                    let (kind, count) = kind
                        .split_once('[')
                        .map_or((kind, Some(1)), |(k, n)| (k, n.trim_end_matches(']').parse().ok()));
                    offset = offset
                        .zip(Type::named(kind))
                        .zip(count)
                        .and_then(|((at, (_, size)), n)| at.checked_add(size.checked_mul(n)?));
                }
            }
            b'A' if m.body.len() > 3 => {
                if let Some(&offset) = utc.get(&*String::from_utf8_lossy(&m.body[3..])) {
                    topics.insert(le16(m.body, 1), offset);
                }
            }
            b'D' if m.body.len() >= 10 => {
                if let Some(stamp) = topics.get(&le16(m.body, 0)).and_then(|at| m.body[2..].get(*at..at + 8)) {
                    let stamp = le64(stamp, 0);
                    // Since 2001: an unset clock says nothing.
                    if stamp > 1_000_000_000_000_000 {
                        return Ok(Some((stamp as f64 - le64(&m.body[2..10], 0) as f64) * 1e-6));
                    }
                }
            }
            _ => {}
        }
        at = m.at + m.body.len() as u64;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use yumen_kit_container::testing::{abuse, identify, inspect};

    use super::*;
    use crate::MeasurementPlugin;

    fn put(log: &mut Vec<u8>, kind: u8, body: &[u8]) {
        log.extend((body.len() as u16).to_le_bytes());
        log.push(kind);
        log.extend(body);
    }

    fn log() -> Vec<u8> {
        let mut log = [MAGIC, &[1], &1u64.to_le_bytes()].concat();
        put(&mut log, b'B', &[0; 40]);
        put(&mut log, b'F', b"vehicle_gps_position:uint64_t timestamp;uint64_t time_utc_usec;int32_t lat;int32_t lon;int32_t alt;uint8_t fix_type;uint8_t[3] _padding0;");
        put(&mut log, b'F', b"inner:float[2] a;");
        put(&mut log, b'F', b"vehicle_global_position:uint64_t timestamp;inner i;double lat;double lon;float alt;");
        put(&mut log, b'F', b"sensor_combined:uint64_t timestamp;float[3] gyro_rad;");
        let info = |key: &str, value: &[u8]| [&[key.len() as u8], key.as_bytes(), value].concat();
        put(&mut log, b'I', &info("char[11] sys_owner", b"13800138000"));
        put(&mut log, b'P', &info("int32_t SYS_AUTOSTART", &4001i32.to_le_bytes()));
        for (id, name) in [(0u16, "vehicle_gps_position"), (1, "vehicle_global_position"), (2, "sensor_combined")] {
            put(&mut log, b'A', &[&[0][..], &id.to_le_bytes(), name.as_bytes()].concat());
        }
        for i in 0..50u64 {
            let stamp = (1_000_000 + i * 100_000).to_le_bytes();
            let utc = (1_785_000_000_000_000 + i * 100_000).to_le_bytes();
            let lat = (399_042_000 + i as i32 * 100).to_le_bytes();
            let fix = if i < 10 { 0 } else { 3 };
            put(
                &mut log,
                b'D',
                &[&[0, 0][..], &stamp, &utc, &lat, &1_164_074_000i32.to_le_bytes(), &48_500i32.to_le_bytes(), &[fix]]
                    .concat(),
            );
            put(
                &mut log,
                b'D',
                &[
                    &[1, 0][..],
                    &stamp,
                    &[0; 8],
                    &39.9042f64.to_le_bytes(),
                    &116.4074f64.to_le_bytes(),
                    &48.5f32.to_le_bytes(),
                ]
                .concat(),
            );
            put(&mut log, b'D', &[&[2, 0][..], &stamp, &[0; 12]].concat());
        }
        put(&mut log, b'L', &[&[6][..], &9u64.to_le_bytes(), b"armed by pilot"].concat());
        log
    }

    #[test]
    fn topics_are_decoded_by_their_formats() {
        let log = log();
        assert_eq!(identify(&MeasurementPlugin, "a.ulg", &log).map(|i| i.format), Some("ulog"));
        let recorded = inspect(&MeasurementPlugin, "a.ulg", &log);
        recorded.assert_clear();
        assert_eq!(recorded.fixes.len(), 90);
        let first = recorded.fixes.iter().find(|f| f.z.is_some_and(|z| z == 48.5)).unwrap();
        assert!((first.y - 39.9042).abs() < 1e-3 && (first.x - 116.4074).abs() < 1e-9, "{first:?}");
        assert!(recorded.fixes.iter().all(|f| (1_785_000_000.0..1_785_000_010.0).contains(&f.time_s.unwrap())));
        assert_eq!(recorded.records["sys_owner"], "13800138000");
        assert_eq!(recorded.records["log"], "armed by pilot");
        let item = recorded.item(kinds::SENSOR_RECORDING);
        assert_eq!(item.properties["messages"], 150);
        assert_eq!(item.properties["topics"].as_array().unwrap().len(), 3);
        assert!(recorded.spatial.iter().any(|s| s.kind == kinds::GEO_INERTIAL && s.properties["messages"] == 50));
        abuse(&MeasurementPlugin, "ulog", "a.ulg", &log, 60);
    }

    #[test]
    fn a_cut_log_is_told_and_read_up_to_there() {
        let log = log();
        let recorded = inspect(&MeasurementPlugin, "a.ulg", &log[..log.len() - 5]);
        assert!(recorded.result.is_err());
        assert_eq!(recorded.fixes.len(), 90);
        assert!(recorded.opaque() > 0 && recorded.opaque() < 64);
    }
}
