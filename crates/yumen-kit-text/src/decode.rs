//! Streamed decoding with exact positions.

use std::io;
use std::ops::Range;

use yumen_model::{Blob, ByteMap, TextEncoding};

use crate::charset::{Charset, natural_len};
use crate::classify::{BLOCK, Classifier, Stretch, units};
use crate::detect::Detection;
use crate::gb18030::{self, Next};

/// Bytes that are decoded at once.
pub const CHUNK: usize = 512 << 10;

/// A piece of decoded text.
#[derive(Debug)]
pub struct Chunk<'a> {
    /// The text. Pieces follow each other without a gap; they end at line ends where lines are not too long. Malformed bytes and stretches
    /// of binary data read U+FFFD.
    pub text: &'a str,
    /// Where it stands.
    pub map: ByteMap,
    /// The bytes of the artifact that it covers, stretches included.
    pub range: Range<u64>,
    /// Stretches of these bytes that are no text.
    pub binary: &'a [Stretch],
}

/// Decodes a blob piece by piece.
#[derive(Debug)]
pub struct Decoder {
    blob: Blob,
    charset: Charset,
    chunk: usize,
    /// Bytes read and not yet handed out; `raw[0]` is byte `raw_at` of the blob.
    raw: Vec<u8>,
    raw_at: u64,
    /// Bytes of `raw` that went out with the last chunk.
    taken: usize,
    /// End of what the classifier has seen, in the blob.
    classified: u64,
    classifier: Classifier,
    /// Stretches not yet handed out.
    pending: Vec<Stretch>,
    /// Stretches of the current chunk.
    binary: Vec<Stretch>,
    text: Text,
    /// End of the last stretch that was handed out.
    last_stretch: u64,
    other_encoding: bool,
}

/// Decoded text under construction.
#[derive(Debug)]
struct Text {
    encoding: TextEncoding,
    text: String,
    anchors: Vec<(u32, u64)>,
    malformed: u64,
}

impl Text {
    fn anchor(&mut self, byte: u64) {
        let at = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        match self.anchors.last_mut() {
            Some(last) if last.0 == at => last.1 = byte,
            _ => self.anchors.push((at, byte)),
        }
    }

    /// Adds a character that takes the bytes `at..at + len`.
    fn push(&mut self, c: char, at: u64, len: usize) {
        self.text.push(c);
        if natural_len(self.encoding, c) != len as u64 {
            self.anchor(at + len as u64);
        }
    }

    fn malformed(&mut self, at: u64, len: usize) {
        self.text.push(char::REPLACEMENT_CHARACTER);
        self.malformed += 1;
        self.anchor(at + len as u64);
    }
}

impl Decoder {
    /// A decoder from the first byte after the byte order mark.
    #[must_use]
    pub fn new(blob: &Blob, detection: Detection) -> Self {
        Decoder::with_chunk(blob, detection, CHUNK)
    }

    /// A decoder that hands out pieces of about `chunk` bytes.
    #[must_use]
    pub fn with_chunk(blob: &Blob, detection: Detection, chunk: usize) -> Self {
        let charset = detection.charset;
        Decoder {
            blob: blob.clone(),
            charset,
            chunk: chunk.clamp(2 * BLOCK, 1 << 30),
            raw: Vec::new(),
            raw_at: 0,
            taken: detection.bom,
            classified: 0,
            classifier: Classifier::new(charset),
            pending: Vec::new(),
            binary: Vec::new(),
            text: Text { encoding: charset.map_encoding(), text: String::new(), anchors: Vec::new(), malformed: 0 },
            last_stretch: u64::MAX,
            other_encoding: false,
        }
    }

    /// The encoding it decodes from.
    #[must_use]
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// Malformed sequences so far.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.text.malformed
    }

    /// Whether lines were met that are in another encoding than the rest.
    #[must_use]
    pub fn mixed(&self) -> bool {
        self.other_encoding
    }

    /// The next piece; none at the end. The first piece's range begins at 0 even where a byte order mark is left out of the text.
    ///
    /// # Errors
    /// What the source of the blob says.
    pub fn next_chunk(&mut self) -> io::Result<Option<Chunk<'_>>> {
        let first = self.classified == 0;
        self.fill()?;
        let end_of_blob = self.raw_at + self.raw.len() as u64 == self.blob.len() && self.classified == self.blob.len();
        let usable = to_len(self.classified - self.raw_at);
        let skip = if first { self.taken.min(usable) } else { 0 };
        if skip == usable && end_of_blob && !(first && usable > 0) {
            return Ok(None);
        }
        let limit = if end_of_blob { usable } else { usable.saturating_sub(to_len(self.classifier.undecided())) };
        let mut cut = if end_of_blob { limit } else { self.cut(skip, limit) };
        let start = self.raw_at + skip as u64;
        self.take_stretches(self.raw_at + cut as u64);
        self.text.text.clear();
        self.text.anchors.clear();
        self.text.anchors.push((0, start));
        let text: &str = match std::str::from_utf8(&self.raw[skip..cut]) {
            Ok(text) if self.charset == Charset::Utf8 && self.binary.is_empty() => text,
            _ => {
                let done = decode_all(
                    &self.raw[skip..cut],
                    start,
                    end_of_blob,
                    Job {
                        charset: self.charset,
                        stretches: &self.binary,
                        last_stretch: &mut self.last_stretch,
                        other_encoding: &mut self.other_encoding,
                        out: &mut self.text,
                    },
                );
                cut = skip + done;
                &self.text.text
            }
        };
        self.taken = cut;
        let from = if first { 0 } else { start };
        Ok(Some(Chunk {
            text,
            map: ByteMap { encoding: self.text.encoding, anchors: self.text.anchors.clone() },
            range: from..self.raw_at + cut as u64,
            binary: &self.binary,
        }))
    }

    /// Drops what was handed out, reads on and judges what was read.
    fn fill(&mut self) -> io::Result<()> {
        if self.classified > 0 {
            self.raw.drain(..self.taken);
            self.raw_at += self.taken as u64;
            self.taken = 0;
        }
        let read_to = self.raw_at + self.raw.len() as u64;
        // One block more than a chunk, so that there is always something new to judge.
        let room = (self.chunk + BLOCK).saturating_sub(self.raw.len()).max(BLOCK);
        let want = to_len((self.blob.len() - read_to).min(room as u64));
        let old = self.raw.len();
        self.raw.resize(old + want, 0);
        self.blob.read_exact_at(read_to, &mut self.raw[old..])?;
        let end = read_to + want as u64;
        let judged = if end == self.blob.len() { end } else { end - end % BLOCK as u64 };
        if judged > self.classified {
            let from = to_len(self.classified - self.raw_at);
            let to = to_len(judged - self.raw_at);
            self.classifier.feed(&self.raw[from..to], self.classified, &mut self.pending);
            self.classified = judged;
        }
        Ok(())
    }

    /// Where the piece ends: after a line end if there is one, else where no character is cut as far as that is easy to tell.
    fn cut(&self, skip: usize, limit: usize) -> usize {
        let bytes = &self.raw[skip..limit];
        let found = match self.charset {
            Charset::Utf16Le => wide_newline(bytes, [b'\n', 0]),
            Charset::Utf16Be => wide_newline(bytes, [0, b'\n']),
            _ => memchr::memrchr(b'\n', bytes).map(|i| i + 1),
        };
        match found {
            Some(n) => skip + n,
            None if self.charset == Charset::Utf8 => limit - incomplete_utf8(bytes),
            None => limit,
        }
    }

    /// Moves the stretches before `end` to the current chunk, cutting one that reaches further.
    fn take_stretches(&mut self, end: u64) {
        self.binary.clear();
        while let Some(first) = self.pending.first_mut() {
            if first.range.start >= end {
                break;
            }
            if first.range.end > end {
                self.binary.push(Stretch { range: first.range.start..end, zeros: first.zeros });
                first.range.start = end;
                break;
            }
            self.binary.push(self.pending.remove(0));
        }
    }
}

fn to_len(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn wide_newline(bytes: &[u8], newline: [u8; 2]) -> Option<usize> {
    let even = bytes.len() & !1;
    bytes[..even].chunks_exact(2).rposition(|u| u == newline).map(|i| 2 * i + 2)
}

/// Bytes at the end that begin a character whose rest is missing.
fn incomplete_utf8(bytes: &[u8]) -> usize {
    for (i, &b) in bytes.iter().rev().take(3).enumerate() {
        let need = match b {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            0x80..=0xBF => continue,
            _ => 0,
        };
        return if need > i + 1 { i + 1 } else { 0 };
    }
    0
}

struct Job<'a> {
    charset: Charset,
    stretches: &'a [Stretch],
    last_stretch: &'a mut u64,
    other_encoding: &'a mut bool,
    out: &'a mut Text,
}

/// Decodes bytes that begin at `at`, stretches left out. Returns how many were used; at the end of the blob that is all of them.
fn decode_all(bytes: &[u8], at: u64, end_of_blob: bool, job: Job<'_>) -> usize {
    let Job { charset, stretches, last_stretch, other_encoding, out } = job;
    let mut done = 0;
    for stretch in stretches {
        let from = to_len(stretch.range.start.max(at) - at).min(bytes.len());
        let to = to_len(stretch.range.end - at).min(bytes.len());
        if done < from {
            decode(charset, &bytes[done..from], at + done as u64, true, other_encoding, out);
        }
        // One sign for a stretch, however it is cut.
        if *last_stretch != stretch.range.start || (done < from && from > 0) {
            out.text.push(char::REPLACEMENT_CHARACTER);
        }
        out.anchor(stretch.range.end);
        *last_stretch = stretch.range.end;
        done = to;
    }
    if done < bytes.len() {
        done += decode(charset, &bytes[done..], at + done as u64, end_of_blob, other_encoding, out);
    }
    done
}

fn decode(charset: Charset, bytes: &[u8], at: u64, last: bool, other: &mut bool, out: &mut Text) -> usize {
    match charset {
        Charset::Utf8 => decode_utf8(bytes, at, last, other, out),
        Charset::Gb18030 => decode_lines(bytes, at, last, other, out),
        Charset::Utf16Le | Charset::Utf16Be => decode_utf16(bytes, at, charset, last, out),
        Charset::Other(encoding) => decode_other(bytes, at, encoding, last, out),
    }
}

/// UTF-8; a line that is not, but reads as Chinese in GB18030, is decoded so.
fn decode_utf8(bytes: &[u8], at: u64, last: bool, other: &mut bool, out: &mut Text) -> usize {
    let usable = if last { bytes.len() } else { bytes.len() - incomplete_utf8(bytes) };
    let mut done = 0;
    while done < usable {
        let rest = &bytes[done..usable];
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => {
                out.text.push_str(text);
                return usable;
            }
            Err(e) => e.valid_up_to(),
        };
        let line = memchr::memrchr(b'\n', &rest[..valid]).map_or(0, |i| i + 1);
        let end = memchr::memchr(b'\n', &rest[valid..]).map_or(rest.len(), |i| valid + i + 1);
        if let Ok(text) = std::str::from_utf8(&rest[..line]) {
            out.text.push_str(text);
        }
        let from = at + (done + line) as u64;
        let bad = &rest[line..end];
        if gb18030::read(bad).is_chinese() {
            *other = true;
            decode_gb18030(bad, from, true, out);
        } else {
            lossy_utf8(bad, from, out);
        }
        done += end;
    }
    usable
}

fn lossy_utf8(bytes: &[u8], mut at: u64, out: &mut Text) {
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        if out.encoding == TextEncoding::Utf8 {
            out.text.push_str(valid);
            at += valid.len() as u64;
        } else {
            for c in valid.chars() {
                out.push(c, at, c.len_utf8());
                at += c.len_utf8() as u64;
            }
        }
        let bad = chunk.invalid().len();
        if bad > 0 {
            out.malformed(at, bad);
            at += bad as u64;
        }
    }
}

/// GB18030 by lines: a line with signs beyond ASCII that is valid UTF-8 is UTF-8.
fn decode_lines(bytes: &[u8], at: u64, last: bool, other: &mut bool, out: &mut Text) -> usize {
    let mut done = 0;
    while done < bytes.len() {
        let rest = &bytes[done..];
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
        let line = &rest[..end];
        let from = at + done as u64;
        if line.is_ascii() {
            out.text.push_str(std::str::from_utf8(line).unwrap_or_default());
        } else if std::str::from_utf8(line).is_ok_and(|text| is_chinese(text, gb18030::read(line).malformed > 0)) {
            *other = true;
            lossy_utf8(line, from, out);
        } else {
            let complete = last || line.ends_with(b"\n");
            let used = decode_gb18030(line, from, complete, out);
            if used < line.len() {
                return done + used;
            }
        }
        done += end;
    }
    done
}

/// Whether text beyond ASCII is mainly hanzi and their punctuation. One or two may be GBK that happens to be valid UTF-8, unless it is `sure`
/// that it is no GBK.
fn is_chinese(text: &str, sure: bool) -> bool {
    let (mut all, mut han) = (0usize, 0usize);
    for c in text.chars().filter(|c| !c.is_ascii()) {
        all += 1;
        han += usize::from(
            matches!(c, '\u{2010}'..='\u{2030}' | '\u{3000}'..='\u{303F}' | '\u{4E00}'..='\u{9FFF}' | '\u{FF00}'..='\u{FFEF}'),
        );
    }
    han * 4 >= all * 3 && han >= if sure { 1 } else { 3 }
}

fn decode_gb18030(bytes: &[u8], at: u64, last: bool, out: &mut Text) -> usize {
    let mut done = 0;
    while done < bytes.len() {
        let rest = &bytes[done..];
        let plain = rest.iter().position(|b| !b.is_ascii()).unwrap_or(rest.len());
        if out.encoding == TextEncoding::Utf8 || out.encoding == TextEncoding::Gb18030 {
            out.text.push_str(std::str::from_utf8(&rest[..plain]).unwrap_or_default());
        }
        done += plain;
        if done == bytes.len() {
            break;
        }
        match gb18030::next(&bytes[done..]) {
            Next::Char(c, n) => {
                out.push(c, at + done as u64, n);
                done += n;
                if out.encoding == TextEncoding::Utf8 {
                    // Also where the length is the same: it says that the bytes are other ones.
                    out.anchor(at + done as u64);
                }
            }
            Next::Malformed(n) => {
                out.malformed(at + done as u64, n);
                done += n;
            }
            Next::Incomplete if last => {
                out.malformed(at + done as u64, 1);
                done += 1;
            }
            Next::Incomplete => return done,
        }
    }
    done
}

fn decode_utf16(bytes: &[u8], at: u64, charset: Charset, last: bool, out: &mut Text) -> usize {
    let mut done = 0;
    let mut high: Option<u16> = None;
    for unit in units(bytes, charset) {
        let here = at + done as u64;
        let is_low = (0xDC00..0xE000).contains(&unit);
        if let Some(h) = high.take() {
            if is_low {
                let c = 0x10000 + ((u32::from(h) - 0xD800) << 10) + (u32::from(unit) - 0xDC00);
                out.push(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), here - 2, 4);
                done += 2;
                continue;
            }
            out.malformed(here - 2, 2);
        }
        if (0xD800..0xDC00).contains(&unit) {
            high = Some(unit);
        } else if is_low {
            out.malformed(here, 2);
        } else {
            out.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER), here, 2);
        }
        done += 2;
    }
    if high.is_some() {
        if !last {
            return done - 2;
        }
        out.malformed(at + done as u64 - 2, 2);
    }
    if last && done < bytes.len() {
        out.malformed(at + done as u64, 1);
        done += 1;
    }
    done
}

fn decode_other(bytes: &[u8], at: u64, encoding: &'static encoding_rs::Encoding, last: bool, out: &mut Text) -> usize {
    let mut done = 0;
    while done < bytes.len() {
        let rest = &bytes[done..];
        let plain = rest.iter().position(|b| !b.is_ascii()).unwrap_or(rest.len());
        out.text.push_str(std::str::from_utf8(&rest[..plain]).unwrap_or_default());
        done += plain;
        let rest = &bytes[done..];
        if rest.is_empty() {
            break;
        }
        let found = (1..=rest.len().min(4)).find_map(|n| {
            let text = encoding.decode_without_bom_handling_and_without_replacement(&rest[..n])?;
            let c = text.chars().next()?;
            Some((text.into_owned(), c, n))
        });
        match found {
            Some((text, c, n)) => {
                // A few sequences stand for two characters; both then point to the start.
                let more = text.len() > c.len_utf8();
                for c in text.chars() {
                    out.text.push(c);
                }
                if n != 1 || more {
                    out.anchor(at + (done + n) as u64);
                }
                done += n;
            }
            None if rest.len() < 4 && !last => return done,
            None => {
                out.malformed(at + done as u64, 1);
                done += 1;
            }
        }
    }
    done
}

#[cfg(test)]
mod tests;
