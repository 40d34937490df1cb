//! Point records.

use yumen_kit_container::window::num::{le16, le32, le64};

use super::header::Header;
use crate::cloud::Cloud;
use crate::crs::{Crs, Frame};

/// What the points tell beside their places.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub intensity: bool,
    pub colour: bool,
    pub infrared: bool,
    pub times: u64,
    pub first: f64,
    pub last: f64,
    pub classes: [u64; 256],
    pub returns: u8,
}

pub(super) struct Points {
    pub cloud: Cloud,
    pub told: Told,
    scale: [f64; 3],
    offset: [f64; 3],
    extended: bool,
    time: Option<usize>,
    colour: Option<usize>,
    infrared: Option<usize>,
    frame: Option<Frame>,
    unit_m: f64,
}

impl Points {
    pub(super) fn new(header: &Header, crs: Crs) -> Self {
        let (time, colour, infrared) = match header.format {
            1 | 4 => (Some(20), None, None),
            2 => (None, Some(20), None),
            3 | 5 => (Some(20), Some(28), None),
            6 | 9 => (Some(22), None, None),
            7 => (Some(22), Some(30), None),
            8 | 10 => (Some(22), Some(30), Some(36)),
            _ => (None, None, None),
        };
        Points {
            frame: crs.frame,
            unit_m: crs.unit_m,
            cloud: Cloud::new(crs),
            told: Told {
                intensity: false,
                colour: false,
                infrared: false,
                times: 0,
                first: f64::INFINITY,
                last: f64::NEG_INFINITY,
                classes: [0; 256],
                returns: 0,
            },
            scale: header.scale,
            offset: header.offset,
            extended: header.format >= 6,
            time,
            colour,
            infrared,
        }
    }

    pub(super) fn frame(&self) -> Option<Frame> {
        self.frame
    }

    pub(super) fn unit_m(&self) -> f64 {
        self.unit_m
    }

    /// One record, decoded.
    #[inline]
    pub(super) fn add(&mut self, record: &[u8]) {
        let axis = |at: usize, i: usize| f64::from(le32(record, at) as i32) * self.scale[i] + self.offset[i];
        self.cloud.add([axis(0, 0), axis(4, 1), axis(8, 2)]);
        let told = &mut self.told;
        told.intensity |= le16(record, 12) != 0;
        let flags = record.get(14).copied().unwrap_or(0);
        let (class, returns) = if self.extended {
            (record.get(16).copied().unwrap_or(0), flags >> 4)
        } else {
            (record.get(15).copied().unwrap_or(0) & 0x1F, (flags >> 3) & 7)
        };
        told.classes[usize::from(class)] += 1;
        told.returns = told.returns.max(returns);
        if let Some(at) = self.time {
            let time = f64::from_bits(le64(record, at));
            if time.is_finite() && time != 0.0 {
                told.times += 1;
                told.first = told.first.min(time);
                told.last = told.last.max(time);
            }
        }
        if let Some(at) = self.colour {
            told.colour |= (le16(record, at) | le16(record, at + 2) | le16(record, at + 4)) != 0;
        }
        if let Some(at) = self.infrared {
            told.infrared |= le16(record, at) != 0;
        }
    }
}
