//! Formats: what an artifact is, decided by content first and name second.

use serde::{Deserialize, Serialize};

use crate::blob::Blob;

/// A format with its documentation; `yumen formats`, the docs and the reports' notes are made from it.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Short name in lower case, as reports give it.
    pub name: &'static str,
    /// Full name.
    pub title: &'static str,
    /// Media type; `application/octet-stream` where none is registered.
    pub media_type: &'static str,
    /// Lower-case extensions that promise this format. Extensions in common use for other things as well (`bin`, `img`, `dat`) stay out:
    /// a file with a listed extension and other content is told as `name-lies`.
    pub extensions: &'static [&'static str],
    /// How the content is recognised, in words.
    pub magic: &'static str,
    /// Specification or other public description.
    pub reference: &'static str,
    /// What comes out: children, text, records, keys…
    pub evidence: &'static str,
    /// What of the format is not read. Empty when all of it is.
    pub limitations: &'static [&'static str],
}

/// What identification looks at.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// The first bytes, up to 64 KiB.
    pub head: &'a [u8],
    /// The last bytes, up to 64 KiB (the same as `head` for short artifacts).
    pub tail: &'a [u8],
    /// The whole, for structures elsewhere.
    pub blob: &'a Blob,
    /// The artifact's name.
    pub name: &'a str,
}

impl Probe<'_> {
    /// The lower-case extension of the name.
    #[must_use]
    pub fn extension(&self) -> String {
        crate::artifact::extension(self.name)
    }
}

/// How sure an identification is; the surest plugin gets the artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Certainty {
    /// The content does not speak against it.
    Fallback,
    /// The content looks like it (text of some kind).
    Plausible,
    /// The name and the look of the content agree (text that begins like JSON and is named so).
    Likely,
    /// A structure was found, though not at the start (an archive behind other data).
    Structure,
    /// A signature stands where the format has it.
    Signature,
    /// A signature, and content that makes it a special case of a wider format (a docx among zips).
    Specific,
}

/// What a plugin takes an artifact for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of one of the plugin's formats.
    pub format: &'static str,
    /// How sure it is.
    pub certainty: Certainty,
}

impl Identity {
    /// An identity.
    #[must_use]
    pub fn new(format: &'static str, certainty: Certainty) -> Self {
        Identity { format, certainty }
    }
}
