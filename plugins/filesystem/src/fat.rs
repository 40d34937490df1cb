//! FAT12, FAT16 and FAT32, with long names. Files are extents of the image; free clusters, slack and deleted entries are free space.
//!
//! Source: Microsoft's FAT32 File System Specification (2000, released with the EFI specification); ECMA-107.

mod names;
pub(crate) use names::time;

use std::collections::HashSet;
use std::ops::Range;

use yumen_kit_container::window::num::{le16, le32};
use yumen_kit_container::{Container, FormatReader, Window};
use yumen_model::{
    Artifact, Certainty, Context, Extent, Format, Identity, InspectError, Inspection, InventoryItem, Probe, kind::kinds,
};

use crate::space::Space;
use crate::trailer::after_image;

/// Reads FAT images.
pub(crate) struct Fat;

const FORMATS: &[Format] = &[Format {
    name: "fat",
    title: "FAT12, FAT16 or FAT32 file system",
    media_type: "application/octet-stream",
    extensions: &["vfat", "fat16", "fat32"],
    magic: "a BIOS parameter block whose fields agree, and a FAT that begins with its media byte",
    reference: "Microsoft FAT32 File System Specification 1.03; ECMA-107",
    evidence: "its files as children; the label as a property; free clusters, slack and deleted entries under `[unallocated]`",
    limitations: &[
        "short names that are not ASCII are taken for GBK if they are valid GBK, else for code page 437",
        "times are given as if they were UTC: the format does not tell the zone",
        "extended attributes of OS/2 are handed over as the file they are in",
    ],
}];

impl FormatReader for Fat {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let layout = Layout::parse(probe.head)?;
        let first = probe.blob.bytes(layout.fat_at..layout.fat_at + 4).ok()?;
        (first.len() == 4 && first[0] == layout.media && first[1] == 0xFF && (layout.bits == 12 || first[2] >= 0xF0))
            .then(|| Identity::new("fat", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

/// Where everything is, from the boot sector.
#[derive(Clone, Debug)]
struct Layout {
    sector: u64,
    cluster: u64,
    media: u8,
    /// Bits of an entry of the FAT.
    bits: u32,
    fats: u64,
    fat_at: u64,
    fat_len: u64,
    /// The root directory of FAT12 and FAT16.
    root: Range<u64>,
    root_cluster: u32,
    data_at: u64,
    clusters: u32,
    end: u64,
    info_sector: u16,
    backup_sector: u16,
}

impl Layout {
    fn parse(b: &[u8]) -> Option<Layout> {
        if b.len() < 512 {
            return None;
        }
        let sector = u64::from(le16(b, 11));
        let per_cluster = u64::from(b[13]);
        let (reserved, fats) = (u64::from(le16(b, 14)), u64::from(b[16]));
        let (root_entries, media) = (u64::from(le16(b, 17)), b[21]);
        let total = match le16(b, 19) {
            0 => u64::from(le32(b, 32)),
            n => u64::from(n),
        };
        let (short, long) = (u64::from(le16(b, 22)), u64::from(le32(b, 36)));
        let wide = short == 0;
        let per_fat = if wide { long } else { short };
        let jump = matches!((b[0], b[2]), (0xEB, 0x90) | (0xE9, _)) || b[0] == 0xEB && b[1] >= 0x1C;
        let named = b[54..62].starts_with(b"FAT") || b[82..90].starts_with(b"FAT");
        let signed = b[510] == 0x55 && b[511] == 0xAA;
        let sane = sector.is_power_of_two()
            && (128..=4096).contains(&sector)
            && per_cluster.is_power_of_two()
            && reserved > 0
            && (1..=4).contains(&fats)
            && (media == 0xF0 || media >= 0xF8)
            && total > 0
            && per_fat > 0
            && (wide || root_entries > 0)
            && (jump || named)
            && (signed || jump && !wide)
            && !matches!(&b[3..11], b"NTFS    " | b"EXFAT   " | b"-FVE-FS-");
        if !sane || wide && (le16(b, 42) != 0 || root_entries != 0 && !named) {
            return None;
        }
        let root_sectors = (root_entries * 32).div_ceil(sector);
        let data = reserved + fats * per_fat + if wide { 0 } else { root_sectors };
        let clusters = total.checked_sub(data)? / per_cluster;
        let bits = match clusters {
            _ if wide => 32,
            0..4085 => 12,
            _ => 16,
        };
        let clusters = u32::try_from(clusters).ok().filter(|&n| n > 0 && n < 0x0FFF_FFF0)?;
        // Some tools leave the table a little short; what it does not hold can't be in use.
        let holds = per_fat * sector * 8 / u64::from(bits);
        let root_at = (reserved + fats * per_fat) * sector;
        (holds >= 2).then(|| Layout {
            sector,
            cluster: per_cluster * sector,
            media,
            bits,
            fats,
            fat_at: reserved * sector,
            fat_len: per_fat * sector,
            root: if wide { 0..0 } else { root_at..root_at + root_entries * 32 },
            root_cluster: if wide { le32(b, 44) } else { 0 },
            data_at: data * sector,
            clusters: u64::from(clusters).min(holds - 2) as u32,
            end: total * sector,
            info_sector: if wide { le16(b, 48) } else { 0 },
            backup_sector: if wide { le16(b, 50) } else { 0 },
        })
    }

    fn cluster_at(&self, cluster: u32) -> u64 {
        self.data_at + u64::from(cluster - 2) * self.cluster
    }

    fn is_cluster(&self, cluster: u32) -> bool {
        cluster >= 2 && cluster - 2 < self.clusters
    }
}

fn run(to: &mut Container<'_>) -> Result<(), InspectError> {
    let head = to.window.get(0, 512)?.to_vec();
    let Some(layout) = Layout::parse(&head) else {
        return Err(InspectError::corrupt(0, "the boot sector is broken"));
    };
    let fat = Window::new(to.blob);
    let mut reader = Reader { to, layout, fat, space: Space::default(), folders: Vec::new(), seen: HashSet::new() };
    reader.run(&head)?;
    let Reader { space, layout, .. } = reader;
    let end = layout.end.min(to.len());
    for gap in space.gaps(0..end) {
        to.unallocated(gap)?;
    }
    if layout.end > to.len() {
        to.tell_at("truncated", to.len());
    }
    after_image(to, end)
}

struct Folder {
    cluster: u32,
    path: Vec<u8>,
}

struct Reader<'r, 'a> {
    to: &'r mut Container<'a>,
    layout: Layout,
    fat: Window<'a>,
    space: Space,
    folders: Vec<Folder>,
    /// First clusters of the directories met.
    seen: HashSet<u32>,
}

/// A short entry with what the long ones before it said.
struct Entry {
    name: Vec<u8>,
    attributes: u8,
    cluster: u32,
    size: u32,
    modified: i64,
}

impl Reader<'_, '_> {
    fn run(&mut self, head: &[u8]) -> Result<(), InspectError> {
        self.reserved(head)?;
        self.tables()?;
        let mut label = names::label(if self.layout.bits == 32 { &head[71..82] } else { &head[43..54] });
        if self.layout.bits == 32 {
            self.folders.push(Folder { cluster: self.layout.root_cluster, path: Vec::new() });
            self.seen.insert(self.layout.root_cluster);
        } else {
            let mut state = names::Long::default();
            let root = self.layout.root.clone();
            if let Some(found) = self.entries(root, &[], &mut state)?.1 {
                label = found;
            }
        }
        let mut first = self.layout.bits == 32;
        while let Some(folder) = self.folders.pop() {
            let found = self.folder(&folder)?;
            if let Some(found) = found.filter(|_| first) {
                label = found;
            }
            first = false;
        }
        let format = format!("fat{}", self.layout.bits);
        let item = InventoryItem::new(kinds::FIRMWARE_IMAGE).with("format", format).with("label", label).at(0, 512);
        self.to.inventory(item);
        Ok(())
    }

    fn claim(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        self.space.claim(range.clone());
        self.to.container(range)
    }

    fn reserved(&mut self, head: &[u8]) -> Result<(), InspectError> {
        let fields = if self.layout.bits == 32 { 90 } else { 62 };
        self.claim(0..fields)?;
        self.claim(510..512)?;
        let sector = self.layout.sector;
        if self.layout.backup_sector > 0 {
            let at = u64::from(self.layout.backup_sector) * sector;
            if at + 512 <= self.layout.fat_at && self.to.window.get(at, 90)? == &head[..90] {
                self.claim(at..at + 90)?;
                self.claim(at + 510..at + 512)?;
            }
        }
        let info = u64::from(self.layout.info_sector);
        for at in [info * sector, (info + u64::from(self.layout.backup_sector)) * sector] {
            let b = self.to.window.get(at, 512)?;
            if at > 0 && at + 512 <= self.layout.fat_at && le32(b, 0) == 0x4161_5252 && le32(b, 484) == 0x6141_7272 {
                self.claim(at..at + 4)?;
                self.claim(at + 484..at + 512)?;
            }
        }
        Ok(())
    }

    /// The FATs: the first as far as it has entries, the others as far as they say the same.
    fn tables(&mut self) -> Result<(), InspectError> {
        let l = self.layout.clone();
        let used = ((u64::from(l.clusters) + 2) * u64::from(l.bits)).div_ceil(8).min(l.fat_len);
        self.claim(l.fat_at..(l.fat_at + used).min(self.to.len()))?;
        for copy in 1..l.fats {
            let mut at = 0;
            while at < used {
                let n = (used - at).min(1 << 16);
                let read = |from: u64| self.to.blob.bytes(from..from + n).map_err(|e| InspectError::read(from, &e));
                let other = l.fat_at + copy * l.fat_len + at;
                if other + n > self.to.len() {
                    return Ok(());
                }
                if read(l.fat_at + at)? == read(other)? {
                    self.claim(other..other + n)?;
                }
                at += n;
            }
        }
        Ok(())
    }

    /// What the FAT says of a cluster: the next one, or none at the end of a chain and where it makes no sense.
    fn next(&mut self, cluster: u32) -> Result<Result<u32, bool>, InspectError> {
        let n = u64::from(cluster);
        let (at, end) = match self.layout.bits {
            12 => (n * 3 / 2, 0xFF8),
            16 => (n * 2, 0xFFF8),
            _ => (n * 4, 0x0FFF_FFF8),
        };
        let b = self.fat.get(self.layout.fat_at + at, 4)?;
        let value = match self.layout.bits {
            12 if cluster % 2 == 1 => u32::from(le16(b, 0) >> 4),
            12 => u32::from(le16(b, 0) & 0xFFF),
            16 => u32::from(le16(b, 0)),
            _ => le32(b, 0) & 0x0FFF_FFFF,
        };
        Ok(if self.layout.is_cluster(value) { Ok(value) } else { Err(value >= end) })
    }

    /// Up to `most` clusters of a chain as byte ranges, joined, and whether it ended as it should.
    fn chain(&mut self, start: u32, most: u64) -> Result<(Vec<Range<u64>>, bool), InspectError> {
        let mut runs: Vec<Range<u64>> = Vec::new();
        let (mut at, mut count) = (start, 0);
        if !self.layout.is_cluster(start) {
            return Ok((runs, false));
        }
        // A chain that is longer than there are clusters goes round in a circle.
        let most = most.min(u64::from(self.layout.clusters));
        while count < most {
            let from = self.layout.cluster_at(at);
            match runs.last_mut() {
                Some(last) if last.end == from => last.end += self.layout.cluster,
                _ => runs.push(from..from + self.layout.cluster),
            }
            count += 1;
            match self.next(at)? {
                Ok(next) => at = next,
                Err(ended) => return Ok((runs, ended)),
            }
        }
        Ok((runs, true))
    }

    fn folder(&mut self, folder: &Folder) -> Result<Option<String>, InspectError> {
        // 65,536 entries are the most; leave room for odd makers.
        let most = (16u64 << 20) / self.layout.cluster;
        let (runs, ended) = self.chain(folder.cluster, most.max(1))?;
        if !ended {
            self.to.tell("bad-entry");
        }
        let mut state = names::Long::default();
        let mut label = None;
        for run in runs {
            let (more, found) = self.entries(run, &folder.path, &mut state)?;
            label = label.or(found);
            if !more {
                break;
            }
        }
        Ok(label)
    }

    /// Reads the entries in a range; whether the directory goes on behind it, and the label if one is there.
    fn entries(
        &mut self,
        range: Range<u64>,
        path: &[u8],
        state: &mut names::Long,
    ) -> Result<(bool, Option<String>), InspectError> {
        let mut label = None;
        let mut at = range.start;
        while at + 32 <= range.end.min(self.to.len()) {
            let Some(b) = self.to.window.array::<32>(at)? else { break };
            let place = at..at + 32;
            at += 32;
            match (b[0], b[11]) {
                (0, _) => return Ok((false, label)),
                // Deleted: what stands here is left over.
                (0xE5, _) => state.clear(),
                (_, a) if a & 0x3F == 0x0F => state.add(&b, place),
                (_, a) if a & 0x18 == 0x08 => {
                    state.clear();
                    label = Some(names::label(&b[..11]));
                    self.claim(place)?;
                }
                _ => {
                    let plausible = b[..11].iter().all(|&c| c >= 0x20 || c == 0x05) && b[11] & 0xC0 == 0;
                    if !plausible {
                        self.to.tell_at("bad-entry", place.start);
                        state.clear();
                        continue;
                    }
                    let long = state.take(&b);
                    self.claim(place)?;
                    if b[..11] == *b".          " || b[..11] == *b"..         " {
                        continue;
                    }
                    let name = match long {
                        Some((name, places)) => {
                            for place in places {
                                self.claim(place)?;
                            }
                            name
                        }
                        None => names::short(&b),
                    };
                    let high = if self.layout.bits == 32 { u32::from(le16(&b, 20)) << 16 } else { 0 };
                    let entry = Entry {
                        name: name.into_bytes(),
                        attributes: b[11],
                        cluster: high | u32::from(le16(&b, 26)),
                        size: le32(&b, 28),
                        modified: names::time(le16(&b, 24), le16(&b, 22)),
                    };
                    self.entry(path, &entry)?;
                }
            }
        }
        Ok((true, label))
    }

    fn entry(&mut self, path: &[u8], entry: &Entry) -> Result<(), InspectError> {
        let mut full = if path.len() > 4096 { b"[deep]".to_vec() } else { path.to_vec() };
        if !full.is_empty() {
            full.push(b'/');
        }
        full.extend(entry.name.iter().map(|&b| if b == b'/' { b'_' } else { b }));
        if entry.attributes & 0x10 != 0 {
            self.to.tell("directory-entries");
            if self.layout.is_cluster(entry.cluster) && self.seen.insert(entry.cluster) {
                self.folders.push(Folder { cluster: entry.cluster, path: full });
            } else {
                self.to.tell("bad-entry");
            }
            return Ok(());
        }
        let size = u64::from(entry.size);
        let mut meta = self.to.child(&full);
        meta.attributes.insert("mtime".to_owned(), entry.modified.into());
        meta.attributes.insert("dos_attributes".to_owned(), entry.attributes.into());
        if size == 0 {
            return self.to.hand_over(meta, Vec::new());
        }
        let (runs, _) = self.chain(entry.cluster, size.div_ceil(self.layout.cluster))?;
        let mut left = size;
        let mut extents = Vec::with_capacity(runs.len());
        for run in runs {
            let end = run.end.min(run.start + left).min(self.to.len());
            if end <= run.start {
                break;
            }
            self.space.claim(run.start..end);
            left -= end - run.start;
            extents.push(Extent::of(run.start..end));
        }
        if left > 0 {
            self.to.tell("incomplete-child");
        }
        self.to.hand_over(meta, extents)
    }
}

#[cfg(test)]
mod tests;
