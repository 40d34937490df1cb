//! Positions: placement by real boundaries, reference systems and datums, distances, tracks, areas and outlines.
//!
//! Boundaries come from the crate `country-boundaries`, whose data are © OpenStreetMap contributors under the Open Database
//! License (ODbL) 1.0; a product that ships them must say so. They are OpenStreetMap's lines, good for deciding where a position was
//! recorded, and must never be drawn in a report.

pub mod angle;
pub mod crs;
pub mod datum;
pub mod ecef;
pub mod ellipsoid;
pub mod enu;
pub mod fence;
pub mod mgrs;
pub mod outline;
pub mod place;
pub mod projection;
pub mod track;
pub mod wkb;

pub use angle::{Angle, Axis};
pub use crs::{Crs, DatumFrom, Frame};
pub use datum::Datum;
pub use enu::Enu;
pub use fence::{FenceError, Fences};
pub use place::{Placement, Region, near_mainland, place};
pub use track::Track;

/// Mean radius of the earth (IUGG R1), in metres.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Great-circle distance by the haversine formula, in metres. Positions in degrees.
#[must_use]
pub fn distance_m(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (lat1, lat2) = (from.0.to_radians(), to.0.to_radians());
    let dlat = (lat2 - lat1) / 2.0;
    let dlon = (to.1 - from.1).to_radians() / 2.0;
    let h = dlat.sin().powi(2) + lat1.cos() * lat2.cos() * dlon.sin().powi(2);
    2.0 * EARTH_RADIUS_M * h.clamp(0.0, 1.0).sqrt().asin()
}

/// Whether a pair can be a position at all: finite, in range, and not a receiver's empty `0, 0` (within 0.01° of it).
#[must_use]
pub fn plausible(lat: f64, lon: f64) -> bool {
    lat.is_finite()
        && lon.is_finite()
        && lat.abs() <= 90.0
        && lon.abs() <= 180.0
        && (lat.abs() > 0.01 || lon.abs() > 0.01)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_agree_with_known_ones() {
        // Beijing to Shanghai, city centres: 1 067 km.
        let d = distance_m((39.9042, 116.4074), (31.2304, 121.4737));
        assert!((d - 1_067_000.0).abs() < 3_000.0, "{d}");
        // One minute of latitude is about a nautical mile.
        assert!((distance_m((0.0, 0.0), (1.0 / 60.0, 0.0)) - 1853.2).abs() < 1.0);
        assert!((distance_m((0.0, 179.9), (0.0, -179.9)) - 22_239.0).abs() < 5.0);
        assert_eq!(distance_m((10.0, 10.0), (10.0, 10.0)), 0.0);
    }

    #[test]
    fn empty_fixes_are_no_positions() {
        assert!(!plausible(0.0, 0.0));
        assert!(!plausible(f64::NAN, 1.0));
        assert!(!plausible(91.0, 1.0));
        assert!(plausible(0.5, 0.0));
    }
}
