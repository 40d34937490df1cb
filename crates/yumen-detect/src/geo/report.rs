//! From series to findings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use yumen_kit_geo::{Datum, Region, track};
use yumen_model::finding::Prop;
use yumen_model::kind::kinds;
use yumen_model::{Findings, KindSet, Location};

use super::series::{Frame, Outcome, Series, Sum};

/// One position in two datums side by side is one track: of series with as many positions and declared datums the first by datum stays.
pub(super) fn drop_copies(outcomes: &mut Vec<(Series, Outcome)>) {
    let declared = |s: &Series| s.datum != Datum::Unknown && s.frame == Frame::Geodetic;
    let best = outcomes.iter().filter(|(s, _)| declared(s)).map(|(s, _)| (s.datum, s.points)).min_by_key(|(d, _)| *d);
    if let Some((datum, points)) = best {
        outcomes.retain(|(s, _)| !declared(s) || s.datum == datum || s.points != points);
    }
}

/// Reports what series of one frame come to in one region.
pub(super) fn report(outcomes: &[&(Series, Outcome)], frame: Frame, region: Region, bare: bool, out: &mut Findings) {
    let i = region as usize;
    let mut sum = Sum::default();
    let mut loose = 0;
    let mut timed = false;
    let mut parts: [Vec<&Series>; 2] = [Vec::new(), Vec::new()];
    for (series, outcome) in outcomes {
        if outcome.tracks[i].tracks > 0 {
            sum.add(&outcome.tracks[i]);
            timed |= outcome.timed;
            parts[0].push(series);
        }
        if outcome.loose[i] > 0 {
            loose += outcome.loose[i];
            parts[1].push(series);
        }
    }
    let sure = if bare { 0.85 } else { 1.0 };
    if sum.tracks > 0 {
        let mut properties = shared(&parts[0], frame, region);
        properties.insert("points", json!(sum.points));
        properties.insert("length_km", json!((sum.length_m).round() / 1e3));
        if timed {
            properties.insert("duration_s", json!((sum.duration_s * 1e3).round() / 1e3));
        }
        if frame == Frame::Geodetic || frame == Frame::Ecef {
            properties.insert("extent", json!(track::rounded(sum.extent)));
        }
        let confidence = sure * if timed { 0.95 } else { 0.8 };
        let distinct = vec![("frame", Prop::from(frame.name())), ("region", Prop::from(region.name()))];
        out.summary(kinds::GEO_TRACK, distinct, sum.tracks, confidence, first_place(&parts[0], i), properties);
        out.record(&[], KindSet::of(&[kinds::GEO_TRACK]));
    }
    if loose > 0 {
        let mut properties = shared(&parts[1], frame, region);
        properties.remove("frame");
        let distinct = vec![("region", Prop::from(region.name()))];
        out.summary(kinds::GEO_POINT, distinct, loose, sure * 0.9, first_place(&parts[1], i), properties);
    }
}

/// What several series tell together.
fn shared(series: &[&Series], frame: Frame, region: Region) -> BTreeMap<&'static str, Value> {
    let mut properties = BTreeMap::new();
    if frame == Frame::Geodetic || frame == Frame::Ecef {
        let datums: BTreeSet<Datum> =
            series.iter().map(|s| if frame == Frame::Ecef { Datum::Wgs84 } else { s.datum }).collect();
        let datum = if datums.len() == 1 { datums.first().copied().unwrap_or_default() } else { Datum::Unknown };
        properties.insert("datum", json!(datum.name()));
    }
    let list = |of: fn(&Series) -> &BTreeSet<&'static str>| -> BTreeSet<&'static str> {
        series.iter().flat_map(|s| of(s).iter().copied()).collect()
    };
    match region {
        Region::Inside => {
            properties.insert("provinces", json!(list(|s| &s.provinces)));
        }
        Region::Outside => {
            properties.insert("countries", json!(list(|s| &s.countries)));
            if series.iter().any(|s| s.near_mainland) {
                properties.insert("near_mainland", json!(true));
            }
        }
        Region::Unknown => {}
    }
    properties
}

fn first_place(series: &[&Series], region: usize) -> Location {
    let first = series.iter().filter_map(|s| s.first[region].clone()).min();
    first.or_else(|| series.iter().flat_map(|s| s.first.iter().flatten().cloned()).min()).unwrap_or_default()
}
