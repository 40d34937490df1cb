//! U-Boot's legacy images (64-byte header), and saved environments.
//!
//! Source: U-Boot include/image.h and doc/usage/environment.rst.

use yumen_kit_container::window::crc_of;
use yumen_kit_container::window::num::{be32, le32};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Label, Probe,
};

use crate::common::{Evidence, conclude, field, hex, rest};

const MAGIC: u32 = 0x2705_1956;
const HEADER: usize = 64;
/// Images that a file of several may hold.
const MAX_PARTS: usize = 1024;
/// The largest saved environment.
const MAX_ENVIRONMENT: u64 = 1 << 20;

/// Reads legacy images.
pub(crate) struct UImage;

const FORMATS: &[Format] = &[Format {
    name: "uimage",
    title: "U-Boot legacy image",
    media_type: "application/x-uimage",
    extensions: &["uimage", "uboot"],
    magic: "0x27051956 and a header whose CRC-32 is right",
    reference: "U-Boot include/image.h",
    evidence: "the image as a child, several of a multi-file image; its name as text; both checksums checked; type, architecture, system and addresses as inventory",
    limitations: &[],
}];

const TYPES: &[&str] = &[
    "invalid",
    "standalone",
    "kernel",
    "ramdisk",
    "multi",
    "firmware",
    "script",
    "filesystem",
    "flat_dt",
    "kwbimage",
    "imximage",
    "ublimage",
    "omapimage",
    "aisimage",
    "kernel_noload",
    "pblimage",
    "mxsimage",
    "gpimage",
    "atmelimage",
    "socfpgaimage",
    "x86_setup",
    "lpc32xximage",
    "loadable",
    "rkimage",
    "rksd",
    "rkspi",
    "zynqimage",
    "zynqmpimage",
    "zynqmpbif",
    "fpga",
    "vybridimage",
    "tee",
    "firmware_ivt",
    "pmmc",
    "stm32image",
    "socfpgaimage_v1",
    "mtk_image",
    "imx8mimage",
    "imx8image",
    "copro",
    "sunxi_egon",
    "sunxi_toc0",
    "fdt_legacy",
    "renesas_spkg",
];
const SYSTEMS: &[&str] = &[
    "invalid",
    "openbsd",
    "netbsd",
    "freebsd",
    "4.4bsd",
    "linux",
    "svr4",
    "esix",
    "solaris",
    "irix",
    "sco",
    "dell",
    "ncr",
    "lynxos",
    "vxworks",
    "psos",
    "qnx",
    "u-boot",
    "rtems",
    "artos",
    "unity",
    "integrity",
    "ose",
    "plan9",
    "openrtos",
    "arm-trusted-firmware",
    "tee",
    "opensbi",
    "efi",
    "elf",
];
const ARCHITECTURES: &[&str] = &[
    "invalid",
    "alpha",
    "arm",
    "x86",
    "ia64",
    "mips",
    "mips64",
    "powerpc",
    "s390",
    "sh",
    "sparc",
    "sparc64",
    "m68k",
    "nios",
    "microblaze",
    "nios2",
    "blackfin",
    "avr32",
    "st200",
    "sandbox",
    "nds32",
    "or1k",
    "arm64",
    "arc",
    "x86_64",
    "xtensa",
    "riscv",
];
const COMPRESSIONS: &[&str] = &["none", "gzip", "bzip2", "lzma", "lzo", "lz4", "zstd"];

fn word(list: &[&str], n: u8) -> String {
    list.get(usize::from(n)).map_or_else(|| format!("{n}"), |w| (*w).to_owned())
}

/// Whether a header is one: its own checksum is right.
fn checks(head: &[u8]) -> bool {
    let Some(header) = head.get(..HEADER) else { return false };
    let mut bytes = header.to_vec();
    bytes[4..8].fill(0);
    let mut crc = flate2::Crc::new();
    crc.update(&bytes);
    crc.sum() == be32(header, 4)
}

impl FormatReader for UImage {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if be32(probe.head, 0) != MAGIC || probe.head.len() < HEADER {
            return None;
        }
        // A header that is damaged is one still when its words are of the vocabulary.
        let [os, arch, kind, comp] = [28, 29, 30, 31].map(|i| usize::from(probe.head[i]));
        let plausible = os < SYSTEMS.len() + 8
            && arch < ARCHITECTURES.len() + 8
            && kind < TYPES.len() + 8
            && comp < COMPRESSIONS.len() + 4;
        (checks(probe.head) || plausible).then(|| Identity::new("uimage", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = read(&mut to);
        to.finish(result)
    }
}

fn read(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let header = to.window.get(0, HEADER)?.to_vec();
    if header.len() < HEADER {
        return Err(InspectError::corrupt(0, "the header is cut short"));
    }
    if !checks(&header) {
        to.tell_at("checksum-mismatch", 4);
    }
    let (time, size, load, entry) = (be32(&header, 8), be32(&header, 12), be32(&header, 16), be32(&header, 20));
    let (os, arch, kind, comp) = (header[28], header[29], header[30], header[31]);
    to.container(0..32)?;
    // The name is text, in a field filled with zeros.
    let name = field(&header[32..]);
    let name_len = memchr::memchr(0, &header[32..]).unwrap_or(32) as u64;
    to.comment(32..32 + name_len)?;
    to.padding(32 + name_len..64)?;
    let kind_word = word(TYPES, kind);
    let mut item = InventoryItem::new(kinds::FIRMWARE_IMAGE)
        .with("container", "uimage")
        .with("types", vec![kind_word.clone()])
        .with("architecture", vec![word(ARCHITECTURES, arch)])
        .with("os", vec![word(SYSTEMS, os)])
        .with("compression", word(COMPRESSIONS, comp))
        .with("load", hex(u64::from(load)))
        .with("entry", hex(u64::from(entry)))
        .with("bytes", size)
        .with("signed", false)
        .with("timestamp", time);
    if let Some(name) = name {
        item = item.with("description", vec![name]);
    }
    to.inventory(item);
    let data = HEADER as u64..HEADER as u64 + u64::from(size);
    let cut = data.end > len;
    if cut {
        to.tell_at("truncated", len);
    } else if crc_of(to.blob, data.clone())? != be32(&header, 24) {
        to.tell_at("checksum-mismatch", 24);
    }
    let end = data.end.min(len);
    if kind == 4 || kind == 6 {
        parts(to, data.start, end, kind == 6)?;
    } else {
        if cut {
            to.tell("incomplete-child");
        }
        let meta = to.child(kind_word.as_bytes());
        to.hand_over_range(meta, data.start..end)?;
    }
    rest(to, end..len, Place::After)?;
    if cut { Err(InspectError::corrupt(len, "the image is cut short")) } else { Ok(()) }
}

/// A list of sizes that ends with zero, then the images, each filled up to four bytes.
fn parts(to: &mut Container<'_>, start: u64, end: u64, script: bool) -> Result<(), InspectError> {
    let mut sizes = Vec::new();
    let mut at = start;
    loop {
        if at + 4 > end || sizes.len() >= MAX_PARTS {
            // No list at all: the whole is one image.
            let meta = to.child(if script { b"script" } else { b"image-0" });
            return to.hand_over_range(meta, start..end);
        }
        let size = u64::from(be32(to.window.get(at, 4)?, 0));
        at += 4;
        if size == 0 {
            break;
        }
        sizes.push(size);
    }
    let total: u64 = sizes.iter().sum();
    if sizes.is_empty() || total > end.saturating_sub(at) {
        to.tell_at("truncated", end);
    }
    to.container(start..at)?;
    for (i, size) in sizes.iter().enumerate() {
        let part = at..(at + size).min(end);
        if part.start >= part.end {
            break;
        }
        if at + size > end {
            to.tell("incomplete-child");
        }
        let name = if script && sizes.len() == 1 { "script".to_owned() } else { format!("image-{i}") };
        let meta = to.child(name.as_bytes());
        at = part.end;
        to.hand_over_range(meta, part)?;
        let padded = (at - start).next_multiple_of(4) + start;
        if i + 1 < sizes.len() {
            to.padding(at..padded.min(end))?;
            at = padded.min(end);
        }
    }
    rest(to, at..end, Place::After)
}

/// Reads saved environments.
pub(crate) struct Environment;

const ENVIRONMENT: &[Format] = &[Format {
    name: "uboot-env",
    title: "U-Boot environment",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "the CRC-32 of all that follows, then `name=value`, each ended by a zero byte",
    reference: "U-Boot doc/usage/environment.rst",
    evidence: "variables as text",
    limitations: &["an environment whose checksum is wrong, or that stands inside other data, is not recognised"],
}];

/// Where the variables begin, when the checksum before them is right.
fn environment(probe: &Probe<'_>) -> Option<u64> {
    let len = probe.blob.len();
    if !(8..=MAX_ENVIRONMENT).contains(&len) {
        return None;
    }
    let stored = le32(probe.head, 0);
    [4u64, 5].into_iter().find(|&at| {
        let rest = probe.head.get(usize::try_from(at).unwrap_or(5)..).unwrap_or(&[]);
        let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_.-:#,/$".contains(b)).count();
        (1..=128).contains(&name)
            && rest.get(name) == Some(&b'=')
            && crc_of(probe.blob, at..len).is_ok_and(|crc| crc == stored)
    })
}

impl FormatReader for Environment {
    fn formats(&self) -> &'static [Format] {
        ENVIRONMENT
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        environment(probe).map(|_| Identity::new("uboot-env", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let mut evidence = Evidence::new(artifact);
        let result = variables(&mut to, &mut evidence);
        conclude(to, evidence, result)
    }
}

fn variables(to: &mut Container<'_>, evidence: &mut Evidence<'_>) -> Result<(), InspectError> {
    let len = to.len().min(MAX_ENVIRONMENT);
    let bytes = to.blob.bytes(0..len).map_err(|e| InspectError::read(0, &e))?;
    let start = if bytes.get(4).is_some_and(|b| *b < 2) { 5 } else { 4 };
    to.container(0..start)?;
    let body = bytes.get(usize::try_from(start).unwrap_or(5)..).unwrap_or(&[]);
    let end = memchr::memmem::find(body, &[0, 0]).map_or(body.len(), |i| i + 2);
    evidence.strings(to, &body[..end], start)?;
    to.label(start..start + end as u64, Label::Inspected)?;
    let free = start + end as u64..to.len();
    if crate::common::is_erased(to.blob, free.clone())? {
        return to.container(free);
    }
    to.unallocated(free)
}

#[cfg(test)]
mod tests;
