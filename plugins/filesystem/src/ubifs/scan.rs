//! The scan for nodes: every node whose checksum holds, and what lies between them.

use std::ops::Range;

use memchr::memmem::Finder;
use yumen_kit_container::Container;
use yumen_kit_container::window::num::{le16, le32};
use yumen_kit_container::window::sweep;
use yumen_model::{InspectError, Reason};

use super::node::{BLOCK, HEADER, Header, Kind, MAGIC, Super, key};
use crate::flash::run_end;

/// More nodes than this are not read: 8 GiB of content.
const MAX_NODES: usize = 2 << 20;
/// Fills what is too short for a padding node.
const PADDING_BYTE: u8 = 0xCE;

/// A node whose checksum holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) at: u64,
    pub(super) sequence: u64,
    pub(super) len: u32,
    pub(super) kind: Kind,
    /// The key, of nodes that have one.
    pub(super) key: (u32, u32),
    /// Of data: its length decoded, and how it is compressed.
    pub(super) size: u16,
    pub(super) method: u8,
}

/// What the scan found, by offset.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) nodes: Vec<Node>,
    /// Where nodes stand whose checksum does not hold, or whose end is missing; what lies there bears no label yet.
    pub(super) broken: Vec<Range<u64>>,
}

impl Scan {
    /// The node at an offset.
    pub(super) fn at(&self, offset: u64) -> Option<usize> {
        self.nodes.binary_search_by_key(&offset, |n| n.at).ok()
    }

    /// Length of an erase block as the two copies of the master node tell it, where the superblock does not.
    pub(super) fn distance_of_masters(&self) -> Option<u64> {
        let masters = self.nodes.iter().filter(|n| n.kind == Kind::Master).map(|n| n.at);
        let (first, others): (Vec<u64>, Vec<u64>) = (masters.clone().take(1).collect(), masters.skip(1).collect());
        let first = *first.first()?;
        (first >= 4096 && others.contains(&(2 * first))).then_some(first)
    }
}

/// Finds the nodes and labels everything but broken ones: nodes and erased space as structure, the rest as free space.
pub(super) fn scan(to: &mut Container<'_>, told: Option<&Super>) -> Result<Scan, InspectError> {
    let len = to.len();
    let leb_size = told.map_or(len, |s| u64::from(s.leb_size));
    let mut found = Scan::default();
    let mut start = 0;
    while start < len {
        let end = (start + leb_size).min(len);
        block(to, start..end, &mut found)?;
        start = end;
    }
    Ok(found)
}

fn block(to: &mut Container<'_>, range: Range<u64>, found: &mut Scan) -> Result<(), InspectError> {
    let end = range.end;
    let mut at = range.start;
    while at < end {
        let bytes = to.window.get(at, HEADER.min(usize::try_from(end - at).unwrap_or(HEADER)))?;
        if let Some(header) = Header::parse(bytes) {
            let node_end = at + u64::from(header.len);
            if node_end > end && end == to.len() {
                to.tell_at("truncated", at);
            }
            let whole = if node_end <= end { to.window.get(at, header.len as usize)? } else { &[] };
            if header.holds(whole) {
                at = add(to, at, header, end, found)?;
                continue;
            }
            let next = next_node(to, at + 8, end)?;
            found.broken.push(at..next);
            at = next;
            continue;
        }
        if let Some(&value @ (0xFF | 0 | PADDING_BYTE)) = bytes.first() {
            let run = run_end(to.blob, at, end, value)?;
            let next = if run < end { (run & !7).max(at) } else { end };
            if next > at {
                to.container(at..next)?;
                at = next;
                continue;
            }
        }
        let next = next_node(to, at + 1, end)?;
        to.unallocated_flash(at..next)?;
        at = next;
    }
    Ok(())
}

/// Keeps a node; returns where the next one stands.
fn add(to: &mut Container<'_>, at: u64, header: Header, end: u64, found: &mut Scan) -> Result<u64, InspectError> {
    let node = to.window.get(at, header.len as usize)?;
    let Some(kind) = Kind::of(header.kind) else { return Ok(end) };
    let keyed = matches!(kind, Kind::Inode | Kind::Data | Kind::Dent | Kind::Xent);
    let key = if keyed {
        key(node, 24)
    } else if kind == Kind::Truncate {
        (le32(node, 24), 0)
    } else {
        (0, 0)
    };
    let data = kind == Kind::Data;
    // A block that claims to be longer than blocks are can't be decoded.
    let size = if data { u16::try_from(le32(node, 40)).ok().filter(|&n| u64::from(n) <= BLOCK) } else { Some(0) };
    let method = if data && size.is_some() { u8::try_from(le16(node, 44)).unwrap_or(u8::MAX) } else { u8::MAX };
    let size = size.unwrap_or(0);
    let pad = if kind == Kind::Padding { u64::from(le32(node, 24)) } else { 0 };
    let node_end = at + u64::from(header.len);
    if kind != Kind::Padding {
        if found.nodes.len() >= MAX_NODES {
            to.tell_at("limit", at);
            to.opaque(at..end, Reason::Limit)?;
            return Ok(end);
        }
        found.nodes.push(Node { at, sequence: header.sequence, len: header.len, kind, key, size, method });
    }
    to.container(at..node_end)?;
    // Nodes stand at multiples of 8. What a padding node covers, from its own end on, is empty or was never written.
    let next = node_end.saturating_add(pad).min(end).next_multiple_of(8).min(end);
    to.unallocated_flash(node_end..next)?;
    Ok(next)
}

/// The next place at which a header may stand.
fn next_node(to: &Container<'_>, from: u64, end: u64) -> Result<u64, InspectError> {
    let finder = Finder::new(&MAGIC);
    let found = sweep(to.blob, from..end, HEADER, |piece, bytes| {
        let mut hits = finder.find_iter(bytes).filter(|i| (piece + *i as u64).is_multiple_of(8));
        hits.find(|&i| bytes.len() < i + HEADER || Header::parse(&bytes[i..]).is_some()).map(|i| piece + i as u64)
    })?;
    Ok(found.unwrap_or(end))
}
