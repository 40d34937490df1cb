//! Decompression of the blocks of flash file systems: a few KiB each, into at most so many bytes as the block's header tells.

use std::io::Read as _;

use flate2::{Decompress, FlushDecompress, Status};
use lzma_rust2::LzmaReader;
use yumen_kit_container::lzo;

/// How a block is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// As it is.
    Stored,
    /// Zeros that are not stored.
    Zero,
    /// LZO1X.
    Lzo,
    /// Deflate without a wrapper.
    Deflate,
    /// Deflate in a zlib wrapper; without one where it has none.
    Zlib,
    /// Zstandard.
    Zstd,
    /// LZMA as OpenWrt has it in JFFS2: no header, lc, lp and pb are zero, a dictionary of 8 KiB.
    Lzma,
    /// JFFS2's run-time coder.
    Rtime,
    /// A method that is not read.
    Unknown,
}

/// Decoders kept from block to block.
pub(crate) struct Blocks {
    raw: Decompress,
    zlib: Decompress,
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    /// The block that was decoded last.
    pub(crate) output: Vec<u8>,
}

impl Blocks {
    pub(crate) fn new() -> Self {
        Blocks { raw: Decompress::new(false), zlib: Decompress::new(true), zstd: None, output: Vec::new() }
    }

    /// Decodes a block of `len` bytes into [`Blocks::output`]. Says whether all of it came out; what did come out stays.
    pub(crate) fn decode(&mut self, method: Method, input: &[u8], len: usize) -> bool {
        self.output.clear();
        let done = match method {
            Method::Stored => {
                self.output.extend_from_slice(&input[..input.len().min(len)]);
                true
            }
            Method::Zero => {
                self.output.resize(len, 0);
                true
            }
            // Some writers leave the end marker's check to the length alone.
            Method::Lzo => match lzo::decompress(input, len, &mut self.output) {
                Ok(_) => true,
                Err(_) => self.output.len() == len,
            },
            Method::Deflate => inflate(&mut self.raw, false, input, len, &mut self.output),
            Method::Zlib => {
                let wrapped = matches!(input, [cmf, flags, ..] if cmf & 15 == 8 && (u16::from(*cmf) << 8 | u16::from(*flags)) % 31 == 0);
                if wrapped {
                    inflate(&mut self.zlib, true, input, len, &mut self.output)
                } else {
                    inflate(&mut self.raw, false, input, len, &mut self.output)
                }
            }
            Method::Zstd => self.zstd(input, len),
            Method::Lzma => match LzmaReader::new(input, len as u64, 0, 0, 0, 0x2000, None) {
                Ok(reader) => reader.take(len as u64).read_to_end(&mut self.output).is_ok(),
                Err(_) => false,
            },
            Method::Rtime => rtime(input, len, &mut self.output),
            Method::Unknown => false,
        };
        done && self.output.len() == len
    }

    fn zstd(&mut self, input: &[u8], len: usize) -> bool {
        if self.zstd.is_none() {
            self.zstd = zstd::bulk::Decompressor::new().ok();
        }
        let Some(decoder) = &mut self.zstd else { return false };
        self.output.reserve(len);
        match decoder.decompress(input, len) {
            Ok(bytes) => {
                self.output = bytes;
                true
            }
            Err(_) => false,
        }
    }
}

fn inflate(decoder: &mut Decompress, wrapped: bool, input: &[u8], len: usize, output: &mut Vec<u8>) -> bool {
    decoder.reset(wrapped);
    output.resize(len, 0);
    let result = decoder.decompress(input, output, FlushDecompress::Finish);
    let produced = usize::try_from(decoder.total_out()).unwrap_or(len).min(len);
    output.truncate(produced);
    // All bytes are there although the checksum behind them may be cut off.
    matches!(result, Ok(Status::StreamEnd)) || (result.is_ok() && produced == len)
}

/// Each byte is followed by how many bytes to repeat from where the same byte stood last.
fn rtime(input: &[u8], len: usize, output: &mut Vec<u8>) -> bool {
    let mut last = [0usize; 256];
    let mut pairs = input.chunks_exact(2);
    while output.len() < len {
        let Some(&[value, repeat]) = pairs.next() else { return false };
        output.push(value);
        let from = std::mem::replace(&mut last[usize::from(value)], output.len());
        for i in from..from + usize::from(repeat) {
            if output.len() >= len {
                return false;
            }
            let Some(&b) = output.get(i) else { return false };
            output.push(b);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use yumen_kit_container::testing::noise;

    #[test]
    fn the_run_time_coder_repeats_from_where_a_byte_stood_last() {
        let mut out = Vec::new();
        // "ab", then "a" repeats what followed the first "a", the new "a" included.
        assert!(rtime(&[b'a', 0, b'b', 0, b'a', 3], 6, &mut out));
        assert_eq!(out, b"ababab");
        assert!(!rtime(&[b'a', 9], 4, &mut Vec::new()));
    }

    #[test]
    fn noise_is_refused_and_never_swells() {
        let mut blocks = Blocks::new();
        for seed in 0..300 {
            let noise = noise(seed, 200);
            for m in
                [Method::Lzo, Method::Deflate, Method::Zlib, Method::Zstd, Method::Lzma, Method::Rtime, Method::Unknown]
            {
                let whole = blocks.decode(m, &noise, 4096);
                assert!(blocks.output.len() <= 4096, "{m:?}");
                assert_eq!(whole, whole && blocks.output.len() == 4096);
            }
        }
    }
}
