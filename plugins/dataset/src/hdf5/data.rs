//! Where the elements of a dataset are, and their bytes: contiguous, compact, in chunks with filters.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::ops::Range;

use flate2::read::ZlibDecoder;
use yumen_model::InspectError;

use super::file::{Cursor, File, NONE};
use super::object::Message;

/// Chunks of one dataset that are kept in mind.
const MOST_CHUNKS: usize = 2_000_000;
/// Longest chunk, decoded.
const MOST_CHUNK: usize = 64 << 20;
const MOST_DEPTH: usize = 32;

/// One chunk in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub address: u64,
    pub len: u64,
    pub mask: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    Deflate,
    Shuffle(usize),
    Fletcher32,
    Lzf,
    Unknown,
}

/// The storage of a dataset.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// In the header itself.
    Compact(Vec<u8>, u64),
    Contiguous(u64, u64),
    Chunked(Chunks),
    /// Nothing was ever written.
    Empty,
    /// An index or a kind of storage that is not read.
    Unread,
}

#[derive(Clone, Debug)]
pub(super) struct Chunks {
    /// Edges in elements.
    pub edges: Vec<u64>,
    /// By position in units of chunks.
    pub all: BTreeMap<Vec<u64>, Chunk>,
    filters: Vec<Filter>,
    /// Bytes of a decoded chunk.
    pub size: usize,
}

impl Chunks {
    pub(super) fn readable(&self) -> bool {
        !self.filters.contains(&Filter::Unknown)
    }

    pub(super) fn filtered(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Decodes a chunk.
    pub(super) fn decode(&self, file: &File<'_>, chunk: Chunk) -> Result<Vec<u8>, InspectError> {
        let at = file.base + chunk.address;
        let broken = || InspectError::corrupt(at, "a chunk of a dataset is broken");
        let len = usize::try_from(chunk.len).ok().filter(|&n| n <= MOST_CHUNK).ok_or_else(broken)?;
        let mut bytes = file.exact(chunk.address, len).ok_or_else(broken)?;
        // Filters are undone in the reverse of their order.
        for (i, filter) in self.filters.iter().enumerate().rev() {
            if chunk.mask >> i & 1 != 0 {
                continue;
            }
            bytes = match filter {
                Filter::Deflate => {
                    let mut out = Vec::new();
                    let most = (self.size + 1024) as u64;
                    ZlibDecoder::new(&bytes[..]).take(most).read_to_end(&mut out).map_err(|_| broken())?;
                    out
                }
                Filter::Shuffle(size) => unshuffle(&bytes, *size),
                Filter::Fletcher32 => {
                    let n = bytes.len().checked_sub(4).ok_or_else(broken)?;
                    bytes.truncate(n);
                    bytes
                }
                Filter::Lzf => unlzf(&bytes, self.size).ok_or_else(broken)?,
                Filter::Unknown => return Err(InspectError::unsupported("a filter that is not known")),
            };
        }
        if bytes.len() < self.size { Err(broken()) } else { Ok(bytes) }
    }
}

fn unshuffle(bytes: &[u8], size: usize) -> Vec<u8> {
    let n = bytes.len().checked_div(size).unwrap_or(0);
    let mut out = bytes.to_vec();
    for i in 0..n {
        for k in 0..size {
            out[i * size + k] = bytes[k * n + i];
        }
    }
    out
}

fn unlzf(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut c = Cursor::new(bytes);
    while let Some(control) = c.u8() {
        if control < 32 {
            out.extend_from_slice(c.take(usize::from(control) + 1)?);
        } else {
            let mut len = usize::from(control >> 5);
            if len == 7 {
                len += usize::from(c.u8()?);
            }
            let back = (usize::from(control & 0x1F) << 8) + usize::from(c.u8()?) + 1;
            let from = out.len().checked_sub(back)?;
            for i in from..from + len + 2 {
                let byte = *out.get(i)?;
                out.push(byte);
            }
        }
        if out.len() > most + 1024 {
            return None;
        }
    }
    Some(out)
}

fn filters(message: &[u8], element: usize) -> Option<Vec<Filter>> {
    let mut c = Cursor::new(message);
    let version = c.u8()?;
    let count = usize::from(c.u8()?).min(32);
    if version == 1 {
        c.take(6)?;
    }
    let mut out = Vec::new();
    for _ in 0..count {
        let id = c.u16()?;
        let name = if version == 1 || id >= 256 { c.u16()? } else { 0 };
        c.u16()?;
        let values = c.u16()?;
        c.take(if version == 1 { name.next_multiple_of(8) } else { name })?;
        let mut first = None;
        for i in 0..values {
            let v = c.u32()?;
            if i == 0 {
                first = Some(v);
            }
        }
        if version == 1 && values % 2 == 1 {
            c.take(4)?;
        }
        out.push(match id {
            1 => Filter::Deflate,
            2 => Filter::Shuffle(first.map_or(element, |v| v as usize)),
            3 => Filter::Fletcher32,
            32_000 => Filter::Lzf,
            _ => Filter::Unknown,
        });
    }
    Some(out)
}

impl File<'_> {
    /// The storage of a dataset of this shape and size of element.
    pub(super) fn layout(&mut self, messages: &[Message], shape: &[u64], element: usize) -> Layout {
        let message = messages.iter().find(|m| m.kind == 8);
        message.and_then(|m| self.layout_of(m, messages, shape, element)).unwrap_or(Layout::Unread)
    }

    fn layout_of(&mut self, message: &Message, messages: &[Message], shape: &[u64], element: usize) -> Option<Layout> {
        let mut c = Cursor::new(&message.data);
        let version = c.u8()?;
        let (class, rank);
        if version <= 2 {
            rank = usize::from(c.u8()?);
            class = c.u8()?;
            c.take(5)?;
            let address = if class == 0 { NONE } else { c.uint(self.offset_size)? };
            let dims: Option<Vec<u64>> = (0..rank).map(|_| c.u32().map(u64::from)).collect();
            let dims = dims?;
            return match class {
                0 => {
                    let n = c.u32()? as usize;
                    let at = message.at + c.at as u64;
                    Some(Layout::Compact(c.take(n)?.to_vec(), at))
                }
                1 => {
                    let n = dims.iter().try_fold(1u64, |a, b| a.checked_mul(*b))?;
                    Some(if address == NONE { Layout::Empty } else { Layout::Contiguous(address, n) })
                }
                2 => self.chunks(messages, dims, address, shape, element),
                _ => None,
            };
        }
        class = c.u8()?;
        match class {
            0 => {
                let n = c.u16()?;
                let at = message.at + c.at as u64;
                Some(Layout::Compact(c.take(n)?.to_vec(), at))
            }
            1 => {
                let (address, n) = (c.uint(self.offset_size)?, c.uint(self.length_size)?);
                Some(if address == NONE || n == 0 { Layout::Empty } else { Layout::Contiguous(address, n) })
            }
            2 if version == 3 => {
                rank = usize::from(c.u8()?);
                let address = c.uint(self.offset_size)?;
                let dims: Option<Vec<u64>> = (0..rank).map(|_| c.u32().map(u64::from)).collect();
                self.chunks(messages, dims?, address, shape, element)
            }
            2 => self.new_chunks(&mut c, messages, shape, element),
            _ => None,
        }
    }

    fn frame(&self, messages: &[Message], mut dims: Vec<u64>, element: usize) -> Option<Chunks> {
        dims.pop()?;
        let size = dims.iter().try_fold(element as u64, |a, b| a.checked_mul(*b))?;
        let size = usize::try_from(size).ok().filter(|&n| n > 0 && n <= MOST_CHUNK)?;
        if dims.contains(&0) {
            return None;
        }
        let filters = match messages.iter().find(|m| m.kind == 0x0B) {
            Some(m) if !m.shared => filters(&m.data, element)?,
            Some(_) => return None,
            None => Vec::new(),
        };
        Some(Chunks { edges: dims, all: BTreeMap::new(), filters, size })
    }

    /// Chunks by a version 1 B-tree.
    fn chunks(
        &mut self,
        messages: &[Message],
        dims: Vec<u64>,
        address: u64,
        shape: &[u64],
        element: usize,
    ) -> Option<Layout> {
        let mut chunks = self.frame(messages, dims, element)?;
        if chunks.edges.len() != shape.len() {
            return None;
        }
        if address == NONE {
            return Some(Layout::Empty);
        }
        self.chunk_node(address, &mut chunks, 0)?;
        Some(Layout::Chunked(chunks))
    }

    fn chunk_node(&mut self, address: u64, chunks: &mut Chunks, depth: usize) -> Option<()> {
        let rank = chunks.edges.len();
        let head = self.exact(address, 8)?;
        if !head.starts_with(b"TREE") || head[4] != 1 || depth > MOST_DEPTH {
            return None;
        }
        let level = head[5];
        let count = usize::from(u16::from_le_bytes([head[6], head[7]]));
        let key = 8 + 8 * (rank + 1);
        let size = 8 + 2 * self.offset_size + count * (key + self.offset_size) + key;
        if !self.meet(address, size as u64) {
            return None;
        }
        let bytes = self.bytes(address, size)?;
        let mut c = Cursor::new(&bytes);
        c.take(8 + 2 * self.offset_size)?;
        for _ in 0..count {
            let (len, mask) = (u64::from(c.u32()?), c.u32()?);
            let mut place = Vec::with_capacity(rank);
            for edge in &chunks.edges {
                place.push(c.uint(8)? / edge);
            }
            c.take(8)?;
            let child = c.uint(self.offset_size)?;
            if level > 0 {
                self.chunk_node(child, chunks, depth + 1);
            } else if chunks.all.len() < MOST_CHUNKS {
                chunks.all.insert(place, Chunk { address: child, len, mask });
            }
        }
        Some(())
    }

    /// Chunks by the indexes of newer files.
    fn new_chunks(
        &mut self,
        c: &mut Cursor<'_>,
        messages: &[Message],
        shape: &[u64],
        element: usize,
    ) -> Option<Layout> {
        let flags = c.u8()?;
        let rank = usize::from(c.u8()?);
        let width = usize::from(c.u8()?);
        let dims: Option<Vec<u64>> = (0..rank).map(|_| c.uint(width)).collect();
        let mut chunks = self.frame(messages, dims?, element)?;
        if chunks.edges.len() != shape.len() {
            return None;
        }
        let plain = chunks.size as u64;
        let index = c.u8()?;
        let origin = vec![0; shape.len()];
        let counts: Vec<u64> = shape.iter().zip(&chunks.edges).map(|(n, e)| n.div_ceil(*e)).collect();
        let place = |mut i: u64| {
            let mut place = vec![0; counts.len()];
            for (slot, n) in place.iter_mut().zip(&counts).rev() {
                *slot = i % (*n).max(1);
                i /= (*n).max(1);
            }
            place
        };
        let total = counts.iter().try_fold(1u64, |a, b| a.checked_mul(*b))?.min(MOST_CHUNKS as u64);
        match index {
            1 => {
                let (len, mask) = if flags & 2 != 0 { (c.uint(self.length_size)?, c.u32()?) } else { (plain, 0) };
                let address = c.uint(self.offset_size)?;
                if address == NONE {
                    return Some(Layout::Empty);
                }
                chunks.all.insert(origin, Chunk { address, len, mask });
            }
            2 => {
                let address = c.uint(self.offset_size)?;
                if address == NONE {
                    return Some(Layout::Empty);
                }
                for i in 0..total {
                    chunks.all.insert(place(i), Chunk { address: address + i * plain, len: plain, mask: 0 });
                }
            }
            3 => {
                c.u8()?;
                let address = c.uint(self.offset_size)?;
                if address == NONE {
                    return Some(Layout::Empty);
                }
                let found = self.fixed_array(address, plain)?;
                chunks.all.extend(found.into_iter().map(|(i, chunk)| (place(i), chunk)));
            }
            5 => {
                c.take(6)?;
                let address = c.uint(self.offset_size)?;
                if address == NONE {
                    return Some(Layout::Empty);
                }
                let n = shape.len();
                let mut found = Vec::new();
                self.tree2(address, &mut |file, kind, record| {
                    let mut c = Cursor::new(record);
                    let mut read = || -> Option<(Vec<u64>, Chunk)> {
                        let address = c.uint(file.offset_size)?;
                        let (mut len, mut mask) = (plain, 0);
                        if kind == 11 {
                            let bytes = record.len().checked_sub(file.offset_size + 4 + 8 * n)?;
                            len = c.uint(bytes)?;
                            mask = c.u32()?;
                        }
                        let place: Option<Vec<u64>> = (0..n).map(|_| c.uint(8)).collect();
                        Some((place?, Chunk { address, len, mask }))
                    };
                    found.extend(read());
                })?;
                chunks.all.extend(found);
            }
            4 => {
                c.take(5)?;
                let address = c.uint(self.offset_size)?;
                if address == NONE {
                    return Some(Layout::Empty);
                }
                let found = self.extensible_array(address, plain)?;
                chunks.all.extend(found.into_iter().map(|(i, chunk)| (place(i), chunk)));
            }
            _ => return None,
        }
        Some(Layout::Chunked(chunks))
    }

    /// An element of an array of chunks.
    fn element(&self, c: &mut Cursor<'_>, filtered: bool, size: usize, plain: u64) -> Option<Option<Chunk>> {
        let address = c.uint(self.offset_size)?;
        let (mut len, mut mask) = (plain, 0);
        if filtered {
            len = c.uint(size.checked_sub(self.offset_size + 4)?)?;
            mask = c.u32()?;
        }
        Some((address != NONE).then_some(Chunk { address, len, mask }))
    }

    fn fixed_array(&mut self, address: u64, plain: u64) -> Option<Vec<(u64, Chunk)>> {
        let head = self.exact(address, 8 + self.length_size + self.offset_size)?;
        head.starts_with(b"FAHD").then_some(())?;
        let mut c = Cursor::new(&head);
        c.take(5)?;
        let filtered = c.u8()? == 1;
        let size = usize::from(c.u8()?);
        let page = 1u64.checked_shl(u32::from(c.u8()?))?;
        let count = c.uint(self.length_size)?.min(MOST_CHUNKS as u64);
        let data = c.uint(self.offset_size)?;
        self.meet(address, head.len() as u64 + 4);
        if data == NONE {
            return Some(Vec::new());
        }
        let prefix = 6 + self.offset_size as u64;
        let pages = count.div_ceil(page);
        let paged = count > page;
        let bitmap = if paged { pages.div_ceil(8) } else { 0 };
        let bytes = count * size as u64;
        let len = prefix + bitmap + bytes + 4 + if paged { 4 * pages } else { 0 };
        let block = self.bytes(data, usize::try_from(len).ok()?)?;
        block.starts_with(b"FADB").then_some(())?;
        self.meet(data, len);
        let mut c = Cursor::new(&block);
        c.take(usize::try_from(prefix + bitmap).ok()?)?;
        if paged {
            c.take(4)?;
        }
        let mut out = Vec::new();
        for i in 0..count {
            if paged && i > 0 && i % page == 0 {
                c.take(4)?;
            }
            if let Some(chunk) = self.element(&mut c, filtered, size, plain)? {
                out.push((i, chunk));
            }
        }
        Some(out)
    }

    fn extensible_array(&mut self, address: u64, plain: u64) -> Option<Vec<(u64, Chunk)>> {
        let head = self.exact(address, 12 + 6 * self.length_size + self.offset_size)?;
        head.starts_with(b"EAHD").then_some(())?;
        let mut c = Cursor::new(&head);
        c.take(5)?;
        let filtered = c.u8()? == 1;
        let size = usize::from(c.u8()?);
        let bits = usize::from(c.u8()?);
        let (in_index, least) = (u64::from(c.u8()?), u64::from(c.u8()?));
        let pointers = u64::from(c.u8()?);
        let page_bits = u32::from(c.u8()?);
        c.take(4 * self.length_size)?;
        let used = c.uint(self.length_size)?.min(MOST_CHUNKS as u64);
        c.take(self.length_size)?;
        let index = c.uint(self.offset_size)?;
        self.meet(address, head.len() as u64 + 4);
        if index == NONE || !least.is_power_of_two() || !pointers.is_power_of_two() {
            return (index == NONE).then(Vec::new);
        }
        // Super block k holds 2^(k/2) data blocks of 2^((k+1)/2) times the least number of elements.
        let first_super = 2 * u64::from(pointers.trailing_zeros());
        let direct: u64 = (0..first_super).map(|k| 1u64 << (k / 2)).sum();
        let supers = (bits as u64).saturating_sub(u64::from(least.trailing_zeros())) + 1;
        let supers = supers.saturating_sub(first_super).min(64);
        let prefix = 6 + self.offset_size;
        let len =
            prefix + usize::try_from(in_index).ok()? * size + usize::try_from(direct + supers).ok()? * self.offset_size;
        let block = self.bytes(index, len)?;
        block.starts_with(b"EAIB").then_some(())?;
        self.meet(index, len as u64 + 4);
        let mut c = Cursor::new(&block);
        c.take(prefix)?;
        let mut out = Vec::new();
        let mut i = 0;
        for _ in 0..in_index {
            if let Some(chunk) = self.element(&mut c, filtered, size, plain)?.filter(|_| i < used) {
                out.push((i, chunk));
            }
            i += 1;
        }
        let shape = Extensible { filtered, size, plain, page: 1u64 << page_bits.min(32), offset: bits.div_ceil(8) };
        let mut k = 0;
        while k < first_super && i < used {
            let elements = least << k.div_ceil(2);
            for _ in 0..1u64 << (k / 2) {
                let block = c.uint(self.offset_size)?;
                if i < used {
                    self.extensible_block(&shape, block, elements, i, &mut out);
                }
                i += elements;
            }
            k += 1;
        }
        let mut c = Cursor::new(block.get(len - usize::try_from(supers).ok()? * self.offset_size..)?);
        for k in first_super..first_super + supers {
            if i >= used {
                break;
            }
            let address = c.uint(self.offset_size)?;
            let (blocks, elements) = (1u64 << (k / 2), least << k.div_ceil(2));
            if address != NONE {
                // A bit for each page of each data block, where blocks are paged.
                let pages = if elements > shape.page { elements / shape.page } else { 0 };
                let bitmap = usize::try_from(if pages > 0 { blocks * pages.div_ceil(8) } else { 0 }).ok()?;
                let head = prefix + shape.offset + bitmap;
                let len = head + usize::try_from(blocks).ok()? * self.offset_size;
                let bytes = self.bytes(address, len)?;
                bytes.starts_with(b"EASB").then_some(())?;
                self.meet(address, len as u64 + 4);
                let mut c = Cursor::new(bytes.get(head..)?);
                for b in 0..blocks {
                    let block = c.uint(self.offset_size)?;
                    if i + b * elements < used {
                        self.extensible_block(&shape, block, elements, i + b * elements, &mut out);
                    }
                }
            }
            i += blocks * elements;
        }
        Some(out)
    }

    fn extensible_block(
        &mut self,
        shape: &Extensible,
        address: u64,
        elements: u64,
        first: u64,
        out: &mut Vec<(u64, Chunk)>,
    ) -> Option<()> {
        if address == NONE || out.len() >= MOST_CHUNKS {
            return None;
        }
        let prefix = 6 + self.offset_size + shape.offset;
        let paged = elements > shape.page;
        let extra = if paged { 4 * (elements / shape.page) + 4 } else { 4 };
        let len = prefix as u64 + elements * shape.size as u64 + extra;
        let bytes = self.bytes(address, usize::try_from(len).ok()?)?;
        bytes.starts_with(b"EADB").then_some(())?;
        self.meet(address, len);
        let mut c = Cursor::new(&bytes);
        c.take(prefix)?;
        if paged {
            c.take(4)?;
        }
        for i in 0..elements {
            if paged && i > 0 && i % shape.page == 0 {
                c.take(4)?;
            }
            if let Some(chunk) = self.element(&mut c, shape.filtered, shape.size, shape.plain)? {
                out.push((first + i, chunk));
            }
        }
        Some(())
    }
}

struct Extensible {
    filtered: bool,
    size: usize,
    plain: u64,
    page: u64,
    offset: usize,
}

/// The blob's range of a chunk.
pub(super) fn range(file: &File<'_>, chunk: &Chunk) -> Range<u64> {
    let start = file.base.saturating_add(chunk.address).min(file.blob.len());
    start..start.saturating_add(chunk.len).min(file.blob.len())
}
