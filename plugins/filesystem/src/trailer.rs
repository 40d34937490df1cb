//! What follows a file system in an image: padding up to the partition's size, and hash trees.
//!
//! Source: cryptsetup wiki, DMVerity (on-disk superblock version 1).

use yumen_kit_container::Container;
use yumen_kit_container::window::first_nonzero;
use yumen_kit_container::window::num::{le32, le64};
use yumen_model::InspectError;

/// Accounts for the bytes of the artifact from `end` on, where its file system ends.
pub(crate) fn after_image(to: &mut Container<'_>, end: u64) -> Result<(), InspectError> {
    if yumen_kit_android::trailer(to, end)? {
        return Ok(());
    }
    let len = to.len();
    let mut at = end;
    while let Some(next) = first_nonzero(to.blob, at..len)? {
        let start = next - next % 512;
        let Some(tree_end) = verity(to, start.max(at))? else {
            to.container(at..start.max(at))?;
            return to.trailing(start.max(at)..len);
        };
        to.container(at..tree_end)?;
        at = tree_end;
    }
    to.container(at..len)
}

/// The end of a dm-verity superblock and the hash tree behind it, if there is one at `at`.
fn verity(to: &mut Container<'_>, at: u64) -> Result<Option<u64>, InspectError> {
    let b = to.window.get(at, 512)?;
    if b.len() < 512 || !b.starts_with(b"verity\0\0") || le32(b, 8) != 1 || le32(b, 12) > 1 {
        return Ok(None);
    }
    let algorithm = b.get(32..64).unwrap_or(&[]);
    let name = algorithm.split(|&c| c == 0).next().unwrap_or(&[]);
    let digest: u64 = match name {
        b"sha1" => 20,
        b"sha224" | b"sha256" | b"sm3" | b"blake2b-256" | b"blake2s-256" | b"sha3-256" => 32,
        b"sha384" => 48,
        b"sha512" | b"blake2b-512" | b"sha3-512" => 64,
        _ => return Ok(None),
    };
    let (data_block, hash_block, blocks) = (u64::from(le32(b, 64)), u64::from(le32(b, 68)), le64(b, 72));
    let salt = usize::from(u16::from_le_bytes([b[80], b[81]]));
    let sane = |n: u64| n.is_power_of_two() && (512..=1 << 16).contains(&n);
    // All behind the salt is zero, so that nothing hides there.
    let rest_is_zero = salt <= 256 && b.get(88 + salt..).is_some_and(|rest| rest.iter().all(|&c| c == 0));
    if !sane(data_block) || !sane(hash_block) || blocks == 0 || !rest_is_zero {
        return Ok(None);
    }
    // It protects what stands before it.
    if blocks.checked_mul(data_block).is_none_or(|n| n > at.next_multiple_of(data_block)) {
        return Ok(None);
    }
    let per_block = 1 << (hash_block / digest.next_power_of_two()).ilog2();
    let mut level = blocks;
    let mut tree = 0;
    while level > 1 {
        level = level.div_ceil(per_block);
        tree += level;
    }
    // A single data block has a tree of one block all the same.
    let tree = tree.max(1) * hash_block;
    let end = (at + 512).next_multiple_of(hash_block) + tree;
    Ok((end <= to.len()).then_some(end))
}

#[cfg(test)]
mod tests {
    use yumen_kit_container::testing::{self, noise};
    use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

    use super::*;

    /// Takes the first 8 KiB for a file system.
    struct Trailing;

    impl Plugin for Trailing {
        fn formats(&self) -> &'static [Format] {
            &[]
        }
        fn identify(&self, _: &Probe<'_>) -> Option<Identity> {
            None
        }
        fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
            let mut to = Container::new(artifact, out);
            to.container(0..8192)?;
            let result = after_image(&mut to, 8192);
            to.finish(result)
        }
    }

    fn verity_block(blocks: u64, algorithm: &[u8]) -> Vec<u8> {
        let mut b = vec![0; 512];
        b[..8].copy_from_slice(b"verity\0\0");
        b[8] = 1;
        b[12] = 1;
        b[32..32 + algorithm.len()].copy_from_slice(algorithm);
        b[64..68].copy_from_slice(&4096u32.to_le_bytes());
        b[68..72].copy_from_slice(&4096u32.to_le_bytes());
        b[72..80].copy_from_slice(&blocks.to_le_bytes());
        b[80] = 32;
        b[88..120].copy_from_slice(&noise(1, 32));
        b
    }

    fn image(tail: &[u8]) -> testing::Recorded {
        let mut bytes = noise(3, 8192);
        bytes.extend_from_slice(tail);
        testing::inspect_as(&Trailing, "squashfs", "a.img", &bytes, testing::Engine::default())
    }

    #[test]
    fn zeros_are_padding() {
        image(&[0; 5000]).assert_clear();
        image(&[]).assert_clear();
    }

    #[test]
    fn a_hash_tree_is_structure_and_what_follows_it_is_not() {
        let mut tail = verity_block(2, b"sha256");
        tail.resize(4096, 0);
        tail.extend(noise(9, 4096));
        let found = image(&tail);
        found.assert_clear();
        assert!(found.children.is_empty());
        tail.extend(b"a signature");
        let found = image(&tail);
        assert_eq!(found.names(), ["[unallocated]"]);
        assert_eq!(found.child("[unallocated]").bytes, b"a signature");
    }

    #[test]
    fn a_superblock_that_does_not_fit_is_not_believed() {
        for (blocks, algorithm) in [(3, &b"sha256"[..]), (0, b"sha256"), (2, b"rot13"), (u64::MAX, b"sha256")] {
            let mut tail = verity_block(blocks, algorithm);
            tail.resize(4096, 0);
            tail.extend(noise(9, 4096));
            assert_eq!(image(&tail).child("[unallocated]").bytes.len(), 8192, "{blocks}");
        }
        let mut tail = verity_block(2, b"sha256");
        tail[300] = 7;
        tail.resize(8192, 0);
        assert_eq!(image(&tail).names(), ["[unallocated]"]);
    }
}
