//! File systems and volumes that are recognised and not opened: their bytes are told as not looked into, by the right name.
//!
//! Source: each one's on-disk format documentation; LUKS1 and LUKS2 on-disk format specifications.

use yumen_kit_container::window::num::{be16, be32, be64, le16, le32};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::{Artifact, Blob, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Reason};

/// Recognises them.
pub(crate) struct Other;

const fn known(name: &'static str, title: &'static str, magic: &'static str) -> Format {
    Format {
        name,
        title,
        media_type: "application/octet-stream",
        extensions: &[],
        magic,
        reference: "the on-disk format as documented by its developers",
        evidence: "nothing but its name",
        limitations: &["recognised and not opened: all of its bytes are opaque (unsupported)"],
    }
}

const FORMATS: &[Format] = &[
    known("ntfs", "NTFS file system", "`NTFS    ` at byte 3 of a boot sector"),
    known("btrfs", "Btrfs file system", "`_BHRfS_M` at byte 65600"),
    known("xfs", "XFS file system", "`XFSB` and a sane block size"),
    known("f2fs", "F2FS file system", "F2F52010 at byte 1024"),
    known("hfsplus", "HFS+ file system", "`H+` or `HX` at byte 1024"),
    known("apfs", "APFS container", "`NXSB` at byte 32"),
    known("udf", "UDF file system without an ISO 9660 part", "`NSR02` or `NSR03` among the volume descriptors"),
    known("reiserfs", "ReiserFS file system", "`ReIsErFs` or `ReIsEr2Fs` at byte 65588"),
    known("jfs", "JFS file system", "`JFS1` at byte 32768"),
    known("lvm2", "LVM2 physical volume", "`LABELONE` and `LVM2 001` in one of the first four sectors"),
    Format {
        name: "luks",
        title: "LUKS encrypted volume",
        media_type: "application/octet-stream",
        extensions: &["luks"],
        magic: "`LUKS` BA BE, version 1 or 2",
        reference: "LUKS1 On-Disk Format Specification 1.2.3; LUKS2 On-Disk Format Specification 1.1.3",
        evidence: "its label and the LUKS2 metadata as text",
        limitations: &["encrypted: keyslots and data are opaque"],
    },
    Format {
        name: "bitlocker",
        title: "BitLocker encrypted volume",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "`-FVE-FS-` at byte 3 of a boot sector",
        reference: "libbde, BitLocker Drive Encryption format",
        evidence: "nothing but its name",
        limitations: &["encrypted: all of its bytes are opaque"],
    },
    Format {
        name: "swap",
        title: "Linux swap area",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "`SWAPSPACE2` at the end of the first page",
        reference: "Linux include/linux/swap.h",
        evidence: "its pages as raw bytes under `[unallocated]`",
        limitations: &["pages are swept as they lie; compressed (zswap) ones do not reach the disk"],
    },
];

fn at<const N: usize>(blob: &Blob, offset: u64) -> [u8; N] {
    let mut bytes = [0; N];
    if blob.read_exact_at(offset, &mut bytes).is_err() {
        bytes = [0; N];
    }
    bytes
}

fn recognise(head: &[u8], blob: &Blob) -> Option<&'static str> {
    if head.len() < 2048 {
        return None;
    }
    let boot = head[510..512] == [0x55, 0xAA] && matches!(head[0], 0xEB | 0xE9);
    let sector = u64::from(le16(head, 11));
    let power = |n: u64, from: u64, to: u64| n.is_power_of_two() && (from..=to).contains(&n);
    if boot && &head[3..11] == b"NTFS    " && power(sector, 256, 4096) && le16(head, 14) == 0 {
        return Some("ntfs");
    }
    if boot && &head[3..11] == b"-FVE-FS-" {
        return Some("bitlocker");
    }
    if head.starts_with(b"LUKS\xba\xbe") && matches!(be16(head, 6), 1 | 2) {
        return Some("luks");
    }
    if head.starts_with(b"XFSB") && power(u64::from(be32(head, 4)), 512, 65536) && be64(head, 8) > 0 {
        return Some("xfs");
    }
    if le32(head, 1024) == 0xF2F5_2010 && (9..=12).contains(&le32(head, 1032)) && (12..=16).contains(&le32(head, 1040))
    {
        return Some("f2fs");
    }
    if matches!(&head[1024..1026], b"H+" | b"HX")
        && matches!(be16(head, 1026), 4 | 5)
        && power(u64::from(be32(head, 1024 + 40)), 512, 1 << 20)
    {
        return Some("hfsplus");
    }
    if &head[32..36] == b"NXSB" && power(u64::from(le32(head, 36)), 4096, 65536) {
        return Some("apfs");
    }
    if (0..4).any(|i| &head[i * 512..i * 512 + 8] == b"LABELONE" && &head[i * 512 + 24..i * 512 + 32] == b"LVM2 001") {
        return Some("lvm2");
    }
    for page in [4096usize, 8192, 16384, 65536] {
        if head.get(page - 10..page) == Some(b"SWAPSPACE2") && le32(head, 1024) == 1 {
            return Some("swap");
        }
    }
    if at::<8>(blob, 65600) == *b"_BHRfS_M" {
        return Some("btrfs");
    }
    let reiser = at::<9>(blob, 65588);
    if reiser.starts_with(b"ReIsErFs") || reiser == *b"ReIsEr2Fs" {
        return Some("reiserfs");
    }
    let sectors: Vec<[u8; 6]> = (16..24).map(|i| at::<6>(blob, i * 2048)).collect();
    if sectors[0][..4] == *b"JFS1" {
        return Some("jfs");
    }
    let iso = sectors.iter().any(|s| &s[1..] == b"CD001");
    let udf = sectors.iter().any(|s| matches!(&s[1..], b"NSR02" | b"NSR03"));
    (udf && !iso && &sectors[0][1..] == b"BEA01").then_some("udf")
}

impl FormatReader for Other {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        recognise(probe.head, probe.blob).map(|name| Identity::new(name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to, artifact.format);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>, format: &str) -> Result<(), InspectError> {
    let len = to.len();
    match format {
        "luks" => luks(to),
        "bitlocker" => {
            to.tell("encrypted");
            to.opaque(0..len, Reason::Encrypted)
        }
        "swap" => {
            let head = to.window.get(0, 65536)?.to_vec();
            let page =
                [4096usize, 8192, 16384, 65536].into_iter().find(|&p| head.get(p - 10..p) == Some(b"SWAPSPACE2"));
            let page = page.unwrap_or(4096) as u64;
            to.unallocated(0..1024)?;
            to.container(1024..1052)?;
            to.comment(1052..1068)?;
            to.unallocated(1068..page - 10)?;
            to.container(page - 10..page)?;
            to.unallocated(page..len)
        }
        _ => {
            to.tell("unsupported-method");
            to.opaque(0..len, Reason::Unsupported)
        }
    }
}

fn luks(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    to.tell("encrypted");
    let head = to.window.get(0, 4096)?.to_vec();
    if be16(&head, 6) == 1 {
        // Cipher, hash, digest and key slots' parameters.
        to.container(0..592)?;
        return to.opaque(592..len, Reason::Encrypted);
    }
    let size = be64(&head, 8);
    let size = if size.is_power_of_two() && (16384..=4 << 20).contains(&size) { size } else { 16384 };
    let mut end = 0;
    for base in [0, size] {
        let copy = to.window.get(base, 8)?;
        if !matches!(copy.get(..4), Some(b"LUKS" | b"SKUL")) {
            break;
        }
        to.container(base..base + 4096)?;
        to.comment(base + 24..base + 72)?;
        let json = to.blob.bytes(base + 4096..base + size).map_err(|e| InspectError::read(base, &e))?;
        let used = json.iter().position(|&b| b == 0).unwrap_or(json.len()) as u64;
        to.comment(base + 4096..base + 4096 + used)?;
        to.unallocated(base + 4096 + used..base + size)?;
        end = base + size;
    }
    to.opaque(end..len, Reason::Encrypted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_noise_are_none_of_them() {
        for bytes in [yumen_kit_container::testing::noise(3, 100_000), yumen_kit_container::testing::prose(100_000)] {
            let blob = Blob::from_bytes(bytes.clone());
            assert_eq!(recognise(&bytes[..65536], &blob), None);
        }
    }
}
