//! Names and fixed words of properties, note details and provenance in both languages. What is not listed is shown as it is, with spaces for
//! underscores: new properties need no change here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::figures::thousands;
use crate::lang::Lang;

/// Property and detail names: key, Chinese, English where it is not the key itself.
const NAMES: &[(&str, &str, &str)] = &[
    ("algorithm", "算法", "algorithm"),
    ("bits", "位数", "bits"),
    ("channels", "通道", "channels"),
    ("checksum", "校验位", "check digit"),
    ("classes", "类别", "classes"),
    ("compatible", "适用于", "for"),
    ("countries", "国家或地区", "countries"),
    ("country", "国家或地区", "country"),
    ("datum", "坐标系", "datum"),
    ("device_type", "设备类型", "device type"),
    ("duration_s", "时长（秒）", "seconds"),
    ("encrypted", "加密", "encrypted"),
    ("entries", "条目", "entries"),
    ("evidence", "证据", "evidence"),
    ("expected", "按名称应为", "named as"),
    ("expires", "有效期至", "expires"),
    ("extent", "范围", "extent"),
    ("files", "文件", "files"),
    ("format", "格式", "format"),
    ("form", "形式", "form"),
    ("found", "实为", "is"),
    ("frame", "参考框架", "frame"),
    ("frames", "帧", "frames"),
    ("in_comments", "注释中", "in comments"),
    ("language", "语言", "language"),
    ("languages", "语言", "languages"),
    ("length_km", "长度（公里）", "km"),
    ("level", "密级", "level"),
    ("limit", "限额", "limit"),
    ("lines", "行", "lines"),
    ("messages", "消息", "messages"),
    ("partitions", "分区", "partitions"),
    ("plate_class", "号牌种类", "plate class"),
    ("points", "点数", "points"),
    ("provider", "提供方", "provider"),
    ("provinces", "省级区域", "provinces"),
    ("reason", "原因", "reason"),
    ("region", "地域", "region"),
    ("rows", "行", "rows"),
    ("signals", "信号", "signals"),
    ("signed", "签名", "signed"),
    ("target", "目标", "target"),
    ("type", "类型", "type"),
    ("version", "版本", "version"),
];

/// Fixed words that values take, by the name they stand under.
const WORDS: &[(&str, &str, &str, &str)] = &[
    ("checksum", "true", "有效", "valid"),
    ("checksum", "false", "无效", "not valid"),
    ("region", "inside", "中国大陆境内", "inside mainland China"),
    ("region", "outside", "境外", "outside mainland China"),
    ("region", "unknown", "不明", "unknown"),
    ("datum", "unknown", "不明", "unknown"),
    ("form", "source", "源代码", "source"),
    ("form", "script", "脚本", "script"),
    ("form", "description", "描述文件", "description"),
    ("form", "binary", "二进制", "binary"),
    ("frame", "geodetic", "大地坐标", "geodetic"),
    ("frame", "ecef", "地心坐标", "ECEF"),
    ("frame", "projected", "投影坐标", "projected"),
    ("frame", "local", "局部坐标", "local"),
    ("level", "top-secret", "绝密", "top secret (绝密)"),
    ("level", "secret", "机密", "secret (机密)"),
    ("level", "confidential", "秘密", "confidential (秘密)"),
    ("level", "internal", "内部", "internal (内部)"),
    ("level", "trade-secret", "商密", "trade secret (商密)"),
    ("plate_class", "ordinary", "普通", "ordinary"),
    ("plate_class", "new-energy", "新能源", "new energy"),
    ("plate_class", "military", "军用", "military"),
    ("plate_class", "police", "警用", "police"),
    ("plate_class", "armed-police", "武警", "armed police"),
    ("plate_class", "embassy", "使馆", "embassy"),
    ("plate_class", "consulate", "领馆", "consulate"),
    ("plate_class", "trailer", "挂车", "trailer"),
    ("plate_class", "learner", "教练", "learner"),
    ("plate_class", "hk-macau", "港澳", "Hong Kong and Macao"),
    ("plate_class", "agricultural", "农用", "agricultural"),
    ("plate_class", "temporary", "临时", "temporary"),
    ("plate_class", "emergency", "应急", "emergency"),
    ("basis", "final", "正式文本（据转述）", "final text, as reported"),
    ("basis", "final-fragment", "正式文本片段", "fragment of the final text"),
    ("basis", "final-secondhand", "正式文本（二手）", "final text, second hand"),
    ("basis", "draft", "征求意见稿", "consultation draft"),
    ("basis", "other-rule", "其他规定", "another rule"),
    ("basis", "general-knowledge", "业内常识，未核对", "general knowledge, not checked"),
    ("basis", "inference", "推断或工程决定，非法规", "inference or engineering, not law"),
    ("basis", "organisation", "本单位配置", "the organisation's own"),
    ("basis", "official", "官方文本", "official text"),
    ("confidence", "high", "高", "high"),
    ("confidence", "medium-high", "较高", "medium to high"),
    ("confidence", "medium", "中", "medium"),
    ("confidence", "low", "低", "low"),
    ("criterion", "missing", "判定规则缺", "official criterion not in hand"),
    ("criterion", "known", "判定规则已知", "criterion known"),
    ("criterion", "disputed", "判定规则有争议", "criterion disputed"),
    ("annex", "not-verified", "未经核对", "not verified"),
    ("annex", "verified", "已核对", "verified"),
];

/// What a property is called.
pub(crate) fn name(lang: Lang, key: &str) -> Cow<'_, str> {
    match NAMES.iter().find(|n| n.0 == key) {
        Some(n) => Cow::Borrowed(lang.pick(n.1, n.2)),
        None if key.contains('_') => Cow::Owned(key.replace('_', " ")),
        None => Cow::Borrowed(key),
    }
}

/// A fixed word under a name; the word itself where it is not known.
pub(crate) fn word<'w>(lang: Lang, key: &str, word: &'w str) -> &'w str {
    WORDS.iter().find(|w| w.0 == key && w.1 == word).map_or(word, |w| lang.pick(w.2, w.3))
}

/// A value under a name, in words: text without quotes, lists with their first five, objects by their size.
pub(crate) fn value(lang: Lang, key: &str, value: &Value) -> String {
    match value {
        Value::String(s) => word(lang, key, s).to_owned(),
        Value::Bool(b) => {
            let (plain, told) = if *b { ("true", lang.pick("是", "yes")) } else { ("false", lang.pick("否", "no")) };
            let special = word(lang, key, plain);
            if special == plain { told } else { special }.to_owned()
        }
        Value::Null => "–".to_owned(),
        Value::Array(items) => {
            let mut text =
                items.iter().take(5).map(|v| self::value(lang, key, v)).collect::<Vec<_>>().join(lang.pick("、", ", "));
            if items.len() > 5 {
                text.push_str(" …");
            }
            text
        }
        Value::Object(fields) => match (fields.get("zh"), fields.get("en")) {
            (Some(Value::String(zh)), Some(Value::String(en))) => lang.pick(zh, en).clone(),
            _ => format!("{{{}}}", fields.len()),
        },
        Value::Number(n) => match n.as_u64() {
            Some(n) if n >= 10_000 => thousands(n),
            _ => n.to_string(),
        },
    }
}

/// A name with its value: `region inside mainland China`.
pub(crate) fn pair(lang: Lang, key: &str, value: &Value) -> String {
    format!("{} {}", name(lang, key), self::value(lang, key, value))
}

/// What a row of the rulebook rests on, in words; empty when that is not told.
pub(crate) fn provenance(lang: Lang, provenance: &BTreeMap<String, Value>) -> Vec<String> {
    let mut out = Vec::new();
    for (key, zh, en) in
        [("basis", "依据", "basis"), ("confidence", "把握", "confidence"), ("criterion", "", ""), ("note", "", "")]
    {
        let Some(v) = provenance.get(key) else { continue };
        let text = value(lang, key, v);
        let label = lang.pick(zh, en);
        match (label.is_empty(), lang) {
            _ if text.is_empty() => {}
            (true, _) => out.push(text),
            (false, Lang::Zh) => out.push(format!("{label}：{text}")),
            (false, Lang::En) => out.push(format!("{label}: {text}")),
        }
    }
    for (key, v) in provenance {
        if !["basis", "confidence", "criterion", "note"].contains(&key.as_str()) {
            out.push(pair(lang, key, v));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_words_are_in_both_languages() {
        for &(key, zh, en) in NAMES {
            assert!(!zh.is_ascii() && en.is_ascii(), "{key}");
        }
        for &(key, word, zh, en) in WORDS {
            assert!(!zh.is_ascii() && !en.is_empty(), "{key} {word}");
        }
        let mut keys: Vec<_> = NAMES.iter().map(|n| n.0).collect();
        keys.dedup();
        assert_eq!(keys.len(), NAMES.len());
    }

    #[test]
    fn values_are_words() {
        assert_eq!(pair(Lang::En, "region", &json!("inside")), "region inside mainland China");
        assert_eq!(pair(Lang::Zh, "encrypted", &json!(false)), "加密 否");
        assert_eq!(pair(Lang::En, "ecu_variants", &json!(12_345)), "ecu variants 12,345");
        assert_eq!(value(Lang::Zh, "x", &json!(["a", "b", "c", "d", "e", "f"])), "a、b、c、d、e …");
        assert_eq!(value(Lang::Zh, "note", &json!({"zh": "甲", "en": "b"})), "甲");
        assert_eq!(word(Lang::En, "form", "of-the-future"), "of-the-future");
    }

    #[test]
    fn provenance_tells_basis_confidence_criterion_and_note() {
        let p: BTreeMap<String, Value> = serde_json::from_value(json!({
            "basis": ["final-fragment", "draft"], "confidence": "high", "criterion": "missing", "note": {"zh": "甲", "en": "a"}
        }))
        .unwrap();
        assert_eq!(
            provenance(Lang::En, &p).join("; "),
            "basis: fragment of the final text, consultation draft; confidence: high; official criterion not in hand; a"
        );
        assert!(provenance(Lang::En, &BTreeMap::new()).is_empty());
    }
}
