//! The small files beside shapes and rasters: reference systems (`.prj`, `.qpj`, `.aux.xml`), code pages (`.cpg`), world files (`.tfw`…).

use yumen_kit_container::FormatReader;
use yumen_kit_text::{Sample, send_text};
use yumen_kit_xml::{Markup, Place, Visitor};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, GroupFact, Identity, InspectError, Inspection, Message, Need, Probe, Spatial,
};

use super::crs::{self, CRS, ENCODING, WORLD};
use super::emit::Without;
use super::{dbf, xml};
use crate::survey::{Spread, send_spatial};

/// Documentation of `prj`.
const PRJ: Format = Format {
    name: "prj",
    title: "Reference system as well-known text",
    media_type: "text/plain",
    extensions: &["prj", "qpj"],
    magic: "begins as well-known text of a reference system: GEOGCS, PROJCS, GEOGCRS, PROJCRS, COMPD_CS, LOCAL_CS…",
    reference: "OGC 18-010r7; OGC 01-009",
    evidence: "text; lends the reference system to the files of the same stem",
    limitations: &[],
};

/// Documentation of `cpg`.
const CPG: Format = Format {
    name: "cpg",
    title: "Code page of a shapefile",
    media_type: "text/plain",
    extensions: &["cpg"],
    magic: "the name of an encoding, in a file named .cpg",
    reference: "https://gdal.org/drivers/vector/shapefile.html",
    evidence: "text; lends the encoding to the table of the same stem",
    limitations: &[],
};

/// Documentation of `world-file`.
const WORLD_FILE: Format = Format {
    name: "world-file",
    title: "World file",
    media_type: "text/plain",
    extensions: &[
        "tfw", "jgw", "pgw", "wld", "tifw", "jpgw", "pngw", "bpw", "gfw", "sdw", "j2w", "blw", "tfwx", "jgwx", "pgwx",
    ],
    magic: "six numbers, one a line, in a file named as a world file",
    reference: "https://gdal.org/drivers/raster/wld.html",
    evidence: "the place and ground resolution of the picture beside it, as imagery; text",
    limitations: &["The extent is not told: the size of the picture is in the picture."],
};

/// Documentation of `aux-xml`.
const AUX: Format = Format {
    name: "aux-xml",
    title: "Auxiliary metadata of a raster",
    media_type: "application/xml",
    extensions: &[],
    magic: "the XML root PAMDataset",
    reference: "https://gdal.org/drivers/raster/gtiff.html#georeferencing; https://gdal.org/user/raster_data_model.html",
    evidence: "records as of xml; lends the reference system to the raster beside it",
    limitations: &[],
};

/// Documentation of `gdal-vrt`.
const VRT: Format = Format {
    name: "gdal-vrt",
    title: "GDAL virtual raster",
    media_type: "application/xml",
    extensions: &["vrt"],
    magic: "the XML root VRTDataset",
    reference: "https://gdal.org/drivers/raster/vrt.html",
    evidence: "place, extent and ground resolution of the raster as imagery; records as of xml",
    limitations: &["The rasters that it is made of are read on their own."],
};

/// Reads what stands beside shapes and rasters.
pub(crate) struct Sidecar;

const ROOTS: [&str; 18] = [
    "GEOGCS",
    "PROJCS",
    "GEOCCS",
    "VERT_CS",
    "LOCAL_CS",
    "COMPD_CS",
    "FITTED_CS",
    "GEOGCRS",
    "GEODCRS",
    "PROJCRS",
    "VERTCRS",
    "ENGCRS",
    "COMPOUNDCRS",
    "BOUNDCRS",
    "GEODETICCRS",
    "GEOGRAPHICCRS",
    "PROJECTEDCRS",
    "VERTCS",
];

/// Whether a text is well-known text of a reference system.
fn is_wkt(text: &str) -> bool {
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let name = text.split(['[', '(']).next().unwrap_or_default();
    let rest = text[name.len()..].trim_start_matches(['[', '(']).trim_start();
    ROOTS.contains(&name.trim().to_ascii_uppercase().as_str()) && rest.starts_with('"')
}

/// The six numbers of a world file.
fn world(text: &str) -> Option<[f64; 6]> {
    let mut out = [0.0; 6];
    let mut words = text.trim_start_matches('\u{FEFF}').split_ascii_whitespace();
    for slot in &mut out {
        *slot = words.next()?.replace(',', ".").parse().ok().filter(|n: &f64| n.is_finite())?;
    }
    // The size of a pixel is not zero, and nothing follows.
    ((out[0] != 0.0 || out[1] != 0.0) && words.next().is_none()).then_some(out)
}

impl FormatReader for Sidecar {
    fn formats(&self) -> &'static [Format] {
        &[PRJ, CPG, WORLD_FILE, AUX, VRT]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if probe.blob.len() > 64 << 10 {
            return None;
        }
        let extension = probe.extension();
        let named =
            [PRJ.extensions, CPG.extensions, WORLD_FILE.extensions].iter().any(|e| e.contains(&extension.as_str()));
        let start =
            probe.head.iter().position(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF)).unwrap_or(0);
        let begins = probe.head.get(start..).unwrap_or_default();
        let wkt = ROOTS.iter().any(|r| begins.get(..r.len()).is_some_and(|b| b.eq_ignore_ascii_case(r.as_bytes())));
        if !named && !wkt && begins.first() != Some(&b'<') {
            return None;
        }
        let known = |name: &str, _: &str, _: &str| match name {
            "PAMDataset" => Some((AUX.name, Certainty::Specific)),
            "VRTDataset" => Some((VRT.name, Certainty::Specific)),
            _ => None,
        };
        if let Some(found) = xml::identify(probe, known) {
            return Some(found);
        }
        let sample = Sample::of(probe)?;
        if is_wkt(&sample.text) {
            return Some(Identity::new(PRJ.name, Certainty::Signature));
        }
        if WORLD_FILE.extensions.contains(&extension.as_str()) && world(&sample.text).is_some() {
            return Some(Identity::new(WORLD_FILE.name, Certainty::Signature));
        }
        let proj = sample.text.trim_start().starts_with("+proj=") || sample.text.trim_start().starts_with("EPSG:");
        if PRJ.extensions.contains(&extension.as_str()) && proj {
            return Some(Identity::new(PRJ.name, Certainty::Signature));
        }
        (extension == "cpg" && sample.text.len() < 40 && dbf::label(&sample.text).is_some())
            .then(|| Identity::new(CPG.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if artifact.format == AUX.name || artifact.format == VRT.name {
            let mut aux = Aux::default();
            let mut filter = Without { out, coordinates: |name| name.ends_with("GeoTransform"), long: None };
            yumen_kit_xml::inspect(artifact, Markup::Xml, &mut aux, &mut filter)?;
            let out = filter.out;
            if artifact.format == VRT.name {
                return send_spatial(artifact, aux.raster().into_iter().collect(), out);
            }
            if let Some(text) = aux.text {
                export(CRS, text.into(), out)?;
            }
            return Ok(());
        }
        send_text(artifact, out)?;
        let bytes = artifact.blob.bytes(0..artifact.blob.len().min(64 << 10));
        let bytes = bytes.map_err(|e| InspectError::read(0, &e))?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_matches(|c: char| c == '\u{FEFF}' || c.is_whitespace() || c == '\0');
        match artifact.format {
            "prj" => export(CRS, text.into(), out),
            "cpg" => export(ENCODING, text.into(), out),
            _ => {
                let Some(numbers) = world(text) else { return Ok(()) };
                out.send(Message::Need(Need { key: CRS.to_owned() }))?;
                export(WORLD, numbers.to_vec().into(), out)?;
                send_spatial(artifact, vec![raster(numbers, crs::granted(context))], out)
            }
        }
    }
}

fn export(key: &str, value: serde_json::Value, out: &mut dyn Inspection) -> Result<(), InspectError> {
    Ok(out.send(Message::Export(GroupFact { key: key.to_owned(), value }))?)
}

/// The picture that a world file tells of: where it begins, and how fine it is.
fn raster(n: [f64; 6], crs: Option<String>) -> Spatial {
    let geographic = n[4].abs() <= 360.0 && n[5].abs() <= 90.0;
    let metres = if geographic { 111_195.0 } else { 1.0 };
    let item = Spatial { crs, samples: vec![[n[4], n[5], 0.0]], confidence: 0.8, ..Spatial::new(kinds::GEO_IMAGERY) };
    item.with("resolution_m", (n[0].hypot(n[1]) * metres * 1e3).round() / 1e3)
}

/// Picks reference system and place out of auxiliary metadata.
#[derive(Default)]
struct Aux {
    element: String,
    text: Option<String>,
    size: [u32; 2],
    transform: Vec<f64>,
}

impl Aux {
    fn raster(self) -> Option<Spatial> {
        let [x, a, b, y, d, e] = self.transform[..] else { return None };
        let [w, h] = self.size.map(f64::from);
        let mut spread = Spread::default();
        for i in 0..9u32 {
            for j in 0..9u32 {
                let (i, j) = (w * f64::from(i) / 8.0, h * f64::from(j) / 8.0);
                spread.add(x + a * i + b * j, y + d * i + e * j, 0.0);
            }
        }
        let crs = self.text.filter(|t| !t.is_empty());
        let geographic = super::shapes::is_geographic(crs.as_deref(), spread.extent());
        let metres = if geographic { 111_195.0 } else { 1.0 };
        let item = spread.into_spatial(kinds::GEO_IMAGERY, crs);
        let item = item.with("resolution_m", (a.hypot(d) * metres * 1e3).round() / 1e3);
        Some(item.with("width", self.size[0]).with("height", self.size[1]))
    }
}

impl Visitor for Aux {
    fn start(&mut self, name: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        name.clone_into(&mut self.element);
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        if self.element == "VRTDataset"
            && let Some(i) = ["rasterXSize", "rasterYSize"].iter().position(|n| *n == name)
        {
            self.size[i] = value.parse().unwrap_or(0);
        }
        Ok(())
    }

    fn text(&mut self, value: &str, _: bool, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        match self.element.as_str() {
            "SRS" if self.text.is_none() => self.text = Some(value.trim().to_owned()),
            "GeoTransform" if self.transform.is_empty() => {
                self.transform = value.split(',').take(7).filter_map(|n| n.trim().parse().ok()).collect();
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_systems_and_world_files_are_told_from_text() {
        assert!(is_wkt("GEOGCS[\"WGS 84\",DATUM[]]") && is_wkt("PROJCRS[ \"x\"]"));
        assert!(!is_wkt("PROJECT[\"x\"]") && !is_wkt("GEOGCS is a word") && !is_wkt(""));
        assert!(world("0.5\n0\n0\n-0.5\n440720.0\n3751320.0\n").is_some());
        assert!(world("0.5\n0\n0\n-0.5\n440720.0\n").is_none() && world("1 2 3 4 5 6 7").is_none());
    }
}
