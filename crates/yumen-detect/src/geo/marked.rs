//! Positions written with degree marks.

use yumen_kit_geo::{Angle, Axis, plausible};
use yumen_model::kind::kinds;
use yumen_model::{KindId, RecordBatch};

use super::point::{emit, taken};
use super::syntax::{GAP, axis_before, head};
use crate::{Candidate, Match, Recogniser};

/// Angles with marks: `31°14'02"N 121°28'25"E`, `北纬31°14′，东经121°28.4160′`, `东经121度28分25秒，北纬31度14分02秒`.
pub(super) struct Marked;

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
