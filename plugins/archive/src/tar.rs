//! tar: v7, ustar, GNU and pax, with sparse members of every kind.

mod header;
mod pax;
mod read;
mod sparse;
mod special;
#[cfg(test)]
mod tests;

use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use header::{BLOCK, Block};
use yumen_kit_container::FormatReader;

/// Reads tars.
pub(crate) struct Tar;

const FORMATS: &[Format] = &[
    Format {
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
    },
    Format {
        name: "mender",
        title: "Mender artifact",
        media_type: "application/x-tar",
        extensions: &["mender"],
        magic: "a tar whose first member is `version`, JSON that names the format mender",
        reference: "mender-artifact, Documentation/artifact-format-v3.md",
        evidence: "its members as children; the package, signed or not",
        limitations: &["signatures are not verified"],
    },
    Format {
        name: "oci",
        title: "OCI image layout in a tar",
        media_type: "application/vnd.oci.image.layer.v1.tar",
        extensions: &[],
        magic: "a tar with the members oci-layout and index.json",
        reference: "OCI Image Format Specification 1.1, Image Layout",
        evidence: "its members as children",
        limitations: &[],
    },
    Format {
        name: "docker-archive",
        title: "Container image as docker save writes it",
        media_type: "application/x-tar",
        extensions: &[],
        magic: "a tar with the members manifest.json and layers or a configuration beside it",
        reference: "Docker Image Specification v1.2, Combined Image JSON + Filesystem Changeset Format",
        evidence: "its members as children",
        limitations: &[],
    },
];

impl FormatReader for Tar {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let block: Block<'_> = Block::of(probe.head.get(..BLOCK as usize)?)?;
        if block.is_header() {
            if block.name() == b"version" && special::is_mender(probe.head.get(BLOCK as usize..).unwrap_or_default()) {
                return Some(Identity::new("mender", Certainty::Specific));
            }
            return Some(Identity::new("tar", Certainty::Signature));
        }
        // A broken first header.
        (block.has_magic() && block.is_sane()).then(|| Identity::new("tar", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        read::open(artifact, out)
    }
}
