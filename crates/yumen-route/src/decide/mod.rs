//! From a scan, a rulebook and a manifest to a decision.
//!
//! The branches, in order; the first that is true decides, and one that is unknown before it makes the route `undetermined`:
//! 1. a suspicion of a State secret that no review settles, or geographic data declared as not processed → `none-permitted`
//! 2. geographic data inside the mainland whose processing or approval is not declared → `undetermined`
//! 3. important data left after exemptions → `security-assessment`
//! 4. an undecided candidate, or opaque bytes that nobody accounts for → `undetermined`
//! 5. personal information: a CIIO or a threshold → `security-assessment`, a lower threshold → `standard-contract-or-certification`, else `exempt`
//! 6. nothing of all that → `exempt` where an exemption lifted a row or covers persons, else `free`
//!
//! `pass` needs more than a route: its own condition must be met by the manifest, and nothing may be left that holds by itself.

mod approve;
mod ask;
mod assemble;
mod chain;
mod limbs;
mod open;
mod people;
mod settle;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use yumen_model::ScanOutcome;
use yumen_model::outcome::OpaqueEntry;
use yumen_model::subject::Subjects;
use yumen_model::verdict::{Classification, Examined, Reason, Text, Verdict};
use yumen_rules::book::{Lifts, Settled};
use yumen_rules::{FactTable, Persons, Rulebook, Scan, Truth};

use crate::reason::Code;
use crate::shipment::{Accepted, Claim, Shipment};
use approve::{Approvals, Days};
use settle::{Ruled, Standing};

/// What is to be decided.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The rules.
    pub rulebook: &'a Rulebook,
    /// What the scan found.
    pub outcome: &'a ScanOutcome,
    /// The manifest; without one every declared fact is unknown.
    pub shipment: Option<&'a Shipment>,
    /// Persons whose (not sensitive) personal information was sent abroad since 1 January, without this shipment; none for unknown. Goes before the
    /// fact `prior.personal`.
    pub prior_personal: Option<u64>,
    /// The same of sensitive personal information; goes before the fact `prior.sensitive`.
    pub prior_sensitive: Option<u64>,
    /// The day of judgement.
    pub as_of: Date,
}

/// A decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Rows that apply or may apply, in the order of the rulebook.
    pub classifications: Vec<Classification>,
    /// Rows of several limbs of which something speaks, in the order of the rulebook.
    pub examined: Vec<Examined>,
    /// The verdict.
    pub verdict: Verdict,
    /// Persons and vehicles.
    pub subjects: Subjects,
    /// Duties of the protection list that concern this shipment: id and text. Empty where nothing in it is regulated.
    pub checklist: Vec<(String, Text)>,
    /// What a reader must know whatever was found: code and text.
    pub standing_notes: Vec<(String, Text)>,
    /// What the organisation's configuration loosened: row or switch, and text with the reason.
    pub overlay_notes: Vec<(String, Text)>,
    /// Entries of the manifest that have ended or match nothing any more: code and text.
    pub unused: Vec<(String, Text)>,
}

/// How many entries of the manifest that were of no use are told one by one.
const STALE: usize = 20;

/// Entries of the manifest that were of use.
#[derive(Default)]
struct Used {
    determinations: BTreeSet<usize>,
    claims: BTreeSet<usize>,
    accepts: BTreeSet<usize>,
}

/// The work on one case.
struct Desk<'a> {
    case: Case<'a>,
    days: Days,
    reasons: Vec<Reason>,
    used: Used,
    /// Acceptances by what they take on.
    accepts: HashMap<&'a Accepted, Vec<usize>>,
    unused: Vec<(String, Text)>,
    stale: BTreeMap<Code, usize>,
    /// Whether the day of judgement was held against any other.
    dates_mattered: bool,
}

impl Desk<'_> {
    fn tell(&mut self, reason: Reason) {
        self.reasons.push(reason);
    }

    /// Tells of an entry that was of no use: the first of each code one by one, the rest by number ([`Desk::stale_rest`]).
    fn stale(&mut self, code: Code, zh: String, en: String) {
        let told = self.stale.entry(code).or_default();
        *told += 1;
        if *told > STALE {
            return;
        }
        self.tell_stale(code, zh, en);
    }

    fn stale_rest(&mut self) {
        for (code, told) in std::mem::take(&mut self.stale) {
            let more = told.saturating_sub(STALE);
            if more > 0 {
                let info = code.info();
                self.tell_stale(code, format!("另有 {more} 项：{}", info.zh), format!("{more} more: {}", info.en));
            }
        }
    }

    fn tell_stale(&mut self, code: Code, zh: String, en: String) {
        self.unused.push((code.info().code.to_owned(), Text::new(zh.clone(), en.clone())));
        self.tell(code.reason(zh, en, Vec::new()));
    }
}

/// Decides a case.
#[must_use]
pub fn decide(case: &Case<'_>) -> Decision {
    let days = Days { as_of: case.as_of, transfer: case.shipment.and_then(|s| s.transfer_date) };
    let mut desk = Desk {
        case: *case,
        days,
        reasons: Vec::new(),
        used: Used::default(),
        accepts: HashMap::new(),
        stale: BTreeMap::new(),
        unused: Vec::new(),
        dates_mattered: false,
    };
    for (i, accept) in case.shipment.iter().flat_map(|s| &s.accepts).enumerate() {
        desk.accepts.entry(&accept.what).or_default().push(i);
    }
    let no_facts = FactTable::default();
    let facts = case.shipment.map_or(&no_facts, |s| &s.facts);
    let covered = |path: &str| case.shipment.is_some_and(|s| s.covers(path));

    let opaque = desk.opaque();
    let persons = Persons::count(case.rulebook, case.outcome, facts, &covered);
    let reasons = opaque.iter().map(|o| o.reason).collect();
    let scan = Scan::new(case.rulebook, case.outcome, facts, &persons, reasons, &covered);
    let rows: Vec<Ruled<'_>> = scan.rows().into_iter().map(|state| desk.settle(&scan, state)).collect();
    let keys = desk.keys(&rows);
    let approvals = Approvals::check(case.rulebook, case.shipment, days);
    desk.leftovers(&persons);
    desk.assemble(&scan, &persons, &rows, &opaque, &keys, &approvals)
}

impl<'a> Desk<'a> {
    /// Whether an acceptance matches and still holds.
    fn accepted(&mut self, what: &Accepted) -> bool {
        let Some(shipment) = self.case.shipment else { return false };
        let mut found = false;
        for &i in self.accepts.get(what).into_iter().flatten() {
            self.dates_mattered = true;
            self.used.accepts.insert(i);
            found |= shipment.accepts[i].until >= self.days.last();
        }
        found
    }

    /// Opaque bytes that nobody accounts for.
    fn opaque(&mut self) -> Vec<&'a OpaqueEntry> {
        let outcome = self.case.outcome;
        let (mut open, mut taken) = (Vec::new(), 0u64);
        for entry in &outcome.opaque {
            if entry.digest.clone().is_some_and(|d| self.accepted(&Accepted::Digest(d))) {
                taken += 1;
            } else {
                open.push(entry);
            }
        }
        if taken > 0 {
            let zh = format!("{taken} 处不透明内容已由具名人员接受");
            let en = format!("{taken} opaque place(s) are taken on by a named person");
            self.tell(Code::OpaqueAccepted.reason(zh, en, Vec::new()));
        }
        open
    }

    /// Findings that must be accepted and are not.
    fn keys(&mut self, rows: &[Ruled<'a>]) -> Vec<usize> {
        let outcome = self.case.outcome;
        let (mut open, mut taken) = (Vec::new(), 0u64);
        for ruled in rows.iter().filter(|r| r.state.row.settled == Settled::Accept) {
            for &(i, _) in &ruled.state.findings {
                let Some(id) = outcome.findings.get(i).map(|f| f.id.clone()) else { continue };
                if self.accepted(&Accepted::Finding(id)) {
                    taken += 1;
                } else {
                    open.push(i);
                }
            }
        }
        if taken > 0 {
            let zh = format!("{taken} 项密钥、口令或令牌已逐项接受");
            let en = format!("{taken} key(s), password(s) or token(s) are accepted");
            self.tell(Code::KeysAccepted.reason(zh, en, Vec::new()));
        }
        open
    }

    /// Entries of the manifest that ended or match nothing.
    fn leftovers(&mut self, persons: &Persons) {
        let Some(shipment) = self.case.shipment else { return };
        for (i, accept) in shipment.accepts.iter().enumerate() {
            let what = match &accept.what {
                Accepted::Digest(d) => d,
                Accepted::Finding(f) => f,
            };
            if !self.used.accepts.contains(&i) {
                let zh = format!("对 {what} 的接受与任何不透明内容或密钥都不对应");
                let en = format!("the acceptance of {what} matches no opaque bytes and no key");
                self.stale(Code::AcceptUnused, zh, en);
            } else if accept.until < self.days.last() {
                let (until, day) = (accept.until, self.days.last());
                let zh = format!("对 {what} 的接受至 {until} 为止，早于 {day}");
                let en = format!("the acceptance of {what} ended on {until}, before {day}");
                self.stale(Code::AcceptExpired, zh, en);
            }
        }
        for (i, d) in shipment.determinations.iter().enumerate() {
            if !self.used.determinations.contains(&i) {
                let zh = format!("{} 对 {} 的判定与任何内容都不对应", d.by, d.row);
                let en = format!("the determination of {} by {} matches nothing", d.row, d.by);
                self.stale(Code::DeterminationUnused, zh, en);
            }
        }
        let personal = self.case.rulebook.personal_kinds();
        let paths: BTreeSet<&str> = self
            .case
            .outcome
            .findings
            .iter()
            .filter(|f| personal.contains(f.kind))
            .map(|f| f.artifact.as_str())
            .collect();
        let covers_any =
            |claim: &Claim| claim.artifacts.as_ref().is_some_and(|globs| paths.iter().any(|path| globs.covers(path)));
        for (i, claim) in shipment.exemptions.iter().enumerate() {
            let lifts = self.case.rulebook.exemption(&claim.kind).map(|e| e.lifts);
            let of_persons = lifts.is_some_and(|l| l == Lifts::PersonalInformation);
            if of_persons && (claim.artifacts.is_none() || claim.basis.is_none()) {
                let zh = format!("{} 须写明所涵盖的 artifacts 和依据 basis，未予采用", claim.kind);
                let en = format!("{} must name the artifacts it covers and its basis; it was not used", claim.kind);
                self.stale(Code::ExemptionIncomplete, zh, en);
            } else if lifts.is_some_and(|l| l == Lifts::Thresholds) {
                let zh = format!("{} 无须声明：是否适用由人数得出", claim.kind);
                let en =
                    format!("{} needs no claim: whether it applies follows from the number of persons", claim.kind);
                self.stale(Code::ExemptionUnused, zh, en);
            } else if !of_persons && claim.rows.is_empty() {
                let named = self.case.rulebook.rows().iter().filter(|r| r.exemptions.contains(&claim.kind));
                let rows: Vec<&str> = named.map(|r| r.id.as_str()).collect();
                let rows = if rows.is_empty() { "…".to_owned() } else { rows.join(", ") };
                let zh = format!("{} 须写明针对的行，如 rows: [{rows}]，未予采用", claim.kind);
                let en = format!(
                    "{} must name the rows it is claimed for, as in rows: [{rows}]; it was not used",
                    claim.kind
                );
                self.stale(Code::ExemptionIncomplete, zh, en);
            } else if if of_persons { !covers_any(claim) } else { !self.used.claims.contains(&i) } {
                let zh = format!("{} 的声明与任何内容都不对应", claim.kind);
                let en = format!("the claim to {} matches nothing", claim.kind);
                self.stale(Code::ExemptionUnused, zh, en);
            }
        }
        self.stale_rest();
        if persons.subjects.exempt > 0 {
            let n = persons.subjects.exempt;
            let zh = format!("{n} 人仅出现在免除情形涵盖的制品中，不计入人数；告知、同意与影响评估义务仍须履行");
            let en = format!(
                "{n} person(s) appear only in artifacts that an exemption covers and are not counted; notice, consent and impact-assessment duties stay"
            );
            self.tell(Code::PersonsExempt.reason(zh, en, Vec::new()));
        }
        for (fact, interval) in [("persons.personal", persons.personal), ("persons.sensitive", persons.sensitive)] {
            if let Some(declared) = shipment.facts.count(fact)
                && declared < interval.low
            {
                let zh = format!("{fact} 申报为 {declared}，扫描所见至少 {}", interval.low);
                let en = format!("{fact} is declared as {declared}; at least {} were seen", interval.low);
                self.tell(Code::FactContradictsScan.reason(zh, en, vec![fact.to_owned()]));
            }
        }
        let country = shipment.recipient.as_ref().and_then(|r| r.country.as_deref());
        if matches!(country, Some("HK" | "MO" | "TW")) {
            let zh = "港澳台接收方按境外接收方判断；粤港澳大湾区标准合同仅适用于区内流动，另行约定";
            let en = "a recipient in Hong Kong, Macao or Taiwan counts as abroad; the Greater Bay Area contract covers flows inside that area only and is an arrangement of its own";
            self.tell(Code::RecipientGreaterBay.reason(zh, en, Vec::new()));
        }
        if country == Some("CN") {
            let zh = "接收方在中国内地；仍按向境外提供判断";
            let en = "the recipient is in mainland China; it is judged as an outbound transfer all the same";
            self.tell(Code::RecipientInChina.reason(zh, en, Vec::new()));
        }
    }
}

/// Truth of "some row of these is firm, or may be".
fn standing<'r, 'a: 'r>(rows: impl Iterator<Item = &'r Ruled<'a>>) -> Truth {
    Truth::any(rows.map(|r| match r.standing {
        Standing::Firm => Truth::True,
        Standing::Open => Truth::Unknown,
        Standing::Absent | Standing::Clear => Truth::False,
    }))
}
