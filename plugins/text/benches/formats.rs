//! How fast each format is read: `cargo bench -p yumen-plugin-text`. Tables are measured here too, so that all text stands in one list.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use yumen_model::{Artifact, Blob, Context, Inspection, Message, Plugin, Stop};
use yumen_plugin_table::TablePlugin;
use yumen_plugin_text::TextPlugin;

/// Bytes of each sample.
const SIZE: usize = 8 << 20;

/// Takes everything and keeps nothing.
struct Sink;

impl Inspection for Sink {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        black_box(&message);
        Ok(())
    }
}

/// A text of about [`SIZE`] bytes: `head`, then `row` with rising numbers, then `tail`.
fn sample(head: &str, row: impl Fn(u32) -> String, tail: &str) -> String {
    let mut text = head.to_owned();
    for i in 0.. {
        if text.len() >= SIZE {
            break;
        }
        text.push_str(&row(i));
    }
    text.push_str(tail);
    text
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let csv = sample(
        "编号,姓名,电话,车架号,备注\n",
        |i| format!("{i},张三,138{i:08},LSVAA4182E2{i:06},\"北京, 朝阳\"\n"),
        "",
    );
    let ndjson = sample(
        "",
        |i| {
            format!(
                "{{\"id\":{i},\"name\":\"张三\",\"phone\":\"138{i:08}\",\"pos\":{{\"lat\":39.9{i:06},\"lon\":116.3}},\"ok\":true}}\n"
            )
        },
        "",
    );
    let json = sample(
        "[\n",
        |i| format!("  {{\n    \"id\": {i},\n    \"text\": \"line \\u4e00\\n{i}\"\n  }},\n"),
        "  {}\n]\n",
    );
    let xml = sample(
        "<?xml version=\"1.0\"?>\n<log>\n",
        |i| {
            format!("  <entry id=\"{i}\"><name>张三</name><vin>LSVAA4182E2{i:06}</vin><note>a &amp; b</note></entry>\n")
        },
        "</log>\n",
    );
    let yaml = sample("items:\n", |i| format!("  - name: item{i}\n    phone: \"138{i:08}\"\n    note: 备注 # c\n"), "");
    let ini = sample("", |i| format!("[section{i}]\nname = 张三\nphone=138{i:08}\n; remark\n"), "");
    let sql = sample(
        "CREATE TABLE `t` (`id` int, `name` varchar(20), `phone` char(11));\n",
        |i| format!("INSERT INTO `t` VALUES ({i},'张三','138{i:08}'),({i},'O\\'N','x');\n"),
        "",
    );
    let log = sample("", |i| format!("2026-11-23 10:00:00,{i:06} INFO [main] 用户 user={i} phone=138{i:08}\n"), "");
    let gbk = encoding_rs::GB18030.encode(&csv).0.into_owned();
    let named = [
        ("csv", csv),
        ("ndjson", ndjson),
        ("json", json),
        ("xml", xml),
        ("yaml", yaml),
        ("ini", ini),
        ("sql", sql),
        ("text", log),
    ];
    let mut all: Vec<_> = named.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    all.push(("csv-gb18030", gbk));
    all
}

fn formats(c: &mut Criterion) {
    let mut group = c.benchmark_group("inspect");
    group.sample_size(10);
    for (name, bytes) in samples() {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let format = name.split('-').next().unwrap_or(name);
        let artifact = Artifact {
            blob: Blob::from_bytes(Arc::<[u8]>::from(bytes)),
            name: format!("a.{format}"),
            format,
            attributes: Default::default(),
            inside: Vec::new(),
        };
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                let plugin: &dyn Plugin = if format == "csv" { &TablePlugin } else { &TextPlugin };
                plugin.inspect(&artifact, &Context::default(), &mut Sink).expect("the sample is read");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
