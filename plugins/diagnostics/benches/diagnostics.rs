//! How many bytes of each format are read in a second.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use yumen_kit_container::testing::{Engine, inspect_as};
use yumen_plugin_diagnostics::DiagnosticsPlugin;

fn formats(c: &mut Criterion) {
    let mut group = c.benchmark_group("diagnostics");
    let mut dbc = "VERSION \"\"\nBS_:\nBU_: A B\n".to_owned();
    let mut a2l = "ASAP2_VERSION 1 61\n/begin PROJECT p \"\"\n/begin MODULE m \"\"\n".to_owned();
    let mut arxml = "<AUTOSAR xmlns=\"http://autosar.org/schema/r4.0\"><AR-PACKAGES>".to_owned();
    for i in 0..20_000 {
        dbc += &format!("BO_ {i} M{i}: 8 A\n SG_ S{i} : 0|8@1+ (1,0) [0|1] \"\" B\n");
        a2l += &format!("/begin MEASUREMENT m{i} \"text\" UWORD c 0 0 0 1\n/end MEASUREMENT\n");
        arxml += &format!("<I-SIGNAL UUID=\"{i}\"><SHORT-NAME>s{i}</SHORT-NAME><LENGTH>8</LENGTH></I-SIGNAL>\n");
    }
    for (format, text) in [("dbc", dbc), ("a2l", a2l), ("arxml", arxml)] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format, |b| {
            b.iter(|| inspect_as(&DiagnosticsPlugin, format, "a", text.as_bytes(), Engine::default()));
        });
    }
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
