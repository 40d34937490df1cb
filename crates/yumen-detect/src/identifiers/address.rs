//! `person.address`: postal addresses by their form, behind labels and in columns.

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::context::{line_before, text_after};
use super::labels::{self, Labels, is_han};
use crate::recogniser::{Candidate, Match, Place, Recogniser};

/// Postal addresses. By form: a province, something like a road, and a number or a building. Addresses of companies, behind such a word, are nobody's.
pub(crate) struct Address;

const LITERALS: &[&str] = &[
    "北京",
    "天津",
    "上海",
    "重庆",
    "河北",
    "山西",
    "辽宁",
    "吉林",
    "黑龙江",
    "江苏",
    "浙江",
    "安徽",
    "福建",
    "江西",
    "山东",
    "河南",
    "湖北",
    "湖南",
    "广东",
    "海南",
    "四川",
    "贵州",
    "云南",
    "陕西",
    "甘肃",
    "青海",
    "台湾",
    "内蒙古",
    "广西",
    "西藏",
    "宁夏",
    "新疆",
    "香港",
    "澳门",
    // Labels.
    "住址",
    "地址",
    "家住",
    "现住",
    "户籍",
    "住所",
    "住在",
    "居住",
];
const LABEL: usize = 34;

/// Words before an address that make it an organisation's.
const ORGANISATIONS: &[&str] = &[
    "公司",
    "单位地址",
    "注册地",
    "办公",
    "厂址",
    "门店",
    "经销商",
    "服务站",
    "4s店",
    "学校",
    "医院",
    "展厅",
    "总部",
    "ip地址",
    "mac地址",
    "网址",
    "邮箱地址",
    "邮件地址",
    "内存",
    "寄存器",
    "链接",
];

/// Most characters of an address.
const MOST: usize = 64;

struct Read {
    len: usize,
    /// A number or a building with its letter.
    detail: bool,
    /// A road, village or town.
    road: bool,
    /// A city, district or county.
    city: bool,
}

/// Reads an address from the start of a text.
fn read(text: &str) -> Read {
    let chars: Vec<(usize, char)> = text.char_indices().take(MOST).collect();
    let mut r = Read { len: 0, detail: false, road: false, city: false };
    let mut last = ' ';
    for &(at, c) in &chars {
        let alnum = c.is_ascii_alphanumeric() || matches!(c, '-' | '#' | '～' | '~' | '－');
        if !is_han(c) && !alnum && !matches!(c, '（' | '）' | '(' | ')' | '·') {
            // A gap only between parts that go on: 中山路 12号.
            let next = text[at..].trim_start_matches(' ').chars().next().unwrap_or('\n');
            let goes_on = c == ' ' && is_han(last) && !r.detail && (is_han(next) || next.is_ascii_digit());
            if !goes_on {
                break;
            }
        }
        let end = at + c.len_utf8();
        let counted = last.is_ascii_alphanumeric() || "一二三四五六七八九十百甲乙丙丁东西南北".contains(last);
        match c {
            // 第3号 counts documents.
            '号' if text[..at].trim_end_matches(|d: char| d.is_ascii_digit()).ends_with('第') => break,
            '号' | '栋' | '幢' | '座' | '室' | '楼' | '层' | '弄' | '组' | '房' | '户' | '元' | '院' | '队'
                if counted || (c == '元' && last == '单') =>
            {
                r.detail = true;
                r.len = end;
            }
            '路' | '街' | '道' | '巷' | '村' | '镇' | '乡' | '里' | '苑' | '园' | '厦' | '场' | '区' | '庄' | '屯'
            | '城' | '胡' => {
                r.city |= c == '区';
                if at > 0 {
                    r.road |= c != '区' || last == '小';
                    if !r.detail {
                        r.len = end;
                    }
                }
            }
            '市' | '县' | '州' | '盟' | '旗' => {
                r.city = true;
                if !r.detail {
                    r.len = end;
                }
            }
            _ if c.is_ascii_digit() && r.detail && last.is_ascii_digit() => {}
            _ => {}
        }
        last = c;
    }
    // 3号楼1201: a room's number after the building.
    if r.detail {
        let rest = &text[r.len..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if (1..=4).contains(&digits)
            && !rest[digits..].starts_with(|c: char| c.is_ascii_alphanumeric() || is_han(c) || c == '.')
        {
            r.len += digits;
        }
    }
    // A postal code, one blank away.
    let rest = &text[r.len..];
    let code = rest.trim_start_matches([' ', '，', ',']);
    let skip = rest.len() - code.len();
    let digits = code.bytes().take_while(u8::is_ascii_digit).count();
    if r.len > 0
        && digits == 6
        && (1..=3).contains(&skip)
        && !code[6..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.')
    {
        r.len += skip + 6;
    }
    r
}

fn found(start: usize, end: usize, confidence: f64, out: &mut Vec<Match>) {
    out.push(Match {
        kind: kinds::PERSON_ADDRESS,
        start,
        end,
        confidence,
        mask: Mask::Ends(3, 0),
        distinct: vec![],
        collect: vec![],
        identifier: None,
        position: None,
    });
}

impl Recogniser for Address {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::PERSON_ADDRESS]
    }

    fn literals(&self) -> &'static [&'static str] {
        LITERALS
    }

    fn wants_column(&self, name: &str) -> bool {
        labels::of(name).any(Labels::ADDRESS | Labels::ADDRESS_MAYBE)
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        if matches!(c.place, Place::Binary) {
            return;
        }
        match c.literal {
            None => by_column(c, out),
            Some(n) if n >= LABEL => {
                let line = line_before(c, c.end);
                if labels::mentions(labels::tail(line, 36), ORGANISATIONS) {
                    return;
                }
                let after = text_after(c, c.end);
                let value = after.trim_start_matches(|ch: char| {
                    (ch.is_whitespace() && ch != '\n') || ":：=\"'“为是在地（(".contains(ch)
                });
                let start = c.end + after.len() - value.len();
                let r = read(value);
                if start - c.end <= 16 && r.road && (r.detail || r.city) {
                    found(start, start + r.len, 0.92, out);
                }
            }
            Some(_) => {
                let from = c.text.get(c.start..).unwrap_or("");
                let line = line_before(c, c.start);
                let r = read(from);
                if !(r.city && r.road && r.detail) || labels::mentions(labels::tail(line, 30), ORGANISATIONS) {
                    return;
                }
                let after = labels::head(&from[r.len..], 36);
                let place = [
                    "公司",
                    "工厂",
                    "大学",
                    "医院",
                    "门店",
                    "4S店",
                    "专卖店",
                    "服务中心",
                    "体验中心",
                    "充电站",
                    "加油站",
                    "停车场",
                ];
                if place.iter().any(|p| after.trim_start().starts_with(p))
                    || labels::mentions(after, &["有限公司", "集团"])
                {
                    return;
                }
                // 湖北省武汉市: the later name in an address belongs to it.
                found(c.start, c.start + r.len, 0.8, out);
            }
        }
    }
}

fn by_column(c: &Candidate<'_>, out: &mut Vec<Match>) {
    let Place::Cell { name, .. } = c.place else { return };
    let raw = c.value();
    let value = raw.trim();
    let start = c.start + (raw.len() - raw.trim_start().len());
    let labels = labels::of(name);
    if !(8..=600).contains(&value.len())
        || labels::mentions(name, ORGANISATIONS)
        || value.contains("://")
        || value.contains('@')
    {
        return;
    }
    let han = value.chars().filter(|&ch| is_han(ch)).count();
    let confidence = if han >= 4 {
        let r = read(value);
        match (r.road || r.detail, r.city || r.detail) {
            (true, true) => 0.95,
            (true, false) | (false, true) if labels.any(Labels::ADDRESS) => 0.86,
            _ => return,
        }
    } else if street(value) {
        if labels.any(Labels::ADDRESS) { 0.9 } else { 0.86 }
    } else {
        return;
    };
    found(start, start + value.len(), confidence, out);
}

/// A Latin postal address: a number and a word for a street, or a postal code.
fn street(value: &str) -> bool {
    const STREETS: &[&str] = &[
        "street",
        "st",
        "road",
        "rd",
        "avenue",
        "ave",
        "lane",
        "ln",
        "drive",
        "dr",
        "boulevard",
        "blvd",
        "court",
        "ct",
        "way",
        "square",
        "place",
        "strasse",
        "straße",
        "platz",
        "weg",
        "rue",
        "via",
        "calle",
        "plaza",
        "apt",
        "suite",
        "lu",
        "jie",
        "district",
        "highway",
        "hwy",
    ];
    let words: Vec<String> =
        value.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect();
    let number = words.iter().any(|w| w.len() <= 6 && w.chars().next().is_some_and(|c| c.is_ascii_digit()));
    let alphabetic = words.iter().filter(|w| w.chars().all(char::is_alphabetic) && w.len() > 1).count();
    number
        && alphabetic >= 2
        && words.iter().any(|w| STREETS.contains(&w.as_str()) || w.ends_with("straße") || w.ends_with("strasse"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, found_in};
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        let mut all: Vec<String> = found(&Address, text).into_iter().map(|f| f.value).collect();
        all.sort_by_key(|a| std::cmp::Reverse(a.len()));
        all.truncate(1);
        all
    }

    #[test]
    fn addresses_in_sentences() {
        for (text, value) in [
            ("住址：辽宁省俊市华龙许路I座 525481，收件人", "辽宁省俊市华龙许路I座 525481"),
            ("反映湖北省合肥市东丽海口街E座 947682附近", "湖北省合肥市东丽海口街E座 947682"),
            ("家住北京市朝阳区建国路88号院3号楼1201室。", "北京市朝阳区建国路88号院3号楼1201室"),
            ("地址: 上海市浦东新区张江镇科苑路88弄2号", "上海市浦东新区张江镇科苑路88弄2号"),
            ("现住深圳市南山区科技园南路12号A座1503", "深圳市南山区科技园南路12号A座1503"),
        ] {
            assert_eq!(addresses(text), [value], "{text}");
        }
    }

    #[test]
    fn places_are_no_addresses() {
        for text in [
            "湖北省合肥市",
            "北京时间2024年",
            "公司地址：北京市海淀区中关村大街1号",
            "IP地址：10.0.0.1",
            "内存地址 0x1000",
            "上海市道路运输条例第3号",
        ] {
            assert!(addresses(text).is_empty(), "{text}: {:?}", addresses(text));
        }
    }

    #[test]
    fn columns() {
        assert_eq!(found_in(&Address, "地址", "浙江省杭州市西湖区文三路90号").len(), 1);
        assert_eq!(found_in(&Address, "billing_address", "48 Rue Abdelaziz Street, Apt 18").len(), 1);
        assert!(found_in(&Address, "address", "0x7ffe0010").is_empty());
        assert!(found_in(&Address, "address", "10.1.2.3:8080").is_empty());
    }
}
