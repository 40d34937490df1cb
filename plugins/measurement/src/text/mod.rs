//! Recordings of buses as text: lines of frames between lines of other things.

pub(crate) mod asc;
pub(crate) mod candump;
pub(crate) mod csv;
pub(crate) mod trc;

use yumen_model::{Artifact, ChildMeta, Context, Extent, InspectError, Inspection, Label};

use crate::bus::Bus;
use crate::out::Out;

/// Bytes read at once.
const PIECE: usize = 256 << 10;
/// A longer line is cut.
const LONGEST: usize = 1 << 20;
/// Lines of other encodings are handed over as a child of so many pieces.
const PIECES: usize = 1 << 16;

/// Reads a line, which begins at an offset; whether it took it.
type Line<'l> = dyn FnMut(&str, u64, &mut Bus, &mut Out<'_>) -> Result<bool, InspectError> + 'l;

/// Goes through the lines of a recording; what `line` does not take as a frame is text.
pub(crate) fn read(
    artifact: &Artifact,
    context: &Context,
    out: &mut dyn Inspection,
    mut line: impl FnMut(&str, u64, &mut Bus, &mut Out<'_>) -> Result<bool, InspectError>,
) -> Result<(), InspectError> {
    let mut out = Out::new(artifact, out);
    let mut bus = Bus::new(context);
    let result = lines(&mut bus, &mut out, &mut line).and_then(|()| {
        let len = out.to.len();
        out.to.label(0..len, Label::Inspected)?;
        bus.finish(&mut out)
    });
    out.finish(result)
}

fn lines(bus: &mut Bus, out: &mut Out<'_>, line: &mut Line<'_>) -> Result<(), InspectError> {
    let blob = out.to.blob.clone();
    let mut other: Vec<Extent> = Vec::new();
    let mut buffer: Vec<u8> = Vec::new();
    // Of the buffer: where it begins in the artifact, and how much of it was read as lines.
    let (mut start, mut done) = (0u64, 0usize);
    loop {
        let end = buffer[done..].iter().position(|&b| b == b'\n').map(|i| done + i + 1);
        let read_to = start + buffer.len() as u64;
        let end = match end {
            Some(end) => end,
            None if read_to < blob.len() && buffer.len() - done < LONGEST => {
                buffer.drain(..done);
                start += done as u64;
                done = 0;
                let n = usize::try_from(blob.len() - read_to).unwrap_or(PIECE).min(PIECE);
                let at = buffer.len();
                buffer.resize(at + n, 0);
                blob.read_exact_at(read_to, &mut buffer[at..]).map_err(|e| InspectError::read(read_to, &e))?;
                continue;
            }
            None if done == buffer.len() => break,
            None => buffer.len(),
        };
        let (at, bytes) = (start + done as u64, &buffer[done..end]);
        done = end;
        let text = std::str::from_utf8(bytes).ok().map(|t| t.trim_start_matches('\u{feff}'));
        let printable = |t: &str| !t.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'));
        match text {
            Some(text) if line(text.trim_end_matches(['\n', '\r']), at, bus, out)? => {}
            Some(text) if printable(text) => {
                if !text.trim().is_empty() {
                    out.to.comment(at..at + text.trim_end_matches(['\n', '\r']).len() as u64)?;
                }
            }
            // Of another encoding, or no text: frames may stand in it all the same, and who knows encodings reads the whole line.
            _ => {
                let lossy = String::from_utf8_lossy(bytes);
                if !line(lossy.trim_end_matches(['\n', '\r']), at, bus, out)? {
                    other.push(Extent::of(at..at + bytes.len() as u64));
                }
                if other.len() >= PIECES {
                    out.to.hand_over(ChildMeta::named(b"[text].txt"), std::mem::take(&mut other))?;
                }
            }
        }
    }
    if !other.is_empty() {
        out.to.hand_over(ChildMeta::named(b"[text].txt"), other)?;
    }
    Ok(())
}

/// Bytes of hexadecimal words, up to `most`, into a buffer that is used again.
pub(crate) fn hex_words<'t>(words: impl Iterator<Item = &'t str>, most: usize, data: &mut Vec<u8>) {
    data.clear();
    for word in words.take(most) {
        match u8::from_str_radix(word, 16) {
            Ok(b) if word.len() <= 2 => data.push(b),
            _ => break,
        }
    }
}

/// Bytes of a run of hexadecimal digits.
pub(crate) fn hex_run(text: &str, data: &mut Vec<u8>) -> bool {
    data.clear();
    let bytes = text.as_bytes();
    let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    for pair in bytes.chunks(2) {
        match pair {
            &[a, b] => match (digit(a), digit(b)) {
                (Some(a), Some(b)) => data.push(a << 4 | b),
                _ => return false,
            },
            _ => return false,
        }
    }
    true
}

/// The beginning of a text file as lines, for identification; none where it is no text.
pub(crate) fn head<'p>(probe: &yumen_model::Probe<'p>) -> Option<std::borrow::Cow<'p, str>> {
    let head = &probe.head[..probe.head.len().min(16 << 10)];
    let odd = head.iter().filter(|&&b| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r') || b == 0x7f).count();
    (!head.is_empty() && odd * 100 <= head.len()).then(|| String::from_utf8_lossy(head))
}
