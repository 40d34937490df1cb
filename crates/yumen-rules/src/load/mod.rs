//! Rulebooks from YAML: decoding, checking, and the configuration laid over them.

mod book;
mod condition;
mod overlay;
mod row;
mod sections;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::book::Rulebook;
use crate::yaml::{At, Node, Problems, Reader, SourceFile, parse, read_file, suggest};

const BUILTIN: &str = include_str!("../../rulebooks/cn-auto-2026.yaml");

/// Names of the rulebooks inside the program.
pub const BUILTIN_NAMES: &[&str] = &["cn-auto-2026"];

/// A name that something refers to, to be checked when everything is known.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) to: RefTo,
    pub(crate) name: String,
    pub(crate) at: At,
}

/// What a reference names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RefTo {
    /// A fact whose value must be true or false.
    BoolFact,
    /// A fact that is a number.
    CountFact,
    /// A fact that takes this word.
    WordFact(String),
    Exemption,
    Scenario,
    Row,
    Switch,
    Approval,
}

/// Decodes one file, with the references met on the way.
pub(crate) struct Loader {
    pub(crate) reader: Reader,
    pub(crate) refs: Vec<Reference>,
    /// Every id that a list gives, also of items that could not be decoded: what names them is not wrong for that.
    pub(crate) given: BTreeSet<String>,
}

impl Loader {
    fn new(file: &Arc<SourceFile>) -> Self {
        Loader { reader: Reader::new(file), refs: Vec::new(), given: BTreeSet::new() }
    }

    fn refer(&mut self, to: RefTo, name: &str, at: At) {
        self.refs.push(Reference { to, name: name.to_owned(), at });
    }

    /// Items of a list, each decoded; what can't be decoded has been told.
    fn items<T>(&mut self, node: &Node, what: &str, mut item: impl FnMut(&mut Self, &Node) -> Option<T>) -> Vec<T> {
        let Some(list) = self.reader.list(node, what) else { return Vec::new() };
        list.iter().filter_map(|n| item(self, n)).collect()
    }

    /// Checks every reference against what the book holds.
    fn resolve(&mut self, book: &Rulebook) {
        for Reference { to, name, at } in std::mem::take(&mut self.refs) {
            let (what, known): (&str, Vec<&str>) = match &to {
                RefTo::BoolFact | RefTo::CountFact | RefTo::WordFact(_) => {
                    ("fact", book.facts.iter().map(|f| f.name.as_str()).collect())
                }
                RefTo::Exemption => ("exemption", book.exemptions.iter().map(|e| e.id.as_str()).collect()),
                RefTo::Scenario => ("scenario", book.scenarios.iter().map(|(id, _)| id.as_str()).collect()),
                RefTo::Row => ("row", book.rows.iter().map(|r| r.id.as_str()).collect()),
                RefTo::Switch => ("switch", book.switches.iter().map(|s| s.id.as_str()).collect()),
                RefTo::Approval => ("kind of approval", book.approvals.iter().map(|a| a.kind.as_str()).collect()),
            };
            if !known.contains(&name.as_str()) {
                if self.given.contains(&name) {
                    continue;
                }
                let mut help = suggest(&name, known.iter().copied());
                if what == "fact" {
                    help.push_str("; a fact must stand in `facts` with its question");
                }
                self.reader.problem(at, format!("no {what} `{name}`"), Some(help));
            } else if what == "fact"
                && let Some(spec) = book.fact(&name)
            {
                use crate::facts::FactType;
                let fits = match &to {
                    RefTo::BoolFact => spec.kind == FactType::Bool,
                    RefTo::CountFact => spec.kind == FactType::Count,
                    RefTo::WordFact(word) => matches!(&spec.kind, FactType::Word(words) if words.contains(word)),
                    _ => true,
                };
                if !fits {
                    let help = match spec.kind {
                        FactType::Bool => "use `fact: NAME`, or `is: false`".to_owned(),
                        FactType::Count => "use `at-least: N`".to_owned(),
                        FactType::Word(_) => "use `is: WORD` with one of its words".to_owned(),
                    };
                    self.reader.problem(at, format!("`{name}` is {}", spec.kind.words()), Some(help));
                }
            }
        }
    }
}

impl Rulebook {
    /// The rulebook inside the program.
    ///
    /// # Panics
    /// Never: a test loads it.
    #[must_use]
    pub fn builtin() -> Rulebook {
        let file = SourceFile::new("cn-auto-2026.yaml", BUILTIN);
        Rulebook::from_source(&file).expect("the built-in rulebook is checked by a test")
    }

    /// A rulebook by the name of one inside the program, or from a file, with an organisation's configuration laid over it.
    ///
    /// # Errors
    /// All errors of the first file that has any.
    pub fn load(path_or_name: &str, overlay: Option<&Path>) -> Result<Rulebook, Problems> {
        let book = Rulebook::load_alone(path_or_name)?;
        match overlay {
            Some(path) => book.with_overlay(path),
            None => Ok(book),
        }
    }

    fn load_alone(path_or_name: &str) -> Result<Rulebook, Problems> {
        if BUILTIN_NAMES.contains(&path_or_name) {
            return Ok(Rulebook::builtin());
        }
        let path = Path::new(path_or_name);
        if !path.exists() && !path_or_name.contains(['/', '\\', '.']) {
            let help = suggest(path_or_name, BUILTIN_NAMES.iter().copied());
            return Err(Problems::of_file(path_or_name, "is no rulebook inside the program and no file", Some(help)));
        }
        Rulebook::from_source(&read_file(path)?)
    }

    /// A rulebook from text.
    ///
    /// # Errors
    /// All errors of the text.
    pub fn from_source(file: &Arc<SourceFile>) -> Result<Rulebook, Problems> {
        let root = parse(file)?;
        let mut loader = Loader::new(file);
        let book = loader.book(&root);
        if let Some(book) = &book {
            loader.resolve(book);
        }
        let mut book = loader.reader.finish(book)?;
        book.digest = format!("blake3:{}", blake3::hash(file.text().as_bytes()).to_hex());
        Ok(book)
    }

    /// Lays an organisation's configuration over the rulebook: rows added or tightened, and what is loosened with its reason.
    ///
    /// # Errors
    /// All errors of the file.
    pub fn with_overlay(self, path: &Path) -> Result<Rulebook, Problems> {
        self.with_overlay_source(&read_file(path)?)
    }

    /// As [`Rulebook::with_overlay`], from text.
    ///
    /// # Errors
    /// All errors of the text.
    pub fn with_overlay_source(mut self, file: &Arc<SourceFile>) -> Result<Rulebook, Problems> {
        let root = parse(file)?;
        let mut loader = Loader::new(file);
        let done = loader.overlay(&root, &mut self);
        loader.resolve(&self);
        loader.reader.finish(done)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.digest.as_bytes());
        hasher.update(file.text().as_bytes());
        self.digest = format!("blake3:{}", hasher.finalize().to_hex());
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
