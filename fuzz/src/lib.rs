//! What the fuzz targets share: an inspection that checks what a plugin says.

use yumen_model::{
    Artifact, Batch, Blob, Context, Detector, EvidenceHeader, Findings, Inspection, Message, Plugin, Probe, Session, Stop,
    SubjectKey,
};

/// Decoded bytes after which a child is closed.
const MOST: u64 = 16 << 20;

/// Takes a plugin's messages, feeds the detectors, and checks that every position lies inside the artifact.
pub struct Checked {
    len: u64,
    out: u64,
    messages: u64,
    detectors: Vec<Box<dyn Detector>>,
    streams: Vec<(u32, Vec<Box<dyn Session>>)>,
    findings: Findings,
}

impl Checked {
    fn new(len: u64) -> Self {
        let findings = Findings::new(SubjectKey::new([0; 32]), 3, false);
        Checked { len, out: 0, messages: 0, detectors: yumen_detect::detectors(), streams: Vec::new(), findings }
    }
}

impl Inspection for Checked {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        self.messages += 1;
        assert!(self.messages < 5_000_000, "the plugin does not come to an end");
        match message {
            Message::Label { range, .. } => assert!(range.end <= self.len, "a label past the end"),
            Message::ChildBytes(bytes) => {
                self.out += bytes.len() as u64;
                if self.out > MOST {
                    self.out = 0;
                    return Err(Stop::Child(yumen_model::Reason::Limit));
                }
            }
            Message::Evidence(header) => self.open(&header),
            Message::Batch { stream, batch } => self.feed(stream, &batch),
            Message::EvidenceEnd { stream } => {
                if let Some(at) = self.streams.iter().position(|(id, _)| *id == stream) {
                    for session in self.streams.swap_remove(at).1 {
                        session.finish(&mut self.findings);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Checked {
    fn open(&mut self, header: &EvidenceHeader) {
        self.streams.push((header.stream, self.detectors.iter().filter_map(|d| d.start(header)).collect()));
    }

    fn feed(&mut self, stream: u32, batch: &Batch<'_>) {
        if let Some((_, sessions)) = self.streams.iter_mut().find(|(id, _)| *id == stream) {
            for session in sessions {
                session.feed(batch, &mut self.findings);
            }
        }
    }
}

/// Inspects the data as what the plugin takes it for, or as the format that the first byte picks.
pub fn plugin(plugin: &dyn Plugin, data: &[u8]) {
    let Some((&pick, body)) = data.split_first() else { return };
    let formats = plugin.formats();
    let forced = formats[usize::from(pick) % formats.len()];
    let name = forced.extensions.first().map_or("x".to_owned(), |e| format!("x.{e}"));
    let blob = Blob::from_bytes(body);
    let head = &body[..body.len().min(64 << 10)];
    let tail = &body[body.len() - head.len()..];
    let identified = plugin.identify(&Probe::new(head, tail, &blob, &name));
    let format = identified.map_or(forced.name, |i| i.format);
    let artifact = Artifact { blob, name, format, attributes: Default::default(), inside: Vec::new() };
    let mut out = Checked::new(body.len() as u64);
    let _ = plugin.inspect(&artifact, &Context::default(), &mut out);
}

/// Feeds the data to every detector, as text and as raw bytes, cut at a place that the first byte picks.
pub fn detectors(data: &[u8]) {
    use std::borrow::Cow;
    use yumen_model::{ByteMap, EvidenceKind, RawBatch, TextBatch};
    let Some((&cut, body)) = data.split_first() else { return };
    let mut out = Checked::new(body.len() as u64);
    let header = |stream, kind| EvidenceHeader {
        stream,
        kind,
        format: Cow::Borrowed("text"),
        name: "x.txt".to_owned(),
        properties: Default::default(),
    };
    out.open(&header(0, EvidenceKind::Raw));
    let at = usize::from(cut).min(body.len());
    for (offset, part) in [(0, &body[..at]), (at, &body[at..])] {
        out.feed(0, &Batch::Raw(RawBatch { offset: offset as u64, bytes: Cow::Borrowed(part) }));
    }
    let text = String::from_utf8_lossy(body);
    out.open(&header(1, EvidenceKind::Text));
    out.feed(1, &Batch::Text(TextBatch { text, map: ByteMap::identity(0) }));
    for stream in [0, 1] {
        let _ = out.send(Message::EvidenceEnd { stream });
    }
}

/// Decodes a payload as a message of a topic, twice: where it stands in the artifact, and out of a chunk.
pub fn message(type_name: &str, message_encoding: &str, schema_encoding: &str, schema: &[u8], payload: &[u8]) {
    let artifact = Artifact {
        blob: Blob::from_bytes(payload),
        name: "x".to_owned(),
        format: "mcap",
        attributes: Default::default(),
        inside: Vec::new(),
    };
    let mut out = Checked::new(payload.len() as u64);
    let mut topics = yumen_kit_message::Topics::new(&artifact);
    let metadata = Default::default();
    let channel = yumen_kit_message::Channel { name: "/x", type_name, message_encoding, schema_encoding, schema, metadata: &metadata };
    topics.channel(1, &channel);
    for exact in [Some(0), None] {
        let message =
            yumen_kit_message::Message { log_time_ns: 1, publish_time_ns: 0, data: payload, offset: 0, exact };
        let Ok(outcome) = topics.message(1, &message, &mut out) else { return };
        let _ = outcome.label(0, payload.len(), &mut out);
    }
    let _ = topics.finish(&mut out);
}
