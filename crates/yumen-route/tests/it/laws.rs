//! What must hold for every case.

use proptest::prelude::*;
use serde_json::json;
use yumen_model::verdict::{Outcome, Route};
use yumen_route::Decision;

use crate::kit::{BOOK, World, digest, world};

const KINDS: &[&str] = &[
    "vehicle.vin",
    "person.phone",
    "person.id-number",
    "person.name",
    "image.face",
    "geo.track",
    "geo.map",
    "geo.point",
    "geo.inertial",
    "code.ota",
    "code.remote-control",
    "code.cruise",
    "doc.bom",
    "doc.secrecy-marking",
    "key.private",
    "code.source",
    "diag.dbc",
    "dataset.training",
    "sensor.lidar",
    "model.weights",
    "flow.vehicle",
    "flow.charging",
    "vuln.report",
    "geo.sensitive-area",
];

#[derive(Clone, Debug)]
struct Hit {
    kind: usize,
    artifact: usize,
    region: usize,
    weak: bool,
}

fn hit() -> impl Strategy<Value = Hit> {
    (0..KINDS.len(), 0usize..3, 0usize..4, any::<bool>()).prop_map(|(kind, artifact, region, weak)| Hit {
        kind,
        artifact,
        region,
        weak,
    })
}

fn add(w: World, hit: &Hit) -> World {
    let mut properties = json!({"form": "source", "level": "secret"});
    if let Some(region) = ["inside", "outside", "unknown"].get(hit.region) {
        properties["region"] = json!(region);
    }
    let confidence = if hit.weak { 0.4 } else { 0.9 };
    let artifact = ["a/x", "a/y", "b.zip!/z"][hit.artifact];
    w.finding(KINDS[hit.kind], artifact, confidence, 1, properties)
}

/// Yes, no or no answer for each fact that is true or false.
fn answers() -> impl Strategy<Value = Vec<Option<bool>>> {
    let n = bool_facts().len();
    proptest::collection::vec(proptest::option::of(any::<bool>()), n)
}

fn bool_facts() -> Vec<String> {
    let facts =
        BOOK.facts().iter().filter(|f| f.key.starts_with("facts.") && f.kind == yumen_rules::facts::FactType::Bool);
    facts.map(|f| f.name.clone()).collect()
}

fn answer(mut w: World, answers: &[Option<bool>]) -> World {
    let lines: Vec<String> =
        bool_facts().iter().zip(answers).filter_map(|(name, value)| value.map(|v| format!("  {name}: {v}"))).collect();
    w = w.parties();
    if !lines.is_empty() {
        w = w.says(&format!("facts:\n{}", lines.join("\n")));
    }
    w
}

fn case() -> impl Strategy<Value = World> {
    let hits = proptest::collection::vec(hit(), 0..6);
    (hits, answers(), 0u64..3, proptest::option::of(0u64..20_000)).prop_map(|(hits, given, persons, prior)| {
        let mut w = hits.iter().fold(world().persons("person.email", persons), add);
        w = answer(w, &given);
        if let Some(n) = prior {
            w = w.prior(n * 60, n);
        }
        w
    })
}

/// A verdict is sound by itself.
fn sound(d: &Decision) -> Result<(), TestCaseError> {
    let v = &d.verdict;
    if v.outcome == Outcome::Pass {
        prop_assert!(v.reasons.iter().all(|r| !r.holds), "{:?}", v.reasons);
        prop_assert!(v.questions.is_empty(), "{:?}", v.questions);
        prop_assert!(!matches!(v.route, Route::NonePermitted | Route::Undetermined));
    } else {
        prop_assert!(v.reasons.iter().any(|r| r.holds), "a hold says why");
    }
    if v.route == Route::Undetermined {
        prop_assert!(!v.questions.is_empty(), "what is not determined asks: {:?}", v.reasons);
    }
    let mut facts: Vec<_> = v.questions.iter().map(|q| &q.fact).collect();
    facts.sort();
    let n = facts.len();
    facts.dedup();
    prop_assert_eq!(facts.len(), n, "no question twice");
    Ok(())
}

/// How grave a route is. What is not determined may turn out as anything.
fn gravity(route: Route) -> Option<u8> {
    match route {
        Route::Undetermined => None,
        Route::Free => Some(0),
        Route::Exempt => Some(1),
        Route::StandardContractOrCertification => Some(2),
        Route::SecurityAssessment => Some(3),
        Route::NonePermitted => Some(4),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_are_sound_and_the_same_each_time(w in case()) {
        let d = w.decide();
        sound(&d)?;
        prop_assert_eq!(&d, &w.decide());
    }

    #[test]
    fn an_opaque_byte_never_lets_a_shipment_go(w in case()) {
        let before = w.decide();
        let after = w.opaque("x.enc", Some(digest('a'))).decide();
        sound(&after)?;
        prop_assert_eq!(after.verdict.outcome, Outcome::Hold);
        if before.verdict.route == Route::NonePermitted {
            prop_assert_eq!(after.verdict.route, Route::NonePermitted);
        }
        prop_assert_eq!(before.verdict.classes, after.verdict.classes);
    }

    #[test]
    fn a_finding_more_never_loosens(w in case(), more in hit()) {
        let before = w.decide();
        let after = add(w, &more).decide();
        sound(&after)?;
        for class in &before.verdict.classes {
            // A candidate may turn out to be important, nothing falls away.
            let kept = after.verdict.classes.contains(class)
                || (*class == yumen_model::verdict::Class::ImportantCandidate
                    && after.verdict.classes.contains(&yumen_model::verdict::Class::Important));
            prop_assert!(kept, "{class:?} fell away");
        }
        if before.verdict.outcome == Outcome::Hold {
            prop_assert_eq!(after.verdict.outcome, Outcome::Hold);
        }
        if let (Some(a), Some(b)) = (gravity(before.verdict.route), gravity(after.verdict.route)) {
            prop_assert!(b >= a);
        }
    }

    /// A determined route stands whatever is answered to facts that were not asked, and a question answered never reopens it.
    #[test]
    fn an_answer_never_flips_what_was_determined(w in case(), which in 0usize..8, value in any::<bool>()) {
        let fact = &bool_facts()[which % bool_facts().len()];
        let before = w.decide();
        let manifest = w.manifest.clone().unwrap_or_default();
        // `incident.data` is never asked: silence means no, so declaring it adds something.
        prop_assume!(!manifest.contains(&format!("  {fact}:")) && fact != "incident.data");
        let after = if manifest.contains("facts:\n") {
            World { manifest: Some(manifest.replace("facts:\n", &format!("facts:\n  {fact}: {value}\n"))), ..w }
        } else {
            w.says(&format!("facts:\n  {fact}: {value}"))
        };
        let after = after.decide();
        sound(&after)?;
        if before.verdict.outcome == Outcome::Pass {
            prop_assert_eq!(after.verdict.outcome, Outcome::Pass);
        }
        if before.verdict.route == Route::NonePermitted {
            prop_assert_eq!(after.verdict.route, Route::NonePermitted);
        }
        let asked = before.verdict.questions.iter().any(|q| &q.fact == fact);
        if !asked && let Some(route) = gravity(before.verdict.route) && before.verdict.route != Route::SecurityAssessment {
            prop_assert!(after.verdict.route == Route::NonePermitted || gravity(after.verdict.route) == Some(route));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-a-z:{}\\[\\],&*#'\"\\n \\t0-9]{0,120}") {
        let file = yumen_rules::yaml::SourceFile::new("s.yaml", format!("shipment: x\n{text}"));
        if let Err(e) = yumen_route::Shipment::from_source(&file, &BOOK) {
            prop_assert!(!e.list().is_empty());
            for report in e.into_reports() {
                let shown = format!("{report:?}");
                prop_assert!(!shown.is_empty());
            }
        }
    }
}

#[test]
fn a_hundred_thousand_findings_are_decided_at_once() {
    let mut w = world().parties().says("facts:\n  geo.processed: {value: true, applies-to: \"a/1*/**\"}");
    for i in 0..100_000 {
        let kind = KINDS[i % KINDS.len()];
        w = w.finding(kind, &format!("a/{}/{i}.bin", i / 100), 0.9, 1, json!({"region": "inside", "form": "source"}));
    }
    for i in 0..2_000 {
        w = w.opaque(&format!("z/{i}"), Some(digest('a')));
    }
    let start = std::time::Instant::now();
    let d = w.decide();
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    assert_eq!(d.verdict.outcome, Outcome::Hold);
    let size: usize =
        d.verdict.questions.iter().map(|q| q.about.len() + q.snippet.as_ref().map_or(0, String::len)).sum();
    assert!(size < 100_000, "questions stay short: {size}");
}
