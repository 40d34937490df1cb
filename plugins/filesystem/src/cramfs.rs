//! cramfs: versions 1 and 2 in both byte orders, holes, and the extended block pointers of images that run in place.
//!
//! Source: the kernel's Documentation/filesystems/cramfs.rst and include/uapi/linux/cramfs_fs.h (structures).

use std::collections::HashSet;

use flate2::Crc;
use yumen_kit_container::window::num::{be32, le32};
use yumen_kit_container::window::sweep;
use yumen_kit_container::{Container, Cover, FormatReader};
use yumen_kit_squashfs::block::Decoders;
use yumen_model::{
    Artifact, Certainty, Context, Extent, Format, Identity, InspectError, Inspection, Message, Probe, Reason,
};

use crate::entry::{Owner, child, give, is_bad_name, mention, symlink};
use crate::trailer::after_image;

/// Reads cramfs images.
pub(crate) struct Cramfs;

const FORMATS: &[Format] = &[Format {
    name: "cramfs",
    title: "cramfs image",
    media_type: "application/octet-stream",
    extensions: &["cramfs"],
    magic: "45 3D CD 28 (or reversed) at the start or at 512, `Compressed ROMFS` behind it",
    reference: "Linux Documentation/filesystems/cramfs.rst",
    evidence: "its files as children; link targets and the volume's name as text",
    limitations: &[
        "links are counted, not followed; of files that share their blocks each has the content",
        "of a broken block nothing is delivered but zeros of its length",
    ],
}];

const MAGIC: u32 = 0x28CD_3D45;
const SIGNATURE: &[u8; 16] = b"Compressed ROMFS";
/// Uncompressed length of a block.
const PAGE: u64 = 4096;
const FLAG_VERSION_2: u32 = 0x1;
const FLAG_SHIFTED_ROOT: u32 = 0x400;
const FLAG_EXTENDED: u32 = 0x800;
/// Flags that are known.
const KNOWN: u32 = 0xff | 0x100 | 0x200 | FLAG_SHIFTED_ROOT | FLAG_EXTENDED;
/// Bits of an extended pointer.
const PLAIN: u32 = 1 << 31;
const DIRECT: u32 = 1 << 30;
const DEEPEST: usize = 512;
const MOST_LISTED: u64 = 256 << 20;

impl FormatReader for Cramfs {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        start(probe.head).map(|_| Identity::new("cramfs", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = open(&mut to);
        to.finish(result)
    }
}

/// Where the superblock stands, and whether the image is big-endian.
fn start(head: &[u8]) -> Option<(u64, bool)> {
    [0usize, 512].into_iter().find_map(|at| {
        let b = head.get(at..at + 64)?;
        let big = be32(b, 0) == MAGIC;
        ((big || le32(b, 0) == MAGIC) && b.get(16..32) == Some(SIGNATURE)).then_some((at as u64, big))
    })
}

fn open(to: &mut Container<'_>) -> Result<(), InspectError> {
    let head = to.window.get(0, 1024)?;
    let Some((base, big)) = start(head) else { return Err(InspectError::corrupt(0, "no cramfs superblock")) };
    let reader = Reader {
        to,
        big,
        base,
        end: 0,
        flags: 0,
        used: Cover::default(),
        claimed: Cover::default(),
        seen: HashSet::new(),
        decoders: Decoders::default(),
        damaged: false,
    };
    reader.run()
}

struct Reader<'r, 'a> {
    to: &'r mut Container<'a>,
    big: bool,
    base: u64,
    end: u64,
    flags: u32,
    used: Cover,
    claimed: Cover,
    seen: HashSet<u64>,
    decoders: Decoders,
    damaged: bool,
}

/// The twelve bytes of an inode.
#[derive(Clone, Copy, Debug)]
struct Inode {
    mode: u32,
    uid: u32,
    size: u64,
    gid: u32,
    /// Length of the name that follows.
    name: u64,
    /// Where the content stands.
    offset: u64,
}

struct Level {
    at: u64,
    end: u64,
    path: usize,
}

/// Where a block is stored: nothing for a hole.
#[derive(Clone, Copy, Debug)]
struct Block {
    start: u64,
    end: u64,
    packed: bool,
}

impl Reader<'_, '_> {
    fn long(&self, bytes: &[u8], at: usize) -> u32 {
        if self.big { be32(bytes, at) } else { le32(bytes, at) }
    }

    fn run(mut self) -> Result<(), InspectError> {
        let base = self.base;
        let head = self.to.window.get(base, 76)?.to_vec();
        self.flags = self.long(&head, 8);
        let size = u64::from(self.long(&head, 4));
        let two = self.flags & FLAG_VERSION_2 != 0;
        // Version 1 keeps no size that can be trusted. Offsets count from the start of the artifact, before a superblock at 512 as well.
        let stated = if two || size > 0 { size } else { self.to.len() };
        self.end = stated.min(self.to.len());
        if stated > self.to.len() {
            self.damaged = true;
            self.to.tell_at("truncated", self.to.len());
        }
        if self.flags & !KNOWN != 0 {
            self.to.tell_at("unsupported-method", base + 8);
        }
        if two {
            self.checksum(self.long(&head, 32))?;
        }
        self.used.add(base..base + 48);
        let name = head.get(48..64).unwrap_or(&[]);
        let name = name.split(|&b| b == 0).next().unwrap_or(&[]).len() as u64;
        self.to.comment(base + 48..base + 48 + name)?;
        self.claimed.add(base + 48..base + 48 + name);
        self.used.add(base + 48 + name..base + 76);
        self.tree()?;
        for r in self.used.ranges().to_vec() {
            self.to.container(r.start.min(self.end)..r.end.min(self.end))?;
        }
        self.claimed.extend(&self.used);
        for gap in self.claimed.gaps(0..self.end) {
            match self.damaged {
                false => self.to.unallocated(gap)?,
                true if yumen_kit_container::window::first_nonzero(self.to.blob, gap.clone())?.is_none() => {
                    self.to.container(gap)?;
                }
                true => self.to.opaque(gap, Reason::Corrupt)?,
            }
        }
        after_image(self.to, self.end)
    }

    /// The checksum goes over the whole image, with zeros in its own place.
    fn checksum(&mut self, stored: u32) -> Result<(), InspectError> {
        let mut crc = Crc::new();
        let field = self.base + 32..self.base + 36;
        sweep(self.to.blob, self.base..field.start, 0, |_, b| {
            crc.update(b);
            None::<()>
        })?;
        crc.update(&[0; 4]);
        sweep(self.to.blob, field.end..self.end, 0, |_, b| {
            crc.update(b);
            None::<()>
        })?;
        if crc.sum() != stored {
            self.to.tell_at("checksum-mismatch", field.start);
        }
        Ok(())
    }

    fn broken(&mut self, at: u64) {
        self.to.tell_at("corrupt", at.min(self.to.len()));
        self.damaged = true;
    }

    fn inode(&mut self, at: u64) -> Result<Option<Inode>, InspectError> {
        if at + 12 > self.end {
            return Ok(None);
        }
        let b = self.to.window.get(at, 12)?.to_vec();
        let [a, s, n] = [0, 4, 8].map(|i| self.long(&b, i));
        // Bit fields: from the lowest bit in little-endian images, from the highest in big-endian ones.
        Ok(Some(if self.big {
            Inode {
                mode: a >> 16,
                uid: a & 0xffff,
                size: u64::from(s >> 8),
                gid: s & 0xff,
                name: u64::from(n >> 26) * 4,
                offset: u64::from(n & 0x3ff_ffff) * 4,
            }
        } else {
            Inode {
                mode: a & 0xffff,
                uid: a >> 16,
                size: u64::from(s & 0xff_ffff),
                gid: s >> 24,
                name: u64::from(n & 0x3f) * 4,
                offset: u64::from(n >> 6) * 4,
            }
        }))
    }

    fn tree(&mut self) -> Result<(), InspectError> {
        let Some(root) = self.inode(self.base + 64)? else {
            self.broken(self.base + 64);
            return Ok(());
        };
        if root.mode & 0o170_000 != 0o040_000 {
            self.broken(self.base + 64);
            return Ok(());
        }
        let mut levels = Vec::new();
        let mut path = Vec::new();
        let mut listed = 0;
        self.enter(root, 0, &mut levels, &mut listed);
        while let Some(level) = levels.last_mut() {
            path.truncate(level.path);
            if level.at + 12 > level.end {
                levels.pop();
                continue;
            }
            let at = level.at;
            let Some(inode) = self.inode(at)? else {
                self.broken(at);
                levels.pop();
                continue;
            };
            level.at = at + 12 + inode.name;
            if level.at > level.end {
                self.broken(at);
                levels.pop();
                continue;
            }
            let name = self.to.window.get(at + 12, inode.name as usize)?;
            let name = name.split(|&b| b == 0).next().unwrap_or(&[]).to_vec();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            if is_bad_name(&name) {
                self.to.tell_at("bad-entry", at);
            }
            match inode.mode & 0o170_000 {
                0o040_000 => {
                    self.to.tell("directory-entries");
                    if levels.len() >= DEEPEST {
                        self.to.tell("limit");
                        self.damaged = true;
                    } else {
                        self.enter(inode, path.len(), &mut levels, &mut listed);
                    }
                }
                0o100_000 => self.file(&path, inode)?,
                0o120_000 => self.link(&path, at, inode)?,
                0o010_000 | 0o020_000 | 0o060_000 | 0o140_000 => mention(self.to, "special-file", &path, at)?,
                _ => self.broken(at),
            }
        }
        Ok(())
    }

    fn enter(&mut self, inode: Inode, path: usize, levels: &mut Vec<Level>, listed: &mut u64) {
        if inode.size == 0 {
            return;
        }
        *listed += inode.size;
        let end = inode.offset + inode.size;
        if inode.offset < self.base + 76 || end > self.end || !self.seen.insert(inode.offset) || *listed > MOST_LISTED {
            self.broken(inode.offset);
            return;
        }
        self.used.add(inode.offset..end);
        levels.push(Level { at: inode.offset, end, path });
    }

    /// The blocks of an inode, as far as the pointers are whole.
    fn blocks(&mut self, inode: Inode) -> Result<Vec<Option<Block>>, InspectError> {
        let count = inode.size.div_ceil(PAGE);
        let pointers = inode.offset;
        let mut at = pointers + count * 4;
        let mut out = Vec::new();
        if inode.size == 0 {
            return Ok(out);
        }
        if inode.offset < self.base + 64 || at > self.end {
            return Ok(out);
        }
        self.used.add(pointers..at);
        for i in 0..count {
            let word = {
                let b = self.to.window.get(pointers + i * 4, 4)?.to_vec();
                self.long(&b, 0)
            };
            let want = (inode.size - i * PAGE).min(PAGE);
            let extended = self.flags & FLAG_EXTENDED != 0;
            let block = if !extended {
                let end = u64::from(word);
                Block { start: at, end, packed: true }
            } else {
                let plain = word & PLAIN != 0;
                if word & DIRECT != 0 {
                    let start = u64::from(word & !(PLAIN | DIRECT)) << 2;
                    if plain {
                        Block { start, end: start + want, packed: false }
                    } else {
                        let len = {
                            let b = self.to.window.get(start, 2)?.to_vec();
                            let pair: [u8; 2] = b.try_into().unwrap_or([0; 2]);
                            u64::from(if self.big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
                        };
                        self.used.add(start..(start + 2).min(self.end));
                        Block { start: start + 2, end: start + 2 + len, packed: true }
                    }
                } else {
                    Block { start: at, end: u64::from(word & !(PLAIN | DIRECT)), packed: !plain }
                }
            };
            if block.end < block.start || block.end > self.end || block.end - block.start > 2 * PAGE {
                break;
            }
            at = block.end;
            out.push((block.end > block.start).then_some(block));
        }
        Ok(out)
    }

    /// Decodes a block; nothing when it is broken.
    fn decode(&mut self, block: Block, want: u64, out: &mut Vec<u8>) -> Result<bool, InspectError> {
        let bytes = self.to.window.get(block.start, (block.end - block.start) as usize)?.to_vec();
        let good = if block.packed {
            self.decoders.zlib(&bytes, PAGE as usize, out).is_ok()
        } else {
            *out = bytes;
            true
        };
        Ok(good && out.len() as u64 == want)
    }

    fn link(&mut self, path: &[u8], at: u64, inode: Inode) -> Result<(), InspectError> {
        let blocks = self.blocks(inode)?;
        let mut target = Vec::new();
        match blocks.first() {
            Some(Some(block)) if self.decode(*block, inode.size, &mut target)? => {
                self.used.add(block.start..block.end);
            }
            _ => self.broken(inode.offset),
        }
        symlink(self.to, path, at, &target)
    }

    fn file(&mut self, path: &[u8], inode: Inode) -> Result<(), InspectError> {
        let owner = Owner { mode: inode.mode, uid: Some(inode.uid), gid: Some(inode.gid), mtime: None };
        let mut meta = child(self.to, path, owner);
        let blocks = self.blocks(inode)?;
        let whole = blocks.len() as u64 == inode.size.div_ceil(PAGE);
        let want = |i: usize| (inode.size - i as u64 * PAGE).min(PAGE);
        let plain = |(i, b): (usize, &Option<Block>)| b.is_none_or(|b| !b.packed && b.end - b.start == want(i));
        if whole && blocks.iter().enumerate().all(plain) {
            let mut extents: Vec<Extent> = Vec::new();
            for (i, block) in blocks.iter().enumerate() {
                match (block, extents.last_mut()) {
                    (Some(b), Some(Extent::Data { offset, len })) if *offset + *len == b.start => *len += want(i),
                    (Some(b), _) => extents.push(Extent::of(b.start..b.end)),
                    (None, Some(Extent::Zero { len })) => *len += want(i),
                    (None, _) => extents.push(Extent::Zero { len: want(i) }),
                }
            }
            for b in blocks.iter().flatten() {
                self.claimed.add(b.start..b.end);
            }
            return self.to.hand_over(meta, extents);
        }
        meta.encoded = Some(blocks.iter().flatten().map(|b| b.end - b.start).sum());
        if let Some(reason) = give(self.to, Message::ChildStart { meta })? {
            return self.refused(&blocks, reason);
        }
        let mut complete = whole;
        let mut out = Vec::new();
        for (i, block) in blocks.iter().enumerate() {
            let given = match block {
                None => give(self.to, Message::ChildZeros(want(i)))?,
                Some(b) => {
                    if self.decode(*b, want(i), &mut out)? {
                        self.used.add(b.start..b.end);
                        give(self.to, Message::ChildBytes(out.as_slice().into()))?
                    } else {
                        complete = false;
                        self.claimed.add(b.start..b.end);
                        self.to.opaque(b.start..b.end, Reason::Corrupt)?;
                        self.broken(b.start);
                        give(self.to, Message::ChildZeros(want(i)))?
                    }
                }
            };
            if let Some(reason) = given {
                return self.refused(&blocks, reason);
            }
        }
        if !complete {
            self.to.tell("incomplete-child");
            if !whole {
                self.broken(inode.offset);
            }
        }
        match give(self.to, Message::ChildEnd { complete })? {
            None => Ok(()),
            Some(reason) => self.refused(&blocks, reason),
        }
    }

    fn refused(&mut self, blocks: &[Option<Block>], reason: Reason) -> Result<(), InspectError> {
        for b in blocks.iter().flatten() {
            self.claimed.add(b.start..b.end);
            self.to.opaque(b.start..b.end, reason)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
