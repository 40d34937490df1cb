//! `person.phone`: mainland mobile numbers (numbering plan of the MIIT), landlines with a label.

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::check::{spaced, variety};
use super::context::{
    among_numbers, beside_number, chinese_line, is_source, labels_at, line_after, line_before, text_after, whole_cell,
};
use super::labels::{self, Labels};
use crate::recogniser::{Candidate, Match, Place, Recogniser, Run};

/// Phone numbers of persons. Mobile numbers count by form where nothing speaks against it; landlines behind a label or in a column. Service numbers
/// (400, 800, 95xxx, 10086) are nobody's.
pub(crate) struct Phone;

/// Whether eleven digits begin like a mobile number that has been given out.
fn mobile(digits: &[u8]) -> bool {
    digits.len() == 11
        && match digits {
            [b'1', b'3' | b'8', ..] => true,
            [b'1', b'4', n, ..] => !matches!(n, b'2' | b'3'),
            [b'1', b'5', n, ..] => *n != b'4',
            [b'1', b'6', n, ..] => matches!(n, b'2' | b'5'..=b'7'),
            [b'1', b'7', n, ..] => *n != b'9',
            [b'1', b'9', n, ..] => *n != b'4',
            _ => false,
        }
}

/// Whether digits are a landline with its area code, and perhaps the country's.
fn landline(digits: &str) -> bool {
    let digits = digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86")).unwrap_or(digits);
    let national = digits.strip_prefix('0').unwrap_or("");
    let (area, rest) = match national.as_bytes() {
        [b'1', b'0', rest @ ..] | [b'2', b'0'..=b'9', rest @ ..] => (2, rest),
        [b'3'..=b'9', b'1'..=b'9', _, rest @ ..] => (3, rest),
        _ => return false,
    };
    let full = rest.len() == 8 || (area == 3 && rest.len() == 7);
    full && matches!(rest.first(), Some(b'2'..=b'8')) && variety(rest) > 1
}

fn found(c: &Candidate<'_>, start: usize, end: usize, digits: &str, confidence: f64, out: &mut Vec<Match>) {
    debug_assert!(end <= c.text.len());
    out.push(Match {
        kind: kinds::PERSON_PHONE,
        start,
        end,
        confidence,
        mask: Mask::Ends(3, 0),
        distinct: vec![],
        collect: vec![],
        identifier: Some(digits.to_owned()),
        position: None,
    });
}

impl Recogniser for Phone {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::PERSON_PHONE]
    }

    fn literals(&self) -> &'static [&'static str] {
        &[
            "电话",
            "座机",
            "固话",
            "传真",
            "联系方式",
            "致电",
            "拨打",
            "回电",
            "電話",
            "telephone",
            "telefon",
            "phone",
            "tel",
        ]
    }

    fn wants(&self, run: &Run) -> bool {
        run.digits == run.len && !run.fraction && matches!(run.len, 3 | 11 | 13 | 15)
    }

    fn wants_column(&self, name: &str) -> bool {
        labels::of(name).any(Labels::PHONE)
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        match c.run {
            Some(_) => by_form(c, out),
            None => by_label(c, out),
        }
    }
}

/// A mobile number by its form.
fn by_form(c: &Candidate<'_>, out: &mut Vec<Match>) {
    let run = c.value();
    let bytes = run.as_bytes();
    let (digits, mut start, mut end) = match bytes.len() {
        11 => (run.to_owned(), c.start, c.end),
        13 if run.starts_with("86") => (run[2..].to_owned(), c.start, c.end),
        15 if run.starts_with("0086") => (run[4..].to_owned(), c.start, c.end),
        3 if bytes[0] == b'1' && bytes[1] >= b'3' => {
            let after = c.after().as_bytes();
            // 138-1234-5678, 138 1234 5678
            let [s @ (b'-' | b' '), a, b, x, y, t, d, e, f, g, rest @ ..] = after else { return };
            let group = [a, b, x, y, d, e, f, g];
            if s != t
                || !group.iter().all(|b| b.is_ascii_digit())
                || rest.first().is_some_and(u8::is_ascii_alphanumeric)
            {
                return;
            }
            let digits = run.chars().chain(group.iter().map(|&&b| char::from(b))).collect();
            (digits, c.start, c.end + 10)
        }
        _ => return,
    };
    if !mobile(digits.as_bytes())
        || variety(&digits.as_bytes()[3..]) == 1 && digits.as_bytes()[3] == b'0' && bytes.len() == 3
    {
        return;
    }
    let after = c.text.get(end..).unwrap_or("").as_bytes();
    if matches!(after, [b'.', b'0'..=b'9', ..]) {
        return;
    }
    // The country's code, as a part of the number.
    let before = c.text.get(..start).unwrap_or("");
    let mut country = bytes.len() > 11;
    for code in ["(+86)", "+86", "（+86）", "0086", "86"] {
        for gap in ["-", " ", ""] {
            let Some(rest) = before.strip_suffix(gap).and_then(|b| b.strip_suffix(code)) else { continue };
            let bare = gap.is_empty() && !code.contains('+');
            if !country && !bare && !rest.ends_with(|ch: char| ch.is_ascii_alphanumeric() || ch == '.') {
                country = true;
                start = rest.len();
            }
        }
    }
    if bytes.len() == 13 && before.ends_with('+') {
        start -= 1;
    }
    let labels = labels_at(c, start);
    let whole = whole_cell(c, start, end);
    let labelled = labels.any(Labels::PHONE);
    let before = c.text.get(..start).unwrap_or("").as_bytes();
    let confidence = if labelled {
        0.97
    } else {
        let plus = c.text.as_bytes().get(start) == Some(&b'+');
        match before.last() {
            Some(b'.' | b'#' | b'%' | b'$' | b'+' | b'\\' | b'*') => return,
            Some(b'-') if !plus => return,
            Some(b'_') if !matches!(c.place, Place::Name) => return,
            _ => {}
        }
        if matches!(after.first(), Some(b'_' | b'%' | b'*' | b'+' | b'='))
            || matches!(after, [b'-', b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z', ..])
        {
            return;
        }
        if labels.any(Labels::NOISE) || (bytes.len() == 13 && !plus && !chinese_line(c, start, end)) {
            return;
        }
        match c.place {
            Place::Cell { .. } if country && plus => 0.86,
            // The column has a say.
            Place::Cell { .. } if whole => 0.75,
            Place::Cell { .. } if chinese_line(c, start, end) => 0.8,
            Place::Cell { .. } => return,
            Place::Binary if !country && !chinese_line(c, start, end) => return,
            Place::Binary => 0.6,
            Place::Name => 0.7,
            Place::Prose if country && plus => 0.93,
            Place::Prose if chinese_line(c, start, end) => 0.92,
            Place::Prose if alone(c, start, end) => 0.8,
            Place::Prose if among_numbers(c, start, end) => return,
            Place::Prose if is_source(c) && (!quoted(before, after) || run == "17179869184") => return,
            Place::Prose if bytes.len() == 3 && beside_number(c, start, end) => return,
            Place::Prose if bytes.len() == 3 => 0.8,
            Place::Prose if company(c, start) => 0.8,
            // A lone number between words, or the field of a log.
            Place::Prose if documentation(c) || hard_to_tell(c, start, end) => return,
            Place::Prose => 0.75,
        }
    };
    if end == c.end && bytes.len() == 3 {
        end = c.end + 10;
    }
    found(c, start, end, &digits, confidence, out);
}

/// Whether the words around a bare number count or measure something, or the file is a manual.
fn hard_to_tell(c: &Candidate<'_>, start: usize, end: usize) -> bool {
    const COUNTED: &[&str] = &[
        "bytes",
        "byte",
        "size",
        "offset",
        "length",
        "len",
        "count",
        "total",
        "sum",
        "seconds",
        "second",
        "sec",
        "secs",
        "ms",
        "us",
        "ns",
        "kb",
        "mb",
        "gb",
        "kib",
        "mib",
        "gib",
        "bits",
        "bit",
        "rows",
        "row",
        "cycles",
        "ticks",
        "hz",
        "khz",
        "mhz",
        "id",
        "ids",
        "pid",
        "tid",
        "uid",
        "gid",
        "inode",
        "block",
        "blocks",
        "page",
        "pages",
        "line",
        "lines",
        "at",
        "index",
        "key",
        "seed",
        "hash",
        "crc",
        "checksum",
        "time",
        "timestamp",
        "epoch",
        "since",
        "version",
        "build",
        "rev",
        "revision",
        "serial",
        "order",
        "issue",
        "bug",
        "pr",
        "ticket",
        "port",
        "address",
        "addr",
        "value",
        "values",
        "score",
        "usd",
        "eur",
        "cny",
        "rmb",
        "dollars",
        "yuan",
        "amount",
        "price",
        "cost",
        "balance",
        "population",
        "km",
        "miles",
        "meters",
        "items",
        "records",
        "entries",
        "times",
        "iterations",
        "requests",
        "packets",
        "frames",
        "samples",
        "points",
        "tokens",
        "parameters",
        "isbn",
        "doi",
        "sn",
        "frame",
        "seq",
        "sequence",
        "session",
        "job",
        "task",
        "trace",
        "span",
        "req",
        "request",
        "response",
        "msg",
        "message",
        "transaction",
        "tx",
        "batch",
        "invoice",
        "sku",
        "part",
        "equals",
        "than",
        "equal",
        "of",
        "mod",
        "max",
        "min",
        "limit",
        "range",
        "up",
        "about",
        "approximately",
        "over",
        "nearly",
        "returns",
        "returned",
    ];
    let word = |w: &str| COUNTED.iter().any(|k| w.eq_ignore_ascii_case(k));
    let cut = |ch: char| !ch.is_ascii_alphabetic();
    let before = line_before(c, start).rsplit(cut).find(|w| !w.is_empty());
    let after = line_after(c, end).split(cut).find(|w| !w.is_empty());
    // What follows directly is the unit.
    let unit = line_after(c, end).starts_with(' ') && after.is_some_and(word);
    let number = line_after(c, end).trim_start().starts_with(['+', '*', '/', '<', '>', '^', '&', '=', '-']);
    let listed = line_before(c, start).trim_end().ends_with('#') || c.value() == "17179869184";
    before.is_some_and(word) || unit || number || listed || beside_number(c, start, end)
}

/// Whether the file is a manual, a changelog or the like, by its extension.
fn documentation(c: &Candidate<'_>) -> bool {
    const MANUALS: &str = "md rst adoc html htm tex texi pod man 1 2 3 4 5 6 7 8 svg xhtml ipynb map csv tsv json xml yaml yml ps pdf patch diff";
    MANUALS.split(' ').any(|e| e == c.extension)
}

fn quoted(before: &[u8], after: &[u8]) -> bool {
    matches!((before.last(), after.first()), (Some(b'"'), Some(b'"')) | (Some(b'\''), Some(b'\'')))
}

/// Whether the line is the number and nothing else.
fn alone(c: &Candidate<'_>, start: usize, end: usize) -> bool {
    let bare = |s: &str| s.chars().all(|ch| ch.is_whitespace() || matches!(ch, '"' | '\'' | ',' | ';'));
    bare(line_before(c, start)) && bare(line_after(c, end))
}

/// Words shortly before that speak of a person or a call.
fn company(c: &Candidate<'_>, start: usize) -> bool {
    const WORDS: &[&str] = &[
        "user",
        "users",
        "call",
        "called",
        "caller",
        "callee",
        "calling",
        "dial",
        "dialed",
        "sms",
        "contact",
        "contacts",
        "customer",
        "client",
        "driver",
        "owner",
        "passenger",
        "subscriber",
        "member",
        "login",
        "account",
        "phone",
        "mobile",
        "tel",
        "telephone",
        "cell",
        "whatsapp",
        "wechat",
        "text",
        "reach",
        "number",
        "name",
        "from",
        "to",
        "recipient",
        "receiver",
        "sender",
        "guest",
        "patient",
        "employee",
        "emergency",
    ];
    let near = labels::tail(line_before(c, start), 40).to_ascii_lowercase();
    near.split(|ch: char| !ch.is_ascii_alphabetic()).rev().filter(|w| !w.is_empty()).take(3).any(|w| WORDS.contains(&w))
}

/// Landlines, and numbers in unusual groups, behind a label or in a column.
fn by_label(c: &Candidate<'_>, out: &mut Vec<Match>) {
    let from = if c.literal.is_some() { c.end } else { c.start };
    let text = if c.literal.is_some() { text_after(c, from) } else { c.value() };
    // `Tel.: 010 …`
    let (from, text) = text.strip_prefix('.').map_or((from, text), |rest| (from + 1, rest));
    let gap = text.find(|ch: char| ch.is_ascii_digit()).unwrap_or(usize::MAX);
    if gap > 24 || text[..gap].contains(['\n', '.']) {
        return;
    }
    let text = &text[gap..];
    let plain: String = text.chars().take(24).filter(|ch| !matches!(ch, '(' | ')' | '（' | '）')).collect();
    let (digits, _) = spaced(&plain, 16, |_| false);
    let end = end_of(text, digits.len());
    let (start, end) = (from + gap, from + gap + end);
    let opened = c.text.get(..start).and_then(|b| b.strip_suffix('(')).map_or(start, str::len);
    let next = c.text.get(end..).and_then(|t| t.chars().next());
    if next.is_some_and(|ch| ch.is_ascii_alphanumeric()) || !labels_at(c, opened).any(Labels::PHONE) {
        return;
    }
    let national =
        digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86").filter(|d| d.len() == 11)).unwrap_or(&digits);
    if landline(&digits) {
        found(c, start, end, &digits, 0.9, out);
    } else if mobile(national.as_bytes()) && end - start > digits.len() {
        found(c, start, end, national, 0.95, out);
    }
}

/// Where the `n`th digit of a text ends.
fn end_of(text: &str, n: usize) -> usize {
    let ends = text.bytes().enumerate().filter(|(_, b)| b.is_ascii_digit()).map(|(i, _)| i + 1);
    ends.take(n).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, found_in, found_with};
    use super::*;

    fn phones(text: &str) -> Vec<String> {
        found(&Phone, text).into_iter().map(|f| f.value).collect()
    }

    #[test]
    fn mobile_numbers_in_text() {
        for (text, value) in [
            ("联系电话18245842208。", "18245842208"),
            ("手机: 138-1234-5678", "138-1234-5678"),
            ("用户 138 1234 5678 来电", "138 1234 5678"),
            ("call +86 13812345678 now", "+86 13812345678"),
            ("tel:+8613812345678", "+8613812345678"),
            ("收件人王丹（15747638203）", "15747638203"),
            ("user 13759853453 login ok", "13759853453"),
            ("mobile=13759853453&x=1", "13759853453"),
            ("We tried 13759853453 twice yesterday.", "13759853453"),
            ("2026-06-03 11:46:42.751|13759853453|LBV5M0XKXEG113127|OK|4432", "13759853453"),
            ("2026-06-03 11:46:42.751 notify 13759853453 success", "13759853453"),
            ("His number is 15580870387, hers is unknown.", "15580870387"),
        ] {
            assert_eq!(phones(text), [value], "{text}");
        }
        assert_eq!(found(&Phone, "+86 138 1234 5678")[0].identifier.as_deref(), Some("13812345678"));
    }

    #[test]
    fn other_numbers_are_no_phones() {
        for text in [
            "0.13812345678",
            "13812345678.25",
            "1.13812345678",
            "size: 13958643712",
            "订单号13812345678",
            "read 13812345678 bytes from disk",
            "offset 13812345678",
            "took 13812345678 ns",
            "a = 13812345678 + 2",
            "inode 13812345678 dev 5",
            "<U000229BF>;IGNORE # 13115341543",
            "ts=1700000000000",
            "ORD-13812345678",
            "13812345678 13912345678 15012345678",
            "12.5, 13812345678, 77.1",
            "3878 1882 188 1234 5678 3121",
            "12345678901",
            "400-820-8820",
            "客服电话：95588",
            "1381234567890",
        ] {
            assert!(phones(text).is_empty(), "{text}: {:?}", phones(text));
        }
        assert!(found_with(&Phone, "let x = 13743895347;", "rs").is_empty());
        assert!(found_in(&Phone, "order_id", "13812345678").is_empty());
    }

    #[test]
    fn landlines_need_a_label() {
        assert_eq!(phones("电话：010-62345678"), ["010-62345678"]);
        assert_eq!(phones("固话 (0755)26543210"), ["0755)26543210"]);
        assert_eq!(phones("如有疑问请致电021 76084749或到店"), ["021 76084749"]);
        assert_eq!(phones("Tel.: 0931 4503105"), ["0931 4503105"]);
        assert_eq!(found_in(&Phone, "联系电话", "021-54321098").len(), 1);
        assert!(phones("日期 010-62345678").is_empty());
    }

    #[test]
    fn columns() {
        assert!(found_in(&Phone, "手机号", "13812345678")[0].confidence > 0.9);
        let plain = &found_in(&Phone, "", "13812345678")[0];
        assert!(plain.confidence < 0.85);
        assert_eq!(plain.kind, kinds::PERSON_PHONE);
    }
}
