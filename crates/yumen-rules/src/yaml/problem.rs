//! Errors in configuration, as miette diagnostics.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::tree::At;

/// The text of a configuration file and its name.
#[derive(Debug)]
pub struct SourceFile {
    name: String,
    text: Arc<str>,
    shown: NamedSource<String>,
}

impl SourceFile {
    /// A file by name and text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let (name, text) = (name.into(), text.into());
        let shown = NamedSource::new(&name, text.clone());
        Arc::new(SourceFile { name, text: text.into(), shown })
    }

    /// Name, as errors show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// One error in a configuration file.
#[derive(Debug)]
pub struct Problem {
    message: String,
    help: Option<String>,
    place: Option<(Arc<SourceFile>, At)>,
    file: String,
}

impl Problem {
    /// An error at a place of a file.
    #[must_use]
    pub fn new(file: &Arc<SourceFile>, at: At, message: impl Into<String>, help: Option<String>) -> Self {
        let mut message: String = message.into();
        if let Some((cut, _)) = message.char_indices().nth(LONG) {
            message.truncate(cut);
            message.push('…');
        }
        Problem { message, help, place: Some((Arc::clone(file), at)), file: file.name.clone() }
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The place, if its lines are short enough to be shown.
    fn showable(&self) -> Option<&(Arc<SourceFile>, At)> {
        let place = self.place.as_ref()?;
        let text = place.0.text.as_bytes();
        let at = place.1.offset.min(text.len());
        // Two lines before and two after, as far as they may reach.
        let count = |slice: &mut dyn Iterator<Item = &u8>| slice.take(LONG_LINES).filter(|b| **b == b'\n').count();
        let before = at < LONG_LINES || count(&mut text[..at].iter().rev()) >= 2;
        let after = text.len() - at < LONG_LINES || count(&mut text[at..].iter()) >= 2;
        (before && after).then_some(place)
    }

    /// Line and column, both from 1; none for an error of the file as a whole.
    #[must_use]
    pub fn line_column(&self) -> Option<(usize, usize)> {
        self.place.as_ref().map(|(_, at)| (at.line, at.column))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(_) if self.showable().is_some() => f.write_str(&self.message),
            Some((_, at)) => write!(f, "{}:{}:{}: {}", self.file, at.line, at.column, self.message),
            None => write!(f, "{} {}", self.file, self.message),
        }
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.showable().map(|(file, _)| &file.shown as &dyn SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (file, at) = self.showable()?;
        let start = at.offset.min(file.text.len());
        // Only the first line is underlined: a whole block would hide what is meant.
        let text = file.text.get(start..(start + at.len).min(file.text.len())).unwrap_or("");
        let len = text.lines().next().map_or(0, |l| l.trim_end().len());
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".to_owned()), start, len))))
    }
}

/// Longest message, in characters: one quotes the value that is wrong.
const LONG: usize = 300;

/// Lines around an error are shown up to this length, in bytes.
const LONG_LINES: usize = 2_000;

/// How many errors are told one by one. Who hands in the wrong file gets no flood.
const MOST: usize = 100;

/// All errors of a configuration file, at least one.
#[derive(Debug)]
pub struct Problems {
    file: String,
    problems: Vec<Problem>,
}

impl Problems {
    /// Errors of a file, put in the order of their places.
    #[must_use]
    pub fn new(file: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|p| p.place.as_ref().map(|(_, at)| at.offset));
        let more = problems.len().saturating_sub(MOST);
        if more > 0 {
            problems.truncate(MOST);
            let message = format!("has {more} more errors");
            let help = Some("mend those above first".to_owned());
            problems.push(Problem { message, help, place: None, file: file.to_owned() });
        }
        Problems { file: file.to_owned(), problems }
    }

    /// An error of a file as a whole.
    #[must_use]
    pub fn of_file(file: &str, message: impl Into<String>, help: Option<String>) -> Self {
        let problem = Problem { message: message.into(), help, place: None, file: file.to_owned() };
        Problems { file: file.to_owned(), problems: vec![problem] }
    }

    /// The errors in the order of the file.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.problems
    }

    /// Each error as a report of its own.
    #[must_use]
    pub fn into_reports(self) -> Vec<miette::Report> {
        self.problems.into_iter().map(miette::Report::new).collect()
    }

    /// The errors as plain text, one a line with its hint below; for tests and logs.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut out = String::new();
        for p in &self.problems {
            match p.line_column() {
                Some((line, column)) => {
                    let _ = writeln!(out, "{}:{line}:{column}: {}", p.file, p.message);
                }
                None => {
                    let _ = writeln!(out, "{p}");
                }
            }
            if let Some(help) = &p.help {
                out.push_str("    hint: ");
                out.push_str(help);
                out.push('\n');
            }
        }
        out
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [one] => write!(f, "{one}"),
            many => write!(f, "{} has {} errors", self.file, many.len()),
        }
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.only().and_then(Diagnostic::help)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.only().and_then(Diagnostic::source_code)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.only().and_then(Diagnostic::labels)
    }
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.only().is_some() {
            return None;
        }
        Some(Box::new(self.problems.iter().map(|p| p as &dyn Diagnostic)))
    }
}

impl Problems {
    fn only(&self) -> Option<&Problem> {
        match self.problems.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}
