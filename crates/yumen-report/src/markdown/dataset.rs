//! Datasets: what their files hold in sum, and their tables of topics and sensors.

use super::Document;
use super::escape::{code, text};
use crate::dataset::{cell, columns, told};
use crate::figures::{Noun, counted};
use crate::vocabulary;
use crate::words;

/// Rows of a table, and properties of a sum.
const MOST_ROWS: usize = 100;
const MOST_TOLD: usize = 16;

impl Document<'_> {
    /// The sums of each dataset, and its tables.
    pub(super) fn datasets(&mut self) {
        let (lang, report) = (self.lang, self.report);
        if report.datasets.is_empty() {
            return;
        }
        self.heading("数据集", "Datasets");
        for dataset in &report.datasets {
            let layouts = dataset.layouts.iter().map(|l| format!(", {}", text(l))).collect::<String>();
            let artifacts = counted(lang, dataset.artifacts, Noun::Artifact);
            self.line(&format!("### {} ({artifacts}{layouts})\n", code(&dataset.path)));
            self.table(&[lang.pick("数据种类", "kind"), lang.pick("合计", "in sum")]);
            for sum in &dataset.sums {
                let all = told(lang, sum, MOST_TOLD).join(lang.pick("；", "; "));
                self.row(&[format!("{} {}", words::kind(lang, sum.kind), code(sum.kind.name())), text(&all)]);
            }
            for (name, rows) in &dataset.tables {
                self.line(&format!("\n{}:\n", text(&vocabulary::name(lang, name))));
                let names = columns(rows);
                let heads: Vec<String> = names.iter().map(|n| text(&vocabulary::name(lang, n))).collect();
                self.table(&heads.iter().map(String::as_str).collect::<Vec<_>>());
                for row in rows.iter().take(MOST_ROWS) {
                    self.row(&names.iter().map(|n| text(&cell(lang, n, row))).collect::<Vec<_>>());
                }
                self.more(rows.len().saturating_sub(MOST_ROWS));
            }
            self.line("");
        }
    }
}
