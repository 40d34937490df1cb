//! End-to-end tests: the built command on whole shipments.
