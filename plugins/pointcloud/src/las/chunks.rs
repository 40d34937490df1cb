//! Compressed points, chunk by chunk.
//!
//! Every length that the decoder would allocate by is checked against the chunk before it sees it, and a panic inside of it ends that chunk only.

use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use laz::laszip::ChunkTable;
use laz::record::{LayeredPointRecordDecompressor, RecordDecompressor, SequentialPointRecordDecompressor};
use laz::{LazItem, LazVlr};
use yumen_kit_container::Container;
use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_model::blob::BlobReader;
use yumen_model::{InspectError, Label, Reason};

use super::header::Header;
use super::points::Points;
use super::records::Records;

/// Longest chunk that is decoded; writers make chunks of 50 000 points, a few hundred KiB.
const MOST_CHUNK: u64 = 128 << 20;
/// Points of one byte at most: repeated points take next to nothing, but not nothing.
const MOST_POINTS_A_BYTE: u64 = 16 << 10;

/// How the points are compressed.
struct Method {
    items: Vec<LazItem>,
    layered: bool,
    layers: usize,
    chunk_size: u32,
    variable: bool,
    /// One chunk without a table in front (LASzip 1.0).
    pointwise: bool,
    record_len: usize,
}

impl Method {
    fn read(bytes: &[u8], header: &Header) -> Result<Method, InspectError> {
        let count = usize::from(le16(bytes, 32));
        if bytes.len() < 34 || count == 0 || count > 16 || bytes.len() < 34 + 6 * count {
            return Err(InspectError::corrupt(header.data, "the description of the compression is broken"));
        }
        let compressor = le16(bytes, 0);
        let (mut total, mut layers) = (0u32, 0usize);
        let mut layered = false;
        for i in 0..count {
            let at = 34 + 6 * i;
            let (kind, size, version) = (le16(bytes, at), le16(bytes, at + 2), le16(bytes, at + 4));
            let (fits, item_layers) = match kind {
                0 => ((1..=2048).contains(&size) && (1..=2).contains(&version), 0),
                6 => (size == 20 && (1..=2).contains(&version), 0),
                7 => (size == 8 && (1..=2).contains(&version), 0),
                8 => (size == 6 && (1..=2).contains(&version), 0),
                9 => (size == 29 && version == 1, 0),
                10 => (size == 30 && (3..=4).contains(&version), 9),
                11 => (size == 6 && (3..=4).contains(&version), 1),
                12 => (size == 8 && (3..=4).contains(&version), 2),
                13 => (size == 29 && (3..=4).contains(&version), 1),
                14 => ((1..=2048).contains(&size) && (3..=4).contains(&version), usize::from(size)),
                _ => (false, 0),
            };
            if !fits {
                return Err(InspectError::unsupported("an item of the compression that is not known"));
            }
            layered |= kind >= 10;
            layers += item_layers;
            total += u32::from(size);
        }
        if total != u32::from(header.record_len) || !matches!(compressor, 1..=3) || (compressor == 3) != layered {
            return Err(InspectError::unsupported("the compression does not fit the point format"));
        }
        let vlr = LazVlr::from_buffer(bytes)
            .map_err(|_| InspectError::unsupported("a compression of points that is not known"))?;
        Ok(Method {
            items: vlr.items().clone(),
            layered,
            layers,
            chunk_size: vlr.chunk_size(),
            variable: vlr.uses_variable_size_chunks(),
            pointwise: compressor == 1,
            record_len: usize::from(header.record_len),
        })
    }

    /// Decodes `count` points from `source`, which gives no more bytes than the chunk has.
    fn decode(
        &self,
        source: BufReader<Piece>,
        count: u64,
        points: &mut Points,
        alive: &dyn Fn() -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        if self.layered {
            let mut bytes = Vec::new();
            let mut source = source;
            source.read_to_end(&mut bytes)?;
            if !self.layers_fit(&bytes) {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
            let mut decoder = LayeredPointRecordDecompressor::new(Cursor::new(bytes));
            decoder.set_fields_from(&self.items).map_err(|_| std::io::ErrorKind::InvalidData)?;
            self.records(&mut decoder, count, points, alive)
        } else {
            let mut decoder = SequentialPointRecordDecompressor::new(source);
            decoder.set_fields_from(&self.items).map_err(|_| std::io::ErrorKind::InvalidData)?;
            self.records(&mut decoder, count, points, alive)
        }
    }

    fn records<R>(
        &self,
        decoder: &mut dyn RecordDecompressorDyn<R>,
        count: u64,
        points: &mut Points,
        alive: &dyn Fn() -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let mut record = vec![0; self.record_len];
        for i in 0..count {
            decoder.next_record(&mut record)?;
            points.add(&record);
            // Decoding reads nothing while points repeat: ask whether the scan goes on.
            if i % 65_536 == 65_535 {
                alive()?;
            }
        }
        Ok(())
    }

    /// Whether the layers of a chunk lie in it: their sizes stand behind its first point.
    fn layers_fit(&self, chunk: &[u8]) -> bool {
        self.layered_len(chunk).is_some_and(|n| n <= chunk.len() as u64)
    }

    /// Length of a chunk of layers by its own account.
    fn layered_len(&self, head: &[u8]) -> Option<u64> {
        let sizes = self.record_len + 4;
        let end = sizes + 4 * self.layers;
        let table = head.get(sizes..end)?;
        Some(end as u64 + table.chunks_exact(4).map(|n| u64::from(le32(n, 0))).sum::<u64>())
    }
}

/// The one method that is needed of both decoders.
trait RecordDecompressorDyn<R> {
    fn next_record(&mut self, out: &mut [u8]) -> std::io::Result<()>;
}

impl<R, D: RecordDecompressor<R>> RecordDecompressorDyn<R> for D {
    fn next_record(&mut self, out: &mut [u8]) -> std::io::Result<()> {
        self.decompress_next(out)
    }
}

/// Part of a blob as a stream.
struct Piece {
    reader: BlobReader,
    range: Range<u64>,
}

impl Piece {
    fn new(to: &Container<'_>, range: Range<u64>) -> Self {
        let mut reader = to.blob.reader();
        // Within the blob: seeking does not fail.
        let _ = reader.seek(SeekFrom::Start(range.start));
        Piece { reader, range }
    }
}

impl Read for Piece {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let rest = self.range.end.saturating_sub(self.reader.position());
        let n = usize::try_from(rest).unwrap_or(usize::MAX).min(buf.len());
        self.reader.read(buf.get_mut(..n).unwrap_or(&mut []))
    }
}

impl Seek for Piece {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let at = match to {
            SeekFrom::Start(n) => self.range.start.checked_add(n),
            SeekFrom::Current(n) => self.reader.position().checked_add_signed(n),
            SeekFrom::End(n) => self.range.end.checked_add_signed(n),
        };
        let at =
            at.filter(|at| self.range.contains(at) || *at == self.range.end).ok_or(std::io::ErrorKind::InvalidInput)?;
        self.reader.seek(SeekFrom::Start(at))?;
        Ok(at - self.range.start)
    }
}

/// Chunks with the number of their points, and the range of the table itself.
struct Table {
    chunks: Vec<(u64, Range<u64>)>,
    range: Range<u64>,
}

/// Reads the table of chunks; none where the writer left none.
fn table(to: &mut Container<'_>, header: &Header, method: &Method, end: u64) -> Result<Option<Table>, InspectError> {
    let start = header.data + 8;
    let pointer = |bytes: &[u8]| le64(bytes, 0);
    let mut at = pointer(to.window.get(header.data, 8)?);
    if at < start && to.len() >= 8 {
        // A writer that could not go back put the place at the very end.
        at = pointer(to.window.get(to.len() - 8, 8)?);
    }
    if at < start || at.saturating_add(8) > to.len() {
        return Ok(None);
    }
    let count = u64::from(le32(to.window.get(at, 8)?, 4));
    // Each chunk has its first point as it is.
    if count > (at - start) / u64::from(header.record_len) + 1 {
        return Ok(None);
    }
    if count == 0 {
        return Ok(Some(Table { chunks: Vec::new(), range: at..(at + 8).min(end.max(at + 8)) }));
    }
    let mut source = BufReader::with_capacity(4096, Piece::new(to, at..to.len()));
    let read = catch_unwind(AssertUnwindSafe(|| ChunkTable::read(&mut source, method.variable)));
    let Ok(Ok(table)) = read else { return Ok(None) };
    // The decoder reads a few bytes ahead of what it uses.
    let used = source.stream_position().map_or(to.len(), |n| at + n);
    let mut chunks = Vec::new();
    let (mut from, mut left) = (start, header.points);
    for entry in &table {
        let Some(end) = from.checked_add(entry.byte_count).filter(|&end| end <= at) else { return Ok(None) };
        let points = if method.variable { entry.point_count } else { u64::from(method.chunk_size) };
        let points = points.min(left);
        left -= points;
        chunks.push((points, from..end));
        from = end;
    }
    Ok(Some(Table { chunks, range: at..used.max(at + 8) }))
}

/// Decodes all points.
pub(super) fn read(
    to: &mut Container<'_>,
    header: &Header,
    records: &Records,
    points: &mut Points,
) -> Result<(), InspectError> {
    let end = records.points_end(header, to.len());
    let Some(laszip) = records.laszip.as_deref() else {
        to.opaque(header.data..end, Reason::Unsupported)?;
        return Err(InspectError::corrupt(header.data, "compressed points without a description of the compression"));
    };
    let method = match Method::read(laszip, header) {
        Ok(method) => method,
        Err(e) => {
            to.opaque(header.data..end, Reason::Unsupported)?;
            to.tell_at("unsupported-method", header.data);
            return Err(e);
        }
    };
    if method.pointwise {
        return one(to, header, &method, header.data, end, header.points, points)
            .and_then(|after| records.after(to, after, header));
    }
    let Some(table) = table(to, header, &method, end)? else {
        return without_table(to, header, records, &method, end, points);
    };
    to.container(header.data..header.data + 8)?;
    let mut broken = None;
    let (mut at, mut decoded) = (header.data + 8, 0);
    for (count, range) in table.chunks {
        at = range.end;
        if range.is_empty() {
            continue;
        }
        match chunk(to, &method, count, range.clone(), points)? {
            Ok(()) => {
                decoded += count;
                to.label(range, Label::Inspected)?;
            }
            Err(reason) => {
                broken.get_or_insert((range.start, reason));
                to.opaque(range, reason)?;
            }
        }
    }
    to.container(table.range.clone())?;
    let mut rest = Ok(());
    if table.range.start > at {
        rest = super::gap(to, at, table.range.start);
    }
    let table_end = if to.len() - table.range.end.min(to.len()) == 8 { to.len() } else { table.range.end };
    to.container(table.range.end..table_end)?;
    rest.and_then(|()| records.after(to, table_end, header))?;
    match broken {
        Some((at, Reason::Corrupt)) => Err(InspectError::corrupt(at, "a chunk of points is broken")),
        Some((at, reason)) => Err(InspectError { reason, offset: Some(at), message: "a chunk of points was not read" }),
        None if decoded < header.points => Err(InspectError::corrupt(at, "fewer points than the header tells")),
        None => Ok(()),
    }
}

/// Decodes one chunk. The outer error ends the inspection.
fn chunk(
    to: &Container<'_>,
    method: &Method,
    count: u64,
    range: Range<u64>,
    points: &mut Points,
) -> Result<Result<(), Reason>, InspectError> {
    let len = range.end - range.start;
    if count > len.saturating_mul(MOST_POINTS_A_BYTE) {
        return Ok(Err(Reason::Corrupt));
    }
    if method.layered && len > MOST_CHUNK {
        return Ok(Err(Reason::Limit));
    }
    let blob = to.blob.clone();
    let start = range.start;
    let alive = move || blob.read_exact_at(start, &mut [0]);
    let source = BufReader::with_capacity(64 << 10, Piece::new(to, range));
    let decoded = catch_unwind(AssertUnwindSafe(|| method.decode(source, count, points, &alive)));
    match decoded {
        Ok(Ok(())) => Ok(Ok(())),
        Ok(Err(e)) if matches!(e.kind(), std::io::ErrorKind::TimedOut) => Err(InspectError::read(start, &e)),
        Ok(Err(_)) | Err(_) => Ok(Err(Reason::Corrupt)),
    }
}

/// One chunk to the end of the data; gives back where it ends.
fn one(
    to: &mut Container<'_>,
    _header: &Header,
    method: &Method,
    start: u64,
    end: u64,
    count: u64,
    points: &mut Points,
) -> Result<u64, InspectError> {
    match chunk(to, method, count, start..end, points)? {
        Ok(()) => {
            to.label(start..end, Label::Inspected)?;
            Ok(end)
        }
        Err(reason) => {
            to.opaque(start..end, reason)?;
            Err(InspectError::corrupt(start, "the compressed points are broken"))
        }
    }
}

/// A stream whose table was never written: layers tell where a chunk ends; others are read as far as they go.
fn without_table(
    to: &mut Container<'_>,
    header: &Header,
    records: &Records,
    method: &Method,
    end: u64,
    points: &mut Points,
) -> Result<(), InspectError> {
    to.tell_at("rebuilt", header.data);
    to.container(header.data..header.data + 8)?;
    let mut at = header.data + 8;
    let mut left = header.points;
    if !method.layered && !method.variable && u64::from(method.chunk_size) >= left {
        let after = one(to, header, method, at, end, left, points)?;
        return records.after(to, after, header);
    }
    if !method.layered {
        to.opaque(at..end, Reason::Corrupt)?;
        // The first chunk can be read without knowing where it ends.
        let count = left.min(if method.variable { 0 } else { u64::from(method.chunk_size) });
        let _ = chunk(to, method, count, at..end, points)?;
        return Err(InspectError::corrupt(header.data, "the table of chunks is missing"));
    }
    while at < end && left > 0 {
        let head = to.window.get(at, method.record_len + 4 + 4 * method.layers)?;
        let count = u64::from(le32(head, method.record_len)).min(left);
        let Some(len) = method.layered_len(head).filter(|len| at.saturating_add(*len) <= end && count > 0) else {
            to.opaque(at..end, Reason::Corrupt)?;
            return Err(InspectError::corrupt(at, "a chunk of points is cut short"));
        };
        match chunk(to, method, count, at..at + len, points)? {
            Ok(()) => to.label(at..at + len, Label::Inspected)?,
            Err(reason) => to.opaque(at..at + len, reason)?,
        }
        at += len;
        left -= count;
    }
    records.after(to, at, header)
}
