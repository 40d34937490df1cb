//! The figures of a track, gathered fix by fix in constant memory.

use crate::place::Region;

/// What a track adds up to. Feed it positions in the order of the recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Positions taken.
    pub points: u64,
    /// Sum of the great-circle distances, in metres.
    pub length_m: f64,
    /// Earliest and latest time, in seconds.
    pub time: Option<(f64, f64)>,
    /// West, south, east, north in degrees.
    pub extent: [f64; 4],
    /// First and last position.
    pub ends: Option<((f64, f64), (f64, f64))>,
    /// Positions inside the mainland, outside, and at unknown places.
    pub regions: [u64; 3],
}

impl Default for Track {
    fn default() -> Self {
        Track {
            points: 0,
            length_m: 0.0,
            time: None,
            extent: [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY],
            ends: None,
            regions: [0; 3],
        }
    }
}

impl Track {
    /// Adds a position with its time in seconds, if it has one, and its region. Returns the distance from the position before, in metres.
    pub fn add(&mut self, lat: f64, lon: f64, time: Option<f64>, region: Region) -> f64 {
        let step = self.ends.map_or(0.0, |(_, last)| crate::distance_m(last, (lat, lon)));
        self.count(lat, lon, time, region, step);
        step
    }

    /// As [`Track::add`], with the distance from the position before given (local frames).
    pub fn count(&mut self, lat: f64, lon: f64, time: Option<f64>, region: Region, step_m: f64) {
        self.points += 1;
        self.length_m += step_m;
        if let Some(t) = time.filter(|t| t.is_finite()) {
            let (from, to) = self.time.unwrap_or((t, t));
            self.time = Some((from.min(t), to.max(t)));
        }
        self.extent = union(self.extent, [lon, lat, lon, lat]);
        self.ends = Some((self.ends.map_or((lat, lon), |(first, _)| first), (lat, lon)));
        self.regions[region as usize] += 1;
    }

    /// Seconds between the earliest and the latest time; 0 without times.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.time.map_or(0.0, |(from, to)| to - from)
    }

    /// The region of the whole: inside as soon as more than a stray thousandth of its positions is; else outside; else unknown.
    #[must_use]
    pub fn region(&self) -> Region {
        let [inside, outside, _] = self.regions;
        if inside > 0 && inside.saturating_mul(1000) >= self.points {
            Region::Inside
        } else if outside > 0 {
            Region::Outside
        } else {
            Region::Unknown
        }
    }

    /// Whether it ends where it began (within a metre), after at least three positions: a ring, unless it has times.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.points > 3 && self.ends.is_some_and(|(a, b)| crate::distance_m(a, b) < 1.0)
    }
}

/// The box around two boxes (west, south, east, north).
#[must_use]
pub fn union(a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

/// An extent as reports give it: rounded to hundredths of a degree (about 1 km), so that it tells the area and not the place.
#[must_use]
pub fn rounded(extent: [f64; 4]) -> [f64; 4] {
    extent.map(|v| (v * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_add_up() {
        let mut t = Track::default();
        t.add(22.53, 114.01, Some(100.0), Region::Inside);
        t.add(22.54, 114.01, Some(160.0), Region::Inside);
        t.add(22.54, 114.02, None, Region::Unknown);
        assert_eq!((t.points, t.duration_s(), t.region()), (3, 60.0, Region::Inside));
        assert!((t.length_m - (1112.0 + 1027.0)).abs() < 5.0, "{}", t.length_m);
        assert_eq!(rounded(t.extent), [114.01, 22.53, 114.02, 22.54]);
        assert!(!t.closed());
        t.add(22.53, 114.01, None, Region::Inside);
        assert!(t.closed());
    }

    #[test]
    fn a_stray_fix_does_not_move_a_track() {
        let mut t = Track::default();
        t.add(22.5, 114.0, None, Region::Inside);
        for _ in 0..2000 {
            t.add(50.0, 8.0, None, Region::Outside);
        }
        assert_eq!(t.region(), Region::Outside);
        assert_eq!(Track::default().region(), Region::Unknown);
        assert_eq!(Track::default().duration_s(), 0.0);
    }
}
