//! What every reader of a container with members does alike: hand over children, label bytes, keep what lies between members, and tell notes with counts.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use yumen_model::{
    Artifact, Batch, Blob, ByteMap, ChildMeta, EvidenceHeader, EvidenceKind, Extent, InspectError, Inspection, Label,
    Message, Note, Reason, Stop, TextBatch, TextEncoding,
};

use crate::window::{Window, first_nonzero};

/// Text is sent on once this much has gathered.
const TEXT_BATCH: usize = 64 << 10;
/// Pieces of padding that are not zero are handed over as one child of at most this many pieces.
const SLACK_PIECES: usize = 4096;

/// Where data lies that belongs to no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
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
pub(crate) struct Container<'a> {
    /// The artifact's bytes.
    pub(crate) blob: &'a Blob,
    /// For reading structures.
    pub(crate) window: Window<'a>,
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
}

impl<'a> Container<'a> {
    /// Begins to open an artifact.
    pub(crate) fn new(artifact: &'a Artifact, out: &'a mut dyn Inspection) -> Self {
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
        }
    }

    /// Length of the artifact.
    pub(crate) fn len(&self) -> u64 {
        self.blob.len()
    }

    /// Sends a message; [`Stop::Child`] stays for the caller to handle.
    pub(crate) fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        let result = self.out.send(message);
        if matches!(result, Err(Stop::All(_))) {
            self.stopped = true;
        }
        result
    }

    /// Labels bytes.
    pub(crate) fn label(&mut self, range: Range<u64>, label: Label) -> Result<(), InspectError> {
        let range = range.start..range.end.min(self.len());
        if range.start < range.end {
            self.send(Message::Label { range, label })?;
        }
        Ok(())
    }

    /// Labels bytes as structure, zero padding or fully decoded.
    pub(crate) fn container(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        self.label(range, Label::Container)
    }

    /// Labels bytes as not looked into.
    pub(crate) fn opaque(&mut self, range: Range<u64>, reason: Reason) -> Result<(), InspectError> {
        self.label(range, Label::Opaque(reason))
    }

    /// Hands over a child that is made of pieces of the artifact. When the engine does not take it, its bytes are opaque.
    pub(crate) fn hand_over(&mut self, meta: ChildMeta, extents: Vec<Extent>) -> Result<(), InspectError> {
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
    pub(crate) fn hand_over_range(&mut self, meta: ChildMeta, range: Range<u64>) -> Result<(), InspectError> {
        let range = range.start.min(self.len())..range.end.min(self.len());
        self.hand_over(meta, vec![Extent::of(range)])
    }

    /// Bytes that should be zero padding: labelled so, or kept for the child `[slack]`.
    pub(crate) fn padding(&mut self, range: Range<u64>) -> Result<(), InspectError> {
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

    /// Keeps bytes for the child `[slack]`.
    pub(crate) fn slack(&mut self, range: Range<u64>) -> Result<(), InspectError> {
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

    /// Bytes that belong to no member: zero padding, or a child `[before]`, `[gap-n]`, `[after]`.
    pub(crate) fn residue(&mut self, range: Range<u64>, place: Place) -> Result<(), InspectError> {
        let range = range.start..range.end.min(self.len());
        if range.start >= range.end {
            return Ok(());
        }
        if first_nonzero(self.blob, range.clone())?.is_none() {
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
    pub(crate) fn child(&mut self, raw: &[u8]) -> ChildMeta {
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
    pub(crate) fn check_path(&mut self, raw: &[u8]) {
        if escapes(raw) {
            self.tell("path-escapes");
        }
    }

    /// Text that belongs to no member (a comment). What is not UTF-8 becomes a child `[comment]`, so that its encoding is found out.
    pub(crate) fn comment(&mut self, range: Range<u64>) -> Result<(), InspectError> {
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

    fn flush_text(&mut self) -> Result<(), InspectError> {
        if self.text.is_empty() {
            return Ok(());
        }
        if !self.text_open {
            self.text_open = true;
            let header = EvidenceHeader {
                stream: 0,
                kind: EvidenceKind::Text,
                format: self.artifact.format.into(),
                name: self.artifact.name.clone(),
                properties: BTreeMap::new(),
            };
            self.send(Message::Evidence(header))?;
        }
        let text = std::mem::take(&mut self.text);
        let map = ByteMap { encoding: TextEncoding::Utf8, anchors: std::mem::take(&mut self.anchors) };
        let batch = Batch::Text(TextBatch { text: text.into(), map });
        Ok(self.send(Message::Batch { stream: 0, batch })?)
    }

    /// Counts something to be told at the end.
    pub(crate) fn tell(&mut self, code: &'static str) {
        self.told.entry(code).or_default().count += 1;
    }

    /// Counts something to be told at the end, with the first place it was met at.
    pub(crate) fn tell_at(&mut self, code: &'static str, offset: u64) {
        let told = self.told.entry(code).or_default();
        told.count += 1;
        told.offset.get_or_insert(offset);
    }

    /// As [`Container::tell_at`], with a number of bytes.
    pub(crate) fn tell_bytes(&mut self, code: &'static str, offset: u64, bytes: u64) {
        self.tell_at(code, offset);
        self.told.entry(code).or_default().bytes += bytes;
    }

    /// Sends what was kept back: slack, comments, notes. Gives back the result it is given unless that fails.
    pub(crate) fn finish(mut self, result: Result<(), InspectError>) -> Result<(), InspectError> {
        if self.stopped {
            return result;
        }
        self.flush_slack()?;
        self.flush_text()?;
        if self.text_open {
            self.send(Message::EvidenceEnd { stream: 0 })?;
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
