//! From decoded pieces to messages: labels for every byte, binary stretches, text batches.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use yumen_model::{
    Artifact, Batch, Blob, ByteMap, EvidenceHeader, EvidenceKind, InspectError, Inspection, InspectionExt, Message,
    Note, RawBatch, Reason, TextBatch,
};

use crate::classify::Stretch;
use crate::decode::Decoder;
use crate::detect::{Detection, detect};

/// Number of the stream that text goes into.
pub(crate) const TEXT_STREAM: u32 = 0;
/// Number of the stream that binary stretches go into.
const RAW_STREAM: u32 = 9;
/// Largest raw batch, in bytes.
const RAW_PIECE: u64 = 1 << 20;

/// Labels the bytes of a text and sends its binary stretches on.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    raw_open: bool,
    binary: u64,
}

impl Accounts {
    /// Accounts for a decoded piece.
    pub(crate) fn piece(
        &mut self,
        artifact: &Artifact,
        range: Range<u64>,
        binary: &[Stretch],
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        let mut at = range.start;
        for stretch in binary {
            out.inspected(at..stretch.range.start.max(at))?;
            at = stretch.range.end;
            self.binary += stretch.range.end - stretch.range.start;
            if stretch.zeros {
                out.container(stretch.range.clone())?;
            } else {
                out.opaque(stretch.range.clone(), Reason::UnknownFormat)?;
                self.raw(artifact, stretch.range.clone(), out)?;
            }
        }
        out.inspected(at..range.end.max(at))?;
        Ok(())
    }

    fn raw(&mut self, artifact: &Artifact, range: Range<u64>, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if !self.raw_open {
            self.raw_open = true;
            out.send(Message::Evidence(header(artifact, RAW_STREAM, EvidenceKind::Raw)))?;
        }
        let mut at = range.start;
        while at < range.end {
            let to = range.end.min(at + RAW_PIECE);
            let bytes = read(&artifact.blob, at..to)?;
            out.batch(RAW_STREAM, Batch::Raw(RawBatch { offset: at, bytes: Cow::Borrowed(&bytes) }))?;
            at = to;
        }
        Ok(())
    }

    /// Ends the raw stream and tells what was odd.
    pub(crate) fn finish(&mut self, decoder: &Decoder, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if std::mem::take(&mut self.raw_open) {
            out.send(Message::EvidenceEnd { stream: RAW_STREAM })?;
        }
        if self.binary > 0 {
            out.note(Note::new("not-text-throughout").with("bytes", self.binary))?;
        }
        if decoder.mixed() || decoder.malformed() > 0 {
            out.note(Note::new("mixed-encoding").with("malformed", decoder.malformed()))?;
        }
        Ok(())
    }
}

fn read(blob: &Blob, range: Range<u64>) -> Result<Vec<u8>, InspectError> {
    blob.bytes(range.clone()).map_err(|e| InspectError::read(range.start, &e))
}

/// A header of a stream of this artifact.
pub(crate) fn header(artifact: &Artifact, stream: u32, kind: EvidenceKind) -> EvidenceHeader {
    EvidenceHeader {
        stream,
        kind,
        format: Cow::Borrowed(artifact.format),
        name: artifact.name.clone(),
        properties: BTreeMap::new(),
    }
}

/// A stream of text under way.
#[derive(Debug)]
pub struct TextStream(());

impl TextStream {
    /// Opens a text stream whose first character stands in `line` (from 1), at `column` (from 1). Where they are not 1 and 1 the header's properties
    /// `first_line` and `first_column` tell them.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn open(artifact: &Artifact, line: u64, column: u32, out: &mut dyn Inspection) -> Result<Self, InspectError> {
        let mut header = header(artifact, TEXT_STREAM, EvidenceKind::Text);
        if (line, column) != (1, 1) {
            header.properties.insert("first_line".to_owned(), line.into());
            header.properties.insert("first_column".to_owned(), column.into());
        }
        out.send(Message::Evidence(header))?;
        Ok(TextStream(()))
    }

    /// Sends a piece; an empty one is left out.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn send(&mut self, text: &str, map: ByteMap, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if !text.is_empty() {
            out.batch(TEXT_STREAM, Batch::Text(TextBatch { text: Cow::Borrowed(text), map }))?;
        }
        Ok(())
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn close(self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        Ok(out.send(Message::EvidenceEnd { stream: TEXT_STREAM })?)
    }
}

/// Reads a whole artifact as one stream of text: every byte is labelled, binary stretches are sent apart.
///
/// # Errors
/// A read failed, or the engine takes no more.
pub fn send_text(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    send_text_by(artifact, crate::decode::CHUNK, out)
}

fn send_text_by(artifact: &Artifact, chunk: usize, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let detection = detect(&artifact.blob).map_err(|e| InspectError::read(0, &e))?.unwrap_or(Detection::UTF8);
    let mut decoder = Decoder::with_chunk(&artifact.blob, detection, chunk);
    let mut accounts = Accounts::default();
    let mut stream = TextStream::open(artifact, 1, 1, out)?;
    let mut at = 0;
    while let Some(chunk) = decoder.next_chunk().map_err(|e| InspectError::read(at, &e))? {
        at = chunk.range.end;
        accounts.piece(artifact, chunk.range, chunk.binary, out)?;
        stream.send(chunk.text, chunk.map, out)?;
    }
    stream.close(out)?;
    accounts.finish(&decoder, out)
}
