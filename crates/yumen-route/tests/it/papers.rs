//! Approvals and exemptions: each way in which one falls short is named.

use serde_json::json;
use yumen_model::verdict::Outcome::{Hold, Pass};
use yumen_model::verdict::Route::{Exempt, SecurityAssessment, StandardContractOrCertification};

use crate::kit::{World, classes, has, view, world};

fn ota() -> World {
    world()
        .found("code.ota", "src/ota.c")
        .with("code.remote-control", "src/rc.c", json!({"form": "source"}))
        .with("code.cruise", "src/acc.c", json!({"form": "source"}))
        .says("facts: {upgrade.vehicles-in-china: true}")
}

#[test]
fn an_assessment_must_be_good_in_every_respect() {
    let good = "kind: security-assessment, number: A1, issued: 2025-03-01, expires: 2028-02-29, rows: [OTA-1], recipient: Example GmbH";
    let holds = |approval: &str, transfer: &str| {
        let w = ota().parties().says(transfer).says(&format!("approvals:\n  - {{{approval}}}"));
        let d = w.decide();
        assert_eq!(d.verdict.route, SecurityAssessment);
        let (_, outcome, codes, asks) = view(&d);
        assert_eq!(outcome == Pass, codes.is_empty());
        assert_eq!(outcome == Hold, asks == ["approvals.security-assessment"], "{asks:?}");
        codes.into_iter().map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(holds(good, ""), "");
    assert_eq!(holds(&good.replace("kind: security-assessment", "kind: assessment"), ""), "");
    assert_eq!(holds(&good.replace("Example GmbH", "\" example  GMBH\""), ""), "");
    for (was, becomes, transfer, code) in [
        ("2028-02-29", "2026-11-22", "", "approval-expired"),
        ("2028-02-29", "2026-11-23", "", ""),
        ("2028-02-29", "2026-12-01", "transfer-date: 2026-12-02", "approval-expired"),
        ("2028-02-29", "2026-12-01", "transfer-date: 2026-12-01", ""),
        ("2025-03-01", "2026-11-24", "", "approval-not-issued"),
        ("2025-03-01", "2026-11-23", "", ""),
        ("2025-03-01", "2026-07-15", "transfer-date: 2026-07-14", "approval-not-issued"),
        ("issued: 2025-03-01", "issued: 2025-03-01, effective: 2026-12-01", "", "approval-not-effective"),
        ("issued: 2025-03-01", "issued: 2025-03-01, effective: 2026-12-01", "transfer-date: 2026-12-01", ""),
        ("Example GmbH", "Other AG", "", "approval-other-recipient"),
        (", recipient: Example GmbH", "", "", "approval-no-recipient"),
        ("[OTA-1]", "[MF-a]", "", "approval-row-not-covered"),
        (", rows: [OTA-1]", "", "", "approval-row-not-covered"),
        ("security-assessment", "standard-contract", "", "approval-missing"),
        ("recipient:", "artifacts: [lib], recipient:", "", "approval-row-not-covered"),
        ("recipient:", "artifacts: [src], recipient:", "", ""),
        // Without an end it holds for three years.
        (", expires: 2028-02-29", "", "", ""),
        ("2025-03-01, expires: 2028-02-29", "2023-11-23", "", "approval-expired"),
        ("2025-03-01, expires: 2028-02-29", "2023-11-24", "", ""),
    ] {
        assert!(good.contains(was), "{was}");
        assert_eq!(holds(&good.replace(was, becomes), transfer), code, "{was} → {becomes} {transfer}");
    }
}

#[test]
fn several_approvals_cover_together_and_open_rows_may_be_covered_too() {
    let w = ota().parties().found("doc.bom", "bom.csv");
    let both = "approvals:\n  - {kind: security-assessment, number: A1, issued: 2025-03-01, rows: [OTA-1, MF-a], recipient: Example GmbH}";
    assert_eq!(view(&w.clone().says(both).decide()), (SecurityAssessment, Pass, vec![], vec![]));
    let two = "approvals:\n  - {kind: security-assessment, number: A1, issued: 2025-03-01, rows: [OTA-1], recipient: Example GmbH}\n  - {kind: security-assessment, number: A2, issued: 2025-03-01, rows: [MF-a], recipient: Example GmbH}";
    assert_eq!(w.clone().says(two).decide().verdict.outcome, Pass);
    let one = "approvals:\n  - {kind: security-assessment, number: A1, issued: 2025-03-01, rows: [OTA-1], recipient: Example GmbH}";
    assert_eq!(
        view(&w.says(one).decide()),
        (SecurityAssessment, Hold, vec!["candidate-undecided"], vec!["determinations.MF-a"])
    );
}

#[test]
fn contract_certification_and_assessment_meet_the_contract_band() {
    let w = world().persons("person.bank-card", 5).parties().prior(0, 0);
    for (line, outcome) in [
        ("kind: standard-contract, number: C, issued: 2026-01-01, recipient: Example GmbH", Pass),
        ("kind: certification, number: C, issued: 2026-01-01, recipient: Example GmbH", Pass),
        ("kind: security-assessment, number: C, issued: 2026-01-01, rows: [PI-S], recipient: Example GmbH", Pass),
        ("kind: standard-contract, number: C, issued: 2026-01-01, rows: [PI], recipient: Example GmbH", Hold),
        (
            "kind: standard-contract, number: C, issued: 2026-01-01, effective: 2027-01-01, recipient: Example GmbH",
            Hold,
        ),
        ("kind: map-review, number: C, issued: 2026-01-01, recipient: Example GmbH", Hold),
    ] {
        let d = w.clone().says(&format!("approvals:\n  - {{{line}}}")).decide();
        assert_eq!((d.verdict.route, d.verdict.outcome), (StandardContractOrCertification, outcome), "{line}");
    }
}

#[test]
fn defects_filed_with_samr_lift_upgrade_source_alone() {
    let good = "kind: E9, rows: [OTA-1], filing: F1, authority: SAMR, filed: 2026-06-30";
    let w = |claim: &str, transfer: &str| ota().says(transfer).says(&format!("exemptions:\n  - {{{claim}}}"));
    let d = w(good, "transfer-date: 2026-07-14").decide();
    assert_eq!(view(&d), (Exempt, Pass, vec![], vec![]));
    assert_eq!(
        (d.classifications[0].status.as_str(), d.classifications[0].settled_by.as_deref()),
        ("exempted", Some("E9"))
    );
    assert!(d.verdict.classes.is_empty());
    for (was, becomes, transfer, code) in [
        ("2026-06-30", "2026-07-15", "transfer-date: 2026-07-14", "exemption-filed-late"),
        ("2026-06-30", "2026-11-24", "", "exemption-filed-late"),
        ("2026-06-30", "2026-11-24", "transfer-date: 2026-12-24", "exemption-filed-late"),
        ("SAMR", "MIIT", "", "exemption-authority"),
        (", filing: F1", "", "", "exemption-incomplete"),
        (", authority: SAMR", "", "", "exemption-incomplete"),
        (", filed: 2026-06-30", "", "", "exemption-incomplete"),
        ("E9", "E7", "", "exemption-not-for-row"),
        ("E9", "E2", "", "exemption-not-for-row"),
        ("E9", "E6", "", "exemption-zone-list"),
        ("OTA-1", "MF-a", "", "exemption-unused"),
        (", rows: [OTA-1]", "", "", "exemption-incomplete"),
        ("E9, rows: [OTA-1]", "E5", "", "exemption-unused"),
    ] {
        let d = w(&good.replace(was, becomes), transfer).decide();
        assert_eq!((d.verdict.route, d.verdict.outcome), (SecurityAssessment, Hold), "{becomes}");
        assert!(
            has(&d, code) || (code == "exemption-not-for-row" && becomes == "E2"),
            "{becomes}: {:?}",
            d.verdict.reasons
        );
    }
}

#[test]
fn a_lifted_row_leaves_the_persons_to_be_judged() {
    let w = ota()
        .persons("person.bank-card", 5)
        .parties()
        .prior(0, 0)
        .says("exemptions:\n  - {kind: E9, rows: [OTA-1], filing: F1, authority: 市场监管总局, filed: 2026-06-30}");
    assert_eq!(
        view(&w.decide()),
        (StandardContractOrCertification, Hold, vec!["approval-missing"], vec!["approvals.standard-contract"])
    );
}

#[test]
fn vulnerability_data_is_lifted_by_its_own_exemption() {
    let w = |kind: &str| {
        world().found("vuln.report", "v.md").says(&format!(
            "exemptions:\n  - {{kind: {kind}, rows: [VUL-a], filing: F, authority: 工信部, filed: 2026-01-01}}"
        ))
    };
    assert_eq!(w("E7").decide().verdict.outcome, Pass);
    assert_eq!(w("E8").decide().verdict.outcome, Hold);
}

#[test]
fn covered_persons_are_not_counted() {
    let mut w = world()
        .finding("person.name", "hr/staff.csv", 0.9, 3, json!({}))
        .says("exemptions:\n  - {kind: E3, artifacts: [\"hr/**\"], basis: collective contract}");
    w.outcome.subjects.exempt = 3;
    let d = w.decide();
    assert_eq!((d.verdict.route, d.verdict.outcome), (Exempt, Pass));
    assert!(has(&d, "persons-exempt") && !has(&d, "nothing-regulated"));
    let c = &d.classifications[0];
    assert_eq!((c.row.as_str(), c.status.as_str(), c.settled_by.as_deref()), ("PI", "exempted", Some("E3")));
    assert_eq!(c.because, ["f0"], "what is exempt still stands under its row");
    assert!(classes(&d).is_empty() && d.checklist.iter().any(|(id, _)| id == "notice"), "duties stay");
    let shipment = w.shipment().unwrap();
    assert!(shipment.covers("x.zip!/hr/staff.csv") && !shipment.covers("sales/staff.csv"));
    assert!(shipment.covered_globs().contains(&"**/hr/**".to_owned()));
    let elsewhere = world()
        .found("person.name", "sales/a.csv")
        .says("exemptions:\n  - {kind: E3, artifacts: [\"hr/**\"], basis: collective contract}");
    assert!(has(&elsewhere.decide(), "exemption-unused"), "what covers nothing is told");
    let bare = world().says("exemptions:\n  - {kind: E3, artifacts: [hr]}");
    assert!(!bare.shipment().unwrap().covers("hr/a"), "no basis, no cover");
    assert!(has(&bare.decide(), "exemption-incomplete"));
}

#[test]
fn determinations_must_cover_every_artifact_and_be_of_the_past() {
    let w = world().found("doc.bom", "bom/a.csv").found("doc.bom", "old/b.csv");
    let d = |lines: &str| w.clone().says(&format!("determinations:\n{lines}")).decide();
    let entry = |glob: &str, result: &str, date: &str| {
        format!("  - {{row: MF-a, artifacts: [\"{glob}\"], result: {result}, by: A, date: {date}, basis: b}}\n")
    };
    assert_eq!(d(&entry("bom/**", "not-important", "2026-11-01")).verdict.outcome, Hold);
    let both = entry("bom/**", "not-important", "2026-11-01") + &entry("old", "not-important", "2026-11-23");
    assert_eq!(d(&both).verdict.outcome, Pass);
    let mixed = entry("bom/**", "not-important", "2026-11-01") + &entry("old", "important", "2026-11-23");
    assert_eq!(d(&mixed).verdict.route, SecurityAssessment);
    let future = d(&entry("**", "not-important", "2026-11-24"));
    assert!(future.verdict.outcome == Hold && has(&future, "determination-in-future"));
    let stale = d(&(entry("**", "not-important", "2026-11-01") + &entry("gone/**", "not-important", "2026-11-01")));
    assert!(stale.verdict.outcome == Pass && has(&stale, "determination-unused"));
    let firm = ota().parties().says(
        "determinations:\n  - {row: OTA-1, artifacts: [src], result: not-important, by: A, date: 2026-11-01, basis: b}",
    );
    let firm = firm.decide();
    assert!(firm.verdict.route == SecurityAssessment && has(&firm, "determination-cannot-lift"));
}

#[test]
fn what_the_configuration_loosens_is_told() {
    use yumen_rules::yaml::SourceFile;
    let overlay = "switches:\n  id-number-is-sensitive: {on: false, reason: counsel's opinion of 2026-05}\nloosen:\n  - {row: MF-a, off: true, reason: parts lists are public}\n";
    let book = crate::kit::BOOK.clone().with_overlay_source(&SourceFile::new("yumen.yaml", overlay)).unwrap();
    let w = world().persons("person.id-number", 20_000).found("doc.bom", "b").parties().prior(0, 0);
    assert_eq!(w.decide().verdict.outcome, Hold);
    let d = w.decide_by(&book);
    assert_eq!((d.verdict.outcome, d.overlay_notes.len()), (Pass, 2));
    assert_eq!(d.verdict.reasons.iter().filter(|r| r.code == "loosened").count(), 2);
    assert_ne!(book.digest(), crate::kit::BOOK.digest());
}

#[test]
fn rows_of_an_organisation_are_heard() {
    use yumen_rules::yaml::SourceFile;
    let overlay = r"
rows:
  - id: ORG-1
    scenario: any
    item: {zh: 通知的重要数据, en: notified data}
    when: {found: doc.test-report}
    class: important
    provenance: {basis: organisation, confidence: high}
  - id: ORG-2
    scenario: any
    item: {zh: 设备标识, en: device marks}
    when: {found: network.plan}
    class: sensitive-personal
    provenance: {basis: organisation, confidence: high}
  - id: MF-a
    class: important
";
    let book = crate::kit::BOOK.clone().with_overlay_source(&SourceFile::new("yumen.yaml", overlay)).unwrap();
    assert_eq!(world().found("doc.test-report", "a").decide_by(&book).verdict.route, SecurityAssessment);
    assert_eq!(world().found("doc.bom", "a").decide_by(&book).verdict.route, SecurityAssessment);
    let d = world().found("network.plan", "a").parties().prior(0, 0).decide_by(&book);
    assert!(d.verdict.questions.iter().any(|q| q.fact == "persons.sensitive"), "its persons can't be counted");
}

#[test]
fn what_is_determined_in_part_is_asked_for_the_rest() {
    let w = world().found("doc.bom", "a/1.csv").found("doc.bom", "b/2.csv").says(
        "determinations:\n  - {row: MF-a, artifacts: [a], result: not-important, by: A, date: 2026-11-01, basis: b}",
    );
    let d = w.decide();
    let q = &d.verdict.questions[0];
    assert_eq!(q.about, ["MF-a", "b/2.csv"]);
    assert!(q.snippet.as_ref().unwrap().contains("artifacts: [\"b/2.csv\"]"));
    // Several hundred artifacts are answered by one paste.
    let many = (0..300).fold(world(), |w, i| w.found("doc.bom", &format!("in/{}/{i}.csv", i % 7)));
    let snippet = many.decide().verdict.questions[0].snippet.clone().unwrap();
    let answered =
        snippet.replace("result:", "result: not-important").replace("by:", "by: A").replace("basis:", "basis: b");
    assert_eq!(many.says(&answered).decide().verdict.outcome, Pass);
}

#[test]
fn recipients_in_hong_kong_are_abroad() {
    for (country, code) in
        [("HK", "recipient-hk-macao-taiwan"), ("MO", "recipient-hk-macao-taiwan"), ("CN", "recipient-in-china")]
    {
        let w = world()
            .persons("person.phone", 3)
            .prior(0, 0)
            .says(&format!("processor: {{ciio: false}}\nrecipient: {{name: R, country: {country}}}"));
        let d = w.decide();
        assert!(has(&d, code), "{country}");
        assert_eq!((d.verdict.route, d.verdict.outcome), (Exempt, Pass), "it is told and holds nothing");
    }
}

#[test]
fn long_values_are_not_quoted_whole() {
    use yumen_rules::yaml::SourceFile;
    let text =
        format!("shipment: x\nfacts:\n  geo.processed: {{value: true, applies-to: \"{}\"}}\n", "a".repeat(100_000));
    let e = yumen_route::Shipment::from_source(&SourceFile::new("s.yaml", text), &crate::kit::BOOK).unwrap_err();
    let shown: String = e.into_reports().iter().map(|r| format!("{r:?}")).collect();
    assert!(shown.len() < 1_000 && shown.contains("longer than 4096 bytes") && shown.contains("s.yaml:3:"), "{shown}");
}
