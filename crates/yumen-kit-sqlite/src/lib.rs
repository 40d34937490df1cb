//! Read-only SQLite over a blob: tables by their b-trees, with an account of every page.
