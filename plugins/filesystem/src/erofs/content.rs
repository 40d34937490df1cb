//! The content of inodes: handed over as extents where it is stored as it is, else decoded.

use std::rc::Rc;

use yumen_kit_container::window::first_nonzero;
use yumen_kit_squashfs::block::{lz4, micro_lzma, zstd_part};
use yumen_model::{ChildMeta, Extent, InspectError, Message, Reason};

use super::inode::Inode;
use super::map::{Mapper, Piece, Stored};
use super::read::{Fault, Read, Reader};
use crate::entry::{child, give};

/// The longest decoded cluster, and the longest encoded one.
const MOST_DECODED: u64 = 16 << 20;
const MOST_ENCODED: u64 = 4 << 20;
/// A file of more pieces is copied.
const MOST_EXTENTS: usize = 1 << 16;
/// Pieces of an inode that is read here and there.
const MOST_PIECES: usize = 1 << 20;
/// Bytes handed on at once.
const STEP: u64 = 1 << 20;

/// An inode that is read here and there.
pub(super) struct Content {
    pub(super) size: u64,
    pieces: Vec<Piece>,
    /// The piece decoded last.
    last: Option<(usize, Rc<[u8]>)>,
}

impl Content {
    pub(super) fn of(inode: &Inode, r: &mut Reader<'_, '_>) -> Read<Self> {
        let mut mapper = Mapper::of(inode, r)?;
        let mut pieces = Vec::new();
        while let Some(piece) = mapper.next(r)? {
            if pieces.len() >= MOST_PIECES {
                return Err(Fault::Broken(inode.end));
            }
            pieces.push(piece);
        }
        Ok(Content { size: inode.size, pieces, last: None })
    }

    /// Appends `n` bytes from an offset on.
    pub(super) fn read(&mut self, r: &mut Reader<'_, '_>, from: u64, n: usize, out: &mut Vec<u8>) -> Read<()> {
        let (mut at, end) = (from, from.saturating_add(n as u64));
        if end > self.size {
            return Err(Fault::Broken(0));
        }
        let mut i = self.pieces.partition_point(|p| p.start + p.len <= from);
        while at < end {
            let piece = *self.pieces.get(i).filter(|p| p.start <= at).ok_or(Fault::Broken(0))?;
            let n = (piece.start + piece.len).min(end) - at;
            let skip = at - piece.start;
            match piece.stored {
                Stored::Hole => out.resize(out.len() + n as usize, 0),
                Stored::Plain(start) => {
                    let bytes = r.get(start.saturating_add(skip), n as usize)?;
                    r.use_range(start + skip..start + skip + n)?;
                    out.extend_from_slice(&bytes);
                }
                Stored::Fragment(_) => return Err(Fault::Broken(0)),
                Stored::Elsewhere => return Err(Fault::Unsupported),
                Stored::Packed { .. } | Stored::Turned { .. } => {
                    let block = match &self.last {
                        Some((k, block)) if *k == i => Rc::clone(block),
                        _ => {
                            let mut block = Vec::new();
                            r.decode(piece, &mut block)?;
                            let block: Rc<[u8]> = block.into();
                            self.last = Some((i, Rc::clone(&block)));
                            block
                        }
                    };
                    let bytes = block.get(skip as usize..(skip + n) as usize).ok_or(Fault::Broken(0))?;
                    out.extend_from_slice(bytes);
                }
            }
            at += n;
            i += 1;
        }
        Ok(())
    }
}

impl Reader<'_, '_> {
    /// Hands over a file.
    pub(super) fn file(&mut self, path: &[u8], inode: &Inode) -> Read<()> {
        let mut meta = child(self.to, path, inode.owner);
        if inode.links > 1 {
            meta.attributes.insert("links".into(), inode.links.into());
        }
        let told = self.show_xattrs(inode)?;
        if !told.is_empty() {
            meta.attributes.insert("xattrs".into(), serde_json::Value::Object(told));
        }
        // First: is all of it stored as it is?
        let mut extents = Some(Vec::new());
        let mut bytes = 0u64;
        let len = self.to.len();
        let mut plan = |r: &mut Self| -> Read<()> {
            let mut mapper = Mapper::of(inode, r)?;
            let mut end = 0;
            while let Some(piece) = mapper.next(r)? {
                let whole = piece.start == end;
                end = piece.start + piece.len;
                let direct = match piece.stored {
                    Stored::Plain(at) => at.checked_add(piece.len).is_some_and(|e| e <= len),
                    stored => matches!(stored, Stored::Hole),
                };
                bytes = bytes.saturating_add(match piece.stored {
                    Stored::Plain(_) => piece.len,
                    Stored::Packed { len, .. } | Stored::Turned { len, .. } => len,
                    Stored::Fragment(_) => piece.len / 8 + 1,
                    Stored::Hole | Stored::Elsewhere => 0,
                });
                extents = extents.take().filter(|l: &Vec<_>| direct && whole && l.len() < MOST_EXTENTS);
                if let Some(list) = &mut extents {
                    push(list, piece);
                }
            }
            if end != inode.size {
                extents = None;
            }
            Ok(())
        };
        match plan(self) {
            Ok(()) => {}
            // It shows again below, and what comes before it is delivered.
            Err(Fault::Broken(_)) => extents = None,
            Err(other) => return Err(other),
        }
        if let Some(extents) = extents {
            for extent in &extents {
                if let Extent::Data { offset, len } = extent {
                    self.claimed.add(*offset..offset + len);
                }
            }
            return Ok(self.to.hand_over(meta, extents)?);
        }
        meta.encoded = Some(bytes);
        self.decoded(meta, inode)
    }

    fn decoded(&mut self, meta: ChildMeta, inode: &Inode) -> Read<()> {
        if let Some(reason) = give(self.to, Message::ChildStart { meta })? {
            return self.refused(inode, 0, reason);
        }
        let mut complete = true;
        let mut at = 0;
        let mut mapper = match Mapper::of(inode, self) {
            Ok(mapper) => mapper,
            Err(Fault::Fatal(error)) => return Err(Fault::Fatal(error)),
            Err(_) => {
                self.damage(inode.end);
                complete = false;
                Mapper::Done
            }
        };
        let mut zeros = 0u64;
        loop {
            let piece = match mapper.next(self) {
                Ok(Some(piece)) if piece.len == 0 => continue,
                Ok(Some(piece)) if piece.start == at => piece,
                Ok(None) => break,
                Err(Fault::Fatal(error)) => return Err(Fault::Fatal(error)),
                _ => {
                    self.damage(inode.end);
                    complete = false;
                    break;
                }
            };
            at += piece.len;
            let stored = match piece.stored {
                Stored::Hole => {
                    zeros += piece.len;
                    continue;
                }
                stored => stored,
            };
            if zeros > 0
                && let Some(reason) = give(self.to, Message::ChildZeros(std::mem::take(&mut zeros)))?
            {
                return self.refused(inode, piece.start, reason);
            }
            let result = match stored {
                Stored::Plain(start) => self.copy(start, piece.len),
                Stored::Fragment(from) => self.fragment(from, piece.len),
                Stored::Elsewhere => {
                    self.to.tell("spanned");
                    Err(Fault::Broken(u64::MAX))
                }
                _ => {
                    let mut block = Vec::new();
                    match self.decode(piece, &mut block) {
                        Ok(()) => self.bytes(&block),
                        Err(fault) => Err(fault),
                    }
                }
            };
            match result {
                Ok(None) => {}
                Ok(Some(reason)) => return self.refused(inode, piece.start, reason),
                Err(Fault::Fatal(error)) => return Err(Fault::Fatal(error)),
                Err(fault) => {
                    complete = false;
                    match fault {
                        Fault::Broken(place) => self.damage(place),
                        _ => self.to.tell("unsupported-method"),
                    }
                    // What is behind it keeps its place.
                    zeros += piece.len;
                }
            }
        }
        if at != inode.size {
            complete = false;
        }
        if zeros > 0
            && let Some(reason) = give(self.to, Message::ChildZeros(zeros))?
        {
            return self.refused(inode, inode.size, reason);
        }
        if !complete {
            self.to.tell("incomplete-child");
        }
        match give(self.to, Message::ChildEnd { complete })? {
            None => Ok(()),
            Some(reason) => self.refused(inode, 0, reason),
        }
    }

    /// The engine takes no more of a file: what holds the rest is not looked into.
    fn refused(&mut self, inode: &Inode, from: u64, reason: Reason) -> Read<()> {
        let mut mapper = Mapper::of(inode, self)?;
        while let Some(piece) = mapper.next(self)? {
            if piece.start + piece.len <= from && from < inode.size {
                continue;
            }
            match piece.stored {
                Stored::Plain(at) => self.opaque(at..at.saturating_add(piece.len), reason)?,
                Stored::Packed { at, len, .. } | Stored::Turned { at, len, .. } => {
                    self.opaque(at..at.saturating_add(len), reason)?;
                }
                Stored::Fragment(from) => {
                    // Its place is known only by decoding; that the inode is opaque says that something is missing.
                    self.shared.add(from..from.saturating_add(piece.len));
                    self.opaque(inode.xattrs - 32..inode.end, reason)?;
                }
                Stored::Hole | Stored::Elsewhere => {}
            }
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Read<Option<Reason>> {
        for step in bytes.chunks(STEP as usize) {
            if let Some(reason) = give(self.to, Message::ChildBytes(step.into()))? {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }

    fn copy(&mut self, start: u64, len: u64) -> Read<Option<Reason>> {
        let mut at = start;
        let end = start.checked_add(len).filter(|&e| e <= self.to.len()).ok_or(Fault::Broken(start))?;
        while at < end {
            let next = end.min(at + STEP);
            let bytes = self.to.blob.bytes(at..next).map_err(|e| InspectError::read(at, &e))?;
            if let Some(reason) = give(self.to, Message::ChildBytes(bytes.into()))? {
                return Ok(Some(reason));
            }
            at = next;
        }
        self.use_range(start..end)?;
        Ok(None)
    }

    fn fragment(&mut self, from: u64, len: u64) -> Read<Option<Reason>> {
        let Some(mut packed) = self.packed.take() else { return Err(Fault::Broken(self.sup.meta)) };
        let result = self.fragment_of(&mut packed, from, len);
        self.packed = Some(packed);
        result
    }

    fn fragment_of(&mut self, packed: &mut Content, from: u64, len: u64) -> Read<Option<Reason>> {
        let end = from.checked_add(len).filter(|&e| e <= packed.size).ok_or(Fault::Broken(self.sup.meta))?;
        self.shared.add(from..end);
        let mut at = from;
        let mut bytes = Vec::new();
        while at < end {
            let n = (end - at).min(STEP);
            bytes.clear();
            packed.read(self, at, n as usize, &mut bytes)?;
            if let Some(reason) = give(self.to, Message::ChildBytes(bytes.as_slice().into()))? {
                return Ok(Some(reason));
            }
            at += n;
        }
        Ok(None)
    }

    /// What of the shared inode no file uses: one child of free space.
    pub(super) fn unused_fragments(&mut self) -> Read<()> {
        let Some(mut packed) = self.packed.take() else { return Ok(()) };
        let mut open = false;
        'gaps: for gap in self.shared.gaps(0..packed.size) {
            let mut at = gap.start;
            while at < gap.end {
                let n = (gap.end - at).min(STEP);
                let mut bytes = Vec::new();
                match packed.read(self, at, n as usize, &mut bytes) {
                    Ok(()) => {}
                    Err(Fault::Broken(place)) => self.damage(place),
                    Err(other) => return Err(other),
                }
                at += n;
                if bytes.iter().all(|&b| b == 0) {
                    continue;
                }
                let mut stop = None;
                if !open {
                    let mut meta = ChildMeta { free_space: true, ..ChildMeta::named(b"[unallocated-fragments]") };
                    meta.encoded = Some(self.to.len());
                    stop = give(self.to, Message::ChildStart { meta })?;
                    open = stop.is_none();
                }
                if open {
                    stop = give(self.to, Message::ChildBytes(bytes.into()))?;
                }
                if let Some(reason) = stop {
                    let meta = self.sup.meta;
                    self.opaque(meta..meta + 32, reason)?;
                    open = false;
                    break 'gaps;
                }
            }
        }
        if open {
            give(self.to, Message::ChildEnd { complete: true })?;
        }
        Ok(())
    }

    /// Decodes a compressed or turned piece. A broken one is labelled.
    pub(super) fn decode(&mut self, piece: Piece, out: &mut Vec<u8>) -> Read<()> {
        let (at, len) = match piece.stored {
            Stored::Packed { at, len, .. } | Stored::Turned { at, len, .. } => (at, len),
            _ => return Err(Fault::Broken(0)),
        };
        let fits = at.checked_add(len).is_some_and(|e| e <= self.to.len());
        if !fits || len > MOST_ENCODED || piece.len > MOST_DECODED {
            self.opaque(at..at.saturating_add(len.min(MOST_ENCODED)), Reason::Corrupt)?;
            return Err(Fault::Broken(at));
        }
        let input = self.to.blob.bytes(at..at + len).map_err(|e| InspectError::read(at, &e))?;
        let want = piece.len as usize;
        if let Stored::Turned { by, .. } = piece.stored {
            let (block, by) = (self.sup.block() as usize, by as usize);
            let right = (block - by).min(want);
            let parts = (input.get(by..by + right), input.get(..want - right));
            let (Some(first), Some(second)) = parts else { return Err(Fault::Broken(at)) };
            out.extend_from_slice(first);
            out.extend_from_slice(second);
            // What of the block is beyond the piece is nobody's.
            self.use_range(at + by as u64..at + (by + right) as u64)?;
            return self.use_range(at..at + (want - right) as u64);
        }
        let Stored::Packed { algorithm, partial, .. } = piece.stored else { return Err(Fault::Broken(at)) };
        // Compressed data ends with its blocks; zeros come before it.
        let margin = if self.sup.zero_padding() { input.iter().position(|&b| b != 0).unwrap_or(0) } else { 0 };
        let data = &input[margin..];
        let mut used = len;
        let result = match algorithm {
            0 => lz4(data, want, out).map(|n| {
                if !partial {
                    used = (margin + n) as u64;
                }
            }),
            1 => micro_lzma(data, want, out),
            2 => self.decoders.deflate(data, want, out),
            3 => zstd_part(data, want, out),
            _ => {
                self.opaque(at..at + len, Reason::Unsupported)?;
                return Err(Fault::Unsupported);
            }
        };
        if result.is_err() || out.len() != want {
            self.opaque(at..at + len, Reason::Corrupt)?;
            return Err(Fault::Broken(at));
        }
        // A few bytes may be left of a sequence that was cut short on purpose.
        if used < len && first_nonzero(self.to.blob, at + used..at + len)?.is_none() {
            used = len;
        }
        self.use_range(at..at + used)
    }
}

fn push(extents: &mut Vec<Extent>, piece: Piece) {
    match (piece.stored, extents.last_mut()) {
        (_, _) if piece.len == 0 => {}
        (Stored::Plain(at), Some(Extent::Data { offset, len })) if *offset + *len == at => *len += piece.len,
        (Stored::Plain(at), _) => extents.push(Extent::Data { offset: at, len: piece.len }),
        (_, Some(Extent::Zero { len })) => *len += piece.len,
        _ => extents.push(Extent::Zero { len: piece.len }),
    }
}
