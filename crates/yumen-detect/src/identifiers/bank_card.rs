//! `person.bank-card`: ISO/IEC 7812 numbers with context.

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::check::{luhn, patterned, spaced};
use super::context::{beside_number, labels_at, line_after, line_before, whole_cell};
use super::labels::{self, Labels};
use crate::recogniser::{Candidate, Match, Place, Recogniser, Run};

/// Bank card numbers: thirteen to nineteen digits with an issuer's prefix and a valid Luhn digit, behind a word for cards, in a column of
/// them, or in groups of four. A lone Luhn digit proves nothing: one number in ten has it.
pub(crate) struct BankCard;

/// Numbers that payment providers print in their manuals.
const TEST_CARDS: &[&str] = &[
    "4111111111111111",
    "4242424242424242",
    "4012888888881881",
    "4000000000000002",
    "4222222222222",
    "4000056655665556",
    "5555555555554444",
    "5105105105105100",
    "5200828282828210",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "378734493671000",
    "6011111111111117",
    "6011000990139424",
    "30569309025904",
    "38520000023237",
    "3530111333300000",
    "3566002020360505",
    "4917610000000000",
    "5454545454545454",
];

/// Words for cards.
const WORDS: &[&str] = &[
    "card",
    "visa",
    "mastercard",
    "amex",
    "unionpay",
    "银行",
    "银联",
    "卡号",
    "信用卡",
    "储蓄卡",
    "借记卡",
    "开户",
    "付款",
    "收款",
    "转账",
    "汇款",
    "刷卡",
    "账户",
    "帐户",
    "账号",
    "尾号",
    "cvv",
    "转到",
    "转给",
    "打到",
    "打款",
    "iban",
];

/// Whether the prefix is one that card issuers have; `sure` asks for the networks' own ranges.
fn issuer(digits: &[u8], sure: bool) -> bool {
    let n = digits.len();
    let prefix = |k: usize| digits.iter().take(k).fold(0u32, |v, &b| v * 10 + u32::from(b.wrapping_sub(b'0')));
    let network = match digits[0] {
        b'4' => matches!(n, 13 | 16 | 19),
        b'5' => matches!(prefix(2), 51..=55) && n == 16,
        b'2' => matches!(prefix(4), 2221..=2720) && n == 16,
        b'3' => match prefix(2) {
            34 | 37 => n == 15,
            30 | 36 | 38 | 39 => n == 14,
            35 => n == 16 && matches!(prefix(4), 3528..=3589),
            _ => false,
        },
        b'6' => (prefix(2) == 62 && n >= 16) || (matches!(prefix(2), 60 | 64 | 65) && matches!(n, 16 | 19)),
        b'9' => prefix(4) == 9558 && n == 19,
        _ => false,
    };
    // The major industry identifiers of banking and, by agreement, of national use.
    network || (!sure && ((matches!(digits[0], b'3'..=b'6') && n >= 14) || (digits[0] == b'9' && n >= 16)))
}

fn valid(digits: &str, sure: bool) -> bool {
    let bytes = digits.as_bytes();
    (13..=19).contains(&bytes.len())
        && issuer(bytes, sure)
        && luhn(bytes)
        && !patterned(bytes)
        && !TEST_CARDS.contains(&digits)
}

impl Recogniser for BankCard {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::PERSON_BANK_CARD]
    }

    fn wants(&self, run: &Run) -> bool {
        run.digits == run.len && !run.fraction && (run.len == 4 || (13..=19).contains(&run.len))
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        let (digits, end) = if c.value().len() == 4 {
            let text = c.text.get(c.start..).unwrap_or("");
            // The first of groups of four.
            if !matches!(text.as_bytes().get(4..10), Some([b' ' | b'-', a, b, x, y, b' ' | b'-']) if [a, b, x, y].iter().all(|b| b.is_ascii_digit()))
                || c.before().ends_with(|p: char| p.is_ascii_alphanumeric() || matches!(p, '-' | '.' | ':'))
                || ends_in_digit_group(c.before())
            {
                return;
            }
            let (digits, len) = spaced(text, 19, |_| false);
            let groups = text.get(..len).unwrap_or("").split([' ', '-']).map(str::len);
            let sizes: Vec<usize> = groups.collect();
            let regular = sizes.len() >= 4
                && sizes[..sizes.len() - 1].iter().all(|&n| n == 4)
                && sizes.last().is_some_and(|&n| n <= 4);
            if !regular {
                return;
            }
            (digits, c.start + len)
        } else {
            (c.value().to_owned(), c.end)
        };
        let grouped = end - c.start > digits.len();
        let after = c.text.get(end..).unwrap_or("");
        if after.starts_with(|p: char| p.is_ascii_alphanumeric())
            || matches!(after.as_bytes(), [b'.' | b'-', b'0'..=b'9', ..])
        {
            return;
        }
        let labels = labels_at(c, c.start);
        let labelled = labels.any(Labels::BANK_CARD);
        if !valid(&digits, !labelled) {
            return;
        }
        let confidence = if labelled {
            0.97
        } else if labels
            .any(Labels::NOISE | Labels::IMEI | Labels::ICCID | Labels::IMSI | Labels::PHONE | Labels::ID_NUMBER)
        {
            return;
        } else if !matches!(c.place, Place::Binary) && near(c, end) {
            0.92
        } else if grouped && !beside_number(c, c.start, end) {
            0.88
        } else if unionpay(&digits) && !matches!(c.place, Place::Binary) && beside_person(c, end) {
            0.86
        } else if whole_cell(c, c.start, end) {
            // Only a column full of them.
            0.2
        } else {
            return;
        };
        out.push(Match {
            kind: kinds::PERSON_BANK_CARD,
            start: c.start,
            end,
            confidence,
            mask: Mask::Ends(2, 4),
            distinct: vec![],
            collect: vec![],
            identifier: Some(digits),
            position: None,
        });
    }
}

/// Cards of China's own network.
fn unionpay(digits: &str) -> bool {
    digits.starts_with("62") && matches!(digits.len(), 16 | 19)
}

/// Whether a resident's number or a name in Chinese stands right beside it, as in the rows of a program or a dump: `"王丹", "3501…", "6222…"`.
fn beside_person(c: &Candidate<'_>, end: usize) -> bool {
    let cut = |ch: char| ch.is_whitespace() || matches!(ch, ',' | ';' | '|' | '"' | '\'' | '(' | ')' | '\u{1f}');
    let person = |w: &str| {
        let b = w.as_bytes();
        let number = b.len() == 18 && b[..17].iter().all(u8::is_ascii_digit);
        number || ((2..=4).contains(&w.chars().count()) && super::name::chinese_name(w))
    };
    let before = labels::tail(c.text.get(..c.start).unwrap_or(""), 64);
    let after = labels::head(c.text.get(end..).unwrap_or(""), 64);
    let before = before.rsplit('\n').next().unwrap_or("").trim_end_matches(cut).rsplit(cut).next();
    let after = after.split('\n').next().unwrap_or("").trim_start_matches(cut).split(cut).next();
    before.is_some_and(person) || after.is_some_and(person)
}

/// Whether groups of (hexadecimal) digits stand before: the four digits are not the first group.
fn ends_in_digit_group(before: &str) -> bool {
    let Some(group) = before.strip_suffix([' ', '-']) else { return false };
    let len = group.bytes().rev().take(9).take_while(u8::is_ascii_alphanumeric).count();
    let word = &group.as_bytes()[group.len() - len..];
    (2..=8).contains(&len) && word.iter().all(u8::is_ascii_hexdigit) && word.iter().any(u8::is_ascii_digit)
}

/// Whether a word for cards stands on the line shortly before or right after.
fn near(c: &Candidate<'_>, end: usize) -> bool {
    let before = labels::tail(line_before(c, c.start), 64);
    let after = labels::head(line_after(c, end), 24);
    labels::mentions(before, WORDS) || labels::mentions(after, WORDS)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, found_in};
    use super::*;

    fn cards(text: &str) -> Vec<String> {
        found(&BankCard, text).into_iter().map(|f| f.value).collect()
    }

    #[test]
    fn cards_with_context() {
        for (text, value) in [
            ("银行卡6274772483351580898，开户人毛慧", "6274772483351580898"),
            ("increase limit on my card # 5213591727586604 for", "5213591727586604"),
            ("What's your credit card? 4716952653167634", "4716952653167634"),
            ("6274 7724 8335 1580 898", "6274 7724 8335 1580 898"),
            ("pay 4716-9526-5316-7634 now", "4716-9526-5316-7634"),
        ] {
            assert_eq!(cards(text), [value], "{text}");
        }
        assert_eq!(found(&BankCard, "4716-9526-5316-7634")[0].identifier.as_deref(), Some("4716952653167634"));
        assert!(found_in(&BankCard, "卡号", "6274772483351580898")[0].confidence > 0.9);
    }

    #[test]
    fn lone_numbers_are_no_cards() {
        for text in [
            "4716952653167634",
            "订单号4716952653167634已出库",
            "card 4716952653167635",
            "card 4111111111111111",
            "card 0.4716952653167634",
            "2024 2025 2026 2027",
            "card 1111111111111117",
            "2206 6274 7724 8335 1580 898 3121",
            "524C 527D 5282 5281 5290 5293",
        ] {
            assert!(cards(text).is_empty(), "{text}");
        }
        assert!(found_in(&BankCard, "", "4716952653167634")[0].confidence < crate::recogniser::PROVISIONAL);
    }
}
