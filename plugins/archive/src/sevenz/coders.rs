//! The methods of 7z, as readers.

use std::io::{self, BufReader, Read};
use std::rc::Rc;

use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::bcj2::Bcj2Reader;
use lzma_rust2::filter::delta::DeltaReader;
use lzma_rust2::{Lzma2Stream, LzmaStream};

use super::block::Progress;
use super::streams::Coder;
use crate::bzip2::Blocks;
use crate::stream::MAX_DICTIONARY;
use crate::stream::codec::{Codec, Fault, Inflate, Lzma, Lzma2, State};
use crate::xz::dictionary_size;

/// Size of the buffer between the archive and a codec.
const BUFFER: usize = 64 << 10;

/// The reader of a coder's output, which is `size` bytes long.
pub(super) fn decoder<'a>(
    coder: &Coder,
    mut inputs: Vec<Box<dyn Read + 'a>>,
    size: u64,
    progress: &Rc<Progress>,
) -> Result<Box<dyn Read + 'a>, Fault> {
    if coder.method == 0x0303_011B {
        // BCJ2: the code, call targets, jump targets, and the stream that tells which is which.
        if inputs.len() != 4 {
            return Err(Fault::CORRUPT);
        }
        let reader = Bcj2Reader::try_new(inputs, size).map_err(|_| Fault::CORRUPT)?;
        return Ok(Box::new(reader));
    }
    let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else { return Err(Fault::UNSUPPORTED) };
    let start = || match coder.properties.first_chunk::<4>() {
        // An offset in the code; one that does not fit is no real one.
        Some(bytes) => usize::try_from(u32::from_le_bytes(*bytes)).unwrap_or(0),
        None => 0,
    };
    let pulled = |codec: Box<dyn Codec>, input: Box<dyn Read + 'a>| -> Box<dyn Read + 'a> {
        Box::new(Pulled::new(codec, input, Rc::clone(progress)))
    };
    let property = |i: usize| coder.properties.get(i).copied().ok_or(Fault::CORRUPT);
    Ok(match coder.method {
        0x00 => input,
        0x03 => Box::new(DeltaReader::new(input, usize::from(coder.properties.first().copied().unwrap_or(0)) + 1)),
        0x04 | 0x0303_0103 => Box::new(BcjReader::new_x86(input, start())),
        0x05 | 0x0303_0205 => Box::new(BcjReader::new_ppc(input, start())),
        0x06 | 0x0303_0401 => Box::new(BcjReader::new_ia64(input, start())),
        0x07 | 0x0303_0501 => Box::new(BcjReader::new_arm(input, start())),
        0x08 | 0x0303_0701 => Box::new(BcjReader::new_arm_thumb(input, start())),
        0x09 | 0x0303_0805 => Box::new(BcjReader::new_sparc(input, start())),
        0x0A => Box::new(BcjReader::new_arm64(input, start())),
        0x0B => Box::new(BcjReader::new_riscv(input, start())),
        0x21 => {
            let dictionary = fitting(dictionary_size(property(0)?)?, size)?;
            pulled(Box::new(Lzma2::new(Lzma2Stream::new(dictionary))), input)
        }
        0x03_0101 => {
            let dictionary = coder.properties.get(1..5).and_then(|b| b.first_chunk()).ok_or(Fault::CORRUPT)?;
            let dictionary = fitting(u32::from_le_bytes(*dictionary), size)?;
            let stream =
                LzmaStream::new_with_props(size, property(0)?, dictionary, None).map_err(|_| Fault::CORRUPT)?;
            pulled(Box::new(Lzma::new(stream)), input)
        }
        0x03_0401 => {
            let order = u32::from(property(0)?);
            let memory = coder.properties.get(1..5).and_then(|b| b.first_chunk()).ok_or(Fault::CORRUPT)?;
            let memory = u32::from_le_bytes(*memory);
            if u64::from(memory) > MAX_DICTIONARY {
                return Err(Fault::LIMIT);
            }
            // The order and memory that the model is defined for (Ppmd7.h).
            if !(2..=64).contains(&order) || memory < 1 << 11 {
                return Err(Fault::CORRUPT);
            }
            let input = BufReader::with_capacity(BUFFER, input);
            let reader = ppmd_rust::Ppmd7Decoder::new(input, order, memory).map_err(|_| Fault::CORRUPT)?;
            Box::new(reader.take(size))
        }
        0x04_0108 => pulled(Box::new(Inflate::new()), input),
        0x04_0109 => Box::new(deflate64::Deflate64Decoder::with_buffer(BufReader::with_capacity(BUFFER, input))),
        0x04_0202 => pulled(Box::new(Blocks::new()), input),
        0x04F7_1101 => {
            let mut reader =
                ::zstd::Decoder::with_buffer(BufReader::with_capacity(BUFFER, input)).map_err(|_| Fault::LIMIT)?;
            reader.window_log_max(27).map_err(|_| Fault::LIMIT)?;
            Box::new(reader)
        }
        0x04F7_1104 => Box::new(lz4_flex::frame::FrameDecoder::new(BufReader::with_capacity(BUFFER, input))),
        _ => return Err(Fault::UNSUPPORTED),
    })
}

/// A dictionary no larger than the data it serves; a fault when that is over the limit.
fn fitting(dictionary: u32, size: u64) -> Result<u32, Fault> {
    let needed = u64::from(dictionary).min(size).max(4096);
    if needed > MAX_DICTIONARY {
        return Err(Fault::LIMIT);
    }
    u32::try_from(needed).map_err(|_| Fault::LIMIT)
}

/// What an error of a reader means.
pub(super) fn fault_of(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::TRUNCATED,
        io::ErrorKind::OutOfMemory => Fault::LIMIT,
        io::ErrorKind::Unsupported => Fault::UNSUPPORTED,
        _ => Fault::CORRUPT,
    }
}

/// A codec that is pulled. What it wrote before a fault comes out before the fault is told.
struct Pulled<'a> {
    codec: Box<dyn Codec>,
    input: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    last: bool,
    ended: bool,
    fault: Option<Fault>,
    progress: Rc<Progress>,
}

impl<'a> Pulled<'a> {
    fn new(codec: Box<dyn Codec>, input: Box<dyn Read + 'a>, progress: Rc<Progress>) -> Self {
        Pulled {
            codec,
            input,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            last: false,
            ended: false,
            fault: None,
            progress,
        }
    }
}

fn error_of(fault: Fault) -> io::Error {
    let kind = if fault == Fault::TRUNCATED {
        io::ErrorKind::UnexpectedEof
    } else if fault == Fault::LIMIT {
        io::ErrorKind::OutOfMemory
    } else if fault == Fault::UNSUPPORTED {
        io::ErrorKind::Unsupported
    } else {
        io::ErrorKind::InvalidData
    };
    kind.into()
}

impl Read for Pulled<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let mut stalled = false;
        loop {
            if let Some(fault) = self.fault {
                return Err(error_of(fault));
            }
            if self.ended {
                return Ok(0);
            }
            if self.start == self.end && !self.last {
                self.start = 0;
                self.end = self.input.read(&mut self.buffer)?;
                self.last = self.end == 0;
            }
            let step = self.codec.step(&self.buffer[self.start..self.end], buf, self.last);
            self.start = (self.start + step.consumed).min(self.end);
            match step.state {
                State::End => {
                    self.ended = true;
                    let unused = self.end - self.start + self.codec.unused();
                    let end = self.progress.reached.get().saturating_sub(unused as u64);
                    self.progress.ended.set(Some(end));
                    self.progress.settled.set(end);
                }
                State::Fault(fault) => self.fault = Some(fault),
                State::More if step.consumed == 0 && step.produced == 0 => {
                    if self.last {
                        self.fault = Some(Fault::TRUNCATED);
                    } else if std::mem::replace(&mut stalled, true) {
                        self.fault = Some(Fault::CORRUPT);
                    }
                }
                State::More => {}
            }
            if step.produced > 0 {
                return Ok(step.produced);
            }
        }
    }
}
