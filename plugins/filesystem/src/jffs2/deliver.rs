//! Puts files together out of their pieces: of each stretch the highest version counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use yumen_kit_container::Container;
use yumen_model::{ChildMeta, Extent, InspectError, Reason};

use super::node::{Order, method};
use super::scan::{Piece, Scan};
use crate::flash::codec::{Blocks, Method};
use crate::flash::{Attributes, Kind, Obsolete, Tree, Writer, show};

const ROOT: u32 = 1;

pub(super) fn run(to: &mut Container<'_>, order: Order, scan: &Scan) -> Result<(), InspectError> {
    let mut by_inode: HashMap<u32, Vec<usize>> = HashMap::new();
    for (n, piece) in scan.data.iter().enumerate() {
        by_inode.entry(piece.inode.number).or_default().push(n);
    }
    for pieces in by_inode.values_mut() {
        // Of one version, what was marked as obsolete gives way.
        pieces.sort_by_key(|&n| (scan.data[n].inode.version, !scan.data[n].marked));
    }
    let visible = vec![0; scan.data.len()];
    Reader { to, order, scan, by_inode, blocks: Blocks::new(), decoded: None, visible }.run()
}

/// A stretch of a file: where it begins, where it ends, and the piece it is in.
type Stretch = (u32, u32, usize);

struct Reader<'r, 'a> {
    to: &'r mut Container<'a>,
    order: Order,
    scan: &'r Scan,
    /// The pieces of each inode by version.
    by_inode: HashMap<u32, Vec<usize>>,
    blocks: Blocks,
    /// The piece that was decoded last, and whether all of it came out.
    decoded: Option<(usize, bool)>,
    /// How many bytes of each piece were shown.
    visible: Vec<u32>,
}

impl Reader<'_, '_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let scan = self.scan;
        let mut newest: HashMap<(u32, &[u8]), usize> = HashMap::new();
        for (n, name) in scan.dents.iter().enumerate() {
            let slot = newest.entry((name.dent.parent, &name.dent.name)).or_insert(n);
            let rank = |n: usize| (scan.dents[n].dent.version, !scan.dents[n].marked);
            if rank(n) >= rank(*slot) {
                *slot = n;
            }
        }
        let mut live: Vec<usize> = newest.values().copied().filter(|&n| scan.dents[n].dent.inode != 0).collect();
        live.sort_unstable();
        let counts: HashSet<usize> = live.iter().copied().collect();
        for (n, name) in scan.dents.iter().enumerate() {
            if !counts.contains(&n) {
                let at = name.at + 40;
                self.to.unallocated_flash(at..at + name.dent.name.len() as u64)?;
            }
        }
        let mut tree = Tree::new(u64::from(ROOT));
        for &n in &live {
            let dent = &scan.dents[n].dent;
            // A directory may have no inode node that could be read: then what names it as parent tells.
            if self.kind(dent.inode)?.is_none_or(|k| k == Kind::Directory) {
                tree.directory(u64::from(dent.inode), u64::from(dent.parent), &dent.name);
            }
        }
        let mut paths: Vec<(Vec<u8>, u32)> = live
            .iter()
            .map(|&n| &scan.dents[n].dent)
            .map(|d| (tree.path(u64::from(d.parent), &d.name), d.inode))
            .collect();
        paths.sort();
        // Inodes that no entry names and none has named.
        let named: HashSet<u32> = scan.dents.iter().map(|n| n.dent.inode).chain([ROOT]).collect();
        let mut nameless: Vec<u32> = self.by_inode.keys().copied().filter(|i| !named.contains(i)).collect();
        nameless.sort_unstable();
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
        self.obsolete()
    }

    /// The newest piece of an inode: it tells what is known of the file.
    fn newest(&self, inode: u32) -> Option<usize> {
        self.by_inode.get(&inode).and_then(|p| p.last().copied())
    }

    fn attributes(&mut self, inode: u32) -> Result<Option<Attributes>, InspectError> {
        let Some(n) = self.newest(inode) else { return Ok(None) };
        let node = self.to.window.get(self.scan.data[n].at, 68)?;
        let o = self.order;
        Ok(Some(Attributes {
            mode: o.u32(node, 20),
            uid: u32::from(o.u16(node, 24)),
            gid: u32::from(o.u16(node, 26)),
            mtime: i64::from(o.u32(node, 36)),
        }))
    }

    fn kind(&mut self, inode: u32) -> Result<Option<Kind>, InspectError> {
        Ok(self.attributes(inode)?.and_then(|a| Kind::of_mode(a.mode)))
    }

    fn entry(&mut self, path: &[u8], inode: u32) -> Result<(), InspectError> {
        let Some(attributes) = self.attributes(inode)? else {
            self.to.check_path(path);
            self.to.tell("bad-entry");
            return Ok(());
        };
        let code = match Kind::of_mode(attributes.mode).unwrap_or(Kind::File) {
            Kind::File => return self.file(path, inode, attributes),
            Kind::Directory => "directory-entries",
            Kind::Symlink => "link",
            Kind::Special => "special-file",
        };
        self.to.check_path(path);
        self.to.tell(code);
        // A link's target stands in the newest piece that has one.
        let pieces = self.by_inode.get(&inode).map_or(&[][..], Vec::as_slice);
        let scan = self.scan;
        if let Some(&n) = pieces.iter().rev().find(|&&n| scan.data[n].inode.unpacked > 0) {
            let piece = &scan.data[n];
            if method(piece.inode.method) == Method::Stored {
                self.visible[n] = piece.inode.unpacked;
                if code == "link" {
                    show(self.to, content(piece))?;
                }
            }
        }
        Ok(())
    }

    /// What is to be seen of a file: later pieces cover earlier ones, and nothing lies behind its end.
    fn stretches(&self, inode: u32) -> (u32, Vec<Stretch>) {
        let pieces = self.by_inode.get(&inode).map_or(&[][..], Vec::as_slice);
        let size = pieces.last().map_or(0, |&n| self.scan.data[n].inode.size);
        let mut shown: BTreeMap<u32, (u32, usize)> = BTreeMap::new();
        for &n in pieces {
            let i = &self.scan.data[n].inode;
            let (start, end) = (i.offset, i.offset + i.unpacked);
            if start == end {
                continue;
            }
            let under: Vec<_> =
                shown.range(..end).rev().take_while(|(_, (e, _))| *e > start).map(|(&s, &(e, p))| (s, e, p)).collect();
            for (s, e, p) in under {
                shown.remove(&s);
                if s < start {
                    shown.insert(s, (start, p));
                }
                if e > end {
                    shown.insert(end, (e, p));
                }
            }
            shown.insert(start, (end, n));
        }
        let within = shown.into_iter().map(|(s, (e, n))| (s, e.min(size), n)).filter(|s| s.0 < s.1);
        (size, within.collect())
    }

    fn file(&mut self, path: &[u8], inode: u32, attributes: Attributes) -> Result<(), InspectError> {
        let (size, stretches) = self.stretches(inode);
        let mut meta = self.to.child(path);
        attributes.put(&mut meta);
        let scan = self.scan;
        for &(start, end, n) in &stretches {
            self.visible[n] += end - start;
        }
        let stored = |n: usize| {
            method(scan.data[n].inode.method) == Method::Stored
                && scan.data[n].inode.packed >= scan.data[n].inode.unpacked
        };
        let zero = |n: usize| method(scan.data[n].inode.method) == Method::Zero;
        if stretches.iter().all(|s| stored(s.2) || zero(s.2)) {
            let mut extents = Vec::new();
            let mut done = 0;
            for &(start, end, n) in &stretches {
                if start > done {
                    extents.push(Extent::Zero { len: u64::from(start - done) });
                }
                let from = content(&scan.data[n]).start + u64::from(start - scan.data[n].inode.offset);
                let len = u64::from(end - start);
                extents.push(if zero(n) { Extent::Zero { len } } else { Extent::of(from..from + len) });
                done = end;
            }
            if size > done {
                extents.push(Extent::Zero { len: u64::from(size - done) });
            }
            return self.to.hand_over(meta, extents);
        }
        meta.encoded = Some(stretches.iter().map(|s| u64::from(scan.data[s.2].inode.packed)).sum());
        self.decoded_file(meta, size, &stretches)
    }

    fn decoded_file(&mut self, meta: ChildMeta, size: u32, stretches: &[Stretch]) -> Result<(), InspectError> {
        let scan = self.scan;
        let mut whole = true;
        let mut writer = Writer::start(self.to, meta)?;
        for &(start, end, n) in stretches {
            if writer.stopped().is_some() {
                break;
            }
            writer.zeros(self.to, u64::from(start).saturating_sub(writer.len))?;
            let piece = &scan.data[n];
            if method(piece.inode.method) == Method::Zero {
                writer.zeros(self.to, u64::from(end - start))?;
                continue;
            }
            whole &= self.decode(n)?;
            let range = (start - piece.inode.offset) as usize..(end - piece.inode.offset) as usize;
            let bytes = &self.blocks.output;
            writer.bytes(self.to, bytes.get(range.start..range.end.min(bytes.len())).unwrap_or(&[]))?;
        }
        writer.zeros(self.to, u64::from(size).saturating_sub(writer.len))?;
        if let Some(reason) = writer.end(self.to, whole)? {
            for s in stretches {
                self.to.opaque(content(&scan.data[s.2]), reason)?;
            }
        }
        Ok(())
    }

    /// Decodes a piece; what can't be decoded is opaque.
    fn decode(&mut self, n: usize) -> Result<bool, InspectError> {
        if let Some((last, whole)) = self.decoded
            && last == n
        {
            return Ok(whole);
        }
        let piece = &self.scan.data[n];
        let range = content(piece);
        let how = method(piece.inode.method);
        let input = self.to.window.get(range.start, piece.inode.packed as usize)?;
        let whole = self.blocks.decode(how, input, piece.inode.unpacked as usize);
        self.decoded = Some((n, whole));
        if !whole {
            let unknown = how == Method::Unknown;
            self.to.tell_at(if unknown { "unsupported-method" } else { "corrupt" }, piece.at);
            self.to.opaque(range, if unknown { Reason::Unsupported } else { Reason::Corrupt })?;
        }
        Ok(whole)
    }

    /// Pieces that are not shown, or not all of them: earlier content.
    fn obsolete(&mut self) -> Result<(), InspectError> {
        let scan = self.scan;
        let hidden = |n: &usize| self.visible[*n] < scan.data[*n].inode.unpacked && scan.data[*n].inode.method != 1;
        let mut pieces: Vec<usize> = (0..scan.data.len()).filter(hidden).collect();
        pieces.sort_by_key(|&n| (scan.data[n].inode.number, scan.data[n].inode.offset, scan.data[n].inode.version));
        let mut obsolete = Obsolete::default();
        for n in pieces {
            let piece = &scan.data[n];
            if method(piece.inode.method) == Method::Stored {
                self.to.unallocated_flash(content(piece))?;
            } else {
                self.decode(n)?;
                obsolete.add(
                    self.to,
                    piece.inode.number,
                    u64::from(piece.inode.offset),
                    &self.blocks.output,
                    content(piece),
                )?;
            }
        }
        obsolete.finish(self.to)
    }
}

/// The bytes of a node behind its header.
fn content(piece: &Piece) -> Range<u64> {
    piece.at + 68..piece.at + 68 + u64::from(piece.inode.packed)
}
