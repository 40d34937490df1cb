//! The decision: banner, causes, chain, questions, rows, and the lines at the foot.

use yumen_model::verdict::{Outcome, Question, Route};

use super::Page;
use super::screen::Tone;
use crate::figures::{Noun, counted, duration, thousands};
use crate::lang::Lang;
use crate::layout::{clean, fit, fit_path, pad, width};
use crate::snippet;
use crate::triage;
use crate::vocabulary;
use crate::words;

/// Reasons, questions and rows shown; the rest is counted.
const MOST_REASONS: usize = 16;
const MOST_CAUSES: usize = 6;
const MOST_QUESTIONS: usize = 10;
const MOST_ROWS: usize = 12;
const MOST_SNIPPET_LINES: usize = 20;
/// Of a longer one, so many lines from its end.
const SNIPPET_TAIL: usize = 8;
const MOST_DUTIES: usize = 8;

impl Page<'_> {
    fn tone(&self) -> Tone {
        match self.report.verdict.outcome {
            Outcome::Pass => Tone::Green,
            Outcome::Hold => Tone::Red,
        }
    }

    /// The verdict, the route, and why, before anything else.
    pub(super) fn banner(&mut self) {
        let (lang, report, tone) = (self.lang, self.report, self.tone());
        self.screen.rule(tone);
        self.screen.para(2, tone, words::outcome(lang, &report.verdict));
        let route = words::route(lang, report.verdict.route);
        self.screen.item(2, (Tone::Dim, lang.pick("途径  ", "route    ")), Tone::Plain, route);
        if !report.verdict.classes.is_empty() {
            let classes: Vec<&str> = report.verdict.classes.iter().map(|&c| words::class(lang, c)).collect();
            let classes = classes.join(lang.pick("、", ", "));
            self.screen.item(2, (Tone::Dim, lang.pick("内容  ", "classes  ")), Tone::Plain, &classes);
        }
        let why = triage::why(self.index, lang);
        self.screen.item(2, (Tone::Dim, lang.pick("原因  ", "why      ")), Tone::Plain, why);
        if let Some(shipment) = &report.shipment {
            let mut text = shipment.id.clone();
            if let Some(to) = &shipment.recipient {
                text = format!("{text} → {} ({})", to.name, to.country);
            }
            self.screen.item(2, (Tone::Dim, lang.pick("货件  ", "shipment ")), Tone::Plain, &text);
        }
        if report.summary.artifacts == 0 {
            self.screen.para(2, Tone::Yellow, words::nothing_scanned(lang));
        }
        if !report.complete {
            let text =
                lang.pick("扫描中断：以下只是已检视的部分。", "The scan was interrupted: what follows is a part only.");
            self.screen.para(2, Tone::Red, text);
        }
        self.screen.rule(tone);
    }

    /// Few causes for many findings.
    pub(super) fn triage(&mut self) {
        let lang = self.lang;
        let causes = self.causes;
        if causes.is_empty() {
            return;
        }
        let n = counted(lang, causes.len() as u64, Noun::Cause);
        let heading = match (lang, causes.len()) {
            (Lang::Zh, _) => format!("{n}使其暂不可出境"),
            (Lang::En, 1) => "1 cause holds this shipment".to_owned(),
            (Lang::En, _) => format!("{n} hold this shipment"),
        };
        self.screen.heading(&heading);
        for (at, cause) in causes.iter().take(MOST_CAUSES).enumerate() {
            let number = format!("{:>2}. ", at + 1);
            self.screen.item(0, (Tone::Red, &number), Tone::Bold, &cause.text);
            if cause.similar > 0 {
                let text = match lang {
                    Lang::Zh => format!("另有 {} 条同类原因，见下文。", cause.similar),
                    Lang::En if cause.similar == 1 => "1 more reason of this kind, see below.".to_owned(),
                    Lang::En => format!("{} more reasons of this kind, see below.", cause.similar),
                };
                self.screen.para(4, Tone::Plain, &text);
            }
            let room = self.screen.room(4) * 2;
            let example = cause.example.map(|path| fit_path(path, room)).map(|path| match lang {
                Lang::Zh => format!("例如 {path}"),
                Lang::En => format!("e.g. {path}"),
            });
            let parts: Vec<&str> = [cause.extent.as_str(), example.as_deref().unwrap_or("")]
                .into_iter()
                .filter(|s| !s.is_empty())
                .collect();
            if !parts.is_empty() {
                self.screen.para(4, Tone::Plain, &parts.join(lang.pick("，", ", ")));
            }
            for (at, action) in cause.actions.iter().enumerate() {
                let lead = if at == 0 { lang.pick("处理：", "do: ") } else { lang.pick("      ", "    ") };
                self.screen.item(4, (Tone::Cyan, lead), Tone::Plain, action);
            }
        }
        self.more(4, causes.len().saturating_sub(MOST_CAUSES));
    }

    /// The chain that led to the verdict.
    pub(super) fn chain(&mut self) {
        let (lang, reasons) = (self.lang, &self.report.verdict.reasons);
        if reasons.is_empty() {
            return;
        }
        self.screen.heading(lang.pick("判定依据", "How the verdict was reached"));
        for reason in reasons.iter().take(MOST_REASONS) {
            let lead = if reason.holds { (Tone::Red, "  ✗ ") } else { (Tone::Dim, "  · ") };
            self.screen.item(0, lead, Tone::Plain, lang.of(&reason.text));
        }
        self.more(4, reasons.len().saturating_sub(MOST_REASONS));
        if let Some(date) = &self.report.verdict.as_of {
            let text = match lang {
                Lang::Zh => format!("按 {date} 判定"),
                Lang::En => format!("judged as of {date}"),
            };
            self.screen.para(4, Tone::Dim, &text);
        }
    }

    /// What only a person can answer.
    pub(super) fn questions(&mut self) {
        let (lang, questions) = (self.lang, &self.report.verdict.questions);
        if questions.is_empty() {
            return;
        }
        let heading = match lang {
            Lang::Zh => format!("待答复的问题（{}）", questions.len()),
            Lang::En => format!("Open questions ({})", questions.len()),
        };
        self.screen.heading(&heading);
        for (at, question) in questions.iter().take(MOST_QUESTIONS).enumerate() {
            let number = format!("{:>2}. ", at + 1);
            self.screen.item(0, (Tone::Yellow, &number), Tone::Plain, lang.of(&question.text));
            self.screen.item(4, (Tone::Dim, lang.pick("填写于 ", "settled by ")), Tone::Cyan, &question.key);
            let room = self.screen.room(10) * 2;
            let mut about: Vec<String> = self.about(question).take(3).map(|a| fit_path(a, room).into_owned()).collect();
            let rest = question.about.len().saturating_sub(about.len());
            if rest > 0 && !about.is_empty() {
                about.push(format!("+{}", thousands(rest as u64)));
            }
            self.screen.flow(4, (Tone::Dim, lang.pick("涉及 ", "about ")), Tone::Dim, &about);
            if let Some(snippet) = &question.snippet {
                let lines = snippet::fold(snippet, self.screen.room(6));
                let rest = lines.len().saturating_sub(MOST_SNIPPET_LINES);
                let head = if rest > 0 { MOST_SNIPPET_LINES - SNIPPET_TAIL } else { lines.len() };
                for line in &lines[..head] {
                    self.screen.line(6, &[(Tone::Green, line)]);
                }
                self.more_lines(6, rest);
                for line in &lines[head + rest..] {
                    self.screen.line(6, &[(Tone::Green, line)]);
                }
            }
        }
        self.more(4, questions.len().saturating_sub(MOST_QUESTIONS));
    }

    /// What a question is about; opaque bytes by their path, since the digests stand in the snippet.
    fn about<'q>(&'q self, question: &'q Question) -> impl Iterator<Item = &'q str> {
        let index = self.index;
        question.about.iter().map(move |about| index.path_of(about).unwrap_or(about))
    }

    fn more_lines(&mut self, indent: usize, n: usize) {
        if n > 0 {
            let n = counted(self.lang, n as u64, Noun::Line);
            let text = match self.lang {
                Lang::Zh => format!("# 另有 {n}，见 --format json"),
                Lang::En => format!("# {n} more, see --format json"),
            };
            self.screen.para(indent, Tone::Dim, &text);
        }
    }

    /// The rows of the rulebook that apply.
    pub(super) fn rows(&mut self) {
        let (lang, rows) = (self.lang, &self.report.classifications);
        if rows.is_empty() {
            return;
        }
        self.screen.heading(lang.pick("适用的规则行", "Rows of the rulebook that apply"));
        let lead_width = rows.iter().take(MOST_ROWS).map(|r| width(&r.row)).max().unwrap_or(0).min(16);
        for row in rows.iter().take(MOST_ROWS) {
            let id = clean(&row.row);
            let lead = format!("  {}  ", pad(&fit(&id, lead_width), lead_width));
            let class = words::class(lang, row.class);
            let mut parts = vec![lang.of(&row.item).to_owned()];
            if parts[0] != class {
                parts.insert(0, class.to_owned());
            }
            if !matches!(row.status.as_str(), "" | "firm") {
                parts.push(words::status(lang, &row.status).to_owned());
            }
            if let Some(by) = &row.settled_by {
                parts.push(by.clone());
            }
            let findings = row.because.iter().filter(|b| self.index.exact(b).is_some()).count() as u64;
            if findings > 0 {
                parts.push(counted(lang, findings, Noun::Finding));
            }
            let facts: Vec<&str> = row.because.iter().filter_map(|b| b.strip_prefix("fact:")).take(3).collect();
            if !facts.is_empty() {
                parts.push(format!("{} {}", lang.pick("申报", "declared"), facts.join(", ")));
            }
            if let Some(criterion) = row.provenance.get("criterion").and_then(|c| c.as_str()).filter(|c| *c != "known")
            {
                parts.push(vocabulary::word(lang, "criterion", criterion).to_owned());
            }
            self.screen.flow(0, (Tone::Yellow, &lead), Tone::Plain, &parts);
        }
        self.more(4, rows.len().saturating_sub(MOST_ROWS));
    }

    /// Rows of several limbs, limb by limb.
    pub(super) fn examined(&mut self) {
        let (lang, rows) = (self.lang, &self.report.examined);
        if rows.is_empty() {
            return;
        }
        self.screen.heading(lang.pick("逐项检验的规则行", "Rows examined limb by limb"));
        for row in rows.iter().take(MOST_ROWS) {
            let lead = format!("  {}  ", clean(&row.row));
            let text = format!("{} · {}", lang.of(&row.item), words::limb(lang, &row.state));
            self.screen.item(0, (Tone::Yellow, &lead), Tone::Plain, &text);
            for limb in &row.limbs {
                let lead = match limb.state.as_str() {
                    "holds" => (Tone::Red, "    ✓ "),
                    "fails" => (Tone::Dim, "    ✗ "),
                    _ => (Tone::Yellow, "    ? "),
                };
                let text = self.limb(limb);
                self.screen.item(0, lead, Tone::Plain, &text);
            }
        }
    }

    fn limb(&self, limb: &yumen_model::verdict::Limb) -> String {
        let lang = self.lang;
        let mut parts = vec![format!("{}: {}", lang.of(&limb.title), words::limb(lang, &limb.state))];
        let facts: Vec<&str> = limb.because.iter().filter_map(|b| b.strip_prefix("fact:")).collect();
        if !facts.is_empty() {
            parts.push(format!("{} {}", lang.pick("申报", "declared"), clean(&facts.join(", "))));
        }
        let mut found = limb.because.iter().filter_map(|b| self.index.exact(b));
        if let Some(first) = found.next() {
            let more = found.count() as u64;
            parts.push(format!("{} {}", first.kind, clean(&first.artifact)));
            if more > 0 {
                parts.push(format!("+{}", thousands(more)));
            }
        }
        if !limb.beside.is_empty() {
            let n = counted(lang, limb.beside.len() as u64, Noun::Finding);
            parts.push(format!("{}{n}", lang.pick("不计入（形式不符）：", "not counting, of another form: ")));
        }
        parts.join(lang.pick("；", "; "))
    }

    /// Duties that go with the transfer.
    pub(super) fn checklist(&mut self) {
        let (lang, items) = (self.lang, &self.report.checklist);
        if items.is_empty() {
            return;
        }
        self.screen.heading(lang.pick("出境安全保护清单", "Protection checklist"));
        for item in items.iter().take(MOST_DUTIES) {
            self.screen.item(0, (Tone::Dim, "  [ ] "), Tone::Plain, lang.of(&item.text));
        }
        let rest = items.len().saturating_sub(MOST_DUTIES);
        if rest > 0 {
            let n = counted(lang, rest as u64, Noun::Item);
            let text = match lang {
                Lang::Zh => format!("… 另有 {n}；--format markdown 列出全部"),
                Lang::En => format!("… and {n} more; --format markdown has all"),
            };
            self.screen.para(6, Tone::Dim, &text);
        }
    }

    /// Standing notes of the rulebook and what was loosened.
    pub(super) fn standing_notes(&mut self) {
        let (lang, notes) = (self.lang, &self.report.notes);
        if notes.is_empty() {
            return;
        }
        self.screen.heading(lang.pick("说明", "Notes on the rules"));
        for note in notes {
            self.screen.item(0, (Tone::Dim, "  · "), Tone::Plain, lang.of(&note.text));
        }
    }

    /// Which build and rules, the disclaimer, and the verdict once more, next to the prompt.
    pub(super) fn footer(&mut self) {
        let (lang, report) = (self.lang, self.report);
        self.screen.blank();
        let book = &report.rulebook;
        let mut parts = vec![format!("{} {}", report.tool.name, report.tool.version)];
        let annex = vocabulary::word(lang, "annex", &book.annex);
        parts.push(match lang {
            Lang::Zh => format!("规则库 {}（附表{annex}）", book.id),
            Lang::En => format!("rulebook {} (annex {annex})", book.id),
        });
        if !book.digest.is_empty() {
            let digest: String = book.digest.chars().take(19).collect();
            parts.push(digest);
        }
        if let Some(run) = &report.run {
            parts.push(duration(lang, run.duration_s));
        }
        self.screen.flow(0, (Tone::Plain, ""), Tone::Dim, &parts);
        self.screen.para(0, Tone::Dim, lang.of(&report.disclaimer));
        let mut last = vec![words::outcome(lang, &report.verdict).to_owned()];
        if report.verdict.route != Route::Undetermined {
            last.push(words::route(lang, report.verdict.route).to_owned());
        }
        let causes = self.causes.len() as u64;
        if causes > 0 {
            last.push(counted(lang, causes, Noun::Cause));
        }
        let questions = report.verdict.questions.len() as u64;
        if questions > 0 {
            last.push(match lang {
                Lang::Zh => format!("{}待答复", counted(lang, questions, Noun::Question)),
                Lang::En => format!("{} open", counted(lang, questions, Noun::Question)),
            });
        }
        let tone = self.tone();
        self.screen.flow(0, (Tone::Plain, ""), tone, &last);
    }
}
