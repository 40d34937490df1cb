//! The report to print, read through and sign.

mod content;
mod dataset;
mod decision;
mod delta;
mod escape;

use crate::index::Index;
use crate::lang::Lang;
use crate::report::Report;

/// Rows shown in the longest tables; a printed report stays a document. JSON has all.
const MOST_FINDINGS: usize = 200;
const MOST_INVENTORY: usize = 100;
const MOST_OPAQUE: usize = 100;
const MOST_ROWS: usize = 200;
const MOST_SNIPPET_LINES: usize = 60;

/// The report as Markdown (CommonMark with tables and task lists), for a compliance officer. Text of what was scanned never becomes markup.
#[must_use]
pub fn markdown(report: &Report, lang: Lang) -> String {
    let index = Index::new(report);
    let mut doc = Document { out: String::new(), index: &index, report, lang };
    doc.title();
    doc.verdict();
    doc.causes();
    doc.delta();
    doc.chain();
    doc.classifications();
    doc.examined();
    doc.questions();
    doc.findings();
    doc.datasets();
    doc.opaque();
    doc.coverage();
    doc.subjects();
    doc.artifact_notes();
    doc.checklist();
    doc.standing_notes();
    doc.signatures();
    doc.versions();
    doc.out
}

/// A document being written.
struct Document<'a> {
    out: String,
    index: &'a Index<'a>,
    report: &'a Report,
    lang: Lang,
}

impl Document<'_> {
    fn heading(&mut self, zh: &str, en: &str) {
        let title = self.lang.pick(zh, en);
        self.out.push_str("\n## ");
        self.out.push_str(title);
        self.out.push_str("\n\n");
    }

    /// A line of finished Markdown.
    fn line(&mut self, markdown: &str) {
        self.out.push_str(markdown);
        self.out.push('\n');
    }

    /// The head of a table; columns that begin with `>` are set to the right.
    fn table(&mut self, columns: &[&str]) {
        self.row(&columns.iter().map(|c| c.trim_start_matches('>').to_owned()).collect::<Vec<_>>());
        self.row(
            &columns.iter().map(|c| if c.starts_with('>') { "---:" } else { "---" }.to_owned()).collect::<Vec<_>>(),
        );
    }

    /// A row of finished cells.
    fn row(&mut self, cells: &[String]) {
        self.out.push('|');
        for cell in cells {
            self.out.push(' ');
            self.out.push_str(cell);
            self.out.push_str(" |");
        }
        self.out.push('\n');
    }

    fn more(&mut self, n: usize) {
        if n > 0 {
            let n = crate::figures::thousands(n as u64);
            let text = match self.lang {
                Lang::Zh => format!("\n… 另有 {n} 项；JSON 报告列出全部。"),
                Lang::En => format!("\n… and {n} more; the JSON report has all."),
            };
            self.line(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn hold_zh() {
        insta::assert_snapshot!(markdown(&sample::hold(), Lang::Zh));
    }

    #[test]
    fn hold_en() {
        insta::assert_snapshot!(markdown(&sample::hold(), Lang::En));
    }

    #[test]
    fn pass_en() {
        insta::assert_snapshot!(markdown(&sample::pass(), Lang::En));
    }

    #[test]
    fn pass_zh() {
        insta::assert_snapshot!(markdown(&sample::pass(), Lang::Zh));
    }

    /// Cells of a table's row: bars that no backslash precedes.
    fn cells(row: &str) -> usize {
        let mut before = ' ';
        row.chars().filter(|&c| std::mem::replace(&mut before, c) != '\\' && c == '|').count()
    }

    #[test]
    fn tables_keep_their_shape_whatever_was_scanned() {
        let mut report = sample::hold();
        let evil = "a|b`c</td><script>alert(1)</script>\n# x\n|---|\u{202e}";
        for finding in &mut report.findings {
            finding.artifact = evil.to_owned();
            finding.sample = evil.to_owned();
            finding.properties.insert("x".to_owned(), evil.into());
        }
        for artifact in &mut report.artifacts {
            artifact.path = evil.to_owned();
        }
        for entry in &mut report.opaque {
            entry.artifact = evil.to_owned();
        }
        for row in &mut report.classifications {
            row.item.en = evil.to_owned();
            row.settled_by = Some(evil.to_owned());
        }
        report.verdict.questions[0].text.en = evil.to_owned();
        report.verdict.questions[0].snippet = Some("```\n<script>\n".to_owned());
        if let Some(shipment) = &mut report.shipment {
            shipment.purpose = Some(evil.to_owned());
        }
        let text = markdown(&report, Lang::En);
        let mut fenced = false;
        let mut columns = 0;
        for line in text.lines() {
            if line.starts_with("````") {
                fenced = !fenced;
            }
            if !fenced && !line.starts_with("```") && line.starts_with('|') {
                columns = if columns == 0 { cells(line) } else { columns };
                assert_eq!(cells(line), columns, "{line}");
            } else {
                columns = 0;
            }
        }
        let outside: Vec<&str> = text.split("````").step_by(2).collect();
        // Inside of code spans HTML is shown as it is; elsewhere it is escaped.
        for line in outside.iter().flat_map(|part| part.lines()) {
            let without_code: Vec<&str> = line.split("``").step_by(2).collect();
            assert!(!without_code.concat().contains("<script>"), "{line}");
        }
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn every_part_that_an_officer_signs_for_is_there() {
        for lang in [Lang::Zh, Lang::En] {
            let report = sample::hold();
            let text = markdown(&report, lang);
            for finding in report.findings.iter().filter(|f| !f.kind.info().inventory) {
                assert!(text.contains(&finding.id));
            }
            for entry in &report.opaque {
                assert!(text.contains(entry.digest.as_deref().unwrap()));
            }
            for item in &report.checklist {
                assert!(text.contains(&format!("- [ ] {}", lang.of(&item.text))));
            }
            for question in &report.verdict.questions {
                assert!(text.contains(question.snippet.as_deref().unwrap()), "{}", question.key);
            }
            assert!(text.contains(&report.rulebook.digest));
            assert!(text.contains(lang.of(&report.disclaimer)));
        }
    }

    #[test]
    fn a_hundred_thousand_findings_stay_a_document() {
        let start = std::time::Instant::now();
        let text = markdown(&sample::many(100_000), Lang::En);
        assert!(text.lines().count() < 700, "{}", text.lines().count());
        assert!(start.elapsed().as_secs() < 10);
    }
}
