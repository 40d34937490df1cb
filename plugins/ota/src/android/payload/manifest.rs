//! The manifest, `DeltaArchiveManifest` of update_metadata.proto.

use std::ops::Range;

use crate::android::pb::{Field, Fields, Value};

/// Stands for a block that is not to be written.
pub(super) const HOLE: u64 = u64::MAX;
/// Operations of a payload at most; real ones have some ten thousand.
const MOST_OPS: usize = 1 << 19;
/// Extents of a payload at most.
const MOST_EXTENTS: usize = 2 << 20;
/// Partitions of a payload at most.
const MOST_PARTITIONS: usize = 4096;
/// Texts shown of one manifest.
const MOST_TEXTS: usize = 1 << 16;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Replace,
    ReplaceBz,
    ReplaceXz,
    ReplaceZstd,
    Zero,
    Discard,
    /// Copies or patches blocks of the old image.
    Old(&'static str),
    Unknown,
}

impl Kind {
    fn of(number: u64) -> Self {
        match number {
            0 => Kind::Replace,
            1 => Kind::ReplaceBz,
            2 => Kind::Old("MOVE"),
            3 => Kind::Old("BSDIFF"),
            4 => Kind::Old("SOURCE_COPY"),
            5 => Kind::Old("SOURCE_BSDIFF"),
            6 => Kind::Zero,
            7 => Kind::Discard,
            8 => Kind::ReplaceXz,
            9 => Kind::Old("PUFFDIFF"),
            10 => Kind::Old("BROTLI_BSDIFF"),
            11 => Kind::Old("ZUCCHINI"),
            12 => Kind::Old("LZ4DIFF_BSDIFF"),
            13 => Kind::Old("LZ4DIFF_PUFFDIFF"),
            14 => Kind::ReplaceZstd,
            _ => Kind::Unknown,
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Replace => "REPLACE",
            Kind::ReplaceBz => "REPLACE_BZ",
            Kind::ReplaceXz => "REPLACE_XZ",
            Kind::ReplaceZstd => "REPLACE_ZSTD",
            Kind::Zero => "ZERO",
            Kind::Discard => "DISCARD",
            Kind::Old(name) => name,
            Kind::Unknown => "unknown",
        }
    }

    /// Whether it can be done without the old image.
    pub(super) fn is_self_contained(self) -> bool {
        !matches!(self, Kind::Old(_) | Kind::Unknown)
    }

    /// Whether it is known.
    pub(super) fn is_known(self) -> bool {
        self != Kind::Unknown
    }

    /// Whether it writes zeros.
    pub(super) fn is_zero(self) -> bool {
        matches!(self, Kind::Zero | Kind::Discard)
    }
}

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Op {
    pub(super) kind: Kind,
    /// Its data, from the start of all data.
    pub(super) data: Range<u64>,
    /// First block and number of blocks.
    pub(super) targets: Vec<(u64, u64)>,
    pub(super) hash: Option<[u8; 32]>,
}

/// A partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Partition {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) postinstall: Option<String>,
    pub(super) ops: Vec<Op>,
    /// Length and digest of the new image.
    pub(super) size: Option<u64>,
    pub(super) hash: Option<[u8; 32]>,
    pub(super) old: bool,
    /// Blocks that the device computes.
    pub(super) computed: Vec<(u64, u64)>,
}

/// A manifest.
#[derive(Clone, Debug, Default)]
pub(super) struct Manifest {
    pub(super) block: u64,
    pub(super) minor_version: u64,
    pub(super) partitions: Vec<Partition>,
    /// The payload's signatures, from the start of all data.
    pub(super) signatures: Range<u64>,
    pub(super) max_timestamp: u64,
    pub(super) groups: Vec<String>,
    pub(super) apexes: Vec<String>,
    pub(super) boards: Vec<String>,
    pub(super) new_version: String,
    pub(super) old_version: String,
    pub(super) security_patch_level: String,
    pub(super) partial: bool,
    /// Where texts stand in the payload.
    pub(super) texts: Vec<Range<u64>>,
    ops: usize,
    extents: usize,
}

fn text(value: Value<'_>) -> String {
    value.bytes().map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
}

fn digest(value: Value<'_>) -> Option<[u8; 32]> {
    value.bytes()?.try_into().ok()
}

impl Manifest {
    /// Reads a manifest that stands at `base`; none if it is broken or too large.
    pub(super) fn read(bytes: &[u8], base: u64) -> Option<Self> {
        let mut out = Manifest { block: 4096, ..Manifest::default() };
        let mut root = Partition { name: "root".to_owned(), ..Partition::default() };
        let mut kernel = Partition { name: "kernel".to_owned(), ..Partition::default() };
        let (mut signed_at, mut signed_len) = (None, 0u64);
        let mut fields = Fields::of(bytes);
        for field in fields.by_ref() {
            let value = field.value;
            match field.number {
                1 => root.ops.push(out.op(value.bytes()?)?),
                2 => kernel.ops.push(out.op(value.bytes()?)?),
                3 => out.block = value.number()?,
                4 => signed_at = value.number(),
                5 => signed_len = value.number()?,
                6 => kernel.old |= Partition::info(value.bytes()?)?.0.is_some(),
                7 => (kernel.size, kernel.hash) = Partition::info(value.bytes()?)?,
                8 => root.old |= Partition::info(value.bytes()?)?.0.is_some(),
                9 => (root.size, root.hash) = Partition::info(value.bytes()?)?,
                10 => out.old_version = out.image_info(&field, base)?,
                11 => out.new_version = out.image_info(&field, base)?,
                12 => out.minor_version = value.number()?,
                13 => {
                    let partition = out.partition(value.bytes()?, field.range(base).start)?;
                    out.partitions.push(partition);
                    (out.partitions.len() <= MOST_PARTITIONS).then_some(())?;
                }
                14 => out.max_timestamp = value.number()?,
                15 => out.dynamic(&field, base)?,
                16 => out.partial = value.number()? != 0,
                17 => out.apex(&field, base)?,
                18 => {
                    out.security_patch_level = text(value);
                    out.show(field.range(base));
                }
                _ => {}
            }
        }
        if fields.broken || out.block == 0 || out.block > 1 << 30 {
            return None;
        }
        for old in [kernel, root] {
            if !old.ops.is_empty() || old.size.is_some() {
                out.partitions.push(old);
            }
        }
        if let Some(at) = signed_at {
            out.signatures = at..at.checked_add(signed_len)?;
        }
        Some(out)
    }

    /// Whether it needs an old image.
    pub(super) fn is_delta(&self) -> bool {
        self.partitions.iter().any(|p| p.old || p.ops.iter().any(|op| matches!(op.kind, Kind::Old(_))))
    }

    fn show(&mut self, range: Range<u64>) {
        if range.start < range.end && self.texts.len() < MOST_TEXTS {
            self.texts.push(range);
        }
    }

    fn extent(&mut self, bytes: &[u8]) -> Option<(u64, u64)> {
        self.extents += 1;
        let (mut start, mut blocks) = (0, 0);
        let mut fields = Fields::of(bytes);
        for field in fields.by_ref() {
            match field.number {
                1 => start = field.value.number()?,
                2 => blocks = field.value.number()?,
                _ => {}
            }
        }
        (!fields.broken && self.extents <= MOST_EXTENTS).then_some((start, blocks))
    }

    fn op(&mut self, bytes: &[u8]) -> Option<Op> {
        self.ops += 1;
        let mut op = Op { kind: Kind::Replace, data: 0..0, targets: Vec::new(), hash: None };
        let (mut offset, mut len) = (0u64, 0u64);
        let mut fields = Fields::of(bytes);
        for field in fields.by_ref() {
            match field.number {
                1 => op.kind = Kind::of(field.value.number()?),
                2 => offset = field.value.number()?,
                3 => len = field.value.number()?,
                6 => op.targets.push(self.extent(field.value.bytes()?)?),
                8 => op.hash = digest(field.value),
                _ => {}
            }
        }
        op.data = offset..offset.checked_add(len)?;
        (!fields.broken && self.ops <= MOST_OPS).then_some(op)
    }

    fn partition(&mut self, bytes: &[u8], base: u64) -> Option<Partition> {
        let mut out = Partition::default();
        let mut fields = Fields::of(bytes);
        for field in fields.by_ref() {
            let value = field.value;
            match field.number {
                1 => out.name = text(value),
                3 => out.postinstall = Some(text(value)),
                6 => out.old |= Partition::info(value.bytes()?)?.0.is_some_and(|n| n > 0),
                7 => (out.size, out.hash) = Partition::info(value.bytes()?)?,
                8 => out.ops.push(self.op(value.bytes()?)?),
                11 | 15 => out.computed.push(self.extent(value.bytes()?)?),
                17 => out.version = text(value),
                _ => {}
            }
            if matches!(field.number, 1 | 3 | 4 | 12 | 17) && value.bytes().is_some() {
                self.show(field.range(base));
            }
        }
        (!fields.broken).then_some(out)
    }

    /// A version and a build's other words: board, key, channel, version, build channel, build version.
    fn image_info(&mut self, field: &Field<'_>, base: u64) -> Option<String> {
        let at = field.range(base).start;
        let mut version = String::new();
        for part in Fields::of(field.value.bytes()?) {
            match part.number {
                1 => self.boards.push(text(part.value)),
                4 => version = text(part.value),
                _ => {}
            }
            self.show(part.range(at));
        }
        Some(version)
    }

    fn dynamic(&mut self, field: &Field<'_>, base: u64) -> Option<()> {
        let at = field.range(base).start;
        for group in Fields::of(field.value.bytes()?) {
            if group.number == 5 || group.value.bytes().is_none() {
                continue;
            }
            if group.number != 1 {
                continue;
            }
            for part in Fields::of(group.value.bytes()?) {
                if part.number == 1 && self.groups.len() < MOST_PARTITIONS {
                    self.groups.push(text(part.value));
                }
                self.show(part.range(group.range(at).start));
            }
        }
        Some(())
    }

    fn apex(&mut self, field: &Field<'_>, base: u64) -> Option<()> {
        let at = field.range(base).start;
        let (mut name, mut version) = (String::new(), None);
        for part in Fields::of(field.value.bytes()?) {
            match part.number {
                1 => name = text(part.value),
                2 => version = part.value.number(),
                _ => {}
            }
            self.show(part.range(at));
        }
        if self.apexes.len() < MOST_PARTITIONS {
            self.apexes.push(version.map_or(name.clone(), |v| format!("{name}@{v}")));
        }
        Some(())
    }
}

impl Partition {
    /// Length and digest.
    fn info(bytes: &[u8]) -> Option<(Option<u64>, Option<[u8; 32]>)> {
        let (mut size, mut hash) = (None, None);
        let mut fields = Fields::of(bytes);
        for field in fields.by_ref() {
            match field.number {
                1 => size = field.value.number(),
                2 => hash = digest(field.value),
                _ => {}
            }
        }
        (!fields.broken).then_some((size, hash))
    }
}

/// Whether bytes are a `Signatures` message: signatures of some hundred bytes, each with little beside.
pub(super) fn is_signatures(bytes: &[u8]) -> bool {
    let mut fields = Fields::of(bytes);
    let mut any = false;
    for field in fields.by_ref() {
        let Some(signature) = field.value.bytes().filter(|_| field.number == 1) else { return false };
        let sane = crate::android::pb::all_fields(signature, |f| match f.number {
            1 | 3 => f.value.number().is_some(),
            2 => f.value.bytes().is_some_and(|b| b.len() <= 8192),
            _ => false,
        });
        if !sane {
            return false;
        }
        any = true;
    }
    any && !fields.broken
}
