//! Finds the literals of all recognisers: a table says at each byte whether the last bytes may end one, and only then they are compared.
//!
//! Faster here than an automaton over hundreds of literals: no look-up waits for the one before it, and the tables stay in the first cache.

/// Bits of the tables' index.
const BITS: u32 = 15;
const SIZE: usize = 1 << BITS;

/// The compiled literals; ASCII letters match in either case.
pub(crate) struct Literals {
    patterns: Vec<Box<[u8]>>,
    /// Whether a literal of four bytes and more may end here, by its last four bytes; one of three, by its three.
    four: Box<[u64; SIZE / 64]>,
    three: Box<[u64; SIZE / 64]>,
    /// For blocks of ASCII alone, one look-up a byte: whether any literal of three bytes and more may end here, by the last four bytes without
    /// their highest bits.
    ascii: Box<[u8; SIZE]>,
    /// The literals of four bytes and more, and of three, by the same; `NONE` where there are none.
    four_at: Box<[u16]>,
    three_at: Box<[u16]>,
    /// The literals of one or two bytes, by their last byte.
    short_at: Box<[u16; 256]>,
    /// By byte: its lower case, and above it whether a literal of one or two bytes ends with it.
    class: Box<[u16; 256]>,
    /// What the lists above point to.
    lists: Vec<Vec<u16>>,
}

const NONE: u16 = u16::MAX;
/// Without the highest bit of each byte.
const SEVEN: u32 = 0x7F7F_7F7F;
/// Bytes that are looked at together where they are ASCII.
const BLOCK: usize = 64;

/// ASCII letters in lower case, the rest as it is.
const FOLD: [u8; 256] = {
    let mut table = [0; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = (b as u8).to_ascii_lowercase();
        b += 1;
    }
    table
};

#[inline]
fn hash(last: u32) -> usize {
    (last.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}

/// The last `n` bytes of a literal as a number.
fn last(pattern: &[u8], n: usize) -> u32 {
    pattern[pattern.len() - n..].iter().fold(0, |v, &b| v << 8 | u32::from(b))
}

impl Literals {
    /// Takes literals in lower case, each once, none empty; fewer than 65535.
    pub(crate) fn new(patterns: &[String]) -> Self {
        let mut new = Literals {
            patterns: patterns.iter().map(|p| p.as_bytes().into()).collect(),
            four: Box::new([0; SIZE / 64]),
            three: Box::new([0; SIZE / 64]),
            ascii: Box::new([0; SIZE]),
            four_at: vec![NONE; SIZE].into_boxed_slice(),
            three_at: vec![NONE; SIZE].into_boxed_slice(),
            short_at: Box::new([NONE; 256]),
            class: Box::new([0; 256]),
            lists: Vec::new(),
        };
        for (n, pattern) in patterns.iter().enumerate() {
            let (n, pattern) = (u16::try_from(n).unwrap_or(NONE), pattern.as_bytes());
            let slot = match pattern.len() {
                0 => continue,
                1 | 2 => &mut new.short_at[usize::from(pattern[pattern.len() - 1])],
                3 => {
                    let at = hash(last(pattern, 3));
                    new.three[at / 64] |= 1 << (at % 64);
                    &mut new.three_at[at]
                }
                _ => {
                    let at = hash(last(pattern, 4));
                    new.four[at / 64] |= 1 << (at % 64);
                    &mut new.four_at[at]
                }
            };
            if *slot == NONE {
                *slot = u16::try_from(new.lists.len()).unwrap_or(NONE);
                new.lists.push(Vec::new());
            }
            if let Some(list) = new.lists.get_mut(usize::from(*slot)) {
                list.push(n);
            }
        }
        for pattern in patterns.iter().map(String::as_bytes) {
            match pattern.len() {
                0..=2 => {}
                // Whatever stands before it.
                3 => (0..0x80).for_each(|b: u32| new.ascii[hash((b << 24 | last(pattern, 3)) & SEVEN)] = 1),
                _ => new.ascii[hash(last(pattern, 4) & SEVEN)] = 1,
            }
        }
        // A letter's upper case ends a short literal as well.
        for b in b'a'..=b'z' {
            new.short_at[usize::from(b.to_ascii_uppercase())] = new.short_at[usize::from(b)];
        }
        for (b, class) in new.class.iter_mut().enumerate() {
            *class = u16::from(FOLD[b]) | u16::from(new.short_at[b] != NONE) << 8;
        }
        new
    }

    /// Tells of every literal that ends in `bytes[from..to]`: its number, its start and its end. Ends never fall.
    #[inline]
    pub(crate) fn scan(&self, bytes: &[u8], from: usize, to: usize, found: &mut impl FnMut(usize, usize, usize)) {
        let Some(piece) = bytes.get(from..to) else { return };
        let mut tail =
            bytes[from.saturating_sub(3)..from].iter().fold(0, |v, &b| v << 8 | u32::from(FOLD[usize::from(b)]));
        let (blocks, rest) = piece.as_chunks::<BLOCK>();
        let mut at = from;
        for block in blocks {
            if block.is_ascii() {
                let mut ends = self.ends(tail & SEVEN, block);
                while ends != 0 {
                    let end = at + ends.trailing_zeros() as usize + 1;
                    ends &= ends - 1;
                    let tail = bytes[end.saturating_sub(4)..end]
                        .iter()
                        .fold(0, |v, &b| v << 8 | u32::from(FOLD[usize::from(b)]));
                    self.ending(tail, bytes, end, found);
                }
                tail = block[BLOCK - 3..].iter().fold(0, |v, &b| v << 8 | u32::from(FOLD[usize::from(b)]));
            } else {
                tail = self.byte_by_byte(tail, block, at, bytes, found);
            }
            at += BLOCK;
        }
        self.byte_by_byte(tail, rest, at, bytes, found);
    }

    /// Where in a block of ASCII literals may end, a bit each. No branch: what stands in the text costs no time.
    #[inline]
    fn ends(&self, mut tail: u32, block: &[u8; BLOCK]) -> u64 {
        let mut ends = 0;
        for (n, eight) in block.as_chunks::<8>().0.iter().enumerate() {
            let mut mask = 0u32;
            for (i, &b) in eight.iter().enumerate() {
                let class = u32::from(self.class[usize::from(b)]);
                tail = tail << 8 | class & 0xFF;
                mask |= (u32::from(self.ascii[hash(tail)]) | class >> 8) << i;
            }
            ends |= u64::from(mask) << (8 * n);
        }
        ends
    }

    #[inline]
    fn byte_by_byte(
        &self,
        mut tail: u32,
        piece: &[u8],
        from: usize,
        bytes: &[u8],
        found: &mut impl FnMut(usize, usize, usize),
    ) -> u32 {
        for (i, &b) in piece.iter().enumerate() {
            tail = tail << 8 | u32::from(FOLD[usize::from(b)]);
            let (four, three) = (hash(tail), hash(tail & 0xFF_FFFF));
            let bits = self.four[four / 64] >> (four % 64) | self.three[three / 64] >> (three % 64);
            if bits & 1 != 0 || self.short_at[usize::from(b)] != NONE {
                self.ending(tail, bytes, from + i + 1, found);
            }
        }
        tail
    }

    /// Compares what may end here, the last four bytes known.
    fn ending(&self, tail: u32, bytes: &[u8], end: usize, found: &mut impl FnMut(usize, usize, usize)) {
        let short = self.short_at[(tail & 0xFF) as usize];
        for list in [self.four_at[hash(tail)], self.three_at[hash(tail & 0xFF_FFFF)], short] {
            if list != NONE {
                self.compare(list, bytes, end, found);
            }
        }
    }

    fn compare(&self, list: u16, bytes: &[u8], end: usize, found: &mut impl FnMut(usize, usize, usize)) {
        for &n in self.lists.get(usize::from(list)).into_iter().flatten() {
            let Some(pattern) = self.patterns.get(usize::from(n)) else { continue };
            let Some(start) = end.checked_sub(pattern.len()) else { continue };
            // The last bytes are right most of the time; the first ones decide soonest.
            if FOLD[usize::from(bytes[start])] == pattern[0] && bytes[start..end].eq_ignore_ascii_case(pattern) {
                found(usize::from(n), start, end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(
            patterns in proptest::collection::hash_set("[ab车京@:]{1,5}", 1..12),
            text in "[abAB车京@:]{0,60}[abAB:@ ]{0,260}[车abB]{0,9}",
        ) {
            let patterns: Vec<String> = patterns.into_iter().collect();
            let literals = Literals::new(&patterns);
            let lower = text.to_ascii_lowercase();
            let mut expected = Vec::new();
            for (n, p) in patterns.iter().enumerate() {
                for at in 0..lower.len() {
                    if lower.as_bytes()[at..].starts_with(p.as_bytes()) {
                        expected.push((n, at, at + p.len()));
                    }
                }
            }
            for cut in (0..=text.len()).step_by(7) {
                let mut found = Vec::new();
                let mut tell = |n, start, end| found.push((n, start, end));
                literals.scan(text.as_bytes(), 0, cut, &mut tell);
                literals.scan(text.as_bytes(), cut, text.len(), &mut tell);
                prop_assert!(found.is_sorted_by_key(|f| f.2));
                found.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(&found, &expected);
            }
        }
    }
}
