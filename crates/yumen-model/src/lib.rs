//! The nouns of Yumen and its two traits, [`Plugin`] and [`Detector`].
//!
//! Data flows one way: a plugin inspects an [`Artifact`] and sends [`Message`]s (children, evidence, byte labels);
//! detectors read the evidence and put masked [`Finding`]s and keyed subject edges into [`Findings`]. Nothing here knows the
//! law or touches a file: bytes arrive through a [`Blob`] over a [`Source`] that the engine supplies.

pub mod artifact;
pub mod blob;
pub mod coverage;
pub mod detector;
pub mod evidence;
pub mod finding;
pub mod format;
pub mod group;
pub mod kind;
pub mod message;
pub mod note;
pub mod outcome;
pub mod plugin;
pub mod secret;
pub mod spatial;
pub mod subject;
pub mod verdict;

pub use artifact::{Artifact, ChildMeta, escape_name, escape_path};
pub use blob::{Blob, Extent, Source};
pub use coverage::{Coverage, Label, LabelMap, Reason};
pub use detector::{Detector, Session};
pub use evidence::{
    Batch, ByteMap, Cell, EvidenceHeader, EvidenceKind, InventoryBatch, InventoryItem, KeyBatch, KeyMaterial, KeyWhat,
    RawBatch, RecordBatch, RecordOrigin, TextBatch, TextEncoding,
};
pub use finding::{Finding, Findings, Hit, Location, Part, Prop, Props, Seconds, Watch};
pub use format::{Certainty, Format, Identity, Memo, Probe};
pub use group::{GroupFact, Grouper, Member, Need, Reach};
pub use kind::{DataKind, KindId, KindSet};
pub use message::{Inspection, InspectionExt, Message, Stop};
pub use note::Note;
pub use outcome::{ArtifactEntry, OpaqueEntry, ScanOutcome};
pub use plugin::{Context, InspectError, Plugin};
pub use secret::{Mask, Redacted, Secret, mask_spans};
pub use spatial::{Fix, FixBatch, Spatial, SpatialBatch};
pub use subject::{Identifier, SubjectEdges, SubjectKey, SubjectTally};
