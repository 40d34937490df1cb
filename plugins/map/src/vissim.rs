//! PTV Vissim networks (`.inpx`).

use yumen_kit_container::FormatReader;
use yumen_kit_xml::Root;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe};

use crate::survey::{Counts, Spread, km, send_inventory, send_spatial, tell};
use crate::xml::{Element, Elements, Numbers, Path, read, with_root};

pub(crate) struct Vissim;

const FORMATS: &[Format] = &[Format {
    name: "vissim",
    title: "PTV Vissim network",
    media_type: "application/xml",
    extensions: &["inpx"],
    magic: "the root element network with a version of Vissim, or with links and conflict areas",
    reference: "https://www.ptvgroup.com/en/products/ptv-vissim",
    evidence: "records of names and texts; geo.map with links, lanes, signals and the point of the map that the network is tied to; dataset.simulation",
    limitations: &[
        "The format is not public; what is told rests on files seen. Only the reference point is brought to the map.",
    ],
}];

impl FormatReader for Vissim {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let ours = |root: &Root<'_>| {
            let told = root.attribute("vissimVersion").is_some()
                || (root.attribute("version").is_some()
                    && ["<evaluation", "<conflictAreas", "<conflictMarkers"].iter().any(|w| root.body.contains(w)));
            (root.local() == "network" && told).then_some(())
        };
        with_root(probe, ours).map(|()| Identity::new("vissim", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut network = Network::default();
        read(artifact, &mut network, &mut Numbers, out)?;
        let tied = network.reference.filter(|p| *p != (0.0, 0.0));
        let mut map = match tied {
            Some((x, y)) => {
                let mut at = Spread::default();
                at.add(x, y, 0.0);
                at.into_map(Some("EPSG:3857".to_owned())).with("tied_to", "refPointMap")
            }
            None => network.spread.into_map(Some("local".to_owned())),
        };
        network.counts.fill(&mut map, &["roads", "lanes", "signals"]);
        map.properties.insert("length_km".to_owned(), km(network.length));
        map.properties.insert("georeferenced".to_owned(), tied.is_some().into());
        map.properties.insert("programs".to_owned(), vec!["Vissim"].into());
        tell(&mut map, "version", network.version.as_str());
        send_spatial(artifact, vec![map], out)?;
        let item = InventoryItem::new(kinds::DATASET_SIMULATION)
            .with("format", "Vissim")
            .with("version", network.version)
            .with("vehicle_inputs", network.inputs)
            .at(0, artifact.blob.len());
        send_inventory(artifact, vec![item], out)
    }
}

#[derive(Default)]
struct Network {
    counts: Counts,
    version: String,
    reference: Option<(f64, f64)>,
    spread: Spread,
    last: Option<(f64, f64)>,
    length: f64,
    inputs: u64,
}

impl Elements for Network {
    fn open(&mut self, path: &Path, e: &Element, _: &mut dyn Inspection) -> Result<(), InspectError> {
        match (path.up(0), path.up(1)) {
            ("network", "") => {
                self.version = e.get("vissimVersion").or_else(|| e.get("version")).unwrap_or("").to_owned();
            }
            ("refPointMap", _) => self.reference = e.num("x").zip(e.num("y")),
            ("link", "links") => {
                self.counts.add("roads");
                self.last = None;
            }
            ("lane", "lanes") if path.up(2) == "link" => self.counts.add("lanes"),
            ("point3D", _) if path.has("link") => {
                if let Some((x, y)) = e.num("x").zip(e.num("y")) {
                    self.spread.add(x, y, e.zero("zOffset"));
                    if let Some((a, b)) = self.last.replace((x, y)) {
                        self.length += f64::hypot(x - a, y - b);
                    }
                }
            }
            ("signalController", _) => self.counts.add("signals"),
            ("node", "nodes") => self.counts.add("junctions"),
            ("vehicleInput", _) => self.inputs += 1,
            _ => {}
        }
        Ok(())
    }
}
