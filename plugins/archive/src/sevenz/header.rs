//! The list of files (7zFormat.txt, "Header"). It is read where it lies: names and attributes stay in its bytes.

use std::ops::Range;
use std::rc::Rc;

use super::SIGNATURE;
use crate::stream::codec::Fault;

/// First byte of a list that is itself encoded.
pub(super) const ENCODED: u8 = 0x17;

const END: u8 = 0x00;
const HEADER: u8 = 0x01;
const ARCHIVE_PROPERTIES: u8 = 0x02;
const ADDITIONAL_STREAMS: u8 = 0x03;
const MAIN_STREAMS: u8 = 0x04;
const FILES: u8 = 0x05;
const PACK_INFO: u8 = 0x06;
const UNPACK_INFO: u8 = 0x07;
const SUBSTREAMS: u8 = 0x08;
const SIZE: u8 = 0x09;
const CRC: u8 = 0x0A;
const FOLDER: u8 = 0x0B;
const UNPACK_SIZE: u8 = 0x0C;
const NUM_UNPACK_STREAM: u8 = 0x0D;
const EMPTY_STREAM: u8 = 0x0E;
const EMPTY_FILE: u8 = 0x0F;
const ANTI: u8 = 0x10;
const NAMES: u8 = 0x11;
const CREATED: u8 = 0x12;
const ACCESSED: u8 = 0x13;
const MODIFIED: u8 = 0x14;
const ATTRIBUTES: u8 = 0x15;
const START_POSITION: u8 = 0x18;
const DUMMY: u8 = 0x19;

/// As many as 7-Zip takes.
const MAX_CODERS: u64 = 64;
const MAX_STREAMS: u64 = 64;
/// Most files, blocks or stored streams of an archive. Each costs some 50 bytes of memory.
const MAX_ITEMS: usize = 2 << 20;
/// Most ways of decoding; archives use one or two.
const MAX_SHAPES: usize = 4096;

/// Method of AES-256 with SHA-256.
const AES: u64 = 0x06F1_0701;

/// Reads through bytes.
#[derive(Clone)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor(bytes)
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], Fault> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(Fault::CORRUPT)?;
        self.0 = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.take(1).map(|b| b[0])
    }

    fn word(&mut self) -> Result<u32, Fault> {
        self.take(4)?.first_chunk().map(|b| u32::from_le_bytes(*b)).ok_or(Fault::CORRUPT)
    }

    /// A number of one to nine bytes: the leading ones of the first byte tell how many follow.
    fn number(&mut self) -> Result<u64, Fault> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let mut value = 0;
        for i in 0..more {
            value |= u64::from(self.byte()?) << (8 * i);
        }
        if more < 7 {
            let high = u64::from(first) & ((1 << (7 - more)) - 1);
            value |= high << (8 * more);
        }
        Ok(value)
    }

    /// A count of things of which each takes at least `bytes` bytes from here on.
    fn count(&mut self, bytes: usize) -> Result<usize, Fault> {
        let n = self.number()?;
        let most = self.0.len() / bytes.max(1);
        usize::try_from(n).ok().filter(|&n| n <= most).ok_or(Fault::CORRUPT)
    }

    /// A count of things that are kept in memory.
    fn items(&mut self, bytes: usize) -> Result<usize, Fault> {
        let n = self.count(bytes)?;
        if n > MAX_ITEMS { Err(Fault::LIMIT) } else { Ok(n) }
    }

    /// `n` bits, the first in the highest place.
    fn bits(&mut self, n: usize) -> Result<Bits<'a>, Fault> {
        Ok(Bits { bytes: Some(self.take(n.div_ceil(8))?) })
    }

    /// `n` bits, or a byte that says that all are set.
    fn all_or_bits(&mut self, n: usize) -> Result<Bits<'a>, Fault> {
        if self.byte()? == 0 { self.bits(n) } else { Ok(Bits { bytes: None }) }
    }

    /// The CRCs of `n` things, where they are defined.
    fn digests(&mut self, n: usize) -> Result<Vec<Option<u32>>, Fault> {
        let defined = self.all_or_bits(n)?;
        // Each takes a bit at least, or four bytes where all are defined.
        if defined.bytes.is_none() && n > self.0.len() / 4 {
            return Err(Fault::CORRUPT);
        }
        (0..n).map(|i| if defined.get(i) { self.word().map(Some) } else { Ok(None) }).collect()
    }
}

/// A row of bits; without bytes all are set.
#[derive(Clone, Copy)]
struct Bits<'a> {
    bytes: Option<&'a [u8]>,
}

impl Bits<'_> {
    fn get(&self, i: usize) -> bool {
        self.bytes.is_none_or(|b| b.get(i / 8).is_some_and(|b| b & 0x80 >> (i % 8) != 0))
    }
}

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

/// The list of files.
pub(super) struct Header<'a> {
    pub(super) streams: Streams,
    count: usize,
    empty_stream: Option<Bits<'a>>,
    empty_file: Option<Bits<'a>>,
    anti: Option<Bits<'a>>,
    names: Cursor<'a>,
    modified: Option<(Bits<'a>, Cursor<'a>)>,
    attributes: Option<(Bits<'a>, Cursor<'a>)>,
    /// Contents of properties that are not known, and of fillers that are not zero.
    pub(super) unknown: Vec<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// Reads a decoded list.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Header<'a>, Fault> {
        let mut from = Cursor::new(bytes);
        let mut header = Header {
            streams: Streams::default(),
            count: 0,
            empty_stream: None,
            empty_file: None,
            anti: None,
            names: Cursor::new(&[]),
            modified: None,
            attributes: None,
            unknown: Vec::new(),
        };
        if from.byte()? != HEADER {
            return Err(Fault::CORRUPT);
        }
        let mut id = from.byte()?;
        if id == ARCHIVE_PROPERTIES {
            while from.byte()? != END {
                let n = from.count(1)?;
                header.unknown.push(from.take(n)?);
            }
            id = from.byte()?;
        }
        if id == ADDITIONAL_STREAMS {
            return Err(Fault::UNSUPPORTED);
        }
        if id == MAIN_STREAMS {
            header.streams = Streams::parse(&mut from)?;
            id = from.byte()?;
        }
        if id == FILES {
            header.files(&mut from)?;
            id = from.byte()?;
        }
        if id != END {
            return Err(Fault::CORRUPT);
        }
        if from.0.iter().any(|&b| b != 0) {
            header.unknown.push(from.0);
        }
        Ok(header)
    }

    fn files(&mut self, from: &mut Cursor<'a>) -> Result<(), Fault> {
        self.count = usize::try_from(from.number()?).map_err(|_| Fault::CORRUPT)?;
        // Archives without names exist: no length bounds the count.
        if self.count > MAX_ITEMS {
            return Err(Fault::LIMIT);
        }
        let mut empties = 0;
        loop {
            let id = from.byte()?;
            if id == END {
                return Ok(());
            }
            let n = from.count(1)?;
            let content = from.take(n)?;
            let mut property = Cursor::new(content);
            match id {
                EMPTY_STREAM => {
                    let bits = property.bits(self.count)?;
                    empties = (0..self.count).filter(|&i| bits.get(i)).count();
                    self.empty_stream = Some(bits);
                }
                EMPTY_FILE => self.empty_file = Some(property.bits(empties)?),
                ANTI => self.anti = Some(property.bits(empties)?),
                NAMES => {
                    if property.byte()? != 0 {
                        return Err(Fault::UNSUPPORTED);
                    }
                    self.names = property;
                }
                MODIFIED | ATTRIBUTES => {
                    let defined = property.all_or_bits(self.count)?;
                    if property.byte()? != 0 {
                        return Err(Fault::UNSUPPORTED);
                    }
                    let which = if id == MODIFIED { &mut self.modified } else { &mut self.attributes };
                    *which = Some((defined, property));
                }
                CREATED | ACCESSED | START_POSITION => {}
                DUMMY if content.iter().all(|&b| b == 0) => {}
                _ => self.unknown.push(content),
            }
        }
    }

    /// The entries in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let mut names = self.names.clone();
        let mut modified = self.modified.clone();
        let mut attributes = self.attributes.clone();
        let (empty_stream, empty_file, anti) = (self.empty_stream, self.empty_file, self.anti);
        let mut empties = 0;
        (0..self.count).map(move |i| {
            let empty = empty_stream.is_some_and(|b| b.get(i));
            let (mut is_directory, mut is_anti) = (false, false);
            if empty {
                is_directory = !empty_file.is_some_and(|b| b.get(empties));
                is_anti = anti.is_some_and(|b| b.get(empties));
                empties += 1;
            }
            let long = |property: &mut Option<(Bits<'a>, Cursor<'a>)>, n: usize| {
                let (defined, values) = property.as_mut()?;
                let bytes = if defined.get(i) { values.take(n).ok()? } else { return None };
                Some(bytes.iter().rev().fold(0, |v, &b| v << 8 | u64::from(b)))
            };
            let modified = long(&mut modified, 8);
            let attributes = long(&mut attributes, 4);
            Entry { name: next_name(&mut names), has_data: !empty, is_directory, is_anti, modified, attributes }
        })
    }
}

/// Takes a name up to its end mark.
fn next_name<'a>(names: &mut Cursor<'a>) -> &'a [u8] {
    let all = names.0;
    let end = all.chunks_exact(2).position(|c| c == [0, 0]);
    let (name, rest) = match end {
        Some(i) => (&all[..2 * i], &all[2 * i + 2..]),
        None => (all, &[][..]),
    };
    names.0 = rest;
    name
}

/// A file, a folder or a mark of deletion.
pub(super) struct Entry<'a> {
    name: &'a [u8],
    /// Whether a block holds its data.
    pub(super) has_data: bool,
    pub(super) is_directory: bool,
    /// A mark that the file is to be deleted when the archive is unpacked.
    pub(super) is_anti: bool,
    modified: Option<u64>,
    attributes: Option<u64>,
}

impl Entry<'_> {
    /// Its path, in UTF-16 in the archive; halves of pairs that stand alone read U+FFFD.
    pub(super) fn name(&self) -> String {
        let units = self.name.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// Type and permissions of a Unix file, where the archive was made on Unix.
    pub(super) fn unix_mode(&self) -> Option<u64> {
        self.attributes.filter(|a| a & 0x8000 != 0).map(|a| a >> 16)
    }

    /// Time of modification in seconds since 1970.
    pub(super) fn modified(&self) -> Option<i64> {
        // FILETIME counts 100 ns since 1601.
        let seconds = i64::try_from(self.modified? / 10_000_000).ok()?;
        Some(seconds - 11_644_473_600)
    }
}
