//! `vehicle.vin`: GB 16735, ISO 3779 and 3780.

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::context::{is_source, labels_of};
use super::labels::{Labels, mentions};
use crate::recogniser::{Candidate, Match, Place, Recogniser, Run};

/// Vehicle identification numbers.
///
/// With a valid check digit they count by form alone, if the rest of the form is plausible as well; with a wrong one only behind a label or in a
/// column, as `checksum: false`, and then they name nobody.
pub(crate) struct Vin;

/// The value of a character of a VIN; I, O and Q have none.
fn value(b: u8) -> Option<u32> {
    Some(u32::from(match b {
        b'0'..=b'9' => b - b'0',
        b'A'..=b'H' => b - b'A' + 1,
        b'J'..=b'N' => b - b'J' + 1,
        b'P' => 7,
        b'R' => 9,
        b'S'..=b'Z' => b - b'S' + 2,
        _ => return None,
    }))
}

/// The check digit that the other sixteen characters ask for, or none when the alphabet is not that of a VIN.
fn check_digit(vin: &[u8]) -> Option<u8> {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    if vin.len() != 17 {
        return None;
    }
    let mut sum = 0;
    for (&b, w) in vin.iter().zip(WEIGHTS) {
        sum += value(b)? * w;
    }
    u8::try_from(sum % 11).ok().map(|r| if r == 10 { b'X' } else { b'0' + r })
}

/// World manufacturer identifiers outside China and North America that are met often; North American ones begin with a digit.
const WMI: &[&str] = &[
    "JA3", "JA4", "JF1", "JF2", "JH4", "JHL", "JHM", "JM1", "JM3", "JMB", "JMZ", "JN1", "JN8", "JS2", "JS3", "JT2",
    "JT3", "JTD", "JTE", "JTH", "JTJ", "JTK", "JTL", "JTM", "JTN", "KL1", "KL4", "KL7", "KL8", "KM8", "KMF", "KMH",
    "KNA", "KNB", "KND", "KNM", "KPT", "MAL", "MR0", "NMT", "SAJ", "SAL", "SAR", "SB1", "SCA", "SCB", "SCC", "SCF",
    "SHH", "SHS", "SJN", "TMA", "TMB", "TRU", "TSM", "UU1", "VF1", "VF3", "VF6", "VF7", "VNK", "VSS", "VWV", "W0L",
    "W0V", "W1K", "W1N", "W1V", "WA1", "WAP", "WAU", "WBA", "WBS", "WBX", "WBY", "WDB", "WDC", "WDD", "WDF", "WF0",
    "WMA", "WME", "WMW", "WMX", "WP0", "WP1", "WUA", "WV1", "WV2", "WVG", "WVW", "XTA", "XW8", "YS2", "YS3", "YV1",
    "YV2", "YV4", "ZAM", "ZAR", "ZCF", "ZFA", "ZFF", "ZHW",
];

/// How plausible the parts around the check digit are.
fn plausible(vin: &[u8]) -> bool {
    let letters = vin.iter().filter(|b| b.is_ascii_uppercase()).count();
    let serial = vin[13..].iter().all(u8::is_ascii_digit);
    let year = !matches!(vin[9], b'0' | b'U' | b'Z');
    // In China and North America the model year's and the check digit's place are fixed.
    let maker = match vin[0] {
        b'L' => letters >= 3 && year,
        b'1'..=b'5' => letters >= 2 && year && vin[1].is_ascii_alphanumeric(),
        b'H' => letters >= 4 && year && vin[1].is_ascii_alphabetic(),
        _ => WMI.iter().any(|w| vin.starts_with(w.as_bytes())),
    };
    serial && maker
}

impl Recogniser for Vin {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::VEHICLE_VIN]
    }

    fn wants(&self, run: &Run) -> bool {
        run.len == 17 && run.digits >= 3 && run.digits < 17 && (run.upper == 0 || run.lower == 0) && !run.fraction
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        let vin = c.value().to_ascii_uppercase();
        let Some(expected) = check_digit(vin.as_bytes()) else { return };
        let labelled = labels_of(c).any(Labels::VIN) || named_near(c);
        let valid = vin.as_bytes()[8] == expected;
        let lower = c.value().bytes().any(|b| b.is_ascii_lowercase());
        let before = c.before().bytes().next_back();
        let after = c.after().bytes().next();
        let confidence = match (valid, labelled) {
            (true, true) => 0.98,
            (false, true) => 0.45,
            (true, false) => {
                // Pieces of base64, of hyphenated serial numbers and paths of hashes are no VINs.
                let joined =
                    |b: Option<u8>| matches!(b, Some(b'+' | b'/' | b'=' | b'-' | b'%' | b'&' | b'#' | b'$' | b'@'));
                // In names, slashes and hyphens are plain separators.
                let path = c.place == Place::Name || in_path(c);
                if lower || (!path && (joined(before) || joined(after))) || !plausible(vin.as_bytes()) {
                    return;
                }
                match c.place {
                    // The column has a say.
                    Place::Cell { .. } => 0.8,
                    Place::Binary if vin.as_bytes()[0] != b'L' => return,
                    Place::Binary => 0.7,
                    _ if is_source(c) || path => 0.8,
                    _ => 0.95,
                }
            }
            (false, false) => return,
        };
        out.push(Match {
            kind: kinds::VEHICLE_VIN,
            start: c.start,
            end: c.end,
            confidence,
            mask: Mask::Ends(3, 2),
            distinct: vec![("checksum", valid.into())],
            collect: vec![],
            identifier: valid.then_some(vin),
            position: None,
        });
    }
}

/// Whether the number is a step of a path beside words, as in `/api/vehicles/LSV…/status`: not a piece of base64, whose letters are of both cases and
/// mixed with digits.
fn in_path(c: &Candidate<'_>) -> bool {
    let step = |s: &str| {
        let short = s.len() <= 24 && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        let one_case = !s.bytes().any(|b| b.is_ascii_uppercase()) || !s.bytes().any(|b| b.is_ascii_lowercase());
        short && one_case
    };
    let before = super::labels::tail(c.before(), 64);
    let after = super::labels::head(c.after(), 64);
    let Some(path) = before.strip_suffix('/') else { return false };
    let word =
        path.rsplit(|ch: char| !ch.is_ascii_alphanumeric() && !matches!(ch, '-' | '_' | '.')).next().unwrap_or("");
    let named = word.len() >= 2 && step(word) && word.bytes().any(|b| b.is_ascii_lowercase());
    let next = match after.strip_prefix('/') {
        Some(rest) => step(
            rest.split(|ch: char| !ch.is_ascii_alphanumeric() && !matches!(ch, '-' | '_' | '.')).next().unwrap_or(""),
        ),
        None => !after.starts_with(['+', '=', '-', '%', '#', '$', '@']),
    };
    // A path has a slash before the word as well, or the word stands first.
    let rest = &path[..path.len() - word.len()];
    named
        && next
        && (rest.ends_with('/') || rest.is_empty() || rest.ends_with(|ch: char| ch.is_whitespace() || ch == '"'))
}

/// A label that does not stand right before the number, but shortly before on the line.
fn named_near(c: &Candidate<'_>) -> bool {
    if matches!(c.place, Place::Cell { .. } | Place::Binary) {
        return false;
    }
    let line = super::context::line_before(c, c.start);
    let near = super::labels::tail(line, 40);
    mentions(near, &["车架号", "车辆识别代", "底盘号"])
        || near
            .to_ascii_lowercase()
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|w| matches!(w, "vin" | "vins" | "vehicleidentificationnumber"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, found_in};
    use super::*;

    fn vins(text: &str) -> Vec<(String, bool)> {
        found(&Vin, text).into_iter().map(|f| (f.value.clone(), f.is("checksum", true))).collect()
    }

    #[test]
    fn check_digits_of_known_numbers() {
        for vin in ["1M8GDM9AXKP042788", "LVSBZYDW9K4458422", "1HGCM82633A004352", "11111111111111111"] {
            assert_eq!(check_digit(vin.as_bytes()), Some(vin.as_bytes()[8]), "{vin}");
        }
        assert_eq!(check_digit(b"1M8GDM9AXKPO42788"), None);
    }

    #[test]
    fn valid_numbers_count_anywhere_in_text() {
        let v = "LVSBZYDW9K4458422";
        for text in [
            format!("GET /api/v1/vehicles/{v}/status?x=1"),
            format!("POST /fleet/cars/{v} 200"),
            v.to_owned(),
            format!("VIN={v};"),
            format!("车辆{v}已进站"),
            format!("/logs/{}.txt {v}", "x"),
        ] {
            assert_eq!(vins(&text), [(v.to_owned(), true)], "{text}");
        }
        assert_eq!(vins("vin: lvsbzydw9k4458422").len(), 1);
        assert_eq!(vins("seen 1M8GDM9AXKP042788 there").len(), 1);
    }

    #[test]
    fn a_wrong_check_digit_counts_by_context_only_and_names_nobody() {
        assert_eq!(vins("车架号 LDCFF5275MR146585 录入错误。"), [("LDCFF5275MR146585".to_owned(), false)]);
        assert!(vins("零件 LDCFF5275MR146585").is_empty());
        let f = &found(&Vin, "VIN: LDCFF5275MR146585")[0];
        assert!(f.confidence <= 0.5 && f.identifier.is_none());
        assert_eq!(found_in(&Vin, "vin", "WVWZZZ1KZ6W000001").len(), 1);
    }

    #[test]
    fn noise_is_no_number() {
        for text in [
            "11111111111111111",
            "sha: 3F786850E387550FD",
            "aGVsbG8gd29ybGQ/LVSBZYDW9K4458422+x",
            "id 0123456789ABCDEF0",
            "VIN: 12345678901234567",
            "VIN IOQIOQIOQIOQIOQIO",
        ] {
            assert!(vins(text).is_empty(), "{text}");
        }
    }
}
