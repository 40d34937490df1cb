//! The partition table in the first sector of a PC disk, with the chain of logical partitions.

use std::collections::HashSet;

use yumen_kit_container::window::first_nonzero;
use yumen_kit_container::window::num::le32;
use yumen_kit_container::{Container, FormatReader};
use yumen_model::{Artifact, Blob, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use super::{Partition, hand_over};
use crate::space::Space;

/// Reads disks with an MBR.
pub(crate) struct Mbr;

const FORMATS: &[Format] = &[Format {
    name: "mbr",
    title: "disk with an MBR partition table",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "55 AA at byte 510 and four entries that are partitions within the disk or empty",
    reference: "UEFI specification, 5.2 (legacy MBR)",
    evidence: "its partitions as children, `p1`…`p4` primary, from `p5` logical; boot code and gaps under `[unallocated]`",
    limitations: &[
        "sectors of 4096 bytes are assumed only where the first partition makes no sense with 512",
        "BSD, Minix and Solaris subpartitions are not opened",
    ],
}];

/// Logical partitions that are followed.
const MAX_LOGICAL: usize = 256;

/// One of the four entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) slot: usize,
    pub(super) kind: u8,
    pub(super) start: u64,
    pub(super) sectors: u64,
}

/// The entries of a boot sector in use, if all of them are sane.
pub(super) fn table(sector: &[u8]) -> Option<Vec<Entry>> {
    if sector.len() < 512 || sector[510..512] != [0x55, 0xAA] {
        return None;
    }
    let mut entries = Vec::new();
    for slot in 0..4 {
        let b = &sector[446 + slot * 16..462 + slot * 16];
        if b.iter().all(|&x| x == 0) {
            continue;
        }
        if b[0] & 0x7F != 0 {
            return None;
        }
        let entry = Entry { slot, kind: b[4], start: u64::from(le32(b, 8)), sectors: u64::from(le32(b, 12)) };
        // Some tools leave places behind in entries that are not used.
        if entry.kind == 0 || entry.sectors == 0 {
            continue;
        }
        entries.push(entry);
    }
    Some(entries)
}

fn is_extended(kind: u8) -> bool {
    matches!(kind, 0x05 | 0x0F | 0x85 | 0xC5 | 0xD5)
}

impl FormatReader for Mbr {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let entries = table(probe.head)?;
        let sectors = probe.blob.len() / 512;
        let inside =
            entries.iter().all(|e| e.start > 0 && e.start.checked_add(e.sectors).is_some_and(|n| n >> 32 == 0));
        let reachable = entries.iter().any(|e| e.start < sectors);
        let apart = entries.iter().enumerate().all(|(i, a)| {
            entries[i + 1..].iter().all(|b| a.start + a.sectors <= b.start || b.start + b.sectors <= a.start)
        });
        // Boot sectors of file systems and loaders end in 55 AA too: their code seldom makes a table.
        (!entries.is_empty() && inside && reachable && apart).then(|| Identity::new("mbr", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>) -> Result<(), InspectError> {
    let head = to.window.get(0, 512)?.to_vec();
    let Some(entries) = table(&head) else {
        return Err(InspectError::corrupt(0, "the partition table is broken"));
    };
    let sector = sector_size(to.blob, &entries)?;
    let mut space = Space::default();
    claim(to, &mut space, 0, 440)?;
    let mut partitions = Vec::new();
    let mut logical = 0;
    for entry in &entries {
        if is_extended(entry.kind) {
            extended(to, &mut space, *entry, sector, &mut logical, &mut partitions)?;
        } else {
            partitions.push(partition(entry.slot + 1, entry.kind, entry.start * sector, entry.sectors * sector));
        }
    }
    hand_over(to, space, "mbr", &partitions)
}

fn partition(number: usize, kind: u8, start: u64, len: u64) -> Partition {
    Partition { name: format!("p{number}").into_bytes(), range: start..start + len, kind: format!("{kind:02x}") }
}

/// Claims a boot sector's table, from the disk signature or the first entry on.
fn claim(to: &mut Container<'_>, space: &mut Space, at: u64, from: u64) -> Result<(), InspectError> {
    let range = at + from..(at + 512).min(to.len());
    space.claim(range.clone());
    to.container(range)
}

fn extended(
    to: &mut Container<'_>,
    space: &mut Space,
    outer: Entry,
    sector: u64,
    logical: &mut usize,
    partitions: &mut Vec<Partition>,
) -> Result<(), InspectError> {
    let base = outer.start * sector;
    let (mut at, mut seen) = (base, HashSet::new());
    while *logical < MAX_LOGICAL && seen.insert(at) {
        let Some(bytes) = to.window.array::<512>(at)? else {
            to.tell_at("truncated", to.len());
            return Ok(());
        };
        let Some(entries) = table(&bytes) else {
            to.tell_at("bad-entry", at);
            return Ok(());
        };
        claim(to, space, at, 446)?;
        let mut next = None;
        for entry in entries {
            if is_extended(entry.kind) {
                next = next.or(Some(base + entry.start * sector));
            } else {
                *logical += 1;
                partitions.push(partition(*logical + 4, entry.kind, at + entry.start * sector, entry.sectors * sector));
            }
        }
        match next {
            Some(n) => at = n,
            None => return Ok(()),
        }
    }
    to.tell_at("bad-entry", at);
    Ok(())
}

/// The table does not tell the size of sectors. Where the first partition has nothing at its place for 512, but has at that for 4096, it is 4096.
fn sector_size(blob: &Blob, entries: &[Entry]) -> Result<u64, InspectError> {
    let Some(first) = entries.iter().min_by_key(|e| e.start) else { return Ok(512) };
    let ends = entries.iter().map(|e| (e.start + e.sectors) * 4096).max().unwrap_or(0);
    let begins = |at: u64| Ok::<_, InspectError>(first_nonzero(blob, at..at + (64 << 10))?.is_some());
    let wide = ends <= blob.len() && !begins(first.start * 512)? && begins(first.start * 4096)?;
    Ok(if wide { 4096 } else { 512 })
}
