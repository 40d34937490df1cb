//! One position for each moment: a receiver tells the same position in several sentences and messages.

use yumen_model::{Fix, InspectError};

use crate::out::{Out, SourceId};

const DAY: f64 = 86_400.0;
/// Messages of one moment differ by no more than this, in seconds.
const SAME: f64 = 0.005;
/// GPS time began on 6 January 1980, and is ahead of UTC by so many seconds since 2017.
const GPS_EPOCH: f64 = 315_964_800.0;
pub(super) const LEAP: f64 = 18.0;
const WEEK: f64 = 604_800.0;

/// Seconds since 1970 of a GPS week and the seconds in it.
pub(super) fn of_gps(week: u32, seconds: f64) -> f64 {
    GPS_EPOCH + f64::from(week) * WEEK + seconds - LEAP
}

/// When a position was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum When {
    /// Nothing is told.
    Never,
    /// UTC time of day in seconds.
    OfDay(f64),
    /// Seconds since 1970.
    Unix(f64),
}

/// Gathers positions into moments.
pub(super) struct Epochs {
    source: SourceId,
    /// Midnight of the day at hand, in seconds since 1970; none where no date is told at the beginning.
    day: Option<f64>,
    /// Midnights passed, where no date is told.
    passed: f64,
    of_day: Option<f64>,
    open: Option<Fix>,
    /// Moments so far.
    pub(super) moments: u64,
}

impl Epochs {
    /// Positions go to `source`; `day` is the first date that the stream tells.
    pub(super) fn new(source: SourceId, day: Option<f64>) -> Self {
        Epochs { source, day, passed: 0.0, of_day: None, open: None, moments: 0 }
    }

    /// The stream tells the date (midnight in seconds since 1970).
    pub(super) fn date(&mut self, day: f64) {
        if self.day.is_some_and(|d| d != day) {
            self.day = Some(day);
            // The clock goes on from here: no further midnight has passed.
            self.of_day = None;
        }
    }

    /// A position in degrees, its height in metres.
    pub(super) fn position(
        &mut self,
        when: When,
        lat: f64,
        lon: f64,
        height: Option<f64>,
        offset: u64,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let time = self.time(when);
        if let (Some(open), Some(time)) = (&mut self.open, time)
            && open.time_s.is_some_and(|t| (t - time).abs() <= SAME)
        {
            open.z = open.z.or(height);
            return Ok(());
        }
        self.flush(out)?;
        if !(-90.0..=90.0).contains(&lat) || !(-180.0..=180.0).contains(&lon) || lat.abs() + lon.abs() < 1e-6 {
            return Ok(());
        }
        self.moments += 1;
        self.open = Some(Fix { x: lon, y: lat, z: height, time_s: time, entity: 0, offset });
        Ok(())
    }

    fn time(&mut self, when: When) -> Option<f64> {
        match when {
            When::Never => None,
            When::Unix(t) if self.day.is_some() => {
                self.day = Some((t / DAY).floor() * DAY);
                self.of_day = Some(t.rem_euclid(DAY));
                Some(t)
            }
            When::Unix(t) => Some(t.rem_euclid(DAY) + self.passed),
            When::OfDay(t) => {
                if self.of_day.is_some_and(|before| t < before - DAY / 2.0) {
                    match &mut self.day {
                        // The date of the sentence that tells it follows in the same moment.
                        Some(day) => *day += DAY,
                        None => self.passed += DAY,
                    }
                }
                self.of_day = Some(t);
                Some(t + self.day.unwrap_or(self.passed))
            }
        }
    }

    /// Sends the moment at hand.
    pub(super) fn flush(&mut self, out: &mut Out<'_>) -> Result<(), InspectError> {
        match self.open.take() {
            Some(fix) => out.fix(self.source, fix),
            None => Ok(()),
        }
    }
}
