//! LZ4: frames (linked and independent blocks), legacy frames as Linux and Android images use them, and skippable frames.

use std::hash::Hasher;

use lz4_flex::block::decompress_into_with_dict;
use twox_hash::XxHash32;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Note, Probe};

use crate::stream::codec::Fault;
use crate::stream::skippable::{Skippable, first_magic, is_skippable};
use crate::stream::{Halt, Run};
use yumen_kit_container::FormatReader;

/// Reads LZ4.
pub(crate) struct Lz4;

const FORMATS: &[Format] = &[Format {
    name: "lz4",
    title: "LZ4 compressed stream",
    media_type: "application/x-lz4",
    extensions: &["lz4"],
    magic: "04 22 4D 18 (frame) or 02 21 4C 18 (legacy frame) at the start, or behind skippable frames",
    reference: "https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md",
    evidence: "the decoded stream as one child (frames joined); the content of skippable frames as children [skippable-1]…",
    limitations: &["frames that need a dictionary are not opened", "of a broken block nothing is delivered"],
}];

const FRAME: [u8; 4] = [0x04, 0x22, 0x4D, 0x18];
const LEGACY: [u8; 4] = [0x02, 0x21, 0x4C, 0x18];
const LEGACY_BLOCK: usize = 8 << 20;
/// How far back a match may reach.
const HISTORY: usize = 64 << 10;

/// The longest a compressed block of `n` bytes can be.
const fn bound(n: usize) -> usize {
    n + n / 255 + 16
}

impl FormatReader for Lz4 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let (magic, at) = first_magic(probe.blob)?;
        let ours = match magic {
            // Version 01, reserved bits clear, a block size that exists.
            FRAME if at == 0 => match probe.head.get(4..6) {
                Some([flags, sizes]) => flags & 0xC2 == 0x40 && sizes & 0x8F == 0 && *sizes >= 0x40,
                _ => true,
            },
            FRAME => true,
            LEGACY if at == 0 => match probe.head.get(4..8).and_then(|s| s.first_chunk::<4>()) {
                Some(size) => (1..=bound(LEGACY_BLOCK) as u32).contains(&u32::from_le_bytes(*size)),
                None => true,
            },
            _ => false,
        };
        ours.then(|| Identity::new("lz4", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut run = Run::new(artifact, out);
        let end = frames(&mut run);
        run.finish(&end)
    }
}

fn frames(run: &mut Run<'_>) -> Result<(), Halt> {
    let mut skippable = Skippable::default();
    let mut blocks = Blocks::default();
    loop {
        let start = run.input.position();
        let result = match run.input.peek_array::<4>()? {
            Some(FRAME) => frame(run, &mut blocks),
            Some(LEGACY) => legacy(run, &mut blocks),
            Some(magic) if is_skippable(magic) => {
                skippable.read(run)?;
                continue;
            }
            _ if start == 0 => return Err(Fault::CORRUPT.into()),
            _ => {
                skippable.frame(run, None);
                return Ok(());
            }
        };
        let length = run.input.position() - start;
        skippable.frame(run, result.is_ok().then_some(length));
        result?;
    }
}

/// Buffers for blocks, kept from one to the next.
#[derive(Default)]
struct Blocks {
    packed: Vec<u8>,
    output: Vec<u8>,
    /// The last output, for blocks that refer to it.
    history: Vec<u8>,
}

impl Blocks {
    /// Decodes what is in `packed` into the first bytes of `output`; returns how many.
    fn decode(&mut self, most: usize) -> Result<usize, Fault> {
        if self.output.len() < most {
            self.output.resize(most, 0);
        }
        decompress_into_with_dict(&self.packed, &mut self.output[..most], &self.history).map_err(|_| Fault::CORRUPT)
    }

    fn remember(history: &mut Vec<u8>, bytes: &[u8]) {
        if bytes.len() >= HISTORY {
            history.clear();
            history.extend_from_slice(&bytes[bytes.len() - HISTORY..]);
            return;
        }
        let keep = HISTORY - bytes.len();
        if history.len() > keep {
            history.drain(..history.len() - keep);
        }
        history.extend_from_slice(bytes);
    }
}

fn word(run: &mut Run<'_>) -> Result<u32, Halt> {
    let Some(bytes) = run.input.peek_array::<4>()? else { return Err(Fault::TRUNCATED.into()) };
    run.input.consume(4);
    Ok(u32::from_le_bytes(bytes))
}

fn frame(run: &mut Run<'_>, blocks: &mut Blocks) -> Result<(), Halt> {
    let start = run.input.position();
    let Some([_, _, _, _, flags, sizes]) = run.input.peek_array::<6>()? else { return Err(Fault::TRUNCATED.into()) };
    if flags >> 6 != 1 {
        return Err(Fault::UNSUPPORTED.into());
    }
    let most = match sizes >> 4 & 7 {
        n @ 4..=7 => 1usize << (2 * usize::from(n) + 8),
        _ => return Err(Fault::CORRUPT.into()),
    };
    let (linked, block_sums, has_size) = (flags & 0x20 == 0, flags & 0x10 != 0, flags & 0x08 != 0);
    let (content_sum, has_dictionary) = (flags & 0x04 != 0, flags & 0x01 != 0);
    let described = 2 + 8 * usize::from(has_size) + 4 * usize::from(has_dictionary);
    let head = run.input.peek(4 + described + 1)?;
    let Some((descriptor, [sum])) = head.get(4..).and_then(|h| h.split_at_checked(described)) else {
        return Err(Fault::TRUNCATED.into());
    };
    let header_holds = (XxHash32::oneshot(0, descriptor) >> 8) as u8 == *sum;
    let told = if has_size { descriptor[2..].first_chunk::<8>().map(|b| u64::from_le_bytes(*b)) } else { None };
    run.input.consume(4 + described + 1);
    if !header_holds {
        run.mismatch(start + 4);
    }
    run.open()?;
    if !has_dictionary {
        run.settle();
    }
    let before = run.delivered;
    let mut content = XxHash32::with_seed(0);
    blocks.history.clear();
    loop {
        let at = run.input.position();
        let coded = word(run)?;
        if coded == 0 {
            break;
        }
        let (size, stored) = ((coded & 0x7FFF_FFFF) as usize, coded >> 31 == 1);
        if size > most {
            return Err(Fault::CORRUPT.into());
        }
        blocks.packed.clear();
        run.input.take(size, &mut blocks.packed)?;
        if blocks.packed.len() < size {
            return Err(Fault::TRUNCATED.into());
        }
        if block_sums && word(run)? != XxHash32::oneshot(0, &blocks.packed) {
            run.mismatch(at);
        }
        if has_dictionary {
            continue;
        }
        let output = if stored {
            &blocks.packed
        } else {
            let n = blocks.decode(most)?;
            &blocks.output[..n]
        };
        run.deliver(output)?;
        run.settle();
        if content_sum {
            content.write(output);
        }
        if linked {
            Blocks::remember(&mut blocks.history, output);
        }
    }
    let end = run.input.position();
    let sum = if content_sum { Some(word(run)?) } else { None };
    if has_dictionary {
        run.note(Note::new(Fault::UNSUPPORTED.note).with("needs", "dictionary"));
        run.incomplete();
        run.settle();
        run.skip(start..run.settled(), Fault::UNSUPPORTED.reason);
        return Ok(());
    }
    run.settle();
    if sum.is_some_and(|s| s != content.finish_32()) || told.is_some_and(|n| n != run.delivered - before) {
        run.mismatch(end);
    }
    Ok(())
}

/// A legacy frame: blocks of 8 MiB until the data ends, another frame begins, or what follows can't be a block.
fn legacy(run: &mut Run<'_>, blocks: &mut Blocks) -> Result<(), Halt> {
    run.input.consume(4);
    run.open()?;
    run.settle();
    let before = run.delivered;
    blocks.history.clear();
    loop {
        let Some(bytes) = run.input.peek_array::<4>()? else {
            return if run.input.remaining() == 0 { Ok(()) } else { leftover(run) };
        };
        let size = u32::from_le_bytes(bytes) as usize;
        if size == 0 || size > bound(LEGACY_BLOCK) {
            return Ok(());
        }
        // The Linux build appends the length of the decoded image.
        if run.input.remaining() == 4 {
            if size as u64 == (run.delivered - before) & 0xFFFF_FFFF {
                run.input.consume(4);
                run.settle();
            }
            return Ok(());
        }
        run.input.consume(4);
        blocks.packed.clear();
        run.input.take(size, &mut blocks.packed)?;
        if blocks.packed.len() < size {
            return Err(Fault::TRUNCATED.into());
        }
        let n = blocks.decode(LEGACY_BLOCK)?;
        run.deliver(&blocks.output[..n])?;
        run.settle();
    }
}

/// One to three bytes behind the last block: data behind the stream.
fn leftover(run: &mut Run<'_>) -> Result<(), Halt> {
    run.input.seek(run.settled());
    Ok(())
}
