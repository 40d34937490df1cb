//! The one pass.
use yumen_model::{Detector, EvidenceHeader, KindId, Session};

/// The one pass.
pub struct TextDetector;
impl TextDetector { /// x
pub fn new(_: Vec<&'static dyn crate::Recogniser>) -> Self { TextDetector } }
impl Detector for TextDetector {
    fn kinds(&self) -> &'static [KindId] {
        &[]
    }
    fn start(&self, _: &EvidenceHeader) -> Option<Box<dyn Session>> {
        None
    }
}
