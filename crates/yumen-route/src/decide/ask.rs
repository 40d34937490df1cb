//! Open questions, each with the lines that answer it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use yumen_model::verdict::{Question, Text};
use yumen_rules::{Rulebook, escape_glob};

use super::approve::Need;

/// How many places a question names.
const ABOUT: usize = 20;

/// Gathers questions in the order of asking; the same fact is asked once.
pub(super) struct Questions<'a> {
    book: &'a Rulebook,
    list: Vec<Question>,
    /// Question of a fact: its place in the list.
    facts: BTreeMap<String, usize>,
}

/// Text as YAML takes it in any place.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// The first places, and a glob for each that means just that one.
fn globs(paths: &[&str]) -> String {
    let list: Vec<String> = paths.iter().take(ABOUT).map(|p| quoted(&escape_glob(p))).collect();
    format!("[{}]", list.join(", "))
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().take(ABOUT).map(|s| (*s).to_owned()).collect()
}

impl<'a> Questions<'a> {
    pub(super) fn new(book: &'a Rulebook) -> Self {
        Questions { book, list: Vec::new(), facts: BTreeMap::new() }
    }

    pub(super) fn into_list(self) -> Vec<Question> {
        self.list
    }

    /// Asks for a fact of the catalogue.
    pub(super) fn fact(&mut self, name: &str, about: &[&str]) {
        if let Some(&at) = self.facts.get(name) {
            let question = &mut self.list[at];
            for place in names(about) {
                if !question.about.contains(&place) && question.about.len() < ABOUT {
                    question.about.push(place);
                }
            }
            return;
        }
        let Some(spec) = self.book.fact(name) else { return };
        let values = spec.kind.words();
        let snippet = match spec.key.strip_prefix("facts.") {
            Some(fact) => format!("facts:\n  {fact}:  # {values}\n"),
            None => match spec.key.split_once('.') {
                Some((section, key)) => format!("{section}:\n  {key}:  # {values}\n"),
                None => format!("{}:  # {values}\n", spec.key),
            },
        };
        self.facts.insert(name.to_owned(), self.list.len());
        self.list.push(Question {
            fact: name.to_owned(),
            key: spec.key.clone(),
            text: spec.question.clone(),
            snippet: Some(snippet),
            about: names(about),
        });
    }

    /// Asks a named person for a row.
    pub(super) fn determination(&mut self, row: &str, item: &Text, secret: bool, paths: &[&str], as_of: &str) {
        let results = if secret { "secret | not-secret" } else { "important | not-important" };
        let artifacts = if paths.is_empty() { String::new() } else { format!("    artifacts: {}\n", globs(paths)) };
        let more = paths.len().saturating_sub(ABOUT);
        let more =
            if more > 0 { format!("    # and {more} more artifacts: name their folders\n") } else { String::new() };
        let snippet = format!(
            "determinations:\n  - row: {row}\n{artifacts}{more}    result:  # {results}\n    by:\n    date: {as_of}\n    basis:\n"
        );
        let text = if secret {
            Text::new(
                format!("{row}（{}）：经审查是否属于国家秘密？由谁、依据什么判定？", item.zh),
                format!("{row} ({}): after review, is it a State secret? Who says so, and on what basis?", item.en),
            )
        } else {
            Text::new(
                format!("{row}（{}）：是否属于重要数据？由谁、依据什么判定？", item.zh),
                format!("{row} ({}): is it important data? Who says so, and on what basis?", item.en),
            )
        };
        let mut about = vec![row.to_owned()];
        about.extend(names(paths));
        self.list.push(Question {
            fact: format!("determinations.{row}"),
            key: "determinations".to_owned(),
            text,
            snippet: Some(snippet),
            about,
        });
    }

    /// Asks that opaque bytes or findings be taken on.
    pub(super) fn accept(&mut self, fact: &str, text: Text, key: &str, ids: &[&str], about: &[&str]) {
        let mut snippet = String::from("accept:\n");
        for id in ids.iter().take(ABOUT) {
            let _ = writeln!(snippet, "  - {key}: {}\n    reason:\n    by:\n    until:", quoted(id));
        }
        if ids.len() > ABOUT {
            let _ = writeln!(snippet, "  # and {} more", ids.len() - ABOUT);
        }
        self.list.push(Question {
            fact: fact.to_owned(),
            key: "accept".to_owned(),
            text,
            snippet: (!ids.is_empty()).then_some(snippet),
            about: names(about),
        });
    }

    /// Asks for an approval of one of these kinds.
    pub(super) fn approval(&mut self, kinds: &[&str], needs: &[Need<'_>], recipient: Option<&str>) {
        let Some(first) = kinds.first() else { return };
        let rows: Vec<&str> = needs.iter().map(|n| n.row).collect();
        let titles = kinds.iter().filter_map(|k| self.book.approval(k));
        let (zh, en): (Vec<_>, Vec<_>) = titles.map(|k| (k.title.zh.as_str(), k.title.en.as_str())).unzip();
        let rows_named = rows.join(", ");
        let others = if kinds.len() > 1 { format!("  # or {}", kinds[1..].join(", ")) } else { String::new() };
        let recipient = recipient.map(quoted).unwrap_or_default();
        let snippet = format!(
            "approvals:\n  - kind: {first}{others}\n    number:\n    issued:\n    expires:\n    rows: [{}]\n    recipient: {recipient}\n",
            rows.join(", ")
        );
        self.list.push(Question {
            fact: format!("approvals.{first}"),
            key: "approvals".to_owned(),
            text: Text::new(
                format!("{} 由哪一项有效的批准（{}）涵盖？", rows.join("、"), zh.join("或")),
                format!("Which valid approval ({}) covers {rows_named}?", en.join(" or ")),
            ),
            snippet: Some(snippet),
            about: rows.iter().map(|r| (*r).to_owned()).collect(),
        });
    }
}
