//! Reading of numbers, bits and checksums as 7z stores them.

use crate::stream::codec::Fault;

/// Most files, blocks or stored streams of an archive. Each costs some 50 bytes of memory.
pub(super) const MAX_ITEMS: usize = 2 << 20;

/// Reads through bytes.
#[derive(Clone)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor(bytes)
    }

    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], Fault> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(Fault::CORRUPT)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        self.take(1).map(|b| b[0])
    }

    pub(super) fn word(&mut self) -> Result<u32, Fault> {
        self.take(4)?.first_chunk().map(|b| u32::from_le_bytes(*b)).ok_or(Fault::CORRUPT)
    }

    /// A number of one to nine bytes: the leading ones of the first byte tell how many follow.
    pub(super) fn number(&mut self) -> Result<u64, Fault> {
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
    pub(super) fn count(&mut self, bytes: usize) -> Result<usize, Fault> {
        let n = self.number()?;
        let most = self.0.len() / bytes.max(1);
        usize::try_from(n).ok().filter(|&n| n <= most).ok_or(Fault::CORRUPT)
    }

    /// A count of things that are kept in memory.
    pub(super) fn items(&mut self, bytes: usize) -> Result<usize, Fault> {
        let n = self.count(bytes)?;
        if n > MAX_ITEMS { Err(Fault::LIMIT) } else { Ok(n) }
    }

    /// `n` bits, the first in the highest place.
    pub(super) fn bits(&mut self, n: usize) -> Result<Bits<'a>, Fault> {
        Ok(Bits { bytes: Some(self.take(n.div_ceil(8))?) })
    }

    /// `n` bits, or a byte that says that all are set.
    pub(super) fn all_or_bits(&mut self, n: usize) -> Result<Bits<'a>, Fault> {
        if self.byte()? == 0 { self.bits(n) } else { Ok(Bits { bytes: None }) }
    }

    /// The CRCs of `n` things, where they are defined.
    pub(super) fn digests(&mut self, n: usize) -> Result<Vec<Option<u32>>, Fault> {
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
pub(super) struct Bits<'a> {
    pub(super) bytes: Option<&'a [u8]>,
}

impl Bits<'_> {
    pub(super) fn get(&self, i: usize) -> bool {
        self.bytes.is_none_or(|b| b.get(i / 8).is_some_and(|b| b & 0x80 >> (i % 8) != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length() {
        let cases: &[(&[u8], u64)] = &[
            (&[0x7F], 127),
            (&[0x80, 0x80], 128),
            (&[0xBF, 0xFF], 0x3FFF),
            (&[0xC1, 0x02, 0x03], 0x01_0302),
            (&[0xFD, 1, 2, 3, 4, 5, 6], 0x01_0605_0403_0201),
            (&[0xFE, 1, 2, 3, 4, 5, 6, 7], 0x0007_0605_0403_0201),
            (&[0xFF, 1, 2, 3, 4, 5, 6, 7, 0x80], 0x8007_0605_0403_0201),
        ];
        for (bytes, value) in cases {
            let mut cursor = Cursor::new(bytes);
            assert_eq!(cursor.number(), Ok(*value));
            assert!(cursor.0.is_empty());
            assert_eq!(Cursor::new(&bytes[..bytes.len() - 1]).number(), Err(Fault::CORRUPT));
        }
    }

    #[test]
    fn bits_begin_at_the_top() {
        let mut cursor = Cursor::new(&[0, 0b1010_0000, 0x80, 7]);
        let bits = cursor.all_or_bits(9).unwrap();
        let set: Vec<usize> = (0..9).filter(|&i| bits.get(i)).collect();
        assert_eq!(set, [0, 2, 8]);
        assert!(cursor.all_or_bits(1000).unwrap().get(999));
        assert_eq!(Cursor::new(&[1, 0, 0]).digests(5).unwrap_err(), Fault::CORRUPT);
    }
}
