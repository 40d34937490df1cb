//! Times as geographic files write them: ISO 8601 and its looser cousins, seconds and milliseconds since 1970.

/// Seconds since 1970 of a date and time with or without zone (UTC is taken), or of a number of seconds, milli-, micro- or nanoseconds.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    if !text.is_ascii() || text.len() > 40 || text.len() < 8 {
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'e' | b'E')) && !looks_like_date(text) {
        return text.parse().ok().and_then(epoch);
    }
    let b = text.as_bytes();
    let mut at = 0;
    let mut number = |most: usize| -> Option<i64> {
        while at < b.len() && !b[at].is_ascii_digit() && matches!(b[at], b'-' | b'/' | b':' | b'T' | b't' | b' ' | b'.')
        {
            at += 1;
        }
        let from = at;
        while at < b.len() && at - from < most && b[at].is_ascii_digit() {
            at += 1;
        }
        text.get(from..at).filter(|d| !d.is_empty())?.parse().ok()
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    if !(1970..=2200).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days(year, month, day);
    let mut seconds = days as f64 * 86_400.0;
    let Some(hour) = number(2) else { return Some(seconds) };
    let minute = number(2).unwrap_or(0);
    let second = number(2).unwrap_or(0);
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    seconds += (hour * 3600 + minute * 60 + second) as f64;
    let mut rest = text.get(at..)?;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let n = fraction.bytes().take_while(u8::is_ascii_digit).count();
        seconds += fraction[..n].parse::<f64>().unwrap_or(0.0) / 10f64.powi(i32::try_from(n).unwrap_or(0));
        rest = &fraction[n..];
    }
    let rest = rest.trim_start();
    let sign = match rest.as_bytes().first() {
        Some(b'+') => 1.0,
        Some(b'-') => -1.0,
        _ => return Some(seconds),
    };
    let zone: String = rest[1..].chars().filter(char::is_ascii_digit).take(4).collect();
    let value: i64 = zone.parse().ok()?;
    let minutes = if zone.len() > 2 { value / 100 * 60 + value % 100 } else { value * 60 };
    Some(seconds - sign * minutes as f64 * 60.0)
}

/// `20240102` and `20240102030405` are dates, though numbers.
fn looks_like_date(text: &str) -> bool {
    matches!(text.len(), 8 | 14)
        && text.bytes().all(|b| b.is_ascii_digit())
        && matches!(text.get(..2), Some("19" | "20"))
}

/// Seconds since 1970 of a number that counts from then in seconds, milli-, micro- or nanoseconds; 1980 to 2100.
pub(crate) fn epoch(value: f64) -> Option<f64> {
    [1.0, 1e3, 1e6, 1e9].into_iter().map(|d| value / d).find(|s| (3.15e8..4.1e9).contains(s))
}

/// Days since 1970-01-01.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_tools_write() {
        let want = 1_704_164_645.0;
        for text in [
            "2024-01-02T03:04:05Z",
            "2024-01-02 03:04:05",
            "2024/01/02 03:04:05+00",
            "2024-01-02T11:04:05+08:00",
            "2024-01-02T11:04:05+0800",
            "20240102030405",
            "1704164645",
            "1704164645000",
            "1704164645.0",
        ] {
            assert_eq!(parse(text), Some(want), "{text}");
        }
        assert_eq!(parse("2024-01-02T03:04:05.250Z"), Some(want + 0.25));
        assert_eq!(parse("20240102"), Some(want - 11_045.0));
        for no in ["", "abc", "2024-13-02T03:04:05Z", "12:34:56", "99999999999999999999", "路口 2024-01-02"] {
            assert_eq!(parse(no), None, "{no}");
        }
    }
}
