//! Inodes.

use yumen_kit_container::window::num::{le16, le32, le64};

use super::read::{Fault, Read, Reader};
use crate::entry::Owner;

/// How content is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One run of blocks.
    Plain,
    /// One run of blocks, and the rest behind the inode.
    Inline,
    /// Compressed, an index of 8 bytes a cluster, or extents.
    Full,
    /// Compressed, with a dense index.
    Compact,
    /// Runs of blocks of equal length.
    Chunks,
}

/// What an inode says.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) nid: u64,
    pub(super) layout: Layout,
    pub(super) owner: Owner,
    pub(super) links: u32,
    pub(super) size: u64,
    /// First block, or the form of the chunks.
    pub(super) data: u64,
    /// Where the attributes begin, and where they end: content and indexes follow.
    pub(super) xattrs: u64,
    pub(super) end: u64,
}

impl Inode {
    pub(super) fn kind(&self) -> u32 {
        self.owner.mode & 0o170_000
    }
}

impl Reader<'_, '_> {
    pub(super) fn inode(&mut self, nid: u64) -> Read<Inode> {
        // The highest bit says that it lies in the metabox.
        let at = nid.checked_mul(32).and_then(|n| n.checked_add(self.sup.meta)).unwrap_or(u64::MAX);
        let head = self.get(at, 32)?;
        let format = le16(&head, 0);
        let long = format & 1 == 1;
        let b = if long { self.get(at, 64)? } else { head };
        let layout = match format >> 1 & 7 {
            0 => Layout::Plain,
            1 => Layout::Full,
            2 => Layout::Inline,
            3 => Layout::Compact,
            4 => Layout::Chunks,
            _ => return Err(Fault::Broken(at)),
        };
        let mode = u32::from(le16(&b, 4));
        let shared = u64::from(le16(&b, 2));
        let xattrs = at + if long { 64 } else { 32 };
        let end = xattrs + if shared == 0 { 0 } else { 12 + (shared - 1) * 4 };
        let mut data = u64::from(le32(&b, 16));
        // With 48-bit addresses the upper bits take the place of the number of links.
        let one_link = self.sup.is_wide() && format & 1 << 4 != 0;
        let upper = self.sup.is_wide() && (long || one_link);
        if upper && matches!(layout, Layout::Plain | Layout::Inline) {
            data |= u64::from(le16(&b, 6)) << 32;
        }
        let links = match (long, one_link) {
            (true, _) => le32(&b, 44),
            (_, true) => 1,
            _ => u32::from(le16(&b, 6)),
        };
        let (uid, gid, mtime, size) = if long {
            (le32(&b, 24), le32(&b, 28), le64(&b, 32), le64(&b, 8))
        } else {
            let own = if self.sup.is_wide() { u64::from(le32(&b, 12)) } else { 0 };
            let mtime = self.sup.epoch.saturating_add(own);
            (u32::from(le16(&b, 24)), u32::from(le16(&b, 26)), mtime, u64::from(le32(&b, 8)))
        };
        if size > 1 << 62 {
            return Err(Fault::Broken(at));
        }
        self.use_range(at..end)?;
        let owner = Owner { mode, uid: Some(uid), gid: Some(gid), mtime: Some(mtime) };
        Ok(Inode { nid, layout, owner, links, size, data, xattrs, end })
    }
}
