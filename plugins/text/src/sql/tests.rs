use super::*;
use yumen_kit_text::testing::Recorder;

fn run(text: &str) -> Recorder {
    let (artifact, mut out) = Recorder::of("a.sql", "sql", text.as_bytes());
    inspect(&artifact, &mut out).unwrap();
    assert!(out.labelled().opaque.is_empty());
    out
}

#[test]
fn mysql_dumps() {
    let text = "-- MySQL dump\nCREATE TABLE `owner` (\n `id` int, `姓名` varchar(20) COMMENT '车主姓名', `phone` char(11),\n PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\nINSERT INTO `owner` VALUES (1,'张三','13800000000'),\n(2,'O\\'Neil; x','13900000000'),(3,NULL,'it''s');\nUPDATE owner SET phone='13700000000' WHERE id=1;\n";
    let out = run(text);
    let rows = out.rows();
    assert!(rows[0][0].starts_with("-- MySQL") && rows.concat().iter().any(|v| v.contains("车主姓名")));
    assert!(rows.contains(&vec!["id=1".into(), "姓名=张三".into(), "phone=13800000000".into()]), "{rows:?}");
    assert!(rows.contains(&vec!["id=2".into(), "姓名=O'Neil; x".into(), "phone=13900000000".into()]), "{rows:?}");
    assert!(rows.contains(&vec!["id=3".into(), "phone=it's".into()]), "{rows:?}");
    assert!(rows.last().unwrap()[0].contains("13700000000"));
    let phone = out.find("13900000000").unwrap();
    let at = text.find("13900000000").unwrap() as u64;
    assert_eq!((phone.bytes, phone.place.0, phone.verbatim), ((at, at + 11), 7, true));
}

#[test]
fn postgresql_copy() {
    let out = run(
        "--\n-- PostgreSQL database dump\n--\nCOPY public.owner (id, name, phone) FROM stdin;\n1\t张三\t13800000000\n2\ta\\tb\t\\N\n\\.\n\nSELECT 1;\nINSERT INTO w (p) VALUES ('C:\\'), ('x');\n",
    );
    let rows = out.rows();
    assert!(rows.contains(&vec!["id=1".into(), "name=张三".into(), "phone=13800000000".into()]), "{rows:?}");
    assert!(rows.contains(&vec!["id=2".into(), "name=a\tb".into()]), "{rows:?}");
    assert!(rows.contains(&vec!["p=C:\\".into()]) && rows.contains(&vec!["p=x".into()]), "{rows:?}");
}

#[test]
fn sql_server_oracle_and_functions() {
    let out = run(
        "INSERT [dbo].[U] ([Id], [Name], [At]) VALUES (1, N'张三', CAST(N'2020-01-01' AS Date))\nGO\nINSERT INTO t (a,b) VALUES (TO_DATE('2020','YYYY'), -1.5);\nINSERT INTO x SELECT '139' FROM y;\n",
    );
    let rows = out.rows();
    assert!(rows[0].starts_with(&["Id=1".to_owned(), "Name=张三".to_owned(), "At=2020-01-01".to_owned()]), "{rows:?}");
    assert!(rows.iter().any(|r| r.contains(&"b=-1.5".to_owned())), "{rows:?}");
    assert!(out.everything().contains("'139'"));
}

#[test]
fn a_broken_row_ends_at_the_semicolon() {
    let out = run("INSERT INTO t VALUES (1, 2;\nINSERT INTO t (a) VALUES (3);\n");
    assert!(out.rows().contains(&vec!["a=3".to_owned()]));
}
