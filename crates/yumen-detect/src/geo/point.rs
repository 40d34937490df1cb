//! Coordinate pairs in text, told from mere floats by labels, syntax and place.

use std::borrow::Cow;

use yumen_kit_geo::{Angle, Axis, Region, place, plausible};
use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask, RecordBatch};

use super::columns::{Field, Role};
use super::values;
use crate::{Candidate, Match, Place, Recogniser, Run};

/// Decimal degrees: `31.230416,121.473701`, `lat=31.2304&lng=121.4737`, `北纬31.2304，东经121.4737`, `POINT(121.4737 31.2304)`, `geo:31.2304,121.4737`.
///
/// Both numbers need four decimals (with labels the second may have lost a zero). Without labels the pair must stand alone, not in a list of
/// numbers, and lie on land: inside the mainland, or anywhere with a word about places nearby. In source code only a word that
/// means nothing else will do.
pub(super) struct Pair;

/// Angles with marks: `31°14'02"N 121°28'25"E`, `北纬31°14′，东经121°28.4160′`, `东经121度28分25秒，北纬31度14分02秒`.
pub(super) struct Marked;

/// The text just before a position, and how far labels are looked for.
const LABEL: usize = 32;
/// Bytes between the two numbers of a pair with labels.
const GAP: usize = 40;
/// Bytes on either side in which a word about places counts.
const NEARBY: usize = 80;

const LAT: &[&str] = &["latitude", "lat", "纬度", "北纬", "南纬", "纬"];
const LON: &[&str] = &["longitude", "long", "lng", "lon", "经度", "东经", "西经", "经"];
/// What names a pair; the value says that its latitude comes first, where it says that.
const PAIR: &[(&str, Option<bool>)] = &[
    ("lat/lon", Some(true)), ("lat/lng", Some(true)), ("lat,lon", Some(true)), ("lat,lng", Some(true)), ("lat, lon", Some(true)),
    ("lat, lng", Some(true)), ("lat/long", Some(true)), ("lat lon", Some(true)), ("latlng", Some(true)), ("latlon", Some(true)),
    ("lon/lat", Some(false)), ("lng/lat", Some(false)), ("lon,lat", Some(false)), ("lng,lat", Some(false)), ("lnglat", Some(false)),
    ("lonlat", Some(false)), ("经纬度", None), ("经度/纬度", Some(false)), ("纬度/经度", Some(true)), ("坐标", None), ("定位", None), ("位置", None), ("location", None),
    ("position", None), ("coordinates", None), ("coordinate", None), ("coords", None), ("coord", None), ("gps", None), ("geo", Some(true)),
    ("ll", Some(true)), ("sll", Some(true)), ("center", None), ("markers", None), ("marker", None), ("point", None), ("destination", None), ("origin", None),
    ("daddr", Some(true)), ("saddr", Some(true)),
];
/// Words that make an unlabelled pair a place.
const WORDS: &[&str] = &[
    "lat", "lng", "lon,", "longitude", "gps", "geo", "coord", "location", "position", "map", "gnss", "waypoint", "wgs84", "gcj02", "bd09",
    "经", "纬", "坐标", "位置", "定位", "地图", "轨迹", "地点", "导航",
];
/// Of these, words that mean nothing else in source code.
const STRICT: &[&str] = &["lat", "lng", "longitude", "gps", "gnss", "wgs84", "gcj02", "bd09", "经度", "纬度", "经纬", "定位"];
/// Formats whose text is code or drawing rather than prose.
const CODE: &[&str] = &[
    "rs", "c", "h", "cc", "cpp", "hpp", "cxx", "cu", "py", "pyi", "js", "mjs", "cjs", "ts", "tsx", "jsx", "java", "kt", "swift", "go", "m", "mm", "cs", "php",
    "rb", "lua", "r", "jl", "scala", "dart", "sh", "pl", "f90", "f", "for", "glsl", "vert", "frag", "wgsl", "svg", "css", "scss", "map", "ipynb", "tex",
    "obj", "ps", "eps", "pdf", "vue", "hs", "ml", "v", "sv", "vhd", "asm", "s", "inc", "def", "proto", "out", "snap", "golden", "expected",
];

fn tail(text: &str, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..]
}

fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes.min(text.len()))]
}

/// Whether `text` ends with `word` as a word of its own (Chinese has no such borders); ASCII case apart.
fn ends_with_word(text: &str, word: &str) -> bool {
    let Some(at) = text.len().checked_sub(word.len()) else { return false };
    let Some((before, end)) = text.split_at_checked(at) else { return false };
    if !end.eq_ignore_ascii_case(word) {
        return false;
    }
    if !word.is_ascii() {
        return true;
    }
    // `gpsLat`, `wgs84_lat` end with the word too; `flat` does not.
    match before.chars().next_back() {
        Some(c) if c.is_ascii_lowercase() => end.starts_with(|c: char| c.is_ascii_uppercase()),
        Some(c) if c.is_ascii_uppercase() => !end.starts_with(|c: char| c.is_ascii_uppercase()),
        _ => true,
    }
}

const FRAME: &[char] = &[' ', '\t', ':', '=', '：', '"', '\'', '(', '（', '[', '<', '>', '`', '*', '|', '\n', '\r', '≈'];

/// The label that stands right before a number.
fn axis_before(before: &str) -> Option<Axis> {
    let label = tail(before, LABEL);
    let bare = label.trim_end_matches(FRAME);
    for (axis, words, letters) in [(Axis::Lat, LAT, ["N", "S"]), (Axis::Lon, LON, ["E", "W"])] {
        if words.iter().any(|w| ends_with_word(bare, w)) {
            return Some(axis);
        }
        // `N31.2304`, `E 121.4737`: one letter, nothing but a space between.
        let close = label.trim_end_matches(' ');
        let lone = |l: &str| {
            close.strip_suffix(l).is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-'))
        };
        if letters.iter().any(|l| lone(l)) {
            return Some(axis);
        }
    }
    None
}

/// Whether a label of a pair stands before it, and the order it tells.
fn pair_before(before: &str) -> Option<Option<bool>> {
    let label = tail(before, LABEL);
    let bare = label.trim_end_matches(FRAME);
    if bare.len() == label.len() && !label.ends_with('@') {
        return None;
    }
    if label.ends_with('@') {
        // A map link: `/maps/@31.2304,121.4737,15z`.
        return label.ends_with("/@").then_some(Some(true));
    }
    PAIR.iter().find(|(w, _)| ends_with_word(bare, w)).map(|(w, order)| {
        let wkt = w.eq_ignore_ascii_case("point") && label.trim_end_matches(' ').ends_with('(');
        if wkt { Some(false) } else { *order }
    })
}

/// The number that begins at or before `at` in `text`, which points into its fraction: where it begins.
fn number_start(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let dot = at.checked_sub(1).filter(|&i| bytes[i] == b'.')?;
    let mut start = dot;
    while start > 0 && bytes[start - 1].is_ascii_digit() {
        start -= 1;
    }
    if start == dot || dot - start > 3 {
        return None;
    }
    if start > 0 && matches!(bytes[start - 1], b'-' | b'+') {
        start -= 1;
    }
    let attached = |c: char| (c.is_ascii_alphanumeric() && !matches!(c, 'N' | 'S' | 'E' | 'W')) || matches!(c, '.' | '$' | '#' | '/' | '€' | '¥');
    let before = text[..start].chars().next_back();
    (!before.is_some_and(|c| attached(c) && !(c == '/' && text[..start].ends_with("/@")))).then_some(start)
}

/// A first number and a second one with what lies between.
struct Two {
    first: Angle,
    second: Angle,
    /// Bytes of the whole.
    start: usize,
    end: usize,
    axes: (Option<Axis>, Option<Axis>),
    /// Nothing but one separator between.
    plain: bool,
    /// How far apart they stand; a bracket or a new line counts as far.
    cost: usize,
    /// A comma (or the like) rather than blanks separates them.
    comma: bool,
}

fn separator(gap: &str) -> Option<bool> {
    if gap.len() > 6 || gap.contains(RecordBatch::CELL_END) {
        return None;
    }
    match gap.trim_matches([' ', '\t']) {
        "" => (!gap.is_empty()).then_some(false),
        "," | "，" | ";" | "/" | "、" | "%2C" | "%2c" | "_" | "|" => Some(true),
        _ => None,
    }
}

/// The number after `from`, across a separator or a label.
fn second(text: &str, start: usize, first: Angle, axis: Option<Axis>) -> Option<Two> {
    let from = start + first.len;
    let rest = text.get(from..)?;
    let window = head(rest, GAP + 24);
    let digit = window.find(|c: char| c.is_ascii_digit())?;
    let mut at = digit;
    // `%2C121…`: the digit of the escape is not the number's.
    if window[..digit].ends_with('%') && window[digit..].to_ascii_lowercase().starts_with("2c") {
        at = digit + 2 + window.get(digit + 2..)?.find(|c: char| c.is_ascii_digit())?;
    }
    if window[..at].ends_with(['-', '+']) {
        at -= 1;
    }
    if at > GAP {
        return None;
    }
    let gap = &window[..at];
    let number = Angle::read(&rest[at..])?;
    let number_end = from + at + number.len;
    let plain = separator(gap);
    let label = axis_before(gap);
    if plain.is_none() {
        // Between the numbers stand a label and marks, no other words.
        label?;
        let words: String = gap.chars().filter(|c| c.is_alphabetic()).collect();
        if words.chars().count() > 12 || gap.contains(RecordBatch::CELL_END) {
            return None;
        }
    }
    let far = gap.contains(['{', '}', '[', ']', '(', ')', '\n', ';', '<', '>']);
    Some(Two {
        first,
        second: number,
        start,
        end: number_end,
        axes: (axis.or(first.axis), label.or(number.axis)),
        plain: plain.is_some(),
        cost: gap.len() + if far { 100 } else { 0 },
        comma: plain == Some(true),
    })
}

/// The cost of pairing a number with the one before it, if that has a label of the other axis.
fn cost_back(text: &str, start: usize, axis: Axis) -> Option<usize> {
    let window_start = text.ceil_char_boundary(start.saturating_sub(GAP + 20));
    let window = &text[window_start..start];
    let end = window.rfind(|c: char| c.is_ascii_digit())? + 1;
    let mut from = end;
    while from > 0 && matches!(window.as_bytes()[from - 1], b'0'..=b'9' | b'.' | b'-' | b'+') {
        from -= 1;
    }
    let other = axis_before(&text[..window_start + from])?;
    let gap = &window[end..];
    let far = gap.contains(['{', '}', '[', ']', '(', ')', '\n', ';', '<', '>']);
    (other != axis && window[from..end].contains('.')).then_some(gap.len() + if far { 100 } else { 0 })
}

/// Whether a plain pair is a piece of a longer list of numbers.
fn in_list(text: &str, two: &Two, triple: bool) -> bool {
    let before = tail(&text[..two.start], 24);
    let bare = before.trim_end_matches([' ', '\t']);
    let after_comma = bare.trim_end_matches([',', ';', '/']).trim_end_matches([' ', '\t']);
    if after_comma.len() < bare.len() {
        if after_comma.ends_with(|c: char| c.is_ascii_digit() || c == ']' || c == '}') {
            return true;
        }
    } else if bare.len() < before.len() && bare.ends_with(|c: char| c.is_ascii_digit()) {
        let token = bare.rsplit([' ', '\t', '\n', '(', '[', ',']).next().unwrap_or("");
        if !two.comma || values::number(token).is_some_and(|n| n.decimals > 0) {
            return true;
        }
    }
    if triple {
        return false;
    }
    let after = head(&text[two.end..], 24);
    if after.starts_with(['.', '%', 'e', 'f', 'x']) || after.starts_with("px") || after.starts_with("em") {
        return true;
    }
    let bare = after.trim_start_matches([' ', '\t']);
    let next = bare.trim_start_matches([',', ';', '/', '|']).trim_start_matches([' ', '\t']);
    let number = |t: &str| t.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit());
    if next.len() < bare.len() {
        // A comma and another number, unless that is a date or an identifier in prose behind a pair with a comma of its own.
        number(next) || next.starts_with('[')
    } else {
        let token = bare.split([' ', '\t', '\n', ',', ')']).next().unwrap_or("");
        bare.len() < after.len() && number(bare) && (!two.comma || values::number(token).is_some_and(|n| n.decimals > 0))
    }
}

fn has_word(text: &str, words: &[&str]) -> bool {
    let lower = text.to_ascii_lowercase();
    words.iter().any(|w| {
        lower.match_indices(w).any(|(i, _)| {
            // `lat` inside `latest` or `platform` is no word about places.
            let before = lower[..i].chars().next_back();
            let after = lower[i + w.len()..].chars().next();
            let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
            !w.is_ascii() || w.len() > 3 || (!letter(before) && !(letter(after) && !lower[i + w.len()..].starts_with(['l', 'i'])))
        })
    })
}

impl Recogniser for Pair {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::GEO_POINT]
    }

    fn wants(&self, run: &Run) -> bool {
        run.fraction && run.len >= 3 && run.len <= 18 && (run.digits == run.len || (run.digits + 1 == run.len && run.upper == 1))
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
        if most < values::PRECISE || least + 1 < values::PRECISE {
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
        if !two.plain || two.axes.1.is_some() {
            return;
        }
        let order = pair_before(before);
        let triple = order.is_some() && (before.ends_with("/@") || before.ends_with('(') || tail(before, 8).to_ascii_lowercase().ends_with("geo:"));
        if in_list(text, &two, triple) {
            return;
        }
        let lat_first = match (order, label) {
            (Some(order), _) => order,
            (None, Some(Axis::Lat)) => Some(true),
            (None, Some(Axis::Lon)) => Some(false),
            (None, None) => None,
        };
        let num = |a: &Angle| values::Num { value: a.degrees, decimals: a.decimals };
        let Some(point) = values::ordered(num(&two.first), num(&two.second), lat_first) else { return };
        let at = (point.lat, point.lon);
        if order.is_some() || label.is_some() {
            let strict = CODE.contains(&candidate.extension);
            let fine = least >= values::PRECISE;
            let sure = if strict && !fine { return } else if strict { (0.8, 0.0, 0.0) } else { (0.9, 0.7, 0.0) };
            self.judge(candidate, &two, at, sure, out);
            return;
        }
        if least < values::PRECISE || most - least > 4 || (candidate.place == Place::Binary) {
            return;
        }
        let name = if let Place::Cell { name, .. } = candidate.place { name } else { "" };
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
fn taken(candidate: &Candidate<'_>, at: (f64, f64)) -> bool {
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

fn emit((lat, lon): (f64, f64), start: usize, end: usize, sure: (f64, f64, f64), out: &mut Vec<Match>) {
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
    });
}

impl Recogniser for Marked {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::GEO_POINT]
    }

    fn literals(&self) -> &'static [&'static str] {
        &["°", "º", "˚", "度"]
    }

    fn examine(&self, candidate: &Candidate<'_>, out: &mut Vec<Match>) {
        let text = candidate.text;
        let bytes = text.as_bytes();
        let mut digits = candidate.start;
        while digits > 0 && matches!(bytes[digits - 1], b'0'..=b'9' | b'.') {
            digits -= 1;
        }
        if digits == candidate.start || candidate.start - digits > 14 {
            return;
        }
        // The hemisphere before it, if one stands there.
        let mut start = digits;
        let before = &text[..digits];
        let near = before.trim_end_matches([' ', ':', '：']);
        for word in ["北纬", "南纬", "东经", "西经", "N", "S", "E", "W"] {
            if let Some(rest) = near.strip_suffix(word)
                && before.len() - near.len() <= 4
                && !(word.is_ascii() && rest.ends_with(|c: char| c.is_alphanumeric()))
            {
                start = rest.len();
            }
        }
        if start == digits && matches!(before.as_bytes().last(), Some(b'-')) {
            start -= 1;
        }
        let Some(first) = Angle::read(&text[start..]) else { return };
        // Whole decimal degrees with a mark are the other recogniser's when they have labels it knows.
        let from = start + first.len;
        let rest = text.get(from..).unwrap_or("");
        let gap = head(rest, 24);
        let skipped = gap.len() - gap.trim_start_matches([' ', ',', '，', ';', '；', '/', '、', '\t', '"', '\'']).len();
        if gap[..skipped].contains(RecordBatch::CELL_END) {
            return;
        }
        let Some(second) = Angle::read(&rest[skipped..]).or_else(|| labelled(rest)) else { return };
        let axis = |a: &Angle, before: &str| a.axis.or_else(|| axis_before(before));
        let end = from + rest.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
        let (Some(one), Some(other)) = (axis(&first, &text[..start]), axis(&second, &text[..end])) else { return };
        if one == other || !second.marked || (!first.marked && first.axis.is_none()) {
            return;
        }
        let (lat, lon) = if one == Axis::Lat { (&first, &second) } else { (&second, &first) };
        if lat.precision_m.max(lon.precision_m) > 100.0 || !plausible(lat.degrees, lon.degrees) {
            return;
        }
        let at = (lat.degrees, lon.degrees);
        if lat.degrees.abs() > 90.0 || taken(candidate, at) {
            return;
        }
        let end = from + rest.find(|c: char| c.is_ascii_digit()).map_or(0, |d| d + length_from_digit(&rest[d..]));
        emit(at, start, end.max(from), (0.95, 0.9, 0.7), out);
    }
}

/// A second angle behind a label of its own: `经度：121°28′25″`.
fn labelled(rest: &str) -> Option<Angle> {
    let window = head(rest, GAP);
    let digit = window.find(|c: char| c.is_ascii_digit())?;
    axis_before(&window[..digit])?;
    let words = window[..digit].chars().filter(|c| c.is_alphabetic()).count();
    if words > 12 || window[..digit].contains(RecordBatch::CELL_END) {
        return None;
    }
    Angle::read(&rest[digit..])
}

fn length_from_digit(text: &str) -> usize {
    Angle::read(text).map_or(0, |a| a.len)
}

#[cfg(test)]
#[path = "point_tests.rs"]
mod tests;
