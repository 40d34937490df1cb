//! Mach-O, single and universal.

use std::ops::Range;

use yumen_kit_container::window::num::{be32, le32};
use yumen_kit_container::{Container, Place};
use yumen_model::{ChildMeta, InspectError};

use crate::common::Evidence;

/// Architectures of a universal file.
const MAX_SLICES: u32 = 32;
const MAX_COMMANDS: u32 = 65536;

/// Whether a head is a universal file: its slices lie within it. A Java class bears the same number.
pub(super) fn is_universal(head: &[u8], len: u64) -> bool {
    let count = be32(head, 4);
    (1..=MAX_SLICES).contains(&count)
        && head.len() >= 8 + 20 * count as usize
        && (0..count as usize).all(|i| {
            let (offset, size) = (u64::from(be32(head, 16 + 20 * i)), u64::from(be32(head, 20 + 20 * i)));
            offset >= 8 + 20 * u64::from(count) && offset + size <= len && be32(head, 24 + 20 * i) < 32
        })
}

fn order(head: &[u8]) -> Option<(bool, bool)> {
    match head.get(..4)? {
        [0xfe, 0xed, 0xfa, 0xce] => Some((true, false)),
        [0xfe, 0xed, 0xfa, 0xcf] => Some((true, true)),
        [0xce, 0xfa, 0xed, 0xfe] => Some((false, false)),
        [0xcf, 0xfa, 0xed, 0xfe] => Some((false, true)),
        _ => None,
    }
}

/// Whether a head is a single program: its commands lie within it.
pub(super) fn is_macho(head: &[u8], len: u64) -> bool {
    let Some((big, wide)) = order(head) else { return false };
    let n = |at| if big { be32(head, at) } else { le32(head, at) };
    let header = if wide { 32 } else { 28 };
    head.len() >= header && (1..=12).contains(&n(12)) && n(16) < MAX_COMMANDS && header as u64 + u64::from(n(20)) <= len
}

/// Reads either.
pub(super) fn read(to: &mut Container<'_>, evidence: &mut Evidence<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let head = to.window.get(0, 8 + 20 * MAX_SLICES as usize)?.to_vec();
    if head.starts_with(&[0xca, 0xfe, 0xba, 0xbe]) {
        let mut claims = crate::common::Claims::default();
        let count = be32(&head, 4).min(MAX_SLICES);
        let table = 8 + 20 * u64::from(count);
        to.container(0..table)?;
        claims.add(0..table);
        for i in 0..count as usize {
            let cpu = be32(&head, 8 + 20 * i);
            let start = u64::from(be32(&head, 16 + 20 * i));
            let range = start..start.saturating_add(u64::from(be32(&head, 20 + 20 * i))).min(len);
            claims.add(range.clone());
            let name = match cpu {
                7 => "i386",
                0x0100_0007 => "x86_64",
                12 => "arm",
                0x0100_000c => "arm64",
                18 => "ppc",
                _ => "slice",
            };
            if range.start < range.end {
                to.hand_over_range(ChildMeta::named(name.as_bytes()), range)?;
            }
        }
        for free in claims.free(0..len) {
            to.residue(free, Place::Between)?;
        }
        return Ok(());
    }
    let Some((big, wide)) = order(&head) else { return Err(InspectError::corrupt(0, "the header is broken")) };
    let n = |b: &[u8], at| if big { be32(b, at) } else { le32(b, at) };
    let mut at = if wide { 32u64 } else { 28 };
    for _ in 0..n(&head, 16).min(MAX_COMMANDS) {
        let c = to.window.get(at, 32)?.to_vec();
        let size = u64::from(n(&c, 4));
        if c.len() < 8 || size < 8 {
            break;
        }
        match n(&c, 0) & 0x7fff_ffff {
            2 => {
                let strings = u64::from(n(&c, 16))..u64::from(n(&c, 16)) + u64::from(n(&c, 20));
                symbols(to, evidence, strings)?;
            }
            0xc | 0x18 | 0x1f => {
                let name = to.window.get(at + u64::from(n(&c, 8)), 512)?;
                let name = name[..memchr::memchr(0, name).unwrap_or(0)].to_vec();
                evidence.symbol(to, &name, "library", at + u64::from(n(&c, 8)))?;
            }
            _ => {}
        }
        at += size;
    }
    to.raw(0..len)
}

fn symbols(to: &mut Container<'_>, evidence: &mut Evidence<'_>, strings: Range<u64>) -> Result<(), InspectError> {
    let range = strings.start.min(to.len())..strings.end.min(to.len()).min(strings.start + (16 << 20));
    if range.start >= range.end {
        return Ok(());
    }
    let bytes = to.blob.bytes(range.clone()).map_err(|e| InspectError::read(range.start, &e))?;
    let mut at = range.start;
    for name in bytes.split(|&b| b == 0) {
        if name.len() > 1 {
            evidence.symbol(to, &name[..name.len().min(4096)], "symbol", at)?;
        }
        at += name.len() as u64 + 1;
    }
    Ok(())
}
