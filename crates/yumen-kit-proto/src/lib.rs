//! Protocol Buffers without generated code.
//!
//! [`Fields`] walks the wire format of one message (<https://protobuf.dev/programming-guides/encoding/>): numbers and raw values, nothing is copied, and
//! what is damaged ends the walk with an error that says where.

use std::fmt;

/// One field's value as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire<'a> {
    /// int32, int64, uint32, uint64, sint32, sint64 (zigzag), bool, enum.
    Varint(u64),
    /// fixed64, sfixed64, double.
    Fixed64(u64),
    /// fixed32, sfixed32, float.
    Fixed32(u32),
    /// string, bytes, a message, packed numbers.
    Bytes(&'a [u8]),
    /// A group (proto2): the bytes of its fields.
    Group(&'a [u8]),
}

impl<'a> Wire<'a> {
    /// As a message, string or bytes.
    #[must_use]
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Wire::Bytes(b) | Wire::Group(b) => Some(b),
            _ => None,
        }
    }

    /// As text, when it is valid UTF-8.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        self.bytes().and_then(|b| std::str::from_utf8(b).ok())
    }

    /// As an unsigned number (varint or fixed).
    #[must_use]
    pub fn uint(self) -> Option<u64> {
        match self {
            Wire::Varint(v) | Wire::Fixed64(v) => Some(v),
            Wire::Fixed32(v) => Some(u64::from(v)),
            _ => None,
        }
    }

    /// As a signed number that is not zigzag-encoded.
    #[must_use]
    pub fn int(self) -> Option<i64> {
        match self {
            Wire::Varint(v) | Wire::Fixed64(v) => Some(v.cast_signed()),
            Wire::Fixed32(v) => Some(i64::from(v.cast_signed())),
            _ => None,
        }
    }

    /// As a zigzag-encoded number (sint32, sint64).
    #[must_use]
    pub fn sint(self) -> Option<i64> {
        match self {
            Wire::Varint(v) => Some(zigzag(v)),
            _ => None,
        }
    }

    /// As a double or a float.
    #[must_use]
    pub fn float(self) -> Option<f64> {
        match self {
            Wire::Fixed64(v) => Some(f64::from_bits(v)),
            Wire::Fixed32(v) => Some(f64::from(f32::from_bits(v))),
            _ => None,
        }
    }
}

/// Undoes zigzag encoding.
#[must_use]
pub fn zigzag(v: u64) -> i64 {
    (v >> 1).cast_signed() ^ -((v & 1).cast_signed())
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number in the message's definition.
    pub number: u32,
    /// Its value.
    pub value: Wire<'a>,
    /// Offset of the value's content in the message (of a length-delimited one behind its length).
    pub offset: usize,
}

/// The bytes are no message from this offset on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub usize);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a protobuf message from byte {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// The fields of one message in the order of the wire. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Groups nest no deeper than this.
const DEPTH: usize = 64;

impl<'a> Fields<'a> {
    /// Walks a message.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Fields { bytes, at: 0 }
    }

    /// The offset of the next field.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    fn tag(&mut self) -> Option<(u32, u8)> {
        let tag = varint(self.bytes, &mut self.at)?;
        let number = u32::try_from(tag >> 3).ok()?;
        ((1..=0x1FFF_FFFF).contains(&number)).then_some((number, (tag & 7) as u8))
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let end = self.at.checked_add(usize::try_from(len).ok()?)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn value(&mut self, number: u32, wire: u8, depth: usize) -> Option<(Wire<'a>, usize)> {
        let start = self.at;
        Some(match wire {
            0 => (Wire::Varint(varint(self.bytes, &mut self.at)?), start),
            1 => (Wire::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)), start),
            5 => (Wire::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().ok()?)), start),
            2 => {
                let len = varint(self.bytes, &mut self.at)?;
                let start = self.at;
                (Wire::Bytes(self.take(len)?), start)
            }
            3 if depth < DEPTH => loop {
                let end = self.at;
                let (n, w) = self.tag()?;
                if w == 4 {
                    break (n == number).then(|| (Wire::Group(&self.bytes[start..end]), start))?;
                }
                self.value(n, w, depth + 1)?;
            },
            _ => return None,
        })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        let field = self.tag().and_then(|(number, wire)| {
            self.value(number, wire, 0).map(|(value, offset)| Field { number, value, offset })
        });
        if field.is_none() {
            self.at = self.bytes.len();
        }
        Some(field.ok_or(Malformed(start)))
    }
}

/// Reads a varint at `at` and moves it on; none where it is cut or longer than ten bytes.
#[must_use]
pub fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if shift < 64 {
            value |= u64::from(byte & 0x7F) << shift;
        }
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The numbers of a repeated varint field, packed or not: call for each occurrence of the field.
pub fn varints(value: Wire<'_>, mut each: impl FnMut(u64)) {
    match value {
        Wire::Varint(v) => each(v),
        Wire::Bytes(bytes) => {
            let mut at = 0;
            while at < bytes.len() {
                let Some(v) = varint(bytes, &mut at) else { return };
                each(v);
            }
        }
        _ => {}
    }
}

/// The numbers of a repeated double or float field, packed or not.
pub fn floats(value: Wire<'_>, single: bool, mut each: impl FnMut(f64)) {
    match value {
        Wire::Bytes(bytes) if single => {
            bytes.as_chunks::<4>().0.iter().for_each(|c| each(f64::from(f32::from_le_bytes(*c))));
        }
        Wire::Bytes(bytes) => bytes.as_chunks::<8>().0.iter().for_each(|c| each(f64::from_le_bytes(*c))),
        other => other.float().into_iter().for_each(each),
    }
}

/// Whether the bytes are one whole message of plausible fields: every field readable, none numbered above `highest`, at least one.
#[must_use]
pub fn is_message(bytes: &[u8], highest: u32) -> bool {
    !bytes.is_empty() && Fields::new(bytes).all(|f| f.is_ok_and(|f| f.number <= highest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_of_every_wire_type_are_read() {
        let message = b"\x08\x96\x01\x12\x07testing\x19\x00\x00\x00\x00\x00\x00\xf0\x3f\x25\x00\x00\x80\x3f\x2b\x08\x01\x2c\x30\x03";
        let fields: Vec<_> = Fields::new(message).map(Result::unwrap).collect();
        assert_eq!(fields.iter().map(|f| f.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(fields[0].value.uint(), Some(150));
        assert_eq!((fields[1].value.text(), fields[1].offset), (Some("testing"), 5));
        assert_eq!(fields[2].value.float(), Some(1.0));
        assert_eq!(fields[3].value.float(), Some(1.0));
        assert_eq!(fields[4].value.bytes(), Some(&b"\x08\x01"[..]));
        assert_eq!(fields[5].value.sint(), Some(-2));
    }

    #[test]
    fn damage_is_told_once_and_ends_the_walk() {
        for (bytes, at) in [(&b"\x08\x01\x12\x7fxy"[..], 2), (b"\x00", 0), (b"\x0f\x01", 0), (b"\x2b\x08\x01", 0)] {
            let all: Vec<_> = Fields::new(bytes).collect();
            assert_eq!(all.last(), Some(&Err(Malformed(at))));
            assert_eq!(all.iter().filter(|f| f.is_err()).count(), 1);
        }
    }

    #[test]
    fn packed_and_single_numbers_are_alike() {
        let (mut ints, mut reals) = (Vec::new(), Vec::new());
        varints(Wire::Bytes(b"\x01\x96\x01"), |v| ints.push(v));
        varints(Wire::Varint(7), |v| ints.push(v));
        floats(Wire::Bytes(&1.5f64.to_le_bytes()), false, |v| reals.push(v));
        floats(Wire::Bytes(&2.5f32.to_le_bytes()), true, |v| reals.push(v));
        floats(Wire::Fixed32(3.5f32.to_bits()), true, |v| reals.push(v));
        assert_eq!((ints, reals), (vec![1, 150, 7], vec![1.5, 2.5, 3.5]));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let total: usize = Fields::new(&bytes).filter_map(Result::ok).map(|f| f.value.bytes().map_or(1, <[u8]>::len)).sum();
            prop_assert!(total <= bytes.len());
        }
    }
}
