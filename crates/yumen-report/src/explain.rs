//! One finding in full.

use crate::figures::{Noun, bytes, confidence, counted};
use crate::index::Index;
use crate::lang::Lang;
use crate::layout::{clean, wrap};
use crate::place::place;
use crate::report::Report;
use crate::vocabulary;
use crate::words;

/// Columns of an explanation.
const COLUMNS: usize = 100;

/// All that a report knows of one finding: what and where it is, which rows it feeds and what those rest on, which reasons and questions
/// speak of it, and how it is accepted. The id may be cut short to six characters or more where that is still unique; none when no
/// finding, or more than one, has it.
#[must_use]
pub fn explain_finding(report: &Report, id: &str, lang: Lang) -> Option<String> {
    let index = Index::new(report);
    let finding = index.finding(id)?;
    let mut out = Explanation { out: String::new() };
    let title = match lang {
        Lang::Zh => format!("{}（{}）", words::kind(lang, finding.kind), finding.kind),
        Lang::En => format!("{} ({})", words::kind(lang, finding.kind), finding.kind),
    };
    out.text(0, &title);
    if lang == Lang::En {
        out.text(2, &format!("what counts: {}", finding.kind.info().counts));
    }
    out.field(lang, "编号", "id", &finding.id);
    out.field(lang, "制品", "artifact", &finding.artifact);
    if let Some(artifact) = report.artifacts.iter().find(|a| a.path == finding.artifact) {
        let mut parts = vec![artifact.format.clone(), bytes(artifact.bytes)];
        parts.extend(artifact.digest.clone());
        out.field(lang, "格式", "format", &parts.join(lang.pick("，", ", ")));
        for note in &artifact.notes {
            out.field(lang, "提示", "note", &words::note(lang, &note.code));
        }
    }
    out.field(lang, "位置", "place", &place(lang, &finding.location));
    let places: Vec<String> = finding.places.iter().map(|l| place(lang, l)).filter(|p| !p.is_empty()).collect();
    out.field(lang, "其他位置", "further places", &places.join(lang.pick("；", "; ")));
    out.field(lang, "次数", "count", &counted(lang, finding.count, Noun::Occurrence));
    out.field(lang, "样例（已遮蔽）", "sample (masked)", &finding.sample);
    out.field(lang, "置信度", "confidence", &confidence(finding.confidence));
    for (name, value) in &finding.properties {
        let text = vocabulary::value(lang, name, value);
        let name = vocabulary::name(lang, name);
        out.field(lang, &name, &name, &text);
    }

    let rows = index.rows_of(finding);
    if rows.is_empty() {
        let inventory = finding.kind.info().inventory;
        out.blank();
        out.text(
            0,
            match inventory {
                true => lang.pick("仅作清单，不引出任何规则行。", "Inventory: it says what is there and feeds no row."),
                false => lang.pick("未引出任何规则行。", "It feeds no row of the rulebook."),
            },
        );
    }
    for row in rows {
        out.blank();
        let title = format!("{} · {} · {}", row.row, lang.of(&row.item), words::class(lang, row.class));
        out.text(0, &title);
        out.field(lang, "状态", "status", words::status(lang, &row.status));
        out.field(lang, "由谁认定", "settled by", row.settled_by.as_deref().unwrap_or(""));
        for line in vocabulary::provenance(lang, &row.provenance) {
            out.text(2, &line);
        }
    }

    let mut refs: Vec<&str> = vec![&finding.id];
    refs.extend(rows.iter().map(|row| row.row.as_str()));
    let reasons: Vec<_> =
        report.verdict.reasons.iter().filter(|reason| reason.refs.iter().any(|r| refs.contains(&r.as_str()))).collect();
    if !reasons.is_empty() {
        out.blank();
        out.text(0, lang.pick("判定中的作用", "Part in the verdict"));
        for reason in &reasons {
            let mark = if reason.holds { "✗" } else { "·" };
            out.text(2, &format!("{mark} {}", lang.of(&reason.text)));
        }
    }
    for (number, question) in index.questions_about(&refs) {
        let text = match lang {
            Lang::Zh => format!("问题 {number}：{}（填写于 {}）", lang.of(&question.text), question.key),
            Lang::En => format!("question {number}: {} (settled by {})", lang.of(&question.text), question.key),
        };
        out.text(2, &text);
    }
    let accepts = finding.kind.name().starts_with("key.")
        || index.questions_about(&[&finding.id]).iter().any(|(_, q)| q.key.starts_with("accept"));
    if accepts && index.holds(finding) {
        out.blank();
        out.text(
            0,
            lang.pick("确属无害时，在 shipment.yaml 中接受：", "Where it is harmless, accept it in shipment.yaml:"),
        );
        out.text(2, "accept:");
        let until = "until: YYYY-MM-DD";
        out.line(2, &format!("  - {{finding: \"{}\", reason: \"\", by: \"\", {until}}}", clean(&finding.id)));
    }
    out.blank();
    out.text(0, lang.of(&report.disclaimer));
    Some(out.out)
}

/// What a report knows of a row that was examined limb by limb: each limb with its state and the findings behind it. Empty where it was not.
#[must_use]
pub fn explain_row(report: &Report, id: &str, lang: Lang) -> String {
    let index = Index::new(report);
    let mut out = Explanation { out: String::new() };
    for row in report.examined.iter().filter(|e| e.row.eq_ignore_ascii_case(id)) {
        out.blank();
        let heading = lang.pick("在这份报告中", "In this report");
        out.text(0, &format!("{heading}: {}", words::limb(lang, &row.state)));
        for limb in &row.limbs {
            out.text(2, &format!("- {}: {}", lang.of(&limb.title), words::limb(lang, &limb.state)));
            let lists = [
                (&limb.because, ""),
                (&limb.beside, lang.pick("（形式不符，不计入）", " (of another form, does not count)")),
            ];
            for (ids, note) in lists {
                for id in ids {
                    match index.exact(id) {
                        Some(f) => {
                            let at = place(lang, &f.location);
                            out.text(6, &format!("{} {} {at} [{}]{note}", f.kind, f.artifact, f.id));
                            if let Some(evidence) = f.properties.get("evidence") {
                                out.text(8, &vocabulary::value(lang, "evidence", evidence));
                            }
                        }
                        None => out.text(6, &format!("{id}{note}")),
                    }
                }
            }
        }
    }
    for reason in report.verdict.reasons.iter().filter(|r| r.refs.first().is_some_and(|r| r.eq_ignore_ascii_case(id))) {
        out.text(2, &format!("{} {}", if reason.holds { "✗" } else { "·" }, lang.of(&reason.text)));
    }
    out.out
}

struct Explanation {
    out: String,
}

impl Explanation {
    fn blank(&mut self) {
        self.out.push('\n');
    }

    fn line(&mut self, indent: usize, line: &str) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn text(&mut self, indent: usize, text: &str) {
        for line in wrap(&clean(text), COLUMNS - indent) {
            self.line(indent, &line);
        }
    }

    /// A label with its value; nothing when the value is empty.
    fn field(&mut self, lang: Lang, zh: &str, en: &str, value: &str) {
        if !value.is_empty() {
            self.text(2, &format!("{}{}{value}", lang.pick(zh, en), lang.pick("：", ": ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_key_zh() {
        insta::assert_snapshot!(explain_finding(&sample::hold(), "3f9a1c0277aa41d8", Lang::Zh).unwrap());
    }

    #[test]
    fn a_key_en() {
        insta::assert_snapshot!(explain_finding(&sample::hold(), "3f9a1c0277aa41d8", Lang::En).unwrap());
    }

    #[test]
    fn a_track_en() {
        insta::assert_snapshot!(explain_finding(&sample::hold(), "77c0ffee", Lang::En).unwrap());
    }

    #[test]
    fn ids_are_whole_or_uniquely_short() {
        let report = sample::hold();
        assert!(explain_finding(&report, "77c0ff", Lang::En).is_some());
        assert!(explain_finding(&report, "77c0", Lang::En).is_none());
        assert!(explain_finding(&report, "1111aaaa", Lang::En).is_none(), "four findings begin so");
        assert!(explain_finding(&report, "", Lang::En).is_none());
        assert!(explain_finding(&report, "no-such-id", Lang::Zh).is_none());
    }

    #[test]
    fn every_finding_explains_itself_in_both_languages() {
        let report = sample::hold();
        for finding in &report.findings {
            for lang in [Lang::Zh, Lang::En] {
                let text = explain_finding(&report, &finding.id, lang).unwrap();
                assert!(text.contains(&finding.id) && text.contains(finding.kind.name()));
            }
        }
        let inventory = explain_finding(&report, "cccc000000000001", Lang::En).unwrap();
        assert!(inventory.contains("Inventory"));
    }
}
