//! What the readers of XML formats share: the path of open elements, and named things with what is said of them.

use yumen_kit_text::Sample;
use yumen_kit_xml::root;
use yumen_model::{InspectError, Inspection, Probe};

use crate::names::{Named, Names};

/// A name without its prefix.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Runs a test on the root element of what may be XML: its local name, its attributes, and the text behind it.
pub(crate) fn with_root<T>(probe: &Probe<'_>, test: impl FnOnce(&yumen_kit_xml::Root<'_>) -> Option<T>) -> Option<T> {
    let sample = Sample::of(probe)?;
    let head = sample.text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']);
    if !head.starts_with('<') {
        return None;
    }
    if let Some(root) = root(head) {
        return test(&root);
    }
    if sample.complete {
        return None;
    }
    // A long comment at the start.
    let longer = Sample::with(probe.blob, sample.detection, 1 << 20).ok()?;
    root(&longer.text).as_ref().and_then(test)
}

/// Names of the open elements.
#[derive(Debug, Default)]
pub(crate) struct Path {
    names: String,
    starts: Vec<usize>,
}

impl Path {
    pub(crate) fn push(&mut self, local: &str) {
        self.starts.push(self.names.len());
        self.names.push_str(local);
    }

    pub(crate) fn pop(&mut self) {
        if let Some(start) = self.starts.pop() {
            self.names.truncate(start);
        }
    }

    pub(crate) fn depth(&self) -> usize {
        self.starts.len()
    }

    /// The element `n` levels around the innermost one, which is 0; empty when there is none.
    pub(crate) fn up(&self, n: usize) -> &str {
        let Some(i) = self.starts.len().checked_sub(n + 1) else { return "" };
        let end = self.starts.get(i + 1).copied().unwrap_or(self.names.len());
        &self.names[self.starts[i]..end]
    }

    /// Whether an element of this name is open.
    pub(crate) fn has(&self, name: &str) -> bool {
        (0..self.depth()).any(|n| self.up(n) == name)
    }
}

/// A thing whose name and description come inside it.
#[derive(Debug)]
pub(crate) struct Item {
    /// Depth of its element.
    pub(crate) depth: usize,
    /// What its name is told as; empty for what is not told.
    pub(crate) cell: &'static str,
    pub(crate) name: Option<Named>,
    pub(crate) said: Vec<(&'static str, Named)>,
}

/// What is said of one thing, at most.
const SAID: usize = 64;

/// The open things, innermost last.
#[derive(Default)]
pub(crate) struct Items(Vec<Item>);

impl Items {
    pub(crate) fn open(&mut self, depth: usize, cell: &'static str) {
        self.0.push(Item { depth, cell, name: None, said: Vec::new() });
    }

    /// The innermost open thing.
    pub(crate) fn last(&mut self) -> Option<&mut Item> {
        self.0.last_mut()
    }

    /// Gives the thing at a depth its name, unless it has one.
    pub(crate) fn name(&mut self, depth: usize, name: Named) {
        if let Some(item) = self.0.last_mut().filter(|i| i.depth == depth && i.name.is_none()) {
            item.name = Some(name);
        }
    }

    /// Says something of the innermost thing.
    pub(crate) fn say(&mut self, cell: &'static str, text: Named) {
        if let Some(item) = self.0.last_mut().filter(|i| i.said.len() < SAID) {
            item.said.push((cell, text));
        }
    }

    /// The element at a depth ends: the thing that it is.
    pub(crate) fn end(&mut self, depth: usize) -> Option<Item> {
        if self.0.last().is_some_and(|i| i.depth == depth) { self.0.pop() } else { None }
    }
}

impl Item {
    /// Tells its names.
    pub(crate) fn tell(&self, names: &mut Names, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if self.cell.is_empty() {
            return Ok(());
        }
        let name = self.name.iter().map(|n| (self.cell, n));
        names.tell(name.chain(self.said.iter().map(|(c, n)| (*c, n))), out)
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_ref().map_or("", |n| n.text.as_str())
    }
}
