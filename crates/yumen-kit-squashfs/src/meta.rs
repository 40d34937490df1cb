//! Metadata blocks: chains of blocks of up to 8 KiB, and positions in them.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use yumen_model::{InspectError, Reason};

use crate::block::{Broken, Decoders, lz4, lzma_alone, lzma_raw, lzo, xz};
use crate::reader::Reader;
use crate::superblock::Method;

/// Decoded length of a metadata block.
pub(crate) const META: usize = 8192;
/// Decoded metadata blocks that are kept: 4 MiB.
const KEPT: usize = 512;

/// Why something could not be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing more is to be read: the engine or the source says so.
    Fatal(InspectError),
    /// The image is broken at this offset of the artifact; the rest may be whole.
    Broken(u64),
}

impl From<InspectError> for Fault {
    fn from(error: InspectError) -> Self {
        Fault::Fatal(error)
    }
}

/// The result of reading a piece of the image.
pub(crate) type Read<T> = Result<T, Fault>;

/// A position in a chain of metadata blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cursor {
    /// Where the block begins, from the superblock on.
    pub(crate) block: u64,
    /// Where in the decoded block.
    pub(crate) at: usize,
}

/// A decoded block and the place of the next one; none when it is broken.
type Block = Option<(Rc<[u8]>, u64)>;

/// The latest metadata blocks.
#[derive(Default)]
pub(crate) struct Cache {
    blocks: HashMap<u64, Block>,
    order: VecDeque<u64>,
}

impl Cache {
    fn put(&mut self, at: u64, block: Block) {
        if self.blocks.insert(at, block).is_none() {
            self.order.push_back(at);
        }
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.blocks.remove(&oldest);
        }
    }
}

/// The decoder of an image: what the superblock says, or where vendors lied there, what a block looks like.
#[derive(Default)]
pub(crate) struct Decoder {
    states: Decoders,
    /// Which form of headless LZMA fitted last.
    vendor: usize,
}

/// Properties that vendors' LZMA without a header was made with: lc 3, lp 0, pb 2; lc 0, lp 2, pb 2; lc 0, lp 0, pb 2; lc 4, lp 0, pb 2.
const VENDOR_PROPS: [u8; 4] = [0x5d, 0x6c, 0x5a, 0x5e];

impl Decoder {
    /// Decodes a block of at most `most` bytes, of exactly `exact` where that is known.
    pub(crate) fn decode(
        &mut self,
        method: Method,
        input: &[u8],
        most: usize,
        exact: Option<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), Broken> {
        let first = match method {
            Method::Gzip => self.states.zlib(input, most, out),
            Method::Lzma => lzma_alone(input, most, out),
            Method::Lzo => lzo(input, most, out),
            Method::Xz => xz(input, most, out),
            Method::Lz4 => lz4(input, most, out).and_then(|n| if n == input.len() { Ok(()) } else { Err(Broken) }),
            Method::Zstd => self.states.zstd(input, most, out),
            Method::Unknown => Err(Broken),
        };
        if first.is_ok() || !matches!(method, Method::Gzip | Method::Lzma | Method::Unknown) {
            return first;
        }
        self.sniff(method, input, most, exact, out)
    }

    /// The zlib stream that the input begins with; returns its length.
    pub(crate) fn zlib_prefix(&mut self, input: &[u8], most: usize, out: &mut Vec<u8>) -> Option<usize> {
        let sane = matches!(input, [0x78, low, ..] if (0x7800 | u16::from(*low)).is_multiple_of(31));
        sane.then(|| self.states.zlib_prefix(input, most, out).ok()).flatten()
    }

    /// Images of vendors' own tools say gzip and hold LZMA or xz.
    fn sniff(
        &mut self,
        method: Method,
        input: &[u8],
        most: usize,
        exact: Option<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), Broken> {
        match input {
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => return xz(input, most, out),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => return self.states.zstd(input, most, out),
            [0x78, low, ..] if (0x7800 | u16::from(*low)).is_multiple_of(31) => {
                return if method == Method::Gzip { Err(Broken) } else { self.states.zlib(input, most, out) };
            }
            _ => {}
        }
        if method != Method::Lzma && input.first().is_some_and(|&p| p < 225) && lzma_alone(input, most, out).is_ok() {
            return Ok(());
        }
        // Without the length in the header, or without any.
        let forms = VENDOR_PROPS.len() + 1;
        for i in 0..forms {
            let form = (self.vendor + i) % forms;
            let tried = match VENDOR_PROPS.get(form) {
                Some(&props) => lzma_raw(input, props, exact, most, out),
                None => match input.split_at_checked(5) {
                    Some(([props, ..], rest)) => lzma_raw(rest, *props, exact, most, out),
                    _ => Err(Broken),
                },
            };
            if tried.is_ok() && !out.is_empty() && exact.is_none_or(|n| n == out.len()) {
                self.vendor = form;
                return Ok(());
            }
        }
        Err(Broken)
    }
}

impl Reader<'_, '_> {
    /// The metadata block at an offset from the superblock, and where the next one begins.
    pub(crate) fn meta(&mut self, at: u64) -> Read<(Rc<[u8]>, u64)> {
        if let Some(known) = self.cache.blocks.get(&at) {
            return known.clone().ok_or(Fault::Broken(self.base.saturating_add(at)));
        }
        let block = match self.read_meta(at) {
            Ok(block) => Some(block),
            Err(Fault::Broken(_)) => None,
            Err(fatal) => return Err(fatal),
        };
        self.cache.put(at, block.clone());
        match block {
            Some(block) => Ok(block),
            None => {
                let place = self.base.saturating_add(at);
                self.damage(place)?;
                if let Some((from, size, _)) = self.meta_header(at)? {
                    self.opaque(at..from + size as u64, Reason::Corrupt)?;
                }
                Err(Fault::Broken(place))
            }
        }
    }

    /// Where the content of a metadata block begins, its length, and whether it is compressed.
    pub(crate) fn meta_header(&mut self, at: u64) -> Read<Option<(u64, usize, bool)>> {
        let head = 2 + u64::from(self.sup.checked);
        let place = self.base.saturating_add(at);
        if place.saturating_add(head) > self.limit {
            return Ok(None);
        }
        let Some(bytes) = self.to.window.array::<2>(place)? else { return Ok(None) };
        let word = self.sup.order.u16(&bytes, 0);
        let size = match word & 0x7fff {
            0 => 0x8000,
            n => usize::from(n),
        };
        Ok(Some((at + head, size, word & 0x8000 == 0)))
    }

    fn read_meta(&mut self, at: u64) -> Read<(Rc<[u8]>, u64)> {
        let broken = Fault::Broken(self.base.saturating_add(at));
        let Some((from, size, packed)) = self.meta_header(at)? else { return Err(broken) };
        if size > META * 2 || !packed && size > META {
            return Err(broken);
        }
        let stored = self.to.window.get(self.base + from, size)?;
        if stored.len() < size || self.base + from + size as u64 > self.limit {
            return Err(broken);
        }
        let block: Rc<[u8]> = if packed {
            let stored = stored.to_vec();
            let method = self.sup.method;
            // All but the last block of a table are full.
            if self.decoder.decode(method, &stored, META, None, &mut self.scratch).is_err()
                && self.decoder.decode(method, &stored, META, Some(META), &mut self.scratch).is_err()
            {
                return Err(broken);
            }
            self.scratch.as_slice().into()
        } else {
            stored.into()
        };
        let end = from + size as u64;
        self.done.add(at..end);
        Ok((block, end))
    }

    /// Reads `n` bytes from a cursor on, which is moved behind them.
    pub(crate) fn take(&mut self, cursor: &mut Cursor, n: usize) -> Read<Vec<u8>> {
        let mut out = Vec::with_capacity(n.min(1 << 16));
        while out.len() < n {
            let (block, next) = self.meta(cursor.block)?;
            let rest = block.get(cursor.at..).ok_or(Fault::Broken(self.base + cursor.block))?;
            if rest.is_empty() {
                if block.len() < META {
                    return Err(Fault::Broken(self.base + cursor.block));
                }
                *cursor = Cursor { block: next, at: 0 };
                continue;
            }
            let step = rest.len().min(n - out.len());
            out.extend_from_slice(&rest[..step]);
            cursor.at += step;
        }
        Ok(out)
    }

    /// Goes over `n` bytes without looking at them.
    pub(crate) fn skip(&mut self, cursor: &mut Cursor, n: u64) -> Read<()> {
        let mut left = n;
        while left > 0 {
            let step = left.min(META as u64);
            self.take(cursor, step as usize)?;
            left -= step;
        }
        Ok(())
    }

    /// An entry of a table whose metadata blocks are listed at `table`: `per` entries a block, `size` bytes each.
    pub(crate) fn entry(&mut self, table: u64, index: u64, size: usize) -> Read<Vec<u8>> {
        let per = (META / size) as u64;
        let mut cursor = Cursor { block: self.pointer(table, index / per)?, at: (index % per) as usize * size };
        self.take(&mut cursor, size)
    }

    /// The place of the `n`th metadata block of a table.
    pub(crate) fn pointer(&mut self, table: u64, n: u64) -> Read<u64> {
        let width = if self.sup.version < 3 { 4 } else { 8 };
        let place = self.base.saturating_add(table).saturating_add(n.saturating_mul(width));
        let bytes = if place.saturating_add(width) <= self.limit {
            self.to.window.get(place, width as usize)?
        } else {
            return Err(Fault::Broken(place));
        };
        let order = self.sup.order;
        let at = if width == 4 { u64::from(order.u32(bytes, 0)) } else { order.u64(bytes, 0) };
        if at < self.sup.len || self.base.saturating_add(at) >= self.limit {
            return Err(Fault::Broken(place));
        }
        Ok(at)
    }
}
