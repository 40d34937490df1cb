//! Secrecy marks. Chinese State secrets bear `绝密`, `机密` or `秘密` with `★` and a term (保守国家秘密法实施条例, 国家秘密定密管理暂行规定); companies mark
//! `商密`, `内部` and in English `CONFIDENTIAL`, which are no levels of State secrets.

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::line::Line;
use crate::{Candidate, Match, Place, Recogniser};

/// Chinese marks: `绝密★10年`, `密级：机密`, `【内部资料】`, `商密★3年`.
///
/// A level counts with a star, after a label (密级, 保密级别…), in brackets at the head of a line, or alone on a line where marks
/// stand. Words that only contain it (机密性, 国家秘密, 保密协议) never count.
pub(super) struct Chinese;

/// English marks: `CONFIDENTIAL`, `INTERNAL USE ONLY`, `SECRET//NOFORN`.
pub(super) struct English;

const LEVELS: &[(&str, &str, &str)] = &[
    ("绝密", "top-secret", "[绝密]"),
    ("机密", "secret", "[机密]"),
    ("秘密", "confidential", "[秘密]"),
    ("商业秘密", "trade-secret", "[商业秘密]"),
    ("商密", "trade-secret", "[商密]"),
    ("内部资料", "internal", "[内部资料]"),
    ("内部文件", "internal", "[内部文件]"),
    ("内部公开", "internal", "[内部公开]"),
    ("内部使用", "internal", "[内部使用]"),
    ("内部参考", "internal", "[内部参考]"),
    ("内部", "internal", "[内部]"),
];
const LITERALS: &[&str] =
    &["绝密", "机密", "秘密", "商业秘密", "商密", "内部资料", "内部文件", "内部公开", "内部使用", "内部参考", "内部"];
const LABELS: &[&str] =
    &["密级", "保密级别", "保密等级", "涉密等级", "秘密等级", "涉密级别", "安全等级", "机密等级", "机密级别"];

fn found(start: usize, end: usize, level: &'static str, label: &'static str, confidence: f64) -> Match {
    Match {
        kind: kinds::DOC_SECRECY_MARKING,
        start,
        end,
        confidence,
        mask: Mask::Label(label),
        distinct: vec![("level", level.into())],
        collect: Vec::new(),
        identifier: None,
        position: None,
    }
}

/// Length of `★10年`, `★长期`, `★` behind a level; 0 when there is none. An asterisk needs its term.
fn star(after: &str) -> usize {
    let gap = after.len() - after.trim_start_matches([' ', '\u{3000}']).len();
    let rest = &after[gap..];
    let term = |t: &str| -> usize {
        let t2 = t.trim_start_matches(' ');
        let skipped = t.len() - t2.len();
        for word in ["长期", "永久", "启用前", "解密"] {
            if t2.starts_with(word) {
                return skipped + word.len();
            }
        }
        let digits = t2.bytes().take_while(u8::is_ascii_digit).count();
        let unit = &t2[digits..];
        match ["年", "个月", "月", "天"].iter().find(|u| unit.starts_with(**u)) {
            Some(u) if (1..=2).contains(&digits) => skipped + digits + u.len(),
            _ => 0,
        }
    };
    if gap <= 6 {
        for star in ["★", "☆"] {
            if let Some(t) = rest.strip_prefix(star) {
                return gap + star.len() + term(t);
            }
        }
        if let Some(t) = rest.strip_prefix('*') {
            let n = term(t);
            return if n > 0 { gap + 1 + n } else { 0 };
        }
    }
    0
}

/// Whether a label of the level stands right before it.
fn labelled(before: &str) -> bool {
    let bare =
        before.trim_end_matches([' ', '\u{3000}', ':', '：', '为', '\t', '|', '"', '【', '[', '（', '(', '=', '*']);
    bare.len() < before.len() && LABELS.iter().any(|l| bare.ends_with(l))
}

/// A choice of levels (`绝密/机密/秘密`, `□机密`) is a form, not a mark.
fn choice(before: &str, after: &str) -> bool {
    let next = after.trim_start_matches([' ', '/', '、', '|', '或', ',', '，', '□', '☐']);
    let prev = before.trim_end_matches([' ', '/', '、', '|', '或', ',', '，', '□', '☐']);
    let level = |t: &str| ["绝密", "机密", "秘密", "内部", "公开", "非密"].iter().any(|l| t.starts_with(l));
    (next.len() < after.len() && level(next))
        || ["绝密", "机密", "秘密", "公开"].iter().any(|l| prev.len() < before.len() && prev.ends_with(l))
}

impl Recogniser for Chinese {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::DOC_SECRECY_MARKING]
    }

    fn literals(&self) -> &'static [&'static str] {
        LITERALS
    }

    fn examine(&self, candidate: &Candidate<'_>, out: &mut Vec<Match>) {
        let word = candidate.value();
        let Some(&(_, level, label)) = LEVELS.iter().find(|(w, _, _)| *w == word) else { return };
        let line = Line::of(candidate);
        let (before, after) = (line.before, line.after);
        // The tail of a longer word: 国家秘密, 商业秘密, 商业机密.
        let of_state = matches!(level, "top-secret" | "secret" | "confidential");
        if of_state
            && ["国家", "商业", "工作", "技术", "个人", "军事", "警务", "核心", "普通", "企业"]
                .iter()
                .any(|w| before.ends_with(w))
        {
            if ["商业", "核心", "普通", "企业"].iter().any(|w| before.ends_with(w)) && star(after) > 0 && word != "秘密"
            {
                out.push(found(candidate.start, candidate.end + star(after), "trade-secret", "[商业机密]", 0.8));
            }
            return;
        }
        let starred = star(after);
        if starred > 0 && !(word == "内部" && candidate.place == Place::Binary) {
            out.push(found(candidate.start, candidate.end + starred, level, label, 0.95));
            return;
        }
        if candidate.place == Place::Binary || choice(before, after) {
            return;
        }
        let closed =
            after.trim_start_matches(['级', ' ', '\u{3000}']).chars().next().is_none_or(|c| !c.is_alphanumeric());
        if labelled(before) && closed {
            out.push(found(candidate.start, candidate.end, level, label, 0.9));
            return;
        }
        if let Place::Cell { name, start, end } = candidate.place {
            let whole = candidate.text.get(start..end).unwrap_or("").trim().trim_end_matches('级');
            if whole == word && LABELS.iter().any(|l| name.contains(l)) {
                out.push(found(candidate.start, candidate.end, level, label, 0.9));
            }
            return;
        }
        if candidate.place == Place::Name {
            // `【机密】方案.docx`; a bare word in a name is too little.
            if line.bracketed() {
                out.push(found(candidate.start, candidate.end, level, label, 0.7));
            }
            return;
        }
        if !line.at_start() {
            return;
        }
        let alone = line.at_end() && line.prominent;
        let notice =
            ["注意保存", "严禁外传", "请勿外传", "不得外传", "妥善保管", "禁止外传", "仅供", "严禁复制", "文件"]
                .iter()
                .any(|w| {
                    after
                        .trim_start_matches([' ', '\u{3000}', '，', ',', '-', '—', '、', '：', '】', ']', '！'])
                        .starts_with(w)
                });
        let confidence = match level {
            _ if line.bracketed() && line.before.trim_end().ends_with(['【', '〔']) => 0.85,
            _ if line.bracketed() && line.at_end() => 0.75,
            _ if alone && word != "内部" => 0.75,
            "internal" | "trade-secret" if notice && word != "内部" => 0.75,
            _ if notice && line.prominent && word != "内部" => 0.75,
            _ => return,
        };
        out.push(found(candidate.start, candidate.end, level, label, confidence));
    }
}

const ENGLISH: &[&str] =
    &["confidential", "internal use only", "internal only", "company internal", "secret//", "trade secret"];
/// What follows `SECRET//` on a marked document.
const CAVEATS: &[&str] =
    &["NOFORN", "REL TO", "ORCON", "SI", "TK", "HCS", "FGI", "RELIDO", "PROPIN", "SAR", "NATO", "FVEY"];

impl Recogniser for English {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::DOC_SECRECY_MARKING]
    }

    fn literals(&self) -> &'static [&'static str] {
        ENGLISH
    }

    fn examine(&self, candidate: &Candidate<'_>, out: &mut Vec<Match>) {
        // Marks are in capitals; `This e-mail is confidential` is none.
        let word = candidate.value();
        if word.bytes().any(|b| b.is_ascii_lowercase())
            || matches!(candidate.place, Place::Binary | Place::Name | Place::Cell { .. })
        {
            return;
        }
        let line = Line::of(candidate);
        if candidate.literal == Some(4) {
            let caveat = CAVEATS.iter().any(|c| line.after.starts_with(c));
            let (level, start) = match line.before.trim_end().strip_suffix("TOP") {
                Some(rest) => ("top-secret", candidate.start - (line.before.len() - rest.len())),
                None => ("secret", candidate.start),
            };
            let head = line.before.trim_end().trim_end_matches("TOP").trim_start_matches(['(', ' ', '\t', '*', '#']);
            if caveat && head.is_empty() {
                out.push(found(start, candidate.end, level, "[SECRET//]", 0.8));
            }
            return;
        }
        if line.after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            || line.before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            return;
        }
        // The rest of the line is in capitals too, short, and of words that stand in marks.
        let rest = [line.before, line.after].concat();
        let capitals = !rest.chars().any(char::is_lowercase);
        let known = rest.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).all(|w| {
            let w = w.to_ascii_uppercase();
            [
                "COMPANY",
                "STRICTLY",
                "HIGHLY",
                "COMMERCIAL",
                "COMMERCIALLY",
                "IN",
                "CONFIDENCE",
                "AND",
                "PROPRIETARY",
                "DO",
                "NOT",
                "DISTRIBUTE",
                "COPY",
                "FOR",
                "INTERNAL",
                "USE",
                "ONLY",
                "INFORMATION",
                "MOST",
                "RESTRICTED",
                "DOCUMENT",
                "BUSINESS",
                "SENSITIVE",
                "CONFIDENTIAL",
                "TRADE",
                "SECRET",
                "REDISTRIBUTE",
                "LEVEL",
                "CLASSIFICATION",
            ]
            .contains(&w.as_str())
        });
        if !capitals || !known || !line.head || rest.len() > 120 {
            return;
        }
        let internal = matches!(candidate.literal, Some(1..=3));
        let (level, label) = if internal { ("internal", "[INTERNAL]") } else { ("trade-secret", "[CONFIDENTIAL]") };
        out.push(found(candidate.start, candidate.end, level, label, 0.7));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::testing::all;
    use yumen_model::finding::Prop;

    fn levels_in(text: &str, place: Place<'_>) -> Vec<String> {
        let mut found = all(&Chinese, text, place, "txt");
        found.extend(all(&English, text, place, "txt"));
        found
            .iter()
            .map(|m| match &m.distinct[0].1 {
                Prop::Word(w) => w.to_string(),
                Prop::Bool(_) => String::new(),
            })
            .collect()
    }

    fn levels(text: &str) -> Vec<String> {
        levels_in(text, Place::Prose)
    }

    #[test]
    fn marks_are_found_with_their_level() {
        for (text, level) in [
            ("绝密★10年\n关于方案的报告\n", "top-secret"),
            ("机密★\n", "secret"),
            ("秘密★长期", "confidential"),
            ("    机密 ★ 20年    第3号", "secret"),
            ("机密*10年", "secret"),
            ("文档编号：A1\n密级：机密\n", "secret"),
            ("保密级别: 秘密", "confidential"),
            ("| 密级 | 绝密 |", "top-secret"),
            ("【机密】整车控制策略说明\n", "secret"),
            ("【内部资料】\n正文", "internal"),
            ("内部资料 注意保存\n正文", "internal"),
            ("密级：内部公开", "internal"),
            ("商密★3年\n正文", "trade-secret"),
            ("核心商密★10年", "trade-secret"),
            ("商业秘密★5年", "trade-secret"),
            ("机密\n\n某型控制器设计说明", "secret"),
            ("CONFIDENTIAL\n\nDesign of the unit", "trade-secret"),
            ("COMPANY CONFIDENTIAL - DO NOT DISTRIBUTE\n", "trade-secret"),
            ("// FOR INTERNAL USE ONLY\nint x;", "internal"),
            ("SECRET//NOFORN\nReport", "secret"),
        ] {
            assert_eq!(levels(text), [level], "{text}");
        }
        assert_eq!(levels_in("机密", Place::Cell { name: "密级", start: 0, end: 6 }), ["secret"]);
    }

    #[test]
    fn words_in_sentences_are_no_marks() {
        for text in [
            "保障数据的机密性、完整性和可用性。",
            "秘密花园是一部小说",
            "违反国家秘密管理规定的",
            "双方签署保密协议，约定商业秘密的范围。",
            "这是绝密的消息，请勿告诉他人。",
            "他把秘密告诉了她\n",
            "密级：绝密/机密/秘密（选一项）",
            "密级：□绝密 □机密 □秘密",
            "国家秘密分为绝密、机密、秘密三级",
            "本邮件及其附件含有保密信息",
            "机密计算 confidential computing",
            "内部类的实现\n内部错误",
            "This e-mail is confidential and intended only for the addressee.",
            "CONFIDENTIAL_CLIENT = 1",
            "enum Kind {\n    PUBLIC,\n    CONFIDENTIAL,\n}",
            "const API_SECRET// comment",
            "机床\n机密\n机敏\n机能\n",
            "机密 1234 n\n机敏 55 a\n",
            "let s = SECRET//todo",
        ] {
            // Word lists stand in the middle of a file.
            let text = format!("{}{text}", "第一行内容\n".repeat(20));
            assert_eq!(levels(&text), [] as [String; 0], "{text}");
        }
    }
}
