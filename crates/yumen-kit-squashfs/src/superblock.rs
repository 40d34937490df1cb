//! The superblock of every version.

use crate::order::Order;

/// How blocks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Gzip,
    Lzma,
    Lzo,
    Xz,
    Lz4,
    Zstd,
    /// A number that nothing is known of: what the block begins with decides.
    Unknown,
}

/// Where no table is.
pub(crate) const NONE: u64 = u64::MAX;
/// The longest block.
pub(crate) const MAX_BLOCK: u64 = 1 << 20;

const MAGICS: [&[u8; 4]; 7] = [b"hsqs", b"sqsh", b"shsq", b"qshs", b"tqsh", b"hsqt", b"sqlz"];

/// What the superblock says. Offsets count from it.
#[derive(Clone, Debug)]
pub(crate) struct Super {
    pub(crate) order: Order,
    pub(crate) version: u16,
    pub(crate) method: Method,
    pub(crate) block_size: u64,
    pub(crate) inodes: u32,
    pub(crate) fragments: u32,
    pub(crate) ids: u32,
    pub(crate) groups: u32,
    /// Metadata blocks have a byte behind their length.
    pub(crate) checked: bool,
    /// A metadata block with options of the compressor follows.
    pub(crate) options: bool,
    pub(crate) root: u64,
    pub(crate) used: u64,
    pub(crate) inode_table: u64,
    pub(crate) directory_table: u64,
    pub(crate) fragment_table: u64,
    pub(crate) export_table: u64,
    pub(crate) id_table: u64,
    pub(crate) group_table: u64,
    pub(crate) xattr_table: u64,
    pub(crate) len: u64,
}

/// The longest superblock.
pub(crate) const LONGEST: usize = 119;

impl Super {
    /// Reads a superblock, unless its fields rule squashfs out.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let magic: &[u8; 4] = bytes.first_chunk()?;
        if !MAGICS.contains(&magic) {
            return None;
        }
        // Vendors turned the magic around as they liked; the version tells the byte order.
        let order = [Order::Little, Order::Big].into_iter().find(|o| (1..=4).contains(&o.u16(bytes, 28)))?;
        let version = order.u16(bytes, 28);
        if order.u16(bytes, 30) > 9 {
            return None;
        }
        let found = if version == 4 { Super::four(bytes, order)? } else { Super::older(bytes, order, version)? };
        let sane = found.block_size.is_power_of_two()
            && (512..=MAX_BLOCK).contains(&found.block_size)
            && found.used >= found.len
            && found.inode_table >= found.len
            && found.inode_table < found.used;
        sane.then_some(found)
    }

    fn four(bytes: &[u8], order: Order) -> Option<Self> {
        if bytes.len() < 96 {
            return None;
        }
        let word = |at| order.u16(bytes, at);
        let long = |at| order.u32(bytes, at);
        let table = |at| order.u64(bytes, at);
        let method = match word(20) {
            1 => Method::Gzip,
            2 => Method::Lzma,
            3 => Method::Lzo,
            4 => Method::Xz,
            5 => Method::Lz4,
            6 => Method::Zstd,
            _ => Method::Unknown,
        };
        // The length of a block stands there twice; one of them may be broken.
        let (size, log) = (u64::from(long(12)), u32::from(word(22)));
        let from_log = if log <= 20 { 1u64 << log } else { 0 };
        let plausible = |n: u64| n.is_power_of_two() && (4096..=MAX_BLOCK).contains(&n);
        let block_size = if plausible(size) { size } else { from_log };
        if size != from_log && (method == Method::Unknown || !plausible(block_size)) {
            return None;
        }
        Some(Super {
            order,
            version: 4,
            method,
            block_size,
            inodes: long(4),
            fragments: long(16),
            ids: u32::from(word(26)),
            groups: 0,
            checked: false,
            options: word(24) & 0x400 != 0,
            root: table(32),
            used: table(40),
            id_table: table(48),
            group_table: NONE,
            xattr_table: table(56),
            inode_table: table(64),
            directory_table: table(72),
            fragment_table: table(80),
            export_table: table(88),
            len: 96,
        })
    }

    fn older(bytes: &[u8], order: Order, version: u16) -> Option<Self> {
        let long = |at| order.u32(bytes, at);
        let flags = *bytes.get(36)?;
        let log = order.u16(bytes, 34);
        let len = match version {
            3 => 119,
            2 => 63,
            _ => 51,
        };
        if bytes.len() < len {
            return None;
        }
        let block_size = if version == 1 { u64::from(order.u16(bytes, 32)) } else { u64::from(long(51)) };
        if !(9..=20).contains(&log) || block_size != 1 << log {
            return None;
        }
        let table = |wide: usize, narrow: usize| {
            if version == 3 { order.u64(bytes, wide) } else { u64::from(long(narrow)) }
        };
        Some(Super {
            order,
            version,
            method: Method::Gzip,
            block_size,
            inodes: long(4),
            fragments: if version == 1 { 0 } else { long(55) },
            ids: u32::from(*bytes.get(37)?),
            groups: u32::from(*bytes.get(38)?),
            checked: flags & 4 != 0,
            options: false,
            root: order.u64(bytes, 43),
            used: table(63, 8),
            id_table: table(71, 12),
            group_table: table(79, 16),
            xattr_table: NONE,
            inode_table: table(87, 20),
            directory_table: table(95, 24),
            fragment_table: if version == 1 { NONE } else { table(103, 59) },
            // Version 3.0 had the field, and nothing in it.
            export_table: if version == 3 && flags & 0x80 != 0 { order.u64(bytes, 111) } else { NONE },
            len: len as u64,
        })
    }
}
