//! ext2, ext3 and ext4. Files are extents of the image; holes are holes. What is not reached by any structure in use (free blocks, slack, deleted
//! directory entries and inodes, the journal) is free space, whatever the bitmaps say.
//!
//! Source: the kernel's Documentation/filesystems/ext4 ("Data Structures and Algorithms"), fscrypt and fsverity documents beside it.

mod dir;
mod inode;
mod map;
mod superblock;
mod tables;
mod xattr;

use std::collections::{HashMap, HashSet};

use yumen_kit_container::window::num::le32;
use yumen_kit_container::{Container, FormatReader, Window};
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe, kind::kinds,
};

use crate::space::Space;
use crate::trailer::after_image;
use inode::Inode;
use superblock::Super;

/// Reads ext2/3/4 images.
pub(crate) struct Ext4;

const FORMATS: &[Format] = &[Format {
    name: "ext4",
    title: "ext2, ext3 or ext4 file system",
    media_type: "application/octet-stream",
    extensions: &["ext2", "ext3", "ext4"],
    magic: "EF53 at byte 1080 with plausible fields around it; a backup superblock where the first one is broken",
    reference: "Linux kernel documentation, ext4 Data Structures and Algorithms",
    evidence: "its files as children (unreferenced ones under `[orphan]`), labels, link targets and extended attributes as text; free blocks, slack, deleted entries and the journal under `[unallocated]`",
    limitations: &[
        "the journal is not replayed: its blocks are inspected as raw bytes",
        "the content of encrypted (fscrypt) files is told as encrypted, their names stand in base64",
        "e2compr-compressed files are handed over as they are stored",
        "of the metadata checksums the superblock's alone is checked",
        "an external journal device is recognised, its blocks are inspected as raw bytes",
    ],
}];

impl FormatReader for Ext4 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if probe.head.get(1024..2048).and_then(|b| Super::parse(b, probe.blob.len())).is_some() {
            return Some(Identity::new("ext4", Certainty::Signature));
        }
        let cut = probe.head.get(1024..).is_some_and(|b| b.len() < 1024 && b.len() >= 0x60 && Super::looks_like(b));
        (cut || superblock::backup(probe.blob).is_some()).then(|| Identity::new("ext4", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let primary = to.window.get(1024, 1024)?;
    let (at, sb) = match Super::parse(primary, len) {
        Some(sb) => (1024, sb),
        None => match superblock::backup(to.blob) {
            Some(found) => {
                to.tell_at("corrupt", 1024);
                found
            }
            None if len < 2048 => return Err(InspectError::corrupt(len, "the superblock is cut short")),
            None => return Err(InspectError::corrupt(1024, "the superblock is broken")),
        },
    };
    let (inodes, gdt) = (Window::new(to.blob), Window::new(to.blob));
    let mut reader = Reader {
        to,
        sb,
        inodes,
        gdt,
        space: Space::default(),
        seen: HashMap::new(),
        shared: HashSet::new(),
        dirs: Vec::new(),
    };
    let result = reader.run(at);
    let Reader { sb, space, .. } = reader;
    // What could be read stands, and the rest of the image is swept all the same.
    if result.is_err() && to.stopped() {
        return result;
    }
    let end = sb.len().min(len);
    for gap in space.gaps(0..end) {
        to.unallocated(gap)?;
    }
    if sb.len() > len {
        to.tell_at("truncated", len);
    }
    after_image(to, end)?;
    result
}

/// The state of one inspection.
struct Reader<'r, 'a> {
    to: &'r mut Container<'a>,
    sb: Super,
    /// Inodes and directories are read in turns, so each has a window of its own.
    inodes: Window<'a>,
    gdt: Window<'a>,
    space: Space,
    /// Inodes that were reached, 64 to a word.
    seen: HashMap<u32, u64>,
    /// Blocks of attributes and inodes of large values that were read: many inodes share them.
    shared: HashSet<u64>,
    /// Directories that wait to be read, with their path.
    dirs: Vec<Folder>,
}

struct Folder {
    inode: u32,
    path: Vec<u8>,
}

impl Reader<'_, '_> {
    fn run(&mut self, at: u64) -> Result<(), InspectError> {
        self.superblocks(at)?;
        if self.sb.is_journal_device() {
            // Blocks of other file systems, old metadata and data alike: all of it is left over.
            return Ok(());
        }
        self.groups()?;
        self.walk(2, Vec::new())?;
        self.tables()
    }

    fn superblocks(&mut self, at: u64) -> Result<(), InspectError> {
        let bytes = self.to.window.array::<1024>(at)?.unwrap_or([0; 1024]);
        self.space.claim(at..at + 1024);
        self.to.container(at..at + 1024)?;
        // Texts that people and tools left here.
        for (from, len) in [(0x78, 16), (0x88, 64), (0x1A8, 32), (0x1DC, 32), (0x200, 64)] {
            let text = &bytes[from..from + len];
            let used = text.iter().position(|&b| b == 0).unwrap_or(len);
            if used > 0 {
                self.to.comment(at + from as u64..at + (from + used) as u64)?;
            }
        }
        if self.sb.checksum_differs(&bytes) {
            self.to.tell_at("checksum-mismatch", at);
        }
        if self.sb.incompat & superblock::RECOVER != 0 {
            self.to.tell("journal-not-replayed");
        }
        let label = bytes[0x78..0x88].split(|&b| b == 0).next().unwrap_or(&[]);
        let mounted = bytes[0x88..0xC8].split(|&b| b == 0).next().unwrap_or(&[]);
        let item = InventoryItem::new(kinds::FIRMWARE_IMAGE)
            .with("format", "ext4")
            .with("label", String::from_utf8_lossy(label))
            .with("last_mounted", String::from_utf8_lossy(mounted))
            .at(at, at + 1024);
        self.to.inventory(item);
        let mmp = le32(&bytes, 0x168);
        if self.sb.incompat & superblock::MMP != 0 && mmp != 0 {
            self.claim_blocks(u64::from(mmp), 1)?;
        }
        Ok(())
    }

    /// Claims whole blocks as structure.
    fn claim_blocks(&mut self, first: u64, count: u64) -> Result<(), InspectError> {
        let Some(start) = first.checked_mul(self.sb.block) else { return Ok(()) };
        let end = start.saturating_add(count.saturating_mul(self.sb.block)).min(self.to.len());
        if start < end {
            self.space.claim(start..end);
            self.to.container(start..end)?;
        }
        Ok(())
    }

    /// Claims a range as structure.
    fn claim(&mut self, range: std::ops::Range<u64>) -> Result<(), InspectError> {
        self.space.claim(range.clone());
        self.to.container(range)
    }

    /// Marks an inode as reached; false when it was before.
    fn reach(&mut self, number: u32) -> bool {
        let word = self.seen.entry(number / 64).or_insert(0);
        let bit = 1u64 << (number % 64);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    fn reached(&self, number: u32) -> bool {
        self.seen.get(&(number / 64)).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Reads an inode of the image.
    fn inode(&mut self, number: u32) -> Result<Option<Inode>, InspectError> {
        if number == 0 || number > self.sb.inodes {
            return Ok(None);
        }
        let (group, index) = ((number - 1) / self.sb.inodes_per_group, (number - 1) % self.sb.inodes_per_group);
        let Some(desc) = self.desc(group)? else { return Ok(None) };
        let at = desc.inode_table.checked_mul(self.sb.block).map(|t| t + u64::from(index) * self.sb.inode_size);
        let Some(at) = at else { return Ok(None) };
        let bytes = self.inodes.get(at, self.sb.inode_size as usize)?;
        Ok(Inode::parse(number, at, bytes))
    }
}

#[cfg(test)]
mod tests;
