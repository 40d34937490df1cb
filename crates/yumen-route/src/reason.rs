//! The codes of reasons: one registry.

use yumen_model::verdict::{Reason, Text};

/// What a code means.
#[derive(Clone, Copy, Debug)]
pub struct ReasonInfo {
    /// The code, in kebab-case.
    pub code: &'static str,
    /// Whether it holds the shipment by itself.
    pub holds: bool,
    /// Meaning in Chinese.
    pub zh: &'static str,
    /// Meaning in English.
    pub en: &'static str,
}

macro_rules! reasons {
    ($($variant:ident $code:literal $effect:ident: $zh:literal, $en:literal;)*) => {
        /// A code of a reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum Code { $($variant),* }

        /// Every code.
        pub const REASONS: &[ReasonInfo] = &[$(ReasonInfo {
            code: $code, holds: reasons!(@ $effect), zh: $zh, en: $en,
        }),*];
    };
    (@ holds) => { true };
    (@ tells) => { false };
}

reasons! {
    ScanIncomplete "scan-incomplete" holds: "扫描被中断", "the scan was interrupted";
    StateSecretSuspect "state-secret-suspect" holds: "涉嫌国家秘密，尚无声明的审查结论", "possibly a State secret, and no declared review settles it";
    StateSecretUnclear "state-secret-unclear" holds: "可能有密级标志，须由人员确认", "perhaps a secrecy marking; a person must look";
    GeodataUnprocessed "geodata-unprocessed" holds: "地理信息数据已声明未经保密处理", "geographic data is declared as not processed";
    GeodataUndeclared "geodata-undeclared" holds: "内地地理信息数据未声明是否经保密处理", "geographic data of the mainland, and nothing is declared of its processing";
    GeodataPlaceUnknown "geodata-place-unknown" holds: "地理信息数据的位置不明", "it can't be told where geographic data was collected";
    GeodataNotApproved "geodata-not-approved" holds: "缺少有效的对外提供审批或地图审核", "no valid external-provision approval or map review";
    GeodataCleared "geodata-cleared" tells: "地理信息前置条件已满足", "the preconditions for geographic data are met";
    ImportantData "important-data" tells: "含有重要数据", "there is important data";
    ImportantUndecided "important-undecided" holds: "是否为重要数据取决于未答复的事实", "whether it is important data depends on facts that are not declared";
    LimbMissing "row-limb-missing" tells: "该行的要件未全部成立，因而不适用；其余内容仍须另行判断", "a limb of the row is missing, so that it does not apply; everything else is judged on its own";
    CandidateUndecided "candidate-undecided" holds: "可能属于重要数据，尚未由具名人员判定", "possibly important data, and no named person has determined it";
    PersonalUndecided "personal-undecided" holds: "是否为个人信息取决于未答复的事实", "whether it is personal information depends on facts that are not declared";
    Determined "determined" tells: "已由具名人员判定", "a named person has determined it";
    DeterminationCannotLift "determination-cannot-lift" tells: "该判定不能解除已确定的行", "the determination can't lift a row that is firm";
    DeterminationInFuture "determination-in-future" tells: "判定日期在判断日期之后，未予采用", "the determination is dated after the day of judgement and was not used";
    DeterminationUnused "determination-unused" tells: "判定与任何内容都不对应", "the determination matches nothing";
    Exempted "exempted" tells: "适用免除情形", "an exemption applies";
    ExemptionIncomplete "exemption-incomplete" tells: "免除情形的声明缺少要素", "the claim to an exemption lacks something";
    ExemptionAuthority "exemption-authority" tells: "备案或报告的机关不符", "it is filed with another authority than the exemption asks";
    ExemptionFiledLate "exemption-filed-late" tells: "备案或报告晚于出境日期或判断日期", "it is filed after the transfer or after the day of judgement";
    ExemptionNotForRow "exemption-not-for-row" tells: "该免除情形不适用于这一行", "the exemption does not apply to this row";
    ExemptionZoneList "exemption-zone-list" tells: "未载入自由贸易试验区清单", "no list of the free trade zone is loaded";
    ExemptionUnused "exemption-unused" tells: "免除情形的声明与任何内容都不对应", "the claim to an exemption matches nothing";
    PersonsExempt "persons-exempt" tells: "部分个人因免除情形不计入", "an exemption leaves persons out of the count";
    OpaqueBytes "opaque-bytes" holds: "有未说明的不透明字节", "there are opaque bytes that nobody accounts for";
    OpaqueAccepted "opaque-accepted" tells: "不透明字节已由具名人员接受", "opaque bytes are taken on by a named person";
    KeysFound "keys-found" holds: "发现密钥、口令或令牌", "keys, passwords or tokens were found";
    KeysAccepted "keys-accepted" tells: "密钥、口令或令牌已逐项接受", "each key, password or token is accepted";
    AcceptExpired "accept-expired" tells: "接受已过期", "an acceptance has ended";
    AcceptUnused "accept-unused" tells: "接受与任何内容都不对应", "an acceptance matches nothing";
    PersonalInformation "personal-information" tells: "含有个人信息", "there is personal information";
    PersonsRouteUnknown "persons-route-unknown" holds: "个人信息的路径取决于未答复的事实", "the route for personal information depends on facts that are not declared";
    Ciio "ciio" tells: "关键信息基础设施运营者提供个人信息", "an operator of critical information infrastructure provides personal information";
    Threshold "threshold" tells: "人数达到门槛", "the number of persons reaches a threshold";
    SmallVolume "small-volume" tells: "人数低于各门槛，且无敏感个人信息", "fewer persons than any threshold, and none with sensitive information";
    NothingRegulated "nothing-regulated" tells: "既无个人信息也无重要数据", "neither personal information nor important data";
    ApprovalValid "approval-valid" tells: "有有效的批准", "a valid approval covers it";
    ApprovalMissing "approval-missing" holds: "缺少所需的批准", "the approval that the route asks for is missing";
    ApprovalExpired "approval-expired" holds: "批准已过期", "the approval has expired";
    ApprovalNotIssued "approval-not-issued" holds: "批准的日期晚于判断日期或出境日期", "the approval is issued after the day of judgement or of the transfer";
    ApprovalNotEffective "approval-not-effective" holds: "批准在出境时尚未生效", "the approval has no effect yet at the transfer";
    ApprovalOtherRecipient "approval-other-recipient" holds: "批准的接收方与本次不符", "the approval names another recipient";
    ApprovalNoRecipient "approval-no-recipient" holds: "批准或清单未写明接收方", "the approval or the manifest names no recipient";
    ApprovalRowNotCovered "approval-row-not-covered" holds: "批准未覆盖该行或制品", "the approval does not cover the row or artifact";
    FactContradictsScan "fact-contradicts-scan" tells: "申报的人数少于扫描所见，按扫描所见计", "fewer persons are declared than were seen; what was seen counts";
    RecipientGreaterBay "recipient-hk-macao-taiwan" tells: "港澳台接收方按境外接收方判断", "a recipient in Hong Kong, Macao or Taiwan counts as abroad";
    RecipientInChina "recipient-in-china" tells: "接收方在中国内地；仍按出境判断", "the recipient is in mainland China; it is judged as an outbound transfer all the same";
    Loosened "loosened" tells: "组织配置放宽了规则", "the organisation's configuration loosens a rule";
}

impl Code {
    /// Its entry in the registry.
    #[must_use]
    pub fn info(self) -> &'static ReasonInfo {
        &REASONS[self as usize]
    }

    /// A reason with this code.
    #[must_use]
    pub fn reason(self, zh: impl Into<String>, en: impl Into<String>, refs: Vec<String>) -> Reason {
        let info = self.info();
        Reason { code: info.code.to_owned(), text: Text::new(zh, en), refs, holds: info.holds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_none_vanishes() {
        let mut codes: Vec<_> = REASONS.iter().map(|r| r.code).collect();
        let n = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), n);
        assert!(codes.iter().all(|c| c.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        insta::assert_snapshot!(codes.join(" "));
    }
}
