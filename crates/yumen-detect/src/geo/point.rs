//! Coordinate pairs in text, told from mere floats by labels, syntax and place.

use std::borrow::Cow;

use yumen_kit_geo::{Angle, Axis, Region, place, plausible};
use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::columns::{Field, Role};
use super::syntax::{Two, axis_before, cost_back, has_word, head, in_list, number_start, pair_before, second, tail};
use super::values;
use crate::{Candidate, Match, Place, Recogniser, Run};

/// Decimal degrees: `31.230416,121.473701`, `lat=31.2304&lng=121.4737`, `北纬31.2304，东经121.4737`, `POINT(121.4737 31.2304)`, `geo:31.2304,121.4737`.
///
/// Both numbers need four decimals (with labels the second may have lost a zero). Without labels the pair must stand alone, not in a list of
/// numbers, and lie on land: inside the mainland, or anywhere with a word about places nearby. In source code only a word that
/// means nothing else will do.
pub(super) struct Pair;

/// Bytes on either side in which a word about places counts.
const NEARBY: usize = 80;
/// Words that make an unlabelled pair a place.
const WORDS: &[&str] = &[
    "lat",
    "lng",
    "lon",
    "latitude",
    "longitude",
    "latlng",
    "latlon",
    "lnglat",
    "lonlat",
    "gps",
    "geo",
    "geolocation",
    "geofence",
    "geojson",
    "geocode",
    "coord",
    "coords",
    "coordinate",
    "location",
    "position",
    "map",
    "maps",
    "gnss",
    "waypoint",
    "wgs84",
    "gcj02",
    "bd09",
    "经",
    "纬",
    "坐标",
    "位置",
    "定位",
    "地图",
    "轨迹",
    "地点",
    "导航",
];
/// Of these, words that mean nothing else in source code.
const STRICT: &[&str] = &[
    "lat",
    "lng",
    "latitude",
    "longitude",
    "latlng",
    "latlon",
    "lnglat",
    "lonlat",
    "gps",
    "gnss",
    "wgs84",
    "gcj02",
    "bd09",
    "经度",
    "纬度",
    "经纬",
    "定位",
];
/// Formats whose text is code or drawing rather than prose.
const CODE: &[&str] = &[
    "rs", "c", "h", "cc", "cpp", "hpp", "cxx", "cu", "py", "pyi", "js", "mjs", "cjs", "ts", "tsx", "jsx", "java", "kt",
    "swift", "go", "m", "mm", "cs", "php", "rb", "lua", "r", "jl", "scala", "dart", "sh", "pl", "f90", "f", "for",
    "glsl", "vert", "frag", "wgsl", "svg", "css", "scss", "map", "ipynb", "tex", "obj", "ps", "eps", "pdf", "vue",
    "hs", "ml", "v", "sv", "vhd", "asm", "s", "inc", "def", "proto", "out", "snap", "golden", "expected",
];

fn num(angle: &Angle) -> values::Num {
    values::Num { value: angle.degrees, decimals: angle.decimals }
}

impl Recogniser for Pair {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::GEO_POINT]
    }

    fn wants(&self, run: &Run) -> bool {
        run.fraction
            && run.len >= 3
            && run.len <= 18
            && (run.digits == run.len || (run.digits + 1 == run.len && run.upper == 1))
    }

    fn examine(&self, candidate: &Candidate<'_>, out: &mut Vec<Match>) {
        let text = candidate.text;
        let Some(start) = number_start(text, candidate.start) else { return };
        let Some(first) = Angle::read(&text[start..]) else { return };
        if first.len + start < candidate.start {
            return;
        }
        let before = &text[..start];
        let label = axis_before(before);
        let Some(two) = second(text, start, first, label) else { return };
        let (most, least) = {
            let (a, b) = (two.first.decimals, two.second.decimals);
            (a.max(b), a.min(b))
        };
        if most < values::PRECISE
            || least + 1 < values::PRECISE
            || values::of_minutes(num(&two.first), num(&two.second))
        {
            return;
        }
        if let (Some(one), Some(other)) = two.axes {
            if one == other || cost_back(text, start, one).is_some_and(|back| back < two.cost) {
                return;
            }
            let (lat, lon) = if one == Axis::Lat { (two.first, two.second) } else { (two.second, two.first) };
            self.judge(candidate, &two, (lat.degrees, lon.degrees), (0.95, 0.9, 0.6), out);
            return;
        }
        if !two.plain || two.axes.1.is_some() || two.first.degrees == two.second.degrees {
            return;
        }
        let order = pair_before(before);
        let triple = order.is_some()
            && (before.ends_with("/@")
                || before.ends_with('(')
                || tail(before, 8).to_ascii_lowercase().ends_with("geo:"));
        if in_list(text, &two, triple) {
            return;
        }
        let lat_first = match (order, label) {
            (Some(order), _) => order,
            (None, Some(Axis::Lat)) => Some(true),
            (None, Some(Axis::Lon)) => Some(false),
            (None, None) => None,
        };
        let Some(point) = values::ordered(num(&two.first), num(&two.second), lat_first) else { return };
        let at = (point.lat, point.lon);
        if order.is_some() || label.is_some() {
            let strict = CODE.contains(&candidate.extension);
            let fine = least >= values::PRECISE;
            let sure = if strict && !fine {
                return;
            } else if strict {
                (0.8, 0.0, 0.0)
            } else {
                (0.9, 0.7, 0.0)
            };
            self.judge(candidate, &two, at, sure, out);
            return;
        }
        if least < values::PRECISE || most - least > 4 || (candidate.place == Place::Binary) {
            return;
        }
        let name = if let Place::Cell { name, .. } = candidate.place { tail(name, 256) } else { "" };
        let nearby = [tail(before, NEARBY), head(&text[two.end..], NEARBY)];
        let told = |words: &[&str]| has_word(name, words) || nearby.iter().any(|t| has_word(t, words));
        let sure = if CODE.contains(&candidate.extension) {
            if told(STRICT) { (0.6, 0.0, 0.0) } else { return }
        } else if told(WORDS) {
            (0.8, 0.6, 0.0)
        } else {
            // Drawing commands look like this: `M121.4737 31.2304 L…`.
            if before.ends_with(|c: char| c.is_ascii_alphabetic()) && candidate.place != Place::Name {
                return;
            }
            (0.6, 0.0, 0.0)
        };
        self.judge(candidate, &two, at, sure, out);
    }
}

impl Pair {
    /// Reports a pair if its place allows it. `sure` is the confidence inside, outside and at sea; 0 rejects.
    fn judge(&self, candidate: &Candidate<'_>, two: &Two, at: (f64, f64), sure: (f64, f64, f64), out: &mut Vec<Match>) {
        let (lat, lon) = at;
        if !plausible(lat, lon) || (lat.abs() < 1.0 && lon.abs() < 1.0) || taken(candidate, at) {
            return;
        }
        emit(at, two.start, two.end, sure, out);
    }
}

/// Whether the track detector reads this cell.
pub(super) fn taken(candidate: &Candidate<'_>, at: (f64, f64)) -> bool {
    let Place::Cell { name, start, end } = candidate.place else { return false };
    let field = Field::of(name);
    match field.role {
        Role::Lat | Role::Lon => true,
        Role::Pair(_) | Role::Path => {
            let whole = candidate.text.get(start..end).unwrap_or("");
            let sure = field.sure || place(at.0, at.1).region == Region::Inside;
            sure && !values::cell_points(whole, None).0.is_empty()
        }
        _ => false,
    }
}

pub(super) fn emit((lat, lon): (f64, f64), start: usize, end: usize, sure: (f64, f64, f64), out: &mut Vec<Match>) {
    let placement = place(lat, lon);
    let mut collect: Vec<(&'static str, Cow<'static, str>)> = Vec::new();
    let confidence = match placement.region {
        Region::Inside => sure.0,
        Region::Outside => sure.1,
        Region::Unknown => sure.2,
    };
    if confidence <= 0.0 {
        return;
    }
    match (placement.region, placement.province, placement.country) {
        (Region::Inside, Some(province), _) => collect.push(("provinces", province.into())),
        (Region::Outside, _, Some(country)) => collect.push(("countries", country.into())),
        _ => {}
    }
    out.push(Match {
        kind: kinds::GEO_POINT,
        start,
        end,
        confidence,
        mask: Mask::Ends(3, 0),
        distinct: vec![("region", placement.region.name().into())],
        collect,
        identifier: None,
        position: Some((lat, lon)),
    });
}

#[cfg(test)]
#[path = "point_tests.rs"]
mod tests;
