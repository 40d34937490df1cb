//! Points a second: `cargo bench -p yumen-plugin-pointcloud`.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Cursor;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use laz::{LasZipCompressor, LazItemRecordBuilder, LazVlr};
use yumen_model::{Artifact, Blob, Context, Inspection, Message, Plugin, Stop};
use yumen_plugin_pointcloud::PointcloudPlugin;

/// Points of each sample.
const POINTS: u32 = 1_000_000;
/// Bytes of a record of point format 1.
const RECORD: usize = 28;

/// Takes everything and keeps nothing.
struct Sink;

impl Inspection for Sink {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        black_box(&message);
        Ok(())
    }
}

/// Records along the lines of a scanner on a vehicle.
fn records() -> Vec<u8> {
    let mut out = Vec::with_capacity(POINTS as usize * RECORD);
    for i in 0..POINTS {
        let angle = f64::from(i % 2000) / 2000.0 * std::f64::consts::TAU;
        let (x, y) = (f64::from(i / 2000) * 30.0 + 9000.0 * angle.cos(), 9000.0 * angle.sin());
        out.extend_from_slice(&(x as i32).to_le_bytes());
        out.extend_from_slice(&(y as i32).to_le_bytes());
        out.extend_from_slice(&((i % 700) as i32).to_le_bytes());
        out.extend_from_slice(&((i * 7 % 4000) as u16).to_le_bytes());
        out.extend_from_slice(&[0x11, 2, 0, 0, 1, 0]);
        out.extend_from_slice(&(3e8 + f64::from(i) * 1e-6).to_le_bytes());
    }
    out
}

fn head(compressed: bool, vlr: Option<&[u8]>) -> Vec<u8> {
    let mut h = vec![0u8; 227];
    h[..4].copy_from_slice(b"LASF");
    (h[24], h[25]) = (1, 2);
    h[94..96].copy_from_slice(&227u16.to_le_bytes());
    let start = 227 + vlr.map_or(0, |v| 54 + v.len() as u32);
    h[96..100].copy_from_slice(&start.to_le_bytes());
    h[100] = u8::from(vlr.is_some());
    h[104] = if compressed { 0x81 } else { 1 };
    h[105..107].copy_from_slice(&(RECORD as u16).to_le_bytes());
    h[107..111].copy_from_slice(&POINTS.to_le_bytes());
    for at in [131, 139, 147] {
        h[at..at + 8].copy_from_slice(&0.001f64.to_le_bytes());
    }
    if let Some(vlr) = vlr {
        let mut record = vec![0u8; 54];
        record[2..16].copy_from_slice(b"laszip encoded");
        record[18..20].copy_from_slice(&22204u16.to_le_bytes());
        record[20..22].copy_from_slice(&(vlr.len() as u16).to_le_bytes());
        h.extend_from_slice(&record);
        h.extend_from_slice(vlr);
    }
    h
}

fn samples() -> [(&'static str, Vec<u8>); 2] {
    let records = records();
    let mut las = head(false, None);
    las.extend_from_slice(&records);
    let vlr = LazVlr::from_laz_items(LazItemRecordBuilder::default_for_point_format_id(1, 0).expect("a known format"));
    let mut content = Vec::new();
    vlr.write_to(&mut content).expect("memory takes all");
    let mut laz = Cursor::new(head(true, Some(&content)));
    laz.set_position(laz.get_ref().len() as u64);
    let mut compressor = LasZipCompressor::new(laz, vlr).expect("a known compression");
    compressor.compress_many(&records).and_then(|()| compressor.done()).expect("memory takes all");
    let laz = compressor.into_inner();
    [("las", las), ("laz", laz.into_inner())]
}

fn points(c: &mut Criterion) {
    let mut group = c.benchmark_group("points");
    group.throughput(Throughput::Elements(u64::from(POINTS))).sample_size(10);
    for (format, bytes) in samples() {
        let artifact = Artifact {
            blob: Blob::from_bytes(bytes),
            name: format!("a.{format}"),
            format,
            attributes: BTreeMap::new(),
            inside: Vec::new(),
        };
        group.bench_function(format, |b| {
            b.iter(|| PointcloudPlugin.inspect(&artifact, &Context::default(), &mut Sink).expect("a whole file"));
        });
    }
    group.finish();
}

criterion_group!(benches, points);
criterion_main!(benches);
