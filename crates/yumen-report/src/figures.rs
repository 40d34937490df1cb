//! Numbers as people read them: thousands separators, KiB and MiB, percentages that never round a rest away.

use yumen_model::coverage::Coverage;

use crate::lang::Lang;

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in binary units with three figures: `512 B`, `4.00 KiB`, `1.25 GiB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    #[allow(clippy::cast_precision_loss)]
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    // 1023.95 would be shown as 1024: the next unit reads better.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let unit = UNITS[unit];
    if value < 9.995 {
        format!("{value:.2} {unit}")
    } else if value < 99.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// A share in percent. Only nothing reads `0%` and only everything reads `100%`: a byte of rest stays visible as `<0.1%` or `>99.9%`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 || part == 0 {
        return "0%".to_owned();
    }
    if part >= whole {
        return "100%".to_owned();
    }
    #[allow(clippy::cast_precision_loss)]
    let share = part as f64 * 100.0 / whole as f64;
    if share < 0.1 {
        "<0.1%".to_owned()
    } else if share > 99.9 {
        ">99.9%".to_owned()
    } else {
        format!("{share:.1}%")
    }
}

/// Whether the parts of a coverage statement make its total, and the reasons its opaque bytes.
pub(crate) fn adds_up(c: &Coverage) -> bool {
    let sum = |parts: &[u64]| parts.iter().try_fold(0u64, |sum, n| sum.checked_add(*n));
    let reasons: Vec<u64> = c.opaque_by_reason.values().copied().collect();
    sum(&[c.inspected, c.container, c.opaque]) == Some(c.total) && sum(&reasons) == Some(c.opaque)
}

/// A confidence of 0 to 1 in percent.
pub(crate) fn confidence(c: f64) -> String {
    format!("{:.0}%", c * 100.0)
}

/// A duration in seconds.
pub(crate) fn duration(lang: Lang, seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    if seconds < 60.0 {
        return format!("{seconds:.1} {}", lang.pick("秒", "s"));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = seconds.round() as u64;
    let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (lang, h) {
        (Lang::Zh, 0) => format!("{m} 分 {s} 秒"),
        (Lang::Zh, _) => format!("{h} 小时 {m} 分"),
        (Lang::En, 0) => format!("{m} min {s} s"),
        (Lang::En, _) => format!("{h} h {m} min"),
    }
}

/// What can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    Artifact,
    Cause,
    Finding,
    Occurrence,
    Person,
    Question,
    Vehicle,
    Line,
    Item,
}

/// A number with its noun: `3 findings`, `3 条发现`.
pub(crate) fn counted(lang: Lang, n: u64, noun: Noun) -> String {
    let number = thousands(n);
    let (zh, one, many) = match noun {
        Noun::Artifact => ("个制品", "artifact", "artifacts"),
        Noun::Cause => ("个原因", "cause", "causes"),
        Noun::Finding => ("条发现", "finding", "findings"),
        Noun::Occurrence => ("次", "occurrence", "occurrences"),
        Noun::Person => ("人", "person", "persons"),
        Noun::Question => ("个问题", "question", "questions"),
        Noun::Vehicle => ("辆", "vehicle", "vehicles"),
        Noun::Line => ("行", "line", "lines"),
        Noun::Item => ("项", "item", "items"),
    };
    match lang {
        Lang::Zh => format!("{number} {zh}"),
        Lang::En => format!("{number} {}", if n == 1 { one } else { many }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        for (n, text) in cases {
            assert_eq!(thousands(n), text);
        }
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn bytes_have_three_figures_and_no_unit_overflows() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (10 * 1024, "10.0 KiB"),
            (1_048_575, "1.00 MiB"),
            (353_370_112, "337 MiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (n, text) in cases {
            assert_eq!(bytes(n), text);
        }
    }

    #[test]
    fn a_rest_is_never_rounded_away() {
        assert_eq!(percent(0, 0), "0%");
        assert_eq!(percent(1, 10_000_000), "<0.1%");
        assert_eq!(percent(9_999_999, 10_000_000), ">99.9%");
        assert_eq!(percent(5, 5), "100%");
        assert_eq!(percent(1, 3), "33.3%");
    }

    #[test]
    fn a_statement_that_does_not_add_up_is_seen() {
        let good = crate::sample::hold().coverage;
        assert!(adds_up(&good) && adds_up(&Coverage::default()));
        assert!(!adds_up(&Coverage { container: good.container + 1, ..good.clone() }));
        assert!(!adds_up(&Coverage { inspected: u64::MAX, ..good.clone() }));
        assert!(!adds_up(&Coverage { opaque_by_reason: Default::default(), ..good }));
    }

    #[test]
    fn nouns_agree_with_their_number() {
        assert_eq!(counted(Lang::En, 1, Noun::Finding), "1 finding");
        assert_eq!(counted(Lang::En, 1200, Noun::Finding), "1,200 findings");
        assert_eq!(counted(Lang::Zh, 1, Noun::Finding), "1 条发现");
        assert_eq!(duration(Lang::En, 3725.2), "1 h 2 min");
        assert_eq!(duration(Lang::En, 1.234), "1.2 s");
    }
}
