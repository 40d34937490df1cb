//! Positions in NMEA 0183 sentences that messages carry as text (nmea_msgs/Sentence and the like).

/// A position out of a sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NmeaFix {
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    pub(crate) alt: Option<f64>,
    /// Which sentence: where a talker sends several, one kind is taken.
    pub(crate) kind: u8,
}

/// Reads a GGA, RMC or GLL sentence; none without a position, or where the checksum is wrong.
pub(crate) fn parse(line: &str) -> Option<NmeaFix> {
    let line = line.trim();
    let body = line.strip_prefix('$')?;
    let (body, sum) = match body.rsplit_once('*') {
        Some((body, sum)) => (body, Some(sum)),
        None => (body, None),
    };
    if let Some(sum) = sum {
        let want = u8::from_str_radix(sum.get(..2)?, 16).ok()?;
        if body.bytes().fold(0, |a, b| a ^ b) != want {
            return None;
        }
    }
    let mut parts = body.split(',');
    let head = parts.next()?;
    let kind = head.get(head.len().checked_sub(3)?..)?;
    let fields: Vec<&str> = parts.take(16).collect();
    let at = |i: usize| fields.get(i).copied().unwrap_or("");
    let (first, kind) = match kind {
        "GGA" if !matches!(at(5), "" | "0") => (1, 0),
        "RMC" if at(1) == "A" => (2, 1),
        "GLL" if matches!(at(5), "A" | "") => (0, 2),
        _ => return None,
    };
    let lat = degrees(at(first), at(first + 1), 90.0)?;
    let lon = degrees(at(first + 2), at(first + 3), 180.0)?;
    let alt = if kind == 0 { at(8).parse().ok() } else { None };
    crate::groups::plausible(lat, lon).then_some(NmeaFix { lat, lon, alt, kind })
}

fn degrees(text: &str, side: &str, most: f64) -> Option<f64> {
    let n: f64 = text.parse().ok()?;
    let d = (n / 100.0).trunc() + (n % 100.0) / 60.0;
    let d = match side {
        "N" | "E" => d,
        "S" | "W" => -d,
        _ => return None,
    };
    (d.abs() <= most).then_some(d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_and_missing_fixes_are_not() {
        let f = parse("$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76\r\n").unwrap();
        assert!((f.lat - 53.361_336_7).abs() < 1e-6 && (f.lon + 6.505_62).abs() < 1e-6 && f.alt == Some(61.7));
        assert!(parse("$GNRMC,001031.00,A,4404.13993,N,12118.86023,W,0.146,,100117,,,A").is_some());
        for none in [
            "$GPGGA,092750.000,5321.6802,N,00630.3372,W,0,8,1.03,61.7,M,55.2,M,,",
            "$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*00",
            "$GPRMC,,V,,,,,,,,,,N*53",
            "$",
            "$GP",
            "$é",
            "hello",
        ] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
