//! Protocol buffers on the wire: field by field, without building messages, so that memory does not depend on what a message claims.

use std::ops::Range;

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A number: varint or fixed.
    Number(u64),
    /// Text, bytes, or a message.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The number, if it is one.
    pub(super) fn number(self) -> Option<u64> {
        match self {
            Value::Number(n) => Some(n),
            Value::Bytes(_) => None,
        }
    }

    /// The bytes, if it has any.
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Value::Bytes(b) => Some(b),
            Value::Number(_) => None,
        }
    }
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    /// Its number.
    pub(super) number: u32,
    /// Its value.
    pub(super) value: Value<'a>,
    /// Where the value ends in the message.
    end: usize,
}

impl Field<'_> {
    /// Where the value's bytes are, in a message that stands at `base`.
    pub(super) fn range(&self, base: u64) -> Range<u64> {
        let len = self.value.bytes().map_or(0, <[u8]>::len) as u64;
        let end = base + self.end as u64;
        end - len..end
    }
}

/// The fields of a message. Ends early, with [`Fields::broken`] set, where it is not well-formed.
pub(super) struct Fields<'a> {
    message: &'a [u8],
    at: usize,
    /// Whether it ended early.
    pub(super) broken: bool,
}

impl<'a> Fields<'a> {
    /// The fields of a message.
    pub(super) fn of(message: &'a [u8]) -> Self {
        Fields { message, at: 0, broken: false }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut out = 0u64;
        for i in 0..10 {
            let b = *self.message.get(self.at)?;
            self.at += 1;
            out |= u64::from(b & 0x7f).checked_shl(7 * i).unwrap_or(0);
            if b & 0x80 == 0 {
                return Some(out);
            }
        }
        None
    }

    fn take(&mut self, n: u64) -> Option<&'a [u8]> {
        let end = self.at.checked_add(usize::try_from(n).ok()?)?;
        let out = self.message.get(self.at..end)?;
        self.at = end;
        Some(out)
    }

    fn field(&mut self) -> Option<Field<'a>> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|&n| n > 0)?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let len = self.varint()?;
                Value::Bytes(self.take(len)?)
            }
            5 => Value::Number(u64::from(u32::from_le_bytes(self.take(4)?.try_into().ok()?))),
            _ => return None,
        };
        Some(Field { number, value, end: self.at })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.broken || self.at >= self.message.len() {
            return None;
        }
        let field = self.field();
        self.broken = field.is_none();
        field
    }
}

/// Whether bytes are a message whose fields satisfy `sane`.
pub(super) fn all_fields(message: &[u8], mut sane: impl FnMut(&Field<'_>) -> bool) -> bool {
    let mut fields = Fields::of(message);
    fields.by_ref().all(|f| sane(&f)) && !fields.broken
}

#[cfg(test)]
pub(super) mod write {
    //! Messages for tests.

    pub(crate) fn varint(out: &mut Vec<u8>, mut n: u64) {
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
    }

    pub(crate) fn number(out: &mut Vec<u8>, field: u64, n: u64) {
        varint(out, field << 3);
        varint(out, n);
    }

    pub(crate) fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
        varint(out, field << 3 | 2);
        varint(out, value.len() as u64);
        out.extend_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_order_and_end_at_what_is_broken() {
        let mut m = Vec::new();
        write::number(&mut m, 1, u64::MAX);
        write::bytes(&mut m, 2, b"abc");
        let seen: Vec<_> = Fields::of(&m).map(|f| (f.number, f.value)).collect();
        assert_eq!(seen, [(1, Value::Number(u64::MAX)), (2, Value::Bytes(b"abc"))]);
        assert_eq!(Fields::of(&m).last().unwrap().range(100), 100 + m.len() as u64 - 3..100 + m.len() as u64);
        for cut in 1..m.len() {
            let mut fields = Fields::of(&m[..cut]);
            let n = fields.by_ref().count();
            assert!(n <= 1 && (fields.broken || cut == 11), "{cut}");
        }
        // Groups, field number 0, a length beyond the end.
        for bad in [&[0x0b][..], &[0x00, 0x01], &[0x12, 0x7f, 0x01], &[0xff; 12]] {
            assert!(!all_fields(bad, |_| true));
        }
    }
}
