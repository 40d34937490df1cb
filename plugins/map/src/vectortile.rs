//! Mapbox vector tiles as files of their own: `{z}/{x}/{y}.pbf`, `.mvt`.
//!
//! Source: Mapbox Vector Tile Specification 2.1.

use yumen_kit_container::{Container, FormatReader};
use yumen_kit_proto::Fields;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Probe, Spatial};

use crate::gis::emit::Via;
use crate::sqlite::mvt::Vectors;
use crate::survey::send_spatial;

/// Documentation of `mvt`.
const MVT: Format = Format {
    name: "mvt",
    title: "Mapbox vector tile",
    media_type: "application/vnd.mapbox-vector-tile",
    extensions: &["mvt", "pbf"],
    magic: "protobuf messages of field 3 up to the end, each a layer with a name and the version 1 or 2",
    reference: "https://github.com/mapbox/vector-tile-spec/tree/master/2.1",
    evidence: "layers as a map; attributes of the features as records",
    limitations: &["A tile does not tell where it lies: its region is unknown."],
};

/// Reads vector tiles.
pub(crate) struct VectorTile;

/// Longest tile.
const LONGEST: u64 = 16 << 20;
/// Number of the stream of attributes.
const STREAM: u32 = 3;

/// Whether all of it is layers.
fn is_tile(bytes: &[u8]) -> bool {
    let mut layers = 0;
    for field in Fields::new(bytes) {
        let Some(layer) = field.ok().filter(|f| f.number == 3).and_then(|f| f.value.bytes()) else { return false };
        let (mut named, mut version, mut features) = (false, false, false);
        for field in Fields::new(layer) {
            let Ok(field) = field else { return false };
            match field.number {
                1 => named = field.value.text().is_some_and(|t| !t.is_empty()),
                15 => version = matches!(field.value.uint(), Some(1 | 2)),
                2 => features |= field.value.bytes().is_some(),
                3..=5 => {}
                _ => return false,
            }
        }
        if !(named && version && features) {
            return false;
        }
        layers += 1;
    }
    layers > 0
}

impl FormatReader for VectorTile {
    fn formats(&self) -> &'static [Format] {
        &[MVT]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let len = probe.blob.len();
        // Field 3 with a length, then a field of a layer.
        if probe.head.first() != Some(&0x1A) || !(16..=LONGEST).contains(&len) {
            return None;
        }
        let whole = if len <= probe.head.len() as u64 { None } else { Some(probe.blob.bytes(0..len).ok()?) };
        is_tile(whole.as_deref().unwrap_or(probe.head)).then(|| Identity::new(MVT.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut c = Container::new(artifact, out);
        let result = read(artifact, &mut c);
        c.finish(result)
    }
}

fn read(artifact: &Artifact, c: &mut Container<'_>) -> Result<(), InspectError> {
    let len = c.len();
    if len > LONGEST {
        return Err(InspectError::corrupt(0, "longer than a tile"));
    }
    let bytes = c.window.get(0, usize::try_from(len).unwrap_or(0))?.to_vec();
    let mut vectors = Vectors::new(artifact, STREAM);
    let Some(tile) = vectors.tile(&bytes, 0..len, c)? else {
        return Err(InspectError::corrupt(0, "not a tile"));
    };
    c.label(0..len, Label::Inspected)?;
    vectors.finish(c)?;
    let mut item = Spatial { confidence: 0.9, crs: Some("local".to_owned()), ..Spatial::new(kinds::GEO_MAP) };
    item = item.with("features", tile.features).with("tiles", 1);
    let mut layers = tile.layers;
    layers.truncate(256);
    send_spatial(artifact, vec![item.with("layers", layers)], &mut Via(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_told_from_other_messages() {
        // layer { version: 2, name: "road", feature { tags: [0, 0] }, key "k", value { string "v" } }
        let layer =
            [&[0x78, 2, 0x0A, 4][..], b"road", &[0x12, 4, 0x12, 2, 0, 0], &[0x1A, 1, b'k'], &[0x22, 3, 0x0A, 1, b'v']]
                .concat();
        let tile = [&[0x1A, u8::try_from(layer.len()).unwrap()][..], &layer].concat();
        assert!(is_tile(&tile));
        assert!(!is_tile(&tile[..tile.len() - 1]) && !is_tile(b"") && !is_tile(&[tile, vec![8, 1]].concat()));
        assert!(!is_tile(&[0x1A, 4, 0x0A, 2, b'h', b'i']), "no version, no features");
    }
}
