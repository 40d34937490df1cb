//! How fast ECU descriptions are read: `cargo bench -p yumen-plugin-diagnostics`.
#![allow(missing_docs)]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use yumen_model::{Artifact, Blob, Context, Inspection, Message, Plugin, Stop};
use yumen_plugin_diagnostics::DiagnosticsPlugin;

/// Takes everything and keeps nothing.
struct Sink;

impl Inspection for Sink {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        black_box(&message);
        Ok(())
    }
}

fn samples() -> Vec<(&'static str, String)> {
    let mut dbc = "VERSION \"\"\n\nBU_: A B\n\n".to_owned();
    let mut a2l = "ASAP2_VERSION 1 71\n/begin PROJECT P \"\"\n/begin MODULE M \"\"\n".to_owned();
    let mut arxml = "<?xml version=\"1.0\"?>\n<AUTOSAR xmlns=\"http://autosar.org/schema/r4.0\"><AR-PACKAGES><AR-PACKAGE><SHORT-NAME>P</SHORT-NAME><ELEMENTS>\n".to_owned();
    for i in 0..20_000 {
        let _ = write!(dbc, "BO_ {i} Message{i}: 8 A\n SG_ Signal{i} : 0|8@1+ (1,0) [0|255] \"\" B\n\n");
        let _ = write!(
            a2l,
            "/begin MEASUREMENT Value{i} \"text\" UWORD CM 0 0 0 100\nECU_ADDRESS 0x{i:x}\n/end MEASUREMENT\n"
        );
        let _ =
            writeln!(arxml, "<I-SIGNAL UUID=\"{i}\"><SHORT-NAME>Signal{i}</SHORT-NAME><LENGTH>8</LENGTH></I-SIGNAL>");
    }
    a2l.push_str("/end MODULE\n/end PROJECT\n");
    arxml.push_str("</ELEMENTS></AR-PACKAGE></AR-PACKAGES></AUTOSAR>\n");
    vec![("dbc", dbc), ("a2l", a2l), ("arxml", arxml)]
}

fn read(c: &mut Criterion) {
    let mut group = c.benchmark_group("diagnostics");
    group.sample_size(10);
    for (format, text) in samples() {
        group.throughput(Throughput::Bytes(text.len() as u64));
        let artifact = Artifact {
            blob: Blob::from_bytes(text.into_bytes()),
            name: format!("a.{format}"),
            format,
            attributes: Default::default(),
            inside: Vec::new(),
        };
        group.bench_with_input(BenchmarkId::from_parameter(format), &artifact, |b, artifact| {
            b.iter(|| DiagnosticsPlugin.inspect(artifact, &Context::default(), &mut Sink));
        });
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
