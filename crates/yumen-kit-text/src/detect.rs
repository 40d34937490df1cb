//! Is it text, and in which encoding?

use std::io;
use std::sync::Arc;

use yumen_model::{Blob, Probe};

use crate::charset::Charset;
use crate::classify::{BLOCK, controls, is_binary, is_binary_wide, units};
use crate::decode::Decoder;
use crate::legacy;

/// The encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// The encoding.
    pub charset: Charset,
    /// Length of the byte order mark in bytes; 0 when there is none.
    pub bom: usize,
}

impl Detection {
    /// UTF-8 without a mark: what everything is taken for that gives no other sign.
    pub const UTF8: Detection = Detection { charset: Charset::Utf8, bom: 0 };
}

/// Bytes of head and tail that are looked at.
const END: u64 = 64 << 10;
/// Shorter bytes than these may be UTF-8 by chance.
const SHORT: usize = 32;
/// Windows between head and tail, and their size.
const WINDOWS: u64 = 8;
const WINDOW: u64 = 8 << 10;

/// The encoding of a blob, or none when it is not text. Looks at the head, the tail and windows between them.
///
/// # Errors
/// What the source of the blob says.
pub fn detect(blob: &Blob) -> io::Result<Option<Detection>> {
    let head = blob.bytes(0..END)?;
    let tail = blob.bytes(blob.len().saturating_sub(END)..blob.len())?;
    judge(&head, &tail, blob)
}

/// The same from what identification has already read. A read error counts as not text.
#[must_use]
pub fn detect_probe(probe: &Probe<'_>) -> Option<Detection> {
    Sample::shared(probe).map(|sample| sample.detection)
}

/// The first lines of a text, decoded, for identification.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The encoding.
    pub detection: Detection,
    /// Up to 64 KiB of the artifact, cut at a line end where the lines are not longer.
    pub text: String,
    /// Whether that is all of it.
    pub complete: bool,
}

impl Sample {
    /// A sample of what identification sees; none when it is not text.
    #[must_use]
    pub fn of(probe: &Probe<'_>) -> Option<Sample> {
        Sample::shared(probe).map(|sample| (*sample).clone())
    }

    /// As [`Sample::of`], without a copy.
    #[must_use]
    pub fn shared(probe: &Probe<'_>) -> Option<Arc<Sample>> {
        probe.once(|| {
            let detection = judge(probe.head, probe.tail, probe.blob).ok().flatten()?;
            Sample::with(probe.blob, detection, END as usize).ok().map(Arc::new)
        })
    }

    /// A sample of about `size` bytes.
    ///
    /// # Errors
    /// What the source of the blob says.
    pub fn with(blob: &Blob, detection: Detection, size: usize) -> io::Result<Sample> {
        let mut decoder = Decoder::with_chunk(blob, detection, size);
        let chunk = decoder.next_chunk()?;
        let (text, complete) = chunk.map_or((String::new(), true), |c| (c.text.to_owned(), c.range.end == blob.len()));
        Ok(Sample { detection, text, complete })
    }
}

fn judge(head: &[u8], tail: &[u8], blob: &Blob) -> io::Result<Option<Detection>> {
    let found = |charset, bom| Ok(Some(Detection { charset, bom }));
    if head.is_empty() {
        return found(Charset::Utf8, 0);
    }
    let wide_bom = match head {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => return Ok(None),
        [0xFF, 0xFE, ..] => Some(Charset::Utf16Le),
        [0xFE, 0xFF, ..] => Some(Charset::Utf16Be),
        _ => None,
    };
    // Cheap first: most binary files show in their first bytes.
    let first = &head[..head.len().min(4 * BLOCK)];
    let hopeless = wide_bom.is_none() && is_binary(first) && !first.iter().all(|&b| b == 0);
    if hopeless && wide(first).is_none() {
        return Ok(None);
    }
    let windows = Windows::read(head, tail, blob)?;
    if let Some(charset) = wide_bom {
        // The mark alone may be chance.
        if head.len() < 64 && head.len() % 2 == 1 {
            return Ok(None);
        }
        return if windows.text_share(|w| !is_binary_wide(w, charset)) { found(charset, 2) } else { Ok(None) };
    }
    if memchr::memchr(0, first).is_some()
        && let Some(charset) = wide(first)
    {
        return if windows.text_share(|w| wide(w) == Some(charset)) { found(charset, 0) } else { Ok(None) };
    }
    if !windows.text_share(|w| !is_binary(w)) {
        return Ok(None);
    }
    let bom = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let bytes = windows.joined(bom);
    if bytes.iter().all(|&b| b == 0) {
        return Ok(None);
    }
    match narrow(&bytes) {
        None => Ok(None),
        Some(_) if bom > 0 => found(Charset::Utf8, bom),
        Some(charset) => found(charset, 0),
    }
}

/// Parts of the artifact that are looked at, in order; each begins and ends at an even offset and, but for the head, after a line end.
struct Windows(Vec<Vec<u8>>);

impl Windows {
    fn read(head: &[u8], tail: &[u8], blob: &Blob) -> io::Result<Windows> {
        let mut parts = vec![head.to_vec()];
        let len = blob.len();
        let ends = (head.len() + tail.len()) as u64;
        if len > head.len() as u64 {
            if len > ends + WINDOW * WINDOWS {
                let step = (len - ends) / (WINDOWS + 1);
                for i in 1..=WINDOWS {
                    let at = (head.len() as u64 + i * step) & !1;
                    parts.push(blob.bytes(at..at + WINDOW)?);
                }
            } else {
                parts.push(blob.bytes((head.len() as u64) & !1..len.saturating_sub(tail.len() as u64))?);
            }
            parts.push(tail[usize::from((len - tail.len() as u64) % 2 == 1)..].to_vec());
        }
        Ok(Windows(parts))
    }

    /// Whether most blocks are text, the first and the last too. Zero padding counts neither way.
    fn text_share(&self, is_text: impl Fn(&[u8]) -> bool) -> bool {
        let blocks: Vec<bool> = self
            .0
            .iter()
            .flat_map(|part| part.chunks(2 * BLOCK))
            .filter(|block| block.iter().any(|&b| b != 0))
            .map(is_text)
            .collect();
        let text = blocks.iter().filter(|&&t| t).count();
        let ends = |n: usize| blocks.iter().take(n).all(|&t| t) && blocks.iter().rev().take(n).any(|&t| t);
        !blocks.is_empty() && ends(2) && text * 4 >= blocks.len() * 3
    }

    /// Everything in one, parts beginning after a line end so that no character is cut.
    fn joined(&self, skip: usize) -> Vec<u8> {
        let mut all = self.0[0][skip..].to_vec();
        if self.0.len() > 1 {
            all.truncate(memchr::memrchr(b'\n', &all).map_or(all.len(), |i| i + 1));
        }
        for (i, part) in self.0.iter().enumerate().skip(1) {
            let Some(from) = memchr::memchr(b'\n', part) else { continue };
            let to =
                if i + 1 == self.0.len() { part.len() } else { memchr::memrchr(b'\n', part).unwrap_or(part.len()) };
            if from < to {
                all.extend_from_slice(&part[from..to]);
            }
        }
        all
    }
}

/// UTF-16 without a mark: white space and ASCII among plausible characters, hardly anything else.
fn wide(bytes: &[u8]) -> Option<Charset> {
    if bytes.len() < 4 {
        return None;
    }
    [Charset::Utf16Le, Charset::Utf16Be].into_iter().find(|&charset| {
        let (mut all, mut good, mut ascii) = (0usize, 0usize, 0usize);
        for unit in units(bytes, charset) {
            all += 1;
            let plain = matches!(unit, 9 | 10 | 13 | 0x20..=0x7E);
            ascii += usize::from(plain);
            good += usize::from(
                plain || matches!(unit, 0xA0..=0x17F | 0x2010..=0x2030 | 0x3000..=0x303F | 0x4E00..=0x9FFF | 0xFF00..=0xFFEF),
            );
        }
        good * 100 >= all * 98 && ascii * 50 >= all && ascii > 1
    })
}

/// The encoding of bytes in which ASCII stands as it is; none when they are no text.
fn narrow(bytes: &[u8]) -> Option<Charset> {
    let high = bytes.iter().filter(|b| !b.is_ascii()).count();
    // A handful of bytes with controls among them is no text.
    if controls(bytes) * 4 > bytes.len() {
        return None;
    }
    if high == 0 {
        return Some(Charset::Utf8);
    }
    let (valid, malformed) = utf8_quality(bytes);
    if malformed == 0 && bytes.len() < SHORT {
        return is_usual_short(bytes).then_some(Charset::Utf8);
    }
    if malformed == 0 || (valid > 0 && malformed * 20 <= valid) {
        return Some(Charset::Utf8);
    }
    legacy::charset(bytes)
}

/// A few bytes may be UTF-8 by chance. Then there are control bytes among them, or one or two characters of some odd block.
fn is_usual_short(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let usual = |c: char| {
        matches!(c, '\u{A0}'..='\u{17F}' | '\u{391}'..='\u{3C9}' | '\u{401}'..='\u{451}' | '\u{2010}'..='\u{27BF}' | '\u{3000}'..='\u{30FF}'
            | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{FE0F}' | '\u{FF00}'..='\u{FFFD}' | '\u{1F300}'..='\u{1FAFF}')
    };
    let (mut all, mut odd) = (0usize, 0usize);
    for c in text.chars().filter(|c| !c.is_ascii()) {
        all += 1;
        odd += usize::from(!usual(c));
    }
    controls(bytes) == 0 && (odd == 0 || all >= 4)
}

fn utf8_quality(bytes: &[u8]) -> (usize, usize) {
    let (mut valid, mut malformed) = (0, 0);
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        // The sample may end inside a character.
        let cut =
            chunks.peek().is_none() && std::str::from_utf8(chunk.invalid()).is_err_and(|e| e.error_len().is_none());
        malformed += usize::from(!chunk.invalid().is_empty() && !cut);
    }
    (valid, malformed)
}

#[cfg(test)]
mod tests;
