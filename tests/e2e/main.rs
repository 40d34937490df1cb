//! End to end: the built command on whole shipments.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod bad_input;
mod commands;
mod coverage;
mod examples;
mod gate;
mod kit;
mod large;
mod manifest;
mod names;
mod ota;
mod passes;
