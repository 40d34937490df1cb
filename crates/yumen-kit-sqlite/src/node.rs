//! A page of a b-tree: its kind, its cells, and the bytes that belong to none of them.

use std::ops::Range;

use yumen_kit_container::window::num::{be16, be32};

use crate::header::HEADER;
use crate::record::varint;

/// The kinds of b-tree pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    InteriorIndex,
    InteriorTable,
    LeafIndex,
    LeafTable,
}

/// A cell as it stands in its page.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// All of its bytes in the page, the pointer to its overflow included.
    pub(crate) bytes: Range<usize>,
    /// The page to its left; interior pages only.
    pub(crate) child: u32,
    /// Key of a table's cell.
    pub(crate) rowid: i64,
    /// Length of the payload.
    pub(crate) total: u64,
    /// The payload's first bytes.
    pub(crate) local: Range<usize>,
    /// Where the payload goes on, or 0.
    pub(crate) overflow: u32,
}

/// A page of a b-tree.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// In the order of their keys.
    pub(crate) cells: Vec<Cell>,
    /// The page to the right of all cells; interior pages only.
    pub(crate) right: u32,
    /// Where the array of cell pointers ends.
    pub(crate) head_end: usize,
    /// Whether there were cells that can't be.
    pub(crate) damaged: bool,
}

impl Node {
    /// Reads a page; `first` says that it begins with the database's header.
    pub(crate) fn parse(page: &[u8], first: bool, usable: usize) -> Result<Node, &'static str> {
        let start = if first { HEADER } else { 0 };
        let head = page.get(start..).unwrap_or(&[]);
        let kind = match head.first() {
            Some(2) => Kind::InteriorIndex,
            Some(5) => Kind::InteriorTable,
            Some(10) => Kind::LeafIndex,
            Some(13) => Kind::LeafTable,
            _ => return Err("not a page of a b-tree"),
        };
        let interior = matches!(kind, Kind::InteriorIndex | Kind::InteriorTable);
        let array = start + if interior { 12 } else { 8 };
        let count = usize::from(be16(head, 3));
        let head_end = array + 2 * count;
        if head_end > usable {
            return Err("more cells than a page can hold");
        }
        let right = if interior { be32(head, 8) } else { 0 };
        let mut node = Node { kind, cells: Vec::with_capacity(count), right, head_end, damaged: false };
        let mut room = usable - head_end;
        for i in 0..count {
            let at = usize::from(be16(page, array + 2 * i));
            match node.cell(page, at, usable) {
                // Cells that lie over each other would make more of a page than is in it.
                Some(cell) if cell.bytes.len() <= room => {
                    room -= cell.bytes.len();
                    node.cells.push(cell);
                }
                _ => node.damaged = true,
            }
        }
        Ok(node)
    }

    fn cell(&self, page: &[u8], start: usize, usable: usize) -> Option<Cell> {
        if start < self.head_end {
            return None;
        }
        let page = page.get(..usable)?;
        let mut at = start;
        let child = match self.kind {
            Kind::InteriorIndex | Kind::InteriorTable => {
                at += 4;
                u32::from_be_bytes(page.get(start..at)?.try_into().ok()?)
            }
            _ => 0,
        };
        let total = if self.kind == Kind::InteriorTable {
            0
        } else {
            let (total, n) = varint(page.get(at..)?)?;
            at += n;
            total
        };
        let rowid = if matches!(self.kind, Kind::InteriorTable | Kind::LeafTable) {
            let (rowid, n) = varint(page.get(at..)?)?;
            at += n;
            rowid.cast_signed()
        } else {
            0
        };
        let len = local_len(total, usable, self.kind == Kind::LeafTable);
        let local = at..at.checked_add(len)?;
        page.get(local.clone())?;
        let mut end = local.end;
        let overflow = if (len as u64) < total {
            end += 4;
            u32::from_be_bytes(page.get(local.end..end)?.try_into().ok()?)
        } else {
            0
        };
        // No cell takes fewer than four bytes.
        let end = end.max(start + 4).min(usable);
        Some(Cell { bytes: start..end, child, rowid, total, local, overflow })
    }

    /// The bytes of the page behind its header that belong to no cell: free blocks, fragments, the space between pointers and cells, the reserved end.
    pub(crate) fn gaps(&self, page_size: usize) -> Vec<Range<usize>> {
        let mut starts: Vec<_> = self.cells.iter().map(|c| c.bytes.clone()).collect();
        starts.sort_unstable_by_key(|r| r.start);
        let mut out = Vec::new();
        let mut at = self.head_end;
        for r in starts {
            if r.start > at {
                out.push(at..r.start);
            }
            at = at.max(r.end);
        }
        if at < page_size {
            out.push(at..page_size);
        }
        out
    }
}

/// How many bytes of a payload stand in the page itself.
fn local_len(total: u64, usable: usize, table: bool) -> usize {
    let most = if table { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
    if total <= most as u64 {
        return usize::try_from(total).unwrap_or(usize::MAX);
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let over = usize::try_from((total - least as u64) % (usable as u64 - 4)).unwrap_or(usize::MAX);
    if least + over <= most { least + over } else { least }
}
