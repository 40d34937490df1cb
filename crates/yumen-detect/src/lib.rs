//! Detectors: from evidence to findings. One pass over the text finds candidates for every [`Recogniser`] at once; checksums and context decide.

pub mod accuracy;
pub mod code;
pub mod flow;
pub mod geo;
pub mod identifiers;
pub mod inventory;
pub mod marks;
mod masking;
pub mod recogniser;
pub mod scanner;
pub mod secrets;

pub use recogniser::{Candidate, Match, Place, Recogniser, Run};

use std::sync::Arc;

use yumen_model::Detector;

/// Every recogniser, family by family.
#[must_use]
pub fn recognisers() -> Vec<&'static dyn Recogniser> {
    [identifiers::RECOGNISERS, secrets::RECOGNISERS, marks::RECOGNISERS, geo::RECOGNISERS].concat()
}

/// Every detector.
#[must_use]
pub fn detectors() -> Vec<Box<dyn Detector>> {
    let text = Arc::new(scanner::TextDetector::new(recognisers()));
    vec![
        Box::new(inventory::InventoryDetector::new(Arc::clone(&text))),
        Box::new(geo::FixDetector::new(Arc::clone(&text))),
        Box::new(geo::SpatialDetector::new(Arc::clone(&text))),
        Box::new(text),
        Box::new(secrets::KeyDetector),
        Box::new(geo::TrackDetector),
        Box::new(flow::FlowDetector),
        Box::new(code::CodeDetector::new()),
    ]
}
