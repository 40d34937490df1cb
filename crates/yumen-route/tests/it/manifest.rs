//! Reading of `shipment.yaml`: all errors at once, with their places.

use yumen_route::Shipment;
use yumen_rules::yaml::SourceFile;

use crate::kit::BOOK;

fn errors(text: &str) -> String {
    let file = SourceFile::new("shipment.yaml", text);
    Shipment::from_source(&file, &BOOK).map_or_else(|e| e.plain(), |_| "no error".to_owned())
}

#[test]
fn the_contracts_own_example_is_read() {
    let text = r#"shipment: 2026-07-ota-eu-04
processor: {name: 示例汽车, uscc: 91350100M000100Y43, ciio: false, free-trade-zone: null}
recipient: {name: Example GmbH, country: DE, access: transfer}      # transfer | remote-access | processing-abroad
scenario: software-upgrade
purpose: recall
transfer-date: 2026-07-14
facts:
  upgrade.vehicles-in-china: false
  geo.processed: {value: true, applies-to: "maps/**", basis: "licence 12"}
approvals:
  - {kind: security-assessment, number: 007, issued: 2025-03-01, expires: 2028-02-29, rows: [OTA-1], recipient: Example GmbH}
exemptions:
  - {kind: E9, rows: [OTA-1], filing: F-1, authority: SAMR, filed: 2026-06-30}
determinations:
  - {row: MF-a, artifacts: ["bom/**"], result: not-important, by: A. Tester, date: 2026-07-01, basis: none listed}
accept:
  - {digest: "blake3:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", reason: "supplier's encrypted ECU image", by: A, until: 2026-12-31}
  - {finding: "1f", reason: "test key, revoked", by: A, until: 2026-12-31}
"#;
    let s = Shipment::from_source(&SourceFile::new("shipment.yaml", text), &BOOK)
        .unwrap_or_else(|e| panic!("{}", e.plain()));
    assert_eq!(s.id(), "2026-07-ota-eu-04");
    assert_eq!(s.recipient().unwrap().country.as_deref(), Some("DE"));
    assert!(s.digest().starts_with("blake3:"));
    assert_eq!(s.processor().ciio, Some(false));
}

#[test]
fn all_errors_come_at_once() {
    insta::assert_snapshot!(errors(
        r#"shipment: x
processor: {ciio: no, uscc: 1}
recipient: {country: Germany}
scenario: r-and-b
transfer-date: 2026-13-24
pupose: test
facts:
  upgrade.vehicles-in-chin: true
  geo.processed: maybe
  persons.sensitive: {value: 3, applies-to: "a/**"}
  processor.ciio: true
  area: {sensitive: true}
approvals:
  - {kind: security-assesment, number: 1, issued: 2026-1-1, rows: [OTA-2]}
  - {kind: certification, number: 2, issued: 2026-01-01, expires: 2025-01-01}
exemptions:
  - {kind: E10, rows: [OTA-1]}
determinations:
  - {row: MF-a, result: unimportant, by: A, date: 2026-01-01}
  - {row: P21-5, result: important, by: A, date: 2026-01-01, basis: b, artifact: x}
accept:
  - {digest: "sha256:00", reason: r, by: A, until: tomorrow}
  - {reason: r, by: A, until: 2026-12-31}
shipment: y
"#
    ));
}

#[test]
fn what_is_no_yaml_is_told_where() {
    insta::assert_snapshot!(
        [
            "shipment: a\n  recipient: {name: x\n",
            "shipment: a\nfacts:\n\tupgrade.vehicles-in-china: false\n",
            "shipment: \"a\nfacts: {}\n",
            "shipment: a\npurpose: test: of things\n",
            "- shipment: a\n",
            "",
            "# nothing\n",
            "shipment: a\nfacts: [1, 2]\n",
            "shipment: a\n---\nshipment: b\n",
            "shipment: &a x\npurpose: *b\n",
        ]
        .map(errors)
        .join("--\n")
    );
}

#[test]
fn a_bomb_is_refused_quickly() {
    let mut text = String::from("shipment: x\na0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for i in 1..12 {
        let refs = vec![format!("*a{}", i - 1); 9].join(",");
        text.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
    }
    let start = std::time::Instant::now();
    assert!(errors(&text).contains("not valid YAML"));
    assert!(start.elapsed().as_secs() < 2);
    let deep = format!("shipment: x\nfacts: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    assert!(errors(&deep).contains("not valid YAML"));
}

#[test]
fn scalars_are_taken_as_they_are_spelled() {
    let text = "shipment: 007\npurpose: &p 1.50\nprocessor: {name: *p, uscc: 91350100M000100Y43}\nrecipient: {name: yes, country: NO}\n";
    let s = Shipment::from_source(&SourceFile::new("s.yaml", text), &BOOK).unwrap_or_else(|e| panic!("{}", e.plain()));
    assert_eq!((s.id(), s.purpose()), ("007", Some("1.50")));
    assert_eq!(s.processor().name.as_deref(), Some("1.5"));
    assert_eq!((s.recipient().unwrap().name.as_str(), s.recipient().unwrap().country.as_deref()), ("yes", Some("NO")));
}

#[test]
fn a_missing_file_is_told() {
    let e = Shipment::load(std::path::Path::new("/no/such/shipment.yaml"), &BOOK).unwrap_err();
    assert!(e.to_string().contains("/no/such/shipment.yaml"));
    assert_eq!(e.into_reports().len(), 1);
}

#[test]
fn reports_show_the_place() {
    let file = SourceFile::new("shipment.yaml", "shipment: x\npupose: y\n");
    let reports = Shipment::from_source(&file, &BOOK).unwrap_err().into_reports();
    let shown = format!("{:?}", reports[0]);
    assert!(shown.contains("shipment.yaml:2:1") && shown.contains("did you mean `purpose`?"), "{shown}");
}

#[test]
fn snippets_of_questions_are_manifests_once_filled_in() {
    use crate::kit::{digest, world};
    use serde_json::json;
    let w = world()
        .with("geo.map", "maps/[a] {b}*.xodr", json!({"region": "inside"}))
        .with("doc.secrecy-marking", "x", json!({"level": "internal"}))
        .found("doc.bom", "bom.csv")
        .found("key.private", "k.pem")
        .persons("person.phone", 3)
        .opaque("e.enc", Some(digest('a')));
    let d = w.decide();
    assert!(d.verdict.questions.len() >= 8, "{:?}", d.verdict.questions);
    for q in &d.verdict.questions {
        let snippet = q.snippet.as_ref().unwrap_or_else(|| panic!("{q:?}"));
        let filled = fill(snippet);
        let text = format!("shipment: x\n{filled}");
        assert_eq!(errors(&text), "no error", "{text}");
        assert!(filled.starts_with(q.key.split('.').next().unwrap()), "{filled}");
    }
}

/// A snippet with its blanks filled in.
fn fill(snippet: &str) -> String {
    let mut out = String::new();
    for line in snippet.lines() {
        let bare = line.split("  #").next().unwrap().trim_end();
        let value = match bare.trim().trim_start_matches("- ") {
            "result:" => " not-important",
            "issued:" => " 2026-01-01",
            "expires:" | "until:" => " 2027-01-01",
            key if key.ends_with(':') && line.contains("a whole number") => " 3",
            key if key.ends_with(':') && line.contains("true or false") => " true",
            key if key.ends_with(':')
                && !["facts:", "accept:", "approvals:", "determinations:", "processor:"].contains(&key) =>
            {
                " A"
            }
            _ => "",
        };
        out.push_str(bare);
        out.push_str(value);
        out.push('\n');
    }
    out
}

#[test]
fn the_schema_says_what_the_loader_says() {
    let schema = yumen_route::schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let digest = crate::kit::digest('a');
    let good = serde_json::json!({
        "shipment": "a", "processor": {"name": "n", "ciio": false, "free-trade-zone": null},
        "recipient": {"name": "n", "country": "DE", "access": "transfer"}, "scenario": "r-and-d", "transfer-date": "2026-07-14",
        "facts": {"geo.processed": [{"value": true, "applies-to": "maps/**"}, {"value": false, "applies-to": ["a", "b"], "basis": "x"}],
                  "persons.sensitive": 3, "area.sensitive": {"value": false}},
        "approvals": [{"kind": "certification", "number": 7, "issued": "2026-01-01", "rows": ["PI"], "recipient": "n"}],
        "exemptions": [{"kind": "E9", "rows": ["OTA-1"], "filing": "f", "authority": "SAMR", "filed": "2026-01-01"}],
        "determinations": [{"row": "MF-a", "artifacts": ["a"], "result": "not-important", "by": "b", "date": "2026-01-01", "basis": "c"}],
        "accept": [{"digest": digest, "reason": "r", "by": "b", "until": "2026-12-31"}],
    });
    let check = |value: &serde_json::Value| (validator.is_valid(value), errors(&value.to_string()) == "no error");
    assert_eq!(check(&good), (true, true), "{}", errors(&good.to_string()));
    for (pointer, value) in [
        ("/scenario", "r-and-b".into()),
        ("/transfer-date", "14.07.2026".into()),
        ("/recipient/country", "Germany".into()),
        ("/recipient/access", "fax".into()),
        ("/processor/ciio", "no".into()),
        ("/approvals/0/kind", "permit".into()),
        ("/exemptions/0/kind", "E10".into()),
        ("/determinations/0/result", "unimportant".into()),
        ("/accept/0/digest", "sha256:1".into()),
        ("/accept/0/by", serde_json::Value::Null),
        ("/facts/geo.processed", serde_json::json!([{"applies-to": "a"}])),
        ("/approvals/0", serde_json::json!({"kind": "certification", "numbr": 1, "number": 1, "issued": "2026-01-01"})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert_eq!(check(&bad), (false, false), "{pointer}: {}", errors(&bad.to_string()));
    }
}

#[test]
fn a_big_manifest_is_read_and_a_flood_of_errors_is_not_shown() {
    let accepts: String = (0..9_000)
        .map(|i| format!("  - {{digest: \"blake3:{i:064x}\", reason: r, by: A, until: 2026-12-31}}\n"))
        .collect();
    let w = crate::kit::world().says(&format!("accept:\n{accepts}"));
    let start = std::time::Instant::now();
    let d = w.decide();
    assert_eq!(d.unused.len(), 21, "twenty one by one, the rest by number");
    assert!(d.unused[20].1.en.contains("8980 more"), "{}", d.unused[20].1.en);
    let flood: String = (0..20_000).map(|i| format!("  k{i}: 1\n")).collect();
    let told = errors(&format!("shipment: x\nfacts:\n{flood}"));
    assert_eq!(told.lines().filter(|l| !l.starts_with("    ")).count(), 101);
    assert!(told.contains("has 19900 more errors"));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn determinations_answer_what_is_asked_of_their_row() {
    let line = |row: &str, result: &str| {
        let text = format!(
            "shipment: x\ndeterminations:\n  - {{row: {row}, artifacts: [a], result: {result}, by: A, date: 2026-01-01, basis: b}}\n"
        );
        errors(&text)
    };
    for (row, result) in [("SS-0", "secret"), ("SS-0", "not-secret"), ("SS-0", "not-important"), ("MF-a", "important")]
    {
        assert_eq!(line(row, result), "no error", "{row} {result}");
    }
    assert!(line("MF-a", "secret").contains("`secret` is no answer for MF-a"));
    assert!(line("\"[MF-a, SS-0]\"", "x").contains("no row"), "one text is one row");
    assert!(line("[MF-a, SS-0]", "not-secret").contains("no answer for MF-a"));
    assert!(line("SS-0", "important").contains("write `secret` or `not-secret`"));
}

#[test]
fn sections_pasted_twice_say_where_to_put_them() {
    let told = errors("shipment: x\nfacts:\n  area.sensitive: false\nfacts:\n  geo.processed: true\n");
    assert!(told.contains("shipment.yaml:4:1: the key `facts` stands twice"), "{told}");
    assert!(told.contains("it stands in line 2 already; move the lines below it there"), "{told}");
    let told =
        errors("shipment: x\nfacts:\n  area.sensitive: \"true\"\n  prior.personal: 10万\n  prior.sensitive: 1e3\n");
    assert!(told.contains("write `true`, without quotation marks"), "{told}");
    assert_eq!(told.matches("write digits only").count(), 2, "{told}");
}
