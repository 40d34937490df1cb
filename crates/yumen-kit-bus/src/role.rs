//! What a signal's name and unit say it is.

/// What a signal is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// Latitude, or a part of it.
    Latitude(Part),
    /// Longitude, or a part of it.
    Longitude(Part),
    /// Height in metres.
    Altitude,
    /// An acceleration.
    Acceleration,
    /// An angular rate.
    Rate,
    /// Characters of the vehicle's number.
    Vin,
}

/// Which part of an angle a signal is, and what brings it to degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// All of it: times this it is in degrees.
    Whole(f64),
    /// The whole degrees.
    Degrees,
    /// The minutes.
    Minutes,
    /// A fraction of a minute.
    Fraction,
    /// The seconds.
    Seconds,
    /// North or south, east or west; whether 1 is the negative one.
    Hemisphere(bool),
}

/// A role, and the name without what it says: two signals of one position have the same stem.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The role.
    pub role: Role,
    /// What is left of the name.
    pub stem: String,
}

/// Parts of a name in lower case: `GPSLatitude_Min` → gps, latitude, min.
fn tokens(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().take(256).collect();
    let mut out: Vec<String> = vec![String::new()];
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| chars.get(i)).copied().unwrap_or(' ');
        let next = chars.get(i + 1).copied().unwrap_or(' ');
        let wide = |c: char| c as u32 >= 0x2e80;
        let cut = !c.is_alphanumeric()
            || c.is_uppercase() && (before.is_lowercase() || before.is_uppercase() && next.is_lowercase())
            || c.is_numeric() != before.is_numeric()
            || wide(c) != wide(before);
        if cut && out.last().is_some_and(|t| !t.is_empty()) {
            out.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(last) = out.last_mut()
        {
            last.extend(c.to_lowercase());
        }
    }
    out.retain(|t| !t.is_empty());
    out
}

const LATITUDE: &[&str] = &[
    "lat",
    "latt",
    "lati",
    "latitude",
    "latitud",
    "latitudine",
    "breite",
    "breitengrad",
    "breitegrad",
    "geobreite",
    "纬度",
    "緯度",
];
const LONGITUDE: &[&str] = &[
    "lon",
    "long",
    "lng",
    "longi",
    "longt",
    "longitude",
    "longitud",
    "longitudine",
    "laenge",
    "laengengrad",
    "länge",
    "längengrad",
    "geolaenge",
    "经度",
    "經度",
];
/// In front of `lat` and `lon` in names written in one.
const PREFIXES: &[&str] = &[
    "gps", "gnss", "ins", "imu", "pos", "position", "vehicle", "veh", "ego", "nav", "wgs", "geo", "host", "rt", "adma",
    "cur", "current", "start", "dest", "the",
];
/// Words that say it is no place: dynamics, quality, control.
const OTHER: &[&str] = &[
    "acc",
    "accel",
    "accl",
    "acceleration",
    "accelerometer",
    "beschleunigung",
    "beschl",
    "a",
    "ax",
    "ay",
    "force",
    "ctrl",
    "control",
    "controller",
    "err",
    "error",
    "dev",
    "deviation",
    "std",
    "stddev",
    "sigma",
    "var",
    "variance",
    "accuracy",
    "accuarcy",
    "cov",
    "dist",
    "distance",
    "vel",
    "velocity",
    "speed",
    "rate",
    "jerk",
    "slip",
    "dyn",
    "dynamics",
    "latency",
    "lateral",
    "longitudinal",
    "mode",
    "status",
    "stat",
    "sts",
    "term",
    "delta",
    "rmse",
    "rms",
    "uncertainty",
    "dop",
    "range",
    "press",
    "beam",
    "light",
    "press",
    "timer",
    "time",
    "click",
    "误差",
    "加速度",
    "速度",
    // What a radar or camera sees, in metres ahead and to the side.
    "obj",
    "object",
    "objects",
    "target",
    "tgt",
    "track",
    "radar",
    "det",
    "detection",
    "lane",
    "rel",
    "relative",
    "gain",
    "req",
    "request",
    "cmd",
];
const DEGREES: &[&str] = &["deg", "degree", "degrees", "grad", "度"];
const MINUTES: &[&str] = &["min", "mins", "minute", "minutes", "minuten", "分"];
const SECONDS: &[&str] = &["sec", "secs", "second", "seconds", "sekunden", "秒"];
const FRACTION: &[&str] = &["dec", "frac", "fraction", "decimal", "decimals", "fract", "mindec", "minfrac"];
const HEMISPHERE: &[&str] = &[
    "hemisphere",
    "hem",
    "hemi",
    "hsph",
    "dir",
    "direction",
    "sign",
    "vorzeichen",
    "ns",
    "ew",
    "we",
    "sn",
    "sth",
    "south",
    "west",
    "north",
    "east",
    "ind",
    "indicator",
    "orientation",
    "半球",
    "方向",
];

/// What a signal's name and unit say it is, if it is one of what matters here.
#[must_use]
pub fn role(name: &str, unit: &str) -> Option<Named> {
    let tokens = tokens(name);
    let unit = unit.trim().to_lowercase();
    place(&tokens, &unit).or_else(|| other(&tokens, &unit))
}

fn is(token: &str, words: &[&str]) -> bool {
    words.contains(&token)
}

/// Whether a token is the axis itself, alone or written in one with what is in front.
fn names_axis(token: &str, words: &[&str], long: &str) -> bool {
    is(token, words)
        || token.contains(long)
        || words.iter().any(|w| token.strip_suffix(w).is_some_and(|rest| is(rest, PREFIXES)))
        // `latdeg`, `lonmin`.
        || words.iter().any(|w| token.strip_prefix(w).is_some_and(|rest| is(rest, DEGREES) || is(rest, MINUTES) || is(rest, SECONDS)))
}

fn place(tokens: &[String], unit: &str) -> Option<Named> {
    let latitude = tokens.iter().position(|t| names_axis(t, LATITUDE, "latitude"));
    let longitude = tokens.iter().position(|t| names_axis(t, LONGITUDE, "longitude"));
    let (at, is_latitude) = match (latitude, longitude) {
        (Some(at), None) => (at, true),
        (None, Some(at)) => (at, false),
        _ => return None,
    };
    let rest: Vec<&str> = tokens.iter().enumerate().filter(|&(i, _)| i != at).map(|(_, t)| t.as_str()).collect();
    if rest.iter().any(|t| is(t, OTHER)) {
        return None;
    }
    let any = |words: &[&str]| {
        rest.iter().any(|t| is(t, words))
            || tokens.get(at).is_some_and(|t| {
                !is(t, LATITUDE)
                    && !is(t, LONGITUDE)
                    && words.iter().any(|w| w.len() > 2 && t.len() > w.len() + 2 && t.ends_with(w))
            })
    };
    let unit = unit.replace([' ', '_'], "");
    let minute_unit =
        matches!(unit.as_str(), "min" | "mins" | "minute" | "minutes" | "minuten" | "'" | "′" | "arcmin" | "分");
    let second_unit = matches!(
        unit.as_str(),
        "s" | "sec" | "secs" | "second" | "seconds" | "\"" | "″" | "''" | "arcsec" | "arcseconds" | "秒"
    );
    let degree_unit = unit.contains("deg") || unit.contains('°') || unit == "度" || unit == "grad" || unit == "ddeg";
    let part = if any(HEMISPHERE) && (unit.is_empty() || unit == "-") {
        Part::Hemisphere(!rest.iter().any(|t| is(t, &["north", "east", "nth"])))
    } else if any(FRACTION) && (any(MINUTES) || minute_unit || rest.iter().any(|t| t.starts_with("min"))) {
        Part::Fraction
    } else if any(MINUTES) || minute_unit && !degree_unit && any(MINUTES) {
        Part::Minutes
    } else if any(SECONDS) {
        Part::Seconds
    } else if any(DEGREES) {
        // Whole degrees if there are minutes beside them, else all of it: the caller sees which.
        Part::Degrees
    } else if minute_unit {
        Part::Whole(1.0 / 60.0)
    } else if second_unit {
        Part::Whole(1.0 / 3600.0)
    } else {
        Part::Whole(scale(&unit, degree_unit)?)
    };
    let part = match part {
        Part::Degrees if !degree_unit && !unit.is_empty() => Part::Whole(scale(&unit, false)?),
        Part::Degrees if degree_unit && scale(&unit, true) != Some(1.0) => Part::Whole(scale(&unit, true)?),
        part => part,
    };
    let stem: Vec<&str> = rest
        .into_iter()
        .filter(|t| [DEGREES, MINUTES, SECONDS, FRACTION, HEMISPHERE].iter().all(|words| !is(t, words)))
        .collect();
    let role = if is_latitude { Role::Latitude(part) } else { Role::Longitude(part) };
    Some(Named { role, stem: stem.join("_") })
}

/// What brings a unit to degrees; none when it is none of an angle.
fn scale(unit: &str, degrees: bool) -> Option<f64> {
    let exponent = |base: f64| {
        for n in 1..=9 {
            if unit.contains(&format!("e-{n}"))
                || unit.contains(&format!("e-0{n}"))
                || unit.contains(&format!("10^-{n}"))
            {
                return base * 10f64.powi(-n);
            }
        }
        base
    };
    match unit {
        "" | "-" | "--" | "1" | "n/a" | "none" | "unitless" | "wgs84" | "n" | "e" | "n/s" | "e/w" => Some(1.0),
        "rad" | "radian" | "radians" => Some(180.0 / std::f64::consts::PI),
        "mas" | "milliarcsecond" | "milliarcseconds" | "marcsec" => Some(1.0 / 3_600_000.0),
        "mdeg" | "millideg" => Some(1e-3),
        "udeg" | "µdeg" | "microdeg" | "microdegree" | "microdegrees" => Some(1e-6),
        _ if degrees && !unit.contains("/s") => Some(exponent(1.0)),
        _ => None,
    }
}

fn other(tokens: &[String], unit: &str) -> Option<Named> {
    let any = |words: &[&str]| tokens.iter().any(|t| is(t, words));
    let named = |role| Some(Named { role, stem: String::new() });
    if any(&["vin", "车架号", "車架號", "fin", "fahrgestellnummer", "vehicleidentificationnumber"])
        && !any(&["vinfo", "crc", "valid", "status", "match", "request", "req", "seg"])
    {
        // `fin` alone is a finish or a fin; together with a number it is the German name.
        if any(&["vin", "车架号", "車架號", "fahrgestellnummer", "vehicleidentificationnumber"]) {
            let stem: Vec<&str> =
                tokens.iter().filter(|t| !t.bytes().all(|b| b.is_ascii_digit())).map(String::as_str).collect();
            return Some(Named { role: Role::Vin, stem: stem.join("_") });
        }
    }
    if any(&["alt", "altitude", "hoehe", "höhe", "height", "elevation", "海拔", "高度"])
        && matches!(unit, "m" | "meter" | "metre" | "米" | "")
        && !any(&["std", "acc", "accuracy", "ride", "suspension", "mirror", "beam"])
    {
        return named(Role::Altitude);
    }
    let unit = unit.replace([' ', '_'], "");
    let motion_unit = matches!(
        unit.as_str(),
        "m/s^2" | "m/s2" | "m/s²" | "m/s/s" | "m/s**2" | "mps2" | "g" | "mg" | "m/sec^2" | "m/sec2"
    );
    let rate_unit = matches!(
        unit.as_str(),
        "deg/s" | "°/s" | "rad/s" | "deg/sec" | "rad/sec" | "degree/s" | "degrees/s" | "grad/s" | "dps" | "mrad/s"
    );
    let accelerates = any(&[
        "acc",
        "accel",
        "accl",
        "acceleration",
        "accelerometer",
        "beschleunigung",
        "beschl",
        "acceler",
        "加速度",
        "ax",
        "ay",
        "az",
        "accelx",
        "accely",
        "accelz",
    ]);
    if accelerates && motion_unit && !any(&["pedal", "target", "req", "request", "cmd", "command", "limit", "desired"])
    {
        return named(Role::Acceleration);
    }
    let turns = any(&[
        "yaw",
        "yawrate",
        "roll",
        "rollrate",
        "pitch",
        "pitchrate",
        "gier",
        "gierrate",
        "giergeschwindigkeit",
        "gyro",
        "gyroscope",
        "angular",
        "横摆",
        "wx",
        "wy",
        "wz",
        "rate",
    ]);
    if turns
        && rate_unit
        && !any(&["steering", "steer", "lenk", "target", "req", "request", "cmd", "command", "desired"])
    {
        return named(Role::Rate);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, unit: &str) -> Option<Role> {
        role(name, unit).map(|n| n.role)
    }

    #[test]
    fn names_of_positions_are_known() {
        for name in [
            "Latitude",
            "GPS_Lat",
            "GPSLatitude",
            "gps_latitude",
            "Lat",
            "GpsLat",
            "INS_Lat",
            "Breite",
            "GPS_Breitengrad",
            "纬度",
            "gpslat",
            "Fahrzeug_GPS_Breite",
            "GNSS_纬度",
            "VehPosLat",
        ] {
            assert_eq!(of(name, "deg"), Some(Role::Latitude(Part::Whole(1.0))), "{name}");
        }
        for name in
            ["Longitude", "GPS_Long", "GPSLongitude", "lon", "INS_Lon", "Laenge", "Längengrad", "经度", "PosLng"]
        {
            assert_eq!(of(name, "°"), Some(Role::Longitude(Part::Whole(1.0))), "{name}");
        }
        assert_eq!(of("GPSLatitude", "milliarcsecond"), Some(Role::Latitude(Part::Whole(1.0 / 3_600_000.0))));
        assert_eq!(of("Lat", "1E-7 deg"), Some(Role::Latitude(Part::Whole(1e-7))));
        assert_eq!(of("GPS_Latitude_Degrees", "Degrees"), Some(Role::Latitude(Part::Degrees)));
        assert_eq!(of("Lat_Deg", ""), Some(Role::Latitude(Part::Degrees)));
        assert_eq!(of("GPS_Latitude_Minutes", "Minutes"), Some(Role::Latitude(Part::Minutes)));
        assert_eq!(of("GPS_Latitude_Min_dec", "Minutes"), Some(Role::Latitude(Part::Fraction)));
        assert_eq!(of("GpsHsphLattSth_D_Actl", ""), Some(Role::Latitude(Part::Hemisphere(true))));
        assert_eq!(of("GpsHsphLongEast_D_Actl", ""), Some(Role::Longitude(Part::Hemisphere(false))));
        assert_eq!(role("GPS_Latitude_Min_dec", "").map(|n| n.stem), role("GPS_Longitude_Degrees", "").map(|n| n.stem));
    }

    #[test]
    fn dynamics_and_settings_are_no_positions() {
        for (name, unit) in [
            ("LatAcc", "m/s^2"),
            ("Lat_Accel", "g"),
            ("LongAcceleration", "m/s^2"),
            ("LateralForce", "N"),
            ("LatCtrlMode", ""),
            ("LongTermFuelTrim", "%"),
            ("LatDist", "m"),
            ("Translation", ""),
            ("Flat", ""),
            ("Plate", ""),
            ("LatVel", "m/s"),
            ("Belong", ""),
            ("LongPress", ""),
            ("Latitude_std", "deg"),
            ("Lat", "m"),
            ("Obj_Lat_Pos", ""),
            ("Target1_Long", ""),
            ("Lon", "m/s"),
        ] {
            assert!(!matches!(of(name, unit), Some(Role::Latitude(_) | Role::Longitude(_))), "{name}");
        }
        assert_eq!(of("LatAcc", "m/s^2"), Some(Role::Acceleration));
        assert_eq!(of("YawRate", "deg/s"), Some(Role::Rate));
        assert_eq!(of("AccelPedal", "%"), None);
        assert_eq!(of("SteeringRate", "deg/s"), None);
        assert_eq!(of("VIN_1", ""), Some(Role::Vin));
        assert_eq!(of("Driving", ""), None);
        assert_eq!(of("GPS_Altitude", "m"), Some(Role::Altitude));
    }
}
