//! Pyramids of tiles: GeoPackage tables and MBTiles.

use std::collections::{BTreeMap, BTreeSet};

use yumen_kit_container::Container;
use yumen_kit_sqlite::evidence::TableRecords;
use yumen_kit_sqlite::{Field, Row, Table, TableKind, Value};
use yumen_model::kind::kinds;
use yumen_model::{ChildMeta, Extent, InspectError, KindId, Reason, Spatial};

use super::{Reader, mvt};
use crate::survey::Spread;

/// What the bytes of a tile are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    Png,
    Jpeg,
    Webp,
    Tiff,
    Vector,
    Other,
}

impl Content {
    fn of(head: &[u8]) -> Content {
        match head {
            [0x89, b'P', b'N', b'G', ..] => Content::Png,
            [0xFF, 0xD8, 0xFF, ..] => Content::Jpeg,
            [b'R', b'I', b'F', b'F', ..] => Content::Webp,
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Content::Tiff,
            [0x1F, 0x8B, ..] | [0x1A, ..] | [0x78, 0x9C, ..] => Content::Vector,
            _ => Content::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Content::Png => "png",
            Content::Jpeg => "jpg",
            Content::Webp => "webp",
            Content::Tiff => "tif",
            Content::Vector => "pbf",
            Content::Other => "bin",
        }
    }
}

/// What a pyramid holds, as far as it was read.
#[derive(Default)]
struct Pyramid {
    tiles: u64,
    levels: BTreeMap<i64, u64>,
    contents: BTreeSet<Content>,
    layers: BTreeSet<String>,
    features: u64,
    /// Where the tiles of a web map's grid are.
    spread: Spread,
}

/// Most layers of vector tiles that are told.
const MOST_LAYERS: usize = 256;

impl Reader<'_> {
    /// Sends a table of tiles. `web`: its grid is that of web maps, and rows count from the south.
    pub(super) fn pyramid(
        &mut self,
        table: &Table,
        title: &str,
        extent: Option<[f64; 4]>,
        crs: Option<String>,
        web: bool,
        to: &mut Container<'_>,
    ) -> Result<(), InspectError> {
        if table.kind != TableKind::Stored {
            return Ok(());
        }
        let mut pyramid = Pyramid::default();
        let mut records = self.records(table).without_blobs();
        let mut vectors = mvt::Vectors::new(self.artifact, self.stream);
        self.stream += 1;
        let columns = ["zoom_level", "tile_column", "tile_row", "tile_data"].map(|n| table.column(n));
        self.database.rows(table, &mut |row| {
            let number = |n: usize| columns[n].and_then(|c| row.values.get(c)?.int());
            let (zoom, x, y) = (number(0).unwrap_or(0), number(1).unwrap_or(0), number(2).unwrap_or(0));
            if web {
                pyramid.place(zoom, x, y);
            }
            *pyramid.levels.entry(zoom.clamp(0, 64)).or_default() += 1;
            pyramid.tiles += 1;
            let Some(Value::Blob(field)) = columns[3].and_then(|c| row.values.get(c)) else {
                return records.row(row, to);
            };
            // Rows of web maps are numbered from the north in the names that people know.
            let north = if web && (0..=40).contains(&zoom) { (1i64 << zoom) - 1 - y } else { y };
            tile(field, row, &format!("{}/{zoom}/{x}/{north}", table.name), &mut pyramid, &mut vectors, to)
        })?;
        records.finish(to)?;
        vectors.finish(to)?;
        self.items.extend(pyramid.finish(title, extent, crs));
        Ok(())
    }

    /// Reads MBTiles: one table of tiles, or a map of numbers to pictures that are stored once each.
    pub(super) fn mbtiles(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        let rows = self.small("metadata", &["name", "value"])?;
        let told = |name: &str| rows.iter().find(|r| r[0].text() == name).map(|r| r[1].text().to_owned());
        let bounds: Vec<f64> =
            told("bounds").unwrap_or_default().split(',').filter_map(|n| n.trim().parse().ok()).collect();
        let bounds = <[f64; 4]>::try_from(bounds).ok().filter(|b| b[0] <= b[2] && b[1] <= b[3]);
        let title = told("name").unwrap_or_default();
        let crs = Some("wgs84".to_owned());
        let database = self.database;
        let mut done = Vec::new();
        let stored = database.table("tiles").filter(|t| t.kind == TableKind::Stored);
        if let Some(table) = stored {
            self.pyramid(table, &title, bounds, crs, true, to)?;
            done.push("tiles".to_owned());
        } else {
            self.pictures(&title, bounds, crs, &mut done, to)?;
        }
        self.others(&done, to)
    }

    /// Tables behind a view: those with a grid tell where, those with data hold the tiles.
    fn pictures(
        &mut self,
        title: &str,
        bounds: Option<[f64; 4]>,
        crs: Option<String>,
        done: &mut Vec<String>,
        to: &mut Container<'_>,
    ) -> Result<(), InspectError> {
        let database = self.database;
        let mut pyramid = Pyramid::default();
        let mut vectors = mvt::Vectors::new(self.artifact, self.stream);
        self.stream += 1;
        for table in database.tables().iter().filter(|t| t.kind == TableKind::Stored) {
            if let (Some(z), Some(x), Some(y)) =
                (table.column("zoom_level"), table.column("tile_column"), table.column("tile_row"))
            {
                database.rows(table, &mut |row| {
                    let number = |n: usize| row.values.get(n).and_then(Value::int).unwrap_or(0);
                    pyramid.place(number(z), number(x), number(y));
                    *pyramid.levels.entry(number(z).clamp(0, 64)).or_default() += 1;
                    pyramid.tiles += 1;
                    Ok(())
                })?;
            }
            let Some(data) = table.column("tile_data") else { continue };
            let mut records: TableRecords = self.records(table).without_blobs();
            database.rows(table, &mut |row| {
                if let Some(Value::Blob(field)) = row.values.get(data) {
                    let key = row.rowid.unwrap_or(i64::try_from(records.rows()).unwrap_or(0));
                    tile(field, row, &format!("{}/{key}", table.name), &mut pyramid, &mut vectors, to)?;
                }
                records.row(row, to)
            })?;
            records.finish(to)?;
            done.push(table.name.to_lowercase());
        }
        vectors.finish(to)?;
        self.items.extend(pyramid.finish(title, bounds, crs));
        Ok(())
    }
}

/// One tile: a picture is a child, a vector tile is read here.
fn tile(
    field: &Field<'_>,
    row: &Row<'_>,
    name: &str,
    pyramid: &mut Pyramid,
    vectors: &mut mvt::Vectors,
    to: &mut Container<'_>,
) -> Result<(), InspectError> {
    let content = Content::of(field.head());
    if !field.is_empty() {
        pyramid.contents.insert(content);
    }
    if content == Content::Vector
        && let Some(bytes) = field.bytes()
    {
        if let Some(tile) = vectors.tile(bytes, row.start..row.end, to)? {
            pyramid.features += tile.features;
            for layer in tile.layers {
                if pyramid.layers.len() < MOST_LAYERS {
                    pyramid.layers.insert(layer);
                }
            }
            return Ok(());
        }
        if bytes.first() != Some(&0x1F) {
            return field.extents().into_iter().try_for_each(|e| match e {
                Extent::Data { offset, len } => to.opaque(offset..offset + len, Reason::UnknownFormat),
                Extent::Zero { .. } => Ok(()),
            });
        }
    }
    if field.is_empty() {
        return Ok(());
    }
    let content = if content == Content::Vector { "gz" } else { content.name() };
    to.hand_over(ChildMeta::named(format!("{name}.{content}").as_bytes()), field.extents())
}

impl Pyramid {
    /// Adds the middle of a tile of the grid of web maps, which counts rows from the south.
    fn place(&mut self, zoom: i64, x: i64, y: i64) {
        if !(0..=30).contains(&zoom) {
            return;
        }
        let n = (1i64 << zoom) as f64;
        let corner = |x: f64, y: f64| {
            let turn = std::f64::consts::PI * (2.0 * y / n - 1.0);
            (x / n * 360.0 - 180.0, turn.sinh().atan().to_degrees())
        };
        let (x, y) = (x as f64, y as f64);
        if x < 0.0 || y < 0.0 || x >= n || y >= n {
            return;
        }
        // A tile of a low level is far larger than what it shows.
        if zoom >= 6 {
            let (lon, lat) = corner(x + 0.5, y + 0.5);
            self.spread.add(lon, lat, 0.0);
        }
    }

    fn kind(&self) -> (KindId, f64) {
        let has = |c| self.contents.contains(&c);
        if has(Content::Vector) {
            (kinds::GEO_MAP, 0.95)
        } else if has(Content::Jpeg) || has(Content::Webp) || has(Content::Tiff) {
            (kinds::GEO_IMAGERY, 0.8)
        } else {
            (kinds::GEO_MAP, 0.7)
        }
    }

    fn finish(mut self, title: &str, extent: Option<[f64; 4]>, crs: Option<String>) -> Option<Spatial> {
        if self.tiles == 0 {
            return None;
        }
        let (kind, confidence) = self.kind();
        if self.spread.seen() == 0
            && let Some([w, s, e, n]) = extent
        {
            for i in 0..=4 {
                for j in 0..=4 {
                    let part = |from: f64, to: f64, n: i32| from + (to - from) * f64::from(n) / 4.0;
                    self.spread.add(part(w, e, i), part(s, n, j), 0.0);
                }
            }
        }
        let mut item = Spatial { confidence, ..self.spread.into_spatial(kind, crs) };
        item.extent = extent.or(item.extent);
        item = item.with("tiles", self.tiles);
        let formats: Vec<_> = self.contents.iter().map(|c| c.name()).collect();
        item = item.with("tile_formats", formats);
        if let (Some((low, _)), Some((high, _))) = (self.levels.first_key_value(), self.levels.last_key_value()) {
            item = item.with("min_zoom", *low).with("max_zoom", *high);
        }
        if !self.layers.is_empty() {
            item = item.with("layers", self.layers.into_iter().collect::<Vec<_>>()).with("features", self.features);
        }
        if !title.is_empty() {
            item = item.with("name", title);
        }
        Some(item)
    }
}
