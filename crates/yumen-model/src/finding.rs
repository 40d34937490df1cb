//! Findings, aggregated where they arise: one for each artifact, kind and distinguishing property.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::kind::{KindId, KindSet, kinds};
use crate::secret::{Mask, Redacted, Secret};
use crate::subject::{Identifier, SubjectEdges, SubjectKey};
use crate::verdict::Text;

/// Distinguishing properties, sorted by name: `[("region", "inside".into())]`.
pub type Props = Vec<(&'static str, Prop)>;

/// The value of a distinguishing property.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prop {
    /// True or false.
    Bool(bool),
    /// A word of a fixed vocabulary; never content.
    Word(Cow<'static, str>),
}

impl From<bool> for Prop {
    fn from(b: bool) -> Self {
        Prop::Bool(b)
    }
}

impl From<&'static str> for Prop {
    fn from(word: &'static str) -> Self {
        Prop::Word(Cow::Borrowed(word))
    }
}

impl From<&Prop> for Value {
    fn from(p: &Prop) -> Self {
        match p {
            Prop::Bool(b) => Value::Bool(*b),
            Prop::Word(w) => Value::String(w.clone().into_owned()),
        }
    }
}

/// Which part of an artifact a location speaks of, when it is not the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The artifact's own name.
    Name,
}

/// Where a finding stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// Set when it is not the content.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<Part>,
    /// Bytes in the artifact, half-open. In a name: bytes of the name as it is shown before masking, for the engine; left out of reports.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<(u64, u64)>,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<u64>,
    /// Topic or channel of a recording.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub topic: Option<String>,
    /// Time from the start of a recording, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time_s: Option<Seconds>,
    /// Number of the frame, from 0.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub frame: Option<u64>,
    /// In a picture: x, y, width, height in pixels.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none", default)]
    pub pixels: Option<[u32; 4]>,
}

/// A time in seconds to the microsecond, so that places can be ordered and compared. Serialises as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(i64);

impl Seconds {
    /// A time; what is no number is 0.
    #[must_use]
    pub fn new(seconds: f64) -> Self {
        // Rust's conversion saturates, and takes what is no number for 0.
        #[allow(clippy::cast_possible_truncation)]
        Seconds((seconds * 1e6).round() as i64)
    }

    /// The time in seconds.
    #[must_use]
    pub fn get(self) -> f64 {
        #[allow(clippy::cast_precision_loss)]
        let micros = self.0 as f64;
        micros / 1e6
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64(self.get())
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        f64::deserialize(d).map(Seconds::new)
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number" })
    }
}

/// One occurrence, as a detector reports it.
pub struct Hit<'a> {
    /// The kind.
    pub kind: KindId,
    /// Where.
    pub location: Location,
    /// The raw value.
    pub secret: Secret<'a>,
    /// How it is masked in the sample.
    pub mask: Mask,
    /// 0 to 1.
    pub confidence: f64,
    /// Properties that make a finding of its own.
    pub distinct: Props,
    /// Words gathered into a list property of the finding: `("provinces", "CN-BJ")`.
    pub collect: Vec<(&'static str, Cow<'static, str>)>,
}

/// A finding of an artifact, still without path and id.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// The kind.
    pub kind: KindId,
    /// Distinguishing properties.
    pub distinct: Props,
    /// Occurrences.
    pub count: u64,
    /// Highest confidence of any occurrence.
    pub confidence: f64,
    /// The first places in order, each with its masked sample.
    pub places: Vec<(Location, Redacted)>,
    /// List properties.
    pub lists: BTreeMap<Cow<'static, str>, BTreeSet<Cow<'static, str>>>,
    /// Other properties (figures of a track and the like).
    pub properties: BTreeMap<Cow<'static, str>, Value>,
}

impl Aggregate {
    /// Unites properties with those that are there.
    fn tell(&mut self, properties: BTreeMap<impl Into<Cow<'static, str>>, Value>) {
        for (name, value) in properties {
            let name = name.into();
            match value {
                Value::Array(words) if words.iter().all(Value::is_string) => {
                    let words = words.into_iter().filter_map(|w| w.as_str().map(|w| Cow::Owned(w.to_owned())));
                    self.lists.entry(name).or_default().extend(words);
                }
                value => match self.properties.get_mut(&name) {
                    Some(have) => unite(&name, have, &value),
                    None => {
                        self.properties.insert(name, value);
                    }
                },
            }
        }
    }
}

/// Areas that positions are watched for.
pub trait Watch: Send + Sync {
    /// The names of the areas that a position on WGS-84 lies in, as reports may tell them.
    fn around(&self, lat: f64, lon: f64) -> Vec<&str>;
}

/// What detectors write into: findings, subjects, and spans to mask in the artifact's name. One for each artifact.
pub struct Findings {
    key: SubjectKey,
    /// How many places are kept beside the first.
    keep: usize,
    covered: bool,
    watch: Option<Arc<dyn Watch>>,
    proofs: Vec<(KindId, Props)>,
    aggregates: Vec<Aggregate>,
    edges: SubjectEdges,
    uncounted: KindSet,
    name_spans: Vec<Range<usize>>,
}

/// What [`Findings`] holds at the end.
pub struct FindingsParts {
    /// Findings, sorted by kind and distinguishing properties.
    pub aggregates: Vec<Aggregate>,
    /// Subject edges.
    pub edges: SubjectEdges,
    /// Kinds whose persons could not be counted.
    pub uncounted: KindSet,
    /// Byte ranges of the artifact's name that must be masked.
    pub name_spans: Vec<Range<usize>>,
}

impl Findings {
    /// An empty set. `keep` is the number of places kept beside the first; `covered` says that an exemption covers the artifact's persons.
    #[must_use]
    pub fn new(key: SubjectKey, keep: usize, covered: bool) -> Self {
        Findings {
            key,
            keep,
            covered,
            watch: None,
            proofs: Vec::new(),
            aggregates: Vec::new(),
            edges: SubjectEdges::default(),
            uncounted: KindSet::default(),
            name_spans: Vec::new(),
        }
    }

    /// Has positions watched for areas.
    #[must_use]
    pub fn watching(mut self, watch: Option<Arc<dyn Watch>>) -> Self {
        self.watch = watch;
        self
    }

    /// Tells of a position, in degrees on WGS-84 as far as its datum is known: where it lies in an area that is watched, that is a finding.
    pub fn position(&mut self, lat: f64, lon: f64, location: impl FnOnce() -> Location) {
        let Some(watch) = self.watch.clone() else { return };
        let names = watch.around(lat, lon);
        if !names.is_empty() {
            let collect = names.into_iter().map(|n| ("fences", Cow::Owned(n.to_owned()))).collect();
            self.hit(Hit {
                kind: kinds::GEO_SENSITIVE_AREA,
                location: location(),
                secret: Secret::new(""),
                mask: Mask::All,
                confidence: 0.95,
                distinct: Vec::new(),
                collect,
            });
        }
    }

    /// Says that a finding of this kind and these distinguishing properties is certain already, though its figures are still being gathered: whoever is in
    /// a hurry may stop here.
    pub fn prove(&mut self, kind: KindId, distinct: Props) {
        if !self.proofs.iter().any(|(k, d)| *k == kind && *d == distinct) {
            self.proofs.push((kind, distinct));
        }
    }

    /// What is certain already.
    #[must_use]
    pub fn proofs(&self) -> &[(KindId, Props)] {
        &self.proofs
    }

    /// Adds one occurrence.
    pub fn hit(&mut self, hit: Hit<'_>) {
        if hit.location.part == Some(Part::Name)
            && let Some((from, to)) = hit.location.bytes
        {
            let span = |n| usize::try_from(n).unwrap_or(usize::MAX);
            self.name_spans.push(span(from)..span(to));
        }
        let keep = self.keep.saturating_add(1);
        let mut distinct = hit.distinct;
        distinct.sort();
        let found = self.aggregates.iter_mut().find(|a| a.kind == hit.kind && a.distinct == distinct);
        let aggregate = match found {
            Some(a) => a,
            None => {
                self.aggregates.push(Aggregate {
                    kind: hit.kind,
                    distinct,
                    count: 0,
                    confidence: 0.0,
                    places: Vec::new(),
                    lists: BTreeMap::new(),
                    properties: BTreeMap::new(),
                });
                match self.aggregates.last_mut() {
                    Some(a) => a,
                    None => return,
                }
            }
        };
        aggregate.count += 1;
        aggregate.confidence = aggregate.confidence.max(hit.confidence);
        for (name, word) in hit.collect {
            aggregate.lists.entry(Cow::Borrowed(name)).or_default().insert(word);
        }
        let at = aggregate.places.partition_point(|(l, _)| *l <= hit.location);
        if at < keep {
            aggregate.places.insert(at, (hit.location, hit.secret.redact(hit.mask)));
            aggregate.places.truncate(keep);
        }
    }

    /// Adds a finding that is more than a matched value (a track): `count` occurrences and figures as properties. Where the artifact already
    /// has a finding of that kind and distinguishing properties the two become one: numbers add up, lists of words unite, an `extent`
    /// (w, s, e, n) grows, rows of tables follow each other, of rates the greater stays; of other properties that differ `unknown` is told.
    pub fn summary(
        &mut self,
        kind: KindId,
        distinct: Props,
        count: u64,
        confidence: f64,
        location: Location,
        properties: BTreeMap<impl Into<Cow<'static, str>>, Value>,
    ) {
        let mut distinct = distinct;
        distinct.sort();
        let keep = self.keep.saturating_add(1);
        let found = self.aggregates.iter().position(|a| a.kind == kind && a.distinct == distinct);
        let at = found.unwrap_or_else(|| {
            self.aggregates.push(Aggregate {
                kind,
                distinct,
                count: 0,
                confidence: 0.0,
                places: Vec::new(),
                lists: BTreeMap::new(),
                properties: BTreeMap::new(),
            });
            self.aggregates.len() - 1
        });
        let aggregate = &mut self.aggregates[at];
        aggregate.count += count;
        aggregate.confidence = aggregate.confidence.max(confidence);
        aggregate.tell(properties);
        let at = aggregate.places.partition_point(|(l, _)| *l <= location);
        if at < keep {
            aggregate.places.insert(at, (location, Secret::new("").redact(Mask::All)));
            aggregate.places.truncate(keep);
        }
    }

    /// Adds occurrences without a place, and properties, to a finding whose places were told as hits. They unite as those of [`Findings::summary`] do.
    pub fn properties(
        &mut self,
        kind: KindId,
        distinct: Props,
        count: u64,
        properties: BTreeMap<impl Into<Cow<'static, str>>, Value>,
    ) {
        let mut distinct = distinct;
        distinct.sort();
        if let Some(aggregate) = self.aggregates.iter_mut().find(|a| a.kind == kind && a.distinct == distinct) {
            aggregate.count += count;
            aggregate.tell(properties);
        }
    }

    /// The findings so far.
    #[must_use]
    pub fn aggregates(&self) -> &[Aggregate] {
        &self.aggregates
    }

    /// Files a finding under other distinguishing properties, with what is told beside; where there is one of those already the two become one.
    pub fn refile(&mut self, kind: KindId, from: &Props, to: Props, properties: BTreeMap<Cow<'static, str>, Value>) {
        let Some(at) = self.aggregates.iter().position(|a| a.kind == kind && a.distinct == *from) else { return };
        let mut moved = self.aggregates.swap_remove(at);
        moved.tell(properties);
        moved.distinct = to;
        moved.distinct.sort();
        let same = self.aggregates.iter_mut().find(|a| a.kind == kind && a.distinct == moved.distinct);
        let Some(have) = same else { return self.aggregates.push(moved) };
        have.count += moved.count;
        have.confidence = have.confidence.max(moved.confidence);
        have.tell(moved.properties);
        for (name, words) in moved.lists {
            have.lists.entry(name).or_default().extend(words);
        }
        have.places.extend(moved.places);
        have.places.sort_by(|a, b| a.0.cmp(&b.0));
        have.places.truncate(self.keep.saturating_add(1));
    }

    /// Adds a record: the identifiers that stand in it and the other kinds seen in it. Without any identifier its persons are uncounted.
    pub fn record(&mut self, identifiers: &[Identifier<'_>], seen: KindSet) {
        if identifiers.iter().any(|i| i.kind.rank().is_some()) {
            self.edges.record(&self.key, identifiers, seen, self.covered);
        } else if !self.covered {
            let more: KindSet = identifiers.iter().map(|i| i.kind).collect();
            self.uncounted = self.uncounted.union(seen).union(more);
        }
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.aggregates.is_empty()
    }

    /// Byte ranges of the artifact's name that must be masked, as far as they are known.
    #[must_use]
    pub fn name_spans(&self) -> &[Range<usize>] {
        &self.name_spans
    }

    /// Occurrences so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.aggregates.iter().map(|a| a.count).sum()
    }

    /// Takes everything out, in a fixed order.
    #[must_use]
    pub fn into_parts(mut self) -> FindingsParts {
        self.aggregates.sort_by(|a, b| (a.kind, &a.distinct).cmp(&(b.kind, &b.distinct)));
        FindingsParts {
            aggregates: self.aggregates,
            edges: self.edges,
            uncounted: self.uncounted,
            name_spans: self.name_spans,
        }
    }
}

/// Most rows of a table among the properties.
pub const MAX_ROWS: usize = 1000;

/// Properties that name things: of several all are told.
const NAMES: &[&str] = &["name", "frame_id", "child_frame_id", "topic", "tied_to", "view", "program", "date"];

/// Puts a further part's figure into the one at hand: numbers add up, but of precisions and resolutions the finest stays and of rates and densities the
/// highest; extents grow, lists of words, names and tables unite; of what differs otherwise `unknown` is told.
pub fn unite(name: &str, have: &mut Value, more: &Value) {
    if NAMES.contains(&name) && have != more {
        let list = |v: &Value| v.as_array().cloned().unwrap_or_else(|| vec![v.clone()]);
        let (a, b) = (list(have), list(more));
        let words: BTreeSet<&str> = a.iter().chain(&b).filter_map(Value::as_str).collect();
        *have = words.into_iter().take(MAX_ROWS).collect();
        return;
    }
    match (&mut *have, more) {
        (Value::Number(a), Value::Number(b)) => {
            let (x, y) = (a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(0.0));
            if name.ends_with("_hz") || name.contains("_per_") {
                *have = if y > x { more.clone() } else { have.clone() };
            } else if name == "precision_m" || name == "resolution_m" {
                *have = if y < x { more.clone() } else { have.clone() };
            } else {
                *have = match (a.as_u64(), b.as_u64()) {
                    (Some(a), Some(b)) => Value::from(a.saturating_add(b)),
                    _ => Value::from(x + y),
                };
            }
        }
        (Value::Array(a), Value::Array(b)) if name == "extent" && a.len() == 4 && b.len() == 4 => {
            for (i, (a, b)) in a.iter_mut().zip(b).enumerate() {
                if let (Some(x), Some(y)) = (a.as_f64(), b.as_f64()) {
                    *a = Value::from(if i < 2 { x.min(y) } else { x.max(y) });
                }
            }
        }
        // Tables: the rows of both, in an order of their own.
        (Value::Array(a), Value::Array(b)) if a.iter().chain(b).all(Value::is_object) => {
            a.extend(b.iter().cloned());
            sort_rows(a);
            a.dedup();
            a.truncate(MAX_ROWS);
        }
        // Lines of an outline.
        (Value::Array(a), Value::Array(b)) if a.iter().chain(b).all(Value::is_array) => {
            a.extend(b.iter().take(MAX_ROWS.saturating_sub(a.len())).cloned());
        }
        (Value::Array(a), Value::Array(b)) if a.iter().chain(b).all(Value::is_string) => {
            let words: BTreeSet<&str> = a.iter().chain(b).filter_map(Value::as_str).collect();
            *have = words.into_iter().collect();
        }
        (Value::Bool(a), Value::Bool(b)) => *a |= *b,
        (a, b) if a != b => *have = Value::from("unknown"),
        _ => {}
    }
}

/// Puts the rows of a table into their order: by their `name`, then by all they hold.
pub fn sort_rows(rows: &mut [Value]) {
    rows.sort_by_cached_key(|row| (row["name"].as_str().unwrap_or("").to_owned(), row.to_string()));
}

/// A finding as reports give it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Hash of kind, artifact path, first location and the artifact's digest: the same in every run.
    pub id: String,
    /// What was found.
    pub kind: KindId,
    /// Path of the artifact, hits in it masked.
    pub artifact: String,
    /// Occurrences, not distinct values.
    pub count: u64,
    /// 0 to 1.
    pub confidence: f64,
    /// The first place.
    pub location: Location,
    /// Further places.
    pub places: Vec<Location>,
    /// Masked sample of the first occurrence.
    pub sample: String,
    /// Distinguishing and other properties.
    pub properties: BTreeMap<String, Value>,
    /// What would lift it, the narrowest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub remedies: Vec<Remedy>,
}

/// A change of the shipment after which a finding is no longer there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// What to do, as a word: `drop-topic`, `cut-time`, `keep-local-frame`, `remove-gps-exif`, `anonymise`…
    pub action: String,
    /// What to do it to: a topic, a stretch of time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// The same in words.
    pub text: Text,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::kinds;

    #[test]
    fn positions_in_watched_areas_are_findings() {
        struct North;
        impl Watch for North {
            fn around(&self, lat: f64, _: f64) -> Vec<&str> {
                if lat > 50.0 { vec!["a/1", "a/2"] } else { Vec::new() }
            }
        }
        let mut f = Findings::new(SubjectKey::new([0; 32]), 1, false).watching(Some(Arc::new(North)));
        for lat in [10.0, 51.0, 52.0] {
            f.position(lat, 0.0, Location::default);
        }
        let found = f.into_parts().aggregates;
        assert_eq!((found.len(), found[0].kind, found[0].count), (1, kinds::GEO_SENSITIVE_AREA, 2));
        assert_eq!(found[0].lists["fences"].len(), 2);
    }

    #[test]
    fn occurrences_aggregate_by_kind_and_property_and_the_first_place_wins() {
        let mut f = Findings::new(SubjectKey::new([0; 32]), 1, false);
        let mut hit = |line, checksum: bool| {
            f.hit(Hit {
                kind: kinds::VEHICLE_VIN,
                location: Location { line: Some(line), ..Location::default() },
                secret: Secret::new("LVSBZYDW9K4458422"),
                mask: Mask::Ends(3, 2),
                confidence: 0.9,
                distinct: vec![("checksum", checksum.into())],
                collect: vec![],
            });
        };
        hit(9, true);
        hit(3, true);
        hit(5, true);
        hit(1, false);
        let parts = f.into_parts();
        assert_eq!(parts.aggregates.len(), 2);
        let valid = parts.aggregates.iter().find(|a| a.distinct == [("checksum", Prop::Bool(true))]).unwrap();
        assert_eq!(valid.count, 3);
        assert_eq!(valid.places.iter().map(|(l, _)| l.line.unwrap()).collect::<Vec<_>>(), [3, 5]);
        assert_eq!(valid.places[0].1.as_str(), "LVS••••••••••••22");
    }

    #[test]
    fn summaries_of_one_kind_become_one() {
        let mut f = Findings::new(SubjectKey::new([0; 32]), 1, false);
        let mut add = |points: u64, extent: [f64; 4], datum: &str, province: &str| {
            let properties = [
                ("points", Value::from(points)),
                ("extent", Value::from(extent.to_vec())),
                ("datum", Value::from(datum)),
                ("provinces", Value::from(vec![province])),
            ];
            let distinct = vec![("region", "inside".into())];
            f.summary(kinds::GEO_TRACK, distinct, 1, 0.9, Location::default(), BTreeMap::from(properties));
        };
        add(3, [1.0, 2.0, 3.0, 4.0], "wgs84", "CN-GD");
        add(4, [0.0, 3.0, 2.0, 5.0], "gcj02", "CN-BJ");
        let parts = f.into_parts();
        assert_eq!(parts.aggregates.len(), 1);
        let a = &parts.aggregates[0];
        assert_eq!(
            (a.count, &a.properties["points"], &a.properties["datum"]),
            (2, &Value::from(7), &Value::from("unknown"))
        );
        assert_eq!(a.properties["extent"], Value::from(vec![0.0, 2.0, 3.0, 5.0]));
        assert_eq!(a.lists["provinces"].iter().collect::<Vec<_>>(), ["CN-BJ", "CN-GD"]);
    }
}
