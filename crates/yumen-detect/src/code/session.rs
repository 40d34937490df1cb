//! Sessions over code, scripts, binaries and descriptions.

use std::sync::Arc;

use serde_json::Value;
use yumen_model::kind::kinds;
use yumen_model::{Batch, ByteMap, Findings, Location, RecordBatch, Session};

use super::language::{self, Language};
use super::lexer::{Open, Part, split};
use super::vocabulary::{Unit, Vocabulary};
use super::weigh::{Scales, Scope};
use crate::scanner::{Stretches, Window};

/// Text that decides what a stream is whose name does not tell, in bytes.
const HEAD: usize = 4 << 10;
/// Longer lines are cut.
const LONGEST_LINE: usize = 4 << 10;
/// Lines longer than this are no statement that means anything as a whole.
const STATEMENT: usize = 400;
/// In longer lines at least one byte in so many is a blank, unless they are data.
const BLANKS: usize = 100;
/// Text taken at a time.
const PIECE: usize = 64 << 10;

/// A literal that was found: number, start, end.
type Found = (usize, usize, usize);

/// Looks at lines.
struct Reader {
    vocabulary: Arc<Vocabulary>,
    scales: Scales,
    hits: Vec<Found>,
    inside: Vec<Found>,
}

/// Where a line stands.
struct Line<'a> {
    text: &'a str,
    number: u64,
    /// Characters of the same line before it.
    before: u64,
    /// What makes a place of a range of it.
    bytes: &'a dyn Fn(usize) -> u64,
    /// Whether lines and columns are told.
    numbered: bool,
}

impl Line<'_> {
    fn place(&self, from: usize, to: usize) -> Location {
        let bytes = Some(((self.bytes)(from), (self.bytes)(to)));
        if !self.numbered {
            return Location { bytes, ..Location::default() };
        }
        let column = 1 + self.before + self.text.get(..from).map_or(0, |t| t.chars().count() as u64);
        Location { part: None, bytes, line: Some(self.number), column: Some(column) }
    }
}

impl Reader {
    /// Reads the units of a stretch of a line. `hits` are those of the line.
    fn part(&mut self, line: &Line<'_>, hits: &[Found], part: Part, from: usize, to: usize, whole: &mut Whole) {
        let Some(text) = line.text.get(from..to) else { return };
        let mut read = |from: usize, to: usize, scope: Scope, this: &mut Reader| {
            let text = &line.text[from..to];
            this.inside.clear();
            this.inside.extend(hits.iter().filter(|h| h.1 >= from && h.2 <= to).map(|h| (h.0, h.1 - from, h.2 - from)));
            let mut unit = Unit::default();
            this.vocabulary.read(text, &this.inside, &mut unit);
            if unit.concepts == 0 {
                whole.code.context.add(&unit.context);
                return;
            }
            let first = &mut whole.first;
            first.get_or_insert((from, to));
            whole.fired |= this.scales.unit(&unit, text, scope, &|| line.place(from, to));
            if scope == Scope::Comment { whole.comment.join(&unit) } else { whole.code.join(&unit) }
        };
        match part {
            Part::Comment => read(from, to, Scope::Comment, self),
            Part::Text => {
                let blanks = text.trim().contains(' ');
                read(from, to, if blanks { Scope::Phrase } else { Scope::Name }, self);
            }
            Part::Code => {
                for (start, end) in chains(text) {
                    read(from + start, from + end, Scope::Name, self);
                }
            }
        }
    }

    /// A line is read.
    fn conclude(&mut self, line: &Line<'_>, mut whole: Whole) {
        if let Some((from, to)) = whole.first {
            let place = line.place(from, to);
            if whole.code.concepts != 0 && line.text.len() <= STATEMENT {
                whole.code.settle();
                if whole.fired == 0 {
                    self.scales.unit(&whole.code, line.text.trim(), Scope::Line, &|| place.clone());
                }
            }
            self.scales.line(line.number, &whole.code, &whole.comment, &place);
        } else {
            self.scales.line(line.number, &whole.code, &whole.comment, &Location::default());
        }
    }
}

/// What stands in a line.
#[derive(Default)]
struct Whole {
    code: Unit,
    comment: Unit,
    /// Kinds that parts of it are evidence of.
    fired: u16,
    first: Option<(usize, usize)>,
}

/// The identifiers of a stretch of code, with what they are members of: `vehicle.door->unlock`, `Car::getEngine().start`.
fn chains(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let word =
        |c: char| c.is_ascii_alphanumeric() || c == '_' || (c >= '\u{3400}' && !('\u{FE00}'..='\u{FFFF}').contains(&c));
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.find(word)?;
        let mut end = start;
        loop {
            let tail = text.get(end..)?;
            end += tail.find(|c| !word(c)).unwrap_or(tail.len());
            let tail = &text.as_bytes()[end..];
            let join = [&b"."[..], b"->", b"::", b"?.", b"().", b"()->", b"-"].into_iter().find(|j| {
                tail.starts_with(j) && tail.get(j.len()).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
            });
            match join {
                Some(j) => end += j.len(),
                None => break,
            }
        }
        at = end;
        Some((start, end))
    })
}

/// What text is taken for.
enum Kind {
    /// Not known before its beginning was read.
    Open {
        language: Option<Language>,
    },
    Code(Language),
    /// A text that describes: names, no code.
    Description,
    /// The stretches of a binary.
    Binary,
    /// Nothing that is looked at.
    Other,
}

/// Text: code, scripts, descriptions, stretches of binaries.
pub(crate) struct TextSession {
    reader: Reader,
    kind: Kind,
    window: Window,
    stretches: Option<Stretches>,
    open: Open,
    line: u64,
    before: u64,
    blank: bool,
    lines: u64,
}

impl TextSession {
    fn new(vocabulary: Arc<Vocabulary>, scales: Scales, kind: Kind) -> Self {
        let stretches = matches!(kind, Kind::Binary).then(Stretches::new);
        TextSession {
            reader: Reader { vocabulary, scales, hits: Vec::new(), inside: Vec::new() },
            kind,
            window: Window::new(),
            stretches,
            open: Open::Nothing,
            line: 1,
            before: 0,
            blank: true,
            lines: 0,
        }
    }

    pub(crate) fn code(vocabulary: Arc<Vocabulary>, scales: Scales, language: Option<Language>, line: u64) -> Self {
        TextSession { line: line.max(1), ..TextSession::new(vocabulary, scales, Kind::Open { language }) }
    }

    pub(crate) fn description(vocabulary: Arc<Vocabulary>, scales: Scales) -> Self {
        TextSession::new(vocabulary, scales, Kind::Description)
    }

    pub(crate) fn binary(vocabulary: Arc<Vocabulary>, scales: Scales) -> Self {
        TextSession::new(vocabulary, scales, Kind::Binary)
    }

    fn take(&mut self, map: &ByteMap, text: &str) {
        let mut from = 0;
        while from < text.len() && !matches!(self.kind, Kind::Other) {
            let to = text.floor_char_boundary((from + PIECE).min(text.len()));
            self.window.push(map, text, from, to);
            from = to;
            self.pump(false);
        }
    }

    fn pump(&mut self, last: bool) {
        if let Kind::Open { language } = self.kind {
            let text = self.window.text();
            if !last && text.len() < HEAD {
                return;
            }
            let head = &text[..text.floor_char_boundary(HEAD.min(text.len()))];
            self.kind = match language.map(|l| language::settle(l, head)).or_else(|| language::by_content(head)) {
                Some(language) => Kind::Code(language),
                None => Kind::Other,
            };
        }
        if matches!(self.kind, Kind::Other) {
            return;
        }
        let mut window = std::mem::replace(&mut self.window, Window::new());
        let done = self.lines_of(&window, last);
        window.forget(window.base() + done as u64);
        self.window = window;
    }

    /// Reads the whole lines of a window; how much of it was read.
    fn lines_of(&mut self, window: &Window, last: bool) -> usize {
        let text = window.text();
        let end = match memchr::memrchr2(b'\n', b'\x1f', text.as_bytes()) {
            _ if last => text.len(),
            Some(at) => at + 1,
            None if text.len() > LONGEST_LINE => text.len(),
            None => return 0,
        };
        self.reader.hits.clear();
        let mut hits = std::mem::take(&mut self.reader.hits);
        let literals = &self.reader.vocabulary.literals;
        literals.scan(text.as_bytes(), 0, end, &mut |n, s, e| hits.push((n, s, e)));
        hits.sort_unstable_by_key(|h| (h.1, h.2));
        let (mut at, mut next) = (0, 0);
        while at < end {
            let rest = &text[at..end];
            let (line, over) = match memchr::memchr2(b'\n', b'\x1f', rest.as_bytes()) {
                Some(n) if n <= LONGEST_LINE => (&rest[..n], Some(1)),
                _ if rest.len() > LONGEST_LINE => (&rest[..cut(rest)], Some(0)),
                _ if last => (rest, Some(0)),
                _ => break,
            };
            let first = next + hits[next..].partition_point(|h| h.1 < at);
            next = first + hits[first..].partition_point(|h| h.1 < at + line.len());
            self.read(window, line, at, &hits[first..next]);
            at += line.len();
            if over == Some(1) {
                self.lines += u64::from(!self.blank);
                self.blank = true;
                self.line += 1;
                self.before = 0;
                at += 1;
                self.reader.scales.end_line(self.line);
            } else {
                self.before += line.chars().count() as u64;
            }
        }
        hits.clear();
        self.reader.hits = hits;
        at
    }

    /// Reads a line that stands at `at` in the window; `hits` are literals in it, by their place in the window.
    fn read(&mut self, window: &Window, line: &str, at: usize, hits: &[Found]) {
        self.blank &= line.bytes().all(|b| b.is_ascii_whitespace());
        let reader = &mut self.reader;
        let base = window.base() + at as u64;
        let here = Line {
            text: line,
            number: self.line,
            before: self.before,
            bytes: &|offset| window.byte_at(base + offset as u64),
            numbered: !matches!(self.kind, Kind::Binary),
        };
        let hits: Vec<Found> =
            hits.iter().filter(|h| h.2 <= at + line.len()).map(|h| (h.0, h.1 - at, h.2 - at)).collect();
        let mut whole = Whole::default();
        match &self.kind {
            Kind::Code(language) => {
                let data =
                    line.len() > STATEMENT && memchr::memchr_iter(b' ', line.as_bytes()).count() * BLANKS < line.len();
                let look = !hits.is_empty() && !data;
                self.open = split(&language.style, line, self.open, &mut |part, from, to| {
                    if look && from < to {
                        reader.part(&here, &hits, part, from, to, &mut whole);
                    }
                });
            }
            _ if hits.is_empty() => return,
            Kind::Binary => {
                let part = if line.trim().contains(' ') { Part::Text } else { Part::Code };
                reader.part(&here, &hits, part, 0, line.len(), &mut whole);
            }
            _ => reader.part(&here, &hits, Part::Code, 0, line.len(), &mut whole),
        }
        if !hits.is_empty() {
            reader.conclude(&here, whole);
        }
    }
}

/// Where a line that is too long is cut: after its last sign between words.
fn cut(rest: &str) -> usize {
    let most = rest.floor_char_boundary(LONGEST_LINE);
    let piece = &rest[..most];
    let back = piece.len().saturating_sub(256);
    let sign = piece.as_bytes()[back..].iter().rposition(|b| b.is_ascii() && !b.is_ascii_alphanumeric() && *b != b'_');
    sign.map_or(most, |n| back + n + 1)
}

impl Session for TextSession {
    fn feed(&mut self, batch: &Batch<'_>, _: &mut Findings) {
        match batch {
            Batch::Text(batch) if self.stretches.is_none() => self.take(&batch.map, &batch.text),
            Batch::Raw(batch) => {
                let Some(mut stretches) = self.stretches.take() else { return };
                stretches.feed(batch.offset, &batch.bytes, &mut |map, text| self.take(map, text));
                self.stretches = Some(stretches);
            }
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>, out: &mut Findings) {
        if let Some(mut stretches) = self.stretches.take() {
            stretches.finish(&mut |map, text| self.take(map, text));
        }
        self.pump(true);
        self.lines += u64::from(!self.blank);
        let (form, name) = match self.kind {
            Kind::Code(language) => (if language.script { "script" } else { "source" }, Some(language.name)),
            Kind::Description => ("description", None),
            Kind::Binary => ("binary", None),
            Kind::Open { .. } | Kind::Other => return,
        };
        if let (Some(name), true) = (name, self.lines > 0) {
            let properties = [("languages", Value::from(vec![name])), ("lines", Value::from(self.lines))];
            let place = Location { line: Some(1), column: Some(1), ..Location::default() };
            out.summary(kinds::CODE_SOURCE, vec![("form", form.into())], 1, 0.95, place, properties.into());
        }
        if name == Some("edify") && self.lines > 0 {
            self.reader.scales.upgrade();
        }
        self.reader.scales.report(form, name, out);
    }
}

/// What the cells of records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cells {
    /// Names of ECUs, messages, signals, services.
    Names,
    /// Symbols of a binary.
    Symbols,
    /// Lines of a notebook's or model's code.
    Code(&'static str),
}

/// Records whose cells are names or code.
pub(crate) struct RecordSession {
    reader: Reader,
    cells: Cells,
    row: u64,
    lines: u64,
}

impl RecordSession {
    pub(crate) fn new(vocabulary: Arc<Vocabulary>, scales: Scales, cells: Cells) -> Self {
        let reader = Reader { vocabulary, scales, hits: Vec::new(), inside: Vec::new() };
        RecordSession { reader, cells, row: 1, lines: 0 }
    }

    fn wanted(&self, name: &str) -> bool {
        let last = name.rsplit('.').next().unwrap_or(name);
        match self.cells {
            Cells::Names => true,
            Cells::Symbols => matches!(last, "symbol" | "symbols" | "function" | "source_path"),
            Cells::Code("jupyter") => last == "source",
            Cells::Code(_) => true,
        }
    }

    fn batch(&mut self, batch: &RecordBatch<'_>) {
        let wanted: Vec<bool> = batch.names.iter().map(|n| self.wanted(n)).collect();
        for row in batch.rows() {
            let mut whole = Whole::default();
            let mut place = None;
            for cell in row {
                let named = wanted.get(cell.name as usize).copied();
                if !named.unwrap_or(self.cells == Cells::Names) {
                    continue;
                }
                for (n, text) in batch.value(cell).split('\n').enumerate() {
                    self.lines += u64::from(!text.trim().is_empty());
                    let text = &text[..text.floor_char_boundary(LONGEST_LINE)];
                    let mut hits = std::mem::take(&mut self.reader.hits);
                    self.reader
                        .vocabulary
                        .literals
                        .scan(text.as_bytes(), 0, text.len(), &mut |n, s, e| hits.push((n, s, e)));
                    if !hits.is_empty() {
                        let line = Line {
                            text,
                            number: self.row,
                            before: 0,
                            bytes: &|at| if at == 0 { cell.byte_start } else { cell.byte_end },
                            numbered: false,
                        };
                        let part = match self.cells {
                            Cells::Code("jupyter") => Part::Code,
                            _ if text.trim().contains(' ') => Part::Text,
                            _ => Part::Code,
                        };
                        let spot = Location {
                            part: None,
                            bytes: Some((cell.byte_start, cell.byte_end)),
                            line: Some(cell.line + n as u64),
                            column: Some(u64::from(cell.column)),
                        };
                        let before = whole.first.is_some();
                        self.reader.part_at(&line, &hits, part, &mut whole, &spot);
                        if !before && whole.first.is_some() {
                            place = Some(spot);
                        }
                    }
                    hits.clear();
                    self.reader.hits = hits;
                }
            }
            if let Some(place) = place {
                self.reader.scales.line(self.row, &whole.code, &whole.comment, &place);
            }
            self.row += 1;
            self.reader.scales.end_line(self.row);
        }
    }
}

impl Reader {
    /// Reads the whole of a cell's line; every place in it is the cell's.
    fn part_at(&mut self, line: &Line<'_>, hits: &[Found], part: Part, whole: &mut Whole, spot: &Location) {
        let spans: Vec<(usize, usize)> = match part {
            Part::Code => chains(line.text).collect(),
            _ => vec![(0, line.text.len())],
        };
        for (from, to) in spans {
            let text = &line.text[from..to];
            self.inside.clear();
            self.inside.extend(hits.iter().filter(|h| h.1 >= from && h.2 <= to).map(|h| (h.0, h.1 - from, h.2 - from)));
            let mut unit = Unit::default();
            self.vocabulary.read(text, &self.inside, &mut unit);
            if unit.concepts == 0 {
                continue;
            }
            whole.first.get_or_insert((from, to));
            let scope = if part == Part::Code { Scope::Name } else { Scope::Phrase };
            whole.fired |= self.scales.unit(&unit, text, scope, &|| spot.clone());
            whole.code.join(&unit);
        }
    }
}

impl Session for RecordSession {
    fn feed(&mut self, batch: &Batch<'_>, _: &mut Findings) {
        if let Batch::Records(batch) = batch {
            self.batch(batch);
        }
    }

    fn finish(self: Box<Self>, out: &mut Findings) {
        let (form, language) = match self.cells {
            Cells::Names => ("description", None),
            Cells::Symbols => ("binary", None),
            Cells::Code(language) => ("source", Some(language)),
        };
        if let (Some(language), true) = (language, self.lines > 0) {
            let properties = [("languages", Value::from(vec![language])), ("lines", Value::from(self.lines))];
            out.summary(
                kinds::CODE_SOURCE,
                vec![("form", form.into())],
                1,
                0.95,
                Location::default(),
                properties.into(),
            );
        }
        self.reader.scales.report(form, language, out);
    }
}
