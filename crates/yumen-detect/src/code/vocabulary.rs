//! From words to concepts.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::rules::COMMANDS;
use super::terms::{CHINESE, COMMAND, COMMON, WORDS};
use crate::scanner::Literals;

/// Longest run of letters and digits that is looked at: longer ones are data.
const LONGEST_RUN: usize = 64;
/// Least length of the words that tile a piece which is itself no word.
const LEAST_TILE: usize = 4;

/// FNV-1a: short keys, no enemy gains by a collision in a fixed table.
#[derive(Default)]
pub(crate) struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// The vocabulary, ready for look-ups.
pub(crate) struct Vocabulary {
    words: HashMap<&'static [u8], u16, BuildHasherDefault<Fnv>>,
    /// What makes a line worth a look: Chinese terms first, then words.
    pub(crate) literals: Literals,
}

/// Which words of the vocabulary were seen that say something about vehicles, by their place in [`WORDS`] and [`CHINESE`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Context([u64; 16]);

impl Context {
    fn set(&mut self, index: usize) {
        if let Some(slot) = self.0.get_mut(index / 64) {
            *slot |= 1 << (index % 64);
        }
    }

    pub(crate) fn add(&mut self, other: &Context) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
    }

    /// Whether the distinct words speak of vehicles, and whether of their electronics. Words that say little (`wheel`, `engine`) do not add up alone. `more` is what else speaks
    /// of vehicles.
    pub(crate) fn weigh(&self, more: u32) -> (bool, bool) {
        let (mut all, mut electronics, mut clear) = (more, 0, false);
        for (at, bits) in self.0.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let index = at * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let Some(word) = WORDS.get(index).or_else(|| CHINESE.get(index.checked_sub(WORDS.len())?)) else {
                    continue;
                };
                all += u32::from(word.2);
                clear |= word.2 >= 2;
                let plain = word.1 & super::terms::VEHICLE != 0 && word.2 < 3;
                electronics += if word.2 < 2 { 0 } else { u32::from(word.2) - u32::from(plain) };
            }
        }
        (all >= if clear { 3 } else { 6 }, electronics >= 3)
    }
}

/// What stands in one identifier, chain, string or phrase.
#[derive(Clone, Copy, Default)]
pub(crate) struct Unit {
    pub(crate) concepts: u64,
    /// Which of [`COMMANDS`] it is.
    pub(crate) commands: u32,
    pub(crate) context: Context,
}

impl Unit {
    fn take(&mut self, index: usize, concepts: u64, vehicle: u8) {
        self.concepts |= concepts;
        if vehicle > 0 {
            self.context.set(index);
        }
    }

    /// Works out whether it is a command.
    pub(crate) fn settle(&mut self) {
        for (i, groups) in COMMANDS.iter().enumerate() {
            if groups.iter().all(|g| self.concepts & g != 0) {
                self.commands |= 1 << i;
                self.concepts |= COMMAND;
            }
        }
    }

    pub(crate) fn join(&mut self, other: &Unit) {
        self.concepts |= other.concepts;
        self.commands |= other.commands;
        self.context.add(&other.context);
    }
}

impl Vocabulary {
    pub(crate) fn new() -> Self {
        let words =
            WORDS.iter().enumerate().map(|(i, w)| (w.0.as_bytes(), u16::try_from(i).unwrap_or(u16::MAX))).collect();
        let mut patterns: Vec<String> = CHINESE.iter().map(|w| w.0.to_owned()).collect();
        patterns.extend(WORDS.iter().map(|w| w.0).filter(|w| w.len() >= 3 && !COMMON.contains(w)).map(str::to_owned));
        Vocabulary { words, literals: Literals::new(&patterns) }
    }

    /// Reads the words of `text` into a unit. `hits` are the literals found in it: number, and byte range relative to `text`.
    pub(crate) fn read(&self, text: &str, hits: &[(usize, usize, usize)], unit: &mut Unit) {
        for &(n, ..) in hits.iter().filter(|h| h.0 < CHINESE.len()) {
            if let Some(word) = CHINESE.get(n) {
                unit.take(WORDS.len() + n, word.1, word.2);
            }
        }
        let bytes = text.as_bytes();
        let mut pieces = Pieces { buffer: [0; 48], last: 0 };
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii_alphanumeric() {
                // Only what joins the words of one name keeps the last piece.
                if !matches!(bytes[at], b'_' | b'-' | b' ') {
                    pieces.last = 0;
                }
                at += 1;
                continue;
            }
            let end = at + bytes[at..].iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(bytes.len() - at);
            if end - at <= LONGEST_RUN {
                self.run(&bytes[at..end], &mut pieces, unit);
            } else {
                pieces.last = 0;
            }
            at = end;
        }
        unit.settle();
    }

    /// A run of letters and digits: a word as it stands, or its pieces.
    fn run(&self, run: &[u8], pieces: &mut Pieces, unit: &mut Unit) {
        let mut lower = [0u8; LONGEST_RUN];
        let Some(lower) = lower.get_mut(..run.len()) else { return };
        lower.copy_from_slice(run);
        lower.make_ascii_lowercase();
        // `PEPs` are no PEPS, `ECUs` are ECUs.
        let acronyms = run.len() > 2 && run.ends_with(b"s") && run[..run.len() - 1].iter().all(u8::is_ascii_uppercase);
        if acronyms {
            self.known(&lower[..run.len() - 1], unit);
            pieces.last = 0;
            return;
        }
        if self.known(lower, unit) {
            pieces.push(self, lower, unit);
            return;
        }
        if is_data(run) {
            pieces.last = 0;
            return;
        }
        let mangled = run.len() > 8 && run.ends_with(b"Ev");
        let mut from = 0;
        while from < run.len() {
            let to = piece_end(run, from);
            let piece = &lower[from..to];
            // The parameters of a mangled name are no word.
            if !(mangled && to == run.len() && piece == b"ev") {
                let known = self.known(piece, unit) || self.inflected(piece, unit);
                pieces.push(self, piece, unit);
                if !known && piece.len() >= 2 * LEAST_TILE {
                    let mut tiles = Unit::default();
                    if self.tile(piece, 3, &mut tiles) {
                        unit.join(&tiles);
                    }
                }
            }
            from = to;
        }
    }

    fn known(&self, word: &[u8], unit: &mut Unit) -> bool {
        let Some(&index) = self.words.get(word) else { return false };
        let index = usize::from(index);
        if let Some(word) = WORDS.get(index) {
            unit.take(index, word.1, word.2);
        }
        true
    }

    /// `locks`, `unlocked`, `braked`, `charging`: the word without its ending.
    fn inflected(&self, word: &[u8], unit: &mut Unit) -> bool {
        let strip = |ending: &[u8], unit: &mut Unit| {
            word.strip_suffix(ending).is_some_and(|stem| stem.len() >= 3 && self.known(stem, unit))
        };
        strip(b"s", unit) || strip(b"ed", unit) || strip(b"d", unit) || strip(b"ing", unit)
    }

    /// Whether words of the vocabulary lie side by side in a piece without a gap.
    fn tile(&self, piece: &[u8], most: usize, unit: &mut Unit) -> bool {
        if piece.is_empty() {
            return true;
        }
        if most == 0 {
            return false;
        }
        for len in (LEAST_TILE..=piece.len()).rev() {
            let (head, rest) = piece.split_at(len);
            if (rest.is_empty() || rest.len() >= LEAST_TILE) && self.words.contains_key(head) {
                let mut tail = Unit::default();
                if self.tile(rest, most - 1, &mut tail) {
                    self.known(head, unit);
                    unit.join(&tail);
                    return true;
                }
            }
        }
        false
    }
}

/// The piece before, for words that are written as two (`t_box`, `power_down`, `kl15`).
struct Pieces {
    buffer: [u8; 48],
    last: usize,
}

impl Pieces {
    fn push(&mut self, vocabulary: &Vocabulary, piece: &[u8], unit: &mut Unit) {
        let joined = self.last + piece.len();
        if self.last > 0 && joined <= self.buffer.len() {
            self.buffer[self.last..joined].copy_from_slice(piece);
            vocabulary.known(&self.buffer[..joined], unit);
        }
        self.last = 0;
        if piece.len() <= self.buffer.len() / 2 {
            self.buffer[..piece.len()].copy_from_slice(piece);
            self.last = piece.len();
        }
    }
}

/// Whether a run is a number, a hash or encoded data rather than words.
fn is_data(run: &[u8]) -> bool {
    let digits = run.iter().filter(|b| b.is_ascii_digit()).count();
    let hex = run.strip_prefix(b"0x").or(run.strip_prefix(b"0X")).is_some()
        || (run.len() >= 6 && digits > 0 && run.iter().all(u8::is_ascii_hexdigit));
    let changes = run.windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit()).count();
    hex || changes >= 5
}

/// Where the piece that begins at `from` ends: `doorLock`, `BMSCharge`, `kl15`.
fn piece_end(run: &[u8], from: usize) -> usize {
    let at = |i: usize| run.get(i).copied().unwrap_or(0);
    // V2L, V2G
    if matches!(at(from), b'V' | b'v')
        && at(from + 1) == b'2'
        && matches!(at(from + 2).to_ascii_lowercase(), b'l' | b'g' | b'h' | b'x' | b'v')
        && !at(from + 3).is_ascii_lowercase()
    {
        return from + 3;
    }
    let mut to = from + 1;
    while to < run.len() {
        let (before, here, next) = (at(to - 1), at(to), at(to + 1));
        let boundary = before.is_ascii_digit() != here.is_ascii_digit()
            || (before.is_ascii_lowercase() && here.is_ascii_uppercase())
            || (before.is_ascii_uppercase()
                && here.is_ascii_uppercase()
                && next.is_ascii_lowercase()
                && !plural(run, to));
        if boundary {
            break;
        }
        to += 1;
    }
    to
}

/// `ECUs`: the last capital belongs to the word before it.
fn plural(run: &[u8], capital: usize) -> bool {
    run.get(capital + 1) == Some(&b's') && !run.get(capital + 2).is_some_and(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::super::terms::*;
    use super::*;

    fn concepts(text: &str) -> u64 {
        let v = Vocabulary::new();
        let mut hits = Vec::new();
        v.literals.scan(text.as_bytes(), 0, text.len(), &mut |n, s, e| hits.push((n, s, e)));
        let mut unit = Unit::default();
        v.read(text, &hits, &mut unit);
        unit.concepts & !COMMAND
    }

    #[test]
    fn names_of_every_style_are_taken_apart() {
        for text in [
            "remoteDoorUnlock",
            "RemoteDoorUnlock",
            "REMOTE_DOOR_UNLOCK",
            "remote-door-unlock",
            "RmtDrUnlk",
            "remotedoorunlock",
            "远程车门解锁",
            "远程解锁Door",
            "remote_doors_unlocked",
        ] {
            assert_eq!(concepts(text), REMOTE | DOOR | UNLOCK, "{text}");
        }
        assert_eq!(concepts("KCmd_RMT_DrLk"), ACT | CONTROL | REMOTE | DOOR | LOCK);
        assert_eq!(concepts("T_BOX") & CLOUD, CLOUD);
        assert_eq!(concepts("V2LEnable"), DISCHARGE | EVPLUG | ACT);
        assert_eq!(concepts("AEBRequest"), AEB | ACT);
        assert_eq!(concepts("RequestDownload") & REQDL, REQDL);
        assert_eq!(concepts("BMSChargeEnable") & (BATTERY | CHARGE), BATTERY | CHARGE);
        assert_eq!(concepts("updateECUs"), UPDATE | ECU);
    }

    #[test]
    fn words_inside_of_other_words_are_none() {
        for text in [
            "blockchain",
            "clockwork",
            "quota",
            "rotation",
            "accelerometer",
            "accumulate",
            "breaker",
            "planes",
            "acceptCharger2x".trim_end_matches("Charger2x"),
            "unlockable",
            "surcharges",
            "notable",
            "iota",
        ] {
            assert_eq!(concepts(text), 0, "{text}");
        }
        for text in ["0x3aeb7f", "c4aeb09f12", "9aeb7acc3lka0x", "x1aeb2lka3acc4"] {
            assert_eq!(concepts(text), 0, "{text}");
        }
        assert_eq!(concepts("_ZN3foo3barEv") & EVPLUG, 0);
    }

    #[test]
    fn the_vocabulary_holds_each_word_once_in_lower_case() {
        let mut all: Vec<&str> = WORDS.iter().chain(CHINESE).map(|w| w.0).collect();
        let n = all.len();
        assert!(n <= 1024);
        all.sort_unstable();
        let twice: Vec<_> = all.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0]).collect();
        assert!(twice.is_empty(), "{twice:?}");
        assert!(all.iter().all(|w| *w == w.to_lowercase()));
        let strangers: Vec<_> = COMMON.iter().filter(|c| !WORDS.iter().any(|w| w.0 == **c)).collect();
        assert!(strangers.len() < COMMON.len(), "{strangers:?}");
    }
}
