//! Archives and compressed streams: zip, tar, gzip, xz, zstd, bzip2, lz4, 7z, cpio, ar, deb, rpm.
//!
//! One module a format. A new one is a module and a line in [`READERS`].

mod ar;
mod bzip2;
mod container;
mod cpio;
mod family;
mod gzip;
mod lz4;
mod lzw;
mod rpm;
mod sevenz;
mod stream;
mod tar;
#[cfg(test)]
mod testing;
mod window;
mod xz;
mod zip;
mod zlib;
mod zstd;

use std::sync::LazyLock;

use family::ArchiveFormat;
use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: &[&dyn ArchiveFormat] = &[
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
    &xz::lzma::LzmaFiles,
    &lzw::Compress,
    &sevenz::SevenZip,
    &zlib::Zlib,
];

static FORMATS: LazyLock<Vec<Format>> =
    LazyLock::new(|| READERS.iter().flat_map(|r| r.formats().iter().copied()).collect());

/// Opens archives and compressed streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct ArchivePlugin;

impl Plugin for ArchivePlugin {
    fn formats(&self) -> &'static [Format] {
        &FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let mut best: Option<Identity> = None;
        for found in READERS.iter().filter_map(|r| r.identify(probe)) {
            if best.is_none_or(|b| found.certainty > b.certainty) {
                best = Some(found);
            }
        }
        best
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let reader = READERS.iter().find(|r| r.formats().iter().any(|f| f.name == artifact.format));
        match reader {
            Some(reader) => reader.inspect(artifact, context, out),
            None => Err(InspectError::unsupported("not a format of this family")),
        }
    }
}
