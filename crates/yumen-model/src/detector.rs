//! The trait of detectors.

use crate::evidence::{Batch, EvidenceHeader};
use crate::finding::Findings;
use crate::kind::KindId;

/// Reads one kind of evidence, yields findings.
pub trait Detector: Send + Sync {
    /// Data kinds it can report.
    fn kinds(&self) -> &'static [KindId];
    /// A session for a stream of evidence, or none when the stream is not its kind.
    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>>;
    /// All streams of an artifact are over: what its findings say of each other can be drawn now.
    fn settle(&self, _: &mut Findings) {}
}

impl<T: Detector + ?Sized> Detector for std::sync::Arc<T> {
    fn kinds(&self) -> &'static [KindId] {
        (**self).kinds()
    }
    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>> {
        (**self).start(header)
    }
    fn settle(&self, findings: &mut Findings) {
        (**self).settle(findings);
    }
}

/// One detector on one stream: bounded state; what it finds must not depend on where batches are cut.
pub trait Session: Send {
    /// Takes the next batch.
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings);
    /// The stream is over.
    fn finish(self: Box<Self>, out: &mut Findings);
}
