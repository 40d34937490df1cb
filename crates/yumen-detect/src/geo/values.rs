//! Values of position columns: degrees, scaled integers, NMEA minutes, degrees-minutes-seconds, pairs and paths in one cell.

use yumen_kit_geo::{Angle, Axis, Crs, Region, angle, place, plausible, wkb};

/// A decimal number and how finely it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Num {
    pub(super) value: f64,
    pub(super) decimals: u8,
}

/// A position in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) lat: f64,
    pub(super) lon: f64,
    /// Written finer than about 100 m.
    pub(super) precise: bool,
}

/// Decimals of a degree that make a position precise: four are 11 m.
pub(super) const PRECISE: u8 = 4;

/// Whether both are whole minutes of arc that a division wrote out (`15.333333333333334`): no finer than a mile.
pub(super) fn of_minutes(a: Num, b: Num) -> bool {
    let whole = |n: Num| {
        let minutes = n.value * 60.0;
        (minutes - minutes.round()).abs() < 1e-9
    };
    a.decimals.max(b.decimals) >= 9 && whole(a) && whole(b)
}

/// The finite number that `text` is as a whole.
pub(super) fn number(text: &str) -> Option<Num> {
    let text = text.trim();
    if text.len() > 40 || !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    let value: f64 = text.parse().ok().filter(|v: &f64| v.is_finite())?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or("");
    let decimals = mantissa.split_once('.').map_or(0, |(_, f)| f.len());
    Some(Num { value, decimals: u8::try_from(decimals).unwrap_or(u8::MAX) })
}

/// `N`, `south`, `东`…: the sign.
fn sign(hemisphere: &str) -> Option<f64> {
    match hemisphere.trim().chars().next()? {
        'N' | 'n' | 'E' | 'e' | '北' | '东' => Some(1.0),
        'S' | 's' | 'W' | 'w' | '南' | '西' => Some(-1.0),
        _ => None,
    }
}

/// The position of a latitude and a longitude cell, with the cells of their hemispheres where there are such.
pub(super) fn position(lat: &str, lon: &str, ns: &str, ew: &str) -> Option<Point> {
    let (Some(a), Some(o)) = (number(lat), number(lon)) else { return marked(lat, lon) };
    let mut point = scale(a, o)?;
    if let (Some(ns), Some(ew)) = (sign(ns), sign(ew)) {
        (point.lat, point.lon) = (point.lat.abs() * ns, point.lon.abs() * ew);
    }
    plausible(point.lat, point.lon).then_some(point)
}

/// Values with degree marks or hemispheres: `31°14'02"N`.
fn marked(lat: &str, lon: &str) -> Option<Point> {
    let read = |text: &str| Angle::parse(text).or_else(|| sexagesimal(text));
    let (a, o) = (read(lat)?, read(lon)?);
    if a.axis == Some(Axis::Lon) || o.axis == Some(Axis::Lat) || !plausible(a.degrees, o.degrees) {
        return None;
    }
    Some(Point { lat: a.degrees, lon: o.degrees, precise: a.precision_m.min(o.precision_m) < 100.0 })
}

/// Degrees, minutes and seconds with nothing but spaces, colons or dashes between them (`39 54 27.55 N`, `116-23-28.8`, `E116:23:28.8`): in a column
/// of angles only.
fn sexagesimal(text: &str) -> Option<Angle> {
    let text = text.trim();
    let hemisphere = |c: char| {
        let axis = if matches!(c, 'N' | 'S' | 'n' | 's') { Axis::Lat } else { Axis::Lon };
        sign(c.encode_utf8(&mut [0; 4])).map(|s| (axis, s))
    };
    let mut axis = None;
    let mut body = text;
    for (letter, rest) in
        [(text.chars().next(), text.get(1..)), (text.chars().last(), text.get(..text.len().saturating_sub(1)))]
    {
        if let (Some(c), Some(rest)) = (letter.filter(char::is_ascii_alphabetic), rest) {
            axis = Some(hemisphere(c)?);
            body = rest.trim();
            break;
        }
    }
    let (sign, body) = match (axis, body.strip_prefix('-')) {
        (Some((_, sign)), None) => (sign, body),
        (None, Some(rest)) => (-1.0, rest),
        (None, None) => (1.0, body),
        _ => return None,
    };
    let parts: Vec<Num> = body
        .split([' ', ':', '-', '：'])
        .filter(|p| !p.is_empty())
        .map(|p| number(p).filter(|n| n.value >= 0.0 && p.len() <= 16))
        .collect::<Option<_>>()?;
    let [degrees, minutes, seconds] = parts[..] else { return None };
    let whole = degrees.decimals == 0 && minutes.decimals == 0;
    let degrees = degrees.value + minutes.value / 60.0 + seconds.value / 3600.0;
    (whole && minutes.value < 60.0 && seconds.value < 60.0 && degrees <= 180.0).then(|| Angle {
        degrees: sign * degrees,
        axis: axis.map(|(a, _)| a),
        precision_m: 30.9 * 0.1f64.powi(i32::from(seconds.decimals)),
        decimals: seconds.decimals,
        marked: false,
        minutes: true,
        len: text.len(),
    })
}

/// Positions of a geometry in well-known binary, written as hexadecimal digits as PostGIS does; whether it is a surface; its reference system.
pub(super) fn hex_geometry(text: &str) -> Option<(Vec<Point>, bool, Option<i32>)> {
    let text = text.trim();
    let text = text
        .strip_prefix("\\\\x")
        .or_else(|| text.strip_prefix("\\x"))
        .or_else(|| text.strip_prefix("0x"))
        .unwrap_or(text);
    if text.len() < 42
        || text.len() > 1 << 24
        || !text.len().is_multiple_of(2)
        || !matches!(text.get(..2), Some("00" | "01"))
    {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    let bytes: Option<Vec<u8>> = pairs.map(|p| Some(digit(p[0])? << 4 | digit(p[1])?)).collect();
    let mut positions = Vec::new();
    let mut surface = false;
    let (wrapped, whole) = wkb::read(&bytes?, &mut |piece| match piece {
        wkb::Piece::Begin(shape) => surface |= shape == wkb::Shape::Area,
        wkb::Piece::At(_, p) => positions.push((p.x, p.y)),
        _ => {}
    })?;
    let system = wrapped.srid.and_then(|n| u32::try_from(n).ok()).filter(|n| !matches!(n, 0 | 4326));
    let crs = system.map(|n| Crs::parse(&format!("EPSG:{n}")));
    let points = positions.into_iter().filter_map(|(x, y)| {
        let (lat, lon) = match crs {
            None => (y, x),
            Some(crs) => crs.to_geodetic(x, y, 0.0)?,
        };
        plausible(lat, lon).then_some(Point { lat, lon, precise: true })
    });
    whole.then(|| (points.collect(), surface, wrapped.srid))
}

/// Brings a pair of bare numbers to degrees.
fn scale(a: Num, o: Num) -> Option<Point> {
    let (lat, lon) = (a.value, o.value);
    let precise = a.decimals.max(o.decimals) >= PRECISE && !of_minutes(a, o);
    if lat.abs() <= 90.0 && lon.abs() <= 180.0 {
        return Some(Point { lat, lon, precise });
    }
    if lat.abs() <= 180.0 && lon.abs() <= 90.0 {
        // Columns mixed up by who filled them.
        return Some(Point { lat: lon, lon: lat, precise });
    }
    if a.decimals == 0 && o.decimals == 0 && (lat.abs() >= 1e5 || lon.abs() >= 1e5) {
        // GB/T 32960 and JT/T 808 count millionths of a degree; MAVLink and u-blox ten-millionths.
        let unit = if lat.abs() <= 90e6 && lon.abs() <= 180e6 { 1e-6 } else { 1e-7 };
        let (lat, lon) = (lat * unit, lon * unit);
        return (lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some(Point { lat, lon, precise: true });
    }
    if a.decimals >= 2 && o.decimals >= 2 && lat.abs() > 90.0 {
        let (lat, lon) = (angle::from_nmea(lat)?, angle::from_nmea(lon)?);
        return (lat.abs() <= 90.0).then_some(Point { lat, lon, precise: true });
    }
    None
}

/// Two numbers in the order of their writing. `lat_first` is what the name or syntax says; the range may know better.
pub(super) fn ordered(first: Num, second: Num, lat_first: Option<bool>) -> Option<Point> {
    let (a, b) = (first.value, second.value);
    let precise = first.decimals.max(second.decimals) >= PRECISE
        && first.decimals.min(second.decimals) + 2 >= PRECISE
        && !of_minutes(first, second);
    let lat_first = match (a.abs() <= 90.0, b.abs() <= 90.0) {
        (true, false) => true,
        (false, true) => false,
        (false, false) => return None,
        (true, true) => lat_first.unwrap_or_else(|| {
            // Both orders are possible: the one that lies in the mainland, else latitude first.
            let inside = |lat, lon| place(lat, lon).region == Region::Inside;
            inside(a, b) || !inside(b, a)
        }),
    };
    let (lat, lon) = if lat_first { (a, b) } else { (b, a) };
    plausible(lat, lon).then_some(Point { lat, lon, precise })
}

/// Positions of a flat list of numbers: pairs, or triples with a height. Of the two the one whose path is shorter.
pub(super) fn sequence(numbers: &[Num], lat_first: Option<bool>) -> Vec<Point> {
    let take = |stride: usize| -> Option<Vec<Point>> {
        if numbers.is_empty() || !numbers.len().is_multiple_of(stride) {
            return None;
        }
        numbers.chunks_exact(stride).map(|c| ordered(c[0], c[1], lat_first)).collect()
    };
    match (take(2), take(3)) {
        (Some(pairs), Some(triples)) => {
            let mean = |p: &[Point]| {
                p.windows(2).map(|w| (w[0].lat - w[1].lat).abs() + (w[0].lon - w[1].lon).abs()).sum::<f64>()
                    / p.len() as f64
            };
            if mean(&triples) < mean(&pairs) { triples } else { pairs }
        }
        (Some(points), None) | (None, Some(points)) => points,
        (None, None) => Vec::new(),
    }
}

/// Positions written in one cell: `121.47,31.23`, `POINT (121.47 31.23)`, `[[121.47,31.23],…]`, `121.47,31.23;121.48,31.24`, KML tuples.
/// The second value says that it is a closed ring or a surface by its own syntax.
pub(super) fn cell_points(text: &str, lat_first: Option<bool>) -> (Vec<Point>, bool) {
    let text = text.trim();
    let upper = text.get(..24.min(text.len())).unwrap_or("").to_ascii_uppercase();
    let wkt = ["POINT", "LINESTRING", "POLYGON", "MULTI", "SRID="].iter().any(|w| upper.starts_with(w));
    let body = if wkt { text.find('(').map_or("", |i| &text[i..]) } else { text };
    let lat_first = if wkt { Some(false) } else { lat_first };
    let mut numbers = Vec::new();
    let mut from = None;
    for (i, b) in body.bytes().chain([b' ']).enumerate() {
        match b {
            b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E' => {
                from.get_or_insert(i);
            }
            b' ' | b',' | b';' | b'|' | b'(' | b')' | b'[' | b']' | b'\n' | b'\r' | b'\t' | b'"' | b'\'' | b'_' => {
                if let Some(start) = from.take() {
                    match body.get(start..i).and_then(number) {
                        Some(n) => numbers.push(n),
                        None => return (Vec::new(), false),
                    }
                }
            }
            _ => {
                // Angles with marks, two of them: `N31°14'02" E121°28'25"`.
                let points = if numbers.len() <= 2 { marked_pair(body) } else { None };
                return (points.into_iter().collect(), false);
            }
        }
    }
    let surface = upper.starts_with("POLYGON") || upper.starts_with("MULTIPOLYGON");
    (sequence(&numbers, lat_first), surface)
}

fn marked_pair(text: &str) -> Option<Point> {
    let first = Angle::read(text)?;
    let rest = text[first.len..].trim_start_matches([' ', ',', '，', ';', '；', '/', '、']);
    let second = Angle::parse(rest)?;
    let (lat, lon) = match (first.axis?, second.axis?) {
        (Axis::Lat, Axis::Lon) => (first, second),
        (Axis::Lon, Axis::Lat) => (second, first),
        _ => return None,
    };
    plausible(lat.degrees, lon.degrees).then_some(Point {
        lat: lat.degrees,
        lon: lon.degrees,
        precise: lat.precision_m.max(lon.precision_m) < 100.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: &str, lon: &str) -> Option<(f64, f64)> {
        position(lat, lon, "", "").map(|p| ((p.lat * 1e4).round() / 1e4, (p.lon * 1e4).round() / 1e4))
    }

    #[test]
    fn columns_of_all_scales_come_to_degrees() {
        assert_eq!(at("22.532499", "114.012299"), Some((22.5325, 114.0123)));
        assert_eq!(at("22532499", "114012299"), Some((22.5325, 114.0123)));
        assert_eq!(at("225324990", "1140122990"), Some((22.5325, 114.0123)));
        assert_eq!(at("2232.4999", "11400.7379"), Some((22.5417, 114.0123)));
        assert_eq!(at("114.012299", "22.532499"), Some((22.5325, 114.0123)));
        assert_eq!(at("31°14'02\"N", "121°28'25\"E"), Some((31.2339, 121.4736)));
        // With nothing but separators between the parts.
        assert_eq!(at("39 54 27.55 N", "116 23 28.80 E"), Some((39.9077, 116.3913)));
        assert_eq!(at("39-54-27.55", "116-23-28.80"), Some((39.9077, 116.3913)));
        assert_eq!(at("S39:54:27.55", "W116:23:28.80"), Some((-39.9077, -116.3913)));
        assert_eq!(at("39 74 27.55 N", "116 23 28.80 E"), None);
        assert_eq!(at("2024-05-01", "2024-05-02"), None);
        assert_eq!(at("0", "0"), None);
        assert_eq!(at("nan", "121.1"), None);
        assert_eq!(at("", "121.1"), None);
        assert_eq!(at("999", "999"), None);
        assert_eq!(position("2232.4999", "11400.7379", "S", "W").map(|p| p.lat < 0.0 && p.lon < 0.0), Some(true));
    }

    #[test]
    fn hexadecimal_geometries_are_read() {
        // ST_GeomFromEWKT('SRID=4326;POINT(116.391333 39.90771)')
        let hex = "0101000020E61000001E3691990B195D4047205ED72FF44340";
        let (points, surface, srid) = hex_geometry(hex).unwrap();
        assert_eq!((points.len(), surface, srid), (1, false, Some(4326)));
        assert!((points[0].lat - 39.90771).abs() < 1e-9 && (points[0].lon - 116.391333).abs() < 1e-9, "{points:?}");
        for no in ["", "0101", "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", "00112233445566778899"] {
            assert!(hex_geometry(no).is_none(), "{no}");
        }
        assert!(hex_geometry(&hex[..hex.len() - 2]).is_none());
    }

    #[test]
    fn cells_with_pairs_and_paths_are_read() {
        let one = |s: &str, first| {
            let (p, _) = cell_points(s, first);
            assert_eq!(p.len(), 1, "{s}");
            ((p[0].lat * 1e4).round() / 1e4, (p[0].lon * 1e4).round() / 1e4)
        };
        assert_eq!(one("121.4737,31.2304", None), (31.2304, 121.4737));
        assert_eq!(one("31.2304, 121.4737", None), (31.2304, 121.4737));
        assert_eq!(one("POINT (121.4737 31.2304)", None), (31.2304, 121.4737));
        assert_eq!(one("SRID=4326;POINT(87.6168 43.8256)", None), (43.8256, 87.6168));
        assert_eq!(one("87.6168,43.8256", None), (43.8256, 87.6168));
        assert_eq!(one("121.4737,31.2304,12.5", Some(false)), (31.2304, 121.4737));
        assert_eq!(one("北纬31°14′02″，东经121°28′25″", None), (31.2339, 121.4736));
        assert_eq!(
            cell_points("[[-8.618643,41.141412],[-8.618499,41.141376],[-8.620326,41.14251]]", Some(false)).0.len(),
            3
        );
        assert_eq!(cell_points("121.47,31.23;121.48,31.24", None).0.len(), 2);
        let kml = cell_points("121.47,31.23,4 121.48,31.24,5 121.49,31.25,6", Some(false)).0;
        assert_eq!((kml.len(), kml[2].lat), (3, 31.25));
        for none in ["上海市静安区", "see 31.2304,121.4737", "", "1", "2024-01-02 03:04:05", "0,0"] {
            assert!(cell_points(none, None).0.is_empty(), "{none}");
        }
    }
}
