//! Point clouds: LAS, LAZ, PCD, PLY, E57, text clouds, raw lidar sweeps; survey trajectories (SBET).
//!
//! One module a format; a new one is a module and a line in [`READERS`].

mod cloud;
mod crs;
mod e57;
mod las;
mod lines;
mod opaque;
mod pcd;
mod ply;
mod sbet;
mod stream;
mod sweep;
mod text;
mod textcloud;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[
    &las::Las,
    &pcd::Pcd,
    &ply::Ply,
    &e57::E57,
    &textcloud::TextCloud,
    &opaque::Compressed,
    &sbet::Sbet,
    &sweep::LidarBin,
]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| READERS.formats());

/// Reads point clouds.
#[derive(Clone, Copy, Debug, Default)]
pub struct PointcloudPlugin;

impl Plugin for PointcloudPlugin {
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
