//! File-system images and disks: ext2/3/4, squashfs, EROFS, FAT, exFAT, UBI, UBIFS, JFFS2, cramfs, romfs, YAFFS2, ISO 9660, qcow2, GPT, MBR.
//!
//! One module a format. A new one is a module and a line in [`READERS`].

mod flash;
mod jffs2;
mod nand;
mod ubi;
mod ubifs;
mod yaffs2;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[&nand::Nand, &ubi::Ubi, &ubifs::Ubifs, &jffs2::Jffs2, &yaffs2::Yaffs2]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| READERS.formats());

/// Opens file-system images and disks.
#[derive(Clone, Copy, Debug, Default)]
pub struct FilesystemPlugin;

impl Plugin for FilesystemPlugin {
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
