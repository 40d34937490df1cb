//! Partitions out of operations that need nothing else: put together piece by piece in the order of the image.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::Range;

use sha2::{Digest as _, Sha256};
use yumen_kit_container::window::sweep;
use yumen_model::blob::BlobReader;
use yumen_model::{Blob, ChildMeta, Extent, InspectError, Message, Reason, Stop};

use super::Reader;
use super::manifest::{Kind, Manifest, Op, Partition};
use super::plan::{self, Piece};

/// Bytes handed over at once.
const PIECE: usize = 256 << 10;
/// Zeros handed over at once.
const ZEROS: u64 = 256 << 20;
/// Decoders kept open at once: operations may be interleaved.
const OPEN: usize = 4;
/// Memory a decoder of xz may take, in KiB; payloads are made with dictionaries of some MiB.
const XZ_MEMORY: u32 = 128 << 10;
/// Bytes that may be decoded in vain in one partition, because pieces come in another order than the decoder gives them.
const WASTE: u64 = 4 << 30;

/// Longest image that is hashed where it is not decoded; holes may make it as long as it likes.
const MOST_HASHED: u64 = 64 << 30;

/// Why an operation's output ended.
enum Fault {
    /// The encoded data is broken or cut short.
    Corrupt,
    /// Too much would be decoded in vain.
    Limit,
    /// The engine takes no more.
    Stopped(Stop),
    /// The payload can't be read.
    Failed(InspectError),
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Fault::Stopped(stop)
    }
}

/// An operation's output, read from the start to the end.
struct Output {
    inner: Box<dyn Read>,
    at: u64,
    ended: bool,
}

impl Output {
    fn open(blob: &Blob, op: &Op, data: Range<u64>) -> io::Result<Self> {
        let encoded: BlobReader = blob.range(data).reader();
        let encoded = io::BufReader::with_capacity(64 << 10, encoded);
        let inner: Box<dyn Read> = match op.kind {
            Kind::ReplaceBz => Box::new(bzip2::bufread::BzDecoder::new(encoded)),
            Kind::ReplaceXz => {
                let mut encoded = encoded;
                // Some makers write the older format.
                if io::BufRead::fill_buf(&mut encoded)?.first() == Some(&0x5d) {
                    Box::new(lzma_rust2::LzmaReader::new_mem_limit(encoded, XZ_MEMORY, None)?)
                } else {
                    Box::new(lzma_rust2::XzReader::new_mem_limit(encoded, true, XZ_MEMORY))
                }
            }
            Kind::ReplaceZstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(encoded)?;
                decoder.window_log_max(27)?;
                Box::new(decoder)
            }
            _ => Box::new(encoded),
        };
        Ok(Output { inner, at: 0, ended: false })
    }

    /// Fills the buffer; zeros follow the end, as on the device.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < buffer.len() && !self.ended {
            match self.inner.read(&mut buffer[done..]) {
                Ok(0) => self.ended = true,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        buffer[done..].fill(0);
        self.at += buffer.len() as u64;
        Ok(())
    }

    /// Whether nothing is left.
    fn is_done(&mut self) -> io::Result<bool> {
        Ok(self.ended || self.inner.read(&mut [0])? == 0)
    }
}

struct Builder<'r, 'a> {
    reader: &'r mut Reader<'a>,
    ops: &'r [Op],
    open: HashMap<usize, Output>,
    used: Vec<usize>,
    buffer: Vec<u8>,
    waste: u64,
    digest: Sha256,
    /// How long the output of each operation has to be.
    ends: Vec<u64>,
}

impl Builder<'_, '_> {
    fn send(&mut self, from: Range<usize>) -> Result<(), Fault> {
        let bytes = &self.buffer[from];
        self.digest.update(bytes);
        Ok(self.reader.to.send(Message::ChildBytes(Cow::Borrowed(bytes)))?)
    }

    fn zeros(&mut self, mut n: u64) -> Result<(), Fault> {
        let zeros = [0; 64 << 10];
        while n > 0 {
            let step = n.min(ZEROS);
            self.reader.to.send(Message::ChildZeros(step))?;
            let mut left = step;
            while left > 0 {
                let k = left.min(zeros.len() as u64);
                self.digest.update(&zeros[..usize::try_from(k).unwrap_or(0)]);
                left -= k;
            }
            n -= step;
        }
        Ok(())
    }

    fn failure(&self, op: usize, error: &io::Error) -> Fault {
        let start = self.reader.data(&self.ops[op]).start;
        match error.kind() {
            io::ErrorKind::OutOfMemory => Fault::Limit,
            // The scan was stopped.
            io::ErrorKind::TimedOut => Fault::Failed(InspectError::read(start, error)),
            _ => Fault::Corrupt,
        }
    }

    fn piece(&mut self, piece: &Piece) -> Result<(), Fault> {
        let op = &self.ops[piece.op];
        if op.kind.is_zero() {
            return self.zeros(piece.len);
        }
        let n = piece.op;
        let behind = self.open.get(&n).is_none_or(|o| o.at > piece.from);
        if behind {
            self.open.remove(&n);
            self.used.retain(|&o| o != n);
            if self.used.len() >= OPEN {
                let oldest = self.used.remove(0);
                self.open.remove(&oldest);
            }
            let data = self.reader.data(op);
            let output = Output::open(self.reader.to.blob, op, data).map_err(|e| self.failure(n, &e))?;
            self.open.insert(n, output);
            self.used.push(n);
        }
        let mut at = self.open.get(&n).map_or(0, |o| o.at);
        while at < piece.from + piece.len {
            let want = if at < piece.from { piece.from - at } else { piece.from + piece.len - at };
            let step = usize::try_from(want).unwrap_or(usize::MAX).min(PIECE);
            let mut buffer = std::mem::take(&mut self.buffer);
            let filled = self.open.get_mut(&n).map_or(Ok(()), |o| o.fill(&mut buffer[..step]));
            self.buffer = buffer;
            filled.map_err(|e| self.failure(n, &e))?;
            if at < piece.from {
                self.waste = self.waste.saturating_add(step as u64);
                if self.waste > WASTE {
                    return Err(Fault::Limit);
                }
            } else {
                self.send(0..step)?;
            }
            at += step as u64;
        }
        // An operation whose output goes on behind its last piece is not what was signed.
        let last = self.ends.get(n).copied().unwrap_or(0) == piece.from + piece.len;
        if last && let Some(mut output) = self.open.remove(&n) {
            self.used.retain(|&o| o != n);
            if !output.is_done().map_err(|e| self.failure(n, &e))? {
                let at = self.reader.data(op).start;
                self.reader.to.tell_at("corrupt", at);
            }
        }
        Ok(())
    }
}

/// Compares the data of an operation with its digest.
fn check(reader: &mut Reader<'_>, op: &Op) -> Result<(), InspectError> {
    let data = reader.data(op);
    if reader.base.saturating_add(op.data.end) > reader.to.len() {
        reader.to.tell_at("truncated", reader.to.len());
        return Ok(());
    }
    let Some(want) = op.hash.filter(|_| data.start < data.end) else { return Ok(()) };
    let mut digest = Sha256::new();
    sweep(reader.to.blob, data.clone(), 0, |_, bytes| {
        digest.update(bytes);
        None::<()>
    })?;
    if digest.finalize()[..] != want {
        reader.to.tell_at("checksum-mismatch", data.start);
    }
    Ok(())
}

/// Rebuilds a partition into a child.
pub(super) fn partition(
    reader: &mut Reader<'_>,
    manifest: &Manifest,
    partition: &Partition,
) -> Result<(), InspectError> {
    let Some(pieces) = plan::pieces(partition, manifest.block) else {
        reader.to.tell_at("corrupt", 0);
        return give_up(reader, &partition.ops, Reason::Corrupt);
    };
    for op in &partition.ops {
        check(reader, op)?;
        if op.data.start < op.data.end && (op.targets.iter().all(|t| t.0 == super::manifest::HOLE) || op.kind.is_zero())
        {
            unwritten(reader, op)?;
        }
    }
    let end = pieces.last().map_or(0, |p| p.start + p.len);
    if pieces.is_empty() && partition.size.is_none_or(|n| n == 0) {
        return Ok(());
    }
    // The image ends where it says; blocks may reach beyond.
    let size = partition.size.unwrap_or(end);
    if end.saturating_sub(size) >= manifest.block || (partition.size.is_some() && size > end.saturating_add(1 << 40)) {
        reader.to.tell_at("corrupt", 0);
    }
    let name = format!("{}.img", partition.name);
    let size = if size > end.saturating_add(1 << 40) { end } else { size };
    let digest = build(reader, &name, &partition.ops, &pieces, (size, manifest.block))?;
    // Blocks that the device computes are not written by any operation.
    let written = |&(start, _): &(u64, u64)| {
        let at = start.saturating_mul(manifest.block);
        pieces.iter().any(|p| p.start <= at && at < p.start + p.len)
    };
    if let (Some(digest), Some(want)) = (digest, partition.hash)
        && digest[..] != want
        && partition.computed.iter().filter(|e| e.1 > 0).all(written)
    {
        reader.to.tell_at("checksum-mismatch", 0);
    }
    Ok(())
}

/// Hands over the output of one operation as a child of its own.
pub(super) fn operation(reader: &mut Reader<'_>, manifest: &Manifest, name: &str, op: &Op) -> Result<(), InspectError> {
    check(reader, op)?;
    if op.kind.is_zero() {
        return unwritten(reader, op);
    }
    let blocks = op.targets.iter().map(|t| t.1).fold(0u64, u64::saturating_add);
    let len = blocks.saturating_mul(manifest.block);
    if len == 0 {
        return unwritten(reader, op);
    }
    let piece = Piece { start: 0, len, op: 0, from: 0, turn: 0 };
    build(reader, name, std::slice::from_ref(op), &[piece], (len, manifest.block)).map(|_| ())
}

/// Data that an operation carries and does not write anywhere. The old way to sign a payload looks so.
fn unwritten(reader: &mut Reader<'_>, op: &Op) -> Result<(), InspectError> {
    let data = reader.data(op);
    reader.signatures("unwritten", data)
}

fn give_up(reader: &mut Reader<'_>, ops: &[Op], reason: Reason) -> Result<(), InspectError> {
    ops.iter().try_for_each(|op| {
        let data = reader.data(op);
        reader.to.opaque(data, reason)
    })
}

/// Makes a child of `size` bytes out of pieces; its digest, if all of it was delivered.
fn build(
    reader: &mut Reader<'_>,
    name: &str,
    ops: &[Op],
    pieces: &[Piece],
    (size, block): (u64, u64),
) -> Result<Option<[u8; 32]>, InspectError> {
    let verbatim = |p: &Piece| matches!(ops[p.op].kind, Kind::Replace | Kind::Zero | Kind::Discard);
    if pieces.iter().all(verbatim) {
        return borrow(reader, name, ops, pieces, size);
    }
    let encoded = ops.iter().map(|op| reader.data(op)).map(|d| d.end - d.start).sum::<u64>();
    let meta = ChildMeta { encoded: Some(encoded), ..ChildMeta::named(name.as_bytes()) };
    let ends = |op: &Op| op.targets.iter().map(|t| t.1).fold(0u64, u64::saturating_add).saturating_mul(block);
    let ends = ops.iter().map(ends).collect();
    let mut builder = Builder {
        reader,
        ops,
        open: HashMap::new(),
        used: Vec::new(),
        buffer: vec![0; PIECE],
        waste: 0,
        digest: Sha256::new(),
        ends,
    };
    let mut at = 0;
    let mut broken: Vec<usize> = Vec::new();
    let mut result = builder.reader.to.send(Message::ChildStart { meta }).map_err(Fault::from);
    for piece in pieces {
        if result.is_err() || piece.start >= size {
            break;
        }
        result = builder.zeros(piece.start - at);
        let piece = Piece { len: piece.len.min(size - piece.start), ..*piece };
        if result.is_ok() && broken.contains(&piece.op) {
            result = builder.zeros(piece.len);
        } else if result.is_ok() {
            let before = builder.open.get(&piece.op).map_or(0, |o| o.at);
            result = builder.piece(&piece);
            if let Err(Fault::Corrupt) = result {
                // The rest of this operation stays zeros; the others have their place all the same.
                let output = builder.open.remove(&piece.op);
                let after = output.map_or(before, |o| o.at).clamp(piece.from, piece.from + piece.len);
                builder.used.retain(|&o| o != piece.op);
                broken.push(piece.op);
                result = builder.zeros(piece.from + piece.len - after);
            }
        }
        at = piece.start + piece.len;
    }
    if result.is_ok() && at < size {
        result = builder.zeros(size - at);
    }
    let digest: [u8; 32] = builder.digest.finalize().into();
    let reason = match result {
        Ok(()) => None,
        Err(Fault::Failed(error)) => return Err(error),
        Err(Fault::Stopped(stop @ Stop::All(_))) => return Err(stop.into()),
        Err(Fault::Stopped(Stop::Child(reason))) => Some(reason),
        Err(Fault::Corrupt) => Some(Reason::Corrupt),
        Err(Fault::Limit) => {
            reader.to.tell("limit");
            Some(Reason::Limit)
        }
    };
    let stopped = matches!(result, Err(Fault::Stopped(_)));
    if !stopped {
        reader.to.send(Message::ChildEnd { complete: reason.is_none() && broken.is_empty() })?;
    }
    for (i, op) in ops.iter().enumerate() {
        let data = reader.data(op);
        if op.kind.is_zero() {
            continue;
        }
        match reason {
            Some(reason) => reader.to.opaque(data, reason)?,
            None if broken.contains(&i) => {
                reader.to.tell_at("corrupt", data.start);
                reader.to.opaque(data, Reason::Corrupt)?;
            }
            None => reader.to.container(data)?,
        }
    }
    if !broken.is_empty() {
        reader.to.tell("incomplete-child");
    }
    Ok((reason.is_none() && broken.is_empty()).then_some(digest))
}

/// As [`build`], where all pieces stand in the payload as they are: nothing is copied.
fn borrow(
    reader: &mut Reader<'_>,
    name: &str,
    ops: &[Op],
    pieces: &[Piece],
    size: u64,
) -> Result<Option<[u8; 32]>, InspectError> {
    let mut extents = Vec::new();
    let mut at = 0;
    let zeros = |extents: &mut Vec<Extent>, n: u64| {
        if n > 0 {
            extents.push(Extent::Zero { len: n });
        }
    };
    for piece in pieces {
        if piece.start >= size {
            break;
        }
        zeros(&mut extents, piece.start - at);
        let len = piece.len.min(size - piece.start);
        at = piece.start + len;
        if ops[piece.op].kind.is_zero() {
            zeros(&mut extents, len);
            continue;
        }
        let data = reader.data(&ops[piece.op]);
        let start = data.start.saturating_add(piece.from).min(data.end);
        let end = start.saturating_add(len).min(data.end);
        if start < end {
            extents.push(Extent::of(start..end));
        }
        zeros(&mut extents, len - (end - start));
    }
    zeros(&mut extents, size - at);
    let image = reader.to.blob.slice(&extents);
    let mut digest = Sha256::new();
    let hashed = image.len() <= MOST_HASHED;
    if hashed {
        sweep(&image, 0..image.len(), 0, |_, bytes| {
            digest.update(bytes);
            None::<()>
        })?;
    }
    // Data that no piece refers to is left over.
    let mut covered: Vec<Range<u64>> = extents
        .iter()
        .filter_map(|e| match e {
            Extent::Data { offset, len } => Some(*offset..offset + len),
            Extent::Zero { .. } => None,
        })
        .collect();
    covered.sort_by_key(|r| r.start);
    reader.to.hand_over(ChildMeta::named(name.as_bytes()), extents)?;
    for op in ops.iter().filter(|op| !op.kind.is_zero()) {
        let data = reader.data(op);
        let mut at = data.start;
        for r in &covered[covered.partition_point(|r| r.end <= data.start)..] {
            if r.start >= data.end {
                break;
            }
            if r.start > at {
                reader.to.slack(at..r.start)?;
            }
            at = at.max(r.end);
        }
        if at < data.end && op.targets.iter().any(|t| t.0 != super::manifest::HOLE) {
            reader.to.slack(at..data.end)?;
        }
    }
    Ok(hashed.then(|| digest.finalize().into()))
}
