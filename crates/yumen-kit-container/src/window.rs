//! Reading structures out of a blob: a window that follows the reads, zero checks, searches. Constant memory.

use std::io;
use std::ops::Range;

use flate2::Crc;
use memchr::memmem::Finder;
use yumen_model::{Blob, InspectError};

/// Bytes read at once when the reads go forward.
const FORWARD: usize = 64 << 10;
/// Bytes read at once after a jump.
const JUMP: usize = 4 << 10;

/// Stored members up to this length have their CRC checked; longer ones are handed over without a second reading.
pub const CHECKED_STORED: u64 = 64 << 20;

/// The CRC-32 of a range.
///
/// # Errors
/// When the blob can't be read there.
pub fn crc_of(blob: &Blob, range: Range<u64>) -> Result<u32, InspectError> {
    let mut crc = Crc::new();
    sweep(blob, range, 0, |_, bytes| {
        crc.update(bytes);
        None::<()>
    })?;
    Ok(crc.sum())
}

/// A buffer over a blob for reads of a few bytes here and there.
pub struct Window<'a> {
    blob: &'a Blob,
    buffer: Vec<u8>,
    start: u64,
}

impl<'a> Window<'a> {
    /// A window that has read nothing yet.
    pub fn new(blob: &'a Blob) -> Self {
        Window { blob, buffer: Vec::new(), start: 0 }
    }

    /// `len` bytes from `offset`; fewer only where the blob ends.
    ///
    /// # Errors
    /// When the blob can't be read there.
    pub fn get(&mut self, offset: u64, len: usize) -> Result<&[u8], InspectError> {
        let end = self.start + self.buffer.len() as u64;
        let rest = usize::try_from(self.blob.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = len.min(rest);
        if offset < self.start || offset + len as u64 > end {
            let forward = offset >= self.start && offset <= end.saturating_add(JUMP as u64);
            let size = len.max(if forward { FORWARD } else { JUMP }).min(rest);
            self.buffer.resize(size, 0);
            self.start = offset;
            if let Err(e) = self.blob.read_exact_at(offset, &mut self.buffer) {
                self.buffer.clear();
                return Err(InspectError::read(offset, &e));
            }
        }
        let at = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.buffer.get(at..at.saturating_add(len)).unwrap_or(&[]))
    }

    /// Exactly `N` bytes from `offset`, or none where the blob ends before.
    ///
    /// # Errors
    /// When the blob can't be read there.
    pub fn array<const N: usize>(&mut self, offset: u64) -> Result<Option<[u8; N]>, InspectError> {
        Ok(self.get(offset, N)?.try_into().ok())
    }
}

/// Goes through a byte range piece by piece, each beginning `overlap` bytes before the end of the one before, until `visit` returns something.
pub fn sweep<T>(
    blob: &Blob,
    range: Range<u64>,
    overlap: usize,
    mut visit: impl FnMut(u64, &[u8]) -> Option<T>,
) -> Result<Option<T>, InspectError> {
    let end = range.end.min(blob.len());
    let mut at = range.start;
    let mut buffer = Vec::new();
    // The first pieces are small: many a search ends at once.
    let mut size = JUMP;
    while at < end {
        let n = usize::try_from(end - at).unwrap_or(usize::MAX).min(size + overlap);
        size = (size * 2).min(FORWARD * 2);
        buffer.resize(n, 0);
        blob.read_exact_at(at, &mut buffer).map_err(|e: io::Error| InspectError::read(at, &e))?;
        if let Some(found) = visit(at, &buffer) {
            return Ok(Some(found));
        }
        if at + n as u64 >= end {
            break;
        }
        at += (n - overlap) as u64;
    }
    Ok(None)
}

/// Offset of the first byte of the range that is not zero.
pub fn first_nonzero(blob: &Blob, range: Range<u64>) -> Result<Option<u64>, InspectError> {
    sweep(blob, range, 0, |at, bytes| nonzero(bytes).map(|i| at + i as u64))
}

/// Index of the first byte that is not zero; most pieces are passed over in blocks, without a branch for each byte.
fn nonzero(bytes: &[u8]) -> Option<usize> {
    let skip = bytes.chunks(256).position(|block| block.iter().fold(0, |all, &b| all | b) != 0)? * 256;
    bytes[skip..].iter().position(|&b| b != 0).map(|i| skip + i)
}

/// Whether all of the range reads 0xFF, as erased flash memory does.
pub fn is_erased(blob: &Blob, range: Range<u64>) -> Result<bool, InspectError> {
    Ok(sweep(blob, range, 0, |_, bytes| bytes.iter().any(|&b| b != 0xFF).then_some(()))?.is_none())
}

/// Offset of the first match within the range.
pub fn find(blob: &Blob, range: Range<u64>, needle: &Finder<'_>) -> Result<Option<u64>, InspectError> {
    let overlap = needle.needle().len().saturating_sub(1);
    sweep(blob, range, overlap, |at, bytes| needle.find(bytes).map(|i| at + i as u64))
}

/// Little-endian and big-endian numbers at an offset of a slice; zero where the slice is too short.
pub mod num {
    fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
        bytes.get(at..).and_then(|b| b.get(..N)).and_then(|b| b.try_into().ok()).unwrap_or([0; N])
    }
    /// 16 bits, little-endian.
    #[must_use]
    pub fn le16(bytes: &[u8], at: usize) -> u16 {
        u16::from_le_bytes(take(bytes, at))
    }
    /// 32 bits, little-endian.
    #[must_use]
    pub fn le32(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(take(bytes, at))
    }
    /// 64 bits, little-endian.
    #[must_use]
    pub fn le64(bytes: &[u8], at: usize) -> u64 {
        u64::from_le_bytes(take(bytes, at))
    }
    /// 16 bits, big-endian.
    #[must_use]
    pub fn be16(bytes: &[u8], at: usize) -> u16 {
        u16::from_be_bytes(take(bytes, at))
    }
    /// 32 bits, big-endian.
    #[must_use]
    pub fn be32(bytes: &[u8], at: usize) -> u32 {
        u32::from_be_bytes(take(bytes, at))
    }
    /// 64 bits, big-endian.
    #[must_use]
    pub fn be64(bytes: &[u8], at: usize) -> u64 {
        u64::from_be_bytes(take(bytes, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_give_the_bytes_asked_for_wherever_they_lie() {
        let data: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        let blob = Blob::from_bytes(data.clone());
        let mut window = Window::new(&blob);
        for (at, len) in
            [(0, 10), (5, 4_000), (70_000, 30), (69_999, 70_000), (3, 1), (199_990, 100), (200_000, 4), (300_000, 4)]
        {
            let want = data.get(at..).map_or(&[][..], |d| &d[..len.min(d.len())]);
            assert_eq!(window.get(at as u64, len).unwrap(), want, "{at} {len}");
        }
    }

    #[test]
    fn a_match_across_pieces_is_found() {
        let mut data = vec![0; FORWARD * 2 + 100];
        let at = FORWARD * 2 + 1;
        data[at..at + 4].copy_from_slice(b"PK\x03\x04");
        let blob = Blob::from_bytes(data);
        let needle = Finder::new(b"PK\x03\x04");
        assert_eq!(find(&blob, 0..blob.len(), &needle).unwrap(), Some(at as u64));
        assert_eq!(find(&blob, 0..at as u64 + 3, &needle).unwrap(), None);
        assert_eq!(first_nonzero(&blob, 0..blob.len()).unwrap(), Some(at as u64));
    }
}
