//! Read-only SQLite over a blob: tables by their b-trees, with an account of every page.
//!
//! - [`Header`], [`probe_schema`]: is it a database, and of which application?
//! - [`Database`]: its tables and what else its schema names; [`Database::rows`] streams the rows of a table, large values as extents of the file;
//!   [`Database::account`] labels every page once the tables were read: free pages and what deleted rows left inside pages are swept as free space.
//! - [`evidence`]: rows as records, the schema as text, values that are files as children. What a reader of one application does not know, it sends by this.
//! - [`Frames`]: the pages that a write-ahead log or a rollback journal holds.
//!
//! Memory is bounded whatever the size of the database: a few pages, eight bytes for each page that was met, one record of up to
//! [`MAX_RECORD`] bytes. Damage costs the page it is in, the rest is read.
//!
//! Source: <https://sqlite.org/fileformat2.html>.

mod account;
mod create;
mod database;
pub mod evidence;
mod frames;
mod header;
mod node;
mod pages;
mod record;
mod walk;

pub use create::{Column, Generated};
pub use database::{Database, Fault, Object, Table, TableKind};
pub use frames::Frames;
pub use header::{Encoding, Header, probe_schema, probe_tables};
pub use record::{Field, MAX_RECORD, Row, Value};

#[cfg(test)]
mod tests;
