//! Super partitions (liblp): a table of logical partitions, in several copies, and the extents they are made of.
//!
//! Source: AOSP system/core/fs_mgr/liblp, include/liblp/metadata_format.h.

use std::collections::BTreeSet;
use std::ops::Range;

use sha2::{Digest as _, Sha256};
use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Extent, Format, Identity, InspectError, Inspection, InventoryItem, Probe,
};

use super::text;

/// Reads super images.
pub(crate) struct Super;

const FORMATS: &[Format] = &[Format {
    name: "android-super",
    title: "Android super partition (logical partitions)",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "67 44 6C 61 at 4096 or 8192 (at 0 in images of the table alone) with a checksum that matches",
    reference: "AOSP system/core/fs_mgr/liblp/include/liblp/metadata_format.h",
    evidence: "its logical partitions as children by their names; groups, attributes and slots as inventory; free space",
    limitations: &[
        "extents on another block device are not here and make a partition incomplete",
        "snapshots of virtual A/B (-cow) are handed over, not merged",
    ],
}];

const GEOMETRY_MAGIC: u32 = 0x616c_4467;
const HEADER_MAGIC: u32 = 0x414c_5030;
const RESERVED: u64 = 4096;
const GEOMETRY_LEN: u64 = 4096;
const SECTOR: u64 = 512;
/// Longest tables that are read.
const LONGEST: u64 = 8 << 20;
/// Slots read at most.
const MOST_SLOTS: u32 = 64;

#[derive(Clone, Copy)]
struct Geometry {
    size: u64,
    most: u64,
    slots: u32,
}

/// A geometry whose checksum matches.
fn geometry(bytes: &[u8]) -> Option<Geometry> {
    let size = le32(bytes, 4);
    if le32(bytes, 0) != GEOMETRY_MAGIC || !(52..=4096).contains(&size) {
        return None;
    }
    let mut body = bytes.get(..size as usize)?.to_vec();
    let told = body[8..40].to_vec();
    body[8..40].fill(0);
    if Sha256::digest(&body)[..] != told[..] {
        return None;
    }
    let most = u64::from(le32(bytes, 40));
    let sane = most > 0 && most.is_multiple_of(SECTOR) && most <= LONGEST;
    sane.then_some(Geometry { size: u64::from(size), most, slots: le32(bytes, 44).clamp(1, MOST_SLOTS) })
}

struct Partition {
    name: String,
    attributes: u32,
    group: String,
    extents: Vec<Extent>,
    elsewhere: bool,
}

struct Metadata {
    len: u64,
    partitions: Vec<Partition>,
    groups: Vec<String>,
    devices: Vec<(String, u64, u64)>,
    flags: u32,
    /// Some entry is broken.
    bad: bool,
}

/// Why a slot can't be read.
enum Bad {
    Absent,
    Broken,
}

fn metadata(bytes: &[u8], whole: u64, budget: &mut usize) -> Result<Metadata, Bad> {
    if le32(bytes, 0) != HEADER_MAGIC {
        return Err(Bad::Absent);
    }
    let header_len = le32(bytes, 8) as usize;
    let tables_len = le32(bytes, 44) as usize;
    if le16(bytes, 4) != 10 || !(128..=4096).contains(&header_len) {
        return Err(Bad::Broken);
    }
    let Some(mut header) = bytes.get(..header_len).map(<[u8]>::to_vec) else { return Err(Bad::Broken) };
    let Some(tables) = header_len.checked_add(tables_len).and_then(|end| bytes.get(header_len..end)) else {
        return Err(Bad::Broken);
    };
    let told = header[12..44].to_vec();
    header[12..44].fill(0);
    if Sha256::digest(&header)[..] != told[..] || Sha256::digest(tables)[..] != header[48..80] {
        return Err(Bad::Broken);
    }
    // Each table by offset, number and length of its entries.
    let table = |at: usize, least: usize| -> Result<Vec<&[u8]>, Bad> {
        let (offset, count, size) =
            (le32(&header, at) as usize, le32(&header, at + 4) as usize, le32(&header, at + 8) as usize);
        if count == 0 {
            return Ok(Vec::new());
        }
        let end = count.checked_mul(size).and_then(|n| n.checked_add(offset));
        if size < least {
            return Err(Bad::Broken);
        }
        let all = end.and_then(|end| tables.get(offset..end)).ok_or(Bad::Broken)?;
        Ok(all.chunks_exact(size).collect())
    };
    let (partitions, extents) = (table(80, 52)?, table(92, 24)?);
    let (groups, devices) = (table(104, 48)?, table(116, 64)?);
    let groups: Vec<String> = groups.iter().map(|g| text(&g[..36])).collect();
    let mut out = Metadata {
        len: (header_len + tables_len) as u64,
        partitions: Vec::new(),
        devices: devices.iter().map(|d| (text(&d[24..60]), le64(d, 16), le64(d, 0))).collect(),
        flags: if header_len >= 132 { le32(&header, 128) } else { 0 },
        bad: false,
        groups: Vec::new(),
    };
    for p in partitions {
        let (first, count) = (le32(p, 40) as usize, le32(p, 44) as usize);
        let mut partition = Partition {
            name: text(&p[..36]),
            attributes: le32(p, 36),
            group: groups.get(le32(p, 48) as usize).cloned().unwrap_or_default(),
            extents: Vec::new(),
            elsewhere: false,
        };
        let own = first.checked_add(count).and_then(|end| extents.get(first..end));
        let Some(own) = own.filter(|o| o.len() <= *budget) else {
            out.bad = true;
            continue;
        };
        *budget -= own.len();
        for e in own {
            let (len, target) = (le64(e, 0).saturating_mul(SECTOR), le64(e, 12).saturating_mul(SECTOR));
            match le32(e, 8) {
                0 if le32(e, 20) == 0 => {
                    let end = target.saturating_add(len);
                    out.bad |= end > whole;
                    let here = target.min(whole)..end.min(whole);
                    let n = here.end - here.start;
                    partition.extents.push(Extent::of(here));
                    partition.elsewhere |= n < len;
                }
                // On another device.
                0 => {
                    partition.elsewhere = true;
                    partition.extents.push(Extent::Zero { len: len.min(1 << 40) });
                }
                1 => partition.extents.push(Extent::Zero { len: len.min(1 << 40) }),
                _ => out.bad = true,
            }
        }
        partition.extents.retain(|e| !e.is_empty());
        out.partitions.push(partition);
    }
    out.groups = groups;
    Ok(out)
}

impl FormatReader for Super {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let at = |offset: usize| probe.head.get(offset..).and_then(geometry);
        let ours = at(4096).or_else(|| at(8192)).or_else(|| at(0));
        ours.map(|_| Identity::new("android-super", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = open(&mut to);
        to.finish(result)
    }
}

fn open(to: &mut Container<'_>) -> Result<(), InspectError> {
    let mut found = None;
    let mut copies = Vec::new();
    for at in [RESERVED, RESERVED + GEOMETRY_LEN, 0] {
        if at == 0 && found.is_some() {
            continue;
        }
        let bytes = to.window.get(at, 4096)?;
        let copy = geometry(bytes);
        if let Some(g) = copy {
            found.get_or_insert((g, at));
            copies.push(at..at + g.size);
        } else if at != 0 && found.is_some() {
            to.tell_at("checksum-mismatch", at);
        }
    }
    let Some((geometry, at)) = found else {
        return Err(InspectError::corrupt(RESERVED, "no geometry that can be read"));
    };
    let mut used: Vec<Range<u64>> = Vec::new();
    for copy in copies {
        to.container(copy.clone())?;
        used.push(copy);
    }
    // The table alone: one geometry, one table, no partition's data.
    let alone = at == 0;
    let first = if alone { GEOMETRY_LEN } else { RESERVED + 2 * GEOMETRY_LEN };
    let copies = if alone { 1 } else { 2 * u64::from(geometry.slots) };
    let mut slots: Vec<Metadata> = Vec::new();
    // Extents read of all slots.
    let mut budget = 2usize << 20;
    let mut delivered: BTreeSet<(String, Vec<(u64, u64)>)> = BTreeSet::new();
    for slot in 0..copies {
        let at = first + slot * geometry.most;
        let bytes = to.blob.bytes(at..at + geometry.most).map_err(|e| InspectError::read(at, &e))?;
        match metadata(&bytes, to.len(), &mut budget) {
            Ok(table) => {
                to.container(at..at + table.len)?;
                used.push(at..at + table.len);
                if table.bad && !alone {
                    to.tell_at("bad-entry", at);
                }
                slots.push(table);
            }
            Err(Bad::Absent) => {}
            Err(Bad::Broken) => to.tell_at("checksum-mismatch", at),
        }
    }
    if slots.is_empty() {
        return Err(InspectError::corrupt(first, "no table of partitions that can be read"));
    }
    tell(to, &slots, &geometry);
    for table in &mut slots {
        for partition in std::mem::take(&mut table.partitions) {
            let key: Vec<_> = partition
                .extents
                .iter()
                .map(|e| match e {
                    Extent::Data { offset, len } => (*offset, *len),
                    Extent::Zero { len } => (u64::MAX, *len),
                })
                .collect();
            // Copies and slots mostly say the same.
            if alone || partition.extents.is_empty() || !delivered.insert((partition.name.clone(), key)) {
                continue;
            }
            if partition.elsewhere {
                to.tell("spanned");
                to.tell("incomplete-child");
            }
            for e in &partition.extents {
                if let Extent::Data { offset, len } = e {
                    used.push(*offset..offset + len);
                }
            }
            let mut meta = to.child(partition.name.as_bytes());
            meta.attributes.insert("readonly".to_owned(), (partition.attributes & 1 != 0).into());
            meta.attributes.insert("group".to_owned(), partition.group.clone().into());
            to.hand_over(meta, partition.extents)?;
        }
    }
    used.sort_by_key(|r| r.start);
    let mut at = 0;
    for range in used {
        if range.start > at {
            to.unallocated(at..range.start)?;
        }
        at = at.max(range.end);
    }
    to.unallocated(at..to.len())
}

fn tell(to: &mut Container<'_>, slots: &[Metadata], geometry: &Geometry) {
    let (mut partitions, mut groups, mut devices) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for table in slots {
        partitions.extend(table.partitions.iter().map(|p| p.name.clone()));
        groups.extend(table.groups.iter().cloned());
        devices.extend(table.devices.iter().map(|d| format!("{}: {}", d.0, d.1)));
    }
    let list = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>();
    let mut item = InventoryItem::new(kinds::FIRMWARE_IMAGE)
        .with("partitions", list(partitions))
        .with("groups", list(groups))
        .with("block_devices", list(devices))
        .with("slots", geometry.slots)
        .at(RESERVED, RESERVED + geometry.size);
    if slots.iter().any(|t| t.flags & 1 != 0) {
        item = item.with("virtual_ab", true);
    }
    to.inventory(item);
}

#[cfg(test)]
mod tests;
