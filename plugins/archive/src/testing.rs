//! The recorder, with this family's plugin filled in.

use yumen_kit_container::testing;
pub(crate) use yumen_kit_container::testing::{Engine, Recorded, fixture, noise, prose, truth};
use yumen_model::Identity;

use crate::ArchivePlugin;

/// What the family takes these bytes for.
pub(crate) fn identify(name: &str, bytes: &[u8]) -> Option<Identity> {
    testing::identify(&ArchivePlugin, name, bytes)
}

/// Inspects bytes as `format`.
pub(crate) fn inspect_as(format: &'static str, name: &str, bytes: &[u8], engine: Engine) -> Recorded {
    testing::inspect_as(&ArchivePlugin, format, name, bytes, engine)
}

/// Identifies bytes and inspects them as what they were taken for.
#[track_caller]
pub(crate) fn inspect(name: &str, bytes: &[u8]) -> Recorded {
    testing::inspect(&ArchivePlugin, name, bytes)
}

/// Cuts and flips bytes that were taken for `format`.
#[track_caller]
pub(crate) fn abuse(format: &'static str, name: &str, bytes: &[u8], flips: usize) {
    testing::abuse(&ArchivePlugin, format, name, bytes, flips);
}
