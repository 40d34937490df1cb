//! A column of a row group, page by page.

use std::io::Read;
use std::ops::Range;

use yumen_kit_container::window::num::be32;
use yumen_model::{Blob, InspectError, Reason};

use super::meta::{Chunk, Leaf, PageHeader, page_header};
use super::page::{Bad, Datum, Dictionary, Page};

/// Longest page, packed and unpacked.
const LONGEST: usize = 192 << 20;
/// Headers hold statistics, which may be long: these sizes are tried.
const HEADER_SIZES: [u64; 3] = [1 << 10, 64 << 10, 4 << 20];

/// A cursor over a column.
pub(super) struct Column<'a> {
    blob: &'a Blob,
    pub(super) leaf: &'a Leaf,
    pub(super) index: usize,
    chunk: &'a Chunk,
    /// Where the next page begins, and the chunk ends.
    at: u64,
    end: u64,
    /// Values that pages have not told yet.
    left: u64,
    dictionary: Dictionary,
    has_dictionary: bool,
    page: Option<Page>,
    ahead: Option<(u8, u8)>,
    /// Pages that were read to their end, or given over to be.
    pub(super) read: Range<u64>,
    /// Why the rest was not.
    pub(super) failed: Option<(u64, Reason)>,
    /// Stored checksums that do not match.
    pub(super) wrong_sums: u64,
}

/// Where a value stands: the page, and the value itself where it is stored as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) page: (u64, u64),
    pub(super) exact: Option<u64>,
}

impl<'a> Column<'a> {
    pub(super) fn new(blob: &'a Blob, leaf: &'a Leaf, index: usize, chunk: &'a Chunk) -> Self {
        let start = chunk.start();
        let end = start.saturating_add(chunk.packed).min(blob.len());
        Column {
            blob,
            leaf,
            index,
            chunk,
            at: start,
            end,
            left: chunk.values,
            dictionary: Dictionary::default(),
            has_dictionary: false,
            page: None,
            ahead: None,
            read: start..start,
            failed: None,
            wrong_sums: 0,
        }
    }

    /// The bytes of the whole chunk.
    pub(super) fn bytes(&self) -> Range<u64> {
        self.read.start.min(self.end)..self.end
    }

    fn fail(&mut self, at: u64, reason: Reason) {
        self.failed.get_or_insert((at, reason));
        self.page = None;
        self.left = 0;
        self.ahead = None;
    }

    /// The levels of the next value, which stay until they are taken.
    fn peek(&mut self) -> Result<Option<(u8, u8)>, InspectError> {
        while self.ahead.is_none() && self.failed.is_none() {
            let levels = match &mut self.page {
                Some(page) => page.levels(),
                None => Ok(None),
            };
            match levels {
                Ok(Some(levels)) => self.ahead = Some(levels),
                Err(_) => {
                    let start = self.page.as_ref().map_or(self.at, |p| p.start);
                    self.fail(start, Reason::Corrupt);
                }
                Ok(None) => {
                    self.page = None;
                    if !self.next_page()? {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(self.ahead)
    }

    /// The values of the next row, in order; false at the end.
    pub(super) fn row(
        &mut self,
        each: &mut dyn FnMut(Datum<'_>, Place) -> Result<(), InspectError>,
    ) -> Result<bool, InspectError> {
        let Some((_, mut definition)) = self.peek()? else { return Ok(false) };
        loop {
            self.ahead = None;
            if definition == self.leaf.definition
                && let Some(page) = &mut self.page
            {
                let place = (page.start, page.end);
                let stored = page.stored;
                match page.value(self.leaf.physical, &self.dictionary) {
                    Some(datum) => {
                        let exact = match (&datum, stored) {
                            (Datum::Bytes(_, Some(at)), Some(stored)) => Some(stored + *at as u64),
                            _ => None,
                        };
                        each(datum, Place { page: place, exact })?;
                    }
                    None => {
                        self.fail(place.0, Reason::Corrupt);
                        return Ok(true);
                    }
                }
            }
            match self.peek()? {
                Some((repetition, next)) if repetition > 0 => definition = next,
                _ => return Ok(true),
            }
        }
    }

    /// Reads the next page of data, and a dictionary before it. False where there is none.
    fn next_page(&mut self) -> Result<bool, InspectError> {
        while self.left > 0 && self.at < self.end {
            let start = self.at;
            let Some((header, len)) = self.header(start)? else {
                self.fail(start, Reason::Corrupt);
                return Ok(false);
            };
            let content = start + len as u64;
            let end = content + header.packed as u64;
            if end > self.end {
                self.fail(start, Reason::Corrupt);
                return Ok(false);
            }
            if header.packed > LONGEST || header.unpacked > LONGEST {
                self.fail(start, Reason::Limit);
                return Ok(false);
            }
            self.at = end;
            if header.kind == 1 {
                self.read.end = end;
                continue;
            }
            let mut packed = vec![0; header.packed];
            self.blob.read_exact_at(content, &mut packed).map_err(|e| InspectError::read(content, &e))?;
            if let Some(crc) = header.crc {
                let mut sum = flate2::Crc::new();
                sum.update(&packed);
                self.wrong_sums += u64::from(sum.sum() != crc);
            }
            let page = self.open(packed, &header, (start, content, end));
            match page {
                Ok(Some(page)) => {
                    self.left = self.left.saturating_sub(header.values);
                    self.page = Some(page);
                    self.read.end = end;
                    return Ok(true);
                }
                Ok(None) => self.read.end = end,
                Err(bad) => {
                    let reason = if bad == Bad::Unsupported { Reason::Unsupported } else { Reason::Corrupt };
                    self.fail(start, reason);
                    return Ok(false);
                }
            }
        }
        if self.left > 0 && self.failed.is_none() {
            let at = self.at;
            self.fail(at, Reason::Corrupt);
        }
        Ok(false)
    }

    fn header(&self, at: u64) -> Result<Option<(PageHeader, usize)>, InspectError> {
        for size in HEADER_SIZES {
            let end = at.saturating_add(size).min(self.end);
            let bytes = self.blob.bytes(at..end).map_err(|e| InspectError::read(at, &e))?;
            if let Some(found) = page_header(&bytes) {
                return Ok(Some(found));
            }
            if end == self.end {
                break;
            }
        }
        Ok(None)
    }

    /// A page out of its packed bytes; none for a dictionary, which is kept.
    fn open(&mut self, packed: Vec<u8>, header: &PageHeader, at: (u64, u64, u64)) -> Result<Option<Page>, Bad> {
        let (start, content, end) = at;
        let plain = self.chunk.codec == 0 || header.kind == 3 && !header.compressed;
        let levels = if header.kind == 3 {
            header
                .definition_len
                .checked_add(header.repetition_len)
                .filter(|&n| n <= packed.len())
                .ok_or(Bad::Corrupt)?
        } else {
            0
        };
        let data = if plain {
            packed
        } else {
            let want = header.unpacked.checked_sub(levels).ok_or(Bad::Corrupt)?;
            let mut data = packed[..levels].to_vec();
            unpack(self.chunk.codec, &packed[levels..], want, &mut data)?;
            data
        };
        if header.kind == 2 {
            self.dictionary = Dictionary::new(data, header, self.leaf.physical).ok_or(Bad::Corrupt)?;
            self.has_dictionary = true;
            return Ok(None);
        }
        let stored = plain.then_some(content);
        Page::new(data, header, self.leaf, (start, end, stored), self.has_dictionary).map(Some)
    }
}

/// Unpacks `want` bytes behind what is in `out`.
fn unpack(codec: i64, packed: &[u8], want: usize, out: &mut Vec<u8>) -> Result<(), Bad> {
    let before = out.len();
    if packed.is_empty() && want == 0 {
        return Ok(());
    }
    let limit = want as u64 + 1;
    let mut stream = |reader: &mut dyn Read| reader.take(limit).read_to_end(out).map_err(|_| Bad::Corrupt);
    match codec {
        1 => {
            if snap::raw::decompress_len(packed).ok() != Some(want) || want / 64 > packed.len() {
                return Err(Bad::Corrupt);
            }
            out.resize(before + want, 0);
            snap::raw::Decoder::new().decompress(packed, &mut out[before..]).map_err(|_| Bad::Corrupt)?;
        }
        2 => {
            stream(&mut flate2::read::MultiGzDecoder::new(packed))?;
        }
        4 => {
            stream(&mut brotli_decompressor::Decompressor::new(packed, 16 << 10))?;
        }
        5 => lz4_framed(packed, want, out)?,
        6 => {
            let mut decoder = zstd::Decoder::with_buffer(packed).map_err(|_| Bad::Corrupt)?;
            decoder.window_log_max(27).map_err(|_| Bad::Corrupt)?;
            stream(&mut decoder)?;
        }
        7 => lz4(packed, want, out)?,
        _ => return Err(Bad::Unsupported),
    }
    if out.len() - before == want { Ok(()) } else { Err(Bad::Corrupt) }
}

fn lz4(packed: &[u8], want: usize, out: &mut Vec<u8>) -> Result<(), Bad> {
    // A block makes at most 255 bytes of one.
    if want / 256 > packed.len() {
        return Err(Bad::Corrupt);
    }
    let before = out.len();
    out.resize(before + want, 0);
    let n = lz4_flex::block::decompress_into(packed, &mut out[before..]).map_err(|_| Bad::Corrupt)?;
    out.truncate(before + n);
    Ok(())
}

/// The old LZ4: blocks behind their two lengths as Hadoop writes them, or a bare block.
fn lz4_framed(packed: &[u8], want: usize, out: &mut Vec<u8>) -> Result<(), Bad> {
    let before = out.len();
    let mut rest = packed;
    while rest.len() >= 8 {
        let (unpacked, len) = (be32(rest, 0) as usize, be32(rest, 4) as usize);
        let done = out.len() - before;
        let Some(block) = rest.get(8..8 + len).filter(|_| unpacked <= want - done) else { break };
        if lz4(block, unpacked, out).is_err() {
            break;
        }
        rest = &rest[8 + len..];
    }
    if out.len() - before == want && rest.is_empty() {
        return Ok(());
    }
    out.truncate(before);
    lz4(packed, want, out)
}
