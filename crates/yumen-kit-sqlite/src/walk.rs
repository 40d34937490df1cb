//! Going through a tree, page by page.

use std::ops::Range;

use yumen_kit_container::Window;
use yumen_kit_container::window::num::be32;
use yumen_model::InspectError;

use crate::database::Database;
use crate::node::{Cell, Kind, Node};
use crate::pages::Use;
use crate::record::{MAX_RECORD, Record};

/// No tree of this format is deeper.
const DEEPEST: usize = 40;

/// Takes the cells of a tree: key, record, where its cell stands in the file, and whether the record is whole. Says whether it could be read.
pub(crate) type Each<'e> = dyn FnMut(Option<i64>, &Record<'_>, Range<u64>) -> Result<bool, InspectError> + 'e;

/// A pass over one tree.
pub(crate) struct Walk<'d> {
    db: &'d Database,
    pass: u16,
    used: Use,
    tree: Window<'d>,
    chain: Window<'d>,
    buffer: Vec<u8>,
    overflow: Vec<u64>,
}

struct Frame {
    page: Vec<u8>,
    number: u32,
    offset: u64,
    node: Node,
    next: usize,
}

impl<'d> Walk<'d> {
    pub(crate) fn new(db: &'d Database, pass: u16, used: Use) -> Self {
        Walk {
            db,
            pass,
            used,
            tree: Window::new(&db.blob),
            chain: Window::new(&db.blob),
            buffer: Vec::new(),
            overflow: Vec::new(),
        }
    }

    /// All cells with a record, in the order of their keys.
    pub(crate) fn tree(&mut self, root: u32, index: bool, each: &mut Each<'_>) -> Result<(), InspectError> {
        let mut stack: Vec<Frame> = Vec::new();
        let mut page = Vec::new();
        let mut visit = Some((root, 0));
        loop {
            if let Some((number, from)) = visit.take()
                && let Some(frame) = self.page(number, from, index, std::mem::take(&mut page))?
            {
                if frame.node.kind == Kind::LeafTable || frame.node.kind == Kind::LeafIndex {
                    for cell in &frame.node.cells {
                        self.cell(&frame, cell, each)?;
                    }
                    page = frame.page;
                } else if stack.len() < DEEPEST {
                    stack.push(frame);
                } else {
                    self.db.broken(frame.number, frame.offset, "the tree is too deep");
                }
            }
            let Some(top) = stack.last_mut() else { return Ok(()) };
            let at = top.next;
            top.next += 1;
            // Left of each cell stands a page; in an index the cell itself comes after it.
            if index && at > 0 && at <= top.node.cells.len() {
                let frame = stack.pop();
                if let Some(frame) = frame {
                    if let Some(cell) = frame.node.cells.get(at - 1) {
                        self.cell(&frame, cell, each)?;
                    }
                    stack.push(frame);
                }
            }
            let Some(top) = stack.last() else { return Ok(()) };
            visit = match top.node.cells.get(at) {
                Some(cell) => Some((cell.child, top.number)),
                None if at == top.node.cells.len() => Some((top.node.right, top.number)),
                None => {
                    stack.pop();
                    None
                }
            };
        }
    }

    /// Reads a page of the tree; none where it is none.
    fn page(&mut self, number: u32, from: u32, index: bool, mut page: Vec<u8>) -> Result<Option<Frame>, InspectError> {
        let db = self.db;
        let Some(offset) = db.offset(number) else {
            if !db.is_partial() {
                db.broken(from, db.offset(from).unwrap_or(0), "a page that is not there");
            }
            return Ok(None);
        };
        let known = db.entry(number).is_some();
        if !db.claim(number, self.used, self.pass) {
            db.fault(offset, "a page of two owners");
            return Ok(None);
        }
        let size = db.header.page_size as usize;
        page.clear();
        page.extend_from_slice(self.tree.get(offset, size)?);
        if page.len() < size {
            db.broken(number, offset, "the file ends within a page");
            return Ok(None);
        }
        let node = match Node::parse(&page, number == 1, db.header.usable()) {
            Ok(node) if matches!(node.kind, Kind::LeafIndex | Kind::InteriorIndex) == index => node,
            Ok(_) => {
                db.broken(number, offset, "a page of another kind of tree");
                return Ok(None);
            }
            Err(message) => {
                db.broken(number, offset, message);
                return Ok(None);
            }
        };
        if node.damaged {
            db.broken(number, offset, "a cell outside its page");
        } else if !known && node.gaps(size).into_iter().any(|gap| page[gap].iter().any(|&b| b != 0)) {
            db.has_gaps(number);
        }
        Ok(Some(Frame { page, number, offset, node, next: 0 }))
    }

    /// Tells one cell's record.
    fn cell(&mut self, frame: &Frame, cell: &Cell, each: &mut Each<'_>) -> Result<(), InspectError> {
        let local = &frame.page[cell.local.clone()];
        self.overflow.clear();
        let bytes = if cell.overflow == 0 {
            local
        } else {
            self.buffer.clear();
            self.buffer.extend_from_slice(local);
            if !self.follow(cell.overflow, cell.total - local.len() as u64)? {
                self.db.broken(frame.number, frame.offset, "a chain of pages is broken");
            }
            &self.buffer
        };
        let place = frame.offset + cell.bytes.start as u64..frame.offset + cell.bytes.end as u64;
        let record = Record {
            bytes,
            total: cell.total,
            local: (frame.offset + cell.local.start as u64, local.len() as u64),
            overflow: &self.overflow,
            piece: self.db.header.usable() as u64 - 4,
            encoding: self.db.header.encoding,
        };
        let index = matches!(frame.node.kind, Kind::LeafIndex | Kind::InteriorIndex);
        if !each((!index).then_some(cell.rowid), &record, place.clone())? {
            self.db.broken(frame.number, place.start, "a record is broken");
        }
        Ok(())
    }

    /// Gathers a payload that goes on in overflow pages; says whether all of it is there.
    fn follow(&mut self, first: u32, mut need: u64) -> Result<bool, InspectError> {
        let db = self.db;
        let (size, piece) = (db.header.page_size as usize, db.header.usable() - 4);
        let mut number = first;
        while need > 0 {
            let Some(offset) = db.offset(number) else { return Ok(db.is_partial()) };
            let n = usize::try_from(need).unwrap_or(usize::MAX).min(piece);
            need -= n as u64;
            let used = if self.used == Use::Unread { Use::Unread } else { Use::Overflow(4 + n as u32) };
            let known = db.entry(number).is_some();
            if !db.claim(number, used, self.pass) {
                return Ok(false);
            }
            let page = self.chain.get(offset, size)?;
            if page.len() < size {
                db.broken(number, offset, "the file ends within a page");
                return Ok(false);
            }
            let room = MAX_RECORD.saturating_sub(self.buffer.len()).min(n);
            // What is held is the record's beginning without a hole.
            self.buffer.extend_from_slice(&page[4..4 + room]);
            self.overflow.push(offset + 4);
            if !known && page[4 + n..].iter().any(|&b| b != 0) {
                db.has_gaps(number);
            }
            number = be32(page, 0);
        }
        Ok(true)
    }
}
