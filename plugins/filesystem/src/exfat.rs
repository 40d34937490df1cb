//! exFAT. Files are extents of the image; free clusters, slack, deleted entries and what lies behind a file's valid length are free space.
//!
//! Source: Microsoft's exFAT file system specification (2019).

use std::collections::HashSet;
use std::ops::Range;

use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_kit_container::{Container, FormatReader, Window};
use yumen_model::{
    Artifact, Certainty, Context, Extent, Format, Identity, InspectError, Inspection, InventoryItem, Probe, kind::kinds,
};

use crate::fat::time;
use crate::space::Space;
use crate::trailer::after_image;

/// Reads exFAT images.
pub(crate) struct ExFat;

const FORMATS: &[Format] = &[Format {
    name: "exfat",
    title: "exFAT file system",
    media_type: "application/octet-stream",
    extensions: &["exfat"],
    magic: "`EXFAT   ` at byte 3, zeros up to byte 64, and fields that agree",
    reference: "Microsoft exFAT file system specification",
    evidence: "its files as children; the label as a property; free clusters, slack and deleted entries under `[unallocated]`",
    limitations: &["TexFAT's second table is not read", "times are given as if they were UTC"],
}];

/// A directory longer than this goes round in a circle: 256 MiB are the most.
const MAX_DIRECTORY: u64 = 256 << 20;

impl FormatReader for ExFat {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        Layout::parse(probe.head).map(|_| Identity::new("exfat", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

#[derive(Clone, Debug)]
struct Layout {
    sector: u64,
    cluster: u64,
    fat_at: u64,
    fats: u64,
    fat_len: u64,
    heap_at: u64,
    clusters: u32,
    root: u32,
    end: u64,
}

impl Layout {
    fn parse(b: &[u8]) -> Option<Layout> {
        if b.len() < 512 || &b[3..11] != b"EXFAT   " || b[11..64].iter().any(|&x| x != 0) {
            return None;
        }
        let (sector_bits, cluster_bits) = (u32::from(b[108]), u32::from(b[109]));
        if !(9..=12).contains(&sector_bits) || sector_bits + cluster_bits > 25 || !(1..=2).contains(&b[110]) {
            return None;
        }
        let sector = 1u64 << sector_bits;
        let layout = Layout {
            sector,
            cluster: sector << cluster_bits,
            fat_at: u64::from(le32(b, 80)) * sector,
            fats: u64::from(b[110]),
            fat_len: u64::from(le32(b, 84)) * sector,
            heap_at: u64::from(le32(b, 88)) * sector,
            clusters: le32(b, 92),
            root: le32(b, 96),
            end: le64(b, 72).checked_mul(sector)?,
        };
        let sane = layout.fat_at >= 24 * sector
            && layout.heap_at >= layout.fat_at
            && layout.clusters > 0
            && layout.clusters < 0xFFFF_FFF6
            && layout.end >= layout.heap_at;
        sane.then_some(layout)
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
    reader.boot()?;
    reader.root()?;
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
    data: Data,
    path: String,
}

/// Where the bytes of a file or directory are.
#[derive(Clone, Copy, Debug)]
struct Data {
    cluster: u32,
    len: u64,
    contiguous: bool,
}

struct Reader<'r, 'a> {
    to: &'r mut Container<'a>,
    layout: Layout,
    fat: Window<'a>,
    space: Space,
    folders: Vec<Folder>,
    seen: HashSet<u32>,
}

/// The entries of one file, as they gather.
#[derive(Default)]
struct Set {
    first: [u8; 32],
    stream: [u8; 32],
    units: Vec<u16>,
    places: Vec<Range<u64>>,
    /// Entries still to come.
    left: u8,
    checksum: u16,
}

impl Reader<'_, '_> {
    fn claim(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        self.space.claim(range.clone());
        self.to.container(range)
    }

    /// The boot region and its copy, and the FAT.
    fn boot(&mut self) -> Result<(), InspectError> {
        let l = self.layout.clone();
        for base in [0, 12 * l.sector] {
            if self.to.window.get(base, 11)?.get(3..11) != Some(b"EXFAT   ") {
                continue;
            }
            self.claim(base..base + 120)?;
            self.claim(base + 510..base + 512)?;
            for i in 1..9 {
                let end = base + (i + 1) * l.sector;
                if self.to.window.get(end - 4, 4)? == [0, 0, 0x55, 0xAA] {
                    self.claim(end - 4..end)?;
                }
            }
            let boot = self.to.blob.bytes(base..base + 11 * l.sector).map_err(|e| InspectError::read(base, &e))?;
            let sum = boot
                .iter()
                .enumerate()
                .filter(|(i, _)| !matches!(i, 106 | 107 | 112))
                .fold(0u32, |sum, (_, &b)| sum.rotate_right(1).wrapping_add(u32::from(b)));
            let at = base + 11 * l.sector;
            let sums = self.to.window.get(at, l.sector as usize)?;
            if !sums.is_empty() && sums.chunks(4).all(|c| c == sum.to_le_bytes()) {
                self.claim(at..at + l.sector)?;
            } else {
                self.to.tell_at("checksum-mismatch", at);
            }
        }
        let used = ((u64::from(l.clusters) + 2) * 4).min(l.fat_len);
        for copy in 0..l.fats {
            let at = l.fat_at + copy * l.fat_len;
            self.claim(at..(at + used).min(self.to.len()))?;
        }
        Ok(())
    }

    /// Byte ranges of the data, cut at its length; whether all of it is there.
    fn ranges(&mut self, data: Data) -> Result<(Vec<Range<u64>>, bool), InspectError> {
        let l = self.layout.clone();
        let count = data.len.div_ceil(l.cluster).min(u64::from(l.clusters));
        let mut runs: Vec<Range<u64>> = Vec::new();
        if count == 0 || !l.is_cluster(data.cluster) {
            return Ok((runs, data.len == 0));
        }
        let place = |cluster: u32| l.heap_at + u64::from(cluster - 2) * l.cluster;
        if data.contiguous {
            let start = place(data.cluster);
            runs.push(start..start + (count * l.cluster).min(data.len));
        } else {
            let (mut at, mut left) = (data.cluster, data.len);
            for _ in 0..count {
                let start = place(at);
                let n = left.min(l.cluster);
                match runs.last_mut() {
                    Some(last) if last.end == start => last.end += n,
                    _ => runs.push(start..start + n),
                }
                left -= n;
                at = le32(self.fat.get(l.fat_at + u64::from(at) * 4, 4)?, 0);
                if !l.is_cluster(at) {
                    break;
                }
            }
        }
        let len = self.to.len();
        runs.iter_mut().for_each(|r| *r = r.start.min(len)..r.end.min(len));
        runs.retain(|r| !r.is_empty());
        let found: u64 = runs.iter().map(|r| r.end - r.start).sum();
        Ok((runs, found == data.len))
    }

    fn root(&mut self) -> Result<(), InspectError> {
        let root = Data { cluster: self.layout.root, len: 0, contiguous: false };
        // The root's length stands nowhere: its chain tells.
        let mut clusters = 0u64;
        let mut at = root.cluster;
        while self.layout.is_cluster(at) && clusters * self.layout.cluster < MAX_DIRECTORY {
            clusters += 1;
            at = le32(self.fat.get(self.layout.fat_at + u64::from(at) * 4, 4)?, 0);
        }
        self.seen.insert(root.cluster);
        let root = Data { len: clusters * self.layout.cluster, ..root };
        self.folders.push(Folder { data: root, path: String::new() });
        let mut label = String::new();
        while let Some(folder) = self.folders.pop() {
            self.folder(&folder, &mut label)?;
        }
        let item = InventoryItem::new(kinds::FIRMWARE_IMAGE).with("format", "exfat").with("label", label).at(0, 512);
        self.to.inventory(item);
        Ok(())
    }

    fn folder(&mut self, folder: &Folder, label: &mut String) -> Result<(), InspectError> {
        let (runs, whole) = self.ranges(folder.data)?;
        if !whole {
            self.to.tell("bad-entry");
        }
        let mut set = Set::default();
        for run in runs {
            let mut at = run.start;
            while at + 32 <= run.end {
                let Some(b) = self.to.window.array::<32>(at)? else { return Ok(()) };
                let place = at..at + 32;
                at += 32;
                if b[0] == 0 {
                    return Ok(());
                }
                if b[0] & 0x80 == 0 {
                    // Deleted: what stands here is left over.
                    set = Set::default();
                    continue;
                }
                self.entry(folder, &mut set, &b, place, label)?;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        folder: &Folder,
        set: &mut Set,
        b: &[u8; 32],
        place: Range<u64>,
        label: &mut String,
    ) -> Result<(), InspectError> {
        match b[0] {
            0x85 => {
                *set = Set { first: *b, left: b[1], checksum: le16(b, 2), ..Set::default() };
                set.places.push(place);
            }
            0xC0 | 0xC1 if set.left > 0 => {
                set.left -= 1;
                set.places.push(place);
                if b[0] == 0xC0 {
                    set.stream = *b;
                } else {
                    set.units.extend(b[2..].chunks_exact(2).map(|u| le16(u, 0)));
                }
            }
            // Vendors' own, within a set.
            0xE0..=0xFF if set.left > 0 => {
                set.left -= 1;
                set.places.push(place);
            }
            0x81 | 0x82 => {
                self.claim(place)?;
                // One bit a cluster; two bytes a character of the plane that names are written in.
                let most = if b[0] == 0x81 { u64::from(self.layout.clusters).div_ceil(8) } else { 128 << 10 };
                let len = le64(b, 24).min(most);
                let (runs, _) = self.ranges(Data { cluster: le32(b, 20), len, contiguous: false })?;
                for run in runs {
                    self.claim(run)?;
                }
            }
            0x83 => {
                let units: Vec<u16> =
                    b[2..24].chunks_exact(2).take(usize::from(b[1]).min(11)).map(|u| le16(u, 0)).collect();
                *label = String::from_utf16_lossy(&units);
                // A text that is not UTF-8: as free space it is swept in any encoding.
                self.claim(place.start..place.start + 2)?;
                self.to.unallocated(place.start + 2..place.end)?;
                self.space.claim(place);
            }
            0xA0 => self.claim(place)?,
            _ => {
                self.to.tell_at("bad-entry", place.start);
                *set = Set::default();
            }
        }
        if set.left == 0 && set.stream[0] == 0xC0 {
            let set = std::mem::take(set);
            self.file(folder, &set)?;
        }
        Ok(())
    }

    fn file(&mut self, folder: &Folder, set: &Set) -> Result<(), InspectError> {
        for place in &set.places {
            self.claim(place.clone())?;
        }
        let sum = self.set_checksum(set)?;
        if sum != set.checksum {
            self.to.tell_at("checksum-mismatch", set.places.first().map_or(0, |p| p.start));
        }
        let name_len = usize::from(set.stream[3]).min(set.units.len());
        let name = String::from_utf16_lossy(&set.units[..name_len]).replace('/', "_");
        let base = if folder.path.len() > 4096 { "[deep]" } else { &folder.path };
        let path = if base.is_empty() { name } else { format!("{base}/{name}") };
        let (valid, len) = (le64(&set.stream, 8), le64(&set.stream, 24));
        let data = Data { cluster: le32(&set.stream, 20), len, contiguous: set.stream[1] & 2 != 0 };
        if le16(&set.first, 4) & 0x10 != 0 {
            self.to.tell("directory-entries");
            if len == 0 {
                return Ok(());
            }
            if self.layout.is_cluster(data.cluster) && len <= MAX_DIRECTORY && self.seen.insert(data.cluster) {
                self.folders.push(Folder { data, path });
            } else {
                self.to.tell("bad-entry");
            }
            return Ok(());
        }
        let mut meta = self.to.child(path.as_bytes());
        let modified = time(le16(&set.first, 14), le16(&set.first, 12));
        meta.attributes.insert("mtime".to_owned(), modified.into());
        meta.attributes.insert("dos_attributes".to_owned(), le16(&set.first, 4).into());
        let (runs, whole) = self.ranges(data)?;
        if !whole {
            self.to.tell("incomplete-child");
        }
        // What lies behind the valid length reads as zeros; its clusters hold what they held before.
        let mut left = valid.min(len);
        let mut extents = Vec::with_capacity(runs.len() + 1);
        for run in runs {
            let end = run.end.min(run.start + left);
            if end <= run.start {
                break;
            }
            left -= end - run.start;
            self.space.claim(run.start..end);
            extents.push(Extent::of(run.start..end));
        }
        if whole && valid < len {
            extents.push(Extent::Zero { len: len - valid });
        }
        self.to.hand_over(meta, extents)
    }

    fn set_checksum(&mut self, set: &Set) -> Result<u16, InspectError> {
        let mut sum = 0u16;
        for (i, place) in set.places.iter().enumerate() {
            let b = self.to.window.array::<32>(place.start)?.unwrap_or([0; 32]);
            for (j, &byte) in b.iter().enumerate() {
                if i > 0 || (j != 2 && j != 3) {
                    sum = sum.rotate_right(1).wrapping_add(u16::from(byte));
                }
            }
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests;
