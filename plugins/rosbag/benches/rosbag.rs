//! How many bytes of each container are read in a second, decoding included; beside it the `mcap` crate, which only goes from message to message.
#![allow(missing_docs, clippy::unwrap_used)]

mod generate;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Cursor;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use yumen_model::{Artifact, Blob, Context, InspectError, Inspection, Message, Plugin as _, Stop};
use yumen_plugin_rosbag::RosbagPlugin;

/// Takes everything and keeps nothing.
struct Sink;

impl Inspection for Sink {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        black_box(&message);
        Ok(())
    }
}

fn inspect(format: &'static str, blob: &Blob) -> Result<(), InspectError> {
    let artifact =
        Artifact { blob: blob.clone(), name: "a".into(), format, attributes: BTreeMap::new(), inside: Vec::new() };
    RosbagPlugin.inspect(&artifact, &Context::default(), &mut Sink)
}

fn containers(c: &mut Criterion) {
    const BYTES: u64 = 64 << 20;
    let mut group = c.benchmark_group("rosbag");
    group.sample_size(10);
    for how in ["none", "unchunked", "lz4", "zstd"] {
        let mut file = Vec::new();
        generate::mcap(&mut file, BYTES, how);
        let blob = Blob::from_bytes(file.clone());
        group.throughput(Throughput::Bytes(BYTES));
        group.bench_function(format!("mcap/{how}"), |b| b.iter(|| inspect("mcap", &blob).unwrap()));
        if how != "lz4" {
            group.bench_function(format!("mcap/{how}/mcap-crate-iterates"), |b| {
                b.iter(|| mcap::MessageStream::new(&file).unwrap().map(|m| m.unwrap().data.len()).sum::<usize>());
            });
        }
    }
    for how in ["none", "lz4", "bz2"] {
        let mut file = Cursor::new(Vec::new());
        generate::bag(&mut file, BYTES, how);
        let blob = Blob::from_bytes(file.into_inner());
        group.throughput(Throughput::Bytes(BYTES));
        group.bench_function(format!("bag/{how}"), |b| b.iter(|| inspect("rosbag1", &blob).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, containers);
criterion_main!(benches);
