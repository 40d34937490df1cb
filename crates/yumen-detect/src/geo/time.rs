//! Times as tables write them, as seconds; only differences between them matter.

/// Seconds of a time cell: ISO 8601 and its relatives, `20141022233917`, `23:39:17`, epochs in any unit, or seconds counted from anything.
/// `unit` is the length in seconds of one unit of a bare number, where the column's name tells it.
pub(super) fn seconds(text: &str, unit: Option<f64>) -> Option<f64> {
    let text = text.trim();
    if text.is_empty() || text.len() > 48 {
        return None;
    }
    if let Some(number) = super::values::number(text) {
        return bare(text, number.value, unit);
    }
    let mut fields = [0f64; 7];
    let mut n = 0;
    let mut chars = text.bytes().peekable();
    let mut clock_first = false;
    while let Some(b) = chars.next() {
        if b.is_ascii_digit() {
            let mut v = f64::from(b - b'0');
            let mut digits = 1;
            while let Some(d) = chars.next_if(u8::is_ascii_digit) {
                v = v * 10.0 + f64::from(d - b'0');
                digits += 1;
            }
            if n == 0 {
                clock_first = chars.peek() == Some(&b':');
                if digits == 8 {
                    // 20141022 23:39:17
                    fields[0] = (v / 1e4).trunc();
                    fields[1] = (v / 100.0).trunc() % 100.0;
                    fields[2] = v % 100.0;
                    n = 3;
                    continue;
                }
            }
            if n == 6 || (clock_first && n == 3) {
                // The fraction of a second; whatever follows (a zone) does not change differences.
                fields[6] = v / 10f64.powi(digits);
                break;
            }
            fields[n] = v;
            n += 1;
        } else if n >= 5 && matches!(b, b'+' | b'Z') || (n >= 6 && b == b'-') {
            break;
        }
    }
    if clock_first && (2..=3).contains(&n) {
        let [h, m, s, ..] = fields;
        return (h < 25.0 && m < 60.0 && s < 61.0).then_some(h * 3600.0 + m * 60.0 + s + fields[6]);
    }
    if n < 3 {
        return None;
    }
    let [a, b, c, h, m, s, fraction] = fields;
    // Year first, or day and month before a year at the end.
    let (year, month, day) = if a >= 1900.0 {
        (a, b, c)
    } else if c >= 1900.0 {
        (c, if a > 12.0 { b } else { a }, if a > 12.0 { a } else { b })
    } else {
        (2000.0 + a, b, c)
    };
    if !(1900.0..2200.0).contains(&year)
        || !(1.0..=12.0).contains(&month)
        || !(1.0..=31.0).contains(&day)
        || h > 24.0
        || m > 59.0
        || s > 60.0
    {
        return None;
    }
    let clock = if n > 3 { h * 3600.0 + m * 60.0 + s + fraction } else { 0.0 };
    Some(days(year, month, day) * 86_400.0 + clock)
}

fn bare(text: &str, value: f64, unit: Option<f64>) -> Option<f64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if let Some(unit) = unit {
        return Some(value * unit);
    }
    if text.len() == 14 && digits == 14 && (19e12..22e12).contains(&value) {
        let part = |from: usize, to: usize| text.get(from..to).and_then(|s| s.parse::<f64>().ok());
        let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
        let (h, m, s) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
        if (1.0..=12.0).contains(&month) && (1.0..=31.0).contains(&day) && h < 24.0 && m < 60.0 && s < 61.0 {
            return Some(days(year, month, day) * 86_400.0 + h * 3600.0 + m * 60.0 + s);
        }
    }
    Some(match value.abs() {
        v if v >= 1e17 => value * 1e-9,
        v if v >= 1e14 => value * 1e-6,
        v if v >= 1e11 => value * 1e-3,
        _ => value,
    })
}

/// Days since 1970-01-01 in the Gregorian calendar (Howard Hinnant's algorithm).
fn days(year: f64, month: f64, day: f64) -> f64 {
    let y = if month <= 2.0 { year - 1.0 } else { year };
    let era = (y / 400.0).floor();
    let yoe = y - era * 400.0;
    let shifted = if month > 2.0 { month - 3.0 } else { month + 9.0 };
    let doy = ((153.0 * shifted + 2.0) / 5.0).floor() + day - 1.0;
    let doe = yoe * 365.0 + (yoe / 4.0).floor() - (yoe / 100.0).floor() + doy;
    era * 146_097.0 + doe - 719_468.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_forms_differ_as_they_should() {
        let base = seconds("2014-10-22 23:39:17", None).unwrap();
        assert_eq!(base, 1_414_021_157.0);
        for same in [
            "2014/10/22 23:39:17",
            "2014-10-22T23:39:17Z",
            "20141022233917",
            "20141022 23:39:17",
            "2014年10月22日23时39分17秒",
            "1414021157",
            "1414021157000",
            "1414021157000000000",
            "10/22/2014 23:39:17",
            "22.10.2014 23:39:17",
            "2014-10-22T23:39:17+08:00",
        ] {
            assert_eq!(seconds(same, None), Some(base), "{same}");
        }
        assert_eq!(seconds("2014-10-22 23:39:17.250", None), Some(base + 0.25));
        assert_eq!(seconds("23:39:17", None), Some(85_157.0));
        assert_eq!(seconds("100", Some(1e-3)), Some(0.1));
        assert_eq!(seconds("12.5", None), Some(12.5));
        for bad in ["", "abc", "31.2304,121.4737", "2014-13-22", "-", "25:61:00"] {
            assert_eq!(seconds(bad, None), None, "{bad}");
        }
    }
}
