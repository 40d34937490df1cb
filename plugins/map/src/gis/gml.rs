//! GML 2 and 3 as the formats built on it use it: CityGML, features of a WFS, and LandXML, which has its own way of writing positions.

use yumen_kit_container::FormatReader;
use yumen_kit_xml::{Markup, Place, Visitor};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use super::emit::{Emit, Without};
use super::shapes::{Form, Sequence, Shapes, Step};
use super::xml::{Numbers, Shared};
use super::{crs, when, words, xml};
use crate::survey::{entity, send_spatial};

/// Documentation of `gml`.
const GML: Format = Format {
    name: "gml",
    title: "Geography Markup Language",
    media_type: "application/gml+xml",
    extensions: &["gml"],
    magic: "an XML root that is a feature collection or an application's element, with the namespace of GML and geometry in it",
    reference: "OGC 07-036r1; ISO 19136",
    evidence: "positions with their reference system as a map or as places; other values as records",
    limitations: &["Curves are told by their control points.", "What xlink:href points to is not followed."],
};

/// Documentation of `citygml`.
const CITYGML: Format = Format {
    name: "citygml",
    title: "CityGML",
    media_type: "application/gml+xml",
    extensions: &["citygml"],
    magic: "the XML root CityModel",
    reference: "OGC 12-019; OGC 20-010",
    evidence: "the city's surfaces as a map; other values as records",
    limitations: &[],
};

/// Documentation of `landxml`.
const LANDXML: Format = Format {
    name: "landxml",
    title: "LandXML",
    media_type: "application/xml",
    extensions: &["landxml"],
    magic: "the XML root LandXML",
    reference: "http://www.landxml.org/schema/LandXML-1.2/LandXML-1.2.xsd",
    evidence: "survey points, surfaces and alignments as a map; other values as records",
    limitations: &["Curves and spirals of alignments are told by their ends."],
};

/// Reads GML and what is built on it.
pub(crate) struct Gml;

impl FormatReader for Gml {
    fn formats(&self) -> &'static [Format] {
        &[GML, CITYGML, LANDXML]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        xml::identify(probe, |name, attributes, body| match name {
            "CityModel" if attributes.contains("citygml") => Some((CITYGML.name, Certainty::Specific)),
            "LandXML" => Some((LANDXML.name, Certainty::Specific)),
            "FeatureCollection" if attributes.contains("opengis.net") => Some((GML.name, Certainty::Specific)),
            _ => {
                let geometry =
                    ["posList>", "gml:pos>", "gml:coordinates", "gml:posList", "gml:pos ", "gml:Envelope", "gml:Box"];
                let gml = attributes.contains("opengis.net/gml") && geometry.iter().any(|g| body.contains(g));
                gml.then_some((GML.name, Certainty::Signature))
            }
        })
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let land = artifact.format == LANDXML.name;
        let shared = Shared::new(Numbers::default());
        let mut reader = Reader {
            shared: &shared,
            shapes: Shapes::default(),
            stack: Vec::new(),
            land,
            srs: Vec::new(),
            crs: None,
            swap: false,
            dims: 0,
            list_dims: 0,
            ring: Vec::new(),
            emit: Emit::new(artifact, None),
            points: Sequence::default(),
            held: Vec::new(),
            time: None,
            entity: 0,
            offset: 0,
        };
        let long = |text: &str| shared.borrow_mut().feed(text);
        let names = if land { land_coordinates } else { coordinates };
        let mut filter = Without { out, coordinates: names, long: Some(&long) };
        yumen_kit_xml::inspect(artifact, Markup::Xml, &mut reader, &mut filter)?;
        let out = filter.out;
        let city = artifact.format == CITYGML.name;
        if city {
            reader.shapes.name("building");
        }
        reader.end_feature(out)?;
        let crs = reader.crs.clone();
        if let Some(crs) = &crs {
            reader.emit.property("crs", crs);
        }
        let hint = reader.shapes.motion_like();
        let told = reader.points.finish(hint, &mut reader.emit, out)?;
        reader.emit.finish(out)?;
        send_spatial(artifact, reader.shapes.finish(crs, told).into_iter().collect(), out)
    }
}

/// Names of the cells that hold what is told as positions.
fn coordinates(name: &str) -> bool {
    matches!(
        name.rsplit('.').next(),
        Some("coordinates" | "posList" | "pos" | "lowerCorner" | "upperCorner" | "X" | "Y" | "Z")
    )
}

fn land_coordinates(name: &str) -> bool {
    matches!(
        name.rsplit('.').next(),
        Some("P" | "CgPoint" | "PntList2D" | "PntList3D" | "Start" | "End" | "Center" | "PI" | "Location")
    )
}

struct Reader<'a> {
    shared: &'a Shared,
    shapes: Shapes,
    stack: Vec<String>,
    land: bool,
    /// Depth of the elements that name a system, and whether its axes stand north first.
    srs: Vec<(usize, bool)>,
    crs: Option<String>,
    swap: bool,
    dims: usize,
    list_dims: usize,
    ring: Vec<(f64, f64, Option<f64>)>,
    emit: Emit<'a>,
    points: Sequence,
    /// Points, time and object of the feature under way.
    held: Vec<(f64, f64, Option<f64>)>,
    time: Option<f64>,
    entity: u64,
    offset: u64,
}

impl Reader<'_> {
    fn is_list(&self) -> bool {
        let Some(name) = self.stack.last() else { return false };
        if self.land {
            land_coordinates(name)
        } else {
            matches!(name.as_str(), "coordinates" | "posList" | "pos" | "coord")
        }
    }

    fn form(&self) -> (Form, bool) {
        let within = |names: &[&str]| self.stack.iter().rev().take(8).any(|n| names.contains(&n.as_str()));
        if self.land {
            let line = within(&["PntList2D", "PntList3D", "Start", "End", "Center", "PI"]);
            return (if line { Form::Line } else { Form::Point }, false);
        }
        let hole = within(&["interior", "innerBoundaryIs"]);
        if within(&["LinearRing", "Ring"]) {
            return (Form::Area, hole);
        }
        if within(&["LineString", "Curve", "LineStringSegment", "ArcString", "Arc", "CompositeCurve"]) {
            return (Form::Line, false);
        }
        (Form::Point, false)
    }

    /// A list of positions ended.
    fn list(&mut self, name: &str) {
        let dims = match (self.land, name) {
            (true, "PntList2D" | "Start" | "End" | "Center" | "PI") => 2,
            (true, "PntList3D") => 3,
            _ => 0,
        };
        let positions: Vec<_> = {
            let mut numbers = self.shared.borrow_mut();
            numbers.end();
            let n = numbers.values.len();
            let told = [dims, self.list_dims, self.dims].into_iter().find(|&d| d == 2 || d == 3);
            let dims = match told {
                Some(d) if n.is_multiple_of(d) => d,
                _ if n % 2 == 1 || n == 3 => 3,
                _ => 2,
            };
            let dims =
                if name == "pos" || (self.land && matches!(name, "P" | "CgPoint")) { n.clamp(2, 3) } else { dims };
            // LandXML writes northing and easting; GML as the system has them.
            let swap = self.land || self.swap;
            let all = numbers
                .values
                .chunks_exact(dims)
                .map(|c| if swap { (c[1], c[0], c.get(2).copied()) } else { (c[0], c[1], c.get(2).copied()) })
                .collect();
            numbers.clear();
            all
        };
        // Profiles and cross sections are stations and heights.
        if self.land && self.stack.iter().any(|n| n.contains("Prof") || n.contains("CrossSect")) {
            return;
        }
        let (form, hole) = self.form();
        if name == "pos" && form != Form::Point {
            if self.ring.len() < 1 << 20 {
                self.ring.extend(positions);
            }
            return;
        }
        self.draw(form, hole, &positions);
    }

    fn draw(&mut self, form: Form, hole: bool, positions: &[(f64, f64, Option<f64>)]) {
        if positions.is_empty() {
            return;
        }
        if !hole {
            self.shapes.begin(form);
        }
        self.shapes.part();
        for &(x, y, z) in positions {
            self.shapes.vertex(form, x, y, z);
            if form == Form::Point && self.held.len() < 1 << 16 {
                self.held.push((x, y, z));
            }
        }
        if form == Form::Area {
            self.shapes.end_ring(Some(hole));
        }
    }
}

impl Reader<'_> {
    /// The points of a feature go on in the order of the file, with its time.
    fn end_feature(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let hint = self.shapes.motion_like();
        if let Some(crs) = &self.crs {
            self.emit.property("crs", crs);
        }
        for (x, y, z) in std::mem::take(&mut self.held) {
            let step = Step { x, y, z, time: self.time, entity: self.entity, offset: self.offset };
            self.points.push(step, hint, &mut self.emit, out)?;
        }
        (self.time, self.entity) = (None, 0);
        Ok(())
    }
}

impl Visitor for Reader<'_> {
    fn start(&mut self, name: &str, place: Place, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = xml::local(name);
        if matches!(self.stack.last().map(String::as_str), Some("featureMember" | "member" | "featureMembers")) {
            self.end_feature(out)?;
            self.offset = place.spot.byte;
        }
        self.stack.push(name.to_owned());
        self.list_dims = 0;
        if self.is_list() {
            self.shared.borrow_mut().clear();
        }
        match name {
            "featureMember" | "member" | "cityObjectMember" => self.shapes.features += 1,
            "LinearRing" | "LineString" => self.ring.clear(),
            // What a feature is: the child of a member.
            _ if matches!(
                self.stack.iter().rev().nth(1).map(String::as_str),
                Some("featureMember" | "member" | "cityObjectMember" | "featureMembers")
            ) =>
            {
                self.shapes.layer(name);
                if self.stack.iter().rev().nth(1).is_some_and(|p| p == "featureMembers") {
                    self.shapes.features += 1;
                }
            }
            "Road" | "Roadway" | "Parcel" | "Alignment" | "Surface" if self.land => self.shapes.layer(name),
            _ => {}
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        match name {
            "srsName" => {
                let swap = crs::north_first(value);
                self.srs.push((self.stack.len(), swap));
                self.swap = swap;
                if self.crs.is_none() {
                    self.crs = crs::named(value);
                }
            }
            "srsDimension" | "dimension" => {
                let n = value.parse().unwrap_or(0);
                if self.is_list() { self.list_dims = n } else { self.dims = n }
            }
            "epsgCode" if self.land => self.crs = value.parse::<u32>().ok().map(|n| format!("EPSG:{n}")),
            "ogcWktCode" if self.land && self.crs.is_none() => self.crs = (!value.is_empty()).then(|| value.to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, value: &str, _: bool, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        if self.is_list() {
            self.shared.borrow_mut().feed(value);
        } else if let Some(name) = self.stack.last() {
            let name = name.clone();
            self.shapes.name(&name);
            if self.time.is_none() && words::time_like(&name) {
                self.time = when::parse(value);
            }
            if words::entity_like(&name) {
                self.entity = entity(value);
            }
        }
        Ok(())
    }

    fn end(&mut self, name: &str, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = xml::local(name);
        if self.is_list() {
            self.list(name);
        }
        if matches!(name, "LinearRing" | "LineString" | "LineStringSegment") && !self.ring.is_empty() {
            let (form, hole) = self.form();
            let ring = std::mem::take(&mut self.ring);
            self.draw(form, hole, &ring);
        }
        while self.srs.last().is_some_and(|(depth, _)| *depth >= self.stack.len()) {
            self.srs.pop();
        }
        self.swap = self.srs.last().is_some_and(|(_, swap)| *swap);
        self.stack.pop();
        Ok(())
    }
}
