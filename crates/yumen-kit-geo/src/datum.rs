//! Datums used in China and the shifts between them.
//!
//! GCJ-02 and BD-09 move a position by some 100 to 700 m (BD-09 up to 1.2 km). The transformation is not published; the formulas here
//! are those in common use, good to some metres, and serve only to place and compare positions that are already shifted.

use std::f64::consts::PI;
use std::fmt;

/// A geodetic datum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Datum {
    /// World Geodetic System 1984; what receivers give.
    Wgs84,
    /// 火星坐标系: Amap, Tencent and others.
    Gcj02,
    /// Baidu's.
    Bd09,
    /// China Geodetic Coordinate System 2000; equal to WGS-84 within centimetres.
    Cgcs2000,
    /// Another one that is declared (ETRS89, NAD83, Beijing 1954…), shifted to WGS-84 as well as is known.
    Other,
    /// Not declared.
    #[default]
    Unknown,
}

impl Datum {
    /// Its word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Datum::Wgs84 => "wgs84",
            Datum::Gcj02 => "gcj02",
            Datum::Bd09 => "bd09",
            Datum::Cgcs2000 => "cgcs2000",
            Datum::Other => "other",
            Datum::Unknown => "unknown",
        }
    }

    /// The datum that a header, a column name or a `crs` value declares (`gcj02_lat`, `EPSG:4326`, `百度经度`), if any.
    #[must_use]
    pub fn declared(text: &str) -> Option<Datum> {
        let bare: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let has = |w: &str| bare.contains(w);
        if has("gcj02")
            || has("gcj2")
            || bare.starts_with("gcj")
            || text.contains("火星")
            || text.contains("高德")
            || has("amap")
        {
            Some(Datum::Gcj02)
        } else if has("bd09") || has("bd9") || bare.starts_with("baidu") || text.contains("百度") {
            Some(Datum::Bd09)
        } else if has("cgcs2000") || has("epsg4490") || text.contains("国家2000") || text.contains("大地2000") {
            Some(Datum::Cgcs2000)
        } else if has("wgs84")
            || has("epsg4326")
            || has("epsg4979")
            || has("crs84")
            || bare == "4326"
            || bare.starts_with("wgs")
        {
            Some(Datum::Wgs84)
        } else {
            None
        }
    }

    /// A position on this datum moved to WGS-84, within some metres. Unknown is taken as it stands.
    #[must_use]
    pub fn to_wgs84(self, lat: f64, lon: f64) -> (f64, f64) {
        match self {
            Datum::Wgs84 | Datum::Cgcs2000 | Datum::Other | Datum::Unknown => (lat, lon),
            Datum::Gcj02 => gcj02_to_wgs84(lat, lon),
            Datum::Bd09 => {
                let (lat, lon) = bd09_to_gcj02(lat, lon);
                gcj02_to_wgs84(lat, lon)
            }
        }
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Semi-major axis and squared eccentricity of the Krasovsky 1940 ellipsoid, which the shift is computed on.
const A: f64 = 6_378_245.0;
const EE: f64 = 0.006_693_421_622_965_943;

/// Outside of this box the shift is zero.
fn unshifted(lat: f64, lon: f64) -> bool {
    !(72.004..=137.8347).contains(&lon) || !(0.8293..=55.8271).contains(&lat)
}

/// WGS-84 to GCJ-02.
#[must_use]
pub fn wgs84_to_gcj02(lat: f64, lon: f64) -> (f64, f64) {
    if unshifted(lat, lon) {
        return (lat, lon);
    }
    let (x, y) = (lon - 105.0, lat - 35.0);
    let wave = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
    let root = x.abs().sqrt();
    let mut dlat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave;
    dlat += (20.0 * (y * PI).sin() + 40.0 * (y / 3.0 * PI).sin()) * 2.0 / 3.0;
    dlat += (160.0 * (y / 12.0 * PI).sin() + 320.0 * (y * PI / 30.0).sin()) * 2.0 / 3.0;
    let mut dlon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave;
    dlon += (20.0 * (x * PI).sin() + 40.0 * (x / 3.0 * PI).sin()) * 2.0 / 3.0;
    dlon += (150.0 * (x / 12.0 * PI).sin() + 300.0 * (x / 30.0 * PI).sin()) * 2.0 / 3.0;
    let phi = lat.to_radians();
    let magic = 1.0 - EE * phi.sin().powi(2);
    let root = magic.sqrt();
    dlat = dlat * 180.0 / ((A * (1.0 - EE)) / (magic * root) * PI);
    dlon = dlon * 180.0 / (A / root * phi.cos() * PI);
    (lat + dlat, lon + dlon)
}

/// GCJ-02 to WGS-84, by fixed-point iteration (the shift is smooth, so four rounds reach below a centimetre).
#[must_use]
pub fn gcj02_to_wgs84(lat: f64, lon: f64) -> (f64, f64) {
    let (mut a, mut o) = (lat, lon);
    for _ in 0..4 {
        let (sa, so) = wgs84_to_gcj02(a, o);
        (a, o) = (a - (sa - lat), o - (so - lon));
    }
    (a, o)
}

/// BD-09 to GCJ-02, as Baidu's clients compute it.
#[must_use]
pub fn bd09_to_gcj02(lat: f64, lon: f64) -> (f64, f64) {
    const X_PI: f64 = PI * 3000.0 / 180.0;
    let (x, y) = (lon - 0.0065, lat - 0.006);
    let z = x.hypot(y) - 0.000_02 * (y * X_PI).sin();
    let theta = y.atan2(x) - 0.000_003 * (x * X_PI).cos();
    (z * theta.sin(), z * theta.cos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distance_m;

    #[test]
    fn shifts_agree_with_published_examples() {
        // The first test vector of eviltransform (Shanghai).
        let gcj = wgs84_to_gcj02(31.177_427_6, 121.527_210_6);
        assert!(distance_m(gcj, (31.175_303_983_645_97, 121.531_541_859_215)) < 0.5, "{gcj:?}");
        assert_eq!(wgs84_to_gcj02(48.85, 2.35), (48.85, 2.35));
    }

    #[test]
    fn shifts_are_undone() {
        for (lat, lon) in [(39.9, 116.4), (22.5, 114.0), (43.8, 87.6), (18.25, 109.5)] {
            let (a, o) = wgs84_to_gcj02(lat, lon);
            let moved = distance_m((lat, lon), (a, o));
            assert!((50.0..1000.0).contains(&moved), "{moved}");
            assert!(distance_m(Datum::Gcj02.to_wgs84(a, o), (lat, lon)) < 0.1);
        }
        let back = bd09_to_gcj02(39.915, 116.404);
        assert!(distance_m(back, (39.908_656_739_576_67, 116.397_622_684_593_27)) < 1.0, "{back:?}");
    }

    #[test]
    fn declarations_are_read() {
        assert_eq!(Datum::declared("gcj02_lat"), Some(Datum::Gcj02));
        assert_eq!(Datum::declared("EPSG:4326"), Some(Datum::Wgs84));
        assert_eq!(Datum::declared("百度经度"), Some(Datum::Bd09));
        assert_eq!(Datum::declared("urn:ogc:def:crs:OGC:1.3:CRS84"), Some(Datum::Wgs84));
        assert_eq!(Datum::declared("CGCS2000"), Some(Datum::Cgcs2000));
        assert_eq!(Datum::declared("lat"), None);
    }
}
