//! Messages of vehicle middleware: schemas (ROS 1, ROS 2, protobuf, JSON, FlatBuffers) parsed and used to decode payloads, and what they mean.
//!
//! A reader of recordings makes one [`Topics`] per artifact, tells it of each channel with its schema, and gives it every message. What the messages
//! mean goes out as evidence (positions, texts, clouds, inertial data) and children (pictures); how a message's bytes are to be labelled comes back as an
//! [`Outcome`]. [`Topics::finish`] sends what was gathered.

mod cloud;
mod groups;
mod media;
mod names;
mod nmea;
mod plan;
mod schema;
mod sensors;
#[cfg(test)]
mod tests;
mod topics;
mod tracks;
mod wire;

pub use topics::{Channel, Message, Outcome, Topics};
