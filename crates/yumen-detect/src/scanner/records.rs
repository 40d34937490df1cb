//! The session over records: values of rows and objects, their columns typed by name and content.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use yumen_model::{Batch, Cell, Findings, KindId, KindSet, Location, RecordBatch, Session};

use super::columns::Columns;
use super::engine::{Engine, PIECE, ScanState, Trigger};
use super::fold;
use super::settle::{Placed, record, report, resolve};
use super::window::characters;
use super::{About, TextDetector};
use crate::masking::Masking;
use crate::recogniser::{AHEAD, BACK, Candidate, Match, Place};

/// Rows that are judged together; what a column holds is known before its matches are reported.
const ROWS: u64 = 256;
/// Text of rows that are judged together, in bytes, at most.
const TEXT: u64 = 1 << 20;

/// A match in a cell, waiting for its column to be known.
struct Waiting {
    placed: Placed,
    column: usize,
    whole: bool,
}

/// A session over records.
pub(crate) struct RecordSession {
    engine: Arc<Engine>,
    about: About,
    columns: Columns,
    triggers: Vec<Trigger>,
    matches: Vec<Match>,
    waiting: Vec<Waiting>,
    /// Rows and bytes of text since the last judgement.
    rows: u64,
    bytes: u64,
    /// Number of the row in the stream.
    row: u64,
    /// Topics of a recording as they may be told.
    topics: HashMap<String, String>,
}

impl RecordSession {
    pub(crate) fn new(engine: Arc<Engine>, about: About) -> Self {
        RecordSession {
            engine,
            about,
            columns: Columns::new(),
            triggers: Vec::new(),
            matches: Vec::new(),
            waiting: Vec::new(),
            rows: 0,
            bytes: 0,
            row: 0,
            topics: HashMap::new(),
        }
    }

    /// Reports what has waited: by now the columns are known.
    fn judge(&mut self, out: &mut Findings) {
        self.rows = 0;
        self.bytes = 0;
        let mut row: Vec<Placed> = Vec::new();
        for Waiting { mut placed, column, whole } in std::mem::take(&mut self.waiting) {
            if row.first().is_some_and(|first| first.record != placed.record) {
                report_row(std::mem::take(&mut row), out);
            }
            let judged = match self.columns.get(column) {
                Some(c) if !Columns::pooled(column) => c.judge(placed.kind, placed.confidence, whole),
                _ => (placed.confidence >= crate::recogniser::PROVISIONAL).then_some(placed.confidence),
            };
            if let Some(confidence) = judged {
                placed.confidence = confidence;
                row.push(placed);
            }
        }
        report_row(row, out);
    }

    fn scan(&mut self, view: &View<'_>, out: &mut Findings) {
        let by_name = self.columns.of_names(&view.batch.names, &self.engine);
        let (bytes, mut state) = (view.batch.text.as_bytes(), ScanState::default());
        self.triggers.clear();
        let mut triggers = std::mem::take(&mut self.triggers);
        let mut scanned = 0;
        let mut next = 0;
        for (n, &first) in view.batch.records.iter().enumerate() {
            let until = view.batch.records.get(n + 1).map_or(view.batch.cells.len(), |&c| c as usize);
            let Some(cells) = view.batch.cells.get(first as usize..until) else { continue };
            let (Some(head), Some(tail)) = (cells.first(), cells.last()) else { continue };
            let (from, to) = (head.start as usize, tail.end as usize);
            // The scan runs ahead in large pieces; a row takes from its triggers what lies in it.
            while scanned < bytes.len() && scanned <= to {
                triggers.drain(..next);
                next = 0;
                let end = (scanned + PIECE).min(bytes.len());
                self.engine.scan(&mut state, bytes, scanned, end, end == bytes.len(), &mut triggers);
                scanned = end;
            }
            self.row += 1;
            self.row_cells(view, cells, first as usize, &by_name, from..to);
            let mut cell = 0;
            while let Some(trigger) = triggers.get(next) {
                let (start, end) = trigger.span();
                if end > to {
                    break;
                }
                next += 1;
                while cells.get(cell).is_some_and(|c| (c.end as usize) < end) {
                    cell += 1;
                }
                let Some(c) = cells.get(cell).filter(|c| c.start as usize <= start) else { continue };
                let Some(candidate) = view.candidate(&self.about, &(from..to), c, start, end) else { continue };
                self.engine.examine(trigger, candidate.0, &mut self.matches);
                let column = self.columns.of_cell(c, &by_name, &self.engine);
                self.keep(view, first as usize + cell, candidate.1, column);
            }
            self.rows += 1;
            self.bytes += view.original_len(cells);
            if self.rows >= ROWS || self.bytes >= TEXT {
                self.judge(out);
            }
        }
        self.triggers = triggers;
    }

    /// Counts the values of a row, and examines those of columns that are wanted as a whole.
    fn row_cells(
        &mut self,
        view: &View<'_>,
        cells: &[Cell],
        first: usize,
        by_name: &[usize],
        row: std::ops::Range<usize>,
    ) {
        for (i, cell) in cells.iter().enumerate() {
            let column = self.columns.of_cell(cell, by_name, &self.engine);
            self.columns.count(column, view.batch, cell);
            let Some(c) = self.columns.get(column) else { continue };
            if c.wanting.is_empty() || cell.start == cell.end || !c.worth() {
                continue;
            }
            let (start, end) = (cell.start as usize, cell.end as usize);
            let Some(candidate) = view.candidate(&self.about, &row, cell, start, end) else { continue };
            self.engine.examine_value(&c.wanting, candidate.0, &mut self.matches);
            self.keep(view, first + i, candidate.1, column);
        }
    }

    /// Keeps the matches of a candidate until the columns are known.
    fn keep(&mut self, view: &View<'_>, cell: usize, left: usize, column: usize) {
        for m in self.matches.drain(..) {
            let (start, end) = (left + m.start, left + m.end);
            // A match may lie in another cell of the row than its candidate.
            let Some((at, c)) = view.cell_of(cell, start) else { continue };
            let end = end.min(c.end as usize);
            let Some(value) = view.batch.text.get(start..end).filter(|v| !v.is_empty()) else { continue };
            let whole = view.batch.value(c).trim().len() == value.len();
            let column = if at == cell { Some(column) } else { None };
            let mut location = view.locate(at, start, end);
            if let Some(origin) = view.batch.origin(at) {
                location.topic = Some(masked(&self.engine, &mut self.topics, &origin.topic));
                location.time_s = Some(origin.time_s);
                // There are no lines in a message.
                (location.line, location.column) = (None, None);
            }
            let kind = m.kind;
            let placed = Placed::new(m, start as u64, end as u64, location, self.row, value);
            // Found twice (by its column and by its form) it is counted once; the other is among the last few.
            let twice = self
                .waiting
                .iter()
                .rev()
                .take(16)
                .take_while(|w| w.placed.record == self.row)
                .any(|w| w.placed.kind == kind && w.placed.start == placed.start && w.placed.end == placed.end);
            if whole
                && !twice
                && let Some(c) = column.and_then(|c| self.columns.get_mut(c))
            {
                c.count(kind);
            }
            self.waiting.push(Waiting { placed, column: column.unwrap_or(0), whole });
        }
    }
}

impl Session for RecordSession {
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings) {
        let Batch::Records(batch) = batch else { return };
        if fold::first(&batch.text).is_none() && batch.names.iter().all(|n| fold::first(n).is_none()) {
            self.scan(&View { batch, original: None }, out);
        } else {
            self.scan(&View { batch: &folded(batch), original: Some(batch) }, out);
        }
    }

    fn finish(mut self: Box<Self>, out: &mut Findings) {
        self.judge(out);
    }
}

/// Topics whose masked names are remembered.
const TOPICS: usize = 4096;

/// The name of a topic as it may be told.
fn masked(engine: &Arc<Engine>, topics: &mut HashMap<String, String>, topic: &str) -> String {
    if let Some(told) = topics.get(topic) {
        return told.clone();
    }
    let told = Masking::new(Arc::new(TextDetector::of(Arc::clone(engine)))).text(topic);
    if topics.len() < TOPICS {
        topics.insert(topic.to_owned(), told.clone());
    }
    told
}

/// Reports a row: its matches, and the record that they make.
fn report_row(row: Vec<Placed>, out: &mut Findings) {
    let mut identifiers: Vec<(KindId, String)> = Vec::new();
    let (mut seen, mut sure) = (KindSet::default(), KindSet::default());
    for m in resolve(row) {
        seen.insert(m.kind);
        if !m.guess() {
            sure.insert(m.kind);
        }
        if let Some(value) = &m.identifier {
            identifiers.push((m.kind, value.clone()));
        }
        report(m, out);
    }
    record(&identifiers, seen, sure, out);
}

/// A batch as it is scanned, and as it came where that differs.
struct View<'a> {
    batch: &'a RecordBatch<'a>,
    original: Option<&'a RecordBatch<'a>>,
}

impl<'a> View<'a> {
    /// The candidate of a span, and where its text begins in the batch.
    fn candidate<'b>(
        &'b self,
        about: &'b About,
        row: &std::ops::Range<usize>,
        cell: &Cell,
        start: usize,
        end: usize,
    ) -> Option<(Candidate<'b>, usize)> {
        let text: &str = &self.batch.text;
        let left = text.floor_char_boundary(start.saturating_sub(BACK)).max(row.start);
        let right = text.floor_char_boundary((end + AHEAD).min(row.end));
        let (cell_start, cell_end) = (cell.start as usize, cell.end as usize);
        let candidate = Candidate {
            text: text.get(left..right)?,
            start: start - left,
            end: end - left,
            run: None,
            literal: None,
            place: Place::Cell {
                name: self.batch.name(cell),
                start: cell_start.max(left) - left,
                end: cell_end.min(right) - left,
            },
            format: &about.format,
            extension: &about.extension,
            file: &about.file,
        };
        Some((candidate, left))
    }

    /// The cell that holds an offset, looked for around a known one.
    fn cell_of(&self, near: usize, offset: usize) -> Option<(usize, &Cell)> {
        let cells = &self.batch.cells;
        let holds = |c: &Cell| c.start as usize <= offset && offset < c.end as usize;
        if let Some(c) = cells.get(near).filter(|c| holds(c)) {
            return Some((near, c));
        }
        let at = cells.partition_point(|c| c.end as usize <= offset);
        cells.get(at).filter(|c| holds(c)).map(|c| (at, c))
    }

    /// Where a span of a cell stands in the artifact.
    fn locate(&self, cell: usize, start: usize, end: usize) -> Location {
        let Some(c) = self.batch.cells.get(cell) else { return Location::default() };
        let mut location = Location {
            bytes: Some((c.byte_start, c.byte_end)),
            line: Some(c.line),
            column: Some(u64::from(c.column)),
            ..Location::default()
        };
        if !c.verbatim {
            return location;
        }
        let before = self.batch.text.get(c.start as usize..start).unwrap_or("");
        let value = self.batch.text.get(start..end).unwrap_or("");
        let (mut from, mut to) = (before.len(), before.len() + value.len());
        if let Some((original, o)) = self.original.and_then(|o| Some((o, o.cells.get(cell)?))) {
            // Folding keeps the number of characters.
            let text = original.value(o);
            let at = |chars: u64| {
                text.char_indices().nth(usize::try_from(chars).unwrap_or(usize::MAX)).map_or(text.len(), |(i, _)| i)
            };
            let chars = characters(before.as_bytes());
            (from, to) = (at(chars), at(chars + characters(value.as_bytes())));
        }
        location.bytes = Some((c.byte_start + from as u64, c.byte_start + to as u64));
        match before.rfind('\n') {
            Some(last) => {
                location.line = Some(c.line + memchr::memchr_iter(b'\n', before.as_bytes()).count() as u64);
                location.column = Some(1 + characters(&before.as_bytes()[last + 1..]));
            }
            None => location.column = Some(u64::from(c.column) + characters(before.as_bytes())),
        }
        location
    }

    /// Length of a row's text as it came, so that blocks of rows do not depend on what else its batch holds.
    fn original_len(&self, cells: &[Cell]) -> u64 {
        cells.iter().map(|c| u64::from(c.end.saturating_sub(c.start))).sum()
    }
}

/// A batch with full-width letters and digits as ASCII.
fn folded(batch: &RecordBatch<'_>) -> RecordBatch<'static> {
    let mut text = String::with_capacity(batch.text.len());
    let mut cells = Vec::with_capacity(batch.cells.len());
    for cell in &batch.cells {
        let start = u32::try_from(text.len()).unwrap_or(u32::MAX);
        text.push_str(&fold::fold(batch.value(cell)));
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        text.push(RecordBatch::CELL_END);
        cells.push(Cell { start, end, ..*cell });
    }
    RecordBatch {
        names: batch.names.iter().map(|n| fold::fold(n).into_owned()).collect(),
        text: Cow::Owned(text),
        cells,
        records: batch.records.clone(),
        origins: batch.origins.clone(),
    }
}
