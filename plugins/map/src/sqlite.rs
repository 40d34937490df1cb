//! Maps that are SQLite databases: GeoPackage, MBTiles, SpatiaLite, NDS.
//!
//! Sources: OGC 12-128r18 (GeoPackage), the MBTiles specification 1.3, SpatiaLite's cookbook and BLOB-Geometry description, public descriptions of NDS Classic.

mod features;
pub(crate) mod mvt;
mod nds;
mod tiles;

use std::collections::BTreeMap;

use yumen_kit_container::{Container, FormatReader};
use yumen_kit_sqlite::evidence::{FIRST_STREAM, TableRecords, is_index_data, schema};
use yumen_kit_sqlite::{Database, Header, Table, TableKind, Value, probe_tables};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Spatial};

use crate::survey::send_spatial;

/// Reads maps in SQLite databases.
pub(crate) struct SqliteMaps;

const FORMATS: &[Format] = &[
    Format {
        name: "gpkg",
        title: "OGC GeoPackage",
        media_type: "application/geopackage+sqlite3",
        extensions: &["gpkg", "gpkx"],
        magic: "an SQLite database with the table `gpkg_contents`",
        reference: "OGC 12-128r18",
        evidence: "features: points in time order and recorded lines as positions of tracks, other shapes as a map or as places, attributes as records; \
                   tiles as children and as a map or imagery with their extent; metadata as records",
        limitations: &[
            "Extended geometries of a vendor are not read.",
            "Geometries longer than 16 MiB are measured by their beginning.",
        ],
    },
    Format {
        name: "mbtiles",
        title: "MBTiles",
        media_type: "application/vnd.mapbox-vector-tile",
        extensions: &["mbtiles"],
        magic: "an SQLite database with `metadata` and `tiles`",
        reference: "MBTiles Specification 1.3; Mapbox Vector Tile Specification 2.1",
        evidence: "the area covered as a map or imagery; pictures as children, layers and attributes of vector tiles as records",
        limitations: &["Geometries of vector tiles are counted, not measured: where they are follows from their tile."],
    },
    Format {
        name: "spatialite",
        title: "SpatiaLite database",
        media_type: "application/vnd.sqlite3",
        extensions: &[],
        magic: "an SQLite database with `geometry_columns` and `spatial_ref_sys`",
        reference: "SpatiaLite Cookbook; BLOB-Geometry",
        evidence: "as of gpkg",
        limitations: &["Rasters (RasterLite2) are handed over as they are stored."],
    },
    Format {
        name: "nds",
        title: "NDS map database",
        media_type: "application/octet-stream",
        extensions: &["nds"],
        magic: "an SQLite database with tables of tiles whose content is in a column `ndsData`",
        reference: "NDS Classic (public descriptions)",
        evidence: "the area covered by its tiles as a map; other tables as records",
        limitations: &["The content of tiles (compressed or encrypted by rules of the producer) is not decoded."],
    },
];

impl FormatReader for SqliteMaps {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        Header::parse(probe.head)?;
        let names = probe_tables(probe.blob)?;
        let has = |name: &str| names.iter().any(|n| n == name);
        let format = if has("gpkg_contents") {
            "gpkg"
        } else if has("tiles") && has("metadata") && is_mbtiles(probe) {
            "mbtiles"
        } else if has("geometry_columns") && has("spatial_ref_sys") {
            "spatialite"
        } else if names.iter().any(|n| n.ends_with("tiletable")) && nds::is_nds(probe.blob) {
            "nds"
        } else {
            return None;
        };
        Some(Identity::new(format, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = inspect(artifact, &mut to);
        to.finish(result)
    }
}

fn is_mbtiles(probe: &Probe<'_>) -> bool {
    Database::open(probe.blob).is_ok_and(|database| {
        let metadata = database.table("metadata");
        let tiles = database.table("tiles");
        metadata.is_some_and(|t| t.column("name").is_some() && t.column("value").is_some())
            && tiles.is_some_and(|t| t.kind == TableKind::View || t.column("tile_data").is_some())
    })
}

fn inspect(artifact: &Artifact, to: &mut Container<'_>) -> Result<(), InspectError> {
    let database = Database::open(&artifact.blob)?;
    schema(&database, to)?;
    let mut reader = Reader {
        artifact,
        database: &database,
        stream: FIRST_STREAM,
        source: 0,
        items: Vec::new(),
        systems: BTreeMap::new(),
    };
    match artifact.format {
        "gpkg" => reader.geopackage(to)?,
        "mbtiles" => reader.mbtiles(to)?,
        "nds" => reader.nds(to)?,
        _ => reader.spatialite(to)?,
    }
    let mut strays = TableRecords::unnamed(artifact, reader.stream);
    database.stray_rows(&mut |row| strays.row(row, to))?;
    strays.finish(to)?;
    let items = std::mem::take(&mut reader.items);
    send_spatial(artifact, items, to)?;
    database.account(to)
}

/// A database under way.
struct Reader<'a> {
    artifact: &'a Artifact,
    database: &'a Database,
    /// Number of the next stream of records.
    stream: u32,
    /// Number of the next source of positions.
    source: u32,
    items: Vec<Spatial>,
    /// Reference systems by their number in the database.
    systems: BTreeMap<i64, String>,
}

impl<'a> Reader<'a> {
    /// A writer of a table's records.
    fn records(&mut self, table: &Table) -> TableRecords {
        let records = TableRecords::new(self.artifact, self.stream, table);
        self.stream += 1;
        if is_index_data(self.database, table) { records.without_blobs() } else { records }
    }

    /// Sends every table that `done` does not name as records.
    fn others(&mut self, done: &[String], to: &mut Container<'_>) -> Result<(), InspectError> {
        let database = self.database;
        for table in database.tables() {
            if table.kind != TableKind::Stored || done.contains(&table.name.to_lowercase()) {
                continue;
            }
            let mut records = self.records(table);
            database.rows(table, &mut |row| records.row(row, to))?;
            records.finish(to)?;
        }
        Ok(())
    }

    /// Gathers rows of a small table: the values of these columns as text and numbers.
    fn small(&self, name: &str, columns: &[&str]) -> Result<Vec<Vec<Cell>>, InspectError> {
        let mut out = Vec::new();
        let Some(table) = self.database.table(name) else { return Ok(out) };
        let numbers: Vec<_> = columns.iter().map(|c| table.column(c)).collect();
        self.database.rows(table, &mut |row| {
            if out.len() < MOST_SMALL {
                let cell = |n: &Option<usize>| n.and_then(|n| row.values.get(n)).map_or(Cell::Nothing, Cell::of);
                out.push(numbers.iter().map(cell).collect());
            }
            Ok(())
        })?;
        Ok(out)
    }
}

/// Most rows of a table that describes others.
const MOST_SMALL: usize = 16 << 10;

/// A value of a small table.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Nothing,
    Number(f64),
    Text(String),
}

impl Cell {
    fn of(value: &Value<'_>) -> Cell {
        match value {
            Value::Text(field) => Cell::Text(
                String::from_utf8_lossy(field.text().as_bytes().get(..4096.min(field.text().len())).unwrap_or(b""))
                    .into_owned(),
            ),
            _ => value.number().map_or(Cell::Nothing, Cell::Number),
        }
    }

    fn text(&self) -> &str {
        if let Cell::Text(s) = self { s } else { "" }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Cell::Number(n) => Some(*n),
            Cell::Text(s) => s.trim().parse().ok(),
            Cell::Nothing => None,
        }
    }

    fn int(&self) -> Option<i64> {
        self.number().filter(|n| n.abs() < 1e15).map(|n| n as i64)
    }
}

#[cfg(test)]
mod tests;
