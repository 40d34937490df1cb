//! EROFS: flat, inline, chunk-based and compressed files with every algorithm.
//!
//! Source: the kernel's Documentation/filesystems/erofs.rst and the on-disk structures at erofs.docs.kernel.org.

mod content;
mod inode;
mod map;
mod read;
mod superblock;
mod xattr;

use yumen_kit_container::{Container, FormatReader};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::trailer::after_image;
use superblock::Super;

/// Reads EROFS images.
pub(crate) struct Erofs;

const FORMATS: &[Format] = &[Format {
    name: "erofs",
    title: "EROFS image",
    media_type: "application/octet-stream",
    extensions: &["erofs"],
    magic: "E2 E1 F5 E0 at 1024, with a block size and a root that are possible",
    reference: "https://erofs.docs.kernel.org/en/latest/ondisk/",
    evidence: "its files as children; link targets, extended attributes and the volume's name as text; unused bytes as a child",
    limitations: &[
        "what lies on other devices or in a metabox is not read",
        "links are counted, not followed; of a file with several names the first one met has the content",
        "of a broken cluster nothing is delivered but zeros of its length",
    ],
}];

impl FormatReader for Erofs {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        Super::parse(probe.head.get(1024..)?).map(|_| Identity::new("erofs", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = read::open(&mut to).and_then(|end| after_image(&mut to, end));
        to.finish(result)
    }
}

#[cfg(test)]
mod tests;
