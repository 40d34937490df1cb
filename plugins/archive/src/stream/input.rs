//! The encoded bytes of a stream, read through a window, with an exact position.

use yumen_model::{Blob, InspectError};

use super::Halt;

/// Size of the window; a header that is looked at as a whole may be this long.
pub(crate) const WINDOW: usize = 128 << 10;

/// A reader that never reads ahead further than its window and can step back.
pub(crate) struct Input {
    blob: Blob,
    window: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the blob of the byte after the window.
    next: u64,
}

impl Input {
    /// Begins at the first byte.
    pub(crate) fn new(blob: Blob) -> Self {
        let size = usize::try_from(blob.len()).unwrap_or(WINDOW).clamp(1, WINDOW);
        Input { blob, window: vec![0; size], start: 0, end: 0, next: 0 }
    }

    /// Offset of the next byte.
    pub(crate) fn position(&self) -> u64 {
        self.next - (self.end - self.start) as u64
    }

    /// Bytes that are left.
    pub(crate) fn remaining(&self) -> u64 {
        self.blob.len() - self.position()
    }

    /// Whether nothing follows the window.
    pub(crate) fn is_last(&self) -> bool {
        self.next >= self.blob.len()
    }

    /// What is in the window; may be empty before [`Input::fill`].
    pub(crate) fn window(&self) -> &[u8] {
        &self.window[self.start..self.end]
    }

    /// The window, filled anew when it is used up; empty only at the end.
    pub(crate) fn fill(&mut self) -> Result<&[u8], Halt> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.more()?;
        }
        Ok(self.window())
    }

    fn more(&mut self) -> Result<(), Halt> {
        let at = self.next;
        let n = self
            .blob
            .read_at(at, &mut self.window[self.end..])
            .map_err(|e| Halt::Failed(InspectError::read(at, &e)))?;
        self.end += n;
        self.next += n as u64;
        Ok(())
    }

    /// The next `n` bytes (at most [`WINDOW`]), fewer only at the end.
    pub(crate) fn peek(&mut self, n: usize) -> Result<&[u8], Halt> {
        if self.end - self.start < n && !self.is_last() {
            self.window.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            self.more()?;
        }
        let available = self.window();
        Ok(&available[..n.min(available.len())])
    }

    /// The next `N` bytes, or none when fewer are left.
    pub(crate) fn peek_array<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Halt> {
        Ok(self.peek(N)?.first_chunk::<N>().copied())
    }

    /// Steps over bytes of the window.
    pub(crate) fn consume(&mut self, n: usize) {
        self.start = (self.start + n).min(self.end);
    }

    /// Steps back over bytes that were consumed.
    pub(crate) fn unread(&mut self, n: usize) -> Result<(), Halt> {
        if n <= self.start {
            self.start -= n;
            return Ok(());
        }
        let to = self.position().saturating_sub(n as u64);
        self.seek(to);
        Ok(())
    }

    /// Goes to an offset; past the end it stays at the end.
    pub(crate) fn seek(&mut self, to: u64) {
        let to = to.min(self.blob.len());
        let from = self.next - self.end as u64;
        if to >= from && to <= self.next {
            // The difference is at most the window's size.
            self.start = usize::try_from(to - from).unwrap_or(self.end);
            return;
        }
        self.start = 0;
        self.end = 0;
        self.next = to;
    }

    /// Appends the next `n` bytes to `to`, or as many as are left, and steps over them.
    pub(crate) fn take(&mut self, n: usize, to: &mut Vec<u8>) -> Result<(), Halt> {
        let n = usize::try_from(self.remaining()).unwrap_or(usize::MAX).min(n);
        let from_window = n.min(self.end - self.start);
        to.extend_from_slice(&self.window[self.start..self.start + from_window]);
        self.start += from_window;
        let rest = n - from_window;
        if rest > 0 {
            let at = self.position();
            let old = to.len();
            to.resize(old + rest, 0);
            self.blob.read_exact_at(at, &mut to[old..]).map_err(|e| Halt::Failed(InspectError::read(at, &e)))?;
            self.seek(at + rest as u64);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn position_is_exact_whatever_the_order_of_calls() {
        let data = noise(1, WINDOW * 3 + 17);
        let mut input = Input::new(Blob::from_bytes(data.clone()));
        assert_eq!(input.peek(4).unwrap(), &data[..4]);
        let n = input.fill().unwrap().len();
        input.consume(n - 2);
        assert_eq!(input.peek(10).unwrap(), &data[n - 2..n + 8]);
        input.consume(5);
        let mut taken = Vec::new();
        input.take(WINDOW + 5, &mut taken).unwrap();
        assert_eq!(taken, data[n + 3..n + 8 + WINDOW]);
        input.unread(40).unwrap();
        assert_eq!(input.position(), (n + 8 + WINDOW - 40) as u64);
        assert_eq!(input.peek(3).unwrap(), &data[n + 8 + WINDOW - 40..][..3]);
        input.seek(data.len() as u64 - 3);
        assert_eq!(input.peek(10).unwrap(), &data[data.len() - 3..]);
        assert!(input.is_last());
        input.consume(3);
        assert!(input.fill().unwrap().is_empty());
        input.seek(u64::MAX);
        assert_eq!(input.remaining(), 0);
    }
}
