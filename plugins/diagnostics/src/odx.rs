//! ODX (ASAM MCD-2 D, ISO 22901-1): layers, services, trouble codes, flash data; and the catalogue of a PDX.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use yumen_kit_container::FormatReader;
use yumen_kit_xml::{Markup, Place, Visitor};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::names::{Counts, List, Named, Names, is_routine, is_security_access, send_inventory};
use crate::outline::{Item, Items, Path, local, with_root};

pub(crate) struct Odx;

const FORMATS: &[Format] = &[Format {
    name: "odx",
    title: "ODX (diagnostic description)",
    media_type: "application/xml",
    extensions: &["odx", "odx-d", "odx-c", "odx-cs", "odx-v", "odx-f", "odx-e", "odx-fd", "odx-m"],
    magic: "the root element ODX with MODEL-VERSION or one of its categories; of a PDX index CATALOG with ABLOCKS",
    reference: "https://www.iso.org/standard/41207.html",
    evidence: "records as of XML; names of layers, services, routines, trouble codes, comments; diag.odx with counts",
    limitations: &[
        "Services inherited from a layer in another file are not counted for the variant.",
        "Programs (jobs) and flash data outside the file are told by name only.",
    ],
}];

const CATEGORIES: &[&str] = &[
    "DIAG-LAYER-CONTAINER",
    "COMPARAM-SPEC",
    "COMPARAM-SUBSET",
    "VEHICLE-INFO-SPEC",
    "FLASH",
    "ECU-CONFIG",
    "FUNCTION-DICTIONARY",
    "MULTIPLE-ECU-JOB-SPEC",
];
const LAYERS: &[&str] = &["BASE-VARIANT", "ECU-VARIANT", "PROTOCOL", "FUNCTIONAL-GROUP", "ECU-SHARED-DATA"];
/// Services, requests and references that are kept to be put together at the end.
const KEPT: usize = 200_000;
/// Layers for which services are counted.
const KEPT_LAYERS: usize = 2_000;

impl FormatReader for Odx {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let found = with_root(probe, |root| {
            let body = root.body;
            let odx = root.local() == "ODX"
                && (root.attribute("MODEL-VERSION").is_some()
                    || root.attribute("noNamespaceSchemaLocation").is_some_and(|s| s.to_lowercase().contains("odx"))
                    || CATEGORIES.iter().any(|c| body.contains(&format!("<{c}"))));
            let catalog = root.local() == "CATALOG"
                && (body.contains("<ABLOCK")
                    || root.attribute("F-DTD-VERSION").is_some() && body.contains("<SHORT-NAME"));
            (odx || catalog).then_some(())
        });
        found.map(|()| Identity::new("odx", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader::new(artifact);
        yumen_kit_xml::inspect(artifact, Markup::Xml, &mut reader, out)?;
        reader.finish(artifact, out)
    }
}

/// A service whose request comes later.
struct Service {
    item: Item,
    request: u64,
    semantic: String,
}

#[derive(Default)]
struct Layer {
    kind: String,
    name: String,
    id: u64,
    /// Hashes of the names of its own services.
    own: Vec<u64>,
    /// Services of other layers that it takes in by id.
    taken: Vec<u64>,
    /// Layers it inherits from, and the names of what it does not inherit.
    parents: Vec<(u64, Vec<u64>)>,
}

struct Reader {
    path: Path,
    items: Items,
    names: Names,
    counts: Counts,
    versions: List,
    categories: List,
    layer_names: List,
    variants: List,
    protocols: List,
    sessions: List,
    kept: usize,
    layers: Vec<Layer>,
    /// Depth of the open layer's element.
    layer: Option<usize>,
    services: Vec<Service>,
    service_names: HashMap<u64, u64>,
    /// First coded constant of each request.
    requests: HashMap<u64, u64>,
    request: u64,
    /// Whether the open parameter stands at another place than the first.
    elsewhere: bool,
    semantic: String,
    request_ref: u64,
    id: u64,
}

/// Whether one more may be kept.
fn keep(kept: &mut usize) -> bool {
    *kept += 1;
    *kept <= KEPT
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish() | 1
}

impl Reader {
    fn new(artifact: &Artifact) -> Self {
        Reader {
            path: Path::default(),
            items: Items::default(),
            names: Names::new(artifact),
            counts: Counts::default(),
            versions: List::default(),
            categories: List::default(),
            layer_names: List::of(100),
            variants: List::of(100),
            protocols: List::default(),
            sessions: List::default(),
            kept: 0,
            layers: Vec::new(),
            layer: None,
            services: Vec::new(),
            service_names: HashMap::new(),
            requests: HashMap::new(),
            request: 0,
            elsewhere: false,
            semantic: String::new(),
            request_ref: 0,
            id: 0,
        }
    }

    fn open_layer(&mut self) -> Option<&mut Layer> {
        self.layer?;
        self.layers.last_mut()
    }

    /// What an element is told as, and what it counts as.
    fn element(&self, name: &str) -> Option<(&'static str, &'static str)> {
        let parent = self.path.up(1);
        Some(match name {
            _ if LAYERS.contains(&name) => ("ecu", "layers"),
            "DIAG-SERVICE" => ("service", "services"),
            "SINGLE-ECU-JOB" => ("service", "jobs"),
            "MULTIPLE-ECU-JOB" => ("service", "jobs"),
            "DTC" => ("dtc", "dtcs"),
            "DATA-OBJECT-PROP" | "STRUCTURE" | "TABLE" | "TABLE-ROW" => ("attribute", ""),
            "PARAM" => ("signal", ""),
            "SESSION" if parent == "SESSIONS" => ("attribute", "flash_sessions"),
            "DATABLOCK" if parent == "DATABLOCKS" => ("attribute", "datablocks"),
            "FLASHDATA" if parent == "FLASHDATAS" => ("attribute", "flashdatas"),
            "SECURITY" if parent == "SECURITYS" => ("", "flash_securities"),
            "VEHICLE-INFORMATION" => ("attribute", "vehicle_informations"),
            "LOGICAL-LINK" => ("attribute", "logical_links"),
            "FUNCTION-NODE" => ("attribute", "function_nodes"),
            "CONFIG-RECORD" => ("attribute", "config_records"),
            "COMPARAM" if parent == "COMPARAMS" => ("attribute", "comparams"),
            "STATE-CHART" => ("attribute", ""),
            "TEAM-MEMBER" | "COMPANY-DATA" => ("", ""),
            "FILE" if parent == "FILES" => ("", "catalog_files"),
            _ => return None,
        })
    }

    fn finish(mut self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut lists: [List; 5] = Default::default();
        for service in std::mem::take(&mut self.services) {
            self.classify(service, &mut lists, out)?;
        }
        let by_layer = self.services_by_layer();
        let [security, routines, write, io, flash] = &lists;
        self.names.finish(out)?;
        let item = self
            .counts
            .into_item(kinds::DIAG_ODX, &["layers", "ecu_variants", "services", "dtcs"])
            .with("version", self.versions.value())
            .with("categories", self.categories.value())
            .with("layer_names", self.layer_names.value())
            .with("variants", self.variants.value())
            .with("protocol", self.protocols.value())
            .with("sessions", self.sessions.value())
            .with("services_by_variant", by_layer.value())
            .with("security_access", security.value())
            .with("routine_control", routines.value())
            .with("write_services", write.value())
            .with("io_control", io.value())
            .with("flash_services", flash.value());
        send_inventory(artifact, item, out)
    }

    /// Says what a service does, by the identifier with which its request begins; else by its name.
    fn classify(
        &mut self,
        service: Service,
        lists: &mut [List; 5],
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        let Service { mut item, request, semantic } = service;
        let name = item.name().to_owned();
        let (index, count, cell) = match self.requests.get(&request) {
            Some(0x27) => (0, "security_access_count", "security-access"),
            Some(0x31..=0x33) => (1, "routine_control_count", "routine"),
            Some(0x2E | 0x3B) => (2, "write_services_count", "service"),
            Some(0x2F | 0x30) => (3, "io_control_count", "service"),
            Some(0x34..=0x37) => (4, "flash_services_count", "service"),
            Some(_) => return item.tell(&mut self.names, out),
            None if semantic.eq_ignore_ascii_case("SECURITY") || is_security_access(&name) => {
                (0, "security_access_count", "security-access")
            }
            None if semantic.eq_ignore_ascii_case("ROUTINE") || is_routine(&name) => {
                (1, "routine_control_count", "routine")
            }
            None => return item.tell(&mut self.names, out),
        };
        self.counts.add(count);
        lists[index].add(&name);
        item.cell = cell;
        item.tell(&mut self.names, out)
    }

    /// Services of each ECU variant with what it inherits, where all of it is in this file.
    fn services_by_layer(&self) -> List {
        let mut list = List::default();
        let at: HashMap<u64, usize> = self.layers.iter().enumerate().map(|(i, l)| (l.id, i)).collect();
        let mut known: HashMap<usize, Option<HashSet<u64>>> = HashMap::new();
        let mut work = 0usize;
        for (i, layer) in self.layers.iter().enumerate().filter(|(_, l)| l.kind == "ECU-VARIANT").take(100) {
            if let Some(set) = self.resolve(i, &at, &mut known, 0, &mut work) {
                list.add(&format!("{}: {}", layer.name, set.len()));
            }
        }
        list
    }

    fn resolve(
        &self,
        i: usize,
        at: &HashMap<u64, usize>,
        known: &mut HashMap<usize, Option<HashSet<u64>>>,
        depth: usize,
        work: &mut usize,
    ) -> Option<HashSet<u64>> {
        if let Some(done) = known.get(&i) {
            return done.clone();
        }
        // Also what a layer finds that inherits from itself.
        known.insert(i, None);
        let layer = &self.layers[i];
        if depth > 16 || *work > 4_000_000 {
            return None;
        }
        let mut set: HashSet<u64> = layer.own.iter().copied().collect();
        for id in &layer.taken {
            set.insert(*self.service_names.get(id)?);
        }
        set.remove(&0);
        for (parent, without) in &layer.parents {
            let inherited = self.resolve(*at.get(parent)?, at, known, depth + 1, work)?;
            *work += inherited.len();
            set.extend(inherited.into_iter().filter(|s| !without.contains(s)));
        }
        *work += set.len();
        known.insert(i, Some(set.clone()));
        Some(set)
    }
}

impl Visitor for Reader {
    fn start(&mut self, name: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = local(name);
        self.path.push(name);
        let depth = self.path.depth();
        if depth == 2 && CATEGORIES.contains(&name) {
            self.categories.add(name);
        }
        if name == "CATALOG" && depth == 1 {
            self.categories.add(name);
        }
        match name {
            "DIAG-SERVICE" | "SINGLE-ECU-JOB" => {
                self.semantic.clear();
                self.request_ref = 0;
                self.id = 0;
            }
            "REQUEST" => self.request = 0,
            "PARAM" => self.elsewhere = false,
            _ => {}
        }
        if let Some((cell, count)) = self.element(name) {
            self.items.open(depth, cell);
            if !count.is_empty() {
                self.counts.add(count);
            }
            if count == "layers" {
                match name {
                    "ECU-VARIANT" => self.counts.add("ecu_variants"),
                    "BASE-VARIANT" => self.counts.add("base_variants"),
                    _ => {}
                }
                if self.layers.len() < KEPT_LAYERS {
                    self.layers.push(Layer { kind: name.to_owned(), ..Layer::default() });
                    self.layer = Some(depth);
                }
            }
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let element = self.path.up(0);
        match (element, name) {
            ("ODX", "MODEL-VERSION") | ("CATALOG", "F-DTD-VERSION") => self.versions.add(value),
            ("DIAG-SERVICE" | "SINGLE-ECU-JOB", "ID") => self.id = hash(value),
            ("DIAG-SERVICE", "SEMANTIC") => self.semantic = value.chars().take(64).collect(),
            ("REQUEST", "ID") => self.request = hash(value),
            ("REQUEST-REF", "ID-REF") => self.request_ref = hash(value),
            (_, "ID") if LAYERS.contains(&element) && self.layer == Some(self.path.depth()) => {
                if let Some(layer) = self.layers.last_mut() {
                    layer.id = hash(value);
                }
            }
            ("PARENT-REF", "ID-REF") if keep(&mut self.kept) => {
                if let Some(layer) = self.open_layer() {
                    layer.parents.push((hash(value), Vec::new()));
                }
            }
            ("DIAG-COMM-REF", "ID-REF") if self.path.up(1) == "DIAG-COMMS" && keep(&mut self.kept) => {
                if let Some(layer) = self.open_layer() {
                    layer.taken.push(hash(value));
                }
            }
            ("DIAG-COMM-SNREF", "SHORT-NAME") if self.path.has("NOT-INHERITED-DIAG-COMM") && keep(&mut self.kept) => {
                if let Some((_, without)) = self.open_layer().and_then(|l| l.parents.last_mut()) {
                    without.push(hash(value));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, value: &str, leaf: bool, place: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let depth = self.path.depth();
        match self.path.up(0) {
            "SHORT-NAME" => self.items.name(depth - 1, Named::of(value, place)),
            "LONG-NAME" | "TEXT" | "DISPLAY-TROUBLE-CODE" => self.items.say("comment", Named::of(value, place)),
            "p" | "P" | "DESC" => self.items.say("comment", Named::of(value, place)),
            "VT" if self.path.has("COMPU-SCALE") => self.items.say("value-description", Named::of(value, place)),
            "BYTE-POSITION" if self.path.up(1) == "PARAM" => self.elsewhere = value != "0",
            "CODED-VALUE" if leaf && self.request != 0 && !self.elsewhere && self.path.has("REQUEST") => {
                let value =
                    value.strip_prefix("0x").map_or_else(|| value.parse().ok(), |h| u64::from_str_radix(h, 16).ok());
                if let Some(value) = value
                    && keep(&mut self.kept)
                {
                    let request = self.request;
                    self.requests.entry(request).or_insert(value);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = local(name);
        let depth = self.path.depth();
        self.path.pop();
        if name == "REQUEST" {
            self.request = 0;
        }
        if self.layer == Some(depth) {
            self.layer = None;
        }
        let Some(item) = self.items.end(depth) else { return Ok(()) };
        let own = item.name().to_owned();
        match name {
            "ECU-VARIANT" => self.variants.add(&own),
            "PROTOCOL" => self.protocols.add(&own),
            "SESSION" => self.sessions.add(&own),
            _ => {}
        }
        if LAYERS.contains(&name) {
            self.layer_names.add(&own);
            if let Some(layer) = self.layers.last_mut().filter(|l| l.kind == name) {
                layer.name = own;
            }
            return item.tell(&mut self.names, out);
        }
        if matches!(name, "DIAG-SERVICE" | "SINGLE-ECU-JOB") {
            if keep(&mut self.kept) {
                let (id, key) = (self.id, hash(&own));
                // Jobs are no services.
                let key = if name == "DIAG-SERVICE" { key } else { 0 };
                self.service_names.insert(id, key);
                if let Some(layer) = self.open_layer().filter(|_| key != 0) {
                    layer.own.push(key);
                }
                let (request, semantic) = (self.request_ref, std::mem::take(&mut self.semantic));
                self.services.push(Service { item, request, semantic });
                return Ok(());
            }
            return item.tell(&mut self.names, out);
        }
        item.tell(&mut self.names, out)
    }
}
