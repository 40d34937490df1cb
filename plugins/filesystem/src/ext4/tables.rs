//! Block groups: descriptors, bitmaps and inode tables.

use std::ops::Range;

use yumen_kit_container::window::num::{be32, le16, le32};
use yumen_model::InspectError;

use super::Reader;
use super::inode::{EA_INODE, Inode, Type};
use super::superblock::META_BG;

/// Copies of the superblock that are looked at.
const MAX_COPIES: u32 = 4096;

/// A group descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Desc {
    pub(super) block_bitmap: u64,
    pub(super) inode_bitmap: u64,
    pub(super) inode_table: u64,
    pub(super) flags: u16,
}

impl Reader<'_, '_> {
    /// The descriptor of a group; none where the table is cut off.
    pub(super) fn desc(&mut self, group: u32) -> Result<Option<Desc>, InspectError> {
        let (group, per_block, size) = (u64::from(group), self.sb.descs_per_block(), self.sb.desc_size);
        if group >= self.sb.groups() {
            return Ok(None);
        }
        let at = self
            .sb
            .desc_block(group / per_block)
            .saturating_mul(self.sb.block)
            .saturating_add(group % per_block * size);
        let b = self.gdt.get(at, size as usize)?;
        if (b.len() as u64) < size {
            return Ok(None);
        }
        let high = |low: usize, high: usize| {
            let upper = if size >= 64 { u64::from(le32(b, high)) } else { 0 };
            u64::from(le32(b, low)) | upper << 32
        };
        let flags = if self.sb.has_flags() { le16(b, 0x12) } else { 0 };
        Ok(Some(Desc { block_bitmap: high(0, 0x20), inode_bitmap: high(4, 0x24), inode_table: high(8, 0x28), flags }))
    }

    /// Claims the descriptors, their copies, and the bitmaps.
    pub(super) fn groups(&mut self) -> Result<(), InspectError> {
        let (block, len) = (self.sb.block, self.to.len());
        let groups = self.sb.groups();
        let desc_blocks = groups.div_ceil(self.sb.descs_per_block());
        for index in 0..desc_blocks {
            let at = self.sb.desc_block(index);
            if at.saturating_mul(block) >= len {
                break;
            }
            self.claim_blocks(at, 1)?;
            if self.sb.incompat & META_BG != 0 && index >= u64::from(self.sb.first_meta_bg) {
                let per = self.sb.descs_per_block();
                for group in [index * per + 1, index * per + per - 1] {
                    if group < groups {
                        let copy = self.sb.group_start(group) + u64::from(self.sb.has_super(group));
                        self.desc_copy(at, copy)?;
                    }
                }
            }
        }
        let mut copies = 0;
        for group in 1..groups {
            let start = self.sb.group_start(group);
            let at = start.saturating_mul(block);
            if at.saturating_add(1024) > len || copies >= MAX_COPIES {
                break;
            }
            if !self.sb.has_super(group) {
                continue;
            }
            copies += 1;
            let head = self.to.window.get(at, 1024)?;
            if le16(head, 0x38) == 0xEF53 && u64::from(le32(head, 4)) == self.sb.blocks & 0xFFFF_FFFF {
                self.claim(at..at + 1024)?;
            }
            let own = if self.sb.incompat & META_BG != 0 {
                desc_blocks.min(u64::from(self.sb.first_meta_bg))
            } else {
                desc_blocks
            };
            for index in 0..own {
                let copy = start + 1 + index;
                if copy.saturating_mul(block) >= len {
                    break;
                }
                self.desc_copy(self.sb.desc_block(index), copy)?;
            }
        }
        Ok(())
    }

    /// A copy of a block of descriptors is structure as far as it says the same; the counts in it go stale.
    fn desc_copy(&mut self, original: u64, copy: u64) -> Result<(), InspectError> {
        let (block, size) = (self.sb.block, self.sb.desc_size as usize);
        let (from, to) = (original.saturating_mul(block), copy.saturating_mul(block));
        if to.saturating_add(block) > self.to.len() || from.saturating_add(block) > self.to.len() {
            return Ok(());
        }
        let read = |at| self.to.blob.bytes(at..at + block).map_err(|e| InspectError::read(at, &e));
        let (a, b) = (read(from)?, read(to)?);
        let same = |x: &[u8], y: &[u8]| {
            let places = |d: &[u8]| (le32(d, 0), le32(d, 4), le32(d, 8));
            places(x) == places(y) && x.get(0x20..0x2C) == y.get(0x20..0x2C)
        };
        let agree = a.chunks(size).zip(b.chunks(size)).take_while(|(x, y)| same(x, y)).count() * size;
        self.claim(to..to + agree as u64)
    }

    /// Goes through the inode tables: attributes and link targets, inodes that no directory names, and unused entries that hold old ones.
    pub(super) fn tables(&mut self) -> Result<(), InspectError> {
        let groups = u32::try_from(self.sb.groups()).unwrap_or(u32::MAX);
        for group in 0..groups {
            let Some(desc) = self.desc(group)? else {
                self.to.tell_at("truncated", self.to.len());
                break;
            };
            if desc.flags & 2 == 0 {
                self.bitmap(desc.block_bitmap, u64::from(self.sb.clusters_per_group))?;
            }
            let bits = if desc.flags & 1 == 0 {
                self.bitmap(desc.inode_bitmap, u64::from(self.sb.inodes_per_group))?
            } else {
                Vec::new()
            };
            self.table(group, desc, &bits)?;
        }
        // Directories without a name were found on the way.
        Ok(())
    }

    /// Claims a bitmap with its padding; its bytes.
    fn bitmap(&mut self, block: u64, bits: u64) -> Result<Vec<u8>, InspectError> {
        let at = block.saturating_mul(self.sb.block);
        if block == 0 || block >= self.sb.blocks || at.saturating_add(self.sb.block) > self.to.len() {
            return Ok(Vec::new());
        }
        let bytes = self.to.blob.bytes(at..at + self.sb.block).map_err(|e| InspectError::read(at, &e))?;
        let used = bits.div_ceil(8).min(self.sb.block) as usize;
        let padded = bytes[used..].iter().all(|&b| b == 0xFF) || bytes[used..].iter().all(|&b| b == 0);
        self.claim(at..at + if padded { self.sb.block } else { used as u64 })?;
        Ok(bytes)
    }

    fn table(&mut self, group: u32, desc: Desc, bits: &[u8]) -> Result<(), InspectError> {
        let Some(start) = desc.inode_table.checked_mul(self.sb.block).filter(|&s| s != 0 && s < self.to.len()) else {
            return Ok(());
        };
        let per_group = self.sb.inodes_per_group;
        for index in 0..per_group {
            // Whole words of unused inodes are passed over.
            let number = u64::from(group) * u64::from(per_group) + u64::from(index) + 1;
            let Some(number) = u32::try_from(number).ok().filter(|&n| n <= self.sb.inodes) else { break };
            let set = bits.get(index as usize / 8).is_some_and(|b| b >> (index % 8) & 1 == 1);
            if !set && !self.reached(number) {
                continue;
            }
            let at = start + u64::from(index) * self.sb.inode_size;
            if at + self.sb.inode_size > self.to.len() {
                self.to.tell_at("truncated", self.to.len());
                break;
            }
            let bytes = self.inodes.get(at, self.sb.inode_size as usize)?;
            let Some(inode) = Inode::parse(number, at, bytes) else { break };
            self.used_inode(&inode)?;
        }
        Ok(())
    }

    fn used_inode(&mut self, inode: &Inode) -> Result<(), InspectError> {
        if inode.bytes.iter().all(|&b| b == 0) {
            return self.claim(inode.at..inode.at + inode.bytes.len() as u64);
        }
        let mut used: Vec<Range<usize>> = vec![0..0x28, 0x64..inode.fields_end()];
        if inode.kind() == Type::Link {
            self.link_target(inode, &mut used)?;
        } else {
            used.push(0x28..0x64);
        }
        self.inode_attributes(inode, &mut used)?;
        used.sort_unstable_by_key(|r| r.start);
        self.claim_parts(inode.at, &inode.bytes, &used)?;
        if self.special(inode)? || self.reached(inode.number) {
            return Ok(());
        }
        // In use, and no directory leads to it: deleted while open, or its directory is lost.
        let path = format!("[orphan]/{}", inode.number).into_bytes();
        match inode.kind() {
            Type::Directory => {
                self.to.tell_at("orphan-inodes", inode.at);
                self.walk(inode.number, path)?;
            }
            Type::File if !inode.is(EA_INODE) => {
                self.to.tell_at("orphan-inodes", inode.at);
                self.reach(inode.number);
                self.file(inode, &path)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Inodes of the file system's own; false for those of files.
    fn special(&mut self, inode: &Inode) -> Result<bool, InspectError> {
        let number = inode.number;
        let reserved = number < self.sb.first_inode && number != 2;
        if number == self.sb.journal_inode || (number == 8 && reserved) {
            // Its blocks hold old metadata and old data: they are free space, save its superblock.
            let map = self.map(inode)?;
            if let Some(run) = map.runs.first() {
                let at = run.physical.saturating_mul(self.sb.block);
                let head = self.to.window.get(at, 1024)?;
                if be32(head, 0) == 0xC03B_3998 && head.len() == 1024 {
                    self.claim(at..at + 1024)?;
                }
            }
            return Ok(true);
        }
        if self.sb.special.contains(&number) || matches!(number, 3 | 4) && reserved {
            let map = self.map(inode)?;
            let blocks = inode.size.div_ceil(self.sb.block);
            for run in map.runs {
                let len = run.len.min(blocks.saturating_sub(run.logical));
                self.claim_blocks(run.physical, len)?;
            }
            return Ok(true);
        }
        if number == 5 && reserved && inode.kind() == Type::File && inode.size > 0 {
            self.file(inode, b"[boot-loader]")?;
            return Ok(true);
        }
        if number == 7 && reserved {
            // Its map names the blocks kept for more descriptors.
            self.map(inode)?;
            return Ok(true);
        }
        Ok(reserved)
    }
}
