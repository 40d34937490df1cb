//! Grid references in text: MGRS (`50TMK 12345 67890`) and UTM (`50N 448251 4418932`, `UTM zone 50N`). NGA.SIG.0012.

use crate::Crs;

/// A position read from a grid reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Latitude in degrees on WGS-84.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
    /// Side of the square that is meant, in metres.
    pub precision_m: f64,
}

const BANDS: &[u8] = b"CDEFGHJKLMNPQRSTUVWX";

/// Zone and band at the head of a text without blanks: the zone, the band's index, the length.
fn zone_band(text: &[u8]) -> Option<(u32, usize, usize)> {
    let digits = text.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
    let zone = text[..digits].iter().fold(0, |z, b| z * 10 + u32::from(b - b'0'));
    let band = BANDS.iter().position(|b| Some(b) == text.get(digits).map(u8::to_ascii_uppercase).as_ref())?;
    (digits > 0 && (1..=60).contains(&zone)).then_some((zone, band, digits + 1))
}

/// The square of 100 km whose letters are given: easting and northing of its corner, in a zone and band.
fn square(zone: u32, band: usize, column: u8, row: u8) -> Option<(f64, f64)> {
    const COLUMNS: [&[u8]; 3] = [b"STUVWXYZ", b"ABCDEFGH", b"JKLMNPQR"];
    const ROWS: &[u8] = b"ABCDEFGHJKLMNPQRSTUV";
    let east = COLUMNS[(zone % 3) as usize].iter().position(|c| *c == column)? + 1;
    let row = ROWS.iter().position(|c| *c == row)?;
    let row = (row + if zone.is_multiple_of(2) { 15 } else { 0 }) % 20;
    // The lowest northing of the band, in units of 100 km, from its southern parallel.
    let south = -80.0 + 8.0 * band as f64;
    let low = (south * 110_600.0 / 1e5 + if south < 0.0 { 100.0 } else { 0.0 }).floor() - 1.0;
    let mut north = row as f64;
    while north < low {
        north += 20.0;
    }
    Some((east as f64 * 1e5, north * 1e5))
}

/// The position of an MGRS reference that is the whole of `text`, blanks apart; at least one digit a side is needed (10 km).
#[must_use]
pub fn parse(text: &str) -> Option<Grid> {
    if text.len() > 40 {
        return None;
    }
    let text: Vec<u8> = text.bytes().filter(|b| *b != b' ').map(|b| b.to_ascii_uppercase()).collect();
    let (zone, band, len) = zone_band(&text)?;
    let (column, row) = (*text.get(len)?, *text.get(len + 1)?);
    let digits = text.get(len + 2..)?;
    if digits.is_empty() || digits.len() > 10 || digits.len() % 2 == 1 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let half = digits.len() / 2;
    let side = 10f64.powi(5 - i32::try_from(half).ok()?);
    let number = |d: &[u8]| d.iter().fold(0.0, |n, b| n * 10.0 + f64::from(b - b'0')) * side;
    let (e, n) = square(zone, band, column, row)?;
    let crs = Crs::utm(zone, band < 10);
    let (x, y) = (e + number(&digits[..half]) + side / 2.0, n + number(&digits[half..]) + side / 2.0);
    let (lat, lon) = crs.to_wgs84(x, y, 0.0)?;
    // The band says where it must lie.
    let south = -80.0 + 8.0 * band as f64;
    let north = if band == 19 { 84.0 } else { south + 8.0 };
    (lat > south - 1.0 && lat < north + 1.0).then_some(Grid { lat, lon, precision_m: side })
}

/// Zone and hemisphere of `50N`, `UTM 50 N`, `UTM zone 50S`, `utm50n`, `50T`; the flag means south. A letter is a hemisphere when it is N or S behind the
/// word UTM or zone, else a band, of which `S` lies north.
#[must_use]
pub fn utm_zone(text: &str) -> Option<(u32, bool)> {
    let lower = text.trim().to_ascii_lowercase();
    let at = lower.find("utm");
    let tail = at.map_or(lower.as_str(), |i| &lower[i + 3..]);
    let bare: String = tail.replace("zone", "").replace("wgs84", "").replace("north", "n").replace("south", "s");
    let bare: Vec<u8> = bare.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let digits = bare.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 || digits > 2 {
        return None;
    }
    let zone = bare[..digits].iter().fold(0, |z, b| z * 10 + u32::from(b - b'0'));
    let south = match &bare[digits..] {
        [] if at.is_some() => false,
        [b'n'] => false,
        [b's'] => at.is_some(),
        [letter] => BANDS.iter().position(|b| *b == letter.to_ascii_uppercase())? < 10,
        _ => return None,
    };
    (1..=60).contains(&zone).then_some((zone, south))
}

/// The position of `50N 448251 4418932`, `50 S 448251.5E 3418932.1N`, `UTM 50T E448251 N4418932`, as the whole of `text`.
#[must_use]
pub fn parse_utm(text: &str) -> Option<Grid> {
    if text.len() > 60 {
        return None;
    }
    let upper = text.trim().to_ascii_uppercase().replace("UTM", " ").replace("ZONE", " ");
    let upper = upper.trim();
    // `50 N` is `50N`.
    let apart = upper.bytes().position(|b| b == b' ').is_some_and(|i| i <= 2);
    let joined = upper.replacen(' ', "", usize::from(apart));
    let (zone, band, len) = zone_band(joined.as_bytes())?;
    let rest = joined.get(len..)?.trim();
    let mut numbers = Vec::new();
    for part in rest.split([' ', ',', ';']).filter(|p| !p.is_empty()) {
        let part = part.trim_matches(|c: char| matches!(c, 'E' | 'N' | 'M' | ':' | '='));
        if !part.is_empty() {
            numbers.push(part.parse::<f64>().ok()?);
        }
    }
    let [x, y] = numbers[..] else { return None };
    if !(100_000.0..=900_000.0).contains(&x) || !(0.0..=10_000_000.0).contains(&y) {
        return None;
    }
    // The letter N is both a band and a hemisphere, of one meaning; S is band S only where its northing is.
    let letter = BANDS[band];
    let south = match letter {
        b'S' => !(3_400_000.0..=4_500_000.0).contains(&y),
        b'N' => false,
        _ => band < 10,
    };
    let (lat, lon) = Crs::utm(zone, south).to_wgs84(x, y, 0.0)?;
    Some(Grid { lat, lon, precision_m: if rest.contains('.') { 0.1 } else { 1.0 } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_are_read() {
        // Truth of the Python package mgrs (GEOTRANS).
        for (text, lat, lon) in [
            ("50SMK4934517292", 39.9042, 116.4074),
            ("51R UQ 54633 56140", 31.2304, 121.4737),
            ("18SUJ2339407395", 38.8977, -77.0365),
            ("56HLH3490052288", -33.8568, 151.2153),
            ("31UDQ4825111932", 48.8582, 2.2945),
            ("50QJK9738995922", 22.5431, 114.0579),
            ("45TWJ4959652687", 43.8256, 87.6168),
            ("51UVU6897569266", 52.9721, 122.538),
        ] {
            let g = parse(text);
            assert!(g.is_some_and(|g| crate::distance_m((g.lat, g.lon), (lat, lon)) < 2.0), "{text} {g:?}");
        }
        assert!(parse("50TMK").is_none() && parse("50TMK123").is_none() && parse("61TMK1212").is_none());
        assert!(parse("hello world").is_none());
        let g = parse_utm("50N 448251 4418932").unwrap();
        assert!((g.lat - 39.92).abs() < 0.01 && (g.lon - 116.39).abs() < 0.02, "{g:?}");
        assert_eq!(parse_utm("50 S 448251.0 3418932.0").map(|g| g.lat > 0.0), Some(true));
        assert_eq!(parse_utm("56 S 334367 6250948").map(|g| g.lat < 0.0), Some(true));
        assert_eq!(parse_utm("UTM 50T E448251 N4418932").map(|g| g.lat > 39.0), Some(true));
        assert!(parse_utm("12 34 56").is_none());
        assert_eq!(utm_zone("UTM zone 50N"), Some((50, false)));
        assert_eq!(utm_zone("WGS84 / UTM zone 50S"), Some((50, true)));
        assert_eq!(utm_zone("50T"), Some((50, false)));
        assert_eq!(utm_zone("50"), None);
        assert_eq!(utm_zone("abc"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC{0,40}", grid in "[0-9]{0,2}[A-Z ]{0,4}[0-9 .EN]{0,24}") {
            for t in [text, grid] {
                let _ = (parse(&t), parse_utm(&t), utm_zone(&t), Crs::parse(&t));
            }
        }
    }
}
