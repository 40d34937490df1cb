//! Cyber records of Apollo: sections of protobuf messages (`cyber/proto/record.proto`).
//!
//! Sections are read in the order of the file. The index at the end only helps: channels are taken from it beforehand, and where a section is broken
//! reading goes on at the next one it names.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use yumen_kit_container::FormatReader;
use yumen_kit_container::window::num;
use yumen_kit_proto::{Fields, varint};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Reason};

use crate::feed::{Codec, Feed};
use crate::recording::{Declared, MAX_BREAKS, MAX_CHUNK, MAX_MESSAGE, Recording, Spot, Told, behind};

/// Reads cyber records.
pub(crate) struct Cyber;

const FORMATS: &[Format] = &[Format {
    name: "cyber-record",
    title: "Apollo cyber record",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "a header section (type 0) whose protobuf header names version 1, in 2048 bytes",
    reference: "https://github.com/ApolloAuto/apollo/blob/master/cyber/proto/record.proto",
    evidence: "messages decoded by the descriptors in the file: positions, inertial data, text and named values; pictures as children; a table of the channels",
    limitations: &[
        "messages longer than 128 MiB are not decoded",
        "payloads of a compressed chunk that could not be decoded take a share of its bytes, counted from its end",
    ],
}];

/// Type (4 bytes), padding (4 bytes), size (8 bytes).
const SECTION: u64 = 16;
/// The header's message is padded to this length.
const HEADER: u64 = 2048;

const CHUNK_HEADER: u32 = 1;
const CHUNK_BODY: u32 = 2;
const INDEX: u32 = 3;
const CHANNEL: u32 = 4;

const MAX_SECTION: u64 = 64 << 20;
const MAX_ANCHORS: usize = 1 << 20;

/// The fields of the header that matter here.
#[derive(Default)]
struct Header {
    major: u64,
    minor: u64,
    compress: u64,
    index: u64,
    complete: Option<bool>,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut h = Header::default();
        let mut last = 0;
        for field in Fields::new(bytes) {
            let field = field.ok()?;
            let value = field.value.uint()?;
            if field.number > 15 || field.number <= last {
                return None;
            }
            last = field.number;
            match field.number {
                1 => h.major = value,
                2 => h.minor = value,
                3 => h.compress = value,
                6 => h.index = value,
                13 => h.complete = Some(value != 0),
                _ => {}
            }
        }
        // Fields 4 and 5 (intervals) are always written; the compression is one of three.
        (h.major == 1 && h.minor < 100 && h.compress <= 2 && last >= 4).then_some(h)
    }
}

impl FormatReader for Cyber {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let head = probe.head;
        let size = num::le64(head.get(..16)?, 8);
        let size = usize::try_from(size).ok().filter(|&n| (4..=2048).contains(&n))?;
        let ours = num::le32(head, 0) == 0 && head.get(16..16 + size).and_then(Header::parse).is_some();
        ours.then(|| Identity::new("cyber-record", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut rec = Recording::new(artifact, out);
        let result = cyber(&mut rec);
        rec.finish(result)
    }
}

#[derive(Default)]
struct State {
    channels: HashMap<Vec<u8>, u64>,
    anchors: Vec<u64>,
    compress: u64,
}

fn truncated(at: u64) -> InspectError {
    InspectError::read(at, &std::io::ErrorKind::UnexpectedEof.into())
}

fn cyber(rec: &mut Recording<'_>) -> Result<(), InspectError> {
    let len = rec.c.len();
    let head = rec.c.window.get(0, 2064)?.to_vec();
    let size = num::le64(&head, 8);
    let header = usize::try_from(size).ok().and_then(|n| head.get(16..16 + n.min(2048))).and_then(Header::parse);
    let Some(header) = header.filter(|_| num::le32(&head, 0) == 0) else {
        return Err(InspectError::corrupt(0, "no cyber record begins here"));
    };
    rec.fact("version", &format!("{}.{}", header.major, header.minor));
    rec.fact("compression", ["none", "bz2", "lz4"].get(header.compress as usize).copied().unwrap_or("none"));
    if header.complete == Some(false) {
        rec.fact("state", "not-closed");
    }
    let start = SECTION + HEADER;
    rec.container(0..SECTION + size)?;
    // The writer fills up with one digit 0 and zeros.
    let rest = SECTION + size..start.min(len);
    if head.get(16 + size as usize) == Some(&b'0') {
        rec.container(rest.start..rest.start + 1)?;
        rec.c.padding(rest.start + 1..rest.end)?;
    } else {
        rec.c.padding(rest)?;
    }
    let mut state = State { compress: header.compress, ..State::default() };
    if header.index >= start && header.index < len {
        index(rec, &mut state, header.index)?;
    } else {
        rec.c.tell_at("rebuilt", 0);
    }
    let mut at = start.min(len);
    let mut breaks = 0;
    while at < len {
        let Some(broken) = sections(rec, &mut state, at)? else { break };
        breaks += 1;
        let next = behind(&state.anchors, broken).filter(|&a| a < len && breaks <= MAX_BREAKS);
        rec.opaque(broken..next.unwrap_or(len), Reason::Corrupt)?;
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(())
}

/// Type and size of the section at `at`.
fn section(rec: &mut Recording<'_>, at: u64) -> Result<Option<(u32, u64)>, InspectError> {
    let head = rec.c.window.array::<16>(at)?;
    Ok(head.map(|h| (num::le32(&h, 0), num::le64(&h, 8))))
}

/// Takes channels and the places of sections from the index.
fn index(rec: &mut Recording<'_>, state: &mut State, at: u64) -> Result<(), InspectError> {
    let Some((INDEX, size)) = section(rec, at)? else { return Ok(()) };
    let start = at + SECTION;
    let mut feed = Feed::stored(rec.c.blob, start..start.saturating_add(size));
    state.anchors.push(at);
    loop {
        let offset = start + feed.position();
        let Some(n) = element(&mut feed)?.filter(|&n| n <= MAX_SECTION) else { break };
        let n = usize::try_from(n).unwrap_or(0);
        let bytes = feed.need(n)?;
        if bytes.len() < n {
            break;
        }
        let (mut kind, mut position, mut channel) = (0, 0, None);
        for field in Fields::new(bytes).map_while(Result::ok) {
            match field.number {
                1 => kind = field.value.uint().unwrap_or(0),
                2 => position = field.value.uint().unwrap_or(0),
                101 => channel = field.value.bytes(),
                _ => {}
            }
        }
        // A position tells where the section's message begins; older writers told that of the section itself.
        if kind <= 4 && position > SECTION && state.anchors.len() < MAX_ANCHORS {
            let known = |rec: &mut Recording<'_>, p: u64| -> Result<bool, InspectError> {
                Ok(section(rec, p)?.is_some_and(|(k, _)| u64::from(k) == kind))
            };
            let before = position - SECTION;
            if known(rec, before)? {
                state.anchors.push(before);
            } else if known(rec, position)? {
                state.anchors.push(position);
            }
        }
        if let Some(channel) = channel {
            declare(rec, state, channel, 2, offset)?;
        }
        feed.consume(n);
    }
    state.anchors.sort_unstable();
    Ok(())
}

/// The length of the next element of a `repeated … = 1`, after stepping over its tag.
fn element(feed: &mut Feed) -> Result<Option<u64>, InspectError> {
    let head = feed.need(11)?;
    if head.first() != Some(&0x0A) {
        return Ok(None);
    }
    let mut at = 1;
    let Some(n) = varint(head, &mut at) else { return Ok(None) };
    feed.consume(at);
    Ok(Some(n))
}

/// A channel: name, type and descriptor from the field `first` on.
fn declare(
    rec: &mut Recording<'_>,
    state: &mut State,
    bytes: &[u8],
    first: u32,
    offset: u64,
) -> Result<(), InspectError> {
    let (mut name, mut type_name, mut schema): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
    for field in Fields::new(bytes) {
        let Ok(field) = field else {
            rec.c.tell_at("bad-entry", offset);
            return Ok(());
        };
        let Some(value) = field.value.bytes() else { continue };
        match field.number.wrapping_sub(first) {
            0 => name = value,
            1 => type_name = value,
            2 => schema = value,
            _ => {}
        }
    }
    let next = state.channels.len() as u64;
    let id = *state.channels.entry(name.to_vec()).or_insert(next);
    if type_name.is_empty() && schema.is_empty() && rec.knows(id) {
        return Ok(());
    }
    let declared = Declared {
        topic: &String::from_utf8_lossy(name),
        type_name: &String::from_utf8_lossy(type_name),
        message_encoding: "protobuf",
        schema_encoding: if schema.is_empty() { "" } else { "apollo" },
        schema,
        metadata: BTreeMap::new(),
        offset,
    };
    rec.channel(id, declared)
}

/// Reads sections from `at` on. Where one is broken its offset is returned and the break is kept.
fn sections(rec: &mut Recording<'_>, state: &mut State, mut at: u64) -> Result<Option<u64>, InspectError> {
    let len = rec.c.len();
    while at < len {
        let Some((kind, size)) = section(rec, at)? else {
            rec.broke(truncated(at));
            return Ok(Some(at));
        };
        let start = at + SECTION;
        if !(1..=4).contains(&kind) || size > 1 << 50 {
            if yumen_kit_container::window::first_nonzero(rec.c.blob, at..len)?.is_none() {
                rec.container(at..len)?;
                return Ok(None);
            }
            rec.broke(InspectError::corrupt(at, "no section stands here"));
            return Ok(Some(at));
        }
        let end = start.saturating_add(size);
        let cut = end > len;
        if cut && kind != CHUNK_BODY {
            rec.broke(truncated(at));
            return Ok(Some(at));
        }
        match kind {
            CHUNK_BODY => {
                rec.container(at..start)?;
                body(rec, state, at, start..end.min(len), cut)?;
            }
            CHANNEL if size <= MAX_SECTION => {
                let bytes =
                    rec.c.blob.bytes(start..end.min(start + (16 << 20))).map_err(|e| InspectError::read(start, &e))?;
                declare(rec, state, &bytes, 1, at)?;
                rec.inspected(at..end)?;
            }
            CHUNK_HEADER | INDEX => rec.container(at..end)?,
            _ => {
                rec.c.tell_at("limit", at);
                rec.opaque(at..end, Reason::Limit)?;
            }
        }
        at = end;
    }
    Ok(None)
}

/// The messages of a chunk.
fn body(rec: &mut Recording<'_>, state: &mut State, at: u64, data: Range<u64>, cut: bool) -> Result<(), InspectError> {
    let magic = rec.c.window.array::<4>(data.start)?.unwrap_or_default();
    // The writer notes a compression and does not apply it: the bytes decide.
    let codec = match state.compress {
        1 if magic.starts_with(b"BZh") => Some(Codec::Bzip2),
        2 if magic == [4, 0x22, 0x4D, 0x18] => Some(Codec::Lz4),
        _ => None,
    };
    let mut feed = match codec {
        None => Feed::stored(rec.c.blob, data.clone()),
        Some(codec) => Feed::decoded(rec.c.blob, data.clone(), codec, MAX_CHUNK)?,
    };
    let error = loop {
        let here = data.start + feed.position();
        let place = if codec.is_none() { here } else { at };
        let broken = || {
            Some(if cut { truncated(place) } else { InspectError::corrupt(place, "a message of a chunk is broken") })
        };
        if feed.need(1)?.is_empty() {
            break if cut || feed.is_broken() { broken() } else { None };
        }
        let Some(n) = element(&mut feed)? else { break broken() };
        let content = data.start + feed.position();
        if codec.is_none() && n > data.end - content.min(data.end) {
            break broken();
        }
        if n > MAX_MESSAGE {
            feed.skip(n)?;
            rec.too_long(n, Spot { offset: place, exact: codec.is_none().then_some(content), pieces: &[] })?;
            continue;
        }
        let n = usize::try_from(n).unwrap_or(0);
        let bytes = feed.need(n)?;
        if bytes.len() < n {
            break broken();
        }
        let (mut name, mut time, mut payload, mut offset): (&[u8], u64, &[u8], usize) = (&[], 0, &[], 0);
        let mut whole = true;
        for field in Fields::new(bytes) {
            let Ok(field) = field else {
                whole = false;
                break;
            };
            match field.number {
                1 => name = field.value.bytes().unwrap_or(&[]),
                2 => time = field.value.uint().unwrap_or(0),
                3 => (payload, offset) = (field.value.bytes().unwrap_or(&[]), field.offset),
                _ => {}
            }
        }
        if !whole {
            break broken();
        }
        let id = match state.channels.get(name) {
            Some(&id) => id,
            None => {
                let only_name = [&[0x0A][..], &[name.len().min(127) as u8], &name[..name.len().min(127)]].concat();
                declare(rec, state, &only_name, 1, place)?;
                *state.channels.entry(name.to_vec()).or_insert(u64::MAX)
            }
        };
        let told = Told { channel: id, log_time_ns: time, publish_time_ns: time, data: payload };
        let exact = codec.is_none().then_some(content + offset as u64);
        rec.message(&told, Spot { offset: place, exact, pieces: &[] })?;
        feed.consume(n);
    };
    let done = match (error.is_some(), codec) {
        (false, _) => data.end,
        (true, None) => (data.start + feed.position()).min(data.end),
        (true, Some(_)) => (data.start + feed.encoded()).min(data.end),
    };
    rec.settle(data.start..done, feed.position())?;
    if let Some(error) = error {
        let from = if done == data.end && codec.is_some() { data.start } else { done };
        rec.opaque(from..data.end, Reason::Corrupt)?;
        rec.broke(error);
    }
    Ok(())
}
