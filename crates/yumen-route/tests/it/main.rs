//! Decisions over synthetic scans: every branch, every bound, every way in which a manifest can fall short.

mod branches;
mod kit;
mod laws;
mod manifest;
mod papers;
