//! Compressed streams inside of a kernel: where they begin and, what matters more, where they end.

use std::io::{self, BufReader, Read};
use std::ops::Range;

use memchr::memmem::Finder;
use yumen_kit_container::window::num::{le16, le32};
use yumen_kit_container::window::sweep;
use yumen_model::blob::BlobReader;
use yumen_model::{Blob, InspectError};

/// Bytes that may be decoded to find the ends of streams in one kernel.
pub(super) const BUDGET: u64 = 1 << 30;

/// A stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) range: Range<u64>,
    pub(super) kind: &'static str,
    pub(super) suffix: &'static str,
}

/// Compressions by the first bytes: magic, name, suffix.
const KINDS: [(&[u8], &str, &str); 7] = [
    (b"\x1f\x8b\x08", "gzip", "gz"),
    (b"\xfd7zXZ\x00", "xz", "xz"),
    (b"\x02\x21\x4c\x18", "lz4", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zst"),
    (b"BZh", "bzip2", "bz2"),
    (b"\x89LZO\x00\r\n\x1a\n", "lzo", "lzo"),
    (b"\x5d\x00\x00", "lzma", "lzma"),
];

/// The first stream in a range that holds up to its end.
pub(super) fn first(blob: &Blob, range: Range<u64>) -> Result<Option<Stream>, InspectError> {
    let finders = KINDS.map(|(magic, ..)| Finder::new(magic));
    let mut hits: Vec<u64> = Vec::new();
    sweep(blob, range.clone(), 8, |at, bytes| {
        for finder in &finders {
            hits.extend(finder.find_iter(bytes).map(|i| at + i as u64));
        }
        (hits.len() > 4096).then_some(())
    })?;
    hits.sort_unstable();
    hits.dedup();
    let mut budget = BUDGET;
    for hit in hits {
        if let Some(found) = at(blob, hit, range.end, &mut budget)?.filter(|f| f.range.end - f.range.start >= 1024) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The stream at an offset, if one begins there and ends before `limit`.
pub(super) fn at(blob: &Blob, at: u64, limit: u64, budget: &mut u64) -> Result<Option<Stream>, InspectError> {
    let mut head = [0; 32];
    let n = blob.read_at(at, &mut head).map_err(|e| InspectError::read(at, &e))?;
    let head = &head[..n];
    let Some(&(_, kind, suffix)) = KINDS.iter().find(|(magic, ..)| head.starts_with(magic)) else { return Ok(None) };
    let end = match kind {
        "gzip" => decoded(blob, at..limit, budget, |r| Member::Gzip(Box::new(flate2::bufread::GzDecoder::new(r)))),
        "bzip2" => decoded(blob, at..limit, budget, |r| Member::Bzip2(bzip2::bufread::BzDecoder::new(r))),
        "xz" => xz(blob, at, limit)?,
        "lz4" => lz4(blob, at, limit)?,
        "zstd" => zstd(blob, at, limit)?,
        // A kernel's stream takes all the room up to the end.
        "lzo" => Some(limit),
        _ => {
            let dictionary = le32(head, 1);
            let plausible = dictionary.is_power_of_two() && dictionary >= 1 << 16 && head.get(13) == Some(&0);
            (plausible && limit - at > 1 << 16).then_some(limit.saturating_sub(4))
        }
    };
    Ok(end.filter(|&end| end <= limit && end > at).map(|end| Stream { range: at..end, kind, suffix }))
}

type Input = BufReader<BlobReader>;

enum Member {
    Gzip(Box<flate2::bufread::GzDecoder<Input>>),
    Bzip2(bzip2::bufread::BzDecoder<Input>),
}

impl Read for Member {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Member::Gzip(d) => d.read(buffer),
            Member::Bzip2(d) => d.read(buffer),
        }
    }
}

impl Member {
    fn input(&self) -> &Input {
        match self {
            Member::Gzip(d) => d.get_ref(),
            Member::Bzip2(d) => d.get_ref(),
        }
    }
}

/// Decodes one member and tells where it ended; none when it is broken.
fn decoded(blob: &Blob, range: Range<u64>, budget: &mut u64, open: impl Fn(Input) -> Member) -> Option<u64> {
    let reader = BufReader::with_capacity(64 << 10, blob.range(range.clone()).reader());
    let mut member = open(reader);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match member.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => *budget = budget.checked_sub(n as u64)?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => {
                // Candidates that fail late cost as well.
                *budget = budget.saturating_sub(64 << 10);
                return None;
            }
        }
    }
    let input = member.input();
    Some(range.start + input.get_ref().position() - input.buffer().len() as u64)
}

/// Up to the first footer whose checksum and flags match those of the header.
fn xz(blob: &Blob, at: u64, limit: u64) -> Result<Option<u64>, InspectError> {
    let mut head = [0; 12];
    if blob.read_at(at, &mut head).map_err(|e| InspectError::read(at, &e))? < 12 {
        return Ok(None);
    }
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    };
    if crc(&head[6..8]) != le32(&head, 8) {
        return Ok(None);
    }
    let finder = Finder::new(b"YZ");
    sweep(blob, at + 12..limit, 12, |piece, bytes| {
        finder.find_iter(bytes).find_map(|i| {
            let footer = bytes.get(i.checked_sub(10)?..i + 2)?;
            let sure = footer[8..10] == head[6..8] && crc(&footer[4..10]) == le32(footer, 0);
            sure.then_some(piece + i as u64 + 2)
        })
    })
}

/// Blocks of a legacy frame, up to a length that none can have.
fn lz4(blob: &Blob, at: u64, limit: u64) -> Result<Option<u64>, InspectError> {
    const MOST: u64 = (8 << 20) + (8 << 20) / 255 + 16;
    let mut next = at + 4;
    let mut blocks = 0;
    while next + 4 <= limit {
        let mut size = [0; 4];
        blob.read_exact_at(next, &mut size).map_err(|e| InspectError::read(next, &e))?;
        let size = u64::from(u32::from_le_bytes(size));
        if size == 0 || size > MOST || next + 4 + size > limit {
            break;
        }
        next += 4 + size;
        blocks += 1;
    }
    Ok((blocks > 0).then_some(next))
}

/// Frame header, blocks, checksum.
fn zstd(blob: &Blob, at: u64, limit: u64) -> Result<Option<u64>, InspectError> {
    let mut head = [0; 5];
    if blob.read_at(at, &mut head).map_err(|e| InspectError::read(at, &e))? < 5 || head[4] & 8 != 0 {
        return Ok(None);
    }
    let flags = head[4];
    let single = flags & 0x20 != 0;
    let content = match flags >> 6 {
        0 => u64::from(single),
        n => 1 << n,
    };
    let dictionary = [0, 1, 2, 4][usize::from(flags & 3)];
    let mut next = at + 5 + u64::from(!single) + dictionary + content;
    loop {
        let mut block = [0; 4];
        if next + 3 > limit {
            return Ok(None);
        }
        blob.read_exact_at(next, &mut block[..3]).map_err(|e| InspectError::read(next, &e))?;
        let header = u32::from(le16(&block, 0)) | u32::from(block[2]) << 16;
        let size = match header >> 1 & 3 {
            1 => 1,
            3 => return Ok(None),
            _ => u64::from(header >> 3),
        };
        next += 3 + size;
        if size > 128 << 10 || next > limit {
            return Ok(None);
        }
        if header & 1 != 0 {
            let end = next + if flags & 4 == 0 { 0 } else { 4 };
            return Ok((end <= limit).then_some(end));
        }
    }
}
