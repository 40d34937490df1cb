//! Candidates: the literals of all recognisers and the runs of letters and digits, found block by block in one pass over the bytes.

use std::collections::HashMap;

use super::literals::Literals;
use crate::recogniser::{Candidate, LONGEST_RUN, Match, Recogniser, Run};

/// Runs up to this length are judged by a table, longer ones by asking every recogniser.
const TABLE: usize = 40;
/// Longest piece that one call of [`Engine::scan`] takes.
pub(crate) const PIECE: usize = 256 << 10;
/// Bytes that are classed at once, a bit each.
const BLOCK: usize = 64;

/// What made a candidate, in offsets of the scanned bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trigger {
    /// A literal, by its number among all.
    Literal { pattern: usize, start: usize, end: usize },
    /// A run.
    Run { run: Run, start: usize, end: usize },
}

impl Trigger {
    pub(crate) fn span(&self) -> (usize, usize) {
        match *self {
            Trigger::Literal { start, end, .. } | Trigger::Run { start, end, .. } => (start, end),
        }
    }
}

/// Where a scan stands between two pieces: the run that is open.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ScanState {
    digits: usize,
    upper: usize,
    lower: usize,
}

impl ScanState {
    fn len(&self) -> usize {
        self.digits + self.upper + self.lower
    }
}

/// Which bytes of a block are digits, upper-case and lower-case letters, a bit each.
struct Classes {
    digits: u64,
    upper: u64,
    lower: u64,
}

impl Classes {
    #[inline]
    fn of(block: &[u8; BLOCK]) -> Self {
        let mut classes = Classes { digits: 0, upper: 0, lower: 0 };
        for (i, eight) in block.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*eight);
            classes.digits |= within(word, b'0', b'9') << (8 * i);
            classes.upper |= within(word, b'A', b'Z') << (8 * i);
            classes.lower |= within(word, b'a', b'z') << (8 * i);
        }
        classes
    }
}

/// Which of eight bytes lie in a range of ASCII, the first in the lowest bit.
#[inline]
fn within(word: u64, first: u8, last: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let seven = word & !HIGH;
    let reached = seven + ONES * u64::from(0x80 - first);
    let passed = seven + ONES * u64::from(0x7F - last);
    let bits = (reached & !passed & !word & HIGH) >> 7;
    // Gathers the lowest bit of each byte.
    bits.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// The compiled recognisers.
pub(crate) struct Engine {
    recognisers: Vec<&'static dyn Recogniser>,
    matcher: Literals,
    /// By pattern: which recognisers want it, and the number it has there.
    literals: Vec<Vec<(usize, usize)>>,
    /// By length, digits and upper-case letters: index into `sets`, without and with a fraction before.
    table: Vec<(u16, u16)>,
    /// Where the entries of a length begin in `table`.
    offsets: [usize; TABLE + 2],
    /// Distinct sets of recognisers; the first is empty.
    sets: Vec<Vec<usize>>,
    /// Lengths of runs that nobody wants when they are letters in lower case alone, a bit each.
    no_words: u64,
}

impl Engine {
    pub(crate) fn new(recognisers: Vec<&'static dyn Recogniser>) -> Self {
        let mut patterns: Vec<String> = Vec::new();
        let mut literals: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (r, recogniser) in recognisers.iter().enumerate() {
            for (l, literal) in recogniser.literals().iter().enumerate() {
                if literal.is_empty() {
                    continue;
                }
                let at = *known.entry(literal.to_ascii_lowercase()).or_insert_with_key(|key| {
                    patterns.push(key.clone());
                    literals.push(Vec::new());
                    patterns.len() - 1
                });
                literals[at].push((r, l));
            }
        }
        let mut engine = Engine {
            recognisers,
            matcher: Literals::new(&patterns),
            literals,
            table: Vec::new(),
            offsets: [0; TABLE + 2],
            sets: vec![Vec::new()],
            no_words: 0,
        };
        engine.tabulate();
        engine.tabulate_words();
        engine
    }

    fn tabulate(&mut self) {
        for len in 0..=TABLE {
            self.offsets[len] = self.table.len();
            for digits in 0..=len {
                for upper in 0..=len {
                    if digits + upper > len {
                        self.table.push((0, 0));
                        continue;
                    }
                    let run = Run { len, digits, upper, lower: len - digits - upper, fraction: false };
                    let plain = self.set_of(&run);
                    let fraction = self.set_of(&Run { fraction: true, ..run });
                    self.table.push((plain, fraction));
                }
            }
        }
    }

    /// What the table says of lower-case words; see `no_words`.
    fn tabulate_words(&mut self) {
        for len in 1..=TABLE {
            if self.table[self.offsets[len]] == (0, 0) {
                self.no_words |= 1 << len;
            }
        }
    }

    fn wanting(&self, run: &Run) -> Vec<usize> {
        (0..self.recognisers.len()).filter(|&r| run.len > 0 && self.recognisers[r].wants(run)).collect()
    }

    fn set_of(&mut self, run: &Run) -> u16 {
        let set = self.wanting(run);
        let at = self.sets.iter().position(|s| *s == set).unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        });
        u16::try_from(at).expect("the table has fewer than 65536 entries")
    }

    /// The recognisers that want every value of a column of this name.
    pub(crate) fn wanting_column(&self, name: &str) -> Vec<usize> {
        (0..self.recognisers.len()).filter(|&r| self.recognisers[r].wants_column(name)).collect()
    }

    /// Scans `bytes[from..to]` (at most [`PIECE`] bytes), continuing where the state stands. With `last`, an open run ends at `to`. What was
    /// scanned before, as far as a literal or run reaches, still stands before `from`.
    /// Triggers come in the order of their ends; at the same end literals first.
    pub(crate) fn scan(
        &self,
        at: &mut ScanState,
        bytes: &[u8],
        from: usize,
        to: usize,
        last: bool,
        out: &mut Vec<Trigger>,
    ) {
        if from > to || to > bytes.len() {
            return;
        }
        let mut start = from;
        while start < to {
            let end = (start + BLOCK).min(to);
            let first = out.len();
            self.matcher.scan(bytes, start, end, &mut |pattern, start, end| {
                out.push(Trigger::Literal { pattern, start, end });
            });
            let literals = out.len();
            self.runs(at, bytes, start, end, out);
            if first < literals && literals < out.len() {
                // Stable: of the same end the literals stay before the runs.
                out[first..].sort_by_key(|t| t.span().1);
            }
            start = end;
        }
        if last && at.len() > 0 {
            self.run(std::mem::take(at), bytes, to, out);
        }
    }

    /// The runs that end in a block.
    #[inline]
    fn runs(&self, at: &mut ScanState, bytes: &[u8], start: usize, end: usize, out: &mut Vec<Trigger>) {
        let n = end - start;
        let classes = match bytes[start..].first_chunk::<BLOCK>() {
            Some(block) => Classes::of(block),
            None => {
                let mut block = [0; BLOCK];
                block[..n].copy_from_slice(&bytes[start..end]);
                Classes::of(&block)
            }
        };
        let (digits, letters) = (classes.digits, classes.upper | classes.lower);
        let all = digits | letters;
        let mut next = 0;
        loop {
            if at.len() == 0 {
                next += (all >> next).trailing_zeros() as usize;
            }
            if next >= n {
                return;
            }
            let len = ((all >> next).trailing_ones() as usize).min(n - next);
            let open = next + len >= n;
            if len > 0 {
                let mask = (u64::MAX >> (BLOCK - len)) << next;
                // Most runs are words in lower case, which nobody wants: they are not counted through.
                if mask & !classes.lower == 0 {
                    if !open && at.len() == 0 && self.no_words & 1 << len.min(BLOCK - 1) != 0 {
                        next += len;
                        continue;
                    }
                    at.lower += len;
                } else if mask & letters == 0 {
                    at.digits += len;
                } else {
                    let (digits, upper) = ((digits & mask).count_ones(), (classes.upper & mask).count_ones());
                    at.digits += digits as usize;
                    at.upper += upper as usize;
                    at.lower += len - digits as usize - upper as usize;
                }
                next += len;
            }
            if open {
                // A run that is too long already stays so, without its counters running over.
                at.lower = at.lower.min(LONGEST_RUN + 1);
                at.digits = at.digits.min(LONGEST_RUN + 1);
                at.upper = at.upper.min(LONGEST_RUN + 1);
                return;
            }
            self.run(std::mem::take(at), bytes, start + next, out);
        }
    }

    #[inline]
    fn run(&self, counts: ScanState, bytes: &[u8], end: usize, out: &mut Vec<Trigger>) {
        let ScanState { digits, upper, lower } = counts;
        let len = counts.len();
        let mut sets = (0, 0);
        if len <= TABLE {
            sets = self.table[self.offsets[len] + digits * (len + 1) + upper];
            if sets == (0, 0) {
                return;
            }
        } else if len > LONGEST_RUN {
            return;
        }
        let Some(start) = end.checked_sub(len) else { return };
        let fraction = matches!(bytes.get(start.wrapping_sub(2)..start), Some([b'0'..=b'9', b'.']));
        let wanted =
            len > TABLE || if fraction { sets.1 != 0 } else { sets.0 != 0 && (len > 4 || grouped(bytes, len, end)) };
        if wanted {
            out.push(Trigger::Run { run: Run { len, digits, upper, lower, fraction }, start, end });
        }
    }

    /// Lets the recognisers that want a trigger examine it.
    pub(crate) fn examine(&self, trigger: &Trigger, candidate: Candidate<'_>, out: &mut Vec<Match>) {
        match trigger {
            Trigger::Literal { pattern, .. } => {
                for &(r, literal) in self.literals.get(*pattern).into_iter().flatten() {
                    self.recognisers[r].examine(&Candidate { literal: Some(literal), run: None, ..candidate }, out);
                }
            }
            Trigger::Run { run, .. } => {
                let candidate = Candidate { literal: None, run: Some(*run), ..candidate };
                if run.len <= TABLE {
                    let entry = self.table[self.offsets[run.len] + run.digits * (run.len + 1) + run.upper];
                    let set = if run.fraction { entry.1 } else { entry.0 };
                    for &r in &self.sets[usize::from(set)] {
                        self.recognisers[r].examine(&candidate, out);
                    }
                } else {
                    for recogniser in self.recognisers.iter().filter(|r| r.wants(run)) {
                        recogniser.examine(&candidate, out);
                    }
                }
            }
        }
    }

    /// Lets the given recognisers examine a value of a column.
    pub(crate) fn examine_value(&self, wanting: &[usize], candidate: Candidate<'_>, out: &mut Vec<Match>) {
        let candidate = Candidate { literal: None, run: None, ..candidate };
        for &r in wanting {
            self.recognisers[r].examine(&candidate, out);
        }
    }

    /// Data kinds of all recognisers, each once.
    pub(crate) fn kinds(&self) -> Vec<yumen_model::KindId> {
        let mut kinds: Vec<_> = self.recognisers.iter().flat_map(|r| r.kinds()).copied().collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

/// Whether a short run is the first of groups that the same byte joins: `xx:xx:xx:`, `138-1234-`, `6222 0212 `.
#[inline]
fn grouped(bytes: &[u8], len: usize, end: usize) -> bool {
    let at = |n: usize| bytes.get(end + n).copied();
    let joint = at(0);
    match len {
        2 => joint == at(3) && joint == at(6) && joint.is_some(),
        3 | 4 => joint == at(5) && joint.is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yumen_model::KindId;

    struct Digits;
    impl Recogniser for Digits {
        fn kinds(&self) -> &'static [KindId] {
            &[]
        }
        fn literals(&self) -> &'static [&'static str] {
            &["Vin", "车架号", "in"]
        }
        fn wants(&self, run: &Run) -> bool {
            run.digits >= 3 && !run.fraction
        }
        fn examine(&self, _: &Candidate<'_>, _: &mut Vec<Match>) {}
    }

    fn triggers(text: &str, cuts: &[usize]) -> Vec<String> {
        let engine = Engine::new(vec![&Digits]);
        let (mut out, mut state) = (Vec::new(), ScanState::default());
        let mut from = 0;
        for &cut in cuts.iter().chain([&text.len()]) {
            engine.scan(&mut state, text.as_bytes(), from, cut, cut == text.len(), &mut out);
            from = cut;
        }
        out.iter().map(|t| text[t.span().0..t.span().1].to_owned()).collect()
    }

    #[test]
    fn literals_overlap_in_either_case_and_runs_are_maximal() {
        assert_eq!(triggers("a VIN=LSV123 车架号 0.123 x12", &[]), ["VIN", "IN", "LSV123", "车架号"]);
        assert_eq!(triggers("ab12345", &[]), ["ab12345"]);
    }

    #[test]
    fn cuts_change_nothing() {
        let text = "a VIN=LSV123 车架号 0.123 x1234 12345";
        for cut in 0..text.len() {
            assert_eq!(triggers(text, &[cut]), triggers(text, &[]));
        }
    }

    #[test]
    fn a_run_without_end_overflows_nothing() {
        let text = "1".repeat(PIECE * 5);
        let cuts: Vec<_> = (1..5).map(|n| n * PIECE).collect();
        assert!(triggers(&text, &cuts).is_empty());
        let longest = format!("{} ", "7".repeat(LONGEST_RUN));
        assert_eq!(triggers(&longest, &[100]).len(), 1);
    }
}
