//! Declared facts: the catalogue of what can be asked, and the table of what was answered.

use std::collections::BTreeMap;

use yumen_model::verdict::Text;

use crate::paths::Globs;
use crate::truth::Truth;

/// What values a fact takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactType {
    /// True or false.
    Bool,
    /// A whole number of at least 0.
    Count,
    /// One word of a fixed vocabulary.
    Word(Vec<String>),
}

impl FactType {
    /// The type in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            FactType::Bool => "true or false".to_owned(),
            FactType::Count => "a whole number".to_owned(),
            FactType::Word(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// An entry of the catalogue.
#[derive(Clone, Debug)]
pub struct FactSpec {
    /// Dotted name.
    pub name: String,
    /// Its values.
    pub kind: FactType,
    /// Its place in `shipment.yaml`: `facts.NAME`, or a key of its own (`processor.ciio`).
    pub key: String,
    /// The question.
    pub question: Text,
}

/// The value of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactValue {
    /// True or false.
    Bool(bool),
    /// A number.
    Count(u64),
    /// A word.
    Word(String),
}

impl FactValue {
    /// Whether the value is of a type.
    #[must_use]
    pub fn fits(&self, kind: &FactType) -> bool {
        match (self, kind) {
            (FactValue::Bool(_), FactType::Bool) | (FactValue::Count(_), FactType::Count) => true,
            (FactValue::Word(w), FactType::Word(words)) => words.contains(w),
            _ => false,
        }
    }
}

/// What a condition asks of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactTest {
    /// Name of the fact.
    pub name: String,
    /// What makes it true.
    pub expect: Expect,
}

/// What makes a test of a fact true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// This value.
    Is(FactValue),
    /// A number of at least this.
    AtLeast(u64),
}

impl FactTest {
    /// The test that a fact is declared true.
    #[must_use]
    pub fn holds(name: &str) -> FactTest {
        FactTest { name: name.to_owned(), expect: Expect::Is(FactValue::Bool(true)) }
    }
}

/// One answer, for the whole shipment or a part of it.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The value.
    pub value: FactValue,
    /// The artifacts it speaks of; none for all.
    pub scope: Option<Globs>,
}

/// Which scoped answers apply at an artifact. Artifacts with the same signature see the same facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(Vec<u32>);

/// The answers of a manifest.
#[derive(Clone, Debug, Default)]
pub struct FactTable {
    answers: BTreeMap<String, Vec<(u32, Declared)>>,
    scoped: Vec<(u32, Globs)>,
    next: u32,
}

impl FactTable {
    /// Adds an answer.
    pub fn declare(&mut self, name: &str, declared: Declared) {
        let id = self.next;
        self.next += 1;
        if let Some(globs) = &declared.scope {
            self.scoped.push((id, globs.clone()));
        }
        self.answers.entry(name.to_owned()).or_default().push((id, declared));
    }

    /// Whether any answer speaks of a part only.
    #[must_use]
    pub fn has_scopes(&self) -> bool {
        !self.scoped.is_empty()
    }

    /// What applies at an artifact.
    #[must_use]
    pub fn signature(&self, path: &str) -> Signature {
        Signature(self.scoped.iter().filter(|(_, g)| g.covers(path)).map(|&(id, _)| id).collect())
    }

    /// The value that applies. An answer for a part goes before one for the whole; answers that contradict each other are no answer.
    #[must_use]
    pub fn value(&self, name: &str, at: &Signature) -> Option<&FactValue> {
        let answers = self.answers.get(name)?;
        let scoped: Vec<_> = answers.iter().filter(|(id, _)| at.0.contains(id)).map(|(_, d)| &d.value).collect();
        let whole = || answers.iter().filter(|(_, d)| d.scope.is_none()).map(|(_, d)| &d.value).collect();
        let values: Vec<&FactValue> = if scoped.is_empty() { whole() } else { scoped };
        let first = *values.first()?;
        values.iter().all(|v| *v == first).then_some(first)
    }

    /// Whether a test holds; unknown without an answer.
    #[must_use]
    pub fn test(&self, test: &FactTest, at: &Signature) -> Truth {
        match (self.value(&test.name, at), &test.expect) {
            (None, _) => Truth::Unknown,
            (Some(value), Expect::Is(expected)) => Truth::from(value == expected),
            (Some(FactValue::Count(n)), Expect::AtLeast(least)) => Truth::from(n >= least),
            (Some(_), Expect::AtLeast(_)) => Truth::Unknown,
        }
    }

    /// Names that were answered.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.answers.keys().map(String::as_str)
    }

    /// A number declared for the whole shipment.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        match self.value(name, &Signature::default()) {
            Some(FactValue::Count(n)) => Some(*n),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(answers: &[(bool, Option<&str>)]) -> FactTable {
        let mut t = FactTable::default();
        for (value, scope) in answers {
            let scope = scope.map(|g| Globs::new(&[g]).unwrap());
            t.declare("f", Declared { value: FactValue::Bool(*value), scope });
        }
        t
    }

    fn at(t: &FactTable, path: &str) -> Truth {
        t.test(&FactTest::holds("f"), &t.signature(path))
    }

    #[test]
    fn a_part_goes_before_the_whole_and_contradiction_is_no_answer() {
        let t = table(&[(false, None), (true, Some("maps/**"))]);
        assert_eq!((at(&t, "maps/a"), at(&t, "lidar/b")), (Truth::True, Truth::False));
        let t = table(&[(true, Some("maps/**")), (false, Some("maps/old/**"))]);
        assert_eq!(
            (at(&t, "maps/a"), at(&t, "maps/old/a"), at(&t, "x")),
            (Truth::True, Truth::Unknown, Truth::Unknown)
        );
        assert_eq!(at(&FactTable::default(), "x"), Truth::Unknown);
    }
}
