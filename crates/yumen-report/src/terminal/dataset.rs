//! Datasets: what their files hold in sum, and their tables of topics and sensors.

use serde_json::Value;

use super::Page;
use super::screen::Tone;
use crate::dataset::{Dataset, cell, columns, told};
use crate::figures::{Noun, counted};
use crate::layout::{clean, fit, fit_path, pad, pad_left, width};
use crate::vocabulary;
use crate::words;

/// Rows of a table that are shown, and properties of a sum.
const MOST_ROWS: usize = 24;
const MOST_TOLD: usize = 8;
/// Columns that a cell takes at most.
const WIDEST: usize = 40;

impl Page<'_> {
    /// The sums of each dataset, and its tables. A single finding says the same by itself.
    pub(super) fn datasets(&mut self) {
        let lang = self.lang;
        let worth = |d: &&Dataset| d.artifacts > 1 || !d.tables.is_empty();
        let datasets: Vec<&Dataset> = self.report.datasets.iter().filter(worth).collect();
        if datasets.is_empty() {
            return;
        }
        self.screen.heading(lang.pick("数据集", "Datasets"));
        for dataset in datasets {
            let path = fit_path(&clean(&dataset.path), self.screen.room(2) * 2 - 30).into_owned();
            let artifacts = counted(lang, dataset.artifacts, Noun::Artifact);
            let layouts = dataset.layouts.join(", ");
            let sep = if layouts.is_empty() { "" } else { lang.pick("，", ", ") };
            self.screen.para(2, Tone::Bold, &format!("{path} ({artifacts}{sep}{layouts})"));
            for sum in &dataset.sums {
                let lead = format!("{} ", words::kind(lang, sum.kind));
                self.screen.flow(4, (Tone::Plain, &lead), Tone::Dim, &told(lang, sum, MOST_TOLD));
            }
            for (name, rows) in &dataset.tables {
                self.screen.para(4, Tone::Yellow, &vocabulary::name(lang, name));
                self.table(rows);
            }
        }
    }

    /// A table; columns that do not fit are left out from the right.
    fn table(&mut self, rows: &[Value]) {
        let lang = self.lang;
        let names = columns(rows);
        let shown = &rows[..rows.len().min(MOST_ROWS)];
        let cells: Vec<Vec<String>> = shown
            .iter()
            .map(|row| names.iter().map(|n| fit(&clean(&cell(lang, n, row)), WIDEST).into_owned()).collect())
            .collect();
        let heads: Vec<String> =
            names.iter().map(|n| fit(&clean(&vocabulary::name(lang, n)), WIDEST).into_owned()).collect();
        let wide = |at: usize| cells.iter().map(|row| width(&row[at])).chain([width(&heads[at])]).max().unwrap_or(0);
        let mut room = self.screen.room(6);
        let mut used: Vec<(usize, usize)> = Vec::new();
        for at in 0..names.len() {
            let wide = wide(at);
            if wide + 2 > room && !used.is_empty() {
                break;
            }
            used.push((at, wide.min(room)));
            room = room.saturating_sub(wide + 2);
        }
        let numeric = |at: usize| shown.iter().all(|row| row[names[at]].is_number() || row[names[at]].is_null());
        let mut line = |cells: &[String], tone: Tone| {
            let mut text = String::new();
            for &(at, wide) in &used {
                let cell = fit(&cells[at], wide);
                text.push_str(&if numeric(at) { pad_left(&cell, wide) } else { pad(&cell, wide) });
                text.push_str("  ");
            }
            self.screen.line(6, &[(tone, text.trim_end())]);
        };
        line(&heads, Tone::Dim);
        for row in &cells {
            line(row, Tone::Plain);
        }
        self.more(6, rows.len().saturating_sub(MOST_ROWS));
    }
}
