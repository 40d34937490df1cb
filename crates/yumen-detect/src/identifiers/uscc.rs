//! `org.uscc`: unified social credit codes (GB 32100).

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::check::variety;
use super::regions;
use crate::recogniser::{Candidate, Match, Place, Recogniser, Run};

/// Unified social credit codes: eighteen characters, both check characters valid. They name organisations, not persons.
pub(crate) struct Uscc;

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

fn value(b: u8) -> Option<usize> {
    ALPHABET.iter().position(|&a| a == b)
}

/// Whether the check character of the whole and that of the organisation code (GB 11714) in it are right.
fn valid(code: &[u8]) -> bool {
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    const ORG: [usize; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    if code.len() != 18
        || !code[2..8].iter().all(u8::is_ascii_digit)
        || !(regions::province(&code[2..4]) || code[2..4] == *b"10")
    {
        return false;
    }
    let mut sum = 0;
    for (&b, w) in code.iter().zip(WEIGHTS) {
        let Some(v) = value(b) else { return false };
        sum += v * w;
    }
    let whole = value(code[17]) == Some((31 - sum % 31) % 31);
    let mut sum = 0;
    for (&b, w) in code[8..16].iter().zip(ORG) {
        // Letters count from A as 10 here, the left-out ones among them.
        sum += w * usize::from(if b.is_ascii_digit() { b - b'0' } else { b - b'A' + 10 });
    }
    let org = match 11 - sum % 11 {
        10 => b'X',
        11 => b'0',
        n => b'0' + u8::try_from(n).unwrap_or(0),
    };
    // The department of registration and the class; a long row of few digits is none.
    let class = matches!(
        code[..2],
        [b'1', b'1' | b'2' | b'3' | b'9']
            | [b'2' | b'3' | b'4' | b'6'..=b'8' | b'A', b'1'..=b'9']
            | [b'5' | b'9', b'1' | b'2' | b'3' | b'9']
            | [b'N', b'1'..=b'3' | b'9']
            | [b'Y', b'1']
    );
    whole && org == code[16] && class && variety(code) >= 6
}

impl Recogniser for Uscc {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::ORG_USCC]
    }

    fn wants(&self, run: &Run) -> bool {
        run.len == 18 && run.digits >= 8 && run.lower == 0 && !run.fraction
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        if !valid(c.value().as_bytes()) || matches!(c.place, Place::Binary) {
            return;
        }
        out.push(Match {
            kind: kinds::ORG_USCC,
            start: c.start,
            end: c.end,
            confidence: 0.95,
            mask: Mask::Ends(2, 2),
            distinct: vec![],
            collect: vec![],
            identifier: None,
            position: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn check_characters() {
        assert!(valid(b"91350100M000100Y43"));
        assert_eq!(found(&Uscc, "统一社会信用代码：91350100M000100Y43").len(), 1);
        assert!(found(&Uscc, "91350100M000100Y44").is_empty());
        assert!(found(&Uscc, "91350100M000100Y4").is_empty());
    }
}
