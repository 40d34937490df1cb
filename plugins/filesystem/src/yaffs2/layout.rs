//! Pages, tags and object headers, and which layout an image has.

use yumen_kit_container::Window;
use yumen_kit_container::window::num::{be16, be32, le16, le32};
use yumen_model::Blob;

/// Length of an object header.
pub(super) const HEADER: usize = 512;
/// Where a link's target stands in a header, and how long it may be.
pub(super) const ALIAS: (usize, usize) = (300, 160);
/// Pages and spare areas, in bytes.
const PAGES: [(u64, &[u64]); 5] = [
    (2048, &[64, 128, 112]),
    (4096, &[128, 224, 256, 208, 216, 218, 232, 64]),
    (8192, &[256, 448, 512, 436, 640, 744, 1024]),
    (16384, &[512, 1024, 1280, 1216]),
    (1024, &[32, 64]),
];
/// Where tags stand in the spare area: at its start, or behind the mark of bad blocks.
const TAGS_AT: [u64; 5] = [0, 2, 1, 4, 8];
/// Pages that are looked at.
const TRIED: u64 = 48;
/// Sequence numbers of blocks are less than this.
const HIGHEST_SEQUENCE: u32 = 0xEFFF_FF00;
/// Blocks of the checkpoint have this sequence number.
const CHECKPOINT: u32 = 0x21;
/// Set in the chunk number of a header whose tags hold more.
const EXTRA: u32 = 0x8000_0000;

/// What a page is, as its tags say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) sequence: u32,
    pub(super) object: u32,
    /// Zero for a header, else which piece of the file, from 1.
    pub(super) chunk: u32,
    pub(super) bytes: u32,
}

/// How pages and tags lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) page: u64,
    pub(super) spare: u64,
    tags_at: u64,
    big: bool,
    /// The tags of YAFFS1, spread over the spare area.
    first: bool,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    File,
    Symlink,
    Directory,
    HardLink,
    Special,
}

/// What a header tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) kind: Type,
    pub(super) parent: u32,
    pub(super) name: Vec<u8>,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mtime: u32,
    pub(super) size: u64,
}

impl Layout {
    fn u32(self, bytes: &[u8], at: usize) -> u32 {
        if self.big { be32(bytes, at) } else { le32(bytes, at) }
    }

    /// Length of a page with its spare area.
    pub(super) fn step(self) -> u64 {
        self.page + self.spare
    }

    /// The part of the spare area that holds tags and their error correction.
    pub(super) fn tags(self) -> (u64, u64) {
        if self.first { (0, self.spare) } else { (self.tags_at, (self.tags_at + 28).min(self.spare)) }
    }

    /// The tags in a spare area; none where it is erased or they make no sense.
    pub(super) fn parse(self, spare: &[u8]) -> Option<Tags> {
        if self.first {
            let &[a, b, c, d, status, _, e, f, _, _, _, g, h, ..] = spare else { return None };
            let (low, high) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
            // Pages that were deleted have zeros in their status.
            let tags = Tags { sequence: 0x1000, object: high & 0x3_FFFF, chunk: low & 0xF_FFFF, bytes: low >> 22 };
            return (low != u32::MAX && status.count_zeros() < 2 && tags.object > 0).then_some(tags);
        }
        let tags = spare.get(usize::try_from(self.tags_at).ok()?..)?.get(..16)?;
        let (sequence, object, chunk, bytes) =
            (self.u32(tags, 0), self.u32(tags, 4), self.u32(tags, 8), self.u32(tags, 12));
        if sequence == 0 || sequence >= HIGHEST_SEQUENCE || sequence == CHECKPOINT {
            return None;
        }
        let tags = if chunk & EXTRA != 0 {
            Tags { sequence, object: object & 0x0FFF_FFFF, chunk: 0, bytes: 0 }
        } else {
            Tags { sequence, object, chunk, bytes }
        };
        let sound = tags.object > 0
            && tags.object < 1 << 28
            && (tags.chunk == 0 || u64::from(bytes) <= self.page)
            && tags.chunk < 1 << 28;
        sound.then_some(tags)
    }

    /// The object header that a page begins with.
    pub(super) fn object(self, page: &[u8]) -> Option<Object> {
        let h = page.get(..HEADER)?;
        let kind = match self.u32(h, 0) {
            1 => Type::File,
            2 => Type::Symlink,
            3 => Type::Directory,
            4 => Type::HardLink,
            5 => Type::Special,
            _ => return None,
        };
        let parent = self.u32(h, 4);
        let sum = if self.big { be16(h, 8) } else { le16(h, 8) };
        let len = h[10..266].iter().position(|&b| b == 0)?;
        let name = h[10..10 + len].to_vec();
        if parent == 0
            || parent >= 1 << 28
            || !(sum == 0xFFFF || sum == 0)
            || name.contains(&b'/')
            || name.iter().any(|&b| b < 0x20)
        {
            return None;
        }
        let (low, high) = (self.u32(h, 292), self.u32(h, 496));
        let size = if kind != Type::File || low == u32::MAX && high == u32::MAX {
            0
        } else {
            u64::from(low) | if high == u32::MAX { 0 } else { u64::from(high) << 32 }
        };
        let (mode, uid, gid, mtime) = (self.u32(h, 268), self.u32(h, 272), self.u32(h, 276), self.u32(h, 284));
        Some(Object { kind, parent, name, mode, uid, gid, mtime, size })
    }

    /// The layout in which the first pages and their tags agree.
    pub(super) fn find(blob: &Blob, head: &[u8]) -> Option<Layout> {
        let big = match head {
            [0, 0, 0, 1..=5, ..] => true,
            [1..=5, 0, 0, 0, ..] => false,
            _ => return None,
        };
        let first = Layout { page: 512, spare: 16, tags_at: 0, big, first: true };
        first.object(head)?;
        let mut window = Window::new(blob);
        let all = PAGES.iter().flat_map(|&(page, spares)| {
            spares
                .iter()
                .flat_map(move |&spare| TAGS_AT.map(|tags_at| Layout { page, spare, tags_at, big, first: false }))
        });
        let small = [0, 2].map(|tags_at| Layout { page: 512, spare: 16, tags_at, big, first: false });
        all.chain([first]).chain(small.into_iter().filter(|l| l.tags_at == 0)).find(|l| l.fits(&mut window, blob.len()))
    }

    /// Whether the first page is a header, and more pages agree with their tags, none of them against it.
    fn fits(self, window: &mut Window<'_>, len: u64) -> bool {
        let (mut agree, mut differ) = (0u32, 0u32);
        for i in 0..TRIED {
            let at = i * self.step();
            if at + self.step() > len {
                break;
            }
            let Ok(spare) = window.get(at + self.page, usize::try_from(self.spare).unwrap_or(0)) else { return false };
            let erased = spare.iter().all(|&b| b == 0xFF);
            let tags = self.parse(spare);
            let Ok(page) = window.get(at, HEADER) else { return false };
            let object = self.object(page);
            match (tags, object) {
                (Some(t), Some(o)) if t.chunk == 0 && (o.parent != t.object || t.object == 1) => agree += 1,
                // A piece of a file, not of the root.
                (Some(t), _) if t.chunk > 0 && t.object > 1 && t.bytes > 0 && i > 0 => agree += 1,
                (None, None) if erased && page.iter().all(|&b| b == 0xFF) => {}
                _ if i == 0 => return false,
                _ => differ += 1,
            }
        }
        agree >= 2 && differ * 4 <= agree
    }
}
