//! What a user can set.

use std::path::PathBuf;
use std::sync::Arc;

use globset::GlobSet;
use yumen_model::{KindId, Props, SubjectKey, Watch};

/// Limits that are on by default; reaching one is a coverage fact.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Containers inside containers.
    pub depth: u32,
    /// Decoded bytes for each encoded byte of one child, once more than [`Limits::RATIO_FLOOR`] came out.
    pub ratio: u64,
    /// Entries of all containers in one top-level input.
    pub entries: u64,
    /// Decoded bytes of all containers in one top-level input.
    pub bytes_out: u64,
    /// Bytes of decoded children kept in memory; more goes to the spill area, or the producer inspects its child itself.
    pub memory: u64,
}

impl Limits {
    /// A child may always grow to this size, whatever its ratio.
    pub const RATIO_FLOOR: u64 = 256 << 20;
    /// A top-level input may always unpack to this size, whatever its own.
    pub const TOTAL_FLOOR: u64 = 4 << 30;
}

impl Default for Limits {
    fn default() -> Self {
        Limits { depth: 64, ratio: 1000, entries: 10_000_000, bytes_out: 4 << 40, memory: 64 << 20 }
    }
}

/// Says of a kind and its distinguishing properties that more of it would change no class.
pub type Enough = Arc<dyn Fn(KindId, &Props) -> bool + Send + Sync>;

/// Options of a scan.
#[derive(Clone)]
pub struct ScanOptions {
    /// Threads; 0 for one a core.
    pub jobs: usize,
    /// Limits.
    pub limits: Limits,
    /// Places kept beside the first of each finding.
    pub places: usize,
    /// List every artifact, not only those with findings, notes or opaque bytes.
    pub all_artifacts: bool,
    /// Artifacts left out; they are opaque with reason `excluded`.
    pub exclude: GlobSet,
    /// Artifacts whose persons an exemption covers.
    pub covered: GlobSet,
    /// Where large decoded children are spilled, as unlinked files; none for the system's temporary folder.
    pub spill: Option<PathBuf>,
    /// Key of the subject tokens; none for a random one.
    pub key: Option<SubjectKey>,
    /// Sensitive areas that positions are watched for.
    pub watch: Option<Arc<dyn Watch>>,
    /// For an early answer: work in an artifact stops once this holds of something found in it, and the rest of it is opaque (`not-sampled`).
    pub enough: Option<Enough>,
}

impl Default for ScanOptions {
    fn default() -> Self {
        ScanOptions {
            jobs: 0,
            limits: Limits::default(),
            places: 20,
            all_artifacts: false,
            exclude: GlobSet::empty(),
            covered: GlobSet::empty(),
            spill: None,
            key: None,
            watch: None,
            enough: None,
        }
    }
}
