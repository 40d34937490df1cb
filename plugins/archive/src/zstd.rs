//! zstd.
