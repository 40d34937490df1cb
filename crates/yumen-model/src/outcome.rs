//! What a scan yields before any rule is asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::coverage::{Coverage, Reason};
use crate::finding::Finding;
use crate::note::Note;
use crate::subject::SubjectTally;

/// An artifact as reports list it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactEntry {
    /// Path, hits in names masked.
    pub path: String,
    /// Format.
    pub format: String,
    /// Size in bytes.
    pub bytes: u64,
    /// `blake3:` and the digest in hex; none where the bytes could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
    /// What is to be told of it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<Note>,
}

/// Opaque bytes of one artifact for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpaqueEntry {
    /// Path of the artifact, hits in names masked.
    pub artifact: String,
    /// How many bytes.
    pub bytes: u64,
    /// Why.
    pub reason: Reason,
    /// Digest of the whole artifact; none where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
}

/// What a scan found; findings and coverage only, no law.
#[derive(Clone, Debug, Default)]
pub struct ScanOutcome {
    /// False when the scan was interrupted.
    pub complete: bool,
    /// Artifacts with findings, notes or opaque bytes, or all of them, sorted by path.
    pub artifacts: Vec<ArtifactEntry>,
    /// Findings sorted by path, kind, location.
    pub findings: Vec<Finding>,
    /// Opaque bytes sorted by path and reason.
    pub opaque: Vec<OpaqueEntry>,
    /// Distinct subjects.
    pub subjects: SubjectTally,
    /// The coverage statement.
    pub coverage: Coverage,
    /// How many artifacts there were in all.
    pub artifact_count: u64,
}
