//! RAUC bundles: a squashfs, for `verity` a hash tree behind it, a CMS signature and its length; in `crypt` bundles all but the signature is encrypted.
//!
//! Source: RAUC documentation, "Reference", "Bundle Formats" and "Manifest"; Linux Documentation/admin-guide/device-mapper/verity.rst.

mod manifest;
mod verity;

use std::collections::BTreeMap;
use std::ops::Range;

use yumen_kit_container::window::num::be64;
use yumen_kit_container::{Container, FormatReader};
use yumen_kit_key::cms;
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Batch, Blob, Certainty, ChildMeta, Context, EvidenceHeader, EvidenceKind, Extent, Format, Identity,
    InspectError, Inspection, InventoryItem, KeyBatch, Label, Message, Probe, Reason,
};

pub(crate) use manifest::Manifest;
use manifest::Settings;

/// Reads bundles.
pub(crate) struct Rauc;

/// Largest signature, in bytes; RAUC itself takes 64 KiB.
const LARGEST: u64 = 4 << 20;
/// Largest manifest inside of a signature.
const LARGEST_MANIFEST: usize = 1 << 20;
const SQUASHFS: &[u8; 4] = b"hsqs";
/// Content types of CMS: signed and enveloped data.
const SIGNED: u8 = 2;
const ENVELOPED: u8 = 3;
const KEY_STREAM: u32 = 100;

const FORMATS: &[Format] = &[Format {
    name: "rauc",
    title: "RAUC update bundle",
    media_type: "application/vnd.rauc.bundle",
    extensions: &["raucb"],
    magic: "ends with a CMS structure and its length in 8 bytes; before it a squashfs, or a manifest inside of the signature",
    reference: "RAUC documentation, Bundle Formats",
    evidence: "the files of the squashfs and the manifest as children; certificates of the signature; the package with version, compatible and slots",
    limitations: &[
        "signatures are not verified",
        "the payload of crypt bundles is opaque, also where the manifest tells its key",
    ],
}];

impl FormatReader for Rauc {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let signature = Signature::of(probe.blob)?;
        let known = match signature.kind {
            ENVELOPED => true,
            _ => {
                probe.head.starts_with(SQUASHFS)
                    || signature
                        .manifest()
                        .is_some_and(|m| manifest::is_manifest(&m) || Settings::parse(&m).format() != "plain")
            }
        };
        known.then(|| Identity::new("rauc", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let signature =
            Signature::of(&artifact.blob).ok_or(InspectError::corrupt(0, "the bundle's signature is broken"))?;
        let mut bundle = Bundle { to: Container::new(artifact, out), artifact };
        let result = bundle.open(&signature);
        bundle.to.finish(result)
    }
}

/// The CMS structure at the end.
struct Signature {
    range: Range<u64>,
    kind: u8,
    bytes: Vec<u8>,
    /// Pieces of the content inside; empty when it is elsewhere.
    content: Vec<Range<usize>>,
}

impl Signature {
    fn of(blob: &Blob) -> Option<Signature> {
        let end = blob.len().checked_sub(8)?;
        let size = be64(&blob.bytes(end..end + 8).ok()?, 0);
        if !(32..=LARGEST).contains(&size) || size > end {
            return None;
        }
        let range = end - size..end;
        if blob.bytes(range.start..range.start + 1).ok()? != [0x30] {
            return None;
        }
        let bytes = blob.bytes(range.clone()).ok()?;
        let (kind, len) = cms::content_type(&bytes)?;
        let content = match kind {
            SIGNED => cms::content(&bytes)?,
            ENVELOPED => Vec::new(),
            _ => return None,
        };
        (len == bytes.len()).then_some(Signature { range, kind, bytes, content })
    }

    /// The manifest that the signature carries.
    fn manifest(&self) -> Option<String> {
        let len: usize = self.content.iter().map(ExactSizeIterator::len).sum();
        if len == 0 || len > LARGEST_MANIFEST {
            return None;
        }
        let bytes: Vec<u8> = self.content.iter().filter_map(|r| self.bytes.get(r.clone())).flatten().copied().collect();
        String::from_utf8(bytes).ok()
    }
}

struct Bundle<'a> {
    to: Container<'a>,
    artifact: &'a Artifact,
}

impl Bundle<'_> {
    fn open(&mut self, signature: &Signature) -> Result<(), InspectError> {
        let payload = 0..signature.range.start;
        self.to.container(signature.range.end..self.to.len())?;
        if signature.kind == ENVELOPED {
            self.to.opaque(0..signature.range.end, Reason::Encrypted)?;
            self.to.tell("encrypted");
            let item = InventoryItem::new(kinds::SOFTWARE_PACKAGE).with("format", "crypt").with("encrypted", true);
            self.to.inventory(item);
            return Ok(());
        }
        self.signature(signature)?;
        let settings = signature.manifest().map(|text| Settings::parse(&text));
        let item = match &settings {
            Some(settings) => settings.item(),
            None => InventoryItem::new(kinds::SOFTWARE_PACKAGE).with("format", "plain").with("encrypted", false),
        };
        self.to.inventory(item.with("signed", true));
        let Some(settings) = settings else { return self.image(payload) };
        let data = self.tree(payload, &settings)?;
        if settings.format() == "crypt" {
            self.to.tell("encrypted");
            self.to.opaque(data, Reason::Encrypted)
        } else {
            self.image(data)
        }
    }

    /// Labels the hash tree; gives back the data that it is of.
    fn tree(&mut self, payload: Range<u64>, settings: &Settings) -> Result<Range<u64>, InspectError> {
        let Some(tree) = verity::Tree::of(settings) else { return Ok(payload) };
        let Some(start) = payload.end.checked_sub(tree.size).filter(|s| s % verity::BLOCK == 0) else {
            self.to.tell_at("corrupt", payload.end);
            return Ok(payload);
        };
        if tree.matches(self.to.blob, start)? {
            self.to.container(start..payload.end)?;
        } else {
            self.to.tell_at("checksum-mismatch", start);
            self.to.opaque(start..payload.end, Reason::Corrupt)?;
        }
        Ok(payload.start..start)
    }

    /// Opens the squashfs.
    fn image(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        let end = yumen_kit_squashfs::open(&mut self.to, range.clone())?;
        self.to.unallocated(end.min(range.end)..range.end)
    }

    /// The certificates of the signature, and the manifest that it carries.
    fn signature(&mut self, signature: &Signature) -> Result<(), InspectError> {
        let base = signature.range.start;
        self.to.label(signature.range.clone(), Label::Inspected)?;
        let extents: Vec<_> =
            signature.content.iter().map(|r| Extent::of(base + r.start as u64..base + r.end as u64)).collect();
        if !extents.is_empty() {
            self.to.hand_over(ChildMeta::named(b"manifest.raucm"), extents)?;
        }
        let items: Vec<_> =
            cms::certificates(&signature.bytes).unwrap_or_default().iter().filter_map(|i| i.material(base)).collect();
        if items.is_empty() {
            return Ok(());
        }
        let header = EvidenceHeader {
            stream: KEY_STREAM,
            kind: EvidenceKind::Keys,
            format: self.artifact.format.into(),
            name: self.artifact.name.clone(),
            properties: BTreeMap::new(),
        };
        self.to.send(Message::Evidence(header))?;
        for chunk in items.chunks(1000) {
            let batch = Batch::Keys(KeyBatch { items: chunk.to_vec() });
            self.to.send(Message::Batch { stream: KEY_STREAM, batch })?;
        }
        Ok(self.to.send(Message::EvidenceEnd { stream: KEY_STREAM })?)
    }
}

#[cfg(test)]
mod tests;
