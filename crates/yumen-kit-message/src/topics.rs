//! The topics of one recording: channels told, messages taken, evidence sent.

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
}

impl Topics {
    /// The topics of an artifact; nothing is known of them yet. Streams of evidence are numbered from 1000.
    #[must_use]
    pub fn new(_artifact: &Artifact) -> Self {
        Topics { parts: Vec::new() }
    }

    /// Tells of a channel. Repeating it changes nothing.
    pub fn channel(&mut self, _id: u64, _channel: &Channel<'_>) {}

    /// Takes a message of a channel and sends what it holds.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn message(&mut self, _id: u64, _message: &Message<'_>, _out: &mut dyn Inspection) -> Result<Outcome<'_>, Stop> {
        Ok(Outcome { whole: Label::Opaque(Reason::Unsupported), parts: &self.parts })
    }

    /// Sends what was gathered: the rest of the streams, the sensors, the table of topics.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn finish(&mut self, _out: &mut dyn Inspection) -> Result<(), Stop> {
        Ok(())
    }
}
