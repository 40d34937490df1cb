//! The one pass over text, records, raw bytes and names: candidates for every recogniser, matches with their places, records with their subjects.

mod columns;
mod engine;
mod fold;
mod literals;
mod raw;
mod records;
mod settle;
mod text;
mod window;

use std::sync::Arc;

use yumen_model::{Detector, EvidenceHeader, EvidenceKind, KindId, Session};

use crate::recogniser::Recogniser;
use engine::Engine;
pub(crate) use literals::Literals;
pub(crate) use raw::Stretches;
pub(crate) use window::Window;

/// The detector that runs every recogniser in one pass.
pub struct TextDetector {
    engine: Arc<Engine>,
    kinds: &'static [KindId],
}

impl TextDetector {
    /// Compiles the recognisers. Done once a process: the list of kinds lives as long as it does.
    #[must_use]
    pub fn new(recognisers: Vec<&'static dyn Recogniser>) -> Self {
        let engine = Arc::new(Engine::new(recognisers));
        let kinds = engine.kinds().leak();
        TextDetector { engine, kinds }
    }

    /// One that only opens sessions.
    fn of(engine: Arc<Engine>) -> Self {
        TextDetector { engine, kinds: &[] }
    }
}

impl Detector for TextDetector {
    fn kinds(&self) -> &'static [KindId] {
        self.kinds
    }

    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>> {
        // Names were shown as part of the text already.
        if header.is_names() {
            return None;
        }
        let engine = Arc::clone(&self.engine);
        let about = About {
            format: header.format.clone().into_owned(),
            extension: extension(&header.name),
            file: header.name.rsplit('/').next().unwrap_or(&header.name).to_ascii_lowercase(),
        };
        match header.kind {
            EvidenceKind::Text | EvidenceKind::Raw | EvidenceKind::Name => {
                let mut session = text::TextSession::new(engine, about, header.kind);
                let place = |key: &str| header.properties.get(key).and_then(serde_json::Value::as_u64);
                if let Some(line) = place("first_line") {
                    session.begin_at(line, place("first_column").unwrap_or(1));
                }
                Some(Box::new(session))
            }
            EvidenceKind::Records => Some(Box::new(records::RecordSession::new(engine, about))),
            EvidenceKind::Keys | EvidenceKind::Inventory | EvidenceKind::Fixes | EvidenceKind::Spatial => None,
        }
    }
}

/// The lower-case extension of a name; of names without one the lower-case name itself.
fn extension(name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    if base.contains('.') { yumen_model::artifact::extension(name) } else { base.to_ascii_lowercase() }
}

/// What recognisers are told of the artifact.
struct About {
    format: String,
    extension: String,
    file: String,
}

#[cfg(test)]
mod tests;
