//! From the blocks of a file to those of the image: extent trees and indirect blocks.

use std::collections::HashSet;

use yumen_kit_container::window::num::{le16, le32};
use yumen_model::{Extent, InspectError};

use super::Reader;
use super::inode::{EXTENTS, INLINE, Inode};

/// Most runs of one file that are followed.
const MAX_RUNS: usize = 1 << 21;
/// Deepest extent tree.
const MAX_DEPTH: u16 = 5;

/// Consecutive blocks of a file that are consecutive in the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Block in the file.
    pub(super) logical: u64,
    /// Block in the image.
    pub(super) physical: u64,
    pub(super) len: u64,
}

/// Where a file's blocks are.
#[derive(Debug, Default)]
pub(super) struct Map {
    pub(super) runs: Vec<Run>,
    /// Some of the map could not be read.
    pub(super) broken: bool,
    /// Blocks of the map itself, so that none is followed twice.
    visited: HashSet<u64>,
}

impl Map {
    fn push(&mut self, run: Run) {
        if run.len == 0 || self.runs.len() >= MAX_RUNS {
            self.broken |= run.len != 0;
            return;
        }
        if let Some(last) = self.runs.last_mut() {
            if run.logical < last.logical + last.len {
                self.broken = true;
                return;
            }
            if last.logical + last.len == run.logical && last.physical + last.len == run.physical {
                last.len += run.len;
                return;
            }
        }
        self.runs.push(run);
    }
}

impl Reader<'_, '_> {
    /// The map of an inode; the blocks that hold it are claimed as structure.
    pub(super) fn map(&mut self, inode: &Inode) -> Result<Map, InspectError> {
        let mut map = Map::default();
        if inode.is(INLINE) {
            return Ok(map);
        }
        let bytes = inode.map_bytes().to_vec();
        if inode.is(EXTENTS) {
            self.extents(&bytes, MAX_DEPTH + 1, &mut map)?;
        } else {
            let mut logical = 0;
            for i in 0..12 {
                self.pointer(le32(&bytes, i * 4), &mut logical, &mut map);
            }
            for level in 1..=3u32 {
                self.indirect(le32(&bytes, 44 + level as usize * 4), level, &mut logical, &mut map)?;
            }
        }
        if map.broken {
            self.to.tell_at("bad-entry", inode.at);
        }
        Ok(map)
    }

    fn extents(&mut self, node: &[u8], above: u16, map: &mut Map) -> Result<(), InspectError> {
        let (entries, depth) = (usize::from(le16(node, 2)), le16(node, 6));
        if le16(node, 0) != 0xF30A || depth >= above || 12 + entries * 12 > node.len() {
            map.broken = true;
            return Ok(());
        }
        for entry in node[12..].chunks_exact(12).take(entries) {
            let logical = u64::from(le32(entry, 0));
            if depth == 0 {
                let len = u64::from(le16(entry, 4));
                // Longer ones are not initialised: they read as zeros, and their blocks hold what they held before.
                if len <= 32768 {
                    let physical = u64::from(le32(entry, 8)) | u64::from(le16(entry, 6)) << 32;
                    map.push(Run { logical, physical, len });
                }
                continue;
            }
            let child = u64::from(le32(entry, 4)) | u64::from(le16(entry, 8)) << 32;
            match self.map_block(child, map)? {
                Some(bytes) => self.extents(&bytes, depth, map)?,
                None => map.broken = true,
            }
        }
        Ok(())
    }

    fn indirect(&mut self, block: u32, level: u32, logical: &mut u64, map: &mut Map) -> Result<(), InspectError> {
        let pointers = self.sb.block / 4;
        let span = pointers.saturating_pow(level);
        if block == 0 {
            *logical += span;
            return Ok(());
        }
        let Some(bytes) = self.map_block(u64::from(block), map)? else {
            map.broken = true;
            *logical += span;
            return Ok(());
        };
        for pointer in bytes.chunks_exact(4).map(|b| le32(b, 0)) {
            if level == 1 {
                self.pointer(pointer, logical, map);
            } else {
                self.indirect(pointer, level - 1, logical, map)?;
            }
        }
        Ok(())
    }

    fn pointer(&self, block: u32, logical: &mut u64, map: &mut Map) {
        if block != 0 {
            if u64::from(block) < self.sb.blocks {
                map.push(Run { logical: *logical, physical: u64::from(block), len: 1 });
            } else {
                map.broken = true;
            }
        }
        *logical += 1;
    }

    /// A block of the map, read once for each file and claimed.
    fn map_block(&mut self, block: u64, map: &mut Map) -> Result<Option<Vec<u8>>, InspectError> {
        let at = block.saturating_mul(self.sb.block);
        if block == 0 || block >= self.sb.blocks || at + self.sb.block > self.to.len() || !map.visited.insert(block) {
            return Ok(None);
        }
        let bytes = self.to.blob.bytes(at..at + self.sb.block).map_err(|e| InspectError::read(at, &e))?;
        self.claim_blocks(block, 1)?;
        Ok(Some(bytes))
    }

    /// The first `size` bytes of a mapped file as extents of the image, and whether all of them are there. Claims them.
    pub(super) fn pieces(&mut self, map: &Map, size: u64) -> (Vec<Extent>, bool) {
        let (block, len) = (self.sb.block, self.to.len());
        let mut extents = Vec::with_capacity(map.runs.len() + 1);
        let (mut at, mut whole) = (0, !map.broken);
        for run in &map.runs {
            let (from, to) =
                (run.logical.saturating_mul(block), (run.logical + run.len).saturating_mul(block).min(size));
            if from >= to {
                continue;
            }
            if from > at {
                extents.push(Extent::Zero { len: from - at });
            }
            let start = run.physical.saturating_mul(block).min(len);
            let end = start.saturating_add(to - from).min(len);
            if end > start {
                self.space.claim(start..end);
                extents.push(Extent::of(start..end));
            }
            let missing = (to - from) - (end - start);
            if missing > 0 {
                // Cut off with the end of the image. Zeros keep what follows in its place.
                whole = false;
                extents.push(Extent::Zero { len: missing });
            }
            at = to;
        }
        if at < size {
            extents.push(Extent::Zero { len: size - at });
        } else if !whole {
            while matches!(extents.last(), Some(Extent::Zero { .. })) {
                extents.pop();
            }
        }
        (extents, whole)
    }
}
