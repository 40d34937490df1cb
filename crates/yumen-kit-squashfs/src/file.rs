//! The content of files: blocks, and tails that share fragment blocks.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;

use yumen_model::{ChildMeta, Extent, InspectError, Message, Reason, Stop};

use crate::inode::File;
use crate::meta::{Fault, Read};
use crate::reader::Reader;
use crate::superblock::NONE;

/// Bytes of decoded fragment blocks that are kept; of the longest blocks eight.
const KEPT: usize = 8 << 20;
/// A file of more pieces is copied.
const MOST_EXTENTS: usize = 1 << 16;
/// Ranges of a fragment block that are told apart.
const MOST_PIECES: usize = 4096;

/// A block as it is stored.
#[derive(Clone, Copy, Debug)]
struct Stored {
    /// From the superblock on.
    start: u64,
    len: u64,
    packed: bool,
}

impl Stored {
    fn range(self) -> Range<u64> {
        self.start..self.start.saturating_add(self.len)
    }
}

/// Decoded fragment blocks, and what of each was used.
#[derive(Default)]
pub(crate) struct Fragments {
    kept: VecDeque<(u32, Rc<[u8]>)>,
    bytes: usize,
    /// By number: decoded length and ranges used. No length when it is broken.
    used: BTreeMap<u32, (Option<usize>, Vec<Range<u32>>)>,
}

impl Fragments {
    fn get(&self, n: u32) -> Option<Rc<[u8]>> {
        self.kept.iter().rev().find(|(k, _)| *k == n).map(|(_, block)| Rc::clone(block))
    }

    fn put(&mut self, n: u32, block: &Rc<[u8]>) {
        self.bytes += block.len();
        self.kept.push_back((n, Rc::clone(block)));
        while self.bytes > KEPT {
            let Some((_, oldest)) = self.kept.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    fn mark(&mut self, n: u32, range: Range<u32>) {
        let (_, ranges) = self.used.entry(n).or_default();
        match ranges.last_mut() {
            Some(last) if last.start <= range.start && range.start <= last.end => last.end = last.end.max(range.end),
            _ if range.is_empty() => {}
            _ => ranges.push(range),
        }
        if ranges.len() > MOST_PIECES {
            join(ranges);
        }
    }
}

fn join(ranges: &mut Vec<Range<u32>>) {
    ranges.sort_unstable_by_key(|r| r.start);
    ranges.dedup_by(|next, before| {
        let meets = next.start <= before.end;
        if meets {
            before.end = before.end.max(next.end);
        }
        meets
    });
}

/// How the delivery of a child goes on.
enum Flow {
    On,
    /// The engine takes no more of it, for this reason.
    Refused(Reason),
}

/// What the list of a file's blocks holds.
struct Plan {
    /// Set when all is stored as it is.
    extents: Option<Vec<Extent>>,
    /// Stored bytes.
    bytes: u64,
    /// Number of lengths that could be read.
    known: u64,
}

impl Reader<'_, '_> {
    /// Hands over a file.
    pub(crate) fn file(&mut self, mut meta: ChildMeta, file: File) -> Read<()> {
        let mut plan = self.plan(&file)?;
        let tail = file.size.saturating_sub(file.blocks.saturating_mul(self.sup.block_size));
        let mut share = 0;
        if let Some((n, at)) = file.fragment
            && tail > 0
        {
            match self.fragment_place(n) {
                Ok(stored) => {
                    share = (stored.len * tail / self.sup.block_size).max(1);
                    plan.extents = plan.extents.filter(|_| !stored.packed && u64::from(at) + tail <= stored.len);
                    if let Some(extents) = &mut plan.extents {
                        push(extents, self.base, stored.start + u64::from(at), tail);
                    }
                }
                Err(Fault::Broken(_)) => plan.extents = None,
                Err(fatal) => return Err(fatal),
            }
        }
        if let Some(extents) = plan.extents {
            for extent in &extents {
                if let Extent::Data { offset, len } = extent {
                    self.claimed.add(offset - self.base..offset - self.base + len);
                }
            }
            return Ok(self.to.hand_over(meta, extents)?);
        }
        meta.encoded = Some(plan.bytes + share);
        if let Some(stop) = self.give(Message::ChildStart { meta })? {
            return self.refused(&file, plan.bytes, stop);
        }
        let mut complete = true;
        match self.blocks(&file, plan.known, &mut complete)? {
            Flow::On => {}
            Flow::Refused(reason) => return self.refused(&file, plan.bytes, reason),
        }
        if let Some((n, at)) = file.fragment.filter(|_| tail > 0 && plan.known == file.blocks) {
            match self.tail(n, at, tail, &mut complete)? {
                Flow::On => {}
                Flow::Refused(reason) => return self.refused(&file, plan.bytes, reason),
            }
        }
        if !complete {
            self.to.tell("incomplete-child");
        }
        match self.give(Message::ChildEnd { complete })? {
            None => Ok(()),
            Some(reason) => self.refused(&file, plan.bytes, reason),
        }
    }

    pub(crate) fn give(&mut self, message: Message<'_>) -> Result<Option<Reason>, InspectError> {
        match self.to.send(message) {
            Ok(()) => Ok(None),
            Err(Stop::Child(reason)) => Ok(Some(reason)),
            Err(stop) => Err(stop.into()),
        }
    }

    fn refused(&mut self, file: &File, bytes: u64, reason: Reason) -> Read<()> {
        self.opaque(file.start..file.start.saturating_add(bytes), reason)?;
        if let Some((n, _)) = file.fragment
            && let Ok(stored) = self.fragment_place(n)
        {
            self.opaque(stored.range(), reason)?;
        }
        Ok(())
    }

    /// The length of a block at a cursor in the list.
    fn length(&mut self, cursor: &mut crate::meta::Cursor, start: u64) -> Read<Stored> {
        let order = self.sup.order;
        if self.sup.version == 1 {
            let word = order.u16(&self.take(cursor, 2)?, 0);
            let len = if word & 0x7fff == 0 { 0x8000 } else { u64::from(word & 0x7fff) };
            // Version 1 knows no holes; a zero word is one all the same.
            return Ok(Stored { start, len: if word == 0 { 0 } else { len }, packed: word & 0x8000 == 0 });
        }
        let word = order.u32(&self.take(cursor, 4)?, 0);
        Ok(Stored { start, len: u64::from(word & 0xff_ffff), packed: word & 1 << 24 == 0 })
    }

    /// Goes through the list of blocks.
    fn plan(&mut self, file: &File) -> Read<Plan> {
        let mut cursor = file.lengths;
        let mut at = file.start;
        let mut extents = Some(Vec::new());
        for i in 0..file.blocks {
            let stored = match self.length(&mut cursor, at) {
                Ok(stored) => stored,
                Err(Fault::Broken(place)) => {
                    self.damage(place)?;
                    return Ok(Plan { extents: None, bytes: at - file.start, known: i });
                }
                Err(fatal) => return Err(fatal),
            };
            let want = self.expected(file, i);
            at = at.saturating_add(stored.len);
            let fits = self.base.saturating_add(at) <= self.limit;
            let plain = stored.len == 0 || !stored.packed && stored.len == want && fits;
            extents = extents.filter(|list: &Vec<_>| plain && list.len() < MOST_EXTENTS);
            if let Some(list) = &mut extents {
                match stored.len {
                    0 => match list.last_mut() {
                        Some(Extent::Zero { len }) => *len += want,
                        _ => list.push(Extent::Zero { len: want }),
                    },
                    len => push(list, self.base, stored.start, len),
                }
            }
        }
        Ok(Plan { extents, bytes: at - file.start, known: file.blocks })
    }

    fn expected(&self, file: &File, i: u64) -> u64 {
        file.size.saturating_sub(i.saturating_mul(self.sup.block_size)).min(self.sup.block_size)
    }

    fn blocks(&mut self, file: &File, known: u64, complete: &mut bool) -> Read<Flow> {
        *complete = known == file.blocks;
        let mut cursor = file.lengths;
        let mut at = file.start;
        // Holes are gathered: a hostile list of them costs one message.
        let mut zeros = 0u64;
        for i in 0..known {
            let stored = self.length(&mut cursor, at)?;
            at = at.saturating_add(stored.len);
            let want = self.expected(file, i);
            if stored.len == 0 {
                zeros = zeros.saturating_add(want);
                continue;
            }
            if zeros > 0
                && let Some(reason) = self.give(Message::ChildZeros(std::mem::take(&mut zeros)))?
            {
                return Ok(Flow::Refused(reason));
            }
            if self.base.saturating_add(at) > self.limit {
                self.to.tell_at("truncated", self.limit);
                self.opaque(stored.start..stored.start.saturating_add(stored.len), Reason::Corrupt)?;
                *complete = false;
                return Ok(Flow::On);
            }
            let want = want as usize;
            let mut block = std::mem::take(&mut self.scratch);
            let good = self.decode(stored, want, &mut block)? && block.len() == want;
            if good {
                self.done.add(stored.range());
            } else {
                self.opaque(stored.range(), Reason::Corrupt)?;
                self.to.tell_at("corrupt", self.base + stored.start);
                *complete = false;
                block.resize(want, 0);
            }
            let given = self.give(Message::ChildBytes(block.as_slice().into()))?;
            self.scratch = block;
            if let Some(reason) = given {
                return Ok(Flow::Refused(reason));
            }
        }
        if zeros > 0
            && let Some(reason) = self.give(Message::ChildZeros(zeros))?
        {
            return Ok(Flow::Refused(reason));
        }
        Ok(Flow::On)
    }

    /// Decodes a block that lies within the image; false when it is broken, with whatever came out.
    fn decode(&mut self, stored: Stored, want: usize, out: &mut Vec<u8>) -> Read<bool> {
        let most = self.sup.block_size as usize;
        out.clear();
        if stored.len > 2 * self.sup.block_size {
            return Ok(false);
        }
        let place = self.base + stored.start;
        let bytes = self.to.blob.bytes(place..place + stored.len).map_err(|e| InspectError::read(place, &e))?;
        if !stored.packed {
            *out = bytes;
            return Ok(out.len() <= most);
        }
        let method = self.sup.method;
        Ok(self.decoder.decode(method, &bytes, most, Some(want), out).is_ok())
    }

    fn tail(&mut self, n: u32, at: u32, len: u64, complete: &mut bool) -> Read<Flow> {
        let block = match self.fragment(n) {
            Ok(block) => block,
            Err(Fault::Broken(_)) => {
                *complete = false;
                return Ok(Flow::On);
            }
            Err(fatal) => return Err(fatal),
        };
        let (from, to) = (at as usize, at as usize + len as usize);
        let piece = match block.get(from..to) {
            Some(piece) => piece,
            None => {
                *complete = false;
                let place = self.base.saturating_add(self.sup.fragment_table);
                self.damage(place)?;
                block.get(from..).unwrap_or(&[])
            }
        };
        self.fragments.mark(n, at..at + piece.len() as u32);
        match self.give(Message::ChildBytes(piece.into()))? {
            None => Ok(Flow::On),
            Some(reason) => Ok(Flow::Refused(reason)),
        }
    }

    /// Where a fragment block is stored.
    fn fragment_place(&mut self, n: u32) -> Read<Stored> {
        if n >= self.sup.fragments || self.sup.fragment_table == NONE {
            return Err(Fault::Broken(self.base.saturating_add(self.sup.inode_table)));
        }
        let order = self.sup.order;
        let (start, word) = if self.sup.version == 2 {
            let b = self.entry(self.sup.fragment_table, u64::from(n), 8)?;
            (u64::from(order.u32(&b, 0)), order.u32(&b, 4))
        } else {
            let b = self.entry(self.sup.fragment_table, u64::from(n), 16)?;
            (order.u64(&b, 0), order.u32(&b, 8))
        };
        Ok(Stored { start, len: u64::from(word & 0xff_ffff), packed: word & 1 << 24 == 0 })
    }

    fn fragment(&mut self, n: u32) -> Read<Rc<[u8]>> {
        if let Some(block) = self.fragments.get(n) {
            return Ok(block);
        }
        let stored = match self.fragment_place(n) {
            Ok(stored) => stored,
            Err(Fault::Broken(at)) => {
                self.damage(at)?;
                return Err(Fault::Broken(at));
            }
            Err(fatal) => return Err(fatal),
        };
        let place = self.base.saturating_add(stored.start);
        if matches!(self.fragments.used.get(&n), Some((None, _))) {
            return Err(Fault::Broken(place));
        }
        let fits = place.saturating_add(stored.len) <= self.limit;
        let mut out = Vec::new();
        let block_size = self.sup.block_size as usize;
        // Headless LZMA needs the length, which only a full block has for sure.
        if !fits || !self.decode(stored, block_size, &mut out)? {
            self.fragments.used.insert(n, (None, Vec::new()));
            self.opaque(stored.range(), Reason::Corrupt)?;
            self.to.tell_at(if fits { "corrupt" } else { "truncated" }, place.min(self.limit));
            return Err(Fault::Broken(place));
        }
        let block: Rc<[u8]> = out.into();
        self.done.add(stored.range());
        self.fragments.used.entry(n).or_default().0 = Some(block.len());
        self.fragments.put(n, &block);
        Ok(block)
    }

    /// What of compressed fragment blocks no file uses: one child of free space.
    pub(crate) fn unused_fragments(&mut self) -> Read<()> {
        let mut open = false;
        for n in 0..self.sup.fragments {
            let stored = match self.fragment_place(n) {
                Ok(stored) => stored,
                // The table ends here.
                Err(Fault::Broken(_)) => break,
                Err(fatal) => return Err(fatal),
            };
            if !stored.packed {
                continue;
            }
            let mut free = Vec::new();
            if let Some((len, ranges)) = self.fragments.used.get_mut(&n) {
                let Some(len) = *len else { continue };
                join(ranges);
                let mut at = 0;
                for r in ranges.iter() {
                    if r.start > at {
                        free.push(at..r.start);
                    }
                    at = at.max(r.end);
                }
                if (at as usize) < len {
                    free.push(at..len as u32);
                }
            } else {
                free.push(0..u32::MAX);
            }
            if free.is_empty() {
                continue;
            }
            let block = match self.fragment(n) {
                Ok(block) => block,
                Err(Fault::Broken(_)) => continue,
                Err(fatal) => return Err(fatal),
            };
            for r in free {
                let piece = block.get(r.start as usize..block.len().min(r.end as usize)).unwrap_or(&[]);
                if piece.iter().all(|&b| b == 0) {
                    continue;
                }
                let mut given = None;
                if !open {
                    let mut meta = ChildMeta { free_space: true, ..ChildMeta::named(b"[unallocated-fragments]") };
                    meta.encoded = Some(self.sup.used.min(self.limit - self.base));
                    given = self.give(Message::ChildStart { meta })?;
                    open = given.is_none();
                }
                if open {
                    given = self.give(Message::ChildBytes(piece.into()))?;
                }
                if let Some(reason) = given {
                    return Ok(self.opaque(stored.range(), reason)?);
                }
            }
        }
        if open {
            self.give(Message::ChildEnd { complete: true })?;
        }
        Ok(())
    }
}

fn push(extents: &mut Vec<Extent>, base: u64, start: u64, len: u64) {
    let start = base + start;
    match extents.last_mut() {
        Some(Extent::Data { offset, len: before }) if *offset + *before == start => *before += len,
        _ => extents.push(Extent::Data { offset: start, len }),
    }
}
