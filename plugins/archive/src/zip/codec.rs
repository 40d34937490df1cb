//! The compression methods of zip members.

use std::io::Read;
use std::ops::Range;

use bzip2::Decompress as Bunzip2;
use deflate64::InflaterManaged;
use flate2::Crc;
use lzma_rust2::{Action, LzmaStream, XzStream};
use yumen_model::{Blob, ChildMeta, InspectError, Message, Reason, Stop};
use zstd::stream::raw::{DParameter, Decoder as Unzstd, InBuffer, Operation, OutBuffer};

use crate::stream::codec::{Codec, Fault, Inflate, Lzma, State, Step};
use yumen_kit_container::Container;
use yumen_kit_container::window::num::{le16, le32};

const INPUT: usize = 64 << 10;
const OUTPUT: usize = 256 << 10;
/// Largest dictionary or model that is decoded with, in bytes.
const MAX_MEMORY: u32 = 256 << 20;
/// The same as a power of two, for zstd windows.
const MAX_WINDOW_LOG: u32 = 27;

/// How a member's decoding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of the stream was decoded.
    Complete,
    /// It can't be decoded on, for this reason.
    Failed(Reason),
    /// The engine does not take more, for this reason; it closed the child.
    Stopped(Reason),
}

/// What came of decoding a member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoded {
    /// How it ended.
    pub(super) outcome: Outcome,
    /// Encoded bytes used.
    pub(super) consumed: u64,
    /// Bytes delivered.
    pub(super) produced: u64,
    /// CRC-32 of what was delivered.
    pub(super) crc: u32,
}

/// Decodes members one after another; buffers are kept.
pub(super) struct Decoder {
    input: Vec<u8>,
    output: Vec<u8>,
    /// Kept between members; taken out while it runs.
    inflate: Option<Inflate>,
}

impl Decoder {
    /// A decoder with buffers of constant size.
    pub(super) fn new() -> Self {
        Decoder { input: vec![0; INPUT], output: vec![0; OUTPUT], inflate: None }
    }

    /// Whether a method is read.
    pub(super) fn knows(method: u16) -> bool {
        matches!(method, 8 | 9 | 12 | 14 | 20 | 93 | 95 | 98)
    }

    /// Decodes a member from `range` into a child. `size` is the stated length of the content, where it is known.
    pub(super) fn decode(
        &mut self,
        method: u16,
        end_marker: bool,
        size: Option<u64>,
        meta: ChildMeta,
        range: Range<u64>,
        to: &mut Container<'_>,
    ) -> Result<Decoded, InspectError> {
        let mut decoded = Decoded { outcome: Outcome::Complete, consumed: 0, produced: 0, crc: 0 };
        match to.send(Message::ChildStart { meta }) {
            Ok(()) => {}
            Err(Stop::Child(reason)) => {
                decoded.outcome = Outcome::Stopped(reason);
                return Ok(decoded);
            }
            Err(stop) => return Err(stop.into()),
        }
        if method == 98 {
            self.ppmd(size, range, to, &mut decoded)?;
        } else {
            match self.codec(method, end_marker, size, to.blob, range.clone())? {
                Ok((Some(mut codec), skip)) => {
                    decoded.consumed = skip;
                    self.pump(codec.as_mut(), range, to, &mut decoded)?;
                }
                Ok((None, _)) => {
                    let mut inflate = self.inflate.take().unwrap_or_else(Inflate::new);
                    inflate.reset();
                    let result = self.pump(&mut inflate, range, to, &mut decoded);
                    self.inflate = Some(inflate);
                    result?;
                }
                Err(fault) => decoded.outcome = Outcome::Failed(fault.reason),
            }
        }
        if !matches!(decoded.outcome, Outcome::Stopped(_)) {
            match to.send(Message::ChildEnd { complete: decoded.outcome == Outcome::Complete }) {
                Ok(()) => {}
                Err(Stop::Child(reason)) => decoded.outcome = Outcome::Stopped(reason),
                Err(stop) => return Err(stop.into()),
            }
        }
        Ok(decoded)
    }

    /// The codec of a method and the number of header bytes before its stream; no codec means deflate.
    #[allow(clippy::type_complexity)]
    fn codec(
        &mut self,
        method: u16,
        end_marker: bool,
        size: Option<u64>,
        blob: &Blob,
        range: Range<u64>,
    ) -> Result<Result<(Option<Box<dyn Codec>>, u64), Fault>, InspectError> {
        let codec: Box<dyn Codec> = match method {
            8 => return Ok(Ok((None, 0))),
            9 => Box::new(Inflate64(Box::new(InflaterManaged::new()))),
            12 => Box::new(Bzip2(Bunzip2::new(false))),
            14 => {
                // Version of the LZMA SDK, length of the properties, properties (APPNOTE 5.8.8).
                let head = blob
                    .bytes(range.start..range.end.min(range.start + 9))
                    .map_err(|e| InspectError::read(range.start, &e))?;
                if head.len() < 9 || le16(&head, 2) != 5 {
                    return Ok(Err(Fault::CORRUPT));
                }
                let (dictionary, known) = (le32(&head, 5), if end_marker { None } else { size });
                // No match reaches back further than the content is long.
                let needed =
                    known.and_then(|n| u32::try_from(n).ok()).map_or(dictionary, |n| dictionary.min(n.max(4096)));
                if needed > MAX_MEMORY {
                    return Ok(Err(Fault::LIMIT));
                }
                match LzmaStream::new_with_props(known.unwrap_or(u64::MAX), head[4], needed, None) {
                    Ok(stream) => return Ok(Ok((Some(Box::new(Lzma::new(stream))), 9))),
                    Err(_) => return Ok(Err(Fault::CORRUPT)),
                }
            }
            95 => Box::new(Xz(Box::new(XzStream::new_mem_limit(false, MAX_MEMORY / 1024)))),
            _ => {
                let Ok(mut inner) = Unzstd::new() else { return Ok(Err(Fault::LIMIT)) };
                if inner.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG)).is_err() {
                    return Ok(Err(Fault::LIMIT));
                }
                Box::new(Zstd { inner, between: false })
            }
        };
        Ok(Ok((Some(codec), 0)))
    }

    fn pump(
        &mut self,
        codec: &mut dyn Codec,
        range: Range<u64>,
        to: &mut Container<'_>,
        decoded: &mut Decoded,
    ) -> Result<(), InspectError> {
        let mut crc = Crc::new();
        let mut at = range.start + decoded.consumed;
        let (mut from, mut have) = (0, 0);
        let mut stalled = false;
        loop {
            if from == have && at < range.end {
                let want = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(INPUT);
                (from, have) =
                    (0, to.blob.read_at(at, &mut self.input[..want]).map_err(|e| InspectError::read(at, &e))?);
                at += have as u64;
            }
            let last = at >= range.end;
            let step = codec.step(&self.input[from..have], &mut self.output, last);
            let consumed = step.consumed.min(have - from);
            from += consumed;
            decoded.consumed += consumed as u64;
            if step.produced > 0 {
                let bytes = &self.output[..step.produced.min(OUTPUT)];
                crc.update(bytes);
                decoded.crc = crc.sum();
                decoded.produced += bytes.len() as u64;
                match to.send(Message::ChildBytes(bytes.into())) {
                    Ok(()) => {}
                    Err(Stop::Child(reason)) => {
                        decoded.outcome = Outcome::Stopped(reason);
                        return Ok(());
                    }
                    Err(stop) => return Err(stop.into()),
                }
            }
            match step.state {
                State::End => {
                    decoded.consumed = decoded.consumed.saturating_sub(codec.unused() as u64);
                    decoded.outcome = Outcome::Complete;
                    return Ok(());
                }
                State::Fault(fault) => {
                    decoded.outcome = Outcome::Failed(fault.reason);
                    return Ok(());
                }
                State::More => {}
            }
            if consumed > 0 || step.produced > 0 {
                stalled = false;
            } else if (last && from == have) || stalled {
                decoded.outcome = Outcome::Failed(Reason::Corrupt);
                return Ok(());
            } else {
                stalled = true;
            }
        }
    }

    /// PPMd variant I, whose decoder pulls; the length of the content says where it ends.
    fn ppmd(
        &mut self,
        size: Option<u64>,
        range: Range<u64>,
        to: &mut Container<'_>,
        decoded: &mut Decoded,
    ) -> Result<(), InspectError> {
        let head = to
            .blob
            .bytes(range.start..range.end.min(range.start + 2))
            .map_err(|e| InspectError::read(range.start, &e))?;
        let parameters = le16(&head, 0);
        let (order, memory) = (u32::from(parameters & 15) + 1, (u32::from((parameters >> 4) & 0xff) + 1) << 20);
        let mut source = std::io::BufReader::with_capacity(
            INPUT,
            to.blob.range(range.start + head.len() as u64..range.end).reader(),
        );
        let model = ppmd_rust::Ppmd8Decoder::new(&mut source, order, memory, (parameters >> 12).into());
        let Ok(mut model) = model else {
            decoded.outcome = Outcome::Failed(Reason::Corrupt);
            return Ok(());
        };
        let mut left = size.unwrap_or(u64::MAX);
        let mut crc = Crc::new();
        decoded.outcome = Outcome::Complete;
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(usize::MAX).min(OUTPUT);
            let n = match model.read(&mut self.output[..room]) {
                Ok(0) => {
                    if size.is_some() {
                        decoded.outcome = Outcome::Failed(Reason::Corrupt);
                    }
                    break;
                }
                Ok(n) => n,
                Err(_) => {
                    decoded.outcome = Outcome::Failed(Reason::Corrupt);
                    break;
                }
            };
            let bytes = &self.output[..n];
            crc.update(bytes);
            decoded.produced += n as u64;
            left = left.saturating_sub(n as u64);
            match to.send(Message::ChildBytes(bytes.into())) {
                Ok(()) => {}
                Err(Stop::Child(reason)) => {
                    decoded.outcome = Outcome::Stopped(reason);
                    break;
                }
                Err(stop) => return Err(stop.into()),
            }
        }
        drop(model);
        decoded.crc = crc.sum();
        let unread = source.buffer().len() as u64;
        decoded.consumed = head.len() as u64 + source.get_ref().position().saturating_sub(unread);
        Ok(())
    }
}

struct Inflate64(Box<InflaterManaged>);

impl Codec for Inflate64 {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let result = self.0.inflate(input, output);
        let state = if result.data_error || self.0.errored() {
            State::Fault(Fault::CORRUPT)
        } else if self.0.finished() {
            State::End
        } else {
            State::More
        };
        Step { consumed: result.bytes_consumed, produced: result.bytes_written, state }
    }
}

struct Bzip2(Bunzip2);

impl Codec for Bzip2 {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let before = (self.0.total_in(), self.0.total_out());
        let state = match self.0.decompress(input, output) {
            Ok(bzip2::Status::StreamEnd) => State::End,
            Ok(_) => State::More,
            Err(_) => State::Fault(Fault::CORRUPT),
        };
        let figure = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Step { consumed: figure(self.0.total_in() - before.0), produced: figure(self.0.total_out() - before.1), state }
    }
}

struct Xz(Box<XzStream>);

impl Codec for Xz {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let before = (self.0.total_in(), self.0.total_out());
        let state = match self.0.process(input, output, if last { Action::Finish } else { Action::Run }) {
            Ok(r) if r.status == lzma_rust2::Status::StreamEnd => State::End,
            Ok(_) => State::More,
            Err(e) if e.kind() == std::io::ErrorKind::OutOfMemory => State::Fault(Fault::LIMIT),
            Err(_) => State::Fault(Fault::CORRUPT),
        };
        let figure = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Step { consumed: figure(self.0.total_in() - before.0), produced: figure(self.0.total_out() - before.1), state }
    }
}

/// Frames one after another; some writers make several of one member.
struct Zstd {
    inner: Unzstd<'static>,
    /// Between frames.
    between: bool,
}

impl Codec for Zstd {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let done = |consumed, produced, state| Step { consumed, produced, state };
        if self.between {
            let frame = matches!(input, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
            if !frame || self.inner.reinit().is_err() {
                return done(0, 0, State::End);
            }
            self.between = false;
        }
        let mut source = InBuffer::around(input);
        let mut target = OutBuffer::around(output);
        let result = self.inner.run(&mut source, &mut target);
        let (consumed, produced) = (source.pos(), target.pos());
        match result {
            Ok(0) if last && consumed == input.len() => done(consumed, produced, State::End),
            Ok(0) => {
                self.between = true;
                done(consumed, produced, State::More)
            }
            Ok(_) => done(consumed, produced, State::More),
            Err(_) => done(consumed, produced, State::Fault(Fault::CORRUPT)),
        }
    }
}
