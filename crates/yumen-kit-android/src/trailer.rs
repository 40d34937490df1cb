//! What follows the content of a partition image.

use std::ops::Range;

use yumen_kit_container::Container;
use yumen_model::InspectError;

use crate::tree::{Algorithm, Tree, Verdict};
use crate::vbmeta::{self, Descriptor};
use crate::{footer, legacy};

/// Data longer than this is not compared with a plain digest.
const MOST_DIGESTED: u64 = 4 << 30;

/// What a range behind the content is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Follows from the data, and was seen to.
    Proven,
    /// Follows from the data, as far as the metadata says.
    Derived,
}

/// Accounts for everything from `from` to the end of the artifact, if verified boot put something there: hash tree, forward error correction, vbmeta and
/// footer, or the metadata of dm-verity before Android 8. Returns false, and has sent nothing, if it did not.
///
/// A hash tree that matches its data is structure; one that does not is told (`checksum-mismatch`) and swept as raw bytes, and so is forward error
/// correction, which is not recomputed. Gaps go to [`Container::unallocated`].
///
/// # Errors
/// The engine takes no more, or the blob can't be read.
pub fn trailer(to: &mut Container<'_>, from: u64) -> Result<bool, InspectError> {
    let len = to.len();
    if from >= len {
        return Ok(false);
    }
    let Some(footer) = footer::find(&mut to.window, len)? else {
        return legacy::trailer(to, from);
    };
    let Some(vbmeta) = vbmeta::read(&mut to.window, to.blob, footer.vbmeta.start)? else { return Ok(false) };
    if vbmeta.range.start < from || vbmeta.range.end > footer.at.start {
        return Ok(false);
    }
    let mut parts: Vec<(Range<u64>, Part)> = Vec::new();
    for descriptor in &vbmeta.descriptors {
        match descriptor {
            Descriptor::HashTree(t) if t.hash.image_size <= len => {
                if let Some(algorithm) = Algorithm::named(&t.hash.algorithm) {
                    let tree = Tree {
                        data: 0..t.hash.image_size,
                        tree: t.tree.clone(),
                        algorithm,
                        salt: t.hash.salt.clone(),
                        root: t.hash.digest.clone(),
                        data_block: t.blocks.0,
                        hash_block: t.blocks.1,
                    };
                    judge(to, &tree, &mut parts)?;
                } else {
                    parts.push((t.tree.clone(), Part::Derived));
                }
                parts.push((t.fec.clone(), Part::Derived));
            }
            Descriptor::Hash(h) if h.image_size <= len.min(MOST_DIGESTED) => {
                if let Some(algorithm) = Algorithm::named(&h.algorithm)
                    && !h.digest.is_empty()
                    && algorithm.digest_of(&h.salt, to.blob, 0..h.image_size)? != h.digest
                {
                    to.tell_at("checksum-mismatch", vbmeta.range.start);
                }
            }
            _ => {}
        }
    }
    vbmeta.claim(to)?;
    to.container(footer.at.start..footer.at.start + 36)?;
    to.padding(footer.at.start + 36..footer.at.end)?;
    fill(to, from, footer.at.start, parts, &[vbmeta.range])?;
    Ok(true)
}

/// Compares a tree with its data.
pub(crate) fn judge(
    to: &mut Container<'_>,
    tree: &Tree,
    parts: &mut Vec<(Range<u64>, Part)>,
) -> Result<(), InspectError> {
    match tree.verify(to.blob)? {
        Verdict::Matches => {
            let end = tree.tree.start + tree.len().unwrap_or(0);
            parts.push((tree.tree.start..end, Part::Proven));
        }
        Verdict::RootOnly => parts.push((tree.tree.clone(), Part::Derived)),
        Verdict::Differs | Verdict::Malformed => {
            to.tell_at("checksum-mismatch", tree.tree.start);
            parts.push((tree.tree.clone(), Part::Derived));
        }
    }
    Ok(())
}

/// Labels the parts between `from` and `end`; what lies between them and the ranges that are done is free.
pub(crate) fn fill(
    to: &mut Container<'_>,
    from: u64,
    end: u64,
    parts: Vec<(Range<u64>, Part)>,
    done: &[Range<u64>],
) -> Result<(), InspectError> {
    let mut all: Vec<(Range<u64>, Option<Part>)> =
        parts.into_iter().map(|(r, p)| (r, Some(p))).chain(done.iter().map(|r| (r.clone(), None))).collect();
    all.retain(|(r, _)| r.start < r.end);
    all.sort_by_key(|(r, _)| r.start);
    let mut at = from;
    for (range, part) in all {
        let range = range.start.clamp(from, end)..range.end.clamp(from, end);
        if range.start > at {
            to.unallocated(at..range.start)?;
        }
        let fresh = range.start.max(at)..range.end;
        if fresh.start < fresh.end {
            match part {
                Some(Part::Proven) => to.container(fresh)?,
                Some(Part::Derived) => to.raw(fresh)?,
                None => {}
            }
        }
        at = at.max(range.end);
    }
    if at < end {
        to.unallocated(at..end)?;
    }
    Ok(())
}
