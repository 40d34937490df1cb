//! JFFS2: the journalling file system straight on flash, in either byte order, as mkfs.jffs2 and sumtool make it and as it is after use.
//!
//! Every node whose checksums hold is read; of each name and each stretch of a file the highest version counts. What counts no more is free space with
//! earlier content.
//!
//! Source: the kernel's include/uapi/linux/jffs2.h (layout of the nodes); sourceware.org/jffs2/jffs2-html.

mod deliver;
mod node;
mod scan;
#[cfg(test)]
mod tests;

use yumen_kit_container::window::first_nonzero;
use yumen_kit_container::{Container, FormatReader, Window};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe};

use node::Order;

/// Reads JFFS2.
pub(crate) struct Jffs2;

const FORMATS: &[Format] = &[Format {
    name: "jffs2",
    title: "JFFS2 file system",
    media_type: "application/octet-stream",
    extensions: &["jffs2"],
    magic: "85 19 or 19 85, a node header whose checksum holds; erased space may stand before it",
    reference: "include/uapi/linux/jffs2.h of Linux; https://sourceware.org/jffs2/jffs2-html/",
    evidence: "its files as children; link targets and extended attributes as text; deleted and replaced content as free space: `[obsolete]` where it was decoded",
    limitations: &[
        "content compressed with rubinmips or dynrubin is opaque",
        "images with spare areas between the pages are not read",
    ],
}];

impl FormatReader for Jffs2 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let used = probe.head.iter().position(|&b| b != 0xFF);
        let found = match used {
            Some(at) => Order::of(probe.head.get(at..)?).filter(|_| at % 4 == 0),
            // The first erase blocks may be empty.
            None if probe.head.len() >= 64 << 10 => {
                let mut window = Window::new(probe.blob);
                (1..256u64).find_map(|i| Order::of(window.get(i << 16, 12).ok()?))
            }
            None => None,
        };
        found.map(|_| Identity::new("jffs2", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>) -> Result<(), InspectError> {
    let Some((order, scan)) = scan::scan(to)? else {
        if first_nonzero(to.blob, 0..to.len())?.is_none() {
            return to.container(0..to.len());
        }
        return Err(InspectError::corrupt(0, "no node whose checksum holds"));
    };
    let item = InventoryItem::new(kinds::FIRMWARE_IMAGE)
        .with("type", vec!["jffs2"])
        .with("byte_order", vec![if order.big { "big" } else { "little" }])
        .with("nodes", (scan.data.len() + scan.dents.len()) as u64);
    to.inventory(item);
    deliver::run(to, order, &scan)
}
