//! Mapbox vector tiles: layers, and the attributes of their features.
//!
//! Source: Mapbox Vector Tile Specification 2.1.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use yumen_kit_container::Container;
use yumen_kit_proto::Fields;
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::{Artifact, InspectError};

/// Longest decoded tile.
const LONGEST: u64 = 32 << 20;
/// Most keys and values of a layer.
const MOST_WORDS: usize = 1 << 18;

/// What a tile holds.
pub(crate) struct Tile {
    pub(crate) layers: Vec<String>,
    pub(crate) features: u64,
}

/// Sends the attributes of vector tiles as records.
pub(crate) struct Vectors {
    writer: RecordWriter,
    decoded: Vec<u8>,
    tiles: u64,
}

impl Vectors {
    pub(crate) fn new(artifact: &Artifact, stream: u32) -> Self {
        let properties = BTreeMap::from([("table".to_owned(), "vector tiles".into())]);
        Vectors { writer: RecordWriter::stream(artifact, stream, properties), decoded: Vec::new(), tiles: 0 }
    }

    /// Reads a tile; none where it is none.
    pub(crate) fn tile(
        &mut self,
        bytes: &[u8],
        place: std::ops::Range<u64>,
        to: &mut Container<'_>,
    ) -> Result<Option<Tile>, InspectError> {
        self.decoded.clear();
        let read = match bytes {
            [0x1F, 0x8B, ..] => MultiGzDecoder::new(bytes).take(LONGEST).read_to_end(&mut self.decoded),
            [0x78, ..] => ZlibDecoder::new(bytes).take(LONGEST).read_to_end(&mut self.decoded),
            _ => {
                self.decoded.extend_from_slice(bytes);
                Ok(bytes.len())
            }
        };
        if read.is_err() || self.decoded.len() as u64 >= LONGEST {
            return Ok(None);
        }
        let decoded = std::mem::take(&mut self.decoded);
        let Some(layers) = layers(&decoded) else {
            self.decoded = decoded;
            return Ok(None);
        };
        self.tiles += 1;
        let mut tile = Tile { layers: Vec::new(), features: 0 };
        let spot = Spot { byte: place.start, line: self.tiles, column: 1 };
        for layer in &layers {
            tile.layers.push(layer.name.to_owned());
            tile.features += layer.features.len() as u64;
            for feature in &layer.features {
                for pair in feature.chunks_exact(2) {
                    let key = layer.keys.get(pair[0] as usize).copied().unwrap_or("");
                    if let Some(value) = layer.values.get(pair[1] as usize).filter(|v| !v.is_empty()) {
                        let name = self.writer.name(key);
                        self.writer.cell(value, name, 0, spot, place.end, false);
                        self.writer.cut_long_record(to)?;
                    }
                }
                self.writer.end_record(to)?;
                if self.writer.too_many_names() {
                    self.writer.forget_names(to)?;
                }
            }
        }
        drop(layers);
        self.decoded = decoded;
        Ok(Some(tile))
    }

    pub(crate) fn finish(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        self.writer.finish(to)
    }
}

#[derive(Default)]
struct Layer<'t> {
    name: &'t str,
    keys: Vec<&'t str>,
    values: Vec<String>,
    /// Pairs of numbers of a key and a value.
    features: Vec<Vec<u32>>,
}

fn layers(bytes: &[u8]) -> Option<Vec<Layer<'_>>> {
    let mut out = Vec::new();
    for field in Fields::new(bytes) {
        let field = field.ok()?;
        if field.number == 3 {
            out.push(layer(field.value.bytes()?)?);
        }
    }
    Some(out)
}

fn layer(bytes: &[u8]) -> Option<Layer<'_>> {
    let mut out = Layer::default();
    for field in Fields::new(bytes) {
        let field = field.ok()?;
        match field.number {
            1 => out.name = field.value.text()?,
            2 => out.features.push(tags(field.value.bytes()?)?),
            3 if out.keys.len() < MOST_WORDS => out.keys.push(field.value.text()?),
            4 if out.values.len() < MOST_WORDS => out.values.push(value(field.value.bytes()?)?),
            _ => {}
        }
    }
    Some(out)
}

fn tags(feature: &[u8]) -> Option<Vec<u32>> {
    let mut out = Vec::new();
    for field in Fields::new(feature) {
        let field = field.ok()?;
        if field.number != 2 {
            continue;
        }
        if let Some(one) = field.value.uint() {
            out.push(u32::try_from(one).ok()?);
            continue;
        }
        let (mut number, mut shift) = (0u32, 0);
        for &b in field.value.bytes()? {
            number |= u32::from(b & 0x7F).checked_shl(shift).unwrap_or(0);
            shift += 7;
            if b < 0x80 {
                out.push(number);
                (number, shift) = (0, 0);
            }
        }
    }
    Some(out)
}

fn value(bytes: &[u8]) -> Option<String> {
    let mut out = String::new();
    for field in Fields::new(bytes) {
        let field = field.ok()?;
        out = match field.number {
            1 => field.value.text()?.to_owned(),
            2 | 3 => format!("{:?}", field.value.float()?),
            4 => field.value.int()?.to_string(),
            5 => field.value.uint()?.to_string(),
            6 => field.value.sint()?.to_string(),
            7 => (field.value.uint()? != 0).to_string(),
            _ => continue,
        };
    }
    Some(out)
}
