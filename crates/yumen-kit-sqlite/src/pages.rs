//! What is known of each page. Eight bytes a page, kept only for stretches in which one was met.

use std::collections::BTreeMap;

/// Pages in a stretch.
const STRETCH: u32 = 256;

/// What a page was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Of a b-tree whose rows were read.
    Tree,
    /// Of a b-tree that repeats what a table holds.
    Index,
    /// Of a value that goes on from its page; the bytes up to here belong to it.
    Overflow(u32),
    /// A list of free pages.
    Trunk,
    Free,
    PointerMap,
    /// Of a table that nobody read.
    Unread,
    Damaged,
}

/// One page's entry: what it is, whether bytes of it that belong to nothing are not zero, and which pass over a tree met it last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) used: Use,
    pub(crate) gaps: bool,
    pub(crate) pass: u16,
}

type Slot = (u32, u16);

const EMPTY: Slot = (0, 0);

/// The map of pages.
#[derive(Debug, Default)]
pub(crate) struct PageMap(BTreeMap<u32, Box<[Slot; STRETCH as usize]>>);

impl PageMap {
    pub(crate) fn get(&self, page: u32) -> Option<Entry> {
        let (word, pass) = self.0.get(&(page / STRETCH))?[(page % STRETCH) as usize];
        let used = match word & 15 {
            1 => Use::Tree,
            2 => Use::Index,
            3 => Use::Overflow(word >> 8),
            4 => Use::Trunk,
            5 => Use::Free,
            6 => Use::PointerMap,
            7 => Use::Unread,
            8 => Use::Damaged,
            _ => return None,
        };
        Some(Entry { used, gaps: word & 16 != 0, pass })
    }

    pub(crate) fn set(&mut self, page: u32, entry: Entry) {
        let kind = match entry.used {
            Use::Tree => 1,
            Use::Index => 2,
            Use::Overflow(end) => 3 | end << 8,
            Use::Trunk => 4,
            Use::Free => 5,
            Use::PointerMap => 6,
            Use::Unread => 7,
            Use::Damaged => 8,
        };
        let stretch = self.0.entry(page / STRETCH).or_insert_with(|| Box::new([EMPTY; STRETCH as usize]));
        stretch[(page % STRETCH) as usize] = (kind | if entry.gaps { 16 } else { 0 }, entry.pass);
    }

    /// The first page from `page` on that may have an entry.
    pub(crate) fn next_known(&self, page: u32) -> Option<u32> {
        let (&stretch, _) = self.0.range(page / STRETCH..).next()?;
        Some((stretch * STRETCH).max(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were_set() {
        let mut map = PageMap::default();
        for (i, used) in [Use::Tree, Use::Overflow(65536), Use::Free, Use::Damaged, Use::Index].into_iter().enumerate()
        {
            let page = 1000 * i as u32 + 255;
            map.set(page, Entry { used, gaps: i % 2 == 0, pass: i as u16 });
            let back = map.get(page).unwrap();
            assert_eq!((back.used, back.gaps, back.pass), (used, i % 2 == 0, i as u16));
        }
        assert!(map.get(256).is_none() && map.get(77_777).is_none());
        assert_eq!(map.next_known(300), Some(1024));
        assert_eq!(map.next_known(5000), None);
    }
}
