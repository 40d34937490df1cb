//! A recorder that stands in for the engine: it applies the rules of the interface, keeps what was sent, and counts every byte.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use yumen_model::coverage::Labelled;
use yumen_model::{
    Artifact, Batch, Blob, ChildMeta, Context, EvidenceKind, Extent, Fix, GroupFact, Identity, InspectError,
    Inspection, InventoryItem, KindId, Label, LabelMap, Message, Note, Plugin, Probe, Reason, Spatial, Stop,
};

/// A child that was handed over.
#[derive(Clone, Debug)]
pub struct Child {
    /// What the container told of it.
    pub meta: ChildMeta,
    /// All of its bytes.
    pub bytes: Vec<u8>,
    /// False when it was closed as incomplete.
    pub complete: bool,
    /// Its pieces, when it is made of extents of the parent.
    pub extents: Option<Vec<Extent>>,
}

impl Child {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.meta.name
    }
}

/// What came of an inspection.
#[derive(Debug)]
pub struct Recorded {
    /// Length of the artifact.
    pub len: u64,
    /// What the reader returned.
    pub result: Result<(), InspectError>,
    /// The children in order.
    pub children: Vec<Child>,
    /// The notes in order.
    pub notes: Vec<Note>,
    /// Text evidence, each stream's text joined.
    pub texts: Vec<String>,
    /// The values of record evidence by name.
    pub records: BTreeMap<String, String>,
    /// Names and values of record evidence, all of them in order.
    pub values: Vec<(String, String)>,
    /// Topic and time of each value of record evidence that has them, beside the value.
    pub origins: Vec<(String, f64, String)>,
    /// Raw evidence: offset and bytes of each batch.
    pub raw: Vec<(u64, Vec<u8>)>,
    /// What is told to be there.
    pub inventory: Vec<InventoryItem>,
    /// Positions, of all streams.
    pub fixes: Vec<Fix>,
    /// Things with a place.
    pub spatial: Vec<Spatial>,
    /// Facts lent to the neighbours.
    pub exports: Vec<GroupFact>,
    /// The format, as the body showed it in the end.
    pub format: String,
    /// Every byte by label; what bears none is opaque with the reason of the error, or `UnknownFormat`.
    pub labels: Labelled,
}

impl Recorded {
    /// The child of a name.
    #[track_caller]
    pub fn child(&self, name: &str) -> &Child {
        match self.children.iter().find(|c| c.meta.name == name) {
            Some(child) => child,
            None => panic!("no child {name}; there are {:?}", self.names()),
        }
    }

    /// The names of the children in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.children.iter().map(Child::name).collect()
    }

    /// Whether a note of this code was sent.
    #[must_use]
    pub fn noted(&self, code: &str) -> bool {
        self.notes.iter().any(|n| n.code == code)
    }

    /// The first inventory item of a kind.
    #[track_caller]
    pub fn item(&self, kind: KindId) -> &InventoryItem {
        match self.inventory.iter().find(|i| i.kind == kind) {
            Some(item) => item,
            None => panic!("no {kind}; there are {:?}", self.inventory),
        }
    }

    /// Opaque bytes in all.
    #[must_use]
    pub fn opaque(&self) -> u64 {
        self.labels.opaque.values().sum()
    }

    /// Checks that each byte is counted once, and that all of them are `container` or `delegated`.
    #[track_caller]
    pub fn assert_clear(&self) {
        assert_eq!(self.result, Ok(()));
        self.assert_counted();
        assert_eq!(self.opaque(), 0, "opaque bytes: {:?}", self.labels);
    }

    /// Checks that each byte is counted once.
    #[track_caller]
    pub fn assert_counted(&self) {
        let l = &self.labels;
        assert_eq!(l.delegated + l.container + l.inspected + self.opaque(), self.len);
    }
}

/// How the stand-in engine behaves.
#[derive(Clone, Debug)]
pub struct Engine {
    /// A child is stopped once it is longer than this.
    pub stop_child_at: Option<u64>,
    /// The inspection is stopped after so many messages.
    pub stop_all_after: Option<u64>,
    /// More decoded output than this fails the test.
    pub most_output: u64,
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
    values: Vec<(String, String)>,
    origins: Vec<(String, f64, String)>,
    raw: Vec<(u64, Vec<u8>)>,
    inventory: Vec<InventoryItem>,
    fixes: Vec<Fix>,
    spatial: Vec<Spatial>,
    exports: Vec<GroupFact>,
    format: String,
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
            Message::Format(format) => self.format = format.into_owned(),
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
                let stored: u64 = extents.iter().filter(|e| matches!(e, Extent::Data { .. })).map(Extent::len).sum();
                assert!(stored <= self.engine.most_output, "a child longer than it may be");
                // A hole costs nothing to hand over, however long.
                let shown = child.len().min(self.engine.most_output.min(64 << 20).max(stored));
                let mut bytes = vec![0; shown as usize];
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
                // As in the engine, a hole costs a share of its length; a very long one is not kept here.
                self.grow(n / 16)?;
                if let Some(child) = &mut self.open {
                    child.bytes.resize(child.bytes.len() + n.min(64 << 20) as usize, 0);
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
                        for (i, cell) in r.cells.iter().enumerate() {
                            if let Some(o) = r.origin(i) {
                                self.origins.push((o.topic.clone(), o.time_s.get(), r.value(cell).to_owned()));
                            }
                            self.records.insert(r.name(cell).to_owned(), r.value(cell).to_owned());
                            self.values.push((r.name(cell).to_owned(), r.value(cell).to_owned()));
                        }
                    }
                    Batch::Raw(raw) => self.raw.push((raw.offset, raw.bytes.into_owned())),
                    Batch::Inventory(batch) => self.inventory.extend(batch.items),
                    Batch::Fixes(batch) => self.fixes.extend(batch.fixes),
                    Batch::Spatial(batch) => self.spatial.extend(batch.items),
                    Batch::Keys(_) => {}
                }
            }
            Message::EvidenceEnd { stream } => {
                assert!(self.streams.contains_key(&stream), "end of a stream that is not open");
            }
            Message::Export(fact) => self.exports.push(fact),
            Message::Need(_) => {}
        }
        Ok(())
    }
}

/// What a plugin takes these bytes for.
#[must_use]
pub fn identify(plugin: &dyn Plugin, name: &str, bytes: &[u8]) -> Option<Identity> {
    let blob = Blob::from_bytes(bytes.to_vec());
    let n = bytes.len().min(64 << 10);
    let probe = Probe::new(&bytes[..n], &bytes[bytes.len() - n..], &blob, name);
    plugin.identify(&probe)
}

/// Inspects bytes as `format`.
pub fn inspect_as(plugin: &dyn Plugin, format: &'static str, name: &str, bytes: &[u8], engine: Engine) -> Recorded {
    let artifact = Artifact {
        blob: Blob::from_bytes(bytes.to_vec()),
        name: name.to_owned(),
        format,
        attributes: BTreeMap::<String, Value>::new(),
        inside: Vec::new(),
    };
    inspect_artifact(plugin, &artifact, engine)
}

/// Inspects an artifact.
pub fn inspect_artifact(plugin: &dyn Plugin, artifact: &Artifact, engine: Engine) -> Recorded {
    inspect_granted(plugin, artifact, &Context::default(), engine)
}

/// Inspects an artifact with facts that its group lends it.
pub fn inspect_granted(plugin: &dyn Plugin, artifact: &Artifact, context: &Context, engine: Engine) -> Recorded {
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
        values: Vec::new(),
        origins: Vec::new(),
        raw: Vec::new(),
        inventory: Vec::new(),
        fixes: Vec::new(),
        spatial: Vec::new(),
        exports: Vec::new(),
        format: artifact.format.to_owned(),
        all_stopped: false,
    };
    let result = plugin.inspect(artifact, context, &mut recorder);
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
    // As the engine does: holes are zero padding.
    artifact.blob.holes().for_each(|hole| recorder.map.add(hole, Label::Container));
    Recorded {
        len,
        result,
        children: recorder.children,
        notes: recorder.notes,
        texts: recorder.texts,
        records: recorder.records,
        values: recorder.values,
        origins: recorder.origins,
        raw: recorder.raw,
        inventory: recorder.inventory,
        fixes: recorder.fixes,
        spatial: recorder.spatial,
        exports: recorder.exports,
        format: recorder.format,
        labels: recorder.map.resolve(len, rest),
    }
}

/// Identifies bytes and inspects them as what they were taken for.
#[track_caller]
pub fn inspect(plugin: &dyn Plugin, name: &str, bytes: &[u8]) -> Recorded {
    let identity = identify(plugin, name, bytes).expect("the family knows the format");
    inspect_as(plugin, identity.format, name, bytes, Engine::default())
}

/// Cuts the bytes short at 10, 50 and 99 percent and near both ends, and flips bits all over (`flips` times): nothing may panic, every byte must be
/// counted once, and the reader must stop when the engine says so.
#[track_caller]
pub fn abuse(plugin: &dyn Plugin, format: &'static str, name: &str, bytes: &[u8], flips: usize) {
    let n = bytes.len();
    for cut in [0, 1, 7, n / 10, n / 3, n / 2, n * 99 / 100, n.saturating_sub(1)] {
        let cut = &bytes[..cut.min(n)];
        if !cut.is_empty() {
            inspect_as(plugin, format, name, cut, Engine::default()).assert_counted();
            let _ = identify(plugin, name, cut);
        }
    }
    let mut where_to = noise(n as u64 + 1, flips.saturating_mul(8)).into_iter();
    for i in 0..flips {
        let mut broken = bytes.to_vec();
        // Half of the flips hit the first 4 KiB, where the structure is.
        let random = where_to.by_ref().take(8).fold(0u64, |a, b| a << 8 | u64::from(b));
        let span = if i % 2 == 0 { n.min(4096) } else { n };
        let at = (random % span.max(1) as u64) as usize;
        if let Some(b) = broken.get_mut(at) {
            *b ^= 1 << (random >> 61);
        }
        inspect_as(plugin, format, name, &broken, Engine::default()).assert_counted();
    }
    for after in [0, 1, 2, 5, 20, 100] {
        let engine = Engine { stop_all_after: Some(after), ..Engine::default() };
        inspect_as(plugin, format, name, bytes, engine).assert_counted();
    }
    let engine = Engine { stop_child_at: Some(1), ..Engine::default() };
    inspect_as(plugin, format, name, bytes, engine).assert_counted();
}

/// A fixture that a recipe of `xtask/fixtures` made with the field's own tools: `tests/fixtures/TOPIC/NAME.xz`, decompressed.
#[track_caller]
#[must_use]
pub fn fixture(topic: &str, name: &str) -> Vec<u8> {
    let path = fixtures(topic).join(format!("{name}.xz"));
    let packed = std::fs::File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    let read = lzma_rust2::XzReader::new(packed, true).read_to_end(&mut bytes);
    read.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    bytes
}

/// What an independent tool found in a fixture: SHA-256 (hex), size and path of every regular file (`tests/fixtures/TOPIC/NAME.files`).
#[track_caller]
#[must_use]
pub fn truth(topic: &str, name: &str) -> Vec<(String, u64, String)> {
    let path = fixtures(topic).join(format!("{name}.files"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ' ');
            Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?, parts.next()?.to_owned()))
        })
        .collect()
}

fn fixtures(topic: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(topic)
}

impl Recorded {
    /// The regular files among the children (free space and slack apart) as [`truth`] tells them, by path.
    #[must_use]
    pub fn files(&self) -> Vec<(String, u64, String)> {
        let mut files: Vec<_> = self
            .children
            .iter()
            .filter(|c| !c.meta.free_space && !c.name().starts_with('['))
            .map(|c| (sha256(&c.bytes), c.bytes.len() as u64, c.name().to_owned()))
            .collect();
        files.sort_by(|a, b| a.2.cmp(&b.2));
        files
    }
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes that look random and do not compress; the same for the same seed.
#[must_use]
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
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
#[must_use]
pub fn prose(len: usize) -> Vec<u8> {
    b"the vehicle entered the yard at dawn and left again at dusk; ".iter().copied().cycle().take(len).collect()
}
