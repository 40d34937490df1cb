//! The checksums of FIT images.

use std::ops::Range;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use yumen_kit_container::window::{CHECKED_STORED, crc_of, sweep};
use yumen_model::{Blob, InspectError};

/// Whether the stored value is that of the data; none where the algorithm is not known or the data are too long to be read twice.
pub(super) fn check(
    blob: &Blob,
    range: Range<u64>,
    algorithm: &str,
    value: &[u8],
) -> Result<Option<bool>, InspectError> {
    if range.end - range.start > CHECKED_STORED {
        return Ok(None);
    }
    Ok(Some(match algorithm {
        "crc32" => crc_of(blob, range)?.to_be_bytes() == value,
        "md5" => digest::<Md5>(blob, range)? == value,
        "sha1" => digest::<Sha1>(blob, range)? == value,
        "sha256" => digest::<Sha256>(blob, range)? == value,
        "sha384" => digest::<Sha384>(blob, range)? == value,
        "sha512" => digest::<Sha512>(blob, range)? == value,
        _ => return Ok(None),
    }))
}

fn digest<D: Digest>(blob: &Blob, range: Range<u64>) -> Result<Vec<u8>, InspectError> {
    let mut hasher = D::new();
    sweep(blob, range, 0, |_, bytes| {
        hasher.update(bytes);
        None::<()>
    })?;
    Ok(hasher.finalize().to_vec())
}
