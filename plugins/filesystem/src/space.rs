//! Which bytes of an image belong to something: what is left over is free space, whatever the image's own bitmaps say.

use std::ops::Range;

/// Ranges that are spoken for. Neighbours are joined, so that a well laid out image of a million files takes little memory.
#[derive(Debug, Default)]
pub(crate) struct Space {
    runs: Vec<Range<u64>>,
    /// Length of `runs` at which it is put in order anew.
    compact_at: usize,
}

impl Space {
    /// Says that a range belongs to something.
    pub(crate) fn claim(&mut self, range: Range<u64>) {
        if range.start >= range.end {
            return;
        }
        if let Some(last) = self.runs.last_mut()
            && range.start <= last.end
            && range.end >= last.start
        {
            last.start = last.start.min(range.start);
            last.end = last.end.max(range.end);
            return;
        }
        self.runs.push(range);
        if self.runs.len() >= self.compact_at.max(1 << 16) {
            self.compact();
            self.compact_at = self.runs.len() * 2;
        }
    }

    fn compact(&mut self) {
        self.runs.sort_unstable_by_key(|r| r.start);
        let mut kept: Vec<Range<u64>> = Vec::new();
        for run in self.runs.drain(..) {
            match kept.last_mut() {
                Some(last) if run.start <= last.end => last.end = last.end.max(run.end),
                _ => kept.push(run),
            }
        }
        self.runs = kept;
    }

    /// What of `within` nobody has claimed, in order.
    pub(crate) fn gaps(mut self, within: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        self.compact();
        let mut at = within.start;
        let end = within.end;
        self.runs.push(end..end);
        self.runs.into_iter().filter_map(move |run| {
            let gap = at..run.start.min(end);
            at = at.max(run.end);
            (gap.start < gap.end).then_some(gap)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gaps_are_what_no_one_claimed(claims in proptest::collection::vec((0u64..120, 0u64..30), 0..20), from in 0u64..50, to in 50u64..110) {
            let mut space = Space::default();
            let mut taken = [false; 256];
            for (start, len) in claims {
                space.claim(start..start + len);
                taken[start as usize..(start + len) as usize].fill(true);
            }
            let mut free = vec![false; 256];
            let mut last = 0;
            for gap in space.gaps(from..to) {
                prop_assert!(gap.start >= last);
                last = gap.end;
                free[gap.start as usize..gap.end as usize].fill(true);
            }
            for at in 0..256usize {
                prop_assert_eq!(free[at], !taken[at] && (from..to).contains(&(at as u64)), "{}", at);
            }
        }
    }
}
