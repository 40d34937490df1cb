//! What several readers need of Android.
//!
//! - [`trailer`]: one call for readers of file systems and boot images, for what verified boot puts behind their content.
//! - [`vbmeta`]: the structure that holds descriptors, key and signature.
//! - [`footer`]: where the vbmeta of an image is.
//! - [`tree`]: a dm-verity hash tree, compared with the data it covers.
//! - [`ota`]: the metadata of an OTA package, for the member itself and for the zip around it.
//!
//! Source: AOSP external/avb, README.md and libavb headers; Linux Documentation/admin-guide/device-mapper/verity.rst; AOSP system/extras/verity and
//! libfec for the metadata before Android 8; AOSP build/make/tools/releasetools for OTA packages.

pub mod footer;
mod legacy;
pub mod ota;
mod trailer;
pub mod tree;
pub mod vbmeta;

pub use trailer::trailer;
