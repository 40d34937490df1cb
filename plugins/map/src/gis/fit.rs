//! Garmin FIT activity files: definitions and data messages, positions in semicircles.

use yumen_kit_container::{Container, FormatReader, Place};
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::{Artifact, Certainty, Context, Fix, Format, Identity, InspectError, Inspection, Label, Probe};

use super::emit::{Emit, Via};

/// Documentation of `garmin-fit`.
const FIT: Format = Format {
    name: "garmin-fit",
    title: "Garmin FIT activity",
    media_type: "application/vnd.ant.fit",
    extensions: &[],
    magic: "a head of 12 or 14 bytes with .FIT at 8 and a data length that fits",
    reference: "https://developer.garmin.com/fit/protocol/",
    evidence: "positions of record messages, an entity for each file chained; texts as records",
    limitations: &["Fields other than position, height, time and texts are not told."],
};

/// Reads FIT.
pub(crate) struct Fit;

/// Seconds from 1970 to the epoch of FIT, 1989-12-31.
const EPOCH: f64 = 631_065_600.0;

#[derive(Clone, Default)]
struct Definition {
    message: u16,
    big: bool,
    /// Number, size, base type.
    fields: Vec<(u8, u8, u8)>,
    size: usize,
}

fn head(b: &[u8]) -> Option<(u64, u64)> {
    let n = *b.first()?;
    let size = u64::from(u32::from_le_bytes(b.get(4..8)?.try_into().ok()?));
    (matches!(n, 12 | 14) && b.get(8..12) == Some(b".FIT") && b[1] >> 4 <= 4).then_some((u64::from(n), size))
}

impl FormatReader for Fit {
    fn formats(&self) -> &'static [Format] {
        &[FIT]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let (n, size) = head(probe.head)?;
        (n + size <= probe.blob.len() || size > 0).then(|| Identity::new(FIT.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut c = Container::new(artifact, out);
        let result = read(artifact, &mut c);
        c.finish(result)
    }
}

fn read(artifact: &Artifact, c: &mut Container<'_>) -> Result<(), InspectError> {
    let mut emit = Emit::new(artifact, Some("wgs84"));
    let mut writer = RecordWriter::new(artifact);
    let len = c.len();
    let mut at = 0;
    let mut file = 0;
    let mut result = Ok(());
    // Files may be chained.
    while at + 12 <= len && result.is_ok() {
        let Some((n, size)) = head(c.window.get(at, 14)?) else { break };
        c.container(at..at + n)?;
        let mut done = at + n;
        let end = at + n + size;
        file += 1;
        result = messages(c, &mut emit, &mut writer, &mut done, end.min(len), file);
        c.label(at + n..done, Label::Inspected)?;
        if result.is_ok() && end > len {
            result = Err(InspectError::corrupt(len, "the file ends before its messages do"));
        }
        if result.is_ok() {
            // A checksum of two bytes follows.
            let crc = (end + 2).min(len);
            c.container(end..crc)?;
            at = crc;
        }
    }
    if matches!(&result, Err(e) if e.reason != yumen_model::Reason::Corrupt) {
        return result;
    }
    emit.finish(&mut Via(c))?;
    writer.finish(&mut Via(c))?;
    result?;
    if file == 0 {
        return Err(InspectError::corrupt(0, "not the head of a FIT file"));
    }
    c.residue(at..len, Place::After)
}

fn messages(
    c: &mut Container<'_>,
    emit: &mut Emit<'_>,
    writer: &mut RecordWriter,
    at: &mut u64,
    end: u64,
    file: u64,
) -> Result<(), InspectError> {
    let mut definitions: [Option<Definition>; 16] = Default::default();
    let mut clock: u32 = 0;
    while *at < end {
        let head = c.window.get(*at, 1)?.first().copied().unwrap_or(0);
        let (local, define, compressed) = if head & 0x80 != 0 {
            (usize::from(head >> 5 & 3), false, true)
        } else {
            (usize::from(head & 15), head & 0x40 != 0, false)
        };
        if define {
            let bytes = c.window.get(*at, 6)?.to_vec();
            if bytes.len() < 6 {
                return Err(InspectError::corrupt(*at, "a definition that does not fit"));
            }
            let big = bytes[2] == 1;
            let number = [bytes[3], bytes[4]];
            let message = if big { u16::from_be_bytes(number) } else { u16::from_le_bytes(number) };
            let n = usize::from(bytes[5]);
            let bytes = c.window.get(*at + 6, n * 3)?.to_vec();
            let mut definition = Definition { message, big, ..Definition::default() };
            for f in bytes.chunks_exact(3) {
                definition.fields.push((f[0], f[1], f[2]));
                definition.size += usize::from(f[1]);
            }
            let mut next = *at + 6 + 3 * n as u64;
            if head & 0x20 != 0 {
                let n = usize::from(c.window.get(next, 1)?.first().copied().unwrap_or(0));
                let bytes = c.window.get(next + 1, 3 * n)?;
                definition.size += bytes.chunks_exact(3).map(|f| usize::from(f[1])).sum::<usize>();
                next += 1 + 3 * n as u64;
            }
            if next > end {
                return Err(InspectError::corrupt(*at, "a definition that does not fit"));
            }
            definitions[local] = Some(definition);
            *at = next;
            continue;
        }
        let Some(definition) = &definitions[local] else {
            return Err(InspectError::corrupt(*at, "a message without a definition"));
        };
        let start = *at;
        let next = start + 1 + definition.size as u64;
        if next > end {
            return Err(InspectError::corrupt(start, "a message that does not fit"));
        }
        if compressed {
            let offset = u32::from(head & 0x1F);
            let low = clock & 0x1F;
            clock = (clock & !0x1F).wrapping_add(offset).wrapping_add(if offset < low { 0x20 } else { 0 });
        }
        let bytes = c.window.get(start + 1, definition.size)?.to_vec();
        let (mut lat, mut lon, mut height) = (None, None, None);
        let mut from = 0;
        for &(number, size, base) in &definition.fields {
            let field = &bytes[from..from + usize::from(size)];
            let place = start + 1 + from as u64;
            from += usize::from(size);
            let whole = |n: usize| {
                let b = field.get(..n)?;
                let fold = |acc: u64, &x: &u8| acc << 8 | u64::from(x);
                Some(if definition.big { b.iter().fold(0, fold) } else { b.iter().rev().fold(0, fold) })
            };
            let word = || whole(4).and_then(|v| u32::try_from(v).ok());
            match (definition.message, number, base & 0x1F) {
                (_, 253, _) if size == 4 => clock = word().unwrap_or(clock),
                (20, 0, 5) => lat = word().map(u32::cast_signed).filter(|v| *v != i32::MAX),
                (20, 1, 5) => lon = word().map(u32::cast_signed).filter(|v| *v != i32::MAX),
                (20, 2, 4) => height = whole(2).filter(|v| *v != 0xFFFF).map(|v| v as f64 / 5.0 - 500.0),
                (20, 78, 6) => height = word().filter(|v| *v != u32::MAX).map(|v| f64::from(v) / 5.0 - 500.0),
                (message, _, 7) => {
                    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
                    let text = String::from_utf8_lossy(&field[..end]);
                    let name = writer.name(&field_name(message, number));
                    let spot = Spot { byte: place, line: 1, column: 1 };
                    writer.cell(&text, name, 0, spot, place + end as u64, true);
                }
                _ => {}
            }
        }
        writer.end_record(&mut Via(c))?;
        if let (Some(lat), Some(lon)) = (lat, lon) {
            let degrees = |v: i32| f64::from(v) * (180.0 / 2_147_483_648.0);
            let time_s = (clock > 0x1000_0000).then(|| f64::from(clock) + EPOCH);
            let fix = Fix { x: degrees(lon), y: degrees(lat), z: height, time_s, entity: file, offset: start };
            emit.fix(fix, &mut Via(c))?;
        }
        *at = next;
    }
    Ok(())
}

/// A name for what a text says.
fn field_name(message: u16, number: u8) -> String {
    match (message, number) {
        (3, 0) => "user_name".to_owned(),
        (0, 8) | (23, 27) => "product_name".to_owned(),
        (31, 5) => "course_name".to_owned(),
        (32, 6) => "point_name".to_owned(),
        (12, 3) => "sport_name".to_owned(),
        (26, 8) => "workout_name".to_owned(),
        _ => format!("message_{message}.field_{number}"),
    }
}
