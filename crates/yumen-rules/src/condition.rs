//! Conditions of rows: what must have been found, declared or counted.

use yumen_model::kind::{KindId, KindSet};

use crate::facts::FactTest;

/// A condition over findings, declared facts, persons and coverage.
#[derive(Clone, Debug)]
pub enum Condition {
    /// All of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// Something was found.
    Found(Found),
    /// A declared fact; unknown, and asked for, while it is not declared.
    Fact(FactTest),
    /// A declared fact that counts only once it is declared, and is never asked for: silence means no.
    Declared(FactTest),
    /// So many persons in this shipment.
    Persons(Level, Bound),
    /// Opaque bytes that nobody accounts for, of any reason or of these.
    Opaque(Vec<yumen_model::Reason>),
}

/// Findings of given kinds.
#[derive(Clone, Debug)]
pub struct Found {
    /// Any of these kinds.
    pub kinds: Vec<KindId>,
    /// Properties that the finding must have.
    pub with: Vec<Filter>,
    /// The fact that decides where a finding lacks one of the properties, or has it as `unknown`. Asked at the finding's artifact.
    pub missing: Option<String>,
    /// Least number of occurrences, over all artifacts.
    pub at_least: u64,
    /// Least confidence that proves it; the rulebook's own bound where absent.
    pub min_confidence: Option<f64>,
    /// Kinds of which something must stand in the same artifact, folder or container; lacking properties are taken from it.
    pub beside: Vec<KindId>,
}

/// A property and the values it may have.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Name of the property.
    pub property: String,
    /// What is allowed.
    pub allowed: Allowed,
}

/// Values that a property may have.
#[derive(Clone, Debug)]
pub enum Allowed {
    /// One of these values; a list property must hold one of them.
    OneOf(Vec<serde_json::Value>),
    /// A number of at least this.
    AtLeast(f64),
}

/// Which persons are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Those with personal information that is not sensitive.
    Personal,
    /// Those with sensitive personal information.
    Sensitive,
    /// Both.
    Any,
}

impl Level {
    /// The word of rulebooks.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Personal => "personal",
            Level::Sensitive => "sensitive",
            Level::Any => "any",
        }
    }
}

/// A lower bound on a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// This or more (以上).
    AtLeast(u64),
    /// More than this (超过).
    MoreThan(u64),
}

impl Condition {
    /// Calls `f` for this condition and each inside of it.
    pub fn walk<'c>(&'c self, f: &mut dyn FnMut(&'c Condition)) {
        f(self);
        match self {
            Condition::All(list) | Condition::Any(list) => list.iter().for_each(|c| c.walk(f)),
            Condition::Not(inner) => inner.walk(f),
            _ => {}
        }
    }

    /// Kinds that can feed it.
    #[must_use]
    pub fn kinds(&self) -> KindSet {
        let mut set = KindSet::default();
        self.walk(&mut |c| {
            if let Condition::Found(found) = c {
                found.kinds.iter().chain(&found.beside).for_each(|&k| set.insert(k));
            }
        });
        set
    }

    /// Names of the facts it uses, with those that decide for a missing property.
    #[must_use]
    pub fn facts(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.walk(&mut |c| match c {
            Condition::Fact(t) | Condition::Declared(t) => names.push(t.name.as_str()),
            Condition::Found(found) => names.extend(found.missing.as_deref()),
            _ => {}
        });
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether it speaks of the number of persons anywhere.
    #[must_use]
    pub fn counts_persons(&self) -> bool {
        let mut counts = false;
        self.walk(&mut |c| counts |= matches!(c, Condition::Persons(..)));
        counts
    }

    /// Whether it speaks of findings at all.
    #[must_use]
    pub fn needs_findings(&self) -> bool {
        !self.kinds().is_empty()
    }
}
