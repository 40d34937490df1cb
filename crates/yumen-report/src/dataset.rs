//! Findings summed per dataset: what an engineer shares is a folder or a recording, not its files.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yumen_model::finding::{Finding, MAX_ROWS, sort_rows, unite};
use yumen_model::kind::KindId;

use crate::figures::{Noun, counted};
use crate::lang::Lang;
use crate::report::Report;
use crate::{vocabulary, words};

/// Data of sensors and places that lie together: one input of the scan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dataset {
    /// The input.
    pub path: String,
    /// Layouts that were recognised in it (`kitti`, `nuscenes`…).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub layouts: Vec<String>,
    /// Artifacts that hold any of it.
    pub artifacts: u64,
    /// Sums, one for each kind and region.
    pub sums: Vec<Sum>,
    /// Tables of topics, channels, layers and sensors, by their name. A row names its artifact where several have such a table.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub tables: BTreeMap<String, Vec<Value>>,
}

/// All findings of one kind and region in a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sum {
    /// What was found.
    pub kind: KindId,
    /// Region, where the kind has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<String>,
    /// Findings.
    pub findings: u64,
    /// Occurrences, as [`Finding::count`].
    pub count: u64,
    /// Their properties united: numbers add up, extents grow.
    pub properties: BTreeMap<String, Value>,
}

/// Families of kinds that make a dataset.
const FAMILIES: &[&str] = &["sensor", "geo", "image", "dataset", "bus", "flow"];

/// The datasets of a report, one for each input that holds data of sensors or places, in the order of their paths.
pub(crate) fn sum(report: &Report) -> Vec<Dataset> {
    let mut found: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|f| belongs(f)) {
        found.entry(root(report, &finding.artifact)).or_default().push(finding);
    }
    found.into_iter().map(|(path, findings)| dataset(path, &findings)).collect()
}

fn belongs(finding: &Finding) -> bool {
    let family = finding.kind.name().split('.').next().unwrap_or("");
    FAMILIES.contains(&family)
}

/// The input that an artifact lies in; of inputs that contain each other the inner one.
fn root<'r>(report: &'r Report, artifact: &'r str) -> &'r str {
    let inside = |path: &str| {
        artifact.strip_prefix(path).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || rest.starts_with("!/") || path.ends_with('/')
        })
    };
    let inputs = report.inputs.iter().map(|i| i.path.as_str());
    inputs
        .filter(|path| inside(path))
        .max_by_key(|path| path.len())
        .unwrap_or_else(|| artifact.split("!/").next().unwrap_or(artifact))
}

fn dataset(path: &str, findings: &[&Finding]) -> Dataset {
    let mut sums: BTreeMap<(KindId, Option<&str>), Sum> = BTreeMap::new();
    let mut layouts = BTreeSet::new();
    let mut tables: BTreeMap<String, Vec<(&str, &Value)>> = BTreeMap::new();
    let mut sensors: Vec<(&str, Value)> = Vec::new();
    for finding in findings {
        let region = finding.properties.get("region").and_then(Value::as_str);
        let sum = sums.entry((finding.kind, region)).or_insert_with(|| Sum {
            kind: finding.kind,
            region: region.map(str::to_owned),
            findings: 0,
            count: 0,
            properties: BTreeMap::new(),
        });
        sum.findings += 1;
        sum.count = sum.count.saturating_add(finding.count);
        for (name, value) in &finding.properties {
            match value {
                Value::Array(rows) if !rows.is_empty() && rows.iter().all(Value::is_object) => {
                    tables.entry(name.clone()).or_default().extend(rows.iter().map(|r| (finding.artifact.as_str(), r)));
                }
                // The geometry of each stands with it.
                _ if name == "region" || name == "outline" => {}
                value => match sum.properties.get_mut(name) {
                    Some(have) => unite(name, have, value),
                    None => {
                        sum.properties.insert(name.clone(), value.clone());
                    }
                },
            }
        }
        if let Some(Value::String(layout)) = finding.properties.get("layout") {
            layouts.insert(layout.clone());
        }
        if finding.kind.name().starts_with("sensor.") && !finding.properties.values().any(is_table) {
            sensors.push((&finding.artifact, sensor(finding)));
        }
    }
    tables.entry("sensors".to_owned()).or_default().extend(sensors.iter().map(|(a, row)| (*a, row)));
    let artifacts: BTreeSet<&str> = findings.iter().map(|f| f.artifact.as_str()).collect();
    Dataset {
        path: path.to_owned(),
        layouts: layouts.into_iter().collect(),
        artifacts: artifacts.len() as u64,
        sums: sums.into_values().collect(),
        tables: tables.into_iter().filter(|(_, rows)| !rows.is_empty()).map(|(n, rows)| (n, table(&rows))).collect(),
    }
}

fn is_table(value: &Value) -> bool {
    value.as_array().is_some_and(|rows| !rows.is_empty() && rows.iter().all(Value::is_object))
}

/// A finding of a sensor as a row: what is told of it in plain values.
fn sensor(finding: &Finding) -> Value {
    let plain = finding.properties.iter().filter(|(_, v)| !v.is_array() && !v.is_object());
    let kind = ("kind".to_owned(), Value::from(finding.kind.name()));
    Value::Object(std::iter::once(kind).chain(plain.map(|(n, v)| (n.clone(), v.clone()))).collect())
}

/// Rows of several artifacts as one table.
fn table(rows: &[(&str, &Value)]) -> Vec<Value> {
    let several = rows.iter().any(|(artifact, _)| *artifact != rows[0].0);
    let mut out: Vec<Value> = rows
        .iter()
        .map(|(artifact, row)| {
            let mut row = (*row).clone();
            if let (true, Some(cells)) = (several, row.as_object_mut()) {
                cells.insert("artifact".to_owned(), Value::from(*artifact));
            }
            row
        })
        .collect();
    sort_rows(&mut out);
    out.truncate(MAX_ROWS);
    out
}

/// Columns that come first in a shown table, in this order; those that come last follow the rest.
const FIRST: &[&str] = &["name", "kind", "type", "messages", "frames", "rate_hz", "duration_s", "bytes"];
const LAST: &[&str] = &["artifact"];

/// The columns of a table in the order in which they are shown.
pub(crate) fn columns(rows: &[Value]) -> Vec<&str> {
    let names: BTreeSet<&str> =
        rows.iter().filter_map(Value::as_object).flatten().map(|(name, _)| name.as_str()).collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    let rank = |name: &str| match (FIRST.iter().position(|f| *f == name), LAST.contains(&name)) {
        (Some(at), _) => at,
        (None, false) => FIRST.len(),
        (None, true) => FIRST.len() + 1,
    };
    names.sort_by_key(|name| (rank(name), *name));
    names
}

/// A cell of a table as text.
pub(crate) fn cell(lang: Lang, name: &str, row: &Value) -> String {
    match &row[name] {
        Value::Null => String::new(),
        Value::String(kind) if name == "kind" => {
            KindId::named(kind).map_or(kind.as_str(), |kind| words::kind(lang, kind)).to_owned()
        }
        Value::Number(n) if n.as_u64().is_none() => {
            let n = n.as_f64().unwrap_or(0.0);
            if n.abs() >= 1000.0 { format!("{n:.0}") } else { format!("{:.2}", n) }
        }
        value => vocabulary::value(lang, name, value),
    }
}

/// What a sum tells, in words.
pub(crate) fn told(lang: Lang, sum: &Sum, most: usize) -> Vec<String> {
    let mut parts = vec![counted(lang, sum.findings, Noun::Finding)];
    if sum.count != sum.findings {
        parts.push(counted(lang, sum.count, Noun::Occurrence));
    }
    parts.extend(sum.region.as_ref().map(|r| vocabulary::value(lang, "region", &Value::from(r.as_str()))));
    parts.extend(sum.properties.iter().take(most).map(|(name, value)| vocabulary::pair(lang, name, value)));
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use yumen_model::kind::kinds;

    use super::*;
    use crate::report::Input;
    use crate::sample;

    fn found(id: &str, kind: KindId, artifact: &str, properties: Value) -> Finding {
        let mut finding = sample::finding(id, kind, artifact, 1, 0.9, "");
        finding.properties = serde_json::from_value(properties).unwrap();
        finding
    }

    #[test]
    fn findings_are_summed_by_input_kind_and_region() {
        let mut report = sample::empty();
        report.inputs = vec![
            Input { path: "data".to_owned(), ..Input::default() },
            Input { path: "data2/x.mcap".to_owned(), ..Input::default() },
        ];
        let track = |region, points, extent: [f64; 4]| json!({"region": region, "points": points, "extent": extent, "rate_hz": 10.0});
        let topics = |name| json!({"topics": [{"name": name, "messages": 3}]});
        report.findings = vec![
            found("1", kinds::GEO_TRACK, "data/a.bag", track("inside", 5, [1.0, 1.0, 2.0, 2.0])),
            found("2", kinds::GEO_TRACK, "data/b.zip!/b.bag", track("inside", 7, [0.0, 1.5, 2.0, 3.0])),
            found("3", kinds::GEO_TRACK, "data/c.bag", track("outside", 1, [0.0, 0.0, 0.0, 0.0])),
            found("4", kinds::SENSOR_RECORDING, "data/a.bag", topics("/b")),
            found("5", kinds::SENSOR_RECORDING, "data/c.bag", topics("/a")),
            found("6", kinds::SENSOR_LIDAR, "data2/x.mcap", json!({"frames": 9})),
            found("7", kinds::PERSON_PHONE, "data/t.txt", json!({})),
        ];
        let datasets = sum(&report);
        assert_eq!(
            datasets.iter().map(|d| (d.path.as_str(), d.artifacts)).collect::<Vec<_>>(),
            [("data", 3), ("data2/x.mcap", 1)]
        );
        let tracks: Vec<&Sum> = datasets[0].sums.iter().filter(|s| s.kind == kinds::GEO_TRACK).collect();
        assert_eq!(tracks.len(), 2);
        assert_eq!((tracks[0].region.as_deref(), tracks[0].findings), (Some("inside"), 2));
        assert_eq!(tracks[0].properties["points"], 12);
        assert_eq!(tracks[0].properties["rate_hz"], 10.0);
        assert_eq!(tracks[0].properties["extent"], json!([0.0, 1.0, 2.0, 3.0]));
        assert_eq!(
            datasets[0].tables["topics"],
            [
                json!({"name": "/a", "messages": 3, "artifact": "data/c.bag"}),
                json!({"name": "/b", "messages": 3, "artifact": "data/a.bag"})
            ]
        );
        assert_eq!(datasets[1].tables["sensors"], [json!({"kind": "sensor.lidar", "frames": 9})]);
    }
}
