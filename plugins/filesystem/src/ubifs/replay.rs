//! Which nodes count: those of the index, then those of the journal in the order they were written. Where there is no index, all nodes in that order.

use std::collections::BTreeMap;

use yumen_kit_container::Container;
use yumen_kit_container::window::num::{le32, le64};
use yumen_model::InspectError;

use super::index::{self, Master};
use super::node::{BLOCK, Dent, Inode, Kind, Super, block_of};
use super::scan::{Node, Scan};

/// Directory entries: the directory (or the file that an attribute is of), whether it is an attribute, the name.
pub(super) type Names = BTreeMap<(u32, bool, Vec<u8>), (u32, usize)>;

/// The state of the file system; nodes by their number in the scan.
#[derive(Default)]
pub(super) struct Live {
    /// Content by inode and block.
    pub(super) data: BTreeMap<(u32, u32), usize>,
    pub(super) inodes: BTreeMap<u32, usize>,
    pub(super) names: Names,
    /// What the index names and is not there, by key: offset and length.
    pub(super) lost: BTreeMap<(u32, u32), (u64, u32)>,
    /// The index is broken.
    pub(super) rebuilt: bool,
}

impl Live {
    /// Takes up a node as the newest of its key.
    fn apply(&mut self, to: &mut Container<'_>, number: usize, node: &Node) -> Result<(), InspectError> {
        let bytes = to.window.get(node.at, node.len as usize)?;
        let inode = node.key.0;
        match node.kind {
            Kind::Data => {
                self.data.insert((inode, block_of(node.key.1)), number);
            }
            Kind::Inode if Inode::parse(bytes).links == 0 => self.remove(inode),
            Kind::Inode => {
                self.inodes.insert(inode, number);
            }
            Kind::Dent | Kind::Xent => {
                let dent = Dent::parse(bytes);
                let key = (inode, node.kind == Kind::Xent, dent.name);
                if dent.inode == 0 {
                    self.names.remove(&key);
                } else {
                    self.names.insert(key, (dent.inode, number));
                }
            }
            Kind::Truncate => {
                let first = u32::try_from(le64(bytes, 48).div_ceil(BLOCK)).unwrap_or(u32::MAX);
                remove_range(&mut self.data, (inode, first)..=(inode, u32::MAX));
                let data = 1 << 29;
                remove_range(&mut self.lost, (inode, data | first.min(data - 1))..=(inode, data | (data - 1)));
            }
            _ => {}
        }
        self.lost.remove(&node.key);
        Ok(())
    }

    /// Removes all that belongs to an inode.
    fn remove(&mut self, inode: u32) {
        self.inodes.remove(&inode);
        remove_range(&mut self.data, (inode, 0)..=(inode, u32::MAX));
        remove_range(&mut self.lost, (inode, 0)..=(inode, u32::MAX));
        let attributes = (inode, true, Vec::new());
        let keys: Vec<_> =
            self.names.range(attributes..).take_while(|(k, _)| k.0 == inode && k.1).map(|(k, _)| k.clone()).collect();
        for key in keys {
            if let Some((value, _)) = self.names.remove(&key) {
                self.inodes.remove(&value);
            }
        }
    }

    /// For each node whether it counts.
    pub(super) fn flags(&self, nodes: usize) -> Vec<bool> {
        let mut flags = vec![false; nodes];
        let numbers = self.data.values().chain(self.inodes.values()).copied().chain(self.names.values().map(|n| n.1));
        numbers.for_each(|n| flags[n] = true);
        flags
    }
}

fn remove_range<V>(map: &mut BTreeMap<(u32, u32), V>, range: std::ops::RangeInclusive<(u32, u32)>) {
    let keys: Vec<_> = map.range(range).map(|(k, _)| *k).collect();
    for key in keys {
        map.remove(&key);
    }
}

/// Finds out which nodes count.
pub(super) fn run(
    to: &mut Container<'_>,
    scan: &Scan,
    told: Option<&Super>,
    leb_size: Option<u64>,
) -> Result<Live, InspectError> {
    let mut live = Live::default();
    let mut replayed = None;
    if let Some(leb_size) = leb_size
        && let Some(master) = index::master(to, scan)?
        && let Some(leaves) = index::walk(to, scan, leb_size, &master)?
    {
        let mut deleted = Vec::new();
        for leaf in leaves {
            match scan.at(leaf.at).map(|i| (i, scan.nodes[i])) {
                Some((number, node)) if node.key == leaf.key && is_leaf(node.kind) => {
                    if node.kind == Kind::Inode && Inode::parse(to.window.get(node.at, 160)?).links == 0 {
                        // Deleted while it was open: the file system removes it when it is mounted.
                        deleted.push(leaf.key.0);
                    }
                    live.apply(to, number, &node)?;
                }
                _ => {
                    live.lost.insert(leaf.key, (leaf.at, leaf.len));
                }
            }
        }
        deleted.into_iter().for_each(|inode| live.remove(inode));
        replayed = Some(journal(to, scan, told, leb_size, &master)?);
    }
    live.rebuilt = replayed.is_none();
    let mut numbers = replayed.unwrap_or_else(|| (0..scan.nodes.len()).collect());
    numbers.retain(|&n| is_leaf(scan.nodes[n].kind) || scan.nodes[n].kind == Kind::Truncate);
    numbers.sort_by_key(|&n| scan.nodes[n].sequence);
    for number in numbers {
        live.apply(to, number, &scan.nodes[number])?;
    }
    Ok(live)
}

fn is_leaf(kind: Kind) -> bool {
    matches!(kind, Kind::Inode | Kind::Data | Kind::Dent | Kind::Xent)
}

/// The nodes written since the last commit: those in the blocks that the log refers to.
fn journal(
    to: &mut Container<'_>,
    scan: &Scan,
    told: Option<&Super>,
    leb_size: u64,
    master: &Master,
) -> Result<Vec<usize>, InspectError> {
    let log_end = told.map_or(u64::MAX, |s| (3 + u64::from(s.log_lebs)).saturating_mul(leb_size));
    let log: Vec<Node> = scan
        .nodes
        .iter()
        .filter(|n| n.at < log_end && matches!(n.kind, Kind::CommitStart | Kind::Reference))
        .copied()
        .collect();
    let mut begun = None;
    for node in log.iter().filter(|n| n.kind == Kind::CommitStart) {
        if le64(to.window.get(node.at, 32)?, 24) == master.commit {
            begun = begun.max(Some(node.sequence));
        }
    }
    let Some(begun) = begun else {
        // Without the log, the order of writing must tell.
        return Ok((0..scan.nodes.len()).filter(|&n| scan.nodes[n].sequence > master.sequence).collect());
    };
    let mut numbers = Vec::new();
    let mut blocks: BTreeMap<u32, u32> = BTreeMap::new();
    for node in log.iter().filter(|n| n.kind == Kind::Reference && n.sequence > begun) {
        let bytes = to.window.get(node.at, 64)?;
        let from = le32(bytes, 28);
        blocks.entry(le32(bytes, 24)).and_modify(|f| *f = (*f).min(from)).or_insert(from);
    }
    for (block, from) in blocks {
        let start = u64::from(block) * leb_size;
        let first = scan.nodes.partition_point(|n| n.at < start + u64::from(from));
        let last = scan.nodes.partition_point(|n| n.at < start.saturating_add(leb_size));
        numbers.extend(first..last.max(first));
    }
    Ok(numbers)
}
