//! Keys.
use yumen_model::{Detector, EvidenceHeader, KindId, Session};
/// The recognisers of this family.
pub const RECOGNISERS: &[&dyn crate::Recogniser] = &[];
/// Keys.
pub struct KeyDetector;
impl Detector for KeyDetector {
    fn kinds(&self) -> &'static [KindId] {
        &[]
    }
    fn start(&self, _: &EvidenceHeader) -> Option<Box<dyn Session>> {
        None
    }
}
