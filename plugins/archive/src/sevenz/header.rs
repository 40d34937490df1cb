//! The list of files (7zFormat.txt, "Header"). It is read where it lies: names and attributes stay in its bytes.

use super::cursor::{Bits, Cursor, MAX_ITEMS};
use super::streams::Streams;
use crate::stream::codec::Fault;

/// First byte of a list that is itself encoded.
pub(super) const ENCODED: u8 = 0x17;

const END: u8 = 0x00;
const HEADER: u8 = 0x01;
const ARCHIVE_PROPERTIES: u8 = 0x02;
const ADDITIONAL_STREAMS: u8 = 0x03;
const MAIN_STREAMS: u8 = 0x04;
const FILES: u8 = 0x05;
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
