//! UBIFS: the file system over UBI volumes, as mkfs.ubifs makes it and as it is after use, also when it was not unmounted.
//!
//! All nodes are found by a scan. Which of them count tells the index of the newest master node, and the journal behind it; where the index is broken,
//! the newest of all nodes do. What counts no more is free space with earlier content.
//!
//! Source: the kernel's fs/ubifs/ubifs-media.h (layout of the nodes); linux-mtd.infradead.org/doc/ubifs_whitepaper.pdf.

mod deliver;
mod index;
mod node;
mod replay;
mod scan;
#[cfg(test)]
mod tests;

use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Note, Probe,
};

use node::{Header, Kind, MAGIC, Super};

/// Reads UBIFS.
pub(crate) struct Ubifs;

const FORMATS: &[Format] = &[Format {
    name: "ubifs",
    title: "UBIFS file system",
    media_type: "application/octet-stream",
    extensions: &["ubifs"],
    magic: "31 18 10 06, a node whose checksum holds; a superblock node at the start",
    reference: "fs/ubifs/ubifs-media.h of Linux; http://www.linux-mtd.infradead.org/doc/ubifs_whitepaper.pdf",
    evidence: "its files as children; link targets and extended attributes as text; deleted and replaced content as free space: `[obsolete]` where it was decoded",
    limitations: &[
        "encrypted files (fscrypt) are told as encrypted; authentication is told, hashes and signatures are not checked",
        "the area of logical block properties is swept as free space",
    ],
}];

impl FormatReader for Ubifs {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let head = probe.head;
        let header = Header::parse(head)?;
        let whole = head.get(..header.len as usize);
        let certainty = match whole {
            Some(node) if header.holds(node) => Certainty::Signature,
            // A superblock that is broken or cut short.
            _ if header.kind == Kind::Super as u8 && header.len == 4096 => Certainty::Structure,
            _ => return None,
        };
        Some(Identity::new("ubifs", certainty))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>) -> Result<(), InspectError> {
    let head = to.window.get(0, 4096)?.to_vec();
    let told = Super::parse(&head);
    if told.is_none() && head.starts_with(&MAGIC) {
        to.tell_at("checksum-mismatch", 0);
    }
    let scan = scan::scan(to, told.as_ref())?;
    if scan.nodes.is_empty() {
        return Err(InspectError::corrupt(0, "no node whose checksum holds"));
    }
    let leb_size = told.as_ref().map(|s| u64::from(s.leb_size)).or_else(|| scan.distance_of_masters());
    let live = replay::run(to, &scan, told.as_ref(), leb_size)?;
    if live.rebuilt {
        to.send(yumen_model::Message::Note(Note::new("rebuilt")))?;
        to.tell("corrupt");
    }
    inventory(to, told.as_ref(), &scan);
    deliver::run(to, &scan, &live)
}

fn inventory(to: &mut Container<'_>, told: Option<&Super>, scan: &scan::Scan) {
    let mut item = InventoryItem::new(kinds::FIRMWARE_IMAGE).with("type", vec!["ubifs"]).at(0, 4096.min(to.len()));
    if let Some(s) = told {
        item = item
            .with("compression", vec![node::method_name(s.compression)])
            .with("authenticated", s.authenticated())
            .with("encrypted", s.encrypted());
    }
    to.inventory(item.with("nodes", scan.nodes.len() as u64));
}
