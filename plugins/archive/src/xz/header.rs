//! Block headers and the numbers of variable length.

use lzma_rust2::{FilterConfig, FilterType};

use super::check::{Crc32, crc32};
use crate::stream::codec::Fault;
use crate::stream::{Halt, Run};

/// What a block header says.
pub(super) struct Block {
    /// Stored length of the compressed data, where it is told.
    pub(super) packed: Option<u64>,
    /// Stored length of the data, where it is told.
    pub(super) unpacked: Option<u64>,
    /// Filters before LZMA2, in the order of encoding.
    pub(super) filters: Vec<FilterConfig>,
    /// Size of the LZMA2 dictionary.
    pub(super) dictionary: u32,
}

impl Block {
    /// Reads a whole block header (xz-file-format 3.1).
    pub(super) fn parse(head: &[u8]) -> Result<Block, Fault> {
        let (body, stored) = head.split_last_chunk::<4>().ok_or(Fault::TRUNCATED)?;
        if crc32(body) != u32::from_le_bytes(*stored) {
            return Err(Fault::CORRUPT);
        }
        let flags = *body.get(1).ok_or(Fault::CORRUPT)?;
        if flags & 0x3C != 0 {
            return Err(Fault::UNSUPPORTED);
        }
        let mut rest = body.get(2..).unwrap_or(&[]);
        let packed = if flags & 0x40 != 0 { Some(number(&mut rest)?) } else { None };
        let unpacked = if flags & 0x80 != 0 { Some(number(&mut rest)?) } else { None };
        let count = usize::from(flags & 3) + 1;
        let mut filters = Vec::new();
        let mut dictionary = None;
        for i in 0..count {
            let id = number(&mut rest)?;
            let size = usize::try_from(number(&mut rest)?).map_err(|_| Fault::CORRUPT)?;
            let properties = rest.get(..size).ok_or(Fault::CORRUPT)?;
            rest = &rest[size..];
            let kind = FilterType::try_from(id).map_err(|()| Fault::UNSUPPORTED)?;
            match (kind, properties) {
                (FilterType::Lzma2, [size]) if i + 1 == count => dictionary = Some(dictionary_size(*size)?),
                (FilterType::Lzma2, _) => return Err(Fault::CORRUPT),
                (FilterType::Delta, [distance]) => {
                    filters.push(FilterConfig { filter_type: kind, property: u32::from(*distance) + 1 });
                }
                (FilterType::Delta, _) => return Err(Fault::CORRUPT),
                (_, []) => filters.push(FilterConfig { filter_type: kind, property: 0 }),
                (_, [a, b, c, d]) => {
                    let start = u32::from_le_bytes([*a, *b, *c, *d]);
                    filters.push(FilterConfig { filter_type: kind, property: start });
                }
                _ => return Err(Fault::CORRUPT),
            }
        }
        if rest.iter().any(|&b| b != 0) {
            return Err(Fault::UNSUPPORTED);
        }
        Ok(Block { packed, unpacked, filters, dictionary: dictionary.ok_or(Fault::CORRUPT)? })
    }
}

/// The size of an LZMA2 dictionary in bytes, from its property byte.
pub(crate) fn dictionary_size(property: u8) -> Result<u32, Fault> {
    match property {
        0..40 => Ok((2 | u32::from(property & 1)) << (property / 2 + 11)),
        40 => Ok(u32::MAX),
        _ => Err(Fault::CORRUPT),
    }
}

/// A number of up to nine bytes, low bits first (xz-file-format 1.2).
fn number(bytes: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0u64;
    for i in 0..9 {
        let (&byte, rest) = bytes.split_first().ok_or(Fault::CORRUPT)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return if byte == 0 && i > 0 { Err(Fault::CORRUPT) } else { Ok(value) };
        }
    }
    Err(Fault::CORRUPT)
}

/// A number of the index.
pub(super) fn read_number(run: &mut Run<'_>, crc: &mut Crc32) -> Result<u64, Halt> {
    let window = run.input.peek(9)?;
    let mut rest = window;
    let value = number(&mut rest).map_err(|_| if window.len() < 9 { Fault::TRUNCATED } else { Fault::CORRUPT })?;
    let n = window.len() - rest.len();
    crc.update(&window[..n]);
    run.input.consume(n);
    Ok(value)
}
