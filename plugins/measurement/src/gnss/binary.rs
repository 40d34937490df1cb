//! Binary protocols of receivers: u-blox UBX, NovAtel OEM, Septentrio SBF, RTCM 3.
//!
//! Sources: u-blox F9 interface description, NovAtel OEM7 commands and logs reference, Septentrio mosaic reference guide, RTCM 10403.3 as
//! described by the RTKLIB and gpsd projects.

use yumen_kit_container::window::num::{be16, le16, le32, le64};

use super::epoch::{LEAP, When, of_gps};
use super::nmea::crc32;
use crate::time::unix;

/// The longest frame, in bytes: that of UBX.
pub(super) const LONGEST: usize = 65_535 + 8;

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Protocol {
    Ubx,
    Novatel,
    Sbf,
    Rtcm,
}

impl Protocol {
    /// What its messages are called in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Protocol::Ubx => "UBX",
            Protocol::Novatel => "NovAtel OEM",
            Protocol::Sbf => "SBF",
            Protocol::Rtcm => "RTCM 3",
        }
    }
}

/// A frame whose checksum is right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'b> {
    pub(super) protocol: Protocol,
    /// Class and number (UBX), or the number of the message.
    pub(super) id: u16,
    /// Its payload, without header and checksum.
    pub(super) payload: &'b [u8],
    /// All of it.
    pub(super) len: usize,
    /// GPS week and seconds that the header tells.
    time: Option<(u32, f64)>,
}

/// What a frame tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Told<'b> {
    /// A position in degrees, height in metres.
    Position { when: When, lat: f64, lon: f64, height: Option<f64> },
    /// A position in metres, earth-centred.
    Ecef { when: When, xyz: [f64; 3] },
    /// The position of a reference station.
    Station([f64; 3]),
    /// Accelerations or angular rates.
    Motion,
    /// Texts of fixed length: versions, names, serial numbers.
    Texts(&'b [u8]),
    /// Something else.
    Other,
}

impl<'b> Frame<'b> {
    /// The frame at the start of the bytes.
    pub(super) fn at(bytes: &'b [u8]) -> Option<Self> {
        match bytes {
            [0xB5, 0x62, ..] => ubx(bytes),
            [0xAA, 0x44, 0x12 | 0x13, ..] => novatel(bytes),
            [b'$', b'@', ..] => sbf(bytes),
            [0xD3, ..] => rtcm(bytes),
            _ => None,
        }
    }

    /// Its name in tables.
    pub(super) fn name(&self) -> String {
        let known =
            |list: &[(u16, &str)]| list.iter().find(|(id, _)| *id == self.id).map(|(_, name)| (*name).to_owned());
        match self.protocol {
            Protocol::Ubx => known(UBX).unwrap_or_else(|| format!("{:02X} {:02X}", self.id >> 8, self.id & 0xFF)),
            Protocol::Novatel => known(NOVATEL).unwrap_or_else(|| self.id.to_string()),
            Protocol::Sbf => known(SBF).unwrap_or_else(|| self.id.to_string()),
            Protocol::Rtcm => self.id.to_string(),
        }
    }

    /// What it tells.
    pub(super) fn told(&self) -> Told<'b> {
        let told = match self.protocol {
            Protocol::Ubx => tell_ubx(self.id, self.payload),
            Protocol::Novatel => tell_novatel(self.id, self.payload, self.time),
            Protocol::Sbf => tell_sbf(self.id, self.payload, self.time),
            Protocol::Rtcm => tell_rtcm(self.id, self.payload),
        };
        told.unwrap_or(Told::Other)
    }
}

const UBX: &[(u16, &str)] = &[
    (0x0101, "NAV-POSECEF"),
    (0x0102, "NAV-POSLLH"),
    (0x0103, "NAV-STATUS"),
    (0x0104, "NAV-DOP"),
    (0x0106, "NAV-SOL"),
    (0x0107, "NAV-PVT"),
    (0x0112, "NAV-VELNED"),
    (0x0113, "NAV-HPPOSECEF"),
    (0x0114, "NAV-HPPOSLLH"),
    (0x0120, "NAV-TIMEGPS"),
    (0x0121, "NAV-TIMEUTC"),
    (0x0135, "NAV-SAT"),
    (0x0213, "RXM-SFRBX"),
    (0x0215, "RXM-RAWX"),
    (0x0A04, "MON-VER"),
    (0x1002, "ESF-MEAS"),
    (0x1003, "ESF-RAW"),
    (0x1015, "ESF-INS"),
    (0x2800, "HNR-PVT"),
    (0x2802, "HNR-INS"),
];
const NOVATEL: &[(u16, &str)] = &[
    (37, "VERSION"),
    (42, "BESTPOS"),
    (43, "RANGE"),
    (47, "PSRPOS"),
    (99, "BESTVEL"),
    (141, "RTKPOS"),
    (268, "RAWIMU"),
    (325, "RAWIMUS"),
    (507, "INSPVA"),
    (508, "INSPVAS"),
    (812, "CORRIMUDATA"),
    (813, "CORRIMUDATAS"),
    (1429, "BESTGNSSPOS"),
    (1461, "RAWIMUX"),
    (1462, "RAWIMUSX"),
    (1465, "INSPVAX"),
];
const SBF: &[(u16, &str)] = &[
    (4006, "PVTCartesian"),
    (4007, "PVTGeodetic"),
    (4027, "MeasEpoch"),
    (4050, "ExtSensorMeas"),
    (5902, "ReceiverSetup"),
];

fn ubx(bytes: &[u8]) -> Option<Frame<'_>> {
    let len = usize::from(le16(bytes.get(..6)?, 4));
    let checked = bytes.get(2..6 + len)?;
    let sum = bytes.get(6 + len..8 + len)?;
    let (a, b) = checked.iter().fold((0u8, 0u8), |(a, b), &x| {
        let a = a.wrapping_add(x);
        (a, b.wrapping_add(a))
    });
    let id = u16::from_be_bytes([bytes[2], bytes[3]]);
    (sum == [a, b]).then(|| Frame { protocol: Protocol::Ubx, id, payload: &checked[4..], len: len + 8, time: None })
}

fn novatel(bytes: &[u8]) -> Option<Frame<'_>> {
    let short = bytes.get(2) == Some(&0x13);
    let (header, len, id, week, ms) = if short {
        let h = bytes.get(..12)?;
        (12, usize::from(h[3]), le16(h, 4), le16(h, 6), le32(h, 8))
    } else {
        let h = bytes.get(..28)?;
        (usize::from(h[3]), usize::from(le16(h, 8)), le16(h, 4), le16(h, 14), le32(h, 16))
    };
    if header < 12 {
        return None;
    }
    let end = header + len;
    let sum = le32(bytes.get(end..end + 4)?, 0);
    let time = (week > 0).then(|| (u32::from(week), f64::from(ms) / 1000.0));
    (crc32(&bytes[..end]) == sum).then(|| Frame {
        protocol: Protocol::Novatel,
        id,
        payload: &bytes[header..end],
        len: end + 4,
        time,
    })
}

fn sbf(bytes: &[u8]) -> Option<Frame<'_>> {
    let h = bytes.get(..14)?;
    let len = usize::from(le16(h, 6));
    if len < 14 || !len.is_multiple_of(4) {
        return None;
    }
    let all = bytes.get(..len)?;
    let crc = all[4..].iter().fold(0u16, |crc, &b| {
        (0..8).fold(crc ^ (u16::from(b) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    });
    let (tow, week) = (le32(h, 8), le16(h, 12));
    let time = (tow != u32::MAX && week != u16::MAX).then(|| (u32::from(week), f64::from(tow) / 1000.0));
    (crc == le16(h, 2)).then(|| Frame {
        protocol: Protocol::Sbf,
        id: le16(h, 4) & 0x1FFF,
        payload: &all[14..],
        len,
        time,
    })
}

fn rtcm(bytes: &[u8]) -> Option<Frame<'_>> {
    let h = bytes.get(..6)?;
    if h[1] & 0xFC != 0 {
        return None;
    }
    let len = usize::from(be16(h, 1) & 0x3FF);
    let sum = bytes.get(3 + len..6 + len)?;
    let crc = bytes[..3 + len].iter().fold(0u32, |crc, &b| {
        (0..8).fold(crc ^ (u32::from(b) << 16), |crc, _| {
            let crc = crc << 1;
            if crc & 0x100_0000 == 0 { crc } else { crc ^ 0x186_4CFB }
        })
    });
    let sum = u32::from(sum[0]) << 16 | u32::from(sum[1]) << 8 | u32::from(sum[2]);
    let payload = &bytes[3..3 + len];
    let id = if len >= 2 { be16(payload, 0) >> 4 } else { 0 };
    (crc == sum && len >= 2).then_some(Frame { protocol: Protocol::Rtcm, id, payload, len: len + 6, time: None })
}

fn signed(bytes: &[u8], at: usize) -> f64 {
    f64::from(le32(bytes, at).cast_signed())
}

fn double(bytes: &[u8], at: usize) -> f64 {
    f64::from_bits(le64(bytes, at))
}

/// Date and time in the form that NAV-PVT and HNR-PVT have it, once both are valid.
fn utc(p: &[u8], valid: u8, nano: f64) -> When {
    if valid & 3 != 3 {
        return When::Never;
    }
    let seconds = f64::from(p[8]) * 3600.0 + f64::from(p[9]) * 60.0 + f64::from(p[10]) + nano * 1e-9;
    When::Unix(unix(i64::from(le16(p, 4)), u32::from(p[6]), u32::from(p[7]), seconds))
}

fn tell_ubx(id: u16, p: &[u8]) -> Option<Told<'_>> {
    let degrees = |lat: usize, lon: usize| (signed(p, lat) * 1e-7, signed(p, lon) * 1e-7);
    // The week is not told; the time of day is enough beside the messages that tell the date.
    let moment = |at: usize| When::OfDay((f64::from(le32(p, at)) / 1000.0 - LEAP).rem_euclid(86_400.0));
    Some(match id {
        0x0107 if p.len() >= 84 && matches!(p[20], 1..=4) && p[21] & 1 == 1 => {
            let (lat, lon) = degrees(28, 24);
            Told::Position { when: utc(p, p[11], signed(p, 16)), lat, lon, height: Some(signed(p, 36) / 1000.0) }
        }
        0x2800 if p.len() >= 72 && matches!(p[16], 1..=4) && p[17] & 1 == 1 => {
            let (lat, lon) = degrees(24, 20);
            Told::Position { when: utc(p, p[11], signed(p, 12)), lat, lon, height: Some(signed(p, 32) / 1000.0) }
        }
        // A fix that is uncertain by more than a kilometre is none.
        0x0102 if p.len() >= 28 && le32(p, 20) < 1_000_000 => {
            let (lat, lon) = degrees(8, 4);
            Told::Position { when: moment(0), lat, lon, height: Some(signed(p, 16) / 1000.0) }
        }
        0x0114 if p.len() >= 36 && p[3] & 1 == 0 && le32(p, 28) < 10_000_000 => {
            let (lat, lon) = degrees(12, 8);
            Told::Position { when: moment(4), lat, lon, height: Some(signed(p, 20) / 1000.0) }
        }
        0x0101 if p.len() >= 20 && le32(p, 16) < 100_000 => {
            Told::Ecef { when: moment(0), xyz: [4, 8, 12].map(|at| signed(p, at) / 100.0) }
        }
        0x0106 if p.len() >= 52 && matches!(p[10], 1..=4) && p[11] & 1 == 1 => {
            let when = When::Unix(of_gps(u32::from(le16(p, 8)), f64::from(le32(p, 0)) / 1000.0));
            Told::Ecef { when, xyz: [12, 16, 20].map(|at| signed(p, at) / 100.0) }
        }
        0x0A04 => Told::Texts(p),
        0x1002 | 0x1003 | 0x1015 | 0x2802 => Told::Motion,
        _ => return None,
    })
}

fn tell_novatel(id: u16, p: &[u8], time: Option<(u32, f64)>) -> Option<Told<'_>> {
    let when = time.map_or(When::Never, |(week, s)| When::Unix(of_gps(week, s)));
    let position = |lat: usize| {
        let (lat, lon, height) = (double(p, lat), double(p, lat + 8), double(p, lat + 16));
        Told::Position { when, lat, lon, height: Some(height).filter(|h| h.is_finite()) }
    };
    Some(match id {
        // Solution computed, and of some type.
        42 | 47 | 141 | 1429 if p.len() >= 32 && le32(p, 0) == 0 && le32(p, 4) != 0 => position(8),
        1465 if p.len() >= 32 && le32(p, 4) != 0 => position(8),
        // INS inactive.
        507 | 508 if p.len() >= 88 && le32(p, 84) != 0 => position(12),
        268 | 325 | 812 | 813 | 1461 | 1462 => Told::Motion,
        37 => Told::Texts(p),
        _ => return None,
    })
}

fn tell_sbf(id: u16, p: &[u8], time: Option<(u32, f64)>) -> Option<Told<'_>> {
    let when = time.map_or(When::Never, |(week, s)| When::Unix(of_gps(week, s)));
    Some(match id {
        4007 if p.len() >= 26 && p[0] & 0xF != 0 && p[1] == 0 => Told::Position {
            when,
            lat: double(p, 2).to_degrees(),
            lon: double(p, 10).to_degrees(),
            height: Some(double(p, 18)).filter(|h| h.is_finite() && *h > -1e5),
        },
        4006 if p.len() >= 26 && p[0] & 0xF != 0 && p[1] == 0 => {
            Told::Ecef { when, xyz: [2, 10, 18].map(|at| double(p, at)) }
        }
        4050 => Told::Motion,
        5902 => Told::Texts(p),
        _ => return None,
    })
}

fn tell_rtcm(id: u16, p: &[u8]) -> Option<Told<'_>> {
    if !matches!(id, 1005 | 1006) || p.len() < 19 {
        return None;
    }
    // Number 12, station 12, year 6, indicators 4, X 38, 2, Y 38, 2, Z 38: in units of 0.1 mm.
    let bits = |from: usize| {
        let raw = (from..from + 38).fold(0u64, |v, bit| v << 1 | u64::from(p[bit / 8] >> (7 - bit % 8) & 1));
        let signed = (raw << 26).cast_signed() >> 26;
        signed as f64 * 1e-4
    };
    Some(Told::Station([bits(34), bits(74), bits(114)]))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A UBX frame around a payload.
    pub(in crate::gnss) fn ubx_frame(id: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xB5, 0x62];
        frame.extend(id.to_be_bytes());
        frame.extend((payload.len() as u16).to_le_bytes());
        frame.extend(payload);
        let (a, b) =
            frame[2..].iter().fold((0u8, 0u8), |(a, b), &x| (a.wrapping_add(x), b.wrapping_add(a.wrapping_add(x))));
        frame.extend([a, b]);
        frame
    }

    /// NAV-PVT at a time of day on 25 July 2026.
    pub(in crate::gnss) fn pvt(seconds: u32, lat: f64, lon: f64, fix: u8) -> Vec<u8> {
        let mut p = vec![0u8; 92];
        p[4..6].copy_from_slice(&2026u16.to_le_bytes());
        (p[6], p[7]) = (7, 25);
        (p[8], p[9], p[10]) = ((seconds / 3600) as u8, (seconds / 60 % 60) as u8, (seconds % 60) as u8);
        (p[11], p[20], p[21]) = (7, fix, u8::from(fix > 0));
        p[24..28].copy_from_slice(&((lon * 1e7).round() as i32).to_le_bytes());
        p[28..32].copy_from_slice(&((lat * 1e7).round() as i32).to_le_bytes());
        p[36..40].copy_from_slice(&48_500i32.to_le_bytes());
        ubx_frame(0x0107, &p)
    }

    #[test]
    fn ubx_positions_are_read_when_there_is_a_fix() {
        let bytes = pvt(3723, 39.9042, 116.4074, 3);
        let frame = Frame::at(&bytes).unwrap();
        assert_eq!((frame.len, frame.name().as_str()), (100, "NAV-PVT"));
        let Told::Position { when, lat, lon, height } = frame.told() else { panic!() };
        assert_eq!(when, When::Unix(1_784_937_600.0 + 3723.0));
        assert!((lat - 39.9042).abs() < 1e-9 && (lon - 116.4074).abs() < 1e-9);
        assert_eq!(height, Some(48.5));
        assert_eq!(Frame::at(&pvt(3723, 39.9042, 116.4074, 0)).unwrap().told(), Told::Other);
        let mut broken = bytes.clone();
        broken[30] ^= 1;
        assert!(Frame::at(&broken).is_none());
        assert!(Frame::at(&bytes[..99]).is_none());
    }

    #[test]
    fn a_binary_log_of_novatel_is_read() {
        let mut bytes = vec![0xAA, 0x44, 0x12, 28, 42, 0, 0, 0, 72, 0, 0, 0, 0, 0];
        bytes.extend(2376u16.to_le_bytes());
        bytes.extend(521_523_000u32.to_le_bytes());
        bytes.resize(28, 0);
        bytes.extend([0, 0, 0, 0, 50, 0, 0, 0]);
        for v in [39.9042f64, 116.4074, 48.5] {
            bytes.extend(v.to_le_bytes());
        }
        bytes.resize(28 + 72, 0);
        let sum = crc32(&bytes);
        bytes.extend(sum.to_le_bytes());
        let frame = Frame::at(&bytes).unwrap();
        assert_eq!((frame.name().as_str(), frame.len), ("BESTPOS", 104));
        let Told::Position { lat, lon, height, .. } = frame.told() else { panic!() };
        assert_eq!((lat, lon, height), (39.9042, 116.4074, Some(48.5)));
    }

    #[test]
    fn a_reference_station_of_rtcm_is_read() {
        // The example of message 1005 in RTCM 10403: station 2003 at 1114104.5999, -4850729.7108, 3975521.4643.
        let bytes: [u8; 25] = [
            0xD3, 0x00, 0x13, 0x3E, 0xD7, 0xD3, 0x02, 0x02, 0x98, 0x0E, 0xDE, 0xEF, 0x34, 0xB4, 0xBD, 0x62, 0xAC, 0x09,
            0x41, 0x98, 0x6F, 0x33, 0x36, 0x0B, 0x98,
        ];
        let frame = Frame::at(&bytes).unwrap();
        let Told::Station(xyz) = frame.told() else { panic!() };
        assert_eq!(
            (frame.id, xyz.map(|v| (v * 1e4).round())),
            (1005, [11_141_045_999.0, -48_507_297_108.0, 39_755_214_643.0])
        );
    }
}
