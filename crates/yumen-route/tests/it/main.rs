//! Decisions over synthetic scans: every branch, every bound, every way in which a manifest can fall short.

#![allow(clippy::unwrap_used)]

mod branches;
mod kit;
mod laws;
mod manifest;
mod papers;
