//! The nodes of UBIFS: all numbers little-endian, each node with a checksum of its own.

use yumen_kit_container::window::num::{le16, le32, le64};

use crate::flash::codec::Method;
use crate::flash::crc_ones;

pub(super) const MAGIC: [u8; 4] = [0x31, 0x18, 0x10, 0x06];
/// Length of the common header.
pub(super) const HEADER: usize = 24;
/// No node is longer: an index node with the largest fanout, an inode with 4 KiB of its own, the superblock.
pub(super) const LONGEST: u32 = 64 << 10;
/// File content comes in blocks of so many bytes.
pub(super) const BLOCK: u64 = 4096;
/// Number of the root directory.
pub(super) const ROOT: u32 = 1;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Inode = 0,
    Data = 1,
    Dent = 2,
    Xent = 3,
    Truncate = 4,
    Padding = 5,
    Super = 6,
    Master = 7,
    Reference = 8,
    Index = 9,
    CommitStart = 10,
    Orphan = 11,
    Authentication = 12,
    Signature = 13,
}

impl Kind {
    pub(super) fn of(n: u8) -> Option<Self> {
        const ALL: [Kind; 14] = [
            Kind::Inode,
            Kind::Data,
            Kind::Dent,
            Kind::Xent,
            Kind::Truncate,
            Kind::Padding,
            Kind::Super,
            Kind::Master,
            Kind::Reference,
            Kind::Index,
            Kind::CommitStart,
            Kind::Orphan,
            Kind::Authentication,
            Kind::Signature,
        ];
        ALL.get(usize::from(n)).copied()
    }

    /// The least length of a node.
    fn least(self) -> u32 {
        match self {
            Kind::Inode => 160,
            Kind::Data => 48,
            Kind::Dent | Kind::Xent | Kind::Truncate => 56,
            Kind::Super => 4096,
            Kind::Master => 512,
            Kind::Reference => 64,
            Kind::Padding | Kind::Index => 28,
            Kind::CommitStart | Kind::Orphan => 32,
            Kind::Authentication | Kind::Signature => 24,
        }
    }
}

/// The header that every node begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) sequence: u64,
    pub(super) len: u32,
    pub(super) kind: u8,
    crc: u32,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(&MAGIC) || bytes.len() < HEADER {
            return None;
        }
        let h = Header { crc: le32(bytes, 4), sequence: le64(bytes, 8), len: le32(bytes, 16), kind: bytes[20] };
        let kind = Kind::of(h.kind)?;
        (h.len >= kind.least() && h.len <= LONGEST).then_some(h)
    }

    /// Whether the checksum of the whole node holds.
    pub(super) fn holds(&self, node: &[u8]) -> bool {
        node.len() == self.len as usize && crc_ones(&node[8..]) == self.crc
    }
}

/// A key in its simple form: the inode, and a block number or the hash of a name below the type.
pub(super) fn key(bytes: &[u8], at: usize) -> (u32, u32) {
    (le32(bytes, at), le32(bytes, at + 4))
}

/// The block number of a data node's key.
pub(super) fn block_of(second: u32) -> u32 {
    second & 0x1FFF_FFFF
}

/// How data is compressed.
pub(super) fn method(n: u8) -> Method {
    match n {
        0 => Method::Stored,
        1 => Method::Lzo,
        2 => Method::Deflate,
        3 => Method::Zstd,
        _ => Method::Unknown,
    }
}

pub(super) fn method_name(n: u16) -> &'static str {
    match n {
        0 => "none",
        1 => "lzo",
        2 => "zlib",
        3 => "zstd",
        _ => "unknown",
    }
}

/// The superblock node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Super {
    flags: u32,
    pub(super) leb_size: u32,
    pub(super) log_lebs: u32,
    pub(super) compression: u16,
}

impl Super {
    /// The node, if its checksum holds and its figures make sense.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header = Header::parse(bytes)?;
        let node = bytes.get(..header.len as usize)?;
        if header.kind != Kind::Super as u8 || !header.holds(node) {
            return None;
        }
        let s = Super {
            flags: le32(node, 28),
            leb_size: le32(node, 36),
            log_lebs: le32(node, 56),
            compression: le16(node, 84),
        };
        ((4096..=64 << 20).contains(&s.leb_size) && s.leb_size.is_multiple_of(8)).then_some(s)
    }

    pub(super) fn encrypted(&self) -> bool {
        self.flags & 0x10 != 0
    }

    pub(super) fn authenticated(&self) -> bool {
        self.flags & 0x20 != 0
    }
}

/// What an inode node tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inode {
    pub(super) size: u64,
    pub(super) mtime: i64,
    pub(super) links: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
    pub(super) flags: u32,
    /// Bytes that stand in the node itself: a link's target, a device's number, an attribute's value.
    pub(super) inline: u32,
}

impl Inode {
    pub(super) const INLINE_AT: u64 = 160;

    pub(super) fn parse(node: &[u8]) -> Self {
        Inode {
            size: le64(node, 48),
            mtime: le64(node, 72).cast_signed(),
            links: le32(node, 92),
            uid: le32(node, 96),
            gid: le32(node, 100),
            mode: le32(node, 104),
            flags: le32(node, 108),
            inline: le32(node, 112),
        }
    }

    /// The value of an extended attribute.
    pub(super) fn is_attribute(&self) -> bool {
        self.flags & 0x20 != 0
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 0x40 != 0
    }
}

/// What a directory or attribute entry tells.
#[derive(Clone, Debug)]
pub(super) struct Dent {
    /// The inode it names; zero where the name was deleted.
    pub(super) inode: u32,
    pub(super) name: Vec<u8>,
}

impl Dent {
    pub(super) fn parse(node: &[u8]) -> Self {
        let len = usize::from(le16(node, 50)).min(node.len().saturating_sub(56));
        let name = node.get(56..56 + len).unwrap_or(&[]);
        // Numbers of inodes are 32 bits wide in practice.
        Dent { inode: u32::try_from(le64(node, 40)).unwrap_or(u32::MAX), name: name.to_vec() }
    }
}
