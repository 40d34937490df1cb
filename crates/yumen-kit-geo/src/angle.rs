//! Angles as people and programs write them: `31.230416`, `-33.9`, `N31.23`, `北纬31°14′02″`, `121°28.416'E`, `121度28分25秒`.

/// Which coordinate an angle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// North or south.
    Lat,
    /// East or west.
    Lon,
}

/// An angle read from text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Angle {
    /// Signed degrees.
    pub degrees: f64,
    /// The coordinate, where a hemisphere tells.
    pub axis: Option<Axis>,
    /// The last digit's weight on the ground, in metres.
    pub precision_m: f64,
    /// Decimals of the last part.
    pub decimals: u8,
    /// Written with a degree mark.
    pub marked: bool,
    /// Written with minutes.
    pub minutes: bool,
    /// Length in bytes of what was read.
    pub len: usize,
}

/// One degree of latitude, in metres.
const DEGREE_M: f64 = 111_195.0;

/// A hemisphere at the head of `text`: the axis, the sign and the length.
fn hemisphere(text: &str) -> Option<(Axis, f64, usize)> {
    for (word, axis, sign) in [
        ("北纬", Axis::Lat, 1.0),
        ("南纬", Axis::Lat, -1.0),
        ("东经", Axis::Lon, 1.0),
        ("西经", Axis::Lon, -1.0),
        ("N", Axis::Lat, 1.0),
        ("S", Axis::Lat, -1.0),
        ("E", Axis::Lon, 1.0),
        ("W", Axis::Lon, -1.0),
    ] {
        if text.starts_with(word) {
            return Some((axis, sign, word.len()));
        }
    }
    None
}

/// A plain decimal number at the head of `text`: value, decimals, whole digits, length. No exponent, no sign.
fn decimal(text: &str) -> Option<(f64, u8, usize, usize)> {
    let bytes = text.as_bytes();
    let whole = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    if whole == 0 || whole > 12 {
        return None;
    }
    let mut len = whole;
    let mut decimals = 0;
    if bytes.get(whole) == Some(&b'.') {
        decimals = bytes[whole + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if decimals > 0 {
            len += 1 + decimals;
        }
        if decimals > 20 {
            return None;
        }
    }
    let value = text[..len].parse().ok()?;
    Some((value, u8::try_from(decimals).unwrap_or(u8::MAX), whole, len))
}

fn mark(text: &str, marks: &[&str]) -> usize {
    let spaces = text.len() - text.trim_start_matches(' ').len();
    if spaces > 1 {
        return 0;
    }
    marks.iter().find(|m| text[spaces..].starts_with(**m)).map_or(0, |m| spaces + m.len())
}

const DEGREE: &[&str] = &["°", "º", "˚", "度"];
const MINUTE: &[&str] = &["′", "’", "'", "分"];
const SECOND: &[&str] = &["″", "”", "\"", "''", "秒"];

impl Angle {
    /// The angle at the head of `text`, if one stands there. The caller checks what stands around it.
    #[must_use]
    pub fn read(text: &str) -> Option<Angle> {
        let mut at = 0;
        let mut axis = None;
        let mut sign = 1.0;
        if let Some((a, s, n)) = hemisphere(text) {
            let rest = &text[n..];
            let gap = rest.len() - rest.trim_start_matches([' ', ':', '：']).len();
            if gap <= 4 {
                (axis, sign, at) = (Some(a), s, n + gap);
            }
        } else if let Some(b'-' | b'+') = text.as_bytes().first() {
            sign = if text.starts_with('-') { -1.0 } else { 1.0 };
            at = 1;
        }
        let (whole, decimals, _, n) = decimal(&text[at..])?;
        at += n;
        let mut angle = Angle {
            degrees: whole,
            axis,
            precision_m: DEGREE_M * 0.1f64.powi(i32::from(decimals)),
            decimals,
            marked: false,
            minutes: false,
            len: at,
        };
        let m = mark(&text[at..], DEGREE);
        if m > 0 {
            angle.marked = true;
            at += m;
            if decimals == 0 {
                at += angle.read_minutes(&text[at..]);
            }
        }
        angle.len = at;
        angle.degrees *= sign;
        // A hemisphere behind the number, not the head of a word.
        if angle.axis.is_none() {
            let rest = &text[at..];
            let spaces = rest.len() - rest.trim_start_matches(' ').len();
            if spaces <= 1
                && let Some((a, s, n)) = hemisphere(&rest[spaces..])
                && n == 1
                && !rest[spaces + 1..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
            {
                angle.axis = Some(a);
                angle.degrees *= s;
                angle.len = at + spaces + n;
            }
        }
        let most = if angle.axis == Some(Axis::Lat) { 90.0 } else { 180.0 };
        (angle.degrees.abs() <= most).then_some(angle)
    }

    /// Reads minutes and seconds behind the degree mark; the bytes taken.
    fn read_minutes(&mut self, text: &str) -> usize {
        let spaces = usize::from(text.starts_with(' '));
        let Some((minutes, decimals, _, n)) = decimal(&text[spaces..]) else { return 0 };
        if minutes >= 60.0 {
            return 0;
        }
        let mut at = spaces + n;
        let m = mark(&text[at..], MINUTE);
        if m == 0 {
            return 0;
        }
        at += m;
        self.minutes = true;
        self.degrees += minutes / 60.0;
        self.decimals = decimals;
        self.precision_m = DEGREE_M / 60.0 * 0.1f64.powi(i32::from(decimals));
        if decimals > 0 {
            return at;
        }
        let spaces = usize::from(text[at..].starts_with(' '));
        let Some((seconds, decimals, _, n)) = decimal(&text[at + spaces..]) else { return at };
        let m = mark(&text[at + spaces + n..], SECOND);
        if seconds >= 60.0 || m == 0 {
            return at;
        }
        self.degrees += seconds / 3600.0;
        self.decimals = decimals;
        self.precision_m = DEGREE_M / 3600.0 * 0.1f64.powi(i32::from(decimals));
        at + spaces + n + m
    }

    /// The angle that `text` is as a whole, spaces apart.
    #[must_use]
    pub fn parse(text: &str) -> Option<Angle> {
        let text = text.trim();
        Angle::read(text).filter(|a| a.len == text.len())
    }
}

/// Degrees from `ddmm.mmmm` or `dddmm.mmmm`, as NMEA 0183 writes them; none when the minutes are 60 or more or the degrees out of range.
#[must_use]
pub fn from_nmea(value: f64) -> Option<f64> {
    let degrees = (value.abs() / 100.0).trunc();
    let minutes = value.abs() - degrees * 100.0;
    (value.is_finite() && minutes < 60.0 && degrees <= 180.0).then(|| (degrees + minutes / 60.0) * value.signum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (f64, Option<Axis>, &str) {
        let a = Angle::read(text).unwrap_or_else(|| panic!("{text}"));
        ((a.degrees * 1e6).round() / 1e6, a.axis, &text[a.len..])
    }

    #[test]
    fn the_usual_ways_of_writing_are_read() {
        assert_eq!(read("31.230416,121"), (31.230416, None, ",121"));
        assert_eq!(read("-33.8688 "), (-33.8688, None, " "));
        assert_eq!(read("N31.23 E121.47"), (31.23, Some(Axis::Lat), " E121.47"));
        assert_eq!(read("121.4737°E;"), (121.4737, Some(Axis::Lon), ";"));
        assert_eq!(read("31°14'02\"N 1"), (31.233889, Some(Axis::Lat), " 1"));
        assert_eq!(read("北纬31°14′02.5″，"), (31.234028, Some(Axis::Lat), "，"));
        assert_eq!(read("东经121度28分25秒"), (121.473611, Some(Axis::Lon), ""));
        assert_eq!(read("73° 56' 9.6\" W"), (-73.936, Some(Axis::Lon), ""));
        assert_eq!(read("西经 73.936度"), (-73.936, Some(Axis::Lon), ""));
        assert_eq!(read("31°14.0400'N"), (31.234, Some(Axis::Lat), ""));
        assert_eq!(read("31.2304 North"), (31.2304, None, " North"));
        for bad in ["", "x", ".5", "-", "N", "N91.0", "181.0", "北纬", "9999999999999.1"] {
            assert!(Angle::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn precision_is_of_the_last_digit() {
        assert!(Angle::read("31.2304").unwrap().precision_m < 12.0);
        assert!(Angle::read("31.23").unwrap().precision_m > 1000.0);
        assert!(Angle::read("31°14'02\"N").unwrap().precision_m < 31.0);
        assert!(Angle::read("31°14'N").unwrap().precision_m > 1800.0);
    }

    #[test]
    fn nmea_is_converted() {
        assert!((from_nmea(2232.4999).unwrap() - 22.541_665).abs() < 1e-6);
        assert!((from_nmea(-11400.7379).unwrap() + 114.012_298).abs() < 1e-6);
        assert_eq!(from_nmea(2275.0), None);
        assert_eq!(from_nmea(f64::NAN), None);
    }

    proptest! {
        #[test]
        fn whatever_is_read_stays_in_range(text in "[NSEW北纬东经0-9.°'\"′″度分秒 :+-]{0,24}") {
            if let Some(a) = Angle::read(&text) {
                prop_assert!(text.is_char_boundary(a.len));
                prop_assert!(a.degrees.abs() <= 180.0);
            }
        }

        #[test]
        fn any_text_is_survived(text in "\\PC{0,40}") {
            let _ = Angle::parse(&text);
        }
    }
}
