//! Synthetic scans and manifests.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::{Date, date};
use serde_json::{Value, json};
use yumen_model::kind::{KindId, KindSet};
use yumen_model::outcome::OpaqueEntry;
use yumen_model::subject::SubjectGroup;
use yumen_model::verdict::{Class, Outcome, Route};
use yumen_model::{Finding, Location, Reason, ScanOutcome};
use yumen_route::{Case, Decision, Shipment, decide};
use yumen_rules::Rulebook;
use yumen_rules::yaml::SourceFile;

pub(crate) static BOOK: LazyLock<Rulebook> = LazyLock::new(Rulebook::builtin);

/// The day on which the tests judge.
pub(crate) const TODAY: Date = date(2026, 11, 23);

/// A digest of 64 digits.
pub(crate) fn digest(c: char) -> String {
    format!("blake3:{}", c.to_string().repeat(64))
}

/// A scan and a manifest, put together step by step.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) outcome: ScanOutcome,
    pub(crate) manifest: Option<String>,
    pub(crate) prior: (Option<u64>, Option<u64>),
}

pub(crate) fn world() -> World {
    World { outcome: ScanOutcome { complete: true, ..ScanOutcome::default() }, ..World::default() }
}

impl World {
    pub(crate) fn found(self, kind: &str, artifact: &str) -> World {
        self.finding(kind, artifact, 0.95, 1, json!({}))
    }

    pub(crate) fn with(self, kind: &str, artifact: &str, properties: Value) -> World {
        self.finding(kind, artifact, 0.95, 1, properties)
    }

    pub(crate) fn finding(
        mut self,
        kind: &str,
        artifact: &str,
        confidence: f64,
        count: u64,
        properties: Value,
    ) -> World {
        let properties: BTreeMap<String, Value> = serde_json::from_value(properties).unwrap();
        let id = format!("f{}", self.outcome.findings.len());
        self.outcome.findings.push(Finding {
            id,
            kind: KindId::named(kind).unwrap(),
            artifact: artifact.to_owned(),
            count,
            confidence,
            location: Location::default(),
            places: Vec::new(),
            sample: String::new(),
            properties,
            remedies: Vec::new(),
        });
        self
    }

    pub(crate) fn opaque(mut self, artifact: &str, digest: Option<String>) -> World {
        self.outcome.opaque.push(OpaqueEntry {
            artifact: artifact.to_owned(),
            bytes: 10,
            reason: Reason::Encrypted,
            digest,
        });
        self.outcome.coverage.opaque += 10;
        self.outcome.coverage.total += 10;
        self
    }

    /// So many persons seen with a kind, and a finding of it.
    pub(crate) fn persons(mut self, kind: &str, persons: u64) -> World {
        if persons == 0 {
            return self;
        }
        let id = KindId::named(kind).unwrap();
        self.outcome.subjects.groups.push(SubjectGroup { kinds: KindSet::of(&[id]), persons });
        self.finding(kind, "people.csv", 0.95, persons, json!({}))
    }

    pub(crate) fn prior(mut self, personal: u64, sensitive: u64) -> World {
        self.prior = (Some(personal), Some(sensitive));
        self
    }

    /// Adds lines to the manifest.
    pub(crate) fn says(mut self, lines: &str) -> World {
        let manifest = self.manifest.get_or_insert_with(|| "shipment: t\n".to_owned());
        manifest.push_str(lines);
        manifest.push('\n');
        self
    }

    /// A processor that is no CIIO, and a recipient.
    pub(crate) fn parties(self) -> World {
        self.says("processor: {ciio: false}\nrecipient: {name: Example GmbH, country: DE}")
    }

    pub(crate) fn shipment(&self) -> Option<Shipment> {
        self.manifest.as_ref().map(|text| {
            let file = SourceFile::new("shipment.yaml", text.clone());
            Shipment::from_source(&file, &BOOK).unwrap_or_else(|e| panic!("{}", e.plain()))
        })
    }

    pub(crate) fn decide(&self) -> Decision {
        self.decide_by(&BOOK)
    }

    pub(crate) fn decide_by(&self, rulebook: &Rulebook) -> Decision {
        let shipment = self.shipment();
        decide(&Case {
            rulebook,
            outcome: &self.outcome,
            shipment: shipment.as_ref(),
            prior_personal: self.prior.0,
            prior_sensitive: self.prior.1,
            as_of: TODAY,
        })
    }
}

/// Route, outcome, the codes that hold, and the keys and facts asked.
pub(crate) fn view(d: &Decision) -> (Route, Outcome, Vec<&str>, Vec<&str>) {
    let holds = d.verdict.reasons.iter().filter(|r| r.holds).map(|r| r.code.as_str()).collect();
    let asks = d.verdict.questions.iter().map(|q| q.fact.as_str()).collect();
    (d.verdict.route, d.verdict.outcome, holds, asks)
}

pub(crate) fn classes(d: &Decision) -> &[Class] {
    &d.verdict.classes
}

pub(crate) fn has(d: &Decision, code: &str) -> bool {
    d.verdict.reasons.iter().any(|r| r.code == code)
}

/// Asserts route, outcome, holding codes and questions at once.
#[track_caller]
pub(crate) fn expect(w: &World, route: Route, outcome: Outcome, holds: &[&str], asks: &[&str]) {
    let d = w.decide();
    assert_eq!(view(&d), (route, outcome, holds.to_vec(), asks.to_vec()), "{:#?}", d.verdict.reasons);
}
