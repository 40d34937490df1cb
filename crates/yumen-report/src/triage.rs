//! Triage: the few causes behind many findings, each with what to do.

use std::collections::{BTreeMap, HashSet};

use yumen_model::coverage::Reason as Opacity;
use yumen_model::finding::Finding;
use yumen_model::outcome::OpaqueEntry;
use yumen_model::verdict::{Class, Outcome, Question, Reason, Route, Verdict};

use crate::figures::{Noun, bytes, counted};
use crate::index::{Index, Referred};
use crate::lang::Lang;
use crate::words;

/// One cause that holds the shipment.
pub(crate) struct Cause<'a> {
    /// What it is, in words.
    pub(crate) text: String,
    /// Further reasons of the same code.
    pub(crate) similar: usize,
    /// How much it concerns, in words; empty when that can't be counted.
    pub(crate) extent: String,
    /// An artifact it concerns.
    pub(crate) example: Option<&'a str>,
    /// What to do.
    pub(crate) actions: Vec<String>,
}

/// The causes that hold the shipment, in the order of the decision's chain; none for a pass.
pub(crate) fn causes<'a>(index: &Index<'a>, lang: Lang) -> Vec<Cause<'a>> {
    let verdict = &index.report.verdict;
    if verdict.outcome == Outcome::Pass {
        return Vec::new();
    }
    let mut order: Vec<&str> = Vec::new();
    let mut by_code: BTreeMap<&str, Vec<&'a Reason>> = BTreeMap::new();
    for reason in verdict.reasons.iter().filter(|r| r.holds) {
        let same = by_code.entry(&reason.code).or_default();
        if same.is_empty() {
            order.push(&reason.code);
        }
        same.push(reason);
    }
    let mut asked = vec![false; verdict.questions.len()];
    let mut causes = Vec::new();
    let mut asking = None;
    for code in order {
        let reasons = &by_code[code];
        let refs: Vec<&str> = reasons.iter().flat_map(|r| &r.refs).map(String::as_str).collect();
        let mut referred = index.resolve(refs.iter().copied());
        if code.contains("opaque") && referred.opaque.is_empty() {
            referred.opaque = index.report.opaque.iter().collect();
        }
        let mut questions = index.questions_about(&refs);
        questions.extend(accepting(verdict, &referred, &questions));
        for (at, _) in &questions {
            asked[at - 1] = true;
        }
        // Where a question that no reason names belongs: most are about persons.
        if code == "persons-route-unknown" {
            asking = Some(causes.len());
        } else if ["question", "unknown", "undecided", "undeclared", "unclear"].iter().any(|w| code.contains(w)) {
            asking.get_or_insert(causes.len());
        }
        causes.push(Cause {
            text: lang.of(&reasons[0].text).to_owned(),
            similar: reasons.len() - 1,
            extent: extent(lang, &referred),
            example: example(&referred),
            actions: actions(lang, code, &referred, &questions),
        });
    }
    let open: Vec<(usize, &Question)> =
        verdict.questions.iter().enumerate().filter(|(at, _)| !asked[*at]).map(|(at, q)| (at + 1, q)).collect();
    if let Some(answer) = answer(lang, &open) {
        match asking.and_then(|at| causes.get_mut(at)) {
            Some(cause) => cause.actions.push(answer),
            None => causes.push(Cause {
                text: match lang {
                    Lang::Zh => format!("{}待答复。", counted(lang, open.len() as u64, Noun::Question)),
                    Lang::En if open.len() == 1 => "1 question is open.".to_owned(),
                    Lang::En => format!("{} are open.", counted(lang, open.len() as u64, Noun::Question)),
                },
                similar: 0,
                extent: String::new(),
                example: None,
                actions: vec![answer],
            }),
        }
    }
    if causes.is_empty() {
        causes.push(unexplained(index, lang));
    }
    causes
}

/// Questions that ask to accept what a cause concerns: they name its places, where the reason names digests and ids.
fn accepting<'a>(
    verdict: &'a Verdict,
    referred: &Referred<'a>,
    known: &[(usize, &'a Question)],
) -> Vec<(usize, &'a Question)> {
    let places: HashSet<&str> = match referred.opaque.is_empty() {
        true => referred.findings.iter().map(|f| f.artifact.as_str()).collect(),
        false => referred.opaque.iter().map(|e| e.artifact.as_str()).collect(),
    };
    let asks = |q: &Question| q.key == "accept" && q.about.iter().any(|about| places.contains(about.as_str()));
    let numbered = verdict.questions.iter().enumerate().map(|(at, q)| (at + 1, q));
    numbered.filter(|(at, q)| asks(q) && !known.iter().any(|(known, _)| known == at)).collect()
}

/// A hold without a reason: what the report itself shows.
fn unexplained<'a>(index: &Index<'a>, lang: Lang) -> Cause<'a> {
    let report = index.report;
    let referred = Referred { opaque: report.opaque.iter().collect(), ..Referred::default() };
    let text = if !report.complete {
        lang.pick("扫描未完成。", "The scan is not complete.")
    } else if referred.opaque.is_empty() {
        lang.pick("判定未给出原因。", "The decision gives no reason.")
    } else {
        lang.pick("有内容未能检视。", "There is content that could not be looked into.")
    };
    Cause {
        text: text.to_owned(),
        similar: 0,
        extent: extent(lang, &referred),
        example: example(&referred),
        actions: actions(lang, if report.complete { "" } else { "scan-incomplete" }, &referred, &[]),
    }
}

fn extent(lang: Lang, referred: &Referred<'_>) -> String {
    let mut parts = Vec::new();
    if !referred.findings.is_empty() {
        let findings = counted(lang, referred.findings.len() as u64, Noun::Finding);
        let artifacts = distinct(referred.findings.iter().map(|f| f.artifact.as_str()));
        let artifacts = counted(lang, artifacts, Noun::Artifact);
        parts.push(match lang {
            Lang::Zh => format!("{artifacts}中的 {findings}"),
            Lang::En => format!("{findings} in {artifacts}"),
        });
    }
    if !referred.opaque.is_empty() {
        let size = referred.opaque.iter().fold(0u64, |n, e| n.saturating_add(e.bytes));
        let artifacts = counted(lang, distinct(referred.opaque.iter().map(|e| e.artifact.as_str())), Noun::Artifact);
        parts.push(match lang {
            Lang::Zh => format!("{artifacts}中的 {} 未检视", bytes(size)),
            Lang::En => format!("{} not looked into, in {artifacts}", bytes(size)),
        });
    }
    parts.join(lang.pick("；", "; "))
}

fn distinct<'s>(paths: impl Iterator<Item = &'s str>) -> u64 {
    paths.collect::<HashSet<_>>().len() as u64
}

fn example<'a>(referred: &Referred<'a>) -> Option<&'a str> {
    let surest = |a: &&&'a Finding, b: &&&'a Finding| {
        a.confidence.total_cmp(&b.confidence).then(a.count.cmp(&b.count)).then(b.artifact.cmp(&a.artifact))
    };
    let largest = |a: &&&'a OpaqueEntry, b: &&&'a OpaqueEntry| a.bytes.cmp(&b.bytes).then(b.artifact.cmp(&a.artifact));
    let finding = referred.findings.iter().max_by(surest).map(|f| f.artifact.as_str());
    finding.or_else(|| referred.opaque.iter().max_by(largest).map(|e| e.artifact.as_str()))
}

/// Where to answer the given questions; none when there is none.
fn answer(lang: Lang, questions: &[(usize, &Question)]) -> Option<String> {
    let (number, first) = questions.first()?;
    let mut keys: Vec<&str> = questions.iter().map(|(_, q)| q.key.as_str()).collect();
    keys.dedup();
    Some(match (questions.len(), lang) {
        (1, Lang::Zh) => format!("在 shipment.yaml 填写 {}（见问题 {number}）。", first.key),
        (1, Lang::En) => format!("Fill in {} in shipment.yaml (question\u{a0}{number}).", first.key),
        (_, Lang::Zh) => format!("在 shipment.yaml 填写 {}。", list(&keys)),
        (_, Lang::En) => format!("Fill in {} in shipment.yaml.", list(&keys)),
    })
}

fn list(words: &[&str]) -> String {
    let mut text = words.iter().take(4).copied().collect::<Vec<_>>().join(", ");
    if words.len() > 4 {
        text.push_str(", …");
    }
    text
}

fn actions(lang: Lang, code: &str, referred: &Referred<'_>, questions: &[(usize, &Question)]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut say = |zh: &str, en: &str| out.push(lang.pick(zh, en).to_owned());
    if code.contains("incomplete") || code.contains("interrupted") {
        say("重新扫描至完成。", "Scan again, to the end.");
    }
    if code.contains("geodata-not-approved") {
        say(
            "取得对外提供审批或地图审核，填入 approvals。",
            "Obtain the external-provision approval or map review and enter it under approvals.",
        );
    }
    if code.contains("approval") {
        say(
            "取得有效批准并填入 approvals，收方、行项和有效期须相符。",
            "Obtain a valid approval and enter it under approvals; recipient, rows and dates must fit.",
        );
    }
    if referred.findings.iter().any(|f| f.kind.name().starts_with("key.")) {
        say(
            "移除并吊销这些密钥；确属无害的，按 id 逐条填入 accept。",
            "Take the keys out and revoke them. Accept what is harmless by its id under accept.",
        );
    }
    let classes: Vec<Class> = referred.rows.iter().map(|r| r.class).collect();
    let has = |class| classes.contains(&class);
    if has(Class::StateSecretSuspect) || code.contains("state-secret") {
        say(
            "停止出境，交保密部门审查；结论填入 determinations。",
            "Stop the transfer. Have the marks reviewed, and enter the result under determinations.",
        );
    }
    if has(Class::UnprocessedGeodata) || code.contains("geodata-unprocessed") {
        say(
            "先由有资质单位作保密处理并取得审批，或移除。",
            "Have a qualified unit process it and obtain the approval first, or take it out.",
        );
    }
    if has(Class::ImportantCandidate) && questions.is_empty() {
        say("由责任人认定，结论填入 determinations。", "Let a named person decide, and enter it under determinations.");
    }
    if has(Class::Important) && !code.contains("approval") {
        say(
            "移除，或通过数据出境安全评估并填入 approvals。",
            "Take it out, or pass the security assessment and enter it under approvals.",
        );
    }
    let opaque = by_size(referred.opaque.iter().copied());
    for &(reason, size) in opaque.iter().take(3) {
        let advice = words::opaque_advice(lang, reason);
        let what = words::opaque_reason(lang, reason);
        out.push(match lang {
            Lang::Zh => format!("{what}（{}）：{advice}。", bytes(size)),
            Lang::En => format!("{what} ({}): {}.", bytes(size), advice),
        });
    }
    if !opaque.is_empty() {
        let number = questions.iter().find(|(_, q)| q.key.starts_with("accept")).map(|(at, _)| *at);
        out.push(match (lang, number) {
            (Lang::Zh, Some(n)) => format!("或按摘要（digest）逐项填入 accept 并说明理由（见问题 {n}）。"),
            (Lang::Zh, None) => "或按摘要（digest）逐项填入 accept 并说明理由。".to_owned(),
            (Lang::En, Some(n)) => {
                format!("Or account for each digest under accept, with a reason (question\u{a0}{n}).")
            }
            (Lang::En, None) => "Or account for each digest under accept, with a reason.".to_owned(),
        });
    } else if let Some(answer) = answer(lang, questions) {
        out.push(answer);
    }
    if out.is_empty() {
        out.push(lang.pick("见下文判定依据。", "See the chain of reasons below.").to_owned());
    }
    out
}

/// Opaque bytes by reason, most first.
fn by_size<'e>(entries: impl Iterator<Item = &'e OpaqueEntry>) -> Vec<(Opacity, u64)> {
    let mut sizes: BTreeMap<Opacity, u64> = BTreeMap::new();
    for entry in entries {
        let size = sizes.entry(entry.reason).or_default();
        *size = size.saturating_add(entry.bytes);
    }
    let mut sizes: Vec<_> = sizes.into_iter().collect();
    sizes.sort_by_key(|&(reason, n)| (std::cmp::Reverse(n), reason));
    sizes
}

/// Codes of reasons that let a shipment pass, the weightiest first; the others of its chain lead there.
const CLEARING: [&str; 5] = ["approval-valid", "small-volume", "persons-exempt", "exempted", "nothing-regulated"];

/// Why, in one sentence: the first reason that holds, or what made it pass.
pub(crate) fn why<'a>(index: &Index<'a>, lang: Lang) -> &'a str {
    let verdict = &index.report.verdict;
    let reasons = &verdict.reasons;
    let told = match verdict.outcome {
        Outcome::Hold => reasons.iter().find(|r| r.holds),
        Outcome::Pass => {
            let clearing = CLEARING.iter().find_map(|code| reasons.iter().find(|r| r.code == *code));
            clearing.or(reasons.last())
        }
    };
    if let Some(reason) = told {
        return lang.of(&reason.text);
    }
    match (verdict.outcome, verdict.route) {
        (Outcome::Pass, Route::Free) => lang
            .pick("全部内容均已检视，未见须管理的数据。", "All content was looked into; nothing regulated was found."),
        (Outcome::Pass, _) => lang.pick("该途径的条件已满足。", "The condition of this route is met."),
        (Outcome::Hold, _) if !verdict.questions.is_empty() => lang.pick("有问题待答复。", "Questions are open."),
        (Outcome::Hold, _) => lang.pick("条件未满足。", "The conditions are not met."),
    }
}

#[cfg(test)]
mod tests {
    use yumen_model::verdict::Text;

    use super::*;
    use crate::report::Report;
    use crate::sample;

    fn told(report: &Report, lang: Lang) -> Vec<Cause<'_>> {
        // The causes borrow from the report, not from the index.
        causes(&Index::new(report), lang)
    }

    fn reason(code: &str, refs: &[&str]) -> Reason {
        let refs = refs.iter().map(|r| (*r).to_owned()).collect();
        Reason { code: code.to_owned(), text: Text::new("甲。", "A."), refs, holds: true }
    }

    #[test]
    fn reasons_of_one_code_are_one_cause() {
        let mut report = sample::hold();
        report.verdict.questions.clear();
        report.verdict.reasons = vec![reason("candidate-open", &["DA-d"]), reason("candidate-open", &["PI"])];
        let causes = told(&report, Lang::En);
        assert_eq!((causes.len(), causes[0].similar), (1, 1));
        assert_eq!(causes[0].extent, "5 findings in 4 artifacts");
        assert!(causes[0].actions.iter().any(|a| a.contains("determinations")));
    }

    #[test]
    fn every_open_question_is_named_by_a_cause() {
        let report = sample::hold();
        let causes = told(&report, Lang::En);
        for question in &report.verdict.questions {
            let named = |c: &Cause<'_>| c.actions.iter().any(|a| a.contains(&question.key));
            assert!(causes.iter().any(named), "{}", question.key);
        }
        assert_eq!(causes.last().unwrap().text, "1 question is open.");
        let mut asked = report.clone();
        asked.verdict.reasons.push(reason("questions-open", &[]));
        assert_eq!(told(&asked, Lang::En).len(), causes.len(), "the reason takes the place of the made-up cause");
    }

    #[test]
    fn a_hold_without_reasons_is_still_explained() {
        let mut report = sample::hold();
        report.verdict.reasons.clear();
        report.verdict.questions.clear();
        assert!(told(&report, Lang::Zh)[0].text.contains("未能检视"));
        report.complete = false;
        let cause = &told(&report, Lang::En)[0];
        assert!(cause.text.contains("not complete") && cause.actions[0].contains("Scan again"));
        report.complete = true;
        report.opaque.clear();
        assert_eq!(told(&report, Lang::En)[0].actions.len(), 1);
    }

    #[test]
    fn a_question_that_names_places_is_found_by_a_reason_that_names_digests() {
        let mut report = sample::hold();
        report.verdict.questions[1].about = vec!["ota.zip!/vendor/table.bin".to_owned()];
        let causes = told(&report, Lang::En);
        assert!(causes[1].actions.last().unwrap().contains("(question\u{a0}2)"));
        assert_eq!(causes.len(), 4);
    }

    #[test]
    fn a_pass_is_explained_by_what_clears_it() {
        let mut report = sample::pass();
        report.verdict.reasons = vec![reason("approval-valid", &[]), reason("accept-unused", &[])];
        report.verdict.reasons[0].text = Text::new("有批准。", "Approved.");
        assert_eq!(why(&Index::new(&report), Lang::En), "Approved.");
        report.verdict.reasons.clear();
        assert!(why(&Index::new(&report), Lang::En).starts_with("All content"));
    }

    #[test]
    fn each_cause_says_what_to_do_and_a_pass_has_none() {
        for lang in [Lang::Zh, Lang::En] {
            assert!(told(&sample::hold(), lang).iter().all(|c| !c.actions.is_empty()));
            assert!(told(&sample::pass(), lang).is_empty());
        }
    }

    #[test]
    fn the_example_is_the_surest_finding_and_opaque_bytes_are_told_by_reason() {
        let report = sample::hold();
        let causes = told(&report, Lang::En);
        assert_eq!(causes[0].example, Some("ota.zip!/deploy/keys/update-signing.pem"));
        assert!(causes[1].actions[0].starts_with("encrypted (3.91 KiB): supply it in clear"));
        assert!(causes[1].actions[2].contains("(question\u{a0}2)"));
    }
}
