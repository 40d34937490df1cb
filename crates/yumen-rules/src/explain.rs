//! The rulebook told in plain text.

use std::fmt::Write as _;

use yumen_model::kind::KindId;
use yumen_model::verdict::{Class, Text};

use crate::book::{Detectable, Provenance, Row, Rulebook, Settled, Trigger};
use crate::condition::{Allowed, Bound, Condition, Found, Level};
use crate::facts::{Expect, FactTest, FactValue};

/// Text in the language wanted.
fn pick(text: &Text, zh: bool) -> &str {
    if zh { &text.zh } else { &text.en }
}

/// One of two wordings.
fn say(zh: bool, chinese: &'static str, english: &'static str) -> &'static str {
    if zh { chinese } else { english }
}

fn label(out: &mut String, zh: bool, chinese: &'static str, english: &'static str, value: &str) {
    let colon = if zh { "：" } else { ": " };
    let _ = writeln!(out, "  {}{colon}{value}", say(zh, chinese, english));
}

impl Rulebook {
    /// The rows, one a line, by scenario.
    #[must_use]
    pub fn list(&self, zh: bool) -> String {
        let mut out = format!("{}  {}  annex: {}\n", self.id, pick(&self.title, zh), self.annex);
        for (id, title) in &self.scenarios {
            let rows: Vec<&Row> = self.rows.iter().filter(|r| r.scenario == *id).collect();
            if rows.is_empty() {
                continue;
            }
            let _ = writeln!(out, "\n{}", pick(title, zh));
            for row in rows {
                let class = self.class_word(row);
                let criterion = match row.provenance.criterion.as_deref() {
                    Some("missing") => say(zh, "（判定规则未知）", " (criterion not in hand)"),
                    Some("disputed") => say(zh, "（有争议）", " (disputed)"),
                    _ => "",
                };
                let _ = writeln!(out, "  {:<7} {:<22} {}{criterion}", row.id, class, pick(&row.item, zh));
            }
        }
        let _ = writeln!(
            out,
            "\n{}",
            say(zh, "官方附录尚未核对；不构成法律意见。", "Annex not verified; not legal advice.")
        );
        out
    }

    fn class_word(&self, row: &Row) -> String {
        serde_json::to_value(row.class).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// What a row, data kind, route condition, exemption or fact is, in plain text; none for an unknown name.
    #[must_use]
    pub fn explain(&self, what: &str, zh: bool) -> Option<String> {
        if let Some(row) = self.row(what) {
            return Some(self.explain_row(row, zh));
        }
        if let Some(kind) = KindId::named(what) {
            return Some(self.explain_kind(kind, zh));
        }
        if let Some(rule) = self.routes.iter().find(|r| r.id == what) {
            let mut out = format!("{}  {}\n", rule.id, pick(&rule.item, zh));
            let route = serde_json::to_value(rule.route).ok().and_then(|v| v.as_str().map(str::to_owned));
            label(&mut out, zh, "路径", "route", &route.unwrap_or_default());
            if let Trigger::Persons(level, n) = rule.trigger {
                label(&mut out, zh, "条件", "condition", &persons(level, Bound::AtLeast(n), zh));
            }
            provenance(&mut out, &rule.provenance, zh);
            return Some(out);
        }
        if let Some(exemption) = self.exemption(what) {
            let mut out = format!("{}  {}\n", exemption.id, pick(&exemption.item, zh));
            let rows: Vec<&str> =
                self.rows.iter().filter(|r| r.exemptions.contains(&exemption.id)).map(|r| r.id.as_str()).collect();
            if !rows.is_empty() {
                label(&mut out, zh, "可解除的行", "lifts", &rows.join(", "));
            }
            if !exemption.authorities.is_empty() {
                label(&mut out, zh, "备案或报告机关", "filed with", &exemption.authorities.join(", "));
            }
            provenance(&mut out, &exemption.provenance, zh);
            return Some(out);
        }
        let fact = self.fact(what)?;
        let mut out = format!("{}  {}\n", fact.name, pick(&fact.question, zh));
        label(&mut out, zh, "取值", "value", &fact.kind.words());
        label(&mut out, zh, "在 shipment.yaml 中", "in shipment.yaml", &fact.key);
        let rows: Vec<&str> = self.rows.iter().filter(|r| uses(r, &fact.name)).map(|r| r.id.as_str()).collect();
        if !rows.is_empty() {
            label(&mut out, zh, "用于", "used by", &rows.join(", "));
        }
        Some(out)
    }

    fn explain_row(&self, row: &Row, zh: bool) -> String {
        let mut out = format!("{}  {}\n", row.id, pick(&row.item, zh));
        if let Some((_, title)) = self.scenarios.iter().find(|(id, _)| *id == row.scenario) {
            label(&mut out, zh, "场景", "scenario", pick(title, zh));
        }
        if let Some(category) = &row.category {
            label(&mut out, zh, "类别", "category", pick(category, zh));
        }
        if !row.aliases.is_empty() {
            label(&mut out, zh, "别名", "aliases", &row.aliases.join(", "));
        }
        label(&mut out, zh, "级别", "class", &self.class_word(row));
        match &row.when {
            Some(when) => {
                let _ = writeln!(out, "  {}", say(zh, "条件：", "applies when:"));
                tell(&mut out, when, 2, zh);
            }
            None => label(
                &mut out,
                zh,
                "条件",
                "applies when",
                say(zh, "扫描不能识别，由人员判断", "no scan can tell; a person judges"),
            ),
        }
        if row.detectable == Detectable::Partly {
            label(&mut out, zh, "识别", "detection", say(zh, "只能部分识别", "in part only"));
        }
        let settled = match &row.settled {
            Settled::Firm => say(zh, "批准或免除情形", "an approval or an exemption").to_owned(),
            Settled::Determination => {
                say(zh, "具名人员的判定（determinations）", "a named person's determination (determinations)")
                    .to_owned()
            }
            Settled::Accept => say(zh, "逐项接受（accept）", "accepting each finding (accept)").to_owned(),
            Settled::Preconditions { fact, approvals } => {
                format!("facts.{fact}: true + approvals: {}", approvals.join(" / "))
            }
        };
        label(&mut out, zh, "了结方式", "settled by", &settled);
        if !row.exemptions.is_empty() {
            label(&mut out, zh, "可适用的免除情形", "exemptions", &row.exemptions.join(", "));
        }
        provenance(&mut out, &row.provenance, zh);
        if self.overlaid.contains(&row.id) {
            label(
                &mut out,
                zh,
                "来源",
                "origin",
                say(zh, "由组织配置新增或收紧", "added or tightened by the organisation's configuration"),
            );
        }
        for l in self.loosened.iter().filter(|l| l.what == row.id) {
            label(&mut out, zh, "已放宽", "loosened", &format!("{} ({})", pick(&l.how, zh), l.reason));
        }
        out
    }

    fn explain_kind(&self, kind: KindId, zh: bool) -> String {
        let info = kind.info();
        let mut out = format!("{}  {}\n", info.name, say(zh, info.zh, info.en));
        label(&mut out, zh, "计入", "counts", info.counts);
        let level = if self.sensitive_kinds().contains(kind) {
            say(zh, "敏感个人信息", "sensitive personal information")
        } else if self.personal_kinds().contains(kind) {
            say(zh, "个人信息", "personal information")
        } else {
            say(zh, "否", "no")
        };
        label(&mut out, zh, "个人信息", "personal", level);
        // Personal information feeds the rows about persons, whatever its kind.
        let of_persons = |r: &&Row| match r.class {
            Class::SensitivePersonal => self.sensitive_kinds().contains(kind),
            Class::Personal => self.personal_kinds().contains(kind),
            _ => false,
        };
        let rows = self.rows.iter().filter(|r| {
            r.when.as_ref().is_some_and(|w| w.kinds().contains(kind) || (w.counts_persons() && of_persons(r)))
        });
        let rows: Vec<&str> = rows.map(|r| r.id.as_str()).collect();
        if !rows.is_empty() {
            label(&mut out, zh, "用于", "feeds", &rows.join(", "));
        }
        if info.inventory {
            label(&mut out, zh, "说明", "note", say(zh, "清点用，单独不构成提示", "inventory: alone it is no alarm"));
        }
        if let Some(p) = self.personal.iter().find(|p| p.kind == kind) {
            provenance(&mut out, &p.provenance, zh);
        }
        out
    }
}

fn uses(row: &Row, fact: &str) -> bool {
    let of_condition = row.when.as_ref().is_some_and(|w| w.facts().contains(&fact));
    of_condition || matches!(&row.settled, Settled::Preconditions { fact: f, .. } if f == fact)
}

fn provenance(out: &mut String, p: &Provenance, zh: bool) {
    let basis = p.basis.join(", ");
    label(out, zh, "依据", "basis", &format!("{basis} ({})", p.confidence));
    if let Some(criterion) = &p.criterion {
        let words = match criterion.as_str() {
            "missing" => say(zh, "官方判定规则尚未取得", "the official criterion is not in hand"),
            "disputed" => say(zh, "有争议", "disputed"),
            _ => say(zh, "已知", "known"),
        };
        label(out, zh, "判定规则", "criterion", words);
    }
    if let Some(source) = &p.source {
        label(out, zh, "文件", "instrument", source);
    }
    if let Some(note) = &p.note {
        label(out, zh, "备注", "note", pick(note, zh));
    }
}

fn persons(level: Level, bound: Bound, zh: bool) -> String {
    let who = match level {
        Level::Personal => say(zh, "非敏感个人信息", "personal, not sensitive, information"),
        Level::Sensitive => say(zh, "敏感个人信息", "sensitive personal information"),
        Level::Any => say(zh, "个人信息", "personal information"),
    };
    match (bound, zh) {
        (Bound::AtLeast(n), true) => format!("{n} 人以上的{who}"),
        (Bound::MoreThan(n), true) => format!("超过 {n} 人的{who}"),
        (Bound::AtLeast(n), false) => format!("{who} of {n} persons or more"),
        (Bound::MoreThan(n), false) => format!("{who} of more than {n} persons"),
    }
}

fn test(t: &FactTest) -> String {
    match &t.expect {
        Expect::Is(FactValue::Bool(true)) => t.name.clone(),
        Expect::Is(FactValue::Bool(false)) => format!("{}: false", t.name),
        Expect::Is(FactValue::Count(n)) => format!("{}: {n}", t.name),
        Expect::Is(FactValue::Word(w)) => format!("{}: {w}", t.name),
        Expect::AtLeast(n) => format!("{} >= {n}", t.name),
    }
}

fn found(f: &Found, zh: bool) -> String {
    let kinds: Vec<&str> = f.kinds.iter().map(|k| k.name()).collect();
    let mut text = format!("{} {}", say(zh, "发现", "found"), kinds.join(say(zh, " 或 ", " or ")));
    for filter in &f.with {
        let values = match &filter.allowed {
            Allowed::OneOf(values) => values
                .iter()
                .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join("|"),
            Allowed::AtLeast(n) => format!(">= {n}"),
        };
        let _ = write!(text, ", {} = {values}", filter.property);
    }
    if let Some(fact) = &f.missing {
        let _ = write!(text, "{}{fact}", say(zh, "；未知时由事实决定：", "; where that is unknown the fact decides: "));
    }
    if f.at_least > 1 {
        let _ = write!(text, ", >= {}", f.at_least);
    }
    if !f.beside.is_empty() {
        let beside: Vec<&str> = f.beside.iter().map(|k| k.name()).collect();
        let _ = write!(
            text,
            "{}{}",
            say(zh, "；同一目录或容器内有 ", "; in the same folder or container: "),
            beside.join(" / ")
        );
    }
    text
}

fn tell(out: &mut String, condition: &Condition, depth: usize, zh: bool) {
    let mut line = |text: &str| {
        let _ = writeln!(out, "{}- {text}", "  ".repeat(depth));
    };
    match condition {
        Condition::All(list) => {
            line(say(zh, "以下全部：", "all of:"));
            list.iter().for_each(|c| tell(out, c, depth + 1, zh));
        }
        Condition::Any(list) => {
            line(say(zh, "以下任一：", "any of:"));
            list.iter().for_each(|c| tell(out, c, depth + 1, zh));
        }
        Condition::Not(inner) => {
            line(say(zh, "并非：", "not:"));
            tell(out, inner, depth + 1, zh);
        }
        Condition::Found(f) => line(&found(f, zh)),
        Condition::Fact(t) => line(&format!("{} {}", say(zh, "申报事实", "declared fact"), test(t))),
        Condition::Declared(t) => line(&format!(
            "{} {}",
            say(zh, "已申报（未申报视为否，不提问）", "declared (silence means no; never asked)"),
            test(t)
        )),
        Condition::Persons(level, bound) => line(&persons(*level, *bound, zh)),
        Condition::Opaque(reasons) => {
            let reasons: Vec<&str> = reasons.iter().map(|r| r.name()).collect();
            let which = if reasons.is_empty() { "any".to_owned() } else { reasons.join(" | ") };
            line(&format!("{} ({which})", say(zh, "存在未说明的不透明字节", "opaque bytes that nobody accounts for")));
        }
    }
}
