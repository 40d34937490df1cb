//! NPY: one array of NumPy, of any version and element type, several in a row included.
//!
//! Source: NumPy enhancement proposal 1 and numpy.lib.format.

use std::ops::Range;

use yumen_kit_container::window::num::{le16, le32};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::{
    Artifact, Blob, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, Label, Probe, Reason,
};

use crate::arrays::{Candidate, Kind, Role, Rows, Through, features, number, positions, role, send_spatial};

/// Reads NPY.
pub(crate) struct Npy;

const FORMATS: &[Format] = &[Format {
    name: "npy",
    title: "NumPy array",
    media_type: "application/octet-stream",
    extensions: &["npy"],
    magic: "0x93 `NUMPY`, version 1 to 3, a dictionary with descr, fortran_order and shape",
    reference: "NEP 1, numpy.lib.format",
    evidence: "texts and records; positions and points where names and numbers say so; pictures in their encoded form as children",
    limitations: &["arrays of Python objects (pickle) are not decoded", "raw pixels and sound are not looked at"],
}];

const MAGIC: &[u8] = b"\x93NUMPY";
const LONGEST_HEADER: usize = 1 << 20;
const MOST_FIELDS: usize = 1024;

/// A Python literal.
#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text(String),
    Number(u64),
    Flag(bool),
    List(Vec<Literal>),
    Map(Vec<(Literal, Literal)>),
}

fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// Reads a literal from the start of the text; gives back what follows.
fn literal(text: &str, depth: usize) -> Option<(Literal, &str)> {
    if depth > 16 {
        return None;
    }
    let text = blank(text);
    let mut chars = text.chars();
    match chars.next()? {
        quote @ ('\'' | '"') => {
            let mut out = String::new();
            while let Some(c) = chars.next() {
                match c {
                    c if c == quote => return Some((Literal::Text(out), chars.as_str())),
                    '\\' => out.push(chars.next()?),
                    c => out.push(c),
                }
            }
            None
        }
        open @ ('(' | '[') => {
            let close = if open == '(' { ')' } else { ']' };
            let mut items = Vec::new();
            let mut rest = blank(chars.as_str());
            loop {
                if let Some(after) = rest.strip_prefix(close) {
                    return Some((Literal::List(items), after));
                }
                let (item, after) = literal(rest, depth + 1)?;
                items.push(item);
                if items.len() > MOST_FIELDS {
                    return None;
                }
                rest = blank(after);
                rest = blank(rest.strip_prefix(',').unwrap_or(rest));
            }
        }
        '{' => {
            let mut items = Vec::new();
            let mut rest = blank(chars.as_str());
            loop {
                if let Some(after) = rest.strip_prefix('}') {
                    return Some((Literal::Map(items), after));
                }
                let (key, after) = literal(rest, depth + 1)?;
                let (value, after) = literal(blank(after).strip_prefix(':')?, depth + 1)?;
                items.push((key, value));
                if items.len() > 64 {
                    return None;
                }
                rest = blank(after);
                rest = blank(rest.strip_prefix(',').unwrap_or(rest));
            }
        }
        '0'..='9' => {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            // Python 2 wrote long numbers with an L.
            let rest = text[end..].strip_prefix('L').unwrap_or(&text[end..]);
            Some((Literal::Number(text[..end].parse().ok()?), rest))
        }
        _ => {
            let (flag, len) = if text.starts_with("True") { (true, 4) } else { (false, 5) };
            (flag || text.starts_with("False")).then(|| (Literal::Flag(flag), &text[len..]))
        }
    }
}

/// The type of an element.
#[derive(Clone, Debug, PartialEq)]
enum Dtype {
    Scalar { code: u8, size: usize, big: bool },
    Record { fields: Vec<Member>, size: usize },
}

#[derive(Clone, Debug, PartialEq)]
struct Member {
    name: String,
    offset: usize,
    dtype: Dtype,
    count: usize,
}

impl Dtype {
    fn of(literal: &Literal, depth: usize) -> Option<Dtype> {
        if depth > 8 {
            return None;
        }
        match literal {
            Literal::Text(text) => {
                text.is_ascii().then_some(())?;
                let bytes = text.as_bytes();
                let (order, rest) = match bytes.first()? {
                    b'<' | b'=' | b'|' => (false, &text[1..]),
                    b'>' => (true, &text[1..]),
                    _ => (false, text.as_str()),
                };
                let code = *rest.as_bytes().first()?;
                let digits: String = rest[1..].chars().take_while(char::is_ascii_digit).collect();
                let n: usize = match (digits.is_empty(), code) {
                    (true, b'O') => 8,
                    (true, b'?' | b'b' | b'B') => 1,
                    (true, _) => return None,
                    (false, _) => digits.parse().ok()?,
                };
                let size = if code == b'U' { n.checked_mul(4)? } else { n };
                (b"?bBiufcSUOMmV".contains(&code) && size <= 1 << 24).then_some(Dtype::Scalar {
                    code,
                    size,
                    big: order,
                })
            }
            Literal::List(items) => {
                let mut fields = Vec::new();
                let mut size = 0usize;
                for item in items {
                    let Literal::List(parts) = item else { return None };
                    let name = match parts.first()? {
                        Literal::Text(name) => name.clone(),
                        // Title and name.
                        Literal::List(two) => match two.last()? {
                            Literal::Text(name) => name.clone(),
                            _ => return None,
                        },
                        _ => return None,
                    };
                    let dtype = Dtype::of(parts.get(1)?, depth + 1)?;
                    let count = match parts.get(2) {
                        None => 1,
                        Some(shape) => usize::try_from(product(&dims(shape)?)?).ok()?,
                    };
                    let offset = size;
                    size = size.checked_add(dtype.size().checked_mul(count)?)?;
                    fields.push(Member { name, offset, dtype, count });
                }
                (size <= 1 << 24 && !fields.is_empty()).then_some(Dtype::Record { fields, size })
            }
            _ => None,
        }
    }

    fn size(&self) -> usize {
        match self {
            Dtype::Scalar { size, .. } | Dtype::Record { size, .. } => *size,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Dtype::Scalar { code, size, .. } => match (code, size) {
                (b'f', 2 | 4 | 8) => Kind::Float,
                (b'i' | b'b', _) => Kind::Signed,
                (b'u' | b'B', _) => Kind::Unsigned,
                (b'?', _) => Kind::Bool,
                _ => Kind::Other,
            },
            Dtype::Record { .. } => Kind::Other,
        }
    }

    fn big(&self) -> bool {
        matches!(self, Dtype::Scalar { big: true, .. })
    }

    fn has_objects(&self) -> bool {
        match self {
            Dtype::Scalar { code, .. } => *code == b'O',
            Dtype::Record { fields, .. } => fields.iter().any(|f| f.dtype.has_objects()),
        }
    }
}

fn dims(literal: &Literal) -> Option<Vec<u64>> {
    match literal {
        Literal::Number(n) => Some(vec![*n]),
        Literal::List(items) if items.len() <= 32 => {
            items.iter().map(|i| if let Literal::Number(n) = i { Some(*n) } else { None }).collect()
        }
        _ => None,
    }
}

fn product(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1u64, |a, b| a.checked_mul(*b))
}

#[derive(Debug)]
struct Header {
    dtype: Dtype,
    fortran: bool,
    shape: Vec<u64>,
    /// Length of the header with its magic.
    len: u64,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Header> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let (start, len) = match bytes.get(6)? {
            1 => (10, usize::from(le16(bytes, 8))),
            2 | 3 => (12, usize::try_from(le32(bytes, 8)).ok()?),
            _ => return None,
        };
        if len > LONGEST_HEADER {
            return None;
        }
        let text = String::from_utf8_lossy(bytes.get(start..start + len)?);
        let (Literal::Map(map), _) = literal(&text, 0)? else { return None };
        let get = |key: &str| map.iter().find(|(k, _)| *k == Literal::Text(key.into())).map(|(_, v)| v);
        let dtype = Dtype::of(get("descr")?, 0)?;
        let fortran = *get("fortran_order")? == Literal::Flag(true);
        Some(Header { dtype, fortran, shape: dims(get("shape")?)?, len: (start + len) as u64 })
    }
}

impl FormatReader for Npy {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        probe.head.starts_with(MAGIC).then_some(())?;
        let certainty = match (Header::parse(probe.head), probe.head.get(6)) {
            (Some(_), _) => Certainty::Signature,
            (None, Some(1..=3)) => Certainty::Structure,
            _ => return None,
        };
        Some(Identity::new("npy", certainty))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let mut records = RecordWriter::new(artifact);
        let result = run(&mut to, artifact, &mut records);
        if !to.stopped() {
            records.finish(&mut Through(&mut to))?;
        }
        to.finish(result)
    }
}

/// The name of the array: that of the file without its suffix.
fn stem(artifact: &Artifact) -> String {
    let base = artifact.base_name();
    base.strip_suffix(".npy").unwrap_or(base).to_owned()
}

fn run(to: &mut Container<'_>, artifact: &Artifact, records: &mut RecordWriter) -> Result<(), InspectError> {
    let mut at = 0;
    let mut index = 0u32;
    let mut sources = 0;
    let mut items = Vec::new();
    // np.save may be called on one file again and again.
    while at < to.len() && index < 100_000 {
        let most = usize::try_from(to.len() - at).unwrap_or(usize::MAX);
        let head = to.window.get(at, 12)?;
        if index > 0 && !head.starts_with(MAGIC) {
            break;
        }
        let need = match head.get(6) {
            Some(1) => 10 + usize::from(le16(head, 8)),
            _ => 12usize.saturating_add(le32(head, 8) as usize),
        };
        let Some(header) = Header::parse(to.window.get(at, need.min(most).min(LONGEST_HEADER + 12))?) else {
            return Err(InspectError::corrupt(at, "the header is broken"));
        };
        at = array(to, artifact, &header, at, index, records, &mut sources, &mut items)?;
        index += 1;
    }
    send_spatial(to, artifact, items)?;
    to.residue(at..to.len(), Place::After)
}

#[allow(clippy::too_many_arguments)]
fn array(
    to: &mut Container<'_>,
    artifact: &Artifact,
    header: &Header,
    at: u64,
    index: u32,
    records: &mut RecordWriter,
    sources: &mut u32,
    items: &mut Vec<yumen_model::Spatial>,
) -> Result<u64, InspectError> {
    let name = stem(artifact);
    let start = at + header.len;
    to.container(at..start)?;
    if header.dtype.has_objects() {
        // The length of a pickle is told by nothing but itself.
        to.tell_at("unsupported-method", start);
        to.raw(start..to.len())?;
        to.opaque(start..to.len(), Reason::Unsupported)?;
        return Ok(to.len());
    }
    let item = header.dtype.size() as u64;
    let count = product(&header.shape);
    let Some(end) = count.and_then(|n| n.checked_mul(item)).and_then(|n| start.checked_add(n)) else {
        return Err(InspectError::corrupt(at, "the shape is larger than can be"));
    };
    let whole = end <= to.len();
    // Of an array that is cut short the rows that are there are read.
    let here = (to.len().min(end) - start.min(to.len())).checked_div(item).unwrap_or(0);
    let data = start..start + here * item;
    match &header.dtype {
        Dtype::Record { fields, size } => {
            table(to, fields, *size, data.clone(), &name, records)?;
            let blob = to.blob;
            let mut group: Vec<Candidate<'_>> = fields
                .iter()
                .filter(|f| f.dtype.kind() == Kind::Float && f.count <= 16)
                .map(|f| Candidate {
                    name: if fields.len() > 1 { f.name.clone() } else { format!("{name}/{}", f.name) },
                    rows: Box::new(Strided {
                        blob,
                        start: data.start + f.offset as u64,
                        row: *size as u64,
                        rows: here,
                        width: f.count,
                        column: f.dtype.size() as u64,
                        dtype: f.dtype.clone(),
                    }),
                })
                .collect();
            items.extend(positions(to, artifact, &mut group, sources)?);
            to.label(data.clone(), Label::Inspected)?;
        }
        Dtype::Scalar { code: b'S' | b'U', .. } => {
            let field = Member { name: name.clone(), offset: 0, dtype: header.dtype.clone(), count: 1 };
            table(to, &[field], header.dtype.size(), data.clone(), &name, records)?;
            to.label(data.clone(), Label::Inspected)?;
        }
        dtype => scalar(to, artifact, header, dtype, data.clone(), here, index, &name, sources, items)?,
    }
    if !whole {
        return Err(InspectError::corrupt(data.end, "the data ends before its structure does"));
    }
    Ok(end)
}

#[allow(clippy::too_many_arguments)]
fn scalar(
    to: &mut Container<'_>,
    artifact: &Artifact,
    header: &Header,
    dtype: &Dtype,
    data: Range<u64>,
    here: u64,
    index: u32,
    name: &str,
    sources: &mut u32,
    items: &mut Vec<yumen_model::Spatial>,
) -> Result<(), InspectError> {
    let (kind, size) = (dtype.kind(), dtype.size());
    match role(name, &header.shape, kind, size) {
        Role::Pictures | Role::Audio => return to.opaque(data, Reason::NoModel),
        Role::Features => features(to, name, &header.shape),
        Role::Numbers => {}
    }
    if size == 1 && header.shape.len() <= 1 || matches!(dtype, Dtype::Scalar { code: b'V', .. }) {
        // Bytes as they are: an encoded picture, a text, or small numbers.
        let begin = to.window.get(data.start, 8)?;
        let encoded = begin.starts_with(b"\xFF\xD8\xFF") || begin.starts_with(b"\x89PNG\r\n\x1A\n");
        if encoded {
            return to.hand_over_range(ChildMeta::named(format!("array-{index}").as_bytes()), data);
        }
        return to.raw(data);
    }
    let rows = header.shape.first().copied().unwrap_or(1).max(1);
    let width = usize::try_from(header.shape.iter().skip(1).product::<u64>()).unwrap_or(usize::MAX);
    if kind != Kind::Other && header.shape.len() <= 2 && (1..=64).contains(&width) {
        let whole_rows =
            if header.fortran && here < rows.saturating_mul(width as u64) { 0 } else { here / width as u64 };
        let (row, column) =
            if header.fortran { (size as u64, size as u64 * rows) } else { ((size * width) as u64, size as u64) };
        let blob = to.blob;
        let strided =
            Strided { blob, start: data.start, row, rows: whole_rows.min(rows), width, column, dtype: dtype.clone() };
        let mut group = [Candidate { name: name.to_owned(), rows: Box::new(strided) }];
        items.extend(positions(to, artifact, &mut group, sources)?);
    }
    to.label(data, Label::Inspected)
}

/// Numbers at fixed distances.
struct Strided<'a> {
    blob: &'a Blob,
    start: u64,
    row: u64,
    rows: u64,
    width: usize,
    column: u64,
    dtype: Dtype,
}

impl Rows for Strided<'_> {
    fn rows(&self) -> u64 {
        self.rows
    }

    fn width(&self) -> usize {
        self.width
    }

    fn read(&mut self, start: u64, n: usize, out: &mut Vec<f64>) -> Result<(), InspectError> {
        let size = self.dtype.size();
        let (kind, big) = (self.dtype.kind(), self.dtype.big());
        let base = out.len();
        out.resize(base + n * self.width, f64::NAN);
        // Row after row lies together, or column after column.
        let together = self.column < self.row;
        let stretches = if together { 1 } else { self.width };
        for stretch in 0..stretches {
            let from = self.start + start * self.row + stretch as u64 * self.column;
            let step = usize::try_from(self.row).unwrap_or(1);
            let inner = if together { self.width } else { 1 };
            let mut done = 0;
            while done < n {
                let m = (n - done).min(((4 << 20) / step.max(1)).max(1));
                let at = from + done as u64 * self.row;
                let span = (m as u64 - 1) * self.row + (inner as u64 - 1) * self.column + size as u64;
                let bytes = self.blob.bytes(at..at + span).map_err(|e| InspectError::read(at, &e))?;
                for i in 0..m {
                    for c in 0..inner {
                        let at = i * step + c * usize::try_from(self.column).unwrap_or(0);
                        if let Some(b) = bytes.get(at..at + size) {
                            out[base + (done + i) * self.width + stretch + c] = number(b, kind, big);
                        }
                    }
                }
                done += m;
            }
        }
        Ok(())
    }

    fn offset(&self, row: u64) -> u64 {
        self.start + row * self.row
    }
}

/// Texts and whole numbers of records as evidence.
fn table(
    to: &mut Container<'_>,
    fields: &[Member],
    size: usize,
    data: Range<u64>,
    name: &str,
    records: &mut RecordWriter,
) -> Result<(), InspectError> {
    let told: Vec<(&Member, u32)> = fields
        .iter()
        .filter(|f| match &f.dtype {
            Dtype::Scalar { code: b'S' | b'U', .. } => true,
            dtype => f.count == 1 && matches!(dtype.kind(), Kind::Signed | Kind::Unsigned) && dtype.size() >= 4,
        })
        .map(|f| (f, records.name(if f.name.is_empty() { name } else { &f.name })))
        .collect();
    if told.is_empty() || size == 0 {
        return Ok(());
    }
    let piece = ((1 << 20) / size).max(1) as u64 * size as u64;
    let mut at = data.start;
    while at < data.end {
        let next = data.end.min(at + piece);
        let bytes = to.blob.bytes(at..next).map_err(|e| InspectError::read(at, &e))?;
        for (i, record) in bytes.chunks_exact(size).enumerate() {
            let start = at + (i * size) as u64;
            for (column, (field, number_of_name)) in told.iter().enumerate() {
                let width = field.dtype.size();
                for k in 0..field.count {
                    let offset = field.offset + k * width;
                    let Some(bytes) = record.get(offset..offset + width) else { continue };
                    let value = value(bytes, &field.dtype);
                    let spot = Spot { byte: start + offset as u64, line: 1, column: 1 };
                    let column = u32::try_from(column).unwrap_or(0);
                    records.cell(&value, *number_of_name, column, spot, start + (offset + width) as u64, false);
                }
            }
            records.end_record(&mut Through(to))?;
        }
        at = next;
    }
    Ok(())
}

fn value(bytes: &[u8], dtype: &Dtype) -> String {
    match dtype {
        Dtype::Scalar { code: b'S', .. } => {
            let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        }
        Dtype::Scalar { code: b'U', big, .. } => bytes
            .chunks_exact(4)
            .map(|c| if *big { u32::from_be_bytes([c[0], c[1], c[2], c[3]]) } else { le32(c, 0) })
            .take_while(|&c| c != 0)
            .map(|c| char::from_u32(c).unwrap_or('\u{FFFD}'))
            .collect(),
        dtype => format!("{}", number(bytes, dtype.kind(), dtype.big())),
    }
}
