//! What names of layers, attributes and files say of the content.

/// Whether a word stands in a name by itself: between other signs than letters, or at a change of case.
fn has(name: &str, words: &[&str]) -> bool {
    let lower = name.to_lowercase();
    words.iter().any(|w| {
        lower.match_indices(w).any(|(at, _)| {
            if !w.is_ascii() {
                return true;
            }
            let edge = |c: Option<char>| !c.is_some_and(|c| c.is_ascii_alphabetic());
            let upper =
                |i: usize| name.len() == lower.len() && name.as_bytes().get(i).is_some_and(u8::is_ascii_uppercase);
            let end = at + w.len();
            let before = edge(lower[..at].chars().next_back()) || upper(at);
            let tail = &lower[end..];
            let after =
                edge(tail.chars().next()) || upper(end) || (tail.starts_with('s') && edge(tail[1..].chars().next()));
            before && after
        })
    })
}

/// Roads, lanes, buildings and other elements of maps.
pub(crate) fn map_like(name: &str) -> bool {
    has(
        name,
        &[
            "road",
            "lane",
            "highway",
            "street",
            "link",
            "junction",
            "intersection",
            "crosswalk",
            "maxspeed",
            "oneway",
            "speedlimit",
            "fclass",
            "roadclass",
            "railway",
            "rail",
            "bridge",
            "tunnel",
            "building",
            "parking",
            "sidewalk",
            "centerline",
            "roadmark",
            "lanelet",
            "stopline",
            "trafficsign",
            "trafficlight",
            "kerb",
            "curb",
            "guardrail",
            "motorway",
            "network",
            "osm",
            "道路",
            "车道",
            "路网",
            "公路",
            "街道",
            "路段",
            "路口",
            "建筑",
            "桥",
            "铁路",
            "限速",
            "标线",
            "人行横道",
            "停车",
        ],
    )
}

/// Boundaries of administration and statistics.
pub(crate) fn outline_like(name: &str) -> bool {
    has(
        name,
        &[
            "admin",
            "adcode",
            "province",
            "district",
            "county",
            "city",
            "country",
            "region",
            "boundary",
            "zone",
            "grid",
            "census",
            "township",
            "省",
            "市",
            "区",
            "县",
            "行政",
            "乡镇",
            "街道办",
            "网格",
            "边界",
            "区划",
        ],
    )
}

/// Recorded movement.
pub(crate) fn track_like(name: &str) -> bool {
    has(
        name,
        &[
            "track",
            "trk",
            "trackpoint",
            "trajectory",
            "traj",
            "route",
            "trip",
            "gps",
            "gnss",
            "drive",
            "ride",
            "path",
            "lap",
            "activity",
            "breadcrumb",
            "轨迹",
            "航迹",
            "路线",
            "行程",
            "行车",
            "采集",
        ],
    ) || {
        let lower = name.to_lowercase();
        ["track", "trajector"].iter().any(|w| lower.starts_with(w)) && !lower.contains("tracking")
    }
}

/// Attributes of what moves.
pub(crate) fn motion_like(name: &str) -> bool {
    let bare: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    matches!(
        bare.as_str(),
        "speed"
            | "velocity"
            | "heading"
            | "course"
            | "bearing"
            | "azimuth"
            | "yaw"
            | "hdop"
            | "pdop"
            | "sat"
            | "satellites"
            | "fix"
            | "trackfid"
            | "tracksegid"
            | "tracksegpointid"
            | "avgspeed"
            | "maxspeedkmh"
            | "speedkmh"
            | "speedms"
            | "gpsspeed"
            | "odometer"
            | "duration"
            | "durations"
            | "distancetravelled"
            | "totaltime"
            | "movingtime"
            | "速度"
            | "航向"
            | "航向角"
            | "车速"
            | "方向角"
            | "里程"
    )
}

/// Attributes that tell when.
pub(crate) fn time_like(name: &str) -> bool {
    let bare: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    matches!(
        bare.as_str(),
        "time"
            | "timestamp"
            | "datetime"
            | "ts"
            | "t"
            | "date"
            | "gpstime"
            | "utctime"
            | "utc"
            | "when"
            | "begin"
            | "times"
            | "timestamps"
            | "loctime"
            | "recordtime"
            | "collecttime"
            | "timestampms"
            | "timems"
            | "coordtimes"
            | "datetimes"
            | "epoch"
            | "时间"
            | "采集时间"
            | "定位时间"
            | "时间戳"
            | "上报时间"
            | "devicetime"
            | "localtime"
            | "createtime"
    )
}

/// Attributes that tell what moves apart.
pub(crate) fn entity_like(name: &str) -> bool {
    let bare: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    matches!(
        bare.as_str(),
        "vehicleid"
            | "vehicle"
            | "vehid"
            | "vid"
            | "carid"
            | "deviceid"
            | "device"
            | "imei"
            | "userid"
            | "uid"
            | "tripid"
            | "trip"
            | "trackid"
            | "trackfid"
            | "driverid"
            | "orderid"
            | "plate"
            | "plateno"
            | "vin"
            | "mmsi"
            | "taxiid"
            | "车牌"
            | "车牌号"
            | "车辆编号"
            | "车架号"
            | "设备号"
            | "终端号"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for name in ["road_class", "RoadClass", "lanes", "道路名称", "HIGHWAY", "main-roads", "osm_id"] {
            assert!(map_like(name), "{name}");
        }
        for name in ["abroad", "planet", "broadcast", "explanation"] {
            assert!(!map_like(name), "{name}");
        }
        for name in ["track", "my_track_1", "GPS-2024", "轨迹线", "tracks", "trackpoints", "morning ride"] {
            assert!(track_like(name), "{name}");
        }
        for name in ["contract", "stripes", "soundtracking"] {
            assert!(!track_like(name), "{name}");
        }
        assert!(time_like("coordTimes") && time_like("time_stamp") && !time_like("timezone"));
        assert!(motion_like("track_fid") && motion_like("Speed") && !motion_like("maxspeed"));
    }
}
