//! The decision: verdict, causes, chain, rows, questions, duties, signatures, versions.

use yumen_model::verdict::{Classification, Outcome};

use super::escape::{block, code, text};
use super::{Document, MOST_ROWS, MOST_SNIPPET_LINES};
use crate::figures::{Noun, bytes, counted, duration};
use crate::lang::Lang;
use crate::triage;
use crate::vocabulary;
use crate::words;

impl Document<'_> {
    /// Title, and what the report is about.
    pub(super) fn title(&mut self) {
        let (lang, report) = (self.lang, self.report);
        self.line(lang.pick("# 汽车数据出境检查报告", "# Outbound inspection of automotive data"));
        self.line("");
        let line = format!("*{}*", text(lang.of(&report.disclaimer)));
        self.line(&line);
        self.line("");
        self.table(&[lang.pick("项目", "item"), lang.pick("内容", "content")]);
        let mut item = |zh: &str, en: &str, cell: String| {
            if !cell.is_empty() {
                self.row(&[lang.pick(zh, en).to_owned(), cell]);
            }
        };
        if let Some(shipment) = &report.shipment {
            item("货件", "shipment", text(&shipment.id));
            item("提供方", "processor", text(shipment.processor.as_deref().unwrap_or("")));
            if let Some(to) = &shipment.recipient {
                item("境外接收方", "recipient abroad", text(&format!("{} ({})", to.name, to.country)));
            }
            item("场景", "scenario", text(shipment.scenario.as_deref().unwrap_or("")));
            item("目的", "purpose", text(shipment.purpose.as_deref().unwrap_or("")));
            item("出境日期", "day of transfer", text(shipment.transfer_date.as_deref().unwrap_or("")));
        } else {
            item("货件", "shipment", lang.pick("未提供货件清单", "no manifest was given").to_owned());
        }
        for input in &report.inputs {
            let size = input.bytes.map(bytes).unwrap_or_default();
            item("输入", "input", [code(&input.path), size].join(" ").trim().to_owned());
        }
        item("规则", "rules", text(&report.rulebook.edition));
        item("判定日期", "judged as of", text(report.verdict.as_of.as_deref().unwrap_or("")));
    }

    /// The verdict in a box.
    pub(super) fn verdict(&mut self) {
        let (lang, report) = (self.lang, self.report);
        self.heading("判定", "Verdict");
        let verdict = &report.verdict;
        let mut lines = vec![format!("**{}**", words::outcome(lang, verdict))];
        lines.push(format!("{}{}", lang.pick("途径：", "Route: "), words::route(lang, verdict.route)));
        if !verdict.classes.is_empty() {
            let classes: Vec<&str> = verdict.classes.iter().map(|&c| words::class(lang, c)).collect();
            lines.push(format!("{}{}", lang.pick("内容：", "Classes: "), classes.join(lang.pick("、", ", "))));
        }
        lines.push(format!("{}{}", lang.pick("原因：", "Why: "), text(triage::why(self.index, lang))));
        if report.summary.artifacts == 0 {
            lines.push(format!("**{}**", words::nothing_scanned(lang)));
        }
        if !report.complete {
            lines.push(
                lang.pick(
                    "**扫描中断：本报告只含已检视的部分。**",
                    "**The scan was interrupted: this report covers a part only.**",
                )
                .to_owned(),
            );
        }
        let quoted: Vec<String> = lines.iter().map(|l| format!("> {l}")).collect();
        self.line(&quoted.join("\n>\n"));
    }

    /// Few causes for many findings.
    pub(super) fn causes(&mut self) {
        let lang = self.lang;
        let causes = triage::causes(self.index, lang);
        if causes.is_empty() {
            return;
        }
        self.heading("扣留原因与处理", "What holds it, and what to do");
        for (at, cause) in causes.iter().enumerate() {
            let line = format!("{}. **{}**", at + 1, text(&cause.text));
            self.line(&line);
            let mut detail = Vec::new();
            if cause.similar > 0 {
                detail.push(match lang {
                    Lang::Zh => format!("另有 {} 条同类原因", cause.similar),
                    Lang::En => format!("and {} more of this kind", cause.similar),
                });
            }
            if !cause.extent.is_empty() {
                detail.push(cause.extent.clone());
            }
            if let Some(path) = cause.example {
                detail.push(format!("{}{}", lang.pick("例如 ", "e.g. "), code(path)));
            }
            if !detail.is_empty() {
                let line = format!("   - {}", detail.join(lang.pick("；", "; ")));
                self.line(&line);
            }
            for action in &cause.actions {
                let line = format!("   - {}{}", lang.pick("处理：", "To do: "), text(action));
                self.line(&line);
            }
        }
    }

    /// The chain that led to the verdict.
    pub(super) fn chain(&mut self) {
        let (lang, reasons) = (self.lang, &self.report.verdict.reasons);
        self.heading("判定依据", "How the verdict was reached");
        if reasons.is_empty() {
            let line = text(triage::why(self.index, lang));
            self.line(&line);
            return;
        }
        self.table(&["#", lang.pick("依据", "reason"), lang.pick("扣留", "holds"), lang.pick("代码", "code")]);
        for (at, reason) in reasons.iter().take(MOST_ROWS).enumerate() {
            let holds = if reason.holds { lang.pick("是", "yes") } else { "" };
            self.row(&[(at + 1).to_string(), text(lang.of(&reason.text)), holds.to_owned(), code(&reason.code)]);
        }
        self.more(reasons.len().saturating_sub(MOST_ROWS));
    }

    /// Rows of the rulebook with their provenance.
    pub(super) fn classifications(&mut self) {
        let (lang, rows) = (self.lang, &self.report.classifications);
        self.heading("分类", "Classification");
        if rows.is_empty() {
            self.line(lang.pick("没有适用的规则行。", "No row of the rulebook applies."));
            return;
        }
        self.table(&[
            lang.pick("规则行", "row"),
            lang.pick("类别", "class"),
            lang.pick("数据项", "item"),
            lang.pick("状态", "status"),
            lang.pick("依据的内容", "because of"),
            lang.pick("规则来源", "provenance of the row"),
        ]);
        for row in rows.iter().take(MOST_ROWS) {
            let mut status = text(words::status(lang, &row.status));
            if let Some(by) = &row.settled_by {
                status = format!("{status}: {}", text(by));
            }
            self.row(&[
                text(&row.row),
                words::class(lang, row.class).to_owned(),
                text(lang.of(&row.item)),
                status,
                self.because(row),
                text(&vocabulary::provenance(lang, &row.provenance).join(lang.pick("；", "; "))),
            ]);
        }
        self.more(rows.len().saturating_sub(MOST_ROWS));
    }

    /// Rows of several limbs, limb by limb.
    pub(super) fn examined(&mut self) {
        let (lang, rows) = (self.lang, &self.report.examined);
        if rows.is_empty() {
            return;
        }
        self.heading("逐项检验的规则行", "Rows examined limb by limb");
        let heads = [
            ("规则行", "row"),
            ("要件", "limb"),
            ("状态", "state"),
            ("依据的内容", "because of"),
            ("不计入（形式不符）", "not counting (form)"),
        ];
        self.table(&heads.map(|(zh, en)| lang.pick(zh, en)));
        for row in rows.iter().take(MOST_ROWS) {
            let whole = format!("**{}**", words::limb(lang, &row.state));
            self.row(&[text(&row.row), text(lang.of(&row.item)), whole, String::new(), String::new()]);
            for limb in &row.limbs {
                let name = |id: &String| match self.index.exact(id) {
                    Some(f) => format!("{} {}", code(f.kind.name()), code(&f.artifact)),
                    None => code(id),
                };
                let list = |ids: &[String]| ids.iter().take(6).map(name).collect::<Vec<_>>().join("<br>");
                let state = words::limb(lang, &limb.state).to_owned();
                let cells = [String::new(), text(lang.of(&limb.title)), state, list(&limb.because), list(&limb.beside)];
                self.row(&cells);
            }
        }
    }

    fn because(&self, row: &Classification) -> String {
        let lang = self.lang;
        let mut parts = Vec::new();
        let findings = row.because.iter().filter(|b| self.index.exact(b).is_some()).count() as u64;
        if findings > 0 {
            parts.push(counted(lang, findings, Noun::Finding));
        }
        for because in row.because.iter().filter(|b| self.index.exact(b).is_none()).take(6) {
            parts.push(code(because));
        }
        parts.join(lang.pick("，", ", "))
    }

    /// What only a person can answer, with what to put into the manifest.
    pub(super) fn questions(&mut self) {
        let (lang, questions) = (self.lang, &self.report.verdict.questions);
        if questions.is_empty() {
            return;
        }
        self.heading("待答复的问题", "Open questions");
        for (at, question) in questions.iter().take(MOST_ROWS).enumerate() {
            let number = at + 1;
            let line = format!(
                "**{number}. {}**  \n{} {}",
                text(lang.of(&question.text)),
                lang.pick("填写于 shipment.yaml：", "Settled in shipment.yaml by"),
                code(&question.key)
            );
            self.line(&line);
            self.line("");
            if let Some(snippet) = &question.snippet {
                let lines: Vec<&str> = snippet.lines().collect();
                let block = block(&lines[..lines.len().min(MOST_SNIPPET_LINES)]);
                self.line(&block);
                self.more(lines.len().saturating_sub(MOST_SNIPPET_LINES));
            }
        }
        self.more(questions.len().saturating_sub(MOST_ROWS));
    }

    /// Duties that go with the transfer, to be ticked.
    pub(super) fn checklist(&mut self) {
        let (lang, items) = (self.lang, &self.report.checklist);
        if items.is_empty() {
            return;
        }
        self.heading("出境安全保护清单", "Protection checklist");
        for item in items {
            let line = format!("- [ ] {} ({})", text(lang.of(&item.text)), text(&item.id));
            self.line(&line);
        }
    }

    /// Standing notes of the rulebook and what an overlay loosened.
    pub(super) fn standing_notes(&mut self) {
        let (lang, notes) = (self.lang, &self.report.notes);
        if notes.is_empty() {
            return;
        }
        self.heading("说明", "Notes on the rules");
        for note in notes {
            let line = format!("- {} ({})", text(lang.of(&note.text)), text(&note.code));
            self.line(&line);
        }
    }

    /// Where those who answer for it sign.
    pub(super) fn signatures(&mut self) {
        let lang = self.lang;
        self.heading("签署", "Signatures");
        let line = match (lang, self.report.verdict.outcome) {
            (Lang::Zh, Outcome::Pass) => "签署人已核对上述申报事实，并对其真实性负责。",
            (Lang::Zh, Outcome::Hold) => "签署人已阅知上述扣留原因；在扣留解除之前不得出境。",
            (Lang::En, Outcome::Pass) => "The undersigned have checked the declared facts and answer for them.",
            (Lang::En, Outcome::Hold) => {
                "The undersigned have taken note of what holds this shipment; it stays until that is settled."
            }
        };
        self.line(line);
        self.line("");
        self.table(&[
            lang.pick("角色", "role"),
            lang.pick("姓名", "name"),
            lang.pick("签字", "signature"),
            lang.pick("日期", "date"),
        ]);
        for (zh, en) in [("经办人", "prepared by"), ("数据合规负责人", "compliance officer"), ("批准人", "approved by")]
        {
            let blank = || "&nbsp;".to_owned();
            self.row(&[lang.pick(zh, en).to_owned(), blank(), blank(), blank()]);
        }
    }

    /// What exactly was judged, by what, under which rules.
    pub(super) fn versions(&mut self) {
        let (lang, report) = (self.lang, self.report);
        self.heading("摘要与版本", "Digests and versions");
        self.table(&[lang.pick("对象", "of"), lang.pick("值", "value")]);
        if let Some(shipment) = &report.shipment {
            self.row(&[lang.pick("货件清单", "manifest").to_owned(), code(&shipment.digest)]);
        }
        for input in &report.inputs {
            if let Some(digest) = &input.digest {
                self.row(&[code(&input.path), code(digest)]);
            }
        }
        let book = &report.rulebook;
        let annex = vocabulary::word(lang, "annex", &book.annex);
        let title = match lang {
            Lang::Zh => format!("规则库 {}（附表{annex}）", book.id),
            Lang::En => format!("rulebook {} (annex {annex})", book.id),
        };
        self.row(&[text(&title), code(&book.digest)]);
        self.row(&[text(&report.tool.name), text(&report.tool.version)]);
        self.row(&[lang.pick("报告格式", "report form").to_owned(), code(&report.schema)]);
        if let Some(run) = &report.run {
            let when = format!("{} – {} ({})", run.started, run.finished, duration(lang, run.duration_s));
            self.row(&[lang.pick("扫描", "scan").to_owned(), text(&when)]);
        }
        self.line("");
        let line = text(lang.of(&report.disclaimer));
        self.line(&line);
    }
}
