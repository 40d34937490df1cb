//! ISO 9660 with Rock Ridge, Joliet and El Torito. Files are extents of the image. What is in no structure (the system area of hybrid images, padding,
//! old sessions) is free space.
//!
//! Source: ECMA-119 (4th edition); IEEE P1281 (SUSP 1.12) and P1282 (Rock Ridge 1.12); Joliet specification; El Torito 1.0.

mod record;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use yumen_kit_container::window::num::{le16, le32};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::{
    Artifact, Certainty, Context, Extent, Format, Identity, InspectError, Inspection, InventoryItem, Probe, kind::kinds,
};

use crate::space::Space;
use crate::trailer::after_image;
use record::{Names, Record};

/// Reads ISO 9660 images.
pub(crate) struct Iso9660;

const FORMATS: &[Format] = &[Format {
    name: "iso9660",
    title: "ISO 9660 image",
    media_type: "application/x-iso9660-image",
    extensions: &["iso"],
    magic: "a volume descriptor `CD001` at byte 32768",
    reference: "ECMA-119; SUSP and Rock Ridge; Joliet; El Torito",
    evidence: "its files as children by their Rock Ridge, Joliet or plain names; link targets and descriptors' texts as text; the system area, gaps and padding under `[unallocated]`",
    limitations: &[
        "of a UDF bridge disc the ISO 9660 part is read; what UDF alone names is inspected as raw bytes",
        "zisofs-compressed files are handed over as they are stored",
        "images of whole raw sectors (2352 bytes, BIN/MDF) are not recognised",
        "interleaved files are read without their gaps only if the gap is 0",
    ],
}];

const SECTOR: u64 = 2048;
/// Volume descriptors that are looked at.
const MAX_DESCRIPTORS: u64 = 64;

impl FormatReader for Iso9660 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let b = probe.head.get(32768..32768 + 2048)?;
        (matches!(b[0], 0..=3 | 255) && &b[1..6] == b"CD001" && b[6] == 1)
            .then(|| Identity::new("iso9660", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

/// A tree of directories: the primary volume's or a supplementary one's.
#[derive(Clone, Debug)]
struct Volume {
    joliet: bool,
    block: u64,
    root: Record,
    blocks: u64,
}

struct Folder {
    range: Range<u64>,
    path: Vec<u8>,
}

struct Reader<'r, 'a> {
    to: &'r mut Container<'a>,
    space: Space,
    /// Where directories begin that were read.
    seen: HashSet<u64>,
    /// Files handed over, by place and length, so that the second tree names none twice.
    files: HashSet<(u64, u64)>,
    end: u64,
}

fn run(to: &mut Container<'_>) -> Result<(), InspectError> {
    let mut reader = Reader { to, space: Space::default(), seen: HashSet::new(), files: HashSet::new(), end: 0 };
    let result = reader.run();
    let Reader { space, end, .. } = reader;
    if result.is_err() && to.stopped() {
        return result;
    }
    let len = to.len();
    // Without a size the descriptors prove nothing.
    let end = if end == 0 { len } else { end };
    for gap in space.gaps(0..end.min(len)) {
        to.unallocated(gap)?;
    }
    if end > len {
        to.tell_at("truncated", len);
    }
    after_image(to, end)?;
    result
}

impl Reader<'_, '_> {
    fn claim(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        self.space.claim(range.clone());
        self.to.container(range)
    }

    fn run(&mut self) -> Result<(), InspectError> {
        let mut volumes = Vec::new();
        let mut catalog = None;
        let mut ended = false;
        for i in 16..16 + MAX_DESCRIPTORS {
            let at = i * SECTOR;
            let b = self.to.window.get(at, SECTOR as usize)?.to_vec();
            if b.len() < SECTOR as usize {
                break;
            }
            if &b[1..6] != b"CD001" {
                // Descriptors of UDF may follow.
                if matches!(&b[1..6], b"BEA01" | b"NSR02" | b"NSR03" | b"TEA01") && b[0] == 0 {
                    self.claim(at..at + 7)?;
                    continue;
                }
                break;
            }
            match b[0] {
                0 if b[7..].starts_with(b"EL TORITO SPECIFICATION") => {
                    self.claim(at..at + 75)?;
                    catalog = Some(u64::from(le32(&b, 71)));
                }
                1 | 2 => self.volume(at, &b, &mut volumes)?,
                255 => {
                    self.claim(at..at + 7)?;
                    ended = true;
                }
                _ => self.claim(at..at + 7)?,
            }
        }
        if !ended {
            self.to.tell_at("bad-entry", 16 * SECTOR);
        }
        if volumes.is_empty() {
            return Err(InspectError::corrupt(16 * SECTOR, "there is no readable volume descriptor"));
        }
        self.end = volumes.iter().map(|v| v.blocks * v.block).max().unwrap_or(0);
        // Rock Ridge tells more than Joliet, Joliet more than the plain names.
        let rock = self.rock_ridge(&volumes[0])?;
        let joliet = volumes.iter().position(|v| v.joliet);
        let first = match joliet {
            Some(i) if rock.is_none() => i,
            _ => 0,
        };
        let mut order = vec![first];
        order.extend((0..volumes.len()).filter(|&i| i != first));
        for (n, &i) in order.iter().enumerate() {
            let volume = volumes[i].clone();
            let names = match (volume.joliet, rock) {
                (true, _) => Names::Joliet,
                (false, Some(skip)) => Names::RockRidge { skip },
                (false, None) => Names::Plain,
            };
            let prefix: &[u8] = match (n, volume.joliet) {
                (0, _) => b"",
                (_, true) => b"[joliet]",
                (_, false) => b"[iso9660]",
            };
            self.tree(&volume, names, prefix, n > 0)?;
        }
        if let Some(at) = catalog {
            self.boot_catalog(at * SECTOR)?;
        }
        Ok(())
    }

    /// Reads a primary or supplementary volume descriptor.
    fn volume(&mut self, at: u64, b: &[u8], volumes: &mut Vec<Volume>) -> Result<(), InspectError> {
        let block = u64::from(le16(b, 128));
        let Some(root) = Record::parse(&b[156..190]) else {
            self.to.tell_at("bad-entry", at);
            return Ok(());
        };
        if !block.is_power_of_two() || !(512..=SECTOR).contains(&block) {
            self.to.tell_at("bad-entry", at);
            return Ok(());
        }
        // The rest is for applications: whatever stands there is not the format's.
        self.claim(at..at + 883)?;
        let joliet = b[0] == 2 && matches!(&b[88..91], b"%/@" | b"%/C" | b"%/E");
        if joliet {
            // Texts in UTF-16 are swept with what is left over.
            self.to.unallocated(at + 8..at + 72)?;
            self.to.unallocated(at + 190..at + 813)?;
        } else {
            for field in [8..40, 40..72, 190..318, 318..446, 446..574, 574..702, 702..739, 739..776, 776..813] {
                let text = &b[field.clone()];
                let used = text.iter().rposition(|&c| c != b' ' && c != 0).map_or(0, |i| i + 1);
                let start = at + field.start as u64;
                self.to.comment(start..start + used as u64)?;
            }
        }
        let path_len = u64::from(le32(b, 132));
        for pointer in [140, 144] {
            let place = u64::from(le32(b, pointer)) * block;
            if place > 0 {
                self.path_table(place, path_len, joliet, false)?;
            }
        }
        for pointer in [148, 152] {
            let place =
                u64::from(u32::from_be_bytes([b[pointer], b[pointer + 1], b[pointer + 2], b[pointer + 3]])) * block;
            if place > 0 {
                self.path_table(place, path_len, joliet, true)?;
            }
        }
        if volumes.is_empty() {
            let text = |r: Range<usize>| String::from_utf8_lossy(&b[r]).trim_matches([' ', '\0']).to_owned();
            let item = InventoryItem::new(kinds::FIRMWARE_IMAGE).with("format", "iso9660");
            self.to.inventory(item.with("label", text(40..72)).with("application", text(574..702)).at(at, at + 883));
        }
        volumes.push(Volume { joliet, block, root, blocks: u64::from(le32(b, 80)) });
        Ok(())
    }

    /// Claims the records of a path table as far as they are ones.
    fn path_table(&mut self, at: u64, len: u64, joliet: bool, big: bool) -> Result<(), InspectError> {
        let mut used = 0;
        while used + 8 <= len {
            let b = self.to.window.get(at + used, 8)?;
            if b.len() < 8 || b[0] == 0 || (joliet && b[0] > 1 && b[0] % 2 == 1) {
                break;
            }
            let parent = if big { u16::from_be_bytes([b[6], b[7]]) } else { le16(b, 6) };
            if parent == 0 {
                break;
            }
            used += (8 + u64::from(b[0])).next_multiple_of(2);
        }
        self.claim(at..at + used.min(len))
    }

    /// How many bytes to skip in each system use area, if the volume has Rock Ridge.
    fn rock_ridge(&mut self, volume: &Volume) -> Result<Option<usize>, InspectError> {
        let at = volume.root.start(volume.block);
        let b = self.to.window.get(at, 256)?;
        let Some(dot) = Record::parse(b) else { return Ok(None) };
        let system = b.get(dot.system_use()).unwrap_or(&[]);
        // The first one says so; old images begin with a Rock Ridge entry at once.
        Ok(match system {
            [b'S', b'P', 7, 1, 0xBE, 0xEF, skip, ..] => Some(usize::from(*skip)),
            [b'R', b'R', 5, 1, ..] | [b'P', b'X', 36 | 44, 1, ..] => Some(0),
            // CD-ROM XA puts fourteen bytes of its own before.
            _ if system.get(14..20) == Some(&[b'S', b'P', 7, 1, 0xBE, 0xEF]) => Some(14),
            _ => None,
        })
    }

    /// Walks a tree. Of the second one on, only files that were not handed over yet are.
    fn tree(&mut self, volume: &Volume, names: Names, prefix: &[u8], again: bool) -> Result<(), InspectError> {
        let start = volume.root.start(volume.block);
        let mut folders = vec![Folder { range: start..start + u64::from(volume.root.len), path: prefix.to_vec() }];
        if !self.seen.insert(start) {
            return Ok(());
        }
        while let Some(folder) = folders.pop() {
            self.folder(&folder, volume, names, again, &mut folders)?;
        }
        Ok(())
    }

    fn folder(
        &mut self,
        folder: &Folder,
        volume: &Volume,
        names: Names,
        again: bool,
        folders: &mut Vec<Folder>,
    ) -> Result<(), InspectError> {
        let len = self.to.len();
        let end = folder.range.end.min(len);
        if end < folder.range.end {
            self.to.tell_at("truncated", len);
        }
        let mut at = folder.range.start;
        // Pieces of a file in several sections, until the last one.
        let mut sections: Vec<Range<u64>> = Vec::new();
        while at < end {
            let b = self.to.window.get(at, 256.min((end - at) as usize))?;
            let stored = b.first().map_or(0, |&n| u64::from(n));
            let room = SECTOR - at % SECTOR;
            if stored == 0 {
                at += room;
                continue;
            }
            let Some(record) = Record::parse(b).filter(|r| u64::from(r.stored) <= room) else {
                self.to.tell_at("bad-entry", at);
                at += room;
                continue;
            };
            let bytes = b[..usize::from(record.stored)].to_vec();
            self.claim(at..at + stored)?;
            let here = at;
            at += stored;
            if record.is_dot(&bytes) {
                continue;
            }
            let start = record.start(volume.block);
            let range = start..start + u64::from(record.len);
            if record.continues() {
                sections.push(range);
                continue;
            }
            let entry = record::names(self.to, &mut self.space, &bytes, &record, here, names, volume.block)?;
            let base: &[u8] = if folder.path.len() > 4096 { b"[deep]" } else { &folder.path };
            let mut path = base.to_vec();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend(entry.name.iter().map(|&c| if c == b'/' { b'_' } else { c }));
            if let Some(child) = entry.moved_to {
                // A deep directory that was moved up; its place here only points there.
                let place = child * volume.block;
                if let Some(dot) = Record::parse(self.to.window.get(place, 256)?)
                    && self.seen.insert(place)
                {
                    folders.push(Folder { range: place..place + u64::from(dot.len), path });
                }
            } else if record.is_directory() {
                if entry.moved_here {
                    continue;
                }
                self.to.tell("directory-entries");
                if self.seen.insert(range.start) {
                    folders.push(Folder { range, path });
                } else {
                    self.to.tell_at("bad-entry", here);
                }
            } else if entry.link {
                self.to.tell("link");
            } else if entry.special {
                self.to.tell("special-file");
            } else {
                sections.push(range);
                let pieces = std::mem::take(&mut sections);
                let key = pieces.first().map_or((0, 0), |p| (p.start, pieces.iter().map(|p| p.end - p.start).sum()));
                let known = !self.files.insert(key);
                if again && (known || key.1 == 0) {
                    continue;
                }
                self.file(&path, &entry, pieces)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &[u8], entry: &record::Entry, pieces: Vec<Range<u64>>) -> Result<(), InspectError> {
        let len = self.to.len();
        let mut meta = self.to.child(path);
        meta.attributes.clone_from(&entry.attributes);
        if entry.compressed {
            self.to.tell("unsupported-method");
        }
        let mut extents = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let cut = piece.start.min(len)..piece.end.min(len);
            if cut.end - cut.start < piece.end - piece.start {
                self.to.tell("incomplete-child");
            }
            if !cut.is_empty() {
                self.space.claim(cut.clone());
                extents.push(Extent::of(cut));
            }
        }
        self.to.hand_over(meta, extents)
    }

    /// Boot images that the tree does not name are children `[boot]/n`.
    fn boot_catalog(&mut self, at: u64) -> Result<(), InspectError> {
        let Some(validation) = self.to.window.array::<32>(at)? else { return Ok(()) };
        if validation[0] != 1 || validation[30..32] != [0x55, 0xAA] {
            self.to.tell_at("bad-entry", at);
            return Ok(());
        }
        self.claim(at..at + 32)?;
        self.to.comment(at + 4..at + 28)?;
        let starts: HashMap<u64, u64> = self.files.iter().copied().collect();
        let mut number = 0;
        for i in 1..64 {
            let place = at + i * 32;
            let Some(b) = self.to.window.array::<32>(place)? else { break };
            match b[0] {
                0x88 => {}
                // A header of a section, or more criteria of an entry.
                0x90 | 0x91 | 0x44 => {
                    self.claim(place..place + 32)?;
                    continue;
                }
                _ if b.iter().all(|&x| x == 0) => break,
                // Not bootable, yet an entry.
                0 => {}
                _ => break,
            }
            self.claim(place..place + 32)?;
            number += 1;
            let start = u64::from(le32(&b, 8)) * SECTOR;
            let len = match b[1] & 15 {
                1 => 1_228_800,
                2 => 1_474_560,
                3 => 2_949_120,
                _ => u64::from(le16(&b, 6)).max(1) * 512,
            };
            if start == 0 || start >= self.to.len() || starts.contains_key(&start) {
                continue;
            }
            let range = start..(start + len).min(self.to.len());
            self.space.claim(range.clone());
            let meta = self.to.child(format!("[boot]/{number}").as_bytes());
            self.to.hand_over(meta, vec![Extent::of(range)])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
