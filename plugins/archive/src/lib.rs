//! Archives and compressed streams: zip, tar, gzip, xz, zstd, bzip2, lz4, lzop, 7z, cpio, ar, deb, rpm.
//!
//! One module a format. A new one is a module and a line in [`READERS`].

mod ar;
mod bzip2;
mod cpio;
mod gzip;
mod lz4;
mod lzop;
mod lzw;
mod rpm;
mod sevenz;
mod stream;
mod tar;
#[cfg(test)]
mod testing;
mod xz;
mod zip;
mod zlib;
mod zstd;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[
    &zip::Zip,
    &tar::Tar,
    &cpio::Cpio,
    &ar::Ar,
    &rpm::Rpm,
    &gzip::Gzip,
    &xz::Xz,
    &zstd::Zstd,
    &bzip2::Bzip2,
    &lz4::Lz4,
    &lzop::Lzop,
    &xz::lzma::LzmaFiles,
    &lzw::Compress,
    &sevenz::SevenZip,
    &zlib::Zlib,
]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| READERS.formats());

/// Opens archives and compressed streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct ArchivePlugin;

impl Plugin for ArchivePlugin {
    fn formats(&self) -> &'static [Format] {
        &FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        READERS.identify(probe)
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        READERS.inspect(artifact, context, out)
    }
}
