//! What a column, key or word before a value says the value is.
//!
//! One vocabulary serves headers (`手机号码`, `owner_phone`), key paths (`owner.phone`) and the words before a value in prose
//! (`联系电话：`, `vin=`). The label is what the name *ends* with: a `phone_model` is no phone, a 车主手机号 is one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::BitOr;
use std::sync::LazyLock;

/// A set of labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels(u32);

impl Labels {
    pub(crate) const NONE: Labels = Labels(0);
    pub(crate) const VIN: Labels = Labels(1);
    pub(crate) const PLATE: Labels = Labels(1 << 1);
    pub(crate) const ENGINE: Labels = Labels(1 << 2);
    pub(crate) const ID_NUMBER: Labels = Labels(1 << 3);
    pub(crate) const PHONE: Labels = Labels(1 << 4);
    pub(crate) const NAME: Labels = Labels(1 << 5);
    /// A word that may stand before or above a person's name, or above anything else (`name`, `owner`, 用户).
    pub(crate) const NAME_MAYBE: Labels = Labels(1 << 6);
    pub(crate) const ADDRESS: Labels = Labels(1 << 7);
    /// `address` alone: postal, or of memory or networks.
    pub(crate) const ADDRESS_MAYBE: Labels = Labels(1 << 8);
    pub(crate) const EMAIL: Labels = Labels(1 << 9);
    pub(crate) const ACCOUNT: Labels = Labels(1 << 10);
    /// An account of a person or of a machine.
    pub(crate) const ACCOUNT_MAYBE: Labels = Labels(1 << 11);
    pub(crate) const BANK_CARD: Labels = Labels(1 << 12);
    pub(crate) const PASSPORT: Labels = Labels(1 << 13);
    pub(crate) const LICENCE: Labels = Labels(1 << 14);
    pub(crate) const IMEI: Labels = Labels(1 << 15);
    pub(crate) const IMSI: Labels = Labels(1 << 16);
    pub(crate) const ICCID: Labels = Labels(1 << 17);
    pub(crate) const MAC: Labels = Labels(1 << 18);
    pub(crate) const USCC: Labels = Labels(1 << 19);
    pub(crate) const HEALTH: Labels = Labels(1 << 20);
    pub(crate) const BIOMETRIC: Labels = Labels(1 << 21);
    /// Numbers that are none of these: orders, sizes, times, hashes.
    pub(crate) const NOISE: Labels = Labels(1 << 22);
    /// People who publish their address with their work: author, maintainer, copyright.
    pub(crate) const PUBLISHED: Labels = Labels(1 << 23);

    /// Whether both sets have a label in common.
    pub(crate) fn any(self, other: Labels) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Labels {
    type Output = Labels;
    fn bitor(self, other: Labels) -> Labels {
        Labels(self.0 | other.0)
    }
}

/// Chinese words; the longest that the name ends with decides.
const CHINESE: &[(Labels, &str)] = &[
    (Labels::VIN, "车架号 车辆识别代号 车辆识别码 车辆识别号 底盘号 大架号 车辆识别代码"),
    (Labels::PLATE, "车牌 号牌 车牌照 牌照 车号"),
    (Labels::ENGINE, "发动机号 发动机编号 电机号 发动机序列号 驱动电机号"),
    (Labels::ID_NUMBER, "身份证 身份证明 证件号 身份号 公民身份 身份证件 证件编号"),
    (
        Labels::PHONE,
        "手机 电话 联系方式 座机 固话 传真 移动电话 手机电话 联系手机 热线 致电 拨打 回电 联络电话 行动电话",
    ),
    (
        Labels::NAME,
        "姓名 车主 联系人 驾驶员 司机 收件人 收货人 寄件人 开户人 持卡人 试车员 乘客 负责人 经办人 投保人 被保险人 申请人 \
         业主 法人 法定代表人 名字 驾驶人 所有人 车辆所有人 机动车所有人 使用人 患者 报案人 受益人 户主 测试员 安全员 操作员 \
         采集员 标注员 送修人 购车人 委托人 当事人 客户名称 登记人 承租人 租车人 预约人 投诉人 维修技师 技师 开户名 户名 \
         签收人 联络人 用车人",
    ),
    (Labels::NAME_MAYBE, "用户 客户 员工 会员 人员 名称 作者 顾客 本人 我叫 学员 医生 老师"),
    (Labels::ADDRESS, "地址 住址 住所 居住地 户籍地 籍贯地址 收货地 家庭住址 户籍所在地 现住 家住 住在 寄往"),
    (Labels::EMAIL, "邮箱 电子邮件 邮件地址 邮箱地址 电邮"),
    (Labels::ACCOUNT, "账号 帐号 微信 微信号 支付宝 QQ号 用户账户 会员号 会员编号 登录名"),
    (Labels::ACCOUNT_MAYBE, "用户名 用户编号 账户 帐户"),
    (Labels::BANK_CARD, "银行卡 银行账号 银行帐号 银行账户 信用卡 储蓄卡 借记卡 卡号 收款账号 付款账号 银行卡账号"),
    (Labels::PASSPORT, "护照"),
    (Labels::LICENCE, "驾驶证 驾照 驾驶证档案 档案编号 行驶证档案编号 驾驶证编号"),
    (Labels::USCC, "统一社会信用代码 社会信用代码 信用代码 纳税人识别号 税号"),
    (Labels::HEALTH, "病历 诊断 诊断结果 血型 血压 病史 既往史 过敏史 疾病 病情 体检结果 血糖 用药 健康状况 症状 残疾"),
    (Labels::BIOMETRIC, "指纹 人脸特征 人脸特征值 声纹 虹膜 掌纹 人脸向量 面部特征 生物特征 人脸"),
    (
        Labels::NOISE,
        "订单号 单号 订单 流水号 流水 批次 批号 序列号 校验和 时间戳 零件号 工号 投诉单 工单 编码 物料号 合同号 发票号 \
         版本 大小 字节 数量 里程 条码 交易号 运单 物流单号 任务号 图号 货号 编号 型号 品牌 归属地 运营商",
    ),
];

/// Words, joined in lower case; a name ends with one at a word's border.
const LATIN: &[(Labels, &str)] = &[
    (Labels::VIN, "vin vins vinno vincode vehicleidentificationnumber vehiclevin chassis chassisno frameno cjh"),
    (
        Labels::PLATE,
        "plate plates licenseplate licenceplate licplate carplate plateno numberplate platenumber carno vehicleno registrationplate lpn cph \
         hphm licensenoplate carlicense platetext",
    ),
    (Labels::ENGINE, "engine engineno enginenumber motorno enginesn engineserial fdjh"),
    (
        Labels::ID_NUMBER,
        "idcard idcards idno idnumber identity identitycard identityno certno certificateno citizenid nationalid residentid sfz sfzh sfzhm \
         zjhm idcardno identitynumber certid idnum personalid ssn",
    ),
    (
        Labels::PHONE,
        "phone phones mobile tel telephone telefon mobil cellphone msisdn cell mobilephone phoneno contactno contactnumber contactphone sjh sjhm lxdh \
         dianhua shouji fax landline telno phonenum",
    ),
    (
        Labels::NAME,
        "ownername drivername customername realname fullname firstname lastname surname givenname familyname contactname personname linkman \
         xm xingming contactperson passengername employeename membername cardholder cardholdername holdername patientname username_cn \
         clientname buyername receivername recipientname consignee staffname ownersname chname cnname legalperson czxm drivername \
         operatorname middlename insuredname",
    ),
    (
        Labels::NAME_MAYBE,
        "name owner driver customer contact passenger person user client buyer receiver author operator employee holder patient insured",
    ),
    (
        Labels::ADDRESS,
        "homeaddress postaladdress mailingaddress billingaddress shippingaddress streetaddress deliveryaddress residentialaddress \
         useraddress owneraddress customeraddress contactaddress detailaddress fulladdress zz dizhi street addressline liveaddress \
         residence",
    ),
    (Labels::ADDRESS_MAYBE, "address addr location"),
    (Labels::EMAIL, "email mail emailaddress mailaddress emails mailbox"),
    (
        Labels::ACCOUNT,
        "openid unionid wechat wechatid weixin qq qqno accountno accountnumber alipay memberid memberno loginname accountname useraccount \
         customerid ownerid driverid wxid customerno",
    ),
    (Labels::ACCOUNT_MAYBE, "account userid username uid accountid login nickname userno"),
    (
        Labels::BANK_CARD,
        "bankcard bankcardno cardno cardnumber bankaccount creditcard debitcard creditcardnumber bankno pan bankcardnumber bankaccountno \
         yhkh ccnumber cardnum",
    ),
    (Labels::PASSPORT, "passport passportno passportnumber passportid"),
    (
        Labels::LICENCE,
        "driverlicense driverlicence drivinglicense drivinglicence driverslicense driverlicenseno drivinglicenseno licensefileno dabh jszh \
         driverslicence drivinglicencenumber dlno fileno",
    ),
    (Labels::IMEI, "imei imei1 imei2 deviceimei"),
    (Labels::IMSI, "imsi"),
    (Labels::ICCID, "iccid simno simid simcard simiccid"),
    (Labels::MAC, "mac macaddress macaddr btmac wifimac bluetoothmac bdaddr hwaddr ethernetaddress bssid blemac macid"),
    (Labels::USCC, "uscc creditcode unifiedsocialcreditcode socialcreditcode taxno"),
    (
        Labels::HEALTH,
        "diagnosis bloodtype bloodgroup medicalhistory medicalrecord allergies allergy disease bloodpressure heartrate medication \
         healthstatus disability symptoms bloodsugar medicalcondition",
    ),
    (
        Labels::BIOMETRIC,
        "faceembedding facefeature facefeatures facevector voiceprint fingerprinttemplate fingerprintdata userfingerprint iriscode \
         iristemplate facetemplate faceencoding faceid palmprint facialfeatures fingerprintfeature",
    ),
    (
        Labels::NOISE,
        "size bytes offset length len time timestamp ts ns ms us count total sum hash md5 sha1 sha256 crc checksum digest version ver rev \
         revision build seed order orderno orderid ordernumber sn serial serialno serialnumber sku batch batchno txid transactionid \
         tracking trackingno invoice isbn issn ean upc barcode inode pid tid latitude longitude lat lon lng price amount value mask flags \
         epoch duration date updated created expires mtime ctime port index key sequence seq partno partnumber uuid guid commit blob doi \
         pmid bugid bug issue ticket mileage odometer max min limit capacity range iterations ops cycles frequency freq hz rate score rowid \
         messageid msgid traceid spanid requestid sessionid id ids no num number code",
    ),
    (
        Labels::PUBLISHED,
        "author authors maintainer maintainers copyright contributor contributors developer developers publisher packager uploader \
         uploaders credits bugs committer translator",
    ),
];

/// What may follow the word that decides: 手机**号码**, 身份证**号（18位）**.
const CHINESE_TAIL: [&str; 12] = ["号码", "编号", "号", "码", "为", "是", "：", "信息", "一", "二", "名", "本"];

thread_local! {
    /// The names seen last: a table asks for the same few, again and again.
    static MEMO: RefCell<Vec<Option<(String, Labels)>>> = RefCell::new(vec![None; 64]);
}

/// The labels of a column or key name.
pub(crate) fn of(name: &str) -> Labels {
    if name.is_empty() || name.len() > 256 {
        return Labels::NONE;
    }
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let slot = usize::try_from((hash >> 32) % 64).unwrap_or(0);
    MEMO.with_borrow_mut(|memo| {
        if let Some(Some((known, labels))) = memo.get(slot)
            && known == name
        {
            return *labels;
        }
        let labels = classify(name);
        if let Some(entry) = memo.get_mut(slot) {
            *entry = Some((name.to_owned(), labels));
        }
        labels
    })
}

fn classify(name: &str) -> Labels {
    let name = strip_brackets(name);
    let name = name.trim_end_matches(|c: char| {
        c.is_ascii_digit() || c.is_whitespace() || matches!(c, '_' | '-' | '.' | ':' | '：' | '*' | '#')
    });
    let last = name.rsplit(['.', '/', '[', ']']).find(|s| !s.is_empty()).unwrap_or(name);
    let mut found = chinese(name) | latin(last);
    if found.any(Labels::NAME) && of_a_thing(last) {
        found = Labels(found.0 & !Labels::NAME.0);
    }
    // `owner.name`, `contact.phone.value`: the last step alone says little, the step before it more.
    if name.len() > last.len() && !found.any(Labels(!(Labels::NAME_MAYBE.0 | Labels::NOISE.0 | Labels::PUBLISHED.0))) {
        let joined: String = tokens(name).concat();
        let whole = latin_joined(&[joined.as_str()]);
        if let Some(parent) = name.rsplit(['.', '/']).nth(1) {
            let two = format!("{parent}_{last}");
            found = found | latin(&two) | whole;
            if matches!(last.to_ascii_lowercase().as_str(), "value" | "number" | "no" | "num" | "text" | "values") {
                found = found | latin(parent);
            }
        }
    }
    if name
        .to_ascii_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|step| BY_WORD.get(step).is_some_and(|l| l.any(Labels::PUBLISHED)))
    {
        found = found | Labels::PUBLISHED;
    }
    let strong = Labels(!(Labels::NOISE.0 | Labels::NAME_MAYBE.0 | Labels::PUBLISHED.0 | Labels::ACCOUNT_MAYBE.0));
    if found.any(strong) { Labels(found.0 & !Labels::NOISE.0) } else { found }
}

/// `serviceFullName`, `package_full_name`: the full name of what is nobody.
fn of_a_thing(name: &str) -> bool {
    const THINGS: &[&str] = &[
        "service",
        "package",
        "file",
        "class",
        "type",
        "product",
        "project",
        "module",
        "repo",
        "repository",
        "method",
        "function",
        "org",
        "organization",
        "company",
        "branch",
        "qualified",
        "field",
        "table",
        "schema",
        "device",
        "model",
        "country",
        "city",
        "font",
        "display",
        "app",
        "application",
        "license",
        "job",
        "test",
        "role",
        "group",
        "team",
        "domain",
        "host",
    ];
    let tokens = tokens(name);
    let [.., of, full, last] = tokens.as_slice() else { return false };
    full == "full" && last == "name" && THINGS.contains(&of.as_str())
}

/// Without what stands in brackets at the end: 手机号（必填）, `phone(11)`.
fn strip_brackets(name: &str) -> &str {
    let mut name = name.trim();
    while let Some(open) = match name.chars().next_back() {
        Some(')') => name.rfind('('),
        Some('）') => name.rfind('（'),
        Some(']') => name.rfind('['),
        Some('】') => name.rfind('【'),
        _ => None,
    } {
        if open == 0 {
            return name;
        }
        name = name[..open].trim_end();
    }
    name
}

fn chinese(name: &str) -> Labels {
    if name.is_ascii() {
        return Labels::NONE;
    }
    let simple;
    let name = if name.contains(|c| TRADITIONAL.contains(c)) {
        simple = name.chars().map(simplified).collect::<String>();
        simple.as_str()
    } else {
        name
    };
    // The word that ends last decides, of two the longer; behind it only what may follow such a word.
    let mut passed = 0;
    for (end, c) in name.char_indices().rev().map(|(at, c)| (at + c.len_utf8(), c)) {
        if !follows(&name[end..]) {
            passed += 1;
            if passed > 2 {
                return Labels::NONE;
            }
        } else {
            passed = 0;
        }
        for (word, label) in BY_END.get(&c).into_iter().flatten() {
            if name[..end].ends_with(word) {
                return if follows(&name[end..]) { *label } else { Labels::NONE };
            }
        }
    }
    Labels::NONE
}

/// The Chinese words by their last character, the longest first.
static BY_END: LazyLock<HashMap<char, Vec<(&'static str, Labels)>>> = LazyLock::new(|| {
    let mut by_end: HashMap<char, Vec<(&'static str, Labels)>> = HashMap::new();
    for (label, words) in CHINESE {
        for word in words.split_whitespace() {
            if let Some(last) = word.chars().next_back() {
                by_end.entry(last).or_default().push((word, *label));
            }
        }
    }
    for words in by_end.values_mut() {
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    }
    by_end
});

/// Traditional characters of labels, and the simplified ones in the same order.
const TRADITIONAL: &str = "車電話號證護駕駛執銀帳戶聯絡機發動識別檔編碼郵處國際車體歷診斷壓糖過紋臉聲徵稱員會經責辦購測試採標註簽業訂單運費應稅統社會";
const SIMPLIFIED: &str = "车电话号证护驾驶执银帐户联络机发动识别档编码邮处国际车体历诊断压糖过纹脸声征称员会经责办购测试采标注签业订单运费应税统社会";

fn simplified(c: char) -> char {
    TRADITIONAL.chars().position(|t| t == c).and_then(|at| SIMPLIFIED.chars().nth(at)).unwrap_or(c)
}

/// Whether the rest of a name is only what may follow the word that decides.
fn follows(mut tail: &str) -> bool {
    'strip: while let Some(c) = tail.chars().next() {
        for t in CHINESE_TAIL {
            if let Some(rest) = tail.strip_prefix(t) {
                tail = rest;
                continue 'strip;
            }
        }
        if !(c.is_ascii_digit() || c.is_whitespace() || "_-*:/（(".contains(c)) {
            return false;
        }
        tail = &tail[c.len_utf8()..];
    }
    true
}

/// Words of a name: `ownerPhone`, `owner_phone`, `VIN号` make `owner`, `phone`, `vin`.
fn tokens(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            last = ' ';
            continue;
        }
        let begins = !last.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && last.is_ascii_lowercase());
        match out.last_mut() {
            Some(token) if !begins => token.push(c.to_ascii_lowercase()),
            _ => out.push(c.to_ascii_lowercase().to_string()),
        }
        last = c;
    }
    out
}

fn latin(name: &str) -> Labels {
    let tokens = tokens(name);
    if tokens.is_empty() || tokens.len() > 12 {
        return Labels::NONE;
    }
    let mut ends: Vec<String> = Vec::with_capacity(tokens.len());
    for k in 0..tokens.len() {
        ends.push(tokens[k..].concat());
    }
    latin_joined(&ends.iter().map(String::as_str).collect::<Vec<_>>())
}

/// [`LATIN`] by word.
static BY_WORD: LazyLock<HashMap<&str, Labels>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for (label, list) in LATIN {
        for word in list.split(' ') {
            let known = words.entry(word).or_insert(Labels::NONE);
            *known = *known | *label;
        }
    }
    words
});

/// Labels whose words take no tails: `name_id`, `address_code`, `user_number` are numbers of something.
const VAGUE: Labels = Labels(
    Labels::NAME.0
        | Labels::NAME_MAYBE.0
        | Labels::ADDRESS_MAYBE.0
        | Labels::HEALTH.0
        | Labels::PUBLISHED.0
        | Labels::NOISE.0,
);

/// The labels of the endings of a name, whole first.
fn latin_joined(ends: &[&str]) -> Labels {
    let mut found = Labels::NONE;
    for end in ends {
        let bare = end.trim_end_matches(|c: char| c.is_ascii_digit());
        let mut forms = vec![*end, bare];
        for tail in ["number", "num", "nbr", "no", "code", "id", "str", "text", "value", "cn", "zh", "raw"] {
            if let Some(rest) = bare.strip_suffix(tail)
                && rest.len() >= 3
            {
                forms.push(rest);
            }
        }
        for (n, form) in forms.iter().enumerate() {
            let labels = BY_WORD.get(form).copied().unwrap_or(Labels::NONE);
            found = found | if n < 2 { labels } else { Labels(labels.0 & !VAGUE.0) };
        }
        if found != Labels::NONE {
            break;
        }
    }
    found
}

/// Separators between a label and its value.
fn is_separator(c: char) -> bool {
    c.is_whitespace() && c != '\n' || ":：=＝\"'“”‘’「」『』（(【[<《>|为是,，、；;-–—→`*".contains(c)
}

/// The labels of the word that stands right before a value: `联系电话：`, `"vin": "`, `车牌`.
pub(crate) fn before(text: &str) -> Labels {
    of(word_before(text))
}

/// The word right before a value, without what separates them.
pub(crate) fn word_before(text: &str) -> &str {
    let text = tail(text, 96);
    let trimmed = text.trim_end_matches(is_separator);
    if text.len() - trimmed.len() > 24 {
        return "";
    }
    let last = trimmed.chars().next_back().unwrap_or(' ');
    let han = |c: char| is_han(c) || matches!(c, '（' | '）');
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let start = if is_han(last) || last == '）' || last == ')' {
        // A label in Chinese, perhaps with letters in it (VIN码, QQ号).
        boundary(trimmed, |c| han(c) || c.is_ascii_alphanumeric() || matches!(c, '(' | ')'), 16)
    } else if word(last) {
        // Up to four words: `phone number`, `ID card no.`
        boundary(trimmed, |c| word(c) || c == ' ', 32)
    } else {
        return "";
    };
    trimmed[start..].trim()
}

/// Start of the longest tail of at most `most` characters that all pass.
fn boundary(text: &str, pass: impl Fn(char) -> bool, most: usize) -> usize {
    text.char_indices().rev().take(most).take_while(|&(_, c)| pass(c)).last().map_or(text.len(), |(i, _)| i)
}

/// The last `n` bytes of a text, on a character's border.
pub(crate) fn tail(text: &str, n: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(n))..]
}

/// The first `n` bytes of a text, on a character's border.
pub(crate) fn head(text: &str, n: usize) -> &str {
    &text[..text.floor_char_boundary(n.min(text.len()))]
}

/// A Chinese character.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2ebef}')
}

/// Whether one of the words stands in the text; ASCII letters in either case.
pub(crate) fn mentions(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|w| text.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_in_both_languages() {
        for (name, label) in [
            ("车架号", Labels::VIN),
            ("VIN码", Labels::VIN),
            ("vehicle.vin", Labels::VIN),
            ("手机号码", Labels::PHONE),
            ("车主手机号（必填）", Labels::PHONE),
            ("ownerPhone", Labels::PHONE),
            ("owner.phone", Labels::PHONE),
            ("phone_2", Labels::PHONE),
            ("联系人电话", Labels::PHONE),
            ("ID card no.", Labels::ID_NUMBER),
            ("id_card", Labels::ID_NUMBER),
            ("身份证号", Labels::ID_NUMBER),
            ("owner_name", Labels::NAME),
            ("owner.name", Labels::NAME),
            ("车主", Labels::NAME),
            ("車牌號碼", Labels::PLATE),
            ("身份證號", Labels::ID_NUMBER),
            ("車主", Labels::NAME),
            ("车牌号", Labels::PLATE),
            ("license_plate", Labels::PLATE),
            ("bank_card_no", Labels::BANK_CARD),
            ("银行卡号", Labels::BANK_CARD),
            ("IMEI", Labels::IMEI),
            ("IMEI1", Labels::IMEI),
            ("家庭住址", Labels::ADDRESS),
            ("驾驶证档案编号", Labels::LICENCE),
            ("engine_no", Labels::ENGINE),
            ("电子邮箱", Labels::EMAIL),
            ("authors.email", Labels::PUBLISHED),
            ("订单号", Labels::NOISE),
        ] {
            assert!(of(name).any(label), "{name}: {:?}", of(name));
        }
    }

    #[test]
    fn the_end_of_a_name_decides() {
        assert!(!of("serviceFullName").any(Labels::NAME));
        assert!(of("userFullName").any(Labels::NAME));
        assert!(!of("phone_model").any(Labels::PHONE));
        assert!(!of("手机型号").any(Labels::PHONE));
        assert!(!of("vin_count").any(Labels::VIN));
        assert!(!of("车主手机").any(Labels::NAME));
        assert!(!of("engine").any(Labels::VIN));
        assert!(!of("pineapple").any(Labels::PHONE));
    }

    #[test]
    fn words_before_a_value() {
        assert!(before("请致电，联系电话：").any(Labels::PHONE));
        assert!(before("\"ownerVin\": \"").any(Labels::VIN));
        assert!(before("vin=").any(Labels::VIN));
        assert!(before("银行卡").any(Labels::BANK_CARD));
        assert!(before("订单号").any(Labels::NOISE));
        assert_eq!(before("日期\n"), Labels::NONE);
    }
}
