//! SUMO: road networks, and the traffic on them (routes, recorded positions, settings, results).

use yumen_kit_container::FormatReader;
use yumen_kit_text::Sample;
use yumen_kit_xml::Root;
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Fix, Format, Identity, InspectError, Inspection, InventoryItem, Probe, Spatial,
};

use crate::opendrive::reference_system;
use crate::osm::Seen;
use crate::survey::{Counts, Fixes, Spread, Words, entity, km, send_inventory, send_spatial, tell};
use crate::xml::{Element, Elements, Numbers, Path, number, read, shape, with_root};

pub(crate) struct Sumo;

const FORMATS: &[Format] = &[Format {
    name: "sumo",
    title: "SUMO network, traffic or configuration",
    media_type: "application/xml",
    extensions: &[],
    magic: "the root element net, routes, additional, fcd-export, configuration… with a schema of SUMO or elements of its own",
    reference: "https://sumo.dlr.de/docs/",
    evidence: "records of names and texts; geo.map with edges as roads, lanes, junctions, signals and the projection of location; positions of vehicles; dataset.simulation",
    limitations: &["Coordinates that a projection written `-` made are told by their geodetic boundary only."],
}];

const ADDITIONAL: &[&str] = &[
    "<busStop",
    "<inductionLoop",
    "<e1Detector",
    "<e2Detector",
    "<entryExitDetector",
    "<laneAreaDetector",
    "programID=",
    "<rerouter",
    "<chargingStation",
    "<parkingArea",
    "<timedEvent",
];

/// Root elements of files that say nothing of SUMO in them but an element of its own.
const ROOTS: &[(&str, &[&str])] = &[
    ("net", &["<location", "<edge "]),
    (
        "routes",
        &["depart=", "edges=", "minGap=", "emissionClass=", "departSpeed=", "vClass=", "probability=", "vehsPerHour="],
    ),
    ("fcd-export", &["<timestep"]),
    ("netstate", &["<timestep"]),
    ("configuration", &["<net-file", "<route-files", "<sumo"]),
    ("sumoConfiguration", &["<input", "<net-file"]),
    ("netconvertConfiguration", &["<input", "<output"]),
    ("tripinfos", &["<tripinfo"]),
    ("emission-export", &["<timestep"]),
    ("additional", ADDITIONAL),
    ("add", ADDITIONAL),
    ("tlLogics", &["<tlLogic"]),
];

fn is_sumo(root: &Root<'_>) -> Option<()> {
    if root.attributes.iter().any(|(_, v)| {
        let v = v.to_ascii_lowercase();
        v.contains("sumo.dlr.de") || v.contains("sumo.sf.net") || v.contains("sumo-sim.org")
    }) {
        return Some(());
    }
    let body = root.body;
    let (_, marks) = ROOTS.iter().find(|(name, _)| *name == root.local())?;
    let own = match root.local() {
        "net" => body.contains("<location") && body.contains("netOffset="),
        // Elements of these names are used elsewhere, too.
        "routes" => {
            let elements = ["<vehicle ", "<route ", "<vType", "<trip ", "<flow ", "<person "];
            elements.iter().any(|e| body.contains(e)) && marks.iter().any(|m| body.contains(m))
        }
        _ => marks.iter().any(|m| body.contains(m)),
    };
    own.then_some(())
}

impl FormatReader for Sumo {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        with_root(probe, is_sumo).map(|()| Identity::new("sumo", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        // The settings that a result was made with stand in a comment at its start.
        let head = yumen_kit_text::detect(&artifact.blob)
            .ok()
            .flatten()
            .and_then(|d| Sample::with(&artifact.blob, d, 64 << 10).ok())
            .map_or(String::new(), |s| s.text);
        let mut reader = Reader {
            artifact,
            geodetic: head.contains("fcd-output.geo value=\"true\"").then_some(true),
            ..Reader::new(artifact)
        };
        read(artifact, &mut reader, &mut Numbers, out)?;
        reader.finish(out)
    }
}

struct Reader<'a> {
    artifact: &'a Artifact,
    root: String,
    version: String,
    offset: (f64, f64),
    projection: String,
    original: Option<[f64; 4]>,
    counts: Counts,
    traffic: Counts,
    files: Words,
    edge_types: Words,
    signals: Seen,
    /// The open edge is a road, and its first lane is still to come.
    edge: (bool, bool),
    edge_length: f64,
    length: f64,
    lane_length: f64,
    spread: Spread,
    shapes: Spread,
    /// Positions of vehicles are in degrees; none until that is known.
    geodetic: Option<bool>,
    held: Vec<Fix>,
    fixes: Option<Fixes>,
    time: Option<f64>,
    last_time: Option<f64>,
    points: u64,
    /// Places told in degrees.
    places: Spread,
}

/// Positions are held back until so many tell their unit.
const HELD: usize = 4096;

impl<'a> Reader<'a> {
    fn new(artifact: &'a Artifact) -> Self {
        Reader {
            artifact,
            root: String::new(),
            version: String::new(),
            offset: (0.0, 0.0),
            projection: String::new(),
            original: None,
            counts: Counts::default(),
            traffic: Counts::default(),
            files: Words::default(),
            edge_types: Words::default(),
            signals: Seen::default(),
            edge: (false, false),
            edge_length: 0.0,
            length: 0.0,
            lane_length: 0.0,
            spread: Spread::default(),
            shapes: Spread::default(),
            geodetic: None,
            held: Vec::new(),
            fixes: None,
            time: None,
            last_time: None,
            points: 0,
            places: Spread::default(),
        }
    }

    fn location(&mut self, e: &Element) {
        let list = |name: &str| -> Vec<f64> {
            e.get(name).map(|v| v.split(',').filter_map(number).collect()).unwrap_or_default()
        };
        if let [x, y, ..] = list("netOffset")[..] {
            self.offset = (x, y);
        }
        if let [w, s, e, n] = list("origBoundary")[..] {
            self.original = Some([w, s, e, n]);
        }
        self.projection = e.get("projParameter").unwrap_or("").to_owned();
    }

    fn signal(&mut self, id: Option<&str>) {
        if let Some(id) = id
            && self.signals.is_new(id)
        {
            self.counts.add("signals");
        }
    }

    fn position(&mut self, e: &Element, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let (Some(x), Some(y)) = (e.num("x"), e.num("y")) else { return Ok(()) };
        self.points += 1;
        let id = entity(e.get("id").unwrap_or(""));
        let fix = Fix { x, y, z: e.num("z"), time_s: self.time, entity: id, offset: e.offset };
        if let Some(fixes) = &mut self.fixes {
            return fixes.add(self.artifact, fix, out);
        }
        if self.geodetic.is_none() {
            // Degrees are written with six digits behind the point, metres with two.
            let fine = |name: &str| {
                e.get(name).and_then(|v| v.split_once('.')).is_some_and(|(_, fraction)| fraction.len() >= 5)
            };
            if !(fine("x") || fine("y")) || x.abs() > 180.0 || y.abs() > 90.0 {
                self.geodetic = Some(false);
            }
        }
        self.held.push(fix);
        if self.held.len() >= HELD { self.release(out) } else { Ok(()) }
    }

    fn release(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let geodetic = *self.geodetic.get_or_insert_with(|| {
            let mut extent = Spread::default();
            self.held.iter().for_each(|f| extent.widen(f.x, f.y));
            extent.extent().is_some_and(|[w, s, e, n]| e - w < 10.0 && n - s < 10.0)
        });
        let mut fixes = Fixes::new(0, "object", Some(if geodetic { "EPSG:4326" } else { "local" }));
        fixes.tell("name", "fcd-export");
        for fix in std::mem::take(&mut self.held) {
            fixes.add(self.artifact, fix, out)?;
        }
        self.fixes = Some(fixes);
        Ok(())
    }

    fn map(&mut self) -> Option<Spatial> {
        if !matches!(self.root.as_str(), "net" | "nodes" | "edges") && self.counts.get("junctions") == 0 {
            return None;
        }
        let (dx, dy) = self.offset;
        let shapes = std::mem::take(&mut self.shapes);
        let mut spread = if shapes.seen() > 0 { shapes } else { std::mem::take(&mut self.spread) };
        let crs = reference_system(&self.projection);
        let degrees = self.original.filter(|o| {
            self.projection.trim() == "-"
                && o.iter().all(|v| v.abs() <= 180.0)
                && o[0] < o[2]
                && o[1].abs() <= 90.0
                && o[3].abs() <= 90.0
        });
        let georeferenced = crs.is_some() || degrees.is_some();
        let crs = match (crs, degrees) {
            (Some(crs), _) => {
                spread = spread.moved(|x, y| (x - dx, y - dy));
                crs
            }
            (None, Some([w, s, e, n])) => {
                spread = Spread::default();
                for (x, y) in [(w, s), (e, n), (w, n), (e, s), ((w + e) / 2.0, (s + n) / 2.0)] {
                    spread.add(x, y, 0.0);
                }
                "EPSG:4326".to_owned()
            }
            _ => "local".to_owned(),
        };
        let mut map = spread.into_map(Some(crs));
        self.counts.fill(&mut map, &["roads", "lanes", "junctions", "signals"]);
        map.properties.insert("length_km".to_owned(), km(self.length));
        map.properties.insert("lane_km".to_owned(), km(self.lane_length));
        map.properties.insert("georeferenced".to_owned(), georeferenced.into());
        tell(&mut map, "version", self.version.as_str());
        tell(&mut map, "road_types", self.edge_types.value());
        map.properties.insert("programs".to_owned(), vec!["SUMO"].into());
        Some(map)
    }

    fn finish(mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if !self.held.is_empty() {
            self.release(out)?;
        }
        if let Some(fixes) = self.fixes.take() {
            fixes.finish(self.artifact, out)?;
        }
        let mut spatial: Vec<Spatial> = self.map().into_iter().collect();
        let places = self.places.seen();
        if places > 0 {
            let places_at = std::mem::take(&mut self.places);
            spatial.push(places_at.into_spatial(kinds::GEO_POINT, Some("EPSG:4326".to_owned())).with("points", places));
        }
        send_spatial(self.artifact, spatial, out)?;
        let mut item = InventoryItem::new(kinds::DATASET_SIMULATION)
            .with("format", "SUMO")
            .with("parts", vec![self.root.as_str()])
            .with("version", self.version.as_str())
            .with("files", self.files.value());
        for name in
            ["vehicles", "persons", "routes", "flows", "vehicle_types", "timesteps", "trips", "detectors", "stops"]
        {
            let n = self.traffic.get(name);
            if n > 0 {
                item = item.with(name, n);
            }
        }
        if self.points > 0 {
            item = item.with("points", self.points);
        }
        if let Some(end) = self.last_time {
            item = item.with("end_s", end);
        }
        send_inventory(self.artifact, vec![item.at(0, self.artifact.blob.len())], out)
    }
}

impl Elements for Reader<'_> {
    fn open(&mut self, path: &Path, e: &Element, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if path.depth() == 1 {
            path.up(0).clone_into(&mut self.root);
            self.version = e.get("version").unwrap_or("").to_owned();
            return Ok(());
        }
        match (path.up(0), path.up(1)) {
            ("location", "net" | "nodes") => self.location(e),
            ("edge", "net" | "edges") => {
                // The ways across a junction are part of it.
                let road = !matches!(e.get("function"), Some("internal" | "crossing" | "walkingarea" | "connector"));
                self.edge = (road, road);
                self.edge_length = e.zero("length");
                if road {
                    self.counts.add("roads");
                    self.edge_types.add(e.get("type").unwrap_or(""));
                }
                self.counts.add_many("crosswalks", u64::from(e.get("function") == Some("crossing")));
                e.get("shape").into_iter().flat_map(shape).for_each(|[x, y, z]| self.spread.add(x, y, z));
            }
            ("lane", "edge") => {
                let mut drawn = 0.0;
                let mut last = None;
                for [x, y, z] in e.get("shape").into_iter().flat_map(shape) {
                    self.shapes.add(x, y, z);
                    if let Some((a, b)) = last.replace((x, y)) {
                        drawn += f64::hypot(x - a, y - b);
                    }
                }
                let length = e.num("length").unwrap_or(drawn).max(0.0);
                if self.edge.0 {
                    self.counts.add("lanes");
                    self.lane_length += length;
                    if std::mem::take(&mut self.edge.1) {
                        self.length += length;
                    }
                }
            }
            ("junction", "net") | ("node", "nodes") => {
                if e.get("type") != Some("internal") {
                    self.counts.add("junctions");
                }
                if let (Some(x), Some(y)) = (e.num("x"), e.num("y")) {
                    self.spread.add(x, y, e.zero("z"));
                }
            }
            // One signal may have several programs, and railway signals have none.
            ("tlLogic", _) => self.signal(e.get("id")),
            ("connection", "net") => {
                self.counts.add("connections");
                self.signal(e.get("tl"));
            }
            ("roundabout", _) => self.counts.add("roundabouts"),
            ("timestep", _) => {
                self.time = e.num("time");
                self.last_time = self.time.or(self.last_time);
                self.traffic.add("timesteps");
            }
            ("vehicle" | "person" | "container", "timestep") => self.position(e, out)?,
            ("vehicle" | "trip", _) => {
                self.traffic.add(if path.up(0) == "trip" { "trips" } else { "vehicles" });
            }
            ("person", _) => self.traffic.add("persons"),
            ("route", _) => self.traffic.add("routes"),
            ("flow", _) => self.traffic.add("flows"),
            ("vType", _) => self.traffic.add("vehicle_types"),
            ("tripinfo", _) => self.traffic.add("trips"),
            ("inductionLoop" | "e1Detector" | "laneAreaDetector" | "e2Detector" | "entryExitDetector", _) => {
                self.traffic.add("detectors");
            }
            ("busStop" | "chargingStation" | "parkingArea" | "trainStop", _) => self.traffic.add("stops"),
            ("net-file" | "route-files" | "additional-files" | "osm-files" | "opendrive-files", _) => {
                self.files.add(e.get("value").or_else(|| e.get("v")).unwrap_or(""));
            }
            _ => {}
        }
        if let (Some(lon), Some(lat)) = (e.num("lon"), e.num("lat"))
            && lon.abs() <= 180.0
            && lat.abs() <= 90.0
        {
            self.places.add(lon, lat, 0.0);
        }
        Ok(())
    }

    fn close(&mut self, path: &Path, _: &mut dyn Inspection) -> Result<(), InspectError> {
        // An edge without lanes, as in the files that networks are made from.
        if matches!(path.up(0), "edge") && matches!(path.up(1), "net" | "edges") && self.edge.1 {
            self.length += self.edge_length.max(0.0);
            self.edge.1 = false;
        }
        Ok(())
    }
}
