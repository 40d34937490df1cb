//! Data groups, channel groups, channels and records of an MDF 4.

use std::collections::{HashMap, HashSet, VecDeque};

use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_model::{ChildMeta, InspectError};

use super::Blocks;
use super::data::Stream;
use crate::bus::Bus;
use crate::mdf::channel::{Channel, Conversion, Kind, Stored, plain};
use crate::mdf::measure::{Group, Measure, Values};
use crate::out::Out;

/// Most channels in all.
const MAX_CHANNELS: usize = 1 << 18;
/// Most pairs of a conversion.
const MAX_PAIRS: usize = 1 << 14;
/// Bytes of records read at once.
const PIECE: usize = 1 << 20;
/// Longest record, and longest value of varying length.
const MAX_RECORD: usize = 16 << 20;
/// Values of varying length that are kept, and records that wait for theirs.
const WINDOW: usize = 4096;

/// A channel group as its blocks tell it.
struct Layout {
    /// Number among all groups.
    number: usize,
    at: u64,
    id: u64,
    size: usize,
    varying: bool,
}

struct DataGroup {
    data: u64,
    id_size: usize,
    layouts: Vec<Layout>,
}

pub(super) fn read(first: u64, blocks: &mut Blocks, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
    let mut seen = HashSet::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut all: Vec<DataGroup> = Vec::new();
    let mut channels = 0usize;
    let mut next = first;
    while next != 0 && seen.insert(next) && all.len() < MAX_CHANNELS {
        let Some(block) = blocks.header(next, out)?.filter(|b| &b.id == b"DG") else { break };
        next = block.link(0);
        let id_size = usize::from(blocks.body(&block, 1, out)?.first().copied().unwrap_or(0));
        let mut data = DataGroup { data: block.link(2), id_size: id_size.min(8), layouts: Vec::new() };
        let mut group = block.link(1);
        while group != 0 && seen.insert(group) && groups.len() < MAX_CHANNELS {
            let Some(cg) = blocks.header(group, out)?.filter(|b| &b.id == b"CG") else { break };
            group = cg.link(0);
            let body = blocks.body(&cg, 32, out)?;
            let varying = le16(&body, 16) & 1 != 0;
            let size = le32(&body, 24) as usize + if varying { 0 } else { le32(&body, 28) as usize };
            let mut g =
                Group { name: name_of(cg.link(2), blocks, out)?, channels: Vec::new(), records: le64(&body, 8) };
            channel_list(cg.link(1), &mut g, &mut channels, &mut seen, 0, blocks, out)?;
            let layout = Layout { number: groups.len(), at: cg.at, id: le64(&body, 0), size, varying };
            data.layouts.push(layout);
            groups.push(g);
        }
        all.push(data);
    }
    let mut measure = Measure::new(&groups, out);
    for data in &all {
        let mut reader = Reader { data, groups: &groups, measure: &mut measure, values: Signals::default() };
        reader.run(blocks, bus, out)?;
    }
    measure.finish(bus, out)
}

fn name_of(at: u64, blocks: &mut Blocks, out: &mut Out<'_>) -> Result<String, InspectError> {
    if at == 0 {
        return Ok(String::new());
    }
    match blocks.header(at, out)? {
        Some(block) if &block.id == b"TX" => Ok(plain(&blocks.body(&block, 1024, out)?)),
        Some(block) if &block.id == b"MD" => {
            let text = plain(&blocks.body(&block, 4096, out)?);
            Ok(super::meta::texts(&text).into_iter().next().map(|t| t.1).unwrap_or_default())
        }
        _ => Ok(String::new()),
    }
}

#[allow(clippy::too_many_arguments, reason = "the state of the walk")]
fn channel_list(
    first: u64,
    group: &mut Group,
    count: &mut usize,
    seen: &mut HashSet<u64>,
    depth: u32,
    blocks: &mut Blocks,
    out: &mut Out<'_>,
) -> Result<(), InspectError> {
    let mut next = first;
    while next != 0 && seen.insert(next) && *count < MAX_CHANNELS {
        let Some(cn) = blocks.header(next, out)?.filter(|b| &b.id == b"CN") else { break };
        next = cn.link(0);
        *count += 1;
        let body = blocks.body(&cn, 24, out)?;
        let (sort, sync, kind) =
            (body.first().copied().unwrap_or(0), le16(&body, 1) as u8, body.get(2).copied().unwrap_or(0));
        let (kind, big_endian) = match kind {
            0 => (Kind::Unsigned, false),
            1 => (Kind::Unsigned, true),
            2 => (Kind::Signed, false),
            3 => (Kind::Signed, true),
            4 => (Kind::Float, false),
            5 => (Kind::Float, true),
            6 | 7 => (Kind::Text, false),
            8 => (Kind::Utf16Le, false),
            9 => (Kind::Utf16Be, false),
            10..=12 => (Kind::Bytes, false),
            _ => (Kind::Other, false),
        };
        let mut stored = Stored::Record;
        if sort == 1 && cn.link(5) != 0 {
            let target = blocks.header(cn.link(5), out)?.map(|b| b.id);
            stored = if target == Some(*b"CG") { Stored::Group(cn.link(5)) } else { Stored::Signal(cn.link(5)) };
        }
        let virtual_ = matches!(sort, 3 | 6);
        group.channels.push(Channel {
            name: name_of(cn.link(2), blocks, out)?,
            unit: name_of(cn.link(6), blocks, out)?,
            kind: if virtual_ { Kind::Other } else { kind },
            big_endian,
            byte: le32(&body, 4) as usize,
            bit: u32::from(body.get(3).copied().unwrap_or(0)).min(7),
            bits: le32(&body, 8).min(1 << 30),
            conversion: conversion(cn.link(4), blocks, out)?,
            time: matches!(sort, 2 | 3) && sync == 1,
            stored,
        });
        let unit_at_conversion = group.channels.last().is_some_and(|c| c.unit.is_empty()) && cn.link(4) != 0;
        if unit_at_conversion
            && let Some(cc) = blocks.header(cn.link(4), out)?
            && let Some(c) = group.channels.last_mut()
        {
            c.unit = name_of(cc.link(1), blocks, out)?;
        }
        // The parts of a structure; an array's block is none.
        if cn.link(1) != 0 && depth < 16 && blocks.header(cn.link(1), out)?.is_some_and(|b| &b.id == b"CN") {
            channel_list(cn.link(1), group, count, seen, depth + 1, blocks, out)?;
        }
    }
    Ok(())
}

fn conversion(at: u64, blocks: &mut Blocks, out: &mut Out<'_>) -> Result<Conversion, InspectError> {
    if at == 0 {
        return Ok(Conversion::None);
    }
    let Some(cc) = blocks.header(at, out)?.filter(|b| &b.id == b"CC") else { return Ok(Conversion::None) };
    let body = blocks.body(&cc, 24 + 8 * 3 * MAX_PAIRS, out)?;
    let kind = body.first().copied().unwrap_or(0);
    let values: Vec<f64> = body.get(24..).unwrap_or(&[]).chunks_exact(8).map(|c| f64::from_bits(le64(c, 0))).collect();
    let count = usize::from(le16(&body, 6)).min(values.len());
    let v = &values[..count];
    Ok(match (kind, v) {
        (0, _) => Conversion::None,
        (1, &[a, b, ..]) => Conversion::Linear(a, b),
        (2, &[a, b, c, d, e, f, ..]) => Conversion::Rational([a, b, c, d, e, f]),
        (4 | 5, pairs) => Conversion::Table(pairs.chunks_exact(2).map(|p| (p[0], p[1])).collect(), kind == 4),
        (6, list) => Conversion::Ranges(list.chunks_exact(3).map(|r| (r[0], r[1], r[2])).collect()),
        _ => Conversion::Other,
    })
}

/// Values with their offsets.
type Kept = VecDeque<(u64, Vec<u8>)>;

/// Values of varying length: signal data by offset, and records of other groups that were met lately.
#[derive(Default)]
struct Signals {
    streams: HashMap<u64, Stream>,
    /// Of a group by the address of its block: where its next value begins, and the last values.
    groups: HashMap<u64, (u64, Kept)>,
}

struct Lookup<'s, 'o, 'a> {
    signals: &'s mut Signals,
    out: &'o mut Out<'a>,
}

impl Signals {
    fn value(&mut self, channel: &Channel, offset: u64, out: &mut Out<'_>) -> Result<Option<Vec<u8>>, InspectError> {
        match channel.stored {
            Stored::Signal(at) => {
                let Some(stream) = self.streams.get_mut(&at) else { return Ok(None) };
                let mut bytes = Vec::new();
                stream.read(offset, 4, &mut bytes, out)?;
                let len = le32(&bytes, 0) as usize;
                if bytes.len() < 4 || len > MAX_RECORD {
                    return Ok(None);
                }
                stream.read(offset + 4, len, &mut bytes, out)?;
                Ok(Some(bytes))
            }
            Stored::Group(at) => {
                let kept = self.groups.get(&at).and_then(|(_, kept)| kept.iter().rev().find(|v| v.0 == offset));
                Ok(kept.map(|v| v.1.clone()))
            }
            Stored::Record => Ok(None),
        }
    }
}

/// Values that were looked up before the record is read, so that reading needs no engine.
struct Found(Vec<(Stored, u64, Option<Vec<u8>>)>);

impl Values for Found {
    fn value(&mut self, channel: &Channel, offset: u64) -> Result<Option<Vec<u8>>, InspectError> {
        let found = self.0.iter_mut().find(|f| f.0 == channel.stored && f.1 == offset);
        Ok(found.and_then(|f| f.2.take()))
    }
}

impl Lookup<'_, '_, '_> {
    /// Looks up all values that a record points to. None when one is not there yet.
    fn all(&mut self, group: &Group, record: &[u8]) -> Result<Option<Found>, InspectError> {
        let mut found = Vec::new();
        for channel in group.channels.iter().filter(|c| c.stored != Stored::Record) {
            let Some(offset) = channel.raw(record) else { continue };
            let value = self.signals.value(channel, offset, self.out)?;
            if value.is_none() && matches!(channel.stored, Stored::Group(_)) {
                return Ok(None);
            }
            found.push((channel.stored, offset, value));
        }
        Ok(Some(Found(found)))
    }
}

struct Reader<'g, 'm> {
    data: &'g DataGroup,
    groups: &'g [Group],
    measure: &'m mut Measure,
    values: Signals,
}

impl Reader<'_, '_> {
    fn run(&mut self, blocks: &mut Blocks, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
        if self.data.data == 0 {
            return Ok(());
        }
        let mut stream = Stream::open(self.data.data, blocks, out)?;
        let mut pointed: Vec<(u64, String, bool)> = Vec::new();
        for layout in &self.data.layouts {
            for channel in self.groups.get(layout.number).map(|g| &g.channels).into_iter().flatten() {
                if let Stored::Signal(at) = channel.stored
                    && !self.values.streams.contains_key(&at)
                {
                    let signal = Stream::open(at, blocks, out)?;
                    self.values.streams.insert(at, signal);
                    let read = channel.is_text() || channel.name.ends_with("DataBytes");
                    pointed.push((at, channel.name.clone(), read));
                }
            }
        }
        match self.data.layouts.as_slice() {
            [one] if self.data.id_size == 0 => self.sorted(one, &mut stream, bus, out)?,
            [] => {}
            _ => self.unsorted(&mut stream, bus, out)?,
        }
        stream.rest(out)?;
        for (at, name, read) in pointed {
            let Some(mut signal) = self.values.streams.remove(&at) else { continue };
            if !read && signal.len() > 0 {
                // Bytes of some other format (pictures, objects): whoever knows them looks into them.
                self.hand_over(&name, &mut signal, out)?;
            }
            signal.rest(out)?;
        }
        Ok(())
    }

    fn hand_over(&self, name: &str, signal: &mut Stream, out: &mut Out<'_>) -> Result<(), InspectError> {
        let name = format!("{}.bin", name.replace(['/', '\\'], "_"));
        if let Some(extents) = signal.extents() {
            return out.to.hand_over(ChildMeta::named(name.as_bytes()), extents);
        }
        let mut at = 0;
        let mut bytes = Vec::new();
        let mut sent = out.to.send(yumen_model::Message::ChildStart { meta: ChildMeta::named(name.as_bytes()) });
        while sent.is_ok() && at < signal.len() {
            signal.read(at, PIECE, &mut bytes, out)?;
            if bytes.is_empty() {
                break;
            }
            at += bytes.len() as u64;
            sent = out.to.send(yumen_model::Message::ChildBytes(bytes.as_slice().into()));
        }
        match sent.and_then(|()| out.to.send(yumen_model::Message::ChildEnd { complete: true })) {
            Err(yumen_model::Stop::All(_)) => {
                Err(InspectError::from(yumen_model::Stop::All(yumen_model::Reason::TimedOut)))
            }
            _ => Ok(()),
        }
    }

    fn sorted(
        &mut self,
        layout: &Layout,
        stream: &mut Stream,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let Some(group) = self.groups.get(layout.number) else { return Ok(()) };
        if layout.size == 0 || layout.size > MAX_RECORD {
            return Ok(());
        }
        let mut buffer = Vec::new();
        if !self.measure.reads(layout.number) {
            let records = stream.len() / layout.size as u64;
            if let Some(last) = records.checked_sub(1) {
                let mut end = Vec::new();
                stream.read(0, layout.size, &mut buffer, out)?;
                stream.read(last * layout.size as u64, layout.size, &mut end, out)?;
                self.measure.pass_over(layout.number, group, records, [&buffer, &end], bus);
            }
            return Ok(());
        }
        let mut at = 0u64;
        let per = (PIECE / layout.size).max(1) * layout.size;
        let end = stream.len();
        let varying = group.channels.iter().any(|c| c.stored != Stored::Record);
        while at < end {
            stream.read(at, per, &mut buffer, out)?;
            if buffer.len() < layout.size {
                break;
            }
            for (i, record) in buffer.chunks_exact(layout.size).enumerate() {
                let place = stream.place(at + (i * layout.size) as u64);
                self.one(layout, group, record, place, varying, bus, out)?;
            }
            at += (buffer.len() / layout.size * layout.size) as u64;
        }
        Ok(())
    }

    /// A record; whether its values of varying length were there.
    #[allow(clippy::too_many_arguments, reason = "what a record is, and where it goes")]
    fn one(
        &mut self,
        layout: &Layout,
        group: &Group,
        record: &[u8],
        place: u64,
        varying: bool,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<bool, InspectError> {
        if !varying {
            self.measure.record(layout.number, group, record, place, bus, out)?;
            return Ok(true);
        }
        let Some(mut found) = (Lookup { signals: &mut self.values, out }).all(group, record)? else { return Ok(false) };
        self.measure.record_with(layout.number, group, record, place, &mut found, bus, out)?;
        Ok(true)
    }

    fn unsorted(&mut self, stream: &mut Stream, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
        let data = self.data;
        let by_id: HashMap<u64, &Layout> = data.layouts.iter().map(|l| (l.id, l)).collect();
        let mut waiting: VecDeque<(usize, Vec<u8>, u64)> = VecDeque::new();
        let mut buffer = Vec::new();
        // The stream from `start` on is in the buffer; `at` is how far it was read.
        let (mut start, mut at) = (0u64, 0usize);
        loop {
            let want = data.id_size + 4;
            if buffer.len() - at < want.max(64 << 10) && start + (buffer.len() as u64) < stream.len() {
                start += at as u64;
                stream.read(start, PIECE, &mut buffer, out)?;
                at = 0;
            }
            let Some(head) = buffer.get(at..at + data.id_size) else { break };
            let id = head.iter().rev().fold(0u64, |id, &b| id << 8 | u64::from(b));
            let Some(layout) = by_id.get(&id).copied() else {
                out.to.tell_at("bad-entry", stream.place(start + at as u64));
                break;
            };
            let from = at + data.id_size;
            let (from, size) = if layout.varying {
                let Some(len) = buffer.get(from..from + 4) else { break };
                (from + 4, le32(len, 0) as usize)
            } else {
                (from, layout.size)
            };
            if size > MAX_RECORD || from + size - at == 0 {
                out.to.tell_at("bad-entry", stream.place(start + at as u64));
                break;
            }
            let place = stream.place(start + from as u64);
            let long;
            let record = match buffer.get(from..from + size) {
                Some(record) => record,
                None if start + ((from + size) as u64) <= stream.len() => {
                    let mut bytes = Vec::new();
                    stream.read(start + from as u64, size, &mut bytes, out)?;
                    long = bytes;
                    &long
                }
                None => break,
            };
            if layout.varying {
                let (offset, kept) = self.values.groups.entry(layout.at).or_default();
                kept.push_back((*offset, record.to_vec()));
                *offset += size as u64 + 4;
                let bytes: usize = kept.iter().rev().take(64).map(|v| v.1.len()).sum();
                if kept.len() > WINDOW || bytes > MAX_RECORD * 4 {
                    kept.pop_front();
                }
                // Records that wait for this value.
                for _ in 0..waiting.len() {
                    let Some((number, record, place)) = waiting.pop_front() else { break };
                    if !self.waiting(number, &record, place, bus, out)? {
                        waiting.push_front((number, record, place));
                        break;
                    }
                }
            } else if let Some(group) = self.groups.get(layout.number).filter(|_| self.measure.reads(layout.number)) {
                let varying = group.channels.iter().any(|c| c.stored != Stored::Record);
                let record = record.to_vec();
                if !self.one(layout, group, &record, place, varying, bus, out)? {
                    waiting.push_back((layout.number, record, place));
                    if waiting.len() > WINDOW {
                        waiting.pop_front();
                    }
                }
            }
            let next = from + size;
            if next > buffer.len() {
                start += next as u64;
                buffer.clear();
                at = 0;
            } else {
                at = next;
            }
        }
        // Those whose values never came are counted all the same.
        while let Some((number, record, place)) = waiting.pop_front() {
            if !self.waiting(number, &record, place, bus, out)?
                && let Some(group) = self.groups.get(number)
            {
                self.measure.record(number, group, &record, place, bus, out)?;
            }
        }
        Ok(())
    }

    fn waiting(
        &mut self,
        number: usize,
        record: &[u8],
        place: u64,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<bool, InspectError> {
        let data = self.data;
        let (Some(layout), Some(group)) = (data.layouts.iter().find(|l| l.number == number), self.groups.get(number))
        else {
            return Ok(true);
        };
        self.one(layout, group, record, place, true, bus, out)
    }
}
