//! Skippable frames, which zstd and lz4 share: a magic number, a length, and content that decoders pass over. It is not passed over here.

use super::codec::Fault;
use super::{Halt, Run, first_nonzero};
use yumen_model::{Blob, InspectError};

/// Footer of a seek table (zstd's contrib/seekable_format).
const SEEK_TABLE: [u8; 4] = 0x8F92_EAB1_u32.to_le_bytes();

/// Counts the skippable frames of a stream and holds back the last one while its meaning is open.
#[derive(Default)]
pub(crate) struct Skippable {
    count: u32,
    /// A frame of four bytes that may tell the length of the next frame (as pzstd writes it): its content and what it says.
    announced: Option<(std::ops::Range<u64>, u64)>,
}

/// Whether these bytes are the magic number of a skippable frame.
pub(crate) fn is_skippable(magic: [u8; 4]) -> bool {
    matches!(magic, [0x50..=0x5F, 0x2A, 0x4D, 0x18])
}

/// The first magic number behind leading skippable frames, and its offset.
pub(crate) fn first_magic(blob: &Blob) -> Option<([u8; 4], u64)> {
    let mut at = 0u64;
    // Real files lead with one or two.
    for _ in 0..16 {
        let mut head = [0; 8];
        let n = blob.read_at(at, &mut head).ok()?;
        let [a, b, c, d, size @ ..] = head;
        let magic = [a, b, c, d];
        if n < 4 || !is_skippable(magic) {
            return (n >= 4).then_some((magic, at));
        }
        at += 8 + u64::from(u32::from_le_bytes(size));
        if n < 8 || at > blob.len() {
            return None;
        }
    }
    None
}

impl Skippable {
    /// Reads a skippable frame at the current position.
    pub(crate) fn read(&mut self, run: &mut Run<'_>) -> Result<(), Halt> {
        self.frame(run, None);
        let start = run.input.position();
        let Some([_, _, _, _, size @ ..]) = run.input.peek_array::<8>()? else { return Err(Fault::TRUNCATED.into()) };
        let size = u64::from(u32::from_le_bytes(size));
        run.input.consume(8);
        if run.input.remaining() < size {
            return Err(Fault::TRUNCATED.into());
        }
        let range = start + 8..start + 8 + size;
        let blob = run.blob().range(range.clone());
        run.input.seek(range.end);
        run.settle();
        if first_nonzero(&blob, 0).map_err(Halt::Failed)?.is_none() {
            return Ok(());
        }
        if size == 4 {
            let mut told = [0; 4];
            blob.read_exact_at(0, &mut told).map_err(|e| Halt::Failed(InspectError::read(range.start, &e)))?;
            self.announced = Some((range, u64::from(u32::from_le_bytes(told))));
        } else if !is_seek_table(&blob, start) {
            self.set_aside(run, range);
        }
        Ok(())
    }

    /// Says how long the frame behind the last skippable one was; none at the end of the data.
    pub(crate) fn frame(&mut self, run: &mut Run<'_>, length: Option<u64>) {
        if let Some((range, told)) = self.announced.take()
            && length != Some(told)
        {
            self.set_aside(run, range);
        }
    }

    fn set_aside(&mut self, run: &mut Run<'_>, range: std::ops::Range<u64>) {
        self.count = self.count.saturating_add(1);
        run.set_aside(&format!("[skippable-{}]", self.count), range);
    }
}

/// Whether a frame's content is a seek table over exactly what stands before it.
fn is_seek_table(content: &Blob, before: u64) -> bool {
    let Ok(bytes) = content.bytes(0..content.len()) else { return false };
    let Some((entries, footer)) = bytes.split_last_chunk::<9>() else { return false };
    let [n0, n1, n2, n3, descriptor, magic @ ..] = *footer;
    let size = if descriptor & 0x80 == 0 { 8 } else { 12 };
    let frames = u64::from(u32::from_le_bytes([n0, n1, n2, n3]));
    if magic != SEEK_TABLE || descriptor & 0x7F != 0 || entries.len() as u64 != frames * size as u64 {
        return false;
    }
    let packed: u64 = entries
        .chunks_exact(size)
        .filter_map(|e| e.first_chunk::<4>())
        .map(|c| u64::from(u32::from_le_bytes(*c)))
        .sum();
    packed == before
}
