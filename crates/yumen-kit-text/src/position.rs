//! From decoded text back to bytes.

use yumen_model::ByteMap;

use crate::charset::encoded_len;

/// The byte of the artifact at which the character at `text_offset` (in bytes of `text`) begins; at `text.len()`, the byte after the
/// last character. An offset inside a character counts as its start.
#[must_use]
pub fn position(map: &ByteMap, text: &str, text_offset: usize) -> u64 {
    let offset = text.floor_char_boundary(text_offset.min(text.len()));
    let after = map.anchors.partition_point(|&(t, _)| t as usize <= offset);
    let (from, byte) = match after.checked_sub(1).and_then(|i| map.anchors.get(i)) {
        Some(&(t, b)) => (t as usize, b),
        None => (0, 0),
    };
    byte + encoded_len(map.encoding, text.get(from..offset).unwrap_or(""))
}
