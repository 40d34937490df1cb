//! The volumes of an area: which erase block holds which logical block, and what is left over.

use std::collections::BTreeMap;
use std::ops::Range;

use yumen_kit_container::Container;
use yumen_kit_container::window::{CHECKED_STORED, is_erased, sweep};
use yumen_model::kind::kinds;
use yumen_model::{Blob, Extent, InspectError, InventoryItem};

use super::header::{FASTMAP, LAYOUT_VOLUME, MAX_VOLUMES, RECORD, Record, Vid};
use super::scan::Area;
use crate::flash::run_end;

/// Not so many unmapped blocks are filled in for each mapped one: a stray number must not make a volume of terabytes.
const HOLES_PER_BLOCK: u64 = 64;
const HOLES: u64 = 4096;

/// A logical block and the erase block it stands in.
#[derive(Clone, Copy, Debug)]
struct Mapped {
    vid: Vid,
    /// The data of the erase block.
    start: u64,
    end: u64,
}

type Volumes = BTreeMap<u32, BTreeMap<u32, Mapped>>;

/// Opens the volumes of an area.
pub(super) fn open(to: &mut Container<'_>, area: &Area) -> Result<(), InspectError> {
    let volumes = map(to, area)?;
    let table = layout(to, &volumes)?;
    let mut names = Vec::new();
    for (&number, blocks) in &volumes {
        if number >= MAX_VOLUMES {
            for block in blocks.values() {
                match number {
                    LAYOUT_VOLUME => {
                        let shown = (block.start + RECORD as u64 * u64::from(MAX_VOLUMES)).min(block.end);
                        to.container(block.start..shown)?;
                        to.unallocated_flash(shown..block.end)?;
                    }
                    n => {
                        if !FASTMAP.contains(&n) {
                            to.tell_at("bad-entry", block.start);
                        }
                        to.unallocated_flash(block.start..block.end)?;
                    }
                }
            }
            continue;
        }
        let record = table.get(&number);
        let name = record
            .map(|r| r.name.clone())
            .filter(|n| !n.is_empty())
            .unwrap_or_else(|| format!("vol-{number}").into_bytes());
        names.push(String::from_utf8_lossy(&name).into_owned());
        volume(to, &name, record, blocks)?;
    }
    let mut empty: Vec<String> = Vec::new();
    for (number, record) in &table {
        if !volumes.contains_key(number) {
            empty.push(String::from_utf8_lossy(&record.name).into_owned());
        }
    }
    let item = InventoryItem::new(kinds::FIRMWARE_IMAGE)
        .with("type", vec!["ubi"])
        .with("partitions", names)
        .with("empty_partitions", empty)
        .at(area.start, area.end());
    to.inventory(item);
    Ok(())
}

/// Reads the headers of every erase block; labels what is no volume's data.
fn map(to: &mut Container<'_>, area: &Area) -> Result<Volumes, InspectError> {
    let mut volumes = Volumes::new();
    let shape = area.blocks[0];
    for (i, ec) in area.blocks.iter().enumerate() {
        let (start, end) = (area.at(i), area.at(i + 1));
        let Some(ec) = ec.or(shape) else { continue };
        let (vid_at, data_at) = (start + u64::from(ec.vid_at), start + u64::from(ec.data_at));
        let vid = to.window.get(vid_at, 64)?;
        let found = Vid::parse(vid);
        if area.blocks[i].is_none() && found.is_none() {
            // Erased, worn out, or never formatted.
            to.unallocated_flash(start..end)?;
            continue;
        }
        if area.blocks[i].is_none() {
            to.tell_at("bad-entry", start);
        }
        to.container(start..start + 64)?;
        to.unallocated_flash(start + 64..vid_at)?;
        let Some(vid) = found.filter(|_| data_at <= end) else {
            if to.window.get(vid_at, 64)?.iter().any(|&b| b != 0xFF) {
                to.tell_at("bad-entry", vid_at);
            }
            to.unallocated_flash(vid_at..end)?;
            continue;
        };
        to.container(vid_at..(vid_at + 64).min(end))?;
        to.unallocated_flash(vid_at + 64..data_at)?;
        if end - start < area.block && to.window.get(end - 1, 1)?.iter().any(|&b| b != 0xFF) {
            to.tell_at("truncated", end);
        }
        let new = Mapped { vid, start: data_at, end };
        let blocks = volumes.entry(vid.volume).or_default();
        let stale = match blocks.get(&vid.number).copied() {
            None => {
                blocks.insert(vid.number, new);
                continue;
            }
            Some(old) => {
                let (newer, older) = if vid.sequence > old.vid.sequence { (new, old) } else { (old, new) };
                // A copy that was interrupted does not count.
                let (kept, stale) =
                    if newer.vid.copy && !holds(to.blob, &newer)? { (older, newer) } else { (newer, older) };
                blocks.insert(vid.number, kept);
                stale
            }
        };
        to.unallocated_flash(stale.start..stale.end)?;
    }
    Ok(volumes)
}

/// Whether the data has the checksum that its header tells.
fn holds(blob: &Blob, block: &Mapped) -> Result<bool, InspectError> {
    let size = u64::from(block.vid.data_size);
    if size > block.end - block.start {
        return Ok(false);
    }
    let mut hasher = crc32fast::Hasher::new();
    sweep(blob, block.start..block.start + size, 0, |_, bytes| {
        hasher.update(bytes);
        None::<()>
    })?;
    Ok(!hasher.finalize() == block.vid.data_crc)
}

/// The volume table; the second copy speaks where the first is broken.
fn layout(to: &mut Container<'_>, volumes: &Volumes) -> Result<BTreeMap<u32, Record>, InspectError> {
    let mut table = BTreeMap::new();
    let Some(copies) = volumes.get(&LAYOUT_VOLUME) else {
        to.tell("bad-entry");
        return Ok(table);
    };
    for block in copies.values() {
        for n in 0..MAX_VOLUMES {
            let at = block.start + u64::from(n) * RECORD as u64;
            if at + RECORD as u64 > block.end {
                break;
            }
            if let Some(record) = Record::parse(to.window.get(at, RECORD)?) {
                table.entry(n).or_insert(record);
            }
        }
    }
    Ok(table)
}

/// Hands over one volume: its logical blocks in order.
fn volume(
    to: &mut Container<'_>,
    name: &[u8],
    record: Option<&Record>,
    blocks: &BTreeMap<u32, Mapped>,
) -> Result<(), InspectError> {
    let Some(first) = blocks.values().next() else { return Ok(()) };
    let fixed = record.map_or(first.vid.fixed, |r| r.fixed);
    let full = blocks.values().map(|b| (b.end - b.start).saturating_sub(u64::from(b.vid.data_pad))).max().unwrap_or(0);
    if full == 0 {
        to.tell_at("bad-entry", first.start);
        return blocks.values().try_for_each(|b| to.unallocated_flash(b.start..b.end));
    }
    if record.is_some_and(|r| r.updating) {
        // What the volume holds is partly old and partly new.
        to.tell_at("incomplete-child", first.start);
    }
    let erased = blocks.values().find_map(|b| erased_run(to.blob, b).transpose()).transpose()?;
    let mut extents = Vec::new();
    let (mut next, mut budget) = (0u64, HOLES + HOLES_PER_BLOCK * blocks.len() as u64);
    let mut checked = 0;
    let mut stray = Vec::new();
    let last = blocks.keys().next_back().copied().unwrap_or(0);
    for (&number, block) in blocks {
        let gap = u64::from(number) - next;
        if gap > budget {
            stray.push(*block);
            continue;
        }
        budget -= gap;
        if gap > 0 {
            if fixed {
                to.tell_at("truncated", block.start);
            }
            fill(&mut extents, gap * full, erased.clone());
        }
        next = u64::from(number) + 1;
        let room = (block.end - block.start).saturating_sub(u64::from(block.vid.data_pad)).min(full);
        let used = if fixed { room.min(u64::from(block.vid.data_size)) } else { room };
        let mut end = block.start + used;
        if fixed {
            if checked < CHECKED_STORED && used == u64::from(block.vid.data_size) {
                checked += used;
                if !holds(to.blob, block)? {
                    to.tell_at("checksum-mismatch", block.start);
                }
            } else if used < u64::from(block.vid.data_size) {
                to.tell_at("truncated", block.end);
            }
        } else if number == last {
            end = trimmed(to.blob, block.start..end)?;
        }
        if end > block.start {
            extents.push(Extent::of(block.start..end));
        }
        if number != last && end - block.start < full {
            // The artifact ends within this block, though it is not the volume's last.
            fill(&mut extents, full - (end - block.start), erased.clone());
        }
        to.unallocated_flash(end..block.end)?;
    }
    if fixed && next < u64::from(first.vid.used_blocks) {
        to.tell("truncated");
    }
    for block in stray {
        to.tell_at("bad-entry", block.start);
        to.unallocated_flash(block.start..block.end)?;
    }
    let meta = to.child(name);
    if extents.is_empty() { Ok(()) } else { to.hand_over(meta, extents) }
}

/// What is erased at the end of a volume is not part of what was written to it; pages of 4 KiB are left whole.
fn trimmed(blob: &Blob, range: Range<u64>) -> Result<u64, InspectError> {
    let mut end = range.end;
    while end > range.start {
        let from = range.start + (end - 1 - range.start) / 4096 * 4096;
        if !is_erased(blob, from..end)? {
            break;
        }
        end = from;
    }
    Ok(end)
}

/// Erased space in a block, to stand for blocks that are not mapped.
fn erased_run(blob: &Blob, block: &Mapped) -> Result<Option<Range<u64>>, InspectError> {
    let from = block.start + (block.end - block.start) / 2;
    let mut last = [0; 4];
    if block.end < from + 4096 || blob.read_at(block.end - 4, &mut last).is_err() || last != [0xFF; 4] {
        return Ok(None);
    }
    for start in [from, block.end - 4096] {
        if run_end(blob, start, block.end, 0xFF)? == block.end {
            return Ok(Some(start..block.end));
        }
    }
    Ok(None)
}

/// Erased space of a length: out of a place where there is some, else zeros.
fn fill(extents: &mut Vec<Extent>, mut len: u64, erased: Option<Range<u64>>) {
    if let Some(erased) = erased.filter(|e| e.end > e.start) {
        let size = erased.end - erased.start;
        // A hole of very many pieces is left to zeros.
        if len / size <= 1 << 16 {
            while len > 0 {
                let n = len.min(size);
                extents.push(Extent::of(erased.start..erased.start + n));
                len -= n;
            }
            return;
        }
    }
    extents.push(Extent::Zero { len });
}
