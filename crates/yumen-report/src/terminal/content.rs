//! What is in it: findings, notes on artifacts, coverage, subjects.

use std::collections::BTreeMap;

use yumen_model::coverage::Reason;
use yumen_model::finding::Remedy;
use yumen_model::note::Note;
use yumen_model::outcome::{ArtifactEntry, OpaqueEntry};

use super::Page;
use super::screen::Tone;
use crate::figures::{Noun, adds_up, bytes, confidence, counted, percent, thousands};
use crate::index::{Group, described, share};
use crate::lang::Lang;
use crate::layout::{clean, fit_path, pad, pad_left, width};
use crate::place::{place, properties};
use crate::words;

/// Opaque places shown for each reason, and note codes shown.
const MOST_PLACES: usize = 5;
const MOST_NOTES: usize = 10;
/// Findings of one inventory kind that are described, and properties of each.
const MOST_DESCRIBED: usize = 4;
const MOST_PROPERTIES: usize = 8;

impl Page<'_> {
    /// Findings by class and kind, the most important first, and the inventory in a few lines.
    pub(super) fn findings(&mut self, budget: usize) {
        let lang = self.lang;
        let groups = self.index.groups();
        let (inventory, alarms): (Vec<_>, Vec<_>) = groups.into_iter().partition(Group::inventory);
        let summary = &self.report.summary;
        let heading = match lang {
            Lang::Zh => format!("发现（{} 条）", thousands(summary.findings.max(self.report.findings.len() as u64))),
            Lang::En => format!("Findings ({})", thousands(summary.findings.max(self.report.findings.len() as u64))),
        };
        self.screen.heading(&heading);
        if alarms.is_empty() {
            self.screen.para(2, Tone::Plain, lang.pick("未见须管理的数据。", "Nothing regulated was found."));
        }
        // A quarter for one group: fifty tracks shall not hide the one key.
        let shown = share(&alarms, budget, (budget / 4).max(4));
        let mut section: Option<&str> = None;
        let mut hidden = 0;
        for (group, n) in alarms.iter().zip(shown) {
            let title = words::group_title(lang, group.class, group.holds);
            if section != Some(title) {
                section = Some(title);
                self.screen.para(2, Tone::Yellow, title);
            }
            self.group(group, n);
            hidden += group.findings.len() - n;
        }
        self.more(4, hidden);
        if !inventory.is_empty() {
            let list: Vec<String> = inventory
                .iter()
                .map(|g| format!("{} {}", words::kind(lang, g.kind), thousands(g.findings.len() as u64)))
                .collect();
            let label = lang.pick("清单（仅说明有何内容）", "Inventory (says what is there, no alarm)");
            self.screen.para(2, Tone::Yellow, label);
            self.screen.para(4, Tone::Plain, &list.join(lang.pick("，", ", ")));
            self.inventory(&inventory);
        }
    }

    /// What the formats tell of what is there: versions, targets, figures.
    fn inventory(&mut self, groups: &[Group<'_>]) {
        let lang = self.lang;
        let mut hidden = 0;
        for group in groups.iter().filter(|g| described(g)) {
            for finding in group.findings.iter().take(MOST_DESCRIBED) {
                let path = clean(&finding.artifact);
                let title = format!("{}{}", words::kind(lang, group.kind), lang.pick("：", ": "));
                let room = self.screen.room(4 + width(&title)) * 2;
                self.screen.item(4, (Tone::Plain, &title), Tone::Plain, &fit_path(&path, room.saturating_sub(8)));
                self.screen.flow(6, (Tone::Plain, ""), Tone::Dim, &properties(lang, finding, MOST_PROPERTIES));
            }
            hidden += group.findings.len().saturating_sub(MOST_DESCRIBED);
        }
        self.more(4, hidden);
    }

    fn group(&mut self, group: &Group<'_>, shown: usize) {
        let lang = self.lang;
        let mut counts = vec![counted(lang, group.findings.len() as u64, Noun::Finding)];
        if group.occurrences != group.findings.len() as u64 {
            counts.push(counted(lang, group.occurrences, Noun::Occurrence));
        }
        counts.push(counted(lang, group.artifacts, Noun::Artifact));
        let title = format!("{} ({}): {}", words::kind(lang, group.kind), group.kind, counts.join(", "));
        let title = match lang {
            Lang::Zh => title.replace(" (", "（").replace("): ", "）：").replace(", ", "，"),
            Lang::En => title,
        };
        let lead = if group.holds { (Tone::Red, "✗ ") } else { (Tone::Plain, "· ") };
        self.screen.item(2, lead, Tone::Bold, &title);
        let mut helped: Vec<&[Remedy]> = Vec::new();
        for finding in group.findings.iter().take(shown) {
            let path = clean(&finding.artifact);
            let room = self.screen.room(6);
            self.screen.para(6, Tone::Plain, &fit_path(&path, room * 2 - 8));
            let mut parts = vec![place(lang, &finding.location)];
            if finding.count > 1 {
                parts.push(counted(lang, finding.count, Noun::Occurrence));
            }
            parts.push(finding.sample.clone());
            parts.extend(properties(lang, finding, 3));
            if finding.confidence < 0.95 {
                parts.push(format!("{} {}", lang.pick("置信度", "confidence"), confidence(finding.confidence)));
            }
            parts.push(format!("id {}", finding.id));
            self.screen.flow(8, (Tone::Plain, ""), Tone::Dim, &parts);
            // What helps against one mostly helps against all of a group; said once.
            if group.holds && !finding.remedies.is_empty() && !helped.contains(&finding.remedies.as_slice()) {
                helped.push(&finding.remedies);
                let ways: Vec<&str> = finding.remedies.iter().map(|r| lang.of(&r.text)).collect();
                let or = lang.pick("，或", ", or ");
                self.screen.item(8, (Tone::Cyan, "→ "), Tone::Plain, &ways.join(or));
            }
        }
        let rest = group.findings.len() - shown;
        if rest > 0 && shown > 0 {
            self.screen.para(6, Tone::Dim, &format!("… +{}", thousands(rest as u64)));
        }
    }

    /// What is told of artifacts beside findings.
    pub(super) fn artifact_notes(&mut self) {
        let lang = self.lang;
        let mut by_code: BTreeMap<&str, Vec<(&ArtifactEntry, &Note)>> = BTreeMap::new();
        for artifact in &self.report.artifacts {
            for note in artifact.notes.iter().filter(|n| !words::quiet_note(&n.code)) {
                by_code.entry(&note.code).or_default().push((artifact, note));
            }
        }
        if by_code.is_empty() {
            return;
        }
        // A false name is what a hurried reader would miss; it comes first.
        let mut notes: Vec<_> = by_code.into_iter().collect();
        notes.sort_by_key(|(code, hits)| (*code != "name-lies", std::cmp::Reverse(hits.len()), *code));
        self.screen.heading(lang.pick("值得注意", "Worth knowing"));
        for (code, hits) in notes.iter().take(MOST_NOTES) {
            let lead = format!("  {} ", pad_left(&thousands(hits.len() as u64), 3));
            self.screen.item(0, (Tone::Yellow, &lead), Tone::Plain, &words::note(lang, code));
            let (artifact, note) = hits[0];
            let path = fit_path(&artifact.path, self.screen.room(6) * 2);
            let mut text = match lang {
                Lang::Zh => format!("例如 {path}"),
                Lang::En => format!("e.g. {path}"),
            };
            let detail = words::note_detail(lang, note);
            if !detail.is_empty() {
                text = match lang {
                    Lang::Zh => format!("{text}（{detail}）"),
                    Lang::En => format!("{text} ({detail})"),
                };
            }
            self.screen.para(6, Tone::Dim, &text);
        }
        self.more(4, notes.len().saturating_sub(MOST_NOTES));
    }

    /// The coverage statement: every byte bears one label.
    pub(super) fn coverage(&mut self) {
        let (lang, coverage) = (self.lang, &self.report.coverage);
        let heading = match lang {
            Lang::Zh => format!("覆盖（{}）", counted(lang, self.report.summary.artifacts, Noun::Artifact)),
            Lang::En => format!("Coverage ({})", counted(lang, self.report.summary.artifacts, Noun::Artifact)),
        };
        self.screen.heading(&heading);
        let lines = [
            (lang.pick("总计", "total"), coverage.total, lang.pick("解包后的字节", "bytes after unpacking")),
            (lang.pick("已检视", "inspected"), coverage.inspected, lang.pick("作为内容读取", "read as content")),
            (
                lang.pick("容器", "container"),
                coverage.container,
                lang.pick("结构，或已全部解出", "structure, or decoded in full"),
            ),
            (lang.pick("不透明", "opaque"), coverage.opaque, lang.pick("未能看清", "not looked into")),
        ];
        for (at, (label, n, meaning)) in lines.into_iter().enumerate() {
            let tone = match at {
                3 if n > 0 => Tone::Red,
                _ => Tone::Plain,
            };
            let share = if at == 0 { String::new() } else { percent(n, coverage.total) };
            let line = format!("{} {} {}  ", pad(label, 10), pad_left(&bytes(n), 10), pad_left(&share, 6));
            let meaning = if 2 + width(&line) + width(meaning) <= self.screen.room(0) { meaning } else { "" };
            self.screen.line(2, &[(tone, &line), (Tone::Dim, meaning)]);
        }
        if !adds_up(coverage) {
            self.screen.para(2, Tone::Red, words::sums_differ(lang));
        }
        let mut places: BTreeMap<Reason, Vec<&OpaqueEntry>> = BTreeMap::new();
        for entry in &self.report.opaque {
            places.entry(entry.reason).or_default().push(entry);
        }
        let mut reasons: Vec<(Reason, u64)> =
            coverage.opaque_by_reason.iter().filter(|(_, n)| **n > 0).map(|(r, n)| (*r, *n)).collect();
        reasons.sort_by_key(|&(reason, n)| (std::cmp::Reverse(n), reason));
        for (reason, n) in reasons {
            let mut entries = places.remove(&reason).unwrap_or_default();
            entries.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.artifact.cmp(&b.artifact)));
            let title = format!(
                "{}{}{}{}{}",
                words::opaque_reason(lang, reason),
                lang.pick("：", ": "),
                bytes(n),
                lang.pick("，", ", "),
                counted(lang, entries.len() as u64, Noun::Artifact)
            );
            self.screen.para(4, Tone::Yellow, &title);
            for entry in entries.iter().take(MOST_PLACES) {
                self.opaque(entry);
            }
            self.more(6, entries.len().saturating_sub(MOST_PLACES));
        }
    }

    fn opaque(&mut self, entry: &OpaqueEntry) {
        let size = pad_left(&bytes(entry.bytes), 8);
        let room = self.screen.room(6 + width(&size) + 1);
        let path = clean(&entry.artifact);
        self.screen.item(6, (Tone::Dim, &format!("{size} ")), Tone::Plain, &fit_path(&path, room * 2 - 8));
        if let Some(digest) = &entry.digest {
            // Kept on one line where it fits, to be copied.
            let indent = if self.screen.room(8) >= digest.len() { 8 } else { 6 };
            self.screen.para(indent, Tone::Dim, digest);
        }
    }

    /// Persons and vehicles.
    pub(super) fn subjects(&mut self) {
        let (lang, s) = (self.lang, &self.report.subjects);
        self.screen.heading(lang.pick("涉及的人和车", "Persons and vehicles"));
        let lower = if s.uncounted.is_empty() { "" } else { lang.pick("至少 ", "at least ") };
        let text = match lang {
            Lang::Zh => format!(
                "{lower}{}：一般个人信息 {} 人，敏感个人信息 {} 人；车辆 {} 辆",
                counted(lang, s.personal.saturating_add(s.sensitive), Noun::Person),
                thousands(s.personal),
                thousands(s.sensitive),
                thousands(s.vehicles),
            ),
            Lang::En => format!(
                "{lower}{}: {} with personal, {} with sensitive personal information; {}",
                counted(lang, s.personal.saturating_add(s.sensitive), Noun::Person),
                thousands(s.personal),
                thousands(s.sensitive),
                counted(lang, s.vehicles, Noun::Vehicle),
            ),
        };
        self.screen.para(2, Tone::Plain, &text);
        if s.exempt > 0 {
            let text = match lang {
                Lang::Zh => format!("另有 {} 属豁免范围，未计入", counted(lang, s.exempt, Noun::Person)),
                Lang::En => format!(
                    "{} more are covered by an exemption and not counted",
                    counted(lang, s.exempt, Noun::Person)
                ),
            };
            self.screen.para(2, Tone::Plain, &text);
        }
        if !s.uncounted.is_empty() {
            let kinds: Vec<&str> = s.uncounted.iter().map(|&k| words::kind(lang, k)).collect();
            let text = match lang {
                Lang::Zh => format!("人数无法清点：{}；以上为下限", kinds.join("、")),
                Lang::En => format!("not countable: {}; the figures are lower bounds", kinds.join(", ")),
            };
            self.screen.para(2, Tone::Yellow, &text);
        }
    }
}
