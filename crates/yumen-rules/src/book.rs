//! The rulebook as data.

use std::collections::BTreeMap;

use serde_json::Value;
use yumen_model::kind::{KindId, KindSet};
use yumen_model::verdict::{Class, Route, Text};

use crate::condition::{Condition, Level};
use crate::facts::FactSpec;

/// A rulebook, with the organisation's own configuration worked in.
#[derive(Clone, Debug)]
pub struct Rulebook {
    /// Its name, `cn-auto-2026`.
    pub(crate) id: String,
    /// The edition of the rules it encodes.
    pub(crate) edition: String,
    /// Title.
    pub(crate) title: Text,
    /// Whether the official table has been entered: `not-verified` or `verified`.
    pub(crate) annex: String,
    /// `blake3:` and the digest of the rulebook's file and, if there is one, of the configuration laid over it.
    pub(crate) digest: String,
    /// A finding whose confidence is not above this proves no important data by itself.
    pub(crate) proof_above: f64,
    /// Scenarios by id.
    pub(crate) scenarios: Vec<(String, Text)>,
    /// Which kinds are personal information.
    pub(crate) personal: Vec<PersonalKind>,
    /// Rules that can be switched.
    pub(crate) switches: Vec<Switch>,
    /// What can be asked.
    pub(crate) facts: Vec<FactSpec>,
    /// Conditions of the routes.
    pub(crate) routes: Vec<RouteRule>,
    /// Kinds of approvals.
    pub(crate) approvals: Vec<ApprovalKind>,
    /// The exemptions.
    pub(crate) exemptions: Vec<Exemption>,
    /// The rows.
    pub(crate) rows: Vec<Row>,
    /// The protection checklist.
    pub(crate) checklist: Vec<ChecklistItem>,
    /// Standing notes.
    pub(crate) notes: Vec<StandingNote>,
    /// What the organisation's configuration loosened, each with its reason.
    pub(crate) loosened: Vec<Loosened>,
    /// Ids of rows that the organisation's configuration added or tightened.
    pub(crate) overlaid: Vec<String>,
    /// File that holds the key for keyed tokens, as the organisation's configuration names it.
    pub(crate) key_file: Option<std::path::PathBuf>,
    /// Files of sensitive areas, as the organisation's configuration names them.
    pub(crate) fences: Vec<FenceFile>,
}

/// A file of areas that the organisation holds to be sensitive.
#[derive(Clone, Debug, PartialEq)]
pub struct FenceFile {
    /// GeoJSON; a relative path starts at the configuration's folder.
    pub file: std::path::PathBuf,
    /// What reports call it: never the areas' own names.
    pub name: String,
    /// How far around each area counts as inside, in metres.
    pub buffer_m: f64,
    /// Datum of the coordinates: `wgs84`, `cgcs2000`, `gcj02`, `bd09`.
    pub datum: String,
}

/// Where an entry comes from and how sure it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// What it rests on; see the head of the rulebook.
    pub basis: Vec<String>,
    /// `high`, `medium-high`, `medium`, `low`.
    pub confidence: String,
    /// Whether the official criterion is in hand: `known`, `missing`, `disputed`.
    pub criterion: Option<String>,
    /// The instrument it is taken from.
    pub source: Option<String>,
    /// Remarks.
    pub note: Option<Text>,
}

impl Provenance {
    /// As a report gives it.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, Value> {
        let mut map = BTreeMap::new();
        map.insert("basis".to_owned(), Value::from(self.basis.clone()));
        map.insert("confidence".to_owned(), Value::from(self.confidence.clone()));
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(name.to_owned(), value);
            }
        };
        put("criterion", self.criterion.clone().map(Value::from));
        put("source", self.source.clone().map(Value::from));
        put("note", self.note.as_ref().map(|n| serde_json::json!({"zh": n.zh, "en": n.en})));
        map
    }
}

/// What settles a row that applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nothing but an approval or an exemption: the row is firm.
    Firm,
    /// A named person's determination.
    Determination,
    /// Each finding must be accepted.
    Accept,
    /// A declared fact and one of these approvals, each a limb of its own.
    Preconditions {
        /// The fact.
        fact: String,
        /// Kinds of approvals, any of which will do.
        approvals: Vec<String>,
    },
}

/// How far a scan can recognise a row's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detectable {
    /// As far as its condition says.
    Yes,
    /// In part.
    Partly,
    /// Not at all: a person has to judge.
    No,
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Other ids for the same row.
    pub aliases: Vec<String>,
    /// Id of its scenario.
    pub scenario: String,
    /// Category, where known.
    pub category: Option<Text>,
    /// The item.
    pub item: Text,
    /// Titles of the limbs, where `when` is a list of conditions that must all hold.
    pub limbs: Vec<Text>,
    /// When it applies; none for rows that no scan can tell.
    pub when: Option<Condition>,
    /// The class it yields.
    pub class: Class,
    /// Ids of exemptions that can lift it.
    pub exemptions: Vec<String>,
    /// What settles it.
    pub settled: Settled,
    /// How far a scan can recognise it.
    pub detectable: Detectable,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl Row {
    /// Whether a row goes by this name.
    #[must_use]
    pub fn named(&self, id: &str) -> bool {
        self.id == id || self.aliases.iter().any(|a| a == id)
    }

    /// Whether a named person may settle it: candidates and suspicions always, an important row while it is not proven.
    #[must_use]
    pub fn determinable(&self) -> bool {
        self.settled == Settled::Determination || matches!(self.class, Class::Important)
    }
}

/// A kind that is personal information.
#[derive(Clone, Debug)]
pub struct PersonalKind {
    /// The kind.
    pub kind: KindId,
    /// Personal or sensitive.
    pub level: Level,
    /// Whether the number of occurrences bounds the number of persons.
    pub countable: bool,
    /// The switch that makes it sensitive.
    pub switch: Option<String>,
    /// Where this comes from.
    pub provenance: Provenance,
}

/// A rule that can be switched.
#[derive(Clone, Debug)]
pub struct Switch {
    /// Its id.
    pub id: String,
    /// What it says.
    pub title: Text,
    /// Its state unless configured otherwise.
    pub default: bool,
    /// Its state.
    pub on: bool,
    /// Where this comes from.
    pub provenance: Provenance,
}

/// What makes a route's condition true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Important data is in it.
    ImportantData,
    /// A CIIO provides any personal information.
    Ciio,
    /// So many persons since 1 January, this shipment with them.
    Persons(Level, u64),
    /// What no program can judge.
    Other,
}

/// A condition of a route.
#[derive(Clone, Debug)]
pub struct RouteRule {
    /// Its id, `SA-1`.
    pub id: String,
    /// The route.
    pub route: Route,
    /// What makes it true.
    pub trigger: Trigger,
    /// In words.
    pub item: Text,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// A kind of approval.
#[derive(Clone, Debug)]
pub struct ApprovalKind {
    /// Its word, `security-assessment`.
    pub kind: String,
    /// Title.
    pub title: Text,
    /// Routes whose condition it meets.
    pub satisfies: Vec<Route>,
    /// How long it holds where it names no end.
    pub validity_years: Option<u64>,
    /// Where this comes from.
    pub provenance: Provenance,
}

/// What an exemption lifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifts {
    /// The persons in the artifacts it names.
    PersonalInformation,
    /// Fewer persons than any threshold: worked out, never claimed.
    Thresholds,
    /// What a free trade zone's list leaves out.
    ZoneList,
    /// Rows that name it.
    Rows,
}

/// An exemption.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// Its id, `E9`.
    pub id: String,
    /// What it lifts.
    pub lifts: Lifts,
    /// In words.
    pub item: Text,
    /// Authorities with which it is filed; empty where none is asked.
    pub authorities: Vec<String>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// What a checklist item or a note speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// Any outbound data.
    All,
    /// Personal information.
    PersonalInformation,
    /// Important data.
    ImportantData,
}

/// An item of the protection checklist.
#[derive(Clone, Debug)]
pub struct ChecklistItem {
    /// Its id.
    pub id: String,
    /// Its head: `management`, `technical`, `logs`, `emergency`.
    pub head: String,
    /// What it applies to.
    pub concerns: Concerns,
    /// In words.
    pub text: Text,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// What a reader must know.
#[derive(Clone, Debug)]
pub struct StandingNote {
    /// Its code.
    pub code: String,
    /// In words.
    pub text: Text,
    /// Rows it is about.
    pub rows: Vec<String>,
    /// When it applies; always where absent.
    pub when: Option<Condition>,
}

/// Something that the organisation's configuration loosened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loosened {
    /// Row or switch.
    pub what: String,
    /// What was done, in words.
    pub how: Text,
    /// Why, as the configuration gives it.
    pub reason: String,
}

impl Rulebook {
    /// Its name, `cn-auto-2026`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The edition of the rules it encodes.
    #[must_use]
    pub fn edition(&self) -> &str {
        &self.edition
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> &Text {
        &self.title
    }

    /// Whether the official table has been entered: `not-verified` or `verified`.
    #[must_use]
    pub fn annex(&self) -> &str {
        &self.annex
    }

    /// `blake3:` and the digest of the rulebook's file and of the configuration laid over it.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What can be asked.
    #[must_use]
    pub fn facts(&self) -> &[FactSpec] {
        &self.facts
    }

    /// Conditions of the routes.
    #[must_use]
    pub fn routes(&self) -> &[RouteRule] {
        &self.routes
    }

    /// Kinds of approvals.
    #[must_use]
    pub fn approvals(&self) -> &[ApprovalKind] {
        &self.approvals
    }

    /// The exemptions.
    #[must_use]
    pub fn exemptions(&self) -> &[Exemption] {
        &self.exemptions
    }

    /// The protection checklist.
    #[must_use]
    pub fn checklist(&self) -> &[ChecklistItem] {
        &self.checklist
    }

    /// Standing notes.
    #[must_use]
    pub fn notes(&self) -> &[StandingNote] {
        &self.notes
    }

    /// What the organisation's configuration loosened, each with its reason.
    #[must_use]
    pub fn loosened(&self) -> &[Loosened] {
        &self.loosened
    }

    /// Ids of rows that the organisation's configuration added or tightened.
    #[must_use]
    pub fn overlaid(&self) -> &[String] {
        &self.overlaid
    }

    /// File that holds the key for keyed tokens, as the organisation's configuration names it.
    #[must_use]
    pub fn key_file(&self) -> Option<&std::path::Path> {
        self.key_file.as_deref()
    }

    /// The gravest class of a row that a finding of this kind and these properties feeds by itself: no row of several limbs, no number of persons.
    #[must_use]
    pub fn class_of<'p>(&self, kind: KindId, properties: impl Fn(&str) -> Option<&'p Value>) -> Option<Class> {
        fn feeds<'p>(when: &Condition, kind: KindId, properties: &impl Fn(&str) -> Option<&'p Value>) -> bool {
            match when {
                Condition::Any(list) => list.iter().any(|c| feeds(c, kind, properties)),
                Condition::Found(found) => {
                    found.kinds.contains(&kind)
                        && found.beside.is_empty()
                        && found.at_least <= 1
                        && found.with.iter().all(|f| properties(&f.property).is_some_and(|v| f.allowed.allows(v)))
                }
                _ => false,
            }
        }
        let fed = self.rows.iter().filter(|r| r.when.as_ref().is_some_and(|when| feeds(when, kind, &properties)));
        fed.map(|r| r.class).min()
    }

    /// Files of sensitive areas, as the organisation's configuration names them.
    #[must_use]
    pub fn fences(&self) -> &[FenceFile] {
        &self.fences
    }

    /// The row of an id or alias.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|r| r.named(id))
    }

    /// The entry of a fact.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&FactSpec> {
        self.facts.iter().find(|f| f.name == name)
    }

    /// An exemption.
    #[must_use]
    pub fn exemption(&self, id: &str) -> Option<&Exemption> {
        self.exemptions.iter().find(|e| e.id == id)
    }

    /// A kind of approval. `assessment` is short for `security-assessment`.
    #[must_use]
    pub fn approval(&self, kind: &str) -> Option<&ApprovalKind> {
        let kind = if kind == "assessment" { "security-assessment" } else { kind };
        self.approvals.iter().find(|a| a.kind == kind)
    }

    fn is_sensitive(&self, kind: &PersonalKind) -> bool {
        let on = kind.switch.as_ref().is_none_or(|id| self.switches.iter().any(|s| s.id == *id && s.on));
        kind.level == Level::Sensitive && on
    }

    /// Kinds that are sensitive personal information.
    #[must_use]
    pub fn sensitive_kinds(&self) -> KindSet {
        self.personal.iter().filter(|k| self.is_sensitive(k)).map(|k| k.kind).collect()
    }

    /// Kinds that are personal information, the sensitive ones with them.
    #[must_use]
    pub fn personal_kinds(&self) -> KindSet {
        self.personal.iter().map(|k| k.kind).collect()
    }

    /// Kinds whose occurrences bound the number of persons.
    #[must_use]
    pub fn countable_kinds(&self) -> KindSet {
        self.personal.iter().filter(|k| k.countable).map(|k| k.kind).collect()
    }
}
