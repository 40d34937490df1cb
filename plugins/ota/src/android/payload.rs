//! Android and Chrome OS update payloads (`CrAU`), major versions 1 and 2: full payloads are rebuilt into partitions, of delta payloads what they carry is
//! handed over.
//!
//! Source: AOSP system/update_engine, README.md, update_metadata.proto and payload_consumer/payload_constants.h.

mod manifest;
mod plan;
mod rebuild;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use yumen_kit_container::window::num::{be32, be64};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe, Reason,
};

use manifest::{Manifest, Op, Partition};

/// Reads payloads.
pub(crate) struct Payload;

const FORMATS: &[Format] = &[Format {
    name: "android-payload",
    title: "Android update payload (payload.bin)",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "`CrAU`, major version 1 or 2, and a manifest that fits",
    reference: "AOSP system/update_engine: README.md, update_metadata.proto",
    evidence: "of a full payload its partitions as children (NAME.img); of a delta payload the data it carries, by operation (NAME.img[op-7]); names and \
               versions as text",
    limitations: &[
        "operations that need the old image (SOURCE_BSDIFF, BROTLI_BSDIFF, PUFFDIFF, ZUCCHINI, LZ4DIFF, BSDIFF) are not applied",
        "signatures are recognised, not verified",
        "hash trees and error correction that the device computes are left as zeros",
    ],
}];

/// Longest manifest that is read.
const LONGEST_MANIFEST: u64 = 16 << 20;

impl FormatReader for Payload {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let head = probe.head;
        let version = be64(head, 4);
        // A manifest begins with one of its fields: operations, or the block size.
        let begins = head.get(if version == 1 { 20 } else { 24 });
        let sane = head.starts_with(b"CrAU")
            && matches!(version, 1 | 2)
            && be64(head, 12) > 0
            && be64(head, 12) < 1 << 32
            && begins.is_none_or(|b| {
                matches!(
                    b,
                    0x0a | 0x12
                        | 0x18
                        | 0x20
                        | 0x28
                        | 0x32
                        | 0x3a
                        | 0x42
                        | 0x4a
                        | 0x52
                        | 0x5a
                        | 0x60
                        | 0x6a
                        | 0x70
                        | 0x7a
                )
            });
        sane.then(|| Identity::new("android-payload", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader { to: Container::new(artifact, out), used: Vec::new(), base: 0 };
        let result = reader.run();
        reader.to.finish(result)
    }
}

struct Reader<'a> {
    to: Container<'a>,
    /// Data that operations and signatures refer to.
    used: Vec<Range<u64>>,
    /// Where the data begins.
    base: u64,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let len = self.to.len();
        let head = self.to.window.get(0, 24)?;
        let version = be64(head, 4);
        let head_len = if version == 1 { 20 } else { 24 };
        if head.len() < head_len {
            return Err(InspectError::corrupt(len, "the header is cut short"));
        }
        let size = be64(head, 12);
        let signed = if version == 1 { 0 } else { u64::from(be32(head, 20)) };
        let start = head_len as u64;
        let end = start.checked_add(size).filter(|&e| e <= len);
        let Some(end) = end else {
            self.to.container(0..start)?;
            return Err(InspectError::corrupt(len, "the manifest is cut short"));
        };
        if size > LONGEST_MANIFEST {
            return Err(InspectError { reason: Reason::Limit, offset: Some(12), message: "the manifest is too long" });
        }
        let bytes = self.to.blob.bytes(start..end).map_err(|e| InspectError::read(start, &e))?;
        let Some(manifest) = Manifest::read(&bytes, start) else {
            self.to.container(0..start)?;
            return Err(InspectError::corrupt(start, "the manifest is broken"));
        };
        self.to.container(0..end)?;
        for range in &manifest.texts {
            self.to.comment(range.clone())?;
        }
        self.base = end.saturating_add(signed).min(len);
        if end.saturating_add(signed) > len {
            self.to.tell_at("truncated", len);
        }
        if signed > 0 {
            self.signatures("metadata-signature", end..self.base)?;
        }
        self.tell(&manifest, signed > 0);
        for partition in &manifest.partitions {
            self.partition(&manifest, partition)?;
        }
        if manifest.signatures.start < manifest.signatures.end {
            let at = self.base.saturating_add(manifest.signatures.start);
            let range = at..self.base.saturating_add(manifest.signatures.end);
            if range.end <= len {
                self.signatures("payload-signature", range.clone())?;
            } else {
                self.to.tell_at("truncated", len);
                self.to.opaque(range.start.min(len)..len, Reason::Corrupt)?;
            }
            self.used.push(range);
        }
        self.rest()
    }

    /// A `Signatures` message is structure; what is not one is handed over.
    fn signatures(&mut self, name: &str, range: Range<u64>) -> Result<(), InspectError> {
        let len = range.end - range.start;
        if len <= 1 << 20 {
            let bytes = self.to.blob.bytes(range.clone()).map_err(|e| InspectError::read(range.start, &e))?;
            if manifest::is_signatures(&bytes) {
                return self.to.container(range);
            }
        }
        self.to.hand_over_range(ChildMeta::named(format!("[{name}]").as_bytes()), range)
    }

    fn tell(&mut self, manifest: &Manifest, metadata_signed: bool) {
        let mut operations: BTreeMap<&str, u64> = BTreeMap::new();
        for op in manifest.partitions.iter().flat_map(|p| &p.ops) {
            *operations.entry(op.kind.name()).or_default() += 1;
        }
        let names: Vec<_> = manifest.partitions.iter().map(|p| p.name.clone()).collect();
        let counts: Vec<_> = operations.iter().map(|(name, n)| format!("{name}: {n}")).collect();
        let words = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list.dedup();
            list
        };
        let versions: Vec<_> = manifest
            .partitions
            .iter()
            .filter(|p| !p.version.is_empty())
            .map(|p| format!("{}={}", p.name, p.version))
            .collect();
        let mut item = InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("partitions", names)
            .with("operations", counts)
            .with("delta", manifest.is_delta())
            .with("signed", metadata_signed || manifest.signatures.start < manifest.signatures.end)
            .with("minor_version", manifest.minor_version)
            .with("groups", words(&manifest.groups))
            .with("apex_packages", words(&manifest.apexes))
            .with("partition_versions", words(&versions))
            .with("version", manifest.new_version.clone())
            .with("version_from", manifest.old_version.clone())
            .with("target", words(&manifest.boards))
            .with("security_patch_level", manifest.security_patch_level.clone())
            .with("image_bytes", manifest.partitions.iter().map(|p| p.size.unwrap_or(0)).fold(0, u64::saturating_add));
        if manifest.max_timestamp > 0 {
            item = item.with("max_timestamp", manifest.max_timestamp);
        }
        if manifest.partial {
            item = item.with("partial", true);
        }
        let scripts: Vec<_> =
            manifest.partitions.iter().filter_map(|p| p.postinstall.clone()).map(Value::from).collect();
        self.to.inventory(item.with("postinstall", scripts));
    }

    fn partition(&mut self, manifest: &Manifest, partition: &Partition) -> Result<(), InspectError> {
        for op in &partition.ops {
            self.used.push(self.data(op));
        }
        if partition.ops.iter().all(|op| op.kind.is_self_contained()) {
            rebuild::partition(self, manifest, partition)
        } else {
            self.carried(manifest, partition)
        }
    }

    /// The encoded data of an operation, as far as it is there.
    fn data(&self, op: &Op) -> Range<u64> {
        let len = self.to.len();
        let start = self.base.saturating_add(op.data.start);
        let end = self.base.saturating_add(op.data.end);
        start.min(len)..end.min(len)
    }

    /// Of a partition that is a difference: what its operations carry.
    fn carried(&mut self, manifest: &Manifest, partition: &Partition) -> Result<(), InspectError> {
        for (i, op) in partition.ops.iter().enumerate() {
            let data = self.data(op);
            if op.kind.is_self_contained() {
                if data.start < data.end {
                    let name = format!("{}.img[op-{i}]", partition.name);
                    rebuild::operation(self, manifest, &name, op)?;
                }
            } else if data.start < data.end {
                let reason = if op.kind.is_known() { Reason::NeedsOldImage } else { Reason::Unsupported };
                if !op.kind.is_known() {
                    self.to.tell_at("unsupported-method", data.start);
                }
                self.to.opaque(data, reason)?;
            }
            if self.base.saturating_add(op.data.end) > self.to.len() {
                self.to.tell_at("truncated", self.to.len());
            }
        }
        Ok(())
    }

    /// Data that nothing refers to.
    fn rest(&mut self) -> Result<(), InspectError> {
        let len = self.to.len();
        let mut used = std::mem::take(&mut self.used);
        used.retain(|r| r.start < r.end);
        used.sort_unstable_by_key(|r| r.start);
        let mut at = self.base;
        for range in used {
            if range.start > at {
                self.to.residue(at..range.start, Place::Between)?;
            }
            at = at.max(range.end);
        }
        if at < len { self.to.residue(at..len, Place::After) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
