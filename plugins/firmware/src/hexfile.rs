//! Memory images written as lines of hexadecimal digits: what Intel HEX, S-record, TI-TXT and Verilog files have in common.
//!
//! A first pass lists runs of data by address and where their lines stand; a second one decodes them in the order of addresses. So the lines may
//! stand in any order, and memory is bounded by the number of runs, not by the size of the image.

use std::ops::Range;

use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Blob, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Message, Probe,
    Reason, Stop,
};

use crate::common::{Evidence, conclude, hex, is_stopped, loaded, segment_name};
use crate::{ihex, srec, titxt};

/// Longest line that can be a record; longer ones are other text.
pub(crate) const LONGEST: usize = 4096;
/// Runs of data that are told apart; a file with more is not opened further.
const MAX_RUNS: usize = 1 << 20;
/// Bytes handed over at once.
const OUTPUT: usize = 64 << 10;
/// Address ranges that the inventory lists.
const LISTED: usize = 64;

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Nothing on it.
    Blank,
    /// Data at an address; they stand in the decoder's buffer.
    Data(u64),
    /// Another record of the format.
    Other,
    /// The start address of the program.
    Start(u64),
    /// Text that a record holds (in the buffer), with its place in the line.
    Header(Range<usize>),
    /// Not of the format.
    Foreign,
}

/// A line with what was odd about it.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) line: Line,
    /// Its checksum is wrong.
    pub(crate) bad_sum: bool,
    /// It is the last record of an image.
    pub(crate) last: bool,
    /// Bytes of the line that are the record; text may follow.
    pub(crate) used: usize,
}

impl Parsed {
    pub(crate) fn of(line: Line, used: usize) -> Self {
        Parsed { line, bad_sum: false, last: false, used }
    }

    pub(crate) fn foreign() -> Self {
        Parsed::of(Line::Foreign, 0)
    }
}

/// One of the formats.
pub(crate) trait Dialect {
    /// Reads a line without its end; data go into `data`.
    fn line(&mut self, line: &[u8], data: &mut Vec<u8>) -> Parsed;
    /// Whether an image without its last record is cut short.
    fn has_end(&self) -> bool;
}

/// Reads all four.
pub(crate) struct HexFile;

impl FormatReader for HexFile {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let format =
            ihex::looks(probe.head).or_else(|| srec::looks(probe.head)).or_else(|| titxt::looks(probe.head))?;
        Some(Identity::new(format, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            to: Container::new(artifact, out),
            evidence: Evidence::new(artifact),
            runs: Vec::new(),
            start: None,
            headers: Vec::new(),
            ended: false,
        };
        let result = match artifact.format {
            "ihex" => reader.run(&ihex::Ihex::default, "ihex"),
            "srec" => reader.run(&srec::Srec::default, "srec"),
            "verilog-hex" => reader.run(&titxt::TiTxt::verilog, "verilog-hex"),
            _ => reader.run(&titxt::TiTxt::default, "ti-txt"),
        };
        conclude(reader.to, reader.evidence, result)
    }
}

const EVIDENCE: &str = "each contiguous segment of memory as a child named by its address; comments and header records as text; inventory of segments";

const FORMATS: &[Format] = &[
    Format {
        name: "ihex",
        title: "Intel HEX memory image",
        media_type: "text/x-ihex",
        extensions: &["hex", "ihex", "ihx", "h86", "mcs", "a43", "hxl", "hxh"],
        magic: "lines of `:`, length, address, type, data and a checksum that is right",
        reference: "Intel, Hexadecimal Object File Format Specification, revision A",
        evidence: EVIDENCE,
        limitations: &["vendors' records beyond types 00 to 05 are counted, not read"],
    },
    Format {
        name: "srec",
        title: "Motorola S-record memory image",
        media_type: "text/x-srec",
        extensions: &["srec", "s19", "s28", "s37", "mot", "mx", "sx", "mhx", "s1", "s2", "s3"],
        magic: "lines of `S`, type, length, address, data and a checksum that is right",
        reference: "Motorola M68000 Family Programmer's Reference Manual, appendix C",
        evidence: EVIDENCE,
        limitations: &[],
    },
    Format {
        name: "ti-txt",
        title: "TI-TXT memory image",
        media_type: "text/x-ti-txt",
        extensions: &[],
        magic: "`@` with an address, lines of bytes in hexadecimal, `q`",
        reference: "Texas Instruments SLAU131, TI-TXT hexadecimal object format",
        evidence: EVIDENCE,
        limitations: &[],
    },
    Format {
        name: "verilog-hex",
        title: "Verilog memory image",
        media_type: "text/x-verilog-hex",
        extensions: &["vmem"],
        magic: "`@` with an address, lines of bytes or words in hexadecimal",
        reference: "IEEE 1364, $readmemh",
        evidence: EVIDENCE,
        limitations: &["addresses are taken to count words of the width that is written"],
    },
];

/// A run of data: so many bytes from an address, on lines that begin at `line`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    address: u64,
    /// Order in the file.
    line: u64,
    len: u64,
}

struct Reader<'a> {
    to: Container<'a>,
    evidence: Evidence<'a>,
    runs: Vec<Run>,
    start: Option<u64>,
    headers: Vec<String>,
    ended: bool,
}

impl Reader<'_> {
    fn run<D: Dialect>(&mut self, dialect: &dyn Fn() -> D, format: &'static str) -> Result<(), InspectError> {
        let listed = self.list(dialect());
        if is_stopped(&listed) {
            return listed;
        }
        self.runs.sort_unstable();
        let delivered = self.deliver(dialect, format);
        listed.and(delivered)
    }

    /// The first pass: runs of data, text beside them, checksums.
    fn list(&mut self, mut dialect: impl Dialect) -> Result<(), InspectError> {
        let mut lines = Lines::new(self.to.blob, 0);
        let mut data = Vec::new();
        let mut records = 0u64;
        while let Some((at, line)) = lines.next()? {
            data.clear();
            let end = at + line.len() as u64;
            let body = trim_end(line);
            let parsed = dialect.line(body, &mut data);
            if parsed.bad_sum {
                self.to.tell_at("checksum-mismatch", at);
            }
            self.ended |= parsed.last;
            let used = at + parsed.used as u64;
            match parsed.line {
                Line::Foreign => {
                    self.foreign(at..at + body.len() as u64)?;
                    self.to.container(at + body.len() as u64..end)?;
                    continue;
                }
                Line::Data(address) => {
                    records += 1;
                    let len = data.len() as u64;
                    let full = self.runs.len() >= MAX_RUNS;
                    match self.runs.last_mut() {
                        Some(run) if run.address.checked_add(run.len) == Some(address) => run.len += len,
                        _ if len == 0 => {}
                        _ if full => {
                            return Err(InspectError {
                                reason: Reason::Limit,
                                offset: Some(at),
                                message: "more runs of data than are read",
                            });
                        }
                        _ => self.runs.push(Run { address, line: at, len }),
                    }
                }
                Line::Start(address) => self.start = Some(address),
                Line::Header(place) => {
                    let text = crate::common::field(&data);
                    self.evidence.bytes(&mut self.to, &data, at + place.start as u64)?;
                    // What stands behind a zero byte is text as well.
                    if let Some(zero) = memchr::memchr(0, &data) {
                        let rest = data.split_off(zero);
                        self.evidence.strings(&mut self.to, &rest, at + place.start as u64)?;
                    }
                    if self.headers.len() < 16
                        && let Some(text) = text
                    {
                        self.headers.push(text);
                    }
                }
                Line::Blank | Line::Other => {}
            }
            self.to.container(at..used)?;
            // Behind the record there may be a comment.
            let tail = used..at + body.len() as u64;
            if body[parsed.used.min(body.len())..].iter().all(u8::is_ascii_whitespace) {
                self.to.container(used..end)?;
            } else {
                self.foreign(tail)?;
                self.to.container(at + body.len() as u64..end)?;
            }
        }
        if !self.ended && records > 0 && dialect.has_end() {
            self.to.tell_at("truncated", self.to.len());
        }
        Ok(())
    }

    /// What is not of the format: text is shown to the detectors, anything else becomes a child.
    fn foreign(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        if range.is_empty() {
            return Ok(());
        }
        let len = usize::try_from(range.end - range.start).unwrap_or(0);
        let bytes = self.to.window.get(range.start, len)?;
        if bytes.iter().any(|&b| b < 9 || (14..27).contains(&b)) {
            // Zeros, end-of-file characters and erased flash behind the last line.
            if bytes.iter().all(|&b| matches!(b, 0 | 0x1a | 0xff)) {
                return self.to.container(range);
            }
            return self.to.slack(range);
        }
        self.to.comment(range)
    }

    /// The second pass: segments in the order of their addresses.
    fn deliver<D: Dialect>(&mut self, dialect: &dyn Fn() -> D, format: &'static str) -> Result<(), InspectError> {
        let runs = std::mem::take(&mut self.runs);
        let mut ranges = Vec::new();
        let (mut segments, mut bytes) = (0u64, 0u64);
        let mut at = 0;
        while at < runs.len() {
            let first = runs[at].address;
            let mut end = first.saturating_add(runs[at].len);
            let mut to = at + 1;
            while to < runs.len() && runs[to].address == end {
                end = end.saturating_add(runs[to].len);
                to += 1;
            }
            if at > 0 && runs[at - 1].address.saturating_add(runs[at - 1].len) > first {
                self.to.tell_at("overlapping-segments", runs[at].line);
            }
            segments += 1;
            bytes += end - first;
            if ranges.len() < LISTED {
                ranges.push(format!("{}-{}", hex(first), hex(end)));
            }
            self.segment(&runs[at..to], dialect)?;
            at = to;
        }
        let mut item = InventoryItem::new(kinds::FIRMWARE_ECU)
            .with("container", format)
            .with("segments", segments)
            .with("bytes", bytes)
            .with("address_ranges", ranges)
            .with("header", std::mem::take(&mut self.headers));
        if let Some(first) = runs.first() {
            item = item.with("first_address", hex(first.address));
        }
        if let Some(start) = self.start {
            item = item.with("entry", hex(start));
        }
        if segments > 0 {
            self.to.inventory(item);
        }
        Ok(())
    }

    fn segment<D: Dialect>(&mut self, runs: &[Run], dialect: &dyn Fn() -> D) -> Result<(), InspectError> {
        let Some(first) = runs.first() else { return Ok(()) };
        let mut meta = loaded(&segment_name(first.address), first.address);
        let len: u64 = runs.iter().map(|r| r.len).sum();
        meta.encoded = Some(len.saturating_mul(2));
        self.to.send(Message::ChildStart { meta })?;
        let mut output = Vec::with_capacity(OUTPUT);
        let mut stopped = None;
        for run in runs {
            let mut lines = Lines::new(self.to.blob, run.line);
            let mut decoder = dialect();
            let mut data = Vec::new();
            let mut left = run.len;
            while left > 0 {
                let Some((at, line)) = lines.next()? else { break };
                data.clear();
                let body = trim_end(line);
                if let Line::Data(_) = decoder.line(body, &mut data).line {
                    data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    left -= data.len() as u64;
                    if stopped.is_none() {
                        output.extend_from_slice(&data);
                    } else if let Some(reason) = stopped {
                        self.to.opaque(at..at + body.len() as u64, reason)?;
                    }
                }
                if output.len() >= OUTPUT {
                    stopped = stopped.or(self.send(&mut output)?);
                }
            }
        }
        stopped = stopped.or(self.send(&mut output)?);
        match stopped {
            None => Ok(self.to.send(Message::ChildEnd { complete: true })?),
            Some(reason) => {
                // What of it was refused before this was known: its first line stands for it, so that it can't pass.
                self.to.opaque(first.line..first.line + 1, reason)
            }
        }
    }

    fn send(&mut self, output: &mut Vec<u8>) -> Result<Option<Reason>, InspectError> {
        if output.is_empty() {
            return Ok(None);
        }
        let result = self.to.send(Message::ChildBytes(output.as_slice().into()));
        output.clear();
        match result {
            Ok(()) => Ok(None),
            Err(Stop::Child(reason)) => Ok(Some(reason)),
            Err(stop) => Err(stop.into()),
        }
    }
}

/// A line without its end and blanks.
pub(crate) fn trim_end(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&b| !matches!(b, b'\r' | b'\n' | b' ' | b'\t')).map_or(0, |i| i + 1);
    &line[..end]
}

/// Lines of a blob with their ends: LF, CR LF, CR. Lines longer than [`LONGEST`] come in pieces.
struct Lines<'a> {
    blob: &'a Blob,
    buffer: Vec<u8>,
    /// Offset of the buffer.
    base: u64,
    at: usize,
}

impl<'a> Lines<'a> {
    fn new(blob: &'a Blob, from: u64) -> Self {
        Lines { blob, buffer: Vec::new(), base: from, at: 0 }
    }

    fn next(&mut self) -> Result<Option<(u64, &[u8])>, InspectError> {
        if self.buffer.len() - self.at <= LONGEST + 1 {
            self.base += self.at as u64;
            self.buffer.drain(..self.at);
            self.at = 0;
            let have = self.buffer.len();
            // The first piece is small: a segment may be a line.
            let want = if have == 0 { 4 * LONGEST } else { 16 * LONGEST };
            self.buffer.resize(have + want, 0);
            let offset = self.base + have as u64;
            let got =
                self.blob.read_at(offset, &mut self.buffer[have..]).map_err(|e| InspectError::read(offset, &e))?;
            self.buffer.truncate(have + got);
        }
        let rest = &self.buffer[self.at..];
        if rest.is_empty() {
            return Ok(None);
        }
        let window = &rest[..rest.len().min(LONGEST)];
        let end = match memchr::memchr2(b'\n', b'\r', window) {
            Some(i) if rest[i] == b'\r' && rest.get(i + 1) == Some(&b'\n') => i + 2,
            Some(i) => i + 1,
            None => window.len(),
        };
        let start = self.base + self.at as u64;
        let from = self.at;
        self.at += end;
        Ok(Some((start, &self.buffer[from..from + end])))
    }
}

/// What the first lines of a head are: how many are records (of those how many with the right checksum), and how many are anything else.
pub(crate) struct Census {
    pub(crate) records: usize,
    pub(crate) right: usize,
    pub(crate) foreign: usize,
}

/// Reads the first complete lines of a head.
pub(crate) fn census(head: &[u8], mut dialect: impl Dialect) -> Census {
    let mut out = Census { records: 0, right: 0, foreign: 0 };
    let mut data = Vec::new();
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let short = head.len() < 16 << 10;
    let head = &head[..head.len().min(16 << 10)];
    let mut lines = head.split(|&b| b == b'\n' || b == b'\r').peekable();
    let mut seen = 0;
    while let Some(line) = lines.next() {
        if lines.peek().is_none() && !short {
            break;
        }
        if seen >= 200 || out.records >= 64 {
            break;
        }
        seen += 1;
        data.clear();
        let body = trim_end(line);
        if body.is_empty() {
            continue;
        }
        if body.len() > LONGEST {
            out.foreign += 1;
            continue;
        }
        let parsed = dialect.line(body, &mut data);
        match parsed.line {
            Line::Blank => {}
            Line::Foreign => out.foreign += 1,
            _ => {
                out.records += 1;
                out.right += usize::from(!parsed.bad_sum);
            }
        }
    }
    out
}

impl Census {
    /// Whether this is a file of records: most lines are, and their checksums are right (or there are many of them).
    pub(crate) fn is_format(&self) -> bool {
        self.records > 0
            && self.records >= self.foreign
            && (self.right * 2 > self.records || (self.records >= 4 && self.foreign == 0))
    }
}

/// The value of a hexadecimal digit.
pub(crate) fn digit(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    }
}

/// Bytes from pairs of digits at the start of a text, at most `most`.
pub(crate) fn pairs(text: &[u8], most: usize, out: &mut Vec<u8>) -> usize {
    let mut n = 0;
    for pair in text.chunks_exact(2).take(most) {
        let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { break };
        out.push(high << 4 | low);
        n += 1;
    }
    n
}

#[cfg(test)]
mod tests;
