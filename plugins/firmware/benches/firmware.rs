//! How fast firmware is read: `cargo bench -p yumen-plugin-firmware`.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use yumen_kit_container::testing::{fixture, identify, prose};
use yumen_model::{Artifact, Blob, Context, Inspection, Message, Plugin, Stop};
use yumen_plugin_firmware::FirmwarePlugin;

/// Takes everything and keeps nothing.
struct Sink;

impl Inspection for Sink {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        black_box(&message);
        Ok(())
    }
}

/// An Intel HEX file of 1 MiB of memory.
fn ihex() -> Vec<u8> {
    let mut out = String::new();
    for (i, data) in prose(1 << 20).chunks(32).enumerate() {
        let address = i * 32;
        if address % 0x1_0000 == 0 {
            let high = (address >> 16) as u8;
            out += &format!(":020000040000{:02X}\n", 0u8.wrapping_sub(6u8.wrapping_add(high)))
                .replace("040000", &format!("0400{high:02X}"));
        }
        let mut bytes = vec![data.len() as u8, (address >> 8) as u8, address as u8, 0];
        bytes.extend_from_slice(data);
        bytes.push(bytes.iter().fold(0u8, |s, b| s.wrapping_add(*b)).wrapping_neg());
        out.push(':');
        bytes.iter().for_each(|b| out += &format!("{b:02X}"));
        out.push('\n');
    }
    out.into_bytes()
}

fn firmware(c: &mut Criterion) {
    let mut group = c.benchmark_group("firmware");
    let samples = [
        ("ihex", ihex()),
        ("elf", fixture("firmware", "linux.elf")),
        ("fit", fixture("fit", "inline.itb")),
        ("mcuboot", fixture("firmware", "mcuboot.img")),
        ("dtb", fixture("fit", "board.dtb")),
    ];
    for (name, bytes) in samples {
        let format = identify(&FirmwarePlugin, name, &bytes).map_or("elf", |i| i.format);
        let artifact = Artifact {
            blob: Blob::from_bytes(bytes.clone()),
            name: name.to_owned(),
            format,
            attributes: BTreeMap::new(),
            inside: Vec::new(),
        };
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| FirmwarePlugin.inspect(&artifact, &Context::default(), &mut Sink));
        });
    }
    group.finish();
}

criterion_group!(benches, firmware);
criterion_main!(benches);
