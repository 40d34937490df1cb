//! Measurements: CAN and network recordings, GNSS streams, flight and drive logs.
//!
//! One module a format; a new one is a module and a line in [`READERS`].

mod blf;
mod bus;
mod gnss;
mod mdf;
mod net;
mod openpilot;
mod out;
mod place;
mod rinex;
mod text;
mod time;
mod ulog;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Grouper, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[
    &blf::Blf,
    &text::asc::Asc,
    &text::trc::Trc,
    &text::candump::Candump,
    &text::csv::CanCsv,
    &mdf::Mdf4,
    &mdf::Mdf3,
    &net::Pcap,
    &ulog::Ulog,
    &openpilot::Openpilot,
    &gnss::Gnss,
    &rinex::Rinex,
]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| READERS.formats());

/// Reads measurement files.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeasurementPlugin;

impl Plugin for MeasurementPlugin {
    fn formats(&self) -> &'static [Format] {
        &FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        READERS.identify(probe)
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        READERS.inspect(artifact, context, out)
    }

    fn groupers(&self) -> Vec<Box<dyn Grouper>> {
        vec![Box::new(bus::CanDatabases)]
    }
}

#[cfg(test)]
mod tests;
