//! How positions go out: fixes, and records without the coordinates that were told as such.

use std::borrow::Cow;
use std::collections::BTreeMap;

use yumen_kit_container::Container;
use yumen_model::{
    Artifact, Batch, Cell, EvidenceHeader, EvidenceKind, Fix, InspectError, Inspection, Message, RecordBatch, Stop,
};

use crate::survey::Fixes;

/// A container as what it sends into.
pub(crate) struct Via<'c, 'a>(pub(crate) &'c mut Container<'a>);

impl Inspection for Via<'_, '_> {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        self.0.send(message)
    }
}

/// Positions of one artifact on their way.
pub(crate) struct Emit<'a> {
    artifact: &'a Artifact,
    fixes: Fixes,
    pub(crate) sent: u64,
}

impl<'a> Emit<'a> {
    pub(crate) fn new(artifact: &'a Artifact, crs: Option<&str>) -> Self {
        Emit { artifact, fixes: Fixes::new(0, "receiver", crs), sent: 0 }
    }

    /// The positions of the `n`th source of an artifact of several.
    pub(crate) fn source(artifact: &'a Artifact, n: u32, crs: Option<&str>) -> Self {
        Emit { artifact, fixes: Fixes::new(n, "receiver", crs), sent: 0 }
    }

    /// Tells something of all positions; only before the first goes out.
    pub(crate) fn property(&mut self, name: &str, value: &str) {
        self.fixes.tell(name, value);
    }

    /// Sends a position.
    pub(crate) fn fix(&mut self, fix: Fix, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if !super::shapes::usable(fix.x, fix.y) {
            return Ok(());
        }
        self.sent += 1;
        self.fixes.add(self.artifact, fix, out)
    }

    /// Ends the positions.
    pub(crate) fn finish(self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.fixes.finish(self.artifact, out)
    }
}

/// Number of the stream of values put together here.
const JOINED_STREAM: u32 = 112;

/// Values that stand in the artifact in parts (an address of two attributes), each with where it stands: sent as one stream of records, once an artifact.
pub(crate) fn joined(
    artifact: &Artifact,
    name: &str,
    values: &[(String, u64, u64)],
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    if values.is_empty() {
        return Ok(());
    }
    let mut batch = RecordBatch { names: vec![name.to_owned()], ..RecordBatch::default() };
    let mut text = String::new();
    let at = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    for (value, byte_start, byte_end) in values {
        batch.records.push(at(batch.cells.len()));
        let start = at(text.len());
        text.push_str(value);
        let (end, byte_start, byte_end) = (at(text.len()), *byte_start, *byte_end);
        let place =
            Cell { name: 0, column_index: 0, start, end, byte_start, byte_end, line: 1, column: 1, verbatim: false };
        batch.cells.push(place);
        text.push(RecordBatch::CELL_END);
    }
    batch.text = Cow::Owned(text);
    let header = EvidenceHeader {
        stream: JOINED_STREAM,
        kind: EvidenceKind::Records,
        format: artifact.format.into(),
        name: artifact.name.clone(),
        properties: BTreeMap::new(),
    };
    out.send(Message::Evidence(header))?;
    out.send(Message::Batch { stream: JOINED_STREAM, batch: Batch::Records(batch) })?;
    Ok(out.send(Message::EvidenceEnd { stream: JOINED_STREAM })?)
}

/// Passes messages on, less the cells that hold coordinates: those are told as positions, and must not be found a second time.
pub(crate) struct Without<'a> {
    pub(crate) out: &'a mut dyn Inspection,
    /// Whether cells of a name hold coordinates.
    pub(crate) coordinates: fn(&str) -> bool,
    /// Takes parts of a text of numbers too long for one cell, in order.
    pub(crate) long: Option<&'a dyn Fn(&str)>,
}

impl Inspection for Without<'_> {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        if let Message::Batch { stream, batch: Batch::Records(batch) } = message {
            return self.out.send(Message::Batch { stream, batch: Batch::Records(self.reduced(batch)) });
        }
        self.out.send(message)
    }
}

impl Without<'_> {
    fn reduced<'b>(&self, batch: RecordBatch<'b>) -> RecordBatch<'b> {
        let told: Vec<bool> = batch.names.iter().map(|n| (self.coordinates)(n)).collect();
        let drops = |cell: &Cell| match told.get(cell.name as usize) {
            Some(told) => *told && is_coordinates(batch.value(cell)),
            None => {
                let value = batch.value(cell);
                match self.long {
                    Some(long) if value.len() > 1000 && is_coordinates(value) => {
                        long(value);
                        true
                    }
                    _ => false,
                }
            }
        };
        let dropped: Vec<bool> = batch.cells.iter().map(drops).collect();
        if !dropped.contains(&true) {
            return batch;
        }
        let mut out = RecordBatch { names: batch.names.clone(), ..RecordBatch::default() };
        let mut text = String::new();
        let mut first = true;
        let mut records = batch.records.iter().map(|&n| n as usize).peekable();
        for (i, cell) in batch.cells.iter().enumerate() {
            if records.next_if(|&r| r <= i).is_some() {
                first = true;
            }
            if dropped[i] {
                continue;
            }
            if std::mem::take(&mut first) {
                out.records.push(u32::try_from(out.cells.len()).unwrap_or(u32::MAX));
            }
            let start = u32::try_from(text.len()).unwrap_or(u32::MAX);
            text.push_str(batch.value(cell));
            let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
            text.push(RecordBatch::CELL_END);
            out.cells.push(Cell { start, end, ..*cell });
        }
        out.text = Cow::Owned(text);
        out
    }
}

/// Numbers with signs and separators between them, none of a size that coordinates don't have: a phone number is none.
fn is_coordinates(value: &str) -> bool {
    let mut digits = 0;
    for b in value.bytes() {
        match b {
            b'0'..=b'9' => {
                digits += 1;
                if digits > 9 {
                    return false;
                }
            }
            // Behind the point there may be many.
            b'.' => digits = -64,
            b'-' | b'+' | b',' | b';' | b' ' | b'\t' | b'\r' | b'\n' => digits = 0,
            b'e' | b'E' => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_no_coordinates() {
        for yes in ["116.397128901234567", "-1e-5", "116.3,39.9,12 116.4,39.8", "4421234.55", "40"] {
            assert!(is_coordinates(yes), "{yes}");
        }
        for no in ["13800138000", "LSVAA4182E2184847", "116.3;张三", "110101199003070015"] {
            assert!(!is_coordinates(no), "{no}");
        }
    }
}
