//! Positions and tracks.
//!
//! A position alone is `geo.point`; positions in time order of something that moves are `geo.track`. Text is read by the
//! [`RECOGNISERS`], columns and keys of records by the [`TrackDetector`].

mod columns;
mod gathered;
mod headerless;
mod marked;
mod point;
mod report;
mod series;
mod syntax;
mod time;
mod track;
mod values;
mod words;

pub use track::TrackDetector;

/// The recognisers of this family.
pub const RECOGNISERS: &[&dyn crate::Recogniser] = &[&point::Pair, &marked::Marked];
