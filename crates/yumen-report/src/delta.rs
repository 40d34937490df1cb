//! The difference of a package against one that was cleared before, by artifact digest: what a nightly release adds, drops and changes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use yumen_model::finding::Finding;
use yumen_model::kind::KindId;
use yumen_model::outcome::{ArtifactEntry, ScanOutcome};

use crate::report::Input;

/// The difference. Paths are those of the reports without the input's own name: `payload.bin!/system.img`; of an input that is a file itself the
/// path begins with `!/`, and the input as a whole is the empty path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delta {
    /// What it is compared with.
    pub baseline: Input,
    /// Artifacts whose content is nowhere in the baseline and whose path is new.
    pub added: Vec<DeltaEntry>,
    /// Artifacts of the baseline whose path is gone and whose content is nowhere in the new package.
    pub dropped: Vec<DeltaEntry>,
    /// Artifacts with other content under the same path. A container is told only when nothing in it differs (its structure does).
    pub changed: Vec<DeltaChange>,
    /// Artifacts under a new path whose content the baseline holds under another.
    pub moved: Vec<DeltaMove>,
    /// Containers that differ because something in them does.
    pub containers_changed: u64,
    /// Artifacts with the same content under the same path.
    pub unchanged: u64,
    /// Their bytes.
    pub unchanged_bytes: u64,
    /// Ids of the findings that the baseline does not have under the same path.
    pub new_findings: Vec<String>,
    /// How many findings the baseline has as well.
    pub known_findings: u64,
    /// Findings of the baseline that are gone.
    pub gone_findings: Vec<GoneFinding>,
}

/// An artifact on one side only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeltaEntry {
    /// Its path.
    pub path: String,
    /// Its format.
    pub format: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its digest; none where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
}

/// An artifact with other content than before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeltaChange {
    /// Its path.
    pub path: String,
    /// Its format now.
    pub format: String,
    /// Its format before, when it was another.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub format_before: Option<String>,
    /// Its size in bytes now.
    pub bytes: u64,
    /// Its size in bytes before.
    pub bytes_before: u64,
    /// Its digest now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
    /// Its digest before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest_before: Option<String>,
}

/// Known content under a new path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeltaMove {
    /// Its path.
    pub path: String,
    /// A path that the baseline has it under.
    pub from: String,
    /// Its digest.
    pub digest: String,
}

/// A finding that only the baseline has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoneFinding {
    /// Its kind.
    pub kind: KindId,
    /// The artifact's path.
    pub path: String,
    /// Occurrences.
    pub count: u64,
}

impl Delta {
    /// The findings that are new, among those of the report.
    pub(crate) fn news<'f>(&self, findings: &'f [Finding]) -> Vec<&'f Finding> {
        let ids: HashSet<&str> = self.new_findings.iter().map(String::as_str).collect();
        findings.iter().filter(|f| ids.contains(f.id.as_str())).collect()
    }
}

/// The artifacts of one side by path.
struct Side<'a> {
    input: &'a str,
    by_path: BTreeMap<&'a str, &'a ArtifactEntry>,
}

impl<'a> Side<'a> {
    fn new(input: &'a str, artifacts: &'a [ArtifactEntry]) -> Self {
        Side { input, by_path: artifacts.iter().map(|a| (below(&a.path, input), a)).collect() }
    }

    /// Whether something lies in the artifact of a path.
    fn opens(&self, path: &str) -> bool {
        let inner = format!("{path}!/");
        self.by_path.range(inner.as_str()..).next().is_some_and(|(p, _)| p.starts_with(&inner))
    }
}

/// The path without the name of the input.
fn below<'p>(path: &'p str, input: &str) -> &'p str {
    let rest = path.strip_prefix(input.trim_end_matches('/')).unwrap_or(path);
    rest.strip_prefix('/').unwrap_or(rest)
}

/// Compares two scans. Both must list all artifacts with their digests; `old_input` and `new_input` are the paths named on the command line, as reports
/// show them.
#[must_use]
pub fn compare(baseline: Input, old: &ScanOutcome, new_input: &str, new: &ScanOutcome) -> Delta {
    let before = Side::new(&baseline.path, &old.artifacts);
    let after = Side::new(new_input, &new.artifacts);
    let contents = |side: &Side<'_>| -> HashMap<String, String> {
        let mut map = HashMap::new();
        for (path, artifact) in &side.by_path {
            if let Some(digest) = artifact.digest.as_ref().filter(|_| artifact.bytes > 0) {
                map.entry(digest.clone()).or_insert_with(|| (*path).to_owned());
            }
        }
        map
    };
    let (had, has) = (contents(&before), contents(&after));
    let mut delta = Delta::default();
    let mut containers = Vec::new();
    let mut differ: BTreeSet<&str> = BTreeSet::new();
    for (&path, &artifact) in &after.by_path {
        match before.by_path.get(path) {
            Some(was) if artifact.digest.is_some() && artifact.digest == was.digest => {
                delta.unchanged += 1;
                delta.unchanged_bytes = delta.unchanged_bytes.saturating_add(artifact.bytes);
            }
            Some(was) => {
                let change = DeltaChange {
                    path: path.to_owned(),
                    format: artifact.format.clone(),
                    format_before: (artifact.format != was.format).then(|| was.format.clone()),
                    bytes: artifact.bytes,
                    bytes_before: was.bytes,
                    digest: artifact.digest.clone(),
                    digest_before: was.digest.clone(),
                };
                if after.opens(path) || before.opens(path) {
                    containers.push(change);
                } else {
                    differ.insert(path);
                    delta.changed.push(change);
                }
            }
            None => {
                let from = artifact.digest.as_ref().and_then(|d| Some((d, had.get(d)?)));
                match from {
                    Some((digest, from)) => delta.moved.push(DeltaMove {
                        path: path.to_owned(),
                        from: from.clone(),
                        digest: digest.clone(),
                    }),
                    None => delta.added.push(entry(path, artifact)),
                }
                differ.insert(path);
            }
        }
    }
    for (&path, &artifact) in &before.by_path {
        if !after.by_path.contains_key(path) {
            differ.insert(path);
            if !artifact.digest.as_ref().is_some_and(|d| has.contains_key(d)) {
                delta.dropped.push(entry(path, artifact));
            }
        }
    }
    for change in containers {
        let inner = format!("{}!/", change.path);
        if differ.range(inner.as_str()..).next().is_some_and(|p| p.starts_with(&inner)) {
            delta.containers_changed += 1;
        } else {
            delta.changed.push(change);
        }
    }
    delta.changed.sort_by(|a, b| a.path.cmp(&b.path));
    findings(&mut delta, (&before, old), (&after, new));
    delta.baseline = baseline;
    delta
}

fn entry(path: &str, artifact: &ArtifactEntry) -> DeltaEntry {
    DeltaEntry {
        path: path.to_owned(),
        format: artifact.format.clone(),
        bytes: artifact.bytes,
        digest: artifact.digest.clone(),
    }
}

/// A finding is known when the baseline has one of the same kind and properties with no fewer occurrences under the same path, or one in the same
/// content under another.
fn findings(delta: &mut Delta, (before, old): (&Side<'_>, &ScanOutcome), (after, new): (&Side<'_>, &ScanOutcome)) {
    let key = |side: &Side<'_>, finding: &Finding| {
        let properties = serde_json::to_string(&finding.properties).unwrap_or_default();
        (finding.kind, below(&finding.artifact, side.input).to_owned(), properties)
    };
    let content = |side: &Side<'_>, finding: &Finding| {
        let artifact = side.by_path.get(below(&finding.artifact, side.input))?;
        Some((finding.kind, artifact.digest.clone()?, finding.count))
    };
    let same_content: HashSet<_> = old.findings.iter().filter_map(|f| content(before, f)).collect();
    let known: HashMap<_, u64> = old.findings.iter().map(|f| (key(before, f), f.count)).collect();
    for finding in &new.findings {
        let by_path = known.get(&key(after, finding)).is_some_and(|&count| finding.count <= count);
        let by_content = content(after, finding).is_some_and(|c| same_content.contains(&c));
        // The same kind in changed content may be another value: it is new.
        let path = below(&finding.artifact, after.input);
        let unchanged = after
            .by_path
            .get(path)
            .zip(before.by_path.get(path))
            .is_some_and(|(a, b)| a.digest.is_some() && a.digest == b.digest);
        if by_content || (by_path && unchanged) {
            delta.known_findings += 1;
        } else {
            delta.new_findings.push(finding.id.clone());
        }
    }
    let now: HashSet<_> = new.findings.iter().map(|f| key(after, f)).collect();
    let content_now: HashSet<_> = new.findings.iter().filter_map(|f| content(after, f)).collect();
    for finding in &old.findings {
        if !now.contains(&key(before, finding)) && !content(before, finding).is_some_and(|c| content_now.contains(&c)) {
            delta.gone_findings.push(GoneFinding {
                kind: finding.kind,
                path: below(&finding.artifact, before.input).to_owned(),
                count: finding.count,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yumen_model::kind::kinds;

    fn artifact(path: &str, digest: &str) -> ArtifactEntry {
        ArtifactEntry {
            path: path.to_owned(),
            format: "text".to_owned(),
            bytes: 10,
            digest: Some(format!("blake3:{digest}")),
            notes: Vec::new(),
        }
    }

    fn scan(artifacts: &[(&str, &str)], findings: &[(&str, &str)]) -> ScanOutcome {
        ScanOutcome {
            artifacts: artifacts.iter().map(|(p, d)| artifact(p, d)).collect(),
            findings: findings
                .iter()
                .map(|(id, path)| crate::sample::finding(id, kinds::KEY_TOKEN, path, 1, 0.9, ""))
                .collect(),
            ..ScanOutcome::default()
        }
    }

    fn input(path: &str) -> Input {
        Input { path: path.to_owned(), ..Input::default() }
    }

    #[test]
    fn additions_drops_changes_and_moves_are_told_apart() {
        let old = scan(
            &[
                ("a/old.zip", "r1"),
                ("a/old.zip!/same", "s"),
                ("a/old.zip!/gone", "g"),
                ("a/old.zip!/b.tar", "t1"),
                ("a/old.zip!/b.tar!/x", "x1"),
                ("a/old.zip!/was-here", "m"),
                ("a/old.zip!/repacked.zip", "z1"),
                ("a/old.zip!/repacked.zip!/y", "y"),
            ],
            &[
                ("1", "a/old.zip!/same"),
                ("2", "a/old.zip!/gone"),
                ("3", "a/old.zip!/b.tar!/x"),
                ("4", "a/old.zip!/was-here"),
            ],
        );
        let new = scan(
            &[
                ("new.zip", "r2"),
                ("new.zip!/same", "s"),
                ("new.zip!/b.tar", "t2"),
                ("new.zip!/b.tar!/x", "x2"),
                ("new.zip!/fresh", "f"),
                ("new.zip!/is-here", "m"),
                ("new.zip!/repacked.zip", "z2"),
                ("new.zip!/repacked.zip!/y", "y"),
            ],
            &[
                ("11", "new.zip!/same"),
                ("13", "new.zip!/b.tar!/x"),
                ("14", "new.zip!/is-here"),
                ("15", "new.zip!/fresh"),
            ],
        );
        let delta = compare(input("a/old.zip"), &old, "new.zip", &new);
        let paths = |list: &[DeltaEntry]| list.iter().map(|e| e.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&delta.added), ["!/fresh"]);
        assert_eq!(paths(&delta.dropped), ["!/gone"]);
        assert_eq!(delta.changed.iter().map(|c| c.path.as_str()).collect::<Vec<_>>(), ["!/b.tar!/x", "!/repacked.zip"]);
        assert_eq!(delta.moved[0].path, "!/is-here");
        assert_eq!(delta.moved[0].from, "!/was-here");
        assert_eq!((delta.containers_changed, delta.unchanged), (2, 2));
        assert_eq!((delta.new_findings, delta.known_findings), (vec!["13".to_owned(), "15".to_owned()], 2));
        assert_eq!(delta.gone_findings.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["!/gone"]);
    }

    #[test]
    fn a_package_against_itself_has_no_difference() {
        let side = scan(&[("d/a", "1"), ("d/b", "2")], &[("1", "d/a")]);
        let delta = compare(input("d"), &side, "d", &side);
        assert_eq!((delta.unchanged, delta.known_findings), (2, 1));
        assert!(
            delta.added.is_empty() && delta.dropped.is_empty() && delta.changed.is_empty() && delta.moved.is_empty()
        );
        assert!(delta.new_findings.is_empty() && delta.gone_findings.is_empty());
    }

    #[test]
    fn what_could_not_be_read_is_never_unchanged() {
        let mut side = scan(&[("d/a", "1")], &[]);
        side.artifacts[0].digest = None;
        let delta = compare(input("d"), &side, "d", &side);
        assert_eq!((delta.unchanged, delta.changed.len()), (0, 1));
    }
}
