//! Earth-centred, earth-fixed coordinates.

/// Semi-major axis and flattening of WGS-84.
const A: f64 = 6_378_137.0;
const F: f64 = 1.0 / 298.257_223_563;

/// Latitude and longitude in degrees of an ECEF position in metres; none when it lies further than 50 km from the ellipsoid.
/// Bowring's formula: exact to well below a millimetre at the heights allowed here.
#[must_use]
pub fn to_geodetic(x: f64, y: f64, z: f64) -> Option<(f64, f64)> {
    let b = A * (1.0 - F);
    let e2 = F * (2.0 - F);
    let radius = (x * x + y * y + z * z).sqrt();
    if !radius.is_finite() || !(b - 50_000.0..=A + 50_000.0).contains(&radius) {
        return None;
    }
    let p = x.hypot(y);
    let beta = (z * A).atan2(p * b);
    let second = e2 / (1.0 - e2);
    let lat = (z + second * b * beta.sin().powi(3)).atan2(p - e2 * A * beta.cos().powi(3));
    Some((lat.to_degrees(), y.atan2(x).to_degrees()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_station_converts() {
        // IGS station BJFS (Fangshan), ITRF coordinates to the metre.
        let (lat, lon) = to_geodetic(-2_148_744.0, 4_426_641.0, 4_044_656.0).unwrap();
        assert!((lat - 39.6086).abs() < 1e-3 && (lon - 115.8925).abs() < 1e-3, "{lat} {lon}");
        assert_eq!(to_geodetic(1.0, 2.0, 3.0), None);
        assert_eq!(to_geodetic(f64::NAN, 2.0, 3.0), None);
    }
}
