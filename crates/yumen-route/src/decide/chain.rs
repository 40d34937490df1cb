//! The chain of reasons that led to a verdict.

use std::collections::BTreeSet;

use yumen_model::verdict::{Class, Reason, Route};
use yumen_rules::book::{Settled, Trigger};
use yumen_rules::condition::Level;
use yumen_rules::{Interval, Truth};

use super::Desk;
use super::assemble::{Bench, REFS};
use super::people::PeopleRoute;
use super::settle::{Ruled, Standing};
use crate::reason::Code;

impl<'a> Desk<'a> {
    /// The chain of reasons, in the order of the branches.
    pub(super) fn explain(&self, bench: &Bench<'_, 'a>, important: Truth, route: Route, chain: &mut Vec<Reason>) {
        let outcome = self.case.outcome;
        if !outcome.complete {
            let zh = "扫描被中断，未看完的内容不能放行";
            chain.push(Code::ScanIncomplete.reason(
                zh,
                "the scan was interrupted; what was not seen can't pass",
                Vec::new(),
            ));
        }
        for ruled in bench.rows.iter().filter(|r| r.class == Class::StateSecretSuspect) {
            let id = ruled.state.row.id.clone();
            let places = ruled.state.findings.len();
            let (code, zh, en) = match (ruled.standing, &ruled.settled_by) {
                (Standing::Firm, Some(by)) => (
                    Code::StateSecretSuspect,
                    format!("{id}：{by} 判定属于国家秘密，不得出境"),
                    format!("{id}: {by} determined that it is a State secret; it may not leave"),
                ),
                (Standing::Firm, None) => (
                    Code::StateSecretSuspect,
                    format!("{id}：发现 {places} 处国家秘密标志，须先经保密审查"),
                    format!("{id}: {places} finding(s) of State-secret markings; a secrecy review must come first"),
                ),
                (Standing::Open, _) => (
                    Code::StateSecretUnclear,
                    format!("{id}：{places} 处可能是密级标志，须由人员确认"),
                    format!("{id}: {places} finding(s) may be secrecy markings; a person must look"),
                ),
                _ => continue,
            };
            chain.push(code.reason(zh, en, self.refs(ruled)));
        }
        self.explain_geo(bench, chain);
        self.explain_important(bench, important, chain);
        if !bench.opaque.is_empty() || bench.untold > 0 {
            chain.push(opaque_reason(bench));
        }
        if !bench.keys.is_empty() {
            let n = bench.keys.len();
            let zh = format!("{n} 项密钥、口令或令牌尚未接受");
            let en = format!("{n} finding(s) of keys, passwords or tokens are not accepted");
            let ids = bench.keys.iter().filter_map(|&i| outcome.findings.get(i)).take(REFS).map(|f| f.id.clone());
            chain.push(Code::KeysFound.reason(zh, en, ids.collect()));
        }
        for ruled in bench.personal_open() {
            let id = &ruled.state.row.id;
            let zh = format!("{id}：是否为个人信息取决于未答复的事实");
            let en = format!("{id}: whether it is personal information depends on facts that are not declared");
            chain.push(Code::PersonalUndecided.reason(zh, en, self.refs(ruled)));
        }
        self.explain_people(bench, chain);
        if route == Route::Free && bench.keys.is_empty() {
            let zh = "既无个人信息也无重要数据";
            chain.push(Code::NothingRegulated.reason(
                zh,
                "neither personal information nor important data",
                Vec::new(),
            ));
        }
        let mut relied: Vec<String> = bench.firm.relied.iter().chain(&bench.geo.relied).cloned().collect();
        relied.extend(bench.personal.iter().flat_map(|m| m.relied.iter().cloned()));
        relied.sort();
        relied.dedup();
        if !relied.is_empty() {
            let numbers = relied.join(", ");
            let (zh, en) = (format!("有效的批准：{numbers}"), format!("valid approval(s): {numbers}"));
            chain.push(Code::ApprovalValid.reason(zh, en, relied));
        }
        for ruled in bench.rows.iter().filter(|r| r.status == "determined") {
            let Some(by) = ruled.settled_by.as_ref().filter(|by| !by.starts_with("fact:")) else { continue };
            let id = &ruled.state.row.id;
            let (zh, en) = if ruled.standing == Standing::Clear {
                (format!("{id}：{by} 判定不适用"), format!("{id}: {by} determined that it does not apply"))
            } else {
                (format!("{id}：{by} 判定适用"), format!("{id}: {by} determined that it applies"))
            };
            chain.push(Code::Determined.reason(zh, en, vec![id.clone()]));
        }
    }

    fn explain_geo(&self, bench: &Bench<'_, 'a>, chain: &mut Vec<Reason>) {
        for ruled in bench.rows.iter().filter(|r| matches!(r.state.row.settled, Settled::Preconditions { .. })) {
            if matches!(ruled.standing, Standing::Absent) {
                continue;
            }
            let (id, geo) = (&ruled.state.row.id, &ruled.geo);
            let mut add = |code: Code, findings: &[usize], zh: &str, en: &str| {
                if !findings.is_empty() {
                    let n = findings.len();
                    let ids = findings.iter().filter_map(|&i| self.case.outcome.findings.get(i));
                    let mut refs = vec![id.clone()];
                    refs.extend(ids.take(REFS).map(|f| f.id.clone()));
                    chain.push(code.reason(format!("{id}：{n} 项{zh}"), format!("{id}: {n} finding(s) {en}"), refs));
                }
            };
            add(
                Code::GeodataUnprocessed,
                &geo.refused,
                "内地地理信息数据已声明未经国家认定的保密处理技术处理，不得出境",
                "of geographic data inside the mainland declared as not processed with the recognised technology; it may not leave",
            );
            add(
                Code::GeodataUndeclared,
                &geo.undeclared,
                "内地地理信息数据未声明是否经国家认定的保密处理技术处理",
                "of geographic data inside the mainland, and nothing is declared of its processing",
            );
            add(
                Code::GeodataPlaceUnknown,
                &geo.unplaced,
                "空间数据的采集地不明",
                "of spatial data whose place can't be told",
            );
            if ruled.standing == Standing::Clear && bench.geo.needs.is_empty() {
                let zh = format!("{id}：地理信息前置条件已满足");
                let en = format!("{id}: the preconditions for geographic data are met");
                chain.push(Code::GeodataCleared.reason(zh, en, vec![id.clone()]));
            }
        }
        if !bench.geo.needs.is_empty() {
            let rows: Vec<String> = bench.geo.needs.iter().map(|n| n.row.to_owned()).collect();
            let zh = "内地地理信息数据出境前须完成对外提供审批或地图审核";
            let en =
                "geographic data of the mainland needs an external-provision approval or a map review before it leaves";
            chain.push(Code::GeodataNotApproved.reason(zh, en, rows));
            chain.extend(bench.geo.reasons.iter().filter(|r| r.code != Code::ApprovalMissing.info().code).cloned());
        }
    }

    fn explain_important(&self, bench: &Bench<'_, 'a>, important: Truth, chain: &mut Vec<Reason>) {
        let firm: Vec<&Ruled<'a>> =
            bench.rows.iter().filter(|r| r.class == Class::Important && r.standing == Standing::Firm).collect();
        let titles = |rows: &[&Ruled<'a>]| {
            let zh: Vec<_> = rows.iter().map(|r| format!("{}（{}）", r.state.row.id, r.state.row.item.zh)).collect();
            let en: Vec<_> = rows.iter().map(|r| format!("{} ({})", r.state.row.id, r.state.row.item.en)).collect();
            let ids: Vec<_> = rows.iter().map(|r| r.state.row.id.clone()).collect();
            (zh.join("、"), en.join(", "), ids)
        };
        if !firm.is_empty() {
            let (zh, en, ids) = titles(&firm);
            chain.push(Code::ImportantData.reason(format!("重要数据：{zh}"), format!("important data: {en}"), ids));
        } else if important.is_true() && bench.assumed {
            let zh = "未判定的行已由安全评估涵盖，按重要数据对待";
            let en = "rows that are not determined are covered by an assessment and treated as important data";
            chain.push(Code::ImportantData.reason(zh, en, Vec::new()));
        }
        chain.extend(bench.firm.reasons.iter().cloned());
        let (uncounted, open): (Vec<_>, Vec<_>) = bench.open.iter().copied().partition(|r| r.awaits_count());
        let (undecided, candidates): (Vec<_>, Vec<_>) = open.into_iter().partition(|r| r.class == Class::Important);
        if !uncounted.is_empty() {
            let (zh, en, ids) = titles(&uncounted);
            let zh = format!("人数不明，尚不能排除：{zh}");
            let en = format!("the number of persons is not known, so this can't be ruled out: {en}");
            chain.push(Code::ImportantUndecided.reason(zh, en, ids));
        }
        if !undecided.is_empty() {
            let (zh, en, ids) = titles(&undecided);
            let (zh, en) = (
                format!("是否为重要数据取决于未答复的事实：{zh}"),
                format!("whether it is important data is open: {en}"),
            );
            chain.push(Code::ImportantUndecided.reason(zh, en, ids));
        }
        if !candidates.is_empty() {
            let (zh, en, ids) = titles(&candidates);
            let zh = format!("可能属于重要数据，尚未由具名人员判定：{zh}");
            let en = format!("possibly important data that no named person has determined: {en}");
            chain.push(Code::CandidateUndecided.reason(zh, en, ids));
        }
    }

    fn explain_people(&self, bench: &Bench<'_, 'a>, chain: &mut Vec<Reason>) {
        let people = &bench.persons;
        if matches!(bench.people, PeopleRoute::None) {
            return;
        }
        let (p, s) = (range(people.personal), range(people.sensitive));
        let zh = format!("本次涉及个人信息：非敏感 {p} 人，敏感 {s} 人");
        let en = format!("personal information of {p} person(s) not sensitive, {s} sensitive, in this shipment");
        chain.push(Code::PersonalInformation.reason(zh, en, Vec::new()));
        match &bench.people {
            PeopleRoute::Known(Route::Exempt, _) => {
                let zh = "自当年1月1日起累计不满10万人个人信息且无敏感个人信息，且非关键信息基础设施运营者（E5）；告知、同意与影响评估义务仍须履行";
                let en = "below every threshold since 1 January, none sensitive, and no CIIO (E5); notice, consent and impact-assessment duties stay";
                chain.push(Code::SmallVolume.reason(zh, en, vec!["E5".to_owned()]));
            }
            PeopleRoute::Known(_, rules) => {
                for rule in rules {
                    if rule.trigger == Trigger::Ciio {
                        let (zh, en) =
                            (format!("{}：{}", rule.id, rule.item.zh), format!("{}: {}", rule.id, rule.item.en));
                        chain.push(Code::Ciio.reason(zh, en, vec![rule.id.clone()]));
                    } else if let Trigger::Persons(level, _) = rule.trigger {
                        let (this, before) = match level {
                            Level::Sensitive => (people.sensitive, people.prior_sensitive),
                            Level::Personal => (people.personal, people.prior_personal),
                            Level::Any => {
                                let prior = people.prior_personal.plus(people.prior_sensitive);
                                (people.personal.plus(people.sensitive), prior)
                            }
                        };
                        let (n, this, before) = (range(this.plus(before)), range(this), range(before));
                        let zh = format!("{}：{}；累计 {n} 人（本次 {this}，此前 {before}）", rule.id, rule.item.zh);
                        let en = format!("{}: {}; {n} in all ({this} here, {before} before)", rule.id, rule.item.en);
                        chain.push(Code::Threshold.reason(zh, en, vec![rule.id.clone()]));
                    }
                }
                chain.extend(bench.personal.iter().flat_map(|m| m.reasons.iter().cloned()));
            }
            PeopleRoute::Open(asks) if !(bench.important().is_true() && bench.personal_covered()) => {
                let refs: Vec<String> = asks.iter().map(|a| (*a).to_owned()).collect();
                let zh = format!("个人信息的路径取决于：{}", refs.join("、"));
                let en = format!("the route for personal information depends on: {}", refs.join(", "));
                chain.push(Code::PersonsRouteUnknown.reason(zh, en, refs));
            }
            PeopleRoute::Open(_) | PeopleRoute::None => {}
        }
    }
}

fn range(i: Interval) -> String {
    match i.high {
        Some(high) if high == i.low => i.low.to_string(),
        Some(high) => format!("{}–{high}", i.low),
        None => format!("≥ {}", i.low),
    }
}

fn opaque_reason(bench: &Bench<'_, '_>) -> Reason {
    let bytes = bench.opaque.iter().map(|o| o.bytes).fold(bench.untold, u64::saturating_add);
    let n = bench.opaque.len();
    let words: BTreeSet<&str> = bench.opaque.iter().map(|o| o.reason.name()).collect();
    let words: Vec<&str> = words.into_iter().collect();
    let without = bench.opaque.iter().filter(|o| o.digest.is_none()).count();
    let mut zh = format!("{n} 处共 {bytes} 字节未能检视（{}），且无人说明", words.join("、"));
    let mut en = format!(
        "{n} place(s), {bytes} bytes, could not be looked into ({}) and nobody accounts for them",
        words.join(", ")
    );
    if without > 0 {
        zh.push_str(&format!("；其中 {without} 处不可读、没有摘要，不能接受"));
        en.push_str(&format!("; {without} of them can't be read, have no digest and so can't be accepted"));
    }
    let refs = bench.opaque.iter().take(REFS).map(|o| o.digest.clone().unwrap_or_else(|| o.artifact.clone()));
    Code::OpaqueBytes.reason(zh, en, refs.collect())
}
