//! The fixed words of a report in both languages: classes, routes, states, reasons of opaque bytes, notes.

use std::borrow::Cow;

use yumen_model::coverage::Reason;
use yumen_model::kind::KindId;
use yumen_model::note::{NOTES, Note};
use yumen_model::verdict::{Class, Outcome, Route, Verdict};

use crate::lang::Lang;
use crate::vocabulary;

/// The state of a limb of a row.
pub(crate) fn limb(lang: Lang, state: &str) -> &str {
    match state {
        "holds" => lang.pick("成立", "holds"),
        "fails" => lang.pick("不成立", "fails"),
        "unknown" => lang.pick("未知", "not known"),
        "unseen" => lang.pick("未发现（有不透明内容，不能排除）", "not found, but opaque content may hold it"),
        other => other,
    }
}

/// The verdict in one plain word group.
pub(crate) fn outcome(lang: Lang, verdict: &Verdict) -> &'static str {
    match (verdict.outcome, verdict.route) {
        (Outcome::Pass, _) => lang.pick("可以出境 PASS", "PASS  may leave"),
        (Outcome::Hold, Route::NonePermitted) => lang.pick("不得出境 HOLD", "HOLD  must not leave"),
        (Outcome::Hold, _) => lang.pick("暂不可出境 HOLD", "HOLD  may not leave yet"),
    }
}

/// What a route is called.
pub(crate) fn route(lang: Lang, route: Route) -> &'static str {
    match route {
        Route::NonePermitted => lang.pick("无合法途径", "none permitted"),
        Route::SecurityAssessment => lang.pick("数据出境安全评估", "security assessment"),
        Route::StandardContractOrCertification => {
            lang.pick("个人信息出境标准合同或认证", "standard contract or certification")
        }
        Route::Exempt => {
            lang.pick("豁免（告知、同意、影响评估义务不变）", "exempt (notice, consent and impact assessment stay due)")
        }
        Route::Free => {
            lang.pick("无需办理（未见个人信息和重要数据）", "free (no personal information or important data seen)")
        }
        Route::Undetermined => lang.pick("尚未确定", "undetermined"),
    }
}

/// What a class is called.
pub(crate) fn class(lang: Lang, class: Class) -> &'static str {
    match class {
        Class::StateSecretSuspect => lang.pick("疑似国家秘密", "suspected State secret"),
        Class::UnprocessedGeodata => lang.pick("未经处理的地理信息", "unprocessed geodata"),
        Class::Important => lang.pick("重要数据", "important data"),
        Class::ImportantCandidate => {
            lang.pick("可能的重要数据（待认定）", "possibly important data (a person decides)")
        }
        Class::SensitivePersonal => lang.pick("敏感个人信息", "sensitive personal information"),
        Class::Personal => lang.pick("个人信息", "personal information"),
        Class::General => lang.pick("一般数据", "general data"),
    }
}

/// What a group of findings is called: its class, or that it holds although it has none that counts.
pub(crate) fn group_title(lang: Lang, of: Option<Class>, holds: bool) -> &'static str {
    match of {
        Some(Class::General) if holds => lang.pick("扣留本批的其他内容", "other content that holds the shipment"),
        Some(known) => class(lang, known),
        None => lang.pick("未归入任何规则行", "under no row of the rulebook"),
    }
}

/// What became of a classification. Words this build does not know are shown as they are.
pub(crate) fn status(lang: Lang, status: &str) -> &str {
    match status {
        "open" => lang.pick("待定", "open"),
        "determined" => lang.pick("已认定", "determined"),
        "exempted" => lang.pick("已豁免", "exempted"),
        "firm" | "" => lang.pick("确定", "firm"),
        other => other,
    }
}

/// Why bytes are opaque.
pub(crate) fn opaque_reason(lang: Lang, reason: Reason) -> &'static str {
    match reason {
        Reason::Encrypted => lang.pick("已加密", "encrypted"),
        Reason::UnknownFormat => lang.pick("格式不明", "unknown format"),
        Reason::Corrupt => lang.pick("损坏或截断", "broken or cut short"),
        Reason::Limit => lang.pick("达到限额", "a limit was reached"),
        Reason::Unsupported => lang.pick("此类变体不支持", "variant not supported"),
        Reason::Excluded => lang.pick("按 --exclude 排除", "left out by --exclude"),
        Reason::Unreadable => lang.pick("无法读取", "could not be read"),
        Reason::NeedsOldImage => lang.pick("差分包，缺旧版镜像", "needs the old image"),
        Reason::NoModel => lang.pick("缺识别模型", "recognition model missing"),
        Reason::NotSampled => lang.pick("未抽样", "left out by sampling"),
        Reason::Crashed => lang.pick("解析器异常", "the parser crashed"),
        Reason::TimedOut => lang.pick("超时或中断", "time was over"),
    }
}

/// What a person can do about opaque bytes.
pub(crate) fn opaque_advice(lang: Lang, reason: Reason) -> &'static str {
    match reason {
        Reason::Encrypted => lang.pick("提供明文，或移除", "supply it in clear, or take it out"),
        Reason::UnknownFormat => lang.pick("改用已知格式，或移除", "supply it in a known format, or take it out"),
        Reason::Corrupt => lang.pick("换上完好的文件，或移除", "replace it with a sound copy, or take it out"),
        Reason::Limit | Reason::TimedOut => lang.pick("放宽限额后重新扫描", "scan again with a higher limit"),
        Reason::Unsupported => {
            lang.pick("改用受支持的变体，或移除", "supply it in a supported variant, or take it out")
        }
        Reason::Excluded => lang.pick("不作排除，重新扫描", "scan again without the exclusion"),
        Reason::Unreadable => lang.pick("给予读取权限后重新扫描", "make it readable and scan again"),
        Reason::NeedsOldImage => {
            lang.pick("改送整包，或附上旧版镜像", "supply the full package, or the old image with it")
        }
        Reason::NoModel => lang.pick("安装识别模型后重新扫描", "install the recognition model and scan again"),
        Reason::NotSampled => lang.pick("加 --exhaustive 重新扫描", "scan again with --exhaustive"),
        Reason::Crashed => {
            lang.pick("向 Yumen 报告此问题；移除该文件", "report it to Yumen's maintainers; take the file out")
        }
    }
}

/// What is said of a coverage statement whose parts do not make its total.
pub(crate) fn sums_differ(lang: Lang) -> &'static str {
    lang.pick("覆盖数字不相符：不要据此放行。", "The coverage figures do not add up: do not release on this report.")
}

/// What is said when nothing was scanned.
pub(crate) fn nothing_scanned(lang: Lang) -> &'static str {
    lang.pick("输入中没有任何文件：没有扫描到内容。", "The inputs hold no file: nothing was scanned.")
}

/// Title of a kind.
pub(crate) fn kind(lang: Lang, kind: KindId) -> &'static str {
    let info = kind.info();
    lang.pick(info.zh, info.en)
}

/// Meaning of a note's code; the code itself where this build does not know it.
pub(crate) fn note(lang: Lang, code: &str) -> Cow<'_, str> {
    match NOTES.iter().find(|n| n.code == code) {
        Some(known) => Cow::Borrowed(lang.pick(known.zh, known.en)),
        None => Cow::Borrowed(code),
    }
}

/// Figures that a note carries; empty when it has none.
pub(crate) fn note_detail(lang: Lang, note: &Note) -> String {
    let parts: Vec<String> = note.detail.iter().map(|(name, value)| vocabulary::pair(lang, name, value)).collect();
    parts.join(lang.pick("，", ", "))
}

/// Codes that say how a thing was read, not that something is wrong with it.
pub(crate) fn quiet_note(code: &str) -> bool {
    matches!(code, "directory-entries" | "link" | "schema-applied" | "symlink")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether every word differs between the languages: a label that was left untranslated is the same in both.
    #[test]
    fn every_word_is_in_both_languages() {
        let both = |zh: &str, en: &str| {
            assert!(!zh.is_ascii(), "not Chinese: {zh}");
            assert!(en.is_ascii(), "not English: {en}");
        };
        for r in Reason::ALL {
            both(opaque_reason(Lang::Zh, r), opaque_reason(Lang::En, r));
            both(opaque_advice(Lang::Zh, r), opaque_advice(Lang::En, r));
        }
        use Class::*;
        for c in [
            StateSecretSuspect,
            UnprocessedGeodata,
            Important,
            ImportantCandidate,
            SensitivePersonal,
            Personal,
            General,
        ] {
            both(class(Lang::Zh, c), class(Lang::En, c));
        }
        use Route::{Exempt, Free, NonePermitted, SecurityAssessment, StandardContractOrCertification, Undetermined};
        for r in [NonePermitted, SecurityAssessment, StandardContractOrCertification, Exempt, Free, Undetermined] {
            both(route(Lang::Zh, r), route(Lang::En, r));
        }
        for s in ["open", "determined", "exempted", "firm", ""] {
            both(status(Lang::Zh, s), status(Lang::En, s));
        }
        for n in NOTES {
            both(&note(Lang::Zh, n.code), &note(Lang::En, n.code));
        }
    }

    #[test]
    fn unknown_words_are_shown_as_they_are() {
        assert_eq!(note(Lang::Zh, "of-the-future"), "of-the-future");
        assert_eq!(status(Lang::En, "of-the-future"), "of-the-future");
        assert!(quiet_note("symlink") && !quiet_note("name-lies"));
    }
}
