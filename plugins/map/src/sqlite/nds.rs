//! Databases of the Navigation Data Standard: tables of tiles by their packed number. The tiles' content is not decoded.

use std::collections::BTreeSet;

use yumen_kit_container::Container;
use yumen_kit_sqlite::{Database, Table, TableKind, Value};
use yumen_model::{Blob, Extent, InspectError, Reason, Spatial};

use super::Reader;
use crate::survey::Spread;

/// The column that holds what NDS itself defines.
const DATA: &str = "ndsData";

/// Whether tables hold content as this standard keeps it.
pub(super) fn is_nds(blob: &Blob) -> bool {
    Database::open(blob).is_ok_and(|database| database.tables().iter().any(is_tiles))
}

fn is_tiles(table: &Table) -> bool {
    table.kind == TableKind::Stored && table.column(DATA).is_some() && table.column("id").is_some()
}

/// Where a tile is: longitude and latitude of its south-west corner, and its width in degrees. The number's highest bit tells the level, the bits of
/// the coordinates stand in turn below it.
pub(super) fn tile(packed: i64) -> Option<(u32, f64, f64, f64)> {
    let packed = u32::try_from(packed).or_else(|_| i32::try_from(packed).map(i32::cast_unsigned)).ok()?;
    let level = packed.checked_ilog2()?.checked_sub(16)?;
    let code = packed & ((1u64 << (2 * level + 1)) - 1) as u32;
    let gather = |first: u32, count: u32| (0..count).fold(0u32, |n, i| n | (code >> (2 * i + first) & 1) << i);
    // Longitudes have a bit more than latitudes: twice the range.
    let x = gather(0, level + 1) << (31 - level);
    let y = u64::from(gather(1, level)) << (31 - level);
    let y = if y & (1 << 30) != 0 { y as i64 - (1 << 31) } else { y as i64 };
    let unit = 360.0 / 4_294_967_296.0;
    Some((level, f64::from(x.cast_signed()) * unit, y as f64 * unit, f64::from(1u32 << (31 - level)) * unit))
}

impl Reader<'_> {
    /// Reads an NDS database.
    pub(super) fn nds(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        let database = self.database;
        let mut spread = Spread::default();
        let (mut tiles, mut blocks) = (0u64, BTreeSet::new());
        let mut levels = BTreeSet::new();
        let mut done = Vec::new();
        for table in database.tables().iter().filter(|t| is_tiles(t)) {
            let (Some(id), Some(data)) = (table.column("id"), table.column(DATA)) else { continue };
            let name = table.name.to_lowercase();
            let placed = name.ends_with("tiletable");
            let mut records = self.records(table);
            database.rows(table, &mut |row| {
                if placed && let Some((level, lon, lat, size)) = row.values.get(id).and_then(Value::int).and_then(tile)
                {
                    tiles += 1;
                    levels.insert(level);
                    spread.widen(lon, lat);
                    spread.widen(lon + size, lat + size);
                    if level >= 8 {
                        spread.add(lon + size / 2.0, lat + size / 2.0, 0.0);
                    }
                }
                if let Some(Value::Blob(field)) = row.values.get(data) {
                    for extent in field.extents() {
                        if let Extent::Data { offset, len } = extent {
                            to.opaque(offset..offset + len, Reason::Unsupported)?;
                        }
                    }
                }
                records.row_but(row, to, &|n| n == data)
            })?;
            records.finish(to)?;
            if let Some(block) = name.strip_suffix("tiletable") {
                blocks.insert(block.to_owned());
            }
            done.push(name);
        }
        to.tell("unsupported-method");
        let mut item: Spatial = spread.into_map(Some("wgs84".to_owned())).with("tiles", tiles);
        item = item
            .with("layers", blocks.into_iter().collect::<Vec<_>>())
            .with("levels", levels.into_iter().collect::<Vec<_>>());
        self.items.push(item);
        self.others(&done, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packs as the standard says: level marker, then the bits of both coordinates in turn.
    fn pack(lon: f64, lat: f64, level: u32) -> i64 {
        let unit = 4_294_967_296.0 / 360.0;
        let x = ((lon * unit).floor() as i64 as u32) >> (31 - level);
        let y = (((lat * unit).floor() as i64 & 0x7FFF_FFFF) as u32) >> (31 - level);
        let mut code = 1u64 << (16 + level);
        for i in 0..=level {
            code |= u64::from(x >> i & 1) << (2 * i);
            if i < level {
                code |= u64::from(y >> i & 1) << (2 * i + 1);
            }
        }
        i64::from((code as u32).cast_signed())
    }

    #[test]
    fn packed_numbers_tell_where_a_tile_is() {
        for (lon, lat) in [(116.39, 39.9), (-122.4, 37.8), (151.2, -33.9), (-70.6, -33.4)] {
            for level in [8, 10, 13, 15] {
                let (l, w, s, size) = tile(pack(lon, lat, level)).unwrap();
                assert_eq!(l, level);
                assert!(
                    (w..w + size).contains(&lon) && (s..s + size).contains(&lat),
                    "{lon} {lat} {level}: {w} {s} {size}"
                );
            }
        }
        assert!(tile(0).is_none() && tile(65_535).is_none());
    }
}
