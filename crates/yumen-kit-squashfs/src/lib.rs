//! Reads squashfs images: for the plugins of file systems and of upgrade bundles that are squashfs inside (RAUC).
//!
//! - [`open`]: hands over the files of an image, labels its bytes, says where it ends. Versions 1 to 4 in both byte orders.
//! - [`probe`]: whether bytes begin with a superblock.
//! - [`block`]: bounded decoders of single compressed blocks, for other file systems as well.
//!
//! Sources: the kernel's Documentation/filesystems/squashfs.rst; "squashfs binary format" (dr-emann.github.io/squashfs) for version 4; for the older
//! versions the structures as the 3.x tools document them.

pub mod block;
mod file;
mod inode;
mod meta;
mod order;
mod reader;
mod recover;
mod superblock;
mod xattr;

use std::ops::Range;

use yumen_kit_container::Container;
use yumen_model::InspectError;

use reader::Reader;
use superblock::{LONGEST, Super};

/// Whether bytes begin with the superblock of an image: its magic, and fields that agree with each other.
#[must_use]
pub fn probe(head: &[u8]) -> bool {
    Super::parse(head).is_some()
}

/// Reads the image that begins at `range.start` of the artifact and ends before `range.end`: its files become children, its bytes are labelled. What can't
/// be read is opaque and told in notes. Returns the end of the image, with the zeros that fill it up to 4 KiB.
///
/// # Errors
/// When there is no superblock, when the bytes can't be read, or when the engine stops the inspection.
pub fn open(to: &mut Container<'_>, range: Range<u64>) -> Result<u64, InspectError> {
    let limit = range.end.min(to.len());
    let room = usize::try_from(limit.saturating_sub(range.start)).unwrap_or(usize::MAX).min(LONGEST);
    let head = to.window.get(range.start, room)?;
    let Some(sup) = Super::parse(head) else {
        return Err(InspectError::corrupt(range.start, "no squashfs superblock"));
    };
    Reader::new(to, sup, range.start, limit).run()
}
