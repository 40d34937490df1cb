//! tar: v7, ustar, GNU and pax, with sparse members of every kind.

mod header;
mod pax;
mod read;
mod sparse;
#[cfg(test)]
mod tests;

use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use header::{BLOCK, Block};
use yumen_kit_container::FormatReader;

/// Reads tars.
pub(crate) struct Tar;

const FORMATS: &[Format] = &[Format {
    name: "tar",
    title: "tar archive",
    media_type: "application/x-tar",
    extensions: &["tar"],
    magic: "a first header whose checksum is right; `ustar` at 257 in all but the oldest",
    reference: "POSIX.1-2024 pax; GNU tar manual, Basic Tar Format; FreeBSD tar(5)",
    evidence: "its files as children; pax comments and attributes as text; padding that is not zero as a child",
    limitations: &[
        "of an archive in several volumes only the volume at hand is read",
        "links are counted, not followed",
    ],
}];

impl FormatReader for Tar {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let block: Block<'_> = Block::of(probe.head.get(..BLOCK as usize)?)?;
        if block.is_header() {
            return Some(Identity::new("tar", Certainty::Signature));
        }
        // A broken first header.
        (block.has_magic() && block.is_sane()).then(|| Identity::new("tar", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        read::open(artifact, out)
    }
}
