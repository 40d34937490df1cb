//! Decoding of a rulebook's sections.

use std::collections::BTreeMap;

use yumen_model::verdict::{Class, Route, Text};

use super::Loader;
use crate::book::{Provenance, RouteRule, Rulebook, Trigger};
use crate::condition::Level;
use crate::yaml::{At, Fields, Node, Value};

/// What a provenance may rest on.
pub(crate) const BASES: &[&str] = &[
    "final",
    "final-fragment",
    "final-secondhand",
    "draft",
    "other-rule",
    "general-knowledge",
    "inference",
    "organisation",
    "official",
];
pub(crate) const CONFIDENCES: &[&str] = &["high", "medium-high", "medium", "low"];
pub(crate) const CRITERIA: &[&str] = &["known", "missing", "disputed"];
/// Classes by their words, gravest first.
pub(crate) const CLASSES: &[(&str, Class)] = &[
    ("state-secret-suspect", Class::StateSecretSuspect),
    ("unprocessed-geodata", Class::UnprocessedGeodata),
    ("important", Class::Important),
    ("important-candidate", Class::ImportantCandidate),
    ("sensitive-personal", Class::SensitivePersonal),
    ("personal", Class::Personal),
    ("general", Class::General),
];
pub(crate) const ROUTES: &[(&str, Route)] = &[
    ("security-assessment", Route::SecurityAssessment),
    ("standard-contract-or-certification", Route::StandardContractOrCertification),
];
pub(crate) const ROW_KEYS: &[&str] = &[
    "id",
    "aliases",
    "scenario",
    "category",
    "item",
    "limbs",
    "when",
    "class",
    "exemptions",
    "settled-by",
    "preconditions",
    "detectable",
    "provenance",
];

pub(super) fn of_word<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(w, _)| *w == word).map(|&(_, t)| t)
}

pub(super) fn words<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|(w, _)| *w).collect()
}

impl Loader {
    pub(super) fn book(&mut self, root: &Node) -> Option<Rulebook> {
        const KEYS: &[&str] = &[
            "rulebook",
            "format",
            "edition",
            "annex",
            "title",
            "proof-above",
            "scenarios",
            "personal-information",
            "switches",
            "facts",
            "routes",
            "approvals",
            "exemptions",
            "rows",
            "checklist",
            "notes",
        ];
        let fields = self.reader.map(root, "the rulebook", KEYS)?;
        let text = |l: &mut Self, key: &str| {
            let node = l.reader.need(&fields, key, "the rulebook")?;
            l.reader.text(node, key)
        };
        let id = text(self, "rulebook");
        let edition = text(self, "edition");
        if let Some(n) = self.reader.need(&fields, "format", "the rulebook") {
            self.reader.word(n, "format", &["yumen-rulebook/1"]);
        }
        let annex = self.reader.need(&fields, "annex", "the rulebook");
        let annex = annex.and_then(|n| self.reader.word(n, "annex", &["not-verified", "verified"]));
        let title = self.reader.need(&fields, "title", "the rulebook").and_then(|n| self.reader.bilingual(n, "title"));
        let proof = self.reader.need(&fields, "proof-above", "the rulebook").and_then(|n| {
            let p = self.reader.number(n, "proof-above")?;
            if !(0.0..1.0).contains(&p) {
                self.reader.problem(n.at, "`proof-above` lies between 0 and 1", None);
            }
            Some(p)
        });
        let mut list = |key: &str| self.reader.need(&fields, key, "the rulebook");
        let sections = [
            list("scenarios"),
            list("personal-information"),
            list("switches"),
            list("facts"),
            list("routes"),
            list("approvals"),
            list("exemptions"),
            list("rows"),
            list("checklist"),
            list("notes"),
        ];
        let [scenarios, personal, switches, facts, routes, approvals, exemptions, rows, checklist, notes] = sections;
        let scenarios = scenarios.map(|n| self.items(n, "scenarios", Self::scenario));
        let personal = personal.map(|n| self.items(n, "personal-information", Self::personal));
        let switches = switches.map(|n| self.items(n, "switches", Self::switch));
        let facts = facts.map(|n| self.items(n, "facts", Self::fact));
        let routes = routes.map(|n| self.items(n, "routes", Self::route));
        let approvals = approvals.map(|n| self.items(n, "approvals", Self::approval));
        let exemptions = exemptions.map(|n| self.items(n, "exemptions", Self::exemption));
        let row_nodes = rows;
        let rows = rows.map(|n| self.items(n, "rows", Self::row));
        let checklist = checklist.map(|n| self.items(n, "checklist", Self::checklist_item));
        let notes = notes.map(|n| self.items(n, "notes", Self::note));
        for (key, id) in [
            ("scenarios", "id"),
            ("personal-information", "kind"),
            ("switches", "id"),
            ("facts", "name"),
            ("routes", "id"),
            ("approvals", "kind"),
            ("exemptions", "id"),
            ("checklist", "id"),
            ("notes", "code"),
        ] {
            if let Some(node) = fields.get(key) {
                self.unique(node, id, &mut BTreeMap::new());
            }
        }
        if let Some(node) = row_nodes {
            self.unique(node, "id", &mut BTreeMap::new());
        }
        let routes = routes.map(|r| self.ordered(r, fields.get("routes")));
        // What is missing has been told; the rest goes on to be checked.
        Some(Rulebook {
            id: id.unwrap_or_default(),
            edition: edition.unwrap_or_default(),
            title: title.unwrap_or_default(),
            annex: annex.unwrap_or_default().to_owned(),
            digest: String::new(),
            proof_above: proof.unwrap_or_default(),
            scenarios: scenarios.unwrap_or_default(),
            personal: personal.unwrap_or_default(),
            switches: switches.unwrap_or_default(),
            facts: facts.unwrap_or_default(),
            routes: routes.unwrap_or_default(),
            approvals: approvals.unwrap_or_default(),
            exemptions: exemptions.unwrap_or_default(),
            rows: rows.unwrap_or_default(),
            checklist: checklist.unwrap_or_default(),
            notes: notes.unwrap_or_default(),
            loosened: Vec::new(),
            overlaid: Vec::new(),
            key_file: None,
            fences: Vec::new(),
        })
    }

    /// Tells ids (and aliases) that stand twice in a list.
    pub(super) fn unique(&mut self, node: &Node, key: &str, seen: &mut BTreeMap<String, usize>) {
        let Value::List(list) = &node.value else { return };
        for item in list {
            let Value::Map(entries) = &item.value else { continue };
            for entry in entries.iter().filter(|e| e.key == key || e.key == "aliases") {
                let names: Vec<(&str, At)> = match &entry.value.value {
                    Value::Text(t) => vec![(t, entry.value.at)],
                    Value::List(l) => l
                        .iter()
                        .filter_map(|n| if let Value::Text(t) = &n.value { Some((t.as_str(), n.at)) } else { None })
                        .collect(),
                    _ => Vec::new(),
                };
                for (name, at) in names {
                    if let Some(line) = seen.get(name) {
                        let help = Some(format!("it stands in line {line} already"));
                        self.reader.problem(at, format!("`{name}` is taken"), help);
                    } else {
                        seen.insert(name.to_owned(), at.line);
                        self.given.insert(name.to_owned());
                    }
                }
            }
        }
    }

    /// Thresholds of the graver route must lie above those of the lighter one.
    fn ordered(&mut self, routes: Vec<RouteRule>, node: Option<&Node>) -> Vec<RouteRule> {
        let bound = |route: Route, level: Level| {
            routes.iter().filter(|r| r.route == route).find_map(|r| match r.trigger {
                Trigger::Persons(l, n) if l == level => Some((n, r.id.clone())),
                _ => None,
            })
        };
        for level in [Level::Personal, Level::Sensitive] {
            let (heavy, light) =
                (bound(Route::SecurityAssessment, level), bound(Route::StandardContractOrCertification, level));
            if let (Some((h, heavy)), Some((l, light))) = (heavy, light)
                && h <= l
            {
                let at = node.map(|n| bound_of(n, &heavy)).unwrap_or_default();
                let message = format!("the bound of {heavy} ({h}) must lie above that of {light} ({l})");
                self.reader.problem(
                    at,
                    message,
                    Some("the assessment is for more persons than the contract".to_owned()),
                );
            }
        }
        routes
    }

    pub(super) fn provenance(&mut self, fields: &Fields<'_>, of: &str) -> Option<Provenance> {
        let node = self.reader.need(fields, "provenance", of)?;
        let keys = ["basis", "confidence", "criterion", "source", "note"];
        let fields = self.reader.map(node, "provenance", &keys)?;
        let mut basis = Vec::new();
        if let Some(n) = self.reader.need(&fields, "basis", "provenance") {
            match &n.value {
                Value::List(list) if !list.is_empty() => {
                    basis.extend(list.iter().filter_map(|n| self.reader.word(n, "basis", BASES)).map(str::to_owned));
                }
                _ => basis.extend(self.reader.word(n, "basis", BASES).map(str::to_owned)),
            }
        }
        let confidence = self.reader.need(&fields, "confidence", "provenance");
        let confidence = confidence.and_then(|n| self.reader.word(n, "confidence", CONFIDENCES));
        let criterion = fields.get("criterion").and_then(|n| self.reader.word(n, "criterion", CRITERIA));
        let source = fields.get("source").and_then(|n| self.reader.text(n, "source"));
        let note = fields.get("note").and_then(|n| match &n.value {
            Value::Map(_) => self.reader.bilingual(n, "note"),
            _ => self.reader.text(n, "note").map(|t| Text::new(t.clone(), t)),
        });
        Some(Provenance {
            basis,
            confidence: confidence?.to_owned(),
            criterion: criterion.map(str::to_owned),
            source,
            note,
        })
    }

    fn scenario(&mut self, node: &Node) -> Option<(String, Text)> {
        let fields = self.reader.map(node, "scenarios", &["id", "title"])?;
        let id = self.need_text(&fields, "id", "scenarios");
        let title = self.need_both(&fields, "title", "scenarios");
        Some((id?, title?))
    }

    pub(super) fn need_text(&mut self, fields: &Fields<'_>, key: &str, of: &str) -> Option<String> {
        self.reader.need(fields, key, of).and_then(|n| self.reader.text(n, key))
    }

    pub(super) fn need_both(&mut self, fields: &Fields<'_>, key: &str, of: &str) -> Option<Text> {
        self.reader.need(fields, key, of).and_then(|n| self.reader.bilingual(n, key))
    }
}

/// Where the bound of a route stands.
fn bound_of(routes: &Node, id: &str) -> At {
    let Value::List(list) = &routes.value else { return routes.at };
    let entry = |node: &Node, key: &str| match &node.value {
        Value::Map(entries) => entries.iter().find(|e| e.key == key).map(|e| e.value.clone()),
        _ => None,
    };
    let named = |node: &&Node| entry(node, "id").is_some_and(|n| matches!(n.value, Value::Text(t) if t == id));
    list.iter().find(named).and_then(|n| entry(n, "at-least")).map_or(routes.at, |n| n.at)
}
