//! The footer: schema, row groups, column chunks, key-value metadata.
//!
//! Source: parquet-format's parquet.thrift.

use super::thrift::{Thrift, kind};

/// Physical types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Physical {
    Boolean,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    ByteArray,
    Fixed(usize),
}

/// What values mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logical {
    Plain,
    Text,
    Decimal(u32),
    Date,
    /// So many units a second.
    Time(u64),
    /// So many units a second, and whether they count from 1970 in UTC.
    Timestamp(u64, bool),
    Unsigned,
    Uuid,
    Float16,
    /// Well-known binary.
    Geometry,
}

/// A leaf of the schema.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Names from below the root, joined by points; those that every list has are left out.
    pub(super) name: String,
    /// The names as they stand in the file.
    pub(super) path: Vec<String>,
    pub(super) physical: Physical,
    pub(super) logical: Logical,
    pub(super) definition: u8,
    pub(super) repetition: u8,
}

/// A column of a row group.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    pub(super) codec: i64,
    pub(super) values: u64,
    pub(super) unpacked: u64,
    pub(super) packed: u64,
    pub(super) data: u64,
    pub(super) dictionary: Option<u64>,
    pub(super) encrypted: bool,
    pub(super) elsewhere: bool,
    pub(super) told: bool,
    /// Indexes and filters: where, and how long if that is told.
    pub(super) extra: Vec<(u64, Option<u64>)>,
}

impl Chunk {
    /// Where its first page stands.
    pub(super) fn start(&self) -> u64 {
        // Some writers tell 0 where there is no dictionary.
        match self.dictionary {
            Some(d) if d >= 4 && d < self.data => d,
            _ => self.data,
        }
    }
}

/// Some rows, a chunk for each leaf.
#[derive(Clone, Debug, Default)]
pub(super) struct RowGroup {
    pub(super) chunks: Vec<Chunk>,
    pub(super) rows: u64,
}

/// The footer.
#[derive(Clone, Debug, Default)]
pub(super) struct Meta {
    pub(super) leaves: Vec<Leaf>,
    pub(super) groups: Vec<RowGroup>,
    pub(super) rows: u64,
    pub(super) pairs: Vec<(String, String)>,
    pub(super) created_by: String,
    pub(super) encrypted: bool,
}

/// Most columns, row groups times columns, and bytes of metadata that are kept.
const MOST_LEAVES: usize = 1 << 16;
const MOST_CHUNKS: usize = 1 << 20;
const MOST_TEXT: usize = 16 << 20;

#[derive(Default)]
struct Element {
    kind: Option<i64>,
    length: i64,
    repetition: i64,
    name: String,
    children: i64,
    converted: Option<i64>,
    scale: i64,
    logical: Option<Logical>,
}

/// Reads a footer.
pub(super) fn parse(bytes: &[u8]) -> Option<Meta> {
    let mut meta = Meta::default();
    let mut elements: Vec<Element> = Vec::new();
    let mut chunks = 0usize;
    let mut text = 0usize;
    Thrift::new(bytes).fields(&mut |t, id, of| {
        match (id, of) {
            (2, kind::LIST) => t.list(&mut |t, _| {
                let e = element(t)?;
                (elements.len() < MOST_LEAVES * 2).then(|| elements.push(e))
            })?,
            (3, _) => meta.rows = u64::try_from(t.int()?).ok()?,
            (4, kind::LIST) => t.list(&mut |t, _| {
                let group = row_group(t)?;
                chunks += group.chunks.len();
                (chunks <= MOST_CHUNKS).then(|| meta.groups.push(group))
            })?,
            (5, kind::LIST) => t.list(&mut |t, _| {
                let (key, value) = pair(t)?;
                text += key.len() + value.len() + 64;
                if text <= MOST_TEXT {
                    meta.pairs.push((key, value));
                }
                Some(())
            })?,
            (6, kind::BINARY) => meta.created_by = t.text()?,
            (8, _) => {
                meta.encrypted = true;
                return Some(false);
            }
            _ => return Some(false),
        }
        Some(true)
    })?;
    let mut at = 1;
    let root = elements.first()?;
    let mut path = Vec::new();
    for _ in 0..root.children.max(0) {
        if at >= elements.len() {
            break;
        }
        leaves(&elements, &mut at, &mut path, (0, 0), &mut meta.leaves)?;
    }
    Some(meta)
}

fn leaves(
    all: &[Element],
    at: &mut usize,
    path: &mut Vec<String>,
    levels: (u8, u8),
    out: &mut Vec<Leaf>,
) -> Option<()> {
    let e = all.get(*at)?;
    *at += 1;
    if path.len() > 32 || out.len() >= MOST_LEAVES {
        return None;
    }
    let definition = levels.0 + u8::from(e.repetition != 0);
    let repetition = levels.1 + u8::from(e.repetition == 2);
    path.push(e.name.clone());
    if e.children > 0 {
        for _ in 0..e.children {
            leaves(all, at, path, (definition, repetition), out)?;
        }
    } else if let Some(kind) = e.kind {
        let physical = match kind {
            0 => Physical::Boolean,
            1 => Physical::Int32,
            2 => Physical::Int64,
            3 => Physical::Int96,
            4 => Physical::Float,
            5 => Physical::Double,
            6 => Physical::ByteArray,
            7 => Physical::Fixed(usize::try_from(e.length).ok().filter(|&n| n > 0 && n <= 1 << 20)?),
            _ => return None,
        };
        let frame = |n: &&String| {
            let known = ["list", "element", "item", "array", "array_element", "bag", "key_value", "map"];
            !known.contains(&n.as_str())
        };
        let plain: Vec<&str> = path.iter().filter(frame).map(String::as_str).collect();
        let name = if plain.is_empty() { path.join(".") } else { plain.join(".") };
        out.push(Leaf { name, path: path.clone(), physical, logical: logical(e), definition, repetition });
    }
    path.pop();
    Some(())
}

fn logical(e: &Element) -> Logical {
    if let Some(logical) = e.logical {
        return logical;
    }
    match e.converted {
        Some(0 | 4 | 19) => Logical::Text,
        Some(5) => Logical::Decimal(u32::try_from(e.scale).unwrap_or(0)),
        Some(6) => Logical::Date,
        Some(7) => Logical::Time(1000),
        Some(8) => Logical::Time(1_000_000),
        Some(9) => Logical::Timestamp(1000, true),
        Some(10) => Logical::Timestamp(1_000_000, true),
        Some(11..=14) => Logical::Unsigned,
        _ => Logical::Plain,
    }
}

fn element(t: &mut Thrift<'_>) -> Option<Element> {
    let mut e = Element::default();
    t.fields(&mut |t, id, of| {
        match (id, of) {
            (1, _) => e.kind = Some(t.int()?),
            (2, _) => e.length = t.int()?,
            (3, _) => e.repetition = t.int()?,
            (4, kind::BINARY) => e.name = t.text()?,
            (5, _) => e.children = t.int()?,
            (6, _) => e.converted = Some(t.int()?),
            (7, _) => e.scale = t.int()?,
            (10, kind::STRUCT) => e.logical = logical_type(t)?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(e)
}

fn logical_type(t: &mut Thrift<'_>) -> Option<Option<Logical>> {
    let mut out = None;
    t.fields(&mut |t, id, of| {
        if of != kind::STRUCT {
            return Some(false);
        }
        let (mut scale, mut utc, mut unit, mut signed) = (0, true, 1_000_000u64, true);
        t.fields(&mut |t, inner, of| {
            match (id, inner, of) {
                (5, 1, _) => scale = t.int()?,
                (7 | 8, 1, _) => utc = of == kind::TRUE,
                (10, 2, _) => signed = of == kind::TRUE,
                (7 | 8, 2, kind::STRUCT) => {
                    t.fields(&mut |_, unit_id, _| {
                        unit = match unit_id {
                            1 => 1000,
                            3 => 1_000_000_000,
                            _ => 1_000_000,
                        };
                        Some(false)
                    })?;
                    return Some(true);
                }
                _ => return Some(false),
            }
            // Truth values stand in the type.
            Some(true)
        })?;
        out = match id {
            1 | 4 | 12 => Some(Logical::Text),
            5 => Some(Logical::Decimal(u32::try_from(scale).unwrap_or(0))),
            6 => Some(Logical::Date),
            7 => Some(Logical::Time(unit)),
            8 => Some(Logical::Timestamp(unit, utc)),
            10 if !signed => Some(Logical::Unsigned),
            14 => Some(Logical::Uuid),
            15 => Some(Logical::Float16),
            17 | 18 => Some(Logical::Geometry),
            _ => None,
        };
        Some(true)
    })?;
    Some(out)
}

fn pair(t: &mut Thrift<'_>) -> Option<(String, String)> {
    let mut out = (String::new(), String::new());
    t.fields(&mut |t, id, of| {
        match (id, of) {
            (1, kind::BINARY) => out.0 = t.text()?,
            (2, kind::BINARY) => out.1 = t.text()?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(out)
}

fn row_group(t: &mut Thrift<'_>) -> Option<RowGroup> {
    let mut group = RowGroup::default();
    t.fields(&mut |t, id, of| {
        match (id, of) {
            (1, kind::LIST) => t.list(&mut |t, _| {
                let c = chunk(t)?;
                (group.chunks.len() < MOST_LEAVES).then(|| group.chunks.push(c))
            })?,
            (3, _) => group.rows = u64::try_from(t.int()?).ok()?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(group)
}

fn chunk(t: &mut Thrift<'_>) -> Option<Chunk> {
    let mut c = Chunk::default();
    let mut extra: [Option<u64>; 4] = [None; 4];
    let at = |n: i64| u64::try_from(n).ok();
    t.fields(&mut |t, id, of| {
        match (id, of) {
            (1, kind::BINARY) => c.elsewhere = !t.binary()?.is_empty(),
            (3, kind::STRUCT) => chunk_meta(t, &mut c)?,
            (4, _) => extra[0] = at(t.int()?),
            (5, _) => extra[1] = at(t.int()?),
            (6, _) => extra[2] = at(t.int()?),
            (7, _) => extra[3] = at(t.int()?),
            (8, _) => {
                c.encrypted = true;
                return Some(false);
            }
            _ => return Some(false),
        }
        Some(true)
    })?;
    for pair in extra.chunks(2) {
        if let [Some(offset), Some(len)] = *pair {
            c.extra.push((offset, Some(len)));
        }
    }
    Some(c)
}

fn chunk_meta(t: &mut Thrift<'_>, c: &mut Chunk) -> Option<()> {
    let at = |n: i64| u64::try_from(n).ok();
    let (mut filter, mut length) = (None, None);
    c.told = true;
    t.fields(&mut |t, id, _| {
        match id {
            4 => c.codec = t.int()?,
            5 => c.values = at(t.int()?)?,
            6 => c.unpacked = at(t.int()?).unwrap_or(0),
            7 => c.packed = at(t.int()?)?,
            9 => c.data = at(t.int()?)?,
            11 => c.dictionary = at(t.int()?),
            14 => filter = at(t.int()?),
            15 => length = at(t.int()?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    if let Some(filter) = filter {
        c.extra.push((filter, length));
    }
    Some(())
}

/// What stands before a page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PageHeader {
    /// 0 data, 1 index, 2 dictionary, 3 data of the second version.
    pub(super) kind: i64,
    pub(super) unpacked: usize,
    pub(super) packed: usize,
    pub(super) values: u64,
    pub(super) encoding: i64,
    pub(super) definition_encoding: i64,
    pub(super) repetition_encoding: i64,
    pub(super) definition_len: usize,
    pub(super) repetition_len: usize,
    pub(super) compressed: bool,
    pub(super) crc: Option<u32>,
}

/// Reads a page's header; with its length.
pub(super) fn page_header(bytes: &[u8]) -> Option<(PageHeader, usize)> {
    let mut h = PageHeader {
        kind: -1,
        compressed: true,
        definition_encoding: 3,
        repetition_encoding: 3,
        ..PageHeader::default()
    };
    let mut t = Thrift::new(bytes);
    let size = |n: i64| usize::try_from(n).ok();
    t.fields(&mut |t, id, of| {
        match (id, of) {
            (1, _) => h.kind = t.int()?,
            (2, _) => h.unpacked = size(t.int()?)?,
            (3, _) => h.packed = size(t.int()?)?,
            (4, _) => h.crc = Some((t.int()? as i32).cast_unsigned()),
            (5 | 7 | 8, kind::STRUCT) => {
                let version = id;
                t.fields(&mut |t, id, of| {
                    match (version, id) {
                        (_, 1) => h.values = u64::try_from(t.int()?).ok()?,
                        (5 | 7, 2) | (8, 4) => h.encoding = t.int()?,
                        (5, 3) => h.definition_encoding = t.int()?,
                        (5, 4) => h.repetition_encoding = t.int()?,
                        (8, 5) => h.definition_len = size(t.int()?)?,
                        (8, 6) => h.repetition_len = size(t.int()?)?,
                        (8, 7) => h.compressed = of == kind::TRUE,
                        _ => return Some(false),
                    }
                    Some(true)
                })?;
            }
            _ => return Some(false),
        }
        Some(true)
    })?;
    (0..=3).contains(&h.kind).then_some((h, t.at))
}
