//! Map projections back to latitude and longitude: transverse Mercator (Krüger's series to the sixth order), Mercator, Lambert conformal
//! conic, Albers and Lambert equal-area, oblique stereographic (Snyder 1987, EPSG guidance note 7-2), and Baidu's Mercator.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, TAU};

use crate::ellipsoid::Ellipsoid;

/// What a projection is, with its parameters. Angles in degrees, lengths in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// The method.
    pub method: Method,
    /// Latitude of the origin.
    pub lat0: f64,
    /// Longitude of the origin.
    pub lon0: f64,
    /// Standard parallels, where the method has them.
    pub parallels: [f64; 2],
    /// Scale at the origin.
    pub k0: f64,
    /// False easting.
    pub fe: f64,
    /// False northing.
    pub fnorth: f64,
}

/// A method of projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Transverse Mercator, Gauss-Krüger.
    TransverseMercator,
    /// Mercator with a scale or a standard parallel (`parallels[0]`).
    Mercator,
    /// Mercator on the sphere with ellipsoidal latitudes (EPSG 3857).
    WebMercator,
    /// Lambert conformal conic with one parallel (`lat0`, `k0`).
    Lambert1,
    /// Lambert conformal conic with two parallels.
    Lambert2,
    /// Albers conic equal-area.
    Albers,
    /// Lambert azimuthal equal-area.
    Azimuthal,
    /// Oblique (double) stereographic.
    Stereographic,
}

impl Projection {
    /// A projection whose other parameters are zero and whose scale is one.
    #[must_use]
    pub const fn new(method: Method) -> Projection {
        Projection { method, lat0: 0.0, lon0: 0.0, parallels: [0.0; 2], k0: 1.0, fe: 0.0, fnorth: 0.0 }
    }

    /// Transverse Mercator.
    #[must_use]
    pub const fn tm(lat0: f64, lon0: f64, k0: f64, fe: f64, fnorth: f64) -> Projection {
        Projection { lat0, lon0, k0, fe, fnorth, ..Projection::new(Method::TransverseMercator) }
    }

    /// Universal transverse Mercator; none for a zone that does not exist.
    #[must_use]
    pub fn utm(zone: u32, south: bool) -> Option<Projection> {
        let lon0 = f64::from(zone) * 6.0 - 183.0;
        let fnorth = if south { 10_000_000.0 } else { 0.0 };
        (1..=60).contains(&zone).then(|| Projection::tm(0.0, lon0, 0.9996, 500_000.0, fnorth))
    }

    /// Whether the parameters are finite and in range.
    #[must_use]
    pub fn valid(&self) -> bool {
        let angle = |v: f64, most: f64| v.is_finite() && v.abs() <= most;
        angle(self.lat0, 90.0)
            && angle(self.lon0, 360.0)
            && self.parallels.iter().all(|v| angle(*v, 89.9))
            && (0.5..=2.0).contains(&self.k0)
            && angle(self.fe, 1e8)
            && angle(self.fnorth, 1e8)
    }

    /// Latitude and longitude in radians of an easting and northing in metres; none where the projection does not reach.
    #[must_use]
    pub fn inverse(&self, ell: &Ellipsoid, x: f64, y: f64) -> Option<(f64, f64)> {
        if !x.is_finite() || !y.is_finite() || x.abs() > 1e9 || y.abs() > 1e9 {
            return None;
        }
        let (x, y) = (x - self.fe, y - self.fnorth);
        let (lat, lon) = match self.method {
            Method::TransverseMercator => self.tm_inverse(ell, x, y)?,
            Method::WebMercator => (FRAC_PI_2 - 2.0 * (-y / ell.a).exp().atan(), x / ell.a),
            Method::Mercator => {
                let k0 = if self.parallels[0] == 0.0 {
                    self.k0
                } else {
                    let phi = self.parallels[0].to_radians();
                    phi.cos() / (1.0 - ell.e2() * phi.sin().powi(2)).sqrt()
                };
                (latitude_of(ell, (-y / (ell.a * k0)).exp()), x / (ell.a * k0))
            }
            Method::Lambert1 | Method::Lambert2 => self.lambert(ell, x, y)?,
            Method::Albers => self.albers(ell, x, y)?,
            Method::Azimuthal => self.azimuthal(ell, x, y)?,
            Method::Stereographic => self.stereographic(ell, x, y)?,
        };
        let lon = lon + self.lon0.to_radians();
        let lon = (lon + std::f64::consts::PI).rem_euclid(TAU) - std::f64::consts::PI;
        (lat.is_finite() && lon.is_finite() && lat.abs() <= FRAC_PI_2 + 1e-9).then_some((lat, lon))
    }

    fn tm_inverse(&self, ell: &Ellipsoid, x: f64, y: f64) -> Option<(f64, f64)> {
        let n = ell.f / (2.0 - ell.f);
        let (n2, n3, n4, n5, n6) = (n * n, n.powi(3), n.powi(4), n.powi(5), n.powi(6));
        let radius = ell.a / (1.0 + n) * (1.0 + n2 / 4.0 + n4 / 64.0 + n6 / 256.0);
        let scaled = radius * self.k0;
        let xi = (y / scaled) + meridian(self.lat0.to_radians(), n);
        let eta = x / scaled;
        // Beyond a quarter of the globe the series means nothing.
        if eta.abs() > 1.4 || xi.abs() > 3.2 {
            return None;
        }
        let beta = [
            n / 2.0 - 2.0 / 3.0 * n2 + 37.0 / 96.0 * n3 - n4 / 360.0 - 81.0 / 512.0 * n5 + 96_199.0 / 604_800.0 * n6,
            n2 / 48.0 + n3 / 15.0 - 437.0 / 1440.0 * n4 + 46.0 / 105.0 * n5 - 1_118_711.0 / 3_870_720.0 * n6,
            17.0 / 480.0 * n3 - 37.0 / 840.0 * n4 - 209.0 / 4480.0 * n5 + 5569.0 / 90_720.0 * n6,
            4397.0 / 161_280.0 * n4 - 11.0 / 504.0 * n5 - 830_251.0 / 7_257_600.0 * n6,
            4583.0 / 161_280.0 * n5 - 108_847.0 / 3_991_680.0 * n6,
            20_648_693.0 / 638_668_800.0 * n6,
        ];
        let (mut xi1, mut eta1) = (xi, eta);
        for (j, b) in (1..=6).map(f64::from).zip(beta) {
            xi1 -= b * (2.0 * j * xi).sin() * (2.0 * j * eta).cosh();
            eta1 -= b * (2.0 * j * xi).cos() * (2.0 * j * eta).sinh();
        }
        let chi = (xi1.sin() / eta1.cosh()).clamp(-1.0, 1.0).asin();
        let lon = eta1.sinh().atan2(xi1.cos());
        Some((latitude_of(ell, (FRAC_PI_4 - chi / 2.0).tan()), lon))
    }

    fn lambert(&self, ell: &Ellipsoid, x: f64, y: f64) -> Option<(f64, f64)> {
        let e2 = ell.e2();
        let m = |phi: f64| phi.cos() / (1.0 - e2 * phi.sin().powi(2)).sqrt();
        let lat0 = self.lat0.to_radians();
        let (n, factor) = if self.method == Method::Lambert1 {
            let n = lat0.sin();
            (n, self.k0 * m(lat0) / (n * isometric(ell, lat0).powf(n)))
        } else {
            let [p1, p2] = self.parallels.map(f64::to_radians);
            let (t1, t2) = (isometric(ell, p1), isometric(ell, p2));
            let n = if (p1 - p2).abs() < 1e-10 { p1.sin() } else { (m(p1).ln() - m(p2).ln()) / (t1.ln() - t2.ln()) };
            (n, self.k0 * m(p1) / (n * t1.powf(n)))
        };
        if n.abs() < 1e-9 {
            return None;
        }
        let r0 = if lat0.abs() > FRAC_PI_2 - 1e-9 { 0.0 } else { ell.a * factor * isometric(ell, lat0).powf(n) };
        let dy = r0 - y;
        let r = x.hypot(dy) * n.signum();
        let theta = (x * n.signum()).atan2(dy * n.signum());
        let t = (r / (ell.a * factor)).powf(1.0 / n);
        Some((latitude_of(ell, t), theta / n))
    }

    fn albers(&self, ell: &Ellipsoid, x: f64, y: f64) -> Option<(f64, f64)> {
        let e2 = ell.e2();
        let [p1, p2] = self.parallels.map(f64::to_radians);
        let m2 = |phi: f64| phi.cos().powi(2) / (1.0 - e2 * phi.sin().powi(2));
        let (q0, q1, q2) = (authalic(ell, self.lat0.to_radians()), authalic(ell, p1), authalic(ell, p2));
        let n = if (p1 - p2).abs() < 1e-10 { p1.sin() } else { (m2(p1) - m2(p2)) / (q2 - q1) };
        if n.abs() < 1e-9 {
            return None;
        }
        let c = m2(p1) + n * q1;
        let r0 = ell.a * (c - n * q0).max(0.0).sqrt() / n;
        let dy = r0 - y;
        let r = x.hypot(dy);
        let q = (c - (r * n / ell.a).powi(2)) / n;
        let theta = (x * n.signum()).atan2(dy * n.signum());
        Some((from_authalic(ell, q)?, theta / n))
    }

    fn azimuthal(&self, ell: &Ellipsoid, x: f64, y: f64) -> Option<(f64, f64)> {
        let e2 = ell.e2();
        let lat0 = self.lat0.to_radians();
        let (qp, q0) = (authalic(ell, FRAC_PI_2), authalic(ell, lat0));
        let rq = ell.a * (qp / 2.0).sqrt();
        let beta0 = (q0 / qp).clamp(-1.0, 1.0).asin();
        if beta0.cos().abs() < 1e-9 {
            return None;
        }
        let d = ell.a * (lat0.cos() / (1.0 - e2 * lat0.sin().powi(2)).sqrt()) / (rq * beta0.cos());
        let rho = (x / d).hypot(d * y);
        if rho > 2.0 * rq {
            return None;
        }
        if rho < 1e-9 {
            return Some((lat0, 0.0));
        }
        let c = 2.0 * (rho / (2.0 * rq)).asin();
        let q = qp * (c.cos() * beta0.sin() + d * y * c.sin() * beta0.cos() / rho);
        let lon = (x * c.sin()).atan2(d * rho * beta0.cos() * c.cos() - d * d * y * beta0.sin() * c.sin());
        Some((from_authalic(ell, q)?, lon))
    }

    fn stereographic(&self, ell: &Ellipsoid, x: f64, y: f64) -> Option<(f64, f64)> {
        let (e2, e) = (ell.e2(), ell.e2().sqrt());
        let lat0 = self.lat0.to_radians();
        if lat0.cos().abs() < 1e-6 {
            return None;
        }
        let w = 1.0 - e2 * lat0.sin().powi(2);
        let r = (ell.a * (1.0 - e2) / w.powf(1.5) * ell.a / w.sqrt()).sqrt();
        let n = (1.0 + e2 * lat0.cos().powi(4) / (1.0 - e2)).sqrt();
        let s = |phi: f64| (1.0 + phi.sin()) / (1.0 - phi.sin());
        let es = |phi: f64| (1.0 - e * phi.sin()) / (1.0 + e * phi.sin());
        let w1 = (s(lat0) * es(lat0).powf(e)).powf(n);
        let sin0 = (w1 - 1.0) / (w1 + 1.0);
        let c = (n + lat0.sin()) * (1.0 - sin0) / ((n - lat0.sin()) * (1.0 + sin0));
        let w2 = c * w1;
        let chi0 = ((w2 - 1.0) / (w2 + 1.0)).asin();
        let g = 2.0 * r * self.k0 * (FRAC_PI_4 - chi0 / 2.0).tan();
        let h = 4.0 * r * self.k0 * chi0.tan() + g;
        let i = x.atan2(h + y);
        let j = x.atan2(g - y) - i;
        let chi = chi0 + 2.0 * ((y - x * (j / 2.0).tan()) / (2.0 * r * self.k0)).atan();
        let lon = (j + 2.0 * i) / n;
        let psi = ((1.0 + chi.sin()) / (c * (1.0 - chi.sin()))).ln() / (2.0 * n);
        Some((latitude_of(ell, (-psi).exp()), lon))
    }
}

/// Snyder's t of a latitude: the exponential of minus the isometric latitude.
fn isometric(ell: &Ellipsoid, phi: f64) -> f64 {
    let e = ell.e2().sqrt();
    let s = e * phi.sin();
    (FRAC_PI_4 - phi / 2.0).tan() / ((1.0 - s) / (1.0 + s)).powf(e / 2.0)
}

/// The latitude of Snyder's t.
fn latitude_of(ell: &Ellipsoid, t: f64) -> f64 {
    let e = ell.e2().sqrt();
    let mut phi = FRAC_PI_2 - 2.0 * t.atan();
    for _ in 0..8 {
        let s = e * phi.sin();
        let next = FRAC_PI_2 - 2.0 * (t * ((1.0 - s) / (1.0 + s)).powf(e / 2.0)).atan();
        let done = (next - phi).abs() < 1e-13;
        phi = next;
        if done {
            break;
        }
    }
    phi
}

/// Snyder's q.
fn authalic(ell: &Ellipsoid, phi: f64) -> f64 {
    let (e2, e) = (ell.e2(), ell.e2().sqrt());
    let s = phi.sin();
    if e < 1e-9 {
        return 2.0 * s;
    }
    (1.0 - e2) * (s / (1.0 - e2 * s * s) - ((1.0 - e * s) / (1.0 + e * s)).ln() / (2.0 * e))
}

fn from_authalic(ell: &Ellipsoid, q: f64) -> Option<f64> {
    let (e2, e) = (ell.e2(), ell.e2().sqrt());
    let most = authalic(ell, FRAC_PI_2);
    if q.is_nan() || q.abs() > most * (1.0 + 1e-9) {
        return None;
    }
    let mut phi = (q / most).clamp(-1.0, 1.0).asin();
    if e < 1e-9 || phi.cos().abs() < 1e-6 {
        return Some(phi);
    }
    for _ in 0..10 {
        let s = phi.sin();
        let w = 1.0 - e2 * s * s;
        let step =
            w * w / (2.0 * phi.cos()) * (q / (1.0 - e2) - s / w + ((1.0 - e * s) / (1.0 + e * s)).ln() / (2.0 * e));
        phi += step;
        if step.abs() < 1e-13 {
            break;
        }
    }
    Some(phi)
}

/// Arc of the meridian up to a latitude, as part of the rectifying radius (radians).
fn meridian(phi: f64, n: f64) -> f64 {
    if phi == 0.0 {
        return 0.0;
    }
    let (n2, n3, n4, n5, n6) = (n * n, n.powi(3), n.powi(4), n.powi(5), n.powi(6));
    // By the conformal latitude, as the forward series does on the central meridian.
    let e = (4.0 * n / (1.0 + n).powi(2)).sqrt();
    let chi = (phi.sin().atanh() - e * (e * phi.sin()).atanh()).tanh().asin();
    let alpha = [
        n / 2.0 - 2.0 / 3.0 * n2 + 5.0 / 16.0 * n3 + 41.0 / 180.0 * n4 - 127.0 / 288.0 * n5 + 7891.0 / 37_800.0 * n6,
        13.0 / 48.0 * n2 - 3.0 / 5.0 * n3 + 557.0 / 1440.0 * n4 + 281.0 / 630.0 * n5 - 1_983_433.0 / 1_935_360.0 * n6,
        61.0 / 240.0 * n3 - 103.0 / 140.0 * n4 + 15_061.0 / 26_880.0 * n5 + 167_603.0 / 181_440.0 * n6,
        49_561.0 / 161_280.0 * n4 - 179.0 / 168.0 * n5 + 6_601_661.0 / 7_257_600.0 * n6,
        34_729.0 / 80_640.0 * n5 - 3_418_889.0 / 1_995_840.0 * n6,
        212_378_941.0 / 319_334_400.0 * n6,
    ];
    chi + (1..=6).map(f64::from).zip(alpha).map(|(j, a)| a * (2.0 * j * chi).sin()).sum::<f64>()
}

/// Limits of the bands of Baidu's Mercator, in metres from the equator.
const BAIDU_BANDS: [f64; 6] = [12_890_594.86, 8_362_377.87, 5_591_021.0, 3_481_989.83, 1_678_043.12, 0.0];
/// Its polynomials, as Baidu's clients hold them.
const BAIDU: [[f64; 10]; 6] = [
    [
        1.410526172116255e-8,
        0.00000898305509648872,
        -1.9939833816331,
        200.9824383106796,
        -187.2403703815547,
        91.6087516669843,
        -23.38765649603339,
        2.57121317296198,
        -0.03801003308653,
        17337981.2,
    ],
    [
        -7.435856389565537e-9,
        0.000008983055097726239,
        -0.78625201886289,
        96.32687599759846,
        -1.85204757529826,
        -59.36935905485877,
        47.40033549296737,
        -16.50741931063887,
        2.28786674699375,
        10260144.86,
    ],
    [
        -3.030883460898826e-8,
        0.00000898305509983578,
        0.30071316287616,
        59.74293618442277,
        7.357984074871,
        -25.38371002664745,
        13.45380521110908,
        -3.29883767235584,
        0.32710905363475,
        6856817.37,
    ],
    [
        -1.981981304930552e-8,
        0.000008983055099779535,
        0.03278182852591,
        40.31678527705744,
        0.65659298677277,
        -4.44255534477492,
        0.85341911805263,
        0.12923347998204,
        -0.04625736007561,
        4482777.06,
    ],
    [
        3.09191371068437e-9,
        0.000008983055096812155,
        0.00006995724062,
        23.10934304144901,
        -0.00023663490511,
        -0.6321817810242,
        -0.00663494467273,
        0.03430082397953,
        -0.00466043876332,
        2555164.4,
    ],
    [
        2.890871144776878e-9,
        0.000008983055095805407,
        -3.068298e-8,
        7.47137025468032,
        -0.00000353937994,
        -0.02145144861037,
        -0.00001234426596,
        0.00010322952773,
        -0.00000323890364,
        826088.5,
    ],
];

/// Latitude and longitude on BD-09 in degrees of a position in Baidu's Mercator (bd09mc).
#[must_use]
pub fn baidu_mercator(x: f64, y: f64) -> Option<(f64, f64)> {
    if !x.is_finite() || !y.is_finite() || x.abs() > 20_037_726.37 || y.abs() > 12_474_104.17 {
        return None;
    }
    let band = BAIDU_BANDS.iter().position(|b| y.abs() >= *b)?;
    let f = &BAIDU[band];
    let lon = f[0] + f[1] * x.abs();
    let c = y.abs() / f[9];
    let lat = f[2..9].iter().rev().fold(0.0, |sum, k| sum * c + k);
    Some((lat * y.signum(), lon * x.signum()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn baidus_mercator_is_undone() {
        // The example of Baidu's manual: Tiananmen.
        let (lat, lon) = baidu_mercator(12_958_175.0, 4_825_923.77).unwrap();
        assert!((lat - 39.915).abs() < 1e-3 && (lon - 116.404).abs() < 1e-3, "{lat} {lon}");
        // Neighbouring bands meet.
        for edge in &BAIDU_BANDS[1..5] {
            let (a, b) = (baidu_mercator(1e7, edge - 1e-3).unwrap(), baidu_mercator(1e7, edge + 1e-3).unwrap());
            assert!((a.0 - b.0).abs() < 1e-4, "{edge} {a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn any_numbers_are_survived(x in any::<f64>(), y in any::<f64>(), lat0 in -90f64..90.0, p in -89f64..89.0, q in -89f64..89.0) {
            for method in [Method::TransverseMercator, Method::Mercator, Method::WebMercator, Method::Lambert1, Method::Lambert2, Method::Albers, Method::Azimuthal, Method::Stereographic] {
                let p = Projection { lat0, parallels: [p, q], ..Projection::new(method) };
                if let Some((lat, lon)) = p.inverse(&crate::ellipsoid::WGS84, x, y) {
                    prop_assert!(lat.is_finite() && lon.abs() <= 3.15);
                }
            }
            let _ = baidu_mercator(x, y);
        }
    }
}
