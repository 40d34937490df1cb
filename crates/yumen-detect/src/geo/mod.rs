//! Positions and tracks.
//!
//! A position alone is `geo.point`; positions in time order of something that moves are `geo.track`. Text is read by the
//! [`RECOGNISERS`], columns and keys of records by the [`TrackDetector`], positions that a format tells as such by the [`FixDetector`] (one code
//! path with it, so that the same track gives the same figures), and clouds, maps and pictures by the [`SpatialDetector`].

mod columns;
mod fixes;
mod gathered;
mod headerless;
mod marked;
mod point;
mod report;
mod series;
mod spatial;
mod syntax;
pub(crate) mod tables;
mod tie;
mod time;
mod track;
mod values;
mod words;

pub use fixes::FixDetector;
pub use spatial::SpatialDetector;
pub use track::TrackDetector;

/// The recognisers of this family.
pub const RECOGNISERS: &[&dyn crate::Recogniser] = &[&point::Pair, &marked::Marked];
