//! Inodes.

use std::ops::Range;

use yumen_kit_container::window::num::{le16, le32};
use yumen_model::ChildMeta;

pub(super) const EXTENTS: u32 = 0x8_0000;
pub(super) const ENCRYPTED: u32 = 0x800;
pub(super) const VERITY: u32 = 0x10_0000;
pub(super) const EA_INODE: u32 = 0x20_0000;
pub(super) const INLINE: u32 = 0x1000_0000;
pub(super) const CASEFOLDED: u32 = 0x4000_0000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    File,
    Directory,
    Link,
    Special,
    None,
}

/// An inode with its place in the image.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) number: u32,
    pub(super) at: u64,
    /// All of its bytes, extended attributes included.
    pub(super) bytes: Vec<u8>,
    pub(super) mode: u16,
    pub(super) size: u64,
    pub(super) flags: u32,
    /// Block of extended attributes; 0 for none.
    pub(super) acl: u64,
}

impl Inode {
    pub(super) fn parse(number: u32, at: u64, bytes: &[u8]) -> Option<Inode> {
        if bytes.len() < 128 {
            return None;
        }
        Some(Inode {
            number,
            at,
            mode: le16(bytes, 0),
            size: u64::from(le32(bytes, 4)) | u64::from(le32(bytes, 0x6C)) << 32,
            flags: le32(bytes, 0x20),
            acl: u64::from(le32(bytes, 0x68)) | u64::from(le16(bytes, 0x76)) << 32,
            bytes: bytes.to_vec(),
        })
    }

    pub(super) fn kind(&self) -> Type {
        match self.mode >> 12 {
            0o10 => Type::File,
            0o04 => Type::Directory,
            0o12 => Type::Link,
            0o01 | 0o02 | 0o06 | 0o14 => Type::Special,
            _ => Type::None,
        }
    }

    pub(super) fn is(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The 60 bytes that hold the block map, a short link target or the beginning of inline data.
    pub(super) fn map_bytes(&self) -> &[u8] {
        &self.bytes[0x28..0x64]
    }

    /// Where [`Inode::map_bytes`] stands in the image.
    pub(super) fn map_at(&self) -> u64 {
        self.at + 0x28
    }

    /// End of the fixed fields; extended attributes follow.
    pub(super) fn fields_end(&self) -> usize {
        if self.bytes.len() <= 128 {
            return 128;
        }
        let extra = usize::from(le16(&self.bytes, 0x80));
        if extra.is_multiple_of(4) && 128 + extra <= self.bytes.len() { 128 + extra } else { 128 }
    }

    /// The range in the image of a short link's target.
    pub(super) fn short_target(&self, block: u64) -> Option<Range<u64>> {
        if self.kind() != Type::Link || self.size == 0 || self.size >= 60 || self.is(INLINE) {
            return None;
        }
        let acl_sectors = if self.acl == 0 { 0 } else { block / 512 };
        let sectors = u64::from(le32(&self.bytes, 0x1C));
        let mapped = self.is(EXTENTS) && le16(self.map_bytes(), 0) == 0xF30A;
        (!mapped && (sectors <= acl_sectors || self.is(EXTENTS))).then(|| self.map_at()..self.map_at() + self.size)
    }

    /// Tells a child what the inode says.
    pub(super) fn describe(&self, meta: &mut ChildMeta) {
        let b = &self.bytes;
        let uid = u32::from(le16(b, 2)) | u32::from(le16(b, 0x78)) << 16;
        let gid = u32::from(le16(b, 0x18)) | u32::from(le16(b, 0x7A)) << 16;
        // Two bits of the extra field carry the seconds past 2038.
        let epoch = if self.fields_end() >= 0x8C { i64::from(le32(b, 0x88) & 3) << 32 } else { 0 };
        let mtime = i64::from(le32(b, 0x10).cast_signed()) + epoch;
        for (key, value) in
            [("mode", i64::from(self.mode)), ("uid", i64::from(uid)), ("gid", i64::from(gid)), ("mtime", mtime)]
        {
            meta.attributes.insert(key.to_owned(), value.into());
        }
    }
}
