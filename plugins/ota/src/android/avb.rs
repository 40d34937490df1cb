//! Partitions of Android verified boot: vbmeta images, and images that are known by their footer only.
//!
//! Source: AOSP external/avb, README.md and libavb.

use yumen_kit_android::{footer, trailer, vbmeta};
use yumen_kit_container::{Container, FormatReader, Window};
use yumen_model::{Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, Probe};

/// Reads vbmeta images.
pub(crate) struct Vbmeta;

const VBMETA: &[Format] = &[Format {
    name: "vbmeta",
    title: "Android verified boot metadata",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "`AVB0`, version 1, blocks that fit",
    reference: "https://android.googlesource.com/platform/external/avb/+/main/README.md",
    evidence: "descriptors, rollback index, flags and key size as inventory; properties and kernel command lines as text",
    limitations: &["the digest is checked, the signature and what other partitions hold are not"],
}];

impl FormatReader for Vbmeta {
    fn formats(&self) -> &'static [Format] {
        VBMETA
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        vbmeta::starts(probe.head).then(|| Identity::new("vbmeta", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = open(&mut to);
        to.finish(result)
    }
}

/// One structure after another: the boot signature of a generic kernel image holds two.
fn open(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let mut at = 0;
    while at < len {
        let Some(found) = vbmeta::read(&mut to.window, to.blob, at)? else {
            if at == 0 {
                to.tell_at("truncated", len);
                return Err(InspectError::corrupt(0, "the structure is cut short"));
            }
            return rest(to, at);
        };
        found.claim(to)?;
        let end = found.range.end;
        // Each fills whole blocks.
        let next = yumen_kit_container::window::first_nonzero(to.blob, end..len)?;
        let begins = match next {
            Some(n) => vbmeta::starts(to.window.get(n, vbmeta::HEADER_LEN)?),
            None => false,
        };
        match next {
            Some(n) if begins => {
                to.container(end..n)?;
                at = n;
            }
            _ => return rest(to, end),
        }
    }
    Ok(())
}

fn rest(to: &mut Container<'_>, from: u64) -> Result<(), InspectError> {
    if trailer(to, from)? {
        return Ok(());
    }
    to.unallocated(from..to.len())
}

/// Reads images that end with a footer and begin with nothing better known.
pub(crate) struct Image;

const IMAGE: &[Format] = &[Format {
    name: "avb-image",
    title: "Partition image with an Android verified boot footer",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "`AVBf` in the last 64 bytes, leading to a vbmeta structure",
    reference: "https://android.googlesource.com/platform/external/avb/+/main/README.md",
    evidence: "the image before the footer was added as a child; descriptors as inventory; properties as text",
    limitations: &["forward error correction is swept, not recomputed", "signatures are not verified"],
}];

impl FormatReader for Image {
    fn formats(&self) -> &'static [Format] {
        IMAGE
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let at = probe.tail.len().checked_sub(64)?;
        if !probe.tail[at..].starts_with(b"AVBf") {
            return None;
        }
        let found = footer::find(&mut Window::new(probe.blob), probe.blob.len()).ok()??;
        (found.original > 0).then(|| Identity::new("avb-image", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = image(&mut to, artifact.base_name());
        to.finish(result)
    }
}

fn image(to: &mut Container<'_>, name: &str) -> Result<(), InspectError> {
    let len = to.len();
    let Some(found) = footer::find(&mut to.window, len)? else {
        return Err(InspectError::corrupt(len.saturating_sub(64), "the footer is gone"));
    };
    if !trailer(to, found.original)? {
        return Err(InspectError::corrupt(found.vbmeta.start, "the metadata is cut short"));
    }
    let name = super::sparse::child_name(name);
    to.hand_over_range(ChildMeta::named(name.as_bytes()), 0..found.original)
}

#[cfg(test)]
mod tests;
