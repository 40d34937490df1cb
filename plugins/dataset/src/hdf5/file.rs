//! The file as a whole: superblock, addresses, what was met of it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use yumen_model::{Blob, InspectError};

pub(super) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1A\n";
/// Structures that are met are at most so many.
const MOST_STRUCTURES: usize = 4_000_000;

/// An address that stands for none.
pub(super) const NONE: u64 = u64::MAX;

/// Address and length of the pieces of a collection, by their index.
type Pieces = HashMap<u32, (u64, u64)>;

/// An open file: addresses are from its base.
pub(super) struct File<'a> {
    pub blob: &'a Blob,
    pub base: u64,
    pub offset_size: usize,
    pub length_size: usize,
    pub root: Root,
    /// Structures that were read, for coverage and against rings.
    pub met: Vec<Range<u64>>,
    seen: HashSet<u64>,
    /// The last collection of the global heap: its pieces by their index.
    collection: Option<(u64, Pieces)>,
}

/// Where the root group is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root {
    pub header: u64,
}

/// Bytes with a position.
pub(super) struct Cursor<'b> {
    bytes: &'b [u8],
    pub at: usize,
}

impl<'b> Cursor<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    pub(super) fn take(&mut self, n: usize) -> Option<&'b [u8]> {
        let bytes = self.bytes.get(self.at..self.at.checked_add(n)?)?;
        self.at += n;
        Some(bytes)
    }

    /// A little-endian number of up to eight bytes.
    pub(super) fn uint(&mut self, n: usize) -> Option<u64> {
        let bytes = self.take(n)?;
        let mut raw = [0u8; 8];
        raw.get_mut(..n)?.copy_from_slice(bytes);
        let value = u64::from_le_bytes(raw);
        // All ones stand for no address, whatever the size.
        Some(if (4..8).contains(&n) && bytes.iter().all(|&b| b == 0xFF) { NONE } else { value })
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u16(&mut self) -> Option<usize> {
        let b = self.take(2)?;
        Some(usize::from(u16::from_le_bytes([b[0], b[1]])))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        let b = self.take(4)?;
        Some(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    pub(super) fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }
}

impl<'a> File<'a> {
    /// Finds the superblock: at the start, or at 512, 1024, 2048…
    pub(super) fn open(blob: &'a Blob) -> Result<Option<File<'a>>, InspectError> {
        let mut at = 0u64;
        while at < blob.len() && at <= 1 << 24 {
            let bytes = blob.bytes(at..at + 160).map_err(|e| InspectError::read(at, &e))?;
            if bytes.starts_with(SIGNATURE) {
                return Ok(Self::superblock(blob, at, &bytes));
            }
            at = if at == 0 { 512 } else { at * 2 };
        }
        Ok(None)
    }

    fn superblock(blob: &'a Blob, start: u64, bytes: &[u8]) -> Option<File<'a>> {
        let mut c = Cursor::new(bytes);
        c.take(8)?;
        let version = c.u8()?;
        let (offset_size, length_size, root, end);
        match version {
            0 | 1 => {
                c.take(4)?;
                offset_size = usize::from(c.u8()?);
                length_size = usize::from(c.u8()?);
                c.take(1 + 4 + 4)?;
                if version == 1 {
                    c.take(4)?;
                }
                if !matches!(offset_size, 2 | 4 | 8) {
                    return None;
                }
                let _base = c.uint(offset_size)?;
                c.take(3 * offset_size)?;
                // Entry of the root: name, then the header.
                c.take(offset_size)?;
                root = c.uint(offset_size)?;
                c.take(4 + 4 + 16)?;
                end = c.at;
            }
            2 | 3 => {
                offset_size = usize::from(c.u8()?);
                length_size = usize::from(c.u8()?);
                c.u8()?;
                if !matches!(offset_size, 2 | 4 | 8) {
                    return None;
                }
                c.take(3 * offset_size)?;
                root = c.uint(offset_size)?;
                c.take(4)?;
                end = c.at;
            }
            _ => return None,
        }
        if !matches!(length_size, 2 | 4 | 8) {
            return None;
        }
        // Where a user block stands in front, addresses count from behind it.
        let mut file = File {
            blob,
            base: start,
            offset_size,
            length_size,
            root: Root { header: root },
            met: Vec::new(),
            seen: HashSet::new(),
            collection: None,
        };
        file.met.push(start..start + end as u64);
        Some(file)
    }

    /// Bytes at an address; fewer only at the end of the file.
    pub(super) fn bytes(&self, address: u64, len: usize) -> Option<Vec<u8>> {
        let at = self.base.checked_add(address)?;
        if address == NONE || at >= self.blob.len() || len as u64 > yumen_model::blob::MAX_CONTIGUOUS {
            return None;
        }
        self.blob.bytes(at..at.checked_add(len as u64)?).ok()
    }

    pub(super) fn exact(&self, address: u64, len: usize) -> Option<Vec<u8>> {
        self.bytes(address, len).filter(|b| b.len() == len)
    }

    /// Remembers a structure; false when it was met before.
    pub(super) fn meet(&mut self, address: u64, len: u64) -> bool {
        if self.seen.len() >= MOST_STRUCTURES || !self.seen.insert(address) {
            return false;
        }
        let start = self.base.saturating_add(address).min(self.blob.len());
        self.met.push(start..start.saturating_add(len).min(self.blob.len()));
        true
    }

    /// Where a piece of variable length stands: its address and length. The reference is a length, a collection, an index.
    pub(super) fn piece(&mut self, reference: &[u8]) -> Option<(u64, u64)> {
        let mut c = Cursor::new(reference);
        c.u32()?;
        let address = c.uint(self.offset_size)?;
        let index = c.u32()?;
        if address == NONE || address == 0 {
            return None;
        }
        if self.collection.as_ref().is_none_or(|(at, _)| *at != address) {
            let found = self.collect(address)?;
            self.collection = Some((address, found));
        }
        self.collection.as_ref()?.1.get(&index).copied()
    }

    /// The pieces of a collection of the global heap.
    fn collect(&mut self, address: u64) -> Option<Pieces> {
        let head = self.exact(address, 8 + self.length_size)?;
        head.starts_with(b"GCOL").then_some(())?;
        let size = Cursor::new(head.get(8..)?).uint(self.length_size)?;
        self.meet(address, size);
        let end = address.checked_add(size)?;
        let mut at = address + head.len() as u64;
        let mut pieces = HashMap::new();
        // Small pieces stand close together: read ahead.
        let (mut window, mut from) = (Vec::new(), at);
        while at < end && pieces.len() < 1 << 20 {
            let need = 8 + self.length_size;
            let within = usize::try_from(at.checked_sub(from)?).ok()?;
            if within + need > window.len() {
                window = self.bytes(at, 16 << 10)?;
                from = at;
            }
            let within = usize::try_from(at - from).ok()?;
            let Some(header) = window.get(within..within + need) else { break };
            let mut c = Cursor::new(header);
            let index = u32::try_from(c.u16()?).ok()?;
            c.take(6)?;
            let len = c.uint(self.length_size)?;
            if index == 0 {
                break;
            }
            let data = at + need as u64;
            pieces.insert(index, (data, len));
            at = data.checked_add(len.checked_next_multiple_of(8)?)?;
        }
        Some(pieces)
    }

    /// A string of variable length and where it stands in the blob.
    pub(super) fn global(&mut self, reference: &[u8]) -> Option<(Vec<u8>, u64)> {
        let (address, len) = self.piece(reference)?;
        let text = self.exact(address, usize::try_from(len).ok()?)?;
        Some((text, self.base + address))
    }
}
