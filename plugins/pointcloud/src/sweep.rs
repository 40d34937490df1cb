//! Raw lidar sweeps: 32-bit floats without a header, four columns (KITTI) or five (nuScenes). Recognised by name and by what the numbers look like.
//!
//! Source: KITTI raw data development kit; nuScenes devkit, LidarPointCloud.

use yumen_kit_container::window::num::le32;
use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Label, Probe,
};

use crate::cloud::{Cloud, float_step, send_spatial};
use crate::crs::Crs;

/// Reads raw sweeps.
pub(crate) struct LidarBin;

const FORMATS: &[Format] = &[Format {
    name: "lidar-bin",
    title: "Raw lidar sweep",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "a name in .bin and rows of 4 or 5 floats: places around a sensor, an intensity, a ring",
    reference: "KITTI raw data development kit; nuScenes devkit",
    evidence: "the cloud in the sensor's frame",
    limitations: &["there is no header: other columns than these two layouts are not recognised"],
}];

fn float(bytes: &[u8], at: usize) -> f64 {
    f64::from(f32::from_bits(le32(bytes, at)))
}

/// What a stretch of rows looks like.
#[derive(Default)]
struct Look {
    rows: u32,
    zeros: u32,
    tiny: u32,
    far: u32,
    near_neighbours: u32,
    left: u32,
    right: u32,
    unit: u32,
    byte: u32,
    reach: f64,
    heights: (f64, f64),
    levels: u32,
    last_level: f64,
    changes: u32,
}

impl Look {
    /// False when a row can be no lidar return.
    fn row(&mut self, row: &[u8], columns: usize, last: &mut [f64; 3]) -> bool {
        let p = [float(row, 0), float(row, 4), float(row, 8)];
        let intensity = float(row, 12);
        if !p.iter().all(|v| v.is_finite() && v.abs() < 500.0) || p[2].abs() > 150.0 || !intensity.is_finite() {
            return false;
        }
        self.rows += 1;
        // What is neither zero nor a thousandth of a millimetre is seldom a distance.
        self.tiny += u32::from(p.iter().any(|v| *v != 0.0 && v.abs() < 1e-6));
        let reach = p[0].hypot(p[1]);
        self.zeros += u32::from(p == [0.0; 3]);
        self.far += u32::from(reach > 2.0);
        self.reach = self.reach.max(reach);
        self.left += u32::from(p[1] > 0.0);
        self.right += u32::from(p[1] < 0.0);
        let step = (p[0] - last[0]).hypot(p[1] - last[1]);
        // Along a ring or up a column the next return is not far away.
        self.near_neighbours += u32::from(step < 3.0 + 0.3 * reach);
        *last = p;
        self.heights = if self.rows == 1 { (p[2], p[2]) } else { (self.heights.0.min(p[2]), self.heights.1.max(p[2])) };
        self.unit += u32::from((0.0..=1.0).contains(&intensity));
        self.byte += u32::from((0.0..=255.0).contains(&intensity) && intensity.fract() == 0.0);
        if columns == 5 {
            let ring = float(row, 16);
            if !(0.0..=255.0).contains(&ring) || ring.fract() != 0.0 {
                return false;
            }
            self.levels = self.levels.max(ring as u32);
        }
        if intensity != self.last_level {
            self.changes += 1;
            self.last_level = intensity;
        }
        true
    }

    fn is_sweep(&self) -> bool {
        let n = self.rows;
        n >= 64
            && self.zeros * 4 < n
            && self.tiny * 20 < n
            && self.far * 2 > n
            && self.near_neighbours * 10 > n * 7
            && self.reach > 4.0
            && self.heights.1 - self.heights.0 > 0.2
            && self.heights.1 - self.heights.0 < 2.0 * self.reach + 10.0
            && self.left > n / 50
            && self.right > n / 50
            && (self.unit == n || self.byte == n)
            && self.changes > n / 100
    }
}

/// The number of columns, where the bytes are a sweep of that many.
fn columns(probe: &Probe<'_>) -> Option<usize> {
    let name = probe.name.to_ascii_lowercase();
    let len = probe.blob.len();
    if !name.ends_with(".bin") || len < 64 * 16 {
        return None;
    }
    let fits = |columns: usize| {
        let row = columns * 4;
        if !len.is_multiple_of(row as u64) {
            return false;
        }
        let middle = (len / 2 / row as u64) * row as u64;
        let Ok(middle) = probe.blob.bytes(middle..middle + (16 << 10)) else { return false };
        let tail = probe.tail.get(probe.tail.len() % row..).unwrap_or(&[]);
        let mut look = Look::default();
        let mut last = [0.0; 3];
        let parts = [probe.head, &middle, tail];
        parts.iter().all(|part| part.chunks_exact(row).take(1500).all(|r| look.row(r, columns, &mut last)))
            && look.is_sweep()
            && (columns == 4 || look.levels >= 3)
    };
    // nuScenes' name says five columns; by chance four may fit as well.
    let order = if name.ends_with(".pcd.bin") { [5, 4] } else { [4, 5] };
    order.into_iter().find(|&n| fits(n))
}

impl FormatReader for LidarBin {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        columns(probe)?;
        Some(Identity::new("lidar-bin", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to, artifact);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>, artifact: &Artifact) -> Result<(), InspectError> {
    let bytes = |range: std::ops::Range<u64>| to.blob.bytes(range).map_err(|e| InspectError::read(0, &e));
    let head = bytes(0..64 << 10)?;
    let tail = bytes(to.len().saturating_sub(64 << 10)..to.len())?;
    let probe = Probe::new(&head, &tail, to.blob, &artifact.name);
    let Some(columns) = columns(&probe) else {
        return Err(InspectError::corrupt(0, "the rows are no lidar returns"));
    };
    let row = columns * 4;
    let mut cloud = Cloud::new(Crs::local());
    let stop = to.len() / row as u64 * row as u64;
    let piece = ((1 << 20) / row * row) as u64;
    let (mut at, mut rings, mut intensity) = (0, 0u32, false);
    while at < stop {
        let next = stop.min(at + piece);
        let bytes = to.blob.bytes(at..next).map_err(|e| InspectError::read(at, &e))?;
        for r in bytes.chunks_exact(row) {
            cloud.add([float(r, 0), float(r, 4), float(r, 8)]);
            intensity |= float(r, 12) != 0.0;
            if columns == 5 && (0.0..=255.0).contains(&float(r, 16)) {
                rings = rings.max(float(r, 16) as u32 + 1);
            }
        }
        to.label(at..next, Label::Inspected)?;
        at = next;
    }
    let points = cloud.points;
    let step =
        cloud.bounds().and_then(|(min, max)| float_step(min.iter().chain(&max).fold(0.0, |a, b| f64::max(a, b.abs()))));
    let mut item = cloud.spatial().with("columns", columns).with("intensity", intensity);
    if let Some(step) = step {
        item = item.with("precision_m", step);
    }
    if rings > 0 {
        item = item.with("rings", rings);
    }
    item.confidence = 0.9;
    send_spatial(to, artifact, vec![item])?;
    let mut sensor = InventoryItem::new(kinds::SENSOR_LIDAR).with("frames", 1).with("points", points);
    sensor.confidence = 0.9;
    to.inventory(sensor);
    Ok(())
}
