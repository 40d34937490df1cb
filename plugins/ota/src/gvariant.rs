//! GVariant in its serialised form, strictly: what is not as a writer makes it is none. Values are told by their place.
//!
//! Source: GVariant Specification 1.0.

use std::ops::Range;

/// Deepest nesting.
const DEPTH: usize = 32;
/// Most values of one text.
const MOST: usize = 1 << 20;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// Anything of fixed size: numbers, flags.
    Fixed(Range<usize>),
    /// A text, without its NUL.
    Text(Range<usize>),
    /// An array of bytes.
    Bytes(Range<usize>),
    /// Other arrays, tuples, entries of dictionaries, values that may be missing.
    List(Vec<Node>),
    /// A value with its type.
    Variant(Box<Node>),
}

impl Node {
    /// The values of a list; none of anything else.
    pub(crate) fn list(&self) -> &[Node] {
        match self {
            Node::List(list) => list,
            _ => &[],
        }
    }

    /// The value inside of a variant, or the value itself.
    pub(crate) fn inner(&self) -> &Node {
        match self {
            Node::Variant(node) => node.inner(),
            node => node,
        }
    }
}

/// Reads bytes as a value of a type.
pub(crate) fn parse(kind: &str, bytes: &[u8]) -> Option<Node> {
    let mut reader = Reader { bytes, left: MOST };
    let kind = kind.as_bytes();
    if type_len(kind, 0)? != kind.len() {
        return None;
    }
    reader.value(kind, 0..bytes.len(), 0)
}

/// Length of the first complete type.
fn type_len(kind: &[u8], depth: usize) -> Option<usize> {
    if depth > DEPTH {
        return None;
    }
    match kind.first()? {
        b'y' | b'b' | b'n' | b'q' | b'i' | b'u' | b'h' | b'x' | b't' | b'd' | b's' | b'o' | b'g' | b'v' => Some(1),
        b'a' | b'm' => Some(1 + type_len(kind.get(1..)?, depth + 1)?),
        open @ (b'(' | b'{') => {
            let close = if *open == b'(' { b')' } else { b'}' };
            let mut at = 1;
            while *kind.get(at)? != close {
                at += type_len(kind.get(at..)?, depth + 1)?;
            }
            Some(at + 1)
        }
        _ => None,
    }
}

/// The types inside of a tuple or entry.
fn members(kind: &[u8]) -> Option<Vec<&[u8]>> {
    let mut inside = kind.get(1..kind.len().checked_sub(1)?)?;
    let mut all = Vec::new();
    while !inside.is_empty() {
        let (first, rest) = inside.split_at(type_len(inside, 0)?);
        all.push(first);
        inside = rest;
    }
    Some(all)
}

/// Alignment, and size where it is fixed.
fn shape(kind: &[u8]) -> Option<(usize, Option<usize>)> {
    Some(match kind.first()? {
        b'y' | b'b' => (1, Some(1)),
        b'n' | b'q' => (2, Some(2)),
        b'i' | b'u' | b'h' => (4, Some(4)),
        b'x' | b't' | b'd' => (8, Some(8)),
        b's' | b'o' | b'g' => (1, None),
        b'v' => (8, None),
        b'a' | b'm' => (shape(kind.get(1..)?)?.0, None),
        _ => {
            let (mut align, mut size) = (1, Some(0usize));
            for member in members(kind)? {
                let (a, s) = shape(member)?;
                align = align.max(a);
                size = size.zip(s).map(|(all, s)| all.next_multiple_of(a) + s);
            }
            // Nothing takes a byte.
            (align, size.map(|s| s.next_multiple_of(align).max(1)))
        }
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl Reader<'_> {
    fn get(&self, range: Range<usize>) -> Option<&[u8]> {
        self.bytes.get(range)
    }

    /// The framing offset at a place.
    fn offset(&self, at: usize, width: usize) -> Option<usize> {
        let bytes = self.get(at..at.checked_add(width)?)?;
        usize::try_from(bytes.iter().rev().fold(0u64, |n, &b| (n << 8) | u64::from(b))).ok()
    }

    fn value(&mut self, kind: &[u8], range: Range<usize>, depth: usize) -> Option<Node> {
        self.left = self.left.checked_sub(1)?;
        if depth > DEPTH {
            return None;
        }
        match kind.first()? {
            b's' | b'o' | b'g' => {
                let bytes = self.get(range.clone())?;
                let text = bytes.strip_suffix(&[0])?;
                (!text.contains(&0) && std::str::from_utf8(text).is_ok())
                    .then(|| Node::Text(range.start..range.end - 1))
            }
            b'v' => {
                let bytes = self.get(range.clone())?;
                let at = bytes.iter().rposition(|&b| b == 0)?;
                let kind = bytes.get(at + 1..)?.to_vec();
                if kind.len() > 255 || type_len(&kind, 0)? != kind.len() {
                    return None;
                }
                Some(Node::Variant(Box::new(self.value(&kind, range.start..range.start + at, depth + 1)?)))
            }
            b'm' => {
                let inner = kind.get(1..)?;
                if range.is_empty() {
                    return Some(Node::List(Vec::new()));
                }
                let end = if shape(inner)?.1.is_some() { range.end } else { range.end - 1 };
                Some(Node::List(vec![self.value(inner, range.start..end, depth + 1)?]))
            }
            b'a' if kind.get(1) == Some(&b'y') => Some(Node::Bytes(range)),
            b'a' => self.array(kind.get(1..)?, range, depth),
            b'(' | b'{' => self.tuple(kind, range, depth),
            _ => (shape(kind)?.1? == range.len()).then_some(Node::Fixed(range)),
        }
    }

    fn array(&mut self, kind: &[u8], range: Range<usize>, depth: usize) -> Option<Node> {
        let (align, size) = shape(kind)?;
        let mut items = Vec::new();
        if range.is_empty() {
            return Some(Node::List(items));
        }
        if let Some(size) = size {
            if !range.len().is_multiple_of(size) {
                return None;
            }
            for start in range.step_by(size) {
                items.push(self.value(kind, start..start + size, depth + 1)?);
            }
            return Some(Node::List(items));
        }
        let width = width(range.len());
        let table = range.start + self.offset(range.end - width, width)?;
        if table >= range.end || !(range.end - table).is_multiple_of(width) {
            return None;
        }
        let mut start = range.start;
        for at in (table..range.end).step_by(width) {
            let end = range.start + self.offset(at, width)?;
            let from = range.start + (start - range.start).next_multiple_of(align);
            if from > end || end > table {
                return None;
            }
            items.push(self.value(kind, from..end, depth + 1)?);
            start = end;
        }
        Some(Node::List(items))
    }

    fn tuple(&mut self, kind: &[u8], range: Range<usize>, depth: usize) -> Option<Node> {
        let members = members(kind)?;
        let width = width(range.len());
        let mut table = range.end;
        let mut start = range.start;
        let mut items = Vec::new();
        for (i, member) in members.iter().enumerate() {
            let (align, size) = shape(member)?;
            let from = range.start + (start - range.start).next_multiple_of(align);
            let end = match size {
                Some(size) => from.checked_add(size)?,
                None if i + 1 == members.len() => table,
                None => {
                    table = table.checked_sub(width)?;
                    range.start + self.offset(table, width)?
                }
            };
            if from > end || end > table {
                return None;
            }
            items.push(self.value(member, from..end, depth + 1)?);
            start = end;
        }
        Some(Node::List(items))
    }
}

/// Bytes of a framing offset in a container of so many bytes.
fn width(len: usize) -> usize {
    match len {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_specification_are_read() {
        assert_eq!(parse("s", b"hello world\0"), Some(Node::Text(0..11)));
        // An array of texts: `i`, `can`, `has`, `strings?`.
        let texts = b"i\0can\0has\0strings?\0\x02\x06\x0a\x13";
        let got = parse("as", texts).unwrap();
        let texts: Vec<_> =
            got.list().iter().map(|n| if let Node::Text(r) = n { &texts[r.clone()] } else { &b"-"[..] }).collect();
        assert_eq!(texts, [&b"i"[..], b"can", b"has", b"strings?"]);
        // A structure of a text and a number.
        let got = parse("(si)", b"foo\0\xff\xff\xff\xff\x04").unwrap();
        assert_eq!(got.list(), [Node::Text(0..3), Node::Fixed(4..8)]);
        // An array of structures `("hi", -2)`, `("bye", -1)`.
        let pairs = b"hi\0\0\xfe\xff\xff\xff\x03\0\0\0bye\0\xff\xff\xff\xff\x04\x09\x15";
        assert_eq!(parse("a(si)", pairs).unwrap().list().len(), 2);
        assert_eq!(parse("a{sv}", b"").unwrap().list().len(), 0);
        assert_eq!(parse("(si)", b"foo"), None);
        assert_eq!(parse("s", b"a\0b\0"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in "[ays(){}vt]{1,12}") {
            let _ = parse(&kind, &bytes);
            let _ = parse("(a{sv}aya(say)sstayay)", &bytes);
            let _ = parse("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaay", &bytes);
            let _ = parse("a()", &bytes);
        }
    }
}
