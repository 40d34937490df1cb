//! What may go, goes: no manifest needed.

use yumen_specimens::{Zip, docx, gzip, harmless_source, tar};

use crate::kit::Place;

fn free(place: &Place, input: &str) {
    let (code, report) = place.scan(&[input]);
    assert_eq!(
        (code, report.outcome(), report.route()),
        (0, "pass", "free"),
        "{:#}\n{:?}",
        report.0["verdict"],
        report.found()
    );
    assert!(report.question_keys().is_empty());
    assert_eq!(report.0["coverage"]["opaque"], 0);
}

#[test]
fn source_without_hits() {
    let place = Place::new();
    place.file("src/lib.rs", harmless_source(1, 200_000));
    place.file("src/main.c", "#include <stdio.h>\nint main(void) { printf(\"%d\\n\", 42); return 0; }\n");
    place.file("Makefile", "all:\n\tcc -o main src/main.c\n");
    free(&place, ".");
}

#[test]
fn an_ordinary_package() {
    let place = Place::new();
    let toml = "[package]\nname = \"widget\"\nversion = \"1.4.2\"\nauthors = [\"Jane Doe <jane@widget-project.org>\"]\nlicense = \"MIT\"\n";
    let readme = "# widget\n\nSee <https://widget-project.org>. Contact the maintainers on the issue tracker.\n";
    let licence = "MIT License\n\nCopyright (c) 2024 Jane Doe <jane@widget-project.org>\n\nPermission is hereby granted, free of charge\n";
    let lock = "[[package]]\nname = \"serde\"\nversion = \"1.0.229\"\nchecksum = \"9a8e94ea7f378bd32cbbd37198a4a91436180c5bb472411e48b5ec2e2124ae9e\"\n";
    let package = tar(&[
        ("widget-1.4.2/Cargo.toml", toml.as_bytes()),
        ("widget-1.4.2/README.md", readme.as_bytes()),
        ("widget-1.4.2/LICENSE", licence.as_bytes()),
        ("widget-1.4.2/Cargo.lock", lock.as_bytes()),
        ("widget-1.4.2/src/lib.rs", &harmless_source(2, 50_000)),
    ]);
    place.file("widget-1.4.2.tar.gz", gzip(&package));
    free(&place, "widget-1.4.2.tar.gz");
}

#[test]
fn a_folder_of_text() {
    let place = Place::new();
    place.file("notes/zh.txt", "发布说明\n本次更新改进了仪表显示与蓝牙连接的稳定性。\n");
    place.file("notes/en.md", "# Release notes\n\nThe display starts faster. Version 2.14.0, build 20261101.\n");
    place.file("notes/data.csv", "speed,torque,temp\n1.5,220.25,81\n1.75,221.5,82\n2.0,223.125,82\n");
    place.file("notes/empty", "");
    free(&place, "notes");
}

#[test]
fn documents_and_archives_without_hits() {
    let place = Place::new();
    let zip =
        Zip::new().stored("a.txt", b"plain words\n").deflated("b.docx", &docx("会议纪要：讨论了界面配色。")).finish();
    place.file("bundle.zip", zip);
    free(&place, "bundle.zip");
}
