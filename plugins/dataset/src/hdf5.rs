//! HDF5, and what is made of it: NetCDF 4, MATLAB 7.3, logs of datasets.
//!
//! Source: The HDF Group, HDF5 File Format Specification 3.0.

mod data;
mod file;
mod object;
mod types;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use yumen_kit_container::{Container, FormatReader};
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, InventoryItem, Label, Probe,
    Reason, Spatial,
};

use crate::arrays::{
    Candidate, Kind, Listed, Role, Rows, Through, features, inventory, is_of_interest, number, positions, role,
    send_spatial,
};
use crate::mat::Matrix;
use data::{Chunks, Layout};
use file::File;
use object::Message;
use types::{Class, Member, Type, shape};

/// Reads HDF5.
pub(crate) struct Hdf5;

const FORMATS: &[Format] = &[
    Format {
        name: "hdf5",
        title: "HDF5 file",
        media_type: "application/x-hdf5",
        extensions: &["h5", "hdf5", "he5"],
        magic: "0x89 `HDF` CR LF 0x1A LF at 0, 512, 1024…, a superblock of version 0 to 3",
        reference: "HDF5 File Format Specification 3.0",
        evidence: "a table of datasets; attributes and texts as records; positions and points where names and numbers say so",
        limitations: &[
            "raw pixels and sound are not looked at",
            "virtual and external datasets are not followed",
            "filters other than deflate, shuffle, Fletcher-32 and LZF are not undone",
        ],
    },
    Format {
        name: "netcdf4",
        title: "NetCDF 4 file",
        media_type: "application/x-netcdf4",
        extensions: &[],
        magic: "HDF5 with the attribute _NCProperties, or dimension scales of NetCDF",
        reference: "Unidata, NetCDF-4 format",
        evidence: "as HDF5",
        limitations: &["as HDF5"],
    },
    Format {
        name: "mat73",
        title: "MATLAB 7.3 file",
        media_type: "application/x-matlab-data",
        extensions: &[],
        magic: "`MATLAB 7.3 MAT-file` in the user block of an HDF5 file",
        reference: "MathWorks, MAT-File Format; HDF5 File Format Specification",
        evidence: "as HDF5",
        limitations: &["as HDF5"],
    },
];

const MOST_OBJECTS: usize = 500_000;
/// Numbers that are turned from rows to columns.
const MOST_TURNED: u64 = 4 << 20;
/// Rows of a dataset of texts that are shown.
const MOST_TEXTS: u64 = 5_000_000;

impl FormatReader for Hdf5 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if probe.head.starts_with(file::SIGNATURE) {
            return matches!(probe.head.get(8), Some(0..=3)).then(|| Identity::new("hdf5", Certainty::Signature));
        }
        let at = [512, 1024, 2048, 4096].into_iter().find(|&at| {
            probe.head.get(at..).is_some_and(|b| b.starts_with(file::SIGNATURE) && matches!(b.get(8), Some(0..=3)))
        })?;
        let matlab = probe.head.starts_with(b"MATLAB") && crate::mat::is_73(probe.head);
        Some(match (matlab, at) {
            (true, _) => Identity::new("mat73", Certainty::Specific),
            _ => Identity::new("hdf5", Certainty::Structure),
        })
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

/// A dataset on the way.
struct Dataset {
    path: String,
    of: Type,
    shape: Vec<u64>,
    layout: Layout,
}

struct Walk<'a> {
    file: Rc<RefCell<File<'a>>>,
    listed: Vec<Listed>,
    items: Vec<Spatial>,
    sources: u32,
    /// Ranges of data, by label.
    data: Vec<Range<u64>>,
    unread: bool,
    broken: Option<InspectError>,
    netcdf: bool,
    /// Attributes of Keras were met.
    weights: bool,
}

fn run(to: &mut Container<'_>, artifact: &Artifact, records: &mut RecordWriter) -> Result<(), InspectError> {
    let blob = to.blob;
    let Some(file) = File::open(blob)? else {
        return Err(InspectError::corrupt(0, "the superblock is broken"));
    };
    let (base, root) = (file.base, file.root.header);
    let mut walk = Walk {
        file: Rc::new(RefCell::new(file)),
        listed: Vec::new(),
        items: Vec::new(),
        sources: 0,
        data: Vec::new(),
        unread: false,
        broken: None,
        netcdf: false,
        weights: false,
    };
    if base > 0 {
        // The user block: MATLAB's text, or anything.
        crate::mat::user_block(to, base)?;
        walk.data.push(0..base);
    }
    let mut queue = vec![(String::new(), root)];
    let mut visited = HashSet::new();
    let mut next = 0;
    while next < queue.len() && visited.len() < MOST_OBJECTS {
        let (path, address) = queue[next].clone();
        next += 1;
        if !visited.insert(address) {
            continue;
        }
        let messages = walk.file.borrow_mut().header(address);
        let Some(messages) = messages else {
            walk.fail(InspectError::corrupt(base.saturating_add(address), "the header of an object is broken"));
            continue;
        };
        walk.attributes(to, &path, &messages, records)?;
        let links = walk.file.borrow_mut().links(&messages);
        let mut datasets = Vec::new();
        for (name, child) in links {
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            let header = walk.file.borrow_mut().header(child);
            match header {
                Some(m) if m.iter().any(|m| m.kind == 8) => {
                    let fresh = visited.insert(child);
                    if fresh {
                        walk.attributes(to, &path, &m, records)?;
                        match walk.dataset(path, &m) {
                            Some(dataset) => datasets.push(dataset),
                            None => {
                                walk.unread = true;
                                walk.fail(InspectError::corrupt(base.saturating_add(child), "a dataset is broken"));
                            }
                        }
                    }
                }
                _ if queue.len() < MOST_OBJECTS => queue.push((path, child)),
                _ => {}
            }
        }
        walk.group(to, artifact, datasets, records)?;
    }
    if walk.weights {
        let count = |l: &Listed| l.shape.iter().try_fold(1u64, |a, b| a.checked_mul(*b)).unwrap_or(0);
        let floats = walk.listed.iter().filter(|l| l.dtype.starts_with("float"));
        let parameters = floats.map(count).fold(0u64, u64::saturating_add);
        let item = InventoryItem::new(kinds::MODEL_WEIGHTS).with("parameters", parameters);
        to.inventory(
            item.with("frameworks", vec![serde_json::Value::from("keras")]).with("tensors", walk.listed.len()),
        );
    } else {
        inventory(to, &walk.listed);
    }
    send_spatial(to, artifact, std::mem::take(&mut walk.items))?;
    if walk.netcdf && artifact.format == "hdf5" {
        to.send(yumen_model::Message::Format("netcdf4".into()))?;
    }
    walk.rest(to)?;
    walk.broken.map_or(Ok(()), Err)
}

impl<'a> Walk<'a> {
    fn fail(&mut self, error: InspectError) {
        self.broken.get_or_insert(error);
    }

    fn dataset(&mut self, path: String, messages: &[Message]) -> Option<Dataset> {
        let mut file = self.file.borrow_mut();
        let space = messages.iter().find(|m| m.kind == 1)?;
        let shape = shape(&space.data, file.length_size).unwrap_or_else(|| vec![0]);
        let of = messages.iter().find(|m| m.kind == 3)?;
        let of = file.datatype(&of.data, of.shared)?;
        let layout = file.layout(messages, &shape, of.size);
        Some(Dataset { path, of, shape, layout })
    }

    /// Names and values of attributes as one record an object.
    fn attributes(
        &mut self,
        to: &mut Container<'_>,
        path: &str,
        messages: &[Message],
        records: &mut RecordWriter,
    ) -> Result<(), InspectError> {
        let all = self.file.borrow_mut().attributes(messages);
        for a in all {
            self.netcdf |= a.name == "_NCProperties";
            self.weights |= matches!(a.name.as_str(), "keras_version" | "layer_names" | "weight_names");
            let name = if path.is_empty() { a.name.clone() } else { format!("{path}@{}", a.name) };
            let number = records.name(&name);
            let size = a.of.size.max(1);
            let count = usize::try_from(a.count).unwrap_or(usize::MAX).min(4096);
            for i in 0..count {
                let Some(bytes) = a.data.get(i * size..(i + 1) * size) else { break };
                cells(&self.file, &a.of, bytes, a.at + (i * size) as u64, number, &name, records, true);
            }
            if records.too_many_names() {
                records.forget_names(&mut Through(to))?;
            }
        }
        records.end_record(&mut Through(to))
    }

    /// The datasets of one group: what they hold, and positions that are spread over several.
    fn group(
        &mut self,
        to: &mut Container<'_>,
        artifact: &Artifact,
        datasets: Vec<Dataset>,
        records: &mut RecordWriter,
    ) -> Result<(), InspectError> {
        let mut candidates: Vec<Candidate<'a>> = Vec::new();
        for dataset in datasets {
            self.one(to, dataset, records, &mut candidates)?;
        }
        match positions(to, artifact, &mut candidates, &mut self.sources) {
            Ok(found) => self.items.extend(found),
            Err(e) if to.stopped() => return Err(e),
            Err(e) => self.fail(e),
        }
        Ok(())
    }

    fn one(
        &mut self,
        to: &mut Container<'_>,
        dataset: Dataset,
        records: &mut RecordWriter,
        candidates: &mut Vec<Candidate<'a>>,
    ) -> Result<(), InspectError> {
        let Dataset { path, of, shape, layout } = dataset;
        let count = shape.iter().try_fold(1u64, |a, b| a.checked_mul(*b)).unwrap_or(u64::MAX);
        let bytes = count.saturating_mul(of.size as u64);
        self.listed.push(Listed { name: path.clone(), dtype: of.label(), shape: shape.clone(), bytes });
        let (kind, size) = (of.kind(), of.size);
        let role = role(&path, &shape, kind, size);
        let label = match role {
            Role::Pictures | Role::Audio => Label::Opaque(Reason::NoModel),
            _ => Label::Inspected,
        };
        if role == Role::Features {
            features(to, &path, &shape);
        }
        match &layout {
            Layout::Compact(..) | Layout::Empty => {}
            Layout::Contiguous(address, len) => {
                let file = self.file.borrow();
                let start = file.base.saturating_add(*address);
                let range = start.min(to.len())..start.saturating_add(*len).min(to.len());
                let cut = start.saturating_add(*len) > to.len();
                drop(file);
                if kind == Kind::Unsigned && size == 1 && role == Role::Numbers {
                    self.encoded(to, &path, range.clone())?;
                } else {
                    to.label(range.clone(), label)?;
                }
                self.data.push(range);
                if cut {
                    self.fail(InspectError::corrupt(to.len(), "a dataset ends past the end of the file"));
                }
            }
            Layout::Chunked(chunks) => self.chunks(to, chunks, label)?,
            Layout::Unread => {
                self.unread = true;
                to.tell("unsupported-method");
            }
        }
        if matches!(role, Role::Pictures | Role::Audio) || count == 0 {
            return Ok(());
        }
        let rows = shape.first().copied().unwrap_or(1);
        let width = usize::try_from(shape.iter().skip(1).product::<u64>()).unwrap_or(usize::MAX);
        let reader = |file: &Rc<RefCell<File<'a>>>| Reader {
            file: Rc::clone(file),
            layout: layout.clone(),
            shape: if shape.is_empty() { vec![1] } else { shape.clone() },
            element: size,
            cache: None,
        };
        let readable = match &layout {
            Layout::Chunked(chunks) => chunks.readable(),
            Layout::Unread | Layout::Empty => false,
            _ => true,
        };
        if !readable || size == 0 {
            return Ok(());
        }
        if of.tells_text() && width <= 1 << 16 {
            self.texts(to, &path, &of, rows, width, reader(&self.file), records)?;
        }
        if let Class::Sequence(base) = &of.class
            && base.size == 1
            && width <= 1 << 16
        {
            self.pieces(to, &path, rows, width, reader(&self.file), size)?;
        }
        // MATLAB stores columns as rows; a single row of many is a column to others, too.
        let long = matches!(shape[..], [a, b] if a <= 16 && b > 64 && b > 4 * a && a * b <= MOST_TURNED);
        match &of.class {
            Class::Number { big, .. } if long && is_of_interest(&path) => {
                match reader(&self.file).rows(0, usize::try_from(rows).unwrap_or(1)) {
                    Ok(bytes) => {
                        let values = bytes.chunks_exact(size).map(|b| number(b, kind, *big)).collect();
                        let at = reader(&self.file).offset(0);
                        let (rows, width) = (width as u64, usize::try_from(rows).unwrap_or(1));
                        candidates.push(Candidate { name: path, rows: Box::new(Matrix { values, rows, width, at }) });
                    }
                    Err(e) => self.fail(e),
                }
            }
            Class::Number { big, .. } if (1..=64).contains(&width) => candidates.push(Candidate {
                name: path.clone(),
                rows: Box::new(Columns { reader: reader(&self.file), rows, width, offset: 0, size, kind, big: *big }),
            }),
            Class::Compound(members) if width == 1 => {
                for Member { name, offset, of } in members.iter().take(256) {
                    let (inner, width) = match &of.class {
                        Class::Array { base, count } => (&**base, *count),
                        _ => (of, 1),
                    };
                    let Class::Number { kind, big } = inner.class else { continue };
                    if width == 0 || width > 64 {
                        continue;
                    }
                    candidates.push(Candidate {
                        name: format!("{path}/{name}"),
                        rows: Box::new(Columns {
                            reader: reader(&self.file),
                            rows,
                            width,
                            offset: *offset,
                            size: inner.size,
                            kind,
                            big,
                        }),
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Every chunk is decoded once, so that what is called read can be read.
    fn chunks(&mut self, to: &mut Container<'_>, chunks: &Chunks, label: Label) -> Result<(), InspectError> {
        if !chunks.readable() {
            to.tell("unsupported-method");
        }
        for chunk in chunks.all.values() {
            let range = data::range(&self.file.borrow(), chunk);
            let label = match label {
                Label::Inspected if !chunks.readable() => Label::Opaque(Reason::Unsupported),
                Label::Inspected if chunks.filtered() => {
                    let decoded = chunks.decode(&self.file.borrow(), *chunk);
                    match decoded {
                        Ok(_) => label,
                        Err(e) => {
                            self.fail(e);
                            Label::Opaque(Reason::Corrupt)
                        }
                    }
                }
                label => label,
            };
            to.label(range.clone(), label)?;
            self.data.push(range);
        }
        Ok(())
    }

    /// Bytes as they are: an encoded picture, or small numbers.
    fn encoded(&mut self, to: &mut Container<'_>, path: &str, range: Range<u64>) -> Result<(), InspectError> {
        let begin = to.window.get(range.start, 8)?;
        if begin.starts_with(b"\xFF\xD8\xFF") || begin.starts_with(b"\x89PNG\r\n\x1A\n") {
            return to.hand_over_range(ChildMeta::named(path.as_bytes()), range);
        }
        to.raw(range)
    }

    /// Bytes of variable length: encoded pictures become children, others are swept as they are.
    fn pieces(
        &mut self,
        to: &mut Container<'_>,
        path: &str,
        rows: u64,
        width: usize,
        mut reader: Reader<'a>,
        size: usize,
    ) -> Result<(), InspectError> {
        let mut row = 0;
        while row < rows.min(MOST_TEXTS) {
            let n = usize::try_from(rows - row).unwrap_or(usize::MAX).min(4096);
            let bytes = match reader.rows(row, n) {
                Ok(bytes) => bytes,
                Err(e) => {
                    self.fail(e);
                    return Ok(());
                }
            };
            for (i, reference) in bytes.chunks_exact(size).enumerate() {
                let found = self.file.borrow_mut().piece(reference);
                let Some((address, len)) = found else { continue };
                let start = self.file.borrow().base.saturating_add(address);
                let range = start.min(to.len())..start.saturating_add(len).min(to.len());
                let begin = to.window.get(range.start, 12)?;
                let suffix = match begin {
                    [0xFF, 0xD8, 0xFF, ..] => ".jpg",
                    [0x89, b'P', b'N', b'G', ..] => ".png",
                    [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => ".webp",
                    _ => "",
                };
                if suffix.is_empty() {
                    to.raw(range)?;
                } else {
                    let index = row * width as u64 + i as u64;
                    to.hand_over_range(ChildMeta::named(format!("{path}/{index}{suffix}").as_bytes()), range)?;
                }
            }
            row += n as u64;
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn texts(
        &mut self,
        to: &mut Container<'_>,
        path: &str,
        of: &Type,
        rows: u64,
        width: usize,
        mut reader: Reader<'a>,
        records: &mut RecordWriter,
    ) -> Result<(), InspectError> {
        let number = records.name(path);
        let step = ((1 << 20) / (of.size * width).max(1)).max(1);
        let mut row = 0;
        while row < rows.min(MOST_TEXTS) {
            let n = usize::try_from(rows - row).unwrap_or(usize::MAX).min(step);
            let bytes = match reader.rows(row, n) {
                Ok(bytes) => bytes,
                Err(e) => {
                    self.fail(e);
                    return Ok(());
                }
            };
            for (i, element) in bytes.chunks_exact(of.size).enumerate() {
                let at = reader.offset(row + (i / width.max(1)) as u64);
                cells(&self.file, of, element, at, number, path, records, false);
                records.end_record(&mut Through(to))?;
            }
            row += n as u64;
        }
        Ok(())
    }

    /// What is neither data nor a structure that was met: free space, if everything could be read.
    fn rest(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        let mut known = std::mem::take(&mut self.data);
        for range in std::mem::take(&mut self.file.borrow_mut().met) {
            to.container(range.clone())?;
            known.push(range);
        }
        known.sort_by_key(|r| r.start);
        let len = to.len();
        known.push(len..len);
        let mut at = 0;
        for range in known {
            if range.start > at {
                if self.unread || self.broken.is_some() {
                    let reason = if self.unread { Reason::Unsupported } else { Reason::Corrupt };
                    to.opaque(at..range.start, reason)?;
                } else {
                    to.unallocated(at..range.start)?;
                }
            }
            at = at.max(range.end);
        }
        Ok(())
    }
}

/// The texts of an element, and the numbers of a record that has texts.
#[allow(clippy::too_many_arguments)]
fn cells(
    file: &Rc<RefCell<File<'_>>>,
    of: &Type,
    bytes: &[u8],
    at: u64,
    number_of_name: u32,
    name: &str,
    records: &mut RecordWriter,
    numbers: bool,
) {
    let cell = |records: &mut RecordWriter, text: &[u8], at: u64| {
        let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
        let value = String::from_utf8_lossy(&text[..end]);
        let spot = Spot { byte: at, line: 1, column: 1 };
        records.cell(value.trim_end(), number_of_name, 0, spot, at + end as u64, false);
    };
    match &of.class {
        Class::Text => cell(records, bytes.get(..of.size).unwrap_or(bytes), at),
        Class::VarText => {
            if let Some((text, at)) = file.borrow_mut().global(bytes) {
                cell(records, &text, at);
            }
        }
        Class::Compound(members) => {
            for m in members {
                let Some(part) = bytes.get(m.offset..m.offset + m.of.size) else { continue };
                let name = format!("{name}/{}", m.name);
                let inner = records.name(&name);
                cells(file, &m.of, part, at + m.offset as u64, inner, &name, records, true);
            }
        }
        Class::Array { base, count } => {
            for i in 0..(*count).min(4096) {
                let Some(part) = bytes.get(i * base.size..(i + 1) * base.size) else { break };
                cells(file, base, part, at + (i * base.size) as u64, number_of_name, name, records, numbers);
            }
        }
        Class::Number { kind, big } if numbers => {
            let value = number(bytes.get(..of.size).unwrap_or(bytes), *kind, *big);
            cell(records, value.to_string().as_bytes(), at);
        }
        _ => {}
    }
}

/// Decoded chunks by their place.
type Band = BTreeMap<Vec<u64>, Vec<u8>>;

/// The bytes of rows of a dataset.
struct Reader<'a> {
    file: Rc<RefCell<File<'a>>>,
    layout: Layout,
    shape: Vec<u64>,
    element: usize,
    /// The last chunks: those that begin at the same row.
    cache: Option<(u64, Band)>,
}

/// A band of chunks is kept up to this size.
const MOST_BAND: usize = 128 << 20;

impl Reader<'_> {
    fn row_len(&self) -> u64 {
        self.shape.iter().skip(1).product::<u64>() * self.element as u64
    }

    fn offset(&self, row: u64) -> u64 {
        let base = self.file.borrow().base;
        match &self.layout {
            Layout::Compact(_, at) => *at + row * self.row_len(),
            Layout::Contiguous(address, _) => base + address + row * self.row_len(),
            Layout::Chunked(chunks) => {
                let mut place = vec![0; self.shape.len()];
                if let (Some(slot), Some(edge)) = (place.first_mut(), chunks.edges.first()) {
                    *slot = row / edge;
                }
                chunks.all.get(&place).map_or(0, |c| base + c.address)
            }
            _ => 0,
        }
    }

    fn rows(&mut self, start: u64, n: usize) -> Result<Vec<u8>, InspectError> {
        let len = self.row_len();
        let total = usize::try_from(n as u64 * len).unwrap_or(usize::MAX);
        if total > MOST_BAND {
            return Err(InspectError { reason: Reason::Limit, offset: None, message: "rows that are too long" });
        }
        let short = |at: u64| InspectError::corrupt(at, "a dataset ends past the end of the file");
        match &self.layout {
            Layout::Compact(bytes, at) => {
                let from = usize::try_from(start * len).unwrap_or(usize::MAX);
                bytes.get(from..from.saturating_add(total)).map(<[u8]>::to_vec).ok_or_else(|| short(*at))
            }
            Layout::Contiguous(address, _) => {
                let from = address + start * len;
                let file = self.file.borrow();
                let mut out = Vec::new();
                let mut at = from;
                while out.len() < total {
                    let piece = (total - out.len()).min(8 << 20);
                    out.extend(file.exact(at, piece).ok_or_else(|| short(file.base + at))?);
                    at += piece as u64;
                }
                Ok(out)
            }
            Layout::Chunked(_) => self.gather(start, n, total),
            _ => Ok(vec![0; total]),
        }
    }

    fn gather(&mut self, start: u64, n: usize, total: usize) -> Result<Vec<u8>, InspectError> {
        let Layout::Chunked(chunks) = &self.layout else { return Ok(Vec::new()) };
        let mut out = vec![0; total];
        let edge = chunks.edges.first().copied().unwrap_or(1).max(1);
        let end = start + n as u64;
        let mut band = start / edge;
        while band * edge < end {
            if self.cache.as_ref().is_none_or(|(b, _)| *b != band) {
                let mut decoded = BTreeMap::new();
                let mut kept = 0;
                let from = vec![band];
                let to = vec![band + 1];
                for (place, chunk) in chunks.all.range(from..to) {
                    kept += chunks.size;
                    if kept > MOST_BAND {
                        return Err(InspectError {
                            reason: Reason::Limit,
                            offset: None,
                            message: "rows that are too long",
                        });
                    }
                    decoded.insert(place.clone(), chunks.decode(&self.file.borrow(), *chunk)?);
                }
                self.cache = Some((band, decoded));
            }
            let Some((_, decoded)) = &self.cache else { break };
            for (place, bytes) in decoded {
                copy(place, bytes, &chunks.edges, &self.shape, self.element, start..end, &mut out);
            }
            band += 1;
        }
        Ok(out)
    }
}

/// Copies what a chunk has of the rows into their buffer.
fn copy(place: &[u64], bytes: &[u8], edges: &[u64], shape: &[u64], element: usize, rows: Range<u64>, out: &mut [u8]) {
    let rank = edges.len();
    // Runs along the last dimension lie together in both.
    let run = edges[rank - 1];
    let runs = edges[..rank - 1].iter().product::<u64>();
    let mut index = vec![0u64; rank];
    for r in 0..runs {
        let mut rest = r;
        for d in (0..rank - 1).rev() {
            index[d] = rest % edges[d];
            rest /= edges[d];
        }
        index[rank - 1] = 0;
        let at: Vec<u64> = index.iter().zip(place).zip(edges).map(|((i, p), e)| p * e + i).collect();
        if at.iter().zip(shape).take(rank - 1).any(|(a, n)| a >= n) || (rank > 1 && !rows.contains(&at[0])) {
            continue;
        }
        let (mut from, mut n) = (0, run.min(shape[rank - 1].saturating_sub(at[rank - 1])));
        let mut target = 0u64;
        if rank == 1 {
            // The rows themselves are the run.
            let first = at[0].max(rows.start);
            let last = (at[0] + n).min(rows.end);
            if first >= last {
                continue;
            }
            from = first - at[0];
            n = last - first;
            target = first - rows.start;
        } else {
            for (d, a) in at.iter().enumerate() {
                target = target * shape[d] + if d == 0 { a - rows.start } else { *a };
            }
        }
        let size = element as u64;
        let source = usize::try_from((r * run + from) * size).unwrap_or(usize::MAX);
        let target = usize::try_from(target * size).unwrap_or(usize::MAX);
        let len = usize::try_from(n * size).unwrap_or(0);
        if let (Some(s), Some(t)) =
            (bytes.get(source..source.saturating_add(len)), out.get_mut(target..target.saturating_add(len)))
        {
            t.copy_from_slice(s);
        }
    }
}

/// Numbers of rows, or of one member of records.
struct Columns<'a> {
    reader: Reader<'a>,
    rows: u64,
    width: usize,
    offset: usize,
    size: usize,
    kind: Kind,
    big: bool,
}

impl Rows for Columns<'_> {
    fn rows(&self) -> u64 {
        self.rows
    }

    fn width(&self) -> usize {
        self.width
    }

    fn read(&mut self, start: u64, n: usize, out: &mut Vec<f64>) -> Result<(), InspectError> {
        let row = usize::try_from(self.reader.row_len()).unwrap_or(usize::MAX);
        let step = ((4 << 20) / row.max(1)).max(1);
        let mut done = 0;
        while done < n {
            let m = (n - done).min(step);
            let bytes = self.reader.rows(start + done as u64, m)?;
            for record in bytes.chunks_exact(row) {
                for i in 0..self.width {
                    let at = self.offset + i * self.size;
                    out.push(record.get(at..at + self.size).map_or(f64::NAN, |b| number(b, self.kind, self.big)));
                }
            }
            done += m;
        }
        Ok(())
    }

    fn offset(&self, row: u64) -> u64 {
        self.reader.offset(row)
    }
}
