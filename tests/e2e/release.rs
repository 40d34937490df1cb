//! One nested release: in each layer a marked secret and a marked record, all of which must be found under the right path.

use yumen_kit_container::testing::fixture;
use yumen_specimens::{Zip, cpio, gzip, payload, tar, xz};

use crate::kit::{Place, text};

/// A resident identity number with a valid check digit; nobody has it.
fn id_number(n: u32) -> String {
    let body = format!("1101051990010{}{:03}", 1 + n / 1000, n % 1000);
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body.bytes().zip(weights).map(|(b, w)| u32::from(b - b'0') * w).sum();
    format!("{body}{}", b"10X98765432"[(sum % 11) as usize] as char)
}

fn secret(n: u32) -> Vec<u8> {
    format!("db_password = \"Wq7-Zt9x-layer{n:02}-Kp3\"\n").into_bytes()
}

fn record(n: u32) -> Vec<u8> {
    format!("姓名,身份证号,手机\n王小明,{},138001380{n:02}\n", id_number(n)).into_bytes()
}

/// Where the files of each layer stand in the release.
const LAYERS: [&str; 11] = [
    "",
    "a.tar.gz!/a.tar!/",
    "b.tar.xz!/b.tar!/",
    "c.cpio.zst!/c.cpio!/",
    "d.squashfs!/",
    "e.img!/",
    "payload.bin!/system.img!/",
    "f.simg!/f!/",
    "g.ubi!/rootfs!/",
    "h.erofs!/",
    "i.itb!/ramdisk!/ramdisk!/",
];

fn release() -> Vec<u8> {
    let files = |n| [("etc/service.conf", secret(n)), ("data/车主.csv", record(n))];
    let refs = |files: &[(&'static str, Vec<u8>); 2]| -> Vec<(&'static str, Vec<u8>)> { files.to_vec() };
    fn slices<'a>(files: &'a [(&'static str, Vec<u8>)]) -> Vec<(&'static str, &'a [u8])> {
        files.iter().map(|(n, d)| (*n, d.as_slice())).collect()
    }
    let [plain, a, b, c] = [1, 2, 3, 4].map(|n| refs(&files(n)));
    let layer = |name| fixture("release", name);
    let mut zip = Zip::new();
    for (name, data) in &plain {
        zip = zip.deflated(name, data);
    }
    zip.stored("a.tar.gz", &gzip(&tar(&slices(&a))))
        .stored("b.tar.xz", &xz(&tar(&slices(&b))))
        .stored("c.cpio.zst", &zstd::encode_all(&cpio(&slices(&c))[..], 3).unwrap())
        .deflated("d.squashfs", &layer("layer.squashfs"))
        .deflated("e.img", &layer("layer.ext4"))
        .stored("payload.bin", &payload(&[("system", &layer("payload.ext4"))]))
        .deflated("f.simg", &layer("layer.simg"))
        .deflated("g.ubi", &layer("layer.ubi"))
        .deflated("h.erofs", &layer("layer.erofs"))
        .stored("i.itb", &layer("layer.itb"))
        .finish()
}

#[test]
fn every_layer_of_a_nested_release_is_opened_and_nothing_is_left_opaque() {
    let place = Place::new();
    place.file("release.zip", release());
    // No tool is at hand: all is read in process.
    let out = place.command(&["scan", "release.zip", "--format", "json"]).env("PATH", "/nonexistent").output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    for raw in (1..=11).flat_map(|n| [id_number(n), format!("138001380{n:02}"), format!("Wq7-Zt9x-layer{n:02}")]) {
        assert!(!json.to_string().contains(&raw), "a raw value in the report");
    }
    let mut found: Vec<(String, String)> = (json["findings"].as_array().unwrap().iter())
        .map(|f| (text(&f["kind"]), text(&f["artifact"])))
        .filter(|(kind, _)| ["key.password", "person.id-number", "person.phone"].contains(&kind.as_str()))
        .collect();
    found.sort();
    let mut wanted: Vec<(String, String)> = (LAYERS.iter())
        .flat_map(|layer| {
            [
                ("key.password", "etc/service.conf"),
                ("person.id-number", "data/车主.csv"),
                ("person.phone", "data/车主.csv"),
            ]
            .map(|(kind, file)| (kind.to_owned(), format!("release.zip!/{layer}{file}")))
        })
        .collect();
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(json["subjects"]["sensitive"], 11);
    assert_eq!(json["opaque"].as_array().unwrap(), &[] as &[serde_json::Value]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let place = Place::new();
    place.file("release.zip", release());
    let scan = |jobs: &str| {
        let ran = place.yumen(&[
            "scan",
            "release.zip",
            "--format",
            "json",
            "--reproducible",
            "--artifacts",
            "all",
            "-j",
            jobs,
        ]);
        assert_eq!(ran.code, 1);
        ran.stdout
    };
    let one = scan("1");
    assert!(one == scan("2") && one == scan("7"));
}
