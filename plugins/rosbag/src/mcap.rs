//! MCAP (<https://mcap.dev/spec>).
//!
//! Records are read in the order of the file; the summary behind them only helps: channels are taken from it beforehand, and where a record is broken
//! reading goes on at the next chunk it names.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use yumen_kit_container::window::{num, sweep};
use yumen_kit_container::{FormatReader, Place};
use yumen_model::{Artifact, Blob, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Reason};

use crate::feed::{Codec, Feed};
use crate::recording::{Declared, MAX_BREAKS, MAX_CHUNK, MAX_MESSAGE, Recording, Spot, Told, behind};

/// Reads MCAP.
pub(crate) struct Mcap;

const FORMATS: &[Format] = &[Format {
    name: "mcap",
    title: "MCAP recording",
    media_type: "application/x-mcap",
    extensions: &["mcap"],
    magic: "89 4D 43 41 50 30 0D 0A and a header record behind it",
    reference: "https://mcap.dev/spec",
    evidence: "messages decoded by the schemas in the file: positions, inertial data, text and named values; attachments and pictures as children; metadata as text; a table of the topics",
    limitations: &[
        "messages longer than 128 MiB are not decoded",
        "payloads of a compressed chunk that could not be decoded take a share of its bytes, counted from its end",
    ],
}];

const MAGIC: &[u8] = b"\x89MCAP0\r\n";

const HEADER: u8 = 0x01;
const FOOTER: u8 = 0x02;
const SCHEMA: u8 = 0x03;
const CHANNEL: u8 = 0x04;
const MESSAGE: u8 = 0x05;
const CHUNK: u8 = 0x06;
const MESSAGE_INDEX: u8 = 0x07;
const CHUNK_INDEX: u8 = 0x08;
const ATTACHMENT: u8 = 0x09;
const ATTACHMENT_INDEX: u8 = 0x0A;
const STATISTICS: u8 = 0x0B;
const METADATA: u8 = 0x0C;
const METADATA_INDEX: u8 = 0x0D;
const SUMMARY_OFFSET: u8 = 0x0E;
const DATA_END: u8 = 0x0F;

/// Opcode and length.
const FRAME: u64 = 9;
/// Fields of a message before its payload.
const MESSAGE_HEAD: u64 = 22;
/// A schema, channel, header or metadata record longer than this is not read.
const MAX_RECORD: u64 = 64 << 20;
/// Schemas that are kept, in bytes of all of them.
const MAX_SCHEMAS: usize = 64 << 20;
/// Chunk positions that are kept from the summary.
const MAX_ANCHORS: usize = 1 << 20;
/// Records of private or unknown kind that are handed over each for itself.
const MAX_PRIVATE: u32 = 1024;
/// Stretches of unchunked records that are labelled at once.
const STRETCH: u64 = 4 << 20;

impl FormatReader for Mcap {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let rest = probe.head.strip_prefix(MAGIC)?;
        // The magic holds a byte no text begins with and a line end that transfers as text break: it is enough where the header is broken.
        let ours = rest.is_empty() || rest[0] != 0 || probe.extension() == "mcap";
        ours.then(|| Identity::new("mcap", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut rec = Recording::new(artifact, out);
        let result = mcap(&mut rec);
        rec.finish(result)
    }
}

/// A schema, kept for the channels that name it.
struct Schema {
    name: String,
    encoding: String,
    data: Vec<u8>,
}

#[derive(Default)]
struct State {
    schemas: HashMap<u16, Schema>,
    schema_bytes: usize,
    anchors: Vec<u64>,
    private: u32,
    library: String,
}

/// Reads fields of a record one after another.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }
    fn u16(&mut self) -> Option<u16> {
        Some(num::le16(self.take(2)?, 0))
    }
    fn u32(&mut self) -> Option<u32> {
        Some(num::le32(self.take(4)?, 0))
    }
    fn u64(&mut self) -> Option<u64> {
        Some(num::le64(self.take(8)?, 0))
    }
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let n = self.u32()? as usize;
        self.take(n)
    }
    fn text(&mut self) -> Option<String> {
        Some(String::from_utf8_lossy(self.bytes()?).into_owned())
    }
    fn map(&mut self) -> Option<BTreeMap<String, String>> {
        let mut inner = Fields(self.bytes()?);
        let mut map = BTreeMap::new();
        while !inner.0.is_empty() {
            map.insert(inner.text()?, inner.text()?);
        }
        Some(map)
    }
}

fn truncated(at: u64) -> InspectError {
    InspectError::read(at, &std::io::ErrorKind::UnexpectedEof.into())
}

/// The CRC-32 of a range, read anew.
fn crc_of(blob: &Blob, range: Range<u64>) -> Result<u32, InspectError> {
    let mut crc = crc32fast::Hasher::new();
    sweep(blob, range, 0, |_, bytes| {
        crc.update(bytes);
        None::<()>
    })?;
    Ok(crc.finalize())
}

fn mcap(rec: &mut Recording<'_>) -> Result<(), InspectError> {
    let len = rec.c.len();
    let magic = MAGIC.len() as u64;
    if rec.c.window.get(0, MAGIC.len())? != MAGIC {
        return Err(InspectError::corrupt(0, "no MCAP file begins here"));
    }
    rec.container(0..magic)?;
    let mut state = State::default();
    summary(rec, &mut state)?;
    let mut at = magic;
    let mut breaks = 0;
    while let Some(broken) = records(rec, &mut state, at)? {
        breaks += 1;
        let next = behind(&state.anchors, broken).filter(|_| breaks <= MAX_BREAKS);
        rec.opaque(broken..next.unwrap_or(len), Reason::Corrupt)?;
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(())
}

/// Takes schemas, channels and the places of chunks from the summary, where there is one.
fn summary(rec: &mut Recording<'_>, state: &mut State) -> Result<(), InspectError> {
    let len = rec.c.len();
    let footer = FRAME + 20 + MAGIC.len() as u64;
    let Some(at) = len.checked_sub(footer) else { return Ok(()) };
    let tail = rec.c.window.get(at, 37)?;
    if tail.len() != 37 || tail[0] != FOOTER || num::le64(tail, 1) != 20 || &tail[29..] != MAGIC {
        return Ok(());
    }
    let start = num::le64(tail, 9);
    if start == 0 || start >= at {
        return Ok(());
    }
    let mut feed = Feed::stored(rec.c.blob, start..at);
    loop {
        let head = feed.need(9)?;
        if head.len() < 9 {
            break;
        }
        let (op, n) = (head[0], num::le64(head, 1));
        let offset = start + feed.position();
        if n > at.saturating_sub(offset + FRAME) {
            break;
        }
        feed.consume(9);
        match op {
            SCHEMA | CHANNEL if n <= MAX_RECORD => {
                let n = usize::try_from(n).unwrap_or(0);
                let body = feed.need(n)?;
                declare(rec, state, op, body, offset)?;
                feed.consume(n);
            }
            CHUNK_INDEX if n >= 24 => {
                let place = num::le64(feed.need(24)?, 16);
                if place < at && state.anchors.len() < MAX_ANCHORS {
                    state.anchors.push(place);
                }
                feed.skip(n)?;
            }
            _ => {
                feed.skip(n)?;
            }
        }
    }
    state.anchors.push(start);
    state.anchors.sort_unstable();
    Ok(())
}

/// A schema or channel record.
fn declare(rec: &mut Recording<'_>, state: &mut State, op: u8, body: &[u8], offset: u64) -> Result<(), InspectError> {
    let mut f = Fields(body);
    let mut read = || -> Option<()> {
        let id = f.u16()?;
        if op == SCHEMA {
            let schema = Schema { name: f.text()?, encoding: f.text()?, data: f.bytes()?.to_vec() };
            let size = schema.data.len() + schema.name.len() + schema.encoding.len();
            if state.schema_bytes + size <= MAX_SCHEMAS && id != 0 {
                let old =
                    state.schemas.insert(id, schema).map_or(0, |s| s.data.len() + s.name.len() + s.encoding.len());
                state.schema_bytes = state.schema_bytes + size - old;
            }
        }
        Some(())
    };
    if read().is_none() {
        rec.c.tell_at("bad-entry", offset);
        return Ok(());
    }
    if op == SCHEMA {
        return Ok(());
    }
    let mut f = Fields(body.get(2..).unwrap_or(&[]));
    let id = num::le16(body, 0);
    let mut read = || Some((f.u16()?, f.text()?, f.text()?, f.map()?));
    let Some((schema, topic, message_encoding, metadata)) = read() else {
        rec.c.tell_at("bad-entry", offset);
        return Ok(());
    };
    let schema = state.schemas.get(&schema);
    let declared = Declared {
        topic: &topic,
        type_name: schema.map_or("", |s| &s.name),
        message_encoding: &message_encoding,
        schema_encoding: schema.map_or("", |s| &s.encoding),
        schema: schema.map_or(&[], |s| &s.data),
        metadata,
        offset,
    };
    rec.channel(u64::from(id), declared)
}

/// Reads records from `from` on. Where one is broken its offset is returned and the break is kept.
fn records(rec: &mut Recording<'_>, state: &mut State, from: u64) -> Result<Option<u64>, InspectError> {
    let len = rec.c.len();
    let mut feed = Feed::stored(rec.c.blob, from..len);
    // Records that lie open are labelled in stretches.
    let mut open = from;
    loop {
        let at = from + feed.position();
        let head = feed.need(9)?;
        if head.is_empty() {
            settle(rec, &mut open, at)?;
            if !rec.is_broken() {
                rec.broke(truncated(at));
            }
            return Ok(None);
        }
        if head.len() < 9 {
            settle(rec, &mut open, at)?;
            rec.broke(truncated(at));
            return Ok(Some(at));
        }
        let (op, n) = (head[0], num::le64(head, 1));
        let body = at + FRAME;
        let rest = len - body;
        if op == 0 || (n > rest && n > 1 << 50) {
            settle(rec, &mut open, at)?;
            rec.broke(InspectError::corrupt(at, "no record stands here"));
            return Ok(Some(at));
        }
        let end = body.saturating_add(n).min(len);
        if op == MESSAGE {
            if n < MESSAGE_HEAD || n > rest {
                settle(rec, &mut open, at)?;
                rec.broke(if n > rest { truncated(at) } else { InspectError::corrupt(at, "a message is too short") });
                return Ok(Some(at));
            }
            feed.consume(9);
            message(rec, &mut feed, n, Spot::stored(at, body + MESSAGE_HEAD))?;
            if end - open >= STRETCH {
                settle(rec, &mut open, end)?;
            }
            continue;
        }
        settle(rec, &mut open, at)?;
        open = end;
        if op == CHUNK {
            match chunk(rec, state, at, n)? {
                true => {
                    feed.consume(9);
                    feed.skip(n)?;
                    continue;
                }
                false => return Ok(Some(at)),
            }
        }
        if n > rest {
            // What of it is there is not taken for whole.
            rec.broke(truncated(at));
            return Ok(Some(at));
        }
        feed.consume(9);
        match op {
            HEADER if n <= MAX_RECORD => {
                let size = usize::try_from(n).unwrap_or(0);
                let mut f = Fields(feed.need(size)?);
                if let (Some(profile), Some(library)) = (f.text(), f.text()) {
                    rec.fact("profile", &profile);
                    rec.fact("library", &library);
                    state.library = library;
                }
                rec.inspected(at..end)?;
                feed.consume(size);
                if !state.library.is_empty() {
                    rec.c.decoded_text(at, state.library.as_bytes())?;
                }
            }
            SCHEMA | CHANNEL if n <= MAX_RECORD => {
                let size = usize::try_from(n).unwrap_or(0);
                declare(rec, state, op, feed.need(size)?, at)?;
                rec.inspected(at..end)?;
                feed.consume(size);
            }
            METADATA if n <= MAX_RECORD => {
                let size = usize::try_from(n).unwrap_or(0);
                metadata(rec, feed.need(size)?, at)?;
                feed.consume(size);
            }
            ATTACHMENT => {
                attachment(rec, at, n)?;
                feed.skip(n)?;
            }
            MESSAGE_INDEX | CHUNK_INDEX | ATTACHMENT_INDEX | STATISTICS | METADATA_INDEX | SUMMARY_OFFSET => {
                rec.container(at..end)?;
                feed.skip(n)?;
            }
            DATA_END => {
                let told = num::le32(feed.need(4)?, 0);
                if n >= 4 && told != 0 && from == MAGIC.len() as u64 && crc_of(rec.c.blob, 0..at)? != told {
                    rec.c.tell_at("checksum-mismatch", at);
                    rec.broke(InspectError::corrupt(at, "the checksum of the data section does not match"));
                }
                rec.container(at..end)?;
                feed.skip(n)?;
            }
            FOOTER => {
                let footer = feed.need(20)?;
                let (start, told) = (num::le64(footer, 0), num::le32(footer, 16));
                // Without a summary the CRC is that of the footer's own fields.
                let start = if start == 0 { at } else { start };
                if told != 0 && start <= at && crc_of(rec.c.blob, start..body + 16)? != told {
                    rec.c.tell_at("checksum-mismatch", at);
                    rec.broke(InspectError::corrupt(at, "the checksum of the summary does not match"));
                }
                rec.container(at..end)?;
                let tail = rec.c.window.get(end, MAGIC.len())?;
                if tail == MAGIC {
                    let after = end + MAGIC.len() as u64;
                    rec.container(end..after)?;
                    rec.c.residue(after..len, Place::After)?;
                    return Ok(None);
                }
                rec.broke(truncated(end));
                return Ok(Some(end));
            }
            _ => {
                private(rec, state, op, at, end)?;
                feed.skip(n)?;
            }
        }
    }
}

/// Labels the records from `open` to `to`.
fn settle(rec: &mut Recording<'_>, open: &mut u64, to: u64) -> Result<(), InspectError> {
    if *open < to {
        rec.settle(*open..to, to - *open)?;
        *open = to;
    }
    Ok(())
}

/// A record that the specification does not define: its content is a child.
fn private(rec: &mut Recording<'_>, state: &mut State, op: u8, at: u64, end: u64) -> Result<(), InspectError> {
    let body = at + FRAME;
    rec.container(at..body)?;
    if body == end {
        return Ok(());
    }
    state.private += 1;
    if state.private > MAX_PRIVATE {
        return rec.c.slack(body..end);
    }
    let meta = rec.c.child(format!("[record-{op:02x}-{}]", state.private).as_bytes());
    rec.c.hand_over_range(meta, body..end)
}

fn metadata(rec: &mut Recording<'_>, body: &[u8], at: u64) -> Result<(), InspectError> {
    let end = at + FRAME + body.len() as u64;
    let mut f = Fields(body);
    let mut read = || Some((f.text()?, f.map()?));
    let Some((name, map)) = read() else {
        rec.c.tell_at("bad-entry", at);
        return rec.opaque(at..end, Reason::Corrupt);
    };
    rec.fact("metadata", &name);
    let mut taken = true;
    for (key, value) in &map {
        taken &= rec.c.decoded_text(at, format!("{key}: {value}").as_bytes())?;
    }
    if taken {
        return rec.inspected(at..end);
    }
    // Something that is no plain text: the record is a child, so that its encoding is found out.
    rec.container(at..at + FRAME)?;
    let meta = rec.c.child(format!("[metadata]/{name}").as_bytes());
    rec.c.hand_over_range(meta, at + FRAME..end)
}

fn attachment(rec: &mut Recording<'_>, at: u64, n: u64) -> Result<(), InspectError> {
    let body = at + FRAME;
    let end = body + n;
    let bad = |rec: &mut Recording<'_>| {
        rec.c.tell_at("bad-entry", at);
        rec.opaque(at..end, Reason::Corrupt)
    };
    let head = usize::try_from(n.min(64 << 10)).unwrap_or(0);
    let bytes = rec.c.window.get(body, head)?;
    let mut f = Fields(bytes);
    let mut read = || Some((f.u64()?, f.u64()?, f.bytes()?.to_vec(), f.text()?, f.u64()?));
    let Some((logged, created, name, media_type, size)) = read() else { return bad(rec) };
    let start = body + (bytes.len() - f.0.len()) as u64;
    let Some(data_end) = start.checked_add(size).filter(|e| e.checked_add(4) == Some(end)) else { return bad(rec) };
    let told = rec.c.window.array::<4>(data_end)?.map_or(0, u32::from_le_bytes);
    if told != 0 && crc_of(rec.c.blob, body..data_end)? != told {
        rec.c.tell_at("checksum-mismatch", data_end);
    }
    rec.container(at..start)?;
    rec.container(data_end..end)?;
    let name = if name.is_empty() { b"[attachment]".to_vec() } else { name };
    let mut meta = rec.c.child(&name);
    meta.attributes.insert("log_time_ns".to_owned(), logged.into());
    meta.attributes.insert("create_time_ns".to_owned(), created.into());
    if !media_type.is_empty() {
        meta.attributes.insert("media_type".to_owned(), media_type.into());
    }
    rec.c.hand_over_range(meta, start..data_end)
}

fn message(rec: &mut Recording<'_>, feed: &mut Feed, n: u64, spot: Spot<'_>) -> Result<(), InspectError> {
    if n > MAX_MESSAGE {
        feed.skip(n)?;
        return rec.too_long(n - MESSAGE_HEAD, spot);
    }
    let size = usize::try_from(n).unwrap_or(0);
    let bytes = feed.need(size)?;
    let told = Told {
        channel: u64::from(num::le16(bytes, 0)),
        log_time_ns: num::le64(bytes, 6),
        publish_time_ns: num::le64(bytes, 14),
        data: bytes.get(22..).unwrap_or(&[]),
    };
    rec.message(&told, spot)?;
    feed.consume(size);
    Ok(())
}

/// Reads the chunk at `at`, `n` bytes long by its own account; false where it is no chunk at all.
fn chunk(rec: &mut Recording<'_>, state: &mut State, at: u64, n: u64) -> Result<bool, InspectError> {
    let body = at + FRAME;
    let len = rec.c.len();
    let head = rec.c.window.get(body, 8 + 8 + 8 + 4 + 4 + 64 + 8)?.to_vec();
    let mut f = Fields(&head);
    let mut read = || {
        let (_, _, size, crc) = (f.u64()?, f.u64()?, f.u64()?, f.u32()?);
        Some((size, crc, f.bytes()?.to_vec(), f.u64()?))
    };
    let fields = read().filter(|(_, _, name, _)| name.iter().all(u8::is_ascii));
    let Some((size, crc, compression, stored)) = fields else {
        rec.broke(if len - body < 44 {
            truncated(at)
        } else {
            InspectError::corrupt(at, "a chunk's header is broken")
        });
        return Ok(false);
    };
    let start = body + (head.len() - f.0.len()) as u64;
    let told_end = body.saturating_add(n);
    if start.checked_add(stored).is_none_or(|e| e > told_end) {
        rec.broke(InspectError::corrupt(at, "a chunk's header is broken"));
        return Ok(false);
    }
    let cut = start + stored > len;
    let data = start..(start + stored).min(len);
    rec.fact(
        "compression",
        if compression.is_empty() { "none".to_owned() } else { String::from_utf8_lossy(&compression).into_owned() }
            .as_str(),
    );
    rec.container(at..start)?;
    if data.end < told_end.min(len) {
        rec.c.padding(data.end..told_end.min(len))?;
    }
    let codec = match &compression[..] {
        b"" | b"none" => None,
        b"lz4" => Some(Codec::Lz4),
        b"zstd" => Some(Codec::Zstd),
        b"bz2" => Some(Codec::Bzip2),
        _ => {
            rec.c.tell_at("unsupported-method", at);
            rec.opaque(data, Reason::Unsupported)?;
            return Ok(true);
        }
    };
    let mut feed = match codec {
        None => Feed::stored(rec.c.blob, data.clone()),
        Some(codec) => Feed::decoded(rec.c.blob, data.clone(), codec, size.min(MAX_CHUNK))?,
    };
    if crc != 0 {
        feed = feed.with_crc();
    }
    let error = inside(rec, state, &mut feed, codec, at, &data, size, cut)?;
    let error = match error {
        None if crc != 0 && feed.crc() != Some(crc) => {
            rec.c.tell_at("checksum-mismatch", at);
            // What was read went out as it stood; nothing vouches for it.
            rec.settle(data.clone(), feed.position())?;
            rec.opaque(data.clone(), Reason::Corrupt)?;
            rec.broke(InspectError::corrupt(at, "the checksum of a chunk does not match"));
            return Ok(true);
        }
        error => error,
    };
    let done = match (error.is_some(), codec) {
        (false, _) => data.end,
        (true, None) => (data.start + feed.position()).min(data.end),
        (true, Some(_)) => (data.start + feed.encoded()).min(data.end),
    };
    rec.settle(data.start..done, feed.position())?;
    if let Some(error) = error {
        let from = if done == data.end { data.start } else { done };
        rec.opaque(from..data.end, Reason::Corrupt)?;
        rec.broke(error);
    }
    Ok(true)
}

/// The records in a chunk; what broke, if something did.
#[allow(clippy::too_many_arguments)]
fn inside(
    rec: &mut Recording<'_>,
    state: &mut State,
    feed: &mut Feed,
    codec: Option<Codec>,
    at: u64,
    data: &Range<u64>,
    size: u64,
    cut: bool,
) -> Result<Option<InspectError>, InspectError> {
    loop {
        let here = data.start + feed.position();
        let place = if codec.is_none() { here } else { at };
        let broken = InspectError::corrupt(place, "a record in a chunk is broken");
        let cut_here = if cut { truncated(place) } else { broken };
        let head = feed.need(9)?;
        if head.is_empty() {
            return Ok(if cut {
                Some(truncated(place))
            } else if feed.is_broken() {
                Some(InspectError::corrupt(at, "a chunk can't be decompressed"))
            } else if codec.is_some() && (feed.position() != size || !feed.ends_here()) {
                Some(InspectError::corrupt(at, "a chunk has another size than it tells"))
            } else {
                None
            });
        }
        if head.len() < 9 {
            return Ok(Some(cut_here));
        }
        let (op, n) = (head[0], num::le64(head, 1));
        let rest = if codec.is_none() { data.end - here - FRAME } else { size.saturating_sub(feed.position() + FRAME) };
        if op == 0 || n > rest {
            return Ok(Some(cut_here));
        }
        match op {
            MESSAGE if n < MESSAGE_HEAD => return Ok(Some(broken)),
            MESSAGE => {
                feed.consume(9);
                if n <= MAX_MESSAGE {
                    let n = usize::try_from(n).unwrap_or(0);
                    if feed.need(n)?.len() < n {
                        return Ok(Some(cut_here));
                    }
                }
                let spot = match codec {
                    None => Spot::stored(here, here + FRAME + MESSAGE_HEAD),
                    Some(_) => Spot::decoded(at),
                };
                message(rec, feed, n, spot)?;
            }
            SCHEMA | CHANNEL if n <= MAX_RECORD => {
                feed.consume(9);
                let n = usize::try_from(n).unwrap_or(0);
                let body = feed.need(n)?;
                if body.len() < n {
                    return Ok(Some(cut_here));
                }
                declare(rec, state, op, body, place)?;
                feed.consume(n);
            }
            _ => {
                // Only schemas, channels and messages belong here; others are stepped over.
                rec.c.tell_at("bad-entry", place);
                feed.consume(9);
                let exact = codec.is_none().then_some(here + FRAME);
                feed.skip(n)?;
                rec.not_decoded(n, exact, Reason::Unsupported)?;
            }
        }
    }
}
