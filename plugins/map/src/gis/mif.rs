//! MapInfo interchange (`.mif`): the geometry of a layer as text; its attributes are the `.mid` beside it.
//!
//! Source: MapInfo Professional User Guide, appendix "MapInfo Data Interchange Format".

use yumen_kit_container::FormatReader;
use yumen_kit_text::{Decoder, Detection, RecordWriter, Spot, detect};
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InspectionExt, Label, Probe,
};

use super::emit::Emit;
use super::shapes::{Form, Sequence, Shapes, Step};
use super::words;
use crate::survey::send_spatial;

/// Documentation of `mapinfo-mif`.
const MIF: Format = Format {
    name: "mapinfo-mif",
    title: "MapInfo interchange file",
    media_type: "text/plain",
    extensions: &["mif"],
    magic: "a line Version and a number, and lines Columns and Data",
    reference: "MapInfo Professional User Guide, appendix MapInfo Data Interchange Format",
    evidence: "lines and areas as a map, points as places or, where names say so, as positions; texts and names of columns as records",
    limitations: &["Times in the .mid are not joined to the points."],
};

/// Reads MapInfo interchange files.
pub(crate) struct Mif;

/// Longest line that is looked at.
const LONGEST: usize = 4096;

/// Whether a text begins as one of these files does.
fn begins(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&head[..head.len().min(32 << 10)]);
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let word = |line: &str, word: &str| line.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
    let version = text
        .lines()
        .next()
        .is_some_and(|l| word(l, "version") && l[7..].trim().parse::<u32>().is_ok_and(|n| (1..10_000).contains(&n)));
    version
        && text.lines().any(|l| word(l.trim_start(), "columns "))
        && text.lines().any(|l| l.trim().eq_ignore_ascii_case("data"))
}

/// The reference system of a `CoordSys` clause.
fn system(clause: &str) -> String {
    let lower = clause.to_ascii_lowercase();
    if lower.contains("nonearth") || lower.contains("layout") {
        return "local".to_owned();
    }
    let Some(at) = lower.find("projection") else { return "wgs84".to_owned() };
    let tail = &lower[at + 10..];
    let tail = &tail[..["bounds", "affine"].iter().filter_map(|w| tail.find(w)).min().unwrap_or(tail.len())];
    let parts: Vec<&str> = tail.split(',').map(|p| p.trim().trim_matches('"')).collect();
    let number = |i: usize| parts.get(i).and_then(|p| p.parse::<f64>().ok());
    let kind = parts.first().and_then(|p| p.parse::<u32>().ok()).unwrap_or(0);
    let datum = parts.get(1).and_then(|p| p.parse::<u32>().ok()).unwrap_or(0);
    // A datum of one's own tells its ellipsoid and its shift.
    let shift = match datum {
        999 => 3,
        9999 => 8,
        _ => 0,
    };
    let extra = if shift > 0 { shift + 1 } else { 0 };
    let krassovsky = matches!(datum, 154 | 1001 | 1012) || extra > 0 && number(2) == Some(3.0);
    let base = match datum {
        104 | 157 | 158 => "+datum=WGS84",
        _ if krassovsky => "+ellps=krass",
        _ => "+ellps=GRS80",
    };
    if kind == 1 {
        return if datum == 104 { "wgs84".to_owned() } else { format!("+proj=longlat {base} +no_defs") };
    }
    let unit = parts.get(2 + extra).copied().unwrap_or("m");
    let p = |i: usize| number(3 + extra + i).unwrap_or(0.0);
    match (kind, unit) {
        (8, "m") => format!(
            "+proj=tmerc +lat_0={} +lon_0={} +k={} +x_0={} +y_0={} {base} +units=m +no_defs",
            p(1),
            p(0),
            number(5 + extra).unwrap_or(1.0),
            p(3),
            p(4)
        ),
        (10, "m") if datum == 157 => "EPSG:3857".to_owned(),
        _ => "+proj=mapinfo".to_owned(),
    }
}

impl FormatReader for Mif {
    fn formats(&self) -> &'static [Format] {
        &[MIF]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let b = probe.head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(probe.head).trim_ascii_start();
        b.get(..7)
            .is_some_and(|w| w.eq_ignore_ascii_case(b"version"))
            .then(|| begins(probe.head))?
            .then(|| Identity::new(MIF.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let detection = detect(&artifact.blob).map_err(|e| InspectError::read(0, &e))?.unwrap_or(Detection::UTF8);
        let mut decoder = Decoder::new(&artifact.blob, detection);
        let stem = artifact.base_name().split('.').next().unwrap_or_default();
        let mut reader = Reader {
            shapes: Shapes::default(),
            points: Sequence::default(),
            // Positions are in degrees where nothing is told.
            crs: "wgs84".to_owned(),
            emit: None,
            writer: RecordWriter::new(artifact),
            artifact,
            named: words::track_like(stem) && !words::map_like(stem),
            columns: None,
            data: false,
            form: None,
            tracks: 0,
            line: 0,
        };
        reader.shapes.name(stem);
        let (mut line, mut offset) = (String::new(), 0);
        let mut at = 0;
        loop {
            let chunk = decoder.next_chunk().map_err(|e| InspectError::read(at, &e))?;
            let end = chunk.is_none();
            let (text, base) = chunk.as_ref().map_or(("\n", at), |c| (c.text, c.range.start));
            let mut from = 0;
            while let Some(n) = memchr::memchr(b'\n', &text.as_bytes()[from..]) {
                push(&mut line, &text[from..from + n]);
                reader.line(line.trim(), offset, out)?;
                line.clear();
                from += n + 1;
                offset = base + from as u64;
            }
            push(&mut line, &text[from..]);
            let Some(chunk) = chunk else { break };
            at = chunk.range.end;
            if !end {
                out.label(chunk.range, Label::Inspected)?;
            }
        }
        reader.finish(out)
    }
}

/// Adds to a line as far as it is looked at.
fn push(line: &mut String, text: &str) {
    let room = LONGEST.saturating_sub(line.len()).min(text.len());
    line.push_str(&text[..text.floor_char_boundary(room)]);
}

struct Reader<'a> {
    artifact: &'a Artifact,
    shapes: Shapes,
    points: Sequence,
    crs: String,
    emit: Option<Emit<'a>>,
    writer: RecordWriter,
    named: bool,
    /// Names of columns that are still to come.
    columns: Option<u32>,
    data: bool,
    form: Option<(Form, bool)>,
    tracks: u64,
    line: u64,
}

impl Reader<'_> {
    fn line(&mut self, line: &str, offset: u64, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.line += 1;
        let mut words = line.split([' ', '\t', ',']).filter(|w| !w.is_empty());
        let Some(first) = words.next() else { return Ok(()) };
        if self.data && first.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
            return self.numbers(line, offset, out);
        }
        let first = first.to_ascii_lowercase();
        let numbers: Vec<f64> = words.clone().map_while(|w| w.parse().ok()).collect();
        if !self.data {
            match first.as_str() {
                "coordsys" => self.crs = system(line),
                "columns" => self.columns = words.next().and_then(|n| n.parse().ok()),
                "data" => self.data = true,
                _ => {
                    if let Some(n) = self.columns.filter(|n| *n > 0) {
                        self.columns = Some(n - 1);
                        let name = line.split([' ', '\t']).next().unwrap_or_default();
                        self.shapes.name(name);
                    }
                }
            }
            return self.text(line, offset, out);
        }
        let object = |r: &mut Self, form: Form| {
            r.shapes.features += 1;
            let track = form == Form::Line && r.named;
            if track {
                r.tracks += 1;
            } else {
                r.shapes.begin(form);
            }
            r.form = Some((form, track));
        };
        match first.as_str() {
            "point" => {
                object(self, Form::Point);
                if let [x, y, ..] = numbers[..] {
                    self.position(x, y, offset, out)?;
                }
            }
            "multipoint" => object(self, Form::Point),
            "line" | "pline" => {
                object(self, Form::Line);
                if let [x, y, x2, y2] = numbers[..] {
                    self.position(x, y, offset, out)?;
                    self.position(x2, y2, offset, out)?;
                }
            }
            "region" => object(self, Form::Area),
            "rect" | "roundrect" | "ellipse" | "arc" => {
                object(self, Form::Area);
                if let [x, y, x2, y2, ..] = numbers[..] {
                    for (x, y) in [(x, y), (x, y2), (x2, y2), (x2, y), (x, y)] {
                        self.position(x, y, offset, out)?;
                    }
                }
                self.end_ring();
                self.form = None;
            }
            // Its own place is that of the label.
            "text" => {
                object(self, Form::Point);
                self.text(line, offset, out)?;
            }
            "none" => self.shapes.features += 1,
            "pen" | "brush" | "symbol" | "center" | "font" | "spacing" | "justify" | "angle" | "smooth" | "label"
            | "collection" => {
                self.end_ring();
                if first != "center" {
                    self.form = self.form.filter(|_| first == "collection");
                }
            }
            _ => self.text(line, offset, out)?,
        }
        Ok(())
    }

    /// A line of numbers: how many positions follow, or one or two of them.
    fn numbers(&mut self, line: &str, offset: u64, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let numbers: Vec<f64> =
            line.split([' ', '\t', ',']).filter(|w| !w.is_empty()).map_while(|w| w.parse().ok()).take(5).collect();
        match numbers[..] {
            [_] => {
                self.end_ring();
                self.shapes.part();
            }
            [x, y] => self.position(x, y, offset, out)?,
            [x, y, _, _] => self.position(x, y, offset, out)?,
            _ => {}
        }
        Ok(())
    }

    fn end_ring(&mut self) {
        if matches!(self.form, Some((Form::Area, _))) {
            // Rings of a region are told apart by nothing: the sum of them all is what is covered, holes too.
            self.shapes.end_ring(Some(false));
        }
    }

    fn position(&mut self, x: f64, y: f64, offset: u64, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let Some((form, track)) = self.form else { return Ok(()) };
        let emit = self.emit.get_or_insert_with(|| Emit::new(self.artifact, Some(&self.crs)));
        let step = Step { x, y, entity: self.tracks, offset, ..Step::default() };
        match form {
            Form::Point => {
                self.shapes.point(x, y, None);
                self.points.push(Step { entity: 0, ..step }, self.named, emit, out)
            }
            _ if track => emit.fix(step.into(), out),
            _ => {
                self.shapes.vertex(form, x, y, None);
                Ok(())
            }
        }
    }

    fn text(&mut self, line: &str, offset: u64, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = self.writer.name("text");
        let spot = Spot { byte: offset, line: self.line, column: 1 };
        self.writer.cell(line, name, 0, spot, offset + line.len() as u64, true);
        self.writer.end_record(out)
    }

    fn finish(mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.end_ring();
        self.writer.finish(out)?;
        let mut told = false;
        if let Some(mut emit) = self.emit.take() {
            let hint = self.named || self.shapes.motion_like();
            told = self.points.finish(hint, &mut emit, out)?;
            emit.finish(out)?;
        }
        send_spatial(self.artifact, self.shapes.finish(Some(self.crs), told).into_iter().collect(), out)
    }
}

#[cfg(test)]
mod tests {
    use yumen_kit_container::testing::{abuse, identify, inspect};
    use yumen_model::kind::kinds;

    use super::*;
    use crate::MapPlugin;

    #[test]
    fn systems_are_those_of_their_clauses() {
        assert_eq!(system("CoordSys Earth Projection 1, 104"), "wgs84");
        assert_eq!(
            system("CoordSys Earth Projection 8, 154, \"m\", 117, 0, 1, 20500000, 0 Bounds (1, 2) (3, 4)"),
            "+proj=tmerc +lat_0=0 +lon_0=117 +k=1 +x_0=20500000 +y_0=0 +ellps=krass +units=m +no_defs"
        );
        assert_eq!(system("CoordSys NonEarth Units \"m\" Bounds (0, 0) (1, 1)"), "local");
        assert_eq!(system("CoordSys Earth Projection 10, 157, \"m\", 0"), "EPSG:3857");
    }

    const HEAD: &str = "Version 300\nCharset \"Neutral\"\nDelimiter \",\"\nCoordSys Earth Projection 1, 104\nColumns 2\n  id Integer\n  road_class Char(8)\nData\n\n";

    #[test]
    fn objects_are_counted() {
        let text = format!(
            "{HEAD}Pline 3\n116.39 39.9\n116.391 39.9\n116.391 39.901\n    Pen (1,2,0)\nPline Multiple 2\n2\n116.1 39.1\n116.2 39.1\n2\n116.3 39.1\n116.4 39.1\nLine 116.5 39.5 116.6 39.5\nRegion 1\n  4\n116 39\n116.1 39\n116.1 39.1\n116 39\n    Brush (1,0,1)\nPoint 116.2 39.9\n    Symbol (35,0,12)\nText \"张三 13800138000\"\n116.1 39.2 116.2 39.3\nnone\n"
        );
        assert_eq!(identify(&MapPlugin, "a.mif", text.as_bytes()).unwrap().format, "mapinfo-mif");
        let r = inspect(&MapPlugin, "a.mif", text.as_bytes());
        r.assert_clear();
        let [map] = &r.spatial[..] else { panic!("{}", r.spatial.len()) };
        assert_eq!(map.kind, kinds::GEO_MAP);
        let count = |name: &str| map.properties[name].as_u64();
        assert_eq!(
            (count("lines"), count("areas"), count("point_features"), count("features")),
            (Some(3), Some(1), Some(2), Some(7))
        );
        assert_eq!(count("points"), Some(3 + 4 + 2 + 4 + 2));
        assert_eq!(map.extent, Some([116.0, 39.0, 116.6, 39.901]));
        assert!(r.values.iter().any(|(_, v)| v.contains("13800138000")));
        abuse(&MapPlugin, "mapinfo-mif", "a.mif", text.as_bytes(), 40);
        assert!(identify(&MapPlugin, "a.txt", b"Version 300\nColumns are many\nno data\n").is_none());
    }
}
