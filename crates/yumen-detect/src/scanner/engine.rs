//! Candidates: one automaton over the literals of all recognisers and one run scanner, in a single loop over the bytes.

use std::collections::HashMap;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, MatchKind, StartKind, dfa::DFA};

use crate::recogniser::{Candidate, LONGEST_RUN, Match, Recogniser, Run};

/// Runs up to this length are judged by a table, longer ones by asking every recogniser.
const TABLE: usize = 40;
/// Bits a counter of the packed run takes; pieces are shorter than what it can count.
const FIELD: u32 = 20;
/// Longest piece that one call of [`Engine::scan`] takes.
pub(crate) const PIECE: usize = 256 << 10;

/// What a byte adds to the packed counts of a run: digits, upper-case and lower-case letters; zero ends the run.
const PACK: [u64; 256] = {
    let mut table = [0; 256];
    let mut b = 0;
    while b < 256 {
        let byte = b as u8;
        table[b] = if byte.is_ascii_digit() {
            1
        } else if byte.is_ascii_uppercase() {
            1 << FIELD
        } else if byte.is_ascii_lowercase() {
            1 << (2 * FIELD)
        } else {
            0
        };
        b += 1;
    }
    table
};

/// What made a candidate, in offsets of the scanned bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trigger {
    /// A literal, by its number in the automaton.
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

/// Where a scan stands between two pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanState {
    state: StateID,
    packed: u64,
}

/// The compiled recognisers.
pub(crate) struct Engine {
    recognisers: Vec<&'static dyn Recogniser>,
    automaton: Option<DFA>,
    /// By pattern: which recognisers want it, and the number it has there.
    literals: Vec<Vec<(usize, usize)>>,
    /// By length, digits and upper-case letters: index into `sets`, without and with a fraction before.
    table: Vec<(u16, u16)>,
    /// Where the entries of a length begin in `table`.
    offsets: [usize; TABLE + 2],
    /// Distinct sets of recognisers; the first is empty.
    sets: Vec<Vec<usize>>,
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
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .prefilter(false)
            .build(&patterns)
            .ok()
            .filter(|_| !patterns.is_empty());
        let mut engine = Engine {
            recognisers,
            automaton,
            literals,
            table: Vec::new(),
            offsets: [0; TABLE + 2],
            sets: vec![Vec::new()],
        };
        engine.tabulate();
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

    pub(crate) fn start(&self) -> ScanState {
        let state = self.automaton.as_ref().and_then(|a| a.start_state(Anchored::No).ok()).unwrap_or(StateID::ZERO);
        ScanState { state, packed: 0 }
    }

    /// Scans `bytes[from..to]` (at most [`PIECE`] bytes), continuing where the state stands. With `last`, an open run ends at `to`.
    /// Triggers come in the order of their ends; at the same end literals and runs in any, but always the same, order.
    pub(crate) fn scan(
        &self,
        at: &mut ScanState,
        bytes: &[u8],
        from: usize,
        to: usize,
        last: bool,
        out: &mut Vec<Trigger>,
    ) {
        let Some(piece) = bytes.get(from..to) else { return };
        let mut packed = at.packed;
        if let Some(automaton) = &self.automaton {
            let mut state = at.state;
            for (i, &b) in piece.iter().enumerate() {
                state = automaton.next_state(Anchored::No, state, b);
                let add = PACK[usize::from(b)];
                if add != 0 {
                    packed += add;
                } else if packed != 0 {
                    self.run(packed, bytes, from + i, out);
                    packed = 0;
                }
                if automaton.is_special(state) && automaton.is_match(state) {
                    for k in 0..automaton.match_len(state) {
                        let pattern = automaton.match_pattern(state, k);
                        let end = from + i + 1;
                        let len = automaton.pattern_len(pattern);
                        if let Some(start) = end.checked_sub(len) {
                            out.push(Trigger::Literal { pattern: pattern.as_usize(), start, end });
                        }
                    }
                }
            }
            at.state = state;
        } else {
            for (i, &b) in piece.iter().enumerate() {
                let add = PACK[usize::from(b)];
                if add != 0 {
                    packed += add;
                } else if packed != 0 {
                    self.run(packed, bytes, from + i, out);
                    packed = 0;
                }
            }
        }
        if last && packed != 0 {
            self.run(packed, bytes, to, out);
            packed = 0;
        }
        // A run that is too long already stays so, without its counters running over.
        if unpack(packed).len > LONGEST_RUN {
            packed = (LONGEST_RUN as u64 + 1) << (2 * FIELD);
        }
        at.packed = packed;
    }

    #[inline]
    fn run(&self, packed: u64, bytes: &[u8], end: usize, out: &mut Vec<Trigger>) {
        let run = unpack(packed);
        if run.len <= TABLE {
            let (plain, fraction) = self.table[self.offsets[run.len] + run.digits * (run.len + 1) + run.upper];
            if plain == 0 && fraction == 0 {
                return;
            }
        } else if run.len > LONGEST_RUN {
            return;
        }
        let Some(start) = end.checked_sub(run.len) else { return };
        let fraction = matches!(bytes.get(start.wrapping_sub(2)..start), Some([b'0'..=b'9', b'.']));
        out.push(Trigger::Run { run: Run { fraction, ..run }, start, end });
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

fn unpack(packed: u64) -> Run {
    let field = |n: u32| usize::try_from(packed >> (n * FIELD) & ((1 << FIELD) - 1)).unwrap_or(0);
    let (digits, upper, lower) = (field(0), field(1), field(2));
    Run { len: digits + upper + lower, digits, upper, lower, fraction: false }
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
        let (mut out, mut state) = (Vec::new(), engine.start());
        let mut from = 0;
        for &cut in cuts.iter().chain([&text.len()]) {
            engine.scan(&mut state, text.as_bytes(), from, cut, cut == text.len(), &mut out);
            from = cut;
        }
        out.iter().map(|t| text[t.span().0..t.span().1].to_owned()).collect()
    }

    #[test]
    fn literals_overlap_in_either_case_and_runs_are_maximal() {
        assert_eq!(triggers("a VIN=LSV123 车架号 0.123 x12", &[]), ["VIN", "IN", "LSV123", "车架号", "123"]);
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
