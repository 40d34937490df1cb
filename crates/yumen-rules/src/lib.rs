//! The rulebook: rows that say what found data means in law, with the provenance of each.
//!
//! A [`Rulebook`] is data, read from YAML with all errors told at once; a new edition of the rules is a new file. [`Scan`] evaluates its rows over what a
//! scan found and what a manifest declares, in three values ([`Truth`]): what no file can prove and nobody has declared stays unknown, and says
//! which fact would settle it. What follows for the shipment is worked out in `yumen-route`.
//!
//! ```
//! let book = yumen_rules::Rulebook::builtin();
//! assert_eq!(book.annex(), "not-verified");
//! assert!(book.explain("OTA-1", false).unwrap().contains("upgrade-package source code"));
//! ```

pub mod book;
pub mod condition;
mod eval;
mod explain;
pub mod facts;
mod load;
mod paths;
mod persons;
mod schema;
mod truth;
pub mod yaml;

pub use book::{FenceFile, Row, Rulebook};
pub use eval::{Ask, LimbState, RowState, Scan};
pub use facts::{Declared, FactTable, FactValue};
pub use load::BUILTIN_NAMES;
pub use paths::{Globs, escape_glob};
pub use persons::{Interval, Persons};
pub use schema::{overlay_schema, schema};
pub use truth::Truth;
pub use yaml::{Problem, Problems};
