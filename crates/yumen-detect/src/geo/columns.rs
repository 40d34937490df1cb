//! What a column or key is, by its name: `gps_lat`, `经度(°)`, `startLongitude`, `pose.position.x`, `采集时间`.

use yumen_kit_geo::Datum;

use super::words::{
    BOOKKEEPING, ENTITY, ENTITY_TAIL, ENTITY_ZH, FIXED, HEIGHT, LAT, LON, MOTION, NOT_PLANE, NOT_POSITION, PAIR, PATH,
    PLACE, PLANE, PLANE_ZH, SEQUENCE, SURE, TIME,
};

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    Lat,
    Lon,
    /// Both in one value or array; `Some(true)` when the name says that the latitude comes first, `Some(false)` when it comes second.
    Pair(Option<bool>),
    /// As a pair, and the name says that it is a path travelled.
    Path,
    /// N or S.
    LatHemisphere,
    /// E or W.
    LonHemisphere,
    /// Plane coordinates in metres.
    X,
    Y,
    /// An array of them.
    XyArray,
    /// The zone of plane coordinates.
    Zone,
    /// A grid reference as text: MGRS, or UTM with its zone.
    Grid,
    /// Earth-centred coordinates: axis 0, 1, 2.
    Ecef(u8),
    /// A time; seconds by one unit of a bare number, where the name tells the unit.
    Time(Option<f64>),
    /// A calendar day beside a time of day.
    Date,
    /// Frame or sequence number.
    Sequence,
    /// What tells vehicles, devices, trips or persons apart; the lowest number is taken.
    Entity(u8),
    /// Speed, heading, mileage and the like: the position is of something that moves.
    Motion,
    /// Height above the sea or the ellipsoid.
    Height,
    /// Name, address and the like: the position is of a place.
    Place,
    /// Whether the fix is valid.
    Valid,
    /// Names the datum.
    Crs,
    /// The type of a GeoJSON geometry.
    GeometryType,
    Other,
}

/// A field by its name.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) role: Role,
    /// Its name without the words for latitude and longitude: fields with the same stem belong together.
    pub(super) stem: String,
    /// The datum that the name declares.
    pub(super) datum: Option<Datum>,
    /// The name says that positions are of a place, a shape or a cell and not of something that moves.
    pub(super) fixed: bool,
    /// The name says that positions were travelled.
    pub(super) travelled: bool,
    /// The name of a pair means positions on the globe; of others (`center`, `start`) only values inside the mainland are believed.
    pub(super) sure: bool,
    /// Plane coordinates of a projection rather than of a local frame.
    pub(super) projected: bool,
}

/// The last segment of a path of keys, and the one before it.
pub(super) fn segments(name: &str) -> (&str, &str) {
    // A unit at the end parts nothing: `流量(辆/h)`, `speed [m/s]`.
    if name.ends_with([')', '）', ']'])
        && let Some(open) = name.find(['(', '（', '[']).filter(|o| *o > 0)
        && name[open..].contains(['.', '/'])
    {
        let from = name[..open].rfind(['.', '/']).map_or(0, |i| i + 1);
        return (&name[from..], segments(&name[..from.saturating_sub(1)]).0);
    }
    let mut parts =
        name.rsplit(['.', '/']).map(|s| s.trim_start_matches('@')).filter(|s| !s.is_empty() && *s != "#text");
    let last = parts.next().unwrap_or("");
    (last, parts.next().unwrap_or(""))
}

/// Lower-case words of a name: split at what is neither letter nor digit and at humps (`gpsLat`). Units in brackets are left out.
pub(super) fn words(segment: &str) -> Vec<String> {
    let head = segment.split(['(', '（', '[']).next().unwrap_or("");
    let head = if head.trim().is_empty() { segment } else { head };
    let mut out: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut lower = false;
    for c in head.chars() {
        let hump = c.is_ascii_uppercase() && lower;
        if (!c.is_alphanumeric() || hump) && !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        lower = c.is_ascii_lowercase();
    }
    if !word.is_empty() {
        out.push(word);
    }
    // `lat1`, `lng2`: the number belongs to the stem.
    let mut split = Vec::with_capacity(out.len());
    for w in out {
        let bare = w.trim_end_matches(|c: char| c.is_ascii_digit());
        if bare.len() < w.len() && (LAT.contains(&bare) || LON.contains(&bare)) {
            split.push(bare.to_owned());
            split.push(w[bare.len()..].to_owned());
        } else if let Some((datum, rest)) =
            ["wgs84", "gcj02", "bd09", "cgcs2000", "wgs", "gcj", "bd", "gps", "start", "end", "pickup", "dropoff"]
                .iter()
                .find_map(|d| w.strip_prefix(d).map(|r| (*d, r)))
            && (LAT.contains(&rest) || LON.contains(&rest))
        {
            split.push(datum.to_owned());
            split.push(rest.to_owned());
        } else {
            split.push(w);
        }
    }
    split
}

fn any(words: &[String], of: &[&str]) -> bool {
    words.iter().any(|w| of.contains(&w.as_str()))
}

impl Field {
    /// The field of a name; an empty name says nothing.
    pub(super) fn of(name: &str) -> Field {
        // Names are short; a hostile one is read at its end only.
        let (last, parent) = segments(&name[name.ceil_char_boundary(name.len().saturating_sub(256))..]);
        let words = words(last);
        let parents = self::words(parent);
        let role = role(last, &words, &parents);
        let rest: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|w| {
                !LAT.contains(w)
                    && !LON.contains(w)
                    && !matches!(*w, "x" | "y" | "z" | "easting" | "northing" | "e" | "n" | "utme" | "utmn")
            })
            .collect();
        let mut stem = rest.join("_").replace("纬度", "").replace("经度", "");
        for axis in PLANE_ZH {
            stem = stem.replace(&axis.to_lowercase(), "");
        }
        // `北京54X`: the axis is no part of what belongs together.
        if matches!(role, Role::X | Role::Y) && !stem.is_ascii() {
            stem.truncate(stem.trim_end_matches(['x', 'y']).len());
        }
        if !parents.is_empty() {
            stem = format!("{}.{stem}", parents.join("_"));
        }
        // Of geometries, whose vertices follow each other as well as a vehicle's positions do, only those with times can be tracks.
        let geometry = ["coordinates", "geometry", "geom", "wkt", "thegeom"].contains(&words.concat().as_str());
        let both = || words.iter().chain(&parents);
        Field {
            role,
            stem,
            datum: Datum::declared(last).or_else(|| Datum::declared(parent)),
            fixed: geometry
                || both().any(|w| FIXED.contains(&w.as_str()))
                || ["网格", "站点", "门店", "中心"].iter().any(|z| last.contains(z)),
            travelled: both().any(|w| PATH.contains(&w.as_str()) || w == "trkpt" || w == "gps")
                || last.contains("轨迹"),
            sure: sure(role, last, &words),
            projected: matches!(role, Role::X | Role::Y) && !last.is_ascii()
                || any(&words, &["easting", "northing", "utm", "utme", "utmn"])
                || PLANE_ZH.iter().any(|w| last.contains(w)),
        }
    }
}

fn sure(role: Role, last: &str, words: &[String]) -> bool {
    match role {
        Role::Pair(Some(_)) => true,
        Role::Pair(None) => any(words, SURE) || !last.is_ascii(),
        Role::Path => any(words, &["trajectory", "traj", "polyline"]) || !last.is_ascii(),
        _ => true,
    }
}

fn role(last: &str, words: &[String], parents: &[String]) -> Role {
    if words.is_empty() {
        return Role::Other;
    }
    let joined = words.concat();
    let zh = |w: &str| last.contains(w);
    match joined.as_str() {
        "lnglat" | "lonlat" | "longlat" | "longitudelatitude" | "coordinates" | "geometry" | "wkt" | "thegeom"
        | "geom" => {
            return Role::Pair(Some(false));
        }
        "latlng" | "latlon" | "latlong" | "latitudelongitude" => return Role::Pair(Some(true)),
        "ns" | "nsindicator" | "latdir" | "latref" | "latitudedirection" | "latitudehemisphere" => {
            return Role::LatHemisphere;
        }
        "ew" | "ewindicator" | "londir" | "lonref" | "longitudedirection" | "longitudehemisphere" => {
            return Role::LonHemisphere;
        }
        "valid" | "isvalid" | "gpsvalid" | "locationvalid" | "positionvalid" | "fixvalid" => return Role::Valid,
        "crs" | "srid" | "datum" | "coordtype" | "coordinatesystem" | "coordsys" | "epsg" | "maptype" => {
            return Role::Crs;
        }
        "type" if parents.is_empty() || any(parents, &["geometry", "geom", "location"]) => return Role::GeometryType,
        _ => {}
    }
    if zh("带号") || matches!(joined.as_str(), "utmzone" | "zonenumber" | "utmzonenumber" | "zone" | "utmzoneid") {
        return Role::Zone;
    }
    if matches!(
        joined.as_str(),
        "mgrs" | "usng" | "mgrscoord" | "mgrscoordinate" | "mgrsgrid" | "gridreference" | "utmcoordinate" | "utm"
    ) {
        return Role::Grid;
    }
    // `北京54X`, `西安80_Y`, `CGCS2000X`: the name of a system and an axis.
    let of_system = ["北京54", "北京1954", "西安80", "西安1980", "国家2000", "大地2000", "地方坐标", "cgcs2000"];
    let axis = joined.strip_suffix(['x', 'y']).filter(|system| of_system.contains(system));
    if axis.is_some() {
        return if joined.ends_with('x') { Role::X } else { Role::Y };
    }
    if PLANE_ZH.iter().any(|w| zh(w)) {
        let x = zh("东") || zh("横") || joined.starts_with('x');
        return if x { Role::X } else { Role::Y };
    }
    if zh("经纬") || zh("坐标") || zh("定位信息") {
        return if zh("坐标系") { Role::Crs } else { Role::Pair(if zh("经纬") { Some(false) } else { None }) };
    }
    if zh("轨迹点") || last == "轨迹" || last == "轨迹数据" {
        return Role::Path;
    }
    if (zh("纬度") || zh("经度")) && !["误差", "精度", "方向", "半球", "最大", "最小"].iter().any(|w| zh(w))
    {
        return if zh("纬度") { Role::Lat } else { Role::Lon };
    }
    if any(words, &["ecef"]) {
        return match words.last().map(String::as_str) {
            Some("x") => Role::Ecef(0),
            Some("y") => Role::Ecef(1),
            Some("z") => Role::Ecef(2),
            _ => Role::Other,
        };
    }
    if !any(words, NOT_POSITION) {
        match (any(words, LAT), any(words, LON)) {
            (true, false) => return Role::Lat,
            (false, true) => return Role::Lon,
            (true, true) => {
                let first = words.iter().position(|w| LAT.contains(&w.as_str()));
                let second = words.iter().position(|w| LON.contains(&w.as_str()));
                return Role::Pair(Some(first < second));
            }
            _ => {}
        }
    }
    if let Some(role) = plane(words, parents) {
        return role;
    }
    if let Some(priority) = entity(last, words, &joined) {
        return Role::Entity(priority);
    }
    time(last, words, &joined).unwrap_or_else(|| other(last, words, &joined))
}

fn plane(words: &[String], parents: &[String]) -> Option<Role> {
    if any(parents, NOT_PLANE) || any(words, NOT_PLANE) {
        return None;
    }
    let joined = words.concat();
    match joined.as_str() {
        "easting" | "utmeasting" | "utme" | "xcenter" | "xpos" | "posx" | "localx" | "globalx" => return Some(Role::X),
        "northing" | "utmnorthing" | "utmn" | "ycenter" | "ypos" | "posy" | "localy" | "globaly" => {
            return Some(Role::Y);
        }
        "translation" => return Some(Role::XyArray),
        _ => {}
    }
    if !words.iter().all(|w| PLANE.contains(&w.as_str())) {
        return None;
    }
    match (any(words, &["x"]), any(words, &["y"])) {
        (true, false) => Some(Role::X),
        (false, true) => Some(Role::Y),
        _ => None,
    }
}

fn entity(last: &str, words: &[String], joined: &str) -> Option<u8> {
    if let Some(&(_, priority)) = ENTITY_ZH.iter().find(|(w, _)| last.contains(w)) {
        return (!["颜色", "类型", "速度", "状态", "名称", "型号", "时间"].iter().any(|w| last.contains(w)))
            .then_some(priority);
    }
    if matches!(joined, "trajectory" | "traj" | "轨迹") {
        return None;
    }
    for (priority, names) in (0u8..).zip(ENTITY) {
        let whole = names.iter().any(|n| {
            joined == *n || joined.strip_prefix(n).is_some_and(|tail| ENTITY_TAIL.contains(&tail) && *n != "id")
        });
        let by_words = *names != ["id"]
            && any(words, names)
            && words.iter().all(|w| names.contains(&w.as_str()) || ENTITY_TAIL.contains(&w.as_str()));
        if whole || by_words {
            return Some(priority);
        }
    }
    None
}

fn time(last: &str, words: &[String], joined: &str) -> Option<Role> {
    let zh = |w: &str| last.contains(w);
    if any(words, BOOKKEEPING) || ["创建", "开业", "营业", "修改", "注册", "出生", "时长", "时区"].iter().any(|w| zh(w))
    {
        return None;
    }
    if any(words, &["zone", "timezone", "duration", "timeout", "elapsed"]) {
        return None;
    }
    let unit = match words.last().map(String::as_str) {
        Some("ms" | "msec" | "millis") => Some(1e-3),
        Some("us" | "usec" | "micros") => Some(1e-6),
        Some("ns" | "nsec" | "nanos") => Some(1e-9),
        Some("s" | "sec" | "secs" | "seconds") => Some(1.0),
        _ => None,
    };
    let glued =
        ["time", "timestamp", "datetime"].iter().any(|t| joined.ends_with(t) || joined.starts_with("timestamp"));
    if any(words, TIME) || glued || zh("时间") || zh("时刻") {
        return Some(Role::Time(unit));
    }
    if joined == "date" || joined.ends_with("date") || zh("日期") {
        return Some(Role::Date);
    }
    (any(words, SEQUENCE) || zh("帧号") || zh("序号")).then_some(Role::Sequence)
}

fn other(last: &str, words: &[String], joined: &str) -> Role {
    let zh = |list: &[&str]| list.iter().any(|w| last.contains(w));
    if any(words, HEIGHT) && !any(words, NOT_POSITION) || zh(&["海拔", "高程"]) {
        return Role::Height;
    }
    if any(words, MOTION) || zh(&["速度", "车速", "航向", "方向", "里程", "卫星"]) {
        Role::Motion
    } else if any(words, PLACE)
        || joined == "name"
        || (any(words, &["name"]) && any(words, FIXED))
        || zh(&["名称", "地址", "门店", "电话", "站名", "类别"])
    {
        Role::Place
    } else if any(words, PATH) {
        Role::Path
    } else if any(words, PAIR) || zh(&["位置"]) {
        Role::Pair(None)
    } else {
        Role::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> Role {
        Field::of(name).role
    }

    #[test]
    fn names_of_both_languages_are_known() {
        for name in [
            "lat",
            "Latitude",
            "gps_lat",
            "wgs84_lat",
            "纬度",
            "纬度(°)",
            "data.gps.latitude",
            "startLat",
            "trkpt.@lat",
            "lat1",
        ] {
            assert_eq!(role(name), Role::Lat, "{name}");
        }
        for name in ["lng", "lon", "long", "Longitude [deg]", "经度", "gcj02lng", "GPS_Longitude", "end_lng"] {
            assert_eq!(role(name), Role::Lon, "{name}");
        }
        for name in ["time", "timestamp_ms", "gpsTime", "采集时间", "datetime", "GPS_TIME", "recv_ts"] {
            assert!(matches!(role(name), Role::Time(_)), "{name} {:?}", role(name));
        }
        for (name, priority) in [
            ("vin", 0),
            ("车牌号", 1),
            ("vehicle_id", 1),
            ("VehicleNum", 1),
            ("taxi_id", 1),
            ("deviceId", 2),
            ("track_id", 3),
            ("TRACK_ID", 3),
            ("order_id", 4),
            ("user_id", 5),
            ("id", 6),
            ("终端号", 2),
            ("imei", 2),
            ("plate", 1),
        ] {
            assert_eq!(role(name), Role::Entity(priority), "{name}");
        }
        assert_eq!(role("timestamp_ms"), Role::Time(Some(1e-3)));
        assert_eq!(role("x"), Role::X);
        assert_eq!(role("pose.position.y"), Role::Y);
        assert_eq!(role("yCenter"), Role::Y);
        assert_eq!(role("Local_X"), Role::X);
        assert_eq!((role("北京54X"), role("西安80_Y")), (Role::X, Role::Y));
        assert_eq!(role("ecef_z"), Role::Ecef(2));
        assert_eq!(role("geometry.coordinates"), Role::Pair(Some(false)));
        assert_eq!(role("location"), Role::Pair(None));
        assert_eq!(role("经纬度"), Role::Pair(Some(false)));
        assert_eq!(role("speed"), Role::Motion);
        assert_eq!(role("stop_name"), Role::Place);
        assert_eq!(role("地址"), Role::Place);
    }

    #[test]
    fn what_only_looks_like_them_is_not() {
        for name in [
            "lat_acc",
            "long_acc",
            "lat_err",
            "lateral",
            "latency",
            "long_name",
            "min_lat",
            "纬度误差",
            "platform",
            "template",
        ] {
            assert!(!matches!(role(name), Role::Lat | Role::Lon), "{name}");
        }
        for name in ["created_at", "create_time", "timezone", "创建时间", "duration"] {
            assert!(!matches!(role(name), Role::Time(_)), "{name}");
        }
        for name in ["velocity.x", "acc_x", "scale.x", "mouse_x", "max_x", "index"] {
            assert!(!matches!(role(name), Role::X), "{name}");
        }
        for name in ["vehicle_type", "car_color", "车辆类型", "车牌颜色", "device_name"] {
            assert!(!matches!(role(name), Role::Entity(_)), "{name}");
        }
    }

    #[test]
    fn stems_join_what_belongs_together() {
        let stem = |n| Field::of(n).stem;
        assert_eq!(stem("pickup_latitude"), stem("pickup_longitude"));
        assert_ne!(stem("pickup_latitude"), stem("dropoff_longitude"));
        assert_eq!(stem("起点经度"), stem("起点纬度"));
        assert_eq!(stem("a.gps.lat"), stem("a.gps.lng"));
        assert_eq!(stem("北京54X"), stem("北京54Y"));
        assert_eq!(Field::of("gcj02_lat").datum, Some(Datum::Gcj02));
    }
}
