//! Open questions, each with the lines that answer it.

use std::collections::{BTreeMap, BTreeSet};
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

/// A glob for each place that means just that one; of many places the folders or containers that hold them, and whether it came to that.
fn globs(paths: &[&str]) -> (String, bool) {
    let mut places: BTreeSet<&str> = paths.iter().copied().collect();
    let folded = places.len() > ABOUT;
    while places.len() > ABOUT {
        // The deepest go up by one.
        let depth = |p: &&str| p.matches('/').count();
        let deepest = places.iter().map(depth).max().unwrap_or(0);
        if deepest == 0 {
            return ("[\"**\"]".to_owned(), true);
        }
        let (deep, flat): (Vec<&str>, Vec<&str>) = places.iter().copied().partition(|p| depth(p) == deepest);
        let parents = deep.iter().map(|p| p.rsplit_once('/').map_or("", |(parent, _)| parent).trim_end_matches('!'));
        places = flat.into_iter().chain(parents).collect();
        if places.contains("") {
            return ("[\"**\"]".to_owned(), true);
        }
    }
    let list: Vec<String> = places.iter().map(|p| quoted(&escape_glob(p))).collect();
    (format!("[{}]", list.join(", ")), folded)
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
        let artifacts = match globs(paths) {
            _ if paths.is_empty() => String::new(),
            (list, false) => format!("    artifacts: {list}\n"),
            (list, true) => {
                let n = paths.len();
                format!(
                    "    # whole folders, for {n} artifacts: the answer must hold for all of them\n    artifacts: {list}\n"
                )
            }
        };
        let snippet = format!(
            "determinations:\n  - row: {row}\n{artifacts}    result:  # {results}\n    by:\n    date: {as_of}\n    basis:\n"
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

#[cfg(test)]
mod tests {
    use super::*;
    use yumen_rules::Globs;

    fn check(paths: &[String]) -> Vec<String> {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let (text, folded) = globs(&paths);
        let list: Vec<String> = serde_json::from_str(&text).unwrap();
        assert!(list.len() <= ABOUT && folded == (paths.len() > ABOUT));
        let globs = Globs::new(&list).unwrap();
        assert!(paths.iter().all(|p| globs.covers(p)), "{list:?}");
        list
    }

    #[test]
    fn many_places_become_their_folders() {
        let of = |dirs: usize, files: usize, sep: &str| -> Vec<String> {
            (0..dirs).flat_map(|d| (0..files).map(move |f| format!("in/d{d}{sep}f{f}"))).collect()
        };
        assert_eq!(check(&of(1, 20, "/")).len(), 20);
        assert_eq!(check(&of(1, 21, "/")), ["in/d0"]);
        assert_eq!(check(&of(3, 500, "[1].zip!/")), ["in/d0[[]1[]].zip", "in/d1[[]1[]].zip", "in/d2[[]1[]].zip"]);
        assert_eq!(check(&of(500, 3, "/a/b/")), ["in"]);
        assert_eq!(check(&(0..50).map(|i| format!("{i}.csv")).collect::<Vec<_>>()), ["**"]);
        assert_eq!(check(&(0..50).map(|i| format!("/{i}.csv")).collect::<Vec<_>>()), ["**"]);
    }
}
