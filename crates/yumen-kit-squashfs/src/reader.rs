//! The image as a whole: its tree, its tables, and what is left over.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use serde_json::{Value, json};
use yumen_kit_container::window::first_nonzero;
use yumen_kit_container::{Container, Cover};
use yumen_model::{ChildMeta, InspectError, Reason};

use crate::file::Fragments;
use crate::inode::{Body, Directory, Inode};
use crate::meta::{Cache, Cursor, Decoder, Fault, META, Read};
use crate::superblock::{NONE, Super};

/// How deep folders may lie in each other.
const DEEPEST: usize = 1024;
/// Longest path.
const LONGEST_PATH: usize = 64 << 10;
/// Bytes of directory lists that are read in all: some twenty million entries.
const MOST_LISTED: u64 = 1 << 30;

/// Inodes in no folder that are looked at.
const MOST_ORPHANS: usize = 1 << 20;

/// Reads one image.
pub(crate) struct Reader<'r, 'a> {
    pub(crate) to: &'r mut Container<'a>,
    pub(crate) sup: Super,
    /// Where the superblock stands in the artifact.
    pub(crate) base: u64,
    /// Where the image ends at the latest.
    pub(crate) limit: u64,
    pub(crate) cache: Cache,
    pub(crate) decoder: Decoder,
    pub(crate) scratch: Vec<u8>,
    pub(crate) fragments: Fragments,
    /// What was decoded or is structure, from the superblock on.
    pub(crate) done: Cover,
    /// What was handed over or is opaque, from the superblock on.
    pub(crate) claimed: Cover,
    /// Some of the metadata could not be read: what no file is known of is not free.
    damaged: bool,
    /// Inodes met, by reference.
    seen: HashSet<u64>,
    lists: HashSet<(u64, usize)>,
    listed: u64,
    pub(crate) xattrs: HashMap<u32, Rc<BTreeMap<String, Value>>>,
}

/// A directory that is being read.
struct Level {
    list: Cursor,
    left: u64,
    /// Entries left under the header.
    count: u32,
    /// Block of the inodes under the header.
    block: u64,
    path: usize,
}

/// What a directory says of an inode in it.
struct Entry {
    reference: u64,
    name: Vec<u8>,
}

impl<'r, 'a> Reader<'r, 'a> {
    pub(crate) fn new(to: &'r mut Container<'a>, sup: Super, base: u64, limit: u64) -> Self {
        Reader {
            to,
            sup,
            base,
            limit,
            cache: Cache::default(),
            decoder: Decoder::default(),
            scratch: Vec::new(),
            fragments: Fragments::default(),
            done: Cover::default(),
            claimed: Cover::default(),
            damaged: false,
            seen: HashSet::new(),
            lists: HashSet::new(),
            listed: 0,
            xattrs: HashMap::new(),
        }
    }

    /// Reads everything; returns where the image ends in the artifact.
    pub(crate) fn run(mut self) -> Result<u64, InspectError> {
        let end = self.base.saturating_add(self.sup.used).min(self.limit);
        if self.base.saturating_add(self.sup.used) > self.limit {
            self.damaged = true;
            self.to.tell_at("truncated", self.limit);
        }
        self.done.add(0..self.sup.len);
        if self.sup.options {
            let at = self.sup.len;
            self.ignore(|r| r.meta(at).map(|_| ()))?;
        }
        self.ignore(Self::tree)?;
        self.ignore(Self::orphans)?;
        self.ignore(Self::tables)?;
        self.ignore(Self::unused_fragments)?;
        self.account(end)?;
        self.padding(end)
    }

    /// Goes on behind what is broken.
    pub(crate) fn ignore(&mut self, step: impl FnOnce(&mut Self) -> Read<()>) -> Result<(), InspectError> {
        match step(self) {
            Ok(()) => Ok(()),
            Err(Fault::Broken(at)) => self.damage(at),
            Err(Fault::Fatal(error)) => Err(error),
        }
    }

    /// Something at an offset of the artifact is broken.
    pub(crate) fn damage(&mut self, at: u64) -> Result<(), InspectError> {
        if at < self.limit {
            self.to.tell_at("corrupt", at);
        }
        self.damaged = true;
        Ok(())
    }

    /// Labels a range, counted from the superblock, as not looked into.
    pub(crate) fn opaque(&mut self, range: Range<u64>, reason: Reason) -> Result<(), InspectError> {
        let range = self.base.saturating_add(range.start)..self.base.saturating_add(range.end).min(self.limit);
        if range.start < range.end {
            self.claimed.add(range.start - self.base..range.end - self.base);
            self.to.opaque(range, reason)?;
        }
        Ok(())
    }

    fn tree(&mut self) -> Read<()> {
        let root = self.sup.root;
        let inode = self.inode(root)?;
        self.seen.insert(root);
        let Body::Directory(directory) = inode.body else { return Err(Fault::Broken(self.base + 32)) };
        self.note_xattrs(&inode)?;
        self.walk(directory, Vec::new())
    }

    /// Everything below a directory.
    fn walk(&mut self, directory: Directory, mut path: Vec<u8>) -> Read<()> {
        let mut levels = Vec::new();
        self.enter(directory, path.len(), &mut levels)?;
        while let Some(level) = levels.last_mut() {
            path.truncate(level.path);
            let mut now = Level { ..*level };
            let entry = match self.next(&mut now) {
                Ok(Some(entry)) => entry,
                Ok(None) => {
                    levels.pop();
                    continue;
                }
                Err(Fault::Broken(at)) => {
                    self.damage(at)?;
                    levels.pop();
                    continue;
                }
                Err(fatal) => return Err(fatal),
            };
            *level = now;
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&entry.name);
            if entry.name.is_empty() || entry.name.iter().any(|&b| b == 0 || b == b'/') || is_dots(&entry.name) {
                self.to.tell_at("bad-entry", self.base);
            }
            let inode = match self.inode(entry.reference) {
                Ok(inode) => inode,
                Err(Fault::Broken(at)) => {
                    self.damage(at)?;
                    continue;
                }
                Err(fatal) => return Err(fatal),
            };
            let fresh = self.seen.insert(entry.reference);
            match inode.body {
                Body::Directory(directory) if fresh => {
                    self.to.tell("directory-entries");
                    self.note_xattrs(&inode)?;
                    if levels.len() >= DEEPEST || path.len() >= LONGEST_PATH {
                        self.to.tell("limit");
                        self.damaged = true;
                        continue;
                    }
                    self.enter(directory, path.len(), &mut levels)?;
                }
                // A folder has one parent.
                Body::Directory(_) => self.to.tell_at("bad-entry", self.base),
                _ if !fresh => {
                    self.to.check_path(&path);
                    self.to.tell("link");
                    self.to.decoded_text(self.base + self.sup.inode_table, &path)?;
                }
                _ => self.ignore(|r| r.leaf(&path, &inode))?,
            }
        }
        Ok(())
    }

    fn enter(&mut self, directory: Directory, path: usize, levels: &mut Vec<Level>) -> Read<()> {
        if directory.len == 0 {
            return Ok(());
        }
        self.listed += directory.len;
        if !self.lists.insert((directory.list.block, directory.list.at)) || self.listed > MOST_LISTED {
            return self.damage(self.base.saturating_add(directory.list.block)).map_err(Fault::from);
        }
        levels.push(Level { list: directory.list, left: directory.len, count: 0, block: 0, path });
        Ok(())
    }

    /// The next entry of a directory.
    fn next(&mut self, level: &mut Level) -> Read<Option<Entry>> {
        let order = self.sup.order;
        let (head, fixed) = match self.sup.version {
            4 => (12, 8),
            3 => (9, 5),
            _ => (4, 3),
        };
        if level.count == 0 {
            if level.left == 0 {
                return Ok(None);
            }
            let place = Fault::Broken(self.base.saturating_add(level.list.block));
            level.left = level.left.checked_sub(head).ok_or(place)?;
            let b = self.take(&mut level.list, head as usize)?;
            (level.count, level.block) = match self.sup.version {
                4 => (order.u32(&b, 0), u64::from(order.u32(&b, 4))),
                3 => {
                    let [count, block, _] = order.fields(&b, [8, 32, 32]);
                    (count as u32, block)
                }
                _ => {
                    let [count, block] = order.fields(&b, [8, 24]);
                    (count as u32, block)
                }
            };
            if level.count > 0xffff {
                return Err(place);
            }
            level.count += 1;
        }
        let place = Fault::Broken(self.base.saturating_add(level.list.block));
        let b = self.take(&mut level.list, fixed as usize)?;
        let (at, len) = match self.sup.version {
            4 => (u64::from(order.u16(&b, 0)), u64::from(order.u16(&b, 6))),
            _ => {
                let [at, _, len] = order.fields(&b, [13, 3, 8]);
                (at, len)
            }
        };
        if len > 0xff || at >= META as u64 {
            return Err(place);
        }
        let name = self.take(&mut level.list, len as usize + 1)?;
        level.left = level.left.checked_sub(fixed + len + 1).ok_or(place)?;
        level.count -= 1;
        Ok(Some(Entry { reference: level.block << 16 | at, name }))
    }

    /// What is not a directory.
    fn leaf(&mut self, path: &[u8], inode: &Inode) -> Read<()> {
        match inode.body {
            Body::File(file) => {
                let meta = self.meta_of(path, inode)?;
                self.file(meta, file)
            }
            Body::Symlink(mut at, len) => {
                self.note_xattrs(inode)?;
                self.to.check_path(path);
                self.to.tell("link");
                let place = self.base.saturating_add(at.block);
                let target = self.take(&mut at, len)?;
                let line = [path, b" -> ", &target].concat();
                if !self.to.decoded_text(place, &line)? {
                    let meta = ChildMeta::named(&[path, b"/[target]"].concat());
                    self.small_child(meta, &target)?;
                }
                Ok(())
            }
            Body::Special => {
                self.note_xattrs(inode)?;
                self.to.check_path(path);
                self.to.tell("special-file");
                self.to.decoded_text(self.base + self.sup.inode_table, path)?;
                Ok(())
            }
            Body::Directory(_) => Ok(()),
        }
    }

    fn meta_of(&mut self, path: &[u8], inode: &Inode) -> Read<ChildMeta> {
        let mut meta = self.to.child(path);
        let told = &mut meta.attributes;
        told.insert("mode".into(), json!(inode.mode));
        if let Some(uid) = inode.uid {
            told.insert("uid".into(), json!(uid));
        }
        if let Some(gid) = inode.gid {
            told.insert("gid".into(), json!(gid));
        }
        if let Some(mtime) = inode.mtime {
            told.insert("mtime".into(), json!(mtime));
        }
        if inode.links > 1 {
            told.insert("links".into(), json!(inode.links));
        }
        let xattrs = self.note_xattrs(inode)?;
        if !xattrs.is_empty() {
            meta.attributes.insert("xattrs".into(), json!(*xattrs));
        }
        Ok(meta)
    }

    /// Files and folders that stand in the table of inodes and in no folder that could be read.
    fn orphans(&mut self) -> Read<()> {
        let (mut folders, mut leaves) = (Vec::new(), Vec::new());
        let result = self.unseen(&mut folders, &mut leaves);
        // Folders stand behind what is in them: the outermost comes last.
        for (reference, name) in folders.into_iter().rev() {
            let Body::Directory(directory) = self.inode(reference)?.body else { continue };
            if self.seen.insert(reference) {
                self.to.tell_at("bad-entry", self.base + self.sup.inode_table);
                self.ignore(|r| r.walk(directory, name.into_bytes()))?;
            }
        }
        for (reference, name) in leaves {
            let inode = self.inode(reference)?;
            if self.seen.insert(reference) {
                self.to.tell_at("bad-entry", self.base + self.sup.inode_table);
                self.ignore(|r| r.leaf(name.as_bytes(), &inode))?;
            }
        }
        result
    }

    /// Inodes that no folder led to, with names for them.
    fn unseen(&mut self, folders: &mut Vec<(u64, String)>, leaves: &mut Vec<(u64, String)>) -> Read<()> {
        let mut cursor = Cursor { block: self.sup.inode_table, at: 0 };
        let end = self.sup.directory_table;
        let mut left = u64::from(self.sup.inodes);
        while left > 0 && cursor.block < end {
            let (block, next) = self.meta(cursor.block)?;
            if cursor.at >= block.len() {
                if cursor.at > block.len() || next >= end {
                    break;
                }
                cursor = Cursor { block: next, at: 0 };
                continue;
            }
            left -= 1;
            let reference = (cursor.block - self.sup.inode_table) << 16 | cursor.at as u64;
            let inode = self.inode_at(&mut cursor)?;
            self.behind(&inode, &mut cursor)?;
            if self.seen.contains(&reference) || folders.len() + leaves.len() >= MOST_ORPHANS {
                continue;
            }
            let number = if inode.number > 0 { u64::from(inode.number) } else { reference };
            let list = if matches!(inode.body, Body::Directory(_)) { &mut *folders } else { &mut *leaves };
            list.push((reference, format!("[orphan-{number}]")));
        }
        Ok(())
    }

    /// Goes through all tables, so that blocks that no file led to are read as well.
    fn tables(&mut self) -> Read<()> {
        let indexed = if self.sup.version == 4 || self.sup.version == 3 { 8 } else { 4 };
        let mut starts = vec![self.sup.used.min(self.limit - self.base)];
        let fragments = u64::from(self.sup.fragments);
        let size = if self.sup.version == 2 { 8 } else { 16 };
        self.indexed(self.sup.fragment_table, fragments * size, indexed, &mut starts)?;
        self.indexed(self.sup.export_table, u64::from(self.sup.inodes) * 8, indexed, &mut starts)?;
        if self.sup.version == 4 {
            self.indexed(self.sup.id_table, u64::from(self.sup.ids) * 4, indexed, &mut starts)?;
            self.ignore(|r| r.xattr_tables(&mut starts))?;
        } else {
            for (table, count) in [(self.sup.id_table, self.sup.ids), (self.sup.group_table, self.sup.groups)] {
                if count > 0 && table < self.sup.used {
                    starts.push(table);
                    self.done.add(table..(table + 4 * u64::from(count)).min(self.limit - self.base));
                }
            }
        }
        starts.push(self.sup.directory_table);
        let (inodes, directories) = (self.sup.inode_table, self.sup.directory_table);
        for table in [inodes, directories] {
            let end = starts.iter().copied().filter(|&s| s > table).min().unwrap_or(table);
            self.chain(table, end)?;
        }
        Ok(())
    }

    /// A table of `bytes` bytes in metadata blocks, with the list of the blocks at `table`.
    pub(crate) fn indexed(&mut self, table: u64, bytes: u64, width: u64, starts: &mut Vec<u64>) -> Read<()> {
        let room = self.limit - self.base;
        if table == NONE || bytes == 0 {
            return Ok(());
        }
        if table >= room {
            return self.damage(self.base.saturating_add(table)).map_err(Fault::from);
        }
        let blocks = bytes.div_ceil(META as u64);
        let end = table.saturating_add(blocks.saturating_mul(width));
        if end > room {
            self.damage(self.limit)?;
        }
        self.done.add(table..end.min(room));
        starts.push(table);
        for n in 0..blocks.min((room - table) / width) {
            let at = match self.pointer(table, n) {
                Ok(at) => at,
                Err(Fault::Broken(at)) => {
                    self.damage(at)?;
                    continue;
                }
                Err(fatal) => return Err(fatal),
            };
            starts.push(at);
            self.ignore(|r| r.meta(at).map(|_| ()))?;
        }
        Ok(())
    }

    /// Metadata blocks one after the other. Of a broken one the length is believed.
    pub(crate) fn chain(&mut self, from: u64, end: u64) -> Read<()> {
        let mut at = from;
        while at < end && self.base.saturating_add(at) < self.limit {
            at = match self.meta(at) {
                Ok((_, next)) => next,
                Err(Fault::Broken(_)) => match self.meta_header(at)? {
                    Some((start, size, _)) if size <= META => start + size as u64,
                    _ => return Ok(()),
                },
                Err(fatal) => return Err(fatal),
            };
        }
        Ok(())
    }

    /// Labels all bytes up to the end.
    fn account(&mut self, end: u64) -> Result<(), InspectError> {
        let (base, whole) = (self.base, 0..end - self.base);
        let done: Vec<_> = self.done.ranges().to_vec();
        for r in done {
            self.to.container(base + r.start.min(whole.end)..base + r.end.min(whole.end))?;
        }
        self.claimed.extend(&self.done);
        let mut lost = Vec::new();
        for gap in self.claimed.gaps(whole) {
            let gap = base + gap.start..base + gap.end;
            if !self.damaged {
                self.to.unallocated(gap)?;
            } else if first_nonzero(self.to.blob, gap.clone())?.is_none() {
                self.to.container(gap)?;
            } else {
                // It may be the content of a file that is not known of.
                self.to.opaque(gap.clone(), Reason::Corrupt)?;
                lost.push(gap);
            }
        }
        self.ignore(|r| r.recover(&lost))
    }

    /// The image is filled up with zeros to a multiple of 4 KiB.
    fn padding(&mut self, end: u64) -> Result<u64, InspectError> {
        let padded = (self.base + (end - self.base).next_multiple_of(4096)).min(self.limit);
        if padded > end && first_nonzero(self.to.blob, end..padded)?.is_none() {
            self.to.container(end..padded)?;
            return Ok(padded);
        }
        Ok(end)
    }
}

fn is_dots(name: &[u8]) -> bool {
    matches!(name, b"." | b"..")
}
