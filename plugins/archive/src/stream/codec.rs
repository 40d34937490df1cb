//! Decoders that are pushed: encoded bytes in, decoded bytes out, and an exact account of both, also where they fail.

use flate2::{Decompress, FlushDecompress, Status};
use lzma_rust2::filter::StreamFilter;
use lzma_rust2::{Action, Lzma2Stream, LzmaStream};
use yumen_model::Reason;

use super::OUTPUT;

/// Why a codec can't go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The reason that the rest is opaque for.
    pub(crate) reason: Reason,
    /// Code of the note that tells it.
    pub(crate) note: &'static str,
}

impl Fault {
    /// The structure is broken.
    pub(crate) const CORRUPT: Fault = Fault { reason: Reason::Corrupt, note: "corrupt" };
    /// The data ends before its structure does.
    pub(crate) const TRUNCATED: Fault = Fault { reason: Reason::Corrupt, note: "truncated" };
    /// A dictionary or window larger than is decoded.
    pub(crate) const LIMIT: Fault = Fault { reason: Reason::Limit, note: "limit" };
    /// A variant that is not read.
    pub(crate) const UNSUPPORTED: Fault = Fault { reason: Reason::Unsupported, note: "unsupported-method" };
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It wants more input or more room.
    More,
    /// The stream is complete.
    End,
    /// It can't go on.
    Fault(Fault),
}

/// What came of a step; the figures hold also where it failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Bytes of the input that were taken.
    pub(crate) consumed: usize,
    /// Bytes of the output that were written.
    pub(crate) produced: usize,
    /// How it ended.
    pub(crate) state: State,
}

/// A decoder of one compressed stream.
pub(crate) trait Codec {
    /// Takes from `input`, writes to `output`. `last` says that nothing follows `input`.
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step;

    /// Bytes that were taken and have not come out yet, because their block is not whole.
    fn pending(&self) -> u64 {
        0
    }

    /// After the end: bytes that were taken and belong to what follows.
    fn unused(&self) -> usize {
        0
    }
}

/// Deflate without a wrapper (RFC 1951).
pub(crate) struct Inflate(Decompress);

impl Inflate {
    /// A new decoder.
    pub(crate) fn new() -> Self {
        Inflate(Decompress::new(false))
    }

    /// Makes it ready for another stream.
    pub(crate) fn reset(&mut self) {
        self.0.reset(false);
    }
}

impl Codec for Inflate {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
        let state = match self.0.decompress(input, output, FlushDecompress::None) {
            Ok(Status::StreamEnd) => State::End,
            Ok(Status::Ok | Status::BufError) => State::More,
            Err(_) => State::Fault(Fault::CORRUPT),
        };
        Step {
            consumed: figure(self.0.total_in() - before_in),
            produced: figure(self.0.total_out() - before_out),
            state,
        }
    }
}

/// A difference of counters within one step: never more than a buffer.
fn figure(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn of_lzma(error: &std::io::Error) -> Fault {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Fault::TRUNCATED,
        std::io::ErrorKind::OutOfMemory => Fault::LIMIT,
        std::io::ErrorKind::Unsupported => Fault::UNSUPPORTED,
        _ => Fault::CORRUPT,
    }
}

macro_rules! lzma_codec {
    ($(#[$doc:meta])* $name:ident, $stream:ty, $unused:expr) => {
        $(#[$doc])*
        pub(crate) struct $name($stream);

        impl $name {
            /// Wraps a decoder that has not begun.
            pub(crate) fn new(stream: $stream) -> Self {
                $name(stream)
            }
        }

        impl Codec for $name {
            fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
                let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
                let action = if last { Action::Finish } else { Action::Run };
                let state = match self.0.process(input, output, action) {
                    Ok(result) if result.status == lzma_rust2::Status::StreamEnd => State::End,
                    Ok(_) => State::More,
                    Err(e) => State::Fault(of_lzma(&e)),
                };
                Step {
                    consumed: figure(self.0.total_in() - before_in),
                    produced: figure(self.0.total_out() - before_out),
                    state,
                }
            }

            fn unused(&self) -> usize {
                let unused: fn(&$stream) -> usize = $unused;
                unused(&self.0)
            }
        }
    };
}

lzma_codec!(
    /// LZMA, with or without the header of the `.lzma` format.
    Lzma, LzmaStream, |s| s.unused_input().len()
);
lzma_codec!(
    /// LZMA2.
    Lzma2, Lzma2Stream, |_| 0
);

/// A codec with a filter (delta, BCJ) behind it.
pub(crate) struct Filtered {
    inner: Box<dyn Codec>,
    filter: StreamFilter,
    /// Bytes out of `inner`: `done..settled` are filtered and wait, those from `settled` on the filter holds back.
    buffer: Vec<u8>,
    done: usize,
    settled: usize,
    ended: bool,
}

impl Filtered {
    /// Puts a filter behind a codec.
    pub(crate) fn new(inner: Box<dyn Codec>, filter: StreamFilter) -> Self {
        Filtered { inner, filter, buffer: Vec::new(), done: 0, settled: 0, ended: false }
    }
}

impl Codec for Filtered {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let mut consumed = 0;
        let mut state = State::More;
        if self.done == self.settled && !self.ended {
            self.buffer.drain(..self.settled);
            let held = self.buffer.len();
            self.buffer.resize(held + OUTPUT / 4, 0);
            let step = self.inner.step(input, &mut self.buffer[held..], last);
            consumed = step.consumed;
            self.buffer.truncate(held + step.produced);
            self.done = 0;
            self.settled = self.filter.decode(&mut self.buffer).min(self.buffer.len());
            match step.state {
                State::End => {
                    self.filter.finish();
                    self.settled = self.buffer.len();
                    self.ended = true;
                }
                other => state = other,
            }
        }
        let n = (self.settled - self.done).min(output.len());
        output[..n].copy_from_slice(&self.buffer[self.done..self.done + n]);
        self.done += n;
        if self.ended && self.done == self.settled {
            state = State::End;
        }
        Step { consumed, produced: n, state }
    }

    fn pending(&self) -> u64 {
        self.inner.pending()
    }

    fn unused(&self) -> usize {
        self.inner.unused()
    }
}
