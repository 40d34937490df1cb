//! The public header block.

use yumen_kit_container::Container;
use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_model::InspectError;

/// A head this short is no whole header.
pub(super) const SHORTEST: usize = 227;

/// Bytes of each point format without extra bytes.
pub(super) const LENGTHS: [u16; 11] = [20, 28, 26, 34, 57, 63, 30, 36, 38, 59, 67];

/// What the header tells.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub minor: u8,
    pub encoding: u16,
    pub header_len: u16,
    /// Where the points begin.
    pub data: u64,
    pub records: u32,
    pub format: u8,
    pub compressed: bool,
    pub record_len: u16,
    pub points: u64,
    pub scale: [f64; 3],
    pub offset: [f64; 3],
    /// Greatest and least x, y as told.
    pub told: [f64; 4],
    pub waveform: u64,
    pub extended: u64,
    pub extended_count: u32,
}

pub(super) fn f64_at(bytes: &[u8], at: usize) -> f64 {
    f64::from_bits(le64(bytes, at))
}

/// Whether these bytes begin a LAS file; then whether its points are compressed.
pub(super) fn recognise(head: &[u8]) -> Option<bool> {
    if !head.starts_with(b"LASF") || head.len() < 26 {
        return None;
    }
    let (major, minor) = (head[24], head[25]);
    if major != 1 || minor > 4 {
        return None;
    }
    if head.len() < SHORTEST {
        return Some(head.get(104).is_some_and(|f| f & 0xC0 != 0));
    }
    let format = head[104];
    let len = LENGTHS.get(usize::from(format & 0x3F))?;
    let fits = le16(head, 105) >= *len && usize::from(le16(head, 94)) >= SHORTEST && le32(head, 96) >= 227;
    let steps = [131, 139, 147].iter().all(|&at| {
        let scale = f64_at(head, at);
        scale.is_finite() && scale != 0.0
    });
    (fits && steps).then_some(format & 0xC0 != 0)
}

impl Header {
    pub(super) fn read(to: &mut Container<'_>) -> Result<Header, InspectError> {
        let h = to.window.get(0, 375)?;
        if h.len() < SHORTEST {
            return Err(InspectError::corrupt(h.len() as u64, "the header is cut short"));
        }
        let minor = h[25];
        let header_len = le16(h, 94);
        let format = h[104] & 0x3F;
        let record_len = le16(h, 105);
        let triple = |at: usize| [f64_at(h, at), f64_at(h, at + 8), f64_at(h, at + 16)];
        let long = minor >= 4 && header_len >= 375 && h.len() >= 375;
        let legacy = u64::from(le32(h, 107));
        let points = match le64(h, 247) {
            n if long && n > 0 => n,
            _ => legacy,
        };
        let header = Header {
            minor,
            encoding: le16(h, 6),
            header_len,
            data: u64::from(le32(h, 96)),
            records: le32(h, 100),
            format,
            compressed: h[104] & 0xC0 != 0,
            record_len,
            points,
            scale: triple(131),
            offset: triple(155),
            told: [f64_at(h, 187), f64_at(h, 203), f64_at(h, 179), f64_at(h, 195)],
            waveform: if minor >= 3 && header_len >= 235 { le64(h, 227) } else { 0 },
            extended: if long { le64(h, 235) } else { 0 },
            extended_count: if long { le32(h, 243) } else { 0 },
        };
        let least = LENGTHS.get(usize::from(format)).copied();
        if least.is_none_or(|n| record_len < n) {
            return Err(InspectError::corrupt(104, "the point format and the length of its records do not agree"));
        }
        if usize::from(header_len) < SHORTEST || header.data < u64::from(header_len) {
            return Err(InspectError::corrupt(94, "the points begin inside the header"));
        }
        if header.data > to.len() {
            return Err(InspectError::corrupt(96, "the points begin past the end of the file"));
        }
        Ok(header)
    }

    /// Labels the header and shows its texts.
    pub(super) fn texts(&self, to: &mut Container<'_>) -> Result<(), InspectError> {
        let known = u64::from(self.header_len).min(match self.minor {
            0..=2 => 227,
            3 => 235,
            _ => 375,
        });
        to.container(0..26)?;
        super::label_text(to, 26, 32, "system-identifier")?;
        super::label_text(to, 58, 32, "generating-software")?;
        to.container(90..known)?;
        // User data that a longer header holds.
        to.padding(known..u64::from(self.header_len))
    }

    /// GPS times are adjusted standard time, which tells the date; else seconds of a week.
    pub(super) fn absolute_time(&self) -> bool {
        self.encoding & 1 != 0
    }

    pub(super) fn wkt_flag(&self) -> bool {
        self.encoding & 0x10 != 0
    }

    pub(super) fn has_waveform_format(&self) -> bool {
        matches!(self.format, 4 | 5 | 9 | 10)
    }

    /// Whether the points lie where the header says, within a step.
    pub(super) fn bounds_hold(&self, extent: Option<[f64; 4]>) -> bool {
        let Some(extent) = extent else { return true };
        let [w, s, e, n] = extent;
        let [told_w, told_s, told_e, told_n] = self.told;
        let step = 10.0 * self.scale[0].abs().max(self.scale[1].abs());
        [(w, told_w), (s, told_s), (e, told_e), (n, told_n)].iter().all(|(a, b)| (a - b).abs() <= step)
    }
}
