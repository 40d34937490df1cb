//! What refers to what in a report, and its findings in groups, most important first. Shared by all renderings.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use yumen_model::finding::Finding;
use yumen_model::kind::{KindId, kinds};
use yumen_model::outcome::OpaqueEntry;
use yumen_model::verdict::{Class, Classification, Question};

use crate::report::Report;

/// Findings of one kind and class.
pub(crate) struct Group<'a> {
    /// The kind.
    pub(crate) kind: KindId,
    /// The gravest class that a row gives them; none when no row is fed by them.
    pub(crate) class: Option<Class>,
    /// Whether a reason that holds the shipment rests on one of them.
    pub(crate) holds: bool,
    /// The findings, most important first.
    pub(crate) findings: Vec<&'a Finding>,
    /// Occurrences in all.
    pub(crate) occurrences: u64,
    /// Distinct artifacts.
    pub(crate) artifacts: u64,
}

impl Group<'_> {
    /// Says what is there, and no row asks for it: no alarm.
    pub(crate) fn inventory(&self) -> bool {
        self.class.is_none() && !self.holds && self.kind.info().inventory
    }
}

/// What a reference (an id of a finding or row, a digest, `coverage:REASON`) stands for.
#[derive(Default)]
pub(crate) struct Referred<'a> {
    pub(crate) findings: Vec<&'a Finding>,
    pub(crate) opaque: Vec<&'a OpaqueEntry>,
    pub(crate) rows: Vec<&'a Classification>,
}

/// The report with its cross references.
pub(crate) struct Index<'a> {
    pub(crate) report: &'a Report,
    findings: HashMap<&'a str, &'a Finding>,
    rows: HashMap<&'a str, Vec<&'a Classification>>,
    digests: HashMap<&'a str, Vec<&'a OpaqueEntry>>,
    opaque_for: HashMap<&'a str, Vec<&'a OpaqueEntry>>,
    /// Rows fed by each finding.
    fed: HashMap<&'a str, Vec<&'a Classification>>,
    /// Ids of findings that hold the shipment.
    holding: HashSet<&'a str>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(report: &'a Report) -> Self {
        let mut index = Index {
            report,
            findings: report.findings.iter().map(|f| (f.id.as_str(), f)).collect(),
            rows: HashMap::new(),
            digests: HashMap::new(),
            opaque_for: HashMap::new(),
            fed: HashMap::new(),
            holding: HashSet::new(),
        };
        for row in &report.classifications {
            index.rows.entry(&row.row).or_default().push(row);
            for id in &row.because {
                if let Some((id, _)) = index.findings.get_key_value(id.as_str()) {
                    index.fed.entry(id).or_default().push(row);
                }
            }
        }
        for entry in &report.opaque {
            index.opaque_for.entry(entry.reason.name()).or_default().push(entry);
            if let Some(digest) = &entry.digest {
                index.digests.entry(digest).or_default().push(entry);
            }
        }
        let refs = report.verdict.reasons.iter().filter(|r| r.holds).flat_map(|r| &r.refs);
        let referred = index.resolve(refs.map(String::as_str));
        index.holding = referred.findings.iter().map(|f| f.id.as_str()).collect();
        index
    }

    /// What the given references stand for, each once. A row brings the findings and opaque bytes that it rests on.
    pub(crate) fn resolve<'r>(&self, refs: impl Iterator<Item = &'r str>) -> Referred<'a> {
        let mut out = Referred::default();
        // References that were followed, and opaque entries, which a digest and a reason may both lead to.
        let mut seen: HashSet<&str> = HashSet::new();
        let mut seen_opaque: HashSet<*const OpaqueEntry> = HashSet::new();
        for reference in refs {
            let rows = self.rows.get_key_value(reference);
            if let Some((&name, rows)) = rows
                && seen.insert(name)
            {
                for &row in rows {
                    out.rows.push(row);
                    for because in &row.because {
                        self.one(because, &mut out, &mut seen, &mut seen_opaque);
                    }
                }
            }
            self.one(reference, &mut out, &mut seen, &mut seen_opaque);
        }
        out
    }

    fn one(
        &self,
        reference: &str,
        out: &mut Referred<'a>,
        seen: &mut HashSet<&'a str>,
        opaque: &mut HashSet<*const OpaqueEntry>,
    ) {
        if let Some((&id, &finding)) = self.findings.get_key_value(reference)
            && seen.insert(id)
        {
            out.findings.push(finding);
        }
        let by_digest = self.digests.get_key_value(reference);
        let by_reason = reference.strip_prefix("coverage:").and_then(|reason| self.opaque_for.get_key_value(reason));
        for (&name, entries) in [by_digest, by_reason].into_iter().flatten() {
            if seen.insert(name) {
                out.opaque.extend(entries.iter().filter(|e| opaque.insert(std::ptr::from_ref(**e))));
            }
        }
    }

    /// Whether a reason that holds the shipment rests on a finding.
    pub(crate) fn holds(&self, finding: &Finding) -> bool {
        self.holding.contains(finding.id.as_str())
    }

    /// Rows that a finding feeds.
    pub(crate) fn rows_of(&self, finding: &Finding) -> &[&'a Classification] {
        self.fed.get(finding.id.as_str()).map_or(&[], Vec::as_slice)
    }

    /// Path of what a digest or the id of a finding stands for.
    pub(crate) fn path_of(&self, reference: &str) -> Option<&'a str> {
        let opaque = self.digests.get(reference).and_then(|entries| entries.first());
        opaque.map(|e| e.artifact.as_str()).or_else(|| self.exact(reference).map(|f| f.artifact.as_str()))
    }

    /// The finding of exactly this id.
    pub(crate) fn exact(&self, id: &str) -> Option<&'a Finding> {
        self.findings.get(id).copied()
    }

    /// The finding of an id, or of the head of an id if it is the head of one only.
    pub(crate) fn finding(&self, id: &str) -> Option<&'a Finding> {
        if let Some(&finding) = self.findings.get(id) {
            return Some(finding);
        }
        let mut heads = self.report.findings.iter().filter(|f| id.len() >= 6 && f.id.starts_with(id));
        heads.next().filter(|_| heads.next().is_none())
    }

    /// Questions that speak of one of the references, with their place in the list (from 1).
    pub(crate) fn questions_about(&self, refs: &[&str]) -> Vec<(usize, &'a Question)> {
        let refs: HashSet<&str> = refs.iter().copied().collect();
        let all = self.report.verdict.questions.iter().enumerate();
        all.filter(|(_, q)| [&q.fact, &q.key].into_iter().chain(&q.about).any(|about| refs.contains(about.as_str())))
            .map(|(at, q)| (at + 1, q))
            .collect()
    }

    /// The findings in groups: what holds the shipment first, then by class, then by kind; inventory last.
    pub(crate) fn groups(&self) -> Vec<Group<'a>> {
        let mut groups: BTreeMap<(Option<Class>, KindId), Vec<&'a Finding>> = BTreeMap::new();
        for finding in &self.report.findings {
            let class = self.rows_of(finding).iter().map(|row| row.class).min();
            groups.entry((class, finding.kind)).or_default().push(finding);
        }
        let mut groups: Vec<Group<'a>> = groups
            .into_iter()
            .map(|((class, kind), mut findings)| {
                findings.sort_by_cached_key(|f| self.importance(f));
                Group {
                    kind,
                    class,
                    holds: findings.iter().any(|f| self.holds(f)),
                    occurrences: findings.iter().fold(0, |n, f| f.count.saturating_add(n)),
                    artifacts: findings.iter().map(|f| f.artifact.as_str()).collect::<HashSet<_>>().len() as u64,
                    findings,
                }
            })
            .collect();
        // None sorts before Some; what no row asks for comes after what one does.
        groups.sort_by_key(|g| (g.inventory(), !g.holds, g.class.is_none(), g.class, g.kind));
        groups
    }

    fn importance(&self, f: &'a Finding) -> (bool, Reverse<u32>, Reverse<u64>, &'a str, &'a str) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let confidence = (f.confidence.clamp(0.0, 1.0) * 100.0) as u32;
        (!self.holds(f), Reverse(confidence), Reverse(f.count), &f.artifact, &f.id)
    }
}

/// How many of each group are shown when there is room for `budget` findings: one of each in order, then round and round, up to `most` of
/// one group. What holds is never left without one.
pub(crate) fn share(groups: &[Group<'_>], budget: usize, most: usize) -> Vec<usize> {
    let mut shown = vec![0; groups.len()];
    let mut left = budget;
    while left > 0 {
        let before = left;
        for (n, group) in shown.iter_mut().zip(groups) {
            if left > 0 && *n < group.findings.len().min(most) {
                *n += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    for (n, group) in shown.iter_mut().zip(groups) {
        if group.holds && *n == 0 {
            *n = 1;
        }
    }
    shown
}

/// Whether the findings of an inventory group are worth telling one by one: source files and certificates are counted only.
pub(crate) fn described(group: &Group<'_>) -> bool {
    ![kinds::CODE_SOURCE, kinds::CERT_X509].contains(&group.kind)
        && group.findings.iter().any(|f| !f.properties.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn references_lead_to_findings_rows_and_opaque_bytes_once() {
        let mut report = sample::hold();
        report.classifications[0].because.push("coverage:encrypted".to_owned());
        let index = Index::new(&report);
        let digest = report.opaque[0].digest.as_deref().unwrap();
        let referred = index.resolve(["DA-d", digest, "77c0ffee12345678", "coverage:encrypted", "nothing"].into_iter());
        assert_eq!(referred.rows.iter().map(|r| r.row.as_str()).collect::<Vec<_>>(), ["DA-d"]);
        assert_eq!(referred.findings.iter().map(|f| f.id.as_str()).collect::<Vec<_>>(), ["77c0ffee12345678"]);
        assert_eq!(
            referred.opaque.iter().map(|e| e.artifact.as_str()).collect::<Vec<_>>(),
            ["ota.zip!/vendor/ecu.enc"]
        );
        let unknown = index.resolve(["coverage:unknown-format"].into_iter());
        assert_eq!(unknown.opaque.len(), 1);
    }

    #[test]
    fn groups_cover_every_finding_and_what_holds_comes_first() {
        for report in [sample::hold(), sample::many(500), sample::pass(), sample::empty()] {
            let index = Index::new(&report);
            let groups = index.groups();
            assert_eq!(groups.iter().map(|g| g.findings.len()).sum::<usize>(), report.findings.len());
            assert!(groups.is_sorted_by_key(|g| !g.holds));
            assert!(groups.is_sorted_by_key(Group::inventory));
        }
    }

    #[test]
    fn the_room_is_shared_and_nothing_that_holds_is_left_out() {
        let report = sample::many(1000);
        let index = Index::new(&report);
        let groups = index.groups();
        assert_eq!(share(&groups, 24, 6), [6, 6]);
        assert_eq!(share(&groups, 24, 24), [10, 14]);
        assert_eq!(share(&groups, 0, 4), [1, 0]);
        assert_eq!(share(&groups, 5000, 5000), [10, 1000]);
        assert!(share(&[], 10, 10).is_empty());
    }
}
