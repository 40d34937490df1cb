//! The same shipment with a manifest: what lets it go, and what stops it again.

use crate::gate::shipment;
use crate::kit::{Place, Report, text};

const SIZE: usize = 1 << 20;

/// A manifest that answers every question of the planted shipment. `edit` changes it.
fn manifest(report: &Report, edit: impl Fn(String) -> String) -> String {
    let digest = text(&report.list("opaque")[0]["digest"]);
    let key = report.list("findings").iter().find(|f| f["kind"] == "key.private").unwrap();
    let key = text(&key["id"]);
    edit(format!(
        r#"shipment: 2026-11-test-01
processor: {{name: 示例汽车有限公司, uscc: 91350100M000100Y43, ciio: false, free-trade-zone: null}}
recipient: {{name: Example GmbH, country: DE, access: transfer}}
scenario: r-and-d
purpose: joint testing
transfer-date: 2026-11-24
approvals:
  - {{kind: standard-contract, number: SC-1, issued: 2026-01-01, expires: 2028-12-31, rows: [PI, PI-S], recipient: Example GmbH}}
accept:
  - {{digest: "{digest}", reason: "supplier's encrypted ECU image, cleared apart", by: Test Officer, until: 2026-12-31}}
  - {{finding: "{key}", reason: "test key, revoked", by: Test Officer, until: 2026-12-31}}
"#
    ))
}

fn with(place: &Place, manifest: &str) -> (i32, Report) {
    place.file("shipment.yaml", manifest);
    place.scan(&[
        "in.zip",
        "--shipment",
        "shipment.yaml",
        "--as-of",
        "2026-11-23",
        "--prior-personal",
        "100",
        "--prior-sensitive",
        "10",
    ])
}

fn planted() -> (Place, Report) {
    let place = Place::new();
    place.file("in.zip", shipment(SIZE, 0));
    let (_, first) = place.scan(&["in.zip", "--as-of", "2026-11-23"]);
    (place, first)
}

#[test]
fn with_every_question_answered_it_may_go() {
    let (place, first) = planted();
    let (code, report) = with(&place, &manifest(&first, |m| m));
    assert_eq!((code, report.outcome()), (0, "pass"), "{:#}", report.0["verdict"]);
    assert_eq!(report.route(), "standard-contract-or-certification");
    assert!(report.question_keys().is_empty());
    assert_eq!(report.0["verdict"]["as_of"], "2026-11-23");
}

#[test]
fn an_expired_approval_holds() {
    let (place, first) = planted();
    let (code, report) = with(&place, &manifest(&first, |m| m.replace("expires: 2028-12-31", "expires: 2026-10-31")));
    assert_eq!((code, report.outcome()), (1, "hold"));
    assert!(report.reasons().contains("expired"), "{}", report.reasons());
}

#[test]
fn an_approval_for_another_recipient_holds() {
    let (place, first) = planted();
    let (code, report) =
        with(&place, &manifest(&first, |m| m.replace("recipient: Example GmbH}", "recipient: Other AG}")));
    assert_eq!((code, report.outcome()), (1, "hold"));
    assert!(report.reasons().contains("recipient"), "{}", report.reasons());
}

#[test]
fn one_changed_byte_of_the_encrypted_member_holds() {
    let (place, first) = planted();
    place.file("in.zip", shipment(SIZE, 1));
    let (code, report) = with(&place, &manifest(&first, |m| m));
    assert_eq!((code, report.outcome()), (1, "hold"));
    let digest = text(&report.list("opaque")[0]["digest"]);
    assert_ne!(digest, text(&first.list("opaque")[0]["digest"]));
    assert!(report.reasons().contains("opaque"), "{}", report.reasons());
}

#[test]
fn an_acceptance_that_has_ended_holds() {
    let (place, first) = planted();
    let (code, _) = with(&place, &manifest(&first, |m| m.replace("until: 2026-12-31", "until: 2026-11-01")));
    assert_eq!(code, 1);
}

#[test]
fn ten_thousand_sensitive_persons_ask_for_an_assessment() {
    let (place, first) = planted();
    place.file("shipment.yaml", manifest(&first, |m| m));
    let scan = |prior: &str| {
        place.scan(&[
            "in.zip",
            "--shipment",
            "shipment.yaml",
            "--as-of",
            "2026-11-23",
            "--prior-personal",
            "0",
            "--prior-sensitive",
            prior,
        ])
    };
    // Fifty persons are in the shipment.
    let (code, below) = scan("9949");
    assert_eq!((code, below.route()), (0, "standard-contract-or-certification"));
    let (code, at) = scan("9950");
    assert_eq!((code, at.route()), (1, "security-assessment"));
}

#[test]
fn the_words_of_the_manifest_are_checked_all_at_once() {
    let (place, first) = planted();
    let broken = manifest(&first, |m| {
        m.replace("scenario: r-and-d", "scenario: r-and-b")
            .replace("2026-11-24", "2026-13-24")
            .replace("purpose:", "pupose:")
    });
    place.file("shipment.yaml", &broken);
    let ran = place.yumen(&["scan", "in.zip", "--shipment", "shipment.yaml"]);
    assert_eq!(ran.code, 2);
    for word in ["r-and-b", "2026-13-24", "pupose"] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    assert!(ran.stderr.contains("shipment.yaml:5"), "line and column are told: {}", ran.stderr);
    assert!(ran.stdout.is_empty());
}
