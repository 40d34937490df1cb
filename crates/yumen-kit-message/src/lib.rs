//! Messages of vehicle middleware: schemas (ROS 1, ROS 2, protobuf, JSON, FlatBuffers) parsed and used to decode payloads, and what they mean.
