//! GUID partition tables: the one at the start, or its copy at the end where that is broken.

use flate2::Crc;
use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::{Artifact, Blob, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use super::{Partition, hand_over, mbr};
use crate::space::Space;

/// Reads disks with a GPT.
pub(crate) struct Gpt;

const FORMATS: &[Format] = &[Format {
    name: "gpt",
    title: "disk with a GUID partition table",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "`EFI PART` in the second sector (of 512 to 4096 bytes), or in the last one behind a protective MBR",
    reference: "UEFI specification, 5.3",
    evidence: "its partitions as children by the table's names, else `p1`, `p2`…; boot code and gaps under `[unallocated]`",
    limitations: &["partitions that only a hybrid MBR names are told apart by place, not by name"],
}];

/// Most entries of a table.
const MAX_ENTRIES: u32 = 4096;

/// A header that was read.
#[derive(Clone, Debug)]
struct Header {
    at: u64,
    sector: u64,
    size: u32,
    backup: u64,
    entries_at: u64,
    count: u32,
    entry_size: u32,
    intact: bool,
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

impl Header {
    fn read(blob: &Blob, at: u64, sector: u64) -> Option<Header> {
        let b = blob.bytes(at..at.checked_add(512)?).ok().filter(|b| b.len() == 512)?;
        let size = le32(&b, 12);
        let (count, entry_size) = (le32(&b, 80), le32(&b, 84));
        let sane = &b[..8] == b"EFI PART"
            && (92..=512).contains(&size)
            && le32(&b, 8) >> 16 == 1
            && (128..=4096).contains(&entry_size)
            && entry_size.is_multiple_of(8)
            && count > 0;
        if !sane {
            return None;
        }
        let mut blank = b[..size as usize].to_vec();
        blank[16..20].fill(0);
        let entries_at = le64(&b, 72).checked_mul(sector)?;
        let table = u64::from(count.min(MAX_ENTRIES)) * u64::from(entry_size);
        let entries = blob.bytes(entries_at..entries_at.saturating_add(table)).unwrap_or_default();
        Some(Header {
            at,
            sector,
            size,
            backup: le64(&b, 32).saturating_mul(sector),
            entries_at,
            count: count.min(MAX_ENTRIES),
            entry_size,
            intact: crc(&blank) == le32(&b, 16) && crc(&entries) == le32(&b, 88),
        })
    }

    fn primary(blob: &Blob) -> Option<Header> {
        [512, 4096, 2048, 1024].into_iter().find_map(|sector| Header::read(blob, sector, sector))
    }

    fn last(blob: &Blob) -> Option<Header> {
        [512, 4096].into_iter().find_map(|sector| {
            let at = (blob.len() / sector).checked_sub(1)? * sector;
            Header::read(blob, at, sector)
        })
    }
}

impl FormatReader for Gpt {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if Header::primary(probe.blob).is_some() {
            return Some(Identity::new("gpt", Certainty::Specific));
        }
        let protective = mbr::table(probe.head).is_some_and(|t| t.iter().any(|e| e.kind == 0xEE));
        (protective && Header::last(probe.blob).is_some()).then(|| Identity::new("gpt", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>) -> Result<(), InspectError> {
    let primary = Header::primary(to.blob);
    let backup = primary
        .as_ref()
        .and_then(|h| Header::read(to.blob, h.backup, h.sector))
        .filter(|b| b.at != primary.as_ref().map_or(0, |p| p.at))
        .or_else(|| Header::last(to.blob));
    for header in [&primary, &backup].into_iter().flatten().filter(|h| !h.intact) {
        to.tell_at("checksum-mismatch", header.at);
    }
    if primary.is_none() {
        to.tell_at("corrupt", 512);
    }
    let mut space = Space::default();
    let mut tables = Vec::new();
    for header in [&primary, &backup].into_iter().flatten() {
        let range = header.at..header.at + u64::from(header.size);
        space.claim(range.clone());
        to.container(range)?;
        tables.push(entries(to, &mut space, header)?);
    }
    let broken = primary.as_ref().is_none_or(|h| !h.intact) && backup.as_ref().is_some_and(|h| h.intact);
    let mut partitions = if broken { tables.pop() } else { tables.into_iter().next() }
        .ok_or_else(|| InspectError::corrupt(512, "there is no partition table"))?;
    let head = to.window.get(0, 512)?.to_vec();
    if let Some(table) = mbr::table(&head) {
        space.claim(440..512);
        to.container(440..512)?;
        let sector = primary.as_ref().or(backup.as_ref()).map_or(512, |h| h.sector);
        // A hybrid MBR names partitions once more; one that is no partition of the GPT's is a child of its own.
        for entry in table.iter().filter(|e| e.kind != 0xEE && e.start > 0) {
            let range = entry.start * sector..(entry.start + entry.sectors) * sector;
            if range.start < to.len()
                && !partitions.iter().any(|p| p.range.start < range.end && range.start < p.range.end)
            {
                let (name, kind) = (format!("mbr-p{}", entry.slot + 1).into_bytes(), format!("{:02x}", entry.kind));
                partitions.push(Partition { name, range, kind });
            }
        }
    }
    hand_over(to, space, "gpt", &partitions)
}

/// Reads the entries and claims those in use.
fn entries(to: &mut Container<'_>, space: &mut Space, header: &Header) -> Result<Vec<Partition>, InspectError> {
    let mut found = Vec::new();
    let size = header.entry_size as usize;
    for i in 0..header.count {
        let at = header.entries_at.saturating_add(u64::from(i) * u64::from(header.entry_size));
        let b = to.window.get(at, size)?;
        if b.len() < size {
            to.tell_at("truncated", to.len());
            break;
        }
        if b[..16].iter().all(|&x| x == 0) {
            continue;
        }
        let (first, last) = (le64(b, 32), le64(b, 40));
        let units: Vec<u16> = b[56..128].chunks_exact(2).map(|u| le16(u, 0)).take_while(|&u| u != 0).collect();
        let name = String::from_utf16_lossy(&units).replace('/', "_");
        let kind = guid(&b[..16]);
        // Behind the name's end there may stand anything.
        let used = at..at + (56 + (units.len() as u64 + 1) * 2).min(128);
        space.claim(used.clone());
        to.container(used)?;
        let range =
            first.checked_mul(header.sector).zip(last.checked_add(1).and_then(|n| n.checked_mul(header.sector)));
        match range {
            Some((start, end)) if start < end => {
                let name = if name.trim().is_empty() { format!("p{}", i + 1) } else { name };
                found.push(Partition { name: name.into_bytes(), range: start..end, kind });
            }
            _ => to.tell_at("bad-entry", at),
        }
    }
    Ok(found)
}

fn guid(b: &[u8]) -> String {
    let tail: String = b[10..16].iter().map(|x| format!("{x:02x}")).collect();
    format!("{:08x}-{:04x}-{:04x}-{:02x}{:02x}-{tail}", le32(b, 0), le16(b, 4), le16(b, 6), b[8], b[9])
}
