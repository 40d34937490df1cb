//! dm-verity hash trees: levels of salted block digests, the level nearest the root first.

use std::ops::Range;

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use yumen_model::{Blob, InspectError};

/// Data longer than this is not hashed; the tree is then compared with its root only.
pub const MOST_HASHED: u64 = 16 << 30;
/// Bytes of data hashed at once.
const PIECE: usize = 1 << 20;

/// The digests that trees are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// By the name that descriptors and tables use.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(Algorithm::Sha1),
            "sha256" => Some(Algorithm::Sha256),
            "sha512" => Some(Algorithm::Sha512),
            _ => None,
        }
    }

    /// The digest of pieces, one after another.
    #[must_use]
    pub fn digest(self, pieces: &[&[u8]]) -> Vec<u8> {
        fn of<D: sha2::Digest>(pieces: &[&[u8]]) -> Vec<u8> {
            let mut hasher = D::new();
            pieces.iter().for_each(|p| hasher.update(p));
            hasher.finalize().to_vec()
        }
        match self {
            Algorithm::Sha1 => {
                let mut hasher = Sha1::new();
                pieces.iter().for_each(|p| sha1::Digest::update(&mut hasher, p));
                sha1::Digest::finalize(hasher).to_vec()
            }
            Algorithm::Sha256 => of::<Sha256>(pieces),
            Algorithm::Sha512 => of::<Sha512>(pieces),
        }
    }

    /// The digest of a salt and a range of a blob.
    ///
    /// # Errors
    /// When the blob can't be read.
    pub fn digest_of(self, salt: &[u8], blob: &Blob, range: Range<u64>) -> Result<Vec<u8>, InspectError> {
        fn of<D: sha2::Digest>(salt: &[u8], blob: &Blob, range: Range<u64>) -> Result<Vec<u8>, InspectError> {
            let mut hasher = D::new();
            hasher.update(salt);
            yumen_kit_container::window::sweep(blob, range, 0, |_, bytes| {
                hasher.update(bytes);
                None::<()>
            })?;
            Ok(hasher.finalize().to_vec())
        }
        match self {
            Algorithm::Sha1 => of::<Sha1>(salt, blob, range),
            Algorithm::Sha256 => of::<Sha256>(salt, blob, range),
            Algorithm::Sha512 => of::<Sha512>(salt, blob, range),
        }
    }

    fn len(self) -> u64 {
        match self {
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        }
    }
}

/// A tree and what it covers.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The data.
    pub data: Range<u64>,
    /// Where the tree is.
    pub tree: Range<u64>,
    /// Its digest.
    pub algorithm: Algorithm,
    /// What is hashed before each block.
    pub salt: Vec<u8>,
    /// The digest of the topmost block.
    pub root: Vec<u8>,
    /// Length of a block of data.
    pub data_block: u64,
    /// Length of a block of the tree.
    pub hash_block: u64,
}

/// What the comparison showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every byte of the tree follows from the data, and the root from the tree.
    Matches,
    /// The tree leads to its root; the data was too long to be compared.
    RootOnly,
    /// It does not match.
    Differs,
    /// The figures make no tree.
    Malformed,
}

impl Tree {
    /// The levels from the data upwards; none where the figures make no tree.
    fn levels(&self) -> Option<Vec<Range<u64>>> {
        let sane = |n: u64| (512..=65536).contains(&n) && n.is_power_of_two();
        let len = self.data.end.checked_sub(self.data.start)?;
        if !sane(self.data_block) || !sane(self.hash_block) || len == 0 {
            return None;
        }
        let stored = self.algorithm.len().next_power_of_two();
        let mut sizes = Vec::new();
        let mut blocks = len.div_ceil(self.data_block);
        while blocks > 1 || sizes.is_empty() && self.data_block != self.hash_block {
            let size = blocks.checked_mul(stored)?.checked_next_multiple_of(self.hash_block)?;
            sizes.push(size);
            blocks = size / self.hash_block;
            if blocks <= 1 {
                break;
            }
        }
        let total: u64 = sizes.iter().sum();
        if total > self.tree.end.checked_sub(self.tree.start)? {
            return None;
        }
        let mut at = self.tree.start + total;
        Some(
            sizes
                .iter()
                .map(|&size| {
                    at -= size;
                    at..at + size
                })
                .collect(),
        )
    }

    /// Length of the tree that the data makes; none where the figures make no tree.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        Some(self.levels()?.iter().map(|l| l.end - l.start).sum())
    }

    /// Whether the data makes no tree: it is one block, whose digest is the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Compares the tree with its data and its root.
    ///
    /// # Errors
    /// When the blob can't be read.
    pub fn verify(&self, blob: &Blob) -> Result<Verdict, InspectError> {
        let Some(levels) = self.levels() else { return Ok(Verdict::Malformed) };
        if self.data.end > blob.len() || self.tree.end > blob.len() {
            return Ok(Verdict::Malformed);
        }
        let long = self.data.end - self.data.start > MOST_HASHED;
        let mut below = self.data.clone();
        let mut block = self.data_block;
        for (i, level) in levels.iter().enumerate() {
            let compared = i > 0 || !long;
            if compared && !self.level(blob, &below, block, level)? {
                return Ok(Verdict::Differs);
            }
            (below, block) = (level.clone(), self.hash_block);
        }
        if below.end - below.start > block {
            return Ok(Verdict::Malformed);
        }
        let top = self.block(blob, &below, block)?;
        Ok(match (self.algorithm.digest(&[&self.salt, &top]) == self.root, long) {
            (false, _) => Verdict::Differs,
            (true, true) => Verdict::RootOnly,
            (true, false) => Verdict::Matches,
        })
    }

    /// A block, filled up with zeros.
    fn block(&self, blob: &Blob, range: &Range<u64>, block: u64) -> Result<Vec<u8>, InspectError> {
        let mut bytes = blob.bytes(range.clone()).map_err(|e| InspectError::read(range.start, &e))?;
        bytes.resize(usize::try_from(block).unwrap_or(0), 0);
        Ok(bytes)
    }

    /// Whether `level` holds the digests of the blocks of `below`, and nothing else.
    fn level(&self, blob: &Blob, below: &Range<u64>, block: u64, level: &Range<u64>) -> Result<bool, InspectError> {
        let block = usize::try_from(block).unwrap_or(4096);
        let stored = usize::try_from(self.algorithm.len().next_power_of_two()).unwrap_or(64);
        let digest = usize::try_from(self.algorithm.len()).unwrap_or(64);
        let (mut at, mut digests) = (below.start, level.start);
        let mut data = Vec::new();
        let mut want = Vec::new();
        while at < below.end {
            let n = usize::try_from(below.end - at).unwrap_or(usize::MAX).min(PIECE);
            data.resize(n, 0);
            blob.read_exact_at(at, &mut data).map_err(|e| InspectError::read(at, &e))?;
            // The last block is filled up with zeros.
            data.resize(n.next_multiple_of(block), 0);
            want.resize(data.len() / block * stored, 0);
            blob.read_exact_at(digests, &mut want).map_err(|e| InspectError::read(digests, &e))?;
            for (piece, entry) in data.chunks_exact(block).zip(want.chunks_exact(stored)) {
                let (told, padding) = entry.split_at(digest);
                if self.algorithm.digest(&[&self.salt, piece]) != told || padding.iter().any(|&b| b != 0) {
                    return Ok(false);
                }
            }
            at += n as u64;
            digests += want.len() as u64;
        }
        Ok(yumen_kit_container::window::first_nonzero(blob, digests..level.end)?.is_none())
    }
}
