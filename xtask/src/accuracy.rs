//! Precision and recall of the text detectors, by kind.

use std::path::Path;

use yumen_detect::accuracy::evaluate;

/// Lines generated when no file is given, and their seed.
const LINES: usize = 200;
const SEED: u64 = 2026;

/// Prints the table.
#[allow(clippy::print_stdout)]
pub(crate) fn run(file: Option<&Path>) -> Result<(), String> {
    let labelled = match file {
        Some(path) => std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?,
        None => yumen_specimens::labelled_lines(SEED, LINES),
    };
    let detector = yumen_detect::scanner::TextDetector::new(yumen_detect::recognisers());
    let accuracy = evaluate(&detector, &labelled);
    println!("{} lines", accuracy.lines);
    println!("{:<24} {:>6} {:>6} {:>6} {:>10} {:>8}", "kind", "right", "wrong", "missed", "precision", "recall");
    for (kind, score) in &accuracy.kinds {
        println!(
            "{:<24} {:>6} {:>6} {:>6} {:>10.3} {:>8.3}",
            kind.name(),
            score.true_positives,
            score.false_positives,
            score.false_negatives,
            score.precision(),
            score.recall()
        );
    }
    for miss in &accuracy.misses {
        let what = if miss.extra { "found, not labelled" } else { "labelled, not found" };
        println!(
            "line {:>4}, bytes {:>4}..{:<4} {:<24} {what}",
            miss.line,
            miss.bytes.0,
            miss.bytes.1,
            miss.kind.name()
        );
    }
    Ok(())
}
