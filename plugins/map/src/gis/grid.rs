//! Elevation grids and other rasters of numbers: ESRI ASCII grid, SRTM height files, DTED.

use yumen_kit_container::{Container, FormatReader};
use yumen_kit_text::{Sample, send_text};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Message, Need, Probe, Reason,
    Spatial,
};

use super::crs::{self, CRS};
use super::emit::Via;
use crate::survey::{Spread, send_spatial};

/// Documentation of `esri-grid`.
const GRID: Format = Format {
    name: "esri-grid",
    title: "ESRI ASCII grid",
    media_type: "text/plain",
    extensions: &[],
    magic: "lines that begin with ncols, nrows, xllcorner or xllcenter, yllcorner or yllcenter, cellsize",
    reference: "https://desktop.arcgis.com/en/arcmap/latest/manage-data/raster-and-images/esri-ascii-raster-format.htm",
    evidence: "place, extent and cell size as imagery; text",
    limitations: &[],
};

/// Documentation of `srtm-hgt`.
const HGT: Format = Format {
    name: "srtm-hgt",
    title: "SRTM height file",
    media_type: "application/octet-stream",
    extensions: &["hgt"],
    magic: "a name such as N39E116.hgt, and the size of a square of 1201 or 3601 heights",
    reference: "https://dds.cr.usgs.gov/srtm/version2_1/Documentation/SRTM_Topo.pdf",
    evidence: "the square of a degree as imagery, least and greatest height",
    limitations: &[],
};

/// Documentation of `dted`.
const DTED: Format = Format {
    name: "dted",
    title: "Digital Terrain Elevation Data",
    media_type: "application/octet-stream",
    extensions: &["dt0", "dt1", "dt2"],
    magic: "UHL1, then the origin in degrees, minutes and seconds, and DSI at its place",
    reference: "MIL-PRF-89020B",
    evidence: "origin and spacing as imagery; the heads as text",
    limitations: &["Heights are counted as numbers, not checked."],
};

/// Reads grids of heights.
pub(crate) struct Grids;

/// Number of rows and columns, corner, cell size; and whether the corner is the middle of a cell.
fn grid(text: &str) -> Option<(u64, u64, f64, f64, f64)> {
    let (mut cols, mut rows, mut x, mut y, mut cell) = (None, None, None, None, None);
    let mut centre = [false; 2];
    for line in text.lines().take(7) {
        let mut words = line.split_ascii_whitespace();
        let (Some(key), Some(value)) = (words.next(), words.next()) else { break };
        let number: Option<f64> = value.parse().ok().filter(|n: &f64| n.is_finite());
        match key.to_ascii_lowercase().as_str() {
            "ncols" => cols = value.parse().ok(),
            "nrows" => rows = value.parse().ok(),
            "xllcorner" => x = number,
            "yllcorner" => y = number,
            "xllcenter" => (x, centre[0]) = (number, true),
            "yllcenter" => (y, centre[1]) = (number, true),
            "cellsize" | "dx" => cell = number,
            _ => {}
        }
    }
    let (x, y, cell) = (x?, y?, cell.filter(|c| *c > 0.0)?);
    let shift = |c: bool| if c { cell / 2.0 } else { 0.0 };
    Some((cols?, rows?, x - shift(centre[0]), y - shift(centre[1]), cell))
}

/// Latitude and longitude of the south-west corner in the name of a height file.
fn square(name: &str) -> Option<(f64, f64)> {
    let base = name.rsplit('/').next()?.to_ascii_uppercase();
    let b = base.as_bytes();
    let digits = |r: std::ops::Range<usize>| base.get(r)?.parse::<f64>().ok();
    let south = match b.first()? {
        b'N' => 1.0,
        b'S' => -1.0,
        _ => return None,
    };
    let west = match b.get(3)? {
        b'E' => 1.0,
        b'W' => -1.0,
        _ => return None,
    };
    let (lat, lon) = (digits(1..3)? * south, digits(4..7)? * west);
    (base.get(7..8) == Some(".") && lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some((lat, lon))
}

/// Angle of the form `1160000E`: degrees, minutes, seconds.
fn angle(bytes: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let n = text.len();
    let number = |r: std::ops::Range<usize>| text.get(r)?.trim().parse::<f64>().ok();
    let value = number(0..n - 5)? + number(n - 5..n - 3)? / 60.0 + number(n - 3..n - 1)? / 3600.0;
    match text.as_bytes()[n - 1] {
        b'N' | b'E' => Some(value),
        b'S' | b'W' => Some(-value),
        _ => None,
    }
}

impl FormatReader for Grids {
    fn formats(&self) -> &'static [Format] {
        &[GRID, HGT, DTED]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let b = probe.head;
        let len = probe.blob.len();
        if b.starts_with(b"UHL1") && b.get(80..83) == Some(b"DSI") && angle(b.get(4..12)?).is_some() {
            return Some(Identity::new(DTED.name, Certainty::Signature));
        }
        let sides = [(1201u64, 1201u64), (3601, 3601), (1201, 601), (3601, 1801)];
        if probe.extension() == "hgt" && sides.iter().any(|(r, c)| r * c * 2 == len) && square(probe.name).is_some() {
            return Some(Identity::new(HGT.name, Certainty::Signature));
        }
        let start = b.get(..5)?;
        if start.eq_ignore_ascii_case(b"ncols") || start.eq_ignore_ascii_case(b"nrows") {
            let sample = Sample::of(probe)?;
            return grid(&sample.text).map(|_| Identity::new(GRID.name, Certainty::Signature));
        }
        None
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        match artifact.format {
            "esri-grid" => {
                send_text(artifact, out)?;
                let head =
                    artifact.blob.bytes(0..artifact.blob.len().min(4096)).map_err(|e| InspectError::read(0, &e))?;
                let text = String::from_utf8_lossy(&head);
                let Some((cols, rows, x, y, cell)) = grid(&text) else {
                    return Err(InspectError::corrupt(0, "not the head of a grid"));
                };
                out.send(Message::Need(Need { key: CRS.to_owned() }))?;
                let item = raster(crs::granted(context), [x, y, x + cols as f64 * cell, y + rows as f64 * cell], cell);
                send_spatial(artifact, vec![item.with("width", cols).with("height", rows)], out)
            }
            "srtm-hgt" => {
                let mut c = Container::new(artifact, out);
                let result = hgt(artifact, &mut c);
                c.finish(result)
            }
            _ => {
                let mut c = Container::new(artifact, out);
                let result = dted(artifact, &mut c);
                c.finish(result)
            }
        }
    }
}

/// A raster by its extent and the size of its cells in units of the reference system.
fn raster(crs: Option<String>, extent: [f64; 4], cell: f64) -> Spatial {
    let [w, s, e, n] = extent;
    let mut spread = Spread::default();
    for i in 0..9u32 {
        for j in 0..9u32 {
            let at = |a: f64, b: f64, k: u32| a + (b - a) * f64::from(k) / 8.0;
            spread.add(at(w, e, i), at(s, n, j), 0.0);
        }
    }
    let geographic = super::shapes::is_geographic(crs.as_deref(), Some(extent));
    let metres = if geographic { 111_195.0 } else { 1.0 };
    spread
        .into_spatial(kinds::GEO_IMAGERY, crs)
        .with("resolution_m", (cell * metres * 1e3).round() / 1e3)
        .with("content", "elevation")
}

fn hgt(artifact: &Artifact, c: &mut Container<'_>) -> Result<(), InspectError> {
    let Some((lat, lon)) = square(&artifact.name) else {
        let len = c.len();
        return c.opaque(0..len, Reason::UnknownFormat);
    };
    let len = c.len();
    let side = if len >= 3601 * 1801 * 2 { 3601u32 } else { 1201 };
    let (mut low, mut high) = (i16::MAX, i16::MIN);
    yumen_kit_container::window::sweep(c.blob, 0..len, 0, |_, bytes| {
        for pair in bytes.chunks_exact(2) {
            let v = i16::from_be_bytes([pair[0], pair[1]]);
            if v > -1000 && v < 10_000 {
                (low, high) = (low.min(v), high.max(v));
            }
        }
        None::<()>
    })?;
    c.label(0..len, Label::Inspected)?;
    let mut item = raster(Some("EPSG:4326".to_owned()), [lon, lat, lon + 1.0, lat + 1.0], 1.0 / f64::from(side - 1));
    if low <= high {
        item = item.with("elevation_min", low).with("elevation_max", high);
    }
    send_spatial(artifact, vec![item.with("width", side).with("height", side)], &mut Via(c))
}

fn dted(artifact: &Artifact, c: &mut Container<'_>) -> Result<(), InspectError> {
    let head = c.window.get(0, 80)?.to_vec();
    let len = c.len();
    let (Some(lon), Some(lat)) = (head.get(4..12).and_then(angle), head.get(12..20).and_then(angle)) else {
        return Err(InspectError::corrupt(4, "no origin where it should stand"));
    };
    let number = |r: std::ops::Range<usize>| {
        head.get(r).and_then(|b| std::str::from_utf8(b).ok()).and_then(|t| t.trim().parse::<f64>().ok())
    };
    let (dx, dy) = (number(20..24).unwrap_or(0.0) / 36_000.0, number(24..28).unwrap_or(0.0) / 36_000.0);
    let (cols, rows) = (number(47..51).unwrap_or(0.0), number(51..55).unwrap_or(0.0));
    // User head, data set identification, accuracy: 80, 648 and 2700 bytes of text.
    let heads = 3428.min(len);
    c.comment(0..heads)?;
    let record = 12 + 2 * rows as u64;
    let data = (heads + record * cols as u64).min(len);
    c.label(heads..data, Label::Inspected)?;
    c.residue(data..len, yumen_kit_container::Place::After)?;
    let extent = [lon, lat, lon + dx * (cols - 1.0).max(0.0), lat + dy * (rows - 1.0).max(0.0)];
    let item = raster(Some("EPSG:4326".to_owned()), extent, dy.max(1e-9));
    send_spatial(artifact, vec![item.with("width", cols as u64).with("height", rows as u64)], &mut Via(c))?;
    if data < heads + record * cols as u64 {
        return Err(InspectError::corrupt(data, "the file ends before its heights do"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_told_by_their_heads() {
        let text = "ncols 4\nnrows 6\nxllcorner 116.0\nyllcorner 39.0\ncellsize 0.5\nNODATA_value -9999\n1 2 3 4\n";
        assert_eq!(grid(text), Some((4, 6, 116.0, 39.0, 0.5)));
        assert_eq!(grid("ncols 4\nnrows x\n"), None);
        assert_eq!(square("dem/N39E116.hgt"), Some((39.0, 116.0)));
        assert_eq!(square("s01w077.hgt"), Some((-1.0, -77.0)));
        assert_eq!(square("NOTES.hgt"), None);
        assert_eq!(angle(b"1163000E"), Some(116.5));
        assert_eq!(angle(b"0390000N"), Some(39.0));
    }
}
