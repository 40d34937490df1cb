//! The report as data: exactly the JSON that other programs read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yumen_model::coverage::Coverage;
use yumen_model::finding::Finding;
use yumen_model::outcome::{ArtifactEntry, OpaqueEntry, ScanOutcome};
use yumen_model::subject::Subjects;
use yumen_model::verdict::{Classification, Examined, Outcome, Reason, Text, Verdict};

use crate::remedy::remedies;

/// The schema that [`Report::schema`] names.
pub const SCHEMA: &str = "yumen-report/1";

/// A report. Field order is the order of the JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Name and version of this form.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// False when the scan was interrupted; the outcome is `hold` then.
    pub complete: bool,
    /// What made the report.
    pub tool: Tool,
    /// The rules that were applied.
    pub rulebook: RulebookInfo,
    /// The intended hand-over; absent when no manifest was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shipment: Option<ShipmentInfo>,
    /// What was named on the command line, in the order given.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub inputs: Vec<Input>,
    /// The difference against a cleared package, when one was named (`--delta`). Everything else speaks of the new package alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delta: Option<crate::delta::Delta>,
    /// Figures for a first look.
    #[serde(default)]
    pub summary: Summary,
    /// Artifacts with findings, notes or opaque bytes, or all of them, by path.
    pub artifacts: Vec<ArtifactEntry>,
    /// Findings by path, kind and location.
    pub findings: Vec<Finding>,
    /// Data of sensors and places, summed for each input.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub datasets: Vec<crate::dataset::Dataset>,
    /// Opaque bytes by path and reason.
    pub opaque: Vec<OpaqueEntry>,
    /// Distinct persons and vehicles.
    pub subjects: Subjects,
    /// The coverage statement, in bytes.
    pub coverage: Coverage,
    /// Rows of the rulebook that apply or may apply.
    pub classifications: Vec<Classification>,
    /// Rows of several limbs of which something in the shipment speaks, each limb with its state; those that do not apply stand here too.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub examined: Vec<Examined>,
    /// The decision.
    pub verdict: Verdict,
    /// Security duties that go with any transfer.
    #[serde(default)]
    pub checklist: Vec<ChecklistItem>,
    /// Standing notes of the rulebook, and what an overlay loosened.
    #[serde(default)]
    pub notes: Vec<CodedText>,
    /// What this report is not.
    #[serde(default)]
    pub disclaimer: Text,
    /// What depends on the run: times, machine, options. Left out of reproducible reports.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<Run>,
}

/// What made a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `yumen`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The rulebook that was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RulebookInfo {
    /// Its id.
    pub id: String,
    /// Digest of the rulebook and its overlay.
    pub digest: String,
    /// `not-verified` until a person has entered the official table.
    pub annex: String,
    /// The edition of the rules it encodes.
    #[serde(default)]
    pub edition: String,
}

/// The hand-over that the manifest describes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShipmentInfo {
    /// Its id.
    pub id: String,
    /// Who hands over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub processor: Option<String>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recipient: Option<Recipient>,
    /// The scenario it was declared as.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scenario: Option<String>,
    /// The purpose, as declared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purpose: Option<String>,
    /// Day of the transfer (ISO 8601).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transfer_date: Option<String>,
    /// Digest of the manifest.
    pub digest: String,
}

/// The recipient abroad.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recipient {
    /// Legal name.
    pub name: String,
    /// ISO 3166 code of the country or region.
    pub country: String,
}

/// A path named on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Input {
    /// The path as given, with `/`.
    pub path: String,
    /// Size in bytes; none for a folder.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
    /// `blake3:` and the digest in hex; none for a folder.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
}

/// Figures for a first look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Artifacts scanned, listed or not.
    pub artifacts: u64,
    /// Findings.
    pub findings: u64,
    /// Artifacts with opaque bytes, counted once for each reason.
    pub opaque: u64,
    /// Findings and occurrences by kind.
    pub by_kind: BTreeMap<String, KindCount>,
}

/// How often a kind was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KindCount {
    /// Findings.
    pub findings: u64,
    /// Occurrences, the sum of the findings' counts.
    pub count: u64,
}

/// A duty of the protection list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChecklistItem {
    /// Its id in the rulebook.
    pub id: String,
    /// What is to be done.
    pub text: Text,
}

/// A text with a fixed code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodedText {
    /// A word in kebab-case.
    pub code: String,
    /// The text.
    pub text: Text,
}

/// What depends on the run and the machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Start (RFC 3339).
    pub started: String,
    /// End (RFC 3339).
    pub finished: String,
    /// Duration in seconds.
    pub duration_s: f64,
    /// Name of the machine, where it is to be told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub host: Option<String>,
    /// Threads.
    pub jobs: u64,
    /// Options of the command line that were given.
    #[serde(default)]
    pub options: BTreeMap<String, Value>,
}

impl Report {
    /// A report of a scan and its decision. Lists are put in their order, figures rounded, the summary counted and the disclaimer set. The
    /// caller adds `shipment`, the inputs, `checklist`, `notes` and `run`. A scan that is not complete never passes, whatever the verdict says.
    #[must_use]
    pub fn new(
        tool: Tool,
        rulebook: RulebookInfo,
        scan: ScanOutcome,
        subjects: Subjects,
        classifications: Vec<Classification>,
        verdict: Verdict,
    ) -> Self {
        let mut report = Report {
            schema: SCHEMA.to_owned(),
            complete: scan.complete,
            tool,
            disclaimer: disclaimer(&rulebook.annex),
            rulebook,
            shipment: None,
            inputs: Vec::new(),
            delta: None,
            summary: Summary::default(),
            artifacts: scan.artifacts,
            findings: scan.findings,
            datasets: Vec::new(),
            opaque: scan.opaque,
            subjects,
            coverage: scan.coverage,
            classifications,
            examined: Vec::new(),
            verdict,
            checklist: Vec::new(),
            notes: Vec::new(),
            run: None,
        };
        report.settle(scan.artifact_count);
        report
    }

    /// Tells what was named on the command line, and sums the datasets in it.
    #[must_use]
    pub fn with_inputs(mut self, inputs: Vec<Input>) -> Self {
        self.inputs = inputs;
        self.datasets = crate::dataset::sum(&self);
        self
    }

    fn settle(&mut self, artifact_count: u64) {
        self.artifacts.sort_by(|a, b| a.path.cmp(&b.path));
        self.findings.sort_by(|a, b| {
            (&a.artifact, a.kind.name(), &a.location, &a.id).cmp(&(&b.artifact, b.kind.name(), &b.location, &b.id))
        });
        self.opaque.sort_by(|a, b| (&a.artifact, a.reason).cmp(&(&b.artifact, b.reason)));
        let mut by_kind: BTreeMap<String, KindCount> = BTreeMap::new();
        for finding in &mut self.findings {
            // Sums of weights differ in the last bit with the order of addition; four digits are more than a reader needs.
            let confidence = if finding.confidence.is_finite() { finding.confidence.clamp(0.0, 1.0) } else { 0.0 };
            finding.confidence = (confidence * 1e4).round() / 1e4;
            let entry = match by_kind.get_mut(finding.kind.name()) {
                Some(entry) => entry,
                None => by_kind.entry(finding.kind.name().to_owned()).or_default(),
            };
            finding.remedies = remedies(finding);
            entry.findings += 1;
            entry.count = entry.count.saturating_add(finding.count);
        }
        self.summary = Summary {
            artifacts: artifact_count.max(self.artifacts.len() as u64),
            findings: self.findings.len() as u64,
            opaque: self.opaque.len() as u64,
            by_kind,
        };
        if !self.complete && self.verdict.outcome == Outcome::Pass {
            self.verdict.outcome = Outcome::Hold;
            self.verdict.reasons.push(Reason {
                code: "scan-incomplete".to_owned(),
                text: Text::new(
                    "扫描中断，未检视全部内容。",
                    "The scan was interrupted before everything was looked at.",
                ),
                refs: Vec::new(),
                holds: true,
            });
        }
    }
}

/// The disclaimer for a rulebook whose annex has the given state (`not-verified`, `verified`).
#[must_use]
pub fn disclaimer(annex: &str) -> Text {
    if annex == "verified" {
        return Text::new("本报告不构成法律意见。", "Not legal advice.");
    }
    Text::new(
        "附表未经核对（annex not verified）；本报告不构成法律意见（not legal advice）。",
        "Annex not verified; not legal advice.",
    )
}

#[cfg(test)]
mod tests {
    use yumen_model::kind::kinds;
    use yumen_model::subject::Subjects;
    use yumen_model::verdict::Route;

    use super::*;
    use crate::sample;

    fn report(scan: ScanOutcome, outcome: Outcome) -> Report {
        let verdict = Verdict {
            outcome,
            route: Route::Free,
            classes: Vec::new(),
            reasons: Vec::new(),
            as_of: None,
            questions: Vec::new(),
        };
        Report::new(Tool::default(), RulebookInfo::default(), scan, Subjects::default(), Vec::new(), verdict)
    }

    #[test]
    fn the_order_of_what_comes_in_does_not_matter() {
        let forward = sample::hold();
        let scan = |report: &Report, turn: bool| {
            let mut scan = ScanOutcome {
                complete: true,
                artifacts: report.artifacts.clone(),
                findings: report.findings.clone(),
                opaque: report.opaque.clone(),
                artifact_count: 9,
                ..ScanOutcome::default()
            };
            if turn {
                scan.artifacts.reverse();
                scan.findings.reverse();
                scan.opaque.reverse();
            }
            scan
        };
        let (a, b) = (report(scan(&forward, false), Outcome::Hold), report(scan(&forward, true), Outcome::Hold));
        assert_eq!(a.to_json(true), b.to_json(true));
    }

    #[test]
    fn an_incomplete_scan_never_passes() {
        let incomplete = report(ScanOutcome::default(), Outcome::Pass);
        assert_eq!(incomplete.verdict.outcome, Outcome::Hold);
        assert!(incomplete.verdict.reasons.iter().any(|r| r.holds && r.code == "scan-incomplete"));
        let complete = report(ScanOutcome { complete: true, ..ScanOutcome::default() }, Outcome::Pass);
        assert_eq!(complete.verdict.outcome, Outcome::Pass);
    }

    #[test]
    fn the_summary_counts_findings_and_occurrences() {
        let report = sample::hold();
        assert_eq!(report.summary.findings, report.findings.len() as u64);
        assert_eq!(report.summary.by_kind["vehicle.vin"], KindCount { findings: 2, count: 1203 });
        assert_eq!(report.summary.artifacts, 418);
    }

    #[test]
    fn confidences_are_numbers_of_four_digits() {
        let odd = |confidence| sample::finding("x", kinds::PERSON_PHONE, "a", 1, confidence, "");
        let findings = vec![odd(0.1 + 0.2), odd(f64::NAN), odd(7.0)];
        let report = report(ScanOutcome { findings, ..ScanOutcome::default() }, Outcome::Hold);
        let mut seen: Vec<f64> = report.findings.iter().map(|f| f.confidence).collect();
        seen.sort_by(f64::total_cmp);
        assert_eq!(seen, [0.0, 0.3, 1.0]);
    }

    #[test]
    fn the_disclaimer_stands_in_every_report() {
        assert!(sample::empty().disclaimer.en.contains("not legal advice"));
        assert!(disclaimer("not-verified").en.contains("Annex not verified"));
        assert!(disclaimer("verified").zh.contains("不构成法律意见"));
    }
}
