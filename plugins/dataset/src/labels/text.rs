//! Labels in lines of text: KITTI's objects, calibrations, navigation and poses, TUM's trajectories, YOLO's boxes.

use std::collections::BTreeSet;

use yumen_kit_container::{Container, FormatReader};
use yumen_kit_text::{Sample, send_text};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Fix, Format, Identity, InspectError, Inspection, Probe, Spatial};

use super::{Labels, format};
use crate::arrays::{FixStream, send_spatial};

pub(crate) struct TextLabels;

const TEXT: &str = "text/plain";
const FORMATS: &[Format] = &[
    format(
        "kitti-label",
        "KITTI object labels",
        TEXT,
        "lines of a class of KITTI and 14 or 15 numbers",
        "https://www.cvlibs.net/datasets/kitti/",
    ),
    format(
        "kitti-calib",
        "KITTI calibration",
        TEXT,
        "lines `P0:` to `P3:` of 12 numbers, or `R:` of 9 with `T:` of 3",
        "https://www.cvlibs.net/datasets/kitti/",
    ),
    format(
        "kitti-oxts",
        "KITTI navigation (OXTS)",
        TEXT,
        "lines of 30 numbers that begin with latitude and longitude",
        "https://www.cvlibs.net/datasets/kitti/",
    ),
    format(
        "kitti-poses",
        "KITTI poses",
        TEXT,
        "lines of 12 numbers, a rotation and a translation row by row; with the frame before them, and a last row behind (KITTI-360)",
        "https://www.cvlibs.net/datasets/kitti/eval_odometry.php",
    ),
    format(
        "tum-trajectory",
        "TUM trajectory",
        TEXT,
        "lines of a time, a position, a unit quaternion",
        "https://cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats",
    ),
    format(
        "yolo",
        "YOLO labels",
        TEXT,
        "lines of a class and four or more numbers from 0 to 1, in a .txt file",
        "https://docs.ultralytics.com/datasets/",
    ),
];

const CLASSES: &[&str] = &[
    "Car",
    "Van",
    "Truck",
    "Pedestrian",
    "Person_sitting",
    "Cyclist",
    "Tram",
    "Misc",
    "DontCare",
    "Person",
    "Bus",
    "Motorcycle",
];

/// The numbers of a line; none when a word is no number.
fn numbers(line: &str) -> Option<Vec<f64>> {
    line.split_ascii_whitespace().map(|w| w.parse::<f64>().ok().filter(|n| n.is_finite())).collect()
}

fn object(line: &str) -> Option<&str> {
    let (class, rest) = line.trim().split_once(' ')?;
    // In tracking sets the frame and the number of the object stand before the class.
    let (class, rest) = match class.parse::<u32>() {
        Ok(_) => {
            let (_, rest) = rest.split_once(' ')?;
            rest.split_once(' ')?
        }
        Err(_) => (class, rest),
    };
    let n = numbers(rest)?;
    (CLASSES.contains(&class) && matches!(n.len(), 14 | 15) && (-10.0..=4.0).contains(&n[1])).then_some(class)
}

/// The name and the numbers of a line of calibration; some sets leave the colon out.
fn calibrated(line: &str) -> Option<(&str, &str)> {
    let loose = || line.split_once(' ').filter(|(name, _)| name.starts_with("R_rect") || name.starts_with("Tr_"));
    line.split_once(':').or_else(loose)
}

fn calibration(line: &str) -> bool {
    let Some((name, rest)) = calibrated(line) else { return false };
    let camera = |c: &str| c.strip_prefix('P').is_some_and(|n| matches!(n, "0" | "1" | "2" | "3"));
    numbers(rest).is_some_and(|n| {
        camera(name) && n.len() == 12
            || name.starts_with("P_rect") && n.len() == 12
            || (name == "R" || name.starts_with("R_rect") || name.starts_with("R0_rect")) && n.len() == 9
            || name == "T" && n.len() == 3
            || name.starts_with("Tr") && n.len() == 12
    })
}

/// Latitude, longitude and height of a line of OXTS data.
fn oxts(line: &str) -> Option<[f64; 3]> {
    let n = numbers(line)?;
    let angles = n.len() == 30 && n[3..6].iter().all(|a| a.abs() <= std::f64::consts::TAU);
    let position = angles && n[0].abs() <= 90.0 && n[1].abs() <= 180.0 && n[0].abs() + n[1].abs() > 0.01;
    // Counts of satellites and modes are whole.
    let whole = n.iter().skip(25).all(|v| v.fract() == 0.0);
    (position && whole).then(|| [n[1], n[0], n[2]])
}

/// The sensors that a matrix of a calibration is of.
fn calibrates(name: &str) -> Vec<String> {
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let camera = name.starts_with(['P', 'K', 'D', 'S']) || name.starts_with("R_") || name.starts_with("T_");
    let mut out = Vec::new();
    if let (true, Ok(n)) = (camera, digits.parse::<u8>()) {
        out.push(format!("camera_{n}"));
    }
    if name == "Tr" || name.starts_with("Tr_velo") {
        out.push("velodyne".to_owned());
    }
    if name.starts_with("Tr_imu") {
        out.push("imu".to_owned());
    }
    out
}

/// Position and time of a line of poses: rows of a rotation each with its translation, or a time, a position, a quaternion.
fn pose(line: &str) -> Option<(&'static str, Fix)> {
    let n = numbers(line)?;
    let fix = |[x, y, z]: [f64; 3], time_s| Fix { x, y, z: Some(z), time_s, entity: 0, offset: 0 };
    let whole = |v: f64| v >= 0.0 && v.fract() == 0.0;
    let matrix = match n.len() {
        12 => &n[..],
        13 | 17 if whole(n[0]) && (n.len() == 13 || n[13..] == [0.0, 0.0, 0.0, 1.0]) => &n[1..13],
        8 => {
            let unit = n[4..].iter().map(|q| q * q).sum::<f64>();
            return ((unit - 1.0).abs() < 0.01 && n[0] >= 0.0)
                .then(|| ("tum-trajectory", fix([n[1], n[2], n[3]], Some(n[0]))));
        }
        _ => return None,
    };
    let row = |r: usize| [matrix[r * 4], matrix[r * 4 + 1], matrix[r * 4 + 2]];
    let dot = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let turn = (0..3).all(|i| (0..=i).all(|j| (dot(row(i), row(j)) - f64::from(u8::from(i == j))).abs() < 0.02));
    turn.then(|| ("kitti-poses", fix([matrix[3], matrix[7], matrix[11]], None)))
}

/// The format of lines of poses. One pose alone is any calibration; poses of a drive differ.
fn poses(lines: &[&str]) -> Option<&'static str> {
    let all: Vec<_> = lines.iter().filter(|l| !l.starts_with('#')).map(|l| pose(l)).collect::<Option<_>>()?;
    let (format, first) = all.first()?;
    let moves = all.iter().any(|(_, f)| (f.x, f.y, f.z) != (first.x, first.y, first.z));
    let rising = all.windows(2).all(|w| w[0].1.time_s <= w[1].1.time_s);
    (all.len() >= 3 && moves && rising && all.iter().all(|(f, _)| f == format)).then_some(*format)
}

fn yolo(line: &str) -> Option<u32> {
    let mut words = line.split_ascii_whitespace();
    let class: u32 = words.next()?.parse().ok().filter(|n| *n < 10_000)?;
    let rest: Vec<&str> = words.collect();
    let fraction = |w: &&str| {
        w.parse::<f64>().is_ok_and(|n| (0.0..=1.0).contains(&n)) && (w.contains('.') || matches!(*w, "0" | "1"))
    };
    let fine = rest.iter().filter(|w| w.split_once('.').is_some_and(|(_, f)| f.len() >= 3)).count();
    (rest.len() >= 4 && rest.len() <= 400 && rest.iter().all(fraction) && fine * 2 >= rest.len()).then_some(class)
}

fn recognise(text: &str, complete: bool, extension: &str) -> Option<&'static str> {
    let mut lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).take(200).collect();
    if !complete && lines.len() > 1 {
        lines.pop();
    }
    let all = |test: &dyn Fn(&str) -> bool| !lines.is_empty() && lines.iter().all(|l| test(l));
    if all(&|l| object(l).is_some()) {
        return Some("kitti-label");
    }
    if lines.iter().filter(|l| calibration(l)).count() >= 2 && lines.iter().all(|l| calibrated(l).is_some()) {
        return Some("kitti-calib");
    }
    if all(&|l| oxts(l).is_some()) {
        return Some("kitti-oxts");
    }
    if let Some(format) = poses(&lines) {
        return Some(format);
    }
    (extension == "txt" && all(&|l| yolo(l).is_some())).then_some("yolo")
}

impl FormatReader for TextLabels {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let first = *probe.head.first()?;
        if !first.is_ascii_alphanumeric() && !matches!(first, b'-' | b'#' | b'\xEF') {
            return None;
        }
        let sample = Sample::of(probe)?;
        let extension = yumen_model::artifact::extension(probe.name);
        recognise(&sample.text, sample.complete, &extension).map(|name| Identity::new(name, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        send_text(artifact, out)?;
        // Files of this kind are small; of a huge one the beginning tells the layout.
        let head = artifact.blob.bytes(0..artifact.blob.len().min(16 << 20)).map_err(|e| InspectError::read(0, &e))?;
        let text = String::from_utf8_lossy(&head);
        let lines = text.lines().filter(|l| !l.trim().is_empty());
        let mut labels = Labels::of("kitti");
        let mut to = Container::new(artifact, out);
        match artifact.format {
            "kitti-label" => {
                // In tracking sets the number of the frame comes first.
                let mut frames = BTreeSet::new();
                for (line, class) in lines.filter_map(|l| Some((l, object(l)?))) {
                    labels.labels += 1;
                    labels.class(class);
                    frames.extend(line.split_once(' ').and_then(|(n, _)| n.parse::<u32>().ok()));
                }
                labels.frames = frames.len().max(1) as u64;
            }
            "yolo" => {
                labels.layout = "yolo";
                labels.frames = 1;
                labels.labels = lines.filter_map(yolo).count() as u64;
            }
            "kitti-oxts" => {
                let places: Vec<[f64; 3]> = lines.filter_map(oxts).take(yumen_model::spatial::MAX_SAMPLES).collect();
                // One file a frame: each is a piece of the recorded track.
                let mut track = Spatial::new(kinds::GEO_TRACK).with("points", places.len()).with("layout", "kitti");
                track.confidence = 0.9;
                track.crs = Some("wgs84".to_owned());
                track.samples = places;
                send_spatial(&mut to, artifact, vec![track])?;
            }
            "kitti-poses" | "tum-trajectory" => {
                let kitti = artifact.format == "kitti-poses";
                labels.layout = if kitti { "kitti" } else { "tum" };
                let name = if kitti { "poses" } else { "trajectory" };
                let mut stream = FixStream::open(&mut to, artifact, 0, "local", "odometry", name)?;
                for (_, fix) in lines.filter_map(pose) {
                    labels.frames += 1;
                    stream.push(&mut to, fix)?;
                }
                stream.finish(&mut to)?;
            }
            _ => {
                for (name, _) in lines.filter_map(calibrated) {
                    calibrates(name).iter().for_each(|sensor| labels.sensor(sensor));
                }
            }
        }
        labels.tell(&mut to);
        to.finish(Ok(()))
    }
}
