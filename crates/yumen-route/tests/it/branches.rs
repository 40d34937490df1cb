//! Each branch of the route, and each decision against wrong verdicts.

use serde_json::json;
use yumen_model::verdict::{Class, Outcome, Route};

use crate::kit::{World, classes, digest, expect, has, world};

use Outcome::{Hold, Pass};
use Route::{Exempt, Free, NonePermitted, SecurityAssessment, StandardContractOrCertification, Undetermined};

fn inside() -> serde_json::Value {
    json!({"region": "inside"})
}

#[test]
fn nothing_that_matters_is_free() {
    expect(&world(), Free, Pass, &[], &[]);
    let inventory = [
        "code.source",
        "cert.x509",
        "software.package",
        "firmware.image",
        "diag.dbc",
        "dataset.training",
        "sensor.lidar",
        "model.weights",
        "dataset.simulation",
        "sensor.audio",
    ];
    for kind in inventory {
        expect(&world().found(kind, "a"), Free, Pass, &[], &[]);
    }
    for kind in ["org.uscc", "geo.point", "geo.review-number", "code.ota", "code.near-field"] {
        expect(&world().with(kind, "a", inside()), Free, Pass, &[], &[]);
    }
    let d = world().found("code.source", "a").decide();
    assert!(d.classifications.is_empty() && d.verdict.classes.is_empty() && d.verdict.as_of.is_none());
    assert!(d.checklist.is_empty());
    assert!(d.standing_notes.iter().any(|(code, _)| code == "annex-not-verified"));
}

#[test]
fn a_secrecy_mark_lets_nothing_go_until_it_is_reviewed() {
    let mark = |level: &str| world().with("doc.secrecy-marking", "a.docx", json!({"level": level}));
    for level in ["top-secret", "secret", "confidential"] {
        expect(&mark(level), NonePermitted, Hold, &["state-secret-suspect"], &["determinations.SS-0"]);
    }
    for level in ["internal", "trade-secret"] {
        expect(&mark(level), Free, Pass, &[], &[]);
    }
    let ruled = |result: &str, artifacts: &str| {
        mark("secret").says(&format!(
            "determinations:\n  - {{row: SS-0, artifacts: [\"{artifacts}\"], result: {result}, by: A, date: 2026-11-01, basis: review}}"
        ))
    };
    expect(&ruled("not-secret", "a.docx"), Free, Pass, &[], &[]);
    expect(&ruled("not-secret", "b.docx"), NonePermitted, Hold, &["state-secret-suspect"], &["determinations.SS-0"]);
    // Determined as secret, no answer helps.
    expect(&ruled("secret", "a.docx"), NonePermitted, Hold, &["state-secret-suspect"], &[]);
    // By context alone it is no proof, but a person must look.
    let weak = world().finding("doc.secrecy-marking", "a.docx", 0.4, 1, json!({"level": "secret"}));
    expect(&weak, Undetermined, Hold, &["state-secret-unclear"], &["determinations.SS-0"]);
}

#[test]
fn a_suspicion_asks_nothing_that_cannot_matter_yet() {
    let w = world()
        .with("doc.secrecy-marking", "a.docx", json!({"level": "secret"}))
        .found("doc.bom", "bom.csv")
        .persons("person.phone", 3);
    expect(
        &w,
        NonePermitted,
        Hold,
        &["state-secret-suspect", "candidate-undecided", "persons-route-unknown"],
        &["determinations.SS-0"],
    );
}

fn cloud() -> World {
    world().with("geo.point-cloud", "maps/a.las", inside())
}

const NOT_IMPORTANT: &str = "determinations:\n  - {row: DA-e, artifacts: [\"maps/**\"], result: not-important, by: A, date: 2026-11-01, basis: b}";
const REVIEW: &str =
    "approvals:\n  - {kind: map-review, number: GS1, issued: 2026-01-01, expires: 2027-01-01, rows: [GEO-0]}";

#[test]
fn geodata_inside_asks_for_processing_and_approval() {
    expect(
        &cloud(),
        Undetermined,
        Hold,
        &["geodata-undeclared", "geodata-not-approved", "important-undecided", "candidate-undecided"],
        &["geo.processed", "approvals.external-provision", "determinations.DA-e", "area.sensitive"],
    );
    let answered = |processed: &str, review: &str| {
        cloud()
            .says(&format!("facts: {{geo.processed: {processed}, area.sensitive: false}}"))
            .says(NOT_IMPORTANT)
            .says(review)
    };
    expect(&answered("true", REVIEW), Free, Pass, &[], &[]);
    expect(&answered("true", ""), Undetermined, Hold, &["geodata-not-approved"], &["approvals.external-provision"]);
    expect(&answered("false", REVIEW), NonePermitted, Hold, &["geodata-unprocessed"], &[]);
    let d = answered("false", REVIEW).decide();
    assert_eq!(classes(&d), [Class::UnprocessedGeodata]);
    let expired = REVIEW.replace("2027-01-01", "2026-11-22");
    expect(
        &answered("true", &expired),
        Undetermined,
        Hold,
        &["geodata-not-approved", "approval-expired"],
        &["approvals.external-provision"],
    );
}

#[test]
fn geodata_elsewhere_and_single_points_are_not_surveying() {
    expect(&world().with("geo.point-cloud", "a", json!({"region": "outside"})), Free, Pass, &[], &[]);
    expect(&world().with("geo.map", "a", json!({"region": "outside", "countries": ["HK"]})), Free, Pass, &[], &[]);
    expect(&world().finding("geo.point", "dealers.csv", 0.9, 120, inside()), Free, Pass, &[], &[]);
}

#[test]
fn unknown_place_asks_for_the_place() {
    let map = world().with("geo.map", "a.xodr", json!({"region": "unknown"}));
    let d = map.decide();
    assert_eq!((d.verdict.route, d.verdict.outcome), (Undetermined, Hold));
    assert_eq!(d.verdict.questions[0].fact, "geo.inside-mainland");
    let abroad = map.says("facts: {geo.inside-mainland: false}");
    expect(&abroad, Free, Pass, &[], &[]);
    // The property may be lacking altogether.
    expect(&world().found("geo.map", "a").says("facts: {geo.inside-mainland: false}"), Free, Pass, &[], &[]);
}

#[test]
fn one_finding_inside_makes_the_place_certain_but_facts_stay_with_their_artifacts() {
    let w = cloud().with("geo.map", "lidar/b.xodr", inside());
    let declared =
        w.says("facts:\n  geo.processed: [{value: true, applies-to: \"maps/**\"}, {value: false, applies-to: lidar}]");
    let d = declared.decide();
    assert_eq!((d.verdict.route, d.verdict.outcome), (NonePermitted, Hold));
    let reason = d.verdict.reasons.iter().find(|r| r.code == "geodata-unprocessed").unwrap();
    assert_eq!(reason.refs, ["GEO-0", "f1"], "only what is declared as not processed");
}

#[test]
fn inertial_data_counts_with_a_position_beside() {
    let alone = world().found("geo.inertial", "log/imu.csv");
    assert!(!alone.decide().classifications.iter().any(|c| c.row == "GEO-0"));
    let beside = alone.clone().with("geo.point", "log/gps.csv", inside());
    assert!(beside.decide().classifications.iter().any(|c| c.row == "GEO-0"));
    let elsewhere = alone.with("geo.point", "other/gps.csv", inside());
    assert!(!elsewhere.decide().classifications.iter().any(|c| c.row == "GEO-0"));
}

fn ota() -> World {
    world().found("code.ota", "src/ota.c").with("code.remote-control", "src/rc.c", json!({"form": "source"})).with(
        "code.emergency-brake",
        "src/aeb.c",
        json!({"form": "source"}),
    )
}

#[test]
fn ota_source_needs_all_three_limbs() {
    expect(&ota(), Undetermined, Hold, &["important-undecided"], &["upgrade.vehicles-in-china"]);
    expect(&ota().says("facts: {upgrade.vehicles-in-china: false}"), Free, Pass, &[], &[]);
    expect(
        &ota().says("facts: {upgrade.vehicles-in-china: true}"),
        SecurityAssessment,
        Hold,
        &["approval-missing"],
        &["approvals.security-assessment"],
    );
    // Near-field control is no remote control; binaries are no source.
    let near = world().found("code.ota", "a").with("code.near-field", "a", json!({"form": "source"})).with(
        "code.cruise",
        "a",
        json!({"form": "source"}),
    );
    expect(&near, Free, Pass, &[], &[]);
    let binary = world().found("code.ota", "a").with("code.remote-control", "a", json!({"form": "binary"})).with(
        "code.cruise",
        "a",
        json!({"form": "source"}),
    );
    expect(&binary, Free, Pass, &[], &[]);
    // Without code.ota the declared source of a package decides, and is asked for.
    let undeclared = world().with("code.remote-control", "a", json!({"form": "source"})).with(
        "code.cruise",
        "a",
        json!({"form": "script"}),
    );
    expect(
        &undeclared,
        Undetermined,
        Hold,
        &["important-undecided"],
        &["upgrade.package-source", "upgrade.vehicles-in-china"],
    );
    assert!(ota().decide().standing_notes.iter().any(|(code, _)| code == "upgrade-rows-unknown"));
}

#[test]
fn context_alone_proves_no_important_data() {
    let weak = world()
        .found("code.ota", "a")
        .with("code.remote-control", "a", json!({"form": "source"}))
        .finding("code.emergency-brake", "a", 0.5, 1, json!({"form": "source"}))
        .says("facts: {upgrade.vehicles-in-china: true}");
    expect(&weak, Undetermined, Hold, &["important-undecided"], &["determinations.OTA-1"]);
    let settled = weak.says(
        "determinations:\n  - {row: OTA-1, artifacts: [a], result: not-important, by: A, date: 2026-11-23, basis: b}",
    );
    expect(&settled, Free, Pass, &[], &[]);
}

#[test]
fn proven_important_data_asks_for_its_approval_and_nothing_else() {
    let w =
        ota().says("facts: {upgrade.vehicles-in-china: true}").found("doc.bom", "bom.csv").persons("person.phone", 5);
    let d = w.decide();
    assert_eq!(d.verdict.route, SecurityAssessment);
    let asks: Vec<_> = d.verdict.questions.iter().map(|q| q.key.as_str()).collect();
    assert_eq!(asks, ["approvals"]);
    assert_eq!(classes(&d), [Class::Important, Class::ImportantCandidate, Class::Personal]);
}

#[test]
fn candidates_wait_for_a_named_person() {
    for (kind, row) in [
        ("doc.bom", "MF-a"),
        ("code.production-control", "MF-b"),
        ("doc.design", "RD-a"),
        ("doc.test-report", "RD-c"),
        ("code.ad-algorithm", "DA-a"),
        ("model.features", "DA-c"),
        ("geo.inertial", "DA-g"),
        ("cert.vehicle", "CO-b"),
        ("network.plan", "CO-g"),
        ("vuln.report", "VUL-a"),
    ] {
        let ask = format!("determinations.{row}");
        expect(&world().found(kind, "x/a"), Undetermined, Hold, &["candidate-undecided"], &[&ask]);
        let ruled = |result: &str| {
            let line = format!(
                "determinations:\n  - {{row: {row}, artifacts: [x], result: {result}, by: A, date: 2026-11-23, basis: b}}"
            );
            world().found(kind, "x/a").says(&line)
        };
        expect(&ruled("not-important"), Free, Pass, &[], &[]);
        expect(
            &ruled("important"),
            SecurityAssessment,
            Hold,
            &["approval-missing"],
            &["approvals.security-assessment"],
        );
    }
}

#[test]
fn inventory_counts_once_the_scenario_is_declared() {
    for (kind, scenario, row) in [
        ("diag.dbc", "r-and-d", "RD-a"),
        ("dataset.simulation", "r-and-d", "RD-b"),
        ("sensor.lidar", "r-and-d", "RD-c"),
        ("model.weights", "driving-automation", "DA-a"),
        ("dataset.training", "driving-automation", "DA-b"),
        ("dataset.scenario", "driving-automation", "DA-j"),
    ] {
        let d = world().found(kind, "a").says(&format!("scenario: {scenario}")).decide();
        assert_eq!(d.classifications.iter().map(|c| c.row.as_str()).collect::<Vec<_>>(), [row], "{kind}");
        assert_eq!(d.verdict.outcome, Hold);
        assert_eq!(world().found(kind, "a").says("scenario: software-upgrade").decide().verdict.outcome, Pass);
    }
    let d = world().found("model.weights", "a").found("sensor.lidar", "b").decide();
    assert_eq!(d.classifications[0].row, "DA-a", "weights beside driving data");
}

#[test]
fn flows_and_charging_need_their_limbs() {
    let flow = world().found("flow.logistics", "a");
    expect(&flow, Undetermined, Hold, &["important-undecided"], &["flow.economic-operation"]);
    expect(&flow.says("facts: {flow.economic-operation: false}"), Free, Pass, &[], &[]);
    let d = world().found("flow.charging", "a").says("facts: {charging.operating-data: true}").decide();
    assert_eq!((d.verdict.route, classes(&d)[0]), (SecurityAssessment, Class::Important));
    let d = world().found("geo.sensitive-area", "a").decide();
    assert_eq!((d.verdict.route, d.classifications[0].row.as_str()), (SecurityAssessment, "P21-1"));
}

#[test]
fn pictures_are_important_only_outside_of_the_vehicle() {
    let face = |p: serde_json::Value| world().with("image.face", "a.jpg", p).parties().prior(0, 0);
    let d = face(json!({})).decide();
    assert!(d.verdict.questions.iter().any(|q| q.fact == "images.exterior"));
    let d = face(json!({"camera": "exterior"})).decide();
    assert_eq!(d.verdict.route, SecurityAssessment);
    let cabin = face(json!({"camera": "cabin"})).says("facts: {persons.sensitive: 3}");
    expect(&cabin, StandardContractOrCertification, Hold, &["approval-missing"], &["approvals.standard-contract"]);
}

#[test]
fn a_picture_with_a_position_asks_what_it_shows() {
    let w = world().with("image.position", "a.jpg", inside());
    expect(&w, Undetermined, Hold, &["candidate-undecided"], &["images.exterior"]);
    expect(&w.says("facts: {images.exterior: false}"), Free, Pass, &[], &[]);
    expect(&world().with("image.position", "a.jpg", json!({"region": "outside"})), Free, Pass, &[], &[]);
    let series = world().finding("image.position", "a.jpg", 0.9, 2, inside()).says("facts: {images.exterior: false}");
    expect(&series, Undetermined, Hold, &["candidate-undecided"], &["determinations.DA-d"]);
}

#[test]
fn an_opaque_place_holds_with_one_question() {
    let w = world().opaque("x.enc", Some(digest('a'))).opaque("y.enc", Some(digest('b')));
    expect(&w, Undetermined, Hold, &["opaque-bytes"], &["accept.opaque"]);
    let q = &w.decide().verdict.questions[0];
    assert_eq!((q.key.as_str(), q.about.len()), ("accept", 2));
    assert!(q.snippet.as_ref().unwrap().contains(&digest('b')));
    let accept = |c: char, until: &str| format!("  - {{digest: \"{}\", reason: r, by: A, until: {until}}}", digest(c));
    let both = format!("accept:\n{}\n{}", accept('a', "2026-12-31"), accept('b', "2026-11-23"));
    expect(&w.clone().says(&both), Free, Pass, &[], &[]);
    let one = format!("accept:\n{}", accept('a', "2026-12-31"));
    expect(&w.clone().says(&one), Undetermined, Hold, &["opaque-bytes"], &["accept.opaque"]);
    let ended = format!("accept:\n{}\n{}", accept('a', "2026-12-31"), accept('b', "2026-11-22"));
    let d = w.clone().says(&ended).decide();
    assert!(d.verdict.outcome == Hold && has(&d, "accept-expired") && d.unused.len() == 1);
    let other = format!("accept:\n{}\n{}", accept('a', "2026-12-31"), accept('c', "2026-12-31"));
    let d = w.says(&other).decide();
    assert!(d.verdict.outcome == Hold && has(&d, "accept-unused"));
}

#[test]
fn what_cannot_be_read_or_was_not_told_holds() {
    let d = world().opaque("dev", None).decide();
    assert_eq!(d.verdict.outcome, Hold);
    assert!(d.verdict.questions[0].snippet.is_none());
    let mut w = world();
    w.outcome.coverage.opaque = 1;
    assert_eq!(w.decide().verdict.outcome, Hold, "bytes that no entry tells of");
    let mut w = world();
    w.outcome.complete = false;
    expect(&w, Undetermined, Hold, &["scan-incomplete"], &[]);
}

#[test]
fn keys_hold_until_each_is_accepted() {
    for kind in ["key.private", "key.password", "key.token"] {
        let w = world().finding(kind, "a.pem", 0.4, 1, json!({}));
        expect(&w, Free, Hold, &["keys-found"], &["accept.findings"]);
        let accept = |id: &str| format!("accept:\n  - {{finding: {id}, reason: test key, by: A, until: 2026-12-31}}");
        expect(&w.clone().says(&accept("f0")), Free, Pass, &[], &[]);
        let wrong = w.says(&accept("f1"));
        expect(&wrong, Free, Hold, &["keys-found"], &["accept.findings"]);
        assert!(has(&wrong.decide(), "accept-unused"));
    }
}

#[test]
fn personal_information_goes_by_the_years_count() {
    // (personal here, sensitive here, prior personal, prior sensitive) → route
    for (p, s, pp, ps, route) in [
        (1, 0, 0, 0, Exempt),
        (99_999, 0, 0, 0, Exempt),
        (1, 0, 99_998, 0, Exempt),
        (1, 0, 99_999, 0, StandardContractOrCertification),
        (100_000, 0, 0, 0, StandardContractOrCertification),
        (1, 0, 999_998, 0, StandardContractOrCertification),
        (1, 0, 999_999, 0, SecurityAssessment),
        (0, 1, 0, 0, StandardContractOrCertification),
        (0, 1, 0, 9_998, StandardContractOrCertification),
        (0, 1, 0, 9_999, SecurityAssessment),
        (0, 9_999, 0, 0, StandardContractOrCertification),
        (0, 10_000, 0, 0, SecurityAssessment),
        (0, 5, 999_999, 0, StandardContractOrCertification),
    ] {
        let w = world().persons("person.phone", p).persons("person.bank-card", s).parties().prior(pp, ps);
        let d = w.decide();
        assert_eq!(d.verdict.route, route, "{p} {s} {pp} {ps}");
        assert_eq!(d.verdict.outcome == Pass, route == Exempt);
        assert_eq!((d.subjects.personal, d.subjects.sensitive), (p, s));
        assert_eq!(d.verdict.as_of.as_deref(), Some("2026-11-23"));
    }
}

#[test]
fn sensitive_persons_are_persons_too() {
    let w = world()
        .persons("person.id-number", 3)
        .found("person.phone", "people.csv")
        .found("vehicle.vin", "cars.csv")
        .parties()
        .prior(0, 0);
    let d = w.decide();
    assert_eq!(classes(&d), [Class::SensitivePersonal, Class::Personal]);
    assert_eq!(d.verdict.route, StandardContractOrCertification);
    let because = |row: &str| d.classifications.iter().find(|c| c.row == row).map(|c| c.because.clone());
    assert_eq!(because("PI").unwrap(), ["f0", "f1", "f2"], "every personal finding stands under PI");
    assert_eq!(because("PI-S").unwrap(), ["f0"]);
    // No more is asked than before, and a contract for the sensitive row alone covers persons who are all of that kind.
    let mut alone = world().persons("person.id-number", 3).parties().prior(0, 0);
    expect(&alone, StandardContractOrCertification, Hold, &["approval-missing"], &["approvals.standard-contract"]);
    let contract = |row: &str| {
        format!(
            "approvals:\n  - {{kind: standard-contract, number: SC1, issued: 2026-01-01, rows: [{row}], recipient: Example GmbH}}"
        )
    };
    expect(&alone.clone().says(&contract("PI-S")), StandardContractOrCertification, Pass, &[], &[]);
    expect(
        &alone.clone().says(&contract("PI")),
        StandardContractOrCertification,
        Hold,
        &["approval-row-not-covered"],
        &["approvals.standard-contract"],
    );
    // With others among them it does not.
    alone = alone.persons("person.phone", 2);
    assert_eq!(alone.says(&contract("PI-S")).decide().verdict.outcome, Hold);
}

#[test]
fn no_finding_is_lost_from_its_row() {
    let w = (0..250).fold(world(), |w, i| w.found("person.phone", &format!("{i}.txt"))).parties().prior(0, 0);
    let d = w.decide();
    assert_eq!(d.classifications.iter().find(|c| c.row == "PI").unwrap().because.len(), 250);
    assert!(d.verdict.reasons.iter().all(|r| r.refs.len() <= 101));
}

#[test]
fn more_than_a_hundred_thousand_subjects_need_a_determination() {
    let w = |n: u64| world().persons("person.phone", n).parties().prior(0, 0);
    assert!(!w(100_000).decide().classifications.iter().any(|c| c.row == "P21-5"));
    expect(
        &w(100_001),
        Undetermined,
        Hold,
        &["candidate-undecided", "approval-missing"],
        &["determinations.P21-5", "approvals.standard-contract"],
    );
    let ruled =
        w(100_001).says("determinations:\n  - {row: CO-j, result: not-important, by: A, date: 2026-11-01, basis: b}");
    assert_eq!(ruled.decide().verdict.route, StandardContractOrCertification);
}

#[test]
fn unknown_counts_ask_only_what_can_change_the_route() {
    let w = world().persons("person.phone", 3);
    expect(
        &w,
        Undetermined,
        Hold,
        &["persons-route-unknown"],
        &["processor.ciio", "prior.sensitive", "prior.personal"],
    );
    expect(&w.clone().prior(0, 0), Undetermined, Hold, &["persons-route-unknown"], &["processor.ciio"]);
    expect(
        &w.clone().parties(),
        Undetermined,
        Hold,
        &["persons-route-unknown"],
        &["prior.sensitive", "prior.personal"],
    );
    // Ten thousand with sensitive information: whatever else is true, it is an assessment.
    let d = world().persons("person.bank-card", 10_000).decide();
    assert_eq!(d.verdict.route, SecurityAssessment);
    assert_eq!(d.verdict.questions.iter().map(|q| q.key.as_str()).collect::<Vec<_>>(), ["approvals"]);
    // A CIIO needs one for a single person.
    let ciio = world().persons("person.phone", 1).says("processor: {ciio: true}");
    assert_eq!(ciio.decide().verdict.route, SecurityAssessment);
    // The manifest may give the year's count too; the command line goes before it.
    let told = w.parties().says("facts: {prior.personal: 0, prior.sensitive: 0}");
    expect(&told, Exempt, Pass, &[], &[]);
    assert_eq!(told.prior(1_000_000, 0).decide().verdict.route, SecurityAssessment);
}

#[test]
fn persons_that_cannot_be_counted_are_an_interval() {
    let mut w = world().with("geo.track", "a.csv", json!({"region": "outside"})).parties().prior(0, 0);
    w.outcome.subjects.uncounted.push(yumen_model::KindId::named("geo.track").unwrap());
    let d = w.decide();
    assert_eq!(d.subjects.sensitive, 1);
    assert!(d.verdict.questions.iter().any(|q| q.fact == "persons.sensitive"), "{:?}", d.verdict.questions);
    // Nothing suggests a hundred thousand persons yet: it is told as open, and is no class of the shipment.
    assert_eq!(classes(&d), [Class::SensitivePersonal, Class::Personal]);
    assert!(has(&d, "important-undecided") && !has(&d, "candidate-undecided"));
    let few = w.clone().says("facts: {persons.sensitive: 7}");
    assert_eq!(few.decide().verdict.route, StandardContractOrCertification);
    let many = w.says("facts: {persons.sensitive: 10000}");
    assert_eq!(many.decide().verdict.route, SecurityAssessment);
    // Names in prose: an occurrence names one person at most, so a dozen can't reach a bound.
    let names = world().finding("person.name", "a.txt", 0.9, 12, json!({})).parties().prior(0, 0);
    expect(&names, Exempt, Pass, &[], &[]);
    // A number by context alone is personal information of someone.
    let vin = world().finding("vehicle.vin", "a.txt", 0.5, 1, json!({"checksum": false})).parties().prior(0, 0);
    expect(&vin, Exempt, Pass, &[], &[]);
}

#[test]
fn a_declared_number_never_lowers_what_was_seen() {
    let w = world().persons("person.bank-card", 10_000).parties().prior(0, 0).says("facts: {persons.sensitive: 1}");
    let d = w.decide();
    assert_eq!(d.verdict.route, SecurityAssessment);
    assert!(has(&d, "fact-contradicts-scan"));
}

#[test]
fn what_no_scan_can_tell_a_person_may_declare() {
    let w = world().says("determinations:\n  - {row: DA-i, result: important, by: A, date: 2026-11-01, basis: b}");
    assert_eq!(w.decide().verdict.route, SecurityAssessment);
    let w = world().says("facts: {incident.data: true}");
    expect(&w, Undetermined, Hold, &["candidate-undecided"], &["determinations.INC-a"]);
}
