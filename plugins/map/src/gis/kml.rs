//! KML 2.x with Google's extensions: placemarks, recorded tracks, overlays. KMZ is a zip whose children are KML.

use yumen_kit_container::FormatReader;
use yumen_kit_xml::{Markup, Place, Visitor};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Spatial};

use super::emit::{Emit, Without};
use super::shapes::{Form, Sequence, Shapes, Step};
use super::xml::{Numbers, Shared};
use super::{when, words, xml};
use crate::survey::send_spatial;

/// Documentation of `kml`.
const KML: Format = Format {
    name: "kml",
    title: "Keyhole Markup Language",
    media_type: "application/vnd.google-earth.kml+xml",
    extensions: &["kml"],
    magic: "the XML root kml, or Document, Folder or Placemark with the namespace of KML",
    reference: "OGC 12-007r2; https://developers.google.com/kml/documentation/kmlreference",
    evidence: "gx:Track, lines named as tracks, and points with times as positions of tracks; other shapes as a map or as places; ground overlays as imagery; names, descriptions and data as records",
    limitations: &["What a network link points to is not fetched.", "Descriptions in HTML are read as text."],
};

/// Most overlays that are told one by one.
const MOST_OVERLAYS: usize = 256;
/// Most positions of one `gx:Track`.
const MOST_TRACK: usize = 2 << 20;

/// Reads KML.
pub(crate) struct Kml;

impl FormatReader for Kml {
    fn formats(&self) -> &'static [Format] {
        &[KML]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        xml::identify(probe, |name, attributes, body| {
            let space = attributes.contains("google.com/kml/") || attributes.contains("opengis.net/kml");
            let inside = ["<Document", "<Placemark", "<Folder", "<NetworkLink", "<GroundOverlay", "<Style"];
            let kml = name == "kml" && (space || inside.iter().any(|e| body.contains(e)));
            let bare = matches!(name, "Document" | "Folder" | "Placemark") && space;
            (kml || bare).then_some((KML.name, Certainty::Specific))
        })
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let shared = Shared::new(Numbers::tuples());
        let file_track = words::track_like(artifact.base_name().split('.').next().unwrap_or_default());
        let mut reader = Reader {
            shared: &shared,
            emit: Emit::new(artifact, Some("wgs84")),
            shapes: Shapes::default(),
            points: Sequence::default(),
            stack: Vec::new(),
            names: vec![file_track],
            placemark: Placemark::default(),
            whens: Vec::new(),
            coords: Vec::new(),
            tracks: 0,
            overlay: None,
            overlays: Vec::new(),
            attribute_time: false,
        };
        let long = |text: &str| shared.borrow_mut().feed(text);
        let mut filter = Without { out, coordinates, long: Some(&long) };
        yumen_kit_xml::inspect(artifact, Markup::Xml, &mut reader, &mut filter)?;
        let out = filter.out;
        let told = reader.points.finish(file_track, &mut reader.emit, out)?;
        reader.emit.finish(out)?;
        let mut items = std::mem::take(&mut reader.overlays);
        items.extend(reader.shapes.finish(Some("wgs84".to_owned()), told));
        send_spatial(artifact, items, out)
    }
}

/// Names of the cells that hold what is told as positions.
fn coordinates(name: &str) -> bool {
    matches!(name.rsplit('.').next(), Some("coordinates" | "coord" | "north" | "south" | "east" | "west"))
}

#[derive(Default)]
struct Placemark {
    named_track: bool,
    time: Option<f64>,
    lines: Vec<Vec<(f64, f64, Option<f64>)>>,
    points: Vec<(f64, f64, Option<f64>)>,
    offset: u64,
    open: bool,
}

struct Reader<'a> {
    shared: &'a Shared,
    emit: Emit<'a>,
    shapes: Shapes,
    points: Sequence,
    /// Local names of the open elements.
    stack: Vec<String>,
    /// Whether the file, and each document and folder around, is named as a track.
    names: Vec<bool>,
    placemark: Placemark,
    whens: Vec<f64>,
    coords: Vec<(f64, f64, Option<f64>)>,
    tracks: u64,
    overlay: Option<[Option<f64>; 4]>,
    overlays: Vec<Spatial>,
    attribute_time: bool,
}

impl Reader<'_> {
    fn parent(&self) -> &str {
        self.stack.len().checked_sub(2).and_then(|i| self.stack.get(i)).map_or("", String::as_str)
    }

    /// Positions were read to the end of their element.
    fn coordinates(&mut self) {
        let positions: Vec<_> = {
            let mut numbers = self.shared.borrow_mut();
            numbers.end();
            let all = numbers.positions().filter(|p| p.0.abs() <= 360.0 && p.1.abs() <= 90.0).collect();
            numbers.clear();
            all
        };
        match self.parent() {
            "Point" => self.placemark.points.extend(positions),
            "LineString" => self.placemark.lines.push(positions),
            // A picture laid over four corners.
            "LatLonQuad" => {
                let fold = |f: fn(f64, f64) -> f64, of: fn(&(f64, f64, Option<f64>)) -> f64| {
                    positions.iter().map(of).reduce(f)
                };
                if let Some(overlay) = &mut self.overlay {
                    *overlay = [
                        fold(f64::min, |p| p.0),
                        fold(f64::min, |p| p.1),
                        fold(f64::max, |p| p.0),
                        fold(f64::max, |p| p.1),
                    ];
                }
            }
            "LinearRing" => {
                let hole = self.stack.iter().any(|n| n == "innerBoundaryIs");
                if !hole {
                    self.shapes.begin(Form::Area);
                }
                self.shapes.part();
                for (x, y, z) in positions {
                    self.shapes.vertex(Form::Area, x, y, z);
                }
                self.shapes.end_ring(Some(hole));
            }
            _ => {}
        }
    }

    /// A `gx:Track` ended: times and positions by turns.
    fn track(&mut self, offset: u64, out: &mut dyn Inspection) -> Result<(), InspectError> {
        // The tracks of a MultiTrack are one.
        if !self.stack.iter().any(|n| n == "MultiTrack") || self.tracks == 0 {
            self.tracks += 1;
        }
        let (whens, coords) = (std::mem::take(&mut self.whens), std::mem::take(&mut self.coords));
        for (i, (x, y, z)) in coords.into_iter().enumerate() {
            let time = whens.get(i).copied().filter(|t| t.is_finite());
            let step = Step { x, y, z, time, entity: self.tracks, offset };
            self.emit.fix(step.into(), out)?;
        }
        Ok(())
    }

    fn end_placemark(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mark = std::mem::take(&mut self.placemark);
        self.shapes.features += 1;
        let track = mark.named_track || self.names.contains(&true);
        for line in mark.lines {
            if track && line.len() > 1 {
                self.tracks += 1;
                for (x, y, z) in line {
                    let step = Step { x, y, z, time: None, entity: self.tracks, offset: mark.offset };
                    self.emit.fix(step.into(), out)?;
                }
                continue;
            }
            self.shapes.begin(Form::Line);
            for (x, y, z) in line {
                self.shapes.vertex(Form::Line, x, y, z);
            }
        }
        for (x, y, z) in mark.points {
            self.shapes.begin(Form::Point);
            self.shapes.point(x, y, z);
            let step = Step { x, y, z, time: mark.time, entity: 0, offset: mark.offset };
            self.points.push(step, track, &mut self.emit, out)?;
        }
        Ok(())
    }
}

impl Visitor for Reader<'_> {
    fn start(&mut self, name: &str, place: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = xml::local(name);
        self.stack.push(name.to_owned());
        match name {
            "Placemark" => {
                self.placemark = Placemark { offset: place.spot.byte, open: true, ..Placemark::default() };
            }
            "Document" | "Folder" => self.names.push(false),
            "coordinates" => self.shared.borrow_mut().clear(),
            "Track" => {
                self.whens.clear();
                self.coords.clear();
            }
            "GroundOverlay" => self.overlay = Some([None; 4]),
            _ => {}
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        if name == "name"
            && matches!(self.stack.last().map(String::as_str), Some("Data" | "SimpleData" | "SimpleField"))
        {
            self.shapes.name(value);
            self.attribute_time = words::time_like(value);
        }
        Ok(())
    }

    fn text(&mut self, value: &str, _: bool, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let inner = self.stack.last().map_or("", String::as_str);
        match inner {
            "coordinates" => self.shared.borrow_mut().feed(value),
            "coord" => {
                let mut numbers = value.split_ascii_whitespace().filter_map(|n| n.parse::<f64>().ok());
                if let (Some(x), Some(y)) = (numbers.next(), numbers.next())
                    && self.coords.len() < MOST_TRACK
                {
                    self.coords.push((x, y, numbers.next()));
                }
            }
            "when" if self.parent() == "Track" && self.whens.len() < MOST_TRACK => {
                self.whens.push(when::parse(value).unwrap_or(f64::NAN));
            }
            "when" | "begin" => self.placemark.time = self.placemark.time.or_else(|| when::parse(value)),
            "name" => {
                let track = words::track_like(value) && !words::map_like(value);
                match self.parent() {
                    "Placemark" => self.placemark.named_track |= track,
                    "Document" | "Folder" => {
                        self.shapes.layer(value);
                        if let Some(last) = self.names.last_mut() {
                            *last |= track;
                        }
                    }
                    _ => {}
                }
            }
            "value" | "SimpleData" if std::mem::take(&mut self.attribute_time) => {
                self.placemark.time = self.placemark.time.or_else(|| when::parse(value));
            }
            // The box of a region says when to draw, not where.
            "north" | "south" | "east" | "west" if self.parent() == "LatLonBox" => {
                if let Some(overlay) = &mut self.overlay {
                    let at = ["west", "south", "east", "north"].iter().position(|s| *s == inner).unwrap_or(0);
                    overlay[at] = value.parse().ok();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str, out: &mut dyn Inspection) -> Result<(), InspectError> {
        match xml::local(name) {
            "coordinates" => self.coordinates(),
            "Track" => self.track(self.placemark.offset, out)?,
            "Placemark" if self.placemark.open => self.end_placemark(out)?,
            // The file's own stays.
            "Document" | "Folder" if self.names.len() > 1 => {
                self.names.pop();
            }
            "GroundOverlay" => {
                if let Some([Some(w), Some(s), Some(e), Some(n)]) = self.overlay.take()
                    && self.overlays.len() < MOST_OVERLAYS
                {
                    self.overlays.push(Spatial {
                        crs: Some("wgs84".to_owned()),
                        extent: Some([w, s, e, n]),
                        samples: vec![[w, s, 0.0], [e, n, 0.0], [f64::midpoint(w, e), f64::midpoint(s, n), 0.0]],
                        confidence: 0.9,
                        ..Spatial::new(kinds::GEO_IMAGERY)
                    });
                }
            }
            _ => {}
        }
        self.stack.pop();
        Ok(())
    }
}
