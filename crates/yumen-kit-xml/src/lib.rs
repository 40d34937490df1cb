//! XML and HTML for plugins.
//!
//! - [`inspect`]: one tolerant, streaming pass over an artifact gives records as evidence, labels every byte, and shows the elements to a [`Visitor`].
//! - [`root`]: the root element at the start of a text, for identification.
//!
//! Nothing is expanded, nothing is kept: memory is bounded whatever the artifact holds. What is not well-formed is text.

mod entity;
mod reader;
mod root;
mod tag;
mod visitor;

pub use reader::{Markup, inspect, read};
pub use root::{Root, root};
pub use tag::element_start;
pub use visitor::{Place, Visitor};

#[cfg(test)]
mod tests;
