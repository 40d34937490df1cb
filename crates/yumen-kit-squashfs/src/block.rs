//! Decoders of single compressed blocks, as file systems store them. What comes out is bounded by the caller; nothing panics on broken input.

mod lz4;
mod lzma;
mod lzo;

use flate2::{Decompress, FlushDecompress, Status};

pub use lz4::lz4;
pub use lzma::{lzma_alone, lzma_raw, micro_lzma, xz};
pub use lzo::lzo;

/// A block that can't be decoded, or is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// Memory that a dictionary may take, in KiB.
const MEMORY_KIB: u32 = 32 << 10;

/// Decoders that are kept from one block to the next.
#[derive(Default)]
pub struct Decoders {
    zlib: Option<Decompress>,
    deflate: Option<Decompress>,
    zstd: Option<zstd::bulk::Decompressor<'static>>,
}

impl Decoders {
    /// A zlib stream of at most `most` bytes.
    ///
    /// # Errors
    /// When it is broken or longer.
    pub fn zlib(&mut self, input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
        let state = self.zlib.get_or_insert_with(|| Decompress::new(true));
        state.reset(true);
        match inflate(state, input, most, out)? {
            true => Ok(()),
            false => Err(Broken),
        }
    }

    /// A zlib stream of at most `most` bytes at the beginning of the input; returns its length.
    ///
    /// # Errors
    /// When it is broken or longer.
    pub fn zlib_prefix(&mut self, input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<usize, Broken> {
        self.zlib(input, most, out)?;
        let taken = self.zlib.as_ref().map_or(0, Decompress::total_in);
        usize::try_from(taken).map_err(|_| Broken)
    }

    /// A deflate stream without a header, until it ends or `most` bytes are out.
    ///
    /// # Errors
    /// When it is broken.
    pub fn deflate(&mut self, input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
        let state = self.deflate.get_or_insert_with(|| Decompress::new(false));
        state.reset(false);
        inflate(state, input, most, out).map(|_| ())
    }

    /// Zstandard frames of at most `most` bytes.
    ///
    /// # Errors
    /// When they are broken or longer.
    pub fn zstd(&mut self, input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
        let state = match &mut self.zstd {
            Some(state) => state,
            empty => empty.insert(zstd::bulk::Decompressor::new().map_err(|_| Broken)?),
        };
        out.clear();
        out.resize(most, 0);
        let n = state.decompress_to_buffer(input, &mut out[..]).map_err(|_| Broken)?;
        out.truncate(n);
        Ok(())
    }
}

/// A Zstandard frame, until it ends or `most` bytes are out.
///
/// # Errors
/// When it is broken or cut short.
pub fn zstd_part(input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
    use std::io::Read as _;
    out.clear();
    let mut reader = zstd::stream::read::Decoder::with_buffer(input).map_err(|_| Broken)?.single_frame();
    reader.window_log_max(24).map_err(|_| Broken)?;
    reader.take(most as u64).read_to_end(out).map(|_| ()).map_err(|_| Broken)
}

/// The length of the Zstandard frame that the input begins with.
#[must_use]
pub fn zstd_frame_len(input: &[u8]) -> Option<usize> {
    zstd::zstd_safe::find_frame_compressed_size(input).ok()
}

/// Whether the stream came to its end.
fn inflate(state: &mut Decompress, input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<bool, Broken> {
    out.clear();
    out.resize(most, 0);
    let result = state.decompress(input, out, FlushDecompress::Finish);
    let n = usize::try_from(state.total_out()).unwrap_or(usize::MAX).min(most);
    out.truncate(n);
    match result {
        Ok(Status::StreamEnd) => Ok(true),
        Ok(_) if n == most => Ok(false),
        _ => Err(Broken),
    }
}

#[cfg(test)]
mod tests;
