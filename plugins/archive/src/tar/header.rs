//! The header block of a member.

/// Everything stands in blocks of so many bytes.
pub(super) const BLOCK: u64 = 512;

/// A block, taken as a header.
#[derive(Clone, Copy)]
pub(super) struct Block<'a>(&'a [u8; BLOCK as usize]);

/// Which fields the header has beyond those of the seventh edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// None.
    V7,
    /// POSIX ustar: a prefix of the name.
    Ustar,
    /// GNU: sparse map, no prefix.
    Gnu,
}

impl<'a> Block<'a> {
    /// The block of these bytes, if they are as many.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        bytes.try_into().ok().map(Block)
    }

    fn field(self, at: usize, len: usize) -> &'a [u8] {
        self.0.get(at..at + len).unwrap_or(&[])
    }

    /// A field that ends at the first NUL.
    fn text(self, at: usize, len: usize) -> &'a [u8] {
        let field = self.field(at, len);
        field.split(|&b| b == 0).next().unwrap_or(field)
    }

    /// Whether every byte is zero.
    pub(super) fn is_zero(self) -> bool {
        self.0.iter().all(|&b| b == 0)
    }

    /// Whether one of the two magics is there.
    pub(super) fn has_magic(self) -> bool {
        self.field(257, 5) == b"ustar" && matches!(self.0[262], 0 | b' ')
    }

    /// Which fields it has.
    pub(super) fn kind(self) -> Kind {
        match self.field(257, 8) {
            b"ustar  \0" => Kind::Gnu,
            _ if self.has_magic() => Kind::Ustar,
            _ => Kind::V7,
        }
    }

    /// Whether the checksum is right; as sums of unsigned or, by some old programs, of signed bytes.
    fn checksum_matches(self) -> bool {
        let Some(stated) = number(self.field(148, 8)) else { return false };
        let (mut unsigned, mut signed) = (0u64, 0i64);
        for (i, &b) in self.0.iter().enumerate() {
            let b = if (148..156).contains(&i) { b' ' } else { b };
            unsigned += u64::from(b);
            signed += i64::from(i8::from_ne_bytes([b]));
        }
        stated == unsigned || i64::try_from(stated).is_ok_and(|s| s == signed)
    }

    /// Whether the numbers can be read and the name is there.
    pub(super) fn is_sane(self) -> bool {
        let typed = matches!(self.type_flag(), 0 | b'0'..=b'7' | b'A'..=b'Z' | b'a'..=b'z' | b' ');
        let numbers = [(100, 8), (108, 8), (116, 8), (124, 12), (136, 12)]
            .iter()
            .all(|&(at, len)| is_number(self.field(at, len)));
        typed && numbers && (self.0[0] != 0 || self.has_magic())
    }

    /// Whether it is a header: the checksum is right and, where no magic helps, every field is as it should be.
    pub(super) fn is_header(self) -> bool {
        // A block of zeros has the checksum of eight spaces, which it does not state.
        self.checksum_matches() && (self.has_magic() || self.is_sane())
    }

    /// The name, with its prefix.
    pub(super) fn name(self) -> Vec<u8> {
        let name = self.text(0, 100);
        let prefix = if self.kind() == Kind::Ustar { self.prefix() } else { &[] };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    fn prefix(self) -> &'a [u8] {
        // star keeps times behind a shorter prefix.
        let star = self.field(508, 4) == b"tar\0";
        self.text(345, if star { 131 } else { 155 })
    }

    /// The type of the member; zero and `0` are files.
    pub(super) fn type_flag(self) -> u8 {
        self.0[156]
    }

    /// Length of the content; none when the field can't be read.
    pub(super) fn size(self) -> Option<u64> {
        number(self.field(124, 12))
    }

    /// The part of the block that belongs to no field, and should be zero.
    pub(super) fn unused(self) -> (usize, &'a [u8]) {
        let from = match self.kind() {
            Kind::V7 => 500,
            Kind::Gnu => 495,
            Kind::Ustar if self.field(508, 4) == b"tar\0" => 512,
            Kind::Ustar => 500,
        };
        (from, self.field(from, BLOCK as usize - from))
    }

    /// The sparse map in a GNU header: pairs of offset and length; whether blocks with more follow; length of the whole.
    pub(super) fn sparse(self) -> (Vec<(u64, u64)>, bool, u64) {
        (pairs(self.field(386, 96)), self.0[482] != 0, number(self.field(483, 12)).unwrap_or(0))
    }

    /// The same of a block that continues the map.
    pub(super) fn more_sparse(self) -> (Vec<(u64, u64)>, bool) {
        (pairs(self.field(0, 504)), self.0[504] != 0)
    }
}

fn pairs(field: &[u8]) -> Vec<(u64, u64)> {
    field
        .chunks_exact(24)
        .take_while(|pair| pair[0] != 0)
        .filter_map(|pair| Some((number(&pair[..12])?, number(&pair[12..])?)))
        .collect()
}

/// A number: octal digits between spaces and NULs, or base 256 when the first bit is set.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        // Negative numbers make no sense in any field that is read here.
        if first != 0x80 {
            return None;
        }
        return field[1..].iter().try_fold(0u64, |n, &b| (n >> 56 == 0).then_some((n << 8) | u64::from(b)));
    }
    let digits = field.iter().copied().skip_while(|b| matches!(b, b' ' | 0)).take_while(|b| b.is_ascii_digit());
    digits.into_iter().try_fold(0u64, |n, b| (b < b'8').then(|| n.checked_mul(8))?.map(|n| n + u64::from(b - b'0')))
}

/// Whether a field holds nothing but a number.
fn is_number(field: &[u8]) -> bool {
    match field.first() {
        Some(0x80 | 0xff) => true,
        _ => field.iter().all(|b| matches!(b, b' ' | 0 | b'0'..=b'7')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"    644 "), Some(0o644));
        assert_eq!(number(b"77777777777 "), Some(0o77_777_777_777));
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), Some(2 << 32));
        assert_eq!(number(&[0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(number(&[0xff; 12]), None);
        assert_eq!(number(b"00008\0"), None);
        assert_eq!(number(b"\0\0\0\0"), Some(0));
    }
}
