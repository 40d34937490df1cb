//! The difference against a cleared package.

use super::Page;
use super::screen::Tone;
use crate::delta::Delta;
use crate::figures::{bytes, thousands};
use crate::lang::Lang;
use crate::layout::{clean, fit_path};
use crate::words;

/// Lines shown of each list.
const MOST: usize = 8;

impl Page<'_> {
    /// What the new package adds, drops and changes.
    pub(super) fn delta(&mut self) {
        let Some(delta) = &self.report.delta else { return };
        let lang = self.lang;
        let heading = match lang {
            Lang::Zh => format!("与已放行的 {} 相比", clean(&delta.baseline.path)),
            Lang::En => format!("Against {}", clean(&delta.baseline.path)),
        };
        self.screen.heading(&heading);
        let n = |n: usize| thousands(n as u64);
        let counts = match lang {
            Lang::Zh => format!(
                "新增 {}，删除 {}，变更 {}，移动 {}；未变 {} 个制品，{}",
                n(delta.added.len()),
                n(delta.dropped.len()),
                n(delta.changed.len()),
                n(delta.moved.len()),
                thousands(delta.unchanged),
                bytes(delta.unchanged_bytes)
            ),
            Lang::En => format!(
                "{} added, {} dropped, {} changed, {} moved; unchanged are {} artifacts with {}",
                n(delta.added.len()),
                n(delta.dropped.len()),
                n(delta.changed.len()),
                n(delta.moved.len()),
                thousands(delta.unchanged),
                bytes(delta.unchanged_bytes)
            ),
        };
        self.screen.para(2, Tone::Plain, &counts);
        self.changes(delta);
        let findings = match lang {
            Lang::Zh => format!(
                "新发现 {} 条，已知 {} 条，消失 {} 条",
                n(delta.new_findings.len()),
                thousands(delta.known_findings),
                n(delta.gone_findings.len())
            ),
            Lang::En => format!(
                "findings: {} new, {} known from before, {} gone",
                n(delta.new_findings.len()),
                thousands(delta.known_findings),
                n(delta.gone_findings.len())
            ),
        };
        self.screen.para(2, Tone::Plain, &findings);
        let new = delta.news(&self.report.findings);
        for finding in new.iter().take(MOST) {
            let title = words::kind(lang, finding.kind);
            let path = clean(&finding.artifact);
            let path = fit_path(&path, self.screen.room(4) * 2);
            self.screen.item(4, (Tone::Yellow, "! "), Tone::Plain, &format!("{title}: {path}"));
        }
        self.more(4, new.len().saturating_sub(MOST));
    }

    fn changes(&mut self, delta: &Delta) {
        let mut lines: Vec<(Tone, &str, String)> = Vec::new();
        let mut hidden = 0;
        let mut put = |tone, sign, all: Vec<String>| {
            hidden += all.len().saturating_sub(MOST);
            lines.extend(all.into_iter().take(MOST).map(|text| (tone, sign, text)));
        };
        put(
            Tone::Green,
            "+ ",
            delta.added.iter().map(|e| format!("{} ({}, {})", e.path, e.format, bytes(e.bytes))).collect(),
        );
        put(
            Tone::Red,
            "- ",
            delta.dropped.iter().map(|e| format!("{} ({}, {})", e.path, e.format, bytes(e.bytes))).collect(),
        );
        let change =
            |c: &crate::delta::DeltaChange| format!("{} ({} → {})", c.path, bytes(c.bytes_before), bytes(c.bytes));
        put(Tone::Yellow, "~ ", delta.changed.iter().map(change).collect());
        put(Tone::Dim, "→ ", delta.moved.iter().map(|m| format!("{} ← {}", m.path, m.from)).collect());
        for (tone, sign, text) in lines {
            let room = self.screen.room(6) * 2;
            self.screen.item(4, (tone, sign), Tone::Plain, &fit_path(&clean(&text), room));
        }
        self.more(4, hidden);
    }
}
