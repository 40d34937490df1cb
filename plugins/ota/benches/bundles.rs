//! How fast update bundles are opened: `cargo bench -p yumen-plugin-ota --bench bundles`.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use yumen_kit_container::testing::fixture;
use yumen_model::{Artifact, Blob, Context, Inspection, Message, Plugin, Stop};
use yumen_plugin_ota::OtaPlugin;

/// Takes everything and keeps nothing.
struct Sink;

impl Inspection for Sink {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        black_box(&message);
        Ok(())
    }
}

fn bundles(c: &mut Criterion) {
    let mut group = c.benchmark_group("bundles");
    group.sample_size(10);
    let all = [
        ("rauc", "rauc", "crypt.raucb"),
        ("casync", "casync", "all.catar"),
        ("casync", "casync", "large.caibx"),
        ("uptane", "uptane", "targets.json"),
        ("mender-header", "mender", "type-info"),
        ("oci-config", "oci", "config"),
    ];
    for (format, topic, name) in all {
        let bytes = fixture(topic, name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let artifact = Artifact {
            blob: Blob::from_bytes(bytes),
            name: name.to_owned(),
            format,
            attributes: Default::default(),
            inside: Vec::new(),
        };
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| OtaPlugin.inspect(&artifact, &Context::default(), &mut Sink).expect("the fixture is read"));
        });
    }
    group.finish();
}

criterion_group!(benches, bundles);
criterion_main!(benches);
