//! SYM, the symbol files of PCAN Explorer and PCAN Symbol Editor, versions 1 to 6.

use std::collections::HashMap;

use yumen_kit_container::FormatReader;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::lexer::{Lines, sample};
use crate::names::{Counts, List, Named, Names, send_inventory};

pub(crate) struct Sym;

const FORMATS: &[Format] = &[Format {
    name: "sym",
    title: "PCAN symbol file",
    media_type: "text/plain",
    extensions: &["sym"],
    magic: "a line FormatVersion= with a number at the start, then Title=, {SEND}, {RECEIVE}, {SENDRECEIVE}, {ENUMS} or {SIGNALS}",
    reference: "https://www.peak-system.com/produktcd/Pdf/English/PCAN-Explorer_5-Symbols_eng.pdf",
    evidence: "the whole text; names of messages, signals, comments, values; diag.sym with counts",
    limitations: &["A symbol with a range of identifiers counts as a message for each."],
}];

const SECTIONS: &[&str] = &["{ENUMS}", "{SIGNALS}", "{SEND}", "{RECEIVE}", "{SENDRECEIVE}"];
/// Symbols that are kept for counting.
const KEPT: usize = 100_000;

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r']).map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("//"))
}

impl FormatReader for Sym {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let text = sample(probe)?;
        let mut all = lines(text.trim_start_matches('\u{FEFF}'));
        let number = |l: &str| {
            l.strip_prefix("FormatVersion")
                .map(str::trim_start)
                .and_then(|r| r.strip_prefix('='))
                .is_some_and(|v| v.trim_start().starts_with(|c: char| c.is_ascii_digit()))
        };
        let found = all.by_ref().take(8).any(number);
        let more = lines(&text).any(|l| {
            SECTIONS.iter().any(|s| l.get(..s.len()).is_some_and(|h| h.eq_ignore_ascii_case(s)))
                || l.starts_with("Title=")
        });
        (found && more).then(|| Identity::new("sym", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            lines: Lines::open(artifact, out)?,
            names: Names::new(artifact),
            counts: Counts::default(),
            versions: List::default(),
            section: "",
            symbols: HashMap::new(),
            current: None,
            open_enum: false,
        };
        while reader.lines.next()? {
            reader.line()?;
        }
        reader.end_section();
        let Reader { lines, names, counts, versions, .. } = reader;
        let out = lines.finish()?;
        names.finish(out)?;
        let item = counts.into_item(kinds::DIAG_SYM, &["messages", "signals"]).with("version", versions.value());
        send_inventory(artifact, item, out)
    }
}

/// Symbols of one name in one section.
#[derive(Default)]
struct Symbol {
    /// Blocks that have an identifier: their identifiers, their signals, whether they are multiplexed.
    with_id: Vec<(u64, u64, bool)>,
    /// Signals of all its blocks.
    signals: u64,
}

/// The open block.
struct Block {
    name: String,
    ids: u64,
    signals: u64,
    multiplexed: bool,
}

struct Reader<'o> {
    lines: Lines<'o>,
    names: Names,
    counts: Counts,
    versions: List,
    section: &'static str,
    symbols: HashMap<String, Symbol>,
    current: Option<Block>,
    open_enum: bool,
}

/// A word or quoted text at the start of `text[from..]`: its range without quotes, and where it ends.
fn word(text: &str, from: usize) -> Option<(usize, usize, usize)> {
    let start = from + (text[from..].len() - text[from..].trim_start().len());
    if text[start..].starts_with('"') {
        let end = start + 1 + text[start + 1..].find('"')?;
        return Some((start + 1, end, end + 1));
    }
    let len = text[start..]
        .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '=' | '/'))
        .unwrap_or(text.len() - start);
    (len > 0).then_some((start, start + len, start + len))
}

impl Reader<'_> {
    fn line(&mut self) -> Result<(), InspectError> {
        let text = self.lines.text().to_owned();
        let (code, comment) = split_comment(&text);
        let comment = comment.map(|at| self.lines.named(at, text.len())).filter(|c| !c.text.trim().is_empty());
        let lead = code.len() - code.trim_start().len();
        let body = code.trim();
        if body.is_empty() {
            return Ok(());
        }
        if let Some(section) = SECTIONS.iter().find(|s| body.get(..s.len()).is_some_and(|b| b.eq_ignore_ascii_case(s)))
        {
            self.end_section();
            self.section = section;
            self.open_enum = false;
            return Ok(());
        }
        if body.starts_with('[') && !self.open_enum {
            return self.symbol(&text, lead);
        }
        if self.section == "{ENUMS}" || self.open_enum || lower_starts(body, "enum") {
            return self.enumeration(&text, code.len(), body);
        }
        let Some((key, value)) = body.split_once('=') else {
            if !self.section.is_empty() {
                self.lines.error();
            }
            return Ok(());
        };
        let value_at = lead + key.len() + 1;
        match key.trim().to_ascii_lowercase().as_str() {
            "formatversion" => self.versions.add(value.split_whitespace().next().unwrap_or("")),
            "sig" | "var" => self.signal(&text, value_at, comment.as_ref())?,
            "mux" => {
                let Some((from, to, _)) = word(&text, value_at) else { return Ok(()) };
                let name = self.lines.named(from, to);
                if let Some(block) = &mut self.current {
                    block.multiplexed = true;
                }
                self.names.tell([("signal", &name)], self.lines.out)?;
            }
            "id" => {
                let ids = identifiers(value);
                if let Some(block) = &mut self.current {
                    block.ids = ids;
                }
                if let Some(comment) = &comment {
                    self.names.tell([("comment", comment)], self.lines.out)?;
                }
            }
            "cycletime" => self.counts.add("cycle_times"),
            _ => {}
        }
        Ok(())
    }

    fn symbol(&mut self, text: &str, lead: usize) -> Result<(), InspectError> {
        self.end_block();
        let Some(end) = text.rfind(']').filter(|&e| e > lead + 1) else {
            self.lines.error();
            return Ok(());
        };
        let (mut from, mut to) = (lead + 1, end);
        if to - from > 2 && text[from..to].starts_with('"') && text[from..to].ends_with('"') {
            (from, to) = (from + 1, to - 1);
        }
        let name = self.lines.named(from, to);
        self.names.tell([("message", &name)], self.lines.out)?;
        self.current = Some(Block { name: name.text, ids: 0, signals: 0, multiplexed: false });
        Ok(())
    }

    fn signal(&mut self, text: &str, at: usize, comment: Option<&Named>) -> Result<(), InspectError> {
        let Some((from, to, _)) = word(text, at) else {
            self.lines.error();
            return Ok(());
        };
        let name = self.lines.named(from, to);
        match &mut self.current {
            Some(block) => block.signals += 1,
            None => self.counts.add("signal_definitions"),
        }
        let comment = comment.map(|c| ("comment", c));
        self.names.tell([("signal", &name)].into_iter().chain(comment), self.lines.out)
    }

    /// `enum name(0="a", 1="b")`, which may go over several lines.
    fn enumeration(&mut self, text: &str, end: usize, body: &str) -> Result<(), InspectError> {
        if lower_starts(body, "enum") {
            self.counts.add("enums");
            self.open_enum = true;
        }
        let mut cells = Vec::new();
        let mut at = 0;
        while let Some(n) = text[at..end].find('"') {
            let from = at + n + 1;
            let Some(len) = text[from..end].find('"') else { break };
            if len > 0 && cells.len() < 1024 {
                cells.push(self.lines.named(from, from + len));
            }
            at = from + len + 1;
        }
        if body.ends_with(')') {
            self.open_enum = false;
        }
        self.names.tell(cells.iter().map(|c| ("value-description", c)), self.lines.out)
    }

    fn end_block(&mut self) {
        let Some(block) = self.current.take() else { return };
        if self.symbols.len() >= KEPT && !self.symbols.contains_key(&block.name) {
            // Counted as it is.
            self.counts.add_many("messages", block.ids);
            self.counts.add_many("signals", block.ids * (block.signals + u64::from(block.multiplexed)));
            return;
        }
        let symbol = self.symbols.entry(block.name).or_default();
        symbol.signals += block.signals;
        if block.ids > 0 && symbol.with_id.len() < 64 {
            symbol.with_id.push((block.ids, block.signals, block.multiplexed));
        }
    }

    fn end_section(&mut self) {
        self.end_block();
        for symbol in std::mem::take(&mut self.symbols).into_values() {
            for (ids, signals, multiplexed) in symbol.with_id {
                self.counts.add_many("messages", ids);
                // The multiplexer is a signal too, and the other blocks of the name are its cases.
                let signals = if multiplexed { symbol.signals + 1 } else { signals };
                self.counts.add_many("signals", ids * signals);
            }
        }
    }
}

fn lower_starts(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word))
}

/// The code of a line, and where its comment begins.
fn split_comment(text: &str) -> (&str, Option<usize>) {
    let mut quoted = false;
    let bytes = text.as_bytes();
    for (i, &b) in bytes.iter().enumerate() {
        match b {
            b'"' => quoted = !quoted,
            b'/' if !quoted && bytes.get(i + 1) == Some(&b'/') => {
                let blank = text[i + 2..].len() - text[i + 2..].trim_start().len();
                return (&text[..i], Some(i + 2 + blank));
            }
            _ => {}
        }
    }
    (text, None)
}

/// How many identifiers `100h` or `100h-10Fh` are.
fn identifiers(value: &str) -> u64 {
    let mut parts = value.split('-').map(|p| {
        let p = p.trim();
        let digits = p.strip_suffix(['h', 'H']).unwrap_or(p);
        u64::from_str_radix(digits, 16).ok()
    });
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(low), Some(high)) if high >= low && high - low < 1 << 29 => high - low + 1,
        _ => 1,
    }
}
