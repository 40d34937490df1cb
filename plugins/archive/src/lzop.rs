//! lzop: files compressed with LZO1X in blocks, as kernels and initramfs images have it.
//!
//! Source: the header as lzop(1) of lzop 1.04 writes it; Linux lib/decompress_unlzo.c for the order of its fields.

use flate2::Crc;
use yumen_kit_container::FormatReader;
use yumen_kit_container::lzo::{LzoError, decompress};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::stream::codec::Fault;
use crate::stream::{Halt, Run};

/// Reads lzop files.
pub(crate) struct Lzop;

const FORMATS: &[Format] = &[Format {
    name: "lzop",
    title: "lzop compressed file",
    media_type: "application/x-lzop",
    extensions: &["lzo", "lzop", "tzo"],
    magic: "89 4C 5A 4F 00 0D 0A 1A 0A",
    reference: "https://www.lzop.org/",
    evidence: "the decoded stream as one child (several files are joined); the stored name as text",
    limitations: &["files with a filter (lzop --filter) are not opened"],
}];

const MAGIC: [u8; 9] = [0x89, b'L', b'Z', b'O', 0, 0x0D, 0x0A, 0x1A, 0x0A];
/// No block is longer, in bytes.
const MAX_BLOCK: u32 = 64 << 20;

const ADLER_DECODED: u32 = 0x1;
const ADLER_ENCODED: u32 = 0x2;
const EXTRA: u32 = 0x40;
const CRC_DECODED: u32 = 0x100;
const CRC_ENCODED: u32 = 0x200;
const FILTER: u32 = 0x800;
const HEADER_CRC: u32 = 0x1000;

impl FormatReader for Lzop {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        probe.head.starts_with(&MAGIC).then(|| Identity::new("lzop", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut run = Run::new(artifact, out);
        let end = files(&mut run);
        run.finish(&end)
    }
}

fn files(run: &mut Run<'_>) -> Result<(), Halt> {
    let mut first = true;
    while first || run.input.peek_array::<9>()? == Some(MAGIC) {
        first = false;
        let flags = header(run)?;
        blocks(run, flags)?;
    }
    Ok(())
}

/// Takes `n` bytes of a header, which its checksum covers.
fn take(run: &mut Run<'_>, n: usize, seen: &mut Vec<u8>) -> Result<u32, Halt> {
    let bytes = run.input.peek(n)?;
    if bytes.len() < n {
        return Err(Fault::TRUNCATED.into());
    }
    let value = bytes.iter().take(4).fold(0, |v, &b| v << 8 | u32::from(b));
    seen.extend_from_slice(bytes);
    run.input.consume(n);
    Ok(value)
}

/// Reads the header of a file; returns its flags.
fn header(run: &mut Run<'_>) -> Result<u32, Halt> {
    let mut seen = Vec::new();
    if run.input.peek_array::<9>()? != Some(MAGIC) {
        return Err(Fault::CORRUPT.into());
    }
    run.input.consume(MAGIC.len());
    let version = take(run, 2, &mut seen)?;
    let new = version >= 0x0940;
    take(run, 2, &mut seen)?;
    if new {
        take(run, 2, &mut seen)?;
    }
    let method = take(run, 1, &mut seen)?;
    if new {
        take(run, 1, &mut seen)?;
    }
    let flags = take(run, 4, &mut seen)?;
    if flags & FILTER != 0 || !(1..=3).contains(&method) {
        return Err(Fault::UNSUPPORTED.into());
    }
    // Mode and time.
    take(run, if new { 12 } else { 8 }, &mut seen)?;
    let len = take(run, 1, &mut seen)? as usize;
    let at = run.input.position();
    let before = seen.len();
    take(run, len, &mut seen)?;
    run.header_text(at, &seen[before..]);
    let at = run.input.position();
    if take(run, 4, &mut Vec::new())? != sum(&seen, flags & HEADER_CRC != 0) {
        run.mismatch(at);
    }
    if flags & EXTRA != 0 {
        let len = take(run, 4, &mut Vec::new())? as usize;
        let at = run.input.position();
        if run.input.remaining() < len as u64 + 4 {
            return Err(Fault::TRUNCATED.into());
        }
        run.set_aside("[extra]", at..at + len as u64);
        run.input.seek(at + len as u64 + 4);
    }
    run.open()?;
    run.settle();
    Ok(flags)
}

fn blocks(run: &mut Run<'_>, flags: u32) -> Result<(), Halt> {
    let (mut packed, mut output, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
    let count = |flags: u32| flags.count_ones() as usize * 4;
    loop {
        ignored.clear();
        let unpacked_len = take(run, 4, &mut ignored)?;
        if unpacked_len == 0 {
            run.settle();
            return Ok(());
        }
        let packed_len = take(run, 4, &mut ignored)?;
        if unpacked_len > MAX_BLOCK || packed_len == 0 || packed_len > unpacked_len {
            return Err(Fault::CORRUPT.into());
        }
        let sums_at = run.input.position();
        let mut sums = Vec::new();
        take(run, count(flags & (ADLER_DECODED | CRC_DECODED)), &mut sums)?;
        let stored = packed_len == unpacked_len;
        if !stored {
            take(run, count(flags & (ADLER_ENCODED | CRC_ENCODED)), &mut ignored)?;
        }
        packed.clear();
        run.input.take(packed_len as usize, &mut packed)?;
        if packed.len() < packed_len as usize {
            return Err(Fault::TRUNCATED.into());
        }
        let bytes = if stored {
            &packed
        } else {
            output.clear();
            match decompress(&packed, unpacked_len as usize, &mut output) {
                Ok(_) if output.len() == unpacked_len as usize => {}
                Ok(_) | Err(LzoError::Corrupt | LzoError::TooLong | LzoError::Truncated) => {
                    run.deliver(&output)?;
                    return Err(Fault::CORRUPT.into());
                }
            }
            &output
        };
        // The Adler sum stands before the CRC.
        let kinds = [(ADLER_DECODED, false), (CRC_DECODED, true)];
        let told = sums.chunks_exact(4).map(|s| s.iter().fold(0, |v, &b| v << 8 | u32::from(b)));
        for ((_, crc), told) in kinds.into_iter().filter(|k| flags & k.0 != 0).zip(told) {
            if sum(bytes, crc) != told {
                run.mismatch(sums_at);
            }
        }
        run.deliver(bytes)?;
        run.settle();
    }
}

fn sum(bytes: &[u8], crc: bool) -> u32 {
    if crc {
        let mut crc = Crc::new();
        crc.update(bytes);
        return crc.sum();
    }
    let (mut a, mut b) = (1u32, 0u32);
    // So many additions can't overflow.
    for piece in bytes.chunks(5552) {
        for &byte in piece {
            a += u32::from(byte);
            b += a;
        }
        a %= 65521;
        b %= 65521;
    }
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use yumen_kit_container::testing::{abuse, fixture, identify, inspect, prose, sha256, truth};

    use crate::ArchivePlugin;

    #[test]
    fn files_of_lzop_give_what_lzop_gives() {
        for name in ["default", "best", "crc", "nochecksum", "noise", "two"] {
            let bytes = fixture("lzop", name);
            let got = inspect(&ArchivePlugin, "data.lzo", &bytes);
            got.assert_clear();
            let child = got.child("data");
            let (hash, size, _) = &truth("lzop", name)[0];
            assert_eq!((&sha256(&child.bytes), child.bytes.len() as u64), (hash, *size), "{name}");
            assert!(!got.noted("checksum-mismatch"), "{name}");
        }
        let got = inspect(&ArchivePlugin, "x.lzo", &fixture("lzop", "default"));
        assert!(got.texts.concat().contains("data"), "the stored name");
    }

    #[test]
    fn damage_is_told_and_never_panics() {
        let clean = fixture("lzop", "default");
        let mut broken = clean.clone();
        let n = broken.len();
        broken[n - 200] ^= 0x55;
        let got = inspect(&ArchivePlugin, "data.lzo", &broken);
        assert!(got.noted("checksum-mismatch") || got.opaque() > 0);
        assert!(inspect(&ArchivePlugin, "data.lzo", &clean[..n / 2]).noted("truncated"));
        for name in ["default", "noise", "two"] {
            abuse(&ArchivePlugin, "lzop", "data.lzo", &fixture("lzop", name), 24);
        }
        assert_eq!(identify(&ArchivePlugin, "x.lzo", &prose(100)), None);
    }
}
