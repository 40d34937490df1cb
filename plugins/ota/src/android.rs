//! What Android devices are upgraded with: payloads, boot and super images, sparse images, verified boot, and the files in OTA packages.

pub(crate) mod avb;
pub(crate) mod boot;
pub(crate) mod dtbo;
pub(crate) mod kernel;
pub(crate) mod metadata;
pub(crate) mod new_data;
pub(crate) mod patch;
pub(crate) mod payload;
mod pb;
pub(crate) mod sparse;
pub(crate) mod super_image;
#[cfg(test)]
mod testing;
pub(crate) mod vendor_boot;

/// Text in a field that a zero byte ends.
fn field(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or(bytes)
}

/// As [`field`], for telling.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(field(bytes)).into_owned()
}
