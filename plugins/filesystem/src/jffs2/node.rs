//! The nodes of JFFS2, in either byte order.

use yumen_kit_container::window::num::{be16, be32, le16, le32};

use crate::flash::codec::Method;
use crate::flash::crc_zero;

/// Length of the common header.
pub(super) const HEADER: usize = 12;
/// Cleared in the type of a node that was marked as obsolete in place.
const ACCURATE: u16 = 0x2000;

/// Byte order of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) big: bool,
}

impl Order {
    /// The order in which these bytes are a node's header.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let order = match bytes {
            [0x85, 0x19, ..] => Order { big: false },
            [0x19, 0x85, ..] => Order { big: true },
            _ => return None,
        };
        order.header(bytes).map(|_| order)
    }

    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        if self.big { be16(bytes, at) } else { le16(bytes, at) }
    }

    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        if self.big { be32(bytes, at) } else { le32(bytes, at) }
    }

    /// The header, if its checksum holds.
    pub(super) fn header(self, bytes: &[u8]) -> Option<Header> {
        let bytes = bytes.get(..HEADER)?;
        if self.u16(bytes, 0) != 0x1985 {
            return None;
        }
        let stored = self.u16(bytes, 2);
        let len = self.u32(bytes, 4);
        // The checksum is that of the node before it was marked.
        let mut whole: [u8; 8] = bytes[..8].try_into().ok()?;
        let full = stored | ACCURATE;
        whole[2..4].copy_from_slice(&if self.big { full.to_be_bytes() } else { full.to_le_bytes() });
        if crc_zero(&whole) != self.u32(bytes, 8) || (len as usize) < HEADER {
            return None;
        }
        Some(Header { kind: Kind::of(full), marked: stored & ACCURATE == 0, len: u64::from(len) })
    }

    /// An inode node; none where its checksum does not hold or its figures don't fit.
    pub(super) fn inode(self, node: &[u8]) -> Option<Inode> {
        if node.len() < 68 || crc_zero(&node[..60]) != self.u32(node, 64) {
            return None;
        }
        let inode = Inode {
            number: self.u32(node, 12),
            version: self.u32(node, 16),
            size: self.u32(node, 28),
            offset: self.u32(node, 44),
            packed: self.u32(node, 48),
            unpacked: self.u32(node, 52),
            method: node[56],
            crc: self.u32(node, 60),
        };
        let fits = inode.packed as usize <= node.len() - 68
            && inode.unpacked <= 1 << 20
            && inode.offset.checked_add(inode.unpacked).is_some();
        fits.then_some(inode)
    }

    /// A directory entry; none where its checksums do not hold.
    pub(super) fn dent(self, node: &[u8]) -> Option<Dent> {
        let name = node.get(40..40 + usize::from(*node.get(28)?))?;
        if crc_zero(&node[..32]) != self.u32(node, 32) || crc_zero(name) != self.u32(node, 36) {
            return None;
        }
        Some(Dent {
            parent: self.u32(node, 12),
            version: self.u32(node, 16),
            inode: self.u32(node, 20),
            name: name.to_vec(),
        })
    }

    /// The name and value of an extended attribute, as offset and length in the node.
    pub(super) fn attribute(self, node: &[u8]) -> Option<(usize, usize)> {
        if node.len() < 32 || crc_zero(&node[..28]) != self.u32(node, 28) {
            return None;
        }
        let len = usize::from(node[21]) + 1 + usize::from(self.u16(node, 22));
        let data = node.get(32..32 + len)?;
        (crc_zero(data) == self.u32(node, 24)).then_some((32, len))
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Dent,
    Inode,
    CleanMarker,
    Padding,
    Summary,
    Attribute,
    Reference,
    /// Of a later version of the file system.
    Other,
}

impl Kind {
    fn of(n: u16) -> Self {
        match n {
            0xE001 => Kind::Dent,
            0xE002 => Kind::Inode,
            0x2003 => Kind::CleanMarker,
            0x2004 => Kind::Padding,
            0x2006 => Kind::Summary,
            0xE008 => Kind::Attribute,
            0xE009 => Kind::Reference,
            _ => Kind::Other,
        }
    }
}

/// The header that every node begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Marked as obsolete.
    pub(super) marked: bool,
    pub(super) len: u64,
}

/// A piece of a file and what was known of the file then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inode {
    pub(super) number: u32,
    pub(super) version: u32,
    pub(super) size: u32,
    pub(super) offset: u32,
    pub(super) packed: u32,
    pub(super) unpacked: u32,
    pub(super) method: u8,
    pub(super) crc: u32,
}

/// A name in a directory; of inode zero where the name was deleted.
#[derive(Clone, Debug)]
pub(super) struct Dent {
    pub(super) parent: u32,
    pub(super) version: u32,
    pub(super) inode: u32,
    pub(super) name: Vec<u8>,
}

/// How content is compressed.
pub(super) fn method(n: u8) -> Method {
    match n {
        0 | 4 => Method::Stored,
        1 => Method::Zero,
        2 => Method::Rtime,
        6 => Method::Zlib,
        7 => Method::Lzo,
        8 => Method::Lzma,
        _ => Method::Unknown,
    }
}
