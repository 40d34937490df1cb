//! The files of an archive, block by block.

use std::ops::Range;

use yumen_model::{ChildMeta, Extent, InspectError, Message, Stop};

use super::ENCRYPTED;
use super::block::{Block, Outcome};
use super::header::{Entry, Header};
use super::streams::{Folder, Substream};
use crate::stream::codec::Fault;
use yumen_kit_container::window::{CHECKED_STORED, crc_of};
use yumen_kit_container::{Container, Place};

/// Hands over every file, block by block.
pub(super) fn members(
    to: &mut Container<'_>,
    header: &Header<'_>,
    taken: &mut Vec<Range<u64>>,
) -> Result<(), InspectError> {
    let mut files = Files { entries: header.entries(), substreams: header.streams.substreams.iter(), left: 0 };
    for folder in &header.streams.folders {
        files.left = folder.substreams;
        match header.streams.packs(folder, to.len()) {
            Ok(packs) => {
                taken.extend(packs.iter().cloned());
                block_members(to, folder, &packs, &mut files)?;
            }
            // The streams of this block and of those behind it lie outside the archive.
            Err(fault) => to.tell(fault.note),
        }
        // What a block did not come to has its turn, so that the next block meets its own files.
        while files.next(to)?.is_some() {}
    }
    // Entries behind the last block: folders, empty files, marks of deletion.
    while files.next_entry(to)?.is_some() {
        to.tell("bad-entry");
    }
    Ok(())
}

/// The files that have data, in the order of the blocks.
struct Files<'f, I> {
    entries: I,
    substreams: std::slice::Iter<'f, Substream>,
    /// Files of the current block that are still to come.
    left: usize,
}

/// A file of a block: its entry (none when the list is too short), length and checksum.
type File<'h> = (Option<Entry<'h>>, u64, Option<u32>);

impl<'h, I: Iterator<Item = Entry<'h>>> Files<'_, I> {
    /// The next file of the current block.
    fn next(&mut self, to: &mut Container<'_>) -> Result<Option<File<'h>>, InspectError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let Some(sub) = self.substreams.next() else { return Ok(None) };
        Ok(Some((self.next_entry(to)?, sub.size, sub.crc)))
    }

    /// Goes to the next entry that has data; those without are dealt with on the way.
    fn next_entry(&mut self, to: &mut Container<'_>) -> Result<Option<Entry<'h>>, InspectError> {
        for entry in self.entries.by_ref() {
            if entry.has_data {
                return Ok(Some(entry));
            }
            if entry.is_anti {
                continue;
            }
            if entry.is_directory {
                to.check_path(entry.name().as_bytes());
                to.tell("directory-entries");
                continue;
            }
            let meta = child_meta(to, &entry);
            to.hand_over(meta, Vec::new())?;
        }
        Ok(None)
    }
}

fn child_meta(to: &mut Container<'_>, entry: &Entry<'_>) -> ChildMeta {
    let mut meta = to.child(entry.name().as_bytes());
    if let Some(mode) = entry.unix_mode() {
        meta.attributes.insert("mode".to_owned(), mode.into());
    }
    if let Some(time) = entry.modified() {
        meta.attributes.insert("mtime".to_owned(), time.into());
    }
    meta
}

fn block_members<'h>(
    to: &mut Container<'_>,
    folder: &Folder,
    packs: &[Range<u64>],
    files: &mut Files<'_, impl Iterator<Item = Entry<'h>>>,
) -> Result<(), InspectError> {
    if folder.shape.is_encrypted() {
        return sealed(to, packs, files, ENCRYPTED);
    }
    // A block that is only stored: files are pieces of the archive.
    if folder.shape.is_stored()
        && let [pack] = packs
    {
        let mut at = pack.start;
        while let Some((entry, size, crc)) = files.next(to)? {
            let meta = named(to, entry.as_ref());
            let end = at.saturating_add(size).min(pack.end);
            if let Some(stated) = crc
                && end - at == size
                && size <= CHECKED_STORED
                && crc_of(to.blob, at..end)? != stated
            {
                to.tell_at("checksum-mismatch", at);
            }
            to.hand_over_range(meta, at..end)?;
            at = end;
        }
        return to.residue(at..pack.end, Place::Between);
    }
    let mut block = match Block::open(to.blob, folder, packs) {
        Ok(block) => block,
        Err(fault) => return sealed(to, packs, files, fault),
    };
    let packed: u64 = packs.iter().map(|p| p.end - p.start).sum();
    let whole = folder.unpacked().max(1);
    let mut failed = None;
    while let Some((entry, size, crc)) = files.next(to)? {
        let mut meta = named(to, entry.as_ref());
        // A file's share of a solid block, for the ratio.
        let share = u128::from(packed) * u128::from(size) / u128::from(whole);
        meta.encoded = Some(u64::try_from(share).unwrap_or(u64::MAX).clamp(1, packed.max(1)));
        let before = block.settled();
        let taking = match to.send(Message::ChildStart { meta }) {
            Ok(()) => None,
            Err(Stop::Child(reason)) => Some(reason),
            Err(stop) => return Err(stop.into()),
        };
        let outcome = match taking {
            None => deliver(to, &mut block, size, crc)?,
            Some(reason) => Outcome::Stopped(Stop::Child(reason)),
        };
        match outcome {
            Outcome::Done => {}
            Outcome::Stopped(Stop::Child(reason)) => {
                // The next file begins behind this one: the rest of it is decoded and dropped.
                let fault = block.skip_member();
                to.opaque(before..block.reached(), reason)?;
                to.tell("limit");
                failed = fault;
            }
            Outcome::Stopped(stop) => return Err(stop.into()),
            Outcome::Fault(fault) => failed = Some(fault),
            Outcome::Failed(error) => return Err(error),
        }
        if failed.is_some() {
            break;
        }
    }
    finish_block(to, block, packs, failed)
}

/// Sends one file of a block into its open child.
fn deliver(
    to: &mut Container<'_>,
    block: &mut Block<'_>,
    size: u64,
    crc: Option<u32>,
) -> Result<Outcome, InspectError> {
    let mut sum = flate2::Crc::new();
    let outcome = block.copy(size, &mut |piece| {
        sum.update(piece);
        to.send(Message::ChildBytes(piece.into()))
    });
    match &outcome {
        Outcome::Done => {
            if crc.is_some_and(|c| c != sum.sum()) {
                to.tell("checksum-mismatch");
            }
            match to.send(Message::ChildEnd { complete: true }) {
                Ok(()) | Err(Stop::Child(_)) => {}
                Err(stop) => return Err(stop.into()),
            }
        }
        Outcome::Fault(_) | Outcome::Failed(_) => match to.send(Message::ChildEnd { complete: false }) {
            Ok(()) | Err(Stop::Child(_)) => {}
            Err(stop) => return Err(stop.into()),
        },
        Outcome::Stopped(_) => {}
    }
    Ok(outcome)
}

/// Labels a block's encoded bytes once its files are out.
fn finish_block(
    to: &mut Container<'_>,
    mut block: Block<'_>,
    packs: &[Range<u64>],
    failed: Option<Fault>,
) -> Result<(), InspectError> {
    let fault = failed.or_else(|| block.end());
    let Some(fault) = fault else {
        for pack in packs {
            to.container(pack.clone())?;
        }
        let left = block.left_over();
        return if left.is_empty() { Ok(()) } else { to.residue(left, Place::Between) };
    };
    to.tell_at(fault.note, block.settled());
    match packs {
        [pack] => {
            let settled = block.settled().clamp(pack.start, pack.end);
            to.container(pack.start..settled)?;
            to.opaque(settled..pack.end, fault.reason)
        }
        // Of several interleaved streams no single offset tells how far decoding came.
        _ => packs.iter().try_for_each(|p| to.opaque(p.clone(), fault.reason)),
    }
}

/// A block that is not decoded: its files are named. A single one is handed over as it is stored; several share the encoded bytes, which stay
/// with the archive.
fn sealed<'h>(
    to: &mut Container<'_>,
    packs: &[Range<u64>],
    files: &mut Files<'_, impl Iterator<Item = Entry<'h>>>,
    fault: Fault,
) -> Result<(), InspectError> {
    let single = files.left == 1;
    while let Some((entry, ..)) = files.next(to)? {
        to.tell(fault.note);
        let mut meta = named(to, entry.as_ref());
        meta.opaque = Some(fault.reason);
        let extents = if single { packs.iter().cloned().map(Extent::of).collect() } else { Vec::new() };
        to.hand_over(meta, extents)?;
    }
    if single { Ok(()) } else { packs.iter().try_for_each(|p| to.opaque(p.clone(), fault.reason)) }
}

fn named(to: &mut Container<'_>, entry: Option<&Entry<'_>>) -> ChildMeta {
    match entry {
        Some(entry) => child_meta(to, entry),
        None => {
            // More streams than files: the data is there all the same.
            to.tell("bad-entry");
            to.child(b"")
        }
    }
}
