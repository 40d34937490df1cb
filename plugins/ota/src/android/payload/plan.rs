//! In which order an image is put together: pieces by their place in it, whatever the order of the operations.

use super::manifest::{HOLE, Partition};

/// A piece of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// First byte in the image.
    pub(super) start: u64,
    /// Its length.
    pub(super) len: u64,
    /// The operation it comes from.
    pub(super) op: usize,
    /// First byte in that operation's output.
    pub(super) from: u64,
    /// Its number in the order of writing.
    pub(super) turn: usize,
}

impl Ord for Piece {
    /// What is written later lies on top.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.turn, self.start).cmp(&(other.turn, other.start))
    }
}

impl PartialOrd for Piece {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The pieces of a partition by their place. Where the same blocks are written more than once the last time counts. None when the figures make no image.
pub(super) fn pieces(partition: &Partition, block: u64) -> Option<Vec<Piece>> {
    let mut all = Vec::new();
    let mut turn = 0;
    for (op, operation) in partition.ops.iter().enumerate() {
        let mut from = 0u64;
        for &(start, blocks) in &operation.targets {
            let len = blocks.checked_mul(block)?;
            if start != HOLE {
                let start = start.checked_mul(block)?;
                start.checked_add(len)?;
                if len > 0 {
                    all.push(Piece { start, len, op, from, turn });
                }
                turn += 1;
            }
            from = from.checked_add(len)?;
        }
    }
    all.sort_by_key(|p| (p.start, p.turn));
    if all.windows(2).all(|w| w[0].start + w[0].len <= w[1].start) {
        return Some(all);
    }
    Some(settle(all))
}

/// Cuts pieces that overlap.
fn settle(all: Vec<Piece>) -> Vec<Piece> {
    use std::collections::{BTreeSet, BinaryHeap};
    let mut cuts: BTreeSet<u64> = BTreeSet::new();
    for p in &all {
        cuts.insert(p.start);
        cuts.insert(p.start + p.len);
    }
    let mut out: Vec<Piece> = Vec::new();
    // The latest operation is on top; those that have ended are dropped when they come up.
    let mut active: BinaryHeap<Piece> = BinaryHeap::new();
    let mut next = all.into_iter().peekable();
    let edges: Vec<u64> = cuts.into_iter().collect();
    for pair in edges.windows(2) {
        let &[start, end] = pair else { continue };
        while let Some(p) = next.next_if(|p| p.start <= start) {
            active.push(p);
        }
        while active.peek().is_some_and(|p| p.start + p.len <= start) {
            active.pop();
        }
        let Some(&top) = active.peek() else { continue };
        let piece = Piece { start, len: end - start, from: top.from + (start - top.start), ..top };
        match out.last_mut() {
            Some(last)
                if last.op == piece.op && last.start + last.len == start && last.from + last.len == piece.from =>
            {
                last.len += piece.len;
            }
            _ => out.push(piece),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::manifest::{Kind, Op};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against an image written operation by operation.
        #[test]
        fn the_plan_gives_what_writing_in_order_gives(
            ops in proptest::collection::vec(proptest::collection::vec((0u64..24, 0u64..5), 0..4), 0..10),
        ) {
            let mut image = vec![None; 40];
            for (i, targets) in ops.iter().enumerate() {
                let mut from = 0;
                for &(start, blocks) in targets {
                    for b in 0..blocks {
                        image[(start + b) as usize] = Some((i, from));
                        from += 1;
                    }
                }
            }
            let op = |targets: &Vec<(u64, u64)>| Op { kind: Kind::Replace, data: 0..0, targets: targets.clone(), hash: None };
            let partition = Partition { ops: ops.iter().map(op).collect(), ..Partition::default() };
            let pieces = pieces(&partition, 1).unwrap();
            prop_assert!(pieces.windows(2).all(|w| w[0].start + w[0].len <= w[1].start));
            let mut planned = vec![None; 40];
            for p in pieces {
                for b in 0..p.len {
                    planned[(p.start + b) as usize] = Some((p.op, p.from + b));
                }
            }
            prop_assert_eq!(planned, image);
        }
    }
}
