//! Parameter groups of SAE J1939 and NMEA 2000 over extended identifiers: positions, and texts that come in several frames.

use std::collections::{BTreeSet, HashMap};

use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_model::{Fix, InspectError};

use super::decode::pgn;
use super::{Frame, tell_vin};
use crate::out::{Out, SourceId};

/// Messages under way at one time.
const MAX_OPEN: usize = 512;

#[derive(Default)]
pub(super) struct J1939 {
    /// Transport protocol: by channel, sender and destination.
    transport: HashMap<u64, Transport>,
    /// Fast packets: by channel and identifier.
    fast: HashMap<u64, Fast>,
    sources: HashMap<u64, SourceId>,
    frames: u64,
    known: u64,
    marine: u64,
}

struct Transport {
    group: u32,
    len: usize,
    data: Vec<u8>,
    next: u8,
}

struct Fast {
    sequence: u8,
    len: usize,
    data: Vec<u8>,
    next: u8,
}

/// Groups that show that a network is of this family.
fn is_known(group: u32) -> bool {
    matches!(group, 60416 | 60160 | 59904 | 60928 | 61440..=61450 | 65132 | 65215 | 65217 | 65226..=65279)
}

fn is_marine(group: u32) -> bool {
    matches!(group, 126_992..=126_998 | 127_250..=127_510 | 128_259 | 128_267 | 129_025 | 129_026 | 129_029 | 129_033 | 129_038..=129_041 | 129_539 | 129_540 | 130_306..=130_323)
}

impl J1939 {
    pub(super) fn frame(
        &mut self,
        frame: &Frame<'_>,
        time: f64,
        seen: &mut BTreeSet<String>,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let d = frame.data;
        let group = pgn(frame.id);
        self.frames += 1;
        self.known += u64::from(is_known(group));
        self.marine += u64::from(is_marine(group));
        let (source, destination) = (frame.id & 0xff, frame.id >> 8 & 0xff);
        let key = u64::from(frame.channel) << 32 | u64::from(source << 8 | destination);
        match group {
            129_025 if d.len() == 8 => self.position(frame, time, le32(d, 0) as i32, le32(d, 4) as i32, out)?,
            65267 if d.len() >= 8 && le32(d, 0) != u32::MAX && le32(d, 4) != u32::MAX => {
                let degrees = |at| f64::from(le32(d, at)) * 1e-7 - 210.0;
                self.fix(frame, time, degrees(4), degrees(0), None, "Vehicle Position", out)?;
            }
            129_029 => {
                if let Some(done) = self.fast(frame) {
                    let method = done.get(31).map_or(0, |b| b >> 4);
                    let (lat, lon) = (le64(&done, 7) as i64, le64(&done, 15) as i64);
                    if done.len() >= 43 && method != 0 && lat != i64::MAX && lon != i64::MAX {
                        let days = f64::from(le16(&done, 1)) * 86400.0 + f64::from(le32(&done, 3)) * 1e-4;
                        let time = if le16(&done, 1) == u16::MAX { time } else { days };
                        let z = Some(le64(&done, 23) as i64).filter(|&z| z != i64::MAX).map(|z| z as f64 * 1e-6);
                        self.fix(frame, time, lon as f64 * 1e-16, lat as f64 * 1e-16, z, "GNSS Position Data", out)?;
                    }
                }
            }
            // Connection management: announcement to all, or request to send.
            60416 if d.len() >= 8 && matches!(d[0], 16 | 32) => {
                let len = usize::from(le16(d, 1));
                if (9..=1785).contains(&len) {
                    if self.transport.len() >= MAX_OPEN {
                        self.transport.clear();
                    }
                    let group = u32::from(le16(d, 5)) | u32::from(d[7]) << 16;
                    self.transport.insert(key, Transport { group, len, data: Vec::new(), next: 1 });
                }
            }
            60160 if d.len() >= 2 => {
                let Some(open) = self.transport.get_mut(&key) else { return Ok(()) };
                if d[0] != open.next {
                    self.transport.remove(&key);
                    return Ok(());
                }
                open.next = open.next.wrapping_add(1);
                open.data.extend_from_slice(&d[1..]);
                if open.data.len() >= open.len
                    && let Some(mut done) = self.transport.remove(&key)
                {
                    done.data.truncate(done.len);
                    text(done.group, &done.data, frame.offset, seen, out)?;
                }
            }
            65260 | 65259 | 65242 => text(group, d, frame.offset, seen, out)?,
            _ => {}
        }
        Ok(())
    }

    /// A message as the recorder put it together.
    fn position(
        &mut self,
        frame: &Frame<'_>,
        time: f64,
        lat: i32,
        lon: i32,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        if lat == i32::MAX || lon == i32::MAX {
            return Ok(());
        }
        self.fix(frame, time, f64::from(lon) * 1e-7, f64::from(lat) * 1e-7, None, "Position, Rapid Update", out)
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one position")]
    fn fix(
        &mut self,
        frame: &Frame<'_>,
        time: f64,
        x: f64,
        y: f64,
        z: Option<f64>,
        name: &str,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        if !(-180.0..=180.0).contains(&x) || !(-90.0..=90.0).contains(&y) || self.sources.len() > MAX_OPEN {
            return Ok(());
        }
        let key = u64::from(frame.channel) << 32 | u64::from(frame.id);
        // One frame alone may be anything; a network that is of this family speaks for it.
        let source = *self.sources.entry(key).or_insert_with(|| out.source(name, None, Some("wgs84"), true));
        out.fix(source, Fix { x, y, z, time_s: Some(time), entity: 0, offset: frame.offset })
    }

    fn fast(&mut self, frame: &Frame<'_>) -> Option<Vec<u8>> {
        let key = u64::from(frame.channel) << 32 | u64::from(frame.id);
        let (&head, rest) = frame.data.split_first()?;
        let (sequence, number) = (head >> 5, head & 0x1f);
        if number == 0 {
            let (&len, rest) = rest.split_first()?;
            if self.fast.len() >= MAX_OPEN {
                self.fast.clear();
            }
            self.fast.insert(key, Fast { sequence, len: usize::from(len), data: rest.to_vec(), next: 1 });
        } else {
            let open = self.fast.get_mut(&key)?;
            if open.sequence != sequence || open.next != number {
                self.fast.remove(&key);
                return None;
            }
            open.next += 1;
            open.data.extend_from_slice(rest);
        }
        let open = self.fast.get(&key)?;
        if open.data.len() < open.len {
            return None;
        }
        let mut done = self.fast.remove(&key)?;
        done.data.truncate(done.len);
        Some(done.data)
    }

    pub(super) fn finish(&self, protocols: &mut BTreeSet<&'static str>) {
        if self.marine > 0 && self.marine * 2 >= self.frames {
            protocols.insert("NMEA 2000");
        } else if self.known > 0 && self.known * 10 >= self.frames * 3 {
            protocols.insert("J1939");
        }
    }
}

/// Texts: vehicle identification, component identification, software identification.
pub(super) fn text(
    group: u32,
    data: &[u8],
    offset: u64,
    seen: &mut BTreeSet<String>,
    out: &mut Out<'_>,
) -> Result<(), InspectError> {
    match group {
        65260 => {
            let vin = data.split(|&b| b == b'*').next().unwrap_or(data);
            tell_vin(vin.get(..17).unwrap_or(vin), offset, seen, out)
        }
        65259 | 65242 => {
            let printable = data.iter().all(|b| (0x20..0x7f).contains(b) || matches!(b, 0 | 0xff));
            let text: String = data.iter().filter(|b| (0x20..0x7f).contains(*b)).map(|&b| b as char).collect();
            if !printable || text.len() < 4 {
                return Ok(());
            }
            let names: [&str; 4] =
                if group == 65259 { ["make", "model", "serial_number", "unit_number"] } else { ["software"; 4] };
            let cells: Vec<(&str, &str)> =
                names.into_iter().zip(text.split('*').map(str::trim)).filter(|(_, v)| !v.is_empty()).collect();
            out.record(cells, offset, offset)
        }
        _ => Ok(()),
    }
}
