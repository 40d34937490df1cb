//! MATLAB MAT-files of version 5 (to 7): matrices, texts, structures, cells; deflated or not.
//!
//! Source: MathWorks, MAT-File Format.

use std::io::Read as _;
use std::ops::Range;

use flate2::read::ZlibDecoder;
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Probe, Reason};

use crate::arrays::{
    Candidate, Kind, Listed, Role, Rows, Through, features, inventory, number, positions, role, send_spatial,
};

/// Reads MAT-files.
pub(crate) struct Mat;

const FORMATS: &[Format] = &[Format {
    name: "mat5",
    title: "MATLAB MAT-file",
    media_type: "application/x-matlab-data",
    extensions: &["mat"],
    magic: "version 0x0100 and `IM` or `MI` behind 124 bytes of text",
    reference: "MathWorks, MAT-File Format",
    evidence: "a table of variables; texts and structures as records; positions where names and numbers say so",
    limitations: &[
        "variables of more than 128 MiB are counted, not read",
        "objects and functions are not read",
        "version 4 is not read",
    ],
}];

const HEAD: u64 = 128;
const MOST_VARIABLE: u64 = 128 << 20;
/// Numbers kept for positions that are spread over several variables.
const MOST_KEPT: usize = 32 << 20;
const MOST_DEPTH: usize = 16;

fn endian(head: &[u8]) -> Option<bool> {
    match head.get(124..128)? {
        [0, 1, b'I', b'M'] => Some(false),
        [1, 0, b'M', b'I'] => Some(true),
        _ => None,
    }
}

impl FormatReader for Mat {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let big = endian(probe.head)?;
        let text = probe.head[..116].iter().all(|&b| b == 0 || b == b'\t' || (32..127).contains(&b));
        // The first element is a matrix or a compressed one.
        let first = probe.head.get(128..132).map(|b| word(b, big));
        let fits = first.is_none_or(|kind| matches!(kind, 14 | 15));
        (text && fits).then(|| Identity::new("mat5", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let mut reader = Reader {
            records: RecordWriter::new(artifact),
            listed: Vec::new(),
            kept: Vec::new(),
            kept_len: 0,
            big: false,
            at: 0,
            opaque: false,
            unread: false,
        };
        let result = reader.run(&mut to, artifact);
        if !to.stopped() {
            reader.records.finish(&mut Through(&mut to))?;
        }
        to.finish(result)
    }
}

/// The text in front of a MATLAB 7.3 file, or whatever another user block holds.
pub(crate) fn user_block(to: &mut Container<'_>, len: u64) -> Result<(), InspectError> {
    let bytes = to.window.get(0, 512)?;
    if bytes.starts_with(b"MATLAB") && is_73(bytes) {
        let end = bytes[..116].iter().rposition(|&b| b != 0 && b != b' ').map_or(0, |i| i as u64 + 1);
        to.comment(0..end)?;
        to.container(end..128)?;
        return to.padding(128..len);
    }
    to.trailing(0..len)
}

/// Whether the header is of version 2, whose body is HDF5.
pub(crate) fn is_73(bytes: &[u8]) -> bool {
    matches!(bytes.get(124..128), Some([0, 2, b'I', b'M'] | [2, 0, b'M', b'I']))
}

fn word(bytes: &[u8], big: bool) -> u32 {
    let raw: [u8; 4] = bytes.get(..4).and_then(|b| b.try_into().ok()).unwrap_or_default();
    if big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
}

/// A tag with where its data is and where the next one begins.
struct Element {
    kind: u32,
    data: Range<usize>,
    next: usize,
}

fn element(bytes: &[u8], at: usize, big: bool) -> Option<Element> {
    let first = word(bytes.get(at..at + 4)?, big);
    if first >> 16 != 0 {
        let len = (first >> 16) as usize;
        (len <= 4).then_some(())?;
        return Some(Element { kind: first & 0xFFFF, data: at + 4..at + 4 + len, next: at + 8 })
            .filter(|e| e.next <= bytes.len());
    }
    let len = word(bytes.get(at + 4..at + 8)?, big) as usize;
    let start = at + 8;
    let end = start.checked_add(len)?;
    (end <= bytes.len()).then_some(())?;
    Some(Element { kind: first, data: start..end, next: end.next_multiple_of(8).min(bytes.len()) })
}

/// Kind and size of the numbers of an element.
fn numeric(kind: u32) -> Option<(Kind, usize)> {
    Some(match kind {
        1 => (Kind::Signed, 1),
        2 => (Kind::Unsigned, 1),
        3 => (Kind::Signed, 2),
        4 => (Kind::Unsigned, 2),
        5 => (Kind::Signed, 4),
        6 => (Kind::Unsigned, 4),
        7 => (Kind::Float, 4),
        9 => (Kind::Float, 8),
        12 => (Kind::Signed, 8),
        13 => (Kind::Unsigned, 8),
        _ => return None,
    })
}

const CLASSES: [&str; 18] = [
    "", "cell", "struct", "object", "char", "sparse", "double", "single", "int8", "uint8", "int16", "uint16", "int32",
    "uint32", "int64", "uint64", "function", "opaque",
];

struct Reader {
    records: RecordWriter,
    listed: Vec<Listed>,
    kept: Vec<(String, Matrix)>,
    kept_len: usize,
    big: bool,
    /// Where the variable stands in the artifact.
    at: u64,
    /// The variable holds pictures or sound only.
    opaque: bool,
    unread: bool,
}

impl Reader {
    fn run(&mut self, to: &mut Container<'_>, artifact: &Artifact) -> Result<(), InspectError> {
        let head = to.window.get(0, 128)?;
        let Some(big) = endian(head) else {
            return Err(InspectError::corrupt(0, "the header is broken"));
        };
        let text = head[..116].iter().rposition(|&b| b != 0 && b != b' ').map_or(0, |i| i as u64 + 1);
        self.big = big;
        to.comment(0..text)?;
        to.container(text..HEAD)?;
        let mut at = HEAD;
        let mut broken = None;
        while at + 8 <= to.len() {
            let tag = to.window.get(at, 8)?;
            let (kind, len) = (word(tag, big), u64::from(word(&tag[4..], big)));
            if !matches!(kind, 14 | 15) {
                break;
            }
            let end = (at + 8).saturating_add(len);
            if end > to.len() {
                broken.get_or_insert(InspectError::corrupt(at, "the data ends before its structure does"));
            }
            let data = at + 8..end.min(to.len());
            to.container(at..at + 8)?;
            self.at = data.start;
            (self.opaque, self.unread) = (false, false);
            let label = match self.variable(to, kind, data.clone(), len)? {
                Err(reason) => {
                    if reason == Reason::Corrupt {
                        broken.get_or_insert(InspectError::corrupt(at, "a variable is broken"));
                    }
                    Label::Opaque(reason)
                }
                Ok(()) if self.unread => Label::Opaque(Reason::Unsupported),
                Ok(()) if self.opaque => Label::Opaque(Reason::NoModel),
                Ok(()) => Label::Inspected,
            };
            if self.unread {
                to.tell_at("unsupported-method", at);
            }
            to.label(data, label)?;
            at = end.min(to.len());
        }
        inventory(to, &self.listed);
        let mut group: Vec<Candidate<'_>> = std::mem::take(&mut self.kept)
            .into_iter()
            .map(|(name, matrix)| Candidate { name, rows: Box::new(matrix) })
            .collect();
        let mut sources = 0;
        let items = positions(to, artifact, &mut group, &mut sources)?;
        send_spatial(to, artifact, items)?;
        to.residue(at..to.len(), Place::After)?;
        broken.map_or(Ok(()), Err)
    }

    /// One variable. The outer error ends the inspection.
    fn variable(
        &mut self,
        to: &mut Container<'_>,
        kind: u32,
        data: Range<u64>,
        told: u64,
    ) -> Result<Result<(), Reason>, InspectError> {
        if data.end - data.start > MOST_VARIABLE {
            to.tell_at("limit", data.start);
            return Ok(Err(Reason::Limit));
        }
        let mut bytes = Vec::new();
        let mut at = data.start;
        while at < data.end {
            let next = data.end.min(at + (8 << 20));
            bytes.extend(to.blob.bytes(at..next).map_err(|e| InspectError::read(at, &e))?);
            at = next;
        }
        if kind == 15 {
            let mut unpacked = Vec::new();
            let read = ZlibDecoder::new(&bytes[..]).take(MOST_VARIABLE + 1).read_to_end(&mut unpacked);
            if unpacked.len() as u64 > MOST_VARIABLE {
                to.tell_at("limit", data.start);
                return Ok(Err(Reason::Limit));
            }
            let inner = element(&unpacked, 0, self.big).filter(|e| e.kind == 14);
            let Some(inner) = inner.filter(|_| read.is_ok()) else { return Ok(Err(Reason::Corrupt)) };
            let done = self.matrix(to, &unpacked[inner.data], "", 0)?;
            return Ok(done.ok_or(Reason::Corrupt));
        }
        let done = self.matrix(to, &bytes, "", 0)?;
        Ok(if told > bytes.len() as u64 { Err(Reason::Corrupt) } else { done.ok_or(Reason::Corrupt) })
    }

    /// A matrix of any class. None where it is broken.
    fn matrix(
        &mut self,
        to: &mut Container<'_>,
        bytes: &[u8],
        path: &str,
        depth: usize,
    ) -> Result<Option<()>, InspectError> {
        if bytes.is_empty() {
            return Ok(Some(()));
        }
        let Some((class, shape, name, at)) = self.head(bytes) else { return Ok(None) };
        let path = match (path.is_empty(), name.is_empty()) {
            (true, _) => name,
            (false, true) => path.to_owned(),
            (false, false) => format!("{path}.{name}"),
        };
        if depth > MOST_DEPTH {
            return Ok(None);
        }
        if self.listed.len() < 100_000 {
            let dtype = CLASSES.get(class).copied().unwrap_or("").to_owned();
            self.listed.push(Listed { name: path.clone(), dtype, shape: shape.clone(), bytes: bytes.len() as u64 });
        }
        match class {
            1 => self.cells(to, bytes, at, &path, depth),
            2 | 3 => self.fields(to, bytes, at, class == 3, &path, depth),
            4 => self.text(to, bytes, at, &shape, &path),
            5 => Ok(Some(())),
            6..=15 => Ok(self.numbers(to, bytes, at, &shape, &path)),
            _ => {
                self.unread = true;
                Ok(Some(()))
            }
        }
    }

    fn head(&self, bytes: &[u8]) -> Option<(usize, Vec<u64>, String, usize)> {
        let flags = element(bytes, 0, self.big)?;
        let class = (word(bytes.get(flags.data.clone())?, self.big) & 0xFF) as usize;
        // Opaque objects have no dimensions.
        if class == 17 {
            return Some((class, Vec::new(), String::new(), flags.next));
        }
        let dims = element(bytes, flags.next, self.big)?;
        let shape: Vec<u64> =
            bytes.get(dims.data.clone())?.chunks_exact(4).take(32).map(|d| u64::from(word(d, self.big))).collect();
        let name = element(bytes, dims.next, self.big)?;
        let text = String::from_utf8_lossy(bytes.get(name.data.clone())?).trim_end_matches('\0').to_owned();
        Some((class, shape, text, name.next))
    }

    fn cells(
        &mut self,
        to: &mut Container<'_>,
        bytes: &[u8],
        mut at: usize,
        path: &str,
        depth: usize,
    ) -> Result<Option<()>, InspectError> {
        while at < bytes.len() {
            let Some(item) = element(bytes, at, self.big).filter(|e| e.kind == 14) else { return Ok(None) };
            if self.matrix(to, &bytes[item.data], path, depth + 1)?.is_none() {
                return Ok(None);
            }
            at = item.next;
        }
        self.records.end_record(&mut Through(to))?;
        Ok(Some(()))
    }

    fn fields(
        &mut self,
        to: &mut Container<'_>,
        bytes: &[u8],
        mut at: usize,
        object: bool,
        path: &str,
        depth: usize,
    ) -> Result<Option<()>, InspectError> {
        if object {
            let Some(class) = element(bytes, at, self.big) else { return Ok(None) };
            at = class.next;
        }
        let Some(len) = element(bytes, at, self.big) else { return Ok(None) };
        let width = bytes.get(len.data.clone()).map_or(0, |b| word(b, self.big)) as usize;
        let Some(names) = element(bytes, len.next, self.big) else { return Ok(None) };
        if width == 0 {
            return Ok(Some(()));
        }
        let names_at = names.next;
        let names: Vec<String> = bytes[names.data]
            .chunks(width)
            .map(|n| String::from_utf8_lossy(n.split(|&b| b == 0).next().unwrap_or(&[])).into_owned())
            .collect();
        if names.is_empty() {
            return Ok(Some(()));
        }
        at = names_at;
        let mut index = 0;
        while at < bytes.len() {
            let Some(item) = element(bytes, at, self.big).filter(|e| e.kind == 14) else { return Ok(None) };
            let path = format!("{path}.{}", names[index % names.len()]);
            if self.matrix(to, &bytes[item.data], &path, depth + 1)?.is_none() {
                return Ok(None);
            }
            at = item.next;
            index += 1;
            if index % names.len() == 0 {
                self.records.end_record(&mut Through(to))?;
            }
        }
        Ok(Some(()))
    }

    /// Texts stand in columns: a row of characters is every n-th of them.
    fn text(
        &mut self,
        to: &mut Container<'_>,
        bytes: &[u8],
        at: usize,
        shape: &[u64],
        path: &str,
    ) -> Result<Option<()>, InspectError> {
        let Some(data) = element(bytes, at, self.big) else { return Ok(None) };
        let raw = &bytes[data.data];
        let units: Vec<u32> = match data.kind {
            16 | 1 | 2 => String::from_utf8_lossy(raw).chars().map(u32::from).collect(),
            4 | 17 | 3 => raw
                .chunks_exact(2)
                .map(|c| {
                    u32::from(if self.big {
                        u16::from_be_bytes([c[0], c[1]])
                    } else {
                        u16::from_le_bytes([c[0], c[1]])
                    })
                })
                .collect(),
            18 | 6 | 5 => raw.chunks_exact(4).map(|c| word(c, self.big)).collect(),
            _ => return Ok(None),
        };
        let rows = usize::try_from(shape.first().copied().unwrap_or(1)).unwrap_or(1).clamp(1, units.len().max(1));
        let number = self.records.name(path);
        for row in 0..rows {
            let wide: Vec<u16> =
                units.iter().skip(row).step_by(rows).map(|&u| u16::try_from(u).unwrap_or(0xFFFD)).collect();
            let text = String::from_utf16_lossy(&wide);
            let spot = Spot { byte: self.at, line: 1, column: 1 };
            self.records.cell(text.trim_end(), number, 0, spot, self.at + 1, false);
            if rows > 1 {
                self.records.end_record(&mut Through(to))?;
            }
        }
        if !path.contains('.') {
            self.records.end_record(&mut Through(to))?;
        }
        Ok(Some(()))
    }

    fn numbers(&mut self, to: &mut Container<'_>, bytes: &[u8], at: usize, shape: &[u64], path: &str) -> Option<()> {
        let data = element(bytes, at, self.big)?;
        let (kind, size) = numeric(data.kind)?;
        // The class says what it is, however small the numbers are stored.
        let class = self.listed.last().map_or("", |l| l.dtype.as_str());
        let stored = if class == "uint8" { (Kind::Unsigned, 1) } else { (Kind::Float, 8) };
        match role(path, shape, stored.0, stored.1) {
            Role::Pictures | Role::Audio => {
                self.opaque = true;
                return Some(());
            }
            Role::Features => features(to, path, shape),
            Role::Numbers => {}
        }
        let count: u64 = shape.iter().try_fold(1u64, |a, b| a.checked_mul(*b))?;
        let have = (data.data.len() / size) as u64;
        if have < count {
            return None;
        }
        let (mut rows, mut width) = match shape {
            [rows, width] => (*rows, *width),
            _ => return Some(()),
        };
        if rows == 1 && width > 4 {
            (rows, width) = (width, 1);
        }
        let width = usize::try_from(width).ok().filter(|w| (1..=64).contains(w));
        let n = usize::try_from(count).unwrap_or(usize::MAX);
        if let Some(width) = width
            && rows > 1
            && self.kept_len + n <= MOST_KEPT
        {
            self.kept_len += n;
            let values = bytes[data.data].chunks_exact(size).take(n).map(|b| number(b, kind, self.big)).collect();
            self.kept.push((path.to_owned(), Matrix { values, rows, width, at: self.at }));
        } else if rows == 1 && count <= 4 {
            let number_of_name = self.records.name(path);
            for b in bytes[data.data].chunks_exact(size).take(n) {
                let value = number(b, kind, self.big).to_string();
                let spot = Spot { byte: self.at, line: 1, column: 1 };
                self.records.cell(&value, number_of_name, 0, spot, self.at + 1, false);
            }
        }
        Some(())
    }
}

/// Numbers in memory, column after column.
pub(crate) struct Matrix {
    pub values: Vec<f64>,
    pub rows: u64,
    pub width: usize,
    pub at: u64,
}

impl Rows for Matrix {
    fn rows(&self) -> u64 {
        self.rows
    }

    fn width(&self) -> usize {
        self.width
    }

    fn read(&mut self, start: u64, n: usize, out: &mut Vec<f64>) -> Result<(), InspectError> {
        let rows = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        for row in start..start.saturating_add(n).min(rows) {
            for column in 0..self.width {
                out.push(self.values.get(column * rows + row).copied().unwrap_or(f64::NAN));
            }
        }
        Ok(())
    }

    fn offset(&self, _row: u64) -> u64 {
        self.at
    }
}
