//! Provinces: the first two digits of region codes (GB/T 2260).

/// Whether two digits name a province, a municipality, an autonomous or special region.
pub(crate) fn province(code: &[u8]) -> bool {
    matches!(
        code,
        [b'1', b'1'..=b'5', ..]
            | [b'2', b'1'..=b'3', ..]
            | [b'3', b'1'..=b'7', ..]
            | [b'4', b'1'..=b'6', ..]
            | [b'5', b'0'..=b'4', ..]
            | [b'6', b'1'..=b'5', ..]
            | [b'7', b'1', ..]
            | [b'8', b'1'..=b'3', ..]
    )
}

/// Whether a year, month and day exist.
pub(crate) fn date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provinces_and_dates() {
        assert!(province(b"110105") && province(b"650000") && province(b"830000"));
        assert!(!province(b"160000") && !province(b"990000"));
        assert!(date(2000, 2, 29) && !date(1900, 2, 29) && !date(2001, 4, 31) && !date(2001, 13, 1));
    }
}
