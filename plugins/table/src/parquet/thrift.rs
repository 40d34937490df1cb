//! Thrift's compact protocol, read on the go: nothing is built that the caller does not ask for.
//!
//! Source: thrift's doc/specs/thrift-compact-protocol.md.

/// Types as the protocol numbers them.
pub(super) mod kind {
    pub(crate) const TRUE: u8 = 1;
    pub(crate) const FALSE: u8 = 2;
    pub(crate) const BYTE: u8 = 3;
    pub(crate) const DOUBLE: u8 = 7;
    pub(crate) const BINARY: u8 = 8;
    pub(crate) const LIST: u8 = 9;
    pub(crate) const SET: u8 = 10;
    pub(crate) const MAP: u8 = 11;
    pub(crate) const STRUCT: u8 = 12;
}

/// Values nest no deeper than this.
const DEEPEST: usize = 32;

/// A reader of one buffer.
#[derive(Clone, Debug)]
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    depth: usize,
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Thrift { bytes, at: 0, depth: 0 }
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let b = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(b)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let b = self.byte()?;
            value |= u64::from(b & 0x7F).checked_shl(shift).unwrap_or(0);
            if b < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A number of any width.
    pub(super) fn int(&mut self) -> Option<i64> {
        let v = self.varint()?;
        Some((v >> 1).cast_signed() ^ -((v & 1).cast_signed()))
    }

    pub(super) fn binary(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        let bytes = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(bytes)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        self.binary().map(|b| String::from_utf8_lossy(b).into_owned())
    }

    /// The fields of a struct: `each` takes the value, or says false to have it passed over.
    pub(super) fn fields(&mut self, each: &mut dyn FnMut(&mut Self, i16, u8) -> Option<bool>) -> Option<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut id = 0i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                break;
            }
            id = match head >> 4 {
                0 => i16::try_from(self.int()?).ok()?,
                delta => id.checked_add(i16::from(delta))?,
            };
            let kind = head & 15;
            if !each(self, id, kind)? {
                self.skip(kind)?;
            }
        }
        self.depth -= 1;
        Some(())
    }

    /// The items of a list: `each` takes them.
    pub(super) fn list(&mut self, each: &mut dyn FnMut(&mut Self, u8) -> Option<()>) -> Option<()> {
        let head = self.byte()?;
        let n = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        // An item takes a byte at least.
        if n > (self.bytes.len() - self.at) as u64 {
            return None;
        }
        for _ in 0..n {
            each(self, head & 15)?;
        }
        Some(())
    }

    fn skip(&mut self, kind: u8) -> Option<()> {
        match kind {
            kind::TRUE | kind::FALSE => {}
            kind::BYTE => {
                self.byte()?;
            }
            4..=6 => {
                self.varint()?;
            }
            kind::DOUBLE => {
                self.at += 8;
            }
            kind::BINARY => {
                self.binary()?;
            }
            kind::LIST | kind::SET => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return None;
                }
                self.list(&mut |t, kind| t.skip_item(kind))?;
                self.depth -= 1;
            }
            kind::MAP => {
                let n = self.varint()?;
                if n > (self.bytes.len().checked_sub(self.at)?) as u64 {
                    return None;
                }
                let kinds = if n > 0 { self.byte()? } else { 0 };
                self.depth += 1;
                if self.depth > DEEPEST {
                    return None;
                }
                for _ in 0..n {
                    self.skip_item(kinds >> 4)?;
                    self.skip_item(kinds & 15)?;
                }
                self.depth -= 1;
            }
            kind::STRUCT => self.fields(&mut |_, _, _| Some(false))?,
            _ => return None,
        }
        (self.at <= self.bytes.len()).then_some(())
    }

    /// In lists and maps a truth value takes a byte.
    fn skip_item(&mut self, kind: u8) -> Option<()> {
        if matches!(kind, kind::TRUE | kind::FALSE) { self.byte().map(|_| ()) } else { self.skip(kind) }
    }
}
