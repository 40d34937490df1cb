//! Decoding of the smaller sections.

use super::book::{ROUTES, of_word, words};
use super::{Loader, RefTo};
use crate::book::{
    ApprovalKind, ChecklistItem, Concerns, Exemption, Lifts, PersonalKind, RouteRule, StandingNote, Switch, Trigger,
};
use crate::condition::Level;
use crate::facts::{FactSpec, FactType};
use crate::yaml::{Fields, Node};

impl Loader {
    pub(super) fn personal(&mut self, node: &Node) -> Option<PersonalKind> {
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

    pub(super) fn switch(&mut self, node: &Node) -> Option<Switch> {
        let fields = self.reader.map(node, "switches", &["id", "title", "default", "provenance"])?;
        let id = self.need_text(&fields, "id", "switches");
        let title = self.need_both(&fields, "title", "switches");
        let default = self.reader.need(&fields, "default", "switches").and_then(|n| self.reader.bool(n, "default"));
        let provenance = self.provenance(&fields, "switches");
        Some(Switch { id: id?, title: title?, default: default?, on: default?, provenance: provenance? })
    }

    pub(super) fn fact(&mut self, node: &Node) -> Option<FactSpec> {
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

    pub(super) fn route(&mut self, node: &Node) -> Option<RouteRule> {
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

    pub(super) fn approval(&mut self, node: &Node) -> Option<ApprovalKind> {
        let fields =
            self.reader.map(node, "approvals", &["kind", "title", "satisfies", "validity-years", "provenance"])?;
        let kind = self.need_text(&fields, "kind", "approvals");
        let title = self.need_both(&fields, "title", "approvals");
        let satisfies = self.reader.need(&fields, "satisfies", "approvals").and_then(|n| {
            let list = self.reader.list(n, "satisfies")?;
            Some(
                list.iter()
                    .filter_map(|n| of_word(ROUTES, self.reader.word(n, "satisfies", &words(ROUTES))?))
                    .collect(),
            )
        });
        let validity_years = fields.get("validity-years").and_then(|n| self.reader.count(n, "validity-years"));
        let provenance = self.provenance(&fields, "approvals");
        Some(ApprovalKind {
            kind: kind?,
            title: title?,
            satisfies: satisfies?,
            validity_years,
            provenance: provenance?,
        })
    }

    pub(super) fn exemption(&mut self, node: &Node) -> Option<Exemption> {
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

    fn concerns(&mut self, fields: &Fields<'_>) -> Concerns {
        let word = fields
            .get("applies-to")
            .and_then(|n| self.reader.word(n, "applies-to", &["personal-information", "important-data"]));
        match word {
            Some("personal-information") => Concerns::PersonalInformation,
            Some(_) => Concerns::ImportantData,
            None => Concerns::All,
        }
    }

    pub(super) fn checklist_item(&mut self, node: &Node) -> Option<ChecklistItem> {
        let fields = self.reader.map(node, "checklist", &["id", "head", "applies-to", "text", "provenance"])?;
        let id = self.need_text(&fields, "id", "checklist");
        let head = self.reader.need(&fields, "head", "checklist");
        let head = head.and_then(|n| self.reader.word(n, "head", &["management", "technical", "logs", "emergency"]));
        let concerns = self.concerns(&fields);
        let text = self.need_both(&fields, "text", "checklist");
        let provenance = self.provenance(&fields, "checklist");
        Some(ChecklistItem { id: id?, head: head?.to_owned(), concerns, text: text?, provenance: provenance? })
    }

    pub(super) fn note(&mut self, node: &Node) -> Option<StandingNote> {
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
