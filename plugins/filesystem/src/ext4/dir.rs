//! The tree of directories. Hashed directories are read block by block as well: their leaves are plain, their index stands in entries that look unused.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use yumen_kit_container::window::num::{le16, le32};
use yumen_model::{Extent, InspectError, Reason};

use super::inode::{CASEFOLDED, ENCRYPTED, INLINE, Inode, Type, VERITY};
use super::superblock::FILETYPE;
use super::{Folder, Reader};

/// Paths longer than this are given from the inode's number on.
const MAX_PATH: usize = 4096;

/// How a directory's entries are stored.
#[derive(Clone, Copy)]
struct Style {
    encrypted: bool,
    /// A hash stands behind each name.
    hashed: bool,
    filetype: bool,
}

/// An entry in use.
struct Entry {
    inode: u32,
    name: Vec<u8>,
}

impl Reader<'_, '_> {
    /// Reads the directory and all below it.
    pub(super) fn walk(&mut self, inode: u32, path: Vec<u8>) -> Result<(), InspectError> {
        self.reach(inode);
        self.dirs.push(Folder { inode, path });
        while let Some(folder) = self.dirs.pop() {
            self.directory(&folder)?;
        }
        Ok(())
    }

    fn directory(&mut self, folder: &Folder) -> Result<(), InspectError> {
        let Some(inode) = self.inode(folder.inode)? else {
            self.to.tell("bad-entry");
            return Ok(());
        };
        if inode.kind() != Type::Directory {
            self.to.tell_at("bad-entry", inode.at);
            return Ok(());
        }
        let encrypted = inode.is(ENCRYPTED);
        let style =
            Style { encrypted, hashed: encrypted && inode.is(CASEFOLDED), filetype: self.sb.incompat & FILETYPE != 0 };
        if inode.is(INLINE) {
            // The parent's number comes first; the entries go on in an attribute.
            let own = inode.map_bytes()[4..].to_vec();
            self.block(folder, style, &own, inode.map_at() + 4, false)?;
            if let Some(rest) = self.inline_rest(&inode) {
                let (at, bytes) = (inode.at + rest.start as u64, inode.bytes[rest].to_vec());
                self.block(folder, style, &bytes, at, false)?;
            }
            return Ok(());
        }
        let map = self.map(&inode)?;
        let blocks = inode.size.div_ceil(self.sb.block);
        let (block, len) = (self.sb.block, self.to.len());
        for run in &map.runs {
            for i in 0..run.len {
                if run.logical + i >= blocks {
                    break;
                }
                let at = (run.physical + i).saturating_mul(block);
                if at.saturating_add(block) > len {
                    self.to.tell_at("truncated", len);
                    break;
                }
                let bytes = self.to.blob.bytes(at..at + block).map_err(|e| InspectError::read(at, &e))?;
                let first = run.logical + i == 0;
                self.block(folder, style, &bytes, at, first)?;
            }
        }
        Ok(())
    }

    /// Reads the entries of one block that stands at `at`, and claims what of it is in use.
    fn block(&mut self, folder: &Folder, style: Style, bytes: &[u8], at: u64, first: bool) -> Result<(), InspectError> {
        let mut entries = Vec::new();
        let mut used = Vec::new();
        let whole = parse(bytes, style, &mut entries, &mut used);
        if !whole {
            self.to.tell_at("bad-entry", at);
        }
        if let Some(index) = hash_index(bytes, first) {
            used.push(index);
        }
        used.sort_unstable_by_key(|r| r.start);
        self.claim_parts(at, bytes, &used)?;
        for entry in entries {
            let name = if style.encrypted { URL_SAFE_NO_PAD.encode(&entry.name).into_bytes() } else { entry.name };
            let mut path = folder.path.clone();
            if path.len() + name.len() > MAX_PATH {
                path = format!("[deep]/{}", folder.inode).into_bytes();
            }
            if !path.is_empty() {
                path.push(b'/');
            }
            // A slash can't stand in a name; in a broken one it would feign a folder.
            path.extend(name.iter().map(|&b| if b == b'/' { b'_' } else { b }));
            self.member(entry.inode, path)?;
        }
        Ok(())
    }

    /// Claims the parts of `bytes` (which stand at `at`) that are used, and the zeros between them.
    pub(super) fn claim_parts(&mut self, at: u64, bytes: &[u8], used: &[Range<usize>]) -> Result<(), InspectError> {
        let (mut from, mut end) = (0, 0);
        let limit = bytes.len();
        for part in used.iter().cloned().chain(std::iter::once(limit..limit)) {
            let part = part.start.min(limit)..part.end.min(limit);
            if part.start > end && bytes[end..part.start].iter().any(|&b| b != 0) {
                self.claim(at + from as u64..at + end as u64)?;
                from = part.start;
            }
            end = end.max(part.end).max(part.start);
        }
        self.claim(at + from as u64..at + end as u64)
    }

    /// What a name in a directory leads to.
    fn member(&mut self, number: u32, path: Vec<u8>) -> Result<(), InspectError> {
        let Some(inode) = self.inode(number)? else {
            self.to.tell("bad-entry");
            return Ok(());
        };
        let fresh = self.reach(number);
        match inode.kind() {
            Type::Directory if fresh => {
                self.to.tell("directory-entries");
                self.dirs.push(Folder { inode: number, path });
            }
            // Two names of one directory: a loop, or a broken entry.
            Type::Directory => self.to.tell_at("bad-entry", inode.at),
            Type::File => self.file(&inode, &path)?,
            // Its target is told with its inode.
            Type::Link => self.to.tell("link"),
            Type::Special => self.to.tell("special-file"),
            Type::None => self.to.tell_at("bad-entry", inode.at),
        }
        Ok(())
    }

    /// Hands over a regular file.
    pub(super) fn file(&mut self, inode: &Inode, path: &[u8]) -> Result<(), InspectError> {
        let mut meta = self.to.child(path);
        inode.describe(&mut meta);
        let encrypted = inode.is(ENCRYPTED);
        if encrypted {
            meta.opaque = Some(Reason::Encrypted);
            self.to.tell("encrypted");
        }
        if inode.is(INLINE) {
            let size = usize::try_from(inode.size).unwrap_or(usize::MAX);
            let own = size.min(60);
            let mut extents = vec![Extent::of(inode.map_at()..inode.map_at() + own as u64)];
            let rest = self.inline_rest(inode).unwrap_or(0..0);
            if size > 60 {
                let take = (size - 60).min(rest.len());
                let start = inode.at + rest.start as u64;
                extents.push(Extent::of(start..start + take as u64));
                if take < size - 60 {
                    self.to.tell("incomplete-child");
                }
            }
            return self.to.hand_over(meta, extents);
        }
        let map = self.map(inode)?;
        // Encrypted blocks are whole.
        let size = if encrypted { inode.size.next_multiple_of(self.sb.block) } else { inode.size };
        let (extents, whole) = self.pieces(&map, size);
        if !whole {
            self.to.tell("incomplete-child");
        }
        self.to.hand_over(meta, extents)?;
        if inode.is(VERITY) {
            self.verity_tree(inode, &map)?;
        }
        Ok(())
    }

    /// Behind a file protected by fs-verity stand its hash tree and descriptor.
    fn verity_tree(&mut self, inode: &Inode, map: &super::map::Map) -> Result<(), InspectError> {
        let block = self.sb.block;
        let first = inode.size.next_multiple_of(65536) / block;
        let most = (inode.size / 24 + (256 << 10)) / block;
        let mut taken = 0;
        for run in map.runs.iter().filter(|r| r.logical >= first) {
            if taken + run.len > most {
                break;
            }
            taken += run.len;
            self.claim_blocks(run.physical, run.len)?;
        }
        Ok(())
    }
}

/// Reads entries until the block ends or makes no sense; false then.
fn parse(bytes: &[u8], style: Style, entries: &mut Vec<Entry>, used: &mut Vec<Range<usize>>) -> bool {
    let mut at = 0;
    while at + 8 <= bytes.len() {
        let b = &bytes[at..];
        let inode = le32(b, 0);
        let stored = usize::from(le16(b, 4));
        // Lengths of 64 KiB blocks do not fit.
        let len = match stored {
            0 | 0xFFFF if bytes.len() >= 65536 => 65536 - at,
            n if bytes.len() >= 65536 => (n & 0xFFFC) | (n & 3) << 16,
            n => n,
        };
        // Inline directories may end in less than an entry.
        if stored == 0 && b.iter().all(|&x| x == 0) {
            return true;
        }
        if len < 8 || len % 4 != 0 || at + len > bytes.len() {
            return false;
        }
        let name_len = if style.filetype { usize::from(b[6]) } else { usize::from(le16(b, 6)) };
        let tail = inode == 0 && len == 12 && b[6] == 0 && b[7] == 0xDE;
        let extra = if style.hashed { 8 } else { 0 };
        if tail {
            used.push(at..at + 12);
        } else if inode == 0 || name_len == 0 {
            // Unused; the name that stood here is left over.
            used.push(at..at + 8);
        } else if 8 + name_len > len {
            return false;
        } else {
            let name = &b[8..8 + name_len];
            let stored = (8 + name_len).next_multiple_of(4) + extra;
            let dots = name == b"." || name == b"..";
            used.push(at..at + if dots { 12 } else { stored }.min(len));
            if !dots {
                entries.push(Entry { inode, name: name.to_vec() });
            }
        }
        at += len;
    }
    true
}

/// The hash index in a block: behind the dot entries of the first one, or in one big unused entry.
fn hash_index(bytes: &[u8], first: bool) -> Option<Range<usize>> {
    let (at, limit_at) = if first {
        // Reserved, version, length of this information, depth, flags.
        let root =
            le16(bytes, 4) == 12 && usize::from(le16(bytes, 16)) == bytes.len() - 12 && bytes.get(29) == Some(&8);
        (root.then_some(24)?, 32)
    } else {
        let node = le32(bytes, 0) == 0 && usize::from(le16(bytes, 4)) == bytes.len() && le16(bytes, 6) == 0;
        (node.then_some(8)?, 8)
    };
    let (limit, count) = (usize::from(le16(bytes, limit_at)), usize::from(le16(bytes, limit_at + 2)));
    let room = (bytes.len() - limit_at) / 8;
    (limit <= room && limit + 1 >= room && count >= 1 && count <= limit).then(|| {
        let end = limit_at + count * 8;
        at..end
    })
}
