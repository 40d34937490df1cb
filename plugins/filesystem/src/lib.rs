//! File-system images and disks: ext2/3/4, squashfs, EROFS, FAT, exFAT, UBI, UBIFS, JFFS2, cramfs, romfs, YAFFS2, ISO 9660, qcow2, GPT, MBR.
//!
//! One module a format. A new one is a module and a line in [`READERS`].

mod cramfs;
mod disk;
mod entry;
mod erofs;
mod exfat;
mod ext4;
mod fat;
mod flash;
mod iso9660;
mod jffs2;
mod nand;
mod other;
mod qcow2;
#[cfg(test)]
mod readonly;
mod romfs;
mod space;
mod squashfs;
#[cfg(test)]
mod testing;
mod trailer;
mod ubi;
mod ubifs;
mod vdisk;
mod yaffs2;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[
    &squashfs::Squashfs,
    &erofs::Erofs,
    &cramfs::Cramfs,
    &romfs::Romfs,
    &ext4::Ext4,
    &iso9660::Iso9660,
    &fat::Fat,
    &exfat::ExFat,
    &qcow2::Qcow2,
    &vdisk::VirtualDisk,
    &other::Other,
    &nand::Nand,
    &ubi::Ubi,
    &ubifs::Ubifs,
    &jffs2::Jffs2,
    &yaffs2::Yaffs2,
    &disk::Gpt,
    &disk::Mbr,
]);

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
