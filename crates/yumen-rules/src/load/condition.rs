//! Decoding of conditions.

use yumen_model::Reason;
use yumen_model::kind::{KINDS, KindId};

use super::{Loader, RefTo};
use crate::condition::{Allowed, Bound, Condition, Filter, Found, Level};
use crate::facts::{Expect, FactTest, FactValue};
use crate::yaml::{Fields, Node, Value, suggest};

/// The key that says what kind of condition it is, and the keys that may stand beside it.
const HEADS: &[(&str, &[&str])] = &[
    ("all", &[]),
    ("any", &[]),
    ("not", &[]),
    ("found", &["with", "missing", "at-least", "min-confidence", "beside"]),
    ("fact", &["is", "at-least"]),
    ("declared", &["is", "at-least"]),
    ("persons", &["at-least", "more-than"]),
    ("opaque", &[]),
];

impl Loader {
    /// A condition.
    pub(super) fn condition(&mut self, node: &Node) -> Option<Condition> {
        let fields = self.reader.open_map(node, "when")?;
        let heads: Vec<_> = HEADS.iter().filter(|(head, _)| fields.entries().iter().any(|e| e.key == *head)).collect();
        let names = || HEADS.iter().map(|(h, _)| *h);
        let [(head, beside)] = heads.as_slice() else {
            if heads.is_empty() {
                let help = match fields.entries().first() {
                    Some(e) => suggest(&e.key, names()),
                    None => suggest("", names()),
                };
                let at = fields.entries().first().map_or(node.at, |e| e.at);
                self.reader.problem(at, "this is no condition", Some(help));
            } else {
                let both: Vec<_> = heads.iter().map(|(h, _)| format!("`{h}`")).collect();
                let help = "put them into one list below `all` or `any`".to_owned();
                self.reader.problem(node.at, format!("{} can't stand side by side", both.join(" and ")), Some(help));
            }
            return None;
        };
        let allowed: Vec<&str> = std::iter::once(*head).chain(beside.iter().copied()).collect();
        self.reader.map(node, head, &allowed)?;
        let Some(value) = fields.get(head) else {
            self.reader.problem(fields.at, format!("`{head}` has no value"), None);
            return None;
        };
        match *head {
            "all" => self.several(value, "all").map(Condition::All),
            "any" => self.several(value, "any").map(Condition::Any),
            "not" => self.condition(value).map(|c| Condition::Not(Box::new(c))),
            "found" => self.found(&fields, value).map(Condition::Found),
            "fact" => self.fact_test(&fields, value).map(Condition::Fact),
            "declared" => self.fact_test(&fields, value).map(Condition::Declared),
            "persons" => self.persons(&fields, value),
            _ => self.opaque(value),
        }
    }

    fn several(&mut self, node: &Node, what: &str) -> Option<Vec<Condition>> {
        let list = self.reader.list(node, what)?;
        if list.is_empty() {
            let means = if what == "all" { "always true" } else { "never true" };
            let help = "name at least one condition".to_owned();
            self.reader.problem(node.at, format!("`{what}` is empty, which would be {means}"), Some(help));
            return None;
        }
        let conditions: Vec<_> = list.iter().map(|n| self.condition(n)).collect();
        conditions.into_iter().collect()
    }

    /// One kind or a list of kinds.
    pub(super) fn kinds(&mut self, node: &Node, what: &str) -> Option<Vec<KindId>> {
        let names = self.reader.texts(node, what)?;
        let mut kinds = Vec::with_capacity(names.len());
        let mut bad = false;
        for (name, at) in names {
            if let Some(kind) = KindId::named(&name) {
                kinds.push(kind);
            } else {
                bad = true;
                let help = suggest(&name, KINDS.iter().map(|k| k.name));
                self.reader.problem(at, format!("no data kind `{name}`"), Some(help));
            }
        }
        (!bad && !kinds.is_empty()).then_some(kinds)
    }

    fn found(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Found> {
        let before = self.reader.told();
        let kinds = self.kinds(node, "found");
        let with = fields.get("with").map_or_else(Vec::new, |n| self.filters(n));
        let missing = fields.get("missing").and_then(|n| {
            let name = self.reader.text(n, "missing")?;
            self.refer(RefTo::BoolFact, &name, n.at);
            if with.is_empty() {
                let help = "it names the fact that decides where a property of `with` is lacking".to_owned();
                self.reader.problem(n.at, "`missing` without `with`", Some(help));
            }
            Some(name)
        });
        let at_least = match fields.get("at-least") {
            Some(n) => self.reader.count(n, "at-least").map_or(1, |least| {
                if least == 0 {
                    self.reader.problem(n.at, "`at-least: 0` would always be true", None);
                }
                least.max(1)
            }),
            None => 1,
        };
        let min_confidence = fields.get("min-confidence").and_then(|n| {
            let c = self.reader.number(n, "min-confidence")?;
            if !(0.0..=1.0).contains(&c) {
                self.reader.problem(n.at, "`min-confidence` lies between 0 and 1", None);
            }
            Some(c)
        });
        let beside = fields.get("beside").and_then(|n| self.kinds(n, "beside")).unwrap_or_default();
        let kinds = kinds?;
        (self.reader.told() == before).then_some(Found { kinds, with, missing, at_least, min_confidence, beside })
    }

    fn filters(&mut self, node: &Node) -> Vec<Filter> {
        let Some(fields) = self.reader.open_map(node, "with") else { return Vec::new() };
        if fields.entries().is_empty() {
            self.reader.problem(node.at, "`with` is empty", Some("leave it out, or name a property".to_owned()));
        }
        let mut filters = Vec::new();
        for entry in fields.entries() {
            let scalar = |n: &Node| match &n.value {
                Value::Bool(b) => Some(serde_json::Value::from(*b)),
                Value::Count(c) => Some(serde_json::Value::from(*c)),
                Value::Number(c) => Some(serde_json::Value::from(*c)),
                Value::Text(t) => Some(serde_json::Value::from(t.as_str())),
                _ => None,
            };
            let allowed = match &entry.value.value {
                Value::Map(_) => self.reader.map(&entry.value, &entry.key, &["at-least"]).and_then(|f| {
                    let n = self.reader.need(&f, "at-least", &entry.key)?;
                    self.reader.number(n, "at-least").map(Allowed::AtLeast)
                }),
                Value::List(list) => {
                    let values: Option<Vec<_>> = list.iter().map(scalar).collect();
                    let values = values.filter(|v| !v.is_empty());
                    if values.is_none() {
                        let help = "write `property: [one, two]`".to_owned();
                        self.reader.problem(entry.value.at, "a list of words or numbers is expected", Some(help));
                    }
                    values.map(Allowed::OneOf)
                }
                _ => {
                    let one = scalar(&entry.value);
                    if one.is_none() {
                        self.reader.problem(entry.value.at, format!("`{}` has no value", entry.key), None);
                    }
                    one.map(|v| Allowed::OneOf(vec![v]))
                }
            };
            if let Some(allowed) = allowed {
                filters.push(Filter { property: entry.key.clone(), allowed });
            }
        }
        filters
    }

    fn fact_test(&mut self, fields: &Fields<'_>, node: &Node) -> Option<FactTest> {
        let name = self.reader.text(node, "fact")?;
        let expect = match (fields.get("is"), fields.get("at-least")) {
            (Some(is), Some(_)) => {
                self.reader.problem(is.at, "`is` and `at-least` can't stand side by side", None);
                return None;
            }
            (Some(is), None) => match &is.value {
                Value::Bool(b) => Expect::Is(FactValue::Bool(*b)),
                Value::Count(n) => Expect::Is(FactValue::Count(*n)),
                _ => Expect::Is(FactValue::Word(self.reader.text(is, "is")?)),
            },
            (None, Some(n)) => Expect::AtLeast(self.reader.count(n, "at-least")?),
            (None, None) => Expect::Is(FactValue::Bool(true)),
        };
        let to = match &expect {
            Expect::Is(FactValue::Bool(_)) => RefTo::BoolFact,
            Expect::Is(FactValue::Word(word)) => RefTo::WordFact(word.clone()),
            Expect::Is(FactValue::Count(_)) | Expect::AtLeast(_) => RefTo::CountFact,
        };
        self.refer(to, &name, node.at);
        Some(FactTest { name, expect })
    }

    /// `personal`, `sensitive` or `any`.
    pub(super) fn level(&mut self, node: &Node, what: &str) -> Option<Level> {
        Some(match self.reader.word(node, what, &["personal", "sensitive", "any"])? {
            "personal" => Level::Personal,
            "sensitive" => Level::Sensitive,
            _ => Level::Any,
        })
    }

    fn persons(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Condition> {
        let level = self.level(node, "persons");
        let bound = match (fields.get("at-least"), fields.get("more-than")) {
            (Some(n), None) => self.reader.count(n, "at-least").map(Bound::AtLeast),
            (None, Some(n)) => self.reader.count(n, "more-than").map(Bound::MoreThan),
            _ => {
                let help = "以上 is `at-least`, 超过 is `more-than`".to_owned();
                self.reader.problem(node.at, "`persons` needs either `at-least` or `more-than`", Some(help));
                None
            }
        };
        Some(Condition::Persons(level?, bound?))
    }

    fn opaque(&mut self, node: &Node) -> Option<Condition> {
        let words = self.reader.texts(node, "opaque")?;
        let mut reasons = Vec::new();
        for (word, at) in words {
            if word == "any" {
                continue;
            }
            match Reason::ALL.iter().find(|r| r.name() == word) {
                Some(reason) => reasons.push(*reason),
                None => {
                    let known = Reason::ALL.iter().map(|r| r.name()).chain(["any"]);
                    self.reader.problem(at, format!("no reason of opaque bytes `{word}`"), Some(suggest(&word, known)));
                }
            }
        }
        Some(Condition::Opaque(reasons))
    }
}
