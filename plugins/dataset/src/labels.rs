//! Labels: the annotation files of datasets for training, by the layouts of KITTI, nuScenes, COCO, BDD100K, Cityscapes, LabelMe, OpenLABEL, DAIR-V2X, ONCE,
//! TuSimple, Pascal VOC, CVAT, YOLO, SemanticKITTI.
//!
//! What they say is read as the JSON, XML or text that they are; beside it stands what set they belong to, with its frames, labels, classes and sensors.

mod json;
mod points;
mod text;
mod xml;

use std::collections::BTreeSet;

use yumen_kit_container::Container;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Format, InspectError, Inspection, InventoryItem};

pub(crate) use json::JsonLabels;
pub(crate) use points::PointLabels;
pub(crate) use text::TextLabels;
pub(crate) use xml::XmlLabels;

/// Most names of classes and sensors that are told.
const MOST: usize = 200;
/// Longest of them, in characters.
const LONGEST: usize = 64;

/// A format of labels.
const fn format(
    name: &'static str,
    title: &'static str,
    media_type: &'static str,
    magic: &'static str,
    reference: &'static str,
) -> Format {
    Format {
        name,
        title,
        media_type,
        extensions: &[],
        magic,
        reference,
        evidence: "the whole text; dataset.training with layout, frames, labels, classes, sensors",
        limitations: &[],
    }
}

/// What labels a file holds.
#[derive(Debug, Default)]
struct Labels {
    layout: &'static str,
    frames: u64,
    labels: u64,
    classes: BTreeSet<String>,
    sensors: BTreeSet<String>,
}

impl Labels {
    fn of(layout: &'static str) -> Self {
        Labels { layout, ..Labels::default() }
    }

    fn class(&mut self, name: &str) {
        keep(&mut self.classes, name);
    }

    fn sensor(&mut self, name: &str) {
        keep(&mut self.sensors, name);
    }

    /// Tells of them.
    fn tell(self, to: &mut Container<'_>) {
        let list = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>();
        let mut item = InventoryItem::new(kinds::DATASET_TRAINING)
            .with("layout", self.layout)
            .with("classes", list(self.classes))
            .with("sensors", list(self.sensors));
        for (name, n) in [("frames", self.frames), ("labels", self.labels)] {
            if n > 0 {
                item = item.with(name, n);
            }
        }
        to.inventory(item);
    }

    /// Tells of nothing but them.
    fn tell_alone(self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        self.tell(&mut to);
        to.finish(Ok(()))
    }
}

fn keep(set: &mut BTreeSet<String>, name: &str) {
    let name = name.trim();
    if !name.is_empty() && set.len() < MOST && !set.contains(name) {
        set.insert(name.chars().take(LONGEST).collect());
    }
}

#[cfg(test)]
mod tests;
