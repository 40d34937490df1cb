//! ECU and boot firmware: Intel HEX, S-record, VBF, UF2, ELF, PE, FIT, uImage, device trees, raw images with known headers.
//!
//! One module a format. A new one is a module and a line in [`READERS`].

mod boot;
mod common;
mod dtb;
mod dwarf;
mod elf;
mod fdt;
mod hexfile;
mod ihex;
mod pe;
mod program;
mod raw;
mod sealed;
mod srec;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod titxt;
mod uf2;
mod uimage;
mod vbf;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[
    &boot::Boot,
    &dtb::DeviceTree,
    &elf::Elf,
    &pe::Pe,
    &program::Program,
    &uf2::Uf2,
    &uimage::UImage,
    &uimage::Environment,
    &vbf::Vbf,
    &hexfile::HexFile,
    &raw::Raw,
    &sealed::Sealed,
]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| READERS.formats());

/// Reads firmware images.
#[derive(Clone, Copy, Debug, Default)]
pub struct FirmwarePlugin;

impl Plugin for FirmwarePlugin {
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
