//! The difference against a cleared package.

use super::Document;
use super::escape::code;
use crate::figures::{bytes, thousands};
use crate::lang::Lang;
use crate::words;

/// Rows shown of the table.
const MOST: usize = 200;

impl Document<'_> {
    /// What the new package adds, drops and changes.
    pub(super) fn delta(&mut self) {
        let Some(delta) = &self.report.delta else { return };
        let lang = self.lang;
        self.heading("与已放行的包相比", "Difference against the cleared package");
        let line = match lang {
            Lang::Zh => format!(
                "对照 {} {}。未变：{} 个制品，{}；因内容变化而不同的容器：{} 个。",
                code(&delta.baseline.path),
                code(delta.baseline.digest.as_deref().unwrap_or("")),
                thousands(delta.unchanged),
                bytes(delta.unchanged_bytes),
                thousands(delta.containers_changed)
            ),
            Lang::En => format!(
                "Against {} {}. Unchanged: {} artifacts with {}; containers that differ by their content: {}.",
                code(&delta.baseline.path),
                code(delta.baseline.digest.as_deref().unwrap_or("")),
                thousands(delta.unchanged),
                bytes(delta.unchanged_bytes),
                thousands(delta.containers_changed)
            ),
        };
        self.line(&line);
        self.line("");
        let mut rows: Vec<[String; 4]> = Vec::new();
        let mut add = |what: &str, path: &str, size: String, digest: Option<&String>| {
            rows.push([what.to_owned(), code(path), size, code(digest.map_or("", String::as_str))]);
        };
        for e in &delta.added {
            add(lang.pick("新增", "added"), &e.path, bytes(e.bytes), e.digest.as_ref());
        }
        for e in &delta.changed {
            let size = format!("{} → {}", bytes(e.bytes_before), bytes(e.bytes));
            add(lang.pick("变更", "changed"), &e.path, size, e.digest.as_ref());
        }
        for e in &delta.dropped {
            add(lang.pick("删除", "dropped"), &e.path, bytes(e.bytes), e.digest.as_ref());
        }
        for e in &delta.moved {
            add(lang.pick("移动", "moved"), &e.path, format!("← {}", code(&e.from)), Some(&e.digest));
        }
        if rows.is_empty() {
            self.line(lang.pick("没有差异。", "No difference."));
        } else {
            self.table(&[
                lang.pick("差异", "difference"),
                lang.pick("制品", "artifact"),
                lang.pick("大小", "size"),
                lang.pick("摘要", "digest"),
            ]);
            let hidden = rows.len().saturating_sub(MOST);
            rows.truncate(MOST);
            rows.iter().for_each(|row| self.row(row));
            self.more(hidden);
        }
        let new = delta.news(&self.report.findings);
        let line = match lang {
            Lang::Zh => format!(
                "\n发现：新 {} 条，已知 {} 条，消失 {} 条。\n",
                new.len(),
                delta.known_findings,
                delta.gone_findings.len()
            ),
            Lang::En => format!(
                "\nFindings: {} new, {} known from before, {} gone.\n",
                new.len(),
                delta.known_findings,
                delta.gone_findings.len()
            ),
        };
        self.line(&line);
        if new.is_empty() {
            return;
        }
        self.table(&[lang.pick("新发现", "new finding"), lang.pick("制品", "artifact"), "id"]);
        for finding in new.iter().take(MOST) {
            self.row(&[words::kind(lang, finding.kind).to_owned(), code(&finding.artifact), code(&finding.id)]);
        }
        self.more(new.len().saturating_sub(MOST));
    }
}
