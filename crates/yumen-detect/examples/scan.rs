//! Scans files as plain text, binary files as raw bytes, and prints what was found: `scan PATH...`, or `scan --labelled FILE...` for
//! precision and recall. For trying recognisers by hand; plugins and archives are not involved.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use yumen_detect::accuracy::evaluate;
use yumen_detect::scanner::TextDetector;
use yumen_model::{Batch, ByteMap, Detector, EvidenceHeader, EvidenceKind, Findings, RawBatch, SubjectKey, TextBatch};

fn main() -> std::io::Result<()> {
    let detector = TextDetector::new(yumen_detect::recognisers());
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if args.first().is_some_and(|a| a.as_os_str() == "--labelled") {
        for path in &args[1..] {
            labelled(&detector, path, &mut out)?;
        }
        return Ok(());
    }
    let started = std::time::Instant::now();
    let (mut bytes, mut counts) = (0u64, BTreeMap::new());
    while let Some(path) = args.pop() {
        let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            let mut below: Vec<_> = std::fs::read_dir(&path)?.filter_map(Result::ok).map(|e| e.path()).collect();
            below.sort_by(|a, b| b.cmp(a));
            args.append(&mut below);
        } else if meta.is_file() {
            let Ok(content) = std::fs::read(&path) else { continue };
            bytes += content.len() as u64;
            file(&detector, &path, &content, &mut counts, &mut out)?;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    writeln!(out, "{bytes} bytes, {:.0} MB/s with reading", bytes as f64 / 1e6 / seconds)?;
    for (kind, n) in counts {
        writeln!(out, "{n:8} {kind}")?;
    }
    Ok(())
}

fn file(
    detector: &TextDetector,
    path: &Path,
    content: &[u8],
    counts: &mut BTreeMap<&'static str, u64>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let text = std::str::from_utf8(content).ok().filter(|t| !t.contains('\0'));
    let header = EvidenceHeader {
        stream: 0,
        kind: if text.is_some() { EvidenceKind::Text } else { EvidenceKind::Raw },
        format: "text".into(),
        name: path.to_string_lossy().into_owned(),
        properties: BTreeMap::new(),
    };
    let mut findings = Findings::new(SubjectKey::new([1; 32]), 20, false);
    let Some(mut session) = detector.start(&header) else { return Ok(()) };
    let batch = match text {
        Some(text) => Batch::Text(TextBatch { text: text.into(), map: ByteMap::identity(0) }),
        None => Batch::Raw(RawBatch { offset: 0, bytes: content.into() }),
    };
    session.feed(&batch, &mut findings);
    session.finish(&mut findings);
    for a in findings.into_parts().aggregates {
        *counts.entry(a.kind.name()).or_default() += a.count;
        for (place, sample) in a.places {
            let line = place.line.unwrap_or(0);
            writeln!(
                out,
                "{} {:.2} {}:{line} {:?} {} {:?}",
                a.kind,
                a.confidence,
                path.display(),
                place.bytes,
                sample.as_str(),
                a.distinct
            )?;
        }
    }
    Ok(())
}

fn labelled(detector: &TextDetector, path: &Path, out: &mut dyn Write) -> std::io::Result<()> {
    let accuracy = evaluate(detector, &std::fs::read_to_string(path)?);
    for (kind, score) in &accuracy.kinds {
        writeln!(
            out,
            "{:24} precision {:.4} recall {:.4}  tp {} fp {} fn {}",
            kind.name(),
            score.precision(),
            score.recall(),
            score.true_positives,
            score.false_positives,
            score.false_negatives
        )?;
    }
    for miss in &accuracy.misses {
        writeln!(
            out,
            "line {} {} {:?} {}",
            miss.line,
            miss.kind,
            miss.bytes,
            if miss.extra { "extra" } else { "missed" }
        )?;
    }
    Ok(())
}
