//! Geographic information: vectors, rasters, recorded tracks, and the small files beside them.

pub(crate) mod crs;
mod dbf;
pub(crate) mod emit;
mod fit;
mod flatgeobuf;
mod geojson;
mod geotiff;
mod gml;
mod gpx;
mod grid;
mod ifc;
mod igc;
mod kml;
mod memo;
mod mif;
mod netcdf;
mod shapefile;
pub(crate) mod shapes;
mod sidecar;
#[cfg(test)]
mod tests;
mod tokens;
pub(crate) mod when;
pub(crate) mod words;
mod xml;

pub(crate) use dbf::Dbf;
pub(crate) use fit::Fit;
pub(crate) use flatgeobuf::FlatGeobuf;
pub(crate) use geojson::GeoJson;
pub(crate) use geotiff::GeoTiff;
pub(crate) use gml::Gml;
pub(crate) use gpx::Gpx;
pub(crate) use grid::Grids;
pub(crate) use ifc::Ifc;
pub(crate) use igc::Igc;
pub(crate) use kml::Kml;
pub(crate) use memo::Memo;
pub(crate) use mif::Mif;
pub(crate) use netcdf::NetCdf;
pub(crate) use shapefile::Shapefile;
pub(crate) use sidecar::Sidecar;
