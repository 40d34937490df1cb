//! Raw images of control units and boot loaders that bear a header or a table of vectors.
//!
//! Every recognition rests on at least two independent fields: a magic alone is none. Code and data are shown to the detectors as raw bytes; stretches
//! that look like noise stay opaque, for nobody can say what they hold.
//!
//! Source: Arm v7-M ARM B1.5.3 (vectors); Infineon AURIX TC2xx/TC3xx user manuals (boot mode headers); NXP i.MX 6/7/8 reference manuals (IVT,
//! containers) and S32G (IVT); ST AN5275 (STM32MP header); AMD UG585/UG1085 (boot header); U-Boot tools/ (eGON, RKNS, MediaTek); UEFI PI volume 3.

use std::ops::Range;

use yumen_kit_container::window::num::{be16, le16, le32, le64};
use yumen_kit_container::window::{find, sweep};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Blob, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe, Reason,
};

use crate::common::{code, hex};
use crate::fdt::Tree;

/// Longest image that identification sums or searches as a whole.
const SUMMED: u64 = 8 << 20;
/// Device trees that are cut out of one image.
const MAX_TREES: usize = 256;

/// Reads raw images.
pub(crate) struct Raw;

macro_rules! formats {
    ($($name:literal $title:literal $magic:literal $reference:literal $limits:expr;)*) => {
        const FORMATS: &[Format] = &[$(Format {
            name: $name,
            title: $title,
            media_type: "application/octet-stream",
            extensions: &[],
            magic: $magic,
            reference: $reference,
            evidence: "code and data as raw bytes; device trees within it as children; what its header tells as inventory",
            limitations: $limits,
        }),*];
    };
}

const CODE: &[&str] = &["code is searched for strings, not disassembled", "stretches that look like noise are opaque"];

formats! {
    "cortex-m" "Arm Cortex-M program image" "a table of vectors: a stack pointer in RAM, odd handlers close to each other" "Armv7-M ARM, B1.5.3" CODE;
    "aurix" "Infineon AURIX image" "a boot mode header: 0xB359 and checksums with their complements" "Infineon AURIX TC2xx, TC3xx user manuals" CODE;
    "imx-ivt" "NXP i.MX image with vector table" "tag 0xD1, length 32, version 0x40 to 0x43, reserved words that are zero" "NXP i.MX 6, 7, RT reference manuals, program image" CODE;
    "imx-container" "NXP i.MX 8 and 9 container" "tag 0x87, version 0, a list of images that fits" "NXP i.MX 8 reference manual, boot container" CODE;
    "s32-ivt" "NXP S32G image with vector table" "tag 0xD1, length 256, version 0x60, reserved words that are zero" "NXP S32G reference manual, IVT" CODE;
    "stm32-image" "STM32MP boot image" "`STM2`, a header version and a checksum that is right" "ST AN5275" CODE;
    "zynq-boot" "AMD Zynq boot image" "0xAA995566, `XNLX` and a header checksum that is right" "AMD UG585, UG1085" CODE;
    "egon" "Allwinner boot image" "`eGON.BT` and a checksum that is right" "U-Boot tools/sunxi_egon.c" CODE;
    "rockchip-loader" "Rockchip loader" "`RKNS` with image descriptors, or the RC4 form of 0x0FF0AA55" "U-Boot tools/rkcommon.c" CODE;
    "mediatek-preloader" "MediaTek preloader" "`MMM` file information whose length and type agree" "U-Boot tools/mtk_image.c" CODE;
    "u-boot" "U-Boot binary" "a branch at the start and the version string of U-Boot" "U-Boot" CODE;
    "uefi-volume" "UEFI firmware volume" "`_FVH` with a header whose checksum is right" "UEFI PI specification, volume 3" &["files within the volume are not opened; the volume is opaque"];
    "linux-kernel" "Linux kernel image" "`HdrS` behind a boot sector, `ARMd`, `RSC`, or 0x016F2818 in the head" "Linux Documentation: x86/boot.rst, arm64/booting.rst, arm/booting.rst" CODE;
}

struct Found {
    format: &'static str,
    certainty: Certainty,
}

impl FormatReader for Raw {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let found = recognise(probe.head, probe.blob)?;
        Some(Identity::new(found.format, found.certainty))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = read(&mut to, artifact.format);
        to.finish(result)
    }
}

fn recognise(head: &[u8], blob: &Blob) -> Option<Found> {
    let len = blob.len();
    if head.len() < 64 {
        return None;
    }
    let found = |format| Some(Found { format, certainty: Certainty::Signature });
    if let Some(certainty) = kernel(head, len) {
        return Some(Found { format: "linux-kernel", certainty });
    }
    if egon(head, blob) {
        return found("egon");
    }
    if head.starts_with(b"STM2") && stm32(head, blob) {
        return found("stm32-image");
    }
    if zynq(head).is_some() {
        return found("zynq-boot");
    }
    if ivt_at(head).is_some() {
        return found("imx-ivt");
    }
    if imx_container(head, len).is_some() {
        return found("imx-container");
    }
    if head.starts_with(&[0xd1, 0x01, 0x00, 0x60]) && le32(head, 4) == 0 && head.len() >= 256 {
        return found("s32-ivt");
    }
    if aurix(head) {
        return found("aurix");
    }
    if rockchip(head) {
        return found("rockchip-loader");
    }
    if mediatek(head, len) {
        return found("mediatek-preloader");
    }
    if uefi(head, len) {
        return found("uefi-volume");
    }
    if cortex(head, len).is_some() {
        return found("cortex-m");
    }
    if u_boot(head, blob) {
        return found("u-boot");
    }
    None
}

/// The table of vectors of a Cortex-M: where the program is linked to, roughly (the lowest handler), and the reset handler.
fn cortex(b: &[u8], len: u64) -> Option<(u32, u32)> {
    if len < 256 || b.len() < 64 {
        return None;
    }
    let v: Vec<u32> = (0..16).map(|i| le32(b, 4 * i)).collect();
    let stack = v[0];
    let ram = matches!(stack, 0x1000_0100..=0x1010_0000 | 0x1fff_0100..=0x2400_0000 | 0x2400_0100..=0x2410_0000 | 0x3000_0100..=0x3010_0000 | 0x3800_0100..=0x3802_0000 | 0x8000_0100..=0x9000_0000);
    if !ram || !stack.is_multiple_of(4) {
        return None;
    }
    // Reset, NMI and HardFault are needed by every core; the reserved ones are zero (or, of NXP, a checksum in the seventh).
    let handlers: Vec<u32> = [1, 2, 3, 4, 5, 6, 11, 12, 14, 15].iter().map(|&i| v[i]).filter(|&h| h != 0).collect();
    if v[1] == 0 || v[3] == 0 || handlers.len() < 4 || handlers.iter().any(|h| h % 2 == 0) {
        return None;
    }
    let reserved = [8, 9].iter().filter(|&&i| v[i] == 0 || v[i] % 2 == 1 && handlers.contains(&v[i])).count();
    if reserved < 2 {
        return None;
    }
    let (low, high) = (*handlers.iter().min()?, *handlers.iter().max()?);
    // Handlers stand in the image, and not in what only a core itself has.
    (u64::from(high - low) < len && high < 0xe000_0000).then_some((low, v[1]))
}

/// A boot mode header of TC2xx (32 bytes) or TC3xx (16 bytes of header proper).
fn aurix(b: &[u8]) -> bool {
    let old = le16(b, 6) == 0xb359 && le32(b, 16) == !le32(b, 20) && le32(b, 24) == !le32(b, 28);
    let new = le16(b, 2) == 0xb359 && le32(b, 8) == !le32(b, 12);
    old || new
}

/// Where the vector table of i.MX stands: at the start, or behind what is left for partition tables.
fn ivt_at(b: &[u8]) -> Option<usize> {
    [0usize, 0x400, 0x1000].into_iter().find(|&at| {
        let Some(v) = b.get(at..at + 32) else { return false };
        let (entry, boot, own) = (le32(v, 4), le32(v, 16), le32(v, 20));
        v[0] == 0xd1
            && be16(v, 1) == 32
            && (0x40..=0x43).contains(&v[3])
            && le32(v, 8) == 0
            && le32(v, 28) == 0
            && entry != 0
            && own != 0
            && boot.wrapping_sub(own) < 0x1_0000
    })
}

/// Number of images of a container.
fn imx_container(b: &[u8], len: u64) -> Option<usize> {
    let (size, images, signature) = (usize::from(le16(b, 1)), usize::from(b[11]), usize::from(le16(b, 12)));
    let fits = b[0] <= 2
        && b[3] == 0x87
        && (1..=16).contains(&images)
        && size >= 16 + 128 * images
        && signature >= 16 + 128 * images
        && signature <= size
        && le16(b, 14) == 0;
    if !fits || b.len() < 16 + 128 * images {
        return None;
    }
    // Offsets and sizes of the images within the file (which may hold only the head of a disk image).
    (0..images).all(|i| u64::from(le32(b, 20 + 128 * i)) <= len.max(1 << 26)).then_some(images)
}

fn stm32(b: &[u8], blob: &Blob) -> bool {
    let (version, size) = (le32(b, 72), u64::from(le32(b, 76)));
    let start = match version {
        0x0001_0000 => 256u64,
        0x0002_0000..=0x0002_ffff => 512,
        _ => return false,
    };
    if size == 0 || start + size > blob.len() || size > SUMMED {
        return false;
    }
    let mut sum = 0u32;
    let swept = sweep(blob, start..start + size, 0, |_, bytes| {
        sum = bytes.iter().fold(sum, |s, &b| s.wrapping_add(u32::from(b)));
        None::<()>
    });
    swept.is_ok() && sum == le32(b, 68)
}

/// Whether the image is encrypted, of one whose header is right.
fn zynq(b: &[u8]) -> Option<bool> {
    if b.len() < 0x50 || le32(b, 0x20) != 0xaa99_5566 || b[0x24..0x28] != *b"XNLX" {
        return None;
    }
    let sum = |words: usize| !(0..words).fold(0u32, |s, i| s.wrapping_add(le32(b, 0x20 + 4 * i)));
    (sum(10) == le32(b, 0x48)).then(|| !matches!(le32(b, 0x28), 0))
}

fn egon(b: &[u8], blob: &Blob) -> bool {
    if b[4..11] != *b"eGON.BT" {
        return false;
    }
    let (stored, size) = (le32(b, 12), u64::from(le32(b, 16)));
    if size < 32 || size > blob.len() || size > SUMMED || size % 4 != 0 {
        return false;
    }
    let mut sum = 0u32;
    let swept = sweep(blob, 0..size, 0, |_, bytes| {
        sum = bytes.chunks_exact(4).fold(sum, |s, w| s.wrapping_add(le32(w, 0)));
        None::<()>
    });
    swept.is_ok() && sum.wrapping_sub(stored).wrapping_add(0x5f0a_6c39) == stored
}

fn rockchip(b: &[u8]) -> bool {
    let new = b.starts_with(b"RKNS") && le32(b, 4) == 0 && le16(b, 8) > 0 && le16(b, 10) <= 4;
    // The first sector is scrambled by RC4 with a key that all loaders share.
    new || b.starts_with(&[0x3b, 0x8c, 0xdc, 0xfc, 0xbe, 0x9f, 0x9d, 0x51])
}

fn mediatek(b: &[u8], len: u64) -> bool {
    // Generic file header: magic and version, size, type 0, then `FILE_INFO`.
    b.starts_with(b"MMM\x01")
        && le16(b, 4) == 0x38
        && le16(b, 6) == 0
        && b[8..17] == *b"FILE_INFO"
        && u64::from(le32(b, 0x20)) <= len.max(1 << 24)
}

fn uefi(b: &[u8], len: u64) -> bool {
    if b[40..44] != *b"_FVH" {
        return false;
    }
    let (size, header) = (le64(b, 32), usize::from(le16(b, 48)));
    if header % 2 != 0 || !(56..=4096).contains(&header) || size < header as u64 || size > len.max(64) * 4 {
        return false;
    }
    b.get(..header).is_some_and(|h| h.chunks_exact(2).fold(0u16, |s, w| s.wrapping_add(le16(w, 0))) == 0)
}

fn u_boot(b: &[u8], blob: &Blob) -> bool {
    let first = le32(b, 0);
    let branch = first >> 24 == 0xea || first >> 26 == 5 || first & 0x7f == 0x6f || le16(b, 0) & 0xe003 == 0xa001;
    if !branch || blob.len() > SUMMED {
        return false;
    }
    let finder = memchr::memmem::Finder::new(b"U-Boot ");
    let mut from = 0;
    for _ in 0..64 {
        let Ok(Some(at)) = find(blob, from..blob.len(), &finder) else { return false };
        let mut rest = [0; 16];
        let Ok(n) = blob.read_at(at + 7, &mut rest) else { return false };
        let rest = &rest[..n];
        let number = rest.strip_prefix(b"SPL ").or_else(|| rest.strip_prefix(b"TPL ")).unwrap_or(rest);
        if matches!(number, [b'2', b'0', b'0'..=b'9', b'0'..=b'9', b'.', b'0'..=b'9', ..]) {
            return true;
        }
        from = at + 7;
    }
    false
}

/// Linux images: x86 (`HdrS`), arm64 and RISC-V (with the form of PE or not), 32-bit Arm, EFI zboot. Surer than the PE that several of them are, too.
fn kernel(b: &[u8], len: u64) -> Option<Certainty> {
    let x86 = b.get(0x1fe..0x200) == Some(&[0x55, 0xaa]) && b.get(0x202..0x206) == Some(b"HdrS");
    let arm64 = &b[56..60] == b"ARMd" && le64(b, 16) < 1 << 32;
    let riscv = &b[56..60] == b"RSC\x05" && le64(b, 16) < 1 << 32;
    let arm = le32(b, 0x24) == 0x016f_2818
        && le32(b, 0x2c) > le32(b, 0x28)
        && u64::from(le32(b, 0x2c) - le32(b, 0x28)) <= len.max(64) * 2;
    let zboot = b.starts_with(b"MZ") && &b[4..8] == b"zimg" && u64::from(le32(b, 8)) + u64::from(le32(b, 12)) <= len;
    (x86 || arm64 || riscv || arm || zboot).then_some(Certainty::Specific)
}

fn read(to: &mut Container<'_>, format: &str) -> Result<(), InspectError> {
    let len = to.len();
    let b = to.window.get(0, 8192)?.to_vec();
    if b.len() < 64 {
        return Err(InspectError::corrupt(0, "the header is cut short"));
    }
    let mut item = InventoryItem::new(kinds::FIRMWARE_ECU).with("container", format);
    let mut encrypted = false;
    match format {
        "linux-kernel" => return linux(to, &b),
        "uefi-volume" => {
            to.container(0..u64::from(le16(&b, 48)))?;
            to.tell_at("unsupported-method", 0);
            to.inventory(InventoryItem::new(kinds::FIRMWARE_IMAGE).with("container", format).with("bytes", len));
            return to.opaque(u64::from(le16(&b, 48))..len, Reason::Unsupported);
        }
        "cortex-m" => {
            if let Some((low, reset)) = cortex(&b, len) {
                item = item
                    .with("architecture", "arm")
                    .with("entry", hex(u64::from(reset & !1)))
                    .with("stack", hex(u64::from(le32(&b, 0))))
                    .with("lowest_handler", hex(u64::from(low & !1)));
            }
        }
        "aurix" => {
            let start = if le16(&b, 6) == 0xb359 { le32(&b, 0) } else { le32(&b, 4) };
            item = item.with("architecture", "tricore").with("entry", hex(u64::from(start)));
        }
        "imx-ivt" => {
            let at = ivt_at(&b).unwrap_or(0);
            let v = b.get(at..).unwrap_or(&[]);
            item = item.with("entry", hex(u64::from(le32(v, 4)))).with("signed", le32(v, 24) != 0);
        }
        "imx-container" => {
            let images = imx_container(&b, len).unwrap_or(0);
            let flags = le32(&b, 4);
            encrypted = (0..images).any(|i| le32(&b, 16 + 128 * i + 24) >> 11 & 1 == 1);
            item = item.with("segments", images).with("signed", flags & 3 != 0);
        }
        "stm32-image" => {
            let signed = le32(&b, 72) == 0x0001_0000 && b[4..68].iter().any(|&x| x != 0);
            item = item.with("entry", hex(u64::from(le32(&b, 80)))).with("signed", signed);
        }
        "zynq-boot" => {
            encrypted = zynq(&b).unwrap_or(false);
            item = item.with("signed", le32(&b, 0x44) & 0xc000 != 0);
        }
        "u-boot" => item = InventoryItem::new(kinds::FIRMWARE_IMAGE).with("container", format),
        _ => {}
    }
    to.inventory(item.with("bytes", len).with("encrypted", encrypted));
    if encrypted {
        to.tell_at("encrypted", 0);
        to.container(0..1024)?;
        return to.opaque(1024..len, Reason::Encrypted);
    }
    body(to, 0..len)
}

/// Code, with the device trees that stand in it cut out.
fn body(to: &mut Container<'_>, range: Range<u64>) -> Result<(), InspectError> {
    let finder = memchr::memmem::Finder::new(&[0xd0, 0x0d, 0xfe, 0xed]);
    let mut at = range.start;
    let mut from = range.start;
    let mut trees = 0;
    while trees < MAX_TREES {
        let Some(found) = find(to.blob, from..range.end, &finder)? else { break };
        from = found + 4;
        let Some(tree) = Tree::at(&mut to.window, found)?.filter(|t| t.range.end <= range.end && t.range.start > 0)
        else {
            continue;
        };
        trees += 1;
        code(to, at..found)?;
        let meta = to.child(format!("0x{found:08x}.dtb").as_bytes());
        to.hand_over_range(meta, tree.range.clone())?;
        at = tree.range.end;
        from = at;
    }
    code(to, at..range.end)
}

/// A Linux kernel: the compressed kernel in it is a child, the rest is code.
fn linux(to: &mut Container<'_>, b: &[u8]) -> Result<(), InspectError> {
    let len = to.len();
    let mut item = InventoryItem::new(kinds::FIRMWARE_IMAGE).with("container", "linux-kernel");
    let mut payload = 0..0u64;
    let mut architecture = "arm";
    if b.get(0x202..0x206) == Some(b"HdrS") {
        architecture = "x86";
        let sectors = match b[0x1f1] {
            0 => 4,
            n => u64::from(n),
        };
        let setup = (sectors + 1) * 512;
        if le16(b, 0x206) >= 0x208 {
            let start = setup + u64::from(le32(b, 0x248));
            payload = start..start + u64::from(le32(b, 0x24c));
        }
        let version = u64::from(le16(b, 0x20e)) + 0x200;
        let text = to.window.get(version, 256)?;
        if le16(b, 0x20e) != 0
            && let Some(text) = crate::common::field(text)
        {
            item = item.with("version", text.split_whitespace().next().unwrap_or_default());
        }
    } else if &b[4..8] == b"zimg" {
        architecture = "efi";
        let start = u64::from(le32(b, 8));
        payload = start..start + u64::from(le32(b, 12));
    } else if &b[56..60] == b"ARMd" {
        architecture = "aarch64";
    } else if &b[56..60] == b"RSC\x05" {
        architecture = "riscv";
    } else {
        payload = piggy(to)?.unwrap_or(0..0);
    }
    to.inventory(item.with("architecture", vec![architecture.to_owned()]).with("bytes", len));
    let payload = payload.start.min(len)..payload.end.min(len);
    if payload.start >= payload.end {
        return body(to, 0..len);
    }
    body(to, 0..payload.start)?;
    to.hand_over_range(yumen_model::ChildMeta::named(b"vmlinux"), payload.clone())?;
    body(to, payload.end..len)
}

/// The compressed kernel in a 32-bit Arm image: the first signature of a compression behind the code that unpacks it.
fn piggy(to: &mut Container<'_>) -> Result<Option<Range<u64>>, InspectError> {
    let end = to.len();
    let found = sweep(to.blob, 512..end.min(256 << 10), 8, |at, bytes| {
        (0..bytes.len().saturating_sub(8)).find_map(|i| {
            let magic = match &bytes[i..i + 6] {
                [0x1f, 0x8b, 8, 0, ..] | [0xfd, b'7', b'z', b'X', b'Z', 0] | [0x28, 0xb5, 0x2f, 0xfd, ..] => true,
                [0x89, b'L', b'Z', b'O', 0, 13] | [0x02, 0x21, 0x4c, 0x18, ..] => true,
                [0x5d, 0, 0, d, ..] if *d <= 4 && bytes[i + 5] == 0xff => true,
                _ => false,
            };
            magic.then_some(at + i as u64)
        })
    })?;
    Ok(found.map(|start| start..end))
}

#[cfg(test)]
mod tests;
