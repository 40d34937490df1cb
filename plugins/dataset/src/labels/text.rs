//! Labels in lines of text: KITTI's objects, calibrations and navigation, YOLO's boxes.

use yumen_kit_container::{Container, FormatReader};
use yumen_kit_text::{Sample, send_text};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Spatial};

use super::{Labels, format};
use crate::arrays::send_spatial;

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

fn calibration(line: &str) -> bool {
    let Some((name, rest)) = line.split_once(':') else { return false };
    let camera = |c: &str| c.strip_prefix('P').is_some_and(|n| matches!(n, "0" | "1" | "2" | "3"));
    numbers(rest).is_some_and(|n| {
        camera(name) && n.len() == 12
            || name.starts_with("P_rect") && n.len() == 12
            || name == "R" && n.len() == 9
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
    if lines.iter().filter(|l| calibration(l)).count() >= 2
        && lines.iter().filter(|l| l.contains(':')).count() == lines.len()
    {
        return Some("kitti-calib");
    }
    if all(&|l| oxts(l).is_some()) {
        return Some("kitti-oxts");
    }
    (extension == "txt" && all(&|l| yolo(l).is_some())).then_some("yolo")
}

impl FormatReader for TextLabels {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let first = *probe.head.first()?;
        if !first.is_ascii_alphanumeric() && first != b'-' {
            return None;
        }
        let sample = Sample::of(probe)?;
        let extension = yumen_model::artifact::extension(probe.name);
        recognise(&sample.text, sample.complete, &extension).map(|name| Identity::new(name, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        send_text(artifact, out)?;
        // Files of this kind are small; of a huge one the beginning tells the layout.
        let head = artifact.blob.bytes(0..artifact.blob.len().min(8 << 20)).map_err(|e| InspectError::read(0, &e))?;
        let text = String::from_utf8_lossy(&head);
        let lines = text.lines().filter(|l| !l.trim().is_empty());
        let mut labels = Labels::of("kitti");
        let mut to = Container::new(artifact, out);
        match artifact.format {
            "kitti-label" => {
                labels.frames = 1;
                for class in lines.filter_map(object) {
                    labels.labels += 1;
                    labels.class(class);
                }
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
            _ => {
                for (name, _) in lines.filter_map(|l| l.split_once(':')) {
                    labels.sensor(name);
                }
            }
        }
        labels.tell(&mut to);
        to.finish(Ok(()))
    }
}
