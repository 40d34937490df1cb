//! MATLAB MAT-files of version 4: matrices and texts, one after another, without a header of the file.
//!
//! Source: MathWorks, MAT-File Format, level 4.

use std::ops::Range;

use yumen_kit_container::{Container, FormatReader, Place};
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::{Artifact, Blob, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Probe};

use crate::arrays::{Candidate, Kind, Listed, Through, inventory, number, positions, send_spatial};
use crate::mat::Matrix;

/// Reads MAT-files of version 4.
pub(crate) struct Mat4;

const FORMATS: &[Format] = &[Format {
    name: "mat4",
    title: "MATLAB MAT-file of version 4",
    media_type: "application/x-matlab-data",
    extensions: &["mat"],
    magic: "a chain of matrix headers with names that are identifiers, to the end of the file",
    reference: "MathWorks, MAT-File Format, level 4",
    evidence: "a table of variables; texts as records; positions where names and numbers say so",
    limitations: &["numbers of VAX and Cray machines are not read"],
}];

const MOST_MATRICES: usize = 100_000;
const MOST_KEPT: u64 = 32 << 20;

struct Head {
    big: bool,
    kind: Kind,
    size: usize,
    text: bool,
    rows: u64,
    columns: u64,
    name: String,
    /// Real numbers, then imaginary ones.
    data: Range<u64>,
    end: u64,
}

fn head(blob: &Blob, at: u64) -> Option<Head> {
    let bytes = blob.bytes(at..at.checked_add(84)?).ok()?;
    let raw = |i: usize| -> Option<[u8; 4]> { bytes.get(i * 4..i * 4 + 4)?.try_into().ok() };
    let big = u32::from_le_bytes(raw(0)?) > 0xFFFF;
    let field = |i: usize| raw(i).map(|b| if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) });
    let form = field(0)?;
    (form < 2000 && (form / 1000 == 1) == big && form / 100 % 10 == 0).then_some(())?;
    let (kind, size) = match form / 10 % 10 {
        0 => (Kind::Float, 8),
        1 => (Kind::Float, 4),
        2 => (Kind::Signed, 4),
        3 => (Kind::Signed, 2),
        4 => (Kind::Unsigned, 2),
        5 => (Kind::Unsigned, 1),
        _ => return None,
    };
    let (rows, columns, imaginary, len) = (field(1)?, field(2)?, field(3)?, field(4)?);
    (form % 10 <= 2 && imaginary <= 1 && (2..=64).contains(&len)).then_some(())?;
    let name = bytes.get(20..20 + len as usize)?;
    let (zero, name) = name.split_last()?;
    let named = name.first()?.is_ascii_alphabetic() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    (*zero == 0 && named).then_some(())?;
    let real = u64::from(rows).checked_mul(u64::from(columns))?.checked_mul(size as u64)?;
    let start = at + 20 + u64::from(len);
    Some(Head {
        big,
        kind,
        size,
        text: form % 10 == 1,
        rows: u64::from(rows),
        columns: u64::from(columns),
        name: String::from_utf8_lossy(name).into_owned(),
        data: start..start.checked_add(real)?,
        end: start.checked_add(real.checked_mul(1 + u64::from(imaginary))?)?,
    })
}

impl FormatReader for Mat4 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let mut at = 0;
        for _ in 0..64 {
            let head = head(probe.blob, at)?;
            (head.end <= probe.blob.len()).then_some(())?;
            at = head.end;
            if at == probe.blob.len() {
                break;
            }
        }
        Some(Identity::new("mat4", Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let mut records = RecordWriter::new(artifact);
        let result = run(&mut to, artifact, &mut records);
        if !to.stopped() {
            records.finish(&mut Through(&mut to))?;
        }
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>, artifact: &Artifact, records: &mut RecordWriter) -> Result<(), InspectError> {
    let mut at = 0;
    let mut listed = Vec::new();
    let mut group: Vec<Candidate<'_>> = Vec::new();
    let mut kept = 0;
    let mut fault = None;
    while at < to.len() && listed.len() < MOST_MATRICES {
        let Some(head) = head(to.blob, at) else { break };
        if head.end > to.len() {
            fault = Some(InspectError::corrupt(at, "the data ends before its structure does"));
            break;
        }
        to.container(at..head.data.start)?;
        let shape = vec![head.rows, head.columns];
        let dtype = if head.text { "char" } else { "double" };
        let bytes = head.data.end - head.data.start;
        listed.push(Listed { name: head.name.clone(), dtype: dtype.into(), shape, bytes });
        if kept + head.rows * head.columns <= MOST_KEPT
            && head.rows * head.columns > 0
            && (head.text || head.columns <= 64 || head.rows == 1)
        {
            kept += head.rows * head.columns;
            let mut values = Vec::new();
            let mut from = head.data.start;
            while from < head.data.end {
                let next = head.data.end.min(from + (8 << 20));
                let bytes = to.blob.bytes(from..next).map_err(|e| InspectError::read(from, &e))?;
                values.extend(bytes.chunks_exact(head.size).map(|b| number(b, head.kind, head.big)));
                from = next;
            }
            if head.text {
                let rows = usize::try_from(head.rows).unwrap_or(1).max(1);
                let name = records.name(&head.name);
                for row in 0..rows {
                    let codes = values.iter().skip(row).step_by(rows).map(|&v| v as u16);
                    let text: String = char::decode_utf16(codes).map(|c| c.unwrap_or('\u{FFFD}')).collect();
                    let spot = Spot { byte: head.data.start, line: 1, column: 1 };
                    records.cell(text.trim_end(), name, 0, spot, head.data.end, false);
                    records.end_record(&mut Through(to))?;
                }
            } else {
                let (mut rows, mut width) = (head.rows, head.columns);
                if rows == 1 && width > 4 {
                    (rows, width) = (width, 1);
                }
                let width = usize::try_from(width).unwrap_or(1);
                let matrix = Matrix { values, rows, width, at: head.data.start };
                group.push(Candidate { name: head.name, rows: Box::new(matrix) });
            }
        }
        to.label(head.data.start..head.end, Label::Inspected)?;
        at = head.end;
    }
    inventory(to, &listed);
    let mut sources = 0;
    let items = positions(to, artifact, &mut group, &mut sources)?;
    send_spatial(to, artifact, items)?;
    match fault {
        Some(fault) => Err(fault),
        None => to.residue(at..to.len(), Place::After),
    }
}
