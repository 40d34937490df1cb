//! A bounded reader of DER and of the BER that key stores use (X.690): definite lengths, and indefinite ones for constructed values.

use std::borrow::Cow;

/// Tag of INTEGER.
pub const INTEGER: u8 = 0x02;
/// Tag of BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// Tag of OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// Tag of OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// Tag of SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// Tag of SET.
pub const SET: u8 = 0x31;

/// Deepest nesting of values of indefinite length.
const MAX_DEPTH: u8 = 12;

/// One value: its tag, its content, and the length of the whole encoding.
#[derive(Clone, Copy)]
pub struct Tlv<'a> {
    /// Tag byte (class, constructed bit, number below 31).
    pub tag: u8,
    /// Content.
    pub body: &'a [u8],
    /// Bytes of tag, length and content (and end mark) together.
    pub len: usize,
    /// Bytes before the content.
    pub header: usize,
}

/// Tag, header length and content length of the value that begins `bytes`, without asking for all of it to be there. The content length is
/// none for the indefinite form.
#[must_use]
pub fn header(bytes: &[u8]) -> Option<(u8, usize, Option<usize>)> {
    let (&tag, rest) = bytes.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    match first {
        0..=0x7f => Some((tag, 2, Some(usize::from(first)))),
        0x80 => (tag & 0x20 != 0).then_some((tag, 2, None)),
        0x81..=0x84 => {
            let n = usize::from(first & 0x7f);
            let value = rest.get(..n)?.iter().fold(0usize, |v, &b| (v << 8) | usize::from(b));
            Some((tag, 2 + n, Some(value)))
        }
        _ => None,
    }
}

/// The value at the start of `bytes`, when all of it is there.
#[must_use]
pub fn value(bytes: &[u8]) -> Option<Tlv<'_>> {
    value_within(bytes, 0)
}

fn value_within(bytes: &[u8], depth: u8) -> Option<Tlv<'_>> {
    let (tag, header, len) = header(bytes)?;
    if let Some(len) = len {
        let end = header.checked_add(len)?;
        return Some(Tlv { tag, body: bytes.get(header..end)?, len: end, header });
    }
    if depth >= MAX_DEPTH {
        return None;
    }
    let mut at = header;
    loop {
        let rest = bytes.get(at..)?;
        if rest.starts_with(&[0, 0]) {
            return Some(Tlv { tag, body: bytes.get(header..at)?, len: at + 2, header });
        }
        at += value_within(rest, depth + 1)?.len;
    }
}

/// Reads values one after another.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// Bytes not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value of any tag.
    pub fn any(&mut self) -> Option<Tlv<'a>> {
        let tlv = value(self.rest)?;
        self.rest = &self.rest[tlv.len..];
        Some(tlv)
    }

    /// The content of the next value if it has the tag; else nothing is read.
    pub fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.rest.first() != Some(&tag) {
            return None;
        }
        self.any().map(|t| t.body)
    }

    /// A reader of the content of the next value, if it has the tag.
    pub fn open(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.take(tag).map(Reader::new)
    }

    /// The next value as an unsigned integer: content without a leading zero, and how many bits it has.
    pub fn unsigned(&mut self) -> Option<(&'a [u8], u32)> {
        let body = self.take(INTEGER)?;
        if body.is_empty() || body[0] & 0x80 != 0 {
            return None;
        }
        let digits = body.iter().position(|&b| b != 0).map_or(&body[..0], |i| &body[i..]);
        let bits = digits.first().map_or(0, |b| digits.len() as u32 * 8 - b.leading_zeros());
        Some((digits, bits))
    }

    /// The next value as a small unsigned integer.
    pub fn small(&mut self) -> Option<u64> {
        let (digits, bits) = self.unsigned()?;
        (bits <= 64).then(|| digits.iter().fold(0, |v, &b| (v << 8) | u64::from(b)))
    }
}

/// The content of an OCTET STRING (or of a context tag that stands for one), put together when it is cut into pieces as BER allows.
/// `most` bounds the pieces' sum in bytes.
#[must_use]
pub fn octets<'a>(tlv: &Tlv<'a>, most: usize) -> Option<Cow<'a, [u8]>> {
    if tlv.tag & 0x20 == 0 {
        return Some(Cow::Borrowed(tlv.body));
    }
    let mut all = Vec::new();
    let mut pieces = Reader::new(tlv.body);
    while !pieces.is_empty() {
        let piece = pieces.any()?;
        let part = if piece.tag & 0x20 == 0 { Cow::Borrowed(piece.body) } else { octets_flat(&piece, most)? };
        if all.len() + part.len() > most {
            return None;
        }
        all.extend_from_slice(&part);
    }
    Some(Cow::Owned(all))
}

fn octets_flat<'a>(tlv: &Tlv<'a>, most: usize) -> Option<Cow<'a, [u8]>> {
    let mut all = Vec::new();
    let mut pieces = Reader::new(tlv.body);
    while !pieces.is_empty() {
        let piece = pieces.any()?;
        if piece.tag & 0x20 != 0 || all.len() + piece.body.len() > most {
            return None;
        }
        all.extend_from_slice(piece.body);
    }
    Some(Cow::Owned(all))
}

#[cfg(test)]
pub(crate) mod build {
    //! A small DER writer, so that tests need no key of anybody.

    /// One value.
    pub(crate) fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match body.len() {
            n @ 0..=0x7f => out.push(n as u8),
            n @ 0x80..=0xff => out.extend([0x81, n as u8]),
            n => out.extend([0x82, (n >> 8) as u8, n as u8]),
        }
        out.extend_from_slice(body);
        out
    }

    /// A constructed value of parts.
    pub(crate) fn of(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        tlv(tag, &parts.concat())
    }

    /// An unsigned INTEGER of so many bytes with its top bit set, made from a seed.
    pub(crate) fn integer(bytes: usize, seed: u8) -> Vec<u8> {
        let mut body = vec![0];
        body.extend((0..bytes).map(|i| (i as u8).wrapping_mul(37).wrapping_add(seed)));
        body[1] |= 0x80;
        let last = body.len() - 1;
        body[last] |= 1;
        tlv(super::INTEGER, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_short_long_and_indefinite_lengths() {
        assert_eq!(value(&[4, 2, 7, 8, 9]).unwrap().body, [7, 8]);
        assert_eq!(value(&[4, 0x81, 2, 7, 8]).unwrap().len, 5);
        let t = value(&[0x30, 0x80, 4, 1, 9, 0x24, 0x80, 4, 1, 5, 0, 0, 0, 0, 77]).unwrap();
        assert_eq!((t.len, t.body.len()), (14, 10));
        let mut r = Reader::new(t.body);
        r.any().unwrap();
        assert_eq!(octets(&r.any().unwrap(), 10).unwrap().as_ref(), [5]);
        assert!(value(&[4, 0x84, 0xff, 0xff, 0xff, 0xff, 1]).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(t) = value(&bytes) {
                prop_assert!(t.len <= bytes.len());
                let _ = octets(&t, 64);
            }
            let nested = [[0x30, 0x80].repeat(40), bytes].concat();
            let _ = value(&nested);
        }
    }
}
