//! Rows and their values.

use std::borrow::Cow;
use std::ops::Range;

use yumen_model::{Blob, Extent};

use crate::header::Encoding;

/// A record's first so many bytes are held in memory; of a longer one the rest is told as extents.
pub const MAX_RECORD: usize = 16 << 20;

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its key; none in a table without rowid.
    pub rowid: Option<i64>,
    /// Its values in the order of the declared columns. Columns that were added after the row was written are NULL.
    pub values: &'a [Value<'a>],
    /// Where its cell begins in the file.
    pub start: u64,
    /// Where the part of it that stands in its page ends.
    pub end: u64,
}

/// A value.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// Text, in the encoding of the database.
    Text(Field<'a>),
    /// Bytes.
    Blob(Field<'a>),
}

impl<'a> Value<'a> {
    /// A number, whole or not.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match *self {
            #[expect(clippy::cast_precision_loss, reason = "as SQLite itself does")]
            Value::Int(n) => Some(n as f64),
            Value::Real(n) => Some(n),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        if let Value::Int(n) = *self { Some(n) } else { None }
    }

    /// Text, as far as it is held in memory.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        if let Value::Text(field) = self { Some(field.text()) } else { None }
    }

    /// Bytes, of a blob that is held in memory as a whole.
    #[must_use]
    pub fn bytes(&self) -> Option<&'a [u8]> {
        if let Value::Blob(field) = self { field.bytes() } else { None }
    }
}

/// A record's bytes and where they stand.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// What is held in memory.
    pub(crate) bytes: &'a [u8],
    pub(crate) total: u64,
    /// Where the part in the cell begins, and its length.
    pub(crate) local: (u64, u64),
    /// Offsets of the content of the overflow pages, and how much each holds.
    pub(crate) overflow: &'a [u64],
    pub(crate) piece: u64,
    pub(crate) encoding: Encoding,
}

/// A text or blob value.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    record: &'a Record<'a>,
    start: u64,
    len: u64,
}

impl<'a> Field<'a> {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its bytes as far as they are held in memory: all of them, but where the record is longer than [`MAX_RECORD`] or damaged.
    #[must_use]
    pub fn head(&self) -> &'a [u8] {
        let held = self.record.bytes;
        let start = usize::try_from(self.start).unwrap_or(usize::MAX).min(held.len());
        let end = usize::try_from(self.start + self.len).unwrap_or(usize::MAX).min(held.len());
        &held[start..end]
    }

    /// All of its bytes, where they are held in memory.
    #[must_use]
    pub fn bytes(&self) -> Option<&'a [u8]> {
        let head = self.head();
        (head.len() as u64 == self.len).then_some(head)
    }

    /// Its bytes as text, as far as they are held in memory.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        self.record.encoding.decode(self.head())
    }

    /// The encoding that text is in.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.record.encoding
    }

    /// Where it stands in the file: pieces in order. Shorter than the value where the record is damaged.
    #[must_use]
    pub fn extents(&self) -> Vec<Extent> {
        let mut out: Vec<Extent> = Vec::new();
        let mut at = self.start;
        let end = self.start + self.len;
        while at < end {
            let Some((offset, room)) = self.record.place(at) else { break };
            let len = room.min(end - at);
            match out.last_mut() {
                Some(Extent::Data { offset: o, len: n }) if *o + *n == offset => *n += len,
                _ => out.push(Extent::Data { offset, len }),
            }
            at += len;
        }
        out
    }

    /// Its first piece in the file, and whether that is all of it.
    #[must_use]
    pub fn place(&self) -> (Range<u64>, bool) {
        match self.record.place(self.start) {
            Some((offset, room)) => (offset..offset + room.min(self.len), room >= self.len),
            None => (self.record.local.0..self.record.local.0, self.len == 0),
        }
    }

    /// Its bytes as a blob of the database's.
    #[must_use]
    pub fn blob(&self, of: &Blob) -> Blob {
        of.slice(&self.extents())
    }
}

impl Record<'_> {
    /// Where a byte of the record stands, and how many follow it there.
    fn place(&self, at: u64) -> Option<(u64, u64)> {
        let (local, len) = self.local;
        if at < len {
            return Some((local + at, len - at));
        }
        let over = at - len;
        let page = usize::try_from(over / self.piece).ok()?;
        let within = over % self.piece;
        let held = self.piece.min(self.total.saturating_sub(len + (over - within)));
        Some((self.overflow.get(page)? + within, held.checked_sub(within).filter(|&n| n > 0)?))
    }

    /// The values in the order they are stored in, at most `most`; `None` where the record is broken before its first value.
    pub(crate) fn values<'r>(&'r self, most: usize) -> Option<(Vec<Value<'r>>, bool)> {
        let (head, first) = varint(self.bytes)?;
        let head = usize::try_from(head).ok().filter(|&n| n >= first && n <= self.bytes.len())?;
        let mut out = Vec::with_capacity(most.min(head));
        let mut at = first;
        let mut start = head as u64;
        let mut whole = true;
        while at < head && out.len() < most {
            let Some((serial, n)) = varint(&self.bytes[at..head]) else {
                whole = false;
                break;
            };
            at += n;
            let (value, len) = self.value(serial, start);
            let end = start.checked_add(len).filter(|&e| e <= self.total);
            let (Some(end), Some(value)) = (end, value) else {
                whole = false;
                break;
            };
            out.push(value);
            start = end;
        }
        Some((out, whole && (at < head || start <= self.total)))
    }

    fn value(&self, serial: u64, start: u64) -> (Option<Value<'_>>, u64) {
        let int = |n: usize| {
            let at = usize::try_from(start).ok()?;
            let bytes = self.bytes.get(at..at.checked_add(n)?)?;
            let sign = if bytes[0] & 0x80 != 0 { -1i64 } else { 0 };
            Some(bytes.iter().fold(sign, |v, &b| v << 8 | i64::from(b)))
        };
        match serial {
            0 => (Some(Value::Null), 0),
            1..=4 => (int(serial as usize).map(Value::Int), serial),
            5 => (int(6).map(Value::Int), 6),
            6 => (int(8).map(Value::Int), 8),
            7 => (int(8).map(|n| Value::Real(f64::from_bits(n.cast_unsigned()))), 8),
            8 | 9 => (Some(Value::Int(serial.cast_signed() - 8)), 0),
            10 | 11 => (None, 0),
            _ => {
                let len = (serial - 12) / 2;
                let field = Field { record: self, start, len };
                (Some(if serial % 2 == 0 { Value::Blob(field) } else { Value::Text(field) }), len)
            }
        }
    }
}

impl Encoding {
    /// Bytes as text; what is none becomes U+FFFD.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        let wide = |of: fn([u8; 2]) -> u16| {
            let units = bytes.chunks_exact(2).map(|c| of([c[0], c[1]]));
            Cow::Owned(char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')).collect())
        };
        match self {
            Encoding::Utf8 => String::from_utf8_lossy(bytes),
            Encoding::Utf16Le => wide(u16::from_le_bytes),
            Encoding::Utf16Be => wide(u16::from_be_bytes),
        }
    }
}

/// A number of one to nine bytes, and how many.
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (i, &b) in bytes.iter().take(9).enumerate() {
        if i == 8 {
            return Some((value << 8 | u64::from(b), 9));
        }
        value = value << 7 | u64::from(b & 0x7F);
        if b < 0x80 {
            return Some((value, i + 1));
        }
    }
    None
}
