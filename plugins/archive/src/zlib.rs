//! zlib streams that stand alone (RFC 1950).

use flate2::{Decompress, FlushDecompress, Status};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::stream::codec::{Fault, Inflate};
use crate::stream::{Halt, Run};
use yumen_kit_container::FormatReader;

/// Reads zlib.
pub(crate) struct Zlib;

const FORMATS: &[Format] = &[Format {
    name: "zlib",
    title: "zlib compressed stream",
    media_type: "application/zlib",
    extensions: &["zz", "zlib"],
    magic: "a two-byte header whose check holds, and a head that inflates without error; a short stream must end with its checksum",
    reference: "RFC 1950",
    evidence: "the decoded stream as child",
    limitations: &["streams with a preset dictionary are not opened"],
}];

/// A stream that goes beyond the head must have inflated this much of it, in bytes in and out.
const ENOUGH_IN: u64 = 4 << 10;

fn header_holds(head: &[u8]) -> bool {
    // Deflate with a window of 32 KiB, the check of the header, no preset dictionary. Other windows are lawful and too rare for so
    // short a signature.
    matches!(head, [cmf @ 0x78, flg, ..] if (u16::from(*cmf) << 8 | u16::from(*flg)).is_multiple_of(31) && flg & 0x20 == 0)
}

/// Whether the head inflates as a zlib stream should.
fn inflates(probe: &Probe<'_>) -> bool {
    let whole = probe.head.len() as u64 == probe.blob.len();
    let mut decoder = Decompress::new(true);
    let mut output = vec![0; 32 << 10];
    loop {
        let at = usize::try_from(decoder.total_in()).unwrap_or(usize::MAX).min(probe.head.len());
        let before = (decoder.total_in(), decoder.total_out());
        match decoder.decompress(&probe.head[at..], &mut output, FlushDecompress::None) {
            // The checksum was right, else it would be an error.
            Ok(Status::StreamEnd) => return decoder.total_out() > 0,
            Ok(_) if before == (decoder.total_in(), decoder.total_out()) => {
                return !whole && decoder.total_in() >= ENOUGH_IN && decoder.total_out() >= ENOUGH_IN;
            }
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

impl FormatReader for Zlib {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        (header_holds(probe.head) && inflates(probe)).then(|| Identity::new("zlib", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut run = Run::new(artifact, out);
        let end = stream(&mut run);
        run.finish(&end)
    }
}

fn stream(run: &mut Run<'_>) -> Result<(), Halt> {
    if !header_holds(run.input.peek(2)?) {
        return Err(Fault::CORRUPT.into());
    }
    run.input.consume(2);
    let mut sum = Adler::new();
    run.decode(&mut Inflate::new(), &mut |bytes| sum.update(bytes))?;
    let at = run.input.position();
    let Some(stored) = run.input.peek_array::<4>()? else { return Err(Fault::TRUNCATED.into()) };
    if u32::from_be_bytes(stored) != sum.value() {
        run.mismatch(at);
    }
    run.input.consume(4);
    run.settle();
    Ok(())
}

/// Adler-32 (RFC 1950, 8.2).
struct Adler {
    a: u32,
    b: u32,
}

impl Adler {
    fn new() -> Self {
        Adler { a: 1, b: 0 }
    }

    fn update(&mut self, bytes: &[u8]) {
        const BASE: u32 = 65_521;
        // The longest run for which `b` does not overflow.
        for run in bytes.chunks(5552) {
            for &byte in run {
                self.a += u32::from(byte);
                self.b += self.a;
            }
            self.a %= BASE;
            self.b %= BASE;
        }
    }

    fn value(&self) -> u32 {
        self.b << 16 | self.a
    }
}
