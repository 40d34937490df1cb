//! squashfs: versions 1 to 4 in both byte orders, all compressors. The reader is `yumen-kit-squashfs`.
//!
//! Source: the kernel's Documentation/filesystems/squashfs.rst.

use yumen_kit_container::{Container, FormatReader};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::trailer::after_image;

/// Reads squashfs images.
pub(crate) struct Squashfs;

const FORMATS: &[Format] = &[Format {
    name: "squashfs",
    title: "squashfs image",
    media_type: "application/vnd.squashfs",
    extensions: &["squashfs", "sqfs", "squash", "sqsh", "snap"],
    magic: "`hsqs` (`sqsh` in big-endian images, or a vendor's variant), then a version and a block size that agree with the other fields",
    reference: "Linux Documentation/filesystems/squashfs.rst; https://dr-emann.github.io/squashfs/",
    evidence: "its files as children; link targets and extended attributes as text; parts of fragment blocks that no file uses, and what follows the image, as children",
    limitations: &[
        "links are counted, not followed; of a file with several names the first one met has the content",
        "of vendors' LZMA without a header the usual properties are tried, no others",
        "of a broken block nothing is delivered but zeros of its length",
    ],
}];

impl FormatReader for Squashfs {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        yumen_kit_squashfs::probe(probe.head).then(|| Identity::new("squashfs", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let len = to.len();
        let result = yumen_kit_squashfs::open(&mut to, 0..len).and_then(|end| after_image(&mut to, end));
        to.finish(result)
    }
}

#[cfg(test)]
mod tests;
