//! Names and comments in stream headers, as text evidence.

use std::borrow::Cow;

use yumen_model::{
    Artifact, Batch, ByteMap, EvidenceHeader, EvidenceKind, Inspection, InspectionExt, Message, Stop, TextBatch,
    TextEncoding,
};

/// Most bytes of header text that are kept.
const MAX_BYTES: usize = 256 << 10;
/// Most pieces of header text that are kept.
const MAX_PIECES: usize = 4096;

/// Pieces of header text with their offsets.
#[derive(Default)]
pub(super) struct HeaderText {
    pieces: Vec<(u64, Vec<u8>)>,
    bytes: usize,
}

impl HeaderText {
    /// Keeps a piece; false when there is too much.
    pub(super) fn add(&mut self, offset: u64, piece: &[u8]) -> bool {
        if piece.is_empty() {
            return true;
        }
        self.bytes += piece.len();
        if self.bytes > MAX_BYTES || self.pieces.len() >= MAX_PIECES {
            return false;
        }
        self.pieces.push((offset, piece.to_vec()));
        true
    }

    /// Sends what was kept as one stream, a line a piece.
    pub(super) fn send(self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), Stop> {
        if self.pieces.is_empty() {
            return Ok(());
        }
        out.send(Message::Evidence(EvidenceHeader {
            stream: 0,
            kind: EvidenceKind::Text,
            format: artifact.format.into(),
            name: artifact.name.clone(),
            properties: [("part".to_owned(), "header".into())].into(),
        }))?;
        for (offset, bytes) in self.pieces {
            let (mut text, encoding) = match String::from_utf8(bytes) {
                Ok(text) => (text, TextEncoding::Utf8),
                // RFC 1952 says ISO 8859-1.
                Err(e) => (e.as_bytes().iter().map(|&b| char::from(b)).collect(), TextEncoding::SingleByte),
            };
            let len = if encoding == TextEncoding::Utf8 { text.len() } else { text.chars().count() };
            text.push('\n');
            let map = ByteMap { encoding, anchors: vec![(0, offset)] };
            out.inspected(offset..offset + len as u64)?;
            out.batch(0, Batch::Text(TextBatch { text: Cow::Owned(text), map }))?;
        }
        out.send(Message::EvidenceEnd { stream: 0 })
    }
}
