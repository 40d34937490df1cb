//! SBET: smoothed best estimate of trajectory, as Applanix POSPac and others write it. Seventeen doubles a record, no header.
//!
//! Source: Applanix, PUBS-MAN-001768, SBET format; PDAL readers.sbet.

use yumen_kit_container::window::num::le64;
use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::spatial::MAX_SAMPLES;
use yumen_model::{
    Artifact, Certainty, Context, Fix, Format, Identity, InspectError, Inspection, Label, Probe, Spatial,
};

use crate::cloud::{Fixes, round, send_spatial};

/// Reads SBET.
pub(crate) struct Sbet;

const FORMATS: &[Format] = &[Format {
    name: "sbet",
    title: "Smoothed best estimate of trajectory",
    media_type: "application/octet-stream",
    extensions: &["sbet"],
    magic: "records of 17 doubles whose times rise evenly and whose positions move as their velocities say",
    reference: "Applanix SBET format",
    evidence: "its positions; the inertial data",
    limitations: &["times are seconds of a GPS week: the date is not told", "the datum is taken to be WGS 84"],
}];

const RECORD: usize = 136;

#[derive(Clone, Copy, Debug)]
struct Record {
    time: f64,
    lat: f64,
    lon: f64,
    alt: f64,
    velocity: [f64; 3],
    angles: [f64; 4],
    rest: [f64; 6],
}

fn record(bytes: &[u8]) -> Record {
    let v = |i: usize| f64::from_bits(le64(bytes, i * 8));
    Record {
        time: v(0),
        lat: v(1),
        lon: v(2),
        alt: v(3),
        velocity: [v(4), v(5), v(6)],
        angles: [v(7), v(8), v(9), v(10)],
        rest: [v(11), v(12), v(13), v(14), v(15), v(16)],
    }
}

impl Record {
    fn plausible(&self) -> bool {
        use std::f64::consts::{FRAC_PI_2, PI};
        let finite = self.angles.iter().chain(&self.rest).chain(&self.velocity).all(|v| v.is_finite());
        finite
            && self.time.is_finite()
            && self.time > 0.0
            && self.lat.abs() <= FRAC_PI_2
            && self.lon.abs() <= PI
            && self.lat.abs() + self.lon.abs() > 1e-3
            && (-600.0..30_000.0).contains(&self.alt)
            && self.velocity.iter().all(|v| v.abs() < 400.0)
            && self.angles.iter().all(|a| a.abs() <= 2.0 * PI + 0.1)
            && self.rest[..3].iter().all(|a| a.abs() < 200.0)
            && self.rest[3..].iter().all(|w| w.abs() < 20.0)
    }
}

/// Whether neighbours in the file are a trajectory: even steps in time, and ground covered as fast as the velocity says.
fn moves(records: &[Record]) -> bool {
    let mut agree = 0;
    for pair in records.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let dt = b.time - a.time;
        if !(dt > 1e-5 && dt <= 2.0) {
            return false;
        }
        let north = (b.lat - a.lat) * 6_371_000.0;
        let east = (b.lon - a.lon) * 6_371_000.0 * a.lat.cos();
        let told = a.velocity[0].hypot(a.velocity[1]) * dt;
        let gone = north.hypot(east);
        if gone > 400.0 * dt + 1.0 {
            return false;
        }
        if (gone - told).abs() <= 0.25 * told.max(gone) + 0.02 {
            agree += 1;
        }
    }
    agree * 10 >= (records.len() - 1) * 8
}

impl FormatReader for Sbet {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let n = probe.blob.len();
        if !n.is_multiple_of(RECORD as u64) || n < 20 * RECORD as u64 {
            return None;
        }
        let head: Vec<Record> = probe.head.chunks_exact(RECORD).take(400).map(record).collect();
        let tail_start = probe.tail.len() % RECORD;
        let tail: Vec<Record> = probe.tail[tail_start..].chunks_exact(RECORD).take(400).map(record).collect();
        let all = head.iter().chain(&tail).all(Record::plausible);
        (all && moves(&head) && moves(&tail)).then(|| Identity::new("sbet", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to, artifact);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>, artifact: &Artifact) -> Result<(), InspectError> {
    let count = to.len() / RECORD as u64;
    let mut fixes = Fixes::new();
    let mut item = Spatial::new(kinds::GEO_INERTIAL);
    item.crs = Some("wgs84".into());
    let every = count.div_ceil(MAX_SAMPLES as u64).max(1);
    let (mut first, mut last, mut index) = (None, 0.0, 0u64);
    let mut extent = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    let mut at = 0;
    let stop = count * RECORD as u64;
    let piece = 7000 * RECORD as u64;
    while at < stop {
        let next = stop.min(at + piece);
        let bytes = to.blob.bytes(at..next).map_err(|e| InspectError::read(at, &e))?;
        for (i, bytes) in bytes.chunks_exact(RECORD).enumerate() {
            let r = record(bytes);
            index += 1;
            if !r.plausible() {
                to.tell_at("bad-entry", at + (i * RECORD) as u64);
                continue;
            }
            let start = *first.get_or_insert(r.time);
            last = r.time;
            let (x, y) = (r.lon.to_degrees(), r.lat.to_degrees());
            extent = [extent[0].min(x), extent[1].min(y), extent[2].max(x), extent[3].max(y)];
            if (index - 1) % every == 0 && item.samples.len() < MAX_SAMPLES {
                item.samples.push([x, y, r.alt]);
            }
            let offset = at + (i * RECORD) as u64;
            let fix = Fix { x, y, z: Some(r.alt), time_s: Some(r.time - start), entity: 0, offset };
            fixes.push(to, artifact, "wgs84", fix)?;
        }
        to.label(at..next, Label::Inspected)?;
        at = next;
    }
    fixes.finish(to)?;
    let Some(start) = first else {
        return Err(InspectError::corrupt(0, "no record of a trajectory"));
    };
    item.extent = Some(extent);
    let duration = last - start;
    item = item.with("messages", count).with("duration_s", round(duration));
    if duration > 0.0 {
        item = item.with("rate_hz", round((count - 1) as f64 / duration));
    }
    item.bytes = Some((0, stop));
    send_spatial(to, artifact, vec![item])?;
    if stop < to.len() {
        return Err(InspectError::corrupt(stop, "the last record is cut short"));
    }
    Ok(())
}
