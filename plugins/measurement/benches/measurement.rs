//! How many bytes of each format are read in a second.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use yumen_kit_container::testing::{Engine, fixture, inspect_as};
use yumen_plugin_measurement::MeasurementPlugin;

/// A plain container of CAN frames, over and over.
fn blf() -> Vec<u8> {
    let mut frames = Vec::new();
    for i in 0..50_000u32 {
        let mut object = b"LOBJ\x20\0\x01\0\x30\0\0\0\x01\0\0\0\x02\0\0\0\0\0\x01\0".to_vec();
        object.extend_from_slice(&(u64::from(i) * 100_000).to_le_bytes());
        object.extend_from_slice(&[1, 0, 0, 8]);
        object.extend_from_slice(&(0x100 + i % 50).to_le_bytes());
        object.extend_from_slice(&[i as u8; 8]);
        frames.extend_from_slice(&object);
    }
    let mut file = b"LOGG\x90\0\0\0".to_vec();
    file.resize(144, 0);
    for piece in frames.chunks(128 << 10) {
        file.extend_from_slice(b"LOBJ\x10\0\x01\0");
        file.extend_from_slice(&(piece.len() as u32 + 32).to_le_bytes());
        file.extend_from_slice(&[10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        file.extend_from_slice(&(piece.len() as u32).to_le_bytes());
        file.extend_from_slice(&[0; 4]);
        file.extend_from_slice(piece);
    }
    file
}

/// The packets of the drive, many times.
fn pcap() -> Vec<u8> {
    let one = fixture("measurement", "drive.pcap");
    let mut file = one.clone();
    (0..100).for_each(|_| file.extend_from_slice(&one[24..]));
    file
}

fn formats(c: &mut Criterion) {
    let mut group = c.benchmark_group("measurement");
    for (format, bytes) in
        [("blf", blf()), ("pcap", pcap()), ("mdf4", fixture("measurement", "signals-transposed.mf4"))]
    {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format, |b| {
            b.iter(|| inspect_as(&MeasurementPlugin, format, "a", &bytes, Engine::default()));
        });
    }
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
