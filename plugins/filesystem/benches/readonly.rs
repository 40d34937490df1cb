//! How fast read-only file systems are unpacked: `cargo bench -p yumen-plugin-filesystem`. The images are those of the tests.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use yumen_kit_container::testing::{fixture, truth};
use yumen_model::{Artifact, Blob, Context, Inspection, Message, Plugin, Stop};
use yumen_plugin_filesystem::FilesystemPlugin;

/// Takes everything and keeps nothing.
struct Sink;

impl Inspection for Sink {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        black_box(&message);
        Ok(())
    }
}

fn images(c: &mut Criterion) {
    let mut group = c.benchmark_group("unpack");
    let all = [
        ("squashfs", "gzip"),
        ("squashfs", "xz"),
        ("squashfs", "zstd"),
        ("squashfs", "lz4"),
        ("squashfs", "lzo"),
        ("erofs", "lz4"),
        ("erofs", "plain"),
        ("cramfs", "little"),
        ("romfs", "plain"),
    ];
    for (format, name) in all {
        let unpacked: u64 = truth(format, name).iter().map(|(_, size, _)| size).sum();
        group.throughput(Throughput::Bytes(unpacked));
        let artifact = Artifact {
            blob: Blob::from_bytes(fixture(format, name)),
            name: "a.img".to_owned(),
            format,
            attributes: Default::default(),
            inside: Vec::new(),
        };
        group.bench_function(BenchmarkId::new(format, name), |b| {
            b.iter(|| FilesystemPlugin.inspect(&artifact, &Context::default(), &mut Sink).expect("the image is read"));
        });
    }
    group.finish();
}

criterion_group!(benches, images);
criterion_main!(benches);
