use super::*;
use yumen_kit_text::testing::Recorder;

fn run(text: &str) -> Recorder {
    let (artifact, mut out) = Recorder::of("a.ini", "ini", text.as_bytes());
    inspect(&artifact, &mut out).unwrap();
    assert!(out.labelled().opaque.is_empty());
    out
}

#[test]
fn sections_are_records_and_flat_settings_each() {
    let out = run("; 注释\na = 1\nb=2\n[database]\nuser = 张三 ; who\npassword = \"p#1 \\\"x\\\"\"\n");
    assert_eq!(
        out.rows(),
        [
            vec!["; 注释"],
            vec!["a=1"],
            vec!["b=2"],
            vec!["; who"],
            vec!["database.user=张三", "database.password=p#1 \"x\""]
        ]
    );
}

#[test]
fn properties_escape_and_continue() {
    let out = run("owner.name=\\u5f20\\u4e09\nlist = a,\\\n   b,\\\n   c\npath=C:\\temp\\x\n");
    assert_eq!(out.rows(), [["owner.name=张三"], ["list=a,b,c"], ["path=C:\\temp\\x"]]);
}

#[test]
fn keys_in_env_and_blocks_stay_whole() {
    let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB==\n-----END PRIVATE KEY-----";
    let out = run(&format!("export KEY=\"{pem}\"\nX=1\n{pem}\nY='a b'\nT = \"\"\"\nl1\nl2\"\"\"\n"));
    assert_eq!(out.rows()[0], [format!("KEY={pem}")]);
    assert!(out.records.iter().any(|r| r[0].text.trim_end() == pem && r[0].name.is_empty()));
    assert_eq!(out.find("a b").unwrap().name, "Y");
    assert!(out.everything().contains("l1\nl2"));
}

#[test]
fn toml_and_odd_lines() {
    let out = run("[[package]]\nname = \"x\"\nurls = [\n  \"https://a\",\n]\nfree text 13800000000\n[13900000000]\n");
    for want in ["package.name=x", "package.urls=https://a", "free text 13800000000", "[13900000000]"] {
        assert!(out.rows().concat().iter().any(|v| v == want), "{want} {:?}", out.rows());
    }
}

#[test]
fn elements_of_a_list_over_several_lines_bear_its_name() {
    let out = run(
        "[package]\nauthors = [\n  \"A B <a@b.org>\", # first\n  'C',\n]\nname = \"x\"\nsizes = [\n 1,\n 2\n]\nlast=[a\n[next]\nkey=1\n",
    );
    let all = out.rows().concat();
    for want in [
        "package.authors=A B <a@b.org>",
        "# first",
        "package.authors=C",
        "package.name=x",
        "package.last=[a",
        "next.key=1",
    ] {
        assert!(all.iter().any(|v| v == want), "{want} {all:?}");
    }
}
