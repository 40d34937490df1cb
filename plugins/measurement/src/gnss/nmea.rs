//! NMEA 0183 sentences, and what receivers send in their form.
//!
//! Sources: NMEA 0183 as described by the gpsd project (<https://gpsd.gitlab.io/gpsd/NMEA.html>), u-blox M8 receiver description (PUBX),
//! Trimble (PTNL), NovAtel OEM7 (ASCII logs), Unicore (KSXT), integrated navigation units (xxFPD, xxCHC) as their makers document them.

use super::epoch::{When, of_gps};
use crate::time::unix;

/// Longest sentence that is taken, in bytes. The standard allows 82; integrated units send more.
pub(super) const LONGEST: usize = 1024;

/// What a sentence tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Told {
    /// A position in degrees, height in metres.
    Position {
        when: When,
        /// Midnight of its day, where the sentence tells it.
        day: Option<f64>,
        lat: f64,
        lon: f64,
        height: Option<f64>,
    },
    /// A date without a position.
    Date(f64),
    /// Accelerations or angular rates.
    Motion(When),
    /// Something else.
    Other,
}

/// A sentence that stands at the start of the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sentence<'b> {
    /// What stands between the sign and the checksum.
    pub(super) body: &'b str,
    /// Its length with sign and checksum, without the line break.
    pub(super) len: usize,
}

impl<'b> Sentence<'b> {
    /// The sentence at the start of the bytes, if its checksum is right. `$` and `!` begin NMEA's, `#` and `%` NovAtel's.
    pub(super) fn at(bytes: &'b [u8]) -> Option<Self> {
        let sign = *bytes.first()?;
        let long = matches!(sign, b'#' | b'%');
        let bytes = &bytes[..bytes.len().min(LONGEST)];
        let end = bytes.iter().skip(1).position(|&b| b == b'*' || !(b' '..=b'~').contains(&b)).map(|n| n + 1)?;
        let body = std::str::from_utf8(&bytes[1..end]).ok()?;
        let digits = if long { 8 } else { 2 };
        let sum = bytes.get(end..)?.strip_prefix(b"*")?.get(..digits)?;
        let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
        let right = match sign {
            b'$' | b'!' => u32::from(body.bytes().fold(0u8, |x, b| x ^ b)) == sum && is_head(body),
            b'#' | b'%' => body.contains(';') && crc32(body.as_bytes()) == sum,
            _ => false,
        };
        right.then_some(Sentence { body, len: end + 1 + digits })
    }

    /// Its name: `GPGGA`, `PUBX00`, `BESTPOSA`.
    pub(super) fn name(&self) -> String {
        let mut fields = self.body.split([',', ';']);
        let head = fields.next().unwrap_or("");
        match (head, fields.next()) {
            ("PUBX" | "PTNL", Some(kind)) if kind.len() <= 4 => format!("{head}{kind}"),
            _ => head.to_owned(),
        }
    }

    /// What it tells.
    pub(super) fn told(&self) -> Told {
        if let Some((head, body)) = self.body.split_once(';') {
            return novatel(head, body).unwrap_or(Told::Other);
        }
        let fields: Vec<&str> = self.body.split(',').collect();
        read(&fields).unwrap_or(Told::Other)
    }
}

/// Talker and type, or a proprietary name: letters and digits, at least three.
fn is_head(body: &str) -> bool {
    let head = body.split(',').next().unwrap_or("");
    (3..=12).contains(&head.len()) && head.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// NovAtel's CRC: that of zlib without its inversions.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, &b| {
        let mut crc = crc ^ u32::from(b);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
        crc
    })
}

fn read(f: &[&str]) -> Option<Told> {
    let head = *f.first()?;
    let field = |n: usize| f.get(n).copied().unwrap_or("");
    if head == "PUBX" {
        // navStat NF: no fix.
        let valid = field(1) == "00" && !field(8).is_empty() && field(8) != "NF";
        let (lat, lon) = valid.then(|| pair(f, 3))??;
        return Some(position(of_day(field(2)), None, lat, lon, number(field(7))));
    }
    if head == "PTNL" && field(1) == "GGK" {
        let (lat, lon) = (field(8) != "0" && !field(8).is_empty()).then(|| pair(f, 4))??;
        let mdy = field(3);
        let day = (mdy.len() == 6).then(|| date(&format!("{}{}{}", &mdy[2..4], &mdy[..2], &mdy[4..])))?;
        return Some(position(of_day(field(2)), day, lat, lon, None));
    }
    if head == "KSXT" {
        let stamp = field(1);
        let (lon, lat) = (number(field(2))?, number(field(3))?);
        let day = stamp.get(..8).and_then(|d| {
            let n = |r: std::ops::Range<usize>| d[r].parse::<u32>().ok();
            Some(unix(i64::from(n(0..4)?), n(4..6)?, n(6..8)?, 0.0))
        });
        let when = stamp.get(8..).map_or(When::Never, of_day);
        return (field(10) != "0").then(|| position(when, day, lat, lon, number(field(4))));
    }
    if head.starts_with('P') && head.len() != 5 {
        return None;
    }
    let kind = head.get(2..)?;
    match kind {
        "GGA" => {
            let (lat, lon) = (!matches!(field(6), "" | "0")).then(|| pair(f, 2))??;
            Some(position(of_day(field(1)), None, lat, lon, number(field(9))))
        }
        "RMC" => {
            let day = date(field(9));
            let valid = field(2) == "A" && field(12) != "N";
            match valid.then(|| pair(f, 3)).flatten() {
                Some((lat, lon)) => Some(position(of_day(field(1)), day, lat, lon, None)),
                None => day.map(Told::Date),
            }
        }
        "GLL" => {
            let (lat, lon) = (field(6) == "A" || (f.len() <= 6 && field(5).is_empty())).then(|| pair(f, 1))??;
            Some(position(of_day(field(5)), None, lat, lon, None))
        }
        "GNS" => {
            let fixed = field(6).bytes().any(|b| b != b'N');
            let (lat, lon) = fixed.then(|| pair(f, 2))??;
            Some(position(of_day(field(1)), None, lat, lon, number(field(9))))
        }
        "ZDA" => {
            let n = |i: usize| field(i).parse::<u32>().ok();
            Some(Told::Date(unix(i64::from(n(4)?), n(3)?, n(2)?, 0.0)))
        }
        // GPS week, seconds, attitude, then the position in degrees.
        "FPD" => {
            let (lat, lon) = (number(field(6))?, number(field(7))?);
            Some(position(gps(field(1), field(2)), None, lat, lon, number(field(8))))
        }
        "CHC" => {
            let (lat, lon) = (number(field(12))?, number(field(13))?);
            Some(position(gps(field(1), field(2)), None, lat, lon, number(field(14))))
        }
        "IMU" => Some(Told::Motion(gps(field(1), field(2)))),
        _ => None,
    }
}

fn position(when: When, day: Option<f64>, lat: f64, lon: f64, height: Option<f64>) -> Told {
    Told::Position { when, day, lat, lon, height }
}

/// Logs of NovAtel receivers in ASCII: `NAME,port,sequence,idle,status,week,seconds,…;body`, or `NAME,week,seconds;body`.
fn novatel(head: &str, body: &str) -> Option<Told> {
    let h: Vec<&str> = head.split(',').collect();
    let b: Vec<&str> = body.split(',').collect();
    let name = *h.first()?;
    let (week, seconds) = if h.len() >= 7 { (h.get(5)?, h.get(6)?) } else { (h.get(1)?, h.get(2)?) };
    let when = gps(week, seconds);
    let at = |n: usize| b.get(n).and_then(|v| number(v));
    match name {
        "BESTPOSA" | "BESTGNSSPOSA" | "PSRPOSA" | "RTKPOSA" | "BESTNAVA" => {
            (b.first() == Some(&"SOL_COMPUTED")).then(|| Some(position(when, None, at(2)?, at(3)?, at(4))))?
        }
        "INSPVAA" | "INSPVASA" => Some(position(when, None, at(2)?, at(3)?, at(4))),
        "INSPVAXA" => Some(position(when, None, at(2)?, at(3)?, at(4))),
        _ if name.contains("IMU") => Some(Told::Motion(when)),
        _ => None,
    }
}

fn gps(week: &str, seconds: &str) -> When {
    match (week.parse::<u32>(), number(seconds)) {
        (Ok(week), Some(seconds)) if week > 0 => When::Unix(of_gps(week, seconds)),
        _ => When::Never,
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|n| n.is_finite())
}

/// `hhmmss.ss` in seconds.
fn of_day(text: &str) -> When {
    let whole = text.split('.').next().unwrap_or("");
    if !(5..=6).contains(&whole.len()) || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return When::Never;
    }
    let Some(v) = number(text) else { return When::Never };
    let (h, m, s) = ((v / 10_000.0).trunc(), (v / 100.0).trunc() % 100.0, v % 100.0);
    if h < 24.0 && m < 60.0 && s < 61.0 { When::OfDay(h * 3600.0 + m * 60.0 + s) } else { When::Never }
}

/// Midnight of `ddmmyy`, in seconds since 1970.
fn date(text: &str) -> Option<f64> {
    if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n = |r: std::ops::Range<usize>| text[r].parse::<u32>().ok();
    let (day, month, year) = (n(0..2)?, n(2..4)?, i64::from(n(4..6)?));
    let year = if year >= 80 { 1900 + year } else { 2000 + year };
    ((1..=31).contains(&day) && (1..=12).contains(&month)).then(|| unix(year, month, day, 0.0))
}

/// Latitude and longitude in four fields from `n`: `ddmm.mmm,N,dddmm.mmm,E`.
fn pair(f: &[&str], n: usize) -> Option<(f64, f64)> {
    let angle = |value: &str, sign: &str, most: f64, plus: &str, minus: &str| {
        let v = number(value).filter(|v| *v >= 0.0)?;
        let degrees = (v / 100.0).trunc();
        let minutes = v - degrees * 100.0;
        let angle = degrees + minutes / 60.0;
        let sign = if sign.eq_ignore_ascii_case(plus) {
            1.0
        } else if sign.eq_ignore_ascii_case(minus) {
            -1.0
        } else {
            return None;
        };
        (minutes < 60.0 && angle <= most).then_some(sign * angle)
    };
    Some((angle(f.get(n)?, f.get(n + 1)?, 90.0, "N", "S")?, angle(f.get(n + 2)?, f.get(n + 3)?, 180.0, "E", "W")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> Told {
        let line = format!("${body}*{:02X}\r\n", body.bytes().fold(0u8, |x, b| x ^ b));
        let sentence = Sentence::at(line.as_bytes()).unwrap();
        assert_eq!(sentence.len, line.len() - 2);
        sentence.told()
    }

    fn place(told: Told) -> Option<(f64, f64, Option<f64>)> {
        let Told::Position { lat, lon, height, .. } = told else { return None };
        Some(((lat * 1e6).round() / 1e6, (lon * 1e6).round() / 1e6, height))
    }

    #[test]
    fn positions_of_every_kind_of_sentence_are_read() {
        let beijing = Some((39.9042, 116.4074, None));
        assert_eq!(
            place(told("GPGGA,010203.00,3954.25200,N,11624.44400,E,4,12,0.6,48.5,M,-8.0,M,,")),
            Some((39.9042, 116.4074, Some(48.5)))
        );
        assert_eq!(place(told("GNRMC,010203.00,A,3954.25200,N,11624.44400,E,10.0,90.0,250726,,,A,V")), beijing);
        assert_eq!(place(told("GPGLL,3954.25200,N,11624.44400,E,010203.00,A,A")), beijing);
        assert_eq!(
            place(told("GNGNS,010203.00,3954.25200,N,11624.44400,E,RR,12,0.6,48.5,-8.0,,,V")),
            Some((39.9042, 116.4074, Some(48.5)))
        );
        assert_eq!(
            place(told("PUBX,00,010203.00,3954.25200,N,11624.44400,E,48.5,G3,2.1,2.0,0.0,77.5,0.0,,0.9,1.1,0.8,9,0,0")),
            Some((39.9042, 116.4074, Some(48.5)))
        );
        assert_eq!(place(told("PTNL,GGK,010203.00,072526,3954.25200,N,11624.44400,E,3,12,1.2,EHT40.1,M")), beijing);
        assert_eq!(
            place(told("GPFPD,2376,521523.00,90.1,0.2,0.3,39.9042,116.4074,40.5,1.0,2.0,0.0,1.5,12,12,4B")),
            Some((39.9042, 116.4074, Some(40.5)))
        );
        assert_eq!(
            place(told(
                "GPCHC,2376,521523.00,90.1,0.2,0.3,0.1,0.2,0.3,0.01,0.02,1.0,39.9042,116.4074,40.5,1.0,2.0,0.0,2.2,12,12,42,1,0"
            )),
            Some((39.9042, 116.4074, Some(40.5)))
        );
        assert_eq!(
            place(told("KSXT,20260725010203.00,116.4074,39.9042,48.5,90.0,0.1,90.0,1.0,,3,3,20,20,,,,,,,,")),
            Some((39.9042, 116.4074, Some(48.5)))
        );
        assert_eq!(
            place(told("GPRMC,010203.00,A,3351.00000,S,15112.00000,W,0.0,0.0,250726,,,A")),
            Some((-33.85, -151.2, None))
        );
    }

    #[test]
    fn without_a_fix_there_is_no_position() {
        for body in [
            "GPGGA,010203.00,3954.252,N,11624.444,E,0,00,,,M,,M,,",
            "GPGGA,,,,,,0,,,,M,,M,,",
            "GPRMC,010203.00,V,3954.252,N,11624.444,E,,,250726,,,N",
            "GPGLL,3954.252,N,11624.444,E,010203.00,V,N",
            "GNGNS,010203.00,3954.252,N,11624.444,E,NN,00,,,,,,V",
            "PUBX,00,010203.00,3954.252,N,11624.444,E,0.0,NF,,,,,,,,,,0,0,0",
            "GPGGA,010203.00,3974.252,N,11624.444,E,1,12,0.6,48.5,M,-8.0,M,,",
            "GPGSV,1,1,00",
        ] {
            assert_eq!(place(told(body)), None, "{body}");
        }
    }

    #[test]
    fn times_and_dates_are_read() {
        let Told::Position { when, day, .. } = told("GNRMC,235959.50,A,3954.252,N,11624.444,E,1.0,9.0,311226,,,A")
        else {
            panic!()
        };
        assert_eq!((when, day), (When::OfDay(86_399.5), Some(1_798_675_200.0)));
        assert_eq!(told("GPZDA,010203.00,25,07,2026,00,00"), Told::Date(1_784_937_600.0));
    }

    #[test]
    fn a_wrong_checksum_is_no_sentence() {
        assert!(Sentence::at(b"$GPGLL,3954.252,N,11624.444,E,010203.00,A,A*00").is_none());
        assert!(Sentence::at(b"$PRICE,100*").is_none());
        assert!(Sentence::at(b"$").is_none());
    }

    #[test]
    fn novatel_s_logs_are_read() {
        let body = "BESTPOSA,COM1,0,83.5,FINESTEERING,2376,521523.000,02000040,cdba,32768;SOL_COMPUTED,NARROW_INT,39.90420000000,116.40740000000,48.5000,-8.0,WGS84,0.01,0.01,0.02,\"\",1.0,0.0,17,17,17,17,00,01,00,03";
        let line = format!("#{body}*{:08x}\r\n", crc32(body.as_bytes()));
        let sentence = Sentence::at(line.as_bytes()).unwrap();
        assert_eq!(sentence.name(), "BESTPOSA");
        assert_eq!(place(sentence.told()), Some((39.9042, 116.4074, Some(48.5))));
        // The example of NovAtel's manual on the 32-bit CRC.
        assert_eq!(crc32(b"BESTPOSA,COM1,0,78.0,FINESTEERING,1427,325298.000,00000000,6145,2748;SOL_COMPUTED,SINGLE,51.11678928753,-114.03886216575,1064.3470,-16.2708,WGS84,2.3434,1.3043,4.7300,\"\",0.000,0.000,7,7,0,0,0,06,0,03"), 0x9c9a_92bb);
    }
}
