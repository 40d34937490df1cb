//! Which bytes of a text are no text: zero padding and stretches of binary data.

use std::ops::Range;

use crate::charset::Charset;

/// Bytes are judged in blocks of this size, aligned in the artifact, so that the result does not depend on how they are read.
pub(crate) const BLOCK: usize = 512;
/// So many zero bytes in a row are padding.
const ZERO_RUN: u64 = 32;

/// A stretch of bytes that is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The bytes.
    pub range: Range<u64>,
    /// Zero padding; else data of no known structure.
    pub zeros: bool,
}

/// Bytes that text has no use for: C0 controls but for the white space, BEL, BS, SUB, ESC (terminal logs) and the separators FS, GS, RS, US
/// (delimited data); SOH, STX, ETX and EOT count apart since Hive and FIX write them between fields.
const fn is_control(b: u8) -> bool {
    ((b < 0x1A) & (b.wrapping_sub(0x07) > 6)) | (b == 0x7F)
}

/// Counts control bytes.
pub(crate) fn controls(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&b| is_control(b)).count()
}

/// Whether there is a control byte at all; much cheaper than counting.
fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().fold(0u8, |any, &b| any | u8::from(is_control(b))) != 0
}

fn separators(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&b| matches!(b, 1..=4)).count()
}

/// Whether bytes are binary data rather than text, whatever the encoding, as far as control bytes tell. Zero bytes may stand between
/// items; more of them are no text.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    let zeros = memchr::memchr_iter(0, bytes).count();
    let mut bad = controls(bytes) - zeros;
    let separators = separators(bytes);
    // Only separators among the controls: delimited data.
    if bad == separators && separators * 2 <= bytes.len() {
        bad = 0;
    }
    (bad >= 4 && bad * 20 > bytes.len()) || (zeros >= 8 && zeros * 5 > bytes.len())
}

/// Judges UTF-16 code units: control characters, lone surrogates, private use, noncharacters.
pub(crate) fn is_binary_wide(bytes: &[u8], charset: Charset) -> bool {
    let mut high = false;
    let mut bad = 0usize;
    for unit in units(bytes, charset) {
        let low = (0xDC00..0xE000).contains(&unit);
        bad += usize::from(high != low || (!low && is_bad_unit(unit)));
        high = (0xD800..0xDC00).contains(&unit);
    }
    bad >= 4 && bad * 20 > bytes.len() / 2
}

fn is_bad_unit(u: u16) -> bool {
    matches!(u, 0..=6 | 0x0E..=0x19 | 0x7F..=0x84 | 0x86..=0x9F | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFFF0..=0xFFFB | 0xFFFE..)
}

/// UTF-16 code units; a last odd byte is left out.
pub(crate) fn units(bytes: &[u8], charset: Charset) -> impl Iterator<Item = u16> {
    let big = charset == Charset::Utf16Be;
    bytes
        .chunks_exact(2)
        .map(move |p| if big { u16::from_be_bytes([p[0], p[1]]) } else { u16::from_le_bytes([p[0], p[1]]) })
}

/// Finds the stretches of one artifact, fed in order.
#[derive(Debug)]
pub(crate) struct Classifier {
    charset: Charset,
    /// Length of the run of zero bytes that ends at the last byte seen.
    zero_run: u64,
}

impl Classifier {
    pub(crate) fn new(charset: Charset) -> Self {
        Classifier { charset, zero_run: 0 }
    }

    /// Zero bytes at the end of what was seen that may still become padding: they must not be decoded yet.
    pub(crate) fn undecided(&self) -> u64 {
        if self.zero_run < ZERO_RUN { self.zero_run } else { 0 }
    }

    /// Judges the next bytes, whole blocks but for the end of the artifact. `at` is the offset of their first byte, a multiple of [`BLOCK`].
    pub(crate) fn feed(&mut self, bytes: &[u8], at: u64, out: &mut Vec<Stretch>) {
        if self.charset.is_wide() {
            for (i, block) in bytes.chunks(BLOCK).enumerate() {
                if is_binary_wide(block, self.charset) {
                    let zeros = block.iter().all(|&b| b == 0);
                    let start = at + (i * BLOCK) as u64;
                    push(out, start..start + block.len() as u64, zeros);
                }
            }
            return;
        }
        // Most text has no such byte at all.
        if self.zero_run == 0 && bytes.chunks(BLOCK * 8).all(|c| !has_control(c)) {
            return;
        }
        for (i, block) in bytes.chunks(BLOCK).enumerate() {
            let start = at + (i * BLOCK) as u64;
            if !has_control(block) {
                self.zero_run = 0;
            } else {
                self.block(block, start, out);
            }
        }
    }

    fn block(&mut self, block: &[u8], start: u64, out: &mut Vec<Stretch>) {
        // Padding first: the rest is judged without it.
        let mut rest = Vec::with_capacity(BLOCK);
        let mut padding: Vec<Range<u64>> = Vec::new();
        let mut i = 0;
        while i < block.len() {
            if block[i] != 0 {
                self.zero_run = 0;
                rest.push(block[i]);
                i += 1;
                continue;
            }
            let n = block[i..].iter().take_while(|&&b| b == 0).count();
            let before = self.zero_run;
            self.zero_run += n as u64;
            let from = start + i as u64;
            i += n;
            let reaches_end = i == block.len();
            if self.zero_run >= ZERO_RUN {
                let held = if before < ZERO_RUN { before } else { 0 };
                padding.push(from - held..from + n as u64);
            } else if !reaches_end {
                rest.resize(rest.len() + n, 0);
            }
            if !reaches_end {
                self.zero_run = 0;
            }
        }
        if !is_binary(&rest) {
            padding.into_iter().for_each(|p| push(out, p, true));
            return;
        }
        let mut at = start;
        for p in padding {
            push(out, at..p.start.max(at), false);
            at = p.end;
            push(out, p, true);
        }
        // An open run of zeros is decided with the next block.
        push(out, at..(start + block.len() as u64 - self.undecided()).max(at), false);
    }
}

fn push(out: &mut Vec<Stretch>, range: Range<u64>, zeros: bool) {
    if range.is_empty() {
        return;
    }
    match out.last_mut() {
        Some(last) if last.zeros == zeros && last.range.end == range.start => last.range.end = range.end,
        _ => out.push(Stretch { range, zeros }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(bytes: &[u8], step: usize) -> Vec<Stretch> {
        let mut classifier = Classifier::new(Charset::Utf8);
        let mut out = Vec::new();
        for (i, part) in bytes.chunks(step).enumerate() {
            classifier.feed(part, (i * step) as u64, &mut out);
        }
        out
    }

    #[test]
    fn padding_is_found_to_the_byte_and_whatever_the_reads() {
        let mut bytes = "日志 log line\n".repeat(100).into_bytes();
        let from = bytes.len() as u64;
        bytes.extend([0; 5000]);
        let to = bytes.len() as u64;
        bytes.extend_from_slice(&"after\n".repeat(300).into_bytes());
        let want = vec![Stretch { range: from..to, zeros: true }];
        assert_eq!(stretches(&bytes, BLOCK), want);
        assert_eq!(stretches(&bytes, BLOCK * 3), want);
        assert_eq!(stretches(&bytes, BLOCK * 100), want);
    }

    #[test]
    fn items_that_end_in_zero_bytes_are_text_and_binary_blocks_are_not() {
        assert!(!is_binary(
            b"PATH=/usr/bin\0HOME=/root\0LANG=C\0TERM=xterm\0SHELL=/bin/sh\0USER=root\0PWD=/root\0A=b\0"
        ));
        assert!(!is_binary(b"\x1b[1;31mERROR\x1b[0m something\x0c\n"));
        assert!(!is_binary(b"a\x01b\x01c\x01d\x01e\x01f\x01ghijkl\x01m\n"));
        let noise: Vec<u8> = (0..512u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(is_binary(&noise));
    }
}
