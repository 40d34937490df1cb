//! The vbmeta structure: a header, an authentication block (digest, signature), an auxiliary block (descriptors, key).

use std::ops::Range;

use serde_json::Value;
use yumen_kit_container::window::num::{be32, be64};
use yumen_kit_container::{Container, Window};
use yumen_model::kind::kinds;
use yumen_model::{ChildMeta, InspectError, InventoryItem};

use crate::tree::Algorithm;

/// Length of the header.
pub const HEADER_LEN: usize = 256;
/// Longest structure that is read; real ones take up to 64 KiB.
const LONGEST: u64 = 8 << 20;
/// Descriptors read of one structure at most.
const MOST_DESCRIPTORS: usize = 4096;

/// A part of a descriptor that covers an image by one digest.
#[derive(Clone, Debug)]
pub struct Hash {
    /// Bytes of the image that are covered.
    pub image_size: u64,
    /// Name of the digest.
    pub algorithm: String,
    /// The partition that is meant.
    pub partition: String,
    /// What is hashed first.
    pub salt: Vec<u8>,
    /// The digest.
    pub digest: Vec<u8>,
}

/// A descriptor that covers an image by a hash tree.
#[derive(Clone, Debug)]
pub struct HashTree {
    /// Bytes of the image that are covered, the digest's name, the partition, the salt and the root.
    pub hash: Hash,
    /// Where the tree is in the partition.
    pub tree: Range<u64>,
    /// Where the forward error correction is; empty when there is none.
    pub fec: Range<u64>,
    /// Block lengths of data and tree.
    pub blocks: (u64, u64),
}

/// A descriptor.
#[derive(Clone, Debug)]
pub enum Descriptor {
    /// A name and a value, where they stand.
    Property {
        /// The name.
        key: String,
        /// The value.
        value: String,
    },
    /// Covers by a hash tree.
    HashTree(HashTree),
    /// Covers by a digest.
    Hash(Hash),
    /// Words for the kernel's command line.
    KernelCmdline,
    /// Another partition brings its own vbmeta, signed by this key.
    Chain {
        /// The partition.
        partition: String,
        /// Bits of its key.
        key_bits: u32,
    },
    /// Of a kind not known here.
    Unknown,
}

/// A vbmeta structure.
#[derive(Clone, Debug)]
pub struct Vbmeta {
    /// Where it is, without what fills its partition.
    pub range: Range<u64>,
    /// Signature algorithm by its name; `none` when it is not signed.
    pub algorithm: &'static str,
    /// Bits of the public key.
    pub key_bits: u32,
    /// Rollback index.
    pub rollback_index: u64,
    /// Where that index is kept.
    pub rollback_location: u32,
    /// Flags: 1 hash trees disabled, 2 verification disabled.
    pub flags: u32,
    /// The tool that made it.
    pub release: String,
    /// Whether the stored digest matches; none where it is not signed.
    pub digest_matches: Option<bool>,
    /// The descriptors.
    pub descriptors: Vec<Descriptor>,
    texts: Vec<Range<u64>>,
    unknown: Vec<Range<u64>>,
    used: Vec<Range<u64>>,
    key_metadata: Range<u64>,
    broken: bool,
}

/// The algorithms by their number.
const ALGORITHMS: [&str; 9] = [
    "none",
    "sha256-rsa2048",
    "sha256-rsa4096",
    "sha256-rsa8192",
    "sha512-rsa2048",
    "sha512-rsa4096",
    "sha512-rsa8192",
    "mldsa65",
    "mldsa87",
];

/// Whether bytes begin with the header of a vbmeta structure.
#[must_use]
pub fn starts(head: &[u8]) -> bool {
    let (auth, aux) = (be64(head, 12), be64(head, 20));
    let within = |offset: u64, size: u64, most: u64| offset.checked_add(size).is_some_and(|end| end <= most);
    head.len() >= HEADER_LEN
        && head.starts_with(b"AVB0")
        && be32(head, 4) == 1
        && be32(head, 8) < 100
        && auth.is_multiple_of(64)
        && aux.is_multiple_of(64)
        && auth <= LONGEST
        && aux <= LONGEST
        && within(be64(head, 32), be64(head, 40), auth)
        && within(be64(head, 48), be64(head, 56), auth)
        && within(be64(head, 64), be64(head, 72), aux)
        && within(be64(head, 96), be64(head, 104), aux)
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Reads the structure at `at`; none when there is none.
///
/// # Errors
/// When the blob can't be read.
pub fn read(window: &mut Window<'_>, blob: &yumen_model::Blob, at: u64) -> Result<Option<Vbmeta>, InspectError> {
    let head = window.get(at, HEADER_LEN)?.to_vec();
    if !starts(&head) {
        return Ok(None);
    }
    let (auth, aux) = (be64(&head, 12), be64(&head, 20));
    let aux_at = at + HEADER_LEN as u64 + auth;
    let end = aux_at + aux;
    if end > blob.len() {
        return Ok(None);
    }
    let number = usize::try_from(be32(&head, 28)).unwrap_or(usize::MAX);
    let algorithm = ALGORITHMS.get(number).copied().unwrap_or("unknown");
    let part = |offset: usize, base: u64| {
        let start = base + be64(&head, offset);
        start..start + be64(&head, offset + 8)
    };
    let auth_at = at + HEADER_LEN as u64;
    let digest = part(32, auth_at);
    let key = part(64, aux_at);
    let descriptors = part(96, aux_at);
    let meta = be64(&head, 80).checked_add(be64(&head, 88)).filter(|&e| e <= aux).map_or(0..0, |_| part(80, aux_at));
    let key_bits = if key.end - key.start >= 8 { be32(window.get(key.start, 4)?, 0) } else { 0 };
    let mut out = Vbmeta {
        range: at..end,
        algorithm,
        key_bits: if key_bits <= 65536 { key_bits } else { 0 },
        rollback_index: be64(&head, 112),
        rollback_location: be32(&head, 124),
        flags: be32(&head, 120),
        release: text(&head[128..176]),
        digest_matches: None,
        descriptors: Vec::new(),
        texts: Vec::new(),
        unknown: Vec::new(),
        // The header, but for its release string's field and what is reserved.
        used: vec![at..at + 176, digest.clone(), part(48, auth_at), key, meta.clone()],
        key_metadata: meta,
        broken: false,
    };
    let release_len = head[128..176].iter().position(|&b| b == 0).unwrap_or(48) as u64;
    out.texts.push(at + 128..at + 128 + release_len);
    let hasher = match number {
        1..=3 => Some(Algorithm::Sha256),
        4..=6 => Some(Algorithm::Sha512),
        _ => None,
    };
    if let Some(hasher) = hasher {
        let body = blob.bytes(aux_at..end).map_err(|e| InspectError::read(aux_at, &e))?;
        let told = blob.bytes(digest.clone()).map_err(|e| InspectError::read(digest.start, &e))?;
        out.digest_matches = Some(hasher.digest(&[&head, &body]) == told);
    }
    out.read_descriptors(window, descriptors)?;
    Ok(Some(out))
}

impl Vbmeta {
    fn read_descriptors(&mut self, window: &mut Window<'_>, range: Range<u64>) -> Result<(), InspectError> {
        let mut at = range.start;
        while at < range.end {
            let head = window.get(at, 16)?;
            let (tag, following) = (be64(head, 0), be64(head, 8));
            let end = at.checked_add(16).and_then(|a| a.checked_add(following)).filter(|&e| e <= range.end);
            let Some(end) = end.filter(|_| head.len() == 16 && self.descriptors.len() < MOST_DESCRIPTORS) else {
                self.broken = true;
                return Ok(());
            };
            let len = usize::try_from(end - at).unwrap_or(0);
            let bytes = window.get(at, len)?.to_vec();
            match self.descriptor(at, tag, &bytes) {
                Some((descriptor, used)) => {
                    self.descriptors.push(descriptor);
                    self.used.push(at..at + used);
                }
                None => {
                    self.descriptors.push(Descriptor::Unknown);
                    self.used.push(at..at + 16);
                    self.unknown.push(at + 16..end);
                }
            }
            at = end;
        }
        Ok(())
    }

    /// Reads one descriptor; also how many bytes of it bear a meaning.
    fn descriptor(&mut self, at: u64, tag: u64, bytes: &[u8]) -> Option<(Descriptor, u64)> {
        let mut after = 0;
        let mut field = |from: usize, len: u64| -> Option<Range<usize>> {
            let start = after.max(from);
            let end = start.checked_add(usize::try_from(len).ok()?).filter(|&e| e <= bytes.len())?;
            after = end;
            Some(start..end)
        };
        let spot = |r: &Range<usize>| at + r.start as u64..at + r.end as u64;
        let found = match tag {
            0 => {
                let key = field(32, be64(bytes, 16))?;
                let _nul = field(0, 1)?;
                let value = field(0, be64(bytes, 24))?;
                let _nul = field(0, 1)?;
                self.texts.push(spot(&key));
                self.texts.push(spot(&value));
                Descriptor::Property { key: text(&bytes[key]), value: text(&bytes[value]) }
            }
            1 | 2 => {
                let (fixed, lens, name, size) = if tag == 1 { (180, 104, 72, 20) } else { (132, 56, 24, 16) };
                let partition = field(fixed, u64::from(be32(bytes, lens)))?;
                let salt = field(0, u64::from(be32(bytes, lens + 4)))?;
                let digest = field(0, u64::from(be32(bytes, lens + 8)))?;
                self.texts.push(spot(&partition));
                let hash = Hash {
                    image_size: be64(bytes, size),
                    algorithm: text(bytes.get(name..name + 32)?),
                    partition: text(&bytes[partition]),
                    salt: bytes[salt].to_vec(),
                    digest: bytes[digest].to_vec(),
                };
                if tag == 2 {
                    Descriptor::Hash(hash)
                } else {
                    let range = |offset: usize| {
                        let start = be64(bytes, offset);
                        start..start.saturating_add(be64(bytes, offset + 8))
                    };
                    let blocks = (u64::from(be32(bytes, 44)), u64::from(be32(bytes, 48)));
                    Descriptor::HashTree(HashTree { hash, tree: range(28), fec: range(56), blocks })
                }
            }
            3 => {
                let words = field(24, u64::from(be32(bytes, 20)))?;
                self.texts.push(spot(&words));
                Descriptor::KernelCmdline
            }
            4 => {
                let partition = field(92, u64::from(be32(bytes, 20)))?;
                let key = field(0, u64::from(be32(bytes, 24)))?;
                self.texts.push(spot(&partition));
                Descriptor::Chain { partition: text(&bytes[partition]), key_bits: be32(&bytes[key], 0) }
            }
            _ => return None,
        };
        Some((found, after as u64))
    }

    /// Labels the structure, shows its texts, and tells what it says. `to` is the artifact it stands in.
    ///
    /// # Errors
    /// The engine takes no more, or the blob can't be read.
    pub fn claim(&self, to: &mut Container<'_>) -> Result<(), InspectError> {
        let mut used = self.used.clone();
        used.retain(|r| r.start < r.end);
        used.sort_by_key(|r| r.start);
        let mut at = self.range.start;
        for range in used {
            if range.start > at {
                to.padding(at..range.start)?;
            }
            to.container(range.clone())?;
            at = at.max(range.end);
        }
        to.padding(at..self.range.end)?;
        for range in &self.texts {
            to.comment(range.clone())?;
        }
        for range in &self.unknown {
            to.slack(range.clone())?;
        }
        if self.key_metadata.start < self.key_metadata.end {
            to.hand_over_range(ChildMeta::named(b"public-key-metadata"), self.key_metadata.clone())?;
        }
        if self.digest_matches == Some(false) {
            to.tell_at("checksum-mismatch", self.range.start);
        }
        if self.broken {
            to.tell_at("corrupt", self.range.start);
        }
        to.inventory(self.item());
        Ok(())
    }

    fn item(&self) -> InventoryItem {
        let (mut partitions, mut chained, mut properties) = (Vec::new(), Vec::new(), Vec::new());
        let mut protection = Vec::new();
        for descriptor in &self.descriptors {
            match descriptor {
                Descriptor::Property { key, value } => properties.push(format!("{key}={value}")),
                Descriptor::HashTree(tree) => {
                    partitions.push(tree.hash.partition.clone());
                    protection.push("hashtree");
                }
                Descriptor::Hash(hash) => {
                    partitions.push(hash.partition.clone());
                    protection.push("hash");
                }
                Descriptor::Chain { partition, .. } => {
                    chained.push(partition.clone());
                    protection.push("chain");
                }
                Descriptor::KernelCmdline | Descriptor::Unknown => {}
            }
        }
        for list in [&mut partitions, &mut chained] {
            list.sort();
            list.dedup();
        }
        protection.sort_unstable();
        protection.dedup();
        let mut item = InventoryItem::new(kinds::FIRMWARE_IMAGE)
            .with("verified_boot", self.release.clone())
            .with("signed", self.algorithm != "none")
            .with("signature_algorithm", vec![Value::from(self.algorithm)])
            .with("partitions", partitions)
            .with("chained_partitions", chained)
            .with("protection", protection)
            .with("build_properties", properties)
            .with("rollback_index", vec![Value::from(self.rollback_index.to_string())])
            .at(self.range.start, self.range.end);
        if self.key_bits > 0 {
            item = item.with("key_bits", vec![Value::from(self.key_bits.to_string())]);
        }
        if self.flags & 1 != 0 {
            item = item.with("hashtree_disabled", true);
        }
        if self.flags & 2 != 0 {
            item = item.with("verification_disabled", true);
        }
        item
    }
}
