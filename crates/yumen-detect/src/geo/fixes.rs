//! The detector of positions that a format tells as such: topics of recordings, receivers' logs, tracks of maps.

use std::sync::Arc;

use serde_json::Value;
use yumen_kit_geo::{Crs, Datum, DatumFrom, Frame, Region, plausible};
use yumen_model::finding::Seconds;
use yumen_model::kind::kinds;
use yumen_model::{Batch, Detector, EvidenceHeader, EvidenceKind, Findings, Fix, KindId, Location, Session};

use super::report::report_all;
use super::series::{Beside, Outcome, Series};
use super::values::Point;
use crate::masking::Masking;
use crate::scanner::TextDetector;

/// Formats of receivers: what stands in them is on WGS-84.
const RECEIVERS: &[&str] = &["nmea", "ubx", "rinex", "rtcm", "rtcm3", "sbf", "novatel", "sirf", "gnss"];

/// Finds `geo.track` and `geo.point` in fixes. Each entity whose fixes move is a track; so are ten fixes or a minute of them that stand still
/// (a parked vehicle's receiver). Fewer are points. `0, 0`, what is not finite or out of range, and jumps that the next fix takes back are left out.
///
/// The system is the header's `crs`. Without one degrees are taken from receivers only, on an unknown datum; the rest is local, as is what
/// the sources `odometry`, `transform` and `object` tell without a system.
pub struct FixDetector {
    masking: Masking,
}

impl FixDetector {
    /// A detector that masks what `text` finds in the names of topics.
    #[must_use]
    pub fn new(text: Arc<TextDetector>) -> Self {
        FixDetector { masking: Masking::new(text) }
    }
}

impl Detector for FixDetector {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::GEO_TRACK, kinds::GEO_POINT]
    }

    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>> {
        if header.kind != EvidenceKind::Fixes {
            return None;
        }
        let text = |key: &str| header.properties.get(key).and_then(Value::as_str);
        let receiver = RECEIVERS.contains(&&*header.format);
        let declared = text("crs").filter(|c| !c.trim().is_empty()).map(Crs::parse);
        let crs = declared.or(receiver.then_some(Crs::WGS84));
        let tied = matches!(text("source"), Some("odometry" | "transform" | "object"));
        let (mut globe, mut plane) = match crs {
            Some(crs) => (Series::of(&crs), Series::of(if crs.places() { &Crs::LOCAL } else { &crs })),
            None => (Series::new(Frame::Geodetic, Datum::Unknown, false, false), Series::of(&Crs::LOCAL)),
        };
        if receiver && globe.datum == Datum::Wgs84 {
            globe.datum_from = DatumFrom::Nmea;
        }
        globe.trusted = true;
        plane.trusted = true;
        let start = header.properties.get("start_s").and_then(Value::as_f64);
        let topic = text("topic").map(|t| self.masking.text(t));
        Some(Box::new(FixSession { crs, tied, globe, plane, topic, start }))
    }

    fn settle(&self, findings: &mut Findings) {
        super::tie::settle(findings);
    }
}

/// So many positions inside the mainland prove a track there.
const ENOUGH: u64 = 100;

struct FixSession {
    /// The system; none where nothing is told.
    crs: Option<Crs>,
    /// Coordinates without a system are of a local frame.
    tied: bool,
    globe: Series,
    plane: Series,
    topic: Option<String>,
    /// When the recording began: told, or the time of the first fix.
    start: Option<f64>,
}

impl FixSession {
    /// The place of a fix; the topic comes to it in the end.
    fn location(&mut self, fix: &Fix) -> Location {
        let mut location = Location { bytes: Some((fix.offset, fix.offset)), ..Location::default() };
        if self.topic.is_some()
            && let Some(time) = fix.time_s.filter(|t| t.is_finite())
        {
            let start = *self.start.get_or_insert(time);
            location.time_s = Some(Seconds::new(time - start));
        }
        location
    }

    fn fix(&mut self, fix: &Fix, out: &mut Findings) {
        if !fix.x.is_finite() || !fix.y.is_finite() {
            return;
        }
        let z = fix.z.filter(|z| z.is_finite());
        let beside = Beside {
            time: fix.time_s.filter(|t| t.is_finite()),
            key: Some(fix.entity),
            vertical: z.is_some_and(|z| z != 0.0),
            ..Beside::default()
        };
        let globe = match self.crs {
            Some(crs) if crs.places() => {
                let Some((lat, lon)) = crs.to_geodetic(fix.x, fix.y, z.unwrap_or(0.0)) else { return };
                if !plausible(lat, lon) {
                    return;
                }
                Some((lat, lon))
            }
            Some(_) => None,
            None if self.tied => None,
            None if fix.x.abs() <= 180.0 && fix.y.abs() <= 90.0 => {
                if !plausible(fix.y, fix.x) {
                    return;
                }
                Some((fix.y, fix.x))
            }
            None => None,
        };
        let location = self.location(fix);
        match globe {
            Some((lat, lon)) => {
                let metric = self.crs.is_some_and(|c| c.frame() != Frame::Geodetic);
                let point = Point { lat, lon, precise: metric || !(coarse(lat) && coarse(lon)) };
                self.globe.point(point, &beside, &location, out);
            }
            None => self.plane.plane(fix.x, fix.y, &beside, &location),
        }
    }
}

/// Whether a coordinate has at most three decimals.
fn coarse(degrees: f64) -> bool {
    let v = degrees * 1e3;
    (v - v.round()).abs() < 1e-6
}

impl Session for FixSession {
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings) {
        if let Batch::Fixes(batch) = batch {
            batch.fixes.iter().for_each(|fix| self.fix(fix, out));
            // A receiver's positions are a track as soon as there are some: there is nothing to wait for.
            if self.globe.inside() >= ENOUGH {
                out.prove(kinds::GEO_TRACK, vec![("region", Region::Inside.name().into())]);
            }
        }
    }

    fn finish(self: Box<Self>, out: &mut Findings) {
        let FixSession { globe, plane, topic, .. } = *self;
        let mut outcomes: Vec<(Series, Outcome)> = Vec::new();
        for mut series in [globe, plane] {
            if series.points > 0 {
                series.first.iter_mut().flatten().for_each(|place| place.topic.clone_from(&topic));
                let outcome = series.outcome();
                outcomes.push((series, outcome));
            }
        }
        report_all(&outcomes, false, out);
    }
}

#[cfg(test)]
#[path = "fixes_tests.rs"]
mod tests;
