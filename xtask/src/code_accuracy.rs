//! Precision and recall of the code detector, by kind, over folders of files.
//!
//! A folder with `labels.tsv` (path, then the kinds that are in the file by their last word, separated by blanks; `-` for none, `?KIND` for one that is
//! not scored) is scored; of any other folder every file counts as one in which nothing of the kind is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use yumen_detect::accuracy::Score;
use yumen_detect::code::CodeDetector;
use yumen_detect::code::accuracy::find;

/// Larger files are passed over.
const LARGEST: u64 = 8 << 20;

/// Prints the table.
#[allow(clippy::print_stdout)]
pub(crate) fn run(folders: &[PathBuf]) -> Result<(), String> {
    let detector = CodeDetector::new();
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let (mut files, mut touched) = (0u64, 0u64);
    for folder in folders {
        let labels = std::fs::read_to_string(folder.join("labels.tsv")).ok();
        let labels: Option<BTreeMap<&str, Vec<&str>>> = labels.as_deref().map(|text| {
            let rows = text.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty());
            rows.filter_map(|l| {
                let mut words = l.split_whitespace();
                Some((words.next()?, words.filter(|w| *w != "-").collect()))
            })
            .collect()
        });
        let mut all = Vec::new();
        list(folder, &mut all).map_err(|e| format!("{}: {e}", folder.display()))?;
        for path in all {
            let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            let wanted: Option<&Vec<&str>> = match &labels {
                Some(labels) => match labels.get(name.as_str()) {
                    Some(wanted) => Some(wanted),
                    None => continue,
                },
                None => None,
            };
            let content = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            files += 1;
            let found = find(&detector, &name, &content);
            touched += u64::from(!found.is_empty());
            let of = |kind: &str| kind.trim_start_matches("code.").to_owned();
            let loose: BTreeSet<&str> = wanted.into_iter().flatten().filter_map(|w| w.strip_prefix('?')).collect();
            let mut missing: BTreeSet<&str> =
                wanted.into_iter().flatten().copied().filter(|w| !w.starts_with('?')).collect();
            for find in &found {
                let kind = of(find.kind.name());
                let right = missing.remove(kind.as_str());
                if loose.contains(kind.as_str()) {
                    continue;
                }
                let score = scores.entry(kind.clone()).or_default();
                if right {
                    score.true_positives += 1;
                } else {
                    score.false_positives += 1;
                    let evidence: Vec<&str> = find.evidence.iter().map(String::as_str).take(4).collect();
                    println!(
                        "found, not labelled: {name}:{} {kind} {} [{}]",
                        find.line.unwrap_or(0),
                        find.confidence,
                        evidence.join(", ")
                    );
                }
            }
            for kind in missing {
                scores.entry(kind.to_owned()).or_default().false_negatives += 1;
                println!("labelled, not found: {name} {kind}");
            }
        }
    }
    println!("{files} files, {touched} with findings");
    println!("{:<18} {:>6} {:>6} {:>6} {:>10} {:>8}", "kind", "right", "wrong", "missed", "precision", "recall");
    for (kind, s) in &scores {
        println!(
            "{kind:<18} {:>6} {:>6} {:>6} {:>10.3} {:>8.3}",
            s.true_positives,
            s.false_positives,
            s.false_negatives,
            s.precision(),
            s.recall()
        );
    }
    Ok(())
}

fn list(folder: &Path, out: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), out)?;
        } else if kind.is_file() && entry.metadata()?.len() <= LARGEST && entry.file_name() != "labels.tsv" {
            out.push(entry.path());
        }
    }
    Ok(())
}
