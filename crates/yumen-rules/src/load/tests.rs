use std::collections::BTreeSet;

use yumen_model::verdict::Class;

use super::*;
use crate::book::{Detectable, Settled};
use crate::condition::{Condition, Level};
use crate::facts::FactType;
use crate::yaml::Value;

fn source(text: &str) -> Arc<SourceFile> {
    SourceFile::new("rules.yaml", text)
}

fn errors(text: &str) -> String {
    Rulebook::from_source(&source(text)).map_or_else(|e| e.plain(), |_| "no error".to_owned())
}

fn overlay_errors(text: &str) -> String {
    let file = SourceFile::new("yumen.yaml", text);
    Rulebook::builtin().with_overlay_source(&file).map_or_else(|e| e.plain(), |_| "no error".to_owned())
}

#[test]
fn the_built_in_rulebook_loads() {
    if let Err(e) = Rulebook::from_source(&SourceFile::new("cn-auto-2026.yaml", BUILTIN)) {
        panic!("{}", e.plain());
    }
    let book = Rulebook::load("cn-auto-2026", None).unwrap();
    assert_eq!((book.id(), book.annex()), ("cn-auto-2026", "not-verified"));
    assert_eq!(book.digest(), format!("blake3:{}", blake3::hash(BUILTIN.as_bytes()).to_hex()));
}

#[test]
fn every_row_is_there_and_none_vanishes() {
    let book = Rulebook::builtin();
    let ids: Vec<&str> = book.rows().iter().map(|r| r.id.as_str()).collect();
    insta::assert_snapshot!(ids.join(" "), @"RD-a RD-b RD-c MF-a MF-b DA-a DA-b DA-c DA-d DA-e DA-f DA-g DA-h DA-i DA-j OTA-1 CO-a CO-b CO-c CO-d CO-e CO-f CO-g P21-1 P21-2 P21-3 P21-4 P21-5 P21-6 SS-0 GEO-0 SEC-1 VUL-a INC-a CATCH PI-S PI");
    for (alias, row) in [("CO-h", "P21-4"), ("CO-i", "P21-1"), ("CO-j", "P21-5")] {
        assert_eq!(book.row(alias).unwrap().id, row);
    }
    for e in 1..=9 {
        assert!(book.exemption(&format!("E{e}")).is_some());
    }
    for id in ["SA-1", "SA-2", "SA-3", "SA-4", "SA-5", "SC-1", "SC-2", "SC-3"] {
        assert!(book.routes().iter().any(|r| r.id == id));
    }
}

#[test]
fn rows_without_a_criterion_are_no_more_than_candidates() {
    for row in Rulebook::builtin().rows() {
        let missing = row.provenance.criterion.as_deref() == Some("missing");
        if missing && row.detectable == Detectable::Yes {
            assert_eq!(row.class, Class::ImportantCandidate, "{}", row.id);
        }
        if row.class == Class::ImportantCandidate {
            assert_eq!(row.settled, Settled::Determination, "{}", row.id);
        }
        if row.class == Class::Important && row.detectable == Detectable::Yes {
            assert!(matches!(row.id.as_str(), "OTA-1" | "P21-1" | "P21-2" | "P21-3" | "P21-4"), "{}", row.id);
        }
        if let Some(when) = &row.when {
            assert!(!when.kinds().contains(yumen_model::kind::kinds::CODE_SOURCE), "code.source feeds no row");
        }
    }
}

#[test]
fn every_fact_has_its_use_and_every_kind_its_place() {
    let book = Rulebook::builtin();
    let mut used: BTreeSet<&str> =
        book.rows().iter().filter_map(|r| r.when.as_ref()).flat_map(Condition::facts).collect();
    for row in book.rows() {
        if let Settled::Preconditions { fact, .. } = &row.settled {
            used.insert(fact);
        }
    }
    used.extend(["processor.ciio", "persons.personal", "persons.sensitive", "prior.personal", "prior.sensitive"]);
    let known: BTreeSet<&str> = book.facts().iter().map(|f| f.name.as_str()).collect();
    assert_eq!(used, known);
    assert!(book.facts().iter().all(|f| f.kind != FactType::Count || f.key.starts_with("facts.")));
    // Kinds that neither feed a row nor a note nor count as personal information.
    let mut fed = book.personal_kinds();
    for when in
        book.rows().iter().filter_map(|r| r.when.as_ref()).chain(book.notes().iter().filter_map(|n| n.when.as_ref()))
    {
        fed = fed.union(when.kinds());
    }
    let unfed: Vec<&str> =
        yumen_model::KindId::all().filter(|k| !fed.contains(*k)).map(yumen_model::KindId::name).collect();
    insta::assert_snapshot!(unfed.join(" "), @"org.uscc sensor.camera-cabin sensor.audio sensor.recording code.source code.near-field cert.x509 firmware.ecu firmware.image");
}

#[test]
fn identity_numbers_can_be_switched() {
    let id = yumen_model::kind::kinds::PERSON_ID_NUMBER;
    let book = Rulebook::builtin();
    assert!(book.sensitive_kinds().contains(id) && book.personal_kinds().contains(id));
    let file = source("switches: {id-number-is-sensitive: {on: false, reason: opinion}}\n");
    let book = book.with_overlay_source(&file).unwrap();
    assert!(!book.sensitive_kinds().contains(id) && book.personal_kinds().contains(id));
    assert_eq!(book.loosened().len(), 1);
    let personal = book.personal.iter().filter(|p| p.level == Level::Personal).count();
    assert!(personal > 5);
}

/// YAML as JSON, for the schema.
fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(b) => (*b).into(),
        Value::Count(n) => (*n).into(),
        Value::Number(n) => (*n).into(),
        Value::Text(t) => t.as_str().into(),
        Value::List(list) => list.iter().map(json).collect::<Vec<_>>().into(),
        Value::Map(map) => {
            map.iter().map(|e| (e.key.clone(), json(&e.value))).collect::<serde_json::Map<_, _>>().into()
        }
    }
}

#[test]
fn the_schemas_say_what_the_loader_says() {
    let valid = |schema: &serde_json::Value, text: &str| {
        let validator = jsonschema::validator_for(schema).unwrap();
        let value = json(&parse(&source(text)).unwrap());
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{} at {}", e, e.instance_path())).collect();
        errors.is_empty().then_some(()).ok_or(errors)
    };
    let book = crate::schema();
    valid(&book, BUILTIN).unwrap();
    for (was, becomes) in [
        ("    class: important-candidate\n", "    class: important-candidat\n"),
        ("\nannex: not-verified", "\nannex: unsure"),
        ("      found: doc.bom\n", "      found: doc.bon\n"),
        ("      found: doc.bom\n", "      any: []\n"),
        ("      found: doc.bom\n", "      found: doc.bom\n      wiht: {a: b}\n"),
        ("proof-above: 0.5", "proof-above: high"),
    ] {
        let broken = BUILTIN.replacen(was, becomes, 1);
        assert_ne!(broken, BUILTIN);
        assert!(valid(&book, &broken).is_err(), "{becomes}");
        assert_ne!(errors(&broken), "no error", "{becomes}");
    }
    let overlay = crate::overlay_schema();
    for (text, good) in [
        ("rows: [{id: MF-a, class: important}]\n", true),
        ("loosen: [{row: MF-a, off: true, reason: r}]\nkey: k.bin\n", true),
        ("loosen: [{row: MF-a, off: true}]\n", false),
        ("row: []\n", false),
        ("fences: [{file: a.geojson, buffer-m: 500, datum: gcj02}]\n", true),
        ("fences: [{file: a.geojson, datum: xian80}]\n", false),
        ("fences: [{name: a}]\n", false),
    ] {
        assert_eq!(valid(&overlay, text).is_ok(), good, "{text}");
        assert_eq!(overlay_errors(text) == "no error", good, "{text}");
    }
}

#[test]
fn all_errors_of_a_rulebook_come_at_once() {
    let mut text = BUILTIN.to_owned();
    for (was, becomes) in [
        ("\nannex: not-verified", "\nannexe: not-verified"),
        ("  - id: MF-b\n", "  - id: MF-a\n"),
        ("      found: doc.bom\n", "      found: doc.bon\n"),
        ("      found: code.production-control\n", "      any: []\n"),
        ("      found: model.features\n", "      found: model.features\n      fact: geo.processed\n"),
        ("        - fact: upgrade.vehicles-in-china\n", "        - fact: upgrade.vehicles-in-chyna\n"),
        ("    exemptions: [E9]\n", "    exemptions: [E99]\n"),
        ("    persons: sensitive\n    at-least: 10000\n", "    persons: sensitive\n    at-least: 1\n"),
        (
            "      found: cert.vehicle\n    class: important-candidate\n",
            "      found: cert.vehicle\n    class: improtant\n",
        ),
        (
            "    provenance: {basis: other-rule, confidence: high, criterion: known, source: 汽车数据安全管理若干规定（试行）, note: {zh: 仅限",
            "    provenances: {basis: other-rule, confidence: high, criterion: known, source: 汽车数据安全管理若干规定（试行）, note: {zh: 仅限",
        ),
        ("      persons: any\n      more-than: 100000\n", "      persons: any\n"),
        ("  - name: geo.processed\n    type: bool\n", "  - name: geo.processed\n    type: count\n"),
    ] {
        assert!(text.contains(was), "{was}");
        text = text.replacen(was, becomes, 1);
    }
    insta::assert_snapshot!(errors(&text));
}

#[test]
fn all_errors_of_a_configuration_come_at_once() {
    insta::assert_snapshot!(overlay_errors(
        r"
rows:
  - id: MF-a
    class: personal
  - id: OTA-1
    item: {zh: 甲, en: a}
  - id: NEW-1
    scenario: any
    when: {found: doc.bom}
    class: important
  - id: NEW-1
    class: important
loosen:
  - {row: PI}
  - {row: XX-1, off: true, reason: r}
  - {row: MF-b, class: important, reason: r}
  - {row: DA-a, off: true, when: {found: doc.bom}, reason: r}
switches:
  id-number-is-sensitive: false
  id-number: true
keys: x
"
    ));
}

#[test]
fn the_place_is_shown() {
    let broken = BUILTIN.replacen("      found: doc.bom\n", "      found: doc.bon\n", 1);
    let reports = Rulebook::from_source(&source(&broken)).unwrap_err().into_reports();
    let shown = format!("{:?}", reports[0]);
    let line = broken.lines().position(|l| l.contains("doc.bon")).unwrap() + 1;
    assert!(shown.contains(&format!("rules.yaml:{line}:14")), "{shown}");
    assert!(shown.contains("did you mean `doc.bom`?"), "{shown}");
}

#[test]
fn rows_are_listed_and_explained_in_both_languages() {
    let book = Rulebook::builtin();
    for zh in [false, true] {
        let list = book.list(zh);
        assert!(book.rows().iter().all(|r| list.contains(&r.id)));
        for row in book.rows() {
            assert!(book.explain(&row.id, zh).unwrap().contains(if zh { &row.item.zh } else { &row.item.en }));
        }
        for kind in yumen_model::KindId::all() {
            assert!(book.explain(kind.name(), zh).unwrap().contains(kind.name()));
        }
        for other in ["SA-3", "E9", "geo.processed", "CO-h"] {
            assert!(book.explain(other, zh).is_some());
        }
        assert!(book.explain("nothing", zh).is_none());
    }
    insta::assert_snapshot!(book.explain("OTA-1", false).unwrap());
    insta::assert_snapshot!(book.explain("geo.track", true).unwrap());
}

#[test]
fn names_that_are_nothing_are_told() {
    assert!(Rulebook::load("cn-auto-2062", None).unwrap_err().plain().contains("did you mean `cn-auto-2026`?"));
    assert!(Rulebook::load("no/such.yaml", None).unwrap_err().plain().contains("no/such.yaml"));
    assert!(Rulebook::load("cn-auto-2026", Some(Path::new("no/such.yaml"))).is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 60, ..Default::default() })]

    /// A rulebook that is cut or changed anywhere is read or refused, never more.
    #[test]
    fn a_damaged_rulebook_never_panics(at in 0usize..40_000, cut in proptest::bool::ANY, byte in proptest::num::u8::ANY) {
        let mut bytes = BUILTIN.as_bytes().to_vec();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(text) = String::from_utf8(bytes)
            && let Err(e) = Rulebook::from_source(&source(&text))
        {
            proptest::prop_assert!(!e.plain().is_empty());
        }
    }
}
