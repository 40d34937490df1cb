//! WebAssembly modules and compiled Python.

use yumen_kit_container::window::num::{le16, le32};
use yumen_kit_container::{Container, Place};
use yumen_model::InspectError;

use crate::common::Evidence;

/// Whether a head is a compiled module of CPython 3: the magic number, flags, and a code object where it must be.
pub(super) fn is_pyc(head: &[u8]) -> bool {
    let magic = le16(head, 0);
    let code = |at: usize| head.get(at).is_some_and(|b| b & 0x7f == b'c');
    match magic {
        // Python 2: magic, time, code.
        62011..=62211 => code(8),
        // Up to 3.2 as before, with the size up to 3.6, with flags since.
        3000..=3180 => code(8),
        3190..=3379 => code(12),
        3390..=3700 => le32(head, 4) <= 3 && code(16),
        _ => false,
    }
}

/// Names and texts of a marshalled code object stand in it plainly.
pub(super) fn pyc(to: &mut Container<'_>) -> Result<(), InspectError> {
    to.raw(0..to.len())
}

fn leb(b: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (i, &byte) in b.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

/// Reads the sections of a module.
pub(super) fn wasm(to: &mut Container<'_>, evidence: &mut Evidence<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let mut at = 8u64;
    while at < len {
        let b = to.window.get(at, 6)?.to_vec();
        let Some((size, n)) = leb(b.get(1..).unwrap_or(&[])).filter(|(s, _)| b[0] <= 13 && at + 1 + s <= len) else {
            to.raw(0..at)?;
            if at < 16 {
                return Err(InspectError::corrupt(at, "no section where one must be"));
            }
            to.tell_at("corrupt", at);
            return to.residue(at..len, Place::After);
        };
        let start = at + 1 + n as u64;
        let end = (start + size).min(len);
        if matches!(b[0], 2 | 7) && size < 4 << 20 {
            let bytes = to.blob.bytes(start..end).map_err(|e| InspectError::read(start, &e))?;
            names(to, evidence, &bytes, start)?;
        }
        at = end;
    }
    to.raw(0..len)
}

/// Names of imports and exports: every printable name that is written with its length.
fn names(to: &mut Container<'_>, evidence: &mut Evidence<'_>, bytes: &[u8], base: u64) -> Result<(), InspectError> {
    let mut i = leb(bytes).map_or(0, |(_, n)| n);
    while i < bytes.len() {
        let Some((n, skip)) = leb(&bytes[i..]) else { break };
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        let name = bytes.get(i + skip..(i + skip).saturating_add(n)).unwrap_or(&[]);
        if n >= 2 && name.len() == n && name.iter().all(|b| (0x20..0x7f).contains(b)) {
            evidence.symbol(to, name, "function", base + (i + skip) as u64)?;
            i += skip + n;
        } else {
            i += 1;
        }
    }
    Ok(())
}
