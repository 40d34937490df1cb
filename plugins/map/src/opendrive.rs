//! OpenDRIVE road networks (ASAM, 1.0 to 1.8), and the dialect of Apollo with points in degrees.

use yumen_kit_container::FormatReader;
use yumen_kit_xml::Root;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Spatial};

use crate::curve::{Pose, Shape};
use crate::survey::{Counts, Spread, Words, km, send_spatial, tell};
use crate::xml::{Element, Elements, Numbers, Path, number, read, with_root};

pub(crate) struct OpenDrive;

const FORMATS: &[Format] = &[Format {
    name: "opendrive",
    title: "OpenDRIVE road network",
    media_type: "application/xml",
    extensions: &["xodr"],
    magic: "the root element OpenDRIVE, with a header or a road",
    reference: "https://www.asam.net/standards/detail/opendrive/",
    evidence: "records of names and texts; geo.map with roads, lanes, junctions, signals, objects, length, positions along the reference lines, and the reference system of geoReference",
    limitations: &["Positions are of the reference lines; elevation and lane widths do not move them."],
}];

impl FormatReader for OpenDrive {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let ours = |root: &Root<'_>| {
            let told = ["<header", "<road", ":header", ":road", "asam"].iter().any(|w| root.body.contains(w))
                || root.attributes.iter().any(|(_, v)| v.to_ascii_lowercase().contains("opendrive"));
            (root.local() == "OpenDRIVE" && told).then_some(())
        };
        with_root(probe, ours).map(|()| Identity::new("opendrive", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut roads = Roads::default();
        let result = read(artifact, &mut roads, &mut Numbers, out);
        if result.is_ok() {
            send_spatial(artifact, vec![roads.map()], out)?;
        }
        result
    }
}

#[derive(Default)]
struct Roads {
    counts: Counts,
    lane_types: Words,
    road_types: Words,
    programs: Words,
    version: String,
    name: String,
    vendor: String,
    date: String,
    /// Text of geoReference.
    reference: String,
    /// x, y and heading that the whole is moved by.
    offset: Option<[f64; 3]>,
    /// North, south, east, west of the header.
    bounds: [Option<f64>; 4],
    length: f64,
    spread: Spread,
    /// Positions of Apollo's dialect.
    points: Spread,
    pose: Option<Pose>,
}

impl Elements for Roads {
    fn open(&mut self, path: &Path, e: &Element, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let top = path.depth() == 2;
        match (path.up(0), path.up(1)) {
            ("header", _) if top => {
                let text = |name: &str| e.get(name).unwrap_or("").to_owned();
                self.version = match (e.get("revMajor"), e.get("revMinor")) {
                    (Some(major), Some(minor)) => format!("{major}.{minor}"),
                    _ => String::new(),
                };
                self.name = text("name");
                self.vendor = text("vendor");
                self.date = text("date");
                self.bounds = ["west", "south", "east", "north"].map(|n| e.num(n));
                // Up to 1.3 the origin stands here, in degrees.
                if let (Some(lat), Some(lon)) = (e.num("originLat"), e.num("originLong"))
                    && self.reference.is_empty()
                    && (lat, lon) != (0.0, 0.0)
                {
                    self.reference = format!("+proj=tmerc +lat_0={lat} +lon_0={lon} +datum=WGS84");
                }
            }
            ("offset", "header") => self.offset = Some([e.zero("x"), e.zero("y"), e.zero("hdg")]),
            ("geoReference", _) => {
                if let Some(text) = e.get("proj").or_else(|| e.get("value")) {
                    self.reference = text.to_owned();
                }
            }
            ("vectorScene", _) => self.programs.add(e.get("program").unwrap_or("")),
            ("road", _) if top => {
                self.counts.add("roads");
                self.length += e.zero("length").max(0.0);
            }
            ("type", "road") => self.road_types.add(e.get("type").unwrap_or("")),
            ("geometry", "planView") => {
                self.pose =
                    Some(Pose { x: e.zero("x"), y: e.zero("y"), heading: e.zero("hdg"), length: e.zero("length") });
                self.spread.add(e.zero("x"), e.zero("y"), 0.0);
            }
            ("line" | "arc" | "spiral" | "poly3" | "paramPoly3", "geometry") => {
                let shape = match path.up(0) {
                    "arc" => Shape::Spiral(e.zero("curvature"), e.zero("curvature")),
                    "spiral" => Shape::Spiral(e.zero("curvStart"), e.zero("curvEnd")),
                    "poly3" => Shape::Cubic(["a", "b", "c", "d"].map(|n| e.zero(n))),
                    "paramPoly3" => Shape::Parametric {
                        u: ["aU", "bU", "cU", "dU"].map(|n| e.zero(n)),
                        v: ["aV", "bV", "cV", "dV"].map(|n| e.zero(n)),
                        by_length: e.get("pRange") == Some("arcLength"),
                    },
                    _ => Shape::Spiral(0.0, 0.0),
                };
                if let Some(pose) = self.pose.take() {
                    for part in pose.parts() {
                        let (x, y) = pose.at(shape, part);
                        self.spread.add(x, y, 0.0);
                    }
                }
            }
            ("laneSection", "lanes") => self.counts.add("lane_sections"),
            ("lane", "left" | "right") => {
                self.counts.add("lanes");
                self.lane_types.add(e.get("type").unwrap_or(""));
            }
            ("junction", _) if top => self.counts.add("junctions"),
            ("signal", _) if path.up(1) == "signals" => self.counts.add("signals"),
            ("object", "objects") => {
                self.counts.add("objects");
                if e.get("type").is_some_and(|t| t.eq_ignore_ascii_case("crosswalk")) {
                    self.counts.add("crosswalks");
                }
            }
            ("bridge" | "tunnel", "objects") => self.counts.add("bridges_and_tunnels"),
            ("station", _) if top => self.counts.add("stations"),
            ("controller", _) if top => self.counts.add("controllers"),
            ("point", "pointSet" | "geometry" | "cornerGlobal") => {
                if let (Some(x), Some(y)) = (e.num("x"), e.num("y")) {
                    self.points.add(x, y, e.zero("z"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, path: &Path, value: &str, _: &mut dyn Inspection) -> Result<(), InspectError> {
        if path.up(0) == "geoReference" && self.reference.len() < 64 << 10 {
            self.reference.push_str(value);
        }
        Ok(())
    }
}

impl Roads {
    fn map(self) -> Spatial {
        let apollo = self.points.seen() > 0 && self.spread.seen() == 0;
        let crs = reference_system(&self.reference);
        let mut spread = if apollo { self.points } else { self.spread };
        if spread.seen() == 0
            && let [Some(west), Some(south), Some(east), Some(north)] = self.bounds
            && (west, south) != (east, north)
        {
            spread.add(west, south, 0.0);
            spread.add(east, north, 0.0);
        }
        if let Some([dx, dy, turn]) = self.offset.filter(|o| *o != [0.0; 3]) {
            let (sin, cos) = turn.sin_cos();
            spread = spread.moved(|x, y| (x * cos - y * sin + dx, x * sin + y * cos + dy));
        }
        let in_degrees = |e: [f64; 4]| e.iter().all(|v| v.abs() <= 180.0) && e[2] - e[0] < 20.0 && e[3] - e[1] < 20.0;
        // Coordinates of a national grid of which the file says nothing are no local frame.
        let far = |e: [f64; 4]| e.iter().any(|v| v.abs() > 50_000.0);
        let georeferenced = crs.is_some();
        let crs = match (crs, spread.extent()) {
            (Some(crs), _) => Some(crs),
            (None, Some(e)) if apollo && in_degrees(e) => Some("EPSG:4326".to_owned()),
            (None, Some(e)) if far(e) => None,
            _ => Some("local".to_owned()),
        };
        let mut map = spread.into_map(crs);
        self.counts.fill(&mut map, &["roads", "lanes", "junctions", "signals", "objects"]);
        map.properties.insert("length_km".to_owned(), km(self.length));
        map.properties.insert("georeferenced".to_owned(), georeferenced.into());
        tell(&mut map, "lane_types", self.lane_types.value());
        tell(&mut map, "road_types", self.road_types.value());
        tell(&mut map, "version", self.version);
        tell(&mut map, "name", self.name);
        tell(&mut map, "vendor", self.vendor);
        tell(&mut map, "date", self.date);
        tell(&mut map, "programs", self.programs.value());
        if apollo {
            tell(&mut map, "dialect", "apollo");
        }
        map
    }
}

/// A declared reference system: PROJ string, WKT or code; none where nothing is declared. An origin without a projection, as some simulators write it,
/// means a transverse Mercator there.
pub(crate) fn reference_system(text: &str) -> Option<String> {
    let text = text.trim().trim_matches('"').trim();
    if text.is_empty() || text == "!" || text == "-" {
        return None;
    }
    if !text.contains("+proj") && text.contains("+lat_0") && text.contains("+lon_0") {
        return Some(format!("+proj=tmerc {text}"));
    }
    if text.starts_with('+') || text.to_ascii_lowercase().starts_with("proj=") {
        return Some(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
    }
    let head = text[..text.floor_char_boundary(24)].to_ascii_uppercase();
    let known = [
        "EPSG", "PROJCS", "GEOGCS", "PROJCRS", "GEOGCRS", "GEODCRS", "COMPD", "GEOCCS", "BOUNDCRS", "LOCAL_CS",
        "ENGCRS", "URN:OGC",
    ];
    if known.iter().any(|k| head.starts_with(k)) {
        return Some(text.to_owned());
    }
    number(text).filter(|n| n.fract() == 0.0 && (2000.0..40_000.0).contains(n)).map(|n| format!("EPSG:{n}"))
}
