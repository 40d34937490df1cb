//! Spatial evidence as plain data: positions in the order of a stream, and things with a place (clouds, maps, pictures). Coordinates stand as the
//! format gives them; who reads the evidence brings them to WGS-84 by the declared reference system.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::KindId;

/// Most sample positions of one [`Spatial`] item.
pub const MAX_SAMPLES: usize = 4096;

/// Positions of one source (a receiver, a topic, a message), in stream order. The header's properties tell of all of them: `crs` (as [`Spatial::crs`]),
/// `topic`, `name` (columns or message type), `source` (`receiver`, `odometry`, `transform`, `object`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FixBatch {
    /// The positions.
    pub fixes: Vec<Fix>,
}

/// One position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// Longitude in degrees, or the easting or X of the reference system in metres.
    pub x: f64,
    /// Latitude in degrees, or the northing or Y in metres.
    pub y: f64,
    /// Height or Z in metres.
    pub z: Option<f64>,
    /// Time in seconds; since 1970 where the source has it, else since its own start.
    pub time_s: Option<f64>,
    /// Which vehicle, person or object, where the source tells them apart; 0 otherwise.
    pub entity: u64,
    /// Offset of the record in the artifact.
    pub offset: u64,
}

/// Things with a place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpatialBatch {
    /// The things.
    pub items: Vec<Spatial>,
}

/// A cloud, a map, a raster, a picture with a position, inertial data, a flow table: one finding's worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spatial {
    /// What it is: `geo.point-cloud`, `geo.map`, `geo.imagery`, `geo.inertial`, `image.position`…
    pub kind: KindId,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// Reference system of the coordinates as declared: `EPSG:4326`, WKT, a PROJ string, `ecef`, `gcj02`, `bd09`, `local`; none where nothing is told.
    pub crs: Option<String>,
    /// Positions that tell where it is, each (x, y, z) as in [`Fix`]: spread over the whole, at most [`MAX_SAMPLES`]. None where it has no place of its own.
    pub samples: Vec<[f64; 3]>,
    /// West, south, east, north in units of the reference system.
    pub extent: Option<[f64; 4]>,
    /// Points, lanes, ground resolution… as the format counts them.
    pub properties: BTreeMap<String, Value>,
    /// Where it is told, in bytes of the artifact.
    pub bytes: Option<(u64, u64)>,
}

impl Spatial {
    /// Something without coordinates yet.
    #[must_use]
    pub fn new(kind: KindId) -> Self {
        Spatial {
            kind,
            confidence: 0.99,
            crs: None,
            samples: Vec::new(),
            extent: None,
            properties: BTreeMap::new(),
            bytes: None,
        }
    }

    /// Adds what is told of it.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.properties.insert(name.to_owned(), value.into());
        self
    }
}
