//! From series to findings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use yumen_kit_geo::{Datum, DatumFrom, Frame, Region, track};
use yumen_model::finding::Prop;
use yumen_model::kind::kinds;
use yumen_model::{Findings, KindSet, Location};

use super::series::{Outcome, Series, Sum};

/// One position in two datums side by side is one track: of series with as many positions and declared datums the first by datum stays.
pub(super) fn drop_copies(outcomes: &mut Vec<(Series, Outcome)>) {
    let declared = |s: &Series| s.datum != Datum::Unknown && s.frame == Frame::Geodetic;
    let best = outcomes.iter().filter(|(s, _)| declared(s)).map(|(s, _)| (s.datum, s.points)).min_by_key(|(d, _)| *d);
    if let Some((datum, points)) = best {
        outcomes.retain(|(s, _)| !declared(s) || s.datum == datum || s.points != points);
    }
}

/// Reports what all series of a stream come to, by frame and region.
pub(super) fn report_all(outcomes: &[(Series, Outcome)], bare: bool, out: &mut Findings) {
    for frame in [Frame::Geodetic, Frame::Ecef, Frame::Projected, Frame::Local, Frame::Unknown] {
        for global in [true, false] {
            let same: Vec<_> = outcomes.iter().filter(|(s, _)| s.frame == frame && s.global == global).collect();
            for region in [Region::Inside, Region::Outside, Region::Unknown] {
                report(&same, frame, region, bare, out);
            }
        }
    }
}

/// Reports what series of one frame come to in one region.
fn report(outcomes: &[&(Series, Outcome)], frame: Frame, region: Region, bare: bool, out: &mut Findings) {
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
        let mut properties = shared(&parts[0], region);
        properties.insert("points", json!(sum.points));
        properties.insert("length_km", json!((sum.length_m).round() / 1e3));
        if timed {
            properties.insert("duration_s", json!((sum.duration_s * 1e3).round() / 1e3));
        }
        if sum.gaps_s > 0.0 {
            // Positions a second while the recording ran.
            properties.insert("rate_hz", json!(figures(sum.timed as f64 / sum.gaps_s)));
        }
        if parts[0].iter().all(|s| s.global) {
            properties.insert("extent", json!(track::rounded(sum.extent)));
            properties.insert("outline", json!(sum.outline()));
        }
        if parts[0].iter().any(|s| s.vertical) {
            properties.insert("vertical", json!(true));
        }
        if parts[0].iter().any(|s| s.capped()) {
            properties.insert("entities_capped", json!(true));
        }
        let confidence = sure * if timed { 0.95 } else { 0.8 };
        let distinct = vec![("frame", Prop::from(frame.name())), ("region", Prop::from(region.name()))];
        out.summary(kinds::GEO_TRACK, distinct, sum.tracks, confidence, first_place(&parts[0], i), properties);
        out.record(&[], KindSet::of(&[kinds::GEO_TRACK]));
    }
    if loose > 0 {
        let properties = shared(&parts[1], region);
        let distinct = vec![("region", Prop::from(region.name()))];
        out.summary(kinds::GEO_POINT, distinct, loose, sure * 0.9, first_place(&parts[1], i), properties);
    }
}

/// A figure of three digits.
pub(super) fn figures(v: f64) -> f64 {
    if v == 0.0 || !v.is_finite() {
        return 0.0;
    }
    let scale = 10f64.powi(2 - v.abs().log10().floor().clamp(-12.0, 12.0) as i32);
    (v * scale).round() / scale
}

/// What several series tell together.
fn shared(series: &[&Series], region: Region) -> BTreeMap<&'static str, Value> {
    let mut properties = BTreeMap::new();
    if series.iter().all(|s| s.global) {
        let datums: BTreeSet<(Datum, DatumFrom)> = series.iter().map(|s| (s.datum, s.datum_from)).collect();
        let (datum, from) =
            if datums.len() == 1 { datums.first().copied().unwrap_or_default() } else { Default::default() };
        properties.insert("datum", json!(datum.name()));
        properties.insert("datum_from", json!(from.name()));
        let codes: BTreeSet<Option<u32>> = series.iter().map(|s| s.code).collect();
        if let ([Some(code)], true) = (
            &codes.into_iter().collect::<Vec<_>>()[..],
            datum != Datum::Wgs84 || series.iter().any(|s| s.frame == Frame::Projected),
        ) {
            properties.insert("crs", json!(format!("EPSG:{code}")));
        }
    }
    let list = |region| series.iter().flat_map(|s| s.areas(region)).collect::<BTreeSet<&'static str>>();
    match region {
        Region::Inside => {
            properties.insert("provinces", json!(list(region)));
        }
        Region::Outside => {
            properties.insert("countries", json!(list(region)));
        }
        Region::Unknown => {}
    }
    if region != Region::Inside && series.iter().any(|s| s.near_mainland) {
        properties.insert("near_mainland", json!(true));
    }
    properties
}

fn first_place(series: &[&Series], region: usize) -> Location {
    let first = series.iter().filter_map(|s| s.first[region].clone()).min();
    first.or_else(|| series.iter().flat_map(|s| s.first.iter().flatten().cloned()).min()).unwrap_or_default()
}
