//! A family of formats: what every format implements, and how a plugin is made of them.

use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Probe};

/// One format, or a few that one reader opens (zip and the documents that are zips).
pub trait FormatReader: Send + Sync {
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

/// The readers of a family. A plugin hands its three questions on to it.
#[derive(Clone, Copy)]
pub struct Family(pub &'static [&'static dyn FormatReader]);

impl Family {
    /// All formats of the family; call once, keep in a static.
    #[must_use]
    pub fn formats(self) -> Vec<Format> {
        self.0.iter().flat_map(|r| r.formats().iter().copied()).collect()
    }

    /// The surest identification. Where two readers are equally sure of an artifact, the earlier one gets it.
    #[must_use]
    pub fn identify(self, probe: &Probe<'_>) -> Option<Identity> {
        let mut best: Option<Identity> = None;
        for found in self.0.iter().filter_map(|r| r.identify(probe)) {
            if best.is_none_or(|b| found.certainty > b.certainty) {
                best = Some(found);
            }
        }
        best
    }

    /// Lets the reader of the artifact's format inspect it.
    ///
    /// # Errors
    /// What broke; all that was sent before stays.
    pub fn inspect(self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let reader = self.0.iter().find(|r| r.formats().iter().any(|f| f.name == artifact.format));
        match reader {
            Some(reader) => reader.inspect(artifact, context, out),
            None => Err(InspectError::unsupported("not a format of this family")),
        }
    }
}
