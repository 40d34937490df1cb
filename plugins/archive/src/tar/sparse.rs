//! Sparse members: their map and the extents that it makes.

use std::ops::Range;

use yumen_model::{Extent, InspectError};

use yumen_kit_container::Container;

/// Most pieces of a map.
pub(super) const MOST_PIECES: usize = 1 << 20;
/// Longest member with holes that is handed over as such, in bytes. Beyond it only the pieces that hold data are.
pub(super) const LONGEST: u64 = 1 << 36;

/// The pieces of a member that hold data: offset and length of each, in the member.
pub(super) type Map = Vec<(u64, u64)>;

/// The extents of a member whose stored pieces fill `data`; none when the map does not fit.
pub(super) fn extents(map: &[(u64, u64)], real: u64, data: &Range<u64>) -> Option<Vec<Extent>> {
    let mut out = Vec::with_capacity(map.len().saturating_mul(2));
    let (mut logical, mut at) = (0u64, data.start);
    for &(offset, len) in map {
        let end = offset.checked_add(len)?;
        if offset < logical || end > real {
            return None;
        }
        let next = at.checked_add(len).filter(|&n| n <= data.end)?;
        if offset > logical {
            out.push(Extent::Zero { len: offset - logical });
        }
        if len > 0 {
            out.push(Extent::of(at..next));
        }
        (logical, at) = (end, next);
    }
    if real > logical {
        out.push(Extent::Zero { len: real - logical });
    }
    (at == data.end && real <= LONGEST).then_some(out)
}

/// The map that stands before the content (sparse 1.0): the number of pieces, then offset and length of each, every number on a line.
/// Returns it and where the content begins.
pub(super) fn map_inside(
    to: &mut Container<'_>,
    data: Range<u64>,
    block: u64,
) -> Result<Option<(Map, u64)>, InspectError> {
    let mut at = data.start;
    let mut next = |to: &mut Container<'_>| -> Result<Option<u64>, InspectError> {
        let room = usize::try_from(data.end.saturating_sub(at)).unwrap_or(usize::MAX).min(21);
        let bytes = to.window.get(at, room)?;
        let Some(line) = bytes.iter().position(|&b| b == b'\n') else { return Ok(None) };
        let value = std::str::from_utf8(&bytes[..line]).ok().and_then(|s| s.parse().ok());
        at += line as u64 + 1;
        Ok(value)
    };
    let Some(count) = next(to)?.filter(|&n| n <= MOST_PIECES as u64) else { return Ok(None) };
    let mut map = Vec::new();
    for _ in 0..count {
        let (Some(offset), Some(len)) = (next(to)?, next(to)?) else { return Ok(None) };
        map.push((offset, len));
    }
    let content = data.start + (at - data.start).div_ceil(block) * block;
    Ok((content <= data.end).then_some((map, content)))
}
