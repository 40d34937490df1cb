//! Linux kernels as boot loaders take them: arm64 and RISC-V `Image`, ARM `zImage`, x86 `bzImage`, EFI zboot, and the raw image out of them.
//!
//! Source: Linux Documentation/arch/arm64/booting.rst, arch/riscv/boot-image-header.rst, arch/x86/boot.rst, arch/arm/boot/compressed/head.S,
//! drivers/firmware/efi/libstub/zboot-header.S, kernel/configs.c.

mod stream;

use std::ops::Range;

use memchr::memmem::Finder;
use yumen_kit_container::window::num::{be32, le16, le32};
use yumen_kit_container::window::{find, sweep};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Blob, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe,
};

use super::text;

/// Reads kernels.
pub(crate) struct Kernel;

const FORMATS: &[Format] = &[Format {
    name: "linux-kernel",
    title: "Linux kernel image",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "`ARM\\x64` or `RSC\\5` at 56 (Image), 18 28 6F 01 at 36 (zImage), `HdrS` at 514 (bzImage), `zimg` at 4 (EFI zboot); the raw image out of one by its \
            name and `Linux version`",
    reference: "https://docs.kernel.org/arch/arm64/booting.html; https://docs.kernel.org/arch/x86/boot.html",
    evidence: "the compressed kernel, its configuration, an embedded initramfs and appended device trees as children; the code as raw bytes; version and \
               architecture as inventory",
    limitations: &[
        "the end of a payload compressed by LZMA or LZO is not looked for",
        "an embedded initramfs is found when it is cpio, gzip, xz or zstd",
    ],
}];

const ZIMAGE: u32 = 0x016f_2818;
/// Parts looked for in one kernel at most.
const MOST_PARTS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Image(&'static str),
    ZImage,
    BzImage,
    Zboot,
    /// The image itself, without a header.
    Raw,
}

fn kind(head: &[u8], len: u64) -> Option<Kind> {
    let magic = head.get(0x38..0x3c).unwrap_or_default();
    if magic == b"ARM\x64" && head.get(0x20..0x38).is_some_and(|r| r.iter().all(|&b| b == 0)) {
        return Some(Kind::Image("arm64"));
    }
    if magic == b"RSC\x05" {
        return Some(Kind::Image("riscv"));
    }
    if head.starts_with(b"MZ") && head.get(4..8) == Some(b"zimg") {
        let end = u64::from(le32(head, 8)) + u64::from(le32(head, 12));
        return (end <= len && le32(head, 12) > 0).then_some(Kind::Zboot);
    }
    if le32(head, 0x24) == ZIMAGE && le32(head, 0x2c) > le32(head, 0x28) {
        return Some(Kind::ZImage);
    }
    let x86 = head.get(0x1fe..0x200) == Some(b"\x55\xaa") && head.get(0x202..0x206) == Some(b"HdrS");
    (x86 && (0x200..0x300).contains(&le16(head, 0x206))).then_some(Kind::BzImage)
}

/// A name that kernels bear inside of boot images and compressed kernels.
fn is_named(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    matches!(base, "vmlinux" | "vmlinux.bin" | "kernel" | "Image" | "zImage")
}

impl FormatReader for Kernel {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if kind(probe.head, probe.blob.len()).is_some() {
            // An EFI stub makes it a PE file, a boot sector makes it a disk, and it is a kernel.
            return Some(Identity::new("linux-kernel", Certainty::Specific));
        }
        let sample = probe.head.get(..4096)?;
        let binary = sample.iter().filter(|&&b| b == 0 || b >= 0x80).count() > 256;
        if !is_named(probe.name) || !binary || probe.blob.len() > 1 << 28 {
            return None;
        }
        let banner = Finder::new(b"Linux version ");
        let at = find(probe.blob, 0..probe.blob.len(), &banner).ok()??;
        let digit = probe.blob.bytes(at + 14..at + 15).ok()?;
        digit.first()?.is_ascii_digit().then(|| Identity::new("linux-kernel", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = open(&mut to);
        to.finish(result)
    }
}

/// A part of a kernel.
struct Part {
    range: Range<u64>,
    name: String,
}

fn open(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let head = to.window.get(0, 4096)?.to_vec();
    let kind = kind(&head, len).unwrap_or(Kind::Raw);
    let mut parts: Vec<Part> = Vec::new();
    let mut structure: Vec<Range<u64>> = Vec::new();
    let mut item = InventoryItem::new(kinds::FIRMWARE_IMAGE).at(0, len);
    let mut payload = None;
    match kind {
        Kind::Image(architecture) => {
            structure.push(0..64);
            item = item.with("architecture", vec![architecture]);
        }
        Kind::ZImage => {
            item = item.with("architecture", vec!["arm"]);
            structure.push(0x24..0x30);
            let size = u64::from(le32(&head, 0x2c) - le32(&head, 0x28)).min(len);
            payload = stream::first(to.blob, 0x30..size)?;
        }
        Kind::BzImage => {
            item = item.with("architecture", vec!["x86"]);
            structure.push(0x1f1..0x268);
            let sectors = match head.get(0x1f1) {
                Some(0) | None => 4,
                Some(&n) => u64::from(n),
            };
            let base = (sectors + 1) * 512;
            if le16(&head, 0x206) >= 0x208 {
                let start = base + u64::from(le32(&head, 0x248));
                let end = (start + u64::from(le32(&head, 0x24c))).min(len);
                payload = stream::first(to.blob, start.min(end)..end)?.filter(|s| s.range.start == start);
            } else {
                payload = stream::first(to.blob, base.min(len)..len)?;
            }
            let at = u64::from(le16(&head, 0x20e));
            if at > 0 {
                let bytes = to.window.get(at + 0x200, 128)?;
                item = item.with("version", words(bytes));
            }
        }
        Kind::Zboot => {
            let start = u64::from(le32(&head, 8));
            let end = start + u64::from(le32(&head, 12));
            item = item.with("compression", vec![text(head.get(24..56).unwrap_or_default())]);
            payload = stream::first(to.blob, start..end)?;
            structure.push(0..64);
        }
        Kind::Raw => {}
    }
    if let Some(found) = payload {
        item = item.with("compression", vec![found.kind]);
        // Behind all but gzip stands the length of what comes out.
        let after = found.range.end..(found.range.end + 4).min(len);
        if found.kind != "gzip" {
            structure.push(after);
        }
        parts.push(Part { range: found.range, name: format!("vmlinux.{}", found.suffix) });
    } else if matches!(kind, Kind::Image(_) | Kind::Raw) {
        embedded(to, &mut parts)?;
    }
    let trees = appended_trees(to.blob, 0..len)?;
    for (i, tree) in trees.into_iter().enumerate() {
        parts.push(Part { range: tree, name: format!("dtb-{}", i + 1) });
    }
    if !item.properties.contains_key("version")
        && let Some(at) = find(to.blob, 0..len, &Finder::new(b"Linux version "))?
    {
        let version = words(to.window.get(at + 14, 128)?);
        item = item.with("version", version);
    }
    to.inventory(item);
    parts.sort_by_key(|p| p.range.start);
    let mut at = 0;
    for part in parts {
        if part.range.start < at {
            continue;
        }
        to.raw(at..part.range.start)?;
        at = part.range.end;
        to.hand_over_range(ChildMeta::named(part.name.as_bytes()), part.range)?;
    }
    to.raw(at..len)?;
    structure.into_iter().try_for_each(|range| to.container(range))
}

/// The first word of a text.
fn words(bytes: &[u8]) -> String {
    bytes.iter().take_while(|b| b.is_ascii_graphic()).map(|&b| char::from(b)).collect()
}

/// Configuration and initramfs inside of an image.
fn embedded(to: &mut Container<'_>, parts: &mut Vec<Part>) -> Result<(), InspectError> {
    let len = to.len();
    let needles: [(&[u8], &str); 5] = [
        (b"IKCFG_ST", "config"),
        (b"070701", "cpio"),
        (b"\x1f\x8b\x08\x00", "gz"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"\x28\xb5\x2f\xfd", "zst"),
    ];
    let finders = needles.map(|(needle, _)| Finder::new(needle));
    let mut hits: Vec<(u64, &str)> = Vec::new();
    sweep(to.blob, 0..len, 7, |at, bytes| {
        for (finder, (_, kind)) in finders.iter().zip(needles) {
            hits.extend(finder.find_iter(bytes).map(|i| (at + i as u64, kind)));
        }
        (hits.len() > 4096).then_some(())
    })?;
    hits.sort_unstable();
    hits.dedup();
    let mut at = 0;
    // What decoding may cost, all candidates together.
    let mut budget = stream::BUDGET;
    for (hit, kind) in hits {
        if hit < at || parts.len() >= MOST_PARTS {
            continue;
        }
        let (start, end, name) = match kind {
            "config" => {
                let Some(end) = find(to.blob, hit + 8..len.min(hit + (4 << 20)), &Finder::new(b"IKCFG_ED"))? else {
                    continue;
                };
                if to.window.get(hit + 8, 2)? != [0x1f, 0x8b] {
                    continue;
                }
                (hit + 8, end, "ikconfig.gz".to_owned())
            }
            "cpio" => match cpio_end(to, hit)? {
                Some(end) => (hit, end, "initramfs.cpio".to_owned()),
                None => continue,
            },
            suffix => match stream::at(to.blob, hit, len, &mut budget)? {
                Some(found) if found.range.end - hit >= 64 => {
                    (hit, found.range.end, format!("embedded-{}.{suffix}", parts.len() + 1))
                }
                _ => continue,
            },
        };
        parts.push(Part { range: start..end, name });
        at = end;
    }
    Ok(())
}

/// The end of a cpio archive (new ASCII format); none when the headers do not lead to its trailer.
fn cpio_end(to: &mut Container<'_>, start: u64) -> Result<Option<u64>, InspectError> {
    let len = to.len();
    let mut at = start;
    for _ in 0..1 << 20 {
        let head = to.window.get(at, 110)?;
        let number = |i: usize| -> Option<u64> {
            let digits = head.get(6 + 8 * i..14 + 8 * i)?;
            u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        let (Some(size), Some(name_len)) = (number(6), number(11)) else { return Ok(None) };
        if !head.starts_with(b"070701") || !(1..=4096).contains(&name_len) {
            return Ok(None);
        }
        let align = |n: u64| start + (n - start).next_multiple_of(4);
        let name_at = at + 110;
        let trailer = to.window.get(name_at, 11)? == b"TRAILER!!!\0";
        at = align(align(name_at + name_len) + size);
        if at > len {
            return Ok(None);
        }
        if trailer {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Device trees one after another that fill the end of a range: boot loaders take them from behind a kernel.
pub(super) fn appended_trees(blob: &Blob, range: Range<u64>) -> Result<Vec<Range<u64>>, InspectError> {
    let finder = Finder::new(b"\xd0\x0d\xfe\xed");
    let mut hits = Vec::new();
    sweep(blob, range.clone(), 3, |at, bytes| {
        hits.extend(finder.find_iter(bytes).map(|i| at + i as u64));
        (hits.len() > 8192).then_some(())
    })?;
    hits.dedup();
    let mut trees: Vec<Range<u64>> = Vec::new();
    for hit in hits {
        if trees.last().is_some_and(|t| hit < t.end) {
            continue;
        }
        let mut head = [0; 40];
        if blob.read_at(hit, &mut head).map_err(|e| InspectError::read(hit, &e))? < 40 {
            break;
        }
        let size = u64::from(be32(&head, 4));
        let sane = (72..=range.end - hit).contains(&size)
            && u64::from(be32(&head, 8)) < size
            && u64::from(be32(&head, 12)) < size
            && (1..=17).contains(&be32(&head, 20));
        if !sane {
            continue;
        }
        // A tree further up belongs to the kernel, unless the next one follows it.
        if trees.last().is_some_and(|t| hit - t.end >= 4096) {
            trees.clear();
        }
        trees.push(hit..hit + size);
    }
    // All of them lead to the end, but for padding.
    let near = trees.last().is_some_and(|t| range.end - t.end < 4096);
    Ok(if near { trees } else { Vec::new() })
}

#[cfg(test)]
mod tests;
