//! The scan for nodes.

use memchr::memmem::Finder;
use yumen_kit_container::Container;
use yumen_kit_container::window::sweep;
use yumen_model::{InspectError, Reason};

use super::node::{Dent, HEADER, Inode, Kind, Order};
use crate::flash::{crc_zero, run_end, show};

/// More nodes than this are not read: 8 GiB of content.
const MAX_NODES: usize = 2 << 20;
/// No node that is read as a whole is longer.
const LONGEST: u64 = 2 << 20;

/// A piece of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) inode: Inode,
    /// Where the node stands.
    pub(super) at: u64,
    /// Marked as obsolete.
    pub(super) marked: bool,
}

/// A name.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) dent: Dent,
    pub(super) at: u64,
    pub(super) marked: bool,
}

/// What the scan found.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) data: Vec<Piece>,
    pub(super) dents: Vec<Name>,
}

/// Finds the nodes; labels everything but the content of files. None where there is no node at all.
pub(super) fn scan(to: &mut Container<'_>) -> Result<Option<(Order, Scan)>, InspectError> {
    let len = to.len();
    let mut found = Scan::default();
    let mut order = None;
    let mut at = 0;
    while at < len {
        let bytes = to.window.get(at, HEADER)?;
        let header = match order {
            None => Order::of(bytes).and_then(|o| Some((o, o.header(bytes)?))),
            Some(order) => Order::header(order, bytes).map(|h| (order, h)),
        };
        if let Some((its, header)) = header {
            order = Some(its);
            if found.data.len() + found.dents.len() >= MAX_NODES {
                to.tell_at("limit", at);
                to.opaque(at..len, Reason::Limit)?;
                break;
            }
            at = node(to, its, at, header, &mut found)?;
            continue;
        }
        if let Some(&value @ (0xFF | 0)) = bytes.first() {
            let run = run_end(to.blob, at, len, value)?;
            let next = if run < len { (run & !3).max(at) } else { len };
            if next > at {
                to.container(at..next)?;
                at = next;
                continue;
            }
        }
        let next = next_node(to, order, at + 1)?;
        to.unallocated_flash(at..next)?;
        at = next;
    }
    Ok(order.map(|o| (o, found)))
}

/// Reads the node at `at`; returns where the next one may stand.
fn node(
    to: &mut Container<'_>,
    order: Order,
    at: u64,
    header: super::node::Header,
    found: &mut Scan,
) -> Result<u64, InspectError> {
    let len = to.len();
    let end = at + header.len;
    if end > len {
        to.tell_at("truncated", at);
        to.opaque(at..len, Reason::Corrupt)?;
        return Ok(len);
    }
    let marked = header.marked;
    let read = if header.len <= LONGEST { header.len as usize } else { HEADER };
    match header.kind {
        Kind::Inode | Kind::Dent | Kind::Attribute | Kind::Reference if read == HEADER => {
            return broken(to, order, at, end);
        }
        Kind::Inode => {
            let bytes = to.window.get(at, read)?;
            let Some(inode) = order.inode(bytes) else { return broken(to, order, at, end) };
            let content = &bytes[68..68 + inode.packed as usize];
            if crc_zero(content) != inode.crc {
                return broken(to, order, at, end);
            }
            let content_end = at + 68 + u64::from(inode.packed);
            to.container(at..content_end)?;
            to.unallocated_flash(content_end..end)?;
            found.data.push(Piece { inode, at, marked });
        }
        Kind::Dent => {
            let Some(dent) = order.dent(to.window.get(at, read)?) else { return broken(to, order, at, end) };
            let name_end = at + 40 + dent.name.len() as u64;
            to.container(at..name_end)?;
            to.unallocated_flash(name_end..end)?;
            found.dents.push(Name { dent, at, marked });
        }
        Kind::Attribute => {
            let Some((from, n)) = order.attribute(to.window.get(at, read)?) else { return broken(to, order, at, end) };
            let from = at + from as u64;
            to.container(at..from)?;
            // The name, a zero, the value.
            let name = to.window.get(from, n)?.iter().position(|&b| b == 0).map_or(n, |i| i + 1) as u64;
            show(to, from..from + name)?;
            show(to, from + name..from + n as u64)?;
            to.unallocated_flash(from + n as u64..end)?;
        }
        Kind::Reference => to.container(at..end)?,
        Kind::Summary => {
            let bytes = to.window.get(at, read)?;
            let holds = bytes.len() >= 32 && crc_zero(&bytes[32..]) == order.u32(bytes, 24);
            if holds { to.container(at..end)? } else { to.unallocated_flash(at..end)? }
        }
        Kind::CleanMarker | Kind::Padding | Kind::Other => {
            to.container(at..at + HEADER as u64)?;
            to.unallocated_flash(at + HEADER as u64..end)?;
        }
    }
    let next = end.next_multiple_of(4).min(len);
    to.unallocated_flash(end..next)?;
    Ok(next)
}

/// A node whose checksums do not hold. Where another one begins within it, it was not written to its end.
fn broken(to: &mut Container<'_>, order: Order, at: u64, end: u64) -> Result<u64, InspectError> {
    let next = next_node(to, Some(order), at + 4)?.min(end.next_multiple_of(4)).min(to.len());
    to.tell_at("checksum-mismatch", at);
    to.opaque(at..next, Reason::Corrupt)?;
    Ok(next)
}

/// The next place at which a header stands.
fn next_node(to: &Container<'_>, order: Option<Order>, from: u64) -> Result<u64, InspectError> {
    let any = Finder::new(&[0x85, 0x19]);
    let big = Finder::new(&[0x19, 0x85]);
    let found = sweep(to.blob, from..to.len(), HEADER - 1, |piece, bytes| {
        let sound = |i: &usize| {
            let header = &bytes[*i..];
            (piece + *i as u64).is_multiple_of(4)
                && order.map_or_else(|| Order::of(header).is_some(), |o| o.header(header).is_some())
        };
        let little = any.find_iter(bytes).find(sound);
        let big = big.find_iter(bytes).find(sound);
        little.into_iter().chain(big).min().map(|i| piece + i as u64)
    })?;
    Ok(found.unwrap_or(to.len()))
}
