//! Differences between files: bsdiff (`BSDIFF40`, and Android's `BSDF2`) and imgdiff (`IMGDIFF2`).
//!
//! Source: bsdiff 4.3 by Colin Percival; AOSP external/bsdiff (BSDF2), bootable/recovery/applypatch (imgdiff).

use std::ops::Range;

use yumen_kit_container::window::num::{le32, le64};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::{Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, Probe, Reason};

/// Reads differences.
pub(crate) struct Patch;

const FORMATS: &[Format] = &[
    Format {
        name: "bsdiff",
        title: "Binary difference (bsdiff)",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "`BSDIFF40` or `BSDF2`, and lengths that fit",
        reference: "https://www.daemonology.net/bsdiff/; AOSP external/bsdiff",
        evidence: "what the new file has and the old one has not (extra) as a child",
        limitations: &["what stands as a difference against the old file needs the old file"],
    },
    Format {
        name: "imgdiff",
        title: "Binary difference of images (imgdiff)",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "`IMGDIFF2` (or 1) and a number of chunks",
        reference: "AOSP bootable/recovery/applypatch/imgdiff.cpp",
        evidence: "raw chunks (chunk-1…) and the differences in it (chunk-1.bsdiff…) as children",
        limitations: &["what stands as a difference against the old file needs the old file"],
    },
];

/// Chunks read at most.
const MOST_CHUNKS: u32 = 1 << 16;

/// Lengths of control and difference blocks, and how control, difference and extra are compressed.
fn bsdiff(head: &[u8], len: u64) -> Option<(u64, u64, [u8; 3])> {
    let kinds = match head.get(..8)? {
        b"BSDIFF40" => [1; 3],
        [b'B', b'S', b'D', b'F', b'2', kinds @ ..] => <[u8; 3]>::try_from(kinds).ok()?,
        _ => return None,
    };
    let (control, difference, new) = (le64(head, 8), le64(head, 16), le64(head, 24));
    let fits = control.checked_add(difference).is_some_and(|n| n <= u64::MAX >> 1) && new <= u64::MAX >> 1;
    let sane = head.len() >= 32 && kinds.iter().all(|&k| k <= 2) && fits && control <= len.max(1 << 20);
    sane.then_some((control, difference, kinds))
}

fn is_imgdiff(head: &[u8]) -> bool {
    let chunks = le32(head, 8);
    matches!(head.get(..8), Some(b"IMGDIFF2" | b"IMGDIFF1"))
        && (1..=MOST_CHUNKS).contains(&chunks)
        && le32(head, 12) <= 3
        && head.len() >= 16
}

impl FormatReader for Patch {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let name = if bsdiff(probe.head, probe.blob.len()).is_some() {
            "bsdiff"
        } else if is_imgdiff(probe.head) {
            "imgdiff"
        } else {
            return None;
        };
        Some(Identity::new(name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = if artifact.format == "imgdiff" { chunks(&mut to) } else { blocks(&mut to) };
        to.finish(result)
    }
}

fn blocks(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let Some((control, difference, kinds)) = bsdiff(to.window.get(0, 32)?, len) else {
        return Err(InspectError::corrupt(0, "not the header of a difference"));
    };
    to.container(0..32)?;
    let (first, second) = (32 + control, 32 + control + difference);
    if second > len {
        to.tell_at("truncated", len);
    }
    // Control says what is copied from where.
    to.opaque(32..second.min(len), Reason::NeedsOldImage)?;
    if first >= len || second >= len {
        return Ok(());
    }
    let suffix = ["", ".bz2", ".br"][usize::from(kinds[2]).min(2)];
    let empty = second..len;
    // A stream of nothing.
    if kinds[2] == 1 && empty.end - empty.start == 14 {
        return to.container(empty);
    }
    to.hand_over_range(ChildMeta::named(format!("extra{suffix}").as_bytes()), empty)
}

fn chunks(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let head = to.window.get(0, 12)?;
    let version = head.get(7).copied().unwrap_or(b'2');
    let count = le32(head, 8).min(MOST_CHUNKS);
    let mut at = 12;
    let mut patches: Vec<(u64, u32)> = Vec::new();
    let mut raw: Vec<(Range<u64>, u32)> = Vec::new();
    for i in 1..=count {
        let kind = to.window.array::<4>(at)?.map(u32::from_le_bytes);
        // Type; then source, length and place of the patch; of deflated chunks also lengths and parameters.
        let size = match kind {
            Some(0) => 28,
            Some(1) => 44,
            Some(2) if version == b'1' => 56,
            Some(2) => 64,
            Some(3) => 8,
            _ => {
                to.tell_at(if at + 4 > len { "truncated" } else { "bad-entry" }, at);
                break;
            }
        };
        let header = to.window.get(at, size)?;
        if header.len() < size {
            to.tell_at("truncated", at);
            break;
        }
        let next = at + size as u64;
        if kind == Some(3) {
            let end = next + u64::from(le32(header, 4));
            if end > len {
                to.tell_at("truncated", len);
            }
            raw.push((next..end.min(len), i));
            to.container(at..next)?;
            at = end.min(len);
            continue;
        }
        patches.push((le64(header, 20), i));
        to.container(at..next)?;
        at = next;
    }
    to.container(0..12)?;
    for (range, i) in raw {
        if !range.is_empty() {
            to.hand_over_range(ChildMeta::named(format!("chunk-{i}").as_bytes()), range)?;
        }
    }
    patches.sort_unstable();
    let mut done = at;
    for (n, &(start, i)) in patches.iter().enumerate() {
        let end = patches[n + 1..].iter().map(|p| p.0).find(|&p| p > start).unwrap_or(len).min(len);
        if start < done || start >= len {
            // Chunks may share a patch.
            if start >= len {
                to.tell_at("truncated", len);
            }
            continue;
        }
        if start > done {
            to.residue(done..start, Place::Between)?;
        }
        to.hand_over_range(ChildMeta::named(format!("chunk-{i}.bsdiff").as_bytes()), start..end)?;
        done = end;
    }
    if done < len { to.residue(done..len, Place::After) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
