//! A forward reader: records one after another out of a range of the artifact or out of a compressed chunk, in bounded memory.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::rc::Rc;

use bzip2::bufread::MultiBzDecoder;
use lz4_flex::frame::FrameDecoder;
use yumen_model::blob::BlobReader;
use yumen_model::{Blob, InspectError};

/// Bytes read at once after a jump; doubles with each reading that goes on from there.
const FIRST: usize = 8 << 10;
/// Bytes read at once when the reads go forward.
const MOST: usize = 512 << 10;
/// The largest window a zstd frame may ask for, as a power of two: 128 MiB.
const ZSTD_WINDOW: u32 = 27;

/// How a chunk is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// LZ4 frames.
    Lz4,
    /// bzip2 streams.
    Bzip2,
    /// Zstandard frames.
    Zstd,
}

impl Codec {
    /// What begins as a frame of these.
    pub(crate) fn of_frame(bytes: &[u8]) -> Option<Self> {
        match bytes.first_chunk::<4>()? {
            [0x28, 0xB5, 0x2F, 0xFD] => Some(Codec::Zstd),
            [0x04, 0x22, 0x4D, 0x18] => Some(Codec::Lz4),
            _ => None,
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Codec::Lz4 => "lz4",
            Codec::Bzip2 => "bz2",
            Codec::Zstd => "zstd",
        }
    }

    /// Decodes something short as a whole; `most` bytes and one more at most. Whether it held.
    pub(crate) fn decode(self, bytes: &[u8], most: u64, into: &mut Vec<u8>) -> bool {
        let decoded = match self {
            Codec::Lz4 => FrameDecoder::new(bytes).take(most + 1).read_to_end(into),
            Codec::Bzip2 => MultiBzDecoder::new(bytes).take(most + 1).read_to_end(into),
            Codec::Zstd => zstd::stream::read::Decoder::with_buffer(bytes)
                .and_then(|mut d| d.window_log_max(ZSTD_WINDOW).map(|()| d))
                .and_then(|d| d.take(most + 1).read_to_end(into)),
        };
        decoded.is_ok()
    }
}

enum Source {
    Blob { blob: Blob, at: u64 },
    Decoder(Box<dyn Read>),
}

/// Encoded bytes on their way into a decoder; counts what the decoder took.
struct Encoded {
    reader: BlobReader,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    taken: Rc<Cell<u64>>,
}

impl BufRead for Encoded {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.filled {
            self.start = 0;
            self.filled = 0;
            self.filled = self.reader.read(&mut self.buffer)?;
        }
        Ok(&self.buffer[self.start..self.filled])
    }

    fn consume(&mut self, n: usize) {
        self.start = (self.start + n).min(self.filled);
        self.taken.set(self.taken.get() + n as u64);
    }
}

impl Read for Encoded {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let n = from.len().min(buf.len());
        buf[..n].copy_from_slice(&from[..n]);
        self.consume(n);
        Ok(n)
    }
}

/// Bytes in order. [`Feed::need`] shows the next ones, [`Feed::consume`] and [`Feed::skip`] go on.
pub(crate) struct Feed {
    source: Source,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    position: u64,
    step: usize,
    /// Bytes that may still be decoded.
    left: u64,
    broken: bool,
    taken: Rc<Cell<u64>>,
    crc: Option<crc32fast::Hasher>,
}

impl Feed {
    fn new(source: Source, left: u64, taken: Rc<Cell<u64>>) -> Self {
        Feed {
            source,
            buffer: Vec::new(),
            start: 0,
            filled: 0,
            position: 0,
            step: FIRST,
            left,
            broken: false,
            taken,
            crc: None,
        }
    }

    /// The bytes of a range as they stand. Positions count from the start of the range.
    pub(crate) fn stored(blob: &Blob, range: Range<u64>) -> Self {
        let end = range.end.min(blob.len());
        let at = range.start.min(end);
        Feed::new(Source::Blob { blob: blob.clone(), at }, end - at, Rc::default())
    }

    /// What is decoded from a range, `most` bytes at most.
    pub(crate) fn decoded(blob: &Blob, range: Range<u64>, codec: Codec, most: u64) -> Result<Self, InspectError> {
        let taken = Rc::new(Cell::new(0));
        let reader = blob.range(range.clone()).reader();
        let size = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(MOST).clamp(1, 128 << 10);
        let encoded = Encoded { reader, buffer: vec![0; size], start: 0, filled: 0, taken: Rc::clone(&taken) };
        let decoder: Box<dyn Read> = match codec {
            Codec::Lz4 => Box::new(FrameDecoder::new(encoded)),
            Codec::Bzip2 => Box::new(MultiBzDecoder::new(encoded)),
            Codec::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(encoded)
                    .map_err(|_| InspectError::unsupported("the decompressor could not be set up"))?;
                decoder
                    .window_log_max(ZSTD_WINDOW)
                    .map_err(|_| InspectError::unsupported("the decompressor could not be set up"))?;
                Box::new(decoder)
            }
        };
        let mut feed = Feed::new(Source::Decoder(decoder), most, taken);
        feed.step = usize::try_from(most).unwrap_or(MOST).clamp(1, MOST);
        Ok(feed)
    }

    /// Has everything counted into a CRC-32.
    pub(crate) fn with_crc(mut self) -> Self {
        self.crc = Some(crc32fast::Hasher::new());
        self
    }

    /// The CRC-32 of all that was read.
    pub(crate) fn crc(&self) -> Option<u32> {
        self.crc.as_ref().map(|c| c.clone().finalize())
    }

    /// Offset of the next byte from where the feed began.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Whether decoding failed: what was read before holds.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Encoded bytes that the decoder took.
    pub(crate) fn encoded(&self) -> u64 {
        self.taken.get()
    }

    /// The next `n` bytes, fewer only where the data ends or breaks.
    pub(crate) fn need(&mut self, n: usize) -> Result<&[u8], InspectError> {
        while self.filled - self.start < n && self.fill(n)? {}
        let end = self.filled.min(self.start.saturating_add(n));
        Ok(&self.buffer[self.start..end])
    }

    /// Reads more; false at the end. `n` is the number of bytes that are wanted in all.
    fn fill(&mut self, n: usize) -> Result<bool, InspectError> {
        if self.left == 0 || self.broken {
            return Ok(false);
        }
        let have = self.filled - self.start;
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.start = 0;
            self.filled = have;
        }
        // A length that is only claimed takes no memory: the buffer grows with what is there.
        let more = (n - have).max(self.step).min(have.max(self.step));
        let more = usize::try_from(self.left).unwrap_or(usize::MAX).min(more);
        self.step = (self.step * 2).min(MOST);
        if self.buffer.len() < have + more {
            self.buffer.resize(have + more, 0);
        }
        let target = &mut self.buffer[have..have + more];
        let got = match &mut self.source {
            Source::Blob { blob, at } => {
                blob.read_exact_at(*at, target).map_err(|e| InspectError::read(*at, &e))?;
                *at += more as u64;
                more
            }
            Source::Decoder(decoder) => {
                let mut got = 0;
                while got < more {
                    match decoder.read(&mut target[got..]) {
                        Ok(0) => {
                            self.left = got as u64;
                            break;
                        }
                        Ok(k) => got += k,
                        Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                        Err(e) if e.kind() == io::ErrorKind::TimedOut => return Err(InspectError::read(0, &e)),
                        Err(_) => {
                            self.broken = true;
                            break;
                        }
                    }
                }
                got
            }
        };
        if let Some(crc) = &mut self.crc {
            crc.update(&self.buffer[have..have + got]);
        }
        self.left -= got as u64;
        self.filled = have + got;
        Ok(got > 0)
    }

    /// Whether the decoder has nothing more to give and its own checksum holds, once all that was asked for is read.
    pub(crate) fn ends_here(&mut self) -> bool {
        match &mut self.source {
            Source::Blob { .. } => true,
            Source::Decoder(decoder) => !self.broken && matches!(decoder.read(&mut [0; 1]), Ok(0)),
        }
    }

    /// Steps over bytes that [`Feed::need`] has shown.
    pub(crate) fn consume(&mut self, n: usize) {
        let n = n.min(self.filled - self.start);
        self.start += n;
        self.position += n as u64;
    }

    /// Steps over `n` bytes; returns how many there were.
    pub(crate) fn skip(&mut self, n: u64) -> Result<u64, InspectError> {
        let mut skipped = 0;
        loop {
            let have = (self.filled - self.start) as u64;
            let step = have.min(n - skipped);
            self.consume(usize::try_from(step).unwrap_or(0));
            skipped += step;
            if skipped == n {
                return Ok(n);
            }
            if let (Source::Blob { at, .. }, None) = (&mut self.source, &self.crc) {
                let jump = (n - skipped).min(self.left);
                *at += jump;
                self.left -= jump;
                self.position += jump;
                self.step = FIRST;
                return Ok(skipped + jump);
            }
            if !self.fill(1)? {
                return Ok(skipped);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use yumen_kit_container::testing::{noise, prose};

    fn read_all(mut feed: Feed) -> Vec<u8> {
        let mut all = Vec::new();
        let mut want = 1;
        loop {
            let got = feed.need(want).unwrap().to_vec();
            if got.is_empty() {
                return all;
            }
            assert_eq!(feed.position(), all.len() as u64);
            feed.consume(got.len());
            all.extend_from_slice(&got);
            want = want * 3 + 1;
        }
    }

    #[test]
    fn every_codec_gives_the_same_bytes() {
        let data = [prose(700_000), noise(3, 300_000)].concat();
        let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bz.write_all(&data).unwrap();
        let info = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
        let mut lz = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
        lz.write_all(&data).unwrap();
        let packed = [
            (Codec::Bzip2, bz.finish().unwrap()),
            (Codec::Lz4, lz.finish().unwrap()),
            (Codec::Zstd, zstd::encode_all(&data[..], 3).unwrap()),
        ];
        let crc = crc32fast::hash(&data);
        for (codec, bytes) in packed {
            let blob = Blob::from_bytes([b"head", &bytes[..]].concat());
            let range = 4..blob.len();
            let feed = Feed::decoded(&blob, range.clone(), codec, data.len() as u64).unwrap();
            assert!(read_all(feed) == data, "{codec:?}");
            // No more than was asked for, and skipping counts.
            let mut feed = Feed::decoded(&blob, range.clone(), codec, 1000).unwrap();
            assert_eq!(feed.skip(5000).unwrap(), 1000);
            assert!(!feed.ends_here());
            let mut feed = Feed::decoded(&blob, range.clone(), codec, data.len() as u64).unwrap();
            assert_eq!(feed.skip(u64::MAX).unwrap(), data.len() as u64);
            assert!(feed.ends_here(), "{codec:?}");
            let mut feed = Feed::decoded(&blob, range.clone(), codec, 1 << 40).unwrap().with_crc();
            assert_eq!(feed.skip(u64::MAX).unwrap(), data.len() as u64);
            assert_eq!((feed.crc(), feed.is_broken()), (Some(crc), false));
            // A cut stream gives what stands before the cut.
            let mut feed = Feed::decoded(&blob, 4..blob.len() - 9000, codec, 1 << 40).unwrap();
            let got = feed.skip(u64::MAX).unwrap();
            assert!(got > 0 && got < data.len() as u64, "{codec:?} {got}");
            assert!(feed.is_broken(), "{codec:?}");
        }
    }

    #[test]
    fn a_range_is_read_and_skipped() {
        let data = noise(1, 3_000_000);
        let blob = Blob::from_bytes(data.clone());
        assert!(read_all(Feed::stored(&blob, 10..2_999_999)) == data[10..2_999_999]);
        let mut feed = Feed::stored(&blob, 0..5_000_000);
        assert_eq!(feed.need(4).unwrap(), &data[..4]);
        assert_eq!(feed.skip(2_000_000).unwrap(), 2_000_000);
        assert_eq!(feed.need(9).unwrap(), &data[2_000_000..2_000_009]);
        assert_eq!(feed.position(), 2_000_000);
        assert_eq!(feed.skip(9_000_000).unwrap(), 1_000_000);
        assert_eq!(feed.need(1).unwrap(), b"");
    }
}
