//! How the data of an archive is stored (7zFormat.txt, "Streams Info").

use std::ops::Range;
use std::rc::Rc;

use super::SIGNATURE;
use super::cursor::{Cursor, MAX_ITEMS};
use crate::stream::codec::Fault;

const END: u8 = 0x00;
const PACK_INFO: u8 = 0x06;
const UNPACK_INFO: u8 = 0x07;
const SUBSTREAMS: u8 = 0x08;
const SIZE: u8 = 0x09;
const CRC: u8 = 0x0A;
const FOLDER: u8 = 0x0B;
const UNPACK_SIZE: u8 = 0x0C;
const NUM_UNPACK_STREAM: u8 = 0x0D;

/// As many as 7-Zip takes.
const MAX_CODERS: u64 = 64;
const MAX_STREAMS: u64 = 64;
/// Most ways of decoding; archives use one or two.
const MAX_SHAPES: usize = 4096;

/// Method of AES-256 with SHA-256.
const AES: u64 = 0x06F1_0701;

/// One step of a block's decoding.
pub(super) struct Coder {
    /// Number of the method.
    pub(super) method: u64,
    /// Streams that go in; one comes out.
    pub(super) inputs: usize,
    /// Parameters of the method.
    pub(super) properties: Vec<u8>,
}

/// How blocks are decoded; most blocks of an archive share it.
pub(super) struct Shape {
    pub(super) coders: Vec<Coder>,
    /// Pairs (input stream, coder whose output feeds it).
    pub(super) binds: Vec<(usize, usize)>,
    /// The input streams that are read from the archive, in the order in which they are stored.
    pub(super) packed: Vec<usize>,
}

/// A block.
pub(super) struct Folder {
    pub(super) shape: Rc<Shape>,
    /// Length of each coder's output.
    pub(super) sizes: Box<[u64]>,
    pub(super) crc: Option<u32>,
    /// Files in it.
    pub(super) substreams: usize,
    /// Index of its first stored stream.
    first_pack: usize,
}

impl Shape {
    fn parse(from: &mut Cursor<'_>) -> Result<Shape, Fault> {
        let count = from.number()?;
        if count == 0 || count > MAX_CODERS {
            return Err(Fault::CORRUPT);
        }
        let mut coders = Vec::new();
        let mut inputs = 0u64;
        for _ in 0..count {
            let flags = from.byte()?;
            let method = from.take(usize::from(flags & 0xF))?;
            if method.len() > 8 || flags & 0xC0 != 0 {
                return Err(Fault::UNSUPPORTED);
            }
            let method = method.iter().fold(0, |n, &b| n << 8 | u64::from(b));
            let (ins, outs) = if flags & 0x10 != 0 { (from.number()?, from.number()?) } else { (1, 1) };
            inputs = inputs.saturating_add(ins);
            if outs != 1 || ins == 0 || inputs > MAX_STREAMS {
                return Err(Fault::UNSUPPORTED);
            }
            let properties = if flags & 0x20 != 0 {
                let n = from.count(1)?;
                from.take(n)?.to_vec()
            } else {
                Vec::new()
            };
            coders.push(Coder { method, inputs: usize::try_from(ins).map_err(|_| Fault::CORRUPT)?, properties });
        }
        let inputs = usize::try_from(inputs).map_err(|_| Fault::CORRUPT)?;
        let mut index = |most: usize| -> Result<usize, Fault> {
            usize::try_from(from.number()?).ok().filter(|&i| i < most).ok_or(Fault::CORRUPT)
        };
        let mut binds = Vec::new();
        for _ in 1..coders.len() {
            let bind = (index(inputs)?, index(coders.len())?);
            if binds.iter().any(|&(i, o)| i == bind.0 || o == bind.1) {
                return Err(Fault::CORRUPT);
            }
            binds.push(bind);
        }
        let free: Vec<usize> = (0..inputs).filter(|i| !binds.iter().any(|b| b.0 == *i)).collect();
        let packed = if free.len() == 1 {
            free
        } else {
            let mut packed = Vec::new();
            for _ in 0..free.len() {
                let i = index(inputs)?;
                if packed.contains(&i) || !free.contains(&i) {
                    return Err(Fault::CORRUPT);
                }
                packed.push(i);
            }
            packed
        };
        if packed.is_empty() {
            return Err(Fault::CORRUPT);
        }
        Ok(Shape { coders, binds, packed })
    }

    /// The coder whose output is the block's.
    pub(super) fn main(&self) -> usize {
        (0..self.coders.len()).find(|c| !self.binds.iter().any(|b| b.1 == *c)).unwrap_or(0)
    }

    /// Whether a key is needed.
    pub(super) fn is_encrypted(&self) -> bool {
        self.coders.iter().any(|c| c.method == AES)
    }

    /// Whether it is stored as it is.
    pub(super) fn is_stored(&self) -> bool {
        matches!(&self.coders[..], [Coder { method: 0, inputs: 1, .. }])
    }
}

impl Folder {
    /// Length of the decoded block.
    pub(super) fn unpacked(&self) -> u64 {
        self.sizes.get(self.shape.main()).copied().unwrap_or(0)
    }
}

/// One file's share of a block.
pub(super) struct Substream {
    pub(super) size: u64,
    pub(super) crc: Option<u32>,
}

/// The streams of an archive or of an encoded list.
#[derive(Default)]
pub(super) struct Streams {
    /// Where the stored streams begin.
    start: u64,
    /// Where each stored stream ends, counted from `start`.
    ends: Vec<u64>,
    pub(super) folders: Vec<Folder>,
    pub(super) substreams: Vec<Substream>,
}

impl Streams {
    /// Reads "Streams Info".
    pub(super) fn parse(from: &mut Cursor<'_>) -> Result<Streams, Fault> {
        let mut streams = Streams::default();
        let mut id = from.byte()?;
        if id == PACK_INFO {
            streams.pack_info(from)?;
            id = from.byte()?;
        }
        if id == UNPACK_INFO {
            streams.unpack_info(from)?;
            id = from.byte()?;
        }
        if id == SUBSTREAMS {
            streams.substreams_info(from)?;
            id = from.byte()?;
        } else {
            streams.substreams = streams.folders.iter().map(|f| Substream { size: f.unpacked(), crc: f.crc }).collect();
        }
        if id == END { Ok(streams) } else { Err(Fault::CORRUPT) }
    }

    fn pack_info(&mut self, from: &mut Cursor<'_>) -> Result<(), Fault> {
        self.start = SIGNATURE.checked_add(from.number()?).ok_or(Fault::CORRUPT)?;
        let count = from.items(1)?;
        loop {
            match from.byte()? {
                END => return if self.ends.len() == count { Ok(()) } else { Err(Fault::CORRUPT) },
                SIZE => {
                    let mut end = 0u64;
                    self.ends = (0..count)
                        .map(|_| {
                            end = end.checked_add(from.number()?).ok_or(Fault::CORRUPT)?;
                            Ok(end)
                        })
                        .collect::<Result<_, _>>()?;
                }
                CRC => drop(from.digests(count)?),
                _ => return Err(Fault::CORRUPT),
            }
        }
    }

    fn unpack_info(&mut self, from: &mut Cursor<'_>) -> Result<(), Fault> {
        if from.byte()? != FOLDER {
            return Err(Fault::CORRUPT);
        }
        let count = from.items(2)?;
        if from.byte()? != 0 {
            return Err(Fault::UNSUPPORTED);
        }
        let mut first_pack = 0;
        let mut shapes = 0;
        let mut previous: Option<(&[u8], Rc<Shape>)> = None;
        for _ in 0..count {
            let same = previous.as_ref().filter(|(bytes, _)| from.0.starts_with(bytes));
            let shape = if let Some((bytes, shape)) = same {
                from.take(bytes.len())?;
                Rc::clone(shape)
            } else {
                shapes += 1;
                if shapes > MAX_SHAPES {
                    return Err(Fault::LIMIT);
                }
                let before = from.0;
                let shape = Rc::new(Shape::parse(from)?);
                let bytes = &before[..before.len() - from.0.len()];
                previous = Some((bytes, Rc::clone(&shape)));
                shape
            };
            let packed = shape.packed.len();
            self.folders.push(Folder { shape, sizes: Box::default(), crc: None, substreams: 1, first_pack });
            first_pack += packed;
        }
        if from.byte()? != UNPACK_SIZE {
            return Err(Fault::CORRUPT);
        }
        for folder in &mut self.folders {
            folder.sizes = (0..folder.shape.coders.len()).map(|_| from.number()).collect::<Result<_, _>>()?;
        }
        loop {
            match from.byte()? {
                END => return Ok(()),
                CRC => {
                    for (folder, crc) in self.folders.iter_mut().zip(from.digests(count)?) {
                        folder.crc = crc;
                    }
                }
                _ => return Err(Fault::CORRUPT),
            }
        }
    }

    fn substreams_info(&mut self, from: &mut Cursor<'_>) -> Result<(), Fault> {
        let mut id = from.byte()?;
        if id == NUM_UNPACK_STREAM {
            let mut total = 0usize;
            for folder in &mut self.folders {
                // All but the last of a block have a size of at least a byte further on.
                folder.substreams = usize::try_from(from.number()?).map_err(|_| Fault::CORRUPT)?;
                total = total.checked_add(folder.substreams.saturating_sub(1)).ok_or(Fault::CORRUPT)?;
                if total > from.0.len() {
                    return Err(Fault::CORRUPT);
                }
                if total > MAX_ITEMS {
                    return Err(Fault::LIMIT);
                }
            }
            id = from.byte()?;
        }
        let listed = id == SIZE;
        for folder in &self.folders {
            let mut left = folder.unpacked();
            for i in 0..folder.substreams {
                let last = i + 1 == folder.substreams;
                if !last && !listed {
                    return Err(Fault::CORRUPT);
                }
                let size = if last { left } else { from.number()? };
                left = left.checked_sub(size).ok_or(Fault::CORRUPT)?;
                // A block with one file keeps its CRC with the block.
                let crc = if folder.substreams == 1 { folder.crc } else { None };
                self.substreams.push(Substream { size, crc });
            }
        }
        if listed {
            id = from.byte()?;
        }
        loop {
            match id {
                END => return Ok(()),
                CRC => self.substream_digests(from)?,
                _ => return Err(Fault::CORRUPT),
            }
            id = from.byte()?;
        }
    }

    fn substream_digests(&mut self, from: &mut Cursor<'_>) -> Result<(), Fault> {
        let known = |f: &Folder| f.substreams == 1 && f.crc.is_some();
        let missing: usize = self.folders.iter().filter(|f| !known(f)).map(|f| f.substreams).sum();
        let mut digests = from.digests(missing)?.into_iter();
        let mut at = 0;
        for folder in &self.folders {
            for sub in &mut self.substreams[at..at + folder.substreams] {
                if !known(folder) {
                    sub.crc = digests.next().flatten();
                }
            }
            at += folder.substreams;
        }
        Ok(())
    }

    /// Where a block's stored streams lie in an archive of `len` bytes.
    pub(super) fn packs(&self, folder: &Folder, len: u64) -> Result<Vec<Range<u64>>, Fault> {
        let ends = self.ends.get(folder.first_pack..).and_then(|e| e.get(..folder.shape.packed.len()));
        let ends = ends.ok_or(Fault::CORRUPT)?;
        let before = match folder.first_pack.checked_sub(1) {
            Some(i) => self.ends.get(i).copied().unwrap_or(0),
            None => 0,
        };
        let mut start = self.start.checked_add(before).ok_or(Fault::CORRUPT)?;
        let mut packs = Vec::with_capacity(ends.len());
        for end in ends {
            let end = self.start.checked_add(*end).filter(|&e| e <= len).ok_or(Fault::TRUNCATED)?;
            packs.push(start..end);
            start = end;
        }
        Ok(packs)
    }
}
