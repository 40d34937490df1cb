//! How many persons: exact where identifiers name them, an interval where they can't be counted.

use serde::{Deserialize, Serialize};
use yumen_model::ScanOutcome;
use yumen_model::kind::{KindId, KindSet};
use yumen_model::subject::Subjects;

use crate::book::Rulebook;
use crate::condition::{Bound, Level};
use crate::facts::FactTable;
use crate::truth::Truth;

/// A number known to lie between two bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// At least this.
    pub low: u64,
    /// At most this; none where nothing bounds it.
    pub high: Option<u64>,
}

impl Interval {
    /// A number that is known.
    #[must_use]
    pub fn exactly(n: u64) -> Interval {
        Interval { low: n, high: Some(n) }
    }

    /// A number of which nothing is known.
    #[must_use]
    pub fn unknown() -> Interval {
        Interval { low: 0, high: None }
    }

    /// Whether the number is known.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.high == Some(self.low)
    }

    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Interval) -> Interval {
        let high = self.high.zip(other.high).map(|(a, b)| a.saturating_add(b));
        Interval { low: self.low.saturating_add(other.low), high }
    }

    /// Whether the number reaches a bound.
    #[must_use]
    pub fn reaches(&self, bound: Bound) -> Truth {
        let over = |n: u64| match bound {
            Bound::AtLeast(least) => n >= least,
            Bound::MoreThan(most) => n > most,
        };
        match (over(self.low), self.high) {
            (true, _) => Truth::True,
            (false, Some(high)) if !over(high) => Truth::False,
            _ => Truth::Unknown,
        }
    }
}

/// Persons of this shipment, without those that an exemption covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persons {
    /// With personal information that is not sensitive.
    pub personal: Interval,
    /// With sensitive personal information.
    pub sensitive: Interval,
    /// Both together.
    pub any: Interval,
    /// Kinds whose persons could not be counted.
    pub uncounted: KindSet,
    /// Whether there is personal information in artifacts that an exemption covers.
    pub exempt_findings: bool,
    /// What reports give.
    pub subjects: Subjects,
}

impl Persons {
    /// The number at a level.
    #[must_use]
    pub fn at(&self, level: Level) -> Interval {
        match level {
            Level::Personal => self.personal,
            Level::Sensitive => self.sensitive,
            Level::Any => self.any,
        }
    }

    /// Counts the persons of a scan.
    ///
    /// Counted are the distinct subjects. Where persons can't be counted the number is a lower bound; the upper one is the number of occurrences
    /// for kinds in which one occurrence names at most one person, and open for faces, voices and tracks, unless the manifest declares
    /// `persons.personal` or `persons.sensitive`. A declared number never lowers what was counted.
    #[must_use]
    pub fn count(book: &Rulebook, outcome: &ScanOutcome, facts: &FactTable, covered: &dyn Fn(&str) -> bool) -> Persons {
        let (personal, sensitive) = (book.personal_kinds(), book.sensitive_kinds());
        let countable = book.countable_kinds();
        let tally = &outcome.subjects;
        let (mut p, mut s) = (0u64, 0u64);
        let mut counted = KindSet::default();
        for group in &tally.groups {
            counted = counted.union(group.kinds);
            if group.kinds.intersects(sensitive) {
                s = s.saturating_add(group.persons);
            } else if group.kinds.intersects(personal) {
                p = p.saturating_add(group.persons);
            }
        }
        let mut uncounted: KindSet = tally.uncounted.iter().copied().filter(|k| personal.contains(*k)).collect();
        // Occurrences of each kind that stand for persons not in the tally: of an uncounted kind, or found by context alone. A kind that was
        // found but that no record names is uncounted too.
        let mut occurrences: Vec<(KindId, u64)> = Vec::new();
        let mut exempt_findings = false;
        for finding in &outcome.findings {
            let kind = finding.kind;
            if !personal.contains(kind) {
                continue;
            }
            if covered(&finding.artifact) {
                exempt_findings = true;
                continue;
            }
            let by_context = finding.confidence <= book.proof_above;
            if !counted.contains(kind) || (by_context && kind.rank().is_some()) {
                uncounted.insert(kind);
            }
            match occurrences.iter_mut().find(|(k, _)| *k == kind) {
                Some((_, n)) => *n = n.saturating_add(finding.count),
                None => occurrences.push((kind, finding.count)),
            }
        }
        let level = |kinds: KindSet, counted: u64| {
            let kinds: Vec<KindId> = uncounted.iter().filter(|k| kinds.contains(*k)).collect();
            let mut high = Some(counted);
            for kind in &kinds {
                let found = occurrences.iter().find(|(k, _)| k == kind).map(|&(_, n)| n);
                high = match (high, found) {
                    (Some(high), Some(n)) if countable.contains(*kind) => Some(high.saturating_add(n)),
                    _ => None,
                };
            }
            Interval { low: if kinds.is_empty() { counted } else { counted.max(1) }, high }
        };
        let plain: KindSet = personal.iter().filter(|k| !sensitive.contains(*k)).collect();
        let declare = |interval: Interval, fact: &str| match facts.count(fact) {
            Some(n) => Interval::exactly(n.max(interval.low)),
            None => interval,
        };
        let personal = declare(level(plain, p), "persons.personal");
        let sensitive = declare(level(sensitive, s), "persons.sensitive");
        let high = personal.plus(sensitive).high;
        // A person who can't be counted may be one of those who were.
        let least = p.saturating_add(s).max(personal.low).max(sensitive.low);
        let any = if personal.is_exact() && sensitive.is_exact() {
            personal.plus(sensitive)
        } else {
            Interval { low: least, high }
        };
        let subjects = Subjects {
            personal: personal.low,
            sensitive: sensitive.low,
            vehicles: tally.vehicles,
            uncounted: uncounted.iter().collect(),
            exempt: tally.exempt,
        };
        Persons { personal, sensitive, any, uncounted, exempt_findings, subjects }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bounds_are_read_as_the_law_reads_them() {
        let n = Interval::exactly(10_000);
        assert_eq!(n.reaches(Bound::AtLeast(10_000)), Truth::True);
        assert_eq!(n.reaches(Bound::MoreThan(10_000)), Truth::False);
        let some = Interval { low: 1, high: None };
        assert_eq!(some.reaches(Bound::AtLeast(1)), Truth::True);
        assert_eq!(some.reaches(Bound::AtLeast(2)), Truth::Unknown);
        assert_eq!(Interval { low: 1, high: Some(9) }.reaches(Bound::MoreThan(9)), Truth::False);
    }

    proptest! {
        #[test]
        fn an_interval_answers_as_each_number_in_it(low in 0u64..50, more in 0u64..50, bound in 0u64..120) {
            let interval = Interval { low, high: Some(low + more) };
            let answers: Vec<bool> = (low..=low + more).map(|n| n >= bound).collect();
            let truth = interval.reaches(Bound::AtLeast(bound));
            prop_assert_eq!(truth.is_true(), answers.iter().all(|&b| b));
            prop_assert_eq!(truth.is_false(), answers.iter().all(|&b| !b));
        }
    }
}
