//! Local frames with an origin: east, north and up in metres.

use crate::ellipsoid::WGS84;

/// The origin of a local frame on WGS-84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enu {
    lat: f64,
    lon: f64,
    alt: f64,
    heading: f64,
}

impl Enu {
    /// A frame whose y axis points `heading` degrees clockwise from north (0: x is east, y is north). None for what is no position.
    #[must_use]
    pub fn new(lat: f64, lon: f64, alt: f64, heading: f64) -> Option<Enu> {
        (crate::plausible(lat, lon) && alt.abs() < 20_000.0 && heading.abs() <= 3600.0).then_some(Enu {
            lat,
            lon,
            alt,
            heading,
        })
    }

    /// From `lat lon [alt [heading]]`, by blanks, commas or colons.
    #[must_use]
    pub fn parse(text: &str) -> Option<Enu> {
        let mut numbers = [0.0; 4];
        let mut n = 0;
        for part in
            text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | ';' | '=')).filter(|p| !p.is_empty())
        {
            *numbers.get_mut(n)? = part.parse().ok()?;
            n += 1;
        }
        if n < 2 {
            return None;
        }
        let [lat, lon, alt, heading] = numbers;
        Enu::new(lat, lon, alt, heading)
    }

    /// Latitude and longitude in degrees of a position in the frame; none more than 1 000 km away, where such a frame means nothing.
    #[must_use]
    pub fn to_geodetic(&self, x: f64, y: f64, z: f64) -> Option<(f64, f64)> {
        if !(x.hypot(y) < 1e6 && z.abs() < 1e6) {
            return None;
        }
        let (s, c) = self.heading.to_radians().sin_cos();
        let (e, n) = (x * c + y * s, y * c - x * s);
        let (lat, lon) = (self.lat.to_radians(), self.lon.to_radians());
        let ((sa, ca), (so, co)) = (lat.sin_cos(), lon.sin_cos());
        let [ox, oy, oz] = WGS84.to_ecef(lat, lon, self.alt);
        let at =
            [ox - so * e - sa * co * n + ca * co * z, oy + co * e - sa * so * n + ca * so * z, oz + ca * n + sa * z];
        let (lat, lon, _) = WGS84.from_ecef(at);
        Some((lat.to_degrees(), lon.to_degrees()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distance_m;

    #[test]
    fn steps_lead_where_they_should() {
        let origin = Enu::parse("39.9042, 116.4074, 44").unwrap();
        let (lat, lon) = origin.to_geodetic(0.0, 1000.0, 0.0).unwrap();
        assert!(
            (distance_m((39.9042, 116.4074), (lat, lon)) - 1000.0).abs() < 3.0
                && lat > 39.91
                && (lon - 116.4074).abs() < 1e-6
        );
        let turned = Enu::new(39.9042, 116.4074, 44.0, 90.0).unwrap();
        let (lat, lon) = turned.to_geodetic(0.0, 1000.0, 0.0).unwrap();
        assert!(lon > 116.41 && (lat - 39.9042).abs() < 1e-4, "{lat} {lon}");
        assert!(origin.to_geodetic(2e6, 0.0, 0.0).is_none() && origin.to_geodetic(f64::NAN, 0.0, 0.0).is_none());
        assert!(Enu::parse("39.9").is_none() && Enu::parse("0 0 0").is_none() && Enu::parse("1 2 3 4 5").is_none());
    }
}
