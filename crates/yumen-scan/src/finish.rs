//! From what the tasks put on record to the outcome: limits are charged in the order of the tree, names made unique, everything sorted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;
use yumen_model::coverage::Labelled;
use yumen_model::finding::Aggregate;
use yumen_model::{
    ArtifactEntry, Finding, KindSet, Location, Note, OpaqueEntry, Part, Reason, ScanOutcome, SubjectEdges,
};

use crate::options::Limits;
use crate::run::{Position, Record, Results, Root};

/// Sums up a scan.
pub(crate) fn outcome(mut results: Results, limits: &Limits) -> ScanOutcome {
    results.records.sort_by(|a, b| a.position.cmp(&b.position));
    let dropped = over_limit(&mut results.records, limits);
    results.folded.retain(|parent, _| !dropped.iter().any(|d| parent.starts_with(d)));
    // Members are read after their container was put on record.
    for record in results.records.iter_mut().filter(|r| r.position.len() == 1 && r.root.changed.load(Ordering::Relaxed))
    {
        let note = Note::new("changed");
        if !record.notes.contains(&note) {
            record.notes.push(note);
        }
        record.listed_opaque.get_or_insert(Reason::Unreadable);
    }

    let mut out = ScanOutcome::default();
    let mut edges = SubjectEdges::default();
    let mut uncounted = KindSet::default();
    for folded in results.folded.values() {
        out.artifact_count += folded.count;
        out.coverage.merge(&folded.coverage);
    }
    let mut paths = Paths::default();
    for record in results.records {
        out.artifact_count += 1;
        out.coverage.add(&record.labelled);
        uncounted = uncounted.union(record.uncounted);
        let path = paths.of(&record);
        put(&mut out, record, path, &mut edges);
    }
    unique_ids(&mut out.findings);
    out.subjects = edges.resolve();
    out.subjects.uncounted = uncounted.iter().collect();
    out.artifacts.sort_by(|a, b| a.path.cmp(&b.path));
    out.opaque.sort_by(|a, b| (&a.artifact, a.reason).cmp(&(&b.artifact, b.reason)));
    out.findings.sort_by(|a, b| {
        (&a.artifact, a.kind.name(), &a.location, &a.id).cmp(&(&b.artifact, b.kind.name(), &b.location, &b.id))
    });
    out
}

/// Charges decoded bytes and entries to each top-level input in the order of the tree. From the first container that is over, no further one is
/// opened: its bytes are opaque and what came out of it is left out. Returns the positions of these containers.
fn over_limit(records: &mut Vec<Record>, limits: &Limits) -> Vec<Position> {
    let mut dropped: Vec<Position> = Vec::new();
    let mut root: Option<Arc<Root>> = None;
    let (mut bytes, mut entries, mut over) = (0u64, 0u64, false);
    records.retain_mut(|record| {
        if !root.as_ref().is_some_and(|r| Arc::ptr_eq(r, &record.root)) {
            root = Some(Arc::clone(&record.root));
            (bytes, entries, over) = (0, 0, false);
        }
        if dropped.last().is_some_and(|d| record.position.starts_with(d)) {
            return false;
        }
        let Some(charge) = &record.charge else { return true };
        bytes = bytes.saturating_add(charge.bytes.load(Ordering::Relaxed));
        entries = entries.saturating_add(charge.entries.load(Ordering::Relaxed));
        over |= bytes > record.root.bytes_limit || entries > limits.entries;
        if over {
            dropped.push(record.position.clone());
            record.labelled = Labelled { opaque: [(Reason::Limit, record.bytes)].into(), ..Labelled::default() };
            record.notes = vec![Note::new("limit").with("what", "bytes or entries of a top-level input")];
            record.aggregates.clear();
            record.edges = SubjectEdges::default();
            record.uncounted = KindSet::default();
        }
        true
    });
    dropped
}

/// Paths of records that come in the order of the tree.
#[derive(Default)]
struct Paths {
    /// The open ancestors: position and path.
    open: Vec<(Position, String)>,
    /// How often a masked name stood in a container.
    masked: HashMap<(usize, String), u32>,
}

impl Paths {
    fn of(&mut self, record: &Record) -> String {
        while self.open.last().is_some_and(|(p, _)| !record.position.starts_with(p)) {
            let depth = self.open.len();
            self.masked.retain(|(d, _), _| *d < depth);
            self.open.pop();
        }
        let mut segment = record.segment.clone();
        if record.masked {
            let n = self.masked.entry((self.open.len(), segment.clone())).or_insert(0);
            *n += 1;
            if *n > 1 {
                segment = format!("{segment}#{n}");
            }
        }
        let path = match self.open.last() {
            Some((_, parent)) => format!("{parent}!/{segment}"),
            None => segment,
        };
        self.open.push((record.position.clone(), path.clone()));
        path
    }
}

fn put(out: &mut ScanOutcome, mut record: Record, path: String, edges: &mut SubjectEdges) {
    edges.merge(std::mem::take(&mut record.edges));
    for (reason, bytes) in &record.labelled.opaque {
        out.opaque.push(OpaqueEntry {
            artifact: path.clone(),
            bytes: *bytes,
            reason: *reason,
            digest: record.digest.clone(),
        });
    }
    if let Some(reason) = record.listed_opaque
        && record.labelled.opaque.is_empty()
    {
        out.opaque.push(OpaqueEntry { artifact: path.clone(), bytes: 0, reason, digest: record.digest.clone() });
    }
    let below = below_input(&path, &record.root.relative);
    for aggregate in record.aggregates {
        out.findings.push(finding(aggregate, &path, below, record.digest.as_deref()));
    }
    // Containers without anything to tell are on record for their paths only.
    let told = out.findings.last().is_some_and(|f| f.artifact == path)
        || out.opaque.last().is_some_and(|o| o.artifact == path)
        || !record.notes.is_empty()
        || record.digest.is_some();
    if told {
        out.artifacts.push(ArtifactEntry {
            path,
            format: record.format,
            bytes: record.bytes,
            digest: record.digest,
            notes: record.notes,
        });
    }
}

/// The same file below two inputs gives the same id; the later one gets one of its own.
fn unique_ids(findings: &mut [Finding]) {
    let mut seen: HashMap<String, u32> = HashMap::with_capacity(findings.len());
    for finding in findings {
        let n = seen.entry(finding.id.clone()).or_insert(0);
        *n += 1;
        if *n > 1 {
            finding.id = blake3::hash(format!("{} {n}", finding.id).as_bytes()).to_hex()[..20].to_owned();
        }
    }
}

/// The part of a path that does not depend on how the input was named on the command line, so that an id stays the same from another folder.
fn below_input<'p>(path: &'p str, relative: &str) -> &'p str {
    let (top, _) = path.split_once("!/").unwrap_or((path, ""));
    let depth = relative.split('/').count();
    let from = top.rmatch_indices('/').nth(depth - 1).map_or(0, |(at, _)| at + 1);
    &path[from..]
}

fn finding(aggregate: Aggregate, path: &str, below: &str, digest: Option<&str>) -> Finding {
    let Aggregate { kind, distinct, count, confidence, places, lists, properties } = aggregate;
    let mut all: BTreeMap<String, Value> = properties.into_iter().map(|(k, v)| (k.into_owned(), v)).collect();
    for (name, words) in lists {
        all.insert(name.into_owned(), words.into_iter().map(|w| Value::String(w.into_owned())).collect());
    }
    for (name, value) in &distinct {
        all.insert((*name).to_owned(), value.into());
    }
    let mut places = places.into_iter().map(|(mut location, sample)| {
        if location.part == Some(Part::Name) {
            location.bytes = None;
        }
        (location, sample)
    });
    let (location, sample) =
        places.next().map_or_else(|| (Location::default(), String::new()), |(l, s)| (l, s.as_str().to_owned()));
    let mut hasher = blake3::Hasher::new();
    let at = serde_json::to_string(&location).unwrap_or_default();
    let which: BTreeMap<_, Value> = distinct.iter().map(|(n, v)| (*n, v.into())).collect();
    let which = serde_json::to_string(&which).unwrap_or_default();
    for part in [kind.name(), below, &at, &which, digest.unwrap_or("")] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    Finding {
        id: hasher.finalize().to_hex()[..20].to_owned(),
        kind,
        artifact: path.to_owned(),
        count,
        confidence: (confidence * 1000.0).round() / 1000.0,
        location,
        places: places.map(|(l, _)| l).collect(),
        sample,
        properties: all,
        remedies: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_do_not_depend_on_how_the_input_was_named() {
        assert_eq!(below_input("/tmp/x/in/a/b.zip!/c/d", "a/b.zip"), "a/b.zip!/c/d");
        assert_eq!(below_input("in/a/b.zip!/c/d", "a/b.zip"), "a/b.zip!/c/d");
        assert_eq!(below_input("b.zip", "b.zip"), "b.zip");
    }
}
