//! Pages outside of a database: write-ahead logs and rollback journals.

use std::collections::HashMap;
use std::ops::Range;

use yumen_kit_container::window::num::{be32, be64, le32};
use yumen_kit_container::{Container, Window};
use yumen_model::{Blob, InspectError, Reason};

use crate::database::{Database, Pages};
use crate::header::{Encoding, HEADER, Header};
use crate::node::{Kind, Node};
use crate::pages::Use;
use crate::record::Row;

const WAL_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;
const JOURNAL_MAGIC: u64 = 0xD9D5_05F9_20A1_63D7;
/// Most pages whose place is remembered.
const MOST_PAGES: usize = 1 << 22;

/// The pages that a write-ahead log or a rollback journal holds.
#[derive(Debug)]
pub struct Frames {
    blob: Blob,
    page_size: u32,
    /// Where the newest version of each page stands.
    current: HashMap<u32, u64>,
    /// Pages and bytes that were replaced or rolled back: free space.
    stale: Vec<Range<u64>>,
    /// Headers.
    structure: Vec<Range<u64>>,
    /// Where the last page ends.
    end: u64,
}

/// Whether a page can have this size.
fn is_page_size(n: u32) -> bool {
    (512..=65536).contains(&n) && n.is_power_of_two()
}

impl Frames {
    /// Whether these bytes begin a write-ahead log.
    #[must_use]
    pub fn is_wal(head: &[u8]) -> bool {
        head.len() >= 32
            && matches!(be32(head, 0), 0x377F_0682 | 0x377F_0683)
            && be32(head, 4) == 3_007_000
            && is_page_size(be32(head, 8))
    }

    /// Whether these bytes begin a rollback journal.
    #[must_use]
    pub fn is_journal(head: &[u8]) -> bool {
        head.len() >= 28
            && be64(head, 0) == JOURNAL_MAGIC
            && is_page_size(be32(head, 24))
            && matches!(be32(head, 20), n if (32..=65536).contains(&n) && n.is_power_of_two())
    }

    /// Reads the frames of a write-ahead log: those of its last run, whose salts are the header's; older ones are left from before.
    ///
    /// # Errors
    /// It is none, or the bytes can't be read.
    pub fn wal(blob: &Blob) -> Result<Frames, InspectError> {
        let mut window = Window::new(blob);
        let head = window.get(0, 32)?.to_vec();
        if !Frames::is_wal(&head) {
            return Err(InspectError::corrupt(0, "no header of a write-ahead log"));
        }
        let page_size = be32(&head, 8);
        let mut frames = Frames::new(blob, page_size, 0..WAL_HEADER);
        let big = be32(&head, 0) & 1 == 1;
        let mut sum = checksum(&head[..24], (0, 0), big);
        let mut valid = sum == (be32(&head, 24), be32(&head, 28));
        let mut open: Vec<(u32, u64)> = Vec::new();
        let mut at = WAL_HEADER;
        while at + FRAME_HEADER + u64::from(page_size) <= blob.len() {
            let content = at + FRAME_HEADER;
            let end = content + u64::from(page_size);
            let frame = window.get(at, FRAME_HEADER as usize + page_size as usize)?;
            if valid {
                sum = checksum(&frame[..8], sum, big);
                sum = checksum(&frame[FRAME_HEADER as usize..], sum, big);
                valid = frame[8..16] == head[16..24] && sum == (be32(frame, 16), be32(frame, 20));
            }
            let (number, commit) = (be32(frame, 0), be32(frame, 4) != 0);
            frames.structure(at..content);
            if valid && number != 0 && open.len() < MOST_PAGES {
                open.push((number, content));
                if commit {
                    frames.take(&mut open);
                }
            } else {
                frames.stale(content..end);
            }
            at = end;
        }
        // What was never committed is not part of the database, and yet it is here.
        for (_, content) in open {
            frames.stale(content..content + u64::from(page_size));
        }
        frames.end = at;
        Ok(frames)
    }

    /// Reads the pages of a rollback journal: what they held before they were changed.
    ///
    /// # Errors
    /// It is none, or the bytes can't be read.
    pub fn journal(blob: &Blob) -> Result<Frames, InspectError> {
        let mut window = Window::new(blob);
        let head = window.get(0, 28)?.to_vec();
        if !Frames::is_journal(&head) {
            return Err(InspectError::corrupt(0, "no header of a rollback journal"));
        }
        let page_size = be32(&head, 24);
        let (sector, size) = (u64::from(be32(&head, 20)), u64::from(page_size));
        let mut frames = Frames::new(blob, page_size, 0..0);
        let mut at = 0;
        let mut found = Vec::new();
        while at + 28 <= blob.len() {
            let segment = window.get(at, 28)?;
            if !Frames::is_journal(segment) || be32(segment, 24) != page_size {
                break;
            }
            let stated = u64::from(be32(segment, 8));
            let room = blob.len().saturating_sub(at + sector) / (size + 8);
            // A count that was not written yet says nothing.
            let count = if stated == 0 || stated == u64::from(u32::MAX) { room } else { stated.min(room) };
            frames.structure(at..at + 28);
            frames.stale((at + 28).min(blob.len())..(at + sector).min(blob.len()));
            at += sector;
            for _ in 0..count {
                let number = be32(window.get(at, 4)?, 0);
                frames.structure(at..at + 4);
                frames.structure(at + 4 + size..at + 8 + size);
                if number == 0 || found.len() >= MOST_PAGES {
                    frames.stale(at + 4..at + 4 + size);
                } else {
                    found.push((number, at + 4));
                }
                at += size + 8;
            }
            let next = at.next_multiple_of(sector).min(blob.len());
            frames.stale(at.min(next)..next);
            at = next;
        }
        // The first version of a page is the one to roll back to.
        found.reverse();
        frames.take(&mut found);
        frames.end = at.min(blob.len());
        Ok(frames)
    }

    fn new(blob: &Blob, page_size: u32, head: Range<u64>) -> Frames {
        Frames {
            blob: blob.clone(),
            page_size,
            current: HashMap::new(),
            stale: Vec::new(),
            structure: vec![head],
            end: 0,
        }
    }

    fn take(&mut self, open: &mut Vec<(u32, u64)>) {
        for (number, content) in open.drain(..) {
            if let Some(old) = self.current.insert(number, content) {
                self.stale.push(old..old + u64::from(self.page_size));
            }
        }
    }

    fn structure(&mut self, range: Range<u64>) {
        self.structure.push(range);
    }

    fn stale(&mut self, range: Range<u64>) {
        if !range.is_empty() {
            self.stale.push(range);
        }
    }

    /// Bytes in a page.
    #[must_use]
    pub fn page_size(&self) -> u32 {
        self.page_size
    }

    /// Number of different pages.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.current.len()
    }

    /// The database as far as its pages are here. Its tables are known only where the first page is.
    ///
    /// # Errors
    /// The bytes can't be read.
    pub fn database(&self) -> Result<Database, InspectError> {
        let mut header = None;
        if let Some(&at) = self.current.get(&1) {
            let head = self.blob.bytes(at..at + HEADER as u64).map_err(|e| InspectError::read(at, &e))?;
            header = Header::parse(&head).filter(|h| h.page_size == self.page_size);
        }
        let header = header.unwrap_or(Header {
            page_size: self.page_size,
            reserved: 0,
            encoding: Encoding::Utf8,
            pages: None,
            free_trunk: 0,
            free_pages: 0,
            largest_root: 0,
            user_version: 0,
            application_id: 0,
            wal: true,
        });
        Database::of(&self.blob, header, Pages::Some(self.current.clone()))
    }

    /// Labels every byte, once the tables of [`Frames::database`] were read: rows on pages that no table here leads to are told by `each`, keys of
    /// indexes too. Replaced pages are free space; pages that nothing leads to are opaque.
    ///
    /// # Errors
    /// The bytes can't be read, the engine takes no more, or what `each` returns.
    pub fn account(
        &self,
        database: &Database,
        to: &mut Container<'_>,
        each: &mut dyn FnMut(&Row<'_>, &mut Container<'_>) -> Result<(), InspectError>,
    ) -> Result<(), InspectError> {
        let mut pages: Vec<(u32, u64)> = self.current.iter().map(|(&n, &at)| (n, at)).collect();
        pages.sort_unstable_by_key(|&(_, at)| at);
        for &(number, _) in &pages {
            if database.entry(number).is_none() {
                database.stray_page(number, &mut |row| each(row, to))?;
            }
        }
        database.account(to)?;
        let size = u64::from(self.page_size);
        for &(number, at) in &pages {
            let range = at..at + size;
            match database.entry(number).map(|e| e.used) {
                Some(Use::Damaged) => to.opaque(range, Reason::Corrupt)?,
                Some(Use::Unread) => to.opaque(range, Reason::Unsupported)?,
                Some(_) => to.label(range, yumen_model::Label::Inspected)?,
                None => {
                    let page = self.blob.bytes(range.clone()).map_err(|e| InspectError::read(at, &e))?;
                    match Node::parse(&page, number == 1, database.header.usable()) {
                        Ok(node) if node.kind == Kind::InteriorTable && !node.damaged => to.container(range)?,
                        Ok(node) if node.kind == Kind::LeafTable && node.cells.is_empty() => to.unallocated(range)?,
                        // Keys of indexes repeat what stands in tables.
                        Ok(node) if !node.damaged => to.label(range, yumen_model::Label::Inspected)?,
                        _ if page.iter().all(|&b| b == 0) => to.container(range)?,
                        _ => to.opaque(range, Reason::Unsupported)?,
                    }
                }
            }
        }
        self.structure.iter().try_for_each(|r| to.container(r.clone()))?;
        self.stale.iter().try_for_each(|r| to.unallocated(r.clone()))?;
        to.unallocated(self.end..self.blob.len())
    }
}

/// The running checksum of a write-ahead log.
fn checksum(bytes: &[u8], (mut a, mut b): (u32, u32), big: bool) -> (u32, u32) {
    for pair in bytes.chunks_exact(8) {
        let word = |at| if big { be32(pair, at) } else { le32(pair, at) };
        a = a.wrapping_add(word(0)).wrapping_add(b);
        b = b.wrapping_add(word(4)).wrapping_add(a);
    }
    (a, b)
}
