//! What names tell: of fields, types and topics.

/// A type's name in lower case: the last part of the package and the type, without signs (`sensor_msgs/msg/NavSatFix` → `sensormsgsnavsatfix`).
pub(crate) fn type_key(name: &str) -> String {
    crate::plan::key(&crate::schema::ros_name(name))
}

/// A name's words in lower case: signs, capitals and digits part them.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut fresh = true;
    let chars: Vec<char> = name.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            fresh = true;
            continue;
        }
        let before = i.checked_sub(1).map(|j| chars[j]);
        let after = chars.get(i + 1);
        let up = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_numeric())
                || before.is_some_and(char::is_uppercase) && after.is_some_and(|a| a.is_lowercase()));
        if fresh || up || out.is_empty() {
            out.push(String::new());
        }
        fresh = false;
        if let Some(word) = out.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    out
}

/// Words beside `lat` that say it is no latitude: lateral motion, accuracies.
const NOT_PLACE: [&str; 39] = [
    "acc",
    "accel",
    "acceleration",
    "vel",
    "velocity",
    "speed",
    "dist",
    "distance",
    "offset",
    "error",
    "err",
    "jerk",
    "control",
    "force",
    "ctrl",
    "gain",
    "std",
    "stdev",
    "sigma",
    "dev",
    "deviation",
    "accuracy",
    "cov",
    "covariance",
    "variance",
    "var",
    "g",
    "dir",
    "direction",
    "hemisphere",
    "rate",
    "slip",
    "margin",
    "diff",
    "delta",
    "overlap",
    "position",
    "pos",
    "uncertainty",
];

/// The keys that the longitude to a latitude of this name may bear; none where it is no latitude.
pub(crate) fn longitude_of(name: &str) -> Option<Vec<String>> {
    let w = words(name);
    let at = w.iter().position(|w| is_latitude(w));
    if let Some(at) = at {
        let short = !w[at].contains("latitude") && !w[at].contains("纬度");
        let odd = |x: &String| {
            NOT_PLACE.contains(&x.as_str()) && !(matches!(x.as_str(), "pos" | "position") && (!short || w.len() == 2))
        };
        if w.iter().any(odd) {
            return None;
        }
    }
    let at = match at {
        Some(at) => at,
        // Words run together.
        None => {
            let key = crate::plan::key(name);
            let front = ["gps", "gnss", "nav", "geo", "ins", "wgs84", "car", "ego", "vehicle", "start", "end"];
            let front = front.iter().find(|f| key.strip_prefix(**f).is_some_and(is_latitude))?;
            let back = &key[front.len()..];
            return Some(partners(back).into_iter().map(|p| format!("{front}{p}")).collect());
        }
    };
    let around = |p: String| -> String {
        w.iter().enumerate().map(|(i, word)| if i == at { p.as_str() } else { word.as_str() }).collect()
    };
    Some(partners(&w[at]).into_iter().map(around).collect())
}

fn is_latitude(word: &str) -> bool {
    let base = word.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(base, "lat" | "latitude" | "纬度")
        || matches!(word, "late7" | "lat1e7" | "latitudee7" | "latitude1e7" | "latdeg" | "latitudedeg" | "latrad")
        || word.ends_with("纬度")
}

fn partners(latitude: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (a, list) in
        [("latitude", &["longitude"][..]), ("纬度", &["经度"]), ("lat", &["lon", "lng", "long", "longitude"])]
    {
        if latitude.contains(a) {
            out.extend(list.iter().map(|b| latitude.replacen(a, b, 1)));
            break;
        }
    }
    out
}

/// The keys that the height to a latitude of this name may bear.
pub(crate) fn altitudes(latitude: &str) -> Vec<String> {
    let key = crate::plan::key(latitude);
    let mut out = Vec::new();
    for (a, b) in [("latitude", "altitude"), ("lat", "alt"), ("纬度", "高度"), ("纬度", "海拔")] {
        if key.contains(a) {
            out.push(key.replacen(a, b, 1));
        }
    }
    for k in [
        "altitude",
        "alt",
        "heightmsl",
        "height",
        "hgt",
        "hmsl",
        "altitudemsl",
        "ellipsoidheight",
        "elevation",
        "ele",
        "undulatedheight",
        "高度",
        "海拔",
    ] {
        out.push(k.to_owned());
    }
    out
}

/// Whether a number of this name names somebody or something.
pub(crate) fn is_identity(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "vin",
        "plate",
        "phone",
        "mobile",
        "tel",
        "imei",
        "imsi",
        "iccid",
        "idcard",
        "passport",
        "telephone",
        "msisdn",
        "cellphone",
        "licenseplate",
    ];
    words(name).iter().any(|w| WORDS.contains(&w.as_str()))
        || ["手机", "电话", "车牌", "身份证", "车架号"].iter().any(|w| name.contains(w))
        || ["idnumber", "phonenumber", "vincode"].contains(&crate::plan::key(name).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latitudes_are_told_from_lateral_things() {
        for (name, partner) in [
            ("lat", "lon"),
            ("latitude", "longitude"),
            ("Latitude", "longitude"),
            ("gps_lat", "gpslng"),
            ("gpsLat", "gpslon"),
            ("lat_deg", "londeg"),
            ("latitude_e7", "longitudee7"),
            ("lat1e7", "lon1e7"),
            ("gpslat", "gpslon"),
            ("纬度", "经度"),
            ("GPS纬度", "gps经度"),
            ("latitude_1", "longitude1"),
            ("lat1", "lon1"),
            ("position_latitude", "positionlongitude"),
            ("pos_lat", "poslon"),
        ] {
            let got = longitude_of(name).unwrap_or_else(|| panic!("{name}"));
            assert!(got.iter().any(|p| p == partner), "{name}: {got:?}");
        }
        for name in [
            "lateral",
            "lat_accel",
            "latAcc",
            "lat_std",
            "latitude_std_dev",
            "platform",
            "translation",
            "lat_dir",
            "latency",
            "late",
            "relative",
        ] {
            assert_eq!(longitude_of(name), None, "{name}");
        }
    }

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words("GPSLatitude_deg"), ["gps", "latitude", "deg"]);
        assert_eq!(words("fixType"), ["fix", "type"]);
        assert_eq!(words("ecefX"), ["ecef", "x"]);
        assert!(
            is_identity("owner_phone") && is_identity("VIN") && !is_identity("template") && !is_identity("covariance")
        );
        assert_eq!(type_key("sensor_msgs/msg/NavSatFix"), "sensormsgsnavsatfix");
        assert_eq!(type_key("sensor_msgs::msg::dds_::NavSatFix_"), "sensormsgsnavsatfix");
        assert_eq!(type_key("foxglove.LocationFix"), "foxglovelocationfix");
    }
}
