//! Short texts in fixed fields.

use std::ops::Range;

use yumen_kit_container::Container;
use yumen_model::{ChildMeta, InspectError};

/// Longer texts become children.
const SHORT: u64 = 4096;

/// A field of fixed length: its text up to the first zero byte goes to the detectors, the rest is padding.
pub(crate) fn field(to: &mut Container<'_>, range: Range<u64>, name: &str) -> Result<(), InspectError> {
    let len = range.end.min(to.len()).saturating_sub(range.start);
    if len == 0 {
        return Ok(());
    }
    if len > SHORT {
        // The zeros behind a long text are no part of it.
        let tail = (len - SHORT / 4).max(1);
        let last = to.window.get(range.start + tail, usize::try_from(len - tail).unwrap_or(0))?;
        let used = last.iter().rposition(|&b| b != 0).map_or(tail, |i| tail + i as u64 + 1);
        to.hand_over_range(ChildMeta::named(name.as_bytes()), range.start..range.start + used)?;
        return to.container(range.start + used..range.end);
    }
    let bytes = to.window.get(range.start, usize::try_from(len).unwrap_or(0))?;
    let text = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let readable = std::str::from_utf8(&bytes[..text])
        .is_ok_and(|t| !t.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')));
    let rest_is_zero = bytes[text..].iter().all(|&b| b == 0);
    let split = range.start + text as u64;
    if readable && rest_is_zero {
        to.comment(range.start..split)?;
        return to.container(split..range.start + len);
    }
    if readable && text > 0 && len <= 64 {
        // What stands behind the end of a short name was never cleared.
        to.comment(range.start..split)?;
        return to.padding(split..range.start + len);
    }
    to.hand_over_range(ChildMeta::named(name.as_bytes()), range.start..range.start + len)
}
