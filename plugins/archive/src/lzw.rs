//! Files of the Unix `compress` command (`.Z`).

use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::stream::codec::{Codec, Fault, State, Step};
use crate::stream::{Halt, Run};
use yumen_kit_container::FormatReader;

/// Reads `.Z` files.
pub(crate) struct Compress;

const FORMATS: &[Format] = &[Format {
    name: "compress",
    title: "Unix compress (LZW)",
    media_type: "application/x-compress",
    extensions: &["z"],
    magic: "1F 9D, then a width of 9 to 16 bits without reserved flags",
    reference: "https://github.com/vapier/ncompress",
    evidence: "the decoded stream as child",
    limitations: &["the format has no end and no checksum: data behind the stream can't be told from it"],
}];

/// In the third byte: codes of clearing are in use.
const BLOCK_MODE: u8 = 0x80;
const CLEAR: u32 = 256;

fn width(head: &[u8]) -> Option<(u32, bool)> {
    match head {
        [0x1F, 0x9D, flags, ..] if flags & 0x60 == 0 && (9..=16).contains(&(flags & 0x1F)) => {
            Some((u32::from(flags & 0x1F), flags & BLOCK_MODE != 0))
        }
        _ => None,
    }
}

impl FormatReader for Compress {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let (most, block) = width(probe.head)?;
        // Two bytes are a weak signature: the first codes must make sense as well.
        let mut lzw = Lzw::new(most, block);
        let input = &probe.head[3..];
        let mut output = vec![0; 16 << 10];
        let last = probe.head.len() as u64 == probe.blob.len();
        match lzw.step(input, &mut output, last).state {
            State::Fault(_) => None,
            _ => Some(Identity::new("compress", Certainty::Signature)),
        }
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut run = Run::new(artifact, out);
        let end = stream(&mut run);
        run.finish(&end)
    }
}

fn stream(run: &mut Run<'_>) -> Result<(), Halt> {
    let Some((most, block)) = width(run.input.peek(3)?) else { return Err(Fault::CORRUPT.into()) };
    run.input.consume(3);
    run.decode(&mut Lzw::new(most, block), &mut |_| {})
}

/// The decoder. Codes are stored low bit first in groups of eight; when the width changes or the table is cleared, the rest of the group is
/// padding.
struct Lzw {
    most: u32,
    block: bool,
    width: u32,
    /// Codes read of the current group of eight.
    in_group: u32,
    skip_bits: u32,
    bits: u64,
    held: u32,
    /// The entry behind each code: its prefix and last byte.
    prefix: Vec<u16>,
    last: Vec<u8>,
    free: u32,
    previous: Option<u32>,
    first: u8,
    /// Decoded bytes that found no room yet, last byte first.
    stack: Vec<u8>,
}

impl Lzw {
    fn new(most: u32, block: bool) -> Self {
        let size = 1 << most;
        let mut last = vec![0; size];
        for (i, byte) in last.iter_mut().take(256).enumerate() {
            *byte = i as u8;
        }
        Lzw {
            most,
            block,
            width: 9,
            in_group: 0,
            skip_bits: 0,
            bits: 0,
            held: 0,
            prefix: vec![0; size],
            last,
            free: if block { 257 } else { 256 },
            previous: None,
            first: 0,
            stack: Vec::new(),
        }
    }

    /// Leaves the rest of the current group of eight codes.
    fn pad(&mut self) {
        self.skip_bits = (8 - self.in_group) % 8 * self.width;
        self.in_group = 0;
    }

    /// Takes one code; false when it can't be.
    fn code(&mut self, code: u32) -> bool {
        if code == CLEAR && self.block {
            self.pad();
            self.width = 9;
            self.free = 257;
            self.previous = None;
            return true;
        }
        let Some(previous) = self.previous else {
            if code > 255 {
                return false;
            }
            self.first = code as u8;
            self.stack.push(self.first);
            self.previous = Some(code);
            return true;
        };
        let mut at = code;
        if code >= self.free {
            if code > self.free {
                return false;
            }
            self.stack.push(self.first);
            at = previous;
        }
        while at > 255 {
            // An entry's prefix is always older than the entry, so this ends.
            self.stack.push(self.last[at as usize]);
            at = u32::from(self.prefix[at as usize]);
        }
        self.first = at as u8;
        self.stack.push(self.first);
        if self.free < 1 << self.most {
            self.prefix[self.free as usize] = previous as u16;
            self.last[self.free as usize] = self.first;
            self.free += 1;
            if self.free >= 1 << self.width && self.width < self.most {
                self.pad();
                self.width += 1;
            }
        }
        self.previous = Some(code);
        true
    }
}

impl Codec for Lzw {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let mut consumed = 0;
        let mut produced = 0;
        let state = loop {
            while produced < output.len()
                && let Some(byte) = self.stack.pop()
            {
                output[produced] = byte;
                produced += 1;
            }
            if !self.stack.is_empty() {
                break State::More;
            }
            while self.held <= 56 && consumed < input.len() && (self.held < self.width || self.skip_bits > 0) {
                self.bits |= u64::from(input[consumed]) << self.held;
                self.held += 8;
                consumed += 1;
                let skip = self.skip_bits.min(self.held);
                self.bits >>= skip;
                self.held -= skip;
                self.skip_bits -= skip;
            }
            if self.skip_bits > 0 || self.held < self.width {
                // What is left over at the end are the fill bits of the last byte.
                break if last && consumed == input.len() { State::End } else { State::More };
            }
            let code = (self.bits & ((1 << self.width) - 1)) as u32;
            self.bits >>= self.width;
            self.held -= self.width;
            self.in_group = (self.in_group + 1) % 8;
            if !self.code(code) {
                break State::Fault(Fault::CORRUPT);
            }
        };
        Step { consumed, produced, state }
    }
}
