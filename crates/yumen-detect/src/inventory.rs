//! What a format says is there (a software package, a CAN database) becomes a finding, with what was found in its properties masked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
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
            item.properties.iter().map(|(name, value)| (Cow::Owned(name.clone()), self.masking.value(value))).collect();
        let location = Location { bytes: item.bytes, ..Location::default() };
        out.summary(item.kind, Vec::new(), 1, item.confidence, location, properties);
    }
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
            .with("topics", json!([{"name": "/of/13800138000/fix", "messages": 3, "more": {"deep": 1}}]))
            .with("partitions", vec!["boot"]);
        let more = InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("topics", json!([{"name": "/imu", "messages": 4}]))
            .with("partitions", vec!["system"]);
        let mut out = Findings::new(SubjectKey::new([0; 32]), 3, false);
        session.feed(&Batch::Inventory(InventoryBatch { items: vec![item, more] }), &mut out);
        session.finish(&mut out);
        let parts = out.into_parts();
        assert_eq!(parts.aggregates.len(), 1);
        let a = &parts.aggregates[0];
        assert_eq!(a.count, 2);
        assert_eq!(a.properties["version"], "2.1");
        assert!(!a.properties["target"].as_str().unwrap().contains("13800138000"));
        let topics = a.properties["topics"].as_array().unwrap();
        assert_eq!((topics.len(), &topics[1]["messages"], &topics[0]["name"]), (2, &json!(3), &json!("/imu")));
        assert!(!topics[1]["name"].as_str().unwrap().contains("13800138000") && topics[1].get("more").is_none());
        assert_eq!(a.lists["partitions"].iter().collect::<Vec<_>>(), ["boot", "system"]);
    }
}
