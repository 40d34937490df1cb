//! The first 100 bytes, and what can be told of a database at a glance.

use yumen_kit_container::window::num::{be16, be32};
use yumen_model::Blob;

use crate::database::Database;
use crate::node::{Kind, Node};
use crate::record::varint;

/// How text is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
}

/// What the first 100 bytes say.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Bytes in a page, 512 to 65536.
    pub page_size: u32,
    /// Bytes at the end of each page that are kept for extensions.
    pub reserved: u8,
    /// How text is stored.
    pub encoding: Encoding,
    /// Number of pages, where the header tells one that is valid.
    pub pages: Option<u32>,
    /// First page of the freelist, or 0.
    pub free_trunk: u32,
    /// Number of free pages.
    pub free_pages: u32,
    /// Not 0 where the database keeps pointer maps (auto-vacuum).
    pub largest_root: u32,
    /// Number that the application keeps for its own version.
    pub user_version: u32,
    /// What application the file belongs to (`GPKG`…), or 0.
    pub application_id: u32,
    /// Whether newer pages may stand in a write-ahead log beside the file.
    pub wal: bool,
}

/// The first bytes of every database.
pub(crate) const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Length of the header.
pub(crate) const HEADER: usize = 100;

impl Header {
    /// Reads the header; none where it is not one.
    #[must_use]
    pub fn parse(head: &[u8]) -> Option<Header> {
        if head.len() < HEADER || !head.starts_with(MAGIC) {
            return None;
        }
        let page_size = match be16(head, 16) {
            1 => 65536,
            n if n >= 512 && n.is_power_of_two() => u32::from(n),
            _ => return None,
        };
        let reserved = head[20];
        // The payload fractions have only ever had these values.
        if head[21..24] != [64, 32, 32] || page_size - u32::from(reserved) < 480 {
            return None;
        }
        let encoding = match be32(head, 56) {
            0 | 1 => Encoding::Utf8,
            2 => Encoding::Utf16Le,
            3 => Encoding::Utf16Be,
            _ => return None,
        };
        let pages = be32(head, 28);
        let valid = pages > 0 && be32(head, 24) == be32(head, 92);
        Some(Header {
            page_size,
            reserved,
            encoding,
            pages: valid.then_some(pages),
            free_trunk: be32(head, 32),
            free_pages: be32(head, 36),
            largest_root: be32(head, 52),
            user_version: be32(head, 60),
            application_id: be32(head, 68),
            wal: head[18] == 2 || head[19] == 2,
        })
    }

    /// Bytes of a page that hold content.
    #[must_use]
    pub fn usable(&self) -> usize {
        (self.page_size - u32::from(self.reserved)) as usize
    }
}

/// The names of the tables, views and virtual tables as far as the first page tells them, in lower case; none where this is no database. A database of
/// many tables has their names on further pages: see [`probe_tables`].
#[must_use]
pub fn probe_schema(head: &[u8]) -> Option<Vec<String>> {
    let header = Header::parse(head)?;
    let page = head.get(..header.page_size as usize)?;
    let mut names = Vec::new();
    let node = Node::parse(page, true, header.usable()).ok()?;
    if node.kind == Kind::LeafTable {
        for cell in &node.cells {
            names.extend(table_name(page.get(cell.local.clone()).unwrap_or(&[]), header.encoding));
        }
    }
    Some(names)
}

/// The name in a row of the schema that tells of a table or view: its first three values fit into any page.
fn table_name(record: &[u8], encoding: Encoding) -> Option<String> {
    let (head, first) = varint(record)?;
    let mut at = first;
    let mut start = usize::try_from(head).ok()?;
    let mut values: [&[u8]; 2] = [&[], &[]];
    for value in &mut values {
        let (serial, n) = varint(record.get(at..)?)?;
        at += n;
        let len = usize::try_from(serial.checked_sub(13)? / 2).ok()?;
        *value = record.get(start..start.checked_add(len)?)?;
        start += len;
    }
    let kind = encoding.decode(values[0]);
    matches!(&*kind, "table" | "view").then(|| encoding.decode(values[1]).to_lowercase())
}

/// The names of all tables and views, in lower case; none where this is no database.
#[must_use]
pub fn probe_tables(blob: &Blob) -> Option<Vec<String>> {
    let head = blob.bytes(0..65536).ok()?;
    let names = probe_schema(&head)?;
    if !names.is_empty() {
        return Some(names);
    }
    let database = Database::open(blob).ok()?;
    Some(database.tables().iter().map(|t| t.name.to_lowercase()).collect())
}
