//! The contract's worked figures, and a git folder, through the command.

use yumen_specimens::Zip;

use crate::kit::Place;

fn figures(place: &Place, name: &str) -> [u64; 4] {
    let (_, report) = place.scan(&[name]);
    ["container", "inspected", "opaque", "total"].map(|k| report.0["coverage"][k].as_u64().unwrap())
}

#[test]
fn the_worked_figures() {
    let place = Place::new();
    let words = b"plain words in a row that say nothing at all, again and again; plain words in a row, one more time..";
    assert_eq!(words.len(), 100);
    let stored = Zip::new().stored("a.txt", words).finish();
    let deflated = Zip::new().deflated("a.txt", words).finish();
    let encrypted = Zip::new().encrypted("a.txt", &[0x5a; 40]).finish();
    place.file("stored.zip", &stored);
    place.file("deflated.zip", &deflated);
    place.file("encrypted.zip", &encrypted);
    let n = stored.len() as u64;
    assert_eq!(figures(&place, "stored.zip"), [n - 100, 100, 0, n]);
    let n = deflated.len() as u64;
    assert_eq!(figures(&place, "deflated.zip"), [n, 100, 0, n + 100]);
    let n = encrypted.len() as u64;
    assert_eq!(figures(&place, "encrypted.zip"), [n - 40, 0, 40, n]);
}

#[test]
fn a_git_folder_is_one_opaque_artifact() {
    let place = Place::new();
    place.file("repo/a.txt", "plain\n");
    place.file("repo/.git/HEAD", "ref: refs/heads/main\n");
    place.file("repo/.git/objects/ab/cd", "x");
    place.file("repo/.git/refs/heads/main", "0\n");
    let (code, report) = place.scan(&["repo"]);
    assert_eq!(code, 1);
    let opaque = report.list("opaque");
    assert_eq!(opaque.len(), 1);
    assert_eq!(opaque[0]["artifact"], "repo/.git");
    assert_eq!(opaque[0]["reason"], "unsupported");
    assert_eq!(opaque[0]["bytes"], 24);
    let digest = opaque[0]["digest"].as_str().unwrap();
    place.file(
        "s.yaml",
        format!("shipment: x\naccept:\n  - {{digest: \"{digest}\", reason: history cleared apart, by: Test Officer, until: 2099-01-01}}\n"),
    );
    let (code, report) = place.scan(&["repo", "--shipment", "s.yaml"]);
    assert_eq!(code, 0, "{:#}", report.0["verdict"]);
}

#[test]
fn excluded_is_opaque() {
    let place = Place::new();
    place.file("in/a.txt", "plain\n");
    place.file("in/b.log", "plain\n");
    let (code, report) = place.scan(&["in", "--exclude", "*.log"]);
    assert_eq!(code, 1);
    assert_eq!(report.list("opaque")[0]["artifact"], "in/b.log");
    assert_eq!(report.list("opaque")[0]["reason"], "excluded");
}

#[test]
fn bytes_of_no_known_format_are_opaque_and_swept() {
    let place = Place::new();
    let mut blob = yumen_specimens::Numbers::new(8).bytes(5000);
    blob.extend(b"\0\0");
    blob.extend(yumen_specimens::private_key_pem(8).as_bytes());
    blob.extend(yumen_specimens::Numbers::new(9).bytes(5000));
    let n = blob.len() as u64;
    place.file("blob.bin", blob);
    let (code, report) = place.scan(&["blob.bin"]);
    assert_eq!(code, 1);
    assert_eq!(report.0["coverage"]["opaque"], n);
    assert_eq!(report.list("opaque")[0]["reason"], "unknown-format");
    report.finding("key.private", "blob.bin");
}
