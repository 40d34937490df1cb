use super::*;
use yumen_kit_text::testing::Recorder;

fn run(text: &str) -> Recorder {
    let (artifact, mut out) = Recorder::of("a.yaml", "yaml", text.as_bytes());
    inspect(&artifact, &mut out).unwrap();
    assert!(out.labelled().opaque.is_empty());
    out
}

#[test]
fn mappings_are_records() {
    let text = "# 负责人 139\nowners:\n  - name: 张三   # 备注\n    phone: '13800000000'\n    car:\n      vin: \"LVSBZYDW9K4458422\"\n  - name: 李四\n    tags: [a, {k: v}]\ndb:\n  password: s3cret\nlist:\n- 1\n- two\n";
    let out = run(text);
    assert_eq!(
        out.rows(),
        [
            vec!["# 负责人 139"],
            vec!["# 备注"],
            vec!["owners.car.vin=LVSBZYDW9K4458422"],
            vec!["owners.name=张三", "owners.phone=13800000000"],
            vec!["owners.tags.k=v"],
            vec!["owners.name=李四", "owners.tags=a"],
            vec!["db.password=s3cret"],
            vec!["list=1", "list=two"],
        ]
    );
    let phone = out.find("13800000000").unwrap();
    let at = text.find("138").unwrap() as u64;
    assert_eq!((phone.bytes, phone.place), ((at, at + 11), (4, 13)));
}

#[test]
fn block_values_are_whole() {
    let text = "data:\n  key: |\n    -----BEGIN X-----\n    abc\n\n    -----END X-----\n  next: >-\n    folded\n    text\nend: 1\n---\nsecond: doc\n";
    let out = run(text);
    assert_eq!(
        out.rows()[0],
        ["data.key=-----BEGIN X-----\n    abc\n\n    -----END X-----", "data.next=folded\n    text"]
    );
    assert_eq!(out.find("doc").unwrap().name, "second");
    // Places inside are exact.
    assert!(out.records[0].iter().all(|v| v.verbatim));
    assert_eq!(out.records[0][1].place, (8, 5));
}

#[test]
fn templates_flow_over_lines_and_odd_lines() {
    let out = run(
        "{{- if .Values.x }}\nimage: {{ .Values.image }}\n{{ end }}\nnet: {\n  host: 10.0.0.1,\n  ports: [80,\n   443]\n}\nurl: http://u:p@h/x\n\"13800000000\": x\nplain text 139\n*a : b\nt: !tag &anchor value\n",
    );
    let all = out.rows().concat();
    for want in [
        "{{- if .Values.x }}",
        "net.host=10.0.0.1",
        "net.ports=443",
        "url=http://u:p@h/x",
        "13800000000",
        "plain text 139",
        "t=value",
    ] {
        assert!(all.contains(&want.to_owned()), "{want}: {all:?}");
    }
}
