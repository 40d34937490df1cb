//! GPX 1.0 and 1.1, and Garmin's TCX: recorded tracks, planned routes, waypoints.

use yumen_kit_container::FormatReader;
use yumen_kit_xml::{Markup, Place, Visitor};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use super::emit::{Emit, Without};
use super::shapes::{Form, Sequence, Shapes, Step};
use super::{when, xml};
use crate::survey::send_spatial;

/// Documentation of `gpx`.
const GPX: Format = Format {
    name: "gpx",
    title: "GPX",
    media_type: "application/gpx+xml",
    extensions: &["gpx"],
    magic: "the XML root gpx with tracks, routes, waypoints or the namespace of GPX",
    reference: "https://www.topografix.com/GPX/1/1/",
    evidence: "positions of each track and route, waypoints as places; metadata, names and extensions as records",
    limitations: &[],
};

/// Documentation of `tcx`.
const TCX: Format = Format {
    name: "tcx",
    title: "Training Center XML",
    media_type: "application/vnd.garmin.tcx+xml",
    extensions: &["tcx"],
    magic: "the XML root TrainingCenterDatabase",
    reference: "https://www8.garmin.com/xmlschemas/TrainingCenterDatabasev2.xsd",
    evidence: "positions of each activity and course; laps, sensors and names as records",
    limitations: &[],
};

/// Reads GPX and TCX.
pub(crate) struct Gpx;

impl FormatReader for Gpx {
    fn formats(&self) -> &'static [Format] {
        &[GPX, TCX]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        xml::identify(probe, |name, attributes, body| {
            let gpx = attributes.contains("topografix.com/GPX")
                || ["<trk", "<wpt", "<rte", "<metadata", ":trk", ":wpt", ":rte"].iter().any(|e| body.contains(e));
            match name {
                "gpx" if gpx => Some((GPX.name, Certainty::Specific)),
                "TrainingCenterDatabase" => Some((TCX.name, Certainty::Specific)),
                _ => None,
            }
        })
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            emit: Emit::new(artifact, Some("wgs84")),
            shapes: Shapes::default(),
            points: Sequence::default(),
            point: None,
            leaf: Leaf::None,
            tracks: 0,
        };
        let mut filter = Without { out, coordinates, long: None };
        yumen_kit_xml::inspect(artifact, Markup::Xml, &mut reader, &mut filter)?;
        let out = filter.out;
        let told = reader.points.finish(false, &mut reader.emit, out)?;
        reader.emit.finish(out)?;
        send_spatial(artifact, reader.shapes.finish(Some("wgs84".to_owned()), told).into_iter().collect(), out)
    }
}

/// Names of the cells that hold what is told as positions.
fn coordinates(name: &str) -> bool {
    matches!(
        name.rsplit('.').next(),
        Some("lat" | "lon" | "minlat" | "minlon" | "maxlat" | "maxlon" | "LatitudeDegrees" | "LongitudeDegrees")
    )
}

#[derive(Clone, Copy, PartialEq)]
enum Leaf {
    None,
    Time,
    Height,
    Lat,
    Lon,
}

struct Point {
    waypoint: bool,
    x: Option<f64>,
    y: Option<f64>,
    step: Step,
    /// Elements open inside of it.
    inner: u32,
}

struct Reader<'a> {
    emit: Emit<'a>,
    shapes: Shapes,
    points: Sequence,
    point: Option<Point>,
    leaf: Leaf,
    tracks: u64,
}

impl Visitor for Reader<'_> {
    fn start(&mut self, name: &str, place: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = xml::local(name);
        if let Some(point) = &mut self.point {
            point.inner += 1;
            // What extensions hold is theirs: only the point's own children are its time and height.
            self.leaf = match name {
                "time" | "Time" if point.inner == 1 => Leaf::Time,
                "ele" | "AltitudeMeters" if point.inner == 1 => Leaf::Height,
                "LatitudeDegrees" => Leaf::Lat,
                "LongitudeDegrees" => Leaf::Lon,
                _ => Leaf::None,
            };
            return Ok(());
        }
        match name {
            "trk" | "rte" | "Activity" | "Course" => self.tracks += 1,
            "trkpt" | "rtept" | "wpt" | "Trackpoint" => {
                let step = Step { entity: self.tracks, offset: place.spot.byte, ..Step::default() };
                self.point = Some(Point { waypoint: name == "wpt", x: None, y: None, step, inner: 0 });
                self.leaf = Leaf::None;
            }
            _ => {}
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        if let Some(point) = &mut self.point
            && point.inner == 0
        {
            match name {
                "lat" => point.y = value.trim().parse().ok(),
                "lon" => point.x = value.trim().parse().ok(),
                _ => {}
            }
        }
        Ok(())
    }

    fn text(&mut self, value: &str, _: bool, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        if let Some(point) = &mut self.point {
            match self.leaf {
                Leaf::Time => point.step.time = when::parse(value),
                Leaf::Height => point.step.z = value.parse().ok(),
                Leaf::Lat => point.y = value.parse().ok(),
                Leaf::Lon => point.x = value.parse().ok(),
                Leaf::None => {}
            }
        }
        self.leaf = Leaf::None;
        Ok(())
    }

    fn end(&mut self, _: &str, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.leaf = Leaf::None;
        match &mut self.point {
            Some(point) if point.inner > 0 => {
                point.inner -= 1;
                return Ok(());
            }
            Some(_) => {}
            None => return Ok(()),
        }
        let Some(Point { waypoint, x: Some(x), y: Some(y), step, .. }) = self.point.take() else { return Ok(()) };
        if x.abs() > 360.0 || y.abs() > 90.0 {
            return Ok(());
        }
        let step = Step { x, y, ..step };
        if !waypoint {
            return self.emit.fix(step.into(), out);
        }
        // Some devices write what they record as waypoints.
        self.shapes.begin(Form::Point);
        self.shapes.point(x, y, step.z);
        self.points.push(Step { entity: 0, ..step }, false, &mut self.emit, out)
    }
}
