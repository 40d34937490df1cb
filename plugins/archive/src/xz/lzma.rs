//! LZMA in its own files: `.lzma` ("alone") and lzip.

use flate2::Crc;
use lzma_rust2::LzmaStream;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::stream::codec::{Codec, Fault, Lzma, State};
use crate::stream::{Halt, MAX_DICTIONARY, Run};
use yumen_kit_container::FormatReader;

/// Reads `.lzma` and lzip.
pub(crate) struct LzmaFiles;

const FORMATS: &[Format] = &[
    Format {
        name: "lzma",
        title: "LZMA stream (LZMA_Alone)",
        media_type: "application/x-lzma",
        extensions: &["lzma"],
        magic: "none: the properties, dictionary size and length must be usual ones, and the head must decode",
        reference: "https://git.tukaani.org/?p=xz.git;a=blob;f=doc/lzma-file-format.txt",
        evidence: "the decoded stream as child",
        limitations: &["no checksum exists", "dictionaries of more than 256 MiB are not decoded"],
    },
    Format {
        name: "lzip",
        title: "lzip compressed stream",
        media_type: "application/lzip",
        extensions: &["lz"],
        magic: "LZIP 01 at the start",
        reference: "https://www.nongnu.org/lzip/manual/lzip_manual.html#File-format",
        evidence: "the decoded stream as one child (members joined)",
        limitations: &["dictionaries of more than 256 MiB are not decoded"],
    },
];

/// The header of an `.lzma` file.
struct Head {
    properties: u8,
    dictionary: u32,
    /// Length of the data; none when an end marker tells it.
    length: Option<u64>,
}

impl Head {
    /// Reads a header that could be one: the format has no magic, so only usual values are taken.
    fn parse(head: &[u8]) -> Option<Head> {
        let [properties, d0, d1, d2, d3, length @ ..] = head.first_chunk::<13>()?;
        let (dictionary, length) = (u32::from_le_bytes([*d0, *d1, *d2, *d3]), u64::from_le_bytes(*length));
        // The range coder's first byte is always zero.
        let starts_well = head.get(13).is_none_or(|&b| b == 0);
        // 2^n and 2^n + 2^(n-1) are what encoders write.
        let usual = dictionary == u32::MAX
            || (dictionary >= 4096
                && (dictionary.is_power_of_two()
                    || dictionary.is_multiple_of(3) && (dictionary / 3).is_power_of_two()));
        let plausible = length == u64::MAX || length < 1 << 38;
        (*properties < 225 && usual && plausible && starts_well).then_some(Head {
            properties: *properties,
            dictionary,
            length: (length != u64::MAX).then_some(length),
        })
    }

    fn codec(&self) -> Result<Lzma, Fault> {
        if u64::from(self.dictionary) > MAX_DICTIONARY && self.length.is_none_or(|n| n > MAX_DICTIONARY) {
            return Err(Fault::LIMIT);
        }
        let dictionary = self.dictionary.min(MAX_DICTIONARY as u32).max(4096);
        LzmaStream::new_with_props(self.length.unwrap_or(u64::MAX), self.properties, dictionary, None)
            .map(Lzma::new)
            .map_err(|_| Fault::CORRUPT)
    }

    /// Whether the head of the file decodes.
    fn decodes(&self, probe: &Probe<'_>) -> bool {
        let Ok(mut codec) = self.codec() else { return false };
        let last = probe.head.len() as u64 == probe.blob.len();
        let mut input = &probe.head[13..];
        let mut output = vec![0; 64 << 10];
        let mut produced = 0;
        loop {
            let step = codec.step(input, &mut output, last);
            input = &input[step.consumed..];
            produced += step.produced;
            match step.state {
                State::End => return true,
                // A file that is cut short is still what it is, when some of it makes sense.
                State::Fault(fault) => return fault == Fault::TRUNCATED && produced >= 64,
                State::More if step.consumed == 0 && step.produced == 0 => return produced > 0,
                State::More => {}
            }
        }
    }
}

fn is_lzip(head: &[u8]) -> bool {
    head.starts_with(b"LZIP\x01")
}

impl FormatReader for LzmaFiles {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if is_lzip(probe.head) {
            return Some(Identity::new("lzip", Certainty::Signature));
        }
        let head = Head::parse(probe.head)?;
        // 0x5D (lc 3, lp 0, pb 2) is what nearly every encoder writes; others are believed only by name.
        let named = probe.extension() == "lzma";
        ((head.properties == 0x5D || named) && head.decodes(probe)).then(|| Identity::new("lzma", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut run = Run::new(artifact, out);
        let end = if artifact.format == "lzip" { lzip(&mut run) } else { alone(&mut run) };
        run.finish(&end)
    }
}

fn alone(run: &mut Run<'_>) -> Result<(), Halt> {
    let head = Head::parse(run.input.peek(14)?).ok_or(Fault::CORRUPT)?;
    let mut codec = head.codec()?;
    run.input.consume(13);
    run.settle();
    run.decode(&mut codec, &mut |_| {})?;
    Ok(())
}

fn lzip(run: &mut Run<'_>) -> Result<(), Halt> {
    loop {
        let start = run.input.position();
        let Some(head) = run.input.peek_array::<6>()? else { return Err(Fault::TRUNCATED.into()) };
        if !is_lzip(&head) {
            return Err(Fault::CORRUPT.into());
        }
        let dictionary = lzip_dictionary(head[5])?;
        if u64::from(dictionary) > MAX_DICTIONARY {
            return Err(Fault::LIMIT.into());
        }
        run.input.consume(6);
        run.settle();
        // lzip fixes lc 3, lp 0, pb 2 and always ends with a marker.
        let stream = LzmaStream::new(u64::MAX, 3, 0, 2, dictionary, None).map_err(|_| Fault::CORRUPT)?;
        let before = run.delivered;
        let mut crc = Crc::new();
        run.decode(&mut Lzma::new(stream), &mut |bytes| crc.update(bytes))?;
        let at = run.input.position();
        let Some(trailer) = run.input.peek_array::<20>()? else { return Err(Fault::TRUNCATED.into()) };
        let mut expected = [0; 20];
        expected[..4].copy_from_slice(&crc.sum().to_le_bytes());
        expected[4..12].copy_from_slice(&(run.delivered - before).to_le_bytes());
        expected[12..].copy_from_slice(&(at + 20 - start).to_le_bytes());
        if trailer != expected {
            run.mismatch(at);
        }
        run.input.consume(20);
        run.settle();
        if !is_lzip(run.input.peek(6)?) {
            return Ok(());
        }
    }
}

/// The dictionary size of a member: 2^n less 0 to 7 sixteenths.
fn lzip_dictionary(coded: u8) -> Result<u32, Fault> {
    let log = coded & 0x1F;
    if !(12..=29).contains(&log) {
        return Err(Fault::CORRUPT);
    }
    let base = 1u32 << log;
    Ok(base - (base / 16) * u32::from(coded >> 5))
}
