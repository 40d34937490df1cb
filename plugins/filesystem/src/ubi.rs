//! UBI: volumes over the erase blocks of flash memory, as ubinize makes them and as they are read back from a device: erase blocks in any order, worn out
//! or erased ones between, copies that a newer one has replaced, a fastmap.
//!
//! Source: the kernel's drivers/mtd/ubi/ubi-media.h (layout of the headers); linux-mtd.infradead.org/doc/ubi.html.

mod header;
mod scan;
#[cfg(test)]
mod tests;
mod volume;

use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

pub(crate) use header::{EC, Ec, Vid};

/// Reads UBI images.
pub(crate) struct Ubi;

const FORMATS: &[Format] = &[Format {
    name: "ubi",
    title: "UBI image",
    media_type: "application/octet-stream",
    extensions: &["ubi"],
    magic: "`UBI#`, an erase counter header whose checksum holds",
    reference: "https://www.kernel.org/doc/html/latest/driver-api/mtd/ubi.html; include/linux/mtd/ubi-media.h",
    evidence: "its volumes as children under their names; replaced copies and what erased blocks still hold as free space",
    limitations: &[
        "space that a volume has not mapped is left out at its end, and reads as erased between mapped blocks",
        "of a block with two copies the newer one is shown, the older one is free space",
    ],
}];

impl FormatReader for Ubi {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if Ec::parse(probe.head).is_some() {
            return Some(Identity::new("ubi", Certainty::Signature));
        }
        if probe.head.starts_with(EC) && probe.head.get(4) == Some(&1) && probe.head.get(5..8) == Some(&[0; 3]) {
            // The first header is broken; the others will tell.
            return Some(Identity::new("ubi", Certainty::Structure));
        }
        scan::behind_other_data(probe.blob).then(|| Identity::new("ubi", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

/// Images in one file that are told apart.
const MAX_AREAS: usize = 64;

fn run(to: &mut Container<'_>) -> Result<(), InspectError> {
    let headers = scan::headers(to.blob)?;
    let Some(first) = headers.first() else {
        return Err(InspectError::corrupt(0, "no erase counter header whose checksum holds"));
    };
    to.residue(0..first.0, Place::Before)?;
    let mut rest = &headers[..];
    let mut at = first.0;
    for _ in 0..MAX_AREAS {
        let Some(&(start, _)) = rest.first() else { break };
        if start > at {
            to.residue(at..start, Place::Between)?;
        }
        let area = scan::area(rest, to.len());
        volume::open(to, &area)?;
        at = area.end();
        rest = &rest[rest.partition_point(|h| h.0 < at)..];
    }
    to.residue(at..to.len(), Place::After)
}
