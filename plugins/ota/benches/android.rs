//! How fast Android's images are taken apart: `cargo bench -p yumen-plugin-ota --bench android`.
#![allow(missing_docs)]

use std::hint::black_box;
use std::io::Write as _;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use yumen_kit_container::testing::{fixture, noise, prose};
use yumen_model::{Artifact, Blob, Context, Inspection, Message, Plugin as _, Probe, Stop};
use yumen_plugin_ota::OtaPlugin;

/// Takes everything and keeps nothing.
struct Sink;

impl Inspection for Sink {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        black_box(&message);
        Ok(())
    }
}

/// A sparse image of 16 MiB with repeated words, which must be decoded.
fn sparse() -> Vec<u8> {
    let data = noise(1, 16 << 20);
    let mut out = 0xed26_ff3a_u32.to_le_bytes().to_vec();
    out.extend([1u16, 0, 28, 12].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([4096u32, 4097, 2, 0].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([0xcac1u16, 0].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([4096u32, 12 + data.len() as u32].iter().flat_map(|n| n.to_le_bytes()));
    out.extend(&data);
    out.extend([0xcac2u16, 0].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([1u32, 16].iter().flat_map(|n| n.to_le_bytes()));
    out.extend(b"fill");
    out
}

/// A kernel image of 16 MiB: what a sweep of code with its search for embedded parts costs.
fn kernel() -> Vec<u8> {
    let mut out = noise(2, 16 << 20);
    out[..64].fill(0);
    out[0x38..0x3c].copy_from_slice(b"ARM\x64");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&prose(1 << 20)).expect("memory can be written");
    let gz = gz.finish().expect("memory can be written");
    out[1 << 20..(1 << 20) + gz.len()].copy_from_slice(&gz);
    out
}

fn formats(c: &mut Criterion) {
    let mut group = c.benchmark_group("android");
    let fixtures = ["payload-v2.bin", "super.img", "system-avb.img", "boot-v2.img", "vbmeta.img"];
    let mut samples: Vec<(&str, Vec<u8>)> = fixtures.iter().map(|&name| (name, fixture("android", name))).collect();
    samples.push(("sparse-filled.img", sparse()));
    samples.push(("Image", kernel()));
    for (name, bytes) in samples {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let blob = Blob::from_bytes(bytes.clone());
        let n = bytes.len().min(64 << 10);
        let probe = Probe::new(&bytes[..n], &bytes[bytes.len() - n..], &blob, name);
        let format = OtaPlugin.identify(&probe).expect("the family knows the sample").format;
        let artifact = Artifact {
            blob: blob.clone(),
            name: name.to_owned(),
            format,
            attributes: std::collections::BTreeMap::new(),
            inside: Vec::new(),
        };
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| OtaPlugin.inspect(&artifact, &Context::default(), &mut Sink).expect("the sample is sound"));
        });
    }
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
