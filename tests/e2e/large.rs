//! Large input costs time, not memory.

use std::io::Write;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use yumen_specimens::{Zip, private_key_pem};

use crate::kit::Place;

/// Size of the log: 337 MB.
const LOG: usize = 337_000_000;
/// Peak resident memory, in KiB.
const MOST: u64 = 256 << 10;

/// A log of one line again and again, a private key on its last lines.
fn log(out: &mut impl Write) {
    let mut block = Vec::new();
    for i in 0..10_000 {
        writeln!(
            block,
            "2026-11-23T08:{:02}:{:02} INFO gateway frame={i} state=idle queue=0 retry=false",
            i / 60 % 60,
            i % 60
        )
        .unwrap();
    }
    let mut written = 0;
    while written < LOG {
        out.write_all(&block).unwrap();
        written += block.len();
    }
    out.write_all(private_key_pem(1).as_bytes()).unwrap();
}

/// Scans and watches the peak resident memory.
fn watched(place: &Place, input: &str) -> (serde_json::Value, u64) {
    let mut child = place
        .command(&["scan", input, "--format", "json=report.json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        if let Some(kib) = text.lines().find_map(|l| l.strip_prefix("VmHWM:")) {
            peak = peak.max(kib.trim().trim_end_matches(" kB").parse().unwrap_or(0));
        }
        if child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let report = std::fs::read_to_string(place.path().join("report.json")).unwrap();
    (serde_json::from_str(&report).unwrap(), peak)
}

fn has_key(report: &serde_json::Value, artifact: &str) -> bool {
    report["findings"].as_array().unwrap().iter().any(|f| f["kind"] == "key.private" && f["artifact"] == artifact)
}

#[cfg(target_os = "linux")]
#[test]
fn a_key_on_the_last_line_of_a_large_log() {
    let place = Place::new();
    let mut file = std::io::BufWriter::new(std::fs::File::create(place.path().join("big.log")).unwrap());
    log(&mut file);
    drop(file);
    let (report, peak) = watched(&place, "big.log");
    assert!(has_key(&report, "big.log"), "{:#}", report["findings"]);
    assert!(peak < MOST, "{peak} KiB resident");

    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    log(&mut gz);
    place.file("in.zip", Zip::new().stored("big.log.gz", &gz.finish().unwrap()).finish());
    let (report, peak) = watched(&place, "in.zip");
    assert!(has_key(&report, "in.zip!/big.log.gz!/big.log"), "{:#}", report["findings"]);
    assert!(peak < MOST, "{peak} KiB resident");
}
