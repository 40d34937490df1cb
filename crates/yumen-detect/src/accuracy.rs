//! Precision and recall against labelled text.
//!
//! Read are lines of JSON `{"text": …, "spans": [{"type", "start", "end"}]}`, offsets in characters, and arrays of
//! `{"full_text": …, "spans": [{"entity_type", "start_position", "end_position"}]}` (presidio-research).

use std::collections::BTreeMap;

use serde_json::Value;
use yumen_model::kind::kinds as k;
use yumen_model::{Batch, ByteMap, Detector, EvidenceHeader, EvidenceKind, Findings, KindId, SubjectKey, TextBatch};

/// How well one kind was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Labelled and found.
    pub true_positives: u64,
    /// Found, not labelled.
    pub false_positives: u64,
    /// Labelled, not found.
    pub false_negatives: u64,
}

impl Score {
    /// The share of what was found that is labelled; 1 when nothing was found.
    #[must_use]
    pub fn precision(&self) -> f64 {
        share(self.true_positives, self.false_positives)
    }

    /// The share of what is labelled that was found; 1 when nothing is labelled.
    #[must_use]
    pub fn recall(&self) -> f64 {
        share(self.true_positives, self.false_negatives)
    }
}

fn share(good: u64, bad: u64) -> f64 {
    if good + bad == 0 { 1.0 } else { good as f64 / (good + bad) as f64 }
}

/// A labelled span that was missed, or a find that is not labelled: the number of its line from 1, its kind and its bytes in the line's text.
/// The value is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// Line, or place in the array, from 1.
    pub line: usize,
    /// The kind.
    pub kind: KindId,
    /// Bytes in the text, half-open.
    pub bytes: (u64, u64),
    /// Whether it was found without being labelled.
    pub extra: bool,
}

/// The result of [`evaluate`].
#[derive(Clone, Debug, Default)]
pub struct Accuracy {
    /// Lines read.
    pub lines: usize,
    /// By kind.
    pub kinds: BTreeMap<KindId, Score>,
    /// Every difference.
    pub misses: Vec<Miss>,
}

/// The kind of a label's type.
#[must_use]
pub fn kind_of(label: &str) -> Option<KindId> {
    Some(match label {
        "VIN" => k::VEHICLE_VIN,
        "PLATE" | "LICENSE_PLATE" => k::VEHICLE_PLATE,
        "MOBILE" | "PHONE" | "PHONE_NUMBER" => k::PERSON_PHONE,
        "ID_CARD" | "ID" => k::PERSON_ID_NUMBER,
        "EMAIL" | "EMAIL_ADDRESS" => k::PERSON_EMAIL,
        "NAME" | "PERSON" => k::PERSON_NAME,
        "ADDRESS" => k::PERSON_ADDRESS,
        "BANK_CARD" | "CREDIT_CARD" => k::PERSON_BANK_CARD,
        "PASSPORT" => k::PERSON_PASSPORT,
        "IMEI" => k::DEVICE_IMEI,
        "IMSI" => k::DEVICE_IMSI,
        "ICCID" => k::DEVICE_ICCID,
        "MAC" | "MAC_ADDRESS" => k::DEVICE_MAC,
        "USCC" => k::ORG_USCC,
        _ => return None,
    })
}

/// Runs a detector over labelled text. Scored are the kinds that labels name; finds with `checksum: false` are not.
/// A find matches a label of its kind when what they share is at least half of the longer. Lines that can't be read are passed over.
#[must_use]
pub fn evaluate(detector: &dyn Detector, labelled: &str) -> Accuracy {
    let items: Vec<Value> = match serde_json::from_str::<Value>(labelled) {
        Ok(Value::Array(items)) => items,
        _ => labelled.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
    };
    let mut all = Accuracy { lines: items.len(), ..Accuracy::default() };
    for (n, item) in items.iter().enumerate() {
        let Some(text) = item.get("text").or_else(|| item.get("full_text")).and_then(Value::as_str) else { continue };
        let mut wanted = labels(item, text);
        for (kind, bytes) in finds(detector, text) {
            if kind_is_scored(kind) {
                let score = all.kinds.entry(kind).or_default();
                let matching = wanted.iter().position(|&(want, span)| want == kind && same(span, bytes));
                if let Some(at) = matching {
                    wanted.remove(at);
                    score.true_positives += 1;
                } else {
                    score.false_positives += 1;
                    all.misses.push(Miss { line: n + 1, kind, bytes, extra: true });
                }
            }
        }
        for (kind, bytes) in wanted {
            all.kinds.entry(kind).or_default().false_negatives += 1;
            all.misses.push(Miss { line: n + 1, kind, bytes, extra: false });
        }
    }
    all
}

fn kind_is_scored(kind: KindId) -> bool {
    kind.name().starts_with("vehicle.") || kind.name().starts_with("person.") || kind.name().starts_with("device.")
}

fn same(a: (u64, u64), b: (u64, u64)) -> bool {
    let shared = a.1.min(b.1).saturating_sub(a.0.max(b.0));
    let longer = (a.1 - a.0).max(b.1 - b.0);
    shared * 2 >= longer && shared > 0
}

fn labels(item: &Value, text: &str) -> Vec<(KindId, (u64, u64))> {
    let ends: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
    let byte = |n: Option<&Value>| {
        let n = usize::try_from(n?.as_u64()?).ok()?;
        ends.get(n).map(|&b| b as u64)
    };
    let spans = item.get("spans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    spans
        .iter()
        .filter_map(|span| {
            let label = span.get("type").or_else(|| span.get("entity_type"))?.as_str()?;
            let start = byte(span.get("start").or_else(|| span.get("start_position")))?;
            let end = byte(span.get("end").or_else(|| span.get("end_position")))?;
            Some((kind_of(label)?, (start, end)))
        })
        .collect()
}

/// What a detector finds in a text, in bytes of it.
fn finds(detector: &dyn Detector, text: &str) -> Vec<(KindId, (u64, u64))> {
    let header = EvidenceHeader {
        stream: 0,
        kind: EvidenceKind::Text,
        format: "text".into(),
        name: "labelled.txt".to_owned(),
        properties: BTreeMap::new(),
    };
    let mut findings = Findings::new(SubjectKey::new([0; 32]), 1 << 20, false);
    if let Some(mut session) = detector.start(&header) {
        session.feed(&Batch::Text(TextBatch { text: text.into(), map: ByteMap::identity(0) }), &mut findings);
        session.finish(&mut findings);
    }
    let parts = findings.into_parts();
    let valid =
        parts.aggregates.iter().filter(|a| !a.distinct.iter().any(|(n, v)| *n == "checksum" && *v == false.into()));
    valid.flat_map(|a| a.places.iter().filter_map(|(place, _)| Some((a.kind, place.bytes?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_are_scored_by_kind() {
        let detector = crate::scanner::TextDetector::new(crate::identifiers::RECOGNISERS.to_vec());
        let labelled = "{\"text\": \"车主电话18245842208。\", \"spans\": [{\"type\": \"MOBILE\", \"start\": 4, \"end\": 15}]}\n\
                        {\"text\": \"订单 18245842208x\", \"spans\": [{\"type\": \"MOBILE\", \"start\": 3, \"end\": 14}]}\n\
                        {\"text\": \"手机 18245842208\", \"spans\": []}";
        let a = evaluate(&detector, labelled);
        assert_eq!(a.lines, 3);
        let phone = a.kinds[&k::PERSON_PHONE];
        assert_eq!(phone, Score { true_positives: 1, false_positives: 1, false_negatives: 1 });
        assert!((phone.recall() - 0.5).abs() < 1e-9 && (phone.precision() - 0.5).abs() < 1e-9);
        assert_eq!(a.misses.len(), 2);
    }
}
