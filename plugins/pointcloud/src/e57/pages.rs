//! Pages: each ends with the CRC-32C of its content, so that the logical bytes stand in pieces.

use std::ops::Range;

use yumen_kit_container::Container;
use yumen_kit_container::window::num::{be32, le32, le64};
use yumen_model::{Extent, InspectError, Reason};

/// The layout of pages.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    page: u64,
    count: u64,
    pub told_len: u64,
    xml_offset: u64,
    xml_len: u64,
}

impl Pages {
    pub(super) fn read(head: &[u8], len: u64) -> Option<Pages> {
        if head.len() < 48 || !head.starts_with(b"ASTM-E57") || le32(head, 8) != 1 {
            return None;
        }
        let page = le64(head, 40);
        if !(page.is_power_of_two() && (128..=1 << 20).contains(&page)) {
            return None;
        }
        Some(Pages {
            page,
            count: len / page,
            told_len: le64(head, 16),
            xml_offset: le64(head, 24),
            xml_len: le64(head, 32),
        })
    }

    fn payload(&self) -> u64 {
        self.page - 4
    }

    /// End of the last whole page in the file.
    pub(super) fn physical_end(&self) -> u64 {
        self.count * self.page
    }

    pub(super) fn logical_len(&self) -> u64 {
        self.count * self.payload()
    }

    /// The logical offset of a byte of the file; one of a checksum counts as the byte behind it.
    pub(super) fn logical(&self, physical: u64) -> u64 {
        physical / self.page * self.payload() + (physical % self.page).min(self.payload())
    }

    pub(super) fn physical(&self, logical: u64) -> u64 {
        logical / self.payload() * self.page + logical % self.payload()
    }

    /// From the first byte to the last, with the checksums between them.
    pub(super) fn physical_range(&self, range: Range<u64>) -> Range<u64> {
        if range.start >= range.end {
            let at = self.physical(range.start);
            return at..at;
        }
        let end = self.physical(range.end - 1) + 1;
        // A checksum behind the last byte belongs to it.
        let end = if end % self.page == self.payload() { end + 4 } else { end };
        self.physical(range.start)..end
    }

    /// The pieces of the file that a logical range is made of.
    pub(super) fn extents(&self, range: Range<u64>) -> Vec<Extent> {
        let mut extents = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let next = range.end.min((at / self.payload() + 1) * self.payload());
            let start = self.physical(at);
            extents.push(Extent::of(start..start + (next - at)));
            at = next;
        }
        extents
    }

    /// Logical bytes, cut at the end of the file.
    pub(super) fn bytes(&self, to: &Container<'_>, range: Range<u64>) -> Result<Vec<u8>, InspectError> {
        let range = range.start..range.end.min(self.logical_len());
        if range.start >= range.end {
            return Ok(Vec::new());
        }
        let physical = self.physical_range(range.clone());
        let mut out = Vec::new();
        let (mut at, mut left) = (physical.start, range.end - range.start);
        while left > 0 {
            // Whole pages of about a mebibyte at a time.
            let stop = physical.end.min((at / self.page + (1 << 20) / self.page + 1) * self.page);
            let bytes = to.blob.bytes(at..stop).map_err(|e| InspectError::read(at, &e))?;
            let mut i = 0u64;
            while i < bytes.len() as u64 && left > 0 {
                let within = (at + i) % self.page;
                if within >= self.payload() {
                    i += self.page - within;
                    continue;
                }
                let n = (self.payload() - within).min(left).min(bytes.len() as u64 - i);
                let (from, to) = (usize::try_from(i).unwrap_or(0), usize::try_from(i + n).unwrap_or(0));
                out.extend_from_slice(bytes.get(from..to).unwrap_or(&[]));
                left -= n;
                i += n;
            }
            if bytes.is_empty() {
                break;
            }
            at = stop;
        }
        Ok(out)
    }

    /// The logical range of the XML section, when it lies in the file.
    pub(super) fn xml(&self) -> Option<Range<u64>> {
        if self.xml_offset >= self.physical_end() {
            return None;
        }
        let start = self.logical(self.xml_offset);
        let end = start.checked_add(self.xml_len)?.min(self.logical_len());
        (start >= 48 && end > start).then_some(start..end)
    }

    /// Checks every page. Broken ones are opaque; the first is told.
    pub(super) fn check(&self, to: &mut Container<'_>) -> Result<Option<InspectError>, InspectError> {
        let mut broken = None;
        let page = usize::try_from(self.page).unwrap_or(1024);
        let group = ((1 << 20) / self.page).max(1) * self.page;
        let mut at = 0;
        while at < self.physical_end() {
            let stop = self.physical_end().min(at + group);
            let bytes = to.blob.bytes(at..stop).map_err(|e| InspectError::read(at, &e))?;
            for (i, bytes) in bytes.chunks_exact(page).enumerate() {
                let start = at + (i * page) as u64;
                if crc32c::crc32c(&bytes[..page - 4]) != be32(bytes, page - 4) {
                    to.tell_at("checksum-mismatch", start);
                    to.opaque(start..start + self.page, Reason::Corrupt)?;
                    broken.get_or_insert(InspectError::corrupt(start, "the checksum of a page does not match"));
                }
            }
            at = stop;
        }
        Ok(broken)
    }
}
