//! Ellipsoids, earth-centred coordinates on them, and the shifts between datums (EPSG guidance note 7-2, 3 and 7 parameters).

/// An ellipsoid of revolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ellipsoid {
    /// Semi-major axis in metres.
    pub a: f64,
    /// Flattening.
    pub f: f64,
}

/// WGS-84; GRS 1980 differs by a tenth of a millimetre.
pub const WGS84: Ellipsoid = Ellipsoid { a: 6_378_137.0, f: 1.0 / 298.257_223_563 };
/// GRS 1980, also of CGCS2000 (which differs from it in the 14th digit).
pub const GRS80: Ellipsoid = Ellipsoid { a: 6_378_137.0, f: 1.0 / 298.257_222_101 };
/// Krasovsky 1940: Beijing 1954, Pulkovo 1942.
pub const KRASOVSKY: Ellipsoid = Ellipsoid { a: 6_378_245.0, f: 1.0 / 298.3 };
/// IAG 1975: Xian 1980.
pub const IAG75: Ellipsoid = Ellipsoid { a: 6_378_140.0, f: 1.0 / 298.257 };
/// International 1924 (Hayford): Hong Kong 1980, ED50.
pub const INTL: Ellipsoid = Ellipsoid { a: 6_378_388.0, f: 1.0 / 297.0 };
/// Bessel 1841: DHDN, Tokyo, Korea 1985.
pub const BESSEL: Ellipsoid = Ellipsoid { a: 6_377_397.155, f: 1.0 / 299.152_812_8 };
/// Airy 1830: OSGB36.
pub const AIRY: Ellipsoid = Ellipsoid { a: 6_377_563.396, f: 1.0 / 299.324_964_6 };
/// Clarke 1866: NAD27.
pub const CLARKE66: Ellipsoid = Ellipsoid { a: 6_378_206.4, f: 1.0 / 294.978_698_213_898 };
/// GRS 1967, modified as of TWD67 and SAD69.
pub const AUST_SA: Ellipsoid = Ellipsoid { a: 6_378_160.0, f: 1.0 / 298.25 };

impl Ellipsoid {
    /// An ellipsoid by its semi-major axis and inverse flattening (0 means a sphere); none when that is no planet like ours.
    #[must_use]
    pub fn of(a: f64, inverse: f64) -> Option<Ellipsoid> {
        let f = if inverse == 0.0 { 0.0 } else { 1.0 / inverse };
        ((6.3e6..6.4e6).contains(&a) && (0.0..0.01).contains(&f)).then_some(Ellipsoid { a, f })
    }

    /// Squared first eccentricity.
    #[must_use]
    pub fn e2(&self) -> f64 {
        self.f * (2.0 - self.f)
    }

    /// Earth-centred coordinates of a position in radians with its height.
    #[must_use]
    pub fn to_ecef(&self, lat: f64, lon: f64, h: f64) -> [f64; 3] {
        let n = self.a / (1.0 - self.e2() * lat.sin().powi(2)).sqrt();
        [(n + h) * lat.cos() * lon.cos(), (n + h) * lat.cos() * lon.sin(), (n * (1.0 - self.e2()) + h) * lat.sin()]
    }

    /// Latitude and longitude in radians, and the height, of earth-centred coordinates (Bowring's formula).
    #[must_use]
    pub fn from_ecef(&self, [x, y, z]: [f64; 3]) -> (f64, f64, f64) {
        let b = self.a * (1.0 - self.f);
        let p = x.hypot(y);
        let beta = (z * self.a).atan2(p * b);
        let second = self.e2() / (1.0 - self.e2());
        let lat = (z + second * b * beta.sin().powi(3)).atan2(p - self.e2() * self.a * beta.cos().powi(3));
        let n = self.a / (1.0 - self.e2() * lat.sin().powi(2)).sqrt();
        let h = if lat.cos().abs() > 0.1 { p / lat.cos() - n } else { z / lat.sin() - n * (1.0 - self.e2()) };
        (lat, y.atan2(x), h)
    }
}

/// A shift of earth-centred coordinates to WGS-84 in the position-vector convention: metres, seconds of arc, parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Helmert {
    /// Translation in metres.
    pub t: [f64; 3],
    /// Rotation in seconds of arc.
    pub r: [f64; 3],
    /// Scale in parts per million.
    pub s: f64,
}

impl Helmert {
    /// A translation.
    #[must_use]
    pub const fn shift(x: f64, y: f64, z: f64) -> Helmert {
        Helmert { t: [x, y, z], r: [0.0; 3], s: 0.0 }
    }

    /// From three or seven numbers, as `TOWGS84` and `+towgs84` list them; none when they move positions by more than some kilometres.
    #[must_use]
    pub fn of(numbers: &[f64]) -> Option<Helmert> {
        let h = match *numbers {
            [x, y, z] => Helmert::shift(x, y, z),
            [x, y, z, a, b, c, s] => Helmert { t: [x, y, z], r: [a, b, c], s },
            _ => return None,
        };
        let small = |v: &f64, most: f64| v.abs() <= most;
        (h.t.iter().all(|v| small(v, 3000.0)) && h.r.iter().all(|v| small(v, 120.0)) && small(&h.s, 200.0)).then_some(h)
    }

    /// Whether it moves nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Helmert::default()
    }

    /// The coordinates shifted.
    #[must_use]
    pub fn apply(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let [rx, ry, rz] = self.r.map(|s| (s / 3600.0).to_radians());
        let m = 1.0 + self.s * 1e-6;
        [
            self.t[0] + m * (x - rz * y + ry * z),
            self.t[1] + m * (rz * x + y - rx * z),
            self.t[2] + m * (-ry * x + rx * y + z),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn earth_centred_coordinates_come_back(lat in -89.9f64..89.9, lon in -180f64..180.0, h in -400f64..9000.0) {
            let (a, o, b) = WGS84.from_ecef(WGS84.to_ecef(lat.to_radians(), lon.to_radians(), h));
            prop_assert!((a.to_degrees() - lat).abs() < 1e-9 && (o.to_degrees() - lon).abs() < 1e-9 && (b - h).abs() < 1e-3);
        }
    }

    #[test]
    fn only_sane_shifts_and_planets_are_taken() {
        assert!(Helmert::of(&[1.0, 2.0]).is_none());
        assert!(Helmert::of(&[1e9, 0.0, 0.0]).is_none());
        assert!(Helmert::of(&[f64::NAN, 0.0, 0.0]).is_none());
        assert!(Ellipsoid::of(3_396_190.0, 169.9).is_none());
        assert!(Ellipsoid::of(6_378_137.0, 0.0).is_some());
    }
}
