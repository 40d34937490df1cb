//! xz: streams, padding between them, every check, and chains of filters. Headers, index and checks are read here, so that a check that does not
//! match is told and the data delivered all the same.

mod check;
mod header;
pub(crate) mod lzma;

use lzma_rust2::Lzma2Stream;
use lzma_rust2::filter::StreamFilter;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Note, Probe};

use crate::stream::codec::{Codec, Fault, Filtered, Lzma2};
use crate::stream::{Halt, MAX_DICTIONARY, Run};
use check::Check;
pub(crate) use check::crc32;
pub(crate) use header::dictionary_size;
use header::{Block, read_number};
use yumen_kit_container::FormatReader;

/// Reads xz.
pub(crate) struct Xz;

const FORMATS: &[Format] = &[Format {
    name: "xz",
    title: "xz compressed stream",
    media_type: "application/x-xz",
    extensions: &["xz", "txz"],
    magic: "FD 37 7A 58 5A 00 at the start",
    reference: "https://tukaani.org/xz/xz-file-format.txt",
    evidence: "the decoded stream as one child (streams joined)",
    limitations: &["dictionaries of more than 256 MiB are not decoded"],
}];

const MAGIC: [u8; 6] = [0xFD, b'7', b'z', b'X', b'Z', 0];

impl FormatReader for Xz {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        probe.head.starts_with(&MAGIC).then(|| Identity::new("xz", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut run = Run::new(artifact, out);
        let end = streams(&mut run);
        run.finish(&end)
    }
}

fn streams(run: &mut Run<'_>) -> Result<(), Halt> {
    loop {
        stream(run)?;
        // Stream padding is zeros in fours; only when a stream follows is it looked through here.
        let end = run.input.position();
        while run.input.peek(4)? == [0; 4] {
            run.input.consume(4);
        }
        if !run.input.peek(6)?.starts_with(&MAGIC) {
            run.input.seek(end);
            return Ok(());
        }
        run.settle();
    }
}

/// Sizes of the blocks, so that the index can be compared without keeping them all.
#[derive(Default, PartialEq, Eq)]
struct Sizes {
    blocks: u64,
    unpadded: u64,
    uncompressed: u64,
    mixed: u64,
}

impl Sizes {
    fn add(&mut self, unpadded: u64, uncompressed: u64) {
        self.blocks += 1;
        self.unpadded = self.unpadded.wrapping_add(unpadded);
        self.uncompressed = self.uncompressed.wrapping_add(uncompressed);
        for n in [unpadded, uncompressed] {
            self.mixed = (self.mixed.rotate_left(5) ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }
}

fn stream(run: &mut Run<'_>) -> Result<(), Halt> {
    let start = run.input.position();
    let Some(head) = run.input.peek_array::<12>()? else { return Err(Fault::TRUNCATED.into()) };
    if !head.starts_with(&MAGIC) {
        return Err(Fault::CORRUPT.into());
    }
    let [.., f0, f1, c0, c1, c2, c3] = head;
    if crc32(&[f0, f1]) != u32::from_le_bytes([c0, c1, c2, c3]) {
        run.mismatch(start + 8);
    }
    if f0 != 0 || f1 & 0xF0 != 0 {
        return Err(Fault::UNSUPPORTED.into());
    }
    run.input.consume(12);
    run.settle();
    // A stream without blocks is an empty file.
    run.open()?;
    let mut sizes = Sizes::default();
    loop {
        let Some([size]) = run.input.peek_array::<1>()? else { return Err(Fault::TRUNCATED.into()) };
        if size == 0 {
            break;
        }
        block(run, f1, &mut sizes)?;
    }
    index_and_footer(run, [f0, f1], &sizes)
}

/// The decoder of a block.
fn chain(block: &Block) -> Result<Box<dyn Codec>, Fault> {
    if u64::from(block.dictionary) > MAX_DICTIONARY {
        return Err(Fault::LIMIT);
    }
    let mut codec: Box<dyn Codec> = Box::new(Lzma2::new(Lzma2Stream::new(block.dictionary)));
    // The filter written first was applied first, so it is undone last.
    for filter in block.filters.iter().rev() {
        let filter = StreamFilter::new(filter).map_err(|_| Fault::UNSUPPORTED)?;
        codec = Box::new(Filtered::new(codec, filter));
    }
    Ok(codec)
}

fn block(run: &mut Run<'_>, kind: u8, sizes: &mut Sizes) -> Result<(), Halt> {
    let start = run.input.position();
    let Some([size]) = run.input.peek_array::<1>()? else { return Err(Fault::TRUNCATED.into()) };
    let size = (usize::from(size) + 1) * 4;
    let head = run.input.peek(size)?;
    if head.len() < size {
        return Err(Fault::TRUNCATED.into());
    }
    let block = Block::parse(head)?;
    let mut codec = chain(&block)?;
    run.input.consume(size);
    run.settle();

    let from = run.input.position();
    let before = run.delivered;
    let mut check = Check::new(kind);
    run.decode(codec.as_mut(), &mut |bytes| check.update(bytes))?;
    let packed = run.input.position() - from;
    let length = run.delivered - before;
    if block.packed.is_some_and(|n| n != packed) || block.unpacked.is_some_and(|n| n != length) {
        run.mismatch(start);
    }
    let padding = usize::try_from(packed.wrapping_neg() % 4).unwrap_or(0);
    let check_at = run.input.position() + padding as u64;
    let tail = run.input.peek(padding + check.size())?;
    if tail.len() < padding + check.size() {
        return Err(Fault::TRUNCATED.into());
    }
    let (pad, stored) = tail.split_at(padding);
    if pad.iter().any(|&b| b != 0) {
        return Err(Fault::CORRUPT.into());
    }
    let verdict = check.verify(stored);
    let taken = tail.len();
    run.input.consume(taken);
    run.settle();
    match verdict {
        Some(true) => {}
        Some(false) => run.mismatch(check_at),
        None => run.note(Note::new("unsupported-method").with("check", kind)),
    }
    sizes.add(size as u64 + packed + taken as u64 - padding as u64, length);
    Ok(())
}

/// Reads the index and the footer. They hold nothing that is not known by now: what disagrees is told, what is broken ends the stream.
fn index_and_footer(run: &mut Run<'_>, flags: [u8; 2], sizes: &Sizes) -> Result<(), Halt> {
    let start = run.input.position();
    let mut crc = check::Crc32::new();
    crc.update(&[0]);
    run.input.consume(1);
    let records = read_number(run, &mut crc)?;
    let mut listed = Sizes::default();
    // Each record takes at least two bytes, so this ends.
    for _ in 0..records {
        let unpadded = read_number(run, &mut crc)?;
        let uncompressed = read_number(run, &mut crc)?;
        listed.add(unpadded, uncompressed);
    }
    if listed != *sizes {
        return Err(Fault::CORRUPT.into());
    }
    let padding = usize::try_from((run.input.position() - start).wrapping_neg() % 4).unwrap_or(0);
    let index_size = run.input.position() + padding as u64 + 4 - start;
    let tail = run.input.peek(padding + 4 + 12)?;
    if tail.len() < padding + 16 {
        return Err(Fault::TRUNCATED.into());
    }
    let (pad, rest) = tail.split_at(padding);
    if pad.iter().any(|&b| b != 0) {
        return Err(Fault::CORRUPT.into());
    }
    crc.update(pad);
    let word = |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
    let index_crc = word(0);
    let (footer_crc, backward) = (word(4), word(8));
    let footer_holds = crc32(&rest[8..14]) == footer_crc
        && (u64::from(backward) + 1) * 4 == index_size
        && rest[12..14] == flags
        && rest[14..16] == *b"YZ";
    if !footer_holds {
        return Err(Fault::CORRUPT.into());
    }
    let crc_at = start + index_size - 4;
    run.input.consume(padding + 16);
    run.settle();
    if crc.sum() != index_crc {
        run.mismatch(crc_at);
    }
    Ok(())
}
