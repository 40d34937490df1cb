//! Tables: CSV, TSV and other delimited values, with dialect and header found by content; databases.

mod csv;
mod schema;
mod sqlite;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Certainty, Context, Format, Grouper, Identity, InspectError, Inspection, Plugin, Probe};

/// The plugin of tables.
#[derive(Clone, Copy, Debug, Default)]
pub struct TablePlugin;

/// Every reader of binary tables. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[&sqlite::Sqlite]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let mut formats = vec![csv::FORMAT];
    formats.extend(READERS.formats());
    formats
});

impl Plugin for TablePlugin {
    fn formats(&self) -> &'static [Format] {
        &FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let csv = || csv::identify(probe).map(|certainty: Certainty| Identity::new(csv::FORMAT.name, certainty));
        READERS.identify(probe).or_else(csv)
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if artifact.format == csv::FORMAT.name {
            csv::inspect(artifact, context, out)
        } else {
            READERS.inspect(artifact, context, out)
        }
    }

    fn groupers(&self) -> Vec<Box<dyn Grouper>> {
        vec![Box::new(schema::SchemaGrouper)]
    }
}
