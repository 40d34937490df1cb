//! ECU descriptions: ODX, A2L, DBC, KCD, SYM, ARXML, LDF, FIBEX, CDD, and calibration data.
//!
//! One module a format, or one for formats that a table tells apart. A new one is a module and a line in [`READERS`]. Each reads its artifact in one streaming pass that gives
//! the same evidence as text or XML would, and on the way the names (of ECUs, messages, signals, services…) as a stream of their own and an inventory item.

mod a2l;
mod dbc;
mod ldf;
mod lexer;
mod lines;
mod names;
mod networks;
mod odx;
mod outline;
mod sym;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family =
    Family(&[&odx::Odx, &networks::Networks, &dbc::Dbc, &a2l::A2l, &ldf::Ldf, &sym::Sym, &lines::LineFormats]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| READERS.formats());

/// Reads diagnostic and network descriptions.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiagnosticsPlugin;

impl Plugin for DiagnosticsPlugin {
    fn formats(&self) -> &'static [Format] {
        &FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        READERS.identify(probe)
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        READERS.inspect(artifact, context, out)
    }
}

#[cfg(test)]
mod tests;
