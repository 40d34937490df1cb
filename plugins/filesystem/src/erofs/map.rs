//! From the logical bytes of an inode to where they are stored: pieces in order, one at a time.

use yumen_kit_container::window::num::{le16, le32, le64};

use super::inode::{Inode, Layout};
use super::read::{Fault, Read, Reader};

/// A stretch of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// First byte in the file.
    pub(super) start: u64,
    pub(super) len: u64,
    pub(super) stored: Stored,
}

/// How a stretch is stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stored {
    Hole,
    /// As it is, from this byte of the image on.
    Plain(u64),
    /// As it is in `len` bytes from `at` on, but turned around by so many bytes.
    Turned {
        at: u64,
        len: u64,
        by: u64,
    },
    /// Compressed in `len` bytes from `at` on. Only a part of it is meant when `partial`.
    Packed {
        at: u64,
        len: u64,
        algorithm: u8,
        partial: bool,
    },
    /// In the shared inode, from this byte on.
    Fragment(u64),
    /// On another device.
    Elsewhere,
}

const ADVISE_COMPACT_2B: u16 = 0x1;
const ADVISE_EXTENTS: u16 = 0x1;
const ADVISE_BIG_1: u16 = 0x2;
const ADVISE_BIG_2: u16 = 0x4;
const ADVISE_INLINE: u16 = 0x8;
const ADVISE_INTERLACED: u16 = 0x10;
const ADVISE_FRAGMENT: u16 = 0x20;

/// A count of blocks stands in the place of a distance.
const BLOCK_COUNT: u32 = 1 << 11;
/// Neither algorithm nor form.
const PLAIN: u8 = 0;
const NOT_HEAD: u8 = 2;

/// What an index says of a cluster.
#[derive(Clone, Copy, Debug, Default)]
struct Cluster {
    /// 0 plain, 1 and 3 compressed with the first or second algorithm, 2 continues the one before.
    kind: u8,
    offset: u64,
    block: u64,
    /// Blocks of the compressed data, told by the first cluster behind a head.
    blocks: Option<u32>,
    partial: bool,
}

/// Goes through the pieces of one inode.
pub(super) enum Mapper {
    Done,
    Flat { inode: Box<Inode>, part: u8 },
    Chunks { at: u64, bits: u32, indexed: bool, wide: bool, end: u64, next: u64, size: u64 },
    Clusters(Clusters),
    Extents(Extents),
    Fragment { offset: u64, size: u64 },
}

/// A file with an index of clusters.
pub(super) struct Clusters {
    size: u64,
    bits: u32,
    advise: u16,
    algorithms: [u8; 2],
    compact: bool,
    /// Where the index begins.
    index: u64,
    total: u64,
    inline: u64,
    fragment: u64,
    next: u64,
    head: Option<(u64, Cluster)>,
}

/// A file with a list of extents.
pub(super) struct Extents {
    size: u64,
    at: u64,
    record: u64,
    count: u64,
    bits: u32,
    advise: u16,
    next: u64,
    place: Option<u64>,
}

impl Mapper {
    /// Prepares for an inode.
    pub(super) fn of(inode: &Inode, r: &mut Reader<'_, '_>) -> Read<Self> {
        if inode.size == 0 {
            return Ok(Mapper::Done);
        }
        match inode.layout {
            Layout::Plain | Layout::Inline => Ok(Mapper::Flat { inode: Box::new(inode.clone()), part: 0 }),
            Layout::Chunks => {
                let form = inode.data as u16;
                let indexed = form & 0x20 != 0;
                let bits = r.sup.block_bits + u32::from(form & 0x1f);
                if bits > 47 {
                    return Err(Fault::Broken(inode.end));
                }
                let at = inode.end.next_multiple_of(if indexed { 8 } else { 4 });
                let wide = indexed && form & 0x40 != 0;
                let end = inode.size.div_ceil(1 << bits);
                Ok(Mapper::Chunks { at, bits, indexed, wide, end, next: 0, size: inode.size })
            }
            Layout::Full | Layout::Compact => Mapper::compressed(inode, r),
        }
    }

    fn compressed(inode: &Inode, r: &mut Reader<'_, '_>) -> Read<Self> {
        let at = inode.end.next_multiple_of(8);
        let full = inode.layout == Layout::Full;
        let head = if full && !r.sup.has_headers() { vec![0; 8] } else { r.get(at, 8)? };
        r.use_range(at..at + 8)?;
        let cluster_bits = head[7];
        if cluster_bits & 0x80 != 0 {
            return Ok(Mapper::Fragment { offset: le64(&head, 0) ^ 1 << 63, size: inode.size });
        }
        let advise = le16(&head, 4);
        let bits = r.sup.block_bits + u32::from(cluster_bits & 15);
        if full && advise & ADVISE_EXTENTS != 0 {
            let record = 4u64 << (advise >> 1 & 3);
            let mut first = (at + 8).next_multiple_of(record);
            let mut place = None;
            let mut count = u64::from(le32(&head, 0)) | u64::from(le16(&head, 6)) << 32;
            let mut cluster = r.sup.block_bits;
            if record <= 8 {
                cluster = bits;
                count = inode.size.div_ceil(1 << bits);
            }
            if record == 4 {
                place = Some(le64(&r.get(first, 8)?, 0));
                r.use_range(first..first + 8)?;
                first += 8;
            }
            let (size, bits) = (inode.size, cluster);
            return Ok(Mapper::Extents(Extents { size, at: first, record, count, bits, advise, next: 0, place }));
        }
        // The dense index has no more bits for the place in a cluster.
        if bits > 20 || !full && bits > 14 {
            return Err(Fault::Broken(at));
        }
        let total = inode.size.div_ceil(1 << bits);
        let inline = if advise & ADVISE_INLINE != 0 { u64::from(le16(&head, 2)) } else { 0 };
        Ok(Mapper::Clusters(Clusters {
            size: inode.size,
            bits,
            advise,
            algorithms: [head[6] & 15, head[6] >> 4],
            compact: !full,
            index: at + if full { 16 } else { 8 },
            total,
            inline,
            fragment: u64::from(le32(&head, 0)),
            next: 0,
            head: None,
        }))
    }

    /// The next piece.
    pub(super) fn next(&mut self, r: &mut Reader<'_, '_>) -> Read<Option<Piece>> {
        match self {
            Mapper::Done => Ok(None),
            Mapper::Fragment { offset, size } => {
                let piece = Piece { start: 0, len: *size, stored: Stored::Fragment(*offset) };
                *self = Mapper::Done;
                Ok(Some(piece))
            }
            Mapper::Flat { inode, part } => {
                let tail = if inode.layout == Layout::Inline { inode.size % r.sup.block() } else { 0 };
                let body = inode.size - tail;
                *part += 1;
                if *part == 1 && body > 0 {
                    let wide_none = r.sup.is_wide() && inode.data == (1 << 48) - 1;
                    let none = inode.data == u64::from(u32::MAX) && !r.sup.is_wide();
                    let stored = match inode.data.checked_mul(r.sup.block()) {
                        Some(at) if !wide_none && !none => Stored::Plain(at),
                        _ => Stored::Hole,
                    };
                    return Ok(Some(Piece { start: 0, len: body, stored }));
                }
                let end = inode.end;
                *self = Mapper::Done;
                Ok((tail > 0).then_some(Piece { start: body, len: tail, stored: Stored::Plain(end) }))
            }
            Mapper::Chunks { at, bits, indexed, wide, end, next, size } => {
                if next >= end {
                    return Ok(None);
                }
                let unit = if *indexed { 8 } else { 4 };
                let place = at.saturating_add(next.saturating_mul(unit));
                let b = r.get(place, unit as usize)?;
                r.use_range(place..place + unit)?;
                let start = *next << *bits;
                let len = (1u64 << *bits).min(*size - start);
                *next += 1;
                let (mut block, device) =
                    if *indexed { (u64::from(le32(&b, 4)), le16(&b, 2)) } else { (u64::from(le32(&b, 0)), 0) };
                let mut hole = block == u64::from(u32::MAX);
                if *wide {
                    hole &= le16(&b, 0) == u16::MAX;
                    block |= u64::from(le16(&b, 0)) << 32;
                }
                let stored = match block.checked_mul(r.sup.block()) {
                    _ if hole => Stored::Hole,
                    _ if device != 0 => Stored::Elsewhere,
                    Some(at) => Stored::Plain(at),
                    None => return Err(Fault::Broken(place)),
                };
                Ok(Some(Piece { start, len, stored }))
            }
            Mapper::Clusters(c) => c.next(r),
            Mapper::Extents(e) => e.next(r),
        }
    }
}

impl Clusters {
    fn next(&mut self, r: &mut Reader<'_, '_>) -> Read<Option<Piece>> {
        loop {
            if self.next >= self.total {
                let Some((number, head)) = self.head.take() else { return Ok(None) };
                return self.piece(r, number, head, self.size, true).map(Some);
            }
            let number = self.next;
            let cluster = self.cluster(r, number)?;
            self.next += 1;
            if cluster.kind == NOT_HEAD {
                let Some((first, head)) = &mut self.head else { return Err(Fault::Broken(self.index)) };
                if number == *first + 1 {
                    head.blocks = cluster.blocks;
                }
                continue;
            }
            if cluster.offset >= 1 << self.bits {
                return Err(Fault::Broken(self.index));
            }
            let start = (number << self.bits) + cluster.offset;
            if start >= self.size && self.head.is_some() {
                // It marks only where the one before ends.
                continue;
            }
            match self.head.replace((number, cluster)) {
                Some((first, head)) => {
                    // A head right behind a head: one block.
                    return self.piece(r, first, head, start, false).map(Some);
                }
                None if start == 0 => {}
                None => return Err(Fault::Broken(self.index)),
            }
        }
    }

    fn piece(&self, r: &Reader<'_, '_>, number: u64, head: Cluster, end: u64, last: bool) -> Read<Piece> {
        let start = (number << self.bits) + head.offset;
        let len = end.min(self.size).checked_sub(start).ok_or(Fault::Broken(self.index))?;
        let piece = |stored| Ok(Piece { start, len, stored });
        if last && self.advise & ADVISE_FRAGMENT != 0 {
            return piece(Stored::Fragment(self.fragment | if self.compact { 0 } else { head.block << 32 }));
        }
        let big = if head.kind == 3 { ADVISE_BIG_2 } else { ADVISE_BIG_1 };
        let (at, bytes) = if last && self.advise & ADVISE_INLINE != 0 && self.inline > 0 {
            (self.index_end(), self.inline)
        } else {
            let at = head.block.checked_mul(r.sup.block()).ok_or(Fault::Broken(self.index))?;
            let bytes = if self.advise & big == 0 {
                1 << self.bits
            } else {
                u64::from(head.blocks.unwrap_or(1)) << r.sup.block_bits
            };
            (at, bytes)
        };
        if head.kind == PLAIN {
            let by = start % r.sup.block();
            if self.advise & ADVISE_INTERLACED != 0 && by > 0 {
                return piece(Stored::Turned { at, len: bytes, by });
            }
            return if len <= bytes { piece(Stored::Plain(at)) } else { Err(Fault::Broken(at)) };
        }
        let algorithm = self.algorithms[usize::from(head.kind == 3)];
        piece(Stored::Packed { at, len: bytes, algorithm, partial: head.partial })
    }

    /// The group of dense indexes that one belongs to: where it begins, how many are in it, the number in it, bytes for each as a shift.
    fn group(&self, number: u64) -> (u64, u64, u64, u32) {
        let initial = match (32 - self.index % 32) / 4 {
            8 => 0,
            n => n,
        };
        let dense = if self.advise & ADVISE_COMPACT_2B != 0 && initial < self.total {
            (self.total - initial) / 16 * 16
        } else {
            0
        };
        let (shift, at) = if number < initial {
            (2, self.index + number * 4)
        } else if number - initial < dense {
            (1, self.index + initial * 4 + (number - initial) * 2)
        } else {
            (2, self.index + initial * 4 + dense * 2 + (number - initial - dense) * 4)
        };
        let count: u64 = if shift == 2 { 2 } else { 16 };
        let bytes = count << shift;
        let within = at % bytes;
        (at - within, count, within >> shift, shift)
    }

    /// Where the index ends.
    fn index_end(&self) -> u64 {
        if self.compact {
            let (at, count, _, shift) = self.group(self.total - 1);
            at + (count << shift)
        } else {
            self.index + self.total * 8
        }
    }

    fn cluster(&self, r: &mut Reader<'_, '_>, number: u64) -> Read<Cluster> {
        if self.compact { self.dense(r, number) } else { self.full(r, number) }
    }

    fn full(&self, r: &mut Reader<'_, '_>, number: u64) -> Read<Cluster> {
        let at = self.index.saturating_add(number.saturating_mul(8));
        let b = r.get(at, 8)?;
        r.use_range(at - if number == 0 { 8 } else { 0 }..at + 8)?;
        let advise = le16(&b, 0);
        let kind = (advise & 3) as u8;
        if kind == NOT_HEAD {
            let delta = u32::from(le16(&b, 4));
            let blocks = (delta & BLOCK_COUNT != 0).then_some(delta & !BLOCK_COUNT);
            return Ok(Cluster { kind, blocks, ..Cluster::default() });
        }
        let (offset, block) = (u64::from(le16(&b, 2)), u64::from(le32(&b, 4)));
        Ok(Cluster { kind, offset, block, blocks: None, partial: advise & 1 << 15 != 0 })
    }

    fn dense(&self, r: &mut Reader<'_, '_>, number: u64) -> Read<Cluster> {
        let (at, count, i, shift) = self.group(number);
        if shift == 1 && self.bits > 12 {
            return Err(Fault::Broken(at));
        }
        let bytes = count << shift;
        let b = r.get(at, bytes as usize)?;
        r.use_range(at..at + bytes)?;
        let low_bits = self.bits.max(12);
        let each = (bytes - 4) * 8 / count;
        let decode = |i: u64| {
            let bit = each * i;
            let word = le64(&padded(&b, (bit / 8) as usize), 0) >> (bit % 8);
            ((word & ((1 << low_bits) - 1)) as u32, (word >> low_bits & 3) as u8)
        };
        let (low, kind) = decode(i);
        if kind == NOT_HEAD {
            let blocks = (low & BLOCK_COUNT != 0).then_some(low & !BLOCK_COUNT);
            // The last one of a group tells the distance forward, which nobody needs who goes through all.
            return Ok(Cluster { kind, blocks, ..Cluster::default() });
        }
        let big = self.advise & (ADVISE_BIG_1 | ADVISE_BIG_2) != 0;
        let mut i = i as i64;
        let mut blocks = u64::from(!big);
        while i > 0 {
            i -= 1;
            let (low, kind) = decode(i as u64);
            if !big {
                if kind == NOT_HEAD {
                    i -= i64::from(low);
                }
                blocks += u64::from(i >= 0);
                continue;
            }
            if kind != NOT_HEAD {
                blocks += 1;
            } else if low & BLOCK_COUNT != 0 {
                i -= 1;
                blocks += u64::from(low & !BLOCK_COUNT);
            } else if low <= 1 {
                return Err(Fault::Broken(at));
            } else {
                i -= i64::from(low) - 2;
            }
        }
        let block = u64::from(le32(&b, bytes as usize - 4)) + blocks;
        Ok(Cluster { kind, offset: u64::from(low), block, blocks: None, partial: false })
    }
}

/// Eight bytes from `at` on, with zeros where there are none.
fn padded(bytes: &[u8], at: usize) -> [u8; 8] {
    let mut out = [0; 8];
    for (to, from) in out.iter_mut().zip(bytes.get(at..).unwrap_or(&[])) {
        *to = *from;
    }
    out
}

impl Extents {
    fn next(&mut self, r: &mut Reader<'_, '_>) -> Read<Option<Piece>> {
        if self.next >= self.count {
            return Ok(None);
        }
        let at = self.at.saturating_add(self.next.saturating_mul(self.record));
        let b = r.get(at, self.record as usize)?;
        r.use_range(at..at + self.record)?;
        let word = le32(&b, 0);
        let bytes = u64::from(word & 0xff_ffff);
        let last = self.next + 1 == self.count;
        let (place, start) = match self.record {
            4 => {
                let place = self.place.unwrap_or(0);
                self.place = Some(place.saturating_add(bytes));
                (place, self.next << self.bits)
            }
            8 => (u64::from(le32(&b, 4)), self.next << self.bits),
            _ => (u64::from(le32(&b, 4)) | u64::from(le32(&b, 8)) << 32, self.start_of(&b)),
        };
        let end = match () {
            () if last => self.size,
            () if self.record <= 8 => (self.next + 1) << self.bits,
            () => {
                let b = r.get(at + self.record, self.record as usize)?;
                self.start_of(&b)
            }
        };
        let len = end.min(self.size).checked_sub(start).ok_or(Fault::Broken(at))?;
        self.next += 1;
        let stored = if last && self.advise & ADVISE_FRAGMENT != 0 {
            Stored::Fragment(u64::from(word) | if self.record > 4 { place << 32 } else { 0 })
        } else if bytes == 0 {
            Stored::Hole
        } else {
            let partial = word & 1 << 27 != 0;
            let mask = r.sup.block() - 1;
            match word >> 28 {
                0 if self.advise & ADVISE_INTERLACED != 0 && (place | bytes) & mask == 0 && start & mask != 0 => {
                    Stored::Turned { at: place, len: bytes, by: start & mask }
                }
                0 if len <= bytes => Stored::Plain(place),
                0 => return Err(Fault::Broken(at)),
                n => Stored::Packed { at: place, len: bytes, algorithm: (n - 1) as u8, partial },
            }
        };
        Ok(Some(Piece { start, len, stored }))
    }

    fn start_of(&self, b: &[u8]) -> u64 {
        u64::from(le32(b, 12)) | if self.record > 16 { u64::from(le32(b, 16)) << 32 } else { 0 }
    }
}
