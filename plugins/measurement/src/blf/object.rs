//! The objects of a BLF.

use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_model::{Fix, InspectError};

use crate::bus::{Bus, Frame};
use crate::net::Net;
use crate::out::{Out, SourceId, send_child};

/// Texts that are not UTF-8, and objects of unknown kinds, are handed over once so many bytes have gathered.
const GATHERED: usize = 4 << 20;

#[derive(Default)]
pub(super) struct Objects {
    gps: Option<SourceId>,
    net: Net,
    /// Texts in another encoding.
    texts: Vec<u8>,
    unknown: Vec<u8>,
    unknown_kinds: std::collections::BTreeSet<u32>,
    /// Channels by number.
    channels: std::collections::HashMap<u32, u32>,
}

fn f64_at(bytes: &[u8], at: usize) -> f64 {
    f64::from_bits(le64(bytes, at))
}

impl Objects {
    fn can(&mut self, number: u32, bus: &mut Bus) -> u32 {
        if let Some(&channel) = self.channels.get(&number) {
            return channel;
        }
        let channel = bus.channel(&number.to_string(), "CAN");
        self.channels.insert(number, channel);
        channel
    }

    /// Reads one object.
    pub(super) fn object(
        &mut self,
        bytes: &[u8],
        at: u64,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let header = usize::from(le16(bytes, 4));
        let kind = le32(bytes, 12);
        let flags = le32(bytes, 16);
        let ticks = le64(bytes, 24) as f64;
        let time = ticks * if flags & 1 != 0 { 1e-5 } else { 1e-9 };
        let Some(d) = bytes.get(header.max(16)..) else { return Ok(()) };
        match kind {
            // CAN_MESSAGE, CAN_MESSAGE2.
            1 | 86 if d.len() >= 8 => {
                let (channel, flags, len, id) = (u32::from(le16(d, 0)), d[2], usize::from(d[3]).min(8), le32(d, 4));
                let frame = Frame {
                    time_s: time,
                    channel: self.can(channel, bus),
                    id: id & 0x1fff_ffff,
                    extended: id & 0x8000_0000 != 0,
                    fd: false,
                    remote: flags & 0x80 != 0,
                    data: d.get(8..8 + len).unwrap_or(&[]),
                    offset: at,
                };
                bus.frame(&frame, out)
            }
            // CAN_FD_MESSAGE.
            100 if d.len() >= 20 => {
                let (channel, flags, id) = (u32::from(le16(d, 0)), d[2], le32(d, 4));
                let fd = d[13] & 1 != 0;
                let len = usize::from(d[14]).min(64);
                let frame = Frame {
                    time_s: time,
                    channel: self.can(channel, bus),
                    id: id & 0x1fff_ffff,
                    extended: id & 0x8000_0000 != 0,
                    fd,
                    remote: flags & 0x80 != 0,
                    data: d.get(20..20 + len).unwrap_or(&[]),
                    offset: at,
                };
                bus.frame(&frame, out)
            }
            // CAN_FD_MESSAGE_64.
            101 if d.len() >= 40 => {
                let (channel, len, id, flags) = (u32::from(d[0]), usize::from(d[2]).min(64), le32(d, 4), le32(d, 12));
                let frame = Frame {
                    time_s: time,
                    channel: self.can(channel, bus),
                    id: id & 0x1fff_ffff,
                    extended: id & 0x8000_0000 != 0,
                    fd: flags & 0x1000 != 0,
                    remote: flags & 0x10 != 0,
                    data: d.get(40..40 + len).unwrap_or(&[]),
                    offset: at,
                };
                bus.frame(&frame, out)
            }
            // Errors and overloads of CAN.
            2 | 3 | 73 | 104 if d.len() >= 2 => {
                let number = if kind == 104 { u32::from(d[0]) } else { u32::from(le16(d, 0)) };
                let channel = self.can(number, bus);
                bus.error(channel, time);
                Ok(())
            }
            // LIN messages in their three layouts.
            11 | 57 | 96_000 if d.len() >= 4 => {
                let number = if kind == 57 { le16(d, 12) } else { le16(d, 0) };
                let channel = bus.channel(&number.to_string(), "LIN");
                bus.other(channel, time, 8);
                Ok(())
            }
            // FlexRay frames.
            29 | 30 | 40 | 41 | 50 | 66 => {
                let channel = bus.channel(&le16(d, 0).to_string(), "FlexRay");
                bus.other(channel, time, d.len());
                Ok(())
            }
            // MOST packets.
            22..=28 | 32..=39 | 55 | 58..=60 | 80..=85 => {
                let channel = bus.channel(&le16(d, 0).to_string(), "MOST");
                bus.other(channel, time, d.len());
                Ok(())
            }
            // ETHERNET_FRAME: the header of the frame stands in fields.
            71 if d.len() >= 32 => {
                let mut frame = Vec::with_capacity(d.len());
                frame.extend_from_slice(&d[8..14]);
                frame.extend_from_slice(&d[0..6]);
                if le16(d, 18) != 0 {
                    frame.extend_from_slice(&le16(d, 18).to_be_bytes());
                    frame.extend_from_slice(&le16(d, 20).to_be_bytes());
                }
                frame.extend_from_slice(&le16(d, 16).to_be_bytes());
                let len = usize::from(le16(d, 22));
                frame.extend_from_slice(&d[32..d.len().min(32 + len)]);
                self.ethernet(&frame, u32::from(le16(d, 6)), time, at, bus, out)
            }
            // ETHERNET_FRAME_EX and ETHERNET_FRAME_FORWARDED.
            120 | 121 if d.len() >= 32 => {
                let len = usize::from(le16(d, 22));
                let frame = d[32..d.len().min(32 + len)].to_vec();
                self.ethernet(&frame, u32::from(le16(d, 4)), time, at, bus, out)
            }
            // GPS_EVENT.
            46 if d.len() >= 32 => {
                let source = *self.gps.get_or_insert_with(|| out.source("GPS", None, Some("wgs84"), false));
                let fix = Fix {
                    x: f64_at(d, 16),
                    y: f64_at(d, 8),
                    z: Some(f64_at(d, 24)).filter(|z| z.is_finite()),
                    time_s: Some(bus.base + time),
                    entity: 0,
                    offset: at,
                };
                out.fix(source, fix)
            }
            // APP_TEXT.
            65 if d.len() >= 16 => self.text(d, 16, &[le32(d, 8)], at, out),
            // EVENT_COMMENT.
            92 if d.len() >= 16 => self.text(d, 16, &[le32(d, 4)], at, out),
            // GLOBAL_MARKER: group, name, description.
            96 if d.len() >= 40 => self.text(d, 40, &[le32(d, 16), le32(d, 20), le32(d, 24)], at, out),
            // SYSTEM_VARIABLE.
            72 if d.len() >= 32 => {
                let (sort, name, data) = (le32(d, 0), le32(d, 16), le32(d, 20));
                self.variable(d, 32, sort, name, data, time, at, bus, out)
            }
            // ENV_INTEGER, ENV_DOUBLE, ENV_STRING, ENV_DATA.
            6..=9 if d.len() >= 16 => {
                let sort = match kind {
                    6 => 2,
                    7 => 1,
                    8 => 3,
                    _ => 7,
                };
                self.variable(d, 16, sort, le32(d, 0), le32(d, 4), time, at, bus, out)
            }
            // SERIAL_EVENT: what came over a serial port, maybe a receiver's sentences.
            90 => {
                self.gather_text(d.get(16..).unwrap_or(d));
                self.flush(false, out)
            }
            // States, statistics, triggers and errors of buses: numbers only.
            4
            | 5
            | 12..=21
            | 31
            | 42..=45
            | 47..=49
            | 51..=54
            | 56
            | 61..=64
            | 67..=70
            | 74..=79
            | 87..=89
            | 91
            | 93..=95
            | 97..=99
            | 102
            | 103
            | 105..=119
            | 122..=129
            | 132..=135 => Ok(()),
            // One that is cut short.
            1 | 2 | 3 | 6..=9 | 11 | 46 | 57 | 65 | 71..=73 | 86 | 92 | 96 | 100 | 101 | 104 | 120 | 121 => {
                out.to.tell_at("bad-entry", at);
                Ok(())
            }
            _ => {
                self.unknown_kinds.insert(kind);
                self.unknown.extend_from_slice(bytes);
                self.flush(false, out)
            }
        }
    }

    fn ethernet(
        &mut self,
        frame: &[u8],
        number: u32,
        time: f64,
        at: u64,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let channel = bus.channel(&number.to_string(), "Ethernet");
        bus.other(channel, time, frame.len());
        self.net.ethernet(frame, bus.base + time, at, bus, out)
    }

    /// Texts one after another from `from`.
    fn text(&mut self, d: &[u8], from: usize, lengths: &[u32], at: u64, out: &mut Out<'_>) -> Result<(), InspectError> {
        let mut from = from;
        for &len in lengths {
            let to = from.saturating_add(len as usize).min(d.len());
            let bytes = &d[from..to];
            if !out.to.decoded_text(at, bytes)? {
                self.gather_text(bytes);
            }
            from = to;
        }
        self.flush(false, out)
    }

    fn gather_text(&mut self, bytes: &[u8]) {
        let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
        self.texts.extend_from_slice(&bytes[..end]);
        self.texts.push(b'\n');
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one object")]
    fn variable(
        &mut self,
        d: &[u8],
        from: usize,
        sort: u32,
        name: u32,
        data: u32,
        time: f64,
        at: u64,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let end = from.saturating_add(name as usize).min(d.len());
        let name = String::from_utf8_lossy(&d[from..end]);
        let name = name.trim_end_matches('\0');
        let value = &d[end..end.saturating_add(data as usize).min(d.len())];
        let number = match sort {
            1 if value.len() >= 8 => Some(f64_at(value, 0)),
            2 if value.len() >= 4 => Some(f64::from(le32(value, 0) as i32)),
            6 if value.len() >= 8 => Some(le64(value, 0) as i64 as f64),
            _ => None,
        };
        if let Some(number) = number {
            bus.variable(name, number, time, at, out)?;
        } else if sort == 3 {
            let end = value.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
            match std::str::from_utf8(&value[..end]) {
                Ok(text) if !text.is_empty() => out.record([(name, text)], at, at)?,
                Ok(_) => {}
                Err(_) => self.gather_text(value),
            }
        }
        self.flush(false, out)
    }

    fn flush(&mut self, all: bool, out: &mut Out<'_>) -> Result<(), InspectError> {
        for (bytes, name) in [(&mut self.texts, &b"[text].txt"[..]), (&mut self.unknown, b"[unknown-objects]")] {
            if bytes.is_empty() || !all && bytes.len() < GATHERED {
                continue;
            }
            send_child(name, bytes, out)?;
            bytes.clear();
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
        if !self.unknown_kinds.is_empty() {
            out.to.tell("unsupported-method");
        }
        self.flush(true, out)?;
        self.net.finish(bus, out)
    }
}
