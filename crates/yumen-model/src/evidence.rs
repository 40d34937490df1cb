//! What a plugin got out of an artifact, as plain data: a header, batches of at most 4 MiB, an end.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::finding::Seconds;
use crate::kind::KindId;
use crate::spatial::{FixBatch, SpatialBatch};

/// Largest batch, in bytes of content.
pub const MAX_BATCH: usize = 4 << 20;

/// The kinds of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// Running text: [`TextBatch`].
    Text,
    /// Records of named values (rows, objects, settings): [`RecordBatch`].
    Records,
    /// Bytes of no known structure: [`RawBatch`].
    Raw,
    /// Keys and certificates in binary form: [`KeyBatch`].
    Keys,
    /// What is there, as the format itself counts it: [`InventoryBatch`].
    Inventory,
    /// Positions in the order of a stream: [`FixBatch`].
    Fixes,
    /// Things with a place: [`SpatialBatch`].
    Spatial,
    /// The artifact's own name, sent by the engine: [`TextBatch`].
    Name,
}

/// Opens a stream of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceHeader {
    /// Number of the stream, unique in the artifact; batches name it.
    pub stream: u32,
    /// What the batches hold.
    pub kind: EvidenceKind,
    /// Format of the artifact.
    pub format: Cow<'static, str>,
    /// The artifact's name (raw content).
    pub name: String,
    /// What else the plugin knows of the stream (declared datum, topic, sheet…).
    pub properties: BTreeMap<String, Value>,
}

impl EvidenceHeader {
    /// Whether the stream tells names (of signals, services, functions…) that another stream has shown as part of the text.
    #[must_use]
    pub fn is_names(&self) -> bool {
        self.properties.get("role").and_then(Value::as_str) == Some("names")
    }
}

/// A piece of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Batch<'a> {
    /// Of [`EvidenceKind::Text`] and [`EvidenceKind::Name`].
    #[serde(borrow)]
    Text(TextBatch<'a>),
    /// Of [`EvidenceKind::Records`].
    #[serde(borrow)]
    Records(RecordBatch<'a>),
    /// Of [`EvidenceKind::Raw`].
    Raw(RawBatch<'a>),
    /// Of [`EvidenceKind::Keys`].
    Keys(KeyBatch),
    /// Of [`EvidenceKind::Inventory`].
    Inventory(InventoryBatch),
    /// Of [`EvidenceKind::Fixes`].
    Fixes(FixBatch),
    /// Of [`EvidenceKind::Spatial`].
    Spatial(SpatialBatch),
}

/// Encodings that positions can be computed back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextEncoding {
    /// UTF-8, ASCII included.
    #[default]
    Utf8,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
    /// GB18030, of which GBK and GB 2312 are parts.
    Gb18030,
    /// One byte a character (windows-1252, the ISO 8859 family).
    SingleByte,
}

/// Where decoded text stands in the artifact: at `anchors[i].0` (byte offset in the batch's text) begins the artifact's byte
/// `anchors[i].1`; between anchors positions follow from the encoding. The first anchor is at text offset 0. `yumen-kit-text`
/// computes positions from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ByteMap {
    /// Encoding of the artifact's bytes.
    pub encoding: TextEncoding,
    /// Rising pairs (offset in text, offset in the artifact).
    pub anchors: Vec<(u32, u64)>,
}

impl ByteMap {
    /// Text that stands in the artifact byte for byte from `offset`.
    #[must_use]
    pub fn identity(offset: u64) -> Self {
        ByteMap { encoding: TextEncoding::Utf8, anchors: vec![(0, offset)] }
    }
}

/// Decoded text. The batches of a stream continue each other without a gap; a line may be cut between two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextBatch<'a> {
    /// The text.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// Where it stands in the artifact.
    pub map: ByteMap,
}

/// Says that a cell has no name.
pub const NO_NAME: u32 = u32::MAX;

/// Records: rows of a table, innermost objects, groups of settings. A record is never cut between batches.
///
/// `text` holds the cells' values one after another, each followed by [`RecordBatch::CELL_END`], so that one pass over it sees every
/// value and no match spans two. Values stand unescaped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordBatch<'a> {
    /// Names that [`Cell::name`] points to: column headers, keys with their path (`owner.phone`; array indices are left out).
    pub names: Vec<String>,
    /// All values.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// The cells in the order of `text`.
    pub cells: Vec<Cell>,
    /// Index into `cells` at which each record begins; rising, the first is 0.
    pub records: Vec<u32>,
    /// Of which messages of a recording the records are: rising by record, one may tell of none. Empty where nothing is recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<RecordOrigin>,
}

/// The message of a recording that a record was read out of, and those that follow up to the next origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordOrigin {
    /// Index of the first cell.
    pub cell: u32,
    /// Topic or channel.
    pub topic: String,
    /// Time from the start of the recording.
    pub time_s: Seconds,
}

impl RecordBatch<'_> {
    /// The byte after each value in `text` (ASCII unit separator).
    pub const CELL_END: char = '\u{1f}';

    /// The message that the cell at an index is of.
    #[must_use]
    pub fn origin(&self, cell: usize) -> Option<&RecordOrigin> {
        let behind = self.origins.partition_point(|o| o.cell as usize <= cell);
        self.origins.get(behind.checked_sub(1)?)
    }

    /// The value of a cell.
    #[must_use]
    pub fn value(&self, cell: &Cell) -> &str {
        self.text.get(cell.start as usize..cell.end as usize).unwrap_or("")
    }

    /// The name of a cell; empty when it has none.
    #[must_use]
    pub fn name(&self, cell: &Cell) -> &str {
        self.names.get(cell.name as usize).map_or("", String::as_str)
    }

    /// The records, each as its cells.
    pub fn rows(&self) -> impl Iterator<Item = &[Cell]> {
        self.records.iter().enumerate().map(|(i, &from)| {
            let to = self.records.get(i + 1).map_or(self.cells.len(), |&n| n as usize);
            self.cells.get(from as usize..to).unwrap_or(&[])
        })
    }
}

/// One value of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Index into the batch's names, or [`NO_NAME`] (a comment, a key that is itself content, a column without a header).
    pub name: u32,
    /// Number of the column from 0, where the format has columns; else 0.
    pub column_index: u32,
    /// Start of the value in the batch's text.
    pub start: u32,
    /// End of the value in the batch's text.
    pub end: u32,
    /// First byte of the value in the artifact.
    pub byte_start: u64,
    /// Byte after the value in the artifact.
    pub byte_end: u64,
    /// Line in the artifact, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u32,
    /// Whether the value stands in the artifact byte for byte (UTF-8 without escapes), so that positions inside it are exact.
    pub verbatim: bool,
}

/// Bytes of no known structure. Offsets rise; a gap may lie between batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawBatch<'a> {
    /// Offset of the first byte in the artifact.
    pub offset: u64,
    /// The bytes.
    pub bytes: Cow<'a, [u8]>,
}

/// Keys and certificates found in binary structures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyBatch {
    /// The items in the order of their place.
    pub items: Vec<KeyMaterial>,
}

/// What a piece of key material is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyWhat {
    /// A private or secret key.
    PrivateKey,
    /// An X.509 certificate.
    Certificate,
}

/// One key or certificate. Holds no secret: neither key bytes nor names of subjects that are persons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyMaterial {
    /// What it is.
    pub what: KeyWhat,
    /// Form: `pkcs1`, `pkcs8`, `sec1`, `pkcs12`, `jks`, `openssh`, `x509`…
    pub form: Cow<'static, str>,
    /// Algorithm as far as the structure tells: `rsa`, `ec`, `ed25519`, `sm2`…
    pub algorithm: Option<Cow<'static, str>>,
    /// Whether the key is encrypted; none where the structure does not tell.
    pub encrypted: Option<bool>,
    /// Bytes in the artifact.
    pub bytes: (u64, u64),
    /// Further facts that may be told (`bits`, `not_after`, `subject_kind`, `self_signed`, `usage`).
    pub properties: BTreeMap<String, Value>,
}

/// What is there, in the words of the format: a software package with its target and version, a CAN database with its messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InventoryBatch {
    /// The items. Items of one kind in one artifact become one finding: numbers add up, lists of words unite.
    pub items: Vec<InventoryItem>,
}

/// One thing that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InventoryItem {
    /// What it is.
    pub kind: KindId,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// Where it is told, in bytes of the artifact.
    pub bytes: Option<(u64, u64)>,
    /// What the format tells of it (raw content: whoever reports it masks what it finds in it). Words that may be several are a list.
    pub properties: BTreeMap<String, Value>,
}

impl InventoryItem {
    /// Something that is there for sure.
    #[must_use]
    pub fn new(kind: KindId) -> Self {
        InventoryItem { kind, confidence: 0.99, bytes: None, properties: BTreeMap::new() }
    }

    /// Adds what is told of it. Empty texts and lists are left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        if !empty {
            self.properties.insert(name.to_owned(), value);
        }
        self
    }

    /// Says where it is told.
    #[must_use]
    pub fn at(mut self, start: u64, end: u64) -> Self {
        self.bytes = Some((start, end));
        self
    }
}
