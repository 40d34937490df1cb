use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use yumen_kit_text::testing::Recorder;

fn run(format: &'static str, text: &[u8]) -> Recorder {
    let (artifact, mut out) = Recorder::of("a.json", format, text);
    inspect(&artifact, &mut out).unwrap();
    assert!(out.labelled().opaque.is_empty());
    out
}

#[test]
fn records_are_innermost_objects() {
    let text = r#"{"vin": "LVSBZYDW9K4458422", "owner": {"姓名": "张三", "phones": ["13800000000", 13900000000]}, "ok": true, "n": null}"#;
    let out = run("json", text.as_bytes());
    assert_eq!(
        out.rows(),
        [
            vec!["owner.姓名=张三", "owner.phones=13800000000", "owner.phones=13900000000"],
            vec!["vin=LVSBZYDW9K4458422", "ok=true"]
        ]
    );
    let phone = out.find("13800000000").unwrap();
    let at = text.find("138").unwrap() as u64;
    assert_eq!((phone.bytes, phone.place, phone.verbatim), ((at, at + 11), (1, 64), true));
}

#[test]
fn escapes_are_undone_and_told() {
    let out = run("json", br#"{"a": "\u5f20\u4e09 \"x\"\n\ud83d\ude00 \ud83d", "b": "C:\\x"}"#);
    assert_eq!(out.rows()[0], ["a=张三 \"x\"\n😀 \u{FFFD}", "b=C:\\x"]);
    assert!(!out.records[0][0].verbatim);
}

#[test]
fn rows_of_arrays_are_records_with_columns() {
    let out = run(
        "json",
        r#"{"coordinates": [[121.47, 31.23], [116.4, 39.9]], "rows": [["张三", "13800000000"]]}"#.as_bytes(),
    );
    assert_eq!(
        out.rows(),
        [
            vec!["coordinates=121.47", "coordinates=31.23"],
            vec!["coordinates=116.4", "coordinates=39.9"],
            vec!["rows=张三", "rows=13800000000"]
        ]
    );
    assert_eq!(out.records[0][1].column_index, 1);
}

#[test]
fn keys_that_are_content_are_seen_and_left_out_of_paths() {
    let out = run("json", br#"{"users": {"13800000000": {"name": "x"}, "a@b.example": 1}}"#);
    let all = out.rows().concat();
    assert!(
        all.contains(&"13800000000".to_owned())
            && all.contains(&"users.name=x".to_owned())
            && all.contains(&"a@b.example".to_owned()),
        "{all:?}"
    );
}

#[test]
fn comments_trailing_commas_and_mongo_are_let_pass() {
    let out = run("json", b"// call 13800000000\n{\"a\": 1, /* note */ 'b': ObjectId(\"507f\"), c: [1,2,],}\n");
    assert_eq!(out.rows(), [vec!["// call 13800000000"], vec!["/* note */"], vec!["a=1", "b=507f", "c=1", "c=2"]]);
    assert!(out.notes.is_empty(), "{:?}", out.notes);
}

#[test]
fn after_a_syntax_error_the_rest_is_text() {
    let text = "{\"a\": 1,\n \"b\": <<<broken 13800000000\n-----BEGIN x\n";
    let out = run("json", text.as_bytes());
    assert!(out.noted("syntax-error"));
    assert_eq!(out.rows(), [["a=1"]]);
    assert_eq!(out.text, &text[text.find("<<<").unwrap()..]);
    assert_eq!((out.first_line, out.offsets[0]), (2, text.find("<<<").unwrap() as u64));
}

#[test]
fn truncated_json_keeps_what_there_is() {
    let out = run("json", br#"{"a": {"phone": "13800000000"}, "b": "139000"#);
    assert!(out.everything().contains("13800000000") && out.everything().contains("139000"));
    assert!(out.noted("syntax-error") || out.noted("truncated"));
}

#[test]
fn lines_go_on_after_a_bad_one() {
    let text = "{\"a\":1}\n{\"a\":\"x\nnot json 13800000000\n{\"a\":[1,2\n{\"a\":3}\n[\"张三\",\"139\"]\n";
    let out = run("ndjson", text.as_bytes());
    let rows = out.rows();
    assert_eq!(rows.first().unwrap(), &["a=1"]);
    assert!(rows.contains(&vec!["not json 13800000000".to_owned()]), "{rows:?}");
    assert!(rows.contains(&vec!["a=3".to_owned()]), "{rows:?}");
    assert_eq!(out.find("139").unwrap().column_index, 1);
    assert!(out.noted("syntax-error"));
}

#[test]
fn giant_values_and_deep_nesting_stay_bounded() {
    let text = format!("{{\"a\": \"{}\", \"b\": [{}]}}", "字 ".repeat(1_000_000), vec!["7"; 100_000].join(","));
    let out = run("json", text.as_bytes());
    assert_eq!(out.records.iter().flatten().map(|v| v.text.matches('字').count()).sum::<usize>(), 1_000_000);
    assert_eq!(out.records.iter().flatten().filter(|v| v.text == "7").count(), 100_000);
    let deep = "[".repeat(100_000);
    assert!(run("json", deep.as_bytes()).noted("syntax-error"));
}

#[test]
fn gb18030_and_utf16_positions() {
    let text = "{\"姓名\": \"张三\", \"电话\": \"13800000000\"}\n".repeat(3);
    let gbk = encoding_rs::GB18030.encode(&text).0.into_owned();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [gbk, wide] {
        let out = run("ndjson", &bytes);
        assert_eq!(out.records.len(), 3);
        let v = &out.records[2][1];
        let raw = &bytes[v.bytes.0 as usize..v.bytes.1 as usize];
        assert!(raw.iter().filter(|b| b.is_ascii_digit()).count() == 11 && raw.len() % 11 == 0, "{raw:?}");
        assert_eq!(v.place.0, 3);
    }
}

#[test]
fn schemas_are_exported() {
    let out = run("json", br#"{"fields": [{"name": "vin"}, {"name": "phone"}]}"#);
    assert_eq!(out.exports[0].value, json!({"applies_to": [], "names": ["vin", "phone"]}));
}

#[test]
fn shapes() {
    for yes in [
        "{\"a\":1}",
        "[1,2]",
        "[]",
        "{}",
        "[\n  {\"a\": [1",
        "// c\n{\"a\": 1}",
        "{'a': ObjectId('x')}",
        "[true, false]",
    ] {
        assert!(shape(yes).is_json(), "{yes}");
    }
    for no in [
        "[section]\na=1",
        "[2026-11-23 10:00:00] log",
        "{{- if x }}",
        "hello",
        "[INFO] x",
        "{ int a; }",
        "[1] a footnote",
        "",
    ] {
        assert!(!shape(no).is_json(), "{no}");
    }
    assert!(shape("{\"a\":1}\n{\"a\":2}\n").is_lines());
    assert!(!shape("{\"a\":1,\n\"b\":2}\n").is_lines());
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        "[a-z张三\"\\\\\n\u{1F600} ]{1,12}".prop_map(Value::from),
        Just(json!(true)),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map("[a-z姓名]{1,6}", inner, 0..6)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn leaves(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(a) => a.iter().for_each(|v| leaves(v, out)),
        Value::Object(o) => o.values().for_each(|v| leaves(v, out)),
        Value::String(s) => out.push(s.clone()),
        Value::Null => {}
        other => out.push(other.to_string()),
    }
}

proptest! {
    #[test]
    fn every_leaf_is_seen_whatever_the_cuts(values in proptest::collection::vec(value(), 1..20), pretty: bool, batch in 1usize..500) {
        let text: String = values.iter().map(|v| if pretty { serde_json::to_string_pretty(v) } else { serde_json::to_string(v) }.unwrap() + "\n").collect();
        let mut want = Vec::new();
        values.iter().for_each(|v| leaves(v, &mut want));
        let run = |chunk, batch| {
            let (artifact, mut out) = Recorder::of("a", "json", text.as_bytes());
            let reader = yumen_kit_text::Reader::with_sizes(&artifact, chunk, batch, &mut out).unwrap();
            yumen_kit_text::json::read_json(reader, false).unwrap();
            out
        };
        let (small, large) = (run(1024, batch), run(1 << 20, 1 << 19));
        prop_assert_eq!(&small.records, &large.records);
        let mut seen: Vec<String> = large.records.iter().flatten().map(|v| v.text.clone()).collect();
        seen.sort();
        want.sort();
        prop_assert_eq!(seen, want);
        prop_assert!(large.notes.is_empty());
    }
}
