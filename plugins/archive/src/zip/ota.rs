//! Of an Android OTA package: what its metadata says, told of the zip as a whole.

use std::io::Read as _;
use std::ops::Range;

use yumen_kit_android::ota;
use yumen_kit_container::Container;
use yumen_model::InspectError;

use super::entry::{Central, Local};

/// The member with the metadata.
const NAME: &[u8] = b"META-INF/com/android/metadata";

/// Reads the metadata of the entry in the directory at `at`, if that is what it is; tells it with whether the whole file is signed.
pub(super) fn tell(
    to: &mut Container<'_>,
    at: u64,
    offset: u64,
    directory: Range<u64>,
    signed: bool,
) -> Result<bool, InspectError> {
    let Some(central) = Central::read(&mut to.window, at, directory.end)? else { return Ok(false) };
    let header = &central.header;
    if header.name != NAME || header.encrypted() || header.decoded > ota::LONGEST as u64 {
        return Ok(false);
    }
    let Some(local) = Local::read(&mut to.window, offset, directory.start)? else { return Ok(false) };
    let data = local.data..local.data.saturating_add(header.encoded).min(directory.start);
    let reader = to.blob.range(data).reader();
    let mut bytes = Vec::new();
    let read = match header.method {
        0 => reader.take(ota::LONGEST as u64).read_to_end(&mut bytes),
        8 => flate2::read::DeflateDecoder::new(reader).take(ota::LONGEST as u64).read_to_end(&mut bytes),
        _ => return Ok(false),
    };
    // A broken member is told where it is opened.
    if read.is_err() {
        return Ok(false);
    }
    let Some(item) = ota::package(&bytes) else { return Ok(false) };
    to.inventory(item.with("signed", signed));
    Ok(true)
}
