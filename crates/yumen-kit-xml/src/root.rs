//! The root element, for identification.

use crate::entity;
use crate::tag::{self, Parsed};

/// A root element as far as a sample shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root<'t> {
    /// Its name with prefix.
    pub name: &'t str,
    /// Attributes by full name, references replaced.
    pub attributes: Vec<(&'t str, String)>,
    /// What of the sample comes after its start tag.
    pub body: &'t str,
}

impl Root<'_> {
    /// The name without prefix.
    #[must_use]
    pub fn local(&self) -> &str {
        self.name.rsplit(':').next().unwrap_or(self.name)
    }

    /// The value of an attribute by its name without prefix.
    #[must_use]
    pub fn attribute(&self, local: &str) -> Option<&str> {
        let same = |name: &str| name.rsplit(':').next() == Some(local);
        self.attributes.iter().find(|(name, _)| same(name)).map(|(_, value)| value.as_str())
    }
}

/// The root element of the document that `text` begins, behind declaration, comments, instructions and a document type. None when the text begins otherwise or ends
/// before the tag does.
#[must_use]
pub fn root(text: &str) -> Option<Root<'_>> {
    let mut rest = text.trim_start_matches('\u{FEFF}');
    loop {
        rest = rest.trim_start();
        rest = if rest.starts_with("<!--") {
            after(rest, "-->")?
        } else if rest.starts_with("<?") {
            after(rest, "?>")?
        } else if rest.starts_with("<!") {
            document_type(rest)?
        } else {
            break;
        };
    }
    match tag::parse(rest) {
        Parsed::Tag(tag) if !tag.end => {
            let value = |range: std::ops::Range<usize>| {
                let mut value = String::new();
                entity::decode_all(&rest[range], &mut value);
                value
            };
            let attributes = tag.attributes.iter().map(|a| (&rest[a.name.clone()], value(a.value.clone()))).collect();
            Some(Root { name: tag.name(rest), attributes, body: &rest[tag.len..] })
        }
        _ => None,
    }
}

fn after<'t>(text: &'t str, end: &str) -> Option<&'t str> {
    text.find(end).map(|n| &text[n + end.len()..])
}

fn document_type(text: &str) -> Option<&str> {
    let mut depth = 0usize;
    for (i, b) in text.bytes().enumerate() {
        match b {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b'>' if depth == 0 => return text.get(i + 1..),
            _ => {}
        }
    }
    None
}
