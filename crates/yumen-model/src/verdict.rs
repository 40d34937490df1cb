//! The words of the decision, as plain data: classes, routes, classifications, questions, verdict.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Text {
    /// A text in both languages.
    #[must_use]
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Text { zh: zh.into(), en: en.into() }
    }
}

/// Classes of data, gravest first; the order is for display, a shipment's classes are a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Possibly a State secret: outside of this regime, nothing may go.
    StateSecretSuspect,
    /// Geographic data declared as not processed with the recognised technology.
    UnprocessedGeodata,
    /// Important data.
    Important,
    /// An item of the table whose official criterion is not in hand: a person decides.
    ImportantCandidate,
    /// Sensitive personal information.
    SensitivePersonal,
    /// Personal information.
    Personal,
    /// Anything else.
    General,
}

/// The legal route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// No route: it may not go.
    NonePermitted,
    /// 数据出境安全评估.
    SecurityAssessment,
    /// 标准合同 or 认证.
    StandardContractOrCertification,
    /// An exemption applies; notice, consent and impact assessment duties stay.
    Exempt,
    /// Neither personal information nor important data.
    Free,
    /// A question is open.
    Undetermined,
}

/// Whether it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It may go by the route given.
    Pass,
    /// It may not go, or not yet.
    Hold,
}

/// One row of the rulebook that applies, or may apply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Classification {
    /// Id of the row.
    pub row: String,
    /// Class it yields.
    pub class: Class,
    /// Title of the row's item.
    #[serde(default)]
    pub item: Text,
    /// Ids of findings, `fact:NAME` for declared facts, `coverage:REASON` for opaque bytes.
    pub because: Vec<String>,
    /// What became of it: `open`, `determined` (a named person decided), `exempted`, `firm`.
    #[serde(default)]
    pub status: String,
    /// Who decided or what lifted it, where something did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub settled_by: Option<String>,
    /// The row's provenance, as the rulebook gives it.
    pub provenance: BTreeMap<String, Value>,
}

/// A row whose condition has several limbs, of which something in the shipment speaks: each limb with its state. Listed whether the row applies or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Examined {
    /// Id of the row.
    pub row: String,
    /// Title of the row's item.
    #[serde(default)]
    pub item: Text,
    /// How the whole stands: as [`Limb::state`].
    pub state: String,
    /// The limbs in the order of the rulebook. All must hold.
    pub limbs: Vec<Limb>,
}

/// A limb of a row's condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limb {
    /// What it asks.
    pub title: Text,
    /// `holds`, `fails`, `unknown` (a fact is not declared, or a person must look), or `unseen` (nothing found, but opaque bytes may hold it).
    pub state: String,
    /// Ids of findings and `fact:NAME` of declared facts that it rests on.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub because: Vec<String>,
    /// Ids of findings of the same kinds that do not count for it: of another form, such as the symbols of a binary.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub beside: Vec<String>,
}

/// A question that is open, with the key of the manifest that settles it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// Name of the fact.
    pub fact: String,
    /// Where it goes in `shipment.yaml`: `facts.upgrade.vehicles-in-china`, `determinations`, `accept`, `approvals`.
    pub key: String,
    /// The question.
    pub text: Text,
    /// Lines to put into `shipment.yaml`, ready to be filled in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub snippet: Option<String>,
    /// Rows, artifacts or digests it is about (the first of them).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub about: Vec<String>,
}

/// A reason of the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// A fixed word in kebab-case: `approval-expired`, `opaque-bytes`, `keys-found`…
    pub code: String,
    /// The reason in words.
    pub text: Text,
    /// Ids of rows, findings, digests it refers to (the first of them).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refs: Vec<String>,
    /// Whether this reason by itself holds the shipment.
    pub holds: bool,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// May it go?
    pub outcome: Outcome,
    /// By which route.
    pub route: Route,
    /// Classes of what is in it, gravest first.
    pub classes: Vec<Class>,
    /// The chain that led here.
    pub reasons: Vec<Reason>,
    /// The date used (ISO 8601), where a date mattered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_of: Option<String>,
    /// The smallest set of open questions that could still change the verdict.
    pub questions: Vec<Question>,
}
