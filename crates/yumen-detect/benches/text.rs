//! Speed of the one pass over text: logs, programs, tables of hits, numbers, base64. `cargo bench -p yumen-detect`.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use yumen_detect::scanner::TextDetector;
use yumen_model::{Batch, ByteMap, Detector, EvidenceHeader, EvidenceKind, Findings, SubjectKey, TextBatch};

/// Size of each sample, in bytes.
const SIZE: usize = 4 << 20;

/// A small generator: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

fn lines(mut line: impl FnMut(&mut Numbers, &mut String)) -> String {
    let (mut text, mut numbers) = (String::with_capacity(SIZE + 1024), Numbers(7));
    while text.len() < SIZE {
        line(&mut numbers, &mut text);
        text.push('\n');
    }
    text
}

fn samples() -> Vec<(&'static str, String)> {
    let log = lines(|n, out| {
        let _ = write!(
            out,
            "2026-07-04 {:02}:{:02}:{:02},{:03} INFO [worker-{}] com.fleet.gw.Handler - request {} served in {} ms status=200 bytes={}",
            n.next() % 24,
            n.next() % 60,
            n.next() % 60,
            n.next() % 1000,
            n.next() % 16,
            n.next() % 9_999_999,
            n.next() % 2000,
            n.next() % 99_999
        );
    });
    let source = include_str!("../src/scanner/engine.rs").repeat(SIZE / 8192);
    let rows = lines(|n, out| {
        let day = format!("3101151985{:02}{:02}{:03}", 1 + n.next() % 12, 1 + n.next() % 28, n.next() % 1000);
        const WEIGHTS: [u64; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        let sum: u64 = day.bytes().zip(WEIGHTS).map(|(b, w)| u64::from(b - b'0') * w).sum();
        let check = char::from(b"10X98765432"[usize::try_from(sum % 11).unwrap_or(0)]);
        let _ = write!(out, "王丹,{day}{check},138{:08}", n.next() % 100_000_000);
    });
    let floats = lines(|n, out| {
        for _ in 0..8 {
            let _ = write!(out, "{}.{:06} ", n.next() % 1000, n.next() % 1_000_000);
        }
    });
    let base64 = lines(|n, out| {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        out.extend((0..76).map(|_| char::from(ALPHABET[usize::try_from(n.next() % 64).unwrap_or(0)])));
    });
    vec![("log", log), ("source", source), ("rows", rows), ("floats", floats), ("base64", base64)]
}

fn text(c: &mut Criterion) {
    let detector = TextDetector::new(yumen_detect::recognisers());
    let mut group = c.benchmark_group("text");
    group.sample_size(10);
    for (name, text) in samples() {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let header = EvidenceHeader {
                    stream: 0,
                    kind: EvidenceKind::Text,
                    format: "text".into(),
                    name: "sample.log".into(),
                    properties: BTreeMap::new(),
                };
                let mut findings = Findings::new(SubjectKey::new([1; 32]), 20, false);
                if let Some(mut session) = detector.start(&header) {
                    let batch = TextBatch { text: text.as_str().into(), map: ByteMap::identity(0) };
                    session.feed(&Batch::Text(batch), &mut findings);
                    session.finish(&mut findings);
                }
                black_box(findings.into_parts().aggregates.len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, text);
criterion_main!(benches);
