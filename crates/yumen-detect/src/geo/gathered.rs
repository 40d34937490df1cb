//! What one record holds, by the roles of its fields.

use yumen_kit_geo::{Crs, mgrs};
use yumen_model::{Cell, Location};

use super::columns::{Field, Role};
use super::values::number;

/// The place of a cell.
pub(super) fn location(cell: &Cell) -> Location {
    Location {
        bytes: Some((cell.byte_start, cell.byte_end)),
        line: Some(cell.line),
        column: Some(u64::from(cell.column)),
        ..Location::default()
    }
}

/// What one record holds, by index of its cells.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    pub(super) lat: Vec<(&'a Field, &'a str, Location)>,
    pub(super) lon: Vec<(&'a Field, &'a str)>,
    pub(super) plane: Vec<(&'a Field, Option<f64>, Option<f64>, Location)>,
    pub(super) ecef: [Option<f64>; 3],
    pub(super) ecef_at: Option<Location>,
    pub(super) ns: &'a str,
    pub(super) ew: &'a str,
    pub(super) time: Option<f64>,
    pub(super) date: Option<f64>,
    pub(super) sequence: Option<f64>,
    pub(super) entity: Option<(&'a str, u8)>,
    pub(super) moving: bool,
    pub(super) place: bool,
    pub(super) invalid: bool,
    pub(super) surface: bool,
    pub(super) vertical: bool,
    pub(super) crs: Option<Crs>,
    /// The UTM system of a zone that stands beside.
    pub(super) zone: Option<Crs>,
    /// A grid reference: latitude and longitude, whether it is precise, and its place.
    pub(super) grid: Option<(&'a Field, f64, f64, bool, Location)>,
    /// Runs of cells of one name that hold coordinates: the field and the cells.
    pub(super) runs: Vec<(&'a Field, &'a [Cell])>,
}

impl<'a> Gathered<'a> {
    /// Takes a cell by its field's role. Pairs and paths are gathered as runs by the caller.
    pub(super) fn take(&mut self, field: &'a Field, value: &'a str, cell: &Cell) {
        match field.role {
            Role::Lat => self.lat.push((field, value, location(cell))),
            Role::Lon => self.lon.push((field, value)),
            Role::LatHemisphere => self.ns = value,
            Role::LonHemisphere => self.ew = value,
            Role::X => {
                // The northing may stand first.
                if let Some(n) = number(value) {
                    match self.plane.iter_mut().find(|(f, x, ..)| f.stem == field.stem && x.is_none()) {
                        Some(entry) => entry.1 = Some(n.value),
                        None => self.plane.push((field, Some(n.value), None, location(cell))),
                    }
                }
            }
            Role::Y => {
                if let Some(n) = number(value) {
                    match self.plane.iter_mut().find(|(f, _, y, _)| f.stem == field.stem && y.is_none()) {
                        Some(entry) => entry.2 = Some(n.value),
                        None => self.plane.push((field, None, Some(n.value), location(cell))),
                    }
                }
            }
            Role::Ecef(axis) => {
                self.ecef[usize::from(axis.min(2))] = number(value).map(|n| n.value);
                self.ecef_at.get_or_insert_with(|| location(cell));
            }
            Role::Time(unit) => {
                if self.time.is_none() {
                    self.time = super::time::seconds(value, unit);
                }
            }
            Role::Date => self.date = super::time::seconds(value, None),
            Role::Sequence => self.sequence = number(value).map(|n| n.value),
            Role::Entity(rank) => {
                if !value.trim().is_empty() && self.entity.is_none_or(|(_, r)| rank < r) {
                    self.entity = Some((value, rank));
                }
            }
            Role::Zone => {
                // A bare number is a zone of the north.
                let utm = mgrs::utm_zone(value).or_else(|| mgrs::utm_zone(&format!("utm {}", value.trim())));
                self.zone = utm.map(|(zone, south)| Crs::utm(zone, south));
            }
            Role::Grid => {
                if let Some(g) = mgrs::parse(value).or_else(|| mgrs::parse_utm(value)) {
                    self.grid = Some((field, g.lat, g.lon, g.precision_m <= 100.0, location(cell)));
                }
            }
            Role::Motion => self.moving |= !value.trim().is_empty(),
            Role::Height => self.vertical |= number(value).is_some_and(|n| n.value != 0.0),
            Role::Place => self.place |= !value.trim().is_empty(),
            Role::Valid => {
                let v = value.trim().to_ascii_lowercase();
                self.invalid |= matches!(v.as_str(), "0" | "false" | "no" | "n" | "v" | "invalid" | "无效");
            }
            Role::Crs => {
                let told = Crs::parse(value);
                if told != Crs::UNKNOWN {
                    self.crs = Some(told);
                }
            }
            Role::GeometryType => self.surface |= value.contains("Polygon"),
            Role::Pair(_) | Role::Path | Role::XyArray | Role::Other => {}
        }
    }
}
