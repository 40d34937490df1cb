//! Device trees and U-Boot FIT images: both are flattened device trees.
//!
//! Source: Devicetree Specification 0.4; U-Boot doc/usage/fit/source_file_format.rst and signature.rst.

mod hash;
mod image;

use std::ops::Range;

use yumen_kit_container::{Container, FormatReader, Place, Window};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Label, Probe, Reason,
};

use crate::common::{Claims, Evidence, conclude, is_stopped, known, rest};
use crate::fdt::{Token, Tree, Walk, texts};
use image::{Fit, Image};

/// Longest value of a property that is read as text.
const MAX_TEXT: u64 = 1 << 20;
/// Shortest value that is shown as raw bytes when it is no text.
const LEAST_RAW: u64 = 32;
/// Trees one behind another.
const MAX_TREES: usize = 4096;
/// Tokens that identification looks at to tell a FIT from a device tree.
const PROBED: usize = 4096;

/// Reads device trees and FIT images.
pub(crate) struct DeviceTree;

const FORMATS: &[Format] = &[
    Format {
        name: "fit",
        title: "U-Boot FIT image",
        media_type: "application/x-fit-image",
        extensions: &["itb", "fit"],
        magic: "a flattened device tree with a node `/images`",
        reference: "U-Boot doc/usage/fit/source_file_format.rst",
        evidence: "each image as a child by its node's name, hashes checked; properties as text; images, configurations, signing and encryption as inventory",
        limitations: &["signatures are told, not verified", "images that are encrypted are told, not opened"],
    },
    Format {
        name: "dtb",
        title: "flattened device tree",
        media_type: "application/x-dtb",
        extensions: &["dtb", "dtbo"],
        magic: "0xD00DFEED with blocks that lie within the stated size",
        reference: "Devicetree Specification 0.4, chapter 5",
        evidence: "nodes and texts of properties as text; files within properties as children; long binary properties as raw bytes; model and compatible as inventory",
        limitations: &["numbers are read, not shown to the detectors"],
    },
];

impl FormatReader for DeviceTree {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let tree = Tree::parse(probe.head, 0)?;
        let fit = is_fit(probe, &tree).unwrap_or(false);
        Some(if fit { Identity::new("fit", Certainty::Specific) } else { Identity::new("dtb", Certainty::Signature) })
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            to: Container::new(artifact, out),
            evidence: Evidence::new(artifact),
            claims: Claims::default(),
            fit: Fit::default(),
            models: Vec::new(),
            compatible: Vec::new(),
            trees: 0,
            nodes: 0,
        };
        let result = reader.run(artifact.format == "fit");
        conclude(reader.to, reader.evidence, result)
    }
}

/// Whether the root has a node `images`.
fn is_fit(probe: &Probe<'_>, tree: &Tree) -> Result<bool, InspectError> {
    let mut walk = Walk::new(probe.blob, tree)?;
    let mut depth = 0;
    for _ in 0..PROBED {
        match walk.next()? {
            Some(Token::Begin(name, _)) => {
                depth += 1;
                if depth == 2 && name == b"images" {
                    return Ok(true);
                }
            }
            Some(Token::End) => depth -= 1,
            Some(Token::Property(..)) => {}
            None => break,
        }
    }
    Ok(false)
}

struct Reader<'a> {
    to: Container<'a>,
    evidence: Evidence<'a>,
    claims: Claims,
    fit: Fit,
    models: Vec<String>,
    compatible: Vec<String>,
    trees: u64,
    nodes: u64,
}

impl Reader<'_> {
    fn run(&mut self, fit: bool) -> Result<(), InspectError> {
        let len = self.to.len();
        let Some(tree) = Tree::at(&mut self.to.window, 0)? else {
            return Err(InspectError::corrupt(0, "the header of the device tree is broken"));
        };
        if fit {
            return self.fit(&tree);
        }
        let mut next = Some(tree);
        let mut at = 0;
        while let Some(tree) = next.take() {
            let end = tree.range.end.min(len);
            self.tree(&tree, false)?;
            self.trees += 1;
            at = end.max(at + 40);
            if tree.range.end > len || self.trees as usize >= MAX_TREES {
                break;
            }
            // Trees may follow each other, with padding between.
            if let Some(from) = yumen_kit_container::window::first_nonzero(self.to.blob, at..len)? {
                let from = from.max(at);
                if from - at < 1 << 20
                    && let Some(found) = Tree::at(&mut self.to.window, from)?
                {
                    self.to.container(at..from)?;
                    at = from;
                    next = Some(found);
                }
            }
        }
        rest(&mut self.to, at..len, Place::After)?;
        let item = InventoryItem::new(kinds::FIRMWARE_IMAGE)
            .with("container", "dtb")
            .with("model", std::mem::take(&mut self.models))
            .with("compatible", std::mem::take(&mut self.compatible))
            .with("trees", self.trees)
            .with("nodes", self.nodes);
        self.to.inventory(item);
        Ok(())
    }

    /// Reads one tree; its bytes are labelled whatever comes of it.
    fn tree(&mut self, tree: &Tree, fit: bool) -> Result<(), InspectError> {
        let len = self.to.len();
        if tree.range.end > len {
            self.to.tell_at("truncated", len);
        }
        let walked = self.walk(tree, fit);
        if is_stopped(&walked) {
            return walked.map(|_| ());
        }
        self.reserved(tree)?;
        self.claims.add(tree.range.start..tree.range.start + tree.header);
        self.claims.add(tree.strings.clone());
        self.strings(tree)?;
        // What stands behind the last token is nobody's.
        let seen = match &walked {
            Ok(at) => *at,
            Err(_) => tree.structure.start,
        };
        self.claims.add(tree.structure.start..seen);
        self.to.label(tree.range.start..tree.range.start + tree.header, Label::Inspected)?;
        self.to.label(tree.structure.start..seen, Label::Inspected)?;
        let end = tree.range.end.min(len);
        if let Err(error) = walked {
            self.to.opaque(tree.structure.start..tree.structure.end.min(end), error.reason)?;
            return Err(error);
        }
        for free in self.claims.free(tree.range.start..end) {
            self.to.unallocated(free)?;
        }
        if tree.range.end > len { Err(InspectError::corrupt(len, "the device tree is cut short")) } else { Ok(()) }
    }

    fn reserved(&mut self, tree: &Tree) -> Result<(), InspectError> {
        let mut at = tree.reserved.start;
        let end = tree.range.end.min(self.to.len());
        for _ in 0..4096 {
            let Some(entry) = self.to.window.array::<16>(at)? else { break };
            if at + 16 > end {
                break;
            }
            at += 16;
            if entry == [0; 16] {
                break;
            }
        }
        self.claims.add(tree.reserved.start..at);
        self.to.label(tree.reserved.start..at, Label::Inspected)
    }

    /// The names of properties are text too.
    fn strings(&mut self, tree: &Tree) -> Result<(), InspectError> {
        let range = tree.strings.start..tree.strings.end.min(self.to.len()).min(tree.strings.start + MAX_TEXT * 4);
        if range.start >= range.end {
            return Ok(());
        }
        let bytes = self.to.blob.bytes(range.clone()).map_err(|e| InspectError::read(range.start, &e))?;
        self.evidence.strings(&mut self.to, &bytes, range.start)?;
        self.to.label(range, Label::Inspected)
    }

    /// Goes through the nodes; where the last token ends.
    fn walk(&mut self, tree: &Tree, fit: bool) -> Result<u64, InspectError> {
        let mut walk = Walk::new(self.to.blob, tree)?;
        let mut values = Window::new(self.to.blob);
        let mut path: Vec<Vec<u8>> = Vec::new();
        while let Some(token) = walk.next()? {
            match token {
                Token::Begin(name, at) => {
                    self.nodes += 1;
                    let line = format!("{} {{", String::from_utf8_lossy(&name));
                    if !name.is_empty() {
                        self.evidence.line(&mut self.to, &line, at)?;
                    }
                    path.push(name);
                    if fit {
                        self.fit.begin(&path);
                    }
                }
                Token::End => {
                    path.pop();
                }
                Token::Property(name, range) => {
                    if fit && self.fit.takes_data(&path, &name, &range) {
                        continue;
                    }
                    self.property(&path, &name, range, &mut values, fit)?;
                }
            }
        }
        Ok(walk.at())
    }

    fn property(
        &mut self,
        path: &[Vec<u8>],
        name: &[u8],
        range: Range<u64>,
        values: &mut Window<'_>,
        fit: bool,
    ) -> Result<(), InspectError> {
        let len = range.end - range.start;
        let cut = usize::try_from(len.min(MAX_TEXT)).unwrap_or(0);
        let value = values.get(range.start, cut)?;
        if fit {
            self.fit.property(path, name, value);
        }
        let shown = String::from_utf8_lossy(name);
        if let Some(list) = texts(value).filter(|_| len <= MAX_TEXT) {
            if path.len() == 1 && name == b"model" {
                push(&mut self.models, &list);
            }
            if path.len() == 1 && name == b"compatible" {
                push(&mut self.compatible, &list);
            }
            let quoted: Vec<String> = list.iter().map(|t| format!("\"{t}\"")).collect();
            return self.evidence.line(&mut self.to, &format!("{shown} = {};", quoted.join(", ")), range.start);
        }
        if value.len() == 6 && name.ends_with(b"mac-address") {
            let text: Vec<String> = value.iter().map(|b| format!("{b:02x}")).collect();
            return self.evidence.line(&mut self.to, &format!("{shown} = {};", text.join(":")), range.start);
        }
        if let Some(suffix) = known(value).filter(|_| len >= 64) {
            let mut full: Vec<u8> = path.iter().skip(1).flat_map(|p| [p.as_slice(), b"/"].concat()).collect();
            full.extend_from_slice(name);
            full.extend_from_slice(format!(".{suffix}").as_bytes());
            let meta = self.to.child(&full);
            return self.to.hand_over_range(meta, range);
        }
        if len >= LEAST_RAW { self.to.raw(range) } else { Ok(()) }
    }

    fn fit(&mut self, tree: &Tree) -> Result<(), InspectError> {
        let len = self.to.len();
        let read = self.tree(tree, true);
        if is_stopped(&read) {
            return read;
        }
        let mut images = self.fit.take_images();
        let mut outside = Claims::default();
        outside.add(0..tree.range.end.min(len));
        let base = tree.range.end.next_multiple_of(4);
        for image in &mut images {
            image.locate(base);
            let Some(data) = image.data.clone() else { continue };
            outside.add(data.clone());
            self.image(image, data)?;
        }
        for free in outside.free(tree.range.end.min(len)..len) {
            rest(&mut self.to, free.clone(), if free.end == len { Place::After } else { Place::Between })?;
        }
        self.to.inventory(self.fit.inventory(&images));
        read
    }

    fn image(&mut self, image: &Image, data: Range<u64>) -> Result<(), InspectError> {
        let len = self.to.len();
        let cut = data.end > len;
        let data = data.start.min(len)..data.end.min(len);
        if cut {
            self.to.tell_at("truncated", len);
            self.to.tell("incomplete-child");
        }
        let mut meta = self.to.child(&image.name);
        for (name, value) in &image.attributes {
            meta.attributes.insert((*name).to_owned(), value.clone().into());
        }
        if image.cipher {
            meta.opaque = Some(Reason::Encrypted);
            self.to.tell_at("encrypted", data.start);
        } else if !cut {
            for (algorithm, value) in &image.hashes {
                if hash::check(self.to.blob, data.clone(), algorithm, value)? == Some(false) {
                    self.to.tell_at("checksum-mismatch", data.start);
                }
            }
        }
        self.to.hand_over_range(meta, data)
    }
}

fn push(list: &mut Vec<String>, more: &[String]) {
    for text in more {
        if list.len() < 64 && !list.contains(text) {
            list.push(text.clone());
        }
    }
}

#[cfg(test)]
mod tests;
