//! Clouds that are compressed by methods not read here: told for what they are, their bytes opaque.
//!
//! Source: Draco bitstream specification; PCL, octree_pointcloud_compression.

use yumen_kit_container::window::num::le16;
use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Reason, Spatial};

use crate::cloud::send_spatial;

/// Knows Draco and PCL octrees.
pub(crate) struct Compressed;

const FORMATS: &[Format] = &[
    Format {
        name: "draco",
        title: "Draco compressed geometry",
        media_type: "application/octet-stream",
        extensions: &["drc"],
        magic: "`DRACO`, version 1 or 2, a known encoder and method",
        reference: "Draco bitstream specification",
        evidence: "that it is a cloud or a mesh",
        limitations: &["the points are not decoded"],
    },
    Format {
        name: "pcl-octree",
        title: "PCL octree compressed cloud",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "`<PCL-OCT-COMPRESSED>`",
        reference: "PCL, module io, octree_pointcloud_compression.h",
        evidence: "that it is a cloud",
        limitations: &["the points are not decoded"],
    },
];

const PCL: &[u8] = b"<PCL-OCT-COMPRESSED>";

impl FormatReader for Compressed {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let head = probe.head;
        if head.starts_with(PCL) && head.len() > PCL.len() + 8 {
            return Some(Identity::new("pcl-octree", Certainty::Signature));
        }
        // DRACO, major, minor, encoder (cloud, mesh), method (sequential, k-d tree or edgebreaker), flags.
        let known = head.starts_with(b"DRACO")
            && head.len() >= 11
            && matches!(head[5], 1 | 2)
            && head[6] <= 5
            && head[7] <= 1
            && head[8] <= 1
            && le16(head, 9) & 0x7FFF == 0;
        known.then(|| Identity::new("draco", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = tell(&mut to, artifact);
        to.finish(result)
    }
}

fn tell(to: &mut Container<'_>, artifact: &Artifact) -> Result<(), InspectError> {
    let mesh = artifact.format == "draco" && to.window.get(7, 1)? == [1];
    let head = if mesh || artifact.format == "draco" { 11 } else { PCL.len() as u64 };
    to.container(0..head)?;
    to.opaque(head..to.len(), Reason::Unsupported)?;
    to.tell_at("unsupported-method", head);
    let mut item = Spatial::new(kinds::GEO_POINT_CLOUD).with("compressed", true);
    item.confidence = if mesh { 0.5 } else { 0.9 };
    item.bytes = Some((0, head));
    send_spatial(to, artifact, vec![item])
}
