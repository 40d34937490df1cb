//! From matches to findings: of overlapping matches the surer stays, and the values of a line make records.

use std::borrow::Cow;
use std::cmp::Ordering;

use yumen_model::{Findings, Hit, Identifier, KindId, KindSet, Location, Mask, Props, Secret};

use crate::recogniser::Match;

/// Longest chain of overlapping matches that is decided as one.
const CHAIN: usize = 512;

/// A match that has its place, its raw value still with it.
pub(crate) struct Placed {
    /// Offset of its first byte in the stream.
    pub(crate) start: u64,
    /// Offset after its last byte in the stream.
    pub(crate) end: u64,
    /// Where it stands in the artifact.
    pub(crate) location: Location,
    /// What a record is here: the number of the line or row.
    pub(crate) record: u64,
    pub(crate) kind: KindId,
    pub(crate) confidence: f64,
    mask: Mask,
    distinct: Props,
    collect: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) identifier: Option<String>,
    position: Option<(f64, f64)>,
    value: String,
}

impl Placed {
    pub(crate) fn new(m: Match, start: u64, end: u64, location: Location, record: u64, value: &str) -> Self {
        Placed {
            start,
            end,
            location,
            record,
            kind: m.kind,
            confidence: m.confidence,
            mask: m.mask,
            distinct: m.distinct,
            collect: m.collect,
            identifier: m.identifier,
            position: m.position,
            value: value.to_owned(),
        }
    }

    /// Whether only its label tells of it: a number with a wrong check digit.
    pub(crate) fn guess(&self) -> bool {
        self.distinct.contains(&("checksum", false.into()))
    }

    /// The order in which overlapping matches are preferred.
    fn preference(&self, other: &Placed) -> Ordering {
        other
            .confidence
            .total_cmp(&self.confidence)
            .then((other.end - other.start).cmp(&(self.end - self.start)))
            .then(self.start.cmp(&other.start))
            .then(self.kind.cmp(&other.kind))
            .then_with(|| self.distinct.cmp(&other.distinct))
    }
}

/// Of matches that overlap keeps the surer, then the longer; the rest comes in the order of its places.
pub(crate) fn resolve(mut matches: Vec<Placed>) -> Vec<Placed> {
    if matches.len() < 2 {
        return matches;
    }
    matches.sort_by_key(|m| (m.start, m.end));
    let mut kept = Vec::with_capacity(matches.len());
    let (mut chain, mut chain_end) = (Vec::new(), 0);
    for m in matches {
        if m.start >= chain_end || chain.len() >= CHAIN {
            kept.append(&mut resolve_chain(std::mem::take(&mut chain)));
            chain_end = 0;
        }
        chain_end = chain_end.max(m.end);
        chain.push(m);
    }
    kept.append(&mut resolve_chain(chain));
    kept
}

fn resolve_chain(mut matches: Vec<Placed>) -> Vec<Placed> {
    if matches.len() < 2 {
        return matches;
    }
    matches.sort_by(Placed::preference);
    let mut kept: Vec<Placed> = Vec::with_capacity(matches.len());
    for m in matches {
        let at = kept.partition_point(|o| o.start < m.start);
        let before = at.checked_sub(1).and_then(|i| kept.get(i)).is_some_and(|o| o.end > m.start);
        let after = kept.get(at).is_some_and(|o| o.start < m.end);
        if !before && !after {
            kept.insert(at, m);
        }
    }
    kept
}

/// How the values of a stream make records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Records {
    /// A line with at most one value of a kind is a record, otherwise each value is.
    Lines,
    /// Each value is a record of its own.
    Alone,
}

/// Takes matches in the order of their places and reports those that stay.
pub(crate) struct Settler {
    records: Records,
    chain: Vec<Placed>,
    chain_end: u64,
    line: Line,
}

impl Settler {
    pub(crate) fn new(records: Records) -> Self {
        Settler { records, chain: Vec::new(), chain_end: 0, line: Line::default() }
    }

    /// Takes the next match; starts must not fall.
    pub(crate) fn push(&mut self, m: Placed, out: &mut Findings) {
        if m.start >= self.chain_end || self.chain.len() >= CHAIN {
            self.flush_chain(out);
        }
        self.chain_end = self.chain_end.max(m.end);
        self.chain.push(m);
    }

    fn flush_chain(&mut self, out: &mut Findings) {
        self.chain_end = 0;
        for m in resolve_chain(std::mem::take(&mut self.chain)) {
            if self.records == Records::Alone || m.record != self.line.number {
                self.line.end(out);
                self.line.number = m.record;
            }
            self.line.add(&m, out);
            report(m, out);
        }
    }

    pub(crate) fn finish(&mut self, out: &mut Findings) {
        self.flush_chain(out);
        self.line.end(out);
    }
}

/// The values of one line of prose.
#[derive(Default)]
struct Line {
    number: u64,
    identifiers: Vec<(KindId, String)>,
    seen: KindSet,
    /// Of these what is more than a guess.
    sure: KindSet,
    /// Some kind has several values: each is a record.
    several: bool,
    any: bool,
}

impl Line {
    fn add(&mut self, m: &Placed, out: &mut Findings) {
        if !told_of_persons(m.kind) {
            return;
        }
        let Some(value) = &m.identifier else {
            self.seen.insert(m.kind);
            if !m.guess() {
                self.sure.insert(m.kind);
            }
            return;
        };
        self.any = true;
        if !self.several {
            match self.identifiers.iter().find(|(kind, _)| *kind == m.kind) {
                Some((_, known)) if known == value => return,
                None => {
                    self.identifiers.push((m.kind, value.clone()));
                    return;
                }
                Some(_) => {
                    self.several = true;
                    for (kind, value) in self.identifiers.drain(..) {
                        record(&[(kind, value)], KindSet::default(), KindSet::default(), out);
                    }
                }
            }
        }
        record(&[(m.kind, value.clone())], KindSet::default(), KindSet::default(), out);
    }

    fn end(&mut self, out: &mut Findings) {
        if !self.identifiers.is_empty() || (!self.any && !self.seen.is_empty()) {
            record(&self.identifiers, self.seen, self.sure, out);
        }
        *self = Line { number: self.number, ..Line::default() };
    }
}

/// Whether a kind in a record says something of a person or a person's vehicle.
fn told_of_persons(kind: KindId) -> bool {
    !["key.", "cert.", "doc.", "org.", "geo.review"].iter().any(|p| kind.name().starts_with(p))
}

/// Reports one record. Without an identifier only what surely speaks of a person itself is told as uncounted: a place, a device or a number with a
/// wrong check digit alone is nobody.
pub(crate) fn record(identifiers: &[(KindId, String)], seen: KindSet, sure: KindSet, out: &mut Findings) {
    let seen: KindSet = if identifiers.iter().any(|(kind, _)| kind.rank().is_some()) {
        seen.iter().filter(|&kind| told_of_persons(kind)).collect()
    } else {
        sure.iter().filter(|kind| kind.name().starts_with("person.")).collect()
    };
    if identifiers.is_empty() && seen.is_empty() {
        return;
    }
    let identifiers: Vec<Identifier<'_>> =
        identifiers.iter().map(|(kind, value)| Identifier { kind: *kind, value: Secret::new(value) }).collect();
    out.record(&identifiers, seen);
}

/// Reports one occurrence.
pub(crate) fn report(m: Placed, out: &mut Findings) {
    if let Some((lat, lon)) = m.position {
        out.position(lat, lon, || m.location.clone());
    }
    out.hit(Hit {
        kind: m.kind,
        location: m.location,
        secret: Secret::new(&m.value),
        mask: m.mask,
        confidence: m.confidence,
        distinct: m.distinct,
        collect: m.collect,
    });
}
