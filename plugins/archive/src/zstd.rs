//! Zstandard (RFC 8878), of one frame or of many, with skippable frames.

use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Note, Probe};

use ::zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;
use ::zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, is_error_kind};

use crate::stream::codec::{Codec, Fault, State, Step};
use crate::stream::skippable::{Skippable, first_magic, is_skippable};
use crate::stream::{Halt, Run};
use yumen_kit_container::FormatReader;

/// Reads Zstandard.
pub(crate) struct Zstd;

const FORMATS: &[Format] = &[Format {
    name: "zstd",
    title: "Zstandard compressed stream",
    media_type: "application/zstd",
    extensions: &["zst", "tzst", "zstd"],
    magic: "28 B5 2F FD at the start, or behind skippable frames (50..5F 2A 4D 18)",
    reference: "RFC 8878",
    evidence: "the decoded stream as one child (frames joined); the content of skippable frames as children [skippable-1]…",
    limitations: &[
        "frames that need a dictionary are not opened",
        "windows of more than 128 MiB (--long=28 and above) are not decoded",
        "formats before version 0.8 are not opened",
    ],
}];

const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// What `zstd -d` takes without being asked, too.
const WINDOW_LOG_MAX: u32 = 27;

impl FormatReader for Zstd {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let magic = *probe.head.first_chunk::<4>()?;
        let ours = match magic {
            MAGIC | [0x22..=0x27, 0xB5, 0x2F, 0xFD] => true,
            m if is_skippable(m) => first_magic(probe.blob).is_some_and(|(m, _)| m == MAGIC),
            _ => false,
        };
        ours.then(|| Identity::new("zstd", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut run = Run::new(artifact, out);
        let end = frames(&mut run);
        run.finish(&end)
    }
}

fn frames(run: &mut Run<'_>) -> Result<(), Halt> {
    let mut skippable = Skippable::default();
    let mut decoder = Decoder::new()?;
    loop {
        match run.input.peek_array::<4>()? {
            Some(MAGIC) => {
                let start = run.input.position();
                let result = frame(run, &mut decoder);
                let length = run.input.position() - start;
                skippable.frame(run, result.is_ok().then_some(length));
                result?;
            }
            Some(magic) if is_skippable(magic) => skippable.read(run)?,
            Some([0x22..=0x27, 0xB5, 0x2F, 0xFD]) => return Err(Fault::UNSUPPORTED.into()),
            _ if run.input.position() == 0 => return Err(Fault::CORRUPT.into()),
            _ => {
                skippable.frame(run, None);
                return Ok(());
            }
        }
    }
}

/// What a frame header says (RFC 8878, 3.1.1.1).
struct Header {
    /// Length of the header with the magic number.
    size: usize,
    window: u64,
    dictionary: u32,
    checksum: bool,
}

impl Header {
    fn parse(head: &[u8]) -> Result<Header, Fault> {
        let descriptor = *head.get(4).ok_or(Fault::TRUNCATED)?;
        if descriptor & 0x08 != 0 {
            return Err(Fault::UNSUPPORTED);
        }
        let single = descriptor & 0x20 != 0;
        let dictionary_size = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let content_size = match descriptor >> 6 {
            0 => usize::from(single),
            1 => 2,
            2 => 4,
            _ => 8,
        };
        let mut at = 5;
        let mut field = |size: usize| -> Result<u64, Fault> {
            let bytes = head.get(at..at + size).ok_or(Fault::TRUNCATED)?;
            at += size;
            Ok(bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
        };
        let coded = if single { 0 } else { field(1)? };
        let dictionary = field(dictionary_size)?;
        let content = field(content_size)?;
        let content = if content_size == 2 { content + 256 } else { content };
        let base = 1u64 << (10 + (coded >> 3));
        let window = if single { content } else { base + base / 8 * (coded & 7) };
        // The field has at most four bytes.
        let dictionary = u32::try_from(dictionary).unwrap_or(u32::MAX);
        Ok(Header { size: at, window, dictionary, checksum: descriptor & 4 != 0 })
    }
}

/// Decodes one frame, or steps over one that can't be decoded.
fn frame(run: &mut Run<'_>, decoder: &mut Decoder) -> Result<(), Halt> {
    let head = Header::parse(run.input.peek(18)?)?;
    if head.dictionary != 0 {
        run.note(Note::new(Fault::UNSUPPORTED.note).with("needs", "dictionary"));
        return step_over(run, &head, Fault::UNSUPPORTED);
    }
    if head.window > 1 << WINDOW_LOG_MAX {
        run.note(Note::new(Fault::LIMIT.note).with("window", head.window));
        return step_over(run, &head, Fault::LIMIT);
    }
    decoder.begin(head.size)?;
    run.decode(decoder, &mut |_| {})?;
    if decoder.mismatch {
        run.mismatch(run.input.position().saturating_sub(4));
    }
    Ok(())
}

/// Goes to the end of a frame by its block headers; the frame is opaque.
fn step_over(run: &mut Run<'_>, head: &Header, fault: Fault) -> Result<(), Halt> {
    run.open()?;
    run.incomplete();
    let start = run.input.position();
    run.input.consume(head.size);
    loop {
        let Some([a, b, c]) = run.input.peek_array::<3>()? else { return Err(fault.into()) };
        run.input.consume(3);
        let block = u32::from_le_bytes([a, b, c, 0]);
        let size = match block >> 1 & 3 {
            1 => 1,
            3 => return Err(fault.into()),
            _ => block >> 3,
        };
        if run.input.remaining() < u64::from(size) {
            return Err(fault.into());
        }
        run.input.seek(run.input.position() + u64::from(size));
        if block & 1 == 1 {
            break;
        }
    }
    if head.checksum {
        if run.input.remaining() < 4 {
            return Err(fault.into());
        }
        run.input.seek(run.input.position() + 4);
    }
    run.settle();
    run.skip(start..run.settled(), fault.reason);
    Ok(())
}

/// The decoder of frames. It is given as much as zstd asks for and no more, so that each block is accounted for by itself.
struct Decoder {
    context: DCtx<'static>,
    need: usize,
    pending: u64,
    mismatch: bool,
}

impl Decoder {
    fn new() -> Result<Self, Fault> {
        let mut context = DCtx::try_create().ok_or(Fault::LIMIT)?;
        context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(|_| Fault::LIMIT)?;
        Ok(Decoder { context, need: 0, pending: 0, mismatch: false })
    }

    fn begin(&mut self, header: usize) -> Result<(), Fault> {
        self.context.reset(ResetDirective::SessionOnly).map_err(|_| Fault::CORRUPT)?;
        self.need = header;
        self.pending = 0;
        self.mismatch = false;
        Ok(())
    }
}

impl Codec for Decoder {
    fn step(&mut self, input: &[u8], output: &mut [u8], _last: bool) -> Step {
        let given = input.len().min(self.need);
        let mut from = InBuffer::around(&input[..given]);
        let mut to = OutBuffer::around(output);
        let result = self.context.decompress_stream(&mut to, &mut from);
        let (consumed, produced) = (from.pos(), to.pos());
        let (consumed, state) = match result {
            Ok(0) => {
                self.pending = 0;
                (consumed, State::End)
            }
            Ok(hint) => {
                let whole = consumed == self.need;
                self.pending = if whole { 0 } else { self.pending + consumed as u64 };
                self.need = hint;
                (consumed, State::More)
            }
            Err(code) if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_checksum_wrong) => {
                // The four bytes of the checksum are the last of a frame; everything before them is out.
                self.mismatch = true;
                self.pending = 0;
                (given, State::End)
            }
            Err(code) => {
                let of = |kind| is_error_kind(code, kind);
                let fault = if of(ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge)
                    || of(ZSTD_ErrorCode::ZSTD_error_memory_allocation)
                {
                    Fault::LIMIT
                } else if of(ZSTD_ErrorCode::ZSTD_error_dictionary_wrong) {
                    Fault::UNSUPPORTED
                } else {
                    Fault::CORRUPT
                };
                self.pending += consumed as u64;
                (consumed, State::Fault(fault))
            }
        };
        Step { consumed, produced, state }
    }

    fn pending(&self) -> u64 {
        self.pending
    }
}
