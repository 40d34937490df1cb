//! The report at the prompt: the verdict first, then few causes for many findings, then all that a careful reader wants.

mod content;
mod dataset;
mod decision;
mod delta;
mod screen;

use crate::index::Index;
use crate::lang::Lang;
use crate::report::Report;
use crate::triage::{self, Cause};
use screen::Screen;

/// How the terminal report looks.
#[derive(Clone, Copy, Debug)]
pub struct TerminalOptions {
    /// Language of every label.
    pub lang: Lang,
    /// Columns; no line is wider. Widths under 40 are taken as 40.
    pub width: usize,
    /// Whether ANSI colours are used.
    pub colour: bool,
    /// Findings shown one by one; groups and counts always cover all. A group that holds the shipment shows at least one.
    pub max_findings: usize,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        TerminalOptions { lang: Lang::En, width: 80, colour: false, max_findings: 24 }
    }
}

/// The report as text for a terminal. No control character of what was scanned reaches it, and no line is wider than asked.
#[must_use]
pub fn terminal(report: &Report, options: &TerminalOptions) -> String {
    let index = Index::new(report);
    let causes = triage::causes(&index, options.lang);
    let screen = Screen::new(options.width.max(40), options.colour);
    let mut page = Page { screen, index: &index, causes: &causes, report, lang: options.lang };
    page.banner();
    page.triage();
    page.delta();
    page.chain();
    page.questions();
    page.rows();
    page.examined();
    page.findings(options.max_findings);
    page.datasets();
    page.artifact_notes();
    page.coverage();
    page.subjects();
    page.checklist();
    page.standing_notes();
    page.footer();
    page.screen.into_text()
}

/// A page being written.
struct Page<'a> {
    screen: Screen,
    index: &'a Index<'a>,
    causes: &'a [Cause<'a>],
    report: &'a Report,
    lang: Lang,
}

impl Page<'_> {
    /// `… and N more; --format json has all.`
    fn more(&mut self, indent: usize, n: usize) {
        if n > 0 {
            let n = crate::figures::thousands(n as u64);
            let text = match self.lang {
                Lang::Zh => format!("… 另有 {n} 项；--format json 列出全部"),
                Lang::En => format!("… and {n} more; --format json has all"),
            };
            self.screen.para(indent, screen::Tone::Dim, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::sample;

    fn options(lang: Lang, width: usize) -> TerminalOptions {
        TerminalOptions { lang, width, ..TerminalOptions::default() }
    }

    fn show(report: &Report, lang: Lang) -> String {
        terminal(report, &options(lang, 80))
    }

    #[test]
    fn hold_zh() {
        insta::assert_snapshot!(show(&sample::hold(), Lang::Zh));
    }

    #[test]
    fn hold_en() {
        insta::assert_snapshot!(show(&sample::hold(), Lang::En));
    }

    #[test]
    fn pass_zh() {
        insta::assert_snapshot!(show(&sample::pass(), Lang::Zh));
    }

    #[test]
    fn pass_en() {
        insta::assert_snapshot!(show(&sample::pass(), Lang::En));
    }

    #[test]
    fn empty_en() {
        insta::assert_snapshot!(show(&sample::empty(), Lang::En));
    }

    #[test]
    fn thousands_en() {
        insta::assert_snapshot!(show(&sample::many(5000), Lang::En));
    }

    #[test]
    fn hold_en_narrow() {
        insta::assert_snapshot!(terminal(&sample::hold(), &options(Lang::En, 60)));
    }

    #[test]
    fn hold_zh_wide() {
        insta::assert_snapshot!(terminal(&sample::hold(), &options(Lang::Zh, 140)));
    }

    #[test]
    fn what_is_wrong_with_a_report_is_said_before_anything_else() {
        let mut report = sample::pass();
        report.coverage.inspected += 1;
        assert!(show(&report, Lang::En).contains("do not add up"));
        report.complete = false;
        assert!(show(&report, Lang::En).lines().take(8).any(|l| l.contains("interrupted")));
        assert!(show(&sample::empty(), Lang::Zh).contains("没有扫描到内容"));
        assert!(!show(&sample::pass(), Lang::En).contains("add up"));
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        for report in [sample::empty(), sample::pass(), sample::hold(), sample::many(400)] {
            for width in [40, 60, 79, 80, 100, 132, 200] {
                for lang in [Lang::Zh, Lang::En] {
                    for line in terminal(&report, &options(lang, width)).lines() {
                        assert!(line.width() <= width, "{} > {width}: {line}", line.width());
                        assert!(!line.ends_with(' '), "{line:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let plain = show(&sample::hold(), Lang::Zh);
        assert!(!plain.contains('\u{1b}'));
        let coloured = terminal(&sample::hold(), &TerminalOptions { colour: true, ..options(Lang::Zh, 80) });
        let mut stripped = String::new();
        for (at, part) in coloured.split('\u{1b}').enumerate() {
            stripped.push_str(if at == 0 { part } else { part.split_once('m').expect("a colour code").1 });
        }
        assert_eq!(stripped, plain);
        assert!(coloured.contains("\u{1b}[1;31m"));
    }

    #[test]
    fn nothing_that_was_scanned_reaches_the_terminal_as_a_control_character() {
        let mut report = sample::hold();
        let evil = "\u{1b}[2J\u{1b}]0;x\u{7}\r\n\u{202e}gpj.exe\u{9b}31m";
        for finding in &mut report.findings {
            finding.artifact.push_str(evil);
            finding.sample.push_str(evil);
            finding.properties.insert("x".to_owned(), evil.into());
        }
        for artifact in &mut report.artifacts {
            artifact.path.push_str(evil);
        }
        for entry in &mut report.opaque {
            entry.artifact.push_str(evil);
            entry.digest = Some(evil.to_owned());
        }
        for question in &mut report.verdict.questions {
            question.key.push_str(evil);
            question.snippet = Some(evil.to_owned());
            question.about.push(evil.to_owned());
        }
        report.classifications[0].row.push_str(evil);
        report.rulebook.id.push_str(evil);
        for lang in [Lang::Zh, Lang::En] {
            let text = show(&report, lang);
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
            assert!(!text.contains('\u{202e}'));
            assert!(text.lines().all(|l| l.width() <= 80));
        }
    }

    #[test]
    fn a_long_snippet_keeps_its_head_and_its_end() {
        let mut report = sample::hold();
        let lines: Vec<String> = (0..90).map(|n| format!("k{n}:")).collect();
        report.verdict.questions[0].snippet = Some(lines.join("\n"));
        let text = show(&report, Lang::En);
        assert!(text.contains("k0:") && text.contains("k89:") && !text.contains("k40:"));
        assert!(text.contains("# 70 lines more, see --format json"));
    }

    #[test]
    fn the_first_lines_and_the_last_say_the_verdict() {
        for (report, word) in [(sample::pass(), "PASS"), (sample::hold(), "HOLD")] {
            for lang in [Lang::Zh, Lang::En] {
                let text = show(&report, lang);
                assert!(text.lines().nth(1).unwrap().contains(word));
                assert!(text.lines().last().unwrap().contains(word));
            }
        }
    }

    #[test]
    fn every_question_key_and_every_accepted_digest_can_be_copied() {
        let report = sample::hold();
        let text = terminal(&report, &options(Lang::En, 120));
        for question in &report.verdict.questions {
            assert!(text.contains(&question.key));
        }
        for entry in &report.opaque {
            assert!(text.contains(entry.digest.as_deref().unwrap()));
        }
    }

    #[test]
    fn a_hundred_thousand_findings_are_shown_shortly_and_soon() {
        let report = sample::many(100_000);
        let start = std::time::Instant::now();
        let text = show(&report, Lang::En);
        let took = start.elapsed();
        assert!(text.lines().count() < 260, "{}", text.lines().count());
        assert!(text.contains("100,000 findings"));
        assert!(text.contains("more; --format json has all"));
        // Ample for a loaded machine; an unloaded one takes a fifth of a second.
        assert!(took.as_secs() < 5, "{took:?}");
    }

    #[test]
    fn a_name_of_a_megabyte_takes_two_lines_and_no_time() {
        let mut report = sample::hold();
        let long = "车/a b".repeat(200_000);
        report.findings.iter_mut().for_each(|f| f.artifact.clone_from(&long));
        report.artifacts.iter_mut().for_each(|a| a.path.clone_from(&long));
        report.opaque.iter_mut().for_each(|o| o.artifact.clone_from(&long));
        report.verdict.questions[1].snippet = Some(format!("a: \"{long}\""));
        let start = std::time::Instant::now();
        let text = show(&report, Lang::En);
        assert!(text.lines().count() < 220, "{}", text.lines().count());
        assert!(start.elapsed().as_secs() < 10);
    }

    proptest! {
        #[test]
        fn any_path_and_text_keeps_the_page(
            path in "\\PC{0,200}", sample_text in "\\PC{0,60}", width in 40usize..160, max_findings in 0usize..12,
        ) {
            let mut report = sample::hold();
            for finding in &mut report.findings {
                finding.artifact.clone_from(&path);
                finding.sample.clone_from(&sample_text);
            }
            report.verdict.reasons[0].text.en.clone_from(&path);
            report.classifications[0].item.en.clone_from(&sample_text);
            report.verdict.questions[0].snippet = Some(path);
            let text = terminal(&report, &TerminalOptions { max_findings, ..options(Lang::En, width) });
            for line in text.lines() {
                prop_assert!(line.width() <= width, "{} > {}: {}", line.width(), width, line);
            }
        }
    }
}
