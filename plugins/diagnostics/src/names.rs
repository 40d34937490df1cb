//! What the readers of this family tell: names as evidence, and what is there as inventory.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use yumen_kit_text::{RecordWriter, Spot};
use yumen_kit_xml::Place;
use yumen_model::{
    Artifact, Batch, EvidenceHeader, EvidenceKind, InspectError, Inspection, InspectionExt, InventoryBatch,
    InventoryItem, KindId, Message,
};

/// Longest name or comment that is told, in bytes.
pub(crate) const LONGEST: usize = 16 << 10;
/// A list holds so many names.
pub(crate) const LISTED: usize = 50;
const INVENTORY_STREAM: u32 = 2;

/// A name, comment or value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) text: String,
    pub(crate) spot: Spot,
    pub(crate) byte_end: u64,
    pub(crate) verbatim: bool,
}

impl Named {
    /// A text of an XML document.
    pub(crate) fn of(value: &str, place: Place) -> Named {
        let text = &value[..value.floor_char_boundary(LONGEST)];
        // The end of a text that was cut is told as it is.
        let verbatim = place.verbatim && text.len() == value.len();
        Named { text: text.to_owned(), spot: place.spot, byte_end: place.byte_end, verbatim }
    }
}

/// Names as evidence: a record is a named thing with what is said of it.
pub(crate) struct Names(RecordWriter);

impl Names {
    pub(crate) fn new(artifact: &Artifact) -> Self {
        Names(RecordWriter::names(artifact))
    }

    /// Tells one thing.
    pub(crate) fn tell<'n>(
        &mut self,
        cells: impl IntoIterator<Item = (&'static str, &'n Named)>,
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        for (name, value) in cells {
            let name = self.0.name(name);
            self.0.cell(&value.text, name, 0, value.spot, value.byte_end, value.verbatim);
        }
        self.0.end_record(out)
    }

    pub(crate) fn finish(mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.0.finish(out)
    }
}

/// Names for a property: each once, the first ones only, in order of the alphabet.
#[derive(Debug)]
pub(crate) struct List {
    names: BTreeSet<String>,
    most: usize,
}

impl Default for List {
    fn default() -> Self {
        List::of(LISTED)
    }
}

impl List {
    pub(crate) fn of(most: usize) -> Self {
        List { names: BTreeSet::new(), most }
    }

    pub(crate) fn add(&mut self, name: &str) {
        if !name.is_empty() && self.names.len() < self.most && !self.names.contains(name) {
            self.names.insert(name[..name.floor_char_boundary(200)].to_owned());
        }
    }

    pub(crate) fn value(&self) -> Value {
        Value::Array(self.names.iter().map(|n| Value::from(n.as_str())).collect())
    }
}

/// Counts by the name that the inventory gives them.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    pub(crate) fn add(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    pub(crate) fn add_many(&mut self, name: &'static str, n: u64) {
        *self.0.entry(name).or_default() += n;
    }

    /// Puts the counts into an item: those of `always` also when they are 0.
    pub(crate) fn into_item(self, kind: KindId, always: &[&'static str]) -> InventoryItem {
        let mut item = InventoryItem::new(kind);
        for name in always {
            item = item.with(name, self.0.get(name).copied().unwrap_or(0));
        }
        for (name, n) in self.0 {
            item = item.with(name, n);
        }
        item
    }
}

/// Sends what is there.
pub(crate) fn send_inventory(
    artifact: &Artifact,
    item: InventoryItem,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    let header = EvidenceHeader {
        stream: INVENTORY_STREAM,
        kind: EvidenceKind::Inventory,
        format: artifact.format.into(),
        name: artifact.name.clone(),
        properties: BTreeMap::new(),
    };
    let item = item.at(0, artifact.blob.len());
    out.send(Message::Evidence(header))?;
    out.batch(INVENTORY_STREAM, Batch::Inventory(InventoryBatch { items: vec![item] }))?;
    Ok(out.send(Message::EvidenceEnd { stream: INVENTORY_STREAM })?)
}

/// Whether a name speaks of access to what is protected, where no service identifier tells it.
pub(crate) fn is_security_access(name: &str) -> bool {
    let n = squeezed(name);
    ["securityaccess", "seedandkey", "seedkey", "requestseed", "sendkey", "unlockecu", "安全访问", "安全解锁"]
        .iter()
        .any(|w| n.contains(w))
}

/// Whether a name speaks of routine control.
pub(crate) fn is_routine(name: &str) -> bool {
    let n = squeezed(name);
    ["routinecontrol", "startroutine", "stoproutine", "requestroutineresult", "routineresult", "例程控制"]
        .iter()
        .any(|w| n.contains(w))
}

fn squeezed(name: &str) -> String {
    name.chars().take(512).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
