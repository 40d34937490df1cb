//! The branches, the reasons, the questions, and the verdict.

use std::collections::BTreeSet;

use yumen_model::outcome::OpaqueEntry;
use yumen_model::verdict::{Class, Classification, Outcome, Reason, Route, Text, Verdict};
use yumen_rules::book::{Concerns, Settled};
use yumen_rules::{Ask, Interval, Persons, Scan, Truth};

use super::approve::{Approvals, Missing, Need};
use super::ask::Questions;
use super::people::{People, PeopleRoute};
use super::settle::{Ruled, Standing, artifacts};
use super::{Decision, Desk, standing};
use crate::reason::Code;

/// How many ids a classification or reason names.
const REFS: usize = 100;

/// Everything that the branches look at.
struct Bench<'d, 'a> {
    rows: &'d [Ruled<'a>],
    opaque: &'d [&'a OpaqueEntry],
    /// Opaque bytes that no entry tells of.
    untold: u64,
    keys: &'d [usize],
    people: PeopleRoute<'a>,
    persons: People,
    /// Important rows, and what approvals leave uncovered.
    firm: Missing<'a>,
    /// Open rows that no assessment covers.
    open: Vec<&'d Ruled<'a>>,
    /// Whether an assessment covers rows that would be open otherwise.
    assumed: bool,
    /// Geographic data that needs an approval and has none.
    geo: Missing<'a>,
    /// Rows of personal information, and what approvals leave uncovered.
    personal: Option<Missing<'a>>,
}

impl<'a> Desk<'a> {
    pub(super) fn assemble(
        mut self,
        scan: &Scan<'a>,
        persons: &Persons,
        rows: Vec<Ruled<'a>>,
        opaque: &[&'a OpaqueEntry],
        keys: &[usize],
        approvals: &Approvals<'a>,
    ) -> Decision {
        let bench = self.bench(persons, &rows, opaque, keys, approvals);
        let mut chain = Vec::new();
        let important = bench.important();
        let route = self.route(&bench, important);
        self.explain(&bench, important, route, &mut chain);
        let questions = self.questions(&bench, important);
        for l in self.case.rulebook.loosened() {
            let zh = format!("{}：{}（理由：{}）", l.what, l.how.zh, l.reason);
            let en = format!("{}: {} (reason: {})", l.what, l.how.en, l.reason);
            self.tell(Code::Loosened.reason(zh, en, vec![l.what.clone()]));
        }
        chain.append(&mut self.reasons);
        let may = !matches!(route, Route::NonePermitted | Route::Undetermined);
        let outcome = if may && chain.iter().all(|r| !r.holds) { Outcome::Pass } else { Outcome::Hold };
        let dates = self.dates_mattered || approvals.dates_mattered() || !bench.persons.present.is_false();
        let verdict = Verdict {
            outcome,
            route,
            classes: classes(&rows),
            reasons: chain,
            as_of: dates.then(|| self.case.as_of.to_string()),
            questions,
        };
        let book = self.case.rulebook;
        let regulated = [important, standing(rows.iter().filter(|r| r.class == Class::ImportantCandidate))];
        let important = regulated.iter().any(|t| !t.is_false());
        let personal = !bench.persons.present.is_false();
        let concerns = |c: Concerns| match c {
            Concerns::All => important || personal,
            Concerns::PersonalInformation => personal,
            Concerns::ImportantData => important,
        };
        let list = book.checklist().iter().filter(|i| concerns(i.concerns));
        let notes = book.notes().iter().filter(|n| n.when.as_ref().is_none_or(|w| scan.holds(w).is_true()));
        Decision {
            classifications: rows.iter().filter_map(|r| self.classification(r, keys)).collect(),
            verdict,
            subjects: persons.subjects.clone(),
            checklist: list.map(|i| (i.id.clone(), i.text.clone())).collect(),
            standing_notes: notes.map(|n| (n.code.clone(), n.text.clone())).collect(),
            overlay_notes: book
                .loosened()
                .iter()
                .map(|l| {
                    let zh = format!("{}（理由：{}）", l.how.zh, l.reason);
                    (l.what.clone(), Text::new(zh, format!("{} (reason: {})", l.how.en, l.reason)))
                })
                .collect(),
            unused: self.unused,
        }
    }

    /// Kinds of approval that meet a route's condition.
    fn kinds(&self, route: Route) -> Vec<&'a str> {
        let kinds = self.case.rulebook.approvals().iter().filter(|a| a.satisfies.contains(&route));
        // What was made for this route is named first.
        let mut kinds: Vec<_> = kinds.map(|a| (a.satisfies.len(), a.kind.as_str())).collect();
        kinds.sort_by_key(|&(n, _)| n);
        kinds.into_iter().map(|(_, kind)| kind).collect()
    }

    fn need(&self, ruled: &Ruled<'a>) -> Need<'a> {
        let findings = ruled.state.findings.iter().map(|&(i, _)| i);
        Need { row: &ruled.state.row.id, class: ruled.class, artifacts: artifacts(self.case.outcome, findings) }
    }

    fn bench<'d>(
        &self,
        persons: &Persons,
        rows: &'d [Ruled<'a>],
        opaque: &'d [&'a OpaqueEntry],
        keys: &'d [usize],
        approvals: &Approvals<'a>,
    ) -> Bench<'d, 'a> {
        let assessment = self.kinds(Route::SecurityAssessment);
        let needs = |wanted: &dyn Fn(&Ruled<'a>) -> bool| -> Vec<Need<'a>> {
            rows.iter().filter(|r| wanted(r)).map(|r| self.need(r)).collect()
        };
        let firm = needs(&|r| r.class == Class::Important && r.standing == Standing::Firm);
        let firm = approvals.missing(&firm, &assessment);
        let undecided = rows.iter().filter(|r| match r.class {
            Class::Important => r.standing == Standing::Open,
            Class::ImportantCandidate => matches!(r.standing, Standing::Open | Standing::Firm),
            _ => false,
        });
        let (mut open, mut assumed) = (Vec::new(), false);
        for ruled in undecided {
            if approvals.missing(&[self.need(ruled)], &assessment).needs.is_empty() {
                assumed = true;
            } else {
                open.push(ruled);
            }
        }
        let mut geo = Missing { needs: Vec::new(), reasons: Vec::new(), relied: Vec::new() };
        for ruled in rows {
            let Settled::Preconditions { approvals: kinds, .. } = &ruled.state.row.settled else { continue };
            if ruled.geo.sure.is_empty() || ruled.standing == Standing::Absent {
                continue;
            }
            let paths = artifacts(self.case.outcome, ruled.geo.sure.iter().copied());
            let need = Need { row: &ruled.state.row.id, class: ruled.class, artifacts: paths };
            let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
            let mut missing = approvals.missing(&[need], &kinds);
            geo.needs.append(&mut missing.needs);
            geo.reasons.append(&mut missing.reasons);
            geo.relied.append(&mut missing.relied);
        }
        let people = self.people(persons, rows);
        let route = people.route(self.case.rulebook);
        let of_persons = needs(&|r| {
            matches!(r.class, Class::Personal | Class::SensitivePersonal) && r.standing == Standing::Firm
        });
        let personal = match &route {
            PeopleRoute::None | PeopleRoute::Known(Route::Exempt, _) => None,
            PeopleRoute::Known(route, _) => Some(approvals.missing(&of_persons, &self.kinds(*route))),
            PeopleRoute::Open(_) => Some(approvals.missing(&of_persons, &assessment)),
        };
        let told: u64 = self.case.outcome.opaque.iter().map(|o| o.bytes).fold(0, u64::saturating_add);
        let untold = self.case.outcome.coverage.opaque.saturating_sub(told);
        Bench { rows, opaque, untold, keys, people: route, persons: people, firm, open, assumed, geo, personal }
    }

    fn people(&self, persons: &Persons, rows: &[Ruled<'a>]) -> People {
        let facts = self.case.shipment.map(|s| &s.facts);
        let prior = |given: Option<u64>, fact: &str| given.or_else(|| facts.and_then(|f| f.count(fact)));
        let ciio = self.case.shipment.and_then(|s| s.processor.ciio).map_or(Truth::Unknown, Truth::from);
        let mut people = People::new(
            persons,
            prior(self.case.prior_personal, "prior.personal"),
            prior(self.case.prior_sensitive, "prior.sensitive"),
            ciio,
        );
        // A row that an organisation added may say that other data is personal: its persons can't be counted.
        for ruled in rows.iter().filter(|r| r.standing == Standing::Firm) {
            let interval = match ruled.class {
                Class::Personal => &mut people.personal,
                Class::SensitivePersonal => &mut people.sensitive,
                _ => continue,
            };
            if interval.low == 0 {
                *interval = Interval { low: 1, high: None };
                people.present = Truth::True;
            }
        }
        people
    }

    fn route(&self, bench: &Bench<'_, 'a>, important: Truth) -> Route {
        let forbidden = bench.forbidden();
        if forbidden.is_true() {
            return Route::NonePermitted;
        }
        if forbidden.is_unknown() || bench.geodata_open() {
            return Route::Undetermined;
        }
        match important {
            Truth::True => return Route::SecurityAssessment,
            Truth::Unknown => return Route::Undetermined,
            Truth::False => {}
        }
        let unseen = !bench.opaque.is_empty() || bench.untold > 0 || !self.case.outcome.complete;
        if !bench.open.is_empty() || unseen || bench.personal_open().next().is_some() {
            return Route::Undetermined;
        }
        match &bench.people {
            PeopleRoute::None => Route::Free,
            PeopleRoute::Known(route, _) => *route,
            PeopleRoute::Open(_) => Route::Undetermined,
        }
    }

    /// The chain of reasons, in the order of the branches.
    fn explain(&self, bench: &Bench<'_, 'a>, important: Truth, route: Route, chain: &mut Vec<Reason>) {
        let outcome = self.case.outcome;
        if !outcome.complete {
            let zh = "扫描被中断，未看完的内容不能放行";
            chain.push(Code::ScanIncomplete.reason(zh, "the scan was interrupted; what was not seen can't pass", Vec::new()));
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
            chain.push(Code::NothingRegulated.reason(zh, "neither personal information nor important data", Vec::new()));
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
            let en = "geographic data of the mainland needs an external-provision approval or a map review before it leaves";
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
        let (undecided, candidates): (Vec<_>, Vec<_>) =
            bench.open.iter().copied().partition(|r| r.class == Class::Important);
        if !undecided.is_empty() {
            let (zh, en, ids) = titles(&undecided);
            let (zh, en) = (format!("是否为重要数据取决于未答复的事实：{zh}"), format!("whether it is important data is open: {en}"));
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
                    use yumen_rules::book::Trigger;
                    use yumen_rules::condition::Level;
                    if rule.trigger == Trigger::Ciio {
                        let (zh, en) = (format!("{}：{}", rule.id, rule.item.zh), format!("{}: {}", rule.id, rule.item.en));
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

    /// The questions that could still change the verdict: those of a branch, unless a branch before it is decided against the shipment.
    fn questions(&self, bench: &Bench<'_, 'a>, important: Truth) -> Vec<yumen_model::verdict::Question> {
        let outcome = self.case.outcome;
        let mut q = Questions::new(self.case.rulebook);
        let secrets = || {
            let secrets = bench.rows.iter().filter(|r| r.class == Class::StateSecretSuspect);
            secrets.filter(|r| matches!(r.standing, Standing::Firm | Standing::Open))
        };
        // No answer can help here: the data itself must change.
        let hopeless =
            bench.refused() || secrets().any(|r| r.standing == Standing::Firm && r.settled_by.is_some());
        if hopeless {
            return Vec::new();
        }
        for ruled in secrets() {
            self.ask_row(&mut q, ruled);
        }
        if !bench.forbidden().is_true() {
            self.ask_geo(&mut q, bench);
            let recipient = self.case.shipment.and_then(|s| s.recipient.as_ref()).map(|r| r.name.as_str());
            if important.is_true() && !bench.firm.needs.is_empty() {
                q.approval(&self.kinds(Route::SecurityAssessment), &bench.firm.needs, recipient);
            } else {
                for ruled in bench.open.iter().copied().chain(bench.personal_open()) {
                    self.ask_row(&mut q, ruled);
                }
                match &bench.people {
                    PeopleRoute::Open(asks) if !(important.is_true() && bench.personal_covered()) => {
                        for name in asks {
                            q.fact(name, &["PI"]);
                        }
                    }
                    PeopleRoute::Known(route, _) => {
                        if let Some(missing) = bench.personal.as_ref().filter(|m| !m.needs.is_empty()) {
                            q.approval(&self.kinds(*route), &missing.needs, recipient);
                        }
                    }
                    _ => {}
                }
            }
        }
        self.ask_opaque(&mut q, bench);
        if !bench.keys.is_empty() {
            let found: Vec<_> = bench.keys.iter().filter_map(|&i| outcome.findings.get(i)).collect();
            let ids: Vec<&str> = found.iter().map(|f| f.id.as_str()).collect();
            let places: Vec<&str> = found.iter().map(|f| f.artifact.as_str()).collect();
            let text = Text::new(
                "这些密钥、口令、令牌是否可以出境？逐项写明理由、责任人和期限，或将其移除。",
                "May these keys, passwords and tokens leave? Give reason, name and end for each, or remove them.",
            );
            q.accept("accept.findings", text, "finding", &ids, &places);
        }
        q.into_list()
    }

    fn ask_row(&self, q: &mut Questions<'a>, ruled: &Ruled<'a>) {
        let row = ruled.state.row;
        let mut determine = ruled.state.truth.is_true();
        for (ask, about) in &ruled.state.asks {
            match ask {
                Ask::Fact(name) => {
                    let paths = artifacts(self.case.outcome, about.iter().copied());
                    let mut about = vec![row.id.as_str()];
                    about.extend(paths);
                    q.fact(name, &about);
                }
                Ask::Determination => determine = true,
            }
        }
        if determine && row.determinable() {
            // A row about persons is determined for the shipment as a whole.
            let of_findings = row.when.as_ref().is_some_and(|w| w.needs_findings());
            let findings = ruled.state.findings.iter().map(|&(i, _)| i);
            let paths = if of_findings { artifacts(self.case.outcome, findings) } else { Vec::new() };
            let secret = row.class == Class::StateSecretSuspect;
            q.determination(&row.id, &row.item, secret, &paths, &self.case.as_of.to_string());
        }
    }

    fn ask_geo(&self, q: &mut Questions<'a>, bench: &Bench<'_, 'a>) {
        for ruled in bench.rows {
            let Settled::Preconditions { fact, .. } = &ruled.state.row.settled else { continue };
            let paths = |list: &[usize]| artifacts(self.case.outcome, list.iter().copied());
            if !ruled.geo.unplaced.is_empty() {
                for (ask, about) in &ruled.state.asks {
                    if let Ask::Fact(name) = ask {
                        q.fact(name, &paths(about));
                    }
                }
                // A row that is true by other findings asks nothing itself.
                if ruled.state.asks.is_empty() {
                    for name in ruled.state.row.when.iter().flat_map(|w| w.facts()) {
                        q.fact(name, &paths(&ruled.geo.unplaced));
                    }
                }
            }
            if !ruled.geo.undeclared.is_empty() {
                q.fact(fact, &paths(&ruled.geo.undeclared));
            } else if ruled.geo.unplaced.iter().any(|&i| self.undeclared(fact, i)) {
                q.fact(fact, &paths(&ruled.geo.unplaced));
            }
        }
        if !bench.geo.needs.is_empty() {
            let rows = bench.rows.iter().filter_map(|r| match &r.state.row.settled {
                Settled::Preconditions { approvals, .. } => Some(approvals),
                _ => None,
            });
            let kinds: BTreeSet<&str> = rows.flatten().map(String::as_str).collect();
            let kinds: Vec<&str> = kinds.into_iter().collect();
            let recipient = self.case.shipment.and_then(|s| s.recipient.as_ref()).map(|r| r.name.as_str());
            q.approval(&kinds, &bench.geo.needs, recipient);
        }
    }

    fn undeclared(&self, fact: &str, finding: usize) -> bool {
        let Some(found) = self.case.outcome.findings.get(finding) else { return true };
        self.case.shipment.is_none_or(|s| s.facts.value(fact, &s.facts.signature(&found.artifact)).is_none())
    }

    fn ask_opaque(&self, q: &mut Questions<'a>, bench: &Bench<'_, 'a>) {
        if bench.opaque.is_empty() {
            return;
        }
        let mut seen = BTreeSet::new();
        let digests: Vec<&str> =
            bench.opaque.iter().filter_map(|o| o.digest.as_deref()).filter(|d| seen.insert(*d)).collect();
        let mut seen = BTreeSet::new();
        let places: Vec<&str> =
            bench.opaque.iter().map(|o| o.artifact.as_str()).filter(|p| seen.insert(*p)).collect();
        let text = Text::new(
            "这些不透明内容是什么？提供可检视的版本，或由具名人员按摘要接受并说明理由和期限。",
            "What is in these opaque places? Supply a form that can be inspected, or have a named person accept each digest with reason and end.",
        );
        q.accept("accept.opaque", text, "digest", &digests, &places);
    }

    fn refs(&self, ruled: &Ruled<'a>) -> Vec<String> {
        let ids = ruled.state.findings.iter().filter_map(|&(i, _)| self.case.outcome.findings.get(i));
        let mut refs = vec![ruled.state.row.id.clone()];
        refs.extend(ids.take(REFS).map(|f| f.id.clone()));
        refs
    }

    fn classification(&self, ruled: &Ruled<'a>, keys: &[usize]) -> Option<Classification> {
        if ruled.standing == Standing::Absent {
            return None;
        }
        let row = ruled.state.row;
        let mut because: Vec<String> = self.refs(ruled).split_off(1);
        because.extend(ruled.state.facts.iter().map(|f| format!("fact:{f}")));
        let (mut status, mut settled_by) = (ruled.status, ruled.settled_by.clone());
        if row.settled == Settled::Accept && ruled.state.findings.iter().all(|(i, _)| !keys.contains(i)) {
            (status, settled_by) = ("determined", Some("accept".to_owned()));
        }
        Some(Classification {
            row: row.id.clone(),
            class: ruled.class,
            item: row.item.clone(),
            because,
            status: status.to_owned(),
            settled_by,
            provenance: row.provenance.to_map(),
        })
    }
}

impl<'a> Bench<'_, 'a> {
    /// Branch 1.
    fn forbidden(&self) -> Truth {
        let secrets = standing(self.rows.iter().filter(|r| r.class == Class::StateSecretSuspect));
        secrets.or(Truth::from(self.refused()))
    }

    /// Whether geographic data is declared as not processed.
    fn refused(&self) -> bool {
        let plain = |r: &&Ruled<'a>| {
            r.class == Class::UnprocessedGeodata && !matches!(r.state.row.settled, Settled::Preconditions { .. })
        };
        self.rows.iter().any(|r| !r.geo.refused.is_empty()) || standing(self.rows.iter().filter(plain)).is_true()
    }

    /// Branch 2.
    fn geodata_open(&self) -> bool {
        let open = standing(self.rows.iter().filter(|r| r.class == Class::UnprocessedGeodata));
        open.is_unknown() || !self.geo.needs.is_empty()
    }

    /// Branch 3. An assessment that names a row which is still open is taken at its word.
    fn important(&self) -> Truth {
        let rows = self.rows.iter().filter(|r| r.class == Class::Important);
        if self.assumed { Truth::True } else { standing(rows) }
    }

    /// Rows of personal information that are open; only an organisation's own rows can be.
    fn personal_open(&self) -> impl Iterator<Item = &Ruled<'a>> {
        self.rows.iter().filter(|r| {
            r.standing == Standing::Open && matches!(r.class, Class::Personal | Class::SensitivePersonal)
        })
    }

    fn personal_covered(&self) -> bool {
        self.personal.as_ref().is_none_or(|m| m.needs.is_empty())
    }
}

/// Classes of what is in the shipment, gravest first. An important row that is still open shows as a candidate.
fn classes(rows: &[Ruled<'_>]) -> Vec<Class> {
    let set: BTreeSet<Class> = rows
        .iter()
        .filter_map(|r| match (r.standing, r.class) {
            (_, Class::General) => None,
            (Standing::Firm, class) => Some(class),
            (Standing::Open, Class::Important | Class::ImportantCandidate) => Some(Class::ImportantCandidate),
            (Standing::Open, Class::StateSecretSuspect) => Some(Class::StateSecretSuspect),
            _ => None,
        })
        .collect();
    set.into_iter().collect()
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
    let mut en = format!("{n} place(s), {bytes} bytes, could not be looked into ({}) and nobody accounts for them", words.join(", "));
    if without > 0 {
        zh.push_str(&format!("；其中 {without} 处不可读、没有摘要，不能接受"));
        en.push_str(&format!("; {without} of them can't be read, have no digest and so can't be accepted"));
    }
    let refs = bench.opaque.iter().take(REFS).map(|o| o.digest.clone().unwrap_or_else(|| o.artifact.clone()));
    Code::OpaqueBytes.reason(zh, en, refs.collect())
}
