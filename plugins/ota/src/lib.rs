//! Software-upgrade containers and their metadata: Android payload, boot, vbmeta, super and sparse images, RAUC, casync, SWUpdate, Mender, TUF and Uptane, OSTree, OCI.
//!
//! One module a format. A new one is a module and a line in [`READERS`].

mod android;
mod casync;
mod gvariant;
mod mender;
mod metadata;
mod oci;
mod ostree;
mod rauc;
mod swupdate;
mod tuf;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Grouper, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[
    &rauc::Rauc,
    &rauc::Manifest,
    &casync::Casync,
    &swupdate::Description,
    &mender::Header,
    &tuf::Tuf,
    &ostree::Ostree,
    &oci::Oci,
    &android::payload::Payload,
    &android::boot::Boot,
    &android::avb::Vbmeta,
    &android::dtbo::Dtbo,
    &android::kernel::Kernel,
    &android::super_image::Super,
    &android::sparse::Sparse,
    &android::metadata::Metadata,
    &android::new_data::NewData,
    &android::patch::Patch,
    &android::avb::Image,
]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| READERS.formats());

/// Opens software-upgrade containers and reads their metadata.
#[derive(Clone, Copy, Debug, Default)]
pub struct OtaPlugin;

impl Plugin for OtaPlugin {
    fn formats(&self) -> &'static [Format] {
        &FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        READERS.identify(probe)
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        READERS.inspect(artifact, context, out)
    }

    fn groupers(&self) -> Vec<Box<dyn Grouper>> {
        vec![Box::new(android::new_data::TransferGrouper)]
    }
}
