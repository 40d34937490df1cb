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
    /// The literals of four bytes and more, and of three, by the same; `NONE` where there are none.
    four_at: Box<[u16]>,
    three_at: Box<[u16]>,
    /// The literals of one or two bytes, by their last byte.
    short_at: Box<[u16; 256]>,
    /// What the three above point to.
    lists: Vec<Vec<u16>>,
}

const NONE: u16 = u16::MAX;

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
            four_at: vec![NONE; SIZE].into_boxed_slice(),
            three_at: vec![NONE; SIZE].into_boxed_slice(),
            short_at: Box::new([NONE; 256]),
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
        // A letter's upper case ends a short literal as well.
        for b in b'a'..=b'z' {
            new.short_at[usize::from(b.to_ascii_uppercase())] = new.short_at[usize::from(b)];
        }
        new
    }

    /// Tells of every literal that ends in `bytes[from..to]`: its number, its start and its end. Ends never fall.
    #[inline]
    pub(crate) fn scan(&self, bytes: &[u8], from: usize, to: usize, found: &mut impl FnMut(usize, usize, usize)) {
        let Some(piece) = bytes.get(from..to) else { return };
        let mut tail =
            bytes[from.saturating_sub(3)..from].iter().fold(0, |v, &b| v << 8 | u32::from(FOLD[usize::from(b)]));
        for (i, &b) in piece.iter().enumerate() {
            tail = tail << 8 | u32::from(FOLD[usize::from(b)]);
            let (four, three) = (hash(tail), hash(tail & 0xFF_FFFF));
            let bits = self.four[four / 64] >> (four % 64) | self.three[three / 64] >> (three % 64);
            if bits & 1 != 0 || self.short_at[usize::from(b)] != NONE {
                for list in [self.four_at[four], self.three_at[three], self.short_at[usize::from(b)]] {
                    self.compare(list, bytes, from + i + 1, found);
                }
            }
        }
    }

    fn compare(&self, list: u16, bytes: &[u8], end: usize, found: &mut impl FnMut(usize, usize, usize)) {
        for &n in self.lists.get(usize::from(list)).into_iter().flatten() {
            let Some(pattern) = self.patterns.get(usize::from(n)) else { continue };
            let Some(start) = end.checked_sub(pattern.len()) else { continue };
            if bytes[start..end].eq_ignore_ascii_case(pattern) {
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
            text in "[abAB车京@:]{0,60}",
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
            for cut in 0..=text.len() {
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
