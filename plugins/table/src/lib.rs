//! Tables: CSV, TSV and other delimited values, with dialect and header found by content.

mod csv;
mod schema;

use yumen_model::{Artifact, Certainty, Context, Format, Grouper, Identity, InspectError, Inspection, Plugin, Probe};

/// The plugin of delimited tables.
#[derive(Clone, Copy, Debug, Default)]
pub struct TablePlugin;

const FORMATS: &[Format] = &[csv::FORMAT];

impl Plugin for TablePlugin {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        csv::identify(probe).map(|certainty: Certainty| Identity::new(csv::FORMAT.name, certainty))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        csv::inspect(artifact, context, out)
    }

    fn groupers(&self) -> Vec<Box<dyn Grouper>> {
        vec![Box::new(schema::SchemaGrouper)]
    }
}
