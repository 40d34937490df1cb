//! LZF, as PCL writes it: decompressed forward in constant memory.

use std::ops::Range;

use yumen_model::{Blob, InspectError};

/// Farthest that a reference reaches back.
const HISTORY: usize = 8192;
/// Output is gathered in pieces of about this.
const PIECE: usize = 64 << 10;

/// A forward reader of LZF data.
pub(crate) struct Lzf<'a> {
    blob: &'a Blob,
    range: Range<u64>,
    input: Vec<u8>,
    used: usize,
    /// Decoded bytes; the part before `given` has been handed out and is history.
    output: Vec<u8>,
    given: usize,
    total: u64,
    length: u64,
}

impl<'a> Lzf<'a> {
    /// A reader of the encoded bytes in `range`, which decode to `length` bytes.
    pub(crate) fn new(blob: &'a Blob, range: Range<u64>, length: u64) -> Self {
        Lzf { blob, range, input: Vec::new(), used: 0, output: Vec::new(), given: 0, total: 0, length }
    }

    fn broken(&self) -> InspectError {
        InspectError::corrupt(self.range.start, "the compressed points are broken")
    }

    fn byte(&mut self) -> Result<u8, InspectError> {
        if self.used == self.input.len() {
            let end = self.range.end.min(self.range.start + PIECE as u64);
            if end <= self.range.start {
                return Err(self.broken());
            }
            self.input =
                self.blob.bytes(self.range.start..end).map_err(|e| InspectError::read(self.range.start, &e))?;
            self.range.start = end;
            self.used = 0;
        }
        let byte = self.input.get(self.used).copied().ok_or_else(|| self.broken())?;
        self.used += 1;
        Ok(byte)
    }

    fn more(&mut self) -> Result<(), InspectError> {
        if self.given > HISTORY {
            let cut = self.given - HISTORY;
            self.output.drain(..cut);
            self.given = HISTORY;
        }
        let target = self.output.len() + PIECE;
        while self.output.len() < target && self.total < self.length {
            let before = self.output.len();
            let control = self.byte()?;
            if control < 32 {
                for _ in 0..=control {
                    let byte = self.byte()?;
                    self.output.push(byte);
                }
            } else {
                let mut len = usize::from(control >> 5);
                if len == 7 {
                    len += usize::from(self.byte()?);
                }
                let back = (usize::from(control & 0x1F) << 8) + usize::from(self.byte()?) + 1;
                let from = self.output.len().checked_sub(back).ok_or_else(|| self.broken())?;
                for i in from..from + len + 2 {
                    let byte = self.output.get(i).copied().ok_or_else(|| self.broken())?;
                    self.output.push(byte);
                }
            }
            self.total += (self.output.len() - before) as u64;
        }
        if self.total > self.length {
            return Err(self.broken());
        }
        Ok(())
    }

    /// The next bytes, at most `most`; none at the end.
    pub(crate) fn next(&mut self, most: usize) -> Result<&[u8], InspectError> {
        if self.given == self.output.len() {
            self.more()?;
        }
        let end = self.output.len().min(self.given + most);
        let start = std::mem::replace(&mut self.given, end);
        Ok(self.output.get(start..end).unwrap_or(&[]))
    }

    /// Passes over bytes.
    pub(crate) fn skip(&mut self, mut n: u64) -> Result<(), InspectError> {
        while n > 0 {
            let most = usize::try_from(n).unwrap_or(usize::MAX).min(PIECE);
            let got = self.next(most)?.len();
            if got == 0 {
                return Err(self.broken());
            }
            n -= got as u64;
        }
        Ok(())
    }

    /// Fills `buf`.
    pub(crate) fn fill(&mut self, buf: &mut [u8]) -> Result<(), InspectError> {
        let mut done = 0;
        while done < buf.len() {
            let got = self.next(buf.len() - done)?;
            let n = got.len();
            if n == 0 {
                return Err(self.broken());
            }
            buf[done..done + n].copy_from_slice(got);
            done += n;
        }
        Ok(())
    }
}
