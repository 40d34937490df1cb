//! ROS 1 bags, version 2.0 (<http://wiki.ros.org/Bags/Format/2.0>).
//!
//! The records are read in the order of the file, so that a bag that was never closed is read as far as it goes. The index only helps: connections are
//! taken from it beforehand, and where a record is broken reading goes on at the next chunk it names, or at the next that can be found.

use std::collections::BTreeMap;
use std::ops::Range;

use memchr::memmem::Finder;
use yumen_kit_container::window::{find, num};
use yumen_kit_container::{FormatReader, Place};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Reason};

use crate::feed::{Codec, Feed};
use crate::recording::{Declared, MAX_BREAKS, MAX_CHUNK, MAX_MESSAGE, Recording, Spot, Told, behind};

/// Reads ROS 1 bags.
pub(crate) struct Bag;

const FORMATS: &[Format] = &[Format {
    name: "rosbag1",
    title: "ROS 1 bag",
    media_type: "application/x-rosbag",
    extensions: &[],
    magic: "the line #ROSBAG V2.0 and a bag header record behind it (or #ROSRECORD V1.x)",
    reference: "http://wiki.ros.org/Bags/Format/2.0",
    evidence: "messages decoded by the definitions in the bag: positions, inertial data, text and named values; pictures as children; a table of the topics",
    limitations: &[
        "bags of version 1.x are recognised only",
        "encrypted bags stay closed",
        "messages longer than 128 MiB are not decoded",
        "payloads of a compressed chunk that could not be decoded take a share of its bytes, counted from its end",
    ],
}];

const MAGIC: &[u8] = b"#ROSBAG V2.0\n";
const OLD: &[u8] = b"#ROSRECORD V1.";
/// Longest header of a record, in bytes.
const MAX_HEADER: usize = 1 << 20;
/// Chunk positions that are kept from the index, to go on behind a break.
const MAX_ANCHORS: usize = 1 << 20;

const OP_MESSAGE: u8 = 2;
const OP_BAG: u8 = 3;
const OP_INDEX: u8 = 4;
const OP_CHUNK: u8 = 5;
const OP_CHUNK_INFO: u8 = 6;
const OP_CONNECTION: u8 = 7;

impl FormatReader for Bag {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let ours = match probe.head.strip_prefix(MAGIC) {
            // A text that begins like a bag is no bag; a bag that is cut behind the line is one.
            Some(rest) => match rest.get(..4) {
                Some(len) => {
                    let len = num::le32(len, 0) as usize;
                    let header = rest.get(4..(4 + len.min(4096)).min(rest.len())).unwrap_or(&[]);
                    let cut = header.len() < len && len <= 4096;
                    cut || Header::parse(header).is_some_and(|h| h.op == Some(OP_BAG))
                }
                None => true,
            },
            None => probe.head.strip_prefix(OLD).is_some_and(|rest| {
                rest.first().is_some_and(u8::is_ascii_digit)
                    && rest.get(1) == Some(&b'\n')
                    && rest.get(2..6).is_some_and(|n| n[3] == 0)
            }),
        };
        ours.then(|| Identity::new("rosbag1", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut rec = Recording::new(artifact, out);
        let result = bag(&mut rec);
        rec.finish(result)
    }
}

/// The fields of a record's header.
#[derive(Default)]
struct Header<'a> {
    op: Option<u8>,
    conn: Option<u32>,
    /// Seconds and nanoseconds.
    time: Option<u64>,
    compression: &'a [u8],
    size: Option<u32>,
    count: Option<u32>,
    index_pos: Option<u64>,
    chunk_pos: Option<u64>,
    topic: &'a [u8],
    encryptor: &'a [u8],
}

/// Walks `name=value` fields, each behind its length.
fn fields(mut bytes: &[u8], mut each: impl FnMut(&[u8], &[u8])) -> bool {
    while !bytes.is_empty() {
        let Some((len, rest)) = bytes.split_first_chunk::<4>() else { return false };
        let len = u32::from_le_bytes(*len) as usize;
        let Some((field, rest)) = rest.split_at_checked(len) else { return false };
        let Some(equals) = memchr::memchr(b'=', field) else { return false };
        each(&field[..equals], &field[equals + 1..]);
        bytes = rest;
    }
    true
}

impl<'a> Header<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut h = Header::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (len, tail) = rest.split_first_chunk::<4>()?;
            let (field, tail) = tail.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            rest = tail;
            let equals = memchr::memchr(b'=', field)?;
            let (name, value) = (&field[..equals], &field[equals + 1..]);
            let n32 = || value.first_chunk::<4>().map(|b| u32::from_le_bytes(*b));
            let n64 = || value.first_chunk::<8>().map(|b| u64::from_le_bytes(*b));
            match name {
                b"op" => h.op = value.first().copied(),
                b"conn" => h.conn = n32(),
                b"time" => h.time = n64(),
                b"compression" => h.compression = value,
                b"size" => h.size = n32(),
                b"count" => h.count = n32(),
                b"index_pos" => h.index_pos = n64(),
                b"chunk_pos" => h.chunk_pos = n64(),
                b"topic" => h.topic = value,
                b"encryptor" => h.encryptor = value,
                _ => {}
            }
        }
        Some(h)
    }

    /// The time in nanoseconds since 1970.
    fn time_ns(&self) -> u64 {
        let raw = self.time.unwrap_or(0);
        (raw & 0xFFFF_FFFF) * 1_000_000_000 + (raw >> 32)
    }
}

/// The frame of a record: lengths of its header and its data.
enum Frame {
    Whole { header: usize, data: u64 },
    End,
    Cut,
    Bad,
}

fn frame(feed: &mut Feed) -> Result<Frame, InspectError> {
    let head = feed.need(4)?;
    match head.len() {
        0 => return Ok(Frame::End),
        1..4 => return Ok(Frame::Cut),
        _ => {}
    }
    let header = num::le32(head, 0) as usize;
    if header > MAX_HEADER {
        return Ok(Frame::Bad);
    }
    let all = feed.need(8 + header)?;
    if all.len() < 8 + header {
        return Ok(Frame::Cut);
    }
    let data = u64::from(num::le32(all, 4 + header));
    Ok(Frame::Whole { header, data })
}

/// What is known of the bag as a whole.
struct State {
    encrypted: bool,
    anchors: Vec<u64>,
}

fn bag(rec: &mut Recording<'_>) -> Result<(), InspectError> {
    let len = rec.c.len();
    let head = rec.c.window.get(0, OLD.len())?;
    if head.starts_with(OLD) {
        rec.fact("version", "1.x");
        return Err(InspectError::unsupported("a bag of version 1"));
    }
    if !head.starts_with(MAGIC) {
        return Err(InspectError::corrupt(0, "no bag begins here"));
    }
    rec.fact("version", "2.0");
    let start = MAGIC.len() as u64;
    rec.container(0..start)?;
    let mut state = State { encrypted: false, anchors: Vec::new() };
    let mut at = start;
    for breaks in 1.. {
        let Some(broken) = records(rec, &mut state, at)? else { return Ok(()) };
        if breaks > MAX_BREAKS {
            return rec.opaque(broken..len, Reason::Corrupt);
        }
        // Behind a break reading goes on where the index or the chunk headers themselves show a chunk.
        let next = match behind(&state.anchors, broken) {
            Some(next) => Some(next),
            None => next_chunk(rec, broken + 1)?,
        };
        rec.opaque(broken..next.unwrap_or(len), Reason::Corrupt)?;
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(())
}

/// The next chunk record that can be told by its header.
fn next_chunk(rec: &mut Recording<'_>, from: u64) -> Result<Option<u64>, InspectError> {
    let needle = Finder::new(b"compression=");
    let mut at = from;
    // Each wrong hit moves on; a hostile file of nothing but hits is given up in the end.
    for _ in 0..10_000 {
        let Some(hit) = find(rec.c.blob, at..rec.c.len(), &needle)? else { return Ok(None) };
        for start in hit.saturating_sub(64).max(from)..hit.saturating_sub(7) {
            let head = rec.c.window.get(start, 200)?;
            let header = num::le32(head, 0) as usize;
            if (20..190).contains(&header)
                && let Some(fields) = head.get(4..4 + header)
                && let Some(h) = Header::parse(fields)
                && h.op == Some(OP_CHUNK)
                && h.size.is_some()
            {
                return Ok(Some(start));
            }
        }
        at = hit + 1;
    }
    Ok(None)
}

/// Reads records from `from` on. Where one is broken, its offset is returned and the break is kept.
fn records(rec: &mut Recording<'_>, state: &mut State, from: u64) -> Result<Option<u64>, InspectError> {
    let len = rec.c.len();
    let mut feed = Feed::stored(rec.c.blob, from..len);
    loop {
        let at = from + feed.position();
        let (header, data) = match frame(&mut feed)? {
            Frame::Whole { header, data } => (header, data),
            Frame::End => return Ok(None),
            // Padding behind the last record of a bag that was being written.
            Frame::Cut | Frame::Bad if yumen_kit_container::window::first_nonzero(rec.c.blob, at..len)?.is_none() => {
                rec.container(at..len)?;
                return Ok(None);
            }
            Frame::Cut => {
                rec.broke(InspectError::read(at, &std::io::ErrorKind::UnexpectedEof.into()));
                return Ok(Some(at));
            }
            Frame::Bad => {
                rec.broke(InspectError::corrupt(at, "a record's header is too long"));
                return Ok(Some(at));
            }
        };
        let body = at + 8 + header as u64;
        let bytes = feed.need(8 + header)?.get(4..4 + header).unwrap_or(&[]);
        let parsed = Header::parse(bytes);
        if header == 0 && data == 0 && yumen_kit_container::window::first_nonzero(rec.c.blob, at..len)?.is_none() {
            rec.container(at..len)?;
            return Ok(None);
        }
        let Some(h) = parsed.filter(|h| h.op.is_some()) else {
            if state.encrypted && body + data <= len {
                // Connections of an encrypted bag: header and data are ciphertext.
                rec.opaque(at..body + data, Reason::Encrypted)?;
                feed.consume(8 + header);
                feed.skip(data)?;
                continue;
            }
            rec.broke(InspectError::corrupt(at, "a record's header is broken"));
            return Ok(Some(at));
        };
        let op = h.op.unwrap_or(0);
        let end = body.saturating_add(data);
        // The last chunk of a bag that was never closed has no size yet: its records follow.
        let unfinished = op == OP_CHUNK && data == 0;
        match op {
            OP_CHUNK => {
                let codec = codec(h.compression);
                let size = h.size.map_or(0, u64::from);
                rec.fact("compression", &String::from_utf8_lossy(h.compression));
                rec.container(at..body)?;
                feed.consume(8 + header);
                if unfinished && size == 0 {
                    let magic = feed.need(4)?;
                    let open = matches!(codec, Some(Some(Codec::Bzip2)) if magic.starts_with(b"BZh"))
                        || matches!(codec, Some(Some(Codec::Lz4)) if magic == [4, 0x22, 0x4D, 0x18]);
                    if open {
                        chunk(rec, state, codec, at, body..len, MAX_CHUNK, true)?;
                        return Ok(None);
                    }
                    continue;
                }
                let cut = end > len;
                chunk(rec, state, codec, at, body..end.min(len), size, cut)?;
                if cut {
                    return Ok(None);
                }
                feed.skip(data)?;
                continue;
            }
            OP_BAG => {
                let index = h.index_pos.unwrap_or(0);
                let encryptor = h.encryptor;
                state.encrypted = !encryptor.is_empty() && encryptor != b"rosbag/NoEncryptor";
                if state.encrypted {
                    rec.fact("encryptor", &String::from_utf8_lossy(encryptor));
                    rec.c.tell_at("encrypted", at);
                }
                let extra = extra_fields(feed.need(8 + header)?.get(4..4 + header).unwrap_or(&[]));
                if !extra.is_empty() {
                    rec.c.decoded_text(at, extra.as_bytes())?;
                }
                rec.inspected(at..body)?;
                feed.consume(8 + header);
                if end > len {
                    rec.broke(InspectError::read(body, &std::io::ErrorKind::UnexpectedEof.into()));
                    return Ok(Some(body));
                }
                padding(rec, body..end)?;
                feed.skip(data)?;
                if index == 0 {
                    rec.c.tell_at("rebuilt", at);
                    rec.fact("state", "not-closed");
                } else if index < len {
                    preload(rec, state, index)?;
                }
                continue;
            }
            _ => {}
        }
        if end > len {
            rec.broke(InspectError::read(at, &std::io::ErrorKind::UnexpectedEof.into()));
            return Ok(Some(at));
        }
        match op {
            OP_MESSAGE => {
                let (conn, time) = (h.conn, h.time_ns());
                let spot = Spot::stored(at, body);
                feed.consume(8 + header);
                message(rec, &mut feed, conn, time, data, spot)?;
                rec.settle(at..end, 8 + header as u64 + data)?;
            }
            OP_CONNECTION => {
                let topic = h.topic.to_vec();
                let conn = h.conn;
                feed.consume(8 + header);
                connection(rec, &mut feed, conn, &topic, data, at)?;
                rec.inspected(at..end)?;
            }
            OP_INDEX | OP_CHUNK_INFO => {
                let entry = if op == OP_INDEX { 12 } else { 8 };
                let told = u64::from(h.count.unwrap_or(0)) * entry;
                feed.consume(8 + header);
                feed.skip(data)?;
                let known = body.saturating_add(told).min(end);
                rec.container(at..known)?;
                rec.c.padding(known..end)?;
            }
            _ => {
                // Not a record of the specification: whoever knows what it holds looks into it.
                rec.container(at..body)?;
                feed.consume(8 + header);
                feed.skip(data)?;
                rec.c.padding(body..end)?;
            }
        }
    }
}

/// Fields of the bag header that the specification does not name (whom it is encrypted to), as text.
fn extra_fields(header: &[u8]) -> String {
    let mut text = String::new();
    fields(header, |name, value| {
        let known: &[&[u8]] = &[b"op", b"index_pos", b"conn_count", b"chunk_count", b"encryptor"];
        if !known.contains(&name) {
            text += &format!("{}: {}\n", String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        }
    });
    text
}

/// The padding of the bag header: spaces.
fn padding(rec: &mut Recording<'_>, range: Range<u64>) -> Result<(), InspectError> {
    let other = yumen_kit_container::window::sweep(rec.c.blob, range.clone(), 0, |_, bytes| {
        bytes.iter().any(|&b| b != b' ' && b != 0).then_some(())
    })?;
    match other {
        None => rec.container(range),
        Some(()) => rec.c.residue(range, Place::Between),
    }
}

/// `None` for a compression that is not known.
#[allow(clippy::option_option)]
fn codec(name: &[u8]) -> Option<Option<Codec>> {
    match name {
        b"none" | b"" => Some(None),
        b"bz2" => Some(Some(Codec::Bzip2)),
        b"lz4" => Some(Some(Codec::Lz4)),
        _ => None,
    }
}

/// Takes connections and the places of chunks from the index section.
fn preload(rec: &mut Recording<'_>, state: &mut State, index: u64) -> Result<(), InspectError> {
    let mut feed = Feed::stored(rec.c.blob, index..rec.c.len());
    state.anchors.push(index);
    loop {
        let at = index + feed.position();
        let Frame::Whole { header, data } = frame(&mut feed)? else { break };
        let bytes = feed.need(8 + header)?.get(4..4 + header).unwrap_or(&[]);
        let Some(h) = Header::parse(bytes) else { break };
        match h.op {
            Some(OP_CONNECTION) => {
                let (conn, topic) = (h.conn, h.topic.to_vec());
                feed.consume(8 + header);
                connection(rec, &mut feed, conn, &topic, data, at)?;
            }
            Some(OP_CHUNK_INFO) => {
                if let Some(at) = h.chunk_pos.filter(|&p| p < index && state.anchors.len() < MAX_ANCHORS) {
                    state.anchors.push(at);
                }
                feed.consume(8 + header);
                feed.skip(data)?;
            }
            _ => break,
        }
    }
    state.anchors.sort_unstable();
    Ok(())
}

fn connection(
    rec: &mut Recording<'_>,
    feed: &mut Feed,
    conn: Option<u32>,
    topic: &[u8],
    data: u64,
    at: u64,
) -> Result<(), InspectError> {
    if data > 16 << 20 {
        rec.c.tell_at("limit", at);
        feed.skip(data)?;
        return Ok(());
    }
    let n = usize::try_from(data).unwrap_or(0);
    let bytes = feed.need(n)?;
    let (mut type_name, mut schema, mut metadata) = (String::new(), Vec::new(), BTreeMap::new());
    let whole = fields(bytes, |name, value| {
        let text = || String::from_utf8_lossy(value).into_owned();
        match name {
            b"type" => type_name = text(),
            b"message_definition" => schema = value.to_vec(),
            // The name in the record's header is what the recorder knew the topic as.
            b"topic" if value == topic => {}
            b"md5sum" => {}
            _ => {
                metadata.insert(String::from_utf8_lossy(name).into_owned(), text());
            }
        }
    });
    feed.consume(n);
    if !whole {
        rec.c.tell_at("bad-entry", at);
    }
    let Some(conn) = conn else { return Ok(()) };
    let topic = String::from_utf8_lossy(topic);
    let declared = Declared {
        topic: &topic,
        type_name: &type_name,
        message_encoding: "ros1",
        schema_encoding: "ros1msg",
        schema: &schema,
        metadata,
        offset: at,
    };
    rec.channel(u64::from(conn), declared)
}

fn message(
    rec: &mut Recording<'_>,
    feed: &mut Feed,
    conn: Option<u32>,
    time: u64,
    data: u64,
    spot: Spot<'_>,
) -> Result<(), InspectError> {
    if data > MAX_MESSAGE {
        feed.skip(data)?;
        return rec.too_long(data, spot);
    }
    let n = usize::try_from(data).unwrap_or(0);
    let bytes = feed.need(n)?;
    let told =
        Told { channel: conn.map_or(u64::MAX, u64::from), log_time_ns: time, publish_time_ns: time, data: bytes };
    rec.message(&told, spot)?;
    feed.consume(n);
    Ok(())
}

/// Reads the records of a chunk whose data stands at `data`.
fn chunk(
    rec: &mut Recording<'_>,
    state: &State,
    codec: Option<Option<Codec>>,
    at: u64,
    data: Range<u64>,
    size: u64,
    cut: bool,
) -> Result<(), InspectError> {
    if state.encrypted {
        return rec.opaque(data, Reason::Encrypted);
    }
    let Some(codec) = codec else {
        rec.c.tell_at("unsupported-method", at);
        return rec.opaque(data, Reason::Unsupported);
    };
    let mut feed = match codec {
        None => Feed::stored(rec.c.blob, data.clone()),
        Some(codec) => Feed::decoded(rec.c.blob, data.clone(), codec, size.min(MAX_CHUNK))?,
    };
    let error = loop {
        let position = feed.position();
        let here = data.start + position;
        let truncated =
            || InspectError::read(if codec.is_none() { here } else { at }, &std::io::ErrorKind::UnexpectedEof.into());
        let broken = || InspectError::corrupt(if codec.is_none() { here } else { at }, "a record in a chunk is broken");
        let (header, length) = match frame(&mut feed)? {
            Frame::Whole { header, data } => (header, data),
            Frame::End if cut => break Some(truncated()),
            Frame::End if feed.is_broken() => break Some(InspectError::corrupt(at, "a chunk can't be decompressed")),
            Frame::End if codec.is_some() && (feed.position() != size || !feed.ends_here()) => {
                break Some(InspectError::corrupt(at, "a chunk has another size than it tells"));
            }
            Frame::End => break None,
            Frame::Cut if cut => break Some(truncated()),
            Frame::Cut | Frame::Bad => break Some(broken()),
        };
        let bytes = feed.need(8 + header)?.get(4..4 + header).unwrap_or(&[]);
        let Some(h) = Header::parse(bytes) else { break Some(broken()) };
        let body = here + 8 + header as u64;
        let (op, conn, time, topic) = (h.op, h.conn, h.time_ns(), h.topic.to_vec());
        // A record that is longer than what is left is not taken for whole.
        let whole = match codec {
            None => body.saturating_add(length) <= data.end,
            Some(_) => {
                length > MAX_MESSAGE
                    || feed.need(8 + header + usize::try_from(length).unwrap_or(0))?.len() as u64
                        == 8 + header as u64 + length
            }
        };
        if !whole {
            break Some(if cut { truncated() } else { broken() });
        }
        feed.consume(8 + header);
        let spot = match codec {
            None => Spot::stored(here, body),
            Some(_) => Spot::decoded(at),
        };
        match op {
            Some(OP_MESSAGE) => message(rec, &mut feed, conn, time, length, spot)?,
            Some(OP_CONNECTION) => connection(rec, &mut feed, conn, &topic, length, spot.offset)?,
            Some(_) => {
                rec.c.tell_at("bad-entry", spot.offset);
                feed.skip(length)?;
                rec.not_decoded(length, spot.exact, Reason::Unsupported)?;
            }
            None => break Some(broken()),
        }
    };
    let done = match (error.is_some(), codec) {
        (false, _) => data.end,
        (true, None) => data.start + feed.position(),
        (true, Some(_)) => (data.start + feed.encoded()).min(data.end),
    };
    rec.settle(data.start..done, feed.position())?;
    if let Some(error) = error {
        rec.opaque(done..data.end, Reason::Corrupt)?;
        rec.broke(error);
        if done == data.end {
            // All of it was taken by the decoder and it is broken all the same.
            rec.opaque(data.start..data.end, Reason::Corrupt)?;
        }
    }
    Ok(())
}
