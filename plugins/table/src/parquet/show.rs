//! Values as text, in the form that tables of text have them.

use super::meta::{Leaf, Logical};
use super::page::Datum;

/// Text of a value that has one; bytes that mean nothing told have none.
pub(super) fn text(datum: &Datum<'_>, leaf: &Leaf, out: &mut String) -> bool {
    use std::fmt::Write as _;
    out.clear();
    let done = match (datum, leaf.logical) {
        (Datum::Bool(b), _) => write!(out, "{b}"),
        (Datum::Int(n), Logical::Date) => date(*n, out),
        (Datum::Int(n), Logical::Time(unit)) => time(*n, unit, out),
        (Datum::Int(n), Logical::Timestamp(unit, utc)) => timestamp(*n, unit, utc, out),
        (Datum::Int(n), Logical::Decimal(scale)) => decimal(i128::from(*n), scale, out),
        (Datum::Int(n), Logical::Unsigned) => {
            let wide = n.cast_unsigned();
            let wide = if leaf.physical == super::meta::Physical::Int32 { wide & 0xFFFF_FFFF } else { wide };
            write!(out, "{wide}")
        }
        (Datum::Int(n), _) => write!(out, "{n}"),
        (Datum::Int96(b), _) => {
            let nanos = i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
            let days = i64::from(i32::from_le_bytes([b[8], b[9], b[10], b[11]])) - 2_440_588;
            let seconds = days.saturating_mul(86_400).saturating_add(nanos.div_euclid(1_000_000_000));
            stamp(seconds, nanos.rem_euclid(1_000_000_000), false, out)
        }
        (Datum::Float(f), _) => write!(out, "{f:?}"),
        (Datum::Double(f), _) => write!(out, "{f:?}"),
        (Datum::Bytes(b, _), Logical::Decimal(scale)) if b.len() <= 16 && !b.is_empty() => {
            let sign = if b[0] & 0x80 != 0 { -1i128 } else { 0 };
            decimal(b.iter().fold(sign, |v, &b| v << 8 | i128::from(b)), scale, out)
        }
        (Datum::Bytes(b, _), Logical::Uuid) if b.len() == 16 => {
            for (i, byte) in b.iter().enumerate() {
                let dash = if matches!(i, 4 | 6 | 8 | 10) { "-" } else { "" };
                let _ = write!(out, "{dash}{byte:02x}");
            }
            Ok(())
        }
        (Datum::Bytes(b, _), Logical::Float16) if b.len() == 2 => {
            write!(out, "{:?}", half(u16::from_le_bytes([b[0], b[1]])))
        }
        (Datum::Bytes(b, _), Logical::Text) => {
            out.push_str(&String::from_utf8_lossy(b));
            Ok(())
        }
        (Datum::Bytes(b, _), _) => match std::str::from_utf8(b) {
            Ok(text) if !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) => {
                out.push_str(text);
                Ok(())
            }
            _ => return false,
        },
    };
    done.is_ok()
}

fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 != 0 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

fn decimal(value: i128, scale: u32, out: &mut String) -> std::fmt::Result {
    use std::fmt::Write as _;
    let Some(unit) = (scale <= 38).then(|| 10u128.pow(scale)).filter(|&u| u > 1) else { return write!(out, "{value}") };
    let sign = if value < 0 { "-" } else { "" };
    let size = value.unsigned_abs();
    write!(out, "{sign}{}.{:0width$}", size / unit, size % unit, width = scale as usize)
}

/// Year, month, day of a day since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days.clamp(-100_000_000, 100_000_000) + 719_468;
    let era = z.div_euclid(146_097);
    let day = z.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let m = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(m <= 2), m, of_year - (153 * month + 2) / 5 + 1)
}

fn date(days: i64, out: &mut String) -> std::fmt::Result {
    use std::fmt::Write as _;
    let (y, m, d) = civil(days);
    write!(out, "{y:04}-{m:02}-{d:02}")
}

fn time(value: i64, unit: u64, out: &mut String) -> std::fmt::Result {
    let unit = unit.cast_signed();
    clock(value.div_euclid(unit).rem_euclid(86_400), value.rem_euclid(unit) * (1_000_000_000 / unit), out)
}

fn clock(seconds: i64, nanos: i64, out: &mut String) -> std::fmt::Result {
    use std::fmt::Write as _;
    write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
    if nanos % 1_000_000 == 0 {
        if nanos > 0 { write!(out, ".{:03}", nanos / 1_000_000) } else { Ok(()) }
    } else if nanos % 1000 == 0 {
        write!(out, ".{:06}", nanos / 1000)
    } else {
        write!(out, ".{nanos:09}")
    }
}

fn timestamp(value: i64, unit: u64, utc: bool, out: &mut String) -> std::fmt::Result {
    let unit = unit.cast_signed();
    stamp(value.div_euclid(unit), value.rem_euclid(unit) * (1_000_000_000 / unit), utc, out)
}

fn stamp(seconds: i64, nanos: i64, utc: bool, out: &mut String) -> std::fmt::Result {
    date(seconds.div_euclid(86_400), out)?;
    out.push('T');
    clock(seconds.rem_euclid(86_400), nanos, out)?;
    if utc {
        out.push('Z');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_numbers_and_halves() {
        let shown = |f: &dyn Fn(&mut String) -> std::fmt::Result| {
            let mut out = String::new();
            f(&mut out).unwrap();
            out
        };
        assert_eq!(shown(&|o| timestamp(1_714_550_400_123, 1000, true, o)), "2024-05-01T08:00:00.123Z");
        assert_eq!(shown(&|o| timestamp(-1, 1_000_000_000, false, o)), "1969-12-31T23:59:59.999999999");
        assert_eq!(shown(&|o| date(-719_468, o)), "0000-03-01");
        assert_eq!(shown(&|o| date(19_782, o)), "2024-02-29");
        assert_eq!(shown(&|o| decimal(-12_345, 2, o)), "-123.45");
        assert_eq!(shown(&|o| decimal(5, 3, o)), "0.005");
        assert!(shown(&|o| timestamp(i64::MIN, 1000, false, o)).starts_with('-'));
        assert!(shown(&|o| date(i64::MAX, o)).len() < 20);
        assert_eq!((half(0x3C00), half(0xC000), half(1)), (1.0, -2.0, 2f32.powi(-24)));
    }
}
