//! Training and scenario datasets: arrays, records of examples, labels and layouts.
//!
//! One module a format; a new one is a module and a line in [`READERS`].

mod arrays;
mod hdf5;
mod labels;
mod mat;
mod mat4;
mod npy;
mod tfrecord;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[
    &npy::Npy,
    &hdf5::Hdf5,
    &mat::Mat,
    &mat4::Mat4,
    &tfrecord::TfRecord,
    &labels::JsonLabels,
    &labels::XmlLabels,
    &labels::TextLabels,
    &labels::PointLabels,
]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| READERS.formats());

/// Reads dataset files.
#[derive(Clone, Copy, Debug, Default)]
pub struct DatasetPlugin;

impl Plugin for DatasetPlugin {
    fn formats(&self) -> &'static [Format] {
        &FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        READERS.identify(probe)
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        READERS.inspect(artifact, context, out)
    }
}
