//! Speed of placing fixes and samples, per position. `cargo bench -p yumen-detect --bench geo`.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use yumen_detect::geo::{FixDetector, SpatialDetector};
use yumen_detect::scanner::TextDetector;
use yumen_model::kind::kinds;
use yumen_model::{
    Batch, Detector, EvidenceHeader, EvidenceKind, Findings, Fix, FixBatch, Spatial, SpatialBatch, SubjectKey,
};

fn run(detector: &dyn Detector, kind: EvidenceKind, crs: &str, batch: &Batch<'_>) -> u64 {
    let header = EvidenceHeader {
        stream: 0,
        kind,
        format: "mcap".into(),
        name: "a".into(),
        properties: BTreeMap::from([("crs".to_owned(), crs.into())]),
    };
    let mut out = Findings::new(SubjectKey::new([0; 32]), 20, false);
    if let Some(mut session) = detector.start(&header) {
        session.feed(batch, &mut out);
        session.finish(&mut out);
    }
    out.count()
}

fn geo(c: &mut Criterion) {
    let text = Arc::new(TextDetector::new(yumen_detect::recognisers()));
    let (fixes, spatial) = (FixDetector::new(Arc::clone(&text)), SpatialDetector::new(text));
    let mut group = c.benchmark_group("geo");
    for (name, crs, x, y, scale) in [
        ("degrees", "wgs84", 116.4, 39.9, 1e-5),
        ("border", "", 114.06, 22.52, 1e-6),
        ("utm", "EPSG:32650", 449_345.0, 4_417_292.0, 1.0),
        ("local", "local", 0.0, 0.0, 1.0),
    ] {
        let all: Vec<Fix> = (0..65_536u32)
            .map(|i| {
                let t = f64::from(i);
                Fix { x: x + t * scale, y: y + (t * 0.01).sin() * scale, time_s: Some(t * 0.1), ..Fix::default() }
            })
            .collect();
        group.throughput(Throughput::Elements(all.len() as u64));
        let samples = all.iter().take(4096).map(|f| [f.x, f.y, 0.0]).collect::<Vec<_>>();
        let batch = Batch::Fixes(FixBatch { fixes: all });
        group.bench_function(format!("fixes/{name}"), |b| {
            b.iter(|| run(&fixes, EvidenceKind::Fixes, crs, black_box(&batch)));
        });
        group.throughput(Throughput::Elements(samples.len() as u64));
        let item = Spatial { crs: Some(crs.to_owned()), samples, ..Spatial::new(kinds::GEO_POINT_CLOUD) };
        let batch = Batch::Spatial(SpatialBatch { items: vec![item] });
        group.bench_function(format!("samples/{name}"), |b| {
            b.iter(|| run(&spatial, EvidenceKind::Spatial, crs, black_box(&batch)));
        });
    }
    group.finish();
}

criterion_group!(benches, geo);
criterion_main!(benches);
