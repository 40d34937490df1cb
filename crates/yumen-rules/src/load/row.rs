//! Decoding of rows.

use yumen_model::verdict::{Class, Text};

use super::book::{CLASSES, ROW_KEYS, of_word, words};
use super::{Loader, RefTo};
use crate::book::{Detectable, Row, Settled};
use crate::condition::Condition;
use crate::yaml::{Fields, Node, Value};

impl Loader {
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
        let limbs = self.limbs(&fields, when.as_ref().and_then(Option::as_ref));
        let settled = self.settled(&fields, class);
        let provenance = self.provenance(&fields, &of);
        Some(Row {
            id: id?,
            aliases: aliases.into_iter().map(|(a, _)| a).collect(),
            scenario: scenario?,
            category,
            item: item?,
            limbs,
            when: when?,
            class: class?,
            exemptions: exemptions.into_iter().map(|(e, _)| e).collect(),
            settled: settled?,
            detectable: detectable?,
            provenance: provenance?,
        })
    }

    fn limbs(&mut self, fields: &Fields<'_>, when: Option<&Condition>) -> Vec<Text> {
        let Some(node) = fields.get("limbs") else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.reader.problem(node.at, "`limbs` is a list of titles".to_owned(), None);
            return Vec::new();
        };
        let titles: Vec<Text> = items.iter().filter_map(|n| self.reader.bilingual(n, "limbs")).collect();
        let parts = match when {
            Some(Condition::All(list)) => list.len(),
            Some(_) => 1,
            None => return titles,
        };
        if items.len() != parts {
            let what = format!("{} limb(s) are named, and `when` has {parts} condition(s)", items.len());
            self.reader.problem(node.at, what, None);
        }
        titles
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
}
