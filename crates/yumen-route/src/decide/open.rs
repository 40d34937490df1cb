//! What is still open: the questions of a verdict.

use std::collections::BTreeSet;

use yumen_model::verdict::{Class, Question, Route, Text};
use yumen_rules::book::Settled;
use yumen_rules::{Ask, Truth};

use super::Desk;
use super::ask::Questions;
use super::assemble::Bench;
use super::people::PeopleRoute;
use super::settle::{Ruled, Standing, artifacts};

impl<'a> Desk<'a> {
    /// The questions that could still change the verdict: those of a branch, unless a branch before it is decided against the shipment.
    pub(super) fn questions(&self, bench: &Bench<'_, 'a>, important: Truth) -> Vec<Question> {
        let outcome = self.case.outcome;
        let mut q = Questions::new(self.case.rulebook);
        let secrets = || {
            let secrets = bench.rows.iter().filter(|r| r.class == Class::StateSecretSuspect);
            secrets.filter(|r| matches!(r.standing, Standing::Firm | Standing::Open))
        };
        // No answer can help here: the data itself must change.
        let hopeless = bench.refused() || secrets().any(|r| r.standing == Standing::Firm && r.settled_by.is_some());
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
                    // A fact about the shipment as a whole is asked of what feeds the row.
                    let all = ruled.state.findings.iter().map(|(i, _)| i).filter(|_| about.is_empty());
                    let paths = artifacts(self.case.outcome, about.iter().chain(all).copied());
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
            let paths = if of_findings { &ruled.unheard[..] } else { &[] };
            let secret = row.class == Class::StateSecretSuspect;
            q.determination(&row.id, &row.item, secret, paths, &self.case.as_of.to_string());
        }
    }

    fn ask_geo(&self, q: &mut Questions<'a>, bench: &Bench<'_, 'a>) {
        for ruled in bench.rows {
            let Settled::Preconditions { fact, .. } = &ruled.state.row.settled else { continue };
            let paths = |list: &[usize]| {
                let mut about = vec![ruled.state.row.id.as_str()];
                about.extend(artifacts(self.case.outcome, list.iter().copied()));
                about
            };
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
        let places: Vec<&str> = bench.opaque.iter().map(|o| o.artifact.as_str()).filter(|p| seen.insert(*p)).collect();
        let text = Text::new(
            "这些不透明内容是什么？提供可检视的版本，或由具名人员按摘要接受并说明理由和期限。",
            "What is in these opaque places? Supply a form that can be inspected, or have a named person accept each digest with reason and end.",
        );
        q.accept("accept.opaque", text, "digest", &digests, &places);
    }
}
