//! LZ4 blocks. Reference: lz4_Block_format.md of the LZ4 project.

use super::Broken;

/// Decodes a block until it ends or `most` bytes are out; returns how many bytes of input that took.
///
/// # Errors
/// When it is broken or cut short.
pub fn lz4(input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<usize, Broken> {
    out.clear();
    out.reserve(most);
    let mut at = 0;
    loop {
        let token = *input.get(at).ok_or(Broken)?;
        at += 1;
        let literals = length(input, &mut at, usize::from(token >> 4), 15)?;
        let n = literals.min(most - out.len());
        let bytes = at.checked_add(n).and_then(|end| input.get(at..end)).ok_or(Broken)?;
        out.extend_from_slice(bytes);
        at += n;
        if out.len() == most || at == input.len() {
            return Ok(at);
        }
        let distance = match input.get(at..at + 2) {
            Some(&[a, b]) => usize::from(u16::from_le_bytes([a, b])),
            _ => return Err(Broken),
        };
        at += 2;
        let n = length(input, &mut at, usize::from(token & 15), 15)?.saturating_add(4);
        repeat(out, distance, n.min(most - out.len()))?;
        if out.len() == most {
            // A complete block ends with literals: of a whole one only an empty sequence can be left.
            return Ok(if input.get(at..) == Some(&[0]) { input.len() } else { at });
        }
    }
}

fn length(input: &[u8], at: &mut usize, nibble: usize, full: usize) -> Result<usize, Broken> {
    let mut n = nibble;
    if nibble == full {
        loop {
            let more = *input.get(*at).ok_or(Broken)?;
            *at += 1;
            n = n.checked_add(usize::from(more)).ok_or(Broken)?;
            if more != 255 {
                break;
            }
        }
    }
    Ok(n)
}

/// Appends `n` bytes that stand `distance` bytes back; they may overlap with what is appended.
pub(super) fn repeat(out: &mut Vec<u8>, distance: usize, n: usize) -> Result<(), Broken> {
    let from = out.len().checked_sub(distance).filter(|_| distance > 0).ok_or(Broken)?;
    let mut left = n;
    while left > 0 {
        // What was appended repeats with the same distance, so each step may take twice as much.
        let step = left.min(out.len() - from);
        out.extend_from_within(from..from + step);
        left -= step;
    }
    Ok(())
}
