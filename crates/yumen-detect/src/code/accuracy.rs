//! What the code detector finds in a file, for measuring.

use std::collections::{BTreeMap, BTreeSet};

use yumen_model::kind::kinds;
use yumen_model::{
    Batch, ByteMap, Detector, EvidenceHeader, EvidenceKind, Findings, KindId, RawBatch, SubjectKey, TextBatch,
};

use super::CodeDetector;

/// A kind found in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeFind {
    /// The kind.
    pub kind: KindId,
    /// Its confidence; at most 0.5 proves nothing.
    pub confidence: f64,
    /// Line of the first place, where there is one.
    pub line: Option<u64>,
    /// The concepts that stood together, by the vocabulary's names.
    pub evidence: BTreeSet<String>,
}

/// What is found in a file of this name: text as text, everything else as raw bytes of an executable. Inventory is left out.
#[must_use]
pub fn find(detector: &CodeDetector, name: &str, content: &[u8]) -> Vec<CodeFind> {
    let text = std::str::from_utf8(content).ok().filter(|t| !t.contains('\0'));
    let (kind, format) = if text.is_some() { (EvidenceKind::Text, "text") } else { (EvidenceKind::Raw, "elf") };
    let header =
        EvidenceHeader { stream: 0, kind, format: format.into(), name: name.to_owned(), properties: BTreeMap::new() };
    let Some(mut session) = detector.start(&header) else { return Vec::new() };
    let mut findings = Findings::new(SubjectKey::new([0; 32]), 1, false);
    match text {
        Some(text) => {
            session.feed(&Batch::Text(TextBatch { text: text.into(), map: ByteMap::identity(0) }), &mut findings);
        }
        None => session.feed(&Batch::Raw(RawBatch { offset: 0, bytes: content.into() }), &mut findings),
    }
    session.finish(&mut findings);
    let found = findings.into_parts().aggregates.into_iter().filter(|a| a.kind != kinds::CODE_SOURCE);
    found
        .map(|a| CodeFind {
            kind: a.kind,
            confidence: a.confidence,
            line: a.places.first().and_then(|p| p.0.line),
            evidence: a.lists.get("evidence").into_iter().flatten().map(|w| w.clone().into_owned()).collect(),
        })
        .collect()
}
