//! What other detectors of tables use of this family: columns by name, numbers, times, places.

use yumen_kit_geo::{Placement, place};

use super::columns::{Field, Role};

/// A column by its name.
pub(crate) struct Column<'a> {
    last: &'a str,
    words: Vec<String>,
    role: Role,
}

impl<'a> Column<'a> {
    pub(crate) fn of(name: &'a str) -> Self {
        let short = &name[name.ceil_char_boundary(name.len().saturating_sub(256))..];
        let (last, parent) = super::columns::segments(short);
        let mut words = super::columns::words(last);
        let mut role = Field::of(name).role;
        // `intersection.id` is of an intersection.
        if !parent.is_empty() && matches!(words.concat().as_str(), "id" | "name" | "code" | "no") {
            role = Field::of(parent).role;
            words = super::columns::words(parent);
        }
        Column { last, words, role }
    }

    pub(crate) fn last(&self) -> &'a str {
        self.last
    }

    /// Lower-case words of its name.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    pub(crate) fn is_lat(&self) -> bool {
        self.role == Role::Lat
    }

    pub(crate) fn is_lon(&self) -> bool {
        self.role == Role::Lon
    }

    pub(crate) fn is_pair(&self) -> bool {
        matches!(self.role, Role::Pair(_)) && !self.last.is_empty()
    }

    pub(crate) fn is_time(&self) -> bool {
        matches!(self.role, Role::Time(_) | Role::Date)
    }

    /// Whether it tells vehicles, orders, drivers or users apart.
    pub(crate) fn is_individual(&self) -> bool {
        matches!(self.role, Role::Entity(0 | 1 | 4 | 5))
    }
}

/// The finite number that a cell is, thousands' commas apart.
pub(crate) fn number(text: &str) -> Option<f64> {
    super::values::number(text).map(|n| n.value).or_else(|| {
        let plain = text.trim().replace(',', "");
        (plain.len() < text.trim().len()).then(|| super::values::number(&plain)).flatten().map(|n| n.value)
    })
}

/// Seconds of a time cell.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    super::time::seconds(text, None)
}

/// The place of a latitude and a longitude cell.
pub(crate) fn located(lat: &str, lon: &str) -> Option<Placement> {
    super::values::position(lat, lon, "", "").map(|p| place(p.lat, p.lon))
}

/// The calendar day of seconds since 1970: `2026-07-04`.
pub(crate) fn day(seconds: f64) -> String {
    // Callers give seconds of this age; the conversion saturates.
    #[allow(clippy::cast_possible_truncation)]
    let z = (seconds / 86_400.0).floor() as i64 + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_of_the_calendar() {
        assert_eq!(day(0.0), "1970-01-01");
        assert_eq!(day(1_414_021_157.0), "2014-10-22");
        assert_eq!(day(1_709_164_800.0), "2024-02-29");
        assert_eq!(number("1,234"), Some(1234.0));
    }
}
