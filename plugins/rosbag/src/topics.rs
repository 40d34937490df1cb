//! Stand-in until the kit decodes.
// The topics of one recording: channels told, messages taken, evidence sent.

use std::collections::BTreeMap;
use std::ops::Range;

use yumen_model::{Artifact, Inspection, InspectionExt, Label, Reason, Stop};

/// What a recording tells of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Channel<'a> {
    /// The topic.
    pub name: &'a str,
    /// The type of its messages, as the recording writes it.
    pub type_name: &'a str,
    /// How payloads are encoded: `ros1`, `cdr`, `protobuf`, `json`, `flatbuffer`; empty where it follows from the schema.
    pub message_encoding: &'a str,
    /// What the schema is: `ros1msg`, `ros2msg`, `ros2idl`, `omgidl`, `protobuf` (FileDescriptorSet), `jsonschema`, `flatbuffer` (binary schema),
    /// `apollo` (ProtoDesc); empty where there is none.
    pub schema_encoding: &'a str,
    /// The schema.
    pub schema: &'a [u8],
    /// What else is told (`callerid`, `latching`, `offered_qos_profiles`).
    pub metadata: &'a BTreeMap<String, String>,
}

/// One message of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// When it was recorded, in nanoseconds since 1970.
    pub log_time_ns: u64,
    /// When it was published, in nanoseconds since 1970; 0 where that is not told.
    pub publish_time_ns: u64,
    /// The payload.
    pub data: &'a [u8],
    /// Where it stands in the artifact, or the chunk that it was decoded from.
    pub offset: u64,
    /// Where the payload stands in the artifact byte for byte, if it does.
    pub exact: Option<u64>,
}

/// How the bytes of a message are to be labelled.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'t> {
    /// The label of all bytes that no part names.
    pub whole: Label,
    /// Stretches of the payload that bear another label (raw pixels nobody looks into; pictures handed over as children).
    pub parts: &'t [(Range<usize>, Label)],
}

impl Outcome<'_> {
    /// Labels a payload that stands in the artifact from `offset`. Delegated parts are labelled by the engine already.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn label(&self, offset: u64, len: usize, out: &mut dyn Inspection) -> Result<(), Stop> {
        out.label(offset..offset + len as u64, self.whole)?;
        for (range, label) in self.parts {
            if *label != Label::Delegated {
                out.label(offset + range.start as u64..offset + range.end as u64, *label)?;
            }
        }
        Ok(())
    }

    /// Bytes of a payload of `len` that are opaque, with the first reason.
    #[must_use]
    pub fn opaque(&self, len: usize) -> Option<(usize, Reason)> {
        let parts = self.parts.iter().map(|(range, label)| (range.len(), *label));
        let rest = len - parts.clone().map(|(n, _)| n).sum::<usize>().min(len);
        std::iter::once((rest, self.whole)).chain(parts).fold(None, |sum, (n, label)| match label {
            Label::Opaque(reason) if n > 0 => Some(sum.map_or((n, reason), |(m, first)| (m + n, first))),
            _ => sum,
        })
    }
}

/// The topics of one recording.
#[derive(Debug)]
pub struct Topics {
    parts: Vec<(Range<usize>, Label)>,
    rows: BTreeMap<u64, (String, u64, u64)>,
}

impl Topics {
    /// The topics of an artifact; nothing is known of them yet. Streams of evidence are numbered from 1000.
    #[must_use]
    pub fn new(_artifact: &Artifact) -> Self {
        Topics { parts: Vec::new(), rows: BTreeMap::new() }
    }

    /// Tells of a channel. Repeating it changes nothing.
    pub fn channel(&mut self, id: u64, channel: &Channel<'_>) {
        self.rows.insert(id, (channel.name.to_owned(), 0, 0));
    }

    /// Takes a message of a channel and sends what it holds.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn message(&mut self, id: u64, message: &Message<'_>, _out: &mut dyn Inspection) -> Result<Outcome<'_>, Stop> {
        if let Some(r) = self.rows.get_mut(&id) {
            r.1 += 1;
            r.2 += message.data.len() as u64;
        }
        Ok(Outcome { whole: Label::Inspected, parts: &self.parts })
    }

    /// Sends what was gathered: the rest of the streams, the sensors, the table of topics.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn finish(&mut self, out: &mut dyn Inspection) -> Result<(), Stop> {
        let rows: Vec<_> = self
            .rows
            .values()
            .filter(|r| r.1 > 0)
            .map(|r| serde_json::json!({"name": r.0, "messages": r.1, "bytes": r.2}))
            .collect();
        let item = yumen_model::InventoryItem::new(yumen_model::kind::kinds::SENSOR_RECORDING).with("topics", rows);
        out.send(yumen_model::Message::Evidence(yumen_model::EvidenceHeader {
            stream: 1000,
            kind: yumen_model::EvidenceKind::Inventory,
            format: "x".into(),
            name: String::new(),
            properties: BTreeMap::new(),
        }))?;
        out.send(yumen_model::Message::Batch {
            stream: 1000,
            batch: yumen_model::Batch::Inventory(yumen_model::InventoryBatch { items: vec![item] }),
        })?;
        out.send(yumen_model::Message::EvidenceEnd { stream: 1000 })
    }
}
