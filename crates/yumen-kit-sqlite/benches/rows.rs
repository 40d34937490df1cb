//! How fast rows are read: `cargo bench -p yumen-kit-sqlite`. The databases are fixtures of the reference implementation.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use yumen_kit_container::testing::fixture;
use yumen_kit_sqlite::{Database, TableKind};
use yumen_model::Blob;

fn rows(c: &mut Criterion) {
    let mut group = c.benchmark_group("rows");
    for name in ["small", "utf16le", "large-pages"] {
        let bytes = fixture("sqlite", name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let blob = Blob::from_bytes(bytes);
        group.bench_with_input(BenchmarkId::from_parameter(name), &blob, |b, blob| {
            b.iter(|| {
                let Ok(database) = Database::open(blob) else { return };
                for table in database.tables().iter().filter(|t| t.kind == TableKind::Stored) {
                    let read = database.rows(table, &mut |row| {
                        black_box(row.values);
                        Ok(())
                    });
                    black_box(read.is_ok());
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rows);
criterion_main!(benches);
