//! Recordings of robots and vehicles by topic: ROS 1 bags, MCAP, ROS 2 SQLite bags, Apollo cyber records.
//!
//! One module a format; a new one is a module and a line in [`READERS`].

mod bag;
mod cyber;
mod feed;
mod mcap;
mod recording;
mod rosbag2;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[&bag::Bag, &mcap::Mcap, &rosbag2::Rosbag2, &cyber::Cyber]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| READERS.formats());

/// Reads bags.
#[derive(Clone, Copy, Debug, Default)]
pub struct RosbagPlugin;

impl Plugin for RosbagPlugin {
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
