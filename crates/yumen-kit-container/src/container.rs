//! What every reader of a container with members does alike: hand over children, label bytes, keep what lies between members, and tell notes with counts.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use yumen_model::{
    Artifact, Batch, Blob, ByteMap, ChildMeta, EvidenceHeader, EvidenceKind, Extent, InspectError, Inspection,
    InventoryBatch, InventoryItem, Label, Message, Note, RawBatch, Reason, Stop, TextBatch, TextEncoding,
};

use crate::window::{Window, first_nonzero, is_erased, sweep};

/// Text is sent on once this much has gathered.
const TEXT_BATCH: usize = 64 << 10;
/// Pieces of padding that are not zero are handed over as one child of at most this many pieces.
const SLACK_PIECES: usize = 4096;
/// Free space is told from zeros in pieces of so many bytes.
const FREE_PIECE: u64 = 4096;
/// Largest raw batch, in bytes.
const RAW_PIECE: u64 = 1 << 20;
/// Streams that a container sends itself; readers count their own from 100.
const TEXT_STREAM: u32 = 0;
const RAW_STREAM: u32 = 1;
const INVENTORY_STREAM: u32 = 2;

/// Where data lies that belongs to no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before the first member.
    Before,
    /// Between members.
    Between,
    /// After the end.
    After,
}

#[derive(Default)]
struct Told {
    count: u64,
    bytes: u64,
    offset: Option<u64>,
}

/// The artifact that is opened, and where what is found in it goes.
pub struct Container<'a> {
    /// The artifact's bytes.
    pub blob: &'a Blob,
    /// For reading structures.
    pub window: Window<'a>,
    artifact: &'a Artifact,
    out: &'a mut dyn Inspection,
    stopped: bool,
    told: BTreeMap<&'static str, Told>,
    slack: Vec<Extent>,
    gaps: u32,
    names: HashSet<u64>,
    text: String,
    anchors: Vec<(u32, u64)>,
    text_open: bool,
    raw_open: bool,
    free: Vec<Extent>,
    inventory: Vec<InventoryItem>,
}

impl<'a> Container<'a> {
    /// Begins to open an artifact.
    pub fn new(artifact: &'a Artifact, out: &'a mut dyn Inspection) -> Self {
        Container {
            blob: &artifact.blob,
            window: Window::new(&artifact.blob),
            artifact,
            out,
            stopped: false,
            told: BTreeMap::new(),
            slack: Vec::new(),
            gaps: 0,
            names: HashSet::new(),
            text: String::new(),
            anchors: Vec::new(),
            text_open: false,
            raw_open: false,
            free: Vec::new(),
            inventory: Vec::new(),
        }
    }

    /// Whether the engine ended the inspection: nothing more may be sent.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Length of the artifact.
    pub fn len(&self) -> u64 {
        self.blob.len()
    }

    /// Whether the artifact has no byte.
    pub fn is_empty(&self) -> bool {
        self.blob.is_empty()
    }

    /// Whether the engine takes no more: nothing may be sent then.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Sends a message; [`Stop::Child`] stays for the caller to handle.
    pub fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        let result = self.out.send(message);
        if matches!(result, Err(Stop::All(_))) {
            self.stopped = true;
        }
        result
    }

    /// Labels bytes.
    pub fn label(&mut self, range: Range<u64>, label: Label) -> Result<(), InspectError> {
        let range = range.start..range.end.min(self.len());
        if range.start < range.end {
            self.send(Message::Label { range, label })?;
        }
        Ok(())
    }

    /// Labels bytes as structure, zero padding or fully decoded.
    pub fn container(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        self.label(range, Label::Container)
    }

    /// Labels bytes as not looked into.
    pub fn opaque(&mut self, range: Range<u64>, reason: Reason) -> Result<(), InspectError> {
        self.label(range, Label::Opaque(reason))
    }

    /// Hands over a child that is made of pieces of the artifact. When the engine does not take it, its bytes are opaque.
    pub fn hand_over(&mut self, meta: ChildMeta, extents: Vec<Extent>) -> Result<(), InspectError> {
        let pieces: Vec<_> = extents
            .iter()
            .filter_map(|e| match e {
                Extent::Data { offset, len } => Some(*offset..offset + len),
                Extent::Zero { .. } => None,
            })
            .collect();
        match self.send(Message::ChildExtents { meta, extents }) {
            Ok(()) => Ok(()),
            Err(Stop::Child(reason)) => pieces.into_iter().try_for_each(|p| self.opaque(p, reason)),
            Err(stop) => Err(stop.into()),
        }
    }

    /// Hands over a child that is one range of the artifact, cut at its end.
    pub fn hand_over_range(&mut self, meta: ChildMeta, range: Range<u64>) -> Result<(), InspectError> {
        let range = range.start.min(self.len())..range.end.min(self.len());
        self.hand_over(meta, vec![Extent::of(range)])
    }

    /// Bytes that should be zero padding: labelled so, or kept for the child `[slack]`.
    pub fn padding(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        let range = range.start..range.end.min(self.len());
        if range.start >= range.end {
            return Ok(());
        }
        let small = usize::try_from(range.end - range.start).ok().filter(|&n| n <= 1024);
        let zero = match small {
            Some(n) => self.window.get(range.start, n)?.iter().all(|&b| b == 0),
            None => first_nonzero(self.blob, range.clone())?.is_none(),
        };
        if zero { self.container(range) } else { self.slack(range) }
    }

    /// Bytes of an image that belong to nothing in it (free blocks, slack behind a file's end, gaps between partitions): zero padding is labelled so, the
    /// rest is kept for the child `[unallocated]`, which is swept as raw bytes.
    pub fn unallocated(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        self.free(range, |b| b == 0)
    }

    /// As [`Container::unallocated`], on flash memory: erased space reads as 0xFF there, and is padding as zeros are.
    pub fn unallocated_flash(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        self.free(range, |b| b == 0 || b == 0xFF)
    }

    fn free(&mut self, range: Range<u64>, padding: fn(u8) -> bool) -> Result<(), InspectError> {
        let len = self.len();
        let range = range.start.min(len)..range.end.min(len);
        // Slack behind files is short and comes by the million, in order.
        if let Some(n) = usize::try_from(range.end - range.start).ok().filter(|&n| n as u64 <= FREE_PIECE)
            && self.window.get(range.start, n)?.iter().all(|&b| padding(b))
        {
            return self.container(range);
        }
        let first_used = |blob: &Blob, range: Range<u64>| {
            sweep(blob, range, 0, |at, bytes| bytes.iter().position(|&b| !padding(b)).map(|i| at + i as u64))
        };
        // Padding is told apart piece by piece: an empty disk is mostly free space.
        let mut at = range.start;
        while let Some(from) = first_used(self.blob, at..range.end)? {
            let start = from - (from - at) % 512;
            self.container(at..start)?;
            let mut end = start;
            while end < range.end {
                let n = (range.end - end).min(FREE_PIECE);
                let unused = first_used(self.blob, end..end + n)?.is_none();
                if unused && end > start {
                    break;
                }
                end += n;
            }
            self.free.push(Extent::of(start..end));
            at = end;
        }
        self.container(at..range.end)
    }

    /// Bytes behind the end of an image: zero padding is labelled so, the rest is a child `[unallocated]` that is opened where it begins as a known
    /// format and swept as raw bytes otherwise.
    ///
    /// # Errors
    /// The bytes can't be read, or the engine takes no more.
    pub fn trailing(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        let len = self.len();
        let range = range.start.min(len)..range.end.min(len);
        if first_nonzero(self.blob, range.clone())?.is_none() {
            return self.container(range);
        }
        let meta = ChildMeta { free_space: true, identify_first: true, ..ChildMeta::named(b"[unallocated]") };
        self.hand_over_range(meta, range)
    }

    fn flush_free(&mut self) -> Result<(), InspectError> {
        if self.free.is_empty() {
            return Ok(());
        }
        let mut pieces = std::mem::take(&mut self.free);
        pieces.sort_by_key(|e| match e {
            Extent::Data { offset, .. } => *offset,
            Extent::Zero { .. } => 0,
        });
        let meta = ChildMeta { free_space: true, ..ChildMeta::named(b"[unallocated]") };
        self.hand_over(meta, pieces)
    }

    /// Shows a byte range to the detectors as raw bytes and labels it inspected: for the code sections of a recognised executable only.
    pub fn raw(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        let len = self.len();
        let range = range.start.min(len)..range.end.min(len);
        if range.is_empty() {
            return Ok(());
        }
        if !self.raw_open {
            self.raw_open = true;
            self.open_stream(RAW_STREAM, EvidenceKind::Raw)?;
        }
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at + RAW_PIECE);
            let bytes = self.blob.bytes(at..end).map_err(|e| InspectError::read(at, &e))?;
            let batch = Batch::Raw(RawBatch { offset: at, bytes: bytes.into() });
            self.send(Message::Batch { stream: RAW_STREAM, batch })?;
            self.label(at..end, Label::Inspected)?;
            at = end;
        }
        Ok(())
    }

    /// Tells what is there.
    pub fn inventory(&mut self, item: InventoryItem) {
        self.inventory.push(item);
    }

    fn flush_inventory(&mut self) -> Result<(), InspectError> {
        if self.inventory.is_empty() {
            return Ok(());
        }
        let items = std::mem::take(&mut self.inventory);
        self.open_stream(INVENTORY_STREAM, EvidenceKind::Inventory)?;
        let batch = Batch::Inventory(InventoryBatch { items });
        self.send(Message::Batch { stream: INVENTORY_STREAM, batch })?;
        Ok(self.send(Message::EvidenceEnd { stream: INVENTORY_STREAM })?)
    }

    fn open_stream(&mut self, stream: u32, kind: EvidenceKind) -> Result<(), InspectError> {
        let header = EvidenceHeader {
            stream,
            kind,
            format: self.artifact.format.into(),
            name: self.artifact.name.clone(),
            properties: BTreeMap::new(),
        };
        Ok(self.send(Message::Evidence(header))?)
    }

    /// Keeps bytes for the child `[slack]`.
    pub fn slack(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        self.tell_bytes("gap-data", range.start, range.end - range.start);
        self.slack.push(Extent::of(range));
        if self.slack.len() >= SLACK_PIECES { self.flush_slack() } else { Ok(()) }
    }

    fn flush_slack(&mut self) -> Result<(), InspectError> {
        if self.slack.is_empty() {
            return Ok(());
        }
        let pieces = std::mem::take(&mut self.slack);
        self.hand_over(ChildMeta::named(b"[slack]"), pieces)
    }

    /// Bytes that belong to no member: padding (zeros, or the 0xFF of erased flash), or a child `[before]`, `[gap-n]`, `[after]`.
    pub fn residue(&mut self, range: Range<u64>, place: Place) -> Result<(), InspectError> {
        let range = range.start..range.end.min(self.len());
        if range.start >= range.end {
            return Ok(());
        }
        if first_nonzero(self.blob, range.clone())?.is_none() || is_erased(self.blob, range.clone())? {
            return self.container(range);
        }
        self.tell_bytes("gap-data", range.start, range.end - range.start);
        let name = match place {
            Place::Before => "[before]".to_owned(),
            Place::After => "[after]".to_owned(),
            Place::Between => {
                self.gaps += 1;
                format!("[gap-{}]", self.gaps)
            }
        };
        self.hand_over_range(ChildMeta::named(name.as_bytes()), range)
    }

    /// The child of a name as it stands in the container; counts names that lead out of it and names met before.
    pub fn child(&mut self, raw: &[u8]) -> ChildMeta {
        self.check_path(raw);
        let meta = ChildMeta::named(raw);
        let mut hasher = DefaultHasher::new();
        meta.name.hash(&mut hasher);
        if !self.names.insert(hasher.finish()) {
            self.tell("duplicate-names");
        }
        meta
    }

    /// Counts a path that leads out of the container.
    pub fn check_path(&mut self, raw: &[u8]) {
        if escapes(raw) {
            self.tell("path-escapes");
        }
    }

    /// Text that belongs to no member (a comment). What is not UTF-8 becomes a child `[comment]`, so that its encoding is found out.
    pub fn comment(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        let range = range.start..range.end.min(self.len());
        let Some(len) = range.end.checked_sub(range.start).and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0)
        else {
            return Ok(());
        };
        if len > TEXT_BATCH * 4 {
            return self.hand_over_range(ChildMeta::named(b"[comment]"), range);
        }
        let bytes = self.window.get(range.start, len)?;
        if bytes.iter().all(|&b| b == 0) {
            return self.container(range);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.hand_over_range(ChildMeta::named(b"[comment]"), range);
        };
        self.anchors.push((u32::try_from(self.text.len()).unwrap_or(u32::MAX), range.start));
        self.text.push_str(text);
        self.text.push('\n');
        self.label(range, Label::Inspected)?;
        if self.text.len() >= TEXT_BATCH { self.flush_text() } else { Ok(()) }
    }

    /// Text that was decoded out of a structure at `offset` (a link's target in compressed metadata); labels nothing. Says whether it was taken: what is
    /// not UTF-8 or holds control characters is not.
    pub fn decoded_text(&mut self, offset: u64, bytes: &[u8]) -> Result<bool, InspectError> {
        let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
        let text = match std::str::from_utf8(&bytes[..end]) {
            Ok(text) if !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) => text,
            _ => return Ok(false),
        };
        if !text.is_empty() {
            self.anchors.push((u32::try_from(self.text.len()).unwrap_or(u32::MAX), offset));
            self.text.push_str(text);
            self.text.push('\n');
        }
        if self.text.len() >= TEXT_BATCH {
            self.flush_text()?;
        }
        Ok(true)
    }

    fn flush_text(&mut self) -> Result<(), InspectError> {
        if self.text.is_empty() {
            return Ok(());
        }
        if !self.text_open {
            self.text_open = true;
            self.open_stream(TEXT_STREAM, EvidenceKind::Text)?;
        }
        let text = std::mem::take(&mut self.text);
        let map = ByteMap { encoding: TextEncoding::Utf8, anchors: std::mem::take(&mut self.anchors) };
        let batch = Batch::Text(TextBatch { text: text.into(), map });
        Ok(self.send(Message::Batch { stream: TEXT_STREAM, batch })?)
    }

    /// Counts something to be told at the end.
    pub fn tell(&mut self, code: &'static str) {
        self.told.entry(code).or_default().count += 1;
    }

    /// Counts something to be told at the end, with the first place it was met at.
    pub fn tell_at(&mut self, code: &'static str, offset: u64) {
        let told = self.told.entry(code).or_default();
        told.count += 1;
        told.offset.get_or_insert(offset);
    }

    /// As [`Container::tell_at`], with a number of bytes.
    pub fn tell_bytes(&mut self, code: &'static str, offset: u64, bytes: u64) {
        self.tell_at(code, offset);
        self.told.entry(code).or_default().bytes += bytes;
    }

    /// Sends what was kept back: slack, comments, notes. Gives back the result it is given unless that fails.
    pub fn finish(mut self, result: Result<(), InspectError>) -> Result<(), InspectError> {
        if self.stopped {
            return result;
        }
        self.flush_slack()?;
        self.flush_free()?;
        self.flush_inventory()?;
        if self.raw_open {
            self.send(Message::EvidenceEnd { stream: RAW_STREAM })?;
        }
        self.flush_text()?;
        if self.text_open {
            self.send(Message::EvidenceEnd { stream: TEXT_STREAM })?;
        }
        for (code, told) in std::mem::take(&mut self.told) {
            let mut note = Note::new(code).with("count", told.count);
            if let Some(offset) = told.offset {
                note = note.with("offset", offset);
            }
            if told.bytes > 0 {
                note = note.with("bytes", told.bytes);
            }
            self.send(Message::Note(note))?;
        }
        result
    }
}

/// What is sent by other means (a writer of records) while the container is open.
impl Inspection for Container<'_> {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        Container::send(self, message)
    }
}

/// Whether a path is absolute, has a drive letter or a `..` in it.
fn escapes(raw: &[u8]) -> bool {
    matches!(raw, [b'/' | b'\\', ..])
        || matches!(raw, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic())
        || raw.split(|&b| b == b'/' || b == b'\\').any(|part| part == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_are_told_apart() {
        for bad in [&b"../a"[..], b"/etc/passwd", b"a/../../b", b"C:\\x", b"a\\..\\b", b"\\\\host\\x", b".."] {
            assert!(escapes(bad), "{}", String::from_utf8_lossy(bad));
        }
        for good in [&b"a..b"[..], b"./a", b"a/b...", b"x:y", b""] {
            assert!(!escapes(good), "{}", String::from_utf8_lossy(good));
        }
    }
}
