//! What is in it: findings, opaque bytes, coverage, subjects, notes on artifacts.

use std::collections::BTreeMap;

use yumen_model::finding::Finding;

use super::escape::{code, text};
use super::{Document, MOST_FINDINGS, MOST_INVENTORY, MOST_OPAQUE};
use crate::figures::{Noun, adds_up, bytes, confidence, counted, percent, thousands};
use crate::index::{Group, described, share};
use crate::lang::Lang;
use crate::place::{place, properties};
use crate::words;

impl Document<'_> {
    /// Groups of findings, then the findings themselves, the most important first.
    pub(super) fn findings(&mut self) {
        let lang = self.lang;
        self.heading("发现", "Findings");
        let groups = self.index.groups();
        if groups.is_empty() {
            self.line(lang.pick("没有发现。", "Nothing was found."));
            return;
        }
        let (inventory, alarms): (Vec<_>, Vec<_>) = groups.into_iter().partition(Group::inventory);
        self.table(&[
            lang.pick("类别", "class"),
            lang.pick("数据种类", "kind"),
            lang.pick(">发现", ">findings"),
            lang.pick(">次数", ">occurrences"),
            lang.pick(">制品", ">artifacts"),
        ]);
        for group in alarms.iter().chain(&inventory) {
            let class = match group.inventory() {
                true => lang.pick("清单", "inventory"),
                false => words::group_title(lang, group.class, group.holds),
            };
            self.row(&[
                class.to_owned(),
                format!("{} {}", words::kind(lang, group.kind), code(group.kind.name())),
                thousands(group.findings.len() as u64),
                thousands(group.occurrences),
                thousands(group.artifacts),
            ]);
        }
        self.inventory(&inventory);
        if alarms.is_empty() {
            self.line("");
            self.line(lang.pick("未见须管理的数据。", "Nothing regulated was found."));
            return;
        }
        self.line("");
        self.table(&[
            lang.pick("数据种类", "kind"),
            lang.pick("制品", "artifact"),
            lang.pick("位置", "place"),
            lang.pick(">次数", ">count"),
            lang.pick("样例（已遮蔽）", "sample (masked)"),
            lang.pick("属性", "properties"),
            lang.pick(">置信度", ">confidence"),
            lang.pick("规则行", "rows"),
            lang.pick("可消除办法", "what would lift it"),
            "id",
        ]);
        let shown = share(&alarms, MOST_FINDINGS, MOST_FINDINGS);
        let mut hidden = 0;
        for (group, n) in alarms.iter().zip(shown) {
            for &finding in group.findings.iter().take(n) {
                self.finding(finding);
            }
            hidden += group.findings.len() - n;
        }
        self.more(hidden);
    }

    /// What the formats tell of what is there: versions, targets, figures.
    fn inventory(&mut self, groups: &[Group<'_>]) {
        let lang = self.lang;
        let told: Vec<_> = groups.iter().filter(|g| described(g)).flat_map(|g| g.findings.iter().copied()).collect();
        if told.is_empty() {
            return;
        }
        self.line("");
        self.table(&[
            lang.pick("内容", "what is in it"),
            lang.pick("制品", "artifact"),
            lang.pick("说明", "described as"),
        ]);
        for finding in told.iter().take(MOST_INVENTORY) {
            self.row(&[
                words::kind(lang, finding.kind).to_owned(),
                code(&finding.artifact),
                text(&properties(lang, finding, 12).join(lang.pick("；", "; "))),
            ]);
        }
        self.more(told.len().saturating_sub(MOST_INVENTORY));
    }

    fn finding(&mut self, finding: &Finding) {
        let lang = self.lang;
        let rows: Vec<&str> = self.index.rows_of(finding).iter().map(|row| row.row.as_str()).collect();
        self.row(&[
            words::kind(lang, finding.kind).to_owned(),
            code(&finding.artifact),
            place(lang, &finding.location),
            thousands(finding.count),
            code(&finding.sample),
            text(&properties(lang, finding, 6).join(lang.pick("；", "; "))),
            confidence(finding.confidence),
            text(&rows.join(", ")),
            text(&finding.remedies.iter().map(|r| lang.of(&r.text)).collect::<Vec<_>>().join(lang.pick("；", "; "))),
            code(&finding.id),
        ]);
    }

    /// What could not be looked into, the largest first.
    pub(super) fn opaque(&mut self) {
        let lang = self.lang;
        self.heading("未能检视的内容", "What could not be looked into");
        if self.report.opaque.is_empty() && self.report.coverage.opaque == 0 {
            self.line(lang.pick("没有。全部内容均已检视。", "Nothing: all content was looked into."));
            return;
        }
        self.table(&[
            lang.pick("制品", "artifact"),
            lang.pick(">大小", ">size"),
            lang.pick("原因", "reason"),
            lang.pick("处理", "what to do"),
            lang.pick("摘要", "digest"),
        ]);
        let mut entries: Vec<_> = self.report.opaque.iter().collect();
        entries.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.artifact.cmp(&b.artifact)));
        for entry in entries.iter().take(MOST_OPAQUE) {
            self.row(&[
                code(&entry.artifact),
                bytes(entry.bytes),
                words::opaque_reason(lang, entry.reason).to_owned(),
                words::opaque_advice(lang, entry.reason).to_owned(),
                code(entry.digest.as_deref().unwrap_or("")),
            ]);
        }
        self.more(entries.len().saturating_sub(MOST_OPAQUE));
    }

    /// The coverage statement.
    pub(super) fn coverage(&mut self) {
        let (lang, coverage) = (self.lang, &self.report.coverage);
        self.heading("覆盖声明", "Coverage statement");
        let line = match lang {
            Lang::Zh => format!(
                "{}，解包后共 {} 字节，每个字节恰有一个标签。",
                counted(lang, self.report.summary.artifacts, Noun::Artifact),
                thousands(coverage.total)
            ),
            Lang::En => format!(
                "{} with {} bytes after unpacking; every byte bears exactly one label.",
                counted(lang, self.report.summary.artifacts, Noun::Artifact),
                thousands(coverage.total)
            ),
        };
        self.line(&line);
        self.line("");
        self.table(&[
            lang.pick("标签", "label"),
            lang.pick(">字节", ">bytes"),
            lang.pick(">大小", ">size"),
            lang.pick(">比例", ">share"),
        ]);
        let mut row = |label: &str, n: u64| {
            self.row(&[label.to_owned(), thousands(n), bytes(n), text(&percent(n, coverage.total))]);
        };
        row(lang.pick("已检视", "inspected"), coverage.inspected);
        row(lang.pick("容器结构或已全部解出", "container structure, or decoded in full"), coverage.container);
        row(lang.pick("不透明（未能检视）", "opaque (not looked into)"), coverage.opaque);
        for (&reason, &n) in &coverage.opaque_by_reason {
            if n > 0 {
                row(&format!("– {}", words::opaque_reason(lang, reason)), n);
            }
        }
        if !adds_up(coverage) {
            let line = format!("\n**{}**", words::sums_differ(lang));
            self.line(&line);
        }
    }

    /// Persons and vehicles.
    pub(super) fn subjects(&mut self) {
        let (lang, s) = (self.lang, &self.report.subjects);
        self.heading("涉及的人和车", "Persons and vehicles");
        self.table(&[lang.pick("对象", "of whom"), lang.pick(">数量", ">number")]);
        let mut row = |zh: &str, en: &str, n: u64| self.row(&[lang.pick(zh, en).to_owned(), thousands(n)]);
        row("涉敏感个人信息的自然人", "persons with sensitive personal information", s.sensitive);
        row("涉一般个人信息的自然人", "persons with personal information that is not sensitive", s.personal);
        row("车辆", "vehicles", s.vehicles);
        if s.exempt > 0 {
            row("属豁免范围、未计入的自然人", "persons covered by an exemption, not counted", s.exempt);
        }
        if !s.uncounted.is_empty() {
            let kinds: Vec<&str> = s.uncounted.iter().map(|&k| words::kind(lang, k)).collect();
            let line = match lang {
                Lang::Zh => format!("\n人数无法清点：{}。以上为下限。", kinds.join("、")),
                Lang::En => format!("\nNot countable: {}. The figures are lower bounds.", kinds.join(", ")),
            };
            self.line(&line);
        }
    }

    /// What is told of artifacts beside findings, by code.
    pub(super) fn artifact_notes(&mut self) {
        let lang = self.lang;
        let mut by_code: BTreeMap<&str, (u64, String)> = BTreeMap::new();
        for artifact in &self.report.artifacts {
            for note in &artifact.notes {
                let entry = by_code.entry(&note.code).or_insert_with(|| {
                    let detail = text(&words::note_detail(lang, note));
                    let example = code(&artifact.path);
                    (0, if detail.is_empty() { example } else { format!("{example} ({detail})") })
                });
                entry.0 += 1;
            }
        }
        if by_code.is_empty() {
            return;
        }
        self.heading("关于制品的提示", "Notes on artifacts");
        self.table(&[lang.pick("提示", "note"), lang.pick(">数量", ">number"), lang.pick("例如", "for example")]);
        for (code, (n, example)) in by_code {
            self.row(&[text(&words::note(lang, code)), thousands(n), example]);
        }
    }
}
