//! What every format of this family implements.

use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Probe};

/// One format, or a few that one reader opens (zip and the documents that are zips).
pub(crate) trait ArchiveFormat: Send + Sync {
    /// The formats it reads, with their documentation.
    fn formats(&self) -> &'static [Format];

    /// What it takes an artifact for, if it is one of its own.
    fn identify(&self, probe: &Probe<'_>) -> Option<Identity>;

    /// Opens an artifact that was identified as one of its formats.
    ///
    /// # Errors
    /// What broke; all that was sent before stays.
    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError>;
}
