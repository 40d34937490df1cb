//! Tests over databases that the reference implementation made.
