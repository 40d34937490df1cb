//! Tracks.
use yumen_model::{Detector, EvidenceHeader, KindId, Session};
/// The recognisers of this family.
pub const RECOGNISERS: &[&dyn crate::Recogniser] = &[];
/// Tracks.
pub struct TrackDetector;
impl Detector for TrackDetector {
    fn kinds(&self) -> &'static [KindId] {
        &[]
    }
    fn start(&self, _: &EvidenceHeader) -> Option<Box<dyn Session>> {
        None
    }
}
