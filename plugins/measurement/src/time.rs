//! Dates as recorders write them, to seconds since 1970.

/// Seconds since 1970 of a date and time of day, without a zone.
pub(crate) fn unix(year: i64, month: u32, day: u32, seconds: f64) -> f64 {
    // Days since 1970-01-01 in the proleptic Gregorian calendar, with the year beginning in March.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let month = i64::from(month);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    days as f64 * 86400.0 + seconds
}

/// Seconds since 1970 of a number of days since 30 December 1899, as spreadsheets and PEAK's tools count.
pub(crate) fn of_ole(days: f64) -> f64 {
    (days - 25569.0) * 86400.0
}

/// Seconds of a time of day: `15:06:13.191`, `15:06`.
pub(crate) fn of_day(text: &str) -> Option<f64> {
    let mut parts = text.split(':');
    let hours: f64 = parts.next()?.parse().ok()?;
    let minutes: f64 = parts.next()?.parse().ok()?;
    // Milliseconds may stand behind a third colon.
    let seconds: f64 = parts.next().map_or(Ok(0.0), str::parse).ok()?;
    ((0.0..24.0).contains(&hours) && (0.0..60.0).contains(&minutes) && (0.0..61.0).contains(&seconds))
        .then_some(hours * 3600.0 + minutes * 60.0 + seconds)
}

fn month(word: &str) -> Option<u32> {
    let word = word.to_lowercase();
    if let Some(number) = word.strip_suffix('月') {
        return match number {
            "一" => Some(1),
            "二" => Some(2),
            "三" => Some(3),
            "四" => Some(4),
            "五" => Some(5),
            "六" => Some(6),
            "七" => Some(7),
            "八" => Some(8),
            "九" => Some(9),
            "十" => Some(10),
            "十一" => Some(11),
            "十二" => Some(12),
            digits => digits.parse().ok().filter(|m| (1..=12).contains(m)),
        };
    }
    let known = [
        ("jan", 1),
        ("feb", 2),
        ("mar", 3),
        ("mär", 3),
        ("mrz", 3),
        ("apr", 4),
        ("avr", 4),
        ("mai", 5),
        ("may", 5),
        ("jun", 6),
        ("juin", 6),
        ("jul", 7),
        ("juil", 7),
        ("aug", 8),
        ("aou", 8),
        ("aoû", 8),
        ("sep", 9),
        ("okt", 10),
        ("oct", 10),
        ("nov", 11),
        ("dez", 12),
        ("dec", 12),
        ("déc", 12),
    ];
    known.iter().find(|(name, _)| word.starts_with(name)).map(|&(_, n)| n)
}

/// A date in words or numbers with a time of day, in any of the orders that recorders use: `Sam Sep 30 15:06:13.191 2017`, `Sat Sep 30 10:06:13.191 PM 2017`,
/// `30.09.2017 22:06:13`, `2017-09-30 22:06:13`.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let (mut year, mut m, mut day, mut time) = (None, None, None, None);
    let mut half = None;
    let mut numbers = Vec::new();
    for word in text.split([' ', '\t', 'T', ',']).filter(|w| !w.is_empty()) {
        let lower = word.to_lowercase();
        if word.contains(':') {
            time = time.or(of_day(word.trim_end_matches(['Z', '+'])));
        } else if matches!(lower.as_str(), "am" | "a.m." | "上午") {
            half = Some(false);
        } else if matches!(lower.as_str(), "pm" | "p.m." | "下午") {
            half = Some(true);
        } else if word.bytes().next().is_some_and(|b| b.is_ascii_digit())
            && word.contains(['.', '-', '/'])
            && word.len() <= 12
        {
            let parts: Vec<u32> = word.split(['.', '-', '/']).filter_map(|p| p.parse().ok()).collect();
            match *parts.as_slice() {
                [y @ 1900..=2200, mo, d] => (year, m, day) = (Some(y), Some(mo), Some(d)),
                [d, mo, y @ 1900..=2200] => (year, m, day) = (Some(y), Some(mo), Some(d)),
                _ => {}
            }
        } else if let Ok(n) = word.parse::<u32>() {
            numbers.push(n);
        } else if m.is_none() {
            m = month(word);
        }
    }
    for n in numbers {
        match n {
            1900..=2200 => year = year.or(Some(n)),
            1..=31 => day = day.or(Some(n)),
            _ => {}
        }
    }
    let mut seconds = time.unwrap_or(0.0);
    match half {
        Some(true) if seconds < 43200.0 => seconds += 43200.0,
        Some(false) if seconds >= 43200.0 => seconds -= 43200.0,
        _ => {}
    }
    let (m, day) = (m.filter(|m| (1..=12).contains(m))?, day.filter(|d| (1..=31).contains(d))?);
    Some(unix(i64::from(year?), m, day, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_any_order() {
        let want = 1_506_783_973.0 + 25200.0 + 0.191;
        for text in [
            "Sat Sep 30 10:06:13.191 PM 2017",
            "Sam Sep 30 22:06:13.191 2017",
            "30.09.2017 22:06:13.191",
            "2017-09-30 22:06:13.191",
            "周六 9月 30 22:06:13.191 2017",
        ] {
            assert!((parse(text).unwrap() - want).abs() < 1e-3, "{text} {:?}", parse(text));
        }
        assert_eq!(parse("Mit Mär 1 00:00:00 2000"), Some(951_868_800.0));
        assert_eq!(parse("nothing here"), None);
        assert_eq!(parse("Sep 30 10:00"), None);
        assert!((of_ole(43008.920986006946) - want).abs() < 0.01);
    }
}
