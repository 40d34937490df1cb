//! VirtualBox (VDI) and Microsoft (VHD) disk images: the guest's disk as extents of the image. VMDK and VHDX are recognised.
//!
//! Source: VirtualBox VDICore.h as documented in the VDI format notes; Microsoft Virtual Hard Disk Image Format Specification 1.0; VMware Virtual Disk
//! Format 5.0; MS-VHDX.

use yumen_kit_container::window::num::{be32, be64, le32, le64};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Extent, Format, Identity, InspectError, Inspection, Probe, Reason,
};

use crate::qcow2::disk_name;
use crate::space::Space;

/// Reads VDI and VHD images.
pub(crate) struct VirtualDisk;

const FORMATS: &[Format] = &[
    Format {
        name: "vdi",
        title: "VirtualBox disk image",
        media_type: "application/x-virtualbox-vdi",
        extensions: &["vdi"],
        magic: "BEDA107F at byte 64 and version 1",
        reference: "VirtualBox VDICore.h",
        evidence: "the guest's disk as a child; blocks out of use under `[unallocated]`",
        limitations: &["of a differencing image what its parent holds reads as zeros"],
    },
    Format {
        name: "vhd",
        title: "Microsoft virtual hard disk",
        media_type: "application/x-virtualbox-vhd",
        extensions: &["vhd"],
        magic: "`conectix` in the last sector, with a checksum that fits, or in the first",
        reference: "Microsoft Virtual Hard Disk Image Format Specification 1.0",
        evidence: "the guest's disk as a child; blocks out of use under `[unallocated]`",
        limitations: &["of a differencing image what its parent holds reads as zeros"],
    },
    Format {
        name: "vmdk",
        title: "VMware disk image",
        media_type: "application/x-virtualbox-vmdk",
        extensions: &[],
        magic: "`KDMV` or `COWD` and a version",
        reference: "VMware Virtual Disk Format 5.0",
        evidence: "nothing but its name",
        limitations: &["recognised and not opened: all of its bytes are opaque (unsupported)"],
    },
    Format {
        name: "vhdx",
        title: "Microsoft virtual hard disk, version 2",
        media_type: "application/x-virtualbox-vhdx",
        extensions: &["vhdx"],
        magic: "`vhdxfile`",
        reference: "MS-VHDX",
        evidence: "nothing but its name",
        limitations: &["recognised and not opened: all of its bytes are opaque (unsupported)"],
    },
];

/// Most blocks of a disk.
const MAX_BLOCKS: u32 = 1 << 22;

fn footer_fits(b: &[u8]) -> bool {
    b.len() == 512 && b.starts_with(b"conectix") && {
        let sum = b.iter().enumerate().filter(|(i, _)| !(64..68).contains(i)).map(|(_, &x)| u32::from(x)).sum::<u32>();
        !sum == be32(b, 64)
    }
}

impl FormatReader for VirtualDisk {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let h = probe.head;
        let name = if h.len() >= 512 && le32(h, 64) == 0xBEDA_107F && le32(h, 68) >> 16 == 1 {
            "vdi"
        } else if h.starts_with(b"vhdxfile") {
            "vhdx"
        } else if h.len() >= 512 && (h.starts_with(b"KDMV") || h.starts_with(b"COWD")) && (1..=3).contains(&le32(h, 4))
        {
            "vmdk"
        } else if probe.tail.len() >= 512 && footer_fits(&probe.tail[probe.tail.len() - 512..])
            || h.len() >= 512 && footer_fits(&h[..512])
        {
            "vhd"
        } else {
            return None;
        };
        // A fixed disk has its partition table at the start.
        Some(Identity::new(name, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = disk_name(artifact, &format!(".{}", artifact.format));
        let mut to = Container::new(artifact, out);
        let result = match artifact.format {
            "vdi" => vdi(&mut to, &name),
            "vhd" => vhd(&mut to, &name),
            _ => {
                let len = to.len();
                to.tell("unsupported-method");
                to.opaque(0..len, Reason::Unsupported)
            }
        };
        to.finish(result)
    }
}

/// Gathers the blocks of a disk.
struct Disk {
    extents: Vec<Extent>,
    space: Space,
    size: u64,
    at: u64,
    whole: bool,
}

impl Disk {
    fn new(size: u64, space: Space) -> Self {
        Disk { extents: Vec::new(), space, size, at: 0, whole: true }
    }

    /// The next block: at a place of the image, or a hole.
    fn block(&mut self, place: Option<u64>, block: u64, len: u64) {
        let n = block.min(self.size - self.at);
        self.at += n;
        let mut hole = n;
        if let Some(start) = place {
            let start = start.min(len);
            let end = start.saturating_add(n).min(len);
            if end > start {
                hole = n - (end - start);
                self.space.claim(start..end);
                match self.extents.last_mut() {
                    Some(Extent::Data { offset, len }) if *offset + *len == start => *len += end - start,
                    _ => self.extents.push(Extent::of(start..end)),
                }
            }
            self.whole &= hole == 0;
        }
        match self.extents.last_mut() {
            _ if hole == 0 => {}
            Some(Extent::Zero { len }) => *len += hole,
            _ => self.extents.push(Extent::Zero { len: hole }),
        }
    }

    fn finish(mut self, to: &mut Container<'_>, name: &str) -> Result<(), InspectError> {
        if self.at < self.size {
            self.whole = false;
        }
        if !self.whole {
            to.tell("incomplete-child");
        }
        to.hand_over(ChildMeta::named(name.as_bytes()), std::mem::take(&mut self.extents))?;
        let len = to.len();
        self.space.gaps(0..len).try_for_each(|gap| to.unallocated(gap))
    }
}

fn vdi(to: &mut Container<'_>, name: &str) -> Result<(), InspectError> {
    let Some(b) = to.window.array::<512>(0)? else {
        return Err(InspectError::corrupt(0, "the header is cut short"));
    };
    let (map_at, data_at) = (u64::from(le32(&b, 340)), u64::from(le32(&b, 344)));
    let (size, block, extra) = (le64(&b, 368), u64::from(le32(&b, 376)), u64::from(le32(&b, 380)));
    let count = le32(&b, 384);
    if block < 512 || count > MAX_BLOCKS || size > u64::from(count) * block || map_at < 512 {
        return Err(InspectError::corrupt(340, "the header is broken"));
    }
    let mut space = Space::default();
    for range in [0..84, 336..472, map_at..map_at + u64::from(count) * 4] {
        space.claim(range.clone());
        to.container(range)?;
    }
    // A comment of up to 256 bytes.
    space.claim(84..340);
    to.container(84..340)?;
    let text = b[84..340].iter().position(|&c| c == 0).unwrap_or(256) as u64;
    to.comment(84..84 + text)?;
    if le32(&b, 76) == 4 {
        to.tell("backing-file");
    }
    let mut disk = Disk::new(size, space);
    let len = to.len();
    for i in 0..u64::from(count) {
        if disk.at >= size {
            break;
        }
        let place = match to.window.array::<4>(map_at + i * 4)?.map(u32::from_le_bytes) {
            None | Some(0xFFFF_FFFE | 0xFFFF_FFFF) => None,
            Some(n) => Some(data_at + u64::from(n) * (block + extra) + extra),
        };
        disk.block(place, block, len);
    }
    disk.finish(to, name)
}

fn vhd(to: &mut Container<'_>, name: &str) -> Result<(), InspectError> {
    let len = to.len();
    let footer_at = len.saturating_sub(512);
    let mut space = Space::default();
    let tail = to.window.get(footer_at, 512)?.to_vec();
    let head = to.window.get(0, 512)?.to_vec();
    let footer = if footer_fits(&tail) {
        space.claim(footer_at..len);
        to.container(footer_at..len)?;
        tail
    } else if footer_fits(&head) {
        to.tell_at("truncated", len);
        head.clone()
    } else {
        return Err(InspectError::corrupt(footer_at, "the footer is broken"));
    };
    let (size, kind) = (be64(&footer, 48), be32(&footer, 60));
    if kind == 2 {
        let mut disk = Disk::new(size, space);
        disk.block(Some(0), size, footer_at);
        return disk.finish(to, name);
    }
    let table_head = be64(&footer, 16);
    let Some(b) = to.window.array::<1024>(table_head)?.filter(|b| b.starts_with(b"cxsparse")) else {
        return Err(InspectError::corrupt(table_head, "the header of the dynamic disk is broken"));
    };
    let (map_at, count, block) = (be64(&b, 16), be32(&b, 28), u64::from(be32(&b, 32)));
    if !block.is_power_of_two() || block < 512 || count > MAX_BLOCKS || size > u64::from(count) * block || map_at >= len
    {
        return Err(InspectError::corrupt(table_head, "the header of the dynamic disk is broken"));
    }
    if kind == 4 {
        to.tell("backing-file");
    }
    if footer_fits(&head) {
        space.claim(0..512);
        to.container(0..512)?;
    }
    // The parent's name, in UTF-16, is swept with what is left over.
    for range in [table_head..table_head + 64, map_at..(map_at + u64::from(count) * 4).min(len)] {
        space.claim(range.clone());
        to.container(range)?;
    }
    let bitmap = (block / 512).div_ceil(8).next_multiple_of(512);
    let mut disk = Disk::new(size, space);
    for i in 0..u64::from(count) {
        if disk.at >= size {
            break;
        }
        let place = match to.window.array::<4>(map_at + i * 4)?.map(u32::from_be_bytes) {
            None | Some(u32::MAX) => None,
            Some(n) => {
                let start = u64::from(n) * 512;
                disk.space.claim(start..start + bitmap);
                to.container(start..start + bitmap)?;
                Some(start + bitmap)
            }
        };
        disk.block(place, block, len);
    }
    // The table is filled up to a whole sector with ones.
    let pad = map_at + u64::from(count) * 4;
    let end = pad.next_multiple_of(512);
    if to.window.get(pad, (end - pad) as usize)?.iter().all(|&b| b == 0xFF) {
        disk.space.claim(pad..end);
        to.container(pad..end)?;
    }
    disk.finish(to, name)
}

#[cfg(test)]
mod tests;
