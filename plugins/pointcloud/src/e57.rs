//! E57: pages with checksums, the XML section, compressed vectors of points, pictures.
//!
//! Source: ASTM E2807-11; libE57 documentation of the file format.

mod document;
mod pages;
mod vector;

use std::ops::Range;

use yumen_kit_container::{Container, FormatReader};
use yumen_model::{
    Artifact, Certainty, Context, Extent, Format, Identity, InspectError, Inspection, Label, Probe, Reason,
};

use crate::cloud::{Cloud, float_step, neighbours_crs, round, send_spatial};
use crate::crs::{Crs, Frame};
use document::Node;
use pages::Pages;
use vector::{Prototype, Vector};

/// Reads E57.
pub(crate) struct E57;

const FORMATS: &[Format] = &[Format {
    name: "e57",
    title: "ASTM E57 3D imaging data",
    media_type: "model/e57",
    extensions: &["e57"],
    magic: "`ASTM-E57`, version 1, a page size that is a power of two",
    reference: "ASTM E2807-11",
    evidence: "the cloud of all scans in the common frame; the XML section, pictures and other blobs as children; checksums of pages are checked",
    limitations: &["vectors with text in them are not decoded"],
}];

/// The XML section is read up to this length.
const MOST_XML: u64 = 16 << 20;

impl FormatReader for E57 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        probe.head.starts_with(b"ASTM-E57").then_some(())?;
        let certainty = match Pages::read(probe.head, probe.blob.len()) {
            Some(_) => Certainty::Signature,
            None => Certainty::Structure,
        };
        Some(Identity::new("e57", certainty))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to, artifact, context);
        to.finish(result)
    }
}

/// What was met in the file, for what is told at the end.
struct Reader<'a, 'b> {
    to: &'b mut Container<'a>,
    pages: Pages,
    /// Logical ranges that belong to something.
    known: Vec<Range<u64>>,
    broken: Option<InspectError>,
    pictures: u64,
}

impl Reader<'_, '_> {
    fn fail(&mut self, error: InspectError) -> Result<(), InspectError> {
        if self.to.stopped() {
            return Err(error);
        }
        self.broken.get_or_insert(error);
        Ok(())
    }

    /// Labels the bytes of a logical range with the checksums between them.
    fn label(&mut self, range: Range<u64>, label: Label) -> Result<(), InspectError> {
        self.known.push(range.clone());
        self.to.label(self.pages.physical_range(range), label)
    }

    /// A logical range as a child: the pieces between the checksums.
    fn child(&mut self, name: &str, range: Range<u64>) -> Result<(), InspectError> {
        self.label(range.clone(), Label::Container)?;
        let meta = self.to.child(name.as_bytes());
        let extents = self.pages.extents(range);
        self.to.hand_over(meta, extents)
    }
}

fn run(to: &mut Container<'_>, artifact: &Artifact, context: &Context) -> Result<(), InspectError> {
    let len = to.len();
    let head = to.window.get(0, 48)?;
    let Some(pages) = Pages::read(head, len) else {
        return Err(InspectError::corrupt(0, "the header is broken"));
    };
    to.container(0..48)?;
    let mut broken = pages.check(to)?;
    if pages.told_len != len && broken.is_none() {
        broken = Some(InspectError::corrupt(16, "the file is not as long as its header tells"));
    }
    let mut reader = Reader { to, pages, known: std::iter::once(0..48).collect(), broken, pictures: 0 };
    let xml = reader.pages.xml();
    let document = match xml {
        Some(range) if range.end - range.start <= MOST_XML => {
            let bytes = reader.pages.bytes(reader.to, range.clone())?;
            reader.child("metadata.xml", range)?;
            document::read(&bytes)
        }
        Some(range) => {
            reader.child("metadata.xml", range)?;
            None
        }
        None => None,
    };
    let Some(root) = document else {
        return Err(reader.broken.unwrap_or(InspectError::corrupt(24, "the XML section is not there or broken")));
    };
    scans(&mut reader, &root, artifact, context)?;
    others(&mut reader, &root)?;
    rest(&mut reader)?;
    if reader.pictures > 0 {
        // Pictures of a scanner show what is around it.
        let item = yumen_model::InventoryItem::new(yumen_model::kind::kinds::SENSOR_CAMERA_EXTERIOR);
        let mut item = item.with("frames", reader.pictures).with("view", "unknown");
        item.confidence = 0.6;
        reader.to.inventory(item);
    }
    reader.broken.map_or(Ok(()), Err)
}

/// All scans as one cloud in the frame of the file.
fn scans(reader: &mut Reader<'_, '_>, root: &Node, artifact: &Artifact, context: &Context) -> Result<(), InspectError> {
    let list: Vec<&Node> = root.child("data3D").map(|d| d.children.iter().collect()).unwrap_or_default();
    if list.is_empty() {
        return Ok(());
    }
    let declared = root.child("coordinateMetadata").map_or("", |n| n.text.as_str());
    let mut crs = Crs::of_text(declared);
    if crs.text.is_none() {
        crs = neighbours_crs(reader.to, context)?;
    }
    let geodetic = crs.frame == Some(Frame::Geodetic);
    let mut cloud = Cloud::new(crs);
    let (mut posed, mut intensity, mut colour, mut timed) = (0u64, false, false, false);
    let (mut step, mut single) = (f64::INFINITY, false);
    let (mut first_time, mut last_time) = (f64::INFINITY, f64::NEG_INFINITY);
    for scan in &list {
        let Some(points) = scan.child("points") else { continue };
        let pose = scan.child("pose").map(Pose::of).unwrap_or_default();
        posed += u64::from(pose.is_set());
        let prototype = Prototype::of(points);
        intensity |= prototype.has("intensity");
        colour |= prototype.has("colorRed");
        timed |= prototype.has("timeStamp");
        if let Some(s) = prototype.resolution() {
            step = step.min(s);
        }
        single |= prototype.is_single();
        for (name, slot, greater) in
            [("acquisitionStart", &mut first_time, false), ("acquisitionEnd", &mut last_time, true)]
        {
            let time = scan.child(name).and_then(|n| n.child("dateTimeValue")).map_or(0.0, Node::number);
            if time > 0.0 {
                *slot = if greater { slot.max(time) } else { slot.min(time) };
            }
        }
        vector_of(reader, points, &prototype, &mut |p| cloud.add(pose.apply(p)))?;
    }
    let bounds = cloud.bounds();
    let mut item = cloud.spatial();
    item = item
        .with("scans", list.len())
        .with("intensity", intensity)
        .with("rgb", colour)
        .with("gps_time", timed)
        .with("posed_scans", posed);
    if step.is_infinite()
        && single
        && let Some((min, max)) = bounds
    {
        step = float_step(min.iter().chain(&max).fold(0.0, |a, b| f64::max(a, b.abs()))).unwrap_or(step);
    }
    if step.is_finite() {
        item = if geodetic { item.with("precision_deg", step) } else { item.with("precision_m", step) };
    }
    if last_time.is_finite() && first_time.is_finite() && last_time >= first_time {
        // GPS seconds; the leap seconds of the time since 2017.
        item = item.with("duration_s", round(last_time - first_time));
        item = item
            .with("time_from", (first_time + 315_964_782.0).round())
            .with("time_to", (last_time + 315_964_782.0).round());
    }
    send_spatial(reader.to, artifact, vec![item])
}

/// Decodes a vector and labels its section.
fn vector_of(
    reader: &mut Reader<'_, '_>,
    node: &Node,
    prototype: &Prototype,
    point: &mut dyn FnMut([f64; 3]),
) -> Result<(), InspectError> {
    let count = node.attribute("recordCount").and_then(|v| v.parse().ok()).unwrap_or(0u64);
    let Some(offset) = node.attribute("fileOffset").and_then(|v| v.parse::<u64>().ok()) else { return Ok(()) };
    let Some(vector) = Vector::open(reader.to, &reader.pages, offset)? else {
        return reader.fail(InspectError::corrupt(offset, "the section of a vector is broken"));
    };
    let section = vector.section.clone();
    if prototype.opaque {
        reader.to.tell_at("unsupported-method", offset);
        return reader.label(section, Label::Opaque(Reason::Unsupported));
    }
    match vector.decode(reader.to, &reader.pages, prototype, count, point) {
        Ok(()) => reader.label(section, Label::Inspected),
        Err(e) => {
            let read = e.offset.map_or(section.start, |at| reader.pages.logical(at)).clamp(section.start, section.end);
            reader.label(section.start..read, Label::Inspected)?;
            reader.label(read..section.end, Label::Opaque(Reason::Corrupt))?;
            reader.fail(e)
        }
    }
}

/// Pictures, other blobs, vectors that are no points.
fn others(reader: &mut Reader<'_, '_>, root: &Node) -> Result<(), InspectError> {
    let mut stack: Vec<(&Node, String, bool)> = vec![(root, String::new(), false)];
    let mut number = 0;
    while let Some((node, title, of_scan)) = stack.pop() {
        for child in node.children.iter().rev() {
            let named = child.child("name").map(|n| n.text.trim()).filter(|t| !t.is_empty() && t.len() < 200);
            let title = named.map_or_else(|| title.clone(), |n| n.replace(['/', '\\'], "_"));
            stack.push((child, title, child.name == "data3D" || of_scan));
        }
        let kind = node.attribute("type").unwrap_or("");
        let offset = node.attribute("fileOffset").and_then(|v| v.parse::<u64>().ok());
        match (kind, offset) {
            ("Blob", Some(offset)) => {
                let len = node.attribute("length").and_then(|v| v.parse::<u64>().ok()).unwrap_or(0);
                let start = reader.pages.logical(offset);
                let fits = start
                    .checked_add(16)
                    .and_then(|s| s.checked_add(len))
                    .is_some_and(|e| e <= reader.pages.logical_len());
                if !fits || len == 0 {
                    if len > 0 {
                        reader.fail(InspectError::corrupt(offset, "a blob reaches past the end of the file"))?;
                    }
                    continue;
                }
                number += 1;
                let (folder, suffix) = match node.name.as_str() {
                    "jpegImage" => ("images", ".jpg"),
                    "pngImage" => ("images", ".png"),
                    "imageMask" => ("images", ".mask.png"),
                    _ => ("blobs", ""),
                };
                reader.pictures += u64::from(matches!(suffix, ".jpg" | ".png"));
                let title = if title.is_empty() { format!("{number}") } else { title };
                let tail = if suffix.is_empty() { format!("-{}", node.name) } else { suffix.to_owned() };
                reader.label(start..start + 16, Label::Container)?;
                reader.child(&format!("{folder}/{title}{tail}"), start + 16..start + 16 + len)?;
            }
            ("CompressedVector", Some(_)) if !(of_scan && node.name == "points") => {
                let prototype = Prototype::of(node);
                vector_of(reader, node, &prototype, &mut |_| ())?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// What lies between the sections: padding, or pieces that nobody names.
fn rest(reader: &mut Reader<'_, '_>) -> Result<(), InspectError> {
    let mut known = std::mem::take(&mut reader.known);
    known.sort_by_key(|r| r.start);
    let end = reader.pages.logical_len();
    known.push(end..end);
    let mut at = 0;
    for range in known {
        if range.start > at {
            let gap = at..range.start;
            let mut used = false;
            let mut from = gap.start;
            while from < gap.end && !used {
                let to = gap.end.min(from + (1 << 20));
                used = reader.pages.bytes(reader.to, from..to)?.iter().any(|&b| b != 0 && b != b' ');
                from = to;
            }
            if used {
                // Writers leave in a page what its buffer held before.
                reader.to.container(reader.pages.physical_range(gap.clone()))?;
                for extent in reader.pages.extents(gap) {
                    if let Extent::Data { offset, len } = extent {
                        reader.to.unallocated(offset..offset + len)?;
                    }
                }
            } else {
                reader.to.container(reader.pages.physical_range(gap))?;
            }
        }
        at = at.max(range.end);
    }
    let page_end = reader.pages.physical_end();
    // The checksum of the last page, and what is no whole page.
    reader.to.container(reader.pages.physical(end.saturating_sub(1))..page_end)?;
    reader.to.residue(page_end..reader.to.len(), yumen_kit_container::Place::After)
}

/// Where a scanner stood.
#[derive(Clone, Copy, Debug)]
struct Pose {
    rotation: [f64; 4],
    translation: [f64; 3],
}

impl Default for Pose {
    fn default() -> Self {
        Pose { rotation: [1.0, 0.0, 0.0, 0.0], translation: [0.0; 3] }
    }
}

impl Pose {
    fn of(node: &Node) -> Pose {
        let numbers = |name: &str, axes: &[&str]| -> Option<Vec<f64>> {
            let part = node.child(name)?;
            Some(axes.iter().map(|a| part.child(a).map_or(0.0, Node::number)).collect())
        };
        let mut pose = Pose::default();
        if let Some(r) = numbers("rotation", &["w", "x", "y", "z"]) {
            pose.rotation.copy_from_slice(&r);
        }
        if let Some(t) = numbers("translation", &["x", "y", "z"]) {
            pose.translation.copy_from_slice(&t);
        }
        pose
    }

    fn is_set(&self) -> bool {
        self.translation != [0.0; 3] || self.rotation != [1.0, 0.0, 0.0, 0.0]
    }

    fn apply(&self, p: [f64; 3]) -> [f64; 3] {
        let q = crate::pcd::rotate(self.rotation, p);
        [q[0] + self.translation[0], q[1] + self.translation[1], q[2] + self.translation[2]]
    }
}
