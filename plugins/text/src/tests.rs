use super::*;
use proptest::prelude::*;
use yumen_kit_text::testing::Recorder;
use yumen_model::Blob;

fn identity(name: &str, bytes: &[u8]) -> Option<Identity> {
    let blob = Blob::from_bytes(bytes);
    let head = &bytes[..bytes.len().min(64 << 10)];
    let tail = &bytes[bytes.len().saturating_sub(64 << 10)..];
    TextPlugin.identify(&Probe::new(head, tail, &blob, name))
}

fn is(name: &str, text: &str, format: &str, certainty: Certainty) {
    let got = identity(name, text.as_bytes()).unwrap();
    assert_eq!((got.format, got.certainty), (format, certainty), "{name}: {text}");
}

#[test]
fn content_first_name_second() {
    use Certainty::{Fallback, Likely, Plausible};
    is("a.json", "{\"a\": 1}", "json", Likely);
    is("a.txt", "{\"a\": 1}", "json", Plausible);
    is("a.dat", "{\"a\":1}\n{\"a\":2}\n", "ndjson", Plausible);
    is("a.json", "{\"a\":1}\n{\"a\":2}\n", "ndjson", Likely);
    is("a.json", "hello", "text", Plausible);
    is("a.xml", "<a><b/></a>", "xml", Likely);
    is("a", "<?xml version='1.0'?><a/>", "xml", Plausible);
    is("a.htm", "<html><body>x</body></html>", "html", Likely);
    is("x.xls", "<table><tr><td>1</td></tr></table>", "html", Plausible);
    is("a.yml", "a: 1\n", "yaml", Likely);
    is("a", "---\na: 1\nb: 2\n", "yaml", Plausible);
    is("a.ini", "[x]\na=1\n", "ini", Likely);
    is("a", "[x]\na=1\nb=2\n", "ini", Plausible);
    is("x/.env", "A=1\nB=2\n", "ini", Likely);
    is("Cargo.toml", "[a]\nb = 1\n", "toml", Likely);
    is("nginx.conf", "server {\n listen 80;\n location / {\n }\n}\n", "text", Plausible);
    is("a.sql", "SELECT 1;", "sql", Likely);
    is("dump", "-- x\nCREATE TABLE a (b int);\nINSERT INTO a VALUES (1);\n", "sql", Plausible);
    is("a.log", "2026-11-23 INFO x\n", "text", Likely);
    is("a.txt", "[2026-11-23] [INFO] x\n", "text", Likely);
    is("a.c", "int main() { return 0; }\n", "text", Plausible);
    is("a.txt", "a,b,c\n1,2,3\n4,5,6\n", "text", Fallback);
    is("a.txt", "张三", "text", Likely);
    is("empty.json", "", "empty", Likely);
    is("a.md", "<details>\n# hello\n", "text", Likely);
    // Running text and code, whatever they begin with.
    is("README.md", "<p align=\"center\">\n<img src=\"x\">\n</p>\n\n# hello\n", "text", Likely);
    is("post.md", "---\ntitle: x\n---\n# hello\n", "text", Likely);
    is("a.vim", "a,b,c\n1,2,3\n4,5,6\n", "text", Plausible);
    is("de.ts", "<?xml version=\"1.0\"?><TS><context/></TS>", "xml", Plausible);
    assert_eq!(identity("x.bin", b"\x93"), None);
    assert!(identity("a.bin", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17, 18]).is_none());
}

fn inspect(format: &'static str, bytes: &[u8]) -> Recorder {
    let (artifact, mut out) = Recorder::of("a", format, bytes);
    TextPlugin.inspect(&artifact, &Context::default(), &mut out).unwrap();
    let l = out.labelled();
    assert_eq!(l.inspected + l.container + l.opaque.values().sum::<u64>(), bytes.len() as u64);
    assert_eq!(l.opaque.get(&yumen_model::Reason::Unsupported), None, "every byte is labelled");
    out
}

#[test]
fn text_is_one_stream_with_exact_positions() {
    let text = "第一行 13800000000\n第二行\n".repeat(1000);
    let bytes = encoding_rs::GB18030.encode(&text).0.into_owned();
    let out = inspect("text", &bytes);
    assert_eq!(out.text, text);
    let last = text.rfind("138").unwrap();
    let index = text[..last].chars().count();
    assert_eq!(&bytes[out.offsets[index] as usize..][..11], b"13800000000");
}

#[test]
fn padding_and_binary_inside_a_log() {
    let mut bytes = b"line 13800000000\n".repeat(500);
    bytes.extend([0; 4096]);
    bytes.extend(b"line\n".repeat(500));
    let out = inspect("text", &bytes);
    let l = out.labelled();
    assert_eq!((l.container, l.opaque.len()), (4096, 0), "padding is known to the byte");
    assert!(out.noted("not-text-throughout"));
}

const FORMATS_TRIED: [&str; 9] = ["text", "json", "ndjson", "xml", "html", "yaml", "ini", "toml", "sql"];

fn seeds() -> Vec<&'static str> {
    vec![
        "{\"a\": \"\\u5f20\", \"b\": [1, {\"c\": null}], // x\n 'd': .5e-3}\n[1,[2,3]]\n",
        "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x \"y\">]><a b='1' c=\"2\"><![CDATA[x]]><!-- 注 --><d>&amp;&#x5F20;</d>t</a>",
        "<html><table><tr><th>姓名<td>张三</tr></table><script>if (a<b) x()</script><p>a<br/>b",
        "a: 1\nb:\n  - c: |\n      block 字\n    d: [x, {y: 'z'}]\n- \"q\\n\": !t &a 'v''w'\n--- # x\n{{ t }}\n",
        "[s]\nk = \"v\\\"\" ; c\n-----BEGIN X-----\nab==\n-----END X-----\np=\\u5f20\\\n q\nm = \"\"\"\nx\n\"\"\"\n",
        "CREATE TABLE `t` (`a` int COMMENT 'x', b char);\nINSERT INTO t (a,`b`) VALUES (1,'it''s \\' 张'),(f(2),NULL);\nCOPY t (a) FROM stdin;\n1\t\\N\n\\.\n-- end",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_panics_and_every_byte_is_labelled(bytes in proptest::collection::vec(any::<u8>(), 0..600), which in 0usize..9) {
        inspect(FORMATS_TRIED[which], &bytes);
        let _ = identity("a.json", &bytes);
    }

    #[test]
    fn damaged_files_are_read(seed in 0usize..6, which in 0usize..9, cut in 0usize..400, flips in proptest::collection::vec((0usize..400, any::<u8>()), 0..4)) {
        let mut bytes = seeds()[seed].as_bytes().to_vec();
        bytes.truncate(cut);
        for (at, byte) in flips {
            if let Some(b) = bytes.get_mut(at) { *b = byte; }
        }
        inspect(FORMATS_TRIED[which], &bytes);
        let _ = identity("a", &bytes);
    }

    #[test]
    fn digits_are_never_lost(seed in 0usize..6, which in 0usize..9, at in 0usize..300) {
        let mut text = seeds()[seed].to_owned();
        let at = text.floor_char_boundary(at);
        text.insert_str(at, " 13800000000 ");
        let seen = inspect(FORMATS_TRIED[which], text.as_bytes()).everything();
        prop_assert!(seen.contains("13800000000"), "{} {}", FORMATS_TRIED[which], text);
    }

    #[test]
    fn cuts_change_nothing(order in proptest::collection::vec(0usize..6, 1..60), which in 1usize..9, batch in 1usize..800) {
        let text: String = order.iter().flat_map(|&i| [seeds()[i], "\n"]).collect();
        let run = |chunk, batch| {
            let (artifact, mut out) = Recorder::of("a", FORMATS_TRIED[which], text.as_bytes());
            let reader = yumen_kit_text::Reader::with_sizes(&artifact, chunk, batch, &mut out).unwrap();
            match FORMATS_TRIED[which] {
                "json" => yumen_kit_text::json::read_json(reader, false),
                "ndjson" => yumen_kit_text::json::read_json(reader, true),
                "xml" => yumen_kit_xml::read(reader, yumen_kit_xml::Markup::Xml, &mut ()),
                "html" => yumen_kit_xml::read(reader, yumen_kit_xml::Markup::Html, &mut ()),
                "yaml" => yaml::read(reader),
                "sql" => sql::read(reader),
                _ => ini::read(reader),
            }.unwrap();
            out
        };
        let (small, large) = (run(1024, batch), run(1 << 20, 1 << 19));
        prop_assert_eq!(&small.records, &large.records);
        prop_assert_eq!(&small.text, &large.text);
        prop_assert_eq!(&small.offsets, &large.offsets);
        prop_assert_eq!(&small.notes, &large.notes);
    }
}
