//! Who looks for structure in a document while it is read.

use yumen_kit_text::Spot;
use yumen_model::{InspectError, Inspection};

/// Where something stands in the artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its start.
    pub spot: Spot,
    /// The byte after it.
    pub byte_end: u64,
    /// Whether it stands there byte for byte.
    pub verbatim: bool,
}

/// Is shown a document in order: an element, its attributes, its text and children, its end. Elements end in the order in which they began also where
/// the document is broken. Elements nested deeper than a few hundred levels are left out. `()` looks at nothing.
#[allow(unused_variables)]
pub trait Visitor {
    /// An element begins. The name has its prefix.
    ///
    /// # Errors
    /// The engine takes no more.
    fn start(&mut self, name: &str, place: Place, out: &mut dyn Inspection) -> Result<(), InspectError> {
        Ok(())
    }

    /// An attribute of the innermost element; the name without prefix, references in the value replaced. Empty ones are left out; one without a value has its name
    /// for it.
    ///
    /// # Errors
    /// The engine takes no more.
    fn attribute(
        &mut self,
        name: &str,
        value: &str,
        place: Place,
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        Ok(())
    }

    /// Text of the innermost element, blanks around it left out, references replaced. `leaf`: it ends with the element. Elements, comments and a length of a
    /// mebibyte divide text.
    ///
    /// # Errors
    /// The engine takes no more.
    fn text(&mut self, value: &str, leaf: bool, place: Place, out: &mut dyn Inspection) -> Result<(), InspectError> {
        Ok(())
    }

    /// The innermost element ends.
    ///
    /// # Errors
    /// The engine takes no more.
    fn end(&mut self, name: &str, out: &mut dyn Inspection) -> Result<(), InspectError> {
        Ok(())
    }
}

impl Visitor for () {}
