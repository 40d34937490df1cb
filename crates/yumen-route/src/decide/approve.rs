//! Approvals: whether one is good today, for this recipient, for these rows.

use std::cell::Cell;

use jiff::Span;
use jiff::civil::Date;
use yumen_model::verdict::{Class, Reason, Text};
use yumen_rules::Rulebook;
use yumen_rules::book::ApprovalKind;

use crate::reason::Code;
use crate::shipment::{Approval, Shipment};

/// The days that count: the day of judgement and, if it is given, of the transfer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Days {
    pub(super) as_of: Date,
    pub(super) transfer: Option<Date>,
}

impl Days {
    /// The later of both: until then an approval or acceptance must last.
    pub(super) fn last(&self) -> Date {
        self.transfer.map_or(self.as_of, |t| t.max(self.as_of))
    }

    /// The earlier of both: by then a filing must have been made.
    pub(super) fn first(&self) -> Date {
        self.transfer.map_or(self.as_of, |t| t.min(self.as_of))
    }
}

/// The approvals of a manifest, each checked for what does not depend on rows.
pub(super) struct Approvals<'a> {
    book: &'a Rulebook,
    list: Vec<Checked<'a>>,
    used: Cell<bool>,
}

struct Checked<'a> {
    approval: &'a Approval,
    kind: &'a ApprovalKind,
    fault: Option<(Code, Text)>,
}

/// A row to be covered, and the artifacts that feed it.
#[derive(Clone, Debug)]
pub(super) struct Need<'a> {
    pub(super) row: &'a str,
    /// An approval that names this row serves as well.
    pub(super) or: Option<&'a str>,
    pub(super) class: Class,
    pub(super) artifacts: Vec<&'a str>,
}

impl<'a> Approvals<'a> {
    pub(super) fn check(book: &'a Rulebook, shipment: Option<&'a Shipment>, days: Days) -> Self {
        let list = shipment.map_or(&[][..], |s| &s.approvals).iter().filter_map(|approval| {
            let kind = book.approval(&approval.kind)?;
            let recipient = shipment.and_then(|s| s.recipient.as_ref()).map(|r| r.name.as_str());
            Some(Checked { approval, kind, fault: fault(approval, kind, recipient, days) })
        });
        Approvals { book, list: list.collect(), used: Cell::new(false) }
    }

    /// Whether any approval was looked at, so that a date mattered.
    pub(super) fn dates_mattered(&self) -> bool {
        self.used.get()
    }

    /// The rows that are not covered by good approvals among `kinds`, and why. Empty when all are.
    pub(super) fn missing(&self, needs: &[Need<'a>], kinds: &[&str]) -> Missing<'a> {
        let wanted: Vec<&Checked<'a>> = self.list.iter().filter(|c| kinds.contains(&c.kind.kind.as_str())).collect();
        if !wanted.is_empty() && !needs.is_empty() {
            self.used.set(true);
        }
        let mut missing = Missing { needs: Vec::new(), reasons: Vec::new(), relied: Vec::new() };
        for need in needs {
            let good: Vec<_> = wanted.iter().filter(|c| c.fault.is_none() && names_row(c, need)).collect();
            let covers = |path: &str| good.iter().any(|c| c.approval.artifacts.as_ref().is_none_or(|g| g.covers(path)));
            let covered = if need.artifacts.is_empty() {
                good.iter().any(|c| c.approval.artifacts.is_none())
            } else {
                need.artifacts.iter().all(|path| covers(path))
            };
            if covered {
                for c in good {
                    if !missing.relied.contains(&c.approval.number) {
                        missing.relied.push(c.approval.number.clone());
                    }
                }
            } else {
                missing.needs.push(need.clone());
            }
        }
        if missing.needs.is_empty() {
            return missing;
        }
        let rows: Vec<String> = missing.needs.iter().map(|n| n.row.to_owned()).collect();
        if wanted.is_empty() {
            let titles = |zh: bool| {
                let titles = kinds.iter().filter_map(|k| self.book.approval(k));
                titles.map(|k| if zh { k.title.zh.as_str() } else { k.title.en.as_str() }).collect::<Vec<_>>()
            };
            let zh = format!("缺少{}（覆盖 {}）", titles(true).join("或"), rows.join("、"));
            let en = format!("no {} is given for {}", titles(false).join(" or "), rows.join(", "));
            missing.reasons.push(Code::ApprovalMissing.reason(zh, en, rows));
            return missing;
        }
        let mut sound = Vec::new();
        for checked in &wanted {
            match &checked.fault {
                Some((code, text)) => {
                    let refs = vec![checked.approval.number.clone()];
                    missing.reasons.push(code.reason(text.zh.clone(), text.en.clone(), refs));
                }
                None => sound.push(checked.approval.number.clone()),
            }
        }
        if !sound.is_empty() {
            let (rows, numbers) = (rows.join(", "), sound.join(", "));
            let mut zh = format!("批准 {numbers} 未覆盖 {rows}");
            let mut en = format!("approval {numbers} does not cover {rows}");
            if wanted.iter().any(|c| c.fault.is_none() && c.approval.rows.is_none()) {
                zh.push_str("；批准未写明所覆盖的行（rows）");
                en.push_str("; where an approval names no rows, add what it was given for under `rows`");
            }
            missing.reasons.push(Code::ApprovalRowNotCovered.reason(zh, en, sound));
        }
        missing
    }
}

/// What [`Approvals::missing`] found.
pub(super) struct Missing<'a> {
    /// Rows that are not covered.
    pub(super) needs: Vec<Need<'a>>,
    /// Why not.
    pub(super) reasons: Vec<Reason>,
    /// Numbers of the approvals that cover others.
    pub(super) relied: Vec<String>,
}

/// Whether an approval names a row. A contract or certification that names none is for the personal information, a map review for the geographic
/// data; an assessment must name what it was given for.
fn names_row(checked: &Checked<'_>, need: &Need<'_>) -> bool {
    match &checked.approval.rows {
        Some(rows) => rows.iter().any(|r| r == need.row || Some(r.as_str()) == need.or),
        None => match checked.kind.kind.as_str() {
            "security-assessment" => false,
            "map-review" | "external-provision" => need.class == Class::UnprocessedGeodata,
            _ => matches!(need.class, Class::Personal | Class::SensitivePersonal),
        },
    }
}

fn fault(approval: &Approval, kind: &ApprovalKind, recipient: Option<&str>, days: Days) -> Option<(Code, Text)> {
    let (zh, en, number) = (&kind.title.zh, &kind.title.en, &approval.number);
    let judged = days.as_of;
    if approval.issued > days.first() {
        let when = days.first();
        return Some((
            Code::ApprovalNotIssued,
            Text::new(
                format!("{zh} {number} 于 {} 作出，晚于 {when}", approval.issued),
                format!("{en} {number} was issued on {}, after {when}", approval.issued),
            ),
        ));
    }
    let effective = approval.effective.unwrap_or(approval.issued);
    let start = days.transfer.unwrap_or(days.as_of);
    if effective > start {
        return Some((
            Code::ApprovalNotEffective,
            Text::new(
                format!("{zh} {number} 自 {effective} 起生效，晚于 {start}"),
                format!("{en} {number} takes effect on {effective}, after {start}"),
            ),
        ));
    }
    let ends = approval.expires.or_else(|| {
        let years = Span::new().try_years(i64::try_from(kind.validity_years?).ok()?).ok()?;
        approval.issued.checked_add(years).and_then(|d| d.yesterday()).ok()
    });
    if let Some(ends) = ends
        && ends < days.last()
    {
        let (by, at) = match days.transfer {
            Some(t) if t > judged => (format!("出境日期 {t}"), format!("the transfer on {t}")),
            _ => (format!("判断日期 {judged}"), format!("{judged}, the day of judgement")),
        };
        return Some((
            Code::ApprovalExpired,
            Text::new(
                format!("{zh} {number} 有效期至 {ends}，早于{by}"),
                format!("{en} {number} expired on {ends}, before {at}"),
            ),
        ));
    }
    match (&approval.recipient, recipient) {
        (Some(named), Some(recipient)) if same_name(named, recipient) => None,
        (Some(named), Some(recipient)) => Some((
            Code::ApprovalOtherRecipient,
            Text::new(
                format!("{zh} {number} 的接收方是「{named}」，本次接收方是「{recipient}」"),
                format!("{en} {number} is for the recipient \"{named}\", this shipment goes to \"{recipient}\""),
            ),
        )),
        // A map review is of the map, not for a recipient.
        (None, _) if kind.kind == "map-review" => None,
        (None, _) => Some((
            Code::ApprovalNoRecipient,
            Text::new(format!("{zh} {number} 未写明接收方"), format!("{en} {number} names no recipient")),
        )),
        (Some(_), None) => Some((
            Code::ApprovalNoRecipient,
            Text::new(
                format!("清单未写明接收方，无法核对{zh} {number}"),
                format!("the manifest names no recipient to hold against {en} {number}"),
            ),
        )),
    }
}

/// Whether two legal names are the same but for case and spaces.
fn same_name(a: &str, b: &str) -> bool {
    let plain = |s: &str| s.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    plain(a) == plain(b)
}
