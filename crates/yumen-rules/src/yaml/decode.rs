//! Decoding a tree: each method tells what is wrong and goes on, so that all errors come out at once.

use std::collections::HashMap;
use std::sync::Arc;

use yumen_model::verdict::Text;

use super::problem::{Problem, Problems, SourceFile};
use super::tree::{At, Entry, Node, Value};

/// Collects errors while a tree is decoded.
#[derive(Debug)]
pub struct Reader {
    file: Arc<SourceFile>,
    problems: Vec<Problem>,
}

/// The entries of a mapping whose keys were checked.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'n> {
    entries: &'n [Entry],
    /// Where the mapping stands.
    pub at: At,
}

impl<'n> Fields<'n> {
    /// The value of a key; none when the key is absent or its value is nothing.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|e| e.key == key).map(|e| &e.value).filter(|n| !matches!(n.value, Value::Null))
    }

    /// Every entry.
    #[must_use]
    pub fn entries(&self) -> &'n [Entry] {
        self.entries
    }
}

impl Reader {
    /// A reader over a file.
    #[must_use]
    pub fn new(file: &Arc<SourceFile>) -> Self {
        Reader { file: Arc::clone(file), problems: Vec::new() }
    }

    /// Tells an error.
    pub fn problem(&mut self, at: At, message: impl Into<String>, help: Option<String>) {
        self.problems.push(Problem::new(&self.file, at, message, help));
    }

    /// Whether any error was told.
    #[must_use]
    pub fn failed(&self) -> bool {
        !self.problems.is_empty()
    }

    /// How many errors were told.
    #[must_use]
    pub fn told(&self) -> usize {
        self.problems.len()
    }

    /// The value, or all errors.
    ///
    /// # Errors
    /// Every error that was told.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ if self.problems.is_empty() => Err(Problems::of_file(self.file.name(), "can't be read", None)),
            _ => Err(Problems::new(self.file.name(), self.problems)),
        }
    }

    fn wrong(&mut self, node: &Node, expected: &str, what: &str) {
        let given = match (&node.value, expected) {
            (Value::Number(_), "a whole number") => "one below 0, with a fraction or an exponent",
            (value, _) => value.word(),
        };
        let message = format!("{} must be {expected}, not {given}", named(what));
        let help = match (&node.value, expected) {
            (Value::Text(t), "true or false") if ["true", "false"].contains(&t.to_lowercase().as_str()) => {
                Some(format!("write `{}`, without quotation marks", t.to_lowercase()))
            }
            (Value::Text(_) | Value::Count(0 | 1), "true or false") => Some("write `true` or `false`".to_owned()),
            (Value::Text(_) | Value::Number(_), "a whole number") => {
                Some("write digits only, as in 100000 or 100_000".to_owned())
            }
            (Value::Map(_) | Value::List(_), "text") => {
                Some("put text that begins with `[`, `{`, or holds `: ` into double quotes".to_owned())
            }
            (_, "a mapping") if what == "item" || what == "title" => Some("write `{zh: …, en: …}`".to_owned()),
            (Value::Null, _) => Some("give a value, or remove the key".to_owned()),
            (_, "a list") => Some("each entry on a line of its own, beginning with `- `".to_owned()),
            _ => None,
        };
        self.problem(node.at, message, help);
    }

    /// A mapping with any keys; tells keys that stand twice.
    pub fn open_map<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            self.wrong(node, "a mapping", what);
            return None;
        };
        let mut seen: HashMap<&str, &Entry> = HashMap::with_capacity(entries.len());
        for entry in entries {
            let first = *seen.entry(&entry.key).or_insert(entry);
            if first.at != entry.at {
                let line = first.at.line;
                let help = match (&first.value.value, &entry.value.value) {
                    (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => {
                        format!(
                            "it stands in line {line} already; move the lines below it there, under one `{}:`",
                            entry.key
                        )
                    }
                    _ => format!("it stands in line {line} already; keep one"),
                };
                self.problem(entry.at, format!("the key `{}` stands twice", brief(&entry.key)), Some(help));
            }
        }
        Some(Fields { entries, at: node.at })
    }

    /// A mapping with these keys and no other.
    pub fn map<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Option<Fields<'n>> {
        let fields = self.open_map(node, what)?;
        for entry in fields.entries {
            if !keys.contains(&entry.key.as_str()) {
                let help = suggest(&entry.key, keys.iter().copied());
                self.problem(entry.at, format!("unknown key `{}` in {}", brief(&entry.key), named(what)), Some(help));
            }
        }
        Some(fields)
    }

    /// The value of a key that must be there.
    pub fn need<'n>(&mut self, fields: &Fields<'n>, key: &str, what: &str) -> Option<&'n Node> {
        let found = fields.get(key);
        if found.is_none() {
            let at = fields.entries.iter().find(|e| e.key == key).map_or(fields.at, |e| e.at);
            self.problem(at, format!("`{key}` is missing in {}", named(what)), Some(format!("add `{key}: …`")));
        }
        found
    }

    /// Text that is not blank. A number or a word read as one is taken as it is spelled.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = match &node.value {
            Value::Text(t) => t.trim().to_owned(),
            Value::Count(n) => self.spelled(node).unwrap_or_else(|| n.to_string()),
            Value::Number(n) => self.spelled(node).unwrap_or_else(|| n.to_string()),
            Value::Bool(b) => self.spelled(node).unwrap_or_else(|| b.to_string()),
            _ => {
                self.wrong(node, "text", what);
                return None;
            }
        };
        if text.is_empty() {
            self.problem(node.at, format!("`{what}` is empty"), None);
            return None;
        }
        Some(text)
    }

    /// A scalar as it stands in the file; none where the file has an alias there.
    fn spelled(&self, node: &Node) -> Option<String> {
        let end = node.at.offset.checked_add(node.at.len)?;
        let text = self.file.text().get(node.at.offset..end)?.trim();
        (!text.is_empty() && !text.starts_with(['*', '&', '!'])).then(|| text.to_owned())
    }

    /// True or false.
    pub fn bool(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Value::Bool(b) = node.value {
            return Some(b);
        }
        self.wrong(node, "true or false", what);
        None
    }

    /// A whole number of at least 0. `_` between digits is allowed.
    pub fn count(&mut self, node: &Node, what: &str) -> Option<u64> {
        let text = match &node.value {
            Value::Count(n) => return Some(*n),
            Value::Text(t) => t.replace('_', ""),
            _ => String::new(),
        };
        if !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit())
            && let Ok(n) = text.parse()
        {
            return Some(n);
        }
        self.wrong(node, "a whole number", what);
        None
    }

    /// Any number.
    pub fn number(&mut self, node: &Node, what: &str) -> Option<f64> {
        match node.value {
            #[allow(clippy::cast_precision_loss)]
            Value::Count(n) => Some(n as f64),
            Value::Number(n) => Some(n),
            _ => {
                self.wrong(node, "a number", what);
                None
            }
        }
    }

    /// A list.
    pub fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        if let Value::List(list) = &node.value {
            return Some(list);
        }
        self.wrong(node, "a list", what);
        None
    }

    /// A list of texts, or one text for a list of one.
    pub fn texts(&mut self, node: &Node, what: &str) -> Option<Vec<(String, At)>> {
        match &node.value {
            Value::List(list) => {
                if list.is_empty() {
                    self.problem(node.at, format!("`{what}` is an empty list"), None);
                    return None;
                }
                // A bad element is told, and the rest is still checked.
                Some(list.iter().filter_map(|n| Some((self.text(n, what)?, n.at))).collect())
            }
            _ => Some(vec![(self.text(node, what)?, node.at)]),
        }
    }

    /// One word of a fixed vocabulary.
    pub fn word<'w>(&mut self, node: &Node, what: &str, words: &[&'w str]) -> Option<&'w str> {
        let text = self.text(node, what)?;
        let found = words.iter().find(|w| **w == text).copied();
        if found.is_none() {
            let help = suggest(&text, words.iter().copied());
            self.problem(node.at, format!("`{}` is no value of `{what}`", brief(&text)), Some(help));
        }
        found
    }

    /// A text in both languages: `{zh: …, en: …}`.
    pub fn bilingual(&mut self, node: &Node, what: &str) -> Option<Text> {
        let fields = self.map(node, what, &["zh", "en"])?;
        let zh = self.need(&fields, "zh", what).and_then(|n| self.text(n, "zh"));
        let en = self.need(&fields, "en", what).and_then(|n| self.text(n, "en"));
        Some(Text::new(zh?, en?))
    }
}

/// A section by its key, or the whole by its name.
fn named(what: &str) -> String {
    if what.starts_with("the ") { what.to_owned() } else { format!("`{what}`") }
}

/// A value as an error quotes it: the beginning, on one line.
#[must_use]
pub fn brief(value: &str) -> String {
    let mut out: String = value.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.chars().nth(60).is_some() {
        out.push('…');
    }
    out
}

/// "did you mean", or the words that are known.
#[must_use]
pub fn suggest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> String {
    let mut known: Vec<(usize, &str)> =
        known.map(|k| (strsim::damerau_levenshtein(&word.to_lowercase(), &k.to_lowercase()), k)).collect();
    known.sort_unstable();
    match known.first() {
        Some(&(distance, best)) if distance <= 1 + word.chars().count() / 4 => format!("did you mean `{best}`?"),
        Some(_) if known.len() <= 24 => {
            let mut all: Vec<&str> = known.iter().map(|&(_, k)| k).collect();
            all.sort_unstable();
            format!("known: {}", all.join(", "))
        }
        Some(_) => {
            let near: Vec<&str> = known.iter().take(5).map(|&(_, k)| k).collect();
            format!("the nearest known: {}", near.join(", "))
        }
        None => "none is known".to_owned(),
    }
}
