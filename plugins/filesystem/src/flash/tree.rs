//! Paths out of directory entries that name their parent by number.

use std::collections::HashMap;

/// Deeper paths, and those that lead in a circle or to no root, begin with `[lost]`.
const MAX_DEPTH: usize = 128;

/// Directory entries: a name in a directory, for an inode.
pub(crate) struct Tree {
    root: u64,
    /// Of each directory: the one it lies in, and its name there.
    directories: HashMap<u64, (u64, Vec<u8>)>,
}

impl Tree {
    pub(crate) fn new(root: u64) -> Self {
        Tree { root, directories: HashMap::new() }
    }

    /// Says where a directory lies. The first word counts.
    pub(crate) fn directory(&mut self, ino: u64, parent: u64, name: &[u8]) {
        if ino != self.root {
            self.directories.entry(ino).or_insert_with(|| (parent, name.to_vec()));
        }
    }

    /// The path of a name in a directory.
    pub(crate) fn path(&self, parent: u64, name: &[u8]) -> Vec<u8> {
        let mut parts = vec![name];
        let mut at = parent;
        while at != self.root {
            match self.directories.get(&at) {
                Some((up, name)) if parts.len() < MAX_DEPTH => {
                    parts.push(name);
                    at = *up;
                }
                _ => {
                    parts.truncate(1);
                    parts.push(b"[lost]");
                    break;
                }
            }
        }
        parts.reverse();
        parts.join(&b'/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_and_orphans_are_lost() {
        let mut tree = Tree::new(1);
        tree.directory(2, 1, b"etc");
        tree.directory(3, 2, b"opt");
        tree.directory(4, 5, b"a");
        tree.directory(5, 4, b"b");
        assert_eq!(tree.path(1, b"x"), b"x");
        assert_eq!(tree.path(3, b"x"), b"etc/opt/x");
        assert_eq!(tree.path(4, b"x"), b"[lost]/x");
        assert_eq!(tree.path(9, b"x"), b"[lost]/x");
    }
}
