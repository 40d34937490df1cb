//! Android boot images, header versions 0 to 4: `boot`, `init_boot`, `recovery`; with the device tree of Qualcomm's version 0 and MediaTek's headers.
//!
//! Source: AOSP system/tools/mkbootimg, include/bootimg/bootimg.h.

use std::ops::Range;

use yumen_kit_android::trailer;
use yumen_kit_container::window::num::{be16, le32};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe, Reason,
};

use super::kernel::appended_trees;
use super::{field, text};

/// Reads boot images.
pub(crate) struct Boot;

const FORMATS: &[Format] = &[Format {
    name: "android-boot",
    title: "Android boot image",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "`ANDROID!` and a header of version 0 to 4 with a page size that exists, or `VNDRBOOT` of version 3 or 4",
    reference: "AOSP system/tools/mkbootimg/include/bootimg/bootimg.h; https://source.android.com/docs/core/architecture/bootloader/boot-image-header",
    evidence: "kernel, ramdisk, second, recovery_dtbo, dtb, signature, vendor_ramdisk/NAME and bootconfig as children; names and command lines as text; versions as \
               inventory",
    limitations: &["signatures are recognised, not verified"],
}];

const MAGIC: &[u8] = b"ANDROID!";
const MTK_LEN: u64 = 512;

/// A part of the image.
pub(super) struct Section {
    /// Name of the child.
    pub(super) name: &'static str,
    /// Length in bytes.
    pub(super) len: u64,
}

/// What a header says.
struct Header {
    version: u32,
    page: u64,
    len: u64,
    sections: Vec<Section>,
    texts: Vec<Range<u64>>,
    name: String,
    os_version: u32,
}

impl Header {
    fn of(head: &[u8]) -> Option<Self> {
        if !head.starts_with(MAGIC) {
            return None;
        }
        let raw = le32(head, 40);
        // Before there were versions some put the length of a device tree there.
        let version = if raw > 4 { 0 } else { raw };
        let section = |name, at| Section { name, len: u64::from(le32(head, at)) };
        if version >= 3 {
            let len = u64::from(le32(head, 20));
            let mut sections = vec![section("kernel", 8), section("ramdisk", 12)];
            if version == 4 {
                sections.push(section("signature", 1580));
            }
            let least = if version == 3 { 1580 } else { 1584 };
            return (head.len() as u64 >= least && (least..=4096).contains(&len)).then(|| Header {
                version,
                page: 4096,
                len,
                sections,
                texts: std::iter::once(44..1580).collect(),
                name: String::new(),
                os_version: le32(head, 16),
            });
        }
        let page = u64::from(le32(head, 36));
        let mut sections = vec![section("kernel", 8), section("ramdisk", 16), section("second", 24)];
        if raw > 4 {
            sections.push(section("dt", 40));
        }
        if version >= 1 {
            sections.push(section("recovery_dtbo", 1632));
        }
        if version >= 2 {
            sections.push(section("dtb", 1648));
        }
        let least = [1632, 1648, 1660][version as usize];
        let sane = head.len() as u64 >= least
            && page.is_power_of_two()
            && (1024..=131_072).contains(&page)
            && sections.iter().all(|s| s.len < 1 << 31)
            && sections.iter().any(|s| s.len > 0);
        sane.then(|| Header {
            version,
            page,
            len: least,
            sections,
            texts: vec![48..64, 64..576, 608..1632],
            name: text(&head[48..64]),
            os_version: le32(head, 44),
        })
    }
}

/// `14.0.0` and `2024-03` out of the packed field.
fn versions(packed: u32) -> (String, String) {
    let (os, level) = (packed >> 11, packed & 0x7ff);
    let os = if os == 0 { String::new() } else { format!("{}.{}.{}", os >> 14, os >> 7 & 0x7f, os & 0x7f) };
    let level = if level == 0 { String::new() } else { format!("{:04}-{:02}", 2000 + (level >> 4), level & 15) };
    (os, level)
}

impl FormatReader for Boot {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let ours = Header::of(probe.head).is_some() || super::vendor_boot::starts(probe.head);
        ours.then(|| Identity::new("android-boot", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let vendor = super::vendor_boot::starts(to.window.get(0, 4096)?);
        let result = if vendor { super::vendor_boot::open(&mut to) } else { open(&mut to) };
        to.finish(result)
    }
}

fn open(to: &mut Container<'_>) -> Result<(), InspectError> {
    let Some(header) = Header::of(to.window.get(0, 4096)?) else {
        return Err(InspectError::corrupt(0, "the header is cut short or broken"));
    };
    claim_header(to, header.len, header.page, &header.texts)?;
    let (os, level) = versions(header.os_version);
    let names: Vec<_> = header.sections.iter().filter(|s| s.len > 0).map(|s| s.name).collect();
    to.inventory(
        InventoryItem::new(kinds::FIRMWARE_IMAGE)
            .with("header_version", vec![header.version.to_string()])
            .with("parts", names)
            .with("board", if header.name.is_empty() { Vec::new() } else { vec![header.name.clone()] })
            .with("os_version", os)
            .with("security_patch_level", level)
            .at(0, header.len),
    );
    let mut at = header.page;
    for part in &header.sections {
        at = section(to, part.name, at, part.len, header.page)?;
    }
    rest(to, at)
}

/// Labels a header with its texts; fields between them are structure.
pub(super) fn claim_header(
    to: &mut Container<'_>,
    len: u64,
    page: u64,
    texts: &[Range<u64>],
) -> Result<(), InspectError> {
    let all = to.len();
    let mut at = 0;
    for range in texts {
        to.container(at..range.start)?;
        let bytes = to.window.get(range.start, usize::try_from(range.end - range.start).unwrap_or(0))?;
        let shown = range.start + field(bytes).len() as u64;
        to.comment(range.start..shown)?;
        to.padding(shown..range.end)?;
        at = range.end;
    }
    to.container(at..len.min(all))?;
    to.padding(len..len.next_multiple_of(page).min(all))
}

/// Hands over a part that begins at `at`; returns where the next one does.
pub(super) fn section(to: &mut Container<'_>, name: &str, at: u64, len: u64, page: u64) -> Result<u64, InspectError> {
    if len == 0 {
        return Ok(at);
    }
    let all = to.len();
    let end = at.saturating_add(len);
    if at >= all {
        to.tell_at("truncated", all);
        return Ok(all);
    }
    let mut start = at;
    if let Some(inner) = mtk(to, at, end)? {
        to.container(at..at + 8)?;
        to.comment(at + 8..inner.0)?;
        // The rest of the header is filled with FF.
        to.container(inner.0..at + MTK_LEN)?;
        start = at + MTK_LEN;
    }
    if end > all {
        to.tell_at("truncated", all);
        to.tell("incomplete-child");
    }
    let meta = to.child(name.as_bytes());
    let end_here = end.min(all);
    let trees = if name == "kernel" { appended_trees(to.blob, start..end_here)? } else { Vec::new() };
    // Device trees behind a kernel are no part of it; a compressed one would have them as rubbish at its end.
    let mut done = trees.first().map_or(end_here, |t| t.start);
    to.hand_over_range(meta, start..done)?;
    for (i, tree) in trees.into_iter().enumerate() {
        to.padding(done..tree.start)?;
        done = tree.end;
        to.hand_over_range(ChildMeta::named(format!("kernel-dtb-{}", i + 1).as_bytes()), tree)?;
    }
    to.padding(done..end_here)?;
    let next = end.next_multiple_of(page).min(all);
    to.padding(end..next)?;
    Ok(next.max(end.min(all)))
}

/// MediaTek puts a header of its own before kernel and ramdisk: magic, length, a name, FF to 512 bytes. Gives back where the name ends.
fn mtk(to: &mut Container<'_>, at: u64, end: u64) -> Result<Option<(u64,)>, InspectError> {
    let bytes = to.window.get(at, 512)?;
    if bytes.len() < 512 || le32(bytes, 0) != 0x5888_1688 || end - at < MTK_LEN {
        return Ok(None);
    }
    let name = field(&bytes[8..40]);
    let plain = name.iter().all(u8::is_ascii_graphic) && bytes[40..].iter().all(|&b| b == 0xff || b == 0);
    Ok(plain.then_some((at + 8 + name.len() as u64,)))
}

/// What follows the parts: verified boot, the signature of its first version, a vendor's mark, nothing.
pub(super) fn rest(to: &mut Container<'_>, from: u64) -> Result<(), InspectError> {
    let len = to.len();
    let mut from = from;
    if from >= len || trailer(to, from)? {
        return Ok(());
    }
    let mark = b"SEANDROIDENFORCE";
    if to.window.get(from, mark.len())? == mark {
        to.comment(from..from + mark.len() as u64)?;
        from += mark.len() as u64;
    }
    if let Some(next) = signature(to, from)? {
        from = next;
    }
    // Partitions are larger than what is written to them.
    to.unallocated(from..len)
}

/// The signature of verified boot 1.0: a DER sequence of a version, a certificate, an algorithm, attributes and the signature.
fn signature(to: &mut Container<'_>, from: u64) -> Result<Option<u64>, InspectError> {
    let Some(whole) = der(to, from)?.filter(|w| w.0 == 0x30 && w.2 - w.1 > 64) else { return Ok(None) };
    let Some(version) = der(to, whole.1)?.filter(|v| v.0 == 2 && v.2 - v.1 == 1) else { return Ok(None) };
    let Some(certificate) = der(to, version.2)?.filter(|c| c.0 == 0x30 && c.2 < whole.2) else { return Ok(None) };
    to.container(from..version.2)?;
    to.hand_over_range(ChildMeta::named(b"[boot-signature]/certificate.der"), version.2..certificate.2)?;
    to.container(certificate.2..whole.2)?;
    to.inventory(InventoryItem::new(kinds::FIRMWARE_IMAGE).with("signed", true).at(from, whole.2));
    Ok(Some(whole.2))
}

/// Tag, start of the content and end of the DER value at `at`.
fn der(to: &mut Container<'_>, at: u64) -> Result<Option<(u8, u64, u64)>, InspectError> {
    let len = to.len();
    let bytes = to.window.get(at, 6)?;
    let (start, size) = match bytes {
        [_, n, ..] if *n < 0x80 => (at + 2, u64::from(*n)),
        [_, 0x81, n, ..] => (at + 3, u64::from(*n)),
        [_, 0x82, ..] if bytes.len() >= 4 => (at + 4, u64::from(be16(bytes, 2))),
        _ => return Ok(None),
    };
    let tag = bytes[0];
    Ok((start + size <= len).then_some((tag, start, start + size)))
}

/// Data of a version that is not read.
pub(super) fn unsupported(to: &mut Container<'_>, from: u64) -> Result<(), InspectError> {
    to.tell_at("unsupported-method", from);
    to.opaque(from..to.len(), Reason::Unsupported)
}

/// Data outside all parts.
pub(super) fn between(to: &mut Container<'_>, range: Range<u64>) -> Result<(), InspectError> {
    to.residue(range, Place::Between)
}

#[cfg(test)]
mod tests;
