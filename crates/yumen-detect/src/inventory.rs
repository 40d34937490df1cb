//! What a format says is there (a software package, a CAN database) becomes a finding, with what was found in its properties masked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use yumen_model::finding::{MAX_ROWS, sort_rows};
use yumen_model::kind::KINDS;
use yumen_model::{Batch, Detector, EvidenceHeader, EvidenceKind, Findings, InventoryItem, KindId, Location, Session};

use crate::masking::Masking;
use crate::scanner::TextDetector;

/// Reports inventory. The recognisers of the text detector look through its properties.
pub struct InventoryDetector {
    masking: Masking,
    kinds: &'static [KindId],
}

impl InventoryDetector {
    /// A detector that masks what `text` finds.
    #[must_use]
    pub fn new(text: Arc<TextDetector>) -> Self {
        let kinds: Vec<_> = KINDS.iter().filter(|k| k.inventory).filter_map(|k| KindId::named(k.name)).collect();
        InventoryDetector { masking: Masking::new(text), kinds: kinds.leak() }
    }
}

impl Detector for InventoryDetector {
    fn kinds(&self) -> &'static [KindId] {
        self.kinds
    }

    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>> {
        (header.kind == EvidenceKind::Inventory).then(|| Box::new(Told { masking: self.masking.clone() }) as _)
    }
}

struct Told {
    masking: Masking,
}

impl Told {
    fn report(&self, item: &InventoryItem, out: &mut Findings) {
        let properties: BTreeMap<Cow<'static, str>, Value> =
<<<<<<< HEAD
            item.properties.iter().map(|(name, value)| (Cow::Owned(name.clone()), self.property(value))).collect();
        let location = Location { bytes: item.bytes, ..Location::default() };
        out.summary(item.kind, Vec::new(), 1, item.confidence, location, properties);
    }

    /// A property: a table (rows of flat objects) or what [`Told::masked`] tells.
    fn property(&self, value: &Value) -> Value {
        let Value::Array(rows) = value else { return self.masked(value) };
        if rows.is_empty() || !rows.iter().all(Value::is_object) {
            return self.masked(value);
        }
        let row = |row: &Value| {
            let cells = row.as_object().into_iter().flatten();
            Value::Object(cells.map(|(name, cell)| (name.clone(), self.masked(cell))).collect())
        };
        let mut told: Vec<Value> = rows.iter().take(MAX_ROWS).map(row).collect();
        sort_rows(&mut told);
        Value::Array(told)
    }

    fn masked(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.masked_text(text)),
            Value::Array(words) => words.iter().take(WORDS).map(|w| self.masked(w)).collect(),
            // Figures say nothing of a person; deeper structures are not told.
            Value::Object(_) | Value::Null => Value::Null,
            figure => figure.clone(),
        }
    }

    fn masked_text(&self, text: &str) -> String {
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
        if let Some(mut session) = self.text.start(&header) {
            session.feed(&Batch::Text(TextBatch { text: Cow::Borrowed(text), map: ByteMap::identity(0) }), &mut found);
            session.finish(&mut found);
        }
        mask_spans(text, found.name_spans().to_vec())
    }
=======
            item.properties.iter().map(|(name, value)| (Cow::Owned(name.clone()), self.masking.value(value))).collect();
        let location = Location { bytes: item.bytes, ..Location::default() };
        out.summary(item.kind, Vec::new(), 1, item.confidence, location, properties);
    }
>>>>>>> work-geo
}

impl Session for Told {
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings) {
        if let Batch::Inventory(batch) = batch {
            batch.items.iter().for_each(|item| self.report(item, out));
        }
    }

    fn finish(self: Box<Self>, _: &mut Findings) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use yumen_model::kind::kinds;
    use yumen_model::{InventoryBatch, SubjectKey};

    #[test]
    fn inventory_is_told_with_hits_masked() {
        let detector = InventoryDetector::new(Arc::new(TextDetector::new(crate::recognisers())));
        let header = EvidenceHeader {
            stream: 0,
            kind: EvidenceKind::Inventory,
            format: "rauc".into(),
            name: "x".into(),
            properties: BTreeMap::new(),
        };
        let mut session = detector.start(&header).unwrap();
        let item = InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("version", "2.1")
            .with("compatible", vec!["board-a"])
            .with("target", "owner 13800138000")
<<<<<<< HEAD
            .with("partitions", vec!["boot"])
            .with("topics", serde_json::json!([{"name": "/b 13800138000", "messages": 2, "deep": {"x": 1}}]));
        let more = InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("partitions", vec!["system"])
            .with("topics", serde_json::json!([{"name": "/a", "messages": 1}]));
=======
            .with("topics", json!([{"name": "/of/13800138000/fix", "messages": 3, "more": {"deep": 1}}]))
            .with("partitions", vec!["boot"]);
        let more = InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("topics", json!([{"name": "/imu", "messages": 4}]))
            .with("partitions", vec!["system"]);
>>>>>>> work-geo
        let mut out = Findings::new(SubjectKey::new([0; 32]), 3, false);
        session.feed(&Batch::Inventory(InventoryBatch { items: vec![item, more] }), &mut out);
        session.finish(&mut out);
        let parts = out.into_parts();
        assert_eq!(parts.aggregates.len(), 1);
        let a = &parts.aggregates[0];
        assert_eq!(a.count, 2);
        assert_eq!(a.properties["version"], "2.1");
        let topics = a.properties["topics"].as_array().unwrap();
        let names: Vec<_> = topics.iter().map(|t| t["name"].as_str().unwrap()).collect();
        assert!(
            names.len() == 2 && names.contains(&"/a") && !names.iter().any(|n| n.contains("13800138000")),
            "{names:?}"
        );
        assert!(topics.iter().all(|t| t["deep"].is_null()));
        assert!(!a.properties["target"].as_str().unwrap().contains("13800138000"));
        let topics = a.properties["topics"].as_array().unwrap();
        assert_eq!((topics.len(), &topics[0]["messages"], &topics[1]["name"]), (2, &json!(3), &json!("/imu")));
        assert!(!topics[0]["name"].as_str().unwrap().contains("13800138000") && topics[0].get("more").is_none());
        assert_eq!(a.lists["partitions"].iter().collect::<Vec<_>>(), ["boot", "system"]);
    }
}
