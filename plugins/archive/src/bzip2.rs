//! bzip2.
