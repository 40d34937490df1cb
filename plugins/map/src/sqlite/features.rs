//! Tables of features: a column of geometries, the others attributes.

use yumen_kit_container::Container;
use yumen_kit_sqlite::{Row, Table, TableKind, Value};
use yumen_model::InspectError;

use yumen_kit_geo::wkb;

use super::Reader;
use crate::gis::emit::Emit;
use crate::gis::shapes::{Form, Sequence, Shapes, Step};
use crate::gis::{when, words};
use crate::survey::entity;

/// Positions of a feature that are kept until it is clear what it is.
const MOST_POSITIONS: usize = 2 << 20;

/// What is known of a layer.
pub(super) struct Layer<'t> {
    pub(super) table: &'t Table,
    /// Columns of geometries.
    pub(super) geometry: Vec<usize>,
    pub(super) crs: Option<String>,
    /// Name for people.
    pub(super) title: String,
}

/// Columns of a layer that say something of its movement.
#[derive(Default)]
struct Columns {
    time: Option<usize>,
    entity: Option<usize>,
    named: Vec<usize>,
    /// Columns that repeat the position.
    position: Vec<usize>,
    motion: bool,
}

impl Columns {
    fn of(layer: &Layer<'_>) -> Columns {
        let mut out = Columns::default();
        for (n, column) in layer.table.columns.iter().enumerate() {
            let name = &*column.name;
            out.motion |= words::motion_like(name);
            if out.time.is_none() && words::time_like(name) {
                out.time = Some(n);
            }
            if out.entity.is_none() && words::entity_like(name) {
                out.entity = Some(n);
            }
            let lower = name.to_lowercase();
            if matches!(lower.as_str(), "name" | "title" | "type" | "名称") {
                out.named.push(n);
            }
            if matches!(
                lower.as_str(),
                "lat"
                    | "latitude"
                    | "lon"
                    | "lng"
                    | "long"
                    | "longitude"
                    | "x"
                    | "y"
                    | "纬度"
                    | "经度"
                    | "gps_lat"
                    | "gps_lon"
                    | "gps_lng"
            ) {
                out.position.push(n);
            }
        }
        out
    }
}

#[derive(Default)]
struct Feature {
    /// Kind of each shape, and where its positions begin.
    shapes: Vec<(Form, usize)>,
    pieces: Vec<wkb::Piece>,
}

impl Reader<'_> {
    /// Sends a layer: its attributes as records, its positions as a track, a map or places.
    pub(super) fn layer(&mut self, layer: &Layer<'_>, to: &mut Container<'_>) -> Result<(), InspectError> {
        if layer.table.kind != TableKind::Stored {
            return Ok(());
        }
        let columns = Columns::of(layer);
        let mut records = self.records(layer.table);
        let table = &layer.table.name;
        let named_track = words::track_like(table) || words::track_like(&layer.title);
        let mut shapes = Shapes::default();
        for name in [&layer.title, table] {
            shapes.layer(name);
            if words::map_like(name) {
                shapes.name(name);
            }
            if !layer.title.is_empty() {
                break;
            }
        }
        for (n, column) in layer.table.columns.iter().enumerate() {
            if !layer.geometry.contains(&n) {
                shapes.name(&column.name);
            }
        }
        let mut emit = Emit::source(self.artifact, self.source, layer.crs.as_deref());
        emit.property("name", table);
        self.source += 1;
        let mut points = Sequence::default();
        let mut lines = 0u64;
        let mut unread = 0u64;
        self.database.rows(layer.table, &mut |row| {
            let mut placed = false;
            for &column in &layer.geometry {
                let Some(Value::Blob(field)) = row.values.get(column) else { continue };
                let mut pieces = Vec::new();
                let read = wkb::read(field.head(), &mut |piece| {
                    if pieces.len() < MOST_POSITIONS {
                        pieces.push(piece);
                    }
                });
                match read {
                    Some((_, whole)) if whole || !pieces.is_empty() => {
                        placed |= !pieces.is_empty();
                        unread += u64::from(!whole);
                    }
                    // What is no geometry is shown as what it is.
                    _ => {
                        unread += 1;
                        continue;
                    }
                }
                shapes.features += 1;
                let feature = Feature::of(pieces);
                let told = Told { named_track, columns: &columns, row };
                told.send(&feature, &mut shapes, &mut points, &mut emit, &mut lines, to)?;
            }
            let skip = |n: usize| {
                let read = matches!(row.values.get(n), Some(Value::Blob(field)) if wkb::read(field.head(), &mut |_| {}).is_some());
                let repeats = placed && columns.position.contains(&n) && row.values.get(n).is_some_and(|v| v.number().is_some());
                repeats || layer.geometry.contains(&n) && read
            };
            records.row_but(row, to, &skip)
        })?;
        records.finish(to)?;
        if unread > 0 {
            to.tell("bad-entry");
        }
        let told = points.finish(named_track || columns.motion, &mut emit, to)?;
        emit.finish(to)?;
        self.items.extend(shapes.finish(layer.crs.clone(), told));
        Ok(())
    }
}

impl Feature {
    fn of(pieces: Vec<wkb::Piece>) -> Feature {
        let begins = pieces.iter().enumerate().filter_map(|(i, p)| match p {
            wkb::Piece::Begin(shape) => Some((form_of(*shape), i)),
            _ => None,
        });
        Feature { shapes: begins.collect(), pieces }
    }
}

/// What the attributes of a feature say.
struct Told<'r> {
    named_track: bool,
    columns: &'r Columns,
    row: &'r Row<'r>,
}

impl Told<'_> {
    fn value(&self, column: Option<usize>) -> Option<&Value<'_>> {
        self.row.values.get(column?)
    }

    fn time(&self) -> Option<f64> {
        match self.value(self.columns.time)? {
            Value::Text(field) => when::parse(&field.text()),
            value => value.number().and_then(when::epoch),
        }
    }

    fn entity(&self) -> u64 {
        match self.value(self.columns.entity) {
            Some(Value::Text(field)) => entity(&field.text()),
            Some(value) => value.number().map_or(0, |n| entity(&n.to_string())),
            None => 0,
        }
    }

    fn send(
        &self,
        feature: &Feature,
        shapes: &mut Shapes,
        points: &mut Sequence,
        emit: &mut Emit<'_>,
        lines: &mut u64,
        to: &mut Container<'_>,
    ) -> Result<(), InspectError> {
        let (time, id) = (self.time(), self.entity());
        let named = self.columns.named.iter().filter_map(|&n| self.row.values.get(n)?.text());
        let track = self.named_track || named.into_iter().any(|name| words::track_like(&name));
        for (n, &(form, from)) in feature.shapes.iter().enumerate() {
            let end = feature.shapes.get(n + 1).map_or(feature.pieces.len(), |&(_, next)| next);
            let pieces = &feature.pieces[from..end];
            let positions = pieces.iter().filter_map(|p| match p {
                wkb::Piece::At(_, position) => Some(*position),
                _ => None,
            });
            let step = |p: wkb::Position, time, entity| Step {
                x: p.x,
                y: p.y,
                z: height(p.z),
                time,
                entity,
                offset: self.row.start,
            };
            match form {
                Form::Point => {
                    shapes.begin(Form::Point);
                    for p in positions {
                        shapes.point(p.x, p.y, height(p.z));
                        let time = time.or_else(|| p.m.and_then(when::epoch));
                        points.push(step(p, time, id), track || self.columns.motion, emit, to)?;
                    }
                }
                Form::Line if self.is_track(track, shapes, pieces) => {
                    *lines += 1;
                    let id = if id == 0 { *lines } else { id };
                    for p in positions {
                        emit.fix(step(p, p.m.and_then(when::epoch), id).into(), to)?;
                    }
                }
                _ => draw(shapes, pieces),
            }
        }
        Ok(())
    }

    /// Whether a line is one that was driven: its measures are times, or it is called so.
    fn is_track(&self, track: bool, shapes: &Shapes, pieces: &[wkb::Piece]) -> bool {
        let mut times = 0usize;
        let mut all = 0usize;
        for piece in pieces {
            if let wkb::Piece::At(_, p) = piece {
                all += 1;
                times += usize::from(p.m.and_then(when::epoch).is_some());
            }
        }
        if times >= 2 && times * 2 >= all {
            return true;
        }
        !shapes.map_like() && (track || self.columns.motion)
    }
}

fn form_of(shape: wkb::Shape) -> Form {
    match shape {
        wkb::Shape::Point => Form::Point,
        wkb::Shape::Line => Form::Line,
        wkb::Shape::Area => Form::Area,
    }
}

fn height(z: Option<f64>) -> Option<f64> {
    z.filter(|z| z.is_finite())
}

/// Adds pieces to the shapes of a map.
pub(super) fn draw(shapes: &mut Shapes, pieces: &[wkb::Piece]) {
    for piece in pieces {
        match *piece {
            wkb::Piece::Begin(shape) => shapes.begin(form_of(shape)),
            wkb::Piece::Part(_) => shapes.part(),
            wkb::Piece::At(shape, p) => shapes.vertex(form_of(shape), p.x, p.y, height(p.z)),
            wkb::Piece::EndRing(hole) => shapes.end_ring(Some(hole)),
        }
    }
}

/// The layers of a GeoPackage and of SpatiaLite.
impl<'a> Reader<'a> {
    /// Reads a GeoPackage.
    pub(super) fn geopackage(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        self.gpkg_systems()?;
        let contents = self.small(
            "gpkg_contents",
            &["table_name", "data_type", "identifier", "min_x", "min_y", "max_x", "max_y", "srs_id"],
        )?;
        let geometries = self.small("gpkg_geometry_columns", &["table_name", "column_name", "srs_id"])?;
        let mut done = Vec::new();
        let database = self.database;
        for row in &contents {
            let name = row[0].text();
            let Some(table) = database.table(name) else { continue };
            let crs = row[7].int().and_then(|id| self.system(id));
            if row[1].text().eq_ignore_ascii_case("features") {
                let of = |g: &&Vec<super::Cell>| g[0].text().eq_ignore_ascii_case(name);
                let columns = geometries.iter().filter(of).filter_map(|g| table.column(g[1].text())).collect();
                let crs = geometries.iter().find(of).and_then(|g| g[2].int()).and_then(|id| self.system(id)).or(crs);
                let title = if row[2].text().is_empty() { name } else { row[2].text() };
                self.layer(&Layer { table, geometry: columns, crs, title: title.to_owned() }, to)?;
                done.push(name.to_lowercase());
            } else if table.column("tile_data").is_some() {
                let corner = |n: usize| row[n].number();
                let extent = match (corner(3), corner(4), corner(5), corner(6)) {
                    (Some(w), Some(s), Some(e), Some(n)) => Some([w, s, e, n]),
                    _ => None,
                };
                self.pyramid(table, name, extent, crs, false, to)?;
                done.push(name.to_lowercase());
            }
        }
        self.others(&done, to)
    }

    fn gpkg_systems(&mut self) -> Result<(), InspectError> {
        let rows =
            self.small("gpkg_spatial_ref_sys", &["srs_id", "organization", "organization_coordsys_id", "definition"])?;
        for row in rows {
            let Some(id) = row[0].int() else { continue };
            let crs = match (row[1].text().to_uppercase().as_str(), row[2].int()) {
                ("EPSG", Some(n)) if n > 0 => format!("EPSG:{n}"),
                _ if id == -1 => "local".to_owned(),
                // Undefined geographic coordinates: degrees are taken for what they mostly are.
                _ if id == 0 => "wgs84".to_owned(),
                _ if row[3].text().len() > 10 => row[3].text().to_owned(),
                _ => continue,
            };
            self.systems.insert(id, crs);
        }
        Ok(())
    }

    /// The reference system of a number.
    pub(super) fn system(&self, id: i64) -> Option<String> {
        self.systems.get(&id).cloned()
    }

    /// Reads a SpatiaLite database, or one of the like that GDAL makes.
    pub(super) fn spatialite(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        for row in self.small("spatial_ref_sys", &["srid", "auth_name", "auth_srid", "srtext", "proj4text"])? {
            let Some(id) = row[0].int() else { continue };
            let crs = match (row[1].text().to_uppercase().as_str(), row[2].int()) {
                ("EPSG", Some(n)) if n > 0 => format!("EPSG:{n}"),
                _ if row[3].text().len() > 10 => row[3].text().to_owned(),
                _ if row[4].text().len() > 10 => row[4].text().to_owned(),
                _ => continue,
            };
            self.systems.insert(id, crs);
        }
        let rows = self.small("geometry_columns", &["f_table_name", "f_geometry_column", "srid"])?;
        let database = self.database;
        let mut done: Vec<String> = Vec::new();
        for row in &rows {
            let name = row[0].text().to_lowercase();
            let Some(table) = database.table(&name).filter(|_| !done.contains(&name)) else { continue };
            let of = |g: &&Vec<super::Cell>| g[0].text().eq_ignore_ascii_case(&name);
            let geometry = rows.iter().filter(of).filter_map(|g| table.column(g[1].text())).collect();
            let crs = row[2].int().and_then(|id| self.system(id));
            self.layer(&Layer { table, geometry, crs, title: table.name.clone() }, to)?;
            done.push(name);
        }
        self.others(&done, to)
    }
}
