//! The footer in the last 64 bytes of a partition image.

use std::ops::Range;

use yumen_kit_container::Window;
use yumen_kit_container::window::num::{be32, be64};
use yumen_model::InspectError;

use crate::vbmeta;

/// Length of the footer.
pub const FOOTER_LEN: u64 = 64;

/// Where the parts of an image with a footer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Length of the image before anything was added.
    pub original: u64,
    /// The vbmeta structure.
    pub vbmeta: Range<u64>,
    /// The footer itself.
    pub at: Range<u64>,
}

/// The footer of an image of `len` bytes; none when there is none, or when it does not lead to a vbmeta structure.
///
/// # Errors
/// When the image can't be read.
pub fn find(window: &mut Window<'_>, len: u64) -> Result<Option<Footer>, InspectError> {
    let Some(at) = len.checked_sub(FOOTER_LEN) else { return Ok(None) };
    let Some(bytes) = window.array::<64>(at)? else { return Ok(None) };
    if bytes[..4] != *b"AVBf" || be32(&bytes, 4) != 1 {
        return Ok(None);
    }
    let (original, offset, size) = (be64(&bytes, 12), be64(&bytes, 20), be64(&bytes, 28));
    let Some(end) = offset.checked_add(size).filter(|&end| end <= at && original <= offset) else { return Ok(None) };
    if !vbmeta::starts(window.get(offset, vbmeta::HEADER_LEN)?) {
        return Ok(None);
    }
    Ok(Some(Footer { original, vbmeta: offset..end, at: at..len }))
}
