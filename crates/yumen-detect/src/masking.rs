//! What plugins tell as properties, with what the recognisers find in it masked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use yumen_model::{
    Batch, ByteMap, Detector, EvidenceHeader, EvidenceKind, Findings, SubjectKey, TextBatch, mask_spans,
};

use crate::scanner::TextDetector;

/// Longest text of a property that is told, in characters; what is longer is cut.
const LONGEST: usize = 256;
/// Most words of a list, and rows of a table, that are told of one item.
const WORDS: usize = 1000;
/// Most cells of a row.
const CELLS: usize = 64;

/// Masks texts.
#[derive(Clone)]
pub(crate) struct Masking(Arc<TextDetector>);

impl Masking {
    pub(crate) fn new(text: Arc<TextDetector>) -> Self {
        Masking(text)
    }

    /// A value as it may be told: texts masked and cut; lists, and tables (lists of flat objects), cut; deeper structures left out.
    pub(crate) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(rows) => rows.iter().take(WORDS).map(|w| self.row(w)).collect(),
            Value::Object(_) | Value::Null => Value::Null,
            // Figures say nothing of a person.
            figure => figure.clone(),
        }
    }

    fn row(&self, row: &Value) -> Value {
        let flat = |v: &Value| match v {
            Value::String(text) => Value::String(self.text(text)),
            Value::Object(_) | Value::Array(_) => Value::Null,
            figure => figure.clone(),
        };
        match row {
            Value::Object(cells) => {
                let cells = cells.iter().take(CELLS).map(|(name, v)| (self.text(name), flat(v)));
                Value::Object(cells.filter(|(_, v)| !v.is_null()).collect::<Map<_, _>>())
            }
            Value::Array(_) => Value::Null,
            other => flat(other),
        }
    }

    /// A text with what is found in it masked.
    pub(crate) fn text(&self, text: &str) -> String {
        let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(i, _)| i);
        let text = &text[..end];
        let header = EvidenceHeader {
            stream: 0,
            kind: EvidenceKind::Name,
            format: Cow::Borrowed("name"),
            name: String::new(),
            properties: BTreeMap::new(),
        };
        let mut found = Findings::new(SubjectKey::new([0; 32]), 0, true);
        if let Some(mut session) = self.0.start(&header) {
            session.feed(&Batch::Text(TextBatch { text: Cow::Borrowed(text), map: ByteMap::identity(0) }), &mut found);
            session.finish(&mut found);
        }
        mask_spans(text, found.name_spans().to_vec())
    }
}
