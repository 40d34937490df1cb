//! The trait of artifact families.

use std::fmt;
use std::io;

use crate::artifact::Artifact;
use crate::coverage::Reason;
use crate::format::{Format, Identity, Probe};
use crate::group::{GroupFact, Grouper};
use crate::message::{Inspection, Stop};

/// What an inspection is given beside the artifact.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Facts granted by the artifact's group; empty at the first inspection.
    pub granted: Vec<GroupFact>,
}

impl Context {
    /// The granted facts of one kind.
    pub fn facts<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a serde_json::Value> {
        self.granted.iter().filter(move |f| f.key == key).map(|f| &f.value)
    }
}

/// Why an inspection ended early. Everything that bears no label then is opaque with `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InspectError {
    /// The reason that coverage gives.
    pub reason: Reason,
    /// Where it broke, in bytes from the start of the artifact.
    pub offset: Option<u64>,
    /// What broke. A fixed text: an error never quotes content.
    pub message: &'static str,
}

const ENDS_EARLY: &str = "the data ends before its structure does";

impl InspectError {
    /// Whether the data ended too early, rather than being broken.
    #[must_use]
    pub fn is_truncation(&self) -> bool {
        self.reason == Reason::Corrupt && self.message == ENDS_EARLY
    }

    /// The structure is broken.
    #[must_use]
    pub fn corrupt(offset: u64, message: &'static str) -> Self {
        InspectError { reason: Reason::Corrupt, offset: Some(offset), message }
    }

    /// The variant is not read.
    #[must_use]
    pub fn unsupported(message: &'static str) -> Self {
        InspectError { reason: Reason::Unsupported, offset: None, message }
    }

    /// A read failed at an offset.
    #[must_use]
    pub fn read(offset: u64, error: &io::Error) -> Self {
        let (reason, message) = match error.kind() {
            io::ErrorKind::UnexpectedEof => (Reason::Corrupt, ENDS_EARLY),
            io::ErrorKind::TimedOut => (Reason::TimedOut, "the scan was stopped"),
            _ => (Reason::Unreadable, "the bytes could not be read"),
        };
        InspectError { reason, offset: Some(offset), message }
    }
}

impl fmt::Display for InspectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl std::error::Error for InspectError {}

impl From<Stop> for InspectError {
    fn from(stop: Stop) -> Self {
        let (Stop::Child(reason) | Stop::All(reason)) = stop;
        InspectError { reason, offset: None, message: "the inspection was stopped" }
    }
}

/// The code for one artifact family: recognises its formats, opens them (children) and reads them (evidence).
pub trait Plugin: Send + Sync {
    /// The formats it reads, with their documentation.
    fn formats(&self) -> &'static [Format];

    /// What it takes an artifact for, if it is one of its own.
    fn identify(&self, probe: &Probe<'_>) -> Option<Identity>;

    /// Opens and reads one artifact that was identified as one of its formats. Sends children, evidence, byte labels and needs into `out`.
    ///
    /// # Errors
    /// What broke; all that was sent before stays.
    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError>;

    /// How its formats lend each other facts.
    fn groupers(&self) -> Vec<Box<dyn Grouper>> {
        Vec::new()
    }
}
