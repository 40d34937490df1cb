//! How fast the geographic formats are read: `cargo bench -p yumen-plugin-map --bench gis`.
#![allow(missing_docs)]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use yumen_model::{Artifact, Blob, Context, Inspection, Message, Plugin, Stop};
use yumen_plugin_map::MapPlugin;

/// Positions of each sample.
const POSITIONS: u32 = 100_000;

/// Takes everything and keeps nothing.
struct Sink;

impl Inspection for Sink {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        black_box(&message);
        Ok(())
    }
}

fn place(i: u32) -> (f64, f64) {
    (116.0 + f64::from(i % 1000) * 1e-5, 39.0 + f64::from(i) * 1e-6)
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let mut gpx =
        "<?xml version=\"1.0\"?><gpx xmlns=\"http://www.topografix.com/GPX/1/1\" version=\"1.1\"><trk><trkseg>"
            .to_owned();
    let mut geojson = "{\"type\":\"FeatureCollection\",\"features\":[".to_owned();
    let mut kml =
        "<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Placemark><name>track</name><LineString><coordinates>"
            .to_owned();
    let mut shp = vec![0, 0, 0x27, 0x0A];
    shp.resize(24, 0);
    shp.extend_from_slice(&(50 + POSITIONS * 14).to_be_bytes());
    shp.extend_from_slice(&1000u32.to_le_bytes());
    shp.extend_from_slice(&1u32.to_le_bytes());
    shp.resize(100, 0);
    for i in 0..POSITIONS {
        let (x, y) = place(i);
        let _ = writeln!(
            gpx,
            "<trkpt lat=\"{y:.6}\" lon=\"{x:.6}\"><ele>40.1</ele><time>2026-01-02T03:04:05Z</time></trkpt>"
        );
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(
            geojson,
            "{comma}{{\"type\":\"Feature\",\"properties\":{{\"id\":{i}}},\"geometry\":{{\"type\":\"LineString\",\"coordinates\":[[{x:.6},{y:.6}],[{y:.6},{x:.6}],[{x:.6},{y:.6}]]}}}}"
        );
        let _ = write!(kml, "{x:.6},{y:.6},0 ");
        shp.extend_from_slice(&(i + 1).to_be_bytes());
        shp.extend_from_slice(&10u32.to_be_bytes());
        shp.extend_from_slice(&1u32.to_le_bytes());
        shp.extend_from_slice(&x.to_le_bytes());
        shp.extend_from_slice(&y.to_le_bytes());
    }
    gpx.push_str("</trkseg></trk></gpx>");
    geojson.push_str("]}");
    kml.push_str("</coordinates></LineString></Placemark></kml>");
    vec![("gpx", gpx.into_bytes()), ("geojson", geojson.into_bytes()), ("kml", kml.into_bytes()), ("shapefile", shp)]
}

fn read(c: &mut Criterion) {
    let mut group = c.benchmark_group("gis");
    for (format, bytes) in samples() {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let artifact = Artifact {
            blob: Blob::from_bytes(bytes),
            name: format!("sample.{format}"),
            format,
            attributes: std::collections::BTreeMap::new(),
            inside: Vec::new(),
        };
        group.bench_function(BenchmarkId::from_parameter(format), |b| {
            b.iter(|| MapPlugin.inspect(&artifact, &Context::default(), &mut Sink));
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = read }
criterion_main!(benches);
