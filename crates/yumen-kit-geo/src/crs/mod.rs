//! Coordinate reference systems as files declare them, and the way from their coordinates to WGS-84.
//!
//! [`Crs::parse`] reads `EPSG:32650`, `urn:ogc:def:crs:…`, well-known text (OGC 1 and 2, Esri), PROJ strings, PROJJSON, `enu 39.9 116.4 50`,
//! and words (`wgs84`, `gcj02`, `bd09`, `bd09mc`, `ecef`, `local`). A system that is told but not known is [`Crs::UNKNOWN`]: its positions are nowhere,
//! never somewhere wrong. Codes are known by rule where they follow one (zones) and by a short table else; text forms bring their parameters along.

mod build;
mod epsg;
mod proj;
mod projjson;
mod wkt;

use crate::ellipsoid::{Ellipsoid, Helmert, WGS84};
use crate::projection::{Method, Projection, baidu_mercator};
use crate::{Datum, Enu};

/// Longest declaration that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// What coordinates are, as reports name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frame {
    /// Latitude and longitude.
    Geodetic,
    /// Earth-centred.
    Ecef,
    /// Metres of a map projection.
    Projected,
    /// Metres from an origin that is not told (or, with one, an east-north-up frame).
    Local,
    /// Nothing is told.
    #[default]
    Unknown,
}

impl Frame {
    /// Its word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Frame::Geodetic => "geodetic",
            Frame::Ecef => "ecef",
            Frame::Projected => "projected",
            Frame::Local => "local",
            Frame::Unknown => "unknown",
        }
    }
}

/// How a datum is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DatumFrom {
    /// By a word or definition in the data.
    Declared,
    /// By a code of the EPSG registry.
    Epsg,
    /// By the format: what receivers send is WGS-84.
    Nmea,
    /// By what else the data hold.
    Context,
    /// It is not.
    #[default]
    Unknown,
}

impl DatumFrom {
    /// Its word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DatumFrom::Declared => "declared",
            DatumFrom::Epsg => "epsg",
            DatumFrom::Nmea => "nmea",
            DatumFrom::Context => "context",
            DatumFrom::Unknown => "unknown",
        }
    }
}

/// A geodetic datum with what leads from it to WGS-84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Base {
    pub(crate) ellipsoid: Ellipsoid,
    pub(crate) shift: Option<Helmert>,
    pub(crate) datum: Datum,
    /// Longitude of the prime meridian, in degrees.
    pub(crate) meridian: f64,
}

pub(crate) const BASE_WGS84: Base = Base { ellipsoid: WGS84, shift: None, datum: Datum::Wgs84, meridian: 0.0 };

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum System {
    Unknown,
    Local,
    /// Degrees by unit (1 for degrees).
    Geographic(Base, f64),
    Geocentric(Base),
    /// With metres by unit.
    Projected(Projection, Base, f64),
    BaiduMercator,
    Enu(Enu),
}

/// A coordinate reference system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crs {
    pub(crate) system: System,
    pub(crate) code: Option<u32>,
    /// Declared as a projection that is not known: at least the frame is.
    pub(crate) plane: bool,
}

impl Crs {
    /// Told, and not known.
    pub const UNKNOWN: Crs = Crs { system: System::Unknown, code: None, plane: false };
    /// Metres from an origin that is not told.
    pub const LOCAL: Crs = Crs { system: System::Local, code: None, plane: false };
    /// WGS-84 in degrees.
    pub const WGS84: Crs = Crs::geographic(BASE_WGS84);
    /// WGS-84, earth-centred.
    pub const ECEF: Crs = Crs { system: System::Geocentric(BASE_WGS84), code: None, plane: false };

    pub(crate) const fn geographic(base: Base) -> Crs {
        Crs { system: System::Geographic(base, 1.0), code: None, plane: false }
    }

    pub(crate) const fn projected(projection: Projection, base: Base) -> Crs {
        Crs { system: System::Projected(projection, base, 1.0), code: None, plane: true }
    }

    /// Degrees on a datum.
    #[must_use]
    pub const fn on(datum: Datum) -> Crs {
        Crs::geographic(Base { ellipsoid: WGS84, shift: None, datum, meridian: 0.0 })
    }

    /// East, north and up from an origin.
    #[must_use]
    pub const fn enu(origin: Enu) -> Crs {
        Crs { system: System::Enu(origin), code: None, plane: true }
    }

    /// UTM on WGS-84; unknown for a zone that does not exist.
    #[must_use]
    pub fn utm(zone: u32, south: bool) -> Crs {
        Projection::utm(zone, south).map_or(Crs::UNKNOWN, |p| Crs::projected(p, BASE_WGS84))
    }

    /// The system of an EPSG code.
    #[must_use]
    pub fn epsg(code: u32) -> Crs {
        let known = epsg::system(code);
        Crs { code: Some(code), ..known }
    }

    /// The system that a text declares.
    #[must_use]
    pub fn parse(text: &str) -> Crs {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}');
        if text.is_empty() || text.len() > LONGEST {
            return Crs::UNKNOWN;
        }
        if text.starts_with('{') {
            return projjson::parse(text);
        }
        if text.contains("+proj") || text.contains("+init") {
            return proj::parse(text);
        }
        if let Some(crs) = code(text) {
            return crs;
        }
        if text.contains('[') || (text.contains('(') && text.contains('"')) {
            return wkt::parse(text);
        }
        word(text)
    }

    /// The system of bare plane coordinates that have the shape of China's Gauss-Krüger grids with the zone before the easting
    /// (`39 500 000`, `20 500 000`), in either order of axes. Datums of those grids differ by some 150 m at most. The flag says that the
    /// axes stand swapped (X is the northing in China's convention).
    #[must_use]
    pub fn guess_zoned(x: f64, y: f64) -> Option<(Crs, bool)> {
        let of = |e: f64, n: f64| -> Option<Crs> {
            let zone = (e / 1e6).floor();
            let within = e - zone * 1e6;
            let sane = (150_000.0..850_000.0).contains(&within) && (1_900_000.0..6_000_000.0).contains(&n);
            // Six-degree zones below 17 could as well be metres of the Web Mercator.
            let lon0 = match zone {
                z if (17.0..=23.0).contains(&z) => z * 6.0 - 3.0,
                z if (25.0..=45.0).contains(&z) => z * 3.0,
                _ => return None,
            };
            let p = Projection::tm(0.0, lon0, 1.0, zone * 1e6 + 500_000.0, 0.0);
            sane.then(|| Crs::projected(p, Base { datum: Datum::Unknown, ..BASE_WGS84 }))
        };
        of(x, y).map(|c| (c, false)).or_else(|| of(y, x).map(|c| (c, true)))
    }

    /// Whether it is known well enough to place positions.
    #[must_use]
    pub fn places(&self) -> bool {
        !matches!(self.system, System::Unknown | System::Local)
    }

    /// What its coordinates are.
    #[must_use]
    pub fn frame(&self) -> Frame {
        match self.system {
            System::Unknown if self.plane => Frame::Projected,
            System::Unknown => Frame::Unknown,
            System::Local | System::Enu(_) => Frame::Local,
            System::Geographic(..) => Frame::Geodetic,
            System::Geocentric(_) => Frame::Ecef,
            System::Projected(..) | System::BaiduMercator => Frame::Projected,
        }
    }

    /// Its datum.
    #[must_use]
    pub fn datum(&self) -> Datum {
        match self.system {
            System::Unknown | System::Local => Datum::Unknown,
            System::Enu(_) => Datum::Wgs84,
            System::Geographic(b, _) | System::Geocentric(b) | System::Projected(_, b, _) => b.datum,
            System::BaiduMercator => Datum::Bd09,
        }
    }

    /// Its EPSG code, where it was declared by one.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        self.code
    }

    /// How its datum is known.
    #[must_use]
    pub fn datum_from(&self) -> DatumFrom {
        match (self.datum(), self.code) {
            (Datum::Unknown, _) => DatumFrom::Unknown,
            (_, Some(_)) => DatumFrom::Epsg,
            _ => DatumFrom::Declared,
        }
    }

    /// Latitude and longitude in degrees of coordinates (x is east). On WGS-84, save that positions on GCJ-02 and BD-09 stay on those
    /// ([`Datum::to_wgs84`] of [`Crs::datum`] leads on). None for what is no position: not finite, out of range, in no known system.
    #[must_use]
    pub fn to_geodetic(&self, x: f64, y: f64, z: f64) -> Option<(f64, f64)> {
        if !x.is_finite() || !y.is_finite() {
            return None;
        }
        let z = if z.is_finite() { z } else { 0.0 };
        let (lat, lon) = match self.system {
            System::Unknown | System::Local => return None,
            System::Geographic(base, unit) => {
                let (lat, lon) = (y * unit, x * unit + base.meridian);
                if lat.abs() > 90.0 || lon.abs() > 360.0 {
                    return None;
                }
                let lon = if lon > 180.0 {
                    lon - 360.0
                } else if lon < -180.0 {
                    lon + 360.0
                } else {
                    lon
                };
                base.shifted(lat.to_radians(), lon.to_radians(), z).unwrap_or((lat, lon))
            }
            System::Geocentric(base) => {
                let position = base.shift.map_or([x, y, z], |s| s.apply([x, y, z]));
                crate::ecef::to_geodetic(position[0], position[1], position[2])?
            }
            System::Projected(projection, base, unit) => {
                let (x, y) = (unzoned(&projection, x * unit), y * unit);
                let (lat, lon) = projection.inverse(&base.ellipsoid, x, y)?;
                let lon = lon + base.meridian.to_radians();
                base.shifted(lat, lon, z).unwrap_or((lat.to_degrees(), lon.to_degrees()))
            }
            System::BaiduMercator => baidu_mercator(x, y)?,
            System::Enu(origin) => origin.to_geodetic(x, y, z)?,
        };
        (lat.is_finite() && lon.is_finite() && lat.abs() <= 90.0 + 1e-9 && lon.abs() <= 180.0 + 1e-9)
            .then(|| (lat.clamp(-90.0, 90.0), lon.clamp(-180.0, 180.0)))
    }

    /// Latitude and longitude on WGS-84 in degrees.
    #[must_use]
    pub fn to_wgs84(&self, x: f64, y: f64, z: f64) -> Option<(f64, f64)> {
        let (lat, lon) = self.to_geodetic(x, y, z)?;
        Some(self.datum().to_wgs84(lat, lon))
    }
}

impl Base {
    /// A position in radians moved to WGS-84, in degrees; none where nothing moves it.
    fn shifted(&self, lat: f64, lon: f64, h: f64) -> Option<(f64, f64)> {
        let shift = self.shift.filter(|s| !s.is_zero() || self.ellipsoid != WGS84)?;
        let (lat, lon, _) = WGS84.from_ecef(shift.apply(self.ellipsoid.to_ecef(lat, lon, h)));
        Some((lat.to_degrees(), lon.to_degrees()))
    }
}

/// Eastings with the zone's number before them where the system has none, or without where it has one: both are common in China.
fn unzoned(p: &Projection, x: f64) -> f64 {
    if p.method != Method::TransverseMercator || p.k0 != 1.0 {
        return x;
    }
    let zone = (p.fe / 1e6).floor();
    if p.fe - zone * 1e6 != 500_000.0 {
        return x;
    }
    if zone > 0.0 && (0.0..1e6).contains(&x) {
        return x + zone * 1e6;
    }
    let told = (x / 1e6).floor();
    if zone == 0.0 && (13.0..=45.0).contains(&told) && (told * 3.0 == p.lon0 || told * 6.0 - 3.0 == p.lon0) {
        return x - told * 1e6;
    }
    x
}

/// `EPSG:4326`, `EPSG:4326+5773`, `urn:ogc:def:crs:EPSG::4326`, `http://www.opengis.net/def/crs/EPSG/0/4326`, `OGC:CRS84`, `ESRI:102100`, `4326`.
fn code(text: &str) -> Option<Crs> {
    let lower = text.to_ascii_lowercase();
    if text.len() > 120 || text.contains(['[', '"']) {
        return None;
    }
    if lower.contains("crs84") || lower.contains("crs:84") || lower == "ogc:84" {
        return Some(Crs::WGS84);
    }
    let tail = lower.rsplit_once("epsg").or_else(|| lower.rsplit_once("esri")).map(|(_, t)| t);
    let bare = lower.bytes().all(|b| b.is_ascii_digit()) && lower.len() >= 4;
    let tail = tail.or(bare.then_some(lower.as_str()))?;
    // `:4326`, `::4326`, `:9.8.15:4326`, `/0/4326`, `:4326+5773`, `_4326`, ` 4326`.
    let head = tail.split(['+', ',', ')', ']']).next().unwrap_or("");
    let digits = head.rsplit([':', '/', '#', '_', ' ', '-']).find(|p| !p.is_empty())?;
    let code: u32 = digits.trim().parse().ok()?;
    Some(Crs::epsg(code))
}

/// Words.
fn word(text: &str) -> Crs {
    let bare: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if let Some(rest) = text.trim().to_ascii_lowercase().strip_prefix("enu") {
        return Enu::parse(rest).map_or(Crs::LOCAL, Crs::enu);
    }
    if bare.contains("bd09mc") || bare.contains("baidumercator") || bare.contains("bd09mercator") {
        return Crs { system: System::BaiduMercator, code: None, plane: true };
    }
    match bare.as_str() {
        "local" | "odom" | "map" | "relative" | "engineering" | "cartesian" | "flu" | "ned" | "body" | "baselink"
        | "none" | "本地" | "局部" => return Crs::LOCAL,
        "ecef" | "geocent" | "geocentric" | "wgs84ecef" | "itrf" | "itrf2014" | "itrf2008" => return Crs::ECEF,
        "webmercator" | "googlemercator" | "sphericalmercator" | "wgs84webmercator" => return Crs::epsg_word(3857),
        "cgcs2000" | "wgs84" | "wgs1984" | "wgs84g1762" => {}
        "etrs89" | "nad83" | "jgd2011" | "jgd2000" | "gda94" | "gda2020" | "twd97" | "kgd2002" => {
            return Crs::on(Datum::Other);
        }
        "geographic" | "lonlat" | "latlon" | "degrees" | "经纬度" => return Crs::on(Datum::Unknown),
        "beijing54" | "beijing1954" | "bj54" | "北京54" | "北京1954" => return Crs::epsg_word(4214),
        "xian80" | "xian1980" | "西安80" | "西安1980" => return Crs::epsg_word(4610),
        _ => {}
    }
    if let Some(utm) = crate::mgrs::utm_zone(text) {
        return Crs::utm(utm.0, utm.1);
    }
    match Datum::declared(text) {
        Some(datum) => Crs::on(datum),
        None => {
            Crs { plane: bare.contains("utm") || bare.contains("gauss") || bare.contains("高斯"), ..Crs::UNKNOWN }
        }
    }
}

impl Crs {
    /// The system of a code that stands for a word.
    fn epsg_word(code: u32) -> Crs {
        epsg::system(code)
    }
}

#[cfg(test)]
mod tests;
