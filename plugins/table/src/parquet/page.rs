//! Pages: levels and values in all encodings, one value at a time. Nothing is built by counts that a file tells.
//!
//! Source: parquet-format's Encodings.md.

use super::meta::{Leaf, PageHeader, Physical};

/// A value as it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Datum<'a> {
    Bool(bool),
    Int(i64),
    Int96([u8; 12]),
    Float(f32),
    Double(f64),
    /// Bytes, and where they stand in the buffer they come from.
    Bytes(&'a [u8], Option<usize>),
}

/// Runs and packed numbers of one width.
#[derive(Clone, Debug, Default)]
pub(super) struct Hybrid {
    at: usize,
    end: usize,
    width: u8,
    run: u64,
    value: u32,
    packed: u64,
    bit: usize,
}

impl Hybrid {
    fn new(at: usize, end: usize, width: u8) -> Self {
        Hybrid { at, end, width, ..Hybrid::default() }
    }

    fn next(&mut self, data: &[u8]) -> Option<u32> {
        loop {
            if self.run > 0 {
                self.run -= 1;
                return Some(self.value);
            }
            if self.packed > 0 {
                self.packed -= 1;
                let value = bits(data.get(..self.end)?, self.bit, self.width)?;
                self.bit += usize::from(self.width);
                return u32::try_from(value).ok();
            }
            let (head, n) = varint(data.get(self.at..self.end)?)?;
            self.at += n;
            if head & 1 == 1 {
                let groups = usize::try_from(head >> 1).ok()?;
                let bytes = groups.checked_mul(usize::from(self.width))?;
                // The last group may be cut short.
                self.bit = self.at * 8;
                self.packed = groups as u64 * 8;
                self.at = self.at.checked_add(bytes)?.min(self.end);
                if self.packed == 0 {
                    return None;
                }
            } else {
                let bytes = usize::from(self.width).div_ceil(8);
                let value = data.get(self.at..self.at + bytes).filter(|_| self.at + bytes <= self.end)?;
                self.value = value.iter().rev().fold(0, |v, &b| v << 8 | u32::from(b));
                self.run = head >> 1;
                self.at += bytes;
                if self.run == 0 {
                    return None;
                }
            }
        }
    }
}

/// A number of `width` bits at a bit, lowest first.
fn bits(data: &[u8], bit: usize, width: u8) -> Option<u64> {
    if width == 0 {
        return Some(0);
    }
    let first = bit / 8;
    let last = (bit + usize::from(width) - 1) / 8;
    let bytes = data.get(first..=last)?;
    let wide = bytes.iter().rev().fold(0u128, |v, &b| v << 8 | u128::from(b));
    Some((wide >> (bit % 8)) as u64 & (u64::MAX >> (64 - width.min(64))))
}

fn varint(data: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (i, &b) in data.iter().take(10).enumerate() {
        value |= u64::from(b & 0x7F).checked_shl(7 * i as u32).unwrap_or(0);
        if b < 0x80 {
            return Some((value, i + 1));
        }
    }
    None
}

fn zigzag(v: u64) -> i64 {
    (v >> 1).cast_signed() ^ -((v & 1).cast_signed())
}

/// Differences, packed in blocks.
#[derive(Clone, Debug)]
struct Delta {
    at: usize,
    minis: usize,
    per_mini: u64,
    /// Values still to come.
    left: u64,
    value: i64,
    begun: bool,
    least: i64,
    /// Where the widths of the block's parts stand, and which is next.
    widths: usize,
    next: usize,
    width: u8,
    in_mini: u64,
    bit: usize,
}

impl Delta {
    fn new(data: &[u8], mut at: usize, most: u64) -> Option<Delta> {
        let mut number = || {
            let (v, n) = varint(data.get(at..)?)?;
            at += n;
            Some(v)
        };
        let (block, minis, total, first) = (number()?, number()?, number()?, number()?);
        let minis = usize::try_from(minis).ok().filter(|&n| n > 0 && n <= 1 << 16)?;
        let per_mini = block / minis as u64;
        if per_mini == 0 || !per_mini.is_multiple_of(8) || per_mini > 1 << 24 || total > most {
            return None;
        }
        Some(Delta {
            at,
            minis,
            per_mini,
            left: total,
            value: zigzag(first),
            begun: false,
            least: 0,
            widths: 0,
            next: minis,
            width: 0,
            in_mini: 0,
            bit: 0,
        })
    }

    fn next(&mut self, data: &[u8]) -> Option<i64> {
        self.left = self.left.checked_sub(1)?;
        if !self.begun {
            self.begun = true;
            return Some(self.value);
        }
        if self.in_mini == 0 {
            if self.next == self.minis {
                let (least, n) = varint(data.get(self.at..)?)?;
                self.least = zigzag(least);
                self.widths = self.at + n;
                self.at = self.widths.checked_add(self.minis)?;
                self.next = 0;
            }
            self.width = *data.get(self.widths + self.next)?;
            if self.width > 64 {
                return None;
            }
            self.next += 1;
            self.in_mini = self.per_mini;
            self.bit = self.at.checked_mul(8)?;
            self.at = self.at.checked_add(usize::from(self.width) * (self.per_mini / 8) as usize)?;
        }
        self.in_mini -= 1;
        let delta = bits(data, self.bit, self.width)?;
        self.bit += usize::from(self.width);
        self.value = self.value.wrapping_add(self.least).wrapping_add(delta.cast_signed());
        Some(self.value)
    }

    /// Where the bytes behind all values begin.
    fn end(&self, data: &[u8]) -> Option<usize> {
        let mut all = self.clone();
        while all.left > 0 {
            all.next(data)?;
        }
        Some(all.at)
    }
}

#[derive(Clone, Debug)]
enum Values {
    Plain(usize),
    Bits(usize),
    Runs(Hybrid),
    Dictionary(Hybrid),
    Delta(Delta),
    Lengths(Delta, usize),
    Prefixes { prefix: Delta, suffix: Delta, at: usize, last: Vec<u8> },
    Split { count: usize, width: usize, next: usize, start: usize, last: Vec<u8> },
}

#[derive(Clone, Debug)]
enum Levels {
    Zero,
    Hybrid(Hybrid),
    /// The old form: highest bit first.
    Packed {
        bit: usize,
        end: usize,
        width: u8,
    },
}

impl Levels {
    fn next(&mut self, data: &[u8]) -> Option<u8> {
        match self {
            Levels::Zero => Some(0),
            Levels::Hybrid(h) => u8::try_from(h.next(data)?).ok(),
            Levels::Packed { bit, end, width } => {
                let mut value = 0;
                for _ in 0..*width {
                    let b = data.get(..*end)?.get(*bit / 8)?;
                    value = value << 1 | b >> (7 - *bit % 8) & 1;
                    *bit += 1;
                }
                Some(value)
            }
        }
    }
}

/// A decoded dictionary.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    data: Vec<u8>,
    /// Where each value of no fixed length stands.
    ranges: Vec<(u32, u32)>,
}

impl Dictionary {
    pub(super) fn new(data: Vec<u8>, header: &PageHeader, physical: Physical) -> Option<Dictionary> {
        let mut ranges = Vec::new();
        if physical == Physical::ByteArray {
            let mut at = 0usize;
            for _ in 0..header.values {
                let len = u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?);
                at += 4;
                data.get(at..at.checked_add(len as usize)?)?;
                ranges.push((u32::try_from(at).ok()?, len));
                at += len as usize;
            }
        }
        Some(Dictionary { data, ranges })
    }

    fn get(&self, index: u32, physical: Physical) -> Option<Datum<'_>> {
        if physical == Physical::ByteArray {
            let &(at, len) = self.ranges.get(index as usize)?;
            return Some(Datum::Bytes(self.data.get(at as usize..(at + len) as usize)?, None));
        }
        let width = width(physical)?;
        let at = (index as usize).checked_mul(width)?;
        fixed(self.data.get(at..at + width)?, physical, None)
    }
}

/// Bytes of a value of fixed length.
fn width(physical: Physical) -> Option<usize> {
    match physical {
        Physical::Int32 | Physical::Float => Some(4),
        Physical::Int64 | Physical::Double => Some(8),
        Physical::Int96 => Some(12),
        Physical::Fixed(n) => Some(n),
        Physical::Boolean | Physical::ByteArray => None,
    }
}

fn fixed(bytes: &[u8], physical: Physical, at: Option<usize>) -> Option<Datum<'_>> {
    Some(match physical {
        Physical::Int32 => Datum::Int(i64::from(i32::from_le_bytes(bytes.try_into().ok()?))),
        Physical::Int64 => Datum::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
        Physical::Int96 => Datum::Int96(bytes.try_into().ok()?),
        Physical::Float => Datum::Float(f32::from_le_bytes(bytes.try_into().ok()?)),
        Physical::Double => Datum::Double(f64::from_le_bytes(bytes.try_into().ok()?)),
        _ => Datum::Bytes(bytes, at),
    })
}

/// A page of data.
#[derive(Debug)]
pub(super) struct Page {
    data: Vec<u8>,
    /// Where the page's content stands in the file.
    pub(super) start: u64,
    pub(super) end: u64,
    /// Whether `data` stands in the file as it is, and from where.
    pub(super) stored: Option<u64>,
    left: u64,
    definition: Levels,
    repetition: Levels,
    values: Values,
}

/// Why a page can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Corrupt,
    Unsupported,
}

fn level_width(most: u8) -> u8 {
    8 - most.leading_zeros() as u8
}

impl Page {
    /// Makes ready to read a page whose content was decompressed; in the second version the levels stand before it as they were.
    pub(super) fn new(
        data: Vec<u8>,
        header: &PageHeader,
        leaf: &Leaf,
        place: (u64, u64, Option<u64>),
        dictionary: bool,
    ) -> Result<Page, Bad> {
        let mut at = 0usize;
        let second = header.kind == 3;
        let mut level = |most: u8, encoding: i64, len: usize| -> Result<Levels, Bad> {
            if second {
                let from = at;
                at = at.checked_add(len).filter(|&e| e <= data.len()).ok_or(Bad::Corrupt)?;
                return Ok(if most == 0 {
                    Levels::Zero
                } else {
                    Levels::Hybrid(Hybrid::new(from, at, level_width(most)))
                });
            }
            if most == 0 {
                return Ok(Levels::Zero);
            }
            let width = level_width(most);
            if encoding == 4 {
                let from = at;
                let bytes =
                    usize::try_from(header.values.saturating_mul(u64::from(width)).div_ceil(8)).unwrap_or(usize::MAX);
                at = at.checked_add(bytes).filter(|&e| e <= data.len()).ok_or(Bad::Corrupt)?;
                return Ok(Levels::Packed { bit: from * 8, end: at, width });
            }
            let len: [u8; 4] = data.get(at..at + 4).and_then(|b| b.try_into().ok()).ok_or(Bad::Corrupt)?;
            let from = at + 4;
            at = from.checked_add(u32::from_le_bytes(len) as usize).filter(|&e| e <= data.len()).ok_or(Bad::Corrupt)?;
            Ok(Levels::Hybrid(Hybrid::new(from, at, width)))
        };
        let repetition = level(leaf.repetition, header.repetition_encoding, header.repetition_len)?;
        let definition = level(leaf.definition, header.definition_encoding, header.definition_len)?;
        let values = Page::values(&data, at, header, leaf.physical, dictionary)?;
        let (start, end, stored) = place;
        Ok(Page { data, start, end, stored, left: header.values, definition, repetition, values })
    }

    fn values(
        data: &[u8],
        at: usize,
        header: &PageHeader,
        physical: Physical,
        dictionary: bool,
    ) -> Result<Values, Bad> {
        let end = data.len();
        let delta = |at: usize| Delta::new(data, at, header.values).ok_or(Bad::Corrupt);
        // A page without a value may have nothing at all here.
        let empty = at >= end;
        Ok(match (header.encoding, physical) {
            _ if empty => Values::Plain(at),
            (0, Physical::Boolean) => Values::Bits(at * 8),
            (0, _) => Values::Plain(at),
            (2 | 8, _) if dictionary => {
                let width = data[at];
                if width > 32 {
                    return Err(Bad::Corrupt);
                }
                Values::Dictionary(Hybrid::new(at + 1, end, width))
            }
            (2 | 8, _) => return Err(Bad::Corrupt),
            (3, Physical::Boolean) => Values::Runs(Hybrid::new((at + 4).min(end), end, 1)),
            (5, Physical::Int32 | Physical::Int64) => Values::Delta(delta(at)?),
            (6, Physical::ByteArray) => {
                let lengths = delta(at)?;
                let from = lengths.end(data).ok_or(Bad::Corrupt)?;
                Values::Lengths(lengths, from)
            }
            (7, Physical::ByteArray | Physical::Fixed(_)) => {
                let prefix = delta(at)?;
                let suffix = delta(prefix.end(data).ok_or(Bad::Corrupt)?)?;
                let at = suffix.end(data).ok_or(Bad::Corrupt)?;
                Values::Prefixes { prefix, suffix, at, last: Vec::new() }
            }
            (9, _) => {
                let width = width(physical).ok_or(Bad::Corrupt)?;
                Values::Split { count: (end - at) / width, width, next: 0, start: at, last: Vec::new() }
            }
            _ => return Err(Bad::Unsupported),
        })
    }

    /// The levels of the next value: repetition, definition. None at the end; `Err` where the page is broken.
    pub(super) fn levels(&mut self) -> Result<Option<(u8, u8)>, Bad> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let repetition = self.repetition.next(&self.data).ok_or(Bad::Corrupt)?;
        let definition = self.definition.next(&self.data).ok_or(Bad::Corrupt)?;
        Ok(Some((repetition, definition)))
    }

    /// The next value that is there.
    pub(super) fn value<'p>(&'p mut self, physical: Physical, dictionary: &'p Dictionary) -> Option<Datum<'p>> {
        let data = &self.data[..];
        match &mut self.values {
            Values::Plain(at) if physical == Physical::ByteArray => {
                let len = u32::from_le_bytes(data.get(*at..*at + 4)?.try_into().ok()?) as usize;
                let from = *at + 4;
                let bytes = data.get(from..from.checked_add(len)?)?;
                *at = from + len;
                Some(Datum::Bytes(bytes, Some(from)))
            }
            Values::Plain(at) => {
                let (from, width) = (*at, width(physical)?);
                *at += width;
                fixed(data.get(from..from + width)?, physical, Some(from))
            }
            Values::Bits(bit) => {
                let value = data.get(*bit / 8)? >> (*bit % 8) & 1;
                *bit += 1;
                Some(Datum::Bool(value == 1))
            }
            Values::Runs(runs) => Some(Datum::Bool(runs.next(data)? == 1)),
            Values::Dictionary(runs) => dictionary.get(runs.next(data)?, physical),
            Values::Delta(delta) => {
                let value = delta.next(data)?;
                // 32-bit differences wrap around.
                Some(Datum::Int(if physical == Physical::Int32 { i64::from(value as i32) } else { value }))
            }
            Values::Lengths(lengths, at) => {
                let len = usize::try_from(lengths.next(data)?).ok()?;
                let from = *at;
                let bytes = data.get(from..from.checked_add(len)?)?;
                *at = from + len;
                Some(Datum::Bytes(bytes, Some(from)))
            }
            Values::Prefixes { prefix, suffix, at, last } => {
                let keep = usize::try_from(prefix.next(data)?).ok().filter(|&n| n <= last.len())?;
                let len = usize::try_from(suffix.next(data)?).ok()?;
                let tail = data.get(*at..at.checked_add(len)?)?;
                *at += len;
                last.truncate(keep);
                last.extend_from_slice(tail);
                Some(Datum::Bytes(last, None))
            }
            Values::Split { count, width, next, start, last } => {
                if *next >= *count {
                    return None;
                }
                last.clear();
                for byte in 0..*width {
                    last.push(*data.get(*start + byte * *count + *next)?);
                }
                *next += 1;
                fixed(last, physical, None)
            }
        }
    }
}
