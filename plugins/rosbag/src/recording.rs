//! What the containers of recordings do alike: channels are told to the decoder of messages once, messages are passed on, and every byte gets its label.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

use yumen_kit_container::Container;
use yumen_kit_message::{Channel, Message, Topics};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Batch, Extent, InspectError, Inspection, InventoryItem, Label, Message as Sent, Reason, Stop,
};

use crate::feed::Codec;
use crate::rosbag2::stretches;

/// Longest message that is decoded, in bytes; a longer one is opaque (`limit`).
pub(crate) const MAX_MESSAGE: u64 = 128 << 20;
/// Most bytes a chunk may decode to.
pub(crate) const MAX_CHUNK: u64 = 4 << 30;
/// Messages that could not be decoded are labelled each for itself up to this number; further ones take a share of their chunk.
const MAX_EXACT: usize = 100_000;
/// Blocks that are labelled as one where values in pieces are too many to be labelled each.
const BLOCK: u64 = 64 << 10;
/// Places in a file where it may break and be read on behind; what follows further ones is opaque.
pub(crate) const MAX_BREAKS: usize = 10_000;
/// Stretches that are labelled apart. Of files of more of them (a message a chunk) structure is counted with the data it stands between.
const MAX_STRETCHES: usize = 1 << 20;
/// Most channels; messages of further ones are opaque (`limit`).
const MAX_CHANNELS: usize = 100_000;

/// A channel as the container tells it.
pub(crate) struct Declared<'a> {
    pub(crate) topic: &'a str,
    pub(crate) type_name: &'a str,
    pub(crate) message_encoding: &'a str,
    pub(crate) schema_encoding: &'a str,
    pub(crate) schema: &'a [u8],
    pub(crate) metadata: BTreeMap<String, String>,
    /// Where it is told.
    pub(crate) offset: u64,
}

/// Where a message's record lies.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    /// The record, or the chunk that was decoded.
    pub(crate) offset: u64,
    /// The payload, where it is stored as it is.
    pub(crate) exact: Option<u64>,
    /// Where the payload stands piece by piece, when it is known so.
    pub(crate) pieces: &'a [Extent],
}

impl Spot<'_> {
    /// A record of the file.
    pub(crate) fn stored(offset: u64, payload: u64) -> Self {
        Spot { offset, exact: Some(payload), pieces: &[] }
    }

    /// Something in a chunk that was decoded.
    pub(crate) fn decoded(chunk: u64) -> Self {
        Spot { offset: chunk, exact: None, pieces: &[] }
    }
}

/// A message as the container tells it.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) channel: u64,
    pub(crate) log_time_ns: u64,
    pub(crate) publish_time_ns: u64,
    pub(crate) data: &'a [u8],
}

/// A channel that was declared.
#[derive(Clone, Copy)]
struct Known {
    /// Its number with the decoder.
    number: u64,
    /// What it was declared as.
    digest: u64,
    /// Payloads are CDR, which begins with a zero byte: what begins otherwise may be compressed.
    cdr: bool,
}

/// One recording on its way through.
pub(crate) struct Recording<'a> {
    pub(crate) c: Container<'a>,
    topics: Topics,
    /// The file's channels.
    channels: HashMap<u64, Known>,
    declared: u64,
    texts: BTreeSet<u64>,
    pending: Option<(Range<u64>, Label)>,
    exact_left: usize,
    stretches: usize,
    /// Payload bytes of the chunk that could not be decoded, by reason, and all payload bytes.
    share: BTreeMap<Reason, u64>,
    payload: u64,
    broke: Option<InspectError>,
    /// What the container tells of the recording as a whole.
    pub(crate) facts: BTreeMap<&'static str, BTreeSet<String>>,
}

impl<'a> Recording<'a> {
    pub(crate) fn new(artifact: &'a Artifact, out: &'a mut dyn Inspection) -> Self {
        Recording {
            c: Container::new(artifact, out),
            topics: Topics::new(artifact),
            channels: HashMap::new(),
            declared: 0,
            texts: BTreeSet::new(),
            pending: None,
            exact_left: MAX_EXACT,
            stretches: 0,
            share: BTreeMap::new(),
            payload: 0,
            broke: None,
            facts: BTreeMap::new(),
        }
    }

    /// Adds a word to a list of the recording's properties.
    pub(crate) fn fact(&mut self, name: &'static str, value: &str) {
        let list = self.facts.entry(name).or_default();
        if !value.is_empty() && list.len() < 64 {
            list.insert(value.chars().take(200).collect());
        }
    }

    /// Labels bytes; stretches that go on from one another are joined before they are sent.
    pub(crate) fn label(&mut self, range: Range<u64>, label: Label) -> Result<(), InspectError> {
        if range.start >= range.end {
            return Ok(());
        }
        let many = self.stretches > MAX_STRETCHES && label == Label::Container;
        let label = if many { Label::Inspected } else { label };
        if let Some((last, l)) = &mut self.pending
            && *l == label
            && (last.start..=last.end).contains(&range.start)
        {
            last.end = range.end.max(last.end);
            return Ok(());
        }
        self.stretches += 1;
        match self.pending.replace((range, label)) {
            Some((range, label)) => self.c.label(range, label),
            None => Ok(()),
        }
    }

    pub(crate) fn inspected(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        self.label(range, Label::Inspected)
    }

    pub(crate) fn container(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        self.label(range, Label::Container)
    }

    pub(crate) fn opaque(&mut self, range: Range<u64>, reason: Reason) -> Result<(), InspectError> {
        self.label(range, Label::Opaque(reason))
    }

    /// Keeps the first break; further ones are counted.
    pub(crate) fn broke(&mut self, error: InspectError) {
        if self.broke.is_none() {
            self.broke = Some(error);
        } else {
            self.c.tell_at("corrupt", error.offset.unwrap_or(0));
        }
    }

    /// Whether the file has broken somewhere.
    pub(crate) fn is_broken(&self) -> bool {
        self.broke.is_some()
    }

    /// Whether a channel of this number is known.
    pub(crate) fn knows(&self, channel: u64) -> bool {
        self.channels.contains_key(&channel)
    }

    /// Declares a channel. Declared anew as it was nothing happens; declared as something else it is another channel from there on.
    pub(crate) fn channel(&mut self, id: u64, declared: Declared<'_>) -> Result<(), InspectError> {
        let mut hasher = DefaultHasher::new();
        (declared.topic, declared.type_name, declared.message_encoding, declared.schema_encoding, declared.schema)
            .hash(&mut hasher);
        let digest = hasher.finish();
        match self.channels.get(&id) {
            Some(known) if known.digest == digest => return Ok(()),
            _ if self.declared >= MAX_CHANNELS as u64 => return Ok(()),
            _ => {}
        }
        let number = self.declared;
        self.declared += 1;
        self.channels.insert(id, Known { number, digest, cdr: declared.message_encoding == "cdr" });
        // Comments in a definition, and what a recorder adds (node names, hosts), are text that people write.
        for (name, value) in &declared.metadata {
            self.text_once(declared.offset, format!("{name}: {value}").as_bytes())?;
        }
        if !matches!(declared.schema_encoding, "protobuf" | "flatbuffer")
            && !declared.schema_encoding.starts_with("cyber")
        {
            self.text_once(declared.offset, declared.schema)?;
        }
        let Declared { topic, type_name, message_encoding, schema_encoding, schema, metadata, .. } = declared;
        self.topics.channel(
            number,
            &Channel { name: topic, type_name, message_encoding, schema_encoding, schema, metadata: &metadata },
        );
        Ok(())
    }

    /// Shows a text to the detectors unless it was shown before.
    fn text_once(&mut self, offset: u64, bytes: &[u8]) -> Result<(), InspectError> {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        if self.texts.len() < MAX_CHANNELS && self.texts.insert(hasher.finish()) {
            self.c.decoded_text(offset, bytes)?;
        }
        Ok(())
    }

    /// Passes a message on. What could not be decoded of a stored payload is labelled, of a compressed one it counts for [`Recording::settle`].
    pub(crate) fn message(&mut self, told: &Told<'_>, spot: Spot<'_>) -> Result<(), InspectError> {
        let len = told.data.len();
        let known = self.channels.get(&told.channel).copied();
        let Some(known) = known else {
            self.payload += len as u64;
            self.c.tell_at("bad-entry", spot.offset);
            return self.piece(0..len, Label::Opaque(Reason::Corrupt), spot);
        };
        // ROS 2 can compress payloads one by one, whatever the storage.
        if let Some(codec) = Codec::of_frame(told.data).filter(|_| known.cdr) {
            return self.compressed(known, told, codec, spot);
        }
        self.payload += len as u64;
        self.pass_on(known, told, spot)
    }

    /// Decompresses a payload. What can't be decoded of it takes its share of the compressed bytes.
    fn compressed(&mut self, known: Known, told: &Told<'_>, codec: Codec, spot: Spot<'_>) -> Result<(), InspectError> {
        let len = told.data.len();
        self.fact("message_compression", codec.name());
        let mut plain = Vec::new();
        let whole = codec.decode(told.data, MAX_MESSAGE, &mut plain);
        let shares = if whole && plain.len() as u64 <= MAX_MESSAGE {
            let (share, payload) =
                (std::mem::take(&mut self.share), std::mem::replace(&mut self.payload, plain.len() as u64));
            let inner = Told { data: &plain, ..*told };
            self.pass_on(known, &inner, Spot { exact: None, pieces: &[], ..spot })?;
            let shares = self.shares(len as u64, plain.len() as u64);
            (self.share, self.payload) = (share, payload);
            shares
        } else {
            self.c.tell_at("bad-entry", spot.offset);
            vec![(0..len as u64, if whole { Reason::Limit } else { Reason::Corrupt })]
        };
        self.payload += len as u64;
        for (range, reason) in shares {
            let piece = usize::try_from(range.start).unwrap_or(len)..usize::try_from(range.end).unwrap_or(len);
            self.piece(piece, Label::Opaque(reason), spot)?;
        }
        Ok(())
    }

    fn pass_on(&mut self, known: Known, told: &Told<'_>, spot: Spot<'_>) -> Result<(), InspectError> {
        let len = told.data.len();
        let message = Message {
            log_time_ns: told.log_time_ns,
            publish_time_ns: told.publish_time_ns,
            data: told.data,
            offset: spot.offset,
            exact: spot.exact,
        };
        let outcome = self.topics.message(known.number, &message, &mut self.c)?;
        let (whole, mut parts) = (outcome.whole, outcome.parts.to_vec());
        parts.sort_by_key(|(range, _)| range.start);
        let mut at = 0;
        for (range, label) in parts {
            let range = range.start.max(at).min(len)..range.end.min(len);
            self.piece(at..range.start, whole, spot)?;
            at = range.end.max(at);
            self.piece(range, label, spot)?;
        }
        self.piece(at..len, whole, spot)
    }

    /// A piece of a payload by its label; children label themselves, what was decoded is labelled with the chunk.
    fn piece(&mut self, range: Range<usize>, label: Label, spot: Spot<'_>) -> Result<(), InspectError> {
        match label {
            Label::Opaque(reason) if range.start < range.end && !spot.pieces.is_empty() => {
                self.opaque_pieces(spot.pieces, range.start as u64..range.end as u64, reason)
            }
            Label::Opaque(reason) if range.start < range.end => {
                let exact = spot.exact.map(|at| at + range.start as u64);
                self.not_decoded((range.end - range.start) as u64, exact, reason)
            }
            _ => Ok(()),
        }
    }

    /// Payload bytes that were not decoded.
    pub(crate) fn not_decoded(&mut self, len: u64, exact: Option<u64>, reason: Reason) -> Result<(), InspectError> {
        match exact {
            Some(at) if self.exact_left > 0 => {
                self.exact_left -= 1;
                self.opaque(at..at.saturating_add(len), reason)
            }
            _ => {
                *self.share.entry(reason).or_default() += len;
                Ok(())
            }
        }
    }

    /// A message that is too long to be held: its bytes are opaque.
    pub(crate) fn too_long(&mut self, len: u64, spot: Spot<'_>) -> Result<(), InspectError> {
        self.payload += len;
        self.c.tell_at("limit", spot.offset);
        if spot.pieces.is_empty() {
            self.not_decoded(len, spot.exact, Reason::Limit)
        } else {
            self.opaque_pieces(spot.pieces, 0..len, Reason::Limit)
        }
    }

    /// Labels a range of a value that stands in pieces.
    pub(crate) fn opaque_pieces(
        &mut self,
        pieces: &[Extent],
        range: Range<u64>,
        reason: Reason,
    ) -> Result<(), InspectError> {
        for stretch in stretches(pieces, range) {
            if self.exact_left > 0 {
                self.exact_left -= 1;
                self.opaque(stretch, reason)?;
            } else {
                // Of very many, the blocks they stand in are labelled, so that neighbours are one.
                self.opaque(stretch.start - stretch.start % BLOCK..stretch.end.next_multiple_of(BLOCK), reason)?;
            }
        }
        Ok(())
    }

    /// Forgets the payloads counted so far: they were labelled each for itself.
    pub(crate) fn forget_share(&mut self) {
        self.share.clear();
        self.payload = 0;
    }

    /// Labels the bytes of a chunk (or of a stretch of records) that decoded to `decoded` bytes. Where payloads could not be decoded, their share of the
    /// encoded bytes is opaque: counted from the end of the chunk, or all of it when no payload was decoded.
    pub(crate) fn settle(&mut self, encoded: Range<u64>, decoded: u64) -> Result<(), InspectError> {
        self.inspected(encoded.clone())?;
        for (range, reason) in self.shares(encoded.end - encoded.start, decoded) {
            self.opaque(encoded.start + range.start..encoded.start + range.end, reason)?;
        }
        Ok(())
    }

    /// The share of `len` encoded bytes that payloads which were not decoded take, by reason.
    fn shares(&mut self, len: u64, decoded: u64) -> Vec<(Range<u64>, Reason)> {
        let share = std::mem::take(&mut self.share);
        let payload = std::mem::take(&mut self.payload);
        let lost: u64 = share.values().sum();
        let whole = if lost >= payload { lost } else { decoded.max(lost) };
        let mut end = len;
        let part =
            |n: u64| u64::try_from((u128::from(len) * u128::from(n)).div_ceil(u128::from(whole.max(1)))).unwrap_or(len);
        let mut out = Vec::new();
        for (reason, n) in share {
            let start = end.saturating_sub(part(n));
            out.push((start..end, reason));
            end = start;
        }
        out
    }

    /// Sends what the decoder gathered and what was kept back.
    pub(crate) fn finish(mut self, result: Result<(), InspectError>) -> Result<(), InspectError> {
        if self.c.is_stopped() {
            return result;
        }
        let result = result.and(self.broke.take().map_or(Ok(()), Err));
        if let Some((range, label)) = self.pending.take() {
            self.c.label(range, label)?;
        }
        let facts = std::mem::take(&mut self.facts).into_iter().map(|(k, v)| (k, v.into_iter().collect())).collect();
        let mut with_facts = WithFacts { to: &mut self.c, facts: Some(facts) };
        self.topics.finish(&mut with_facts)?;
        // A recording without messages is one all the same.
        let item = with_facts.add(InventoryItem::new(kinds::SENSOR_RECORDING));
        if let Some(item) = item {
            self.c.inventory(item);
        }
        self.c.finish(result)
    }
}

/// The first of rising offsets behind `at`.
pub(crate) fn behind(anchors: &[u64], at: u64) -> Option<u64> {
    anchors.get(anchors.partition_point(|&a| a <= at)).copied()
}

/// Adds what the container tells of the recording to the item that the decoder of messages makes of it: they are one.
struct WithFacts<'a, 'b> {
    to: &'a mut Container<'b>,
    facts: Option<Vec<(&'static str, Vec<String>)>>,
}

impl WithFacts<'_, '_> {
    /// The item with the facts, the first time.
    fn add(&mut self, item: InventoryItem) -> Option<InventoryItem> {
        Some(self.facts.take()?.into_iter().fold(item, |item, (name, values)| item.with(name, values)))
    }
}

impl Inspection for WithFacts<'_, '_> {
    fn send(&mut self, mut message: Sent<'_>) -> Result<(), Stop> {
        if let Sent::Batch { batch: Batch::Inventory(batch), .. } = &mut message {
            for item in batch.items.iter_mut().filter(|i| i.kind == kinds::SENSOR_RECORDING) {
                if let Some(told) = self.add(item.clone()) {
                    *item = told;
                }
            }
        }
        self.to.send(message)
    }
}
