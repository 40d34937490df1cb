//! What compressed streams share: a format reads its own headers and trailers through [`Run::input`] and lets [`Run::decode`]
//! carry the encoded bytes through a [`Codec`] into the one child. Memory is constant: a window of input, a buffer of output, and
//! the codec's own dictionary.

pub(crate) mod codec;
pub(crate) mod input;
mod names;
pub(crate) mod skippable;
mod text;

use yumen_model::{Artifact, Blob, ChildMeta, Extent, InspectError, Inspection, InspectionExt, Note, Reason, Stop};

use codec::{Codec, Fault, State};
use input::Input;
use text::HeaderText;

/// Bytes of output that are handed over at once.
pub(crate) const OUTPUT: usize = 256 << 10;

/// The largest dictionary (LZMA, LZMA2) that is decoded, in bytes; a stream that asks for more is opaque (`limit`). 7-Zip's strongest
/// preset takes 256 MiB. The window grows with the data, so a small stream costs little whatever it asks for.
pub(crate) const MAX_DICTIONARY: u64 = 256 << 20;

/// Pieces outside the main stream (skippable frames, extra fields) that are handed over as children of their own.
const MAX_ASIDE: usize = 1024;

/// Opaque stretches between decoded ones that are told apart.
const MAX_OPAQUE: usize = 4096;

/// Why decoding ended before the end of the data.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The stream is broken, cut short or not supported: the rest is opaque.
    Fault(Fault),
    /// The engine takes no more of the child: the rest is opaque with its reason.
    Stopped(Reason),
    /// The artifact ends here.
    Failed(InspectError),
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Halt::Fault(fault)
    }
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Child(reason) => Halt::Stopped(reason),
            Stop::All(_) => Halt::Failed(stop.into()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Child {
    NotYet,
    Open,
    /// Closed by the engine.
    Stopped,
}

/// One compressed stream on its way into its child.
pub(crate) struct Run<'a> {
    /// The encoded bytes.
    pub(crate) input: Input,
    out: &'a mut dyn Inspection,
    artifact: &'a Artifact,
    output: Vec<u8>,
    child: Child,
    /// Everything before this offset is decoded and delivered.
    settled: u64,
    /// Bytes delivered so far.
    pub(crate) delivered: u64,
    mismatches: u64,
    first_mismatch: u64,
    text: HeaderText,
    aside: Vec<(String, Vec<Extent>)>,
    aside_pieces: usize,
    /// What must not be labelled container: broken or unread stretches between good ones.
    opaque: Vec<(std::ops::Range<u64>, Reason)>,
    notes: Vec<Note>,
    incomplete: bool,
}

impl<'a> Run<'a> {
    /// Begins at the first byte of an artifact.
    pub(crate) fn new(artifact: &'a Artifact, out: &'a mut dyn Inspection) -> Self {
        Run {
            input: Input::new(artifact.blob.clone()),
            out,
            artifact,
            output: vec![0; OUTPUT],
            child: Child::NotYet,
            settled: 0,
            delivered: 0,
            mismatches: 0,
            first_mismatch: 0,
            text: HeaderText::default(),
            aside: Vec::new(),
            aside_pieces: 0,
            opaque: Vec::new(),
            notes: Vec::new(),
            incomplete: false,
        }
    }

    /// The artifact's bytes.
    pub(crate) fn blob(&self) -> &Blob {
        &self.artifact.blob
    }

    /// Says that a part of the stream was stepped over.
    pub(crate) fn incomplete(&mut self) {
        self.incomplete = true;
    }

    /// The name of the child.
    pub(crate) fn child_name(&self) -> String {
        names::decoded(self.artifact.base_name())
    }

    /// Opens the child, unless it is open.
    pub(crate) fn open(&mut self) -> Result<(), Halt> {
        if self.child != Child::NotYet {
            return Ok(());
        }
        let meta =
            ChildMeta { name: self.child_name(), encoded: Some(self.artifact.blob.len()), ..ChildMeta::default() };
        match self.out.child_start(meta) {
            Ok(()) => {
                self.child = Child::Open;
                Ok(())
            }
            Err(stop) => {
                self.child = Child::Stopped;
                Err(stop.into())
            }
        }
    }

    /// Says that everything up to the current position is decoded or read as structure.
    pub(crate) fn settle(&mut self) {
        self.settled = self.input.position();
    }

    /// The offset up to which everything is decoded.
    pub(crate) fn settled(&self) -> u64 {
        self.settled
    }

    /// Decodes until the codec ends. `seen` is shown the output (for checksums).
    pub(crate) fn decode(&mut self, codec: &mut dyn Codec, seen: &mut dyn FnMut(&[u8])) -> Result<(), Halt> {
        self.open()?;
        let mut stalled = false;
        loop {
            let last = self.input.is_last();
            let window = self.input.fill()?;
            let empty = window.is_empty();
            let last = last || empty || self.input.is_last();
            let step = codec.step(self.input.window(), &mut self.output, last);
            self.input.consume(step.consumed);
            if step.produced > 0 {
                let bytes = &self.output[..step.produced.min(OUTPUT)];
                seen(bytes);
                if let Err(stop) = self.out.child_bytes(bytes) {
                    self.child = Child::Stopped;
                    return Err(stop.into());
                }
                self.delivered += step.produced as u64;
            }
            match step.state {
                State::End => {
                    self.input.unread(codec.unused())?;
                    self.settle();
                    return Ok(());
                }
                State::Fault(fault) => {
                    self.advance(codec.pending());
                    return Err(fault.into());
                }
                State::More => {}
            }
            self.advance(codec.pending());
            if step.consumed > 0 || step.produced > 0 {
                stalled = false;
            } else if empty {
                return Err(Fault::TRUNCATED.into());
            } else if std::mem::replace(&mut stalled, true) {
                // A codec that takes nothing and gives nothing twice would do so for ever.
                return Err(Fault::CORRUPT.into());
            }
        }
    }

    fn advance(&mut self, pending: u64) {
        self.settled = self.settled.max(self.input.position().saturating_sub(pending));
    }

    /// Delivers bytes that were decoded without a codec.
    pub(crate) fn deliver(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        self.open()?;
        for piece in bytes.chunks(1 << 20) {
            if let Err(stop) = self.out.child_bytes(piece) {
                self.child = Child::Stopped;
                return Err(stop.into());
            }
            self.delivered += piece.len() as u64;
        }
        Ok(())
    }

    /// Counts a stored checksum or length at `offset` that does not match.
    pub(crate) fn mismatch(&mut self, offset: u64) {
        if self.mismatches == 0 {
            self.first_mismatch = offset;
        }
        self.mismatches += 1;
    }

    /// Keeps a name or comment of a header: it becomes text evidence.
    pub(crate) fn header_text(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        if !self.text.add(offset, bytes) {
            self.skip(offset..end, Reason::Limit);
        }
    }

    /// Sets a stretch of the artifact aside that is not part of the stream: a child of its own, after the stream. Pieces of one name are
    /// one child.
    pub(crate) fn set_aside(&mut self, name: &str, range: std::ops::Range<u64>) {
        if range.is_empty() {
            return;
        }
        self.aside_pieces += 1;
        if self.aside_pieces > MAX_ASIDE {
            self.skip(range, Reason::Limit);
            return;
        }
        match self.aside.iter_mut().find(|(n, _)| n == name) {
            Some((_, extents)) => extents.push(Extent::of(range)),
            None => self.aside.push((name.to_owned(), vec![Extent::of(range)])),
        }
    }

    /// Marks a stretch as opaque though what follows it is decoded. Where there are too many of them, what lies between is opaque, too.
    pub(crate) fn skip(&mut self, range: std::ops::Range<u64>, reason: Reason) {
        let many = self.opaque.len() >= MAX_OPAQUE;
        match self.opaque.last_mut() {
            Some((last, r)) if many || *r == reason && last.end == range.start => last.end = last.end.max(range.end),
            _ => self.opaque.push((range, reason)),
        }
    }

    /// Tells something of the artifact, once the child is closed. A code is told once.
    pub(crate) fn note(&mut self, note: Note) {
        if !self.notes.iter().any(|n| n.code == note.code) {
            self.notes.push(note);
        }
    }

    /// Closes the child, labels every byte, and hands over what lies behind the stream.
    pub(crate) fn finish(mut self, end: &Result<(), Halt>) -> Result<(), InspectError> {
        let len = self.artifact.blob.len();
        if let Err(Halt::Failed(error)) = end {
            // After a read error the engine still listens; after a full stop it does not, and this message is the one that says so.
            let stopped = error.offset.is_none();
            if !stopped {
                if self.child == Child::Open
                    && let Err(stop @ Stop::All(_)) = self.out.child_end(false)
                {
                    return Err(stop.into());
                }
                self.out.container(0..self.settled)?;
            }
            return Err(*error);
        }
        let mut settled = self.settled;
        if self.child == Child::Open {
            match self.out.child_end(end.is_ok() && !self.incomplete) {
                Ok(()) => {}
                Err(Stop::Child(_)) => self.note(Note::new("limit")),
                Err(stop) => return Err(stop.into()),
            }
        }
        self.flush_text()?;
        match end {
            Ok(()) => settled = self.behind(settled)?,
            Err(Halt::Stopped(reason)) => {
                self.out.opaque(settled..len, *reason)?;
                self.note(Note::new("limit").with("offset", settled));
            }
            Err(Halt::Fault(fault)) => {
                self.out.opaque(settled..len, fault.reason)?;
                self.note(Note::new(fault.note).with("offset", settled));
            }
            Err(Halt::Failed(error)) => return Err(*error),
        }
        self.out.container(0..settled)?;
        for (range, reason) in std::mem::take(&mut self.opaque) {
            self.out.opaque(range, reason)?;
        }
        for (name, extents) in std::mem::take(&mut self.aside) {
            self.extents_child(&name, extents)?;
        }
        if self.mismatches > 0 {
            let note =
                Note::new("checksum-mismatch").with("offset", self.first_mismatch).with("count", self.mismatches);
            self.out.note(note)?;
        }
        for note in std::mem::take(&mut self.notes) {
            self.out.note(note)?;
        }
        Ok(())
    }

    /// Looks at what follows the stream: zeros are padding, anything else becomes the child `[after]`. Returns the end of the padding.
    fn behind(&mut self, from: u64) -> Result<u64, InspectError> {
        let blob = &self.artifact.blob;
        let len = blob.len();
        let first = first_nonzero(blob, from)?;
        if let Some(at) = first {
            self.note(Note::new("gap-data").with("offset", at).with("bytes", len - at));
            self.extents_child("[after]", vec![Extent::of(at..len)])?;
        }
        Ok(first.unwrap_or(len))
    }

    fn extents_child(&mut self, name: &str, extents: Vec<Extent>) -> Result<(), InspectError> {
        let meta = ChildMeta { name: name.to_owned(), ..ChildMeta::default() };
        let pieces = extents.clone();
        match self.out.send(yumen_model::Message::ChildExtents { meta, extents }) {
            Ok(()) => Ok(()),
            Err(Stop::Child(reason)) => {
                for piece in pieces {
                    if let Extent::Data { offset, len } = piece {
                        self.out.opaque(offset..offset + len, reason)?;
                    }
                }
                Ok(())
            }
            Err(stop) => Err(stop.into()),
        }
    }

    fn flush_text(&mut self) -> Result<(), InspectError> {
        std::mem::take(&mut self.text).send(self.artifact, self.out)?;
        Ok(())
    }
}

/// The offset of the first byte from `from` on that is not zero.
pub(crate) fn first_nonzero(blob: &Blob, from: u64) -> Result<Option<u64>, InspectError> {
    let mut buffer = vec![0; 64 << 10];
    let mut at = from;
    while at < blob.len() {
        let n = blob.read_at(at, &mut buffer).map_err(|e| InspectError::read(at, &e))?;
        if n == 0 {
            break;
        }
        if let Some(i) = buffer[..n].iter().position(|&b| b != 0) {
            return Ok(Some(at + i as u64));
        }
        at += n as u64;
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
