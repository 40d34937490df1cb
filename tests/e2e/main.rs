//! End to end: the built command on whole shipments.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod bad_input;
mod commands;
mod coverage;
mod delta;
mod examples;
mod fixtures;
mod gate;
mod kit;
mod large;
mod manifest;
mod names;
mod ota;
mod passes;
mod pipelines;
mod release;
mod sensor;
