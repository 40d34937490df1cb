//! What the readers of flash file systems share: checksums, block decompression, paths, decoded children, text in metadata.

pub(crate) mod codec;
mod obsolete;
mod tree;
mod writer;

use std::ops::Range;

use yumen_kit_container::Container;
use yumen_model::{ChildMeta, InspectError};

pub(crate) use obsolete::Obsolete;
pub(crate) use tree::Tree;
pub(crate) use writer::Writer;

/// CRC-32 as UBI and UBIFS keep it: begun with all ones and not inverted at the end.
pub(crate) fn crc_ones(bytes: &[u8]) -> u32 {
    !crc32fast::hash(bytes)
}

/// CRC-32 as JFFS2 keeps it: begun with zero and not inverted at the end.
pub(crate) fn crc_zero(bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(u32::MAX);
    hasher.update(bytes);
    !hasher.finalize()
}

/// What an inode tells of its file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: i64,
}

impl Attributes {
    pub(crate) fn put(self, meta: &mut ChildMeta) {
        meta.attributes.insert("mode".to_owned(), self.mode.into());
        meta.attributes.insert("uid".to_owned(), self.uid.into());
        meta.attributes.insert("gid".to_owned(), self.gid.into());
        meta.attributes.insert("mtime".to_owned(), self.mtime.into());
    }
}

/// What kind of thing a mode tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Symlink,
    Special,
}

impl Kind {
    pub(crate) fn of_mode(mode: u32) -> Option<Self> {
        match mode & 0o170_000 {
            0o100_000 => Some(Kind::File),
            0o040_000 => Some(Kind::Directory),
            0o120_000 => Some(Kind::Symlink),
            0o010_000 | 0o020_000 | 0o060_000 | 0o140_000 => Some(Kind::Special),
            _ => None,
        }
    }
}

/// Shows a piece of metadata (a link's target, the value of an extended attribute) to the detectors: as text where it is text, else as raw bytes.
pub(crate) fn show(to: &mut Container<'_>, range: Range<u64>) -> Result<(), InspectError> {
    let range = range.start..range.end.min(to.len());
    let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX).min(64 << 10);
    let bytes = to.window.get(range.start, len)?;
    let text = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
    let clean =
        std::str::from_utf8(&bytes[..text]).is_ok_and(|t| !t.chars().any(|c| c.is_control() && !c.is_whitespace()));
    if clean && (bytes.len() as u64) == range.end - range.start {
        to.comment(range.start..range.start + text as u64)?;
        to.container(range.start + text as u64..range.end)
    } else {
        to.unallocated_flash(range)
    }
}

/// The end of the run of one byte value from `at`, not behind `end`.
pub(crate) fn run_end(blob: &yumen_model::Blob, at: u64, end: u64, value: u8) -> Result<u64, InspectError> {
    let found = yumen_kit_container::window::sweep(blob, at..end, 0, |piece, bytes| {
        bytes.iter().position(|&b| b != value).map(|i| piece + i as u64)
    })?;
    Ok(found.unwrap_or(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_field() {
        // CRC-32/JAMCRC and, begun with zero, as the field's tools print them.
        assert_eq!(crc_ones(b"123456789"), 0x340B_C6D9);
        assert_eq!(crc_zero(b"123456789"), 0x2DFD_2D88);
    }
}
