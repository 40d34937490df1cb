//! bzip2, of one stream or of many (as pbzip2 writes it).

use ::bzip2::{Decompress, Status};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::stream::codec::{Codec, Fault, State, Step};
use crate::stream::{Halt, Run};
use yumen_kit_container::FormatReader;

/// Reads bzip2.
pub(crate) struct Bzip2;

const FORMATS: &[Format] = &[Format {
    name: "bzip2",
    title: "bzip2 compressed stream",
    media_type: "application/x-bzip2",
    extensions: &["bz2", "tbz", "tbz2", "tb2", "bzip2"],
    magic: "BZh1 to BZh9, then the magic of a block (31 41 59 26 53 59) or of the end (17 72 45 38 50 90)",
    reference: "https://sourceware.org/bzip2/ ; https://github.com/dsnet/compress/blob/master/doc/bzip2-format.pdf",
    evidence: "the decoded stream as one child (streams joined)",
    limitations: &["a block whose checksum does not match ends the decoding; later blocks are not searched for"],
}];

const BLOCK: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
const END: [u8; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];

/// Bytes given to the decoder at once: it takes a whole block before any of it comes out, and this bounds how far the account of decoded
/// bytes lags behind.
const SLICE: usize = 4 << 10;

/// Whether a stream begins here.
fn begins(head: &[u8]) -> bool {
    matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', magic @ ..] if magic.starts_with(&BLOCK) || magic.starts_with(&END))
}

impl FormatReader for Bzip2 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        begins(probe.head).then(|| Identity::new("bzip2", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut run = Run::new(artifact, out);
        let end = streams(&mut run);
        run.finish(&end)
    }
}

fn streams(run: &mut Run<'_>) -> Result<(), Halt> {
    loop {
        run.decode(&mut Blocks::new(), &mut |_| {})?;
        if !begins(run.input.peek(10)?) {
            return Ok(());
        }
    }
}

/// The decoder of one stream.
pub(crate) struct Blocks {
    decoder: Decompress,
    pending: u64,
}

impl Blocks {
    /// A new decoder.
    pub(crate) fn new() -> Self {
        Blocks { decoder: Decompress::new(false), pending: 0 }
    }
}

impl Codec for Blocks {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let (before_in, before_out) = (self.decoder.total_in(), self.decoder.total_out());
        let state = match self.decoder.decompress(&input[..input.len().min(SLICE)], output) {
            Ok(Status::StreamEnd) => State::End,
            Ok(Status::MemNeeded) => State::Fault(Fault::LIMIT),
            Ok(_) => State::More,
            Err(_) => State::Fault(Fault::CORRUPT),
        };
        let consumed = self.decoder.total_in() - before_in;
        let produced = self.decoder.total_out() - before_out;
        // Output comes from a block that ended before or within this slice.
        self.pending = if state == State::End {
            0
        } else if produced > 0 {
            consumed
        } else {
            self.pending + consumed
        };
        Step {
            consumed: usize::try_from(consumed).unwrap_or(usize::MAX),
            produced: usize::try_from(produced).unwrap_or(usize::MAX),
            state,
        }
    }

    fn pending(&self) -> u64 {
        self.pending
    }
}
