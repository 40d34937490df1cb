//! What the readers of this family share: text and symbols as evidence, what is accounted for, entropy, magics of content inside sections.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use yumen_kit_container::window::sweep;
use yumen_kit_container::{Container, Place};
use yumen_model::evidence::NO_NAME;
use yumen_model::{
    Artifact, Batch, Blob, ByteMap, Cell, ChildMeta, EvidenceHeader, EvidenceKind, InspectError, Message, Reason,
    RecordBatch, Stop, TextBatch, TextEncoding,
};

/// Streams of this family; the container's own are numbered below 100.
const TEXT_STREAM: u32 = 100;
const SYMBOL_STREAM: u32 = 101;
/// A batch goes out when it holds so much.
const BATCH: usize = 256 << 10;
/// Longest line of text; what is longer is cut into several.
const LINE: usize = 64 << 10;
/// The name of the cell that holds a symbol's name.
const SYMBOL: &str = "symbol";
/// The name of the cell that holds what the symbol is.
const SYMBOL_KIND: &str = "symbol_kind";

/// Lines of text and names of symbols on their way to the detectors.
pub(crate) struct Evidence<'a> {
    artifact: &'a Artifact,
    text: String,
    anchors: Vec<(u32, u64)>,
    text_open: bool,
    names: String,
    cells: Vec<Cell>,
    records: Vec<u32>,
    names_open: bool,
}

impl<'a> Evidence<'a> {
    /// Evidence of an artifact; nothing is sent before there is something.
    pub(crate) fn new(artifact: &'a Artifact) -> Self {
        Evidence {
            artifact,
            text: String::new(),
            anchors: Vec::new(),
            text_open: false,
            names: String::new(),
            cells: Vec::new(),
            records: Vec::new(),
            names_open: false,
        }
    }

    fn header(&self, stream: u32, kind: EvidenceKind) -> EvidenceHeader {
        EvidenceHeader {
            stream,
            kind,
            format: self.artifact.format.into(),
            name: self.artifact.name.clone(),
            properties: BTreeMap::new(),
        }
    }

    /// A line of text that stands at byte `at`.
    pub(crate) fn line(&mut self, to: &mut Container<'_>, text: &str, at: u64) -> Result<(), InspectError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.anchors.push((narrow(self.text.len()), at));
        self.text.push_str(text);
        self.text.push('\n');
        if self.text.len() >= BATCH { self.flush_text(to) } else { Ok(()) }
    }

    /// Bytes of text at `at`, up to the first zero byte; what is not UTF-8 is read with replacement characters.
    pub(crate) fn bytes(&mut self, to: &mut Container<'_>, bytes: &[u8], at: u64) -> Result<(), InspectError> {
        let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
        let mut done = 0;
        for piece in bytes[..end].chunks(LINE) {
            self.line(to, &String::from_utf8_lossy(piece), at + done)?;
            done += piece.len() as u64;
        }
        Ok(())
    }

    /// A block of strings that end in zero bytes, the first at byte `at` of the artifact.
    pub(crate) fn strings(&mut self, to: &mut Container<'_>, bytes: &[u8], at: u64) -> Result<(), InspectError> {
        let mut start = 0u64;
        for piece in bytes.split(|&b| b == 0) {
            self.bytes(to, piece, at + start)?;
            start += piece.len() as u64 + 1;
        }
        Ok(())
    }

    /// A symbol: a function, an object, a section of a program.
    pub(crate) fn symbol(
        &mut self,
        to: &mut Container<'_>,
        name: &[u8],
        kind: &str,
        at: u64,
    ) -> Result<(), InspectError> {
        let name = &name[..name.len().min(LINE)];
        if name.is_empty() {
            return Ok(());
        }
        self.records.push(narrow(self.cells.len()));
        let end = at + name.len() as u64;
        self.cell(&String::from_utf8_lossy(name), 0, at..end);
        self.cell(kind, 1, at..end);
        if self.names.len() >= BATCH || self.cells.len() >= 1 << 15 { self.flush_names(to) } else { Ok(()) }
    }

    fn cell(&mut self, value: &str, name: u32, bytes: Range<u64>) {
        if value.is_empty() {
            return;
        }
        let start = narrow(self.names.len());
        self.names.push_str(value);
        self.cells.push(Cell {
            name: if name == u32::MAX { NO_NAME } else { name },
            column_index: 0,
            start,
            end: narrow(self.names.len()),
            byte_start: bytes.start,
            byte_end: bytes.end,
            line: 1,
            column: 1,
            verbatim: name == 0,
        });
        self.names.push(RecordBatch::CELL_END);
    }

    fn flush_text(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        if self.text.is_empty() {
            return Ok(());
        }
        if !self.text_open {
            self.text_open = true;
            to.send(Message::Evidence(self.header(TEXT_STREAM, EvidenceKind::Text)))?;
        }
        let map = ByteMap { encoding: TextEncoding::Utf8, anchors: std::mem::take(&mut self.anchors) };
        let batch = Batch::Text(TextBatch { text: std::mem::take(&mut self.text).into(), map });
        Ok(to.send(Message::Batch { stream: TEXT_STREAM, batch })?)
    }

    fn flush_names(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        if self.cells.is_empty() {
            return Ok(());
        }
        if !self.names_open {
            self.names_open = true;
            to.send(Message::Evidence(self.header(SYMBOL_STREAM, EvidenceKind::Records)))?;
        }
        let batch = Batch::Records(RecordBatch {
            names: vec![SYMBOL.to_owned(), SYMBOL_KIND.to_owned()],
            text: Cow::Owned(std::mem::take(&mut self.names)),
            cells: std::mem::take(&mut self.cells),
            records: std::mem::take(&mut self.records),
            origins: Vec::new(),
        });
        Ok(to.send(Message::Batch { stream: SYMBOL_STREAM, batch })?)
    }

    /// Sends what is left and closes the streams.
    pub(crate) fn finish(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        self.flush_text(to)?;
        if std::mem::take(&mut self.text_open) {
            to.send(Message::EvidenceEnd { stream: TEXT_STREAM })?;
        }
        self.flush_names(to)?;
        if std::mem::take(&mut self.names_open) {
            to.send(Message::EvidenceEnd { stream: SYMBOL_STREAM })?;
        }
        Ok(())
    }
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Sends what is left of evidence and container; the first error stays.
pub(crate) fn conclude(
    mut to: Container<'_>,
    mut evidence: Evidence<'_>,
    result: Result<(), InspectError>,
) -> Result<(), InspectError> {
    // After an engine's stop nothing may be sent; the container knows of it, so it is asked by what it returned.
    if is_stopped(&result) {
        return to.finish(result);
    }
    match evidence.finish(&mut to) {
        Ok(()) => to.finish(result),
        Err(stop) => to.finish(Err(stop)),
    }
}

/// Whether a result says that the engine takes no more: nothing may be sent then.
pub(crate) fn is_stopped<T>(result: &Result<T, InspectError>) -> bool {
    matches!(result, Err(e) if e.message == InspectError::from(Stop::All(e.reason)).message)
}

/// Which byte ranges have been given a label.
#[derive(Default)]
pub(crate) struct Claims(Vec<Range<u64>>);

impl Claims {
    /// Notes a range.
    pub(crate) fn add(&mut self, range: Range<u64>) {
        if range.start < range.end {
            self.0.push(range);
        }
    }

    /// The parts of a range that were not noted yet, by a look at all noted ones: for a few thousand of them.
    pub(crate) fn free(&mut self, within: Range<u64>) -> Vec<Range<u64>> {
        self.0.sort_unstable_by_key(|r| (r.start, r.end));
        let mut joined: Vec<Range<u64>> = Vec::with_capacity(self.0.len());
        for range in self.0.drain(..) {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        let mut out = Vec::new();
        let mut at = within.start;
        let from = joined.partition_point(|r| r.end <= within.start);
        for range in &joined[from..] {
            if range.start >= within.end {
                break;
            }
            if range.start > at {
                out.push(at..range.start);
            }
            at = at.max(range.end);
        }
        if at < within.end {
            out.push(at..within.end);
        }
        self.0 = joined;
        out
    }
}

/// Bytes behind an image: erased flash (all 0xFF) and zeros are padding, the rest is a child `[after]` or `[gap-n]`.
pub(crate) fn rest(to: &mut Container<'_>, range: Range<u64>, place: Place) -> Result<(), InspectError> {
    let range = range.start..range.end.min(to.len());
    if range.start >= range.end {
        return Ok(());
    }
    if is_erased(to.blob, range.clone())? { to.container(range) } else { to.residue(range, place) }
}

/// Whether all bytes are 0xFF.
pub(crate) fn is_erased(blob: &Blob, range: Range<u64>) -> Result<bool, InspectError> {
    let other = sweep(blob, range, 0, |_, bytes| bytes.iter().any(|&b| b != 0xff).then_some(()))?;
    Ok(other.is_none())
}

/// Bits a byte of some bytes.
pub(crate) fn entropy(bytes: &[u8]) -> f64 {
    if bytes.is_empty() {
        return 0.0;
    }
    let mut counts = [0u32; 256];
    for &b in bytes {
        counts[usize::from(b)] += 1;
    }
    let n = bytes.len() as f64;
    counts.iter().filter(|&&c| c > 0).map(|&c| f64::from(c) / n).map(|p| -p * p.log2()).sum()
}

/// Shortest stretch that is judged by its entropy.
pub(crate) const LEAST_JUDGED: u64 = 4096;
const JUDGED: u64 = 64 << 10;

/// Whether so many bytes look like noise: encrypted, or compressed without structure. Few bytes of noise have less than 8 bits a byte.
pub(crate) fn is_noise(bytes: &[u8]) -> bool {
    let least = match bytes.len() {
        0..4096 => return false,
        4096..16384 => 7.93,
        16384..65536 => 7.98,
        _ => 7.99,
    };
    entropy(bytes) >= least
}

/// Windows of a range for [`is_noise`]: equal pieces of 64 KiB, the last one longer rather than short.
pub(crate) fn windows(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        if at >= range.end {
            return None;
        }
        let mut end = range.end.min(at + JUDGED);
        if range.end - end < JUDGED / 2 {
            end = range.end;
        }
        let piece = at..end;
        at = end;
        Some(piece)
    })
}

/// Code and data of a recognised raw image: shown to the detectors and counted as inspected, but for stretches that look like noise,
/// which nobody can call inspected.
pub(crate) fn code(to: &mut Container<'_>, range: Range<u64>) -> Result<(), InspectError> {
    let range = range.start..range.end.min(to.len());
    if range.start >= range.end {
        return Ok(());
    }
    for piece in windows(range) {
        let bytes = to.blob.bytes(piece.clone()).map_err(|e| InspectError::read(piece.start, &e))?;
        if is_noise(&bytes) && !starts_known(&bytes) {
            to.tell_bytes("high-entropy", piece.start, piece.end - piece.start);
            to.opaque(piece, Reason::UnknownFormat)?;
        } else if bytes.iter().all(|&b| b == 0) || bytes.iter().all(|&b| b == 0xff) {
            to.container(piece)?;
        } else {
            to.raw(piece)?;
        }
    }
    Ok(())
}

fn starts_known(bytes: &[u8]) -> bool {
    known(bytes).is_some()
}

/// A format that a whole section or resource is, told by a signature at its start: it is handed over as a child with this suffix.
pub(crate) fn known(head: &[u8]) -> Option<&'static str> {
    let at = |i: usize, magic: &[u8]| head.get(i..).is_some_and(|b| b.starts_with(magic));
    Some(match head {
        [b'P', b'K', 3, 4, v, ..] if *v < 64 => "zip",
        [0x1f, 0x8b, 8, flags, ..] if *flags < 0x20 => "gz",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zst",
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => "bz2",
        [0x04, 0x22, 0x4d, 0x18, ..] => "lz4",
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => "7z",
        [b'h', b's', b'q', b's', ..] if at(28, &[4, 0]) => "squashfs",
        [0x7f, b'E', b'L', b'F', 1 | 2, 1 | 2, 1, ..] => "elf",
        [0xd0, 0x0d, 0xfe, 0xed, 0, ..] => "dtb",
        [0x89, b'P', b'N', b'G', 13, 10, ..] => "png",
        [0xff, 0xd8, 0xff, 0xe0 | 0xe1 | 0xdb, ..] => "jpg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "gif",
        [b'%', b'P', b'D', b'F', b'-', ..] => "pdf",
        [b'0', b'7', b'0', b'7', b'0', b'1' | b'2' | b'7', ..] => "cpio",
        [b'S', b'Q', b'L', b'i', b't', b'e', b' ', ..] => "sqlite",
        _ if at(0, b"-----BEGIN ") => "pem",
        _ if at(257, b"ustar") => "tar",
        _ => return None,
    })
}

/// A child that bears a name and a load address.
pub(crate) fn loaded(name: &str, address: u64) -> ChildMeta {
    let mut meta = ChildMeta::named(name.as_bytes());
    meta.attributes.insert("load_address".to_owned(), hex(address).into());
    meta
}

/// The name of a memory segment by its address.
pub(crate) fn segment_name(address: u64) -> String {
    if address > u64::from(u32::MAX) { format!("0x{address:016x}.bin") } else { format!("0x{address:08x}.bin") }
}

/// An address as reports give it.
pub(crate) fn hex(address: u64) -> String {
    format!("0x{address:08x}")
}

/// Text of a fixed-length field, up to its first zero byte; none where it is empty or not printable.
pub(crate) fn field(bytes: &[u8]) -> Option<String> {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    let text = std::str::from_utf8(&bytes[..end]).ok()?.trim();
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yumen_kit_container::testing::{noise, prose};

    #[test]
    fn noise_is_told_from_text_and_from_code() {
        for n in [4096, 5000, 16384, 20000, 65536, 98000] {
            assert!(is_noise(&noise(7, n)), "{n}");
            assert!(!is_noise(&prose(n)), "{n}");
        }
        assert!(!is_noise(&noise(7, 4095)));
    }

    proptest! {
        #[test]
        fn claimed_and_free_ranges_make_up_the_whole(ranges in proptest::collection::vec((0u64..90, 0u64..30), 0..12), from in 0u64..50, len in 0u64..70) {
            let mut claims = Claims::default();
            let mut covered = [false; 200];
            for (start, n) in ranges {
                claims.add(start..start + n);
                (start..start + n).for_each(|i| covered[i as usize] = true);
            }
            let free = claims.free(from..from + len);
            for i in from..from + len {
                prop_assert_eq!(free.iter().any(|r| r.contains(&i)), !covered[i as usize]);
            }
        }

        #[test]
        fn windows_follow_each_other(start in 0u64..1000, len in 0u64..1_000_000) {
            let mut at = start;
            for w in windows(start..start + len) {
                prop_assert_eq!(w.start, at);
                prop_assert!(w.end - w.start <= 96 << 10);
                at = w.end;
            }
            prop_assert_eq!(at, start + len);
        }
    }
}
