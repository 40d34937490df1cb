//! The superblock: geometry and features.

use yumen_kit_container::window::num::{le16, le32};
use yumen_model::Blob;

pub(super) const COMPAT_SPARSE_SUPER2: u32 = 0x200;
pub(super) const FILETYPE: u32 = 0x2;
pub(super) const RECOVER: u32 = 0x4;
pub(super) const JOURNAL_DEVICE: u32 = 0x8;
pub(super) const META_BG: u32 = 0x10;
pub(super) const BITS64: u32 = 0x80;
pub(super) const MMP: u32 = 0x100;
pub(super) const RO_SPARSE_SUPER: u32 = 0x1;
pub(super) const RO_GDT_CSUM: u32 = 0x10;
pub(super) const RO_BIGALLOC: u32 = 0x200;
pub(super) const RO_METADATA_CSUM: u32 = 0x400;

/// What the superblock says.
#[derive(Clone, Debug)]
pub(super) struct Super {
    pub(super) block: u64,
    pub(super) blocks: u64,
    pub(super) inodes: u32,
    pub(super) inodes_per_group: u32,
    pub(super) blocks_per_group: u32,
    pub(super) clusters_per_group: u32,
    pub(super) first_data_block: u32,
    pub(super) inode_size: u64,
    pub(super) first_inode: u32,
    pub(super) desc_size: u64,
    pub(super) first_meta_bg: u32,
    pub(super) backup_groups: [u32; 2],
    pub(super) compat: u32,
    pub(super) incompat: u32,
    pub(super) ro_compat: u32,
    pub(super) journal_inode: u32,
    /// Inodes that hold quotas, the orphan file and their like.
    pub(super) special: [u32; 4],
}

impl Super {
    /// The fields that a superblock that is cut short still shows.
    pub(super) fn looks_like(b: &[u8]) -> bool {
        le16(b, 0x38) == 0xEF53
            && le32(b, 0x18) <= 6
            && le32(b, 0) > 0
            && le32(b, 4) > 0
            && le32(b, 0x20) > 0
            && le32(b, 0x28) > 0
            && le32(b, 0x14) <= 1
            && le16(b, 0x3A) <= 0xF
            && le32(b, 0x4C) <= 1
            && le32(b, 0x48) <= 5
    }

    /// Parses and checks. `len` is the length of the artifact.
    pub(super) fn parse(b: &[u8], len: u64) -> Option<Super> {
        if b.len() < 1024 || !Super::looks_like(b) {
            return None;
        }
        let dynamic = le32(b, 0x4C) >= 1;
        let block = 1024u64 << le32(b, 0x18);
        let (compat, incompat, ro_compat) =
            if dynamic { (le32(b, 0x5C), le32(b, 0x60), le32(b, 0x64)) } else { (0, 0, 0) };
        let high = if incompat & BITS64 != 0 { u64::from(le32(b, 0x150)) } else { 0 };
        let inode_size = if dynamic { u64::from(le16(b, 0x58)) } else { 128 };
        let desc_size = match u64::from(le16(b, 0xFE)) {
            n if incompat & BITS64 != 0 && (64..=1024).contains(&n) && n.is_power_of_two() => n,
            _ => 32,
        };
        let sb = Super {
            block,
            blocks: u64::from(le32(b, 4)) | high << 32,
            inodes: le32(b, 0),
            inodes_per_group: le32(b, 0x28),
            blocks_per_group: le32(b, 0x20),
            clusters_per_group: le32(b, 0x24),
            first_data_block: le32(b, 0x14),
            inode_size,
            first_inode: if dynamic { le32(b, 0x54) } else { 11 },
            desc_size,
            first_meta_bg: le32(b, 0x104),
            backup_groups: [le32(b, 0x24C), le32(b, 0x250)],
            compat,
            incompat,
            ro_compat,
            journal_inode: if compat & 4 != 0 { le32(b, 0xE0) } else { 0 },
            special: [le32(b, 0x240), le32(b, 0x244), le32(b, 0x26C), le32(b, 0x280)],
        };
        let bits = block * 8;
        let sane = inode_size.is_power_of_two()
            && (128..=block).contains(&inode_size)
            && u64::from(sb.clusters_per_group) <= bits
            && (u64::from(sb.blocks_per_group) <= bits || ro_compat & RO_BIGALLOC != 0)
            && u64::from(sb.inodes_per_group) <= bits
            && sb.blocks > u64::from(sb.first_data_block)
            && sb.blocks.checked_mul(block).is_some_and(|n| n >> 60 == 0)
            && len >= 2048;
        (sane || sb.is_journal_device()).then_some(sb)
    }

    pub(super) fn is_journal_device(&self) -> bool {
        self.incompat & JOURNAL_DEVICE != 0
    }

    /// Bytes of the file system.
    pub(super) fn len(&self) -> u64 {
        self.blocks.saturating_mul(self.block)
    }

    pub(super) fn groups(&self) -> u64 {
        (self.blocks - u64::from(self.first_data_block)).div_ceil(u64::from(self.blocks_per_group))
    }

    /// First block of a group.
    pub(super) fn group_start(&self, group: u64) -> u64 {
        u64::from(self.first_data_block) + group * u64::from(self.blocks_per_group)
    }

    /// Whether a group begins with a copy of the superblock.
    pub(super) fn has_super(&self, group: u64) -> bool {
        let power_of = |base: u64| {
            let mut n = base;
            while n < group {
                n *= base;
            }
            n == group
        };
        if group == 0 {
            true
        } else if self.compat & COMPAT_SPARSE_SUPER2 != 0 {
            self.backup_groups.iter().any(|&g| u64::from(g) == group)
        } else if self.ro_compat & RO_SPARSE_SUPER != 0 {
            group == 1 || power_of(3) || power_of(5) || power_of(7)
        } else {
            true
        }
    }

    /// Descriptors in one block.
    pub(super) fn descs_per_block(&self) -> u64 {
        self.block / self.desc_size
    }

    /// The block that holds the `index`th block of group descriptors.
    pub(super) fn desc_block(&self, index: u64) -> u64 {
        // The first superblock is at byte 1024, whatever the block size.
        let first = 1024 / self.block + 1;
        if self.incompat & META_BG == 0 || index < u64::from(self.first_meta_bg) {
            return first + index;
        }
        let group = index * self.descs_per_block();
        let shifted = u64::from(group == 0 && self.block == 1024 && self.first_data_block == 0);
        self.group_start(group) + u64::from(self.has_super(group)) + shifted
    }

    /// Whether the group descriptors' flags count.
    pub(super) fn has_flags(&self) -> bool {
        self.ro_compat & (RO_GDT_CSUM | RO_METADATA_CSUM) != 0
    }

    /// Whether the stored checksum speaks against the superblock.
    pub(super) fn checksum_differs(&self, bytes: &[u8; 1024]) -> bool {
        self.ro_compat & RO_METADATA_CSUM != 0 && crc32c(!0, &bytes[..1020]) != le32(bytes, 1020)
    }
}

/// A copy of the superblock where mke2fs puts the first one, for images whose own is destroyed.
pub(super) fn backup(blob: &Blob) -> Option<(u64, Super)> {
    for (block, at) in [(1024, 8193 * 1024u64), (2048, 16384 * 2048), (4096, 32768 * 4096), (65536, 65528 * 65536)] {
        if at + 1024 > blob.len() {
            continue;
        }
        let Ok(bytes) = blob.bytes(at..at + 1024) else { continue };
        if let Some(sb) = Super::parse(&bytes, blob.len())
            && sb.block == block
            && le16(&bytes, 0x5A) == 1
            && sb.group_start(1) * block == at
        {
            return Some((at, sb));
        }
    }
    None
}

/// CRC-32C without the final inversion, as ext4 stores it.
fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(seed, |crc, &b| {
        (0..8).fold(crc ^ u32::from(b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0x82F6_3B78 } else { c >> 1 })
    })
}
