//! Rows whose condition has several limbs: which of them hold, and what it means that one does not.

use yumen_model::verdict::{Examined, Limb, Reason};
use yumen_rules::{LimbState, Scan, Truth};

use super::Desk;
use super::assemble::REFS;
use super::settle::{Ruled, Standing};
use crate::reason::Code;

/// The word for a state.
fn word(truth: Truth, beyond: Truth) -> &'static str {
    match truth {
        Truth::True => "holds",
        Truth::Unknown => "unknown",
        Truth::False if beyond.is_unknown() => "unseen",
        Truth::False => "fails",
    }
}

impl<'a> Desk<'a> {
    /// The limbs of rows of which something in the shipment speaks. Of a row that fails by a limb while others hold a reason says so.
    pub(super) fn examined(&self, scan: &Scan<'a>, rows: &[Ruled<'a>], chain: &mut Vec<Reason>) -> Vec<Examined> {
        let mut all = Vec::new();
        for ruled in rows {
            let row = ruled.state.row;
            let limbs = scan.limbs(row);
            if limbs.iter().all(|l| l.findings.is_empty() && l.beside.is_empty()) {
                continue;
            }
            if ruled.standing == Standing::Absent {
                chain.extend(self.missing(&row.id, &limbs));
            }
            all.push(Examined {
                row: row.id.clone(),
                item: row.item.clone(),
                state: word(ruled.state.truth, ruled.state.beyond).to_owned(),
                limbs: limbs.iter().map(|l| self.limb(l)).collect(),
            });
        }
        all
    }

    fn ids(&self, findings: &[usize]) -> Vec<String> {
        findings.iter().filter_map(|&i| self.case.outcome.findings.get(i)).take(REFS).map(|f| f.id.clone()).collect()
    }

    fn limb(&self, limb: &LimbState<'a>) -> Limb {
        let mut because = self.ids(&limb.findings);
        because.extend(limb.facts.iter().map(|f| format!("fact:{f}")));
        Limb {
            title: limb.title.clone(),
            state: word(limb.truth, limb.beyond).to_owned(),
            because,
            beside: self.ids(&limb.beside),
        }
    }

    /// Which limbs fail and why that clears nothing else; none where no limb rests on a finding.
    fn missing(&self, row: &str, limbs: &[LimbState<'a>]) -> Option<Reason> {
        if limbs.iter().all(|l| l.findings.is_empty()) && limbs.iter().all(|l| l.beside.is_empty()) {
            return None;
        }
        let failing: Vec<&LimbState<'a>> = limbs.iter().filter(|l| l.truth.is_false()).collect();
        let why = |l: &LimbState<'a>| match (l.facts.is_empty(), l.beside.is_empty(), l.beyond.is_unknown()) {
            (false, ..) => ("申报为否", "declared not to be so"),
            (_, false, _) => ("仅见于二进制或描述文件", "seen in binaries or descriptions only"),
            (.., true) => ("未发现，但有不透明内容", "not found, while some content is opaque"),
            _ => ("未发现", "not found"),
        };
        let (zh, en): (Vec<String>, Vec<String>) = failing
            .iter()
            .map(|l| (format!("「{}」（{}）", l.title.zh, why(l).0), format!("\"{}\" ({})", l.title.en, why(l).1)))
            .unzip();
        let held: Vec<&LimbState<'a>> = limbs.iter().filter(|l| l.truth.is_true()).collect();
        let (held_zh, held_en) = match held.as_slice() {
            [] => (String::new(), String::new()),
            held => {
                let zh: Vec<&str> = held.iter().map(|l| l.title.zh.as_str()).collect();
                let en: Vec<&str> = held.iter().map(|l| l.title.en.as_str()).collect();
                (format!("；成立的要件：{}", zh.join("、")), format!("; limbs that hold: {}", en.join(", ")))
            }
        };
        let zh = format!(
            "{row} 不适用：要件{}不成立{held_zh}。这不等于整包已排除：该场景的其他行及个人信息、密钥、证书、地理信息仍须各自判断",
            zh.join("、")
        );
        let en = format!(
            "{row} does not apply, because of the limb {}{held_en}. That clears nothing else of the package: other rows of the scenario, personal information, keys, certificates and geographic data are judged on their own",
            en.join(", ")
        );
        let mut refs = vec![row.to_owned()];
        refs.extend(limbs.iter().flat_map(|l| l.facts.iter().map(|f| format!("fact:{f}"))));
        refs.extend(
            self.ids(&limbs.iter().flat_map(|l| l.findings.iter().chain(&l.beside).copied()).collect::<Vec<_>>()),
        );
        refs.truncate(REFS);
        Some(Code::LimbMissing.reason(zh, en, refs))
    }
}
