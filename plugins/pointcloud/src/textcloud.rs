//! Text clouds with a header: Leica PTX and PTS. Headerless columns of numbers stay tables.
//!
//! Source: Leica Geosystems, Cyclone PTX and PTS formats.

use yumen_kit_container::{Container, FormatReader};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Probe};

use crate::cloud::{Cloud, neighbours_crs, round, send_spatial};
use crate::lines::{Lines, decimals, numbers, words};

/// Reads PTX and PTS.
pub(crate) struct TextCloud;

const FORMATS: &[Format] = &[
    Format {
        name: "ptx",
        title: "Leica PTX scans",
        media_type: "text/plain",
        extensions: &["ptx"],
        magic: "two whole numbers, a position, three axes, a matrix of four rows, then rows of 4 or 7 numbers",
        reference: "Leica Geosystems, PTX format",
        evidence: "the cloud, each scan brought to the common frame by its matrix",
        limitations: &[],
    },
    Format {
        name: "pts",
        title: "Leica PTS points",
        media_type: "text/plain",
        extensions: &["pts"],
        magic: "a name in .pts; a line with the number of points, then rows of 3, 4, 6 or 7 numbers",
        reference: "Leica Geosystems, PTS format",
        evidence: "the cloud",
        limitations: &[],
    },
];

fn row(line: &[u8]) -> Option<Vec<f64>> {
    words(line).take(9).map(|w| std::str::from_utf8(w).ok()?.parse().ok()).collect()
}

fn whole(line: &[u8]) -> Option<u64> {
    let mut words = words(line);
    let word = words.next()?;
    words.next().is_none().then_some(())?;
    word.iter().all(u8::is_ascii_digit).then_some(())?;
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The ten lines before the points of a scan: number of points, and the matrix by columns of its rows.
fn scan(lines: &[Vec<u8>]) -> Option<(u64, [[f64; 4]; 4])> {
    let (columns, rows) = (whole(lines.first()?)?, whole(lines.get(1)?)?);
    let of = |i: usize, n: usize| row(lines.get(i)?).filter(|r| r.len() == n && r.iter().all(|v| v.is_finite()));
    for i in 2..6 {
        of(i, 3)?;
    }
    let mut matrix = [[0.0; 4]; 4];
    for (i, out) in matrix.iter_mut().enumerate() {
        out.copy_from_slice(&of(6 + i, 4)?);
    }
    // Rotation in the upper rows, translation in the last.
    let fits =
        matrix[..3].iter().all(|r| r[3] == 0.0 && r[..3].iter().all(|v| v.abs() <= 1.001)) && matrix[3][3] == 1.0;
    fits.then_some((columns.checked_mul(rows)?, matrix))
}

impl FormatReader for TextCloud {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if !probe.head.first()?.is_ascii_digit() && !probe.head.first()?.is_ascii_whitespace() {
            return None;
        }
        let complete = probe.head.len() as u64 == probe.blob.len();
        let mut lines: Vec<Vec<u8>> = probe.head.split(|&b| b == b'\n').take(24).map(<[u8]>::to_vec).collect();
        if !complete && lines.len() < 24 {
            lines.pop();
        }
        if scan(&lines).is_some() {
            let first = lines.get(10).filter(|l| !l.is_empty()).and_then(|l| row(l));
            if first.is_none_or(|r| matches!(r.len(), 4 | 7)) && lines.len() > 10 {
                return Some(Identity::new("ptx", Certainty::Signature));
            }
        }
        if probe.extension() == "pts" && whole(lines.first()?).is_some_and(|n| n > 0) {
            let rows: Vec<_> = lines[1..].iter().filter(|l| !l.is_empty()).map(|l| row(l)).collect();
            let len = rows.first()?.as_ref()?.len();
            let alike = rows.iter().all(|r| r.as_ref().is_some_and(|r| r.len() == len));
            if alike && matches!(len, 3 | 4 | 6 | 7) && rows.len() >= 3 {
                return Some(Identity::new("pts", Certainty::Structure));
            }
        }
        None
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to, artifact, context);
        to.finish(result)
    }
}

const IDENTITY: [[f64; 4]; 4] =
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];

fn run(to: &mut Container<'_>, artifact: &Artifact, context: &Context) -> Result<(), InspectError> {
    let ptx = artifact.format == "ptx";
    let crs = neighbours_crs(to, context)?;
    let mut cloud = Cloud::new(crs);
    let blob = to.blob;
    let mut lines = Lines::new(blob, 0);
    let (mut scans, mut left, mut empty, mut digits) = (0u64, 0u64, 0u64, 0);
    let (mut intensity, mut colour) = (false, false);
    let mut matrix = IDENTITY;
    let mut from = 0;
    let mut fault = None;
    let mut head: Vec<Vec<u8>> = Vec::new();
    while let Some((range, line)) = lines.next()? {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut bad = false;
        if left > 0 {
            left -= 1;
            match numbers(line, [0, 1, 2]) {
                Some([0.0, 0.0, 0.0]) if ptx => empty += 1,
                Some(p) => {
                    if cloud.points < 4096 {
                        digits = digits.max(words(line).take(3).map(decimals).max().unwrap_or(0));
                        let n = words(line).count();
                        intensity |= matches!(n, 4 | 7);
                        colour |= n >= 6;
                    }
                    let m = |i: usize| p[0] * matrix[0][i] + p[1] * matrix[1][i] + p[2] * matrix[2][i] + matrix[3][i];
                    cloud.add([m(0), m(1), m(2)]);
                }
                None => bad = true,
            }
        } else if ptx {
            head.push(line.get(..line.len().min(512)).unwrap_or(&[]).to_vec());
            if head.len() == 10 {
                match scan(&head) {
                    Some((n, m)) => {
                        (left, matrix) = (n, m);
                        scans += 1;
                    }
                    None => fault = Some(range.start),
                }
                head.clear();
            }
        } else if let Some(n) = whole(line) {
            left = n;
            scans += 1;
        } else {
            bad = true;
        }
        if bad {
            to.label(from..range.start, Label::Inspected)?;
            to.comment(range.clone())?;
            to.tell_at("bad-entry", range.start);
            from = range.end;
        }
        if fault.is_some() {
            break;
        }
        if range.end - from > 1 << 20 {
            to.label(from..range.end, Label::Inspected)?;
            from = range.end;
        }
    }
    let end = fault.unwrap_or(lines.at);
    to.label(from..end, Label::Inspected)?;
    let mut item = cloud.spatial().with("scans", scans).with("intensity", intensity).with("rgb", colour);
    if digits > 0 && digits < 16 {
        item = item.with("precision_m", round(10f64.powi(-i32::try_from(digits).unwrap_or(0)) * 1e6) / 1e6);
    }
    if empty > 0 {
        item = item.with("empty_returns", empty);
    }
    send_spatial(to, artifact, vec![item])?;
    match fault {
        Some(at) => Err(InspectError::corrupt(at, "the head of a scan is broken")),
        None if left > 0 || !head.is_empty() => Err(InspectError::corrupt(end, "fewer points than the header tells")),
        None => Ok(()),
    }
}
