//! What a name gives away is found, and masked wherever a path is shown.

use yumen_specimens::{Zip, person};

use crate::kit::Place;

#[test]
fn identifiers_in_names_are_found_and_masked() {
    let place = Place::new();
    let p = person(5);
    let names = [
        format!("in/{}.csv", p.vin),
        format!("in/{}_2026-11-01.log", p.vin),
        format!("in/records/{}/trip.txt", p.vin),
        format!("in/{}.vcf", p.phone),
        format!("in/{}.txt", p.id_number),
        format!("in/{}.jpg.txt", p.plate),
    ];
    for name in &names {
        place.file(name, "plain words\n");
    }
    place.file("in/inner.zip", Zip::new().stored(&format!("{}/a.txt", p.plate), b"plain words\n").finish());
    let (code, report) = place.scan(&["in", "--artifacts", "all"]);
    assert_eq!(code, 1);
    let kinds: Vec<String> = report.found().into_iter().map(|(kind, _)| kind).collect();
    let count = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
    assert_eq!(count("vehicle.vin"), 3, "{kinds:?}");
    assert_eq!(count("person.phone"), 1, "{kinds:?}");
    assert_eq!(count("person.id-number"), 1, "{kinds:?}");
    assert_eq!(count("vehicle.plate"), 2, "{kinds:?}");
    let human = place.yumen(&["scan", "in"]);
    let markdown = place.yumen(&["scan", "in", "--format", "markdown"]);
    let all = format!("{}{}{}{}", report.0, human.stdout, human.stderr, markdown.stdout);
    for raw in [&p.vin, &p.phone, &p.id_number, &p.plate] {
        assert!(!all.contains(raw.as_str()), "a name leaks");
    }
    let mut paths: Vec<_> = report.list("artifacts").iter().map(|a| a["path"].to_string()).collect();
    paths.sort();
    let n = paths.len();
    paths.dedup();
    assert_eq!(paths.len(), n, "masked paths stay unique");
}
