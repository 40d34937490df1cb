//! 7z: solid and plain blocks, every usual method, encrypted archives told.

mod block;
mod coders;
mod cursor;
mod header;
mod members;
mod streams;

use std::ops::Range;

use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, Message, Probe, Reason, Stop,
};

use crate::stream::codec::Fault;
use crate::xz::crc32;
use block::{Block, Outcome};
use cursor::Cursor;
use header::Header;
use members::members;
use streams::{Folder, Streams};
use yumen_kit_container::FormatReader;
use yumen_kit_container::{Container, Place};

/// Reads 7z.
pub(crate) struct SevenZip;

const FORMATS: &[Format] = &[Format {
    name: "7z",
    title: "7-Zip archive",
    media_type: "application/x-7z-compressed",
    extensions: &["7z", "cb7"],
    magic: "37 7A BC AF 27 1C at the start",
    reference: "7zFormat.txt of the LZMA SDK, https://www.7-zip.org/sdk.html",
    evidence: "the files as children",
    limitations: &[
        "encrypted blocks are not opened; with encrypted names nothing is",
        "volumes (.7z.001) are told, not joined",
        "Brotli, Lizard and LZ5 of 7-Zip's forks are not decoded",
        "dictionaries of more than 256 MiB are not decoded",
        "a cut archive has no list of its files: it is opaque",
        "lists of more than 64 MiB, or of more than 2,097,152 files, are not read",
    ],
}];

const MAGIC: [u8; 6] = [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C];
/// Length of the signature header.
const SIGNATURE: u64 = 32;
/// The longest list of files that is read, in bytes.
const MAX_HEADER: u64 = 64 << 20;
/// Encoded headers inside encoded headers.
const MAX_NESTING: usize = 4;

impl FormatReader for SevenZip {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        probe.head.starts_with(&MAGIC).then(|| Identity::new("7z", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut container = Container::new(artifact, out);
        let result = archive(&mut container, artifact);
        container.finish(result)
    }
}

/// Where the list of files lies, and how much of the archive it takes.
struct Located {
    /// The list, decoded.
    bytes: Vec<u8>,
    /// The stretches that hold it and its description.
    ranges: Vec<Range<u64>>,
}

fn archive(to: &mut Container<'_>, artifact: &Artifact) -> Result<(), InspectError> {
    let len = to.len();
    let located = match locate(to, artifact) {
        Ok(located) => located,
        Err(End::Failed(error)) => return Err(error),
        Err(End::Fault(fault)) => {
            to.tell_at(fault.note, SIGNATURE.min(len));
            to.container(0..SIGNATURE)?;
            return to.opaque(SIGNATURE..len, fault.reason);
        }
    };
    let Some(located) = located else {
        // An archive without files is its signature header alone.
        to.container(0..SIGNATURE)?;
        return to.residue(SIGNATURE..len, Place::After);
    };
    let header = match Header::parse(&located.bytes) {
        Ok(header) => header,
        Err(fault) => {
            to.tell(fault.note);
            to.container(0..SIGNATURE)?;
            return to.opaque(SIGNATURE..len, fault.reason);
        }
    };
    let mut taken = located.ranges;
    taken.push(0..SIGNATURE);
    for range in &taken {
        to.container(range.clone())?;
    }
    members(to, &header, &mut taken)?;
    if !header.unknown.is_empty() {
        unknown_properties(to, &header)?;
    }
    gaps(to, taken)
}

/// Why the list of files can't be had.
enum End {
    Fault(Fault),
    Failed(InspectError),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        End::Fault(fault)
    }
}

impl From<InspectError> for End {
    fn from(error: InspectError) -> Self {
        End::Failed(error)
    }
}

const ENCRYPTED: Fault = Fault { reason: Reason::Encrypted, note: "encrypted" };
const SPANNED: Fault = Fault { reason: Reason::Unsupported, note: "spanned" };

/// Finds the list of files and decodes it; none for an archive without files.
fn locate(to: &mut Container<'_>, artifact: &Artifact) -> Result<Option<Located>, End> {
    let len = to.len();
    let head = to.blob.bytes(0..SIGNATURE).map_err(|e| InspectError::read(0, &e))?;
    let Some(head) = head.first_chunk::<32>() else { return Err(Fault::TRUNCATED.into()) };
    let long = |at: usize| head[at..].first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
    let word = |at: usize| head[at..].first_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b));
    if crc32(&head[12..]) != word(8) {
        to.tell_at("checksum-mismatch", 8);
    }
    let (offset, size, crc) = (long(12), long(20), word(28));
    if size == 0 {
        return Ok(None);
    }
    let start = SIGNATURE.checked_add(offset).ok_or(Fault::CORRUPT)?;
    let end = start.checked_add(size).ok_or(Fault::CORRUPT)?;
    if end > len {
        // The first of several volumes ends like a file that is cut short; its name tells.
        let volume = artifact.extension();
        let is_volume = volume.len() >= 2 && volume.bytes().all(|b| b.is_ascii_digit());
        return Err(if is_volume { SPANNED } else { Fault::TRUNCATED }.into());
    }
    let mut ranges = Vec::with_capacity(2);
    ranges.push(start..end);
    let mut bytes = read(to, start..end)?;
    if crc32(&bytes) != crc {
        to.tell_at("checksum-mismatch", start);
    }
    for _ in 0..MAX_NESTING {
        match bytes.split_first() {
            Some((&header::ENCODED, description)) => {
                let streams = Streams::parse(&mut Cursor::new(description))?;
                let folder = streams.folders.first().ok_or(Fault::CORRUPT)?;
                let packs = streams.packs(folder, len)?;
                if folder.shape.is_encrypted() {
                    // What is not the list is encrypted as well, or can't be told from it.
                    to.container(start..end)?;
                    return Err(ENCRYPTED.into());
                }
                bytes = decode_list(to, folder, &packs)?;
                ranges.extend(packs);
            }
            Some(_) => return Ok(Some(Located { bytes, ranges })),
            None => return Err(Fault::CORRUPT.into()),
        }
    }
    Err(Fault::CORRUPT.into())
}

fn read(to: &Container<'_>, range: Range<u64>) -> Result<Vec<u8>, End> {
    let len = range.end - range.start;
    if len > MAX_HEADER {
        return Err(Fault::LIMIT.into());
    }
    let mut bytes = vec![0; usize::try_from(len).map_err(|_| Fault::LIMIT)?];
    to.blob.read_exact_at(range.start, &mut bytes).map_err(|e| InspectError::read(range.start, &e))?;
    Ok(bytes)
}

fn decode_list(to: &mut Container<'_>, folder: &Folder, packs: &[Range<u64>]) -> Result<Vec<u8>, End> {
    let size = folder.unpacked();
    if size > MAX_HEADER {
        return Err(Fault::LIMIT.into());
    }
    let mut block = Block::open(to.blob, folder, packs)?;
    let mut bytes = Vec::new();
    let outcome = block.copy(size, &mut |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    });
    match outcome {
        Outcome::Done => {}
        Outcome::Fault(fault) => return Err(fault.into()),
        Outcome::Stopped(stop) => return Err(End::Failed(stop.into())),
        Outcome::Failed(error) => return Err(End::Failed(error)),
    }
    if folder.crc.is_some_and(|crc| crc != crc32(&bytes)) {
        to.tell_at("checksum-mismatch", packs.first().map_or(0, |p| p.start));
    }
    Ok(bytes)
}

/// Properties that no reader knows may hold anything: they are a child.
fn unknown_properties(to: &mut Container<'_>, header: &Header<'_>) -> Result<(), InspectError> {
    to.tell("gap-data");
    let send = |to: &mut Container<'_>| -> Result<(), Stop> {
        to.send(Message::ChildStart { meta: ChildMeta::named(b"[header]") })?;
        for piece in &header.unknown {
            for part in piece.chunks(1 << 20) {
                to.send(Message::ChildBytes(part.into()))?;
            }
        }
        to.send(Message::ChildEnd { complete: true })
    };
    match send(to) {
        Ok(()) => Ok(()),
        Err(Stop::Child(_)) => {
            to.tell("limit");
            Ok(())
        }
        Err(stop) => Err(stop.into()),
    }
}

/// What lies between the stretches that were read.
fn gaps(to: &mut Container<'_>, mut taken: Vec<Range<u64>>) -> Result<(), InspectError> {
    taken.sort_unstable_by_key(|r| (r.start, r.end));
    let mut at = 0;
    for range in taken {
        if range.start > at {
            to.residue(at..range.start, Place::Between)?;
        }
        at = at.max(range.end);
    }
    to.residue(at..to.len(), Place::After)
}

#[cfg(test)]
mod tests;
