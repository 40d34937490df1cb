//! YAFFS2 and YAFFS1: pages of NAND flash, each followed by its spare area, in which tags say what the page is. Images as mkyaffs2image makes them, and
//! dumps of flash that begin with an object header.
//!
//! There is no magic: the layout is that in which tags and pages agree. Source: yaffs.net/documents (How YAFFS works; yaffs_guts.h as layout of header
//! and tags).

mod deliver;
mod layout;
#[cfg(test)]
mod tests;

use yumen_kit_container::{Container, FormatReader};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use layout::Layout;

/// Reads YAFFS images.
pub(crate) struct Yaffs2;

const FORMATS: &[Format] = &[Format {
    name: "yaffs2",
    title: "YAFFS file system (1 and 2)",
    media_type: "application/octet-stream",
    extensions: &["yaffs", "yaffs2"],
    magic: "an object header, and tags in the spare areas that agree with it and with further pages",
    reference: "https://yaffs.net/documents/how-yaffs-works",
    evidence: "its files as children; link targets as text; deleted and replaced content as free space",
    limitations: &[
        "images without spare areas (inband tags), and those that do not begin with an object header, are not recognised",
        "the error correction codes are not applied",
    ],
}];

impl FormatReader for Yaffs2 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        Layout::find(probe.blob, probe.head).map(|_| Identity::new("yaffs2", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>) -> Result<(), InspectError> {
    let head = to.window.get(0, 512)?.to_vec();
    let Some(layout) = Layout::find(to.blob, &head) else {
        return Err(InspectError::corrupt(0, "no layout of pages and tags fits"));
    };
    deliver::run(to, layout)
}
