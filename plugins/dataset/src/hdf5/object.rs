//! Object headers, links and attributes: old groups with symbol tables, new ones with link messages, dense ones in fractal heaps.

use super::file::{Cursor, File, NONE};
use super::types::{Type, shape};

const MOST_MESSAGES: usize = 100_000;
const MOST_LINKS: usize = 1_000_000;
const MOST_DEPTH: usize = 32;

/// A message of a header.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub kind: u16,
    pub shared: bool,
    pub data: Vec<u8>,
    /// Where the data stands in the blob.
    pub at: u64,
}

/// An attribute.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub name: String,
    pub of: Type,
    pub count: u64,
    pub data: Vec<u8>,
    pub at: u64,
}

impl File<'_> {
    /// The messages of the object header at an address.
    pub(super) fn header(&mut self, address: u64) -> Option<Vec<Message>> {
        let head = self.bytes(address, 64)?;
        let mut out = Vec::new();
        let mut blocks: Vec<(u64, u64)> = Vec::new();
        let tracked;
        let new = head.starts_with(b"OHDR");
        if new {
            let mut c = Cursor::new(&head);
            c.take(4)?;
            (c.u8()? == 2).then_some(())?;
            let flags = c.u8()?;
            c.take(if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 })?;
            let size = c.uint(1 << (flags & 3))?;
            tracked = flags & 4 != 0;
            self.meet(address, (c.at as u64).checked_add(size)?.checked_add(4)?);
            blocks.push((address + c.at as u64, size));
        } else {
            let mut c = Cursor::new(&head);
            (c.u8()? == 1).then_some(())?;
            c.take(1 + 2 + 4)?;
            let size = u64::from(c.u32()?);
            tracked = false;
            self.meet(address, 16 + size);
            blocks.push((address + 16, size));
        }
        let mut done = 0;
        while let Some(&(start, size)) = blocks.get(done) {
            done += 1;
            if done > 1000 {
                break;
            }
            let bytes = self.bytes(start, usize::try_from(size).ok()?.min(8 << 20))?;
            let mut c = Cursor::new(&bytes);
            while out.len() < MOST_MESSAGES {
                let read = |c: &mut Cursor<'_>| -> Option<(u16, usize, u8)> {
                    if new {
                        let (kind, size, flags) = (u16::from(c.u8()?), c.u16()?, c.u8()?);
                        c.take(if tracked { 2 } else { 0 })?;
                        Some((kind, size, flags))
                    } else {
                        let (kind, size, flags) = (c.u16()? as u16, c.u16()?, c.u8()?);
                        c.take(3)?;
                        Some((kind, size, flags))
                    }
                };
                let Some((kind, size, flags)) = read(&mut c) else { break };
                let at = self.base + start + c.at as u64;
                let Some(data) = c.take(size) else { break };
                if kind == 0x10 {
                    let mut d = Cursor::new(data);
                    let (next, len) = (d.uint(self.offset_size)?, d.uint(self.length_size)?);
                    self.meet(next, len);
                    // New blocks have a signature before and a checksum behind.
                    let block = if new { (next.checked_add(4)?, len.checked_sub(8)?) } else { (next, len) };
                    if !blocks.contains(&block) {
                        blocks.push(block);
                    }
                    continue;
                }
                out.push(Message { kind, shared: flags & 2 != 0, data: data.to_vec(), at });
            }
        }
        Some(out)
    }

    /// The datatype of a message, which may be kept elsewhere.
    pub(super) fn datatype(&mut self, message: &[u8], shared: bool) -> Option<Type> {
        if !shared {
            return Type::parse(&mut Cursor::new(message), 0);
        }
        let mut c = Cursor::new(message);
        let (version, _kind) = (c.u8()?, c.u8()?);
        if version == 1 {
            c.take(6)?;
        }
        let address = c.uint(self.offset_size)?;
        let header = self.header(address)?;
        let own = header.iter().find(|m| m.kind == 3 && !m.shared)?;
        Type::parse(&mut Cursor::new(&own.data), 0)
    }

    /// Names and headers of a group's members. Soft and external links lead nowhere here.
    pub(super) fn links(&mut self, messages: &[Message]) -> Vec<(String, u64)> {
        let mut out = Vec::new();
        for message in messages {
            let _ = match message.kind {
                0x11 => self.symbol_table(&message.data, &mut out),
                0x06 => {
                    let link = link(&message.data, self.offset_size);
                    out.extend(link);
                    Some(())
                }
                0x02 => self.dense(&message.data, true, &mut |file, bytes, _| {
                    out.extend(link(bytes, file.offset_size));
                }),
                _ => None,
            };
        }
        out.truncate(MOST_LINKS);
        out
    }

    /// The attributes of an object.
    pub(super) fn attributes(&mut self, messages: &[Message]) -> Vec<Attribute> {
        let mut found: Vec<(Vec<u8>, u64)> =
            messages.iter().filter(|m| m.kind == 0x0C && !m.shared).map(|m| (m.data.clone(), m.at)).collect();
        for message in messages.iter().filter(|m| m.kind == 0x15) {
            self.dense(&message.data, false, &mut |_, bytes, at| found.push((bytes.to_vec(), at)));
        }
        found.iter().filter_map(|(bytes, at)| self.attribute(bytes, *at)).collect()
    }

    fn attribute(&mut self, bytes: &[u8], at: u64) -> Option<Attribute> {
        let mut c = Cursor::new(bytes);
        let (version, flags) = (c.u8()?, c.u8()?);
        let (name_len, type_len, space_len) = (c.u16()?, c.u16()?, c.u16()?);
        if version == 3 {
            c.u8()?;
        }
        let pad = |n: usize| if version == 1 { n.next_multiple_of(8) } else { n };
        let name = c.take(pad(name_len))?;
        let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
        let name = String::from_utf8_lossy(&name[..end]).into_owned();
        let datatype = c.take(pad(type_len))?;
        let of = self.datatype(datatype, version > 1 && flags & 1 != 0)?;
        let space = c.take(pad(space_len))?;
        let count = shape(space, self.length_size)?.iter().try_fold(1u64, |a, b| a.checked_mul(*b))?;
        Some(Attribute { name, of, count, at: at + c.at as u64, data: c.rest().to_vec() })
    }

    fn symbol_table(&mut self, message: &[u8], out: &mut Vec<(String, u64)>) -> Option<()> {
        let mut c = Cursor::new(message);
        let (tree, heap) = (c.uint(self.offset_size)?, c.uint(self.offset_size)?);
        let head = self.exact(heap, 8 + 2 * self.length_size + self.offset_size)?;
        head.starts_with(b"HEAP").then_some(())?;
        let mut c = Cursor::new(&head);
        c.take(8)?;
        let size = c.uint(self.length_size)?;
        c.take(self.length_size)?;
        let data = c.uint(self.offset_size)?;
        self.meet(heap, head.len() as u64);
        self.meet(data, size);
        let names = self.bytes(data, usize::try_from(size).ok()?.min(16 << 20))?;
        self.group_node(tree, &names, 0, out)
    }

    fn group_node(&mut self, address: u64, names: &[u8], depth: usize, out: &mut Vec<(String, u64)>) -> Option<()> {
        let head = self.exact(address, 8)?;
        if depth > MOST_DEPTH || out.len() >= MOST_LINKS {
            return None;
        }
        let count = usize::from(u16::from_le_bytes([head[6], head[7]]));
        if head.starts_with(b"SNOD") {
            let entry = 2 * self.offset_size + 24;
            let bytes = self.bytes(address + 8, count * entry)?;
            if !self.meet(address, 8 + (count * entry) as u64) {
                return None;
            }
            for entry in bytes.chunks_exact(entry) {
                let mut c = Cursor::new(entry);
                let (name, header) = (c.uint(self.offset_size)?, c.uint(self.offset_size)?);
                let kind = c.u32()?;
                let name = names.get(usize::try_from(name).ok()?..)?;
                let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
                if kind != 2 {
                    out.push((String::from_utf8_lossy(&name[..end]).into_owned(), header));
                }
            }
            return Some(());
        }
        head.starts_with(b"TREE").then_some(())?;
        let size = 8 + 2 * self.offset_size + count * (self.length_size + self.offset_size) + self.length_size;
        if !self.meet(address, size as u64) {
            return None;
        }
        let bytes = self.bytes(address, size)?;
        let mut c = Cursor::new(&bytes);
        c.take(8 + 2 * self.offset_size)?;
        for _ in 0..count {
            c.take(self.length_size)?;
            let child = c.uint(self.offset_size)?;
            self.group_node(child, names, depth + 1, out);
        }
        Some(())
    }

    /// Links or attributes kept in a fractal heap, by their index of names.
    fn dense(&mut self, message: &[u8], links: bool, each: &mut dyn FnMut(&mut Self, &[u8], u64)) -> Option<()> {
        let mut c = Cursor::new(message);
        c.u8()?;
        let flags = c.u8()?;
        if flags & 1 != 0 {
            c.take(if links { 8 } else { 2 })?;
        }
        let (heap, index) = (c.uint(self.offset_size)?, c.uint(self.offset_size)?);
        if heap == NONE || index == NONE {
            return None;
        }
        let heap = self.fractal_heap(heap)?;
        let mut ids = Vec::new();
        self.tree2(index, &mut |_, kind, record| {
            let id = match kind {
                5 => record.get(4..),
                6 => record.get(8..),
                8 | 9 => record.get(..8),
                _ => None,
            };
            ids.extend(id.map(<[u8]>::to_vec));
        })?;
        for id in ids {
            if let Some((bytes, at)) = self.heap_object(&heap, &id) {
                each(self, &bytes, at);
            }
        }
        Some(())
    }

    /// Walks a version 2 B-tree and gives each record with the tree's type.
    pub(super) fn tree2(&mut self, address: u64, each: &mut dyn FnMut(&mut Self, u8, &[u8])) -> Option<()> {
        let head = self.exact(address, 22 + self.offset_size + self.length_size)?;
        head.starts_with(b"BTHD").then_some(())?;
        let mut c = Cursor::new(&head);
        c.take(5)?;
        let kind = c.u8()?;
        let node = c.u32()? as usize;
        let (record, depth) = (c.u16()?, c.u16()?);
        c.take(2)?;
        let root = c.uint(self.offset_size)?;
        let count = c.u16()?;
        self.meet(address, head.len() as u64);
        if record == 0 || node <= 10 || node > 1 << 20 || depth > 16 {
            return None;
        }
        // How many records each level can hold decides how many bytes their number takes.
        let width = |n: u64| (64 - n.leading_zeros() as usize).div_ceil(8).max(1);
        let leaf = ((node - 10) / record) as u64;
        let mut total = vec![leaf];
        for level in 1..=depth {
            let sum = total[level - 1];
            let pointer = self.offset_size + width(leaf) + if level > 1 { width(sum) } else { 0 };
            let here = ((node - 10).saturating_sub(pointer) / (record + pointer)) as u64;
            total.push((here + 1).saturating_mul(sum).saturating_add(here));
        }
        let shape =
            Tree2 { kind, node, record, leaf_width: width(leaf), totals: total.iter().map(|&t| width(t)).collect() };
        self.tree2_node(&shape, root, count, depth, each)
    }

    fn tree2_node(
        &mut self,
        tree: &Tree2,
        address: u64,
        count: usize,
        depth: usize,
        each: &mut dyn FnMut(&mut Self, u8, &[u8]),
    ) -> Option<()> {
        if address == NONE || count == 0 {
            return Some(());
        }
        let bytes = self.bytes(address, tree.node)?;
        let magic: &[u8] = if depth == 0 { b"BTLF" } else { b"BTIN" };
        if !bytes.starts_with(magic) || !self.meet(address, tree.node as u64) {
            return None;
        }
        let mut c = Cursor::new(&bytes);
        c.take(6)?;
        for _ in 0..count {
            let record = c.take(tree.record)?;
            each(self, tree.kind, record);
        }
        if depth > 0 {
            for _ in 0..=count {
                let child = c.uint(self.offset_size)?;
                let n = usize::try_from(c.uint(tree.leaf_width)?).ok()?;
                if depth > 1 {
                    c.take(*tree.totals.get(depth - 1)?)?;
                }
                self.tree2_node(tree, child, n, depth - 1, each);
            }
        }
        Some(())
    }

    fn fractal_heap(&mut self, address: u64) -> Option<Heap> {
        let (o, l) = (self.offset_size, self.length_size);
        let head = self.exact(address, 22 + 12 * l + 3 * o)?;
        head.starts_with(b"FRHP").then_some(())?;
        let mut c = Cursor::new(&head);
        c.take(5)?;
        c.take(2)?;
        let filters = c.u16()?;
        c.u8()?;
        let most_object = u64::from(c.u32()?);
        c.take(l + o + l + o + 8 * l)?;
        let width = c.u16()? as u64;
        let (start, most_direct) = (c.uint(l)?, c.uint(l)?);
        let bits = c.u16()?;
        c.take(2)?;
        let root = c.uint(o)?;
        let rows = c.u16()? as u64;
        self.meet(address, head.len() as u64 + 4);
        if filters > 0 || width == 0 || !start.is_power_of_two() || !most_direct.is_power_of_two() || bits > 64 {
            return None;
        }
        let offset_bytes = bits.div_ceil(8);
        let bound = most_direct.min(most_object);
        let length_bytes = (64 - bound.leading_zeros() as usize).div_ceil(8).max(1);
        Some(Heap { root, rows, width, start, most_direct, offset_bytes, length_bytes })
    }

    fn heap_object(&mut self, heap: &Heap, id: &[u8]) -> Option<(Vec<u8>, u64)> {
        let mut c = Cursor::new(id);
        match c.u8()? >> 4 & 3 {
            0 => {
                let (offset, len) = (c.uint(heap.offset_bytes)?, c.uint(heap.length_bytes)?);
                let (block, start, size) = self.heap_block(heap, heap.root, heap.rows, 0, offset, 0)?;
                let within = offset.checked_sub(start)?;
                (within.checked_add(len)? <= size).then_some(())?;
                let address = block.checked_add(within)?;
                Some((self.exact(address, usize::try_from(len).ok()?)?, self.base + address))
            }
            2 => {
                let n = usize::from(id.first()? & 0x0F) + 1;
                Some((id.get(1..1 + n)?.to_vec(), 0))
            }
            _ => None,
        }
    }

    /// The direct block that holds an offset of the heap: its address, its first offset, its size.
    fn heap_block(
        &mut self,
        heap: &Heap,
        address: u64,
        rows: u64,
        base: u64,
        offset: u64,
        depth: usize,
    ) -> Option<(u64, u64, u64)> {
        if depth > MOST_DEPTH || address == NONE {
            return None;
        }
        if rows == 0 {
            let size = heap.start;
            self.meet(address, size);
            return Some((address, base, size));
        }
        let head = 5 + self.offset_size + heap.offset_bytes;
        let row_size =
            |row: u64| if row < 2 { Some(heap.start) } else { heap.start.checked_shl(u32::try_from(row - 1).ok()?) };
        let direct_rows = u64::from((heap.most_direct / heap.start).trailing_zeros()) + 2;
        let entries = rows.min(64) * heap.width;
        let bytes = self.bytes(address, head + usize::try_from(entries).ok()? * self.offset_size)?;
        bytes.starts_with(b"FHIB").then_some(())?;
        self.meet(address, bytes.len() as u64 + 4);
        let mut at = base;
        for row in 0..rows.min(64) {
            let size = row_size(row)?;
            for column in 0..heap.width {
                let end = at.checked_add(size)?;
                if offset < end {
                    let slot = usize::try_from(row * heap.width + column).ok()?;
                    let child = Cursor::new(bytes.get(head + slot * self.offset_size..)?).uint(self.offset_size)?;
                    if row < direct_rows {
                        self.meet(child, size);
                        return (child != NONE).then_some((child, at, size));
                    }
                    // As many rows as fill the block's share of the heap.
                    let rows = u64::from((size / (heap.start * heap.width)).trailing_zeros()) + 1;
                    return self.heap_block(heap, child, rows, at, offset, depth + 1);
                }
                at = end;
            }
        }
        None
    }
}

struct Tree2 {
    kind: u8,
    node: usize,
    record: usize,
    leaf_width: usize,
    totals: Vec<usize>,
}

struct Heap {
    root: u64,
    rows: u64,
    width: u64,
    start: u64,
    most_direct: u64,
    offset_bytes: usize,
    length_bytes: usize,
}

/// Name and header of a hard link.
fn link(message: &[u8], offset_size: usize) -> Option<(String, u64)> {
    let mut c = Cursor::new(message);
    (c.u8()? == 1).then_some(())?;
    let flags = c.u8()?;
    let kind = if flags & 8 != 0 { c.u8()? } else { 0 };
    c.take(if flags & 4 != 0 { 8 } else { 0 })?;
    c.take(if flags & 16 != 0 { 1 } else { 0 })?;
    let len = usize::try_from(c.uint(1 << (flags & 3))?).ok()?;
    let name = String::from_utf8_lossy(c.take(len)?).into_owned();
    (kind == 0).then_some(())?;
    Some((name, c.uint(offset_size)?))
}
