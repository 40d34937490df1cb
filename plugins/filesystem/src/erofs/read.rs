//! The image as a whole: superblock, tree, what is left over.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;

use yumen_kit_container::window::first_nonzero;
use yumen_kit_container::{Container, Cover};
use yumen_kit_squashfs::block::Decoders;
use yumen_model::{InspectError, Reason};

use super::content::Content;
use super::inode::Inode;
use super::superblock::{AT, COMPAT_CHECKSUM, Super, crc32c};
use crate::entry::{is_bad_name, mention, symlink};

/// How deep folders may lie in each other.
const DEEPEST: usize = 1024;
/// Longest path and link target.
const LONGEST_PATH: usize = 64 << 10;
/// Bytes of directories that are read in all.
const MOST_LISTED: u64 = 1 << 30;

/// Why something could not be read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// Nothing more is to be read.
    Fatal(InspectError),
    /// The image is broken at this offset; the rest may be whole.
    Broken(u64),
    /// A variant that is not read.
    Unsupported,
}

impl From<InspectError> for Fault {
    fn from(error: InspectError) -> Self {
        Fault::Fatal(error)
    }
}

/// The result of reading a piece of the image.
pub(super) type Read<T> = Result<T, Fault>;

/// Reads one image.
pub(super) struct Reader<'r, 'a> {
    pub(super) to: &'r mut Container<'a>,
    pub(super) sup: Super,
    pub(super) decoders: Decoders,
    /// What was decoded or is structure.
    pub(super) done: Cover,
    /// What was handed over or is opaque.
    pub(super) claimed: Cover,
    damaged: bool,
    seen: HashSet<u64>,
    listed: u64,
    /// The inode of what several files share.
    pub(super) packed: Option<Content>,
    /// What of it was used.
    pub(super) shared: Cover,
    pub(super) prefixes: Vec<Vec<u8>>,
    pub(super) shown: HashSet<u64>,
}

struct Level {
    content: Content,
    next: u64,
    entries: VecDeque<(u64, Vec<u8>)>,
    path: usize,
}

/// Reads the artifact as an image; returns where it ends.
pub(super) fn open(to: &mut Container<'_>) -> Result<u64, InspectError> {
    let head = to.window.get(AT, 128)?;
    let Some(sup) = Super::parse(head) else { return Err(InspectError::corrupt(AT, "no EROFS superblock")) };
    if sup.unknown() {
        return Err(InspectError::unsupported("features of EROFS that are not known"));
    }
    let reader = Reader {
        to,
        sup,
        decoders: Decoders::default(),
        done: Cover::default(),
        claimed: Cover::default(),
        damaged: false,
        seen: HashSet::new(),
        listed: 0,
        packed: None,
        shared: Cover::default(),
        prefixes: Vec::new(),
        shown: HashSet::new(),
    };
    reader.run()
}

impl Reader<'_, '_> {
    fn run(mut self) -> Result<u64, InspectError> {
        let stated = self.sup.blocks.saturating_mul(self.sup.block());
        let end = stated.min(self.to.len());
        if stated > self.to.len() {
            self.damaged = true;
            self.to.tell_at("truncated", self.to.len());
        }
        self.ignore(Self::head)?;
        self.ignore(Self::shared_inode)?;
        self.ignore(Self::long_prefixes)?;
        self.ignore(Self::tree)?;
        self.ignore(Self::unused_fragments)?;
        self.account(end.max(AT + self.sup.len).min(self.to.len()))
    }

    /// Goes on behind what is broken.
    pub(super) fn ignore(&mut self, step: impl FnOnce(&mut Self) -> Read<()>) -> Result<(), InspectError> {
        match step(self) {
            Ok(()) => Ok(()),
            Err(Fault::Broken(at)) => {
                self.damage(at);
                Ok(())
            }
            Err(Fault::Unsupported) => {
                self.damaged = true;
                self.to.tell("unsupported-method");
                Ok(())
            }
            Err(Fault::Fatal(error)) => Err(error),
        }
    }

    /// Something at an offset is broken.
    pub(super) fn damage(&mut self, at: u64) {
        if at < self.to.len() {
            self.to.tell_at("corrupt", at);
        }
        self.damaged = true;
    }

    /// Bytes of a structure.
    pub(super) fn get(&mut self, at: u64, n: usize) -> Read<Vec<u8>> {
        let bytes = self.to.window.get(at.min(self.to.blob.len()), n)?;
        if bytes.len() < n { Err(Fault::Broken(at)) } else { Ok(bytes.to_vec()) }
    }

    /// Bytes that were understood.
    pub(super) fn use_range(&mut self, range: Range<u64>) -> Read<()> {
        self.done.add(range.start.min(self.to.len())..range.end.min(self.to.len()));
        Ok(())
    }

    /// Bytes that are not looked into.
    pub(super) fn opaque(&mut self, range: Range<u64>, reason: Reason) -> Result<(), InspectError> {
        let range = range.start.min(self.to.len())..range.end.min(self.to.len());
        self.claimed.add(range.clone());
        self.to.opaque(range, reason)
    }

    /// The superblock and what follows it.
    fn head(&mut self) -> Read<()> {
        let mut end = AT + self.sup.len;
        self.use_range(AT..AT + 64)?;
        self.use_range(AT + 80..end)?;
        let name = self.get(AT + 64, 16)?;
        let len = name.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1) as u64;
        self.to.comment(AT + 64..AT + 64 + len)?;
        self.claimed.add(AT + 64..AT + 64 + len);
        self.use_range(AT + 64 + len..AT + 80)?;
        if self.sup.has_configs() {
            for _ in 0..self.sup.algorithms.count_ones() {
                let size = self.get(end, 2)?;
                let next = end + 2 + u64::from(u16::from_le_bytes([size[0], size[1]]));
                self.use_range(end..next)?;
                end = next;
            }
        }
        if let Some(table) = self.sup.device_table() {
            self.use_range(table)?;
        }
        if self.sup.compat & COMPAT_CHECKSUM != 0 {
            let block = self.sup.block();
            let len = if block > AT { block - AT } else { block };
            let bytes = self.get(AT, len as usize)?;
            let sum = crc32c(bytes.iter().enumerate().map(|(i, &b)| if (4..8).contains(&i) { 0 } else { b }));
            if sum != self.sup.checksum {
                self.to.tell_at("checksum-mismatch", AT + 4);
            }
        }
        if self.sup.has_metabox() {
            return Err(Fault::Unsupported);
        }
        Ok(())
    }

    fn shared_inode(&mut self) -> Read<()> {
        if self.sup.has_fragments() {
            let inode = self.inode(self.sup.packed)?;
            self.packed = Some(Content::of(&inode, self)?);
        }
        Ok(())
    }

    fn tree(&mut self) -> Read<()> {
        let root = self.inode(self.sup.root)?;
        if root.kind() != 0o040_000 {
            return Err(Fault::Broken(root.xattrs));
        }
        self.seen.insert(root.nid);
        self.show_xattrs(&root)?;
        let mut path = Vec::new();
        let mut levels = Vec::new();
        self.enter(&root, 0, &mut levels)?;
        while let Some(level) = levels.last_mut() {
            path.truncate(level.path);
            let Some((nid, name)) = level.entries.pop_front() else {
                if level.next >= level.content.size {
                    levels.pop();
                } else {
                    let at = level.next;
                    level.next = at + (1 << self.sup.directory_bits);
                    let mut block = Vec::new();
                    let n = (level.content.size - at).min(1 << self.sup.directory_bits);
                    let result = level.content.read(self, at, n as usize, &mut block).and_then(|()| entries(&block));
                    match result {
                        Ok(found) => level.entries = found,
                        Err(Fault::Broken(_)) => self.damage(self.sup.meta),
                        Err(other) => return Err(other),
                    }
                }
                continue;
            };
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            if is_bad_name(&name) {
                self.to.tell_at("bad-entry", self.sup.meta);
            }
            let inode = match self.inode(nid) {
                Ok(inode) => inode,
                Err(Fault::Broken(at)) => {
                    self.damage(at);
                    continue;
                }
                Err(other) => return Err(other),
            };
            let fresh = self.seen.insert(nid);
            if inode.kind() != 0o040_000 {
                self.ignore(|r| if fresh { r.leaf(&path, &inode) } else { r.link(&path) })?;
            } else if !fresh {
                self.to.tell_at("bad-entry", self.sup.meta);
            } else {
                self.to.tell("directory-entries");
                self.ignore(|r| r.show_xattrs(&inode).map(|_| ()))?;
                if levels.len() >= DEEPEST || path.len() >= LONGEST_PATH {
                    self.to.tell("limit");
                    self.damaged = true;
                    continue;
                }
                let depth = path.len();
                self.ignore(|r| r.enter(&inode, depth, &mut levels))?;
            }
        }
        Ok(())
    }

    fn link(&mut self, path: &[u8]) -> Read<()> {
        Ok(mention(self.to, "link", path, self.sup.meta)?)
    }

    fn enter(&mut self, inode: &Inode, path: usize, levels: &mut Vec<Level>) -> Read<()> {
        self.listed = self.listed.saturating_add(inode.size);
        if self.listed > MOST_LISTED {
            return Err(Fault::Broken(inode.xattrs));
        }
        let content = Content::of(inode, self)?;
        levels.push(Level { content, next: 0, entries: VecDeque::new(), path });
        Ok(())
    }

    fn leaf(&mut self, path: &[u8], inode: &Inode) -> Read<()> {
        match inode.kind() {
            0o100_000 => self.file(path, inode),
            0o120_000 => {
                self.show_xattrs(inode)?;
                if inode.size > LONGEST_PATH as u64 {
                    return Err(Fault::Broken(inode.xattrs));
                }
                let mut target = Vec::new();
                Content::of(inode, self)?.read(self, 0, inode.size as usize, &mut target)?;
                Ok(symlink(self.to, path, inode.xattrs, &target)?)
            }
            0o010_000 | 0o020_000 | 0o060_000 | 0o140_000 => {
                self.show_xattrs(inode)?;
                Ok(mention(self.to, "special-file", path, inode.xattrs)?)
            }
            _ => Err(Fault::Broken(inode.xattrs)),
        }
    }

    /// Labels all bytes up to the end.
    fn account(&mut self, end: u64) -> Result<u64, InspectError> {
        for r in self.done.ranges().to_vec() {
            self.to.container(r.start.min(end)..r.end.min(end))?;
        }
        self.claimed.extend(&self.done);
        for gap in self.claimed.gaps(0..end) {
            if !self.damaged {
                self.to.unallocated(gap)?;
            } else if first_nonzero(self.to.blob, gap.clone())?.is_none() {
                self.to.container(gap)?;
            } else {
                // It may be the content of a file that is not known of.
                self.to.opaque(gap, Reason::Corrupt)?;
            }
        }
        Ok(end)
    }
}

/// Inode numbers and names in a block of a directory, itself and its parent left out.
fn entries(block: &[u8]) -> Read<VecDeque<(u64, Vec<u8>)>> {
    use yumen_kit_container::window::num::{le16, le64};
    let first = usize::from(le16(block, 8));
    if block.len() < 12 || first < 12 || first % 12 != 0 || first > block.len() {
        return Err(Fault::Broken(0));
    }
    let mut out = VecDeque::new();
    for at in (0..first).step_by(12) {
        let from = usize::from(le16(block, at + 8));
        let to = if at + 12 < first { usize::from(le16(block, at + 20)) } else { block.len() };
        let name = block.get(from..to).ok_or(Fault::Broken(0))?;
        let name = name.split(|&b| b == 0).next().unwrap_or(name);
        if !matches!(name, b"." | b"..") {
            out.push_back((le64(block, at), name.to_vec()));
        }
    }
    Ok(out)
}
