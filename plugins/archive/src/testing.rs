//! A recorder that stands in for the engine: it applies the rules of the interface, keeps what was sent, and counts every byte.

use std::collections::BTreeMap;

use serde_json::Value;
use yumen_model::coverage::Labelled;
use yumen_model::{
    Artifact, Batch, Blob, ChildMeta, Context, EvidenceKind, Extent, InspectError, Inspection, Label, LabelMap,
    Message, Note, Plugin, Probe, Reason, Stop,
};

use crate::ArchivePlugin;

/// A child that was handed over.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    /// What the container told of it.
    pub(crate) meta: ChildMeta,
    /// All of its bytes.
    pub(crate) bytes: Vec<u8>,
    /// False when it was closed as incomplete.
    pub(crate) complete: bool,
    /// Its pieces, when it is made of extents of the parent.
    pub(crate) extents: Option<Vec<Extent>>,
}

impl Child {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.meta.name
    }
}

/// What came of an inspection.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// Length of the artifact.
    pub(crate) len: u64,
    /// What the reader returned.
    pub(crate) result: Result<(), InspectError>,
    /// The children in order.
    pub(crate) children: Vec<Child>,
    /// The notes in order.
    pub(crate) notes: Vec<Note>,
    /// Text evidence, each stream's text joined.
    pub(crate) texts: Vec<String>,
    /// The values of record evidence by name.
    pub(crate) records: BTreeMap<String, String>,
    /// Every byte by label; what bears none is opaque with the reason of the error, or `UnknownFormat`.
    pub(crate) labels: Labelled,
}

impl Recorded {
    /// The child of a name.
    #[track_caller]
    pub(crate) fn child(&self, name: &str) -> &Child {
        match self.children.iter().find(|c| c.meta.name == name) {
            Some(child) => child,
            None => panic!("no child {name}; there are {:?}", self.names()),
        }
    }

    /// The names of the children in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.children.iter().map(Child::name).collect()
    }

    /// Whether a note of this code was sent.
    pub(crate) fn noted(&self, code: &str) -> bool {
        self.notes.iter().any(|n| n.code == code)
    }

    /// Opaque bytes in all.
    pub(crate) fn opaque(&self) -> u64 {
        self.labels.opaque.values().sum()
    }

    /// Checks that each byte is counted once, and that all of them are `container` or `delegated`.
    #[track_caller]
    pub(crate) fn assert_clear(&self) {
        assert_eq!(self.result, Ok(()));
        self.assert_counted();
        assert_eq!(self.opaque(), 0, "opaque bytes: {:?}", self.labels);
    }

    /// Checks that each byte is counted once.
    #[track_caller]
    pub(crate) fn assert_counted(&self) {
        let l = &self.labels;
        assert_eq!(l.delegated + l.container + l.inspected + self.opaque(), self.len);
    }
}

/// How the stand-in engine behaves.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    /// A child is stopped once it is longer than this.
    pub(crate) stop_child_at: Option<u64>,
    /// The inspection is stopped after so many messages.
    pub(crate) stop_all_after: Option<u64>,
    /// More decoded output than this fails the test.
    pub(crate) most_output: u64,
}

impl Default for Engine {
    fn default() -> Self {
        Engine { stop_child_at: None, stop_all_after: None, most_output: 256 << 20 }
    }
}

struct Recorder {
    engine: Engine,
    blob: Blob,
    map: LabelMap,
    open: Option<Child>,
    sent: u64,
    output: u64,
    streams: BTreeMap<u32, usize>,
    children: Vec<Child>,
    notes: Vec<Note>,
    texts: Vec<String>,
    records: BTreeMap<String, String>,
    all_stopped: bool,
}

impl Recorder {
    fn grow(&mut self, n: u64) -> Result<(), Stop> {
        self.output += n;
        assert!(self.output <= self.engine.most_output, "the reader delivers more than it may");
        let Some(child) = &mut self.open else {
            panic!("bytes without an open child");
        };
        if self.engine.stop_child_at.is_some_and(|most| child.bytes.len() as u64 + n > most) {
            child.complete = false;
            self.children.extend(self.open.take());
            return Err(Stop::Child(Reason::Limit));
        }
        Ok(())
    }
}

impl Inspection for Recorder {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        assert!(!self.all_stopped, "a message after the engine stopped the inspection");
        self.sent += 1;
        if self.engine.stop_all_after.is_some_and(|n| self.sent > n) {
            self.all_stopped = true;
            return Err(Stop::All(Reason::TimedOut));
        }
        match message {
            Message::Format(_) => {}
            Message::Note(note) => {
                assert!(yumen_model::note::NOTES.iter().any(|n| n.code == note.code), "unknown note {}", note.code);
                self.notes.push(note);
            }
            Message::Label { range, label } => {
                assert!(range.end <= self.blob.len(), "label past the end");
                self.map.add(range, label);
            }
            Message::ChildExtents { meta, extents } => {
                assert!(self.open.is_none(), "a child inside an open child");
                for e in &extents {
                    if let Extent::Data { offset, len } = e {
                        assert!(offset + len <= self.blob.len(), "extent past the end");
                        self.map.add(*offset..offset + len, Label::Delegated);
                    }
                }
                let child = self.blob.slice(&extents);
                assert!(child.len() <= self.engine.most_output, "a child longer than it may be");
                let mut bytes = vec![0; child.len() as usize];
                child.read_exact_at(0, &mut bytes).expect("extents can be read");
                self.children.push(Child { meta, bytes, complete: true, extents: Some(extents) });
            }
            Message::ChildStart { meta } => {
                assert!(self.open.is_none(), "a child inside an open child");
                self.open = Some(Child { meta, bytes: Vec::new(), complete: true, extents: None });
            }
            Message::ChildBytes(bytes) => {
                self.grow(bytes.len() as u64)?;
                if let Some(child) = &mut self.open {
                    child.bytes.extend_from_slice(&bytes);
                }
            }
            Message::ChildZeros(n) => {
                self.grow(n)?;
                if let Some(child) = &mut self.open {
                    child.bytes.resize(child.bytes.len() + n as usize, 0);
                }
            }
            Message::ChildEnd { complete } => {
                let Some(mut child) = self.open.take() else { panic!("end of a child that is not open") };
                child.complete = complete;
                self.children.push(child);
            }
            Message::Evidence(header) => {
                let fresh = self.streams.insert(header.stream, self.texts.len()).is_none();
                assert!(fresh, "two streams of one number");
                if header.kind == EvidenceKind::Text {
                    self.texts.push(String::new());
                }
            }
            Message::Batch { stream, batch } => {
                let at = *self.streams.get(&stream).expect("a batch of an open stream");
                match batch {
                    Batch::Text(t) => self.texts[at].push_str(&t.text),
                    Batch::Records(r) => {
                        for cell in &r.cells {
                            self.records.insert(r.name(cell).to_owned(), r.value(cell).to_owned());
                        }
                    }
                    Batch::Raw(_) | Batch::Keys(_) => {}
                }
            }
            Message::EvidenceEnd { stream } => {
                assert!(self.streams.contains_key(&stream), "end of a stream that is not open");
            }
            Message::Export(_) | Message::Need(_) => {}
        }
        Ok(())
    }
}

/// What the family takes these bytes for.
pub(crate) fn identify(name: &str, bytes: &[u8]) -> Option<yumen_model::Identity> {
    let blob = Blob::from_bytes(bytes.to_vec());
    let n = bytes.len().min(64 << 10);
    let probe = Probe { head: &bytes[..n], tail: &bytes[bytes.len() - n..], blob: &blob, name };
    ArchivePlugin.identify(&probe)
}

/// Inspects bytes as `format`.
pub(crate) fn inspect_as(format: &'static str, name: &str, bytes: &[u8], engine: Engine) -> Recorded {
    let artifact = Artifact {
        blob: Blob::from_bytes(bytes.to_vec()),
        name: name.to_owned(),
        format,
        attributes: BTreeMap::<String, Value>::new(),
        inside: Vec::new(),
    };
    inspect_artifact(&artifact, engine)
}

/// Inspects an artifact.
pub(crate) fn inspect_artifact(artifact: &Artifact, engine: Engine) -> Recorded {
    let mut recorder = Recorder {
        engine,
        blob: artifact.blob.clone(),
        map: LabelMap::default(),
        open: None,
        sent: 0,
        output: 0,
        streams: BTreeMap::new(),
        children: Vec::new(),
        notes: Vec::new(),
        texts: Vec::new(),
        records: BTreeMap::new(),
        all_stopped: false,
    };
    let result = ArchivePlugin.inspect(artifact, &Context::default(), &mut recorder);
    if let Some(mut child) = recorder.open.take() {
        assert!(result.is_err(), "a child was left open");
        child.complete = false;
        recorder.children.push(child);
    }
    if recorder.all_stopped {
        assert!(result.is_err(), "the engine stopped the inspection, the reader says all is well");
    }
    let rest = result.err().map_or(Reason::UnknownFormat, |e| e.reason);
    let len = artifact.blob.len();
    Recorded {
        len,
        result,
        children: recorder.children,
        notes: recorder.notes,
        texts: recorder.texts,
        records: recorder.records,
        labels: recorder.map.resolve(len, rest),
    }
}

/// Identifies bytes and inspects them as what they were taken for.
#[track_caller]
pub(crate) fn inspect(name: &str, bytes: &[u8]) -> Recorded {
    let identity = identify(name, bytes).expect("the family knows the format");
    inspect_as(identity.format, name, bytes, Engine::default())
}

/// Bytes that look random and do not compress; the same for the same seed.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// Text that compresses well.
pub(crate) fn prose(len: usize) -> Vec<u8> {
    b"the vehicle entered the yard at dawn and left again at dusk; ".iter().copied().cycle().take(len).collect()
}
