//! `person.name`: Chinese names behind labels, before titles and in columns; Latin ones in columns and behind sure labels.

use std::collections::HashSet;
use std::sync::LazyLock;

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::context::{text_after, text_before};
use super::labels::{self, Labels, is_han};
use crate::recogniser::{Candidate, Match, PROVISIONAL, Place, Recogniser, Run};

/// Names of persons.
pub(crate) struct Name;

/// Surnames of one character, by frequency; together they cover about 97 % of the population.
const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石\
金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文牛樊葛邢安齐庄施伍裘翟涂倪俞章鲁\
葉肇凌柴管骆焦岳辛耿关兰欧殷詹左柯谷纪阎牟申毕路宁符饶祝甘屈盛童裴冉霍阮卫舒温聂梅耿蓝鲍靳包柳项司查祁屠穆梅单涂连宫车季成\
喻卜游丛尤蒙房鞠桑应盖窦缪滕敖苗时邬隋党迟佟解荣明仇艾褚华敬商娄原苑景楚班巩闵晏荆乐桂池沙计卓简燕农薄米戚\
傅姬冼麦练巫匡尚郎芦仝仲厉戎宗宣郁洪诸吉松富乌巴隗郗伊束幸郜蔺茹瞿雍浦阙冷訾阚寇庾晁茅贝邝亓揭濮岑卞占冀刁佘涂裘佐楼帅\
張劉陳楊黃趙吳馬孫羅鄭謝許韓馮鄧蕭葉蘇呂盧蔣賈魏鍾譚陸範廖韋傅鄒閻龍賀顧龔萬錢嚴賴莊湯喬駱關畢寧饒黨單齊";

const COMPOUND: &[&str] = &[
    "欧阳", "司马", "上官", "诸葛", "夏侯", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "长孙", "端木", "东方",
    "南宫", "西门", "宇文", "轩辕", "独孤", "闻人", "司空", "钟离", "呼延", "拓跋", "澹台", "申屠", "完颜",
];

/// Words that begin with a surname and are no names.
const WORDS: &str = "方式 方法 方案 方向 方便 方面 方位 高级 高度 高速 高温 高压 高清 高精 高架 高位 高中 时间 时长 时候 时速 时刻 时段 安全 安装 安排 安卓 \
安徽 安静 安心 金额 金融 金属 成功 成员 成本 成交 成都 成立 白名 白天 白色 黄色 黄金 黄河 平台 江苏 江西 江门 温度 温馨 温州 万元 万里 万一 常用 常见 常规 \
常州 常量 明细 明确 明天 明年 马上 马达 马路 路径 路线 路况 路由 路口 路段 路面 路灯 石油 石家 石头 车型 车辆 车主 车牌 车架 车道 车速 车载 车队 车门 车窗 \
车位 车身 车内 车外 车机 车系 车厂 车企 车库 于是 向上 向下 向量 向前 向后 向左 向右 关于 关系 关闭 关键 关注 关联 关机 管理 管道 管制 程序 程度 任务 任何 \
任意 计划 计算 计数 计量 计费 单位 单号 单价 单独 单元 单据 单次 单车 华为 华东 华北 华南 华中 水平 左侧 左右 左转 左边 雷达 全部 应用 应急 应该 应收 应付 \
支持 解析 解决 解除 解锁 解释 游戏 游客 游标 查看 查询 查找 查验 文件 文字 文本 文档 文化 文章 文明 连接 连续 连通 包括 包含 包装 包裹 毛利 毛重 毛坯 年龄 \
焦点 焦距 费用 申请 申报 申诉 武汉 武器 海南 段落 季度 季节 云端 云平 云南 钱包 东方 东莞 司机 司法 北京 南京 南方 公司 公里 房间 房屋 房产 项目 史上 党员 \
党委 党组 荣誉 荣威 成品 成绩 计时 商务 商品 商家 商户 商业 商场 商标 商城 沙漠 燕京 农业 农村 米其 米粒 简单 简介 简称 简历 苏州 唐山 韩国 许可 许多 陆续 \
范围 范例 金牌 夏天 夏季 江淮 龙头 史料 顾客 顾问 严重 严格 严禁 莫名 孔径 常数 易于 易车 牛奶 齐全 施工 施加 章节 章程 管线 关怀 兰州 左上 左下 纪要 纪录 \
纪念 路程 路边 路测 宁波 宁夏 符合 符号 祝您 祝福 盛大 童车 欧洲 欧元 欧拉 温控 连锁 宫格 成长 应答 应对 应变 时区 时效 时钟 时序 解码 解压 解密 解绑 明文 \
商量 原因 原始 原则 原厂 原装 原文 原件 原理 原型 景区 景点 景观 班次 班车 班长 乐园 池化 卓越 高德 高端 高低 高频 高亮 程控 万能 车间 车祸 车友 车联 任职 \
向导 段号 汤臣 康复 余额 余量 余下 叶片 叶子 丁字 石墨 石化 白名单 方向盘 马力 陶瓷 胡同 林业 何时 何处 何种 宋体 梁体 田野 江南 钟表 姜黄 谭木 金色 金刚 \
付款 付费 方可 方才 方圆 白板 毕业 屈服 甘肃 包年 包月 包车 查收 查封 单人 单击 单向 连带 成人 成年 成果 喻为 游览 应激 时尚 党建 解读 荣获 华人 商旅 景气 \
乐观 简化 温馨 于此 向您 向其 关心 许可证 申领 康养 安保 安防 安检 安置 高于 高峰 高铁 高校 平安 石材 万向 任命 伍佰 付清 何为 常驻 常务 路人 路政 路侧 管家 \
管控 管辖 温湿 车险 车损 车贷 车款 车展 车厢 车轮 车灯 车号 车流 车次 车距 车况 车源 车商 应有 应当 应届 强制 水温 江北 应税 时任 时机 时常 计入 计提 计价 \
连云 连杆 连线 连环 单选 单据 单双 单程 单行 单侧 单班 成套 成分 成像 成因 盖章 盖板 左方 左前 左后 关停 关税 关卡 关节 武警 明显 明示 文书 文员 文献 文物 \
白银 白昼 龙门 龙岩 龙华 柳州 桂林 项下 包头 包邮 牛车 梅州 马来 马鞍 田径 毛巾 甘油 常熟 常德 金华 金山 金桥 华夏 华润 华泰 高新 高达 高等 高管 高温车 高质 \
任选 余姚 于都 方块 方形 方框 史诗 贺卡 龙湖 江阴 康桥 顾虑 谷歌 路虎 路特 路上 路网 路由器 路标 路名 路费 路权 路缘 路肩 时空 时延 时戳 时至 时有";

/// Characters that go on after a name in a sentence.
const FOLLOWS: &str = "在于的和与及等把被向对从将已未曾说称表反申提来去到电联系买购车驾身手证先女经是为有共因也又还要想请让同就其则均或本由至之发前拨打报投预签登注绑更变收寄住现该需";
/// Of those the ones that are hardly ever part of a name.
const NEVER: &str =
    "的在是被把将从说称已未曾又还要想请让就其则均或由至之您你我他她它们这那哪吗呢吧啊了过着不无没个件辆次位号码台";

const LABELS: &[&str] = &[
    "姓名",
    "姓 名",
    "姓　名",
    "車主",
    "聯絡人",
    "聯繫人",
    "駕駛員",
    "駕駛人",
    "目击者",
    "肇事者",
    "车主",
    "联系人",
    "驾驶员",
    "驾驶人",
    "司机",
    "收件人",
    "收货人",
    "寄件人",
    "开户人",
    "持卡人",
    "试车员",
    "乘客",
    "负责人",
    "经办人",
    "投保人",
    "被保险人",
    "申请人",
    "业主",
    "法定代表人",
    "所有人",
    "患者",
    "报案人",
    "受益人",
    "户主",
    "测试员",
    "安全员",
    "操作员",
    "采集员",
    "标注员",
    "送修人",
    "购车人",
    "委托人",
    "当事人",
    "登记人",
    "承租人",
    "租车人",
    "预约人",
    "投诉人",
    "技师",
    "户名",
    "签收人",
    "用车人",
    "使用人",
    // From here on weaker: the word stands before many other things.
    "用户",
    "客户",
    "员工",
    "会员",
    "学员",
    "本人",
    "我叫",
    "我是",
    "顾客",
    "同事",
    "工程师",
    "经理",
    "主任",
    "队长",
    "收件",
    "寄给",
    "联系",
    // From here on what follows a name.
    "先生",
    "女士",
    "小姐",
    "师傅",
    "反映",
    "的车牌",
    "的手机",
    "的电话",
    "的身份证",
    "的邮箱",
    "的住址",
    "的地址",
    "的车",
    "的驾驶证",
    "的座驾",
    "的账户",
    "的银行卡",
    "来电",
    "报案",
    "投诉",
    "签收",
    "名下",
    "致电",
    "驾驶",
    "预约",
    "到店",
    "进站",
    "送修",
    // Latin, sure ones.
    "owner name",
    "driver name",
    "customer name",
    "full name",
    "contact name",
    "passenger name",
    "real name",
    // From here on words of programs.
    "name",
    "owner",
    "driver",
    "customer",
    "contact",
];
const WEAK: usize = 53;
const AFTER: usize = 70;
const LATIN: usize = 98;
/// From here on words before anything: only a Chinese name right behind counts.
const LATIN_MAYBE: usize = 105;

/// The number of characters of the surname that a text begins with.
fn surname(text: &str) -> usize {
    if COMPOUND.iter().any(|s| text.starts_with(*s)) {
        2
    } else {
        usize::from(text.chars().next().is_some_and(|c| FAMILIES.contains(&c)))
    }
}

fn is_word(text: &str) -> bool {
    let end = text.char_indices().nth(2).map_or(text.len(), |(at, _)| at);
    NO_NAMES.contains(&text[..end])
}

static FAMILIES: LazyLock<HashSet<char>> = LazyLock::new(|| SURNAMES.chars().collect());
static NO_NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| WORDS.split_whitespace().collect());

/// The length in bytes of a Chinese name that a sentence begins with.
fn at_start(text: &str) -> Option<usize> {
    let chars: Vec<char> = text.chars().take(7).collect();
    let family = surname(text);
    if family == 0 || is_word(text) {
        return None;
    }
    let han = chars.iter().take_while(|&&c| is_han(c)).count();
    for n in [family + 2, family + 1] {
        if n > han || chars[family..n].iter().any(|&c| NEVER.contains(c)) {
            continue;
        }
        let ends = match chars.get(n) {
            Some(&c) => !is_han(c) || FOLLOWS.contains(c),
            None => true,
        };
        // 张三在: the third character goes on with the sentence.
        let goes_on =
            n == family + 2 && FOLLOWS.contains(chars[n - 1]) && "在于和与及来去到电向对".contains(chars[n - 1]);
        if ends && !goes_on {
            return Some(chars[..n].iter().map(|c| c.len_utf8()).sum());
        }
    }
    None
}

/// The length in bytes of a Chinese name that a sentence ends with.
fn at_end(text: &str) -> Option<usize> {
    let tail: Vec<char> = text.chars().rev().take(5).collect();
    let chars: Vec<char> = tail.into_iter().rev().collect();
    let han = chars.iter().rev().take_while(|&&c| is_han(c)).count();
    for n in [3, 2, 4] {
        if n > han {
            continue;
        }
        let name = &chars[chars.len() - n..];
        let word: String = name.iter().collect();
        let family = surname(&word);
        let fits = (family == 1 && n <= 3) || (family == 2 && n >= 3);
        let begins = match chars.len().checked_sub(n + 1).map(|i| chars[i]) {
            Some(c) => !is_han(c) || "由是请为和与给向让被对主户员人".contains(c),
            None => true,
        };
        if fits && begins && !is_word(&word) && !name[family..].iter().any(|&c| NEVER.contains(c)) {
            return Some(word.len());
        }
    }
    None
}

/// Whether a whole value is a Chinese name.
pub(super) fn chinese_name(value: &str) -> bool {
    if value.len() > 45 {
        return false;
    }
    let parts: Vec<&str> = value.split(['·', '•', '・']).collect();
    if parts.len() > 1 {
        // Names of minorities: 买买提·吐尔逊
        return parts.len() <= 4 && parts.iter().all(|p| (2..=8).contains(&p.chars().count()) && p.chars().all(is_han));
    }
    let n = value.chars().filter(|c| *c != ' ').count();
    let family = surname(value);
    value.chars().all(|c| is_han(c) || c == ' ') && family > 0 && n > family && n <= family + 2 && !is_word(value)
}

/// Whether a whole value is a Latin name: two to four capitalised words.
fn latin_name(value: &str) -> bool {
    let words: Vec<&str> = value.split_whitespace().collect();
    let word = |w: &str| {
        let mut chars = w.trim_end_matches(['.', ',']).chars();
        chars.next().is_some_and(char::is_uppercase)
            && chars.all(|c| c.is_alphabetic() || matches!(c, '\'' | '-' | '’'))
    };
    let long = words.iter().filter(|w| w.chars().count() > 1).count();
    (2..=4).contains(&words.len())
        && long >= 2
        && value.len() <= 60
        && words.iter().all(|w| word(w))
        && words.iter().any(|w| w.chars().skip(1).any(char::is_lowercase))
}

fn found(start: usize, end: usize, confidence: f64, out: &mut Vec<Match>) {
    out.push(Match {
        kind: kinds::PERSON_NAME,
        start,
        end,
        confidence,
        mask: Mask::Ends(1, 0),
        distinct: vec![],
        collect: vec![],
        identifier: None,
        position: None,
    });
}

impl Recogniser for Name {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::PERSON_NAME]
    }

    fn literals(&self) -> &'static [&'static str] {
        LABELS
    }

    fn wants(&self, run: &Run) -> bool {
        !run.fraction && ((run.len == 11 && run.digits == 11) || (run.len == 18 && run.digits >= 17))
    }

    fn wants_column(&self, name: &str) -> bool {
        let labels = labels::of(name);
        (labels.any(Labels::NAME | Labels::NAME_MAYBE) && !labels.any(Labels::PUBLISHED)) || name.is_empty()
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        match c.literal {
            None if c.run.is_some() => beside_a_number(c, out),
            None => by_column(c, out),
            Some(_) if matches!(c.place, Place::Binary) => {}
            Some(n) if n >= LATIN_MAYBE => named_in_code(c, out),
            Some(n) if n >= LATIN => latin_after(c, out),
            Some(n) if n >= AFTER => {
                let before = text_before(c, c.start);
                if let Some(len) = at_end(before) {
                    found(c.start - len, c.start, 0.8, out);
                }
            }
            Some(n) => {
                let after = text_after(c, c.end);
                let mut value = after;
                for suffix in ["姓名", "名字", "名称", "为", "是", "叫"] {
                    value = value.strip_prefix(suffix).unwrap_or(value);
                }
                let trimmed = value.trim_start_matches(|ch: char| {
                    (ch.is_whitespace() && ch != '\n') || ":：=＝\"'“‘（(「【、>".contains(ch)
                });
                let gap = after.len() - trimmed.len();
                if gap > 24 {
                    return;
                }
                if let Some(len) = at_start(trimmed) {
                    let start = c.end + gap;
                    found(start, start + len, if n < WEAK { 0.9 } else { 0.75 }, out);
                }
            }
        }
    }
}

fn by_column(c: &Candidate<'_>, out: &mut Vec<Match>) {
    let Place::Cell { name, .. } = c.place else { return };
    let raw = c.value();
    let value = raw.trim();
    if value.is_empty() || value.len() > 60 {
        return;
    }
    let start = c.start + (raw.len() - raw.trim_start().len());
    let end = start + value.len();
    let labels = labels::of(name);
    let chinese = chinese_name(value);
    let confidence = if labels.any(Labels::NAME) {
        if chinese {
            0.95
        } else if (2..=4).contains(&value.chars().count())
            && value.chars().all(is_han)
            && !is_word(value)
            && !nobody(value)
        {
            // A rare surname.
            0.87
        } else if latin_name(value) || (two_name_columns(name) && one_latin_word(value)) {
            0.86
        } else {
            return;
        }
    } else if !chinese {
        // `owner: Zhang San` may be anything; only a column full of them counts, and English words are no proof.
        return;
    } else if labels.any(Labels::NAME_MAYBE) && beside_number(c.text) {
        0.7
    } else {
        PROVISIONAL / 2.0
    };
    found(start, end, confidence, out);
}

/// Words that fill a column of names where there is none.
fn nobody(value: &str) -> bool {
    [
        "未知", "不详", "无", "匿名", "测试", "暂无", "姓名", "没有", "本人", "个人", "公司", "单位", "男", "女",
        "先生", "女士",
    ]
    .iter()
    .any(|w| value.contains(w))
}

/// `first_name` and `last_name` hold one word each.
fn two_name_columns(name: &str) -> bool {
    labels::mentions(name, &["first", "last", "given", "family", "surname", "middle"])
}

fn one_latin_word(value: &str) -> bool {
    let mut chars = value.chars();
    chars.next().is_some_and(char::is_uppercase)
        && value.chars().count() >= 2
        && chars.all(|c| c.is_alphabetic() || matches!(c, '\'' | '-'))
}

/// Whether the record holds a number that looks like a person's: eleven or eighteen digits.
fn beside_number(record: &str) -> bool {
    record.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| {
        let b = w.as_bytes();
        (b.len() == 11 && b[0] == b'1' && b[1] >= b'3' && b.iter().all(u8::is_ascii_digit))
            || (b.len() == 18 && b[..17].iter().all(u8::is_ascii_digit))
    })
}

/// A name in Chinese right before or after a mobile or resident's number: `王丹 138…`, `王丹,3501…`, the cells of a row.
fn beside_a_number(c: &Candidate<'_>, out: &mut Vec<Match>) {
    let number = c.value().as_bytes();
    let person = match number.len() {
        11 => number[0] == b'1' && number[1] >= b'3',
        18 => number[0] != b'0' && matches!(number[6..8], [b'1', b'9'] | [b'2', b'0']),
        _ => false,
    };
    if !person || matches!(c.place, Place::Binary | Place::Name) {
        return;
    }
    let cut = |ch: char| " ,;|\"'\t，、；：:(（\u{1f}".contains(ch);
    let edge = |ch: char| cut(ch) || "\n\r.[]<>)）}".contains(ch);
    let name = |word: &str, gap: usize, beyond: Option<char>| {
        (1..=8).contains(&gap)
            && beyond.is_none_or(edge)
            && chinese_name(word)
            && !place(word)
            && !nobody(word)
            && labels::of(word) == Labels::NONE
    };
    let before = labels::tail(c.before(), 40);
    let trimmed = before.trim_end_matches(cut);
    let gap = before.len() - trimmed.len();
    let head = trimmed.trim_end_matches(is_han);
    let word = &trimmed[head.len()..];
    if name(word, gap, head.chars().next_back()) {
        found(c.start - gap - word.len(), c.start - gap, 0.75, out);
    }
    let after = labels::head(c.after(), 40);
    let trimmed = after.trim_start_matches(cut);
    let gap = after.len() - trimmed.len();
    let rest = trimmed.trim_start_matches(is_han);
    let word = &trimmed[..trimmed.len() - rest.len()];
    if name(word, gap, rest.chars().next()) {
        found(c.end + gap, c.end + gap + word.len(), 0.75, out);
    }
}

/// Whether a word that begins like a name ends like a place.
fn place(word: &str) -> bool {
    word.ends_with(|ch: char| "市县区省镇乡村路街站州港湾山河湖岛店厂局院校".contains(ch))
}

/// `"name": "王丹"`, `setName("王丹")`, `owner=王丹`: the value is a name in Chinese and nothing else.
fn named_in_code(c: &Candidate<'_>, out: &mut Vec<Match>) {
    if !matches!(c.place, Place::Prose) {
        return;
    }
    let after = labels::head(c.after(), 40);
    let value = after.trim_start_matches([' ', ':', '=', '"', '\'', '(', '>']);
    let gap = after.len() - value.len();
    let rest = value.trim_start_matches(is_han);
    let word = &value[..value.len() - rest.len()];
    let ends = rest.chars().next().is_none_or(|ch| ch.is_whitespace() || ",;.\"'|)<，；。、（(".contains(ch));
    if (1..=6).contains(&gap) && ends && chinese_name(word) && !place(word) && !nobody(word) {
        found(c.end + gap, c.end + gap + word.len(), 0.7, out);
    }
}

fn latin_after(c: &Candidate<'_>, out: &mut Vec<Match>) {
    let after = text_after(c, c.end);
    let value = after.trim_start_matches([' ', ':', '=', '"', '\'', '\t']);
    let gap = after.len() - value.len();
    if gap == 0 || gap > 8 {
        return;
    }
    let line = value
        .split(['\n', ',', ';', '"', '\'', '|', '\t', '\u{1f}', '(', '<'])
        .next()
        .unwrap_or("")
        .trim_end_matches(['.', ' ']);
    let start = c.end + gap;
    if latin_name(line) {
        found(start, start + line.len(), 0.8, out);
    } else if let Some(len) = at_start(value) {
        found(start, start + len, 0.85, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, found_in};
    use super::*;

    fn names(text: &str) -> Vec<String> {
        found(&Name, text).into_iter().map(|f| f.value).collect()
    }

    #[test]
    fn the_lists_are_in_step() {
        assert_eq!(LABELS[WEAK], "用户");
        assert_eq!(LABELS[AFTER], "先生");
        assert_eq!(LABELS[LATIN], "owner name");
        assert_eq!(LABELS[LATIN_MAYBE], "name");
    }

    #[test]
    fn names_beside_numbers_and_in_programs() {
        for text in [
            "高洋强 18650579226",
            "1. 高洋强,18650579226",
            "| 高洋强 | 18650579226 |",
            "('高洋强', '350203198308196190')",
            "{\"name\": \"高洋强\", \"x\": 1}",
            "user.setName(\"高洋强\");",
            "Owner: 高洋强, plate",
            "姓 名 高洋强",
            "車主高洋强，電話",
        ] {
            assert_eq!(names(text), ["高洋强"], "{text}");
        }
        for text in
            ["手机 18650579226", "\"name\": \"郑州市\"", "name = 高德地图", "联系电话 18650579226", "时间 18650579226"]
        {
            assert!(names(text).is_empty(), "{text}: {:?}", names(text));
        }
    }

    #[test]
    fn names_in_sentences() {
        for (text, name) in [
            ("车主毛慧，身份证号", "毛慧"),
            ("银行卡62，开户人陈丹丹", "陈丹丹"),
            ("投诉单3：张旭反映湖北省", "张旭"),
            ("试车员：刘玉珍\t工号", "刘玉珍"),
            ("陈莉的车牌川", "陈莉"),
            ("收件人欧阳娜娜（138）", "欧阳娜娜"),
            ("姓名: 李雷", "李雷"),
            ("请联系王小明先生。", "王小明"),
            ("用户张三在2025年", "张三"),
            ("Owner name: John Smith, tel", "John Smith"),
        ] {
            assert!(names(text).iter().any(|n| n == name), "{text}: {:?}", names(text));
        }
    }

    #[test]
    fn words_are_no_names() {
        for text in [
            "车主手册",
            "客户服务",
            "用户高级设置",
            "联系人方式：",
            "用户管理系统",
            "车主应用",
            "司机端",
            "先生",
            "项目负责人",
            "驾驶员监控系统",
            "用户名",
            "车主认证",
        ] {
            assert!(names(text).is_empty(), "{text}: {:?}", names(text));
        }
    }

    #[test]
    fn columns() {
        assert!(found_in(&Name, "姓名", "王海燕")[0].confidence > 0.9);
        assert!(found_in(&Name, "owner_name", "Zhang San")[0].confidence > 0.8);
        assert!(found_in(&Name, "name", "王海燕")[0].confidence < PROVISIONAL);
        assert!(found_in(&Name, "name", "libfoo").is_empty());
        assert!(found_in(&Name, "姓名", "未知").is_empty());
        assert_eq!(found_in(&Name, "姓名", "买买提·吐尔逊").len(), 1);
    }
}
