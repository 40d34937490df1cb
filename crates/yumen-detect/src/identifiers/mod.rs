//! x
/// The recognisers of this family.
pub const RECOGNISERS: &[&dyn crate::Recogniser] = &[];
