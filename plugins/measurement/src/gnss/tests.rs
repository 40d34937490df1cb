//! Streams as receivers and loggers write them.

use yumen_kit_container::testing::{Recorded, abuse, fixture, identify, inspect, noise, prose};
use yumen_model::kind::kinds;

use super::binary::tests::{pvt, ubx_frame};
use crate::MeasurementPlugin;

fn sentence(body: &str) -> String {
    format!("${body}*{:02X}\r\n", body.bytes().fold(0u8, |x, b| x ^ b))
}

fn gga(seconds: u32, lat: f64, lon: f64) -> String {
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let field = |v: f64, n: usize| format!("{:0n$}{:09.6}", v.trunc() as u32, v.fract() * 60.0);
    sentence(&format!("GNGGA,{h:02}{m:02}{s:02}.00,{},N,{},E,4,12,0.6,48.5,M,-8.0,M,,", field(lat, 2), field(lon, 3)))
}

fn format(name: &str, bytes: &[u8]) -> Option<&'static str> {
    identify(&MeasurementPlugin, name, bytes).map(|i| i.format)
}

fn points(recorded: &Recorded) -> Vec<(f64, f64)> {
    recorded.fixes.iter().map(|f| ((f.y * 1e6).round() / 1e6, (f.x * 1e6).round() / 1e6)).collect()
}

#[test]
fn the_same_drive_is_the_same_in_every_form() {
    let mut all = Vec::new();
    for (name, is) in [
        ("track.nmea", "nmea"),
        ("rmc-only.log", "nmea"),
        ("track.ubx", "ubx"),
        ("mixed.bin", "nmea"),
        ("logged.log", "nmea"),
    ] {
        let bytes = fixture("gnss", name);
        assert_eq!(format(name, &bytes), Some(is), "{name}");
        let recorded = inspect(&MeasurementPlugin, name, &bytes);
        recorded.assert_counted();
        let path = format!("{}/../../tests/fixtures/gnss/{name}.moments", env!("CARGO_MANIFEST_DIR"));
        let told: usize = std::fs::read_to_string(path).unwrap().trim().parse().unwrap();
        // gpsd tells the last moment of sentences only once the next begins.
        assert!(recorded.fixes.len() == 120 && (119..=120).contains(&told), "{name}: {} {told}", recorded.fixes.len());
        if name != "mixed.bin" {
            recorded.assert_clear();
        }
        let times: Vec<f64> = recorded.fixes.iter().map(|f| f.time_s.unwrap()).collect();
        assert!(times.windows(2).all(|w| (w[1] - w[0] - 1.0).abs() < 1e-6), "{name}: midnight passes");
        if name != "logged.log" {
            assert_eq!(times[0], 1_785_023_940.0, "{name}");
        }
        let item = recorded.item(kinds::SENSOR_RECORDING);
        assert_eq!(item.properties["moments"], 120);
        all.push(points(&recorded));
        abuse(&MeasurementPlugin, is, name, &bytes, 40);
    }
    for other in &all[1..] {
        for (a, b) in all[0].iter().zip(other) {
            assert!((a.0 - b.0).abs() < 2e-6 && (a.1 - b.1).abs() < 2e-6);
        }
    }
}

#[test]
fn junk_between_frames_is_told_and_text_is_read() {
    let mut bytes = pvt(10, 39.9, 116.4, 3);
    bytes.extend(b"owner 13800138000\r\n");
    bytes.extend(pvt(11, 39.9, 116.4, 3));
    bytes.extend([1, 2, 3, 4, 5]);
    bytes.extend(pvt(12, 39.9, 116.4, 3));
    bytes.extend(ubx_frame(0x0A04, b"EXT CORE 1.00 (abc)\0\0\0MOD=ZED-F9P\0\0"));
    let recorded = inspect(&MeasurementPlugin, "x.ubx", &bytes);
    assert_eq!(recorded.fixes.len(), 3);
    assert_eq!(recorded.opaque(), 5);
    let text = recorded.texts.concat();
    assert!(text.contains("13800138000") && text.contains("MOD=ZED-F9P"), "{text}");
}

#[test]
fn a_stream_is_recognised_behind_junk_and_in_short_files() {
    let track: String = (0..60).map(|i| gga(i, 39.9 + f64::from(i) * 1e-4, 116.4)).collect();
    let mut late = noise(7, 30_000);
    late.extend(track.as_bytes());
    assert_eq!(format("gps.log", gga(1, 39.9, 116.4).as_bytes()), Some("nmea"));
    assert_eq!(format("x", track.as_bytes()), Some("nmea"));
    assert_eq!(format("x.bin", &pvt(1, 39.9, 116.4, 3)), Some("ubx"));
    let recorded = inspect(&MeasurementPlugin, "x", format!("# a receiver in 京A\n{track}").as_bytes());
    recorded.assert_clear();
    assert_eq!(recorded.fixes.len(), 60);
    assert!(recorded.texts.concat().contains("# a receiver in 京A"));
}

#[test]
fn other_files_are_not_taken_for_streams() {
    let table: String = (0..50).map(|i| format!("{i},\"{}\",x\n", gga(i, 39.9, 116.4).trim_end())).collect();
    for (name, bytes) in [
        ("a.txt", prose(20_000)),
        ("a.bin", noise(3, 60_000)),
        ("a.sh", b"#!/bin/sh\necho $HOME*00\nfoo=$BAR,1*2\n".to_vec()),
        ("a.csv", table.into_bytes()),
        ("empty", Vec::new()),
    ] {
        assert_eq!(format(name, &bytes), None, "{name}");
    }
}

#[test]
fn no_fix_is_no_position() {
    let bytes: Vec<u8> = (0..20).flat_map(|i| pvt(i, 39.9, 116.4, 0)).collect();
    let recorded = inspect(&MeasurementPlugin, "x.ubx", &bytes);
    recorded.assert_clear();
    assert!(recorded.fixes.is_empty());
}
