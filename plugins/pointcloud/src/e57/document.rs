//! The XML section as a tree. Its text goes to the detectors as a child of its own; here only what leads to points and pictures counts.

use std::collections::BTreeMap;

use yumen_kit_xml::{Markup, Place, Visitor};
use yumen_model::{Artifact, Blob, InspectError, Inspection, Message, Stop};

/// Elements beyond this number are not kept.
const MOST_NODES: usize = 500_000;

/// An element.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub name: String,
    attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Node>,
}

impl Node {
    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|c| c.name == name)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Its number; an empty element is zero.
    pub(super) fn number(&self) -> f64 {
        self.text.trim().parse().ok().filter(|v: &f64| v.is_finite()).unwrap_or(0.0)
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<Node>,
    root: Option<Node>,
    nodes: usize,
}

impl Visitor for Builder {
    fn start(&mut self, name: &str, _place: Place, _out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.nodes += 1;
        // Extensions have a prefix; what has none is of the standard.
        self.open.push(Node { name: name.to_owned(), ..Node::default() });
        Ok(())
    }

    fn attribute(
        &mut self,
        name: &str,
        value: &str,
        _place: Place,
        _out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        if let Some(node) = self.open.last_mut().filter(|n| n.attributes.len() < 32) {
            node.attributes.push((name.to_owned(), value.to_owned()));
        }
        Ok(())
    }

    fn text(&mut self, value: &str, _leaf: bool, _place: Place, _out: &mut dyn Inspection) -> Result<(), InspectError> {
        if let Some(node) = self.open.last_mut() {
            node.text.push_str(value);
        }
        Ok(())
    }

    fn end(&mut self, _name: &str, _out: &mut dyn Inspection) -> Result<(), InspectError> {
        let Some(node) = self.open.pop() else { return Ok(()) };
        match self.open.last_mut() {
            Some(parent) if self.nodes <= MOST_NODES => parent.children.push(node),
            Some(_) => {}
            None => {
                self.root.get_or_insert(node);
            }
        }
        Ok(())
    }
}

/// Takes everything and keeps nothing.
struct Nowhere;

impl Inspection for Nowhere {
    fn send(&mut self, _message: Message<'_>) -> Result<(), Stop> {
        Ok(())
    }
}

/// The root element.
pub(super) fn read(xml: &[u8]) -> Option<Node> {
    let artifact = Artifact {
        blob: Blob::from_bytes(xml),
        name: "metadata.xml".into(),
        format: "xml",
        attributes: BTreeMap::new(),
        inside: Vec::new(),
    };
    let mut builder = Builder::default();
    yumen_kit_xml::inspect(&artifact, Markup::Xml, &mut builder, &mut Nowhere).ok()?;
    builder.root.filter(|r| r.name == "e57Root" || r.child("data3D").is_some())
}
