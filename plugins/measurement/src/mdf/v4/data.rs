//! Data blocks of MDF 4 as one stream: plain, in lists, deflated, transposed.

use std::io::Read as _;
use std::ops::Range;

use yumen_kit_container::window::num::{le32, le64};
use yumen_model::{Blob, InspectError, Label, Reason};

use super::Blocks;
use crate::out::Out;

/// Most pieces of a stream.
const MAX_PIECES: usize = 1 << 20;
/// Largest piece that is held decompressed; the standard recommends 4 MiB.
const MAX_PIECE: u64 = 64 << 20;

#[derive(Clone, Copy, Debug)]
enum Method {
    Plain,
    Deflate,
    /// Deflated after the bytes were transposed; the length of a row.
    Transposed(u32),
}

#[derive(Clone, Debug)]
struct Piece {
    /// Where it begins in the stream.
    start: u64,
    len: u64,
    stored: Range<u64>,
    method: Method,
}

/// What several data blocks hold, one after another.
#[derive(Default)]
pub(super) struct Stream {
    pieces: Vec<Piece>,
    len: u64,
    /// The piece that is held, and whether it could be decompressed.
    held: Option<usize>,
    bytes: Vec<u8>,
    told: Vec<bool>,
    unpacked: usize,
}

impl Stream {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Where a byte of the stream stands in the artifact.
    pub(super) fn place(&self, offset: u64) -> u64 {
        let i = self.pieces.partition_point(|p| p.start <= offset).saturating_sub(1);
        self.pieces.get(i).map_or(0, |p| match p.method {
            Method::Plain => p.stored.start + (offset - p.start).min(p.len),
            _ => p.stored.start,
        })
    }

    /// The extents of the stream in the artifact, if nothing in it is compressed.
    pub(super) fn extents(&self) -> Option<Vec<yumen_model::Extent>> {
        let plain = self.pieces.iter().all(|p| matches!(p.method, Method::Plain));
        plain.then(|| self.pieces.iter().map(|p| yumen_model::Extent::of(p.stored.clone())).collect())
    }

    /// The stream that begins with the block at an address.
    pub(super) fn open(address: u64, blocks: &mut Blocks, out: &mut Out<'_>) -> Result<Stream, InspectError> {
        let mut stream = Stream::default();
        let mut next = address;
        let mut lists = 0u32;
        while next != 0 && stream.pieces.len() < MAX_PIECES {
            let Some(block) = blocks.header(next, out)? else { break };
            match &block.id {
                b"HL" => next = block.links.first().copied().unwrap_or(0),
                b"DL" | b"LD" => {
                    let body = blocks.body(&block, 16, out)?;
                    let flags = le32(&body, 0);
                    let count = le32(&body, 4);
                    let data = &block.links[1.min(block.links.len())..];
                    // Of a list with blocks for invalidation bits only the data is read.
                    let invalid = &block.id == b"LD" && flags & 0x8000_0000 != 0;
                    let n = if invalid { data.len() / 2 } else { data.len() }.min((count as usize).max(1));
                    for &address in &data[..n] {
                        stream.piece(address, blocks, out)?;
                    }
                    next = block.links.first().copied().unwrap_or(0);
                    lists += 1;
                    if lists as usize > MAX_PIECES || blocks.seen_list(block.at) {
                        break;
                    }
                }
                _ => {
                    stream.piece(next, blocks, out)?;
                    break;
                }
            }
        }
        Ok(stream)
    }

    fn piece(&mut self, address: u64, blocks: &mut Blocks, out: &mut Out<'_>) -> Result<(), InspectError> {
        if address == 0 || self.pieces.len() >= MAX_PIECES {
            return Ok(());
        }
        let Some(block) = blocks.header(address, out)? else { return Ok(()) };
        let head = 24 + 8 * block.links.len() as u64;
        let mut stored = block.at + head..block.at + block.len;
        let (len, method) = match &block.id {
            b"DT" | b"SD" | b"DV" | b"DI" | b"RD" | b"RV" | b"RI" => {
                // A recorder that was cut off did not write the length any more.
                if blocks.unfinalised && stored.is_empty() {
                    stored = block.at + head..blocks.next_block(block.at + head, out);
                }
                (stored.end - stored.start, Method::Plain)
            }
            b"DZ" => {
                let body = blocks.body(&block, 24, out)?;
                let original = le64(&body, 8);
                let packed = le64(&body, 16);
                stored = stored.start + 24
                    ..(stored.start + 24).saturating_add(packed).min(stored.end.max(stored.start + 24));
                out.to.container(block.at..stored.start)?;
                let method = match body.get(2) {
                    Some(0) => Method::Deflate,
                    Some(1) => Method::Transposed(le32(&body, 4)),
                    _ => {
                        out.to.tell_at("unsupported-method", block.at);
                        return out.to.opaque(stored, Reason::Unsupported);
                    }
                };
                if original > MAX_PIECE || original > (packed + 64).saturating_mul(1100) {
                    out.to.tell_at("limit", block.at);
                    return out.to.opaque(stored, Reason::Limit);
                }
                (original, method)
            }
            _ => {
                out.to.tell_at("bad-entry", block.at);
                return Ok(());
            }
        };
        out.to.container(block.at..stored.start)?;
        blocks.stored = blocks.stored.saturating_add(stored.end.saturating_sub(stored.start));
        if blocks.stored > out.to.len().saturating_mul(4) {
            out.to.tell_at("limit", block.at);
            return out.to.opaque(stored, Reason::Limit);
        }
        if len == 0 {
            return Ok(());
        }
        self.pieces.push(Piece { start: self.len, len, stored, method });
        self.told.push(false);
        self.len = self.len.saturating_add(len);
        Ok(())
    }

    /// Bytes of the stream: fewer only at its end. What can't be decompressed reads as zeros, and is told.
    pub(super) fn read(
        &mut self,
        offset: u64,
        len: usize,
        into: &mut Vec<u8>,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        into.clear();
        let mut at = offset;
        let end = offset.saturating_add(len as u64).min(self.len);
        while at < end {
            let i = self.pieces.partition_point(|p| p.start <= at).saturating_sub(1);
            let Some(p) = self.pieces.get(i).cloned() else { break };
            let n = (p.start + p.len - at).min(end - at);
            if n == 0 {
                break;
            }
            let from = at - p.start;
            if matches!(p.method, Method::Plain) {
                let before = into.len();
                into.resize(before + usize::try_from(n).unwrap_or(0), 0);
                let place = p.stored.start + from;
                out.to.blob.read_exact_at(place, &mut into[before..]).map_err(|e| InspectError::read(place, &e))?;
                self.tell(i, true, out)?;
            } else {
                if self.held != Some(i) {
                    // Offsets that jump to and fro would have every piece decompressed over and over.
                    self.unpacked += 1;
                    if self.unpacked > self.pieces.len() * 8 + 64 {
                        out.to.tell_at("limit", p.stored.start);
                        return Ok(());
                    }
                    self.held = None;
                    let good = unpack(&p, out.to.blob, &mut self.bytes)?;
                    self.held = Some(i);
                    self.tell(i, good, out)?;
                }
                let from = usize::try_from(from).unwrap_or(0);
                let to = from + usize::try_from(n).unwrap_or(0);
                into.extend_from_slice(self.bytes.get(from..to).unwrap_or(&[]));
            }
            at += n;
        }
        Ok(())
    }

    /// Labels a piece when it is read for the first time.
    fn tell(&mut self, i: usize, good: bool, out: &mut Out<'_>) -> Result<(), InspectError> {
        let (Some(told), Some(p)) = (self.told.get_mut(i), self.pieces.get(i)) else { return Ok(()) };
        if std::mem::replace(told, true) {
            return Ok(());
        }
        if good {
            return out.to.label(p.stored.clone(), Label::Inspected);
        }
        out.to.tell_at("bad-entry", p.stored.start);
        out.to.opaque(p.stored.clone(), Reason::Corrupt)
    }

    /// Labels what no record led to (numbers that no reader asks for): it is read so that a broken block is told.
    pub(super) fn rest(&mut self, out: &mut Out<'_>) -> Result<(), InspectError> {
        for i in 0..self.pieces.len() {
            if self.told.get(i) == Some(&false)
                && let Some(p) = self.pieces.get(i).cloned()
            {
                let good = matches!(p.method, Method::Plain) || {
                    self.held = None;
                    unpack(&p, out.to.blob, &mut self.bytes)?
                };
                self.tell(i, good, out)?;
            }
        }
        Ok(())
    }
}

/// Decompresses a piece; it is as long as it should be in any case. Whether all of it is there.
fn unpack(p: &Piece, blob: &Blob, into: &mut Vec<u8>) -> Result<bool, InspectError> {
    into.clear();
    let len = usize::try_from(p.len.min(MAX_PIECE)).unwrap_or(0);
    let packed = blob.slice(&[yumen_model::Extent::of(p.stored.clone())]);
    let reader = std::io::BufReader::with_capacity(64 << 10, packed.reader());
    let read = flate2::bufread::ZlibDecoder::new(reader).take(p.len).read_to_end(into);
    let good = read.is_ok() && into.len() == len;
    into.resize(len, 0);
    if let Method::Transposed(row) = p.method
        && row > 1
    {
        *into = untranspose(into, row as usize);
    }
    Ok(good)
}

/// Back to rows: what stands first is all first bytes of the rows, and so on; a last row that is not whole stands at the end as it is.
fn untranspose(bytes: &[u8], row: usize) -> Vec<u8> {
    let rows = bytes.len() / row;
    let mut out = vec![0; bytes.len()];
    for column in 0..row {
        for (r, &b) in bytes[column * rows..(column + 1) * rows].iter().enumerate() {
            out[r * row + column] = b;
        }
    }
    let whole = rows * row;
    out[whole..].copy_from_slice(&bytes[whole..]);
    out
}

#[cfg(test)]
mod tests {
    use super::untranspose;

    #[test]
    fn rows_come_back() {
        assert_eq!(untranspose(b"adbecfxy", 3), b"abcdefxy");
        assert_eq!(untranspose(b"ab", 3), b"ab");
        assert_eq!(untranspose(b"", 3), b"");
    }
}
