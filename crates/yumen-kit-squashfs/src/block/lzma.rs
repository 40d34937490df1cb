//! LZMA in its several wrappings.

use std::io::Read;

use lzma_rust2::{LzmaReader, XzReader};

use super::{Broken, MEMORY_KIB};

/// Reads at most `most` bytes; one more is an error.
fn all(reader: impl Read, most: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
    out.clear();
    let taken = reader.take(most as u64 + 1).read_to_end(out);
    if taken.is_err() || out.len() > most { Err(Broken) } else { Ok(()) }
}

/// An xz stream of at most `most` bytes, with whatever filters; its check must hold.
///
/// # Errors
/// When it is broken or longer.
pub fn xz(input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
    all(XzReader::new_mem_limit(input, false, MEMORY_KIB), most, out)
}

/// The old `.lzma` form: a header of 13 bytes, then the stream.
///
/// # Errors
/// When it is broken or longer than `most` bytes.
pub fn lzma_alone(input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
    all(LzmaReader::new_mem_limit(input, MEMORY_KIB, None).map_err(|_| Broken)?, most, out)
}

/// A stream without a header. `len` is the length when it is known; else an end marker must come.
///
/// # Errors
/// When it is broken or longer than `most` bytes.
pub fn lzma_raw(input: &[u8], props: u8, len: Option<usize>, most: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
    let dictionary = u32::try_from(most).unwrap_or(u32::MAX).clamp(4096, MEMORY_KIB << 10);
    let len = len.map_or(u64::MAX, |n| n as u64);
    let reader = LzmaReader::new_with_props(input, len, props, dictionary, None).map_err(|_| Broken)?;
    all(reader, most, out)
}

/// MicroLZMA, as EROFS uses it: the first byte of the stream, always zero, holds the inverted properties. Decodes `len` bytes.
///
/// # Errors
/// When it is broken or shorter.
pub fn micro_lzma(input: &[u8], len: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
    let (&first, rest) = input.split_first().ok_or(Broken)?;
    let dictionary = u32::try_from(len).unwrap_or(u32::MAX).clamp(4096, MEMORY_KIB << 10);
    let stream = [0u8].as_slice().chain(rest);
    let reader = LzmaReader::new_with_props(stream, len as u64, !first, dictionary, None).map_err(|_| Broken)?;
    all(reader, len, out)?;
    if out.len() == len { Ok(()) } else { Err(Broken) }
}
