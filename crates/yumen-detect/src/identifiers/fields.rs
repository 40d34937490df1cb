//! What only its label or column tells: engine numbers, passports, licences, accounts, health and biometric data.

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::check::{patterned, variety};
use super::context::text_after;
use super::labels::{self, Labels, is_han};
use crate::recogniser::{Candidate, Match, Place, Recogniser};

/// `vehicle.engine-number`, `person.passport`, `person.driver-licence`, `person.account`, `person.health`, `person.biometric`.
pub(crate) struct Fields;

const LITERALS: &[(&str, Labels)] = &[
    ("发动机号", Labels::ENGINE),
    ("发动机编号", Labels::ENGINE),
    ("engine no", Labels::ENGINE),
    ("engine number", Labels::ENGINE),
    ("engine_no", Labels::ENGINE),
    ("护照", Labels::PASSPORT),
    ("passport", Labels::PASSPORT),
    ("驾驶证", Labels::LICENCE),
    ("驾照", Labels::LICENCE),
    ("档案编号", Labels::LICENCE),
    ("發動機號", Labels::ENGINE),
    ("護照", Labels::PASSPORT),
    ("駕駛證", Labels::LICENCE),
    ("駕照", Labels::LICENCE),
    ("openid", Labels::ACCOUNT),
    ("微信号", Labels::ACCOUNT),
];

/// Tables of records rather than settings: here a column `user_id` tells of persons.
fn is_table(format: &str) -> bool {
    matches!(format, "csv" | "tsv" | "sql" | "sqlite" | "xlsx" | "xls" | "parquet" | "ndjson" | "dbf" | "avro")
}

/// Values that stand for nothing.
fn empty(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "" | "null"
            | "none"
            | "nil"
            | "n/a"
            | "na"
            | "-"
            | "--"
            | "/"
            | "unknown"
            | "0"
            | "true"
            | "false"
            | "无"
            | "未知"
            | "正常"
            | "暂无"
            | "否"
            | "是"
            | "string"
            | "undefined"
    ) || value.bytes().all(|b| matches!(b, b'*' | b'x' | b'X' | b'-' | b'.'))
        || value.contains("${")
        || value.contains("{{")
        || value.starts_with('<')
}

/// Chinese passports (E, G, D, S, P, H, K, M and the exit permits C, T), and in a column those of others.
fn passport(value: &str, column: bool) -> bool {
    let bytes = value.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let chinese = match bytes {
        [b'E', l, rest @ ..] if l.is_ascii_alphabetic() => rest.len() == 7 && rest.iter().all(u8::is_ascii_digit),
        [b'D' | b'S' | b'P', b'E', rest @ ..] => rest.len() == 7 && rest.iter().all(u8::is_ascii_digit),
        [b'1', b'4', rest @ ..] => rest.len() == 7 && rest.iter().all(u8::is_ascii_digit),
        [l, rest @ ..] if b"EGDSPHKMCTW".contains(l) => {
            matches!(rest.len(), 7 | 8) && rest.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    let other = column
        && (7..=9).contains(&bytes.len())
        && digits >= 6
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (chinese || other) && variety(&bytes[1..]) > 2
}

/// The kind, confidence and whether it names a subject, for a value under a label.
fn judge(labels: Labels, value: &str, column: bool, format: &str) -> Option<(KindId, f64)> {
    let upper = value.to_ascii_uppercase();
    let bytes = upper.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let code = |more: &[u8]| bytes.iter().all(|b| b.is_ascii_alphanumeric() || more.contains(b));
    if labels.any(Labels::ENGINE) {
        let fits = (6..=20).contains(&bytes.len())
            && digits >= 4
            && code(b"-*")
            && (bytes.len() > digits || digits >= 6)
            && variety(bytes) > 2;
        return fits.then_some((kinds::VEHICLE_ENGINE_NUMBER, 0.9));
    }
    if labels.any(Labels::PASSPORT) {
        return passport(&upper, column).then_some((kinds::PERSON_PASSPORT, 0.93));
    }
    if labels.any(Labels::LICENCE) {
        let fits = digits == bytes.len() && bytes.len() == 12 && variety(bytes) > 2;
        let other =
            column && (8..=18).contains(&bytes.len()) && digits >= 6 && code(b"-") && !labels.any(Labels::ID_NUMBER);
        return (fits || other).then_some((kinds::PERSON_DRIVER_LICENCE, 0.9));
    }
    if labels.any(Labels::ACCOUNT | Labels::ACCOUNT_MAYBE) {
        let strong = labels.any(Labels::ACCOUNT);
        if !(4..=64).contains(&bytes.len()) || !code(b"_-.") || variety(bytes) < 3 || !(strong || is_table(format)) {
            return None;
        }
        // Accounts of programs and of nobody.
        let system = matches!(
            upper.as_str(),
            "ROOT"
                | "ADMIN"
                | "USER"
                | "GUEST"
                | "NOBODY"
                | "DAEMON"
                | "SYSTEM"
                | "TEST"
                | "DEFAULT"
                | "POSTGRES"
                | "MYSQL"
                | "ANONYMOUS"
        );
        let small = digits == bytes.len() && (bytes.len() < 5 || patterned(bytes));
        let table = is_table(format) || bytes.len() >= 8 && digits > 0;
        return (!system && !small && table).then_some((kinds::PERSON_ACCOUNT, if strong { 0.9 } else { 0.6 }));
    }
    if !column {
        return None;
    }
    if labels.any(Labels::HEALTH) {
        let told = value.chars().any(|c| is_han(c) || c.is_ascii_alphanumeric()) && value.len() <= 2000;
        let number = digits > 0 && code(b"./- ");
        let table = is_table(format) || value.chars().any(is_han);
        return (told && table && (number || value.chars().any(char::is_alphabetic)))
            .then_some((kinds::PERSON_HEALTH, 0.86));
    }
    if labels.any(Labels::BIOMETRIC) {
        // Templates and vectors are long; a path to one is none.
        let vector = value.len() >= 24
            && (value.contains(',')
                || value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_')));
        // The number of a picture in a service's index is no template.
        let uuid = value.len() == 36 && value.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
        return (vector && !uuid && !value.contains("://")).then_some((kinds::PERSON_BIOMETRIC, 0.9));
    }
    None
}

fn push(start: usize, value: &str, kind: KindId, confidence: f64, out: &mut Vec<Match>) {
    let identifier = kind.rank().map(|_| value.to_ascii_uppercase().replace([' ', '-'], ""));
    out.push(Match {
        kind,
        start,
        end: start + value.len(),
        confidence,
        mask: if kind.rank().is_some() { Mask::Ends(1, 2) } else { Mask::All },
        distinct: vec![],
        collect: vec![],
        identifier,
        position: None,
    });
}

const WANTED: [Labels; 7] = [
    Labels::ENGINE,
    Labels::PASSPORT,
    Labels::LICENCE,
    Labels::ACCOUNT,
    Labels::ACCOUNT_MAYBE,
    Labels::HEALTH,
    Labels::BIOMETRIC,
];

impl Recogniser for Fields {
    fn kinds(&self) -> &'static [KindId] {
        &[
            kinds::VEHICLE_ENGINE_NUMBER,
            kinds::PERSON_PASSPORT,
            kinds::PERSON_DRIVER_LICENCE,
            kinds::PERSON_ACCOUNT,
            kinds::PERSON_HEALTH,
            kinds::PERSON_BIOMETRIC,
        ]
    }

    fn literals(&self) -> &'static [&'static str] {
        const WORDS: &[&str] = &{
            let mut words = [""; LITERALS.len()];
            let mut i = 0;
            while i < LITERALS.len() {
                words[i] = LITERALS[i].0;
                i += 1;
            }
            words
        };
        WORDS
    }

    fn wants_column(&self, name: &str) -> bool {
        let labels = labels::of(name);
        WANTED.iter().any(|&l| labels.any(l))
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        let Some(n) = c.literal else {
            let Place::Cell { name, .. } = c.place else { return };
            let raw = c.value();
            let value = raw.trim();
            let start = c.start + (raw.len() - raw.trim_start().len());
            if !empty(value)
                && let Some((kind, confidence)) = judge(labels::of(name), value, true, c.format)
            {
                push(start, value, kind, confidence, out);
            }
            return;
        };
        let Some(&(_, label)) = LITERALS.get(n) else { return };
        if matches!(c.place, Place::Binary) {
            return;
        }
        let after = text_after(c, c.end);
        let mut value = after;
        for suffix in [
            "档案编号",
            "檔案編號",
            "号码",
            "號碼",
            "编号",
            "編號",
            "号",
            "號",
            "码",
            "碼",
            "umber",
            "o.",
            "o",
            " no.",
            " number",
            "_no",
        ] {
            if value.get(..suffix.len()).is_some_and(|v| v.eq_ignore_ascii_case(suffix)) {
                value = &value[suffix.len()..];
            }
        }
        let trimmed =
            value.trim_start_matches(|ch: char| (ch.is_whitespace() && ch != '\n') || ":：=\"'“为是（(#".contains(ch));
        let gap = after.len() - trimmed.len();
        let latin = c.value().is_ascii() && label != Labels::PASSPORT;
        if (gap == 0 && latin) || gap > 24 {
            return;
        }
        let len = trimmed.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'*')).count();
        let value = trimmed[..len].trim_end_matches(['-', '_', '*']);
        if empty(value) || value.bytes().filter(u8::is_ascii_digit).count() < 4 {
            return;
        }
        if let Some((kind, confidence)) = judge(label, value, false, c.format) {
            push(c.end + gap, value, kind, confidence, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, found_in};
    use super::*;

    fn kinds_of(text: &str) -> Vec<KindId> {
        found(&Fields, text).into_iter().map(|f| f.kind).collect()
    }

    #[test]
    fn values_behind_their_labels() {
        assert_eq!(kinds_of("发动机号：8A123456"), [kinds::VEHICLE_ENGINE_NUMBER]);
        assert_eq!(kinds_of("发动机号JLH3G15579754，登记"), [kinds::VEHICLE_ENGINE_NUMBER]);
        assert_eq!(kinds_of("护照号码 E12345678"), [kinds::PERSON_PASSPORT]);
        assert_eq!(kinds_of("passport no. EA1234567"), [kinds::PERSON_PASSPORT]);
        assert_eq!(kinds_of("驾驶证档案编号：440301234567"), [kinds::PERSON_DRIVER_LICENCE]);
        assert_eq!(kinds_of("Passport No. E17077064"), [kinds::PERSON_PASSPORT]);
        assert_eq!(kinds_of("護照號碼E62650778"), [kinds::PERSON_PASSPORT]);
        assert!(kinds_of("E12345678").is_empty());
        assert!(kinds_of("engine number of cylinders 4").is_empty());
    }

    #[test]
    fn columns() {
        let kind = |column, value| found_in(&Fields, column, value).first().map(|f| f.kind);
        assert_eq!(kind("engine_no", "LFV8A12345"), Some(kinds::VEHICLE_ENGINE_NUMBER));
        assert_eq!(kind("faceId", "ff43d742-0c13-5d16-a3e8-03d3f58e980b"), None);
        assert_eq!(kind("ownerId", "123456789012"), None);
        assert_eq!(kind("serviceFullName", "Cloud Batch"), None);
        assert_eq!(kind("护照号", "G12345678"), Some(kinds::PERSON_PASSPORT));
        assert_eq!(kind("档案编号", "440301234567"), Some(kinds::PERSON_DRIVER_LICENCE));
        assert_eq!(kind("openid", "oX4k2jL0aBcDeFgHiJkLmNoPqRsT"), Some(kinds::PERSON_ACCOUNT));
        assert_eq!(kind("血型", "AB"), None);
        assert_eq!(kind("诊断结果", "高血压"), Some(kinds::PERSON_HEALTH));
        assert_eq!(kind("face_embedding", "0.123,0.456,-0.789,0.222,0.11"), Some(kinds::PERSON_BIOMETRIC));
        assert_eq!(kind("engine", "V8"), None);
        assert_eq!(kind("username", "root"), None);
    }
}
