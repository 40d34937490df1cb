//! OpenCRG: the surface of a road as a curved grid along a reference line.

use yumen_kit_container::{Container, FormatReader, window::sweep};
use yumen_kit_text::send_text;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Probe, Reason, Spatial,
};

use crate::survey::{Spread, km, send_spatial, tell};
use crate::xml::number;

pub(crate) struct OpenCrg;

const FORMATS: &[Format] = &[Format {
    name: "opencrg",
    title: "OpenCRG road surface",
    media_type: "application/octet-stream",
    extensions: &["crg"],
    magic: "sections that begin with $, among them ROAD_CRG and a definition of the data",
    reference: "https://www.asam.net/standards/detail/opencrg/",
    evidence: "text of the header; geo.map with length, start and end of the reference line in degrees or metres, resolution",
    limitations: &["Heights are checked to be numbers, not told."],
}];

/// The header ends within so many bytes.
const HEADER: usize = 256 << 10;

impl FormatReader for OpenCrg {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let head = probe.head;
        let start = head.iter().position(|b| !b.is_ascii_whitespace())?;
        if !matches!(head.get(start), Some(b'$' | b'*' | b'!')) {
            return None;
        }
        let end = header_end(head).unwrap_or(head.len());
        let text = String::from_utf8_lossy(&head[..end]).to_ascii_uppercase();
        let section = |name: &str| text.lines().any(|l| l.trim_start().starts_with(name));
        (section("$ROAD_CRG") && section("$KD_DEF")).then(|| Identity::new("opencrg", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let size = artifact.blob.len().min(HEADER as u64);
        let head = artifact.blob.bytes(0..size).map_err(|e| InspectError::read(0, &e))?;
        let end = header_end(&head).unwrap_or(head.len());
        let header = String::from_utf8_lossy(&head[..end]).into_owned();
        let grid = Grid::of(&header);
        if grid.binary {
            let mut c = Container::new(artifact, out);
            let result = grid.binary(&mut c, end as u64);
            c.finish(result)?;
        } else {
            send_text(artifact, out)?;
        }
        send_spatial(artifact, vec![grid.map()], out)
    }
}

/// Where the data begins: behind the line of dollar signs.
fn header_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n + 1);
        let line = bytes[at..end].trim_ascii();
        if line.len() >= 4 && line.iter().all(|&b| b == b'$') {
            return Some(end);
        }
        // A line without an end: 80 characters, and data behind them.
        if bytes[at..].len() >= 80 && bytes[at..at + 80].iter().all(|&b| b == b'$') {
            return Some(at + 80 + usize::from(bytes.get(at + 80) == Some(&b'\n')));
        }
        at = end;
    }
    None
}

#[derive(Default)]
struct Grid {
    binary: bool,
    double: bool,
    channels: u64,
    values: Vec<(String, String)>,
}

impl Grid {
    fn of(header: &str) -> Grid {
        let mut grid = Grid::default();
        let mut section = String::new();
        for line in header.lines() {
            let line = line.trim();
            if let Some(name) = line.strip_prefix('$') {
                if !name.is_empty() {
                    name.split(['!', ' ', '*']).next().unwrap_or("").to_ascii_uppercase().clone_into(&mut section);
                }
                continue;
            }
            if section.starts_with("KD_DEF") {
                // The kind of the data: `#:KRBI`, first the layout, then the coding.
                if let Some(kind) = line.strip_prefix("#:") {
                    let kind = kind.to_ascii_uppercase();
                    grid.binary = kind.as_bytes().get(2) == Some(&b'B');
                    grid.double = kind.starts_with("KD") || kind.starts_with("LD");
                } else if line.starts_with("D:") {
                    grid.channels += 1;
                }
            } else if let Some((key, value)) = line.split_once('=') {
                let value = value.split(['!', '*']).next().unwrap_or("").trim();
                if grid.values.len() < 1000 {
                    grid.values.push((key.trim().to_ascii_uppercase(), value.to_owned()));
                }
            }
        }
        grid
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(k, _)| k == name).and_then(|(_, v)| number(&v.replace(['d', 'D'], "e")))
    }

    fn binary(&self, c: &mut Container<'_>, start: u64) -> Result<(), InspectError> {
        c.comment(0..start)?;
        let len = c.len();
        let width = if self.double { 8 } else { 4 };
        let (mut all, mut odd) = (0u64, 0u64);
        let double = self.double;
        sweep(c.blob, start..len - (len - start) % width, 0, |_, bytes| {
            let plausible = |v: f64| v.is_nan() || v == 0.0 || (1e-12..1e9).contains(&v.abs());
            let mut count = |v: f64| {
                all += 1;
                odd += u64::from(!plausible(v));
            };
            if double {
                bytes.as_chunks::<8>().0.iter().for_each(|b| count(f64::from_be_bytes(*b)));
            } else {
                bytes.as_chunks::<4>().0.iter().for_each(|b| count(f64::from(f32::from_be_bytes(*b))));
            }
            None::<()>
        })?;
        // What is not heights is not looked into.
        if odd * 50 > all {
            return c.label(start..len, Label::Opaque(Reason::Corrupt));
        }
        let end = len - (len - start) % width;
        c.label(start..end, Label::Inspected)?;
        c.padding(end..len)
    }

    fn map(&self) -> Spatial {
        let pair = |x: &str, y: &str| self.get(x).zip(self.get(y));
        let degrees = [
            pair("REFERENCE_LINE_START_LON", "REFERENCE_LINE_START_LAT"),
            pair("REFERENCE_LINE_END_LON", "REFERENCE_LINE_END_LAT"),
        ];
        let metres = [
            pair("REFERENCE_LINE_START_X", "REFERENCE_LINE_START_Y"),
            pair("REFERENCE_LINE_END_X", "REFERENCE_LINE_END_Y"),
        ];
        let geodetic = degrees[0].is_some_and(|p| p != (0.0, 0.0));
        let mut spread = Spread::default();
        for (x, y) in if geodetic { degrees } else { metres }.into_iter().flatten() {
            spread.add(x, y, 0.0);
        }
        let crs = match spread.extent() {
            _ if geodetic => Some("EPSG:4326"),
            // Of a grid, but of which is not said.
            Some(e) if e.iter().any(|v| v.abs() > 50_000.0) => None,
            _ => Some("local"),
        };
        let mut map = spread.into_map(crs.map(str::to_owned));
        let length = self
            .get("REFERENCE_LINE_END_U")
            .map(|end| end - self.get("REFERENCE_LINE_START_U").unwrap_or(0.0))
            .filter(|l| *l > 0.0);
        if let Some(length) = length {
            tell(&mut map, "length_km", km(length));
        }
        tell(&mut map, "roads", 1);
        tell(&mut map, "layers", vec!["surface"]);
        tell(&mut map, "georeferenced", geodetic);
        tell(&mut map, "resolution_m", self.get("REFERENCE_LINE_INCREMENT"));
        tell(&mut map, "channels", self.channels);
        map
    }
}
