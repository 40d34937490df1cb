//! How many bytes of road networks and maps are read in a second.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use yumen_kit_container::testing::{Engine, fixture, inspect_as};
use yumen_plugin_map::MapPlugin;

fn formats(c: &mut Criterion) {
    let mut group = c.benchmark_group("map");
    let road = "<road id='1' length='100' junction='-1'><planView><geometry s='0' x='448000.25' y='4417000.5' hdg='0.125' length='100'><spiral curvStart='0.01' curvEnd='-0.02'/></geometry></planView><lanes><laneSection s='0'><right><lane id='-1' type='driving' level='false'><width sOffset='0.0' a='3.5' b='0.0' c='0.0' d='0.0'/></lane></right></laneSection></lanes></road>\n";
    let xodr =
        format!("<OpenDRIVE><header revMajor='1' revMinor='6'/>{}</OpenDRIVE>", road.repeat(20_000)).into_bytes();
    let mut osm = "<osm version='0.6' generator='made up'>\n".to_owned();
    for i in 0..60_000 {
        osm += &format!(
            "<node id='{i}' version='1' timestamp='2026-01-02T03:04:05Z' uid='1' user='a' lat='39.{i:06}' lon='116.{i:06}'/>\n"
        );
    }
    osm += "</osm>\n";
    // Blobs may follow each other as often as one likes.
    let pbf = fixture("roadmap", "raw.osm.pbf").repeat(2000);
    for (format, bytes) in [("opendrive", xodr), ("osm-xml", osm.into_bytes()), ("osm-pbf", pbf)] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format, |b| b.iter(|| inspect_as(&MapPlugin, format, "a", &bytes, Engine::default())));
    }
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
