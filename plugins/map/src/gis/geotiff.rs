//! GeoTIFF, BigTIFF included: where a raster lies, and how fine it is. A TIFF without geographic tags is a picture, and not claimed here.

use std::collections::BTreeMap;
use std::io::Read as _;

use yumen_kit_container::{Container, FormatReader, Window};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Blob, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Message, Need, Probe,
    Reason, Spatial,
};

use super::crs::{self, CRS};
use super::emit::Via;
use crate::survey::send_spatial;

/// Documentation of `geotiff`.
const GEOTIFF: Format = Format {
    name: "geotiff",
    title: "GeoTIFF",
    media_type: "image/tiff; application=geotiff",
    extensions: &[],
    magic: "a TIFF or BigTIFF whose directory has the tags of GeoTIFF (33550, 33922, 34264, 34735)",
    reference: "OGC 19-008r4; TIFF 6.0; BigTIFF",
    evidence: "place, extent, ground resolution and bands as imagery; texts and GDAL's metadata; heights of an elevation model are read as numbers",
    limitations: &[
        "Pixels of pictures are opaque (no-model).",
        "Heights are read where they are stored plain or deflated.",
        "Ground control points are told by their extent.",
    ],
};

/// Reads GeoTIFF.
pub(crate) struct GeoTiff;

/// Directories that are followed.
const MOST_DIRECTORIES: usize = 64;
/// Entries of a directory.
const MOST_ENTRIES: u64 = 4096;
/// Strips or tiles of a directory that are labelled.
const MOST_STRIPS: u64 = 4 << 20;
/// Decoded bytes of a strip of heights.
const MOST_STRIP: u64 = 64 << 20;

#[derive(Clone, Copy)]
struct Layout {
    little: bool,
    big: bool,
}

impl Layout {
    fn of(head: &[u8]) -> Option<(Layout, u64)> {
        let little = match head.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        let mut layout = Layout { little, big: false };
        match layout.number(head, 2, 2) {
            42 => Some((layout, layout.number(head, 4, 4))),
            43 if layout.number(head, 4, 2) == 8 && layout.number(head, 6, 2) == 0 => {
                layout.big = true;
                Some((layout, layout.number(head, 8, 8)))
            }
            _ => None,
        }
    }

    fn number(self, bytes: &[u8], at: usize, n: usize) -> u64 {
        let bytes = bytes.get(at..at + n).unwrap_or_default();
        let fold = |acc: u64, &b: &u8| acc << 8 | u64::from(b);
        if self.little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    kind: u16,
    count: u64,
    /// Where its values stand.
    at: u64,
    bytes: u64,
}

impl Entry {
    fn size(kind: u16) -> u64 {
        match kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => 0,
        }
    }
}

struct Directory {
    entries: BTreeMap<u16, Entry>,
    range: std::ops::Range<u64>,
    next: u64,
}

/// Reads the directory at an offset.
fn directory(window: &mut Window<'_>, layout: Layout, at: u64, len: u64) -> Result<Option<Directory>, InspectError> {
    let (head, size, value) = if layout.big { (8, 20, 8) } else { (2, 12, 4) };
    let bytes = window.get(at, head)?;
    if bytes.len() < head || at < 8 {
        return Ok(None);
    }
    let count = layout.number(bytes, 0, head);
    let end = at + head as u64 + count.min(MOST_ENTRIES) * size as u64;
    if count == 0 || count > MOST_ENTRIES || end + value as u64 > len {
        return Ok(None);
    }
    let mut entries = BTreeMap::new();
    for i in 0..count {
        let place = at + head as u64 + i * size as u64;
        let bytes = window.get(place, size)?;
        let tag = u16::try_from(layout.number(bytes, 0, 2)).unwrap_or(0);
        let kind = u16::try_from(layout.number(bytes, 2, 2)).unwrap_or(0);
        let count = layout.number(bytes, 4, value);
        let total = count.saturating_mul(Entry::size(kind));
        let inline = place + 4 + value as u64;
        let stands = if total <= value as u64 { inline } else { layout.number(bytes, 4 + value, value) };
        if stands.saturating_add(total) <= len {
            entries.entry(tag).or_insert(Entry { kind, count, at: stands, bytes: total });
        }
    }
    let next = layout.number(window.get(end, value)?, 0, value);
    Ok(Some(Directory { entries, range: at..end + value as u64, next }))
}

impl Directory {
    fn has_place(&self) -> bool {
        [33_550, 33_922, 34_264, 34_735].iter().any(|t| self.entries.contains_key(t))
    }

    /// The `i`th value of a tag, whole or real.
    fn value(&self, window: &mut Window<'_>, layout: Layout, tag: u16, i: u64) -> Result<Option<f64>, InspectError> {
        let Some(entry) = self.entries.get(&tag).filter(|e| i < e.count) else { return Ok(None) };
        let size = Entry::size(entry.kind);
        let n = usize::try_from(size).unwrap_or(0);
        let bytes = window.get(entry.at + i * size, n)?;
        let raw = layout.number(bytes, 0, n);
        Ok(Some(match entry.kind {
            11 => f64::from(f32::from_bits(u32::try_from(raw).unwrap_or(0))),
            12 => f64::from_bits(raw),
            _ => raw as f64,
        }))
    }

    fn whole(&self, window: &mut Window<'_>, layout: Layout, tag: u16, i: u64) -> Result<Option<u64>, InspectError> {
        let Some(entry) = self.entries.get(&tag).filter(|e| i < e.count) else { return Ok(None) };
        let n = usize::try_from(Entry::size(entry.kind)).unwrap_or(0);
        let bytes = window.get(entry.at + i * n as u64, n)?;
        Ok(Some(layout.number(bytes, 0, n)))
    }

    fn reals(&self, window: &mut Window<'_>, layout: Layout, tag: u16) -> Result<Vec<f64>, InspectError> {
        let n = self.entries.get(&tag).map_or(0, |e| e.count.min(6000));
        let mut out = Vec::new();
        for i in 0..n {
            out.extend(self.value(window, layout, tag, i)?);
        }
        Ok(out)
    }

    fn text(&self, window: &mut Window<'_>, tag: u16) -> Result<String, InspectError> {
        let Some(entry) = self.entries.get(&tag).filter(|e| e.kind == 2) else { return Ok(String::new()) };
        let n = usize::try_from(entry.bytes.min(64 << 10)).unwrap_or(0);
        Ok(String::from_utf8_lossy(window.get(entry.at, n)?).trim_end_matches('\0').to_owned())
    }
}

impl FormatReader for GeoTiff {
    fn formats(&self) -> &'static [Format] {
        &[GEOTIFF]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let (layout, first) = Layout::of(probe.head)?;
        let mut window = Window::new(probe.blob);
        let directory = directory(&mut window, layout, first, probe.blob.len()).ok()??;
        (directory.entries.contains_key(&256) && directory.has_place())
            .then(|| Identity::new(GEOTIFF.name, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut c = Container::new(artifact, out);
        let result = read(artifact, context, &mut c);
        c.finish(result)
    }
}

fn read(artifact: &Artifact, context: &Context, c: &mut Container<'_>) -> Result<(), InspectError> {
    let head = c.window.get(0, 16)?.to_vec();
    let Some((layout, first)) = Layout::of(&head) else {
        return Err(InspectError::corrupt(0, "not the head of a TIFF"));
    };
    c.container(0..if layout.big { 16 } else { 8 })?;
    let len = c.len();
    let mut queue = vec![first];
    let mut seen = Vec::new();
    let mut used: Vec<std::ops::Range<u64>> = Vec::new();
    used.push(0..if layout.big { 16 } else { 8 });
    let mut items: Vec<Spatial> = Vec::new();
    let mut broken = None;
    while let Some(at) = queue.pop() {
        if at == 0 || seen.contains(&at) {
            continue;
        }
        if seen.len() >= MOST_DIRECTORIES {
            break;
        }
        seen.push(at);
        let Some(dir) = directory(&mut c.window, layout, at, len)? else {
            broken = Some(at);
            continue;
        };
        c.container(dir.range.clone())?;
        used.push(dir.range.clone());
        queue.push(dir.next);
        for i in 0..dir.entries.get(&330).map_or(0, |e| e.count.min(16)) {
            queue.extend(dir.whole(&mut c.window, layout, 330, i)?);
        }
        let main = items.is_empty() && dir.has_place();
        if main {
            items.push(place(&dir, layout, c, context)?);
        }
        let heights = is_heights(&dir, layout, c)?;
        tags(&dir, c, &mut used)?;
        let range = pixels(&dir, layout, c, heights, &mut used)?;
        if let (true, Some([low, high])) = (main && heights, range)
            && let Some(item) = items.first_mut()
        {
            item.properties.insert("elevation_min".to_owned(), low.into());
            item.properties.insert("elevation_max".to_owned(), high.into());
        }
    }
    if items.first().is_some_and(|i| i.crs.is_none()) {
        c.send(Message::Need(Need { key: CRS.to_owned() }))?;
    }
    send_spatial(artifact, items, &mut Via(c))?;
    if let Some(at) = broken {
        return Err(InspectError::corrupt(at, "a directory that does not fit into the file"));
    }
    rest(c, used)
}

/// What no directory names: GDAL writes its own structure between the head and the first directory, tiles are padded.
fn rest(c: &mut Container<'_>, mut used: Vec<std::ops::Range<u64>>) -> Result<(), InspectError> {
    used.sort_by_key(|r| r.start);
    let len = c.len();
    let mut at = 0;
    for range in used.into_iter().chain(std::iter::once(len..len)) {
        if range.start > at {
            let gap = at..range.start;
            let bytes = c.window.get(gap.start, 64)?;
            if bytes.starts_with(b"GDAL_STRUCTURAL_METADATA_SIZE=") && gap.end - gap.start < 4096 {
                c.comment(gap)?;
            } else if gap.end - gap.start <= 16 {
                // Lengths before and after the tiles of a cloud-optimised file.
                c.container(gap)?;
            } else {
                c.unallocated(gap)?;
            }
        }
        at = at.max(range.end);
    }
    Ok(())
}

/// Labels the values of the tags; texts are shown.
fn tags(dir: &Directory, c: &mut Container<'_>, used: &mut Vec<std::ops::Range<u64>>) -> Result<(), InspectError> {
    for (tag, entry) in &dir.entries {
        let range = entry.at..entry.at + entry.bytes;
        if dir.range.contains(&entry.at) || entry.bytes == 0 {
            if entry.kind == 2 {
                c.comment(range)?;
            }
            continue;
        }
        used.push(range.clone());
        match (entry.kind, *tag) {
            (2, _) => {
                // Texts end with a zero.
                let n = usize::try_from(entry.bytes.min(1 << 20)).unwrap_or(0);
                let zeros = c.window.get(range.start, n)?.iter().rev().take_while(|&&b| b == 0).count();
                let end = if n as u64 == entry.bytes { range.end - zeros as u64 } else { range.end };
                c.container(end..range.end)?;
                c.comment(range.start..end)?;
            }
            // XMP, IPTC, Photoshop, ICC, EXIF and whatever else is bytes.
            (1 | 7, _) if entry.bytes > 64 => {
                let name = match tag {
                    700 => "metadata.xmp".to_owned(),
                    33_723 => "metadata.iptc".to_owned(),
                    34_377 => "metadata.8bim".to_owned(),
                    34_675 => "profile.icc".to_owned(),
                    347 => {
                        c.container(range)?;
                        continue;
                    }
                    _ => format!("tag-{tag}"),
                };
                c.hand_over_range(yumen_model::ChildMeta::named(name.as_bytes()), range)?;
            }
            _ => c.label(range, Label::Inspected)?,
        }
    }
    Ok(())
}

/// Whether the samples are heights or other numbers of one band, not a picture.
fn is_heights(dir: &Directory, layout: Layout, c: &mut Container<'_>) -> Result<bool, InspectError> {
    let w = &mut c.window;
    let bits = dir.whole(w, layout, 258, 0)?.unwrap_or(1);
    let bands = dir.whole(w, layout, 277, 0)?.unwrap_or(1);
    let format = dir.whole(w, layout, 339, 0)?.unwrap_or(1);
    let photometric = dir.whole(w, layout, 262, 0)?.unwrap_or(1);
    Ok(bands == 1 && photometric <= 1 && ((format == 2 && bits >= 16) || (format == 3 && bits >= 32)))
}

/// Labels strips and tiles. Of heights they are read, and least and most come back.
fn pixels(
    dir: &Directory,
    layout: Layout,
    c: &mut Container<'_>,
    heights: bool,
    used: &mut Vec<std::ops::Range<u64>>,
) -> Result<Option<[f64; 2]>, InspectError> {
    let (offsets, lengths) = if dir.entries.contains_key(&324) { (324, 325) } else { (273, 279) };
    let n = dir.entries.get(&offsets).map_or(0, |e| e.count.min(MOST_STRIPS));
    let compression = dir.whole(&mut c.window, layout, 259, 0)?.unwrap_or(1);
    let predictor = dir.whole(&mut c.window, layout, 317, 0)?.unwrap_or(1);
    let bits = dir.whole(&mut c.window, layout, 258, 0)?.unwrap_or(1);
    let float = dir.whole(&mut c.window, layout, 339, 0)? == Some(3);
    let nodata: Option<f64> = dir.text(&mut c.window, 42_113)?.trim().parse().ok();
    let len = c.len();
    // Tiles at the right and lower edge are filled up.
    let mut whole = |tag| dir.whole(&mut c.window, layout, tag, 0);
    let (width, height) = (whole(256)?.unwrap_or(0), whole(257)?.unwrap_or(0));
    let tile = (offsets == 324).then_some((whole(322)?.unwrap_or(0).max(1), whole(323)?.unwrap_or(0).max(1)));
    let inside = |i: u64, k: u64| {
        let Some((w, h)) = tile else { return true };
        let across = width.div_ceil(w).max(1);
        (i % across) * w + k % w < width && (i / across) * h + k / w < height
    };
    let mut range: Option<[f64; 2]> = None;
    let mut lengths_window = Window::new(c.blob);
    let mut buffer = Vec::new();
    for i in 0..n {
        let Some(at) = dir.whole(&mut c.window, layout, offsets, i)? else { break };
        let Some(size) = dir.whole(&mut lengths_window, layout, lengths, i)? else { break };
        // Tiles that hold nothing are left out of the file.
        if at == 0 || size == 0 {
            continue;
        }
        let strip = at..at.saturating_add(size);
        if strip.end > len {
            c.opaque(at.min(len)..len, Reason::Corrupt)?;
            used.push(at.min(len)..len);
            continue;
        }
        used.push(strip.clone());
        let read = heights && decode(c.blob, strip.clone(), compression, &mut buffer);
        if !read {
            c.opaque(strip, Reason::NoModel)?;
            continue;
        }
        c.label(strip, Label::Inspected)?;
        // The predictor stores differences: their range says nothing.
        if predictor <= 1 {
            let step = usize::try_from(bits / 8).unwrap_or(2).max(1);
            for (k, sample) in buffer.chunks_exact(step).enumerate() {
                if !inside(i, k as u64) {
                    continue;
                }
                let raw = layout.number(sample, 0, step);
                let value = match (float, step) {
                    (true, 4) => f64::from(f32::from_bits(u32::try_from(raw).unwrap_or(0))),
                    (true, 8) => f64::from_bits(raw),
                    (false, 2) => f64::from(u16::try_from(raw).unwrap_or(0).cast_signed()),
                    (false, 4) => f64::from(u32::try_from(raw).unwrap_or(0).cast_signed()),
                    _ => continue,
                };
                if value.is_finite() && value > -30_000.0 && value < 1e6 && Some(value) != nodata {
                    let r = range.get_or_insert([value, value]);
                    *r = [r[0].min(value), r[1].max(value)];
                }
            }
        }
    }
    if let Some(entry) = dir.entries.get(&offsets).filter(|e| e.count > MOST_STRIPS) {
        c.opaque(entry.at..entry.at, Reason::Limit)?;
    }
    Ok(range)
}

/// Decodes a strip of numbers. False where the method is not read, or the data is broken.
fn decode(blob: &Blob, strip: std::ops::Range<u64>, compression: u64, out: &mut Vec<u8>) -> bool {
    out.clear();
    if strip.end - strip.start > (16 << 20) {
        return false;
    }
    let Ok(bytes) = blob.bytes(strip) else { return false };
    match compression {
        1 => {
            out.extend_from_slice(&bytes);
            true
        }
        8 | 32_946 => {
            let mut reader = flate2::read::ZlibDecoder::new(&bytes[..]).take(MOST_STRIP);
            reader.read_to_end(out).is_ok()
        }
        _ => false,
    }
}

/// Where the raster lies.
fn place(dir: &Directory, layout: Layout, c: &mut Container<'_>, context: &Context) -> Result<Spatial, InspectError> {
    let w = &mut c.window;
    let width = dir.whole(w, layout, 256, 0)?.unwrap_or(0);
    let height = dir.whole(w, layout, 257, 0)?.unwrap_or(0);
    let keys = keys(dir, layout, w)?;
    let crs = reference(&keys).or_else(|| crs::granted(context));
    let scale = dir.reals(w, layout, 33_550)?;
    let ties = dir.reals(w, layout, 33_922)?;
    let matrix = dir.reals(w, layout, 34_264)?;
    let transform: Option<[f64; 6]> = if let [a, b, _, d, e, f, _, h, ..] = matrix[..] {
        Some([a, b, d, e, f, h])
    } else if let ([sx, sy, ..], [i, j, _, x, y, ..]) = (&scale[..], &ties[..]) {
        Some([*sx, 0.0, x - i * sx, 0.0, -sy, y + j * sy])
    } else {
        None
    };
    let mut item = Spatial { crs, ..Spatial::new(kinds::GEO_IMAGERY) };
    let mut spread = crate::survey::Spread::default();
    if let Some([a, b, x, d, e, y]) = transform {
        let (w, h) = (width as f64, height as f64);
        let at = |i: f64, j: f64| (a * i + b * j + x, d * i + e * j + y);
        // The middle of the pixels of a grid over the picture, and the corners.
        for i in 0..9u32 {
            for j in 0..9u32 {
                let (px, py) = at(w * f64::from(i) / 8.0, h * f64::from(j) / 8.0);
                spread.add(px, py, 0.0);
            }
        }
        let pixel = a.hypot(d);
        let geographic = super::shapes::is_geographic(item.crs.as_deref(), spread.extent()) && !keys.projected;
        let metres = if geographic { 111_195.0 } else { keys.unit };
        item = item.with("resolution_m", (pixel * metres * 1e3).round() / 1e3);
        if geographic && let Some([west, south, east, north]) = spread.extent() {
            let area =
                (east - west) * (north - south) * f64::midpoint(south, north).to_radians().cos() * 111.195f64.powi(2);
            item = item.with("area_km2", (area * 1e3).round() / 1e3);
        } else if !geographic {
            let area = (w * h * (a * e - b * d).abs() * keys.unit * keys.unit) / 1e6;
            item = item.with("area_km2", (area * 1e3).round() / 1e3);
        }
    } else {
        for tie in ties.chunks_exact(6) {
            spread.add(tie[3], tie[4], tie[5]);
        }
        item = item.with("control_points", ties.len() / 6);
    }
    item.extent = spread.extent();
    item.samples = spread.samples().to_vec();
    let bits = dir.whole(&mut c.window, layout, 258, 0)?.unwrap_or(1);
    let bands = dir.whole(&mut c.window, layout, 277, 0)?.unwrap_or(1);
    let format = match dir.whole(&mut c.window, layout, 339, 0)? {
        Some(2) => "int",
        Some(3) => "float",
        _ => "uint",
    };
    let compression = match dir.whole(&mut c.window, layout, 259, 0)?.unwrap_or(1) {
        1 => "none",
        5 => "lzw",
        6 | 7 => "jpeg",
        8 | 32_946 => "deflate",
        32_773 => "packbits",
        34_712 => "jpeg2000",
        34_887 => "lerc",
        34_925 => "lzma",
        50_000 => "zstd",
        50_001 => "webp",
        _ => "other",
    };
    let content = if is_heights(dir, layout, c)? { "elevation" } else { "picture" };
    Ok(item
        .with("width", width)
        .with("height", height)
        .with("bands", bands)
        .with("sample", format!("{format}{bits}"))
        .with("compression", compression)
        .with("content", content))
}

struct Keys {
    projected: bool,
    geographic_code: Option<u64>,
    projected_code: Option<u64>,
    citation: String,
    geo_citation: String,
    /// Metres of a plane unit.
    unit: f64,
}

/// The geographic keys that tell the reference system.
fn keys(dir: &Directory, layout: Layout, w: &mut Window<'_>) -> Result<Keys, InspectError> {
    let mut keys = Keys {
        projected: false,
        geographic_code: None,
        projected_code: None,
        citation: String::new(),
        geo_citation: String::new(),
        unit: 1.0,
    };
    let n = dir.whole(w, layout, 34_735, 3)?.unwrap_or(0).min(1000);
    let ascii = dir.text(w, 34_737)?;
    for i in 1..=n {
        let mut key = [0u64; 4];
        for (j, slot) in key.iter_mut().enumerate() {
            *slot = dir.whole(w, layout, 34_735, i * 4 + j as u64)?.unwrap_or(0);
        }
        let text = || {
            let (from, len) = (usize::try_from(key[3]).unwrap_or(0), usize::try_from(key[2]).unwrap_or(0));
            ascii.get(from..from + len).unwrap_or_default().trim_end_matches(['|', '\0']).to_owned()
        };
        match (key[0], key[1]) {
            (1024, 0) => keys.projected = key[3] == 1,
            (2048, 0) => keys.geographic_code = Some(key[3]),
            (3072, 0) => keys.projected_code = Some(key[3]),
            (1026, 34_737) => keys.citation = text(),
            (3073, 34_737) => keys.citation = text(),
            (2049, 34_737) => keys.geo_citation = text(),
            (3076, 0) => {
                keys.unit = match key[3] {
                    9002 => 0.3048,
                    9003 => 0.304_800_609_6,
                    _ => 1.0,
                };
            }
            _ => {}
        }
    }
    Ok(keys)
}

/// The reference system: an EPSG code where one is told, well-known text or its name where only that is.
fn reference(keys: &Keys) -> Option<String> {
    let code = |c: Option<u64>| c.filter(|c| (1024..32_767).contains(c)).map(|c| format!("EPSG:{c}"));
    if keys.projected {
        if let Some(code) = code(keys.projected_code) {
            return Some(code);
        }
        // ESRI puts the text itself there.
        let text = keys.citation.trim();
        let text = text.strip_prefix("ESRI PE String = ").unwrap_or(text);
        return (!text.is_empty()).then(|| text.to_owned());
    }
    code(keys.geographic_code).or_else(|| (!keys.geo_citation.is_empty()).then(|| keys.geo_citation.clone()))
}
