//! The JSON Schema of `shipment.yaml`. The types here are its form; [`crate::Shipment`] is what it becomes. A test holds both against the same manifests.

#![allow(dead_code)]

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// JSON Schema of `shipment.yaml`.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Manifest).to_value();
    schema["title"] = "shipment.yaml".into();
    schema
}

/// One or several.
#[derive(JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(Scalar),
    Many(Vec<Scalar>),
}

/// Text; a bare number or word is taken as it is spelled.
#[derive(JsonSchema)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(f64),
    Bool(bool),
}

/// A date, year-month-day.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Day(#[schemars(regex(pattern = r"^\d{4}-\d{2}-\d{2}$"))] String);

/// One intended hand-over: who, to whom, why, what is declared, and which approvals it relies on.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Manifest {
    /// Id of the shipment.
    shipment: Scalar,
    /// Who hands over.
    processor: Option<Processor>,
    /// To whom.
    recipient: Option<Recipient>,
    /// The scenario of the Guidelines.
    scenario: Option<Scenario>,
    /// What it is for.
    purpose: Option<Scalar>,
    /// The day of the transfer.
    transfer_date: Option<Day>,
    /// What no file can prove, by the names that `yumen rules show` gives.
    facts: Option<BTreeMap<String, Option<Answers>>>,
    /// Approvals it relies on.
    approvals: Option<Vec<Approval>>,
    /// Exemptions claimed.
    exemptions: Option<Vec<Exemption>>,
    /// Named persons' answers for candidate rows.
    determinations: Option<Vec<Determination>>,
    /// Findings and opaque digests that are taken on.
    accept: Option<Vec<Accept>>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Processor {
    /// Legal name.
    name: Option<Scalar>,
    /// Unified social credit code.
    uscc: Option<Scalar>,
    /// Whether it operates critical information infrastructure.
    ciio: Option<bool>,
    /// The free trade zone in which it is registered.
    free_trade_zone: Option<Scalar>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Recipient {
    /// Legal name.
    name: Scalar,
    /// ISO 3166 code.
    #[schemars(regex(pattern = "^[A-Z]{2}$"))]
    country: Option<String>,
    /// How the recipient gets at the data.
    access: Option<Access>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::enum_variant_names)]
enum Access {
    Transfer,
    RemoteAccess,
    ProcessingAbroad,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Scenario {
    RAndD,
    Manufacturing,
    DrivingAutomation,
    SoftwareUpgrade,
    ConnectedOperation,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum Answers {
    Plain(Scalar),
    Scoped(Answer),
    Several(Vec<OneAnswer>),
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum OneAnswer {
    Plain(Scalar),
    Scoped(Answer),
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Answer {
    /// The value.
    value: Scalar,
    /// Globs of the artifacts it speaks of; all where absent.
    applies_to: Option<OneOrMany>,
    /// On what it rests.
    basis: Option<Scalar>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ApprovalKind {
    SecurityAssessment,
    /// Short for `security-assessment`.
    Assessment,
    StandardContract,
    Certification,
    MapReview,
    ExternalProvision,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Approval {
    /// What it is.
    kind: ApprovalKind,
    /// Its number.
    number: Scalar,
    /// When it was given.
    issued: Day,
    /// From when it has effect, where that is not the day of issue.
    effective: Option<Day>,
    /// Its last day.
    expires: Option<Day>,
    /// Rows it covers. A contract or certification that names none covers the personal information.
    rows: Option<OneOrMany>,
    /// For whom it was given; must be the shipment's recipient.
    recipient: Option<Scalar>,
    /// Globs of the artifacts it covers; all where absent.
    artifacts: Option<OneOrMany>,
    /// Remarks.
    note: Option<Scalar>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Exemption {
    /// `E1` to `E9`.
    #[schemars(regex(pattern = "^E[1-9]$"))]
    kind: String,
    /// Rows it is claimed for (E6 to E9).
    rows: Option<OneOrMany>,
    /// Number of the filing or report.
    filing: Option<Scalar>,
    /// With whom it was filed.
    authority: Option<Scalar>,
    /// When; not after the transfer.
    filed: Option<Day>,
    /// Globs of the artifacts whose persons it covers (E1 to E4).
    artifacts: Option<OneOrMany>,
    /// Why it applies.
    basis: Option<Scalar>,
    /// The purpose that the exemption is bound to.
    purpose: Option<Scalar>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Ruling {
    Important,
    NotImportant,
    Secret,
    NotSecret,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Determination {
    /// The row, or several.
    row: OneOrMany,
    /// Globs of the artifacts it is about; needed unless the row is about persons.
    artifacts: Option<OneOrMany>,
    /// The answer.
    result: Ruling,
    /// Who answers.
    by: Scalar,
    /// When.
    date: Day,
    /// On what the answer rests.
    basis: Scalar,
}

/// Either `digest` or `finding`.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Accept {
    /// Digest of an opaque artifact, as the report gives it.
    #[schemars(regex(pattern = "^blake3:[0-9a-fA-F]{64}$"))]
    digest: Option<String>,
    /// Id of a finding, as the report gives it.
    finding: Option<Scalar>,
    /// Why.
    reason: Scalar,
    /// Who.
    by: Scalar,
    /// The last day.
    until: Day,
}
