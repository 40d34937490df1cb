//! PROJ strings: `+proj=utm +zone=50 +datum=WGS84 +units=m +no_defs`.

use std::collections::BTreeMap;

use super::build::{self, Parameters};
use super::{Base, Crs, System};
use crate::ellipsoid::{AIRY, AUST_SA, BESSEL, CLARKE66, Ellipsoid, GRS80, Helmert, IAG75, INTL, KRASOVSKY, WGS84};
use crate::projection::Projection;
use crate::{Datum, Enu};

fn ellipsoid(name: &str) -> Option<Ellipsoid> {
    Some(match name.to_ascii_lowercase().as_str() {
        "wgs84" => WGS84,
        "grs80" => GRS80,
        "krass" => KRASOVSKY,
        "iau76" => IAG75,
        "intl" => INTL,
        "bessel" => BESSEL,
        "airy" => AIRY,
        "clrk66" => CLARKE66,
        "aust_sa" => AUST_SA,
        "wgs72" => Ellipsoid { a: 6_378_135.0, f: 1.0 / 298.26 },
        "sphere" => Ellipsoid { a: 6_370_997.0, f: 0.0 },
        _ => return None,
    })
}

/// Metres by unit.
fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "m" => 1.0,
        "km" => 1000.0,
        "cm" => 0.01,
        "mm" => 0.001,
        "ft" => 0.3048,
        "us-ft" => 1200.0 / 3937.0,
        "yd" => 0.9144,
        _ => return None,
    })
}

/// An angle as PROJ reads it: degrees, or `31d14'2.5"N`.
fn angle(text: &str) -> Option<f64> {
    if let Ok(v) = text.parse::<f64>() {
        return Some(v).filter(|v| v.is_finite());
    }
    if let Some(v) = text.strip_suffix(['r', 'R']).and_then(|t| t.parse::<f64>().ok()) {
        return Some(v.to_degrees());
    }
    let (body, sign) = match text.chars().last()? {
        'N' | 'E' | 'n' | 'e' => (&text[..text.len() - 1], 1.0),
        'S' | 'W' | 's' | 'w' => (&text[..text.len() - 1], -1.0),
        _ => (text, 1.0),
    };
    let mut sum = 0.0;
    let mut scale = 1.0;
    for part in body.split(['d', 'D', '\'', '"', '°']).filter(|p| !p.is_empty()) {
        let v: f64 = part.parse().ok()?;
        sum += v.abs() / scale * if body.starts_with('-') { -1.0 } else { 1.0 };
        scale *= 60.0;
    }
    Some(sum * sign)
}

/// Prime meridians by name.
fn meridian(name: &str) -> f64 {
    match name {
        "paris" => 2.337_229_166_666_667,
        "ferro" => -17.666_666_666_666_668,
        "rome" => 12.452_333_333_333_333,
        "oslo" => 10.722_916_666_666_666,
        "lisbon" => -9.131_906_111_111_11,
        "madrid" => -3.687_938_888_888_889,
        "athens" => 23.716_337_5,
        "jakarta" => 106.807_719_444_444_44,
        _ => angle(name).unwrap_or(0.0),
    }
}

fn base(keys: &BTreeMap<&str, &str>) -> Base {
    let number = |k: &str| keys.get(k).and_then(|v| v.parse::<f64>().ok());
    let mut own = keys.get("ellps").and_then(|e| ellipsoid(e));
    if let Some(a) = number("a").or_else(|| number("R")) {
        let inverse = number("rf")
            .or_else(|| number("b").map(|b| if (a - b).abs() < 1e-9 { 0.0 } else { a / (a - b) }))
            .or_else(|| number("f").map(|f| if f == 0.0 { 0.0 } else { 1.0 / f }));
        own = Ellipsoid::of(a, inverse.unwrap_or(if keys.contains_key("R") { 0.0 } else { 298.257_223_563 })).or(own);
    }
    let shift = keys.get("towgs84").and_then(|t| {
        let numbers: Option<Vec<f64>> = t.split(',').map(|n| n.trim().parse().ok()).collect();
        Helmert::of(&numbers?)
    });
    let mut base = match keys.get("datum").map(|d| d.to_ascii_lowercase()) {
        Some(d) => build::base(&d, own, shift),
        None => {
            // Without a datum PROJ takes WGS-84; other ellipsoids alone tell none.
            let name = match own {
                None => "wgs84",
                Some(e) if e == WGS84 => "wgs84",
                Some(e) if e == KRASOVSKY || e == IAG75 => "unknown",
                Some(_) if shift.is_some() => "shifted",
                Some(e) if e == GRS80 => "other",
                Some(_) => "unknown",
            };
            build::base(name, own, shift)
        }
    };
    base.meridian = keys.get("pm").map_or(0.0, |m| meridian(m));
    base
}

/// The parameters: divided by blanks, or by a `+` before a name (that of `4.9e+1` is none).
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut at = 0;
    text.split(move |c: char| {
        let next = text[at + c.len_utf8()..].chars().next();
        at += c.len_utf8();
        c.is_whitespace() || c == '+' && next.is_none_or(char::is_alphabetic)
    })
    .filter(|t| !t.is_empty())
}

pub(super) fn parse(text: &str) -> Crs {
    let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
    for token in tokens(text).take(64) {
        let (key, value) = token.split_once('=').unwrap_or((token, ""));
        keys.entry(key.trim()).or_insert(value.trim().trim_matches(['"', '\'']));
    }
    if let Some(init) = keys.get("init") {
        return super::code(init).unwrap_or(Crs::UNKNOWN);
    }
    let number = |k: &str| keys.get(k).and_then(|v| angle(v));
    let name = keys.get("proj").copied().unwrap_or("");
    let base = base(&keys);
    let unit = keys
        .get("to_meter")
        .and_then(|v| match v.split_once('/') {
            Some((a, b)) => Some(a.parse::<f64>().ok()? / b.parse::<f64>().ok()?),
            None => v.parse().ok(),
        })
        .or_else(|| keys.get("units").and_then(|u| unit(u)))
        .unwrap_or(1.0);
    match name {
        "longlat" | "latlong" | "lonlat" | "latlon" => Crs::geographic(base),
        "geocent" | "cart" => Crs { system: System::Geocentric(base), code: None, plane: false },
        "topocentric" => {
            let origin = |k: [&str; 2]| k.iter().find_map(|k| number(k));
            match (origin(["lat_0", "lat"]), origin(["lon_0", "lon"])) {
                (Some(lat), Some(lon)) => {
                    Enu::new(lat, lon, number("h_0").unwrap_or(0.0), 0.0).map_or(Crs::LOCAL, Crs::enu)
                }
                _ => Crs::LOCAL,
            }
        }
        "utm" => {
            let zone = number("zone").filter(|z| (1.0..=60.0).contains(z)).map(|z| z.trunc());
            let zone = zone.and_then(|z| (1..=60u32).find(|n| f64::from(*n) == z));
            let p = zone.and_then(|z| Projection::utm(z, keys.contains_key("south")));
            build::projected(p, base, unit)
        }
        _ => {
            let mut p = Parameters::default();
            for (key, told) in [
                ("lat_0", "latitude_of_origin"),
                ("lon_0", "central_meridian"),
                ("lat_1", "standard_parallel_1"),
                ("lat_2", "standard_parallel_2"),
                ("lat_ts", "standard_parallel_1"),
                ("k", "scale_factor"),
                ("k_0", "scale_factor"),
                ("x_0", "false_easting"),
                ("y_0", "false_northing"),
            ] {
                if let Some(v) = number(key) {
                    p.add(told, v);
                }
            }
            let sphere = base.ellipsoid.f == 0.0 || keys.get("nadgrids").is_some_and(|g| g.contains("null"));
            let method = if name == "merc" && sphere || name == "webmerc" { "webmercator" } else { name };
            let base = if method == "webmercator" && (base.ellipsoid.a - WGS84.a).abs() < 1.0 {
                Base { ellipsoid: WGS84, datum: Datum::Wgs84, ..base }
            } else {
                base
            };
            build::projected(build::projection(method, &p), base, unit)
        }
    }
}
