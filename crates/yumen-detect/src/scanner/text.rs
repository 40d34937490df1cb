//! Sessions over running text: prose, names of artifacts, printable stretches of binary.

use yumen_model::{Batch, EvidenceKind, Findings, Location, Part, Session};

use super::engine::{Engine, PIECE, ScanState, Trigger};
use super::settle::{Placed, Records, Settler};
use super::window::Window;
use super::{About, raw::Stretches};
use crate::recogniser::{AHEAD, BACK, Candidate, LONGEST_RUN, Match, Place};
use std::sync::Arc;

/// No later candidate yields a match that begins further back than this from where the scan stands.
const REACH: usize = BACK + LONGEST_RUN + 1024;
/// Text kept behind the scan.
const KEEP: usize = 2 * REACH;

/// What a stream of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Prose,
    Binary,
    Name,
}

/// A session over text of any kind.
pub(crate) struct TextSession {
    engine: Arc<Engine>,
    about: About,
    stream: Stream,
    stretches: Option<Stretches>,
    window: Window,
    /// Offset in the stream up to which candidates have been looked for.
    scanned: u64,
    state: ScanState,
    triggers: Vec<Trigger>,
    matches: Vec<Match>,
    /// Matches not settled yet; their positions are offsets in the stream.
    pending: Vec<(u64, u64, Match)>,
    settler: Settler,
}

impl TextSession {
    pub(crate) fn new(engine: Arc<Engine>, about: About, kind: EvidenceKind) -> Self {
        let (stream, records) = match kind {
            EvidenceKind::Raw => (Stream::Binary, Records::Alone),
            EvidenceKind::Name => (Stream::Name, Records::Lines),
            _ => (Stream::Prose, Records::Lines),
        };
        TextSession {
            state: ScanState::default(),
            engine,
            about,
            stream,
            stretches: (stream == Stream::Binary).then(Stretches::new),
            window: Window::new(),
            scanned: 0,
            triggers: Vec::new(),
            matches: Vec::new(),
            pending: Vec::new(),
            settler: Settler::new(records),
        }
    }

    /// The stream begins elsewhere than in line 1, column 1: what comes before was told otherwise.
    pub(crate) fn begin_at(&mut self, line: u64, column: u64) {
        self.window.begin_at(line, column);
    }

    fn take(&mut self, map: &yumen_model::ByteMap, text: &str, out: &mut Findings) {
        let mut from = 0;
        while from < text.len() {
            let to = text.floor_char_boundary((from + PIECE).min(text.len()));
            self.window.push(map, text, from, to);
            from = to;
            self.pump(false, out);
        }
    }

    /// Scans what has all its surroundings.
    fn pump(&mut self, last: bool, out: &mut Findings) {
        let margin = if last { 0 } else { AHEAD };
        loop {
            let from = usize::try_from(self.scanned - self.window.base()).unwrap_or(usize::MAX);
            let ready = self.window.text().len().saturating_sub(margin);
            if from >= ready || (!last && ready - from < PIECE / 4) {
                if last && from >= ready {
                    self.scan(from, from, true);
                    self.settle(u64::MAX, out);
                }
                return;
            }
            let to = ready.min(from + PIECE);
            self.scan(from, to, false);
            self.settle(self.scanned.saturating_sub(REACH as u64), out);
            if to > KEEP + PIECE {
                self.window.forget(self.scanned - KEEP as u64);
            }
        }
    }

    fn scan(&mut self, from: usize, to: usize, last: bool) {
        let text = self.window.text();
        self.triggers.clear();
        self.engine.scan(&mut self.state, text.as_bytes(), from, to, last, &mut self.triggers);
        let base = self.window.base();
        self.scanned = base + to as u64;
        let place = match self.stream {
            Stream::Prose => Place::Prose,
            Stream::Binary => Place::Binary,
            Stream::Name => Place::Name,
        };
        for trigger in &self.triggers {
            let (start, end) = trigger.span();
            let left = text.floor_char_boundary(start.saturating_sub(BACK));
            let right = text.floor_char_boundary((end + AHEAD).min(text.len()));
            let candidate = Candidate {
                text: &text[left..right],
                start: start - left,
                end: end - left,
                run: None,
                literal: None,
                place,
                format: &self.about.format,
                extension: &self.about.extension,
                file: &self.about.file,
            };
            self.engine.examine(trigger, candidate, &mut self.matches);
            for m in self.matches.drain(..) {
                if m.start < m.end && candidate.text.get(m.start..m.end).is_some() {
                    let from = base + (left + m.start) as u64;
                    let to = base + (left + m.end) as u64;
                    self.pending.push((from, to, m));
                }
            }
        }
    }

    /// Places and reports the matches that begin before an offset of the stream.
    fn settle(&mut self, before: u64, out: &mut Findings) {
        if self.pending.is_empty() {
            return;
        }
        self.pending.sort_by_key(|a| (a.0, a.1));
        let ready = self.pending.partition_point(|p| p.0 < before);
        for (start, end, m) in self.pending.drain(..ready) {
            let bytes = Some((self.window.byte_at(start), self.window.byte_at(end)));
            let (location, record) = match self.stream {
                Stream::Prose => {
                    let (line, column) = self.window.line_column(start);
                    (Location { bytes, line: Some(line), column: Some(column), ..Location::default() }, line)
                }
                Stream::Binary => (Location { bytes, ..Location::default() }, start),
                Stream::Name => (Location { part: Some(Part::Name), bytes, ..Location::default() }, 1),
            };
            let placed = Placed::new(m, start, end, location, record, self.window.slice(start, end));
            self.settler.push(placed, out);
        }
    }
}

impl Session for TextSession {
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings) {
        match batch {
            Batch::Text(batch) if self.stretches.is_none() => self.take(&batch.map, &batch.text, out),
            Batch::Raw(batch) => {
                let Some(mut stretches) = self.stretches.take() else { return };
                stretches.feed(batch.offset, &batch.bytes, &mut |map, text| self.take(map, text, out));
                self.stretches = Some(stretches);
            }
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>, out: &mut Findings) {
        if let Some(mut stretches) = self.stretches.take() {
            stretches.finish(&mut |map, text| self.take(map, text, out));
        }
        self.pump(true, out);
        self.settler.finish(out);
    }
}
