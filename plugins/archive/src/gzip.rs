//! gzip (RFC 1952), of one member or of many.

use std::ops::Range;

use flate2::Crc;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::stream::codec::{Fault, Inflate};
use crate::stream::{Halt, Run};
use yumen_kit_container::FormatReader;

/// Reads gzip.
pub(crate) struct Gzip;

const FORMATS: &[Format] = &[Format {
    name: "gzip",
    title: "gzip compressed stream",
    media_type: "application/gzip",
    extensions: &["gz", "tgz", "taz", "svgz", "ipk"],
    magic: "1F 8B 08 at the start, no reserved flag",
    reference: "RFC 1952",
    evidence: "the decoded stream as one child (members joined); names and comments of the headers as text; extra fields as child [extra]",
    limitations: &["after damage, later members are not searched for"],
}];

const FHCRC: u8 = 0x02;
const FEXTRA: u8 = 0x04;
const FNAME: u8 = 0x08;
const FCOMMENT: u8 = 0x10;
const RESERVED: u8 = 0xE0;
/// Longest name or comment that is kept as text; the rest of a longer one is opaque.
const MAX_TEXT: usize = 64 << 10;

/// Whether a member begins here.
fn begins(head: &[u8]) -> bool {
    matches!(head, [0x1F, 0x8B, 0x08, flags, ..] if flags & RESERVED == 0)
}

impl FormatReader for Gzip {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        begins(probe.head).then(|| Identity::new("gzip", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut run = Run::new(artifact, out);
        let end = members(&mut run);
        run.finish(&end)
    }
}

fn members(run: &mut Run<'_>) -> Result<(), Halt> {
    let mut inflate = Inflate::new();
    let mut crc = Crc::new();
    loop {
        header(run)?;
        inflate.reset();
        crc.reset();
        let before = run.delivered;
        run.decode(&mut inflate, &mut |bytes| crc.update(bytes))?;
        let at = run.input.position();
        let Some([c0, c1, c2, c3, n0, n1, n2, n3]) = run.input.peek_array::<8>()? else {
            return Err(Fault::TRUNCATED.into());
        };
        // ISIZE is the length modulo 2^32.
        let length = (run.delivered - before) as u32;
        if u32::from_le_bytes([c0, c1, c2, c3]) != crc.sum() || u32::from_le_bytes([n0, n1, n2, n3]) != length {
            run.mismatch(at);
        }
        run.input.consume(8);
        run.settle();
        if !begins(run.input.peek(4)?) {
            return Ok(());
        }
    }
}

/// Reads a member's header.
fn header(run: &mut Run<'_>) -> Result<(), Halt> {
    let start = run.input.position();
    let Some(fixed) = run.input.peek_array::<10>()? else { return Err(Fault::TRUNCATED.into()) };
    if !begins(&fixed) {
        return Err(Fault::CORRUPT.into());
    }
    let flags = fixed[3];
    let mut crc = Crc::new();
    crc.update(&fixed);
    run.input.consume(10);
    if flags & FEXTRA != 0 {
        let Some(size) = run.input.peek_array::<2>()? else { return Err(Fault::TRUNCATED.into()) };
        crc.update(&size);
        run.input.consume(2);
        let size = usize::from(u16::from_le_bytes(size));
        let at = run.input.position();
        let mut extra = Vec::with_capacity(size);
        run.input.take(size, &mut extra)?;
        if extra.len() < size {
            return Err(Fault::TRUNCATED.into());
        }
        crc.update(&extra);
        for range in unknown_fields(&extra) {
            run.set_aside("[extra]", at + range.start as u64..at + range.end as u64);
        }
    }
    for flag in [FNAME, FCOMMENT] {
        if flags & flag != 0 {
            let at = run.input.position();
            let (text, length) = zero_terminated(run, &mut crc)?;
            // A name that is the child's is evidence already.
            if text != run.child_name().as_bytes() {
                run.header_text(at, &text);
            }
            if length > text.len() as u64 {
                run.skip(at + text.len() as u64..at + length, yumen_model::Reason::Limit);
            }
        }
    }
    if flags & FHCRC != 0 {
        let Some(stored) = run.input.peek_array::<2>()? else { return Err(Fault::TRUNCATED.into()) };
        if u32::from(u16::from_le_bytes(stored)) != crc.sum() & 0xFFFF {
            run.mismatch(start);
        }
        run.input.consume(2);
    }
    run.settle();
    Ok(())
}

/// Reads up to a zero byte: the first [`MAX_TEXT`] bytes, and the length of all of them.
fn zero_terminated(run: &mut Run<'_>, crc: &mut Crc) -> Result<(Vec<u8>, u64), Halt> {
    let mut text = Vec::new();
    let mut length = 0u64;
    loop {
        let window = run.input.fill()?;
        if window.is_empty() {
            return Err(Fault::TRUNCATED.into());
        }
        let end = window.iter().position(|&b| b == 0);
        let piece = &window[..end.unwrap_or(window.len())];
        text.extend_from_slice(&piece[..piece.len().min(MAX_TEXT - text.len())]);
        length += piece.len() as u64;
        let n = piece.len() + usize::from(end.is_some());
        crc.update(&window[..n]);
        run.input.consume(n);
        if end.is_some() {
            return Ok((text, length));
        }
    }
}

/// The pieces of an extra field that are more than framing: everything but the length fields of BGZF (`BC`), and zeros.
fn unknown_fields(extra: &[u8]) -> Vec<Range<usize>> {
    let mut unknown = Vec::new();
    let mut at = 0;
    while at < extra.len() {
        let rest = &extra[at..];
        let size = match rest {
            [_, _, a, b, ..] => 4 + usize::from(u16::from_le_bytes([*a, *b])),
            _ => rest.len(),
        };
        let size = size.min(rest.len());
        let known = rest.starts_with(b"BC\x02\x00") && size == 6;
        if !known && rest[..size].iter().any(|&b| b != 0) {
            unknown.push(at..at + size);
        }
        at += size;
    }
    unknown
}
