//! The superblock.

use yumen_kit_container::window::num::{le16, le32, le64};

/// Where it stands.
pub(super) const AT: u64 = 1024;

const MAGIC: u32 = 0xE0F5_E1E2;

/// Checksum of the superblock's block.
pub(super) const COMPAT_CHECKSUM: u32 = 1;
/// Long name prefixes stand in plain metadata.
const COMPAT_PLAIN_PREFIXES: u32 = 0x10;
const INCOMPAT_ZERO_PADDING: u32 = 0x1;
const INCOMPAT_BIG_OR_CONFIGS: u32 = 0x2;
const INCOMPAT_DEVICES: u32 = 0x8;
const INCOMPAT_TAIL_PACKING: u32 = 0x10;
const INCOMPAT_FRAGMENTS: u32 = 0x20;
const INCOMPAT_PREFIXES: u32 = 0x40;
const INCOMPAT_48_BIT: u32 = 0x80;
const INCOMPAT_METABOX: u32 = 0x100;

/// What the superblock says.
#[derive(Clone, Debug)]
pub(super) struct Super {
    pub(super) checksum: u32,
    pub(super) compat: u32,
    incompat: u32,
    /// Logarithm of the block's length.
    pub(super) block_bits: u32,
    pub(super) root: u64,
    pub(super) blocks: u64,
    /// Time of inodes that have none of their own.
    pub(super) epoch: u64,
    /// First byte of the area that inode numbers count in.
    pub(super) meta: u64,
    /// First byte of the shared attributes.
    pub(super) xattrs: u64,
    pub(super) prefixes: u8,
    /// Where the long prefixes stand.
    pub(super) prefix_start: u64,
    /// The inode of what several files share.
    pub(super) packed: u64,
    pub(super) algorithms: u16,
    devices: u16,
    device_slot: u16,
    pub(super) directory_bits: u32,
    pub(super) len: u64,
}

impl Super {
    /// Reads a superblock, unless its fields rule EROFS out.
    pub(super) fn parse(b: &[u8]) -> Option<Self> {
        if b.len() < 128 || le32(b, 0) != MAGIC {
            return None;
        }
        let incompat = le32(b, 80);
        let block_bits = u32::from(*b.get(12)?);
        if !(9..=16).contains(&block_bits) {
            return None;
        }
        let wide = incompat & INCOMPAT_48_BIT != 0;
        let (mut root, mut blocks) = (u64::from(le16(b, 14)), u64::from(le32(b, 36)));
        if wide && le64(b, 112) != 0 {
            blocks |= root << 32;
            root = le64(b, 112);
        }
        Some(Super {
            checksum: le32(b, 4),
            compat: le32(b, 8),
            incompat,
            block_bits,
            root,
            blocks,
            epoch: le64(b, 24),
            meta: u64::from(le32(b, 40)) << block_bits,
            xattrs: u64::from(le32(b, 44)) << block_bits,
            prefixes: *b.get(91)?,
            prefix_start: u64::from(le32(b, 92)) << 2,
            packed: le64(b, 96),
            algorithms: le16(b, 84),
            devices: le16(b, 86),
            device_slot: le16(b, 88),
            directory_bits: block_bits + u32::from(*b.get(90)?).min(8),
            len: 128 + 16 * u64::from(*b.get(13)?),
        })
    }

    pub(super) fn block(&self) -> u64 {
        1 << self.block_bits
    }

    pub(super) fn zero_padding(&self) -> bool {
        self.incompat & INCOMPAT_ZERO_PADDING != 0
    }

    /// Whether the algorithms' settings follow the superblock.
    pub(super) fn has_configs(&self) -> bool {
        self.incompat & INCOMPAT_BIG_OR_CONFIGS != 0
    }

    /// Whether compressed inodes have headers that say anything.
    pub(super) fn has_headers(&self) -> bool {
        self.incompat & (INCOMPAT_BIG_OR_CONFIGS | INCOMPAT_TAIL_PACKING | INCOMPAT_FRAGMENTS | INCOMPAT_48_BIT) != 0
    }

    pub(super) fn has_fragments(&self) -> bool {
        self.incompat & INCOMPAT_FRAGMENTS != 0 && self.packed != 0
    }

    pub(super) fn has_prefixes(&self) -> bool {
        self.incompat & INCOMPAT_PREFIXES != 0
    }

    /// Whether long prefixes stand in the shared inode.
    pub(super) fn prefixes_are_packed(&self) -> bool {
        self.has_fragments() && self.compat & COMPAT_PLAIN_PREFIXES == 0
    }

    pub(super) fn is_wide(&self) -> bool {
        self.incompat & INCOMPAT_48_BIT != 0
    }

    pub(super) fn has_metabox(&self) -> bool {
        self.incompat & INCOMPAT_METABOX != 0
    }

    /// Where the table of other devices stands, if there is one.
    pub(super) fn device_table(&self) -> Option<std::ops::Range<u64>> {
        let some = self.incompat & INCOMPAT_DEVICES != 0 && self.devices > 0;
        let start = u64::from(self.device_slot) * 128;
        some.then(|| start..start + u64::from(self.devices) * 128)
    }

    /// Features that nothing is known of.
    pub(super) fn unknown(&self) -> bool {
        self.incompat & !0x1ff != 0
    }
}

/// CRC-32C without the final inversion, as EROFS stores it.
pub(super) fn crc32c(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0x82F6_3B78 } else { c >> 1 })
    })
}
