//! The headers of UBI: all numbers big-endian, each header with a checksum of its own.

use yumen_kit_container::window::num::{be16, be32, be64};

use crate::flash::crc_ones;

/// Magic of an erase counter header.
pub(crate) const EC: &[u8] = b"UBI#";
/// Magic of a volume identifier header.
pub(crate) const VID: &[u8] = b"UBI!";

/// Number of the volume that holds the volume table.
pub(super) const LAYOUT_VOLUME: u32 = 0x7FFF_EFFF;
/// Volumes of the fastmap.
pub(super) const FASTMAP: [u32; 2] = [LAYOUT_VOLUME + 1, LAYOUT_VOLUME + 2];
/// Largest number of ordinary volumes.
pub(super) const MAX_VOLUMES: u32 = 128;
/// Length of a record of the volume table.
pub(super) const RECORD: usize = 172;

/// Erase counter header: the first thing in an erase block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ec {
    /// Where the volume identifier header stands in the block.
    pub(crate) vid_at: u32,
    /// Where data begins.
    pub(crate) data_at: u32,
    /// Number of the image, zero where it has none.
    pub(crate) image: u32,
}

fn checked(bytes: &[u8], magic: &[u8]) -> Option<[u8; 64]> {
    let header: [u8; 64] = bytes.get(..64)?.try_into().ok()?;
    (header.starts_with(magic) && header[4] == 1 && crc_ones(&header[..60]) == be32(&header, 60)).then_some(header)
}

impl Ec {
    /// The header, if its checksum holds.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let h = checked(bytes, EC)?;
        let ec = Ec { vid_at: be32(&h, 16), data_at: be32(&h, 20), image: be32(&h, 24) };
        let sound = ec.vid_at >= 64 && ec.data_at >= ec.vid_at.checked_add(64)? && ec.data_at <= 1 << 24;
        sound.then_some(ec)
    }

    /// Whether the block may belong to an image of this number.
    pub(super) fn of_image(&self, image: u32) -> bool {
        self.image == image || self.image == 0 || image == 0
    }
}

/// Volume identifier header: which logical block of which volume this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vid {
    pub(crate) fixed: bool,
    pub(crate) copy: bool,
    pub(crate) volume: u32,
    pub(crate) number: u32,
    pub(crate) data_size: u32,
    pub(crate) used_blocks: u32,
    pub(crate) data_pad: u32,
    pub(crate) data_crc: u32,
    pub(crate) sequence: u64,
}

impl Vid {
    /// The header, if its checksum holds.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let h = checked(bytes, VID)?;
        Some(Vid {
            fixed: h[5] == 2,
            copy: h[6] != 0,
            volume: be32(&h, 8),
            number: be32(&h, 12),
            data_size: be32(&h, 20),
            used_blocks: be32(&h, 24),
            data_pad: be32(&h, 28),
            data_crc: be32(&h, 32),
            sequence: be64(&h, 40),
        })
    }
}

/// A record of the volume table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) reserved: u32,
    pub(super) fixed: bool,
    /// An update of the volume was begun and not ended.
    pub(super) updating: bool,
    pub(super) name: Vec<u8>,
}

impl Record {
    /// The record, if its checksum holds and it is in use.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let r = bytes.get(..RECORD)?;
        if crc_ones(&r[..168]) != be32(r, 168) {
            return None;
        }
        let reserved = be32(r, 0);
        let len = usize::from(be16(r, 14));
        if reserved == 0 || len > 127 {
            return None;
        }
        let name = r[16..16 + len].to_vec();
        Some(Record { reserved, fixed: r[12] == 2, updating: r[13] != 0, name })
    }
}
