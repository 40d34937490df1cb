//! Rasters of which the head is read, or that are told only: netCDF in its classic forms, ERDAS Imagine, MrSID.

use yumen_kit_container::window::num::{be32, be64};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Probe, Reason, Spatial,
};

use super::emit::Via;
use crate::survey::{Spread, send_spatial};

/// Documentation of `netcdf`.
const NETCDF: Format = Format {
    name: "netcdf",
    title: "netCDF (classic, 64-bit offset, 64-bit data)",
    media_type: "application/x-netcdf",
    extensions: &["nc", "cdf"],
    magic: "CDF and 1, 2 or 5, then a list of dimensions",
    reference: "https://docs.unidata.ucar.edu/nug/current/file_format_specifications.html",
    evidence: "names and attributes as text; the extent of variables of longitude and latitude as imagery",
    limitations: &["Values of variables are counted as numbers."],
};

/// Documentation of `erdas-img`.
const IMG: Format = Format {
    name: "erdas-img",
    title: "ERDAS Imagine raster",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "EHFA_HEADER_TAG",
    reference: "https://gdal.org/drivers/raster/hfa.html",
    evidence: "told as imagery whose place is not known",
    limitations: &["Nothing of it is read: its bytes are opaque (unsupported)."],
};

/// Documentation of `mrsid`.
const MRSID: Format = Format {
    name: "mrsid",
    title: "MrSID raster",
    media_type: "image/x-mrsid",
    extensions: &["sid"],
    magic: "msid",
    reference: "https://gdal.org/drivers/raster/mrsid.html",
    evidence: "told as imagery whose place is not known",
    limitations: &["Nothing of it is read: its bytes are opaque (unsupported)."],
};

/// Reads netCDF, and tells of what is not read.
pub(crate) struct NetCdf;

/// Longest list, name and attribute that are looked at.
const MOST: u64 = 1 << 16;

impl FormatReader for NetCdf {
    fn formats(&self) -> &'static [Format] {
        &[NETCDF, IMG, MRSID]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let b = probe.head;
        if b.starts_with(b"EHFA_HEADER_TAG\0") {
            return Some(Identity::new(IMG.name, Certainty::Signature));
        }
        if b.starts_with(b"msid") && b.get(4).is_some_and(|v| *v <= 4) && probe.extension() == "sid" {
            return Some(Identity::new(MRSID.name, Certainty::Signature));
        }
        let wide = match b.get(..4)? {
            b"CDF\x01" | b"CDF\x02" => false,
            b"CDF\x05" => true,
            _ => return None,
        };
        // After the number of records comes the list of dimensions, or none.
        let at = if wide { 12 } else { 8 };
        let count = if wide { be64(b, at + 4) } else { u64::from(be32(b, at + 4)) };
        let tag = be32(b, at);
        (b.len() > 32 && (tag == 10 && count > 0 && count < MOST || tag == 0 && count == 0))
            .then(|| Identity::new(NETCDF.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut c = Container::new(artifact, out);
        let result = if artifact.format == NETCDF.name { netcdf(artifact, &mut c) } else { told(artifact, &mut c) };
        c.finish(result)
    }
}

fn told(artifact: &Artifact, c: &mut Container<'_>) -> Result<(), InspectError> {
    let len = c.len();
    c.opaque(0..len, Reason::Unsupported)?;
    c.tell("unsupported-method");
    let item = Spatial { confidence: 0.6, ..Spatial::new(kinds::GEO_IMAGERY) };
    send_spatial(artifact, vec![item], &mut Via(c))
}

struct Head<'c, 'a> {
    c: &'c mut Container<'a>,
    at: u64,
    wide: bool,
    /// Offsets of variables have 64 bits.
    far: bool,
}

impl Head<'_, '_> {
    fn four(&mut self) -> Result<u64, InspectError> {
        let at = self.at;
        self.at += 4;
        match self.c.window.array::<4>(at)? {
            Some(b) => Ok(u64::from(u32::from_be_bytes(b))),
            None => Err(InspectError::corrupt(at, "the head does not fit into the file")),
        }
    }

    fn eight(&mut self) -> Result<u64, InspectError> {
        Ok(self.four()? << 32 | self.four()?)
    }

    /// A count or length.
    fn count(&mut self) -> Result<u64, InspectError> {
        if self.wide { self.eight() } else { self.four() }
    }

    /// The number of entries of a list; its tag before it.
    fn list(&mut self) -> Result<u64, InspectError> {
        let start = self.at;
        let tag = self.four()?;
        let n = self.count()?;
        if n > MOST || (tag == 0) != (n == 0) || !matches!(tag, 0 | 10..=12) {
            return Err(InspectError::corrupt(start, "a list of the head is broken"));
        }
        Ok(n)
    }

    /// A name; it is evidence.
    fn name(&mut self) -> Result<String, InspectError> {
        let n = self.count()?;
        let start = self.at;
        if n > 4096 || start + n > self.c.len() {
            return Err(InspectError::corrupt(start, "a name of the head does not fit"));
        }
        let n = usize::try_from(n).unwrap_or(0);
        let bytes = self.c.window.get(start, n)?.to_vec();
        self.at += (n as u64).next_multiple_of(4);
        self.c.comment(start..start + n as u64)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn size(&self, kind: u64) -> Option<u64> {
        Some(match kind {
            1 | 2 | 7 => 1,
            3 | 8 => 2,
            4 | 5 | 9 => 4,
            6 | 10 | 11 => 8,
            _ => return None,
        })
    }

    /// Attributes; texts are evidence. The value of `units`.
    fn attributes(&mut self) -> Result<String, InspectError> {
        let mut units = String::new();
        for _ in 0..self.list()? {
            let name = self.name()?;
            let kind = self.four()?;
            let n = self.count()?;
            let start = self.at;
            let Some(bytes) = self.size(kind).and_then(|s| s.checked_mul(n)).filter(|b| start + b <= self.c.len())
            else {
                return Err(InspectError::corrupt(start, "an attribute of the head does not fit"));
            };
            if kind == 2 {
                if name == "units" && bytes < 256 {
                    let n = usize::try_from(bytes).unwrap_or(0);
                    units = String::from_utf8_lossy(self.c.window.get(start, n)?).into_owned();
                }
                self.c.comment(start..start + bytes)?;
            }
            self.at = start + bytes.next_multiple_of(4);
        }
        Ok(units)
    }
}

fn netcdf(artifact: &Artifact, c: &mut Container<'_>) -> Result<(), InspectError> {
    let version = c.window.get(3, 1)?.first().copied().unwrap_or(0);
    let len = c.len();
    let mut head = Head { c, at: 4, wide: version == 5, far: version != 1 };
    head.count()?;
    let mut dims = Vec::new();
    for _ in 0..head.list()? {
        head.name()?;
        dims.push(head.count()?);
    }
    head.attributes()?;
    let mut axes: [Option<(f64, f64)>; 2] = [None; 2];
    let mut layers = Vec::new();
    for _ in 0..head.list()? {
        let name = head.name()?;
        let rank = head.count()?;
        if rank > 1024 {
            return Err(InspectError::corrupt(head.at, "a variable of too many dimensions"));
        }
        let mut shape = Vec::new();
        for _ in 0..rank {
            let dim = usize::try_from(head.count()?).unwrap_or(usize::MAX);
            shape.push(dims.get(dim).copied().unwrap_or(0));
        }
        let units = head.attributes()?;
        let kind = head.four()?;
        head.count()?;
        let begin = if head.far { head.eight()? } else { head.four()? };
        let lower = name.to_ascii_lowercase();
        let axis = if units.starts_with("degrees_east") || matches!(lower.as_str(), "lon" | "longitude") {
            0
        } else if units.starts_with("degrees_north") || matches!(lower.as_str(), "lat" | "latitude") {
            1
        } else {
            if layers.len() < 64 && rank >= 2 {
                layers.push(name);
            }
            continue;
        };
        let (Some(size), [n]) = (head.size(kind), &shape[..]) else { continue };
        if *n == 0 || begin.saturating_add(size.saturating_mul(*n)) > len {
            continue;
        }
        let mut value = |i: u64| -> Result<Option<f64>, InspectError> {
            let bytes = head.c.window.get(begin + i * size, 8)?;
            Ok(match kind {
                5 => Some(f64::from(f32::from_bits(be32(bytes, 0)))),
                6 => Some(f64::from_bits(be64(bytes, 0))),
                4 => Some(f64::from(be32(bytes, 0).cast_signed())),
                _ => None,
            })
        };
        if let (Some(a), Some(b)) = (value(0)?, value(n - 1)?) {
            axes[axis] = Some((a.min(b), a.max(b)));
        }
    }
    let end = head.at.min(len);
    c.container(0..end)?;
    c.label(end..len, Label::Inspected)?;
    let [Some((w, e)), Some((s, n))] = axes else { return Ok(()) };
    let mut spread = Spread::default();
    for i in 0..9u32 {
        for j in 0..9u32 {
            let at = |a: f64, b: f64, k: u32| a + (b - a) * f64::from(k) / 8.0;
            spread.add(at(w, e, i), at(s, n, j), 0.0);
        }
    }
    let mut item = spread.into_spatial(kinds::GEO_IMAGERY, Some("wgs84".to_owned()));
    item.confidence = 0.8;
    send_spatial(artifact, vec![item.with("layers", layers)], &mut Via(c))
}
