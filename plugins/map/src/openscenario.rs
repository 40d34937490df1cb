//! OpenSCENARIO: XML (ASAM, 0.9 to 1.x) and the DSL (2.x, text).

use yumen_kit_container::FormatReader;
use yumen_kit_text::{Sample, send_text};
use yumen_kit_xml::Root;
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Fix, Format, Identity, InspectError, Inspection, InventoryItem, Probe,
};

use crate::survey::{Fixes, Spread, Words, entity, send_inventory, send_spatial};
use crate::xml::{Element, Elements, Numbers, Path, read, with_root};

pub(crate) struct OpenScenario;

const FORMATS: &[Format] = &[
    Format {
        name: "openscenario",
        title: "OpenSCENARIO (XML)",
        media_type: "application/xml",
        extensions: &["xosc"],
        magic: "the root element OpenSCENARIO, with a header, a catalogue or a storyboard",
        reference: "https://www.asam.net/standards/detail/openscenario-xml/",
        evidence: "records of names and texts; dataset.scenario with entities, stories, events; trajectories as positions of objects; absolute positions as geo.point",
        limitations: &[
            "Positions on roads and lanes are not brought to coordinates: the road network is another file.",
        ],
    },
    Format {
        name: "openscenario-dsl",
        title: "OpenSCENARIO DSL",
        media_type: "text/plain",
        extensions: &[],
        magic: "declarations of scenarios, actors or actions with an import of osc or a behaviour",
        reference: "https://www.asam.net/standards/detail/openscenario-dsl/",
        evidence: "text; dataset.scenario with scenarios, actors, actions",
        limitations: &["Declarations are counted, not resolved."],
    },
];

impl FormatReader for OpenScenario {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let ours = |root: &Root<'_>| {
            let told =
                ["<FileHeader", "<Catalog", "<Storyboard", "<RoadNetwork", "<Entities", "<ParameterValueDistribution"];
            (root.local() == "OpenSCENARIO" && told.iter().any(|w| root.body.contains(w))).then_some(())
        };
        if with_root(probe, ours).is_some() {
            return Some(Identity::new("openscenario", Certainty::Specific));
        }
        if probe.extension() != "osc" || probe.head.starts_with(b"<") {
            return None;
        }
        let sample = Sample::of(probe)?;
        Outline::of(&sample.text).is_dsl().then(|| Identity::new("openscenario-dsl", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if artifact.format == "openscenario-dsl" {
            return inspect_dsl(artifact, out);
        }
        let mut scenario = Scenario::new(artifact);
        read(artifact, &mut scenario, &mut Numbers, out)?;
        scenario.finish(artifact, out)
    }
}

/// Declarations of a text in the DSL.
#[derive(Default)]
struct Outline {
    scenarios: u64,
    actors: u64,
    actions: u64,
    structs: u64,
    behaviours: u64,
    imports: u64,
}

impl Outline {
    fn of(text: &str) -> Outline {
        let mut outline = Outline::default();
        for line in text.lines() {
            let line = line.trim();
            let (word, rest) = line.split_once(|c: char| c.is_whitespace()).unwrap_or((line, ""));
            // The colon ends a declaration, a comment may come behind.
            let declares = rest.split('#').next().is_some_and(|r| r.trim_end().ends_with(':'));
            match word {
                "import" if rest.contains("osc") => outline.imports += 1,
                "scenario" | "abstract" if declares => outline.scenarios += 1,
                "actor" if !rest.is_empty() && !rest.contains('(') => outline.actors += 1,
                "action" if declares || !rest.is_empty() && !rest.contains('(') => outline.actions += 1,
                "struct" | "enum" | "modifier" | "extend" if declares => outline.structs += 1,
                "do" if !rest.is_empty() => outline.behaviours += 1,
                "serial:" | "parallel:" | "one_of:" => outline.behaviours += 1,
                _ if word.starts_with("parallel(") || word.starts_with("serial(") => outline.behaviours += 1,
                _ => {}
            }
        }
        outline
    }

    fn is_dsl(&self) -> bool {
        let declared = self.scenarios + self.actors + self.actions;
        (self.scenarios > 0 && self.behaviours + self.imports > 0) || (self.imports > 0 && declared > 0)
    }
}

fn inspect_dsl(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    send_text(artifact, out)?;
    let size = usize::try_from(artifact.blob.len()).unwrap_or(usize::MAX).min(8 << 20);
    let detection = yumen_kit_text::detect(&artifact.blob).ok().flatten().unwrap_or(yumen_kit_text::Detection::UTF8);
    let sample = Sample::with(&artifact.blob, detection, size.max(1)).map_err(|e| InspectError::read(0, &e))?;
    let outline = Outline::of(&sample.text);
    let item = InventoryItem::new(kinds::DATASET_SCENARIO)
        .with("format", "OpenSCENARIO DSL")
        .with("scenarios", outline.scenarios)
        .with("actors", outline.actors)
        .with("actions", outline.actions)
        .at(0, artifact.blob.len());
    send_inventory(artifact, vec![item], out)
}

/// One source of positions at a time: trajectories in metres, and those in degrees.
struct Scenario<'a> {
    artifact: &'a Artifact,
    version: String,
    files: Words,
    names: Words,
    types: Words,
    entities: u64,
    stories: u64,
    acts: u64,
    events: u64,
    catalogs: u64,
    trajectories: u64,
    vertices: u64,
    trajectory: u64,
    time: Option<f64>,
    local: Fixes,
    /// Positions in degrees or radians, of trajectories: told apart at the end.
    geodetic: Vec<Fix>,
    points: Spread,
    degrees: bool,
}

/// Most absolute positions of trajectories that are kept until their unit is known.
const MOST_GEODETIC: usize = 1 << 18;

impl<'a> Scenario<'a> {
    fn new(artifact: &'a Artifact) -> Self {
        let mut local = Fixes::new(0, "object", Some("local"));
        local.tell("name", "Trajectory");
        Scenario {
            artifact,
            version: String::new(),
            files: Words::default(),
            names: Words::default(),
            types: Words::default(),
            entities: 0,
            stories: 0,
            acts: 0,
            events: 0,
            catalogs: 0,
            trajectories: 0,
            vertices: 0,
            trajectory: 0,
            time: None,
            local,
            geodetic: Vec::new(),
            points: Spread::default(),
            degrees: false,
        }
    }

    fn finish(self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.local.finish(artifact, out)?;
        let in_radians = |e: [f64; 4]| {
            let [w, s, e, n] = e;
            let turn = std::f64::consts::PI + 1e-4;
            !self.degrees && w.abs() <= turn && e.abs() <= turn && s.abs() <= turn / 2.0 && n.abs() <= turn / 2.0
        };
        let mut all = self.points.clone();
        self.geodetic.iter().for_each(|f| all.widen(f.x, f.y));
        let scale = if all.extent().is_some_and(in_radians) { 180.0 / std::f64::consts::PI } else { 1.0 };
        let mut fixes = Fixes::new(1, "object", Some("EPSG:4326"));
        fixes.tell("name", "GeoPosition");
        for fix in self.geodetic {
            fixes.add(artifact, Fix { x: fix.x * scale, y: fix.y * scale, ..fix }, out)?;
        }
        fixes.finish(artifact, out)?;
        let positions = self.points.seen();
        if positions > 0 {
            let point = self
                .points
                .moved(|x, y| (x * scale, y * scale))
                .into_spatial(kinds::GEO_POINT, Some("EPSG:4326".to_owned()))
                .with("points", positions);
            send_spatial(artifact, vec![point], out)?;
        }
        let item = InventoryItem::new(kinds::DATASET_SCENARIO)
            .with("format", "OpenSCENARIO XML")
            .with("version", self.version)
            .with("road_networks", self.files.value())
            .with("entities", self.entities)
            .with("entity_types", self.types.value())
            .with("names", self.names.value())
            .with("stories", self.stories)
            .with("acts", self.acts)
            .with("events", self.events)
            .with("catalog_entries", self.catalogs)
            .with("trajectories", self.trajectories)
            .with("trajectory_points", self.vertices)
            .with("geo_positions", positions)
            .at(0, artifact.blob.len());
        send_inventory(artifact, vec![item], out)
    }
}

impl Elements for Scenario<'_> {
    fn open(&mut self, path: &Path, e: &Element, out: &mut dyn Inspection) -> Result<(), InspectError> {
        match (path.up(0), path.up(1)) {
            ("FileHeader", _) => {
                if let (Some(major), Some(minor)) = (e.get("revMajor"), e.get("revMinor")) {
                    self.version = format!("{major}.{minor}");
                }
            }
            ("LogicFile" | "Logics", _) | ("SceneGraphFile" | "SceneGraph", _) => {
                self.files.add(e.get("filepath").unwrap_or(""));
            }
            ("ScenarioObject", "Entities") | ("Object", "Entities") => {
                self.entities += 1;
                self.names.add(e.get("name").unwrap_or(""));
            }
            ("Vehicle" | "Pedestrian" | "MiscObject" | "ExternalObjectReference", parent) => {
                self.types.add(path.up(0));
                self.catalogs += u64::from(parent == "Catalog");
            }
            ("Story", _) => self.stories += 1,
            ("Act", _) => self.acts += 1,
            ("Event", _) => self.events += 1,
            (_, "Catalog") => self.catalogs += 1,
            ("Trajectory", _) => {
                self.trajectories += 1;
                self.trajectory = entity(e.get("name").unwrap_or("")) ^ self.trajectories;
            }
            ("Vertex", _) => {
                self.vertices += 1;
                self.time = e.num("time").or_else(|| e.num("reference"));
            }
            ("WorldPosition" | "World", "Position") if path.has("Vertex") => {
                let fix = Fix {
                    x: e.zero("x"),
                    y: e.zero("y"),
                    z: e.num("z"),
                    time_s: self.time,
                    entity: self.trajectory,
                    offset: e.offset,
                };
                self.local.add(self.artifact, fix, out)?;
            }
            ("GeoPosition", _) => {
                let degrees = (e.num("longitudeDeg"), e.num("latitudeDeg"));
                self.degrees |= degrees.0.is_some();
                if let (Some(x), Some(y)) =
                    (degrees.0.or_else(|| e.num("longitude")), degrees.1.or_else(|| e.num("latitude")))
                {
                    let z = e.num("altitude").or_else(|| e.num("height"));
                    if path.has("Vertex") && self.geodetic.len() < MOST_GEODETIC {
                        let (time_s, entity) = (self.time, self.trajectory);
                        self.geodetic.push(Fix { x, y, z, time_s, entity, offset: e.offset });
                    } else {
                        self.points.add(x, y, z.unwrap_or(0.0));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
