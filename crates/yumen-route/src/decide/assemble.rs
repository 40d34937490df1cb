//! The branches, and the verdict.

use std::collections::BTreeSet;

use yumen_model::outcome::OpaqueEntry;
use yumen_model::verdict::{Class, Classification, Outcome, Route, Text, Verdict};
use yumen_rules::book::{Concerns, Settled};
use yumen_rules::condition::Condition;
use yumen_rules::{Interval, Persons, Scan, Truth};

use super::approve::{Approvals, Missing, Need};
use super::people::{People, PeopleRoute};
use super::settle::{Ruled, Standing, artifacts};
use super::{Decision, Desk, standing};
use crate::reason::Code;

/// How many ids a reason names.
pub(super) const REFS: usize = 100;

/// Everything that the branches look at.
pub(super) struct Bench<'d, 'a> {
    pub(super) rows: &'d [Ruled<'a>],
    pub(super) opaque: &'d [&'a OpaqueEntry],
    /// Opaque bytes that no entry tells of.
    pub(super) untold: u64,
    pub(super) keys: &'d [usize],
    pub(super) people: PeopleRoute<'a>,
    pub(super) persons: People,
    /// Whether there is personal information in artifacts that an exemption covers.
    pub(super) exempt_persons: bool,
    /// Important rows, and what approvals leave uncovered.
    pub(super) firm: Missing<'a>,
    /// Open rows that no assessment covers.
    pub(super) open: Vec<&'d Ruled<'a>>,
    /// Whether an assessment covers rows that would be open otherwise.
    pub(super) assumed: bool,
    /// Geographic data that needs an approval and has none.
    pub(super) geo: Missing<'a>,
    /// Rows of personal information, and what approvals leave uncovered.
    pub(super) personal: Option<Missing<'a>>,
}

impl<'a> Desk<'a> {
    pub(super) fn assemble(
        mut self,
        scan: &Scan<'a>,
        persons: &Persons,
        rows: &[Ruled<'a>],
        opaque: &[&'a OpaqueEntry],
        keys: &[usize],
        approvals: &Approvals<'a>,
    ) -> Decision {
        let bench = self.bench(persons, rows, opaque, keys, approvals);
        let mut chain = Vec::new();
        let important = bench.important();
        let route = self.route(&bench, important);
        self.explain(&bench, important, route, &mut chain);
        let questions = self.questions(&bench, important);
        let examined = self.examined(scan, rows, &mut chain);
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
            classes: classes(rows),
            reasons: chain,
            as_of: dates.then(|| self.case.as_of.to_string()),
            questions,
        };
        let book = self.case.rulebook;
        let regulated = [important, standing(rows.iter().filter(|r| r.class == Class::ImportantCandidate))];
        let important = regulated.iter().any(|t| !t.is_false());
        // An exemption from the routes is none from notice, consent and impact assessment.
        let personal = !bench.persons.present.is_false() || bench.exempt_persons;
        let concerns = |c: Concerns| match c {
            Concerns::All => important || personal,
            Concerns::PersonalInformation => personal,
            Concerns::ImportantData => important,
        };
        let list = book.checklist().iter().filter(|i| concerns(i.concerns));
        let notes = book.notes().iter().filter(|n| n.when.as_ref().is_none_or(|w| scan.holds(w).is_true()));
        Decision {
            classifications: rows.iter().filter_map(|r| self.classification(scan, r, keys)).collect(),
            examined,
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
    pub(super) fn kinds(&self, route: Route) -> Vec<&'a str> {
        let kinds = self.case.rulebook.approvals().iter().filter(|a| a.satisfies.contains(&route));
        // What was made for this route is named first.
        let mut kinds: Vec<_> = kinds.map(|a| (a.satisfies.len(), a.kind.as_str())).collect();
        kinds.sort_by_key(|&(n, _)| n);
        kinds.into_iter().map(|(_, kind)| kind).collect()
    }

    fn need(&self, ruled: &Ruled<'a>) -> Need<'a> {
        let findings = ruled.state.findings.iter().map(|&(i, _)| i);
        Need {
            row: &ruled.state.row.id,
            or: None,
            class: ruled.class,
            artifacts: artifacts(self.case.outcome, findings),
        }
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
            let need = Need { row: &ruled.state.row.id, or: None, class: ruled.class, artifacts: paths };
            let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
            let mut missing = approvals.missing(&[need], &kinds);
            geo.needs.append(&mut missing.needs);
            geo.reasons.append(&mut missing.reasons);
            geo.relied.append(&mut missing.relied);
        }
        let people = self.people(persons, rows);
        let route = people.route(self.case.rulebook);
        let mut of_persons =
            needs(&|r| matches!(r.class, Class::Personal | Class::SensitivePersonal) && r.standing == Standing::Firm);
        // Where every person is one with sensitive information, an approval for that row is for all that is there of them.
        let sensitive = of_persons.iter().find(|n| n.class == Class::SensitivePersonal).map(|n| n.row);
        if people.personal.high == Some(0) {
            of_persons.iter_mut().filter(|n| n.class == Class::Personal).for_each(|n| n.or = sensitive);
        }
        let personal = match &route {
            PeopleRoute::None | PeopleRoute::Known(Route::Exempt, _) => None,
            PeopleRoute::Known(route, _) => Some(approvals.missing(&of_persons, &self.kinds(*route))),
            PeopleRoute::Open(_) => Some(approvals.missing(&of_persons, &assessment)),
        };
        let told: u64 = self.case.outcome.opaque.iter().map(|o| o.bytes).fold(0, u64::saturating_add);
        let untold = self.case.outcome.coverage.opaque.saturating_sub(told);
        let exempt_persons = persons.exempt_findings;
        Bench {
            rows,
            opaque,
            untold,
            keys,
            people: route,
            persons: people,
            exempt_persons,
            firm,
            open,
            assumed,
            geo,
            personal,
        }
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
        let uncounted = |r: &&Ruled<'a>| !r.state.row.when.as_ref().is_some_and(Condition::counts_persons);
        for ruled in rows.iter().filter(|r| r.standing == Standing::Firm).filter(uncounted) {
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
            PeopleRoute::None if bench.lifted() => Route::Exempt,
            PeopleRoute::None => Route::Free,
            PeopleRoute::Known(route, _) => *route,
            PeopleRoute::Open(_) => Route::Undetermined,
        }
    }

    pub(super) fn refs(&self, ruled: &Ruled<'a>) -> Vec<String> {
        let ids = ruled.state.findings.iter().filter_map(|&(i, _)| self.case.outcome.findings.get(i));
        let mut refs = vec![ruled.state.row.id.clone()];
        refs.extend(ids.take(REFS).map(|f| f.id.clone()));
        refs
    }

    /// The exemptions that cover persons.
    fn persons_claims(&self) -> Option<String> {
        let kinds: BTreeSet<&str> = self.case.shipment?.covering().map(|(kind, _)| kind).collect();
        Some(kinds.into_iter().collect::<Vec<_>>().join(", "))
    }

    fn classification(&self, scan: &Scan<'a>, ruled: &Ruled<'a>, keys: &[usize]) -> Option<Classification> {
        let row = ruled.state.row;
        let of_persons = matches!(row.class, Class::Personal | Class::SensitivePersonal);
        let exempted = if of_persons { scan.exempted(row) } else { Vec::new() };
        if ruled.standing == Standing::Absent && exempted.is_empty() {
            return None;
        }
        // All of them: a finding that stands under no row would seem to matter for none.
        let ids: BTreeSet<usize> = ruled.state.findings.iter().map(|&(i, _)| i).chain(exempted).collect();
        let ids = ids.into_iter().filter_map(|i| self.case.outcome.findings.get(i));
        let mut because: Vec<String> = ids.map(|f| f.id.clone()).collect();
        because.extend(ruled.state.facts.iter().map(|f| format!("fact:{f}")));
        let (mut status, mut settled_by) = (ruled.status, ruled.settled_by.clone());
        if row.settled == Settled::Accept && ruled.state.findings.iter().all(|(i, _)| !keys.contains(i)) {
            (status, settled_by) = ("determined", Some("accept".to_owned()));
        }
        if ruled.standing == Standing::Absent {
            (status, settled_by) = ("exempted", self.persons_claims());
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
    /// Whether an exemption lifted a row or covers persons: what is regulated leaves by it.
    fn lifted(&self) -> bool {
        self.exempt_persons || self.rows.iter().any(|r| r.status == "exempted")
    }

    /// Branch 1.
    pub(super) fn forbidden(&self) -> Truth {
        let secrets = standing(self.rows.iter().filter(|r| r.class == Class::StateSecretSuspect));
        secrets.or(Truth::from(self.refused()))
    }

    /// Whether geographic data is declared as not processed.
    pub(super) fn refused(&self) -> bool {
        let plain = |r: &&Ruled<'a>| {
            r.class == Class::UnprocessedGeodata && !matches!(r.state.row.settled, Settled::Preconditions { .. })
        };
        self.rows.iter().any(|r| !r.geo.refused.is_empty()) || standing(self.rows.iter().filter(plain)).is_true()
    }

    /// Branch 2.
    pub(super) fn geodata_open(&self) -> bool {
        let open = standing(self.rows.iter().filter(|r| r.class == Class::UnprocessedGeodata));
        open.is_unknown() || !self.geo.needs.is_empty()
    }

    /// Branch 3. An assessment that names a row which is still open is taken at its word.
    pub(super) fn important(&self) -> Truth {
        let rows = self.rows.iter().filter(|r| r.class == Class::Important);
        if self.assumed { Truth::True } else { standing(rows) }
    }

    /// Rows of personal information that are open; only an organisation's own rows can be.
    pub(super) fn personal_open(&self) -> impl Iterator<Item = &Ruled<'a>> {
        self.rows
            .iter()
            .filter(|r| r.standing == Standing::Open && matches!(r.class, Class::Personal | Class::SensitivePersonal))
    }

    pub(super) fn personal_covered(&self) -> bool {
        self.personal.as_ref().is_none_or(|m| m.needs.is_empty())
    }
}

/// Classes of what is in the shipment, gravest first. An important row that is still open shows as a candidate.
fn classes(rows: &[Ruled<'_>]) -> Vec<Class> {
    let set: BTreeSet<Class> = rows
        .iter()
        .filter_map(|r| match (r.standing, r.class) {
            (_, Class::General) => None,
            // Of a row that waits for the number of persons nothing is suspected yet.
            (Standing::Open, _) if r.awaits_count() => None,
            (Standing::Firm, class) => Some(class),
            (Standing::Open, Class::Important | Class::ImportantCandidate) => Some(Class::ImportantCandidate),
            (Standing::Open, Class::StateSecretSuspect) => Some(Class::StateSecretSuspect),
            _ => None,
        })
        .collect();
    set.into_iter().collect()
}
