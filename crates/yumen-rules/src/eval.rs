//! Three-valued evaluation of rows over a scan.
//!
//! - `found: K` is true with findings that have every property asked, unknown where a property is lacking (or `unknown`) and no fact decides, and
//!   false otherwise. While bytes are opaque that nobody accounts for, what is false by findings is unknown ([`RowState::beyond`]).
//! - A finding by context alone (confidence not above the rulebook's `proof-above`) counts for personal information and towards candidates, but
//!   leaves an important row or a suspicion of a State secret unknown: a named person then settles it.
//! - A declared fact may speak of a part of the shipment. A row is evaluated once for each distinct set of facts among the artifacts that could feed
//!   it, and applies if it applies under any: who declares a part never clears another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use yumen_model::kind::KindId;
use yumen_model::verdict::{Class, Text};
use yumen_model::{Finding, Reason, ScanOutcome};

use crate::book::{Row, Rulebook};
use crate::condition::{Allowed, Condition, Filter, Found, Level};
use crate::facts::{FactTable, FactTest, Signature};
use crate::persons::Persons;
use crate::truth::Truth;

/// What is not known and would settle a condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// A declared fact.
    Fact(String),
    /// A named person's look at what was found.
    Determination,
}

/// How a row stands.
#[derive(Clone, Debug)]
pub struct RowState<'b> {
    /// The row.
    pub row: &'b Row,
    /// Whether it applies by what was seen.
    pub truth: Truth,
    /// The same, where what is opaque may hold anything.
    pub beyond: Truth,
    /// Places in [`ScanOutcome::findings`] that feed it, surely or perhaps.
    pub findings: Vec<(usize, Truth)>,
    /// Declared facts that it rests on.
    pub facts: Vec<String>,
    /// What would settle it where it is unknown, with the findings it is about.
    pub asks: BTreeMap<Ask, Vec<usize>>,
}

/// How a limb of a row stands.
#[derive(Clone, Debug)]
pub struct LimbState<'b> {
    /// Its title.
    pub title: &'b Text,
    /// Whether it holds by what was seen.
    pub truth: Truth,
    /// The same, where what is opaque may hold anything.
    pub beyond: Truth,
    /// Findings that it rests on.
    pub findings: Vec<usize>,
    /// Declared facts that it rests on, or that speak against it.
    pub facts: Vec<String>,
    /// Findings of its kinds that do not count for it.
    pub beside: Vec<usize>,
}

/// A scan prepared for evaluation.
pub struct Scan<'a> {
    book: &'a Rulebook,
    outcome: &'a ScanOutcome,
    facts: &'a FactTable,
    persons: &'a Persons,
    opaque: Vec<Reason>,
    covered: Vec<bool>,
    by_kind: BTreeMap<KindId, Vec<usize>>,
    signatures: Vec<Signature>,
}

/// Value of a condition.
#[derive(Clone, Debug)]
struct Eval {
    truth: Truth,
    beyond: Truth,
    findings: BTreeMap<usize, Truth>,
    facts: BTreeSet<String>,
    asks: BTreeMap<Ask, BTreeSet<usize>>,
}

impl Eval {
    fn of(truth: Truth) -> Eval {
        Eval { truth, beyond: truth, findings: BTreeMap::new(), facts: BTreeSet::new(), asks: BTreeMap::new() }
    }

    /// Joins parts whose truth was worked out already. What is asked is what the undecided parts ask, and only while the whole is undecided.
    fn join(truth: Truth, beyond: Truth, parts: Vec<Eval>) -> Eval {
        let mut whole = Eval { beyond, ..Eval::of(truth) };
        for part in parts {
            if !part.truth.is_false() {
                for (i, truth) in part.findings {
                    let known = whole.findings.entry(i).or_insert(truth);
                    *known = known.or(truth);
                }
                whole.facts.extend(part.facts);
            }
            if truth.is_unknown() && part.truth.is_unknown() {
                for (ask, about) in part.asks {
                    whole.asks.entry(ask).or_default().extend(about);
                }
            }
        }
        whole
    }
}

impl<'a> Scan<'a> {
    /// Prepares a scan. `opaque` are the reasons of opaque bytes that nobody accounts for; `covered` says whether an exemption takes an artifact's persons.
    #[must_use]
    pub fn new(
        book: &'a Rulebook,
        outcome: &'a ScanOutcome,
        facts: &'a FactTable,
        persons: &'a Persons,
        opaque: Vec<Reason>,
        covered: &dyn Fn(&str) -> bool,
    ) -> Self {
        let mut by_kind: BTreeMap<KindId, Vec<usize>> = BTreeMap::new();
        let mut signatures = Vec::with_capacity(outcome.findings.len());
        let mut is_covered = Vec::with_capacity(outcome.findings.len());
        let mut last: Option<(&str, Signature, bool)> = None;
        for (i, finding) in outcome.findings.iter().enumerate() {
            by_kind.entry(finding.kind).or_default().push(i);
            // Findings are sorted by path: one look-up an artifact.
            if last.as_ref().is_none_or(|(path, ..)| *path != finding.artifact) {
                last = Some((&finding.artifact, facts.signature(&finding.artifact), covered(&finding.artifact)));
            }
            if let Some((_, signature, c)) = &last {
                signatures.push(signature.clone());
                is_covered.push(*c);
            }
        }
        Scan { book, outcome, facts, persons, opaque, covered: is_covered, by_kind, signatures }
    }

    /// How every row stands, in the order of the rulebook.
    #[must_use]
    pub fn rows(&self) -> Vec<RowState<'a>> {
        self.book.rows.iter().map(|r| self.row(r)).collect()
    }

    /// How a row stands.
    #[must_use]
    pub fn row(&self, row: &'a Row) -> RowState<'a> {
        let proof = matches!(row.class, Class::Important | Class::StateSecretSuspect);
        let eval = row.when.as_ref().map_or_else(|| Eval::of(Truth::False), |when| self.condition(when, proof));
        let list = |set: BTreeSet<usize>| set.into_iter().collect::<Vec<_>>();
        RowState {
            row,
            truth: eval.truth,
            beyond: eval.beyond,
            findings: if eval.truth.is_false() { Vec::new() } else { eval.findings.into_iter().collect() },
            facts: if eval.truth.is_false() { Vec::new() } else { eval.facts.into_iter().collect() },
            asks: eval.asks.into_iter().map(|(ask, about)| (ask, list(about))).collect(),
        }
    }

    /// How the limbs of a row stand; none for rows whose limbs have no titles.
    #[must_use]
    pub fn limbs(&self, row: &'a Row) -> Vec<LimbState<'a>> {
        let proof = matches!(row.class, Class::Important | Class::StateSecretSuspect);
        let parts: &[Condition] = match &row.when {
            Some(Condition::All(list)) => list,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let limb = |(title, condition): (&'a Text, &Condition)| {
            let eval = self.condition(condition, proof);
            let findings: Vec<usize> =
                if eval.truth.is_false() { Vec::new() } else { eval.findings.into_keys().collect() };
            let of_kinds = condition.kinds().iter().flat_map(|k| self.by_kind.get(&k).into_iter().flatten().copied());
            let beside: BTreeSet<usize> = of_kinds.filter(|i| !findings.contains(i)).collect();
            // What is declared decides it, either way.
            let declared = |f: &&str| self.facts.names().any(|n| n == *f);
            let facts = match findings.is_empty() {
                true => condition.facts().into_iter().filter(declared).map(str::to_owned).collect(),
                false => eval.facts.into_iter().collect(),
            };
            LimbState {
                title,
                truth: eval.truth,
                beyond: eval.beyond,
                findings,
                facts,
                beside: beside.into_iter().collect(),
            }
        };
        row.limbs.iter().zip(parts).map(limb).collect()
    }

    /// Whether a condition holds by what was seen.
    #[must_use]
    pub fn holds(&self, condition: &Condition) -> Truth {
        self.condition(condition, false).truth
    }

    /// What a declared fact is at a finding.
    #[must_use]
    pub fn fact_at(&self, name: &str, finding: usize) -> Truth {
        let none = Signature::default();
        self.facts.test(&FactTest::holds(name), self.signatures.get(finding).unwrap_or(&none))
    }

    /// Evaluates a condition under each distinct set of facts, and takes the gravest.
    fn condition(&self, condition: &Condition, proof: bool) -> Eval {
        let mut signatures: BTreeSet<&Signature> = BTreeSet::new();
        let none = Signature::default();
        if self.facts.has_scopes() {
            for kind in condition.kinds().iter() {
                signatures.extend(self.by_kind.get(&kind).into_iter().flatten().map(|&i| &self.signatures[i]));
            }
        }
        if signatures.is_empty() {
            signatures.insert(&none);
        }
        let evals: Vec<Eval> = signatures.into_iter().map(|s| self.eval(condition, s, proof)).collect();
        let truth = Truth::any(evals.iter().map(|e| e.truth));
        let beyond = Truth::any(evals.iter().map(|e| e.beyond));
        Eval::join(truth, beyond, evals)
    }

    fn eval(&self, condition: &Condition, at: &Signature, proof: bool) -> Eval {
        match condition {
            Condition::All(list) => {
                let parts: Vec<Eval> = list.iter().map(|c| self.eval(c, at, proof)).collect();
                let truth = Truth::all(parts.iter().map(|e| e.truth));
                let beyond = Truth::all(parts.iter().map(|e| e.beyond));
                Eval::join(truth, beyond, parts)
            }
            Condition::Any(list) => {
                let parts: Vec<Eval> = list.iter().map(|c| self.eval(c, at, proof)).collect();
                let truth = Truth::any(parts.iter().map(|e| e.truth));
                let beyond = Truth::any(parts.iter().map(|e| e.beyond));
                Eval::join(truth, beyond, parts)
            }
            Condition::Not(inner) => {
                let e = self.eval(inner, at, proof);
                Eval { truth: !e.truth, beyond: !e.beyond, ..e }
            }
            Condition::Found(found) => self.found(found, proof),
            Condition::Fact(test) => self.fact(test, at, true),
            Condition::Declared(test) => self.fact(test, at, false),
            Condition::Persons(level, bound) => {
                let truth = self.persons.at(*level).reaches(*bound);
                let mut eval = Eval::of(truth);
                eval.beyond = self.opened(truth);
                eval.findings = self.personal_findings(*level).into_iter().map(|i| (i, Truth::True)).collect();
                if truth.is_unknown() {
                    for (level, name) in
                        [(Level::Personal, "persons.personal"), (Level::Sensitive, "persons.sensitive")]
                    {
                        if !self.persons.at(level).is_exact() {
                            let about = self.personal_findings(level);
                            eval.asks.insert(Ask::Fact(name.to_owned()), about);
                        }
                    }
                }
                eval
            }
            Condition::Opaque(reasons) => {
                let any = self.opaque.iter().any(|r| reasons.is_empty() || reasons.contains(r));
                Eval::of(Truth::from(any))
            }
        }
    }

    /// What is false by what was seen is unknown while something is opaque.
    fn opened(&self, truth: Truth) -> Truth {
        if truth.is_false() && !self.opaque.is_empty() { Truth::Unknown } else { truth }
    }

    fn fact(&self, test: &FactTest, at: &Signature, ask: bool) -> Eval {
        let truth = self.facts.test(test, at);
        if truth.is_unknown() && !ask {
            return Eval::of(Truth::False);
        }
        let mut eval = Eval::of(truth);
        if truth.is_true() {
            eval.facts.insert(test.name.clone());
        } else if truth.is_unknown() {
            eval.asks.insert(Ask::Fact(test.name.clone()), BTreeSet::new());
        }
        eval
    }

    /// Findings of personal information that would feed a row about persons if no exemption covered their artifacts.
    #[must_use]
    pub fn exempted(&self, row: &Row) -> Vec<usize> {
        let mut found = BTreeSet::new();
        if let Some(when) = &row.when {
            when.walk(&mut |c| {
                if let Condition::Persons(level, _) = c {
                    found.extend(self.personal_kinds_found(*level).filter(|&i| self.covered[i]));
                }
            });
        }
        found.into_iter().collect()
    }

    /// Findings of personal information at a level, outside of what an exemption covers.
    fn personal_findings(&self, level: Level) -> BTreeSet<usize> {
        self.personal_kinds_found(level).filter(|&i| !self.covered[i]).collect()
    }

    fn personal_kinds_found(&self, level: Level) -> impl Iterator<Item = usize> {
        let (personal, sensitive) = (self.book.personal_kinds(), self.book.sensitive_kinds());
        let wanted = move |k: KindId| match level {
            Level::Any => personal.contains(k),
            Level::Sensitive => sensitive.contains(k),
            Level::Personal => personal.contains(k) && !sensitive.contains(k),
        };
        self.by_kind.iter().filter(move |(k, _)| wanted(**k)).flat_map(|(_, list)| list.iter().copied())
    }

    fn found(&self, found: &Found, proof: bool) -> Eval {
        let beside = self.neighbours(found);
        let (mut sure, mut perhaps) = (0u64, 0u64);
        let mut eval = Eval::of(Truth::False);
        let mut asks: BTreeMap<Ask, BTreeSet<usize>> = BTreeMap::new();
        for kind in &found.kinds {
            for &i in self.by_kind.get(kind).into_iter().flatten() {
                let count = self.outcome.findings[i].count.max(1);
                let (truth, ask) = self.finding(found, i, proof, beside.as_ref());
                match truth {
                    Truth::False => continue,
                    Truth::True => sure = sure.saturating_add(count),
                    Truth::Unknown => {
                        perhaps = perhaps.saturating_add(count);
                        asks.entry(ask).or_default().insert(i);
                    }
                }
                eval.findings.insert(i, truth);
            }
        }
        eval.truth = if sure >= found.at_least {
            Truth::True
        } else if sure.saturating_add(perhaps) >= found.at_least {
            eval.asks = asks;
            Truth::Unknown
        } else {
            eval.findings.clear();
            Truth::False
        };
        eval.beyond = self.opened(eval.truth);
        eval
    }

    /// Whether one finding is what is sought, and what would tell.
    fn finding(&self, found: &Found, i: usize, proof: bool, beside: Option<&HashMap<&str, Truth>>) -> (Truth, Ask) {
        let finding = &self.outcome.findings[i];
        let mut truth = matches(&found.with, finding);
        let mut ask = Ask::Determination;
        if let Some(near) = beside {
            // The neighbours' properties stand in for those that the finding lacks.
            let near = near.get(parent(&finding.artifact)).copied().unwrap_or(Truth::False);
            truth = if truth.is_unknown() && !near.is_false() {
                near
            } else {
                truth.and(if near.is_false() { near } else { Truth::True })
            };
        }
        if truth.is_unknown()
            && let Some(fact) = &found.missing
        {
            truth = self.facts.test(&FactTest::holds(fact), &self.signatures[i]);
            ask = Ask::Fact(fact.clone());
        }
        let proven = match found.min_confidence {
            Some(least) => finding.confidence >= least,
            None => !proof || finding.confidence > self.book.proof_above,
        };
        if truth.is_true() && !proven {
            return (Truth::Unknown, Ask::Determination);
        }
        (truth, ask)
    }

    /// For each folder or container: whether something of the kinds sought beside stands in it, with the properties asked.
    fn neighbours(&self, found: &Found) -> Option<HashMap<&'a str, Truth>> {
        if found.beside.is_empty() {
            return None;
        }
        let mut near: HashMap<&str, Truth> = HashMap::new();
        for kind in &found.beside {
            for &i in self.by_kind.get(kind).into_iter().flatten() {
                let finding = &self.outcome.findings[i];
                let truth = near.entry(parent(&finding.artifact)).or_insert(Truth::False);
                *truth = truth.or(matches(&found.with, finding));
            }
        }
        Some(near)
    }
}

/// The folder or container of an artifact.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Whether a finding has the properties. One that is absent, or says `unknown`, is not known.
fn matches(filters: &[Filter], finding: &Finding) -> Truth {
    Truth::all(filters.iter().map(|filter| match finding.properties.get(&filter.property) {
        None | Some(Value::Null) => Truth::Unknown,
        Some(Value::String(s)) if s == "unknown" && !filter.allowed.names("unknown") => Truth::Unknown,
        Some(value) => Truth::from(filter.allowed.allows(value)),
    }))
}

impl Allowed {
    fn names(&self, word: &str) -> bool {
        matches!(self, Allowed::OneOf(values) if values.iter().any(|v| v == word))
    }

    /// Whether a property may have this value.
    pub(crate) fn allows(&self, value: &Value) -> bool {
        match (self, value) {
            (Allowed::OneOf(values), Value::Array(list)) => list.iter().any(|v| values.iter().any(|w| same(v, w))),
            (Allowed::OneOf(values), value) => values.iter().any(|w| same(value, w)),
            (Allowed::AtLeast(least), value) => value.as_f64().is_some_and(|n| n >= *least),
        }
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() < f64::EPSILON,
        _ => a == b,
    }
}
