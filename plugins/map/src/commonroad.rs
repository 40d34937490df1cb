//! CommonRoad scenarios (XML, 2018b and 2020a): lanelets, obstacles and planning problems.

use yumen_kit_container::FormatReader;
use yumen_kit_xml::Root;
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Fix, Format, Identity, InspectError, Inspection, InventoryItem, Probe,
};

use crate::opendrive::reference_system;
use crate::survey::{Counts, Fixes, Spread, Words, entity, km, send_inventory, send_spatial, tell};
use crate::xml::{Element, Elements, Numbers, Path, number, read, with_root};

pub(crate) struct CommonRoad;

const FORMATS: &[Format] = &[Format {
    name: "commonroad",
    title: "CommonRoad scenario",
    media_type: "application/xml",
    extensions: &[],
    magic: "the root element commonRoad with a version or a benchmark",
    reference: "https://commonroad.in.tum.de/",
    evidence: "records of names and texts; geo.map with lanelets, signs, intersections; dataset.scenario; trajectories of obstacles as positions; the place that location tells",
    limitations: &["The protobuf form is not read."],
}];

impl FormatReader for CommonRoad {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let ours = |root: &Root<'_>| {
            let told = ["commonRoadVersion", "benchmarkID", "timeStepSize"].iter().any(|n| root.attribute(n).is_some());
            (root.local() == "commonRoad" && told).then_some(())
        };
        with_root(probe, ours).map(|()| Identity::new("commonroad", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut local = Fixes::new(0, "object", Some("local"));
        local.tell("name", "trajectory");
        let mut scenario = Scenario {
            artifact,
            fixes: local,
            step: 0.1,
            version: String::new(),
            counts: Counts::default(),
            obstacles: 0,
            planning: 0,
            states: 0,
            obstacle: 0,
            types: Words::default(),
            lane_types: Words::default(),
            spread: Spread::default(),
            point: [None; 3],
            last: None,
            bound: 0.0,
            length: 0.0,
            place: [None; 2],
            reference: String::new(),
            projected: false,
            shift: [0.0; 2],
            state: Fix::default(),
            at: false,
        };
        read(artifact, &mut scenario, &mut Numbers, out)?;
        scenario.finish(out)
    }
}

struct Scenario<'a> {
    artifact: &'a Artifact,
    fixes: Fixes,
    /// Seconds of a time step.
    step: f64,
    version: String,
    counts: Counts,
    obstacles: u64,
    planning: u64,
    states: u64,
    obstacle: u64,
    types: Words,
    lane_types: Words,
    spread: Spread,
    point: [Option<f64>; 3],
    /// Point before on the bound of a lanelet.
    last: Option<(f64, f64)>,
    bound: f64,
    length: f64,
    /// Longitude, latitude.
    place: [Option<f64>; 2],
    reference: String,
    projected: bool,
    shift: [f64; 2],
    state: Fix,
    /// The state has a position.
    at: bool,
}

impl Scenario<'_> {
    fn finish(self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let artifact = self.artifact;
        self.fixes.finish(artifact, out)?;
        let declared = reference_system(&self.reference);
        let [dx, dy] = self.shift;
        // 999 stands for unknown.
        let place = match self.place {
            [Some(x), Some(y)] if x.abs() <= 180.0 && y.abs() <= 90.0 && (x, y) != (0.0, 0.0) => Some((x, y)),
            _ => None,
        };
        let mut map = match (declared.clone(), place) {
            (Some(crs), _) => self.spread.moved(|x, y| (x + dx, y + dy)).into_map(Some(crs)),
            (None, Some((x, y))) => {
                let mut at = Spread::default();
                at.add(x, y, 0.0);
                at.into_map(Some("EPSG:4326".to_owned())).with("tied_to", "location")
            }
            _ => self.spread.into_map(Some("local".to_owned())),
        };
        self.counts.fill(&mut map, &["lanelets", "junctions", "signals"]);
        map.properties.insert("length_km".to_owned(), km(self.length));
        map.properties.insert("georeferenced".to_owned(), (declared.is_some() || place.is_some()).into());
        tell(&mut map, "lane_types", self.lane_types.value());
        tell(&mut map, "version", self.version.as_str());
        if self.counts.get("lanelets") > 0 || place.is_some() {
            send_spatial(artifact, vec![map], out)?;
        }
        let item = InventoryItem::new(kinds::DATASET_SCENARIO)
            .with("format", "CommonRoad")
            .with("version", self.version)
            .with("entities", self.obstacles)
            .with("entity_types", self.types.value())
            .with("trajectory_points", self.states)
            .with("planning_problems", self.planning)
            .at(0, artifact.blob.len());
        send_inventory(artifact, vec![item], out)
    }
}

impl Elements for Scenario<'_> {
    fn open(&mut self, path: &Path, e: &Element, _: &mut dyn Inspection) -> Result<(), InspectError> {
        match (path.up(0), path.up(1)) {
            ("commonRoad", _) => {
                self.step = e.num("timeStepSize").unwrap_or(0.1);
                self.version = e.get("commonRoadVersion").unwrap_or("").to_owned();
            }
            ("lanelet", "commonRoad") => self.counts.add("lanelets"),
            ("trafficSign", "commonRoad") => self.counts.add("signs"),
            ("trafficLight", "commonRoad") => self.counts.add("signals"),
            ("intersection", "commonRoad") => self.counts.add("junctions"),
            (
                "obstacle" | "staticObstacle" | "dynamicObstacle" | "environmentObstacle" | "phantomObstacle",
                "commonRoad",
            ) => {
                self.obstacles += 1;
                self.obstacle = entity(e.get("id").unwrap_or("")) ^ self.obstacles;
            }
            ("planningProblem", "commonRoad") => self.planning += 1,
            ("leftBound" | "rightBound", _) => self.last = None,
            ("point", _) => self.point = [None; 3],
            ("state" | "initialState", _) => {
                self.state = Fix { entity: self.obstacle, offset: e.offset, ..Fix::default() };
                self.at = false;
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, path: &Path, value: &str, _: &mut dyn Inspection) -> Result<(), InspectError> {
        match (path.up(0), path.up(1)) {
            ("x", "point") => self.point[0] = number(value),
            ("y", "point") => self.point[1] = number(value),
            ("z", "point") => self.point[2] = number(value),
            ("exact", "time") => self.state.time_s = number(value).map(|t| t * self.step),
            ("gpsLongitude", _) => self.place[0] = number(value),
            ("gpsLatitude", _) => self.place[1] = number(value),
            ("geoReference", _) if self.reference.len() < 64 << 10 => self.reference.push_str(value),
            ("xTranslation", _) => self.shift[0] = number(value).unwrap_or(0.0),
            ("yTranslation", _) => self.shift[1] = number(value).unwrap_or(0.0),
            ("type", "dynamicObstacle" | "staticObstacle" | "obstacle") => self.types.add(value),
            ("laneletType", "lanelet") => self.lane_types.add(value),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, path: &Path, out: &mut dyn Inspection) -> Result<(), InspectError> {
        match (path.up(0), path.up(1)) {
            ("point", parent) => {
                let [Some(x), Some(y), z] = self.point else { return Ok(()) };
                match parent {
                    "leftBound" | "rightBound" => {
                        self.spread.add(x, y, z.unwrap_or(0.0));
                        if let Some((a, b)) = self.last.replace((x, y)) {
                            self.bound += f64::hypot(x - a, y - b);
                        }
                    }
                    "position" => {
                        (self.state.x, self.state.y, self.state.z, self.at) = (x, y, z, true);
                    }
                    _ => {}
                }
            }
            ("lanelet", "commonRoad") => self.length += std::mem::take(&mut self.bound) / 2.0,
            ("geoReference", _) => {
                // The location stands before what is in it.
                if let Some(crs) = reference_system(&self.reference) {
                    self.fixes.tell("crs", &crs);
                    self.projected = true;
                }
            }
            ("state" | "initialState", parent)
                if self.at && (parent == "trajectory" || path.has("dynamicObstacle")) =>
            {
                self.states += 1;
                let mut fix = self.state;
                if self.projected {
                    fix.x += self.shift[0];
                    fix.y += self.shift[1];
                }
                self.fixes.add(self.artifact, fix, out)?;
                self.at = false;
            }
            _ => {}
        }
        Ok(())
    }
}
