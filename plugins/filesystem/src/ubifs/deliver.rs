//! Hands over what counts as files, and what counts no more as free space.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use yumen_kit_container::Container;
use yumen_model::{ChildMeta, Extent, InspectError, Reason};

use super::node::{BLOCK, Inode, Kind as NodeKind, ROOT, method};
use super::replay::Live;
use super::scan::{Node, Scan};
use crate::flash::codec::{Blocks, Method};
use crate::flash::{Attributes, Kind, Obsolete, Tree, Writer, show};

/// Where a data node's content begins.
const DATA_AT: u64 = 48;

pub(super) fn run(to: &mut Container<'_>, scan: &Scan, live: &Live) -> Result<(), InspectError> {
    let flags = live.flags(scan.nodes.len());
    broken(to, scan, live)?;
    let mut reader = Reader { to, scan, live, blocks: Blocks::new(), attributes: BTreeMap::new() };
    reader.files()?;
    reader.obsolete(&flags)
}

/// Nodes that can't be read: what the index names, or may have named, is lost; the rest was never written to its end.
fn broken(to: &mut Container<'_>, scan: &Scan, live: &Live) -> Result<(), InspectError> {
    let lost: HashSet<u64> = live.lost.values().map(|l| l.0).collect();
    let mut needed = HashSet::new();
    for range in &scan.broken {
        let wanted = live.rebuilt || range.end >= to.len() || lost.contains(&range.start);
        if wanted {
            needed.insert(range.start);
            to.tell_at("checksum-mismatch", range.start);
            to.opaque(range.clone(), Reason::Corrupt)?;
        } else {
            to.unallocated_flash(range.clone())?;
        }
    }
    for &(at, len) in live.lost.values() {
        to.tell_at(if at >= to.len() { "truncated" } else { "corrupt" }, at.min(to.len()));
        if at < to.len() && !needed.contains(&at) {
            to.opaque(at..at + u64::from(len), Reason::Corrupt)?;
        }
    }
    Ok(())
}

struct Reader<'r, 'a> {
    to: &'r mut Container<'a>,
    scan: &'r Scan,
    live: &'r Live,
    blocks: Blocks,
    /// Names of the extended attributes of each inode.
    attributes: BTreeMap<u32, Vec<String>>,
}

impl Reader<'_, '_> {
    fn inode(&mut self, number: u32) -> Result<Option<(Inode, Node)>, InspectError> {
        let Some(&n) = self.live.inodes.get(&number) else { return Ok(None) };
        let node = self.scan.nodes[n];
        Ok(Some((Inode::parse(self.to.window.get(node.at, 160)?), node)))
    }

    fn files(&mut self) -> Result<(), InspectError> {
        let live = self.live;
        let mut tree = Tree::new(u64::from(ROOT));
        let mut named: HashSet<u32> = [ROOT].into();
        for ((parent, attribute, name), &(inode, _)) in &live.names {
            named.insert(inode);
            if *attribute {
                self.attribute(*parent, name, inode)?;
            } else if self.inode(inode)?.is_some_and(|(i, _)| Kind::of_mode(i.mode) == Some(Kind::Directory)) {
                tree.directory(u64::from(inode), u64::from(*parent), name);
            }
        }
        let names = live.names.iter().filter(|((_, attribute, _), _)| !attribute);
        let mut paths: Vec<(Vec<u8>, u32)> =
            names.map(|((parent, _, name), &(inode, _))| (tree.path(u64::from(*parent), name), inode)).collect();
        paths.sort();
        // Inodes that no directory names: after damage, or deleted while they were open.
        let mut nameless: Vec<u32> =
            live.inodes.keys().copied().chain(live.data.keys().map(|k| k.0)).filter(|i| !named.contains(i)).collect();
        nameless.sort_unstable();
        nameless.dedup();
        paths.extend(nameless.into_iter().map(|i| (format!("[inode-{i}]").into_bytes(), i)));
        let mut done = HashSet::new();
        for (path, inode) in paths {
            if done.insert(inode) {
                self.entry(&path, inode)?;
            } else {
                self.to.check_path(&path);
                self.to.tell("link");
            }
        }
        Ok(())
    }

    /// The value of an extended attribute, which is an inode of its own.
    fn attribute(&mut self, of: u32, name: &[u8], value: u32) -> Result<(), InspectError> {
        self.attributes.entry(of).or_default().push(String::from_utf8_lossy(name).into_owned());
        if let Some((inode, node)) = self.inode(value)? {
            show(self.to, inline(&inode, &node))?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &[u8], number: u32) -> Result<(), InspectError> {
        let found = self.inode(number)?;
        let kind = found.and_then(|(inode, _)| Kind::of_mode(inode.mode)).unwrap_or(Kind::File);
        if found.is_none() && !self.live.data.range((number, 0)..=(number, u32::MAX)).any(|_| true) {
            self.to.check_path(path);
            self.to.tell("bad-entry");
            return Ok(());
        }
        if let Some((inode, node)) = found
            && inode.is_attribute()
        {
            // The value of an attribute whose file is gone.
            return show(self.to, inline(&inode, &node));
        }
        let code = match kind {
            Kind::File => return self.file(path, number, found.map(|f| f.0)),
            Kind::Directory => "directory-entries",
            Kind::Symlink => "link",
            Kind::Special => "special-file",
        };
        self.to.check_path(path);
        self.to.tell(code);
        if let Some((inode, node)) = found
            && kind == Kind::Symlink
        {
            let target = inline(&inode, &node);
            if inode.is_encrypted() {
                self.to.tell_at("encrypted", target.start);
                self.to.opaque(target, Reason::Encrypted)?;
            } else {
                show(self.to, target)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &[u8], number: u32, inode: Option<Inode>) -> Result<(), InspectError> {
        let live = self.live;
        let nodes = |r: std::ops::RangeInclusive<(u32, u32)>| {
            live.data.range(r).map(|(k, &n)| (u64::from(k.1) * BLOCK, self.scan.nodes[n]))
        };
        let pieces: Vec<(u64, Node)> = nodes((number, 0)..=(number, u32::MAX)).collect();
        let stored_end = pieces.last().map_or(0, |(at, node)| at + u64::from(node.size));
        let size = inode.map_or(0, |i| i.size).max(stored_end);
        let data = 1 << 29;
        let whole = inode.is_some() && live.lost.range((number, data)..(number, data << 1)).next().is_none();
        let mut meta = self.to.child(path);
        if let Some(i) = inode {
            Attributes { mode: i.mode, uid: i.uid, gid: i.gid, mtime: i.mtime }.put(&mut meta);
        }
        if let Some(names) = self.attributes.get(&number) {
            meta.attributes.insert("xattrs".to_owned(), names.clone().into());
        }
        if inode.is_some_and(|i| i.is_encrypted()) {
            let extents: Vec<Extent> = pieces.iter().map(|(_, node)| Extent::of(content(node))).collect();
            if extents.is_empty() {
                return Ok(());
            }
            meta.opaque = Some(Reason::Encrypted);
            return self.to.hand_over(meta, extents);
        }
        if !whole {
            self.to.tell("incomplete-child");
        }
        let plain = pieces
            .iter()
            .all(|(_, n)| method(n.method) == Method::Stored && n.len == u32::from(n.size) + DATA_AT as u32);
        if plain && whole {
            return self.to.hand_over(meta, extents(&pieces, size));
        }
        meta.encoded = Some(pieces.iter().map(|(_, n)| u64::from(n.len)).sum());
        self.decoded(meta, &pieces, size, whole)
    }

    fn decoded(
        &mut self,
        meta: ChildMeta,
        pieces: &[(u64, Node)],
        size: u64,
        mut whole: bool,
    ) -> Result<(), InspectError> {
        let mut writer = Writer::start(self.to, meta)?;
        for (at, node) in pieces {
            if let Some(reason) = writer.stopped() {
                self.to.opaque(content(node), reason)?;
                continue;
            }
            writer.zeros(self.to, at.saturating_sub(writer.len))?;
            let done = self.decode(node)?;
            writer.bytes(self.to, &self.blocks.output)?;
            if !done {
                whole = false;
                let known = method(node.method) != Method::Unknown;
                self.to.tell_at(if known { "corrupt" } else { "unsupported-method" }, node.at);
                self.to.opaque(content(node), if known { Reason::Corrupt } else { Reason::Unsupported })?;
            }
        }
        writer.zeros(self.to, size.saturating_sub(writer.len))?;
        if let Some(reason) = writer.end(self.to, whole)? {
            // What was decoded last did not arrive.
            for (_, node) in pieces {
                self.to.opaque(content(node), reason)?;
            }
        }
        Ok(())
    }

    fn decode(&mut self, node: &Node) -> Result<bool, InspectError> {
        let range = content(node);
        let input = self.to.window.get(range.start, usize::try_from(range.end - range.start).unwrap_or(0))?;
        Ok(self.blocks.decode(method(node.method), input, usize::from(node.size)))
    }

    /// Nodes that count no more: earlier content and earlier names.
    fn obsolete(&mut self, live: &[bool]) -> Result<(), InspectError> {
        let scan = self.scan;
        let mut data: Vec<Node> = Vec::new();
        for (node, live) in scan.nodes.iter().zip(live) {
            match node.kind {
                _ if *live => {}
                NodeKind::Data => data.push(*node),
                NodeKind::Inode if node.len > 160 => {
                    self.to.unallocated_flash(node.at + 160..node.at + u64::from(node.len))?;
                }
                NodeKind::Dent | NodeKind::Xent => {
                    self.to.unallocated_flash(node.at + 56..node.at + u64::from(node.len))?;
                }
                _ => {}
            }
        }
        data.sort_by_key(|n| (n.key, n.sequence));
        let mut obsolete = Obsolete::default();
        for node in data {
            let piece = content(&node);
            if method(node.method) == Method::Stored || !self.decode(&node)? {
                self.to.unallocated_flash(piece)?;
                continue;
            }
            let at = u64::from(node.key.1) * BLOCK;
            obsolete.add(self.to, node.key.0, at, &self.blocks.output, piece)?;
        }
        obsolete.finish(self.to)
    }
}

/// The bytes of a data node behind its header.
fn content(node: &Node) -> Range<u64> {
    node.at + DATA_AT..node.at + u64::from(node.len)
}

/// What stands in an inode itself.
fn inline(inode: &Inode, node: &Node) -> Range<u64> {
    let room = u64::from(node.len).saturating_sub(Inode::INLINE_AT);
    let start = node.at + Inode::INLINE_AT;
    start..start + u64::from(inode.inline).min(room)
}

/// Pieces that stand as they are, with holes between them.
fn extents(pieces: &[(u64, Node)], size: u64) -> Vec<Extent> {
    let mut extents = Vec::new();
    let mut done = 0;
    for (at, node) in pieces {
        if *at > done {
            extents.push(Extent::Zero { len: at - done });
        }
        extents.push(Extent::of(content(node)));
        done = at + u64::from(node.size);
    }
    if size > done {
        extents.push(Extent::Zero { len: size - done });
    }
    extents
}
