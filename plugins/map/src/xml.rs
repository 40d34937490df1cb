//! What the readers of XML maps share: whole elements instead of single attributes, and a sieve for the evidence, so that text detectors see words and not
//! millions of coordinates.

use std::borrow::Cow;

use yumen_kit_text::Sample;
use yumen_kit_xml::{Markup, Place, Root, Visitor, root};
use yumen_model::{Artifact, Batch, InspectError, Inspection, Message, Probe, RecordBatch, Stop};

/// Attributes of one element that are kept.
const MOST_ATTRIBUTES: usize = 256;

/// A name without its prefix.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Runs a test on the root element of what may be XML.
pub(crate) fn with_root<T>(probe: &Probe<'_>, test: impl FnOnce(&Root<'_>) -> Option<T>) -> Option<T> {
    let first =
        probe.head.iter().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF));
    if first != Some(&b'<') {
        return None;
    }
    let sample = Sample::of(probe)?;
    let head = sample.text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']);
    if let Some(root) = root(head) {
        return test(&root);
    }
    if sample.complete {
        return None;
    }
    // A long comment at the start.
    let longer = Sample::with(probe.blob, sample.detection, 1 << 20).ok()?;
    root(&longer.text).as_ref().and_then(test)
}

/// Names of the open elements, without prefix.
#[derive(Debug, Default)]
pub(crate) struct Path {
    names: String,
    starts: Vec<usize>,
}

impl Path {
    fn push(&mut self, local: &str) {
        self.starts.push(self.names.len());
        self.names.push_str(local);
    }

    fn pop(&mut self) {
        if let Some(start) = self.starts.pop() {
            self.names.truncate(start);
        }
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.starts.len()
    }

    /// The element `n` levels around the innermost one, which is 0; empty when there is none.
    pub(crate) fn up(&self, n: usize) -> &str {
        let Some(i) = self.starts.len().checked_sub(n + 1) else { return "" };
        let end = self.starts.get(i + 1).copied().unwrap_or(self.names.len());
        &self.names[self.starts[i]..end]
    }

    /// Whether an element of this name is open.
    pub(crate) fn has(&self, name: &str) -> bool {
        (0..self.depth()).any(|n| self.up(n) == name)
    }
}

/// An element with its attributes. Where it begins is `offset`.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) offset: u64,
    /// Kept from element to element, so that nothing is allocated for most.
    attributes: Vec<(String, String)>,
    used: usize,
}

impl Element {
    fn add(&mut self, name: &str, value: &str) {
        if self.used == self.attributes.len() {
            if self.used == MOST_ATTRIBUTES {
                return;
            }
            self.attributes.push((String::new(), String::new()));
        }
        if let Some((n, v)) = self.attributes.get_mut(self.used) {
            n.clear();
            n.push_str(name);
            v.clear();
            v.push_str(value);
            self.used += 1;
        }
    }

    /// The attributes in order.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes[..self.used].iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// An attribute by its name; none where it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// An attribute as a number.
    pub(crate) fn num(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(number)
    }

    /// An attribute as a number, else 0.
    pub(crate) fn zero(&self, name: &str) -> f64 {
        self.num(name).unwrap_or(0.0)
    }
}

/// A finite number.
pub(crate) fn number(text: &str) -> Option<f64> {
    if text.len() > 64 {
        return None;
    }
    text.trim().parse().ok().filter(|v: &f64| v.is_finite())
}

/// The positions of a list: `x,y[,z]` parted by blanks.
pub(crate) fn shape(text: &str) -> impl Iterator<Item = [f64; 3]> {
    text.split_ascii_whitespace().filter_map(|p| {
        let mut parts = p.split(',').map(number);
        let (x, y) = (parts.next()??, parts.next()??);
        Some([x, y, parts.next().flatten().unwrap_or(0.0)])
    })
}

/// Is shown whole elements. The innermost element of the path is the one that is shown.
#[allow(unused_variables)]
pub(crate) trait Elements {
    /// An element begins; all of its attributes are there.
    fn open(&mut self, path: &Path, element: &Element, out: &mut dyn Inspection) -> Result<(), InspectError>;

    /// Text of the innermost element.
    fn text(&mut self, path: &Path, value: &str, out: &mut dyn Inspection) -> Result<(), InspectError> {
        Ok(())
    }

    /// The innermost element ends.
    fn close(&mut self, path: &Path, out: &mut dyn Inspection) -> Result<(), InspectError> {
        Ok(())
    }
}

struct Whole<'e> {
    elements: &'e mut dyn Elements,
    path: Path,
    element: Element,
    /// The element's attributes are still coming.
    coming: bool,
}

impl Whole<'_> {
    fn settle(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if std::mem::take(&mut self.coming) {
            self.elements.open(&self.path, &self.element, out)?;
        }
        Ok(())
    }
}

impl Visitor for Whole<'_> {
    fn start(&mut self, name: &str, place: Place, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.settle(out)?;
        self.path.push(local(name));
        self.element.used = 0;
        self.element.offset = place.spot.byte.saturating_sub(1);
        self.coming = true;
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        if self.coming {
            self.element.add(name, value);
        }
        Ok(())
    }

    fn text(&mut self, value: &str, _: bool, _: Place, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.settle(out)?;
        self.elements.text(&self.path, value, out)
    }

    fn end(&mut self, _: &str, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.settle(out)?;
        self.elements.close(&self.path, out)?;
        self.path.pop();
        Ok(())
    }
}

/// What becomes of the records that the reader of XML makes.
pub(crate) trait Sieve {
    /// The records without what is told otherwise.
    fn sieve<'b>(&mut self, batch: RecordBatch<'b>) -> RecordBatch<'b>;
}

/// Leaves out cells that are numbers: geometry is told as positions and counts, once. Whole numbers stay unless their name says that they are coordinates,
/// or that they are the numbers by which elements of a network refer to each other (ids of OpenStreetMap have as many digits as telephone numbers).
pub(crate) struct Numbers;

impl Sieve for Numbers {
    fn sieve<'b>(&mut self, batch: RecordBatch<'b>) -> RecordBatch<'b> {
        let coordinate: Vec<bool> = batch.names.iter().map(|n| is_coordinate(n)).collect();
        let reference: Vec<bool> = batch.names.iter().map(|n| refers(n)).collect();
        let mut kept = Kept::default();
        for row in batch.rows() {
            for cell in row {
                let value = batch.value(cell);
                let whole = coordinate.get(cell.name as usize).copied().unwrap_or(false);
                let refers = reference.get(cell.name as usize).copied().unwrap_or(false);
                if !(is_measure(value, whole) || refers && is_reference(value)) {
                    kept.cell(value, cell.name, cell);
                }
            }
            kept.end_record();
        }
        kept.batch(batch.names)
    }
}

fn is_coordinate(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    matches!(
        last.to_ascii_lowercase().as_str(),
        "x" | "y" | "z" | "lat" | "lon" | "latitude" | "longitude" | "shape" | "hdg" | "s" | "t" | "pos" | "length"
    )
}

/// Whether a column holds the ids of what a road network is made of, or names made of them.
fn refers(name: &str) -> bool {
    let mut parts = name.rsplit('.');
    let (last, element) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let part = matches!(
        element,
        "edge"
            | "lane"
            | "junction"
            | "connection"
            | "tlLogic"
            | "roundabout"
            | "road"
            | "signal"
            | "control"
            | "controller"
            | "object"
            | "predecessor"
            | "successor"
            | "node"
            | "link"
            | "poly"
            | "poi"
    );
    part && matches!(
        last,
        "id" | "from"
            | "to"
            | "via"
            | "tl"
            | "name"
            | "nodes"
            | "edges"
            | "incLanes"
            | "intLanes"
            | "signalId"
            | "elementId"
            | "incomingRoad"
            | "connectingRoad"
    )
}

/// Numbers and what parts them in ids: `:13000000011_2_0 -200#3`. A plus sign or a blank within a number is none of it.
fn is_reference(value: &str) -> bool {
    value.split(' ').all(|id| {
        let digits = id.trim_start_matches([':', '-', '#']);
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'_' | b'#' | b'w' | b'c' | b'.'))
    })
}

/// Whether a value is a number with a fraction, or several numbers; with `whole` also whole numbers. Long digit runs are no measures.
fn is_measure(value: &str, whole: bool) -> bool {
    let mut fraction = whole;
    let mut tokens = 0;
    for token in value.split([' ', ',', '\t', '\n', '\r']).filter(|t| !t.is_empty()) {
        tokens += 1;
        let digits = token.bytes().take_while(|&b| b.is_ascii_digit() || matches!(b, b'-' | b'+')).count();
        let plain = token.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
        if !plain || digits > 10 || token.parse::<f64>().is_err() {
            return false;
        }
        fraction |= token.bytes().any(|b| matches!(b, b'.' | b'e' | b'E'));
    }
    fraction && tokens > 0
}

/// A batch of records under construction, made from another.
#[derive(Default)]
pub(crate) struct Kept {
    text: String,
    cells: Vec<yumen_model::Cell>,
    records: Vec<u32>,
    record: usize,
}

impl Kept {
    /// Adds a value that stands where `like` does.
    pub(crate) fn cell(&mut self, value: &str, name: u32, like: &yumen_model::Cell) {
        let start = self.text.len();
        self.text.push_str(value);
        self.cells.push(yumen_model::Cell {
            name,
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(self.text.len()).unwrap_or(u32::MAX),
            ..*like
        });
        self.text.push(RecordBatch::CELL_END);
    }

    /// Ends the record; one without values leaves no trace.
    pub(crate) fn end_record(&mut self) {
        if self.cells.len() > self.record {
            self.records.push(u32::try_from(self.record).unwrap_or(u32::MAX));
            self.record = self.cells.len();
        }
    }

    /// All of it.
    pub(crate) fn batch<'b>(mut self, names: Vec<String>) -> RecordBatch<'b> {
        self.end_record();
        RecordBatch {
            names,
            text: Cow::Owned(self.text),
            cells: self.cells,
            records: self.records,
            origins: Vec::new(),
        }
    }
}

struct Sifted<'o> {
    sieve: &'o mut dyn Sieve,
    out: &'o mut dyn Inspection,
}

impl Inspection for Sifted<'_> {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        match message {
            Message::Batch { stream, batch: Batch::Records(records) } => {
                let records = self.sieve.sieve(records);
                if records.cells.is_empty() {
                    return Ok(());
                }
                self.out.send(Message::Batch { stream, batch: Batch::Records(records) })
            }
            other => self.out.send(other),
        }
    }
}

/// Reads an artifact to the end: every byte is labelled, records go through the sieve, elements are shown.
pub(crate) fn read(
    artifact: &Artifact,
    elements: &mut dyn Elements,
    sieve: &mut dyn Sieve,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    let mut whole = Whole { elements, path: Path::default(), element: Element::default(), coming: false };
    yumen_kit_xml::inspect(artifact, Markup::Xml, &mut whole, &mut Sifted { sieve, out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_text() {
        for yes in ["1.5", "-2.8349990809409476e+1", "1.0,2.0 3.5,4.25", "5 .5", "116.397,39.908"] {
            assert!(is_measure(yes, false), "{yes}");
        }
        for no in [
            "",
            "13800138000",
            "13800138000.5",
            "10.0.0.1",
            "1.2.3",
            "v1.5",
            "5",
            "021-12345678",
            "2026-01-02",
            "-",
            "e",
        ] {
            assert!(!is_measure(no, false), "{no}");
        }
        for yes in ["13000000011", ":13000000011_2_0 -200#3", ":13000000011_w0"] {
            assert!(is_reference(yes), "{yes}");
        }
        for no in ["", "长安街", "张三13800138000", "phone 13800138000", "138-0013-8000", "G2"] {
            assert!(!is_reference(no), "{no}");
        }
        assert!(refers("net.edge.id") && !refers("routes.vehicle.id") && !refers("x.person.name"));
        assert!(is_measure("5", true) && !is_measure("11010519491231002X", true));
        assert_eq!(shape("1,2 3.5,4,5 x,1 7").collect::<Vec<_>>(), [[1.0, 2.0, 0.0], [3.5, 4.0, 5.0]]);
    }
}
