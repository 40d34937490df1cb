//! Bytes that are borrowed, not copied: a [`Blob`] is a list of extents over a [`Source`].

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Where bytes come from: a file read by positioned reads, memory, or an unlinked spill file. Never a memory map.
pub trait Source: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> u64;
    /// Whether the source holds no byte.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Reads up to `buf.len()` bytes from `offset`; fewer only at the end or where the source ends early.
    ///
    /// # Errors
    /// What the operating system says, or that the scan was stopped.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
    /// Called where a hole is read, which takes nothing from the source.
    ///
    /// # Errors
    /// That the scan was stopped.
    fn check(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes held in memory.
struct Memory(Arc<[u8]>);

impl Source for Memory {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let Some(rest) = usize::try_from(offset).ok().and_then(|o| self.0.get(o..)) else { return Ok(0) };
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

/// A piece of a child, in the coordinates of its parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extent {
    /// `len` bytes of the parent from `offset`.
    Data {
        /// First byte in the parent.
        offset: u64,
        /// Number of bytes.
        len: u64,
    },
    /// A hole: `len` zero bytes that the parent does not store.
    Zero {
        /// Number of bytes.
        len: u64,
    },
}

impl Extent {
    /// The extent of a byte range of the parent.
    #[must_use]
    pub fn of(range: Range<u64>) -> Self {
        Extent::Data { offset: range.start, len: range.end.saturating_sub(range.start) }
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Extent::Data { len, .. } | Extent::Zero { len } => *len,
        }
    }

    /// Whether the extent has no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Clone, Copy)]
struct Run {
    /// Logical start in the blob.
    start: u64,
    len: u64,
    /// Offset in the source; none for a hole.
    source: Option<u64>,
}

/// Immutable bytes of an artifact: extents over one source. Cheap to clone, safe to share between threads.
#[derive(Clone)]
pub struct Blob {
    source: Arc<dyn Source>,
    runs: Arc<[Run]>,
    len: u64,
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob").field("len", &self.len).field("runs", &self.runs.len()).finish()
    }
}

/// Longest contiguous slice that [`Blob::bytes`] hands out.
pub const MAX_CONTIGUOUS: u64 = 16 << 20;

impl Blob {
    /// The whole of a source.
    #[must_use]
    pub fn new(source: Arc<dyn Source>) -> Self {
        let len = source.len();
        Blob { source, runs: Arc::new([Run { start: 0, len, source: Some(0) }]), len }
    }

    /// Bytes in memory.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Blob::new(Arc::new(Memory(bytes.into())))
    }

    /// Length in bytes, holes included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the blob has no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The byte ranges that are holes, stored nowhere; they read as zeros.
    pub fn holes(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.runs.iter().filter(|r| r.source.is_none()).map(|r| r.start..r.start + r.len)
    }

    /// The byte ranges that the source stores: what is not a hole.
    pub fn stored(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.runs.iter().filter(|r| r.source.is_some()).map(|r| r.start..r.start + r.len)
    }

    /// A blob made of pieces of this one. Extents that reach past the end are cut there.
    #[must_use]
    pub fn slice(&self, extents: &[Extent]) -> Blob {
        let mut runs: Vec<Run> = Vec::with_capacity(extents.len());
        let mut start = 0u64;
        for extent in extents {
            match extent {
                Extent::Zero { len } => push_run(&mut runs, &mut start, *len, None),
                Extent::Data { offset, len } => {
                    let end = offset.saturating_add(*len).min(self.len);
                    let mut at = (*offset).min(self.len);
                    while at < end {
                        let run = self.runs[self.run_at(at)];
                        let within = at - run.start;
                        let n = (run.len - within).min(end - at);
                        push_run(&mut runs, &mut start, n, run.source.map(|s| s + within));
                        at += n;
                    }
                }
            }
        }
        Blob { source: Arc::clone(&self.source), runs: runs.into(), len: start }
    }

    /// The blob of one byte range.
    #[must_use]
    pub fn range(&self, range: Range<u64>) -> Blob {
        self.slice(&[Extent::of(range)])
    }

    fn run_at(&self, offset: u64) -> usize {
        self.runs.partition_point(|r| r.start + r.len <= offset)
    }

    /// Reads up to `buf.len()` bytes from `offset`; fewer only at the end.
    ///
    /// # Errors
    /// What the source says; a source that ends before its stated length is `UnexpectedEof`.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        if offset >= self.len || buf.is_empty() {
            return Ok(0);
        }
        let want = usize::try_from(self.len - offset).unwrap_or(usize::MAX).min(buf.len());
        let mut done = 0;
        let mut index = self.run_at(offset);
        while done < want {
            let run = self.runs[index];
            let at = offset + done as u64;
            let within = at - run.start;
            let n = usize::try_from(run.len - within).unwrap_or(usize::MAX).min(want - done);
            let target = &mut buf[done..done + n];
            match run.source {
                None => {
                    self.source.check()?;
                    target.fill(0);
                }
                Some(s) => {
                    let mut got = 0;
                    while got < n {
                        match self.source.read_at(s + within + got as u64, &mut target[got..]) {
                            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                            Ok(k) => got += k,
                            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                            Err(e) => return Err(e),
                        }
                    }
                }
            }
            done += n;
            index += 1;
        }
        Ok(done)
    }

    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` past the end, else what the source says.
    pub fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if self.read_at(offset, buf)? < buf.len() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// A copy of a byte range of at most [`MAX_CONTIGUOUS`] bytes, cut at the end of the blob.
    ///
    /// # Errors
    /// `InvalidInput` for a longer range, else what the source says.
    pub fn bytes(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let end = range.end.min(self.len);
        let len = end.saturating_sub(range.start);
        if len > MAX_CONTIGUOUS {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut out = vec![0; usize::try_from(len).unwrap_or(0)];
        self.read_exact_at(range.start, &mut out)?;
        Ok(out)
    }

    /// A reader with a position of its own, from the first byte.
    #[must_use]
    pub fn reader(&self) -> BlobReader {
        BlobReader { blob: self.clone(), at: 0 }
    }

    /// Consecutive windows of `size` bytes, each beginning `overlap` bytes before the end of the one before.
    #[must_use]
    pub fn windows(&self, size: usize, overlap: usize) -> Windows<'_> {
        Windows { blob: self, size: size.max(overlap + 1), overlap, at: 0, done: false }
    }
}

fn push_run(runs: &mut Vec<Run>, start: &mut u64, len: u64, source: Option<u64>) {
    if len == 0 {
        return;
    }
    if let Some(last) = runs.last_mut() {
        let joins = match (last.source, source) {
            (None, None) => true,
            (Some(a), Some(b)) => a + last.len == b,
            _ => false,
        };
        if joins {
            last.len += len;
            *start += len;
            return;
        }
    }
    runs.push(Run { start: *start, len, source });
    *start += len;
}

/// [`Read`] and [`Seek`] over a [`Blob`].
#[derive(Clone, Debug)]
pub struct BlobReader {
    blob: Blob,
    at: u64,
}

impl BlobReader {
    /// Position in the blob.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.at
    }
}

impl Read for BlobReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.blob.read_at(self.at, buf)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(n) => self.blob.len.checked_add_signed(n),
            SeekFrom::Current(n) => self.at.checked_add_signed(n),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Iterator of [`Blob::windows`]: the offset of a window and its bytes.
#[derive(Debug)]
pub struct Windows<'a> {
    blob: &'a Blob,
    size: usize,
    overlap: usize,
    at: u64,
    done: bool,
}

impl Iterator for Windows<'_> {
    type Item = io::Result<(u64, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done || self.at >= self.blob.len {
            return None;
        }
        let start = self.at;
        let mut buf = vec![0; usize::try_from(self.blob.len - start).unwrap_or(usize::MAX).min(self.size)];
        if let Err(e) = self.blob.read_exact_at(start, &mut buf) {
            self.done = true;
            return Some(Err(e));
        }
        let end = start + buf.len() as u64;
        if end >= self.blob.len {
            self.done = true;
        }
        self.at = end - self.overlap as u64;
        Some(Ok((start, buf)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn holes_read_as_zeros_and_slices_compose() {
        let blob = Blob::from_bytes((0u8..100).collect::<Vec<_>>());
        let child = blob.slice(&[
            Extent::Data { offset: 10, len: 5 },
            Extent::Zero { len: 3 },
            Extent::Data { offset: 90, len: 50 },
        ]);
        assert_eq!(child.len(), 18);
        assert_eq!(child.holes().map(|h| (h.start, h.end)).collect::<Vec<_>>(), [(5, 8)]);
        assert_eq!(child.stored().collect::<Vec<_>>(), [0..5, 8..18]);
        let all = child.bytes(0..18).unwrap();
        assert_eq!(all, [10, 11, 12, 13, 14, 0, 0, 0, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
        assert_eq!(child.range(4..9).bytes(0..5).unwrap(), [14, 0, 0, 0, 90]);
    }

    #[test]
    fn reading_a_hole_asks_whether_to_stop() {
        struct Stopped;
        impl Source for Stopped {
            fn len(&self) -> u64 {
                1
            }
            fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::TimedOut.into())
            }
            fn check(&self) -> io::Result<()> {
                Err(io::ErrorKind::TimedOut.into())
            }
        }
        let blob = Blob::new(Arc::new(Stopped)).slice(&[Extent::Zero { len: 1 << 40 }]);
        assert_eq!(blob.read_at(5, &mut [0; 8]).unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn windows_cover_everything_with_overlap() {
        let blob = Blob::from_bytes((0u8..10).collect::<Vec<_>>());
        let got: Vec<_> = blob.windows(4, 1).map(|w| w.unwrap()).collect();
        assert_eq!(got.iter().map(|(o, b)| (*o, b.len())).collect::<Vec<_>>(), [(0, 4), (3, 4), (6, 4)]);
    }

    proptest! {
        #[test]
        fn a_slice_of_a_slice_is_the_slice_of_its_bytes(
            data in proptest::collection::vec(any::<u8>(), 0..200),
            a in proptest::collection::vec((0u64..220, 0u64..60, any::<bool>()), 0..6),
            b in proptest::collection::vec((0u64..220, 0u64..60), 0..6),
        ) {
            let blob = Blob::from_bytes(data.clone());
            let mut bytes = Vec::new();
            let mut extents = Vec::new();
            for (offset, len, hole) in a {
                if hole {
                    extents.push(Extent::Zero { len });
                    bytes.extend(std::iter::repeat_n(0, len as usize));
                } else {
                    extents.push(Extent::Data { offset, len });
                    let s = (offset as usize).min(data.len());
                    let e = ((offset + len) as usize).min(data.len());
                    bytes.extend_from_slice(&data[s..e]);
                }
            }
            let first = blob.slice(&extents);
            prop_assert_eq!(first.bytes(0..first.len()).unwrap(), bytes.clone());
            let mut twice = Vec::new();
            let extents: Vec<_> = b.iter().map(|&(offset, len)| Extent::Data { offset, len }).collect();
            for (offset, len) in b {
                let s = (offset as usize).min(bytes.len());
                let e = ((offset + len) as usize).min(bytes.len());
                twice.extend_from_slice(&bytes[s..e]);
            }
            let second = first.slice(&extents);
            prop_assert_eq!(second.bytes(0..second.len()).unwrap(), twice);
        }
    }
}
