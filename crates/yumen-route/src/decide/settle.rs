//! What becomes of each row: determinations, exemptions, preconditions.

use std::collections::BTreeSet;

use yumen_model::ScanOutcome;
use yumen_model::verdict::Class;
use yumen_rules::book::{Detectable, Lifts, Settled};
use yumen_rules::condition::Condition;
use yumen_rules::{RowState, Rulebook, Scan, Truth};

use super::Desk;
use super::approve::Days;
use crate::reason::Code;
use crate::shipment::{Claim, Ruling, Shipment};

/// How a row stands once the manifest has been heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does not apply.
    Absent,
    /// It was settled: it binds no more.
    Clear,
    /// It is not known whether it applies, or a person has to decide.
    Open,
    /// It applies.
    Firm,
}

/// A row with its standing.
#[derive(Clone, Debug)]
pub(super) struct Ruled<'a> {
    pub(super) state: RowState<'a>,
    pub(super) standing: Standing,
    /// The class that it yields now; a candidate that a person determined as important is important.
    pub(super) class: Class,
    pub(super) status: &'static str,
    pub(super) settled_by: Option<String>,
    /// Artifacts that feed it and of which no named person has said anything.
    pub(super) unheard: Vec<&'a str>,
    /// For rows with preconditions.
    pub(super) geo: Geo,
}

impl Ruled<'_> {
    /// Whether the row is about a number of persons which is not known.
    pub(super) fn awaits_count(&self) -> bool {
        let counts = self.state.row.when.as_ref().is_some_and(Condition::counts_persons);
        self.standing == Standing::Open && self.state.truth.is_unknown() && counts
    }
}

/// Findings of a row with preconditions, by what is open about them.
#[derive(Clone, Debug, Default)]
pub(super) struct Geo {
    /// Surely meant, and declared as not processed.
    pub(super) refused: Vec<usize>,
    /// Surely meant, nothing declared.
    pub(super) undeclared: Vec<usize>,
    /// Perhaps meant, and not declared as processed.
    pub(super) unplaced: Vec<usize>,
    /// Surely meant: an approval is needed.
    pub(super) sure: Vec<usize>,
    /// Perhaps meant.
    pub(super) perhaps: Vec<usize>,
}

/// What named persons say of a row.
enum Heard {
    /// It applies, by this person.
    Applies(String),
    /// It does not, for every artifact that feeds it.
    Cleared(String),
    /// Nothing, or not of all artifacts.
    Nothing,
}

/// The artifacts of findings, each once, in order.
pub(super) fn artifacts(outcome: &ScanOutcome, findings: impl Iterator<Item = usize>) -> Vec<&str> {
    let set: BTreeSet<&str> = findings.filter_map(|i| outcome.findings.get(i)).map(|f| f.artifact.as_str()).collect();
    set.into_iter().collect()
}

impl<'a> Desk<'a> {
    /// Settles one row.
    pub(super) fn settle(&mut self, scan: &Scan<'a>, state: RowState<'a>) -> Ruled<'a> {
        let row = state.row;
        let mut ruled = Ruled {
            standing: Standing::Absent,
            class: row.class,
            status: "open",
            settled_by: None,
            unheard: Vec::new(),
            geo: Geo::default(),
            state,
        };
        if let Settled::Preconditions { fact, .. } = &row.settled {
            self.preconditions(scan, fact, &mut ruled);
        } else {
            self.determine(&mut ruled);
        }
        self.exempt(&mut ruled);
        ruled
    }

    fn determine(&mut self, ruled: &mut Ruled<'a>) {
        let row = ruled.state.row;
        let truth = ruled.state.truth;
        let (heard, unheard) = self.hear(&ruled.state);
        ruled.unheard = unheard;
        let firm = |ruled: &mut Ruled<'a>, by: String| {
            ruled.standing = Standing::Firm;
            ruled.status = "determined";
            ruled.settled_by = Some(by);
            if ruled.class == Class::ImportantCandidate {
                ruled.class = Class::Important;
            }
        };
        match (truth, heard) {
            // What no scan can tell, a person may declare.
            (Truth::False, Heard::Applies(by)) if row.detectable != Detectable::Yes => firm(ruled, by),
            (Truth::False, _) => {}
            (Truth::True, Heard::Cleared(by)) if row.settled != Settled::Determination => {
                let zh = format!("{by} 对 {} 的判定不能解除已确定的行", row.id);
                let en = format!("the determination of {} by {by} can't lift a row that is firm", row.id);
                self.tell(Code::DeterminationCannotLift.reason(zh, en, vec![row.id.clone()]));
                ruled.standing = Standing::Firm;
                ruled.status = "firm";
            }
            (_, Heard::Cleared(by)) if row.determinable() => {
                ruled.standing = Standing::Clear;
                ruled.status = "determined";
                ruled.settled_by = Some(by);
            }
            (_, Heard::Applies(by)) if row.determinable() => firm(ruled, by),
            (Truth::True, _) if row.settled != Settled::Determination || row.class == Class::General => {
                ruled.standing = Standing::Firm;
                ruled.status = "firm";
            }
            // A suspicion holds as it stands; a candidate is open.
            (Truth::True, _) if row.class == Class::StateSecretSuspect => ruled.standing = Standing::Firm,
            _ => ruled.standing = Standing::Open,
        }
    }

    fn hear(&mut self, state: &RowState<'a>) -> (Heard, Vec<&'a str>) {
        let outcome = self.case.outcome;
        let paths = artifacts(outcome, state.findings.iter().map(|&(i, _)| i));
        let Some(shipment) = self.case.shipment else { return (Heard::Nothing, paths) };
        let mut applies = None;
        let mut cleared = None;
        let mut covered = vec![false; paths.len()];
        for (i, d) in shipment.determinations.iter().enumerate() {
            if d.row != state.row.id {
                continue;
            }
            self.dates_mattered = true;
            if d.date > self.days.as_of {
                self.used.determinations.insert(i);
                let zh = format!("{} 对 {} 的判定日期 {} 晚于 {}", d.by, d.row, d.date, self.days.as_of);
                let en = format!(
                    "the determination of {} by {} is dated {}, after {}",
                    d.row, d.by, d.date, self.days.as_of
                );
                self.tell(Code::DeterminationInFuture.reason(zh, en, vec![d.row.clone()]));
                continue;
            }
            let mut matched = paths.is_empty() && (!state.truth.is_false() || state.row.detectable != Detectable::Yes);
            for (path, covered) in paths.iter().zip(&mut covered) {
                if d.artifacts.as_ref().is_none_or(|g| g.covers(path)) {
                    matched = true;
                    *covered |= d.ruling == Ruling::DoesNotApply;
                }
            }
            if matched {
                self.used.determinations.insert(i);
                let slot = if d.ruling == Ruling::Applies { &mut applies } else { &mut cleared };
                slot.get_or_insert_with(|| d.by.clone());
            }
        }
        let heard = match (applies, cleared) {
            (Some(by), _) => Heard::Applies(by),
            (None, Some(by)) if covered.iter().all(|c| *c) => Heard::Cleared(by),
            _ => Heard::Nothing,
        };
        let unheard = paths.into_iter().zip(covered).filter(|(_, c)| !c).map(|(path, _)| path);
        (heard, unheard.collect())
    }

    fn preconditions(&mut self, scan: &Scan<'a>, fact: &str, ruled: &mut Ruled<'a>) {
        if ruled.state.truth.is_false() {
            return;
        }
        let mut geo = Geo::default();
        for &(i, meant) in &ruled.state.findings {
            let processed = scan.fact_at(fact, i);
            let certain = meant.is_true();
            if certain {
                geo.sure.push(i);
            } else {
                geo.perhaps.push(i);
            }
            match (certain, processed) {
                (_, Truth::True) => {}
                (true, Truth::False) => geo.refused.push(i),
                (true, Truth::Unknown) => geo.undeclared.push(i),
                (false, _) => geo.unplaced.push(i),
            }
        }
        if !geo.refused.is_empty() {
            ruled.standing = Standing::Firm;
            ruled.status = "firm";
            ruled.state.facts.push(fact.to_owned());
        } else if geo.undeclared.is_empty() && geo.unplaced.is_empty() {
            ruled.standing = Standing::Clear;
            ruled.status = "determined";
            ruled.settled_by = Some(format!("fact:{fact}"));
        } else {
            ruled.standing = Standing::Open;
        }
        ruled.geo = geo;
    }

    fn exempt(&mut self, ruled: &mut Ruled<'a>) {
        let Some(shipment) = self.case.shipment else { return };
        let row = ruled.state.row;
        if !matches!(ruled.standing, Standing::Firm | Standing::Open) {
            return;
        }
        for (i, claim) in shipment.exemptions.iter().enumerate() {
            if !claim.rows.contains(&row.id) {
                continue;
            }
            self.used.claims.insert(i);
            self.dates_mattered = true;
            match lifts(self.case.rulebook, shipment, claim, &row.exemptions, self.days) {
                Ok(()) => {
                    let filing = claim.filing.as_deref().unwrap_or_default();
                    let zh = format!("{} 依 {} 免除（备案 {filing}）", row.id, claim.kind);
                    let en = format!("{} is lifted by {} (filing {filing})", row.id, claim.kind);
                    self.tell(Code::Exempted.reason(zh, en, vec![row.id.clone(), claim.kind.clone()]));
                    ruled.standing = Standing::Clear;
                    ruled.status = "exempted";
                    ruled.settled_by = Some(claim.kind.clone());
                    return;
                }
                Err((code, zh, en)) => {
                    let zh = format!("{} 不能解除 {}：{zh}", claim.kind, row.id);
                    let en = format!("{} does not lift {}: {en}", claim.kind, row.id);
                    self.tell(code.reason(zh, en, vec![row.id.clone(), claim.kind.clone()]));
                }
            }
        }
    }
}

/// Whether a claim lifts a row that names these exemptions, or why not.
fn lifts(
    book: &Rulebook,
    shipment: &Shipment,
    claim: &Claim,
    exemptions: &[String],
    days: Days,
) -> Result<(), (Code, String, String)> {
    let Some(exemption) = book.exemption(&claim.kind) else {
        return Err((Code::ExemptionNotForRow, "无此情形".to_owned(), "there is no such exemption".to_owned()));
    };
    match exemption.lifts {
        Lifts::Rows if exemptions.contains(&claim.kind) => {}
        Lifts::ZoneList => {
            let zone = shipment.processor.free_trade_zone.as_deref().unwrap_or("?");
            return Err((
                Code::ExemptionZoneList,
                format!("未载入自由贸易试验区清单（{zone}）"),
                format!("no list of the free trade zone is loaded ({zone})"),
            ));
        }
        _ => {
            return Err((Code::ExemptionNotForRow, "该行不适用此情形".to_owned(), "it is not for this row".to_owned()));
        }
    }
    let absent: Vec<&str> = [
        ("filing", claim.filing.is_none()),
        ("authority", claim.authority.is_none()),
        ("filed", claim.filed.is_none()),
    ]
    .into_iter()
    .filter_map(|(key, absent)| absent.then_some(key))
    .collect();
    let (Some(authority), Some(filed), true) = (&claim.authority, claim.filed, absent.is_empty()) else {
        let absent = absent.join(", ");
        return Err((Code::ExemptionIncomplete, format!("缺少 {absent}"), format!("{absent} is missing")));
    };
    let plain = |s: &str| s.trim().to_lowercase();
    if !exemption.authorities.is_empty() && !exemption.authorities.iter().any(|a| plain(a) == plain(authority)) {
        let known = exemption.authorities.join(", ");
        return Err((
            Code::ExemptionAuthority,
            format!("机关为「{authority}」，应为 {known}"),
            format!("it is filed with \"{authority}\", not with {known}"),
        ));
    }
    if filed > days.first() {
        let day = days.first();
        return Err((
            Code::ExemptionFiledLate,
            format!("备案日期 {filed} 晚于 {day}"),
            format!("it was filed on {filed}, after {day}"),
        ));
    }
    Ok(())
}
