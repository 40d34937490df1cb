//! The index: a tree of index nodes from the root that the master node names down to the nodes that count.

use std::collections::HashSet;

use yumen_kit_container::Container;
use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_model::InspectError;

use super::node::{Kind, key};
use super::scan::Scan;

/// No index is deeper.
const MAX_LEVEL: u16 = 32;

/// What the newest master node tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Master {
    pub(super) sequence: u64,
    pub(super) commit: u64,
    root: (u32, u32),
}

/// A node that counts, as the index names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    pub(super) key: (u32, u32),
    pub(super) at: u64,
    pub(super) len: u32,
}

/// The newest master node.
pub(super) fn master(to: &mut Container<'_>, scan: &Scan) -> Result<Option<Master>, InspectError> {
    let newest = scan.nodes.iter().filter(|n| n.kind == Kind::Master).max_by_key(|n| n.sequence);
    let Some(node) = newest else { return Ok(None) };
    let bytes = to.window.get(node.at, 512)?;
    Ok(Some(Master { sequence: node.sequence, commit: le64(bytes, 32), root: (le32(bytes, 48), le32(bytes, 52)) }))
}

/// Goes through the index; none where a part of it is missing.
pub(super) fn walk(
    to: &mut Container<'_>,
    scan: &Scan,
    leb_size: u64,
    master: &Master,
) -> Result<Option<Vec<Leaf>>, InspectError> {
    let offset = |lnum: u32, offs: u32| u64::from(lnum) * leb_size + u64::from(offs);
    let mut leaves = Vec::new();
    let mut seen = HashSet::new();
    let mut stack = vec![(offset(master.root.0, master.root.1), None::<u16>)];
    while let Some((at, parent)) = stack.pop() {
        let Some(node) = scan.at(at).map(|i| scan.nodes[i]).filter(|n| n.kind == Kind::Index) else { return Ok(None) };
        let bytes = to.window.get(at, node.len as usize)?;
        let (count, level) = (usize::from(le16(bytes, 24)), le16(bytes, 26));
        let below = parent.is_none_or(|p| level.checked_add(1) == Some(p));
        if !below || level > MAX_LEVEL || count == 0 || !seen.insert(at) {
            return Ok(None);
        }
        // Where the image is authenticated, a hash follows each key.
        let width = (bytes.len() - 28) / count;
        if width < 20 {
            return Ok(None);
        }
        let mut children = Vec::new();
        for branch in bytes[28..].chunks_exact(width).take(count) {
            let at = offset(le32(branch, 0), le32(branch, 4));
            if level == 0 {
                leaves.push(Leaf { key: key(branch, 12), at, len: le32(branch, 8) });
            } else {
                children.push((at, Some(level)));
            }
        }
        stack.extend(children.into_iter().rev());
    }
    Ok(Some(leaves))
}
