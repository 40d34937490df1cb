//! The syntax of coordinate pairs in text: labels before a number, separators between two, lists that only look like pairs.

use yumen_kit_geo::{Angle, Axis};
use yumen_model::RecordBatch;

use super::values;

/// The text just before a position, and how far labels are looked for.
const LABEL: usize = 32;
/// Bytes between the two numbers of a pair with labels.
pub(super) const GAP: usize = 40;

const LAT: &[&str] = &["latitude", "lat", "纬度", "北纬", "南纬", "纬"];
const LON: &[&str] = &["longitude", "long", "lng", "lon", "经度", "东经", "西经", "经"];
/// What names a pair; the value says that its latitude comes first, where it says that.
const PAIR: &[(&str, Option<bool>)] = &[
    ("lat/lon", Some(true)),
    ("lat/lng", Some(true)),
    ("lat,lon", Some(true)),
    ("lat,lng", Some(true)),
    ("lat, lon", Some(true)),
    ("lat, lng", Some(true)),
    ("lat/long", Some(true)),
    ("lat lon", Some(true)),
    ("latlng", Some(true)),
    ("latlon", Some(true)),
    ("lon/lat", Some(false)),
    ("lng/lat", Some(false)),
    ("lon,lat", Some(false)),
    ("lng,lat", Some(false)),
    ("lnglat", Some(false)),
    ("lonlat", Some(false)),
    ("经纬度", None),
    ("经度/纬度", Some(false)),
    ("纬度/经度", Some(true)),
    ("坐标", None),
    ("定位", None),
    ("位置", None),
    ("location", None),
    ("position", None),
    ("coordinates", None),
    ("coordinate", None),
    ("coords", None),
    ("coord", None),
    ("gps", None),
    ("geo", Some(true)),
    ("ll", Some(true)),
    ("sll", Some(true)),
    ("center", None),
    ("markers", None),
    ("marker", None),
    ("point", None),
    ("destination", None),
    ("origin", None),
    ("daddr", Some(true)),
    ("saddr", Some(true)),
];

pub(super) fn tail(text: &str, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..]
}

pub(super) fn head(text: &str, bytes: usize) -> &str {
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

const FRAME: &[char] = &[' ', '\t', ':', '=', '：', '"', '\'', '(', '（', '[', '<', '>', '`', '*', '\n', '\r', '≈'];

/// The label that stands right before a number.
pub(super) fn axis_before(before: &str) -> Option<Axis> {
    let label = tail(before, LABEL);
    let bare = label.trim_end_matches(FRAME);
    for (axis, words, letters) in [(Axis::Lat, LAT, ["N", "S"]), (Axis::Lon, LON, ["E", "W"])] {
        if words.iter().any(|w| ends_with_word(bare, w)) {
            return Some(axis);
        }
        // `N31.2304`, `E 121.4737`: one letter, nothing but a space between.
        let close = label.trim_end_matches(' ');
        let lone = |l: &str| {
            close
                .strip_suffix(l)
                .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-'))
        };
        if letters.iter().any(|l| lone(l)) {
            return Some(axis);
        }
    }
    None
}

/// Whether a label of a pair stands before it, and the order it tells.
pub(super) fn pair_before(before: &str) -> Option<Option<bool>> {
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
pub(super) fn number_start(text: &str, at: usize) -> Option<usize> {
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
    let attached = |c: char| {
        (c.is_ascii_alphanumeric() && !matches!(c, 'N' | 'S' | 'E' | 'W'))
            || matches!(c, '.' | '$' | '#' | '/' | '€' | '¥')
    };
    let before = text[..start].chars().next_back();
    (!before.is_some_and(|c| attached(c) && !(c == '/' && text[..start].ends_with("/@")))).then_some(start)
}

/// A first number and a second one with what lies between.
pub(super) struct Two {
    pub(super) first: Angle,
    pub(super) second: Angle,
    /// Bytes of the whole.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) axes: (Option<Axis>, Option<Axis>),
    /// Nothing but one separator between.
    pub(super) plain: bool,
    /// How far apart they stand; a bracket or a new line counts as far.
    pub(super) cost: usize,
    /// A comma (or the like) rather than blanks separates them.
    pub(super) comma: bool,
}

fn separator(gap: &str) -> Option<bool> {
    if gap.len() > 6 || gap.contains(RecordBatch::CELL_END) {
        return None;
    }
    match gap.trim_matches([' ', '\t']) {
        "" => (!gap.is_empty()).then_some(false),
        "," | "，" | ";" | "/" | "、" | "%2C" | "%2c" | "_" => Some(true),
        // A cell's border in a table of Markdown.
        "|" if gap.len() > 1 => Some(true),
        _ => None,
    }
}

/// The number after `from`, across a separator or a label.
pub(super) fn second(text: &str, start: usize, first: Angle, axis: Option<Axis>) -> Option<Two> {
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
pub(super) fn cost_back(text: &str, start: usize, axis: Axis) -> Option<usize> {
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
pub(super) fn in_list(text: &str, two: &Two, triple: bool) -> bool {
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
        bare.len() < after.len()
            && number(bare)
            && (!two.comma || values::number(token).is_some_and(|n| n.decimals > 0))
    }
}

/// Whether one of the words stands in the text, a plural or a hump (`latLng`) apart as a word of its own.
pub(super) fn has_word(text: &str, words: &[&str]) -> bool {
    let lower = text.to_ascii_lowercase();
    words.iter().any(|w| {
        lower.match_indices(w).any(|(i, _)| {
            let end = i + w.len();
            let before = text[..i].chars().next_back().is_some_and(|c| c.is_ascii_alphabetic());
            let hump = text[i..].starts_with(|c: char| c.is_ascii_uppercase())
                && !text[..i].ends_with(|c: char| c.is_ascii_uppercase());
            let rest = text[end..].strip_prefix('s').unwrap_or(&text[end..]);
            let after = rest.starts_with(|c: char| c.is_ascii_lowercase());
            !w.is_ascii() || ((!before || hump) && !after)
        })
    })
}
