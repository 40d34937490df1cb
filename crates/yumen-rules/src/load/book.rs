//! Decoding of a rulebook's sections.

use std::collections::BTreeMap;

use yumen_model::verdict::{Class, Route, Text};

use super::{Loader, RefTo};
use crate::book::{
    ApprovalKind, ChecklistItem, Concerns, Detectable, Exemption, Lifts, PersonalKind, Provenance, RouteRule, Row, Rulebook,
    Settled, StandingNote, Switch, Trigger,
};
use crate::condition::Level;
use crate::facts::{FactSpec, FactType};
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
const ROUTES: &[(&str, Route)] = &[
    ("security-assessment", Route::SecurityAssessment),
    ("standard-contract-or-certification", Route::StandardContractOrCertification),
];
pub(crate) const ROW_KEYS: &[&str] = &[
    "id",
    "aliases",
    "scenario",
    "category",
    "item",
    "when",
    "class",
    "exemptions",
    "settled-by",
    "preconditions",
    "detectable",
    "provenance",
];

fn of_word<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(w, _)| *w == word).map(|&(_, t)| t)
}

fn words<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
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
        let fields = self.reader.map(root, "rulebook", KEYS)?;
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
        Some(Rulebook {
            id: id?,
            edition: edition?,
            title: title?,
            annex: annex?.to_owned(),
            digest: String::new(),
            proof_above: proof?,
            scenarios: scenarios?,
            personal: personal?,
            switches: switches?,
            facts: facts?,
            routes: routes?,
            approvals: approvals?,
            exemptions: exemptions?,
            rows: rows?,
            checklist: checklist?,
            notes: notes?,
            loosened: Vec::new(),
            overlaid: Vec::new(),
            key_file: None,
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
                let at = node.map(|n| n.at).unwrap_or_default();
                let message = format!("the bound of {heavy} ({h}) must lie above that of {light} ({l})");
                self.reader.problem(at, message, Some("the assessment is for more persons than the contract".to_owned()));
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
        Some(Provenance { basis, confidence: confidence?.to_owned(), criterion: criterion.map(str::to_owned), source, note })
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

    fn personal(&mut self, node: &Node) -> Option<PersonalKind> {
        let of = "personal-information";
        let fields = self.reader.map(node, of, &["kind", "level", "countable", "switch", "provenance"])?;
        let kind = self.reader.need(&fields, "kind", of).and_then(|n| self.kinds(n, "kind"));
        let level = self.reader.need(&fields, "level", of);
        let level = level.and_then(|n| self.reader.word(n, "level", &["personal", "sensitive"]));
        let countable = fields.get("countable").map_or(Some(true), |n| self.reader.bool(n, "countable"));
        let switch = fields.get("switch").and_then(|n| {
            let id = self.reader.text(n, "switch")?;
            self.refer(RefTo::Switch, &id, n.at);
            Some(id)
        });
        let provenance = self.provenance(&fields, of);
        Some(PersonalKind {
            kind: *kind?.first()?,
            level: if level? == "sensitive" { Level::Sensitive } else { Level::Personal },
            countable: countable?,
            switch,
            provenance: provenance?,
        })
    }

    fn switch(&mut self, node: &Node) -> Option<Switch> {
        let fields = self.reader.map(node, "switches", &["id", "title", "default", "provenance"])?;
        let id = self.need_text(&fields, "id", "switches");
        let title = self.need_both(&fields, "title", "switches");
        let default = self.reader.need(&fields, "default", "switches").and_then(|n| self.reader.bool(n, "default"));
        let provenance = self.provenance(&fields, "switches");
        Some(Switch { id: id?, title: title?, default: default?, on: default?, provenance: provenance? })
    }

    fn fact(&mut self, node: &Node) -> Option<FactSpec> {
        let fields = self.reader.map(node, "facts", &["name", "type", "values", "key", "question"])?;
        let name = self.need_text(&fields, "name", "facts");
        let kind = self.reader.need(&fields, "type", "facts");
        let kind = kind.and_then(|n| self.reader.word(n, "type", &["bool", "count", "word"]));
        let values = fields.get("values").and_then(|n| self.reader.texts(n, "values"));
        let kind = match (kind?, values) {
            ("bool", None) => Some(FactType::Bool),
            ("count", None) => Some(FactType::Count),
            ("word", Some(values)) => Some(FactType::Word(values.into_iter().map(|(v, _)| v).collect())),
            ("word", None) => {
                self.reader.problem(node.at, "a fact of type word needs `values`", None);
                None
            }
            (other, Some(_)) => {
                self.reader.problem(node.at, format!("a fact of type {other} takes no `values`"), None);
                None
            }
            _ => None,
        };
        let question = self.need_both(&fields, "question", "facts");
        let key = fields.get("key").and_then(|n| self.reader.text(n, "key"));
        let name = name?;
        let key = key.unwrap_or_else(|| format!("facts.{name}"));
        Some(FactSpec { name, kind: kind?, key, question: question? })
    }

    fn route(&mut self, node: &Node) -> Option<RouteRule> {
        let keys = ["id", "route", "trigger", "persons", "at-least", "item", "provenance"];
        let fields = self.reader.map(node, "routes", &keys)?;
        let id = self.need_text(&fields, "id", "routes");
        let route = self.reader.need(&fields, "route", "routes");
        let route = route.and_then(|n| self.reader.word(n, "route", &words(ROUTES)));
        let trigger = self.reader.need(&fields, "trigger", "routes");
        let trigger =
            trigger.and_then(|n| self.reader.word(n, "trigger", &["important-data", "ciio", "persons", "other"]));
        let level = fields.get("persons").and_then(|n| self.level(n, "persons"));
        let least = fields.get("at-least").and_then(|n| self.reader.count(n, "at-least"));
        let trigger = match (trigger?, level, least) {
            ("important-data", None, None) => Trigger::ImportantData,
            ("ciio", None, None) => Trigger::Ciio,
            ("other", None, None) => Trigger::Other,
            ("persons", Some(level), Some(least)) => Trigger::Persons(level, least),
            (trigger, ..) => {
                let help = "`persons` and `at-least` belong to `trigger: persons`, both of them".to_owned();
                self.reader.problem(node.at, format!("`trigger: {trigger}` does not fit the other keys"), Some(help));
                return None;
            }
        };
        let item = self.need_both(&fields, "item", "routes");
        let provenance = self.provenance(&fields, "routes");
        Some(RouteRule { id: id?, route: of_word(ROUTES, route?)?, trigger, item: item?, provenance: provenance? })
    }

    fn approval(&mut self, node: &Node) -> Option<ApprovalKind> {
        let fields =
            self.reader.map(node, "approvals", &["kind", "title", "satisfies", "validity-years", "provenance"])?;
        let kind = self.need_text(&fields, "kind", "approvals");
        let title = self.need_both(&fields, "title", "approvals");
        let satisfies = self.reader.need(&fields, "satisfies", "approvals").and_then(|n| {
            let list = self.reader.list(n, "satisfies")?;
            Some(list.iter().filter_map(|n| of_word(ROUTES, self.reader.word(n, "satisfies", &words(ROUTES))?)).collect())
        });
        let validity_years = fields.get("validity-years").and_then(|n| self.reader.count(n, "validity-years"));
        let provenance = self.provenance(&fields, "approvals");
        Some(ApprovalKind { kind: kind?, title: title?, satisfies: satisfies?, validity_years, provenance: provenance? })
    }

    fn exemption(&mut self, node: &Node) -> Option<Exemption> {
        let fields = self.reader.map(node, "exemptions", &["id", "lifts", "authorities", "item", "provenance"])?;
        let id = self.need_text(&fields, "id", "exemptions");
        let table = &[
            ("personal-information", Lifts::PersonalInformation),
            ("thresholds", Lifts::Thresholds),
            ("zone-list", Lifts::ZoneList),
            ("rows", Lifts::Rows),
        ];
        let lifts = self.reader.need(&fields, "lifts", "exemptions");
        let lifts = lifts.and_then(|n| of_word(table, self.reader.word(n, "lifts", &words(table))?));
        let authorities = fields.get("authorities").and_then(|n| self.reader.texts(n, "authorities"));
        let authorities = authorities.unwrap_or_default().into_iter().map(|(t, _)| t).collect();
        let item = self.need_both(&fields, "item", "exemptions");
        let provenance = self.provenance(&fields, "exemptions");
        Some(Exemption { id: id?, lifts: lifts?, authorities, item: item?, provenance: provenance? })
    }

    /// A whole row.
    pub(super) fn row(&mut self, node: &Node) -> Option<Row> {
        let fields = self.reader.map(node, "rows", ROW_KEYS)?;
        let id = self.need_text(&fields, "id", "rows");
        let of = id.clone().unwrap_or_else(|| "rows".to_owned());
        let aliases = fields.get("aliases").and_then(|n| self.reader.texts(n, "aliases")).unwrap_or_default();
        let scenario = self.need_text(&fields, "scenario", &of);
        if let (Some(s), Some(n)) = (&scenario, fields.get("scenario")) {
            self.refer(RefTo::Scenario, s, n.at);
        }
        let category = fields.get("category").and_then(|n| self.reader.bilingual(n, "category"));
        let item = self.need_both(&fields, "item", &of);
        let class = self.reader.need(&fields, "class", &of).and_then(|n| self.class(n));
        let exemptions = fields.get("exemptions").and_then(|n| self.reader.texts(n, "exemptions")).unwrap_or_default();
        for (name, at) in &exemptions {
            self.refer(RefTo::Exemption, name, *at);
        }
        let detectable = match fields.get("detectable") {
            None => Some(Detectable::Yes),
            Some(n) => match &n.value {
                Value::Bool(true) => Some(Detectable::Yes),
                Value::Bool(false) => Some(Detectable::No),
                _ => self.reader.word(n, "detectable", &["partly"]).map(|_| Detectable::Partly),
            },
        };
        let when = match (fields.get("when"), detectable) {
            (Some(n), _) => self.condition(n).map(Some),
            (None, Some(Detectable::No)) => Some(None),
            (None, _) => {
                let help = "a row that no scan can tell says `detectable: false`".to_owned();
                self.reader.problem(fields.at, format!("`when` is missing in `{of}`"), Some(help));
                None
            }
        };
        let settled = self.settled(&fields, class);
        let provenance = self.provenance(&fields, &of);
        Some(Row {
            id: id?,
            aliases: aliases.into_iter().map(|(a, _)| a).collect(),
            scenario: scenario?,
            category,
            item: item?,
            when: when?,
            class: class?,
            exemptions: exemptions.into_iter().map(|(e, _)| e).collect(),
            settled: settled?,
            detectable: detectable?,
            provenance: provenance?,
        })
    }

    pub(super) fn class(&mut self, node: &Node) -> Option<Class> {
        of_word(CLASSES, self.reader.word(node, "class", &words(CLASSES))?)
    }

    fn settled(&mut self, fields: &Fields<'_>, class: Option<Class>) -> Option<Settled> {
        if let Some(node) = fields.get("preconditions") {
            if let Some(n) = fields.get("settled-by") {
                self.reader.problem(n.at, "`settled-by` and `preconditions` can't stand side by side", None);
            }
            let p = self.reader.map(node, "preconditions", &["fact", "approvals"])?;
            let fact = self.reader.need(&p, "fact", "preconditions");
            let fact = fact.and_then(|n| self.reader.text(n, "fact").map(|f| (f, n.at)));
            let approvals = self.reader.need(&p, "approvals", "preconditions");
            let approvals = approvals.and_then(|n| self.reader.texts(n, "approvals"));
            let ((fact, at), approvals) = (fact?, approvals?);
            self.refer(RefTo::BoolFact, &fact, at);
            for (kind, at) in &approvals {
                self.refer(RefTo::Approval, kind, *at);
            }
            return Some(Settled::Preconditions { fact, approvals: approvals.into_iter().map(|(a, _)| a).collect() });
        }
        Some(match fields.get("settled-by") {
            Some(n) => match self.reader.word(n, "settled-by", &["determination", "accept", "nothing"])? {
                "determination" => Settled::Determination,
                "accept" => Settled::Accept,
                _ => Settled::Firm,
            },
            None => match class {
                Some(Class::ImportantCandidate | Class::StateSecretSuspect) => Settled::Determination,
                _ => Settled::Firm,
            },
        })
    }

    fn concerns(&mut self, fields: &Fields<'_>) -> Concerns {
        let word =
            fields.get("applies-to").and_then(|n| {
                self.reader.word(n, "applies-to", &["personal-information", "important-data"])
            });
        match word {
            Some("personal-information") => Concerns::PersonalInformation,
            Some(_) => Concerns::ImportantData,
            None => Concerns::All,
        }
    }

    fn checklist_item(&mut self, node: &Node) -> Option<ChecklistItem> {
        let fields = self.reader.map(node, "checklist", &["id", "head", "applies-to", "text", "provenance"])?;
        let id = self.need_text(&fields, "id", "checklist");
        let head = self.reader.need(&fields, "head", "checklist");
        let head = head.and_then(|n| self.reader.word(n, "head", &["management", "technical", "logs", "emergency"]));
        let concerns = self.concerns(&fields);
        let text = self.need_both(&fields, "text", "checklist");
        let provenance = self.provenance(&fields, "checklist");
        Some(ChecklistItem { id: id?, head: head?.to_owned(), concerns, text: text?, provenance: provenance? })
    }

    fn note(&mut self, node: &Node) -> Option<StandingNote> {
        let fields = self.reader.map(node, "notes", &["code", "text", "rows", "when"])?;
        let code = self.need_text(&fields, "code", "notes");
        let text = self.need_both(&fields, "text", "notes");
        let rows = fields.get("rows").and_then(|n| self.reader.texts(n, "rows")).unwrap_or_default();
        for (row, at) in &rows {
            self.refer(RefTo::Row, row, *at);
        }
        let when = match fields.get("when") {
            Some(n) => Some(self.condition(n)?),
            None => None,
        };
        Some(StandingNote { code: code?, text: text?, rows: rows.into_iter().map(|(r, _)| r).collect(), when })
    }
}
