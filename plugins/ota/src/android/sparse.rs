//! Android sparse images, version 1: chunks of raw blocks, of a repeated word, of nothing at all, and checksums.
//!
//! Source: AOSP system/core/libsparse, sparse_format.h.

use std::borrow::Cow;
use std::ops::Range;

use flate2::Crc;
use yumen_kit_container::window::num::{le16, le32};
use yumen_kit_container::window::sweep;
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Extent, Format, Identity, InspectError, Inspection, InventoryItem,
    Message, Probe, Stop,
};

/// Reads sparse images.
pub(crate) struct Sparse;

const FORMATS: &[Format] = &[Format {
    name: "android-sparse",
    title: "Android sparse image",
    media_type: "application/octet-stream",
    extensions: &["simg"],
    magic: "3A FF 26 ED, version 1, header lengths that fit",
    reference: "AOSP system/core/libsparse/sparse_format.h",
    evidence: "the image as one child; blocks that are not stored are holes",
    limitations: &["of an image split into several files each is read for itself"],
}];

const MAGIC: u32 = 0xed26_ff3a;
const HEADER_LEN: u64 = 28;
const CHUNK_LEN: u64 = 12;
/// Chunks read at most; real images have some thousand.
const MOST_CHUNKS: u32 = 4 << 20;
/// Bytes handed over at once.
const PIECE: usize = 256 << 10;
/// Zeros handed over at once, so that the engine can stop in between.
const ZEROS: u64 = 1 << 30;

struct Header {
    header_len: u64,
    chunk_len: u64,
    block: u64,
    blocks: u64,
    chunks: u32,
    checksum: u32,
}

impl Header {
    fn of(head: &[u8]) -> Option<Self> {
        let out = Header {
            header_len: u64::from(le16(head, 8)),
            chunk_len: u64::from(le16(head, 10)),
            block: u64::from(le32(head, 12)),
            blocks: u64::from(le32(head, 16)),
            chunks: le32(head, 20),
            checksum: le32(head, 24),
        };
        let sane = head.len() >= 28
            && le32(head, 0) == MAGIC
            && le16(head, 4) == 1
            && out.header_len >= HEADER_LEN
            && out.chunk_len >= CHUNK_LEN
            && out.block > 0
            && out.block.is_multiple_of(4);
        sane.then_some(out)
    }
}

#[derive(Clone, Debug)]
enum Chunk {
    Raw(Range<u64>),
    Fill([u8; 4], u64),
    Skip(u64),
    Sum(u32),
}

impl FormatReader for Sparse {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        Header::of(probe.head).map(|_| Identity::new("android-sparse", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader { to: Container::new(artifact, out), name: child_name(artifact.base_name()) };
        let result = reader.run();
        reader.to.finish(result)
    }
}

/// The name without its suffix.
pub(super) fn child_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => format!("{name}.raw"),
    }
}

struct Reader<'a> {
    to: Container<'a>,
    name: String,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let Some(header) = Header::of(self.to.window.get(0, 28)?) else {
            return Err(InspectError::corrupt(0, "not the header of a sparse image"));
        };
        let len = self.to.len();
        self.to.container(0..HEADER_LEN)?;
        self.to.padding(HEADER_LEN..header.header_len)?;
        let (chunks, end, whole) = self.chunks(&header)?;
        let blocks = |c: &Chunk| match c {
            Chunk::Raw(r) => r.end - r.start,
            Chunk::Fill(_, n) | Chunk::Skip(n) => *n,
            Chunk::Sum(_) => 0,
        };
        let total: u64 = chunks.iter().map(blocks).fold(0, u64::saturating_add);
        if whole && total != header.blocks.saturating_mul(header.block) {
            self.to.tell_at("corrupt", 16);
        }
        self.check(&chunks, &header)?;
        self.to.inventory(
            InventoryItem::new(kinds::FIRMWARE_IMAGE)
                .with("image_bytes", total)
                .with("block_size", vec![header.block.to_string()])
                .at(0, HEADER_LEN),
        );
        if chunks.iter().any(|c| matches!(c, Chunk::Fill(word, _) if *word != [0; 4])) {
            self.decode(&chunks, whole)?;
        } else {
            let extents = chunks
                .iter()
                .filter_map(|c| match c {
                    Chunk::Raw(r) => Some(Extent::of(r.clone())),
                    Chunk::Fill(_, n) | Chunk::Skip(n) => Some(Extent::Zero { len: *n }),
                    Chunk::Sum(_) => None,
                })
                .filter(|e| !e.is_empty())
                .collect();
            let meta = ChildMeta::named(self.name.as_bytes());
            self.to.hand_over(meta, extents)?;
        }
        self.to.residue(end..len, Place::After)
    }

    /// The chunks, the offset behind the last, and whether all of them are there.
    fn chunks(&mut self, header: &Header) -> Result<(Vec<Chunk>, u64, bool), InspectError> {
        let len = self.to.len();
        let mut at = header.header_len;
        let mut chunks = Vec::new();
        for _ in 0..header.chunks.min(MOST_CHUNKS) {
            let head = self.to.window.get(at, 12)?;
            let (kind, blocks, total) = (le16(head, 0), u64::from(le32(head, 4)), u64::from(le32(head, 8)));
            if head.len() < 12 {
                self.to.tell_at("truncated", at);
                return Ok((chunks, at, false));
            }
            let size = blocks.saturating_mul(header.block);
            let body = at + header.chunk_len;
            let data = total.saturating_sub(header.chunk_len);
            let word = self.to.window.get(body, 4)?;
            let word: [u8; 4] = word.try_into().unwrap_or_default();
            let chunk = match kind {
                0xcac1 if data == size => Chunk::Raw(body..body + size),
                0xcac2 if data == 4 => Chunk::Fill(word, size),
                0xcac3 if data == 0 => Chunk::Skip(size),
                0xcac4 if data == 4 && blocks == 0 => Chunk::Sum(u32::from_le_bytes(word)),
                _ => {
                    self.to.tell_at("corrupt", at);
                    return Ok((chunks, at, false));
                }
            };
            self.to.container(at..at + CHUNK_LEN)?;
            self.to.padding(at + CHUNK_LEN..body)?;
            let end = body + data;
            if end > len {
                self.to.tell_at("truncated", len);
                if let Chunk::Raw(_) = chunk {
                    chunks.push(Chunk::Raw(body.min(len)..len));
                    // What is missing stays a hole, so that the rest has its place.
                    chunks.push(Chunk::Skip(end - len));
                }
                return Ok((chunks, len, false));
            }
            if !matches!(chunk, Chunk::Raw(_)) {
                self.to.container(body..end)?;
            }
            chunks.push(chunk);
            at = end;
        }
        if header.chunks > MOST_CHUNKS {
            self.to.tell_at("limit", at);
            return Ok((chunks, at, false));
        }
        Ok((chunks, at, true))
    }

    /// Compares the checksums, which count skipped blocks as zeros or, as some tools have it, not at all.
    fn check(&mut self, chunks: &[Chunk], header: &Header) -> Result<(), InspectError> {
        if header.checksum == 0 && !chunks.iter().any(|c| matches!(c, Chunk::Sum(_))) {
            return Ok(());
        }
        let (mut zeros, mut without) = (Crc::new(), Crc::new());
        let mut bad = false;
        for chunk in chunks {
            match chunk {
                Chunk::Raw(range) => {
                    let mut crc = Crc::new();
                    sweep(self.to.blob, range.clone(), 0, |_, bytes| {
                        crc.update(bytes);
                        None::<()>
                    })?;
                    zeros.combine(&crc);
                    without.combine(&crc);
                }
                Chunk::Fill(word, n) => {
                    let crc = repeated(*word, *n);
                    zeros.combine(&crc);
                    without.combine(&crc);
                }
                Chunk::Skip(n) => zeros.combine(&repeated([0; 4], *n)),
                Chunk::Sum(sum) => bad |= *sum != 0 && *sum != zeros.sum() && *sum != without.sum(),
            }
        }
        bad |= header.checksum != 0 && header.checksum != zeros.sum() && header.checksum != without.sum();
        if bad {
            self.to.tell_at("checksum-mismatch", 24);
        }
        Ok(())
    }

    fn decode(&mut self, chunks: &[Chunk], whole: bool) -> Result<(), InspectError> {
        let encoded = chunks.iter().map(|c| if let Chunk::Raw(r) = c { r.end - r.start } else { 16 }).sum();
        let meta = ChildMeta { encoded: Some(encoded), ..ChildMeta::named(self.name.as_bytes()) };
        let mut open = self.to.send(Message::ChildStart { meta });
        for chunk in chunks {
            if open.is_ok() {
                open = self.chunk(chunk)?;
            }
            if let Chunk::Raw(range) = chunk {
                match open {
                    Ok(()) => self.to.container(range.clone())?,
                    Err(Stop::Child(reason)) => self.to.opaque(range.clone(), reason)?,
                    Err(stop) => return Err(stop.into()),
                }
            }
        }
        match open {
            Ok(()) => Ok(self.to.send(Message::ChildEnd { complete: whole })?),
            Err(Stop::Child(reason)) => self.to.opaque(0..HEADER_LEN, reason),
            Err(stop) => Err(stop.into()),
        }
    }

    /// Sends one chunk; the inner result is the engine's.
    fn chunk(&mut self, chunk: &Chunk) -> Result<Result<(), Stop>, InspectError> {
        match chunk {
            Chunk::Raw(range) => {
                let mut at = range.start;
                while at < range.end {
                    let end = range.end.min(at + PIECE as u64);
                    let bytes = self.to.blob.bytes(at..end).map_err(|e| InspectError::read(at, &e))?;
                    if let Err(stop) = self.to.send(Message::ChildBytes(Cow::Owned(bytes))) {
                        return Ok(Err(stop));
                    }
                    at = end;
                }
            }
            Chunk::Fill([0, 0, 0, 0], n) | Chunk::Skip(n) => {
                let mut left = *n;
                while left > 0 {
                    let step = left.min(ZEROS);
                    if let Err(stop) = self.to.send(Message::ChildZeros(step)) {
                        return Ok(Err(stop));
                    }
                    left -= step;
                }
            }
            Chunk::Fill(word, n) => {
                let piece = word.repeat(PIECE / 4);
                let mut left = *n;
                while left > 0 {
                    let step = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
                    if let Err(stop) = self.to.send(Message::ChildBytes(Cow::Borrowed(&piece[..step]))) {
                        return Ok(Err(stop));
                    }
                    left -= step as u64;
                }
            }
            Chunk::Sum(_) => {}
        }
        Ok(Ok(()))
    }
}

/// The CRC of a word over and over, `len` bytes in all, by doubling.
fn repeated(word: [u8; 4], len: u64) -> Crc {
    let mut power = Crc::new();
    power.update(&word);
    let mut out = Crc::new();
    let mut words = len / 4;
    while words > 0 {
        if words & 1 == 1 {
            out.combine(&power);
        }
        let mut twice = Crc::new();
        twice.combine(&power);
        twice.combine(&power);
        power = twice;
        words >>= 1;
    }
    out
}

#[cfg(test)]
mod tests;
