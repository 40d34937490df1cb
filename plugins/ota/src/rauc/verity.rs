//! The hash tree of dm-verity, as bundles have it: SHA-256 over blocks of 4 KiB, the topmost level first. Recomputed, so that nothing else can stand there.

use sha2::{Digest, Sha256};
use yumen_kit_container::Window;
use yumen_kit_container::window::sweep;
use yumen_model::{Blob, InspectError};

use super::manifest::Settings;

/// Size of the blocks of data and of the tree.
pub(super) const BLOCK: u64 = 4096;
/// Length of a digest.
const DIGEST: u64 = 32;
const PER_BLOCK: u64 = BLOCK / DIGEST;

/// What the manifest says of the tree.
pub(super) struct Tree {
    root: Vec<u8>,
    salt: Vec<u8>,
    /// Length of the tree.
    pub(super) size: u64,
}

impl Tree {
    /// The tree that a manifest tells of.
    pub(super) fn of(settings: &Settings) -> Option<Tree> {
        let hex = |key| settings.get("bundle", key).and_then(unhex);
        let size: u64 = settings.get("bundle", "verity-size")?.parse().ok()?;
        Some(Tree { root: hex("verity-hash")?, salt: hex("verity-salt")?, size })
    }

    /// Whether the tree that begins at `start`, where the data ends, is that of the data before it.
    pub(super) fn matches(&self, blob: &Blob, start: u64) -> Result<bool, InspectError> {
        let mut below = start / BLOCK;
        if below == 0 {
            return Ok(false);
        }
        // Levels from the lowest; none when there is one block of data.
        let mut counts = Vec::new();
        while below > 1 {
            below = below.div_ceil(PER_BLOCK);
            counts.push(below);
        }
        if counts.iter().sum::<u64>().saturating_mul(BLOCK) != self.size {
            return Ok(false);
        }
        let mut window = Window::new(blob);
        let (mut from, mut blocks) = (0, start / BLOCK);
        let mut end = start + self.size;
        for count in counts {
            let at = end - count * BLOCK;
            if !self.level(blob, &mut window, from..from + blocks * BLOCK, at, end)? {
                return Ok(false);
            }
            (from, blocks, end) = (at, count, at);
        }
        let top = window.get(from, BLOCK as usize)?;
        Ok(self.digest(top)[..] == self.root[..])
    }

    /// Whether the digests between `at` and `end` are those of the blocks of `data`, with zeros behind them.
    fn level(
        &self,
        blob: &Blob,
        window: &mut Window<'_>,
        data: std::ops::Range<u64>,
        at: u64,
        end: u64,
    ) -> Result<bool, InspectError> {
        let mut next = at;
        let mut failed = None;
        let wrong = sweep(blob, data, 0, |_, bytes| {
            // Pieces are doubled from 4 KiB on: all are whole blocks.
            for block in bytes.chunks(BLOCK as usize) {
                match window.get(next, DIGEST as usize) {
                    Ok(stored) if *stored == self.digest(block)[..] => {}
                    Ok(_) => return Some(()),
                    Err(e) => {
                        failed = Some(e);
                        return Some(());
                    }
                }
                next += DIGEST;
            }
            None
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let rest = usize::try_from(end.saturating_sub(next)).unwrap_or(usize::MAX);
        Ok(wrong.is_none() && next <= end && rest < BLOCK as usize && window.get(next, rest)?.iter().all(|&b| b == 0))
    }

    fn digest(&self, block: &[u8]) -> sha2::digest::Output<Sha256> {
        Sha256::new().chain_update(&self.salt).chain_update(block).finalize()
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() % 2 == 1 || text.len() > 1024 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
}
