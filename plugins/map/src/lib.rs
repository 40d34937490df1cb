//! Maps and geodata: road networks, HD maps, geographic vector and raster formats.
//!
//! One module a format; a new one is a module and a line in [`READERS`].

mod apollo;
mod autoware;
mod commonroad;
mod crg;
mod curve;
mod gis;
mod opendrive;
mod openscenario;
mod osm;
mod osmxml;
mod pbf;
mod sqlite;
mod sumo;
mod survey;
mod vectortile;
mod vissim;
mod xml;

use std::sync::LazyLock;

use yumen_kit_container::Family;
use yumen_model::{Artifact, Context, Format, Grouper, Identity, InspectError, Inspection, Plugin, Probe};

/// Every reader of this family. Where two are equally sure of an artifact, the earlier one gets it.
const READERS: Family = Family(&[
    &opendrive::OpenDrive,
    &openscenario::OpenScenario,
    &crg::OpenCrg,
    &commonroad::CommonRoad,
    &sumo::Sumo,
    &vissim::Vissim,
    &osmxml::OsmXml,
    &pbf::OsmPbf,
    &apollo::Apollo,
    &autoware::Autoware,
    &gis::Shapefile,
    &gis::Dbf,
    &gis::Memo,
    &gis::Sidecar,
    &gis::FlatGeobuf,
    &gis::Mif,
    &vectortile::VectorTile,
    &gis::GeoTiff,
    &gis::Grids,
    &gis::NetCdf,
    &gis::GeoJson,
    &gis::Gpx,
    &gis::Kml,
    &gis::Gml,
    &gis::Ifc,
    &gis::Fit,
    &gis::Igc,
    &sqlite::SqliteMaps,
]);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| READERS.formats());

/// Reads maps.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapPlugin;

impl Plugin for MapPlugin {
    fn formats(&self) -> &'static [Format] {
        &FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        READERS.identify(probe)
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        READERS.inspect(artifact, context, out)
    }

    fn groupers(&self) -> Vec<Box<dyn Grouper>> {
        use gis::crs::{ATTRIBUTES, CRS, ENCODING, SameStem, WORLD};
        let origin = Box::new(autoware::OriginGrouper) as Box<dyn Grouper>;
        let beside = [CRS, ATTRIBUTES, ENCODING, WORLD].map(|key| Box::new(SameStem(key)) as Box<dyn Grouper>);
        std::iter::once(origin).chain(beside).collect()
    }
}

#[cfg(test)]
mod roadmap_tests;
