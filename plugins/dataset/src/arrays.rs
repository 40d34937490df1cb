//! What arrays of numbers are by their names, shapes and values: positions, points, pictures, features; the same for every container of arrays.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yumen_kit_container::Container;
use yumen_model::kind::kinds;
use yumen_model::spatial::MAX_SAMPLES;
use yumen_model::{
    Artifact, Batch, EvidenceHeader, EvidenceKind, Fix, FixBatch, InspectError, Inspection, InventoryItem, Message,
    Spatial, SpatialBatch, Stop,
};

/// Streams of positions begin here.
const FIX_STREAM: u32 = 130;
const SPATIAL_STREAM: u32 = 129;
/// Streams of positions of one artifact.
const MOST_SOURCES: u32 = 500;
const BATCH: usize = 65_536;
/// Rows that are looked at before anything is claimed of an array.
const PROBE: usize = 4096;
/// Rows of the table of arrays.
const MOST_LISTED: usize = 1000;

/// Sends through a container what writers of evidence want to send.
pub(crate) struct Through<'c, 'a>(pub &'c mut Container<'a>);

impl Inspection for Through<'_, '_> {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        self.0.send(message)
    }
}

/// The kind of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Signed,
    Unsigned,
    Float,
    Bool,
    /// Texts, times, references, records.
    Other,
}

/// A number of any kind and size.
pub(crate) fn number(bytes: &[u8], kind: Kind, big: bool) -> f64 {
    let mut raw = [0u8; 8];
    let n = bytes.len().min(8);
    raw[..n].copy_from_slice(&bytes[..n]);
    if big {
        raw[..n].reverse();
    }
    let bits = u64::from_le_bytes(raw);
    match (kind, n) {
        (Kind::Float, 8) => f64::from_bits(bits),
        (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
        (Kind::Float, 2) => half(bits as u16),
        (Kind::Signed, 1..=7) => {
            let shift = 64 - 8 * n as u32;
            ((bits << shift) as i64 >> shift) as f64
        }
        (Kind::Signed, 8) => bits as i64 as f64,
        (Kind::Unsigned | Kind::Bool, _) => bits as f64,
        _ => f64::NAN,
    }
}

fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from((bits >> 10) & 0x1F), f64::from(bits & 0x3FF));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1.0 + fraction / 1024.0) * 2f64.powi(e - 15),
    }
}

/// An array that can be read row by row.
pub(crate) trait Rows {
    fn rows(&self) -> u64;
    fn width(&self) -> usize;
    /// Appends `n` rows from `start`, each of `width` numbers.
    fn read(&mut self, start: u64, n: usize, out: &mut Vec<f64>) -> Result<(), InspectError>;
    /// Where a row stands in the artifact, as near as is known.
    fn offset(&self, row: u64) -> u64;
}

/// An array with a name, beside others of its group.
pub(crate) struct Candidate<'a> {
    pub name: String,
    pub rows: Box<dyn Rows + 'a>,
}

/// Words of a name: `rawGnss/gps_lat` gives `raw`, `gnss`, `gps`, `lat`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (lower && c.is_uppercase()) {
            words.push(String::new());
        }
        lower = c.is_lowercase() || c.is_numeric();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

fn has(name: &str, any: &[&str]) -> bool {
    words(name).iter().any(|w| any.contains(&w.as_str()))
}

const LAT: &[&str] = &["lat", "latitude", "latitudes", "纬度"];
const LON: &[&str] = &["lon", "lng", "long", "longitude", "longitudes", "经度"];
const GNSS: &[&str] = &[
    "gps",
    "gnss",
    "navsat",
    "navsatfix",
    "fix",
    "latlon",
    "latlong",
    "lonlat",
    "lnglat",
    "wgs84",
    "ublox",
    "qcom",
    "lla",
    "llh",
    "geo",
    "location",
    "locations",
];
const PLACES: &[&str] = &[
    "position",
    "positions",
    "pos",
    "trajectory",
    "trajectories",
    "traj",
    "pose",
    "poses",
    "path",
    "waypoints",
    "odometry",
    "odom",
    "xyz",
    "ego",
];
const CLOUD: &[&str] = &["points", "point", "lidar", "velodyne", "pointcloud", "pointclouds", "cloud", "pcd", "pts"];
const PICTURES: &[&str] = &[
    "image", "images", "img", "imgs", "frame", "frames", "rgb", "camera", "cam", "picture", "pictures", "video",
    "photo", "photos", "x", "pixels", "depth", "mask", "masks",
];
const FEATURES: &[&str] = &[
    "feature",
    "features",
    "feat",
    "feats",
    "embedding",
    "embeddings",
    "embed",
    "embeds",
    "emb",
    "descriptor",
    "descriptors",
    "latent",
    "latents",
    "encodings",
    "reid",
];
const AUDIO: &[&str] = &["audio", "pcm", "wav", "waveform", "microphone", "speech", "sound"];

/// Whether the name promises positions or what goes with them.
pub(crate) fn is_of_interest(name: &str) -> bool {
    const BESIDE: &[&str] =
        &["t", "time", "times", "timestamp", "timestamps", "utc", "alt", "altitude", "height", "elevation"];
    [LAT, LON, GNSS, PLACES, CLOUD, BESIDE].iter().any(|words| has(name, words))
}

/// What an array holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Pictures,
    Audio,
    Features,
    Numbers,
}

/// What the name, shape and element of an array say it holds.
pub(crate) fn role(name: &str, shape: &[u64], kind: Kind, size: usize) -> Role {
    let n = shape.len();
    let side = |i: usize| shape.get(i).copied().unwrap_or(0) >= 16;
    let channels = |i: usize| matches!(shape.get(i), Some(1 | 3 | 4));
    let coloured =
        n >= 3 && ((channels(n - 1) && side(n - 2) && side(n - 3)) || (channels(n - 3) && side(n - 1) && side(n - 2)));
    let grey = n >= 2 && side(n - 1) && side(n - 2);
    let byte = kind == Kind::Unsigned && size == 1;
    let named = has(name, PICTURES);
    if byte && (coloured || (grey && n >= 3) || (grey && named)) {
        return Role::Pictures;
    }
    if named && coloured && (kind == Kind::Float || size <= 2) {
        return Role::Pictures;
    }
    if kind == Kind::Float && n >= 2 && shape[n - 1] >= 16 && has(name, FEATURES) {
        return Role::Features;
    }
    if has(name, AUDIO) && n <= 2 && shape.iter().product::<u64>() >= 8000 {
        return Role::Audio;
    }
    Role::Numbers
}

/// One row of the table of arrays.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<u64>,
    pub bytes: u64,
}

/// What a file of named arrays is told as.
pub(crate) fn inventory(to: &mut Container<'_>, listed: &[Listed]) {
    if listed.is_empty() {
        return;
    }
    let table: Vec<Value> = listed
        .iter()
        .take(MOST_LISTED)
        .map(|a| {
            let shape: Vec<String> = a.shape.iter().map(u64::to_string).collect();
            json!({"name": a.name, "type": a.dtype, "shape": shape.join("x"), "bytes": a.bytes})
        })
        .collect();
    let any = |names: &[&str]| listed.iter().any(|a| has(&a.name, names));
    let sensors = any(GNSS)
        || (any(LAT) && any(LON))
        || any(&["imu", "can", "steering", "speed", "velocity", "accel", "gyro", "lidar", "radar"]);
    let labels = any(&[
        "label",
        "labels",
        "target",
        "targets",
        "annotation",
        "annotations",
        "bbox",
        "boxes",
        "class",
        "classes",
        "y",
    ]);
    let kind = if sensors && !labels { kinds::SENSOR_RECORDING } else { kinds::DATASET_TRAINING };
    let mut item = InventoryItem::new(kind).with("datasets", listed.len()).with("arrays", table);
    item.confidence = if labels || sensors { 0.8 } else { 0.5 };
    to.inventory(item);
}

/// Tells that an array is a dump of features.
pub(crate) fn features(to: &mut Container<'_>, name: &str, shape: &[u64]) {
    let width = shape.last().copied().unwrap_or(0);
    let rows: u64 = shape[..shape.len().saturating_sub(1)].iter().product();
    let item = InventoryItem::new(kinds::MODEL_FEATURES);
    let mut item = item.with("vectors", rows).with("dimensions", width).with("names", vec![Value::from(name)]);
    item.confidence = 0.8;
    to.inventory(item);
}

/// Positions of one source on their way to the detectors.
pub(crate) struct FixStream {
    stream: u32,
    batch: Vec<Fix>,
}

impl FixStream {
    pub(crate) fn open(
        to: &mut Container<'_>,
        artifact: &Artifact,
        index: u32,
        crs: &str,
        source: &str,
        name: &str,
    ) -> Result<Self, InspectError> {
        let stream = FIX_STREAM + index;
        let properties = [("crs", crs), ("source", source), ("name", name)];
        let header = EvidenceHeader {
            stream,
            kind: EvidenceKind::Fixes,
            format: artifact.format.into(),
            name: artifact.name.clone(),
            properties: properties.iter().map(|(k, v)| ((*k).to_owned(), Value::from(*v))).collect(),
        };
        to.send(Message::Evidence(header))?;
        Ok(FixStream { stream, batch: Vec::new() })
    }

    pub(crate) fn push(&mut self, to: &mut Container<'_>, fix: Fix) -> Result<(), InspectError> {
        self.batch.push(fix);
        if self.batch.len() >= BATCH { self.flush(to) } else { Ok(()) }
    }

    fn flush(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        let fixes = std::mem::take(&mut self.batch);
        Ok(to.send(Message::Batch { stream: self.stream, batch: Batch::Fixes(FixBatch { fixes }) })?)
    }

    pub(crate) fn finish(mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        if !self.batch.is_empty() {
            self.flush(to)?;
        }
        Ok(to.send(Message::EvidenceEnd { stream: self.stream })?)
    }
}

/// Sends things with a place as one stream.
pub(crate) fn send_spatial(
    to: &mut Container<'_>,
    artifact: &Artifact,
    items: Vec<Spatial>,
) -> Result<(), InspectError> {
    if items.is_empty() || to.stopped() {
        return Ok(());
    }
    let header = EvidenceHeader {
        stream: SPATIAL_STREAM,
        kind: EvidenceKind::Spatial,
        format: artifact.format.into(),
        name: artifact.name.clone(),
        properties: BTreeMap::new(),
    };
    to.send(Message::Evidence(header))?;
    to.send(Message::Batch { stream: SPATIAL_STREAM, batch: Batch::Spatial(SpatialBatch { items }) })?;
    Ok(to.send(Message::EvidenceEnd { stream: SPATIAL_STREAM })?)
}

/// How the columns of a table of positions are to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Layout {
    x: usize,
    y: usize,
    z: Option<usize>,
    time: Option<(usize, f64)>,
    crs: &'static str,
}

/// Seconds of a unit of this column, if it is rising Unix time in s, ms, µs or ns.
fn unix_unit(values: &[f64], width: usize, column: usize) -> Option<f64> {
    let column: Vec<f64> = values.iter().skip(column).step_by(width).copied().collect();
    let unit = [1.0, 1e-3, 1e-6, 1e-9].into_iter().find(|u| column.iter().all(|t| (1e9..4e9).contains(&(t * u))))?;
    (column.len() >= 5 && column.windows(2).all(|w| w[1] >= w[0]) && column.first() < column.last()).then_some(unit)
}

/// Whether two columns are latitudes and longitudes of something that moves.
fn degrees(values: &[f64], width: usize, lat: usize, lon: usize) -> bool {
    let rows: Vec<(f64, f64)> = values
        .chunks_exact(width)
        .map(|r| (r[lat], r[lon]))
        .filter(|(a, b)| a.is_finite() && b.is_finite() && (*a, *b) != (0.0, 0.0))
        .collect();
    rows.len() >= 2
        && rows.iter().all(|(a, b)| a.abs() <= 90.0 && b.abs() <= 180.0)
        && rows.iter().any(|(a, b)| a.fract() != 0.0 && b.fract() != 0.0)
        && rows.iter().any(|(a, b)| a.abs() > 0.5 || b.abs() > 0.5)
        && rows.windows(2).filter(|w| (w[0].0 - w[1].0).abs() + (w[0].1 - w[1].1).abs() < 0.05).count() * 10
            >= (rows.len() - 1) * 9
}

/// Geocentric positions tell themselves by their distance from the centre of the earth.
fn geocentric(values: &[f64], width: usize) -> bool {
    let radii: Vec<f64> = values
        .chunks_exact(width)
        .filter(|r| r[..3].iter().all(|v| v.is_finite()) && r[..3] != [0.0; 3])
        .map(|r| r[0].hypot(r[1]).hypot(r[2]))
        .collect();
    radii.len() >= 4 && radii.iter().all(|r| (6_340_000.0..6_400_000.0).contains(r))
}

/// What a table without named columns holds, by its name and its numbers.
fn layout(name: &str, values: &[f64], width: usize) -> Option<Layout> {
    if width >= 3 && geocentric(values, width) {
        return Some(Layout { x: 0, y: 1, z: Some(2), time: None, crs: "ecef" });
    }
    let time = (2..width).find_map(|c| Some((c, unix_unit(values, width, c)?)));
    let first_time = (0..1).find_map(|c| Some((c, unix_unit(values, width, c)?)));
    let named = has(name, GNSS) || (has(name, LAT) && has(name, LON));
    let base = usize::from(first_time.is_some());
    if width < base + 2 {
        return None;
    }
    if named || time.is_some() || first_time.is_some() {
        let lon_first = has(name, &["lonlat", "lnglat"]);
        let orders =
            if lon_first { [(base + 1, base), (base, base + 1)] } else { [(base, base + 1), (base + 1, base)] };
        for (lat, lon) in orders {
            // Without a name only what has the time beside it, and fractions all over, is a receiver's.
            if degrees(values, width, lat, lon) && (named || lat < lon) {
                let z = (width > base + 2 && has(name, &["lla", "llh"])).then_some(base + 2);
                return Some(Layout { x: lon, y: lat, z, time: first_time.or(time), crs: "wgs84" });
            }
        }
    }
    (has(name, PLACES) && matches!(width, 2 | 3)).then_some(Layout {
        x: 0,
        y: 1,
        z: (width == 3).then_some(2),
        time: None,
        crs: "local",
    })
}

/// Finds and sends the positions of a group of arrays; gives back clouds and the like.
pub(crate) fn positions(
    to: &mut Container<'_>,
    artifact: &Artifact,
    group: &mut [Candidate<'_>],
    sources: &mut u32,
) -> Result<Vec<Spatial>, InspectError> {
    let mut items = Vec::new();
    let mut used = vec![false; group.len()];
    let single = |c: &Candidate<'_>| c.rows.width() == 1 && c.rows.rows() > 0;
    for lat in 0..group.len() {
        if !single(&group[lat]) || !has(&group[lat].name, LAT) || has(&group[lat].name, LON) {
            continue;
        }
        let n = group[lat].rows.rows();
        let rest =
            |name: &str, of: &[&str]| words(name).into_iter().filter(|w| !of.contains(&w.as_str())).collect::<Vec<_>>();
        let stem = rest(&group[lat].name, LAT);
        let partner = |names: &[&str], exact: bool| {
            group.iter().position(|c| {
                single(c) && c.rows.rows() == n && has(&c.name, names) && (!exact || rest(&c.name, names) == stem)
            })
        };
        let Some(lon) = partner(LON, true) else { continue };
        let alt = partner(&["alt", "altitude", "height", "elevation"], true);
        let time = partner(&["t", "time", "times", "timestamp", "timestamps", "utc"], false);
        used[lat] = true;
        used[lon] = true;
        if *sources >= MOST_SOURCES {
            continue;
        }
        let radians = has(&group[lat].name, &["rad", "radians"]);
        let name = group[lat].name.clone();
        let mut out = FixStream::open(to, artifact, *sources, "wgs84", "receiver", &name)?;
        *sources += 1;
        let mut row = 0;
        while row < n {
            let m = usize::try_from(n - row).unwrap_or(usize::MAX).min(BATCH);
            let mut column = |i: Option<usize>| -> Result<Vec<f64>, InspectError> {
                let mut values = Vec::new();
                if let Some(i) = i {
                    group[i].rows.read(row, m, &mut values)?;
                }
                Ok(values)
            };
            let (ys, xs, zs, ts) = (column(Some(lat))?, column(Some(lon))?, column(alt)?, column(time)?);
            for i in 0..m.min(xs.len()).min(ys.len()) {
                let (mut x, mut y) = (xs[i], ys[i]);
                if radians {
                    (x, y) = (x.to_degrees(), y.to_degrees());
                }
                if !x.is_finite() || !y.is_finite() || (x == 0.0 && y == 0.0) {
                    continue;
                }
                let offset = group[lat].rows.offset(row + i as u64);
                let finite = |v: Option<&f64>| v.copied().filter(|v| v.is_finite());
                let time_s = finite(ts.get(i)).map(seconds);
                out.push(to, Fix { x, y, z: finite(zs.get(i)), time_s, entity: 0, offset })?;
            }
            row += m as u64;
        }
        out.finish(to)?;
    }
    for i in 0..group.len() {
        let (width, rows) = (group[i].rows.width(), group[i].rows.rows());
        if used[i] || !(2..=64).contains(&width) || rows < 2 {
            continue;
        }
        let name = group[i].name.clone();
        let mut probe = Vec::new();
        group[i].rows.read(0, usize::try_from(rows).unwrap_or(PROBE).min(PROBE), &mut probe)?;
        if let Some(layout) = layout(&name, &probe, width) {
            if *sources < MOST_SOURCES {
                track(to, artifact, group[i].rows.as_mut(), &name, layout, *sources)?;
                *sources += 1;
            }
        } else if has(&name, CLOUD) && (3..=8).contains(&width) && rows >= 32 {
            items.push(cloud(group[i].rows.as_mut())?);
        }
    }
    Ok(items)
}

/// Unix time in any unit as seconds; other times as they are.
fn seconds(t: f64) -> f64 {
    let unit = [1.0, 1e-3, 1e-6, 1e-9].into_iter().find(|u| (1e9..4e9).contains(&(t * u)));
    t * unit.unwrap_or(1.0)
}

fn track(
    to: &mut Container<'_>,
    artifact: &Artifact,
    rows: &mut dyn Rows,
    name: &str,
    layout: Layout,
    index: u32,
) -> Result<(), InspectError> {
    let source = if layout.crs == "local" { "odometry" } else { "receiver" };
    let mut out = FixStream::open(to, artifact, index, layout.crs, source, name)?;
    let width = rows.width();
    let mut row = 0;
    while row < rows.rows() {
        let m = usize::try_from(rows.rows() - row).unwrap_or(usize::MAX).min(BATCH);
        let mut values = Vec::new();
        rows.read(row, m, &mut values)?;
        for (i, r) in values.chunks_exact(width).enumerate() {
            let (x, y) = (r[layout.x], r[layout.y]);
            if !x.is_finite() || !y.is_finite() || (x == 0.0 && y == 0.0 && layout.crs != "local") {
                continue;
            }
            let fix = Fix {
                x,
                y,
                z: layout.z.map(|c| r[c]).filter(|v| v.is_finite()),
                time_s: layout.time.map(|(c, unit)| r[c] * unit),
                entity: 0,
                offset: rows.offset(row + i as u64),
            };
            out.push(to, fix)?;
        }
        row += m as u64;
    }
    out.finish(to)
}

/// Points of a sensor, by their name.
fn cloud(rows: &mut dyn Rows) -> Result<Spatial, InspectError> {
    let width = rows.width();
    let every = rows.rows().div_ceil(MAX_SAMPLES as u64).max(1);
    let mut item = Spatial::new(kinds::GEO_POINT_CLOUD).with("points", rows.rows()).with("columns", width);
    let (mut min, mut max) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    let (mut row, mut index) = (0, 0u64);
    while row < rows.rows() {
        let m = usize::try_from(rows.rows() - row).unwrap_or(usize::MAX).min(BATCH);
        let mut values = Vec::new();
        rows.read(row, m, &mut values)?;
        for r in values.chunks_exact(width) {
            let p = [r[0], r[1], r[2]];
            if p.iter().all(|v| v.is_finite()) {
                for i in 0..3 {
                    min[i] = min[i].min(p[i]);
                    max[i] = max[i].max(p[i]);
                }
                if index % every == 0 && item.samples.len() < MAX_SAMPLES {
                    item.samples.push(p);
                }
            }
            index += 1;
        }
        row += m as u64;
    }
    item.confidence = 0.7;
    if min[0] <= max[0] {
        item.extent = Some([min[0], min[1], max[0], max[1]]);
        if min.iter().chain(&max).all(|v| v.abs() < 100_000.0) {
            item.crs = Some("local".into());
            item = item.with("frame", "local");
        }
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_their_words() {
        assert_eq!(words("rawGnss/gps_lat"), ["raw", "gnss", "gps", "lat"]);
        assert!(!has("plate", LAT) && !has("translation", LAT) && has("GPS_Latitude", LAT));
        assert_eq!(role("images", &[10, 64, 64, 3], Kind::Unsigned, 1), Role::Pictures);
        assert_eq!(role("X_train", &[10, 3, 224, 224], Kind::Float, 4), Role::Pictures);
        assert_eq!(role("image_embeddings", &[1000, 512], Kind::Float, 4), Role::Features);
        assert_eq!(role("weights", &[1000, 512], Kind::Float, 4), Role::Numbers);
        assert_eq!(role("labels", &[1000], Kind::Unsigned, 1), Role::Numbers);
        assert_eq!(number(&[0x00, 0x3C], Kind::Float, false), 1.0);
        assert_eq!(number(&[0xFF, 0xFE], Kind::Signed, true), -2.0);
    }

    #[test]
    fn tables_of_numbers_are_positions_only_with_evidence() {
        let beijing: Vec<f64> =
            (0..50).flat_map(|i| [39.9 + f64::from(i) * 1e-4, 116.4 + f64::from(i) * 1e-4]).collect();
        assert_eq!(layout("value", &beijing, 2), None);
        assert_eq!(layout("gps_positions", &beijing, 2).map(|l| (l.crs, l.x)), Some(("wgs84", 1)));
        let swapped: Vec<f64> = beijing.chunks(2).flat_map(|c| [c[1], c[0]]).collect();
        assert_eq!(layout("gps", &swapped, 2).map(|l| (l.crs, l.x)), Some(("wgs84", 0)));
        let timed: Vec<f64> =
            beijing.chunks(2).enumerate().flat_map(|(i, c)| [c[0], c[1], 12.5, 1.5e12 + i as f64 * 100.0]).collect();
        assert_eq!(layout("value", &timed, 4).map(|l| (l.crs, l.time)), Some(("wgs84", Some((3, 1e-3)))));
        let ecef: Vec<f64> = (0..10).flat_map(|i| [-2_178_000.0 + f64::from(i), 4_388_000.0, 4_070_000.0]).collect();
        assert_eq!(layout("frame_positions", &ecef, 3).map(|l| l.crs), Some("ecef"));
        let metres: Vec<f64> = (0..30).map(f64::from).collect();
        assert_eq!(layout("trajectory", &metres, 3).map(|l| l.crs), Some("local"));
        assert_eq!(layout("weights", &metres, 3), None);
    }
}
