//! The JSON Schemas of rulebooks and of `yumen.yaml`. The types here are their form; [`crate::Rulebook`] is what they become. A test holds the built-in
//! rulebook against its schema.

#![allow(dead_code)]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use yumen_model::kind::KindId;
use yumen_model::verdict::{Class, Route, Text};

/// JSON Schema of a rulebook.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Book).to_value();
    schema["title"] = "rulebook".into();
    schema
}

/// JSON Schema of `yumen.yaml`.
#[must_use]
pub fn overlay_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Overlay).to_value();
    schema["title"] = "yumen.yaml".into();
    schema
}

/// One or several.
#[derive(JsonSchema)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// A rulebook: rows that say what found data means in law.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Book {
    /// Its name.
    rulebook: String,
    /// `yumen-rulebook/1`.
    format: Format,
    /// The edition of the rules it encodes.
    edition: String,
    /// Whether the official table has been entered.
    annex: Annex,
    title: Text,
    /// A finding whose confidence is not above this proves no important data by itself.
    #[schemars(range(min = 0, max = 1))]
    proof_above: f64,
    scenarios: Vec<Scenario>,
    personal_information: Vec<PersonalKind>,
    switches: Vec<Switch>,
    facts: Vec<Fact>,
    routes: Vec<RouteRule>,
    approvals: Vec<Approval>,
    exemptions: Vec<Exemption>,
    rows: Vec<Row>,
    checklist: Vec<ChecklistItem>,
    notes: Vec<Note>,
}

#[derive(JsonSchema)]
enum Format {
    #[serde(rename = "yumen-rulebook/1")]
    One,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Annex {
    NotVerified,
    Verified,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Basis {
    Final,
    FinalFragment,
    FinalSecondhand,
    Draft,
    OtherRule,
    GeneralKnowledge,
    Inference,
    Organisation,
    Official,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Confidence {
    High,
    MediumHigh,
    Medium,
    Low,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Criterion {
    Known,
    Missing,
    Disputed,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum Remark {
    Both(Text),
    One(String),
}

/// Where an entry comes from and how sure it is.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Provenance {
    basis: OneOrMany<Basis>,
    confidence: Confidence,
    /// Whether the official criterion is in hand.
    criterion: Option<Criterion>,
    source: Option<String>,
    note: Option<Remark>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Scenario {
    id: String,
    title: Text,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum PersonalLevel {
    Personal,
    Sensitive,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PersonalKind {
    kind: KindId,
    level: PersonalLevel,
    /// Whether the number of occurrences bounds the number of persons.
    countable: Option<bool>,
    /// The switch that makes it sensitive.
    switch: Option<String>,
    provenance: Provenance,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Switch {
    id: String,
    default: bool,
    title: Text,
    provenance: Provenance,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum FactType {
    Bool,
    Count,
    Word,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Fact {
    name: String,
    #[serde(rename = "type")]
    kind: FactType,
    /// The words of a fact of type word.
    values: Option<Vec<String>>,
    /// Its place in shipment.yaml where that is not `facts.NAME`.
    key: Option<String>,
    question: Text,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Trigger {
    ImportantData,
    Ciio,
    Persons,
    Other,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Personal,
    Sensitive,
    Any,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RouteRule {
    id: String,
    route: Route,
    trigger: Trigger,
    persons: Option<Level>,
    at_least: Option<u64>,
    item: Text,
    provenance: Provenance,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Approval {
    kind: String,
    title: Text,
    /// Routes whose condition it meets.
    satisfies: Vec<Route>,
    validity_years: Option<u64>,
    provenance: Provenance,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Lifts {
    PersonalInformation,
    Thresholds,
    ZoneList,
    Rows,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Exemption {
    id: String,
    lifts: Lifts,
    authorities: Option<Vec<String>>,
    item: Text,
    provenance: Provenance,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SettledBy {
    Determination,
    Accept,
    Nothing,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Preconditions {
    /// A fact that must be declared true.
    fact: String,
    /// Kinds of approvals, any of which will do.
    approvals: OneOrMany<String>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum Detectable {
    Whether(bool),
    Partly(Partly),
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Partly {
    Partly,
}

/// A row.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Row {
    id: String,
    aliases: Option<OneOrMany<String>>,
    scenario: String,
    category: Option<Text>,
    item: Text,
    /// Titles of the limbs: as many as `when` has conditions under `all`.
    limbs: Option<Vec<Text>>,
    /// When it applies; left out only with `detectable: false`.
    when: Option<Condition>,
    class: Class,
    exemptions: Option<OneOrMany<String>>,
    settled_by: Option<SettledBy>,
    preconditions: Option<Preconditions>,
    detectable: Option<Detectable>,
    provenance: Provenance,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Number(f64),
    Text(String),
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum Allowed {
    One(Scalar),
    Several(Vec<Scalar>),
    AtLeast(AtLeast),
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AtLeast {
    at_least: f64,
}

/// A condition of three values.
#[derive(JsonSchema)]
#[serde(untagged)]
enum Condition {
    All(All),
    Any(Any),
    Not(Not),
    Found(Found),
    Fact(FactTest),
    Declared(DeclaredTest),
    Persons(Persons),
    Opaque(Opaque),
}

/// All of them.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct All {
    #[schemars(length(min = 1))]
    all: Vec<Condition>,
}

/// At least one of them.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Any {
    #[schemars(length(min = 1))]
    any: Vec<Condition>,
}

/// Not this.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Not {
    not: Box<Condition>,
}

/// Findings of one of these kinds.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Found {
    found: OneOrMany<KindId>,
    /// Properties that the finding must have.
    with: Option<BTreeMap<String, Allowed>>,
    /// The fact that decides where a property is lacking.
    missing: Option<String>,
    /// Least number of occurrences.
    at_least: Option<u64>,
    /// Least confidence that proves it.
    #[schemars(range(min = 0, max = 1))]
    min_confidence: Option<f64>,
    /// Kinds of which something must stand in the same artifact, folder or container.
    beside: Option<OneOrMany<KindId>>,
}

/// A declared fact, asked for while it is unknown.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FactTest {
    fact: String,
    is: Option<Scalar>,
    at_least: Option<u64>,
}

/// A declared fact that counts only once declared.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DeclaredTest {
    declared: String,
    is: Option<Scalar>,
    at_least: Option<u64>,
}

/// So many persons in the shipment; `at-least` or `more-than`.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Persons {
    persons: Level,
    at_least: Option<u64>,
    more_than: Option<u64>,
}

/// Opaque bytes that nobody accounts for: `any`, or reasons.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Opaque {
    opaque: OneOrMany<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Head {
    Management,
    Technical,
    Logs,
    Emergency,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Concerns {
    PersonalInformation,
    ImportantData,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ChecklistItem {
    id: String,
    head: Head,
    applies_to: Option<Concerns>,
    text: Text,
    provenance: Provenance,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Note {
    code: String,
    text: Text,
    rows: Option<OneOrMany<String>>,
    when: Option<Condition>,
}

/// The organisation's own configuration, laid over a rulebook.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Overlay {
    /// New rows, whole; of a row that exists, a graver `class` and a wider `when`.
    rows: Option<Vec<OverlayRow>>,
    /// What is loosened, each with its reason; shown in every report.
    loosen: Option<Vec<Loosen>>,
    /// Switches of the rulebook.
    switches: Option<BTreeMap<String, SwitchTo>>,
    /// File that holds the key for keyed tokens.
    key: Option<String>,
    /// Areas that the organisation holds to be sensitive.
    fences: Option<Vec<Fence>>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Fence {
    /// GeoJSON of polygons, lines and points; a relative path starts at the configuration's folder.
    file: String,
    /// What reports call it; the file's name without its ending otherwise.
    name: Option<String>,
    /// How far around each area counts as inside, in metres; a feature's property `buffer_m` or `radius_m` takes its place.
    buffer_m: Option<f64>,
    /// Datum of the coordinates; WGS-84 otherwise.
    datum: Option<FenceDatum>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum FenceDatum {
    Wgs84,
    Cgcs2000,
    Gcj02,
    Bd09,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum OverlayRow {
    New(Box<Row>),
    Tighten(Tighten),
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Tighten {
    id: String,
    class: Option<Class>,
    when: Option<Condition>,
}

/// One of `off`, `class`, `when`.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Loosen {
    row: String,
    off: Option<bool>,
    class: Option<Class>,
    when: Option<Condition>,
    reason: String,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum SwitchTo {
    Plain(bool),
    Reasoned(Reasoned),
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Reasoned {
    on: bool,
    reason: Option<String>,
}
