use super::*;
use proptest::prelude::*;
use serde_json::json;
use yumen_kit_text::testing::Recorder;
use yumen_model::{Blob, GroupFact};

fn run_with(name: &str, bytes: &[u8], context: &Context) -> Recorder {
    let (artifact, mut out) = Recorder::of(name, "csv", bytes);
    inspect(&artifact, context, &mut out).unwrap();
    let l = out.labelled();
    assert_eq!(l.inspected + l.container + l.opaque.values().sum::<u64>(), bytes.len() as u64);
    assert_eq!(l.opaque.get(&yumen_model::Reason::Unsupported), None, "every byte is labelled");
    out
}

fn run(bytes: &[u8]) -> Recorder {
    run_with("a.csv", bytes, &Context::default())
}

fn gbk(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

fn certainty(name: &str, bytes: &[u8]) -> Option<Certainty> {
    let blob = Blob::from_bytes(bytes);
    let head = &bytes[..bytes.len().min(64 << 10)];
    let tail = &bytes[bytes.len().saturating_sub(64 << 10)..];
    identify(&Probe::new(head, tail, &blob, name))
}

#[test]
fn chinese_headers_name_the_cells() {
    let text = "车架号,车主姓名,手机号\nLVSBZYDW9K4458422,张三,13800000000\nLVSBZYDW9K4458423,李四,13900000000\n";
    let out = run(text.as_bytes());
    assert_eq!(out.rows()[1], ["车架号=LVSBZYDW9K4458423", "车主姓名=李四", "手机号=13900000000"]);
    let phone = out.find("13800000000").unwrap();
    let at = text.find("13800000000").unwrap() as u64;
    assert_eq!((phone.bytes, phone.place, phone.verbatim), ((at, at + 11), (2, 22), true));
    assert!(out.needs.is_empty());
}

#[test]
fn gb18030_positions_are_exact() {
    let text = "姓名,电话,地址\n张三,13800000000,北京市\n李四𠮷,13900000001,\"上海\n浦东\"\n王五,13900000002,广州\n";
    let bytes = gbk(text);
    let out = run(&bytes);
    for (value, line) in [("13800000000", 2), ("13900000001", 3), ("13900000002", 5), ("上海\n浦东", 3), ("广州", 5)]
    {
        let cell = out.find(value).unwrap();
        assert_eq!(&bytes[cell.bytes.0 as usize..cell.bytes.1 as usize], gbk(value), "{value}");
        assert_eq!(cell.place.0, line);
        assert!(!cell.verbatim);
    }
}

#[test]
fn quotes_lines_and_bom() {
    let text =
        "\u{FEFF}id,note,x\r\n1,\"say \"\"hi\"\", 张\r\nnext\",2\r\n2, \"padded\" ,3\r\n3,plain \"mid\" quote,4\r\n";
    let out = run(text.as_bytes());
    assert_eq!(out.rows()[0], ["id=1", "note=say \"hi\", 张\r\nnext", "x=2"]);
    assert_eq!(out.rows()[1], ["id=2", "note=padded", "x=3"]);
    assert_eq!(out.rows()[2], ["id=3", "note=plain \"mid\" quote", "x=4"]);
    assert_eq!(out.find("3").unwrap().place, (4, 14));
    assert!(!out.find("say \"hi\", 张\r\nnext").unwrap().verbatim);
}

#[test]
fn a_stray_quote_does_not_eat_the_file() {
    let mut text = "id,size,name\n".to_owned();
    for i in 0..5000 {
        text.push_str(&format!("{i},\"{i} inch,screen\n"));
    }
    let out = run(text.as_bytes());
    assert_eq!(out.records.len(), 5000);
    assert_eq!(out.rows()[4999], ["id=4999", "size=\"4999 inch", "name=screen"]);
}

#[test]
fn many_dialects() {
    for (d, name) in [
        (',', "a.csv"),
        (';', "a.csv"),
        ('\t', "a.tsv"),
        ('|', "a.dat"),
        ('\u{1f}', "part-00000"),
        ('\u{1}', "000000_0"),
    ] {
        let text: String =
            ["姓名,手机号,城市", "张三,13800000000,北京", "李四,13900000000,上海", "王五,13700000000,广州"]
                .map(|l| l.replace(',', &d.to_string()) + "\n")
                .concat();
        assert!(certainty(name, text.as_bytes()).is_some(), "{d:?}");
        let out = run(text.as_bytes());
        assert_eq!(out.rows()[2], ["姓名=王五", "手机号=13700000000", "城市=广州"], "{d:?}");
    }
    assert_eq!(run(b"sep=;\r\nname;tel\r\nbob;13800000000\r\n").rows()[1], ["name=bob", "tel=13800000000"]);
    assert_eq!(run(b"name,tel\rbob,13800000000\rann,13900000000\r").rows()[1], ["name=ann", "tel=13900000000"]);
    let wide: Vec<u8> = "\u{FEFF}姓名\t电话\n张三\t13800000000\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(run(&wide).rows()[0], ["姓名=张三", "电话=13800000000"]);
    assert_eq!(run(&wide).find("13800000000").unwrap().bytes, (20, 42));
}

#[test]
fn titles_comments_ragged_and_blank_rows() {
    let text =
        "# 导出时间 2026-01-01\n车主信息表,,\n姓名,手机号,城市\n\n张三,13800000000\n李四,13900000000,上海,多余,\n";
    let out = run(text.as_bytes());
    assert_eq!(
        out.rows(),
        [
            vec!["# 导出时间 2026-01-01"],
            vec!["车主信息表"],
            vec!["姓名=张三", "手机号=13800000000"],
            vec!["姓名=李四", "手机号=13900000000", "城市=上海", "多余"],
        ]
    );
    assert_eq!(out.find("多余").unwrap().column_index, 3);
}

#[test]
fn no_header_no_names_and_a_need() {
    let text = "LVSBZYDW9K4458422,张三,13800000000\nLVSBZYDW9K4458423,李四,13900000000\n";
    let out = run(text.as_bytes());
    assert_eq!(out.rows()[0], ["LVSBZYDW9K4458422", "张三", "13800000000"]);
    assert_eq!(out.find("13900000000").unwrap().column_index, 2);
    assert_eq!(out.needs, [Need { key: "table-schema".to_owned() }]);

    let fact = GroupFact {
        key: "table-schema".into(),
        value: json!({"applies_to": [], "names": ["车架号", "姓名", "手机号"]}),
    };
    let out = run_with("a.csv", text.as_bytes(), &Context { granted: vec![fact] });
    assert_eq!(out.rows()[1], ["车架号=LVSBZYDW9K4458423", "姓名=李四", "手机号=13900000000"]);
    assert!(out.needs.is_empty() && out.noted("schema-applied"));
}

#[test]
fn header_cells_that_are_content_are_seen() {
    let out = run(b"name,13800000000,city\nbob,1,x\nann,2,y\njim,3,z\n");
    assert!(out.everything().contains("13800000000"));
}

#[test]
fn one_column_by_name() {
    assert_eq!(certainty("vins.csv", b"LVSBZYDW9K4458422\nLVSBZYDW9K4458423\n"), Some(Certainty::Likely));
    assert_eq!(run(b"vin\nLVSBZYDW9K4458422\n").rows()[0], ["vin=LVSBZYDW9K4458422"]);
}

#[test]
fn what_is_no_table_is_left_alone() {
    let no = [
        "Dear all, this is prose, with commas.\nIt goes on, and on, for a while.\nThe end, my friend, is near.\n",
        "2026-11-23 10:00:00,123 INFO main start\n2026-11-23 10:00:01,456 WARN main slow\n2026-11-23 10:00:02,001 INFO x\n",
        "int a = 1, b = 2;\nint c = 3, d = 4;\nf(a, b);\n",
        "{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n",
        "| 名称 | 值 |\n|---|---|\n| a | 1 |\n| b | 2 |\n",
        "import os, sys\nimport re, json\n",
        "\tif (x)\n\t\treturn;\n\telse\n",
        "<a>1,2</a>\n<a>3,4</a>\n",
        "hello\nworld\n",
    ];
    for text in no {
        assert_eq!(certainty("x.txt", text.as_bytes()), None, "{text}");
    }
    assert_eq!(certainty("x.csv", b"<html><body>"), None);
    assert_eq!(certainty("x.csv", b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x00\x00\x00"), None);
}

#[test]
fn a_giant_cell_and_a_giant_row_stream() {
    let big = "字".repeat(1_500_000);
    let text = format!("a,b\n1,\"{big}\"\n{}\n", "7,".repeat(200_000));
    let out = run(text.as_bytes());
    let seen: usize = out.records.iter().flatten().map(|v| v.text.matches('字').count()).sum();
    assert_eq!(seen, 1_500_000);
    assert_eq!(out.records.iter().flatten().filter(|v| v.text == "7").count(), 200_000);
}

#[test]
fn a_binary_stretch_is_opaque_and_sent_on() {
    let mut bytes = b"id,name,tel\n".to_vec();
    bytes.extend(b"1,bob,13800000000\n".repeat(300));
    let from = bytes.len();
    bytes.extend((0..2048u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8));
    let to = bytes.len();
    bytes.extend(b"2,ann,13900000000\n".repeat(300));
    let out = run(&bytes);
    let l = out.labelled();
    let opaque: u64 = l.opaque.values().sum();
    assert!((1024..=2048 + 512).contains(&opaque), "{opaque}");
    assert!(out.noted("not-text-throughout"));
    assert!(out.raw.iter().all(|(at, b)| *at + b.len() as u64 <= (to + 512) as u64 && *at + 512 >= from as u64));
    assert!(out.records.len() > 590);
}

fn evidence(bytes: &[u8], chunk: usize, batch: usize) -> Recorder {
    let (artifact, mut out) = Recorder::of("a.csv", "csv", bytes);
    let dialect = dialect(&artifact).unwrap();
    let mut writer = RecordWriter::new(&artifact);
    writer.set_batch(batch);
    let window = Window::with_chunk(&artifact, chunk).unwrap();
    read(&artifact, &Context::default(), dialect, window, writer, &mut out).unwrap();
    out
}

proptest! {
    #[test]
    fn cutting_changes_nothing(rows in proptest::collection::vec("(\"[a-z,\n张三\"]{0,40}\"|[a-z0-9 张é]{0,12}|,|\"){0,9}", 1..120), batch in 1usize..2000) {
        let bytes = rows.join("\r\n").into_bytes();
        let small = evidence(&bytes, 1024, batch);
        let large = evidence(&bytes, 1 << 20, 1 << 19);
        prop_assert_eq!(&small.records, &large.records);
        prop_assert_eq!(small.labelled(), large.labelled());
    }

    #[test]
    fn any_bytes_are_read_and_labelled(bytes in proptest::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..600)) {
        run(&bytes);
        let _ = certainty("a.csv", &bytes);
        let _ = certainty("a", &bytes);
    }

    #[test]
    fn no_value_is_lost(cells in proptest::collection::vec(proptest::collection::vec("[a-z0-9张三 ]{1,8}", 3..6), 3..20)) {
        let text: String = cells.iter().map(|r| r.join(";") + "\n").collect();
        let seen = run(text.as_bytes()).everything();
        for cell in cells.iter().flatten() {
            prop_assert!(seen.contains(cell.trim()), "{}", cell);
        }
    }
}
