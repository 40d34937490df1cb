//! Dalvik executables; binary XML and resource tables.

use std::collections::HashSet;

use yumen_kit_container::window::num::{le16, le32};
use yumen_kit_container::{Container, Place};
use yumen_model::{InspectError, Label};

use crate::common::Evidence;

/// Strings of one table.
const MAX_STRINGS: u64 = 4 << 20;

/// Whether a head is that of a DEX file: version, byte order, sizes.
pub(super) fn is_dex(head: &[u8], len: u64) -> bool {
    head.len() >= 112
        && head[4..7].iter().all(u8::is_ascii_digit)
        && head[7] == 0
        && le32(head, 36) == 0x70
        && matches!(le32(head, 40), 0x1234_5678 | 0x7856_3412)
        && u64::from(le32(head, 60)) < len.max(0x70) + 1
}

/// An unsigned LEB128 number and its length.
fn leb(b: &[u8]) -> (u64, usize) {
    let mut value = 0;
    for (i, &byte) in b.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return (value, i + 1);
        }
    }
    (value, b.len().min(5))
}

/// Reads the strings of a DEX file; those that name methods and fields are symbols.
pub(super) fn dex(to: &mut Container<'_>, evidence: &mut Evidence<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let h = to.window.get(0, 112)?.to_vec();
    if h.len() < 112 {
        return Err(InspectError::corrupt(0, "the header is cut short"));
    }
    let size = u64::from(le32(&h, 32)).min(len).max(112);
    if u64::from(le32(&h, 32)) > len {
        to.tell_at("truncated", len);
    }
    let mut names: HashSet<u32> = HashSet::new();
    for (count, start, item, field) in [(80, 84, 8, 4), (88, 92, 8, 4)] {
        let (count, start) = (u64::from(le32(&h, count)).min(MAX_STRINGS), u64::from(le32(&h, start)));
        for i in 0..count {
            let b = to.window.get(start + i * item, 8)?;
            if b.len() < 8 {
                break;
            }
            names.insert(le32(b, field));
        }
    }
    let (count, start) = (u64::from(le32(&h, 56)).min(MAX_STRINGS), u64::from(le32(&h, 60)));
    let mut offsets = yumen_kit_container::Window::new(to.blob);
    for i in 0..count {
        let b = offsets.get(start + 4 * i, 4)?;
        if b.len() < 4 {
            to.tell_at("truncated", len);
            break;
        }
        let at = u64::from(le32(b, 0));
        let head = to.window.get(at, 5)?;
        let (units, skip) = leb(head);
        // The length counts UTF-16 units of one to three bytes each.
        let most = usize::try_from(units.saturating_mul(3)).unwrap_or(usize::MAX).min(1 << 20);
        let bytes = to.window.get(at + skip as u64, most + 1)?;
        let text = bytes[..memchr::memchr(0, bytes).unwrap_or(bytes.len())].to_vec();
        if names.contains(&u32::try_from(i).unwrap_or(u32::MAX)) {
            evidence.symbol(to, &text, "function", at + skip as u64)?;
        } else {
            evidence.bytes(to, &text, at + skip as u64)?;
        }
    }
    // Strings are read above; what else there is are numbers and code.
    to.label(0..size, Label::Inspected)?;
    to.residue(size..len, Place::After)
}

/// Whether a head is a chunk as long as the file, with a string pool in it.
pub(super) fn is_chunk(head: &[u8], len: u64) -> bool {
    if head.len() < 20 {
        return false;
    }
    let (header, size) = (usize::from(le16(head, 2)), u64::from(le32(head, 4)));
    let pool = [le16(head, header), le16(head, header + 2)];
    size >= 20 && size <= len.next_multiple_of(4).max(size.min(len + 4096)) && pool == [1, 28] && size * 2 >= len
}

/// Goes through nested chunks and reads their string pools.
pub(super) fn chunks(to: &mut Container<'_>, evidence: &mut Evidence<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let head = to.window.get(0, 12)?.to_vec();
    let size = u64::from(le32(&head, 4)).min(len);
    if u64::from(le32(&head, 4)) > len {
        to.tell_at("truncated", len);
    }
    let mut at = u64::from(le16(&head, 2)).max(8);
    let mut chunks = 0;
    while at + 8 <= size && chunks < 1 << 20 {
        chunks += 1;
        let b = to.window.get(at, 8)?;
        let (kind, header, length) = (le16(b, 0), u64::from(le16(b, 2)), u64::from(le32(b, 4)));
        if length < 8 || header < 8 || at + length > size {
            to.tell_at("corrupt", at);
            break;
        }
        match kind {
            1 => pool(to, evidence, at, length)?,
            // A package has chunks of its own behind its header.
            0x200 => {
                at += header;
                continue;
            }
            _ => {}
        }
        at += length;
    }
    to.label(0..size, Label::Inspected)?;
    to.residue(size..len, Place::After)
}

fn pool(to: &mut Container<'_>, evidence: &mut Evidence<'_>, at: u64, length: u64) -> Result<(), InspectError> {
    let h = to.window.get(at, 28)?.to_vec();
    let (count, flags, strings) = (u64::from(le32(&h, 8)), le32(&h, 16), u64::from(le32(&h, 20)));
    let utf8 = flags & 0x100 != 0;
    let mut offsets = yumen_kit_container::Window::new(to.blob);
    for i in 0..count.min(length / 4) {
        let offset = u64::from(le32(offsets.get(at + 28 + 4 * i, 4)?, 0));
        let start = at + strings + offset;
        if start >= at + length {
            continue;
        }
        let b = to.window.get(start, 4)?.to_vec();
        if utf8 {
            // Two lengths: in characters and in bytes, each of one or two bytes.
            let skip = if b.first().is_some_and(|n| n & 0x80 != 0) { 2 } else { 1 };
            let b = to.window.get(start + skip, 2)?.to_vec();
            let (n, more) = match b[..] {
                [high, low, ..] if high & 0x80 != 0 => (usize::from(high & 0x7f) << 8 | usize::from(low), 2),
                [n, ..] => (usize::from(n), 1),
                _ => continue,
            };
            let text = to.window.get(start + skip + more, n)?.to_vec();
            evidence.bytes(to, &text, start + skip + more)?;
        } else {
            let first = le16(&b, 0);
            let (n, skip) = if first & 0x8000 == 0 {
                (usize::from(first), 2)
            } else {
                (usize::from(first & 0x7fff) << 16 | usize::from(le16(&b, 2)), 4)
            };
            let bytes = to.window.get(start + skip, n.min(1 << 20) * 2)?;
            let text = String::from_utf16_lossy(&bytes.chunks_exact(2).map(|u| le16(u, 0)).collect::<Vec<_>>());
            evidence.line(to, text.trim_end_matches('\0'), start + skip)?;
        }
    }
    Ok(())
}
