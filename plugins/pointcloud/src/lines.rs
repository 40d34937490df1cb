//! Lines of a blob, one after another, and the numbers in them.

use std::ops::Range;

use yumen_model::{Blob, InspectError};

/// Bytes read at once.
const PIECE: u64 = 64 << 10;
/// A longer line is given in pieces.
const LONGEST: usize = 64 << 10;

/// The bytes of a line with its end, and the line without.
pub(crate) type Line<'l> = (Range<u64>, &'l [u8]);

/// A forward reader of lines.
pub(crate) struct Lines<'a> {
    blob: &'a Blob,
    /// What was read and not yet given, and where it stands.
    buffer: Vec<u8>,
    used: usize,
    /// Offset of the next line.
    pub at: u64,
    read: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(blob: &'a Blob, at: u64) -> Self {
        Lines { blob, buffer: Vec::new(), used: 0, at, read: at }
    }

    /// The next line.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'_>>, InspectError> {
        let mut looked = self.used;
        let (len, end) = loop {
            if let Some(i) = memchr::memchr(b'\n', &self.buffer[looked..]) {
                break (looked + i - self.used, 1);
            }
            looked = self.buffer.len();
            if looked - self.used >= LONGEST {
                break (LONGEST, 0);
            }
            if self.read >= self.blob.len() {
                if looked == self.used {
                    return Ok(None);
                }
                break (looked - self.used, 0);
            }
            self.buffer.drain(..self.used);
            looked -= self.used;
            self.used = 0;
            let to = self.blob.len().min(self.read + PIECE);
            let more = self.blob.bytes(self.read..to).map_err(|e| InspectError::read(self.read, &e))?;
            self.buffer.extend_from_slice(&more);
            self.read = to;
        };
        let start = self.used;
        self.used = start + len + end;
        let from = self.at;
        self.at += (len + end) as u64;
        let line = &self.buffer[start..start + len];
        Ok(Some((from..self.at, line.strip_suffix(b"\r").unwrap_or(line))))
    }
}

/// The numbers of a line that are wanted, by column; none when one is missing or no number.
pub(crate) fn numbers<const N: usize>(line: &[u8], columns: [usize; N]) -> Option<[f64; N]> {
    let mut out = [None; N];
    let highest = columns.iter().copied().max().unwrap_or(0);
    for (i, word) in words(line).enumerate().take(highest + 1) {
        for (slot, _) in out.iter_mut().zip(columns).filter(|(_, c)| *c == i) {
            *slot = std::str::from_utf8(word).ok()?.parse::<f64>().ok();
        }
    }
    let mut got = [0.0; N];
    for (value, slot) in got.iter_mut().zip(out) {
        *value = slot?;
    }
    Some(got)
}

/// The words of a line: blanks, commas and semicolons divide.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&b| b.is_ascii_whitespace() || b == b',' || b == b';').filter(|w| !w.is_empty())
}

/// Digits behind the point of a number as written.
pub(crate) fn decimals(word: &[u8]) -> u32 {
    let digits = word.split(|&b| b == b'.').nth(1).unwrap_or(&[]);
    u32::try_from(digits.iter().take_while(|b| b.is_ascii_digit()).count()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_with_their_places() {
        let long = "9".repeat(100_000);
        let text = format!("1 2 3\r\n\n{long}\nlast");
        let blob = Blob::from_bytes(text.clone().into_bytes());
        let mut lines = Lines::new(&blob, 0);
        let mut got = String::new();
        let mut end = 0;
        while let Some((range, line)) = lines.next().unwrap() {
            assert_eq!(range.start, end);
            end = range.end;
            got.push_str(std::str::from_utf8(line).unwrap());
        }
        assert_eq!(end, text.len() as u64);
        assert_eq!(got, text.replace(['\r', '\n'], ""));
        assert_eq!(numbers(b"1.5, nan;x -2e3", [0, 3]), Some([1.5, -2000.0]));
        assert_eq!(numbers(b"1.5 x", [0, 1]), None);
        assert_eq!(decimals(b"-1.250"), 3);
    }
}
