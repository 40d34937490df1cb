//! Java classes.

use yumen_kit_container::Container;
use yumen_kit_container::window::num::be16;
use yumen_model::{InspectError, Label};

use crate::common::Evidence;

/// Whether a head is a class: a version that exists, a constant pool whose first entry has a known tag.
pub(super) fn is_class(head: &[u8]) -> bool {
    head.len() > 10
        && (45..=80).contains(&be16(head, 6))
        && be16(head, 8) > 1
        && matches!(head[10], 1 | 3..=12 | 15..=20)
}

/// Reads the constant pool; the code behind it is shown as raw bytes.
pub(super) fn class(to: &mut Container<'_>, evidence: &mut Evidence<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let count = be16(to.window.get(8, 2)?, 0);
    let mut at = 10u64;
    let mut i = 1;
    while i < count {
        let b = to.window.get(at, 3)?.to_vec();
        if b.len() < 3 {
            break;
        }
        let size = match b[0] {
            1 => {
                let n = usize::from(be16(&b, 1));
                let text = to.window.get(at + 3, n)?.to_vec();
                evidence.bytes(to, &text, at + 3)?;
                3 + n as u64
            }
            3 | 4 | 9..=12 | 17 | 18 => 5,
            // Long numbers take two places.
            5 | 6 => {
                i += 1;
                9
            }
            7 | 8 | 16 | 19 | 20 => 3,
            15 => 4,
            _ => {
                to.raw(at..len)?;
                to.label(0..at, Label::Inspected)?;
                to.tell_at("corrupt", at);
                return Ok(());
            }
        };
        at += size;
        i += 1;
    }
    to.label(0..at.min(len), Label::Inspected)?;
    if i < count || at > len {
        to.tell_at("truncated", len);
    }
    to.raw(at.min(len)..len)
}
