//! Sets of byte ranges: which bytes of an image something was made of, and which are left over.

use std::ops::Range;

/// Ranges are joined once there are so many of them.
const MANY: usize = 1 << 16;

/// A set of byte ranges.
#[derive(Debug, Default)]
pub struct Cover {
    ranges: Vec<Range<u64>>,
    joined: usize,
}

impl Cover {
    /// Adds a range.
    pub fn add(&mut self, range: Range<u64>) {
        if range.start >= range.end {
            return;
        }
        if let Some(last) = self.ranges.last_mut()
            && range.start >= last.start
            && range.start <= last.end
        {
            last.end = last.end.max(range.end);
            return;
        }
        self.ranges.push(range);
        if self.ranges.len() > self.joined * 2 + MANY {
            self.join();
        }
    }

    fn join(&mut self) {
        self.ranges.sort_unstable_by_key(|r| r.start);
        self.ranges.dedup_by(|next, before| {
            let meets = next.start <= before.end;
            if meets {
                before.end = before.end.max(next.end);
            }
            meets
        });
        self.joined = self.ranges.len();
    }

    /// The ranges in order, none touching another.
    pub fn ranges(&mut self) -> &[Range<u64>] {
        self.join();
        &self.ranges
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &Cover) {
        self.ranges.extend(other.ranges.iter().cloned());
    }

    /// What of a range is in none of the set's.
    pub fn gaps(&mut self, within: Range<u64>) -> Vec<Range<u64>> {
        self.join();
        let mut at = within.start;
        let mut out = Vec::new();
        for r in &self.ranges {
            if r.start >= within.end {
                break;
            }
            if r.start > at {
                out.push(at..r.start);
            }
            at = at.max(r.end);
        }
        if at < within.end {
            out.push(at..within.end);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_and_gaps_part_the_whole(pieces in proptest::collection::vec((0u64..200, 0u64..30), 0..40)) {
            let mut cover = Cover::default();
            let mut bits = [false; 240];
            for (start, len) in pieces {
                cover.add(start..start + len);
                bits[start as usize..(start + len) as usize].fill(true);
            }
            let covered: Vec<u64> = cover.ranges().iter().cloned().flatten().collect();
            let free: Vec<u64> = cover.gaps(0..240).into_iter().flatten().collect();
            prop_assert_eq!(covered, (0..240).filter(|&i| bits[i as usize]).collect::<Vec<_>>());
            prop_assert_eq!(free, (0..240).filter(|&i| !bits[i as usize]).collect::<Vec<_>>());
        }
    }
}
