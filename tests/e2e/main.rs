//! End to end: the built command on whole shipments.

mod bad_input;
mod commands;
mod coverage;
mod gate;
mod kit;
mod large;
mod manifest;
mod passes;
