//! The engine: intake, identification, recursion, limits, coverage, groups, progress.
