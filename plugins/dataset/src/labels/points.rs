//! Labels of single points: SemanticKITTI's, four bytes a point.

use std::collections::BTreeMap;

use yumen_kit_container::window::num::le32;
use yumen_kit_container::{FormatReader, Window};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InspectionExt, Probe};

use super::{Labels, format};

pub(crate) struct PointLabels;

const FORMATS: &[Format] = &[
    format(
        "nuscenes-lidarseg",
        "nuScenes-lidarseg point labels",
        "application/octet-stream",
        "a name in _lidarseg.bin, one byte a point, classes 0 to 31",
        "https://www.nuscenes.org/nuscenes#lidarseg",
    ),
    format(
        "semantic-label",
        "SemanticKITTI point labels",
        "application/octet-stream",
        "a .label file of 32-bit words whose lower halves are classes of SemanticKITTI",
        "https://semantic-kitti.org/dataset.html",
    ),
];

/// Classes of SemanticKITTI.
const CLASSES: &[u32] = &[
    0, 1, 10, 11, 13, 15, 16, 18, 20, 30, 31, 32, 40, 44, 48, 49, 50, 51, 52, 60, 70, 71, 72, 80, 81, 99, 252, 253,
    254, 255, 256, 257, 258, 259,
];

/// Classes of nuScenes-lidarseg are numbers below this.
const SEGMENTS: u8 = 32;

impl FormatReader for PointLabels {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if probe.name.ends_with("_lidarseg.bin") {
            let known = |bytes: &[u8]| bytes.iter().all(|&b| b < SEGMENTS);
            return (probe.head.len() >= 64 && known(probe.head) && known(probe.tail))
                .then(|| Identity::new("nuscenes-lidarseg", Certainty::Specific));
        }
        let fits = probe.blob.len().is_multiple_of(4) && probe.head.len() >= 64;
        let words = probe.head.as_chunks::<4>().0;
        let known = |w: &[u8; 4]| CLASSES.contains(&(u32::from_le_bytes(*w) & 0xFFFF));
        let told = words.iter().any(|w| u32::from_le_bytes(*w) & 0xFFFF != 0);
        (yumen_model::artifact::extension(probe.name) == "label" && fits && told && words.iter().all(known))
            .then(|| Identity::new("semantic-label", Certainty::Plausible))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let single = artifact.format == "nuscenes-lidarseg";
        let len = artifact.blob.len();
        let mut window = Window::new(&artifact.blob);
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        let mut at = 0;
        while at < len {
            let bytes = window.get(at, 1 << 16)?;
            if single {
                bytes.iter().for_each(|&b| *counts.entry(u32::from(b)).or_default() += 1);
            } else {
                for i in 0..bytes.len() / 4 {
                    *counts.entry(le32(bytes, i * 4) & 0xFFFF).or_default() += 1;
                }
            }
            if bytes.is_empty() {
                break;
            }
            at += bytes.len() as u64;
        }
        out.inspected(0..len)?;
        let mut labels = Labels::of(if single { "nuscenes" } else { "semantic-kitti" });
        (labels.frames, labels.labels) = (1, counts.values().sum());
        for class in counts.keys() {
            labels.class(&class.to_string());
        }
        labels.tell_alone(artifact, out)
    }
}
