//! One zip with everything in it.

use yumen_specimens::{Numbers, Zip, customers_gb18030, docx, gzip, harmless_source, person, private_key_pem, tar};

use crate::kit::{Place, Report, text};

/// The planted shipment; `turn` changes one byte of the encrypted member.
pub fn shipment(source_bytes: usize, turn: u8) -> Vec<u8> {
    let mut cipher = Numbers::new(99).bytes(4096);
    cipher[2000] ^= turn;
    let keys =
        gzip(&tar(&[("keys/readme.txt", b"nothing to see\n"), ("keys/test.pem", private_key_pem(5).as_bytes())]));
    let mut zip = Zip::new()
        .deflated("data/customers.csv", &customers_gb18030(0..50))
        .stored("vendor/keys.tar.gz", &keys)
        .deflated("docs/minutes.docx", &docx(&format!("联系人：{}，手机 {}", person(77).name, person(77).phone)))
        .encrypted("ecu/firmware.enc", &cipher);
    let part = 1 << 20;
    for i in 0..source_bytes.div_ceil(part) {
        let source = harmless_source(i as u64, part.min(source_bytes - i * part));
        zip = zip.deflated(&format!("src/module_{i}.rs"), &source);
    }
    zip.finish()
}

#[test]
fn everything_planted_is_found_and_nothing_else() {
    let place = Place::new();
    place.file("in.zip", shipment(50 << 20, 0));
    let (code, report) = place.scan(&["in.zip"]);
    assert_eq!(code, 1);
    let csv = "in.zip!/data/customers.csv";
    for (kind, count) in [
        ("person.id-number", 50),
        ("person.phone", 50),
        ("person.name", 50),
        ("vehicle.vin", 50),
        ("vehicle.plate", 50),
    ] {
        assert_eq!(report.finding(kind, csv)["count"], count, "{kind}");
    }
    let key = report.finding("key.private", "in.zip!/vendor/keys.tar.gz!/keys.tar!/keys/test.pem");
    assert_eq!(key["properties"]["encrypted"], false);
    assert_eq!(key["location"]["line"], 1);
    report.finding("person.phone", "in.zip!/docs/minutes.docx!/word/document.xml");
    let opaque = report.list("opaque");
    assert_eq!(opaque.len(), 1, "{opaque:?}");
    assert_eq!(
        (text(&opaque[0]["artifact"]), text(&opaque[0]["reason"])),
        ("in.zip!/ecu/firmware.enc".into(), "encrypted".into())
    );
    assert_eq!(opaque[0]["bytes"], 4096);
    let planted =
        |artifact: &str| artifact == csv || artifact.contains("keys.tar.gz") || artifact.contains("minutes.docx");
    let other: Vec<_> = report.found().into_iter().filter(|(_, artifact)| !planted(artifact)).collect();
    assert!(other.is_empty(), "{other:?}");
    assert_eq!(report.0["subjects"]["sensitive"], 50, "each row holds an identity number");
    assert_eq!(report.0["subjects"]["personal"], 1, "the phone in the minutes");
    assert_eq!(report.0["subjects"]["vehicles"], 50);
    nothing_leaks(&place, &report);
}

/// No raw value stands in any output.
fn nothing_leaks(place: &Place, report: &Report) {
    let human = place.yumen(&["scan", "in.zip"]);
    let markdown = place.yumen(&["scan", "in.zip", "--format", "markdown", "--lang", "zh"]);
    let all = format!("{}{}{}{}", report.0, human.stdout, human.stderr, markdown.stdout);
    for number in (0..50).chain([77]) {
        let p = person(number);
        for raw in [&p.id_number, &p.phone, &p.vin, &p.plate, &p.name] {
            assert!(!all.contains(raw.as_str()), "a raw value leaks");
        }
    }
    let body = private_key_pem(5);
    assert!(!all.contains(body.lines().nth(1).unwrap()));
    assert!(human.stdout.contains("HOLD") && human.stdout.contains("ot legal advice"));
    assert!(markdown.stdout.contains("not legal advice"));
}

#[test]
fn threads_and_memory_do_not_change_the_report() {
    let place = Place::new();
    place.file("in.zip", shipment(2 << 20, 0));
    place.file("more/list.txt", format!("手机 {}\n", person(3).phone));
    let one = place.yumen(&["scan", "--format", "json", "--reproducible", "--jobs", "1", "in.zip", "more"]);
    for extra in [&["--jobs", "2"][..], &["--jobs", "7"], &["--jobs", "2", "--max-memory", "64k"]] {
        let mut args = vec!["scan", "--format", "json", "--reproducible", "in.zip", "more"];
        args.extend(extra);
        let other = place.yumen(&args);
        assert_eq!(one.code, other.code);
        assert_eq!(one.stdout, other.stdout, "{extra:?}");
    }
}
