//! A label for every page.

use std::ops::Range;

use yumen_kit_container::window::first_nonzero;
use yumen_kit_container::window::num::be32;
use yumen_kit_container::{Container, Window};
use yumen_model::{ChildMeta, Extent, InspectError, Label, Reason};

use crate::database::{Database, Pages};
use crate::header::HEADER;
use crate::node::Node;
use crate::pages::{Entry, Use};
use crate::walk::Walk;

/// Free space is handed over in children of at most this many pieces.
const FREE_PIECES: usize = 1 << 16;
/// Where the page of locks stands.
const LOCK_BYTE: u64 = 1 << 30;

impl Database {
    /// Labels every byte, once all tables were read: pages of trees are inspected, free pages and the bytes inside pages that belong to nothing become
    /// the child `[unallocated]`, pages of tables that were not read are opaque, broken ones too. Tells the note `corrupt` where something was broken.
    ///
    /// # Errors
    /// The bytes can't be read, or the engine takes no more.
    pub fn account(&self, to: &mut Container<'_>) -> Result<(), InspectError> {
        for (root, table, index) in self.unread() {
            let used = if table { Use::Unread } else { Use::Index };
            if let Some(pass) = self.pass(root) {
                Walk::new(self, pass, used).tree(root, index, &mut |_, _, _| Ok(true))?;
            }
        }
        if let Pages::File(count) = self.pages {
            self.free_list()?;
            self.pointer_maps(count)?;
            let stored = self.blob.stored().collect();
            let mut labels = Labels { to, stored, run: None, free: Vec::new() };
            self.label(count, &mut labels)?;
            labels.flush()?;
            labels.flush_free()?;
        }
        for fault in self.faults() {
            to.tell_at("corrupt", fault.offset);
        }
        for _ in self.faults().len() as u64..self.fault_count() {
            to.tell("corrupt");
        }
        Ok(())
    }

    fn free_list(&self) -> Result<(), InspectError> {
        let Some(pass) = self.pass(u32::MAX) else { return Ok(()) };
        let mut window = Window::new(&self.blob);
        let mut trunk = self.header.free_trunk;
        while trunk != 0 {
            let Some(offset) = self.offset(trunk).filter(|_| self.claim(trunk, Use::Trunk, pass)) else {
                self.fault(32, "the list of free pages is broken");
                return Ok(());
            };
            let page = window.get(offset, self.header.page_size as usize)?;
            let count = be32(page, 4) as usize;
            if page.len() < self.header.page_size as usize || count > self.header.usable() / 4 - 2 {
                self.broken(trunk, offset, "the list of free pages is broken");
                return Ok(());
            }
            for i in 0..count {
                let free = be32(page, 8 + 4 * i);
                if self.offset(free).is_none() || !self.claim(free, Use::Free, pass) {
                    self.fault(offset, "the list of free pages is broken");
                }
            }
            trunk = be32(page, 0);
        }
        Ok(())
    }

    fn pointer_maps(&self, count: u32) -> Result<(), InspectError> {
        if self.header.largest_root == 0 {
            return Ok(());
        }
        let Some(pass) = self.pass(u32::MAX - 1) else { return Ok(()) };
        let usable = self.header.usable();
        let step = u32::try_from(usable / 5 + 1).unwrap_or(u32::MAX);
        let lock = self.lock_page();
        let mut window = Window::new(&self.blob);
        let mut page = 2u32;
        while page <= count {
            let number = if page == lock { page + 1 } else { page };
            if let Some(offset) = self.offset(number) {
                let map = window.get(offset, self.header.page_size as usize)?;
                let valid = map.chunks_exact(5).take(usable / 5).all(|e| e[0] <= 5);
                if valid {
                    self.claim(number, Use::PointerMap, pass);
                }
            }
            page = page.saturating_add(step);
        }
        Ok(())
    }

    fn lock_page(&self) -> u32 {
        u32::try_from(LOCK_BYTE / u64::from(self.header.page_size) + 1).unwrap_or(u32::MAX)
    }

    fn label(&self, count: u32, labels: &mut Labels<'_, '_>) -> Result<(), InspectError> {
        let size = u64::from(self.header.page_size);
        let len = self.blob.len();
        let stated = self.header.pages.unwrap_or(count);
        if stated > count {
            labels.to.tell_at("truncated", len);
        }
        let damaged = self.fault_count() > 0 || stated > count;
        let mut window = Window::new(&self.blob);
        let mut page = 1u32;
        while page <= count {
            let start = u64::from(page - 1) * size;
            let end = (start + size).min(len);
            let Some(entry) = self.entry(page) else {
                // A stretch that nothing led to.
                let next = self.state.borrow().map.next_known(page + 1).unwrap_or(count + 1).min(count + 1);
                let mut until = page + 1;
                while until < next && self.entry(until).is_none() {
                    until += 1;
                }
                let last = (u64::from(until - 1) * size).min(len);
                let lost = damaged && page <= stated && page != self.lock_page();
                labels.unused(start..last, lost)?;
                page = until;
                continue;
            };
            self.label_page(page, entry, start..end, &mut window, labels)?;
            page += 1;
        }
        let rest = (u64::from(count) * size).min(len);
        labels.unused(rest..len, false)
    }

    fn label_page(
        &self,
        page: u32,
        entry: Entry,
        bytes: Range<u64>,
        window: &mut Window<'_>,
        labels: &mut Labels<'_, '_>,
    ) -> Result<(), InspectError> {
        let mut gaps = Vec::new();
        let (start, size) = (bytes.start, self.header.page_size as usize);
        match entry.used {
            Use::Overflow(end) if entry.gaps => gaps.push(end as usize..size),
            Use::Tree | Use::Index if entry.gaps => {
                let raw = window.get(start, size)?;
                if let Ok(node) = Node::parse(raw, page == 1, self.header.usable()) {
                    gaps = node.gaps(size);
                    gaps.retain(|gap| raw.get(gap.clone()).is_some_and(|g| g.iter().any(|&b| b != 0)));
                }
            }
            Use::Trunk => {
                let count = be32(window.get(start, 8)?, 4) as usize;
                gaps.push(8 + 4 * count..size);
            }
            Use::Free => return labels.unused(bytes, false),
            _ => {}
        }
        let label = match entry.used {
            Use::Tree | Use::Index | Use::Overflow(_) => Label::Inspected,
            Use::Trunk | Use::Free | Use::PointerMap => Label::Container,
            Use::Unread => Label::Opaque(Reason::Unsupported),
            Use::Damaged => Label::Opaque(Reason::Corrupt),
        };
        let mut at = start;
        if page == 1 && label == Label::Inspected {
            at += HEADER as u64;
            labels.add(start..at, Label::Container)?;
        }
        for gap in gaps {
            let (from, to) = (start + gap.start as u64, (start + gap.end as u64).min(bytes.end));
            labels.add(at..from, label)?;
            labels.free(from..to)?;
            at = to;
        }
        labels.add(at..bytes.end, label)
    }
}

/// Joins labels and pieces of free space.
struct Labels<'c, 'a> {
    to: &'c mut Container<'a>,
    /// What of the file is no hole.
    stored: Vec<Range<u64>>,
    run: Option<(Range<u64>, Label)>,
    free: Vec<Extent>,
}

impl Labels<'_, '_> {
    fn add(&mut self, range: Range<u64>, label: Label) -> Result<(), InspectError> {
        if range.is_empty() {
            return Ok(());
        }
        match &mut self.run {
            Some((run, of)) if *of == label && run.end == range.start => run.end = range.end,
            _ => {
                self.flush()?;
                self.run = Some((range, label));
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), InspectError> {
        match self.run.take() {
            Some((range, label)) => self.to.label(range, label),
            None => Ok(()),
        }
    }

    /// Bytes that belong to nothing: free space, or a loss where something is broken.
    fn unused(&mut self, range: Range<u64>, lost: bool) -> Result<(), InspectError> {
        let mut at = range.start;
        let first = self.stored.partition_point(|piece| piece.end <= range.start);
        for n in first..self.stored.len() {
            let piece = self.stored[n].clone();
            if piece.start >= range.end {
                break;
            }
            let (start, end) = (piece.start.max(range.start), piece.end.min(range.end));
            if start >= end {
                continue;
            }
            self.add(at..start.max(at), Label::Container)?;
            // Zeros at the beginning hold nothing.
            let used = first_nonzero(self.to.blob, start..end)?.unwrap_or(end);
            let used = used - (used - start) % 512;
            self.add(start..used, Label::Container)?;
            if used < end && lost {
                self.add(used..end, Label::Opaque(Reason::Corrupt))?;
            } else {
                self.free(used..end)?;
            }
            at = end;
        }
        self.add(at..range.end, Label::Container)
    }

    fn free(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        if range.is_empty() {
            return Ok(());
        }
        match self.free.last_mut() {
            Some(Extent::Data { offset, len }) if *offset + *len == range.start => *len += range.end - range.start,
            _ => self.free.push(Extent::of(range)),
        }
        if self.free.len() >= FREE_PIECES { self.flush_free() } else { Ok(()) }
    }

    fn flush_free(&mut self) -> Result<(), InspectError> {
        if self.free.is_empty() {
            return Ok(());
        }
        let meta = ChildMeta { free_space: true, ..ChildMeta::named(b"[unallocated]") };
        self.to.hand_over(meta, std::mem::take(&mut self.free))
    }
}
