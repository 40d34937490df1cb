//! What stands behind a file system in the same image: padding, hash trees that prove it, and what an image copied from a live device carries along.

use yumen_kit_container::Container;
use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_model::InspectError;

/// Digest lengths of dm-verity's algorithms, as they are spaced in the tree (rounded up to a power of two).
const DIGESTS: &[(&[u8], u64)] = &[
    (b"sha1", 32),
    (b"sha224", 32),
    (b"sha256", 32),
    (b"sha384", 64),
    (b"sha512", 64),
    (b"sm3", 32),
    (b"blake2b-256", 32),
    (b"blake2s-256", 32),
    (b"sha3-256", 32),
];

/// Accounts for the bytes of the artifact from `end`, where the file system ends: zeros and a dm-verity superblock with its hash tree are structure, the
/// rest is handed over as free space.
///
/// # Errors
/// When the bytes can't be read, or the engine takes no more.
pub(crate) fn after_image(to: &mut Container<'_>, end: u64) -> Result<(), InspectError> {
    let len = to.len();
    if end >= len {
        return Ok(());
    }
    let mut at = end;
    // veritysetup puts its superblock at a given offset, as a rule right behind the data.
    for start in [end, end.next_multiple_of(4096)] {
        if let Some(tree_end) = verity_end(to, start, end)? {
            to.unallocated(at..start)?;
            to.container(start..tree_end)?;
            at = tree_end;
            break;
        }
    }
    // An AVB trailer (hash tree, FEC, vbmeta, footer) is to be told apart here once a kit reads it.
    to.unallocated(at..len)
}

/// Where the hash tree behind a dm-verity superblock at `start` ends, if there is one that fits the data before it.
fn verity_end(to: &mut Container<'_>, start: u64, end: u64) -> Result<Option<u64>, InspectError> {
    let Some(head) = to.window.array::<512>(start)? else { return Ok(None) };
    if !head.starts_with(b"verity\0\0") || le32(&head, 8) != 1 || le32(&head, 12) > 1 {
        return Ok(None);
    }
    let algorithm = head[32..64].split(|&b| b == 0).next().unwrap_or(&[]);
    let (data_block, hash_block) = (u64::from(le32(&head, 64)), u64::from(le32(&head, 68)));
    let (blocks, salt) = (le64(&head, 72), le16(&head, 80));
    let sane = |n: u64| n.is_power_of_two() && (512..=1 << 19).contains(&n);
    let Some(&(_, digest)) = DIGESTS.iter().find(|(name, _)| *name == algorithm) else { return Ok(None) };
    if !sane(data_block) || !sane(hash_block) || salt > 256 {
        return Ok(None);
    }
    let covered = blocks.checked_mul(data_block);
    if covered.is_none_or(|n| n == 0 || n > start || n + (1 << 20) < end) {
        return Ok(None);
    }
    let per_block = hash_block / digest;
    let (mut level, mut tree) = (blocks, 0u64);
    while level > 1 {
        level = level.div_ceil(per_block);
        tree += level;
    }
    let tree_end = (start + 512).next_multiple_of(hash_block) + tree * hash_block;
    Ok((tree_end <= to.len()).then_some(tree_end))
}
