//! Vector formats of geographic information systems: what their readers share.

pub(crate) mod crs;
pub(crate) mod emit;
pub(crate) mod shapes;
pub(crate) mod when;
pub(crate) mod words;
