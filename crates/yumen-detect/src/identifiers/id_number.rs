//! `person.id-number`: GB 11643 resident identity numbers, also of foreign permanent residents (beginning 9) and of residents of Hong Kong, Macao
//! and Taiwan (81, 82, 83).

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::check::{patterned, spaced};
use super::context::{labels_at, labels_of, text_after};
use super::labels::Labels;
use super::regions;
use crate::recogniser::{Candidate, Match, Place, Recogniser, Run};

/// Resident identity numbers: eighteen characters with valid region, date and check digit; the fifteen digits of before 1999 only with a label.
/// With a wrong check digit they count only in a column that is named so.
pub(crate) struct IdNumber;

/// The check character (ISO 7064 MOD 11-2) that seventeen digits ask for.
fn check_char(id: &[u8]) -> Option<u8> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let digits = id.get(..17).filter(|d| d.iter().all(u8::is_ascii_digit))?;
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(&b, w)| u32::from(b - b'0') * w).sum();
    b"10X98765432".get((sum % 11) as usize).copied()
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |n, &b| n * 10 + u32::from(b.wrapping_sub(b'0')))
}

/// Whether region and date of an eighteen-character number exist.
fn well_formed(id: &[u8]) -> bool {
    let [region @ .., _, _, _, _, _, _, _, _, _, _, _, _] = id else { return false };
    let place = regions::province(region) || (region.first() == Some(&b'9') && regions::province(&region[1..]));
    let year = number(&id[6..10]);
    place && (1890..=2035).contains(&year) && regions::date(year, number(&id[10..12]), number(&id[12..14]))
}

/// What an eighteen-character number is worth: `Some(true)` with a valid check character, `Some(false)` with a wrong one.
fn judge(id: &[u8]) -> Option<bool> {
    if id.len() != 18 || !well_formed(id) {
        return None;
    }
    Some(check_char(id)? == id[17])
}

/// Whether fifteen digits are a number of before 1999.
fn old_form(id: &[u8]) -> bool {
    id.len() == 15
        && id.iter().all(u8::is_ascii_digit)
        && regions::province(id)
        && regions::date(1900 + number(&id[6..8]), number(&id[8..10]), number(&id[10..12]))
        && !patterned(id)
}

fn found(start: usize, end: usize, id: String, checksum: bool, confidence: f64) -> Match {
    Match {
        kind: kinds::PERSON_ID_NUMBER,
        start,
        end,
        confidence,
        mask: Mask::Ends(4, 2),
        distinct: vec![("checksum", checksum.into())],
        collect: vec![],
        identifier: (confidence > 0.5).then_some(id),
        position: None,
    }
}

impl Recogniser for IdNumber {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::PERSON_ID_NUMBER]
    }

    fn literals(&self) -> &'static [&'static str] {
        // For numbers written in groups; those without gaps are runs.
        &["身份证", "证件号", "公民身份号"]
    }

    fn wants(&self, run: &Run) -> bool {
        let long = run.len == 18 && run.digits >= 17;
        let old = run.len == 15 && run.digits == 15;
        (long || old) && !run.fraction
    }

    fn wants_column(&self, name: &str) -> bool {
        super::labels::of(name).any(Labels::ID_NUMBER)
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        if c.run.is_none() {
            return grouped(c, out);
        }
        let id = c.value().to_ascii_uppercase();
        if id.len() == 15 {
            if old_form(id.as_bytes()) && labels_of(c).any(Labels::ID_NUMBER) {
                out.push(found(c.start, c.end, id, true, 0.8));
            }
            return;
        }
        match judge(id.as_bytes()) {
            Some(true) => {
                // Decimal fractions and longer numbers with a point are no candidates; a sign makes none either.
                let next = c.after().as_bytes();
                if matches!(next, [b'.', b'0'..=b'9', ..]) {
                    return;
                }
                out.push(found(c.start, c.end, id, true, 0.98));
            }
            Some(false) if matches!(c.place, Place::Cell { .. }) && labels_of(c).any(Labels::ID_NUMBER) => {
                out.push(found(c.start, c.end, id, false, 0.45));
            }
            _ => {}
        }
    }
}

/// A number in groups behind its label or in its column: `110105 19491231 002X`.
fn grouped(c: &Candidate<'_>, out: &mut Vec<Match>) {
    let from = if c.literal.is_some() { c.end } else { c.start };
    let text = if c.literal.is_some() { text_after(c, from) } else { c.value() };
    let gap = text.find(|ch: char| ch.is_ascii_digit()).unwrap_or(usize::MAX);
    if gap > 32 || text[..gap].contains('\n') {
        return;
    }
    let (id, end) = spaced(&text[gap..], 18, |b| matches!(b, b'X' | b'x'));
    let id = id.to_ascii_uppercase();
    let (start, end) = (from + gap, from + gap + end);
    if end - start == id.len() {
        return;
    }
    if judge(id.as_bytes()) == Some(true) && labels_at(c, start).any(Labels::ID_NUMBER) {
        out.push(found(start, end, id, true, 0.97));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, found_in};
    use super::*;

    fn ids(text: &str) -> Vec<String> {
        super::super::testing::found(&IdNumber, text).into_iter().map(|f| f.value).collect()
    }

    #[test]
    fn valid_numbers() {
        assert_eq!(ids("身份证号11010519491231002X，"), ["11010519491231002X"]);
        assert_eq!(ids("id=11010519491231002x"), ["11010519491231002x"]);
        assert_eq!(found(&IdNumber, "11010519491231002x")[0].identifier.as_deref(), Some("11010519491231002X"));
        assert_eq!(ids("身份证：110105 19491231 002X"), ["110105 19491231 002X"]);
        assert_eq!(found_in(&IdNumber, "id_card", "110105-19491231-002X").len(), 1);
    }

    #[test]
    fn wrong_ones() {
        for text in [
            "110105194912310021",
            "990105194912310027",
            "110105194913310025",
            "0.110105194912310021",
            "证件号码 520400196107259589 校验不通过",
        ] {
            assert!(ids(text).is_empty(), "{text}");
        }
        let f = &found_in(&IdNumber, "身份证号", "110105194912310021")[0];
        assert!(f.is("checksum", false) && f.confidence <= 0.5 && f.identifier.is_none());
    }

    #[test]
    fn fifteen_digits_need_a_label() {
        assert_eq!(ids("身份证号 110105491231002").len(), 1);
        assert!(ids("流水 110105491231002").is_empty());
    }

    #[test]
    fn foreign_residents_and_special_regions() {
        let with_check = |s: &str| format!("{s}{}", char::from(check_char(s.as_bytes()).unwrap()));
        assert_eq!(ids(&with_check("81000019900101001")).len(), 1);
        assert_eq!(ids(&with_check("91115619810101041")).len(), 1);
    }
}
