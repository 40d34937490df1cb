//! IFC building models as STEP physical files: where the site lies, and who worked on it.

use yumen_kit_container::FormatReader;
use yumen_kit_text::{Decoder, Detection, RecordWriter, Spot, detect, send_text};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Spatial};

use super::crs;
use crate::survey::send_spatial;

/// Documentation of `ifc`.
const IFC: Format = Format {
    name: "ifc",
    title: "Industry Foundation Classes (STEP physical file)",
    media_type: "application/x-step",
    extensions: &["ifc"],
    magic: "ISO-10303-21; and a FILE_SCHEMA that names IFC",
    reference: "ISO 16739-1; ISO 10303-21",
    evidence: "latitude and longitude of sites, map conversions with their projected system; persons and strings with escapes as records; text",
    limitations: &["Of the geometry only its georeference is read."],
};

/// Longest statement that is looked into.
const MOST: usize = 64 << 10;
/// Most sites.
const MOST_SITES: usize = 4096;

/// Reads IFC.
pub(crate) struct Ifc;

impl FormatReader for Ifc {
    fn formats(&self) -> &'static [Format] {
        &[IFC]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let start = probe.head.iter().position(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF))?;
        let head = &probe.head[start..];
        if !head.starts_with(b"ISO-10303-21;") {
            return None;
        }
        let at = memchr::memmem::find(head, b"FILE_SCHEMA")?;
        let schema = head.get(at..(at + 200).min(head.len()))?;
        memchr::memmem::find(schema, b"IFC").map(|_| Identity::new(IFC.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        send_text(artifact, out)?;
        let detection = detect(&artifact.blob).map_err(|e| InspectError::read(0, &e))?.unwrap_or(Detection::UTF8);
        let mut decoder = Decoder::new(&artifact.blob, detection);
        let mut model = Model { writer: RecordWriter::new(artifact), ..Model::new(artifact) };
        let mut statement = String::new();
        let (mut quoted, mut offset, mut at) = (false, 0, 0);
        loop {
            let chunk = decoder.next_chunk().map_err(|e| InspectError::read(at, &e))?;
            let Some(chunk) = chunk else { break };
            at = chunk.range.end;
            let base = chunk.range.start;
            let text = chunk.text;
            let mut from = 0;
            // Statements end with a semicolon that stands in no string.
            for (i, b) in text.bytes().enumerate() {
                match b {
                    b'\'' => quoted = !quoted,
                    b';' if !quoted => {
                        keep(&mut statement, &text[from..i]);
                        model.statement(&statement, offset, out)?;
                        statement.clear();
                        from = i + 1;
                        offset = base + from as u64;
                    }
                    _ => {}
                }
            }
            keep(&mut statement, &text[from..]);
        }
        model.finish(artifact, out)
    }
}

fn keep(statement: &mut String, text: &str) {
    let room = MOST.saturating_sub(statement.len());
    statement.push_str(&text[..text.floor_char_boundary(room.min(text.len()))]);
}

struct Model {
    writer: RecordWriter,
    sites: Vec<[f64; 3]>,
    /// Easting, northing, height of a map conversion.
    origins: Vec<[f64; 3]>,
    crs: Option<String>,
}

impl Model {
    fn new(artifact: &Artifact) -> Self {
        Model { writer: RecordWriter::new(artifact), sites: Vec::new(), origins: Vec::new(), crs: None }
    }

    fn statement(&mut self, text: &str, offset: u64, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let text = text.trim();
        let Some(open) = text.find('(') else { return Ok(()) };
        let head = &text[..open];
        let name = head.rsplit('=').next().unwrap_or(head).trim().to_ascii_uppercase();
        let person = name == "IFCPERSON";
        if person || text.contains("\\X") || text.contains("\\S\\") {
            self.strings(&name, &text[open..], offset, person, out)?;
        }
        if !matches!(name.as_str(), "IFCSITE" | "IFCMAPCONVERSION" | "IFCMAPCONVERSIONSCALED" | "IFCPROJECTEDCRS") {
            return Ok(());
        }
        let arguments = arguments(&text[open..]);
        let number = |i: usize| arguments.get(i).and_then(|a| a.trim().parse::<f64>().ok());
        match name.as_str() {
            "IFCSITE" => {
                let angle = |i: usize| arguments.get(i).and_then(|a| compound(a));
                if let (Some(lat), Some(lon)) = (angle(9), angle(10))
                    && lat.abs() <= 90.0
                    && lon.abs() <= 180.0
                    && self.sites.len() < MOST_SITES
                {
                    self.sites.push([lon, lat, number(11).unwrap_or(0.0)]);
                }
            }
            "IFCPROJECTEDCRS" => {
                if let Some(name) = arguments.first().map(|a| decoded(a.trim().trim_matches('\''))) {
                    self.crs = crs::named(&name);
                }
            }
            _ => {
                if let (Some(x), Some(y)) = (number(2), number(3))
                    && self.origins.len() < MOST_SITES
                {
                    self.origins.push([x, y, number(4).unwrap_or(0.0)]);
                }
            }
        }
        Ok(())
    }

    /// Strings whose characters are written as numbers, and names of persons: as records.
    fn strings(
        &mut self,
        entity: &str,
        text: &str,
        offset: u64,
        person: bool,
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        const PERSON: [&str; 5] = ["id", "family_name", "given_name", "middle_names", "titles"];
        for (i, argument) in arguments(text).iter().enumerate() {
            let Some(inner) = argument.trim().strip_prefix('\'').and_then(|a| a.strip_suffix('\'')) else { continue };
            if !person && !inner.contains('\\') {
                continue;
            }
            let value = decoded(inner);
            let field = PERSON.get(i).filter(|_| person).copied().unwrap_or("text");
            let name = self.writer.name(&format!("{}.{field}", entity.to_ascii_lowercase()));
            let spot = Spot { byte: offset, line: 1, column: 1 };
            self.writer.cell(&value, name, 0, spot, offset + text.len() as u64, false);
        }
        if person {
            self.person(text, offset);
        }
        self.writer.end_record(out)
    }

    /// The whole name of a person: in Chinese the family's first, without a blank.
    fn person(&mut self, text: &str, offset: u64) {
        let parts = arguments(text);
        let part = |i: usize| {
            let inner = parts.get(i).and_then(|a| a.trim().strip_prefix('\'')?.strip_suffix('\''));
            decoded(inner.unwrap_or_default())
        };
        let (family, given) = (part(1), part(2));
        if family.is_empty() || given.is_empty() {
            return;
        }
        let whole = if family.is_ascii() { format!("{given} {family}") } else { format!("{family}{given}") };
        let name = self.writer.name("ifcperson.person_name");
        let spot = Spot { byte: offset, line: 1, column: 1 };
        self.writer.cell(&whole, name, 0, spot, offset + text.len() as u64, false);
    }

    fn finish(mut self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.writer.finish(out)?;
        let mut items = Vec::new();
        for (points, crs) in [(self.sites, Some("wgs84".to_owned())), (self.origins, self.crs)] {
            // An origin of zeros was never set.
            let points: Vec<_> = points.into_iter().filter(|p| p[0] != 0.0 || p[1] != 0.0).collect();
            if points.is_empty() {
                continue;
            }
            let n = points.len();
            let item = Spatial { crs, samples: points, confidence: 0.9, ..Spatial::new(kinds::GEO_POINT) };
            items.push(item.with("points", n).with("content", "building-model"));
        }
        send_spatial(artifact, items, out)
    }
}

/// The arguments of a statement, from its bracket on; lists stay whole.
fn arguments(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut quoted, mut from) = (Vec::new(), 0usize, false, 1);
    for (i, b) in text.bytes().enumerate() {
        match b {
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b'(' => depth += 1,
            b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    out.extend(text.get(from..i));
                    break;
                }
            }
            b',' if depth == 1 => {
                out.extend(text.get(from..i));
                from = i + 1;
            }
            _ => {}
        }
        if out.len() > 256 {
            break;
        }
    }
    out
}

/// Degrees, minutes, seconds and millionths of a second; all have the same sign.
fn compound(text: &str) -> Option<f64> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let parts: Vec<f64> = inner.split(',').map(|p| p.trim().parse().ok()).collect::<Option<_>>()?;
    if !(3..=4).contains(&parts.len()) {
        return None;
    }
    let sign = if parts.iter().any(|p| *p < 0.0) { -1.0 } else { 1.0 };
    let [d, m, s] = [parts[0].abs(), parts[1].abs(), parts[2].abs()];
    let millionths = parts.get(3).map_or(0.0, |p| p.abs());
    (m < 60.0 && s < 60.0).then(|| sign * (d + m / 60.0 + (s + millionths / 1e6) / 3600.0))
}

/// A string of ISO 10303-21: `\X2\5F20\X0\`, `\X4\…\X0\`, `\X\E9`, `\S\i`, doubled quotes.
fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '\'']) {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let wide = |prefix: &str, n: usize| {
            let body = tail.strip_prefix(prefix)?;
            let end = body.find("\\X0\\")?;
            let units: Vec<u32> = body.as_bytes()[..end]
                .chunks(n)
                .filter_map(|h| u32::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok())
                .collect();
            let text: String = if n == 4 {
                let halves: Vec<u16> = units.iter().filter_map(|&u| u16::try_from(u).ok()).collect();
                String::from_utf16_lossy(&halves)
            } else {
                units.iter().filter_map(|&u| char::from_u32(u)).collect()
            };
            Some((text, prefix.len() + end + 4))
        };
        if let Some((text, n)) = wide("\\X2\\", 4).or_else(|| wide("\\X4\\", 8)) {
            out.push_str(&text);
            rest = &tail[n..];
        } else if let Some(code) = tail.strip_prefix("\\X\\").and_then(|h| u8::from_str_radix(h.get(..2)?, 16).ok()) {
            out.push(char::from(code));
            rest = &tail[5..];
        } else if let Some(c) = tail.strip_prefix("\\S\\").and_then(|h| h.bytes().next()).filter(u8::is_ascii) {
            out.push(char::from(c | 0x80));
            rest = &tail[4..];
        } else if tail.starts_with("''") || tail.starts_with("\\\\") {
            out.push_str(&tail[..1]);
            rest = &tail[2..];
        } else {
            out.push_str(&tail[..1]);
            rest = &tail[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_angles_are_decoded() {
        assert_eq!(decoded("\\X2\\5F204E09\\X0\\ it''s"), "张三 it's");
        assert_eq!(decoded("caf\\X\\E9 \\S\\i"), "café é");
        assert_eq!(decoded("a\\X2\\5F2"), "a\\X2\\5F2");
        let lat = compound("(39,54,20,500000)").unwrap();
        assert!((lat - 39.905_694_4).abs() < 1e-6);
        assert!(compound("(-33,-51,-30)").unwrap() < -33.85);
        assert_eq!(arguments("('a,)b',(1,2),$)"), ["'a,)b'", "(1,2)", "$"]);
    }
}
